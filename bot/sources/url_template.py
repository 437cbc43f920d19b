"""Addresses with a date in them: `https://host/{date:%Y/%m/%d}.md`. Nothing in the braces but a date's strftime."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from bot import errors

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_DIRECTIVES = frozenset("YmdyjbBaAUWVGuwCe%")
_UNPADDED = frozenset("mdjyUW")
SAMPLE_DATE = date(2025, 5, 6)


@dataclass(frozen=True, slots=True)
class UrlTemplate:
    """An address as it was added, with any number of `{date:…}` fields."""

    template: str

    @property
    def is_dated(self) -> bool:
        """Whether each day has an address of its own."""
        return "{" in self.template

    def expand(self, day: date) -> str:
        """Return the address for that day."""
        return _PLACEHOLDER.sub(lambda found: day.strftime(found[1].removeprefix("date:")), self.template)


def parse_url_template(template: str) -> UrlTemplate:
    """Read an address with or without date. Raises UsageError, saying which part of it cannot be understood."""
    for found in _PLACEHOLDER.finditer(template):
        name, colon, pattern = found[1].partition(":")
        if name != "date" or not colon or not pattern:
            raise errors.UsageError(f"{found[0]} is not understood; a date is written as {{date:%Y/%m/%d}}")
        _validate_strftime(pattern)
    if re.search(r"[{}]", _PLACEHOLDER.sub("", template)):
        raise errors.UsageError(f"{template!r} has a brace without its partner")
    return UrlTemplate(template)


def _validate_strftime(pattern: str) -> None:
    """Raise UsageError for a directive that says nothing of a date."""
    place = 0
    while (place := pattern.find("%", place)) >= 0:
        directive = pattern[place + 1 : place + 2]
        if directive == "-" and pattern[place + 2 : place + 3] in _UNPADDED:
            place += 3
        elif directive in _DIRECTIVES and directive:
            place += 2
        else:
            raise errors.UsageError(f"%{directive} says nothing of a date; use e.g. %Y, %m, %d, %-d, %b, %j")
