"""Web pages with digests, and RSS or Atom feeds whose entries contain, link to or are digests or papers."""

from __future__ import annotations

import asyncio
import hashlib
import html
import io
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo
from html.entities import html5
from itertools import chain
from typing import Any, NamedTuple, TypeAlias, assert_never
from urllib.parse import urljoin

import pydantic
from markupsafe import Markup
from yarl import URL

from bot.archive import (
    arxiv_ids,
    fields,
    html_pages,
    listing,
    markdown_lines,
    paper_list,
    parse,
    sorting,
    title_reader,
    written,
)
from bot.core import clock
from bot.sources import base
from bot.text import date_reader
from storage import errors, models, sources
from storage.models import Account, FetchStatus, LeftOut, Omission

# Pages: a dated URL for each day, or one URL with changing content.

_PLACEHOLDER = re.compile(r"\{date:((?:[^%{}]|%-[mdjyUW]|%[YmdyjbBaAUWVGuwCe%])+)\}")
_CORRECTED_DAYS = 3
"""Earlier days that are fetched again, for corrections and late digests."""
SAMPLE_DATE = date(2025, 5, 6)


def expand_template(template: str, day: date) -> str:
    """Return a day's URL, given a template such as `https://host/{date:%Y/%m/%d}.md`."""
    return _PLACEHOLDER.sub(lambda field: day.strftime(field[1]), template)


def check_address(address: str) -> None:
    """Raise UsageError if this is not an http or https URL, or if it has braces that are not a date."""
    if re.search(r"[{}]", _PLACEHOLDER.sub("", address)):
        raise errors.UsageError(
            f"The date in {address!r} is not understood. Write it as {{date:%Y/%m/%d}}, of %Y, %m, %d, %-d, %b, %j and others."
        )
    try:
        target = URL(expand_template(address, SAMPLE_DATE))
    except ValueError:
        raise errors.UsageError(f"{address} is not a web address. Example: https://huggingface.co") from None
    if target.scheme not in ("http", "https") or not target.raw_host:
        raise errors.UsageError(f"{address} is not a web address, which begins with http:// or https://.")


