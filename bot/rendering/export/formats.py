"""Stored digests as files that others read: newsletter, review, JSON, CSV, BibTeX. Which digests is asked elsewhere."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from bot.digests import json_output
from bot.rendering.export import bibtex, digest_markdown
from bot.rendering.export.digest_markdown import PaperMarkdown
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
    """What `paperround export --format` takes."""

    NEWSLETTER = "newsletter"
    REVIEW = "review"
    JSON = "json"
    CSV = "csv"
    BIBTEX = "bibtex"


@dataclass(frozen=True, slots=True)
class ExportDigest:
    """A digest with what storage knows besides: `file` is the place that it came from.

    `stored` is added to its JSON record, `paper_stored` (by arXiv id) to the records of its papers.
    """

    digest: models.Digest
    file: str
    extra_fields: Mapping[str, Any] = field(default_factory=dict)
    paper_extra_fields: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _DigestMarkdown:
    date: date
    papers: tuple[PaperMarkdown, ...]


def render_export(export_format: ExportFormat, digests: Sequence[ExportDigest], templates: Templates) -> str:
    """Return the digests, in the order given, as the text of one file that ends with a line end.

    NEWSLETTER and REVIEW read back as what went in (digests of one date become one), JSON is a digest a line in
    the shape of `parse`, CSV a row for each paper of each digest, BIBTEX an entry for each paper.
    """
    match export_format:
        case ExportFormat.NEWSLETTER:
            return _render_markdown_file(
                templates, export_format, digests, digest_markdown.render_newsletter_paper
            )
        case ExportFormat.REVIEW:
            return _render_markdown_file(
                templates, export_format, digests, digest_markdown.render_review_paper
            )
        case ExportFormat.JSON:
            return "".join(_render_json_line(digest) for digest in digests)
        case ExportFormat.CSV:
            return _render_csv(digests)
        case ExportFormat.BIBTEX:
            return bibtex.render_bibtex(entry for one in digests for entry in one.digest.entries)


def _render_markdown_file(
    templates: Templates, export_format: ExportFormat, digests: Iterable[ExportDigest], render_paper: Any
) -> str:
    written = [
        _DigestMarkdown(one.digest.date, tuple(render_paper(entry) for entry in one.digest.entries))
        for one in digests
    ]
    return templates.render_document(f"export.{export_format}.md.j2", {"digests": written})


def _render_json_line(one: ExportDigest) -> str:
    record = json_output.digest_to_json(one.digest, one.file)
    for paper in record["papers"]:
        paper.update(one.paper_extra_fields.get(paper["arxiv_id"], {}))
    return json.dumps({**record, **one.extra_fields}, ensure_ascii=False) + "\n"


def _render_csv(digests: Iterable[ExportDigest]) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for one in digests:
        for entry in one.digest.entries:
            writer.writerow({name: _escape_formula(value) for name, value in _row(one.digest, entry).items()})
    return file.getvalue()


def _row(digest: models.Digest, entry: models.Entry) -> dict[str, object]:
    sections = [
        f"{section.heading}: {blocks.render_plain(section.body)}"
        if section.heading
        else blocks.render_plain(section.body)
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


def _escape_formula(value: object) -> object:
    """Return a value that no spreadsheet takes for a formula: an apostrophe before a text that begins like one."""
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value
