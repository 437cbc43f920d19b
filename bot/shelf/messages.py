"""The list of a reader's saved papers, and one of them with its note and tags."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, assert_never

from discord import ui

from bot.archive import arxiv_ids
from bot.archive.exports import ReferenceFormat
from bot.client import message_builder
from bot.client import messages as client_messages
from bot.client.message_builder import MessageBuilder, button, link_button, pack_custom_id
from bot.client.messages import text_view
from bot.client.translations import Texts
from bot.lists import card as lists_card
from bot.lists.messages import FORMAT_NAMES, format_tags, show_all_button
from bot.outbox import contents
from bot.rendering import discord_text
from bot.shelf import service as shelf_service
from bot.shelf.references import MAX_NOTE_LENGTH, MAX_TAG_LENGTH, MAX_TAGS
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
MAX_SHARED = 15
"""Papers of a shared list."""
REMOVE = "sr"
UNDO = "su"


def shared_view(
    texts: Texts, rows: Sequence[models.SavedPaper], total: int, query: str, *, sharer: str
) -> ui.LayoutView:
    """Return saved papers as a public message, without their notes and titles that only the reader's file has.

    `query` is what they were found by, `sharer` escaped.
    """
    message = MessageBuilder()
    found_by = client_messages.escape_untrusted(query, max_length=100)
    message.add_text(client_messages.join_dotted(texts("saved-shared", name=sharer, count=total), found_by))
    lines = []
    for row in rows:
        title = None if row.is_title_given else row.title
        link = client_messages.title_link(title, row.arxiv_id, row.url, max_characters=200, max_bytes=400)
        votes = client_messages.format_votes(row.votes) if row.is_listed else ""
        lines.append(client_messages.join_dotted(f"- {link}", votes))
    message.add_text("\n".join(lines))
    if total > len(rows):
        message.add_text(client_messages.subtext(texts("saved-shared-more", count=total - len(rows))))
    if menu := client_messages.open_menu(texts("open-paper"), [row for row in rows if row.is_listed]):
        message.add_select(menu)
    return message.view


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
        button(texts("saved-back"), client_messages.pack_state(back)),
        link_button("arXiv", arxiv_ids.abstract_url(arxiv_id)),
    )
    return message.view


def removed_view(texts: Texts, paper: models.SavedPaper, back: client_messages.ListState) -> ui.LayoutView:
    """Return the confirmation of a removal, with a button that takes it back."""
    title = client_messages.format_title(paper.title, paper.arxiv_id)
    return text_view(
        texts("saved-removed", title=client_messages.escape_untrusted(title, max_length=200)),
        button(texts("saved-undo"), pack_custom_id(UNDO, paper.id, paper.arxiv_id)),
        button(texts("saved-back"), client_messages.pack_state(back)),
    )


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
    """Return what an import took and what it did not, and where in the file the latter is."""
    message, counts = MessageBuilder(), imported.counts
    message.add_text(texts("saved-imported", count=counts["saved"]))
    named = {
        "without_id": [
            client_messages.join_dotted(
                client_messages.escape_untrusted(title, max_length=MAX_NAMED_TITLE), _place_text(texts, place)
            )
            for place, title in imported.without_id
        ],
        "broken": [_place_text(texts, place) for place in imported.broken_places],
    }
    lines = []
    for key in _IMPORT_KEYS:
        if count := counts[key]:
            lines.append(f"- {texts(f'saved-import-{key}', count=count)}")
            lines += [f"  - {place}" for place in named.get(key, ())]
            if (more := count - len(named.get(key, ()))) and key in named:
                lines.append(f"  - {texts('and-more', count=more)}")
    message.add_text("\n".join(lines))
    message.add_buttons(show_all_button(texts) if counts["saved"] else None)
    return message.view


def _place_text(texts: Texts, place: str) -> str:
    """Return a place of `Imported` in words."""
    kind = "entry" if place.startswith("#") else "line"
    return texts(f"saved-import-{kind}", number=place.removeprefix("#"))


MAX_NAMED_TITLE = 100
"""Characters of the title of a reference that was not taken."""
_IMPORT_KEYS = ("unlisted", "known", "without_id", "broken", "unread", "limited", "full")


# The weekly message about saved papers: a line for each paper with what became of it, each thing with its link.

SWITCH = "nw"
"""Verb that switches the news off (0) or on (1)."""
MAX_PLAIN_CHARACTERS = 2000


def news_view(texts: Texts, marker: str, news: Sequence[models.PaperNews]) -> ui.LayoutView:
    """Return the message. `marker` names its delivery."""
    message = MessageBuilder()
    saved = client_messages.pack_state(
        client_messages.ListState(client_messages.ListKind.SAVED), marker=contents.part_marker(marker, 0)
    )
    buttons = [
        button(texts("updates-saved"), saved),
        button(texts("updates-stop"), pack_custom_id(SWITCH, 0)),
    ]
    message.end_with([buttons])
    papers = _by_paper(news)
    message.add_text(f"📌 {texts('updates-heading', count=len(papers))}")
    characters, size = message.share(1)
    # A line may use what those before it left.
    lines: list[str] = []
    for index, own in enumerate(papers):
        left = len(papers) - index
        lines.append(_paper_line(texts, own, characters // left, size // left))
        characters -= len(lines[-1]) + 1
        size -= len(lines[-1].encode()) + 1
    message.add_text("\n".join(lines))
    return message.view


def plain_news_payload(texts: Texts, marker: str, news: Sequence[models.PaperNews]) -> dict[str, Any]:
    """Return the message as plain text, its marker in the fragment of a link."""
    link = f"-# [Paperround](<https://discord.com/#{contents.part_marker(marker, 0)}>)"
    papers = _by_paper(news)
    lines = [f"📌 {texts('updates-heading', count=len(papers))}"]
    for own in papers:
        changes = " · ".join(_change_text(texts, kind, value) for _, _, kind, value in own)
        lines.append(
            f"- {discord_text.escape_text(client_messages.format_title(own[0][1], own[0][0]))}: {changes}"
        )
    return message_builder.plain_payload(
        f"{discord_text.shorten(chr(10).join(lines), MAX_PLAIN_CHARACTERS - len(link) - 1)}\n{link}"
    )


def switch_view(texts: Texts, *, is_off: bool) -> ui.LayoutView:
    """Return whether the reader gets the message, with a button that changes it."""
    label = texts("updates-start" if is_off else "updates-stop")
    switch = button(label, pack_custom_id(SWITCH, int(is_off)))
    return text_view(texts("updates-off" if is_off else "updates-on"), switch)


def _by_paper(news: Sequence[models.PaperNews]) -> list[list[models.PaperNews]]:
    grouped: dict[str, list[models.PaperNews]] = {}
    for row in news:
        grouped.setdefault(row[0], []).append(row)
    return list(grouped.values())


def _paper_line(texts: Texts, own: Sequence[models.PaperNews], characters: int, size: int) -> str:
    """Return the line of one paper; if it would be too long its changes have no links, and its title is shortened."""
    arxiv_id, title, *_ = own[0]
    changes = " · ".join(_linked_change(texts, row) for row in own)
    if len(changes) > characters // 2:
        changes = " · ".join(_change_text(texts, kind, value) for _, _, kind, value in own)
    room, room_bytes = characters - len(changes) - 10, size - len(changes.encode()) - 10
    address = arxiv_ids.abstract_url(arxiv_id)
    link = client_messages.title_link(title, arxiv_id, address, max_characters=room, max_bytes=room_bytes)
    return f"- **{link}**: {changes}"


def _linked_change(texts: Texts, row: models.PaperNews) -> str:
    arxiv_id, _, kind, value = row
    text = _change_text(texts, kind, value)
    match kind:
        case models.NewsKind.VERSION:
            address = f"{arxiv_ids.abstract_url(arxiv_id)}v{value}"
        case models.NewsKind.CODE | models.NewsKind.MODEL:
            address = value
        case models.NewsKind.WITHDRAWN | models.NewsKind.VENUE:
            return text
        case _:
            assert_never(kind)
    is_usable = len(address) <= client_messages.MAX_URL_LENGTH and discord_text.safe_url(address)
    return f"[{text}](<{discord_text.safe_url(address)}>)" if is_usable else text


def _change_text(texts: Texts, kind: models.NewsKind, value: str) -> str:
    return texts(f"updates-{kind.value}", value=client_messages.escape_untrusted(value))
