"""Papers that are like a server's list: the profiles of lists, and what is compared with them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bot.search import likeness
from bot.search.glossary_service import GlossaryService
from bot.search.results import SharedConcept
from bot.search.vectors import PaperVectors, VectorSample
from storage import shelf
from storage.database import Database
from storage.errors import UsageError

MIN_LISTED = 5
"""Of fewer papers with a text nothing can be learnt: strangers would be like them."""
MAX_LEARNT = 1000
"""The number of papers of a list that are learnt from: the newest."""
_MAX_GROUPS = 2000
"""The most groups of papers whose weights are cached, of all lists. Each takes 15 kB."""


class Likeness(NamedTuple):
    """How much a paper is like a list.

    `degree` is in standard deviations of the sample from its mean, and `line` is what a paper needs. `reasons` are concepts that
    it has in common with at least two papers, and `nearest` the ids of the group that it is most like.
    """

    degree: float
    line: float
    reasons: tuple[SharedConcept, ...]
    nearest: Sequence[int]

    @property
    def is_like(self) -> bool:
        return bool(self.reasons) and self.degree >= self.line


class _Learnt(NamedTuple):
    listed: Sequence[int]
    sample: VectorSample
    known: int
    """How many of the papers have a text."""
    profile: likeness.LearntProfile


class OurLists:
    """Compares papers with servers' lists. What was learnt of a list is kept until it or the archive changes."""

    def __init__(self, database: Database, vectors: PaperVectors, glossary: GlossaryService) -> None:
        self._database = database
        self.vectors = vectors
        self._glossary = glossary
        self._learnt: dict[int, _Learnt] = {}

    async def compare(self, server_id: int, sizes: Mapping[int, int]) -> dict[int, Likeness]:
        """Return how much papers that are not on a server's list are like it, by id.

        `sizes` says of how many each is one, since of more papers more are strangers. Raises UsageError if the list has too few
        papers that can be learnt from.
        """
        if not server_id:
            raise UsageError("like:list is about a server's list.", "like-needs-server")
        listed = await self._database.fetch(shelf.list_paper_ids, server_id)
        learnt, sample = self._learnt.pop(server_id, None), await self.vectors.get_sample()
        if learnt is None or learnt.listed != listed or learnt.sample is not sample:
            learnt = await self._learn(listed, server_id)
            if (known := learnt.known) < MIN_LISTED:
                raise UsageError(
                    f"The list needs {MIN_LISTED} papers that have a text; of its {len(listed)} papers {known} have one.",
                    "like-needs-papers",
                    listed=len(listed),
                    known=known,
                    least=MIN_LISTED,
                )
        self._learnt[server_id] = learnt
        likeness.keep_latest(self._learnt, _MAX_GROUPS)
        return await self._rate(learnt, sizes)

    async def compare_with(self, paper_ids: Sequence[int], sizes: Mapping[int, int]) -> dict[int, Likeness]:
        """Return how much other papers are like some papers, which may be fewer than a list needs."""
        return await self._rate(await self._learn(paper_ids), sizes)

    async def _learn(self, listed: Sequence[int], owner_id: int = 0) -> _Learnt:
        """Learn from the newest papers of a list, which takes up to a second of CPU time for a hundred."""
        sample = await self.vectors.get_sample()
        vectors, titles = await self.vectors.load_saved(owner_id, listed[:MAX_LEARNT])

        def learn() -> likeness.LearntProfile:
            concepts = likeness.count_concepts(vectors, titles, sample)
            shared = {concept: papers for concept, papers in concepts.items() if papers >= likeness.SHARED}
            return likeness.learn(vectors, shared, sample.without(vectors.keys()))

        return _Learnt(listed, sample, len(vectors), await asyncio.to_thread(learn))

    async def _rate(self, learnt: _Learnt, sizes: Mapping[int, int]) -> dict[int, Likeness]:
        vectors, profile = await self.vectors.extract(sizes.keys() - {*learnt.listed}), learnt.profile
        glossary, rated = (
            await self._glossary.get_current(),
            await asyncio.to_thread(likeness.rate, profile, vectors),
        )
        return {
            paper_id: Likeness(
                degree,
                likeness.find_line(sizes[paper_id]),
                tuple(likeness.list_shared(profile.concepts, vectors[paper_id], glossary)),
                profile.groups[number],
            )
            for paper_id, (degree, number) in rated.items()
        }

    async def list_nearest(self, paper_id: int, among: Sequence[int], most: int) -> list[int]:
        """Return those of some papers that are most like a paper, the nearest first."""
        vectors = await self.vectors.extract([paper_id, *among])
        own, sample = vectors.pop(paper_id, {}), await self.vectors.get_sample()
        return likeness.list_nearest(own, vectors, sample)[:most]
