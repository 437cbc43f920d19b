"""Measures search quality by concepts. Each form of a concept (Korean, English, abbreviation) is a query.

cross: recall of papers that only have other forms of the concept. core: recall of papers with the concept in
the title or twice in the text. p@10: precision of the first ten. triple: overlap between the first twenty of
two forms. spacing: overlap between the first twenty with and without spaces.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from statistics import fmean

from bench.quality import corpus

SearchFunction = Callable[[str, int], list[str]]
"""Returns the arXiv ids of a query's papers, best first, up to a limit."""

_HERE = Path(__file__).parent
_MIN_PAPERS = 3
_WORD_START = "^"
"""Marks a Korean form that must begin a word."""


@dataclass(frozen=True, slots=True)
class MeasuredConcept:
    """A concept in our set, its forms by kind, each first one a query, and `others`: papers that abbreviate another term so."""

    korean: tuple[str, ...]
    english: tuple[str, ...]
    abbreviations: tuple[str, ...]
    is_tuning: bool
    others: frozenset[str] = frozenset()

    @property
    def queries(self) -> list[str]:
        """One query per kind of form."""
        return [forms[0] for forms in (self.korean, self.english, self.abbreviations) if forms]


@dataclass(slots=True)
class MetricSamples:
    """Samples by measure. A figure is the mean of its samples."""

    samples: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, value: float | None) -> None:
        """Add a sample unless it is None."""
        if value is not None:
            self.samples.setdefault(name, []).append(value)

    def means(self) -> dict[str, float]:
        """Return the rounded figures."""
        return {name: round(fmean(values), 3) for name, values in self.samples.items()}


def load_concepts() -> list[MeasuredConcept]:
    """Read the set of concepts. Every third line is for tuning; the others are held out."""
    return [
        MeasuredConcept(_split(ko), _split(en), _split(short), number % 3 == 0, frozenset(_split(others)))
        for number, (ko, en, short, others) in enumerate(_rows("concepts.tsv", 4))
    ]


def load_words() -> list[MeasuredConcept]:
    """Read two-syllable Korean words and their English translations."""
    rows = enumerate(_rows("words.tsv", 2))
    return [
        MeasuredConcept(_split(ko), _split(en), (), is_tuning=number % 3 == 0) for number, (ko, en) in rows
    ]


def load_mixed_queries() -> list[tuple[str, tuple[str, str], bool]]:
    """Read queries of two parts, mostly in two languages: query, forms of each part, and whether it is for tuning."""
    return [
        (query, (first, second), number % 3 == 0)
        for number, (query, first, second) in enumerate(_rows("mixed.tsv", 3))
    ]


def _rows(name: str, columns: int) -> list[list[str]]:
    text = (_HERE / name).read_text(encoding="utf-8")
    return [f"{line}\t\t\t".split("\t")[:columns] for line in text.splitlines() if line]


def _split(column: str) -> tuple[str, ...]:
    return tuple(filter(None, column.split("|")))


class GroundTruth:
    """Finds papers that contain a form with regular expressions, independently of the code being measured."""

    def __init__(self, papers: Sequence[corpus.Paper]) -> None:
        texts = {paper.arxiv_id: (paper.title, f"{paper.title}\n{paper.body}") for paper in papers}
        self._texts = {paper: (title, text, text.casefold()) for paper, (title, text) in texts.items()}
        self._cache: dict[tuple[str, bool], dict[str, int]] = {}

    def find_papers(self, forms: Iterable[str], is_abbreviation: bool = False) -> set[str]:
        """Return the ids of the papers that contain any of the forms."""
        return {paper for form in forms for paper in self._counts(form, is_abbreviation)}

    def find_core_papers(self, concept: MeasuredConcept) -> set[str]:
        """Return the papers with any form in the title or with two occurrences."""
        total: dict[str, int] = {}
        for forms, is_abbreviation in (
            (concept.korean + concept.english, False),
            (concept.abbreviations, True),
        ):
            for form in forms:
                for paper, count in self._counts(form, is_abbreviation).items():
                    total[paper] = total.get(paper, 0) + count
        return {paper for paper, count in total.items() if count >= 2} - concept.others

    def _counts(self, form: str, is_abbreviation: bool) -> dict[str, int]:
        """Return how often each paper contains a form. Occurrences in the title count twice."""
        counts = self._cache.get((form, is_abbreviation))
        if counts is None:
            pattern = _pattern(form, is_abbreviation)
            # Most texts lack the longest word, and are read faster without a regular expression.
            words = re.split(r"[\s\-]", form.removeprefix(_WORD_START).removesuffix("ing").casefold())
            longest = max(words, key=len)
            counts = {
                paper: count + len(pattern.findall(title))
                for paper, (title, text, folded) in self._texts.items()
                if longest in folded and (count := len(pattern.findall(text)))
            }
            self._cache[form, is_abbreviation] = counts
        return counts


