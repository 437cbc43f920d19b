"""Concepts that the digests themselves define, mined from an archive as an unbiased test set.

Definitions such as 한국어(English; ABBR) are read independently of the glossary, by what recurs, since the set is to show
what the glossary misses.
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
"""Minimum number of papers with any form of a concept."""

_MIN_PAPERS_PER_LANGUAGE = 2
"""Minimum number of papers with a Korean form, and of papers with another form."""
_MIN_SINGLE_WORD_GLOSSES = 2
"""Definitions from which a single word counts as a term and not as a translated word."""
_MAIN_SHARE = 0.7
_OWN_SHARE = 0.5
_MIN_SHARE_OF_MAIN = 0.2
_GLOSS = re.compile(r"((?:[가-힣0-9A-Za-z\-]+ ){0,6}[가-힣0-9A-Za-z\-]*[가-힣]) ?\(([^()\n]{3,80})\)")
_ENGLISH_GLOSS = re.compile(r"((?:[A-Za-z\-]+ ){1,6}[A-Za-z\-]+) ?\(([A-Z][A-Za-z\-]{1,8})\)")
_ENGLISH = re.compile(r"[A-Za-z][A-Za-z\-]*(?: [A-Za-z\-]+){0,5}")
_ABBREVIATION = re.compile(r"(?=(?:.*[A-Z]){2})[A-Za-z0-9\-]{2,9}")
_JOINTS = re.compile(r"[\s\-]+")
# Words that are never part of a term: a term begins after them.
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
    """A definition: the Korean words before a parenthesis, or none, and its content."""

    paper: str
    words: tuple[str, ...]
    english: str
    abbreviation: str


def mine_concepts(papers: Sequence[corpus.Paper]) -> list[measures.Concept]:
    """Return the concepts that papers define and at least `MIN_PAPERS` contain; a third of them is for tuning."""
    truth = measures.GroundTruth(papers)
    by_term: dict[str, list[_Gloss]] = defaultdict(list)
    for paper in papers:
        for gloss in _extract_glosses(paper):
            by_term[_key(gloss.english)].append(gloss)
    korean = _unambiguous_forms({key: _korean_forms(rows, truth) for key, rows in by_term.items()})
    abbreviated, curated = _abbreviations(by_term), _curated_concepts()
    concepts: list[measures.Concept] = []
    for key, forms in sorted(korean.items()):
        usual = _most_common(Counter(gloss.english.lower() for gloss in by_term[key]))
        english = tuple(dict.fromkeys((usual, _singular(usual))))
        concept = measures.Concept(forms, english, abbreviated.get(key, ()), is_tuning(key))
        if _has_enough_papers(concept, truth):
            concepts.append(_merge_curated(concept, curated.get(key, [])))
    return concepts


def measure(
    concepts: Iterable[measures.Concept],
    papers: Sequence[corpus.Paper],
    search: measures.SearchFunction,
    figures: measures.MetricSamples,
) -> int:
    """Add the samples of concepts over some papers; return the number of concepts measured.

    Concepts in more papers than the recall cutoff are left out: no ranking could contain all of them.
    """
    truth, counted = measures.GroundTruth(papers), 0
    for concept in concepts:
        relevant = truth.find_papers(concept.korean + concept.english) | truth.find_papers(
            concept.abbreviations, True
        )
        if len(relevant) <= measures.recall_cutoff(len(papers)):
            counted += measures.measure_concept(concept, truth, search, len(papers), figures)
    return counted


def _curated_concepts() -> dict[str, list[measures.Concept]]:
    """Return the concepts of the curated sets by the keys of their English forms."""
    by_key: dict[str, list[measures.Concept]] = defaultdict(list)
    for concept in (*measures.load_concepts(), *measures.load_words()):
        for key in {_key(text) for text in concept.english}:
            by_key[key].append(concept)
    return by_key


def _merge_curated(concept: measures.Concept, curated: Iterable[measures.Concept]) -> measures.Concept:
    """Add the forms of the curated sets to a concept: papers with only those are relevant too."""
    korean, english = list(concept.korean), list(concept.english)
    for other in curated:
        korean += other.korean
        english += other.english
    return replace(concept, korean=tuple(dict.fromkeys(korean)), english=tuple(dict.fromkeys(english)))


def is_tuning(key: str) -> bool:
    """Tell whether a term is in the third for tuning, by its hash."""
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
            (piece for piece in pieces if _ENGLISH.fullmatch(piece) and not _ABBREVIATION.fullmatch(piece)),
            "",
        )
        abbreviation = next((piece for piece in pieces if _ABBREVIATION.fullmatch(piece)), "")
        if english and len(pieces) == (2 if abbreviation else 1):
            yield _Gloss(paper.arxiv_id, tuple(match[1].split()), english, abbreviation.removesuffix("s"))
    for match in _ENGLISH_GLOSS.finditer(text):
        words = _expand_abbreviation(match[1].split(), match[2].removesuffix("s"))
        if words:
            yield _Gloss(paper.arxiv_id, (), words, match[2].removesuffix("s"))


def _expand_abbreviation(words: list[str], abbreviation: str) -> str:
    """Return the last words whose initials are the abbreviation, or ""."""
    for last in (words[-length:] for length in range(2, len(words) + 1)):
        parts = [part for part in _JOINTS.split(" ".join(last)) if part]
        if "".join(part[0] for part in parts).lower() == abbreviation.lower():
            return " ".join(last)
    return ""


def _key(english: str) -> str:
    """Return the normal form of a term: its words in the singular, without spaces and hyphens."""
    return "".join(map(_singular, _JOINTS.split(english.lower())))


def _singular(text: str) -> str:
    return re.sub(r"(?<=[a-z]{3})(?<![su])s$", "", re.sub("ies$", "y", text))


def _most_common(counts: Counter[str]) -> str:
    """Return the most frequent of the spellings with most spaces and hyphens, whose pattern matches all others."""
    max_words = max(len(_JOINTS.split(text)) for text in counts)
    spellings = {text: n for text, n in counts.items() if len(_JOINTS.split(text)) == max_words}
    return max(spellings, key=lambda text: (spellings[text], text))


def _abbreviations(by_term: dict[str, list[_Gloss]]) -> dict[str, tuple[str, ...]]:
    """Return the abbreviation of each term, if it hardly ever means another term."""
    papers: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for key, rows in by_term.items():
        for gloss in rows:
            if gloss.abbreviation:
                papers[gloss.abbreviation][key].add(gloss.paper)
    by_key: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for abbreviation, terms in papers.items():
        main = max(terms, key=lambda key: (len(terms[key]), key))
        if len(terms[main]) >= _MAIN_SHARE * sum(map(len, terms.values())):
            by_key[main].append((len(terms[main]), abbreviation))
    return {key: (max(rows)[1],) for key, rows in by_key.items()}


def _korean_forms(rows: Iterable[_Gloss], truth: measures.GroundTruth) -> dict[str, Counter[str]]:
    """Return the Korean forms of a term without spaces, each with the counts of its spellings in definitions."""
    glosses = list(dict.fromkeys(rows))
    expected = max(len(_JOINTS.split(gloss.english)) for gloss in glosses)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for gloss in glosses:
        text = _korean_term(gloss.words, expected, truth)
        if text:
            counts[_JOINTS.sub("", text)][text] += 1
    min_count = _MIN_SINGLE_WORD_GLOSSES if expected == 1 else 1
    return {letters: spellings for letters, spellings in counts.items() if spellings.total() >= min_count}


def _korean_term(words: tuple[str, ...], expected: int, truth: measures.GroundTruth) -> str:
    """Return the longest suffix of the words, up to the number of English words, that more than one paper contains."""
    for length in range(len(words), 0, -1):
        suffix = words[-length:]
        text = " ".join(suffix)
        word_count = len(_JOINTS.split(text))
        if (
            word_count <= expected <= 2 * word_count
            and not _NON_TERM_WORDS.intersection(suffix)
            and not any(map(_NOT_INSIDE_TERM.fullmatch, suffix[:-1]))
            and len(re.sub("[^가-힣]", "", text)) >= 2 * expected - (word_count == expected)
            and _is_term_boundary(words[:-length])
            and len(truth.find_papers([text])) >= _MIN_PAPERS_PER_LANGUAGE
        ):
            return text
    return ""


def _is_term_boundary(before: tuple[str, ...]) -> bool:
    """Tell whether a term surely begins after these words: after none, a non-term word, or a word with an ending."""
    return not before or before[-1] in _NON_TERM_WORDS or _ENDED.fullmatch(before[-1]) is not None


def _unambiguous_forms(by_term: Mapping[str, Mapping[str, Counter[str]]]) -> dict[str, tuple[str, ...]]:
    """Return for each term the Korean forms that define no other term as often, the most usual first."""
    total: Counter[str] = Counter()
    for forms in by_term.values():
        total.update({letters: counts.total() for letters, counts in forms.items()})
    owned: dict[str, tuple[str, ...]] = {}
    for key, forms in by_term.items():
        own = [
            form
            for form, counts in forms.items()
            if counts.total() > _OWN_SHARE * total[form]
            and not any(form.endswith(other) and form != other for other in forms)
        ]
        ranked = sorted(own, key=lambda form: (-forms[form].total(), form))
        if ranked:
            min_count = _MIN_SHARE_OF_MAIN * forms[ranked[0]].total()
            owned[key] = tuple(
                _most_common(forms[form]) for form in ranked if forms[form].total() >= min_count
            )
    return owned
