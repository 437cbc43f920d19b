"""Loads an archive of digests as plain papers, each once, for measurements that need no database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bot.digests import parse
from storage import models

SHARED_ARCHIVE = Path(__file__).resolve().parents[2] / "../shared/archive"
"""Where a checkout may have a real archive beside it; nothing here depends on it being there."""


@dataclass(frozen=True, slots=True)
class Paper:
    """What all digests say of one paper: `body` holds a line a section, in the order of the digests."""

    arxiv_id: str
    title: str
    body: str
    votes: int | None
    published_on: date


def list_files(folder: Path = SHARED_ARCHIVE) -> list[Path]:
    """Return the files of an archive in order of their names."""
    return [file for file in sorted(folder.glob("**/*.md")) if file.stem != "README"]


def load_papers(files: Sequence[Path]) -> list[Paper]:
    """Return the papers of some digests in the order of their first mention."""
    found: dict[str, Paper] = {}
    for file in files:
        for digest in parse.parse_text(parse.decode(file.read_bytes())):
            for entry in digest.entries:
                before = found.get(entry.arxiv_id)
                found[entry.arxiv_id] = _merge(before, entry, digest.date)
    return list(found.values())


def _merge(before: Paper | None, entry: models.Entry, dated: date) -> Paper:
    body = "\n".join(
        f"{section.heading}: {section.body}" if section.heading else section.body
        for section in entry.sections
    )
    if before is None:
        return Paper(entry.arxiv_id, entry.title or "", body, entry.votes, dated)
    return Paper(
        entry.arxiv_id,
        before.title or entry.title or "",
        f"{before.body}\n{body}",
        entry.votes,
        before.published_on,
    )
