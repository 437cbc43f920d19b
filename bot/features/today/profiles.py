"""Readers' profiles, learnt on demand from saved papers, followed words and feedback."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import NamedTuple

from bot.search import likeness
from bot.search.vectors import PaperVectors, Vector, VectorSample, extract_words
from storage import alerts, models, shelf, today
from storage.database import Connection, Database
from storage.today import FeedbackKind

MAX_SIGNALS = 100
"""A profile is learnt from this many of the latest saved papers, and of the latest marked papers."""
FOLLOWED_WEIGHT = 0.5
LESS_WEIGHT = 5.0
"""A disliked paper counts as much as this many papers of the sample."""
MAX_LEARNT = 2000
"""The number of groups of papers whose weights are cached, of all readers. Each takes 15 kB."""


class Signals(NamedTuple):
    saved: list[int]
    feedback: list[tuple[int, FeedbackKind]]
    followed: list[str]
    """The keywords of alerts."""


class LearntProfile(NamedTuple):
    signals: Signals
    learnt: likeness.LearntProfile


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

    async def learn(self, profile: today.Profile, day: Collection[int]) -> likeness.LearntProfile:
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
            return former.learnt
        judged = dict.fromkeys([*signals.saved, *(paper_id for paper_id, _ in signals.feedback)])
        vectors, titles = await self.vectors.load_saved(profile.user_id, judged)
        sample = await self.vectors.get_sample()
        learnt = await asyncio.to_thread(_learn, signals, vectors, sample, titles)
        self._learnt[profile.user_id] = LearntProfile(signals, learnt)
        likeness.keep_latest(self._learnt, MAX_LEARNT)
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
    return Signals(saved, marked, followed)


def _learn(
    signals: Signals, vectors: Mapping[int, Vector], sample: VectorSample, titles: Mapping[int, str]
) -> likeness.LearntProfile:
    """Return the profile learnt from some signals. Its concepts are those of saved papers."""
    saved, marked, words = signals
    less = {paper_id for paper_id, kind in marked if kind is FeedbackKind.LESS}
    wanted = dict.fromkeys([*saved, *(paper_id for paper_id, _ in marked)])
    return likeness.learn(
        {key: vectors[key] for key in wanted if key in vectors and key not in less},
        likeness.count_concepts({key: vectors[key] for key in saved if key in vectors}, titles, sample),
        sample.without(wanted.keys()),
        hints=[(extract_words(text), FOLLOWED_WEIGHT) for text in words],
        unwanted=[(vectors[key], LESS_WEIGHT) for key in less if key in vectors],
    )
