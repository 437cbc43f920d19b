"""Polls the sources that are due, stores what they yield in batches and records the health of each.

Sources are isolated from each other: each has its own time-out, its own failures and its own report.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

import structlog

from bot.archive import digest_writer, fields, files, listing
from bot.archive.digest_writer import IngestResult
from bot.archive.ingest import IngestService
from bot.core import day_close, isolation
from bot.core.clock import Clock
from bot.sources import base, fetcher, kinds
from bot.text import dates
from storage import errors, models, papers, sources
from storage.database import Connection, Database
from storage.models import FetchStatus

log = structlog.get_logger(__name__)

_HEALTHY = frozenset({FetchStatus.OK, FetchStatus.UNCHANGED})
_FAILING = (FetchStatus.FAILED, FetchStatus.REFUSED, FetchStatus.GONE)


_MAX_PROBLEMS = 200


@dataclass(slots=True)
class SourceReport:
    """The outcome of a run for one source: its results by status, then the `status` and `reason` of `conclude`.

    `is_newest_pending`: the digest of `last_day` is not published yet. `is_unfinished`: a back-fill is to go on at once.
    `progress`: that of its back-fill as last read or stored. `has_lost`: something was not stored, so the next run begins
    before it, or another process has gone on with the back-fill. `new_ids`: papers of this run that were not known.
    """

    source: models.StoredSource
    status_counts: Counter[FetchStatus] = field(default_factory=Counter)
    reasons: dict[FetchStatus, str] = field(default_factory=dict)
    result: IngestResult = field(default_factory=IngestResult)
    retry_at: datetime | None = None
    first_day: date | None = None
    last_day: date | None = None
    is_newest_pending: bool = False
    missed_days: set[date] = field(default_factory=set)
    is_unfinished: bool = False
    progress: Mapping[str, Any] | None = None
    has_lost: bool = False
    new_ids: set[str] = field(default_factory=set)
    status: FetchStatus = FetchStatus.UNCHANGED
    reason: str = ""

    def add_fetch_result(self, result: base.FetchResult, ingested: IngestResult) -> None:
        """Count one fetch result, with what its ingest did. Of each status the first reason is kept."""
        total = self.result + ingested
        self.result = replace(total, problems=total.problems[:_MAX_PROBLEMS])
        self.status_counts[result.status] += 1
        self.is_unfinished = result.is_unfinished
        if result.reason:
            self.reasons.setdefault(result.status, result.reason)
        if result.retry_at is not None:
            self.retry_at = max(result.retry_at, self.retry_at or result.retry_at)
        if result.day is not None:
            if self.last_day is None or result.day >= self.last_day:
                self.last_day, self.is_newest_pending = result.day, result.status is FetchStatus.NOT_YET
            self.first_day = min(result.day, self.first_day or result.day)
            if result.status in _FAILING:
                self.missed_days.add(result.day)

    def add_failure(self, reason: str) -> None:
        """Count an internal failure, such as a locked database."""
        self.status_counts[FetchStatus.FAILED] += 1
        self.reasons[FetchStatus.FAILED] = reason

    def count_new(self, on: date) -> int:
        """Return how many papers that were not known the source has brought on a day (UTC), in this run and before."""
        return len(self.new_ids) + (self.source.new_papers if self.source.counted_on == on else 0)

    def conclude(self, now: datetime) -> None:
        """Set the status and reason. New content outranks failures, and failures outrank unchanged content."""
        counts, total = self.status_counts, self.status_counts.total()
        failed = sum(counts[status] for status in _FAILING)
        worst = next((status for status in _FAILING if counts[status]), None)
        if counts[FetchStatus.OK]:
            self.status = FetchStatus.OK
        elif worst is not None and (worst is not FetchStatus.GONE or failed == total):
            self.status = worst
        elif counts[FetchStatus.NOT_YET] and not counts[FetchStatus.UNCHANGED]:
            self.status = FetchStatus.NOT_YET
        else:
            self.status = FetchStatus.UNCHANGED
        self.reason = self.reasons.get(self.status, "")
        if worst is not None and self.missed_days and total > 1 and self.status in (FetchStatus.OK, worst):
            days = f"{len(self.missed_days)} of {total} days not read, {format_days(self.missed_days)}"
            self.reason = f"{days}: {self.reasons.get(worst, '')}"
        elif self.status is FetchStatus.OK and worst is not None:
            notes = (f"{failed} of {total} locations failed: {self.reasons.get(worst, '')}", self.reason)
            self.reason = "; ".join(filter(None, notes))
        elif self.status is FetchStatus.NOT_YET and (span := self._days_without_digest(now)):
            self.status = FetchStatus.FAILED
            self.reason = f"nothing at any of its addresses {span}: {self.reason}"

    def _days_without_digest(self, now: datetime) -> str | None:
        """Return how long an address is wrong or stale already; None for a weekend, a holiday or an early hour."""
        row, stale_after = self.source, kinds.get(self.source.kind, self.source.url).stale_after
        if stale_after is None or self.last_day is None:
            return None
        if row.last_success_at is None and self.last_day < now.date() - timedelta(days=1):
            return f"from {self.first_day} to {self.last_day}"
        since = row.last_success_at or row.added_at
        return f"since {since:%Y-%m-%d}" if now - since > stale_after else None


_MAX_SPANS = 8


def format_days(days: Iterable[date]) -> str:
    """Return days in order, those in a row as a span: `2025-01-03 – 2025-01-07, 2025-02-01 and 12 more`."""
    spans: list[list[date]] = []
    for day in sorted(days):
        if spans and day - spans[-1][1] == timedelta(days=1):
            spans[-1][1] = day
        else:
            spans.append([day, day])
    shown = ", ".join(dates.format_period((first, last)) for first, last in spans[:_MAX_SPANS])
    rest = sum((last - first).days + 1 for first, last in spans[_MAX_SPANS:])
    return f"{shown} and {rest} more" if rest else shown


NOTIFY_AFTER_FAILURES = 3
"""Failures in a row after which the operator gets a notice, once until the next success."""


def poll_interval(row: models.StoredSource, *, is_newest_pending: bool) -> timedelta:
    """Return the time between two polls: the option `every` in minutes, else the interval of the kind.

    Some kinds are polled more often while the newest digest is not published yet.
    """
    every = row.options.get("every", "")
    if every.isascii() and every.isdigit() and int(every[:6]) > 0:
        return timedelta(minutes=int(every[:6]))
    record = kinds.get(row.kind, row.url)
    return (record.pending_poll_interval if is_newest_pending else None) or record.poll_interval


def updated_health(
    report: SourceReport, now: datetime, retry_policy: fetcher.RetryPolicy, rule: day_close.DayClose
) -> models.StoredSource:
    """Return the source with its health after a run that ended at `now` (UTC). `rule` is when a day's list closes.

    The reason is kept until the source succeeds. A source that is gone for good has no next poll.
    """
    row, status = report.source, report.status
    failed = status in _FAILING
    failures = row.failures + 1 if failed else 0
    interval = poll_interval(row, is_newest_pending=report.is_newest_pending)
    # A page or a back-fill that fails for days must not delay what the rest of its source publishes.
    is_answered = any(report.status_counts[healthy] for healthy in _HEALTHY)
    delay = retry_policy.next_poll_delay(interval, 0 if is_answered else failures)
    next_at = now if report.is_unfinished else now + delay
    if kinds.get(row.kind, row.url).has_daily_list:
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
        next_attempt_at=None if status is FetchStatus.GONE else next_at,
        noticed_at=row.noticed_at if failed else None,
        new_papers=report.count_new(now.date()),
        counted_on=now.date(),
    )


def is_persistently_failing(row: models.StoredSource) -> bool:
    """Whether the failures of a source need the operator's attention."""
    return row.failures > 0 and (row.failures >= NOTIFY_AFTER_FAILURES or row.status is FetchStatus.GONE)


