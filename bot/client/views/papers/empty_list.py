"""The answer for an empty list: the reason, the extent of the archive, and buttons for lists that are not empty."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any, assert_never

from discord import ui

from bot.client.components import message_builder
from bot.client.translations import Texts
from bot.client.views.papers import list_days, list_state, paper_list, paper_text
from storage import models


def empty_view(
    texts: Texts,
    listed: paper_list.PaperList,
    extent: models.ArchiveExtent,
    wider: paper_list.PaperList | None = None,
) -> ui.LayoutView:
    """Return the answer for an empty list other than of saved papers, with up to a row of suggested lists.

    `wider` is the same list without filters, None if that is empty too.
    """
    state = listed.state
    message = message_builder.MessageBuilder()
    unknown_id = texts("no-list-paper", paper=listed.unknown_id) if listed.unknown_id else ""
    message.add_text(unknown_id or _heading(texts, listed))
    message.add_text("\n".join(paper_text.subtext(note) for note in _notes(texts, listed) if note))
    message.add_text(extent_line(texts, extent))
    others = tuple(pair for pair in listed.suggestions if wider is None or pair[1] != wider.state)
    suggested = paper_list.suggestion_buttons(replace(listed, suggestions=others))
    if suggested:
        message.add_text(paper_text.subtext(texts("try-instead")))
    elif state.kind is list_state.ListKind.AUTHOR and not listed.is_author_known and extent.paper_count:
        message.add_text(paper_text.subtext(texts("try-name")))
    message.add_buttons(*suggested)
    message.add_buttons(*_navigation_buttons(texts, listed, extent, wider))
    return message.view


def _notes(texts: Texts, listed: paper_list.PaperList) -> list[str]:
    """Return how the query was read, with its filters, which the reader may have forgotten, and its ignored parts."""
    kind = listed.state.kind
    if kind is list_state.ListKind.AUTHOR:
        return [paper_list.filters_text(texts, listed.state), listed.ignored_note]
    is_read = kind in (list_state.ListKind.TOPIC, list_state.ListKind.TOP)
    return [*(listed.notes if is_read else ()), listed.ignored_note]


def _heading(texts: Texts, listed: paper_list.PaperList) -> str:
    """Return the sentence that there are no papers of the query, the person, the period or the day."""
    state = listed.state
    text = paper_text.escape_untrusted(state.text)
    match state.kind:
        case list_state.ListKind.TOPIC:
            return texts("no-list-topic", topic=text)
        case list_state.ListKind.AUTHOR:
            return texts("no-list-author-papers" if listed.is_author_known else "no-list-author", author=text)
        case list_state.ListKind.TOP:
            period = texts(f"period-{state.period.name.lower()}")
            return (
                texts("no-list-top-topic", topic=text, period=period)
                if text
                else texts("no-list-top", period=period)
            )
        case list_state.ListKind.DIGEST:
            span = list_days.parse_span(state.text)
            return texts("no-list-digest", date=_format_span(texts, *span)) if span else ""
        case list_state.ListKind.SIMILAR:
            return f"### {listed.heading}\n{texts('no-list-similar')}"
        case list_state.ListKind.GUILD_SHELF:
            return texts("no-list-guild-shelf")
        case list_state.ListKind.SAVED:
            return ""
        case _:
            assert_never(state.kind)


def _format_span(texts: Texts, first: date, last: date) -> str:
    return texts.format_date(first) if first == last else texts.format_period(first, last)


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


def _unfiltered_label(texts: Texts, state: list_state.ListState, wider: paper_list.PaperList) -> str:
    """Return the label of the button that removes the filters, with the number of papers that it shows."""
    key = "all-time"
    if state.min_votes:
        key = "any-votes" if state.period is list_state.Period.ALL else "without-filters"
    return f"{texts(key)} · {texts('choice-papers', count=wider.total)}"


def _navigation_buttons(
    texts: Texts,
    listed: paper_list.PaperList,
    extent: models.ArchiveExtent,
    wider: paper_list.PaperList | None,
) -> list[ui.Item[Any]]:
    """Return the buttons to the list without filters, an alert, and the nearest or the newest digest."""
    state = listed.state
    buttons = []
    if wider is not None:
        buttons.append(
            message_builder.button(_unfiltered_label(texts, state, wider), list_state.pack(wider.state))
        )
    follow = paper_list.follow_button(texts, state)
    if follow is not None:
        buttons.append(follow)
    newest = list_state.ListState(list_state.ListKind.DIGEST)
    span = list_days.parse_span(state.text) if state.kind is list_state.ListKind.DIGEST else None
    if span:
        days = [date.fromisoformat(day) for _, day in listed.days]
        buttons += [
            message_builder.button(
                texts("nearest-digest", date=texts.format_date(day)),
                list_state.pack(newest.replace(text=day.isoformat())),
            )
            for day in list_days.nearest_days(days, *span)
        ]
    if extent.paper_count and not (span and extent.last_on and extent.last_on < span[0]):
        buttons.append(message_builder.button(texts("newest-digest"), list_state.pack(newest)))
    return buttons
