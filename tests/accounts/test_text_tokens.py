"""The store of long texts under short tokens, on both engines."""

from __future__ import annotations

import pytest

from bot.accounts import service as accounts_service
from bot.accounts.service import TextTokenStore
from storage.database import Database

pytestmark = pytest.mark.engines("sqlite", "postgresql")


async def test_a_text_is_found_by_its_token(db: Database) -> None:
    store = TextTokenStore(db)
    token = await store.save("a long query")
    assert await store.get(token) == "a long query"
    assert len(token) == accounts_service.TOKEN_LENGTH
    assert await store.get(accounts_service.make_token("never stored")) is None


async def test_a_text_overwrites_an_older_one_in_its_slot(db: Database) -> None:
    store = TextTokenStore(db)
    first = await store.save("0")
    assert await store.get(first) == "0"
    slot = accounts_service._slot_key(first)
    texts = (str(number) for number in range(1, 10**6))
    other = next(
        text for text in texts if accounts_service._slot_key(accounts_service.make_token(text)) == slot
    )
    second = await store.save(other)
    assert await store.get(second) == other
    assert await store.get(first) is None
