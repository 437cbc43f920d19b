"""A reader's weekly message about saved papers: only to those who asked, once, on Monday morning, despite failures."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from bot.app.container import Container
from bot.app.workers import Workers
from bot.client import custom_ids
from bot.core.settings import Settings
from bot.outbox import contents, outcomes
from bot.shelf.news import NewsPost
from bot.shelf.service import Shelf
from storage import accounts, models, news, papers, shelf
from storage.database import Database
from storage.papers import EventKind, PaperEvent
from tests.support import killed_process, origin_server, world
from tests.support.client_harness import (
    ClientHarness,
    both_languages,
    component_ids,
    last_response,
    shown_text,
)
from tests.support.kept_services import Services
from tests.support.polling_harness import PollingHarness
from tests.support.world import AWAY, LOST, READER, ZONES, World, arxiv_id, moment

on_both_engines = pytest.mark.engines("sqlite", "postgresql")
OTHER = READER + 1
SURVEY = "2501.00001"


class Renderer(world.Renderer):
    """Renders news as the papers with what is new, such as `A+code`."""

    def render(self, post: Any) -> tuple[contents.RenderedPart, ...]:
        if isinstance(post, NewsPost):
            said = (f"{of.paper.title}+{'+'.join(event.kind for event in of.events)}" for of in post.papers)
            more = f" … {post.more}" if post.more else ""
            return self._message(post.marker, f"{post.locale}: {' '.join(said)}{more}")
        return super().render(post)


class NewsWorld(World):
    """A world with the planner of news. It starts on Thursday, January 1, 2026 (UTC)."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, "Thu-1 00:00 UTC")
        self.renderer = Renderer()
        container = Container(Settings(), database, self.clock)
        container.deliveries = self.deliveries
        self.shelf = container.services.get(Shelf)
        self.news = Workers(container).news_planner
        self.arrived: list[tuple[str, str]] = []

    async def save(self, names: str, by: int = READER) -> None:
        ids = await self.database.fetch(papers.get_ids, [arxiv_id(name) for name in names.split()])
        await self.shelf.save(by, [*ids.values()])

    async def happen(
        self, name: str, kind: EventKind = EventKind.CODE, text: str = "https://github.com/a/b"
    ) -> None:
        """Store an event of a paper as found now."""
        [paper_id] = (await self.database.fetch(papers.get_ids, [arxiv_id(name)])).values()
        event = PaperEvent(0, paper_id, kind, text, self.now)
        await self.database.write(papers.add_events, [event])

    async def tick(self) -> None:
        await self.relay.expire(self.now)
        await self.news.tick(self.now)
        await self.relay.drain(self.now)
        self.arrived += [(f"{self.now:%a %H:%M}", text) for text in self.sent[len(self.arrived) :]]

    async def until(self, days: float) -> None:
        """Let days pass, planning and sending each hour."""
        end = self.now + timedelta(days=days)
        while self.now < end:
            await self.wait(hours=1)


@pytest_asyncio.fixture
async def world_(db: Database) -> AsyncIterator[NewsWorld]:
    found = NewsWorld(db)
    await found.written("Thu-1", "A B C")
    yield found


@on_both_engines
async def test_news_come_once_a_week_on_monday_to_those_who_asked(world_: NewsWorld) -> None:
    await world_.save("A B")
    await world_.save("A B", by=OTHER)
    await world_.shelf.switch_news(READER, ZONES["Seoul"])
    await world_.database.write(accounts.upsert_reader, READER, locale=models.Locale.KO)
    await world_.until(0.5)
    await world_.happen("A")
    await world_.happen("C")
    await world_.until(7)
    assert world_.arrived == [("Mon 00:00", f"@{READER} ko: {await title(world_, 'A')}+code")]
    await world_.save("C")
    await world_.until(7)
    await world_.happen("A", EventKind.VERSION, "2")
    await world_.happen("A", EventKind.COMMENT, "Accepted")
    await world_.until(21)
    said = f"@{READER} ko: {await title(world_, 'A')}+version+comment"
    assert world_.arrived[1:] == [("Mon 00:00", said)]
    await world_.shelf.switch_news(READER, None)
    await world_.happen("B")
    await world_.until(8)
    assert len(world_.arrived) == 2


async def title(of: World, name: str) -> str:
    [row] = await of.database.fetch(_list_rows, arxiv_id(name))
    return str(row.title)


async def _list_rows(connection: Any, name: str) -> list[models.PaperRow]:
    return await papers.list_rows(connection, [*(await papers.get_ids(connection, [name])).values()])


@on_both_engines
async def test_no_news_is_lost_or_told_twice_by_kills_and_an_outage_of_nine_days(world_: NewsWorld) -> None:
    await world_.save("A B")
    await world_.shelf.switch_news(READER, "UTC")
    await world_.until(1)
    await world_.happen("A")
    world_.discord.answer = AWAY
    await world_.until(9)
    assert world_.arrived == []
    await world_.happen("B")
    world_.discord.answer = None
    await world_.until(1)
    await world_.until(8)
    told = " ".join(text for _, text in world_.arrived)
    assert (told.count("+code"), len(world_.arrived)) == (2, 2)
    await world_.happen("A", EventKind.JOURNAL, "Proc.")
    world_.now = world_.now + timedelta(days=8)
    for number, is_stored in ((1, False), (2, False), (1, True)):
        with killed_process.killed_at(world_.database, number, is_stored=is_stored):
            await world_.news.tick(world_.now)
    await world_.tick()
    await world_.until(8)
    assert [text for _, text in world_.arrived[2:]] == [f"@{READER} en: {await title(world_, 'A')}+journal"]


