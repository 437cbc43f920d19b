"""A fast path for the most common shape of a newsletter's paper; `block` parses that shape too, and all others.

Parsing takes 3.7 times the line scan of `python -m bench ingest` with it and 6.2 times without; the aim is at most 4.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.digests.elements import highlights, labelled_fields, paper_headings, refusals
from storage import models

_COVER = re.compile(r"!\[\]\((https?://[\w./%-]+\.(?:png|jpe?g|webp))\)", re.ASCII)
_HEADER_LINES = 7


def parse_simple_block(rows: Sequence[str], start: int, end: int, draft: paper_headings.PaperDraft) -> bool:
    """Fill `draft` from the rows if they are a cover, votes, authors and one-line bullets; else return False.

    The result is that of `block.parse_block`. Rows of any other shape leave `draft` unchanged.
    """
    if end - start <= _HEADER_LINES or rows[start] or rows[start + 2] or rows[start + 4] or rows[start + 6]:
        return False
    cover_row, votes_row, authors_row = rows[start + 1], rows[start + 3], rows[start + 5]
    cover = _COVER.fullmatch(cover_row)
    if not cover or not votes_row.startswith("Vote: ") or not authors_row.startswith("Authors: "):
        return False
    votes, is_understood = labelled_fields.parse_votes(votes_row[6:].strip())
    sections = _parse_bullets(rows[start + _HEADER_LINES : end]) if is_understood else None
    if sections is None:
        return False
    draft.votes = votes
    draft.authors, draft.authors_truncated = labelled_fields.parse_authors(authors_row[9:].strip())
    draft.thumbnail = cover[1]
    draft.sections = refusals.drop_refusal(sections)
    return True


def _parse_bullets(rows: Sequence[str]) -> tuple[models.Section, ...] | None:
    sections = []
    for row in rows:
        if not row:
            continue
        if not row.startswith("- "):
            return None
        heading, body = highlights.split_heading(row[2:].strip())
        if not body or body[0] == "-":
            return None
        sections.append(models.Section(heading, body))
    return tuple(sections)
