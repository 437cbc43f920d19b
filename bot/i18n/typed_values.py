"""Parse what people type in Korean and English: periods, lists of words, numbers, times of day and time zones.

Examples: `어제`, `9am`, `오전 9시`, `아침`, `서울`, `KST`. If parsing fails, `parse_*` raises UsageError and `find_*`
returns None.
"""

from __future__ import annotations

import functools
import re
import zoneinfo
from datetime import date

from bot.core import clock
from bot.text import plain, query_parser, questions, typed_dates, typography
from storage import errors

ZONE_NAMES = {
    "Asia/Seoul": "서울 한국 대한민국 korea kst",
    "UTC": "협정 세계시 gmt",
    "America/New_York": "뉴욕 보스턴 피츠버그 boston pittsburgh et est edt",
    "America/Los_Angeles": "로스앤젤레스 샌프란시스코 시애틀 sf seattle san_francisco la pt pst pdt",
    "Europe/London": "런던 영국 uk bst",
    "Europe/Berlin": "베를린 독일 germany cet cest",
    "Asia/Tokyo": "도쿄 동경 일본 japan jst",
    "Asia/Shanghai": "상하이 베이징 중국 beijing china",
    "Asia/Kolkata": "콜카타 델리 벵갈루루 인도 delhi bangalore india ist",
    "Australia/Sydney": "시드니 멜버른",
    "America/Toronto": "토론토 몬트리올 montreal",
    "Europe/Paris": "파리 프랑스 france",
    "Europe/Zurich": "취리히 스위스 switzerland",
    "Asia/Hong_Kong": "홍콩",
    "Asia/Taipei": "타이베이 대만 taiwan",
    "Asia/Singapore": "싱가포르 sgt",
}
"""Additional names of common zones: Korean names, countries, other cities, abbreviations."""

TIME_NAMES = {
    "아침": "09:00",
    "정오": "12:00",
    "저녁": "18:00",
    "자정": "00:00",
    "morning": "09:00",
    "noon": "12:00",
    "evening": "18:00",
    "midnight": "00:00",
}

_CLOCK = re.compile(
    r"(?P<before>오전|오후|새벽|아침|저녁|밤|am|pm)?"
    r"(?P<hour>[0-9]{1,2})"
    r"(?:[:.](?P<minute>[0-9]{2})|(?:시|h)(?:(?P<korean>[0-9]{1,2})분?|(?P<half>반))?)?"
    r"(?P<after>am|pm|a\.m\.?|p\.m\.?|morning|noon|afternoon|evening|night)?"
)
_MORNING = ("오전", "새벽", "아침", "am", "a.m", "morning")
_FILLER = re.compile(r"매일|\b(?:every ?day|daily|at|in the)\b|(?<=[시분반침])에(?!\w)", re.IGNORECASE)
"""Words around a time of day to ignore: `매일 오전 9시에`, `every day at 9`."""


def find_time(text: str) -> str | None:
    """Parse a time of day (`9`, `at 9am`, `21:30`, `매일 오후 3시 반`, `아침`) into `HH:MM`, or return None."""
    folded = _FILLER.sub("", _fold(text)).replace(" ", "")
    if name := TIME_NAMES.get(folded):
        return name
    match = _CLOCK.fullmatch(folded)
    if match is None or (match["before"] and match["after"]):
        return None
    part_of_day = match["before"] or (match["after"] or "").rstrip(".")
    hour = _hour_of_day(int(match["hour"]), part_of_day)
    minute = 30 if match["half"] else int(match["minute"] or match["korean"] or 0)
    if hour is None or minute > 59 or (int(match["hour"]) == 24 and minute):
        return None
    return f"{hour:02}:{minute:02}"


def split_zone(text: str) -> tuple[str, str]:
    """Split a time of day from the IANA zone typed beside it (`9am KST`, `서울 오전 9시`); "" without a zone."""
    words = _FILLER.sub(" ", re.sub(r"[()]", " ", text[:100])).split()
    for end in range(1, len(words)):
        parts = " ".join(words[:end]), " ".join(words[end:])
        for time, named in (parts, parts[::-1]):
            if (zone := find_zone(named)) and find_time(time):
                return time, zone
    return text, ""


def _hour_of_day(hour: int, part_of_day: str) -> int | None:
    """Convert an hour with a day-part marker (오전, pm …) to 0–23, or return None if it is invalid."""
    if not part_of_day:
        return hour % 24 if hour <= 24 else None
    if not 1 <= hour <= 12:
        return None
    is_morning = part_of_day in _MORNING or (part_of_day in ("밤", "night") and (hour == 12 or hour <= 5))
    return hour % 12 + (0 if is_morning else 12)


