"""What is measured, over concepts written in Korean, in English and as an abbreviation, each form a query.

cross: of the papers that write a concept only in other forms, the share found. core: of the papers with it in
the title or twice, the share among the first. precision: of the first ten, those that hold it. triple: how alike
the first twenty of two forms are. spacing: the same with and without spaces.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

from bench.quality import corpus

SearchFunction = Callable[[str, int], list[str]]
"""Gives the ids of the papers for a query, best first, at most so many."""

_HERE = Path(__file__).parent
_MIN_PAPERS = 3


@dataclass(frozen=True, slots=True)
class Concept:
    """One line of our set: Korean forms, English forms, abbreviations; the first of each is the query."""

    korean: tuple[str, ...]
    english: tuple[str, ...]
    abbreviations: tuple[str, ...]
    is_tuning: bool

    @property
    def queries(self) -> list[str]:
        """One query a kind of form."""
        return [forms[0] for forms in (self.korean, self.english, self.abbreviations) if forms]


@dataclass(slots=True)
class MetricSamples:
    """Samples of each measure; the figure is their mean."""

    samples: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, value: float | None) -> None:
        """Add a sample, unless there was nothing to measure."""
        if value is not None:
            self.samples.setdefault(name, []).append(value)

    def means(self) -> dict[str, float]:
        """Return the figures, rounded."""
        return {name: round(fmean(values), 3) for name, values in self.samples.items()}


def load_concepts() -> list[Concept]:
    """Read our set. A third of it, every third line, is what we tune on; the rest is kept apart."""
    return [
        Concept(_split(ko), _split(en), _split(abbreviated), is_tuning=number % 3 == 0)
        for number, (ko, en, abbreviated) in enumerate(_rows("concepts.tsv", 3))
    ]


def load_words() -> list[Concept]:
    """Read single Korean words of two syllables and the English words for the same."""
    rows = enumerate(_rows("words.tsv", 2))
    return [Concept(_split(ko), _split(en), (), is_tuning=number % 3 == 0) for number, (ko, en) in rows]


def load_mixed_queries() -> list[tuple[str, tuple[str, str], bool]]:
    """Read queries of two parts, mostly in two languages, with the forms of each part."""
    return [
        (query, (one, other), number % 3 == 0)
        for number, (query, one, other) in enumerate(_rows("mixed.tsv", 3))
    ]


def _rows(name: str, columns: int) -> list[list[str]]:
    text = (_HERE / name).read_text(encoding="utf-8")
    return [f"{line}\t\t".split("\t")[:columns] for line in text.splitlines() if line]


def _split(column: str) -> tuple[str, ...]:
    return tuple(filter(None, column.split("|")))


class GroundTruth:
    """Which papers hold a form, by plain patterns of its own and not by what is measured."""

    def __init__(self, papers: Sequence[corpus.Paper]) -> None:
        self._texts = {paper.arxiv_id: (paper.title, f"{paper.title}\n{paper.body}") for paper in papers}
        self._known: dict[tuple[str, bool], dict[str, int]] = {}

    def find_papers(self, forms: Iterable[str], is_abbreviation: bool = False) -> set[str]:
        """Return the ids of the papers that hold any of the forms."""
        return {paper for form in forms for paper in self._counts(form, is_abbreviation)}

    def find_core_papers(self, concept: Concept) -> set[str]:
        """Return the papers with any form in the title or two occurrences in all."""
        total: dict[str, int] = {}
        for forms, is_abbreviation in (
            (concept.korean + concept.english, False),
            (concept.abbreviations, True),
        ):
            for form in forms:
                for paper, count in self._counts(form, is_abbreviation).items():
                    total[paper] = total.get(paper, 0) + count
        return {paper for paper, count in total.items() if count >= 2}

    def _counts(self, form: str, is_abbreviation: bool) -> dict[str, int]:
        """Count a form in each paper, one in the title as two."""
        known = self._known.get((form, is_abbreviation))
        if known is None:
            pattern = _pattern(form, is_abbreviation)
            known = {
                paper: count + len(pattern.findall(title))
                for paper, (title, text) in self._texts.items()
                if (count := len(pattern.findall(text)))
            }
            self._known[form, is_abbreviation] = known
        return known


def _pattern(form: str, is_abbreviation: bool) -> re.Pattern[str]:
    if re.search("[가-힣]", form):
        return re.compile(r"[\s\-]?".join(map(re.escape, re.split(r"[\s\-]", form))), re.IGNORECASE)
    if is_abbreviation:
        return re.compile(rf"(?<![A-Za-z0-9]){re.escape(form)}s?(?![A-Za-z0-9])")
    words = r"[\s\-]*".join(map(re.escape, re.split(r"[\s\-]", form.removesuffix("ing"))))
    return re.compile(rf"(?<![a-z]){words}(?:s|es|ed|d|ing|e)?(?![a-z])", re.IGNORECASE)


def recall_cutoff(papers: int) -> int:
    """Return how many answers are looked at for what is only written otherwise: 500, of few papers a tenth."""
    return min(500, max(10, papers // 10))


def measure_concept(
    concept: Concept, truth: GroundTruth, search: SearchFunction, papers: int, figures: MetricSamples
) -> bool:
    """Add the samples of one concept; False when the archive has too few papers of it."""
    kinds = [
        truth.find_papers(concept.korean),
        truth.find_papers(concept.english),
        truth.find_papers(concept.abbreviations, True),
    ]
    relevant = set().union(*kinds)
    if len(relevant) < _MIN_PAPERS:
        return False
    looked_at, first = recall_cutoff(papers), min(50, max(10, papers // 10))
    core = truth.find_core_papers(concept)
    own = [
        kind
        for kind, forms in zip(kinds, (concept.korean, concept.english, concept.abbreviations), strict=True)
        if forms
    ]
    answers = [search(query, looked_at) for query in concept.queries]
    for query, answer, written in zip(concept.queries, answers, own, strict=True):
        kind = "ko" if query == concept.korean[0] else "en" if query == concept.english[0] else "abbr"
        others = relevant - written
        share = _recall(set(answer[:looked_at]), others, looked_at)
        figures.add("cross", share)
        figures.add(f"cross {kind}", share)
        figures.add("core", _recall(set(answer[:first]), core, first))
        figures.add("union", _recall(set(answer[:looked_at]), relevant, looked_at))
        figures.add("p@10", _precision(answer, relevant))
        figures.add("p@10 of those found", _precision_of_returned(answer, relevant))
    for place, one in enumerate(answers):
        for other in answers[place + 1 :]:
            figures.add("triple", _jaccard(one[:20], other[:20]))
    if " " in concept.korean[0]:
        closed = search(concept.korean[0].replace(" ", ""), looked_at)
        figures.add("spacing", _jaccard(answers[0][:20], closed[:20]))
    return True


def measure_word(
    word: Concept, truth: GroundTruth, search: SearchFunction, papers: int, figures: MetricSamples
) -> None:
    """Add the samples of a single word: what holds the word itself or its English."""
    relevant = truth.find_papers(word.korean + word.english)
    if len(relevant) < _MIN_PAPERS:
        return
    first = min(50, max(10, papers // 10))
    answer = search(word.korean[0], first)
    figures.add("word p@10", _precision(answer, relevant))
    figures.add("word p@10 literal", _precision(answer, truth.find_papers(word.korean)))
    figures.add("word core", _recall(set(answer), truth.find_core_papers(word), first))
    figures.add(
        "word core literal",
        _recall(set(answer), truth.find_core_papers(Concept(word.korean, (), (), False)), first),
    )


def find_papers_of_part(part: str, truth: GroundTruth) -> set[str]:
    """Return the papers that hold any form of a part; a star marks abbreviations and names, whose case counts."""
    forms = _split(part)
    return truth.find_papers([form for form in forms if form[0] != "*"]) | truth.find_papers(
        [form[1:] for form in forms if form[0] == "*"], True
    )


def measure_mixed(
    query: str, parts: Sequence[set[str]], search: SearchFunction, papers: int, figures: MetricSamples
) -> None:
    """Add the samples of a query of two parts: what holds both."""
    relevant = set.intersection(*parts)
    if len(relevant) < _MIN_PAPERS:
        return
    first = min(50, max(10, papers // 10))
    answer = search(query, first)
    figures.add("mixed p@10", _precision(answer, relevant))
    figures.add("mixed core", _recall(set(answer), relevant, first))


def _recall(found: set[str], wanted: set[str], cutoff: int) -> float | None:
    """Return the share of what was wanted and could be among the first `deep`; None for nothing wanted."""
    return len(found & wanted) / min(len(wanted), cutoff) if wanted else None


def _precision(answer: Sequence[str], relevant: set[str]) -> float:
    """Return the share of relevant ones among the first ten, or as many as there are in all."""
    first = min(10, len(relevant))
    return sum(1 for paper in answer[:first] if paper in relevant) / first


def _precision_of_returned(answer: Sequence[str], relevant: set[str]) -> float | None:
    """Return the share of relevant ones among the first ten that there are; None for no answer."""
    return sum(1 for paper in answer[:10] if paper in relevant) / len(answer[:10]) if answer else None


def _jaccard(one: Sequence[str], other: Sequence[str]) -> float:
    union = set(one) | set(other)
    return len(set(one) & set(other)) / len(union) if union else 1.0
