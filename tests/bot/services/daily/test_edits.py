"""Edits planned for sent posts when a digest is corrected, on both engines."""

from __future__ import annotations

import itertools
import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from bot import day_close
from bot.services.daily import edits, planner
from bot.services.daily.subscriptions import Subscriptions, options_of
from bot.services.posts import contents
from bot.services.posts.delivery_factory import DeliveryFactory
from bot.services.search.service import SearchService
from storage import digests, models, sources
from storage.database import Connection, Database
from storage.outbox import attempts, queries
from tests.support import digest_builders, planner_harness, source_payloads
from tests.support.planner_harness import MONDAY, SEOUL_9AM

DAY = timedelta(days=1)
LATER = SEOUL_9AM + timedelta(hours=2)


class TextRenderer(planner_harness.StubDailyRenderer):
    """Renders each paper's first section, in one message, or in one message per paper for CARDS."""

    plain = False

    def render_daily(self, post: contents.DailyPost) -> tuple[contents.RenderedPart, ...]:
        self.render_count += 1
        if post.style is self.failing_style:
            raise ValueError("template error")
        context: dict[str, Any] = {
            "marker": contents.part_marker(post.marker, 0),
            "at": post.schedule and post.schedule[0],
        }
        context |= {"since": str(post.since_on), "missed": len(post.missed_on)}
        context |= {"closes_at": str(post.closes_at), "is_complete": post.is_complete}
        texts = [
            f"{paper.arxiv_id} {paper.sections[0].body if paper.sections else ''}" for paper in post.papers
        ]
        texts = ["headline", *texts] if post.style is models.Style.CARDS else ["\n".join(texts)]
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
        self.planner = planner.DailyPlanner(database, deliveries, SearchService(database).match_papers)
        self.edits = edits.EditPlanner(deliveries)

    async def put(
        self, on: date, arxiv_ids: Sequence[str], text: str, *, at: datetime = planner_harness.EVENING
    ) -> None:
        """Store a digest; storing the same date again corrects it."""
        papers = [(arxiv_id, 50 - number) for number, arxiv_id in enumerate(arxiv_ids)]
        await put_text(self, digest_builders.newsletter(on, papers, text=text), on.isoformat(), at)

    async def post(self, now: datetime = SEOUL_9AM) -> None:
        """Plan the due posts and mark them as sent; part N becomes message 1000 + N."""
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
        """Return the planned edits, oldest first."""
        async with self.database.read() as connection:
            planned = await queries.list_rows(
                connection, kind=models.DeliveryKind.EDIT, state=models.DeliveryState.PLANNED
            )
            return [
                part
                for delivery in reversed(planned)
                for part in await queries.list_parts(connection, delivery.id)
            ]


@pytest.fixture
def harness(db: Database) -> CorrectionHarness:
    return CorrectionHarness(db)


async def test_a_changed_text_edits_the_message_that_shows_it(harness: CorrectionHarness) -> None:
    subscription_id = await harness.subscribe()
    await harness.put(MONDAY, ["2601.00001", "2601.00002", "2601.00003"], "At first.")
    await harness.post()
    await harness.put(MONDAY, ["2601.00001", "2601.00002", "2601.00003"], "Put right.", at=LATER)
    (part,) = await harness.edited()
    assert part.kind is models.PartKind.EDIT
    assert (part.channel_id, part.message_id) == (20, 1001)
    shown = json.loads(part.payload or "")
    assert "Put right." in shown["content"]
    assert shown["marker"] == f"pr:d:daily:{subscription_id}:2026-01-05:0/"


async def test_the_papers_and_their_order_stay_as_posted(harness: CorrectionHarness) -> None:
    await harness.subscribe()
    await harness.put(MONDAY, ["2601.00001", "2601.00002", "2601.00003"], "At first.")
    await harness.post()
    await harness.put(MONDAY, ["2601.00003", "2601.00002", "2601.00001"], "Put right.", at=LATER)
    (part,) = await harness.edited()
    lines = json.loads(part.payload or "")["content"].splitlines()
    assert [line.split()[0] for line in lines] == ["2601.00001", "2601.00002"]


