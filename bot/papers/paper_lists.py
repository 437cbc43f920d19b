"""Pages of lists of papers (`/digest`, `/top`, `/topic`, `/author`, similar papers): loading, headings and notes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import NamedTuple, assert_never

from bot.archive import arxiv_ids, complete_days, summaries
from bot.core.clock import Clock
from bot.i18n.texts import Texts
from bot.papers import paper_texts, post_names
from bot.papers.list_state import ListKind, ListState, Period, limits_of
from bot.papers.paper_texts import format_title, name_related, name_shared
from bot.rendering import discord_text, templates, typesetting
from bot.rendering.discord_text import escape_untrusted, join_dotted
from bot.search import results as search_results
from bot.search.results import Hint, MatchKind, SearchRequest, Sort
from bot.search.service import SearchService
from bot.text import query_parser
from bot.text.parsed_query import ParsedQuery
from bot.text.people import is_written_as_name
from storage import archive, models, papers, sources
from storage.database import Database
from storage.models import NO_FILTERS, Filters

_MAX_MISSING = 4
_MAX_MISSING_LENGTH = 40
FILTERABLE_KINDS = frozenset({ListKind.TOP, ListKind.TOPIC, ListKind.AUTHOR})
MAX_SIMILAR = 10
MAX_SUGGESTIONS = 5


def name_period(texts: Texts, state: ListState) -> str:
    """Return the name of a list's period, without the dates in its query."""
    return texts.format_period(*state.span) if state.span else texts(state.period.text_id)


class Suggestion(NamedTuple):
    """The label and target of a button for another list."""

    label: str
    state: ListState


