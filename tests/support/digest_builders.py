"""Builders for small digests, stored through the ingest service."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from bot.archive import ingest
from bot.archive.digest_writer import IngestResult, OnFreshPapers
from storage import alerts, models
from storage.database import Connection, Database


def newsletter(on: date, papers: Iterable[tuple[str, int | None]], *, text: str = "") -> str:
    """Return a newsletter with papers given as (arXiv id, votes), and `text` in every summary."""
    blocks = [f"## Daily Papers ({on.isoformat()})"]
    for arxiv_id, votes in papers:
        blocks.append(
            f"### [Paper {arxiv_id}](https://arxiv.org/abs/{arxiv_id})\n\n"
            f"![](https://covers.example/{arxiv_id}.png)\n\n"
            f"Vote: {'-' if votes is None else votes}\n\n"
            "Authors: Ada Lovelace, Kim Min-jun\n\n"
            f"- ***What's New***: Shows how {arxiv_id} does its work. {text}\n"
            "- ***Technical Details***: Trained with care.\n"
            "- ***Performance Highlights***: Better than before."
        )
    return "\n\n".join(blocks) + "\n"


def add_pending_alerts(now: datetime) -> OnFreshPapers:
    """Return an ingest callback that queues new papers for alerts."""

    async def add_pending(connection: Connection, paper_ids: Sequence[int]) -> None:
        await alerts.add_unmatched(connection, paper_ids, now)

    return add_pending


async def ingest_digest(
    database: Database,
    text: str,
    *,
    at: datetime,
    on_fresh: OnFreshPapers | None = None,
    location: str | None = None,
) -> IngestResult:
    service = ingest.IngestService(database, lambda: at, on_fresh=on_fresh)
    return await service.add_text(text, location=location or text.splitlines()[0])


async def add_facts(database: Database, *facts: models.PaperFacts) -> IngestResult:
    service = ingest.IngestService(database, lambda: facts[0].read_at)
    return await service.add_facts(facts)
