"""Backoff: delays between attempts of one fetch, and between polls of a failing source. Never sleeps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_BASE_DELAY = 1.0
_MAX_DELAY = 10.0
_MAX_RETRY_AFTER = timedelta(days=1)
_MAX_POLL_INTERVAL = timedelta(hours=24)


class RetryPolicy:
    """Exponential backoff with jitter. `random` gives numbers from 0 up to 1."""

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random

    def retry_delay(self, attempt: int, retry_at: datetime | None, now: datetime) -> float | None:
        """Return the delay in seconds after the given attempt, or None if the server asks for a longer one."""
        delay = _BASE_DELAY * 2 ** (attempt - 1) * (0.5 + self._random() / 2)
        if retry_at is not None:
            delay = max(delay, (retry_at - now).total_seconds())
        return delay if delay <= _MAX_DELAY else None

    def next_poll_delay(self, interval: timedelta, failures: int) -> timedelta:
        """Return the time to the next poll: the interval, doubled with each failure in a row up to a day."""
        delay: timedelta = min(interval * (1 << min(failures, 16)), max(interval, _MAX_POLL_INTERVAL))
        return delay * (1 + 0.1 * self._random())


def parse_retry_after(value: str | None, now: datetime) -> datetime | None:
    """Return the time (UTC) of a Retry-After header in seconds or as an HTTP date, at most a day ahead, or None."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return now + min(timedelta(seconds=int(text[:9])), _MAX_RETRY_AFTER)
    try:
        parsed = parsedate_to_datetime(text)
        retry_at = parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return min(max(retry_at, now), now + _MAX_RETRY_AFTER)
