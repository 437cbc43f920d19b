"""Parses the period in a question (작년, 2025년 4월, "papers from March 2025") and the text of a date field.

`_FORMS` lists how dates are written. A part of one may be named beside it ("first week of", 하반기), and a preposition or a
Korean word says which side of it is meant (since, 이후). Text that may belong to a name is not a date: the year in
NeurIPS 2024, or "may", unless another word makes it one. A date field accepts any date (`dec 30`, `12/30`, `그저께`); without
a year it means the latest such date that is not in the future.
"""

from __future__ import annotations

import calendar
import math
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from functools import lru_cache
from itertools import islice
from typing import NamedTuple, TypeAlias

from bot.text import questions, seed, typography
from bot.text.plain import MONTH, MONTHS

Span: TypeAlias = tuple[date, date]
DateLimits: TypeAlias = tuple[date | None, date | None]
"""The first and last day, inclusive, in the time zone of `today`; None at an open end."""


@lru_cache(maxsize=1)
def _load_words() -> dict[str, dict[str, str]]:
    """Return the value of each word in dates, by what it tells: a number, a unit, how long ago, a part of a period."""
    words = dict[str, dict[str, str]]()
    for kind, value, listed in seed.read_rows("date_words.tsv"):
        words.setdefault(kind, {}).update((word.replace("_", " "), value) for word in listed.split())
    return words


def _read_number(kind: str, word: str) -> int:
    return int(word) if word.isdecimal() else int(_load_words()[kind].get(word, 1))


def _count(text: str) -> int:
    return _read_number("number", text.removeprefix("a ").removesuffix(" of"))


_WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun", "월", "화", "수", "목", "금", "토", "일"]
_MONTHS_IN = {"month": 1, "quarter": 3, "third": 4, "half": 6}
_DAYS_IN = {"day": 1, "week": 7, "third": 10, "half": 15}
"""A part's length: of a year, and of a shorter period."""
_DAYS_UNTIL_NOW = {"week": 7, "month": 30}
"""The days up to today that are meant by "this week" or "this month" as long as it has no papers."""

# How dates are written.

