"""What a person turns off is taken back: what waits for Discord, and what is planned at the same moment."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple
from unittest import mock

import pytest

from bot.features.club.service import Clubs
from bot.features.daily import planner as daily_planner
from bot.features.operations.readers import Readers
from bot.features.today.service import TodayPlanner, TodayService
from storage import alerts, club, models, news, outbox
from storage.database import Database
from tests.shelf import test_news
from tests.support import outbox_builders, patience
from tests.support.world import AWAY, CHANNEL, GUILD, LOST, READER, World, moment

pytestmark = pytest.mark.promise


class Stage(test_news.NewsWorld):
    """A world with all planners. Paper A is new on Monday at 09:00 (UTC)."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.today = self.workers.services.get(TodayService)
        self.alert_planner = self.workers.alert_planner
        self.row = models.Subscription(guild_id=GUILD, channel_id=CHANNEL)
        self.alert_id = 0

    async def tick(self) -> None:
        await self.relay.expire(self.now)
        for planner in (
            self.daily_planner,
            self.workers.services.get(Clubs),
            self.workers.services.get(TodayPlanner),
        ):
            await planner.tick(self.now)
        await self.alert_planner.drain()
        await super().tick()

    async def post_now(self) -> None:
        await self.on_demand.plan(self.row.id, 1)
        await self.tick()

    async def vote(self) -> None:
        await self.workers.services.get(Clubs).begin_vote(GUILD)
        await self.tick()


async def _save(stage: Stage) -> None:
    await stage.save("A")
    await stage.shelf.start_news(READER, "UTC")
    stage.now += timedelta(hours=1)
    await stage.happen("A")
    stage.now = moment("Mon 09:00 UTC")


async def _discuss(stage: Stage) -> None:
    await stage.open_threads()
    stage.now += timedelta(hours=1)
    await stage.happen("C")


async def _ask_for_papers(stage: Stage) -> None:
    await stage.today.send_daily(READER, "09:00", "UTC")
    await stage.written("Fri-1", "E")
    stage.now = moment("Sat-1 09:00 UTC")


async def _follow(stage: Stage, **place: Any) -> None:
    stage.is_matching = False
    stage.alert_id = await stage.alert("care", **place)
    await stage.written("Fri-1", "E▲9")
    await stage.alert_planner.drain()
    stage.now += timedelta(minutes=3)


async def _lose_right(stage: Stage) -> None:
    [row] = await stage.alerts.list_rows()
    await stage.database.write(alerts.set_right, row, lost_at=stage.now, paused=False)


async def _set_up_post(stage: Stage) -> None:
    stage.row = await stage.daily()
    stage.now = moment("Sat-1 09:00")


async def _set_up_club(stage: Stage) -> None:
    wanted = outbox_builders.new_club(GUILD, stage.now, channel_id=CHANNEL, created_by=READER)
    await stage.workers.services.get(Clubs).set_up(wanted)


class Switch(NamedTuple):
    """What is asked for, how it is turned off, what is planned, and the beginning of the message that must not come."""

    ask: Callable[[Stage], Awaitable[None]]
    turn_off: Callable[[Stage], Awaitable[object]]
    message: str
    plan: Callable[[Stage], Awaitable[None]] = Stage.tick


SWITCHES = {
    "news of saved papers": Switch(_save, lambda of: of.database.write(news.switch_off, READER), "@7 en A"),
    "news in a thread": Switch(
        _discuss, lambda of: of.database.write(club.silence_thread, 44), "#44 ko code"
    ),
    "/today": Switch(_ask_for_papers, lambda of: of.today.stop_daily(READER), "@7 E"),
    "an alert, paused": Switch(_follow, lambda of: of.alerts.pause(of.alert_id), "@7 E"),
    "an alert, removed": Switch(_follow, lambda of: of.alerts.remove(of.alert_id), "@7 E"),
    "an alert whose right is lost": Switch(
        partial(_follow, channel_id=CHANNEL, guild_id=GUILD), _lose_right, "E"
    ),
    "Post now, then paused": Switch(
        _set_up_post, lambda of: of.subscriptions.pause(of.row.id), "A", Stage.post_now
    ),
    "Post now, then removed": Switch(
        _set_up_post, lambda of: of.subscriptions.remove(of.row.id), "A", Stage.post_now
    ),
    "a daily post, paused": Switch(_set_up_post, lambda of: of.subscriptions.pause(of.row.id), "A"),
    "a daily post, removed": Switch(_set_up_post, lambda of: of.subscriptions.remove(of.row.id), "A"),
    "a meeting, skipped": Switch(
        _set_up_club, lambda of: of.workers.services.get(Clubs).skip(GUILD), "ClubPost poll", Stage.vote
    ),
    "a club, stopped": Switch(
        _set_up_club, lambda of: of.workers.services.get(Clubs).stop(GUILD), "ClubPost poll", Stage.vote
    ),
    "a reader, forgotten": Switch(
        _ask_for_papers, lambda of: Readers(of.database, of.clock).forget(READER), "@7 E"
    ),
}


