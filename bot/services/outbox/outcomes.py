"""Keeps what came of each attempt, and says when a part is tried again. Sends nothing; pausing places is `places`'."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from bot.services.outbox import discord_errors, sender, throttle
from bot.services.outbox import suspension as places
from bot.services.outbox.discord_errors import Effect
from bot.services.posts import contents
from storage import alerts, models, posted
from storage.database import Database
from storage.outbox import queries, transitions
from storage.outbox.queries import Due

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attempt, for metrics. `late_seconds` counts from when the delivery was due; only when sent.

    `name` is sent, found (a look-up proved it sent), retry, uncertain, paused, failed, fallback or expired.
    """

    name: str
    kind: models.DeliveryKind
    reason: str | None = None
    late_seconds: float | None = None


Report = Callable[[Outcome], None]

LINGER_SECONDS = 0.05
"""How long an answer waits for others to be stored with it. A crash meanwhile is like one before the answer came."""


class Settler:
    """Writes outcomes into the outbox. `nonces` gives a new nonce for a fallback; `report` is told each outcome."""

    def __init__(
        self,
        database: Database,
        places: places.Places,
        *,
        nonces: Callable[[], str],
        dice: random.Random,
        report: Report = lambda _: None,
        linger_seconds: float = LINGER_SECONDS,
    ) -> None:
        self._database = database
        self._places = places
        self._nonces = nonces
        self._dice = dice
        self._report = report
        self._linger_seconds = linger_seconds
        self._unstored: list[transitions.Sent] = []
        self._storing = asyncio.Lock()
        self.trouble = throttle.Trouble(dice)

    async def sent(self, due: Due, accepted: sender.Accepted, now: datetime, *, found: bool) -> None:
        """Keep that a part was sent, or that a look-up `found` it sent."""
        self.trouble.note(now, trouble=False)
        await self._store(transitions.Sent(due.part.id, accepted.message_id, accepted.channel_id), now)
        late = (now - due.delivery.due_at).total_seconds()
        self._tell("found" if found else "sent", due, late_seconds=late)

    async def _store(self, sent: transitions.Sent, now: datetime) -> None:
        """Store one, together with all that others wait to store: a fan-out then costs few transactions."""
        self._unstored.append(sent)
        async with self._storing:
            if sent not in self._unstored:
                return
            await asyncio.sleep(self._linger_seconds)
            batch = list(self._unstored)
            async with self._database.transaction() as connection:
                await transitions.mark_sent(connection, batch, now)
            self._unstored = [one for one in self._unstored if one not in batch]

    async def failed(
        self, due: Due, error: discord_errors.DeliveryError, started: datetime, now: datetime
    ) -> None:
        """Keep that an attempt begun at `started` (UTC) brought no message, and what follows from it."""
        verdict = error.verdict
        self.trouble.note(now, trouble=verdict.reason is contents.Reason.DISCORD_TROUBLE)
        match verdict.effect:
            case Effect.DONE:
                target = sender.Accepted(due.part.message_id, due.delivery.channel_id or 0)
                await self.sent(due, target, now, found=True)
            case Effect.RETRY | Effect.UNKNOWN | Effect.TOKEN:
                await self._retry(due, error, started, now)
            case Effect.HIDDEN:
                async with self._database.transaction() as connection:
                    await transitions.mark_uncertain(
                        connection, due.part.id, reason=contents.Reason.UNCERTAIN, error_code=error.code
                    )
                self._tell("uncertain", due, error)
            case Effect.PLACE | Effect.CLOSED:
                await self._bar(due, error, now)
            case Effect.CONTENT:
                await self._refuse(due, error, now)
            case Effect.DELIVERY:
                await self._fail(due, error, now)

    async def expire(self, now: datetime) -> None:
        """End what is too old to be posted at `now` (UTC). What surely nobody saw of it may be posted and told again."""
        async with self._database.transaction() as connection:
            expired = await transitions.expire(connection, now, reason=contents.Reason.TOO_OLD)
            unsent = set(await queries.list_unsent(connection, [one.id for one in expired]))
            told = [one.id for one in expired if one.kind is models.DeliveryKind.ALERT]
            await alerts.forget_told(connection, unsent.intersection(told))
            await posted.uncover(
                connection,
                [
                    (one.subscription_id, one.planned_at)
                    for one in expired
                    if one.id in unsent and one.subscription_id is not None
                ],
            )
        for delivery in expired:
            log.warning("a delivery was too old to be posted", delivery=delivery.id, key=delivery.key)
            self._report(Outcome("expired", delivery.kind, contents.Reason.TOO_OLD))

    async def _retry(
        self, due: Due, error: discord_errors.DeliveryError, started: datetime, now: datetime
    ) -> None:
        verdict, part = error.verdict, due.part
        unknown_since = part.first_attempt_at
        if unknown_since is None and verdict.effect is Effect.UNKNOWN:
            unknown_since = started
        delay = throttle.retry_delay(part.attempts + 1, self._dice, verdict.wait_seconds)
        async with self._database.transaction() as connection:
            await transitions.mark_retry(
                connection,
                part.id,
                next_attempt_at=now + delay,
                unknown_since=unknown_since,
                error=verdict.reason,
                error_code=error.code or error.status,
            )
        self._tell("retry", due, error, wait_seconds=round(delay.total_seconds(), 1))

    async def _bar(self, due: Due, error: discord_errors.DeliveryError, now: datetime) -> None:
        closed = error.verdict.effect is Effect.CLOSED
        async with self._database.transaction() as connection:
            if closed:
                await transitions.mark_failed(
                    connection, due.part.id, reason=error.verdict.reason, now=now, error_code=error.code
                )
            else:
                await transitions.mark_paused(
                    connection,
                    due.part.id,
                    reason=error.verdict.reason,
                    unknown_since=due.part.first_attempt_at,
                    error_code=error.code,
                )
            await self._places.bar(connection, due.delivery, error.verdict, now)
        self._tell("failed" if closed else "paused", due, error)

    async def _refuse(self, due: Due, error: discord_errors.DeliveryError, now: datetime) -> None:
        log.error("Discord refused a message", delivery=due.delivery.id, payload=due.part.payload)
        async with self._database.transaction() as connection:
            has_plain_form = await transitions.use_fallback(
                connection, due.part.id, nonce=self._nonces(), now=now
            )
        if has_plain_form:
            self._tell("fallback", due, error)
        else:
            await self._fail(due, error, now)

    async def _fail(self, due: Due, error: discord_errors.DeliveryError, now: datetime) -> None:
        async with self._database.transaction() as connection:
            await transitions.mark_failed(
                connection, due.part.id, reason=error.verdict.reason, now=now, error_code=error.code
            )
        self._tell("failed", due, error)

    def _tell(
        self,
        name: str,
        due: Due,
        error: discord_errors.DeliveryError | None = None,
        *,
        late_seconds: float | None = None,
        **details: float,
    ) -> None:
        reason = None if error is None else error.verdict.reason.value
        write = log.info if error is None or name == "retry" else log.warning
        write(
            "part " + name,
            delivery=due.delivery.id,
            part=due.part.id,
            channel=due.delivery.channel_id,
            reason=reason,
            error=None if error is None else str(error),
            **details,
        )
        self._report(Outcome(name, due.delivery.kind, reason, late_seconds))
