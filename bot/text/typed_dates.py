"""Reads a typed date or period: `2025-12-30`, `dec 30`, `그저께`, `지난주`, `December 2025`, `3월~5월`, `nov 20-27`.

A text is a date only as a whole: no date is looked for in a sentence. Without a year it means the latest such date that is
not in the future. All days are in the time zone of `today`.
"""

from __future__ import annotations

import calendar
import contextlib
import re
from datetime import date, timedelta
from functools import lru_cache
from itertools import islice
from typing import TypeAlias

from bot.text import date_reader, seed, typography
from bot.text.plain import MONTH, MONTHS

Span: TypeAlias = tuple[date, date]
"""The first and last day of a period, inclusive. What is before a day begins with `date.min`."""
_DAY = timedelta(days=1)
_MAX_LENGTH = 60
_WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun", "월", "화", "수", "목", "금", "토", "일"]
_MONTHS_IN = {"month": 1, "quarter": 3, "half": 6}

_NUMERIC = re.compile(
    r"((?:19|20)[0-9]{2}|[0-9]{4}(?=(?:년 ?|[-./ ])[0-9]))"
    r"(?:(?:년 ?|[-./ ]{1,2})([0-9]{1,2})(?:(?:월 ?|[-./ ]{1,2})([0-9]{1,2}))?)?(?:년|월|일|\.)?"
    r"|(?P<digits>[0-9]{6}(?:[0-9]{2})?)"
)
_DAY_ALONE = re.compile(r"(?:the )?([0-9]{1,2})(?: ?일|st|nd|rd|th)")
_TH = re.compile(r"(?<=[0-9])(?:st|nd|rd|th)\b")
_MONTH_AND_DAY = re.compile(
    rf"(?:({MONTH}|[0-9]{{1,2}})[월 ./-]+([0-9]{{1,2}})|([0-9]{{1,2}})[ ./-]+(?:of )?({MONTH}))[일.]?(?:[ ./-]+([0-9]{{4}}))?"
)
_WEEKDAY = re.compile(
    r"(.{0,40}?) ?\(?(?:\b(mon|tue|wed|thu|fri|sat|sun)(?:[a-z]{0,6}day)?\b|([월화수목금토일])(?:요일|(?=\))))\)?"
    r"(?:(?: of)? (.{1,40}))?"
)
_SHORT_YEAR = re.compile(r"(?<!\w)(?:['’](?=[0-9]{2}(?![0-9]))|(?=[0-9]{2}년 ?[0-9상하]))")
_YEAR = r"(?P<year>(?:19|20)[0-9]{2} ?년?|this year|last year|재작년|작년|지난 ?해|올 ?해|금년|올)"
_PART = r"(?P<part>[qh][1-4]|(?:first|second) half|[상하]반기|[1-4] ?분기)"
_COUNT = "(?P<count>[0-9]{1,3}|[a-z]{1,12}|[가-힣]{1,6}?)"
_UNIT = "(?P<unit>[a-z]{1,12}|[가-힣]{1,6})"
_PERIODS = (
    re.compile(
        rf"(?:(?:{_YEAR}|last|지난) ?)?(?:(?P<month>1[0-2]|0?[1-9]) ?월|(?P<name>{MONTH})\.?)"
        rf"|(?P<first>{MONTH})\.?(?: of)? {_YEAR.replace('P<year', 'P<of')}"
    ),
    re.compile(_YEAR),
    re.compile(
        rf"(?:{_YEAR} ?)?{_PART}|{_PART.replace('part', 'first')}(?: of)? {_YEAR.replace('P<year', 'P<of')}"
    ),
    re.compile(rf"(?P<ago>this|last|previous|current|이번|요번|지지난|지난|저저번|저번|이|금) ?{_UNIT}"),
    re.compile(rf"{_COUNT} {_UNIT} ago|{_COUNT.replace('count', 'many')} ?{_UNIT.replace('unit', 'of')} ?전"),
    re.compile(
        rf"(?:last |past |(?=past )){_COUNT} {_UNIT}"
        rf"|(?:(?:최근|지난) ?|(?=.{{1,12}}이내$)){_COUNT.replace('count', 'many')} ?(?P<of>[가-힣]{{1,6}}?)(?:간| ?동안| ?이내)?"
    ),
)
_WITHIN_LAST = re.compile(
    r"^(?:in|over|within|during|for) (?:the )?(?:last|past) ([a-z0-9]{1,12} )?(?=[a-z]+$)"
)
"""The last seven days, not the calendar's week before: in the last week."""
_PART_OF = re.compile(r"^(?:early|mid|late)[ -](?=[a-z0-9])|(?<=[년월]) ?(?:초|중순|말)$")
"""A part of a month or year whose days are not sure, and is read as the whole: early january, 1월 말."""
_START_OF = re.compile(r"(?<=since )(?:the )?(?:start|beginning) of (?:the|this) (?=[a-z]+$)")
_HAS_YEAR = re.compile("(?:19|20)[0-9]{2}|year|작년|올|해|금년")
_RANGE = re.compile(
    r" ?(?:부터|에서(?= )|(?<= )(?:to|until|through)(?= )|\.\.|[–—~〜]|(?<![0-9]{4})-|-(?![0-9]{1,2}(?![0-9]))) ?"
)
"""Separators of two dates: no hyphen within 2025-06."""
_AND = re.compile("(?<=[년월일])(?:과|와) ")
_MOST_SEPARATORS = 6
"""Each separator is tried. A text with more of them is not two dates: those have at most five, if all their hyphens count."""
_LAST_NUMBER = re.compile("(?<![0-9])([0-9]{1,2}+)[^0-9]*+$")


