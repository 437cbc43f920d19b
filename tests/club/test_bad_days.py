"""Failures in a club's week: nothing is posted twice, and each problem is reported once."""

import json
from datetime import UTC, datetime, timedelta

import discord
import pytest
import sqlalchemy as sa

from bot.app.workers import Workers
from bot.club.service import ClubPost, Clubs
from storage import accounts, club, models, outbox, schema, tables
from tests.club.conftest import Lab, answers, text_of
from tests.support.client_harness import both_languages, shown_text

MEETS = datetime(2026, 1, 9, 17, tzinfo=UTC)
DAY = timedelta(days=1)


async def _set_up(lab: Lab, nominated: str = "") -> None:
    """Set up a club, which starts its first vote."""
    await lab.until(MEETS - 7 * DAY - timedelta(hours=1))
    await lab.manage("setup", channel=lab.harness.channel, day="fri", time="17:00 UTC")
    if nominated:
        await lab.press_on_card(nominated, "nominate", lab.readers[0])
    await lab.until(MEETS - 7 * DAY + timedelta(minutes=1))


async def _end_vote(lab: Lab) -> None:
    await lab.until(MEETS - 2 * DAY + timedelta(minutes=2))


async def test_candidate_removed_from_the_archive_cannot_win(lab: Lab) -> None:
    await _set_up(lab)
    [poll] = lab.polls()
    titles = answers(poll)
    await lab.readers[0].set_poll_votes(poll, answers=[3])
    await lab.readers[1].set_poll_votes(poll, answers=[2])
    async with lab.harness.container.database.transaction() as connection:
        gone = sa.update(tables.papers).where(tables.papers.c.title == titles[1])
        await connection.execute(gone.values(last_on=None))
    await _end_vote(lab)
    assert [thread.name for thread in lab.threads()] == [titles[2]]


async def test_most_upvoted_paper_wins_if_nobody_votes(lab: Lab) -> None:
    await _set_up(lab)
    await lab.until(MEETS - DAY)  # the bot was offline when the vote ended
    assert [thread.name for thread in lab.threads()] == ["Small Language Models [at Work]: A *Survey*"]
    for paper, is_offered in (("2501.00001", False), ("2501.00004", True)):
        card = shown_text(await lab.harness.ask("paper", by=lab.readers[0], paper=paper))
        assert (lab.harness.texts("nominate") in card) is is_offered, "a paper is read once"


async def test_at_a_tie_the_votes_on_hugging_face_decide_and_not_the_order_of_the_answers(lab: Lab) -> None:
    await _set_up(lab, nominated="2501.00004")
    assert answers(lab.polls()[-1])[0] == "Maps for Robots"
    await lab.until(MEETS - DAY)
    assert [thread.name for thread in lab.threads()] == ["Small Language Models [at Work]: A *Survey*"]


@pytest.mark.parametrize("minutes", [15, 29, 40, 20 * 60 + 10])
async def test_votes_are_counted_when_the_poll_ends_however_late_its_receipt_is_stored(
    lab: Lab, minutes: int
) -> None:
    """The bot was killed when Discord had made the poll, and finds it in the history at its next start."""
    await _set_up(lab)
    [poll] = lab.polls()
    database = lab.harness.container.database
    async with database.transaction() as connection:
        lost = {"state": models.PartState.WAITING, "message_id": None, "channel_id": None, "answer": None}
        await connection.execute(tables.parts.update().values(lost))
        open_again = {"state": models.DeliveryState.WAITING, "finished_at": None}
        await connection.execute(tables.deliveries.update().values(open_again))
    await lab.until(poll.created_at + timedelta(minutes=minutes))
    assert (len(lab.polls()), lab.threads()) == (1, [])
    overview = await lab.runtime.workers.services.get(Clubs).load(lab.harness.guild.id)
    assert overview is not None
    assert abs(overview.meeting.due_at - poll.poll.expires_at) < timedelta(seconds=1)
    await lab.until(poll.poll.expires_at + timedelta(seconds=3))
    assert len(lab.threads()) == 1


