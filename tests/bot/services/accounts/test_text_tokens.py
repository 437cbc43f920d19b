"""The store of long texts under short tokens, on both engines."""

from __future__ import annotations

import pytest

from bot.services.accounts import text_tokens
from bot.services.accounts.text_tokens import TextTokenStore
from storage.database import Database

pytestmark = pytest.mark.engines("sqlite", "postgresql")


async def test_a_text_is_found_by_its_token(db: Database) -> None:
    store = TextTokenStore(db)
    token = await store.save("a long query")
    assert await store.get(token) == "a long query"
    assert len(token) == text_tokens.TOKEN_LENGTH
    assert await store.get(text_tokens.make_token("never stored")) is None


async def test_a_text_overwrites_an_older_one_in_its_slot(db: Database) -> None:
    store = TextTokenStore(db)
    first = await store.save("0")
    assert await store.get(first) == "0"
    slot = text_tokens._slot_key(first)
    texts = (str(number) for number in range(1, 10**6))
    other = next(text for text in texts if text_tokens._slot_key(text_tokens.make_token(text)) == slot)
    second = await store.save(other)
    assert await store.get(second) == other
    assert await store.get(first) is None
