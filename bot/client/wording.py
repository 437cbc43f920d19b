"""What texts of posts and answers are made with: mentions of commands, texts and templates in one language."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from bot.i18n.texts import Texts
from bot.rendering.templates import Templates
from storage import key_values
from storage.database import Database

MentionLookup = Callable[[str], str]
"""Returns the mention of a command, such as `daily edit`."""
COMMAND_IDS = "commands.ids"
"""The key of the registered commands' ids by name, as JSON."""


class CommandMentions:
    """Mentions of commands, such as `</daily edit:id>`; while the id is unknown, the name as code."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}

    def update(self, ids: dict[str, int]) -> None:
        """Replace the ids of top-level commands by name."""
        self._ids = dict(ids)

    def __call__(self, name: str) -> str:
        command_id = self._ids.get(name.split()[0])
        return f"`/{name}`" if command_id is None else f"</{name}:{command_id}>"

    async def load(self, database: Database) -> None:
        ids = await database.fetch(key_values.get, COMMAND_IDS)
        self.update(json.loads(ids) if ids else {})


@dataclass(frozen=True, slots=True)
class PostWording:
    """Texts, templates and mentions for posts, alerts and notices in one language.

    Operators' templates depend on the names of the values passed to them (docs/wording.md).
    """

    ui_texts: Texts
    templates: Templates
    mention: MentionLookup
    web_url: str | None