NotifyFailure = Callable[[Connection, models.StoredSource, datetime], Awaitable[None]]
"""Plans a notice to the operator, in the transaction that stores the source's failures."""

_FLUSH_PAGES = 250


async def skip_notification(connection: Connection, row: models.StoredSource, now: datetime) -> None:
    """Plan nothing: the default where no operator channel is set."""


class Sink:
    """Stores results, one at a time, and after each how far its source is read.

    Page states are written in batches. A lost batch only costs a second fetch.
    """

    def __init__(
        self, ingest: IngestService, database: Database, clock: Clock, notify_failure: NotifyFailure
    ) -> None:
        self._ingest = ingest
        self._database = database
        self._clock = clock
        self._notify_failure = notify_failure
        self._pages: list[tuple[models.StoredSource, models.PageState]] = []
        self._turn = asyncio.Lock()

    async def put(self, report: SourceReport, result: base.FetchResult) -> None:
        """Store a result of a source. On failure the source fails, and fetches the same content again in the next run."""
        source, reason = report.source, ""
        # A bug that one text triggers must not keep others from being stored.
        with isolation.isolated(log, "result not stored", source=errors.redact(source.url)) as failures:
            try:
                async with self._turn:
                    # The facts first: alerts and posts of a listing need the votes that are read with it.
                    stored = await self._ingest.add_facts(result.facts)
                    digests = digest_writer.to_sourced_digests(result.digests, source.url, result.location)
                    ingested = await self._ingest.add_batch(digests)
                await self._record_stored(report, result, sum(ingested, stored))
            except errors.StorageError as error:
                reason = str(error)
        if failures:
            reason = f"it {fields.describe_bug(failures[0])}"
        if reason:
            report.add_failure(reason)
            report.has_lost = True

    async def _record_stored(
        self, report: SourceReport, result: base.FetchResult, ingested: IngestResult
    ) -> None:
        """Save what the next run needs to know, now that a result's content is stored."""
        report.add_fetch_result(result, ingested)
        if result.progress is not None and not report.has_lost:
            async with self._database.transaction() as connection:
                has_moved = await sources.move_progress(
                    connection, report.source, report.progress, result.progress
                )
            report.progress, report.has_lost = result.progress, not has_moved
        if result.missing_ids:
            # arXiv was asked for them in vain: not again at the next poll.
            async with self._database.transaction() as connection:
                await papers.delay_arxiv(connection, result.missing_ids, self._clock())
        if not (result.location == report.source.url and report.has_lost):
            self._pages += [
                (report.source, replace(page, location=base.page_key(page.location)))
                for page in result.page_states
            ]
            if len(self._pages) >= _FLUSH_PAGES:
                await self.save()

    async def save(self, updated: Sequence[models.StoredSource] = ()) -> None:
        """Write the gathered page states, and the health of the updated sources with notices to the operator.

        Nothing is written of a source that was removed while it was read.
        """
        pages, self._pages = self._pages, []
        if not (pages or updated):
            return
        async with self._database.transaction() as connection:
            removed = await sources.list_removed(connection, [*updated, *(row for row, _ in pages)])
            kept = [(row.id, page) for row, page in pages if row.id not in removed]
            await sources.upsert_page_states(connection, kept)
            for row in updated:
                if row.id in removed:
                    continue
                polled_at, max_states = row.last_attempt_at, kinds.get(row.kind, row.url).max_page_states
                assert polled_at is not None  # it was polled just now
                if is_persistently_failing(row) and row.noticed_at is None:
                    await self._notify_failure(connection, row, polled_at)
                    row = replace(row, noticed_at=polled_at)
                await sources.set_health(connection, row)
                if max_states is not None:
                    # A feed may have new entries at each poll. One that is listed still is only read again.
                    await sources.trim_page_states(connection, row.id, max_states)


