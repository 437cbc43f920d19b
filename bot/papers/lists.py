"""Pages of lists of papers (`/digest`, `/top`, `/topic`, `/author`, similar papers): loading, headings and notes."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import NamedTuple, assert_never

from bot.archive import dates as archive_dates
from bot.archive import summaries
from bot.client import paper_texts
from bot.client.list_state import MAX_LIST_TEXT_LENGTH, PERIOD_DAYS, ListKind, ListState, Period
from bot.client.paper_texts import escape_untrusted, format_title, join_dotted, name_related
from bot.client.texts import Texts
from bot.core.clock import Clock
from bot.rendering import discord_text, templates, typesetting
from bot.search import completion, labels
from bot.search import results as search_results
from bot.search import service as search_service
from bot.search.results import SearchRequest, Sort
from bot.search.service import SearchService
from bot.text import dates, institutions, query_parser
from storage import archive, models, papers
from storage.database import Database
from storage.search import Filters

MAX_NAMES = 5
_MAX_MISSING = 4
_MAX_MISSING_LENGTH = 40
FILTERABLE_KINDS = frozenset({ListKind.TOP, ListKind.TOPIC, ListKind.AUTHOR})
MAX_SIMILAR = 10
MAX_SUGGESTIONS = 5


def name_period(texts: Texts, state: ListState, typed: dates.DateLimits = (None, None)) -> str:
    """Return the name of a list's period, or of the one that its query names if the list has no other."""
    if state.span or (state.period is Period.ALL and typed != (None, None)):
        return texts.format_period(*state.span or typed)
    return texts(state.period.text_id)


class Suggestion(NamedTuple):
    """The label and target of a button for another list."""

    label: str
    state: ListState


