"""What discord.py does not document is that of the pinned version: one method, which `bot.app.client` overrides."""

import importlib.metadata
import inspect
import re
from pathlib import Path

import discord

BOT = Path(__file__).parents[2] / "bot"
PRIVATE = re.compile(r"_connection\b|\._(?:add|remove)_guild\b")


def test_the_overridden_method_is_that_of_the_pinned_version() -> None:
    """After an upgrade, read `launch_shard` beside the new source; then change the number here."""
    assert importlib.metadata.version("discord.py") == "2.7.1"
    client = discord.AutoShardedClient(intents=discord.Intents.none())
    assert [*inspect.signature(client.launch_shard).parameters] == ["gateway", "shard_id", "initial"]


def test_no_module_uses_a_private_name() -> None:
    users = [
        path.name
        for path in BOT.rglob("*.py")
        if "import discord" in (text := path.read_text(encoding="utf-8")) and PRIVATE.search(text)
    ]
    assert users == []
