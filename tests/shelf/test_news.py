"""News of papers for readers and threads: only to those who asked, once, at their time, despite failures."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from bot.app.workers import Workers
from bot.client import custom_ids, message_builder
from bot.features.club.thread_news import ThreadNewsPlanner
from bot.features.operations.readers import Readers
from bot.features.shelf.news import NewsPlanner, NewsPost
from bot.features.shelf.service import Shelf
from bot.outbox import outcomes
from storage import accounts, archive, club, locks, migrate, models, news, papers, shelf, today
from storage.database import Database
from storage.papers import EventKind, PaperEvent
from tests.shelf.test_shelf_commands import send_control
from tests.support import killed_process, origin_server, patience, rendered_posts, world
from tests.support.client_harness import ClientHarness, component_ids, last_response, shown_text
from tests.support.followed_services import Services
from tests.support.polling_harness import PollingHarness
from tests.support.world import AWAY, LOST, READER, ZONES, World, arxiv_id, moment

OTHER, SILENT = READER + 1, READER + 2
THREADS = {44: models.Locale.KO, 45: models.Locale.EN}
SURVEY = "2501.00001"
CODE = "https://github.com/a/b"
ALSO_ON_POSTGRESQL = {7, 11, 32, 39, 68, 81}
KILLED_ON = ALSO_ON_POSTGRESQL | {4, 8, 12, 18, 28, 35, 56, 75, 82}
"""The days on which something is found or due, those after some of them, and two Mondays without news."""
WHY = {
    models.Reason.DMS_CLOSED: "block direct messages",
    models.Reason.NO_SHARED_SERVER: "don't share a server",
}


class NewsWorld(World):
    """A world with the planners of news and two threads about C. It starts on Thursday, January 1, 2026 (UTC)."""

    def __init__(self, database: Database, discord: world.Discord | None = None) -> None:
        super().__init__(database, "Thu-1 09:00")
        self.discord = self.sender = discord or self.discord
        self.restart()
        services = self.workers.services
        self.shelf, self.news = services.get(Shelf), services.get(NewsPlanner)
        self.threads = services.get(ThreadNewsPlanner)
        self.arrived: dict[int, list[str]] = {}

    async def start_sender(self) -> None:
        """Replace the relay by that of a new process, which sends in a new term."""
        term = await self.database.write(locks.raise_term, "")
        self.restart(lambda: term)

    async def save(self, names: str, by: int = READER) -> None:
        ids = await self.database.fetch(papers.get_ids, [arxiv_id(name) for name in names.split()])
        await self.shelf.save(by, [*ids.values()])

    async def open_threads(self) -> None:
        """Open a discussion about C in a Korean and in an English server."""
        [paper_id] = (await self.database.fetch(papers.get_ids, [arxiv_id("C")])).values()
        async with self.database.transaction() as connection:
            await accounts.upsert_guilds(connection, {id_: {"locale": THREADS[id_]} for id_ in THREADS})
            for id_ in THREADS:
                row = {"guild_id": id_, "channel_id": id_, "thread_id": id_, "delivery_id": id_}
                await club.put_thread(connection, paper_id=paper_id, opened_at=self.now, **row)

    async def happen(self, name: str, kind: EventKind = EventKind.CODE, text: str = CODE) -> None:
        """Store an event of a paper as found now."""
        [paper_id] = (await self.database.fetch(papers.get_ids, [arxiv_id(name)])).values()
        await self.database.write(papers.add_events, [PaperEvent(0, paper_id, kind, text, self.now)])

    async def tick(self) -> None:
        await self.relay.expire(self.now)
        await self.news.tick(self.now)
        await self.threads.tick(self.now)
        await self.relay.drain(self.now)
        known = sum(map(len, self.arrived.values()))
        for channel, text, _ in self.discord.messages[known:]:
            self.arrived.setdefault(abs(channel), []).append(f"{self.now:%a %m-%d %H:%M} {text}")

    async def kill_each_step(self) -> None:
        """Plan and send what is due, ending the process before and after each transaction of both."""
        for number in (1, 2):
            for is_stored in (False, True):
                for step in (self.news.tick, self.threads.tick, self.relay.drain):
                    with killed_process.killed_at(self.database, number, is_stored=is_stored):
                        await step(self.now)
                    await self.start_sender()


@pytest_asyncio.fixture
async def world_(db: Database) -> AsyncIterator[NewsWorld]:
    found = NewsWorld(db)
    await found.written("Thu-1", "A B C D")
    yield found


def publish(services: Services, day: int) -> None:
    """Set what services say from a day on of A, which is saved, C, which is discussed, and D, which is neither."""
    accepted = "<arxiv:comment>Accepted</arxiv:comment>"
    journal = f"{accepted}<arxiv:journal_ref>Proc.</arxiv:journal_ref>"
    for name in ("A", "C", "D"):
        tell = partial(services.tell, arxiv_id(name), 2, on=f"{services.harness.now:%Y-%m-%d}")
        if day == 7:
            services.put_code(arxiv_id(name), CODE)
        if day == (35 if name == "C" else 28):
            tell(accepted)
        if day == 56:
            tell(journal)
        if day == 75:
            tell(journal.replace("Proc.", f"Proc. {name}"), "This paper has been withdrawn.")


async def test_news_that_discord_refuses_come_in_their_plain_form(db: Database) -> None:
    refusing = NewsWorld(db)
    refusing.discord.forbidden = {"B"}
    await refusing.written("Thu-1", "A B C")
    await refusing.save("A B C")
    await refusing.shelf.start_news(READER, ZONES["Seoul"])
    refusing.now += timedelta(hours=1)
    for name in "ABC":
        await refusing.happen(name)
    for hours in (*[24] * 7, *[1] * 4):
        await refusing.wait(hours=hours)
    [told] = [text.split(maxsplit=3)[3] for text in refusing.arrived[READER]]
    assert sorted(told.split()) == ["a+code", "b+code", "c+code", "en", "plain"]


def list_told(world_: NewsWorld) -> list[str]:
    """Return the papers that a reader's messages named, without what is new about them."""
    texts = (text.split(maxsplit=3)[3] for text in world_.arrived.get(READER, ()) if "notice" not in text)
    return sorted(word.partition("+")[0] for text in texts for word in text.split() if word[0].isupper())


