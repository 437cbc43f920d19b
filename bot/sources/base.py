"""What all sources share: errors, requests and results, the record of a kind, and parsing of pages.

Sources are stateless: page states arrive with the request and are returned with the results.
"""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import aclosing, nullcontext, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any, Protocol, TypeVar

import pydantic

from bot.archive import fields, html_pages, paper_list, parse, sorting
from bot.archive.digest_writer import Arrival
from bot.core import day_close, isolation
from bot.text import charsets
from storage import errors, models, sources
from storage.models import FetchStatus, SkipReason

_MAX_REASON_LENGTH = 300
_MAX_KEY_LENGTH = 600


def clean_reason(text: str) -> str:
    """Return text that may quote a server or a file as one printable line of at most 300 characters."""
    return fields.clean_line(errors.redact(text[: 4 * _MAX_REASON_LENGTH]), _MAX_REASON_LENGTH) or ""


BAD_REQUEST, NOT_FOUND, GONE, TOO_LARGE = 400, 404, 410, 413
_DENIED = (401, 403, 451)
MAX_FAILED_IN_ROW = 3
"""The number of consecutive failures after which a service gets no more requests for some time."""
_OF_PAGE = frozenset({BAD_REQUEST, NOT_FOUND, GONE, TOO_LARGE, 414})


class FetchError(errors.PaperroundError):
    """Raised if a location cannot be read. The message is one printable line for operators.

    `code` is the HTTP status; 404 for an empty list, 413 for a body over our limit. `retry_at` (UTC) is the time
    requested by the server. `is_blocked`: the SSRF guard forbids the address. `is_retryable`: a retry may succeed.
    `skip_reason` is why a reading skips the location.
    """

    def __init__(
        self,
        reason: str,
        *,
        code: int | None = None,
        retry_at: datetime | None = None,
        is_blocked: bool = False,
        is_retryable: bool = False,
        has_no_list: bool = False,
    ) -> None:
        super().__init__(clean_reason(reason))
        self.code = code
        self.retry_at = retry_at
        self.is_retryable = is_retryable
        self.status = FetchStatus.REFUSED if is_blocked else FetchStatus.FAILED
        is_refused = is_blocked or code in _DENIED
        self.skip_reason = (
            SkipReason.REFUSED if is_refused else SkipReason.NO_LIST if has_no_list else SkipReason.NOT_READ
        )

    @property
    def is_lasting(self) -> bool:
        """Whether a service answered, and will answer the same until something is changed."""
        return self.code is not None and not self.is_retryable

    @property
    def is_of_page(self) -> bool:
        """Whether the location fails alone. All else is the service's: others of its locations would fail, too."""
        return self.code in _OF_PAGE


LARGE_BYTES = 50_000
"""The smallest body that is parsed in the worker process."""


@dataclass(frozen=True, slots=True)
class Response:
    """The response for a URL. `body` is None if the page has not changed since the given page state.

    `url` is the URL after redirects; `charset` is the Content-Type's, in lower case.
    """

    url: str
    body: bytes | None
    page_state: sources.PageState
    charset: str | None = None


Throttle = Callable[[], Awaitable[None]]
"""Waits until the next request may be sent, for example `AsyncLimiter(1, 3).acquire`."""


async def no_throttle() -> None:
    """Return without waiting. This is the default throttle."""


class Fetcher(Protocol):
    """The interface of `fetcher.HttpFetcher`. It is defined here so that users need not load aiohttp."""

    async def get(
        self,
        url: str,
        page_state: sources.PageState | None = None,
        *,
        accept: str = "*/*",
        throttle: Throttle = no_throttle,
    ) -> Response:
        """Fetch a URL. Raises FetchError."""
        ...


@dataclass(frozen=True, slots=True)
class FetchResult:
    """The outcome for one location: a URL, a feed entry or a relative path. Its digests are stored there.

    Save `page_states` only after the digests and facts, since a page with a saved state is not read again.
    `day` is the requested day; `retry_at` (UTC) is the time requested by the server. Save the `progress` of a
    back-fill once this result is stored. `is_gone`: the location does not exist any more. `reading` is None if nothing
    was read there. `listed` are all pages that the source has now: the states of others are removed.
    """

    location: str
    status: FetchStatus
    reason: str = ""
    digests: tuple[models.Digest, ...] = ()
    facts: tuple[models.PaperFacts, ...] = ()
    page_states: tuple[sources.PageState, ...] = ()
    day: date | None = None
    retry_at: datetime | None = None
    progress: Mapping[str, Any] | None = None
    is_gone: bool = False
    arrival: Arrival = Arrival.BY_LOCATION
    reading: models.ReadingReport | None = None
    listed: frozenset[str] | None = None

    def with_reading(
        self, report: models.ReadingReport | None, page_states: Iterable[sources.PageState]
    ) -> FetchResult:
        """Return the result with the report on its reading, and with page states that keep it while the pages do not change."""
        return replace(
            self, reading=report, page_states=tuple(replace(state, reading=report) for state in page_states)
        )


