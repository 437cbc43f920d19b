"""Drafts of alerts in custom ids."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.client.components import custom_ids
from bot.client.views import alerts
from storage import models


@given(
    kind=st.sampled_from(models.AlertKind),
    text=st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=alerts.MAX_TEXT_LENGTH),
    min_votes=st.integers(0, 99_999),
    channel_id=st.integers(0, 2**63 - 1),
)
def test_unpacking_returns_the_packed_draft(
    kind: models.AlertKind, text: str, min_votes: int, channel_id: int
) -> None:
    draft = alerts.AlertDraft(kind, text, min_votes, channel_id)
    packed = alerts.pack(draft, alerts.CREATE)
    assert alerts.unpack(custom_ids.unpack(packed)) == draft