_YEAR, _YYYY, _MONTH = "(?:19|20)[0-9]{2}", "(?P<year>(?:19|20)[0-9]{2})", f"(?P<month>{MONTH})"
_DAY, _UNTIL = (f"(?P<{name}>3[01]|[12][0-9]|0?[1-9])" for name in ("day", "until"))
_KOREAN_YEAR = (
    rf"(?P<year>{_YEAR} ?년도?|[12][0-9]년도?(?! ?[간동전만])|재작년|작년"
    r"|지난 ?해|올 ?해|금년|올(?= ?[0-9상하봄여가겨초]))"
)
_KOREAN_MONTH = "(?P<month>1[0-2]|0?[1-9])(?<![0-9]{3}) ?월"
_NUMBER = (
    "[0-9]{1,3}|one|two|three|four|five|six|seven|eight|nine|ten|an?|(?:a )?couple(?: of)?|(?:a )?few|several"
)
_COUNT = f"(?P<count>{_NUMBER})"
_KOREAN_COUNT = "(?:(?P<count>[0-9]{1,3}|[한두세네몇일]|다섯|여섯|일곱|여덟|아홉) ?)?"
_LENGTH, _KOREAN_LENGTH = (
    "(?P<length>hours?|days?|weeks?|wks?|months?|years?|fortnight)",
    "(?P<length>시간|개월|주일|주간|주|일|년|달|며칠|하루|이틀|사흘|나흘|닷새|열흘|보름)",
)
_TO, _KOREAN_TO, _TH = (
    " ?(?:to|until|till|through|and|[-–~]) ?(?:the )?",
    r"\s*(?:부터|에서|[-–~])\s*",
    "(?:st|nd|rd|th)?",
)
_PUBLISHED = "에 (?:나온|올라온|발표된|공개된|등록된)"
_SEASON, _KOREAN_PART = "spring|summer|autumn|fall|winter", "[상하]반기|[1-4] ?분기|여름|가을|겨울|봄"
_FORMS = (
    rf"{_YYYY}[-./](?P<month>0[1-9]|1[0-2])(?:[-./]{_DAY})?(?![\w/-]|\.[0-9])",
    rf"(?:{_KOREAN_YEAR} ?)?{_KOREAN_MONTH} ?{_DAY} ?일?{_KOREAN_TO}{_UNTIL} ?일",
    rf"(?:{_KOREAN_YEAR} ?)?{_KOREAN_MONTH}(?: ?{_DAY} ?일)?",
    _KOREAN_YEAR,
    rf"{_MONTH}\.?,?(?: of)? (?P<year>{_YEAR}|(?:this|last) year)(?!\w)",
    rf"{_MONTH}\.? {_DAY}{_TH}(?:{_TO}{_UNTIL}{_TH})?(?:,? {_YYYY})?(?![\w-])",
    rf"{_DAY}{_TH}(?:{_TO}{_UNTIL}{_TH})? (?:of )?{_MONTH}(?:\.?,? {_YYYY})?(?![\w-])",
    rf"(?P<ago>this|last|previous|current|(?<=of )the) "
    r"(?:(?P<unit>weekend|week|wk|month|quarter|year)(?:s(?= (?:top|best|most|votes?)\b))?"
    rf"|(?P<part>{_SEASON}))(?!\w| {_YEAR})",
    r"the (?P<unit>week|month|year) (?P<ago>before) last(?!\w)",
    rf"{_COUNT} {_LENGTH} (?P<is_past>ago|back)(?!\w)",
    rf"(?:last|past|previous|within(?: the)?(?: last| past)?) (?:{_COUNT} )?{_LENGTH}(?!\w)",
    r"(?P<ago>이번|요번|지지난|지난|저저번|저번|금(?=주)|이(?=달)) ?(?P<unit>주말|주|달|분기|년)"
    r"(?=\W|에|의|간|동안|부터|까지|이후|$)",
    r"(?P<ago>이번|지난) ?(?P<part>여름|가을|겨울|봄)",
    rf"{_KOREAN_COUNT}{_KOREAN_LENGTH} ?(?P<is_past>전)(?![가-힣])",
    rf"(?:최근|지난|요|근) ?{_KOREAN_COUNT}{_KOREAN_LENGTH}(?:간|동안)?",
    rf"{_KOREAN_COUNT}{_KOREAN_LENGTH} ?(?:(?:이내|내)(?=에|\s|$)|(?:안|사이)(?={_PUBLISHED}))",
    "(?P<part>[상하]반기|[1-4] ?분기)",
    r"(?P<christmas>christmas|xmas|크리스마스|성탄절)(?P<week>(?:['’]s)? week(?!\w)| ?주간?(?=\W|에|의|$))",
    r"(?P<near>yesterday|today)(?!\w)|(?P<day_before>어제|오늘|그제|그저께|엊그제)자?",
)
_ALONE = (
    r"(?P<weekday>(?:mon|tues|wednes|thurs|fri|satur|sun)day|[월화수목금토일](?=요일))(?:요일)?(?!\w*ly)",
    rf"{_MONTH}(?!\w)",
    r"(?P<year>20(?:[1-9][0-9]|0[1-9]))(?![\w-]|\.\w)",
    r"(?P<part>[qh][1-4])(?!\w)",
    r"(?P<christmas>christmas(?![\w-])|xmas(?![\w-])|크리스마스|성탄절)",
    rf"(?P<month>1[0-2]|[1-9])/{_DAY}(?![\w/])",
)
"""Forms that are dates only beside another word: in 2024, since 12/1."""
_ALL_FORMS = (*_FORMS, *_ALONE)
_HEAD = (
    rf"early|mid|late|(?:beginning|start|middle|end) of|(?:first|second|third|fourth|fifth|[1-5](?:st|nd|rd|th)|last|final)"
    rf" (?:(?:{_NUMBER}) )?(?:days?|weeks?|months?|half|quarter)(?: of| in)?|q[1-4]|h[12]|week of|{_SEASON}(?: of)?"
)
_TAIL = (
    r"(?:초[반순]?|중[순반]|하순|후반|말|(?:첫|첫째|첫 ?번째|[둘두셋세넷네] ?번?째|다섯째|마지막) ?주|[1-5]주차"
    rf"|{_KOREAN_PART})(?![고기거])|(?:q[1-4]|h[12]|{_SEASON})(?!\w)"
)
_ATOM = re.compile(
    rf"(?<![\w./])(?:(?<!-)|(?<=[a-z]-)(?=(?:{MONTH})\b))(?:(?:the )?(?P<head>{_HEAD})[\s-](?:of )?(?:the )?)?(?:"
    + "|".join(
        f"(?P<f{number}>{re.sub('[?]P<[a-z_]+>', '?:', form)})" for number, form in enumerate(_ALL_FORMS)
    )
    + rf")(?:(?:['’]s)? ?(?P<tail>{_TAIL}))?",
    re.IGNORECASE,
)
_SINCE = (
    "since|after|(?:nothing|not|no) older than|later than|newer than|starting(?: in| from)?|beginning in|이후|이래|부터"
    "|to now|to today|to the present|until now|till now|up to now|onwards?|(?:and|or) (?:later|after|newer)"
)
_UNTIL_WORDS = "(?:nothing|not|no) newer than|up to|until|till|through|no later than|까지|(?:and|or) (?:earlier|before|older)"
_EARLIER = "before|prior to|earlier than|older than|이전|전까지"
_BEFORE = re.compile(
    rf"(?:^|(?<=\s))(?:(?P<word>{_SINCE}|{_UNTIL_WORDS}|{_EARLIER}"
    r"|from|between|on|in|of|during|within|over|for|around|throughout)"
    r"(?: the)?(?: (?:last|this|whole|entire|year|month of))?|so far|last|this|지난)[\s-]+$",
    re.IGNORECASE,
)
_BEHIND = re.compile(
    rf"\s?(?:쯤|경|무렵|달)?(?:(?P<word>{_SINCE}|{_UNTIL_WORDS}|{_EARLIER}|on$)(?: ?(?:지금|현재|오늘|최근)까지)?(?:에|의|로|도)?"
    r"|['’]s| so far|(?:동안|사이)(?:에|의)?|에는|에서|에|의|도|은|는|간|내|달|중|한 [해달] ?(?:간|동안)?|들어서?"
    r"|이?[랑나]|[와과]|하고)?(?![가-힣\w])",
    re.IGNORECASE,
)
_PAPERS_AHEAD = re.compile(r"(?:^|\s)papers?\s+$", re.IGNORECASE)
_PAPERS_BEHIND = re.compile(r"\s+(?:papers?|articles?|preprints?|논문)(?!\w)", re.IGNORECASE)
_MONTHLY = re.compile(r"(?:\s+[\w-]+){1,3}?\s+papers?(?!\w)", re.IGNORECASE)
"""What makes the name of a month at the start of a question a date: january reasoning papers."""
_RANGE = re.compile(r"\s*(?:부터|에서|to|until|till|through|[-–~]|\.\.)\s*(?:the\s+)?", re.IGNORECASE)
_BESIDE = re.compile(r"\s*(?:,|and|or|&|[와과]|이?[랑나]|하고|및)\s*(?:the\s+|in\s+)?", re.IGNORECASE)
"""What is between the first and the last date of a period, and between two dates that are named one after the other."""
_NOT_AHEAD = re.compile(
    r"(?:\bbut )?\b(?:not|nothing|exclud(?:e|ing)|except(?: for)?|other than|without|besides|skip|avoid|ignore|minus)"
    r"(?: (?:papers?|those|ones|anything))?\s+\Z",
    re.IGNORECASE,
)
_NOT_BEHIND = re.compile(
    r"\s?(?:나온 )?(?:거|것|논문)?들?[은는]?\s?(?:말고|빼[고줘]|뺀|제외\w*|아닌|외에)(?:\s(?:[거것]|걸로)\w?(?!\w))?"
)
_SAID_THEN = re.compile(r"\s(?:한|했던|말한|나눈|들은) ")
"""As in 어제 말한 논문."""
_MAX_QUERY_LENGTH, _MAX_DATES, _MAX_YEARS_AGO = 1_000, 8, 2


