"""Commands as Discord knows them: put up there only when they have changed, and mentioned by their ids."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import discord
import structlog
from discord import app_commands

from storage import key_values
from storage.database import Database

HASH_KEY = "commands.hash"
IDS_KEY = "commands.ids"

log = structlog.get_logger(__name__)


class CommandMentions:
    """Gives `</daily edit:id>` for a command, or its plain name in code while the id is unknown."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}

    def update(self, ids: dict[str, int]) -> None:
        """Take the ids of the top-level commands, by name."""
        self._ids = dict(ids)

    def __call__(self, name: str) -> str:
        """Return the mention of a command such as `daily edit`."""
        known = self._ids.get(name.split()[0])
        return f"`/{name}`" if known is None else f"</{name}:{known}>"

    async def load(self, database: Database) -> None:
        """Read the ids that were kept at the last synchronisation."""
        async with database.read() as connection:
            kept = await key_values.get(connection, IDS_KEY)
        self.update(json.loads(kept) if kept else {})


async def sync_commands(
    tree: app_commands.CommandTree[Any], database: Database, mentions: CommandMentions
) -> bool:
    """Put the commands up on Discord if they are not what was put up last; say whether that was done.

    A refusal by Discord is logged and tried again at the next start: the commands of before still work.
    """
    await mentions.load(database)
    wanted = await hash_commands(tree)
    async with database.read() as connection:
        if await key_values.get(connection, HASH_KEY) == wanted:
            return False
    try:
        registered = await tree.sync()
    except discord.HTTPException as error:
        log.warning("commands_not_synchronised", status=error.status, code=error.code, error=error.text)
        return False
    ids = {command.name: command.id for command in registered}
    async with database.transaction() as connection:
        await key_values.set_value(connection, HASH_KEY, wanted)
        await key_values.set_value(connection, IDS_KEY, json.dumps(ids))
    mentions.update(ids)
    log.info("commands_synchronised", count=len(ids))
    return True


async def hash_commands(tree: app_commands.CommandTree[Any]) -> str:
    """Return a hash of all commands with their translations and of the application that they belong to."""
    payloads = []
    for command in sorted(tree.get_commands(), key=lambda one: one.name):
        if tree.translator is None:
            payloads.append(command.to_dict(tree))
        else:
            payloads.append(await command.get_translated_payload(tree, tree.translator))
    text = json.dumps([str(tree.client.application_id), payloads], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
