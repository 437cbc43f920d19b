"""Lists of saved papers and of a server, their forms, and replies to an import or export."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from discord import ui

from bot.archive import schemes
from bot.archive.exports import LIST_FILES, ReferenceFormat
from bot.client import message_builder, verbs
from bot.client import wording as client_wording
from bot.client.custom_ids import fits, pack_custom_id
from bot.client.message_builder import MessageBuilder, button, select_menu, select_option
from bot.features.shelf import service as shelf_service
from bot.features.shelf.news import NewsPost
from bot.features.shelf.notes import MAX_NOTE_LENGTH, MAX_TAG_LENGTH, MAX_TAGS
from bot.i18n.texts import Texts
from bot.outbox.contents import RenderedPart, part_marker
from bot.papers import list_state, message_parts, paper_texts
from bot.papers.cards import format_tags
from bot.papers.list_state import ListKind, ListState, pack_state
from bot.papers.list_views import ALL_TAGS, Rows, draw, list_pager, state_menu
from bot.papers.message_parts import newest_digest_button
from bot.papers.paper_lists import PaperList
from bot.rendering import discord_text, typesetting
from bot.rendering.discord_text import escape_untrusted, join_dotted, subtext
from storage import models
from storage.news import NewsReader
from storage.shelf import Owner

FORMAT_NAMES = {
    ReferenceFormat.BIBTEX: "BibTeX",
    ReferenceFormat.RIS: "RIS",
    ReferenceFormat.CSL: "CSL JSON",
    ReferenceFormat.CSV: "CSV",
    ReferenceFormat.MARKDOWN: "Markdown",
}
_MAX_SHOWN_NOTE = 120
NOTE, TAGS = "note", "tags"
TEXT = "text"
FILE = "file"
READ = "read"
"""The first field of a `MARK_READ` button. In versions 0.1 and 0.2 others nominated a paper for the club."""
MAX_SEARCH_LENGTH = 300
MAX_SKIPPED = 15
"""How many papers of an import are named, of those saved and of each kind of those skipped."""


def saved_view(
    texts: Texts,
    state: ListState,
    page: shelf_service.SavedPage,
    *,
    server_name: str = "none",
    may_share: bool = True,
    here: int = 0,
) -> ui.LayoutView:
    """Return a page of saved papers, with controls to open one, choose a tag, search, export, and switch news.

    If the reader `may_share` them, there are buttons for an import and their address, and for the list of the server `here`.
    """
    server_id = state.server_id
    fresh = ListState(ListKind.SAVED, server_id=server_id)
    opener = list_opener(texts, here) if here and here != server_id else None
    address = button(texts("address"), pack_state(fresh, verbs.SHOW_ADDRESS)) if may_share else None
    if not page.papers:
        return _empty_view(texts, state, opener, address, may_import=may_share)
    listed = _make_list(texts, state, page, server_name)
    formats = [select_option(name, form.value) for form, name in FORMAT_NAMES.items()]
    rows: Rows = (
        [_tag_menu(texts, state, page.tags)],
        [select_menu(texts("saved-export"), pack_state(state, verbs.EXPORT_SAVED), formats)],
        [*list_pager(texts, listed), opener],
        [
            *_search_buttons(texts, state, may_import=may_share),
            None if server_id else _news_switch(texts, state, page.news),
            address,
        ],
    )
    return draw(texts, listed, rows)


def _make_list(texts: Texts, state: ListState, page: shelf_service.SavedPage, server_name: str) -> PaperList:
    name, query = escape_untrusted(server_name, max_length=60), _shown_query(state)
    heading = texts(
        "list-heading" if state.server_id else "list-saved-heading", server=name, count=page.total
    )
    reason = page.news.reason if page.news else None
    return PaperList(
        state=state,
        heading=heading,
        rows=page.papers,
        total=page.total,
        notes=(
            texts("saved-filter", query=query) if query else "",
            texts("news-suspended", reason=reason) if reason else "",
        ),
        facts={paper.key: _facts_text(texts, paper, page, state.server_id) for paper in page.papers},
        events={paper.key: page.events.get(paper.id, ()) for paper in page.papers},
    )


def _shown_query(state: ListState) -> str:
    return escape_untrusted(typesetting.strip_quotes(state.text), max_length=200)


def _search_buttons(texts: Texts, state: ListState, *, may_import: bool) -> list[ui.Item[Any] | None]:
    """Return buttons to search, to show all papers in place of those found, and to import some."""
    return [
        button(texts("saved-search"), pack_state(state.replace(page=0), verbs.SEARCH_SAVED)),
        show_all_button(texts, state.server_id) if state.text else None,
        import_button(texts, state.server_id) if may_import else None,
    ]


def _news_switch(texts: Texts, state: ListState, news: NewsReader | None) -> ui.Item[Any]:
    is_on = news is not None and news.reason is None
    label, verb = ("news-stop-here", verbs.STOP_NEWS) if is_on else ("news-start", verbs.START_NEWS)
    return button(texts(label), pack_state(state.replace(page=0), verb))


def news_view(texts: Texts, post: NewsPost, marker: str | None) -> ui.LayoutView:
    """Return a week's message: each paper with what is new, and controls to open one, remove some, and stop."""
    papers = post.papers
    events = {row.key: post.events[row.id] for row in papers}
    options = [
        select_option(paper_texts.format_title(row.title, row.key), models.alias_of(row.key))
        for row in papers
    ]
    heading = texts("news-heading", count=len(papers) + post.more)
    more = texts("news-more", count=post.more) if post.more else ""
    listed = PaperList(ListState(ListKind.SAVED), heading, papers, len(papers), (more,), events=events)
    remove = select_menu(
        texts("news-remove"), pack_custom_id(verbs.REMOVE_SAVED), options, max_values=len(options)
    )
    stop = button(texts("news-stop"), pack_custom_id(verbs.STOP_NEWS))
    return draw(texts, listed, [[remove], [stop]], marker=marker)


