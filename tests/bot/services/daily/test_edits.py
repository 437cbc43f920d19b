"""What a corrected digest does to the posts that show its papers, on both engines: plans of edits, nothing sent."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from bot.services.daily import edits, planner
from bot.services.daily.subscriptions import Subscriptions, options_of
from bot.services.posts import contents
from bot.services.posts.delivery_factory import DeliveryFactory
from storage import digests, models
from storage.database import Connection, Database
from storage.outbox import attempts, queries
from tests.support import digest_builders, planner_harness
from tests.support.planner_harness import MONDAY, SEOUL_9AM

DAY = timedelta(days=1)
LATER = SEOUL_9AM + timedelta(hours=2)


class TextRenderer(planner_harness.StubDailyRenderer):
    """Shows each paper's first section: in the one message, or in a message a paper for CARDS."""

    plain = False

    def render_daily(self, post: contents.DailyPost) -> tuple[contents.RenderedPart, ...]:
        self.render_count += 1
        if post.style is self.failing_style:
            raise ValueError("a template of the operator's with a mistake in it")
        about: dict[str, Any] = {"marker": post.marker, "at": post.schedule and post.schedule.at_time}
        about |= {"since": str(post.since_on), "missed": len(post.missed_on)}
        texts = [f"{one.arxiv_id} {one.sections[0].body if one.sections else ''}" for one in post.papers]
        texts = ["headline", *texts] if post.style is models.Style.CARDS else ["\n".join(texts)]
        kind = models.PartKind.FORUM_POST if post.style is models.Style.FORUM else models.PartKind.MESSAGE
        plain = {"plain": "\n".join(texts), "marker": post.marker} if self.plain else None
        return tuple(contents.RenderedPart(kind, _payload(kind, text, about), plain) for text in texts)


def _payload(kind: models.PartKind, text: str, about: dict[str, Any]) -> dict[str, Any]:
    message = {"content": text, **about}
    return {"name": "day", "message": message} if kind is models.PartKind.FORUM_POST else message


