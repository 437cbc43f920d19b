"""What every source gives and is given: plain data, so that a pass over all of them knows no kind from another.

A source keeps nothing. What it should remember comes in with the visit, and goes out with each outcome.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from bot.sources.http import errors
from storage import models


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """A text that holds digests. `place` is what it is kept under: a URL, a feed's entry, a path below the folder."""

    text: str
    location: str
    digests: tuple[models.Digest, ...]


@dataclass(frozen=True, slots=True)
class FetchResult:
    """How asking one place ended, and what it gave.

    `pages` are to be remembered once the rest is safely stored, never before: they are what keeps a place from being
    read again. `day` is the digest's day that was asked for; `retry_at` (UTC) the server's wish.
    """

    location: str
    status: models.FetchStatus
    reason: str = ""
    documents: tuple[ParsedDocument, ...] = ()
    facts: tuple[models.PaperFacts, ...] = ()
    page_states: tuple[models.PageState, ...] = ()
    day: date | None = None
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """What a source is told when it is asked.

    `pages` is its memory by place. `days` are the days to ask for, each of them; None leaves the choice to the source:
    what is new, and what may have been corrected. `wanted` are arXiv ids of which somebody needs the facts.
    """

    now: datetime
    page_states: Mapping[str, models.PageState] = field(default_factory=dict)
    days: Sequence[date] | None = None
    arxiv_ids: Sequence[str] = ()


class Source(Protocol):
    """Something that digests or facts come from. Asking it raises nothing but programming errors."""

    def fetch(self, request: FetchRequest) -> AsyncIterator[FetchResult]:
        """Ask each place that is due, one after the other, and give each outcome as soon as it is there."""
        ...


MAX_CONSECUTIVE_FAILURES = 5
"""After so many failures in a row a source is left alone for this visit: its server has other worries than us."""


def failed_result(
    location: str, error: errors.FetchError, request: FetchRequest, day: date | None = None
) -> FetchResult:
    """Return the outcome of a place that could not be read. One that is gone for good is remembered as such."""
    pages: tuple[models.PageState, ...] = ()
    if error.status is models.FetchStatus.GONE:
        pages = (models.PageState(location=location, read_at=request.now, status=error.status),)
    return FetchResult(
        location, error.status, error.reason, page_states=pages, day=day, retry_at=error.retry_at
    )


def known_gone_result(location: str, request: FetchRequest, day: date | None = None) -> FetchResult | None:
    """Return the outcome for a place that was gone for good when it was last asked, without asking it."""
    page = request.page_states.get(location)
    if page is None or page.status is not models.FetchStatus.GONE:
        return None
    return FetchResult(
        location, models.FetchStatus.GONE, f"it is gone for good (410) since {page.read_at:%Y-%m-%d}", day=day
    )