@pytest.mark.parametrize("is_skipped", [True, False])
async def test_nominations_survive_a_skipped_or_deleted_vote(lab: Lab, is_skipped: bool) -> None:
    await _set_up(lab, nominated="2501.00004")
    [poll] = lab.polls()
    if is_skipped:
        await lab.manage("skip")
    else:
        lab.harness.env.backend.delete_message(lab.harness.channel.id, poll.id)
        await _end_vote(lab)
    await lab.add_day(("2602.00001", 90))
    await lab.manage("now")
    assert answers(lab.polls()[-1])[0] == "Maps for Robots"
    await lab.until(MEETS - timedelta(hours=1))
    assert lab.threads()
    await lab.until(MEETS)
    card = await lab.harness.ask("paper", by=lab.readers[0], paper="2501.00004")
    assert "Nominated" not in shown_text(card)


async def test_next_vote_starts_after_the_skipped_meeting(lab: Lab) -> None:
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


async def test_ending_a_club_closes_its_vote(lab: Lab) -> None:
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
    polls = [poll.poll.is_finalised() for poll in lab.polls()]
    assert polls == [True, True, False], (
        "the ended club's, the first of the new one, which began a day later, and the next"
    )


async def test_changing_a_club_keeps_the_meeting_under_way(lab: Lab) -> None:
    news = lab.harness.guild.create_text_channel("news")
    assert "is set up" in await lab.manage("setup", channel=news, day="thu", time="15:00 UTC")
    again = await lab.manage("setup", channel=lab.harness.channel, day="fri", time="17:00 UTC")
    assert "Club updated." in again
    again = await lab.manage("setup", channel=lab.harness.channel, day="fri", time="17:00 UTC")
    assert "has these settings already" in again
    managers = lab.harness.guild.create_role("managers", permissions=discord.Permissions(manage_guild=True))
    second = lab.harness.guild.add_member(lab.harness.env.create_user("second"), roles=[managers])
    shown = await lab.harness.ask(
        "club setup", by=second, channel=lab.harness.channel, day="fri", time="17:00 UTC"
    )
    assert "has these settings already" in shown_text(shown), "also if another manager sets it up"
    await lab.until(MEETS - 7 * DAY + timedelta(minutes=1))
    answer = await lab.manage("setup", channel=news, day="thu", time="15:00 UTC")
    assert "Its next meeting, whose vote has begun, stays" in answer
    assert f"Next meeting: <t:{int(MEETS.timestamp())}:F>\nIts vote ends: <t:" in answer
    assert [poll.poll.is_finalised() for poll in lab.polls()] == [False]
    await _end_vote(lab)
    await lab.until(MEETS - timedelta(minutes=30))
    [thread] = lab.threads()
    assert "⏰" in text_of(lab.messages(thread)[-1])
    await lab.add_day(("2602.00001", 4))
    thursday = datetime(2026, 1, 15, 15, tzinfo=UTC)
    await lab.until(MEETS + timedelta(minutes=1))
    assert (len(lab.polls()), len(lab.polls(news))) == (1, 1)
    assert f"<t:{int(thursday.timestamp())}:F>" in text_of(lab.polls(news)[0])


async def test_first_vote_leaves_a_day_to_nominate(lab: Lab) -> None:
    """The club is set up on a Wednesday."""
    shown = await lab.harness.set_up_club(channel=lab.harness.channel, day="thu", time="17:00 UTC")
    votes, meets = (int(datetime(2026, 1, day, 17, tzinfo=UTC).timestamp()) for day in (1, 8))
    assert f"Next vote: <t:{votes}:F>\nNext meeting: <t:{meets}:F>" in shown_text(shown)
    await lab.tick()
    assert not lab.polls()
    await lab.press_on_card("2501.00004", "nominate", lab.readers[0])
    listed = shown_text(await lab.harness.ask("club list", by=lab.readers[0]))
    assert "Up for the next vote**\n1. [Maps for Robots]" in listed
    for _ in range(2):
        assert "Up for the next vote" not in await lab.manage("now")
    [poll] = lab.polls()
    assert "press **Nominate** on a paper's card" in text_of(poll)
    listed = shown_text(await lab.harness.ask("club list", by=lab.readers[0]))
    assert f"/{lab.harness.channel.id}/{poll.id})" in listed
    assert "Its vote ends: <t:" in listed


async def test_skipping_a_meeting_cancels_no_members_discussion(lab: Lab) -> None:
    await _set_up(lab)
    await lab.press_on_card("2501.00003", "discuss", lab.readers[0])
    await lab.manage("skip")
    assert len(lab.threads()) == 1


