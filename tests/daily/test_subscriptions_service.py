"""Use cases of subscriptions: edit, pause, resume, remove."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.daily import options
from bot.daily.service import Subscriptions
from storage import daily, errors, models, outbox
from tests.support.planner_harness import DAY, EVENING, HOUR, MINUTE, MONDAY, SEOUL_9AM, PlannerHarness

both_engines = pytest.mark.engines("sqlite", "postgresql")


async def test_a_subscription_rescheduled_after_its_post_is_due_the_next_day(
    planning: PlannerHarness,
) -> None:
    subscription_id = await planning.post(("2601.00001", 9))
    hour_later = SEOUL_9AM + HOUR
    service = Subscriptions(planning.database, lambda: hour_later)
    wanted = replace(await planning.get_subscription(subscription_id), at_time="18:00")
    await service.edit(wanted)
    await planning.store(MONDAY, ("2601.00002", 9), at=hour_later)
    assert await planning.tick(SEOUL_9AM + 9 * HOUR) == 0
    assert await planning.tick(SEOUL_9AM + DAY + 9 * HOUR) == 1


async def test_a_waiting_subscription_keeps_its_date_when_it_is_edited(planning: PlannerHarness) -> None:
    subscription_id = await planning.subscribe()
    await planning.tick(SEOUL_9AM)
    await planning.store(MONDAY, ("2601.00001", 9), at=SEOUL_9AM + MINUTE)
    now = SEOUL_9AM + 5 * MINUTE
    service = Subscriptions(planning.database, lambda: now)
    wanted = replace(await planning.get_subscription(subscription_id), days=(1, 2), at_time="08:30")
    await service.edit(wanted)
    assert await planning.tick(now) == 1
    assert (await planning.list_payloads())[0]["marker"].endswith("2026-01-05")


@pytest.mark.parametrize(
    ("changes", "is_posted"),
    [({"at_time": "08:55"}, True), ({"at_time": "21:00"}, False), ({"days": (2,)}, False)],
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
    subscription_id = await planning.subscribe(style=style, days=(1,))
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
        await outbox.try_now(connection, now, channel_id=[20])
        assert await outbox.list_due(connection, now) == []
    await service.resume(paused)
    async with planning.database.transaction() as connection:
        assert len(await outbox.list_due(connection, now)) == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"top_n": 26}, r"The number of papers \(top\) is 26; it must be from 1 to 25"),
        ({"min_votes": -1}, "The minimum number of votes"),
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