class _Mention(NamedTuple):
    """A date in a question, from `start` to `end` with the `before` and `behind` words that say which side of it is meant.

    `is_left_out`: these words also say that its papers are unwanted.
    """

    values: dict[str, str]
    parts: tuple[str, ...]
    before: str
    behind: str
    start: int
    end: int
    is_left_out: bool


def read_period(
    text: str,
    today: date,
    *,
    is_clear: bool = False,
    has_papers: Callable[[date | None, date | None], bool] = lambda *_: True,
) -> tuple[str, DateLimits]:
    """Split a query into its topic and its period. A query without a period is returned unchanged.

    The topic is "" if only filler is left ("papers from last month"). Texts longer than a query are not parsed.
    If `is_clear`, the query is about a period, and a month or year needs no other word ("top papers december"). `has_papers`
    tells whether a period has any: a week or month that has none yet means the last days, and a date without a year is of
    the latest year with papers in its month. A period that is left out stays in the topic if there are papers before and
    after it.
    """
    if len(text) > _MAX_QUERY_LENGTH:
        return text, (None, None)
    atoms = list(islice(_ATOM.finditer(text), _MAX_DATES))
    said = len(text)
    if len(atoms) > 1 and text[atoms[0].end() : atoms[1].start()].strip() == "(":  # last week (Dec 22-28)
        said = atoms.pop(0).start()
    gap = text[atoms[0].end() : atoms[1].start()] if len(atoms) == 2 else ""
    is_beside = bool(gap) and _BESIDE.fullmatch(gap) is not None
    is_range = bool(gap) and _RANGE.fullmatch(gap) is not None
    mentions = list[_Mention]()
    for atom in atoms:
        mention = _relate(text, atom, is_clear=is_clear or is_range or (is_beside and len(mentions) == 1))
        mentions += [mention] if mention else []
    is_joint = is_range or is_beside
    kept = [mention for mention in mentions if not mention.is_left_out]
    kept = kept if len(kept) == len(mentions) or not is_joint else []
    left_out = [mention for mention in mentions if mention not in kept]
    if not mentions or len(mentions) > 2 or (kept and len(kept) != 1 + is_joint):
        return text, (None, None)
    is_range = is_range or mentions[0].before == "between" or text[: mentions[-1].end].endswith("사이")
    period: DateLimits = (None, None)
    try:
        if kept:
            period = _choose_reading(kept, today, is_range, has_papers)
        rest = _read_rest(period, left_out, today, is_range, has_papers) if left_out else None
    except (ValueError, OverflowError):  # 31 February, or a year before the first
        return text, (None, None)
    cut = [(min(said, kept[0].start), kept[-1].end)] if kept else []
    cut += [(left_out[0].start, left_out[-1].end)] if rest else []
    words = text
    for start, end in sorted(cut, reverse=True):
        words = f"{words[:start]} {words[end:]}"
    topic = " ".join(re.sub(r"\(\s*\)", " ", words).split())
    return (topic if questions.has_topic(topic.split()) else "") if cut else text, rest or period


