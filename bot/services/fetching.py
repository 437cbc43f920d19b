"""A pass over the sources: asks those whose turn it is, hands what they give to the ingest, and keeps how they are.

One source never harms another: each has its own time, its own failures and its own row in the report.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import structlog

from bot.clock import Clock
from bot.services import memory, source_health, source_keeping
from bot.services.ingest import Ingest, IngestResult
from bot.services.tally import Report, Tally
from bot.sources import opening, patience, source
from storage import errors as storage_errors
from storage import facts, models, papers, sources
from storage.database import Database

log = structlog.get_logger(__name__)

Progress = Callable[[models.StoredSource, source.Outcome], None]
"""Is told of each place that was asked."""

OnNews = Callable[[Sequence[Report]], Awaitable[None]]
"""Is told of a pass that brought something."""

_AT_ONCE = 16
_VISIT_SECONDS = 240.0
_FACTS_FIRST_SECONDS = 60.0
_WANTED_DAYS = 14
_MOST_WANTED = 2_000
_FACTS_FIRST = frozenset({models.SourceKind.HUGGINGFACE})
_FACTS_LAST = frozenset({models.SourceKind.ARXIV})


async def _no_news(reports: Sequence[Report]) -> None:
    """Stand in where nobody waits for news."""


def _unseen(row: models.StoredSource, outcome: source.Outcome) -> None:
    """Stand in for a progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a pass is made. `limit` is the time for one source, in seconds; `seen` the papers that a dry run counted."""

    days: Sequence[date] | None = None
    dry_run: bool = False
    limit: float | None = None
    progress: Progress = _unseen
    seen: set[str] = field(default_factory=set)


class Fetching:
    """Asks the sources. `access` is what they are made with; everything else is storage's and the ingest's."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ingest: Ingest,
        access: opening.Access,
        waits: patience.Patience,
        *,
        notice: source_keeping.Notice = source_keeping.tell_nobody,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ingest = ingest
        self._access = access
        self._waits = waits
        self._notice = notice
        self._workers = asyncio.Semaphore(_AT_ONCE)

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
        """Ask the sources in three turns: votes first, so that a digest meets them; what arXiv knows of new papers last."""
        keeper = source_keeping.Keeper(self._database, self._notice, plan.dry_run)
        try:
            reports = await self._take_turns(rows, plan, keeper)
        finally:
            # Whoever interrupts a long pass finds it where it was: what was stored is remembered.
            await keeper.flush()
        by_id = {report.source.id: report for report in reports}
        return [by_id[row.id] for row in rows]

    async def _take_turns(
        self, rows: Sequence[models.StoredSource], plan: _Plan, keeper: source_keeping.Keeper
    ) -> list[Report]:
        first = [row for row in rows if row.kind in _FACTS_FIRST]
        last = [row for row in rows if row.kind in _FACTS_LAST]
        between = [row for row in rows if row.kind not in _FACTS_FIRST | _FACTS_LAST]
        running = await self._start(first, plan, keeper)
        try:
            if running:
                await asyncio.wait(running, timeout=_FACTS_FIRST_SECONDS)
            running += await self._start(between, plan, keeper)
            reports = list(await asyncio.gather(*running))
            if last:
                running = await self._start(last, plan, keeper, await self._wanted(plan))
                reports += await asyncio.gather(*running)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        return reports

    async def _start(
        self,
        rows: Sequence[models.StoredSource],
        plan: _Plan,
        keeper: source_keeping.Keeper,
        wanted: Sequence[str] = (),
    ) -> list[asyncio.Task[Report]]:
        if not rows:
            return []
        async with self._database.read() as connection:
            pages = await sources.list_pages_of(connection, [row.id for row in rows])
        return [
            asyncio.create_task(self._visit(row, memory.Memory(pages.pop(row.id)), plan, keeper, wanted))
            for row in rows
        ]

    async def _wanted(self, plan: _Plan) -> list[str]:
        """Return the papers of which arXiv has said nothing yet: the recent ones, or those of the days asked for."""
        today = self._clock().date()
        since = min(plan.days, default=today) if plan.days else today - timedelta(days=_WANTED_DAYS)
        async with self._database.read() as connection:
            return await facts.list_missing(connection, "arxiv", since_on=since, limit=_MOST_WANTED)

    async def _visit(
        self,
        row: models.StoredSource,
        remembered: memory.Memory,
        plan: _Plan,
        keeper: source_keeping.Keeper,
        wanted: Sequence[str],
    ) -> Report:
        """Ask one source, store what it gives as it comes, and note how it did."""
        tally = Tally()
        visit = source.Visit(now=self._clock(), pages=remembered, days=plan.days, wanted=wanted)
        async with self._workers:
            try:
                async with asyncio.timeout(plan.limit):
                    await self._ask(row, visit, plan, keeper, tally)
            except TimeoutError:
                tally.fail(f"it was not done within {plan.limit:g} s")
            except storage_errors.StorageError as error:
                tally.fail(str(error))
            except Exception as error:
                # Whatever a strange answer breaks in us, the other sources are to be asked all the same.
                log.exception("a source could not be read", source=row.url)
                tally.fail(f"it broke something of ours, see the log: {type(error).__name__}")
        now = self._clock()
        report = tally.report(row, now)
        health = source_health.after_visit(row, report.status, report.reason, tally, now, self._waits)
        await keeper.finish(health)
        return report

    async def _ask(
        self,
        row: models.StoredSource,
        visit: source.Visit,
        plan: _Plan,
        keeper: source_keeping.Keeper,
        tally: Tally,
    ) -> None:
        opened = opening.open_source(row.kind, row.url, row.options, self._access)
        async for outcome in opened.fetch(visit):
            tally.stored(await self._store(row, outcome, plan))
            tally.add(outcome)
            await keeper.remember(row, outcome.pages)
            plan.progress(row, outcome)

    async def _store(self, row: models.StoredSource, outcome: source.Outcome, plan: _Plan) -> IngestResult:
        result = IngestResult()
        for text in outcome.digests:
            result += await self._ingest.add_digests(
                text.digests, source=row.url, place=text.place, dry_run=plan.dry_run
            )
        if not plan.dry_run:
            return result + await self._ingest.add_facts(outcome.facts) if outcome.facts else result
        result += IngestResult(arxiv_ids=frozenset(one.arxiv_id for one in outcome.facts))
        return replace(result, new_papers=await self._count_new(result.arxiv_ids, plan))

    async def _count_new(self, named: frozenset[str], plan: _Plan) -> int:
        """Return how many papers a dry run would be the first to name, none of them twice."""
        async with self._database.read() as connection:
            new = named - (await papers.ids_of(connection, named)).keys() - plan.seen
        plan.seen.update(new)
        return len(new)


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
