"""A harness of the alert services: alerts and digests on a database, and the posts that they raise."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from datetime import UTC, date, datetime

from bot.services.alerts.alerts import Alerts
from bot.services.alerts.notifier import AlertNotifier
from bot.services.outbox import outcomes, suspension
from bot.services.posts import contents
from bot.services.posts.delivery_factory import DeliveryFactory
from storage import models
from storage.database import Connection, Database
from tests.support import digest_builders

NOW = datetime(2026, 1, 5, 3, 0, tzinfo=UTC)
MONDAY = date(2026, 1, 5)
KEYWORD, AUTHOR = models.AlertKind.KEYWORD, models.AlertKind.AUTHOR


class RecordingRenderer:
    """Renders an alert as its marker and records the posts that it got."""

    def __init__(self) -> None:
        self.alerts: list[contents.AlertPost] = []
        self.is_failing = False

    def render_alert(self, post: contents.AlertPost) -> tuple[contents.RenderedPart, ...]:
        if self.is_failing:
            raise ValueError("a template of the operator's with a mistake in it")
        self.alerts.append(post)
        return (contents.RenderedPart(models.PartKind.MESSAGE, {"content": post.marker}),)

    def render_daily(self, post: contents.DailyPost) -> tuple[contents.RenderedPart, ...]:
        raise AssertionError

    def render_notice(self, post: contents.NoticePost) -> tuple[contents.RenderedPart, ...]:
        raise AssertionError


class AlertHarness:
    """Alerts and digests on a database, with a notifier that records its posts."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.renderer = RecordingRenderer()
        numbers = itertools.count()
        self.alerts = Alerts(database, lambda: NOW)
        self.deliveries = DeliveryFactory(lambda: self.renderer, lambda: f"n{next(numbers)}")
        self.notifier = AlertNotifier(self.deliveries)

    async def add_digest(
        self, on: date, *papers: tuple[str, int | None], summary: str = "", location: str | None = None
    ) -> None:
        async def on_fresh(
            connection: Connection, digest_id: int, paper_ids: Sequence[int], revision: int
        ) -> None:
            await self.notifier.notify(connection, digest_id, paper_ids, revision, NOW)

        text = digest_builders.newsletter(on, papers, text=summary)
        await digest_builders.ingest_digest(self.database, text, at=NOW, on_fresh=on_fresh, location=location)

    async def add_alert(
        self, text: str, *, user_id: int = 7, kind: models.AlertKind = KEYWORD, min_votes: int = 0
    ) -> int:
        return (await self.alerts.add(user_id=user_id, kind=kind, text=text, min_votes=min_votes)).id

    async def expire(self, now: datetime) -> None:
        suspender = suspension.DestinationSuspender(self.deliveries)
        recorder = outcomes.OutcomeRecorder(self.database, suspender, self.deliveries, rng=random.Random(1))
        await recorder.expire(now)

    def notified_papers(self) -> list[list[str]]:
        return [[paper.arxiv_id for paper, _ in post.matches] for post in self.renderer.alerts]
