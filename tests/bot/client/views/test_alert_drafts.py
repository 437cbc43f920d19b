"""Drafts of alerts in custom ids."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.client.components import custom_ids
from bot.client.views import alert_drafts, alert_modals
from storage import models

TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=30)
TERMS = st.builds(models.AlertTerm, st.sampled_from(models.AlertKind), TEXTS)
DRAFTS = st.builds(
    models.Alert,
    id=st.integers(0, 10**9),
    user_id=st.just(0),
    terms=st.lists(TERMS, max_size=4).map(tuple),
    created_at=st.just(alert_drafts.EMPTY.created_at),
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
    assert alert_drafts.unpack(alert_drafts.pack(draft)) == draft


@given(alert_id=st.integers(1, custom_ids.MAX_NUMBER))
def test_a_stored_alert_fits_a_custom_id(alert_id: int) -> None:
    packed = alert_drafts.pack_stored(alert_id)
    assert custom_ids.pack("acr", custom_ids.MAX_NUMBER, packed)
    assert alert_drafts.unpack(packed) == replace(alert_drafts.EMPTY, id=alert_id)


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
        alert_drafts.unpack(text)


@given(st.text(max_size=60))
def test_any_text_is_a_draft_or_an_outdated_custom_id(text: str) -> None:
    try:
        alert_drafts.unpack(text)
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
    assert alert_modals.split_items(typed) == items
    assert alert_modals.split_items(alert_modals.join_items(items)) == items