@lru_cache(maxsize=1)
def _load_words() -> dict[str, dict[str, str]]:
    """Return the value of each word in dates, by its role: a number, a unit, how long ago, a part of a year."""
    words = dict[str, dict[str, str]]()
    for kind, value, listed in seed.read_rows("date_words.tsv"):
        words.setdefault(kind, {}).update((word.replace("_", " "), value) for word in listed.split())
    return words


def is_date_word(word: str) -> bool:
    """Return whether a word is the name of a month, a unit of time, or a number of these in one word: 일주일, 사흘."""
    word, words = word.casefold().removesuffix("간"), _load_words()
    is_unit = any(word.removeprefix(number) in words["unit"] for number in ("", *words["number"]))
    return word in MONTHS or word in words["days"] or is_unit


def is_date(text: str) -> bool:
    """Return whether a text as a whole is a date or a period."""
    return read_typed_date(text, date(2100, 1, 1)) is not None


def calendar_span(year: int, month: int = 0, day: int = 0) -> Span:
    """Return the first and last day of a year, month or day. Raises ValueError if it does not exist."""
    if day:
        return date(year, month, day), date(year, month, day)
    return _months(year, month, 1) if month else (date(year, 1, 1), date(year, 12, 31))


def read_calendar(text: str) -> Span | None:
    """Return the first and last day of a numeric year, month or day (2025, 2025-01, 20250131, 2025년 1월); None for other text.

    Raises ValueError if the date does not exist.
    """
    match = _NUMERIC.fullmatch(text)
    if match is None:
        return None
    digits = match["digits"] or ""
    parts = [int(part) for part in (digits[:4], digits[4:6], digits[6:], *match.groups()[:3]) if part]
    date(*[*parts, 1, 1][:3])  # there is neither a month 13 nor a month or day 0
    return calendar_span(*parts)


def read_typed_date(text: str, today: date) -> Span | None:
    """Return the first and last day of a typed date or period, inclusive; None for any other text."""
    folded = " ".join(typography.normalise("NFKC", text[:_MAX_LENGTH]).casefold().replace(",", " ").split())
    folded = _WITHIN_LAST.sub(
        lambda within: f"last {within[1] or '1 '}", _load_words()["same"].get(folded, folded)
    )
    folded = _PART_OF.sub("", _START_OF.sub("this ", folded))
    typed = _SHORT_YEAR.sub("20", _TH.sub("", folded.removeprefix("the ")))
    try:
        typed = _DAY_ALONE.sub(r"\1일", folded) if _DAY_ALONE.fullmatch(folded) else typed
        return _read_period(typed, today) or _read_bounds(typed, today)
    except (ValueError, OverflowError):  # 31 February, or a year before the first
        return None