def _check_undated(address: str) -> None:
    """Raise UsageError if this is not an http or https URL without date fields."""
    check_address(address)
    if "{" in address:
        raise errors.UsageError(
            f"{address} contains a date, which only --kind url accepts; leave out --kind feed."
        )


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
    from_time: time

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
        return page if isinstance(page, base.FetchResult) else await base.read_page(location, page, day)


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
    r"<(?:/?(?:p|div|ul|ol|li|table|t[dhr]|h[1-6]|b|i|em|strong|span)>|(?:p|div|img|a|span)\s[^<>]{0,2000}>|br\s?/?>)",
    re.I,
)
_TEXT_LABEL = re.compile(r"[*_\s]{0,4}(?:abstract|summary)\s?[*_]{0,3}\s?[:：][*_\s]{0,4}", re.IGNORECASE)
_VOTE_COUNT = re.compile(
    r"\b(?:up)?votes?\b[^0-9\w]{0,12}(?:</?\w{1,10}>[^0-9\w]{0,12}){0,2}[0-9]{1,7}", re.IGNORECASE
)
_LINE_BREAK = re.compile(r"<br\s?/?>", re.IGNORECASE)
_CLOSING_TAG = re.compile(r"</[a-z][a-z0-9]{0,9}>", re.IGNORECASE)
_LINK = re.compile(r"!?\[(?P<label>(?:[^\[\]]++|\[[^\[\]]*+\])*+)\]\([^()\s]{0,1000}\)")
_ITEM = re.compile(r"\s*+(?:[-*+#|]|[0-9]{1,4}[.)]\s)")
_LABEL_ENDS = (":", "：", "-", "–", "—", "→")
_MAX_LABEL_LENGTH = 60
_CUT_OFF = re.compile(r"\[(?:…|\.{3})\]|(?:…|\.{3})\W{0,9}\Z")
_POST_WORD = re.compile(
    r"\b(?:i|my|me|we|our|us|this|notes?|thoughts|posts?|blog|news|links?|papers?|reviews?|summary|read|reading|explained"
    r"|weekly|daily|today|week|day|month|released?)\b",
    re.IGNORECASE,
)
"""A word in the title of a post by which it may be about more than the title of its paper."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEntry(models.PaperDescription):
    """A feed entry and what its fields say about a paper. `contents` are its texts, longest first.

    For `key` see `_assign_keys`. The version is the one that arXiv's API names in the id.
    """

    key: str
    link: str | None
    contents: tuple[str, ...]
    published_on: date | None
    """The day that its date states, in its writer's zone."""
    untold_date: str | None
    """The text of its date if no day can be told from it."""
    is_misread: bool
    """Whether former versions read its date as the first of a month, which it is not."""
    arxiv_id: str | None
    paper_title: str | None
    """The title of its paper: the entry's, unless the entry is a post."""
    hash: str
    """A hash of the entry without dates and votes, which change at each poll in some feeds."""

    @property
    def is_replacement(self) -> bool:
        """Whether the entry announces a new version of a paper on arXiv."""
        return any(map(_ARXIV_REPLACEMENT.match, self.contents))


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed: its entries in order, and the day of its build date. `total` is the number of results of a search feed.

    No two entries have the same key.
    """

    entries: tuple[FeedEntry, ...]
    built_on: date | None
    total: int | None
    left_out: tuple[LeftOut, ...]


_FEED = pydantic.TypeAdapter(Feed)
_ENTRIES = pydantic.TypeAdapter(tuple[FeedEntry, ...])


async def read_document(response: base.Response) -> Feed:
    """Parse the feed in a response. Large feeds are parsed in the worker process."""
    body = response.body or b""
    # feedparser's regular expressions take quadratic time on long words and block all threads.
    is_large = len(body) >= base.LARGE_BYTES or max(map(len, body.split()), default=0) > _MAX_WORD_BYTES
    arguments = _FEED.validate_python, _ENTRIES, _parse_body, body, response.charset, response.url
    [parsed] = await base.parse_apart(*arguments, is_large=is_large)
    return parsed


def _parse_body(body: bytes, charset_name: str | None, url: str) -> tuple[Feed]:
    return (parse_document(base.decode_text(body, charset_name), url),)


def parse_document(text: str, url: str) -> Feed:
    """Parse a feed, which takes seconds if it is large. Its links are relative to `url`.

    Raises FetchError if it needs entities of its own or is not a feed.
    """
    # feedparser would take a minute on a large HTML page.
    text = text[max(0, text.find("<")) :]
    if parse.is_page(text) or (start := parse.find_root(text)) is None:
        raise base.FetchError(NOT_A_FEED)
    # The DOCTYPE is cut off, and with it the entities that it declares; those of HTML are read in any case.
    declared = (part.split(maxsplit=1)[0] for part in text[:start].split("<!ENTITY ")[1:] if part.strip())
    if any(f"{name};" not in html5 and f"&{name};" in text for name in declared):
        raise base.FetchError("its XML declares entities of its own, which are not read")
    import feedparser  # slow to load, and not needed without feeds

    try:
        parsed = feedparser.parse(
            # The text before the first element only declares the charset, but we have decoded it already.
            io.BytesIO(text[start:].encode("utf-8", "replace")),
            response_headers={"content-type": "application/xml; charset=utf-8"},
            sanitize_html=False,
            resolve_relative_uris=False,
        )
    except (LookupError, ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise base.FetchError(f"its feed cannot be read: {type(error).__name__} in feedparser") from error
    if not parsed.get("version"):
        raise base.FetchError(NOT_A_FEED)
    is_atom = parsed.version.startswith("atom")
    parsed_entries = [_parse_entry(entry, url, is_atom=is_atom) for entry in parsed.entries[:_MAX_ENTRIES]]
    entries, left_out = _assign_keys(parsed_entries)
    # arXiv counts entries without anything for ids that it does not have.
    empty_count = sum(map(_is_empty, parsed_entries))
    if (beyond := len(parsed.entries) - _MAX_ENTRIES) > 0:
        title = parsed.entries[_MAX_ENTRIES].get("title")
        left_out = (*left_out, sorting.leave_out(Omission.TOO_MANY, title, beyond))
    built_on, _ = _read_day(dict(parsed.feed), "updated", "published")
    text = str(parsed.feed.get("opensearch_totalresults") or "")[:9]
    total = max(0, int(text) - empty_count) if text.isdecimal() else None
    return Feed(tuple(entries), built_on, total, left_out)


def _is_empty(entry: FeedEntry) -> bool:
    return not (entry.key or entry.link or entry.title or entry.contents)


def _assign_keys(entries: Sequence[FeedEntry]) -> tuple[list[FeedEntry], tuple[LeftOut, ...]]:
    """Give each entry, whose key is its id so far, a key of its own; entries that repeat another one are left out.

    It is the first of these that no other entry has: its id, its link, its title with its date, all of it.
    """

    def names_of(entry: FeedEntry) -> tuple[str, str, str]:
        title = f"{entry.title} {entry.published_on or ''}".rstrip() if entry.title else ""
        return entry.key, entry.link or "", title

    def whole_of(entry: FeedEntry) -> str:
        return " ".join((*names_of(entry), str(entry.published_on), entry.hash))

    def judge(entry: FeedEntry) -> FeedEntry | LeftOut:
        if _is_empty(entry):
            return sorting.leave_out(Omission.NO_ID)
        if whole_of(entry) in seen:
            return sorting.leave_out(Omission.REPEATED, entry.title or entry.key)
        seen.add(whole_of(entry))
        return entry

    seen = set[str]()
    distinct, left_out = sorting.sort_out(entries, judge)
    owners = Counter(chain.from_iterable({*names_of(entry)} for entry in distinct))
    keys = (
        next((name for name in names_of(entry) if name and owners[name] == 1), whole_of(entry))
        for entry in distinct
    )
    return [replace(entry, key=key) for entry, key in zip(distinct, keys, strict=True)], left_out


def _parse_entry(entry: Mapping[str, Any], url: str, *, is_atom: bool) -> FeedEntry:
    link = _absolute(entry.get("link"), url)
    title = _parse_title(entry, is_atom=is_atom)
    id_ = str(entry.get("id") or "")[:_MAX_ID_LENGTH]
    texts = {str(part.get("value") or "") for part in entry.get("content") or ()} | {
        str(entry.get("summary") or "")
    }
    times = dict(entry)  # feedparser's own get() substitutes one time for another, with a warning
    published_on, untold_date = _read_day(times, "published", "updated")
    former = times.get("published_parsed") or times.get("updated_parsed")
    version = _ARXIV_VERSION.fullmatch(id_)
    authors, affiliations = _parse_authors(entry)
    longest_first = sorted(filter(str.strip, texts), key=lambda text: (-len(text), text))
    contents = tuple(longest_first[:_MAX_CONTENTS])
    hashed = "\0".join([title or "", link or "", *authors, *(_VOTE_COUNT.sub("", text) for text in contents)])
    parsed = FeedEntry(
        key=fields.clean_line(id_) or "",
        link=link,
        title=title,
        contents=contents,
        authors=authors,
        categories=fields.clean_labels(tag.get("term") for tag in entry.get("tags") or ()),
        thumbnail=next(
            (_absolute(media.get("url"), url) for media in entry.get("media_thumbnail") or ()), None
        ),
        published_on=published_on,
        untold_date=untold_date,
        is_misread=former is not None
        and former.tm_mday == 1
        and published_on not in (None, date(*former[:3])),
        arxiv_id=_parse_arxiv_id(link or "") or _parse_arxiv_id(id_),
        paper_title=_without_id(title),
        votes=fields.parse_votes(str(entry.get("rsshub_upvotes") or ""))[0],
        hash=hashlib.sha256(hashed.encode("utf-8", "replace")).hexdigest(),
        affiliations=fields.clean_labels([*affiliations, entry.get("arxiv_affiliation")]),
        version=int(version[1]) if version else None,
        version_on=_read_day(times, "updated")[0] if version else None,
        comment=fields.clean_line(entry.get("arxiv_comment")) if version else None,
        journal=fields.clean_line(entry.get("arxiv_journal_ref")) if version else None,
    )
    return parsed if parsed.arxiv_id else _read_post(parsed, entry.get("links") or ())


def _read_post(entry: FeedEntry, links: Iterable[Mapping[str, Any]]) -> FeedEntry:
    """Return a post about one paper, which another link of the entry names, its text or its title; any other entry as it is.

    What the post says, but for its day and perhaps its title, is not of the paper.
    """
    others = (link.get("href") for link in links if link.get("rel") in ("related", "via", "enclosure"))
    named = set(filter(None, (_parse_arxiv_id(str(address)) for address in others)))
    digests = read_alone(entry)
    listed = {paper.arxiv_id for digest in digests for paper in digest.entries}
    named = named or (set() if listed else set(arxiv_ids.find_ids(entry.title or "")))
    found = named if len(named) == 1 and len(listed) < 2 else listed
    arxiv_id = next(iter(found), "")
    if len(found) != 1 or (found is listed and not _is_of_one_paper(entry, arxiv_id, digests)):
        return entry
    labels = (
        label
        for row in _to_rows(entry.contents)
        for label, link_id in _find_links(row)
        if link_id == arxiv_id
    )
    own = entry.paper_title if entry.paper_title and not _POST_WORD.search(entry.paper_title) else ""
    title = next(filter(None, map(_read_label, labels)), None) or title_reader.read_title(own)
    entry = replace(entry, contents=(), authors=(), affiliations=(), categories=(), thumbnail=None)
    return replace(entry, arxiv_id=arxiv_id, paper_title=title)


def _is_of_one_paper(entry: FeedEntry, arxiv_id: str, digests: Iterable[models.Digest]) -> bool:
    """Return whether a text that lists one paper is a post about it, rather than the beginning of a list or the list of a day.

    In a post a link to the paper stands alone, above those to several others.
    """
    is_undated = all(it.date == _NO_DAY for it in digests)
    rows = [*_to_rows(entry.contents)]
    ids = [*dict.fromkeys(chain.from_iterable(map(arxiv_ids.find_ids, rows)))]
    return (
        (entry.published_on is not None or is_undated)
        and (len(ids) < 3 or ids[0] == arxiv_id)
        and any(_stands_alone(row) for row in rows if arxiv_id in arxiv_ids.find_ids(row))
        and not _CUT_OFF.search(_LINK.sub("", "\n".join(_to_rows(entry.contents[:1]))).rstrip())
    )


def read_alone(entry: FeedEntry) -> tuple[models.Digest, ...]:
    """Return the lists in an entry's texts without the papers in sentences, or nothing if it has written digests.

    They have the entry's day, or without one that of the text, else _NO_DAY.
    """
    size, has_ids = sum(map(len, entry.contents)), any(map(arxiv_ids.find_ids, entry.contents))
    if not has_ids or size > _MAX_PAPER_LENGTH:
        return ()
    rows = [
        row
        for row in _to_rows(entry.contents)
        if _ITEM.match(row) or not arxiv_ids.find_ids(row) or _stands_alone(row)
    ]
    for name in (str(entry.published_on),) if entry.published_on else ("", str(_NO_DAY)):
        with suppress(errors.NotADigestError):
            return () if written.parse(rows) else paper_list.parse(rows, name, _NO_DAY)
    return ()


def _to_rows(contents: Iterable[str]) -> Iterator[str]:
    for text in contents:
        is_html = parse.is_html(text) or _HTML.search(text)
        yield from markdown_lines.normalise(html_pages.to_markdown(text) if is_html else text).split("\n")
        yield ""


def _find_links(row: str) -> list[tuple[str, str]]:
    """Return the labels of links to papers, and the ids of these papers."""
    return [(link["label"], ids[0]) for link in _LINK.finditer(row) if (ids := arxiv_ids.find_ids(link[0]))]


def _stands_alone(row: str) -> bool:
    """Return whether a row, or a cell of it, begins with a paper's link, or has it behind a label or with a title as its label.

    A link does not stand alone if a sentence goes on behind it.
    """
    cells = row.split("|") if row.lstrip().startswith("|") else [row]
    return any(_read_label(label) for label, _ in _find_links(row)) or any(map(_begins_with_paper, cells))


def _begins_with_paper(part: str) -> bool:
    text = _LINK.sub(lambda link: f" {title_reader.CUT} " if arxiv_ids.find_ids(link[0]) else " ", part)
    words = (title_reader.CUT if arxiv_ids.extract_arxiv_id(word) else word for word in text.split())
    before, paper, behind = " ".join(words).partition(title_reader.CUT)
    is_label = len(before) <= _MAX_LABEL_LENGTH and before.rstrip(" *_").endswith(_LABEL_ENDS)
    following = behind.lstrip(" ,)>*_]")[:1]
    is_in_sentence = following.islower() or title_reader.CJK.match(following)
    return bool(paper) and (is_label or not any(map(str.isalpha, before))) and not is_in_sentence


def _read_label(label: str) -> str | None:
    title = title_reader.read_title(label)
    return None if title is None or title[0].islower() else title


def _absolute(address: object, url: str) -> str | None:
    """Return an address, which may be relative to the feed's URL, as a web address, or None."""
    text = address.strip() if isinstance(address, str) else ""
    with suppress(ValueError):  # a malformed IPv6 address
        return fields.clean_url(urljoin(url, text)) if text else None
    return None