@dataclass(frozen=True, slots=True)
class PaperList:
    """One page of a list. `heading` and `notes` are Markdown; mappings are keyed by arXiv id.

    `found` is the answer that it shows, empty for a list that was not searched for.
    """

    state: ListState
    heading: str = ""
    rows: tuple[models.PaperRow, ...] = ()
    total: int = 0
    notes: tuple[str, ...] = ()
    snippets: Mapping[str, search_results.Snippet] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    """Small print shown instead of a snippet."""
    found: search_results.SearchResult = field(default_factory=search_results.SearchResult)
    credits: Mapping[str, str] = field(default_factory=dict)
    """The author of each paper, if several people share a name."""

    suggestions: tuple[Suggestion, ...] = ()
    alert_terms: Sequence[models.AlertTerm] | None = None
    """The terms for an alert on this list; empty if an alert is impossible, None to use the list's text."""
    is_author_known: bool = False
    """Whether the author is known, even if filters exclude all of the papers."""

    days: tuple[tuple[str, str], ...] = ()
    """Labels and ISO dates of the days with a digest around the list's day, newest first."""

    today: date | None = None
    """The reader's current date, set for a day's list."""

    @property
    def matching(self) -> int:
        """The number of full matches."""
        return self.total - self.found.total + self.found.complete

    @property
    def ranks(self) -> range:
        """The papers' positions in the whole list, counting from 1."""
        first = self.state.offset + 1
        return range(first, first + len(self.rows))

    @property
    def first_partial(self) -> int | None:
        """The position of the page's first partial match; None without one, or if no paper is a full match."""
        partial = (
            rank
            for rank, row in zip(self.ranks, self.rows, strict=True)
            if row.arxiv_id in self.found.missing
        )
        return next(partial, None) if self.matching else None

    @property
    def page_count(self) -> int:
        """The number of pages, at least 1."""
        return max(1, -(-self.total // self.state.size))

    def is_in_other_language(self, locale: models.Locale) -> bool:
        """Return whether all papers have a snippet but none is in the reader's language."""
        snippets = (self.snippets.get(row.arxiv_id) for row in self.rows)
        return summaries.are_all_foreign(
            (snippet.language if snippet else None for snippet in snippets), locale
        )


class PaperLists:
    """Loads pages of lists, except of saved papers."""

    def __init__(self, search: SearchService, database: Database, clock: Clock) -> None:
        self._search = search
        self._database = database
        self._clock = clock

    async def load(self, texts: Texts, state: ListState, today: date | None = None) -> PaperList:
        """Return a page of a list, or its last page if the page number is too large.

        `today` is the reader's date, on which periods such as the last 7 days end; in UTC if None.
        """
        today = today or self._clock().date()
        listed = await self._load_page(texts, state, today)
        if not listed.rows and state.page and listed.total:
            listed = await self._load_page(texts, state.replace(page=listed.page_count - 1), today)
        # A search shows only matching sentences, so papers without one get no snippet.
        if state.kind is ListKind.TOPIC or listed.snippets or state.has_titles_only:
            return listed
        snippets = await self._search.list_snippets(listed.rows, texts.locale)
        return replace(listed, snippets=snippets)

    async def load_wider(self, texts: Texts, state: ListState, today: date) -> PaperList | None:
        """Return the list without its filters, for a reader's date; None if that is empty too."""
        wider = state.replace(period=Period.ALL, span=None, min_votes=0, page=0)
        if state.kind not in FILTERABLE_KINDS or wider == state:
            return None
        listed = await self._load_page(texts, wider, today)
        return listed if listed.rows and listed.matching else None

    async def label_days_around(
        self, texts: Texts, state: ListState, today: date
    ) -> tuple[tuple[str, str], ...]:
        """Return the days with a digest around the list's day, as pairs (label, ISO date)."""
        if state.span is None:
            return ()
        async with self._database.read() as connection:
            days = await archive_dates.list_dates_around(connection, state.span[1])
            counts = await papers.count_by_date(connection, days)
        return paper_texts.label_days(texts, counts, today)

    async def _load_page(self, texts: Texts, state: ListState, today: date) -> PaperList:
        """Return a page of a list. Raises KeyError for saved papers, which only their reader can load."""
        loaders = {
            ListKind.TOPIC: self._load_topic,
            ListKind.AUTHOR: self._load_author,
            ListKind.TOP: self._load_top,
            ListKind.DIGEST: self._load_digest,
            ListKind.SIMILAR: self._load_similar,
        }
        return await loaders[state.kind](texts, state, today)

    async def _load_topic(self, texts: Texts, state: ListState, today: date, question: str = "") -> PaperList:
        """Return the papers on a topic, or those for a `question` about writers in place of the name of an author."""
        result = await self._search.search(
            self._request(texts, state.replace(text=question or state.text), today)
        )
        as_topic = state.replace(kind=ListKind.TOPIC)
        notes = _query_notes(texts, result, self._suggestions(as_topic, result.suggestions))
        suggestions = self._suggestions(as_topic, (*result.meanings, *result.suggestions))
        if not (result.complete or result.unknown_id):
            # The topic may be a person's name.
            found = await self._search.find_author(state.text, limit=1)
            names_writer = bool(question or result.writers or result.unknown_writers) or state.text.isascii()
            names = [found.author] if found.author else found.near if names_writer else ()
            near = self._suggestions(ListState(ListKind.AUTHOR), names)
            as_author = ((texts("alert-author", text=name), target) for name, target in near)
            suggestions = (*itertools.starmap(Suggestion, as_author), *suggestions)
        # The topic, corrected as it was searched, and how many papers match it, if any does in full.
        heading = escape_untrusted(completion.apply_corrections(state.text, result.corrected))
        if result.complete:
            rest = result.total - result.complete
            heading = texts("list-topic-heading", topic=heading, count=result.complete)
            key = "list-topic-mentioning" if rest == result.mentioning else "list-topic-partial"
            heading += texts(key, count=rest) if rest else ""
        return PaperList(
            state=state,
            heading=heading,
            rows=result.rows,
            total=result.total,
            found=result,
            notes=(*notes, _filters_text(texts, state)),
            snippets=result.snippets,
            suggestions=suggestions,
            alert_terms=result.alert_terms,
        )

    async def _load_author(self, texts: Texts, state: ListState, today: date) -> PaperList:
        name, query = query_parser.parse_author(state.text, today)
        filters = Filters(_since(state.period, today), None, state.min_votes or None)
        result = await self._search.find_author(
            name,
            sort=state.sort or Sort.VOTES,
            filters=search_service.merge_filters(filters, query),
            limit=state.size,
            offset=state.offset,
        )
        if result.question:
            return await self._load_topic(texts, state, today, result.question)
        if result.author is None:
            # A title, an arXiv id or a topic, typed in place of a name.
            topic = await self._search.search(self._request(texts, state, today))
            label = texts("list-topic-heading", topic=state.text, count=topic.complete)
            as_topic = [Suggestion(label, state.replace(kind=ListKind.TOPIC))] if topic.complete else []
            return PaperList(state, suggestions=(*self._suggestions(state, result.near), *as_topic))
        is_one = not result.namesakes
        is_kept = state.token or not is_one or query.has_range_filters
        shown = state if is_kept else state.replace(text=result.author)
        others = [name for name in result.matches if name != result.author] if is_one else result.namesakes
        names_note = "list-other-authors" if is_one else "list-namesakes"
        heading = result.author if is_one else name
        more = templates.render_more_authors(len(others) - MAX_NAMES, False, texts.locale)
        typed = escape_untrusted(name, max_length=60)
        notes = (
            texts("list-name-corrected", name=typed) if result.is_corrected else "",
            texts(
                names_note,
                names=f"{_format_names(others[:MAX_NAMES])} {more}".rstrip(),
                count=len(others) + 1,
                name=typed,
                author=escape_untrusted(result.author),
            )
            if others
            else "",
            _filters_text(texts, state),
        )
        return PaperList(
            state=shown if len(shown.text) <= MAX_LIST_TEXT_LENGTH else state,
            heading=texts("list-author-heading", author=escape_untrusted(heading), count=result.total),
            rows=result.rows,
            total=result.total,
            notes=notes,
            suggestions=self._suggestions(state, others),
            credits={
                row.arxiv_id: ", ".join(name for name in row.authors if name in result.namesakes)
                for row in result.rows
            },
            alert_terms=None if is_one else (),
            is_author_known=True,
        )

    async def _load_top(self, texts: Texts, state: ListState, today: date) -> PaperList:
        result = await self._search.search(self._request(texts, state.replace(sort=Sort.VOTES), today))
        suggestions = self._suggestions(state, result.suggestions)
        topic, period = state.text, name_period(texts, state)
        key = "list-top-topic-heading" if topic else "list-top-heading"
        return PaperList(
            state=state,
            heading=texts(key, topic=escape_untrusted(topic), period=period),
            rows=result.rows,
            total=result.total,
            found=result,
            notes=_query_notes(texts, result, suggestions),
            snippets=result.snippets,
            suggestions=suggestions,
        )

    async def _load_digest(self, texts: Texts, state: ListState, _: date) -> PaperList:
        span = state.span
        first, last = span or (None, None)
        days = await self._database.fetch(archive.list_dates, since_on=first, until_on=last) if span else []
        if span and not days:
            return PaperList(state)
        result, on = await self._search.get_digest(
            days[0] if days else None,
            limit=state.size,
            offset=state.offset,
            min_votes=state.min_votes or None,
        )
        heading = texts("list-digest-heading", date=texts.format_date(on), count=result.total) if on else ""
        of_period = ""
        if span and len(days) > 1:
            of_period = texts("list-digest-of-period", count=len(days), period=texts.format_period(*span))
        every = await self._database.fetch(papers.count_by_date, [on] if on else (), archive.ALL)
        rest = 0 if state.min_votes else sum(every.values()) - result.total
        return PaperList(
            state=state.replace(span=(on, on)) if on else state,
            heading=heading,
            rows=result.rows,
            total=result.total,
            notes=(
                _filters_text(texts, state),
                of_period,
                texts("list-digest-rest", count=rest) if rest else "",
            ),
        )

    async def _load_similar(self, texts: Texts, state: ListState, _: date) -> PaperList:
        rows = tuple(await self._search.list_similar(state.text, limit=MAX_SIMILAR))
        detail = await self._search.find_paper(state.text)
        title = escape_untrusted(format_title(detail.title if detail else None, state.text), max_length=200)
        return PaperList(
            state=state,
            heading=texts("list-similar-heading", title=title),
            rows=rows[state.offset :][: state.size],
            total=len(rows),
        )

    def _request(self, texts: Texts, state: ListState, today: date) -> SearchRequest:
        return SearchRequest(
            state.text,
            since=state.span[0] if state.span else _since(state.period, today),
            until=state.span[1] if state.span else None,
            min_votes=state.min_votes or None,
            limit=state.size,
            offset=state.offset,
            sort=state.sort,
            snippet_locale=texts.locale,
            today=today,
        )

    def _suggestions(self, state: ListState, queries: Sequence[str]) -> tuple[Suggestion, ...]:
        """Return buttons for the same kind of list with other queries, if they fit in a custom id."""
        plain = [discord_text.to_single_line(query) for query in queries]
        fresh = state.replace(page=0, token="")
        return tuple(
            Suggestion(text, fresh.replace(text=text))
            for text in dict.fromkeys(plain)
            if 0 < len(text) <= state.max_text_length and text != state.text
        )[:MAX_SUGGESTIONS]


def lacks_note(texts: Texts, listed: PaperList, arxiv_id: str) -> str:
    """Return a note on why a paper is not a full match, such as the terms that it lacks; "" for a full match."""
    for key in ("passing", "missing", "matched"):
        named = getattr(listed.found, key).get(arxiv_id, ())
        if terms := [term for term in named if term not in listed.found.unread]:
            shown = [escape_untrusted(term, max_length=_MAX_MISSING_LENGTH) for term in terms[:_MAX_MISSING]]
            more = " …" if len(terms) > _MAX_MISSING else ""
            return texts(f"list-{key}", terms=", ".join(shown) + more)
    return ""


def _since(period: Period, today: date) -> date | None:
    days = PERIOD_DAYS.get(period)
    return None if days is None else today - timedelta(days=days - 1)


def _filters_text(texts: Texts, state: ListState) -> str:
    period = "" if state.period is Period.ALL else texts(state.period.text_id)
    votes = texts("subscription-votes", votes=state.min_votes) if state.min_votes else ""
    return join_dotted(period, votes)


def empty_notes(texts: Texts, listed: PaperList) -> list[str]:
    """Return the notes on an empty list: how its query was interpreted, and its filters."""
    kind = listed.state.kind
    notes = listed.notes or (_filters_text(texts, listed.state),)
    return [*notes] if kind in (ListKind.TOPIC, ListKind.TOP, ListKind.AUTHOR) else []


def empty_heading(texts: Texts, listed: PaperList) -> str:
    """Return the sentence that states for which query, author, period or day no papers were found."""
    state = listed.state
    if listed.found.unknown_id:
        return texts("no-list-paper", paper=listed.found.unknown_id)
    text, period = escape_untrusted(typesetting.strip_quotes(state.text)), name_period(texts, state)
    match state.kind:
        case ListKind.TOPIC:
            return texts("no-list-topic", topic=text)
        case ListKind.AUTHOR:
            if listed.is_author_known:
                return texts("no-list-author-papers", author=text)
            return texts("no-list-topic" if listed.notes else "no-list-author", topic=text, author=text)
        case ListKind.TOP:
            key = "no-list-top-topic" if text else "no-list-top"
            return texts(key, topic=text, period=period)
        case ListKind.DIGEST:
            if not state.span:
                return ""
            is_ahead = listed.today is not None and state.span[0] > listed.today
            key = "no-list-digest-yet" if is_ahead else "no-list-digest"
            return texts(key, date=texts.format_period(*state.span))
        case ListKind.SIMILAR:
            return f"### {listed.heading}\n{texts('no-list-similar')}"
        case ListKind.SAVED:
            return ""
        case _:
            assert_never(state.kind)


def _query_notes(
    texts: Texts, result: search_results.SearchResult, suggestions: Sequence[Suggestion]
) -> tuple[str, ...]:
    """Return the notes on a query ("" if not needed): corrections, added forms, partial matches, suggestions,
    ignored filters.
    """
    known = (*result.terms, *result.meanings)
    alone = result.terms if len(result.terms) == 1 else ()  # KAIST
    by = (names for names in result.writers if names not in result.only_named)
    writers = (name for names in by for name in re.split(" (?:or|또는) ", names))
    names_writers = (*writers, *result.excluded, *alone)
    others = [label for label, _ in suggestions if label not in known]
    names = _format_names(others) if result.rows else ""
    also = [form for form in result.added_forms if form not in result.meanings]
    corrected = _format_names([f"{typed} → {meant}" for typed, meant in result.corrected])
    ignored_note = texts("list-ignored", filters=_format_names(result.ignored)) if result.ignored else ""
    if forms := _format_names(query_parser.list_accepted_forms(result.ignored)):
        ignored_note = texts("list-ignored-forms", ignored=ignored_note, forms=forms)
    return (
        texts("list-corrected", words=corrected) if corrected else "",
        _read_note(texts, result),
        texts("list-only-named", names=_format_names(result.only_named)) if result.only_named else "",
        texts("list-institutions")
        if any(map(institutions.list_forms, names_writers))
        and not (result.only_named or result.unknown_writers)
        else "",
        texts("list-meanings", term=_format_names(result.terms), meanings=_format_names(result.meanings))
        if result.meanings
        else "",
        texts("list-also", forms=named) if (named := name_related(texts, also, most=MAX_NAMES)) else "",
        texts("list-unknown-writers", names=_format_names(result.unknown_writers))
        if result.unknown_writers
        else "",
        texts("list-described", names=_format_names(result.described))
        if result.described and result.rows
        else "",
        texts("list-stale") if result.is_stale else "",
        texts("list-unread", words=_format_names(result.unread)) if result.unread else "",
        texts("list-partial") if result.is_partial and not (result.complete or result.passing) else "",
        texts("list-perhaps", topics=names) if names else "",
        texts("list-unordered", names=_format_names(result.unordered)) if result.unordered else "",
        texts("list-asks-writers") if result.asks_writers else "",
        texts("list-unvoted") if result.is_unvoted else "",
        texts("list-published") if result.is_published else "",
        ignored_note,
    )


def _read_note(texts: Texts, result: search_results.SearchResult) -> str:
    """Return a note on the order, period, authors, terms and exclusions of a query; "" if it was taken literally."""
    longest = labels.list_longest(result.terms)
    terms = _format_names(longest, " · ")
    terms = texts("list-read-rest") if result.excluded and not terms else terms
    period = texts.format_period(*result.period)
    votes = texts("subscription-votes", votes=result.min_votes) if result.min_votes else ""
    most = "" if result.max_votes is None else texts("list-read-most", votes=result.max_votes)
    count = texts("list-read-count", count=result.count) if result.count else ""
    by = [name for name in result.writers if name not in result.only_named]
    writers = texts("list-read-from", names=_format_names(by)) if by else ""
    naming = texts("list-read-naming", names=_format_names(result.only_named)) if result.only_named else ""
    order = texts(f"list-by-{result.sort.value}") if result.sort and not result.is_unvoted else ""
    code = texts("list-read-code") if result.has_code else ""
    without = "list-read-without-main" if result.passing else "list-read-without"
    excluded = texts(without, names=_format_names(result.excluded)) if result.excluded else ""
    said = (order, period, votes, most, count, writers, naming, code)
    if not (result.is_shortened or any(said) or excluded):
        return ""
    return texts("list-read", terms=join_dotted(*said, terms, excluded))


def _format_names(names: Sequence[str], separator: str = ", ") -> str:
    """Return up to MAX_NAMES names or terms as Markdown, and a sign that there are more."""
    shown = separator.join(escape_untrusted(name, max_length=60) for name in names[:MAX_NAMES])
    return f"{shown} …" if len(names) > MAX_NAMES else shown
