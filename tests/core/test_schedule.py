"""Due times in zones with gaps, repeated times, half hours and skipped dates, over whole years."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import day_close, schedule
from storage import errors, models

ZONES = sorted(available_timezones())
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
IN_2018 = {
    # On some day the clock skips this time, repeats it, or changes shortly before or after it.
    "America/New_York": "02:30",
    "America/Chicago": "01:30",
    "America/Havana": "00:30",
    "America/Sao_Paulo": "00:00",
    "Europe/London": "01:30",
    "Atlantic/Azores": "00:30",
    "Africa/Casablanca": "01:30",
    "Africa/Sao_Tome": "01:30",
    "Antarctica/Troll": "01:30",
    "Asia/Pyongyang": "23:45",
    "Australia/Lord_Howe": "02:15",
    "Pacific/Chatham": "19:15",
    # Half-hour and quarter-hour offsets, and both sides of the date line.
    "Asia/Seoul": "09:30",
    "Asia/Kathmandu": "06:15",
    "Pacific/Kiritimati": "14:30",
    "Pacific/Marquesas": "21:00",
}
"""Times of day in a year with many irregular clock changes: Pyongyang and Sao Tome changed their offset, Casablanca paused
daylight saving time for Ramadan, and one day had no midnight in Sao Paulo, Havana and the Azores."""


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "on", "at", "expected"),
    [
        ("Asia/Seoul", "2026-01-05", "09:00", "2026-01-05T00:00"),
        ("America/New_York", "2026-03-08", "02:30", "2026-03-08T07:00"),  # the gap ends at 03:00 EDT
        ("America/New_York", "2026-11-01", "01:30", "2026-11-01T05:30"),  # the first of two
        ("Europe/London", "2026-03-29", "01:15", "2026-03-29T01:00"),
        ("Australia/Lord_Howe", "2026-10-04", "02:10", "2026-10-03T15:30"),  # a gap of half an hour
        ("Asia/Kathmandu", "2026-01-05", "09:00", "2026-01-05T03:15"),
        ("America/Sao_Paulo", "2018-11-04", "00:00", "2018-11-04T03:00"),  # midnight did not exist
        ("UTC", "2028-02-29", "09:00", "2028-02-29T09:00"),
    ],
)
def test_local_times_are_converted_to_utc(zone: str, on: str, at: str, expected: str) -> None:
    moment = schedule.wall_clock_to_utc(date.fromisoformat(on), time.fromisoformat(at), ZoneInfo(zone))
    assert moment == utc(expected)


def first_minute(zone: ZoneInfo, on: date, at: time) -> datetime:
    """Return the first minute at which the zone's clock shows this time or later, found by trying every minute."""
    wall = datetime.combine(on, at)
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return first
    moment = min(first, second) - timedelta(hours=3)
    while moment.astimezone(zone).replace(tzinfo=None) < wall:
        moment += MINUTE
    return moment


@pytest.mark.promise
@pytest.mark.parametrize("zone", IN_2018)
def test_each_date_of_an_irregular_year_is_due_once_at_its_time(zone: str) -> None:
    rule = schedule.Rule(time.fromisoformat(IN_2018[zone]), ZoneInfo(zone))
    dates = [date(2017, 12, 31) + number * DAY for number in range(367)]
    slots = [schedule.Slot(on, first_minute(rule.zone, on, rule.at)) for on in dates]
    assert [schedule.next_due(slot.at - MINUTE, rule) for slot in slots] == slots
    row = models.Subscription(guild_id=1, channel_id=1, at_time=IN_2018[zone], timezone=zone)
    for before, slot in pairwise(slots):
        assert schedule.next_due(before.at, rule) == slot
        if slot.at - before.at != DAY:
            times = (slot.at - MINUTE, slot.at)
            newest = [schedule.Calendar(at, day_close.default()).newest(row) for at in times]
            assert newest == [before, slot]


def test_a_date_skipped_by_the_zone_has_no_post() -> None:
    apia = ZoneInfo("Pacific/Apia")
    assert not schedule.date_exists(date(2011, 12, 30), apia)
    due = schedule.next_due(utc("2011-12-29T20:00"), schedule.Rule(time(9), apia))
    assert due.on == date(2011, 12, 31)


def test_weekdays_are_local_to_the_zone() -> None:
    # Monday 09:00 in Seoul is Sunday in New York.
    due = schedule.next_due(utc("2026-01-03T12:00"), schedule.Rule(time(0, 30), ZoneInfo("Asia/Seoul"), (1,)))
    assert due == schedule.Slot(date(2026, 1, 5), utc("2026-01-04T15:30"))


def test_weekday_names_and_ranges_are_parsed() -> None:
    assert schedule.parse_days("mon,tue") == (1, 2)
    assert schedule.parse_days("fri-mon") == (1, 5, 6, 7)
    assert schedule.parse_days("Monday Wed") == (1, 3)
    assert schedule.parse_days("tues,Thurs-Sundays") == (2, 4, 5, 6, 7)
    assert schedule.parse_days("") == schedule.EVERY_DAY


NO_DAYS = ("mon–fri", "sat/sun", "mon-", "-fri", "mon-wed-fri", "monkey", "mo", "월")
NO_TIMES = ("25:00", "9", "09:60", "noon", "", "9:5")


@pytest.mark.parametrize(
    ("parse", "texts", "example"),
    [(schedule.parse_days, NO_DAYS, "mon-fri or sat,sun"), (schedule.parse_time, NO_TIMES, "09:00")],
)
def test_days_and_times_that_are_not_wholly_read_are_refused_with_an_example(
    parse: Callable[[str], object], texts: tuple[str, ...], example: str
) -> None:
    for text in texts:
        with pytest.raises(errors.UsageError, match=example):
            parse(text)


@given(
    zone=st.sampled_from(ZONES).map(ZoneInfo),
    after=st.integers(0, 13_000 * 86_400).map(lambda seconds: utc("2000-01-01") + timedelta(seconds=seconds)),
    at=st.times().map(lambda moment: moment.replace(second=0, microsecond=0, tzinfo=None)),
)
def test_each_local_date_that_exists_is_due_exactly_once(zone: ZoneInfo, after: datetime, at: time) -> None:
    dues = []
    moment = after
    for _ in range(4):
        due = schedule.next_due(moment, schedule.Rule(at, zone))
        assert due.at > moment
        assert due.at - moment <= timedelta(days=2, hours=2)
        dues.append(due)
        moment = due.at
    dates = [due.on for due in dues]
    expected = [dates[0] + timedelta(days=n) for n in range((dates[-1] - dates[0]).days + 1)]
    assert dates == [on for on in expected if schedule.date_exists(on, zone)]
