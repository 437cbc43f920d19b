"""The list of a reader's saved papers, and one of them with its note and tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from discord import ui

from bot.client.components import custom_ids
from bot.client.components.message_builder import (
    MessageBuilder,
    button,
    link_button,
    optional_row,
    select_menu,
    select_option,
)
from bot.client.translations import Texts
from bot.client.views import daily_post, modals
from bot.client.views.papers import list_state, paper_card, paper_list, paper_text
from bot.digests.elements import arxiv_ids
from bot.rendering.discord_text import limits, split
from bot.rendering.export.references import ReferenceFormat
from bot.services.shelf.shelf import MAX_NOTE_LENGTH, MAX_TAG_LENGTH, MAX_TAGS
from storage import models
from storage.shelf.saved_papers import Order

PICK = "sp"
SELECT_ORDER = "so"
SELECT_TAG = "sg"
OPEN_SEARCH = "sq"
EXPORT = "sx"
OPEN_NOTE = "sn"
OPEN_TAGS = "st"
SUBMIT_SEARCH = "sqm"
SUBMIT_NOTE = "snm"
SUBMIT_TAGS = "stm"
TEXT = "text"
OPEN_IMPORT = "sfi"
SUBMIT_IMPORT = "sfim"
FILE = "file"
SHARE_LIST = "sls"
MAX_SHARED = 15
"""Papers of a shared list."""
REMOVE = "sr"
UNDO = "su"
ALL_TAGS = "*"
"""The value of the menu of tags that shows all papers; a tag's value begins with `#`."""

_MAX_SHOWN_NOTE = 120
_ALL_SAVED = list_state.ListState(list_state.ListKind.SAVED)


def list_view(texts: Texts, listed: paper_list.PaperList, *, may_share: bool = False) -> ui.LayoutView:
    """Return a page of the saved papers, with menus for a paper, the order, a tag and an export."""
    state = listed.state
    message = paper_list.start_message(texts, listed)
    search = button(texts("saved-search"), list_state.pack(state.replace(page=0), OPEN_SEARCH))
    show_all = button(texts("saved-show-all"), list_state.pack(_ALL_SAVED))
    share = button(texts("share"), list_state.pack(state.replace(page=0), SHARE_LIST))
    rows: list[list[ui.Item[Any]]] = [
        optional_row(
            paper_list.open_menu(texts("saved-pick"), listed.rows, custom_id=list_state.pack(state, PICK))
        ),
        optional_row(_order_menu(texts, state)),
        optional_row(_tag_menu(texts, listed)),
        optional_row(_export_menu(texts, state)),
        paper_list.pager(
            state.page,
            listed.page_count,
            lambda number: list_state.pack(state.replace(page=number)),
            f"pr:page:{state.page}",
        ),
        [search, *([show_all] if state.text else []), import_button(texts), *([share] if may_share else [])],
    ]
    paper_list.fill_message(texts, message, listed, rows)
    return message.view


def shared_view(
    texts: Texts, rows: Sequence[models.SavedPaper], total: int, query: str, *, sharer: str
) -> ui.LayoutView:
    """Return saved papers as a public message, without their notes. `query` is what they were found by, `sharer` escaped."""
    message = MessageBuilder()
    found_by = paper_text.escape_untrusted(query, max_length=100)
    message.add_text(paper_text.join_dotted(texts("saved-shared", name=sharer, count=total), found_by))
    lines = [
        paper_text.join_dotted(
            f"- {paper_text.title_link(row.title, row.arxiv_id, row.url, max_characters=200, max_bytes=400)}",
            paper_text.format_votes(row.votes) if row.is_listed else "",
        )
        for row in rows
    ]
    message.add_text("\n".join(lines))
    if total > len(rows):
        message.add_text(paper_text.subtext(texts("saved-shared-more", count=total - len(rows))))
    if menu := paper_list.open_menu(texts("open-paper"), [row for row in rows if row.is_listed]):
        message.add_select(menu)
    return message.view


def import_button(texts: Texts) -> ui.Item[Any]:
    """Return the button that opens the modal for a file to import."""
    return button(texts("saved-import"), custom_ids.pack(OPEN_IMPORT))


