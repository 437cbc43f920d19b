"""Weeks of a club's votes: each problem is said once, nothing is posted twice, and no paper of the list is lost."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import discord
import pytest
import sqlalchemy as sa

from bot.features.club import messages as club_messages
from bot.features.club.service import Clubs
from storage import models, outbox, tables
from tests.club.conftest import BLOCKED, DAY, DENIED, HOUR, MEETS, MINUTE, Lab, answers, text_of
from tests.support.client_harness import shown_text

SURVEY = "Small Language Models [at Work]: A *Survey*"
PROXY: dict[str, Any] = {"status": 404, "code": 0, "message": "<html>"}


def stamp(moment: datetime) -> str:
    return f"<t:{int(moment.timestamp())}:F>"


# Weeks in which Discord does all that it is asked.


async def test_votes_decide_and_a_candidate_removed_from_the_archive_cannot_win(lab: Lab) -> None:
    poll = await lab.begin_vote()
    titles = answers(poll)
    await lab.readers[0].set_poll_votes(poll, answers=[3])
    await lab.readers[1].set_poll_votes(poll, answers=[2])
    async with lab.harness.container.database.transaction() as connection:
        gone = sa.update(tables.papers).where(tables.papers.c.title == titles[1])
        await connection.execute(gone.values(last_on=None))
    ends_at = poll.poll.expires_at
    await lab.harness.env.advance_time((ends_at + MINUTE - lab.now).total_seconds())
    await lab.tick(times=1)
    assert lab.thread_names() == [titles[2]]
    assert len(lab.events()) == 1, "the paper, its thread and its event follow the count at once"


async def test_a_candidate_whose_arxiv_id_is_learnt_during_the_vote_keeps_its_votes(lab: Lab) -> None:
    doi, title = "doi/10.1234/kites", "A Paper about Kites"
    ingest = lab.runtime.workers.ingest
    await ingest.add_facts([models.PaperFacts(doi, "https://feed.example", "u", lab.now, title=title)])
    poll = await lab.begin_vote(listed=doi)
    assert answers(poll)[0] == title
    await lab.readers[0].set_poll_votes(poll, answers=[1])
    known = models.PaperFacts("2501.00099", "arxiv", "u", lab.now, title=title, names=(doi,))
    await ingest.add_facts([known])
    await lab.at("Thu 17:00")
    assert lab.thread_names() == [title]
    assert "2501.00099" in shown_text(await lab.harness.ask("paper", paper=doi))


async def test_a_listed_paper_that_no_digest_has_can_win_and_a_withdrawn_one_cannot(lab: Lab) -> None:
    """A lab reads old papers too: what arXiv said of it is enough."""
    withdrawal = "This paper has been withdrawn by the authors due to an error in Eq. 2"
    facts = partial(models.PaperFacts, source="arxiv", location="u", read_at=lab.now)
    old = facts("1706.03762", title="Attention Is All You Need")
    await lab.runtime.workers.ingest.add_facts([old, facts("2501.00004", comment=withdrawal)])
    await lab.set_up("1706.03762")
    await lab.press_on_card("2501.00004", "list-add", lab.readers[0])
    await lab.at("Fri-1 17:01")
    [poll] = lab.polls()
    assert answers(poll)[0] == "Attention Is All You Need"
    assert not any("Maps for Robots" in answer for answer in answers(poll))
    await lab.readers[0].set_poll_votes(poll, answers=[1])
    await lab.at("Thu 17:00")
    assert lab.thread_names() == ["Attention Is All You Need"]


async def test_the_most_upvoted_paper_wins_a_tie_and_a_skipped_paper_can_win_again(lab: Lab) -> None:
    """At a tie the votes on Hugging Face decide, and not the order of the answers. A paper is read once."""
    poll = await lab.begin_vote(listed="2501.00004")
    assert answers(poll)[0] == "Maps for Robots"
    await lab.at("Thu 17:00")  # the bot was offline when the vote ended
    assert lab.thread_names() == [SURVEY]
    assert len(lab.events()) == 1
    await lab.manage("skip")
    assert not lab.events()
    await lab.at("Fri 16:30")
    assert not [message for message in lab.messages(lab.threads()[0]) if "⏰" in text_of(message)]
    await lab.manage("now")
    await lab.press_on_card("2501.00001", "list-add", lab.readers[0])
    for reader in lab.readers[:2]:
        await lab.press_on_card("2501.00001", "save", reader)
    await lab.at("Fri 17:01")
    assert "Small Language Models" in lab.polls()[-1].poll.answers[0].text


@pytest.mark.parametrize("minutes", [15, 29, 40, 20 * 60 + 10])
async def test_votes_are_counted_when_the_poll_ends_however_late_its_receipt_is_stored(
    lab: Lab, minutes: int
) -> None:
    """The bot was killed when Discord had made the poll, and finds it in the history at its next start."""
    poll = await lab.begin_vote()
    async with lab.harness.container.database.transaction() as connection:
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
async def test_a_listed_paper_stays_a_candidate_after_a_skipped_or_deleted_vote(
    lab: Lab, is_skipped: bool
) -> None:
    poll = await lab.begin_vote(listed="2501.00004")
    if is_skipped:
        await lab.manage("skip")
    else:
        lab.harness.env.backend.delete_message(lab.harness.channel.id, poll.id)
        await lab.at("Wed 17:02")
    await lab.add_day(("2602.00001", 90))
    await lab.manage("now")
    assert answers(lab.polls()[-1])[0] == "Maps for Robots"
    await lab.at("Fri 16:00")
    assert lab.threads()


async def test_a_skipped_meeting_and_an_ended_club_close_their_votes_alone(lab: Lab) -> None:
    await lab.begin_vote()
    await lab.press_on_card("2501.00003", "discuss", lab.readers[0])
    assert "skipped" in await lab.manage("skip")
    assert len(lab.threads()) == 1, "a member's discussion is not cancelled"
    assert "Votes for it do not count" in "".join(map(text_of, lab.messages()))
    await lab.manage("skip")
    await lab.at("Wed 17:02", "Fri 16:59")
    assert (len(lab.threads()), lab.events()) == (1, [])
    await lab.add_day(("2602.00001", 4))
    await lab.at("Fri 17:01")
    assert [poll.poll.is_finalised() for poll in lab.polls()] == [True, False], (
        "the next vote begins after it"
    )
    asked = await lab.harness.press(
        await lab.harness.manage("club list"), "club-stop", by=lab.harness.manager
    )
    assert not lab.polls()[-1].poll.is_finalised()
    await lab.harness.press(asked, "club-stop", by=lab.harness.manager)
    await lab.set_up_in(lab.harness.channel)
    assert [poll.poll.is_finalised() for poll in lab.polls()] == [True, True]
    await lab.at("Wed+1 17:02")
    assert len(lab.threads()) == 1
    await lab.add_day(("2602.00001", 4))
    await lab.at("Fri+1 17:01")
    polls = [poll.poll.is_finalised() for poll in lab.polls()]
    assert polls == [True, True, True, False], (
        "the ended club's two, the first of the new one, which began a day later, and the next"
    )


async def test_changing_a_club_keeps_the_meeting_under_way(lab: Lab) -> None:
    guild, channel = lab.harness.guild, lab.harness.channel
    news = guild.create_text_channel("news")
    assert "is set up" in await lab.set_up_in(news, "thu", "15:00 UTC")
    assert "Club updated." in await lab.set_up_in(channel)
    assert "has these settings already" in await lab.set_up_in(channel)
    managers = guild.create_role("managers", permissions=discord.Permissions(manage_guild=True))
    second = guild.add_member(lab.harness.env.create_user("second"), roles=[managers])
    shown = await lab.harness.ask("club setup", by=second, channel=channel, day="fri", time="17:00 UTC")
    assert "has these settings already" in shown_text(shown), "also if another manager sets it up"
    await lab.at("Fri-1 17:01")
    answer = await lab.set_up_in(news, "thu", "15:00 UTC")
    assert "Its next meeting, whose vote has begun, stays" in answer
    assert f"Next meeting: {stamp(MEETS)}\nIts vote ends: <t:" in answer
    assert [poll.poll.is_finalised() for poll in lab.polls()] == [False]
    await lab.at("Wed 17:02", "Fri 16:30")
    [thread] = lab.threads()
    assert "⏰" in text_of(lab.messages(thread)[-1])
    await lab.add_day(("2602.00001", 4))
    await lab.at("Fri 17:01")
    assert (len(lab.polls()), len(lab.polls(news))) == (1, 1)
    assert stamp(datetime(2026, 1, 15, 15, tzinfo=UTC)) in text_of(lab.polls(news)[0])


async def test_first_vote_leaves_a_day_to_fill_the_list(lab: Lab) -> None:
    """The club is set up on a Wednesday."""
    shown = await lab.harness.set_up_club(channel=lab.harness.channel, day="thu", time="17:00 UTC")
    votes, meets = (datetime(2026, 1, day, 17, tzinfo=UTC) for day in (1, 8))
    assert f"Next vote: {stamp(votes)}\nNext meeting: {stamp(meets)}" in shown_text(shown)
    await lab.tick()
    assert not lab.polls()
    await lab.press_on_card("2501.00004", "list-add", lab.readers[0])
    listed = shown_text(await lab.harness.ask("club list", by=lab.readers[0]))
    assert "Up for the next vote**\n1. [Maps for Robots]" in listed
    for _ in range(2):
        assert "Up for the next vote" not in await lab.manage("now")
    [poll] = lab.polls()
    assert "press **Add to our list** on a paper's card" in text_of(poll)
    listed = shown_text(await lab.harness.ask("club list", by=lab.readers[0]))
    assert f"/{lab.harness.channel.id}/{poll.id})" in listed
    assert "Its vote ends: <t:" in listed


async def test_the_winner_is_posted_in_its_discussion_also_if_that_is_being_opened(lab: Lab) -> None:
    await lab.begin_vote()
    await lab.at("Wed 16:30")
    lab.refuse(DENIED)
    await lab.press_on_card("2501.00001", "discuss", lab.readers[0])
    await lab.at("Wed 17:02")
    assert lab.threads() == []
    lab.allow()
    for _ in range(8):
        await lab.wait(HOUR)
    [thread] = lab.threads()
    said = text_of(lab.messages()[-1])
    assert ("The paper for the next meeting" in said, f"/{thread.id}" in said) == (True, True)


async def test_reports_a_week_without_candidates_once(lab: Lab) -> None:
    await lab.until(datetime(2026, 2, 1, tzinfo=UTC))
    await lab.set_up_in(lab.harness.channel)
    await lab.wait(6 * DAY)
    assert ["nothing is left to read on our list" in text_of(message) for message in lab.messages()] == [True]
    assert "nothing to vote on" in await lab.manage("now")
    await lab.press_on_card("2501.00004", "list-add", lab.readers[0])
    await lab.manage("now")
    assert answers(lab.polls()[0]) == ["Maps for Robots"]


async def test_meeting_keeps_its_local_time_across_a_clock_change(lab: Lab) -> None:
    """In New York clocks go forward on March 8, 2026, between the vote and the meeting."""
    await lab.until(datetime(2026, 3, 6, 21, tzinfo=UTC))
    await lab.add_day(("2603.00001", 4))
    await lab.set_up_in(lab.harness.channel, time="17:00 New York")
    await lab.until(datetime(2026, 3, 6, 22, 1, tzinfo=UTC))
    await lab.until(datetime(2026, 3, 11, 22, tzinfo=UTC))
    starts = [datetime.fromisoformat(event.scheduled_start_time) for event in lab.events()]
    assert starts == [datetime(2026, 3, 13, 21, tzinfo=UTC)]


async def test_outages_lose_no_candidate_and_a_lost_meeting_is_named_by_the_next_vote(lab: Lab) -> None:
    """The bot is away at the first meeting, and in the whole second week after its vote began."""
    await lab.begin_vote()
    await lab.at("Fri-1 18:00")
    await lab.press_on_card("2501.00004", "list-add", lab.readers[0])
    await lab.at("Fri 16:00")
    lab.is_away = True
    await lab.at("Fri 19:00")
    lab.is_away = False
    await lab.add_day(("2602.00001", 4))
    await lab.tick()
    assert answers(lab.polls()[1])[0] == "Maps for Robots"
    lab.is_away = True
    await lab.at("Fri+1 18:00")
    lab.is_away = False
    await lab.add_day(("2602.00002", 4))
    await lab.at("Fri+1 19:00")
    assert len(lab.polls()) == 3
    assert f"The meeting on {stamp(MEETS + 7 * DAY)} had no paper" in text_of(lab.polls()[2])


# Weeks in which Discord refuses.


async def test_an_event_comes_once_the_bot_may_create_it(lab: Lab) -> None:
    lab.harness.env.inject_error("POST", "/guilds/*/scheduled-events", **DENIED)
    await lab.begin_vote()
    await lab.at("Wed 17:02")
    await lab.tick()
    assert len(lab.threads()) == 1
    [notice] = lab.notices()
    assert "club's next step" in notice
    assert "Create Events" in notice
    status = shown_text(await lab.harness.manage("status"))
    assert "Club" in status
    assert "Create Events" in status
    await lab.at("Thu 17:00")
    assert len(lab.events()) == 1
    await lab.at("Fri 16:30")
    assert "⏰" in text_of(lab.messages(lab.threads()[0])[-1])


async def test_a_refused_vote_comes_with_its_candidates_and_ends_when_it_promised(lab: Lab) -> None:
    texts = lab.harness.texts
    await lab.set_up(listed="2501.00004")
    lab.refuse(DENIED)
    await lab.at("Fri-1 17:01", "Sat-1 17:00")
    [notice] = lab.notices()
    assert "club" in notice
    assert "Create Polls" in notice
    status = shown_text(await lab.harness.manage("status"))
    assert texts("status-club") in status
    assert texts("reason-no-polls") in status
    listed = shown_text(await lab.harness.manage("club list"))
    assert texts("club-state-paper", meets=stamp(MEETS)) in listed
    assert stamp(MEETS - 2 * DAY) not in listed, "no vote ends that has not begun"
    lab.allow()
    await lab.at("Sun-1 05:00")
    await lab.manage("now")
    [poll] = lab.polls()
    assert answers(poll)[0] == "Maps for Robots"
    assert abs(poll.poll.expires_at - (MEETS - 2 * DAY)) < timedelta(minutes=30)
    await lab.at("Wed 17:31")
    assert len(lab.threads()) == 1


@pytest.mark.parametrize(
    ("command", "day", "meets"), [("now", "fri", MEETS), ("setup", "sat", MEETS - 6 * DAY)]
)
async def test_a_refused_vote_begins_at_once_when_it_is_begun_or_set_up_again(
    lab: Lab, command: str, day: str, meets: datetime
) -> None:
    await lab.set_up()
    lab.refuse(DENIED)
    await lab.at("Fri-1 17:10")
    lab.allow()
    is_begun = command == "now"
    said = await lab.manage("now") if is_begun else await lab.set_up_in(lab.harness.channel, day)
    assert ("The vote begins in a few seconds." if is_begun else "Club updated.") in said
    assert "Discord refused the vote" not in said, "it is tried just now"
    await lab.wait(MINUTE)
    assert len(lab.polls()) == 1
    assert f"Next meeting: {stamp(meets)}" in await lab.manage("list")


async def test_a_vote_that_was_never_accepted_is_said_before_the_meeting_and_not_said_to_be_deleted(
    lab: Lab,
) -> None:
    """Discord denies the first week's vote until the day of the meeting; its answer to the second's sounds like a deletion."""
    await lab.set_up(listed="2501.00004")
    lab.refuse(DENIED)
    await lab.at("Fri-1 17:01", "Fri 14:01")
    lab.allow()
    await lab.at("Fri 15:00")
    [said] = lab.messages()
    assert "There is no paper for" in text_of(said)
    assert "did not let Paperround hold its vote" in text_of(said)
    await lab.add_day(("2602.00001", 4))
    lab.refuse({"status": 404, "code": 10999, "message": "Unknown"}, times=1)
    await lab.at("Fri 17:01")
    await lab.at("Fri+1 15:00")
    assert lab.polls() == []
    assert "did not let Paperround hold its vote" in text_of(lab.messages()[-1])
    await lab.at("Fri+1 17:01")
    [poll] = lab.polls()
    assert answers(poll)[0] == "Maps for Robots", "it waits for a vote that is held"
    assert "had no paper" not in text_of(poll), "it was said already"


async def test_votes_that_cannot_be_read_are_asked_for_seldom_and_choose_if_they_can_be_in_time(
    lab: Lab,
) -> None:
    """In the first week they can be read an hour after the vote, in the second never."""
    poll = await lab.begin_vote()
    await lab.readers[0].set_poll_votes(poll, answers=[3])
    chosen = answers(poll)[2]
    lab.refuse(DENIED, "GET", "/*")
    await lab.at("Wed 17:02")
    lab.allow()
    await lab.at("Thu 17:00")
    assert lab.thread_names() == [chosen]
    before = len(lab.notices())
    await lab.add_day(("2602.00001", 4))
    await lab.at("Fri 17:01")
    lab.refuse(DENIED, "GET", "/*")
    await lab.at("Wed+1 17:02")
    begins = lab.now
    for minutes in range(0, 120, 5):
        await lab.until(begins + minutes * MINUTE)
    async with lab.harness.container.database.read() as connection:
        parts = [
            part
            for row in await outbox.list_rows(connection, kind=models.DeliveryKind.CLUB)
            for part in await outbox.list_parts(connection, row.id)
        ]
    count = max((part for part in parts if part.kind is models.PartKind.COUNT), key=lambda part: part.id)
    assert count.next_attempt_at - (count.last_attempt_at or begins) >= 6 * HOUR, (
        "after 10 minutes and an hour"
    )
    [notice] = lab.notices()[before:]
    assert "Read Message History" in notice
    await lab.at("Fri+1 16:55")
    assert "There is no paper for" in text_of(lab.messages()[-1])
    assert len(lab.notices()) == before + 1


async def test_only_discords_own_answer_says_that_a_vote_or_a_thread_is_gone(lab: Lab) -> None:
    await lab.set_up()
    reader = lab.readers[0]
    await lab.press_on_card("2501.00003", "discuss", reader)
    await lab.at("Fri-1 17:01")
    lab.refuse(PROXY, "GET", "/*")
    lab.harness.env.inject_error("PATCH", "/channels/*", times=None, **PROXY)
    await lab.at("Wed 17:02", "Wed 17:03")
    assert "already has a discussion" in await lab.press_on_card("2501.00003", "discuss", reader)
    lab.allow()
    await lab.at("Wed 17:04", "Wed 17:05")
    assert len(lab.threads()) == 2, "the discussion, and the winner's thread"
    assert "There is no paper" not in "".join(map(text_of, lab.messages()))


STEPS = ("Fri-1 17:01", "Wed 17:02", "Fri 16:01")
"""After the vote begins, after it ends, and after the reminder."""


@pytest.mark.parametrize(
    ("steps", "deleted_at"), [(1, "Sat-1 17:00"), (2, "Wed 17:03"), (2, "Fri 12:00"), (3, "Fri 16:30")]
)
async def test_a_manager_is_told_once_that_the_clubs_channel_was_deleted(
    lab: Lab, steps: int, deleted_at: str
) -> None:
    """During the vote, between its end and its paper, before the reminder in its thread, and after that."""
    await lab.set_up()
    await lab.at(*STEPS[:steps], deleted_at)
    for channel in (*lab.threads(), lab.harness.channel):
        lab.harness.env.backend.delete_channel(channel.id)
    await lab.at("Fri 16:50")
    await lab.add_day(("2602.00001", 4))  # for the next vote
    while lab.now < MEETS + 7 * DAY:
        await lab.wait(DAY)
    [notice] = lab.notices()
    assert "The channel or thread can't be found" in notice


async def test_a_vote_that_lost_its_channel_begins_at_once_in_a_new_one(lab: Lab) -> None:
    lost = lab.harness.guild.create_text_channel("lost")
    await lab.set_up_in(lost)
    lab.harness.env.backend.delete_channel(lost.id)
    await lab.at("Fri-1 17:01")
    assert len(lab.notices()) == 1
    await lab.set_up_in(lab.harness.channel)
    assert len(lab.polls()) == 1


async def test_a_refused_title_costs_a_vote_its_titles_alone(lab: Lab) -> None:
    await lab.set_up(listed="2501.00004")
    lab.refuse(BLOCKED, times=1)
    await lab.at("Fri-1 17:01")
    [poll] = lab.polls()
    assert answers(poll)[0] == "2501.00004"
    await lab.readers[0].set_poll_votes(poll, answers=[1])
    await lab.at("Wed 18:00")
    assert lab.thread_names() == ["Maps for Robots"], "its own title was not refused"


async def test_a_step_that_is_refused_in_every_form_is_said_to_the_manager_once(lab: Lab) -> None:
    await lab.set_up()
    lab.refuse(BLOCKED)
    await lab.at("Fri-1 17:01", "Sat-1 17:00")
    notices = lab.notices()
    assert len([notice for notice in notices if "club's next step" in notice]) == len(notices) == 2, (
        "the vote, and what is said in its place"
    )


async def test_a_server_that_the_bot_left_gets_no_votes(lab: Lab) -> None:
    await lab.begin_vote()
    guilds = lab.harness.bot.services.guilds
    await guilds.update({lab.harness.guild.id: {}})
    await guilds.mark_left([lab.harness.guild.id])
    await lab.wait(10 * DAY)
    assert len(lab.polls()) == 1


# What members and managers see.


async def test_club_is_stored_once_it_is_confirmed(lab: Lab) -> None:
    """The preview names the next vote, and stores nothing."""
    harness, texts = lab.harness, lab.harness.texts
    options = {"channel": harness.channel, "day": "thu", "time": "17:00 New York"}
    votes = stamp(datetime(2026, 1, 1, 22, tzinfo=UTC))
    shown = await harness.manage("club setup", **options)
    assert texts("club-preview", button=texts("club-create")) in shown_text(shown)
    assert votes in shown_text(shown)
    assert texts("club-missing", setup=harness.bot.mentions("club setup")) in await lab.manage("list")
    assert votes in shown_text(await harness.press(shown, "club-create", by=harness.manager))
    changed = await harness.manage("club setup", **{**options, "day": "fri"})
    assert texts("club-preview", button=texts("club-change")) in shown_text(changed)
    assert votes in await lab.manage("list")


async def test_the_list_names_the_channel_only_to_who_sees_it(lab: Lab) -> None:
    guild, bot = lab.harness.guild, lab.harness.bot.user
    seen, hidden = (discord.PermissionOverwrite(view_channel=is_seen) for is_seen in (True, False))
    readers = member, manager = lab.readers[1], lab.harness.manager
    overwrites = {guild.default_role: hidden, bot: seen, member: seen, manager: seen}
    room = guild.create_text_channel("room", overwrites=overwrites)

    async def is_named(reader: object) -> bool:
        listed = await lab.harness.ask("club list", by=reader)
        return str(room.id) in f"{shown_text(listed)} {listed.components}"

    await lab.at("Fri-1 16:00")
    await lab.set_up_in(room)
    for at in ("Fri-1 17:01", "Wed 17:02"):
        await lab.at(at)
        assert [await is_named(reader) for reader in (lab.readers[0], *readers)] == [False, True, True]
    assert (len(lab.polls(room)), len(lab.threads(room))) == (1, 1)


def test_answers_of_titles_that_begin_alike_stay_distinct() -> None:
    begins = "Scaling Large Language Models with Reinforcement Learning from"
    titles = [
        f"{begins} {end}" for end in ("Human Feedback", "AI Feedback", "Play", "Verifiable Rewards", "Errors")
    ]
    shown = club_messages.poll_answers([*titles, "A Short Title", "x" * 300])
    assert all(len(answer) <= 55 for answer in shown)
    assert len({answer.partition(". ")[2] for answer in shown}) == 7
    assert [answer.rpartition("…")[2] for answer in shown[:3]] == ["Human Feedback", "AI Feedback", "Play"]
    assert shown[5] == "6. A Short Title"
