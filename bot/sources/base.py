"""What all sources share: the port with its request and results, the record of a kind, and the digests in a fetched page.

A source keeps no state. Its page states come in with the request and go out with the results. A page of HTML is read as
Markdown.
"""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from bot.archive import parse
from bot.core import day_close, errors, isolation
from bot.sources import fetch_errors
from storage import models
from storage.models import FetchStatus

if TYPE_CHECKING:
    from bot.sources import fetcher
    from bot.sources.fetcher import Response


@dataclass(frozen=True, slots=True)
class FetchResult:
    """The outcome of fetching one location: a URL, feed entry or relative path, which its digests are stored under.

    `page_states` may be saved only after digests and facts are stored: they prevent a second read. `day` is the
    requested day of the digest; `retry_at` (UTC) comes from the server.
    """

    location: str
    status: FetchStatus
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
    async with aclosing(results):
        async for result in results:
            yield result
            failures = failures + 1 if result.status is FetchStatus.FAILED else 0
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
    except fetch_errors.FetchError as error:
        return failed_result(location, error, request, day)
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


# HTML: its texts and tags, for all that read pages, and its Markdown, for the elements that digests use.
#
# A scanner of our own because pages come from strangers: it is linear. Lexbor (selectolax) builds 2.5 million nodes from
# 30 kB of open formatting elements and takes 14 s for 400 kB of nested lists; html.parser takes minutes for `<a <a <a`.

_HTML_BLOCK_TAG = re.compile(
    r"<(?:!doctype\s|html|head|body|h[1-6]|p|ul|ol|li|div|article|section|pre|br)\b", re.IGNORECASE
)
_SNIFF_LENGTH = 20_000
_MAX_PAGE_LENGTH = 2_000_000
_MAX_TAG_LENGTH = 20_000
_MAX_QUOTED_ENDS = 20
"""Signs `>` in the quotes of one tag."""
_TAG_NAME = re.compile(r"(/?)([a-zA-Z][a-zA-Z0-9:-]{0,30})(?=[\s/>])")
_ATTRIBUTE = re.compile(
    r"""([a-zA-Z_:][\w:.-]{0,60})(?:\s{0,9}=\s{0,9}(?:"([^"]{0,20000})"|'([^']{0,20000})'|([^\s"'<>=`]{1,2000})))?"""
)
_QUOTED = re.compile(r"=\s{0,9}(?:\"[^\"]*(\")?|'[^']*(')?)")
_RAW_END = {name: re.compile(f"</{name}", re.IGNORECASE) for name in ("script", "style")}
_EMPTY_LINES = re.compile(r"\n[ \t]*\n\s*\n")
_SKIPPED_TAGS = frozenset({"script", "style", "head", "template", "noscript", "svg", "nav"})
_INLINE_MARKERS = {"strong": "**", "b": "**", "em": "*", "i": "*", "code": "`", "del": "~~"}
_HEADINGS = {f"h{level}": "#" * level for level in range(1, 7)}
_LIST_TAGS = frozenset({"ul", "ol"})
_BLOCK_TAGS = frozenset(
    {"p", "div", "article", "section", "main", "table", "tr", "blockquote", "body", "header", "footer"}
)


class Tag(NamedTuple):
    """A tag of HTML, its name in lower case, its attributes as they are written."""

    name: str
    is_closing: bool
    attributes: str


def looks_like_html(text: str) -> bool:
    """Whether block elements of HTML occur near the beginning. Markdown with a stray `<video>` is not HTML."""
    return _HTML_BLOCK_TAG.search(text, 0, _SNIFF_LENGTH) is not None


def to_markdown(page: str) -> str:
    """Return headings, lists, links, emphasis, images, code and text of a page as Markdown, in linear time."""
    return _MarkdownWriter(page[:_MAX_PAGE_LENGTH]).text


