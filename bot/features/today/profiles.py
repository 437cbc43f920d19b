"""Readers' profiles, learnt on demand from saved papers, followed words and feedback."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from itertools import chain
from typing import NamedTuple

from bot.search.likeness import train_profile
from bot.search.vectors import PaperVectors, Vector, extract_words, find_concepts
from bot.text import tokens
from storage import alerts, models, papers, shelf, today
from storage.database import Connection, Database
from storage.today import FeedbackKind

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
