"""Build the pages and feeds of the web archive from the same lookups as Discord's replies.

They contain only published data, nothing about readers or servers: a page for a paper outside all digests
would reveal a reader's request.
"""

from __future__ import annotations

import calendar
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import groupby
from typing import Any, NamedTuple, TypeAlias

from markupsafe import Markup

from bot.archive import complete_days, exports, schemes, summaries
from bot.client.services import Services
from bot.core.admission import work_in_thread
from bot.core.clock import latest_date
from bot.features.trends import trend_texts
from bot.features.trends.service import Span, TrendService, make_topic
from bot.features.web.feeds import AtomEntry, build_feed, build_papers_feed
from bot.features.web.pages import (
    DAY_SIZE,
    MAX_AUTHORS,
    MAX_PAGE,
    POLICY,
    SCRIPT_POLICY,
    SITEMAP,
    Page,
    PageError,
    Site,
    check_query,
    find_picture,
    has_page,
    make_slug,
    more_authors,
    parse_day,
)
from bot.i18n.texts import Texts, for_locale
from bot.papers import paper_lists, paper_texts
from bot.papers.list_state import ListKind, ListState
from bot.papers.paper_lists import PaperList, PaperLists
from bot.papers.paper_texts import format_title
from bot.rendering import discord_text, markdown
from bot.rendering.templates import OutputFormat, Templates
from bot.search.results import PaperPage, Sort
from bot.search.service import SearchService
from bot.text import query_parser
from storage import accounts, archive, errors, models, papers, shelf

MAX_DAYS = 20_000
PAGE_SIZE = 10
"""Papers on a page of a search."""
FEED_DAYS, FEED_PAPERS = 15, 30
_NEAR = {"like": "list"}
"""The query of an address for what is like the list there."""
MAX_INSTITUTIONS = 12
"""The most institutions named on a paper's page."""
DESCRIPTION_LENGTH = 200
REFERENCES = {
    "bib": (exports.ReferenceFormat.BIBTEX, "application/x-bibtex"),
    "json": (exports.ReferenceFormat.CSL, "application/vnd.citationstyles.csl+json"),
}
"""The files of references of a list, by the ending of their address."""

