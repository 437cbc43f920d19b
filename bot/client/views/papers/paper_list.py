"""The view of every list of papers (`/digest`, `/top`, `/topic`, `/author`, `/saved`, similar papers), five a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from discord import ui

from bot.client.components import custom_ids
from bot.client.components.message_builder import (
    MessageBuilder,
    button,
    optional_row,
    select_menu,
    select_option,
)
from bot.client.translations import Texts
from bot.client.views.papers import list_days, list_state, paper_text
from bot.rendering.discord_text import limits, split
from bot.services.posts.contents import PostPaper
from bot.services.search.results import Sort
from storage import models
from storage.shelf.saved_papers import Order

OPEN_SELECTED = "open"
SHARE = "ls"
SELECT_PERIOD = "lp"
SELECT_ORDER = "lo"
FOLLOW = "lf"
_MAX_MISSING = 4
_MAX_MISSING_LENGTH = 30
FILTERABLE_KINDS = frozenset(
    {
        list_state.ListKind.TOP,
        list_state.ListKind.TOPIC,
        list_state.ListKind.AUTHOR,
        list_state.ListKind.GUILD_SHELF,
    }
)


@dataclass(frozen=True, slots=True)
class PaperList:
    """One page of a list. `heading` and the notes are Markdown; `snippets` are by arXiv id; `suggestions` have labels.

    `missing` has the terms of the query that partial matches lack, by arXiv id.
    """

    state: list_state.ListState
    heading: str
    rows: tuple[models.PaperRow, ...]
    total: int
    notes: tuple[str, ...] = ()
    snippets: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    credits: Mapping[str, str] = field(default_factory=dict)
    """The author by whom a paper is, by arXiv id, in a list of the papers of several people of a name."""

    suggestions: tuple[tuple[str, list_state.ListState], ...] = ()
    ignored_note: str = ""
    is_expanded: bool = False
    """Whether the query was expanded or corrected, so that a button can offer a literal search."""
    is_author_known: bool = False
    """True for a known author, also if the filters exclude all papers."""

    has_complete: bool = True
    """False if all papers of the list lack a part of the query, which a note says."""

    unknown_id: str = ""
    """The arXiv id that a query is, if the archive does not have its paper."""

    days: tuple[tuple[str, str], ...] = ()
    """The days with a digest around that of the list, newest first: label and ISO date."""

    @property
    def page_count(self) -> int:
        """Number of pages, at least 1."""
        return max(1, -(-self.total // list_state.PAGE_SIZE))


def list_view(texts: Texts, listed: PaperList, *, may_share: bool) -> ui.LayoutView:
    """Return a private list: papers, a menu to open one, pages, period, follow and share."""
    message = start_message(texts, listed)
    rows: list[list[ui.Item[Any]]] = [
        optional_row(open_menu(texts("open-paper"), listed.rows)),
        optional_row(
            _period_menu(texts, listed.state) or list_days.day_menu(texts, listed.state, listed.days)
        ),
        optional_row(_order_menu(texts, listed)),
        pager(
            listed.state.page,
            listed.page_count,
            lambda number: list_state.pack(listed.state.replace(page=number)),
            f"pr:page:{listed.state.page}",
        ),
        _toggle_buttons(texts, listed) + _follow_and_share_buttons(texts, listed, may_share),
        suggestion_buttons(listed),
    ]
    fill_message(texts, message, listed, rows)
    return message.view


def shared_view(texts: Texts, listed: PaperList, *, sharer: str) -> ui.LayoutView:
    """Return a public list. Its components answer each member privately."""
    message = start_message(texts, listed)
    more = button(
        texts("list-more-privately", count=listed.total), list_state.pack(listed.state.replace(page=0))
    )
    rows = [optional_row(open_menu(texts("open-paper"), listed.rows)), [more]]
    fill_message(texts, message, listed, rows, foot=paper_text.subtext(texts("shared-by", name=sharer)))
    return message.view


def open_menu(
    placeholder: str,
    papers: Sequence[models.PaperRow | models.PaperDetail | PostPaper],
    marker: str | None = None,
    *,
    custom_id: str | None = None,
    ranks: Sequence[int] = (),
) -> ui.Item[Any] | None:
    """Return the menu of the papers, which opens one privately unless `custom_id` has another action.

    `ranks` are the numbers that the message shows in front of the papers.
    """
    options = [
        select_option(
            paper_text.join_dotted(rank, paper_text.format_title(paper.title, paper.arxiv_id)),
            paper.arxiv_id,
            description=paper_text.join_dotted(paper.arxiv_id, paper_text.format_votes(paper.votes)),
        )
        for paper, rank in zip_longest(papers, map(str, ranks))
    ]
    return select_menu(placeholder, custom_id or custom_ids.pack(OPEN_SELECTED, marker=marker), options)


def start_message(texts: Texts, listed: PaperList) -> MessageBuilder:
    """Return a message with the heading and the notes of a list."""
    message = MessageBuilder()
    message.add_text(f"### {listed.heading}")
    message.add_text(
        "\n".join(paper_text.subtext(note) for note in (*listed.notes, listed.ignored_note) if note)
    )
    return message


def fill_message(
    texts: Texts,
    message: MessageBuilder,
    listed: PaperList,
    rows: Sequence[Sequence[ui.Item[Any]]],
    foot: str = "",
) -> None:
    """Add the papers, each with an equal share of the space left by the rows and the foot; then add these."""
    present = [row for row in rows if row]
    message.reserve(sum(1 + len(row) for row in present) + bool(foot), (foot,) if foot else ())
    first = listed.state.page * list_state.PAGE_SIZE
    has_partial_heading = not listed.has_complete
    for position, row in enumerate(listed.rows):
        missing = listed.missing.get(row.arxiv_id, ())
        if row.arxiv_id in listed.missing and not has_partial_heading:
            message.add_separator()
            message.add_text(paper_text.subtext(texts("list-partial-heading")))
            has_partial_heading = True
        message.add_separator(visible=False)
        share = message.share(len(listed.rows) - position)
        lacks = paper_text.subtext(_missing_text(texts, missing)) if missing else ""
        message.add_text(_paper_text(texts, first + position + 1, row, listed, lacks, *share))
    for items in present:
        message.add_reserved_row(*items)
    if foot:
        message.add_reserved_text(foot)


def _missing_text(texts: Texts, missing: Sequence[str]) -> str:
    """Return the terms that a paper lacks, the first `_MAX_MISSING` of them, each cut to fit."""
    shown = [
        paper_text.escape_untrusted(term, max_length=_MAX_MISSING_LENGTH) for term in missing[:_MAX_MISSING]
    ]
    return texts("list-missing", terms=", ".join(shown) + (" …" if len(missing) > _MAX_MISSING else ""))


def _paper_text(
    texts: Texts, rank: int, row: models.PaperRow, listed: PaperList, lacks: str, characters: int, size: int
) -> str:
    snippet, facts = listed.snippets.get(row.arxiv_id), _facts(texts, row, listed)
    title = paper_text.title_link(
        row.title,
        row.arxiv_id,
        row.url,
        max_characters=characters - len(facts) - len(lacks) - 17,
        max_bytes=size - limits.utf8_bytes(facts) - limits.utf8_bytes(lacks) - 17,
    )
    text = "\n".join(line for line in (f"**{rank} · {title}**", facts, lacks, snippet) if line)
    return split.shorten(text, characters, max_bytes=size)


def _facts(texts: Texts, row: models.PaperRow, listed: PaperList) -> str:
    """Return the votes, the date and the authors or the credit; a day's list has only dates other than its own."""
    authors = paper_text.format_authors(row.authors)
    if isinstance(row, models.SavedPaper) and not row.is_listed:
        return authors
    day = row.date.isoformat()
    if listed.state.kind is list_state.ListKind.DIGEST:
        day = "" if day == listed.state.text else texts("also-listed", date=day)
    credit = listed.credits.get(row.arxiv_id)
    return paper_text.join_dotted(
        paper_text.format_votes(row.votes), day, paper_text.escape_untrusted(credit) if credit else authors
    )


