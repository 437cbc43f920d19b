"""Parses the period in a question (작년, 2025년 4월, "papers from March 2025") and the text of a date field.

In a question, text that may belong to a name is not a date: the year in NeurIPS 2024, or 3월 and "may" unless
another word makes them a date. A date field accepts any date (`dec 30`, `12/30`, `그저께`); without a year it
means the latest such date that is not in the future.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import TypeAlias

from bot.text import questions, typography
from bot.text.plain import MONTH, MONTH_NAMES, MONTHS

DateLimits: TypeAlias = tuple[date | None, date | None]
"""The first and last day, inclusive, in the time zone of `today`; None at an open end."""

_FEW = {
    "a": 1,
    "an": 1,
    "couple of": 2,
    "few": 3,
    "several": 3,
    "며칠": 3,
    "하루": 1,
    "이틀": 2,
    "사흘": 3,
    "열흘": 10,
    "보름": 15,
    "fortnight": 14,
}
_ENGLISH_NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
_NUMBERS = _FEW | {
    name: number
    for names in (_ENGLISH_NUMBERS, ["한", "두", "세", "네", "다섯", "여섯"])
    for number, name in enumerate(names, 1)
}
_UNITS = {
    **dict.fromkeys(("day", "days", "일"), "day"),
    **dict.fromkeys(("week", "weeks", "주", "주일"), "week"),
    **dict.fromkeys(("weekend", "주말"), "weekend"),
    **dict.fromkeys(("month", "months", "개월", "달"), "month"),
    **dict.fromkeys(("year", "years", "년"), "year"),
}
_YEARS_AGO = {"재작년": 2, "작년": 1, "지난해": 1, "올해": 0, "올": 0, "금년": 0}
_YEAR = "(?:19|20)[0-9]{2}"
_COUNTED = "[0-9]{1,3}|" + "|".join((*_ENGLISH_NUMBERS, *filter(str.isascii, _FEW)))
_DAY_OF_MONTH = "3[01]|[12][0-9]|0?[1-9]"
_ATOM = re.compile(
    rf"(?<![\w.\-/])(?:"
    rf"(?P<iso>{_YEAR}[-./](?:0[1-9]|1[0-2])(?:[-./](?:0[1-9]|[12][0-9]|3[01]))?)(?![\w\-/]|\.[0-9])"
    rf"|(?P<ko_year>{_YEAR} ?년도?|[12][0-9]년도?(?! ?[간동전만])|재작년|작년|지난 ?해|올 ?해?(?= ?[0-9상하])|올 ?해|금년)"
    rf"(?: ?(?P<ko_part>[상하]반기|[1-4] ?분기)| ?(?P<ko_month>1[0-2]|0?[1-9]) ?월(?: ?(?P<ko_day>{_DAY_OF_MONTH}) ?일)?)?"
    rf"|(?P<part>q[1-4]|h[12]|(?:first|second|third|fourth) (?:half|quarter))(?: of)?"
    rf" (?P<part_year>{_YEAR}|(?:this|last) year)(?!\w)"
    rf"|(?P<ko_this>이번|요번|지난|저번) ?(?P<ko_unit>달|주말|주|년)(?=\W|에|의|간|동안|부터|까지|$)"
    rf"|(?:(?P<ago>{_COUNTED}) (?P<ago_units>days?|weeks?|months?|years?) ago(?!\w)"
    rf"|(?P<ko_ago>[0-9]{{1,3}}|[한두세네]|일) ?(?P<ko_ago_units>개월|주일|주|일|년|달) ?전(?![가-힣]))"
    rf"|(?:(?:최근|지난) ?(?P<ko_count>[0-9]{{1,3}}|[한두세네]|다섯|여섯|일) ?(?P<ko_units>개월|주일|주|일|년|달)"
    rf"|(?:최근|지난|요) ?(?P<ko_few>며칠|하루|이틀|사흘|열흘|보름))(?:간|동안)?"
    rf"|(?:지난 ?)?(?P<ko_bare>1[0-2]|[1-9])월(?: ?(?P<ko_bare_day>{_DAY_OF_MONTH})일"
    rf"|(?=에|의|달|쯤|경|\s?(?:논문|이후|이래|이전|부터|까지|전까지|초|말|중순)|$)|(?<=[~–][0-9]월)|(?<=[~–]1[0-2]월))"
    rf"|(?P<ko_same>{_DAY_OF_MONTH})일(?= ?(?:사이|까지))"
    rf"|(?P<ko_near>어제|오늘|그제|그저께|엊그제)"
    rf"|(?P<month>{MONTH})\.?(?: (?P<month_day>{_DAY_OF_MONTH})(?:st|nd|rd|th)?,?|,?(?: of)?) (?P<month_year>{_YEAR})(?!\w)"
    rf"|(?:(?P<day_month>{MONTH})\.? (?P<day>{_DAY_OF_MONTH})|(?P<day_first>{_DAY_OF_MONTH})(?:st|nd|rd|th)? (?:of )?"
    rf"(?P<day_month_last>{MONTH})(?:,? (?P<day_year>{_YEAR}))?)(?:st|nd|rd|th)?(?![\w-])"
    rf"|(?P<this>this|last|previous|(?<=of )the) (?P<unit>weekend|week|month|year)(?!\w)"
    rf"|(?:last|past|previous) (?P<few>fortnight)(?!\w)"
    rf"|(?:last|past|previous) (?:(?P<count>{_COUNTED}) )?(?P<units>days?|weeks?|months?|years?)(?!\w)"
    rf"|(?:(?P<weekday>(?:mon|tues|wednes|thurs|fri|satur|sun)day)|(?P<ko_weekday>[월화수목금토일])요일)(?!\w*ly)"
    rf"|(?P<near>yesterday|today(?=['’]s)|(?<=from )today)(?!\w)"
    rf"|(?P<bare_month>{MONTH_NAMES})(?!\w)"
    rf"|(?P<bare_year>20(?:[1-9][0-9]|0[1-9]))(?!\w|[-.]\w)"
    rf")",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"(?:^|(?<=\s))(?:(?P<word>since|after|from|between|up to|until|till|before|on|in|of|during|within|over|for|around)"
    r"(?: the)?(?: (?:early|mid|late|last|this))?|so far|early|mid|late|last|this|지난)[\s-]+$",
    re.IGNORECASE,
)
_BEHIND = re.compile(
    r"\s?(?:쯤|경|초|말|중순|무렵)?"
    r"(?:(?P<word>이후|이래|부터|까지|이전|전까지|to now|to today|onwards?|(?:and|or) later)(?:에|의|로|도)?"
    r"|['’]s| so far|(?:동안|사이)(?:에|의)?|에는|에서|에|의|도|은|는|간|내|달)?(?![가-힣\w])"
)
_PAPERS_AHEAD = re.compile(r"(?:^|\s)papers?\s+$", re.IGNORECASE)
_PAPERS_BEHIND = re.compile(r"\s+(?:papers?|articles?|preprints?|논문)(?!\w)", re.IGNORECASE)
_RANGE = re.compile(r"\s*(?:부터|에서|to|until|till|through|[-–~])\s*(?:the\s+)?", re.IGNORECASE)
"""Between the first and the last date of a period."""
_A_YEAR = re.compile(_YEAR)
_BOTH = re.compile(r"\bbetween (?:the )?@ and (?:the )?@|@[와과] @ ?사이", re.IGNORECASE)
_SINCE, _UNTIL, _EARLIER = (
    (
        "since",
        "after",
        "이후",
        "이래",
        "부터",
        "to now",
        "to today",
        "onward",
        "onwards",
        "and later",
        "or later",
    ),
    ("until", "till", "up to", "까지"),
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
    atoms = list(_ATOM.finditer(text))
    is_range = len(atoms) == 2 and (
        _RANGE.fullmatch(text[atoms[0].end() : atoms[1].start()]) or _BOTH.search(_ATOM.sub("@", text))
    )
    related = [_relate(text, match, is_clear=is_clear or bool(is_range)) for match in atoms]
    mentions = [mention for mention in related if mention is not None]
    if not mentions or len(mentions) != 1 + bool(is_range):
        return text, (None, None)
    match, before, behind, start, end = mentions[-1]
    try:
        last = _span(match, today, atoms[0])
        if is_range:
            first = _span(atoms[0], today)
            if _A_YEAR.search(atoms[0].group()) and not _A_YEAR.search(match.group()):
                last = _span(match, date(first[0].year, 12, 31), atoms[0])  # 2024년 3월~5월
            # From March to May 2024: of one year.
            first = _span(atoms[0], last[1]) if first[0] > last[1] else first
            period: DateLimits = (first[0], last[1])
            start = mentions[0][-2]
        else:
            period = _limit(before, behind, last)
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
    preposition = (before["word"] or "").lower() if before else ""
    alone = ("bare_year", "bare_month", "weekday", "ko_weekday", "ko_same")
    needs_word = not is_clear and any(match[name] for name in alone)
    has_papers = match["bare_year"] and (
        _PAPERS_BEHIND.match(text, match.end()) or _PAPERS_AHEAD.search(ahead)
    )
    is_verb = (match["bare_month"] or "").casefold() in ("may", "march")  # this may help
    has_word = (
        before and not (is_verb and not preposition) and not (match["bare_year"] and preposition == "on")
    )
    if needs_word and not has_word and not has_papers and not (behind and behind["word"]):
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


def _span(match: re.Match[str], today: date, first: re.Match[str] | None = None) -> tuple[date, date]:
    """Return the first and last day of a matched date; a day alone is in the month of the `first` date.

    Raises ValueError if the date does not exist.
    """
    group = {name: text.lower() for name, text in match.groupdict().items() if text}
    if "ko_same" in group and first is not None:
        return (_span(first, today)[0].replace(day=int(group["ko_same"])),) * 2
    return _calendar_span(group, today) or _relative_span(group, today)


def _calendar_span(group: Mapping[str, str], today: date) -> tuple[date, date] | None:
    if iso := group.get("iso"):
        return calendar_span(*map(int, re.split("[-./]", iso)))
    if name := group.get("ko_year", "").replace(" ", ""):
        digits = name.rstrip("년도") if name[0].isdecimal() else ""
        year = int(digits) + 2000 * (len(digits) == 2) if digits else today.year - _YEARS_AGO[name]
        if part := group.get("ko_part"):
            return _part(year, part)
        return calendar_span(year, int(group.get("ko_month", 0)), int(group.get("ko_day", 0)))
    if "month" in group:
        return calendar_span(int(group["month_year"]), MONTHS[group["month"]], int(group.get("month_day", 0)))
    if part := group.get("part"):
        named = group["part_year"]
        return _part(int(named) if named.isdecimal() else today.year - named.startswith("last"), part)
    if day := group.get("ko_bare_day") or group.get("day") or group.get("day_first"):
        month = group.get("ko_bare") or group.get("day_month") or group["day_month_last"]
        number = int(month) if month.isdecimal() else MONTHS[month]
        year = int(group.get("day_year", 0))
        return calendar_span(year, number, int(day)) if year else _latest_day(number, int(day), today)
    if "bare_year" in group:
        return _year(int(group["bare_year"]))
    if month := group.get("ko_bare", group.get("bare_month", "")):
        number = int(month) if month.isdecimal() else MONTHS[month]
        return _month(today.year - (number > today.month), number)
    return None


def _relative_span(group: Mapping[str, str], today: date) -> tuple[date, date]:
    if weekday := group.get("weekday") or group.get("ko_weekday"):
        on = today - timedelta(days=(today.weekday() - _WEEKDAYS.index(weekday[:3])) % 7)
        return on, on
    if count := group.get("ago") or group.get("ko_ago"):
        units = _UNITS[group.get("ago_units") or group["ko_ago_units"]]
        on = _last(units, _count(count), today)[0]
        return (on, on) if units == "day" else _named(units, True, on)
    if near := group.get("near") or group.get("ko_near"):
        on = today - timedelta(days=_DAYS_AGO.get(near, 1))
        return on, on
    if counted := group.get("units") or group.get("ko_units"):
        return _last(_UNITS[counted], _count(group.get("count") or group.get("ko_count", "1")), today)
    if few := group.get("few") or group.get("ko_few"):
        return _last("day", _count(few), today)
    word, unit = group.get("this") or group["ko_this"], _UNITS[group.get("unit") or group["ko_unit"]]
    return _named(unit, word in ("this", "the", "이번", "요번"), today)


def _count(text: str) -> int:
    return int(text) if text.isdecimal() else _NUMBERS.get(text, 1)


def _part(year: int, part: str) -> tuple[date, date]:
    """Return the first and last day of half a year or of a quarter: h1, second half, 하반기, q3, 3분기."""
    is_half = part[0] == "h" or "half" in part or part.endswith("반기")
    digits = re.sub(r"\D", "", part)
    ordinals = ("first", "상"), ("second", "하"), ("third",), ("fourth",)
    spelled = next((n for n, words in enumerate(ordinals, 1) if part.startswith(words)), 1)
    number = int(digits) if digits else spelled
    months = 6 if is_half else 3
    return date(year, months * (number - 1) + 1, 1), _month(year, months * number)[1]


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
    if unit == "weekend":
        saturday = today - timedelta(days=today.weekday() - 5 + (0 if is_current else 7))
        return saturday, saturday + timedelta(days=1)
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
_DAYS_AGO = {
    "tomorrow": -1,
    "내일": -1,
    "모레": -2,
    "today": 0,
    "오늘": 0,
    "그저께": 2,
    "그제": 2,
    "엊그제": 2,
}
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
    return _latest_day(month, day, today)[0]


def _latest_day(month: int, day: int, today: date) -> tuple[date, date]:
    """Return the latest such day that is not in the future, as its own first and last. Raises ValueError without one."""
    for year in range(today.year, today.year - 9, -1):  # 29 February
        if day <= calendar.monthrange(year, month)[1] and date(year, month, day) <= today:
            return date(year, month, day), date(year, month, day)
    raise ValueError("there is no such day")