def tokenize(page: str) -> Iterator[str | Tag]:
    """Yield texts and tags. A `<` that starts no tag is text; comments and declarations are skipped."""
    position, next_end = 0, -1
    while (start := page.find("<", position)) >= 0:
        if start > position:
            yield page[position:start]
        if page.startswith("<!--", start):
            end = page.find("-->", start)
            position = end + 3 if end >= 0 else len(page)
            continue
        if next_end < start:
            next_end = page.find(">", start)
            next_end = len(page) if next_end < 0 else next_end
        name = _TAG_NAME.match(page, start + 1)
        is_tag = next_end < len(page) and (name or page[start + 1 : start + 2] in ("!", "?"))
        end = _tag_end(page, name.end() if name else start + 1, next_end) if is_tag else -1
        if end < 0:
            yield "<"
            position = start + 1
            continue
        position = end + 1
        if name:
            yield Tag(name[2].lower(), bool(name[1]), page[name.end() : end])
            if not name[1] and (raw_end := _RAW_END.get(name[2].lower())):
                # In these, `<` starts no tag.
                raw, position = (
                    position,
                    match.start() if (match := raw_end.search(page, position)) else len(page),
                )
                yield page[raw:position]
    yield page[position:]


def _tag_end(page: str, position: int, end: int) -> int:
    """Return the position of the `>` that ends a tag, `end` or one behind quotes; -1 if the tag is too long."""
    limit = min(len(page), position + _MAX_TAG_LENGTH)
    for _ in range(_MAX_QUOTED_ENDS):
        if not 0 <= end < limit:
            return -1
        quote = _open_quote(page, position, end)
        close = page.find(quote, end, limit) if quote else -1
        if close < 0:
            return end
        position, end = close + 1, page.find(">", close, limit)
    return -1


def _open_quote(page: str, start: int, end: int) -> str | None:
    """Return the quote of an attribute's value that is still open at `end`."""
    for match in _QUOTED.finditer(page, start, end):
        if match[1] is None and match[2] is None:
            return '"' if '"' in match[0] else "'"
    return None


def parse_attributes(text: str) -> dict[str, str]:
    """Return the attributes of a tag by their names in lower case, of several with one name the first."""
    values: dict[str, str] = {}
    if "=" in text or text.strip(" /"):
        for name, double, single, bare in _ATTRIBUTE.findall(text):
            values.setdefault(name.lower(), html.unescape(double or single or bare))
    return values


class _MarkdownWriter:
    """Collects the Markdown of a page. An unclosed element ends with the page."""

    def __init__(self, page: str) -> None:
        self._chunks: list[str] = []
        self._links: list[str] = []
        self._skipped_tag: str | None = None
        self._in_pre = False
        self._list_depth = 0
        for token in tokenize(page):
            if not isinstance(token, str):
                self._write_tag(*token)
            elif self._skipped_tag is None:
                text = html.unescape(token)
                self._chunks.append(text if self._in_pre else re.sub(r"\s+", " ", text))
        self.text = _EMPTY_LINES.sub("\n\n", "".join(self._chunks)).strip() + "\n"

    def _write_tag(self, name: str, is_closing: bool, attributes: str) -> None:
        if self._skipped_tag is not None:
            if is_closing and name == self._skipped_tag:
                self._skipped_tag = None
        elif name in _SKIPPED_TAGS:
            self._skipped_tag = None if is_closing else name
        elif name in _HEADINGS:
            self._chunks.append("\n\n" if is_closing else f"\n\n{_HEADINGS[name]} ")
        elif name in ("a", "img", "video"):
            self._write_link(name, is_closing, attributes)
        elif name == "pre":
            self._in_pre = not is_closing
            self._chunks.append("\n```\n\n" if is_closing else "\n\n```\n")
        elif name in _INLINE_MARKERS and not self._in_pre:
            self._chunks.append(_INLINE_MARKERS[name])
        else:
            self._write_block(name, is_closing)

    def _write_link(self, name: str, is_closing: bool, attributes: str) -> None:
        if is_closing:
            if name == "a" and self._links:
                self._chunks.append(f"]({self._links.pop()})")
            return
        values = parse_attributes(attributes)
        if name == "a":
            self._links.append(values.get("href", ""))
            self._chunks.append("[")
        elif name == "img":
            self._chunks.append(f"![{values.get('alt', '')}]({values.get('src', '')})")
        elif "src" in values:
            self._chunks.append(f"\n[Watch Video]({values['src']})\n")

    def _write_block(self, name: str, is_closing: bool) -> None:
        if name in _LIST_TAGS:
            depth = self._list_depth if is_closing else self._list_depth + 1
            self._list_depth = min(6, max(0, self._list_depth + (-1 if is_closing else 1)))
            self._chunks.append("\n\n" if depth <= 1 else "")
        elif name == "li":
            self._chunks.append("" if is_closing else f"\n{'  ' * max(0, self._list_depth - 1)}- ")
        elif name == "br":
            self._chunks.append("\n")
        elif name in _BLOCK_TAGS and not (self._list_depth and name == "p" and not is_closing):
            # A paragraph inside an item continues the item's line.
            self._chunks.append("\n" if self._list_depth else "\n\n")