def find_zone(text: str) -> str | None:
    """Return the IANA time zone for a name (`Asia/Seoul`, `seoul`, `서울`, `KST`), or None."""
    if zone := _zones_by_name().get(_zone_key(text)):
        return zone
    try:
        return clock.parse_zone(text.strip().replace(" ", "_")).key
    except errors.UsageError:
        return None


def list_matching_zones(typed: str) -> list[str]:
    """Return the zones whose name contains the typed text: those starting with it, then common ones."""
    query = _zone_key(typed)
    matching = [
        zone
        for zone in list_timezones()
        if query in zone.casefold()
        or any(name.startswith(query) for name in ZONE_NAMES.get(zone, "").split())
    ]
    return sorted(matching, key=lambda zone: not _city(zone).startswith(query))


@functools.lru_cache(maxsize=1)
def list_timezones() -> tuple[str, ...]:
    """Return all time zones, common ones first. Cached, since zoneinfo reads them from disk."""
    zones = sorted(
        zone for zone in zoneinfo.available_timezones() if "/" in zone and not zone.startswith("Etc/")
    )
    return tuple(dict.fromkeys((*ZONE_NAMES, *zones)))


@functools.lru_cache(maxsize=1)
def _zones_by_name() -> dict[str, str]:
    zones = list_timezones()
    named = [(name, zone) for zone in zones for name in ZONE_NAMES.get(zone, "").split()]
    named += [(name, zone) for zone in zones for name in (zone.casefold(), _city(zone))]
    # The first zone that uses a name gets it.
    return dict(reversed(named))


def _city(zone: str) -> str:
    return zone.rpartition("/")[2].casefold()


def _zone_key(text: str) -> str:
    return _fold(text).replace(" ", "_")


def _fold(text: str) -> str:
    return " ".join(typography.normalise("NFKC", text[:100]).casefold().split())


def parse_dates(text: str, today: date) -> tuple[date, date]:
    """Parse a date or a period (`2025-12-30`, `dec 30`, `어제`, `지난주`) into its first and last day.

    A duration (`a month`, `2주`) ends today. Raises UsageError if the text is not understood.
    """
    amount = re.sub(r"^an? ", "1 ", text.strip().casefold())
    for typed in (text, f"최근 {text}", f"last 1 {amount}", f"last {amount}"):
        if span := typed_dates.read_typed_date(typed, today):
            return span
    raise _refusal("no-date", text, example=today.isoformat())


def refuse_period(text: str) -> None:
    """Raise UsageError if words of a post's topic or an alert name a period: it has papers as they come."""
    if dates := questions.find_dates(text):
        raise period_error(dates)


def period_error(text: str) -> errors.UsageError:
    return errors.UsageError(
        f"Posts and alerts are about papers as they come. Leave out the period {text!r}.",
        "topic-has-period",
        text=text,
    )


_COMMAS = ",，、"
SEPARATORS = ";；\n"
"""What items of a list that have commas are separated by."""


def split_items(text: str) -> list[str]:
    """Split a text at commas, or at semicolons and line breaks if it has any. Straightens curly quotes."""
    separators = SEPARATORS if any(separator in text.strip() for separator in SEPARATORS) else _COMMAS
    for separator in separators:
        text = text.replace(separator, "\n")
    lines = (
        plain.to_single_line(line.translate(query_parser.QUOTES)).strip(_COMMAS).strip()
        for line in text.split("\n")
    )
    return [line for line in lines if line]


def _refusal(key: str, text: str, **arguments: str) -> errors.UsageError:
    return errors.UsageError(f"{text[:40]!r} is not understood ({key}).", key, text=text[:40], **arguments)


def parse_time(text: str) -> str:
    """Parse a time of day (`9:00`, `9am`, `오전 9시`, `아침`) into `HH:MM`. Raises UsageError if it is invalid."""
    time = find_time(text)
    if time is None:
        raise _refusal("time-not-understood", text)
    return time


def parse_zone(text: str) -> str:
    """Parse a time zone: an IANA name, a city, a country or an abbreviation. Raises UsageError if unknown."""
    zone = find_zone(text)
    if zone is None:
        raise _refusal("zone-unknown", text)
    return zone


def parse_number(text: str, key: str, low: int, high: int) -> int:
    """Parse an integer from `low` to `high`. Raises UsageError with the text id `key` for other texts."""
    value = text.strip()
    if not value.isdecimal() or len(value) > 6 or not low <= int(value) <= high:
        raise errors.UsageError(
            f"{value[:40]!r} is not a number from {low} to {high}.", key, low=low, high=high
        )
    return int(value)
