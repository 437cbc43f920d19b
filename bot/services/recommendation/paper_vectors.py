"""Vectors of stored papers: those of any papers, of the day, and of a sample of what a reader did not want."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Collection, Mapping
from datetime import date

from bot.services.indexing.glossary_service import GlossaryService
from bot.services.recommendation import features
from bot.text.glossary.resolution.resolver import Glossary
from storage import models, papers
from storage.database import Connection
from storage.search import index

SAMPLE_SIZE = 360
"""Papers of the sample; their vectors take about 6 MB."""
SAMPLED_FROM = 2000
"""The newest papers, of which the sample is drawn."""
_SEED = 0


class PaperVectors:
    """Extracts the vectors of papers in a thread, and keeps those of the newest day and of the sample until they change."""

    def __init__(self, glossary: GlossaryService) -> None:
        self._glossary = glossary
        self._indexed: tuple[Glossary, features.ConceptIndex] | None = None
        self._extent: models.ArchiveExtent | None = None
        self._sample: dict[int, dict[str, float]] = {}
        self._day: dict[int, dict[str, float]] = {}
        self._lock = asyncio.Lock()

    async def get_concepts(self, connection: Connection) -> tuple[Glossary, features.ConceptIndex]:
        """Return the current glossary with the index of its concepts."""
        glossary = await self._glossary.get_current(connection)
        if self._indexed is None or self._indexed[0] is not glossary:
            made = await asyncio.to_thread(features.ConceptIndex, glossary.all_concepts())
            self._indexed, self._extent = (glossary, made), None
        return self._indexed

    async def extract(
        self, connection: Connection, paper_ids: Collection[int]
    ) -> dict[int, dict[str, float]]:
        """Return the vectors of the indexed papers among these ids."""
        _, concept_index = await self.get_concepts(connection)
        rows = await index.list_by_paper_ids(connection, paper_ids)
        return await asyncio.to_thread(_extract, rows, concept_index)

    async def get_day(self, connection: Connection) -> tuple[date | None, dict[int, dict[str, float]]]:
        """Return the newest day that has a digest, and the vectors of its papers by id, most votes first."""
        extent = await self._refresh(connection)
        return extent.last_on, self._day

    async def get_sample(self, connection: Connection) -> Mapping[int, dict[str, float]]:
        """Return the vectors of the sample by paper id: the same papers for all readers, drawn with a fixed seed."""
        await self._refresh(connection)
        return self._sample

    async def _refresh(self, connection: Connection) -> models.ArchiveExtent:
        await self.get_concepts(connection)
        extent = await papers.get_extent(connection)
        async with self._lock:
            if self._extent != extent:
                newest = await papers.list_newest_ids(connection, limit=SAMPLED_FROM)
                sample = random.Random(_SEED).sample(newest, min(SAMPLE_SIZE, len(newest)))
                day = await papers.list_by_date(connection, extent.last_on) if extent.last_on else []
                self._sample = await self.extract(connection, sample)
                vectors = await self.extract(connection, [row.id for row in day])
                self._day = {row.id: vectors.get(row.id, {}) for row in day}
                self._extent = extent
        return extent


def _extract(
    rows: Mapping[int, index.IndexRow], concept_index: features.ConceptIndex
) -> dict[int, dict[str, float]]:
    # Each feature is kept in memory once, not once per paper.
    names: dict[str, str] = {}
    return {
        paper_id: {
            names.setdefault(name, name): value
            for name, value in features.extract(row.texts, concept_index).items()
        }
        for paper_id, row in rows.items()
    }
