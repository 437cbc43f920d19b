"""One status and one reason for all that a visit came to."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from bot.services.polling.report import RunStatistics
from bot.sources import base
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


def judged(*outcomes: base.FetchResult, one: models.StoredSource | None = None) -> tuple[S, str]:
    tally = RunStatistics()
    for outcome in outcomes:
        tally.add_fetch_result(outcome)
    report = tally.build_report(one or row(), NOW)
    return report.status, report.reason


def outcome(status: S, reason: str = "", day: date | None = None) -> base.FetchResult:
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
def test_the_most_telling_outcome_gives_the_status(statuses: list[S], status: S) -> None:
    assert judged(*(outcome(one, f"because {one.value}", TODAY) for one in statuses))[0] is status


def test_a_failure_beside_a_success_is_named() -> None:
    assert judged(outcome(S.OK), outcome(S.FAILED, "it broke"), outcome(S.FAILED, "later")) == (
        S.OK,
        "2 of 3 places: it broke",
    )


def test_days_without_digest_are_normal_until_they_are_too_many() -> None:
    absent = outcome(S.NOT_YET, "nothing is there (404)", TODAY)
    lately = row(last_success_at=NOW - STALE_AFTER)
    assert judged(absent, one=lately)[0] is S.NOT_YET
    long_ago = row(last_success_at=NOW - STALE_AFTER - timedelta(hours=1))
    status, reason = judged(absent, one=long_ago)
    assert status is S.FAILED
    assert reason == "nothing at any of its addresses since 2025-04-26: nothing is there (404)"


def test_an_address_that_never_was_right_is_told_so_at_once_for_days_long_past() -> None:
    days = [outcome(S.NOT_YET, "nothing", date(2025, 1, day)) for day in (1, 2, 3)]
    assert judged(*days) == (
        S.FAILED,
        "nothing at any of its addresses from 2025-01-01 to 2025-01-03: nothing",
    )
    assert judged(*days, one=row(last_success_at=NOW))[0] is S.NOT_YET


def test_a_weekend_of_the_service_is_no_failure() -> None:
    one = row(models.SourceKind.HUGGINGFACE, added_at=NOW - timedelta(days=99))
    assert judged(outcome(S.NOT_YET, "its list is empty", TODAY), one=one) == (S.NOT_YET, "its list is empty")
