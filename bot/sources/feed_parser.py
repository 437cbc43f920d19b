"""RSS and Atom as plain entries, through feedparser, which is given letters that we fetched and never an address."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from bot.digests.elements import arxiv_id
from bot.sources import sanitize
from bot.sources.http import errors
from storage import models

_DECLARATION = re.compile(r"\s{0,1000}<\?xml[^>]{0,500}\?>")
_LARGEST_FEED = 4_000_000
_MOST_ENTRIES = 2_000
NO_FEED = "it is no feed"
"""What is said of everything that is neither RSS nor Atom."""
_LONGEST_ID = 500
# "arXiv:2505.01234v1 Announce Type: new \nAbstract: …" and "A title. (arXiv:2505.01234v1 [cs.CL])" in arXiv's feeds.
_ANNOUNCEMENT = re.compile(r"\AarXiv:\S{4,40}\s{1,9}Announce Type:[^\n]{0,80}\n?\s{0,9}Abstract:\s{0,9}")
_TITLE_NOTE = re.compile(r"\.?\s{0,9}\(arXiv:[^()]{4,60}\)\s{0,9}\Z")


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One entry. `texts` are its contents, longest first; `key` is its id, else its link, else its title."""

    key: str
    link: str | None
    title: str | None
    texts: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    thumbnail: str | None = None
    published_on: date | None = None
    arxiv_id: str | None = None


def parse_feed(text: str) -> list[FeedEntry]:
    """Return the entries of a feed, in its order. Raises FetchError for what is no feed, or one with entities of its own.

    Can take seconds for a large feed: call it in a thread.
    """
    if len(text) > _LARGEST_FEED:
        raise errors.FetchError(f"its feed is larger than {_LARGEST_FEED / 1_000_000:g} MB")
    if "<!ENTITY" in text:
        raise errors.FetchError("its XML declares entities of its own, which are not read")
    import feedparser  # a bot without feeds does without it

    # Letters, not the server's bytes: what charset it is has been found out already.
    document = _DECLARATION.sub("", text, count=1).encode("utf-8", "replace")
    parsed = feedparser.parse(
        io.BytesIO(document),
        response_headers={"content-type": "application/xml; charset=utf-8"},
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    if not parsed.get("version"):
        raise errors.FetchError(NO_FEED)
    entries = [_entry(entry) for entry in parsed.entries[:_MOST_ENTRIES]]
    return list({entry.key: entry for entry in reversed(entries) if entry.key}.values())[::-1]


def _entry(entry: Mapping[str, Any]) -> FeedEntry:
    link = sanitize.web_address(entry.get("link"))
    title = sanitize.line(entry.get("title"))
    key = str(entry.get("id") or "")[:_LONGEST_ID]
    texts = {str(part.get("value") or "") for part in entry.get("content") or ()} | {
        str(entry.get("summary") or "")
    }
    return FeedEntry(
        key=sanitize.line(key) or link or title or "",
        link=link,
        title=sanitize.line(_TITLE_NOTE.sub("", title)) if title else None,
        texts=tuple(sorted((text for text in texts if text.strip()), key=lambda text: (-len(text), text))),
        authors=_authors(entry),
        categories=sanitize.words(tag.get("term") for tag in entry.get("tags") or ()),
        thumbnail=next(
            (sanitize.web_address(media.get("url")) for media in entry.get("media_thumbnail") or ()), None
        ),
        published_on=_published_on(entry),
        arxiv_id=_paper_id(key) or _paper_id(link or ""),
    )


def _authors(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the authors; arXiv's feeds name all of them in one field, with commas."""
    people = [str(person.get("name") or "") for person in entry.get("authors") or ()]
    if len(people) == 1 and ", " in people[0]:
        people = people[0].split(", ")
    return sanitize.names(people)


def _published_on(entry: Mapping[str, Any]) -> date | None:
    """Return the day of publication as the feed has it; many feeds have it wrong or not at all."""
    # feedparser's own get() takes one date for another, and warns of it.
    moment = dict(entry).get("published_parsed") or dict(entry).get("updated_parsed")
    try:
        return datetime(*moment[:3]).date() if moment else None  # noqa: DTZ001 - only its date counts
    except (ValueError, TypeError, OverflowError):
        return None


def _paper_id(text: str) -> str | None:
    """Return the paper that an id or a link stands for: `oai:arXiv.org:2505.01234v1`, `https://arxiv.org/abs/…`."""
    if len(text) > _LONGEST_ID:
        return None
    return arxiv_id.parse_arxiv_id(text.removeprefix("oai:arXiv.org:"))


def paper_facts(entry: FeedEntry, place: str, service: str, read_at: datetime) -> models.Facts | None:
    """Return what an entry says of the single paper that it stands for, or None where it stands for none."""
    if entry.arxiv_id is None:
        return None
    abstract = _ANNOUNCEMENT.sub("", entry.texts[0].strip()) if entry.texts else None
    return models.Facts(
        arxiv_id=entry.arxiv_id,
        source=service,
        place=place,
        read_at=read_at,
        title=entry.title,
        authors=entry.authors,
        abstract=sanitize.paragraph(abstract),
        categories=entry.categories,
        thumbnail=entry.thumbnail,
        published_on=entry.published_on,
    )