async def test_a_correction_of_papers_that_are_not_shown_edits_nothing(harness: CorrectionHarness) -> None:
    await harness.subscribe()
    text = digest_builders.newsletter(MONDAY, [("2601.00001", 9), ("2601.00002", 8), ("2601.00003", 1)])
    await digest_builders.ingest_digest(
        harness.database, text, at=planner_harness.EVENING, location=MONDAY.isoformat()
    )
    await harness.post()
    corrected = text.replace("Shows how 2601.00003 does its work.", "Another sentence.")
    assert corrected != text

    async def on_fresh(
        connection: Connection,
        digest_id: int,
        paper_ids: Sequence[int],
        revision: int,
        changed_ids: Collection[int],
    ) -> None:
        assert await harness.edits.plan(connection, digest_id, revision, LATER) == 0

    await digest_builders.ingest_digest(
        harness.database, corrected, at=LATER, on_fresh=on_fresh, location=MONDAY.isoformat()
    )
    assert await harness.edited() == []


async def test_only_the_changed_messages_of_a_post_are_edited(harness: CorrectionHarness) -> None:
    await harness.subscribe(style=models.Style.CARDS)
    text = digest_builders.newsletter(MONDAY, [("2601.00001", 9), ("2601.00002", 8)])
    await digest_builders.ingest_digest(
        harness.database, text, at=planner_harness.EVENING, location=MONDAY.isoformat()
    )
    await harness.post()

    async def on_fresh(
        connection: Connection,
        digest_id: int,
        paper_ids: Sequence[int],
        revision: int,
        changed_ids: Collection[int],
    ) -> None:
        await harness.edits.plan(connection, digest_id, revision, LATER)

    corrected = text.replace("Shows how 2601.00002 does its work.", "Another sentence.")
    await digest_builders.ingest_digest(
        harness.database, corrected, at=LATER, on_fresh=on_fresh, location=MONDAY.isoformat()
    )
    (part,) = await harness.edited()
    assert "Another sentence." in (part.payload or "")
    assert part.message_id == 1003


async def test_a_forum_post_is_edited_by_its_message(harness: CorrectionHarness) -> None:
    await harness.subscribe(style=models.Style.FORUM)
    await harness.put(MONDAY, ["2601.00001"], "At first.")
    await harness.post()
    await harness.put(MONDAY, ["2601.00001"], "Put right.", at=LATER)
    (part,) = await harness.edited()
    assert "Put right." in json.loads(part.payload or "")["content"]


async def test_a_reverted_correction_reverts_the_message(harness: CorrectionHarness) -> None:
    await harness.subscribe()
    for text, at in (
        ("One.", planner_harness.EVENING),
        ("Two.", LATER),
        ("One.", LATER + timedelta(hours=1)),
    ):
        await harness.put(MONDAY, ["2601.00001"], text, at=at)
        if text == "One." and at == planner_harness.EVENING:
            await harness.post()
    texts = [json.loads(part.payload or "")["content"] for part in await harness.edited()]
    # The first edit is still pending; a retry after the second one must not restore the older text.
    assert ["One." in text for text in texts] == [True, True]


async def test_a_pending_edit_of_another_message_is_unchanged(harness: CorrectionHarness) -> None:
    await harness.subscribe(style=models.Style.CARDS)
    text = digest_builders.newsletter(MONDAY, [("2601.00001", 9), ("2601.00002", 8)])

    async def on_fresh(
        connection: Connection,
        digest_id: int,
        paper_ids: Sequence[int],
        revision: int,
        changed_ids: Collection[int],
    ) -> None:
        await harness.edits.plan(connection, digest_id, revision, LATER, changed_ids)

    location = MONDAY.isoformat()
    await digest_builders.ingest_digest(
        harness.database, text, at=planner_harness.EVENING, on_fresh=on_fresh, location=location
    )
    await harness.post()
    for number in (1, 2):
        text = text.replace(f"Shows how 2601.0000{number} does", f"Corrected {number}: how it does")
        await digest_builders.ingest_digest(
            harness.database, text, at=LATER, on_fresh=on_fresh, location=location
        )
    texts = [part.payload or "" for part in await harness.edited()]
    assert [("Corrected 1" in text, "Corrected 2" in text) for text in texts] == [
        (True, False),
        (False, True),
    ]


