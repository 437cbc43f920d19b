"""Errors of fetching, with a reason in words that can be shown to readers, and when to try again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from bot.archive import fields
from storage import errors
from storage.models import FetchStatus

_MAX_REASON_LENGTH = 300


def describe_bug(error: Exception) -> str:
    """Return what follows the name of a place that triggered a bug."""
    return f"set off a bug, see the log: {type(error).__name__}"


def clean_reason(text: str) -> str:
    """Return `text` on one printable line of at most 300 characters: it may quote a server or a file name."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text[: 4 * _MAX_REASON_LENGTH])
    return fields.clean_line(printable, _MAX_REASON_LENGTH) or ""


class FetchError(errors.PaperroundError):
    """A location could not be read. `retry_at` (UTC) comes from the server; `is_answered`: it did not stay silent."""

    status = FetchStatus.FAILED
    is_retryable = False
    """Whether another attempt in the same run is worthwhile."""

    def __init__(self, reason: str, *, retry_at: datetime | None = None) -> None:
        super().__init__(clean_reason(reason))
        self.retry_at = retry_at
        self.is_answered = True

    @property
    def reason(self) -> str:
        """The reason in words, one printable line."""
        return str(self)


class BlockedUrlError(FetchError):
    """The URL may not be fetched: a private address, or a scheme other than http and https."""

    status = FetchStatus.REFUSED


class NotFoundError(FetchError):
    """The server answered 404, or the content is an empty list. Whether that is a fault depends on the request."""

    status = FetchStatus.NOT_YET


class GoneError(FetchError):
    """The server answered 410: the page is never requested again."""

    status = FetchStatus.GONE


class BadRequestError(FetchError):
    """The server refuses the request as malformed (400): what it asks for must change."""


class TransientError(FetchError):
    """The exchange broke off, or the server is overloaded: worth another attempt."""

    is_retryable = True


class HtmlPageError(FetchError):
    """The content is an HTML page without a digest, such as an error page with status 200."""


_BASE_DELAY = 1.0
_MAX_DELAY = 10.0
_MAX_RETRY_AFTER = timedelta(days=1)
_MAX_POLL_INTERVAL = timedelta(hours=24)


class RetryPolicy:
    """Exponential backoff with jitter, for a fetch and for polls. `random` gives numbers from 0 up to 1."""

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