def _pattern(form: str, is_abbreviation: bool) -> re.Pattern[str]:
    if re.search("[가-힣]", form):
        start = "(?<![가-힣])" if form.startswith(_WORD_START) else ""
        form = form.removeprefix(_WORD_START)
        return re.compile(start + r"[\s\-]?".join(map(re.escape, re.split(r"[\s\-]", form))), re.IGNORECASE)
    if is_abbreviation:
        return re.compile(rf"(?<![A-Za-z0-9]){re.escape(form)}s?(?![A-Za-z0-9])")
    words = r"[\s\-]*".join(map(re.escape, re.split(r"[\s\-]", form.removesuffix("ing"))))
    return re.compile(rf"(?<![a-z]){words}(?:s|es|ed|d|ing|e)?(?![a-z])", re.IGNORECASE)


def recall_cutoff(papers: int) -> int:
    """Return the number of results that count for recall: 500, or a tenth of the papers if that is less."""
    return min(500, max(10, papers // 10))


def measure_concept(
    concept: MeasuredConcept, truth: GroundTruth, search: SearchFunction, papers: int, figures: MetricSamples
) -> bool:
    """Add the samples for one concept. Returns False if the archive has too few papers on it."""
    kinds = [
        truth.find_papers(concept.korean),
        truth.find_papers(concept.english),
        truth.find_papers(concept.abbreviations, True) - concept.others,
    ]
    if len(relevant := set().union(*kinds)) < _MIN_PAPERS:
        return False
    cutoff, first = recall_cutoff(papers), min(50, max(10, papers // 10))
    core = truth.find_core_papers(concept)
    own = [
        kind
        for kind, forms in zip(kinds, (concept.korean, concept.english, concept.abbreviations), strict=True)
        if forms
    ]
    answers = [search(query, cutoff) for query in concept.queries]
    for query, answer, written in zip(concept.queries, answers, own, strict=True):
        kind = "ko" if query == concept.korean[0] else "en" if query == concept.english[0] else "abbr"
        others = relevant - written
        share = _recall(set(answer[:cutoff]), others, cutoff)
        figures.add("cross", share)
        figures.add(f"cross {kind}", share)
        figures.add("core", _recall(set(answer[:first]), core, first))
        figures.add("p@10", _precision(answer, relevant))
    for answer, other in combinations(answers, 2):
        figures.add("triple", _jaccard(answer[:20], other[:20]))
    if " " in concept.korean[0]:
        closed = search(concept.korean[0].replace(" ", ""), cutoff)
        figures.add("spacing", _jaccard(answers[0][:20], closed[:20]))
    return True


def measure_word(
    word: MeasuredConcept, truth: GroundTruth, search: SearchFunction, papers: int, figures: MetricSamples
) -> None:
    """Add the samples for a single word. Papers with the word or its translation are relevant.

    Two syllables at the end of a longer word do not count: 정확도로 does not contain 도로.
    """
    typed = tuple(f"{_WORD_START}{form}" for form in word.korean)
    relevant = truth.find_papers(typed + word.english)
    if len(relevant) < _MIN_PAPERS:
        return
    first = min(50, max(10, papers // 10))
    answer = search(word.korean[0], first)
    figures.add("word p@10", _precision(answer, relevant))
    figures.add("word core", _recall(set(answer), truth.find_core_papers(replace(word, korean=typed)), first))


def find_papers_of_part(part: str, truth: GroundTruth) -> set[str]:
    """Return the papers with any form of a part. A star marks abbreviations and names, which are case-sensitive."""
    forms = _split(part)
    return truth.find_papers([form for form in forms if form[0] != "*"]) | truth.find_papers(
        [form[1:] for form in forms if form[0] == "*"], True
    )


def measure_mixed(
    query: str, parts: Sequence[set[str]], search: SearchFunction, papers: int, figures: MetricSamples
) -> None:
    """Add the samples for a query of two parts. Papers with both parts are relevant."""
    relevant = set.intersection(*parts)
    if len(relevant) < _MIN_PAPERS:
        return
    first = min(50, max(10, papers // 10))
    answer = search(query, first)
    figures.add("mixed p@10", _precision(answer, relevant))
    figures.add("mixed core", _recall(set(answer), relevant, first))


def _recall(answer: set[str], relevant: set[str], cutoff: int) -> float | None:
    """Return the recall, where at most `cutoff` papers can be found; None if no papers are relevant."""
    return len(answer & relevant) / min(len(relevant), cutoff) if relevant else None


def _precision(answer: Sequence[str], relevant: set[str]) -> float:
    """Return the precision of the first ten results, or of fewer if fewer papers are relevant."""
    first = min(10, len(relevant))
    return sum(1 for paper in answer[:first] if paper in relevant) / first


def _jaccard(first: Sequence[str], second: Sequence[str]) -> float:
    union = set(first) | set(second)
    return len(set(first) & set(second)) / len(union) if union else 1.0
