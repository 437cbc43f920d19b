"""Readers' profiles: weights of features (words, pairs of Latin words, concepts), learnt on demand from saved
papers, followed words and feedback.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from itertools import chain, pairwise
from typing import NamedTuple, TypeAlias

from bot.archive import summaries
from bot.core.clock import Clock, latest_date
from bot.search import index as search_index
from bot.text import analyser, tokens
from storage import alerts, archive, models, papers, search, shelf, today
from storage.database import Connection, Database
from storage.snapshot import chunked
from storage.today import FeedbackKind

Vector: TypeAlias = Mapping[str, float]
"""The values of a text's features. Absent features have the value 0."""

Example: TypeAlias = tuple[Vector, float]
"""A vector and its weight within its class."""

MAX_WEIGHTS = 200
MAX_TRAINED = 300
"""The number of features used for training. More would take time without improving anything."""
MIN_EXAMPLES = 2
"""Features that occur in fewer papers do not generalise."""


def train_profile(positives: Sequence[Example], negatives: Sequence[Example]) -> dict[str, float]:
    """Return the MAX_WEIGHTS features that best separate positive from negative examples, with their weights.

    A weight is the difference of the class means (Rocchio's method), scaled by rarity. A paper's score is the
    sum of weight times value over its features. Negative examples with a weight above 1 are papers that the
    reader disliked. Returns {} if there are no examples of one of the classes.
    """
    if not positives or not negatives:
        return {}
    frequencies: Counter[str] = Counter()
    for vector, _ in chain(positives, negatives):
        frequencies.update(vector.keys())
    refused = [(vector, 1.0) for vector, weight in negatives if weight > 1.0]
    rarity = _measure_rarity([*positives, *refused], frequencies, len(positives) + len(negatives))
    weights: dict[str, float] = defaultdict(float)
    for examples, sign in ((positives, 1.0), (negatives, -1.0)):
        total = sum(weight for _, weight in examples)
        for vector, weight in examples:
            for feature in vector.keys() & rarity.keys():
                weights[feature] += sign * weight / total * vector[feature] * rarity[feature] ** 2
    impact = {feature: abs(weight) * math.sqrt(frequencies[feature]) for feature, weight in weights.items()}
    heaviest = sorted(impact, key=lambda feature: (-impact[feature], feature))[:MAX_WEIGHTS]
    return {feature: weights[feature] for feature in heaviest}


def _measure_rarity(
    judged: Sequence[Example], frequencies: Mapping[str, int], total: int
) -> dict[str, float]:
    """Return the rarity of the MAX_TRAINED features that are rarest overall and most frequent in the judged papers."""
    sums: dict[str, float] = defaultdict(float)
    for vector, weight in judged:
        for feature, value in vector.items():
            sums[feature] += weight * value
    rarity = {
        feature: math.log((total + 1) / frequencies[feature])
        for feature in sums
        if frequencies[feature] >= MIN_EXAMPLES
    }
    ordered = sorted(rarity, key=lambda feature: (-sums[feature] * rarity[feature], feature))
    return {feature: rarity[feature] for feature in ordered[:MAX_TRAINED]}


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


MAX_SIGNALS = 100
"""A profile is learnt from this many of the latest saved papers, and of the latest marked papers."""
MAX_CONCEPTS = 100
_FIELD_SHARE, _FEW_PAPERS = 0.1, 10
"""A concept that more than this share of the sample's papers have, and more than this number, is a field: no reason."""
SAVED_WEIGHT, FOLLOWED_WEIGHT = 1.0, 0.5
LESS_WEIGHT = 5.0
"""A disliked paper counts as much as this many papers of the sample."""
MAX_LEARNT = 1000
"""The number of readers whose learnt weights are cached. Each takes 15 kB."""


class Signals(NamedTuple):
    saved: list[int]
    feedback: list[tuple[int, FeedbackKind]]
    followed: list[str]
    """Picked topics and the keywords of alerts."""


class LearntProfile(NamedTuple):
    """A learnt profile: the weights of features, and the number of saved papers for each concept."""

    signals: Signals
    weights: Mapping[str, float]
    concepts: Mapping[str, int]