def _parse_title(entry: Mapping[str, Any], *, is_atom: bool) -> str | None:
    """Return the title as plain text. It is HTML if it has a closing tag or entities.

    In Atom, its type decides: with "text", or without a type, it is plain text. So are arXiv's titles.
    """
    title = str(entry.get("title") or "")[: 8 * fields.MAX_LINE_LENGTH]
    is_text = is_atom and entry.get("title_detail", {}).get("type") == "text/plain"
    if not (is_text or _is_of_arxiv(entry)):
        title = _LINE_BREAK.sub(" ", title)
        is_html = _CLOSING_TAG.search(title) is not None
        title = Markup(title).striptags() if is_html else html.unescape(title)  # noqa: S704 - loses its tags
    return fields.clean_line(title)


def _without_id(title: str | None) -> str | None:
    """Return a title without the id in brackets behind it, as in old feeds of arXiv: `Moss. (arXiv:2505.01234v1 [cs.CL])`."""
    before, _, id_ = (title or "").rpartition("(arXiv:")
    return before.rstrip(" .") if before and id_.endswith(")") else title


def _parse_authors(entry: Mapping[str, Any]) -> tuple[tuple[str, ...], list[str]]:
    """Return the authors and their affiliations.

    arXiv's feeds name all authors in one field: `Ann Beech (Pond Lab, Springfield), Bo Carr`. Elsewhere a field
    with one comma is one person (`Beech, Ann`), and one with more commas lists people if each has two words.
    """
    names = [str(author.get("name") or "") for author in entry.get("authors") or ()]
    if len(names) != 1:
        return fields.clean_names(names), []
    if _is_of_arxiv(entry):
        pairs = _split_affiliations(names[0])
        return fields.clean_names(name for name, _ in pairs), [affiliation for _, affiliation in pairs]
    parts = [part.strip() for part in names[0].split(";" if ";" in names[0] else ",")]
    is_list = ";" in names[0] or (len(parts) > 2 and all(" " in part for part in parts))
    return fields.clean_names(parts if is_list else names), []


