"""Read the day that a date, a heading, a line, a cell or a path states: of feeds, lists, digests and options.

The day is the writer's local day: a time zone does not change it. A date is unknown if a part of it is missing, or may be
another part: 05/06/2026. A span or a week counts as its last day. Weeks of a year are those of ISO 8601; a week of a
month belongs, by Korea's standard, to the month of its Thursday. A text is read in lower case.
"""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from email.utils import parsedate_tz
from functools import lru_cache
from itertools import filterfalse
from typing import Literal, NamedTuple

from bot.text import seed, typography
from bot.text.plain import MONTH, MONTHS


class Stated(NamedTuple):
    """The days that a text states: the last one, or None if it is unknown (31 February, 05/06/2026, "since May 2", no year).

    `rest` is the text without them, in lower case, and `head` what is before the first. `near` is a day in the stated
    year or month.
    """

    on: date | None
    rest: str
    kind: Literal["day", "week", "month"]
    near: date | None = None
    head: str = ""

    def count_words(self) -> int | None:
        """Return the number of words other than the days, except those of a list ("Papers of …"); None next to a version."""
        return None if _VERSION.search(self.rest) else _count_words(self.rest)

    def is_first(self) -> bool:
        """Return whether only words of a list are before the days."""
        return _count_words(self.head) == 0


def _count_words(text: str) -> int:
    return sum(not _LIST_WORD.fullmatch(word) for word in _WORD.findall(text))


_WORD = re.compile(r"[^\W\d_]+")
_VERSION = re.compile(r"\bv?[0-9]{1,3}\.[0-9]{1,3}\b")
_LIST_WORD = re.compile(
    r"an?|the|of|on|for|from|to|till|until|through|since|and|in|at|by|our|my|all|s|papers?|articles?|preprints?|arxiv|digests?"
    r"|list(?:s|ings?)?|showing|readings?|picks?|top|best|new(?:est)?|latest|hot|trending|recent|hugging|face|huggingface|hf|news"
    r"|newsletter|issue|edition|vol|volume|no|number|part|notes?|log|reports?|summary|summaries|reviews?|roundup|archive|research"
    r"|ai|ml|daily|weekly|weeks?|days?|dated?|today|select(?:ed|ion)|feed|ep|episode|now|present|current|ongoing|onwards|utc|kst|[ap]m"
    r"|(?:mon|tue|wednes|thurs|fri|satur|sun)day|mon|tues?|wed|thu(?:rs?)?|fri|sat|sun"
    r"|(?:[월화수목금토일]요일|오늘의?|금일|주간|일간|데일리|위클리|논문들?|페이퍼|요약|정리|목록|리스트|추천|최신|발행|리뷰|뉴스레터|다이제스트|모음|소식"
    r"|스터디|[년월일주호자의제기준화수목금토]|부터|까지|현재|지금|이후)++"
    r"|(?:[論论]文|每[日周]|[日周][報报刊]|今[日週]|精选|推荐|速[递報]|最新|日期|[周星期]{1,2}[一二三四五六日]|[月火水木金土日](?:曜日?)?|の|まとめ)++"
)
"""A word that leaves a heading with a date the heading of a day's list."""
_FOREIGN_MONTHS = {
    name: int(number)
    for kind, number, names in seed.read_rows("date_words.tsv")
    if kind == "month"
    for name in names.split()
}
_MIN_PLAIN_LENGTH = 4


def _strip_accents(name: str) -> str:
    return "".join(filterfalse(unicodedata.combining, unicodedata.normalize("NFD", name)))