async def test_a_discussion_opened_again_is_not_silent(world_: NewsWorld) -> None:
    await world_.open_threads()
    await world_.database.write(club.silence_thread, 44)
    await world_.open_threads()
    world_.now += timedelta(hours=1)
    await world_.happen("C")
    await world_.wait(hours=1)
    assert world_.arrived.keys() == THREADS.keys()


async def test_the_number_of_an_event_that_was_removed_is_not_used_again(world_: NewsWorld) -> None:
    await world_.open_threads()
    world_.now += timedelta(hours=1)
    for kind in (EventKind.CODE, EventKind.COMMENT):
        await world_.happen("C", kind)
        await world_.wait(hours=1)
        await world_.database.write(lambda connection: connection.execute(papers.paper_events.delete()))
    assert {len(texts) for texts in world_.arrived.values()} == {2}


@pytest.mark.engines("postgresql")
async def test_what_is_stored_while_news_are_planned_is_told(world_: NewsWorld, database_url: str) -> None:
    """An ingest has read its clock and not ended yet: A is found before Monday's time, as is the code of C in a thread."""
    await world_.save("A B")
    await world_.open_threads()
    await world_.shelf.start_news(READER, "UTC")
    world_.now = moment("Mon 08:59 UTC")
    await world_.happen("B")
    other = await migrate.open_database(database_url)
    ids = await other.fetch(papers.get_ids, [arxiv_id("A"), arxiv_id("C")])
    events = [PaperEvent(0, id_, EventKind.CODE, CODE, world_.now) for id_ in ids.values()]
    async with other.transaction() as connection:
        await archive.lock_ingest(connection)
        await papers.add_events(connection, events)
        await world_.happen("C", EventKind.COMMENT)
        threads = asyncio.create_task(world_.threads.tick(world_.now))
        planning = asyncio.create_task(world_.wait(minutes=1))
        await patience.wait_until_blocked(world_.database, threads, planning)
    await asyncio.gather(threads, planning)
    await world_.wait(days=7)
    await other.close()
    assert list_told(world_) == ["A", "B"]
    assert {text.split()[-1] for text in world_.arrived[45]} == {"code", "comment"}


