"""Texts that are too long for a custom id: stored under a token, loaded, refused after they are overwritten."""

from __future__ import annotations

import pytest

from bot.accounts.service import TextTokenStore
from bot.client.router import UserError
from bot.lists import commands as lists_commands
from bot.lists.messages import ListKind, ListState
from storage.database import Database


async def test_a_short_text_has_no_token(sqlite_db: Database) -> None:
    tokens = TextTokenStore(sqlite_db)
    state = await lists_commands.store_list_text(
        tokens, ListState(ListKind.TOPIC, "two\nlines", token="outdated")
    )
    assert state == ListState(ListKind.TOPIC, "two lines")
    assert await lists_commands.load_list_text(tokens, state) == state


async def test_a_long_text_is_loaded_by_its_token(sqlite_db: Database) -> None:
    tokens = TextTokenStore(sqlite_db)
    state = await lists_commands.store_list_text(tokens, ListState(ListKind.TOPIC, "x" * 73))
    assert state.token
    assert await lists_commands.load_list_text(tokens, ListState(ListKind.TOPIC, token=state.token)) == state


async def test_an_unknown_token_is_an_outdated_component(sqlite_db: Database) -> None:
    with pytest.raises(UserError, match="outdated-control"):
        await lists_commands.load_list_text(
            TextTokenStore(sqlite_db), ListState(ListKind.TOPIC, token="0123")
        )
