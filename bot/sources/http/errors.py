"""Errors of fetching. Each has a reason in words that can be shown to readers."""

from __future__ import annotations

from datetime import datetime

from bot import errors
from bot.digests.elements import sanitize
from storage import models

_MAX_REASON_LENGTH = 300


def clean_reason(text: str) -> str:
    """Return `text` on one printable line of at most 300 characters: it may quote a server or a file name."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text[: 4 * _MAX_REASON_LENGTH])
    return sanitize.clean_line(printable, _MAX_REASON_LENGTH) or ""


class FetchError(errors.PaperroundError):
    """A location could not be read. `retry_at` (UTC) comes from the server."""

    status = models.FetchStatus.FAILED
    is_retryable = False
    """Whether another attempt in the same run is worthwhile."""

    def __init__(self, reason: str, *, retry_at: datetime | None = None) -> None:
        super().__init__(clean_reason(reason))
        self.retry_at = retry_at

    @property
    def reason(self) -> str:
        """The reason in words, one printable line."""
        return str(self)


class BlockedUrlError(FetchError):
    """The URL may not be fetched: a private address, or a scheme other than http and https."""

    status = models.FetchStatus.REFUSED


class NotFoundError(FetchError):
    """The server answered 404, or the content is an empty list. Whether that is a fault depends on the request."""

    status = models.FetchStatus.NOT_YET


class GoneError(FetchError):
    """The server answered 410: the page is never requested again."""

    status = models.FetchStatus.GONE


class TransientError(FetchError):
    """The exchange broke off, or the server is overloaded: worth another attempt."""

    is_retryable = True


class HtmlPageError(FetchError):
    """The content is an HTML page without a digest, such as an error page with status 200."""