async def test_the_winner_is_posted_in_its_discussion_also_if_that_is_being_opened(lab: Lab) -> None:
    await _set_up(lab)
    await lab.until(MEETS - 2 * DAY - timedelta(minutes=30))
    path = f"/channels/{lab.harness.channel.id}/messages"
    lab.harness.env.inject_error("POST", path, times=None, status=403, code=50013)
    await lab.press_on_card("2501.00001", "discuss", lab.readers[0])
    await _end_vote(lab)
    assert lab.threads() == []
    lab.harness.env.backend.faults.clear()
    for _ in range(8):
        await lab.until(lab.now + timedelta(hours=1))
    [thread] = lab.threads()
    said = text_of(lab.messages()[-1])
    assert ("The paper for the next meeting" in said, f"/{thread.id}" in said) == (True, True)


async def test_paper_of_a_skipped_meeting_can_win_again(lab: Lab) -> None:
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


async def test_reports_a_week_without_candidates_once(lab: Lab) -> None:
    await lab.until(datetime(2026, 2, 1, tzinfo=UTC))
    await lab.manage("setup", channel=lab.harness.channel, day="fri", time="17:00 UTC")
    await lab.until(lab.now + timedelta(days=6))
    assert ["no nominations" in text_of(message) for message in lab.messages()] == [True]
    assert "nothing to vote on" in await lab.manage("now")
    await lab.press_on_card("2501.00004", "nominate", lab.readers[0])
    await lab.manage("now")
    assert answers(lab.polls()[0]) == ["Maps for Robots"]


async def test_notifies_the_manager_of_a_deleted_channel(lab: Lab) -> None:
    lost = lab.harness.guild.create_text_channel("lost")
    await lab.manage("setup", channel=lost, day="fri", time="17:00 UTC")
    lab.harness.env.backend.delete_channel(lost.id)
    await lab.until(MEETS - 7 * DAY + timedelta(minutes=1))
    notices = lab.harness.manager.user.dm_channel.history()
    assert len(notices) == 1
    await lab.manage("setup", channel=lab.harness.channel, day="fri", time="17:00 UTC")
    assert len(lab.polls()) == 1, "the vote begins at once in the new channel"


async def test_meeting_keeps_its_local_time_across_a_clock_change(lab: Lab) -> None:
    """In New York clocks go forward on March 8, 2026, between the vote and the meeting."""
    await lab.until(datetime(2026, 3, 6, 21, tzinfo=UTC))
    await lab.add_day(("2603.00001", 4))
    await lab.manage("setup", channel=lab.harness.channel, day="fri", time="17:00 New York")
    await lab.until(datetime(2026, 3, 6, 22, 1, tzinfo=UTC))
    await lab.until(datetime(2026, 3, 11, 22, tzinfo=UTC))
    starts = [datetime.fromisoformat(event.scheduled_start_time) for event in lab.events()]
    assert starts == [datetime(2026, 3, 13, 21, tzinfo=UTC)]


async def test_an_event_comes_once_the_bot_may_create_it(lab: Lab) -> None:
    lab.harness.env.inject_error("POST", "/guilds/*/scheduled-events", status=403, code=50013, message="no")
    await _set_up(lab)
    await _end_vote(lab)
    await lab.tick()
    assert len(lab.threads()) == 1
    [notice] = lab.harness.manager.user.dm_channel.history()
    assert "club's next step" in text_of(notice)
    assert "Create Events" in text_of(notice)
    status = shown_text(await lab.harness.manage("status"))
    assert "Club" in status
    assert "Create Events" in status
    await lab.until(MEETS - DAY)
    assert len(lab.events()) == 1
    await lab.until(MEETS - timedelta(minutes=30))
    assert "⏰" in text_of(lab.messages(lab.threads()[0])[-1])


async def test_reopens_an_archived_or_deleted_discussion(lab: Lab) -> None:
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


async def test_discussion_in_a_forum_is_a_post_with_a_card(lab: Lab) -> None:
    forum, reader = lab.harness.guild.create_forum_channel("reading"), lab.readers[0]
    services = lab.harness.bot.services
    paper = await services.search.find_paper("2501.00003")
    assert paper is not None
    place = {"guild_id": lab.harness.guild.id, "channel_id": forum.id, "locale": models.Locale.EN}
    wanted = ClubPost(**place, is_forum=True)
    assert await services.get(Clubs).discuss(paper, wanted, reader.id) is None
    await lab.tick()
    [post] = lab.threads(forum)
    [card] = lab.messages(post)
    assert "Speech without a Score" in shown_text(await lab.harness.press(card, "read", by=reader))


