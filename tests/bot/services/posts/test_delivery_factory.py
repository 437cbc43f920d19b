"""The factory of deliveries: payloads, nonces, priorities, lifetimes, and the fields copied from each post."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from bot.services.posts import contents, delivery_factory
from bot.services.posts.delivery_factory import MARKER_PLACEHOLDER, DeliveryFactory
from storage import models
from storage.models import DeliveryKind, PartKind
from tests.support.relay_harness import new_subscription

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
MONDAY = date(2026, 1, 5)
PAPER = contents.PostPaper("2601.00001", "A title", "https://arxiv.org/abs/2601.00001", MONDAY)
SUBSCRIPTION = new_subscription(20, id=3)


class StubRenderer:
    """Renders every post as one message that holds its marker, with a fallback."""

    def render_daily(self, post: contents.DailyPost) -> tuple[contents.RenderedPart, ...]:
        return _render(contents.part_marker(post.marker, 0))

    def render_alert(self, post: contents.AlertPost) -> tuple[contents.RenderedPart, ...]:
        return _render(contents.part_marker(post.marker, 0))

    def render_today(self, post: contents.TodayPost) -> tuple[contents.RenderedPart, ...]:
        return _render(contents.part_marker(post.marker, 0))

    def render_notice(self, post: contents.NoticePost) -> tuple[contents.RenderedPart, ...]:
        return _render(contents.part_marker(post.marker, 0))


def _render(marker: str) -> tuple[contents.RenderedPart, ...]:
    return (contents.RenderedPart(PartKind.MESSAGE, {"content": f"한글 {marker}"}, {"content": marker}),)


@pytest.fixture
def deliveries() -> DeliveryFactory:
    return DeliveryFactory(StubRenderer, lifetime=timedelta(hours=2))


def daily_post(*papers: contents.PostPaper) -> contents.DailyPost:
    return contents.DailyPost(
        MARKER_PLACEHOLDER, models.Locale.EN, models.Style.COMPACT, MONDAY, total=9, papers=papers
    )


def test_a_rendered_post_serves_many_deliveries_with_their_own_markers_and_nonces(
    deliveries: DeliveryFactory,
) -> None:
    rendered = deliveries.render_daily(daily_post(PAPER))
    first, second = (
        deliveries.build_post(
            rendered, SUBSCRIPTION, kind=DeliveryKind.DAILY, key=key, local_on=MONDAY, now=NOW
        )
        for key in ("daily:3:2026-01-05", "daily:3:2026-01-06")
    )
    assert [delivery.parts[0].payload for delivery in (first, second)] == [
        '{"content":"한글 pr:d:daily:3:2026-01-05:0/"}',
        '{"content":"한글 pr:d:daily:3:2026-01-06:0/"}',
    ]
    assert second.parts[0].fallback == '{"content":"pr:d:daily:3:2026-01-06:0/"}'
    assert second.parts[0].marker == "pr:d:daily:3:2026-01-06:0/"
    assert first.parts[0].nonce != second.parts[0].nonce
    assert first.fingerprint == second.fingerprint
    assert (first.papers, first.total, first.channel_id) == (("2601.00001",), 9, 20)
    assert (first.due_at, first.expires_at) == (NOW, NOW + timedelta(hours=2))


def test_the_fingerprint_depends_on_the_papers_alone(deliveries: DeliveryFactory) -> None:
    fingerprint = deliveries.render_daily(daily_post(PAPER)).fingerprint
    assert deliveries.render_daily(daily_post()).fingerprint != fingerprint
    assert deliveries.render_daily(daily_post(PAPER)).fingerprint == fingerprint


def test_deliveries_are_ordered_by_kind(deliveries: DeliveryFactory) -> None:
    rendered = deliveries.render_daily(daily_post(PAPER))
    alert = contents.AlertPost("alert:user:7:1:1", models.Locale.EN, MONDAY, ())
    notice = contents.NoticePost("notice:s3:1", models.Locale.EN, contents.NoticeKind.PAUSED)
    posts = [
        deliveries.build_post(rendered, SUBSCRIPTION, kind=kind, key="k", local_on=MONDAY, now=NOW)
        for kind in (DeliveryKind.ON_DEMAND, DeliveryKind.DAILY)
    ]
    notifications = [
        deliveries.build_alert(alert, key="alert:user:7:1:1", now=NOW, user_id=7),
        deliveries.build_notice(notice, now=NOW, user_id=7),
        deliveries.build_news("news:7:1:1", models.Locale.EN, (), now=NOW, user_id=7, channel_id=None),
    ]
    original = models.Delivery(
        id=1, key="k", kind=DeliveryKind.DAILY, locale=models.Locale.EN, planned_at=NOW, due_at=NOW,
        expires_at=NOW, state=models.DeliveryState.SENT, reason=None, finished_at=NOW,
    )  # fmt: skip
    edit = deliveries.build_edit(original, (), key="edit:1:1:2", now=NOW)
    post = contents.TodayPost("today:7:2025-01-01", models.Locale.EN, MONDAY, (), 0, is_personal=False)
    posts.append(deliveries.build_today(post, now=NOW, user_id=7, channel_id=None, local_on=MONDAY))
    assert {delivery.kind for delivery in (*posts, *notifications, edit)} == set(DeliveryKind)
    priorities = [delivery.priority for delivery in (posts[0], *notifications, posts[1], edit)]
    assert priorities == sorted(priorities)
    assert priorities[0] < priorities[1] == priorities[3] < priorities[4] < priorities[5]


@pytest.mark.parametrize("payload", [{"content": "new"}, {"name": "day", "message": {"content": "new"}}])
def test_an_edit_part_changes_the_message_of_its_original(
    deliveries: DeliveryFactory, payload: dict[str, object]
) -> None:
    original = models.Part(
        id=1, delivery_id=1, position=0, kind=PartKind.MESSAGE, payload="{}", fallback=None, nonce="n",
        state=models.PartState.SENT, attempts=1, first_attempt_at=NOW, last_attempt_at=NOW,
        next_attempt_at=NOW, channel_id=20, message_id=4, error_code=None, error=None,
    )  # fmt: skip
    part = deliveries.build_edit_part(original, json.dumps(payload))
    assert (part.kind, part.channel_id, part.message_id) == (PartKind.EDIT, 20, 4)
    assert json.loads(part.payload) == {"content": "new"}


def test_nonces_are_unique_and_short_enough_for_discord() -> None:
    nonces = {delivery_factory.new_nonce() for _ in range(1000)}
    assert len(nonces) == 1000
    assert all(len(nonce) <= 25 for nonce in nonces)
