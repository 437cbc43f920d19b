"""How a source is after a visit, and when its next turn comes: paces, slowing down, and whom to tell. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from bot.services.polling.report import RunStatistics
from bot.sources.http import retry
from storage import models

NOTIFY_AFTER_FAILURES = 3
"""Failures in a row after which the operator is told, once until it is well again."""

_POLL_INTERVALS = {
    models.SourceKind.FOLDER: timedelta(minutes=1),
    models.SourceKind.URL: timedelta(hours=1),
    models.SourceKind.FEED: timedelta(minutes=30),
    models.SourceKind.HUGGINGFACE: timedelta(minutes=30),
    models.SourceKind.ARXIV: timedelta(minutes=5),
}
_PENDING_POLL_INTERVAL = timedelta(minutes=15)
_S = models.FetchStatus
_HEALTHY = frozenset({_S.OK, _S.UNCHANGED})


def poll_interval(row: models.StoredSource, *, is_newest_pending: bool) -> timedelta:
    """Return how often a source is asked: its option `every` in minutes, else what its kind needs.

    A dated address whose newest digest is still to come is asked more often.
    """
    every = row.options.get("every", "")
    if every.isascii() and every.isdigit() and int(every[:6]) > 0:
        return timedelta(minutes=int(every[:6]))
    if is_newest_pending and row.kind is models.SourceKind.URL:
        return _PENDING_POLL_INTERVAL
    return _POLL_INTERVALS[row.kind]


def updated_health(
    row: models.StoredSource,
    status: models.FetchStatus,
    reason: str,
    tally: RunStatistics,
    now: datetime,
    waits: retry.RetryPolicy,
) -> models.StoredSource:
    """Return the source as it is after a visit that ended at `now` with that status.

    The reason in words stays until it is well again. A source that is gone for good has no next turn.
    """
    failed = status in (_S.FAILED, _S.REFUSED, _S.GONE)
    failures = row.failures + 1 if failed else 0
    next_at = now + waits.next_poll_delay(
        poll_interval(row, is_newest_pending=tally.is_newest_pending), failures
    )
    if tally.retry_at is not None:
        next_at = max(next_at, tally.retry_at)
    return replace(
        row,
        status=status,
        reason=reason or None,
        failures=failures,
        last_attempt_at=now,
        last_success_at=now if status in _HEALTHY else row.last_success_at,
        next_attempt_at=None if status is _S.GONE else next_at,
        noticed_at=row.noticed_at if failed else None,
    )


def is_persistently_failing(row: models.StoredSource) -> bool:
    """Whether a source fails so lastingly that it needs a person."""
    return row.failures > 0 and (row.failures >= NOTIFY_AFTER_FAILURES or row.status is _S.GONE)


def is_notice_due(row: models.StoredSource) -> bool:
    """Whether the operator is to be told of a source's failures now."""
    return is_persistently_failing(row) and row.noticed_at is None
