"""A question in a thread is answered once or said to be lost, on both engines, wherever the process is killed."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any
from unittest.mock import AsyncMock

import pytest
from simcord.components import walk_components

from bot.app.container import Container
from bot.client import custom_ids
from bot.client.refusals import UserError
from bot.client.text_tokens import TextTokenStore
from bot.core.admission import Admission
from bot.core.settings import Settings
from bot.features.ask.service import LOST_AFTER, MAX_A_DAY, AskedMessage, PaperQuestions
from bot.features.operations.readers import Readers
from bot.papers import list_state
from bot.papers.replies import load_list_text
from bot.sources.paper_text import PaperTextReader
from storage import accounts, ask, club, models, outbox, paper_texts, papers
from storage.database import Database
from tests.support import asked_paper, outbox_builders, patience
from tests.support.world import CHANNEL, World, moment

pytestmark = pytest.mark.engines("sqlite", pytest.param("postgresql", marks=pytest.mark.all_faults))
NOW, THREAD, GUILD = moment("Mon 09:00"), 77, 9
MESSAGE = AskedMessage(GUILD, THREAD, 4242, user_id=5, replied_to=None, may_reply=True, is_mention=True)


@pytest.fixture(autouse=True)
def is_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine an answer would be announced before it is there."""
    monkeypatch.setattr("bot.features.ask.service.READING_AFTER", 600.0)


@pytest.fixture
async def discussed(db: Database) -> Database:
    """A database with a thread about two papers' first one, whose text is stored."""
    await World(db).list("Mon", "A▲9 B▲8")
    async with db.transaction() as connection:
        ids = await papers.get_ids(connection, [paper.key for paper in await _details(db)])
        arxiv_id, paper_id = next(iter(sorted(ids.items())))
        text = asked_paper.paper_text()
        stored = models.PaperText(arxiv_id, text.text, text.url, NOW)
        await paper_texts.save(connection, stored)
        place = {"channel_id": CHANNEL, "paper_id": paper_id, "guild_id": GUILD}
        await club.put_thread(connection, **place, thread_id=THREAD, delivery_id=1, opened_at=NOW)
    return db


async def _details(db: Database) -> list[models.PaperDetail]:
    async with db.read() as connection:
        return await papers.list_details(connection, await papers.list_newest_ids(connection, limit=9))


def questions(db: Database) -> PaperQuestions:
    """Return the service of a process that has just started."""
    container = Container(Settings(), db, lambda: NOW)
    return container.create_questions(Admission(3))


async def due(db: Database, after: timedelta = timedelta(0)) -> list[str]:
    return [row.part.payload or "" for row in await db.fetch(outbox_builders.list_due, NOW + after)]


async def has_due(db: Database) -> bool:
    return bool(await due(db))


async def test_a_question_is_answered_once_although_discord_sends_it_twice(discussed: Database) -> None:
    for _ in range(2):
        await questions(discussed).answer_mention("학습에 얼마나 걸렸어?", MESSAGE)
    [payload] = await due(discussed)
    assert "RTX A6000" in payload
    assert await due(discussed, LOST_AFTER) == [payload]


async def test_the_plain_form_of_an_answer_has_no_words_of_the_paper(discussed: Database) -> None:
    """Discord refuses an answer for its words; the reader may have it alone."""
    await questions(discussed).answer_mention("학습에 얼마나 걸렸어?", MESSAGE)
    [row] = await discussed.fetch(outbox_builders.list_due, NOW)
    plain = row.part.fallback or ""
    assert all(text in plain for text in (row.part.marker or "?", f"/{THREAD}/{MESSAGE.id}", "거부했어요"))
    assert "RTX A6000" not in plain


