"""Texts that are too long for a custom id: stored under a token, loaded, refused after they are overwritten."""

from __future__ import annotations

import pytest

from bot.client.interactions.errors import UserError
from bot.client.presenters import long_texts
from bot.client.views.alerts import AlertDraft
from bot.client.views.papers.list_state import ListKind, ListState
from bot.services.accounts.text_tokens import TextTokenStore
from storage.database import Database
from storage.models import AlertKind


async def test_a_short_text_has_no_token(sqlite_db: Database) -> None:
    tokens = TextTokenStore(sqlite_db)
    state = await long_texts.store(tokens, ListState(ListKind.TOPIC, "two\nlines", token="outdated"))
    assert state == ListState(ListKind.TOPIC, "two lines")
    assert await long_texts.load(tokens, state) == state


async def test_a_long_text_is_loaded_by_its_token(sqlite_db: Database) -> None:
    tokens = TextTokenStore(sqlite_db)
    draft = await long_texts.store(tokens, AlertDraft(AlertKind.KEYWORD, "x" * 61), max_length=60)
    assert draft.token
    assert await long_texts.load(tokens, AlertDraft(AlertKind.KEYWORD, "", token=draft.token)) == draft


async def test_an_unknown_token_is_an_outdated_component(sqlite_db: Database) -> None:
    with pytest.raises(UserError, match="outdated-control"):
        await long_texts.load(TextTokenStore(sqlite_db), ListState(ListKind.TOPIC, token="0123"))