def import_modal(texts: Texts) -> modals.StatelessModal:
    """Return the modal that takes a file to import."""
    modal = modals.StatelessModal(texts("saved-import"), custom_ids.pack(SUBMIT_IMPORT))
    modal.add_file(texts("saved-import-file"), FILE, texts("saved-import-file-hint"))
    return modal


def empty_view(texts: Texts, listed: paper_list.PaperList, import_command: str) -> ui.LayoutView:
    """Return the answer for a search or a tag without saved papers; of a reader without any, how to get some."""
    message = MessageBuilder()
    if not listed.state.text:
        newest = list_state.ListState(list_state.ListKind.DIGEST)
        message.add_text(texts("no-list-saved", command=import_command))
        message.add_buttons(import_button(texts), button(texts("newest-digest"), list_state.pack(newest)))
        return message.view
    query = paper_text.escape_untrusted(listed.state.text, max_length=200)
    message.add_text(texts("saved-none-found", query=query))
    message.add_buttons(
        button(texts("saved-search"), list_state.pack(listed.state.replace(page=0), OPEN_SEARCH)),
        button(texts("saved-show-all"), list_state.pack(_ALL_SAVED)),
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


def paper_view(
    texts: Texts, paper: models.SavedPaper, back: list_state.ListState, *, may_share: bool
) -> ui.LayoutView:
    """Return one saved paper with its whole note, its tags and what can be done with it."""
    message = MessageBuilder()
    title = paper_text.title_link(paper.title, paper.arxiv_id, paper.url, max_characters=1200, max_bytes=3000)
    message.add_text(f"### {title}")
    facts = paper_text.join_dotted(
        paper_text.format_votes(paper.votes) if paper.is_listed else "",
        paper.arxiv_id,
        paper_text.format_authors(paper.authors, truncated=paper.authors_truncated),
    )
    message.add_text(facts)
    message.add_text(
        paper_text.subtext(
            paper_text.join_dotted(
                texts("saved-on", date=f"<t:{int(paper.saved_at.timestamp())}:D>"),
                "" if paper.is_listed else texts("saved-unlisted"),
                format_tags(paper.tags),
            )
        )
    )
    if paper.note:
        message.add_text(_quote_note(paper.note))
    arxiv_id = paper.arxiv_id
    share = button(texts("share"), custom_ids.pack(paper_card.SHARE, arxiv_id)) if may_share else None
    message.add_buttons(
        button(texts("read"), custom_ids.pack(daily_post.OPEN_PAPER, arxiv_id)),
        button(texts("saved-edit-note"), custom_ids.pack(OPEN_NOTE, arxiv_id)),
        button(texts("saved-edit-tags"), custom_ids.pack(OPEN_TAGS, arxiv_id)),
        button(texts("saved-remove"), custom_ids.pack(REMOVE, arxiv_id)),
        share if paper.is_listed else None,
    )
    message.add_buttons(
        button(texts("saved-back"), list_state.pack(back)),
        link_button("arXiv", arxiv_ids.abstract_url(arxiv_id)),
    )
    return message.view


def _quote_note(note: str) -> str:
    lines = (paper_text.escape_untrusted(line, max_length=MAX_NOTE_LENGTH) for line in note.splitlines())
    return split.shorten("\n".join(f"> {line}" for line in lines), 2000, max_bytes=4500)


def removed_view(texts: Texts, paper: models.SavedPaper, back: list_state.ListState) -> ui.LayoutView:
    """Return the confirmation of a removal, with a button that takes it back."""
    message = MessageBuilder()
    title = paper_text.format_title(paper.title, paper.arxiv_id)
    message.add_text(texts("saved-removed", title=paper_text.escape_untrusted(title, max_length=200)))
    message.add_buttons(
        button(texts("saved-undo"), custom_ids.pack(UNDO, paper.id, paper.arxiv_id)),
        button(texts("saved-back"), list_state.pack(back)),
    )
    return message.view


def search_modal(texts: Texts, state: list_state.ListState) -> modals.StatelessModal:
    """Return the modal that asks for a search of the saved papers."""
    custom_id = list_state.pack(state.replace(text="", token=""), SUBMIT_SEARCH)
    modal = modals.StatelessModal(texts("saved-search"), custom_id)
    hint = texts("saved-search-hint")
    modal.add_text(texts("saved-search-label"), TEXT, value=state.text, placeholder=hint, max_length=300)
    return modal


def note_modal(texts: Texts, paper: models.SavedPaper) -> modals.StatelessModal:
    """Return the modal that changes the note of a saved paper."""
    modal = modals.StatelessModal(texts("saved-edit-note"), custom_ids.pack(SUBMIT_NOTE, paper.arxiv_id))
    modal.add_text(
        texts("saved-note-label"),
        TEXT,
        value=paper.note,
        max_length=MAX_NOTE_LENGTH,
        required=False,
        multiline=True,
    )
    return modal


def tags_modal(texts: Texts, paper: models.SavedPaper) -> modals.StatelessModal:
    """Return the modal that changes the tags of a saved paper."""
    modal = modals.StatelessModal(texts("saved-edit-tags"), custom_ids.pack(SUBMIT_TAGS, paper.arxiv_id))
    modal.add_text(
        texts("saved-tags-label", count=MAX_TAGS),
        TEXT,
        value=", ".join(paper.tags),
        placeholder=texts("saved-tags-hint"),
        max_length=MAX_TAGS * (MAX_TAG_LENGTH + 2),
        required=False,
    )
    return modal


def export_view(texts: Texts, form: ReferenceFormat, count: int, filename: str) -> ui.LayoutView:
    """Return the message of an exported file, which is sent with it."""
    message = MessageBuilder()
    message.add_text(texts("saved-exported", count=count, format=FORMAT_NAMES[form]))
    message.add_file(filename)
    return message.view


def import_view(texts: Texts, counts: Mapping[str, int], problems: Sequence[str]) -> ui.LayoutView:
    """Return what an import took and what it did not, by the counts of `ReferenceImporter`."""
    message = MessageBuilder()
    message.add_text(texts("saved-imported", count=counts["saved"]))
    lines = [texts(f"saved-import-{key}", count=counts[key]) for key in _IMPORT_KEYS if counts.get(key)]
    if problems:
        lines.append(
            texts("saved-import-places", places=", ".join(map(paper_text.escape_untrusted, problems)))
        )
    message.add_text("\n".join(f"- {line}" for line in lines))
    message.add_buttons(
        button(texts("saved-show-all"), list_state.pack(_ALL_SAVED)) if counts["saved"] else None
    )
    return message.view


_IMPORT_KEYS = ("unlisted", "known", "without_id", "left_out", "full")
FORMAT_NAMES = {
    ReferenceFormat.BIBTEX: "BibTeX",
    ReferenceFormat.RIS: "RIS",
    ReferenceFormat.CSL: "CSL JSON",
    ReferenceFormat.MARKDOWN: "Markdown",
    ReferenceFormat.CSV: "CSV",
}


def _order_menu(texts: Texts, state: list_state.ListState) -> ui.Item[Any] | None:
    options = [
        select_option(texts(f"saved-order-{order.value}"), order.value, selected=order is state.order)
        for order in Order
    ]
    return select_menu(texts("saved-order"), list_state.pack(state.replace(page=0), SELECT_ORDER), options)


def _tag_menu(texts: Texts, listed: paper_list.PaperList) -> ui.Item[Any] | None:
    """Return the menu of the reader's most used tags, which are the suggestions of the list; None without tags."""
    if not listed.suggestions:
        return None
    state = listed.state
    options = [select_option(texts("saved-all-tags"), ALL_TAGS, selected=not state.text)]
    for label, tagged in listed.suggestions[: limits.SELECT_OPTIONS - 1]:
        options.append(select_option(label, tagged.text, selected=tagged.text == state.text))
    menu_id = list_state.pack(state.replace(page=0, text="", token=""), SELECT_TAG)
    return select_menu(texts("saved-tags"), menu_id, options)


def _export_menu(texts: Texts, state: list_state.ListState) -> ui.Item[Any] | None:
    options = [select_option(name, form.value) for form, name in FORMAT_NAMES.items()]
    return select_menu(texts("saved-export"), list_state.pack(state, EXPORT), options)
