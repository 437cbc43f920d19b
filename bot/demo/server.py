"""The demo: the real bot on SimCord's local page, with sample digests, a daily post and an alert already there.

Needs no token and no network. The page's clock stands at SimCord's start of time, so the samples are dated up to it.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import simcord

from bot import errors
from bot.app import runtime as running
from bot.app.container import Container, open_container
from bot.demo import covers, samples
from bot.digests import parse
from bot.services.daily.subscriptions import SubscriptionOptions
from bot.services.search import glossary_service
from bot.settings import Settings
from storage import models
from storage.outbox import sender_lock

START_AT = datetime(2026, 1, 1, tzinfo=UTC)
"""Where SimCord's clock stands: nine in the morning in Seoul."""
ALERT_KEYWORDS = {models.Locale.KO: "강화 학습", models.Locale.EN: "reinforcement learning"}
DISCORD_LOCALES = {models.Locale.KO: "ko", models.Locale.EN: "en-US"}
FIRST_STEPS = {
    models.Locale.EN: (
        "Try in the page's message box: /topic small language model · /author loubna ben allal · /alerts add ·"
        " /daily setup. Pick a paper from the post's menu. Ctrl-C ends it."
    ),
    models.Locale.KO: (
        "페이지의 입력창에서 해 보세요: /topic 소형 언어 모델 · /author loubna ben allal · /alerts add · /daily setup."
        " 게시물의 메뉴에서 논문을 골라도 돼요. Ctrl-C로 끝나요."
    ),
}


@dataclass
class DemoClock:
    """Gives SimCord's time once there is one, so that message ids and our own times agree."""

    env: simcord.Env | None = None

    def __call__(self) -> datetime:
        return START_AT if self.env is None else self.env.now()


@dataclass(frozen=True)
class DemoWorld:
    """The bot in its little world: one server that belongs to the reader, with one channel."""

    env: simcord.Env
    container: Container
    runtime: running.Runtime
    guild: simcord.GuildHandle
    channel: simcord.ChannelHandle
    reader: simcord.MemberActor
    user: simcord.UserHandle

    async def populate(self) -> None:
        """Put the sample digests, the daily post and the alerts in place."""
        services, ingest = self.container.create_services(), self.container.create_ingest()
        today = START_AT.date().isoformat()
        texts = samples.sample_texts()
        for name, text in texts:
            if today not in name:
                await ingest.add_text(text, source="demo", location=name)
        place = {"guild_id": self.guild.id, "channel_id": self.channel.id}
        word = ALERT_KEYWORDS[self.container.locale]
        for where in ({}, place):
            await services.alerts.add(user_id=self.user.id, kind=models.AlertKind.KEYWORD, text=word, **where)
        await services.readers.update(self.user.id, locale=self.container.locale)
        # The order was given the day before, so that it is due right now.
        yesterday = START_AT - timedelta(days=1)
        before = Container(
            self.container.settings, self.container.database, lambda: yesterday
        ).create_services()
        wishes = SubscriptionOptions(timezone="Asia/Seoul", locale=self.container.locale)
        await before.subscriptions.add(**place, options=wishes, created_by=self.user.id)
        for name, text in texts:
            if today in name:
                await ingest.add_text(text, source="demo", location=name)
        await glossary_service.GlossaryService(self.container.database, self.container.clock).rebuild()
        await self.runtime.tick()
        await self.runtime.relay.drain(self.env.now())


@asynccontextmanager
async def open_demo(locale: models.Locale, folder: Path) -> AsyncIterator[DemoWorld]:
    """Start the bot in a new world and set the stage."""
    clock = DemoClock()
    settings = Settings(database_url=f"sqlite+aiosqlite:///{folder / 'demo.db'}", locale=locale.value)
    async with open_container(settings, clock=clock) as core:
        bot = core.create_bot(shard_count=1, locale=locale)
        async with simcord.run(bot, check_errors=False) as env:
            clock.env = env
            assert bot.user is not None
            await bot.user.edit(username="Paperround")
            user = env.create_user("reader", global_name="독자" if locale is models.Locale.KO else "Reader")
            guild = env.create_guild("Paper Club", owner=user, preferred_locale=DISCORD_LOCALES[locale])
            channel = guild.create_text_channel("papers")
            reader = guild.add_member(user)
            work = running.build_runtime(core, bot, asyncio.Event(), sender_lock.SenderLock(core.database))
            stage = DemoWorld(env, core, work, guild, channel, reader, user)
            await stage.populate()
            yield stage


async def serve(*, port: int, locale: models.Locale, dm: bool) -> None:
    """Serve the page until Ctrl-C, SIGTERM or its own end. Raises PaperroundError for a taken port."""
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    with tempfile.TemporaryDirectory(prefix="paperround-demo-") as folder:
        async with open_demo(locale, Path(folder)) as stage:
            preview = stage.env.preview(
                stage.user.dm_channel if dm else stage.channel,
                viewers=[stage.user if dm else stage.reader],
                layout="channel",
                locale=DISCORD_LOCALES[locale],
                timezone="Asia/Seoul",
                assets=_assets(),
                port=port or None,
            )
            try:
                async with preview as page:
                    sys.stdout.write(f"{page.url}\n{FIRST_STEPS[locale]}\n")
                    sys.stdout.flush()
                    await _run_until_stopped(stage, stop, page.wait_closed())
            except simcord.SetupError as error:
                raise errors.PaperroundError(
                    f"Port {port} cannot be listened on ({error}). Choose another with --port, or 0 for any free one."
                ) from error


async def _run_until_stopped(stage: DemoWorld, stop: asyncio.Event, closed: object) -> None:
    """Deliver what the reader asks for, such as `/daily now`, until the end."""
    relay = asyncio.create_task(stage.runtime.relay.run(stop))
    ends = {asyncio.ensure_future(closed), asyncio.create_task(stop.wait())}  # type: ignore[call-overload]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    await relay
    for end in ends:
        end.cancel()
    await asyncio.gather(*ends, return_exceptions=True)


def _assets() -> dict[str, tuple[str, bytes]]:
    digests = [digest for _, text in samples.sample_texts() for digest in parse.parse_text(text)]
    return covers.draw_covers(entry for digest in digests for entry in digest.entries)
