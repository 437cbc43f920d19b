"""Forms for saved papers, and replies to an import or export."""

from __future__ import annotations

from discord import ui

from bot.archive.exports import ReferenceFormat
from bot.client import list_state, message_builder, paper_texts
from bot.client.custom_ids import pack_custom_id
from bot.client.message_builder import MessageBuilder
from bot.client.texts import Texts
from bot.lists.messages import FORMAT_NAMES, show_all_button
from bot.shelf import service as shelf_service
from bot.shelf.notes import MAX_NOTE_LENGTH, MAX_TAG_LENGTH, MAX_TAGS
from storage import models

SUBMIT_EDIT = "snm"
NOTE, TAGS = "note", "tags"
"""The fields of the edit form."""
SUBMIT_SEARCH = "sqm"
TEXT = "text"
SUBMIT_IMPORT = "sfim"
FILE = "file"
MAX_SEARCH_LENGTH = 300
MAX_SKIPPED = 15
"""How many references that an import skipped are named."""


def import_modal(texts: Texts) -> message_builder.StatelessModal:
    """Return the form that uploads a file to import."""
    modal = message_builder.StatelessModal(texts("saved-import"), pack_custom_id(SUBMIT_IMPORT))
    modal.add_file(texts("saved-import-file"), FILE, texts("saved-import-file-hint"))
    return modal


def search_modal(texts: Texts, state: list_state.ListState) -> message_builder.StatelessModal:
    """Return the form that searches the saved papers."""
    custom_id = list_state.pack_state(state.replace(text="", token=""), SUBMIT_SEARCH)
    modal = message_builder.StatelessModal(texts("saved-search"), custom_id)
    hint = texts("saved-search-hint")
    # The tag and search of `/saved` may together be too long for the field.
    modal.add_text(
        texts("saved-search-label"),
        TEXT,
        value=state.text[:MAX_SEARCH_LENGTH],
        placeholder=hint,
        max_length=MAX_SEARCH_LENGTH,
    )
    return modal


def edit_modal(texts: Texts, paper: models.SavedPaper, page: int) -> message_builder.StatelessModal:
    """Return the form for a saved paper's note and tags. `page` is the page of its card."""
    custom_id = pack_custom_id(SUBMIT_EDIT, page, paper.arxiv_id)
    modal = message_builder.StatelessModal(texts("saved-edit"), custom_id)
    modal.add_text(
        texts("saved-note-label"),
        NOTE,
        value=paper.note,
        max_length=MAX_NOTE_LENGTH,
        required=False,
        multiline=True,
    )
    modal.add_text(
        texts("saved-tags-label", count=MAX_TAGS),
        TAGS,
        value=", ".join(paper.tags),
        placeholder=texts("saved-tags-hint"),
        max_length=MAX_TAGS * (MAX_TAG_LENGTH + 2),
        required=False,
    )
    return modal


def export_view(texts: Texts, form: ReferenceFormat, count: int, filename: str) -> ui.LayoutView:
    """Return the message sent with an exported file."""
    message = MessageBuilder()
    message.add_text(texts("saved-exported", count=count, format=FORMAT_NAMES[form]))
    message.add_file(filename)
    return message.view


def import_view(texts: Texts, imported: shelf_service.Imported) -> ui.LayoutView:
    """Return the message that reports the result of an import."""
    message = MessageBuilder()
    message.add_text(texts("saved-imported", count=imported.saved))
    counts = {"unlisted": imported.unlisted, "known": imported.known, "full": imported.full}
    lines = [texts(f"saved-import-{key}", count=count) for key, count in counts.items() if count]
    for key, labels in (("skipped", imported.skipped), ("unasked", imported.unasked)):
        if labels:
            shown = [paper_texts.escape_untrusted(label, max_length=60) for label in labels[:MAX_SKIPPED]]
            more = [texts("and-more", count=len(labels) - MAX_SKIPPED)] if len(labels) > MAX_SKIPPED else []
            lines.append(f"{texts(f'saved-import-{key}', count=len(labels))}: {', '.join([*shown, *more])}")
    message.add_text("\n".join(f"- {line}" for line in lines))
    message.add_buttons(show_all_button(texts) if imported.saved else None)
    return message.view