ProgressCallback = Callable[[models.StoredSource, base.FetchResult], None]
"""Called with each result."""

OnFetched = Callable[[Sequence[SourceReport]], Awaitable[None]]
"""Awaited after a run with new content."""

OnStored = Callable[[models.StoredSource], None]
"""Called with a source once its health is stored."""

_MAX_CONCURRENT_SOURCES = 50
_SOURCE_TIMEOUT_SECONDS, _LEAST_TIMEOUT_SECONDS = 240.0, 30.0
_PAGE_TIMEOUT_SECONDS = 60.0
"""For a page or feed. What is left of it is read by the next poll."""
_BACK_FILL_SECONDS = 45.0
"""Time for which a poll continues a back-fill, while the other sources wait for the next one."""
_VOTES_STAGE_SECONDS = 60.0
_FACTS_LOOKBACK_DAYS = 14
_MAX_MISSING_FACTS = 2_000
_MAX_UNTITLED = 300
"""Papers without a title for which arXiv is asked in one run: three requests."""


@dataclass(frozen=True, slots=True)
class _Run:
    """One run over the sources: its options, its sink and the reports by source id."""

    sink: Sink
    days: Sequence[date] | None
    timeout_seconds: float | None
    progress: ProgressCallback
    back_fill_seconds: float | None
    on_stored: OnStored
    reports: dict[int, SourceReport] = field(default_factory=dict)
    failures: list[Exception] = field(default_factory=list)


