"""The answer when a list is empty: never a dead end, but what the archive holds and what would not be empty."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from discord import ui

from bot.client.components import message_builder
from bot.client.translations import Texts
from bot.client.views import list_state, paper_list, paper_text
from storage import models


def empty_view(texts: Texts, listed: paper_list.PaperList, extent: models.ArchiveExtent) -> ui.LayoutView:
    """Return the answer to a question that finds nothing, with up to five buttons that find something."""
    state = listed.state
    message = message_builder.MessageBuilder()
    message.add_text(_heading(texts, state, is_known=listed.is_author_known))
    message.add_text("\n".join(paper_text.subtext(note) for note in _notes(texts, listed) if note))
    message.add_text(extent_line(texts, extent))
    suggested = paper_list.suggestion_buttons(listed)
    if suggested:
        message.add_text(paper_text.subtext(texts("try-instead")))
    elif state.kind is not list_state.ListKind.SAVED and extent.paper_count:
        message.add_text(paper_text.subtext(texts("try-name" if _is_unknown_author(listed) else "try-wider")))
    message.add_buttons(*suggested)
    message.add_buttons(*_navigation_buttons(texts, state, extent))
    return message.view


def _is_unknown_author(listed: paper_list.PaperList) -> bool:
    return listed.state.kind is list_state.ListKind.AUTHOR and not listed.is_author_known


def _notes(texts: Texts, listed: paper_list.PaperList) -> list[str]:
    """Say what narrowed the list: a reader may have forgotten a period chosen before."""
    is_narrowed = listed.state.kind in paper_list.FILTERABLE_KINDS
    return [paper_list.filters_text(texts, listed.state) if is_narrowed else "", listed.ignored_note]


def _heading(texts: Texts, state: list_state.ListState, *, is_known: bool) -> str:
    shown = paper_text.escape_untrusted(state.text)
    match state.kind:
        case list_state.ListKind.TOPIC:
            return texts("no-list-topic", topic=shown)
        case list_state.ListKind.AUTHOR:
            return texts("no-list-author-papers" if is_known else "no-list-author", author=shown)
        case list_state.ListKind.TOP:
            return texts("no-list-top")
        case list_state.ListKind.DIGEST:
            return (
                texts("no-list-digest", date=texts.format_date(date.fromisoformat(state.text)))
                if state.text
                else ""
            )
        case list_state.ListKind.SIMILAR:
            return texts("no-list-similar")
        case list_state.ListKind.SAVED:
            return texts("no-list-saved")


def extent_line(texts: Texts, extent: models.ArchiveExtent) -> str:
    """Return what the archive holds, in a sentence."""
    if not extent.paper_count or extent.first_on is None or extent.last_on is None:
        return texts("archive-empty")
    return texts(
        "archive-extent",
        count=extent.paper_count,
        first=extent.first_on.isoformat(),
        last=extent.last_on.isoformat(),
    )


def _unfiltered_label(texts: Texts, state: list_state.ListState) -> str:
    """Name what a list without its filters lets go."""
    if not state.min_votes:
        return texts("all-time")
    return texts("any-votes" if state.period is list_state.Period.ALL else "without-filters")


def _navigation_buttons(
    texts: Texts, state: list_state.ListState, extent: models.ArchiveExtent
) -> list[ui.Item[Any]]:
    ways = []
    narrowed = state.period is not list_state.Period.ALL or state.min_votes
    if state.kind in paper_list.FILTERABLE_KINDS and narrowed:
        wider = state.replace(period=list_state.Period.ALL, min_votes=0, page=0)
        ways.append(message_builder.button(_unfiltered_label(texts, state), list_state.pack(wider)))
    follow = paper_list.follow_button(texts, state)
    if follow is not None:
        ways.append(follow)
    if state.kind is list_state.ListKind.DIGEST and state.text and extent.first_on and extent.last_on:
        wanted = date.fromisoformat(state.text)
        nearest = min(max(wanted + timedelta(days=1), extent.first_on), extent.last_on)
        if wanted < extent.first_on:
            day = state.replace(text=nearest.isoformat(), page=0)
            ways.append(
                message_builder.button(
                    texts("nearest-digest", date=nearest.isoformat()), list_state.pack(day)
                )
            )
    if extent.paper_count:
        newest = list_state.ListState(list_state.ListKind.DIGEST)
        ways.append(message_builder.button(texts("newest-digest"), list_state.pack(newest)))
    return ways