@on_both_engines
async def test_twelve_weeks_of_news_reach_each_reader_once(world_: NewsWorld) -> None:
    names = {name: arxiv_id(name) for name in "ABC"}
    async with origin_server.run_origin() as origin:
        services = Services(PollingHarness(world_.database, origin, world_.now))
        for name in names.values():
            services.tell(name)
            services.put_code(name, None)
        await world_.save("A B")
        await world_.save("A", by=OTHER)
        await world_.save("A B C", by=OTHER + 1)
        for reader, city, locale in (
            (READER, "Seoul", models.Locale.KO),
            (OTHER, "New_York", models.Locale.EN),
        ):
            await world_.shelf.switch_news(reader, ZONES[city])
            await world_.database.write(accounts.upsert_reader, reader, locale=locale)
        comment = "<arxiv:comment>Accepted</arxiv:comment>"
        journal = f"{comment}<arxiv:journal_ref>Proc.</arxiv:journal_ref>"
        for week in range(12):
            if week == 2:
                services.put_code(names["A"], "https://github.com/a/b")
                services.tell(names["C"], 2)
            if week == 4:
                services.tell(names["A"], 2, comment)
            if week == 7:
                services.tell(names["B"], 3, journal)
                services.tell(names["A"], 2, journal, "This paper has been withdrawn.")
            for _ in range(28):
                services.harness.now = world_.now
                await services.ask_now()
                is_out = 30 <= (world_.now - moment("Thu-1 00:00 UTC")).days < 39
                world_.discord.answer = AWAY if is_out else LOST if week == 5 else None
                with killed_process.killed_at(world_.database, 1, is_stored=week % 2 == 0):
                    await world_.news.tick(world_.now)
                await world_.wait(hours=6)
    told = {by: [text for _, text in world_.arrived if text.startswith(f"@{by} ")] for by in (READER, OTHER)}
    title_a, title_b = await title(world_, "A"), await title(world_, "B")
    of_both = [f"{title_a}+code", f"{title_a}+version+comment"]
    assert told[OTHER] == [f"@{OTHER} en: {text}" for text in (*of_both, f"{title_a}+journal+withdrawn")]
    assert told[READER][:2] == [f"@{READER} ko: {text}" for text in of_both]
    [last] = told[READER][2:]
    assert f"{title_a}+journal+withdrawn" in last
    assert f"{title_b}+version+comment+journal" in last
    due = {
        (row.user_id, f"{row.due_at:%a %H:%M}") for row in await world_.planned(kind=models.DeliveryKind.NEWS)
    }
    assert due <= {(READER, "Mon 00:00"), (OTHER, "Mon 14:00"), (OTHER, "Mon 13:00")}


async def test_closed_direct_messages_pause_the_switch(world_: NewsWorld) -> None:
    await world_.save("A")
    await world_.shelf.switch_news(READER, "UTC")
    world_.discord.answer = outcomes.DISCORD_ERRORS[50007]
    for version in range(2, 7):
        await world_.until(7)
        await world_.happen("A", EventKind.VERSION, str(version))
    switch = await world_.database.fetch(news.get, READER)
    assert switch is not None
    assert switch.reason == models.Reason.DMS_CLOSED
    await world_.database.write(accounts.remove_reader_data, READER)
    assert await world_.database.fetch(news.get, READER) is None


async def test_of_more_than_ten_papers_the_others_are_counted(world_: NewsWorld) -> None:
    names = [f"D{number}" for number in range(1, 13)]
    await world_.written("Fri-1", " ".join(names))
    await world_.save(" ".join(names))
    await world_.shelf.switch_news(READER, "UTC")
    world_.now += timedelta(hours=1)
    for name in names:
        await world_.happen(name)
    await world_.until(5)
    [(_, text)] = world_.arrived
    assert text.count("+code") == 10
    assert text.endswith(" … 2")


@both_languages
async def test_the_switch_below_saved_papers_says_what_it_does_and_the_message_stops_it(
    harness: ClientHarness,
) -> None:
    texts, database = harness.texts, harness.container.database
    [paper_id] = (await database.fetch(papers.get_ids, [SURVEY])).values()
    await database.write(shelf.save, harness.reader.id, [paper_id], harness.env.now())
    shown = await harness.ask("saved")
    assert texts("news-off") in shown_text(shown)
    shown = await harness.press(shown, "news-start")
    assert texts("news-on") in shown_text(shown)
    await harness.wait(hours=1)
    events = [
        PaperEvent(0, paper_id, EventKind.CODE, "https://github.com/a/b", harness.env.now()),
        PaperEvent(
            0, paper_id, EventKind.COMMENT, "Accepted to *ICML* @everyone" + " x" * 2000, harness.env.now()
        ),
    ]
    await database.write(papers.add_events, events)
    await harness.wait(days=8)
    assert await Workers(harness.container).news_planner.tick(harness.env.now()) == 1
    await harness.wait(hours=1)
    [message] = harness.received()
    said = shown_text(message)
    assert texts("news-heading", count=1) in said
    assert "https://github.com/a/b" in said
    assert "Accepted to \\*ICML\\*" in said
    assert "@everyone" not in said
    assert len(said) < 700
    [menu] = [id_ for id_ in component_ids(message) if custom_ids.unpack_custom_id(id_).verb == "srm"]
    removed = await harness.user.select(message, [SURVEY], custom_id=menu)
    assert texts("news-removed", count=1) in shown_text(last_response(removed))
    assert await database.fetch(shelf.count, harness.reader.id) == 0
    await harness.user.click(message, label=texts("news-stop"))
    assert await database.fetch(news.get, harness.reader.id) is None
