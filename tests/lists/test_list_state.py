"""List states in custom ids, and long texts stored under tokens."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.client import custom_ids
from bot.client.refusals import UserError
from bot.client.text_tokens import TextTokenStore
from bot.core.clock import system_clock
from bot.papers import list_state
from bot.papers.list_state import ListKind, ListState
from bot.papers.replies import load_list_text, store_list_text
from bot.rendering import discord_text
from bot.search.results import Sort
from storage.database import Database

texts = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=discord_text.CUSTOM_ID)
days = st.dates(date(1991, 1, 1), date(2099, 12, 31))
states = st.builds(
    ListState,
    kind=st.sampled_from([*set(ListKind) - {ListKind.DIGEST}]),
    text=texts,
    page=st.integers(0, 9999),
    period=st.sampled_from(list_state.Period),
    min_votes=st.integers(0, 99_999),
    sort=st.none() | st.sampled_from(Sort),
    span=st.none() | st.tuples(days, days),
).map(
    lambda state: state.replace(
        text=state.text[: state.max_text_length], period=list_state.Period.ALL if state.span else state.period
    )
)


def _unpack(packed: str) -> ListState:
    return list_state.unpack_state(custom_ids.unpack_custom_id(packed))


@given(state=states)
def test_a_packed_state_unpacks_to_the_same_state(state: ListState) -> None:
    packed = list_state.pack_state(state, "lp")
    assert len(packed) <= discord_text.CUSTOM_ID
    assert custom_ids.CUSTOM_ID.fullmatch(packed)
    assert _unpack(packed) == state


@pytest.mark.parametrize(
    ("sent", "text", "first", "last"),
    [
        ("l:d:0:a:0::", "", None, None),
        ("l:d:0:a:0::2025-12-30", "", date(2025, 12, 30), date(2025, 12, 30)),
        ("l:d:1:a:0::2025-12-01/2025-12-31", "", date(2025, 12, 1), date(2025, 12, 31)),
        ("l:p:0:w:0::robots", "robots", None, None),
        ("l:p:0:a:0::since:2025-12-22 until:2025-12-29", "", date(2025, 12, 22), date(2025, 12, 29)),
        (
            "lp:p:0:a:5:d:robots since:2025-12-01 until:2025-12-31",
            "robots",
            date(2025, 12, 1),
            date(2025, 12, 31),
        ),
        ("l:t:0:a:0::robots since:2025 until:2026", "robots since:2025 until:2026", None, None),
        ("l:t:0:a:0:l:robots", "robots", None, None),  # in an order that is no longer there
    ],
)
def test_buttons_of_version_0_1_still_name_their_list(
    sent: str, text: str, first: date | None, last: date | None
) -> None:
    state = _unpack(f"pr:{sent}")
    assert (state.text, state.span) == (text, first and last and (first, last))


async def test_only_long_texts_are_stored_under_a_token(sqlite_db: Database) -> None:
    tokens = TextTokenStore(sqlite_db, system_clock)
    short = await store_list_text(tokens, 7, ListState(ListKind.TOPIC, "two\nlines", token="outdated"))
    assert short == ListState(ListKind.TOPIC, "two lines")
    assert await load_list_text(tokens, short) == short
    long = await store_list_text(tokens, 7, ListState(ListKind.TOPIC, "x" * 74))
    shown = _unpack(list_state.pack_state(long))
    assert shown == ListState(ListKind.TOPIC, token=long.token)
    assert await load_list_text(tokens, shown) == long
    with pytest.raises(UserError, match="outdated-control"):
        await load_list_text(tokens, ListState(ListKind.TOPIC, token="0123"))
