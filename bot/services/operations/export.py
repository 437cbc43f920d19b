"""Selects the stored digests of an export and adds their stored metadata; `rendering.export` writes the formats."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import groupby
from operator import attrgetter
from typing import Any

from bot import errors
from bot.rendering.export.formats import ExportDigest, ExportFormat, render_export
from bot.rendering.wording.templates import Templates
from storage import digests, entries, facts, models, papers
from storage.database import Connection, Database

DIGEST_FORMATS = {ExportFormat(form.value): form for form in models.DigestFormat}
"""The export formats that are digest formats too."""


async def export_digests(
    database: Database,
    form: ExportFormat,
    templates: Templates,
    *,
    since_on: date | None,
    until_on: date | None,
) -> str:
    """Return the digests of a span of dates (both ends included, None for open) as the text of one file, oldest first.

    NEWSLETTER, REVIEW and LISTING take each date's digests in that format, or convert the others where there is none:
    written ones before listings.
    Raises PaperroundError if no digest is stored for these dates.
    """
    async with database.read() as connection:
        rows = await digests.list_rows(connection, since_on=since_on, until_on=until_on)
        rows.sort(key=lambda row: (row.date, row.format.value, row.id))
        digest_format = DIGEST_FORMATS.get(form)
        chosen = rows if digest_format is None else list(_prefer_format(rows, digest_format))
        if not chosen:
            raise errors.PaperroundError("No digest is stored for these dates.")
        exported = [await _read_digest(connection, row) for row in chosen]
    return render_export(form, exported, templates)


def _prefer_format(
    rows: Sequence[models.StoredDigest], digest_format: models.DigestFormat
) -> Iterable[models.StoredDigest]:
    for _, date_rows in groupby(rows, key=attrgetter("date")):
        group = list(date_rows)
        written = [row for row in group if row.format is not models.DigestFormat.LISTING]
        yield from [row for row in group if row.format is digest_format] or written or group


async def _read_digest(connection: Connection, stored: models.StoredDigest) -> ExportDigest:
    digest_entries = await entries.list_by_digest(connection, stored.id)
    locations = await digests.list_locations_by_digest(connection, stored.id)
    text = await digests.get_text(connection, stored.id)
    digest = models.Digest(stored.format, stored.date, digest_entries, stored.problems, text or "")
    return ExportDigest(
        digest=digest,
        file=locations[0].location if locations else "",
        extra_fields={"language": stored.language, "hash": stored.hash, "revision": stored.revision},
        paper_extra_fields=await _stored_metadata(connection, [entry.arxiv_id for entry in digest_entries]),
    )


async def _stored_metadata(connection: Connection, arxiv_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the merged metadata of papers by arXiv id, as extra fields of the export."""
    rows = await papers.list_by_arxiv_ids(connection, arxiv_ids)
    details = await papers.list_details(connection, [row.id for row in rows])
    confirmed = await facts.list_with_arxiv_authors(connection, [detail.id for detail in details])
    return {
        detail.arxiv_id: {
            "stored": {
                "title": detail.title,
                "votes": detail.votes,
                "votes_read_at": None if detail.votes_read_at is None else detail.votes_read_at.isoformat(),
                "authors": list(detail.authors),
                "authors_truncated": detail.authors_truncated,
                "author_order_confirmed": detail.id in confirmed,
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
