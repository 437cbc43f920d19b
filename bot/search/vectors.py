"""Papers as vectors of features: words, pairs of Latin words, and concepts."""

from __future__ import annotations

import asyncio
import heapq
import math
import zlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache, partial
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from bot.archive import summaries
from bot.search import index as search_index
from bot.text import analyser, tokens
from storage import models, papers, search, shelf
from storage.database import Database
from storage.snapshot import Snapshot, chunked

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


SAMPLE_SIZE = 720
"""The number of papers sampled as those that nobody judged. Their vectors take about 12 MB."""
SAMPLED_FROM = 2000
"""The sample is drawn from this many newest papers."""
MAX_COMPARED = 1000
"""The number of a day's papers that are read, most votes first. Others are ranked by votes only."""
_MAX_KEPT = 1500
PAPERS_AT_ONCE = 50
"""The number of papers read at a time. Each may have 40,000 characters."""


class VectorSample(NamedTuple):
    """Papers that nobody judged: their vectors by id, and by feature how many have it and the sum of its values."""

    vectors: Mapping[int, Vector]
    frequencies: Mapping[str, int]
    sums: Mapping[str, float]

    def without(self, paper_ids: Collection[int]) -> VectorSample:
        """Return the sample without some papers."""
        left_out = [self.vectors[paper_id] for paper_id in paper_ids if paper_id in self.vectors]
        frequencies, sums = dict(self.frequencies), dict(self.sums)
        for vector in left_out:
            for feature, value in vector.items():
                frequencies[feature] -= 1
                sums[feature] -= value
        rest = {key: vector for key, vector in self.vectors.items() if key not in paper_ids}
        return VectorSample(rest, frequencies, sums) if left_out else self


def make_sample(vectors: Mapping[int, Vector]) -> VectorSample:
    frequencies, sums = Counter[str](), defaultdict[str, float](float)
    for vector in vectors.values():
        frequencies.update(vector.keys())
        for feature, value in vector.items():
            sums[feature] += value
    return VectorSample(vectors, frequencies, sums)


class PaperVectors:
    """Extracts papers' vectors in a thread. Keeps the sample's and the latest others until their papers change."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._change = ""
        self._sample = make_sample({})
        self._kept: dict[int, Vector] = {}
        self._lock = asyncio.Lock()

    async def get_sample(self) -> VectorSample:
        """Return the sample, which is another one only if papers have changed. All readers have the same."""
        async with self._lock:
            view, change = self._database.look_up, await self._database.look_up(search.get_change)
            if change != self._change:
                changed, self._change = (
                    await view(_list_changed, self._change),
                    "",
                )  # what is read meanwhile is not kept
                former = {**self._sample.vectors, **self._kept}
                self._kept = {key: vector for key, vector in former.items() if key not in changed}
                newest = await self._database.fetch(papers.list_newest_ids, limit=SAMPLED_FROM)
                # By what their ids are hashed to, so that most of them stay as the archive grows.
                sampled = heapq.nsmallest(SAMPLE_SIZE, newest, key=lambda key: zlib.crc32(str(key).encode()))
                self._sample, self._change = make_sample(await self._load(sampled)), change
                self._drop_oldest()
            return self._sample

    async def extract(self, paper_ids: Collection[int]) -> dict[int, Vector]:
        """Return the vectors of the papers that are known and not hidden, keyed by id."""
        await self.get_sample()
        vectors = await self._load(paper_ids)
        self._drop_oldest()
        return vectors

    def _drop_oldest(self) -> None:
        for key in [*self._kept][:-_MAX_KEPT]:
            del self._kept[key]

    async def _load(self, paper_ids: Collection[int]) -> dict[int, Vector]:
        known, change = {**self._kept, **self._sample.vectors}, self._change
        found = {key: known[key] for key in paper_ids if key in known}
        # Share the strings of features between papers.
        names: dict[str, str] = {}
        read = partial(search.list_documents, also_unlisted=True)
        for batch in chunked([key for key in paper_ids if key not in found], PAPERS_AT_ONCE):
            rows = await self._database.look_up(read, batch, summaries.select_shown)
            extracted = await asyncio.to_thread(_extract, rows, names)
            found |= extracted
            self._kept |= extracted if change == self._change else {}
        return found

    async def load_saved(
        self, owner_id: int, paper_ids: Collection[int]
    ) -> tuple[dict[int, Vector], dict[int, str]]:
        """Return the vectors and the titles of a reader's or a list's papers that have a text and are not hidden, by id."""
        vectors = await self.extract(paper_ids)
        # Imported papers that no source describes only have the title of their file.
        missing = [paper_id for paper_id, vector in vectors.items() if not vector]
        rows = await self._database.fetch(shelf.list_texts, owner_id) if missing else ()
        own = {row.paper_id: row.title for row in rows if row.paper_id in missing and row.title}
        vectors |= {paper_id: extract_words(title) for paper_id, title in own.items()}
        listed = await self._database.fetch(papers.list_rows, [*vectors])
        titles = own | {row.id: row.title for row in listed if row.title}
        return {paper_id: vector for paper_id, vector in vectors.items() if vector}, titles


def _list_changed(view: Snapshot, since: str) -> set[int]:
    """Return the papers that have changed since a change: all, if a backup was restored."""
    number = search.number_of(since) if search.has_change(view, since) else -1
    changed = search.list_changed(view, since=number, before=(1 << 60, 0), limit=1 << 30)
    return {paper_id for _, paper_id in changed}


def _extract(rows: Iterable[models.IndexDocument], names: dict[str, str]) -> dict[int, dict[str, float]]:
    vectors = {}
    for paper in rows:
        texts = search_index.build_texts(paper)
        features = extract_features(texts.title, *texts.bodies)
        vectors[paper.id] = {names.setdefault(name, name): value for name, value in features.items()}
    return vectors
