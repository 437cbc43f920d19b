"""What a service says of a paper, brought into bounds before anybody stores it: one line, no strange letters, real links."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from yarl import URL

_MAX_LINE_LENGTH = 1_000
_MAX_NAME_LENGTH = 200
_MAX_TEXT_LENGTH = 20_000
_MAX_URL_LENGTH = 2_000
_MAX_NAMES = 5_000
_MAX_LABELS = 50
_MAX_VOTES = 10_000_000


def clean_line(value: object, limit: int = _MAX_LINE_LENGTH) -> str | None:
    """Return a text on one line, at most `limit` letters, or None where there is none."""
    if not isinstance(value, str):
        return None
    words = " ".join(_strip_control_characters(value[: 4 * limit]).split())
    return (words if len(words) <= limit else words[: limit - 1].rstrip() + "…") or None


def clean_paragraph(value: object) -> str | None:
    """Return a text whose paragraphs are kept apart by an empty line, or None where there is none."""
    if not isinstance(value, str):
        return None
    blocks = _strip_control_characters(value[:_MAX_TEXT_LENGTH].replace("\r\n", "\n")).split("\n\n")
    return "\n\n".join(" ".join(block.split()) for block in blocks if block.strip()) or None


def clean_names(values: object) -> tuple[str, ...]:
    """Return people's names, each on one line, nobody twice, in their order."""
    return _clean_unique_lines(values, _MAX_NAME_LENGTH, _MAX_NAMES)


def clean_labels(values: object) -> tuple[str, ...]:
    """Return keywords or categories, none twice, in their order."""
    return _clean_unique_lines(values, _MAX_NAME_LENGTH, _MAX_LABELS)


def _clean_unique_lines(values: object, limit: int, max_items: int) -> tuple[str, ...]:
    if not isinstance(values, Iterable) or isinstance(values, str | bytes):
        return ()
    found = dict.fromkeys(text for value in values if (text := clean_line(value, limit)))
    return tuple(found)[:max_items]


def clean_url(value: object) -> str | None:
    """Return an http or https address, or None for anything else."""
    if not isinstance(value, str) or len(value) > _MAX_URL_LENGTH or not value.strip().isprintable():
        return None
    try:
        url = URL(value.strip())
    except ValueError:
        return None
    return str(url) if url.scheme in ("http", "https") and url.raw_host else None


def clean_votes(value: object) -> int | None:
    """Return a count of votes, or None for what is none: unknown is never 0."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_VOTES:
        return None
    return value


def clean_date(value: object) -> date | None:
    """Return the date that an ISO time begins with, or None."""
    if not isinstance(value, str):
        return None
    try:
        return datetime.fromisoformat(value).date()
    except ValueError:
        return None


def _strip_control_characters(text: str) -> str:
    """Drop what no database and no message takes: NUL, lone surrogates, other controls (line ends and tabs stay)."""
    if text.isprintable():
        return text
    return "".join(
        letter for letter in text if letter in "\n\t" or not (letter < " " or "\ud800" <= letter <= "\udfff")
    )