_ARXIV_ID_PREFIX = "oai:arXiv.org:"
_ARXIV_VERSION = re.compile(r"https?://arxiv\.org/abs/\S{1,40}?v([1-9][0-9]{0,2})")


def _is_of_arxiv(entry: Mapping[str, Any]) -> bool:
    """Return whether an entry is from one of arXiv's RSS feeds, which others publish again."""
    return "arxiv_announce_type" in entry or str(entry.get("id")).startswith(_ARXIV_ID_PREFIX)


def _split_affiliations(text: str) -> list[tuple[str, str]]:
    """Return the names in arXiv's list of authors, each with the text in brackets behind it."""
    pairs, start, bracket, depth = [], 0, 0, 0
    for index, letter in enumerate(f"{text},"):
        if letter == "(":
            bracket, depth = bracket if depth else index, depth + 1
        elif letter == ")":
            depth = max(0, depth - 1)
        elif letter == "," and (depth == 0 or index == len(text)):
            name, affiliation = text[start:index].strip(), ""
            if bracket > start and (depth or name.endswith(")")):
                name, affiliation = text[start:bracket].strip(), text[bracket + 1 : index].strip()
            pairs.append((name, affiliation.removesuffix(")") if not depth else affiliation))
            start = index + 1
    return pairs


def _read_day(times: Mapping[str, Any], *names: str) -> tuple[date | None, str | None]:
    """Return the day of the first date from which one can be told, or else the text of the first date.

    feedparser's own times are in UTC, and have the first of a month for dates that it does not know.
    """
    texts = [text for name in names if (text := fields.clean_line(times.get(name)))]
    day = next(filter(None, map(date_reader.read_date, texts)), None)
    return day, texts[0] if texts and day is None else None