def filters_text(texts: Texts, state: list_state.ListState) -> str:
    """Return the filters of a list: the period and the minimum votes; "" for none."""
    all_time = state.period is list_state.Period.ALL
    period = "" if all_time else texts(f"period-{state.period.name.lower()}")
    votes = texts("subscription-votes", votes=state.min_votes) if state.min_votes else ""
    return paper_text.join_dotted(period, votes)


def pager(page: int, pages: int, custom_id: Callable[[int], str], indicator: str) -> list[ui.Item[Any]]:
    """Return ◀ 1/3 ▶; nothing for a single page.

    `custom_id` maps a page, counted from 0, to an id; `indicator` is the id of the page number.
    """
    if pages <= 1:
        return []
    return [
        button("◀", custom_id(max(page - 1, 0)) if page else f"{indicator}:first", disabled=page == 0),
        button(f"{page + 1}/{pages}", indicator, disabled=True),
        button(
            "▶", custom_id(page + 1) if page + 1 < pages else f"{indicator}:last", disabled=page + 1 >= pages
        ),
    ]


def _toggle_buttons(texts: Texts, listed: PaperList) -> list[ui.Item[Any]]:
    state = listed.state.replace(page=0)
    if state.kind is list_state.ListKind.TOPIC and (listed.is_expanded or state.literal):
        label = texts("list-with-forms") if state.literal else texts("list-literally")
        return [button(label, list_state.pack(state.replace(literal=not state.literal)))]
    if state.kind is list_state.ListKind.AUTHOR and listed.total > 1:
        label = texts("list-by-votes") if state.by_date else texts("list-by-date")
        return [button(label, list_state.pack(state.replace(by_date=not state.by_date)))]
    return []


