"""Web pages with digests, and RSS or Atom feeds whose entries contain, link to or are digests or papers."""

from __future__ import annotations

import asyncio
import hashlib
import io
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import partial
from itertools import accumulate
from typing import Any, NamedTuple

import pydantic
from yarl import URL

from bot.archive import arxiv_ids, fields, html_pages, listing, parse
from bot.core import clock
from bot.sources import base
from storage import errors, models
from storage.models import FetchStatus

# Pages: a dated URL for each day, or one URL with changing content.

_PLACEHOLDER = re.compile(r"\{date:((?:[^%{}]|%-[mdjyUW]|%[YmdyjbBaAUWVGuwCe%])+)\}")
_CORRECTED_DAYS = 3
"""Earlier days that are fetched again, for corrections and late digests."""
SAMPLE_DATE = date(2025, 5, 6)


def expand_template(template: str, day: date) -> str:
    """Return a day's URL, given a template such as `https://host/{date:%Y/%m/%d}.md`."""
    return _PLACEHOLDER.sub(lambda field: day.strftime(field[1]), template)


def check_template(template: str) -> None:
    """Raise UsageError if a URL has braces that are not a date."""
    if re.search(r"[{}]", _PLACEHOLDER.sub("", template)):
        raise errors.UsageError(
            f"The date in {template!r} is not understood. Write it as {{date:%Y/%m/%d}}, of %Y, %m, %d, %-d, %b, %j and others."
        )


def check_address(address: str) -> None:
    """Raise UsageError if this is not an http or https URL, with or without date fields."""
    check_template(address)
    try:
        target = URL(expand_template(address, SAMPLE_DATE))
    except ValueError:
        raise errors.UsageError(f"{address} is not a web address. Example: https://huggingface.co") from None
    if target.scheme not in ("http", "https") or not target.raw_host:
        raise errors.UsageError(f"{address} is not a web address, which begins with http:// or https://.")


def check_undated(address: str, kind: models.SourceKind) -> None:
    """Raise UsageError if this is not an http or https URL without date fields."""
    check_template(address)
    if "{" in address:
        raise errors.UsageError(
            f"{address} contains a date, which only --kind url accepts; leave out --kind {kind.value}."
        )
    check_address(address)


def parse_publishing_schedule(options: Mapping[str, object], default_timezone: str) -> tuple[tzinfo, time]:
    """Parse the options `timezone` and `from` (HH:MM in that zone). Raises UsageError for invalid values."""
    try:
        timezone = clock.load_zone(str(options.get("timezone") or default_timezone))
        from_time = time.fromisoformat(str(options.get("from") or "00:00"))
    except ValueError as error:
        raise errors.UsageError(
            f"An option of the source is invalid ({error}): timezone is a name such as Asia/Seoul, and from is HH:MM."
        ) from error
    return timezone, from_time.replace(tzinfo=None)


def is_arxiv(address: str) -> bool:
    """Return whether a URL is on arXiv's own servers."""
    host = URL(expand_template(address, SAMPLE_DATE)).raw_host or ""
    return host == "arxiv.org" or host.endswith(".arxiv.org")


@dataclass(frozen=True, slots=True)
class UrlSource:
    """A page with a digest, or a dated page for each day.

    Today's page is not requested before `from_time` in `timezone`.
    """

    template: str
    fetcher: base.Fetcher
    timezone: tzinfo
    from_time: time = time(0, 0)

    async def fetch(self, request: base.FetchRequest) -> AsyncIterator[base.FetchResult]:
        """Fetch the requested days, or today and the last few days."""
        if "{" not in self.template:
            yield await self._fetch_document(self.template, request, None)
            return
        now = request.now.astimezone(self.timezone)
        days = request.days
        if days is None:
            days = [now.date() - timedelta(days=age) for age in range(_CORRECTED_DAYS + 1)]
        # Several days share a URL if the template lacks the day of the month.
        days_by_location = {expand_template(self.template, day): day for day in reversed(days)}
        for day in reversed(days_by_location.values()):
            yield await self._fetch_day(day, request)

    async def _fetch_day(self, day: date, request: base.FetchRequest) -> base.FetchResult:
        location, now = expand_template(self.template, day), request.now.astimezone(self.timezone)
        if request.days is None and day == now.date() and now.time() < self.from_time:
            reason = f"not requested before {self.from_time:%H:%M} {self.timezone}"
            return base.FetchResult(location, FetchStatus.NOT_YET, reason, day=day)
        return await self._fetch_document(location, request, day)

    async def _fetch_document(
        self, location: str, request: base.FetchRequest, day: date | None
    ) -> base.FetchResult:
        page = await base.get_page(self.fetcher, location, request, accept=base.ACCEPT, day=day)
        if isinstance(page, base.FetchResult):
            return page
        try:
            digests = await base.detect_in_response(page, day)
        except base.FetchError as error:
            return base.failed_result(location, error, day)
        return base.FetchResult(
            location, FetchStatus.OK, digests=digests, page_states=(page.page_state,), day=day
        )


