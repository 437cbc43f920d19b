"""A filled installation: `python -m tests.support.installation FOLDER` writes one of this version into a folder.

It lives for ten days in a simulated server, with sources on loopback and posts in all styles. Each release adds one to
`tests/upgrades`, named by its version. It has at least a row of every table: what readers, managers and the bot do
comes through commands, buttons, files and sources, and the rest (a model's draft) from `storage`.
"""

import asyncio
import lzma
import sqlite3
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from bot.app.workers import Workers
from bot.cli.set_up_file import SetUpFile
from bot.client import verbs
from bot.search import index as search_index
from bot.search.glossary_service import GlossaryService
from storage import day_counts, failures, migrate, models, news, paper_texts, papers, tables, writer
from storage.database import Database
from tests.support import client_fixtures, origin_server, postgres_server, sample_archive, source_payloads
from tests.support.client_harness import ClientHarness, last_response, open_harness
from tests.support.polling_harness import PollingHarness
from tests.support.sample_archive import NewsletterPaper

HASH = "0" * 64
ENDS_AT = datetime(2026, 1, 10, 12, 30, tzinfo=UTC)
"""When the installation was copied: a Saturday, when some posts and alerts are waiting."""
TOPICS = ("Reinforcement Learning", "Small Language Model", "Speech", "Surgical Video", "Diffusion", "Robots")
KOREAN = ("강화 학습", "소형 언어 모델", "음성", "수술 영상", "확산 모델", "로봇")
SET_UP = """
[[posts]]
webhook = "{webhook}"
at = "10:00"
timezone = "Asia/Seoul"
top = 3

[[posts]]
guild = "{guild}"
channel = "{channel}"
locale = "ko"
at = "18:30"
timezone = "Europe/Berlin"
topic = "강화 학습"
days = "mon-fri"

[[alerts]]
guild = "{guild}"
channel = "{channel}"
user = "{user}"
keywords = ["speech"]
"""


@dataclass
class Installation:
    """A bot with readers, a manager and a club."""

    harness: ClientHarness
    poller: PollingHarness
    readers: Sequence[Any]

    async def live_until(self, moment: datetime) -> None:
        """Let time pass hour by hour; each noon (UTC) brings the day's newsletter and list."""
        env, runtime = self.harness.env, self.harness.runtime
        assert runtime is not None
        while (now := env.now()) < moment:
            following = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
            await env.advance_time((min(following, moment) - now).total_seconds())
            if env.now().hour == 12 and env.now().minute == 0:
                await self.publish(env.now().date())
            await runtime.tick()
            await Workers(self.harness.container).alert_planner.drain()
            await runtime.relay.drain(env.now())
            await env.settle()

    async def publish(self, on: date) -> None:
        """Store a day's newsletter, and read its list from Hugging Face."""
        number = (on - date(2026, 1, 1)).days
        ids = [f"2601.{number:02}{rank:03}" for rank in range(len(TOPICS))]
        written = [
            NewsletterPaper(
                id_,
                f"{topic} by Example {number}",
                f"{korean}을 예제로 다뤄요. It reads {topic.lower()} with {number} examples.",
                (7 * rank + 3 * number) % 40,
                (client_fixtures.ADA, client_fixtures.KIM),
            )
            for rank, (id_, topic, korean) in enumerate(zip(ids, TOPICS, KOREAN, strict=True))
        ]
        await Workers(self.harness.container).ingest.add_text(
            sample_archive.newsletter(f"{on}", written), location=f"{on}.md"
        )
        listed = [source_payloads.daily_papers_item(id_, 50 - rank) for rank, id_ in enumerate(ids[:3])]
        self.poller.origin.pages[f"/api/daily_papers?date={on}"] = source_payloads.daily_papers(*listed)
        self.poller.now = self.harness.env.now()
        await self.poller.fetch_due()