def _read_rest(
    period: DateLimits,
    left_out: Sequence[_Mention],
    today: date,
    is_range: bool,
    has_papers: Callable[[date | None, date | None], bool],
) -> DateLimits | None:
    """Return a period without the one that is left out; None if it has papers both before and after that, or no days left.

    Raises ValueError as `_list_readings` does.
    """
    since, until = period
    # December, of 2023
    as_of = today if {"year", "ago"} & left_out[0].values.keys() else min(today, until or today)
    first, last = next(_list_readings(left_out[0], left_out[-1], as_of, is_range=is_range))
    rest = list[DateLimits]()
    if first and (since is None or since < first):
        rest.append((since, min(first - timedelta(days=1), until or date.max)))
    if last and last < (until or today):
        rest.append((max(last + timedelta(days=1), since or date.min), until))
    rest = rest if len(rest) == 1 else [one for one in rest if has_papers(*one)]
    return rest[0] if len(rest) == 1 else None


def _choose_reading(
    mentions: Sequence[_Mention],
    today: date,
    is_range: bool,
    has_papers: Callable[[date | None, date | None], bool],
) -> DateLimits:
    """Return what a period means: the likeliest with papers, else the likeliest. Raises ValueError as `_list_readings` does."""
    readings = list(_list_readings(mentions[0], mentions[-1], today, is_range=is_range))
    is_named = "unit" in mentions[0].values
    for reading in readings:
        if has_papers(*(reading if is_named else _whole_months(reading, today))):
            return reading
    return readings[0]


