"""Explanations of `/why` for real plans; their texts cover every cause."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from bot.client import translations
from bot.daily import why
from bot.daily.service import Subscriptions
from bot.daily.why import Cause
from storage import daily, models, outbox
from storage.models import Reason
from tests.support.planner_harness import DAY, EVENING, HOUR, MONDAY, SEOUL_9AM, PlannerHarness

CHANNEL = 20


async def ask(planning: PlannerHarness, arxiv_id: str, now: datetime) -> why.Explanation:
    """Return the explanation for the only subscription of the channel."""
    (explanation,), *_ = await planning.explain(arxiv_id, now)
    return explanation


async def test_a_posted_paper_has_its_date_and_message_and_is_not_repeated_within_a_month(
    planning: PlannerHarness,
) -> None:
    await planning.post(("2601.00001", 9))
    assert (await ask(planning, "2601.00001", SEOUL_9AM)).cause is Cause.UNDER_WAY
    await planning.mark_sent(SEOUL_9AM + timedelta(seconds=3))
    explanation = await ask(planning, "2601.00001", SEOUL_9AM + DAY)
    assert (explanation.cause, explanation.digest_on) == (Cause.POSTED, MONDAY)
    assert explanation.at == SEOUL_9AM + timedelta(seconds=3)
    assert explanation.part is not None
    assert explanation.part.message_id is not None
    assert not explanation.is_repeated
    await planning.store(MONDAY + DAY, ("2601.00001", 90), ("2601.00002", 1))
    await planning.tick(SEOUL_9AM + DAY)
    repeated = await ask(planning, "2601.00001", SEOUL_9AM + DAY)
    assert (repeated.cause, repeated.digest_on, repeated.is_repeated) == (Cause.POSTED, MONDAY, True)


async def test_after_a_month_a_repeated_paper_counts_as_new(planning: PlannerHarness) -> None:
    await planning.post(("2601.00001", 90), min_votes=50)
    await planning.mark_sent(SEOUL_9AM)
    later = SEOUL_9AM + 40 * DAY
    await planning.store(MONDAY + 40 * DAY, ("2601.00001", 12), at=later - HOUR)
    await planning.tick(later)
    explanation = await ask(planning, "2601.00001", later)
    assert (explanation.cause, explanation.votes) == (Cause.TOO_FEW_VOTES, 12)


async def test_a_paper_that_was_not_chosen_has_its_votes_or_its_rank_then(planning: PlannerHarness) -> None:
    first = {"2601.00001": 50, "2601.00002": 40, "2601.00003": 30, "2601.00004": 20, "2601.00005": 3}
    await planning.post(*first.items(), ("2601.00006", None), min_votes=10)
    few = await ask(planning, "2601.00005", SEOUL_9AM)
    assert (few.cause, few.votes, few.may_change) == (Cause.TOO_FEW_VOTES, 3, False)
    assert (await ask(planning, "2601.00006", SEOUL_9AM)).cause is Cause.VOTES_UNKNOWN
    # A correction changes votes and adds papers: it ranks what was not ranked then, and the others stay.
    now = SEOUL_9AM + 2 * HOUR
    added = {"2601.00004": 99, "2601.00005": 45, "2601.00007": 25, "2601.00008": 60}
    await planning.store(MONDAY, *(first | added).items(), at=now)
    for number, cause, rank in (
        (4, Cause.BELOW_TOP, 4),
        (7, Cause.BELOW_TOP, 4),
        (5, Cause.NOT_CHOSEN_THEN, 1),
        (8, Cause.NOT_CHOSEN_THEN, 1),
    ):
        found = await ask(planning, f"2601.0000{number}", now)
        assert (found.cause, found.rank, found.digest_on) == (cause, rank, MONDAY), number
        assert (found.candidate_count, found.may_change) == (4 if number == 4 else 5, False)


async def test_before_the_post_the_answer_is_the_upcoming_decision(planning: PlannerHarness) -> None:
    await planning.subscribe(min_votes=5)
    await planning.store(MONDAY, ("2601.00001", 9), ("2601.00002", 8), ("2601.00003", 7), ("2601.00004", 1))
    now = SEOUL_9AM - HOUR
    coming = await ask(planning, "2601.00002", now)
    assert (coming.cause, coming.rank, coming.candidate_count, coming.at) == (Cause.UPCOMING, 2, 3, SEOUL_9AM)
    behind = await ask(planning, "2601.00003", now)
    assert (behind.cause, behind.rank, behind.may_change) == (Cause.BELOW_TOP, 3, True)
    few = await ask(planning, "2601.00004", now)
    assert (few.cause, few.may_change, few.at) == (Cause.TOO_FEW_VOTES, True, SEOUL_9AM)


async def test_the_first_post_shows_the_newest_digest_only(planning: PlannerHarness) -> None:
    await planning.store(MONDAY - DAY, ("2601.00001", 99))
    await planning.store(MONDAY, ("2601.00002", 5))
    await planning.subscribe()
    before = await ask(planning, "2601.00001", SEOUL_9AM - HOUR)
    assert (before.cause, before.may_change) == (Cause.FIRST_POST, True)
    await planning.tick(SEOUL_9AM)
    after = await ask(planning, "2601.00001", SEOUL_9AM)
    assert (after.cause, after.may_change) == (Cause.FIRST_POST, False)


async def test_a_digest_older_than_the_subscription_is_not_posted(planning: PlannerHarness) -> None:
    await planning.store(MONDAY - 10 * DAY, ("2601.00001", 99), at=EVENING - 9 * DAY)
    await planning.subscribe()
    explanation = await ask(planning, "2601.00001", SEOUL_9AM)
    assert (explanation.cause, explanation.digest_on) == (Cause.BEFORE_SUBSCRIPTION, MONDAY - 10 * DAY)


async def test_a_late_digest_is_too_old_or_superseded(planning: PlannerHarness) -> None:
    await planning.subscribe()
    week = SEOUL_9AM + 7 * DAY
    await planning.store(MONDAY + DAY, ("2601.00001", 99), at=week - HOUR)
    assert (await ask(planning, "2601.00001", week)).cause is Cause.TOO_OLD
    await planning.store(MONDAY + 7 * DAY, ("2601.00002", 5), at=week - HOUR)
    await planning.tick(week)
    # It was there before the first post, which shows the newest digest alone.
    assert (await ask(planning, "2601.00001", week)).cause is Cause.FIRST_POST
    await planning.store(MONDAY + 3 * DAY, ("2601.00003", 99), at=week + HOUR)
    explanation = await ask(planning, "2601.00003", week + 2 * HOUR)
    assert (explanation.cause, explanation.digest_on) == (Cause.SUPERSEDED, MONDAY + 3 * DAY)


async def test_a_paused_subscription_has_its_reason(planning: PlannerHarness) -> None:
    subscription_id = await planning.subscribe()
    await Subscriptions(planning.database, lambda: EVENING).pause(subscription_id, Reason.NO_SEND)
    await planning.store(MONDAY, ("2601.00001", 9))
    explanation = await ask(planning, "2601.00001", SEOUL_9AM)
    assert explanation.cause is Cause.STOPPED
    assert explanation.subscription is not None
    assert explanation.subscription.reason == Reason.NO_SEND


@pytest.mark.parametrize("is_expired", [False, True])
async def test_an_undelivered_post_has_its_reason(planning: PlannerHarness, is_expired: bool) -> None:
    await planning.post(("2601.00001", 9))
    if is_expired:
        async with planning.database.transaction() as connection:
            await outbox.cancel(connection, [1], reason=Reason.TOO_OLD, now=SEOUL_9AM)
    else:
        await planning.attempt(1, to=models.PartState.STOPPED)
    explanation = await ask(planning, "2601.00001", SEOUL_9AM)
    assert explanation.cause is Cause.NOT_DELIVERED
    assert explanation.delivery is not None
    assert explanation.delivery.reason == (Reason.TOO_OLD if is_expired else Reason.NO_HISTORY)


async def test_each_subscription_of_the_channel_has_its_own_answer(planning: PlannerHarness) -> None:
    await planning.subscribe(min_votes=50, locale=models.Locale.KO)
    await planning.post(("2601.00001", 9), locale=models.Locale.EN)
    await planning.mark_sent(SEOUL_9AM)
    explanations, other_channel_ids, _ = await planning.explain("2601.00001", SEOUL_9AM)
    assert [explanation.cause for explanation in explanations] == [Cause.TOO_FEW_VOTES, Cause.POSTED]
    assert other_channel_ids is None
    assert await planning.explain("2601.00001", SEOUL_9AM, channel_id=21) == ((), (CHANNEL,), 0)


async def test_a_post_of_a_deleted_subscription_is_still_found(planning: PlannerHarness) -> None:
    subscription_id = await planning.post(("2601.00001", 9))
    await planning.mark_sent(SEOUL_9AM)
    await Subscriptions(planning.database, lambda: SEOUL_9AM).remove(subscription_id)
    explanations, other_channel_ids, _ = await planning.explain("2601.00001", SEOUL_9AM)
    assert [(each.cause, each.subscription) for each in explanations] == [(Cause.POSTED, None)]
    assert other_channel_ids == ()


async def forget_decisions(planning: PlannerHarness, now: datetime) -> None:
    async with planning.database.transaction() as connection:
        assert await daily.purge_decisions(connection, now + timedelta(seconds=1), 500) > 0


async def test_a_weekly_subscription_explains_its_week(planning: PlannerHarness) -> None:
    await planning.subscribe(style=models.Style.WEEKLY, days=(1,), top_n=1)
    thursday = MONDAY - 4 * DAY
    await planning.store(thursday, ("2601.00001", 9), ("2601.00002", 40), at=EVENING - 3 * DAY)
    open_answer = await ask(planning, "2601.00001", EVENING)
    assert (open_answer.cause, open_answer.rank, open_answer.at) == (Cause.BELOW_TOP, 2, SEOUL_9AM)
    await planning.tick(SEOUL_9AM)
    assert (await ask(planning, "2601.00002", SEOUL_9AM)).cause is Cause.UNDER_WAY
    late = SEOUL_9AM + DAY
    await planning.store(thursday - DAY, ("2601.00003", 9), at=late)
    await planning.store(MONDAY + 3 * DAY, ("2601.00009", 9), at=late)
    closed = await ask(planning, "2601.00001", late)
    assert (closed.cause, closed.rank, closed.may_change) == (Cause.BELOW_TOP, 2, False)
    assert (await ask(planning, "2601.00003", late)).cause is Cause.TOO_OLD
    await forget_decisions(planning, SEOUL_9AM)
    assert (await ask(planning, "2601.00001", late)).cause is Cause.NOT_RECORDED


async def test_without_a_record_the_answer_says_that_the_reason_is_not_kept(planning: PlannerHarness) -> None:
    await planning.post(("2601.00001", 9), ("2601.00002", 4), top_n=1)
    await forget_decisions(planning, SEOUL_9AM)
    explanation = await ask(planning, "2601.00002", SEOUL_9AM)
    assert (explanation.cause, explanation.digest_on) == (Cause.NOT_RECORDED, MONDAY)
    assert (await ask(planning, "2601.00001", SEOUL_9AM)).cause is Cause.UNDER_WAY


def test_an_overdue_post_draws_by_todays_date_and_a_paused_subscription_has_none() -> None:
    subscription = models.Subscription(
        guild_id=1,
        channel_id=1,
        at_time="09:00",
        timezone="Asia/Seoul",
        created_at=EVENING,
        next_due_at=SEOUL_9AM,
    )
    assert why.eligible_dates(subscription, EVENING) == (date(2026, 1, 3), date(2026, 1, 5))
    assert why.eligible_dates(subscription, SEOUL_9AM + 5 * DAY) == (date(2026, 1, 8), date(2026, 1, 10))
    assert why.eligible_dates(replace(subscription, state=models.ActivityState.PAUSED), SEOUL_9AM) is None


@pytest.mark.parametrize("locale", models.Locale)
def test_every_cause_has_a_text(texts: translations.Translations, locale: models.Locale) -> None:
    numbers = dict.fromkeys(("rank", "total", "votes", "least", "top", "days"), 3)
    for cause in Cause:
        values: dict[str, str | int] = {
            "date": "2026-01-01",
            "at": "",
            "state": "held",
            "topic": "diffusion",
            "source": "none",
            **numbers,
        }
        assert texts.for_locale(locale)(f"why-{cause.value}", **values)
