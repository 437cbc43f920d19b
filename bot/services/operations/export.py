"""Which stored digests an export holds, and what storage adds to them. How they are written is `rendering.exports`'."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import groupby
from operator import attrgetter
from typing import Any

from bot import errors
from bot.rendering.export.formats import ExportDigest, ExportFormat, render_export
from bot.rendering.wording.templates import Templates
from storage import digests, entries, models, papers
from storage.database import Connection, Database

DIGEST_FORMATS = {ExportFormat(form.value): form for form in models.DigestFormat}


async def export_digests(
    database: Database,
    form: ExportFormat,
    templates: Templates,
    *,
    since_on: date | None,
    until_on: date | None,
) -> str:
    """Return the digests of a span of dates (both ends included, None: open) as one file's text, oldest first.

    NEWSLETTER and REVIEW take each date's digests of that format, or, where there is none, convert what there is.
    Raises PaperroundError when nothing is stored for these dates.
    """
    async with database.read() as connection:
        found = await digests.list_rows(connection, since_on=since_on, until_on=until_on)
        found.sort(key=lambda one: (one.date, one.format.value, one.id))
        wanted = DIGEST_FORMATS.get(form)
        chosen = found if wanted is None else list(_prefer_format(found, wanted))
        if not chosen:
            raise errors.PaperroundError("No digest is stored for these dates.")
        whole = [await _read_digest(connection, one) for one in chosen]
    return render_export(form, whole, templates)


def _prefer_format(
    found: Sequence[models.StoredDigest], wanted: models.DigestFormat
) -> Iterable[models.StoredDigest]:
    for _, of_date in groupby(found, key=attrgetter("date")):
        group = list(of_date)
        yield from [one for one in group if one.format is wanted] or group


async def _read_digest(connection: Connection, stored: models.StoredDigest) -> ExportDigest:
    said = await entries.list_by_digest(connection, stored.id)
    places = await digests.list_locations_by_digest(connection, stored.id)
    text = await digests.get_text(connection, stored.id)
    digest = models.Digest(stored.format, stored.date, said, stored.problems, text or "")
    return ExportDigest(
        digest=digest,
        file=places[0].location if places else "",
        extra_fields={"language": stored.language, "hash": stored.hash, "revision": stored.revision},
        paper_extra_fields=await _stored_metadata(connection, [entry.arxiv_id for entry in said]),
    )


async def _stored_metadata(connection: Connection, arxiv_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return what is known of papers beyond what the digest says, by arXiv id."""
    rows = await papers.list_by_arxiv_ids(connection, arxiv_ids)
    details = await papers.list_details(connection, [row.id for row in rows])
    return {
        detail.arxiv_id: {
            "stored": {
                "title": detail.title,
                "votes": detail.votes,
                "votes_read_at": None if detail.votes_read_at is None else detail.votes_read_at.isoformat(),
                "authors": list(detail.authors),
                "abstract": detail.abstract,
                "keywords": list(detail.keywords),
                "categories": list(detail.categories),
                "code_url": detail.code_url,
                "project_url": detail.project_url,
                "first_on": detail.first_on.isoformat(),
                "last_on": detail.last_on.isoformat(),
            }
        }
        for detail in details
    }
