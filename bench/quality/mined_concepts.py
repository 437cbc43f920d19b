"""Concepts that the digests themselves explain, drawn from an archive so that nobody's taste chooses them.

It reads 한국어(English; ABBR) in ways of its own, by what recurs and not by what the glossary knows, since it is to
tell what the glossary misses. Nothing that it finds is kept.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from bench.quality import corpus, measures

MIN_PAPERS = 3
"""So many papers must write a concept in any of its forms."""

_MIN_PAPERS_PER_LANGUAGE = 2
"""And so many each side of it, the Korean one and the other."""
_MIN_SINGLE_WORD_GLOSSES = 2
"""A single word is a term, and not just a word that somebody translated, where two papers explain it so."""
_MAIN_SHARE = 0.7
_OWN_SHARE = 0.5
_MIN_SHARE_OF_MAIN = 0.2
_GLOSS = re.compile(r"((?:[가-힣0-9A-Za-z\-]+ ){0,6}[가-힣0-9A-Za-z\-]*[가-힣]) ?\(([^()\n]{3,80})\)")
_ENGLISH_GLOSS = re.compile(r"((?:[A-Za-z\-]+ ){1,6}[A-Za-z\-]+) ?\(([A-Z][A-Za-z\-]{1,8})\)")
_ENGLISH = re.compile(r"[A-Za-z][A-Za-z\-]*(?: [A-Za-z\-]+){0,5}")
_ABBREVIATION = re.compile(r"(?=(?:.*[A-Z]){2})[A-Za-z0-9\-]{2,9}")
_JOINTS = re.compile(r"[\s\-]+")
# Words that no term begins with: what stands in front of them is another part of the sentence.
_OUTSIDE = (
    "및 또는 위한 통한 통해 대한 기반한 기존 기존의 새로운 다양한 이러한 같은 있는 없는 하는 등의 사용한 활용한 이용한 사용하는 "
    "활용하는 최신 최근 특히 주로 모든 여러 각 두 이 그 더 한 는 은 를 을 의 와 과 에 위해 대해 관한"
)
_NON_TERM_WORDS = frozenset(_OUTSIDE.split())
_ENDED = re.compile(
    r".*[가-힣](?:[은는을를의와과가]|에서|에게|으로|하여|하고|되는|하는|위한|통한|통해|적인)|.*[A-Za-z0-9](?:[은는을를의와과가이]|에서|으로)"
)
_NOT_INSIDE_TERM = re.compile(r".*(?:[은는을를]|에서|으로|하여|하고|되는|하는)")


class _Gloss(NamedTuple):
    """One parenthesis: the Korean words in front, or none, and what it held."""

    paper: str
    words: tuple[str, ...]
    english: str
    abbreviation: str


def mine_concepts(papers: Sequence[corpus.Paper]) -> list[measures.Concept]:
    """Return what papers explain and at least `LEAST_PAPERS` write; a third of it is what may be looked at."""
    truth = measures.GroundTruth(papers)
    by_term: dict[str, list[_Gloss]] = defaultdict(list)
    for paper in papers:
        for one in _extract_glosses(paper):
            by_term[_key(one.english)].append(one)
    korean = _unambiguous_forms({key: _korean_forms(rows, truth) for key, rows in by_term.items()})
    abbreviated, listed = _abbreviations(by_term), _curated_concepts()
    found: list[measures.Concept] = []
    for key, forms in sorted(korean.items()):
        usual = _most_common(Counter(one.english.lower() for one in by_term[key]))
        english = tuple(dict.fromkeys((usual, _singular(usual))))
        concept = measures.Concept(forms, english, abbreviated.get(key, ()), is_tuning(key))
        if _has_enough_papers(concept, truth):
            found.append(_merge_curated(concept, listed.get(key, [])))
    return found


def measure(
    asked: Iterable[measures.Concept],
    papers: Sequence[corpus.Paper],
    search: measures.SearchFunction,
    figures: measures.MetricSamples,
) -> int:
    """Add the samples of concepts over some papers; return how many counted.

    Left out is what more papers write than an answer is looked at: no order of them could hold the others all.
    """
    truth, counted = measures.GroundTruth(papers), 0
    for one in asked:
        relevant = truth.find_papers(one.korean + one.english) | truth.find_papers(one.abbreviations, True)
        if len(relevant) <= measures.recall_cutoff(len(papers)):
            counted += measures.measure_concept(one, truth, search, len(papers), figures)
    return counted


def _curated_concepts() -> dict[str, list[measures.Concept]]:
    """Return the terms of the sets made by hand by the keys of their English forms."""
    found: dict[str, list[measures.Concept]] = defaultdict(list)
    for one in (*measures.load_concepts(), *measures.load_words()):
        for key in {_key(text) for text in one.english}:
            found[key].append(one)
    return found


def _merge_curated(concept: measures.Concept, listed: Iterable[measures.Concept]) -> measures.Concept:
    """Add the further forms that the sets made by hand know of a concept: who writes those only is not wrong."""
    korean, english = list(concept.korean), list(concept.english)
    for one in listed:
        korean += one.korean
        english += one.english
    return replace(concept, korean=tuple(dict.fromkeys(korean)), english=tuple(dict.fromkeys(english)))


def is_tuning(key: str) -> bool:
    """Tell whether a term is of the third that may be looked at: by its hash, so always the same."""
    return hashlib.sha256(f"explained {key}".encode()).digest()[0] % 3 == 0


def _has_enough_papers(concept: measures.Concept, truth: measures.GroundTruth) -> bool:
    korean = truth.find_papers(concept.korean[:1])
    others = truth.find_papers(concept.english) | truth.find_papers(concept.abbreviations, True)
    return min(len(korean), len(others)) >= _MIN_PAPERS_PER_LANGUAGE and len(korean | others) >= MIN_PAPERS


def _extract_glosses(paper: corpus.Paper) -> Iterator[_Gloss]:
    text = re.sub(r"[*`]", "", f"{paper.title}\n{paper.body}")
    for match in _GLOSS.finditer(text):
        pieces = [piece.strip() for piece in re.split("[;,]", match[2])]
        english = next(
            (one for one in pieces if _ENGLISH.fullmatch(one) and not _ABBREVIATION.fullmatch(one)), ""
        )
        abbreviation = next((one for one in pieces if _ABBREVIATION.fullmatch(one)), "")
        if english and len(pieces) == (2 if abbreviation else 1):
            yield _Gloss(paper.arxiv_id, tuple(match[1].split()), english, abbreviation.removesuffix("s"))
    for match in _ENGLISH_GLOSS.finditer(text):
        words = _expand_abbreviation(match[1].split(), match[2].removesuffix("s"))
        if words:
            yield _Gloss(paper.arxiv_id, (), words, match[2].removesuffix("s"))


def _expand_abbreviation(words: list[str], abbreviation: str) -> str:
    """Return the last words of which the abbreviation has the initials, or nothing."""
    for last in (words[-length:] for length in range(2, len(words) + 1)):
        parts = [part for part in _JOINTS.split(" ".join(last)) if part]
        if "".join(part[0] for part in parts).lower() == abbreviation.lower():
            return " ".join(last)
    return ""


def _key(english: str) -> str:
    """Return the letters of a term, its words in the singular, so that spaces and hyphens make no difference."""
    return "".join(map(_singular, _JOINTS.split(english.lower())))


def _singular(text: str) -> str:
    return re.sub(r"(?<=[a-z]{3})(?<![su])s$", "", re.sub("ies$", "y", text))


def _most_common(counts: Counter[str]) -> str:
    """Return the commonest writing of those with most spaces and hyphens, by which all of them are found."""
    apart = max(len(_JOINTS.split(text)) for text in counts)
    some = {text: n for text, n in counts.items() if len(_JOINTS.split(text)) == apart}
    return max(some, key=lambda text: (some[text], text))


def _abbreviations(by_term: dict[str, list[_Gloss]]) -> dict[str, tuple[str, ...]]:
    """Return the abbreviation of each term, if it stands hardly ever for anything else."""
    papers: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for key, rows in by_term.items():
        for one in rows:
            if one.abbreviation:
                papers[one.abbreviation][key].add(one.paper)
    found: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for abbreviation, terms in papers.items():
        main = max(terms, key=lambda key: (len(terms[key]), key))
        if len(terms[main]) >= _MAIN_SHARE * sum(map(len, terms.values())):
            found[main].append((len(terms[main]), abbreviation))
    return {key: (max(rows)[1],) for key, rows in found.items()}


def _korean_forms(rows: Iterable[_Gloss], truth: measures.GroundTruth) -> dict[str, Counter[str]]:
    """Return the Korean forms of a term by their letters, each with its writings and how often they explain it."""
    known = list(dict.fromkeys(rows))
    expected = max(len(_JOINTS.split(one.english)) for one in known)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for one in known:
        text = _korean_term(one.words, expected, truth)
        if text:
            counts[_JOINTS.sub("", text)][text] += 1
    least = _MIN_SINGLE_WORD_GLOSSES if expected == 1 else 1
    return {letters: written for letters, written in counts.items() if written.total() >= least}


def _korean_term(words: tuple[str, ...], expected: int, truth: measures.GroundTruth) -> str:
    """Return as many of the last words as the English has, or fewer, so that more than one paper writes them so."""
    for length in range(len(words), 0, -1):
        some = words[-length:]
        text = " ".join(some)
        counted = len(_JOINTS.split(text))
        if (
            counted <= expected <= 2 * counted
            and not _NON_TERM_WORDS.intersection(some)
            and not any(map(_NOT_INSIDE_TERM.fullmatch, some[:-1]))
            and len(re.sub("[^가-힣]", "", text)) >= 2 * expected - (counted == expected)
            and _is_term_boundary(words[:-length])
            and len(truth.find_papers([text])) >= _MIN_PAPERS_PER_LANGUAGE
        ):
            return text
    return ""


def _is_term_boundary(before: tuple[str, ...]) -> bool:
    """Tell whether a term begins here for sure: behind nothing, a word that no term holds, or one with an ending."""
    return not before or before[-1] in _NON_TERM_WORDS or _ENDED.fullmatch(before[-1]) is not None


def _unambiguous_forms(found: Mapping[str, Mapping[str, Counter[str]]]) -> dict[str, tuple[str, ...]]:
    """Keep of each term the Korean forms that explain no other term as often, the usual one first."""
    total: Counter[str] = Counter()
    for forms in found.values():
        total.update({letters: counts.total() for letters, counts in forms.items()})
    owned: dict[str, tuple[str, ...]] = {}
    for key, forms in found.items():
        own = [
            one
            for one, counts in forms.items()
            if counts.total() > _OWN_SHARE * total[one]
            and not any(one.endswith(other) and one != other for other in forms)
        ]
        ranked = sorted(own, key=lambda one: (-forms[one].total(), one))
        if ranked:
            least = _MIN_SHARE_OF_MAIN * forms[ranked[0]].total()
            owned[key] = tuple(_most_common(forms[one]) for one in ranked if forms[one].total() >= least)
    return owned
