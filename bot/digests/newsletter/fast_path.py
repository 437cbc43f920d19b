"""A shorter way through the commonest shape of a newsletter's paper; `blocks` reads that shape too, and all others."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.digests.elements import highlights, labelled_fields, paper_headings, refusals
from storage import models

_COVER = re.compile(r"!\[\]\((https?://[\w./%-]+\.(?:png|jpe?g|webp))\)", re.ASCII)
_HEADER_LINES = 7
_HEADING_START = len("- ***")
_MAX_HEADING_LENGTH = 200


def read_simple_block(rows: Sequence[str], start: int, end: int, draft: paper_headings.PaperDraft) -> bool:
    """Whether the lines are a cover, votes, authors and bullets of one line each, with blank lines between.

    Then `draft` gets from them exactly what `blocks.parse_block` would give, in a fraction of its time: archives
    are nearly all of this shape. Otherwise `draft` is left alone.
    """
    if end - start <= _HEADER_LINES or rows[start] or rows[start + 2] or rows[start + 4] or rows[start + 6]:
        return False
    cover, count, names = rows[start + 1], rows[start + 3], rows[start + 5]
    shown = _COVER.fullmatch(cover)
    if not shown or not count.startswith("Vote: ") or not names.startswith("Authors: "):
        return False
    votes, understood = labelled_fields.parse_votes(count[6:].strip())
    sections = _read_bullets(rows, start + _HEADER_LINES, end) if understood else None
    if sections is None:
        return False
    draft.votes = votes
    draft.authors, draft.authors_truncated = labelled_fields.parse_authors(names[9:].strip())
    draft.thumbnail = shown[1]
    draft.sections = refusals.drop_refusal(sections)
    return True


def _read_bullets(rows: Sequence[str], start: int, end: int) -> tuple[models.Section, ...] | None:
    sections = []
    heading: str | None
    for row in rows[start:end]:
        if not row:
            continue
        close = row.find("***: ", _HEADING_START, _MAX_HEADING_LENGTH) if row.startswith("- ***") else -1
        if close > _HEADING_START and row.find("*", _HEADING_START, close) < 0:
            heading, body = row[_HEADING_START:close], row[close + 5 :].strip()
            if heading[0] == " " or heading[-1] in " :：":
                heading = heading.strip(" :：") or None
        elif row.startswith("- "):
            heading, body = highlights.split_heading(row[2:].strip())
        else:
            return None
        if not body or body[0] == "-":
            return None
        sections.append(models.Section(heading, body))
    return tuple(sections)