async def test_a_post_that_fails_to_render_does_not_block_the_correction(harness: CorrectionHarness) -> None:
    await harness.subscribe()
    await harness.put(MONDAY, ["2601.00001"], "At first.")
    await harness.post()
    harness.text.failing_style = models.Style.COMPACT
    await harness.put(MONDAY, ["2601.00001"], "Put right.", at=LATER)
    assert await harness.edited() == []
    async with harness.database.read() as connection:
        stored = await digests.get(connection, 1)
    assert stored is not None
    assert stored.revision == 2


async def test_a_post_is_not_edited_into_another_style(harness: CorrectionHarness) -> None:
    subscription_id = await harness.subscribe()
    await harness.put(MONDAY, ["2601.00001", "2601.00002"], "At first.")
    await harness.post()
    service = Subscriptions(harness.database, lambda: SEOUL_9AM)
    options = options_of(await service.get(subscription_id))
    await service.edit(subscription_id, replace(options, style=models.Style.CARDS))
    await harness.put(MONDAY, ["2601.00001", "2601.00002"], "Put right.", at=LATER)
    assert await harness.edited() == []


async def test_a_message_sent_as_its_fallback_is_edited_as_its_fallback(harness: CorrectionHarness) -> None:
    harness.text.plain = True
    await harness.subscribe()
    await harness.put(MONDAY, ["2601.00001"], "At first.")
    await harness.planner.tick(SEOUL_9AM)
    async with harness.database.transaction() as connection:
        await attempts.mark_sending(connection, [1], SEOUL_9AM)
        assert await attempts.use_fallback(connection, 1, nonce="plain", now=SEOUL_9AM)
    await harness.post()
    await harness.put(MONDAY, ["2601.00001"], "Put right.", at=LATER)
    (part,) = await harness.edited()
    shown = json.loads(part.payload or "")
    assert "Put right." in shown["plain"]
    assert shown.keys() == {"plain", "marker"}


async def test_the_same_correction_is_planned_once(harness: CorrectionHarness) -> None:
    await harness.subscribe()
    await harness.put(MONDAY, ["2601.00001"], "At first.")
    await harness.post()
    await harness.put(MONDAY, ["2601.00001"], "Put right.", at=LATER)
    async with harness.database.transaction() as connection:
        assert await harness.edits.plan(connection, 1, 2, LATER) == 0
    assert len(await harness.edited()) == 1


async def test_a_changed_schedule_alone_edits_nothing(harness: CorrectionHarness) -> None:
    subscription_id = await harness.subscribe()
    await harness.put(MONDAY, ["2601.00001"], "At first.")
    await harness.post()
    service = Subscriptions(harness.database, lambda: SEOUL_9AM)
    options = options_of(await service.get(subscription_id))
    await service.edit(subscription_id, replace(options, at_time="18:00"))
    async with harness.database.transaction() as connection:
        assert await harness.edits.plan(connection, 1, 2, LATER) == 0


async def test_missed_days_do_not_cause_an_edit(harness: CorrectionHarness) -> None:
    await harness.subscribe()
    for day in range(6):
        await harness.put(
            MONDAY + day * DAY, [f"2601.0001{day}"], "At first.", at=planner_harness.EVENING + day * DAY
        )
    await harness.post(SEOUL_9AM + 5 * DAY)
    async with harness.database.transaction() as connection:
        for digest_id in range(1, 7):
            assert await harness.edits.plan(connection, digest_id, 2, SEOUL_9AM + 5 * DAY) == 0


async def test_a_correction_of_the_older_of_two_digests_edits_the_post(harness: CorrectionHarness) -> None:
    await harness.subscribe(created_at=planner_harness.EVENING - 2 * DAY)
    await harness.put(MONDAY - DAY, ["2601.00009"], "Before.", at=planner_harness.EVENING - DAY)
    await harness.post(SEOUL_9AM - DAY)
    await harness.put(MONDAY, ["2601.00001"], "At first.")
    await harness.put(MONDAY + DAY, ["2601.00002"], "At first.", at=planner_harness.EVENING + DAY)
    await harness.post(SEOUL_9AM + DAY)
    await harness.put(MONDAY, ["2601.00001"], "Put right.", at=LATER + DAY)
    (part,) = await harness.edited()
    lines = json.loads(part.payload or "")["content"].splitlines()
    assert ["Put right." in line for line in lines] == [False, True]


