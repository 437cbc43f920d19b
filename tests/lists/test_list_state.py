"""List states in custom ids, and long texts stored under tokens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.client import message_builder
from bot.client import messages as client_messages
from bot.client.accounts import TextTokenStore
from bot.client.messages import ListKind, ListState
from bot.client.router import UserError
from bot.core.clock import system_clock
from bot.lists.commands import load_list_text, store_list_text
from bot.rendering import discord_text
from bot.search.results import Sort
from storage.database import Database

texts = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=client_messages.MAX_LIST_TEXT_LENGTH
)
states = st.builds(
    ListState,
    kind=st.sampled_from(ListKind),
    text=texts,
    page=st.integers(0, 9999),
    period=st.sampled_from(client_messages.Period),
    min_votes=st.integers(0, 99_999),
    sort=st.none() | st.sampled_from(Sort),
)


def _unpack(packed: str) -> ListState:
    return client_messages.unpack_state(message_builder.unpack_custom_id(packed))


@given(state=states)
def test_a_packed_state_unpacks_to_the_same_state(state: ListState) -> None:
    packed = client_messages.pack_state(state, "lp")
    assert len(packed) <= discord_text.CUSTOM_ID
    assert message_builder.CUSTOM_ID.fullmatch(packed)
    assert _unpack(packed) == state


async def test_only_long_texts_are_stored_under_a_token(sqlite_db: Database) -> None:
    tokens = TextTokenStore(sqlite_db, system_clock)
    short = await store_list_text(tokens, 7, ListState(ListKind.TOPIC, "two\nlines", token="outdated"))
    assert short == ListState(ListKind.TOPIC, "two lines")
    assert await load_list_text(tokens, short) == short
    long = await store_list_text(tokens, 7, ListState(ListKind.TOPIC, "x" * 73))
    shown = _unpack(client_messages.pack_state(long))
    assert shown == ListState(ListKind.TOPIC, token=long.token)
    assert await load_list_text(tokens, shown) == long
    with pytest.raises(UserError, match="outdated-control"):
        await load_list_text(tokens, ListState(ListKind.TOPIC, token="0123"))
