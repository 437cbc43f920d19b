"""Weeks of a club over HTTP. In each step Discord stores the request, and the bot dies before the reply."""

import operator
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import sqlalchemy as sa
from simcord.backend.models import Channel

from bot.app.container import Container
from bot.core.settings import Settings
from bot.features.club.service import Clubs
from storage import models, outbox, tables
from tests.fake_discord import model, server
from tests.support import digest_builders, fault_harness, outbox_builders, seeds
from tests.support.fault_harness import FaultHarness

pytestmark = [pytest.mark.faults, pytest.mark.wire]
NONCES_FORGOTTEN = timedelta(minutes=10)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass
class Lab:
    """A club over HTTP, whose vote for the first meeting (`meets_at`) begins at once."""

    harness: FaultHarness
    clubs: Clubs
    channel_id: int
    meets_at: datetime

    async def until(self, moment: datetime) -> None:
        await self.harness.advance_clock(moment - self.harness.now())

    async def messages(self, channel_id: int | None = None) -> list[dict[str, Any]]:
        return self.harness.fake.messages(channel_id or self.channel_id)

    async def polls(self) -> list[dict[str, Any]]:
        return [one for one in await self.messages() if "poll" in one]

    async def ended_polls(self) -> list[dict[str, Any]]:
        return [one for one in await self.polls() if one["poll"]["results"]["is_finalized"]]

    async def threads(self) -> list[Channel]:
        channels = self.harness.fake.world.channels.values()
        return sorted((one for one in channels if one.is_thread), key=lambda one: one.id)

    async def events(self) -> list[dict[str, Any]]:
        [guild] = self.harness.fake.world.guilds.values()
        return [vars(event) for event in guild.scheduled_events.values()]

    async def counted(self) -> list[Any]:
        """Return the votes that were counted. The next start of a bot, or minute, announces the winner."""
        async with self.harness.db.read() as connection:
            found = sa.select(tables.parts.c.answer).where(tables.parts.c.answer.is_not(None))
            found = found.where(tables.parts.c.kind == models.PartKind.COUNT)
            return list((await connection.execute(found)).scalars())

    async def list_deliveries(self, state: models.DeliveryState) -> list[models.Delivery]:
        return await self.harness.db.fetch(outbox.list_rows, state=state)

    async def is_idle(self) -> bool:
        return not await self.list_deliveries(models.DeliveryState.WAITING)

    async def stopped(self) -> list[Any]:
        return await self.list_deliveries(models.DeliveryState.STOPPED)

    async def reminders(self) -> list[dict[str, Any]]:
        return [one for thread in await self.threads() for one in await self.messages(thread.id)]

    async def add_papers(self, *papers: tuple[str, int]) -> None:
        day = digest_builders.newsletter(self.harness.now().date(), list(papers))
        await digest_builders.ingest_digest(self.harness.db, day, at=self.harness.now())

    async def vote(self, *votes: int) -> None:
        """Set the newest poll's votes by answer."""
        self.harness.fake.vote((await self.polls())[-1], *votes)

    async def run_until(
        self, count: int, what: Callable[[], Awaitable[list[Any]]], path: str = "", method: str = "POST"
    ) -> None:
        """Run a bot until `count` items exist. With a path, kill it during that request."""
        fault = {"kind": "slow", "method": method, "path": path, "stored": True, "seconds": 600.0, "times": 1}
        self.harness.fake.set_faults(*([fault] if path else []))
        bot = self.harness.start_bot()
        await self.harness.wait_for_value(what, lambda found: len(found) == count)
        if not path:
            await self.harness.wait_until(self.is_idle)
        if not path:
            bot.terminate()
            await self.harness.wait_for_end(bot)
            return
        await self.harness.kill(bot)
        self.harness.fake.set_faults()
        await self.harness.advance_clock(NONCES_FORGOTTEN)