def render(wording: client_wording.PostWording, post: NewsPost) -> tuple[RenderedPart, ...]:
    """Return a week's message. As plain text, the marker is in the fragment of a link."""
    texts = wording.ui_texts
    plain = message_parts.papers_payload(
        texts,
        models.DeliveryKind.NEWS,
        post.on,
        post.marker,
        post.papers,
        events={row.key: post.events[row.id] for row in post.papers},
        more=texts("news-more", count=post.more) if post.more else "",
    )
    return message_builder.render_message(news_view(texts, post, part_marker(post.marker, 0)), plain)


def import_button(texts: Texts, server_id: int) -> ui.Item[Any]:
    return button(texts("saved-import"), pack_custom_id(verbs.OPEN_IMPORT, *_of_server(server_id)))


def _of_server(server_id: int) -> list[int]:
    """Return the last fields of a custom id, which readers' own papers have none of."""
    return [server_id] if server_id else []


def list_opener(texts: Texts, server_id: int) -> ui.Item[Any]:
    """Return a button that opens a server's list in a new message."""
    state = ListState(ListKind.SAVED, server_id=server_id)
    return button(texts("list-show"), pack_state(state, verbs.OPEN_LIST), emoji="📚")


def _empty_view(
    texts: Texts, state: ListState, *more: ui.Item[Any] | None, may_import: bool
) -> ui.LayoutView:
    """Return the reply for a search or tag without results or, if nothing is saved, how to save papers."""
    message, server_id = MessageBuilder(), state.server_id
    if not state.text:
        message.add_text(texts("no-list-server" if server_id else "no-list-saved"))
        importer = import_button(texts, server_id) if may_import else None
        message.add_buttons(importer, newest_digest_button(texts), *more)
        return message.view
    message.add_text(texts("list-none-found" if server_id else "saved-none-found", query=_shown_query(state)))
    # An arXiv ID in place of a tag was meant to save that paper.
    paper_key = schemes.read_key(state.text.strip("#"))
    custom_id = pack_custom_id(verbs.OPEN_PAPER, paper_key or "")
    if paper_key is not None and fits(custom_id):  # an alias is known of stored papers alone
        message.add_buttons(button(texts("read-paper", id=schemes.short_name(paper_key)), custom_id))
    message.add_buttons(*_search_buttons(texts, state, may_import=may_import))
    return message.view


def show_all_button(texts: Texts, server_id: int = 0) -> ui.Item[Any]:
    return button(texts("saved-show-all"), pack_state(ListState(ListKind.SAVED, server_id=server_id)))


