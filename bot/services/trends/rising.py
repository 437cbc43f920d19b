"""Finds the topics whose share of papers rose most in the last month, by what titles name. Understands no text itself."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from bot.services.search import glossary_service
from bot.services.trends.monthly import sample_groups
from bot.text.analysis import korean, latex, stopwords, term_keys
from bot.text.glossary.model import concepts
from bot.text.glossary.resolution import resolver
from storage import models, papers, trends
from storage.database import Connection, Database

RECENT_PERIOD = timedelta(days=30)
BASELINE_PERIOD = timedelta(days=91)
MIN_PAPERS = 3
"""A topic of fewer papers in the last month is chance."""
SAMPLE_SIZE = 3000
"""Titles of each span that are read."""
MIN_GROWTH = 1.25
"""Its share must be this many times what it was: of large topics chance alone moves more papers."""
_MAX_TERM_WORDS = 4
_DUPLICATE_OVERLAP = 0.7
"""A topic that shares so much of its papers with one above it is the same one."""


@dataclass(frozen=True, slots=True)
class RisingTopic:
    """A topic with its papers of the last month, and its shares of all papers then and before, from 0 to 1.

    `text` is what to ask for, `other` its usual writing in the other language, "" where there is none.
    """

    text: str
    translation: str
    papers: int
    share: float
    baseline_share: float


@dataclass(frozen=True, slots=True)
class RisingReport:
    """What rises, most first, in the 30 days until `until_on`; None in an empty archive. `estimated`: by sample."""

    until_on: date | None = None
    topics: tuple[RisingTopic, ...] = ()
    is_estimated: bool = False


@dataclass(slots=True)
class _TopicCounts:
    """What the titles of a span name: the papers of each topic, by its key; and how phrases of no concept look."""

    title_count: int = 0
    papers_by_topic: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    phrase_spellings: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def share(self, key: str) -> float:
        """Return the share of papers whose titles name a topic."""
        return len(self.papers_by_topic.get(key, ())) / max(1, self.title_count)


@dataclass(frozen=True, slots=True)
class _PeriodCounts:
    """Both spans as counted for a state of the archive and its glossary."""

    glossary: resolver.Glossary
    extent: models.ArchiveExtent
    recent: _TopicCounts
    baseline: _TopicCounts
    scale: float


class RisingTopicService:
    """What rises in one archive; counted once for each state of it, in a thread."""

    def __init__(self, database: Database, glossary: glossary_service.GlossaryService) -> None:
        self._database = database
        self._glossary = glossary
        self._counts: _PeriodCounts | None = None

    async def get_report(self, locale: models.Locale, *, limit: int = 5) -> RisingReport:
        """Return what rises, named in a language. Nothing rises where there is nothing to compare with."""
        async with self._database.read() as connection:
            extent = await papers.get_extent(connection)
            if extent.last_on is None:
                return RisingReport()
            glossary = await self._glossary.get_current(connection)
            counted = self._counts
            if counted is None or (counted.glossary, counted.extent) != (glossary, extent):
                counted = await _count(connection, glossary, extent, extent.last_on)
                self._counts = counted
        keys_ = _rank_topics(counted, limit)
        topics = tuple(_make_topic(counted, key, locale) for key in keys_)
        return RisingReport(extent.last_on, topics, counted.scale > 1)


async def _count(
    connection: Connection, glossary: resolver.Glossary, extent: models.ArchiveExtent, until: date
) -> _PeriodCounts:
    begin = until - RECENT_PERIOD + timedelta(days=1)
    spans = (
        trends.TrendFilter(begin, until),
        trends.TrendFilter(begin - BASELINE_PERIOD, begin - timedelta(days=1)),
    )
    counted = []
    factor = 1.0
    for span in spans:
        there = await papers.count(connection, since_on=span.since_on, until_on=span.until_on)
        groups = sample_groups(there, SAMPLE_SIZE)
        titles = await trends.list_titles(connection, span, groups=groups)
        counted.append(await asyncio.to_thread(_count_topics, glossary, titles))
        factor = max(factor, trends.SAMPLE_GROUPS / groups if span is spans[0] else 1.0)
    return _PeriodCounts(glossary, extent, counted[0], counted[1], factor)


def _count_topics(glossary: resolver.Glossary, titles: Sequence[tuple[int, str]]) -> _TopicCounts:
    found = _TopicCounts(len(titles))
    for paper_id, title in titles:
        for key, writing in extract_topics(glossary, latex.to_plain_text(title)[:300]):
            found.papers_by_topic[key].add(paper_id)
            if writing:
                found.phrase_spellings[key][writing] += 1
    return found


def extract_topics(glossary: resolver.Glossary, title: str) -> Iterator[tuple[str, str]]:
    """Yield the keys of the topics that a title names: concepts, and phrases of two words that are of no concept.

    Phrases come with how they are written, concepts with "".
    """
    for part in _split_title(title):
        words = part.split()
        taken: set[int] = set()
        for start, end in _ngram_spans(len(words)):
            if end - start == 1 and start in taken:
                continue  # a word of a term is not meant by itself, a term within a term is
            concept = _find_concept(glossary, words[start:end])
            if concept is not None:
                taken.update(range(start, end))
                yield concept.key, ""
        for start in range(len(words) - 1):
            if not {start, start + 1} & taken and all(map(_is_content_word, words[start : start + 2])):
                writing = " ".join(words[start : start + 2])
                yield term_keys.english_key(writing), writing


def _ngram_spans(number: int) -> Iterator[tuple[int, int]]:
    """Yield the beginnings and ends of all pieces of so many words, the longest first."""
    for length in range(min(_MAX_TERM_WORDS, number), 0, -1):
        for start in range(number - length + 1):
            yield start, start + length


def _split_title(title: str) -> list[str]:
    """Cut a title at signs that no term goes across."""
    for sign in ':;,.?!()[]"“”–—|/':
        title = title.replace(f"{sign} " if sign in ".:" else sign, "\n")
    return title.rstrip(".:").split("\n")


def _find_concept(glossary: resolver.Glossary, words: Sequence[str]) -> concepts.Concept | None:
    if not _is_content_word(words[0]) or not _is_content_word(words[-1]):
        return None
    text = " ".join(words)
    if korean.has_hangul(text) or (len(words) == 1 and term_keys.is_abbreviation(text)):
        return next(iter(glossary.find_concepts(text)), None)
    return glossary.concept(term_keys.english_key(text))


def _is_content_word(word: str) -> bool:
    folded = word.lower()
    return len(word) > 1 and word[0].isalnum() and not folded.isdigit() and folded not in _STOPWORDS


_EXTRA_STOPWORDS = (
    "are be can how do does it its not towards toward using through under over between beyond what when why we you"
    " your our that this than more all one new large small fast better good best without within across"
)
_STOPWORDS = stopwords.FUNCTION_WORDS | frozenset(_EXTRA_STOPWORDS.split())


def _rank_topics(counted: _PeriodCounts, limit: int) -> list[str]:
    """Return the keys of what rose most, each standing for others that the same papers name."""
    if not counted.baseline.title_count:
        return []
    shares = {
        key: (counted.recent.share(key), counted.baseline.share(key))
        for key, holding in counted.recent.papers_by_topic.items()
        if len(holding) >= MIN_PAPERS
    }
    risen = {key: now - before for key, (now, before) in shares.items() if now >= MIN_GROWTH * before}
    ranked = sorted(risen, key=lambda key: -risen[key])  # of equal ones what titles name first
    chosen: list[str] = []
    for key in ranked:
        if len(chosen) == limit:
            break
        if not any(
            _overlap(counted.recent.papers_by_topic, key, other) >= _DUPLICATE_OVERLAP for other in chosen
        ):
            chosen.append(key)
    return chosen


def _overlap(topics: Mapping[str, set[int]], key: str, other: str) -> float:
    return len(topics[key] & topics[other]) / min(len(topics[key]), len(topics[other]))


def _make_topic(counted: _PeriodCounts, key: str, locale: models.Locale) -> RisingTopic:
    concept = counted.glossary.concept(key)
    if concept is None:
        text, other = counted.recent.phrase_spellings[key].most_common(1)[0][0], ""
    else:
        own, foreign = (_preferred_form(concept.forms_in(language)) for language in ("ko", "en"))
        foreign = foreign or concept.key
        text, other = (own or foreign, foreign) if locale is models.Locale.KO else (foreign, own)
    number = round(len(counted.recent.papers_by_topic[key]) * counted.scale)
    shares = counted.recent.share(key), counted.baseline.share(key)
    return RisingTopic(text, other if other != text else "", number, *shares)


def _preferred_form(forms: Iterable[concepts.SurfaceForm]) -> str:
    """Return the writing that most speaks for; a single paper's own word for a thing is weaker than our list."""
    writings = [form for form in forms if not form.is_alias]
    best = max(writings, key=lambda form: form.papers + form.seeded * concepts.SEED_PAPERS, default=None)
    return "" if best is None else best.text
