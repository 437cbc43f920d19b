"""The manifest: the papers of a day with votes, authors and abstracts, from the stored listing or from Hugging Face."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from bot import errors
from bot.clock import Clock
from bot.digests import listing
from bot.services.ingest.service import IngestService
from bot.sources import base, huggingface
from storage import digests, models
from storage.database import Database


async def load(
    database: Database,
    source: huggingface.HuggingFaceSource,
    clock: Clock,
    day: date,
    ingest: IngestService | None = None,
) -> Sequence[listing.Paper]:
    """Return the papers of a day in the order of its list. Raises PaperroundError if there is no list.

    A list that is fetched and no longer grows is stored by `ingest`, so that later runs print the same papers and votes.
    """
    if stored := await load_stored(database, day):
        return stored
    fetched = await _fetch(source, clock, day)
    if ingest is not None and not source.is_list_growing(day, clock()):
        await ingest.add_digests(fetched.digests, source=huggingface.ADDRESS, location=fetched.location)
        await ingest.add_facts(fetched.facts)
    return listing.papers_of(fetched.digests[0])


async def load_stored(database: Database, day: date) -> Sequence[listing.Paper]:
    """Return the papers of the stored listing with the most papers; an empty list without one."""
    papers: list[listing.Paper] = []
    async with database.read() as connection:
        for row in await digests.list_rows(connection, since_on=day, until_on=day):
            text = await digests.get_text(connection, row.id)
            if row.format is models.DigestFormat.LISTING and text is not None:
                [digest] = listing.parse_text(text)
                papers = max(papers, listing.papers_of(digest), key=len)
    return papers


async def _fetch(source: huggingface.HuggingFaceSource, clock: Clock, day: date) -> base.FetchResult:
    """Return the result with the day's list. Raises PaperroundError if there is none."""
    async for result in source.fetch(base.FetchRequest(clock(), days=(day,))):
        if result.digests:
            return result
        raise errors.PaperroundError(f"{result.location}: {result.reason}")
    raise AssertionError("a requested day has a result")
