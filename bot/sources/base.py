"""The port of a source: the request it gets, the results it yields, and the record that describes its kind.

A source keeps no state. Its page states come in with the request and go out with the results.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Protocol

from bot import day_close
from bot.sources.http import errors
from storage import models

if TYPE_CHECKING:
    from bot.sources.http import fetcher  # loads aiohttp
    from bot.sources.http.response import Response


@dataclass(frozen=True, slots=True)
class FetchResult:
    """The outcome of fetching one location: a URL, feed entry or relative path, which its digests are stored under.

    `page_states` may be saved only after digests and facts are stored: they prevent a second read. `day` is the
    requested day of the digest; `retry_at` (UTC) comes from the server.
    """

    location: str
    status: models.FetchStatus
    reason: str = ""
    digests: tuple[models.Digest, ...] = ()
    facts: tuple[models.PaperFacts, ...] = ()
    page_states: tuple[models.PageState, ...] = ()
    day: date | None = None
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """Input of one fetch. `page_states` are keyed by location.

    `days` are the days to fetch; None lets the source choose those that are new or may have been corrected.
    `arxiv_ids` are the papers without facts from this source.
    """

    now: datetime
    page_states: Mapping[str, models.PageState] = field(default_factory=dict)
    days: Sequence[date] | None = None
    arxiv_ids: Sequence[str] = ()


class Source(Protocol):
    """A place that digests or facts come from. Fetching raises only programming errors."""

    def fetch(self, request: FetchRequest) -> AsyncIterator[FetchResult]:
        """Fetch each due location in turn and yield each result at once."""
        ...


class Stage(IntEnum):
    """The order in which the kinds are polled in one run."""

    VOTES = 1
    """Before the digests, so that a digest finds the votes of its papers."""
    DIGESTS = 2
    MISSING_FACTS = 3
    """After the digests, with the papers that lack facts of this kind."""


Endpoints = Mapping[models.SourceKind, str]
"""Base addresses of Hugging Face and arXiv, from the settings."""


@dataclass(frozen=True, slots=True)
class SourceContext:
    """Dependencies of sources. `throttles` holds one limiter for each kind with `seconds_per_request`."""

    fetch: fetcher.Fetcher
    endpoints: Endpoints
    throttles: Mapping[models.SourceKind, fetcher.Throttle]
    default_timezone: str
    day_close: day_close.DayClose = field(default_factory=day_close.default)


@dataclass(frozen=True, slots=True, kw_only=True)
class KindRecord:
    """Everything the rest of the bot asks about a kind of source. One per member of `models.SourceKind`.

    `matches` guesses the kind from an address; `check` raises UsageError for an address that cannot be used; `open`
    creates the source; `public_label` names it without secrets.
    """

    kind: models.SourceKind
    matches: Callable[[str, Endpoints], bool]
    check: Callable[[str], None]
    open: Callable[[str, Mapping[str, object], SourceContext], Source]
    public_label: Callable[[str], str]
    poll_interval: timedelta
    pending_poll_interval: timedelta | None = None
    """Interval while the newest digest is not published yet; None: no difference."""
    stage: Stage = Stage.DIGESTS
    seconds_per_request: float | None = None
    """Minimum time between two requests, over all sources of the kind."""
    stale_after: timedelta | None = None
    """Time without any digest after which NOT_YET counts as a failure."""
    has_daily_list: bool = False
    """Whether it is read often around the time at which a day's list closes."""
    page_retention: timedelta | None = None
    """Age at which page states are deleted; None keeps them."""


MAX_CONSECUTIVE_FAILURES = 5
"""Failures in a row after which a source is skipped for the rest of the run: its server is probably down."""


async def stop_after_failures(results: AsyncGenerator[FetchResult]) -> AsyncIterator[FetchResult]:
    """Yield `results` until MAX_CONSECUTIVE_FAILURES in a row have failed."""
    failures = 0
    async with contextlib.aclosing(results):
        async for result in results:
            yield result
            failures = failures + 1 if result.status is models.FetchStatus.FAILED else 0
            if failures == MAX_CONSECUTIVE_FAILURES:
                return


async def get_page(
    fetch: fetcher.Fetcher, location: str, request: FetchRequest, *, accept: str, day: date | None = None
) -> Response | FetchResult:
    """Return the new content of a page, or the result for one that is unchanged, gone or cannot be read."""
    if (gone := known_gone_result(location, request, day)) is not None:
        return gone
    try:
        response = await fetch.get(location, request.page_states.get(location), accept=accept)
    except errors.FetchError as error:
        return failed_result(location, error, request, day)
    if response.body is None:
        return FetchResult(
            location, models.FetchStatus.UNCHANGED, page_states=(response.page_state,), day=day
        )
    return response


def failed_result(
    location: str, error: errors.FetchError, request: FetchRequest, day: date | None = None
) -> FetchResult:
    """Return the result for a location that could not be read.

    A day without a digest is NOT_YET, a missing page without a day FAILED. GONE is stored in the page state.
    """
    if isinstance(error, errors.NotFoundError):
        if day is None:
            return FetchResult(location, models.FetchStatus.FAILED, error.reason)
        return FetchResult(location, error.status, f"{day}: {error.reason}", day=day)
    page_states: tuple[models.PageState, ...] = ()
    if error.status is models.FetchStatus.GONE:
        page_states = (models.PageState(location=location, read_at=request.now, status=error.status),)
    return FetchResult(
        location, error.status, error.reason, page_states=page_states, day=day, retry_at=error.retry_at
    )


def known_gone_result(location: str, request: FetchRequest, day: date | None = None) -> FetchResult | None:
    """Return the result for a location that answered 410 before; it is not requested again."""
    page_state = request.page_states.get(location)
    if page_state is None or page_state.status is not models.FetchStatus.GONE:
        return None
    reason = f"it is gone for good (410) since {page_state.read_at:%Y-%m-%d}"
    return FetchResult(location, models.FetchStatus.GONE, reason, day=day)
