"""Views for all lists of papers (`/digest`, `/top`, `/topic`, `/author`, `/saved`, similar papers)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, NamedTuple, assert_never

from discord import ui

from bot.archive import summaries
from bot.archive.exports import ReferenceFormat
from bot.client import custom_ids
from bot.client.custom_ids import pack_custom_id
from bot.client.list_state import ListKind, ListState, Period, pack_state
from bot.client.message_builder import MessageBuilder, StatelessModal, button, select_menu, select_option
from bot.client.messages import follow_button, newest_digest_button, open_menu, pager
from bot.client.paper_texts import (
    escape_untrusted,
    extent_line,
    format_authors,
    format_votes,
    join_dotted,
    language_note,
    name_related,
    nearest_days,
    subtext,
    title_link,
)
from bot.client.texts import Texts
from bot.rendering import discord_text, typesetting
from bot.search import completion
from bot.search import results as search_results
from bot.search.results import Sort
from bot.text import dates, query_parser
from storage import models

SHARE = "ls"
REFINE = "lp"
SELECT_DAY = "ld"
SUBMIT_TOPIC_MODAL = "asked"
QUERY = "query"
"""The text field of the topic form."""
SELECT_TAG = "sg"
SEARCH_SAVED = "sq"
EXPORT_SAVED = "sx"
OPEN_IMPORT = "sfi"
ALL_TAGS = "*"
"""The tag menu's value for all papers. Other values begin with `#`."""
FORMAT_NAMES = {ReferenceFormat.BIBTEX: "BibTeX", ReferenceFormat.RIS: "RIS", ReferenceFormat.CSL: "CSL JSON"}

MAX_NAMES = 5
_ISO_DATE = re.compile(r"([0-9]{4})-([0-9]{2})(?:-([0-9]{2}))?")
_MAX_MISSING = 4
_MAX_MISSING_LENGTH = 30
_MAX_SHOWN_NOTE = 120
_LINE_MARGIN = 24
"""Characters (or bytes) needed for each line of a day's list in addition to the title."""


FILTERABLE_KINDS = frozenset({ListKind.TOP, ListKind.TOPIC, ListKind.AUTHOR})
SORTS = {ListKind.TOPIC: (Sort.RELEVANCE, Sort.VOTES, Sort.DATE), ListKind.AUTHOR: (Sort.VOTES, Sort.DATE)}
"""The orders that a list offers, default first."""


def name_period(texts: Texts, state: ListState) -> str:
    """Return the name of a list's period."""
    return texts.format_period(*state.span) if state.span else texts(state.period.text_id)


class Suggestion(NamedTuple):
    """The label and target of a button for another list."""

    label: str
    state: ListState


Rows = Sequence[Sequence[ui.Item[Any] | None]]