class Corrections(planner_harness.PlannerHarness):
    """A planner whose posts are sent at once, and digests whose corrections plan edits."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        numbers = itertools.count()
        self.text = TextRenderer()
        deliveries = DeliveryFactory(lambda: self.text, lambda: f"n{next(numbers)}")
        self.planner = planner.DailyPlanner(database, deliveries)
        self.edits = edits.EditPlanner(deliveries)

    async def put(
        self, on: date, arxiv_ids: Sequence[str], words: str, *, at: datetime = planner_harness.EVENING
    ) -> None:
        """Store a digest; the same date again is its correction."""

        async def on_fresh(
            connection: Connection, digest_id: int, paper_ids: Sequence[int], revision: int
        ) -> None:
            if revision > 1:
                await self.edits.plan(connection, digest_id, revision, at)

        papers = [(arxiv_id, 50 - number) for number, arxiv_id in enumerate(arxiv_ids)]
        text = digest_builders.newsletter(on, papers, text=words)
        await digest_builders.ingest_digest(
            self.database, text, at=at, on_fresh=on_fresh, location=on.isoformat()
        )

    async def post(self, now: datetime = SEOUL_9AM) -> None:
        """Plan what is due and take it for sent: the part of id N as message 1000 + N."""
        await self.planner.tick(now)
        async with self.database.transaction() as connection:
            for delivery in await queries.list_rows(connection, state=models.DeliveryState.PLANNED):
                parts = await queries.list_parts(connection, delivery.id)
                receipts = {
                    part.id: models.Receipt(part.message_id or 1000 + part.id, delivery.channel_id or 0)
                    for part in parts
                }
                await attempts.mark_sent(connection, receipts, now)

    async def edited(self) -> list[models.Part]:
        """The edits that wait, in their order."""
        async with self.database.read() as connection:
            waiting = await queries.list_rows(
                connection, kind=models.DeliveryKind.EDIT, state=models.DeliveryState.PLANNED
            )
            return [
                part for one in reversed(waiting) for part in await queries.list_parts(connection, one.id)
            ]


@pytest.fixture
def corrections(db: Database) -> Corrections:
    return Corrections(db)


async def test_a_changed_text_edits_the_message_that_shows_it(corrections: Corrections) -> None:
    subscription_id = await corrections.subscribe()
    await corrections.put(MONDAY, ["2601.00001", "2601.00002", "2601.00003"], "At first.")
    await corrections.post()
    await corrections.put(MONDAY, ["2601.00001", "2601.00002", "2601.00003"], "Put right.", at=LATER)
    (part,) = await corrections.edited()
    assert part.kind is models.PartKind.EDIT
    assert (part.channel_id, part.message_id) == (20, 1001)
    shown = json.loads(part.payload or "")
    assert "Put right." in shown["content"]
    assert shown["marker"] == f"daily:{subscription_id}:2026-01-05"


async def test_papers_and_order_stay_as_posted(corrections: Corrections) -> None:
    await corrections.subscribe()
    await corrections.put(MONDAY, ["2601.00001", "2601.00002", "2601.00003"], "At first.")
    await corrections.post()
    await corrections.put(MONDAY, ["2601.00003", "2601.00002", "2601.00001"], "Put right.", at=LATER)
    (part,) = await corrections.edited()
    lines = json.loads(part.payload or "")["content"].splitlines()
    assert [line.split()[0] for line in lines] == ["2601.00001", "2601.00002"]


async def test_a_correction_of_papers_that_are_not_shown_edits_nothing(corrections: Corrections) -> None:
    await corrections.subscribe()
    one = digest_builders.newsletter(MONDAY, [("2601.00001", 9), ("2601.00002", 8), ("2601.00003", 1)])
    await digest_builders.ingest_digest(
        corrections.database, one, at=planner_harness.EVENING, location=MONDAY.isoformat()
    )
    await corrections.post()
    other = one.replace("Shows how 2601.00003 does its work.", "Another sentence.")
    assert other != one

    async def on_fresh(
        connection: Connection, digest_id: int, paper_ids: Sequence[int], revision: int
    ) -> None:
        assert await corrections.edits.plan(connection, digest_id, revision, LATER) == 0

    await digest_builders.ingest_digest(
        corrections.database, other, at=LATER, on_fresh=on_fresh, location=MONDAY.isoformat()
    )
    assert await corrections.edited() == []


async def test_of_several_messages_only_those_that_changed_are_edited(corrections: Corrections) -> None:
    await corrections.subscribe(style=models.Style.CARDS)
    text = digest_builders.newsletter(MONDAY, [("2601.00001", 9), ("2601.00002", 8)])
    await digest_builders.ingest_digest(
        corrections.database, text, at=planner_harness.EVENING, location=MONDAY.isoformat()
    )
    await corrections.post()

    async def on_fresh(
        connection: Connection, digest_id: int, paper_ids: Sequence[int], revision: int
    ) -> None:
        await corrections.edits.plan(connection, digest_id, revision, LATER)

    corrected = text.replace("Shows how 2601.00002 does its work.", "Another sentence.")
    await digest_builders.ingest_digest(
        corrections.database, corrected, at=LATER, on_fresh=on_fresh, location=MONDAY.isoformat()
    )
    (part,) = await corrections.edited()
    assert "Another sentence." in (part.payload or "")
    assert part.message_id == 1003


async def test_a_forum_post_is_edited_by_its_message(corrections: Corrections) -> None:
    await corrections.subscribe(style=models.Style.FORUM)
    await corrections.put(MONDAY, ["2601.00001"], "At first.")
    await corrections.post()
    await corrections.put(MONDAY, ["2601.00001"], "Put right.", at=LATER)
    (part,) = await corrections.edited()
    assert "Put right." in json.loads(part.payload or "")["content"]


async def test_a_correction_that_is_taken_back_is_edited_back(corrections: Corrections) -> None:
    await corrections.subscribe()
    for words, at in (
        ("One.", planner_harness.EVENING),
        ("Two.", LATER),
        ("One.", LATER + timedelta(hours=1)),
    ):
        await corrections.put(MONDAY, ["2601.00001"], words, at=at)
        if words == "One." and at == planner_harness.EVENING:
            await corrections.post()
    texts = [json.loads(part.payload or "")["content"] for part in await corrections.edited()]
    # The first edit still waits: were it tried again after the second, it would bring the older text back.
    assert ["One." in text for text in texts] == [True, True]


async def test_an_edit_that_waits_for_another_message_stays_as_it_is(corrections: Corrections) -> None:
    await corrections.subscribe(style=models.Style.CARDS)
    text = digest_builders.newsletter(MONDAY, [("2601.00001", 9), ("2601.00002", 8)])

    async def on_fresh(
        connection: Connection, digest_id: int, paper_ids: Sequence[int], revision: int
    ) -> None:
        if revision > 1:
            await corrections.edits.plan(connection, digest_id, revision, LATER)

    place = MONDAY.isoformat()
    await digest_builders.ingest_digest(
        corrections.database, text, at=planner_harness.EVENING, on_fresh=on_fresh, location=place
    )
    await corrections.post()
    for number in (1, 2):
        text = text.replace(f"Shows how 2601.0000{number} does", f"Corrected {number}: how it does")
        await digest_builders.ingest_digest(
            corrections.database, text, at=LATER, on_fresh=on_fresh, location=place
        )
    texts = [part.payload or "" for part in await corrections.edited()]
    assert [("Corrected 1" in text, "Corrected 2" in text) for text in texts] == [
        (True, False),
        (False, True),
    ]


async def test_a_post_that_cannot_be_rendered_any_more_stops_no_correction(corrections: Corrections) -> None:
    await corrections.subscribe()
    await corrections.put(MONDAY, ["2601.00001"], "At first.")
    await corrections.post()
    corrections.text.failing_style = models.Style.COMPACT
    await corrections.put(MONDAY, ["2601.00001"], "Put right.", at=LATER)
    assert await corrections.edited() == []
    async with corrections.database.read() as connection:
        stored = await digests.get(connection, 1)
    assert stored is not None
    assert stored.revision == 2


async def test_a_post_is_not_edited_into_another_style(corrections: Corrections) -> None:
    subscription_id = await corrections.subscribe()
    await corrections.put(MONDAY, ["2601.00001", "2601.00002"], "At first.")
    await corrections.post()
    service = Subscriptions(corrections.database, lambda: SEOUL_9AM)
    wishes = options_of(await service.get(subscription_id))
    await service.edit(subscription_id, replace(wishes, style=models.Style.CARDS))
    await corrections.put(MONDAY, ["2601.00001", "2601.00002"], "Put right.", at=LATER)
    assert await corrections.edited() == []


async def test_a_message_that_went_out_in_its_plain_form_is_edited_in_it(corrections: Corrections) -> None:
    corrections.text.plain = True
    await corrections.subscribe()
    await corrections.put(MONDAY, ["2601.00001"], "At first.")
    await corrections.planner.tick(SEOUL_9AM)
    async with corrections.database.transaction() as connection:
        assert await attempts.use_fallback(connection, 1, nonce="plain", now=SEOUL_9AM)
    await corrections.post()
    await corrections.put(MONDAY, ["2601.00001"], "Put right.", at=LATER)
    (part,) = await corrections.edited()
    shown = json.loads(part.payload or "")
    assert "Put right." in shown["plain"]
    assert shown.keys() == {"plain", "marker"}


async def test_the_same_correction_is_planned_once(corrections: Corrections) -> None:
    await corrections.subscribe()
    await corrections.put(MONDAY, ["2601.00001"], "At first.")
    await corrections.post()
    await corrections.put(MONDAY, ["2601.00001"], "Put right.", at=LATER)
    async with corrections.database.transaction() as connection:
        assert await corrections.edits.plan(connection, 1, 2, LATER) == 0
    assert len(await corrections.edited()) == 1


async def test_a_changed_schedule_alone_edits_nothing(corrections: Corrections) -> None:
    subscription_id = await corrections.subscribe()
    await corrections.put(MONDAY, ["2601.00001"], "At first.")
    await corrections.post()
    service = Subscriptions(corrections.database, lambda: SEOUL_9AM)
    wishes = options_of(await service.get(subscription_id))
    await service.edit(subscription_id, replace(wishes, at_time="18:00"))
    async with corrections.database.transaction() as connection:
        assert await corrections.edits.plan(connection, 1, 2, LATER) == 0


async def test_days_that_were_missed_are_no_reason_to_edit(corrections: Corrections) -> None:
    await corrections.subscribe()
    for day in range(6):
        await corrections.put(
            MONDAY + day * DAY, [f"2601.0001{day}"], "At first.", at=planner_harness.EVENING + day * DAY
        )
    await corrections.post(SEOUL_9AM + 5 * DAY)
    async with corrections.database.transaction() as connection:
        for digest_id in range(1, 7):
            assert await corrections.edits.plan(connection, digest_id, 2, SEOUL_9AM + 5 * DAY) == 0


async def test_an_older_digest_of_a_post_that_draws_from_two_is_corrected_too(
    corrections: Corrections,
) -> None:
    await corrections.subscribe(created_at=planner_harness.EVENING - 2 * DAY)
    await corrections.put(MONDAY - DAY, ["2601.00009"], "Before.", at=planner_harness.EVENING - DAY)
    await corrections.post(SEOUL_9AM - DAY)
    await corrections.put(MONDAY, ["2601.00001"], "At first.")
    await corrections.put(MONDAY + DAY, ["2601.00002"], "At first.", at=planner_harness.EVENING + DAY)
    await corrections.post(SEOUL_9AM + DAY)
    await corrections.put(MONDAY, ["2601.00001"], "Put right.", at=LATER + DAY)
    (part,) = await corrections.edited()
    lines = json.loads(part.payload or "")["content"].splitlines()
    assert ["Put right." in line for line in lines] == [False, True]


async def test_a_weekly_post_stays_a_weekly_post(corrections: Corrections) -> None:
    await corrections.subscribe(style=models.Style.WEEKLY, days=(1,))
    await corrections.put(MONDAY - 2 * DAY, ["2601.00001"], "At first.")
    await corrections.post()
    async with corrections.database.read() as connection:
        (delivery,) = await queries.list_rows(connection)
        (posted,) = await queries.list_parts(connection, delivery.id)
    await corrections.put(MONDAY - 2 * DAY, ["2601.00001"], "Put right.", at=LATER)
    (part,) = await corrections.edited()
    before, after = json.loads(posted.payload or ""), json.loads(part.payload or "")
    assert before["since"] == after["since"] == "2025-12-30"


async def test_many_channels_that_show_the_same_are_rendered_once(corrections: Corrections) -> None:
    for channel_id in range(30, 50):
        await corrections.subscribe(channel_id)
    await corrections.put(MONDAY, ["2601.00001"], "At first.")
    await corrections.post()
    corrections.text.render_count = 0
    await corrections.put(MONDAY, ["2601.00001"], "Put right.", at=LATER)
    assert corrections.text.render_count == 1
    assert len(await corrections.edited()) == 20


async def test_posts_older_than_a_week_and_orders_that_ended_are_left_alone(corrections: Corrections) -> None:
    kept = await corrections.subscribe(20)
    removed = await corrections.subscribe(21)
    await corrections.put(MONDAY, ["2601.00001"], "At first.")
    await corrections.post()
    await Subscriptions(corrections.database, lambda: LATER).remove(removed)
    await corrections.put(MONDAY, ["2601.00001"], "Put right.", at=LATER)
    assert [part.channel_id for part in await corrections.edited()] == [20]
    await corrections.post(LATER)
    await corrections.put(MONDAY, ["2601.00001"], "Put right again.", at=SEOUL_9AM + 8 * DAY)
    assert await corrections.edited() == []
    assert kept != removed
