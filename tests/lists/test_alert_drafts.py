"""Drafts of alerts in custom ids."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.alerts import messages as alerts_messages
from bot.client import custom_ids
from bot.lists import follow
from storage import models

TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=30)
TERMS = st.builds(models.AlertTerm, st.sampled_from(models.AlertKind), TEXTS)
DRAFTS = st.builds(
    models.Alert,
    id=st.integers(0, 10**9),
    user_id=st.just(0),
    terms=st.lists(TERMS, max_size=4).map(tuple),
    created_at=st.just(follow.EMPTY_DRAFT.created_at),
    match_all=st.booleans(),
    excluded=st.lists(TEXTS, max_size=3).map(tuple),
    min_votes=st.integers(0, 99_999),
    language=st.none() | st.sampled_from(models.Locale),
    translations=st.booleans(),
    timing=st.sampled_from(models.AlertTiming),
    at_time=st.sampled_from(["09:00", "21:30"]),
    timezone=st.sampled_from(["UTC", "Asia/Seoul"]),
    weekday=st.integers(1, 7),
    max_papers=st.integers(1, 25),
    channel_id=st.none() | st.integers(1, 2**63 - 1),
)


@given(draft=DRAFTS)
def test_unpacking_returns_the_packed_draft(draft: models.Alert) -> None:
    assert follow.unpack_draft(follow.pack_draft(draft)) == draft


@given(alert_id=st.integers(1, custom_ids.MAX_NUMBER))
def test_a_stored_alert_fits_a_custom_id(alert_id: int) -> None:
    packed = follow.pack_stored(alert_id)
    assert custom_ids.pack("acr", custom_ids.MAX_NUMBER, packed)
    assert follow.unpack_draft(packed) == replace(follow.EMPTY_DRAFT, id=alert_id)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "[]",
            "{",
            "null",
            '{"t":1}',
            '{"t":[1]}',
            '{"t":["zx"]}',
            '{"t":[""]}',
            '{"v":"1"}',
            '{"v":-1}',
        ),
        *('{"v":true}', '{"a":1}', '{"i":1e999}', '{"l":"fr"}', '{"l":[]}', '{"w":{}}', f'{{"c":{2**63}}}'),
    ],
)
def test_other_texts_are_no_drafts(text: str) -> None:
    with pytest.raises(custom_ids.InvalidCustomIdError):
        follow.unpack_draft(text)


@given(st.text(max_size=60))
def test_any_text_is_a_draft_or_an_outdated_custom_id(text: str) -> None:
    try:
        follow.unpack_draft(text)
    except custom_ids.InvalidCustomIdError:
        return


@pytest.mark.parametrize(
    ("typed", "items"),
    [
        ("강화 학습, diffusion", ["강화 학습", "diffusion"]),
        (" one ,, two,\n", ["one", "two"]),
        ("Doe, Jane; Roe, Ann", ["Doe, Jane", "Roe, Ann"]),
        ("로봇，확산、언어", ["로봇", "확산", "언어"]),
        (" , ;\n", []),
    ],
)
def test_items_are_separated_by_commas_or_semicolons(typed: str, items: list[str]) -> None:
    assert alerts_messages.split_items(typed) == items
    assert alerts_messages.split_items(alerts_messages.join_items(items)) == items
