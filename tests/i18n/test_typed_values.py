"""Dates, times of day and time zones as people type them."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import clock, day_close, schedule
from bot.i18n import typed_values
from storage import errors


def test_parses_typed_times() -> None:
    for time, typed in {
        "00:00": ("12am", "오전 12시", "밤 12시", "자정", "24:00"),
        "01:00": ("밤 1시",),
        "02:00": ("새벽 2시",),
        "08:30": ("8:30 in the morning",),
        "09:00": ("9", "9am", "9 AM", "오전 9시", "아침", " Morning "),
        "09:05": ("９：０５",),
        "09:30": ("오전 9:30", "매일 9시 반에", "at 9:30", "Every day at 9:30am"),
        "12:00": ("12 p.m.", "오후 12시"),
        "15:00": ("3 in the afternoon",),
        "15:05": ("오후 3시 5분",),
        "15:30": ("오후 3시 반",),
        "19:00": ("7 in the evening",),
        "21:00": ("밤 9시",),
        "21:30": ("9:30pm", "21:30"),
        "23:00": ("at 11 at night",),
        None: ("25", "24:30", "9:60", "13pm", "0pm", "am 9 pm", "오후 13시", "soon", "", "매일", "at"),
    }.items():
        assert {text: typed_values.find_time(text) for text in typed} == dict.fromkeys(typed, time)


def test_parses_typed_days_and_periods() -> None:
    new_year, november = date(2026, 1, 1), date(2026, 11, 29)
    assert typed_values.parse_dates("오늘", new_year) == (new_year, new_year)
    assert typed_values.parse_dates("dec", new_year) == (date(2025, 12, 1), date(2025, 12, 31))
    for typed, today, day in (  # a day alone is the latest such day
        ("27일", november, date(2026, 11, 27)),
        ("27일", new_year, date(2025, 12, 27)),
        ("the 3rd", november, date(2026, 11, 3)),
        ("31 일", november, date(2026, 10, 31)),
    ):
        assert typed_values.parse_dates(typed, today) == (day, day)
    for typed in ("", "1127", "0일", "9999"):
        with pytest.raises(errors.UsageError, match="no-date"):
            typed_values.parse_dates(typed, november)


def test_a_zone_may_be_typed_beside_a_time() -> None:
    for zone, typed in {
        "Asia/Seoul": "9am KST|9시 서울|오전 9시 서울|every day at 9am KST|09:00 (Asia/Seoul)|매일 오전 9시 서울|KST 9:00"
        "|매일 서울 오전 9시",
        "Europe/Berlin": "09:00 Europe/Berlin",
        "America/New_York": "9:00 am New York|New York 9 am",
        "Asia/Tokyo": "아침 도쿄",
    }.items():
        for text in typed.split("|"):
            time, found = typed_values.split_zone(text)
            assert (typed_values.find_time(time), found) == ("09:00", zone)
    for unknown in ("9 am", "오후 3시 반", "매일 9시", "9am Atlantis", "soon KST", "KST", ""):
        assert typed_values.split_zone(unknown) == (unknown, "")


def test_parses_typed_time_zones() -> None:
    for zone, typed in {
        "Asia/Seoul": ("Asia/Seoul", "asia/seoul", "seoul", "서울", "한국", "kst"),
        "America/New_York": ("New York", "뉴욕", "EST"),
        "UTC": ("utc", "GMT"),
        "America/Argentina/Buenos_Aires": ("America/Argentina/Buenos_Aires",),
        None: ("Mars", "", "../etc/passwd"),
    }.items():
        assert {text: typed_values.find_zone(text) for text in typed} == dict.fromkeys(typed, zone)
    with pytest.raises(errors.UsageError, match="zone-unknown"):
        typed_values.parse_zone("Mars")


@pytest.mark.parametrize(
    "name", ["localtime", "right/Asia/Seoul", "posix/UTC", "posixrules", "Factory", "LOCALTIME"]
)
def test_rejects_zone_database_files_that_are_not_zones(name: str) -> None:
    assert typed_values.find_zone(name) is None
    assert clock.stored_zone(name).key == "UTC"
    with pytest.raises(ValueError, match="is not an IANA time zone"):
        day_close.parse(f"21:30 {name}")


def test_every_zone_nickname_is_unambiguous() -> None:
    names = [name for own in typed_values.ZONE_NAMES.values() for name in own.split()]
    assert len(names) == len(set(names))
    assert all(ZoneInfo(zone) for zone in typed_values.ZONE_NAMES)
    assert all(schedule.parse_time(time) for time in typed_values.TIME_NAMES.values())


@given(st.text(max_size=30))
def test_parsing_any_typed_text_gives_a_valid_value_or_none(typed: str) -> None:
    time, zone = typed_values.find_time(typed), typed_values.find_zone(typed)
    assert time is None or f"{schedule.parse_time(time):%H:%M}" == time
    assert zone is None or clock.stored_zone(zone).key == zone
