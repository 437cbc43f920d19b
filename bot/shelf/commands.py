"""The `/saved` command: a reader's saved papers with notes and tags, and their export and import."""

from __future__ import annotations

import io
from collections.abc import Sequence

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.archive.exports import FILE_ENDINGS, ReferenceFormat
from bot.client import autocomplete, custom_ids, interactions, list_state, paper_texts, responses, router
from bot.client import messages as client_messages
from bot.client.context import Client, Interaction, Request
from bot.client.custom_ids import Action
from bot.client.list_state import ListKind, ListState
from bot.client.refusals import UserError
from bot.client.responses import WithFile
from bot.client.router import Transfer
from bot.papers import cards, replies
from bot.papers.lists import PaperList, Suggestion
from bot.papers.replies import card_view
from bot.rendering import typesetting
from bot.shelf import messages as shelf_messages
from bot.shelf import notes
from bot.shelf.service import MAX_FILE_BYTES, Shelf
from storage import models, news, papers, shelf

Tag = app_commands.Range[str, 1, 60]
Words = app_commands.Range[str, 1, 300]


@autocomplete.guarded
async def _complete_tags(interaction: Interaction, current: str) -> autocomplete.Choices:
    """Suggest the reader's tags that contain the typed text, most used first, each with its number of papers."""
    texts = await interaction.client.texts_for(interaction)
    typed = current.strip().lstrip("#").casefold()
    counts = await interaction.client.services.get(Shelf).list_tags(interaction.user.id, typed)
    return autocomplete.make_choices(
        (f"#{tag} — {texts('choice-papers', count=count)}", tag) for tag, count in counts
    )


