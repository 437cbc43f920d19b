"""The registry of export formats: stored digests as one file of newsletters, reviews, JSON, CSV or BibTeX."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any

from bot.digests import json_output, listing
from bot.rendering.export import bibtex, digest_markdown
from bot.rendering.markdown import blocks
from bot.rendering.wording.templates import Templates
from storage import models

CSV_COLUMNS = (
    "date",
    "format",
    "rank",
    "arxiv_id",
    "title",
    "url",
    "votes",
    "authors",
    "authors_truncated",
    "thumbnail",
    "video",
    "summary",
)

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class ExportFormat(StrEnum):
    """The values of `paperround export --format`."""

    NEWSLETTER = "newsletter"
    REVIEW = "review"
    LISTING = "listing"
    JSON = "json"
    CSV = "csv"
    BIBTEX = "bibtex"


@dataclass(frozen=True, slots=True)
class ExportDigest:
    """A digest with its metadata in storage. `file` is its location.

    JSON alone has `extra_fields`, in the digest's record, and `paper_extra_fields`, by arXiv id, in those of its papers.
    """

    digest: models.Digest
    file: str
    extra_fields: Mapping[str, Any] = field(default_factory=dict)
    paper_extra_fields: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def render_export(export_format: ExportFormat, digests: Sequence[ExportDigest], templates: Templates) -> str:
    """Return the digests, in the order given, as the text of one file that ends with a line end.

    NEWSLETTER, REVIEW and LISTING parse back to the same digests (those of one date become one); LISTING is one JSON
    object per line with the newest votes. JSON is one digest per line in the shape of `parse`,
    CSV one row per paper of each digest, BIBTEX one entry per paper.
    """
    return _EXPORTERS[export_format](digests, templates)


def _render_markdown(
    digest_format: models.DigestFormat, exported: Sequence[ExportDigest], templates: Templates
) -> str:
    render_paper = digest_markdown.PAPER_RENDERERS[digest_format]
    digests = [
        {"date": item.digest.date, "papers": [render_paper(entry) for entry in item.digest.entries]}
        for item in exported
    ]
    return templates.render_document(f"export.{digest_format}.md.j2", {"digests": digests})


def _render_listing(exported: Sequence[ExportDigest], _: Templates) -> str:
    return "".join(
        listing.build(item.digest.date, [_listing_paper(item, paper) for paper in _listing_papers(item)]).text
        for item in exported
    )


def _listing_papers(item: ExportDigest) -> Sequence[listing.Paper]:
    if item.digest.format is models.DigestFormat.LISTING:
        return listing.papers_of(item.digest)
    return [listing.paper_of(entry) for entry in item.digest.entries]


def _listing_paper(item: ExportDigest, paper: listing.Paper) -> listing.Paper:
    """Return a paper with what storage knows of it: the newest votes, and fields that its digest does not have."""
    stored = item.paper_extra_fields.get(paper["arxiv_id"], {}).get("stored", {})
    known = {
        name: stored[name] for name in ("abstract", "keywords", "code_url", "project_url") if name in stored
    }
    votes = stored.get("votes")
    return {**known, **paper, **({} if votes is None else {"votes": votes})}


def _render_json(exported: Sequence[ExportDigest], _: Templates) -> str:
    lines = []
    for item in exported:
        record = json_output.digest_to_json(item.digest, item.file)
        for paper in record["papers"]:
            paper.update(item.paper_extra_fields.get(paper["arxiv_id"], {}))
        lines.append(json.dumps({**record, **item.extra_fields}, ensure_ascii=False) + "\n")
    return "".join(lines)


def _render_csv(exported: Sequence[ExportDigest], _: Templates) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for item in exported:
        for entry in item.digest.entries:
            row = _csv_row(item.digest, entry)
            writer.writerow({name: escape_formula(value) for name, value in row.items()})
    return file.getvalue()


def _render_bibtex(exported: Sequence[ExportDigest], _: Templates) -> str:
    return bibtex.render_bibtex(
        (entry, item.paper_extra_fields.get(entry.arxiv_id, {}).get("stored", {}))
        for item in exported
        for entry in item.digest.entries
    )


def _csv_row(digest: models.Digest, entry: models.Entry) -> dict[str, object]:
    sections = [
        (f"{section.heading}: " if section.heading else "") + blocks.render_plain(section.body)
        for section in entry.sections
    ]
    return {
        "date": digest.date.isoformat(),
        "format": digest.format.value,
        "rank": entry.rank,
        "arxiv_id": entry.arxiv_id,
        "title": entry.title,
        "url": entry.url,
        "votes": entry.votes,
        "authors": "; ".join(entry.authors),
        "authors_truncated": "yes" if entry.authors_truncated else "no",
        "thumbnail": entry.thumbnail,
        "video": entry.video,
        "summary": "\n\n".join(sections),
    }


def escape_formula(value: object) -> object:
    """Return a value that spreadsheets do not evaluate: a text that begins like a formula gets an apostrophe."""
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value


_EXPORTERS: Mapping[ExportFormat, Callable[[Sequence[ExportDigest], Templates], str]] = {
    **{ExportFormat(form.value): partial(_render_markdown, form) for form in digest_markdown.PAPER_RENDERERS},
    ExportFormat.LISTING: _render_listing,
    ExportFormat.JSON: _render_json,
    ExportFormat.CSV: _render_csv,
    ExportFormat.BIBTEX: _render_bibtex,
}
