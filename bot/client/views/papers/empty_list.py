"""The answer for an empty list: the reason, the extent of the archive, and buttons for lists that are not empty."""

from __future__ import annotations

from datetime import date
from typing import Any, assert_never

from discord import ui

from bot.client.components import message_builder
from bot.client.translations import Texts
from bot.client.views.papers import list_state, paper_list, paper_text
from storage import models


def empty_view(texts: Texts, listed: paper_list.PaperList, extent: models.ArchiveExtent) -> ui.LayoutView:
    """Return the answer for an empty list, with up to a row of suggested lists."""
    state = listed.state
    message = message_builder.MessageBuilder()
    unknown_id = texts("no-list-paper", paper=listed.unknown_id) if listed.unknown_id else ""
    message.add_text(unknown_id or _heading(texts, state, is_known=listed.is_author_known))
    message.add_text("\n".join(paper_text.subtext(note) for note in _notes(texts, listed) if note))
    message.add_text(extent_line(texts, extent))
    suggested = paper_list.suggestion_buttons(listed)
    if suggested:
        message.add_text(paper_text.subtext(texts("try-instead")))
    elif state.kind is not list_state.ListKind.SAVED and extent.paper_count:
        is_unknown = state.kind is list_state.ListKind.AUTHOR and not listed.is_author_known
        message.add_text(paper_text.subtext(texts("try-name" if is_unknown else "try-wider")))
    message.add_buttons(*suggested)
    message.add_buttons(*_navigation_buttons(texts, state, extent))
    return message.view


def _notes(texts: Texts, listed: paper_list.PaperList) -> list[str]:
    """Return the filters of the list, which the reader may have forgotten, and the ignored parts of the query."""
    is_narrowed = listed.state.kind in paper_list.FILTERABLE_KINDS
    return [paper_list.filters_text(texts, listed.state) if is_narrowed else "", listed.ignored_note]


def _heading(texts: Texts, state: list_state.ListState, *, is_known: bool) -> str:
    text = paper_text.escape_untrusted(state.text)
    match state.kind:
        case list_state.ListKind.TOPIC:
            return texts("no-list-topic", topic=text)
        case list_state.ListKind.AUTHOR:
            return texts("no-list-author-papers" if is_known else "no-list-author", author=text)
        case list_state.ListKind.TOP:
            return texts("no-list-top")
        case list_state.ListKind.DIGEST:
            day = texts.format_date(date.fromisoformat(state.text)) if state.text else ""
            return texts("no-list-digest", date=day) if day else ""
        case list_state.ListKind.SIMILAR:
            return texts("no-list-similar")
        case list_state.ListKind.SAVED:
            return texts("no-list-saved")
        case list_state.ListKind.GUILD_SHELF:
            return texts("no-list-guild-shelf")
        case _:
            assert_never(state.kind)


def extent_line(texts: Texts, extent: models.ArchiveExtent) -> str:
    """Return the number of papers and the dates of the archive."""
    if not extent.paper_count or extent.first_on is None or extent.last_on is None:
        return texts("archive-empty")
    return texts(
        "archive-extent",
        count=extent.paper_count,
        first=extent.first_on.isoformat(),
        last=extent.last_on.isoformat(),
    )


def _unfiltered_label(texts: Texts, state: list_state.ListState) -> str:
    """Return the label of the button that removes the filters."""
    if not state.min_votes:
        return texts("all-time")
    return texts("any-votes" if state.period is list_state.Period.ALL else "without-filters")


def _navigation_buttons(
    texts: Texts, state: list_state.ListState, extent: models.ArchiveExtent
) -> list[ui.Item[Any]]:
    buttons = []
    is_filtered = state.period is not list_state.Period.ALL or state.min_votes
    if state.kind in paper_list.FILTERABLE_KINDS and is_filtered:
        wider = state.replace(period=list_state.Period.ALL, min_votes=0, page=0)
        buttons.append(message_builder.button(_unfiltered_label(texts, state), list_state.pack(wider)))
    follow = paper_list.follow_button(texts, state)
    if follow is not None:
        buttons.append(follow)
    is_digest = state.kind is list_state.ListKind.DIGEST and state.text
    if is_digest and extent.first_on and date.fromisoformat(state.text) < extent.first_on:
        first = extent.first_on.isoformat()
        first_id = list_state.pack(state.replace(text=first, page=0))
        buttons.append(message_builder.button(texts("nearest-digest", date=first), first_id))
    if extent.paper_count:
        newest = list_state.ListState(list_state.ListKind.DIGEST)
        buttons.append(message_builder.button(texts("newest-digest"), list_state.pack(newest)))
    return buttons
