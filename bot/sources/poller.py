"""Poll due sources, store their results and record their health.

Sources are isolated from each other: each has its own timeout, failures and report.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import structlog

from bot.archive import digest_writer, fields, listing
from bot.archive.digest_writer import Arrival, IngestResult
from bot.archive.ingest import IngestService
from bot.core import day_close, isolation
from bot.core.clock import Clock
from bot.sources import arxiv, arxiv_categories, base, kinds
from storage import archive, errors, models, papers, sources
from storage.database import Connection, Database
from storage.models import FetchStatus

log = structlog.get_logger(__name__)

HEALTHY = (FetchStatus.OK, FetchStatus.UNCHANGED)
_FAILING = (FetchStatus.FAILED, FetchStatus.REFUSED)
_MAX_PROBLEMS, _MAX_LOGGED = 200, 10
"""Problems of a poll that are kept, and that are logged."""


@dataclass(slots=True)
class SourceReport:
    """The outcome of polling a source: counts of results, and `status` and `reason` set by `conclude`.

    `missed_days` are the days that could not be read. `page_states` are saved at the end. `progress` is how
    far a back-fill has been stored, or how many new papers of the day a limited source has brought. Of the papers
    (keys), `new` are those that the archive lacked, `cut` those beyond a limit, and `old` counts those too old to post.
    `unlisted` are the locations of pages that the source does not have any more.
    """

    source: models.StoredSource
    counts: Counter[FetchStatus] = field(default_factory=Counter)
    reasons: dict[FetchStatus, str] = field(default_factory=dict)
    result: IngestResult = field(default_factory=IngestResult)
    retry_at: datetime | None = None
    missed_days: list[date] = field(default_factory=list)
    page_states: list[sources.PageState] = field(default_factory=list)
    progress: Mapping[str, Any] | None = field(init=False)
    status: FetchStatus = FetchStatus.UNCHANGED
    reason: str = ""
    reading: models.ReadingReport | None = None
    new: set[str] = field(default_factory=set)
    cut: set[str] = field(default_factory=set)
    old: int = 0
    unlisted: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.progress = self.source.progress

    def add(self, result: base.FetchResult, ingested: IngestResult) -> None:
        """Add a result and what storing it changed to the totals. Each status keeps only its first reason."""
        total = self.result + ingested
        self.result = replace(total, problems=total.problems[:_MAX_PROBLEMS])
        self.counts[result.status] += 1
        if result.reason:
            self.reasons.setdefault(result.status, result.reason)
        if result.retry_at is not None:
            self.retry_at = max(result.retry_at, self.retry_at or result.retry_at)
        if result.day is not None and result.status in _FAILING:
            self.missed_days.append(result.day)
        self.page_states += (
            replace(page, location=base.page_key(page.location)) for page in result.page_states
        )
        self.progress = result.progress or self.progress
        if result.reading is not None:
            self.reading = (self.reading or models.ReadingReport()) + result.reading

    def add_failure(self, reason: str) -> None:
        """Count a failure of the poll itself, such as a locked database."""
        self.counts[FetchStatus.FAILED] += 1
        self.reasons[FetchStatus.FAILED] = reason

    def conclude(self, now: datetime) -> None:
        """Set the status, reason and reading. New content outranks failures, which outrank unchanged content."""
        self.reading = None if self.reading is None else self._divide(self.reading)
        counts, total = self.counts, self.counts.total()
        worst = next((status for status in _FAILING if counts[status]), None)
        if counts[FetchStatus.OK]:
            self.status = FetchStatus.OK
        elif counts[FetchStatus.NOT_YET] and not counts[FetchStatus.UNCHANGED]:
            self.status = worst or FetchStatus.NOT_YET
        else:
            self.status = worst or FetchStatus.UNCHANGED
        self.reason = self.reasons.get(self.status, "")
        if worst is not None and total > 1:
            days, failed = self.missed_days, sum(counts[status] for status in _FAILING)
            what = "days" if days else "locations"
            span = f", from {min(days)} to {max(days)}" if days else ""
            self.reason = f"{failed} of {total} {what} not read{span}: {self.reasons.get(worst, '')}"
        # A few days without digests, such as holidays, are normal. After that the address is probably wrong.
        stale_after = kinds.get(self.source.kind).stale_after
        since = self.source.last_success_at or self.source.added_at
        if self.status is FetchStatus.NOT_YET and stale_after is not None and now - since > stale_after:
            self.status = FetchStatus.FAILED
            self.reason = f"nothing at any of its addresses since {since:%Y-%m-%d}: {self.reason}"

    def _divide(self, report: models.ReadingReport) -> models.ReadingReport:
        """Return the report on all results with the papers that the archive lacked, and those beyond a limit."""
        beyond = min(len(self.cut), report.kept)
        kept = report.kept - beyond
        too_many = models.Skipped(models.SkipReason.TOO_MANY, beyond, tuple(sorted(self.cut)))
        too_old = models.Skipped(models.SkipReason.TOO_OLD, self.old)
        return models.ReadingReport(
            kept,
            min(len(self.new), kept),
            models.add_up((*report.skipped, too_many)),
            models.add_up((*report.warnings, too_old)),
        )


NOTIFY_AFTER_FAILURES = 3
"""The consecutive failures before the operator gets a notice; only one until the next success."""
_MAX_INTERVAL = timedelta(hours=24)


def poll_interval(row: models.StoredSource) -> timedelta:
    """Return the time between polls: the option `every` (minutes), or the kind's default."""
    every = row.options.get("every", "")
    if every.isascii() and every.isdigit() and int(every[:6]) > 0:
        return timedelta(minutes=int(every[:6]))
    return kinds.get(row.kind).poll_interval


