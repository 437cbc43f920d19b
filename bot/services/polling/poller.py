"""Polls the sources that are due, hands their results to a sink and records the health of each.

Sources are isolated from each other: each has its own time-out, its own failures and its own report.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import structlog

from bot import isolation
from bot.clock import Clock
from bot.services.ingest.quarantine import CRASHED_TWICE, Quarantine
from bot.services.ingest.service import IngestService
from bot.services.polling import checkpoint, health, page_states, sink
from bot.services.polling.report import SourceReport
from bot.sources import base, kinds
from bot.sources.http import retry
from storage import errors as storage_errors
from storage import facts, models, sources
from storage.database import Database

log = structlog.get_logger(__name__)

ProgressCallback = Callable[[models.StoredSource, base.FetchResult], None]
"""Called with each result."""

OnFetched = Callable[[Sequence[SourceReport]], Awaitable[None]]
"""Awaited after a run with new content."""

_MAX_CONCURRENT_SOURCES = 50
_SOURCE_TIMEOUT_SECONDS = 240.0
_VOTES_STAGE_SECONDS = 60.0
_FACTS_LOOKBACK_DAYS = 14
_MAX_MISSING_FACTS = 2_000


async def _ignore_reports(reports: Sequence[SourceReport]) -> None:
    """Default of `on_fetched`."""


def _ignore_progress(row: models.StoredSource, result: base.FetchResult) -> None:
    """Default of `progress`."""


@dataclass(frozen=True, slots=True)
class _Run:
    """One run over the sources: its options, its sink and the reports by source id."""

    sink: sink.Sink
    days: Sequence[date] | None
    timeout_seconds: float | None
    progress: ProgressCallback
    reports: dict[int, SourceReport] = field(default_factory=dict)


class Poller:
    """Polls the stored sources, on schedule or at once."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ingest: IngestService,
        context: base.SourceContext,
        retry_policy: retry.RetryPolicy,
        *,
        notify_failure: checkpoint.NotifyFailure = checkpoint.skip_notification,
        quarantine: Quarantine | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ingest = ingest
        self._context = context
        self._retry_policy = retry_policy
        self._notify_failure = notify_failure
        self._quarantine = quarantine or Quarantine(database, "sources")

    async def run(
        self, stop: asyncio.Event, *, on_fetched: OnFetched = _ignore_reports, every_seconds: float = 30.0
    ) -> None:
        """Poll due sources until `stop` is set. Errors are logged and the loop continues."""
        while not stop.is_set():
            # A database outage must not end polling; the next round retries.
            with isolation.isolated(log, "polling failed"):
                reports = await self.fetch_due()
                _log_reports(reports)
                if any(report.status is models.FetchStatus.OK for report in reports):
                    await on_fetched(reports)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), every_seconds)

    async def fetch_due(self) -> list[SourceReport]:
        """Poll the sources that are due now; those that were being read at a crash come last, each alone."""
        async with self._database.read() as connection:
            rows = await sources.list_due(connection, self._clock())
        if not rows:
            return []
        fresh, suspects, set_aside = await self._quarantine.admit({row.url: "" for row in rows})
        reports: list[SourceReport] = []
        for group in (fresh, *([url] for url in suspects)):
            members = [row for row in rows if row.url in group]
            async with self._quarantine.reading(dict.fromkeys(group, "")):
                reports += await self._fetch_sources(members, timeout_seconds=_SOURCE_TIMEOUT_SECONDS)
        await self._set_aside([row for row in rows if row.url in set_aside])
        return reports

    async def _set_aside(self, rows: Sequence[models.StoredSource]) -> None:
        """Stop polling sources that were being read at two crashes in a row; `sources fetch` polls them again."""
        now = self._clock()
        for row in rows:
            log.error("source set aside: it was being read at two crashes in a row", source=row.url)
            stopped = replace(
                row,
                status=models.FetchStatus.FAILED,
                reason=CRASHED_TWICE,
                failures=row.failures + 1,
                next_attempt_at=None,
                last_attempt_at=now,
                noticed_at=now,
            )
            async with self._database.transaction() as connection:
                await sources.set_health(connection, stopped)
                await self._notify_failure(connection, stopped, now)
            await self._quarantine.forget([row.url])

    async def fetch_all(
        self,
        *,
        days: Sequence[date] | None = None,
        dry_run: bool = False,
        only_url: str | None = None,
        progress: ProgressCallback = _ignore_progress,
    ) -> list[SourceReport]:
        """Poll all sources now, or the one at `only_url`; with `days`, for each of these days.

        A dry run stores nothing and reports what would change.
        """
        async with self._database.read() as connection:
            rows = await sources.list_rows(connection)
        rows = [row for row in rows if only_url is None or row.url == only_url]
        return await self._fetch_sources(rows, days=days, dry_run=dry_run, progress=progress)

    async def _fetch_sources(
        self,
        rows: Sequence[models.StoredSource],
        *,
        days: Sequence[date] | None = None,
        dry_run: bool = False,
        timeout_seconds: float | None = None,
        progress: ProgressCallback = _ignore_progress,
    ) -> list[SourceReport]:
        """Poll these sources, then store the health of each."""
        state = checkpoint.Checkpoint(self._database, self._notify_failure)
        target: sink.Sink = (
            sink.DryRunSink(self._ingest, self._database)
            if dry_run
            else sink.BatchingSink(self._ingest, state)
        )
        run = _Run(target, days, timeout_seconds, progress, {row.id: SourceReport(row) for row in rows})
        try:
            async with target.running():
                await self._fetch_in_stages(rows, run)
        except BaseException:
            # On cancellation, save the progress so that the next run resumes.
            await state.flush()
            raise
        now = self._clock()
        reports = list(run.reports.values())
        for report in reports:
            report.conclude(now)
        if not dry_run:
            await state.flush(
                [
                    health.updated_health(report, now, self._retry_policy, self._context.day_close)
                    for report in reports
                ]
            )
        return reports

    async def _fetch_in_stages(self, rows: Sequence[models.StoredSource], run: _Run) -> None:
        """Poll the kinds by stage. The digests wait for the votes at most `_VOTES_STAGE_SECONDS`."""
        by_stage: dict[base.Stage, list[models.StoredSource]] = {stage: [] for stage in base.Stage}
        for row in rows:
            by_stage[kinds.get(row.kind).stage].append(row)
        tasks = await self._start_workers(by_stage[base.Stage.VOTES], run)
        try:
            if tasks:
                await asyncio.wait(tasks, timeout=_VOTES_STAGE_SECONDS)
                await run.sink.flush()
            tasks += await self._start_workers(by_stage[base.Stage.DIGESTS], run)
            await asyncio.gather(*tasks)
            await run.sink.flush()
            if facts_rows := by_stage[base.Stage.MISSING_FACTS]:
                tasks = await self._start_workers(facts_rows, run)
                await asyncio.gather(*tasks)
                await run.sink.flush()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _start_workers(
        self, rows: Sequence[models.StoredSource], run: _Run
    ) -> list[asyncio.Task[None]]:
        if not rows:
            return []
        async with self._database.read() as connection:
            pages = await sources.list_page_states(connection, [row.id for row in rows])
        missing = {
            kind: await self._papers_missing_facts(kind, run)
            for kind in {row.kind for row in rows}
            if kinds.get(kind).stage is base.Stage.MISSING_FACTS
        }
        now = self._clock()
        remaining = iter(rows)

        async def work() -> None:
            for row in remaining:
                states = page_states.PageStates(pages.pop(row.id))
                request = base.FetchRequest(now, states, run.days, missing.get(row.kind, ()))
                await self._fetch_source(row, request, run)

        return [asyncio.create_task(work()) for _ in range(min(_MAX_CONCURRENT_SOURCES, len(rows)))]

    async def _papers_missing_facts(self, kind: models.SourceKind, run: _Run) -> list[str]:
        """Return the arXiv ids without facts of this kind: recent papers, or those since the first requested day."""
        today = self._clock().date()
        since = min(run.days) if run.days else today - timedelta(days=_FACTS_LOOKBACK_DAYS)
        async with self._database.read() as connection:
            return await facts.list_arxiv_ids_without_facts(
                connection, kind.value, since_on=since, limit=_MAX_MISSING_FACTS
            )

    async def _fetch_source(self, row: models.StoredSource, request: base.FetchRequest, run: _Run) -> None:
        """Fetch one source and pass its results to the sink as they come."""
        report = run.reports[row.id]
        # A bug that one response triggers must not stop the other sources.
        with isolation.isolated(log, "source failed with a bug", source=row.url) as failures:
            try:
                async with asyncio.timeout(run.timeout_seconds):
                    source = kinds.open_source(row.kind, row.url, row.options, self._context)
                    async for result in source.fetch(request):
                        changed = page_states.changed_pages(
                            result.page_states, request.page_states, self._context.day_close
                        )
                        await run.sink.put((report, replace(result, page_states=changed)))
                        run.progress(row, result)
            except TimeoutError:
                report.add_failure(f"it was not done within {run.timeout_seconds:g} s")
            except storage_errors.StorageError as error:
                report.add_failure(str(error))
        for failure in failures:
            report.add_failure(f"it broke something of ours, see the log: {type(failure).__name__}")


def _log_reports(reports: Sequence[SourceReport]) -> None:
    for report in reports:
        url = report.source.url
        if report.status in (models.FetchStatus.FAILED, models.FetchStatus.REFUSED, models.FetchStatus.GONE):
            log.warning("source failed", source=url, status=report.status.value, reason=report.reason)
        elif report.status is models.FetchStatus.OK:
            log.info(
                "source fetched",
                source=url,
                digests=report.result.digests,
                papers=report.result.papers,
                new_papers=report.result.new_papers,
            )
        for problem in report.result.problems:
            log.warning(
                "digest not understood", place=problem.location, line=problem.line, message=problem.message
            )
