"""Small archives for look-up tests, of our own sentences, ingested as the bot would."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.services.ingest.service import IngestService
from bot.services.search.indexer import SearchIndexer
from storage.database import Database

NOW = datetime(2026, 1, 1, 9, tzinfo=UTC)


@dataclass(frozen=True)
class NewsletterPaper:
    """One entry of a newsletter."""

    arxiv_id: str
    title: str
    text: str
    votes: int = 10
    authors: Sequence[str] = ("Ada Lovelace",)


def newsletter(date: str, papers: Iterable[NewsletterPaper]) -> str:
    """Return a digest that says these papers."""
    entries = (
        f"### [{paper.title}](https://arxiv.org/abs/{paper.arxiv_id})\n\n"
        f"Vote: {paper.votes}\n\nAuthors: {', '.join(paper.authors)}\n\n"
        f"- ***What's New***: {paper.text}\n"
        for paper in papers
    )
    return "\n".join((f"## Daily Papers ({date})\n", *entries))


def make_ingest(database: Database) -> IngestService:
    """Return what stores digests in a database, without alerts."""
    return IngestService(database, lambda: NOW, SearchIndexer())


async def add_digest(database: Database, date: str, *papers: NewsletterPaper) -> None:
    """Ingest a digest; the same date again is a correction."""
    await make_ingest(database).add_text(newsletter(date, papers), location=f"{date}.md")
