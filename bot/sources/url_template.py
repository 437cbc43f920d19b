"""URL templates with date fields: `https://host/{date:%Y/%m/%d}.md`. Fields hold strftime directives of a date only."""

from __future__ import annotations

import re
from datetime import date

from bot import errors

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_DIRECTIVES = frozenset("YmdyjbBaAUWVGuwCe%")
_UNPADDED = frozenset("mdjyUW")
SAMPLE_DATE = date(2025, 5, 6)


def is_dated(template: str) -> bool:
    """Return whether each day has its own address."""
    return "{" in template


def expand(template: str, day: date) -> str:
    """Return the address for that day."""
    return _PLACEHOLDER.sub(lambda field: day.strftime(field[1].removeprefix("date:")), template)


def check(template: str) -> None:
    """Raise UsageError naming the part of an address, with or without date fields, that is not understood."""
    for field in _PLACEHOLDER.finditer(template):
        name, colon, pattern = field[1].partition(":")
        if name != "date" or not colon or not pattern:
            raise errors.UsageError(f"{field[0]} is not understood; a date is written as {{date:%Y/%m/%d}}")
        _validate_strftime(pattern)
    if re.search(r"[{}]", _PLACEHOLDER.sub("", template)):
        raise errors.UsageError(f"{template!r} has a brace without its partner")


def _validate_strftime(pattern: str) -> None:
    """Raise UsageError for a directive that is not part of a date."""
    position = 0
    while (position := pattern.find("%", position)) >= 0:
        directive = pattern[position + 1 : position + 2]
        if directive == "-" and pattern[position + 2 : position + 3] in _UNPADDED:
            position += 3
        elif directive in _DIRECTIVES and directive:
            position += 2
        else:
            raise errors.UsageError(f"%{directive} says nothing of a date; use e.g. %Y, %m, %d, %-d, %b, %j")
