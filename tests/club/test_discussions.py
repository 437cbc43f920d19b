"""Discussions that readers open: one thread a paper, ten a day and reader, and nothing of who opened them is kept too long."""

import asyncio
import itertools
import json
from datetime import timedelta
from typing import Any
from unittest import mock

import discord
import pytest

from bot.features.club.service import ClubPost, Clubs
from bot.features.operations.readers import Readers
from storage import accounts, models, outbox
from storage import club as storage_club
from storage.database import Database
from tests.club.conftest import BLOCKED, DAY, DENIED, MINUTE, Lab, text_of
from tests.support import patience
from tests.support.client_harness import shown_text
from tests.support.world import CHANNEL, GUILD, World, arxiv_id

PAPER = "2501.00003"


async def count_data(lab: Lab, reader: Any) -> dict[str, int]:
    return dict(await lab.harness.container.database.fetch(accounts.count_reader_data, reader.id))


async def test_reopens_an_archived_or_deleted_discussion(lab: Lab) -> None:
    first, second = lab.readers[:2]
    for _ in range(2):
        assert "Opening" in await lab.press_on_card(PAPER, "discuss", first)
    await lab.runtime.relay.drain(lab.now)
    assert "already has a discussion" in await lab.press_on_card(PAPER, "discuss", second), "at once"
    await lab.tick()
    [thread] = lab.threads()
    stored = lab.harness.env.backend.get_channel(thread.id).thread_metadata
    assert stored is not None
    stored.archived = True
    assert f"<#{thread.id}>" in await lab.press_on_card(PAPER, "discuss", first)
    assert not stored.archived
    lab.harness.env.backend.delete_channel(thread.id)
    assert "Opening" in await lab.press_on_card(PAPER, "discuss", first)
    await lab.tick()
    assert [new.id != thread.id for new in lab.threads()] == [True]


async def test_discussion_in_a_forum_is_a_post_with_a_card(lab: Lab) -> None:
    forum, reader = lab.harness.guild.create_forum_channel("reading"), lab.readers[0]
    services = lab.harness.bot.services
    paper = await services.search.find_paper(PAPER)
    assert paper is not None
    place = {"guild_id": lab.harness.guild.id, "channel_id": forum.id, "locale": models.Locale.EN}
    wanted = ClubPost(**place, is_forum=True)
    assert await services.get(Clubs).discuss(paper, wanted, reader.id, services.secret) is None
    await lab.tick()
    [post] = lab.threads(forum)
    [card] = lab.messages(post)
    assert "Speech without a Score" in shown_text(await lab.harness.press(card, "read", by=reader))


async def test_a_discussion_needs_the_rights_of_its_reader_and_of_the_bot(lab: Lab) -> None:
    guild, bot = lab.harness.guild, lab.harness.bot.user
    may, may_not = [
        discord.PermissionOverwrite(view_channel=True, send_messages=True, create_public_threads=allowed)
        for allowed in (True, False)
    ]
    closed = guild.create_text_channel("closed", overwrites={bot: may_not})
    answer = await lab.press_on_card(PAPER, "discuss", lab.readers[0], where=closed)
    assert "Create Public Threads" in answer
    quiet = guild.create_text_channel("quiet", overwrites={guild.default_role: may_not, bot: may})
    answer = await lab.press_on_card(PAPER, "discuss", lab.readers[0], where=quiet)
    assert answer == lab.harness.texts("club-may-not-open", channel=f"<#{quiet.id}>")
    await lab.tick()
    assert lab.threads(quiet) == []


@pytest.mark.parametrize("is_forgotten", [False, True])
async def test_a_reader_opens_at_most_ten_discussions_a_day(lab: Lab, is_forgotten: bool) -> None:
    """To be forgotten after each does not raise the limit. What Discord refuses counts: it was tried."""
    texts, (reader, other) = lab.harness.texts, lab.readers[:2]
    rooms = [lab.harness.channel, lab.harness.guild.create_text_channel("room")]
    wanted = [(room, f"2501.0000{number}") for room in rooms for number in range(1, 7)]
    # The first discussion of a paper puts it on the server's list, and says so.
    opening = [texts("club-opening", channel=room.mention) for room, _ in wanted]
    too_many = texts("club-too-many", count=10)
    answers = []
    lab.refuse(BLOCKED)
    for number, (room, paper) in enumerate(wanted):
        answers.append((await lab.press_on_card(paper, "discuss", reader, where=room)).splitlines()[0])
        if is_forgotten:
            await lab.harness.bot.services.get(Readers).forget(reader.id)
        elif number == 1:
            await lab.tick(times=4)
            assert len(reader.user.dm_channel.history()) == 2
            assert texts("status-discussion") in shown_text(await lab.harness.manage("status"))
            lab.allow()
    assert answers == [*opening[:10], too_many, too_many]
    room, paper = wanted[-1]
    assert await lab.press_on_card(paper, "discuss", other, where=room) == opening[-1]
    rows = await lab.harness.container.database.fetch(outbox.list_rows, kind=models.DeliveryKind.CLUB)
    assert {row.priority for row in rows} == {models.Priority.DISCUSSION}, "after the channel's own posts"
    await lab.wait(DAY)
    room, paper = wanted[-2]
    assert await lab.press_on_card(paper, "discuss", reader, where=room) != too_many


