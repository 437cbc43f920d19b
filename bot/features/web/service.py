"""Build the pages and feeds of the web archive from the same lookups as Discord's replies.

They contain only published data, nothing about readers or servers: a page for a paper outside all digests
would reveal a reader's request.
"""

from __future__ import annotations

import calendar
import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from itertools import groupby
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import quote, urlencode, urlsplit

from markupsafe import Markup

from bot.archive import arxiv_ids, complete_days, exports, summaries
from bot.client.services import Services
from bot.core.admission import work_in_thread
from bot.core.clock import latest_date
from bot.features.trends import trend_texts
from bot.features.trends.service import Span, TrendService, make_topic
from bot.i18n.texts import Argument, Texts, for_locale
from bot.papers import paper_lists, paper_texts
from bot.papers.list_state import ListKind, ListState
from bot.papers.paper_lists import PaperList, PaperLists
from bot.papers.paper_texts import format_title
from bot.rendering import discord_text, markdown
from bot.rendering import templates as rendering_templates
from bot.rendering.templates import OutputFormat, Templates
from bot.search.results import Hint, PaperPage, Snippet, Sort
from bot.search.service import SearchService
from storage import archive, errors, models, papers, shelf

MAX_DAYS = 20_000
PAGE_SIZE, DAY_SIZE, MAX_STATIC_ROWS = 10, 200, 5_000
"""Papers on a page of a search, on that of a day or an author, and on the single page of a day or an author as a file."""
MAX_PAGE = 500
MAX_QUERY_LENGTH = 2000
"""Characters, as for `/topic`."""
FEED_DAYS, FEED_PAPERS = 15, 30
MAX_AUTHORS, MAX_INSTITUTIONS = 100, 12
"""The most authors and institutions named on a paper's page."""
DESCRIPTION_LENGTH = 200
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
REFERENCES = {
    "bib": (exports.ReferenceFormat.BIBTEX, "application/x-bibtex"),
    "json": (exports.ReferenceFormat.CSL, "application/vnd.citationstyles.csl+json"),
}
"""The files of references of a list, by the ending of their address."""
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


_NO_LIST: Mapping[str, Any] = {
    "rows": [],
    "notes": [],
    "dividers": {},
    "suggestions": [],
    "older": None,
    "newer": None,
    "previous_page": None,
    "next_page": None,
    "asks": None,
}
"""The list template's values for an empty list."""


class FoundPassage(NamedTuple):
    """A passage of a paper that answers a question, and whose words it is (plain text). `language` is "" if it is the page's."""

    paper: models.PaperDetail
    excerpt: Snippet
    words: str
    language: str


class Answered(NamedTuple):
    """The passages nearest to a question, and what is promised of them, in Discord's Markdown."""

    passages: Sequence[FoundPassage]
    notes: Sequence[str]


Answers: TypeAlias = Callable[[str, Texts], Awaitable[Answered]]
"""Answers a question to the archive."""


class AtomEntry(NamedTuple):
    """A feed entry. `summary` is plain text; `html` is the content, or ""."""

    id: str
    url: str
    title: str
    updated_at: datetime
    authors: tuple[str, ...]
    summary: str = ""
    html: str = ""
    picture: str | None = None


@dataclass(frozen=True, slots=True)
class ListedPaper:
    """A paper in the list template. `note` and `language_note` are Discord's Markdown.

    `snippet` are pieces of plain text, each with whether it matches the query.

    `day` (ISO) is "" on the page of that day. On another day's page, `day_text` states that the paper is also
    listed then. `language` is "" unless the snippet's language differs from the page's.
    """

    rank: int
    arxiv_id: str
    title: str
    link: str
    day: str
    day_text: str
    day_link: str
    votes: int | None
    authors: tuple[tuple[str, str | None], ...]
    more_authors: str
    snippet: tuple[tuple[str, bool], ...]
    note: str
    language: str
    picture: str | None = None
    language_note: str = ""


