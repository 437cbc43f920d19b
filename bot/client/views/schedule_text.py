"""Schedules and points in time as texts of the interface. A post's own texts come from templates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.client.translations import Texts
from bot.rendering.wording import filters
from bot.services.daily.subscriptions import SubscriptionOptions
from storage import models


def format_timestamp(at: datetime, style: str) -> str:
    """Return Discord's markup of a time, which each client shows in its own time zone."""
    return f"<t:{int(at.timestamp())}:{style}>"


def format_schedule(texts: Texts, options: SubscriptionOptions | models.Subscription) -> str:
    """Return a schedule: `Every day at 09:00 (Seoul)`."""
    zone = filters.render_zone(options.timezone, texts.locale.value)
    text_id = "schedule" if options.when is models.When.HOUR else "schedule-complete"
    return texts(text_id, days=format_days(texts, options.days), time=options.at_time, zone=zone)


def format_days(texts: Texts, days: Sequence[int]) -> str:
    """Return the names of ISO weekdays; all days or all workdays have one name."""
    if tuple(days) == filters.EVERY_DAY:
        return texts("every-day")
    if tuple(days) == filters.WORKDAYS:
        return texts("workdays")
    return texts("on-days", days="·".join(format_weekday(texts, day) for day in days))


def format_weekday(texts: Texts, day: int) -> str:
    """Return the short name of an ISO weekday."""
    return filters.render_weekday(day, texts.locale.value)
