"""What all sources share: errors, the port with its request and results, the record of a kind, a page's text and digests.

A source keeps no state. Its page states come in with the request and go out with the results. A page of HTML is read as
Markdown.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import IntEnum
from typing import Any, NamedTuple, Protocol, TypeVar

import pydantic
import structlog
from w3lib import encoding as web_encoding

from bot.archive import fields, parse
from bot.core import day_close, isolation
from storage import errors, models
from storage.models import FetchStatus

log = structlog.get_logger(__name__)

# Errors of fetching, with a reason in words that can be shown to readers.

_MAX_REASON_LENGTH = 300
_MAX_KEY_LENGTH = 600


def clean_reason(text: str) -> str:
    """Return `text` on one printable line of at most 300 characters: it may quote a server or a file name."""
    printable = "".join(
        letter if letter.isprintable() else " " for letter in errors.redact(text[: 4 * _MAX_REASON_LENGTH])
    )
    return fields.clean_line(printable, _MAX_REASON_LENGTH) or ""


class FetchError(errors.PaperroundError):
    """A location could not be read. `retry_at` (UTC) comes from the server; `is_answered`: even if by an error."""

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


class AnswerTooLargeError(BadRequestError):
    """The answer is larger than what is read: less must be asked for."""


class TransientError(FetchError):
    """The exchange broke off, or the server is overloaded: worth another attempt."""

    is_retryable = True


class HtmlPageError(FetchError):
    """The content is an HTML page without a digest, such as an error page with status 200."""


# Answers.


LARGE_BYTES = 200_000
"""Body size in bytes from which it is parsed in the worker process."""


@dataclass(frozen=True, slots=True)
class Response:
    """The content of an address. `body` is None if it is unchanged since the page state that was passed.

    `url` is the last address of the redirects; `charset` and `media_type` are the server's values in lower case.
    """

    url: str
    body: bytes | None
    page_state: models.PageState
    media_type: str = ""
    charset: str | None = None

    def text(self) -> str:
        """Return the decoded body. Raises FetchError if no charset fits."""
        return decode_text(self.body or b"", self.charset)


Throttle = Callable[[], Awaitable[None]]
"""Waits until the next request may be sent, such as `AsyncLimiter(1, 3).acquire`."""


async def no_throttle() -> None:
    """Default of `throttle`: does not wait."""


class Fetcher(Protocol):
    """What sources use of `fetcher.Fetcher`, which loads aiohttp."""

    async def get(
        self,
        url: str,
        page_state: models.PageState | None = None,
        *,
        accept: str = "*/*",
        throttle: Throttle = no_throttle,
    ) -> Response:
        """Return the content of an address. Raises FetchError."""
        ...


# Requests and results.


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
    failure: FetchError | None = None
    progress: Mapping[str, Any] | None = None
    is_unfinished: bool = False
    missing_ids: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """Input of one fetch. `page_states` are by `page_key`.

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

    def known(self, location: str) -> models.PageState | None:
        """Return the state of a page that was read before."""
        return self.page_states.get(page_key(location))


def page_key(location: str) -> str:
    """Return the key under which storage keeps the state of a location: short enough for a database index."""
    return fields.bounded_key(location, _MAX_KEY_LENGTH)


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

    fetch: Fetcher
    endpoints: Endpoints
    throttles: Mapping[models.SourceKind, Throttle]
    default_timezone: str
    day_close: day_close.DayClose = field(default_factory=day_close.default)
    arxiv_rss_url: str = "https://rss.arxiv.org/rss"


