"""Matches the papers of fresh digests with all alerts and queues the matches; `notifier` plans the messages of what is due.

An ingest stores only that a digest's alerts are to be planned, or those of papers that got authors or institutions from
facts later. Each batch of recipients is one transaction with their matches and the last recipient, so that another process,
or the next start, continues after it.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing

import structlog

from bot import isolation
from bot.clock import Clock
from bot.services.alerts import alert_term_rebuild, candidates, matcher, notifier, timing
from bot.services.daily import selection
from bot.services.posts.delivery_factory import DeliveryFactory
from bot.time_slices import BatchSize, TimeSlices
from storage import alerts, digests, entries, models, notified_papers
from storage.database import Database
from storage.outbox import alert_matches, pending_alerts

log = structlog.get_logger(__name__)

BATCH_SIZES = 20, 500
"""Recipients per transaction: at first, and at most."""
MAX_PAIRS = 2000
"""Pairs of an alert and a paper that are compared for a transaction, unless one recipient has more."""
POLL_SECONDS = 2.0
"""Time between two looks for digests that other processes stored, and for what is due."""
MAX_RETRY_SECONDS = 60.0


class AlertPlanner:
    """Plans the alerts of all digests that wait for it, and what is due. Several processes may do so at once."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        deliveries: DeliveryFactory,
        *,
        default_locale: models.Locale = models.Locale.EN,
        max_batch_size: int = BATCH_SIZES[1],
    ) -> None:
        self._database = database
        self._clock = clock
        self._deliveries = deliveries
        self._max_batch_size = max_batch_size
        self._texts = candidates.PaperTexts(database)
        self._notifier = notifier.AlertNotifier(database, deliveries, self._texts, default_locale)
        self._source: candidates.CandidateSource = candidates.AlertTermSource(database, self._texts)
        self._wake_event = asyncio.Event()

    def wake(self) -> None:
        """Make `run` look for digests at once."""
        self._wake_event.set()

    async def run(self, stop: asyncio.Event, *, on_planned: Callable[[], None]) -> None:
        """Plan alerts until `stop` is set. Errors are logged and retried with growing delays."""
        delay = POLL_SECONDS
        while not stop.is_set():
            self._wake_event.clear()
            # A database outage must not end the loop.
            with isolation.isolated(log, "planning alerts failed; will retry") as failures:
                await self.drain(on_planned=on_planned, stop=stop)
            delay = min(2 * delay, MAX_RETRY_SECONDS) if failures else POLL_SECONDS
            await self._wait(stop, delay)

    async def _wait(self, stop: asyncio.Event, seconds: float) -> None:
        waiting = [asyncio.ensure_future(event.wait()) for event in (stop, self._wake_event)]
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()

    async def drain(
        self, *, on_planned: Callable[[], None] = lambda: None, stop: asyncio.Event | None = None
    ) -> int:
        """Match all waiting digests, then plan what is due, or until `stop` is set. Returns the number of deliveries.

        Raises the first error at the end; the digests concerned keep waiting.
        """
        stop = stop or asyncio.Event()
        failures: list[Exception] = []
        failed: set[tuple[int, int]] = set()
        while (pending := await self._next_pending(failed)) and not stop.is_set():
            known_failures = len(failures)
            with isolation.collected(failures):
                await self._match_digest(pending, stop)
            if len(failures) > known_failures:
                failed.add((pending.digest_id, pending.revision))
        planned = 0
        with isolation.collected(failures):
            async with aclosing(self._notifier.plan_due(self._clock())) as batches:
                async for count in batches:
                    planned += count
                    on_planned()
                    if stop.is_set():
                        break
        if failures:
            raise failures[0]
        return planned

    async def schedule_crossed(self) -> int:
        """Make the matches due whose papers have reached the votes that their alerts ask for. Returns their number."""
        return await self._notifier.schedule_crossed(self._clock())

    async def _next_pending(self, failed: set[tuple[int, int]]) -> models.PendingAlerts | None:
        async with self._database.read() as connection:
            rows = await pending_alerts.list_rows(connection)
        return next((row for row in rows if (row.digest_id, row.revision) not in failed), None)

    async def _match_digest(self, pending: models.PendingAlerts, stop: asyncio.Event) -> None:
        """Queue the matches of one digest, until `stop` is set.

        It ends early if the digest is corrected or removed meanwhile: what remains to be matched is looked up again.
        """
        digest = await self._start(pending)
        if digest is None:
            return
        async with self._database.read() as connection:
            listed = {paper.paper_id for paper in await entries.list_papers(connection, [digest.id])}
        self._texts.clear()
        cursor = pending.recipient
        paper_ids = [paper_id for paper_id in pending.paper_ids if paper_id in listed]
        batches = BatchSize(BATCH_SIZES[0], self._max_batch_size)
        is_named = bool(pending.former_names)
        async with aclosing(self._source.iterate(paper_ids, cursor, only_names=is_named)) as recipients:
            async for batch in _batched(recipients, batches):
                while remaining := [row for row in batch if cursor is None or row[0] > cursor]:
                    changed = await self._match_batch(pending, digest, cursor, remaining, batches)
                    cursor, is_unchanged = changed
                    if stop.is_set() or not is_unchanged:
                        return
        await self._finish(pending)

    async def _start(self, pending: models.PendingAlerts) -> models.StoredDigest | None:
        """Return the digest; None if there is nothing to plan for it."""
        async with self._database.read() as connection:
            digest = await digests.get(connection, pending.digest_id)
            has_alerts = await alerts.exist(connection)
        is_expired = self._deliveries.expires_at(pending.added_at) <= self._clock()
        if is_expired:
            log.warning("alerts not planned, too old", digest=pending.digest_id, revision=pending.revision)
        if digest is None or not has_alerts or is_expired:
            await self._finish(pending)
            return None
        await alert_term_rebuild.rebuild_if_outdated(self._database)
        return digest

    async def _finish(self, pending: models.PendingAlerts) -> None:
        async with self._database.transaction() as connection:
            await pending_alerts.remove(connection, pending)

    async def _match_batch(
        self,
        pending: models.PendingAlerts,
        digest: models.StoredDigest,
        cursor: str | None,
        batch: Sequence[candidates.Candidates],
        batches: BatchSize,
    ) -> tuple[str | None, bool]:
        """Queue the matches of some recipients after `cursor`, which are found before the transaction.

        Returns the last recipient stored, and whether the digest is unchanged. The former is `cursor` if an alert was
        changed meanwhile, and a later recipient if another process stored them.
        """
        former = dict(zip(pending.paper_ids, pending.former_names, strict=False))
        matches = await self._match(batch, former)
        alert_ids = {match.alert_id for match in matches}
        async with batches.timed(self._database.transaction()) as connection:
            await alerts.lock_planning(connection)
            current = await pending_alerts.get(connection, pending)
            stored_digest = await digests.get(connection, digest.id)
            if current is None or stored_digest is None or stored_digest.revision != digest.revision:
                return cursor, False
            is_outdated = await alerts.count_active(connection, alert_ids, self._clock()) != len(alert_ids)
            if current.recipient != cursor or is_outdated:
                return current.recipient, True
            await alert_matches.add_all(connection, matches)
            await pending_alerts.set_last_recipient(connection, pending, batch[-1][0])
        return batch[-1][0], True

    async def _match(
        self, batch: Sequence[candidates.Candidates], former: Mapping[int, models.FormerNames]
    ) -> list[models.QueuedMatch]:
        """Compare the candidates with the papers of which the recipients were not notified.

        Of a paper with `former` names only what it got since then counts.
        """
        now = self._clock()
        alert_ids = {alert_id for _, own in batch for alert_id, _, _ in own}
        by_paper: dict[int, dict[tuple[str, int], str]] = defaultdict(dict)
        for recipient, own in batch:
            for alert_id, term, paper_ids in own:
                for paper_id in paper_ids:
                    by_paper[paper_id][recipient, alert_id] = term
        async with self._database.read() as connection:
            active = await alerts.list_active(connection, alert_ids, now)
            notified = await notified_papers.list_notified(
                connection, [recipient for recipient, _ in batch], list(by_paper)
            )
        matches: list[models.QueuedMatch] = []
        slices = TimeSlices()
        for paper_id, compared in by_paper.items():
            prepared = await self._texts.get(paper_id)
            if prepared is None:
                continue
            for (recipient, alert_id), term in compared.items():
                alert = active.get(alert_id)
                if (
                    alert
                    and (recipient, paper_id) not in notified
                    and _is_match(alert, term, prepared, former.get(paper_id))
                ):
                    votes = prepared[0].votes
                    is_met = selection.meets_minimum(votes, alert.min_votes)
                    due = timing.due_at(alert, now) if is_met else None
                    matches.append(models.QueuedMatch(recipient, paper_id, alert_id, votes, now, due))
                await slices.pause()
        return matches


def _is_match(
    alert: models.Alert, term: str, prepared: candidates.PreparedPaper, former: models.FormerNames | None
) -> bool:
    if former is not None:
        return matcher.match_added_names(alert, *prepared, former)
    return matcher.is_decided(alert, term) or bool(matcher.match(alert, *prepared))


async def _batched(
    rows: AsyncGenerator[candidates.Candidates, None], batches: BatchSize
) -> AsyncIterator[list[candidates.Candidates]]:
    """Divide the recipients into batches of the present size, which ends early with many pairs to compare."""
    batch: list[candidates.Candidates] = []
    pairs = 0
    async for row in rows:
        batch.append(row)
        pairs += sum(len(paper_ids) for _, _, paper_ids in row[1])
        if len(batch) >= batches.size or pairs >= MAX_PAIRS:
            yield batch
            batch, pairs = [], 0
    if batch:
        yield batch
