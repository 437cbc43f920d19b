"""What becomes of posts, sent or not, when a digest is corrected, a digest is written or the list of their day closes."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence, Sized
from datetime import date, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from bot.archive import digest_writer, ingest, parse, summaries
from bot.core import day_close
from bot.daily import edits
from bot.daily.service import Subscriptions
from storage import archive, daily, models, outbox, papers, sources
from storage.database import Database
from tests.support import digest_builders, source_payloads
from tests.support.correction_harness import LATER, CorrectionHarness, note_correction, put_text
from tests.support.planner_harness import DAY, EVENING, HOUR, MINUTE, MONDAY, SEOUL_9AM, read_lists
from tests.support.recording_indexer import NullIndexer

both_engines = pytest.mark.engines("sqlite", "postgresql")


@pytest.fixture
def harness(db: Database) -> CorrectionHarness:
    return CorrectionHarness(db)


async def correct_again(harness: CorrectionHarness, digest_id: int, now: datetime) -> int:
    """Plan the edits of a correction that changes none of a digest's papers."""
    async with harness.database.transaction() as connection:
        listed = [paper.paper_id for paper in await archive.list_papers(connection, [digest_id])]
        await edits.add_pending(connection, digest_id, 2, listed)
    return await harness.edits.plan(harness.database, now)


@both_engines
@pytest.mark.parametrize("style", [models.Style.COMPACT, models.Style.FORUM])
async def test_a_changed_text_edits_the_message_that_shows_it_once_and_papers_stay_as_posted(
    harness: CorrectionHarness, style: models.Style
) -> None:
    ids = ["2601.00001", "2601.00002", "2601.00003"]
    subscription_id = await harness.begin(*ids, style=style)
    await harness.put(MONDAY, ids[::-1], "Put right.", at=LATER)
    (part,) = await harness.edited()
    assert (part.kind, part.channel_id, part.message_id) == (models.PartKind.EDIT, 20, 1001)
    shown = await harness.edited_content()
    lines = shown["content"].splitlines()
    assert [(line.split()[0], line.endswith("Put right.")) for line in lines] == [
        (id_, True) for id_ in ids[:2]
    ]
    assert shown["marker"] == f"pr:d:daily:{subscription_id}:2026-01-05:0/"
    assert await correct_again(harness, 1, LATER) == 0
    # Nor does a changed schedule edit it.
    await harness.change(subscription_id, at_time="18:00")
    assert await correct_again(harness, 1, LATER) == 0
    assert len(await harness.edited()) == 1


@both_engines
async def test_each_message_has_its_own_edit_and_papers_that_are_not_shown_have_none(
    harness: CorrectionHarness,
) -> None:
    await harness.subscribe(style=models.Style.CARDS, top_n=2)
    text = digest_builders.newsletter(MONDAY, [("2601.00001", 9), ("2601.00002", 8), ("2601.00003", 1)])
    await put_text(harness, text, at=EVENING)
    await harness.send()
    for number in (1, 2, 3):
        text = text.replace(f"Shows how 2601.0000{number} does", f"Corrected {number}: how it does")
        await put_text(harness, text)
    edited = {
        part.message_id: (part.payload or "").split("Corrected ")[1][0] for part in await harness.edited()
    }
    assert edited == {1002: "1", 1003: "2"}


async def test_a_reverted_correction_reverts_the_message(harness: CorrectionHarness) -> None:
    await harness.subscribe()
    for text, at in (("One.", EVENING), ("Two.", LATER), ("One.", LATER + HOUR)):
        await harness.put(MONDAY, ["2601.00001"], text, at=at)
        if text == "One." and at == EVENING:
            await harness.send()
    assert "One." in (await harness.edited_content())["content"]


async def test_a_post_that_fails_to_render_does_not_block_the_correction(harness: CorrectionHarness) -> None:
    await harness.begin("2601.00001")
    harness.text.failing_style = models.Style.COMPACT
    await harness.put(MONDAY, ["2601.00001"], "Put right.", at=LATER)
    assert await harness.edited() == []
    async with harness.database.read() as connection:
        stored = await archive.get(connection, 1)
    assert stored is not None
    assert stored.revision == 2


