"""Keeps texts that are too long for a custom id in storage, under a token."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from bot.client.interactions.errors import UserError
from bot.client.views.alerts import AlertDraft
from bot.client.views.papers.list_state import MAX_TEXT_LENGTH, ListState
from bot.rendering.discord_text import escape
from bot.services.accounts.text_tokens import TextTokenStore

State = TypeVar("State", ListState, AlertDraft)


async def store(tokens: TextTokenStore, state: State, max_length: int = MAX_TEXT_LENGTH) -> State:
    """Return the state with its text on one line, and with a token if the text is longer than `max_length`."""
    text = escape.to_single_line(state.text)
    return replace(state, text=text, token=await tokens.save(text) if len(text) > max_length else "")


async def load(tokens: TextTokenStore, state: State) -> State:
    """Return a state from a custom id with its text. Raises UserError if the text of its token was overwritten."""
    if not state.token:
        return state
    text = await tokens.get(state.token)
    if text is None:
        raise UserError("outdated-control")
    return replace(state, text=text)