async def test_a_weekly_post_stays_a_weekly_post(harness: CorrectionHarness) -> None:
    await harness.subscribe(style=models.Style.WEEKLY, days=(1,))
    await harness.put(MONDAY - 2 * DAY, ["2601.00001"], "At first.")
    await harness.post()
    async with harness.database.read() as connection:
        (delivery,) = await queries.list_rows(connection)
        (posted,) = await queries.list_parts(connection, delivery.id)
    await harness.put(MONDAY - 2 * DAY, ["2601.00001"], "Put right.", at=LATER)
    (part,) = await harness.edited()
    before, after = json.loads(posted.payload or ""), json.loads(part.payload or "")
    assert before["since"] == after["since"] == "2025-12-30"


async def test_identical_posts_of_many_channels_are_rendered_once(harness: CorrectionHarness) -> None:
    for channel_id in range(30, 50):
        await harness.subscribe(channel_id)
    await harness.put(MONDAY, ["2601.00001"], "At first.")
    await harness.post()
    harness.text.render_count = 0
    await harness.put(MONDAY, ["2601.00001"], "Put right.", at=LATER)
    assert harness.text.render_count == 1
    assert len(await harness.edited()) == 20


async def test_posts_older_than_a_week_or_of_deleted_subscriptions_are_not_edited(
    harness: CorrectionHarness,
) -> None:
    kept = await harness.subscribe(20)
    removed = await harness.subscribe(21)
    await harness.put(MONDAY, ["2601.00001"], "At first.")
    await harness.post()
    await Subscriptions(harness.database, lambda: LATER).remove(removed)
    await harness.put(MONDAY, ["2601.00001"], "Put right.", at=LATER)
    assert [part.channel_id for part in await harness.edited()] == [20]
    await harness.post(LATER)
    await harness.put(MONDAY, ["2601.00001"], "Put right again.", at=SEOUL_9AM + 8 * DAY)
    assert await harness.edited() == []
    assert kept != removed


async def put_text(harness: CorrectionHarness, text: str, location: str, at: datetime = LATER) -> None:
    async def on_fresh(
        connection: Connection,
        digest_id: int,
        paper_ids: Sequence[int],
        revision: int,
        changed_ids: Collection[int],
    ) -> None:
        await harness.edits.plan(connection, digest_id, revision, at, changed_ids)

    await digest_builders.ingest_digest(harness.database, text, at=at, on_fresh=on_fresh, location=location)


async def post_listing(harness: CorrectionHarness, ids: Sequence[str]) -> None:
    await harness.subscribe(top_n=5)
    text = source_payloads.listing_text(MONDAY, ids)
    await put_text(harness, text, "hf", planner_harness.EVENING)
    await harness.post()


async def test_a_written_digest_edits_the_post_of_the_listing_and_causes_no_other(
    harness: CorrectionHarness,
) -> None:
    await post_listing(harness, ["2601.00001", "2601.00002"])
    written = digest_builders.newsletter(MONDAY, [("2601.00001", 9), ("2601.00002", 8)])
    await put_text(harness, written, "letter")
    (part,) = await harness.edited()
    assert "Shows how 2601.00001 does its work." in (part.payload or "")
    assert await harness.planner.tick(LATER + timedelta(hours=1)) == 0
    assert await harness.planner.tick(SEOUL_9AM + DAY) == 0


async def test_new_papers_of_a_written_digest_come_in_the_next_post(harness: CorrectionHarness) -> None:
    await post_listing(harness, ["2601.00001", "2601.00002"])
    written = digest_builders.newsletter(MONDAY, [("2601.00001", 9), ("2601.00003", 8)])
    await put_text(harness, written, "letter")
    assert await harness.planner.tick(LATER) == 0
    following = source_payloads.listing_text(MONDAY + DAY, ["2601.00009"])
    await put_text(harness, following, "hf-tuesday")
    await harness.post(SEOUL_9AM + DAY)
    async with harness.database.read() as connection:
        sent = await queries.list_rows(connection, kind=models.DeliveryKind.DAILY)
    assert [delivery.papers for delivery in sent] == [
        ("2601.00009", "2601.00003"),
        ("2601.00002", "2601.00001"),
    ]