class ShelfCog(commands.Cog):
    def __init__(self, bot: Client) -> None:
        self._shelf = bot.services.get(Shelf)
        bot.list_views[ListKind.SAVED] = self._page_view

    @router.command(
        name="saved", description="Your saved papers, with notes and tags; to export or import them too"
    )
    @app_commands.describe(search="Words in the paper or in your note", tag="Only papers with this tag")
    @app_commands.autocomplete(tag=_complete_tags)
    async def list_saved(self, request: Request, search: Words = "", tag: Tag = "") -> ui.LayoutView:
        query = " ".join([*(f"#{name}" for name in notes.parse_tags(tag)), search]).strip()
        return await replies.list_view(request, ListState(ListKind.SAVED, query))

    @router.handles(shelf_messages.OPEN_IMPORT, responses.AT_ONCE)
    async def open_import(self, request: Request, action: Action) -> ui.Modal:
        return shelf_messages.import_modal(request.texts)

    @router.handles(shelf_messages.SUBMIT_IMPORT)
    @router.transfers
    async def submit_import(self, request: Transfer, action: Action) -> ui.LayoutView:
        """Save the papers named in the uploaded file. If the file is too large, it is not downloaded."""
        url, size = interactions.uploaded_file(request.interaction)
        if size > MAX_FILE_BYTES:
            raise UserError("saved-import-too-large", megabytes=MAX_FILE_BYTES // 1_000_000)
        data = await request.read_upload(url)
        imported = await self._shelf.import_file(request.user_id, data, is_kept=request.is_kept)
        return shelf_messages.import_view(request.texts, imported)

    @router.handles(
        client_messages.SAVE_PAPER,
        lambda action: responses.PRIVATELY if _card_page(action) is None else responses.IN_PLACE,
    )
    async def save(self, request: Request, action: Action) -> ui.LayoutView:
        """Save or remove a paper. Updates a private card; replies privately to other messages."""
        save, _, arxiv_id = action.fields(3)
        page = _card_page(action)
        paper_ids = await self._find_ids(request, [arxiv_id])
        answer: ui.LayoutView | None = None
        if save == "1":
            answer = await self._save(request, paper_ids)
        else:
            await request.services.database.write(shelf.remove, request.user_id, paper_ids[0])
        if answer is None or (page is not None and interactions.is_ephemeral(request.interaction)):
            return await card_view(request, arxiv_id, page or 0)
        return answer

    @router.handles(client_messages.SAVE_SELECTED, responses.PRIVATELY)
    async def save_selected(self, request: Request, action: Action) -> ui.LayoutView:
        selected = interactions.selected_values(request.interaction)
        return await self._save(request, await self._find_ids(request, selected))

    async def _find_ids(self, request: Request, arxiv_ids: Sequence[str]) -> list[int]:
        # Load no texts, which would take as long as several lookups.
        ids = await request.services.database.fetch(papers.get_ids, arxiv_ids)
        if unknown := next((arxiv_id for arxiv_id in arxiv_ids if arxiv_id not in ids), None):
            raise UserError("no-paper", paper=paper_texts.escape_untrusted(unknown))
        return [ids[arxiv_id] for arxiv_id in arxiv_ids]

    async def _save(self, request: Request, ids: Sequence[int]) -> ui.LayoutView:
        """Save papers and return the confirmation. Raises UserError if the shelf is full."""
        await self._shelf.save(request.user_id, ids, request.interaction.guild_id)
        command = request.interaction.client.mentions("saved")
        return client_messages.text_view(request.texts("paper-saved", count=len(ids), command=command))

    @router.handles(shelf_messages.SELECT_TAG)
    async def select_tag(self, request: Request, action: Action) -> ui.LayoutView:
        tag = interactions.selected_value(request.interaction)
        text = "" if tag == shelf_messages.ALL_TAGS else tag
        state = await replies.load_state(request, action)
        return await replies.list_view(request, state.replace(text=text, token=""))

    @router.handles(shelf_messages.SEARCH_SAVED, responses.AT_ONCE)
    async def open_search(self, request: Request, action: Action) -> ui.Modal:
        return shelf_messages.search_modal(request.texts, await replies.load_state(request, action))

    @router.handles(shelf_messages.SUBMIT_SEARCH)
    async def submit_search(self, request: Request, action: Action) -> ui.LayoutView:
        text = interactions.modal_values(request.interaction).get(shelf_messages.TEXT, "")
        return await replies.list_view(request, list_state.unpack_state(action).replace(text=text))

    @router.handles(shelf_messages.EXPORT_SAVED, responses.PRIVATELY)
    @router.transfers
    async def select_export(self, request: Transfer, action: Action) -> ui.LayoutView | WithFile:
        state = await replies.load_state(request, action)
        with custom_ids.map_parse_errors():
            chosen = ReferenceFormat(interactions.selected_value(request.interaction))
        data, count = await self._shelf.export(request.user_id, chosen, state.text)
        if not count:
            return client_messages.text_view(request.texts("saved-nothing-to-export"))
        filename = f"paperround.{FILE_ENDINGS[chosen]}"
        view = shelf_messages.export_view(request.texts, chosen, count, filename)
        return WithFile(view, discord.File(io.BytesIO(data), filename))

    @router.handles(cards.EDIT_SAVED, responses.AT_ONCE)
    async def open_edit(self, request: Request, action: Action) -> ui.Modal:
        page, arxiv_id = action.fields(2)
        paper = await self._find(request, arxiv_id)
        return shelf_messages.edit_modal(request.texts, paper, custom_ids.parse_number(page))

    @router.handles(shelf_messages.SUBMIT_EDIT)
    async def submit_edit(self, request: Request, action: Action) -> ui.LayoutView:
        page, arxiv_id = action.fields(2)
        paper = await self._find(request, arxiv_id)
        typed = interactions.modal_values(request.interaction)
        note, tags = (typed.get(name, "") for name in (shelf_messages.NOTE, shelf_messages.TAGS))
        await self._shelf.annotate(request.user_id, paper.id, note=note, tags=tags)
        return await card_view(request, arxiv_id, custom_ids.parse_number(page))

    @router.handles(shelf_messages.START_NEWS)
    async def start_news(self, request: Request, action: Action) -> list[ui.LayoutView]:
        await router.open_dm(request)
        zone = await request.interaction.client.timezone_for(request.interaction)
        await self._shelf.start_news(request.user_id, zone)
        listed = await replies.list_view(request, await replies.load_state(request, action))
        return [listed, client_messages.text_view(request.texts("news-on"))]

    @router.handles(
        shelf_messages.STOP_NEWS, lambda action: responses.IN_PLACE if action.payload else responses.PRIVATELY
    )
    async def stop_news(self, request: Request, action: Action) -> ui.LayoutView:
        """Tell the reader nothing more. Updates the list, or replies privately to a message about what is new."""
        await request.services.database.write(news.switch_off, request.user_id)
        if action.payload:
            return await replies.list_view(request, await replies.load_state(request, action))
        command = request.interaction.client.mentions("saved")
        return client_messages.text_view(request.texts("news-stopped", command=command))

    @router.handles(shelf_messages.REMOVE_SAVED, responses.PRIVATELY)
    async def remove_saved(self, request: Request, action: Action) -> ui.LayoutView:
        selected = interactions.selected_values(request.interaction)
        for paper_id in await self._find_ids(request, selected):
            await request.services.database.write(shelf.remove, request.user_id, paper_id)
        return client_messages.text_view(request.texts("news-removed", count=len(selected)))

    async def _page_view(self, request: Request, state: ListState) -> ui.LayoutView:
        """Return a page of the reader's saved papers, or the last page if the page number is too large."""
        listed = await self._load_list(request, state)
        if not listed.rows and state.page and listed.total:
            listed = await self._load_list(request, state.replace(page=listed.page_count - 1))
        if not listed.rows:
            return shelf_messages.no_saved_view(request.texts, listed)
        switch = await request.services.database.fetch(news.get, request.user_id)
        return shelf_messages.saved_view(request.texts, listed, switch)

    async def _load_list(self, request: Request, state: ListState) -> PaperList:
        """Return a page of a reader's saved papers. The suggestions are the lists for the reader's tags."""
        texts, user_id = request.texts, request.user_id
        saved, total = await self._shelf.list_saved(
            user_id, state.text, limit=state.size, offset=state.offset
        )
        fresh, tags = state.replace(page=0, token=""), await self._shelf.list_tags(user_id)
        events = await request.services.database.fetch(news.list_waiting, user_id, request.services.clock())
        query = paper_texts.escape_untrusted(typesetting.strip_quotes(state.text), max_length=200)
        return PaperList(
            state=state,
            heading=texts("list-saved-heading", count=total),
            rows=tuple(saved),
            total=total,
            notes=(texts("saved-filter", query=query),) if query else (),
            facts={paper.arxiv_id: shelf_messages.format_facts(texts, paper) for paper in saved},
            events={paper.arxiv_id: events.get(paper.id, ()) for paper in saved},
            suggestions=tuple(
                Suggestion(f"#{tag} · {count}", fresh.replace(text=f"#{tag}")) for tag, count in tags
            ),
        )

    async def _find(self, request: Request, arxiv_id: str) -> models.SavedPaper:
        paper = await request.services.database.fetch(shelf.get, request.user_id, arxiv_id)
        if paper is None:
            raise UserError("saved-not-any-more")
        return paper


def _card_page(action: Action) -> int | None:
    """Return the page of the card that the pressed button is on; None if it is not on a card."""
    page = action.fields(3)[1]
    return None if page == client_messages.NO_PAGE else custom_ids.parse_number(page)
