"""How long to wait: before another try within a pass, and until a failing source's next turn. Sleeps nowhere itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 10.0
_LONGEST_WISH = timedelta(days=1)
_SLOWEST_PACE = timedelta(hours=24)


class Patience:
    """Waits that double, with jitter so that many who failed together don't come back together."""

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random

    def before_retry(self, attempt: int, retry_at: datetime | None, now: datetime) -> float | None:
        """Return the seconds to wait after the `attempt`th try, or None where the server wants us back much later."""
        pause = _FIRST_PAUSE * 2 ** (attempt - 1) * (0.5 + self._random() / 2)
        if retry_at is not None:
            pause = max(pause, (retry_at - now).total_seconds())
        return pause if pause <= _LONGEST_PAUSE else None

    def before_next_pass(self, pace: timedelta, failures: int) -> timedelta:
        """Return the time to a source's next turn: its own pace, doubled with each failure in a row, a day at most."""
        slowed: timedelta = min(pace * (1 << min(failures, 16)), max(pace, _SLOWEST_PACE))
        return slowed * (1 + 0.1 * self._random())


def parse_retry_after(value: str | None, now: datetime) -> datetime | None:
    """Read a Retry-After header, seconds or an HTTP date, as a moment in UTC at most a day ahead; None for anything else."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return now + min(timedelta(seconds=int(text[:9])), _LONGEST_WISH)
    try:
        moment = parsedate_to_datetime(text)
        aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return min(max(aware, now), now + _LONGEST_WISH)
