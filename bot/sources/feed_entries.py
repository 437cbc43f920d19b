"""The entries of RSS and Atom feeds: parsed fields and the paper of each."""

from __future__ import annotations

import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from html.entities import html5
from itertools import chain
from typing import Any
from urllib.parse import urljoin, urlsplit

import pydantic

from bot.archive import (
    arxiv_ids,
    fields,
    html_pages,
    listing,
    markdown_lines,
    mentions,
    paper_list,
    parse,
    schemes,
    sorting,
    title_reader,
    written,
)
from bot.sources import base
from bot.text import date_reader, plain
from storage import errors, models
from storage.models import Skipped, SkipReason

ACCEPT = "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.8, */*;q=0.5"
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
_HTML = re.compile(
    r"<(?:/?(?:p|div|ul|ol|li|table|t[dhr]|h[1-6]|b|i|em|strong|span)>|(?:p|div|img|a|span)\s[^<>]{0,2000}>|br\s?/?>)",
    re.I,
)
_TEXT_LABEL = re.compile(r"[*_\s]{0,4}(?:abstract|summary)\s?[*_]{0,3}\s?[:：][*_\s]{0,4}", re.IGNORECASE)
_VOTE_COUNT = re.compile(
    r"\b(?:up)?votes?\b[^0-9\w]{0,12}(?:</?\w{1,10}>[^0-9\w]{0,12}){0,2}[0-9]{1,7}", re.IGNORECASE
)
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
"""A word in a title that a post has, but not the title of a paper."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEntry(models.PaperDescription):
    """A feed entry and its fields about a paper. `contents` are its texts, longest first.

    For `key` see `_assign_keys`. The version is the one that arXiv's API names in the id.
    """

    key: str
    link: str | None
    contents: tuple[str, ...]
    published_on: date | None
    """The day that its date states, in its writer's zone."""
    unreadable_date: str | None
    """The text of its date if it names no day."""
    paper_key: str | None
    names: tuple[str, ...]
    """Further keys of its paper."""
    left_out: SkipReason
    """Why it has no paper, if it has none."""
    is_closed: bool
    """Whether it names a paper, or states an identifier as papers have it: its page is not read."""
    paper_title: str | None
    """The title of its paper: the entry's, unless the entry is a post."""
    hash: str
    """A hash of the entry without dates and votes, which change at each poll in some feeds."""
    published_key: str | None = None
    """The key by the DOI under which arXiv says that the paper was published."""

    @property
    def is_replacement(self) -> bool:
        """Whether the entry announces a new version of a paper on arXiv."""
        return any(
            text.startswith("arXiv:") and "Announce Type: replace" in text[:_MAX_ANNOUNCEMENT]
            for text in self.contents
        )


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed: its entries in order, and the day of its build date. `total` is the number of results of a search feed.

    `following` is the address of its next page.

    No two entries have the same key.
    """

    entries: tuple[FeedEntry, ...]
    built_on: date | None
    total: int | None
    skipped: tuple[Skipped, ...]
    following: str | None = None


_FEED = pydantic.TypeAdapter(Feed)
_ENTRIES = pydantic.TypeAdapter(tuple[FeedEntry, ...])


async def read_document(response: base.Response) -> Feed:
    """Parse the feed in a response. Large feeds are parsed in the worker process."""
    body = response.body or b""
    # feedparser's regular expressions take quadratic time on long words and block all threads.
    is_large = len(body) >= base.LARGE_BYTES or max(map(len, body.split()), default=0) > _MAX_WORD_BYTES
    arguments = _FEED.validate_python, _ENTRIES, _parse_body, body, response.charset, response.url
    [parsed] = await base.parse_off_loop(*arguments, is_large=is_large)
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
    used = {part.partition(";")[0] for part in text[start:].split("&")[1:]}
    declared = {part.split(maxsplit=1)[0] for part in text[:start].split("<!ENTITY ")[1:] if part.strip()}
    if any(f"{name};" not in html5 for name in declared & used):
        raise base.FetchError("its XML declares entities of its own, which are not read")
    text = text[start:]
    # It is put before each relative address, and one that is relative itself behind that of the element around it.
    bases = re.findall(r"\bbase\s*=\s*[\"']([^\"']*)", text)
    length = max(len(base) if "//" in base else 0 for base in ("", *bases))
    length += sum(len(base) for base in bases if "//" not in base)
    if length * (text.count("<") - text.count("</")) > 2 * len(text):
        text = re.sub(r"\bbase(?=\s*=)", "left-out", text)
    import feedparser  # slow to load, and not needed without feeds

    try:
        parsed = feedparser.parse(
            # The text before the first element only declares the charset, but we have decoded it already.
            io.BytesIO(text.encode("utf-8", "replace")),
            response_headers={"content-type": "application/xml; charset=utf-8"},
            sanitize_html=False,
            resolve_relative_uris=False,
        )
    except (LookupError, ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise base.FetchError(f"its feed cannot be read: {type(error).__name__} in feedparser") from error
    if not parsed.get("version"):
        raise base.FetchError(NOT_A_FEED)
    is_atom = parsed.version.startswith("atom")
    parsed_entries, unread = sorting.sort_out(
        parsed.entries[:_MAX_ENTRIES], lambda entry: _parse_entry(entry, url, is_atom=is_atom)
    )
    entries, skipped = _assign_keys(parsed_entries)
    skipped = (*unread, *skipped)
    # arXiv counts entries without anything for ids that it does not have.
    empty_count = sum(map(_is_empty, parsed_entries))
    if (beyond := len(parsed.entries) - _MAX_ENTRIES) > 0:
        title = parsed.entries[_MAX_ENTRIES].get("title")
        skipped = (*skipped, sorting.skip(SkipReason.TOO_MANY, title, beyond))
    built_on, _ = _read_day(dict(parsed.feed), "updated", "published")
    text = str(parsed.feed.get("opensearch_totalresults") or "")[:9]
    total = max(0, int(text) - empty_count) if text.isdecimal() else None
    links = parsed.feed.get("links") or ()
    following = next((_absolute(link.get("href"), url) for link in links if link.get("rel") == "next"), None)
    return Feed(tuple(entries), built_on, total, skipped, following)


def _is_empty(entry: FeedEntry) -> bool:
    return not (entry.key or entry.link or entry.title or entry.contents)


def _assign_keys(entries: Sequence[FeedEntry]) -> tuple[list[FeedEntry], tuple[Skipped, ...]]:
    """Give each entry, whose key is its id so far, a unique key; entries that repeat another one are left out.

    It is the first of these that no other entry has: its id, its link, its title with its date, all of it.
    """

    def names_of(entry: FeedEntry) -> tuple[str, str, str]:
        title = f"{entry.title} {entry.published_on or ''}".rstrip() if entry.title else ""
        return entry.key, entry.link or "", title

    def whole_of(entry: FeedEntry) -> str:
        return " ".join((*names_of(entry), str(entry.published_on), entry.hash))

    def judge(entry: FeedEntry) -> FeedEntry | Skipped:
        if _is_empty(entry):
            return sorting.skip(SkipReason.NO_ID)
        if whole_of(entry) in seen:
            return sorting.skip(SkipReason.REPEATED, entry.title or entry.key)
        seen.add(whole_of(entry))
        return entry

    seen = set[str]()
    distinct, skipped = sorting.sort_out(entries, judge)
    owners = Counter(chain.from_iterable({*names_of(entry)} for entry in distinct))
    keys = (
        next((name for name in names_of(entry) if name and owners[name] == 1), whole_of(entry))
        for entry in distinct
    )
    return [replace(entry, key=key) for entry, key in zip(distinct, keys, strict=True)], skipped


def _parse_entry(entry: Mapping[str, Any], url: str, *, is_atom: bool) -> FeedEntry:
    link = _absolute(entry.get("link"), url)
    title = _parse_title(entry, is_atom=is_atom)
    id_ = str(entry.get("id") or "")[:_MAX_ID_LENGTH]
    texts = {str(part.get("value") or "") for part in entry.get("content") or ()} | {
        str(entry.get("summary") or "")
    }
    times = dict(entry)  # feedparser's own get() substitutes one time for another, with a warning
    # The date on an issue's cover may be months after that of the paper.
    dates = "published", "updated", "prism_publicationdate", "prism_coverdate"
    published_on, unreadable_date = _read_day(times, *dates)
    version = _ARXIV_VERSION.fullmatch(id_)
    authors, affiliations = _parse_authors(entry)
    stated = [str(entry[name]) for name in ("dc_identifier", "prism_doi") if entry.get(name)]
    names = [link or "", id_, *stated]
    keys, left_out = _list_keys(names), schemes.explain("\n".join(names))
    if not any(map(schemes.is_arxiv, keys)) and fields.is_notice(title, str(entry.get("dc_type") or "")):
        keys, left_out = [], SkipReason.NO_PAPER
    longest_first = sorted(filter(str.strip, texts), key=lambda text: (-len(text), text))
    contents = tuple(longest_first[:_MAX_CONTENTS])
    hashed = "\0".join([title or "", link or "", *authors, *(_VOTE_COUNT.sub("", text) for text in contents)])
    parsed = FeedEntry(
        key=fields.clean_line(id_) or "",
        link=link,
        title=title,
        contents=tuple(_without_issue(text, entry) for text in contents),
        authors=authors,
        categories=fields.clean_labels(tag.get("term") for tag in entry.get("tags") or ()),
        thumbnail=next(
            (_absolute(media.get("url"), url) for media in entry.get("media_thumbnail") or ()), None
        ),
        published_on=published_on,
        unreadable_date=unreadable_date,
        paper_key=next(iter(keys), None),
        names=tuple(keys[1:]),
        left_out=left_out,
        is_closed=bool(keys or stated or left_out is SkipReason.NO_PAPER)
        or _CLOSED_HOSTS.fullmatch(_host_of(link)) is not None,
        paper_title=_without_marks(title),
        votes=fields.parse_votes(str(entry.get("rsshub_upvotes") or ""))[0],
        hash=hashlib.sha256(hashed.encode("utf-8", "replace")).hexdigest(),
        affiliations=fields.clean_labels([*affiliations, entry.get("arxiv_affiliation")]),
        version=int(version[1]) if version else None,
        version_on=_read_day(times, "updated")[0] if version else None,
        comment=fields.clean_line(entry.get("arxiv_comment")) if version else None,
        journal=fields.clean_line(entry.get("arxiv_journal_ref")) if version else None,
        published_key=schemes.read_key(str(entry.get("arxiv_doi") or "")),
    )
    return parsed if parsed.is_closed else _read_post(parsed, entry.get("links") or ())


_FIRST_SENTENCE = re.compile(r"(.{1,400}?)(?:<br\s?/?>|\n|\.(?=\s|<|\Z))", re.DOTALL | re.IGNORECASE)
_OF_ISSUES = re.compile(
    rf"\W|[0-9_]|vol(?:ume)?|issue|no|pages?|pp|ahead|of|print|early|view|doi|{plain.MONTH}", re.IGNORECASE
)


def _without_issue(text: str, entry: Mapping[str, Any]) -> str:
    """Return an entry's text without first sentences that say only in which issue its paper is, as its other elements do."""
    stated = (
        str(value)
        for name, value in entry.items()
        if name.startswith("prism_") or name in ("dc_source", "dc_publisher")
    )
    own = {word.casefold() for value in stated for word in _WORD.findall(value)}
    while sentence := _FIRST_SENTENCE.match(text):
        words = (word for word in _WORD.findall(sentence[1]) if word.casefold() not in own)
        if not own or any(not _OF_ISSUES.fullmatch(word) for word in words):
            return text
        text = text[sentence.end() :].lstrip()
    return text