_FOREIGN_MONTHS |= {
    plain: number
    for name, number in [*_FOREIGN_MONTHS.items()]
    if len(plain := _strip_accents(name)) >= _MIN_PLAIN_LENGTH
}
_ALL_MONTHS = _FOREIGN_MONTHS | MONTHS
_NAME = rf"(?:{MONTH})\b\.?"
_YEAR = r"(?:19|20)[0-9]{2}"
_ANY_NAME = rf"(?:{MONTH}|{'|'.join(sorted(_FOREIGN_MONTHS, key=len, reverse=True))})\b(?:\.(?!{_YEAR}))?"
_DAY = r"[0-9]{1,2}(?![0-9])"
_TH = r"(?:st|nd|rd|th|er|[oºª])?"
_DASH = r"(?:-{1,3}|[‐-―−~〜～→])"
_NO_FIRST = rf"(?!(?:gen|mag|out|set)\b|mar\.?,?\s[0-9]{{1,2}}(?:\s{_ANY_NAME}|/[0-9]))"
"""Not gen-3 and set 5: these months are read only after their day (3 gen). Nor a Tuesday in French,
Italian and Spanish: mar. 24 nov.
"""
_DATE = re.compile(
    rf"(?<![0-9.])(?P<y1>{_YEAR})\s?[-‐-―−./_년年]\s?(?P<m1>[0-9]{{1,2}})\s?[-‐-―−./_월月]\s?"
    rf"(?P<d1>{_DAY})(?!\s?(?:번?째|[주周週]))(?:\s?[일日])?"
    rf"|(?<![0-9])(?P<m2>[0-9]{{1,2}})\s?[월月]\s?(?P<d2>{_DAY})\s?[일日]"
    rf"|(?:\b(?P<y6>{_YEAR})[,.:]?[\s./-])?\b{_NO_FIRST}(?P<m3>{_ANY_NAME})[\s./-]?(?P<d3>{_DAY})(?!:|\s?(?:번?째|[주周週])){_TH}"
    rf"(?:(?:,?\s|[./-])(?P<y3>{_YEAR})\b)?"
    rf"|(?<![0-9.])(?<!week\s)(?P<d4>[0-9]{{1,2}}){_TH}\.?(?:\s(?:of|if|de))?[\s./-](?P<m4>{_ANY_NAME})"
    rf"(?:(?:,?\s(?:del?\s)?|[./-])(?P<y4>{_YEAR})\b)?"
    r"|(?<![0-9.])(?P<y5>20[0-9]{2})(?P<m5>[0-9]{2})(?P<d5>[0-9]{2})(?:[0-9]{6})?(?![0-9.]|[a-su-z])"
    rf"|(?<![0-9./-])(?P<d7>[0-9]{{1,2}})(?P<sep>[./-])\s?(?P<m7>[0-9]{{1,2}})(?P=sep)\s?(?P<y7>{_YEAR})(?![0-9])"
    rf"|(?<![0-9.])(?:['’]|(?=[0-9. ]{{6,11}}\([월화수목금토일]\)))"
    rf"(?P<y8>[0-9]{{2}})\.\s?(?P<m8>[0-9]{{1,2}})\.\s?(?P<d8>{_DAY})"
)
"""One day. Group names begin with what is in the group; in those of 7, day and month may be exchanged. A year of two
digits has an apostrophe, or is before a Korean day of the week: 26.11.05 (목).
"""
_WEEKDAY = r"\.?(?:\s?[(（][^()（）0-9]{1,9}[)）])?"
_UP_TO = re.compile(rf"{_WEEKDAY}\s?(?:{_DASH}|to\b|until\b|through\b|부터|에서)\s?")
_LAST = re.compile(
    rf"(?:(?P<m>[0-9]{{1,2}})\s?[-./월月]\s?)?(?P<d>{_DAY}){_TH}(?:\s?[일日])?(?:\W{{1,5}}(?P<y>{_YEAR})\b)?"
)
_COUNTED = re.compile(r"\s?(?:[편건개선]|가지)(?!\w)|\s?[篇本件](?!\w)")
"""The unit of a number of papers: 12편."""
_LATE_YEAR = re.compile(rf"\W{{1,5}}({_YEAR})\b")
_LONE_YEAR = re.compile(rf"(?<![0-9.])({_YEAR})\s?[년年]?(?![0-9.])")
_OPEN_BEFORE = re.compile(r"(?:since|after|(?:starting|beginning)(?:\s(?:from|on|in))?)\W{1,3}$")
_OPEN_AFTER = re.compile(
    rf"{_WEEKDAY}\s?(?:(?:{_DASH}|to\b|until\b|through\b|부터)\s?(?:now|present|today|current|date|ongoing|현재|지금|오늘|至今|今)"
    r"|부터|이후|이래|至今|以来|以降|起|onwards?\b|\+|[~〜～]\W{0,9}$)"
)
_ORDINALS = {
    name: number
    for names in (
        ("first", "second", "third", "fourth", "fifth"),
        ("첫", "둘", "셋", "넷", "다섯"),
        "一二三四五",
    )
    for number, name in enumerate(names, 1)
}
_NTH = rf"(?:[1-6]{_TH}|(?:{'|'.join(_ORDINALS)})째?|last|마지막)"
_GAP = r"[-_/ ,.()]{0,3}"
_WEEKS_OF_MONTH = re.compile(
    rf"(?:(?<![0-9])(?P<y1>{_YEAR})\s?[-./년年]\s?)?(?<![0-9])(?P<m1>[0-9]{{1,2}})\s?[월月]{_GAP}[제第]?\s?"
    rf"(?P<n1>{_NTH})\s?(?:번?째\s?)?[주周週]차?"
    rf"|(?<![0-9])(?P<y2>{_YEAR})[-_/.](?P<m2>[0-9]{{1,2}}){_GAP}w(?:ee)?k?[-_ ]?(?P<n2>[1-6])(?![0-9])"
    rf"|\b(?P<n3>{_NTH})\sweek\s(?:of|in)\s(?P<m3>{_NAME}),?\s?(?P<y3>{_YEAR})?"
    rf"|\bweek\s(?P<n4>[1-6])(?:,|\s(?:of|in))?\s(?P<m4>{_NAME}),?\s?(?P<y4>{_YEAR})?"
    rf"|(?:\b(?P<y6>{_YEAR})[,:]?\s)?\b(?P<m5>{_NAME}),?\s?(?:(?P<y5>{_YEAR}),?\s)?\(?week\s(?P<n5>[1-6])(?![0-9])\)?"
    rf"(?:,?\s(?P<y7>{_YEAR})\b)?"
)
_WEEKS = re.compile(
    rf"(?<![0-9])(?P<y1>{_YEAR}){_GAP}w(?:ee)?k?[-_ .#]{{0,2}}(?P<n1>{_DAY})(?:-(?P<d1>[1-7])(?!\w))?"
    rf"|\bw(?:ee)?k?[-_ .#]{{0,2}}(?P<n2>{_DAY})(?:\sof)?[-_/ ,.()]{{1,3}}(?P<y2>{_YEAR})(?![0-9])"
    rf"|(?<![0-9])(?P<y3>{_YEAR})\s?[년年]?{_GAP}[제第]?\s?(?P<n3>{_DAY})\s?[주周週]차?"
    rf"|(?:\bweek\s?|(?<![0-9])(?=[0-9제第]{{1,3}}\s?[주周週]))[제第]?(?P<n4>{_DAY})(?:\s?[주周週]차?)?"
)
_WEEK_BEGINS = re.compile(r"\bweek\s(?:of|beginning|starting|commencing|from)\W{0,3}$")
_MONTH = re.compile(
    rf"(?<![0-9])(?P<y1>{_YEAR})\s?[-./년年]\s?(?P<m1>0?[1-9]|1[0-2])(?![0-9.])(?:\s?[월月])?|\b(?P<m2>{_ANY_NAME}),?\s(?P<y2>{_YEAR})\b"
)
_TIME = re.compile(
    r"t?(?<![0-9])[0-9]{1,2}(?::[0-9]{2}){1,2}(?:[.,][0-9]{1,9})?(?:\s?[-+][0-9]{2}:?[0-9]{2})?(?![0-9])"
)
_ZERO_YEAR = re.compile(rf"\b{_NAME}[\s-]{{1,3}}0[0-9]{{3}}(?![0-9])")
"""The year of programs that have no date: 01 Jan 0001, which `parsedate_tz` takes for 2001."""
_WITHOUT_TIME = re.compile(r"[0-9]{1,2}[- ][A-Za-z]{3}[- ][0-9]{2}")
"""The date of RFC 822, whose year may have two digits, and of RFC 850: 27-Nov-26."""
_FINNISH_MONTHS = dict(
    zip(
        ("tam", "hel", "maa", "huh", "tou", "kes", "hei", "elo", "syy", "lok", "mar", "jou"),
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
        strict=True,
    )
)
_FINNISH = re.compile(rf"(?:ke|pe|la|su),? ([0-9]{{1,2}}) ({'|'.join(_FINNISH_MONTHS)}) ([0-9]{{4}})\b")
"""A date with a weekday that only Finnish has, whose months begin alike in others: Mar is November."""
_MONTH_NAME = re.compile(rf"\W*+(?:[0-9]{{1,2}}\s?[월月]|{_NAME})\W*+")
_SLASHED = re.compile(r"[^\w/]*([0-9]{1,2})/([0-9]{1,2})[^\w/]*(?:[^\W0-9_]{1,9}[^\w/]*)?")
_FILE_SUFFIX = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,8}$")
_PATH_WEEK = re.compile(r"(?<![0-9])(?:([01][0-9])([0-3][0-9])-)([01][0-9])([0-3][0-9])(?![0-9])")
_PATH_YEAR = re.compile(r"(?<![0-9])(20[0-9]{2})(?![0-9])")
_MAX_DATED_LENGTH = 300
_FIRST_YEAR = 1900
"""From which programs count in error, so that 2026 becomes 126."""
_Parts = tuple[int | None, int, int]
"""A year, if it is stated, a month and a day."""
_UNKNOWN: _Parts = (None, 0, 0)
"""A day that no calendar has."""


