"""Plans the alerts for fresh digests in batches of recipients: one delivery per recipient and digest.

An ingest stores only that a digest's alerts are to be planned. Each batch is one transaction with the deliveries, the
papers notified of and the last recipient, so that another process, or the next start, continues after it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from datetime import datetime

import structlog

from bot import isolation
from bot.clock import Clock
from bot.services.alerts import alert_index, candidates, notifier
from bot.services.posts.delivery_factory import DeliveryFactory
from storage import alerts, digests, entries, models
from storage.database import Connection, Database
from storage.outbox import plan

log = structlog.get_logger(__name__)

BATCH_SIZE = 20
"""Recipients per transaction: about 20 ms of writing."""
POLL_SECONDS = 2.0
"""Time between two looks for digests that other processes stored."""
MAX_RETRY_SECONDS = 60.0
MAX_LOGGED_KEYS = 10


class AlertPlanner:
    """Plans the alerts of all digests that wait for it. Several processes may do so at once."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        deliveries: DeliveryFactory,
        *,
        default_locale: models.Locale = models.Locale.EN,
        batch_size: int = BATCH_SIZE,
    ) -> None:
        self._database = database
        self._clock = clock
        self._deliveries = deliveries
        self._batch_size = batch_size
        self._texts = candidates.PaperTexts(database)
        self._notifier = notifier.AlertNotifier(database, deliveries, self._texts, default_locale)
        self._source: candidates.CandidateSource = candidates.TriggerTermSource(database, self._texts)
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
        """Plan the alerts of all waiting digests, or until `stop` is set. Returns the number of deliveries.

        Raises the first error after the last digest; the digests concerned keep waiting.
        """
        failures: list[Exception] = []
        failed: set[tuple[int, int]] = set()
        planned = 0
        while (pending := await self._next_pending(failed)) and not (stop and stop.is_set()):
            known_failures = len(failures)
            with isolation.collected(failures):
                async with aclosing(self._plan_digest(pending)) as batches:
                    async for count in batches:
                        planned += count
                        on_planned()
                        if stop and stop.is_set():
                            break
            if len(failures) > known_failures:
                failed.add((pending.digest_id, pending.revision))
        if failures:
            raise failures[0]
        return planned

    async def _next_pending(self, failed: set[tuple[int, int]]) -> models.PendingAlerts | None:
        async with self._database.read() as connection:
            rows = await alerts.list_pending(connection)
        return next((row for row in rows if (row.digest_id, row.revision) not in failed), None)

    async def _plan_digest(self, pending: models.PendingAlerts) -> AsyncGenerator[int, None]:
        """Plan the alerts of one digest; yields the number of deliveries of each batch.

        It ends early if the digest is corrected or removed meanwhile: what remains to be planned is looked up again.
        """
        digest = await self._start(pending)
        if digest is None:
            return
        async with self._database.read() as connection:
            listed = {paper.paper_id for paper in await entries.list_papers(connection, [digest.id])}
        self._texts.clear()
        cursor = pending.recipient
        paper_ids = [paper_id for paper_id in pending.paper_ids if paper_id in listed]
        async with aclosing(self._source.iterate(paper_ids, cursor)) as recipients:
            async for batch in _batched(recipients, self._batch_size):
                while remaining := [row for row in batch if cursor is None or row[0] > cursor]:
                    stored = await self._plan_batch(pending, digest, cursor, remaining)
                    if stored is None:
                        return
                    cursor, count = stored
                    if count:
                        yield count
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
        await alert_index.rebuild_if_outdated(self._database)
        return digest

    async def _finish(self, pending: models.PendingAlerts) -> None:
        async with self._database.transaction() as connection:
            await alerts.remove_pending(connection, pending)

    async def _plan_batch(
        self,
        pending: models.PendingAlerts,
        digest: models.StoredDigest,
        cursor: str | None,
        batch: Sequence[candidates.Candidates],
    ) -> tuple[str | None, int] | None:
        """Plan the alerts of some recipients after `cursor`. Matching and rendering happen before the transaction.

        Returns the last recipient stored and the number of deliveries. It is `cursor` if an alert was changed or a
        recipient notified meanwhile, and a later one if another process planned them. None: the digest has changed.
        """
        now = self._clock()
        matches = await self._notifier.match(batch, now)
        built = await self._notifier.build_deliveries(digest, pending.revision, matches, now)
        last_recipient = batch[-1][0]
        async with self._database.transaction() as connection:
            await alerts.lock_planning(connection)
            current = await alerts.get_pending(connection, pending)
            stored_digest = await digests.get(connection, digest.id)
            if current is None or stored_digest is None or stored_digest.revision != digest.revision:
                return None
            if current.recipient != cursor:
                return current.recipient, 0
            if await _is_outdated(connection, matches, now):
                return cursor, 0
            keys = await _store(connection, built, matches, now)
            await alerts.set_last_recipient(connection, pending, last_recipient)
        if keys:
            log.info("alerts planned", count=len(keys), deliveries=keys[:MAX_LOGGED_KEYS])
        return last_recipient, len(keys)


async def _is_outdated(connection: Connection, matches: notifier.Matches, now: datetime) -> bool:
    """Return whether a matching alert was removed or paused, or a recipient notified, since the alerts were matched."""
    alert_ids = {
        reason.alert_id for matched in matches.values() for _, reasons in matched for reason in reasons
    }
    if await alerts.count_active(connection, alert_ids, now) != len(alert_ids):
        return True
    matched_papers = {
        (recipient.name, detail.id) for recipient in matches for detail, _ in matches[recipient]
    }
    notified = await alerts.list_notified_papers(
        connection,
        [recipient.name for recipient in matches],
        sorted({paper_id for _, paper_id in matched_papers}),
    )
    return not notified.isdisjoint(matched_papers)


async def _store(
    connection: Connection,
    built: dict[notifier.Recipient, models.NewDelivery],
    matches: notifier.Matches,
    now: datetime,
) -> list[str]:
    """Store the deliveries and the papers notified of; returns the keys of the new deliveries."""
    ids = await plan.add_all(connection, list(built.values()))
    for recipient, delivery in built.items():
        if delivery.key in ids:
            notified = [(recipient.name, detail.id) for detail, _ in matches[recipient]]
            await alerts.add_notified_papers(
                connection, notified, notified_at=now, delivery_id=ids[delivery.key]
            )
    return list(ids)


async def _batched(
    rows: AsyncGenerator[candidates.Candidates, None], size: int
) -> AsyncIterator[list[candidates.Candidates]]:
    batch: list[candidates.Candidates] = []
    async for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