def _read_bounds(text: str, today: date) -> Span | None:
    """Return the days on one side of a date or period (before march, 3월 이후), or between two (after 2023 and before 2026)."""
    words = text.split()
    for place in range(1, len(words)):
        first, last = " ".join(words[:place]), " ".join(words[place:]).removeprefix("and ")
        if (one := _read_bound(first, today)) and (other := _read_bound(last, today)):
            since, until = max(one[0], other[0]), min(one[1], other[1])
            return (since, until) if since <= until else None
    return _read_bound(text, today)


def _read_bound(text: str, today: date) -> Span | None:
    """Return the days on one side of a date or period: up to today, or from the first day there is. None for other text.

    What lies ahead by more than a year is no date.
    """
    bound, typed = split_bound(text)
    # "by SAT" and "before sun" are words.
    span = _read_period(typed, today) if bound and typed not in _WEEKDAYS else None
    soon = today if bound in ("since", "after") else today + timedelta(days=366)
    if span is None or span[0] > soon:  # up to 2048 tokens
        return None
    first, last = span
    sides = {
        "before": (date.min, first - _DAY),
        "until": (date.min, last),
        "since": (first, today),
        "after": (last + _DAY, today),
    }
    since, until = sides[bound]
    return (since, until) if since <= until else None


def split_bound(text: str) -> tuple[str, str]:
    """Return which side a text is about by its first word, or a Korean one at its end ("before", "until", "since", "after"), and
    the rest of the text; two empty texts without such a word.
    """
    bounds, words = _load_words()["bound"], text.split(" ")
    for size in range(_LONGEST_BOUND, 0, -1):
        first, last = " ".join(words[:size]), text[-size:]
        if first in bounds and first.isascii() and words[size:]:
            return bounds[first], " ".join(words[size:])
        if last in bounds and not last.isascii() and (rest := text[:-size].rstrip()):
            return bounds[last], rest
    return "", ""


_LONGEST_BOUND = 4
"""The most words of an English bound, and the most characters of a Korean one."""


def _read_period(text: str, today: date) -> Span | None:
    return _read_span(text, today) or _read_range(text, today)


def _read_range(text: str, today: date) -> Span | None:
    """Return the days from one date to another.

    One may give the year, the month or the unit of both: 2024년 3월~5월, march to may 2024, nov 20-27, 3-5월.
    """
    if text.startswith("between "):
        text = text.removeprefix("between ").replace(" and ", " ~ ", 1)
    if text.endswith("사이"):
        text = _AND.sub(" ~ ", text.removesuffix("사이").rstrip(), count=1)
    text = text.removeprefix("from ")
    separators = list(islice(_RANGE.finditer(text), _MOST_SEPARATORS + 1))
    if len(separators) > _MOST_SEPARATORS:
        return None
    for between in sorted(separators, key=lambda found: found[0] == "-"):
        first, last = text[: between.start()], text[between.end() :].removesuffix("까지")
        if between[0] == "-" and "-" in first and "-" not in last:
            continue  # the hyphen may be within a day: 2026-11-27 nov
        pairs = [(first, last)]
        number, unit = _LAST_NUMBER.search(first), last.lstrip("0123456789")
        digits = last[: len(last) - len(unit)]
        if number and digits and int(number[1]) < int(digits):
            pairs.insert(0, (first, first[: number.start()] + last))  # 1월 3일부터 5일까지
            pairs += [(first + unit, last)] * unit.strip()[:1].isalpha()  # Not 1-2-3.
        for pair in pairs:
            with contextlib.suppress(ValueError):  # 11-20 is a day, 20-27 none
                if span := _read_pair(*pair, today):
                    return span
    return None


def _read_pair(first: str, last: str, today: date) -> Span | None:
    """Return the days from one date to another that is not before it. The year of the first holds for the last one too."""
    until = _read_span(last, today)
    since = _read_span(first, until[1] if until else today)
    if since and until and _HAS_YEAR.search(first) and not _HAS_YEAR.search(last):
        midyear, in_year = (_read_span(last, date(since[0].year, *day)) for day in ((6, 15), (12, 31)))
        if midyear and in_year and midyear[0].month == in_year[0].month:  # Else it counts from today.
            until = in_year
    return (since[0], until[1]) if since and until and since[0] <= until[1] else None


