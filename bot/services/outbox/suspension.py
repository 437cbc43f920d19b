"""Pauses and resumes what is posted in a place that Discord bars or opens again, and tells its owner once. Sends nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from bot.services.outbox.discord_errors import Classification, Disposition
from bot.services.posts import contents
from bot.services.posts.contents import NoticeKind, Reason
from bot.services.posts.delivery_factory import DeliveryFactory
from storage import alerts, guilds, models, readers, subscriptions
from storage.database import Connection, Database
from storage.models import ActivityState, DeliveryKind
from storage.outbox import holds, plan, queries

MayPost = Callable[[int, int, str], bool | None]
"""Whether the reason why a channel (guild id, channel id, reason) was barred is gone; None while that is not known."""

SUBSCRIPTION_REASONS = frozenset(
    {Reason.TAG_NEEDED, Reason.WRONG_CHANNEL_KIND, Reason.NO_THREADS, Reason.THREAD_LOCKED}
)
"""Reasons that concern one subscription's style, not everything that is posted in its channel."""


class DestinationSuspender:
    """Turns a barred place into paused subscriptions and alerts, and into one notice for each owner."""

    def __init__(self, deliveries: DeliveryFactory) -> None:
        self._deliveries = deliveries

    async def suspend(
        self, connection: Connection, delivery: models.Delivery, classification: Classification, now: datetime
    ) -> None:
        """Pause (or close) whatever posts in this delivery's place, and plan the notices."""
        closed = classification.disposition is Disposition.DESTINATION_GONE
        state = ActivityState.CLOSED if closed else ActivityState.PAUSED
        if delivery.kind is DeliveryKind.NOTICE:
            await self._redirect_notice(connection, delivery, now)
        elif delivery.user_id is not None and delivery.guild_id is None:
            await self._suspend_reader(connection, delivery.user_id, state, classification.reason)
        elif delivery.channel_id is not None:
            await self._suspend_channel(connection, delivery, state, classification.reason, now)

    async def _suspend_reader(
        self, connection: Connection, user_id: int, state: ActivityState, reason: Reason
    ) -> None:
        """Pause a reader's alerts by DM. There is no way to tell them: it stands in /status."""
        await readers.clear_dm_channel(connection, user_id)
        mine = [
            one.id for one in await alerts.list_rows(connection, user_id=user_id) if one.channel_id is None
        ]
        await alerts.set_state(connection, mine, state, reason=reason)
        await holds.pause(connection, user_id=user_id, reason=reason)

    async def _suspend_channel(
        self,
        connection: Connection,
        delivery: models.Delivery,
        state: ActivityState,
        reason: Reason,
        now: datetime,
    ) -> None:
        here = await subscriptions.list_rows(connection, channel_id=delivery.channel_id)
        here = [one for one in here if one.state is ActivityState.ACTIVE]
        if reason in SUBSCRIPTION_REASONS and delivery.subscription_id is not None:
            here = [one for one in here if one.id == delivery.subscription_id]
        changed = await subscriptions.set_state(connection, [one.id for one in here], state, reason=reason)
        kind = NoticeKind.CLOSED if state is ActivityState.CLOSED else NoticeKind.PAUSED
        for subscription in here:
            if subscription.id in changed:
                await self._notify_owner(connection, subscription, kind, reason, now)
        if reason not in SUBSCRIPTION_REASONS:
            await self._suspend_channel_alerts(connection, delivery, state, kind, reason, now)
            if state is ActivityState.PAUSED:
                await holds.pause(connection, channel_id=delivery.channel_id, reason=reason)
            else:
                rest = await queries.list_rows(
                    connection, channel_id=delivery.channel_id, state=models.DeliveryState.PLANNED
                )
                await holds.cancel(connection, [one.id for one in rest], reason=reason, now=now)

    async def _suspend_channel_alerts(
        self,
        connection: Connection,
        delivery: models.Delivery,
        state: ActivityState,
        kind: NoticeKind,
        reason: Reason,
        now: datetime,
    ) -> None:
        found = await alerts.list_rows(connection, channel_id=delivery.channel_id)
        active = [one for one in found if one.state is ActivityState.ACTIVE]
        await alerts.set_state(connection, [one.id for one in active], state, reason=reason)
        for owner in {one.user_id: one for one in active}.values():
            notice = contents.NoticePost(
                marker=f"notice:a{owner.id}:{int(now.timestamp())}",
                locale=await _locale_of(connection, owner.user_id, delivery.locale),
                kind=kind,
                reason=reason,
                channel_id=owner.channel_id,
                alert_id=owner.id,
            )
            await plan.add(
                connection,
                self._deliveries.build_notice(
                    notice, now=now, user_id=owner.user_id, guild_id=owner.guild_id
                ),
            )

    async def _notify_owner(
        self,
        connection: Connection,
        subscription: models.Subscription,
        kind: NoticeKind,
        reason: Reason | None,
        now: datetime,
    ) -> None:
        notice = contents.NoticePost(
            marker=f"notice:s{subscription.id}:{int(now.timestamp())}",
            locale=await _locale_of(connection, subscription.created_by, subscription.locale),
            kind=kind,
            reason=reason,
            channel_id=subscription.channel_id,
            subscription_id=subscription.id,
        )
        user_id, channel_id = subscription.created_by, None
        if user_id is None:
            guild = await guilds.get(connection, subscription.guild_id)
            channel_id = None if guild is None else guild.system_channel_id
            if channel_id in (None, subscription.channel_id):
                return
        delivery = self._deliveries.build_notice(
            notice, now=now, user_id=user_id, guild_id=subscription.guild_id, channel_id=channel_id
        )
        await plan.add(connection, delivery)

    async def _redirect_notice(
        self, connection: Connection, delivery: models.Delivery, now: datetime
    ) -> None:
        """Send a notice that its reader does not take to the server's system channel instead, once."""
        if delivery.user_id is None or delivery.guild_id is None:
            return
        await readers.clear_dm_channel(connection, delivery.user_id)
        guild = await guilds.get(connection, delivery.guild_id)
        if guild is not None and guild.system_channel_id is not None:
            await holds.redirect(
                connection, delivery.id, guild.system_channel_id, nonce=self._deliveries.new_nonce(), now=now
            )


