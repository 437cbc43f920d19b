"""`paperround run` as a process and in this process, connected to a fake Discord."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bot.app import container, process
from bot.client import rest
from bot.core.settings import Settings
from tests.fake_discord import model
from tests.fake_discord.server import FakeDiscord
from tests.support import fork_server, patience


@asynccontextmanager
async def run_process(
    fake: FakeDiscord, folder: Path, **settings: str | None
) -> AsyncIterator[tuple[fork_server.ForkedProcess, Path]]:
    """Run `paperround run` in a folder. Yields the process and its log. SIGTERM must end it with status 0.

    `settings` are added to the environment; None removes a variable.
    """
    log = folder / "bot.log"
    database_url = f"sqlite+aiosqlite:///{folder / 'paperround.db'}"
    wanted = {**os.environ, **fake.environment(), "PAPERROUND_DATABASE_URL": database_url, **settings}
    environment = {name: value for name, value in wanted.items() if value is not None}
    bot = fork_server.ForkedProcess("bot", ["run"], cwd=folder, env=environment, log=log)
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