def _read_span(text: str, today: date) -> Span | None:
    """Return the first and last day of one date or period; None for other text. Raises ValueError if it does not exist."""
    if span := read_calendar(text):
        return span
    if (day := _read_day(text, today)) is not None:
        return day, day
    readers = (_read_month, _read_year, _read_part, _read_named, _read_ago, _read_last)
    for pattern, read in zip(_PERIODS, readers, strict=True):
        if match := pattern.fullmatch(text):
            values = {name: value.strip() for name, value in match.groupdict().items() if value}
            if span := read(values, today):
                return span
    # Not a range: nov-2025, 2025-q3.
    unhyphenated = text.replace("-", " ")
    if unhyphenated != text and "  " not in f" {unhyphenated} ":
        return _read_span(unhyphenated, today)
    return _read_week(text, today)


def _read_week(text: str, today: date) -> Span | None:
    """Return the week of a day, or a numbered one (2026-w47, 11월 셋째 주); without a year, the latest that has begun."""
    if (within := text.removeprefix("week of ")) != text:
        span = _read_span(within, today)
        return _named("week", 0, span[0]) if span and span[0] == span[1] else None
    stated = date_reader.read(text)
    if stated is None or stated.kind != "week" or any(map(str.isalnum, stated.rest)):
        return None  # Every word other than the week counts: in a query, papers and new are what is searched for.
    nearest = (date_reader.read(text, _go_back("year", ago, today)) for ago in range(2))
    days = (stated.on, *(near.on for near in nearest if near))
    weeks = (_named("week", 0, day) for day in days if day and day.weekday() == 6)
    return next((week for week in weeks if week and (stated.on or week[0] <= today)), None)


def _read_day(text: str, today: date) -> date | None:
    """Read `그저께`, `last monday`, `dec 30`, `30 dec 2024` or `12/30`. A date without a year is never in the future.

    Raises ValueError if the day does not exist.
    """
    if near := _load_words()["near"].get(text):
        return today - timedelta(days=int(near))
    if match := _DAY_ALONE.fullmatch(text):
        return _latest_day_of_month(int(match[1]), today)
    if match := _WEEKDAY.fullmatch(text):
        before, *names, following = match.groups("")
        qualifier, weekday = before or following, _WEEKDAYS.index("".join(names)) % 7
        if before and following:
            return None
        if qualifier in ("", "last", "지난"):
            return today - timedelta(days=(today.weekday() - weekday) % 7 or (7 if qualifier else 0))
        if span := _read_span(qualifier, today):  # the only such day of it
            day = span[0] + timedelta(days=(weekday - span[0].weekday()) % 7)
            return day if day <= span[1] < day + timedelta(days=7) else None
    if on := date_reader.read_whole(text):
        return on
    match = _MONTH_AND_DAY.fullmatch(text)
    if match is None:
        return None
    first, second = (MONTHS.get(part) or int(part) for part in (match[1] or match[4], match[2] or match[3]))
    # With points and a year after them the day is first: 1.11.2026.
    is_day_first = match[1] not in (None, *MONTHS) and (first > 12 or (match[5] and text.count(".") == 2))
    month, number = (second, first) if is_day_first else (first, second)
    return date(int(match[5]), month, number) if match[5] else _latest_day(month, number, today)


def _latest_day(month: int, day: int, today: date) -> date:
    """Return the latest such day that is not in the future. Raises ValueError without one."""
    for year in range(today.year, today.year - 9, -1):  # 29 February
        if day <= calendar.monthrange(year, month)[1] and date(year, month, day) <= today:
            return date(year, month, day)
    raise ValueError("there is no such day")