class Poller:
    """Polls the stored sources, on schedule or at once. `first_round` is set once `run` has polled those that were due."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ingest: IngestService,
        context: base.SourceContext,
        retry_policy: fetcher.RetryPolicy,
        *,
        notify_failure: NotifyFailure = skip_notification,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ingest = ingest
        self._context = context
        self._retry_policy = retry_policy
        self._notify_failure = notify_failure
        self._polled: set[int] = set()
        self._worker = asyncio.Semaphore(1)
        self.first_round = asyncio.Event()

    async def run(self, stop: asyncio.Event, *, on_fetched: OnFetched, every_seconds: float = 30.0) -> None:
        """Poll due sources until `stop` is set. Errors are logged and the loop continues.

        A source that is slow does not delay those that become due meanwhile.
        """
        is_first = True
        async with asyncio.TaskGroup() as rounds:
            while not stop.is_set():
                task = rounds.create_task(self._run_round(on_fetched))
                if is_first:
                    # A later one may end before it: with nothing to do, since the first polls all that is due.
                    task.add_done_callback(lambda _: self.first_round.set())
                is_first = False
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), every_seconds)

    async def _run_round(self, on_fetched: OnFetched) -> None:
        # A database outage must not end polling; the next round retries.
        with isolation.isolated(log, "polling failed"):
            reports = await self.fetch_due()
            _log_reports(reports)
            if any(report.status is FetchStatus.OK for report in reports):
                await on_fetched(reports)

    async def fetch_due(self) -> list[SourceReport]:
        """Poll the sources that are due now and that no other call is polling."""
        polled = set(self._polled)
        async with self._database.read() as connection:
            rows = await sources.list_rows(connection, due_at=self._clock())
        rows = [row for row in rows if row.id not in polled | self._polled]
        own = {row.id for row in rows}
        self._polled |= own

        def on_stored(row: models.StoredSource) -> None:
            # It may be due again before the slowest source of its round has ended.
            own.discard(row.id)
            self._polled.discard(row.id)

        try:
            return await self._fetch_sources(rows, timeout_seconds=self._find_timeout(), on_stored=on_stored)
        finally:
            self._polled -= own

    def _find_timeout(self) -> float:
        """Return the seconds that a source may take: the day's list is read right after its close, by the next run."""
        rule, now = self._context.day_close, self._clock()
        close = rule.closes_at(rule.last_closed(now) + timedelta(days=1))
        return min(_SOURCE_TIMEOUT_SECONDS, max(_LEAST_TIMEOUT_SECONDS, (close - now).total_seconds()))

    async def fetch_all(
        self, *, days: Sequence[date] | None = None, progress: ProgressCallback = lambda *_: None
    ) -> list[SourceReport]:
        """Poll all sources now; with `days`, for each of these days."""
        async with self._database.read() as connection:
            rows = await sources.list_rows(connection)
        return await self._fetch_sources(rows, days=days, progress=progress)

    async def fetch_first(self, row: models.StoredSource) -> SourceReport:
        """Poll a source that was just added, for a minute at most. The bot continues what is left."""
        [report] = await self._fetch_sources([row], timeout_seconds=_PAGE_TIMEOUT_SECONDS)
        return report

    async def _fetch_sources(
        self,
        rows: Sequence[models.StoredSource],
        *,
        days: Sequence[date] | None = None,
        timeout_seconds: float | None = None,
        progress: ProgressCallback = lambda *_: None,
        on_stored: OnStored = lambda _: None,
    ) -> list[SourceReport]:
        """Poll these sources, and store the health of each."""
        target = Sink(self._ingest, self._database, self._clock, self._notify_failure)
        seconds = None if timeout_seconds is None else min(_BACK_FILL_SECONDS, timeout_seconds / 2)
        reports_by_id = {row.id: SourceReport(row, progress=row.progress) for row in rows}
        run = _Run(target, days, timeout_seconds, progress, seconds, on_stored, reports_by_id)
        try:
            await self._fetch_in_stages(rows, run)
        except BaseException:
            # On cancellation, save the progress so that the next run resumes.
            await target.save()
            raise
        if run.failures:
            raise run.failures[0]
        return list(run.reports.values())

    async def _fetch_in_stages(self, rows: Sequence[models.StoredSource], run: _Run) -> None:
        """Poll the kinds by stage. The digests wait for the votes at most `_VOTES_STAGE_SECONDS`."""
        by_stage: dict[base.Stage, list[models.StoredSource]] = {stage: [] for stage in base.Stage}
        for row in rows:
            by_stage[kinds.get(row.kind, row.url).stage].append(row)
        tasks = self._start_workers(by_stage[base.Stage.VOTES], run)
        try:
            if tasks:
                await asyncio.wait(tasks, timeout=_VOTES_STAGE_SECONDS)
            tasks += self._start_workers(by_stage[base.Stage.DIGESTS], run)
            await asyncio.gather(*tasks)
            if facts_rows := by_stage[base.Stage.MISSING_FACTS]:
                tasks = self._start_workers(facts_rows, run)
                await asyncio.gather(*tasks)
            else:
                with isolation.isolated(log, "titles not fetched from arXiv"):
                    await self._fetch_titles()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _start_workers(self, rows: Sequence[models.StoredSource], run: _Run) -> list[asyncio.Task[None]]:
        remaining = iter(rows)

        async def work() -> None:
            for row in remaining:
                # What cannot be stored of one source is raised once the others are read.
                with isolation.collected(run.failures):
                    await read(row)

        async def read(row: models.StoredSource) -> None:
            await self._fetch_source(row, run)
            report, now = run.reports[row.id], self._clock()
            report.conclude(now)
            health = updated_health(report, now, self._retry_policy, self._context.day_close)
            await run.sink.save([health])
            run.on_stored(row)

        return [asyncio.create_task(work()) for _ in range(min(_MAX_CONCURRENT_SOURCES, len(rows)))]

    async def _fetch_titles(self) -> None:
        """Ask arXiv, which is not configured as a source, for the papers of lists that give no title."""
        now = self._clock()
        async with self._database.read() as connection:
            due = await papers.list_arxiv_due(connection, now, limit=_MAX_UNTITLED)
        if not due:
            return
        endpoint = self._context.endpoints[models.SourceKind.ARXIV]
        source = kinds.get(models.SourceKind.ARXIV).open(endpoint, {}, self._context)
        async for result in source.fetch(base.FetchRequest(now, arxiv_ids=due)):
            await self._ingest.add_facts(result.facts)
            async with self._database.transaction() as connection:
                await papers.delay_arxiv(connection, result.missing_ids, now)
            if result.status in _FAILING:
                log.warning("titles not fetched from arXiv", papers=len(due), reason=result.reason)

    async def _fetch_source(self, row: models.StoredSource, run: _Run) -> None:
        """Fetch one source and pass its results to the sink as they come."""
        report = run.reports[row.id]
        # A bug that one response triggers must not stop the other sources.
        with isolation.isolated(
            log, "source failed because of a bug", source=errors.redact(row.url)
        ) as failures:
            try:
                kind, seconds = kinds.get(row.kind, row.url), run.timeout_seconds
                if seconds is not None and kind.is_limited(row.url):
                    seconds = min(seconds, _PAGE_TIMEOUT_SECONDS)
                async with asyncio.timeout(seconds):
                    # Hugging Face's list of a day that has just closed is of another stage, and waits for none.
                    if kind.stage is base.Stage.DIGESTS:
                        base.worker.set(self._worker)
                    missing, now = list[str](), self._clock()
                    async with self._database.read() as connection:
                        if kind.stage is base.Stage.MISSING_FACTS:
                            # Recent papers, or those since the first requested day.
                            recent = now.date() - timedelta(days=_FACTS_LOOKBACK_DAYS)
                            since = min(run.days) if run.days else recent
                            missing = await papers.list_arxiv_due(
                                connection, now, since_on=since, limit=_MAX_MISSING_FACTS
                            )
                        states = await sources.list_page_states(connection, row.id, kind.max_page_states)
                    request = base.FetchRequest(
                        now, states, run.days, missing, row.progress, run.back_fill_seconds
                    )
                    source = kind.open(row.url, row.options, self._context)
                    async for result in source.fetch(request):
                        fetched = result
                        if run.days is None:
                            fetched = await self._limit_papers(result, report)
                        await run.sink.put(report, fetched)
                        run.progress(row, result)
                        if result.progress is not None and report.has_lost:
                            break  # no part is asked for after one that was lost
                # Posts wait for the read of a day's list, not for the slowest source of the run.
                await run.sink.save()
            except TimeoutError:
                report.add_failure(f"it took longer than {seconds:g} s")
            except errors.StorageError as error:
                report.add_failure(str(error))
        for failure in failures:
            report.add_failure(f"it {fields.describe_bug(failure)}")

    async def _limit_papers(self, result: base.FetchResult, report: SourceReport) -> base.FetchResult:
        """Return a result without the digests and facts beyond the new papers that its source may bring in a day (UTC).

        A digest that begins below the limit is kept whole up to as many papers. What is left out is read again, and stored
        from the next day on.
        """
        row = report.source
        if not kinds.get(row.kind, row.url).is_limited(row.url):
            return result
        limit = base.MAX_PAPERS_AT_FIRST if row.last_success_at is None else base.MAX_PAPERS_A_DAY
        digests = [_cut(digest, limit) for digest in result.digests]
        lists = [{entry.arxiv_id for entry in digest.entries} for digest in digests]
        described = {fact.arxiv_id for fact in result.facts}
        async with self._database.read() as connection:
            stored = await papers.get_ids(connection, described.union(*lists))
        known, kept, today = stored.keys() | report.new_ids, list[models.Digest](), self._clock().date()
        for digest, ids in zip(digests, lists, strict=True):
            if ids <= known or report.count_new(today) < limit:
                report.new_ids |= ids - known
                known |= ids
                kept.append(digest)
        if report.count_new(today) < limit:
            report.new_ids |= described - known
            known |= described
        if described.union(*lists) <= known:
            return replace(result, digests=tuple(digests))
        report.has_lost = True
        report.add_failure(
            f"it has brought {limit:,} new papers today; the others will be read from tomorrow on"
        )
        facts = tuple(fact for fact in result.facts if fact.arxiv_id in known)
        return replace(result, digests=tuple(kept), facts=facts, page_states=())


