"""A planner of daily posts whose posts count as sent, with an ingest whose corrections plan edits."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from bot.archive.digest_writer import FreshDigest
from bot.daily import choice, edits
from bot.daily import planner as daily_planner
from bot.outbox import contents
from bot.outbox.contents import DeliveryFactory
from bot.search.service import SearchService
from storage import models, outbox, sources
from storage.database import Connection, Database
from tests.support import digest_builders, planner_harness
from tests.support.planner_harness import HOUR, MONDAY, SEOUL_9AM

LATER = SEOUL_9AM + 2 * HOUR


class TextRenderer(planner_harness.StubDailyRenderer):
    """Renders each paper's first section: for CARDS a message per paper, otherwise a message for each text between `//`."""

    plain = False

    def render_daily(self, post: choice.DailyPost) -> tuple[contents.RenderedPart, ...]:
        self.render_count += 1
        if post.style is self.failing_style:
            raise ValueError("template error")
        context: dict[str, Any] = {
            "marker": contents.part_marker(post.marker, 0),
            "at": post.schedule and post.schedule[0],
        }
        context |= {"since": str(post.since_on), "missed": len(post.missed_on)}
        context |= {"numbers": post.numbers}
        context |= {"closes_at": str(post.closes_at), "is_complete": post.is_complete}
        context |= {"figures": [post.total, post.final_total, *(paper.votes for paper in post.papers)]}
        texts = [
            f"{paper.arxiv_id} {paper.sections[0].body if paper.sections else ''}" for paper in post.papers
        ]
        texts = ["headline", *texts] if post.style is models.Style.CARDS else "\n".join(texts).split(" // ")
        kind = models.PartKind.FORUM_POST if post.style is models.Style.FORUM else models.PartKind.MESSAGE
        plain = {"plain": "\n".join(texts), "marker": context["marker"]} if self.plain else None
        return tuple(contents.RenderedPart(kind, _payload(kind, text, context), plain) for text in texts)


def _payload(kind: models.PartKind, text: str, context: dict[str, Any]) -> dict[str, Any]:
    message = {"content": text, **context}
    return {"name": "day", "message": message} if kind is models.PartKind.FORUM_POST else message


class CorrectionHarness(planner_harness.PlannerHarness):
    """A planner whose posts are marked as sent at once, and an ingest whose corrections plan edits."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        numbers = itertools.count()
        self.text = TextRenderer()
        deliveries = DeliveryFactory(lambda: self.text, lambda: f"n{next(numbers)}")
        self.planner = daily_planner.DailyPlanner(database, deliveries, SearchService(database).match_papers)
        self.edits = edits.EditPlanner(deliveries)

    async def put(
        self, on: date, arxiv_ids: Sequence[str], text: str, *, at: datetime = planner_harness.EVENING
    ) -> None:
        """Store a digest; storing the same date again corrects it."""
        papers = [(arxiv_id, 50 - number) for number, arxiv_id in enumerate(arxiv_ids)]
        await put_text(self, digest_builders.newsletter(on, papers, text=text), on.isoformat(), at)

    async def begin(
        self, *arxiv_ids: str, text: str = "At first.", is_sent: bool = True, **options: Any
    ) -> int:
        """Subscribe, and plan or send the post of MONDAY with these papers. Returns the subscription's id."""
        subscription_id = await self.subscribe(**options)
        await self.put(MONDAY, arxiv_ids, text)
        await (self.send if is_sent else self.tick)(SEOUL_9AM)
        return subscription_id

    async def send(self, now: datetime = SEOUL_9AM) -> None:
        """Plan the due posts and mark them as sent; part N becomes message 1000 + N."""
        await self.tick(now)
        await self.mark_sent(now)

    async def edited_content(self) -> dict[str, Any]:
        """Return the message that the only edit gives."""
        (part,) = await self.edited()
        content: dict[str, Any] = json.loads(part.payload or "")
        return content

    async def list_due_edits(self, now: datetime) -> list[datetime]:
        """Return when the edits that may be sent now were due."""
        async with self.database.read() as connection:
            due = await outbox.list_due(connection, now)
        return [row.delivery.due_at for row in due if row.delivery.kind is models.DeliveryKind.EDIT]

    async def mark_edits_sent(self, now: datetime) -> None:
        """Mark the edits that may be sent now as sent."""
        async with self.database.transaction() as connection:
            due = await outbox.list_due(connection, now)
            receipts = {row.part.id: models.Receipt(row.part.message_id or 0, 20) for row in due}
            await outbox.mark_sent(connection, receipts, now)

    async def edited(self) -> list[models.Part]:
        """Return the planned edits, oldest first."""
        async with self.database.read() as connection:
            planned = await outbox.list_rows(
                connection, kind=models.DeliveryKind.EDIT, state=models.DeliveryState.PLANNED
            )
            return [
                part
                for delivery in reversed(planned)
                for part in await outbox.list_parts(connection, delivery.id)
            ]


async def note_correction(connection: Connection, fresh: FreshDigest) -> None:
    """Note a correction, as the callback of an ingest."""
    if fresh.changed_ids:
        await edits.add_pending(connection, fresh.digest_id, fresh.revision, fresh.changed_ids)


async def put_text(
    harness: CorrectionHarness,
    text: str,
    location: str = MONDAY.isoformat(),
    at: datetime = LATER,
    source: str = sources.FILES,
) -> None:
    await digest_builders.ingest_digest(
        harness.database, text, at=at, on_fresh=note_correction, location=location, source=source
    )
    await harness.edits.plan(harness.database, at)
