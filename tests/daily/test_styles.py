"""The registry of post styles for planning covers every style."""

from __future__ import annotations

from bot.daily import choice
from storage.models import Style


def test_every_style_has_its_number_of_rolling_days() -> None:
    assert set(choice.ROLLING_DAYS) == set(Style)


def test_only_weekly_posts_draw_from_a_digest_again() -> None:
    rolling = {style for style, days in choice.ROLLING_DAYS.items() if days is not None}
    assert rolling == {Style.WEEKLY}
