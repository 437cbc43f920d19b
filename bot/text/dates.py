"""Parses the period in a question (작년, 2025년 4월, "papers from March 2025") and the text of a date field.

In a question, text that may belong to a name is not a date: the year in NeurIPS 2024, or 3월 and "may" unless
another word makes them a date. A date field accepts any date (`dec 30`, `12/30`, `그저께`); without a year it
means the latest such date that is not in the future.
"""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta
from typing import TypeAlias

from bot.text import questions, typography
from bot.text.plain import MONTH, MONTH_NAMES, MONTHS

DateLimits: TypeAlias = tuple[date | None, date | None]
"""The first and last day, inclusive, in the time zone of `today`; None at an open end."""

_ENGLISH_NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
_NUMBERS = {
    name: number
    for names in (_ENGLISH_NUMBERS, ["한", "두", "세", "네", "다섯", "여섯"])
    for number, name in enumerate(names, 1)
}
_UNITS = {
    **dict.fromkeys(("day", "days", "일"), "day"),
    **dict.fromkeys(("week", "weeks", "주", "주일"), "week"),
    **dict.fromkeys(("month", "months", "개월", "달"), "month"),
    **dict.fromkeys(("year", "years", "년"), "year"),
}
_YEARS_AGO = {"재작년": 2, "작년": 1, "지난해": 1, "올해": 0, "금년": 0}
_YEAR = "(?:19|20)[0-9]{2}"
_ATOM = re.compile(
    rf"(?<![\w.\-/])(?:"
    rf"(?P<iso>{_YEAR}[-./](?:0[1-9]|1[0-2])(?:[-./](?:0[1-9]|[12][0-9]|3[01]))?)(?![\w\-/]|\.[0-9])"
    rf"|(?P<ko_year>{_YEAR} ?년도?|재작년|작년|지난 ?해|올 ?해|금년)"
    rf"(?: ?(?P<ko_month>1[0-2]|0?[1-9]) ?월(?: ?(?P<ko_day>[12][0-9]|3[01]|0?[1-9]) ?일)?)?"
    rf"|(?P<ko_this>이번|지난|저번) ?(?P<ko_unit>달|주|년)(?=\W|에|의|간|동안|부터|까지|$)"
    rf"|(?:최근|지난) ?(?P<ko_count>[0-9]{{1,3}}|[한두세네]|다섯|여섯|일) ?(?P<ko_units>개월|주일|주|일|년|달)(?:간|동안)?"
    rf"|(?:지난 ?)?(?P<ko_bare>1[0-2]|[1-9])월(?=에|의|달|\s?(?:논문|이후|이래|이전|부터|까지|전까지)|$)"
    rf"|(?P<ko_near>어제|오늘)"
    rf"|(?P<month>{MONTH})\.?,? (?:of )?(?P<month_year>{_YEAR})(?!\w)"
    rf"|(?P<this>this|last|past|previous|(?<=of )the) (?P<unit>week|month|year)(?!\w)"
    rf"|(?:last|past|previous) (?P<count>[0-9]{{1,3}}|{'|'.join(_ENGLISH_NUMBERS)}) "
    rf"(?P<units>days?|weeks?|months?|years?)(?!\w)"
    rf"|(?P<near>yesterday)(?!\w)"
    rf"|(?P<bare_month>{MONTH_NAMES})(?!\w)"
    rf"|(?P<bare_year>20(?:[1-9][0-9]|0[1-9]))(?!\w|[-.]\w)"
    rf")",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"(?:^|(?<=\s))(?P<word>since|after|from|until|till|before|in|of|during|within|over|for)(?: the)?\s+$",
    re.IGNORECASE,
)
_BEHIND = re.compile(
    r"\s?(?:(?P<word>이후|이래|부터|까지|이전|전까지)(?:에|의|로|도)?|['’]s|(?:동안|사이)(?:에|의)?|에는|에서|에|의|도|은|는|간|내|달)?(?![가-힣\w])"
)
_PAPERS_AHEAD = re.compile(r"(?:^|\s)papers?\s+$", re.IGNORECASE)
_PAPERS_BEHIND = re.compile(r"\s+(?:papers?|articles?|preprints?|논문)(?!\w)", re.IGNORECASE)
_SINCE, _UNTIL, _EARLIER = (
    ("since", "after", "이후", "이래", "부터"),
    ("until", "till", "까지"),
    ("before", "이전", "전까지"),
)
_Mention = tuple[re.Match[str], str, str, int, int]
"""A date match, the preposition before it, the Korean word after it, and the start and end of all three."""


_MAX_QUERY_LENGTH = 1_000


