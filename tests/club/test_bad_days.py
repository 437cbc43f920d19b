"""What goes wrong in a club's week: each has one sentence or one post, and nothing is doubled."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import discord
import pytest
import sqlalchemy as sa

from bot.club.service import ClubPost, Clubs
from storage import models, outbox, tables
from tests.club.conftest import Lab, text_of
from tests.support.client_harness import both_languages, shown_text

MEETS = datetime(2026, 1, 9, 17, tzinfo=UTC)
DAY = timedelta(days=1)


async def _set_up(lab: Lab, channel: Any = None, time: str = "17:00 UTC") -> None:
    """Set a club up before the vote for its first meeting, which begins."""
    await lab.until(MEETS - 7 * DAY - timedelta(hours=1))
    await lab.manage("setup", channel=channel or lab.harness.channel, day="fri", time=time)
    await lab.until(MEETS - 7 * DAY + timedelta(minutes=1))


async def _end_vote(lab: Lab) -> None:
    await lab.until(MEETS - 2 * DAY + timedelta(minutes=2))


async def test_a_poll_that_was_deleted_by_hand_leaves_no_paper_which_is_said_once_and_can_be_repeated(
    lab: Lab,
) -> None:
    await _set_up(lab)
    [poll] = lab.polls()
    lab.harness.env.backend.delete_message(lab.harness.channel.id, poll.id)
    await _end_vote(lab)
    await lab.tick()
    assert ["its vote was deleted" in text_of(message) for message in lab.messages()] == [True]
    assert "begins in a few seconds" in await lab.manage("now")
    assert "Its vote ends: <t:" in await lab.manage("now")
    assert len(lab.polls()) == 1


async def test_votes_decide_then_votes_on_hugging_face_and_a_paper_that_left_the_archive_gives_way(
    lab: Lab,
) -> None:
    await _set_up(lab)
    [poll] = lab.polls()
    titles = [answer.text for answer in poll.poll.answers]
    await lab.readers[0].set_poll_votes(poll, answers=[3])
    await lab.readers[1].set_poll_votes(poll, answers=[2])
    async with lab.harness.container.database.transaction() as connection:
        gone = sa.update(tables.papers).where(tables.papers.c.title == titles[1])
        await connection.execute(gone.values(last_on=None))
    await _end_vote(lab)
    assert [thread.name for thread in lab.threads()] == [titles[2]]


async def test_without_votes_the_most_upvoted_paper_is_read(lab: Lab) -> None:
    await _set_up(lab)
    await lab.until(MEETS - DAY)  # the bot was away when the vote ended
    assert [thread.name for thread in lab.threads()] == ["Small Language Models [at Work]: A *Survey*"]


async def test_two_managers_at_once_begin_one_vote(lab: Lab) -> None:
    await lab.manage("setup", channel=lab.harness.channel, day="fri", time="17:00 UTC")
    assert not lab.polls()
    clubs = lab.harness.bot.services.get(Clubs)
    results = await asyncio.gather(
        *(clubs.begin_vote(lab.harness.guild.id) for _ in range(2)),
        lab.runtime.ticks[0](lab.now),
        return_exceptions=True,
    )
    assert sorted(map(str, results[:2])) == ["", "club-vote-begins"]
    await lab.tick()
    assert len(lab.polls()) == 1


async def test_two_managers_who_set_up_a_club_at_once_have_one_and_the_second_is_told(lab: Lab) -> None:
    clubs = lab.harness.bot.services.get(Clubs)
    wanted = models.Club(
        guild_id=lab.harness.guild.id,
        channel_id=lab.harness.channel.id,
        weekday=5,
        at_time="17:00",
        timezone="UTC",
        locale=models.Locale.EN,
        created_by=1,
        starts_at=lab.now,
    )
    second = replace(wanted, weekday=4, created_by=2)
    results = await asyncio.gather(clubs.set_up(wanted), clubs.set_up(second))
    assert sorted(results) == ["club-changed", "club-set-up"]
    shown = shown_text(await lab.harness.ask("club list", by=lab.readers[0]))
    assert f"Every {'Thu' if results[1] == 'club-changed' else 'Fri'} at" in shown


@pytest.mark.parametrize("is_skipped", [True, False])
async def test_nominations_of_a_vote_that_was_skipped_or_deleted_count_for_the_next_one(
    lab: Lab, is_skipped: bool
) -> None:
    await lab.until(MEETS - 7 * DAY - timedelta(hours=1))
    await lab.manage("setup", channel=lab.harness.channel, day="fri", time="17:00 UTC")
    await lab.press_on_card("2501.00004", "nominate", lab.readers[0])
    await lab.until(MEETS - 7 * DAY + timedelta(minutes=1))
    [poll] = lab.polls()
    if is_skipped:
        await lab.manage("skip")
    else:
        lab.harness.env.backend.delete_message(lab.harness.channel.id, poll.id)
        await _end_vote(lab)
    await lab.add_day(("2602.00001", 90))
    await lab.manage("now")
    assert lab.polls()[-1].poll.answers[0].text == "Maps for Robots"
    await lab.until(MEETS - timedelta(hours=1))
    assert lab.threads()
    await lab.until(MEETS)
    assert "Nominated" not in shown_text(
        await lab.harness.ask("paper", by=lab.readers[0], paper="2501.00004")
    )


async def test_a_skipped_meeting_has_no_paper_and_no_event_and_the_next_vote_comes_at_its_time(
    lab: Lab,
) -> None:
    await _set_up(lab)
    assert "skipped" in await lab.manage("skip")
    assert "Votes for it do not count" in text_of(lab.messages()[-1])
    assert [poll.poll.is_finalised() for poll in lab.polls()] == [True]
    await lab.manage("skip")
    await _end_vote(lab)
    await lab.until(MEETS - timedelta(minutes=1))
    assert not lab.threads()
    assert not lab.events()
    await lab.add_day(("2602.00001", 4))
    await lab.until(MEETS + timedelta(minutes=1))
    assert len(lab.polls()) == 2


async def test_a_club_that_ended_closes_its_vote_and_one_that_is_set_up_again_begins_anew(lab: Lab) -> None:
    await _set_up(lab)
    shown = await lab.harness.manage("club list")
    asked = await lab.harness.press(shown, "club-stop", by=lab.harness.manager)
    assert not lab.polls()[0].poll.is_finalised()
    await lab.harness.press(asked, "club-stop", by=lab.harness.manager)
    await lab.manage("setup", channel=lab.harness.channel, day="fri", time="17:00 UTC")
    assert [poll.poll.is_finalised() for poll in lab.polls()] == [True]
    await _end_vote(lab)
    assert not lab.threads()
    await lab.add_day(("2602.00001", 4))
    await lab.until(MEETS + timedelta(minutes=1))
    assert [poll.poll.is_finalised() for poll in lab.polls()] == [True, False]


async def test_a_club_that_changes_keeps_the_meeting_whose_vote_has_begun(lab: Lab) -> None:
    news = lab.harness.guild.create_text_channel("news")
    assert "is set up" in await lab.manage("setup", channel=news, day="thu", time="15:00 UTC")
    again = await lab.manage("setup", channel=lab.harness.channel, day="fri", time="17:00 UTC")
    assert "The club is changed.\n### Club" in again
    await lab.until(MEETS - 7 * DAY + timedelta(minutes=1))
    answer = await lab.manage("setup", channel=news, day="thu", time="15:00 UTC")
    assert "Its next meeting, whose vote has begun, stays" in answer
    assert f"Next meeting: <t:{int(MEETS.timestamp())}:F>\nIts vote ends: <t:" in answer
    assert [poll.poll.is_finalised() for poll in lab.polls()] == [False]
    await _end_vote(lab)
    await lab.until(MEETS - timedelta(minutes=30))
    [thread] = lab.threads(news)
    assert "⏰" in text_of(lab.messages(thread)[-1])
    await lab.add_day(("2602.00001", 4))
    thursday = datetime(2026, 1, 15, 15, tzinfo=UTC)
    await lab.until(MEETS + timedelta(minutes=1))
    assert (len(lab.polls()), len(lab.polls(news))) == (1, 1)
    assert f"<t:{int(thursday.timestamp())}:F>" in text_of(lab.polls(news)[0])


async def test_the_first_vote_leaves_time_to_nominate_and_a_manager_can_start_it_now(lab: Lab) -> None:
    """It is Wednesday."""
    shown = await lab.harness.manage("club setup", channel=lab.harness.channel, day="thu", time="17:00 UTC")
    votes, meets = (int(datetime(2026, 1, day, 17, tzinfo=UTC).timestamp()) for day in (1, 8))
    assert f"Next vote: <t:{votes}:F>\nNext meeting: <t:{meets}:F>" in shown_text(shown)
    await lab.tick()
    assert not lab.polls()
    await lab.press_on_card("2501.00004", "nominate", lab.readers[0])
    listed = shown_text(await lab.harness.ask("club list", by=lab.readers[0]))
    assert "Up for the next vote**\n1. [Maps for Robots]" in listed
    assert "Up for the next vote" not in await lab.manage("now")
    [poll] = lab.polls()
    assert "press **Nominate** on a paper's card" in text_of(poll)
    listed = shown_text(await lab.harness.ask("club list", by=lab.readers[0]))
    assert f"/{lab.harness.channel.id}/{poll.id})" in listed
    assert "Its vote ends: <t:" in listed


async def test_a_meeting_that_is_skipped_late_has_no_event_and_its_paper_can_be_chosen_again(
    lab: Lab,
) -> None:
    await _set_up(lab)
    await lab.until(MEETS - DAY)
    assert len(lab.events()) == 1
    await lab.manage("skip")
    assert not lab.events()
    await lab.until(MEETS - timedelta(minutes=30))
    assert not [message for message in lab.messages(lab.threads()[0]) if "⏰" in text_of(message)]
    await lab.manage("now")
    await lab.press_on_card("2501.00001", "nominate", lab.readers[0])
    await lab.until(MEETS + timedelta(minutes=1))
    assert "Small Language Models" in lab.polls()[-1].poll.answers[0].text


async def test_a_week_without_candidates_says_so_once(lab: Lab) -> None:
    await lab.until(datetime(2026, 2, 1, tzinfo=UTC))
    await lab.manage("setup", channel=lab.harness.channel, day="fri", time="17:00 UTC")
    await lab.until(lab.now + timedelta(days=6))
    assert [("nobody nominated" in text_of(message)) for message in lab.messages()] == [True]
    assert "nothing to vote on" in await lab.manage("now")
    await lab.press_on_card("2501.00004", "nominate", lab.readers[0])
    await lab.manage("now")
    assert [answer.text for answer in lab.polls()[0].poll.answers] == ["Maps for Robots"]


async def test_a_channel_that_was_deleted_is_told_to_the_manager_and_another_one_gets_the_vote(
    lab: Lab,
) -> None:
    lost = lab.harness.guild.create_text_channel("lost")
    await lab.manage("setup", channel=lost, day="fri", time="17:00 UTC")
    lab.harness.env.backend.delete_channel(lost.id)
    await lab.until(MEETS - 7 * DAY + timedelta(minutes=1))
    notices = lab.harness.manager.user.dm_channel.history()
    assert len(notices) == 1
    await lab.manage("setup", channel=lab.harness.channel, day="fri", time="17:00 UTC")
    await lab.manage("skip")
    await lab.manage("now")
    assert len(lab.polls()) == 1


async def test_the_clock_change_moves_the_meeting_with_the_zone(lab: Lab) -> None:
    """In New York the clock is set forward on March 8, 2026, between the vote and the meeting."""
    await lab.until(datetime(2026, 3, 6, 21, tzinfo=UTC))
    await lab.add_day(("2603.00001", 4))
    await lab.manage("setup", channel=lab.harness.channel, day="fri", time="17:00 New York")
    await lab.until(datetime(2026, 3, 6, 22, 1, tzinfo=UTC))
    await lab.until(datetime(2026, 3, 11, 22, tzinfo=UTC))
    starts = [datetime.fromisoformat(event.scheduled_start_time) for event in lab.events()]
    assert starts == [datetime(2026, 3, 13, 21, tzinfo=UTC)]


async def test_without_the_events_permission_only_the_thread_is_created(lab: Lab) -> None:
    lab.harness.env.inject_error("POST", "/guilds/*/scheduled-events", status=403, code=50013, message="no")
    await _set_up(lab)
    await _end_vote(lab)
    await lab.tick()
    assert len(lab.threads()) == 1
    async with lab.harness.container.database.read() as connection:
        states = {row.state for row in await outbox.list_rows(connection)}
    assert states == {models.DeliveryState.SENT}


async def test_a_discussion_is_opened_again_if_it_is_archived_and_anew_if_it_was_deleted(lab: Lab) -> None:
    reader = lab.readers[0]
    assert "Opening" in await lab.press_on_card("2501.00003", "discuss", reader)
    assert "Opening" in await lab.press_on_card("2501.00003", "discuss", reader)
    await lab.tick()
    [thread] = lab.threads()
    stored = lab.harness.env.backend.get_channel(thread.id).thread_metadata
    assert stored is not None
    stored.archived = True
    assert f"<#{thread.id}>" in await lab.press_on_card("2501.00003", "discuss", reader)
    assert not stored.archived
    lab.harness.env.backend.delete_channel(thread.id)
    assert "Opening" in await lab.press_on_card("2501.00003", "discuss", reader)
    await lab.tick()
    assert [new.id != thread.id for new in lab.threads()] == [True]


async def test_in_a_forum_a_discussion_is_a_post_and_the_buttons_of_its_card_work(lab: Lab) -> None:
    forum, reader = lab.harness.guild.create_forum_channel("reading"), lab.readers[0]
    services = lab.harness.bot.services
    paper = await services.search.find_paper("2501.00003")
    assert paper is not None
    place = {"guild_id": lab.harness.guild.id, "channel_id": forum.id, "locale": models.Locale.EN}
    wanted = ClubPost(**place, is_forum=True, opened_by=reader.id)
    assert await services.get(Clubs).discuss(paper, wanted) is None
    await lab.tick()
    [post] = lab.threads(forum)
    [card] = lab.messages(post)
    assert "Speech without a Score" in shown_text(await lab.harness.press(card, "read", by=reader))


async def test_a_channel_that_became_a_forum_is_told_to_the_manager(lab: Lab) -> None:
    path = f"/channels/{lab.harness.channel.id}/messages"
    lab.harness.env.inject_error("POST", path, status=400, code=50008, message="not text", times=None)
    await _set_up(lab)
    assert len(lab.harness.manager.user.dm_channel.history()) == 1
    assert not lab.polls()


async def test_a_discussion_needs_a_text_channel_and_permissions_which_the_answer_names(lab: Lab) -> None:
    denied = discord.PermissionOverwrite(create_public_threads=False)
    closed = lab.harness.guild.create_text_channel("closed", overwrites={lab.harness.bot.user: denied})
    answer = await lab.press_on_card("2501.00003", "discuss", lab.readers[0], where=closed)
    assert "Create Public Threads" in answer


@both_languages
async def test_the_reader_who_opened_a_discussion_is_named_and_can_be_forgotten_completely(
    lab: Lab, locale: models.Locale
) -> None:
    reader = lab.readers[0]
    await lab.press_on_card("2501.00003", "discuss", reader)
    await lab.press_on_card("2501.00004", "save", reader)
    await lab.press_on_card("2501.00004", "club-read", reader)
    await lab.manage("setup", channel=lab.harness.channel, day="fri", time="17:00 UTC")
    await lab.press_on_card("2501.00004", "nominate", reader)
    await lab.tick()
    [card] = lab.messages()
    assert f"<@{reader.id}>" in shown_text(card)
    data = lab.harness.bot.services.readers
    assert set(await data.count(reader.id)) >= {"club_nominations", "saved_papers"}
    await data.forget(reader.id)
    async with lab.harness.container.database.read() as connection:
        for table in tables.metadata.sorted_tables:
            rows = await connection.execute(sa.select(table))
            assert str(reader.id) not in "\n".join(map(str, rows.all())), table.name


@pytest.mark.parametrize("days", [10, 40])
async def test_a_server_that_leaves_has_no_votes_and_takes_its_club_along(lab: Lab, days: int) -> None:
    await _set_up(lab)
    guilds = lab.harness.bot.services.guilds
    await guilds.update({lab.harness.guild.id: {}})
    await guilds.mark_left([lab.harness.guild.id])
    await lab.until(lab.now + days * DAY)
    assert len(lab.polls()) == 1
    await lab.harness.container.create_retention().purge()
    async with lab.harness.container.database.read() as connection:
        kept = (await connection.execute(sa.select(sa.func.count()).select_from(tables.clubs))).scalar_one()
    assert kept == (days < 30)
