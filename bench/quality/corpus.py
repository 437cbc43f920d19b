"""Loads an archive of digests as plain papers, for measurements without a database."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bot.archive import parse
from storage import models

SHARED_ARCHIVE = Path(__file__).resolve().parents[2] / "../shared/archive"
"""An optional archive of real digests next to the checkout."""


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper merged from all digests. `body` has a line per section, in the order of the digests."""

    arxiv_id: str
    title: str
    body: str
    votes: int | None
    published_on: date


def list_files(folder: Path = SHARED_ARCHIVE) -> list[Path]:
    """Return the digest files of an archive, sorted by path."""
    return [file for file in sorted(folder.glob("**/*.md")) if file.stem != "README"]


def load_papers(files: Sequence[Path]) -> list[Paper]:
    """Return the papers in digests, in order of first appearance."""
    papers: dict[str, Paper] = {}
    for file in files:
        for digest in parse.parse_text(parse.decode(file.read_bytes())):
            for entry in digest.entries:
                before = papers.get(entry.paper_key)
                papers[entry.paper_key] = _merge(before, entry, digest.date)
    return list(papers.values())


def _merge(before: Paper | None, entry: models.Entry, on: date) -> Paper:
    # A paper is not about what it leaves to later work.
    sections = (of for of in entry.sections if not re.search("후속 연구|한계점", of.heading or ""))
    body = "\n".join(f"{section.heading or ''}: {section.body}" for section in sections)
    if before is None:
        return Paper(entry.paper_key, entry.title or "", body, entry.votes, on)
    return Paper(
        entry.paper_key,
        before.title or entry.title or "",
        f"{before.body}\n{body}",
        entry.votes,
        before.published_on,
    )