@pytest.mark.parametrize("is_killed", [False, True])
async def test_a_text_that_takes_long_is_announced_and_the_message_edited(
    discussed: Database, monkeypatch: pytest.MonkeyPatch, is_killed: bool
) -> None:
    monkeypatch.setattr("bot.features.ask.service.READING_AFTER", 0.0)
    answer, is_read = PaperQuestions.answer, asyncio.Event()

    async def read_slowly(*arguments: Any, **further: Any) -> Any:
        await is_read.wait()
        return await answer(*arguments, **further)

    monkeypatch.setattr(PaperQuestions, "answer", read_slowly)
    asking = asyncio.create_task(questions(discussed).answer_mention("Which licence?", MESSAGE))
    await patience.wait_until(partial(has_due, discussed))
    [reading] = await due(discussed)
    assert "Reading the paper" in reading
    await send_first(discussed)
    if is_killed:
        asking.cancel()
        assert await due(discussed) == []
    else:
        is_read.set()
        await asking
        [edit] = await due(discussed)
        assert "The weights are" in edit
    [last] = await due(discussed, LOST_AFTER)
    assert ("interrupted" if is_killed else "The weights are") in last
    assert "message_reference" not in last  # Discord takes none in an edit


FAILED, OVER_TIME = "error in Paperround", "took too long"


COURTS = "How do courts decide a divorce?"


async def add_courts(db: Database) -> None:
    await World(db).list("Tue", 'C "Divorce Courts | Courts decide a divorce by language models."')


async def _fail(*_: Any, **__: Any) -> Any:
    raise RuntimeError("a fault of ours")


async def _never_end(*_: Any, **__: Any) -> Any:
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("name", "instead", "said"),
    [
        ("PaperQuestions.answer", _fail, FAILED),
        ("PaperQuestions.answer", _never_end, OVER_TIME),
        ("TextTokenStore.save", _fail, FAILED),
    ],
)
async def test_what_failed_or_took_too_long_is_said_and_not_called_interrupted(
    discussed: Database, monkeypatch: pytest.MonkeyPatch, name: str, instead: Any, said: str
) -> None:
    monkeypatch.setattr(f"bot.features.ask.service.{name}", instead)
    if instead is _never_end:
        monkeypatch.setattr("bot.features.ask.service.ANSWERING_SECONDS", 0.01)
    await add_courts(discussed)
    await questions(discussed).answer_mention(COURTS, MESSAGE._replace(channel_id=CHANNEL))
    [payload] = await due(discussed)
    assert said in payload
    assert await due(discussed, LOST_AFTER) == [payload]


