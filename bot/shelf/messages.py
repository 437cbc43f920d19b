"""The list of a reader's saved papers, and one of them with its note and tags."""

from __future__ import annotations

from discord import ui

from bot.archive import arxiv_ids
from bot.archive.exports import ReferenceFormat
from bot.client import message_builder
from bot.client import messages as client_messages
from bot.client.message_builder import MessageBuilder, button, link_button, pack_custom_id
from bot.client.translations import Texts
from bot.lists import card as lists_card
from bot.lists.messages import FORMAT_NAMES, format_tags, show_all_button
from bot.rendering import discord_text
from bot.shelf import service as shelf_service
from bot.shelf.notes import MAX_NOTE_LENGTH, MAX_TAG_LENGTH, MAX_TAGS
from storage import models

OPEN_EDIT = "sn"
SUBMIT_EDIT = "snm"
NOTE, TAGS = "note", "tags"
"""What of a saved paper is edited; the field of both verbs."""
SUBMIT_SEARCH = "sqm"
TEXT = "text"
SUBMIT_IMPORT = "sfim"
FILE = "file"
MAX_SEARCH_LENGTH = 300
REMOVE = "sr"
READ = "sread"


def import_modal(texts: Texts) -> message_builder.StatelessModal:
    """Return the modal that takes a file to import."""
    modal = message_builder.StatelessModal(texts("saved-import"), pack_custom_id(SUBMIT_IMPORT))
    modal.add_file(texts("saved-import-file"), FILE, texts("saved-import-file-hint"))
    return modal


def paper_view(
    texts: Texts, paper: models.SavedPaper, back: client_messages.ListState, *, may_share: bool
) -> ui.LayoutView:
    """Return one saved paper with its whole note, its tags and what can be done with it."""
    message = MessageBuilder()
    title = client_messages.title_link(
        paper.title, paper.arxiv_id, paper.url, max_characters=1200, max_bytes=3000
    )
    message.add_text(f"### {title}")
    facts = client_messages.join_dotted(
        client_messages.format_votes(paper.votes) if paper.is_listed else "",
        paper.arxiv_id,
        client_messages.format_authors(texts, paper.authors, truncated=paper.authors_truncated),
    )
    message.add_text(facts)
    message.add_text(
        client_messages.subtext(
            client_messages.join_dotted(
                texts("saved-on", date=f"<t:{int(paper.saved_at.timestamp())}:D>"),
                texts("saved-read-on", date=f"<t:{int(paper.read_at.timestamp())}:D>")
                if paper.read_at
                else "",
                "" if paper.is_listed else texts("saved-unlisted"),
                format_tags(paper.tags),
            )
        )
    )
    if paper.note:
        lines = (
            client_messages.escape_untrusted(line, max_length=MAX_NOTE_LENGTH)
            for line in paper.note.splitlines()
        )
        quoted = "\n".join(f"> {line}" for line in lines)
        message.add_text(discord_text.shorten(quoted, 2000, max_bytes=4500))
    arxiv_id = paper.arxiv_id
    share = button(texts("share"), pack_custom_id(lists_card.SHARE, arxiv_id)) if may_share else None
    message.add_buttons(
        button(texts("read"), pack_custom_id(client_messages.OPEN_PAPER, arxiv_id)),
        button(texts("saved-edit-note"), pack_custom_id(OPEN_EDIT, NOTE, arxiv_id)),
        button(texts("saved-edit-tags"), pack_custom_id(OPEN_EDIT, TAGS, arxiv_id)),
        button(texts("saved-remove"), pack_custom_id(REMOVE, arxiv_id)),
        share if paper.is_listed else None,
    )
    message.add_buttons(
        button(texts("saved-unread" if paper.read_at else "saved-read"), pack_custom_id(READ, arxiv_id)),
        button(texts("saved-back"), client_messages.pack_state(back)),
        link_button("arXiv", arxiv_ids.abstract_url(arxiv_id)),
    )
    return message.view


def search_modal(texts: Texts, state: client_messages.ListState) -> message_builder.StatelessModal:
    """Return the modal that asks for a search of the saved papers."""
    custom_id = client_messages.pack_state(state.replace(text="", token=""), SUBMIT_SEARCH)
    modal = message_builder.StatelessModal(texts("saved-search"), custom_id)
    hint = texts("saved-search-hint")
    # A tag and a search of `/saved list` are longer together than the field.
    modal.add_text(
        texts("saved-search-label"),
        TEXT,
        value=state.text[:MAX_SEARCH_LENGTH],
        placeholder=hint,
        max_length=MAX_SEARCH_LENGTH,
    )
    return modal


def edit_modal(texts: Texts, paper: models.SavedPaper, field: str) -> message_builder.StatelessModal:
    """Return the modal that changes the note or the tags of a saved paper."""
    custom_id = pack_custom_id(SUBMIT_EDIT, field, paper.arxiv_id)
    if field == NOTE:
        modal = message_builder.StatelessModal(texts("saved-edit-note"), custom_id)
        label = texts("saved-note-label")
        modal.add_text(
            label, TEXT, value=paper.note, max_length=MAX_NOTE_LENGTH, required=False, multiline=True
        )
        return modal
    modal = message_builder.StatelessModal(texts("saved-edit-tags"), custom_id)
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


def import_view(texts: Texts, imported: shelf_service.Imported) -> ui.LayoutView:
    """Return what an import saved and what it did not."""
    message = MessageBuilder()
    message.add_text(texts("saved-imported", count=imported.saved))
    counts = {"unlisted": imported.unlisted, "known": imported.known, "full": imported.full}
    message.add_text(
        "\n".join(f"- {texts(f'saved-import-{key}', count=count)}" for key, count in counts.items() if count)
    )
    message.add_buttons(show_all_button(texts) if imported.saved else None)
    return message.view