def read_period(text: str, today: date, *, is_clear: bool = False) -> tuple[str, DateLimits]:
    """Split a query into its topic and its period. A query without a period is returned unchanged.

    The topic is "" if only filler is left ("papers from last month"). Texts longer than a query are not parsed.
    If `is_clear`, the query is about a period, and a month or year needs no other word ("top papers december").
    """
    if len(text) > _MAX_QUERY_LENGTH:
        return text, (None, None)
    related = [_relate(text, match, is_clear=is_clear) for match in _ATOM.finditer(text)]
    mentions = [mention for mention in related if mention is not None]
    if len(mentions) != 1:
        return text, (None, None)
    ((match, before, behind, start, end),) = mentions
    try:
        period = _limit(before, behind, _span(match, today))
    except (ValueError, OverflowError):  # 31 February, or a year before the first
        return text, (None, None)
    words = f"{text[:start]} {text[end:]}".split()
    return (" ".join(words) if questions.has_topic(words) else ""), period


def format_period(period: DateLimits) -> str:
    """Format a period briefly: 2024, 2025-04, 2025-04-01 – 2025-06-30, since 2024-01-01; "" if open at both ends."""
    first, last = period
    if first is None and last is None:
        return ""
    if first is not None and last is not None:
        if first == last:
            return first.isoformat()
        if (first, last) == _year(first.year):
            return f"{first.year}"
        if (first, last) == _month(first.year, first.month):
            return f"{first:%Y-%m}"
        return f"{first} – {last}"
    return f"since {first}" if first else f"until {last}"


def _relate(text: str, match: re.Match[str], *, is_clear: bool) -> _Mention | None:
    """Return a date match with its context; None if it is only a date in a context that is missing here."""
    before = _BEFORE.search(text, 0, match.start())
    behind = _BEHIND.match(text, match.end())
    ahead = text[: match.start()]
    if behind is None and not match.group().isascii():
        return None  # 작년도면서, 올해의: the rest is not a particle
    preposition = before["word"].lower() if before else ""
    needs_word = not is_clear and (match["bare_year"] or match["bare_month"])
    has_papers = match["bare_year"] and (
        _PAPERS_BEHIND.match(text, match.end()) or _PAPERS_AHEAD.search(ahead)
    )
    if needs_word and not preposition and not has_papers and not (behind and behind["word"]):
        return None
    start, end = before.start() if before else match.start(), behind.end() if behind else match.end()
    return match, preposition, (behind["word"] or "" if behind else ""), start, end


def _limit(before: str, behind: str, span: tuple[date, date]) -> DateLimits:
    if before in _SINCE or behind in _SINCE:
        return span[0], None
    if before in _UNTIL or behind in _UNTIL:
        return None, span[1]
    if before in _EARLIER or behind in _EARLIER:
        return None, span[0] - timedelta(days=1)
    return span


def _span(match: re.Match[str], today: date) -> tuple[date, date]:
    """Return the first and last day of a matched date. Raises ValueError if there is no such date."""
    group = {name: text.lower() for name, text in match.groupdict().items() if text}
    if iso := group.get("iso"):
        return calendar_span(*map(int, re.split("[-./]", iso)))
    if name := group.get("ko_year", "").replace(" ", ""):
        year = int(name[:4]) if name[0].isdecimal() else today.year - _YEARS_AGO[name]
        return calendar_span(year, int(group.get("ko_month", 0)), int(group.get("ko_day", 0)))
    if "month" in group:
        return _month(int(group["month_year"]), MONTHS[group["month"]])
    if "bare_year" in group:
        return _year(int(group["bare_year"]))
    if number := group.get("ko_bare") or group.get("bare_month"):
        month = int(number) if number.isdecimal() else MONTHS[number]
        return _month(today.year - (month > today.month), month)
    if near := group.get("near") or group.get("ko_near"):
        day = today if near == "오늘" else today - timedelta(days=1)
        return day, day
    if count := group.get("count") or group.get("ko_count"):
        units = _UNITS[group.get("units") or group["ko_units"]]
        return _last(units, int(count) if count.isdecimal() else _NUMBERS.get(count, 1), today)
    word, unit = group.get("this") or group["ko_this"], _UNITS[group.get("unit") or group["ko_unit"]]
    return _named(unit, word in ("this", "the", "이번"), today)


def read_calendar(text: str) -> tuple[date, date] | None:
    """Return the first and last day of a numeric year, month or day (2025, 2025-01, 20250131, 2025년 1월); None for other text.

    Raises ValueError if the date does not exist.
    """
    match = _FULL.fullmatch(text) or _DIGITS.fullmatch(text)
    return calendar_span(*(int(part) for part in match.groups() if part)) if match else None


