"""What a service says of a paper, brought into bounds before anybody stores it: one line, no strange letters, real links."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from yarl import URL

_LONGEST_LINE = 1_000
_LONGEST_NAME = 200
_LONGEST_TEXT = 20_000
_LONGEST_URL = 2_000
_MOST_NAMES = 5_000
_MOST_WORDS = 50
_MOST_VOTES = 10_000_000


def line(value: object, limit: int = _LONGEST_LINE) -> str | None:
    """Return a text on one line, at most `limit` letters, or None where there is none."""
    if not isinstance(value, str):
        return None
    words = " ".join(_writable(value[: 4 * limit]).split())
    return (words if len(words) <= limit else words[: limit - 1].rstrip() + "…") or None


def paragraph(value: object) -> str | None:
    """Return a text whose paragraphs are kept apart by an empty line, or None where there is none."""
    if not isinstance(value, str):
        return None
    blocks = _writable(value[:_LONGEST_TEXT].replace("\r\n", "\n")).split("\n\n")
    return "\n\n".join(" ".join(block.split()) for block in blocks if block.strip()) or None


def names(values: object) -> tuple[str, ...]:
    """Return people's names, each on one line, nobody twice, in their order."""
    return _lines(values, _LONGEST_NAME, _MOST_NAMES)


def words(values: object) -> tuple[str, ...]:
    """Return keywords or categories, none twice, in their order."""
    return _lines(values, _LONGEST_NAME, _MOST_WORDS)


def _lines(values: object, limit: int, most: int) -> tuple[str, ...]:
    if not isinstance(values, Iterable) or isinstance(values, str | bytes):
        return ()
    found = dict.fromkeys(text for value in values if (text := line(value, limit)))
    return tuple(found)[:most]


def web_address(value: object) -> str | None:
    """Return an http or https address, or None for anything else."""
    if not isinstance(value, str) or len(value) > _LONGEST_URL or not value.strip().isprintable():
        return None
    try:
        url = URL(value.strip())
    except ValueError:
        return None
    return str(url) if url.scheme in ("http", "https") and url.raw_host else None


def votes(value: object) -> int | None:
    """Return a count of votes, or None for what is none: unknown is never 0."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST_VOTES:
        return None
    return value


def day(value: object) -> date | None:
    """Return the date that an ISO time begins with, or None."""
    if not isinstance(value, str):
        return None
    try:
        return datetime.fromisoformat(value).date()
    except ValueError:
        return None


def _writable(text: str) -> str:
    """Drop what no database and no message takes: NUL, lone surrogates, other controls (line ends and tabs stay)."""
    if text.isprintable():
        return text
    return "".join(
        letter for letter in text if letter in "\n\t" or not (letter < " " or "\ud800" <= letter <= "\udfff")
    )
