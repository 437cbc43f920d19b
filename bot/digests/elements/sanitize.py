"""Cleans and bounds text fields of services before they are stored: length, control characters, URLs, counts."""

from __future__ import annotations

import hashlib
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


def bounded_key(location: str, max_length: int) -> str:
    """Return the location, or for a longer one its beginning and the SHA-256 of the whole, `max_length` characters."""
    if len(location) <= max_length:
        return location
    return location[: max_length - 64] + hashlib.sha256(location.encode("utf-8", "replace")).hexdigest()


def clean_line(value: object, max_length: int = _MAX_LINE_LENGTH) -> str | None:
    """Return a text on one line of at most `max_length` characters, or None if there is none."""
    if not isinstance(value, str):
        return None
    line = " ".join(_strip_control_characters(value[: 4 * max_length]).split())
    return (line if len(line) <= max_length else line[: max_length - 1].rstrip() + "…") or None


def clean_paragraph(value: object) -> str | None:
    """Return a text with paragraphs separated by an empty line, or None if there is none."""
    if not isinstance(value, str):
        return None
    blocks = _strip_control_characters(value[:_MAX_TEXT_LENGTH].replace("\r\n", "\n")).split("\n\n")
    return "\n\n".join(" ".join(block.split()) for block in blocks if block.strip()) or None


def clean_names(values: object) -> tuple[str, ...]:
    """Return the names of people, each on one line, in order, without duplicates."""
    return _clean_unique_lines(values, _MAX_NAMES)


def clean_labels(values: object) -> tuple[str, ...]:
    """Return keywords or categories, each on one line, in order, without duplicates."""
    return _clean_unique_lines(values, _MAX_LABELS)


def _clean_unique_lines(values: object, max_items: int) -> tuple[str, ...]:
    if not isinstance(values, Iterable) or isinstance(values, str | bytes):
        return ()
    lines = dict.fromkeys(line for value in values if (line := clean_line(value, _MAX_NAME_LENGTH)))
    return tuple(lines)[:max_items]


def clean_url(value: object) -> str | None:
    """Return an http or https URL, or None for anything else."""
    if not isinstance(value, str) or len(value) > _MAX_URL_LENGTH or not value.strip().isprintable():
        return None
    try:
        url = URL(value.strip())
    except ValueError:
        return None
    return str(url) if url.scheme in ("http", "https") and url.raw_host else None


def clean_votes(value: object) -> int | None:
    """Return a vote count, or None for any other value. Unknown is never 0."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_VOTES:
        return None
    return value


def clean_date(value: object) -> date | None:
    """Return the date of an ISO 8601 time, or None."""
    if not isinstance(value, str):
        return None
    try:
        return datetime.fromisoformat(value).date()
    except ValueError:
        return None


def _strip_control_characters(text: str) -> str:
    """Remove NUL, lone surrogates and other control characters except line feed and tab."""
    if text.isprintable():
        return text
    return "".join(
        letter for letter in text if letter in "\n\t" or not (letter < " " or "\ud800" <= letter <= "\udfff")
    )
