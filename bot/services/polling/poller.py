"""A pass over the sources: asks those whose turn it is, hands what they give to the ingest, and keeps how they are.

One source never harms another: each has its own time, its own failures and its own row in the report.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import structlog

from bot.clock import Clock
from bot.services.ingest.service import IngestService
from bot.services.polling import checkpoint, health, page_states, sink
from bot.services.polling.report import RunStatistics, SourceReport
from bot.sources import base, factory
from bot.sources.http import retry
from storage import errors as storage_errors
from storage import facts, models, sources
from storage.database import Database

log = structlog.get_logger(__name__)

ProgressCallback = Callable[[models.StoredSource, base.FetchResult], None]
"""Is told of each place that was asked."""

Sink = sink.BatchingSink | sink.DryRunSink
OnFetched = Callable[[Sequence[SourceReport]], Awaitable[None]]
"""Is told of a pass that brought something."""

_MAX_CONCURRENT_SOURCES = 50
_SOURCE_TIMEOUT_SECONDS = 240.0
_FIRST_STAGE_SECONDS = 60.0
_FACTS_LOOKBACK_DAYS = 14
_MAX_MISSING_FACTS = 2_000
_FIRST_STAGE_KINDS = frozenset({models.SourceKind.HUGGINGFACE})
_LAST_STAGE_KINDS = frozenset({models.SourceKind.ARXIV})


async def _ignore_reports(reports: Sequence[SourceReport]) -> None:
    """Stand in where nobody waits for news."""


def _ignore_progress(row: models.StoredSource, outcome: base.FetchResult) -> None:
    """Stand in for a progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class _RunOptions:
    """How a pass is made. `limit` is the time for one source, in seconds."""

    days: Sequence[date] | None = None
    dry_run: bool = False
    timeout_seconds: float | None = None
    progress: ProgressCallback = _ignore_progress


