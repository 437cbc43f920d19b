"""Parses RSS and Atom into plain entries with feedparser, which gets decoded text and never fetches."""

from __future__ import annotations

import calendar
import io
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from xml.etree import ElementTree

from bot.digests.elements import arxiv_ids, sanitize
from bot.sources.http import errors
from storage import models

_XML_DECLARATION = re.compile(r"\s{0,1000}<\?xml[^>]{0,500}\?>")
_CHARACTER_REFERENCE = re.compile(r"&#(x[0-9a-f]+|[0-9]+)", re.IGNORECASE)
_MAX_REFERENCE_LENGTH = 8
_SURROGATES = range(0xD800, 0xE000)
_MAX_FEED_LENGTH = 4_000_000
_MAX_ENTRIES = 2_000
NOT_A_FEED = "it is no feed"
"""The reason for text that is neither RSS nor Atom."""
_MAX_ID_LENGTH = 500
# "arXiv:2505.01234v1 Announce Type: new \nAbstract: …" and "A title. (arXiv:2505.01234v1 [cs.CL])" in arXiv's feeds.
_ARXIV_ABSTRACT_PREFIX = re.compile(
    r"\AarXiv:\S{4,40}\s{1,9}Announce Type:[^\n]{0,80}\n?\s{0,9}Abstract:\s{0,9}"
)
_ARXIV_TITLE_SUFFIX = re.compile(r"\.?\s{0,9}\(arXiv:[^()]{4,60}\)\s{0,9}\Z")


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One entry. `contents` are its texts, longest first; `key` is its id, else its link, else its title.

    `comment` is that of arXiv's API: pages, figures, where the paper was accepted.
    """

    key: str
    link: str | None
    title: str | None
    contents: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    thumbnail: str | None = None
    published_on: date | None = None
    arxiv_id: str | None = None
    comment: str | None = None
    updated_at: datetime | None = None


def parse_feed(text: str) -> list[FeedEntry]:
    """Return the entries of a feed in order. Raises FetchError for other text and for feeds that declare entities.

    Takes seconds for a large feed: call it in a thread.
    """
    if len(text) > _MAX_FEED_LENGTH:
        raise errors.FetchError(f"its feed is larger than {_MAX_FEED_LENGTH / 1_000_000:g} MB")
    if "<!ENTITY" in text:
        raise errors.FetchError("its XML declares entities of its own, which are not read")
    import feedparser  # slow to load, and not needed without feeds

    # The charset is decoded already, so the declaration must not name another.
    undeclared = _XML_DECLARATION.sub("", text, count=1)
    document = _CHARACTER_REFERENCE.sub(_possible_reference, undeclared).encode("utf-8", "replace")
    parsed = feedparser.parse(
        io.BytesIO(document),
        response_headers={"content-type": "application/xml; charset=utf-8"},
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    if not parsed.get("version"):
        raise errors.FetchError(NOT_A_FEED)
    entries = [_parse_entry(entry) for entry in parsed.entries[:_MAX_ENTRIES]]
    return list({entry.key: entry for entry in reversed(entries) if entry.key}.values())[::-1]


def _possible_reference(match: re.Match[str]) -> str:
    """Return a reference to a character; one that names none, on which feedparser fails, as U+FFFD."""
    digits = match[1][:_MAX_REFERENCE_LENGTH].lower()
    code = int(f"0{digits}", 16 if digits[0] == "x" else 10)
    return match[0] if code <= sys.maxunicode and code not in _SURROGATES else "\N{REPLACEMENT CHARACTER}"


def _parse_entry(entry: Mapping[str, Any]) -> FeedEntry:
    link = sanitize.clean_url(entry.get("link"))
    title = sanitize.clean_line(entry.get("title"))
    key = str(entry.get("id") or "")[:_MAX_ID_LENGTH]
    texts = {str(part.get("value") or "") for part in entry.get("content") or ()} | {
        str(entry.get("summary") or "")
    }
    return FeedEntry(
        key=sanitize.clean_line(key) or link or title or "",
        link=link,
        title=sanitize.clean_line(_ARXIV_TITLE_SUFFIX.sub("", title)) if title else None,
        contents=tuple(sorted((text for text in texts if text.strip()), key=lambda text: (-len(text), text))),
        authors=_parse_authors(entry),
        categories=sanitize.clean_labels(tag.get("term") for tag in entry.get("tags") or ()),
        thumbnail=next(
            (sanitize.clean_url(media.get("url")) for media in entry.get("media_thumbnail") or ()), None
        ),
        published_on=_parse_published_on(entry),
        arxiv_id=_parse_arxiv_id(key) or _parse_arxiv_id(link or ""),
        comment=sanitize.clean_line(entry.get("arxiv_comment")),
        updated_at=_parse_updated_at(entry),
    )


def _parse_authors(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the authors; arXiv's feeds list all of them in one field, separated by commas."""
    names = [str(author.get("name") or "") for author in entry.get("authors") or ()]
    if len(names) == 1 and ", " in names[0]:
        names = names[0].split(", ")
    return sanitize.clean_names(names)


