"""What all sources share: the port with its request and results, the record of a kind, and the digests in a fetched page.

A source keeps no state. Its page states come in with the request and go out with the results. A page of HTML is read as
Markdown.
"""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

import structlog

from bot.archive import parse
from bot.core import day_close, isolation
from bot.sources import fetch_errors
from storage import errors, models
from storage.models import FetchStatus

if TYPE_CHECKING:
    from bot.sources import fetcher
    from bot.sources.fetcher import Response

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FetchResult:
    """The outcome of fetching one location: a URL, feed entry or relative path, which its digests are stored under.

    `page_states` may be saved only after digests and facts are stored: they prevent a second read. `day` is the
    requested day of the digest; `retry_at` (UTC) comes from the server; `failure` is that of the request, if it had one.
    `progress` is that of a back-fill once this result and those before it are stored; `is_unfinished`: the next poll is to
    continue it at once. `missing_ids` are requested papers that the service does not have.
    """

    location: str
    status: FetchStatus
    reason: str = ""
    digests: tuple[models.Digest, ...] = ()
    facts: tuple[models.PaperFacts, ...] = ()
    page_states: tuple[models.PageState, ...] = ()
    day: date | None = None
    retry_at: datetime | None = None
    failure: fetch_errors.FetchError | None = None
    progress: Mapping[str, Any] | None = None
    is_unfinished: bool = False
    missing_ids: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """Input of one fetch. `page_states` are keyed by location.

    `days` are the days to fetch; None lets the source choose those that are new or may have been corrected.
    `arxiv_ids` are the papers without facts from this source. `progress` is that of its back-fill, which goes on for
    `max_seconds`: None until it is done, 0 not at all.
    """

    now: datetime
    page_states: Mapping[str, models.PageState] = field(default_factory=dict)
    days: Sequence[date] | None = None
    arxiv_ids: Sequence[str] = ()
    progress: Mapping[str, Any] | None = None
    max_seconds: float | None = None


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
    arxiv_rss_url: str = "https://rss.arxiv.org/rss"
    arxiv_oai_url: str = "https://oaipmh.arxiv.org/oai"


