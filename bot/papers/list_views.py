"""Views of lists of papers (`/digest`, `/top`, `/topic`, `/author`, `/saved`, similar papers)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from discord import ui

from bot.client import verbs
from bot.client.custom_ids import parse_number
from bot.client.message_builder import MessageBuilder, button, pager, select_menu, select_option
from bot.i18n.texts import Texts
from bot.papers.list_state import ListKind, ListState, Period, pack_state, parse_span
from bot.papers.message_parts import follow_button, newest_digest_button, open_menu, save_menu, today_button
from bot.papers.paper_lists import (
    FILTERABLE_KINDS,
    PaperList,
    empty_heading,
    empty_notes,
    hint_note,
    lacks_note,
)
from bot.papers.paper_texts import (
    EVENT_LENGTHS,
    extent_line,
    fit_event_lines,
    format_authors,
    format_votes,
    language_note,
    mark_matches,
    nearest_days,
    title_link,
    withdrawn_note,
)
from bot.rendering import discord_text
from bot.rendering.discord_text import escape_untrusted, join_dotted, subtext
from bot.search.results import Hint, Sort
from bot.text import query_parser
from bot.text.parsed_query import ParsedQuery
from storage import models

ALL_TAGS = "*"
"""The value for all papers in a menu of tags, whose other values are searches: `#rl`, and `rl` in menus of version 0.1."""
TAKEN_BACK = "-"
"""Prefixes the number of an excluded word, in the menu's value that readmits it."""

_LINE_MARGIN = 24
"""Characters (or bytes) needed for each line of a day's list in addition to the title."""


SORTS = {
    ListKind.TOPIC: (Sort.RELEVANCE, Sort.VOTES, Sort.DATE, Sort.OLDEST),
    ListKind.AUTHOR: (Sort.VOTES, Sort.DATE, Sort.OLDEST),
}
"""The orders that a list offers, default first."""


Rows = Sequence[Sequence[ui.Item[Any] | None]]


def list_view(texts: Texts, listed: PaperList, *, may_share: bool, in_server: bool) -> ui.LayoutView:
    """Return a private list with a pager, Follow and Share buttons, and menus: to open a paper, put some on the server's list
    and refine the list.
    """
    share = button(texts("share"), pack_state(listed.state, verbs.SHARE_LIST)) if may_share else None
    rows: Rows = (
        [save_menu(texts, listed.rows, listed.ranks, verb=verbs.LIST_SELECTED) if in_server else None],
        [_refine_menu(texts, listed)],
        list_pager(texts, listed),
        [follow_button(texts, listed.state, listed.alert_terms), share],
        _suggestion_buttons(listed),
    )
    return draw(texts, replace(listed, notes=(*listed.notes, hint_note(texts, listed))), rows)


def shared_view(texts: Texts, listed: PaperList, *, sharer: str) -> ui.LayoutView:
    """Return a public list. Its controls reply privately to the person who uses them."""
    more = button(
        texts("list-more-privately", count=listed.matching or listed.total),
        pack_state(listed.state.replace(page=0)),
    )
    return draw(texts, listed, [[more]], head=subtext(texts("shared-by", name=sharer)))