def _whole_months(period: DateLimits, today: date) -> DateLimits:
    """Return a period with the rest of its first and last month, unless it is in the future."""
    first, last = period
    if first and first > today:
        return period
    return first and first.replace(day=1), last and _month(last.year, last.month)[1]


def _list_readings(first: _Mention, last: _Mention, today: date, *, is_range: bool) -> Iterator[DateLimits]:
    """Yield what a period may mean, the likeliest first. Raises ValueError for other words and for a date that does not exist."""
    yield _read_limits(first, last, today, is_range=is_range)
    values = first.values
    days = _DAYS_UNTIL_NOW.get(_load_words()["unit"].get(values.get("unit", ""), ""))
    if days and not (_read_number("ago", values["ago"]) or first.parts):
        yield today - timedelta(days=days - 1), today
    elif {"month", "christmas", "part"} & values.keys() and not {"year", "ago"} & values.keys():
        for ago in range(1, _MAX_YEARS_AGO + 1):
            yield _read_limits(first, last, _go_back("year", ago, today), is_range=is_range)


def _read_limits(first: _Mention, last: _Mention, today: date, *, is_range: bool) -> DateLimits:
    """Return the limits of a period as of a day. Raises ValueError for two dates apart that are no range, or not in order."""
    span = _read_span(last, today)
    if first is last:
        return _limit(last, span)
    start = _read_span(first, today)
    if "year" in first.values and "year" not in last.values:
        span = _read_span(last, date(start[0].year, 12, 31))  # 2024년 3월~5월
    # From March to May 2024: of one year.
    start = _read_span(first, span[1]) if start[0] > span[1] else start
    if start[0] > span[1] or not (is_range or start[1] + timedelta(days=1) >= span[0]):
        raise ValueError("the dates are no period")
    return start[0], span[1]


def format_period(period: DateLimits) -> str:
    """Format a period briefly: 2024, 2025-04, 2025-04-01 – 2025-06-30, since 2024-01-01; "" if open at both ends."""
    first, last = period
    if first is None and last is None:
        return ""
    if first is not None and last is not None:
        if first == last:
            return first.isoformat()
        if (first, last) == calendar_span(first.year):
            return f"{first.year}"
        if (first, last) == calendar_span(first.year, first.month):
            return f"{first:%Y-%m}"
        return f"{first} – {last}"
    return f"since {first}" if first else f"until {last}"


def _relate(text: str, atom: re.Match[str], *, is_clear: bool) -> _Mention | None:
    """Return a date with its context; None if it is only a date in a context that is missing here."""
    before = _BEFORE.search(text, max(0, atom.start() - _MAX_LENGTH), atom.start())
    behind = _BEHIND.match(text, atom.end())
    if behind is None and not atom.group().isascii():
        return None  # 작년도면서, 올해의: the rest is not a particle
    start, end = before.start() if before else atom.start(), behind.end() if behind else atom.end()
    if _SAID_THEN.match(text, end):
        return None
    not_ahead = _NOT_AHEAD.search(text, max(0, start - _MAX_LENGTH), start)
    not_behind = _NOT_BEHIND.match(text, end)
    is_left_out = bool(not_ahead or not_behind)
    number = next(number for number in range(len(_ALL_FORMS)) if atom[f"f{number}"])
    form = re.compile(_ALL_FORMS[number], re.IGNORECASE).match(text, atom.start(f"f{number}"))
    values = {name: value.casefold() for name, value in form.groupdict().items() if value} if form else {}
    preposition = (before["word"] or "").casefold() if before else ""
    parts = tuple(part.casefold() for part in (atom["tail"], atom["head"]) if part)
    if number >= len(_FORMS) and not (is_clear or parts):
        is_year, is_verb = "year" in values, values.get("month") in ("may", "march")  # this may help
        has_papers = (is_year or ("month" in values and not is_verb)) and (
            _PAPERS_BEHIND.match(text, atom.end())
            or _PAPERS_AHEAD.search(text[: atom.start()])
            or ("month" in values and not text[: atom.start()].strip() and _MONTHLY.match(text, atom.end()))
        )
        has_word = (before or is_left_out) and not (is_verb and not preposition)
        has_word = has_word and not (is_year and preposition == "on")
        is_dated = (behind and behind["word"]) or re.match(_PUBLISHED, text[atom.end() :])
        if not (has_word or has_papers or is_dated):
            return None
    start = not_ahead.start() if not_ahead else start
    end = not_behind.end() if not_behind else end
    side = (behind["word"] or "").casefold() if behind else ""
    return _Mention(values, parts, preposition, side, start, end, is_left_out)


