"""The writer in a running bot with the fake model: when it writes, and how it fails."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from bot.app import container, jobs
from bot.app.workers import Workers
from bot.core import day_close
from bot.core.settings import Settings
from bot.features.daily.planner import DailyPlanner
from bot.features.daily.service import Subscriptions
from bot.sources import base
from storage import archive, models, outbox
from tests.fake_model.server import MODEL, FakeModel

DAY = date(2026, 11, 18)
CLOSE = day_close.default().closes_at(DAY)
NEWSLETTER = models.DigestFormat.NEWSLETTER
WRITER_MINUTES = 90


class Bot:
    """The writer, poller and planner of a running bot, with a clock set by the test."""

    def __init__(self, opened: container.Container) -> None:
        self.container = opened
        self.now = CLOSE - timedelta(hours=1)
        opened.clock = lambda: self.now
        opened.arxiv_throttle = base.no_throttle
        self.planner = DailyPlanner(
            opened.database, opened.deliveries, opened.services.search.match_papers, opened.day_close
        )
        self.writer = jobs.DailyWriter(Workers(opened), self.plan)

    async def plan(self) -> None:
        await self.planner.tick(self.now)

    async def read_list(self) -> None:
        async with Workers(self.container).open_poller() as poller:
            await poller.fetch_all(days=[DAY])

    async def list_posts(self) -> list[str]:
        async with self.container.database.read() as connection:
            rows = await outbox.list_rows(connection, kind=models.DeliveryKind.DAILY)
            return [
                str([part.payload for part in await outbox.list_parts(connection, row.id)]) for row in rows
            ]

    async def list_formats(self) -> list[models.DigestFormat]:
        async with self.container.database.read() as connection:
            rows = await archive.list_rows(connection, since_on=DAY, until_on=DAY)
            return [row.format for row in rows]


@pytest.fixture
async def bot(fake_model: FakeModel, tmp_path: Path) -> AsyncIterator[Bot]:
    (tmp_path / "inbox").mkdir()
    settings = Settings.model_validate(
        {
            "database_url": f"sqlite+aiosqlite:///{tmp_path / 'paperround.db'}",
            "hf_endpoint": fake_model.url,
            "arxiv_html_url": f"{fake_model.url}/html",
            "sources": [{"url": "https://huggingface.co"}],
            "writer_url": f"{fake_model.url}/v1",
            "writer_model": MODEL,
            "writer_key": "right",
            "writer_language": "ko",
            "writer_minutes": WRITER_MINUTES,
            "inbox": tmp_path / "inbox",
        }
    )
    async with container.open_container(settings) as opened:
        started = Bot(opened)
        draft = models.Subscription(
            guild_id=1, channel_id=2, timezone="Asia/Bangkok", top_n=3, locale=models.Locale.KO
        )
        await Subscriptions(opened.database, lambda: CLOSE - timedelta(hours=3)).add(draft)
        yield started


async def test_failed_papers_become_extracts_at_the_deadline(bot: Bot, fake_model: FakeModel) -> None:
    fake_model.reset(key="wrong")
    bot.now = CLOSE + timedelta(minutes=1)
    await bot.read_list()
    assert not await bot.writer.write_due()
    await bot.plan()
    assert await bot.list_posts() == []
    assert NEWSLETTER not in await bot.list_formats()
    bot.now = CLOSE + timedelta(minutes=WRITER_MINUTES - 5)
    assert await bot.writer.write_due()
    [post] = await bot.list_posts()
    assert "which saves a third of the tokens" in post
    assert NEWSLETTER in await bot.list_formats()


async def test_skips_a_day_without_papers(bot: Bot, fake_model: FakeModel) -> None:
    fake_model.reset(paper_count=0)
    bot.now = CLOSE + timedelta(minutes=1)
    await bot.read_list()
    assert await bot.writer.write_due()
    assert fake_model.log() == []
    assert await bot.list_formats() == []
