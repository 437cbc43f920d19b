"""Check the limits, schema and mentions of payloads for Discord, in every message of the client tests."""

import copy
import re
from collections.abc import Iterable
from typing import Any

from simcord.components import walk_components

from bot.rendering import discord_text
from tests.fake_discord import validation

_CALLBACK = re.compile(r"/interactions/[^/]+/[^/]+/callback")
_FOLLOW_UP = re.compile(r"/webhooks/[0-9]+/[^/]+(/messages/[^/]+)?")
_MESSAGES = re.compile(r"/channels/[0-9]+/messages(/[0-9]+)?")
_MESSAGE_TYPES = (4, 7)
AUTOCOMPLETE = 8
MODAL = 9


def check_requests(requests: Iterable[Any]) -> int:
    """Check every message, modal and list of choices in the bot's requests. Returns the message count."""
    messages = 0
    for request in requests:
        body = request.json
        if request.method not in ("POST", "PATCH") or not isinstance(body, dict):
            continue
        if _CALLBACK.fullmatch(request.path):
            messages += _check_callback(body)
        elif _FOLLOW_UP.fullmatch(request.path) or _MESSAGES.fullmatch(request.path):
            check_message(body)
            messages += 1
    return messages


def _check_callback(body: dict[str, Any]) -> int:
    data = body.get("data") or {}
    if body["type"] in _MESSAGE_TYPES:
        check_message(data)
        return 1
    if body["type"] == AUTOCOMPLETE:
        assert len(data["choices"]) <= discord_text.AUTOCOMPLETE_CHOICES
        for choice in data["choices"]:
            assert 1 <= len(choice["name"]) <= discord_text.CHOICE_NAME
            assert 1 <= len(choice["value"]) <= discord_text.CHOICE_VALUE
    if body["type"] == MODAL:
        body = copy.deepcopy(body)
        for component in walk_components(body["data"]["components"]):
            # discord.py sends ids as integers, which Discord accepts, though the schema requires strings.
            for default in component.get("default_values") or ():
                default["id"] = str(default["id"])
        validation.check("ModalInteractionCallbackRequest", body)
    return 0


def check_message(payload: dict[str, Any], *, role_id: str = "") -> None:
    """Assert that Discord would accept a message, and that it mentions only members of the role."""
    validation.check_message(payload)
    fields = {k: v for k, v in payload.items() if v is not None}
    # discord.py numbers new files by integers, which Discord accepts, though the schema requires strings.
    files = [{**file, "id": str(file["id"])} for file in payload.get("attachments") or ()]
    validation.check("MessageCreateRequest", {**fields, "attachments": files})
    mentions = payload.get("allowed_mentions")
    assert mentions is not None, "the message has no allowed_mentions"
    assert not any(mentions.get(kind) for kind in ("parse", "users", "replied_user"))
    assert mentions.get("roles", []) == ([role_id] if role_id else [])
    budget = discord_text.Budget()
    parts = walk_components(payload.get("components") or ())
    texts = (part["content"] for part in parts if part["type"] == 10)
    assert all(budget.add(1, [text]) for text in texts), "too long, in code points or UTF-8 bytes"
