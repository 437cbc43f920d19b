"""Dates, times of day and time zones as people type them. Numbers are tested through the form of /daily."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.client import options as client_options
from bot.client.router import UserError
from bot.core import clock
from bot.daily import schedule


@pytest.mark.parametrize(
    ("typed", "time"),
    [
        ("9", "09:00"),
        ("9am", "09:00"),
        ("9 AM", "09:00"),
        ("12am", "00:00"),
        ("12 p.m.", "12:00"),
        ("9:30pm", "21:30"),
        ("21:30", "21:30"),
        ("９：０５", "09:05"),
        ("오전 9시", "09:00"),
        ("오전 9:30", "09:30"),
        ("오후 3시 5분", "15:05"),
        ("오후 3시 반", "15:30"),
        ("오후 13시", "13:00"),
        ("오전 12시", "00:00"),
        ("낮 12시", "12:00"),
        ("낮 11시", "11:00"),
        ("밤 9시", "21:00"),
        ("밤 12시", "00:00"),
        ("밤 1시", "01:00"),
        ("새벽 2시", "02:00"),
        ("아침", "09:00"),
        (" Morning ", "09:00"),
        ("자정", "00:00"),
        ("24:00", "00:00"),
        ("25", None),
        ("24:30", None),
        ("9:60", None),
        ("13pm", None),
        ("0pm", None),
        ("am 9 pm", None),
        ("soon", None),
        ("", None),
    ],
)
def test_times_are_read_as_people_type_them(typed: str, time: str | None) -> None:
    assert client_options.find_time(typed) == time


@pytest.mark.parametrize(
    ("typed", "time", "zone"),
    [
        ("9am KST", "09:00", "Asia/Seoul"),
        ("9시 서울", "09:00", "Asia/Seoul"),
        ("오전 9시 서울", "09:00", "Asia/Seoul"),
        ("서울 오전 9시", "09:00", "Asia/Seoul"),
        ("09:00 Europe/Berlin", "09:00", "Europe/Berlin"),
        ("9:30 pm New York", "21:30", "America/New_York"),
        ("09:00 (Asia/Seoul)", "09:00", "Asia/Seoul"),
        ("아침 도쿄", "09:00", "Asia/Tokyo"),
    ],
)
def test_a_zone_beside_a_time_counts_before_the_zone(typed: str, time: str, zone: str) -> None:
    moved = client_options.move_zone({"time": typed, "zone": "UTC", "votes": "3"}, "time", "zone")
    assert client_options.find_time(moved["time"]) == time
    assert (moved["zone"], moved["votes"]) == (zone, "3")


@pytest.mark.parametrize("typed", ["9 am", "오후 3시 반", "9am Atlantis", "soon KST", "KST", "", None])
def test_a_time_without_a_known_zone_stays_as_it_is(typed: str | None) -> None:
    given = {"time": typed, "zone": "UTC"}
    assert client_options.move_zone(given, "time", "zone") == given


@pytest.mark.parametrize(
    ("typed", "zone"),
    [
        ("Asia/Seoul", "Asia/Seoul"),
        ("asia/seoul", "Asia/Seoul"),
        ("seoul", "Asia/Seoul"),
        ("서울", "Asia/Seoul"),
        ("한국", "Asia/Seoul"),
        ("kst", "Asia/Seoul"),
        ("New York", "America/New_York"),
        ("뉴욕", "America/New_York"),
        ("EST", "America/New_York"),
        ("utc", "UTC"),
        ("GMT", "UTC"),
        ("America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("Mars", None),
        ("", None),
        ("../etc/passwd", None),
    ],
)
def test_zones_are_read_as_people_type_them(typed: str, zone: str | None) -> None:
    assert client_options.find_zone(typed) == zone


def test_every_named_zone_has_rules_and_one_meaning() -> None:
    names = [name for own in client_options.ZONE_NAMES.values() for name in own.split()]
    assert len(names) == len(set(names))
    assert all(ZoneInfo(zone) for zone in client_options.ZONE_NAMES)
    assert all(schedule.parse_time(time) for time in client_options.TIME_NAMES.values())


def test_zones_are_offered_while_typing() -> None:
    assert client_options.list_matching_zones("서")[:1] == ["Asia/Seoul"]
    assert client_options.list_matching_zones("New y")[:1] == ["America/New_York"]
    assert client_options.list_matching_zones("")[:1] == ["Asia/Seoul"]


@given(st.text(max_size=30))
def test_whatever_is_typed_gives_a_valid_time_and_zone_or_none(typed: str) -> None:
    time, zone = client_options.find_time(typed), client_options.find_zone(typed)
    assert time is None or f"{schedule.parse_time(time):%H:%M}" == time
    assert zone is None or clock.is_known_zone(zone)


def test_a_day_and_a_period_are_dates_and_other_text_is_refused() -> None:
    today = date(2026, 1, 1)
    assert client_options.parse_dates("오늘", today) == (today, today)
    assert client_options.parse_dates("dec", today) == (date(2025, 12, 1), date(2025, 12, 31))
    with pytest.raises(UserError):
        client_options.parse_dates("", today)