@pytest.fixture
async def lab(fake: server.FakeDiscord, database_url: str, tmp_path: Path) -> AsyncIterator[Lab]:
    async with fault_harness.open_fault_harness(fake, database_url, tmp_path) as harness:
        [channel_id] = fake.add_channels(1)
        deliveries = Container(Settings(), harness.db, harness.now).deliveries
        clubs = Clubs(harness.db, harness.now, deliveries, mock.AsyncMock(side_effect=AssertionError))
        meets_at = (harness.now() + 4 * DAY).replace(second=0, microsecond=0)
        lab = Lab(harness, clubs, channel_id, meets_at)
        await lab.add_papers(("2601.00001", 9), ("2601.00002", 5))
        week: dict[str, Any] = {"weekday": meets_at.isoweekday(), "at_time": f"{meets_at:%H:%M}"}
        club = outbox_builders.new_club(model.GUILD_ID, harness.now(), channel_id=channel_id, **week)
        assert await clubs.set_up(club) == "club-set-up"
        assert await clubs.begin_vote(model.GUILD_ID) == ""
        yield lab


@pytest.mark.engines("sqlite")
@pytest.mark.all_faults
async def test_reports_a_deleted_poll_once_and_closes_the_poll_of_a_skipped_meeting(lab: Lab) -> None:
    await lab.run_until(1, lab.polls)
    [poll] = await lab.polls()
    lab.harness.fake.delete(poll)
    await lab.until(lab.meets_at - 2 * DAY + 2 * MINUTE)
    await lab.run_until(1, lab.stopped)
    await lab.run_until(1, lab.messages)
    assert "its vote was deleted" in str(await lab.messages())
    assert await lab.clubs.begin_vote(model.GUILD_ID) == ""
    await lab.run_until(1, lab.polls)
    assert await lab.clubs.skip(model.GUILD_ID) == "club-skipped"
    await lab.run_until(1, lab.ended_polls, "/channels/*/polls/*/expire")
    await lab.run_until(1, lab.ended_polls)
    assert len(await lab.messages()) == 3


@pytest.mark.engines("sqlite")
@pytest.mark.all_faults
async def test_killed_bot_still_deletes_a_skipped_event(lab: Lab) -> None:
    await lab.run_until(1, lab.polls)
    await lab.until(lab.meets_at - 2 * DAY + 2 * MINUTE)
    await lab.run_until(1, lab.counted)
    await lab.run_until(1, lab.events)
    assert await lab.clubs.skip(model.GUILD_ID) == "club-skipped"
    await lab.run_until(0, lab.events, "/guilds/*/scheduled-events/*", "DELETE")
    await lab.run_until(0, lab.events)
    assert await lab.harness.count_states() == {"sent": 7}


@pytest.mark.engines("sqlite", "postgresql")
@pytest.mark.parametrize("seed", seeds.plays(3))
@pytest.mark.all_faults
async def test_kills_hours_before_and_after_each_step_leave_each_once(lab: Lab, seed: int) -> None:
    """Each bot is killed while idle, or as soon as Discord has stored one thing of it, and the next begins hours later."""
    rng, harness = random.Random(seed), lab.harness

    async def count() -> list[int]:
        kinds = (lab.polls, lab.counted, lab.messages, lab.threads, lab.events, lab.reminders)
        return [len(await kind()) for kind in kinds]

    async def reach(*wanted: int, most: timedelta) -> None:
        while (before := await count()) != list(wanted):
            bot = harness.start_bot()
            await harness.wait_for_value(count, partial(operator.ne, before))
            await harness.kill(bot)
            await harness.advance_clock(rng.uniform(0.1, 1.0) * most)

    async def run_idle(moment: datetime) -> None:
        await lab.until(moment)
        before = await count()
        for _ in range(2):
            bot = harness.start_bot()
            await harness.fake.wait_until_connected()
            await harness.wait_until(lab.is_idle)
            await harness.kill(bot)
            assert await count() == before
            await harness.advance_clock(rng.uniform(0.1, 1.0) * HOUR)

    await reach(1, 0, 1, 0, 0, 0, most=4 * HOUR)
    await lab.vote(2, 4)
    await run_idle(lab.meets_at - 3 * DAY)
    await lab.until(lab.meets_at - 2 * DAY + rng.uniform(0.1, 5.0) * HOUR)
    await reach(1, 1, 2, 1, 1, 0, most=6 * HOUR)
    await run_idle(lab.meets_at - 4 * HOUR)
    await lab.until(lab.meets_at - HOUR + 2 * MINUTE)
    await reach(1, 1, 2, 1, 1, 1, most=20 * MINUTE)
    await run_idle(harness.now() + MINUTE)
    assert [thread.name for thread in await lab.threads()] == ["Paper 2601.00002"]
    assert "Traceback" not in harness.read_log()
