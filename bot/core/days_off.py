"""Days without daily posts: public holidays by the library `holidays` (an extra), and the dates in an operator's file."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from datetime import date, timedelta
from pathlib import Path

from bot.core import errors

_DAY = timedelta(days=1)
MAX_FILE_BYTES = 1_000_000
MAX_RANGE = timedelta(days=366)
MAX_DAYS_IN_A_ROW = 400
"""Days looked at for one with posts: after so many, a day counts as one."""
_COUNTRY = re.compile(r"([A-Z]{2})(?:-([A-Z0-9]{1,8}))?")
_LINE = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:\s*\.\.\s*([0-9]{4}-[0-9]{2}-[0-9]{2}))?(?:\s.*)?", re.ASCII
)
_FORM = "a line is 2026-12-24 or 2026-12-24..2027-01-02, with a name after a blank if you like"


class DaysOff:
    """Local dates without daily posts. Without calendars there are none."""

    def __init__(self, calendars: Sequence[Container[date]] = ()) -> None:
        self._calendars = calendars

    def __contains__(self, day: date) -> bool:
        return any(day in calendar for calendar in self._calendars)

    def next_open(self, day: date) -> date:
        """Return the first day from this one on that has posts."""
        for _ in range(MAX_DAYS_IN_A_ROW if day in self else 0):
            day += _DAY
            if day not in self:
                break
        return day

    def go_back(self, day: date, count: int) -> date:
        """Return the day that is so many days with posts before another one."""
        for _ in range(count):
            day -= _DAY
            for _ in range(MAX_DAYS_IN_A_ROW):
                if day not in self:
                    break
                day -= _DAY
        return day


def load(items: Sequence[str]) -> DaysOff:
    """Return the days off of countries (`KR`, `US-CA`) and files. Raises UsageError, which names the item and the line."""
    calendars: list[Container[date]] = []
    for item in items:
        match = _COUNTRY.fullmatch(item)
        calendars.append(_load_file(Path(item)) if match is None else _load_country(match[1], match[2]))
    return DaysOff(calendars)


def _load_country(country: str, part: str | None) -> Container[date]:
    try:
        import holidays
    except ModuleNotFoundError:
        raise errors.UsageError(
            f"PAPERROUND_DAYS_OFF: the holidays of {country} need the extra: pip install 'paperround[holidays]'."
        ) from None
    try:
        return holidays.country_holidays(country, subdiv=part)
    except NotImplementedError:
        place = country if part is None else f"{country}-{part}"
        raise errors.UsageError(
            f"PAPERROUND_DAYS_OFF: the holidays of {place} are not known. Use a code of ISO 3166 such as KR or US-CA, or a file."
        ) from None


def _load_file(path: Path) -> Container[date]:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        raise errors.UsageError(
            f"PAPERROUND_DAYS_OFF: {path} is not the code of a country, and not a file that can be read ({error})."
        ) from error
    if len(content) > MAX_FILE_BYTES:
        raise errors.UsageError(f"PAPERROUND_DAYS_OFF: {path} has more than {MAX_FILE_BYTES} bytes.")
    return read_dates(content.decode("utf-8-sig", "replace"), str(path))


def read_dates(text: str, name: str) -> set[date]:
    """Return the dates in the lines of a file; `#` begins a comment. Raises UsageError, which names the line."""
    dates: set[date] = set()
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.partition("#")[0].strip()
        if not stripped:
            continue
        match = _LINE.fullmatch(stripped)
        try:
            if match is None:
                raise ValueError(_FORM)
            first, last = (date.fromisoformat(part) for part in (match[1], match[2] or match[1]))
            if not timedelta(0) <= last - first <= MAX_RANGE:
                raise ValueError("a range ends after its first day, within a year")
        except ValueError as error:
            raise errors.UsageError(
                f"PAPERROUND_DAYS_OFF: {name}, line {number}: {stripped[:60]!r}: {error}."
            ) from None
        dates.update(first + step * _DAY for step in range((last - first).days + 1))
    return dates
