"""Source health: the state of a source after a run, its next poll with backoff, and when to notify the operator. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from bot import day_close
from bot.services.polling.report import SourceReport
from bot.sources import kinds
from bot.sources.http import retry
from storage import models

NOTIFY_AFTER_FAILURES = 3
"""Failures in a row after which the operator gets a notice, once until the next success."""

_S = models.FetchStatus
_HEALTHY = frozenset({_S.OK, _S.UNCHANGED})


def poll_interval(row: models.StoredSource, *, is_newest_pending: bool) -> timedelta:
    """Return the time between two polls: the option `every` in minutes, else the interval of the kind.

    Some kinds are polled more often while the newest digest is not published yet.
    """
    every = row.options.get("every", "")
    if every.isascii() and every.isdigit() and int(every[:6]) > 0:
        return timedelta(minutes=int(every[:6]))
    record = kinds.get(row.kind)
    return (record.pending_poll_interval if is_newest_pending else None) or record.poll_interval


def updated_health(
    report: SourceReport,
    now: datetime,
    retry_policy: retry.RetryPolicy,
    rule: day_close.DayClose | None = None,
) -> models.StoredSource:
    """Return the source with its health after a run that ended at `now` (UTC). `rule` is when a day's list closes.

    The reason is kept until the source succeeds. A source that is gone for good has no next poll.
    """
    row, status = report.source, report.status
    failed = status in (_S.FAILED, _S.REFUSED, _S.GONE)
    failures = row.failures + 1 if failed else 0
    interval = poll_interval(row, is_newest_pending=report.is_newest_pending)
    next_at = now + retry_policy.next_poll_delay(interval, failures)
    if rule is not None and kinds.get(row.kind).has_daily_list:
        next_at = rule.next_read_at(next_at, now, has_failed=failed)
    if report.retry_at is not None:
        next_at = max(next_at, report.retry_at)
    return replace(
        row,
        status=status,
        reason=report.reason or None,
        failures=failures,
        last_attempt_at=now,
        last_success_at=now if status in _HEALTHY else row.last_success_at,
        next_attempt_at=None if status is _S.GONE else next_at,
        noticed_at=row.noticed_at if failed else None,
    )


def is_persistently_failing(row: models.StoredSource) -> bool:
    """Whether the failures of a source need the operator's attention."""
    return row.failures > 0 and (row.failures >= NOTIFY_AFTER_FAILURES or row.status is _S.GONE)


def is_notice_due(row: models.StoredSource) -> bool:
    """Whether the operator has not been notified of persistent failures yet."""
    return is_persistently_failing(row) and row.noticed_at is None
