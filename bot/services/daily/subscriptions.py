"""Makes, changes and ends channels' standing orders, for `/daily` and for `paperround channels` alike."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from bot import errors
from bot.clock import Clock
from bot.services.daily import decision, schedule
from bot.services.posts.contents import Reason
from storage import models, subscriptions
from storage.database import Connection, Database
from storage.outbox import holds, queries

MAX_TOP_N = 25
"""What a select menu can offer to open (Discord's limit on options)."""


@dataclass(frozen=True, slots=True)
class SubscriptionOptions:
    """What an order asks for, apart from its place. Times as in `models.Subscription`."""

    at_time: str = "09:00"
    timezone: str = "UTC"
    days: tuple[int, ...] = schedule.EVERY_DAY
    top_n: int = 5
    min_votes: int = 0
    locale: models.Locale = models.Locale.EN
    style: models.Style = models.Style.COMPACT
    say_when_empty: bool = False
    fresh_days: int = 3
    wait_minutes: int = 720
    settle_hours: int = 0

    def validated(self) -> SubscriptionOptions:
        """Return the same with the time in its one form. Raises UsageError naming the field and a value that works."""
        schedule.parse_zone(self.timezone)
        for name, value, low, high in (
            ("top N", self.top_n, 1, MAX_TOP_N),
            ("minimum votes", self.min_votes, 0, 1_000_000),
            ("fresh days", self.fresh_days, 1, 14),
            ("minutes to wait for a digest", self.wait_minutes, 0, 1440),
            ("hours for votes to settle", self.settle_hours, 0, 72),
        ):
            if not low <= value <= high:
                raise errors.UsageError(f"{name} is {value}; it must be from {low} to {high}.")
        if not self.days or not set(self.days) <= set(schedule.EVERY_DAY):
            raise errors.UsageError(
                "There must be at least one weekday. Use mon, tue, wed, thu, fri, sat, sun."
            )
        at = schedule.parse_time(self.at_time)
        return replace(self, at_time=f"{at:%H:%M}", days=tuple(sorted(set(self.days))))


class Subscriptions:
    """The use cases around standing orders. Asks Discord nothing."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def add(
        self, *, guild_id: int, channel_id: int, options: SubscriptionOptions, created_by: int | None = None
    ) -> models.Subscription:
        """Start an order; its first post is the next moment that it names.

        Raises UsageError for a value that cannot be used and storage.errors.DuplicateError for an identical order.
        """
        options, now = options.validated(), self._clock()
        due = _next_due(options, now)
        values: dict[str, Any] = {field.name: getattr(options, field.name) for field in fields(options)}
        new = models.Subscription(
            id=0,
            guild_id=guild_id,
            channel_id=channel_id,
            state=models.ActivityState.ACTIVE,
            reason=None,
            created_by=created_by,
            created_at=now,
            next_due_at=due.at,
            due_on=due.local_on,
            waiting_for_on=None,
            **values,
        )
        async with self._database.transaction() as connection:
            return replace(new, id=await subscriptions.add(connection, new))

    async def list_rows(
        self, *, guild_id: int | None = None, channel_id: int | None = None
    ) -> list[models.Subscription]:
        """Return the orders of a server, of a channel, or all."""
        async with self._database.read() as connection:
            return await subscriptions.list_rows(connection, guild_id=guild_id, channel_id=channel_id)

    async def get(self, subscription_id: int) -> models.Subscription:
        """Return one order. Raises UsageError when there is none of that id."""
        async with self._database.read() as connection:
            return await _get(connection, subscription_id)

    async def edit(self, subscription_id: int, options: SubscriptionOptions) -> models.Subscription:
        """Change what an order asks for; a changed time counts from now on, and a day that was posted is not posted again.

        A day whose digest is waited for is looked at once more by the new wishes, if it is still a day of theirs.
        Raises as `add` does.
        """
        options, now = options.validated(), self._clock()
        async with self._database.transaction() as connection:
            old = await _get(connection, subscription_id, for_update=True)
            changed = replace(old, **{field.name: getattr(options, field.name) for field in fields(options)})
            if _is_awaiting_digest(changed, now):
                changed = replace(changed, next_due_at=now)
            elif schedule_key(changed) != schedule_key(old):
                due = await _next_unplanned_due(connection, subscription_id, options, now)
                changed = replace(
                    changed,
                    next_due_at=due.at,
                    due_on=due.local_on,
                    waiting_for_on=None,
                    waiting_until_at=None,
                )
            await subscriptions.update(connection, changed)
        return changed

    async def pause(self, subscription_id: int, reason: Reason = Reason.BY_HAND) -> models.Subscription:
        """Stop posting, what waits to be sent included, until somebody resumes it."""
        async with self._database.transaction() as connection:
            old = await _get(connection, subscription_id, for_update=True)
            changed = replace(old, state=models.ActivityState.PAUSED, reason=reason.value)
            await subscriptions.update(connection, changed)
            await holds.pause(connection, subscription_id=subscription_id, reason=reason)
        return changed

    async def resume(self, subscription_id: int) -> models.Subscription:
        """Post again from the next due moment on; what a pause held back in the outbox goes out at once."""
        now = self._clock()
        async with self._database.transaction() as connection:
            old = await _get(connection, subscription_id, for_update=True)
            if old.state is models.ActivityState.ACTIVE:
                return old
            due = await _next_unplanned_due(connection, subscription_id, options_of(old), now)
            changed = replace(
                old,
                state=models.ActivityState.ACTIVE,
                reason=None,
                next_due_at=due.at,
                due_on=due.local_on,
                waiting_for_on=None,
                waiting_until_at=None,
            )
            await subscriptions.update(connection, changed)
            await holds.resume(connection, now, channel_id=old.channel_id)
        return changed

    async def remove(self, subscription_id: int) -> models.Subscription:
        """End an order for good, with what still waited to be sent for it. Returns what it was."""
        now = self._clock()
        async with self._database.transaction() as connection:
            old = await _get(connection, subscription_id, for_update=True)
            await holds.cancel_for_subscription(
                connection, subscription_id, reason=Reason.BY_HAND.value, now=now
            )
            await subscriptions.remove(connection, subscription_id)
        return old


def options_of(subscription: models.Subscription) -> SubscriptionOptions:
    """Return what a stored order asks for."""
    return SubscriptionOptions(
        **{field.name: getattr(subscription, field.name) for field in fields(SubscriptionOptions)}
    )


def schedule_key(subscription: models.Subscription) -> tuple[str, str, tuple[int, ...]]:
    """Return the part of an order that its due times follow from."""
    return subscription.at_time, subscription.timezone, subscription.days


def _next_due(options: SubscriptionOptions, now: datetime) -> schedule.DueTime:
    at, zone = schedule.parse_time(options.at_time), schedule.parse_zone(options.timezone)
    return schedule.next_due(now, at, zone, options.days)


async def _next_unplanned_due(
    connection: Connection, subscription_id: int, options: SubscriptionOptions, now: datetime
) -> schedule.DueTime:
    """Return the next due moment of a date whose post was not planned before."""
    due = _next_due(options, now)
    while await queries.list_existing_keys(
        connection, [decision.delivery_key(subscription_id, due.local_on)]
    ):
        due = _next_due(options, due.at)
    return due


def _is_awaiting_digest(subscription: models.Subscription, now: datetime) -> bool:
    """Whether the day whose digest is waited for has come, and is one of the subscription's."""
    on = subscription.waiting_for_on
    if on is None or on.isoweekday() not in subscription.days:
        return False
    zone = schedule.parse_zone(subscription.timezone)
    return schedule.wall_clock_to_utc(on, schedule.parse_time(subscription.at_time), zone) <= now


async def _get(
    connection: Connection, subscription_id: int, *, for_update: bool = False
) -> models.Subscription:
    found = await subscriptions.get(connection, subscription_id, for_update=for_update)
    if found is None:
        raise errors.UsageError(
            f"There is no daily post with the id {subscription_id}. List them to see which there are."
        )
    return found
