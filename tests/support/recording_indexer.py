"""A double of the search indexer that records its calls."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from storage import models
from storage.database import Connection, Database


class RecordingIndexer:
    """Holds the papers and authors that are indexed."""

    def __init__(self) -> None:
        self.papers: dict[int, models.IndexDocument] = {}
        self.authors: dict[int, models.Author] = {}

    async def index(
        self, connection: Connection, changed: Sequence[models.IndexDocument], people: Sequence[models.Author]
    ) -> None:
        """Record papers and authors, and check that new papers are marked as new."""
        for paper in changed:
            assert paper.is_new == (paper.id not in self.papers)
            self.papers[paper.id] = paper
        self.authors.update({person.id: person for person in people})

    async def remove(self, connection: Connection, paper_ids: Collection[int]) -> None:
        for paper_id in paper_ids:
            del self.papers[paper_id]

    async def postpone(
        self, connection: Connection, groups: Iterable[Sequence[int]], people: Sequence[models.Author] = ()
    ) -> None:
        assert not [*groups, *people], "its tests have small digests"

    async def catch_up(self, database: Database) -> None:
        """Do nothing."""

    @property
    def titles(self) -> set[str | None]:
        return {paper.title for paper in self.papers.values()}
