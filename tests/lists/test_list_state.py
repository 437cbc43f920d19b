"""List states: encoding in custom ids, and the alert of a list."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.client import custom_ids
from bot.lists import messages as lists_messages
from bot.lists.messages import ListKind, ListState
from bot.rendering import discord_text
from storage.models import AlertKind

texts = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=lists_messages.MAX_TEXT_LENGTH
)
states = st.builds(
    ListState,
    kind=st.sampled_from(ListKind),
    text=texts,
    page=st.integers(0, 9999),
    period=st.sampled_from(lists_messages.Period),
    min_votes=st.integers(0, 99_999),
    literal=st.booleans(),
    by_date=st.booleans(),
)


@given(state=states)
def test_unpacking_returns_the_packed_state(state: ListState) -> None:
    packed = lists_messages.pack_state(state, "lp")
    assert len(packed) <= discord_text.CUSTOM_ID
    assert custom_ids.TEMPLATE.fullmatch(packed)
    assert lists_messages.unpack_state(custom_ids.unpack(packed)) == state


def test_a_token_replaces_the_text() -> None:
    packed = lists_messages.pack_state(ListState(ListKind.TOPIC, "a long text", token="0123"))
    assert lists_messages.unpack_state(custom_ids.unpack(packed)) == ListState(ListKind.TOPIC, token="0123")


@pytest.mark.parametrize(
    ("state", "terms"),
    [
        (ListState(ListKind.AUTHOR, "Ada", min_votes=3), (AlertKind.AUTHOR, "Ada", 3)),
        (ListState(ListKind.AUTHOR, "?"), None),
        (ListState(ListKind.TOPIC, "diffusion", min_votes=2), (AlertKind.KEYWORD, "diffusion", 2)),
        (ListState(ListKind.TOPIC, '"world model" votes:9'), (AlertKind.KEYWORD, "world model", 9)),
        (ListState(ListKind.TOPIC, "author:Ada"), (AlertKind.AUTHOR, "Ada", 0)),
        (ListState(ListKind.TOPIC, "123"), None),
        (ListState(ListKind.TOP, "diffusion"), None),
    ],
)
def test_an_alert_watches_the_first_text_of_a_query(
    state: ListState, terms: tuple[AlertKind, str, int] | None
) -> None:
    assert lists_messages.alert_terms(state) == terms