def list_entry_view(
    texts: Texts, server_id: int, entry: models.SavedPaper, head: str, *, may_remove: bool
) -> ui.LayoutView:
    """Return the description of a paper on a server's list, below a `head`: who added it and when."""
    lines = [
        head,
        join_dotted(paper_texts.title_link(entry), _added_text(texts, entry)),
        format_tags(entry.tags),
    ]
    alias = models.alias_of(entry.key)
    remove = button(texts("list-remove"), pack_custom_id(verbs.REMOVE_LISTED, alias))
    return message_builder.text_view(
        "\n".join(filter(None, lines)),
        list_opener(texts, server_id),
        button(texts("saved-tags"), pack_custom_id(verbs.EDIT_SAVED, message_parts.NO_PAGE, alias)),
        remove if may_remove else None,
    )


def removed_view(texts: Texts, entry: models.SavedPaper) -> ui.LayoutView:
    text = texts("list-removed", title=paper_texts.title_link(entry))
    undo = button(texts("alert-undo"), pack_custom_id(verbs.PUT_BACK_LISTED, models.alias_of(entry.key)))
    return message_builder.text_view(text, undo)


def removed_saved_view(texts: Texts, count: int, at: datetime, server_id: int) -> ui.LayoutView:
    number = (at - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)
    undo = button(texts("alert-undo"), pack_custom_id(verbs.PUT_BACK_SAVED, number, *_of_server(server_id)))
    return message_builder.text_view(texts("news-removed", count=count), undo)


def _added_text(texts: Texts, entry: models.SavedPaper) -> str:
    name = f"<@{entry.added_by}>" if entry.added_by else "none"
    return texts("list-by", name=name, date=discord_text.timestamp(entry.saved_at, "D"))


def _facts_text(texts: Texts, paper: models.SavedPaper, page: shelf_service.SavedPage, server_id: int) -> str:
    """Return the small print of a saved paper or, with a server, of one on its list."""
    saved = texts("saved-on", date=discord_text.timestamp(paper.saved_at, "D"))
    discussion, savers = page.discussions.get(paper.id), page.savers.get((server_id, paper.id), 0)
    meets_on, thread_id = (discussion.meets_on, discussion.thread_id) if discussion else (None, 0)
    facts = join_dotted(
        _added_text(texts, paper) if server_id else saved,
        "" if paper.is_listed else texts("in-no-digest"),
        texts("list-club", date=texts.format_date(meets_on)) if meets_on else "",
        f"[{texts('list-discussed')}]({discord_text.channel_url(server_id, thread_id)})" if thread_id else "",
        texts("post-savers", count=savers) if savers else "",
        format_tags(paper.tags),
    )
    note = escape_untrusted(paper.note, max_length=_MAX_SHOWN_NOTE)
    lines = [facts, texts("saved-note", note=note) if note else ""]
    return "\n".join(map(subtext, filter(None, lines)))


def _tag_menu(texts: Texts, state: ListState, tags: Sequence[tuple[str, int]]) -> ui.Item[Any] | None:
    """Return a menu of the most used tags, and of the views, or None without any."""
    if not tags:
        return None
    names = {view.value: texts(f"list-view-{view}") for view in shelf_service.View} if state.server_id else {}
    shown = tags[: discord_text.SELECT_OPTIONS - 1]
    labels = {ALL_TAGS: texts("all-papers")}
    labels |= {f"#{tag}": f"{names.get(tag, f'#{tag}')} · {count}" for tag, count in shown}
    fresh = state.replace(text="", token="")
    return state_menu(texts("saved-tags"), verbs.SELECT_TAG, fresh, labels, state.text or ALL_TAGS)


def import_modal(texts: Texts, server_id: int) -> message_builder.StatelessModal:
    custom_id = pack_custom_id(verbs.SUBMIT_IMPORT, *_of_server(server_id))
    modal = message_builder.StatelessModal(texts("list-import" if server_id else "saved-import"), custom_id)
    modal.add_file(texts("saved-import-file"), FILE, texts("saved-import-file-hint"))
    if not server_id:
        modal.add_checkbox(texts("saved-import-tags"), TAGS, checked=False)
    return modal


def search_modal(texts: Texts, state: list_state.ListState) -> message_builder.StatelessModal:
    custom_id = list_state.pack_state(state.replace(text="", token=""), verbs.SUBMIT_SEARCH)
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


