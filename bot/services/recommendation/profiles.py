"""Readers' profiles: learnt in a thread from saved papers, followed words, opened papers and answers, and kept up to date."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

import structlog

from bot import isolation
from bot.clock import Clock
from bot.services.recommendation import features, training
from bot.services.recommendation.paper_vectors import PaperVectors
from storage import alerts, models
from storage.accounts import profiles
from storage.database import Connection, Database
from storage.models import FeedbackKind
from storage.shelf import saved_papers

log = structlog.get_logger(__name__)

MAX_SIGNALS = 100
"""The latest saved papers, and the latest feedback, that a profile is learnt from."""
MAX_OPENED = 200
"""Opened papers that are kept of a reader, the latest."""
MAX_CONCEPTS = 100
SAVED_WEIGHT, OPENED_WEIGHT, FOLLOWED_WEIGHT = 1.0, 0.3, 0.5
LESS_WEIGHT = 5.0
"""A paper that a reader does not want counts as much as some random ones."""

Signals: TypeAlias = tuple[list[int], list[tuple[int, FeedbackKind]], list[str]]
"""What a profile is learnt from: saved papers, feedback, and the words that the reader follows."""


class Profiles:
    """Learns and reads profiles. A reader has one from the first `/today` on.

    Of readers without one, only the papers opened by those who saved a paper or have an alert are kept.
    """

    def __init__(self, database: Database, clock: Clock, vectors: PaperVectors) -> None:
        self._database = database
        self._clock = clock
        self.vectors = vectors
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._again: set[int] = set()
        self._opened: dict[int, dict[int, None]] = defaultdict(dict)

    async def open(self, user_id: int) -> models.Profile:
        """Return a reader's profile as learnt from everything until now; a new one at the first time."""
        async with self._database.read() as connection:
            profile = await profiles.get(connection, user_id)
        if profile is None:
            async with self._database.transaction() as connection:
                await profiles.add(connection, user_id)
            profile = models.Profile(user_id)
        return (await self.update([profile]))[0]

    async def update(self, stored: Sequence[models.Profile]) -> list[models.Profile]:
        """Learn the profiles again whose signals have changed since; returns them all as they are then."""
        return [await self._learn(profile) for profile in stored]

    def wake(self, user_id: int) -> None:
        """Learn a reader's profile again in the background; calls while it is learnt are answered by one more time."""
        if user_id in self._tasks:
            self._again.add(user_id)
            return
        task = asyncio.ensure_future(self._learn_in_background(user_id))
        self._tasks[user_id] = task
        task.add_done_callback(lambda _: self._finish(user_id))

    def _finish(self, user_id: int) -> None:
        del self._tasks[user_id]
        if user_id in self._again:
            self._again.discard(user_id)
            self.wake(user_id)

    async def close(self) -> None:
        """Cancel what is learnt in the background; it is learnt before the profile is used next."""
        self._again.clear()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def settle(self) -> None:
        """Wait until nothing is learnt in the background."""
        while self._tasks:
            await asyncio.gather(*self._tasks.values())

    async def _learn_in_background(self, user_id: int) -> None:
        # What cannot be learnt now is learnt before the profile is used.
        with isolation.isolated(log, "learning a profile failed"):
            opened = self._opened.pop(user_id, {})
            async with self._database.read() as connection:
                profile = await profiles.get(connection, user_id)
                is_kept = profile is not None or bool(
                    opened and await _has_saved_or_alert(connection, user_id)
                )
            if is_kept and opened:
                async with self._database.transaction() as connection:
                    await profiles.add_opened(connection, user_id, opened, self._clock(), most=MAX_OPENED)
            if profile is not None:
                await self._learn(profile)

    def note_open(self, user_id: int, paper_id: int) -> None:
        """Record in the background that a reader opened a card, if the reader has a profile, a saved paper or an alert."""
        self._opened[user_id][paper_id] = None
        self.wake(user_id)

    async def record(self, user_id: int, paper_id: int, kind: FeedbackKind) -> None:
        """Store what a reader said of a paper."""
        async with self._database.transaction() as connection:
            await profiles.set_feedback(connection, user_id, paper_id, kind, self._clock())

    async def pick_topics(self, user_id: int, topics: Iterable[str]) -> None:
        """Replace the topics that a reader picked."""
        profile = await self.open(user_id)
        async with self._database.transaction() as connection:
            await profiles.upsert(connection, replace(profile, topics=tuple(dict.fromkeys(topics))))

    async def _learn(self, profile: models.Profile) -> models.Profile:
        async with self._database.read() as connection:
            signals = await _load_signals(connection, profile)
            fingerprint = _fingerprint(signals)
            if fingerprint == profile.learnt_from:
                return profile
            saved, answered, _ = signals
            vectors = await self.vectors.extract(
                connection, {*saved, *(paper_id for paper_id, _ in answered)}
            )
            missing = set(saved) - vectors.keys()
            titles = await _load_titles(connection, profile.user_id, missing) if missing else {}
            sample = await self.vectors.get_sample(connection)
            _, concept_index = await self.vectors.get_concepts(connection)
        vectors |= {key: features.extract_words(title, concept_index) for key, title in titles.items()}
        weights, counts = await asyncio.to_thread(_train, signals, vectors, sample, concept_index)
        async with self._database.transaction() as connection:
            await profiles.set_weights(
                connection, profile.user_id, weights, learnt_from=fingerprint, concepts=counts
            )
        return replace(profile, learnt_from=fingerprint, concepts=counts)

    async def score(
        self, connection: Connection, user_ids: Sequence[int], vectors: Mapping[int, features.Vector]
    ) -> dict[int, dict[int, float]]:
        """Return the score of each paper for each reader: the sum of weight times value over what both have."""
        by_feature = await asyncio.to_thread(features.group_by_feature, vectors)
        scores: dict[int, dict[int, float]] = {}
        for start in range(0, len(user_ids), profiles.READERS_AT_ONCE):
            chunk = user_ids[start : start + profiles.READERS_AT_ONCE]
            rows = await profiles.list_weights(connection, chunk, by_feature)
            scores |= await asyncio.to_thread(_score, rows, by_feature, list(vectors))
        return scores