class Poller:
    """Asks the sources. `access` is what they are made with; everything else is storage's and the ingest's."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ingest: IngestService,
        access: factory.SourceContext,
        backoff: retry.RetryPolicy,
        *,
        notify_failure: checkpoint.NotifyFailure = checkpoint.skip_notification,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ingest = ingest
        self._access = access
        self._backoff = backoff
        self._notify_failure = notify_failure

    async def run(
        self, stop: asyncio.Event, *, on_fetched: OnFetched = _ignore_reports, every_seconds: float = 30.0
    ) -> None:
        """Look for due sources again and again until `stop` is set. What goes wrong is logged; the looking goes on.

        `on_news` is awaited after a pass that brought something.
        """
        while not stop.is_set():
            try:
                reports = await self.fetch_due()
                _log_reports(reports)
                if any(report.status is models.FetchStatus.OK for report in reports):
                    await on_fetched(reports)
            except Exception:
                # A database that is away, say, must not end the fetching; the next turn tries again.
                log.exception("the sources could not be asked")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), every_seconds)

    async def fetch_due(self) -> list[SourceReport]:
        """Ask the sources whose turn it is now."""
        async with self._database.read() as connection:
            due = await sources.list_due(connection, self._clock())
        return await self._fetch_sources(due, _RunOptions(timeout_seconds=_SOURCE_TIMEOUT_SECONDS))

    async def fetch_all(
        self,
        *,
        days: Sequence[date] | None = None,
        dry_run: bool = False,
        only_url: str | None = None,
        progress: ProgressCallback = _ignore_progress,
    ) -> list[SourceReport]:
        """Ask all sources now (or `only` the one of that address), in their order; with `days`, for each of them.

        A dry run stores nothing and says what would change.
        """
        async with self._database.read() as connection:
            rows = await sources.list_rows(connection)
        chosen = [row for row in rows if only_url is None or row.url == only_url]
        return await self._fetch_sources(chosen, _RunOptions(days=days, dry_run=dry_run, progress=progress))

    async def _fetch_sources(
        self, rows: Sequence[models.StoredSource], plan: _RunOptions
    ) -> list[SourceReport]:
        """Ask the sources, then judge how each is."""
        keeper = checkpoint.Checkpoint(self._database, self._notify_failure)
        storing: Sink = (
            sink.DryRunSink(self._ingest, self._database)
            if plan.dry_run
            else sink.BatchingSink(self._ingest, keeper)
        )
        try:
            async with storing.running():
                tallies = await self._fetch_in_stages(rows, plan, storing)
        except BaseException:
            # Whoever interrupts a long pass finds it where it was: what was stored is remembered.
            await keeper.flush()
            raise
        now = self._clock()
        reports = [tallies[row.id].build_report(row, now) for row in rows]
        if not plan.dry_run:
            await keeper.flush([self._updated_health(report, tallies, now) for report in reports])
        return reports

    def _updated_health(
        self, report: SourceReport, tallies: dict[int, RunStatistics], now: datetime
    ) -> models.StoredSource:
        tally = tallies[report.source.id]
        return health.updated_health(report.source, report.status, report.reason, tally, now, self._backoff)

    async def _fetch_in_stages(
        self, rows: Sequence[models.StoredSource], plan: _RunOptions, storing: Sink
    ) -> dict[int, RunStatistics]:
        """Ask in three turns: votes first, so that a digest meets them; what arXiv knows of new papers last."""
        tallies = {row.id: RunStatistics() for row in rows}
        first = [row for row in rows if row.kind in _FIRST_STAGE_KINDS]
        last = [row for row in rows if row.kind in _LAST_STAGE_KINDS]
        between = [row for row in rows if row.kind not in _FIRST_STAGE_KINDS | _LAST_STAGE_KINDS]
        running = await self._start_workers(first, plan, storing, tallies)
        try:
            if running:
                await asyncio.wait(running, timeout=_FIRST_STAGE_SECONDS)
                await storing.flush()
            running += await self._start_workers(between, plan, storing, tallies)
            await asyncio.gather(*running)
            await storing.flush()
            if last:
                running = await self._start_workers(
                    last, plan, storing, tallies, await self._papers_missing_facts(plan)
                )
                await asyncio.gather(*running)
                await storing.flush()
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        return tallies

    async def _start_workers(
        self,
        rows: Sequence[models.StoredSource],
        plan: _RunOptions,
        storing: Sink,
        tallies: dict[int, RunStatistics],
        wanted: Sequence[str] = (),
    ) -> list[asyncio.Task[None]]:
        if not rows:
            return []
        async with self._database.read() as connection:
            pages = await sources.list_page_states(connection, [row.id for row in rows])
        now = self._clock()
        visits = iter(
            [
                (row, base.FetchRequest(now, page_states.PageStates(pages.pop(row.id)), plan.days, wanted))
                for row in rows
            ]
        )

        async def work() -> None:
            for row, visit in visits:
                await self._fetch_source(row, visit, plan, storing, tallies[row.id])

        return [asyncio.create_task(work()) for _ in range(min(_MAX_CONCURRENT_SOURCES, len(rows)))]

    async def _papers_missing_facts(self, plan: _RunOptions) -> list[str]:
        """Return the papers of which arXiv has said nothing yet: the recent ones, or those of the days asked for."""
        today = self._clock().date()
        since = min(plan.days, default=today) if plan.days else today - timedelta(days=_FACTS_LOOKBACK_DAYS)
        async with self._database.read() as connection:
            return await facts.list_arxiv_ids_without_facts(
                connection, "arxiv", since_on=since, limit=_MAX_MISSING_FACTS
            )

    async def _fetch_source(
        self,
        row: models.StoredSource,
        visit: base.FetchRequest,
        plan: _RunOptions,
        storing: Sink,
        tally: RunStatistics,
    ) -> None:
        """Ask one source and hand on what it gives as it comes."""
        try:
            async with asyncio.timeout(plan.timeout_seconds):
                opened = factory.create_source(row.kind, row.url, row.options, self._access)
                async for outcome in opened.fetch(visit):
                    news = page_states.changed_pages(outcome.page_states, visit.page_states)
                    await storing.put(sink.SinkItem(row, outcome, news, tally))
                    plan.progress(row, outcome)
        except TimeoutError:
            tally.add_failure(f"it was not done within {plan.timeout_seconds:g} s")
        except storage_errors.StorageError as error:
            tally.add_failure(str(error))
        except Exception as error:
            # Whatever a strange answer breaks in us, the other sources are to be asked all the same.
            log.exception("a source could not be read", source=row.url)
            tally.add_failure(f"it broke something of ours, see the log: {type(error).__name__}")


def _log_reports(reports: Sequence[SourceReport]) -> None:
    for report in reports:
        url = report.source.url
        if report.status in (models.FetchStatus.FAILED, models.FetchStatus.REFUSED, models.FetchStatus.GONE):
            log.warning("a source failed", source=url, status=report.status.value, reason=report.reason)
        elif report.status is models.FetchStatus.OK:
            log.info(
                "fetched",
                source=url,
                digests=report.digests,
                papers=report.papers,
                new_papers=report.new_papers,
            )
        for problem in report.problems:
            log.warning("not understood", place=problem.location, line=problem.line, message=problem.message)
