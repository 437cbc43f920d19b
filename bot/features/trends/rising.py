"""Rising topics: terms in titles whose share of papers grew most in the last month."""

from __future__ import annotations

import asyncio
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from types import MappingProxyType
from typing import NamedTuple

from bot.core.admission import work_in_thread
from bot.core.clock import Clock, latest_date
from bot.search.glossary_service import GlossaryService
from bot.search.term_resolver import Glossary
from bot.text import analyser, concepts, term_keys, typography
from storage import models, papers, trends
from storage.database import Database

RECENT_PERIOD = timedelta(days=30)
BASELINE_PERIOD = timedelta(days=91)
MIN_PAPERS = 3
"""Topics with fewer recent papers are dismissed as chance."""
MAX_TITLES = 20_000
"""The maximum number of titles read per period: about a month of several arXiv categories."""
MIN_GROWTH = 1.25
"""The minimum ratio of a topic's recent share to its baseline share. Large topics vary more by chance."""
_MAX_TERM_WORDS = 4
_MAX_TITLE_LENGTH = 300
_MAX_TITLE_WORDS = 30
"""The number of words read from a title. Nearly all titles are shorter, and every pair of words is a phrase."""
_DUPLICATE_OVERLAP = 0.7
"""A topic is a duplicate if it shares this much of its papers with a higher-ranked topic."""


@dataclass(frozen=True, slots=True)
class RisingTopic:
    """A topic, its number of recent papers, and its shares (0 to 1) of recent and of baseline papers.

    `text` is the query for the topic. `translation` is the English form of a Korean `text`, or "".
    """

    text: str
    translation: str
    papers: int
    share: float
    baseline_share: float


@dataclass(slots=True)
class _Topic:
    """The recent papers with a topic in the title, the number of earlier ones, and how a phrase is spelt."""

    recent: set[int] = field(default_factory=set)
    earlier: int = 0
    spellings: Counter[str] = field(default_factory=Counter)


class _Counts(NamedTuple):
    """The topics of at least MIN_PAPERS recent titles, by key, and the numbers of all recent and earlier titles."""

    topics: Mapping[str, _Topic] = MappingProxyType({})
    recent: int = 0
    earlier: int = 0

    def shares(self, key: str) -> tuple[float, float]:
        """Return a topic's shares of the recent and of the earlier titles."""
        topic = self.topics[key]
        return len(topic.recent) / max(1, self.recent), topic.earlier / max(1, self.earlier)


class RisingTopicService:
    """Finds rising topics. Counts titles in a thread, once per state of the archive."""

    def __init__(self, database: Database, glossary: GlossaryService, clock: Clock) -> None:
        self._database = database
        self._glossary = glossary
        self._clock = clock
        self._counted: tuple[Glossary, models.ArchiveExtent] | None = None
        self._counts = _Counts()
        self._counting = asyncio.Lock()

    async def list_topics(
        self, locale: models.Locale, *, limit: int = 5, with_common: bool = False
    ) -> tuple[RisingTopic, ...]:
        """Return the rising topics of the last 30 days, fastest first, named in the given language.

        Returns () if there are no earlier papers. `with_common` fills up the list with the most frequent concepts.
        """
        extent = await self._database.fetch(papers.get_extent, until_on=latest_date(self._clock()))
        if extent.last_on is None:
            return ()
        glossary = await self._glossary.get_current()
        async with self._counting:
            if self._counted != (glossary, extent):
                begin = extent.last_on - RECENT_PERIOD + timedelta(days=1)
                recent, earlier = [
                    await self._database.look_up(trends.list_titles, period, limit=MAX_TITLES)
                    for period in (
                        models.Filters(begin, extent.last_on),
                        models.Filters(begin - BASELINE_PERIOD, begin - timedelta(days=1)),
                    )
                ]
                self._counts = await work_in_thread(_count_topics, glossary, recent, earlier)
                self._counted = glossary, extent
            counts = self._counts
        keys = _rank_topics(counts, limit)
        if with_common:
            common = [key for key in counts.topics if " " in key and glossary.concept(key) is not None]
            common.sort(key=lambda key: -len(counts.topics[key].recent))
            keys = list(dict.fromkeys([*keys, *common]))[:limit]
        return tuple(_make_topic(glossary, counts, key, locale) for key in keys)


