"""The report of one source in a run: counts of its results, and the status and reason that follow. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from bot.services.ingest.results import IngestResult
from bot.sources import base, kinds
from storage import models

_MAX_PROBLEMS = 200
_S = models.FetchStatus


@dataclass(slots=True)
class SourceReport:
    """The outcome of a run for one source: its results by status, then the `status` and `reason` of `conclude`.

    `is_newest_pending`: the digest of `last_day` is not published yet.
    """

    source: models.StoredSource
    status_counts: Counter[models.FetchStatus] = field(default_factory=Counter)
    reasons: dict[models.FetchStatus, str] = field(default_factory=dict)
    result: IngestResult = field(default_factory=IngestResult)
    retry_at: datetime | None = None
    first_day: date | None = None
    last_day: date | None = None
    is_newest_pending: bool = False
    status: models.FetchStatus = models.FetchStatus.UNCHANGED
    reason: str = ""

    def add_fetch_result(self, result: base.FetchResult) -> None:
        """Count one fetch result. Of each status the first reason is kept."""
        self.status_counts[result.status] += 1
        if result.reason:
            self.reasons.setdefault(result.status, result.reason)
        if result.retry_at is not None:
            self.retry_at = max(result.retry_at, self.retry_at or result.retry_at)
        if result.day is not None:
            if self.last_day is None or result.day >= self.last_day:
                self.last_day, self.is_newest_pending = result.day, result.status is _S.NOT_YET
            self.first_day = min(result.day, self.first_day or result.day)

    def add_failure(self, reason: str) -> None:
        """Count an internal failure, such as a locked database."""
        self.status_counts[_S.FAILED] += 1
        self.reasons[_S.FAILED] = reason

    def add_ingest_result(self, result: IngestResult) -> None:
        """Add the ingest result of one fetch result."""
        total = self.result + result
        self.result = replace(total, problems=total.problems[:_MAX_PROBLEMS])

    def conclude(self, now: datetime) -> None:
        """Set the status and reason. New content outranks failures, and failures outrank unchanged content."""
        self.status, self.reason = self._overall_status(now)

    def _overall_status(self, now: datetime) -> tuple[models.FetchStatus, str]:
        counts, total = self.status_counts, self.status_counts.total()
        failed = counts[_S.FAILED] + counts[_S.REFUSED] + counts[_S.GONE]
        worst = next((status for status in (_S.FAILED, _S.REFUSED, _S.GONE) if counts[status]), None)
        if counts[_S.OK]:
            if worst is None:
                return _S.OK, self._first_reason(_S.OK)
            return _S.OK, f"{failed} of {total} places: {self._first_reason(worst)}"
        if worst is not None and (worst is not _S.GONE or failed == total):
            return worst, self._first_reason(worst)
        if counts[_S.NOT_YET] and not counts[_S.UNCHANGED]:
            return self._status_without_digest(now)
        return _S.UNCHANGED, self._first_reason(_S.UNCHANGED)

    def _first_reason(self, status: models.FetchStatus) -> str:
        return self.reasons.get(status, "")

    def _status_without_digest(self, now: datetime) -> tuple[models.FetchStatus, str]:
        """Tell a weekend, a holiday or an early hour from an address that never was right or has gone stale."""
        row, reason = self.source, self._first_reason(_S.NOT_YET)
        stale_after = kinds.get(row.kind).stale_after
        if stale_after is None or self.last_day is None:
            return _S.NOT_YET, reason
        if row.last_success_at is None and self.last_day < now.date() - timedelta(days=1):
            days = f"from {self.first_day} to {self.last_day}"
            return _S.FAILED, f"nothing at any of its addresses {days}: {reason}"
        since = row.last_success_at or row.added_at
        if now - since > stale_after:
            return _S.FAILED, f"nothing at any of its addresses since {since:%Y-%m-%d}: {reason}"
        return _S.NOT_YET, reason
