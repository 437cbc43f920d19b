"""Menus and buttons of papers and lists that several features show, and the plain form of papers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import zip_longest
from types import MappingProxyType
from typing import Any, TypeAlias

import discord
from discord import ui

from bot.archive import schemes
from bot.client import verbs
from bot.client.custom_ids import pack_custom_id
from bot.client.message_builder import (
    button,
    fit_lines,
    link_button,
    plain_payload,
    select_menu,
    select_option,
    tell_left,
)
from bot.i18n.texts import Texts
from bot.papers.list_state import ListKind, ListState, find_alert_term, pack_state
from bot.papers.paper_texts import day_url, event_lines, format_title, format_votes, list_links
from bot.rendering.discord_text import CONTENT, TEXT_BYTES, join_dotted, subtext
from bot.text.parsed_query import ParsedQuery
from storage import models
from storage.papers import PaperEvent

AnyPaper: TypeAlias = models.PaperRow | models.PaperDetail

_MAX_MARKER = 64
"""The most characters of a marker."""

NEW_ALERT = "="
"""Precedes the topic of a new alert in a custom id, because rendering a post stores no draft."""
NO_PAGE = "-"
"""The page in the custom id of a save button outside a card."""


def open_menu(
    placeholder: str,
    papers: Sequence[AnyPaper],
    marker: str | None = None,
    *,
    ranks: Sequence[int] = (),
    several: bool = False,
    verb: str = verbs.OPEN_SELECTED,
) -> ui.Item[Any] | None:
    """Return a menu that opens one of the papers privately, or `several`, or does another `verb`'s with one.

    `ranks` are shown in front of the papers.
    """
    options = _paper_options(papers, ranks)
    most = len(options) if several else 1
    custom_id = pack_custom_id(verb, marker=marker)
    return select_menu(placeholder, custom_id, options, max_values=max(most, 1), min_values=1)


def save_menu(
    texts: Texts, papers: Sequence[AnyPaper], ranks: Sequence[int] = (), *, verb: str = verbs.SAVE_SELECTED
) -> ui.Item[Any] | None:
    """Return a menu that saves selected papers, labelled with `ranks`, or puts them on the server's list (`LIST_SELECTED`).

    None for a single paper.
    """
    options = _paper_options(papers, ranks) if len(papers) > 1 else []
    return select_menu(
        texts("save-selected" if verb == verbs.SAVE_SELECTED else "list-selected"),
        pack_custom_id(verb),
        options,
        max_values=max(len(options), 1),
        min_values=1,
    )


def _paper_options(papers: Sequence[AnyPaper], ranks: Sequence[int]) -> list[discord.SelectOption]:
    return [
        select_option(
            join_dotted(rank, format_title(paper.title, paper.key)),
            models.alias_of(paper.key),
            description=join_dotted(paper.key, format_votes(paper.votes)),
        )
        for paper, rank in zip_longest(papers, map(str, ranks))
    ]


def follow_button(texts: Texts, state: ListState, terms: Iterable[models.AlertTerm]) -> ui.Item[Any] | None:
    """Return a button that creates an alert with these terms for a list's topic or author, or None without terms."""
    kinds = {term.kind for term in terms}
    if not kinds:
        return None
    label = texts(_FOLLOW_LABELS[kinds.pop()] if len(kinds) == 1 else "follow-topic")
    return button(label, pack_state(state.replace(page=0), verbs.FOLLOW), emoji="🔔")


_FOLLOW_LABELS = {
    models.AlertKind.KEYWORD: "follow-topic",
    models.AlertKind.AUTHOR: "follow-author",
    models.AlertKind.INSTITUTION: "follow-institution",
}


def begin_alert_button(texts: Texts, topic: str = "", query: ParsedQuery | None = None) -> ui.Item[Any]:
    """Return a button that opens the form for a new alert, prefilled with a topic, which was parsed as a query."""
    fits = len(topic) <= ListState(ListKind.TOPIC).max_text_length
    term = find_alert_term(query) if query and fits and not query.is_like_list else None
    label, topic = ("post-follow", "") if term is None else (_FOLLOW_LABELS[term.kind], topic)
    return button(texts(label), pack_custom_id(verbs.EDIT_CONDITIONS, NEW_ALERT + topic), emoji="🔔")


def today_button(texts: Texts) -> ui.Item[Any]:
    return button(texts("today-show"), pack_custom_id(verbs.SHOW_TODAY))


def newest_digest_button(texts: Texts) -> ui.Item[Any]:
    return button(texts("newest-digest"), pack_state(ListState(ListKind.DIGEST)))


def save_button(texts: Texts, paper_key: str) -> ui.Item[Any]:
    """Return a button that saves a paper, for a message with several papers."""
    return button(texts("save"), pack_custom_id(verbs.SAVE_PAPER, "1", NO_PAGE, models.alias_of(paper_key)))


def list_button(texts: Texts, paper_key: str, *, is_listed: bool = False) -> ui.Item[Any]:
    """Return a button that puts a paper on the server's list or, if it is on it, says who did."""
    label = texts("list-has" if is_listed else "list-add")
    return button(label, pack_custom_id(verbs.LIST_PAPER, models.alias_of(paper_key)), emoji="📚")


def link_buttons(paper: models.PaperDetail, project_url: str | None) -> list[ui.Item[Any]]:
    """Return link buttons for arXiv, the PDF, Hugging Face, the code with its stars, and the project page."""
    buttons = (link_button(label, url) for label, url in list_links(paper, project_url))
    return [link for link in buttons if link is not None]


# Posts, alerts and notices.


def status_button(texts: Texts, marker: str | None = None) -> ui.Item[Any]:
    return button(texts("see-status"), pack_custom_id(verbs.SHOW_STATUS, marker=marker))


def papers_payload(
    texts: Texts,
    kind: models.DeliveryKind,
    on: date,
    marker: str,
    papers: Iterable[models.PaperDetail | models.PaperRow],
    *,
    position: int = 0,
    mention_role_id: int | None = None,
    events: Mapping[str, Sequence[PaperEvent]] = MappingProxyType({}),
    more: str = "",
) -> dict[str, Any]:
    """Return the plain form of a message about papers: links, numbers and our own words, as Discord may refuse any other.

    Papers without room are counted.

    `on` is the newest day of the papers, `events` what is new about them, by key, `more` the last line.
    """
    heading = texts("plain-heading", kind=kind.value, date=texts.format_date(on))
    mention = "" if mention_role_id is None else f"<@&{mention_role_id}>"
    head = [mention, f"**[{heading}](<{day_url(on, marker, position)}>)**", subtext(texts("plain-note"))]
    lines = []
    for paper in papers:
        news = event_lines(texts, events.get(paper.key, ()), max_length=0)
        votes = "" if paper.votes is None else format_votes(paper.votes)
        lines.append(join_dotted(link_id(paper.key), votes, *news))
    # The delivery's marker, which comes later, may be longer.
    room = CONTENT - _MAX_MARKER - sum(len(line) + 1 for line in (*head, more))
    shown = fit_lines(lines, lambda left: tell_left(texts, left), room, TEXT_BYTES)
    return plain_payload("\n".join(filter(None, (*head, shown, more))), mention_role_id=mention_role_id)


def link_id(paper_key: str) -> str:
    """Return a paper's key as a link."""
    return f"[{schemes.short_name(paper_key)}](<{schemes.page_url(paper_key)}>)"