def draw(
    texts: Texts, listed: PaperList, rows: Rows, *, head: str = "", marker: str | None = None
) -> ui.LayoutView:
    """Return a list above a menu that opens its papers and rows of controls. The papers share the remaining space equally.

    `marker` is that of a delivery, for the menu's custom id.
    """
    message = MessageBuilder()
    message.add_text(head)
    message.add_text(f"### {listed.heading}")
    message.add_text(listed.leave_out_note)
    # A found paper shows only what it lacks.
    is_search = listed.state.kind in FILTERABLE_KINDS
    is_foreign = not is_search and listed.is_in_other_language(texts.locale)
    language = texts("summary-in-other-language") if is_foreign else ""
    message.add_text("\n".join(subtext(note) for note in (*listed.notes, language) if note))
    opening = open_menu(texts("open-paper"), listed.rows, marker, ranks=listed.ranks)
    message.end_with([[opening], *rows])
    if listed.state.has_titles_only:
        characters, size = (limit // len(listed.rows) - _LINE_MARGIN for limit in message.share(1))
        lines = []
        for rank, row in zip(listed.ranks, listed.rows, strict=True):
            note = withdrawn_note(texts, row)
            length, bytes_left = characters - len(note), size - discord_text.utf8_bytes(note)
            title = title_link(row, max_characters=length, max_bytes=bytes_left)
            lines.append(join_dotted(str(rank), title, note, format_votes(row.votes)))
        message.add_text("\n".join(lines))
        return message.view
    dividers = listed.list_dividers(texts)
    for position, (rank, row) in enumerate(zip(listed.ranks, listed.rows, strict=True)):
        if divider := dividers.get(rank):
            message.add_separator()
            message.add_text(subtext(divider))
        message.add_separator(visible=False)
        share = message.share(len(listed.rows) - position)
        text = _paper_text(texts, rank, row, listed, *share, with_language=not (is_search or is_foreign))
        message.add_text(text)
    return message.view


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
    snippet, facts = listed.snippets.get(row.key), escape_untrusted(listed.credits.get(row.key, ""))
    facts = facts or format_authors(texts, row.authors, truncated=row.authors_truncated)
    if not (isinstance(row, models.SavedPaper) and not row.is_listed):
        facts = join_dotted(format_votes(row.votes), _date_text(texts, row, listed), facts)
    facts = join_dotted(withdrawn_note(texts, row), facts)
    lines = (
        (listed.facts.get(row.key), "")
        if snippet is None
        else (mark_matches(snippet), subtext(language_note(texts, snippet.language)) if with_language else "")
    )
    lacks = subtext(note) if (note := lacks_note(texts, listed, row.key)) else ""
    events = listed.events.get(row.key, ())
    # News gets up to three fifths in its shortest form, and then the room that the paper's own lines leave.
    least = fit_event_lines(texts, events, characters * 3 // 5, size * 3 // 5, EVENT_LENGTHS[-2:])
    room = max(characters - len(least) - 1, characters // 3) if least else characters
    room_size = max(size - discord_text.utf8_bytes(least) - 1, size // 3) if least else size
    title = title_link(
        row,
        max_characters=room - len(facts) - len(lacks) - 17,
        max_bytes=room_size - discord_text.utf8_bytes(facts) - discord_text.utf8_bytes(lacks) - 17,
    )
    text = "\n".join(line for line in (f"**{rank} · {title}**", facts, lacks, *lines) if line)
    text = discord_text.shorten(text, room, max_bytes=room_size)
    if events:
        rest, rest_size = characters - len(text) - 1, size - discord_text.utf8_bytes(text) - 1
        text += f"\n{fit_event_lines(texts, events, rest, rest_size)}"
    return discord_text.shorten(text, characters, max_bytes=size)


def _date_text(texts: Texts, row: models.PaperRow, listed: PaperList) -> str:
    """Return the day of the last digest with a paper; in the list of a day, only another day."""
    on, span = texts.format_date(row.date), listed.state.span
    if listed.state.kind is not ListKind.DIGEST or span is None:
        return on
    return "" if span[1] == row.date else texts("also-listed", date=on)


def list_pager(texts: Texts, listed: PaperList) -> list[ui.Item[Any]]:
    """Return the buttons that turn the pages of a list."""
    state = listed.state
    return pager(texts, state.page, listed.page_count, lambda number: pack_state(state.replace(page=number)))


def _refine_menu(texts: Texts, listed: PaperList) -> ui.Item[Any] | None:
    """Return the menu of periods, orders and what is left out, labelled with what is in use, or that of a digest's other
    days; None if a list has neither.
    """
    state = listed.state
    if state.kind not in FILTERABLE_KINDS:
        days = {day: label for label, day in listed.days}
        selected = state.span[1].isoformat() if state.span else None
        return (
            state_menu(texts("choose-day"), verbs.SELECT_DAY, state, days, selected)
            if len(days) > 1
            else None
        )
    labels = {period.value: texts(period.text_id) for period in Period}
    # The heading of the most upvoted papers says their period.
    in_use = [texts("choose-period") if state.kind is ListKind.TOP else listed.period]
    if listed.total > 1 and (sorts := _list_sorts(state, listed.found.read)):
        labels |= {sort.value: texts(f"list-by-{sort.value}") for sort in sorts}
        in_use.append(labels.pop((state.sort if state.sort in sorts else None) or sorts[0]))
    if listed.period == labels[state.period]:
        del labels[state.period]
    if excluded := listed.found.read.excluded:
        in_use.append(texts("list-without", words=", ".join(excluded)))
        labels |= {
            f"{TAKEN_BACK}{number}": texts("list-take-back", name=word)
            for number, word in enumerate(excluded)
        }
    return state_menu(join_dotted(*in_use), verbs.REFINE_LIST, state, labels)


def _list_sorts(state: ListState, query: ParsedQuery) -> Sequence[Sort]:
    """Return the orders that a list offers, default first, as `list_matches` has it. Without words, none is best."""
    sorts = SORTS.get(state.kind, ())
    if state.kind is not ListKind.TOPIC or query.has_text or query.is_like_list:
        return sorts
    return (Sort.DATE, Sort.VOTES, Sort.OLDEST) if query.institutions else sorts[1:]


def state_menu(
    placeholder: str, verb: str, state: ListState, labels: Mapping[str, str], selected: str | None = None
) -> ui.Item[Any] | None:
    """Return a menu. Selecting a value shows the first page of the list with that value applied."""
    options = [select_option(label, value, selected=value == selected) for value, label in labels.items()]
    return select_menu(placeholder, pack_state(state.replace(page=0), verb), options)


def refine(state: ListState, value: str) -> ListState:
    """Return the state for the first page with a selected order, period, day or tag, or with an excluded word readmitted.

    The text may be new, so it has no token. Raises ValueError.
    """
    first = state.replace(page=0)
    if state.kind is ListKind.SAVED:
        return first.replace(text="" if value == ALL_TAGS else value, token="")
    if value in tuple(Sort):
        return first.replace(sort=Sort(value))
    if value in tuple(Period):
        return first.replace(period=Period(value), span=None)
    if value.startswith(TAKEN_BACK):
        query = query_parser.parse_query(state.text)
        number = parse_number(value.removeprefix(TAKEN_BACK), len(query.excluded) - 1)
        others = (word for place, word in enumerate(query.excluded) if place != number)
        return first.replace(text=query_parser.leave_out(query.wanted, others), token="")
    return first.replace(span=parse_span(value))


def _suggestion_buttons(listed: PaperList) -> list[ui.Item[Any]]:
    shown = listed.suggestions[: discord_text.ROW_BUTTONS]
    return [button(label, pack_state(state)) for label, state in shown]


def empty_view(
    texts: Texts, listed: PaperList, extent: models.ArchiveExtent, wider: PaperList | None
) -> ui.LayoutView:
    """Return the reply for an empty list (except saved papers), suggesting up to five other lists.

    `wider` is the list without its filters; None if that is empty too.
    """
    state = listed.state
    message = MessageBuilder()
    message.add_text(empty_heading(texts, listed))
    message.add_text(listed.leave_out_note)
    notes = (*empty_notes(texts, listed), hint_note(texts, listed))
    message.add_text("\n".join(subtext(note) for note in notes if note))
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


def _navigation_buttons(
    texts: Texts, listed: PaperList, extent: models.ArchiveExtent, wider: PaperList | None
) -> list[ui.Item[Any] | None]:
    state = listed.state
    if Hint.TODAY in listed.found.hints:
        return [today_button(texts), newest_digest_button(texts)]
    buttons: list[ui.Item[Any] | None] = []
    if wider is not None:
        name = texts("without-filters" if state.min_votes else "period-all")
        label = f"{name} · {texts('choice-papers', count=wider.matching)}"
        buttons.append(button(label, pack_state(wider.state)))
    # A name without papers may be misspelt.
    if state.kind is not ListKind.AUTHOR or listed.is_author_known:
        buttons.append(follow_button(texts, state, listed.alert_terms))
    span = state.span if state.kind is ListKind.DIGEST else None
    if span:
        for day in nearest_days([date.fromisoformat(day) for _, day in listed.days], *span):
            label = texts("nearest-digest", date=texts.format_date(day))
            buttons.append(button(label, pack_state(ListState(ListKind.DIGEST, span=(day, day)))))
    if extent.paper_count and not (span and extent.last_on and extent.last_on < span[0]):
        buttons.append(newest_digest_button(texts))
    return buttons