@dataclass(frozen=True)
class WebPages:
    """Loads and renders the pages of one archive.

    Call the `make_` methods and `render` in a thread, since they take milliseconds per paper.
    """

    services: Services
    templates: Templates
    ask: Answers
    _lists: PaperLists = field(init=False)
    _search: SearchService = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_lists", self.services.get(PaperLists))
        object.__setattr__(self, "_search", self.services.search.public)

    def render(self, page: Page) -> str:
        if page.text is not None:
            return page.text
        return self.templates.render_document(page.template, page.values, OutputFormat.XML)

    async def load_day(self, site: Site, day: str = "", *, page: int = 0) -> Page:
        """Return a day's page (ISO date), by default the newest day's. Raises PageError if the day has no digest."""
        day = day.removesuffix(".html")  # as in links from Discord's messages
        on = _parse_day(day)
        texts = for_locale(site.locale)
        listed = await self._lists.load(
            texts,
            ListState(ListKind.DIGEST, page=page, page_size=site.row_limit, span=(on, on) if on else None),
        )
        if on is not None and not listed.rows:
            raise PageError(404, "no-list-digest", date=texts.format_date(on))
        shown = listed.state.span and listed.state.span[1]
        around = await self.services.database.fetch(complete_days.list_dates_around, shown) if shown else []
        around = [other for other in around if other <= latest_date(self.services.clock())]
        older = max((other for other in around if shown and other < shown), default=None)
        newer = min((other for other in around if shown and other > shown), default=None)
        steps = {"older": older, "newer": newer}
        values = {
            name: (texts.format_date(other), site.link("days", other.isoformat())) if other else None
            for name, other in steps.items()
        }
        parts = ("days", day) if day else ()
        further = {**values, "is_indexed": True}
        return await work_in_thread(self._list_page, site, listed, parts, {}, further)

    async def load_days(self, site: Site) -> Page:
        """Return the page that lists all days with a digest, by month, newest first."""
        texts, until_on = for_locale(site.locale), latest_date(self.services.clock())
        days = await self.services.database.fetch(archive.list_dates, until_on=until_on, limit=MAX_DAYS)
        months = [
            (
                texts.format_period(month, month.replace(day=calendar.monthrange(*key)[1])),
                [(texts.format_date(day), site.link("days", day.isoformat())) for day in of_month],
            )
            for key, of_month in groupby(days, key=lambda day: (day.year, day.month))
            for month in (date(*key, 1),)
        ]
        values = {"months": months}
        return self._page(site, "web.days.html.j2", ("days",), {}, texts("web-days"), values)

    async def load_search(self, site: Site, query: str, *, page: int) -> Page:
        """Return a search's results, or topics for an empty query. Raises PageError if the query is too long."""
        if len(query) > MAX_QUERY_LENGTH:
            raise PageError(400, "web-query-too-long", count=MAX_QUERY_LENGTH)
        texts = for_locale(site.locale)
        if not query.strip():
            topics = await self.services.get(TrendService).rising.list_topics(
                texts.locale, limit=PAGE_SIZE, with_common=True
            )
            suggestions = [(topic.text, site.link("search", q=topic.text)) for topic in topics]
            values = {**_NO_LIST, "suggestions": suggestions, "heading": texts("web-search")}
            return self._page(site, "web.list.html.j2", ("search",), {}, texts("web-search"), values)
        listed = await self._lists.load(
            for_locale(site.locale), ListState(ListKind.TOPIC, query, page, page_size=PAGE_SIZE)
        )
        further = {"typed": query, "asks": (texts("web-ask"), site.link("ask", q=query))}
        return await work_in_thread(self._list_page, site, listed, ("search",), {"q": query}, further)

    async def load_answer(self, site: Site, query: str) -> Page:
        """Return the passages nearest to a question. Raises PageError if it is empty or too long."""
        if not query.strip() or len(query) > MAX_QUERY_LENGTH:
            key = "web-query-too-long" if query.strip() else "no-words"
            raise PageError(400, key, count=MAX_QUERY_LENGTH)
        texts = for_locale(site.locale)
        answered = await self.ask(query, texts)
        rows = [
            ListedPaper(
                rank,
                paper.arxiv_id,
                format_title(paper.title, paper.arxiv_id),
                site.link("papers", paper.arxiv_id),
                paper.last_on.isoformat(),
                texts.format_date(paper.last_on),
                site.link("days", paper.last_on.isoformat()),
                paper.votes,
                (),
                "",
                excerpt.pieces,
                words,
                language=language,
            )
            for rank, (paper, excerpt, words, language) in enumerate(answered.passages, 1)
        ]
        heading = texts("ask-asked", question=discord_text.escape_text(discord_text.to_single_line(query)))
        values = {
            **_NO_LIST,
            "heading": heading,
            "notes": answered.notes,
            "rows": rows,
            "typed": query,
            "asks": (texts("ask-all-papers"), site.link("search", q=query)),
        }
        title = markdown.read_plain_line(heading)
        return await work_in_thread(
            self._page, site, "web.list.html.j2", ("ask",), {"q": query}, title, values
        )

    async def load_author(self, site: Site, name: str, *, page: int = 0, is_feed: bool = False) -> Page:
        """Return the page or the feed of an author, newest papers first. Raises PageError if the author is unknown."""
        size = FEED_PAPERS if is_feed else site.row_limit
        state = ListState(ListKind.AUTHOR, name[:300], page, sort=Sort.DATE, page_size=size)
        texts = for_locale(site.locale)
        listed = await self._lists.load(texts, state)
        listed = replace(listed, notes=(texts("list-by-date"), *listed.notes))
        if not listed.is_author_known:
            raise PageError(404, "no-list-author", author=discord_text.escape_text(name[:100]))
        parts = ("authors", make_slug(name) if site.is_static else name)
        if is_feed:
            return await work_in_thread(self._papers_feed, site, name, parts, {}, listed)
        return await work_in_thread(self._list_page, site, listed, parts, {}, {"is_indexed": True})

    async def load_list(self, site: Site, token: str, ending: str = "", *, page: int = 0) -> Page:
        """Return the list at an address as a page, feed or file of references (`ending`). Raises PageError if there is none.

        It has what is public of its papers alone: neither notes nor tags, nor who saved them.
        """
        limit = {"": site.row_limit, "atom": FEED_PAPERS}.get(ending)
        page = 0 if ending else page
        async with self.services.database.read() as connection:
            owner_id = await shelf.find_owner(connection, token)
            if owner_id is None:
                raise PageError(404, "web-no-address")
            kept, total = await shelf.list_rows(
                connection, owner_id, limit=limit, offset=page * site.row_limit
            )
            confirmed = await papers.list_with_arxiv_authors(connection, [paper.id for paper in kept])
        rows = await work_in_thread(lambda: tuple(replace(paper, note="", tags=()) for paper in kept))
        if ending in REFERENCES:
            form, content_type = REFERENCES[ending]
            text = await work_in_thread(
                lambda: exports.render_references(form, rows, confirmed, is_keyed_by_id=True)
            )
            return Page("", {}, content_type, text=text, is_private=True)
        parts, heading = ("lists", token), for_locale(site.locale)("web-list", count=total)
        state = ListState(ListKind.SAVED, page=page, page_size=site.row_limit)
        listed = PaperList(state, heading, rows, total)
        if ending:
            feed = await work_in_thread(self._papers_feed, site, heading, parts, {}, listed)
            return replace(feed, is_private=True)
        files = [
            (name, site.link(*parts, ending=f".{ending}")) for ending, name in exports.LIST_FILES.items()
        ]
        further = {"heading": heading, "notes": [], "suggestions": files}
        return replace(
            await work_in_thread(self._list_page, site, listed, parts, {}, further), is_private=True
        )

    async def load_paper(self, site: Site, text: str) -> Page:
        """Return a paper's page. Raises PageError if no digest lists a paper with this id."""
        arxiv_id = arxiv_ids.parse_bare_id(text.removesuffix(".html"))
        detail = await self._search.find_paper(arxiv_id) if arxiv_id else None
        if detail is None:
            raise PageError(404, "web-no-paper", paper=discord_text.escape_text(text[:60]))
        topics = await self.services.glossary.list_title_topics(detail.title or "", site.locale)
        return await work_in_thread(self.make_paper, site, detail, topics)

    def make_paper(self, site: Site, detail: models.PaperDetail, topics: Sequence[str] = ()) -> Page:
        """Return a paper's page, with links to searches for its topics."""
        texts, summary = for_locale(site.locale), summaries.best_summary(detail, site.locale)
        title = format_title(detail.title, detail.arxiv_id)
        links = [*paper_texts.list_links(detail, detail.project_url or detail.video)]
        institutions = [discord_text.to_single_line(name) for name in detail.institutions[:MAX_INSTITUTIONS]]
        has_abstract = detail.abstract and (not summary or summary.basis is not summaries.Basis.ABSTRACT)
        values = {
            "detail": detail,
            "chapters": _list_chapters(texts, detail, summary),
            "no_summary": texts("no-summary"),
            "listed": paper_texts.listed_text(texts, detail),
            "day_link": site.link("days", detail.last_on.isoformat()),
            "authors": [(name, site.author_link(name)) for name in detail.authors[:MAX_AUTHORS]],
            "more_authors": _more_authors(texts, detail, MAX_AUTHORS),
            "institutions": [
                (name, None if site.is_static else site.link("search", q=f'from:"{name}"'))
                for name in institutions
            ],
            "abstract": detail.abstract if has_abstract else None,
            "bibtex": paper_texts.cite(detail),
            "policy": SCRIPT_POLICY,
            "links": [(label, safe) for label, url in links if url and (safe := discord_text.safe_url(url))],
            "foot": paper_texts.foot_lines(
                texts, detail, summary and replace(summary, language=site.locale.value)
            ),
            "topics": [] if site.is_static else [(topic, site.link("search", q=topic)) for topic in topics],
            "picture": find_picture(detail.thumbnail),
            "is_article": True,
        }
        sections = summary.sections if summary else ()
        text = discord_text.to_single_line(markdown.render_plain(sections[0].body)) if sections else ""
        parts = ("papers", detail.arxiv_id)
        return self._page(
            site, "web.paper.html.j2", parts, {}, title, values, description=text, is_indexed=True
        )

    async def load_trends(self, site: Site, query: str = "") -> Page:
        """Return a page with a topic's papers by month or, without a topic, all papers and rising topics."""
        if len(query) > MAX_QUERY_LENGTH:
            raise PageError(400, "web-query-too-long", count=MAX_QUERY_LENGTH)
        texts, span = for_locale(site.locale), Span.YEAR
        answer = await self.services.get(TrendService).answer(
            texts.locale, make_topic(query, span), span, with_rising=not query
        )
        trend, chart = answer.trend, None
        if trend.total:
            of_trend = trend_texts.make_chart(texts, trend)
            chart = await work_in_thread(self.services.charts.render_svg, of_trend, hangul=True)
        heading = trend_texts.heading(texts, answer)
        rising = [
            (topic.text, topic.translation, trend_texts.rising_facts(texts, topic))
            for topic in answer.rising or ()
        ]
        values = {
            "typed": query,
            "heading": heading,
            "notes": trend_texts.list_notes(texts, trend),
            "chart": Markup(chart) if chart else None,  # noqa: S704 - rendered as XML
            "alt": trend_texts.alt_text(texts, answer),
            "summary": trend_texts.summary(texts, trend) if trend.total else "",
            "figures": trend_texts.monthly_figures(texts, trend, plain=True).splitlines(),
            "extent": paper_texts.extent_line(texts, answer.trend.extent),
            "rising": [
                (name, None if site.is_static else site.link("trends", q=name), translation, facts)
                for name, translation, facts in rising
            ],
            "rising_heading": texts("rising-heading"),
            "papers_label": texts("trend-list"),
            "papers_link": site.link("search", q=query) if query and not site.is_static else None,
        }
        return self._page(
            site,
            "web.trends.html.j2",
            ("trends",),
            {"q": query} if query else {},
            markdown.read_plain_line(heading),
            values,
            is_indexed=not query,
        )

    async def load_days_feed(self, site: Site) -> Page:
        """Return the feed of the newest days. Each day is an entry with its papers."""
        texts, until_on = for_locale(site.locale), latest_date(self.services.clock())
        days = await self.services.database.fetch(archive.list_dates, until_on=until_on, limit=FEED_DAYS)
        updated_at = await self._list_updates(since_on=days[-1]) if days else {}

        def make(day: date, listed: PaperPage) -> AtomEntry:
            values = {"rows": self._make_rows(site, listed.rows, on=day.isoformat()), "base": site.origin}
            html = self.templates.render_document("web.entry.html.j2", values, OutputFormat.XML)
            heading = texts("list-digest-heading", date=texts.format_date(day), count=listed.total)
            url, name = site.address("days", day.isoformat()), texts("web-name")
            entry_id = site.permanent_id("days", day.isoformat())
            return AtomEntry(
                entry_id, url, markdown.read_plain_line(heading), updated_at[day], (name,), html=html
            )

        entries = []
        for day in days:
            listed, _ = await self._search.get_digest(day, limit=DAY_SIZE)
            entries.append(await work_in_thread(make, day, listed))
        return await work_in_thread(self._feed, site, texts("web-name"), (), ("feed",), {}, entries)

    async def load_search_feed(self, site: Site, query: str) -> Page:
        """Return a feed of the newest papers on a topic. Raises PageError if the query is empty or too long."""
        if not query.strip() or len(query) > MAX_QUERY_LENGTH:
            key = "web-query-too-long" if query.strip() else "no-words"
            raise PageError(400, key, count=MAX_QUERY_LENGTH)
        state = ListState(ListKind.TOPIC, query, sort=Sort.DATE, page_size=FEED_PAPERS)
        listed = await self._lists.load(for_locale(site.locale), state)
        parts = ("search",)
        return await work_in_thread(self._papers_feed, site, query, parts, {"q": query}, listed)

    async def load_sitemap(self, site: Site) -> Page:
        """Return the sitemap: the front page, the trends page and the pages of days, which together link to all papers."""
        updates = await self._list_updates(until_on=latest_date(self.services.clock()))
        days = {day: updated_at.date() for day, updated_at in updates.items()}
        pages = [(site.address(), max(days.values(), default=None)), (site.address("trends"), None)]
        pages += [(site.address("days", day.isoformat()), changed) for day, changed in days.items()]
        return Page("web.sitemap.xml.j2", {"pages": pages}, SITEMAP)

    async def _list_updates(self, **span: date) -> dict[date, datetime]:
        """Return when each day's digests were last updated. `span` is passed to `archive.list_rows`."""
        rows = await self.services.database.fetch(archive.list_rows, origin=archive.POSTED, **span)
        updated_at: dict[date, datetime] = {}
        for digest in rows:
            updated_at[digest.date_on] = max(
                digest.updated_at, updated_at.get(digest.date_on, digest.updated_at)
            )
        return updated_at

    def make_error(self, site: Site, error: PageError) -> Page:
        texts = for_locale(site.locale)
        text = texts(error.key, **error.arguments)
        title = texts("web-not-found" if error.status == 404 else "web-failed")
        values = {"heading": title, "text": text, "newest": texts("newest-digest")}
        return replace(self._page(site, "web.error.html.j2", (), {}, title, values), status=error.status)

    def _list_page(
        self,
        site: Site,
        listed: PaperList,
        parts: tuple[str, ...],
        query: Mapping[str, str],
        further: Mapping[str, object],
    ) -> Page:
        texts, state = for_locale(site.locale), listed.state
        if listed.rows:
            heading, notes = listed.heading, [note for note in listed.notes if note]
        else:
            heading = paper_lists.empty_heading(texts, listed) or texts("archive-empty")
            notes = [note for note in paper_lists.empty_notes(texts, listed) if note]
            if listed.suggestions and not site.is_static:
                notes.append(texts("try-instead"))
        if Hint.WITHOUT in listed.found.hints:
            notes.append(texts("web-hint-without"))
        on = state.span[1].isoformat() if state.kind is ListKind.DIGEST and state.span else ""
        rows = self._make_rows(site, listed.rows, listed, on=on)
        # A found paper shows only what it lacks.
        is_search = state.kind in paper_lists.FILTERABLE_KINDS
        if is_search or listed.is_in_other_language(site.locale):
            rows = [replace(row, language_note="") for row in rows]
        if not is_search and listed.is_in_other_language(site.locale):
            notes.append(texts("summary-in-other-language"))

        def page_link(number: int) -> str:
            return site.link(*parts, **query, **({"page": f"{number + 1}"} if number else {}))

        last = min(listed.page_count, MAX_PAGE) - 1
        values = {
            **_NO_LIST,
            # Prevents a line break at the dot before a count.
            "heading": heading.replace(" · ", "\u00a0·\u00a0"),
            "notes": notes,
            "rows": rows,
            "dividers": listed.list_dividers(texts),
            "suggestions": [] if site.is_static else _list_suggestions(site, listed),
            "previous_page": page_link(state.page - 1) if state.page else None,
            "next_page": page_link(state.page + 1) if state.page < last else None,
            "page_numbers": f"{state.page + 1}/{listed.page_count}",
            **further,
        }
        title = markdown.read_plain_line(heading)
        feed = ("feed",) if state.kind is ListKind.DIGEST else parts
        return self._page(site, "web.list.html.j2", parts, query, title, values, feed=feed)

    def _make_rows(
        self, site: Site, rows: Sequence[models.PaperRow], listed: PaperList | None = None, *, on: str
    ) -> list[ListedPaper]:
        """Return the rows of a list. `on` is the day (ISO) if this is the list of a day, else ""."""
        texts = for_locale(site.locale)
        snippets: Mapping[str, Snippet] = listed.snippets if listed else {}
        languages = {
            arxiv_id: snippet.language
            for arxiv_id, snippet in snippets.items()
            if snippet.language != site.locale.value
        }
        first = listed.state.offset + 1 if listed else 1
        return [
            ListedPaper(
                rank,
                row.arxiv_id,
                format_title(row.title, row.arxiv_id),
                site.link("papers", row.arxiv_id) if _has_page(row) else arxiv_ids.abstract_url(row.arxiv_id),
                "" if row.date.isoformat() == on or not _has_page(row) else row.date.isoformat(),
                texts("also-listed", date=day) if on else day,
                site.link("days", row.date.isoformat()),
                row.votes,
                tuple((name, site.author_link(name) if _has_page(row) else None) for name in row.authors[:3]),
                _more_authors(texts, row, 3),
                snippets[row.arxiv_id].pieces if row.arxiv_id in snippets else (),
                discord_text.join_dotted(
                    paper_texts.withdrawn_note(texts, row),
                    paper_lists.lacks_note(texts, listed, row.arxiv_id) if listed else "",
                ),
                languages.get(row.arxiv_id, ""),
                find_picture(row.thumbnail),
                texts("summary-in-other-language") if row.arxiv_id in languages else "",
            )
            for rank, row in enumerate(rows, first)
            for day in (texts.format_date(row.date),)
        ]

    def _page(
        self,
        site: Site,
        template: str,
        parts: tuple[str, ...],
        query: Mapping[str, str],
        title: str,
        values: Mapping[str, Any],
        *,
        description: str = "",
        is_indexed: bool = False,
        feed: tuple[str, ...] = ("feed",),
    ) -> Page:
        """Return a page with the values common to all pages: links, languages, feed and content policy."""
        texts = for_locale(site.locale)
        others = (
            [] if site.is_static else [replace(site, locale=each, is_chosen=True) for each in models.Locale]
        )
        feed_query = query if feed == parts else {}
        common = {
            "site": site,
            "locale": site.locale.value,
            "t": lambda name, **arguments: texts(f"web-{name}", **arguments),
            "title": title,
            "description": discord_text.shorten(
                description or texts("web-description"), DESCRIPTION_LENGTH, markdown=False
            ),
            "canonical": site.address(*parts, **query),
            "languages": [(each.locale.value, each.address(*parts, **query)) for each in others],
            "other": next(
                (each.link(*parts, **query) for each in others if each.locale is not site.locale), None
            ),
            "feed": site.link(*feed, ending=".atom", **feed_query),
            "is_indexed": is_indexed,
            "policy": POLICY,
            "picture": None,
            "typed": "",
        }
        return Page(template, {**common, **values})

    def _papers_feed(
        self, site: Site, title: str, parts: tuple[str, ...], query: Mapping[str, str], listed: PaperList
    ) -> Page:
        texts = for_locale(site.locale)
        snippets = {arxiv_id: snippet.text for arxiv_id, snippet in listed.snippets.items()}
        entries = [
            AtomEntry(
                arxiv_ids.abstract_url(row.arxiv_id),
                site.address("papers", row.arxiv_id)
                if _has_page(row)
                else arxiv_ids.abstract_url(row.arxiv_id),
                format_title(row.title, row.arxiv_id),
                datetime.combine(
                    # The time of day would tell when somebody was awake.
                    row.saved_at.date() if isinstance(row, models.SavedPaper) else row.date,
                    time(),
                    UTC,
                ),
                _list_authors(texts, row),
                summary=snippets.get(row.arxiv_id, ""),
                picture=find_picture(row.thumbnail),
            )
            for row in listed.rows
        ]
        title = f"{discord_text.to_single_line(title)[:100]} · {texts('web-name')}"
        return self._feed(site, title, parts, parts, query, entries)

    def _feed(
        self,
        site: Site,
        title: str,
        parts: tuple[str, ...],
        feed_parts: tuple[str, ...],
        query: Mapping[str, str],
        entries: Sequence[AtomEntry],
    ) -> Page:
        # A fixed time for a feed without entries, so that the feed does not change.
        updated_at = max((entry.updated_at for entry in entries), default=datetime(1970, 1, 1, tzinfo=UTC))
        values = {
            "id": site.permanent_id(*feed_parts, ending=".atom", **query),
            "url": site.address(*feed_parts, ending=".atom", **query),
            "home": site.address(*parts, **query),
            "title": title,
            "name": for_locale(site.locale)("web-name"),
            "locale": site.locale.value,
            "updated_at": updated_at,
            "entries": entries,
        }
        return Page("web.feed.atom.j2", values, ATOM)


