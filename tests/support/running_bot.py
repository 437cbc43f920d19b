"""The bot connected to a fake Discord: `paperround run` as a process and in this process, and `paperround run --once`."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bot.app import container, process
from bot.client import rest
from bot.core.clock import system_clock
from bot.core.settings import Settings
from tests.fake_discord import model
from tests.fake_discord.server import FakeDiscord
from tests.support import digest_builders, fork_server, patience
from tests.support.shell_fixtures import CommandResult

PAPER = "2601.00001"


def environment(fake: FakeDiscord, settings: Mapping[str, str | None]) -> dict[str, str]:
    """Return the environment of a process that uses the fake, with further variables; None removes one."""
    wanted = {**os.environ, **fake.environment(), **settings}
    return {name: value for name, value in wanted.items() if value is not None}


@asynccontextmanager
async def run_process(
    fake: FakeDiscord, folder: Path, **settings: str | None
) -> AsyncIterator[tuple[fork_server.ForkedProcess, Path]]:
    """Run `paperround run` in a folder. Yields the process and its log. SIGTERM must end it with status 0."""
    log, url = folder / "bot.log", f"sqlite+aiosqlite:///{folder / 'paperround.db'}"
    env = environment(fake, {"PAPERROUND_DATABASE_URL": url, **settings})
    bot = fork_server.ForkedProcess("bot", ["run"], cwd=folder, env=env, log=log)
    try:
        yield bot, log
        bot.terminate()
        assert await patience.wait_for(asyncio.to_thread(bot.wait)) == 0, log.read_text()[-3000:]
    finally:
        bot.kill()
        bot.wait()


@asynccontextmanager
async def run_here(fake: FakeDiscord, folder: Path, **settings: Any) -> AsyncIterator[None]:
    """Run the bot in this process until the end of the block, which sends it SIGINT."""
    wanted = Settings(
        discord_token=SecretStr(model.TOKEN),
        discord_api_url=fake.api_url,
        discord_gateway_url=fake.gateway_url,
        database_url=f"sqlite+aiosqlite:///{folder / 'paperround.db'}",
        **settings,
    )
    restore = rest.override_endpoints(None, None)
    async with container.open_container(wanted, migrating=True) as opened:
        bot = asyncio.create_task(process.run(opened))
        try:
            await fake.wait_until_connected()
            yield
        finally:
            signal.raise_signal(signal.SIGINT)
            await patience.wait_for(bot)
            restore()


def midday_zone(hour: int = 12) -> str:
    """Return a time zone in which it is in the hour 12 or 13 now, on the date of UTC."""
    ahead = hour - system_clock().hour
    return f"Etc/GMT{-ahead:+d}"


def post(**place: object) -> str:
    """Return an entry of a set-up file for a post that has been due since 11:30 today."""
    given = {"at": "11:30", "timezone": midday_zone()} | place
    return "[[posts]]\n" + "".join(f'{name} = "{value}"\n' for name, value in given.items())


def post_in(channel_id: int) -> str:
    return post(guild=model.GUILD_ID, channel=channel_id)


@dataclass
class SingleRuns:
    """Runs in `folder`, which gets a source: a folder with today's digest."""

    fake: FakeDiscord
    folder: Path
    settings: dict[str, str | None] = field(default_factory=dict)

    def write_digest(
        self, on: date | None = None, papers: Sequence[str] = (PAPER,), folder: Path | None = None
    ) -> None:
        inbox = folder or self.folder / "inbox"
        inbox.mkdir(exist_ok=True)
        text = digest_builders.newsletter(on or system_clock().date(), [(id_, 9) for id_ in papers])
        (inbox / f"{papers[0]}.md").write_text(text, encoding="utf-8")

    def write_set_up(self, *entries: str) -> None:
        (self.folder / "posts.toml").write_text("\n".join(entries), encoding="utf-8")

    async def run(
        self, *options: str, module: str = "bot", before: Sequence[str] = (), **settings: str | None
    ) -> CommandResult:
        """Run `paperround run --once` with the set-up file, and wait for its end."""
        out, err = self.folder / "stdout", self.folder / "stderr"
        for file in (out, err):
            file.write_text("")
        inbox = {"PAPERROUND_INBOX": str(self.folder / "inbox")}
        env = environment(self.fake, {**inbox, **self.settings, **settings})
        arguments = (*before, "run", "--once", "--set-up", "posts.toml", *options)
        process = fork_server.ForkedProcess(module, arguments, cwd=self.folder, env=env, log=out, errors=err)
        try:
            status = await patience.wait_for(asyncio.to_thread(process.wait))
        finally:
            process.kill()
        return CommandResult(status, out.read_text(), err.read_text())