def _parse_arxiv_id(text: str) -> str | None:
    """Return the arXiv id in an entry's id or link, such as `oai:arXiv.org:2505.01234v1`, or None."""
    return arxiv_ids.extract_arxiv_id(text.removeprefix(_ARXIV_ID_PREFIX))


def paper_facts(
    entry: FeedEntry, paper: listing.Paper, location: str, source_name: str, read_at: datetime
) -> models.PaperFacts:
    """Return the facts from an entry whose paper was parsed by `read_paper`.

    Votes are left out, because those in a feed do not come from a service.
    """
    names = ["categories", "affiliations", "published_on"]
    if source_name == models.SourceKind.ARXIV.value:
        names += models.ARXIV_FIELDS
    values_of_entry = {name: getattr(entry, name) for name in names}
    return listing.to_facts(paper, source_name, location, read_at, **values_of_entry)


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
        lines = []
        for line in html_pages.to_markdown(text).split("\n"):
            field, media = fields.parse_labelled_field(line), fields.parse_media(line)
            if media is not None:
                thumbnail = thumbnail or fields.clean_url(media[0])
            elif field is None:
                lines.append(line)
            elif field[0] == "votes":
                votes = fields.parse_votes(field[1])[0] if votes is None else votes
            else:
                authors = authors or fields.clean_names(fields.parse_authors(field[1])[0])
        text = _TEXT_LABEL.sub("", "\n".join(lines).strip(), count=1)
    return {
        "arxiv_id": entry.arxiv_id,
        "title": entry.paper_title,
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
_READER = "2:"
"""Begins the stored hash of a feed's body. A feed without it was last read by a former version, and is read once more."""


def assign_days(entries: Iterable[FeedEntry], built_on: date | None, read_on: date) -> dict[str, date | None]:
    """Return the day of each paper in a feed (None if unknown), keyed by entry key.

    A paper's day is its entry's date. In a feed that was just generated from a day's list, the dates are those
    of publication, in no order, and the day is the feed's build date. An impossible date counts as missing.
    """
    papers = [entry for entry in entries if entry.arxiv_id is not None]
    is_short = len(papers) <= MAX_POSTED_PAPERS and built_on is not None
    fresh = built_on if is_short and abs(read_on - (built_on or date.min)) <= _MAX_BUILD_AGE else None
    dates = {entry.key: day for entry in papers if (day := _possible_day(entry, read_on))}
    known = {} if fresh is not None and not _are_in_order([*filter(None, dates.values())]) else dates
    return {entry.key: known.get(entry.key) or fresh for entry in papers}


_NO_DAY = date(2099, 12, 31)
"""Stands for the day of an entry that has none."""
_FIRST_DAY, _EARLY = date(1991, 8, 1), timedelta(days=7)


def _possible_day(entry: FeedEntry, read_on: date) -> date | None:
    """Return an entry's day, unless it is after tomorrow, before arXiv existed or before the month of its paper's id."""
    first = _FIRST_DAY if entry.arxiv_id is None else arxiv_ids.first_day(entry.arxiv_id) - _EARLY
    on = entry.published_on
    return on if on and first <= on <= read_on + timedelta(days=1) else None


def _are_in_order(days: Sequence[date]) -> bool:
    """Return whether the newest or the oldest come first, except for one or a tenth of them, such as pinned entries."""
    longest = max(_longest_rise(days), _longest_rise(days[::-1]))
    return len(days) - longest <= max(1, len(days) // 10)


def _longest_rise(days: Sequence[date]) -> int:
    """Return the most days that rise or stay equal after others are left out."""
    last: list[date] = []  # of the earliest rise of each length
    for day in days:
        at = bisect_right(last, day)
        last[at : at + 1] = [day]
    return len(last)


class _Known(NamedTuple):
    """An entry that has not changed since it was read. `page_states` are those of its other names."""

    account: Account
    is_empty: bool
    page_states: tuple[sources.PageState, ...]


class _LeftOutEntry(NamedTuple):
    reason: Omission
    page_states: tuple[sources.PageState, ...]


class _WrittenDigests(NamedTuple):
    digests: tuple[models.Digest, ...]
    page_states: tuple[sources.PageState, ...]


class _ListedPaper(NamedTuple):
    """A single paper. Its page states, the entry's first, store the date of its list as `last_modified`.

    `wrong_on` is the first of a month on which a former version listed it.
    """

    entry: FeedEntry
    paper: listing.Paper
    page_states: tuple[sources.PageState, ...]
    wrong_on: date | None


class _LinkedPage(NamedTuple):
    entry: FeedEntry
    page_states: tuple[sources.PageState, ...]


_Judged: TypeAlias = _Known | _LeftOutEntry | _WrittenDigests | _ListedPaper | _LinkedPage


class _Reading(NamedTuple):
    """What the entries of a feed are judged by: the days of papers by key, how many entries are about a target.

    `chosen` is the entry of each paper, by arXiv id. What has no date in a feed that was read before is of the day
    on which it was first seen, `seen_on`. `is_old`: a former version read the feed last.
    """

    days: Mapping[str, date | None]
    targets: Mapping[str | None, int]
    chosen: Mapping[str, FeedEntry]
    seen_on: date | None
    is_old: bool

    @classmethod
    def of(
        cls, parsed: Feed, request: base.FetchRequest, locate: Callable[[str], str], *, is_old: bool
    ) -> _Reading:
        """Choose a paper's entry of several: a known one, else the earliest; one about a new version comes last."""
        ranked = sorted(
            (entry for entry in parsed.entries if entry.arxiv_id is not None),
            key=lambda entry: (
                entry.is_replacement,
                request.known(locate(entry.key)) is None,
                _possible_day(entry, request.now.date()) or date.max,
            ),
        )
        return cls(
            assign_days(parsed.entries, parsed.built_on, request.now.date()),
            Counter(map(_target_of, parsed.entries)),
            {entry.arxiv_id or "": entry for entry in reversed(ranked)},
            request.now.date() if request.page_states else None,
            is_old,
        )

    def is_chosen(self, entry: FeedEntry) -> bool:
        """Return whether an entry is about no paper, or is the one of its paper."""
        return self.chosen.get(entry.arxiv_id or "", entry) is entry


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
        known = request.known(self.address)
        read_hash = known.hash or "" if known else ""
        is_old = read_hash != "" and not read_hash.startswith(_READER)
        if known is not None:
            known = replace(known, hash=None if is_old else read_hash.removeprefix(_READER))
            states = {**request.page_states, base.page_key(self.address): known}
            request = replace(request, page_states=states)
        async for result in self._fetch(request, is_old=is_old):
            pages = result.page_states
            yield replace(result, page_states=tuple(map(self._mark_read, pages)))

    def _mark_read(self, page: sources.PageState) -> sources.PageState:
        is_feed = page.location == self.address and page.hash is not None
        return replace(page, hash=f"{_READER}{page.hash}") if is_feed else page

    async def _fetch(self, request: base.FetchRequest, *, is_old: bool) -> AsyncIterator[base.FetchResult]:
        """Read the feed; see `_read_entries` for `is_old`."""
        page = await base.get_page(self.fetcher, self.address, request, accept=ACCEPT)
        if isinstance(page, base.FetchResult):
            yield page
            return
        try:
            parsed = await read_document(page)
        except base.FetchError as error:
            yield await self._read_as_digest(page, error)
            return
        async for result in self._read_entries(parsed, page.page_state, request, is_old=is_old):
            yield result

    async def _read_as_digest(self, response: base.Response, feed_error: base.FetchError) -> base.FetchResult:
        result = await base.read_page(self.address, response)
        if result.status is FetchStatus.OK:
            return result
        reason = f"{feed_error}; {result.reason}" if str(feed_error) == NOT_A_FEED else str(feed_error)
        return replace(result, reason=base.clean_reason(reason))

    async def _read_entries(
        self, parsed: Feed, feed_state: sources.PageState, request: base.FetchRequest, *, is_old: bool
    ) -> AsyncIterator[base.FetchResult]:
        """Yield a result for each new entry and each day of single papers, then the feed's own result.

        An entry without papers has the status NOT_YET. If a former version read the feed last (`is_old`), the papers
        that it put on a wrong first of a month move to their day.
        """
        papers: list[_ListedPaper] = []
        linked: list[_LinkedPage] = []
        feed_states: list[sources.PageState] = []
        # What the results of pages and days count, and what the feed's own result does.
        total, rest = Account(), Account(left_out=parsed.left_out)
        is_empty, reason = True, ""
        reading = _Reading.of(parsed, request, self._locate, is_old=is_old)
        for entry in parsed.entries:
            match await self._judge(entry, request, reading):
                case _Known() as known:
                    is_empty &= known.is_empty
                    feed_states += known.page_states
                    rest += known.account
                case _LeftOutEntry(omission, states):
                    is_empty &= omission is Omission.NO_ID
                    account = _leave_out(entry, omission)
                    states = base.with_account(states, account)
                    feed_states += _mark_empty(states) if omission is Omission.NO_ID else states
                    rest += account
                case _WrittenDigests(digests, states):
                    is_empty = False
                    result = base.read_result(states[0].location, digests, states)
                    total += result.account or Account()
                    yield result
                case _ListedPaper() as listed:
                    is_empty = False
                    papers.append(listed)
                case _LinkedPage() as link:
                    linked.append(link)
                case judged:
                    assert_never(judged)
        counts = Counter(day for day in reading.days.values() if day is not None)
        is_large = is_arxiv(self.address) or max(counts.values(), default=0) > MAX_POSTED_PAPERS
        for result in await asyncio.to_thread(self._list_papers, papers, request, is_large=is_large):
            total += result.account or Account()
            yield result
        for result in self._empty_wrong_days(papers):
            yield result
        # Links that failed before come last, so that dead links do not block others.
        linked.sort(key=lambda link: request.known(link.page_states[0].location) is not None)
        is_missed = len(linked) > _MAX_LINKS
        for link in linked[:_MAX_LINKS]:
            result = await self._fetch_link(link, request, reading.seen_on)
            total += result.account or Account()
            is_missed |= result.status is FetchStatus.FAILED
            is_empty &= result.status is FetchStatus.NOT_YET
            reason = reason or result.reason
            yield replace(result, reason="") if result.status is FetchStatus.NOT_YET else result
        rest += sum((_leave_out(link.entry, Omission.TOO_MANY) for link in linked[_MAX_LINKS:]), Account())
        if not is_empty:
            state = replace(feed_state, account=total + rest)
            feed_states += () if is_missed else (state,)
            yield base.FetchResult(
                self.address, FetchStatus.UNCHANGED, page_states=tuple(feed_states), account=rest
            )
            return
        nothing = "none of its entries that were read has papers of arXiv, or links to a list of them"
        nothing = f"{nothing}: {reason}" if reason else nothing
        note = base.clean_reason(nothing) if parsed.entries else "the feed has no entries"
        # Without a hash it is read again; what it has then was not there before.
        state = sources.PageState(self.address, request.now, FetchStatus.NOT_YET)
        yield base.FetchResult(
            self.address, FetchStatus.NOT_YET, note, page_states=(*feed_states, state), account=rest
        )

    async def _judge(self, entry: FeedEntry, request: base.FetchRequest, reading: _Reading) -> _Judged:
        """Return what an entry has, or why it is left out.

        Some feeds give their entries new ids, so an entry with a text is also known by its paper or link, if no
        other entry has it.
        """
        target, is_chosen = _target_of(entry), reading.is_chosen(entry)
        is_only = is_chosen if entry.arxiv_id else reading.targets[target] == 1
        keys = [entry.key, *([target] if target and is_only and target != entry.key else ())]
        places = [self._locate(key) for key in keys]
        known = next(filter(None, map(request.known, places)), None)
        on, former_on = reading.days.get(entry.key), fields.clean_date(known and known.last_modified)
        is_wrong = reading.is_old and entry.is_misread and on not in (None, former_on)
        wrong_on = former_on if is_wrong and former_on and former_on.day == 1 and entry.arxiv_id else None
        known = None if wrong_on else known
        if known is not None and known.hash == entry.hash:
            others = (replace(known, location=place) for place in places if request.known(place) is None)
            is_empty = known.status is FetchStatus.NOT_YET
            return _Known(_account_of_known(entry, known, Omission.NO_ID), is_empty, tuple(others))
        state = sources.PageState(places[0], request.now, FetchStatus.OK, hash=entry.hash)
        states = tuple(replace(state, location=place) for place in places)
        paper = await asyncio.to_thread(read_paper, entry)
        seen_on = reading.seen_on if known is None or known.status is FetchStatus.NOT_YET else None
        if digests := await self._read_contents(entry, state, seen_on, is_paper=paper is not None):
            return _WrittenDigests(digests, states)
        if paper is None:
            return _LinkedPage(entry, states) if entry.link else _LeftOutEntry(Omission.NO_ID, states)
        if not is_chosen and not entry.is_replacement:
            return _LeftOutEntry(Omission.REPEATED, states)
        # A known paper stays in the list of its first day. If another entry links to this location, the known
        # `last_modified` is a server's time instead.
        is_new = known is None or known.status is FetchStatus.NOT_YET
        day = on or seen_on if is_new else former_on
        stamp = None if day is None else str(day)
        stamped = tuple(replace(state, last_modified=stamp) for state in states)
        return _ListedPaper(entry, paper, stamped, wrong_on)

    def _locate(self, key: str) -> str:
        # The dated location is that day's list.
        return f"{self.address}#{'entry-' if str(fields.clean_date(key)) == key else ''}{key}"

    async def _read_contents(
        self, entry: FeedEntry, state: sources.PageState, seen_on: date | None, *, is_paper: bool
    ) -> tuple[models.Digest, ...]:
        """Return the digests in an entry's content, except a list that contains only the entry's own paper.

        A paper's day is in the content, else it is the entry's, else in the path of its link. With the entry's day, two
        papers alone in their lines are a list.
        """
        read_on = state.read_at.date()
        on = _possible_day(entry, read_on)
        name = entry.link or "" if on is None else ""
        for text in entry.contents:
            with suppress(base.FetchError):
                arguments = (text.encode("utf-8", "replace"), "utf-8", name, on or seen_on, read_on)
                digests = await base.read_digests(base.detect_in_bytes, *arguments)
                is_alone = is_paper and sum(len(digest.entries) for digest in digests) == 1
                return () if is_alone else digests
        alone = await asyncio.to_thread(read_alone, entry) if on and not is_paper else ()
        is_list = sum(len(digest.entries) for digest in alone) > 1 and not any(it.is_rolling for it in alone)
        return alone if is_list else ()

    def _list_papers(
        self, papers: Sequence[_ListedPaper], request: base.FetchRequest, *, is_large: bool
    ) -> list[base.FetchResult]:
        """Return one list per day, and a rolling list of papers without a day."""
        by_stamp: dict[str | None, list[_ListedPaper]] = {}
        for listed in papers:
            by_stamp.setdefault(listed.page_states[0].last_modified, []).append(listed)
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
                    paper_facts(entry, paper, pages[0].location, source_name, request.now),
                    listed_on=digest.date if stamp and paper["arxiv_id"] in news else None,
                )
                for entry, paper, pages, _ in group
            )
            location = f"{self.address}#{stamp}" if stamp else self.address
            accounts = [_account_of_paper(row.entry, request.now.date()) for row in group]
            pages = tuple(
                page
                for row, account in zip(group, accounts, strict=True)
                for page in base.with_account(row.page_states, account)
            )
            digests = (digest,) if news else ()
            account = sum(accounts, Account())
            results.append(
                base.FetchResult(location, FetchStatus.OK, "", digests, facts, pages, account=account)
            )
        return results

    def _empty_wrong_days(self, papers: Sequence[_ListedPaper]) -> Iterator[base.FetchResult]:
        """Yield the days on which a former version listed papers by mistake, now without these papers."""
        for on in {row.wrong_on for row in papers if row.wrong_on}:
            emptied = (listing.build(on, (), form=models.DigestFormat.LIST),)
            ids = frozenset(row.paper["arxiv_id"] for row in papers if row.wrong_on == on)
            yield base.FetchResult(f"{self.address}#{on}", FetchStatus.OK, digests=emptied, moved=ids)

    async def _fetch_link(
        self, linked: _LinkedPage, request: base.FetchRequest, seen_on: date | None
    ) -> base.FetchResult:
        """Fetch a linked page. If that fails, it is retried; if the page has no digest, it is skipped until it changes."""
        entry, states = linked
        link = entry.link or ""
        known, page_states = request.known(link), states
        try:
            page = await self.fetcher.get(link, known, accept=base.ACCEPT)
            page_states += (page.page_state,)
            if page.body is None and known is not None:
                is_empty = known.status is FetchStatus.NOT_YET
                account = _account_of_known(entry, known, Omission.NO_LIST)
                page_states = base.with_account(page_states, account)
                page_states = _mark_empty(page_states) if is_empty else page_states
                status = FetchStatus.NOT_YET if is_empty else FetchStatus.UNCHANGED
                return base.FetchResult(link, status, page_states=page_states, account=account)
            on = _possible_day(entry, page.page_state.read_at.date()) or (seen_on if known is None else None)
            digests = await base.detect_in_response(page, on)
        except base.FetchError as error:
            reason = base.clean_reason(f"{link}: {error}")
            is_read = page_states != states
            account = _leave_out(
                entry, error.omission, None if error.omission is Omission.NO_LIST else reason
            )
            page_states = base.with_account(page_states, account)
            if is_read or error.code in (base.NOT_FOUND, base.GONE):
                status, page_states = FetchStatus.NOT_YET, _mark_empty(page_states)
            else:
                status = error.status
            if status is FetchStatus.FAILED:
                # Without a hash, the entry will be read again.
                page_states = tuple(replace(state, status=status, hash=None) for state in page_states)
            return base.FetchResult(link, status, reason, page_states=page_states, account=account)
        return base.read_result(link, digests, page_states)