@pytest.mark.parametrize(("day", "is_told"), [(2, True), (1, False)])
async def test_the_first_answer_about_a_saved_paper_tells_a_version_newer_than_its_saving(
    db: Database, day: int, is_told: bool
) -> None:
    """arXiv was away from before the saving, on January 1, until after a second version."""
    world_ = NewsWorld(db)
    await world_.written("Thu-1", "A")
    await world_.save("A")
    async with origin_server.run_origin() as origin:
        services = Services(PollingHarness(db, origin, world_.now))
        services.tell(arxiv_id("A"), 2, on=f"2026-01-0{day}")
        await services.ask(every=timedelta(days=3))
        assert await services.list_events() == [(arxiv_id("A"), EventKind.VERSION, "2")] * is_told


@pytest.mark.engines("sqlite", "postgresql")
@pytest.mark.parametrize("more", ["", "This paper has been withdrawn."])
async def test_a_version_is_told_to_those_who_had_saved_the_paper_before(
    world_: NewsWorld, more: str
) -> None:
    """The second version is of January 10, and arXiv's first answer of January 21 or later."""
    await world_.shelf.start_news(READER, "UTC")
    for reader, day in ((READER, 1), (SILENT, 10), (OTHER, 20)):
        world_.now = moment("Thu-1 09:00") + timedelta(days=day - 1)
        await world_.save("A", by=reader)
        await world_.shelf.start_news(reader, "UTC")
    async with origin_server.run_origin() as origin:
        services = Services(PollingHarness(world_.database, origin, world_.now + timedelta(days=1)))
        services.tell(arxiv_id("A"), 2, abstract=more or "Small things.", on="2026-01-10")
        await services.ask(every=timedelta(days=1))
    world_.now = services.harness.now
    for _ in range(8):
        await world_.wait(days=1)
    said = ["A+version+withdrawn" if more else "A+version"]
    told = {reader: [text.split()[-1] for text in texts] for reader, texts in world_.arrived.items()}
    assert told == {READER: said, SILENT: said}, "on the day of the saving too"


LONG = "on the growth of ponds and lakes, 측정 결과 " * 9
EVENTS: dict[EventKind, Callable[[int], str]] = {
    EventKind.VERSION: lambda _: "3",
    EventKind.COMMENT: lambda number: f"Note {number} {LONG}",
    EventKind.JOURNAL: lambda number: f"Proc {number} {LONG}",
    EventKind.CODE: lambda number: f"https://github.com/ponds/{number}",
    EventKind.WITHDRAWN: lambda _: "",
}


@pytest.mark.parametrize("locale", list(models.Locale))
@pytest.mark.parametrize(
    ("kinds", "length"),
    [
        ("version comment journal", 100),
        ("version comment journal code", 60),
        ("comment withdrawn", 150),
        ("comment journal", 150),
        ("version comment journal code withdrawn", 300),
    ],
)
def test_of_ten_papers_everything_new_has_its_line(locale: models.Locale, kinds: str, length: int) -> None:
    """The message counts as having told all of it, so that nothing comes again. Long words are cut."""
    papers_ = (rendered_posts.paper(number, title=f"Title {number} {LONG}"[:90]) for number in range(1, 11))
    saved = tuple(map(rendered_posts.saved, papers_))
    chosen = [EventKind(kind) for kind in kinds.split()]
    events = {
        paper.id: [
            PaperEvent(0, paper.id, kind, EVENTS[kind](paper.id)[:length], paper.saved_at) for kind in chosen
        ]
        for paper in saved
    }
    post = NewsPost("news:1", locale, saved[0].date, saved, events, more=2)
    [part] = rendered_posts.new_renderer().render(post)
    told = json.dumps(part.payload, ensure_ascii=False)
    plain = (part.fallback or {})["content"]
    assert told.count("\\n🆕 ") == len(chosen) * len(saved)
    for number in range(1, 11):
        assert f"Title {number} " in told
        assert EventKind.CODE not in chosen or f"https://github.com/ponds/{number})" in told
        assert all(
            f"{word} {number} " in told
            for word, kind in (("Note", EventKind.COMMENT), ("Proc", EventKind.JOURNAL))
            if kind in chosen
        )
    assert plain.count("· 🆕 ") == len(chosen) * len(saved)
    assert all(f"/{paper.key}>" in plain for paper in saved)
    assert len(plain) <= 2000
    assert not any(word in plain for word in ("Title", "pond", "github")), "no words of others"
    if locale is models.Locale.EN:
        said = {EventKind.CODE: "code is out", EventKind.VERSION: "Version 3", EventKind.JOURNAL: "Published"}
        assert all(words in plain for kind, words in said.items() if kind in chosen)
        assert "2 more" in plain
    if EventKind.WITHDRAWN in chosen:
        withdrawn = {"en": "🆕 Withdrawn", "ko": "🆕 arXiv에서 철회"}[locale]
        assert 0 < told.index(withdrawn) == told.index("🆕 ", told.index("Title 1 ")), "it comes first"