FindListed = Callable[[Collection[str]], Awaitable[Mapping[str, date]]]
"""Returns the first days on which a source listed papers, by key, but for those that it never listed."""


async def find_none(_: Collection[str]) -> Mapping[str, date]:
    """Return what a source without digests has listed."""
    return {}


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """The input of one fetch. `page_states` are keyed by `page_key`; `progress` is the back-fill's.

    `find_listed` reads what is stored of this source. `days` are the days to fetch. If it is None, the source chooses
    days that are new or may have been corrected.
    """

    now: datetime
    page_states: Mapping[str, sources.PageState] = field(default_factory=dict)
    days: Sequence[date] | None = None
    progress: Mapping[str, Any] | None = None
    find_listed: FindListed = find_none

    def known(self, location: str) -> sources.PageState | None:
        """Return the state of a page. Without a report, as of a page that 0.1.0 read, it has to be read again."""
        state = self.page_states.get(page_key(location))
        return state if state is None or state.reading is not None else replace(state, hash=None)


def page_key(location: str) -> str:
    """Return the key under which a location is stored, short enough for a database index."""
    return fields.bounded_key(location, _MAX_KEY_LENGTH)


class Source(Protocol):
    """A source of digests or facts. Fetching reports failures as results and only raises on bugs."""

    def fetch(self, request: FetchRequest) -> AsyncIterator[FetchResult]:
        """Fetch the due locations one by one, and yield each result as soon as it is ready."""
        ...


Endpoints = Mapping[models.SourceKind, str]
"""The base URLs of Hugging Face and arXiv, from the settings."""


@dataclass(frozen=True, slots=True)
class SourceContext:
    fetch: Fetcher
    endpoints: Endpoints
    arxiv_throttle: Throttle
    default_timezone: str
    day_close: day_close.DayClose
    arxiv_rss_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KindRecord:
    """A kind of source. Each member of `models.SourceKind` has one record.

    `matches` returns whether an address looks like this kind; `check` raises UsageError for an invalid
    address; `open` creates the source.
    """

    kind: models.SourceKind
    matches: Callable[[str, Endpoints], bool]
    check: Callable[[str], object]
    open: Callable[[str, Mapping[str, object], SourceContext], Source]
    poll_interval: timedelta
    is_for_lookup: bool = False
    """Whether the papers are for search and alerts only, because they were not hand-picked."""
    stale_after: timedelta | None = None
    """The time without digests after which NOT_YET counts as a failure."""
    has_daily_list: bool = False
    """Whether it publishes daily lists with votes. Such sources are polled first, and often at the close."""
    is_limited: Callable[[str], bool] = lambda _: False
    """Returns whether an address may only add a limited number of new papers a day (UTC)."""


MAX_PAPERS_A_DAY, MAX_PAPERS_AT_FIRST = 1_000, 10_000
"""New papers that a page or feed may add a day (UTC), and in its first poll. arXiv's own feeds have no limit."""


async def get_page(
    fetch: Fetcher,
    location: str,
    request: FetchRequest,
    *,
    accept: str,
    day: date | None = None,
    throttle: Throttle = no_throttle,
) -> Response | FetchResult:
    """Return a page's response, or a result if the page is unchanged or cannot be read."""
    try:
        response = await fetch.get(location, request.known(location), accept=accept, throttle=throttle)
    except FetchError as error:
        return failed_result(location, error, day)
    return (
        unchanged_result(location, request, response.page_state, day) if response.body is None else response
    )


def unchanged_result(
    location: str, request: FetchRequest, state: sources.PageState, day: date | None = None
) -> FetchResult:
    """Return the result for a page that was read again and is as it was."""
    known, status = request.known(location), FetchStatus.UNCHANGED
    report = None if known is None else known.reading
    return FetchResult(location, status, day=day).with_reading(report, [replace(state, status=status)])


