"""An ingest service that records its notifications, and newsletters to ingest."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

import sqlalchemy as sa

from bot.archive import ingest
from bot.archive.digest_writer import IngestResult
from storage import database, models, papers, schema
from storage.database import Connection
from tests.support import sample_archive
from tests.support.sample_archive import NewsletterPaper

NOW = datetime(2026, 1, 3, 9, tzinfo=UTC)
DAY = "2026-01-02"


def paper(
    number: int = 1, *, title: str | None = None, votes: int | None = 5, authors: str = "Ada Byron"
) -> NewsletterPaper:
    name = title or f"Paper {number}"
    return NewsletterPaper(f"2601.{number:05}", name, f"Summary of {number}.", votes, [authors])


def newsletter(*entries: NewsletterPaper, day: str = DAY) -> str:
    """Return a newsletter, by default with one paper."""
    return sample_archive.newsletter(day, entries or [paper()])


class IngestHarness:
    """An ingest service at `NOW` that records its notifications, which fail while `is_failing`."""

    def __init__(self, db: database.Database) -> None:
        self.db = db
        self.notified: list[Sequence[int]] = []
        self.is_failing = False
        self.ingest = ingest.IngestService(db, lambda: NOW, on_fresh=self.on_fresh)

    async def on_fresh(self, connection: Connection, paper_ids: Sequence[int]) -> None:
        if self.is_failing:
            raise RuntimeError("the power went out")
        self.notified.append(paper_ids)

    async def add(self, text: str, location: str = "a.md", source: str = "files") -> IngestResult:
        return await self.ingest.add_text(text, source=source, location=location)

    async def rows(self, on: str = DAY) -> list[models.PaperRow]:
        return await self.db.fetch(papers.list_by_date, date.fromisoformat(on))

    async def titles(self, on: str = DAY) -> list[str | None]:
        return [row.title for row in await self.rows(on)]

    async def count(self, table: sa.Table) -> int:
        async with self.db.read() as connection:
            return int((await connection.execute(sa.select(sa.func.count()).select_from(table))).scalar_one())

    async def author_counts(self) -> dict[str, int]:
        columns = papers.authors.c
        async with self.db.read() as connection:
            return dict(map(tuple, await connection.execute(sa.select(columns.name, columns.paper_count))))

    async def counts(self) -> dict[str, int]:
        return {table.name: await self.count(table) for table in schema.METADATA.sorted_tables}
