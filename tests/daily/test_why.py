"""Explanations of `/why` for real plans; their texts cover every cause."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bot.client import translations
from bot.daily import why
from bot.daily.service import Subscriptions
from bot.daily.why import Cause
from storage import models, outbox
from storage.models import Reason
from tests.support.planner_harness import DAY, EVENING, HOUR, MONDAY, SEOUL_9AM, PlannerHarness

CHANNEL = 20


async def ask(planning: PlannerHarness, arxiv_id: str, now: datetime) -> why.Explanation:
    """Return the explanation for the only subscription of the channel."""
    (explanation,), *_ = await planning.explain(arxiv_id, now)
    return explanation


async def test_a_posted_paper_has_its_date_and_message(planning: PlannerHarness) -> None:
    await planning.post(("2601.00001", 9))
    assert (await ask(planning, "2601.00001", SEOUL_9AM)).cause is Cause.WAITING
    await planning.mark_sent(SEOUL_9AM + timedelta(seconds=3))
    await planning.store(MONDAY + DAY, ("2601.00001", 90), ("2601.00002", 1))
    await planning.tick(SEOUL_9AM + DAY)
    explanation = await ask(planning, "2601.00001", SEOUL_9AM + DAY)
    assert (explanation.cause, explanation.digest_on) == (Cause.POSTED, MONDAY)
    assert explanation.at == SEOUL_9AM + timedelta(seconds=3)
    assert explanation.part is not None
    assert explanation.part.message_id is not None


async def test_after_a_month_a_repeated_paper_counts_as_new(planning: PlannerHarness) -> None:
    await planning.post(("2601.00001", 90), min_votes=50)
    await planning.mark_sent(SEOUL_9AM)
    later = SEOUL_9AM + 40 * DAY
    await planning.store(MONDAY + 40 * DAY, ("2601.00001", 12), at=later - HOUR)
    await planning.tick(later)
    explanation = await ask(planning, "2601.00001", later)
    assert (explanation.cause, explanation.votes) == (Cause.TOO_FEW_VOTES, 12)


async def test_a_paper_that_was_not_chosen_has_its_votes_or_its_rank_today(planning: PlannerHarness) -> None:
    first = {"2601.00001": 50, "2601.00002": 40, "2601.00003": 30, "2601.00004": 20, "2601.00005": 3}
    await planning.post(*first.items(), ("2601.00006", None), min_votes=10)
    few = await ask(planning, "2601.00005", SEOUL_9AM)
    assert (few.cause, few.votes) == (Cause.TOO_FEW_VOTES, 3)
    assert (await ask(planning, "2601.00006", SEOUL_9AM)).cause is Cause.VOTES_UNKNOWN
    now = SEOUL_9AM + 2 * HOUR
    await planning.store(MONDAY, *(first | {"2601.00004": 99, "2601.00008": 60}).items(), at=now)
    for number, cause, rank in (
        (3, Cause.BELOW_TOP, 5),
        (4, Cause.NOT_CHOSEN_THEN, 1),
        (8, Cause.UPCOMING, 1),  # it came after the post, while its day is open
    ):
        found = await ask(planning, f"2601.0000{number}", now)
        assert (found.cause, found.rank, found.digest_on) == (cause, rank, MONDAY), number
        assert found.at == (SEOUL_9AM + DAY if cause is Cause.UPCOMING else None)


async def test_before_the_post_the_answer_is_the_upcoming_choice(planning: PlannerHarness) -> None:
    await planning.subscribe(min_votes=5)
    await planning.store(MONDAY, ("2601.00001", 9), ("2601.00002", 8), ("2601.00003", 7), ("2601.00004", 1))
    now = SEOUL_9AM - HOUR
    coming = await ask(planning, "2601.00002", now)
    assert (coming.cause, coming.rank, coming.candidate_count, coming.at) == (Cause.UPCOMING, 2, 3, SEOUL_9AM)
    behind = await ask(planning, "2601.00003", now)
    assert (behind.cause, behind.rank, behind.at) == (Cause.BELOW_TOP, 3, SEOUL_9AM)
    assert (await ask(planning, "2601.00004", now)).cause is Cause.TOO_FEW_VOTES


async def test_what_is_older_than_the_first_post_was_not_chosen(planning: PlannerHarness) -> None:
    await planning.store(MONDAY - DAY, ("2601.00001", 99))
    await planning.store(MONDAY, ("2601.00002", 5))
    await planning.subscribe()
    for _ in range(2):
        explanation = await ask(planning, "2601.00001", SEOUL_9AM)
        assert (explanation.cause, explanation.digest_on) == (Cause.NOT_CHOSEN_THEN, MONDAY - DAY)
        await planning.tick(SEOUL_9AM)


async def test_a_paper_of_a_source_that_is_not_drawn_from(planning: PlannerHarness) -> None:
    subscription_id = await planning.subscribe()
    await planning.change(subscription_id, source="https://example.org/feed")
    await planning.store(MONDAY, ("2601.00001", 9))
    assert (await ask(planning, "2601.00001", SEOUL_9AM)).cause is Cause.OTHER_SOURCE


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
    assert explanation.cause is (Cause.UPCOMING if is_expired else Cause.WAITING)
    if not is_expired:
        assert explanation.delivery is not None
        assert explanation.delivery.reason == Reason.NO_HISTORY


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


async def test_a_weekly_subscription_explains_its_week(planning: PlannerHarness) -> None:
    await planning.subscribe(style=models.Style.WEEKLY, days=(1,), top_n=1)
    thursday = MONDAY - 4 * DAY
    await planning.store(thursday, ("2601.00001", 9), ("2601.00002", 40), at=EVENING - 3 * DAY)
    behind = await ask(planning, "2601.00001", EVENING)
    assert (behind.cause, behind.rank, behind.at) == (Cause.BELOW_TOP, 2, SEOUL_9AM)
    await planning.tick(SEOUL_9AM)
    assert (await ask(planning, "2601.00002", SEOUL_9AM)).cause is Cause.WAITING
    await planning.store(MONDAY + 3 * DAY, ("2601.00009", 9), at=SEOUL_9AM + DAY)
    coming = await ask(planning, "2601.00009", SEOUL_9AM + DAY)
    assert (coming.cause, coming.at) == (Cause.UPCOMING, SEOUL_9AM + 7 * DAY)


@pytest.mark.parametrize("locale", models.Locale)
def test_every_cause_has_a_text(texts: translations.Translations, locale: models.Locale) -> None:
    numbers = dict.fromkeys(("rank", "total", "votes", "least", "top"), 3)
    for cause in Cause:
        values: dict[str, str | int] = {
            "date": "2026-01-01",
            "at": "",
            "topic": "diffusion",
            "source": "none",
            **numbers,
        }
        assert texts.for_locale(locale)(f"why-{cause.value}", **values)
