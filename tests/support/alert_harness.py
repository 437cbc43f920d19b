"""A harness of the alert services: alerts and digests on a database, and the posts that they raise."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from typing import Any

from bot.alerts import planner as alerts_planner
from bot.alerts.planner import AlertPlanner
from bot.alerts.service import Alerts
from bot.archive.ingest import IngestService
from bot.outbox import contents
from bot.outbox.contents import DeliveryFactory
from bot.search.service import SearchService
from storage import alerts, models, outbox
from storage.database import Database
from tests.support import alert_builders, digest_builders, outbox_builders

NOW = datetime(2026, 1, 5, 3, 0, tzinfo=UTC)
MONDAY = date(2026, 1, 5)
KEYWORD, AUTHOR = models.AlertKind.KEYWORD, models.AlertKind.AUTHOR


class RecordingRenderer:
    """Renders an alert as its marker, unless it is failing; `alerts` are the posts rendered."""

    def __init__(self) -> None:
        self.alerts: list[alerts_planner.AlertPost] = []
        self.is_failing = False

    def render_alert(self, post: alerts_planner.AlertPost) -> tuple[contents.RenderedPart, ...]:
        if self.is_failing:
            raise ValueError("a template of the operator's with a mistake in it")
        self.alerts.append(post)
        return (contents.RenderedPart(models.PartKind.MESSAGE, {"content": post.marker}),)

    def render_notice(self, post: contents.NoticePost) -> tuple[contents.RenderedPart, ...]:
        return (contents.RenderedPart(models.PartKind.MESSAGE, {"content": post.marker}),)


class AlertHarness:
    """Alerts and digests on a database, with a planner whose posts are recorded."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.renderer = RecordingRenderer()
        self.search = SearchService(database, clock=lambda: self.now)
        self.alerts = Alerts(database, lambda: self.now, self.search)
        numbers = itertools.count()
        self.deliveries = DeliveryFactory(lambda: self.renderer, lambda: f"n{next(numbers)}")
        self.now = NOW
        self.planner = self.new_planner()

    async def add_digest(
        self, on: date, *papers: tuple[str, int | None], summary: str = "", location: str | None = None
    ) -> None:
        await self.store_digest(on, *papers, summary=summary, location=location)
        await self.plan()

    async def plan(self, wait: timedelta = alerts_planner.GATHERING_TIME) -> int:
        """Match what is stored, and plan what is due after `wait`. Returns the number of deliveries."""
        planned = await self.planner.drain()
        self.now += wait
        return planned + await self.planner.drain()

    async def store_digest(
        self, on: date, *papers: tuple[str, int | None], summary: str = "", location: str | None = None
    ) -> None:
        """Store a digest; its alerts remain to be planned."""
        await self.store_text(digest_builders.newsletter(on, papers, text=summary), location)

    async def store_text(self, text: str, location: str | None = None) -> None:
        """Store the digest of a text; its alerts remain to be planned."""
        service = IngestService(
            self.database, lambda: self.now, on_fresh=digest_builders.add_pending_alerts(self.now)
        )
        await service.add_text(text, location=location or text.splitlines()[0])

    async def store_facts(self, *facts: models.PaperFacts) -> None:
        """Store facts of services; what their names match remains to be planned."""

        on_fresh = digest_builders.add_pending_alerts(self.now)
        service = IngestService(self.database, lambda: self.now, on_fresh=on_fresh)
        await service.add_facts(facts)

    async def add_alert(self, text: str, **fields: Any) -> int:
        return (await self.alerts.add(alert_builders.draft(text, **fields))).id

    async def expire(self, now: datetime) -> None:
        await outbox_builders.make_recorder(self.database, self.deliveries).expire(now)

    async def refuse_messages(self, hours: int = 1) -> None:
        """Let Discord refuse the messages that are due, to be tried again after some hours."""
        async with self.database.transaction() as connection:
            for due in await outbox.list_due(connection, self.now):
                await outbox.mark_sending(connection, [due.part.id], self.now)
                await outbox.mark_retry(
                    connection,
                    due.part.id,
                    next_attempt_at=self.now + timedelta(hours=hours),
                    unknown_since=None,
                    error=models.Reason.DMS_CLOSED,
                    is_refused=True,
                )

    async def list_recipients(self) -> list[int | None]:
        async with self.database.read() as connection:
            return [delivery.user_id for delivery in reversed(await outbox.list_rows(connection))]

    async def count_unmatched(self) -> int:
        async with self.database.read() as connection:
            return len(await alerts.list_unmatched(connection, 1000))

    def new_planner(self) -> AlertPlanner:
        """A planner as another process, or the next start, has it."""
        return AlertPlanner(self.database, lambda: self.now, self.deliveries, self.search)

    def notified_papers(self) -> list[list[str]]:
        return [[match.paper.arxiv_id for match in post.matches] for post in self.renderer.alerts]