def _order_menu(texts: Texts, listed: PaperList) -> ui.Item[Any] | None:
    """Return the menu of the orders of a topic's papers; None for other lists and a single paper."""
    state = listed.state
    if state.kind is not list_state.ListKind.TOPIC or listed.total < 2:
        return None
    options = [
        select_option(texts(f"list-by-{sort.value}"), sort.value, selected=sort is state.topic_sort)
        for sort in Sort
    ]
    return select_menu(texts("list-order"), list_state.pack(state.replace(page=0), SELECT_ORDER), options)


def sorted_by(state: list_state.ListState, sort: Sort) -> list_state.ListState:
    """Return the first page of a topic's list in another order."""
    order = Order.VOTES if sort is Sort.VOTES else Order.NEWEST
    return state.replace(page=0, by_date=sort is Sort.DATE, order=order)


def _period_menu(texts: Texts, state: list_state.ListState) -> ui.Item[Any] | None:
    if state.kind not in FILTERABLE_KINDS:
        return None
    options = [
        select_option(texts(f"period-{period.name.lower()}"), period.value, selected=period is state.period)
        for period in list_state.Period
    ]
    return select_menu(texts("choose-period"), list_state.pack(state.replace(page=0), SELECT_PERIOD), options)


def _follow_and_share_buttons(texts: Texts, listed: PaperList, may_share: bool) -> list[ui.Item[Any]]:
    state = listed.state
    row = []
    row += optional_row(follow_button(texts, state))
    if may_share and listed.rows:
        row.append(button(texts("share"), list_state.pack(state, SHARE)))
    return row


def suggestion_buttons(listed: PaperList) -> list[ui.Item[Any]]:
    """Return at most a row of buttons that open the suggested lists."""
    return [
        button(label, list_state.pack(state)) for label, state in listed.suggestions[: limits.ROW_BUTTONS]
    ]


def follow_button(texts: Texts, state: list_state.ListState) -> ui.Item[Any] | None:
    """Return the button that creates an alert for the topic or author of a list; None for other lists."""
    terms = list_state.alert_terms(state)
    if terms is None:
        return None
    label = texts("follow-author" if terms[0] is models.AlertKind.AUTHOR else "follow-topic")
    return button(label, list_state.pack(state.replace(page=0), FOLLOW), emoji="🔔")
