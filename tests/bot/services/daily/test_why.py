"""Why a paper did not come, on both engines: what really was planned, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from bot.services.daily import why_decision
from bot.services.daily.subscriptions import Subscriptions
from bot.services.daily.why import Why, WhyAnswer
from bot.services.daily.why_decision import Cause
from bot.services.posts.contents import Reason
from storage import models, papers
from storage.database import Database
from storage.outbox import queries, transitions
from tests.support.planner_harness import EVENING, MONDAY, SEOUL_9, Bench, put

CHANNEL = 20
DAY = timedelta(days=1)


@pytest.fixture
def bench(db: Database) -> Bench:
    return Bench(db)


async def answer(bench: Bench, arxiv_id: str, now: datetime, channel_id: int = CHANNEL) -> WhyAnswer:
    async with bench.database.read() as connection:
        paper = await papers.get_detail(connection, arxiv_id)
    assert paper is not None
    return await Why(bench.database, lambda: now).explain(paper, guild_id=10, channel_id=channel_id)


async def ask(bench: Bench, arxiv_id: str, now: datetime) -> why_decision.Because:
    """The one answer of a channel with one order."""
    (because,) = (await answer(bench, arxiv_id, now)).because
    return because


async def send_all(bench: Bench, now: datetime) -> None:
    async with bench.database.transaction() as connection:
        for delivery in await queries.list_rows(connection, state=models.DeliveryState.PLANNED):
            parts = await queries.list_parts(connection, delivery.id)
            sent = [transitions.Sent(part.id, 900 + part.id, CHANNEL) for part in parts]
            await transitions.mark_sent(connection, sent, now)


async def test_what_was_posted_is_named_with_its_day_and_message(bench: Bench) -> None:
    await bench.subscribe()
    await put(bench, MONDAY, ("2601.00001", 9))
    await bench.planner.tick(SEOUL_9)
    assert (await ask(bench, "2601.00001", SEOUL_9)).cause is Cause.UNDER_WAY
    await send_all(bench, SEOUL_9 + timedelta(seconds=3))
    because = await ask(bench, "2601.00001", SEOUL_9 + DAY)
    assert (because.cause, because.digest_on) == (Cause.POSTED, MONDAY)
    assert because.at == SEOUL_9 + timedelta(seconds=3)
    assert because.part is not None
    assert because.part.message_id is not None
    assert not because.repeated


async def test_a_paper_that_comes_again_within_a_month_is_not_posted_again(bench: Bench) -> None:
    await bench.subscribe()
    await put(bench, MONDAY, ("2601.00001", 9))
    await bench.planner.tick(SEOUL_9)
    await send_all(bench, SEOUL_9)
    await put(bench, MONDAY + DAY, ("2601.00001", 90), ("2601.00002", 1))
    await bench.planner.tick(SEOUL_9 + DAY)
    because = await ask(bench, "2601.00001", SEOUL_9 + DAY)
    assert (because.cause, because.digest_on, because.repeated) == (Cause.POSTED, MONDAY, True)


async def test_after_a_month_a_repeated_paper_counts_as_new(bench: Bench) -> None:
    await bench.subscribe(min_votes=50)
    await put(bench, MONDAY, ("2601.00001", 90))
    await bench.planner.tick(SEOUL_9)
    await send_all(bench, SEOUL_9)
    later = SEOUL_9 + 40 * DAY
    await put(bench, MONDAY + 40 * DAY, ("2601.00001", 12), at=later - timedelta(hours=1))
    await bench.planner.tick(later)
    because = await ask(bench, "2601.00001", later)
    assert (because.cause, because.votes) == (Cause.TOO_FEW_VOTES, 12)


async def test_too_few_and_unknown_votes_are_told_apart(bench: Bench) -> None:
    await bench.subscribe(min_votes=20)
    await put(bench, MONDAY, ("2601.00001", 9), ("2601.00002", None), ("2601.00003", 30))
    await bench.planner.tick(SEOUL_9)
    few = await ask(bench, "2601.00001", SEOUL_9)
    assert (few.cause, few.votes, few.is_open) == (Cause.TOO_FEW_VOTES, 9, False)
    assert (await ask(bench, "2601.00002", SEOUL_9)).cause is Cause.VOTES_UNKNOWN


async def test_a_paper_behind_the_top_is_told_its_rank(bench: Bench) -> None:
    await bench.subscribe()
    await put(bench, MONDAY, *((f"2601.0000{n}", 50 - n) for n in range(1, 7)))
    await bench.planner.tick(SEOUL_9)
    because = await ask(bench, "2601.00004", SEOUL_9)
    assert (because.cause, because.rank, because.of) == (Cause.BELOW_TOP, 4, 6)
    assert (because.digest_on, because.is_open) == (MONDAY, False)


async def test_a_paper_that_climbed_after_the_post_is_never_told_a_rank_within_it(bench: Bench) -> None:
    await bench.subscribe()
    await put(bench, MONDAY, *((f"2601.0000{n}", 50 - n) for n in range(1, 5)))
    await bench.planner.tick(SEOUL_9)
    corrected = SEOUL_9 + timedelta(hours=2)
    await put(bench, MONDAY, ("2601.00001", 1), ("2601.00002", 2), ("2601.00004", 99), at=corrected)
    because = await ask(bench, "2601.00004", corrected)
    assert (because.cause, because.rank) == (Cause.BELOW_TOP, 3)


async def test_a_paper_that_would_be_in_today_was_not_there_then(bench: Bench) -> None:
    await bench.subscribe(top_n=3, min_votes=20)
    await put(bench, MONDAY, ("2601.00001", 30), ("2601.00002", 3))
    await bench.planner.tick(SEOUL_9)
    await put(bench, MONDAY, ("2601.00001", 30), ("2601.00002", 40), at=SEOUL_9 + timedelta(hours=1))
    assert (await ask(bench, "2601.00002", SEOUL_9 + timedelta(hours=1))).cause is Cause.NOT_THEN


async def test_before_the_post_it_is_said_how_things_stand(bench: Bench) -> None:
    await bench.subscribe(min_votes=5)
    await put(bench, MONDAY, ("2601.00001", 9), ("2601.00002", 8), ("2601.00003", 7), ("2601.00004", 1))
    now = SEOUL_9 - timedelta(hours=1)
    coming = await ask(bench, "2601.00002", now)
    assert (coming.cause, coming.rank, coming.of, coming.at) == (Cause.COMING, 2, 3, SEOUL_9)
    behind = await ask(bench, "2601.00003", now)
    assert (behind.cause, behind.rank, behind.is_open) == (Cause.BELOW_TOP, 3, True)
    few = await ask(bench, "2601.00004", now)
    assert (few.cause, few.is_open, few.at) == (Cause.TOO_FEW_VOTES, True, SEOUL_9)


async def test_a_digest_whose_votes_settle_says_until_when(bench: Bench) -> None:
    await bench.subscribe(settle_hours=3)
    await put(bench, MONDAY, ("2601.00001", 9), at=SEOUL_9 - timedelta(hours=1))
    settled_at = SEOUL_9 + timedelta(hours=2)
    for now in (SEOUL_9 - timedelta(minutes=1), SEOUL_9):
        await bench.planner.tick(now)
        because = await ask(bench, "2601.00001", now)
        assert (because.cause, because.at) == (Cause.SETTLING, settled_at)


async def test_the_first_post_shows_the_newest_digest_alone(bench: Bench) -> None:
    await put(bench, MONDAY - DAY, ("2601.00001", 99))
    await put(bench, MONDAY, ("2601.00002", 5))
    await bench.subscribe()
    before = await ask(bench, "2601.00001", SEOUL_9 - timedelta(hours=1))
    assert (before.cause, before.is_open) == (Cause.FIRST_POST, True)
    await bench.planner.tick(SEOUL_9)
    after = await ask(bench, "2601.00001", SEOUL_9)
    assert (after.cause, after.is_open) == (Cause.FIRST_POST, False)


async def test_a_digest_from_before_the_order_could_not_be_posted(bench: Bench) -> None:
    await put(bench, MONDAY - 10 * DAY, ("2601.00001", 99), at=EVENING - 9 * DAY)
    await bench.subscribe()
    because = await ask(bench, "2601.00001", SEOUL_9)
    assert (because.cause, because.digest_on) == (Cause.BEFORE_ORDER, MONDAY - 10 * DAY)


async def test_a_late_digest_is_too_old_or_overtaken(bench: Bench) -> None:
    await bench.subscribe()
    week = SEOUL_9 + 7 * DAY
    await put(bench, MONDAY + DAY, ("2601.00001", 99), at=week - timedelta(hours=1))
    assert (await ask(bench, "2601.00001", week)).cause is Cause.TOO_OLD
    await put(bench, MONDAY + 7 * DAY, ("2601.00002", 5), at=week - timedelta(hours=1))
    await bench.planner.tick(week)
    because = await ask(bench, "2601.00001", week)
    assert (because.cause, because.digest_on) == (Cause.OVERTAKEN, MONDAY + DAY)


async def test_a_paused_order_says_its_reason(bench: Bench) -> None:
    subscription_id = await bench.subscribe()
    await Subscriptions(bench.database, lambda: EVENING).pause(subscription_id, Reason.NO_SEND)
    await put(bench, MONDAY, ("2601.00001", 9))
    because = await ask(bench, "2601.00001", SEOUL_9)
    assert because.cause is Cause.STOPPED
    assert because.subscription is not None
    assert because.subscription.reason == Reason.NO_SEND


@pytest.mark.parametrize("state", ["paused", "uncertain", "failed", "expired"])
async def test_a_post_that_did_not_arrive_says_so_and_why(bench: Bench, state: str) -> None:
    await bench.subscribe()
    await put(bench, MONDAY, ("2601.00001", 9))
    await bench.planner.tick(SEOUL_9)
    async with bench.database.transaction() as connection:
        (delivery,) = await queries.list_rows(connection)
        (part,) = await queries.list_parts(connection, delivery.id)
        if state == "paused":
            await transitions.mark_paused(connection, part.id, reason=Reason.NO_SEND, unknown_since=None)
        elif state == "uncertain":
            await transitions.mark_uncertain(connection, part.id, reason=Reason.NO_HISTORY)
        elif state == "failed":
            await transitions.mark_failed(connection, part.id, reason=Reason.REFUSED_CONTENT, now=SEOUL_9)
        else:
            await transitions.end(connection, [delivery.id], reason=Reason.TOO_OLD, now=SEOUL_9)
    because = await ask(bench, "2601.00001", SEOUL_9)
    assert because.cause is Cause.HELD
    assert because.delivery is not None
    assert because.delivery.state.value == state
    assert because.delivery.reason


async def test_each_order_of_the_channel_has_its_own_answer(bench: Bench) -> None:
    await bench.subscribe(min_votes=50, locale=models.Locale.KO)
    await bench.subscribe(locale=models.Locale.EN)
    await put(bench, MONDAY, ("2601.00001", 9))
    await bench.planner.tick(SEOUL_9)
    await send_all(bench, SEOUL_9)
    found = await answer(bench, "2601.00001", SEOUL_9)
    assert [one.cause for one in found.because] == [Cause.TOO_FEW_VOTES, Cause.POSTED]
    assert found.has_order
    elsewhere = await answer(bench, "2601.00001", SEOUL_9, channel_id=21)
    assert (elsewhere.because, elsewhere.has_order, elsewhere.elsewhere) == ((), False, (CHANNEL,))


async def test_what_a_removed_order_posted_is_still_known(bench: Bench) -> None:
    subscription_id = await bench.subscribe()
    await put(bench, MONDAY, ("2601.00001", 9))
    await bench.planner.tick(SEOUL_9)
    await send_all(bench, SEOUL_9)
    await Subscriptions(bench.database, lambda: SEOUL_9).remove(subscription_id)
    found = await answer(bench, "2601.00001", SEOUL_9)
    assert [(one.cause, one.subscription) for one in found.because] == [(Cause.POSTED, None)]
    assert not found.has_order


async def test_a_weekly_order_speaks_of_its_week(bench: Bench) -> None:
    await bench.subscribe(style=models.Style.WEEKLY, days=(1,), top_n=1)
    thursday = MONDAY - 4 * DAY
    await put(bench, thursday, ("2601.00001", 9), ("2601.00002", 40), at=EVENING - 3 * DAY)
    open_answer = await ask(bench, "2601.00001", EVENING)
    assert (open_answer.cause, open_answer.rank, open_answer.at) == (Cause.BELOW_TOP, 2, SEOUL_9)
    await bench.planner.tick(SEOUL_9)
    assert (await ask(bench, "2601.00002", SEOUL_9)).cause is Cause.UNDER_WAY
    await put(bench, MONDAY + 3 * DAY, ("2601.00009", 9), at=SEOUL_9 + 3 * DAY)
    closed = await ask(bench, "2601.00001", SEOUL_9 + DAY)
    assert (closed.cause, closed.rank, closed.is_open) == (Cause.BELOW_TOP, 2, False)


def test_an_overdue_post_draws_by_the_date_of_now_and_a_paused_order_from_nothing() -> None:
    order = models.Subscription(
        id=1,
        guild_id=1,
        channel_id=1,
        at_time="09:00",
        timezone="Asia/Seoul",
        days=(1, 2, 3, 4, 5, 6, 7),
        top_n=5,
        min_votes=0,
        locale=models.Locale.KO,
        style=models.Style.COMPACT,
        say_when_empty=False,
        fresh_days=3,
        wait_minutes=0,
        settle_hours=0,
        state=models.SubscriptionState.ACTIVE,
        reason=None,
        created_by=None,
        created_at=EVENING,
        next_due_at=SEOUL_9,
        waiting_for_on=None,
    )
    assert why_decision.span(order, EVENING) == (date(2026, 1, 3), date(2026, 1, 6))
    assert why_decision.span(order, SEOUL_9 + 5 * DAY) == (date(2026, 1, 8), date(2026, 1, 11))
    assert why_decision.span(replace(order, state=models.SubscriptionState.PAUSED), SEOUL_9) is None
