"""One delivery attempt: opens the DM, builds the send request, and checks the history for an earlier copy if needed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from bot.services.outbox import discord_errors
from bot.services.outbox import sender as outbox_sender
from bot.services.posts import contents
from storage import models, readers
from storage.database import Database
from storage.models import PartKind
from storage.outbox import plan, queries
from storage.outbox.queries import DuePart

NONCE_WINDOW = timedelta(seconds=60)
"""How long after a first attempt the nonce alone is trusted to prevent a second message.

Discord remembers nonces for "the past few minutes" and documents no number; two minutes are assumed (resources/message,
api#6647), and an attempt can itself take 20 s to arrive.
"""

DEPENDENT_KINDS = frozenset({PartKind.THREAD, PartKind.THREAD_MESSAGE, PartKind.CROSSPOST})
"""Kinds that build on an earlier part of their delivery."""


class AttemptRunner:
    """Runs single attempts. `monotonic` (seconds) detects that the clock was set back."""

    def __init__(
        self, database: Database, sender: outbox_sender.Sender, monotonic: Callable[[], float]
    ) -> None:
        self._database = database
        self._sender = sender
        self._monotonic = monotonic
        self._unknown_since: dict[int, float] = {}

    async def run(self, due: DuePart, now: datetime) -> tuple[models.Receipt, bool]:
        """Return the receipt, and whether the message was already there. Raises `discord_errors.DeliveryError`."""
        delivery, part = due.delivery, due.part
        channel_id = delivery.channel_id
        if channel_id is None:
            channel_id = await self._open_dm(delivery, now)
        preceding = await self._list_preceding_parts(due) if part.kind in DEPENDENT_KINDS else []
        request = outbox_sender.build_request(delivery, part, channel_id, preceding)
        receipt = None
        if part.first_attempt_at is not None and self._must_check_history(part, part.first_attempt_at, now):
            receipt = await self._sender.find(request, part.first_attempt_at)
        was_found = receipt is not None
        receipt = receipt or await self._sender.send(request)
        self._unknown_since.pop(part.id, None)
        return receipt, was_found

    def mark_outcome_unknown(self, due: DuePart) -> None:
        """Record that an attempt ended now without an answer from Discord."""
        self._unknown_since.setdefault(due.part.id, self._monotonic())

    def _must_check_history(self, part: models.Part, first_attempt_at: datetime, now: datetime) -> bool:
        """Whether there may be a copy already, and the nonce no longer prevents a second one."""
        if part.kind is PartKind.FORUM_POST:
            return True  # it has no nonce
        age = now - first_attempt_at
        measured = self._monotonic() - self._unknown_since.get(part.id, self._monotonic())
        # A first attempt in the future means that the clock was set back: its age is unknown then.
        return not timedelta(0) <= age < NONCE_WINDOW or measured >= NONCE_WINDOW.total_seconds()

    async def _list_preceding_parts(self, due: DuePart) -> list[models.Part]:
        async with self._database.read() as connection:
            parts = await queries.list_parts(connection, due.delivery.id)
        return [part for part in parts if part.position < due.part.position]

    async def _open_dm(self, delivery: models.Delivery, now: datetime) -> int:
        user_id = delivery.user_id
        if user_id is None:
            raise discord_errors.DeliveryError(
                discord_errors.Classification(
                    discord_errors.Disposition.DESTINATION_GONE, contents.Reason.UNKNOWN_CHANNEL
                ),
                "the delivery names neither a channel nor a reader",
            )
        async with self._database.read() as connection:
            reader = await readers.get(connection, user_id)
        channel_id = reader.dm_channel_id if reader is not None else None
        if channel_id is None:
            channel_id = await self._sender.open_dm(user_id)
        async with self._database.transaction() as connection:
            # A reader who asked meanwhile to be forgotten has no delivery any more, and must not be stored again.
            if await plan.set_channel(connection, delivery.id, channel_id):
                await readers.upsert(connection, user_id, now=now, dm_channel_id=channel_id)
        return channel_id