def _leave_out(entry: FeedEntry, reason: Omission, example: str | None = None) -> Account:
    return Account(left_out=(sorting.leave_out(reason, example or entry.title or entry.link or entry.key),))


def _account_of_paper(entry: FeedEntry, today: date) -> Account:
    if entry.is_replacement:
        return _leave_out(entry, Omission.NEW_VERSION)
    is_impossible = entry.published_on and not _possible_day(entry, today)
    text = str(entry.published_on) if is_impossible else entry.untold_date
    return Account(1, remarks=(sorting.leave_out(Omission.NO_DATE, text),) if text else ())


def _account_of_known(entry: FeedEntry, state: sources.PageState, reason: Omission) -> Account:
    """Return the account of an entry that has not changed, for a `reason` if it is empty and an older version read it."""
    is_empty = state.status is FetchStatus.NOT_YET
    return base.known_account(state) or (_leave_out(entry, reason) if is_empty else Account(known=1))


def _target_of(entry: FeedEntry) -> str | None:
    """Return what an entry is about, or None if it only links to a page, which may be another each time."""
    return entry.arxiv_id or (entry.link if entry.contents else None)


def _mark_empty(page_states: Iterable[sources.PageState]) -> tuple[sources.PageState, ...]:
    """Return the states of pages that were read and have no papers."""
    return tuple(replace(state, status=FetchStatus.NOT_YET) for state in page_states)


KIND = base.KindRecord(
    kind=models.SourceKind.FEED,
    matches=lambda *_: True,
    check=_check_undated,
    open=lambda address, _options, context: FeedSource(address, context.fetch),
    is_limited=lambda address: not is_arxiv(address),
    poll_interval=timedelta(minutes=30),
)