def _is_page(address: str, endpoints: base.Endpoints) -> bool:
    # HTML URLs are left to the feed kind, which also reads pages.
    suffixes = tuple(parse.FILE_SUFFIXES - {".html", ".htm"})
    return "{" in address or address.rstrip("/").lower().endswith(suffixes)


def _open_pages(address: str, options: Mapping[str, object], context: base.SourceContext) -> UrlSource:
    return UrlSource(address, context.fetch, *parse_publishing_schedule(options, context.default_timezone))


URL_KIND = base.KindRecord(
    kind=models.SourceKind.URL,
    matches=_is_page,
    check=check_address,
    open=_open_pages,
    is_limited=lambda address: not is_arxiv(address),
    poll_interval=timedelta(minutes=15),
    stale_after=timedelta(days=10),
)


# Parsing of feeds.

_HTML_PAGE = re.compile(
    r"\s{0,1000}(?:<\?xml[^>]{0,500}\?>\s{0,1000})?<(?:!doctype\s{1,9}html|html)\b", re.IGNORECASE
)
_FIRST_ELEMENT = re.compile(r"<\w")
_MAX_WORD_BYTES = 500
_MAX_CONTENTS = 10
"""The most texts of an entry that are read, longest first. There are usually one or two."""
_MAX_ENTRIES = 2_000
NOT_A_FEED = "it is not a feed"
"""The error for text that is neither RSS nor Atom."""
_MAX_ID_LENGTH = 500
_MAX_PAPER_LENGTH = 100_000
"""Characters of a single paper's entry that are read. Its abstract is cut further."""
# "arXiv:2505.01234v1 Announce Type: new \nAbstract: …" in arXiv's feeds.
ARXIV_ABSTRACT_PREFIX = re.compile(
    r"\AarXiv:\S{4,40}\s{1,9}Announce Type:[^\n]{0,80}\n?\s{0,9}Abstract:\s{0,9}"
)
_ARXIV_REPLACEMENT = re.compile(r"\AarXiv:\S{4,40}\s{1,9}Announce Type: replace")
_HTML = re.compile(
    r"<(?:/?(?:p|div|ul|ol|li|h[1-6]|b|i|em|strong|span)>|(?:p|div|img|a|span)\s[^<>]{0,2000}>|br\s?/?>)",
    re.I,
)
_TEXT_LABEL = re.compile(r"[*_\s]{0,4}(?:abstract|summary)\s?[*_]{0,3}\s?[:：][*_\s]{0,4}", re.IGNORECASE)
_VOTE_COUNT = re.compile(
    r"\b(?:up)?votes?\b[^0-9\w]{0,12}(?:</?\w{1,10}>[^0-9\w]{0,12}){0,2}[0-9]{1,7}", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """A feed entry. `contents` are its texts, longest first; `key` is its id, or else its link or title."""

    key: str
    link: str | None
    title: str | None
    contents: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    thumbnail: str | None = None
    published_on: date | None = None
    arxiv_id: str | None = None
    votes: int | None = None
    hash: str = ""
    """A hash of the entry without dates and votes, which change at each poll in some feeds."""
    affiliations: tuple[str, ...] = ()

    @property
    def is_replacement(self) -> bool:
        """Whether the entry announces a new version of a paper on arXiv."""
        return any(map(_ARXIV_REPLACEMENT.match, self.contents))


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed: its entries in order, and its build date (UTC). `total` is the number of results of a search feed."""

    entries: tuple[FeedEntry, ...]
    built_on: date | None = None
    total: int | None = None


_FEED = pydantic.TypeAdapter(Feed)
_ENTRIES = pydantic.TypeAdapter(tuple[FeedEntry, ...])


async def read_document(response: base.Response) -> Feed:
    """Parse the feed in a response. Large feeds are parsed in the worker process."""
    body = response.body or b""
    # feedparser's regular expressions take quadratic time on long words and block all threads.
    is_large = len(body) >= base.LARGE_BYTES or max(map(len, body.split()), default=0) > _MAX_WORD_BYTES
    arguments = _FEED.validate_python, _ENTRIES, _parse_body, body, response.charset
    [found] = await base.parse_apart(*arguments, is_large=is_large)
    return found


def _parse_body(body: bytes, charset_name: str | None) -> tuple[Feed]:
    return (parse_document(base.decode_text(body, charset_name)),)


def parse_document(text: str) -> Feed:
    """Parse a feed, which takes seconds if it is large. Raises FetchError if it declares entities or is not a feed."""
    if "<!ENTITY" in text:
        raise base.FetchError("its XML declares entities of its own, which are not read")
    # feedparser would take a minute on a large HTML page.
    if _HTML_PAGE.match(text) or (first := _FIRST_ELEMENT.search(text)) is None:
        raise base.FetchError(NOT_A_FEED)
    import feedparser  # slow to load, and not needed without feeds

    try:
        parsed = feedparser.parse(
            # The text before the first element only declares the charset, but we have decoded it already.
            io.BytesIO(text[first.start() :].encode("utf-8", "replace")),
            response_headers={"content-type": "application/xml; charset=utf-8"},
            sanitize_html=False,
            resolve_relative_uris=False,
        )
    except (LookupError, ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise base.FetchError(f"its feed cannot be read: {type(error).__name__} in feedparser") from error
    if not parsed.get("version"):
        raise base.FetchError(NOT_A_FEED)
    entries = map(_parse_entry, parsed.entries[:_MAX_ENTRIES])
    by_key: dict[str, FeedEntry] = {}
    for entry in entries:
        if entry.key:
            by_key.setdefault(entry.key, entry)
    times = dict(parsed.feed)
    built_at = _parse_time(times.get("updated_parsed") or times.get("published_parsed"))
    total = str(times.get("opensearch_totalresults") or "")[:9]
    return Feed(
        tuple(by_key.values()), built_at and built_at.date(), int(total) if total.isdecimal() else None
    )


def _parse_entry(entry: Mapping[str, Any]) -> FeedEntry:
    link = fields.clean_url(entry.get("link"))
    title = fields.clean_line(entry.get("title"))
    id_ = str(entry.get("id") or "")[:_MAX_ID_LENGTH]
    key = fields.clean_line(id_) or link or title or ""
    texts = {str(part.get("value") or "") for part in entry.get("content") or ()} | {
        str(entry.get("summary") or "")
    }
    times = dict(entry)  # feedparser's own get() substitutes one time for another, with a warning
    published_at = _parse_time(times.get("published_parsed") or times.get("updated_parsed"))
    authors = _parse_authors(entry)
    longest_first = sorted(filter(str.strip, texts), key=lambda text: (-len(text), text))
    contents = tuple(longest_first[:_MAX_CONTENTS])
    said = "\0".join([title or "", link or "", *authors, *(_VOTE_COUNT.sub("", text) for text in contents)])
    return FeedEntry(
        key=key,
        link=link,
        title=title,
        contents=contents,
        authors=authors,
        categories=fields.clean_labels(tag.get("term") for tag in entry.get("tags") or ()),
        thumbnail=next(
            (fields.clean_url(media.get("url")) for media in entry.get("media_thumbnail") or ()), None
        ),
        published_on=published_at and published_at.date(),
        arxiv_id=_parse_arxiv_id(id_) or _parse_arxiv_id(link or ""),
        votes=fields.parse_votes(str(entry.get("rsshub_upvotes") or ""))[0],
        hash=hashlib.sha256(said.encode("utf-8", "replace")).hexdigest(),
        affiliations=fields.clean_labels([entry.get("arxiv_affiliation")]),
    )


def _parse_authors(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the authors. arXiv's feeds list them in one field, separated by commas."""
    names = [str(author.get("name") or "") for author in entry.get("authors") or ()]
    if len(names) == 1 and ", " in names[0]:
        names = names[0].split(", ")
    return fields.clean_names(names)


def _parse_time(parsed: Any) -> datetime | None:
    """Convert feedparser's time (UTC). Returns None if it is missing or invalid, which is common."""
    try:
        year, month, day, hour, minute, second = parsed[:6]
        return datetime(year, month, day, hour, minute, tzinfo=UTC) + timedelta(seconds=second)
    except (ValueError, TypeError, OverflowError):
        return None


def _parse_arxiv_id(text: str) -> str | None:
    """Return the arXiv id in an entry's id or link, such as `oai:arXiv.org:2505.01234v1`, or None."""
    return arxiv_ids.extract_arxiv_id(text.removeprefix("oai:arXiv.org:"))


def paper_facts(
    entry: FeedEntry, paper: listing.Paper, location: str, source_name: str, read_at: datetime
) -> models.PaperFacts:
    """Return the facts from an entry whose paper was parsed by `read_paper`.

    Votes are left out, because those in a feed do not come from a service.
    """
    return models.PaperFacts(
        arxiv_id=paper["arxiv_id"],
        source=source_name,
        location=location,
        read_at=read_at,
        title=paper["title"],
        authors=tuple(paper["authors"]),
        abstract=paper["abstract"],
        categories=entry.categories,
        affiliations=entry.affiliations,
        thumbnail=paper["thumbnail"],
        published_on=entry.published_on,
    )


def read_paper(entry: FeedEntry) -> listing.Paper | None:
    """Return the paper that an entry is about, or None if it is not about a single paper.

    Authors, votes and a picture in the HTML fill missing fields; the rest of the text is the abstract.
    """
    if entry.arxiv_id is None:
        return None
    text = entry.contents[0][:_MAX_PAPER_LENGTH] if entry.contents else ""
    text = ARXIV_ABSTRACT_PREFIX.sub("", text.strip())
    authors, votes, thumbnail = entry.authors, entry.votes, entry.thumbnail
    if _HTML.search(text):
        kept = []
        for line in html_pages.to_markdown(text).split("\n"):
            field, media = fields.parse_labelled_field(line), fields.parse_media(line)
            if media is not None:
                thumbnail = thumbnail or fields.clean_url(media[0])
            elif field is None:
                kept.append(line)
            elif field[0] == "votes":
                votes = fields.parse_votes(field[1])[0] if votes is None else votes
            else:
                authors = authors or fields.clean_names(fields.parse_authors(field[1])[0])
        text = _TEXT_LABEL.sub("", "\n".join(kept).strip(), count=1)
    return {
        "arxiv_id": entry.arxiv_id,
        "title": entry.title,
        "authors": list(authors),
        "votes": votes,
        "thumbnail": thumbnail,
        "abstract": fields.clean_paragraph(text),
    }


ACCEPT = "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.8, */*;q=0.5"
_MAX_LINKS = 50
MAX_POSTED_PAPERS = 100
"""The most papers per day in a hand-picked feed. Larger feeds are never posted automatically."""
_MAX_BUILD_AGE = timedelta(days=3)


def assign_days(entries: Iterable[FeedEntry], built_on: date | None, read_on: date) -> dict[str, date | None]:
    """Return the day of each paper in a feed (None if unknown), keyed by entry key.

    If the newest entries come first, a paper's day is its entry's date. In a feed in any other order, such as
    one generated from a day's list, the entries have publication dates, so the day is the feed's build date.
    """
    papers = [entry for entry in entries if entry.arxiv_id is not None]
    dates = [entry.published_on for entry in papers if entry.published_on is not None]
    oldest_so_far = accumulate(dates, min)
    # Compares ordinals, because a day cannot be added to date.max.
    are_own = all(
        on.toordinal() <= oldest.toordinal() + 1 for on, oldest in zip(dates[1:], oldest_so_far, strict=False)
    )
    is_days_list = len(papers) <= MAX_POSTED_PAPERS and built_on is not None
    fresh = built_on if is_days_list and abs(read_on - (built_on or date.min)) <= _MAX_BUILD_AGE else None
    return {entry.key: (entry.published_on if are_own else None) or fresh for entry in papers}


class _ListedPaper(NamedTuple):
    """A single paper in a feed. Its page state stores the date of its list as `last_modified`."""

    entry: FeedEntry
    paper: listing.Paper
    page_state: models.PageState


@dataclass(frozen=True, slots=True)
class FeedSource:
    """A feed. The location of a digest depends on where it was found.

    A digest in an entry is stored under `{feed}#{id}`, or `{feed}#entry-{id}` if the id is a date, and a
    linked digest under its own URL. Single papers form one list per day at `{feed}#{date}`; papers without a
    day form a rolling list at the feed's URL.
    """

    address: str
    fetcher: base.Fetcher

    async def fetch(self, request: base.FetchRequest) -> AsyncIterator[base.FetchResult]:
        """Read the feed and its new entries. Yields the feed's page state only if no entry failed."""
        page = await base.get_page(self.fetcher, self.address, request, accept=ACCEPT)
        if isinstance(page, base.FetchResult):
            yield page
            return
        try:
            parsed = await read_document(page)
        except base.FetchError as error:
            yield await self._read_as_digest(page, error)
            return
        async for result in self._read_entries(parsed, page.page_state, request):
            yield result

    async def _read_as_digest(self, response: base.Response, feed_error: base.FetchError) -> base.FetchResult:
        """Parse a page that is not a feed as a digest."""
        try:
            digests = await base.detect_in_response(response)
        except base.FetchError as error:
            reason = f"{feed_error}; {error}" if str(feed_error) == NOT_A_FEED else str(feed_error)
            return base.FetchResult(self.address, FetchStatus.FAILED, base.clean_reason(reason))
        return base.FetchResult(
            self.address, FetchStatus.OK, digests=digests, page_states=(response.page_state,)
        )

    async def _read_entries(
        self, parsed: Feed, feed_state: models.PageState, request: base.FetchRequest
    ) -> AsyncIterator[base.FetchResult]:
        """Yield a result for each new entry and each day of single papers, then the feed's own result."""
        days = assign_days(parsed.entries, parsed.built_on, request.now.date())
        papers: list[_ListedPaper] = []
        linked: list[tuple[FeedEntry, models.PageState]] = []
        for entry in parsed.entries:
            location = self._locate(entry)
            state = models.PageState(location, request.now, FetchStatus.OK, hash=entry.hash)
            known = request.known(location)
            if known is not None and known.hash == state.hash:
                continue
            paper = await asyncio.to_thread(read_paper, entry)
            if digests := await self._read_contents(entry, state, is_paper=paper is not None):
                yield base.FetchResult(location, FetchStatus.OK, digests=digests, page_states=(state,))
            elif paper is not None:
                # A known paper stays in the list of its first day. If another entry links to this location, the known
                # `last_modified` is a server's time instead.
                day = days[entry.key] if known is None else fields.clean_date(known.last_modified)
                stamp = None if day is None else str(day)
                papers.append(_ListedPaper(entry, paper, replace(state, last_modified=stamp)))
            elif entry.link is None:
                yield base.FetchResult(location, FetchStatus.UNCHANGED, page_states=(state,))
            else:
                linked.append((entry, state))
        counts = Counter(day for day in days.values() if day is not None)
        is_large = is_arxiv(self.address) or max(counts.values(), default=0) > MAX_POSTED_PAPERS
        for result in await asyncio.to_thread(self._list_papers, papers, request, is_large=is_large):
            yield result
        # Links that failed before come last, so that dead links do not block others.
        linked.sort(key=lambda row: request.known(row[1].location) is not None)
        is_missed = len(linked) > _MAX_LINKS
        for entry, state in linked[:_MAX_LINKS]:
            result = await self._fetch_link(entry, state, request)
            is_missed |= result.status is FetchStatus.FAILED
            yield result
        status = FetchStatus.UNCHANGED if parsed.entries else FetchStatus.NOT_YET
        reason = "" if parsed.entries else "the feed has no entries"
        page_states = () if is_missed else (feed_state,)
        yield base.FetchResult(self.address, status, reason, page_states=page_states)

    def _locate(self, entry: FeedEntry) -> str:
        # The dated location is that day's list.
        is_date = str(fields.clean_date(entry.key)) == entry.key
        return f"{self.address}#{'entry-' if is_date else ''}{entry.key}"

    async def _read_contents(
        self, entry: FeedEntry, state: models.PageState, *, is_paper: bool
    ) -> tuple[models.Digest, ...]:
        """Return the digests in an entry's content, except a list that contains only the entry's own paper."""
        read_on = state.read_at.date()
        for text in entry.contents:
            with suppress(base.FetchError):
                arguments = (
                    text.encode("utf-8", "replace"),
                    "utf-8",
                    state.location,
                    entry.published_on,
                    read_on,
                )
                digests = await base.read_digests(base.detect_in_bytes, *arguments)
                is_alone = is_paper and sum(len(digest.entries) for digest in digests) == 1
                return () if is_alone else digests
        return ()

    def _list_papers(
        self, papers: Sequence[_ListedPaper], request: base.FetchRequest, *, is_large: bool
    ) -> list[base.FetchResult]:
        """Return one list per day, and a rolling list of papers without a day."""
        by_stamp: dict[str | None, list[_ListedPaper]] = {}
        for listed in papers:
            by_stamp.setdefault(listed.page_state.last_modified, []).append(listed)
        results = []
        source_name = models.SourceKind.ARXIV.value if is_arxiv(self.address) else self.address
        for stamp, group in by_stamp.items():
            # New versions of papers only update facts.
            news = {row.paper["arxiv_id"]: row.paper for row in group if not row.entry.is_replacement}
            # In the first poll, the number of papers without a day is not limited.
            is_flood = len(group) > MAX_POSTED_PAPERS and bool(stamp or request.page_states)
            digest = listing.build(
                date.fromisoformat(stamp) if stamp else request.now.date(),
                list(news.values()),
                form=models.DigestFormat.LOOKUP if is_large or is_flood else models.DigestFormat.LIST,
                is_rolling=stamp is None,
            )
            facts = tuple(
                replace(
                    paper_facts(entry, paper, page.location, source_name, request.now),
                    listed_on=digest.date if stamp and paper["arxiv_id"] in news else None,
                )
                for entry, paper, page in group
            )
            location = f"{self.address}#{stamp}" if stamp else self.address
            pages = tuple(listed.page_state for listed in group)
            results.append(
                base.FetchResult(location, FetchStatus.OK, "", (digest,) if news else (), facts, pages)
            )
        return results

    async def _fetch_link(
        self, entry: FeedEntry, state: models.PageState, request: base.FetchRequest
    ) -> base.FetchResult:
        """Fetch a linked page. If that fails, it is retried; if the page has no digest, it is skipped until it changes."""
        link = entry.link or ""
        page_states: tuple[models.PageState, ...] = (state,)
        try:
            page = await self.fetcher.get(link, request.known(link), accept=base.ACCEPT)
            page_states += (page.page_state,)
            if page.body is None:
                return base.FetchResult(link, FetchStatus.UNCHANGED, page_states=page_states)
            digests = await base.detect_in_response(page, entry.published_on)
        except base.FetchError as error:
            is_answered = len(page_states) > 1 or error.code in (base.NOT_FOUND, base.GONE)
            status = FetchStatus.UNCHANGED if is_answered else error.status
            if status is FetchStatus.FAILED:
                # Without a hash, the entry will be read again.
                page_states = (replace(state, status=status, hash=None),)
            reason = base.clean_reason(f"{link}: {error}")
            return base.FetchResult(link, status, reason, page_states=page_states)
        return base.FetchResult(link, FetchStatus.OK, digests=digests, page_states=page_states)


KIND = base.KindRecord(
    kind=models.SourceKind.FEED,
    matches=lambda *_: True,
    check=partial(check_undated, kind=models.SourceKind.FEED),
    open=lambda address, _options, context: FeedSource(address, context.fetch),
    is_limited=lambda address: not is_arxiv(address),
    poll_interval=timedelta(minutes=30),
)
