"""Use cases of subscriptions: edit, pause, resume, remove."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from bot.daily import options
from bot.daily.service import Subscriptions, TooManyPostsError
from storage import daily, errors, models, outbox, tables
from storage.database import Connection
from tests.support import patience
from tests.support.planner_harness import DAY, EVENING, HOUR, MINUTE, MONDAY, SEOUL_9AM, PlannerHarness

both_engines = pytest.mark.engines("sqlite", "postgresql")


UNBLOCKED_SECONDS = 0.25
"""Seconds within which a task that is not blocked has finished."""


async def test_a_subscription_rescheduled_after_its_post_is_due_the_next_day(
    planning: PlannerHarness,
) -> None:
    subscription_id = await planning.post(("2601.00001", 9))
    hour_later = SEOUL_9AM + HOUR
    service = Subscriptions(planning.database, lambda: hour_later)
    wanted = replace(await planning.get_subscription(subscription_id), at_time="18:00")
    changed = await service.edit(wanted)
    assert changed.next_due_at == SEOUL_9AM + 1 * DAY + 9 * HOUR
    assert changed.due_on == MONDAY + DAY


async def test_a_waiting_subscription_keeps_its_date_when_it_is_edited(planning: PlannerHarness) -> None:
    subscription_id = await planning.subscribe(settle_hours=6)
    await planning.store(MONDAY, ("2601.00001", 9), at=SEOUL_9AM - HOUR)
    await planning.tick(SEOUL_9AM)
    now = SEOUL_9AM + 5 * MINUTE
    service = Subscriptions(planning.database, lambda: now)
    wanted = replace(
        await planning.get_subscription(subscription_id), days=(1, 2), at_time="08:30", settle_hours=0
    )
    await service.edit(wanted)
    assert await planning.tick(now) == 1
    assert (await planning.list_payloads())[0]["marker"].endswith("2026-01-05")
    await service.edit(replace(wanted, days=(2,)))
    assert (await planning.get_subscription(subscription_id)).due_on == MONDAY + DAY


@pytest.mark.parametrize(
    ("changes", "is_posted"),
    [
        ({"at_time": "08:55"}, True),
        ({"at_time": "21:00"}, False),
        ({"days": (2,)}, False),
        ({"settle_hours": 0}, True),
    ],
)
async def test_a_post_that_is_due_when_its_schedule_is_edited_is_not_lost(
    planning: PlannerHarness, changes: dict[str, Any], is_posted: bool
) -> None:
    subscription_id = await planning.subscribe()
    await planning.store(MONDAY, ("2601.00001", 9))
    now = SEOUL_9AM + MINUTE  # the bot was down at nine
    service = Subscriptions(planning.database, lambda: now)
    await service.edit(replace(await planning.get_subscription(subscription_id), **changes))
    assert await planning.tick(now) == is_posted
    assert await planning.tick(now + 13 * HOUR) == (changes.get("at_time") == "21:00")
    assert len(await planning.list_payloads()) == ("days" not in changes)


@pytest.mark.parametrize("reason", [models.Reason.NO_SEND, models.Reason.BY_HAND])
async def test_what_discord_kept_from_being_posted_is_posted_after_a_resume_by_hand(
    planning: PlannerHarness, reason: models.Reason
) -> None:
    subscription_id = await planning.subscribe()
    async with planning.database.transaction() as connection:
        await daily.set_state(connection, [subscription_id], models.ActivityState.PAUSED, reason=reason)
    await planning.store(MONDAY, ("2601.00001", 9))
    now = SEOUL_9AM + HOUR
    assert await planning.tick(now) == 0
    await Subscriptions(planning.database, lambda: now).resume(subscription_id)
    assert await planning.tick(now) == (reason is models.Reason.NO_SEND)


@pytest.mark.parametrize("style", [models.Style.COMPACT, models.Style.WEEKLY])
@pytest.mark.parametrize(
    ("changes", "is_posted"),
    [({"at_time": "08:55"}, True), ({"at_time": "21:00"}, False), ({"days": (2,)}, False)],
)
async def test_what_discord_kept_from_being_posted_is_not_lost_by_an_edit(
    planning: PlannerHarness, style: models.Style, changes: dict[str, Any], is_posted: bool
) -> None:
    subscription_id = await planning.subscribe(style=style, days=(1,), fresh_days=1)
    async with planning.database.transaction() as connection:
        await daily.set_state(
            connection, [subscription_id], models.ActivityState.PAUSED, reason=models.Reason.NO_SEND
        )
    await planning.store(MONDAY, ("2601.00001", 9))
    now = SEOUL_9AM + HOUR
    service = Subscriptions(planning.database, lambda: now)
    await service.edit(replace(await planning.get_subscription(subscription_id), **changes))
    assert await planning.tick(now) == 0
    async with planning.database.transaction() as connection:
        await daily.set_state(connection, [subscription_id], models.ActivityState.ACTIVE)
    assert await planning.tick(now) == is_posted


@pytest.mark.parametrize("is_shown", [False, True])
async def test_a_post_that_its_style_blocks_is_planned_in_the_new_style_and_does_not_block_it_again(
    planning: PlannerHarness, is_shown: bool
) -> None:
    subscription_id = await planning.post(("2601.00001", 9), style=models.Style.ANNOUNCEMENT)
    await planning.attempt(1, to=models.PartState.PAUSED)
    async with planning.database.transaction() as connection:
        if is_shown:  # as the message that is to be published
            await connection.execute(tables.parts.update().values(first_attempt_at=SEOUL_9AM))
        await daily.set_state(
            connection,
            [subscription_id],
            models.ActivityState.PAUSED,
            reason=models.Reason.WRONG_CHANNEL_KIND,
        )
    now = SEOUL_9AM + HOUR
    service = Subscriptions(planning.database, lambda: now)
    await service.edit(replace(await planning.get_subscription(subscription_id), style=models.Style.COMPACT))
    await planning.expire(now)
    async with planning.database.transaction() as connection:
        await daily.set_state(connection, [subscription_id], models.ActivityState.ACTIVE)
        await outbox.resume(connection, now, channel_id=20)
        assert await outbox.list_due(connection, now) == []
    assert await planning.tick(now) == (not is_shown)


@both_engines
async def test_planned_deliveries_of_a_paused_subscription_are_held_until_it_is_resumed(
    planning: PlannerHarness,
) -> None:
    paused, other = await planning.subscribe(), await planning.subscribe(at_time="09:05")
    await planning.store(MONDAY, ("2601.00001", 9), ("2601.00002", 8), ("2601.00003", 7))
    await planning.tick(SEOUL_9AM)
    now = SEOUL_9AM + MINUTE
    service = Subscriptions(planning.database, lambda: now)
    await service.pause(paused)
    async with planning.database.transaction() as connection:
        assert await outbox.list_due(connection, now) == []
    await service.pause(other)
    await service.resume(other)
    async with planning.database.transaction() as connection:
        await outbox.resume(connection, now, channel_id=20)
        assert await outbox.list_due(connection, now) == []
    await service.resume(paused)
    async with planning.database.transaction() as connection:
        assert len(await outbox.list_due(connection, now)) == 1


@both_engines
async def test_an_edit_during_planning_keeps_the_planned_schedule(planning: PlannerHarness) -> None:
    subscription_id = await planning.subscribe()
    service = Subscriptions(planning.database, lambda: SEOUL_9AM)
    wanted = replace(await planning.get_subscription(subscription_id), top_n=7)
    tomorrow = SEOUL_9AM + DAY
    planned = replace(
        await planning.get_subscription(subscription_id),
        next_due_at=tomorrow,
        due_on=MONDAY + DAY,
        last_digest_on=MONDAY,
    )
    async with planning.database.transaction() as connection:
        assert len(await daily.list_due(connection, SEOUL_9AM, limit=10)) == 1
        change = asyncio.create_task(service.edit(wanted))
        await asyncio.wait({change}, timeout=UNBLOCKED_SECONDS)
        await daily.set_schedules(connection, [planned])
    await change
    subscription = await planning.get_subscription(subscription_id)
    assert (subscription.top_n, subscription.next_due_at, subscription.last_digest_on) == (
        7,
        tomorrow,
        MONDAY,
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"top_n": 26}, r"The number of papers \(--top\) is 26; it must be from 1 to 25"),
        ({"min_votes": -1}, "The minimum number of votes"),
        (
            {"fresh_days": 0},
            r"The maximum age of a digest \(--fresh-days\) is 0 days; it must be from 1 to 14",
        ),
        ({"days": ()}, "at least one weekday"),
        ({"at_time": "25:00"}, "not a time of day"),
        ({"timezone": "Mars/Olympus"}, "not an IANA time zone"),
    ],
)
def test_invalid_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(errors.UsageError, match=message):
        options.validated(models.Subscription(guild_id=1, channel_id=1, **settings))


def test_valid_settings_are_normalised() -> None:
    draft = models.Subscription(guild_id=1, channel_id=1, at_time="9:05", days=(5, 1, 5))
    valid = options.validated(draft)
    assert (valid.at_time, valid.days) == ("09:05", (1, 5))


@both_engines
async def test_a_removed_subscription_leaves_no_unsent_delivery(planning: PlannerHarness) -> None:
    subscription_id = await planning.post(("2601.00001", 9))
    service = Subscriptions(planning.database, lambda: EVENING)
    assert (await service.remove(subscription_id)).id == subscription_id
    async with planning.database.transaction() as connection:
        assert await outbox.list_due(connection, SEOUL_9AM) == []
    with pytest.raises(errors.UsageError, match="No daily post"):
        await service.get(subscription_id)


@pytest.mark.engines("postgresql")
async def test_posts_added_at_once_do_not_exceed_the_limit_of_a_server_on_postgresql(
    planning: PlannerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.daily.service.MAX_POSTS", 3)
    service = Subscriptions(planning.database, lambda: EVENING)
    drafts = [models.Subscription(guild_id=10, channel_id=channel_id) for channel_id in range(20, 32)]
    added = await asyncio.gather(*map(service.add, drafts), return_exceptions=True)
    assert len([each for each in added if isinstance(each, models.Subscription)]) == 3
    assert {type(each) for each in added} == {models.Subscription, TooManyPostsError}


@pytest.mark.engines("postgresql")
async def test_a_post_that_two_remove_at_once_is_removed_by_one_on_postgresql(
    planning: PlannerHarness,
) -> None:
    subscription_id = await planning.subscribe()
    service = Subscriptions(planning.database, lambda: EVENING)

    async def are_waiting() -> bool:
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        async with planning.database.read() as connection:
            return int(await connection.scalar(sa.text(query)) or 0) == 2

    async with planning.database.transaction() as connection:
        await connection.execute(sa.text("SELECT id FROM subscriptions FOR UPDATE"))
        removing = [asyncio.create_task(service.remove(subscription_id)) for _ in range(2)]
        await patience.wait_until(are_waiting)
    removed = await asyncio.gather(*removing, return_exceptions=True)
    assert {type(each) for each in removed} == {models.Subscription, errors.UsageError}


@pytest.mark.engines("postgresql")
async def test_posts_of_a_channel_are_suspended_in_the_order_of_their_ids_on_postgresql(
    planning: PlannerHarness,
) -> None:
    """An expiry locks them in that order."""
    first, second = [await planning.subscribe(at_time=at_time) for at_time in ("09:00", "10:00")]
    async with planning.database.transaction() as connection:
        # It is behind the other one in the table now.
        await connection.execute(sa.text(f"UPDATE subscriptions SET top_n = 3 WHERE id = {first}"))
        await connection.execute(sa.text("ANALYZE subscriptions"))

    async def suspend() -> list[int]:
        async with planning.database.transaction() as other:
            paused, reason = models.ActivityState.PAUSED, models.Reason.NO_THREADS
            return await daily.set_state(other, [first, second], paused, reason=reason)

    async def is_waiting() -> bool:
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        async with planning.database.read() as connection:
            return bool(await connection.scalar(sa.text(query)))

    async with planning.database.transaction() as connection:
        lock = "SELECT id FROM subscriptions WHERE id = {} FOR UPDATE NOWAIT"
        await connection.execute(sa.text(lock.format(first)))
        suspending = asyncio.create_task(suspend())
        await patience.wait_until(is_waiting)
        await connection.execute(sa.text(lock.format(second)))
    assert sorted(await suspending) == [first, second]


@pytest.mark.engines("postgresql")
@pytest.mark.parametrize("name", ["pause", "cancel_for_subscription"])
async def test_a_post_can_be_paused_or_removed_while_it_expires_on_postgresql(
    planning: PlannerHarness, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    other_id = await planning.subscribe(at_time="08:00")
    await planning.store(MONDAY - DAY, ("2601.00009", 1))
    await planning.tick(SEOUL_9AM - HOUR)
    await planning.mark_sent()
    subscription_id = await planning.post(("2601.00001", 9))
    # The other one covers the digest, whose paper seems to be posted.
    await planning.tick(SEOUL_9AM + DAY - HOUR)
    now = SEOUL_9AM + 2 * DAY
    change = getattr(outbox, name)
    expiring: list[asyncio.Task[None]] = []

    async def is_waiting() -> bool:
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        async with planning.database.read() as connection:
            return bool((await connection.execute(sa.text(query))).scalar())

    async def expire_then_change(connection: Connection, *ids: int, **options: Any) -> Any:
        expiring.append(asyncio.create_task(planning.expire(now)))
        await patience.wait_until(is_waiting)
        return await change(connection, *ids, **options)

    monkeypatch.setattr(outbox, name, expire_then_change)
    service = Subscriptions(planning.database, lambda: now)
    await (service.pause if name == "pause" else service.remove)(subscription_id)
    await expiring[0]
    rows = await service.list_rows()
    assert {row.id: row.state.value for row in rows if row.id != other_id} == (
        {subscription_id: "paused"} if name == "pause" else {}
    )