def _cut(digest: models.Digest, limit: int) -> models.Digest:
    """Return a digest with its first papers, as many as a source may bring."""
    if len(digest.entries) <= limit:
        return digest
    first = {entry.arxiv_id for entry in digest.entries[:limit]}
    if digest.format in listing.FORMATS:
        cut = listing.keep(digest, digest.date, first.__contains__)
    else:
        cut = replace(digest, entries=digest.entries[:limit])
    note = models.Problem(1, f"it has {len(digest.entries):,} papers; those after {limit:,} are left out")
    return replace(cut, problems=(*digest.problems, note))


def _log_reports(reports: Sequence[SourceReport]) -> None:
    for report in reports:
        url = errors.redact(report.source.url)
        if report.status in _FAILING:
            log.warning("source failed", source=url, status=report.status.value, reason=report.reason)
        elif report.status is FetchStatus.OK:
            log.info(
                "source fetched",
                source=url,
                digests=report.result.digests,
                papers=report.result.papers,
                new_papers=report.result.new_papers,
                **({"note": report.reason} if report.reason else {}),
            )
        for problem, *others in files.group_problems(report.result.problems):
            more = {"more_like_it": len(others)} if others else {}
            log.warning(
                "digest not understood",
                place=errors.redact(problem.location),
                line=problem.line,
                message=problem.message,
                **more,
            )