def _limit(mention: _Mention, span: Span) -> DateLimits:
    words = [word for word in (mention.before, mention.behind) if word and "until" not in mention.values]
    if mention.behind == "on" or any(re.fullmatch(_SINCE, word) for word in words):
        return span[0], None
    if any(re.fullmatch(_EARLIER, word) for word in words):
        return None, span[0] - timedelta(days=1)
    if any(re.fullmatch(_UNTIL_WORDS, word) for word in words):
        return None, span[1]
    return span


def _read_span(mention: _Mention, today: date) -> Span:
    """Return the first and last day of a mentioned date. Raises ValueError if it does not exist."""
    values = mention.values
    span = _read_calendar_span(values, today) or _read_relative_span(values, today)
    for part in mention.parts:
        span = _take_part(span, part)
    return span


def _read_calendar_span(values: dict[str, str], today: date) -> Span | None:
    if "christmas" in values:
        span = _latest_day(12, 25, today)
        return _named("week", 0, span[0]) if "week" in values else span
    year, month, day = (values.get(name, "") for name in ("year", "month", "day"))
    number = MONTHS.get(month) or int(month or 0)
    if year:
        digits = year.replace(" ", "").rstrip("년도") if year[0].isdecimal() else ""
        words = year if year.isascii() else year.replace(" ", "")
        full = int(digits) + 2000 * (len(digits) == 2) if digits else today.year - _read_number("year", words)
        span = calendar_span(full, number, int(day or 0))
    elif day:
        span = _latest_day(number, int(day), today)
    elif month:
        span = calendar_span(today.year - (number > today.month), number)
    else:
        return None
    until = span[0].replace(day=int(values["until"])) if "until" in values else span[1]
    if until < span[0]:
        raise ValueError("the period ends before it begins")
    return span[0], until


def _read_relative_span(values: dict[str, str], today: date) -> Span:
    if near := values.get("weekday"):
        on = today - timedelta(days=(today.weekday() - _WEEKDAYS.index(near[:3])) % 7)
        return on, on
    if near := values.get("near") or values.get("day_before"):
        on = today - timedelta(days=_read_number("near", near))
        return on, on
    if length := values.get("length"):
        unit, counted = _load_words()["unit"][length], values.get("count", length)
        count = _count(counted)
        # The last 24 hours began yesterday.
        unit, count = (
            ("day", math.ceil(count / 24) + ("is_past" not in values)) if unit == "hour" else (unit, count)
        )
        on = _go_back(unit, count, today)
        if "is_past" not in values:
            return on + timedelta(days=1), today
        return (on, on) if unit == "day" else _named(unit, 0, on)
    ago = _read_number("ago", values.get("ago", "this"))
    if part := values.get("part"):
        spans = (_take_part(calendar_span(today.year - number), part) for number in range(3))
        return next(span for span in spans if span[bool(ago)] <= today)
    return _named(_load_words()["unit"][values["unit"]], ago, today)