class BackFill(NamedTuple):
    """How far a back-fill is: `papers` stored that were submitted since a day, and the share of its days that are read."""

    since: str
    papers: int
    share: float
    is_done: bool

    def describe(self) -> str:
        """Return the sentence of `paperround sources list`."""
        papers = f"{self.papers:,} paper{'' if self.papers == 1 else 's'} since {self.since}"
        return f"back-fill done: {papers}" if self.is_done else f"back-fill: {self.share:.0%} read, {papers}"


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
    check: Callable[[str], object]
    open: Callable[[str, Mapping[str, object], SourceContext], Source]
    read_back_fill: Callable[[Mapping[str, Any]], BackFill | None] = lambda _: None
    """Returns how far a back-fill is, from a source's stored progress."""
    poll_interval: timedelta
    pending_poll_interval: timedelta | None = None
    """Interval while the newest digest is not published yet; None: no difference."""
    stage: Stage = Stage.DIGESTS
    is_for_lookup: bool = False
    """Whether all that it brings is for search and alerts: facts, or papers that no person has chosen."""
    seconds_per_request: float | None = None
    """Minimum time between two requests, over all sources of the kind."""
    stale_after: timedelta | None = None
    """Time without any digest after which NOT_YET counts as a failure."""
    has_daily_list: bool = False
    """Whether it is read often around the time at which a day's list closes."""
    is_limited: Callable[[str], bool] = lambda _: False
    """Returns whether the source at an address may bring only so many new papers in a day (UTC)."""
    max_page_states: int | None = 5_000
    """Page states kept, those read last: more than a feed's 2,000 entries and their links have; None keeps all."""


MAX_PAPERS_A_DAY, MAX_PAPERS_AT_FIRST = 1_000, 10_000
"""New papers that a page or feed may bring in a day (UTC), and in its first poll. arXiv's own feeds are read whole."""
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
Parsed = TypeVar("Parsed")


async def read_apart(
    location: str,
    reading: Awaitable[Read],
    page_states: tuple[models.PageState, ...] = (),
    day: date | None = None,
) -> Read | FetchResult:
    """Return what reading one place gives. A bug that it triggers is its failure, with these page states: others are read."""
    with isolation.isolated(
        log, "reading a location failed because of a bug", place=errors.redact(location)
    ) as failures:
        return await reading
    reason = f"{location} {fields.describe_bug(failures[0])}"
    return FetchResult(location, FetchStatus.FAILED, clean_reason(reason), page_states=page_states, day=day)


NOT_ASKED = "not requested, since the server failed too many times in a row"
"""The reason of days for which no request was sent."""


async def get_page(
    fetch: Fetcher,
    location: str,
    request: FetchRequest,
    *,
    accept: str,
    day: date | None = None,
    throttle: Throttle = no_throttle,
) -> Response | FetchResult:
    """Return the new content of a page, or the result for one that is unchanged, gone or cannot be read."""
    if (gone := known_gone_result(location, request, day)) is not None:
        return gone
    try:
        response = await fetch.get(location, request.known(location), accept=accept, throttle=throttle)
    except FetchError as error:
        result = failed_result(location, error, request, day)
        return replace(result, failure=error if result.status is FetchStatus.FAILED else None)
    if response.body is None:
        return FetchResult(location, FetchStatus.UNCHANGED, page_states=(response.page_state,), day=day)
    return response


def failed_result(
    location: str, error: FetchError, request: FetchRequest, day: date | None = None
) -> FetchResult:
    """Return the result for a location that could not be read.

    A day without a digest is NOT_YET, a missing page without a day FAILED. GONE is stored in the page state.
    """
    if isinstance(error, NotFoundError):
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
    page_state = request.known(location)
    if page_state is None or page_state.status is not FetchStatus.GONE:
        return None
    reason = f"it has been gone (410) since {page_state.read_at:%Y-%m-%d}"
    return FetchResult(location, FetchStatus.GONE, reason, day=day)


# Decoding of bodies. w3lib finds byte order marks, declarations in the document and aliases; the choice is ours.
#
# w3lib's `html_to_unicode` replaces bytes that do not fit, and believes a declared one-byte charset before UTF-8.

_ALIASES = {"windows-949": "cp949", "x-windows-949": "cp949"}
"""Korean names that w3lib does not know."""
_PRESCAN_BYTES = 4096


def decode_text(body: bytes, declared: str | None = None) -> str:
    """Return the text of `body` without its byte order mark; `declared` is the charset of the Content-Type.

    UTF-8 comes first, then what the server and the document declare, then Korean. Raises FetchError if nothing fits: no
    character is guessed or replaced.
    """
    marked, mark = web_encoding.read_bom(body)
    if marked is not None and mark is not None:
        return _decode(body[len(mark) :], [marked])
    if b"\0" in body[:_PRESCAN_BYTES]:
        raise FetchError("its text cannot be decoded: it is binary, or UTF-16 without a byte order mark")
    name = (declared or "").strip().lower()
    found = (
        _ALIASES.get(name) or web_encoding.resolve_encoding(name[:40]),
        web_encoding.html_body_declared_encoding(body),
    )
    return _decode(body, ["utf-8", *filter(None, found), "cp949"])


