"""The addresses of the web archive, and its pages and files before they are rendered."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from bot.i18n.texts import Argument, Texts
from bot.rendering import discord_text
from bot.rendering import templates as rendering_templates
from storage import errors, models

DAY_SIZE, MAX_STATIC_ROWS = 200, 5_000
"""Papers on a page of a day or an author, and on its single page as a file."""
MAX_PAGE = 500
MAX_QUERY_LENGTH = 2000
"""Characters, as for `/topic`."""
MAX_AUTHORS = 100
"""The most authors named on a paper's page or in a feed."""
POLICY = "default-src 'none'; style-src 'self'; img-src 'self' https:; form-action 'self'; base-uri 'none'"
"""The pages' Content-Security-Policy: no scripts, and only pictures from other hosts."""
SCRIPT_POLICY = f"{POLICY}; script-src 'self'"
"""The policy of pages with a script of the site: a paper's, and the search of a static site."""
HTML, ATOM = "text/html", "application/atom+xml"
SITEMAP = "application/xml"
FILES = {
    "style.css": ("web.style.css.j2", "text/css"),
    "paper.js": ("web.paper.js.j2", "text/javascript"),
    "logo.svg": ("web.logo.svg.j2", "image/svg+xml"),
}
"""The templates and content types of the files that pages load."""
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_UNSLUGGED = re.compile("[^a-z0-9가-힣]+")


class PageError(errors.PaperroundError):
    """Raised for a page that does not exist or cannot be built now. `key` is the Fluent id of the reason."""

    def __init__(self, status: int, key: str, **arguments: Argument) -> None:
        super().__init__(key)
        self.status, self.key, self.arguments = status, key, arguments


@dataclass(frozen=True, slots=True)
class Site:
    """The base URL and language of the pages. `base_url` has no trailing slash.

    `is_chosen`: the URL names the language, so links must too. `is_static`: the pages are files, so there is
    no search, and only `authors` have pages (their names by every spelling). `is_of_request`: the base URL is
    that of one request, which another host may serve too.
    """

    base_url: str
    locale: models.Locale
    is_chosen: bool = False
    is_static: bool = False
    is_of_request: bool = False
    authors: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    def link(self, *parts: str, ending: str = "", **query: str) -> str:
        """Return the path of another page in the same language."""
        path = f"{urlsplit(self.base_url).path}/" + "/".join(quote(part, safe="/") for part in parts)
        if self.is_static:
            return path + (ending or (".html" if parts else ""))
        query |= {"lang": self.locale.value} if self.is_chosen else {}
        return path + ending + (f"?{urlencode(query)}" if query else "")

    def address(self, *parts: str, ending: str = "", **query: str) -> str:
        """Return the full URL of another page in the same language."""
        return self.origin + self.link(*parts, ending=ending, **query)

    def permanent_id(self, *parts: str, **query: str) -> str:
        """Return an id of a page for feeds (RFC 4287, 4.2.6): its URL, or a URN if the URL is that of one request."""
        return (
            f"urn:paperround:{self.link(*parts, **query)[1:]}"
            if self.is_of_request
            else self.address(*parts, **query)
        )

    @property
    def origin(self) -> str:
        """The scheme and host of the pages."""
        scheme, host, *_ = urlsplit(self.base_url)
        return f"{scheme}://{host}"

    @property
    def row_limit(self) -> int:
        """The maximum number of papers on the page of a day or author."""
        return MAX_STATIC_ROWS if self.is_static else DAY_SIZE

    def author_link(self, name: str) -> str | None:
        """Return the path of an author's page, or None if the author has no page."""
        if self.is_static:
            return self.link("authors", make_slug(self.authors[name])) if name in self.authors else None
        return self.link("authors", name)


def make_slug(name: str) -> str:
    """Return an author's file name: the name's letters and digits, and eight digits of its hash."""
    digest = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:8]
    return f"{_UNSLUGGED.sub('-', name[:60].lower()).strip('-')}-{digest}"


@dataclass(frozen=True, slots=True)
class Page:
    """A page before rendering: its template and values."""

    template: str
    values: Mapping[str, Any]
    content_type: str = HTML
    status: int = 200
    text: str | None = None
    """The whole page, if it has no template."""
    is_private: bool = False
    """Whether only those who know its address may find it."""


def make_file(name: str) -> Page:
    """Return a file in `FILES`."""
    template, content_type = FILES[name]
    return Page(template, {}, content_type)


def check_query(query: str, *, may_be_empty: bool = False) -> None:
    """Raise PageError if a query is too long or, unless it `may_be_empty`, has no words."""
    if len(query) > MAX_QUERY_LENGTH:
        raise PageError(400, "web-query-too-long", count=MAX_QUERY_LENGTH)
    if not (query.strip() or may_be_empty):
        raise PageError(400, "no-words")


def parse_day(text: str) -> date | None:
    """Parse an ISO date. Returns None for "", and raises PageError for anything else."""
    try:
        if text and not _DAY.fullmatch(text):
            raise ValueError(text)
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise PageError(404, "web-no-day") from None


def parse_page(text: str) -> int:
    """Convert a page number in a URL (from 1) to a page index (from 0). Raises PageError if invalid."""
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) <= 3 and 1 <= int(text) <= MAX_PAGE):
        raise PageError(404, "web-no-page", count=MAX_PAGE)
    return int(text) - 1


def check_base_url(text: str) -> str:
    """Return a site's base URL without a trailing slash. Raises UsageError if it is invalid."""
    try:
        parts = urlsplit(text)
        is_usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable or parts.username or parts.query or parts.fragment or text != quote(text, safe=":/[]%"):
        raise errors.UsageError(
            f"--base-url: {text[:100]!r} is not a web address. Example: https://example.org/papers"
        )
    return text.rstrip("/")


def find_picture(url: str | None) -> str | None:
    """Return a picture's URL if pages may load it (https only), otherwise None."""
    return discord_text.safe_url(url) if url and url.startswith("https://") else None


def has_page(row: models.PaperRow) -> bool:
    """Return whether a paper has a page: one that only a list has is in no other public place."""
    return not isinstance(row, models.SavedPaper) or row.is_listed


def more_authors(texts: Texts, paper: models.PaperRow | models.PaperDetail, shown: int) -> str:
    more = len(paper.authors) - shown
    return rendering_templates.render_more_authors(more, paper.authors_truncated, texts.locale)
