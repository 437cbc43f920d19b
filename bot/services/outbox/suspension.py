"""Suspends what posts to a destination that Discord blocks, and resumes it when the destination is available again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from bot.services.outbox import owner_notice
from bot.services.outbox.discord_errors import Classification, Disposition
from bot.services.posts.contents import NoticeKind, Reason
from bot.services.posts.delivery_factory import DeliveryFactory
from bot.services.posts.kinds import STYLE_REASONS, DeliveryKinds
from storage import guilds, models, readers
from storage.database import Connection, Database
from storage.models import ActivityState, DeliveryKind
from storage.outbox import holds, queries

MayPost = Callable[[int, int, str], bool | None]
"""Checks whether the reason why a channel is blocked (guild id, channel id, reason) is gone; None if unknown."""


class DestinationSuspender:
    """Pauses (or closes) what posts to a blocked destination, with one notice per owner. `kinds` say what that is."""

    def __init__(self, deliveries: DeliveryFactory, kinds: DeliveryKinds) -> None:
        self._deliveries = deliveries
        self._kinds = kinds
        self._notifier = owner_notice.OwnerNotifier(deliveries)

    async def suspend(
        self, connection: Connection, delivery: models.Delivery, classification: Classification, now: datetime
    ) -> None:
        """Suspend the destination of `delivery` at `now` (UTC). A notice is redirected instead, once."""
        is_gone = classification.disposition is Disposition.DESTINATION_GONE
        state = ActivityState.CLOSED if is_gone else ActivityState.PAUSED
        notice_kind = NoticeKind.CLOSED if is_gone else NoticeKind.PAUSED
        reason = classification.reason
        if delivery.kind is DeliveryKind.NOTICE:
            await self._redirect_notice(connection, delivery, now)
            return
        if delivery.is_direct and delivery.user_id is not None:
            # No message can reach the reader; /status shows it.
            await readers.clear_dm_channel(connection, delivery.user_id)
        elif delivery.channel_id is None:
            return
        for record in self._kinds:
            changed = await record.suspend(connection, delivery, state, reason)
            await self._notifier.notify(
                connection, changed, notice_kind, now, default_locale=delivery.locale, reason=reason
            )
        if delivery.is_direct:
            await holds.pause(connection, user_id=delivery.user_id, reason=reason)
        elif reason in STYLE_REASONS:
            return
        elif is_gone:
            planned = await queries.list_rows(
                connection, channel_id=delivery.channel_id, state=models.DeliveryState.PLANNED
            )
            await holds.cancel(connection, [other.id for other in planned], reason=reason, now=now)
        else:
            await holds.pause(connection, channel_id=delivery.channel_id, reason=reason)

    async def _redirect_notice(
        self, connection: Connection, delivery: models.Delivery, now: datetime
    ) -> None:
        """Redirect a notice that its reader does not accept to the server's system channel, once."""
        if delivery.user_id is None or delivery.guild_id is None:
            return
        await readers.clear_dm_channel(connection, delivery.user_id)
        guild = await guilds.get(connection, delivery.guild_id)
        if guild is not None and guild.system_channel_id is not None:
            await holds.redirect(
                connection, delivery.id, guild.system_channel_id, nonce=self._deliveries.new_nonce(), now=now
            )


class DestinationResumer:
    """Resumes what was suspended, with one notice per owner. `default_locale` is for owners without a language."""

    def __init__(
        self,
        database: Database,
        deliveries: DeliveryFactory,
        kinds: DeliveryKinds,
        default_locale: models.Locale,
    ) -> None:
        self._database = database
        self._kinds = kinds
        self._notifier = owner_notice.OwnerNotifier(deliveries)
        self._default_locale = default_locale

    async def resume(self, may_post: MayPost, now: datetime, *, guild_id: int | None = None) -> set[int]:
        """Resume what `may_post` allows, in one server or in all. Returns the channel ids.

        Deliveries that have not expired are due at once. What a person paused stays paused.
        """

        def can_resume(of_guild_id: int | None, channel_id: int | None, reason: str | None) -> bool:
            if of_guild_id is None or channel_id is None or reason in (None, Reason.BY_HAND):
                return False
            return guild_id in (None, of_guild_id) and bool(may_post(of_guild_id, channel_id, reason))

        channel_ids: set[int] = set()
        async with self._database.transaction() as connection:
            for record in self._kinds:
                resumed = await record.resume(connection, can_resume, guild_id)
                await self._notifier.notify(
                    connection,
                    [owned for owned in resumed if owned.is_notified],
                    NoticeKind.RESUMED,
                    now,
                    default_locale=self._default_locale,
                )
                channel_ids.update(owned.channel_id for owned in resumed if owned.channel_id is not None)
            for channel_id in sorted(channel_ids):
                await holds.resume(connection, now, channel_id=channel_id)
        return channel_ids
