"""What a visit to one source came to: its outcomes counted, and one status with one reason for all of them. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from bot.services.ingest.service import IngestProblem, IngestResult
from bot.sources import base as source
from storage import models

STALE_AFTER = timedelta(days=10)
"""A dated address that gave nothing for so long is no longer on holiday."""

_MAX_PROBLEMS = 200
_S = models.FetchStatus


@dataclass(frozen=True, slots=True)
class SourceReport:
    """One row of a pass. `papers` are those that were read, `new_papers` those that nobody had named before."""

    source: models.StoredSource
    status: models.FetchStatus
    reason: str
    digests: int = 0
    papers: int = 0
    new_papers: int = 0
    problems: tuple[IngestProblem, ...] = ()


@dataclass(slots=True)
class RunStatistics:
    """Counts outcomes as they come, and keeps no texts."""

    status_counts: Counter[models.FetchStatus] = field(default_factory=Counter)
    reasons: dict[models.FetchStatus, str] = field(default_factory=dict)
    ingest_result: IngestResult = field(default_factory=IngestResult)
    retry_at: datetime | None = None
    first_day: date | None = None
    last_day: date | None = None
    is_newest_pending: bool = False
    """Whether the newest day's digest is still to come."""

    def add_outcome(self, outcome: source.FetchResult) -> None:
        """Count an outcome."""
        self.status_counts[outcome.status] += 1
        if outcome.reason:
            self.reasons.setdefault(outcome.status, outcome.reason)
        if outcome.retry_at is not None:
            self.retry_at = max(outcome.retry_at, self.retry_at or outcome.retry_at)
        if outcome.day is not None:
            if self.last_day is None or outcome.day >= self.last_day:
                self.last_day, self.is_newest_pending = outcome.day, outcome.status is _S.NOT_YET
            self.first_day = min(outcome.day, self.first_day or outcome.day)

    def add_failure(self, reason: str) -> None:
        """Count a failure of our own making, such as a database that is locked."""
        self.status_counts[_S.FAILED] += 1
        self.reasons[_S.FAILED] = reason

    def add_ingest_result(self, result: IngestResult) -> None:
        """Count what storage made of an outcome."""
        total = self.ingest_result + result
        self.ingest_result = IngestResult(
            total.digests,
            total.new_digests,
            total.corrected_digests,
            total.new_papers,
            total.arxiv_ids,
            total.problems[:_MAX_PROBLEMS],
        )

    def build_report(self, row: models.StoredSource, now: datetime) -> SourceReport:
        """Return the row: what was read counts more than what failed beside it, and that more than what is as it was."""
        status, reason = self._overall_status(row, now)
        return SourceReport(
            row,
            status,
            reason,
            self.ingest_result.digests,
            self.ingest_result.papers,
            self.ingest_result.new_papers,
            self.ingest_result.problems,
        )

    def _overall_status(self, row: models.StoredSource, now: datetime) -> tuple[models.FetchStatus, str]:
        bad = self.status_counts[_S.FAILED] + self.status_counts[_S.REFUSED] + self.status_counts[_S.GONE]
        worst = next((one for one in (_S.FAILED, _S.REFUSED, _S.GONE) if self.status_counts[one]), None)
        if self.status_counts[_S.OK]:
            if worst is None:
                return _S.OK, self.reasons.get(_S.OK, "")
            return _S.OK, f"{bad} of {self.status_counts.total()} places: {self.reasons.get(worst, '')}"
        if worst is not None and (worst is not _S.GONE or bad == self.status_counts.total()):
            return worst, self.reasons.get(worst, "")
        if self.status_counts[_S.UNCHANGED]:
            return _S.UNCHANGED, self.reasons.get(_S.UNCHANGED, "")
        if self.status_counts[_S.NOT_YET]:
            return self._status_without_digest(row, now)
        return _S.UNCHANGED, ""

    def _status_without_digest(
        self, row: models.StoredSource, now: datetime
    ) -> tuple[models.FetchStatus, str]:
        """Nothing was there: a weekend, a holiday, an early hour; or an address that never was right."""
        reason = self.reasons.get(_S.NOT_YET, "")
        if row.kind is not models.SourceKind.URL or self.last_day is None:
            return _S.NOT_YET, reason
        if row.last_success_at is None and self.last_day < now.date() - timedelta(days=1):
            return (
                _S.FAILED,
                f"nothing at any of its addresses from {self.first_day} to {self.last_day}: {reason}",
            )
        since = row.last_success_at or row.added_at
        if now - since > STALE_AFTER:
            return _S.FAILED, f"nothing at any of its addresses since {since:%Y-%m-%d}: {reason}"
        return _S.NOT_YET, reason