async def test_error_names_the_permission_missing_for_a_discussion(lab: Lab) -> None:
    denied = discord.PermissionOverwrite(create_public_threads=False)
    closed = lab.harness.guild.create_text_channel("closed", overwrites={lab.harness.bot.user: denied})
    answer = await lab.press_on_card("2501.00003", "discuss", lab.readers[0], where=closed)
    assert "Create Public Threads" in answer


@both_languages
async def test_nominations_are_counted_and_a_second_one_says_what_it_replaces(lab: Lab) -> None:
    texts = lab.harness.texts
    await lab.manage("setup", channel=lab.harness.channel, day="fri", time="17:00 UTC")
    for reader in lab.readers[:2]:
        await lab.press_on_card("2501.00004", "nominate", reader)
    assert f"· {texts('club-nominated', count=2)}" in await lab.manage("list")
    said = await lab.press_on_card("2501.00003", "nominate", lab.readers[0])
    assert said.startswith(texts("club-replaces", title="\0").partition("\0")[0])
    assert "Maps for Robots" in said
    shown = await lab.manage("list")
    assert shown.count(texts("club-nominated", count=1)) == 2


async def test_only_who_may_open_threads_can_open_a_discussion(lab: Lab) -> None:
    guild, bot = lab.harness.guild, lab.harness.bot.user
    may, may_not = [
        discord.PermissionOverwrite(view_channel=True, send_messages=True, create_public_threads=allowed)
        for allowed in (True, False)
    ]
    channel = guild.create_text_channel("quiet", overwrites={guild.default_role: may_not, bot: may})
    answer = await lab.press_on_card("2501.00003", "discuss", lab.readers[0], where=channel)
    assert answer == lab.harness.texts("club-may-not-open", channel=f"<#{channel.id}>")
    await lab.tick()
    assert lab.threads(channel) == []


async def test_a_reader_opens_at_most_ten_discussions_a_day(lab: Lab) -> None:
    texts, (reader, other) = lab.harness.texts, lab.readers[:2]
    rooms = [lab.harness.guild.create_text_channel(f"room-{number}") for number in range(2)]
    papers = [f"2501.0000{number}" for number in range(1, 7)]
    wanted = [(room, paper) for room in rooms for paper in papers]
    answers = [await lab.press_on_card(paper, "discuss", reader, where=room) for room, paper in wanted]
    refused = texts("club-too-many", count=10)
    assert [answer == refused for answer in answers] == [False] * 10 + [True] * 2
    assert await lab.press_on_card(papers[-1], "discuss", other, where=rooms[1]) != refused
    rows = await lab.harness.container.database.fetch(outbox.list_rows)
    assert {row.priority for row in rows} == {models.Priority.DISCUSSION}, "after the channel's own posts"
    await lab.until(lab.now + DAY)
    assert await lab.press_on_card(papers[-2], "discuss", reader, where=rooms[1]) != refused


async def test_a_waiting_discussion_is_shown_and_comes_without_its_reader(lab: Lab) -> None:
    reader, data = lab.readers[0], lab.harness.bot.services.readers
    await lab.press_on_card("2501.00003", "discuss", reader)
    assert (await lab.harness.container.database.fetch(accounts.count_reader_data, reader.id))[
        "deliveries"
    ] == 1
    shown = json.loads(await data.export(reader.id))["tables"]
    assert shown["deliveries"][0]["asked_by"] == str(reader.id)
    await data.forget(reader.id)
    assert await lab.harness.container.database.fetch(accounts.count_reader_data, reader.id) == {}
    await lab.tick()
    assert len(lab.threads()) == 1, "it is the channel's"


async def test_forgetting_right_after_a_discussion_opens_no_second_thread(lab: Lab) -> None:
    reader, runtime = lab.readers[0], lab.runtime
    await lab.press_on_card("2501.00003", "discuss", reader)
    await runtime.relay.drain(lab.now)
    await lab.harness.bot.services.readers.forget(reader.id)
    await lab.tick()
    assert "already has a discussion" in await lab.press_on_card("2501.00003", "discuss", reader)
    await lab.tick()
    assert len(lab.threads()) == 1


