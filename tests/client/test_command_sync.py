"""Synchronisation and mentions of slash commands."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands

from bot.client import command_sync
from bot.client.command_sync import CommandMentions
from storage import key_values
from storage.database import Database
from tests.support.client_harness import ClientHarness, last_response, shown_text


def _count_syncs(harness: ClientHarness) -> int:
    return sum(
        request.method == "PUT" and request.path.endswith("/commands")
        for request in harness.env.http_requests
    )


async def test_commands_are_registered_once_and_again_after_a_change(harness: ClientHarness) -> None:
    assert _count_syncs(harness) == 1
    await harness.env.restart_bot(harness.container.create_bot(shard_count=1))
    assert _count_syncs(harness) == 1
    changed = harness.container.create_bot(shard_count=1)

    @changed.tree.command(name="extra", description="Something new")
    async def extra(interaction: discord.Interaction[Any]) -> None: ...

    await harness.env.restart_bot(changed)
    assert _count_syncs(harness) == 2


async def test_commands_are_mentioned_by_id_after_a_restart(harness: ClientHarness) -> None:
    assert harness.bot.mentions("daily edit").startswith("</daily edit:")
    mentions = CommandMentions()
    assert mentions("daily edit") == "`/daily edit`"
    await mentions.load(harness.container.database)
    assert mentions("daily edit") == harness.bot.mentions("daily edit")


async def test_the_bot_starts_although_discord_refuses_the_commands(harness: ClientHarness) -> None:
    changed = harness.container.create_bot(shard_count=1)

    @changed.tree.command(name="extra", description="Something new")
    async def extra(interaction: discord.Interaction[Any]) -> None: ...

    harness.env.inject_error(
        "PUT", "/applications/*/commands", status=400, code=30034, message="too many", times=1
    )
    await harness.env.restart_bot(changed)
    assert "Paperround" in shown_text(last_response(await harness.reader.slash(harness.channel, "help")))


class StubTree(app_commands.CommandTree[Any]):
    """A tree without commands whose synchronisation fails with each of `failures` first."""

    failures: list[Exception]

    async def sync(self, *, guild: Any = None) -> list[app_commands.AppCommand]:
        if self.failures:
            raise self.failures.pop(0)
        return []


async def test_commands_that_discord_throttles_are_registered_later(sqlite_db: Database) -> None:
    client = discord.Client(intents=discord.Intents.none())
    tree, waits = StubTree(client), []
    tree.failures = [discord.RateLimited(300.0), OSError("no answer"), TimeoutError()]

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    await command_sync.synchronise(tree, sqlite_db, CommandMentions(), sleep)
    assert waits == [300.0, 30.0, 60.0]
    async with sqlite_db.read() as connection:
        assert await key_values.get(connection, command_sync.HASH_KEY) is not None