async def test_a_paper_of_two_digests_of_a_day_is_posted_and_counted_once(harness: CorrectionHarness) -> None:
    await harness.subscribe(top_n=5)
    listed = source_payloads.listing_text(MONDAY, ["2601.00001", "2601.00002"])
    await put_text(harness, listed, "hf", planner_harness.EVENING)
    written = digest_builders.newsletter(MONDAY, [("2601.00001", 9)])
    await put_text(harness, written, "letter", planner_harness.EVENING)
    await harness.post()
    async with harness.database.read() as connection:
        (sent,) = await queries.list_rows(connection, kind=models.DeliveryKind.DAILY)
    assert (sorted(sent.papers), sent.total) == (["2601.00001", "2601.00002"], 2)


async def test_a_written_digest_whose_text_is_not_shown_edits_nothing(harness: CorrectionHarness) -> None:
    await post_listing(harness, ["2601.00001", "2601.00002"])
    await put_text(harness, source_payloads.review(MONDAY, ["2601.00001"]), "review")
    assert await harness.edited() == []


async def test_a_list_that_grows_or_counts_other_votes_edits_no_post(harness: CorrectionHarness) -> None:
    await post_listing(harness, ["2601.00001", "2601.00002"])
    ids = ["2601.00001", "2601.00002", "2601.00003"]
    await put_text(harness, source_payloads.listing_text(MONDAY, ids[:2], votes=70), "hf")
    await put_text(harness, source_payloads.listing_text(MONDAY, ids, votes=80), "hf")
    assert await harness.edited() == []
    await put_text(harness, source_payloads.listing_text(MONDAY, ids, summary="Put right."), "hf")
    (part,) = await harness.edited()
    assert "Put right." in (part.payload or "")


CLOSE = day_close.default().closes_at(MONDAY)


async def read_list(database: Database, at: datetime) -> None:
    """Store that the list of MONDAY was read at a moment."""
    url = "https://huggingface.co"
    async with database.transaction() as connection:
        source = await sources.add(connection, url=url, kind=models.SourceKind.HUGGINGFACE, now=at)
        page = models.PageState(f"{url}/api/daily_papers?date={MONDAY}", at, models.FetchStatus.OK)
        await sources.upsert_page_states(connection, [(source.id, page)])


@pytest.mark.parametrize(
    ("read_at", "posted_at", "expected"),
    [
        (CLOSE - DAY / 2, CLOSE - DAY / 12, (str(CLOSE), False)),
        (CLOSE + DAY / 1440, CLOSE + DAY / 24, (str(CLOSE), True)),
        # The list has closed, and nothing shows yet whether what was read is all of it.
        (CLOSE - DAY / 2, CLOSE + DAY / 24, ("None", False)),
    ],
)
async def test_a_post_of_a_listing_says_whether_the_day_is_complete_and_an_edit_keeps_it(
    harness: CorrectionHarness, read_at: datetime, posted_at: datetime, expected: tuple[str, bool]
) -> None:
    await read_list(harness.database, read_at)
    at_time = f"{posted_at:%H:%M}"
    await harness.subscribe(top_n=5, timezone="UTC", at_time=at_time, created_at=posted_at - DAY / 24)
    await put_text(harness, source_payloads.listing_text(MONDAY, ["2601.00001"]), "hf", read_at)
    await harness.post(posted_at)
    corrected = source_payloads.listing_text(MONDAY, ["2601.00001"], summary="Put right.")
    await put_text(harness, corrected, "hf", CLOSE + DAY / 2)
    (part,) = await harness.edited()
    shown = json.loads(part.payload or "{}")
    assert "Put right." in shown["content"]
    assert (shown["closes_at"], shown["is_complete"]) == expected


async def test_a_post_of_written_digests_says_nothing_of_the_days_list(harness: CorrectionHarness) -> None:
    await read_list(harness.database, planner_harness.EVENING)
    await harness.subscribe()
    await harness.put(MONDAY, ["2601.00001"], "First.")
    await harness.post()
    async with harness.database.read() as connection:
        (sent,) = await queries.list_rows(connection, kind=models.DeliveryKind.DAILY)
    assert sent.closes_at is None
