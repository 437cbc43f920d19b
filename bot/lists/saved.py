"""The list of a reader's saved papers, and the small print of saved and shared papers in lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from discord import ui

from bot.archive.exports import ReferenceFormat
from bot.client.message_builder import MessageBuilder, button, pack_custom_id, select_menu, select_option
from bot.client.messages import escape_untrusted, join_dotted, subtext
from bot.client.translations import Texts
from bot.lists import messages as lists_messages
from bot.lists.messages import ListKind, ListState, PaperList, pack_state
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
FORMAT_NAMES = {
    ReferenceFormat.BIBTEX: "BibTeX",
    ReferenceFormat.RIS: "RIS",
    ReferenceFormat.CSL: "CSL JSON",
    ReferenceFormat.MARKDOWN: "Markdown",
    ReferenceFormat.CSV: "CSV",
}
_MAX_SHOWN_NOTE = 120


def list_view(texts: Texts, listed: PaperList, *, may_share: bool = False) -> ui.LayoutView:
    """Return a page of the saved papers, with menus for a paper, the order, a tag and an export."""
    state = listed.state
    share = button(texts("share"), pack_state(state.replace(page=0), SHARE_LIST)) if may_share else None
    show_all = show_all_button(texts) if state.text else None
    menu = lists_messages.open_menu(texts("saved-pick"), listed.rows, custom_id=pack_state(state, PICK))
    rows: lists_messages.Rows = (
        [menu],
        [_order_menu(texts, state)],
        [_tag_menu(texts, listed)],
        [_export_menu(texts, state)],
        lists_messages.list_pager(listed),
        [_search_button(texts, state), show_all, import_button(texts), share],
    )
    return lists_messages.view_with_rows(texts, listed, rows)


def import_button(texts: Texts) -> ui.Item[Any]:
    """Return the button that opens the modal for a file to import."""
    return button(texts("saved-import"), pack_custom_id(OPEN_IMPORT))


def empty_view(texts: Texts, listed: PaperList, import_command: str) -> ui.LayoutView:
    """Return the answer for a search or a tag without saved papers; of a reader without any, how to get some."""
    message = MessageBuilder()
    if not listed.state.text:
        message.add_text(texts("no-list-saved", command=import_command))
        message.add_buttons(import_button(texts), lists_messages.newest_digest_button(texts))
        return message.view
    query = escape_untrusted(listed.state.text, max_length=200)
    message.add_text(texts("saved-none-found", query=query))
    message.add_buttons(_search_button(texts, listed.state), show_all_button(texts))
    return message.view


def _search_button(texts: Texts, state: ListState) -> ui.Item[Any]:
    return button(texts("saved-search"), pack_state(state.replace(page=0), OPEN_SEARCH))


def show_all_button(texts: Texts) -> ui.Item[Any]:
    """Return the button that shows all saved papers."""
    return button(texts("saved-show-all"), pack_state(ListState(ListKind.SAVED)))


def format_facts(texts: Texts, paper: models.SavedPaper) -> str:
    """Return the small print below a saved paper in a list: when it was saved, its tags and its note."""
    saved = texts("saved-on", date=f"<t:{int(paper.saved_at.timestamp())}:D>")
    unlisted = "" if paper.is_listed else texts("saved-unlisted")
    lines = [join_dotted(saved, unlisted, format_tags(paper.tags))]
    if paper.note:
        note = escape_untrusted(paper.note, max_length=_MAX_SHOWN_NOTE)
        lines.append(texts("saved-note", note=note))
    return "\n".join(map(subtext, lines))


def format_counts(texts: Texts, savers: int, sharers: int) -> str:
    """Return how many members saved and how many shared a paper, as small print."""
    saved = texts("server-picks-saved", count=savers) if savers else ""
    shared = texts("server-picks-shared", count=sharers) if sharers else ""
    return subtext(join_dotted(saved, shared))


def format_tags(tags: Sequence[str]) -> str:
    """Return tags as `#rl #to-read`, escaped."""
    return " ".join(f"#{escape_untrusted(tag)}" for tag in tags)


def _order_menu(texts: Texts, state: ListState) -> ui.Item[Any] | None:
    options = [
        select_option(texts(f"saved-order-{order.value}"), order.value, selected=order is state.order)
        for order in Order
    ]
    return select_menu(texts("saved-order"), pack_state(state.replace(page=0), SELECT_ORDER), options)


def _tag_menu(texts: Texts, listed: PaperList) -> ui.Item[Any] | None:
    """Return the menu of the reader's most used tags, which are the suggestions of the list; None without tags."""
    if not listed.suggestions:
        return None
    state = listed.state
    options = [select_option(texts("saved-all-tags"), ALL_TAGS, selected=not state.text)]
    for label, tagged in listed.suggestions[: discord_text.SELECT_OPTIONS - 1]:
        options.append(select_option(label, tagged.text, selected=tagged.text == state.text))
    menu_id = pack_state(state.replace(page=0, text="", token=""), SELECT_TAG)
    return select_menu(texts("saved-tags"), menu_id, options)


def _export_menu(texts: Texts, state: ListState) -> ui.Item[Any] | None:
    options = [select_option(name, form.value) for form, name in FORMAT_NAMES.items()]
    return select_menu(texts("saved-export"), pack_state(state, EXPORT), options)