@dataclass(frozen=True, slots=True)
class PaperList:
    """One page of a list. `heading` and `notes` are Markdown; mappings are by the papers' keys.

    `query` is the text of its state as it was parsed, and `found` the answer that it shows; both are empty for a list that was
    not searched for.
    """

    state: ListState
    heading: str = ""
    rows: tuple[models.PaperRow, ...] = ()
    total: int = 0
    notes: tuple[str, ...] = ()
    snippets: Mapping[str, search_results.Snippet] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    """Small print shown instead of a snippet."""
    events: Mapping[str, Sequence[papers.PaperEvent]] = field(default_factory=dict)
    """What is new about papers, each with a line, though its words may be cut."""
    query: ParsedQuery = field(default_factory=ParsedQuery)
    found: search_results.SearchResult = field(default_factory=search_results.SearchResult)
    period: str = ""
    """The name of the period, which the query's dates may narrow."""

    credits: Mapping[str, str] = field(default_factory=dict)
    """The author of each paper, if several people share a name."""

    suggestions: tuple[Suggestion, ...] = ()
    leave_out_note: str = ""
    """The line above a list whose query has a word such as *not*, which leaves nothing out."""

    alert_terms: Sequence[models.AlertTerm] = ()
    """The terms for an alert on this list; empty if an alert is impossible."""
    is_author_known: bool = False
    """Whether the author is known, even if filters exclude all of the papers, or an author has a topic's words as a name."""

    is_nobody: bool = False
    """Whether a topic is written as a name, or similar to one, that no author has."""

    days: tuple[tuple[str, str], ...] = ()
    """Labels and ISO dates of the days with a digest around the list's day, newest first."""

    today: date | None = None
    """The reader's current date, set for a day's list."""

    @property
    def matching(self) -> int:
        """The number of papers on the topic; of all papers, for a list that was not searched for."""
        return self.total - self.found.total + self.found.on_topic

    @property
    def ranks(self) -> range:
        """The papers' positions in the whole list, counting from 1."""
        first = self.state.offset + 1
        return range(first, first + len(self.rows))

    def list_dividers(self, texts: Texts) -> dict[int, str]:
        """Return what stands above the first paper of each kind on this page, but those on the topic, by position."""
        dividers, last = dict[int, str](), MatchKind.ON_TOPIC
        for rank, row in zip(self.ranks, self.rows, strict=True):
            kind = self.found.kinds.get(row.key, MatchKind.ON_TOPIC)
            if kind is not last and kind is not MatchKind.ON_TOPIC:
                dividers[rank] = texts(f"list-kind-{kind.value}", count=max(1, len(self.found.read.terms)))
            last = kind
        return dividers

    @property
    def page_count(self) -> int:
        """The number of pages, at least 1."""
        return max(1, -(-self.total // self.state.size))

    def is_in_other_language(self, locale: models.Locale) -> bool:
        """Return whether all papers have a snippet but none is in the reader's language."""
        snippets = (self.snippets.get(row.key) for row in self.rows)
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
        is_searched = state.kind in FILTERABLE_KINDS
        query = query_parser.parse_query(state.text, today) if is_searched else ParsedQuery()
        listed = await self._load_page(texts, state, today, query)
        if not listed.rows and state.page and listed.total:
            listed = await self._load_page(texts, state.replace(page=listed.page_count - 1), today, query)
        # A search shows only matching sentences, so papers without one get no snippet.
        if state.kind is ListKind.TOPIC or listed.snippets or state.has_titles_only:
            return listed
        snippets = await self._search.list_snippets(listed.rows, texts.locale)
        return replace(listed, snippets=snippets)

    async def load_wider(
        self, texts: Texts, state: ListState, today: date, query: ParsedQuery
    ) -> PaperList | None:
        """Return the list without its filters, for a reader's date, of a parsed text; None if that is empty too."""
        wider = state.replace(period=Period.ALL, span=None, min_votes=0, page=0)
        if state.kind not in FILTERABLE_KINDS or wider == state:
            return None
        listed = await self._load_page(texts, wider, today, query)
        return listed if listed.rows and listed.matching else None

    async def label_days_around(
        self, texts: Texts, state: ListState, today: date
    ) -> tuple[tuple[str, str], ...]:
        """Return the days with a digest around the list's day, as pairs (label, ISO date)."""
        if state.span is None:
            return ()
        async with self._database.read() as connection:
            days = await complete_days.list_dates_around(connection, state.span[1])
            counts = await papers.count_by_date(connection, days)
        return paper_texts.label_days(texts, counts, today)

    async def _load_page(self, texts: Texts, state: ListState, today: date, parsed: ParsedQuery) -> PaperList:
        """Return a page of a list. Raises KeyError for saved papers, which only their reader can load."""
        loaders = {
            ListKind.TOPIC: self._load_topic,
            ListKind.AUTHOR: self._load_author,
            ListKind.TOP: self._load_top,
            ListKind.DIGEST: self._load_digest,
            ListKind.SIMILAR: self._load_similar,
        }
        return replace(await loaders[state.kind](texts, state, today, parsed), query=parsed)

    async def _load_topic(
        self, texts: Texts, state: ListState, today: date, parsed: ParsedQuery
    ) -> PaperList:
        result = await self._search.search(self._request(texts, state, today, parsed))
        query = result.read
        is_limited = query.excluded or query.filters != NO_FILTERS
        if query.meant and query.authors and not (query.text or is_limited):
            of_author = state.replace(kind=ListKind.AUTHOR, text=query.authors[0])
            listed = await self._load_author(texts, of_author, today, parsed)
            return replace(
                listed, suggestions=(*self._list_other_readings(texts, state, result), *listed.suggestions)
            )
        narrower = [query_parser.leave_out(term, query.excluded) for term in query.meanings]
        suggestions = self._suggestions(state, (*narrower, *result.suggestions))
        if texts.locale == models.Locale.KO:
            suggestions = tuple(
                Suggestion(query_parser.name_in_korean(label), to) for label, to in suggestions
            )
        suggestions = (*self._list_other_readings(texts, state, result), *suggestions)
        is_author_known = is_nobody = False
        if query.meant:
            state = state.replace(text=query.meant, token="")
        if (query.has_text or query.authors) and not (result.on_topic or result.unknown_id):
            # The topic may be a person's name.
            people = await self._search.find_author(state.text, limit=1)
            is_author_known = people.author is not None and not people.is_corrected
            is_named = is_written_as_name(state.text)
            names = people.matches or (people.near if is_named or state.text.isascii() else ())
            is_nobody = not is_author_known and bool(names or is_named)
            as_author = (
                Suggestion(texts("alert-author", text=name), target)
                for name, target in self._suggestions(ListState(ListKind.AUTHOR), names)
            )
            suggestions = (*as_author, *suggestions)
        filters = _list_filters(state, today).narrowed(query.filters)
        period = _name_period_within(texts, state, today, filters)
        days = query.filters.since_on, query.filters.until_on
        return PaperList(
            state=state,
            heading=_topic_heading(texts, state, result),
            rows=result.rows,
            total=result.total,
            found=result,
            period=period,
            notes=(
                _contradiction_note(texts, filters),
                *_query_notes(texts, result),
                texts("list-unlisted-year", year=query.unlisted) if query.unlisted else "",
                texts("list-dates", period=period) if any(days) else "",
                await self._name_unknown_labels(texts, query),
                *[note async for note in self._list_corrected_names(texts, query)],
                texts("list-institutions") if query.institutions else "",
                _filters_text(texts, state, query.excluded),
            ),
            snippets=result.snippets,
            facts={key: name_shared(texts, reasons) for key, reasons in result.shared.items()},
            suggestions=suggestions,
            alert_terms=result.alert_terms,
            is_author_known=is_author_known,
            is_nobody=is_nobody,
            leave_out_note=post_names.leave_out_note(texts, result.read),
        )

    async def _list_corrected_names(self, texts: Texts, query: ParsedQuery) -> AsyncIterator[str]:
        """Yield a note for each author's name that nobody has, whose papers are of the closest name."""
        for name in query.authors:
            if (await self._search.find_author(name, limit=1)).is_corrected:
                yield texts("list-name-corrected", name=escape_untrusted(name))

    async def _name_unknown_labels(self, texts: Texts, query: ParsedQuery) -> str:
        """Return the sentence that no source has some of a query's labels; "" if each has one."""
        if not query.labels:
            return ""
        known = await self._database.fetch(sources.list_labels)
        names = (name for label in query.labels for name in query_parser.split_names(label))
        unknown = [name for name in names if models.label_key(name) not in known]
        return texts("list-no-label", labels=post_names.format_names(unknown)) if unknown else ""

    def _list_other_readings(
        self, texts: Texts, state: ListState, result: search_results.SearchResult
    ) -> tuple[Suggestion, ...]:
        """Return buttons for what else a query may mean."""
        return tuple(
            Suggestion(texts(f"list-{reading.kind.value}", name=reading.name, count=reading.papers), target)
            for reading in result.read.others
            for _, target in self._suggestions(state.replace(sort=None), (reading.query,))
        )

    async def _load_author(
        self, texts: Texts, state: ListState, today: date, query: ParsedQuery
    ) -> PaperList:
        name = query_parser.name_author(state.text, query)
        filters = _list_filters(state, today).narrowed(query.filters)
        result = await self._search.find_author(
            name, sort=state.sort or Sort.VOTES, filters=filters, limit=state.size, offset=state.offset
        )
        if result.author is None:
            near = self._suggestions(state, result.near)
            topic = await self._suggest_topic(texts, state, today, query)
            return PaperList(state, suggestions=(*near, *topic))
        is_one = not result.namesakes
        keeps_text = state.token or not is_one or query.filters != NO_FILTERS
        shown = state if keeps_text else state.replace(text=result.author)
        others = [name for name in result.matches if name != result.author] if is_one else result.namesakes
        names_note = "list-other-authors" if is_one else "list-namesakes"
        heading = result.author if is_one else name
        more = templates.render_more_authors(len(others) - post_names.MAX_NAMES, False, texts.locale)
        typed = escape_untrusted(name, max_length=60)
        notes = (
            texts("list-name-corrected", name=typed) if result.is_corrected and not others else "",
            texts(
                names_note,
                names=f"{post_names.format_names(others[: post_names.MAX_NAMES])} {more}".rstrip(),
                count=len(others) + 1,
                name=typed,
                author=escape_untrusted(result.author),
            )
            if others
            else "",
            _contradiction_note(texts, filters),
            _filters_text(texts, state),
        )
        return PaperList(
            state=shown,
            heading=texts("list-author-heading", author=escape_untrusted(heading), count=result.total),
            rows=result.rows,
            total=result.total,
            period=_name_period_within(texts, state, today, filters),
            notes=notes,
            suggestions=self._suggestions(state, others),
            credits={
                row.key: ", ".join(name for name in row.authors if name in result.namesakes)
                for row in result.rows
            },
            alert_terms=(models.AlertTerm(models.AlertKind.AUTHOR, name),) if is_one else (),
            is_author_known=True,
        )

    async def _suggest_topic(
        self, texts: Texts, state: ListState, today: date, parsed: ParsedQuery
    ) -> list[Suggestion]:
        """Return a button for a title, an arXiv id or a topic that was typed in place of a name, if it has papers."""
        topic = await self._search.search(self._request(texts, state, today, parsed))
        label = texts("list-topic-heading", topic=state.text, count=topic.on_topic)
        return [Suggestion(label, state.replace(kind=ListKind.TOPIC))] if topic.on_topic else []

    async def _load_top(self, texts: Texts, state: ListState, today: date, parsed: ParsedQuery) -> PaperList:
        by_votes = state.replace(sort=Sort.VOTES)
        result = await self._search.search(self._request(texts, by_votes, today, parsed))
        filters = _list_filters(state, today).narrowed(result.read.filters)
        topic = _name_wanted(texts, parsed)
        period = _name_period_within(texts, state, today, filters)
        key = "list-top-topic-heading" if topic else "list-top-heading"
        # The heading says the period.
        untimed = state.replace(period=Period.ALL, span=None)
        return PaperList(
            state=state,
            heading=texts(key, topic=escape_untrusted(topic), period=period),
            rows=result.rows,
            total=result.total,
            found=result,
            period=period,
            notes=(
                _contradiction_note(texts, filters),
                *_query_notes(texts, result),
                _filters_text(texts, untimed, result.read.excluded),
            ),
            snippets=result.snippets,
            suggestions=self._suggestions(state, result.suggestions),
            leave_out_note=post_names.leave_out_note(texts, result.read),
        )

    async def _load_digest(self, texts: Texts, state: ListState, _: date, __: ParsedQuery) -> PaperList:
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
                _filters_text(texts, state.replace(span=None)),
                of_period,
                texts("list-digest-rest", count=rest) if rest else "",
            ),
            suggestions=(Suggestion(texts("alert-day"), ListState(ListKind.TOP, span=(on, on))),)
            if rest and on
            else (),
        )

    async def _load_similar(self, texts: Texts, state: ListState, _: date, __: ParsedQuery) -> PaperList:
        rows = tuple(await self._search.list_similar(state.text, limit=MAX_SIMILAR))
        detail = await self._search.find_paper(state.text)
        title = escape_untrusted(format_title(detail.title if detail else None, state.text), max_length=200)
        return PaperList(
            state=state,
            heading=texts("list-similar-heading", title=title),
            rows=rows[state.offset :][: state.size],
            total=len(rows),
        )

    def _request(self, texts: Texts, state: ListState, today: date, parsed: ParsedQuery) -> SearchRequest:
        return SearchRequest(
            state.text,
            _list_filters(state, today),
            limit=state.size,
            offset=state.offset,
            sort=state.sort,
            snippet_locale=texts.locale,
            server_id=state.guild_id,
            today=today,
            parsed=parsed,
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


def lacks_note(texts: Texts, listed: PaperList, paper_key: str) -> str:
    """Return the terms that a paper lacks, or that it is on a near topic if it lacks all; "" if it has all."""
    terms = listed.found.missing.get(paper_key, ())
    if len(terms) >= len(listed.found.read.terms) > 0:
        return texts("list-near-topic")
    said = _list_in_none(listed.found)
    terms = tuple(term for term in terms if term not in said)
    if not terms:
        return ""
    shown = [escape_untrusted(term, max_length=_MAX_MISSING_LENGTH) for term in terms[:_MAX_MISSING]]
    more = " …" if len(terms) > _MAX_MISSING else ""
    return texts("list-missing", terms=", ".join(shown) + more)


def _list_in_none(result: search_results.SearchResult) -> list[str]:
    """Return the words that no paper has, if each paper of a list lacks a word: they are said once."""
    of_rows = [result.missing.get(row.key, ()) for row in result.rows]
    return [word for word in result.read.unknown if of_rows and all(word in terms for terms in of_rows)]


def _topic_heading(texts: Texts, state: ListState, result: search_results.SearchResult) -> str:
    """Return the topic as it was searched, corrected, and how many papers are on it, if any.

    What the query leaves out is named by the filters below the heading.
    """
    query = result.read
    if query.institutions and not query.has_text:
        name = post_names.format_names(query.institutions)
        return texts("list-from-heading", name=name, count=result.total)
    if query.labels and not (query.has_text or query.institutions):
        return texts("list-topic-heading", topic=post_names.format_names(query.labels), count=result.total)
    if query.absent:
        return texts("list-absent", terms=post_names.format_names(query.absent))
    topic = escape_untrusted(_name_wanted(texts, query) or state.text)
    return texts("list-topic-heading", topic=topic, count=result.on_topic) if result.on_topic else topic


def _name_wanted(texts: Texts, query: ParsedQuery) -> str:
    """Return a query in plain text, without what it leaves out."""
    return post_names.name_topic(texts, query.wanted, replace(query, excluded=(), ignored=()))


def _list_filters(state: ListState, today: date) -> Filters:
    """Return the filters of a list, without those in its query."""
    return Filters(*limits_of(state.period, state.span, today), state.min_votes or None)


def _name_period_within(texts: Texts, state: ListState, today: date, filters: Filters) -> str:
    """Return the name of a list's period or, if its query narrows that, the dates of all its filters."""
    limits = filters.since_on, filters.until_on
    is_narrowed = limits != limits_of(state.period, state.span, today)
    if is_narrowed and not _contradiction_note(texts, filters):
        return texts.format_period(*limits)
    return name_period(texts, state)


def _contradiction_note(texts: Texts, filters: Filters) -> str:
    """Return the sentence that no paper can pass the filters, because they exclude each other; "" if any can."""
    since, until, least, most = filters.since_on, filters.until_on, filters.min_votes, filters.max_votes
    if since is not None and until is not None and since > until:
        return texts("list-no-day", since=texts.format_date(since), until=texts.format_date(until))
    if least is not None and most is not None and least > most:
        return texts("list-no-votes", least=least, most=most)
    return ""


def _filters_text(texts: Texts, state: ListState, excluded: Sequence[str] = ()) -> str:
    has_period = state.span is not None or state.period is not Period.ALL
    return join_dotted(
        name_period(texts, state) if has_period else "",
        texts("subscription-votes", votes=state.min_votes) if state.min_votes else "",
        texts("list-without", words=post_names.format_names(excluded)) if excluded else "",
    )


def empty_notes(texts: Texts, listed: PaperList) -> list[str]:
    """Return the notes on an empty list: how its query was interpreted, and its filters."""
    notes = listed.notes or (_filters_text(texts, listed.state),)
    return [*notes] if listed.state.kind in FILTERABLE_KINDS else []


def empty_heading(texts: Texts, listed: PaperList) -> str:
    """Return the sentence that states for which query, author, period or day no papers were found."""
    state = listed.state
    if paper := listed.found.unknown_id or arxiv_ids.find_mistyped(state.text):
        return texts("why-not-listed" if listed.found.unknown_id else "no-paper", paper=paper)
    if Hint.TODAY in listed.found.hints:
        return texts("list-today", today=texts.name_command("today"), digest=texts.name_command("digest"))
    if listed.found.read.absent:
        return f"### {texts('list-absent', terms=post_names.format_names(listed.found.read.absent))}"
    is_author = state.kind is ListKind.AUTHOR
    wanted = state.text if is_author else _name_wanted(texts, listed.query)
    text = escape_untrusted(typesetting.strip_quotes(wanted or state.text))
    match state.kind:
        case ListKind.TOPIC:
            of_name = "no-list-topic-author" if listed.is_author_known else "no-list-topic-nobody"
            is_name = listed.is_author_known or listed.is_nobody
            key = of_name if is_name else "no-list-topic"
            key = "no-list-like" if listed.found.read.is_like_list else key
            return texts(key if wanted else "no-list-topic-left-out", topic=text)
        case ListKind.AUTHOR:
            if listed.is_author_known:
                return texts("no-list-author-papers", author=text)
            return texts("no-list-author", author=text)
        case ListKind.TOP:
            key = "no-list-top-topic" if wanted else "no-list-top"
            return texts(key, topic=text, period=listed.period)
        case ListKind.DIGEST:
            if not state.span:
                return ""
            is_ahead = listed.today is not None and state.span[0] > listed.today
            key = "no-list-digest-yet" if is_ahead else "no-list-digest"
            return texts(key, date=texts.format_period(*state.span))
        case ListKind.SIMILAR:
            return f"### {listed.heading}\n{texts('no-list-similar')}"
        case ListKind.SAVED:
            return listed.heading
        case _:
            assert_never(state.kind)


def _query_notes(texts: Texts, result: search_results.SearchResult) -> tuple[str, ...]:
    """Return what was searched for, if it is not what was typed, and what of the query could not be used ("" if not needed)."""
    related = name_related(texts, result.read.translations, most=post_names.MAX_NAMES)
    # A question about what is new today was not searched for.
    is_shown = (result.read.is_rewritten or related) and Hint.TODAY not in result.hints
    terms = [" ".join(post_names.list_words(texts, term)) for term in result.read.terms]
    searched = post_names.format_names(terms, " · ") if is_shown else ""
    forms = f" ({related})" if related else ""
    in_none = () if result.read.absent else _list_in_none(result)
    return (
        texts("list-absent", terms=post_names.format_names(in_none)) if in_none else "",
        post_names.correction_note(texts, result.read),
        texts("list-searched", terms=searched + forms) if searched else "",
        texts("list-stale") if result.is_stale else "",
        post_names.ignored_note(texts, result.read),
    )


def hint_note(texts: Texts, listed: PaperList) -> str:
    """Return which options of the command do what words of the query seem to ask for; "" if none."""
    # An empty list has no order, and what there is to read is its heading.
    silent, lines = {Hint.TODAY} | (set() if listed.rows else {Hint.ORDER}), list[str]()
    lines += (texts(f"list-hint-{hint.value}") for hint in listed.found.hints if hint not in silent)
    return " ".join(lines)