@dataclass(frozen=True, slots=True)
class PaperList:
    """One page of a list. `heading` and `notes` are Markdown; mappings are keyed by arXiv id.

    `missing` has the terms that a partial match lacks, `related` the topic of a paper that lacks all terms.
    """

    state: ListState
    heading: str = ""
    rows: tuple[models.PaperRow, ...] = ()
    total: int = 0
    notes: tuple[str, ...] = ()
    snippets: Mapping[str, search_results.Snippet] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    """Small print shown instead of a snippet."""
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    related: Mapping[str, str] = field(default_factory=dict)
    credits: Mapping[str, str] = field(default_factory=dict)
    """The author of each paper, if several people share a name."""

    suggestions: tuple[Suggestion, ...] = ()
    alert_terms: Sequence[models.AlertTerm] | None = None
    """The terms for an alert on this list; empty if an alert is impossible, None to use the list's text."""
    is_author_known: bool = False
    """Whether the author is known, even if filters exclude all of the papers."""

    sort: Sort | None = None
    """The order, if it is neither the state's nor the default one."""

    complete: int | None = None
    """The number of full matches; None if all papers are full matches."""

    unknown_id: str = ""
    """The query if it is an arXiv id that the archive does not have, else ""."""

    days: tuple[tuple[str, str], ...] = ()
    """Labels and ISO dates of the days with a digest around the list's day, newest first."""

    today: date | None = None
    """The reader's current date, set for a day's list."""

    @property
    def matching(self) -> int:
        """The number of full matches."""
        return self.total if self.complete is None else self.complete

    @property
    def ranks(self) -> range:
        """The papers' positions in the whole list, counting from 1."""
        first = self.state.offset + 1
        return range(first, first + len(self.rows))

    @property
    def first_partial(self) -> int | None:
        """The position of the page's first partial match; None without one, or if no paper is a full match."""
        partial = (
            rank for rank, row in zip(self.ranks, self.rows, strict=True) if row.arxiv_id in self.missing
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


def list_view(texts: Texts, listed: PaperList, *, may_share: bool) -> ui.LayoutView:
    """Return a private list with menus to open a paper and refine the list, a pager, and Follow and Share buttons."""
    share = button(texts("share"), pack_state(listed.state, SHARE)) if may_share and listed.rows else None
    rows: Rows = (
        [open_menu(texts("open-paper"), listed.rows, ranks=listed.ranks)],
        [_refine_menu(texts, listed) or _day_menu(texts, listed)],
        list_pager(listed),
        [follow_button(texts, listed.state, listed.alert_terms), share],
        _suggestion_buttons(listed),
    )
    return view_with_rows(texts, listed, rows)


def shared_view(texts: Texts, listed: PaperList, *, sharer: str) -> ui.LayoutView:
    """Return a public list. Its controls reply privately to the person who uses them."""
    more = button(
        texts("list-more-privately", count=listed.matching or listed.total),
        pack_state(listed.state.replace(page=0)),
    )
    rows: Rows = ([open_menu(texts("open-paper"), listed.rows, ranks=listed.ranks)], [more])
    return view_with_rows(texts, listed, rows, head=subtext(texts("shared-by", name=sharer)))


def view_with_rows(texts: Texts, listed: PaperList, rows: Rows, head: str = "") -> ui.LayoutView:
    """Return a list above rows of controls. The papers share the remaining space equally."""
    message = MessageBuilder()
    message.add_text(head)
    message.add_text(f"### {listed.heading}")
    is_foreign = listed.is_in_other_language(texts.locale)
    language = texts("summary-in-other-language") if is_foreign else ""
    message.add_text("\n".join(subtext(note) for note in (*listed.notes, language) if note))
    message.end_with(rows)
    if listed.state.has_titles_only:
        message.add_text(_titles_text(listed, *message.share(1)))
        return message.view
    for position, (rank, row) in enumerate(zip(listed.ranks, listed.rows, strict=True)):
        if rank == listed.first_partial:
            message.add_separator()
            message.add_text(subtext(texts("list-partial-heading")))
        message.add_separator(visible=False)
        share = message.share(len(listed.rows) - position)
        text = _paper_text(texts, rank, row, listed, *share, with_language=not is_foreign)
        message.add_text(text)
    return message.view


def _titles_text(listed: PaperList, characters: int, size: int) -> str:
    """Return one line per paper with its number, title and votes."""
    lines = []
    for rank, row in zip(listed.ranks, listed.rows, strict=True):
        title = title_link(
            row.title,
            row.arxiv_id,
            row.url,
            max_characters=characters // len(listed.rows) - _LINE_MARGIN,
            max_bytes=size // len(listed.rows) - _LINE_MARGIN,
        )
        lines.append(join_dotted(str(rank), title, format_votes(row.votes)))
    return "\n".join(lines)


def _paper_text(
    texts: Texts,
    rank: int,
    row: models.PaperRow,
    listed: PaperList,
    characters: int,
    size: int,
    *,
    with_language: bool,
) -> str:
    snippet, facts = listed.snippets.get(row.arxiv_id), _facts(texts, row, listed)
    lines = (
        (listed.facts.get(row.arxiv_id), "")
        if snippet is None
        else (snippet.markdown, subtext(language_note(texts, snippet.language)) if with_language else "")
    )
    lacks = subtext(note) if (note := lacks_note(texts, listed, row.arxiv_id)) else ""
    title = title_link(
        row.title,
        row.arxiv_id,
        row.url,
        max_characters=characters - len(facts) - len(lacks) - 17,
        max_bytes=size - discord_text.utf8_bytes(facts) - discord_text.utf8_bytes(lacks) - 17,
    )
    text = "\n".join(line for line in (f"**{rank} · {title}**", facts, lacks, *lines) if line)
    return discord_text.shorten(text, characters, max_bytes=size)


def lacks_note(texts: Texts, listed: PaperList, arxiv_id: str) -> str:
    """Return a note on the terms that a paper lacks (or on its topic, if it lacks all terms); "" for a full match."""
    if topic := listed.related.get(arxiv_id):
        return texts("list-related", topic=escape_untrusted(topic, max_length=_MAX_MISSING_LENGTH))
    missing = listed.missing.get(arxiv_id, ())
    shown = [escape_untrusted(term, max_length=_MAX_MISSING_LENGTH) for term in missing[:_MAX_MISSING]]
    more = " …" if len(missing) > _MAX_MISSING else ""
    return texts("list-missing", terms=", ".join(shown) + more) if missing else ""


def _facts(texts: Texts, row: models.PaperRow, listed: PaperList) -> str:
    """Return a paper's votes, date and authors. If the list has namesakes, name only the one who wrote the paper."""
    authors = format_authors(texts, row.authors, truncated=row.authors_truncated)
    if isinstance(row, models.SavedPaper) and not row.is_listed:
        return authors
    credit = listed.credits.get(row.arxiv_id)
    day = texts.format_date(row.date)
    return join_dotted(format_votes(row.votes), day, escape_untrusted(credit) if credit else authors)


def filters_text(texts: Texts, state: ListState) -> str:
    """Describe a list's period and minimum votes; "" if it has no filters."""
    period = "" if state.period is Period.ALL else texts(state.period.text_id)
    votes = texts("subscription-votes", votes=state.min_votes) if state.min_votes else ""
    return join_dotted(period, votes)


def list_pager(listed: PaperList) -> list[ui.Item[Any]]:
    """Return the buttons that turn the pages of a list."""
    state = listed.state
    return pager(state.page, listed.page_count, lambda number: pack_state(state.replace(page=number)))


def _refine_menu(texts: Texts, listed: PaperList) -> ui.Item[Any] | None:
    """Return the menu of periods and orders, labelled with the current ones; None for lists that cannot be refined."""
    state = listed.state
    if state.kind not in FILTERABLE_KINDS:
        return None
    labels = {period.value: texts(period.text_id) for period in Period}
    in_use = [name_period(texts, state)]
    if listed.total > 1 and (sorts := SORTS.get(state.kind)):
        labels |= {sort.value: texts(f"list-by-{sort.value}") for sort in sorts}
        in_use.append(labels.pop(state.sort or listed.sort or sorts[0]))
    if in_use[0] == labels[state.period]:
        del labels[state.period]
    return _menu(join_dotted(*in_use), REFINE, state, labels)


def _menu(
    placeholder: str, verb: str, state: ListState, labels: Mapping[str, str], selected: str | None = None
) -> ui.Item[Any] | None:
    """Return a menu. Selecting a value shows the first page of the list with that value applied."""
    options = [select_option(label, value, selected=value == selected) for value, label in labels.items()]
    return select_menu(placeholder, pack_state(state.replace(page=0), verb), options)


def refine(state: ListState, value: str) -> ListState:
    """Return the state for the first page with the selected period or order. Raises ValueError."""
    if value in tuple(Sort):
        return state.replace(page=0, sort=Sort(value))
    return state.replace(page=0, period=Period(value), span=None)


def _day_menu(texts: Texts, listed: PaperList) -> ui.Item[Any] | None:
    state, days = listed.state, listed.days
    if len(days) < 2:
        return None
    selected = state.span[1].isoformat() if state.span else None
    return _menu(texts("choose-day"), SELECT_DAY, state, {day: label for label, day in days}, selected)


def _suggestion_buttons(listed: PaperList) -> list[ui.Item[Any]]:
    shown = listed.suggestions[: discord_text.ROW_BUTTONS]
    return [button(label, pack_state(state)) for label, state in shown]


def empty_view(
    texts: Texts, listed: PaperList, extent: models.ArchiveExtent, wider: PaperList | None = None
) -> ui.LayoutView:
    """Return the reply for an empty list (except saved papers), suggesting up to five other lists.

    `wider` is the list without its filters; None if that is empty too.
    """
    state = listed.state
    message = MessageBuilder()
    message.add_text(empty_heading(texts, listed))
    message.add_text("\n".join(subtext(note) for note in empty_notes(texts, listed) if note))
    message.add_text(extent_line(texts, extent))
    others = tuple(pair for pair in listed.suggestions if wider is None or pair.state != wider.state)
    suggested = _suggestion_buttons(replace(listed, suggestions=others))
    if suggested:
        message.add_text(subtext(texts("try-instead")))
    elif state.kind is ListKind.AUTHOR and not listed.is_author_known and extent.paper_count:
        message.add_text(subtext(texts("try-name")))
    message.add_buttons(*suggested)
    message.add_buttons(*_navigation_buttons(texts, listed, extent, wider))
    return message.view


def empty_notes(texts: Texts, listed: PaperList) -> list[str]:
    """Return the notes on an empty list: how its query was interpreted, and its filters."""
    kind = listed.state.kind
    if kind is ListKind.AUTHOR:
        return [filters_text(texts, listed.state)]
    return [*listed.notes] if kind in (ListKind.TOPIC, ListKind.TOP) else []


def empty_heading(texts: Texts, listed: PaperList) -> str:
    """Return the sentence that states for which query, author, period or day no papers were found."""
    state = listed.state
    if listed.unknown_id:
        return texts("no-list-paper", paper=listed.unknown_id)
    text, period = escape_untrusted(typesetting.strip_quotes(state.text)), name_period(texts, state)
    match state.kind:
        case ListKind.TOPIC:
            return texts("no-list-topic", topic=text)
        case ListKind.AUTHOR:
            if listed.suggestions:
                return texts("no-list-author-institution", author=text)
            return texts("no-list-author-papers" if listed.is_author_known else "no-list-author", author=text)
        case ListKind.TOP:
            key = "no-list-top-topic" if text else "no-list-top"
            return texts(key, topic=text, period=period)
        case ListKind.DIGEST:
            if not state.span:
                return ""
            first, last = state.span
            day = texts.format_date(first) if first == last else texts.format_period(first, last)
            is_ahead = listed.today is not None and first > listed.today
            return texts("no-list-digest-yet" if is_ahead else "no-list-digest", date=day)
        case ListKind.SIMILAR:
            return f"### {listed.heading}\n{texts('no-list-similar')}"
        case ListKind.SAVED:
            return ""
        case _:
            assert_never(state.kind)


def _navigation_buttons(
    texts: Texts, listed: PaperList, extent: models.ArchiveExtent, wider: PaperList | None
) -> list[ui.Item[Any] | None]:
    """Return the buttons for the unfiltered list, an alert, and the nearest or newest digest."""
    state = listed.state
    buttons: list[ui.Item[Any] | None] = []
    if wider is not None:
        label = f"{texts('without-filters' if state.min_votes else 'all-time')} · {texts('choice-papers', count=wider.matching)}"
        buttons.append(button(label, pack_state(wider.state)))
    buttons.append(follow_button(texts, state, listed.alert_terms))
    span = state.span if state.kind is ListKind.DIGEST else None
    if span:
        for day in nearest_days([date.fromisoformat(day) for _, day in listed.days], *span):
            label = texts("nearest-digest", date=texts.format_date(day))
            buttons.append(button(label, pack_state(ListState(ListKind.DIGEST, span=(day, day)))))
    if extent.paper_count and not (span and extent.last_on and extent.last_on < span[0]):
        buttons.append(newest_digest_button(texts))
    return buttons


def topic_modal(texts: Texts) -> StatelessModal:
    """Return the form for a topic."""
    modal = StatelessModal(texts("post-ask"), pack_custom_id(SUBMIT_TOPIC_MODAL))
    modal.add_text(texts("ask-label"), QUERY, placeholder=texts("ask-hint"), max_length=300)
    return modal


# Notes above a list.


def query_notes(
    texts: Texts, result: search_results.SearchResult, suggestions: Sequence[Suggestion]
) -> tuple[str, ...]:
    """Return the notes on a query ("" if not needed): corrections, added forms, partial matches, suggestions,
    ignored filters.
    """
    known = (*result.terms, *result.meanings)
    others = [label for label, _ in suggestions if label not in known]
    names = format_names(others) if result.rows else ""
    also = [form for form in result.added_forms if form not in result.meanings]
    corrected = format_names([f"{typed} → {meant}" for typed, meant in result.corrected])
    return (
        texts("list-corrected", words=corrected) if corrected else "",
        _read_note(texts, result),
        texts("list-meanings", term=format_names(result.terms), meanings=format_names(result.meanings))
        if result.meanings
        else "",
        texts("list-also", forms=name_related(texts, also, most=MAX_NAMES)) if also else "",
        texts("list-stale") if result.is_stale else "",
        texts("list-partial") if result.is_partial and not result.complete else "",
        texts("list-perhaps", topics=names) if names else "",
        _ignored_note(texts, result),
    )


def _read_note(texts: Texts, result: search_results.SearchResult) -> str:
    """Return a note on the order, period, authors, terms and exclusions of a query; "" if it was taken literally."""
    if not (result.is_shortened or result.period or result.writers or result.sort or result.excluded):
        return ""
    more = " …" if len(result.terms) > MAX_NAMES else ""
    terms = format_names(result.terms, " · ") + more
    period = _ISO_DATE.sub(lambda found: _name_date(texts, *found.groups()), result.period)
    writers = texts("list-read-from", names=format_names(result.writers)) if result.writers else ""
    order = texts(f"list-by-{result.sort.value}") if result.sort else ""
    excluded = texts("list-read-without", names=format_names(result.excluded)) if result.excluded else ""
    return texts("list-read", terms=join_dotted(order, period, writers, terms, excluded))


def _name_date(texts: Texts, year: str, month: str, day: str | None) -> str:
    """Return a date, or a month if there is no day, in the reader's language."""
    if day is not None:
        return texts.format_date(date(int(year), int(month), int(day)))
    return texts.format_period(*dates.calendar_span(int(year), int(month)))


def topic_heading(texts: Texts, topic: str, result: search_results.SearchResult) -> str:
    """Return the heading for a topic, corrected as it was searched, and the number of full matches if there are any."""
    topic = escape_untrusted(completion.apply_corrections(topic, result.corrected))
    if not result.complete:
        return topic
    return texts("list-topic-heading", topic=topic, count=result.complete)


def _ignored_note(texts: Texts, result: search_results.SearchResult) -> str:
    """Return a note on the query's ignored filters, or ""."""
    if not result.ignored:
        return ""
    note = texts("list-ignored", filters=format_names(result.ignored))
    forms = format_names(query_parser.list_accepted_forms(result.ignored))
    return texts("list-ignored-forms", ignored=note, forms=forms) if forms else note


def format_names(names: Sequence[str], separator: str = ", ") -> str:
    """Return up to MAX_NAMES names or terms as Markdown."""
    return separator.join(escape_untrusted(name, max_length=60) for name in names[:MAX_NAMES])


# The list of saved papers.


def saved_view(texts: Texts, listed: PaperList) -> ui.LayoutView:
    """Return a page of saved papers with controls to open one, choose a tag and export."""
    state = listed.state
    show_all = show_all_button(texts) if state.text else None
    formats = [select_option(name, form.value) for form, name in FORMAT_NAMES.items()]
    rows: Rows = (
        [open_menu(texts("open-paper"), listed.rows, ranks=listed.ranks)],
        [_tag_menu(texts, listed)],
        [select_menu(texts("saved-export"), pack_state(state, EXPORT_SAVED), formats)],
        list_pager(listed),
        [_search_button(texts, state), show_all, import_button(texts)],
    )
    return view_with_rows(texts, listed, rows)


def import_button(texts: Texts) -> ui.Item[Any]:
    """Return the button that opens the import form."""
    return button(texts("saved-import"), custom_ids.pack_custom_id(OPEN_IMPORT))


def no_saved_view(texts: Texts, listed: PaperList) -> ui.LayoutView:
    """Return the reply for a search or tag without results or, if nothing is saved, how to save papers."""
    message = MessageBuilder()
    if not listed.state.text:
        message.add_text(texts("no-list-saved"))
        message.add_buttons(import_button(texts), newest_digest_button(texts))
        return message.view
    query = escape_untrusted(typesetting.strip_quotes(listed.state.text), max_length=200)
    message.add_text(texts("saved-none-found", query=query))
    message.add_buttons(_search_button(texts, listed.state), show_all_button(texts))
    return message.view


def _search_button(texts: Texts, state: ListState) -> ui.Item[Any]:
    return button(texts("saved-search"), pack_state(state.replace(page=0), SEARCH_SAVED))


def show_all_button(texts: Texts) -> ui.Item[Any]:
    """Return the button that shows all saved papers."""
    return button(texts("saved-show-all"), pack_state(ListState(ListKind.SAVED)))


def format_facts(texts: Texts, paper: models.SavedPaper) -> str:
    """Return a saved paper's small print: when it was saved, its tags and its note."""
    saved = texts("saved-on", date=f"<t:{int(paper.saved_at.timestamp())}:D>")
    unlisted = "" if paper.is_listed else texts("saved-unlisted")
    lines = [join_dotted(saved, unlisted, format_tags(paper.tags))]
    if paper.note:
        note = escape_untrusted(paper.note, max_length=_MAX_SHOWN_NOTE)
        lines.append(texts("saved-note", note=note))
    return "\n".join(map(subtext, lines))


def format_tags(tags: Sequence[str]) -> str:
    """Return tags, escaped, as `#rl #to-read`."""
    return " ".join(f"#{escape_untrusted(tag)}" for tag in tags)


def _tag_menu(texts: Texts, listed: PaperList) -> ui.Item[Any] | None:
    """Return a menu of the reader's most used tags (passed as the list's suggestions), or None without tags."""
    if not listed.suggestions:
        return None
    tags = listed.suggestions[: discord_text.SELECT_OPTIONS - 1]
    labels = {ALL_TAGS: texts("saved-all-tags")} | {tagged.text: label for label, tagged in tags}
    fresh = listed.state.replace(text="", token="")
    return _menu(texts("saved-tags"), SELECT_TAG, fresh, labels, listed.state.text or ALL_TAGS)