def read(text: str, near: date | None = None) -> Stated | None:
    """Return the days that a text states, or None. A day without a year is in the year in which it is closest to `near`."""
    return _read(typography.normalise("NFKC", text[:_MAX_DATED_LENGTH]).lower(), near)


@lru_cache(maxsize=64)
def _read(text: str, near: date | None) -> Stated | None:
    if not any(digit in text for digit in "0123456789"):
        return Stated(None, "", "month") if _MONTH_NAME.fullmatch(text) else None
    spans = list(_find_spans(text))
    if spans and any(parts[0] for days, _, _ in spans for parts in days):
        spans = [span for span in spans if any(parts[0] for parts in span[0])]
    elif week := _read_week(text, near):
        return week
    if not spans:
        return _read_month(text) or _read_slashed(text, near)
    rest, position = "", 0
    for _, start, end in spans:
        rest, position = rest + text[position:start] + " ", end
    rest += text[position:]
    dates, near_days = list[date | None](), list[date | None]()
    for days, start, end in spans:
        of_span = [_make_date(*parts) or _nearest(parts, near) for parts in _fill_years(days)]
        if len(of_span) == 1 and of_span[0] and _WEEK_BEGINS.search(text[:start]):
            of_span = [of_span[0] + timedelta(days=6)]
        is_open = (len(of_span) == 1 and _OPEN_BEFORE.search(text[:start])) or _OPEN_AFTER.match(text, end)
        dates += [None] if is_open else of_span
        near_days += of_span
    on = max(filter(None, dates), default=None) if all(dates) else None
    return Stated(on, rest, "day", on or next(filter(None, near_days), None), text[: spans[0][1]])


