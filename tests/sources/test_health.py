"""Source health: the next poll and operator notices."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.sources import fetch_errors, poller
from bot.sources.poller import SourceReport
from storage import models

NOW = datetime(2025, 5, 6, 12, tzinfo=UTC)
S = models.FetchStatus
WAITS = fetch_errors.RetryPolicy(lambda: 0.0)
FEED = models.StoredSource(1, "https://h.test/feed", models.SourceKind.FEED, None, 0, {}, NOW)


def health_after(
    status: S, source: models.StoredSource = FEED, report: SourceReport | None = None
) -> models.StoredSource:
    report = report or SourceReport(source)
    report.status, report.reason = status, "why"
    return poller.updated_health(report, NOW, WAITS)


def poll_delay(source: models.StoredSource) -> timedelta:
    assert source.next_attempt_at is not None
    return source.next_attempt_at - NOW


def test_a_healthy_source_is_polled_at_its_interval() -> None:
    updated = health_after(S.UNCHANGED)
    assert (updated.failures, updated.last_success_at, updated.last_attempt_at) == (0, NOW, NOW)
    assert poll_delay(updated) == timedelta(minutes=30)


def test_a_failing_source_is_polled_less_often_but_at_least_daily() -> None:
    source = FEED
    hours = []
    for _ in range(9):
        source = health_after(S.FAILED, source)
        hours.append(poll_delay(source) / timedelta(hours=1))
    assert hours == [1, 2, 4, 8, 16, 24, 24, 24, 24]
    assert source.failures == 9
    assert source.last_success_at is None
    assert poll_delay(health_after(S.OK, source)) == timedelta(minutes=30)


def test_a_day_without_a_digest_is_neither_success_nor_failure() -> None:
    source = replace(FEED, last_success_at=NOW - timedelta(days=2), failures=2)
    updated = health_after(S.NOT_YET, source)
    assert (updated.failures, updated.last_success_at) == (0, NOW - timedelta(days=2))


def test_the_next_poll_respects_retry_after() -> None:
    assert poll_delay(
        health_after(S.FAILED, report=SourceReport(FEED, retry_at=NOW + timedelta(hours=5)))
    ) == timedelta(hours=5)


def test_a_gone_source_has_no_next_poll() -> None:
    updated = health_after(S.GONE)
    assert updated.next_attempt_at is None
    assert poller.is_notice_due(updated)


def test_the_operator_is_notified_once_of_failures_in_a_row() -> None:
    source = FEED
    noticed_at_failures = []
    for _ in range(6):
        source = health_after(S.FAILED, source)
        if poller.is_notice_due(source):
            noticed_at_failures.append(source.failures)
            source = replace(source, noticed_at=NOW)
    assert noticed_at_failures == [3]
    healthy = health_after(S.OK, source)
    assert (healthy.noticed_at, poller.is_notice_due(healthy)) == (None, False)


@pytest.mark.parametrize(("every", "minutes"), [("5", 5), ("0", 30), ("-3", 30), ("x", 30), ("", 30)])
def test_the_option_every_overrides_the_interval(every: str, minutes: int) -> None:
    assert poller.poll_interval(
        replace(FEED, options={"every": every}), is_newest_pending=False
    ) == timedelta(minutes=minutes)


def test_a_dated_address_is_polled_more_often_while_its_digest_is_pending() -> None:
    dated = replace(FEED, kind=models.SourceKind.URL)
    assert poller.poll_interval(dated, is_newest_pending=True) < poller.poll_interval(
        dated, is_newest_pending=False
    )
