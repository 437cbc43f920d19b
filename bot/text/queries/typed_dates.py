"""Reads a date or a period typed into a date field: `dec 30`, `12/30`, `last monday`, `그저께`, `12월 30일`, `지난주`.

Unlike in a question (see `periods`), nothing else can be meant, so a month or a number needs no word that makes it a date.
A date without a year is the latest one that is not in the future.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import date, timedelta

from bot.text.queries import periods

_MAX_LENGTH = 60
_DAYS_AGO = {
    "today": 0,
    "오늘": 0,
    "yesterday": 1,
    "어제": 1,
    "어저께": 1,
    "day before yesterday": 2,
    "the day before yesterday": 2,
    "그제": 2,
    "그저께": 2,
    "엊그제": 2,
    "이틀 전": 2,
    "그끄저께": 3,
    "사흘 전": 3,
    "나흘 전": 4,
    "a week ago": 7,
    "일주일 전": 7,
}
_WEEKDAY_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_KOREAN_WEEKDAYS = "월화수목금토일"
_WEEKDAYS = {
    name[:length]: number for number, name in enumerate(_WEEKDAY_NAMES) for length in (3, 4, 5, len(name))
} | {f"{letter}요일": number for number, letter in enumerate(_KOREAN_WEEKDAYS)}
_MONTH_NAMES = [name for name in periods.MONTHS if len(name) > 4 or name in ("may", "june", "july")]
_MONTH = "|".join(sorted(periods.MONTHS, key=len, reverse=True))
_LATEST, _BEFORE, _THIS_WEEK = (
    ("", "this", "이번"),
    ("last", "지난", "저번"),
    ("this week", "이번주", "이번 주"),
)
_AGO = re.compile(r"([0-9]{1,3}) ?(days?|일|weeks?|주) ?(?:ago|전)")
_WEEKDAY = re.compile(
    rf"(?:(last week|this week|last|this|(?:지난|저번|이번) ?주|지난|저번|이번) ?)?({'|'.join(_WEEKDAYS)})"
)
_FULL = re.compile(
    r"([0-9]{4})(?:(?:년 ?|[-./ ]{1,2})([0-9]{1,2})(?:(?:월 ?|[-./ ]{1,2})([0-9]{1,2}))?)?(?:년|월|일|\.)?"
)
_KOREAN_DAY = re.compile(r"([0-9]{1,2})월 ?([0-9]{1,2})일?")
_NUMBERS = re.compile(r"([0-9]{1,2}) ?[-./] ?([0-9]{1,2})\.?(?: ?[-./] ?([0-9]{4}))?")
_MONTH_DAY = re.compile(rf"({_MONTH})\.? ?(?:the )?([0-9]{{1,2}})(?:st|nd|rd|th)?(?: ([0-9]{{4}}))?")
_DAY_MONTH = re.compile(rf"(?:the )?([0-9]{{1,2}})(?:st|nd|rd|th)? ?(?:of )?({_MONTH})\.?(?: ([0-9]{{4}}))?")
_DAY = re.compile(r"(?:the )?([0-9]{1,2})(?:일|st|nd|rd|th)")
_BARE_MONTH = re.compile(rf"(last )?({_MONTH})\.?")
_DAYS_WITHOUT_YEAR = 365
_MAX_YEARS_BACK = 8
"""Between two days of 29 February there are at most eight years."""


def read(text: str, today: date) -> tuple[date, date] | None:
    """Return the first and the last day, both inclusive, of a typed text; None if it is neither a date nor a period."""
    folded = unicodedata.normalize("NFKC", text[:_MAX_LENGTH]).casefold().replace(",", " ")
    folded = " ".join(folded.split())
    readers: tuple[Callable[[str, date], date | tuple[date, date] | None], ...] = (
        _read_days_ago,
        _read_weekday,
        _read_full_date,
        _read_day_of_year,
        _read_day_of_month,
        _read_period,
    )
    try:
        found = next((found for reader in readers if (found := reader(folded, today)) is not None), None)
    except (ValueError, OverflowError):  # 31 February, or a year before the first
        return None
    return (found, found) if isinstance(found, date) else found


def list_names(day: date, today: date) -> list[str]:
    """Return what may be typed for a day, the ISO date first, in lower case and without spaces. Names are of the last year."""
    days_ago = (today - day).days
    names = [day.isoformat()]
    if 0 <= days_ago < _DAYS_WITHOUT_YEAR:
        month = _MONTH_NAMES[day.month - 1]
        names += [f"{month}{day.day}", f"{month[:3]}{day.day}", f"{day.day}{month}"]
        names += [f"{day.month}/{day.day}", f"{day.month}월{day.day}일"]
    if 0 <= days_ago < len(_WEEKDAY_NAMES):
        names += [_WEEKDAY_NAMES[day.weekday()], f"{_KOREAN_WEEKDAYS[day.weekday()]}요일"]
    return names + [name for name, ago in _DAYS_AGO.items() if ago == days_ago and " " not in name]


def _read_days_ago(text: str, today: date) -> date | None:
    days = _DAYS_AGO.get(text)
    if days is None and (match := _AGO.fullmatch(text)):
        days = int(match[1]) * (7 if match[2] in ("week", "weeks", "주") else 1)
    return None if days is None else today - timedelta(days=days)


def _read_weekday(text: str, today: date) -> date | None:
    """Read monday, the latest one; last monday, which is never today; and the Monday of this or the last week."""
    match = _WEEKDAY.fullmatch(text)
    if match is None:
        return None
    which, weekday = match[1] or "", _WEEKDAYS[match[2]]
    monday = today - timedelta(days=today.weekday())
    if which in _LATEST:
        return today - timedelta(days=(today.weekday() - weekday) % 7)
    if which in _BEFORE:
        return today - timedelta(days=(today.weekday() - weekday - 1) % 7 + 1)
    return monday + timedelta(days=weekday - (0 if which in _THIS_WEEK else 7))


def _read_full_date(text: str, _: date) -> date | tuple[date, date] | None:
    """Read an ISO date, and others with a year in front. Raises ValueError for a date that does not exist."""
    if match := _FULL.fullmatch(text):
        return periods.calendar_span(*(int(part) for part in match.groups() if part))
    return date.fromisoformat(text) if re.fullmatch(r"[0-9]{8}", text) else None


def _read_day_of_year(text: str, today: date) -> date | None:
    """Read a month and a day, with a year or without. Raises ValueError for a date that does not exist."""
    if match := _MONTH_DAY.fullmatch(text):
        return _latest(periods.MONTHS[match[1]], int(match[2]), match[3], today)
    if match := _DAY_MONTH.fullmatch(text):
        return _latest(periods.MONTHS[match[2]], int(match[1]), match[3], today)
    if match := _KOREAN_DAY.fullmatch(text):
        return _latest(int(match[1]), int(match[2]), None, today)
    if match := _NUMBERS.fullmatch(text):
        month, day = int(match[1]), int(match[2])
        month, day = (day, month) if month > 12 else (month, day)
        return _latest(month, day, match[3], today)
    return None


def _read_day_of_month(text: str, today: date) -> date | None:
    """Read 30일 and 30th, the latest such day. Raises ValueError for a day that no month has."""
    match = _DAY.fullmatch(text)
    if match is None:
        return None
    day = int(match[1])
    months = (today.year * 12 + today.month - 1 - back for back in range(12))
    return _first_that_exists(((*divmod(month, 12), day) for month in months), today)


def _read_period(text: str, today: date) -> tuple[date, date] | None:
    """Read a month, and every period that a question can name."""
    if match := _BARE_MONTH.fullmatch(text):
        month = periods.MONTHS[match[2]]
        is_of_last_year = month > today.month or (match[1] and month == today.month)
        return periods.calendar_span(today.year - bool(is_of_last_year), month)
    rest, (first, last) = periods.read(text, today)
    return None if rest or first is None or last is None else (first, last)


def _latest(month: int, day: int, year: str | None, today: date) -> date:
    """Return the day of the year that is given, else of the latest one in which it is not after today."""
    if year:
        return date(int(year), month, day)
    years = (today.year - back for back in range(_MAX_YEARS_BACK + 1))
    return _first_that_exists(((year, month - 1, day) for year in years), today)


def _first_that_exists(candidates: Iterable[tuple[int, int, int]], today: date) -> date:
    """Return the first day up to today that exists, of years, months counted from 0, and days. Raises ValueError."""
    for year, month, day in candidates:
        try:
            found = date(year, month + 1, day)
        except ValueError:
            continue
        if found <= today:
            return found
    raise ValueError("there is no such day")
