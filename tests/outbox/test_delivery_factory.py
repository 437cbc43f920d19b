"""The factory of deliveries: payloads, nonces, priorities, lifetimes, and the fields copied from each post."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from bot.app.container import delivery_kinds
from bot.daily import choice
from bot.daily import planner as daily_planner
from bot.outbox import contents
from bot.outbox.contents import DeliveryFactory, Post
from storage import models
from storage.models import DeliveryKind, PartKind

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
MONDAY = date(2026, 1, 5)
PAPER = contents.PostPaper("2601.00001", "A title", "https://arxiv.org/abs/2601.00001", MONDAY)


class StubRenderer:
    """Renders every post as one message that holds its marker, with a fallback."""

    def __getattr__(self, name: str) -> Callable[[Post], tuple[contents.RenderedPart, ...]]:
        assert name.startswith("render_")
        return _render


def _render(post: Post) -> tuple[contents.RenderedPart, ...]:
    marker = contents.part_marker(post.marker, 0)
    return (contents.RenderedPart(PartKind.MESSAGE, {"content": f"한글 {marker}"}, {"content": marker}),)


@pytest.fixture
def deliveries() -> DeliveryFactory:
    return DeliveryFactory(StubRenderer)


def daily_post(*papers: contents.PostPaper) -> choice.DailyPost:
    return choice.DailyPost(
        daily_planner.MARKER_PLACEHOLDER,
        models.Locale.EN,
        models.Style.COMPACT,
        MONDAY,
        total=9,
        papers=papers,
    )


def test_a_rendered_post_serves_many_deliveries_with_their_own_markers_and_nonces(
    deliveries: DeliveryFactory,
) -> None:
    rendered = deliveries.render(daily_planner.DAILY, daily_post(PAPER))
    first, second = (
        deliveries.build(daily_planner.DAILY, key, models.Locale.EN, rendered, NOW, channel_id=20)
        for key in ("daily:3:2026-01-05", "daily:3:2026-01-06")
    )
    assert [delivery.parts[0].payload for delivery in (first, second)] == [
        '{"content":"한글 pr:d:daily:3:2026-01-05:0/"}',
        '{"content":"한글 pr:d:daily:3:2026-01-06:0/"}',
    ]
    assert second.parts[0].fallback == '{"content":"pr:d:daily:3:2026-01-06:0/"}'
    assert second.parts[0].marker == "pr:d:daily:3:2026-01-06:0/"
    assert first.parts[0].nonce != second.parts[0].nonce
    assert (first.due_at, first.expires_at) == (NOW, NOW + timedelta(hours=24))


def test_each_kind_has_one_record_and_its_priority() -> None:
    priorities = {record.kind: record.priority for record in delivery_kinds()}
    assert len(priorities) == len(delivery_kinds()) == len(DeliveryKind)
    order = sorted(priorities, key=priorities.__getitem__)
    assert order[0] is DeliveryKind.ON_DEMAND
    assert [kind for kind in order if priorities[kind] > models.Priority.INTERACTIVE] == [
        DeliveryKind.ALERT,
        DeliveryKind.NOTICE,
        DeliveryKind.DAILY,
        DeliveryKind.TODAY,
    ]
