"""The date in a heading, in unambiguous spellings only: the year first, or the month by name."""

from __future__ import annotations

import re
from datetime import date

_DASH = r"[-‐-―−./]"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = rf"({'|'.join(_MONTHS)})[a-z]{{0,6}}\.?"
_YEAR_FIRST = re.compile(
    rf"(?<![0-9.])((?:19|20)[0-9]{{2}})\s?(?:{_DASH}|년)\s?([0-9]{{1,2}})\s?(?:{_DASH}|월)\s?([0-9]{{1,2}})(?![0-9])"
)
_SOLID = re.compile(r"(?<![0-9.])(20[0-9]{2})([0-9]{2})([0-9]{2})(?![0-9.])")
_MONTH_FIRST = re.compile(
    rf"\b{_MONTH}\s([0-9]{{1,2}})(?:st|nd|rd|th)?,?\s((?:19|20)[0-9]{{2}})\b", re.IGNORECASE
)
_DAY_FIRST = re.compile(
    rf"\b([0-9]{{1,2}})(?:st|nd|rd|th)?\s{_MONTH},?\s((?:19|20)[0-9]{{2}})\b", re.IGNORECASE
)
_MAX_HEADING_LENGTH = 300


def parse_date(heading: str) -> tuple[date | None, str] | None:
    """The date in a heading, or None and the reason why it has none; None if there is nothing like a date.

    Never guesses between day and month.
    """
    if len(heading) > _MAX_HEADING_LENGTH:
        return None
    candidates = _find_dates(heading)
    if not candidates:
        return None
    if len(candidates) > 1:
        return None, "the heading has more than one date"
    year, month, day = candidates.pop()
    try:
        return date(year, month, day), ""
    except ValueError:
        return None, f"the date {year:04}-{month:02}-{day:02} does not exist"


def _find_dates(heading: str) -> set[tuple[int, int, int]]:
    candidates = {(int(y), int(m), int(d)) for y, m, d in _YEAR_FIRST.findall(heading)}
    if candidates:
        return candidates
    candidates = {(int(y), _month_number(m), int(d)) for m, d, y in _MONTH_FIRST.findall(heading)}
    candidates |= {(int(y), _month_number(m), int(d)) for d, m, y in _DAY_FIRST.findall(heading)}
    return candidates or {(int(y), int(m), int(d)) for y, m, d in _SOLID.findall(heading)}


def _month_number(name: str) -> int:
    return _MONTHS.index(name[:3].lower()) + 1