def read_date(text: str) -> date | None:
    """Return the day of a date that a program wrote, with or without a time and a zone, or None."""
    line = typography.normalise("NFKC", text[:_MAX_DATED_LENGTH])
    if _ZERO_YEAR.search(line.lower()):
        return None
    if short := _FINNISH.match(line.lower()):
        line = f"{short[1]} {_FINNISH_MONTHS[short[2]]} {short[3]}"
    elif _WITHOUT_TIME.fullmatch(line.strip()):
        line = f"{line.replace('-', ' ')} 00:00:00"
    if parts := parsedate_tz(line):  # RFC 5322 and its older forms, such as years of two digits
        on = _make_date(*parts[:3])
        if on or parts[0] <= _FIRST_YEAR:
            return on if parts[0] > _FIRST_YEAR else None
    return find_date(" ".join(_TIME.sub(" ", line.lower()).split()))


def read_whole(text: str) -> date | None:
    """Return the day of a text in lower case that is one date with its year and nothing else, or None."""
    match = _DATE.fullmatch(text)
    return _make_date(*_parts_of(match)) if match else None


def find_date(text: str) -> date | None:
    """Return the date, or the last day of a span or week, in a heading or cell; None if it is missing or impossible."""
    return stated.on if (stated := read(text)) else None


def has_date(text: str) -> bool:
    """Return whether a text contains a date, even an impossible one."""
    stated = read(text)
    return stated is not None and stated.kind != "month"