async def fill(database: Database) -> None:
    """Fill an empty database by ten days of an installation's life."""
    async with (
        origin_server.run_origin() as origin,
        open_harness(database, models.Locale.EN, origin.url) as harness,
    ):
        for number, text in enumerate(client_fixtures.DIGESTS):
            await Workers(harness.container).ingest.add_text(text, location=f"{number}.md")
        readers = [
            harness.guild.add_member(harness.env.create_user(f"reader{number}")) for number in range(3)
        ]
        installation = Installation(harness, PollingHarness(database, origin), readers)
        installation.poller.now = harness.env.now()
        origin.pages["/news.md"] = source_payloads.review()
        await installation.poller.add(origin.url, "huggingface")
        await installation.poller.add("/news.md")
        await installation.poller.add("/gone.md")
        await harness.start_runtime()
        await _set_up(installation)
        await _read(installation)
        await installation.live_until(datetime(2026, 1, 8, 6, tzinfo=UTC))
        await _read_again(installation)
        await installation.live_until(ENDS_AT - timedelta(minutes=25))
        await _leave_work(installation)
        errors = harness.unexpected_errors()
        assert not errors, errors


async def _set_up(installation: Installation) -> None:
    """Let the manager add daily posts in all styles, a webhook's post and a club."""
    harness = installation.harness
    guild = harness.guild
    news, forum = guild.create_news_channel("news"), guild.create_forum_channel("forum")
    threads, closed = guild.create_text_channel("threads"), guild.create_text_channel("closed")
    hook = guild.create_webhook(threads)
    await harness.env.settle()
    styles = [
        (models.Style.COMPACT, harness.channel),
        (models.Style.CARDS, harness.channel),
        (models.Style.THREAD, threads),
        (models.Style.FORUM, forum),
        (models.Style.ANNOUNCEMENT, news),
        (models.Style.WEEKLY, threads),
    ]
    for number, (style, channel) in enumerate(styles):
        await harness.add_subscription(channel.id, style=style, at_time=f"{13 + number}:00", timezone="UTC")
    result = await harness.manager.slash(closed, "daily setup", time="9시", timezone="Asia/Seoul")
    await harness.manager_press(last_response(result), "setup-start")
    await harness.add_subscription(harness.readonly_channel.id, at_time="12:10", timezone="UTC")
    token = harness.env.backend.webhooks[hook.id].token
    webhook = f"https://discord.com/api/webhooks/{hook.id}/{token}"
    set_up = SetUpFile(harness.container.database, harness.env.now, harness.container.settings)
    text = SET_UP.format(webhook=webhook, guild=guild.id, channel=harness.channel.id, user=harness.manager.id)
    await set_up.apply(text, "set-up.toml")
    await harness.set_up_club(channel=threads, day="sat", time="17:00 UTC")


async def _read(installation: Installation) -> None:
    """Let readers save, follow, mark, list and ask."""
    harness, readers = installation.harness, installation.readers
    for arxiv_id in ("2501.00001", "2501.00002", "2412.00007"):
        await harness.press(await harness.ask("paper", paper=arxiv_id), "save")
    saved = await harness.ask("saved")
    paper = await harness.select(saved, ["2501.00002"], custom_id=f"pr:{verbs.OPEN_SELECTED}")
    await harness.fill(paper, "saved-edit", note="compare with **DPO**", tags="RL, 읽을 것")
    for options in (
        {"keyword": "small language model"},
        {"author": "Lovelace, Ada", "votes": 10},
        {"keyword": "강화 학습", "time": "7pm"},
    ):
        await harness.press(await harness.ask("alerts add", **options), "alert-create")
    alert = await harness.ask("alerts add", by=readers[0], keyword="robots")
    await harness.press(alert, "alert-create", by=readers[0])
    for reader, key in ((readers[0], "list-add"), (readers[1], "list-has"), (readers[2], "discuss")):
        card = await harness.ask("paper", by=reader, paper="2501.00003")
        await harness.press(card, key, by=reader)
    today = await harness.ask("today")
    await harness.select(today, ["more:2501.00004"], custom_id=f"pr:{verbs.MARK_PAPERS}")
    await harness.ask(
        "topic", query="small language models that read speech in noise and surgical video " * 2
    )


async def _read_again(installation: Installation) -> None:
    """Let a reader have the papers of the day sent, and share a list."""
    harness = installation.harness
    await harness.press(await harness.ask("today"), "today-send")
    await harness.share(await harness.ask("digest"))
    card = await harness.ask("paper", paper="2601.04001", by=installation.readers[1])
    await harness.press(card, "discuss", by=installation.readers[1])
    # The bot may not write there: the first two posts expire, the last one waits.
    style = models.Style.CARDS
    await harness.add_subscription(harness.readonly_channel.id, at_time="12:20", timezone="UTC", style=style)


