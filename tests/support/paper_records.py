"""Builders for stored papers and digests."""

from dataclasses import replace
from datetime import UTC, date, datetime

from bot.archive import digest_writer
from storage import archive, database, models, papers

NOW = datetime(2026, 1, 3, 9, tzinfo=UTC)
DAY = date(2026, 1, 2)


def merged_paper(number: int, *, on: date | None = DAY) -> models.MergedPaper:
    """Return a merged paper that is listed on a date, or unlisted if the date is None."""
    arxiv_id, authors = f"2601.{number:05}", ("Ada Byron", "Bea Long")
    facts = models.PaperFacts(arxiv_id, "arxiv", "", NOW, title=f"Paper {number}", votes=5)
    facts = replace(facts, authors=authors, keywords=("rl",))
    return replace(digest_writer.merge(arxiv_id, [], [facts]), first_on=on, last_on=on)


async def add_papers(db: database.Database, *new_papers: models.MergedPaper) -> dict[str, int]:
    return await db.write(papers.add, new_papers)


async def add_digest(
    db: database.Database, ids: dict[str, int], on: date = DAY, digest_hash: str = "h"
) -> int:
    """Store a digest that lists the papers in `ids` in order, and return its id."""
    digest_entries = tuple(
        models.Entry(rank, arxiv_id, f"Title {rank}", "u", sections=(models.Section(None, f"Body {rank}"),))
        for rank, arxiv_id in enumerate(ids, 1)
    )
    digest = models.Digest(
        models.DigestFormat.NEWSLETTER, on, digest_entries, (models.Problem(3, "odd"),), f"text {digest_hash}"
    )
    async with db.transaction() as connection:
        sourced = archive.SourcedDigest(digest, "ko", digest_hash, "files", f"{digest_hash}.md")
        [digest_id] = await archive.add(connection, [sourced], NOW)
        await archive.add_entries(connection, {digest_id: digest_entries}, ids, {})
    return digest_id
