"""Papers as vectors of features: words, pairs of Latin words, and concepts."""

from __future__ import annotations

import asyncio
import math
import random
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from functools import lru_cache
from itertools import pairwise
from typing import TypeAlias

from bot.archive import summaries
from bot.core.clock import Clock, latest_date
from bot.search import index as search_index
from bot.text import analyser, tokens
from storage import archive, models, papers, search
from storage.database import Connection, Database
from storage.snapshot import chunked

Vector: TypeAlias = Mapping[str, float]
"""The values of a text's features. Absent features have the value 0."""

MAX_FEATURES = 600
"""The maximum number of features of a paper; the most frequent ones are kept."""


def extract_features(*canonical_texts: str) -> dict[str, float]:
    """Return the features of canonical texts as a vector of length 1.

    Counts are damped by two logarithms, since presence matters more than frequency.
    """
    counts: Counter[str] = Counter()
    for text in canonical_texts:
        words = tokens.tokenize(text).split()
        counts.update(token for token in words if _is_content(token))
        counts.update(
            f"{first} {second}"
            for first, second in pairwise(words)
            if _is_content_word(first) and _is_content_word(second)
        )
    frequent = sorted(counts, key=lambda feature: (-counts[feature], feature))[:MAX_FEATURES]
    damped = {feature: 1.0 + math.log(1.0 + math.log(counts[feature])) for feature in frequent}
    length = math.sqrt(sum(value**2 for value in damped.values())) or 1.0
    return {feature: value / length for feature, value in damped.items()}


def extract_words(text: str) -> dict[str, float]:
    """Return the features of a short text as a vector of length 1."""
    return extract_features(analyser.canonicalise(text))


def _is_content(token: str) -> bool:
    """Return whether a token is a feature. Tokens for a Hangul word's first two syllables are not, since they repeat them."""
    marks = tokens.BEGINNING, tokens.WHOLE
    return len(token) > 1 and token not in analyser.FUNCTION_WORDS and not token.startswith(marks)


def _is_content_word(token: str) -> bool:
    return _is_content(token) and token[0].isalnum() and not analyser.is_hangul(token)


@lru_cache(maxsize=256)
def find_concepts(text: str) -> frozenset[str]:
    return frozenset(feature for feature in extract_words(text) if feature.startswith(tokens.CONCEPT))


SAMPLE_SIZE = 360
"""The number of papers sampled as negative examples. Their vectors take about 6 MB."""
SAMPLED_FROM = 2000
"""The sample is drawn from this many newest papers."""
_SEED = 0
MAX_COMPARED = 1000
"""The number of a day's papers that are read, most votes first. Others are ranked by votes only."""
PAPERS_AT_ONCE = 50
"""The number of papers read at a time. Each may have 40,000 characters."""


class PaperVectors:
    """Extracts papers' vectors in a thread. Caches the vectors of one day and of the sample until the archive changes."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._extent: tuple[models.ArchiveExtent, datetime | None] | None = None
        self._sample: dict[int, dict[str, float]] = {}
        self._day: tuple[date, dict[int, dict[str, float]]] | None = None
        self._lock = asyncio.Lock()

    async def extract(self, paper_ids: Collection[int]) -> dict[int, dict[str, float]]:
        """Return the vectors of the papers that are indexed, keyed by id."""
        vectors: dict[int, dict[str, float]] = {}
        # Share the strings of features between papers.
        names: dict[str, str] = {}
        for batch in chunked(paper_ids, PAPERS_AT_ONCE):
            rows = await self._database.look_up(search.list_documents, batch, summaries.select_shown)
            vectors |= await asyncio.to_thread(_extract, rows, names)
        return vectors

    async def get_day(self, connection: Connection, on: date) -> dict[int, dict[str, float]]:
        """Return the vectors of a day's papers, keyed by id, most votes first."""
        async with self._lock:
            sample = await self._refresh_sample(connection)
            if self._day is None or self._day[0] != on:
                day = await papers.list_by_date(connection, on, origin=archive.ALL)
                unread = [row.id for row in day[:MAX_COMPARED] if row.id not in sample]
                vectors = sample | await self.extract(unread)
                self._day = on, {row.id: vectors.get(row.id, {}) for row in day}
            return self._day[1]

    async def get_sample(self, connection: Connection) -> Mapping[int, Vector]:
        """Return the vectors of the sample, keyed by paper id. All readers have the same sample."""
        async with self._lock:
            return await self._refresh_sample(connection)

    async def _refresh_sample(self, connection: Connection) -> dict[int, dict[str, float]]:
        # Adding a known paper to a list changes nothing but the time of the last update.
        extent = (
            await papers.get_extent(connection, until_on=latest_date(self._clock())),
            await archive.get_last_updated_at(connection),
        )
        if self._extent != extent:
            newest = await papers.list_newest_ids(connection, limit=SAMPLED_FROM)
            sample = random.Random(_SEED).sample(newest, min(SAMPLE_SIZE, len(newest)))
            self._sample = await self.extract(sample)
            self._day, self._extent = None, extent
        return self._sample


def _extract(rows: Iterable[models.IndexDocument], names: dict[str, str]) -> dict[int, dict[str, float]]:
    vectors = {}
    for paper in rows:
        texts = search_index.build_texts(paper)
        features = extract_features(texts.title, *texts.bodies)
        vectors[paper.id] = {names.setdefault(name, name): value for name, value in features.items()}
    return vectors
