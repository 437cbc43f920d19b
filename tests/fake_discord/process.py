"""Run the fake Discord as a subprocess and call its control API."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Self

import aiohttp
from pydantic import SecretStr

from bot.app import container, runtime
from bot.client import rest
from bot.core.settings import Settings
from tests.fake_discord import model, validation
from tests.fake_discord.model import Json
from tests.support import fork_server, patience

ROOT = Path(__file__).parents[2]
TOKEN = model.TOKEN
GUILD_ID = 700_000_000_000_000_000


class FakeDiscordProcess(ExitStack):
    """A context manager that runs the subprocess."""

    def __init__(self) -> None:
        super().__init__()
        has_schemas = validation.OPENAPI_PATH.exists()
        arguments = ["--openapi", str(validation.OPENAPI_PATH)] if has_schemas else []
        started = subprocess.Popen(
            [sys.executable, "-m", "tests.fake_discord", *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self.enter_context(started)
        self.callback(started.kill)
        assert started.stdout is not None
        self.api_url, self.control_url = (started.stdout.readline().strip() for _ in range(2))
        assert self.control_url, "the fake Discord exited before it was listening"


class FakeDiscord(AsyncExitStack):
    """A client of the control API. `api_url` and `gateway_url` are the URLs for the bot."""

    def __init__(self, server: FakeDiscordProcess) -> None:
        super().__init__()
        self._server = server
        self.api_url = self._server.api_url
        self.gateway_url = self.api_url.replace("http://", "ws://").replace("/api/v10", "/gateway")

    async def __aenter__(self) -> Self:
        self._session = await self.enter_async_context(aiohttp.ClientSession())
        return self

    async def run_action(self, action: str, params: Json | None = None) -> Any:
        """Run an action of the control API (see `control.ACTIONS`) and return its result."""
        async with self._session.post(
            f"{self._server.control_url}/control/{action}", json=params or {}
        ) as response:
            assert response.status == 200, f"{action}: {await response.text()}"
            return await response.json()

    def environment(self) -> dict[str, str]:
        return {
            "DISCORD_TOKEN": TOKEN,
            "PAPERROUND_DISCORD_API_URL": self.api_url,
            "PAPERROUND_DISCORD_GATEWAY_URL": self.gateway_url,
        }

    @asynccontextmanager
    async def running_bot(
        self, folder: Path, **settings: str | None
    ) -> AsyncIterator[tuple[fork_server.ForkedProcess, Path]]:
        """Run `paperround run` in a folder. Yields the process and its log. SIGTERM must end it with status
        0.

        `settings` are added to the environment; None removes a variable.
        """
        log = folder / "bot.log"
        database_url = f"sqlite+aiosqlite:///{folder / 'paperround.db'}"
        wanted: dict[str, str | None] = {
            **os.environ,
            **self.environment(),
            "PAPERROUND_DATABASE_URL": database_url,
            **settings,
        }
        environment = {name: value for name, value in wanted.items() if value is not None}
        bot = fork_server.ForkedProcess("bot", ["run"], cwd=folder, env=environment, log=log)
        try:
            yield bot, log
            bot.terminate()
            assert await patience.wait_for(asyncio.to_thread(bot.wait), 15) == 0, log.read_text()[-3000:]
        finally:
            bot.kill()
            bot.wait()

    @asynccontextmanager
    async def running_here(self, folder: Path, **settings: Any) -> AsyncIterator[None]:
        """Run the bot in this process until the end of the block, which sends it SIGINT."""
        wanted = Settings(
            discord_token=SecretStr(TOKEN),
            discord_api_url=self.api_url,
            discord_gateway_url=self.gateway_url,
            database_url=f"sqlite+aiosqlite:///{folder / 'paperround.db'}",
            **settings,
        )
        restore = rest.override_endpoints(None, None)
        async with container.open_container(wanted, migrating=True) as opened:
            bot = asyncio.create_task(runtime.run(opened))
            try:
                await self.wait_until_connected()
                yield
            finally:
                signal.raise_signal(signal.SIGINT)
                await patience.wait_for(bot, 15)
                restore()

    async def add_guild(self, guild_id: int = GUILD_ID, **fields: Any) -> int:
        """Add a guild with the fields of `model.Guild`."""
        await self.run_action("populate", {"guilds": [{"id": guild_id, "name": "Lab", **fields}]})
        return guild_id

    async def add_channels(
        self, count: int, guild_id: int = GUILD_ID, *, first: int = 0, **fields: Any
    ) -> list[int]:
        """Add channels (text channels by default) to a guild, numbered from `first`. Returns their ids."""
        ids = [guild_id + 1_000 + number for number in range(first, first + count)]
        channels = [
            {"id": channel_id, "type": model.TEXT, "guild_id": guild_id, **fields} for channel_id in ids
        ]
        await self.run_action("populate", {"channels": channels})
        return ids

    async def add_webhook(self, channel_id: int, number: int = 1, *, deleted: bool = False) -> str:
        """Add or replace a channel's webhook. Returns its URL."""
        webhook_id, token = 800_000_000_000_000_000 + number, f"token-of_webhook-{number}"
        fields = {"id": webhook_id, "channel_id": channel_id, "token": token, "deleted": deleted}
        await self.run_action("populate", {"webhooks": [fields]})
        return f"{self.api_url}/webhooks/{webhook_id}/{token}"

    async def change_channel(self, channel_id: int, **fields: Any) -> None:
        """Change fields of a channel, e.g. `denied=model.SEND_MESSAGES`."""
        await self.run_action("change_channel", {"id": channel_id, "fields": fields})

    async def set_faults(self, *rules: Json, seed: int | None = None) -> None:
        """Replace the fault rules, given as fields of `faults.FaultRule`; no rules end all faults."""
        await self.run_action("set_faults", {"rules": list(rules)} | ({} if seed is None else {"seed": seed}))

    async def messages(self, channel_id: int) -> list[Json]:
        """Return a channel's messages, oldest first, without deleted ones."""
        return (await self.all_messages(channel_id=channel_id)).get(channel_id, [])

    async def all_messages(self, **params: Any) -> dict[int, list[Json]]:
        """Return messages by channel id, oldest first, without deleted ones."""
        by_channel = await self.run_action("list_messages", params)
        return {
            int(channel_id): [message for message in messages if not message["deleted"]]
            for channel_id, messages in by_channel.items()
        }

    async def log(self, method: str = "", path: str = "") -> list[Json]:
        """Return the REST requests so far, filtered by method and path prefix."""
        entries = await self.run_action("get_log")
        return [
            entry
            for entry in entries
            if entry["method"].startswith(method) and entry["path"].startswith(path)
        ]

    async def counts(self) -> Json:
        counts: Json = await self.run_action("get_counts")
        return counts

    async def wait_until_connected(self) -> None:
        await patience.wait_for_value(self.counts, lambda counts: counts["connected"])

    async def wait_for_messages(
        self, channel_id: int, describe: Callable[[], object] = str, count: int = 1
    ) -> list[Json]:
        """Wait until a channel has this many messages, and return them."""
        find = partial(self.messages, channel_id)
        await patience.wait_for_value(find, lambda found: len(found) >= count, describe=describe)
        return await self.messages(channel_id)

    async def wait_for_requests(
        self, count: int, method: str = "", path: str = "", describe: Callable[[], object] = str
    ) -> None:
        """Wait until this many REST requests were made, filtered as in `log`."""
        find = partial(self.log, method, path)
        await patience.wait_for_value(find, lambda found: len(found) >= count, describe=describe)

    async def interact(self, channel_id: int, data: Json, **fields: Any) -> Json:
        """Send an interaction and wait for the first response. Returns the record of `create_interaction`."""
        params = {"channel_id": channel_id, "data": data, **fields}
        record: Json = await self.run_action("interact", params)
        return record