# Detects digests in fetched texts: in Markdown, and in HTML pages that were made from Markdown.
#
# A large answer is read in a process of its own with limited memory.

ACCEPT = "text/markdown, text/plain, text/html;q=0.8, */*;q=0.5"
SUFFIXES = parse.FILE_SUFFIXES | {".markdown"}
"""Suffixes of digests in folders and repositories and at web addresses, in lower case."""

_THREAD_THRESHOLD = 200_000
"""Body size in bytes from which detection runs in a thread, off the event loop."""
LARGE_BYTES = 1_000_000
"""Body size in bytes from which detection runs in a process of its own."""
MAX_MEGABYTES = 200
"""Limit of the data segment of that process, and so of the digests that it returns."""
_MAX_CPU_SECONDS = 300.0
_ENTRIES_AT_ONCE = 50


async def detect_in_response(response: Response) -> tuple[models.Digest, ...]:
    """Return the digests in a response. Raises FetchError with the reason if there is none."""
    body = response.body or b""
    if not body.strip():
        raise fetch_errors.FetchError("its answer is empty")

    if len(body) >= LARGE_BYTES:
        # Where no process can be started, a thread does it.
        with suppress(isolation.ChildStartError):
            return await _detect_in_process(body, response.charset)
    if len(body) >= _THREAD_THRESHOLD:
        return await asyncio.to_thread(lambda: detect_in_text(response.text()))
    return detect_in_text(response.text())


def detect_in_text(text: str) -> tuple[models.Digest, ...]:
    """Return the digests in a text. Raises FetchError if there is none."""
    with suppress(errors.NotADigestError):
        return _parse(text)
    if not looks_like_html(text):
        raise fetch_errors.FetchError("there is no digest in it")
    with suppress(errors.NotADigestError):
        return _parse(to_markdown(text))
    raise fetch_errors.HtmlPageError("it is an HTML page without a digest")


def _parse(text: str) -> tuple[models.Digest, ...]:
    digests = parse.parse_text(text)
    if not any(digest.entries for digest in digests):
        raise fetch_errors.NotFoundError("its list of papers is empty")
    return digests


async def _detect_in_process(body: bytes, charset_name: str | None) -> tuple[models.Digest, ...]:
    parts = isolation.stream_isolated(
        _detect, body, charset_name, seconds=_MAX_CPU_SECONDS, megabytes=MAX_MEGABYTES
    )
    found: list[tuple[dict[str, Any], list[models.Entry]]] = []
    try:
        async with aclosing(parts):
            async for part in parts:
                if isinstance(part, dict):
                    found.append((part, []))
                else:
                    found[-1][1].extend(map(_build_entry, part))
    except isolation.ChildLimitError as error:
        raise fetch_errors.FetchError(str(error)) from error
    return tuple(
        models.Digest(
            format=models.DigestFormat(head["format"]),
            date=date.fromisoformat(head["date"]),
            entries=tuple(entries),
            problems=tuple(models.Problem(**problem) for problem in head["problems"]),
            text=head["text"],
        )
        for head, entries in found
    )


def _build_entry(fields: dict[str, Any]) -> models.Entry:
    sections = tuple(models.Section(**section) for section in fields["sections"])
    return models.Entry(**{**fields, "authors": tuple(fields["authors"]), "sections": sections})


def _detect(body: bytes, charset_name: str | None) -> Iterator[Any]:
    """Yield each digest without its entries, then its entries in parts."""
    from bot.sources import fetcher  # loads aiohttp

    for digest in detect_in_text(fetcher.decode_text(body, charset_name)):
        yield replace(digest, entries=())
        for start in range(0, len(digest.entries), _ENTRIES_AT_ONCE):
            yield digest.entries[start : start + _ENTRIES_AT_ONCE]
