"""The registry of post styles for planning: the digests that a post of each style draws from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from bot.services.daily.schedule import DAY
from storage.models import Style, Subscription

ROLLING_DAYS: Mapping[Style, int | None] = {
    Style.COMPACT: None,
    Style.CARDS: None,
    Style.THREAD: None,
    Style.FORUM: None,
    Style.ANNOUNCEMENT: None,
    Style.WEEKLY: 7,
}
"""Number of days whose digests a post draws from, including those of earlier posts.

None: a post draws from each digest of the subscription's `fresh_days` once, after its votes have settled.
"""


def is_rolling(subscription: Subscription) -> bool:
    """Return whether the posts draw from all digests of their last days, instead of each digest once."""
    return ROLLING_DAYS[subscription.style] is not None


def window_days(subscription: Subscription) -> int:
    """Return the number of days whose digests a post can draw from."""
    return ROLLING_DAYS[subscription.style] or subscription.fresh_days


def first_rolling_date(subscription: Subscription, last_on: date) -> date | None:
    """Return the first date of a rolling post that ends on `last_on`; None for a subscription without such posts."""
    return last_on - window_days(subscription) * DAY + DAY if is_rolling(subscription) else None