class Profiles:
    """Loads readers' profiles, which are created by the first `/today`, and learns their weights.

    The weights are cached until the reader's signals change.
    """

    def __init__(self, database: Database, vectors: PaperVectors) -> None:
        self._database = database
        self.vectors = vectors
        self._learnt: dict[int, LearntProfile] = {}

    async def find(self, user_id: int) -> today.Profile:
        """Return a reader's profile; create it if it does not exist yet."""
        profile = await self._database.fetch(today.get, user_id)
        if profile is None:
            profile = today.Profile(user_id)
            await self._database.write(today.add, profile)
        return profile

    def forget(self, user_id: int) -> None:
        """Discard a reader's cached weights."""
        self._learnt.pop(user_id, None)

    async def learn(self, profile: today.Profile, day: Collection[int]) -> LearntProfile:
        """Return the profile learnt from the reader's current signals.

        Feedback on the papers of `day` only counts on later days, so that it does not reorder this one.
        Takes up to half a second of CPU time and a database connection, so call it only under the lookup
        limit.
        """
        async with self._database.read() as connection:
            signals = await _load_signals(connection, profile)
            later = [(paper_id, kind) for paper_id, kind in signals.feedback if paper_id not in day]
            signals = signals._replace(feedback=later)
            former = self._learnt.pop(profile.user_id, None)
            if former is not None and former.signals == signals:
                self._learnt[profile.user_id] = former
                return former
            judged = {*signals.saved, *(paper_id for paper_id, _ in signals.feedback)}
            vectors = await self.vectors.extract(judged)
            # Imported papers that no digest lists only have a title.
            missing = set(signals.saved) - vectors.keys()
            rows = await shelf.list_texts(connection, profile.user_id) if missing else ()
            titles = {row.paper_id: row.title for row in rows if row.paper_id in missing and row.title}
            sample = await self.vectors.get_sample(connection)
            listed = await papers.list_rows(connection, signals.saved)
        named = [*titles.values(), *(row.title for row in listed if row.title)]
        vectors |= {paper_id: extract_words(title) for paper_id, title in titles.items()}
        weights, counts = await asyncio.to_thread(_train, signals, vectors, sample, named)
        learnt = self._learnt[profile.user_id] = LearntProfile(signals, weights, counts)
        if len(self._learnt) > MAX_LEARNT:
            del self._learnt[next(iter(self._learnt))]
        return learnt


async def _load_signals(connection: Connection, profile: today.Profile) -> Signals:
    saved = (await shelf.list_paper_ids(connection, profile.user_id))[:MAX_SIGNALS]
    marked = await today.list_feedback(connection, profile.user_id, limit=MAX_SIGNALS)
    followed = [
        term.text
        for alert in await alerts.list_rows(connection, user_id=profile.user_id)
        for term in alert.terms
        if term.kind is models.AlertKind.KEYWORD
    ]
    return Signals(saved, marked, [*profile.topics, *followed])


def _count_concepts(vectors: Iterable[Vector]) -> Counter[str]:
    features = chain.from_iterable(vectors)
    return Counter(feature for feature in features if feature.startswith(tokens.CONCEPT))


def _train(
    signals: Signals, vectors: Mapping[int, Vector], sample: Mapping[int, Vector], titles: Iterable[str]
) -> tuple[dict[str, float], dict[str, int]]:
    """Return a profile's weights, and the number of saved papers for each of the most frequent concepts.

    A concept is in one of their `titles`, where the reader can see it, and is no field.
    """
    saved, marked, words = signals
    wanted = dict.fromkeys(saved, SAVED_WEIGHT)
    for paper_id, kind in marked:
        if kind is FeedbackKind.LESS:
            wanted[paper_id] = -LESS_WEIGHT
        else:
            wanted.setdefault(paper_id, SAVED_WEIGHT)
    positives = [(vectors[key], weight) for key, weight in wanted.items() if weight > 0 and key in vectors]
    followed = [(extract_words(text), FOLLOWED_WEIGHT) for text in words]
    negatives = [(vector, 1.0) for key, vector in sample.items() if key not in wanted]
    negatives += [(vectors[key], -weight) for key, weight in wanted.items() if weight < 0 and key in vectors]
    counts = _count_concepts(vectors.get(paper_id, {}) for paper_id in saved)
    common, limit = _count_concepts(sample.values()), max(_FEW_PAPERS, _FIELD_SHARE * len(sample))
    named = frozenset[str]().union(*map(find_concepts, titles))
    counts = Counter(
        {concept: count for concept, count in counts.items() if concept in named and common[concept] <= limit}
    )
    most = sorted(counts, key=lambda feature: (-counts[feature], feature))[:MAX_CONCEPTS]
    return train_profile([*positives, *followed], negatives), {feature: counts[feature] for feature in most}


def score(weights: Vector, vectors: Mapping[int, Vector]) -> dict[int, float]:
    """Return each paper's score: the sum of weight times value over shared features."""
    return {
        paper_id: sum(weight * vector[feature] for feature, weight in weights.items() if feature in vector)
        for paper_id, vector in vectors.items()
    }