def _has_page(row: models.PaperRow) -> bool:
    """Return whether a paper has a page: one that only a list has is in no other public place."""
    return not isinstance(row, models.SavedPaper) or row.is_listed


def make_file(name: str) -> Page:
    """Return a file in `FILES`."""
    template, content_type = FILES[name]
    return Page(template, {}, content_type)


def _parse_day(text: str) -> date | None:
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


def _list_chapters(
    texts: Texts, detail: models.PaperDetail, summary: summaries.Summary | None
) -> list[tuple[discord_text.SafeMarkdown, str | None, str]]:
    """Return the summary and the rest of the review, each as (Markdown, language, note on the language)."""
    sections = tuple(summary.sections) if summary else ()
    shown = [(sections, summary.language if summary else None)]
    if review := summaries.best_appearance(detail.appearances, texts.locale, models.DigestFormat.REVIEW):
        more = tuple(row for row in summaries.shown_sections(review.entry) if row not in sections)
        shown.append((more, summaries.find_language(review)))
    return [
        (paper_texts.summary_text(texts, part), language, paper_texts.language_note(texts, language))
        for part, language in shown
        if part
    ]


def _list_suggestions(site: Site, listed: PaperList) -> list[tuple[str, str]]:
    return [
        (
            label,
            site.link("authors", state.text)
            if state.kind is ListKind.AUTHOR
            else site.link("search", q=state.text),
        )
        for label, state in listed.suggestions
        if state.text
    ]


def _more_authors(texts: Texts, paper: models.PaperRow | models.PaperDetail, shown: int) -> str:
    more = len(paper.authors) - shown
    return rendering_templates.render_more_authors(more, paper.authors_truncated, texts.locale)


def _list_authors(texts: Texts, row: models.PaperRow) -> tuple[str, ...]:
    """Return the authors of a feed entry. If there are more, the last item says how many."""
    return (*row.authors[:MAX_AUTHORS], *filter(None, [_more_authors(texts, row, MAX_AUTHORS)]))
