"""A planner of daily posts on a real database, with a stub renderer."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from bot.daily import choice
from bot.daily import planner as daily_planner
from bot.daily.service import OnDemandPosts, Subscriptions
from bot.daily.why import WhyAnswer, WhyExplainer
from bot.outbox import contents
from bot.outbox.contents import DeliveryFactory
from bot.search.service import SearchService
from storage import daily, models, outbox, sources
from storage.database import Database
from tests.support import digest_builders, outbox_builders

SEOUL_9AM = datetime(2026, 1, 5, 0, 0, tzinfo=UTC)
MONDAY = date(2026, 1, 5)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
EVENING = SEOUL_9AM - 5 * HOUR


class StubDailyRenderer:
    """Renders a post as one message with its arXiv ids, and counts the calls. Raises for a `failing_style`."""

    def __init__(self) -> None:
        self.render_count = 0
        self.posts: list[choice.DailyPost] = []
        self.failing_style: models.Style | None = None

    def render_daily(self, post: choice.DailyPost) -> tuple[contents.RenderedPart, ...]:
        self.render_count += 1
        self.posts.append(post)
        if post.style is self.failing_style:
            raise ValueError("template error")
        content = " ".join(paper.arxiv_id for paper in post.papers) or "no papers"
        payload: dict[str, Any] = {
            "content": content,
            "marker": contents.part_marker(post.marker, 0),
            "total": post.total,
        }
        return (contents.RenderedPart(models.PartKind.MESSAGE, payload),)


class PlannerHarness:
    """A planner on a database; subscriptions are due at 09:00 in Seoul by default."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.renderer = StubDailyRenderer()
        numbers = itertools.count()
        self.deliveries = DeliveryFactory(lambda: self.renderer, lambda: f"n{next(numbers)}")
        self.search = SearchService(database)
        self.planner = daily_planner.DailyPlanner(database, self.deliveries, self.search.match_papers)

    async def subscribe(self, channel_id: int = 20, created_at: datetime = EVENING, **options: Any) -> int:
        service = Subscriptions(self.database, lambda: created_at)
        draft = models.Subscription(
            guild_id=10, channel_id=channel_id, at_time="09:00", timezone="Asia/Seoul", top_n=2
        )
        return (await service.add(replace(draft, **options))).id

    async def store(self, on: date, *papers: tuple[str, int | None], at: datetime = EVENING) -> None:
        """Store a newsletter of a date."""
        await digest_builders.ingest_digest(self.database, digest_builders.newsletter(on, papers), at=at)

    async def tick(self, now: datetime) -> int:
        """Plan what is due. Returns the number of posts."""
        return await self.planner.tick(now)

    async def post(self, *papers: tuple[str, int | None], **options: Any) -> int:
        """Subscribe, store the newsletter of MONDAY, and plan its post. Returns the subscription's id."""
        subscription_id = await self.subscribe(**options)
        await self.store(MONDAY, *papers)
        await self.tick(SEOUL_9AM)
        return subscription_id

    async def attempt(
        self, *part_ids: int, to: models.PartState = models.PartState.SENT, now: datetime = SEOUL_9AM
    ) -> None:
        """Let attempts of parts end in a state: as message 1000 + N, stopped, or SENDING with an unknown outcome."""
        async with self.database.transaction() as connection:
            await outbox.mark_sending(connection, part_ids, now)
            for part_id in part_ids:
                if to is models.PartState.SENT:
                    await outbox.mark_sent(connection, {part_id: models.Receipt(1000 + part_id, 20)}, now)
                elif to is models.PartState.SENDING:
                    await outbox.mark_retry(
                        connection, part_id, next_attempt_at=now, unknown_since=now, error="no-answer"
                    )
                else:
                    await outbox.stop_part(connection, part_id, reason=models.Reason.NO_HISTORY, now=now)

    async def mark_sent(self, now: datetime = SEOUL_9AM) -> None:
        """Mark all planned posts and edits as sent; part N becomes message 1000 + N."""
        async with self.database.transaction() as connection:
            for delivery in await outbox.list_rows(connection, state=models.DeliveryState.WAITING):
                parts = await outbox.list_parts(connection, delivery.id)
                receipts = {
                    part.id: models.Receipt(part.message_id or 1000 + part.id, delivery.channel_id or 0)
                    for part in parts
                }
                await outbox.mark_sent(connection, receipts, now)

    async def expire(self, now: datetime) -> None:
        """Expire old deliveries, as the relay does."""
        await outbox_builders.make_recorder(self.database, self.deliveries).expire(now)

    async def list_payloads(self) -> list[dict[str, Any]]:
        """Return the payloads of all parts, each with its delivery's key as `marker`."""
        async with self.database.read() as connection:
            deliveries = await outbox.list_rows(connection)
            payloads: list[dict[str, Any]] = []
            for delivery in sorted(deliveries, key=lambda row: row.id):
                parts = await outbox.list_parts(connection, delivery.id)
                payloads.extend(json.loads(part.payload or "{}") for part in parts)
        for payload in payloads:
            payload["marker"] = payload["marker"].removeprefix("pr:d:").removesuffix(":0/")
        return payloads

    async def list_contents(self) -> list[str]:
        return [payload["content"] for payload in await self.list_payloads()]

    def on_demand(self, now: datetime = SEOUL_9AM) -> OnDemandPosts:
        """Return the service of previews and posts right away, at a moment."""
        return OnDemandPosts(self.database, lambda: now, self.deliveries, self.search.match_papers)

    async def explain(
        self, arxiv_id: str, now: datetime = SEOUL_9AM, channel_id: int = 20, **options: Any
    ) -> WhyAnswer:
        """Return what became of a paper in a channel, as asked at a moment."""
        paper = await self.search.find_paper(arxiv_id)
        assert paper is not None
        explainer = WhyExplainer(self.database, lambda: now, self.search.match_papers, **options)
        return await explainer.explain(paper, guild_id=10, channel_id=channel_id)

    async def change(self, subscription_id: int, **changes: Any) -> None:
        """Store other values of a subscription, without its service."""
        row = await self.get_subscription(subscription_id)
        async with self.database.transaction() as connection:
            await daily.update(connection, replace(row, **changes))

    async def get_subscription(self, subscription_id: int) -> models.Subscription:
        async with self.database.read() as connection:
            subscription = await daily.get(connection, subscription_id)
        assert subscription is not None
        return subscription


async def read_lists(database: Database, now: datetime, *days: date) -> None:
    """Store the source of the days' lists, and that those of some days were read now."""
    url = "https://huggingface.co"
    async with database.transaction() as connection:
        if not await sources.list_rows(connection):
            await sources.add(connection, url=url, kind=models.SourceKind.HUGGINGFACE, now=now)
        for on in days:
            page = models.PageState(f"{url}/api/daily_papers?date={on}", now, models.FetchStatus.OK)
            await sources.upsert_page_states(connection, 1, [page])
