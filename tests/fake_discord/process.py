"""Starts the fake Discord as a process of its own and talks to its control API. For tests and bench."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from tests.fake_discord import world

Json = dict[str, Any]

ROOT = Path(__file__).parents[2]
OPENAPI_PATH = ROOT / "../shared/discord/openapi.json"

TOKEN = world.TOKEN
GUILD_ID = 700_000_000_000_000_000


class FakeDiscordProcess:
    """The process. `with Server() as server:` runs one until the end of the block."""

    def __init__(self, *, seed: int = 0, shards: int = 1, port: int = 0, validate: bool = True) -> None:
        arguments = ["--seed", str(seed), "--shards", str(shards), "--port", str(port)]
        if validate and OPENAPI_PATH.exists():
            arguments += ["--openapi", str(OPENAPI_PATH)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fake_discord", *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self.api_url = self._read_line()
        self.control_url = self._read_line()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _read_line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the fake Discord ended before it listened"
        return line.strip()

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


class FakeDiscord:
    """Talks to a running fake. `async with FakeDiscord() as fake:` starts one of its own for the block.

    `api_url` and `gateway_url` are what the bot is to use.
    """

    def __init__(self, server: FakeDiscordProcess | None = None, **options: Any) -> None:
        self._owned_server = None if server else FakeDiscordProcess(**options)
        self._server = server or self._owned_server or FakeDiscordProcess()
        self._session: aiohttp.ClientSession | None = None
        self.api_url = self._server.api_url
        self.gateway_url = self.api_url.replace("http://", "ws://").replace("/api/v10", "/gateway")

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
        if self._owned_server is not None:
            self._owned_server.stop()

    async def run_action(self, action: str, parameters: Json | None = None) -> Any:
        """Do one action of the control API (see control.py) and give its answer."""
        assert self._session is not None, "the fake Discord was not started"
        async with self._session.post(
            f"{self._server.control_url}/control/{action}", json=parameters or {}
        ) as response:
            assert response.status == 200, f"{action}: {await response.text()}"
            return await response.json()

    def environment(self) -> dict[str, str]:
        """The settings with which Paperround uses this Discord."""
        return {
            "DISCORD_TOKEN": TOKEN,
            "PAPERROUND_DISCORD_API_URL": self.api_url,
            "PAPERROUND_DISCORD_GATEWAY_URL": self.gateway_url,
        }

    async def add_guild(self, guild_id: int = GUILD_ID, **fields: Any) -> int:
        """Add a server, fields as in world.Guild."""
        await self.run_action("populate", {"guilds": [{"id": guild_id, "name": "Lab", **fields}]})
        return guild_id

    async def add_channels(self, count: int, guild_id: int = GUILD_ID, **fields: Any) -> list[int]:
        """Add `count` text channels (or another `type`) to a server; gives their ids."""
        ids = [guild_id + 1_000 + n for n in range(count)]
        channels = [{"id": i, "type": world.TEXT, "guild_id": guild_id, **fields} for i in ids]
        await self.run_action("populate", {"channels": channels})
        return ids

    async def change_channel(self, channel_id: int, **fields: Any) -> None:
        """Change a channel, e.g. `denied=world.SEND_MESSAGES`, `deleted=True`."""
        await self.run_action("change_channel", {"id": channel_id, "fields": fields})

    async def change_guild(self, guild_id: int = GUILD_ID, **fields: Any) -> None:
        """Change a server, e.g. `present=False` removes the bot."""
        await self.run_action("change_guild", {"id": guild_id, "fields": fields})

    async def set_faults(self, *rules: Json, seed: int | None = None) -> None:
        """Replace the fault rules (see faults.Rule); none ends all faults."""
        await self.run_action("set_faults", {"rules": list(rules)} | ({} if seed is None else {"seed": seed}))

    async def messages(self, channel_id: int) -> list[Json]:
        """A channel's messages, oldest first, without deleted ones."""
        found = await self.run_action("list_messages", {"channel_id": channel_id})
        return [m for m in found.get(str(channel_id), []) if not m["deleted"]]

    async def all_messages(self) -> dict[int, list[Json]]:
        """Every channel's messages, oldest first, without deleted ones."""
        found = await self.run_action("list_messages")
        return {int(i): [m for m in messages if not m["deleted"]] for i, messages in found.items()}

    async def log(self, method: str = "", path: str = "") -> list[Json]:
        """The REST requests so far, of one method and below one path if given."""
        entries = await self.run_action("get_log")
        return [e for e in entries if e["method"].startswith(method) and e["path"].startswith(path)]

    async def counts(self) -> Json:
        """Figures, see control.get_counts."""
        counts: Json = await self.run_action("get_counts")
        return counts

    async def wait_until_connected(self, shards: int = 1, seconds: float = 20.0) -> None:
        """Return when so many shards are connected."""
        async with asyncio.timeout(seconds):
            # The event happens in another process: nothing here could set an asyncio.Event.
            while (await self.counts())["connected"] < shards:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def interact(self, channel_id: int, data: Json, **fields: Any) -> Json:
        """Send an interaction and wait for the first answer; gives its record (see interactions.begin)."""
        order = {"channel_id": channel_id, "data": data, **fields}
        record: Json = await self.run_action("interact", order)
        return record
