"""The one shape of every list of papers (/digest, /top, /topic, /author, /saved, similar ones), five a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from discord import ui

from bot.client.components import message_builder
from bot.client.translations import Texts
from bot.client.views import list_state
from bot.client.views import paper_text as phrases
from bot.rendering.discord_text import limits, split
from storage import models

OPEN_SELECTED = "open"
SHARE = "ls"
SELECT_PERIOD = "lp"
FOLLOW = "lf"
FILTERABLE_KINDS = frozenset({list_state.ListKind.TOP, list_state.ListKind.TOPIC, list_state.ListKind.AUTHOR})


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Another list that would not be empty, as a button."""

    label: str
    state: list_state.ListState


@dataclass(frozen=True, slots=True)
class PaperList:
    """One page of a list. `heading` and `notes` are Markdown; `lines` has a line of text for some of the arXiv ids."""

    state: list_state.ListState
    heading: str
    rows: tuple[models.PaperRow, ...]
    total: int
    notes: tuple[str, ...] = ()
    snippets: Mapping[str, str] = field(default_factory=dict)
    suggestions: tuple[Suggestion, ...] = ()
    ignored_note: str = ""
    """What of the query could not be used, as a sentence; Markdown."""
    is_expanded: bool = False
    """Whether other words were searched for as well, so that "only as typed" makes sense."""
    is_author_known: bool = False
    """Whether the author is known, also when none of their papers passes the filters."""

    @property
    def page_count(self) -> int:
        """How many pages there are, at least 1."""
        return max(1, -(-self.total // list_state.PAGE_SIZE))


def list_view(words: Texts, listed: PaperList, *, may_share: bool) -> ui.LayoutView:
    """Return the list for whoever asked: papers, a menu to open one, pages, period, follow and share."""
    message = _start_message(words, listed)
    rows: list[list[ui.Item[Any]]] = [
        _optional_row(open_menu(words, listed.rows)),
        _optional_row(_period_menu(words, listed.state)),
        _pager(words, listed),
        _toggle_buttons(words, listed) + _follow_and_share_buttons(words, listed, may_share),
        [_suggestion_button(suggestion) for suggestion in listed.suggestions[: limits.ROW_BUTTONS]],
    ]
    _fill_message(message, listed, rows)
    return message.view


def shared_view(words: Texts, listed: PaperList, *, sharer: str) -> ui.LayoutView:
    """Return the list for a channel: whoever opens a paper or asks for more is answered privately."""
    message = _start_message(words, listed)
    more = message_builder.button(
        words("list-more-privately", count=listed.total), list_state.pack(listed.state.replace(page=0))
    )
    rows = [_optional_row(open_menu(words, listed.rows)), [more]]
    _fill_message(message, listed, rows, foot=phrases.subtext(words("shared-by", name=sharer)))
    return message.view


def open_menu(
    words: Texts, rows: Sequence[models.PaperRow], custom_id: str = f"pr:{OPEN_SELECTED}", first: int = 0
) -> ui.Item[Any] | None:
    """Return the menu that opens one of these papers privately."""
    options = [
        message_builder.select_option(
            phrases.format_title(row.title, row.arxiv_id),
            row.arxiv_id,
            description=phrases.join_dotted(row.arxiv_id, phrases.format_votes(row.votes)),
        )
        for row in rows
    ]
    return message_builder.select_menu(words("open-paper"), custom_id, options)


def _start_message(words: Texts, listed: PaperList) -> message_builder.MessageBuilder:
    message = message_builder.MessageBuilder()
    message.add_text(f"### {listed.heading}")
    message.add_text(
        "\n".join(phrases.subtext(note) for note in (*listed.notes, listed.ignored_note) if note)
    )
    return message


def _fill_message(
    message: message_builder.MessageBuilder,
    listed: PaperList,
    rows: Sequence[Sequence[ui.Item[Any]]],
    foot: str = "",
) -> None:
    """Fill in the papers with what the rows and the foot leave free, then add those."""
    present = [row for row in rows if row]
    message.reserve(sum(1 + len(row) for row in present) + bool(foot), (foot,) if foot else ())
    first = listed.state.page * list_state.PAGE_SIZE
    for position, row in enumerate(listed.rows):
        message.add_spacing()
        share = _paper_budget(message.budget, len(listed.rows) - position)
        message.add_text(_paper_text(first + position + 1, row, listed.snippets.get(row.arxiv_id), *share))
    for items in present:
        message.add_reserved_row(*items)
    if foot:
        message.add_reserved_text(foot)


def _paper_budget(budget: limits.Budget, left: int) -> tuple[int, int]:
    """Return the code points and bytes that one of the papers still to come may use."""
    return budget.characters // left, budget.text_bytes // left - limits.TEXT_BYTES_OVERHEAD


def _paper_text(rank: int, row: models.PaperRow, line: str | None, characters: int, size: int) -> str:
    facts = phrases.join_dotted(phrases.format_votes(row.votes), row.date.isoformat())
    room = characters - len(facts) - 16, size - limits.utf8_bytes(facts) - 16
    title = phrases.title_link(row.title, row.arxiv_id, row.url, max_characters=room[0], max_bytes=room[1])
    head = f"**{rank} · {title}**\n{facts}"
    text = f"{head}\n{line}" if line else phrases.join_dotted(head, phrases.format_authors(row.authors))
    return split.shorten(text, characters, max_bytes=size)


def filters_text(words: Texts, state: list_state.ListState) -> str:
    """Return what narrows a list beside its query: a period, a minimum of votes, or "" for nothing."""
    all_time = state.period is list_state.Period.ALL
    period = "" if all_time else words(f"period-{state.period.name.lower()}")
    votes = words("order-votes", votes=state.min_votes) if state.min_votes else ""
    return phrases.join_dotted(period, votes)


def _optional_row(item: ui.Item[Any] | None) -> list[ui.Item[Any]]:
    return [] if item is None else [item]


def _pager(words: Texts, listed: PaperList) -> list[ui.Item[Any]]:
    if listed.page_count == 1:
        return []
    page = listed.state.page
    return pager(
        page,
        listed.page_count,
        lambda wanted: list_state.pack(listed.state.replace(page=wanted)),
        f"pr:page:{page}",
    )


def pager(page: int, pages: int, custom_id: Any, indicator: str) -> list[ui.Item[Any]]:
    """Return ◀ 1/3 ▶; `custom_id` gives the id for a page counted from 0, `indicator` is the id of the middle one."""
    return [
        message_builder.button(
            "◀", custom_id(max(page - 1, 0)) if page else f"{indicator}:first", disabled=page == 0
        ),
        message_builder.button(f"{page + 1}/{pages}", indicator, disabled=True),
        message_builder.button(
            "▶",
            custom_id(page + 1) if page + 1 < pages else f"{indicator}:last",
            disabled=page + 1 >= pages,
        ),
    ]


def _toggle_buttons(words: Texts, listed: PaperList) -> list[ui.Item[Any]]:
    state = listed.state.replace(page=0)
    if state.kind is list_state.ListKind.TOPIC and (listed.is_expanded or state.literal):
        label = words("list-with-forms") if state.literal else words("list-literally")
        return [message_builder.button(label, list_state.pack(state.replace(literal=not state.literal)))]
    if state.kind is list_state.ListKind.AUTHOR and listed.total > 1:
        label = words("list-by-votes") if state.by_date else words("list-by-date")
        return [message_builder.button(label, list_state.pack(state.replace(by_date=not state.by_date)))]
    return []


def _period_menu(words: Texts, state: list_state.ListState) -> ui.Item[Any] | None:
    if state.kind not in FILTERABLE_KINDS:
        return None
    options = [
        message_builder.select_option(
            words(f"period-{period.name.lower()}"), period.value, selected=period is state.period
        )
        for period in list_state.Period
    ]
    return message_builder.select_menu(
        words("choose-period"), list_state.pack(state.replace(page=0), SELECT_PERIOD), options
    )


def _follow_and_share_buttons(words: Texts, listed: PaperList, may_share: bool) -> list[ui.Item[Any]]:
    state = listed.state
    row = []
    row += _optional_row(follow_button(words, state))
    if may_share and listed.rows and state.kind is not list_state.ListKind.SAVED:
        row.append(message_builder.button(words("share"), list_state.pack(state, SHARE)))
    return row


def follow_button(words: Texts, state: list_state.ListState) -> ui.Item[Any] | None:
    """Return the button that makes an alert of a list's topic or author; None where there is nothing to follow."""
    watched = list_state.follow_target(state)
    if watched is None:
        return None
    label = words("follow-author" if watched.is_author else "follow-topic")
    return message_builder.button(label, list_state.pack(state.replace(page=0), FOLLOW), emoji="🔔")


def _suggestion_button(suggestion: Suggestion) -> ui.Item[Any]:
    return message_builder.button(suggestion.label, list_state.pack(suggestion.state))