_BRACKETED = re.compile(r"[(\[（【][^()\[\]（）【】]*+[)\]）】]")


def find_path_date(name: str) -> date | None:
    """Return the date in the last four parts of a path or URL (for a week, its last day), or None.

    A date in brackets after another one is that of a copy. Two days in an address are the ends of an interval.
    """
    parts = name.split("?")[0].rstrip("/").split("/")[-4:]
    if "://" in name and len({part for part in parts if len(part) == 10 and find_date(part)}) > 1:
        return None
    parts[-1] = _FILE_SUFFIX.sub("", parts[-1])
    path = "/".join(parts)
    for text in (_BRACKETED.sub(" ", parts[-1]), *reversed(parts), path):
        for separated in (text.replace("_", " "), text.replace("-", " "), re.sub("[_ ]", "-", text)):
            if on := find_date(separated):
                return on
    if on := find_date(re.sub("[_/-]", " ", path)):  # 2026/November/21
        return on
    if (weeks := list(_PATH_WEEK.finditer(path))) and (years := _PATH_YEAR.findall(path)):
        first, _, month, day = weeks[-1].groups()
        return _make_date(int(years[-1]) + (month < first), int(month), int(day))
    return None


def _find_spans(text: str) -> Iterator[tuple[list[_Parts], int, int]]:
    """Yield the dates in a text with their start and end. A span is several dates."""
    end = 0
    for match in _DATE.finditer(text):
        if match.start() < end:
            continue
        days, end = [_parts_of(match)], match.end()
        while up_to := _UP_TO.match(text, end):
            last = _DATE.match(text, up_to.end())
            if last is None:
                last = _LAST.match(text, up_to.end())
                if last is None or not _ends_span(match[0], up_to[0], last, days[-1]):
                    break
                if _is_unclear(match[0], up_to[0], last):
                    days.append(_UNKNOWN)
                    break
            days.append(_parts_of(last, days[-1]))
            end = last.end()
        if days[-1][0] is None and (late := _LATE_YEAR.match(text, end)):
            days[-1] = (int(late[1]), *days[-1][1:])
            end = late.end()
        name = (match["m3"] or match["m4"] or "").rstrip(".")
        if name not in _FOREIGN_MONTHS or any(year for year, _, _ in days):  # "Set 3" is no date
            yield days, match.start(), end


def _ends_span(first: str, dash: str, last: re.Match[str], before: _Parts) -> bool:
    """Return whether a number after a date and a dash is the span's last day rather than a count: "2026-11-02 - 12 papers"."""
    if last["m"]:
        return int(last["m"]) <= 12
    if _COUNTED.match(last.string, last.end()):
        return False
    is_clear = last[0][-1] in "일日" or not _is_spaced_dash(dash)
    is_word = last.string[last.end() : last.end() + 2].strip()[:1].isalpha()
    is_same_mark = dash == "-" and "-" in first
    return int(last["d"]) > before[2] and not is_same_mark and (is_clear or not is_word)


def _is_unclear(first: str, dash: str, last: re.Match[str]) -> bool:
    """Return whether a number alone after a numeric date may be a day or a count: "2026-11-02 -- 12"."""
    is_stated = last["m"] or last["y"] or not last[0].isdecimal() or last["d"][0] == "0"
    return (
        _is_spaced_dash(dash) and not is_stated and first[-1].isdecimal() and not re.search(_ANY_NAME, first)
    )


def _is_spaced_dash(dash: str) -> bool:
    """Return whether the separator of a date and a number is a dash with spaces, as in front of a count."""
    return dash != dash.strip() and not dash.strip(" -‐‑‒–—―−")


def _parts_of(match: re.Match[str], before: _Parts | None = None) -> _Parts:
    """Return the year, month and day of a match; a missing month is that of the date before.

    Of two numbers before a year, the one above 12 is the day. If there is none, the day is unknown.
    """
    values = {name[0]: value for name, value in match.groupdict().items() if value}
    year, month, day = int(values.get("y", 0)) or None, values.get("m", ""), int(values["d"])
    year = year + 2000 if year and year < 100 else year
    number = before[1] if before and not month else _month_number(month)
    if "s" in values and number != day:
        number, day = (day, number) if number > 12 else (number, day) if day > 12 else (0, 0)
    return year, number, day