def updated_health(
    report: SourceReport, now: datetime, spacing: Callable[[FetchStatus], float], rule: day_close.DayClose
) -> models.StoredSource:
    """Return a source with its health after a poll that ended at `now` (UTC). `rule` determines when daily lists close.

    The interval doubles with each consecutive failure, up to a day. The reason stays until the source
    succeeds.
    """
    row, status = report.source, report.status
    failed = status in _FAILING
    failures = row.failures + 1 if failed else 0
    # A page or back-fill that fails for days must not delay the rest of the source.
    is_answered = any(report.counts[healthy] for healthy in HEALTHY)
    interval = poll_interval(row)
    delay = interval if is_answered else min(interval * 2 ** min(failures, 16), max(interval, _MAX_INTERVAL))
    next_at = now + delay * spacing(status)
    back_fill = arxiv_categories.read_back_fill(report.progress)
    if back_fill is not None and back_fill.on is not None and not failed:
        next_at = now
    if kinds.get(row.kind).has_daily_list:
        next_at = rule.next_read_at(next_at, now, has_failed=failed)
    return replace(
        row,
        status=status,
        reason=report.reason or None,
        failures=failures,
        last_attempt_at=now,
        last_success_at=now if status in HEALTHY else row.last_success_at,
        next_attempt_at=max(next_at, report.retry_at or next_at),
        noticed_at=row.noticed_at if failed else None,
        progress=report.progress,
        reading=row.reading if report.reading is None else report.reading,
    )


def is_persistently_failing(row: models.StoredSource) -> bool:
    """Return whether a source has failed often enough to notify the operator."""
    return row.failures >= NOTIFY_AFTER_FAILURES


NotifyFailure = Callable[[Connection, models.StoredSource, datetime], Awaitable[None]]
"""Plans a notice to the operator, in the transaction that stores the failure."""

OnFetched = Callable[[Sequence[SourceReport]], Awaitable[None]]
"""Awaited after a round with new content."""


_MAX_CONCURRENT_SOURCES = 50
_PAGE_TIMEOUT_SECONDS, _TIMEOUT_SECONDS = 60.0, 240.0
"""Timeouts of a page or feed, and of other sources. The next poll continues."""
_MAX_UNTITLED = 300
"""The most papers looked up at arXiv per round: three requests."""
_TITLES_PAUSE = timedelta(minutes=5)
"""How long no titles are requested from arXiv after a failure, unless it asks for longer."""


