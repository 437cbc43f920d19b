"""Keeps texts that are too long for a custom id in storage, under a token."""

from __future__ import annotations

import json
from collections.abc import Mapping

from bot.client.components import custom_ids
from bot.client.interactions.errors import UserError
from bot.client.views import alert_drafts
from bot.services.accounts.text_tokens import TextTokenStore
from storage import models


async def store_draft(tokens: TextTokenStore, draft: models.Alert) -> str:
    """Return the draft of an alert for a custom id: packed, or the token of what is packed."""
    packed = alert_drafts.pack(draft)
    return packed if len(packed) <= alert_drafts.MAX_LENGTH else await tokens.save(packed)


async def load_draft(tokens: TextTokenStore, key: str) -> models.Alert:
    """Return the draft of a custom id. Raises UserError if it was overwritten, InvalidCustomIdError if it is no draft."""
    if key.startswith("{"):
        return alert_drafts.unpack(key)
    packed = await tokens.get(key)
    if packed is None:
        raise UserError("outdated-control")
    return alert_drafts.unpack(packed)


async def store_typed(tokens: TextTokenStore, payload: str, values: Mapping[str, str]) -> str:
    """Return a token for the payload and the values of a modal that was refused."""
    return await tokens.save(f"{payload}\n{json.dumps(dict(values))}")


async def load_typed(tokens: TextTokenStore, token: str) -> tuple[str, dict[str, str]]:
    """Return the payload and the values of a refused modal. Raises UserError if they were overwritten."""
    stored = await tokens.get(token)
    if stored is None:
        raise UserError("outdated-control")
    payload, _, typed = stored.partition("\n")
    with custom_ids.map_parse_errors():
        return payload, json.loads(typed)