async def test_a_discussion_stays_while_its_reader_is_forgotten(lab: Lab) -> None:
    """It is the channel's: forgotten before it is sent, or right after that."""
    reader, data = lab.readers[0], lab.harness.bot.services.get(Readers)
    await lab.press_on_card(PAPER, "discuss", reader)
    assert (await count_data(lab, reader))["deliveries"] == 1
    shown = json.loads(await data.export(reader.id))["tables"]
    assert shown["deliveries"][0]["asked_by"] == str(reader.id)
    await data.forget(reader.id)
    assert await count_data(lab, reader) == {}
    await lab.tick()
    assert len(lab.threads()) == 1
    [card] = lab.messages()
    assert str(reader.id) not in shown_text(card)
    await lab.press_on_card("2501.00002", "discuss", reader)
    await lab.runtime.relay.drain(lab.now)
    await data.forget(reader.id)
    await lab.tick()
    assert "already has a discussion" in await lab.press_on_card("2501.00002", "discuss", reader)
    await lab.tick()
    assert len(lab.threads()) == 2


@pytest.mark.engines("sqlite", "postgresql")
async def test_two_presses_of_discuss_at_once_open_one_thread(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both find no thread before either stores one, unless the second has to wait for the first."""
    world = World(db)
    await world.list("Mon", "A▲9")
    paper = await world.search.find_paper(arxiv_id("A"))
    assert paper is not None
    numbers, pressed, second = itertools.count(1), asyncio.Barrier(2), asyncio.Event()
    find_thread = storage_club.find_thread

    async def find_together(connection: Any, **columns: object) -> int | None:
        number, found = next(numbers), await find_thread(connection, **columns)
        if number <= 2:
            await pressed.wait()
        elif number == 3:
            waiting = asyncio.ensure_future(second.wait())
            await patience.wait_until_blocked(db, waiting)
            waiting.cancel()
        else:
            second.set()
        return found

    monkeypatch.setattr(storage_club, "find_thread", find_together)
    place: dict[str, Any] = {"guild_id": GUILD, "channel_id": CHANNEL, "locale": models.Locale.EN}
    clocks = (lambda: world.now), (lambda: world.now + timedelta(seconds=1))
    clubs = [
        Clubs(db, clock, world.deliveries, mock.AsyncMock(side_effect=AssertionError)) for clock in clocks
    ]
    await asyncio.gather(*(each.discuss(paper, ClubPost(**place), 7, b"secret") for each in clubs))
    assert len(await world.planned()) == 1


# What Discord refuses.


async def test_a_refused_discussion_is_taken_back_to_its_reader(lab: Lab) -> None:
    texts, reader = lab.harness.texts, lab.readers[0]
    lab.refuse(BLOCKED)
    said = await lab.press_on_card(PAPER, "discuss", reader)
    assert said.startswith(texts("club-opening", channel=lab.harness.channel.mention))
    await lab.tick(times=4)
    [notice] = [text_of(message) for message in reader.user.dm_channel.history()]
    assert "discussion that you opened does not appear" in notice
    assert "AutoMod" in notice
    assert lab.threads() == []
    assert lab.notices() == [], "it concerns its reader alone"
    lab.allow()
    await lab.wait(MINUTE)
    assert said.startswith(await lab.press_on_card(PAPER, "discuss", reader)), "it may be opened again"
    await lab.tick()
    assert len(lab.threads()) == 1


async def test_each_reader_and_the_clubs_manager_are_told_that_a_channel_refuses(lab: Lab) -> None:
    await lab.set_up()
    await lab.at("Fri-1 16:59")
    lab.refuse(DENIED)
    for reader, papers in zip(lab.readers[:2], ((PAPER,), ("2501.00004", "2501.00005")), strict=True):
        for paper in papers:
            await lab.press_on_card(paper, "discuss", reader)
        await lab.tick()
        assert len(reader.user.dm_channel.history()) == 1
    await lab.at("Fri-1 17:01")
    assert len(lab.notices()) == 1


async def test_a_refused_title_costs_a_discussion_its_title_alone(lab: Lab) -> None:
    lab.refuse(BLOCKED, times=1)
    lab.refuse(BLOCKED, below="/*/threads", times=1)
    await lab.press_on_card(PAPER, "discuss", lab.readers[0])
    await lab.tick()
    [message] = lab.messages()
    assert lab.thread_names() == [PAPER]
    assert "Speech without a Score" not in text_of(message)
    assert PAPER in text_of(message)
