"""A small index that keeps what it was given, in place of the search index."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from storage import models
from storage.database import Connection


class RecordingIndexer:
    """Remembers the papers and authors as the search index would hold them."""

    def __init__(self) -> None:
        self.papers: dict[int, models.IndexDocument] = {}
        self.authors: dict[int, models.Author] = {}

    async def index(
        self, connection: Connection, changed: Sequence[models.IndexDocument], people: Sequence[models.Author]
    ) -> None:
        """Keep them, and check that what is said to be new is so."""
        for paper in changed:
            assert paper.is_new == (paper.id not in self.papers)
            self.papers[paper.id] = paper
        self.authors.update({person.id: person for person in people})

    async def remove(self, connection: Connection, paper_ids: Collection[int]) -> None:
        """Forget papers."""
        for paper_id in paper_ids:
            del self.papers[paper_id]

    @property
    def titles(self) -> set[str | None]:
        """The titles in the index."""
        return {paper.title for paper in self.papers.values()}


class NullIndexer:
    """Indexes nothing."""

    async def index(
        self, connection: Connection, changed: Sequence[models.IndexDocument], people: Sequence[models.Author]
    ) -> None:
        """Do nothing."""

    async def remove(self, connection: Connection, paper_ids: Collection[int]) -> None:
        """Do nothing."""