@pytest.mark.engines("sqlite", pytest.param("postgresql", marks=pytest.mark.all_faults))
async def test_twelve_weeks_of_news_reach_each_reader_and_thread_once(world_: NewsWorld) -> None:
    async with origin_server.run_origin() as origin:
        services = Services(PollingHarness(world_.database, origin, world_.now))
        for name in "ABCD":
            services.tell(arxiv_id(name), 2 if name == "B" else 1)
            services.put_code(arxiv_id(name), CODE if name == "B" else None)
        for reader, names in ((READER, "A B"), (OTHER, "A"), (SILENT, "A B")):
            await world_.save(names, by=reader)
        await world_.open_threads()
        await world_.database.write(accounts.upsert_reader, READER, locale=models.Locale.KO)
        await world_.shelf.start_news(READER, ZONES["Seoul"])
        await world_.shelf.start_news(OTHER, ZONES["New_York"])
        await world_.database.write(today.add, today.Profile(OTHER, "07:00", ZONES["New_York"]))
        for day in range(84):
            publish(services, day)
            if day == 77:
                await world_.save("C D")
            # The bot is off from Sunday, March 1, for nine days.
            for hour in () if 59 <= day < 68 else (0, 11, 12) if day in KILLED_ON else (0,):
                world_.now = services.harness.now = moment("Thu-1 09:00") + timedelta(days=day, hours=hour)
                # Discord is away from Saturday, January 31, for nine days, and loses its replies on a Monday.
                is_away = 30 <= day < 39
                if day in KILLED_ON and (day in ALSO_ON_POSTGRESQL or world_.database.is_sqlite):
                    with killed_process.killed_at(world_.database, 1 + day % 3, is_stored=hour == 0):
                        await services.ask(every=timedelta())
                    world_.discord.answer = AWAY if is_away else LOST if day == 11 else None
                    await services.ask(every=timedelta())
                    await world_.kill_each_step()
                else:
                    await services.ask(every=timedelta())
                world_.discord.answer = AWAY if is_away else None
                await world_.tick()
    assert world_.arrived == {
        READER: [
            "Mon 01-12 00:00 ko A+code",
            "Mon 02-09 00:00 ko A+version+comment",
            "Tue 03-10 00:00 ko A+journal",
            "Mon 03-23 00:00 ko A+journal+withdrawn",
        ],
        OTHER: [
            "Mon 01-12 12:00 en A+code",
            "Mon 02-09 00:00 en A+version+comment",
            "Tue 03-10 00:00 en A+journal",
            "Mon 03-23 11:00 en A+journal+withdrawn",
        ],
        **{
            thread: [
                f"Thu 01-08 00:00 {locale} code",
                f"Mon 02-09 00:00 {locale} comment",
                f"Thu 02-26 00:00 {locale} journal",
            ]
            for thread, locale in THREADS.items()
        },
    }


@pytest.mark.parametrize("is_planned", [True, False])
async def test_a_hidden_paper_has_no_news_in_its_thread(world_: NewsWorld, *, is_planned: bool) -> None:
    """docs/operating.md: messages that wait go without it. Who saved it reads its news: it is theirs."""
    await world_.save("C")
    await world_.open_threads()
    await world_.shelf.start_news(READER, "UTC")
    await world_.wait(days=2)
    await world_.happen("C")
    if is_planned:
        assert await world_.threads.tick(world_.now)
    assert await world_.ingest().set_hidden(arxiv_id("C"), hidden=True)
    for _ in range(5):
        await world_.wait(days=1)
    assert [channel for channel, _, _ in world_.discord.messages] == [-READER]