async def _has_saved_or_alert(connection: Connection, user_id: int) -> bool:
    """Return whether a reader saved a paper or has an alert."""
    return bool(
        await saved_papers.count(connection, user_id) or await alerts.list_rows(connection, user_id=user_id)
    )


async def _load_signals(connection: Connection, profile: models.Profile) -> Signals:
    saved = (await saved_papers.list_paper_ids(connection, profile.user_id))[:MAX_SIGNALS]
    answered = await profiles.list_feedback(connection, profile.user_id, limit=MAX_SIGNALS)
    followed = [
        term.text
        for alert in await alerts.list_rows(connection, user_id=profile.user_id)
        for term in alert.terms
        if term.kind is models.AlertKind.KEYWORD
    ]
    return saved, answered, [*profile.topics, *followed]


async def _load_titles(connection: Connection, user_id: int, paper_ids: Collection[int]) -> dict[int, str]:
    """Return the titles of saved papers that no digest has: those of an imported file."""
    rows = await saved_papers.list_texts(connection, user_id)
    return {row.paper_id: row.title for row in rows if row.paper_id in paper_ids and row.title}


def _fingerprint(signals: Signals) -> str:
    return hashlib.sha256(repr(signals).encode()).hexdigest()[:32]


def _train(
    signals: Signals,
    vectors: Mapping[int, features.Vector],
    sample: Mapping[int, features.Vector],
    concept_index: features.ConceptIndex,
) -> tuple[dict[str, float], dict[str, int]]:
    """Return the weights of a profile, and in how many saved papers each concept is."""
    saved, answered, words = signals
    wanted = dict.fromkeys(saved, SAVED_WEIGHT)
    for paper_id, kind in answered:
        if kind is FeedbackKind.LESS:
            wanted[paper_id] = -LESS_WEIGHT
        else:
            weight = SAVED_WEIGHT if kind is FeedbackKind.MORE else OPENED_WEIGHT
            wanted.setdefault(paper_id, weight)
    positives = [(vectors[key], weight) for key, weight in wanted.items() if weight > 0 and key in vectors]
    followed = [(features.extract_words(text, concept_index), FOLLOWED_WEIGHT) for text in words]
    negatives = [(vector, 1.0) for key, vector in sample.items() if key not in wanted]
    negatives += [(vectors[key], -weight) for key, weight in wanted.items() if weight < 0 and key in vectors]
    weights = training.train_profile([*positives, *followed], negatives)
    return weights, count_concepts(vectors[key] for key in saved if key in vectors)


def count_concepts(vectors: Iterable[features.Vector]) -> dict[str, int]:
    """Return in how many papers each concept is, the most frequent ones."""
    counts = Counter(key for vector in vectors for key in features.concepts_of(vector))
    kept = sorted(counts, key=lambda key: (-counts[key], key))[:MAX_CONCEPTS]
    return {key: counts[key] for key in kept}


def _score(
    rows: Iterable[tuple[int, str, float]],
    by_feature: Mapping[str, Sequence[tuple[int, float]]],
    paper_ids: Sequence[int],
) -> dict[int, dict[int, float]]:
    """Return the scores by reader. Lists by position take half the time of dictionaries."""
    sums: dict[int, list[float]] = {}
    for user_id, term, weight in rows:
        own = sums.get(user_id)
        if own is None:
            own = sums[user_id] = [0.0] * len(paper_ids)
        for position, value in by_feature[term]:
            own[position] += weight * value
    return {user_id: dict(zip(paper_ids, own, strict=True)) for user_id, own in sums.items()}