_NO_LIST: Mapping[str, Any] = {
    "rows": [],
    "language_note": "",
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
    """A passage of a paper that answers a question, and whose words it is (plain text). `language` is "" if it is the page's.

    `snippet` is empty if only the title is stored. `whole` is all of the passage, or "" if the snippet is.
    """

    paper: models.PaperDetail
    snippet: tuple[tuple[str, bool], ...]
    words: str
    language: str
    whole: str


class Answered(NamedTuple):
    """The passages nearest to a question, and what is promised of them, in Discord's Markdown."""

    passages: Sequence[FoundPassage]
    notes: Sequence[str]


Answers: TypeAlias = Callable[[str, Texts], Awaitable[Answered]]
"""Answers a question to the archive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPaper:
    """A paper in the list template. `note` is Discord's Markdown.

    `snippet` are pieces of plain text, each with whether it matches the query; `whole` is the text that it is a part of, if that
    can be opened.

    `day` (ISO) is "" on the page of that day. On another day's page, `day_text` states that the paper is also
    listed then. `language` is "" unless the snippet's language differs from the page's.
    """

    rank: int
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
    whole: str = ""


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
        on = parse_day(day)
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
        check_query(query, may_be_empty=True)
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
        """Return the passages nearest to a question; without one, an empty search. Raises PageError if it is too long."""
        check_query(query, may_be_empty=True)
        if not query.strip():
            return await self.load_search(site, query, page=0)
        texts = for_locale(site.locale)
        answered = await self.ask(query, texts)
        rows = [
            ListedPaper(
                rank=rank,
                title=format_title(paper.title, paper.key),
                link=site.link("papers", paper.key),
                day=paper.last_on.isoformat(),
                day_text=texts.format_date(paper.last_on),
                day_link=site.link("days", paper.last_on.isoformat()),
                votes=paper.votes,
                authors=(),
                more_authors="",
                snippet=snippet,
                note=words,
                language=language,
                whole=whole,
            )
            for rank, (paper, snippet, words, language, whole) in enumerate(answered.passages, 1)
        ]
        heading = texts("ask-asked", question=discord_text.escape_text(discord_text.to_single_line(query)))
        values = {
            **_NO_LIST,
            "heading": heading,
            "notes": answered.notes,
            "rows": rows,
            "more": texts("ask-more"),
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
            return await work_in_thread(
                build_papers_feed, site, name, parts, {}, listed, self.services.clock().date()
            )
        return await work_in_thread(self._list_page, site, listed, parts, {}, {"is_indexed": True})

    async def load_list(
        self, site: Site, token: str, ending: str = "", *, page: int = 0, is_near: bool = False
    ) -> Page:
        """Return the list at an address as a page, feed or file of references (`ending`). Raises PageError if no list is there.

        It has what is public of its papers alone: neither notes nor tags, nor who saved them. `is_near`: of a server's list, the
        page or feed has what is like it instead.
        """
        limit = {"": site.row_limit, "atom": FEED_PAPERS}.get(ending)
        page = 0 if ending else page
        async with self.services.database.read() as connection:
            owner_id = await shelf.find_owner(connection, token)
            if owner_id is None:
                raise PageError(404, "web-no-address")
            is_of_server = await accounts.get_guild(connection, owner_id) is not None
            if is_near and is_of_server and ending not in REFERENCES:
                return await self._load_like_list(site, token, owner_id, ending, page)
            kept, total = await shelf.list_rows(
                connection, owner_id, limit=limit, offset=page * site.row_limit, with_hidden=False
            )
            confirmed = await papers.list_with_arxiv_authors(connection, [paper.id for paper in kept])
            published = await papers.list_published(connection, [paper.id for paper in kept])
        rows = await work_in_thread(
            lambda: tuple(
                replace(paper, note="", tags=(), published_on=published.get(paper.id)) for paper in kept
            )
        )
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
            feed = await work_in_thread(
                build_papers_feed, site, heading, parts, {}, listed, self.services.clock().date()
            )
            return replace(feed, is_private=True)
        files = [
            (name, site.link(*parts, ending=f".{ending}")) for ending, name in exports.LIST_FILES.items()
        ]
        if is_of_server and total:
            files.append((for_locale(site.locale)("topic-like"), site.link(*parts, **_NEAR)))
        notes = [] if total else [for_locale(site.locale)("web-list-empty")]
        further = {"notes": notes, "suggestions": files}
        return replace(
            await work_in_thread(self._list_page, site, listed, parts, {}, further), is_private=True
        )

    async def _load_like_list(self, site: Site, token: str, server_id: int, ending: str, page: int) -> Page:
        """Return a page or the feed of the newest papers that are like a server's list. Raises PageError if it has too few."""
        size = FEED_PAPERS if ending else site.row_limit
        state = ListState(
            ListKind.TOPIC, query_parser.LIKE_LIST, page=page, page_size=size, guild_id=server_id
        )
        try:
            listed = await self._lists.load(for_locale(site.locale), state)
        except errors.UsageError as error:
            raise PageError(404, error.key, **error.arguments) from None
        of = site, listed.heading, ("lists", token), _NEAR, listed, self.services.clock().date()
        built = (
            work_in_thread(build_papers_feed, *of)
            if ending
            else work_in_thread(self._list_page, site, listed, ("lists", token), _NEAR, {})
        )
        return replace(await built, is_private=True)

    async def load_paper(self, site: Site, text: str) -> Page:
        """Return a paper's page. Raises PageError if no digest lists a paper with this id."""
        paper_key = schemes.read_key(text.removesuffix(".html"))
        detail = await self._search.find_paper(paper_key) if paper_key else None
        if detail is None:
            raise PageError(404, "web-no-paper", paper=discord_text.escape_text(text[:60]))
        topics = await self.services.glossary.list_title_topics(detail.title or "", site.locale)
        return await work_in_thread(self.make_paper, site, detail, topics)

    def make_paper(self, site: Site, detail: models.PaperDetail, topics: Sequence[str] = ()) -> Page:
        """Return a paper's page, with links to searches for its topics."""
        texts, summary = for_locale(site.locale), summaries.best_summary(detail, site.locale)
        title = format_title(detail.title, detail.key)
        links = [*paper_texts.list_links(detail, detail.project_url or detail.video)]
        institutions = [discord_text.to_single_line(name) for name in detail.institutions[:MAX_INSTITUTIONS]]
        has_abstract = detail.abstract and (not summary or summary.basis is not summaries.Basis.ABSTRACT)
        values = {
            "detail": detail,
            "name": schemes.short_name(detail.key),
            "chapters": _list_chapters(texts, detail, summary),
            "no_summary": texts("no-summary"),
            "listed": discord_text.join_dotted(*detail.labels, paper_texts.listed_text(texts, detail)),
            "day_link": site.link("days", detail.last_on.isoformat()),
            "authors": [(name, site.author_link(name)) for name in detail.authors[:MAX_AUTHORS]],
            "more_authors": more_authors(texts, detail, MAX_AUTHORS),
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
        parts = ("papers", detail.key)
        return self._page(
            site, "web.paper.html.j2", parts, {}, title, values, description=text, is_indexed=True
        )

    async def load_trends(self, site: Site, query: str = "") -> Page:
        """Return a page with a topic's papers by month or, without a topic, all papers and rising topics."""
        check_query(query, may_be_empty=True)
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
        return await work_in_thread(
            build_feed, site, texts("web-name"), (), ("feed",), {}, entries, self.services.clock().date()
        )

    async def load_search_feed(self, site: Site, query: str) -> Page:
        """Return a feed of the newest papers on a topic. Raises PageError if the query is empty or too long."""
        check_query(query)
        state = ListState(ListKind.TOPIC, query, sort=Sort.DATE, page_size=FEED_PAPERS)
        listed = await self._lists.load(for_locale(site.locale), state)
        parts = ("search",)
        return await work_in_thread(
            build_papers_feed, site, query, parts, {"q": query}, listed, self.services.clock().date()
        )

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
        notes[:0] = filter(None, [listed.leave_out_note])
        on = state.span[1].isoformat() if state.kind is ListKind.DIGEST and state.span else ""
        rows = self._make_rows(site, listed.rows, listed, on=on)
        language_note = texts("summary-in-other-language")
        if state.kind in paper_lists.FILTERABLE_KINDS:
            language_note = ""  # a found paper shows only what it lacks
        elif listed.is_in_other_language(site.locale):
            notes.append(language_note)
            language_note = ""

        def page_link(number: int) -> str:
            return site.link(*parts, **query, **({"page": f"{number + 1}"} if number else {}))

        last = min(listed.page_count, MAX_PAGE) - 1
        values = {
            **_NO_LIST,
            # Prevents a line break at the dot before a count.
            "heading": heading.replace(" · ", "\u00a0·\u00a0"),
            "notes": notes,
            "rows": rows,
            "language_note": language_note,
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
        first = listed.state.offset + 1 if listed else 1
        return [self._make_row(site, rank, row, listed, on=on) for rank, row in enumerate(rows, first)]

    def _make_row(
        self, site: Site, rank: int, row: models.PaperRow, listed: PaperList | None, *, on: str
    ) -> ListedPaper:
        texts, day = for_locale(site.locale), row.date.isoformat()
        day_text = texts.format_date(row.date)
        snippet = listed.snippets.get(row.key) if listed else None
        is_paged = has_page(row)
        return ListedPaper(
            rank=rank,
            title=format_title(row.title, row.key),
            link=site.link("papers", row.key) if is_paged else schemes.page_url(row.key),
            day=day if is_paged and day != on else "",
            day_text=texts("also-listed", date=day_text) if on else day_text,
            day_link=site.link("days", day),
            votes=row.votes,
            authors=tuple((name, site.author_link(name) if is_paged else None) for name in row.authors[:3]),
            more_authors=more_authors(texts, row, 3),
            snippet=snippet.pieces if snippet else (),
            note=discord_text.join_dotted(
                paper_texts.withdrawn_note(texts, row),
                paper_lists.lacks_note(texts, listed, row.key) if listed else "",
                listed.facts.get(row.key, "") if listed else "",
            ),
            language=snippet.language if snippet and snippet.language != site.locale.value else "",
            picture=find_picture(row.thumbnail),
        )

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


def _list_chapters(
    texts: Texts, detail: models.PaperDetail, summary: summaries.Summary | None
) -> list[tuple[discord_text.SafeMarkdown, str | None, str]]:
    """Return the summary and the rest of the review, each as (Markdown, language, note on the language)."""
    sections = tuple(summary.sections) if summary else ()
    shown = [(sections, summary.language if summary else None, "summary-in-other-language")]
    if review := summaries.best_appearance(detail.appearances, texts.locale, models.DigestFormat.REVIEW):
        more = tuple(row for row in summaries.shown_sections(review.entry) if row not in sections)
        shown.append((more, summaries.find_language(review), "review-in-other-language"))
    return [
        (paper_texts.summary_text(texts, part), language, paper_texts.language_note(texts, language, note))
        for part, language, note in shown
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
