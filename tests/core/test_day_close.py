"""When a day's list closes, and when it is read."""

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest

from bot.core import day_close, settings

SUMMER = datetime(2026, 7, 2, 1, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("day", "closes_at"),
    [
        (date(2026, 7, 1), SUMMER),
        (date(2026, 1, 5), datetime(2026, 1, 6, 2, 30, tzinfo=UTC)),
        # New York's clocks change at 02:00 on these days, before the close.
        (date(2026, 3, 7), datetime(2026, 3, 8, 2, 30, tzinfo=UTC)),
        (date(2026, 3, 8), datetime(2026, 3, 9, 1, 30, tzinfo=UTC)),
        (date(2026, 11, 1), datetime(2026, 11, 2, 2, 30, tzinfo=UTC)),
    ],
)
def test_list_closes_at_21_30_new_york_time(day: date, closes_at: datetime) -> None:
    rule = day_close.default()
    assert rule.closes_at(day) == closes_at
    assert rule.last_closed(closes_at) == day
    assert rule.last_closed(closes_at - MINUTE) == day - timedelta(days=1)


def test_operator_can_change_the_closing_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAPERROUND_DAY_CLOSES", "09:05 Asia/Seoul")
    rule = day_close.parse(settings.load().day_closes)
    assert rule.closes_at(date(2026, 7, 1)) == datetime(2026, 7, 1, 0, 5, tzinfo=UTC)


def _read_times(begin: datetime, until: datetime, *, has_failed: bool = False) -> list[datetime]:
    rule, times, now = day_close.default(), [], begin
    while now < until:
        now = rule.next_read_at(now + 30 * MINUTE, now, has_failed=has_failed)
        times.append(now)
    return times


def test_reads_often_around_the_close() -> None:
    times = _read_times(SUMMER - timedelta(hours=3), SUMMER + timedelta(hours=2))
    assert SUMMER + timedelta(seconds=1) in times
    assert not [at for at in times if SUMMER - 2 * MINUTE < at <= SUMMER]
    window = [at for at in times if SUMMER - 10 * MINUTE <= at <= SUMMER + 40 * MINUTE]
    gaps = {after - before for before, after in itertools.pairwise(window)}
    assert max(gaps) <= 10 * MINUTE
    assert len(window) >= 9
    assert len(times) - len(window) < 10


def test_retries_a_failed_read_every_minute_after_the_close() -> None:
    times = _read_times(SUMMER - 20 * MINUTE, SUMMER + 5 * MINUTE, has_failed=True)
    assert len([at for at in times if SUMMER < at <= SUMMER + 5 * MINUTE]) == 5


def test_reads_the_list_within_half_an_hour_after_an_outage() -> None:
    rule, at = day_close.default(), SUMMER + 39 * MINUTE
    after_failures = rule.next_read_at(at + timedelta(days=1), at, has_failed=True)
    assert after_failures <= at + 30 * MINUTE
    tomorrow = SUMMER + timedelta(days=1)
    after_success = rule.next_read_at(at + timedelta(days=2), at, has_failed=False)
    assert after_success == tomorrow - 10 * MINUTE, "the next close is not skipped"


def test_day_is_complete_once_its_list_is_read_after_the_close() -> None:
    rule, day = day_close.default(), date(2026, 7, 1)
    assert not day_close.Closings(rule, {}).is_complete(day)
    assert not day_close.Closings(rule, {day: SUMMER - MINUTE}).is_complete(day)
    assert day_close.Closings(rule, {day: SUMMER + MINUTE}).is_complete(day)


def test_days_without_papers_count_where_the_last_weeks_had_some() -> None:
    monday, day = date(2026, 11, 2), timedelta(days=1)
    workdays = [monday + n * day for n in range(-28, 5) if (monday + n * day).isoweekday() <= 5][::-1]
    for listed, closed_on, missed in (
        ([], monday, []),
        (workdays, date(2026, 11, 8), []),  # a weekend
        (workdays, date(2026, 11, 9), [9]),
        (workdays, date(2026, 11, 10), [9, 10]),
        ([*workdays[1:5], *workdays[6:]], date(2026, 11, 6), [6]),  # a holiday before does not matter
        # A list each Sunday, dated ahead: the second Sunday without one is the second day.
        ([date(2026, 11, 1) - n * 7 * day for n in range(6)], date(2026, 11, 14), [8]),
        ([date(2026, 11, 22) - n * 7 * day for n in range(6)], date(2026, 11, 18), []),
        (workdays[:1], date(2026, 11, 20), [13, 20]),  # all that is known is one Friday
        # One odd Saturday among four weeks makes no Saturday expected.
        ([date(2026, 10, 31) if on == date(2026, 10, 30) else on for on in workdays], date(2026, 11, 8), []),
    ):
        assert [on.day for on in day_close.find_missed_days(listed, closed_on)] == missed
