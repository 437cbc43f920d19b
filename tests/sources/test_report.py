"""The status and reason of a report."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from bot.sources import base
from bot.sources.poller import SourceReport
from storage import models

NOW = datetime(2025, 5, 6, 12, tzinfo=UTC)
TODAY = NOW.date()
S = models.FetchStatus
STALE_AFTER = timedelta(days=10)


def row(kind: models.SourceKind = models.SourceKind.URL, **more: object) -> models.StoredSource:
    values = {
        "id": 1,
        "url": "https://h.test/{date:%Y}",
        "kind": kind,
        "language": None,
        "priority": 0,
        "options": {},
        "added_at": NOW,
        **more,
    }
    return models.StoredSource(**values)  # type: ignore[arg-type]


def overall_status(*results: base.FetchResult, source: models.StoredSource | None = None) -> tuple[S, str]:
    report = SourceReport(source or row())
    for result in results:
        report.add_fetch_result(result)
    report.conclude(NOW)
    return report.status, report.reason


def fetch_result(status: S, reason: str = "", day: date | None = None) -> base.FetchResult:
    return base.FetchResult("place", status, reason, day=day)


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        ([], S.UNCHANGED),
        ([S.OK], S.OK),
        ([S.OK, S.FAILED], S.OK),
        ([S.UNCHANGED, S.OK, S.NOT_YET], S.OK),
        ([S.UNCHANGED, S.FAILED], S.FAILED),
        ([S.FAILED, S.REFUSED], S.FAILED),
        ([S.UNCHANGED, S.REFUSED], S.REFUSED),
        ([S.UNCHANGED, S.NOT_YET], S.UNCHANGED),
        ([S.UNCHANGED, S.GONE], S.UNCHANGED),
        ([S.GONE], S.GONE),
        ([S.GONE, S.GONE], S.GONE),
        ([S.NOT_YET], S.NOT_YET),
    ],
)
def test_the_most_important_result_gives_the_status(statuses: list[S], status: S) -> None:
    assert (
        overall_status(*(fetch_result(given, f"because {given.value}", TODAY) for given in statuses))[0]
        is status
    )


def test_failures_next_to_a_success_are_counted_in_the_reason() -> None:
    assert overall_status(
        fetch_result(S.OK), fetch_result(S.FAILED, "it broke"), fetch_result(S.FAILED, "later")
    ) == (S.OK, "2 of 3 places: it broke")


def test_days_without_a_digest_fail_once_the_source_is_stale() -> None:
    absent = fetch_result(S.NOT_YET, "nothing is there (404)", TODAY)
    lately = row(last_success_at=NOW - STALE_AFTER)
    assert overall_status(absent, source=lately)[0] is S.NOT_YET
    long_ago = row(last_success_at=NOW - STALE_AFTER - timedelta(hours=1))
    status, reason = overall_status(absent, source=long_ago)
    assert status is S.FAILED
    assert reason == "nothing at any of its addresses since 2025-04-26: nothing is there (404)"


def test_a_source_without_any_success_fails_at_once_for_past_days() -> None:
    days = [fetch_result(S.NOT_YET, "nothing", date(2025, 1, day)) for day in (1, 2, 3)]
    assert overall_status(*days) == (
        S.FAILED,
        "nothing at any of its addresses from 2025-01-01 to 2025-01-03: nothing",
    )
    assert overall_status(*days, source=row(last_success_at=NOW))[0] is S.NOT_YET


def test_a_day_without_papers_is_not_a_failure_of_the_service() -> None:
    source = row(models.SourceKind.HUGGINGFACE, added_at=NOW - timedelta(days=99))
    assert overall_status(fetch_result(S.NOT_YET, "its list is empty", TODAY), source=source) == (
        S.NOT_YET,
        "its list is empty",
    )
