"""The registry of post styles for planning covers every style."""

from __future__ import annotations

from bot.services.daily import styles
from storage.models import Style


def test_every_style_has_a_drawing_rule() -> None:
    assert set(styles.DRAWING_RULES) == set(Style)


def test_only_weekly_posts_draw_from_a_digest_again() -> None:
    rolling = {style for style, rule in styles.DRAWING_RULES.items() if rule.rolling_days is not None}
    assert rolling == {Style.WEEKLY}