_WORD = re.compile(r"[^\W\d_]+")
_CLOSED_HOSTS = re.compile(
    r"(?:[\w-]+\.)?(?:openreview\.net|doi\.org|dblp\.org|openalex\.org|crossref\.org|(?:bio|med)rxiv\.org)"
)
"""The hosts that do not want programs, or whose pages are of one paper each."""


def _host_of(link: str | None) -> str:
    with suppress(ValueError):  # a malformed IPv6 address
        return urlsplit(link or "").hostname or ""
    return ""


def _list_keys(names: Sequence[str]) -> list[str]:
    """Return the keys in an entry's link, id and identifiers: its arXiv id first, then one of each scheme."""
    keys = {"arxiv": next(filter(None, map(_parse_arxiv_id, names)), None)}
    for name in names:
        key = schemes.read_key(name)
        keys.setdefault(models.scheme_of(key or ""), key)
    return [*filter(None, keys.values())]


def _read_post(entry: FeedEntry, links: Iterable[Mapping[str, Any]]) -> FeedEntry:
    """Return a post about one paper, which another link of the entry names, its text or its title; any other entry as it is.

    The post's fields, except its day and perhaps its title, are not the paper's.
    """
    others = (link.get("href") for link in links if link.get("rel") in ("related", "via", "enclosure"))
    named = set(filter(None, (_parse_arxiv_id(str(address)) for address in others)))
    digests = read_list_items(entry)
    listed = {paper.paper_key for digest in digests for paper in digest.entries}
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
    return replace(entry, paper_key=arxiv_id, paper_title=title)


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