@pytest.mark.parametrize("is_known", [True, False], ids=["found before the backup", "found after it"])
async def test_a_restored_backup_tells_nothing_twice(
    world_: NewsWorld, tmp_path: Path, *, is_known: bool
) -> None:
    await world_.save("C")
    await world_.open_threads()
    await world_.shelf.start_news(READER, "UTC")
    await world_.wait(days=2)
    if is_known:
        await world_.happen("C")
    with sqlite3.connect(world_.database.parsed_url.database or "") as connection:
        connection.execute("VACUUM INTO ?", (str(tmp_path / "backup.db"),))
    connection.close()
    if not is_known:
        await world_.happen("C")
    for _ in range(5):
        await world_.wait(days=1)
    told = [channel for channel, _, _ in world_.discord.messages]
    assert sorted(told) == [-READER, 44, 45]
    restored = await migrate.open_database(f"sqlite+aiosqlite:///{tmp_path / 'backup.db'}")
    again = NewsWorld(restored, world_.discord)
    again.now = world_.now
    await again.start_sender()
    if not is_known:
        await again.happen("C")
    for _ in range(15):
        await again.wait(days=1)
    assert [channel for channel, _, _ in world_.discord.messages] == told
    await again.happen("C", EventKind.JOURNAL, "Proc.")
    for _ in range(8):
        await again.wait(days=1)
    assert sorted(channel for channel, _, _ in world_.discord.messages[3:]) == [-READER, 44, 45]
    await restored.close()


async def test_of_more_than_ten_papers_the_others_are_counted(world_: NewsWorld) -> None:
    names = [f"D{number}" for number in range(1, 13)]
    await world_.written("Fri-1", " ".join(names))
    await world_.save(" ".join(names))
    await world_.shelf.start_news(READER, "UTC")
    world_.now += timedelta(hours=1)
    for name in names:
        await world_.happen(name)
    for _ in range(12):
        await world_.wait(days=1)
    [text] = world_.arrived[READER]
    assert text.count("+code") == 10
    assert text.endswith(" 2")


async def test_each_reader_is_told_at_nine_or_at_the_time_of_a_today_message_that_comes(
    world_: NewsWorld,
) -> None:
    for reader, at_time, reason in (
        (READER, None, None),
        (OTHER, "07:00", None),
        (SILENT, "07:00", models.Reason.DMS_CLOSED),
    ):
        await world_.save("A", by=reader)
        await world_.shelf.start_news(reader, "UTC")
        await world_.database.write(today.add, today.Profile(reader, at_time, "UTC", reason=reason))
    world_.now += timedelta(hours=1)
    await world_.happen("A")
    world_.now = moment("Mon 06:30 UTC")
    for _ in range(3):
        await world_.wait(hours=1)
    told = {reader: text.rpartition(" en ")[0] for reader, [text] in world_.arrived.items()}
    assert told == {READER: "Mon 01-05 09:30", OTHER: "Mon 01-05 07:30", SILENT: "Mon 01-05 09:30"}


