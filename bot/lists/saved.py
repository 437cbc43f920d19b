from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from discord import ui

from bot.archive.exports import ReferenceFormat
from bot.client import custom_ids, paper_text
from bot.client.message_builder import MessageBuilder, button, optional_row, select_menu, select_option
from bot.client.translations import Texts
from bot.lists import messages as lists_messages
from bot.rendering import discord_text
from storage import models
from storage.shelf import Order

PICK = "sp"


SELECT_ORDER = "so"


SELECT_TAG = "sg"


OPEN_SEARCH = "sq"


EXPORT = "sx"


OPEN_IMPORT = "sfi"


SHARE_LIST = "sls"


ALL_TAGS = "*"
"""The value of the menu of tags that shows all papers; a tag's value begins with `#`."""


_MAX_SHOWN_NOTE = 120


_ALL_SAVED = lists_messages.ListState(lists_messages.ListKind.SAVED)


def list_view(texts: Texts, listed: lists_messages.PaperList, *, may_share: bool = False) -> ui.LayoutView:
    """Return a page of the saved papers, with menus for a paper, the order, a tag and an export."""
    state = listed.state
    message = lists_messages.start_message(texts, listed)
    search = button(texts("saved-search"), lists_messages.pack_state(state.replace(page=0), OPEN_SEARCH))
    show_all = button(texts("saved-show-all"), lists_messages.pack_state(_ALL_SAVED))
    share = button(texts("share"), lists_messages.pack_state(state.replace(page=0), SHARE_LIST))
    rows: list[list[ui.Item[Any]]] = [
        optional_row(
            lists_messages.open_menu(
                texts("saved-pick"), listed.rows, custom_id=lists_messages.pack_state(state, PICK)
            )
        ),
        optional_row(_order_menu(texts, state)),
        optional_row(_tag_menu(texts, listed)),
        optional_row(_export_menu(texts, state)),
        lists_messages.pager(
            state.page,
            listed.page_count,
            lambda number: lists_messages.pack_state(state.replace(page=number)),
            f"pr:page:{state.page}",
        ),
        [search, *([show_all] if state.text else []), import_button(texts), *([share] if may_share else [])],
    ]
    lists_messages.fill_message(texts, message, listed, rows)
    return message.view


def import_button(texts: Texts) -> ui.Item[Any]:
    """Return the button that opens the modal for a file to import."""
    return button(texts("saved-import"), custom_ids.pack(OPEN_IMPORT))


def empty_view(texts: Texts, listed: lists_messages.PaperList, import_command: str) -> ui.LayoutView:
    """Return the answer for a search or a tag without saved papers; of a reader without any, how to get some."""
    message = MessageBuilder()
    if not listed.state.text:
        newest = lists_messages.ListState(lists_messages.ListKind.DIGEST)
        message.add_text(texts("no-list-saved", command=import_command))
        message.add_buttons(
            import_button(texts), button(texts("newest-digest"), lists_messages.pack_state(newest))
        )
        return message.view
    query = paper_text.escape_untrusted(listed.state.text, max_length=200)
    message.add_text(texts("saved-none-found", query=query))
    message.add_buttons(
        button(texts("saved-search"), lists_messages.pack_state(listed.state.replace(page=0), OPEN_SEARCH)),
        button(texts("saved-show-all"), lists_messages.pack_state(_ALL_SAVED)),
    )
    return message.view


def format_facts(texts: Texts, paper: models.SavedPaper) -> str:
    """Return the small print below a saved paper in a list: when it was saved, its tags and its note."""
    saved = texts("saved-on", date=f"<t:{int(paper.saved_at.timestamp())}:d>")
    unlisted = "" if paper.is_listed else texts("saved-unlisted")
    lines = [paper_text.join_dotted(saved, unlisted, format_tags(paper.tags))]
    if paper.note:
        note = paper_text.escape_untrusted(paper.note, max_length=_MAX_SHOWN_NOTE)
        lines.append(texts("saved-note", note=note))
    return "\n".join(map(paper_text.subtext, lines))


def format_counts(texts: Texts, savers: int, sharers: int) -> str:
    """Return how many members saved and how many shared a paper, as small print."""
    saved = texts("guild-shelf-saved", count=savers) if savers else ""
    shared = texts("guild-shelf-shared", count=sharers) if sharers else ""
    return paper_text.subtext(paper_text.join_dotted(saved, shared))


def format_tags(tags: Sequence[str]) -> str:
    """Return tags as `#rl #to-read`, escaped."""
    return " ".join(f"#{paper_text.escape_untrusted(tag)}" for tag in tags)


FORMAT_NAMES = {
    ReferenceFormat.BIBTEX: "BibTeX",
    ReferenceFormat.RIS: "RIS",
    ReferenceFormat.CSL: "CSL JSON",
    ReferenceFormat.MARKDOWN: "Markdown",
    ReferenceFormat.CSV: "CSV",
}


def _order_menu(texts: Texts, state: lists_messages.ListState) -> ui.Item[Any] | None:
    options = [
        select_option(texts(f"saved-order-{order.value}"), order.value, selected=order is state.order)
        for order in Order
    ]
    return select_menu(
        texts("saved-order"), lists_messages.pack_state(state.replace(page=0), SELECT_ORDER), options
    )


def _tag_menu(texts: Texts, listed: lists_messages.PaperList) -> ui.Item[Any] | None:
    """Return the menu of the reader's most used tags, which are the suggestions of the list; None without tags."""
    if not listed.suggestions:
        return None
    state = listed.state
    options = [select_option(texts("saved-all-tags"), ALL_TAGS, selected=not state.text)]
    for label, tagged in listed.suggestions[: discord_text.SELECT_OPTIONS - 1]:
        options.append(select_option(label, tagged.text, selected=tagged.text == state.text))
    menu_id = lists_messages.pack_state(state.replace(page=0, text="", token=""), SELECT_TAG)
    return select_menu(texts("saved-tags"), menu_id, options)


def _export_menu(texts: Texts, state: lists_messages.ListState) -> ui.Item[Any] | None:
    options = [select_option(name, form.value) for form, name in FORMAT_NAMES.items()]
    return select_menu(texts("saved-export"), lists_messages.pack_state(state, EXPORT), options)
