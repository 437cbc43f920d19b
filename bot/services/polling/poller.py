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
from bot.services.ingest.service import Ingest
from bot.services.polling import checkpoint, health, page_states, sink
from bot.services.polling.report import Report, Tally
from bot.sources import base, factory
from bot.sources.http import retry
from storage import errors as storage_errors
from storage import facts, models, sources
from storage.database import Database

log = structlog.get_logger(__name__)

Progress = Callable[[models.StoredSource, base.Outcome], None]
"""Is told of each place that was asked."""

Store = sink.Storing | sink.Rehearsal
OnNews = Callable[[Sequence[Report]], Awaitable[None]]
"""Is told of a pass that brought something."""

_AT_ONCE = 50
_VISIT_SECONDS = 240.0
_FACTS_FIRST_SECONDS = 60.0
_WANTED_DAYS = 14
_MOST_WANTED = 2_000
_FACTS_FIRST = frozenset({models.SourceKind.HUGGINGFACE})
_FACTS_LAST = frozenset({models.SourceKind.ARXIV})


async def _no_news(reports: Sequence[Report]) -> None:
    """Stand in where nobody waits for news."""


def _unseen(row: models.StoredSource, outcome: base.Outcome) -> None:
    """Stand in for a progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a pass is made. `limit` is the time for one source, in seconds."""

    days: Sequence[date] | None = None
    dry_run: bool = False
    limit: float | None = None
    progress: Progress = _unseen


class Fetching:
    """Asks the sources. `access` is what they are made with; everything else is storage's and the ingest's."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ingest: Ingest,
        access: factory.Access,
        waits: retry.Patience,
        *,
        notice: checkpoint.Notice = checkpoint.tell_nobody,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ingest = ingest
        self._access = access
        self._waits = waits
        self._notice = notice

    async def run(
        self, stop: asyncio.Event, *, on_news: OnNews = _no_news, every_seconds: float = 30.0
    ) -> None:
        """Look for due sources again and again until `stop` is set. What goes wrong is logged; the looking goes on.

        `on_news` is awaited after a pass that brought something.
        """
        while not stop.is_set():
            try:
                reports = await self.tick()
                _log(reports)
                if any(report.status is models.FetchStatus.OK for report in reports):
                    await on_news(reports)
            except Exception:
                # A database that is away, say, must not end the fetching; the next turn tries again.
                log.exception("the sources could not be asked")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), every_seconds)

    async def tick(self) -> list[Report]:
        """Ask the sources whose turn it is now."""
        async with self._database.read() as connection:
            due = await sources.list_due(connection, self._clock())
        return await self._pass(due, _Plan(limit=_VISIT_SECONDS))

    async def fetch_all(
        self,
        *,
        days: Sequence[date] | None = None,
        dry_run: bool = False,
        only: str | None = None,
        progress: Progress = _unseen,
    ) -> list[Report]:
        """Ask all sources now (or `only` the one of that address), in their order; with `days`, for each of them.

        A dry run stores nothing and says what would change.
        """
        async with self._database.read() as connection:
            rows = await sources.list_rows(connection)
        chosen = [row for row in rows if only is None or row.url == only]
        return await self._pass(chosen, _Plan(days=days, dry_run=dry_run, progress=progress))

    async def _pass(self, rows: Sequence[models.StoredSource], plan: _Plan) -> list[Report]:
        """Ask the sources, then judge how each is."""
        keeper = checkpoint.Keeper(self._database, self._notice)
        storing: Store = (
            sink.Rehearsal(self._ingest, self._database)
            if plan.dry_run
            else sink.Storing(self._ingest, keeper)
        )
        try:
            async with storing.running():
                tallies = await self._take_turns(rows, plan, storing)
        except BaseException:
            # Whoever interrupts a long pass finds it where it was: what was stored is remembered.
            await keeper.flush()
            raise
        now = self._clock()
        reports = [tallies[row.id].report(row, now) for row in rows]
        if not plan.dry_run:
            await keeper.flush([self._health_after(report, tallies, now) for report in reports])
        return reports

    def _health_after(self, report: Report, tallies: dict[int, Tally], now: datetime) -> models.StoredSource:
        tally = tallies[report.source.id]
        return health.after_visit(report.source, report.status, report.reason, tally, now, self._waits)

    async def _take_turns(
        self, rows: Sequence[models.StoredSource], plan: _Plan, storing: Store
    ) -> dict[int, Tally]:
        """Ask in three turns: votes first, so that a digest meets them; what arXiv knows of new papers last."""
        tallies = {row.id: Tally() for row in rows}
        first = [row for row in rows if row.kind in _FACTS_FIRST]
        last = [row for row in rows if row.kind in _FACTS_LAST]
        between = [row for row in rows if row.kind not in _FACTS_FIRST | _FACTS_LAST]
        running = await self._start(first, plan, storing, tallies)
        try:
            if running:
                await asyncio.wait(running, timeout=_FACTS_FIRST_SECONDS)
                await storing.settle()
            running += await self._start(between, plan, storing, tallies)
            await asyncio.gather(*running)
            await storing.settle()
            if last:
                running = await self._start(last, plan, storing, tallies, await self._wanted(plan))
                await asyncio.gather(*running)
                await storing.settle()
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        return tallies

    async def _start(
        self,
        rows: Sequence[models.StoredSource],
        plan: _Plan,
        storing: Store,
        tallies: dict[int, Tally],
        wanted: Sequence[str] = (),
    ) -> list[asyncio.Task[None]]:
        if not rows:
            return []
        async with self._database.read() as connection:
            pages = await sources.list_pages_of(connection, [row.id for row in rows])
        now = self._clock()
        visits = iter(
            [(row, base.Visit(now, page_states.Memory(pages.pop(row.id)), plan.days, wanted)) for row in rows]
        )

        async def work() -> None:
            for row, visit in visits:
                await self._visit(row, visit, plan, storing, tallies[row.id])

        return [asyncio.create_task(work()) for _ in range(min(_AT_ONCE, len(rows)))]

    async def _wanted(self, plan: _Plan) -> list[str]:
        """Return the papers of which arXiv has said nothing yet: the recent ones, or those of the days asked for."""
        today = self._clock().date()
        since = min(plan.days, default=today) if plan.days else today - timedelta(days=_WANTED_DAYS)
        async with self._database.read() as connection:
            return await facts.list_missing(connection, "arxiv", since_on=since, limit=_MOST_WANTED)

    async def _visit(
        self, row: models.StoredSource, visit: base.Visit, plan: _Plan, storing: Store, tally: Tally
    ) -> None:
        """Ask one source and hand on what it gives as it comes."""
        try:
            async with asyncio.timeout(plan.limit):
                opened = factory.open_source(row.kind, row.url, row.options, self._access)
                async for outcome in opened.fetch(visit):
                    news = page_states.news(outcome.pages, visit.pages)
                    await storing.put(sink.Parcel(row, outcome, news, tally))
                    plan.progress(row, outcome)
        except TimeoutError:
            tally.fail(f"it was not done within {plan.limit:g} s")
        except storage_errors.StorageError as error:
            tally.fail(str(error))
        except Exception as error:
            # Whatever a strange answer breaks in us, the other sources are to be asked all the same.
            log.exception("a source could not be read", source=row.url)
            tally.fail(f"it broke something of ours, see the log: {type(error).__name__}")


def _log(reports: Sequence[Report]) -> None:
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
            log.warning("not understood", place=problem.place, line=problem.line, message=problem.message)