class BackFill(NamedTuple):
    """How far a back-fill is: `papers` stored that were submitted since a day, out of `read` of `size` records."""

    since: str
    papers: int
    read: int
    size: int | None
    is_done: bool

    def describe(self) -> str:
        """Return the sentence of `paperround sources list`."""
        papers = f"{self.papers:,} papers since {self.since}"
        of = "" if self.size is None else f" of {self.size:,}"
        return (
            f"back-fill done: {papers}"
            if self.is_done
            else f"back-fill: {self.read:,}{of} records read, {papers}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class KindRecord:
    """Everything the rest of the bot asks about a kind of source. One for each member of `models.SourceKind`, two for arXiv.

    `matches` guesses the kind from an address; `check` raises UsageError for an address that cannot be used; `open`
    creates the source.
    """

    kind: models.SourceKind
    scheme: str = ""
    """Begin of the addresses of this record, where a kind has two."""
    matches: Callable[[str, Endpoints], bool]
    check: Callable[[str], None]
    open: Callable[[str, Mapping[str, object], SourceContext], Source]
    read_back_fill: Callable[[Mapping[str, Any]], BackFill | None] = lambda _: None
    """Returns how far a back-fill is, from a source's stored progress."""
    poll_interval: timedelta
    pending_poll_interval: timedelta | None = None
    """Interval while the newest digest is not published yet; None: no difference."""
    stage: Stage = Stage.DIGESTS
    is_for_lookup: bool = False
    """Whether all that it brings is for look-up and alerts: facts, or papers that no person has chosen."""
    seconds_per_request: float | None = None
    """Minimum time between two requests, over all sources of the kind."""
    stale_after: timedelta | None = None
    """Time without any digest after which NOT_YET counts as a failure."""
    has_daily_list: bool = False
    """Whether it is read often around the time at which a day's list closes."""
    max_new_papers: int | None = None
    """New papers that a source may bring in a day (UTC); None for services and the operator's own files."""
    max_page_states: int | None = 5_000
    """Page states kept, those read last: more than a feed's 2,000 entries and their links have; None keeps all."""


MAX_NEW_PAPERS = 5_000
"""The limit of strangers' pages and feeds: one digest may have as many, and all of arXiv announces a fifth of that a day."""
MAX_CONSECUTIVE_FAILURES = 5
"""Failures in a row after which a source is skipped for the rest of the run: its server is probably down."""
MAX_CONSECUTIVE_ERRORS = 30
"""Requested days in a row that a server may answer with an error: a hole in its archive, not an outage."""


async def fetch_days(
    fetch: Callable[[date, FetchRequest], Awaitable[FetchResult]], days: Iterable[date], request: FetchRequest
) -> AsyncIterator[FetchResult]:
    """Yield the result of each day. Once the server seems to be down, the other days have failed without a request.

    A day whose content cannot be read does not count for that: the next one may be readable.
    """
    unanswered = errors_in_row = 0
    for day in days:
        is_down = unanswered >= MAX_CONSECUTIVE_FAILURES or (
            errors_in_row >= (MAX_CONSECUTIVE_FAILURES if request.days is None else MAX_CONSECUTIVE_ERRORS)
        )
        if is_down:
            yield FetchResult(day.isoformat(), FetchStatus.FAILED, NOT_ASKED, day=day)
            continue
        result = await read_apart(day.isoformat(), fetch(day, request), day=day)
        failure = result.failure
        is_away = failure is not None and (failure.retry_at is not None or not failure.is_answered)
        unanswered = unanswered + 1 if is_away else 0
        errors_in_row = errors_in_row + 1 if failure is not None else 0
        yield result


Read = TypeVar("Read")


async def read_apart(
    location: str,
    reading: Awaitable[Read],
    page_states: tuple[models.PageState, ...] = (),
    day: date | None = None,
) -> Read | FetchResult:
    """Return what reading one place gives. A bug that it triggers is its failure, with these page states: others are read."""
    with isolation.isolated(log, "place failed with a bug", place=location) as failures:
        return await reading
    reason = f"{location} {fetch_errors.describe_bug(failures[0])}"
    return FetchResult(
        location, FetchStatus.FAILED, fetch_errors.clean_reason(reason), page_states=page_states, day=day
    )


NOT_ASKED = "not asked, since the server failed too often in a row"
"""The reason of days for which no request was sent."""


async def get_page(
    fetch: fetcher.Fetcher, location: str, request: FetchRequest, *, accept: str, day: date | None = None
) -> Response | FetchResult:
    """Return the new content of a page, or the result for one that is unchanged, gone or cannot be read."""
    if (gone := known_gone_result(location, request, day)) is not None:
        return gone
    try:
        response = await fetch.get(location, request.page_states.get(location), accept=accept)
    except fetch_errors.FetchError as error:
        result = failed_result(location, error, request, day)
        return replace(result, failure=error if result.status is FetchStatus.FAILED else None)
    if response.body is None:
        return FetchResult(location, FetchStatus.UNCHANGED, page_states=(response.page_state,), day=day)
    return response


def failed_result(
    location: str, error: fetch_errors.FetchError, request: FetchRequest, day: date | None = None
) -> FetchResult:
    """Return the result for a location that could not be read.

    A day without a digest is NOT_YET, a missing page without a day FAILED. GONE is stored in the page state.
    """
    if isinstance(error, fetch_errors.NotFoundError):
        if day is None:
            return FetchResult(location, FetchStatus.FAILED, error.reason)
        return FetchResult(location, error.status, f"{day}: {error.reason}", day=day)
    page_states: tuple[models.PageState, ...] = ()
    if error.status is FetchStatus.GONE:
        page_states = (models.PageState(location=location, read_at=request.now, status=error.status),)
    return FetchResult(
        location, error.status, error.reason, page_states=page_states, day=day, retry_at=error.retry_at
    )


def known_gone_result(location: str, request: FetchRequest, day: date | None = None) -> FetchResult | None:
    """Return the result for a location that answered 410 before; it is not requested again."""
    page_state = request.page_states.get(location)
    if page_state is None or page_state.status is not FetchStatus.GONE:
        return None
    reason = f"it is gone for good (410) since {page_state.read_at:%Y-%m-%d}"
    return FetchResult(location, FetchStatus.GONE, reason, day=day)


# Detects digests in fetched texts. A large answer is read in a process of its own with limited memory.

ACCEPT = "text/markdown, text/plain, text/html;q=0.8, */*;q=0.5"
LARGE_BYTES = 200_000
"""Body size in bytes from which it is read in a process of its own."""
MAX_MEGABYTES = 200
"""Limit of the data segment of that process, and so of the digests that it returns."""
_MAX_CPU_SECONDS = 300.0
_ENTRIES_AT_ONCE = 50
MAX_DAYS = 400
"""Days read of one page at once: a page may have new ones at each poll. Files in a folder have no limit."""


async def detect_in_response(response: Response, on: date | None = None) -> tuple[models.Digest, ...]:
    """Return the digests in a response. Raises FetchError with the reason if it has no digest.

    `on` is the day of papers without a date: without it their list is a rolling one, read now.
    """
    name, read_on = response.url, response.page_state.read_at.date()
    body = response.body or b""
    if not body.strip():
        raise fetch_errors.FetchError("its answer is empty")
    return await read_digests(detect_in_bytes, body, response.charset, name, on, read_on)


async def read_digests(
    read: Callable[..., tuple[models.Digest, ...]], body: bytes, *arguments: Any
) -> tuple[models.Digest, ...]:
    """Return the digests that a function of a module reads in bytes: off the event loop, if they are many in their own process.

    Raises the function's PaperroundErrors, and FetchError for a body that takes too much memory or time.
    """
    if len(body) >= LARGE_BYTES:
        # Where no process can be started, a thread does it.
        with suppress(isolation.ChildStartError):
            return await _read_in_process(read, body, *arguments)
    return await asyncio.to_thread(read, body, *arguments)


def detect_in_text(
    text: str, name: str = "", on: date | None = None, read_on: date | None = None, *, is_own: bool = False
) -> tuple[models.Digest, ...]:
    """Return the digests in a text, of its newest MAX_DAYS. Raises FetchError with the reason if it has no digest.

    `name` is its path or address. Papers without any date are those of the day `on`, or else a rolling list read on `read_on`.
    A file of the operator (`is_own`) may have any number of days, and be the listing of a service.
    """
    listing_form = models.DigestFormat.LISTING if is_own else models.DigestFormat.LIST
    try:
        digests = parse.parse_text(text, name, on or read_on, listing_form)
    except errors.NotADigestError as error:
        reason = "" if str(error) == parse.NO_DATE else f": {error}"
        if parse.is_html(text):
            raise fetch_errors.HtmlPageError(f"it is an HTML page without a digest{reason}") from None
        raise fetch_errors.FetchError(f"there is no digest in it{reason}") from None
    if not any(digest.entries for digest in digests):
        raise fetch_errors.NotFoundError("its list of papers is empty")
    digests = digests if is_own else _newest_days(digests)
    return tuple(replace(digest, is_rolling=False) for digest in digests) if on else digests


def _newest_days(digests: tuple[models.Digest, ...]) -> tuple[models.Digest, ...]:
    """Return the digests of the newest days; the first of them names the days that are left out as a problem."""
    days = sorted({digest.date for digest in digests}, reverse=True)
    if len(days) <= MAX_DAYS:
        return digests
    left_out = f"of {len(days)} days the newest {MAX_DAYS} are read; older ones, up to {days[MAX_DAYS]}, are left out"
    first, *others = (digest for digest in digests if digest.date >= days[MAX_DAYS - 1])
    return replace(first, problems=(*first.problems, models.Problem(1, left_out))), *others


async def stream_from_process(
    stream: Callable[..., Iterator[Any]], *arguments: Any
) -> AsyncGenerator[Any, None]:
    """Yield what a generator function of a module yields in a process of its own, as plain data.

    Raises FetchError for what takes too much memory or time, and isolation.ChildStartError.
    """
    parts = isolation.stream_isolated(stream, *arguments, seconds=_MAX_CPU_SECONDS, megabytes=MAX_MEGABYTES)
    try:
        async with aclosing(parts):
            async for part in parts:
                yield part
    except isolation.ChildLimitError as error:
        raise fetch_errors.FetchError(str(error)) from error


async def _read_in_process(
    read: Callable[..., tuple[models.Digest, ...]], *arguments: Any
) -> tuple[models.Digest, ...]:
    found: list[tuple[dict[str, Any], list[models.Entry]]] = []
    async with aclosing(stream_from_process(_stream_digests, read, *arguments)) as parts:
        async for part in parts:
            if isinstance(part, dict):
                found.append((part, []))
            else:
                found[-1][1].extend(map(_build_entry, part))
    return tuple(
        models.Digest(
            format=models.DigestFormat(head["format"]),
            date=date.fromisoformat(head["date"]),
            entries=tuple(entries),
            problems=tuple(models.Problem(**problem) for problem in head["problems"]),
            text=head["text"],
            is_rolling=head["is_rolling"],
        )
        for head, entries in found
    )


def _build_entry(fields: dict[str, Any]) -> models.Entry:
    sections = tuple(models.Section(**section) for section in fields["sections"])
    return models.Entry(**{**fields, "authors": tuple(fields["authors"]), "sections": sections})


def detect_in_bytes(
    body: bytes, charset_name: str | None, name: str, on: date | None, read_on: date
) -> tuple[models.Digest, ...]:
    """Return the digests in the text of these bytes, as `detect_in_text` does."""
    from bot.sources import fetcher  # loads aiohttp

    return detect_in_text(fetcher.decode_text(body, charset_name), name, on, read_on)


def _stream_digests(read: Callable[..., tuple[models.Digest, ...]], *arguments: Any) -> Iterator[Any]:
    """Yield each digest without its entries, then its entries in parts."""
    for digest in read(*arguments):
        yield replace(digest, entries=())
        for start in range(0, len(digest.entries), _ENTRIES_AT_ONCE):
            yield digest.entries[start : start + _ENTRIES_AT_ONCE]
