"""discord.py's private names, which only one module uses, are those of the pinned version."""

import importlib.metadata
import inspect
import re
from pathlib import Path

import discord

from bot.client import discord_internals

BOT = Path(__file__).parents[2] / "bot"
PRIVATE = re.compile(r"_connection\b|\._(?:add|remove)_guild\b")


def test_the_private_names_are_those_of_the_pinned_version() -> None:
    """After an upgrade, read `discord_internals` and `launch_shard` beside the new source; then change the number here."""
    assert importlib.metadata.version("discord.py") == "2.7.1"
    client = discord.AutoShardedClient(intents=discord.Intents.none())
    parse = discord_internals.find_interaction_parser(client)
    assert [*inspect.signature(parse).parameters] == ["data"]
    assert [*inspect.signature(client.launch_shard).parameters] == ["gateway", "shard_id", "initial"]
    state = client._connection
    assert [*inspect.signature(state._add_guild).parameters] == ["guild"]
    assert [*inspect.signature(state._remove_guild).parameters] == ["guild"]


def test_no_other_module_uses_a_private_name() -> None:
    users = [
        path.name
        for path in BOT.rglob("*.py")
        if "import discord" in (text := path.read_text(encoding="utf-8")) and PRIVATE.search(text)
    ]
    assert users == ["discord_internals.py"]
