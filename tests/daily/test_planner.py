"""The planner of daily posts, with a stub renderer: also with a wrong clock, new rules of a zone, or a digest dated tomorrow."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time

import pytest
import structlog

from bot.archive.digest_writer import FreshDigest
from bot.daily import planner, schedule, why
from storage import archive, daily, models, outbox, papers
from storage.database import Connection
from storage.models import Reason
from tests.support import digest_builders, patience
from tests.support.planner_harness import DAY, EVENING, HOUR, MINUTE, MONDAY, SEOUL_9AM, PlannerHarness

both_engines = pytest.mark.engines("sqlite", "postgresql")


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
    assert (await planning.get_subscription(subscription_id)).next_due_at == SEOUL_9AM + DAY


@both_engines
async def test_each_decision_is_recorded_with_its_cut_off_and_what_it_left_out(
    planning: PlannerHarness,
) -> None:
    await planning.store(MONDAY - DAY, ("2601.00009", 90))
    await planning.store(MONDAY, ("2601.00001", 81), ("2601.00002", 40), ("2601.00003", 7), ("2601.00004", 2))
    posting = await planning.subscribe(min_votes=5)
    silent = await planning.subscribe(21, min_votes=99)
    await planning.tick(SEOUL_9AM)
    async with planning.database.read() as connection:
        (delivery,) = await outbox.list_rows(connection)
        (record,) = await daily.list_decisions(connection, posting)
        (empty,) = await daily.list_decisions(connection, silent)
        ids = await papers.get_ids(connection, ["2601.00003"])
    assert (record.local_on, record.digest_on, record.decided_at) == (MONDAY, MONDAY, SEOUL_9AM)
    assert (len(record.digest_ids), len(record.skipped_digest_ids)) == (1, 1)
    assert (record.min_votes, record.cutoff_rank, record.cutoff_votes) == (5, 2, 40)
    assert (record.left_out, record.delivery_id) == (((ids["2601.00003"], 7),), delivery.id)
    assert (empty.cutoff_rank, empty.cutoff_votes, empty.left_out) == (0, None, ())
    assert (empty.digest_ids, empty.delivery_id) == (record.digest_ids, None)


@both_engines
async def test_papers_are_read_while_others_may_write_and_what_they_write_is_posted(
    planning: PlannerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await planning.subscribe()
    await planning.store(MONDAY, ("2601.00001", 5))
    list_papers = archive.list_papers

    async def read(connection: Connection, digest_ids: Iterable[int]) -> list[archive.DigestPaper]:
        monkeypatch.setattr(archive, "list_papers", list_papers)
        found = await list_papers(connection, digest_ids)
        async with patience.limit(20):
            await planning.store(MONDAY, ("2601.00001", 5), ("2601.00002", 9))
        return found

    monkeypatch.setattr(archive, "list_papers", read)
    assert await planning.tick(SEOUL_9AM) == 1
    assert await planning.list_contents() == ["2601.00002 2601.00001"]


async def test_a_posted_paper_is_not_posted_again(planning: PlannerHarness) -> None:
    await planning.post(("2601.00001", 9), ("2601.00002", 8), ("2601.00003", 7))
    await planning.store(MONDAY + DAY, ("2601.00001", 99), ("2601.00009", 3), ("2601.00008", 2))
    await planning.tick(SEOUL_9AM + DAY)
    assert await planning.list_contents() == ["2601.00001 2601.00002", "2601.00009 2601.00008"]


@both_engines
async def test_a_late_digest_is_awaited_and_posted_when_it_arrives(planning: PlannerHarness) -> None:
    subscription_id = await planning.subscribe()
    assert await planning.tick(SEOUL_9AM) == 0
    waiting = await planning.get_subscription(subscription_id)
    assert (waiting.waiting_for_on, waiting.next_due_at) == (MONDAY, SEOUL_9AM + 12 * HOUR)
    half_past = SEOUL_9AM + 30 * MINUTE
    await planning.store(MONDAY, ("2601.00001", 9), at=half_past)
    await planning.wake(half_past)
    assert await planning.tick(half_past) == 1
    assert (await planning.get_subscription(subscription_id)).waiting_for_on is None
    assert (await planning.list_payloads())[0]["marker"].endswith("2026-01-05")


async def test_after_downtime_fresh_digests_are_posted_once_and_older_days_are_listed(
    planning: PlannerHarness,
) -> None:
    await planning.subscribe()
    for day in range(6):
        await planning.store(MONDAY + day * DAY, (f"2601.0001{day}", 10 + day))
        if day == 0:
            await planning.tick(SEOUL_9AM)
    await planning.tick(SEOUL_9AM + 5 * DAY + 3 * HOUR)
    posted = await planning.list_payloads()
    assert [post["content"] for post in posted] == ["2601.00010", "2601.00015 2601.00014"]
    assert posted[1]["missed"] == "2026-01-06 2026-01-07"


async def test_a_weekly_post_after_downtime_has_its_whole_week(planning: PlannerHarness) -> None:
    await planning.subscribe(style=models.Style.WEEKLY, days=(1,), top_n=9)
    for ago in (0, 5, 6, 7):
        await planning.store(MONDAY - ago * DAY, (f"2601.0000{ago + 1}", 9 - ago))
    await planning.tick(SEOUL_9AM + 2 * DAY)
    assert await planning.list_contents() == ["2601.00001 2601.00006 2601.00007"]
    assert planning.renderer.posts[-1].since_on == MONDAY - 6 * DAY


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


async def test_digests_that_arrive_after_the_days_post_are_kept_for_the_next_post(
    planning: PlannerHarness,
) -> None:
    subscription_id = await planning.post(("2601.00001", 9))
    evening = SEOUL_9AM + 9 * HOUR
    # The subscription was moved to the evening of the same day, as can happen before the clock is set back.
    await planning.change(subscription_id, at_time="18:00", next_due_at=evening, due_on=MONDAY)
    await planning.store(MONDAY, ("2601.00001", 9), ("2601.00002", 8), at=SEOUL_9AM + HOUR)
    await digest_builders.ingest_digest(
        planning.database,
        digest_builders.newsletter(MONDAY, [("2601.00003", 5)]),
        at=evening,
        location="another",
    )
    assert await planning.tick(evening) == 0
    subscription = await planning.get_subscription(subscription_id)
    assert (subscription.next_due_at, subscription.waiting_for_on) == (evening + DAY, None)
    assert await planning.tick(evening + DAY) == 1
    assert await planning.list_contents() == ["2601.00001", "2601.00003"]


async def test_missed_days_are_listed_if_the_digest_arrives_after_the_restart(
    planning: PlannerHarness,
) -> None:
    await planning.post(("2601.00001", 9))
    back = SEOUL_9AM + 5 * DAY + 10 * MINUTE
    assert await planning.tick(back) == 0
    await planning.store(MONDAY + 5 * DAY, ("2601.00002", 9), at=back)
    await planning.wake(back)
    assert await planning.tick(back) == 1
    assert (await planning.list_payloads())[1]["missed"] == "2026-01-06 2026-01-07"


@both_engines
async def test_each_day_of_an_unsent_expired_post_is_posted_while_it_is_fresh(
    planning: PlannerHarness,
) -> None:
    await planning.post(("2601.00001", 1), top_n=5)
    await planning.mark_sent()
    for days in (1, 2, 3):
        await planning.store(
            MONDAY + days * DAY, (f"2601.0010{days}", days), at=SEOUL_9AM + days * DAY - HOUR
        )
    await planning.tick(SEOUL_9AM + 3 * DAY)  # after downtime
    assert (await planning.list_contents())[-1] == "2601.00103 2601.00102 2601.00101"
    await planning.expire(SEOUL_9AM + 4 * DAY)
    await planning.store(MONDAY + 4 * DAY, ("2601.00104", 4), at=SEOUL_9AM + 4 * DAY - HOUR)
    await planning.tick(SEOUL_9AM + 4 * DAY)
    assert (await planning.list_contents())[-1] == "2601.00104 2601.00103 2601.00102"


@both_engines
async def test_the_papers_of_an_unsent_expired_post_are_posted_while_they_are_fresh(
    planning: PlannerHarness,
) -> None:
    subscription_id = await planning.post(("2601.00001", 9), ("2601.00002", 8))
    await planning.change(subscription_id, state=models.ActivityState.PAUSED, reason=Reason.NO_SEND)
    await planning.expire(SEOUL_9AM + 25 * HOUR)
    later = SEOUL_9AM + 2 * DAY + 5 * MINUTE
    await planning.store(MONDAY + 2 * DAY, ("2601.00003", 1), at=later)
    await planning.change(subscription_id, state=models.ActivityState.ACTIVE, reason=None)
    assert await planning.tick(later) == 1
    assert await planning.list_contents() == ["2601.00001 2601.00002"] * 2


@both_engines
async def test_the_papers_of_a_blocked_post_that_expires_come_with_the_channels_other_post(
    planning: PlannerHarness,
) -> None:
    blocked_id = await planning.subscribe()
    for options in ({}, {"channel_id": 30}, {"locale": models.Locale.KO}):
        await planning.subscribe(at_time="10:00", **options)
    await planning.store(MONDAY, ("2601.00001", 9), ("2601.00002", 8))
    await planning.tick(SEOUL_9AM)
    await planning.change(blocked_id, state=models.ActivityState.PAUSED, reason=Reason.NO_THREADS)
    await planning.tick(SEOUL_9AM + HOUR)
    await planning.attempt(2, 3)
    assert await planning.list_contents() == ["2601.00001 2601.00002"] * 3
    next_day = SEOUL_9AM + DAY + HOUR
    await planning.store(MONDAY + DAY, ("2601.00003", 1), at=next_day)
    await planning.expire(next_day)
    await planning.tick(next_day)
    posts = [(post["marker"], post["content"]) for post in await planning.list_payloads()]
    assert sorted(posts[3:]) == [
        ("daily:2:2026-01-06", "2601.00001 2601.00002"),
        ("daily:3:2026-01-06", "2601.00003"),
        ("daily:4:2026-01-06", "2601.00003"),
    ]


@both_engines
async def test_a_post_that_waits_for_a_digest_gets_what_an_expiry_frees_at_once(
    planning: PlannerHarness,
) -> None:
    await planning.subscribe()
    await planning.subscribe(30)
    await planning.tick(SEOUL_9AM)
    late = SEOUL_9AM + HOUR
    await planning.store(MONDAY, ("2601.00001", 9), at=late)
    await planning.wake(late)
    await planning.tick(late)
    await planning.attempt(2)
    assert await planning.tick(SEOUL_9AM + DAY) == 0  # both wait for the digest of the next day
    await planning.expire(late + DAY)
    assert await planning.tick(late + DAY) == 1
    posts = [(post["marker"], post["content"]) for post in await planning.list_payloads()]
    assert posts[2:] == [("daily:1:2026-01-06", "2601.00001")]
    assert (await planning.get_subscription(2)).next_due_at == SEOUL_9AM + DAY + 12 * HOUR


@both_engines
@pytest.mark.parametrize("style", [models.Style.COMPACT, models.Style.WEEKLY])
async def test_an_unsent_post_that_expires_days_before_the_next_one_is_planned_again(
    planning: PlannerHarness, style: models.Style
) -> None:
    subscription_id = await planning.post(("2601.00001", 9), style=style, days=(1,))
    blocked = {"state": models.ActivityState.PAUSED, "reason": Reason.NO_SEND}
    await planning.change(subscription_id, **blocked)
    await planning.expire(SEOUL_9AM + 2 * DAY)
    assert await planning.tick(SEOUL_9AM + 2 * DAY) == 0
    await planning.change(subscription_id, state=models.ActivityState.ACTIVE, reason=None)
    assert await planning.tick(SEOUL_9AM + 2 * DAY + HOUR) == 1
    posts = [(post["marker"], post["content"]) for post in await planning.list_payloads()]
    assert posts == [("daily:1:2026-01-05", "2601.00001")] * 2
    await planning.mark_sent()
    assert (await planning.get_subscription(subscription_id)).next_due_at == SEOUL_9AM + 7 * DAY


@both_engines
async def test_the_papers_of_a_post_that_may_have_been_sent_are_not_repeated(
    planning: PlannerHarness,
) -> None:
    await planning.post(("2601.00001", 9), ("2601.00002", 8))
    await planning.attempt(1, to=models.PartState.SENDING)
    later = SEOUL_9AM + 2 * DAY + 5 * MINUTE
    await planning.expire(SEOUL_9AM + 25 * HOUR)
    await planning.store(MONDAY + 2 * DAY, ("2601.00003", 1), ("2601.00001", 99), at=later)
    assert await planning.tick(later) == 1
    assert (await planning.list_contents())[1:] == ["2601.00003"]


@both_engines
async def test_posts_that_cost_a_look_up_keep_no_others_waiting(planning: PlannerHarness) -> None:
    for number in range(12):
        await planning.subscribe(20 + number, topic=f"robot {number}")
    for number in range(3):
        await planning.subscribe(40 + number)
    await planning.store(MONDAY, ("2601.00001", 9))
    looked_up: list[str] = []
    planned: list[int] = []

    async def match_all(_: Connection, topic: str, found: Sequence[archive.DigestPaper]) -> dict[int, float]:
        looked_up.append(topic)
        return {paper.paper_id: 1.0 for paper in found}

    costly = planner.DailyPlanner(planning.database, planning.deliveries, match_all)
    assert await costly.tick(SEOUL_9AM, on_planned=lambda: planned.append(len(looked_up))) == 15
    assert planned == [0, 10, 12]


@both_engines
async def test_a_digest_stored_during_a_tick_is_not_missed(planning: PlannerHarness) -> None:
    await planning.subscribe()
    storing, go_on = asyncio.Event(), asyncio.Event()

    async def on_fresh(connection: Connection, _: FreshDigest) -> None:
        await daily.wake_waiting(connection, SEOUL_9AM)
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
        await daily.add_posted_papers(
            connection, [daily.PostedPaper(20, "en", paper_id, SEOUL_9AM) for paper_id in (1, 2)]
        )
    await asyncio.gather(posting, tick)
    assert await planning.list_contents() == ["2601.00003 2601.00004"]


async def test_an_unknown_time_zone_does_not_block_other_channels(planning: PlannerHarness) -> None:
    lost, kept = await planning.subscribe(20), await planning.subscribe(21)
    await planning.store(MONDAY, ("2601.00001", 9))
    await planning.change(lost, timezone="Asia/Pangaea")
    assert await planning.planner.reschedule(EVENING) == 0
    assert await planning.tick(SEOUL_9AM) == 1
    assert (await planning.list_payloads())[0]["marker"].startswith(f"daily:{kept}:")
    assert (await planning.get_subscription(lost)).next_due_at == SEOUL_9AM + HOUR
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


async def test_a_paper_that_fails_to_render_is_shown_by_its_id_and_named_in_the_log(
    planning: PlannerHarness,
) -> None:
    for channel_id in (20, 21):
        await planning.subscribe(channel_id)
    await planning.store(MONDAY, ("2601.00001", 9), ("2601.00002", 8))
    planning.renderer.failing_title = "Paper 2601.00001"
    with structlog.testing.capture_logs() as logged:
        assert await planning.tick(SEOUL_9AM) == 2
    assert await planning.list_contents() == ["2601.00001 2601.00002"] * 2
    first, second = planning.renderer.posts[-1].papers
    assert (first.title, first.votes, second.title) == (None, 9, "Paper 2601.00002")
    assert [row["papers"] for row in logged if row["log_level"] == "error"] == [["2601.00001"]]
    # Both channels have the same post: it is rendered whole, by paper and without the failing one, once.
    assert planning.renderer.render_count == 4


async def test_a_clock_set_back_repeats_no_post(planning: PlannerHarness) -> None:
    subscription_id = await planning.post(("2601.00001", 9), ("2601.00002", 8), ("2601.00003", 7))
    back = SEOUL_9AM - 2 * HOUR
    await planning.change(subscription_id, next_due_at=SEOUL_9AM, due_on=MONDAY, last_digest_on=None)
    assert await planning.tick(back) == 0
    assert await planning.tick(SEOUL_9AM) == 0
    assert len(await planning.list_payloads()) == 1


async def test_new_time_zone_rules_and_a_wrong_clock_are_corrected_by_reschedule(
    planning: PlannerHarness,
) -> None:
    subscription_id = await planning.subscribe()
    far = 400 * DAY
    await planning.change(subscription_id, next_due_at=SEOUL_9AM + far, due_on=MONDAY + far)
    assert await planning.planner.reschedule(EVENING) == 1
    assert (await planning.get_subscription(subscription_id)).next_due_at == SEOUL_9AM
    await planning.change(subscription_id, next_due_at=SEOUL_9AM + HOUR, due_on=MONDAY)
    assert await planning.planner.reschedule(EVENING) == 1
    assert (await planning.get_subscription(subscription_id)).next_due_at == SEOUL_9AM
    assert await planning.planner.reschedule(EVENING) == 0


async def test_all_due_times_are_computed_again_in_batches(
    planning: PlannerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planner, "DUE_TIMES_IN_BATCH", 2)
    for channel_id in range(5):
        await planning.subscribe(channel_id)
    assert await planning.planner.reschedule(EVENING - 50 * HOUR) == 5


async def test_a_clock_that_was_behind_adds_no_post_of_a_date_before_the_subscription(
    planning: PlannerHarness,
) -> None:
    subscription_id = await planning.subscribe()
    behind = EVENING - 50 * HOUR
    await planning.planner.reschedule(behind)
    assert (await planning.get_subscription(subscription_id)).next_due_at == SEOUL_9AM - 2 * DAY
    await planning.planner.reschedule(EVENING)
    assert (await planning.get_subscription(subscription_id)).next_due_at == SEOUL_9AM
    assert await planning.tick(EVENING) == 0


async def test_no_day_is_skipped_after_the_clock_was_ahead(planning: PlannerHarness) -> None:
    subscription_id = await planning.subscribe()
    await planning.tick(SEOUL_9AM - 2 * HOUR)
    await planning.tick(SEOUL_9AM + 5 * DAY + 10 * MINUTE)
    await planning.planner.reschedule(SEOUL_9AM - HOUR)
    assert (await planning.get_subscription(subscription_id)).next_due_at == SEOUL_9AM
    await planning.store(MONDAY, ("2601.00001", 9))
    assert await planning.tick(SEOUL_9AM) == 1


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
