"""When a source's next turn comes, and when the operator is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.services.polling import health
from bot.services.polling.report import RunStatistics, SourceReport
from bot.sources.http import retry
from storage import models

NOW = datetime(2025, 5, 6, 12, tzinfo=UTC)
S = models.FetchStatus
WAITS = retry.RetryPolicy(lambda: 0.0)
FEED = models.StoredSource(1, "https://h.test/feed", models.SourceKind.FEED, None, 0, {}, NOW)


def after(
    status: S, one: models.StoredSource = FEED, tally: RunStatistics | None = None
) -> models.StoredSource:
    statistics = tally or RunStatistics()
    report = SourceReport(one, status, "why", statistics.ingest_result)
    return health.updated_health(report, statistics, NOW, WAITS)


def wait(one: models.StoredSource) -> timedelta:
    assert one.next_attempt_at is not None
    return one.next_attempt_at - NOW


def test_a_source_that_is_well_is_asked_at_its_pace() -> None:
    told = after(S.UNCHANGED)
    assert (told.failures, told.last_success_at, told.last_attempt_at) == (0, NOW, NOW)
    assert wait(told) == timedelta(minutes=30)


def test_a_failing_source_is_asked_less_and_less_and_never_not_at_all() -> None:
    one = FEED
    hours = []
    for _ in range(9):
        one = after(S.FAILED, one)
        hours.append(wait(one) / timedelta(hours=1))
    assert hours == [1, 2, 4, 8, 16, 24, 24, 24, 24]
    assert one.failures == 9
    assert one.last_success_at is None
    assert wait(after(S.OK, one)) == timedelta(minutes=30)


def test_a_day_without_digest_is_neither_success_nor_failure() -> None:
    one = replace(FEED, last_success_at=NOW - timedelta(days=2), failures=2)
    told = after(S.NOT_YET, one)
    assert (told.failures, told.last_success_at) == (0, NOW - timedelta(days=2))


def test_a_server_that_wants_to_be_left_alone_is() -> None:
    assert wait(after(S.FAILED, tally=RunStatistics(retry_at=NOW + timedelta(hours=5)))) == timedelta(hours=5)


def test_what_is_gone_for_good_has_no_next_turn() -> None:
    told = after(S.GONE)
    assert told.next_attempt_at is None
    assert health.is_notice_due(told)


def test_the_operator_is_told_once_of_failures_in_a_row() -> None:
    one = FEED
    told = []
    for _ in range(6):
        one = after(S.FAILED, one)
        if health.is_notice_due(one):
            told.append(one.failures)
            one = replace(one, noticed_at=NOW)
    assert told == [3]
    well = after(S.OK, one)
    assert (well.noticed_at, health.is_notice_due(well)) == (None, False)


@pytest.mark.parametrize(("every", "minutes"), [("5", 5), ("0", 30), ("-3", 30), ("x", 30), ("", 30)])
def test_a_source_may_have_a_pace_of_its_own(every: str, minutes: int) -> None:
    assert health.poll_interval(
        replace(FEED, options={"every": every}), is_newest_pending=False
    ) == timedelta(minutes=minutes)


def test_a_dated_address_is_asked_more_often_while_its_digest_is_to_come() -> None:
    dated = replace(FEED, kind=models.SourceKind.URL)
    assert health.poll_interval(dated, is_newest_pending=True) < health.poll_interval(
        dated, is_newest_pending=False
    )