def _count_topics(
    glossary: Glossary, recent: Sequence[tuple[int, str]], earlier: Sequence[tuple[int, str]]
) -> _Counts:
    topics = defaultdict[str, _Topic](_Topic)
    for paper_id, title in recent:
        for key, spelling in extract_topics(glossary, title):
            topics[key].recent.add(paper_id)
            topics[key].spellings.update([spelling] if spelling else [])
    # Rare topics cannot rise, and would take most of the memory.
    frequent = {key: topic for key, topic in topics.items() if len(topic.recent) >= MIN_PAPERS}
    for _, title in earlier:
        for key in frequent.keys() & dict(extract_topics(glossary, title)).keys():
            frequent[key].earlier += 1
    return _Counts(frequent, len(recent), len(earlier))


def extract_topics(glossary: Glossary, title: str) -> Iterator[tuple[str, str]]:
    """Yield a title's topics: (key, "") for known concepts, (key, spelling) for other two-word phrases."""
    left = _MAX_TITLE_WORDS
    for part in _split_title(typography.to_plain_text(title)[:_MAX_TITLE_LENGTH]):
        words = part.split()[:left]
        left -= len(words)
        covered = set[int]()
        yield from ((key, "") for key in _list_concepts(glossary, words, covered))
        for number, word in enumerate(words):
            if number not in covered and "-" in word:
                # LoRA-Fine-Tuning-Aware.
                yield from ((key, "") for key in _list_concepts(glossary, word.split("-"), set()))
        for start, pair in enumerate(pairwise(words)):
            if covered.isdisjoint((start, start + 1)) and all(map(_is_content_word, pair)):
                spelling = " ".join(pair)
                yield term_keys.english_key(spelling), spelling


def _list_concepts(glossary: Glossary, words: Sequence[str], covered: set[int]) -> Iterator[str]:
    """Yield the keys of the concepts in words, the longest terms first, and add the places of their words to `covered`."""
    for length in range(_MAX_TERM_WORDS, 0, -1):
        for start in range(len(words) - length + 1):
            run, term = range(start, start + length), words[start : start + length]
            if term_keys.is_closer(term):
                covered.update(run)
            elif (concept := _find_concept(glossary, term)) is not None:
                covered.update(run)
                yield concept.key


def _split_title(title: str) -> list[str]:
    """Split a title at punctuation that is never part of a term."""
    for sign in ':;,.?!()[]"“”–—|/':
        title = title.replace(f"{sign} " if sign in ".:" else sign, "\n")
    return title.rstrip(".:").split("\n")


def _find_concept(glossary: Glossary, words: Sequence[str]) -> concepts.Concept | None:
    if not _is_content_word(words[0]) or not _is_content_word(words[-1]):
        return None
    text = " ".join(words)
    if len(words) == 1 and text.isascii() and text.isalpha() and not term_keys.is_abbreviation(text):
        return glossary.concept(term_keys.english_key(text))  # no capitalised word: Map
    return next(iter(glossary.find_concepts(text)), None)


def _is_content_word(word: str) -> bool:
    folded = word.lower()
    return len(word) > 1 and word[0].isalnum() and not folded.isdigit() and folded not in _STOPWORDS


_EXTRA_STOPWORDS = (
    "are be can how do does it its not towards toward using through under over between beyond what when why we you"
    " your our that this than more all one new large small fast better good best without within across"
)
_STOPWORDS = analyser.FUNCTION_WORDS | frozenset(_EXTRA_STOPWORDS.split())


def _rank_topics(counts: _Counts, limit: int) -> list[str]:
    """Return the keys of the topics that rose most, best first, except those that duplicate a higher-ranked topic."""
    shares = {key: counts.shares(key) for key in counts.topics} if counts.earlier else {}
    gains = {
        key: (now - before) / math.sqrt(now + before)
        for key, (now, before) in shares.items()
        if now >= MIN_GROWTH * before
    }
    chosen = dict[str, set[int]]()
    for key in sorted(gains, key=lambda key: -gains[key]):  # ties keep the order of the titles
        recent = counts.topics[key].recent
        overlaps = (len(recent & other) / min(len(recent), len(other)) for other in chosen.values())
        if all(overlap < _DUPLICATE_OVERLAP for overlap in overlaps):
            chosen[key] = recent
        if len(chosen) == limit:
            break
    return list(chosen)


def _make_topic(glossary: Glossary, counts: _Counts, key: str, locale: models.Locale) -> RisingTopic:
    topic, concept = counts.topics[key], glossary.concept(key)
    if concept is None:
        text, translation = topic.spellings.most_common(1)[0][0], ""
    else:
        text, translation = concept.usual_form("en") or concept.key, ""
        if locale is models.Locale.KO and (korean := concept.usual_form("ko")):
            text, translation = korean, text
    shares = counts.shares(key)
    return RisingTopic(text, translation if translation != text else "", len(topic.recent), *shares)