async def test_forgetting_does_not_raise_the_limit_of_discussions(lab: Lab) -> None:
    reader, rooms = lab.readers[0], [lab.harness.channel]
    rooms.append(lab.harness.guild.create_text_channel("room"))
    papers = [f"2501.0000{number}" for number in range(1, 7)]
    wanted = [(room, paper) for room in rooms for paper in papers]
    refused = lab.harness.texts("club-too-many", count=10)
    answers = []
    for room, paper in wanted:
        answers.append(await lab.press_on_card(paper, "discuss", reader, where=room))
        await lab.harness.bot.services.readers.forget(reader.id)
    assert [answer == refused for answer in answers] == [False] * 10 + [True] * 2
    await lab.until(lab.now + DAY)
    assert await lab.press_on_card(papers[-1], "discuss", reader, where=rooms[1]) != refused


@both_languages
async def test_forgets_the_reader_who_opened_a_discussion(lab: Lab) -> None:
    reader = lab.readers[0]
    await lab.press_on_card("2501.00003", "discuss", reader)
    await lab.press_on_card("2501.00004", "save", reader)
    await lab.press_on_card("2501.00004", "club-read", reader)
    await lab.manage("setup", channel=lab.harness.channel, day="fri", time="17:00 UTC")
    await lab.press_on_card("2501.00004", "nominate", reader)
    await lab.tick()
    [card] = lab.messages()
    assert str(reader.id) not in shown_text(card)
    data = lab.harness.bot.services.readers
    assert set(await lab.harness.container.database.fetch(accounts.count_reader_data, reader.id)) >= {
        "club_nominations",
        "saved_papers",
    }
    await data.forget(reader.id)
    async with lab.harness.container.database.read() as connection:
        for table in schema.METADATA.sorted_tables:
            rows = await connection.execute(sa.select(table))
            assert str(reader.id) not in "\n".join(map(str, rows.all())), table.name


@pytest.mark.parametrize("days", [10, 40])
async def test_a_server_that_the_bot_left_gets_no_votes_and_loses_its_club(lab: Lab, days: int) -> None:
    await _set_up(lab)
    guilds = lab.harness.bot.services.guilds
    await guilds.update({lab.harness.guild.id: {}})
    await guilds.mark_left([lab.harness.guild.id])
    await lab.until(lab.now + days * DAY)
    assert len(lab.polls()) == 1
    await Workers(lab.harness.container).retention.purge()
    async with lab.harness.container.database.read() as connection:
        kept = (await connection.execute(sa.select(sa.func.count()).select_from(club.clubs))).scalar_one()
    assert kept == (days < 30)


@both_languages
async def test_club_is_stored_once_it_is_confirmed(lab: Lab) -> None:
    """The preview names the next vote, and stores nothing."""
    harness, texts = lab.harness, lab.harness.texts
    options = {"channel": harness.channel, "day": "thu", "time": "17:00 New York"}
    shown = await harness.manage("club setup", **options)
    asked = shown_text(shown)
    votes = int(datetime(2026, 1, 1, 22, tzinfo=UTC).timestamp())
    assert texts("club-preview", button=texts("club-create")) in asked
    assert f"<t:{votes}:F>" in asked
    assert texts("club-missing", setup=harness.bot.mentions("club setup")) in await lab.manage("list")
    done = shown_text(await harness.press(shown, "club-create", by=harness.manager))
    assert f"<t:{votes}:F>" in done
    changed = await harness.manage("club setup", **{**options, "day": "fri"})
    assert texts("club-preview", button=texts("club-change")) in shown_text(changed)
    assert f"<t:{votes}:F>" in await lab.manage("list")


@both_languages
async def test_the_list_names_the_channel_only_to_who_sees_it(lab: Lab) -> None:
    guild, bot = lab.harness.guild, lab.harness.bot.user
    seen, hidden = (discord.PermissionOverwrite(view_channel=is_seen) for is_seen in (True, False))
    member, manager = lab.readers[1], lab.harness.manager
    overwrites = {guild.default_role: hidden, bot: seen, member: seen, manager: seen}
    room = guild.create_text_channel("room", overwrites=overwrites)
    await lab.until(MEETS - 7 * DAY - timedelta(hours=1))
    await lab.manage("setup", channel=room, day="fri", time="17:00 UTC")
    await lab.until(MEETS - 7 * DAY + timedelta(minutes=1))
    assert len(lab.polls(room)) == 1

    async def is_named(reader: object) -> bool:
        listed = await lab.harness.ask("club list", by=reader)
        return str(room.id) in f"{shown_text(listed)} {listed.components}"

    readers = lab.readers[0], member, manager
    assert [await is_named(reader) for reader in readers] == [False, True, True]
    await _end_vote(lab)
    assert len(lab.threads(room)) == 1
    assert [await is_named(reader) for reader in readers] == [False, True, True]