WHILE_PLANNED = "off while it is planned"
OFTEN = {"a daily post, removed", "an alert, removed", "a reader, forgotten"}
"""What is tried on PostgreSQL in `make test` too: a channel's row, a reader's, and all of a reader's."""


@pytest.mark.parametrize("how", ["on", "off while it waits", WHILE_PLANNED])
@pytest.mark.parametrize("name", SWITCHES)
async def test_what_is_turned_off_does_not_come(db: Database, name: str, how: str) -> None:
    await check_switch(db, name, how)


@pytest.mark.engines("postgresql")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in OFTEN else pytest.mark.all_faults) for name in SWITCHES]
)
async def test_what_is_turned_off_while_another_connection_plans_it_does_not_come(
    db: Database, name: str
) -> None:
    await check_switch(db, name, WHILE_PLANNED)


async def check_switch(db: Database, name: str, how: str) -> None:
    switch, stage = SWITCHES[name], Stage(db)
    await stage.written("Thu-1", "A▲9 C▲8 D▲7")
    await switch.ask(stage)
    stage.discord.answer = AWAY
    turned_off = list[asyncio.Task[object]]()
    add_all = outbox.add_all

    async def add(connection: Any, new: Any) -> Any:
        if new and not turned_off and how == WHILE_PLANNED:
            turned_off.append(asyncio.ensure_future(switch.turn_off(stage)))
            await patience.wait_until_blocked(stage.database, *turned_off)
        return await add_all(connection, new)

    with ExitStack() as patches:
        for module in (outbox, daily_planner):
            patches.enter_context(mock.patch.object(module, "add_all", add))
        await switch.plan(stage)
    await asyncio.gather(*turned_off)
    if how == "off while it waits":
        assert await stage.planned(state=models.DeliveryState.WAITING)
        await switch.turn_off(stage)
    stage.discord.answer = None
    for _ in range(5):
        await stage.wait(minutes=5)
    came = [text for text in stage.sent if text.startswith(switch.message)]
    assert bool(came) == (how == "on"), stage.sent


async def test_the_papers_of_a_paused_alert_do_not_come_twice_if_its_message_may_have_arrived(
    db: Database,
) -> None:
    stage = Stage(db)
    await _follow(stage)
    stage.discord.answer = LOST  # the message arrives, but the bot does not learn it
    await stage.tick()
    await stage.alerts.pause(stage.alert_id)
    stage.discord.answer = None
    await stage.alerts.resume(stage.alert_id)
    for _ in range(5):
        await stage.wait(minutes=5)
    assert [text for text in stage.sent if text.startswith(f"@{READER} E")] == [f"@{READER} E"]


async def test_of_a_message_that_may_have_been_sent_before_it_was_turned_off_no_more_is_sent(
    db: Database,
) -> None:
    await outbox_builders.add(db, outbox_builders.new_delivery(user_id=READER, parts=2))
    part = await db.write(outbox_builders.start_attempt)
    await db.write(outbox_builders.retry, part.id, outbox_builders.NOW, unknown_since=outbox_builders.NOW)
    assert await outbox_builders.list_due_nonces(db)
    assert await db.write(lambda connection: outbox.withdraw(connection, user_id=READER)) == []
    assert not await outbox_builders.list_due_nonces(db)


async def test_a_paused_post_counts_for_a_month_from_when_it_may_have_arrived(db: Database) -> None:
    """It was asked for on Monday at ten, and its reply was lost 23 hours later."""
    stage = World(db)
    row = await stage.daily("18:00 Seoul", days=(3,))
    await stage.at("Mon 09:00")
    await stage.list("Mon", "A▲9", at="Mon 10:00")
    stage.discord.answer = AWAY
    await stage.on_demand.plan(row.id, 1)
    await stage.at("Mon 10:01")
    stage.discord.answer = LOST
    await stage.at("Tue 09:00")
    await stage.subscriptions.pause(row.id)
    stage.discord.answer = None
    await stage.subscriptions.resume(row.id)
    await stage.list("Wed+4", "A▲9 B▲8", at="Wed+4 08:00")
    await stage.at("Wed+4 18:00")
    assert stage.sent == ["A", "B"]