def _month_number(month: str) -> int:
    return int(month) if month.isdecimal() else _ALL_MONTHS[month.rstrip(".")]


def _fill_years(days: Sequence[_Parts]) -> list[_Parts]:
    """Return a span's dates with the years that are stated for only one of them."""
    filled = list(days)
    for i, (year, month, day) in enumerate(days[1:], 1):
        before, before_month, _ = filled[i - 1]
        filled[i] = (year or (before and before + (month < before_month)), month, day)
    for i, (year, month, day) in reversed([*enumerate(filled[:-1])]):
        following, next_month, _ = filled[i + 1]
        filled[i] = (year or (following and following - (month > next_month)), month, day)
    return filled


def _nearest(parts: _Parts, near: date | None) -> date | None:
    """Return a date without a year in the year in which it is closest to `near`."""
    if parts[0] is not None or near is None:
        return None
    years = range(max(near.year - 1, 1), min(near.year + 2, date.max.year))
    dates = filter(None, (_make_date(year, *parts[1:]) for year in years))
    return min(dates, key=lambda on: abs(on - near), default=None)


def _read_week(text: str, near: date | None) -> Stated | None:
    """Return the last day of a numbered week of a month or year, or its day with a number (2026-W48-5).

    Without a year, the week is in the year of `near`.
    """
    month_week = _WEEKS_OF_MONTH.search(text)
    match = month_week or _WEEKS.search(text)
    if match is None:
        return None
    values = {name[0]: value for name, value in match.groupdict().items() if value}
    year = int(values["y"]) if "y" in values else near.year if near else None
    if year is None and month_week is None:
        return None  # "47주차" without a year may be a serial number.
    on = None
    if year is not None:
        number = _ordinal(values["n"])
        on = (
            _month_week(year, _month_number(values["m"]), number)
            if month_week
            else _iso_week(year, number, int(values.get("d", 7)))
        )
    rest = f"{text[: match.start()]} {text[match.end() :]}"
    return Stated(on, rest, "week", on, text[: match.start()])


def _ordinal(text: str) -> int:
    """Return the number of an ordinal (3rd, third, 셋째, 三); 6 for the last one."""
    digits = text.rstrip("stndrhe")
    return int(digits) if digits.isdecimal() else _ORDINALS.get(text.removesuffix("째"), 6)


def _month_week(year: int, month: int, number: int) -> date | None:
    """Return the Sunday of a month's week. Beyond its last week, the last day of the month."""
    if not 1 <= month <= 12:
        return None
    first_thursday = 1 + (3 - date(year, month, 1).weekday()) % 7
    last = monthrange(year, month)[1]
    thursday = first_thursday + 7 * (number - 1)
    return date(year, month, min(thursday, last)) + timedelta(days=3 if thursday <= last else 0)


def _iso_week(year: int, number: int, day: int) -> date | None:
    try:
        return date.fromisocalendar(year, number, day)
    except ValueError:  # week 53 of a year that has 52
        return None


def _read_month(text: str) -> Stated | None:
    """Return the month or year that a text states, which is not a day."""
    if match := _MONTH.search(text):
        year, month = int(match["y1"] or match["y2"]), _month_number(match["m1"] or match["m2"])
        return Stated(None, f"{text[: match.start()]} {text[match.end() :]}", "month", date(year, month, 15))
    if _MONTH_NAME.fullmatch(text):
        return Stated(None, "", "month")
    year_match = _LONE_YEAR.search(text)
    return year_match and Stated(None, _LONE_YEAR.sub("", text), "month", date(int(year_match[1]), 7, 1))


def _read_slashed(text: str, near: date | None) -> Stated | None:
    """Return the day of a text that is only a month and a day (`11/18 (수)`), if it is within two months of `near`."""
    match = _SLASHED.fullmatch(text) if near else None
    on = _nearest((None, int(match[1]), int(match[2])), near) if match else None
    return Stated(on, "", "day", on) if on and near and abs(on - near) < timedelta(days=62) else None


def _make_date(year: int | None, month: int, day: int) -> date | None:
    try:
        return date(year or 0, month, day)
    except ValueError:
        return None