@dataclass(eq=False)
class Poller:
    """Polls stored sources. `first_round` is set once the first `poll_due` has ended."""

    database: Database
    clock: Clock
    ingest: IngestService
    context: base.SourceContext
    spacing: Callable[[FetchStatus], float]
    """Returns after how much of an interval a source is read again after a result."""
    notify_failure: NotifyFailure | None
    """None without an operator channel."""
    first_round: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    def __post_init__(self) -> None:
        self._has_begun = False
        self._polled: set[int] = set()
        self._slots = asyncio.Semaphore(_MAX_CONCURRENT_SOURCES)
        self._worker = asyncio.Semaphore(1)
        self._turn = asyncio.Lock()
        self._titles = asyncio.Lock()
        self._titles_at = datetime.min.replace(tzinfo=UTC)

    async def poll_due(self, on_fetched: OnFetched) -> None:
        """Poll due sources, and log results and errors. Rounds may overlap: a slow source does not delay others."""
        is_first, self._has_begun = not self._has_begun, True
        # A database outage must not end polling; the next round retries.
        with isolation.isolated(log, "polling failed"):
            reports = await self.fetch_due()
            _log_reports(reports)
            if any(report.status is FetchStatus.OK for report in reports):
                await on_fetched(reports)
        if is_first:
            # Later rounds may end earlier, but only the first polls all sources that are due now.
            self.first_round.set()

    async def fetch_due(self, reports: list[SourceReport] | None = None) -> list[SourceReport]:
        """Poll the sources that are due and not already being polled. Each report is in `reports` from its start on."""
        reports = [] if reports is None else reports
        rows = await self.database.fetch(sources.list_rows, due_at=self.clock())
        reports += (SourceReport(row) for row in rows if row.id not in self._polled)
        return await self._fetch_sources(reports)

    async def fetch_all(self, *, days: Sequence[date] | None = None) -> list[SourceReport]:
        """Poll all sources now. If `days` are given, fetch these days without a timeout."""
        rows = await self.database.fetch(sources.list_rows)
        return await self._fetch_sources(list(map(SourceReport, rows)), days)

    async def fetch_first(self, row: models.StoredSource) -> SourceReport:
        """Poll a newly added source for at most a minute. The running bot fetches the rest."""
        [report] = await self._fetch_sources([SourceReport(row)], seconds=_PAGE_TIMEOUT_SECONDS)
        return report

    async def _fetch_sources(
        self,
        reports: list[SourceReport],
        days: Sequence[date] | None = None,
        seconds: float = _TIMEOUT_SECONDS,
    ) -> list[SourceReport]:
        """Poll sources, beginning with lists with votes, then fetch missing titles from arXiv."""
        self._polled |= {report.source.id for report in reports}
        ordered = sorted(reports, key=lambda report: not kinds.get(report.source.kind).has_daily_list)
        tasks = [asyncio.create_task(self._poll(report, days, seconds)) for report in ordered]
        try:
            failures = [failed for failed in await asyncio.gather(*tasks, return_exceptions=True) if failed]
        finally:
            await isolation.cancel(*tasks)
        if failures:
            raise failures[0]
        with isolation.isolated(log, "titles not fetched from arXiv"):
            await self._fetch_titles()
        return reports

    async def _poll(self, report: SourceReport, days: Sequence[date] | None, seconds: float) -> None:
        """Fetch a source, storing each result as it arrives, and at the end the page states and health."""
        row = report.source
        try:
            # A bug that one response triggers must not stop the other sources.
            with isolation.isolated(
                log, "source failed because of a bug", source=errors.redact(row.url)
            ) as failures:
                try:
                    async with self._slots:
                        await self._fetch(report, days, seconds)
                except TimeoutError:
                    report.add_failure("the poll took too long; the next one continues")
                except errors.StorageError as error:
                    report.add_failure(str(error))
                except asyncio.CancelledError:
                    await self._save(report, None)
                    raise
            for failure in failures:
                report.add_failure(f"it {fields.describe_bug(failure)}")
            report.conclude(now := self.clock())
            await self._save(report, updated_health(report, now, self.spacing, self.context.day_close))
        finally:
            self._polled.discard(row.id)

    async def _fetch(self, report: SourceReport, days: Sequence[date] | None, seconds: float) -> None:
        """Fetch a source and store its results. Raises TimeoutError, or StorageError if storing fails."""
        row, kind = report.source, kinds.get(report.source.kind)
        is_limited = days is None and kind.is_limited(row.url)
        if is_limited:
            seconds = min(seconds, _PAGE_TIMEOUT_SECONDS)
        async with asyncio.timeout(seconds if days is None else None):
            # A list that has just closed must not wait for other sources.
            if not kind.has_daily_list:
                base.worker.set(self._worker)
            states = await self.database.fetch(sources.list_page_states, row.id)
            request = base.FetchRequest(
                self.clock(),
                states,
                days,
                row.progress,
                find_listed=lambda ids: self.database.fetch(archive.find_first_days, row.url, ids),
            )
            async for result in kind.open(row.url, row.options, self.context).fetch(request):
                if not await self.database.fetch(sources.is_stored, row):
                    return  # removed during the poll
                named = _name_papers(result)
                known = set(await self.database.fetch(papers.get_ids, named)) if named else set[str]()
                limited = await self._limit_papers(report, result, known) if is_limited else result
                is_cut = limited is not result
                if result.reading is not None:
                    self._count_papers(report, result, limited, known)
                await self._store(report, limited, is_whole=not is_cut)
                if result.listed is not None:
                    report.unlisted |= states.keys() - set(map(base.page_key, result.listed))
                if is_cut:
                    report.add_failure(_describe_limit(report))
                    return

    async def _store(self, report: SourceReport, result: base.FetchResult, *, is_whole: bool) -> None:
        """Store the papers of a result, one result at a time."""
        async with self._turn:
            # Facts first: posts and alerts of a listing need its votes.
            stored = await self.ingest.add_facts(result.facts)
            if result.digests or result.is_gone:
                place = report.source.url, result.location
                stored += await self.ingest.put(
                    *place,
                    result.digests,
                    is_whole=is_whole,
                    arrival=result.arrival,
                    is_for_lookup="label" in report.source.options,
                )
            report.add(result, stored)

    async def _limit_papers(
        self, report: SourceReport, result: base.FetchResult, known: set[str]
    ) -> base.FetchResult:
        """Return a result without the papers beyond the source's daily limit (UTC), and count the new ones.

        A digest that exceeds the limit keeps its first papers. The other papers are read again the next day.
        """
        named, today = _name_papers(result), self.clock().date().isoformat()
        counted = report.progress or {}
        brought = counted["new"] if counted.get("day") == today else 0
        is_first = report.source.last_success_at is None
        is_labelled = "label" in report.source.options
        room = (base.MAX_PAPERS_AT_FIRST if is_first or is_labelled else base.MAX_PAPERS_A_DAY) - brought
        if len(named - known) > room:
            result = await asyncio.to_thread(_cut, result, set(known), room)
            named = _name_papers(result)
        if not is_first:  # the first poll, which fills the archive, leaves the day's limit as it is
            report.progress = {"day": today, "new": brought + len(named - known)}
        return result

    def _count_papers(
        self, report: SourceReport, result: base.FetchResult, limited: base.FetchResult, known: set[str]
    ) -> None:
        """Count the papers of a result, given those that the archive has, and what the source's limit left of it."""
        report.new |= _name_papers(limited, is_listed=True) - known
        report.cut |= _name_papers(result) - _name_papers(limited)
        fill_on = self.clock().date() - digest_writer.FILL_AGE
        is_first = report.source.last_success_at is None
        is_fill = (
            is_first if result.arrival is Arrival.BY_LOCATION else result.arrival is Arrival.FIRST_READING
        )
        report.old += sum(
            len(digest.entries)
            for digest in limited.digests
            if digest.date <= fill_on or (digest.is_rolling and is_fill)
        )

    async def _save(self, report: SourceReport, health: models.StoredSource | None) -> None:
        """Save a polled source's page states and health, unless it was removed during the poll.

        `health` is None if the poll was cancelled. After repeated failures, the operator gets a notice.
        """
        row = report.source
        async with self.database.transaction() as connection:
            if not await sources.is_stored(connection, row):
                return
            await sources.remove_page_states(connection, row.id, report.unlisted)
            await sources.upsert_page_states(connection, row.id, report.page_states)
            if health is None:
                return
            if is_persistently_failing(health) and health.noticed_at is None:
                now = health.last_attempt_at or self.clock()
                if self.notify_failure is not None:
                    await self.notify_failure(connection, health, now)
                health = replace(health, noticed_at=now)
            await sources.set_health(connection, health)

    async def _fetch_titles(self) -> None:
        """Fetch the facts of listed papers, and of papers without a title, from arXiv, unless it failed lately."""
        if self._titles.locked() or self.clock() < self._titles_at:
            return
        async with self._titles:
            now = self.clock()
            due = await self.database.fetch(papers.list_arxiv_due, now, limit=_MAX_UNTITLED)
            endpoint, throttle = self.context.endpoints[models.SourceKind.ARXIV], self.context.arxiv_throttle
            delayed = await self.database.fetch(papers.list_delayed, due)
            absences = arxiv.Absences(self.clock, dict.fromkeys(delayed, models.NEVER))
            reader, left = arxiv.ArxivReader(endpoint, self.context.fetch, throttle, absences), {*due}
            try:
                async for facts, missing, failed in reader.read_papers(due, now.date()):
                    await self.ingest.add_facts(facts)
                    # Do not request them at the next poll.
                    await self.database.write(papers.delay_arxiv, missing, now)
                    await self.database.write(papers.delay_arxiv, failed, now, unit=timedelta(hours=1))
                    left -= {*missing, *failed, *(fact.paper_key for fact in facts)}
            except base.FetchError as error:
                self._titles_at = max(error.retry_at or now, self.clock() + _TITLES_PAUSE)
                until = f"{self._titles_at:%H:%M} UTC"
                log.warning(
                    "titles not fetched from arXiv", papers=len(left), reason=str(error), next_at=until
                )
                return
            await self.database.write(papers.delay_arxiv, left, now, unit=timedelta(hours=1))


