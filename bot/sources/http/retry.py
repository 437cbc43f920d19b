"""How long to wait: before another try within a pass, and until a failing source's next turn. Sleeps nowhere itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_BASE_DELAY = 1.0
_MAX_DELAY = 10.0
_MAX_RETRY_AFTER = timedelta(days=1)
_MAX_POLL_INTERVAL = timedelta(hours=24)


class RetryPolicy:
    """Waits that double, with jitter so that many who failed together don't come back together."""

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random

    def retry_delay(self, attempt: int, retry_at: datetime | None, now: datetime) -> float | None:
        """Return the seconds to wait after the `attempt`th try, or None where the server wants us back much later."""
        pause = _BASE_DELAY * 2 ** (attempt - 1) * (0.5 + self._random() / 2)
        if retry_at is not None:
            pause = max(pause, (retry_at - now).total_seconds())
        return pause if pause <= _MAX_DELAY else None

    def next_poll_delay(self, interval: timedelta, failures: int) -> timedelta:
        """Return the time to a source's next turn: its own pace, doubled with each failure in a row, a day at most."""
        slowed: timedelta = min(interval * (1 << min(failures, 16)), max(interval, _MAX_POLL_INTERVAL))
        return slowed * (1 + 0.1 * self._random())


def parse_retry_after(value: str | None, now: datetime) -> datetime | None:
    """Read a Retry-After header, seconds or an HTTP date, as a moment in UTC at most a day ahead; None for anything else."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return now + min(timedelta(seconds=int(text[:9])), _MAX_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(text)
        aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return min(max(aware, now), now + _MAX_RETRY_AFTER)