def _take_part(span: Span, part: str) -> Span:
    """Return a part of a period: q3, 하반기, summer, early, first two weeks of, 셋째 주. Raises ValueError without one."""
    (first, last), name = span, part.removesuffix(" of").removesuffix(" in")
    if part == "week of":
        return _named("week", 0, first)
    if known := _load_words()["part"].get(name.replace(" ", "")):
        number, unit, count = int(known.split()[0]), known.split()[1], 1
    else:
        ordinal, *counted, last_word = name.split()
        number, unit = _read_number("number", ordinal), _load_words()["unit"][last_word]
        count = _count(" ".join(counted))
    is_year = (last - first).days > _DAYS_IN["half"] * 4
    if unit == "season" and is_year:
        return date(first.year, number, 1), _month(first.year, number + 2)[1]
    is_last = number == 0 or (unit, number) in (("half", 2), ("third", 3))
    if is_year and unit in _MONTHS_IN:
        months = _MONTHS_IN[unit]
        begin = 12 - months * count if is_last else months * (number - 1)
        until = 12 if is_last else begin + months * count
        return date(first.year, begin + 1, 1), _month(first.year, until)[1]
    if unit not in _DAYS_IN:
        raise ValueError("the period is too short")
    size = min(_DAYS_IN[unit], max(1, (last - first).days // 2 + 1)) * count
    if number == 0:
        return max(first, last - timedelta(days=size - 1)), last
    start = first + timedelta(days=size // count * (number - 1))
    if start > last:
        raise ValueError("the period has no such part")
    return start, last if is_last else min(last, start + timedelta(days=size - 1))


def read_calendar(text: str) -> Span | None:
    """Return the first and last day of a numeric year, month or day (2025, 2025-01, 20250131, 2025년 1월); None for other text.

    Raises ValueError if the date does not exist.
    """
    match = _FULL.fullmatch(text) or _DIGITS.fullmatch(text)
    if match is None:
        return None
    parts = [int(part) for part in match.groups() if part]
    date(*[*parts, 1, 1][:3])  # there is neither a month 13 nor a month or day 0
    return calendar_span(*parts)


def calendar_span(year: int, month: int = 0, day: int = 0) -> Span:
    """Return the first and last day of a year, month or day. Raises ValueError if it does not exist."""
    if day:
        return date(year, month, day), date(year, month, day)
    return _month(year, month) if month else _year(year)


def _named(unit: str, ago: int, today: date) -> Span:
    """Return the first and last day of the week, month, quarter or year that many ago. Weeks begin on Monday."""
    if unit in ("week", "weekend"):
        monday = today - timedelta(days=today.weekday() + 7 * ago)
        return monday + timedelta(days=5 if unit == "weekend" else 0), monday + timedelta(days=6)
    if unit == "year":
        return calendar_span(today.year - ago)
    size = _MONTHS_IN[unit]
    year, month = divmod(12 * today.year + (today.month - 1) // size * size - size * ago, 12)
    return date(year, month + 1, 1), _month(year, month + size)[1]


def _go_back(unit: str, count: int, today: date) -> date:
    """Return the day that was `count` days, weeks, months or years ago."""
    if unit in ("month", "year"):
        months = 12 * today.year + today.month - 1 - count * (12 if unit == "year" else 1)
        year, month = divmod(months, 12)
        return date(year, month + 1, min(today.day, calendar.monthrange(year, month + 1)[1]))
    return today - timedelta(days=count * (7 if unit == "week" else 1))


def _year(year: int) -> Span:
    return date(year, 1, 1), date(year, 12, 31)


def _month(year: int, month: int) -> Span:
    """Return the first and last day of a month; the 13th is January of the next year."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])


_MAX_LENGTH = 60
_FULL = re.compile(
    r"([0-9]{4})(?:(?:년 ?|[-./ ]{1,2})([0-9]{1,2})(?:(?:월 ?|[-./ ]{1,2})([0-9]{1,2}))?)?(?:년|월|일|\.)?"
)
_DIGITS = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})?")
_WEEKDAY = re.compile(
    r"(last |지난 ?)?(?:(mon|tue|wed|thu|fri|sat|sun)(?:[a-z]*day)?|([월화수목금토일])요일)"
)
_MONTH_AND_DAY = re.compile(
    rf"({MONTH}|[0-9]{{1,2}})[월 ./-]+({MONTH}|[0-9]{{1,2}})[일.]?(?:[ ./-]+([0-9]{{4}}))?"
)


def is_date(text: str) -> bool:
    """Return whether a text is a date as questions name one: 2024, 12월, last month."""
    return _ATOM.fullmatch(text) is not None


def is_date_word(word: str) -> bool:
    """Return whether a word is the name of a month or a unit of time."""
    return word.casefold() in MONTHS or word.casefold() in _load_words()["unit"]


def read_typed_date(text: str, today: date) -> Span | None:
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
    if text in _load_words()["near"]:
        return today - timedelta(days=_read_number("near", text))
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


def _latest_day(month: int, day: int, today: date) -> Span:
    """Return the latest such day that is not in the future, as its own first and last. Raises ValueError without one."""
    for year in range(today.year, today.year - 9, -1):  # 29 February
        if day <= calendar.monthrange(year, month)[1] and date(year, month, day) <= today:
            return date(year, month, day), date(year, month, day)
    raise ValueError("there is no such day")
