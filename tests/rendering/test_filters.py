"""The filters of templates."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.rendering import templates


@pytest.mark.parametrize(
    ("zone", "ko", "en"),
    [
        ("Asia/Seoul", "서울", "Seoul"),
        ("America/New_York", "뉴욕", "New York"),
        ("UTC", "UTC", "UTC"),
        ("Etc/GMT+3", "Etc/GMT+3", "Etc/GMT+3"),
        ("Mars/Olympus", "Mars/Olympus", "Mars/Olympus"),
    ],
)
def test_zones_are_named_by_their_city(zone: str, ko: str, en: str) -> None:
    assert (templates.render_zone(zone, "ko"), templates.render_zone(zone, "en")) == (ko, en)


def test_moments_become_discord_timestamps() -> None:
    at = datetime(2025, 2, 12, tzinfo=UTC)
    assert templates.render_timestamp(at) == "<t:1739318400:f>"
    assert templates.render_timestamp(at, "R") == "<t:1739318400:R>"


@pytest.mark.parametrize(
    ("names", "truncated", "shown"),
    [
        ([], False, ""),
        ([], True, ""),
        (["A"], False, "A"),
        (["A", "B", "C"], False, "A, B, C"),
        (["A", "B", "C", "D"], False, "A, B, C +1"),
        (["A", "B"], True, "A, B +…"),
        (["A", "B", "C", "D"], True, "A, B, C +1…"),
    ],
)
def test_three_authors_are_named(names: list[str], truncated: bool, shown: str) -> None:
    assert templates.render_authors(names, truncated) == shown
