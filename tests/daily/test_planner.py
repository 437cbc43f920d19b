"""The planner of daily posts, with a stub renderer: also with a wrong clock, new rules of a zone, or a digest dated tomorrow."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time

import pytest

from bot.daily import planner, schedule, why
from storage import archive, models, outbox
from storage.database import Connection
from tests.support import digest_builders, patience
from tests.support.planner_harness import DAY, HOUR, MINUTE, MONDAY, SEOUL_9AM, PlannerHarness

both_engines = pytest.mark.engines("sqlite", "postgresql")


async def match_all(_: Connection, topic: str, found: Sequence[archive.DigestPaper]) -> dict[int, float]:
    return {paper.paper_id: 1.0 for paper in found}


UNBLOCKED_SECONDS = 0.25
"""Seconds within which a task that is not blocked has finished."""


@both_engines
async def test_the_top_papers_of_the_day_are_planned_once(planning: PlannerHarness) -> None:
    subscription_id = await planning.subscribe()
    await planning.store(
        MONDAY, ("2601.00001", 5), ("2601.00002", 81), ("2601.00003", None), ("2601.00004", 40)
    )
    assert await planning.tick(SEOUL_9AM - MINUTE) == 0
    assert await planning.tick(SEOUL_9AM) == 1
    assert await planning.tick(SEOUL_9AM) == 0
    posted = await planning.list_payloads()
    assert [post["content"] for post in posted] == ["2601.00002 2601.00004"]
    assert posted[0]["marker"] == f"daily:{subscription_id}:2026-01-05"
    assert posted[0]["total"] == 4
    assert (await planning.get_subscription(subscription_id)).last_on == MONDAY


@both_engines
async def test_papers_are_read_while_others_may_write_and_what_they_write_is_in_the_next_post(
    planning: PlannerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await planning.subscribe(topic="anything")
    await planning.store(MONDAY, ("2601.00001", 5))
    list_papers = archive.list_papers

    async def read(connection: Connection, digest_ids: Iterable[int]) -> list[archive.DigestPaper]:
        monkeypatch.setattr(archive, "list_papers", list_papers)
        found = await list_papers(connection, digest_ids)
        async with patience.limit(20):
            await planning.store(MONDAY, ("2601.00001", 5), ("2601.00002", 9))
        return found

    monkeypatch.setattr(archive, "list_papers", read)
    costly = planner.DailyPlanner(planning.database, planning.deliveries, match_all)
    assert await costly.tick(SEOUL_9AM) == 1
    await planning.store(MONDAY + DAY, ("2601.00011", 3))
    assert await costly.tick(SEOUL_9AM + DAY) == 1
    assert await planning.list_contents() == ["2601.00001", "2601.00002 2601.00011"]


@both_engines
async def test_a_late_digest_is_awaited_and_posted_when_it_arrives(planning: PlannerHarness) -> None:
    subscription_id = await planning.subscribe()
    assert await planning.tick(SEOUL_9AM) == 0
    assert (await planning.get_subscription(subscription_id)).last_on == MONDAY - DAY
    half_past = SEOUL_9AM + 30 * MINUTE
    await planning.store(MONDAY, ("2601.00001", 9), at=half_past)
    assert await planning.tick(half_past) == 1
    assert (await planning.list_payloads())[0]["marker"].endswith("2026-01-05")


@both_engines
async def test_a_date_without_papers_is_given_up_after_twelve_hours(planning: PlannerHarness) -> None:
    subscription_id = await planning.subscribe(days=(1,))
    assert await planning.tick(SEOUL_9AM + 12 * HOUR) == 0
    assert (await planning.get_subscription(subscription_id)).last_on == MONDAY
    await planning.store(MONDAY, ("2601.00001", 9), at=SEOUL_9AM + 12 * HOUR)
    assert await planning.tick(SEOUL_9AM + DAY) == 0
    assert await planning.tick(SEOUL_9AM + 7 * DAY) == 0


async def test_after_downtime_the_last_days_are_posted_once_and_older_ones_are_late(
    planning: PlannerHarness,
) -> None:
    await planning.subscribe()
    for day in range(6):
        await planning.store(MONDAY + day * DAY, (f"2601.0001{day}", 10 + day))
        if day == 0:
            await planning.tick(SEOUL_9AM)
    await planning.tick(SEOUL_9AM + 5 * DAY + 3 * HOUR)
    posted = await planning.list_payloads()
    assert [post["content"] for post in posted] == [
        "2601.00010",
        "2601.00015 2601.00014 2601.00012 2601.00011",
    ]


async def test_a_late_weekly_post_leaves_the_days_after_its_week_to_the_next(
    planning: PlannerHarness,
) -> None:
    await planning.subscribe(style=models.Style.WEEKLY, days=(1,), top_n=9)
    for day in (-1, 0, 1, 2):
        await planning.store(MONDAY + day * DAY, (f"2601.0000{day + 2}", 9), at=SEOUL_9AM + day * DAY)
    now = SEOUL_9AM + 2 * DAY
    ((coming,), *_), ((next_week,), *_) = [
        await planning.explain(arxiv_id, now) for arxiv_id in ("2601.00002", "2601.00003")
    ]
    assert (coming.cause, coming.at) == (why.Cause.UPCOMING, SEOUL_9AM)
    assert (next_week.cause, next_week.at) == (why.Cause.UPCOMING, SEOUL_9AM + 7 * DAY)
    await planning.tick(now)
    await planning.tick(SEOUL_9AM + 7 * DAY)
    assert await planning.list_contents() == ["2601.00002 2601.00001", "2601.00004 2601.00003"]
    weeks = [(post.since_on, post.digest_on) for post in planning.renderer.posts]
    assert weeks == [(MONDAY - 6 * DAY, MONDAY), (MONDAY + DAY, MONDAY + 7 * DAY)]


@both_engines
async def test_two_subscriptions_of_one_channel_and_language_share_posted_papers(
    planning: PlannerHarness,
) -> None:
    await planning.subscribe()
    await planning.post(*((f"2601.0000{n}", 10 - n) for n in range(1, 5)), style=models.Style.CARDS)
    assert await planning.list_contents() == ["2601.00001 2601.00002", "2601.00003 2601.00004"]


@both_engines
async def test_posts_that_cost_a_look_up_keep_no_others_waiting(planning: PlannerHarness) -> None:
    for number in range(12):
        await planning.subscribe(20 + number, topic=f"robot {number}")
    for number in range(3):
        await planning.subscribe(40 + number)
    await planning.store(MONDAY, ("2601.00001", 9))
    looked_up: list[str] = []
    planned: list[int] = []

    async def look_up(_: Connection, topic: str, found: Sequence[archive.DigestPaper]) -> dict[int, float]:
        looked_up.append(topic)
        return await match_all(_, topic, found)

    costly = planner.DailyPlanner(planning.database, planning.deliveries, look_up)
    assert await costly.tick(SEOUL_9AM, on_planned=lambda: planned.append(len(looked_up))) == 15
    assert planned == [0, 10, 12]


@both_engines
async def test_a_digest_stored_during_a_tick_is_not_missed(planning: PlannerHarness) -> None:
    await planning.subscribe()
    storing, go_on = asyncio.Event(), asyncio.Event()

    async def on_fresh(connection: Connection, _: Sequence[int]) -> None:
        storing.set()
        await go_on.wait()

    text = digest_builders.newsletter(MONDAY, [("2601.00001", 9)])
    ingest = asyncio.create_task(
        digest_builders.ingest_digest(planning.database, text, at=SEOUL_9AM, on_fresh=on_fresh)
    )
    await storing.wait()
    tick = asyncio.create_task(planning.tick(SEOUL_9AM))
    await asyncio.wait({tick}, timeout=UNBLOCKED_SECONDS)
    go_on.set()
    await asyncio.gather(ingest, tick)
    await planning.tick(SEOUL_9AM + MINUTE)
    assert await planning.list_contents() == ["2601.00001"]


@both_engines
async def test_concurrent_plans_for_one_channel_choose_different_papers(planning: PlannerHarness) -> None:
    subscription_id = await planning.subscribe()
    await planning.store(MONDAY, *((f"2601.0000{n}", 10 - n) for n in range(1, 5)))
    service = planning.on_demand()
    async with planning.database.transaction() as connection:
        await archive.lock_ingest(connection)  # another planner
        posting = asyncio.create_task(service.plan(subscription_id, 1))
        tick = asyncio.create_task(planning.tick(SEOUL_9AM))
        await asyncio.wait({posting, tick}, timeout=UNBLOCKED_SECONDS)
    await asyncio.gather(posting, tick)
    assert sorted(await planning.list_contents()) == ["2601.00001 2601.00002", "2601.00003 2601.00004"]


async def test_an_unknown_time_zone_does_not_block_other_channels(planning: PlannerHarness) -> None:
    lost, kept = await planning.subscribe(20), await planning.subscribe(21)
    await planning.store(MONDAY, ("2601.00001", 9))
    await planning.change(lost, timezone="Asia/Pangaea")
    assert await planning.tick(SEOUL_9AM) == 1
    assert (await planning.list_payloads())[0]["marker"].startswith(f"daily:{kept}:")
    await planning.change(lost, timezone="Asia/Seoul")
    assert await planning.tick(SEOUL_9AM + HOUR) == 1


async def test_a_post_that_fails_to_render_does_not_block_other_posts(planning: PlannerHarness) -> None:
    unlucky, lucky = await planning.subscribe(20, style=models.Style.CARDS), await planning.subscribe(21)
    await planning.store(MONDAY, ("2601.00001", 9))
    planning.renderer.failing_style = models.Style.CARDS
    assert await planning.tick(SEOUL_9AM) == 1
    assert (await planning.list_payloads())[0]["marker"].startswith(f"daily:{lucky}:")
    planning.renderer.failing_style = None
    assert await planning.tick(SEOUL_9AM + HOUR) == 1
    assert (await planning.list_payloads())[1]["marker"].startswith(f"daily:{unlucky}:")
    assert await planning.list_contents() == ["2601.00001"] * 2


async def test_a_clock_set_back_repeats_no_post(planning: PlannerHarness) -> None:
    subscription_id = await planning.post(("2601.00001", 9), ("2601.00002", 8), ("2601.00003", 7))
    back = SEOUL_9AM - 2 * HOUR
    await planning.change(subscription_id, last_on=None)
    assert await planning.tick(back) == 0
    assert await planning.tick(SEOUL_9AM) == 0
    assert len(await planning.list_payloads()) == 1


@pytest.mark.parametrize(
    ("zone", "at_time", "hour", "is_fresh"),
    [
        ("Asia/Seoul", "09:00", 0, False),
        ("Asia/Seoul", "20:00", 11, True),
        ("America/New_York", "09:00", 14, True),
    ],
)
async def test_a_digest_dated_tomorrow_does_not_silence_todays(
    planning: PlannerHarness, zone: str, at_time: str, hour: int, is_fresh: bool
) -> None:
    due = datetime.combine(MONDAY, time(hour), UTC)
    await planning.subscribe(timezone=zone, at_time=at_time, created_at=due - 36 * HOUR)
    await planning.store(MONDAY - DAY, ("2601.00001", 9), at=due - 2 * schedule.DAY)
    await planning.tick(due - DAY)
    await planning.store(MONDAY + DAY, ("2601.00002", 8))
    await planning.tick(due)
    assert await planning.list_contents() == ["2601.00001", *(["2601.00002"] if is_fresh else [])]
    await planning.store(MONDAY, ("2601.00003", 7))
    await planning.tick(due + DAY)
    posted = " ".join(await planning.list_contents()).split()
    assert sorted(posted) == ["2601.00001", "2601.00002", "2601.00003"]
    assert await planning.tick(due + 2 * DAY) == 0


@pytest.mark.parametrize(("days", "lives"), [((1,), 7), ((1, 2, 3, 4, 5), 1), ((1, 4), 3)])
async def test_a_post_is_tried_until_the_next_date_of_its_subscription(
    planning: PlannerHarness, days: tuple[int, ...], lives: int
) -> None:
    await planning.post(("2601.00001", 5), days=days)
    async with planning.database.read() as connection:
        [delivery] = await outbox.list_rows(connection)
    assert delivery.expires_at - delivery.planned_at == lives * DAY
