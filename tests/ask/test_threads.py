"""A question in a thread is answered once or said to be lost, on both engines, wherever the process is killed."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.app.container import Container
from bot.ask.service import LOST_AFTER, PaperQuestions
from bot.core.admission import Admission
from bot.core.settings import Settings
from bot.search.glossary import GlossaryService
from storage import club, models, outbox, paper_texts, papers
from storage.database import Database
from tests.support import asked_paper
from tests.support.world import CHANNEL, World, moment

pytestmark = pytest.mark.engines("sqlite", "postgresql")
NOW, THREAD, GUILD, MESSAGE = moment("Mon 09:00"), 77, 9, 4242
PLACE = {"guild_id": GUILD, "channel_id": THREAD}


@pytest.fixture
async def discussed(db: Database) -> Database:
    """A database with a thread about two papers' first one, whose text is stored."""
    await World(db).list("Mon", "A▲9 B▲8")
    async with db.transaction() as connection:
        ids = await papers.get_ids(connection, [paper.arxiv_id for paper in await _details(db)])
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
    return container.create_questions(db, GlossaryService(db), Admission(3))


async def due(db: Database, after: timedelta = timedelta(0)) -> list[str]:
    async with db.read() as connection:
        return [row.part.payload or "" for row in await outbox.list_due(connection, NOW + after)]


async def test_a_question_is_answered_once_although_discord_sends_it_twice(discussed: Database) -> None:
    for _ in range(2):
        await questions(discussed).answer_in_thread("학습에 얼마나 걸렸어?", 5, MESSAGE, None, **PLACE)
    [payload] = await due(discussed)
    assert "RTX A6000" in payload
    assert await due(discussed, LOST_AFTER) == [payload]


async def test_a_question_is_said_to_be_lost_after_a_kill(
    discussed: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_asked = asyncio.Event()

    async def hang(*_: object) -> None:
        is_asked.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(PaperQuestions, "answer", hang)
    killed = asyncio.create_task(
        questions(discussed).answer_in_thread("Which licence?", 5, MESSAGE, None, **PLACE)
    )
    await is_asked.wait()
    killed.cancel()
    monkeypatch.undo()
    await questions(discussed).answer_in_thread("Which licence?", 5, MESSAGE, None, **PLACE)
    assert await due(discussed) == []
    [payload] = await due(discussed, LOST_AFTER)
    assert "interrupted" in payload


async def test_a_thread_about_several_papers_asks_which(discussed: Database) -> None:
    second = sorted(paper.id for paper in await _details(discussed))[-1]
    async with discussed.transaction() as connection:
        place = {"channel_id": CHANNEL + 1, "paper_id": second, "guild_id": GUILD}
        await club.put_thread(connection, **place, thread_id=THREAD, delivery_id=1, opened_at=NOW)
    await questions(discussed).answer_in_thread("Which licence?", 5, MESSAGE, None, **PLACE)
    [payload] = await due(discussed)
    assert "several papers" in payload


async def test_forty_readers_at_once_are_all_answered(discussed: Database) -> None:
    [paper, *_] = sorted(await _details(discussed), key=lambda one: one.arxiv_id)
    service = questions(discussed)
    service.lookups.patience = 60.0
    answers = await asyncio.gather(*(service.answer(paper, "Which licence?", user) for user in range(40)))
    assert {answer.is_answer for answer in answers} == {True}