async def test_an_answer_that_fails_says_so(discussed: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.features.ask.messages.list_notes", lambda *_: 1 / 0)
    await questions(discussed).answer_mention("Which licence?", MESSAGE)
    [payload] = await due(discussed)
    assert FAILED in payload


@pytest.mark.parametrize("asked", [COURTS, f"{COURTS} " * 30])
async def test_a_questions_words_are_in_no_button_and_forgotten(discussed: Database, asked: str) -> None:
    await add_courts(discussed)
    await questions(discussed).answer_mention(asked, MESSAGE._replace(channel_id=CHANNEL))
    [payload] = await due(discussed)
    buttons = [one for one in walk_components(json.loads(payload)["components"]) if one.get("custom_id")]
    [listed] = [one["custom_id"] for one in buttons if one.get("label") == "All papers on this"]
    assert "divorce" not in listed
    action = custom_ids.unpack_custom_id(listed)
    tokens = TextTokenStore(discussed, lambda: NOW)
    found = await load_list_text(tokens, list_state.unpack_state(action))
    assert "divorce" in found.text
    await Readers(discussed, lambda: NOW).forget(MESSAGE.user_id)
    with pytest.raises(UserError, match="outdated-control"):
        await load_list_text(tokens, list_state.unpack_state(action))


async def send_first(db: Database) -> None:
    """Have the part that is due sent, so that a later one edits its message."""
    async with db.transaction() as connection:
        [first] = await outbox_builders.list_due(connection, NOW)
        await outbox.mark_sending(connection, [first.part.id], NOW, term=0)
        await outbox.mark_sent(connection, {first.part.id: models.Receipt(5151, THREAD)}, NOW)


async def test_a_reply_to_an_answer_asks_the_same_paper_without_a_mention(discussed: Database) -> None:
    await add_second_paper(discussed)
    [paper, _] = sorted(await discussed.fetch(ask.list_place_papers, THREAD, None))
    await questions(discussed).answer_mention(f"Which licence has {paper}?", MESSAGE)
    await send_first(discussed)
    reply = MESSAGE._replace(id=4343, replied_to=5151, is_mention=False)
    await questions(discussed).answer_mention("How long did training take?", reply)
    [payload] = await due(discussed)
    assert "RTX A6000" in payload
    # A reply to something else that only notifies the bot is a remark about it.
    await questions(discussed).answer_mention("Nice!", reply._replace(id=4444, replied_to=1))
    assert await due(discussed) == [payload]


async def test_thanks_do_not_count_among_a_readers_questions_of_a_day(
    discussed: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.features.ask.service.MAX_A_DAY", 1)
    service = questions(discussed)
    for number, text in enumerate(("Thanks!", "", "Which licence?"), 1):
        await service.answer_mention(text, MESSAGE._replace(id=number))
    [payload] = await due(discussed)
    assert "The weights are" in payload


async def test_readers_who_wait_for_one_text_do_not_keep_others_from_reading(
    discussed: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, other = sorted(await _details(discussed), key=lambda one: one.key)
    async with discussed.transaction() as connection:
        await connection.execute(paper_texts.paper_texts.delete())
    reads, is_read = list[str](), asyncio.Event()

    async def read(_: object, arxiv_id: str, *__: object) -> models.PaperText:
        reads.append(arxiv_id)
        if arxiv_id == slow.key:
            await is_read.wait()
        return replace(asked_paper.paper_text(), paper_key=arxiv_id, fetched_at=NOW)

    monkeypatch.setattr(PaperTextReader, "read", read)
    service = questions(discussed)
    waiting = [
        asyncio.create_task(service.answer("Which licence?", models.Locale.EN, user, paper=slow))
        for user in range(40)
    ]
    assert (await service.answer("Which licence?", models.Locale.EN, 99, paper=other)).is_near
    is_read.set()
    assert {answer.is_near for answer in await asyncio.gather(*waiting)} == {True}
    assert sorted(reads) == [slow.key, other.key]


async def add_second_paper(db: Database) -> None:
    second = sorted(paper.id for paper in await _details(db))[-1]
    async with db.transaction() as connection:
        place = {"channel_id": CHANNEL + 1, "paper_id": second, "guild_id": GUILD}
        await club.put_thread(connection, **place, thread_id=THREAD, delivery_id=1, opened_at=NOW)


async def test_an_answer_is_about_the_paper_that_a_message_means_in_a_thread(discussed: Database) -> None:
    other = max(paper.key for paper in await _details(discussed))
    gone = MESSAGE._replace(cards=AsyncMock(return_value=("2412.99999",)))
    for number, (text, message, said, unsaid) in enumerate(
        (
            # An id in a message, whatever the thread is about.
            (f"What about {other}, which licence?", MESSAGE, other, "The weights are"),
            ("How does it compare with 2412.99999?", MESSAGE, "No digest has listed", "The weights are"),
            ("Which licence?", gone, "Nothing here is about this", "several papers"),
        )
    ):
        await questions(discussed).answer_mention(text, message._replace(id=number + 1))
        payload = (await due(discussed))[-1]
        assert said in payload
        assert unsaid not in payload
        assert ("99999" in payload) is ("99999" in text)
    await add_second_paper(discussed)
    await questions(discussed).answer_mention("Which licence?", MESSAGE)
    assert "several papers" in (await due(discussed))[-1]


async def test_discord_is_asked_nothing_for_a_mention_that_is_not_answered(discussed: Database) -> None:
    """A reader's further mentions, and those in a server that turned answers off, cost no request."""
    asking, find_cards = questions(discussed), AsyncMock(return_value=())
    mentions = [MESSAGE._replace(id=number, cards=find_cards) for number in range(MAX_A_DAY + 3)]
    for mention in mentions:
        await asking.answer_mention("Which licence?", mention)
    assert find_cards.await_count == MAX_A_DAY + 1, "that it was the last is said"
    await discussed.write(accounts.upsert_guilds, {GUILD: {"answers_mentions": False}})
    await questions(discussed).answer_mention("Which licence?", mentions[0])
    assert find_cards.await_count == MAX_A_DAY + 1
