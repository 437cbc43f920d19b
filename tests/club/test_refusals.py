"""What Discord refuses of a club: its manager is told what is missing, and nothing is lost that can still come."""

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest

from bot.club import messages as club_messages
from bot.club.service import ClubPost, Clubs
from storage import club as storage_club
from storage import models, outbox
from storage.database import Database
from tests.club.conftest import Lab, answers, text_of
from tests.support import patience
from tests.support.client_harness import both_languages, shown_text
from tests.support.world import CHANNEL, GUILD, World, arxiv_id

MEETS = datetime(2026, 1, 9, 17, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
DENIED = {"status": 403, "code": 50013, "message": "Missing Permissions"}
PROXY = {"status": 404, "code": 0, "message": "<html>"}


async def _set_up(lab: Lab, nominated: str = "") -> None:
    """Set up a club an hour before its first vote, which does not begin yet."""
    await lab.until(MEETS - 7 * DAY - HOUR)
    await lab.manage("setup", channel=lab.harness.channel, day="fri", time="17:00 UTC")
    if nominated:
        await lab.press_on_card(nominated, "nominate", lab.readers[0])


def _refuse(lab: Lab, method: str, path: str, answer: dict[str, Any]) -> None:
    lab.harness.env.inject_error(method, path, times=None, **answer)


def _allow(lab: Lab) -> None:
    lab.harness.env.backend.faults.clear()


def _notices(lab: Lab) -> list[str]:
    return [text_of(message) for message in lab.harness.manager.user.dm_channel.history()]


@both_languages
async def test_a_refused_vote_comes_with_its_nomination_and_ends_when_it_promised(lab: Lab) -> None:
    texts = lab.harness.texts
    await _set_up(lab, nominated="2501.00004")
    _refuse(lab, "POST", f"/channels/{lab.harness.channel.id}/messages", DENIED)
    await lab.until(MEETS - 7 * DAY + MINUTE)
    await lab.until(MEETS - 6 * DAY)
    [notice] = _notices(lab)
    is_korean = texts.locale is models.Locale.KO
    assert ("스터디" if is_korean else "club") in notice
    assert ("투표 만들기" if is_korean else "Create Polls") in notice
    status = shown_text(await lab.harness.manage("status"))
    assert texts("status-club") in status
    assert texts("reason-no-polls") in status
    listed = shown_text(await lab.harness.manage("club list"))
    assert texts("club-state-paper", meets=f"<t:{int(MEETS.timestamp())}:F>") in listed
    assert f"<t:{int((MEETS - 2 * DAY).timestamp())}" not in listed, "no vote ends that has not begun"
    _allow(lab)
    await lab.until(MEETS - 5 * DAY - 12 * HOUR)
    await lab.manage("now")
    [poll] = lab.polls()
    assert answers(poll)[0] == "Maps for Robots"
    assert abs(poll.poll.expires_at - (MEETS - 2 * DAY)) < timedelta(minutes=30)
    await lab.until(MEETS - 2 * DAY + timedelta(minutes=31))
    assert [thread.name for thread in lab.threads()] == ["Maps for Robots"] or len(lab.threads()) == 1


@pytest.mark.parametrize(
    ("command", "day", "meets"), [("now", "fri", MEETS), ("setup", "sat", MEETS - 6 * DAY)]
)
async def test_a_refused_vote_begins_at_once_when_it_is_begun_or_set_up_again(
    lab: Lab, command: str, day: str, meets: datetime
) -> None:
    await _set_up(lab)
    _refuse(lab, "POST", f"/channels/{lab.harness.channel.id}/messages", DENIED)
    await lab.until(MEETS - 7 * DAY + 10 * MINUTE)
    _allow(lab)
    options = {} if command == "now" else {"channel": lab.harness.channel, "day": day, "time": "17:00 UTC"}
    said = await lab.manage(command, **options)
    assert ("The vote begins in a few seconds." if command == "now" else "Club updated.") in said
    assert "Discord refused the vote" not in said, "it is tried just now"
    await lab.until(lab.now + MINUTE)
    assert len(lab.polls()) == 1
    assert f"Next meeting: <t:{int(meets.timestamp())}:F>" in await lab.manage("list")


async def test_a_vote_that_was_never_accepted_is_said_before_the_meeting(lab: Lab) -> None:
    await _set_up(lab, nominated="2501.00004")
    _refuse(lab, "POST", f"/channels/{lab.harness.channel.id}/messages", DENIED)
    await lab.until(MEETS - 7 * DAY + MINUTE)
    await lab.until(MEETS - 3 * HOUR + MINUTE)
    _allow(lab)
    await lab.until(MEETS - 2 * HOUR)
    [said] = lab.messages()
    assert "There is no paper for" in text_of(said)
    assert "did not let Paperround hold its vote" in text_of(said)
    await lab.add_day(("2602.00001", 4))
    await lab.until(MEETS + MINUTE)
    assert answers(lab.polls()[0])[0] == "Maps for Robots", "the nomination is for the vote that was held"
    assert "had no paper" not in text_of(lab.polls()[0]), "it was said already"


async def test_a_vote_that_was_never_accepted_is_not_said_to_be_deleted(lab: Lab) -> None:
    await _set_up(lab)
    path = f"/channels/{lab.harness.channel.id}/messages"
    lab.harness.env.inject_error("POST", path, times=1, status=404, code=10999, message="Unknown")
    await lab.until(MEETS - 7 * DAY + MINUTE)
    await lab.until(MEETS - 2 * HOUR)
    [said] = lab.messages()
    assert "did not let Paperround hold its vote" in text_of(said)


async def test_votes_that_cannot_be_read_are_asked_for_seldom_and_said_to_be_lost(lab: Lab) -> None:
    await _set_up(lab)
    await lab.until(MEETS - 7 * DAY + MINUTE)
    _refuse(lab, "GET", f"/channels/{lab.harness.channel.id}/messages/*", DENIED)
    begins = MEETS - 2 * DAY + 2 * MINUTE
    await lab.until(begins)
    for minutes in range(120):
        await lab.until(begins + minutes * MINUTE)
    async with lab.harness.container.database.read() as connection:
        parts = [
            part
            for row in await outbox.list_rows(connection, kind=models.DeliveryKind.CLUB)
            for part in await outbox.list_parts(connection, row.id)
        ]
    [count] = [part for part in parts if part.kind is models.PartKind.COUNT]
    assert count.next_attempt_at - (count.last_attempt_at or begins) >= 6 * HOUR, (
        "after 10 minutes and an hour"
    )
    [notice] = _notices(lab)
    assert "Read Message History" in notice
    await lab.until(MEETS - 5 * MINUTE)
    assert "There is no paper for" in text_of(lab.messages()[-1])
    assert len(_notices(lab)) == 1
    _allow(lab)


async def test_votes_that_can_be_read_in_time_still_choose_the_paper(lab: Lab) -> None:
    await _set_up(lab)
    await lab.until(MEETS - 7 * DAY + MINUTE)
    await lab.readers[0].set_poll_votes(lab.polls()[0], answers=[3])
    chosen = answers(lab.polls()[0])[2]
    _refuse(lab, "GET", f"/channels/{lab.harness.channel.id}/messages/*", DENIED)
    await lab.until(MEETS - 2 * DAY + 2 * MINUTE)
    _allow(lab)
    await lab.until(MEETS - DAY)
    assert [thread.name for thread in lab.threads()] == [chosen]


async def test_only_discords_own_answer_says_that_a_vote_or_a_thread_is_gone(lab: Lab) -> None:
    await _set_up(lab)
    reader = lab.readers[0]
    await lab.press_on_card("2501.00003", "discuss", reader)
    await lab.until(MEETS - 7 * DAY + MINUTE)
    _refuse(lab, "GET", f"/channels/{lab.harness.channel.id}/messages/*", PROXY)
    _refuse(lab, "PATCH", "/channels/*", PROXY)
    await lab.until(MEETS - 2 * DAY + 2 * MINUTE)
    await lab.until(lab.now + MINUTE)
    assert "already has a discussion" in await lab.press_on_card("2501.00003", "discuss", reader)
    _allow(lab)
    await lab.until(lab.now + MINUTE)
    await lab.until(lab.now + MINUTE)
    assert len(lab.threads()) == 2, "the discussion, and the winner's thread"
    assert "There is no paper" not in "".join(map(text_of, lab.messages()))


@both_languages
@pytest.mark.parametrize(
    "deleted_at", [MEETS - 6 * DAY, MEETS - 2 * DAY + 3 * MINUTE, MEETS - 5 * HOUR, MEETS - 30 * MINUTE]
)
async def test_a_manager_is_told_once_that_the_clubs_channel_was_deleted(
    lab: Lab, deleted_at: datetime
) -> None:
    """During the vote, between its end and its paper, before the reminder in its thread, and after that."""
    await _set_up(lab)
    await lab.until(MEETS - 7 * DAY + MINUTE)
    if deleted_at > MEETS - 2 * DAY:
        await lab.until(MEETS - 2 * DAY + 2 * MINUTE)
    if deleted_at > MEETS - HOUR:
        await lab.until(MEETS - 59 * MINUTE)
    await lab.until(deleted_at)
    for channel in (*lab.threads(), lab.harness.channel):
        lab.harness.env.backend.delete_channel(channel.id)
    await lab.until(MEETS - 10 * MINUTE)
    await lab.add_day(("2602.00001", 4))  # for the next vote
    while lab.now < MEETS + 7 * DAY:
        await lab.until(lab.now + 8 * HOUR)
    [notice] = _notices(lab)
    is_korean = lab.harness.texts.locale is models.Locale.KO
    assert (
        "채널이나 스레드를 찾을 수 없어요" if is_korean else "The channel or thread can't be found"
    ) in notice


async def test_a_lost_meeting_is_named_by_the_next_vote(lab: Lab) -> None:
    await _set_up(lab)
    await lab.until(MEETS - 7 * DAY + MINUTE)
    lab.is_away = True
    await lab.until(MEETS + HOUR)
    lab.is_away = False
    await lab.add_day(("2602.00001", 4))
    await lab.until(MEETS + 2 * HOUR)
    assert len(lab.polls()) == 2
    assert f"The meeting on <t:{int(MEETS.timestamp())}:F> had no paper" in text_of(lab.polls()[1])


async def test_a_nomination_for_the_next_vote_outlives_an_outage_at_it(lab: Lab) -> None:
    await _set_up(lab)
    await lab.until(MEETS - 7 * DAY + MINUTE)
    await lab.until(MEETS - 7 * DAY + HOUR)
    await lab.press_on_card("2501.00004", "nominate", lab.readers[0])
    await lab.until(MEETS - HOUR)
    lab.is_away = True
    await lab.until(MEETS + 2 * HOUR)
    lab.is_away = False
    await lab.add_day(("2602.00001", 4))
    await lab.tick()
    titles = answers(lab.polls()[1])
    assert titles[0] == "Maps for Robots"
    card = shown_text(await lab.harness.ask("paper", by=lab.readers[0], paper="2501.00004"))
    assert "Nominated" in card, "until its vote is counted"


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
            await asyncio.wait([waiting], timeout=patience.scaled(0.5))
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
    await asyncio.gather(*(each.discuss(paper, ClubPost(**place), 7) for each in clubs))
    assert len(await world.planned()) == 1


BLOCKED: dict[str, Any] = {
    "status": 400,
    "code": 200000,
    "message": "Message was blocked by automatic moderation",
}


@both_languages
async def test_a_refused_discussion_is_taken_back_to_its_reader(lab: Lab) -> None:
    texts, reader = lab.harness.texts, lab.readers[0]
    is_korean = texts.locale is models.Locale.KO
    _refuse(lab, "POST", f"/channels/{lab.harness.channel.id}/messages", BLOCKED)
    said = await lab.press_on_card("2501.00003", "discuss", reader)
    assert said == texts("club-opening", channel=lab.harness.channel.mention)
    await lab.tick(times=4)
    [notice] = [text_of(message) for message in reader.user.dm_channel.history()]
    assert ("토론은 올라오지 않아요" if is_korean else "discussion that you opened does not appear") in notice
    assert "AutoMod" in notice
    assert lab.threads() == []
    assert _notices(lab) == [], "it concerns its reader alone"
    _allow(lab)
    await lab.until(lab.now + MINUTE)
    assert await lab.press_on_card("2501.00003", "discuss", reader) == said, "it may be opened again"
    await lab.tick()
    assert len(lab.threads()) == 1


async def test_each_reader_and_the_clubs_manager_are_told_that_a_channel_refuses(lab: Lab) -> None:
    await _set_up(lab)
    await lab.until(MEETS - 7 * DAY - MINUTE)
    _refuse(lab, "POST", f"/channels/{lab.harness.channel.id}/messages", DENIED)
    for reader, papers in zip(lab.readers[:2], (("2501.00003",), ("2501.00004", "2501.00005")), strict=True):
        for paper in papers:
            await lab.press_on_card(paper, "discuss", reader)
        await lab.tick()
        assert len(reader.user.dm_channel.history()) == 1
    await lab.until(MEETS - 7 * DAY + MINUTE)
    assert len(_notices(lab)) == 1


async def test_a_discussion_that_discord_refused_is_none_of_the_ten_a_day(lab: Lab) -> None:
    texts, reader = lab.harness.texts, lab.readers[0]
    rooms = [lab.harness.channel, lab.harness.guild.create_text_channel("room")]
    wanted = [(room, f"2501.0000{number}") for room in rooms for number in range(1, 7)]
    _refuse(lab, "POST", f"/channels/{lab.harness.channel.id}/messages", BLOCKED)
    opening = [texts("club-opening", channel=room.mention) for room, _ in wanted]
    for (room, paper), said in zip(wanted[:2], opening[:2], strict=True):
        assert await lab.press_on_card(paper, "discuss", reader, where=room) == said
    await lab.tick(times=4)
    assert len(reader.user.dm_channel.history()) == 2
    assert texts("status-discussion") in shown_text(await lab.harness.manage("status"))
    _allow(lab)
    await lab.until(lab.now + MINUTE)
    answers = [await lab.press_on_card(paper, "discuss", reader, where=room) for room, paper in wanted]
    assert answers == [*opening[:10], *[texts("club-too-many", count=10)] * 2]


async def test_a_refused_title_costs_a_discussion_its_title_alone(lab: Lab) -> None:
    lab.harness.env.inject_error("POST", f"/channels/{lab.harness.channel.id}/messages", times=1, **BLOCKED)
    path = f"/channels/{lab.harness.channel.id}/messages/*/threads"
    lab.harness.env.inject_error("POST", path, times=1, **BLOCKED)
    await lab.press_on_card("2501.00003", "discuss", lab.readers[0])
    await lab.tick()
    [thread] = lab.threads()
    [message] = lab.messages()
    assert thread.name == "2501.00003"
    assert "Speech without a Score" not in text_of(message)
    assert "2501.00003" in text_of(message)


async def test_a_refused_title_costs_a_vote_its_titles_alone(lab: Lab) -> None:
    await _set_up(lab, nominated="2501.00004")
    lab.harness.env.inject_error("POST", f"/channels/{lab.harness.channel.id}/messages", times=1, **BLOCKED)
    await lab.until(MEETS - 7 * DAY + MINUTE)
    [poll] = lab.polls()
    assert answers(poll)[0] == "2501.00004"
    await lab.readers[0].set_poll_votes(poll, answers=[1])
    await lab.until(MEETS - 2 * DAY + HOUR)
    assert [thread.name for thread in lab.threads()] == ["Maps for Robots"], "its own title was not refused"


async def test_a_step_that_is_refused_in_every_form_is_said_to_the_manager_once(lab: Lab) -> None:
    await _set_up(lab)
    _refuse(lab, "POST", f"/channels/{lab.harness.channel.id}/messages", BLOCKED)
    await lab.until(MEETS - 7 * DAY + MINUTE)
    await lab.until(MEETS - 6 * DAY)
    notices = _notices(lab)
    assert len([one for one in notices if "club's next step" in one]) == len(notices) == 2, (
        "the vote, and what is said in its place"
    )
    _allow(lab)


async def test_the_paper_and_its_thread_follow_the_count_at_once(lab: Lab) -> None:
    await _set_up(lab)
    await lab.until(MEETS - 7 * DAY + MINUTE)
    ends_at = lab.polls()[0].poll.expires_at
    await lab.harness.env.advance_time((ends_at + MINUTE - lab.now).total_seconds())
    await lab.tick(times=1)
    assert len(lab.threads()) == 1
    assert len(lab.events()) == 1


async def test_a_discussion_is_known_as_soon_as_its_thread_is_open(lab: Lab) -> None:
    await lab.press_on_card("2501.00003", "discuss", lab.readers[0])
    await lab.runtime.relay.drain(lab.now)
    assert "already has a discussion" in await lab.press_on_card("2501.00003", "discuss", lab.readers[1])