def edit_modal(texts: Texts, paper: models.SavedPaper, page: str) -> message_builder.StatelessModal:
    """Return the form for a saved paper's note and tags. `page` is that of its card; NO_PAGE: the tags on a server's list."""
    is_own = page != message_parts.NO_PAGE
    title = texts("saved-edit" if is_own else "list-tags")
    modal = message_builder.StatelessModal(
        title, pack_custom_id(verbs.SUBMIT_SAVED, page, models.alias_of(paper.key))
    )
    if is_own:
        modal.add_text(
            texts("saved-note-label"),
            NOTE,
            value=paper.note,
            max_length=MAX_NOTE_LENGTH,
            required=False,
            multiline=True,
        )
    modal.add_text(
        texts("saved-tags-label", count=MAX_TAGS, length=MAX_TAG_LENGTH),
        TAGS,
        value=", ".join(paper.tags),
        placeholder=texts("saved-tags-hint"),
        max_length=MAX_TAGS * (MAX_TAG_LENGTH + 2),
        required=False,
    )
    return modal


def left_tags_view(texts: Texts, tags: Sequence[str]) -> ui.LayoutView:
    names = escape_untrusted(", ".join(f"#{tag}" for tag in tags), max_length=400)
    skipped = texts("saved-tags-left", names=names, count=MAX_TAGS, length=MAX_TAG_LENGTH)
    return message_builder.text_view(skipped)


def address_view(texts: Texts, state: ListState, base_url: str, token: str) -> ui.LayoutView:
    """Return the addresses of a list, with buttons that renew and close it."""
    url = f"{base_url.rstrip('/')}/lists/{token}"
    files = join_dotted(*(f"[{name} (.{ending})]({url}.{ending})" for ending, name in LIST_FILES.items()))
    return message_builder.message_view(
        [f"### {texts('address')}", f"{url}\n{files}", texts("address-what")],
        [
            button(texts("address-renew"), pack_state(state, verbs.RENEW_ADDRESS)),
            button(texts("address-close"), pack_state(state, verbs.CLOSE_ADDRESS)),
        ],
    )


def export_view(texts: Texts, form: ReferenceFormat, count: int, filename: str) -> ui.LayoutView:
    message = MessageBuilder()
    message.add_text(texts("saved-exported", count=count, format=FORMAT_NAMES[form]))
    message.add_file(filename)
    return message.view


def import_view(texts: Texts, imported: shelf_service.Imported, server_id: int = 0) -> ui.LayoutView:
    """Return what an import saved, with a menu that takes papers back, and what it skipped."""
    named = {"known": imported.known, "repeated": imported.repeated, "skipped": imported.skipped}
    named["unasked" if imported.asks_arxiv else "never-asked"] = imported.unasked
    counts, most = {"unlisted": imported.unlisted, "full": imported.full}, Owner(0, server_id).limit
    lines = [texts(f"saved-import-{key}", count=count, most=most) for key, count in counts.items() if count]
    lines += [
        f"{texts(f'saved-import-{key}', count=len(labels))}: {_list_labels(texts, labels)}"
        for key, labels in named.items()
        if labels
    ]
    options = [
        select_option(paper_texts.format_title(title, paper_key), models.alias_of(paper_key))
        for paper_key, title in imported.saved.items()
    ]
    undo = select_menu(
        texts("saved-import-undo"),
        pack_custom_id(verbs.REMOVE_SAVED, *_of_server(server_id)),
        options,
        max_values=discord_text.SELECT_OPTIONS,
        min_values=1,
    )
    listed = _list_labels(texts, [*imported.saved.values()])
    rest = "\n".join(f"- {line}" for line in lines)
    show = show_all_button(texts, server_id) if imported.saved else None
    key = "list-added" if server_id and imported.saved else "saved-imported"
    heading = texts(key, count=len(imported.saved), known=0)
    return message_builder.message_view([heading, listed, rest], [undo], [show])


def _list_labels(texts: Texts, labels: Sequence[str]) -> str:
    shown = [discord_text.escape_untrusted(label, max_length=60) for label in labels[:MAX_SKIPPED]]
    more = [texts("and-more", count=len(labels) - MAX_SKIPPED)] if len(labels) > MAX_SKIPPED else []
    return ", ".join([*shown, *more])
