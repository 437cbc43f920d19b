"""Edits of the posts of a day's listing when its digest is written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pytest

from bot.archive import summaries
from bot.core import day_close
from storage import models, outbox, papers
from storage.database import Database
from tests.support import digest_builders, source_payloads
from tests.support.correction_harness import LATER, CorrectionHarness, put_text
from tests.support.planner_harness import DAY, EVENING, HOUR, MONDAY, SEOUL_9AM, read_lists


@pytest.fixture
def harness(db: Database) -> CorrectionHarness:
    return CorrectionHarness(db)


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
    assert await harness.edited() == []
    # The listing's own correction edits the post, and shows the listing's text still.
    corrected = source_payloads.listing_text(MONDAY, ["2601.00001", "2601.00002"], summary="Put right.")
    await put_text(harness, corrected, "hf")
    (part,) = await harness.edited()
    assert (part.payload or "").count("Put right.") == 2
    assert "Shows how" not in (part.payload or "")
    assert await harness.tick(LATER + HOUR) == 0
    assert await harness.tick(SEOUL_9AM + DAY) == 0


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
