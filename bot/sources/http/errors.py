"""Why a place could not be read, as a small tree of errors. Each holds a reason in words, fit to be shown."""

from __future__ import annotations

from datetime import datetime

from bot import errors
from storage import models

_MAX_REASON_LENGTH = 300


def clean_reason(text: str) -> str:
    """Return `text` on one line, printable and bounded: what a server says ends up in tables, logs and messages."""
    kept = "".join(letter if letter.isprintable() else " " for letter in text[: 4 * _MAX_REASON_LENGTH])
    words = " ".join(kept.split())
    return words if len(words) <= _MAX_REASON_LENGTH else words[: _MAX_REASON_LENGTH - 1] + "…"


class FetchError(errors.PaperroundError):
    """A place could not be read. `retry_at` (UTC) is the server's own wish; `again` says whether to try at once."""

    status = models.FetchStatus.FAILED
    is_retryable = False

    def __init__(self, reason: str, *, retry_at: datetime | None = None) -> None:
        super().__init__(clean_reason(reason))
        self.retry_at = retry_at

    @property
    def reason(self) -> str:
        """The reason in words, one printable line."""
        return str(self)


class BlockedUrlError(FetchError):
    """We declined to go there: a private address, or another scheme than http and https."""

    status = models.FetchStatus.REFUSED


class NotFoundError(FetchError):
    """Nothing is there (404). Whether that is a fault depends on what was asked for."""

    status = models.FetchStatus.NOT_YET


class GoneError(FetchError):
    """What was there has been taken away for good (410): never ask again."""

    status = models.FetchStatus.GONE


class TransientError(FetchError):
    """The exchange broke, or the server says that it is busy: worth another try."""

    is_retryable = True


class HtmlPageError(FetchError):
    """A web page for people is there, an error page most likely, whatever its status says."""
