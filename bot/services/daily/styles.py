"""The registry of post styles for planning: the digests that a post of each style draws from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from bot.services.daily.schedule import DAY
from storage.models import Style, Subscription


@dataclass(frozen=True, slots=True)
class DrawingRule:
    """The digests that a post draws from.

    With `rolling_days`: all digests of its last days, including those of earlier posts. Otherwise each digest of the
    subscription's `fresh_days` once, after its votes have settled.
    """

    rolling_days: int | None = None


DRAWING_RULES: Mapping[Style, DrawingRule] = {
    Style.COMPACT: DrawingRule(),
    Style.CARDS: DrawingRule(),
    Style.THREAD: DrawingRule(),
    Style.FORUM: DrawingRule(),
    Style.ANNOUNCEMENT: DrawingRule(),
    Style.WEEKLY: DrawingRule(rolling_days=7),
}


def is_rolling(subscription: Subscription) -> bool:
    """Return whether the posts draw from all digests of their last days, instead of each digest once."""
    return DRAWING_RULES[subscription.style].rolling_days is not None


def window_days(subscription: Subscription) -> int:
    """Return the number of days whose digests a post can draw from."""
    return DRAWING_RULES[subscription.style].rolling_days or subscription.fresh_days


def first_rolling_date(subscription: Subscription, last_on: date) -> date | None:
    """Return the first date of a rolling post that ends on `last_on`; None for a subscription without such posts."""
    return last_on - window_days(subscription) * DAY + DAY if is_rolling(subscription) else None