async def read_page(location: str, response: Response, day: date | None = None) -> FetchResult:
    """Return the result for a page with digests. Papers without a date are dated `day` if it is given."""
    try:
        digests = await detect_in_response(response, day)
    except FetchError as error:
        return failed_result(location, error, day)
    return read_result(location, digests, [response.page_state], day=day)


def read_result(
    location: str,
    digests: tuple[models.Digest, ...],
    page_states: Sequence[sources.PageState],
    *,
    day: date | None = None,
    arrival: Arrival = Arrival.BY_LOCATION,
) -> FetchResult:
    """Return the result for digests that were read, with the states of their pages."""
    result = FetchResult(location, FetchStatus.OK, digests=digests, day=day, arrival=arrival)
    return result.with_reading(sorting.report_kept(digests), page_states)


def failed_result(location: str, error: FetchError, day: date | None = None) -> FetchResult:
    """Return the result for a failed location. If a day's page is missing, the status is NOT_YET.

    The report has a day that was not read as skipped. If a single-page source fails, its last report is kept.
    """
    if day is None:
        return FetchResult(location, error.status, str(error), retry_at=error.retry_at)
    reason = f"{day}: {error}"
    if error.code in (NOT_FOUND, GONE):
        return FetchResult(location, FetchStatus.NOT_YET, reason, day=day)
    report = models.ReadingReport(skipped=(sorting.skip(error.skip_reason, reason),))
    return FetchResult(location, error.status, str(error), day=day, retry_at=error.retry_at, reading=report)


def decode_text(body: bytes, declared: str | None) -> str:
    """Decode a body, whose Content-Type names the charset `declared`. Raises FetchError if no charset fits."""
    try:
        return charsets.decode(body, declared)
    except charsets.UndecodableError as error:
        raise FetchError(f"its text cannot be decoded: {error}") from error


# Parsing. Large bodies are parsed in a worker process with limits on memory and time.

ACCEPT = "text/markdown, text/plain, text/html;q=0.8, */*;q=0.5"
_MAX_MEGABYTES, _MAX_CPU_SECONDS = 200, 60.0
worker: ContextVar[asyncio.Semaphore | None] = ContextVar("worker", default=None)
"""Admits one source at a time to the worker process; None for a task that need not wait."""
_ENTRIES_AT_ONCE = 250
"""Entries per message from the worker process. Decoding them blocks the event loop for milliseconds only."""


class HasEntries(Protocol):
    """A dataclass with entries: a digest or a feed."""

    @property
    def entries(self) -> Sequence[Any]:
        """The entries, in the order of the document."""
        ...


Parsed = TypeVar("Parsed", bound=HasEntries)


async def parse_off_loop(
    build: Callable[[dict[str, Any]], Parsed],
    entries: pydantic.TypeAdapter[Any],
    parse: Callable[..., tuple[Parsed, ...]],
    *arguments: Any,
    is_large: bool,
) -> tuple[Parsed, ...]:
    """Run a module-level parsing function off the event loop, and return its result.

    It runs in a thread, or in the worker process if `is_large`. From the worker's plain data, `build` creates
    the result without entries, and `entries` validates the entries. Raises the function's PaperroundErrors,
    and FetchError if parsing needs too much memory or time.
    """
    if not is_large:
        return await asyncio.to_thread(parse, *arguments)
    results: list[tuple[Parsed, list[Any]]] = []
    parsing = isolation.stream_isolated(
        _write_parts,
        parse,
        *arguments,
        seconds=_MAX_CPU_SECONDS,
        megabytes=_MAX_MEGABYTES,
        with_database=False,
    )
    async with worker.get() or nullcontext():
        try:
            async with aclosing(parsing) as parts:
                async for part in parts:
                    if isinstance(part, dict):
                        results.append((build(part), []))
                    else:
                        results[-1][1].extend(entries.validate_python(part))
        except isolation.ChildLimitError as error:
            raise FetchError(str(error), code=TOO_LARGE) from error
    return tuple(replace(whole, entries=tuple(parts)) for whole, parts in results)  # type: ignore[type-var]