async def test_a_monday_that_is_finished_is_not_planned_again(
    world_: NewsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world_.save("A")
    await world_.shelf.start_news(READER, "UTC")
    world_.now = moment("Mon 09:00 UTC")
    await world_.news.tick(world_.now)
    for is_again in (False, True):
        if is_again:
            await world_.shelf.start_news(READER, "UTC")
        with monkeypatch.context() as patch:
            patch.setattr(world_.database, "transaction", lambda: pytest.fail("a write transaction"))
            assert await world_.news.tick(world_.now + timedelta(hours=1)) == 0


async def test_posts_do_not_wait_for_the_news_of_many_readers(world_: NewsWorld) -> None:
    for reader in range(100, 125):
        await world_.shelf.start_news(reader, ZONES["Seoul"])
    world_.now += timedelta(days=7)
    finished = list[int]()

    async def plan_posts() -> None:
        told = await world_.database.fetch(news.list_notified)
        finished.append(sum(reader.last_on is not None for reader, _ in told))

    await world_.news.tick(world_.now, between=plan_posts)
    assert 0 < finished[0] < 25 == finished[-1]


async def test_closed_direct_messages_pause_the_switch(world_: NewsWorld) -> None:
    await world_.save("A")
    await world_.shelf.start_news(READER, "UTC")
    world_.discord.answer = outcomes.DISCORD_ERRORS[50007]
    for version in range(35):
        await world_.wait(days=1)
        await world_.happen("A", EventKind.VERSION, str(version))
        switch = await world_.database.fetch(news.get, READER)
        assert switch is not None
        # The first refusal is that of Monday, January 5.
        assert switch.reason == (models.Reason.DMS_CLOSED if world_.now >= moment("Mon 09:00 UTC") else None)
    world_.discord.answer = None
    await world_.shelf.start_news(READER, "UTC")
    switch = await world_.database.fetch(news.get, READER)
    assert switch is not None
    assert switch.reason is None, "until it is refused again"
    await world_.wait(days=7)
    assert world_.arrived[READER], "what was not sent comes"


async def test_the_switch_below_saved_papers_says_what_it_does_and_the_message_stops_it(
    harness: ClientHarness,
) -> None:
    texts, database, reader = harness.texts, harness.container.database, harness.reader.id
    [paper_id] = (await database.fetch(papers.get_ids, [SURVEY])).values()
    await database.write(shelf.save, reader, [paper_id], harness.env.now(), None)
    shown = await harness.ask("saved")
    assert texts("news-start") in shown_text(shown)
    assert texts("news-on") in shown_text(await harness.press(shown, "news-start"))
    shown = await harness.ask("saved")
    assert texts("news-on") not in shown_text(shown), "said once"
    assert texts("news-start") in shown_text(await harness.press(shown, "news-stop-here"))
    for reason in (models.Reason.DMS_CLOSED, models.Reason.NO_SHARED_SERVER):
        paused = news.NewsReader(reader, harness.env.now(), "UTC", reason=reason)
        await database.write(news.switch_on, paused)
        shown = await harness.ask("saved")
        assert WHY[reason] in shown_text(shown)
        assert texts("news-on") in shown_text(await harness.press(shown, "news-start"))
    exported = json.loads(await harness.bot.services.get(Readers).export(reader))
    assert exported["tables"]["news_readers"][0]["timezone"]
    await harness.wait(hours=1)
    long = "Accepted to *ICML* @everyone\u202e" + " x" * 2000
    for kind, text in ((EventKind.CODE, CODE), (EventKind.COMMENT, long)):
        event = PaperEvent(0, paper_id, kind, text, harness.env.now())
        await database.write(papers.add_events, [event])
    for saved in (await harness.ask("saved"), await harness.ask("saved", tag="updated")):
        assert CODE in shown_text(saved), "marked until a message told it"
    await database.write(shelf.update, reader, paper_id, note="for Friday", tags=" ponds ")
    await harness.wait(days=8)
    assert await Workers(harness.container).services.get(NewsPlanner).tick(harness.env.now()) == 1
    await harness.wait(hours=1)
    [message] = harness.received()
    said = shown_text(message)
    assert texts("news-heading", count=1) in said
    assert CODE in said
    assert CODE not in shown_text(await harness.ask("saved"))
    assert "Accepted to \\*ICML\\*" in said
    assert "@everyone" not in said
    assert len(said) < 700
    [menu] = [id_ for id_ in component_ids(message) if custom_ids.unpack_custom_id(id_).verb == "srm"]
    removed = await harness.user.select(message, [SURVEY], custom_id=menu)
    gone = last_response(removed)
    assert texts("news-removed", count=1) in shown_text(gone)
    assert await database.fetch(shelf.count, reader) == 0
    again = await harness.user.select(message, [SURVEY], custom_id=menu)
    assert shown_text(last_response(again)) == texts("saved-not-any-more"), "another was pressed meanwhile"
    bot = harness.container.create_bot(shard_count=1)
    await harness.env.restart_bot(bot)
    saved = texts("paper-saved", count=1, command=bot.mentions("saved"))
    [undo] = component_ids(gone)
    other = await send_control(harness, message_builder.button("pressed again", undo))
    nothing = texts("news-nothing-removed")
    assert shown_text(await harness.click(other, by=harness.manager, label="pressed again")) == nothing
    undone = await harness.user.click(gone, label=texts("alert-undo"))
    for answer, said in (
        (last_response(undone), saved),
        (await harness.click(other, label="pressed again"), nothing),
    ):
        assert shown_text(answer) == said
        [row], _ = await database.fetch(shelf.list_rows, reader)
        assert (row.note, row.tags) == ("for Friday", ("ponds",))
    await harness.user.click(message, label=texts("news-stop"))
    assert await database.fetch(news.get, reader) is None