def _describe_limit(report: SourceReport) -> str:
    limit = f"{base.MAX_PAPERS_A_DAY:,}"
    if report.source.last_success_at is None:
        return f"its first poll brought {base.MAX_PAPERS_AT_FIRST:,} papers; the others follow, up to {limit} a day"
    brought = (report.progress or {}).get("new", 0)
    return f"it has brought {brought:,} new papers today, and its limit is {limit}; the others will be read from tomorrow on"


def _name_papers(result: base.FetchResult, *, is_listed: bool = False) -> set[str]:
    """Return the papers of a result; with `is_listed` without those that it only describes."""
    named = {entry.paper_key for digest in result.digests for entry in digest.entries}
    return named | {fact.paper_key for fact in result.facts if fact.listed_on is not None or not is_listed}


def _cut(result: base.FetchResult, known: set[str], room: int) -> base.FetchResult:
    """Drop the papers beyond `room` new ones, and facts about papers that are neither known nor in the remaining digests."""
    digests = []
    for digest in result.digests:
        new = [entry.paper_key for entry in digest.entries if entry.paper_key not in known]
        if not new or room > 0:
            if len(new) > room and digest.format in listing.FORMATS:
                new = new[:room]
                digest = listing.keep(digest, digest.date, {*known, *new}.__contains__)
            known.update(new)
            room -= len(new)
            digests.append(digest)
    facts = tuple(fact for fact in result.facts if fact.paper_key in known)
    unread = tuple(replace(page, hash=None) for page in result.page_states)
    return replace(result, digests=tuple(digests), facts=facts, page_states=unread)


def _log_reports(reports: Sequence[SourceReport]) -> None:
    for report in reports:
        url = errors.redact(report.source.url)
        if report.status in _FAILING:
            log.warning("source failed", source=url, status=report.status.value, reason=report.reason)
        elif report.status is FetchStatus.OK:
            counts = {name: getattr(report.result, name) for name in ("digests", "papers", "new_papers")} | (
                {"note": report.reason} if report.reason else {}
            )
            log.info("source fetched", source=url, **counts)
        for problem in report.result.problems[:_MAX_LOGGED]:
            place, line = errors.redact(problem.location), problem.line
            log.warning("could not parse digest", place=place, line=line, message=problem.message)
