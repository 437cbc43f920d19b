"""A planner of daily posts on a database, with a renderer of our own: what the tests of planning share."""

from __future__ import annotations

import itertools
import json
import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from bot.services.daily import planner
from bot.services.daily.subscriptions import SubscriptionOptions, Subscriptions
from bot.services.outbox import outcomes, suspension
from bot.services.posts import contents as post_contents
from bot.services.posts.delivery_factory import DeliveryFactory
from storage import models, subscriptions
from storage.database import Database
from storage.outbox import queries
from tests.support import digest_builders

SEOUL_9AM = datetime(2026, 1, 5, 0, 0, tzinfo=UTC)
MONDAY = date(2026, 1, 5)
EVENING = SEOUL_9AM - timedelta(hours=5)


class StubDailyRenderer:
    """Renders a post as one message that names its papers; counts how often it was asked. It may refuse a style."""

    def __init__(self) -> None:
        self.render_count = 0
        self.failing_style: models.Style | None = None

    def render_daily(self, post: post_contents.DailyPost) -> tuple[post_contents.RenderedPart, ...]:
        self.render_count += 1
        if post.style is self.failing_style:
            raise ValueError("a template of the operator's with a mistake in it")
        content = " ".join(paper.arxiv_id for paper in post.papers) or "no papers"
        missed = " ".join(on.isoformat() for on in post.missed_on)
        payload: dict[str, Any] = {
            "content": content,
            "marker": post.marker,
            "total": post.total,
            "missed": missed,
        }
        return (post_contents.RenderedPart(models.PartKind.MESSAGE, payload),)

    def render_alert(self, post: post_contents.AlertPost) -> tuple[post_contents.RenderedPart, ...]:
        raise AssertionError

    def render_notice(self, post: post_contents.NoticePost) -> tuple[post_contents.RenderedPart, ...]:
        raise AssertionError


class PlannerHarness:
    """A planner on a database, with one channel's order at 09:00 in Seoul."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.renderer = StubDailyRenderer()
        numbers = itertools.count()
        self.deliveries = DeliveryFactory(lambda: self.renderer, lambda: f"n{next(numbers)}")
        self.planner = planner.DailyPlanner(database, self.deliveries)

    async def subscribe(self, channel_id: int = 20, created_at: datetime = EVENING, **wishes: Any) -> int:
        service = Subscriptions(self.database, lambda: created_at)
        order = replace(SubscriptionOptions(timezone="Asia/Seoul", top_n=2), **wishes)
        return (await service.add(guild_id=10, channel_id=channel_id, options=order)).id

    async def expire(self, now: datetime) -> None:
        """End what is too old to be posted, as the relay does."""
        suspender = suspension.DestinationSuspender(self.deliveries)
        recorder = outcomes.OutcomeRecorder(self.database, suspender, self.deliveries, rng=random.Random(1))
        await recorder.expire(now)

    async def list_payloads(self) -> list[dict[str, Any]]:
        async with self.database.read() as connection:
            found = await queries.list_rows(connection)
            payloads: list[dict[str, Any]] = []
            for delivery in sorted(found, key=lambda one: one.id):
                parts = await queries.list_parts(connection, delivery.id)
                payloads.extend(json.loads(part.payload or "{}") for part in parts)
        return payloads

    async def list_contents(self) -> list[str]:
        return [payload["content"] for payload in await self.list_payloads()]

    async def get_subscription(self, subscription_id: int) -> models.Subscription:
        async with self.database.read() as connection:
            found = await subscriptions.get(connection, subscription_id)
        assert found is not None
        return found


async def store_newsletter(
    harness: PlannerHarness, on: date, *papers: tuple[str, int | None], at: datetime = EVENING
) -> None:
    """Store a newsletter of a date."""
    await digest_builders.ingest_digest(harness.database, digest_builders.newsletter(on, papers), at=at)