def _latest_day_of_month(day: int, today: date) -> date:
    """Return the day of this month or of the latest one in which it is not in the future. Raises ValueError without one."""
    months = [12 * today.year + today.month - 1 - ago for ago in range(3)]
    days = ((month // 12, month % 12 + 1, day) for month in months)
    on = next(
        (date(*one) for one in days if day <= calendar.monthrange(*one[:2])[1] and date(*one) <= today), None
    )
    if on is None:
        raise ValueError("there is no such day")
    return on


def _year_of(text: str, today: date) -> int:
    digits = text.rstrip("년 ")
    return int(digits) if digits.isdecimal() else today.year - int(_load_words()["year"][_join(text)])


def _join(text: str) -> str:
    """Return a Korean text without its spaces."""
    return text if text.isascii() else text.replace(" ", "")


def _read_month(values: dict[str, str], today: date) -> Span:
    month = MONTHS.get(values.get("name") or values.get("first", "")) or int(values["month"])
    year = values.get("year") or values.get("of")
    return calendar_span(_year_of(year, today) if year else today.year - (month > today.month), month)


def _read_year(values: dict[str, str], today: date) -> Span:
    return calendar_span(_year_of(values["year"], today))


def _read_part(values: dict[str, str], today: date) -> Span | None:
    """Return a half or quarter; without a year, the latest that has begun."""
    meaning = _load_words()["part"].get(_join(values.get("part") or values["first"]))
    if meaning is None:
        return None
    number, unit = meaning.split()
    size, year = _MONTHS_IN[unit], values.get("year") or values.get("of")
    begin = size * (int(number) - 1) + 1
    is_ahead = begin > today.month
    return _months(_year_of(year, today) if year else today.year - is_ahead, begin, size)


def _read_named(values: dict[str, str], today: date) -> Span | None:
    """Return this week, last month and the like. Weeks begin on Monday."""
    unit = _load_words()["unit"].get(values["unit"])
    return unit and _named(unit, int(_load_words()["ago"].get(values["ago"], 1)), today)  # type: ignore[return-value]


def _read_amount(values: dict[str, str]) -> tuple[int, str] | None:
    count, unit = values.get("count") or values["many"], values.get("unit") or values["of"]
    if days := _load_words()["days"].get(count + unit):  # which the pattern splits
        return int(days), "day"
    number = count if count.isdecimal() else _load_words()["number"].get(count)
    span_unit = _load_words()["unit"].get(unit)
    return (
        (int(number), span_unit)
        if number and int(number) and span_unit in ("day", "week", "month", "year")
        else None
    )


def _read_ago(values: dict[str, str], today: date) -> Span | None:
    if (amount := _read_amount(values)) is None:
        return None
    count, unit = amount
    on = _go_back(unit, count, today)
    return (on, on) if unit == "day" else _named(unit, 0, on)


def _read_last(values: dict[str, str], today: date) -> Span | None:
    """Return the last days, weeks, months or years, up to today."""
    amount = _read_amount(values)
    return amount and (_go_back(amount[1], amount[0], today) + timedelta(days=1), today)


def _named(unit: str, ago: int, today: date) -> Span | None:
    """Return the first and last day of the day, week, weekend, month, quarter or year that many ago; None for other units."""
    if unit == "day":
        return (today - timedelta(days=ago),) * 2
    if unit in ("week", "weekend"):
        monday = today - timedelta(days=today.weekday() + 7 * ago)
        return monday + timedelta(days=5 if unit == "weekend" else 0), monday + timedelta(days=6)
    if unit == "year":
        return calendar_span(today.year - ago)
    if (size := _MONTHS_IN.get(unit)) is None:
        return None
    year, month = divmod(12 * today.year + (today.month - 1) // size * size - size * ago, 12)
    return _months(year, month + 1, size)


def _go_back(unit: str, count: int, today: date) -> date:
    if unit in ("month", "year"):
        year, month = divmod(12 * today.year + today.month - 1 - count * (12 if unit == "year" else 1), 12)
        return date(year, month + 1, min(today.day, calendar.monthrange(year, month + 1)[1]))
    return today - timedelta(days=count * (7 if unit == "week" else 1))


def _months(year: int, month: int, count: int) -> Span:
    """Return the first and last day of some months from one on."""
    end = 12 * year + month + count - 2
    return date(year, month, 1), date(
        end // 12, end % 12 + 1, calendar.monthrange(end // 12, end % 12 + 1)[1]
    )
