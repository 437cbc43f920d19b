"""/saved: the user's saved papers, with the menus of their list, and of one paper its note, tags and removal."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable

import discord
from discord import app_commands
from discord.ext import commands

from bot.client.components import custom_ids
from bot.client.context import Client, Interaction
from bot.client.interactions import autocomplete, checks, component_router, lookups, responses
from bot.client.interactions.errors import UserError
from bot.client.presenters import long_texts, paper_lists
from bot.client.presenters.service_errors import map_service_errors
from bot.client.views import notices
from bot.client.views import shelf as shelf_view
from bot.client.views.papers import list_state
from bot.client.views.papers.list_state import ListKind, ListState
from bot.rendering.export.references import FILE_ENDINGS, ReferenceFormat
from bot.services.shelf.imports import MAX_FILE_BYTES
from bot.services.shelf.reference_parser import UnreadableFileError
from bot.services.shelf.shelf import TooLargeError
from storage import models
from storage.shelf.saved_papers import Order

ORDER_CHOICES = [
    app_commands.Choice(name="Newest first", value=Order.NEWEST.value),
    app_commands.Choice(name="Oldest first", value=Order.OLDEST.value),
    app_commands.Choice(name="Most votes", value=Order.VOTES.value),
    app_commands.Choice(name="By title", value=Order.TITLE.value),
]
FORMAT_CHOICES = [
    app_commands.Choice(name=name, value=form.value) for form, name in shelf_view.FORMAT_NAMES.items()
]
Tag = app_commands.Range[str, 1, 60]
Words = app_commands.Range[str, 1, 300]


@app_commands.allowed_installs(guilds=True, users=True)
@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
class ShelfCog(commands.GroupCog, name="saved", description="The papers you saved"):
    """A user's saved papers."""

    def __init__(self, bot: Client) -> None:
        self._shelf = bot.services.shelf
        self._importer = bot.services.reference_importer
        self._tokens = bot.services.text_tokens
        self._profiles = bot.services.profiles
        self._lists = paper_lists.PaperListLoader(bot.services)

    @app_commands.command(name="list", description="Your saved papers, with notes and tags")
    @app_commands.describe(
        order="Which papers come first",
        tag="Only papers with this tag",
        search="Words in the paper or in your note",
    )
    @app_commands.choices(order=ORDER_CHOICES)
    @app_commands.autocomplete(tag=autocomplete.tags)
    async def list_saved(
        self, interaction: Interaction, order: str = Order.NEWEST.value, tag: Tag = "", search: Words = ""
    ) -> None:
        """Show the user's saved papers."""
        await responses.defer(interaction)
        await self._show(interaction, _make_state(order, tag, search))

    @app_commands.command(
        name="export", description="Your saved papers as a file for Zotero, LaTeX or a spreadsheet"
    )
    @app_commands.describe(
        format="BibTeX if left out",
        tag="Only papers with this tag",
        search="Words in the paper or in your note",
    )
    @app_commands.choices(format=FORMAT_CHOICES)
    @app_commands.autocomplete(tag=autocomplete.tags)
    async def export(
        self,
        interaction: Interaction,
        format: str = ReferenceFormat.BIBTEX.value,  # noqa: A002 - the option's name
        tag: Tag = "",
        search: Words = "",
    ) -> None:
        """Send the user's saved papers as a file."""
        await responses.defer(interaction)
        await self._send_export(interaction, format, _make_state(Order.NEWEST.value, tag, search))

    @app_commands.command(name="import", description="Save the arXiv papers of a Zotero, BibTeX or RIS file")
    @app_commands.describe(file="BibTeX, RIS, CSL JSON or Zotero RDF, as reference managers export it")
    async def import_file(self, interaction: Interaction, file: discord.Attachment) -> None:
        """Save the papers of a file. A large file is refused before it is downloaded."""
        await responses.defer(interaction)
        await self._import(interaction, file.size, file.read)

    @component_router.handles(shelf_view.OPEN_IMPORT, first=None)
    async def open_import(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Open the modal that takes a file."""
        texts = await interaction.client.texts_for(interaction)
        await responses.open_modal(interaction, shelf_view.import_modal(texts))

    @component_router.handles(shelf_view.SUBMIT_IMPORT)
    async def submit_import(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Save the papers of the modal's file."""
        url, size = component_router.uploaded_file(interaction)
        await self._import(interaction, size, lambda: interaction.client.http.get_from_cdn(url))

    async def _import(
        self, interaction: Interaction, size: int, download: Callable[[], Awaitable[bytes]]
    ) -> None:
        if size > MAX_FILE_BYTES:
            raise UserError("saved-import-too-large", megabytes=MAX_FILE_BYTES // 1_000_000)
        async with lookups.admitted(interaction):
            data = await download()
        with map_service_errors({UnreadableFileError: "saved-import-unreadable"}):
            counts, problems = await self._importer.import_file(interaction.user.id, data)
        self._profiles.wake(interaction.user.id)
        texts = await interaction.client.texts_for(interaction)
        await responses.reply_privately(interaction, shelf_view.import_view(texts, counts, problems))

    @component_router.handles(shelf_view.SELECT_ORDER)
    async def select_order(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the list in the selected order."""
        with custom_ids.map_parse_errors():
            order = Order(component_router.selected_value(interaction))
        await self._lists.show(interaction, (await self._load_state(action)).replace(order=order))

    @component_router.handles(shelf_view.SELECT_TAG)
    async def select_tag(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the papers with the selected tag, or all."""
        tag = component_router.selected_value(interaction)
        text = "" if tag == shelf_view.ALL_TAGS else tag
        await self._show(interaction, (await self._load_state(action)).replace(text=text))

    @component_router.handles(shelf_view.OPEN_SEARCH, first=None)
    async def open_search(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Open the modal that asks for a search."""
        texts = await interaction.client.texts_for(interaction)
        state = await self._load_state(action)
        await responses.open_modal(interaction, shelf_view.search_modal(texts, state))

    @component_router.handles(shelf_view.SUBMIT_SEARCH)
    async def submit_search(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the saved papers that the search finds."""
        text = component_router.modal_values(interaction).get(shelf_view.TEXT, "")
        state = await long_texts.store(self._tokens, list_state.unpack(action).replace(text=text))
        await responses.update_message(interaction, await self._lists.list_view(interaction, state))

    @component_router.handles(shelf_view.SHARE_LIST, first=None)
    async def share(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Post the first papers of the list publicly. Raises UserError unless the user may write in the channel."""
        checks.require_may_share(interaction)
        async with lookups.admitted(interaction):
            await responses.defer(interaction, public=True)
            texts = await interaction.client.texts_for(interaction)
            state = await self._load_state(action)
            rows, total = await self._shelf.list_saved(
                interaction.user.id, state.text, order=state.order, limit=shelf_view.MAX_SHARED
            )
        sharer = responses.display_name(interaction)
        view = shelf_view.shared_view(texts, rows, total, state.text, sharer=sharer)
        await responses.reply_publicly(interaction, view)

    @component_router.handles(shelf_view.EXPORT, first=responses.defer)
    async def select_export(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Send the papers of the list as a file of the selected format."""
        form = component_router.selected_value(interaction)
        await self._send_export(interaction, form, await self._load_state(action))

    @component_router.handles(shelf_view.PICK)
    async def pick(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the selected paper in place of the list."""
        paper = await self._find(interaction, component_router.selected_value(interaction))
        await self._show_paper(interaction, paper, await self._load_state(action))

    @component_router.handles(shelf_view.OPEN_NOTE, first=None)
    async def open_note(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Open the modal for the note of a paper."""
        texts = await interaction.client.texts_for(interaction)
        paper = await self._find(interaction, action.payload)
        await responses.open_modal(interaction, shelf_view.note_modal(texts, paper))

    @component_router.handles(shelf_view.OPEN_TAGS, first=None)
    async def open_tags(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Open the modal for the tags of a paper."""
        texts = await interaction.client.texts_for(interaction)
        paper = await self._find(interaction, action.payload)
        await responses.open_modal(interaction, shelf_view.tags_modal(texts, paper))

    @component_router.handles(shelf_view.SUBMIT_NOTE)
    async def submit_note(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Keep the note of the modal."""
        paper = await self._find(interaction, action.payload)
        note = component_router.modal_values(interaction).get(shelf_view.TEXT, "")
        await self._shelf.set_note(interaction.user.id, paper.id, note)
        await self._show_paper(interaction, await self._find(interaction, action.payload))

    @component_router.handles(shelf_view.SUBMIT_TAGS)
    async def submit_tags(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Keep the tags of the modal."""
        paper = await self._find(interaction, action.payload)
        typed = component_router.modal_values(interaction).get(shelf_view.TEXT, "")
        await self._shelf.set_tags(interaction.user.id, paper.id, typed)
        await self._show_paper(interaction, await self._find(interaction, action.payload))

    @component_router.handles(shelf_view.REMOVE)
    async def remove(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Remove a saved paper, with a button that takes it back."""
        texts = await interaction.client.texts_for(interaction)
        paper = await self._find(interaction, action.payload)
        await self._shelf.remove(interaction.user.id, paper.id)
        self._profiles.wake(interaction.user.id)
        view = shelf_view.removed_view(texts, paper, await self._list_of_message(interaction))
        await responses.update_message(interaction, view)

    @component_router.handles(shelf_view.UNDO)
    async def undo(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Bring back a removed paper with its note and tags."""
        paper_id, arxiv_id = action.fields(2)
        number = custom_ids.parse_number(paper_id)
        if not await self._shelf.restore(interaction.user.id, number) and not await self._shelf.has_saved(
            interaction.user.id, number
        ):
            raise UserError("saved-cannot-undo")
        self._profiles.wake(interaction.user.id)
        await self._show_paper(interaction, await self._find(interaction, arxiv_id))

    async def _show(self, interaction: Interaction, state: ListState) -> None:
        await self._lists.show(interaction, await long_texts.store(self._tokens, state))

    async def _load_state(self, action: custom_ids.Action) -> ListState:
        return await long_texts.load(self._tokens, list_state.unpack(action))

    async def _find(self, interaction: Interaction, arxiv_id: str) -> models.SavedPaper:
        paper = await self._shelf.get(interaction.user.id, arxiv_id)
        if paper is None:
            raise UserError("saved-not-any-more")
        return paper

    async def _show_paper(
        self, interaction: Interaction, paper: models.SavedPaper, back: ListState | None = None
    ) -> None:
        texts = await interaction.client.texts_for(interaction)
        back = back or await self._list_of_message(interaction)
        view = shelf_view.paper_view(texts, paper, back, may_share=checks.may_share(interaction))
        await responses.update_message(interaction, view)

    async def _list_of_message(self, interaction: Interaction) -> ListState:
        """Return the list to which the message's own button leads back."""
        components = interaction.message.components if interaction.message else ()
        for component in component_router.walk_components(components):
            action = custom_ids.unpack(getattr(component, "custom_id", None) or "")
            if action.verb == list_state.SHOW:
                return list_state.unpack(action)
        return ListState(ListKind.SAVED)

    async def _send_export(self, interaction: Interaction, form: str, state: ListState) -> None:
        with custom_ids.map_parse_errors():
            chosen = ReferenceFormat(form)
        texts = await interaction.client.texts_for(interaction)
        with map_service_errors({TooLargeError: "saved-export-too-large"}):
            data, count = await self._shelf.export(interaction.user.id, chosen, state.text, state.order)
        if not count:
            await responses.reply_privately(interaction, notices.text_view(texts("saved-nothing-to-export")))
            return
        filename = f"paperround.{FILE_ENDINGS[chosen]}"
        file = discord.File(io.BytesIO(data), filename)
        view = shelf_view.export_view(texts, chosen, count, filename)
        await responses.reply_privately(interaction, view, [file])


def _make_state(order: str, tag: str, search: str) -> ListState:
    with custom_ids.map_parse_errors():
        chosen = Order(order)
    text = " ".join(part for part in (tag and f"#{tag.lstrip('#')}", search) if part)
    return ListState(ListKind.SAVED, text, order=chosen)
