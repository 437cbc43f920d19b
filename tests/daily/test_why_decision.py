"""The dates of the digests that the next post can draw from. Explanations are tested in test_why."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from bot.daily import why
from storage import models
from tests.support.planner_harness import EVENING, SEOUL_9AM

DAY = timedelta(days=1)


def test_an_overdue_post_draws_by_todays_date_and_a_paused_subscription_has_none() -> None:
    subscription = models.Subscription(
        guild_id=1, channel_id=1, timezone="Asia/Seoul", created_at=EVENING, next_due_at=SEOUL_9AM
    )
    assert why.eligible_dates(subscription, EVENING) == (date(2026, 1, 3), date(2026, 1, 5))
    assert why.eligible_dates(subscription, SEOUL_9AM + 5 * DAY) == (date(2026, 1, 8), date(2026, 1, 10))
    assert why.eligible_dates(replace(subscription, state=models.ActivityState.PAUSED), SEOUL_9AM) is None