def calendar_span(year: int, month: int = 0, day: int = 0) -> tuple[date, date]:
    """Return the first and last day of a year, month or day. Raises ValueError if it does not exist."""
    if day:
        return date(year, month, day), date(year, month, day)
    return _month(year, month) if month else _year(year)


def _named(unit: str, is_current: bool, today: date) -> tuple[date, date]:
    """Return the first and last day of the current or previous week, month or year. Weeks begin on Monday."""
    if unit == "week":
        monday = today - timedelta(days=today.weekday() + (0 if is_current else 7))
        return monday, monday + timedelta(days=6)
    if unit == "month":
        before = today.replace(day=1) - timedelta(days=1)
        return _month(today.year, today.month) if is_current else _month(before.year, before.month)
    return _year(today.year - (not is_current))


def _last(unit: str, count: int, today: date) -> tuple[date, date]:
    """Return the first and last day of the last `count` days, weeks, months or years, up to today."""
    if unit in ("month", "year"):
        months = 12 * today.year + today.month - 1 - count * (12 if unit == "year" else 1)
        year, month = divmod(months, 12)
        return date(year, month + 1, min(today.day, calendar.monthrange(year, month + 1)[1])), today
    return today - timedelta(days=count * (7 if unit == "week" else 1)), today


def _year(year: int) -> tuple[date, date]:
    return date(year, 1, 1), date(year, 12, 31)


def _month(year: int, month: int) -> tuple[date, date]:
    return date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])


_MAX_LENGTH = 60
_FULL = re.compile(
    r"([0-9]{4})(?:(?:년 ?|[-./ ]{1,2})([0-9]{1,2})(?:(?:월 ?|[-./ ]{1,2})([0-9]{1,2}))?)?(?:년|월|일|\.)?"
)
_DIGITS = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})?")
_DAYS_AGO = {"tomorrow": -1, "내일": -1, "모레": -2, "today": 0, "그저께": 2, "그제": 2}
_WEEKDAY = re.compile(
    r"(last |지난 ?)?(?:(mon|tue|wed|thu|fri|sat|sun)(?:[a-z]*day)?|([월화수목금토일])요일)"
)
_WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun", "월", "화", "수", "목", "금", "토", "일"]
_MONTH_AND_DAY = re.compile(
    rf"({MONTH}|[0-9]{{1,2}})[월 ./-]+({MONTH}|[0-9]{{1,2}})[일.]?(?:[ ./-]+([0-9]{{4}}))?"
)


def is_date_word(word: str) -> bool:
    """Return whether a word is the name of a month or a unit of time."""
    return word.casefold() in MONTHS or word.casefold() in _UNITS


def read_typed_date(text: str, today: date) -> tuple[date, date] | None:
    """Return the first and last day of a typed date or period, inclusive; None for any other text."""
    folded = " ".join(typography.normalise("NFKC", text[:_MAX_LENGTH]).casefold().replace(",", " ").split())
    try:
        if span := read_calendar(folded):
            return span
        if month := MONTHS.get(folded.removesuffix(".")):
            return calendar_span(today.year - (month > today.month), month)
        day = _read_day(folded, today)
    except (ValueError, OverflowError):  # 31 February, or a year before the first
        return None
    if day is not None:
        return day, day
    rest, (first, last) = read_period(folded, today)
    return None if rest or first is None or last is None else (first, last)


def _read_day(text: str, today: date) -> date | None:
    """Parse `그저께`, `last monday`, `dec 30`, `30 dec 2024` or `12/30`. A day without a year is never in the future.

    Raises ValueError if the day does not exist.
    """
    if (days_ago := _DAYS_AGO.get(text)) is not None:
        return today - timedelta(days=days_ago)
    if match := _WEEKDAY.fullmatch(text):
        days_ago = (today.weekday() - _WEEKDAYS.index(match[2] or match[3])) % 7
        return today - timedelta(days=days_ago or (7 if match[1] else 0))
    match = _MONTH_AND_DAY.fullmatch(re.sub(r"(?<=[0-9])(?:st|nd|rd|th)\b", "", text))
    if match is None:
        return None
    first, second = (MONTHS.get(part) or int(part) for part in match.groups()[:2])
    month, day = (second, first) if match[2] in MONTHS or first > 12 else (first, second)
    if match[3]:
        return date(int(match[3]), month, day)
    for year in range(today.year, today.year - 9, -1):  # 29 February
        if day <= calendar.monthrange(year, month)[1] and date(year, month, day) <= today:
            return date(year, month, day)
    raise ValueError("there is no such day")