def parse_affiliations(text: str) -> dict[str, tuple[str, ...]]:
    """Return the affiliations of the authors of each Atom entry by its key; feedparser keeps the last of an entry only.

    Text that `parse_feed` would refuse, or that is no well-formed XML, has none.
    """
    if len(text) > _MAX_FEED_LENGTH or "<!ENTITY" in text or "affiliation>" not in text:
        return {}
    try:
        root = ElementTree.fromstring(_XML_DECLARATION.sub("", text, count=1))  # noqa: S314 - it declares no entities
    except ElementTree.ParseError:
        return {}
    return {
        _entry_key(entry): sanitize.clean_labels(
            part.text for part in entry.iterfind("{*}author/{*}affiliation") if part.text
        )
        for entry in root.iterfind("{*}entry")
    }


def _entry_key(entry: ElementTree.Element) -> str:
    return sanitize.clean_line((entry.findtext("{*}id") or "")[:_MAX_ID_LENGTH]) or ""


def _parse_published_on(entry: Mapping[str, Any]) -> date | None:
    """Return the day of publication, which many feeds omit or get wrong."""
    # feedparser's own get() substitutes one date for another, with a warning.
    published = dict(entry).get("published_parsed") or dict(entry).get("updated_parsed")
    try:
        return datetime(*published[:3]).date() if published else None  # noqa: DTZ001 - only its date counts
    except (ValueError, TypeError, OverflowError):
        return None


def _parse_updated_at(entry: Mapping[str, Any]) -> datetime | None:
    """Return when the entry changed last, in UTC, which feedparser converts to."""
    updated = dict(entry).get("updated_parsed")
    try:
        return datetime.fromtimestamp(calendar.timegm(updated), UTC) if updated else None
    except (ValueError, TypeError, OverflowError):
        return None


def _parse_arxiv_id(text: str) -> str | None:
    """Return the arXiv id in an entry's id or link, such as `oai:arXiv.org:2505.01234v1` or `https://arxiv.org/abs/…`."""
    if len(text) > _MAX_ID_LENGTH:
        return None
    return arxiv_ids.extract_arxiv_id(text.removeprefix("oai:arXiv.org:"))


def paper_facts(
    entry: FeedEntry, location: str, source_name: str, read_at: datetime
) -> models.PaperFacts | None:
    """Return the facts of an entry that describes a single paper, or None for other entries."""
    if entry.arxiv_id is None:
        return None
    abstract = _ARXIV_ABSTRACT_PREFIX.sub("", entry.contents[0].strip()) if entry.contents else None
    return models.PaperFacts(
        arxiv_id=entry.arxiv_id,
        source=source_name,
        location=location,
        read_at=read_at,
        title=entry.title,
        authors=entry.authors,
        abstract=sanitize.clean_paragraph(abstract),
        categories=entry.categories,
        thumbnail=entry.thumbnail,
        published_on=entry.published_on,
    )