async def test_a_post_that_causes_a_bug_when_it_is_read_again_does_not_block_the_others(
    harness: CorrectionHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harness.subscribe(channel_id=21, top_n=1)
    await harness.begin("2601.00001", "2601.00002")
    list_details = papers.list_details

    async def fail(connection: Any, ids: Sequence[int]) -> Any:
        if len(ids) == 2:
            raise KeyError("a bug")
        return await list_details(connection, ids)

    monkeypatch.setattr(papers, "list_details", fail)
    await harness.put(MONDAY, ["2601.00001", "2601.00002"], "Put right.", at=LATER)
    assert [part.channel_id for part in await harness.edited()] == [21]


@both_engines
async def test_a_correction_that_the_database_fails_to_read_is_tried_again(
    harness: CorrectionHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harness.begin("2601.00001")
    is_failing = True
    list_details = papers.list_details

    async def fail(connection: Any, ids: Sequence[int]) -> Any:
        if is_failing:
            await connection.execute(sa.text("SELECT missing FROM papers"))
        return await list_details(connection, ids)

    monkeypatch.setattr(papers, "list_details", fail)
    with pytest.raises(sa.exc.DBAPIError):
        await harness.put(MONDAY, ["2601.00001"], "Put right.", at=LATER)
    is_failing = False
    assert await harness.edits.plan(harness.database, LATER) == 1


async def test_a_post_is_not_edited_into_another_style(harness: CorrectionHarness) -> None:
    subscription_id = await harness.begin("2601.00001", "2601.00002")
    await harness.change(subscription_id, style=models.Style.CARDS)
    await harness.put(MONDAY, ["2601.00001", "2601.00002"], "Put right.", at=LATER)
    assert await harness.edited() == []


async def test_a_message_sent_as_its_fallback_is_edited_as_its_fallback(harness: CorrectionHarness) -> None:
    harness.text.plain = True
    await harness.begin("2601.00001", is_sent=False)
    async with harness.database.transaction() as connection:
        await outbox.mark_sending(connection, [1], SEOUL_9AM)
        assert await outbox.use_fallback(connection, 1, nonce="plain", now=SEOUL_9AM)
    await harness.send()
    await harness.put(MONDAY, ["2601.00001"], "Put right.", at=LATER)
    shown = await harness.edited_content()
    assert "Put right." in shown["plain"]
    assert shown.keys() == {"plain", "marker"}


async def add_sources(harness: CorrectionHarness, *priorities: int) -> None:
    """Store the sources s0, s1, …, the oldest first."""
    async with harness.database.transaction() as connection:
        for number, priority in enumerate(priorities):
            await sources.add(
                connection, url=f"s{number}", kind=models.SourceKind.URL, now=EVENING, priority=priority
            )


def stranger_text(flip: int, *, votes: int = 999_999, on: date = MONDAY) -> str:
    """Return a digest of the same papers with other texts; the numbers make them differ in language too."""
    text = digest_builders.newsletter(on, [(f"2601.0000{n}", votes) for n in (1, 2, 3)], text=f"Flip {flip}.")
    text = text.replace("[Paper ", "[FREE NITRO ").replace("Ada Lovelace", "Mallory")
    return text.replace("Shows how", "어떻게 되는지 보여 줍니다. 방법은 이렇습니다.") if flip % 2 else text


@pytest.mark.parametrize(
    ("priority", "first"),
    [(-1, False), (5, False), (0, True)],
    ids=["lower", "higher", "equal and before the post"],
)
async def test_another_source_that_flips_edits_no_post(
    harness: CorrectionHarness, priority: int, first: bool
) -> None:
    await add_sources(harness, 0, priority)
    own = digest_builders.newsletter(MONDAY, [(f"2601.0000{n}", 50) for n in (1, 2, 3)], text="At first.")
    await harness.subscribe(style=models.Style.CARDS)
    if first:
        await put_text(harness, stranger_text(0), "their", EVENING, "s1")
    await put_text(harness, own, "own", EVENING, "s0")
    await harness.send()
    for flip in range(1, 8):
        await put_text(harness, stranger_text(flip), "their", LATER + flip * HOUR, "s1")
        await put_text(harness, stranger_text(flip, on=MONDAY + DAY), "ahead", LATER + flip * HOUR, "s1")
    assert await harness.edited() == []
    # The digest from which the post came is corrected: its text and nothing of the stranger's.
    await put_text(harness, own.replace("At first.", "Put right."), "own", LATER + 9 * HOUR, "s0")
    texts = [part.payload or "" for part in await harness.edited()]
    assert len([text for text in texts if "Put right." in text]) == 2
    assert not any("Flip" in text for text in texts)


async def test_a_mirror_that_is_trusted_less_cannot_correct_the_digest(harness: CorrectionHarness) -> None:
    await add_sources(harness, 0, 0)
    text = digest_builders.newsletter(MONDAY, [("2601.00001", 9)], text="At first.")
    await harness.subscribe()
    for source in ("s0", "s1"):
        await put_text(harness, text, "place", EVENING, source)
    await harness.send()
    corrected = text.replace("At first.", "Put right.")
    await put_text(harness, corrected, "place", LATER, "s1")
    assert await harness.edited() == []
    await put_text(harness, corrected, "place", LATER + HOUR, "s0")
    assert "Put right." in (await harness.edited_content())["content"]
    async with harness.database.read() as connection:
        (stored,) = await archive.list_rows(connection)
        assert len(await archive.list_locations_by_digest(connection, stored.id)) == 2
    await put_text(harness, text, "place", LATER + HOUR, "s1")
    assert "Put right." in (await harness.edited_content())["content"]


@both_engines
async def test_a_message_has_one_waiting_edit_and_one_edit_an_hour(harness: CorrectionHarness) -> None:
    await harness.begin("2601.00001", "2601.00002")
    due: list[datetime] = []
    at = LATER
    for flip in range(4):
        at = LATER + flip * MINUTE
        await harness.put(MONDAY, ["2601.00001", "2601.00002"], f"Flip {flip}.", at=at)
        due += await harness.list_due_edits(at)
    assert due == [LATER + flip * MINUTE for flip in range(4)]
    assert "Flip 3." in (await harness.edited_content())["content"]
    await harness.mark_edits_sent(at)
    for flip in range(4, 7):
        await harness.put(MONDAY, ["2601.00001", "2601.00002"], f"Flip {flip}.", at=at + flip * MINUTE)
        assert await harness.list_due_edits(at + flip * MINUTE) == []
    assert "Flip 6." in (await harness.edited_content())["content"]
    async with harness.database.transaction() as connection:
        assert await outbox.clamp_retries(connection, at + 10 * MINUTE) == 0
    assert await harness.list_due_edits(at + HOUR) == [at + HOUR]
    await harness.mark_edits_sent(at + HOUR)
    assert await harness.edited() == []


async def test_an_edit_that_is_being_sent_is_followed_by_one_an_hour_later(
    harness: CorrectionHarness,
) -> None:
    await harness.begin("2601.00001")
    await harness.put(MONDAY, ["2601.00001"], "One.", at=LATER)
    (sending,) = await harness.edited()
    async with harness.database.transaction() as connection:
        assert set(await outbox.mark_sending(connection, [sending.id], LATER)) == {sending.id}
    for flip in range(3):
        await harness.put(MONDAY, ["2601.00001"], f"Flip {flip}.", at=LATER + MINUTE)
    tried, waiting = await harness.edited()
    # An attempt that is repeated must not restore the older text.
    assert all("Flip 2." in (part.payload or "") for part in (tried, waiting))
    assert (tried.id, waiting.next_attempt_at) == (sending.id, LATER + MINUTE + HOUR)
    async with harness.database.transaction() as connection:
        await outbox.mark_retry(
            connection, sending.id, next_attempt_at=LATER + HOUR, unknown_since=None, error="away"
        )
    await harness.put(MONDAY, ["2601.00001"], "At last.", at=LATER + 2 * MINUTE)
    assert "At last." in (await harness.edited_content())["content"]


async def test_missed_days_do_not_cause_an_edit(harness: CorrectionHarness) -> None:
    await harness.subscribe()
    for day in range(6):
        await harness.put(MONDAY + day * DAY, [f"2601.0001{day}"], "At first.", at=EVENING + day * DAY)
    await harness.send(SEOUL_9AM + 5 * DAY)
    for digest_id in range(1, 7):
        assert await correct_again(harness, digest_id, SEOUL_9AM + 5 * DAY) == 0


async def test_a_correction_of_the_older_of_two_digests_edits_the_post(harness: CorrectionHarness) -> None:
    await harness.subscribe(created_at=EVENING - 2 * DAY)
    await harness.put(MONDAY - DAY, ["2601.00009"], "Before.", at=EVENING - DAY)
    await harness.send(SEOUL_9AM - DAY)
    await harness.put(MONDAY, ["2601.00001"], "At first.")
    await harness.put(MONDAY + DAY, ["2601.00002"], "At first.", at=EVENING + DAY)
    await harness.send(SEOUL_9AM + DAY)
    await harness.put(MONDAY, ["2601.00001"], "Put right.", at=LATER + DAY)
    lines = (await harness.edited_content())["content"].splitlines()
    assert ["Put right." in line for line in lines] == [False, True]


async def test_a_weekly_post_stays_a_weekly_post(harness: CorrectionHarness) -> None:
    await harness.subscribe(style=models.Style.WEEKLY, days=(1,))
    await harness.put(MONDAY - 2 * DAY, ["2601.00001"], "At first.")
    await harness.send()
    async with harness.database.read() as connection:
        (delivery,) = await outbox.list_rows(connection)
        (posted,) = await outbox.list_parts(connection, delivery.id)
    await harness.put(MONDAY - 2 * DAY, ["2601.00001"], "Put right.", at=LATER)
    (part,) = await harness.edited()
    before, after = json.loads(posted.payload or ""), json.loads(part.payload or "")
    assert before["since"] == after["since"] == "2025-12-30"


@pytest.mark.parametrize("styles", [("weekly", "compact"), ("compact", "weekly")])
async def test_a_changed_style_does_not_make_a_week_of_a_day_that_was_posted(
    harness: CorrectionHarness, styles: tuple[str, str]
) -> None:
    before, after = map(models.Style, styles)
    subscription_id = await harness.begin("2601.00001", style=before)
    await harness.change(subscription_id, style=after)
    await harness.put(MONDAY, ["2601.00001"], "Put right.", at=LATER)
    shown = [json.loads(part.payload or "")["since"] for part in await harness.edited()]
    assert shown == (["2025-12-30"] if before is models.Style.WEEKLY else [])


async def test_a_message_that_keeps_other_papers_than_planned_is_not_corrected(
    harness: CorrectionHarness,
) -> None:
    """The digest was corrected while the message was looked for."""
    await harness.begin("2601.00001", is_sent=False)
    await harness.put(MONDAY, ["2601.00001", "2601.00002"], "Put right.", at=LATER)
    async with harness.database.transaction() as connection:
        (delivery,) = await outbox.list_rows(connection, kind=models.DeliveryKind.DAILY)
        planned, shown = [await papers.get_ids(connection, [id_]) for id_ in ("2601.00001", "2601.00002")]
        await daily.replace_posted(connection, delivery, planned, shown, LATER)
    await harness.mark_sent(LATER)
    await harness.edits.plan(harness.database, LATER)
    assert await harness.edited() == []


@both_engines
async def test_corrections_of_digests_that_no_post_shows_cost_no_look_at_the_posts(
    harness: CorrectionHarness,
) -> None:
    for channel_id in range(30, 40):
        await harness.subscribe(channel_id)
    await harness.put(MONDAY, ["2601.00001"], "At first.")
    await harness.send()
    loaded = 0

    def count_posts(_: object, cursor: object, statement: str, *others: object) -> None:
        nonlocal loaded
        loaded += "deliveries.digest_on" in statement

    engine = harness.database.engine.sync_engine
    for text in ("At first.", "Put right."):
        group = [
            sourced
            for number in range(12)
            for sourced in digest_writer.to_sourced_digests(
                parse.parse_text(
                    digest_builders.newsletter(MONDAY, [(f"2601.001{number:02}", 9)], text=text), "x", MONDAY
                ),
                "s0",
                f"place {number}",
            )
        ]
        service = ingest.IngestService(
            harness.database, lambda: LATER, NullIndexer(), on_fresh_digest=note_correction
        )
        sa.event.listen(engine, "before_cursor_execute", count_posts)
        results = await service.add_batch(group)
        assert await harness.edits.plan(harness.database, LATER) == 0
        sa.event.remove(engine, "before_cursor_execute", count_posts)
    assert sum(result.corrected_digests for result in results) == 12
    assert loaded == 0


async def test_a_batch_of_posts_reads_their_own_subscriptions_and_edits_alone(
    harness: CorrectionHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edits, "BATCH_SIZE", 2)
    for channel_id in range(30, 38):
        await harness.subscribe(channel_id)
    await harness.put(MONDAY, ["2601.00001"], "At first.")
    await harness.send()
    counts: list[int] = []

    def count(function: Callable[..., Awaitable[Sized]]) -> Callable[..., Awaitable[Sized]]:
        async def counted(*arguments: Any, **options: Any) -> Sized:
            found = await function(*arguments, **options)
            counts.append(len(found))
            return found

        return counted

    monkeypatch.setattr(daily, "list_rows", count(daily.list_rows))
    monkeypatch.setattr(outbox, "list_edits", count(outbox.list_edits))
    for text in ("Put right.", "Put right again."):
        await harness.put(MONDAY, ["2601.00001"], text, at=LATER)
    assert len(await harness.edited()) == 8
    # Four batches of two, first without edits that wait.
    assert counts == [2, 0] * 4 + [2, 2] * 4


@both_engines
async def test_corrections_of_two_digests_edit_the_post_that_shows_both_once(
    harness: CorrectionHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edits, "BATCH_SIZE", 2)
    for channel_id in range(30, 35):
        await harness.subscribe(channel_id, created_at=EVENING - 2 * DAY)
    await harness.put(MONDAY - DAY, ["2601.00009"], "Before.", at=EVENING - DAY)
    await harness.send(SEOUL_9AM - DAY)
    for on, arxiv_id in ((MONDAY, "2601.00001"), (MONDAY + DAY, "2601.00002")):
        await harness.put(on, [arxiv_id], "At first.", at=EVENING + DAY)
    await harness.send(SEOUL_9AM + DAY)
    harness.text.render_count = 0
    async with harness.database.transaction() as connection:
        for digest_id in (2, 3):
            listed = [paper.paper_id for paper in await archive.list_papers(connection, [digest_id])]
            await edits.add_pending(connection, digest_id, 2, listed)
        await connection.execute(sa.text("UPDATE sections SET body = 'Put right.'"))
    assert await harness.edits.plan(harness.database, LATER + DAY) == 5
    assert harness.text.render_count == 1
    edited = [json.loads(part.payload or "")["content"] for part in await harness.edited()]
    assert [text.count("Put right.") for text in edited] == [2] * 5
    assert await harness.edits.plan(harness.database, LATER + DAY) == 0


@both_engines
async def test_posts_older_than_a_week_or_of_deleted_subscriptions_are_not_edited(
    harness: CorrectionHarness,
) -> None:
    await harness.subscribe(20)
    removed = await harness.subscribe(21)
    await harness.put(MONDAY, ["2601.00001"], "At first.")
    await harness.send()
    await Subscriptions(harness.database, lambda: LATER).remove(removed)
    await harness.put(MONDAY, ["2601.00001"], "Put right.", at=LATER)
    assert [part.channel_id for part in await harness.edited()] == [20]
    await harness.send(LATER)
    await harness.put(MONDAY, ["2601.00001"], "Put right again.", at=SEOUL_9AM + 8 * DAY)
    assert await harness.edited() == []


async def list_shown(harness: CorrectionHarness) -> list[dict[str, Any]]:
    """Return the payloads of the posts' parts."""
    async with harness.database.read() as connection:
        rows = await outbox.list_rows(connection, kind=models.DeliveryKind.DAILY)
        parts = [part for row in rows for part in await outbox.list_parts(connection, row.id)]
    return [json.loads(part.payload or "") for part in parts]


@both_engines
@pytest.mark.parametrize(
    "state", [models.PartState.PLANNED, models.PartState.PAUSED, models.PartState.SENDING]
)
async def test_a_message_that_is_not_known_to_be_there_is_edited_once_it_is(
    harness: CorrectionHarness, state: models.PartState
) -> None:
    await harness.begin("2601.00001", text="One // two // three", is_sent=False)
    await harness.attempt(1)
    if state is not models.PartState.PLANNED:
        await harness.attempt(2, to=state)
    await harness.put(MONDAY, ["2601.00001"], "Eins // zwei // drei", at=LATER)
    assert [shown["content"].split()[-1] for shown in await list_shown(harness)] == ["Eins", "two", "three"]
    assert [part.message_id for part in await harness.edited()] == [1001]
    assert await harness.edits.plan(harness.database, LATER) == 0
    async with harness.database.transaction() as connection:
        await outbox.resume(connection, LATER, channel_id=20)
    await harness.send(LATER)
    assert [await harness.edits.plan(harness.database, LATER + n * MINUTE) for n in (1, 2)] == [1, 0]
    assert [part.message_id for part in await harness.edited()] == [1002, 1003]


@pytest.mark.parametrize("is_sent", [False, True])
@pytest.mark.parametrize("text", ["Eins", "Eins // zwei // drei"])
async def test_a_post_that_would_have_another_number_of_messages_stays_as_it_is(
    harness: CorrectionHarness, text: str, is_sent: bool
) -> None:
    await harness.begin("2601.00001", text="One // two", is_sent=is_sent)
    await harness.put(MONDAY, ["2601.00001"], text, at=LATER)
    await harness.send(LATER)
    assert await harness.edits.plan(harness.database, LATER + MINUTE) == 0
    assert await harness.edited() == []


@pytest.mark.parametrize("end", ["planned", "failed", "expired"])
async def test_the_messages_of_an_incomplete_post_are_corrected(harness: CorrectionHarness, end: str) -> None:
    await harness.begin("2601.00001", "2601.00002", is_sent=False, style=models.Style.CARDS)
    await harness.attempt(1, 2)
    if end == "failed":
        await harness.attempt(3, to=models.PartState.FAILED)
    elif end == "expired":
        async with harness.database.transaction() as connection:
            await outbox.cancel(connection, [1], reason="too-old", now=SEOUL_9AM)
    await harness.put(MONDAY, ["2601.00001", "2601.00002"], "Put right.", at=LATER)
    (part,) = await harness.edited()
    assert (part.message_id, "Put right." in (part.payload or "")) == (1002, True)


async def post_listing(harness: CorrectionHarness, ids: Sequence[str]) -> None:
    await harness.subscribe(top_n=5)
    text = source_payloads.listing_text(MONDAY, ids)
    await put_text(harness, text, "hf", EVENING)
    await harness.send()


async def test_a_written_digest_is_shown_in_look_ups_and_leaves_the_post_of_the_listing(
    harness: CorrectionHarness,
) -> None:
    await post_listing(harness, ["2601.00001", "2601.00002"])
    written = digest_builders.newsletter(MONDAY, [("2601.00001", 9), ("2601.00002", 8)])
    await put_text(harness, written, "letter")
    async with harness.database.read() as connection:
        detail = await papers.get_detail(connection, "2601.00001")
    assert detail is not None
    best = summaries.best_summary(detail, models.Locale.EN)
    assert best is not None
    assert "Shows how 2601.00001 does its work." in best.sections[0].body
    await put_text(harness, source_payloads.review(MONDAY, ["2601.00001"]), "review")
    assert await harness.edited() == []
    # The listing's own correction edits the post, and shows the listing's text still.
    corrected = source_payloads.listing_text(MONDAY, ["2601.00001", "2601.00002"], summary="Put right.")
    await put_text(harness, corrected, "hf")
    (part,) = await harness.edited()
    assert (part.payload or "").count("Put right.") == 2
    assert "Shows how" not in (part.payload or "")
    assert await harness.tick(LATER + HOUR) == 0
    assert await harness.tick(SEOUL_9AM + DAY) == 0


async def test_a_list_that_grows_or_counts_other_votes_edits_no_post(harness: CorrectionHarness) -> None:
    await post_listing(harness, ["2601.00001", "2601.00002"])
    ids = ["2601.00001", "2601.00002", "2601.00003"]
    await put_text(harness, source_payloads.listing_text(MONDAY, ids[:2], votes=70), "hf")
    await put_text(harness, source_payloads.listing_text(MONDAY, ids, votes=80), "hf")
    assert await harness.edited() == []


CLOSE = day_close.default().closes_at(MONDAY)


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
    await read_lists(harness.database, read_at, MONDAY)
    at_time = f"{posted_at:%H:%M}"
    await harness.subscribe(top_n=5, timezone="UTC", at_time=at_time, created_at=posted_at - DAY / 24)
    await put_text(harness, source_payloads.listing_text(MONDAY, ["2601.00001"]), "hf", read_at)
    await harness.send(posted_at)
    corrected = source_payloads.listing_text(MONDAY, ["2601.00001"], summary="Put right.")
    await put_text(harness, corrected, "hf", CLOSE + DAY / 2)
    shown = await harness.edited_content()
    assert "Put right." in shown["content"]
    assert (shown["closes_at"], shown["is_complete"]) == expected


async def test_a_post_of_an_open_list_is_edited_once_after_its_close(harness: CorrectionHarness) -> None:
    open_at, closed_at = CLOSE - DAY / 12, CLOSE + DAY / 1440
    await read_lists(harness.database, open_at, MONDAY)
    await harness.subscribe(timezone="UTC", at_time=f"{open_at:%H:%M}", created_at=open_at - DAY / 24)
    ids = [f"2601.0000{number}" for number in range(1, 6)]
    await put_text(harness, source_payloads.listing_text(MONDAY, ids[:3], votes=7), "hf", open_at)
    await harness.send(open_at)

    async def look(at: datetime) -> int:
        return await harness.edits.plan(harness.database, at)

    # Closed, but not read since: what is known may not be all.
    await put_text(harness, source_payloads.listing_text(MONDAY, ids, votes=90), "hf", open_at)
    assert await look(closed_at) == 0
    await read_lists(harness.database, closed_at, MONDAY)
    assert await look(closed_at) == 1
    shown = await harness.edited_content()
    assert (shown["is_complete"], shown["figures"]) == (True, [3, 5, 90, 90])
    assert [line.split()[0] for line in shown["content"].splitlines()] == ids[:2]
    await harness.mark_edits_sent(closed_at)
    assert [await look(closed_at + DAY * step / 8) for step in range(12)] == [0] * 12
    assert await harness.edited() == []
    # A correction afterwards keeps the final figures.
    corrected = source_payloads.listing_text(MONDAY, ids, votes=90, summary="Put right.")
    await put_text(harness, corrected, "hf", closed_at + DAY / 2)
    assert (await harness.edited_content())["figures"] == [3, 5, 90, 90]


async def test_a_post_of_written_digests_says_nothing_of_the_days_list(harness: CorrectionHarness) -> None:
    await read_lists(harness.database, EVENING, MONDAY)
    await harness.subscribe()
    await harness.put(MONDAY, ["2601.00001"], "First.")
    await harness.send()
    async with harness.database.read() as connection:
        (sent,) = await outbox.list_rows(connection, kind=models.DeliveryKind.DAILY)
    assert sent.post.closes_at is None