_NO_DAY = date(2099, 12, 31)
"""Sorts entries without a day last."""


def read_list_items(entry: FeedEntry) -> tuple[models.Digest, ...]:
    """Return the lists in an entry's texts without the papers in sentences, or nothing if it has written digests.

    They have the entry's day, or without one that of the text, else _NO_DAY.
    """
    size, has_ids = sum(map(len, entry.contents)), any(map(arxiv_ids.find_ids, entry.contents))
    if not has_ids or size > _MAX_PAPER_LENGTH:
        return ()
    rows = [
        row if _ITEM.match(row) or not arxiv_ids.find_ids(row) else f"- {row}"
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
    """Return whether a row, or a cell of it, begins with a paper's link, or has it after a label or with a title as its label.

    A link does not stand alone if a sentence continues after it.
    """
    cells = row.split("|") if row.lstrip().startswith("|") else [row]
    return any(_read_label(label) for label, _ in _find_links(row)) or any(map(_begins_with_paper, cells))


def _begins_with_paper(part: str) -> bool:
    text = _LINK.sub(lambda link: f" {title_reader.CUT} " if arxiv_ids.find_ids(link[0]) else " ", part)
    words = (title_reader.CUT if arxiv_ids.extract_arxiv_id(word) else word for word in text.split())
    before, paper, after = " ".join(words).partition(title_reader.CUT)
    is_label = len(before) <= _MAX_LABEL_LENGTH and before.rstrip(" *_").endswith(_LABEL_ENDS)
    is_in_sentence = mentions.is_in_sentence("", after.lstrip(" ,)>*_]"), "", is_id=False)
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
    """Return the title as plain text, without the tags of markup.

    In Atom, its type decides: with "text", or without a type, it is plain text. So are arXiv's titles.
    """
    title = str(entry.get("title") or "")[: 8 * fields.MAX_LINE_LENGTH]
    is_text = is_atom and entry.get("title_detail", {}).get("type") == "text/plain"
    return fields.clean_line(title if is_text or _is_of_arxiv(entry) else fields.read_markup(title))


_MARK = re.compile(
    r"\[(?:[A-Z]|(?i:pdf|arxiv|paper|research|news|project|discussion)|(?:arXiv:)?[0-9]{4}\.[0-9]{4,5}(?:v[0-9]{1,2})?)\]"
)


def _without_marks(title: str | None) -> str | None:
    """Return a title without what arXiv's old feeds and aggregators put around it.

    That is the id after it (`Moss. (arXiv:2505.01234v1 [cs.CL])`), and ids and kinds in brackets (`[R] Moss [pdf]`).
    """
    before, _, id_ = (title or "").rpartition("(arXiv:")
    bare = before.rstrip(" .") if before and id_.endswith(")") else title or ""
    while mark := _MARK.match(bare) or _MARK.fullmatch(bare, max(0, bare.rfind("["))):
        bare = (bare[: mark.start()] + bare[mark.end() :]).strip()
    return bare or title


def _parse_authors(entry: Mapping[str, Any]) -> tuple[tuple[str, ...], list[str]]:
    """Return the authors and their affiliations.

    arXiv's feeds name all authors in one field: `Ann Beech (Pond Lab, Springfield), Bo Carr`.
    """
    names = [str(author.get("name") or "") for author in entry.get("authors") or ()]
    if len(names) == 1 and _is_of_arxiv(entry):
        pairs = _split_affiliations(names[0])
        return fields.clean_names(name for name, _ in pairs), [affiliation for _, affiliation in pairs]
    return fields.read_names(names), []


_MAX_ANNOUNCEMENT = 80
"""In characters, from the id to the type of an announcement of arXiv."""
_ARXIV_ID_PREFIX = "oai:arXiv.org:"
_ARXIV_VERSION = re.compile(r"https?://arxiv\.org/abs/\S{1,40}?v([1-9][0-9]{0,2})")


def _is_of_arxiv(entry: Mapping[str, Any]) -> bool:
    """Return whether an entry is from one of arXiv's RSS feeds, which others publish again."""
    return "arxiv_announce_type" in entry or str(entry.get("id")).startswith(_ARXIV_ID_PREFIX)


def _split_affiliations(text: str) -> list[tuple[str, str]]:
    """Return the names in arXiv's list of authors, each with the text in brackets after it."""
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
    """Return the day of the first date that is understood, or else the text of the first date.

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
    values_of_entry["names"] = (
        (entry.published_key,) if entry.published_key else tuple(paper.get("names", ()))
    )
    return listing.to_facts(paper, source_name, location, read_at, **values_of_entry)


def read_paper(entry: FeedEntry) -> listing.Paper | None:
    """Return the paper that an entry is about, or None if it is not about a single paper.

    Authors, votes and a picture in the HTML fill missing fields; the rest of the text is the abstract.
    """
    if entry.paper_key is None:
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
    else:
        text = fields.read_markup(text)
    return {
        "key": entry.paper_key,
        "names": list(entry.names),
        "title": entry.paper_title,
        "authors": list(authors),
        "votes": votes,
        "thumbnail": thumbnail,
        "abstract": fields.clean_paragraph(text),
    }
