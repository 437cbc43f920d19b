"""Rising topics: the topics whose share of the papers grew most in the last month, by the terms in titles."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from bot.services.indexing.glossary_service import GlossaryService
from bot.services.trends.monthly import sample_groups
from bot.text.analysis import korean, latex, stopwords, term_keys, title_names
from bot.text.glossary.model import concepts
from bot.text.glossary.resolution.resolver import Glossary
from storage import models, papers, trends
from storage.database import Connection, Database
from storage.search import index

RECENT_PERIOD = timedelta(days=30)
BASELINE_PERIOD = timedelta(days=91)
MIN_PAPERS = 3
"""Fewer papers of a topic in the recent period are chance."""
SAMPLE_SIZE = 3000
"""Titles read per period."""
MIN_GROWTH = 1.25
"""Minimum ratio of the recent share to the baseline share. For large topics chance alone moves more papers."""
_MAX_TERM_WORDS = 4
_MAX_TITLE_LENGTH = 300
_DUPLICATE_OVERLAP = 0.7
"""A topic that shares this much of its papers with a higher ranked one is a duplicate of it."""


@dataclass(frozen=True, slots=True)
class RisingTopic:
    """A topic with its papers in the recent period, and its share of all papers then and in the baseline, 0 to 1.

    `text` is the query for it, `translation` its usual form in the other language, "" if there is none.
    """

    text: str
    translation: str
    papers: int
    share: float
    baseline_share: float


@dataclass(slots=True)
class _TopicCounts:
    """The topics in the titles of a period: the ids of each topic's papers, and how phrases are spelled.

    `scale` is the number of papers that each title represents.
    """

    title_count: int
    scale: float
    papers_by_topic: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    phrase_spellings: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def share(self, key: str) -> float:
        """Return the share of titles that name a topic."""
        return len(self.papers_by_topic.get(key, ())) / max(1, self.title_count)


class RisingTopicService:
    """Rising topics of one archive, counted in a thread once for each state of the archive."""

    def __init__(self, database: Database, glossary: GlossaryService) -> None:
        self._database = database
        self._glossary = glossary
        self._counted: tuple[Glossary, models.ArchiveExtent] | None = None
        self._counts = _TopicCounts(0, 1), _TopicCounts(0, 1)
        self._counting = asyncio.Lock()

    async def list_topics(self, locale: models.Locale, *, limit: int = 5) -> tuple[RisingTopic, ...]:
        """Return the rising topics of the last 30 days, most risen first; none without a baseline to compare with.

        They are named in the language of `locale`.
        """
        counted = await self._get_counts()
        if counted is None:
            return ()
        glossary, recent, baseline = counted
        keys = _rank_topics(recent, baseline, limit)
        return tuple(_make_topic(glossary, recent, baseline, key, locale) for key in keys)

    async def list_common(self, locale: models.Locale, *, limit: int) -> tuple[RisingTopic, ...]:
        """Return the rising topics of the last 30 days, filled up with the concepts that most of its papers name."""
        counted = await self._get_counts()
        if counted is None:
            return ()
        glossary, recent, baseline = counted
        common = [
            key
            for key, paper_ids in recent.papers_by_topic.items()
            if len(paper_ids) >= MIN_PAPERS and " " in key and glossary.concept(key) is not None
        ]
        common.sort(key=lambda key: -len(recent.papers_by_topic[key]))
        keys = dict.fromkeys([*_rank_topics(recent, baseline, limit), *common])
        return tuple(_make_topic(glossary, recent, baseline, key, locale) for key in list(keys)[:limit])

    async def _get_counts(self) -> tuple[Glossary, _TopicCounts, _TopicCounts] | None:
        """Return the glossary with the counts of the recent period and of the baseline; None for an empty archive."""
        async with self._database.read() as connection:
            extent = await papers.get_extent(connection)
            if extent.last_on is None:
                return None
            glossary = await self._glossary.get_current(connection)
            async with self._counting:
                if self._counted != (glossary, extent):
                    self._counts = await _count(connection, glossary, extent.last_on)
                    self._counted = glossary, extent
                return glossary, *self._counts


async def _count(
    connection: Connection, glossary: Glossary, until: date
) -> tuple[_TopicCounts, _TopicCounts]:
    """Return the topics of the recent period and of the baseline."""
    begin = until - RECENT_PERIOD + timedelta(days=1)
    recent = await _count_period(connection, glossary, index.Filters(begin, until))
    before = index.Filters(begin - BASELINE_PERIOD, begin - timedelta(days=1))
    return recent, await _count_period(connection, glossary, before)


async def _count_period(connection: Connection, glossary: Glossary, period: index.Filters) -> _TopicCounts:
    paper_count = await papers.count(connection, since_on=period.since_on, until_on=period.until_on)
    groups = sample_groups(paper_count, SAMPLE_SIZE)
    titles = await trends.list_titles(connection, period, groups=groups)
    return await asyncio.to_thread(_count_topics, glossary, titles, trends.SAMPLE_GROUPS / groups)


def _count_topics(glossary: Glossary, titles: Sequence[tuple[int, str]], scale: float) -> _TopicCounts:
    counts = _TopicCounts(len(titles), scale)
    for paper_id, title in titles:
        for key, spelling in extract_topics(glossary, latex.to_plain_text(title)[:_MAX_TITLE_LENGTH]):
            counts.papers_by_topic[key].add(paper_id)
            if spelling:
                counts.phrase_spellings[key][spelling] += 1
    return counts


def extract_topics(glossary: Glossary, title: str) -> Iterator[tuple[str, str]]:
    """Yield the keys of the topics in a title: its concepts, and phrases of two words that belong to no concept.

    Phrases come with their spelling, concepts with "".
    """
    for part in _split_title(title):
        words = part.split()
        in_concept: set[int] = set()
        for start, end in _ngram_spans(len(words)):
            if title_names.is_closer(words[start:end]):
                in_concept.update(range(start, end))
                continue
            if end - start == 1 and start in in_concept:
                continue  # a single word of a longer term is no topic, a term within a term is
            concept = _find_concept(glossary, words[start:end])
            if concept is not None:
                in_concept.update(range(start, end))
                yield concept.key, ""
        for start in range(len(words) - 1):
            if not {start, start + 1} & in_concept and all(map(_is_content_word, words[start : start + 2])):
                spelling = " ".join(words[start : start + 2])
                yield term_keys.english_key(spelling), spelling


def _ngram_spans(word_count: int) -> Iterator[tuple[int, int]]:
    """Yield the start and end of all n-grams of a number of words, the longest first."""
    for length in range(min(_MAX_TERM_WORDS, word_count), 0, -1):
        for start in range(word_count - length + 1):
            yield start, start + length


def _split_title(title: str) -> list[str]:
    """Split a title at punctuation that no term crosses."""
    for sign in ':;,.?!()[]"“”–—|/':
        title = title.replace(f"{sign} " if sign in ".:" else sign, "\n")
    return title.rstrip(".:").split("\n")


def _find_concept(glossary: Glossary, words: Sequence[str]) -> concepts.Concept | None:
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


def _rank_topics(recent: _TopicCounts, baseline: _TopicCounts, limit: int) -> list[str]:
    """Return the keys of the topics that rose most, without duplicates of a higher ranked topic."""
    if not baseline.title_count:
        return []
    shares = {
        key: (recent.share(key), baseline.share(key))
        for key, paper_ids in recent.papers_by_topic.items()
        if len(paper_ids) >= MIN_PAPERS
    }
    gains = {key: now - before for key, (now, before) in shares.items() if now >= MIN_GROWTH * before}
    ranked = sorted(gains, key=lambda key: -gains[key])  # ties keep the order of the titles
    chosen: list[str] = []
    for key in ranked:
        if len(chosen) == limit:
            break
        overlaps = (_overlap(recent.papers_by_topic, key, other) for other in chosen)
        if not any(overlap >= _DUPLICATE_OVERLAP for overlap in overlaps):
            chosen.append(key)
    return chosen


def _overlap(topics: Mapping[str, set[int]], key: str, other: str) -> float:
    return len(topics[key] & topics[other]) / min(len(topics[key]), len(topics[other]))


def _make_topic(
    glossary: Glossary, recent: _TopicCounts, baseline: _TopicCounts, key: str, locale: models.Locale
) -> RisingTopic:
    concept = glossary.concept(key)
    if concept is None:
        text, translation = recent.phrase_spellings[key].most_common(1)[0][0], ""
    else:
        korean_form = best_supported_form(concept.forms_in("ko"))
        text = best_supported_form(concept.forms_in("en")) or concept.key
        translation = korean_form
        if locale is models.Locale.KO:
            text, translation = korean_form or text, text
    paper_count = round(len(recent.papers_by_topic[key]) * recent.scale)
    shares = recent.share(key), baseline.share(key)
    return RisingTopic(text, translation if translation != text else "", paper_count, *shares)


def best_supported_form(forms: Iterable[concepts.SurfaceForm]) -> str:
    """Return the form with most papers, "" if there is none. The seed list counts more than a single paper.

    Of forms that equally many papers explain, it is the one that most papers use.
    """
    names = [form for form in forms if not form.is_alias]
    best = max(names, key=_form_support, default=None)
    return "" if best is None else best.text


def _form_support(form: concepts.SurfaceForm) -> tuple[int, int, int]:
    """Return what speaks for a form: the papers that explain it, and those that use it."""
    return form.papers + form.seeded * concepts.SEED_PAPERS, form.confirmed, form.found