async def _write_parts(
    parse: Callable[..., tuple[Parsed, ...]], *arguments: Any
) -> AsyncGenerator[Any, None]:
    """Yield each parsed result without its entries, then its entries in batches."""
    for whole in parse(*arguments):
        yield replace(whole, entries=())  # type: ignore[type-var]
        for first in range(0, len(whole.entries), _ENTRIES_AT_ONCE):
            yield whole.entries[first : first + _ENTRIES_AT_ONCE]


_ENTRIES = pydantic.TypeAdapter(tuple[models.Entry, ...])
_PROBLEMS = pydantic.TypeAdapter(tuple[models.Problem, ...])
_SKIPPED = pydantic.TypeAdapter(tuple[models.Skipped, ...])


def _build_digest(plain: dict[str, Any]) -> models.Digest:
    values = {
        "date": date.fromisoformat(plain["date"]),
        "problems": _PROBLEMS.validate_python(plain["problems"]),
        **{name: _SKIPPED.validate_python(plain[name]) for name in ("skipped", "warnings")},
    }
    return models.Digest(**{**plain, **values, "format": models.DigestFormat(plain["format"]), "entries": ()})


async def read_digests(
    read: Callable[..., tuple[models.Digest, ...]], body: bytes, *arguments: Any
) -> tuple[models.Digest, ...]:
    """Parse the digests in a body with a module-level function, off the event loop."""
    is_large = len(body) >= LARGE_BYTES
    return await parse_off_loop(_build_digest, _ENTRIES, read, body, *arguments, is_large=is_large)


async def detect_in_response(response: Response, on: date | None) -> tuple[models.Digest, ...]:
    """Parse the digests in a response. Raises FetchError with a reason if no digest is found.

    `on` is the date for papers without one; if it is None, they form a rolling list.
    """
    name, read_on = response.url, response.page_state.read_at.date()
    return await read_digests(detect_in_bytes, response.body or b"", response.charset, name, on, read_on)


def detect_in_bytes(
    body: bytes, charset_name: str | None, name: str, on: date | None, read_on: date
) -> tuple[models.Digest, ...]:
    """Decode a body and parse its digests; see `detect_in_text`."""
    if not body.strip():
        raise FetchError("its response is empty")
    return detect_in_text(decode_text(body, charset_name), name, on, read_on)


_SHOWN_FILES = {
    "/-/blob/": "/-/raw/",
    "/blob/": "/raw/",
    "/src/branch/": "/raw/branch/",
    "/src/commit/": "/raw/commit/",
}
"""The paths at which GitHub, GitLab, Gitea and Hugging Face show a file of a repository, and those of its text."""


_MAX_FEEDS = 10
"""The feeds of a page among which one is chosen. A page names one or two."""


def _find_raw(url: str) -> str | None:
    """Return the address of the text of the file that a code host's page at this URL shows, or None."""
    return next((url.replace(shown, raw, 1) for shown, raw in _SHOWN_FILES.items() if shown in url), None)


def detect_in_text(
    text: str, name: str, on: date | None, read_on: date, *, is_own: bool = False
) -> tuple[models.Digest, ...]:
    """Parse the digests in a text. Raises FetchError with a reason if no digest is found.

    `name` is the text's path or URL. Papers without a date are dated `on` if it is given. Otherwise they form
    a rolling list dated `read_on`. Only an operator's file (`is_own`) can become a LISTING.
    """
    listing_form = models.DigestFormat.LISTING if is_own else models.DigestFormat.LIST
    try:
        digests = parse.parse_text(text, name, on or read_on, listing_form)
    except errors.NotADigestError as error:
        reason = "" if str(error) == paper_list.NO_PAPER else f": {error}"
        missing = "it is an HTML page without a digest" if parse.is_html(text) else "there is no digest in it"
        with suppress(ValueError):  # a malformed address
            feeds = list(filter(fields.clean_url, islice(html_pages.find_feeds(text, name), _MAX_FEEDS)))
            # Blogs name a feed of their comments, too.
            if feed := next((url for url in feeds if "comments" not in url), next(iter(feeds), None)):
                missing = f"{missing}. Its feed is {feed}: add that address"
        if parse.is_html(text) and (raw := _find_raw(name)) is not None:
            missing = f"{missing}. If it shows a file, its text is at {raw}: add that address"
        raise FetchError(f"{missing}{reason}", has_no_list=True) from None
    if not any(digest.entries for digest in digests):
        raise FetchError("its list of papers is empty", code=NOT_FOUND, has_no_list=True)
    return tuple(replace(digest, is_rolling=False) for digest in digests) if on else digests
