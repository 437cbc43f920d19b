"""Records the outcome of each attempt: sent, retry, suspension, fallback or failure. Ends expired deliveries."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import assert_never

import structlog

from bot.services.outbox import discord_errors, discord_health, suspension, throttle
from bot.services.outbox.discord_errors import Disposition
from bot.services.posts import contents
from bot.services.posts.delivery_factory import DeliveryFactory
from bot.services.posts.kinds import DeliveryKinds
from storage import models
from storage.database import Database
from storage.outbox import attempts, holds, queries
from storage.outbox.queries import DuePart

log = structlog.get_logger(__name__)


OutcomeListener = Callable[[str, models.DeliveryKind, str | None, float | None], None]
"""Receives each outcome, for metrics: result, kind, reason, and seconds since `due_at` (None unless sent).

The result is sent, found (sent earlier, as the history shows), retry, uncertain, paused, failed, fallback, superseded or expired.
"""

SUPERSEDED = "superseded"
"""Result of a failed attempt that is not stored: another process has become the sender, or the part was released."""

LINGER_SECONDS = 0.05
"""How long a receipt waits for others to be stored with it. A crash meanwhile has the same effect as before it arrived."""


class OutcomeRecorder:
    """Stores outcomes in the outbox, with what `kinds` say that follows, and reports each to `on_outcome`."""

    def __init__(
        self,
        database: Database,
        deliveries: DeliveryFactory,
        kinds: DeliveryKinds,
        *,
        rng: random.Random,
        health: discord_health.DiscordHealth,
        on_outcome: OutcomeListener = lambda *_: None,
        linger_seconds: float = LINGER_SECONDS,
    ) -> None:
        self._database = database
        self._suspender = suspension.DestinationSuspender(deliveries, kinds)
        self._deliveries = deliveries
        self._kinds = kinds
        self._rng = rng
        self._on_outcome = on_outcome
        self._linger_seconds = linger_seconds
        self._pending: dict[int, models.Receipt] = {}
        self._store_lock = asyncio.Lock()
        self._health = health

    async def record_sent(
        self, due: DuePart, receipt: models.Receipt, now: datetime, *, already_sent: bool
    ) -> None:
        """Record that a part was sent, now or (`already_sent`) by an earlier attempt."""
        await self._store_batched(due.part.id, receipt, now)
        late = (now - due.delivery.due_at).total_seconds()
        self._log_and_report("found" if already_sent else "sent", due, late_seconds=late)

    async def _store_batched(self, part_id: int, receipt: models.Receipt, now: datetime) -> None:
        """Store a receipt together with those that arrive within `linger_seconds`: fewer transactions in a fan-out."""
        self._pending[part_id] = receipt
        async with self._store_lock:
            if part_id not in self._pending:
                return
            await asyncio.sleep(self._linger_seconds)
            batch = dict(self._pending)
            async with self._database.transaction() as connection:
                await attempts.mark_sent(connection, batch, now)
            for stored_id in batch:
                del self._pending[stored_id]

    async def record_failure(
        self,
        due: DuePart,
        error: discord_errors.DeliveryError,
        started_at: datetime,
        now: datetime,
        *,
        was_well: bool,
    ) -> None:
        """Record an attempt that began at `started_at` (UTC) and failed, with its consequences.

        `was_well` is whether Discord was well when it began.
        """
        classification = error.classification
        match classification.disposition:
            case Disposition.ALREADY_DONE:
                receipt = models.Receipt(due.part.message_id, due.delivery.channel_id or 0)
                await self.record_sent(due, receipt, now, already_sent=True)
            case Disposition.RETRY | Disposition.UNKNOWN | Disposition.INVALID_TOKEN:
                await self._schedule_retry(due, error, started_at, now, was_well)
            case Disposition.UNVERIFIABLE:
                async with self._database.transaction() as connection:
                    is_stored = await attempts.mark_uncertain(
                        connection,
                        due.part.id,
                        reason=contents.Reason.UNCERTAIN,
                        error_code=error.code,
                        term=due.term,
                    )
                self._log_and_report("uncertain" if is_stored else SUPERSEDED, due, error)
            case Disposition.DESTINATION_BLOCKED | Disposition.DESTINATION_GONE:
                await self._suspend_destination(due, error, now)
            case Disposition.CONTENT_REFUSED:
                await self._use_fallback(due, error, now)
            case Disposition.TARGET_GONE:
                await self._fail(due, error, now)
            case _:
                assert_never(classification.disposition)

    async def expire(self, now: datetime) -> None:
        """End the deliveries that expired by `now` (UTC). What planning stored about those certainly unsent is undone."""
        async with self._database.transaction() as connection:
            expired = await holds.expire(connection, now, reason=contents.Reason.TOO_OLD)
            unsent_ids = set(await queries.list_unsent(connection, [row.id for row in expired]))
            for record in self._kinds:
                unsent = [row for row in expired if row.kind is record.kind and row.id in unsent_ids]
                if unsent:
                    await record.undo(connection, unsent, now)
        for delivery in expired:
            log.warning("delivery expired", delivery=delivery.id, key=delivery.key)
            self._on_outcome("expired", delivery.kind, contents.Reason.TOO_OLD, None)

    async def _schedule_retry(
        self,
        due: DuePart,
        error: discord_errors.DeliveryError,
        started_at: datetime,
        now: datetime,
        was_well: bool,
    ) -> None:
        classification, part = error.classification, due.part
        unknown_since = part.first_attempt_at
        if unknown_since is None and classification.disposition is Disposition.UNKNOWN:
            unknown_since = started_at
        # Only what may be the part's own fault counts, and slows it down.
        is_rate_limit = classification is discord_errors.HELD_BACK or bool(classification.wait_seconds)
        is_counted = was_well and not is_rate_limit
        delay = self._retry_delay(part, classification, is_counted)
        async with self._database.transaction() as connection:
            is_stored = await attempts.mark_retry(
                connection,
                part.id,
                next_attempt_at=now + delay,
                unknown_since=unknown_since,
                error=classification.reason,
                error_code=error.code or error.status,
                term=due.term,
                is_counted=is_counted,
            )
        result = "retry" if is_stored else SUPERSEDED
        self._log_and_report(result, due, error, wait_seconds=round(delay.total_seconds(), 1))

    def _retry_delay(
        self, part: models.Part, classification: discord_errors.Classification, is_counted: bool
    ) -> timedelta:
        """Return the delay before the next attempt; that of Discord's own trouble is decided by its health."""
        if classification is discord_errors.HELD_BACK:
            return timedelta(0)
        seconds = classification.wait_seconds
        if not self._health.is_well:
            seconds = max(seconds, self._health.part_delay())
        if not is_counted and seconds:
            return timedelta(seconds=seconds + self._rng.uniform(0.0, 0.5))
        return throttle.retry_delay(part.attempts + 1, self._rng, seconds)

    async def _suspend_destination(
        self, due: DuePart, error: discord_errors.DeliveryError, now: datetime
    ) -> None:
        is_gone = error.classification.disposition is Disposition.DESTINATION_GONE
        async with self._database.transaction() as connection:
            if is_gone:
                is_stored = await attempts.mark_failed(
                    connection,
                    due.part.id,
                    reason=error.classification.reason,
                    now=now,
                    error_code=error.code,
                    term=due.term,
                )
            else:
                is_stored = await attempts.mark_paused(
                    connection,
                    due.part.id,
                    reason=error.classification.reason,
                    unknown_since=due.part.first_attempt_at,
                    error_code=error.code,
                    term=due.term,
                )
            if is_stored:
                await self._suspender.suspend(connection, due.delivery, error.classification, now)
        result = "failed" if is_gone else "paused"
        self._log_and_report(result if is_stored else SUPERSEDED, due, error)

    async def _use_fallback(self, due: DuePart, error: discord_errors.DeliveryError, now: datetime) -> None:
        log.error("Discord refused a message", delivery=due.delivery.id, payload=due.part.payload)
        async with self._database.transaction() as connection:
            has_fallback = await attempts.use_fallback(
                connection, due.part.id, nonce=self._deliveries.new_nonce(), now=now, term=due.term
            )
        if has_fallback:
            self._log_and_report("fallback", due, error)
        else:
            await self._fail(due, error, now)

    async def _fail(self, due: DuePart, error: discord_errors.DeliveryError, now: datetime) -> None:
        async with self._database.transaction() as connection:
            is_stored = await attempts.mark_failed(
                connection,
                due.part.id,
                reason=error.classification.reason,
                now=now,
                error_code=error.code,
                term=due.term,
            )
        self._log_and_report("failed" if is_stored else SUPERSEDED, due, error)

    def _log_and_report(
        self,
        result: str,
        due: DuePart,
        error: discord_errors.DeliveryError | None = None,
        *,
        late_seconds: float | None = None,
        **details: float,
    ) -> None:
        reason = None if error is None else error.classification.reason.value
        write = log.info if error is None or result == "retry" else log.warning
        write(
            "part " + result,
            delivery=due.delivery.id,
            part=due.part.id,
            channel=due.delivery.channel_id,
            reason=reason,
            error=None if error is None else str(error),
            **details,
        )
        self._on_outcome(result, due.delivery.kind, reason, late_seconds)