class DestinationResumer:
    """Goes on with what was paused, once its place can be written to again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def resume(self, may_post: MayPost, now: datetime, *, guild_id: int | None = None) -> set[int]:
        """Resume what Discord had barred and `may_post` now allows, of one server or of all. Returns the channels.

        What of their deliveries is not too old goes out at once. What a person paused stays paused.
        """
        async with self._database.transaction() as connection:
            paused = await subscriptions.list_rows(connection, guild_id=guild_id, state=ActivityState.PAUSED)
            posts_open = [
                one for one in paused if one.reason != Reason.BY_HAND and _can_resume(may_post, one)
            ]
            rules_open = [
                one
                for one in await alerts.list_suspended(connection)
                if guild_id in (None, one.guild_id) and _can_resume(may_post, one)
            ]
            await subscriptions.set_state(connection, [one.id for one in posts_open], ActivityState.ACTIVE)
            await alerts.set_state(connection, [one.id for one in rules_open], ActivityState.ACTIVE)
            channels = {one.channel_id for one in posts_open}
            channels |= {one.channel_id for one in rules_open if one.channel_id is not None}
            for channel_id in sorted(channels):
                await holds.resume(connection, now, channel_id=channel_id)
        return channels


def _can_resume(may_post: MayPost, paused: models.Subscription | models.Alert) -> bool:
    if paused.guild_id is None or paused.channel_id is None or paused.reason is None:
        return False
    return bool(may_post(paused.guild_id, paused.channel_id, paused.reason))


async def _locale_of(connection: Connection, user_id: int | None, default: models.Locale) -> models.Locale:
    reader = await readers.get(connection, user_id) if user_id is not None else None
    return reader.locale if reader is not None and reader.locale is not None else default