async def _leave_work(installation: Installation) -> None:
    """Leave what is underway at the end: papers that no alert has seen, a draft, the glossary and the lease."""
    harness, database = installation.harness, installation.harness.container.database
    now = harness.env.now()
    card = await harness.ask("paper", by=installation.readers[0], paper="2601.05002")
    await harness.press(card, "list-add", by=installation.readers[0])
    card = await harness.ask("paper", by=installation.readers[0], paper="2501.00004")
    entry = await harness.press(card, "list-add", by=installation.readers[0])
    await harness.press(entry, "list-remove", by=installation.readers[0])
    index = search_index.SearchIndex(search_index.folder_of(database))
    async for _ in search_index.follow(database, index):
        pass
    glossary = GlossaryService(database, harness.env.now, index)
    await glossary.decide("surgical video", "수술영상", is_added=True)
    await glossary.rebuild()
    await installation.live_until(ENDS_AT)
    await Workers(harness.container).ingest.add_text(
        sample_archive.newsletter(
            f"{now:%Y-%m-%d}", [NewsletterPaper("2601.99001", "Robots at Rest", "They rest.")]
        ),
        location="late.md",
    )
    draft = writer.Draft(
        paper_key="2601.99001",
        format=models.DigestFormat.NEWSLETTER,
        language=models.Locale.EN,
        prompt_version="1",
        model="fake-1",
        updated_at=now,
        text="{}",
    )
    async with database.transaction() as connection:
        await writer.save_draft(connection, draft)
        await paper_texts.save(
            connection, models.PaperText("2601.99001", "A text.", "https://arxiv.org/html/2601.99001", now)
        )
        await writer.add_tokens(connection, now.date(), 1200)
        await writer.add_published(connection, "written.md", [HASH], "fake-1")
    await _leave_records(harness)


async def _leave_records(harness: ClientHarness) -> None:
    """Leave what comes of a question, an error and news of a saved paper."""
    database, now, reader = harness.container.database, harness.env.now(), harness.reader
    async with database.transaction() as connection:
        paper_id = await connection.scalar(
            sa.select(tables.papers.c.id).where(tables.papers.c.key == "2501.00001")
        )
        assert paper_id is not None
        await news.switch_on(connection, news.NewsReader(reader.id, now, "Europe/Berlin"))
        event = papers.PaperEvent(0, paper_id, papers.EventKind.CODE, "https://github.com/example/moss", now)
        await papers.add_events(connection, [event])
        await day_counts.add(connection, now.date(), {f"user:{reader.id}": 10}, "ask-sentences-limit")
        failure = failures.Failure(
            failed_at=now,
            event="planning failed",
            reference="a1b2c3",
            command="",
            kind="ValueError",
            reason="",
            trace="",
        )
        await failures.add(connection, [failure])


def _compress(folder: Path, name: str, content: bytes) -> None:
    packed = lzma.compress(content, preset=9 | lzma.PRESET_EXTREME)
    (folder / f"{name}.xz").write_bytes(packed)


async def make(folder: Path) -> None:
    """Write the compressed SQLite file and the dump of PostgreSQL."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "paperround.db"
        await _fill_new(f"sqlite+aiosqlite:///{path}")
        with closing(sqlite3.connect(path)) as connection:
            # One file without a write-ahead log.
            connection.execute("PRAGMA journal_mode=DELETE")
            connection.execute("VACUUM")
        _compress(folder, "paperround.db", path.read_bytes())
    with postgres_server.open_postgres_server() as server:
        server.execute("ALTER SYSTEM SET synchronous_commit = off; SELECT pg_reload_conf()")
        await _fill_new(server.url)
        name = str(make_url(server.url).database)
        dump = server.run("pg_dump", "--no-owner", "--no-privileges", name)
        _compress(folder, "dump.sql", dump.encode())


async def _fill_new(url: str) -> None:
    database = await migrate.open_database(url, migrate=True)
    try:
        await fill(database)
    finally:
        await database.close()


if __name__ == "__main__":
    asyncio.run(make(Path(sys.argv[1])))
