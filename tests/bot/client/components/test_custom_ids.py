"""State in custom ids: what goes in comes out, within a hundred characters; anything else is called unreadable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.client.components import custom_ids
from bot.client.views import alerts, list_state, subscriptions
from bot.rendering.discord_text import limits
from bot.services.daily.subscriptions import SubscriptionOptions
from bot.services.posts import contents
from storage import models

plain = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=list_state.MAX_TEXT_LENGTH
)

lists = st.builds(
    list_state.ListState,
    kind=st.sampled_from(list_state.ListKind),
    text=plain,
    page=st.integers(0, 9999),
    period=st.sampled_from(list_state.Period),
    min_votes=st.integers(0, 99_999),
    literal=st.booleans(),
    by_date=st.booleans(),
)


@given(state=lists)
def test_a_lists_state_comes_back_whole(state: list_state.ListState) -> None:
    packed = list_state.pack(state, "lp")
    assert len(packed) <= limits.CUSTOM_ID
    assert custom_ids.TEMPLATE.fullmatch(packed)
    assert list_state.unpack(custom_ids.unpack(packed)) == state


@given(
    kind=st.sampled_from(models.AlertKind),
    text=plain.map(lambda text: text[: alerts.MAX_TEXT_LENGTH]),
    votes=st.integers(0, 99_999),
    channel=st.integers(0, 2**64 - 1),
)
def test_an_alerts_draft_comes_back_whole(
    kind: models.AlertKind, text: str, votes: int, channel: int
) -> None:
    draft = alerts.AlertDraft(kind, text, votes, channel)
    packed = alerts.pack(draft, alerts.CREATE)
    assert alerts.unpack(custom_ids.unpack(packed)) == draft


@given(
    channel=st.integers(0, 2**64 - 1),
    days=st.sets(st.integers(1, 7), min_size=1),
    top_n=st.integers(1, 25),
    votes=st.integers(0, 99_999),
    style=st.sampled_from(models.Style),
    locale=st.sampled_from(models.Locale),
    empty=st.booleans(),
)
def test_a_daily_posts_draft_comes_back_whole(
    channel: int,
    days: set[int],
    top_n: int,
    votes: int,
    style: models.Style,
    locale: models.Locale,
    empty: bool,
) -> None:
    options = SubscriptionOptions(
        at_time="23:59",
        timezone="America/Argentina/ComodRivadavia",
        days=tuple(sorted(days)),
        top_n=top_n,
        min_votes=votes,
        locale=locale,
        style=style,
        say_when_empty=empty,
    )
    packed = subscriptions.pack(channel, options, subscriptions.START_NOW)
    assert subscriptions.unpack(custom_ids.unpack(packed)) == (channel, options)


@given(rest=st.text(max_size=90))
def test_whatever_stands_in_a_custom_id_is_read_or_called_unreadable(rest: str) -> None:
    action = custom_ids.unpack(f"pr:l:{rest}")
    for read in (list_state.unpack, alerts.unpack, subscriptions.unpack, lambda one: one.number):
        try:
            read(action)
        except custom_ids.InvalidCustomIdError:
            continue


def test_a_delivery_marker_stands_in_front_and_leaves_the_action_as_it_is() -> None:
    marker = contents.part_marker("daily:12:2026-01-01", 3)
    packed = custom_ids.pack("l", "d", "a:b", marker=marker)
    assert packed == "pr:d:daily:12:2026-01-01:3/l:d:a:b"
    assert custom_ids.unpack(packed) == custom_ids.Action("l", "d:a:b")


def test_what_does_not_fit_or_cannot_be_read_back_is_refused() -> None:
    with pytest.raises(ValueError, match="longer"):
        custom_ids.pack("l", "x" * 100)
    with pytest.raises(ValueError, match="colon"):
        custom_ids.pack("l", "a:b", "c")