def _decode(body: bytes, encodings: Sequence[str]) -> str:
    for name in encodings:
        with suppress(UnicodeDecodeError, LookupError):
            return body.decode(name)
    raise FetchError(f"its text cannot be decoded: it is not {encodings[0]}")


# Detects digests in fetched texts. A large answer is parsed in a worker process with limited memory and time.

ACCEPT = "text/markdown, text/plain, text/html;q=0.8, */*;q=0.5"
_MAX_MEGABYTES, _MAX_CPU_SECONDS = 200, 60.0
worker: ContextVar[asyncio.Semaphore | None] = ContextVar("worker", default=None)
"""Admits one source at a time to the worker process; None where the task need not wait."""
MAX_DAYS = 400
"""Days read of one page at once: a page may have new ones at each poll. Files in a folder have no limit."""


_ENTRIES_AT_ONCE = 500
_ENTRIES = pydantic.TypeAdapter(tuple[models.Entry, ...])
_PROBLEMS = pydantic.TypeAdapter(tuple[models.Problem, ...])


def _build_digests(plain: Iterable[dict[str, Any]]) -> tuple[models.Digest, ...]:
    return tuple(
        models.Digest(
            format=models.DigestFormat(digest["format"]),
            date=date.fromisoformat(digest["date"]),
            # In parts: the validator does not release the interpreter, and the event loop waits.
            entries=tuple(
                entry
                for first in range(0, len(digest["entries"]), _ENTRIES_AT_ONCE)
                for entry in _ENTRIES.validate_python(digest["entries"][first : first + _ENTRIES_AT_ONCE])
            ),
            problems=_PROBLEMS.validate_python(digest["problems"]),
            text=digest["text"],
            is_rolling=digest["is_rolling"],
        )
        for digest in plain
    )


async def detect_in_response(response: Response, on: date | None = None) -> tuple[models.Digest, ...]:
    """Return the digests in a response. Raises FetchError with the reason if it has no digest.

    `on` is the day of papers without a date: without it their list is a rolling one, read now.
    """
    name, read_on = response.url, response.page_state.read_at.date()
    return await read_digests(detect_in_bytes, response.body or b"", response.charset, name, on, read_on)


async def read_digests(
    read: Callable[..., tuple[models.Digest, ...]], body: bytes, *arguments: Any
) -> tuple[models.Digest, ...]:
    """Return the digests that a function of a module reads in bytes, as `parse_apart` does."""
    return await parse_apart(_build_digests, read, body, *arguments, is_large=len(body) >= LARGE_BYTES)


async def parse_apart(
    build: Callable[[Any], Parsed], parse: Callable[..., Parsed], *arguments: Any, is_large: bool
) -> Parsed:
    """Return what a function of a module parses, off the event loop: what `is_large` in the worker process.

    `build` makes it of the plain data in which it comes from there.

    Raises the function's PaperroundErrors, and FetchError for what takes too much memory or time.
    """
    # Where no process can be started, a thread does it.
    if is_large:
        with suppress(isolation.ChildStartError):
            async with worker.get() or nullcontext():
                try:
                    plain = await isolation.run_isolated(
                        parse, *arguments, seconds=_MAX_CPU_SECONDS, megabytes=_MAX_MEGABYTES
                    )
                except isolation.ChildLimitError as error:
                    raise AnswerTooLargeError(str(error)) from error
            return await asyncio.to_thread(build, plain)
    return await asyncio.to_thread(parse, *arguments)


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
        reason = "" if str(error) == parse.NO_PAPER else f": {error}"
        if parse.is_html(text):
            raise HtmlPageError(f"it is an HTML page without a digest{reason}") from None
        raise FetchError(f"there is no digest in it{reason}") from None
    if not any(digest.entries for digest in digests):
        raise NotFoundError("its list of papers is empty")
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


def detect_in_bytes(
    body: bytes, charset_name: str | None, name: str, on: date | None, read_on: date
) -> tuple[models.Digest, ...]:
    """Return the digests in the text of these bytes, as `detect_in_text` does."""
    if not body.strip():
        raise FetchError("its response is empty")
    return detect_in_text(decode_text(body, charset_name), name, on, read_on)
