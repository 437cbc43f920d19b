"""The `/saved` command: saved papers of a reader or on a server's list, with their export and import."""

from __future__ import annotations

import asyncio
import io
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.archive.exports import FILE_ENDINGS, ReferenceFormat
from bot.client import (
    autocomplete,
    custom_ids,
    interaction_values,
    message_builder,
    permissions,
    responses,
    router,
    verbs,
)
from bot.client.custom_ids import Action, pack_custom_id
from bot.client.handler_context import Client, Interaction, Request
from bot.client.message_builder import button
from bot.client.refusals import UserError
from bot.client.responses import WithFile
from bot.client.router import Transfer
from bot.features.shelf import messages as shelf_messages
from bot.features.shelf import notes
from bot.features.shelf.service import MAX_FILE_BYTES, Shelf
from bot.papers import list_state, message_parts, replies
from bot.papers.list_state import ListKind, ListState
from bot.papers.replies import card_view
from bot.rendering import discord_text
from storage import accounts, club, models, news, papers, shelf
from storage.shelf import Owner

Tag = app_commands.Range[str, 1, 60]
TypedText = app_commands.Range[str, 1, 300]


@autocomplete.guarded
async def _complete_tags(interaction: Interaction, current: str) -> autocomplete.Choices:
    """Suggest the reader's tags, or those of the named list, that contain the typed text, most used first, with their papers."""
    texts = await interaction.client.texts_for(interaction)
    typed, place = current.strip().lstrip("#").casefold(), (interaction.namespace.list or "").strip()
    server_id = await _find_server(interaction, place) if place else 0
    if server_id and not await permissions.is_member(interaction, server_id):
        return []
    owner = Owner(interaction.user.id, server_id)
    counts = await interaction.client.services.get(Shelf).list_tags(owner, typed)
    return autocomplete.make_choices(
        (f"#{tag} — {texts('choice-papers', count=count)}", tag) for tag, count in counts
    )


_LAST = 10**16
"""The latest time in a button, in microseconds since 1970: the year 2286."""
_THIS_SERVER = frozenset({"server", "서버"})


async def _find_server(interaction: Interaction, typed: str) -> int:
    """Return the server whose list an option names. Raises UserError."""
    if interaction.client.is_in_server(interaction) and typed.casefold() in _THIS_SERVER:
        return interaction.guild_id or 0
    if typed.isascii() and typed.isdecimal() and 0 < int(typed) <= custom_ids.MAX_NUMBER:
        return int(typed)
    shared = await _find_shared_servers(interaction, typed)
    exact = [server_id for server_id, name in shared.items() if name.casefold() == typed.casefold()]
    if len(named := exact or [*shared]) != 1:
        raise UserError("list-unknown")
    return named[0]


@autocomplete.guarded
async def _complete_lists(interaction: Interaction, current: str) -> autocomplete.Choices:
    """Suggest this server's list or, elsewhere, those of servers that the reader shares with the bot."""
    if interaction.client.is_in_server(interaction):
        texts = await interaction.client.texts_for(interaction)
        return autocomplete.make_choices([(texts("list-choice"), "server")])
    shared = await _find_shared_servers(interaction, current)
    return autocomplete.make_choices((name, str(server_id)) for server_id, name in shared.items())


async def _find_shared_servers(interaction: Interaction, typed: str) -> dict[int, str]:
    """Return the names of up to 25 servers with a list that the reader shares with the bot and whose name has a text.

    Discord is asked for 25 memberships a minute (`permissions.is_member`).
    """
    wanted, found = typed.strip().casefold(), list[tuple[tuple[bool, bool, bool], int, str]]()
    for row in await interaction.client.services.database.fetch(shelf.list_servers, interaction.user.id):
        guild = interaction.client.get_guild(row.guild_id)
        name = guild.name if guild else row.name or ""
        kept = permissions.recall_membership(interaction, row.guild_id)
        if wanted in name.casefold() and kept is not False:
            found.append(((name.casefold() != wanted, row.is_other, kept is None), row.guild_id, name))
    first = sorted(found, key=lambda server: server[0])[: discord_text.AUTOCOMPLETE_CHOICES]
    asked = (permissions.is_member(interaction, server_id) for _, server_id, _ in first)
    answers = await asyncio.gather(*asked, return_exceptions=True)
    return {id_: name for (_, id_, name), answer in zip(first, answers, strict=True) if answer is True}


class ShelfCog(commands.Cog):
    def __init__(self, bot: Client) -> None:
        self._shelf = bot.services.get(Shelf)
        bot.services.get(replies.Additions).list_views[ListKind.SAVED] = self._page_view
        bot.services.get(replies.Additions).card_offers.append(self._add_to_card)

    @router.command(
        name="saved", description="Your saved papers, with notes and tags; to export or import them too"
    )
    @app_commands.describe(
        search="Words in the paper or in your note",
        tag="Only papers with this tag",
        place="The list of this server, which its members share, in place of your own papers",
    )
    @app_commands.rename(place="list")
    @app_commands.autocomplete(tag=_complete_tags, place=_complete_lists)
    async def list_saved(
        self, request: Request, search: TypedText = "", tag: Tag = "", place: TypedText = ""
    ) -> ui.LayoutView:
        query = " ".join([*(f"#{name}" for name in notes.parse_tags(tag)), search]).strip()
        server_id = await _find_server(request.interaction, place.strip()) if place else 0
        return await replies.list_view(request, ListState(ListKind.SAVED, query, server_id=server_id))

    @router.handles(verbs.OPEN_IMPORT, responses.AT_ONCE)
    async def open_import(self, request: Request, action: Action) -> ui.Modal:
        return shelf_messages.import_modal(request.texts, action.number)

    @router.handles(verbs.SUBMIT_IMPORT)
    @router.transfers
    async def submit_import(self, request: Transfer, action: Action) -> ui.LayoutView:
        """Save the papers of the uploaded file, for a manager on the server's list. Too large a file is not downloaded."""
        if server_id := action.number:
            await permissions.require_manager_of(request.interaction, server_id)
        url, size = interaction_values.uploaded_file(request.interaction)
        if size > MAX_FILE_BYTES:
            raise UserError("saved-import-too-large", megabytes=MAX_FILE_BYTES // 1_000_000)
        data = await request.read_upload(url)
        with_tags = bool(interaction_values.modal_values(request.interaction).get(shelf_messages.TAGS))
        imported = await self._shelf.import_file(
            Owner(request.user_id, server_id), data, is_kept=request.is_kept, with_tags=with_tags
        )
        return shelf_messages.import_view(request.texts, imported, server_id)

    @router.handles(
        verbs.SAVE_PAPER,
        lambda action: responses.PRIVATELY if _card_page(action) is None else responses.IN_PLACE,
    )
    async def save(self, request: Request, action: Action) -> ui.LayoutView:
        """Save or remove a paper; one saved again has its note and tags. Updates a private card; replies privately elsewhere."""
        save, _, paper_key = action.fields(3)
        page = _card_page(action)
        paper_ids = await self._find_ids(request, [paper_key])
        answer: ui.LayoutView | None = None
        write, [paper_id] = request.services.database.write, paper_ids
        if save == "1":
            await write(shelf.put_back, Owner(request.user_id), paper_id=paper_id)
            answer = await self._save(request, paper_ids)
        else:
            await write(shelf.take_off, request.user_id, paper_id, request.services.clock())
        if answer is None or (page is not None and interaction_values.is_ephemeral(request.interaction)):
            return await card_view(request, paper_key, page or 0)
        return answer

    @router.handles(verbs.SAVE_SELECTED, responses.PRIVATELY)
    async def save_selected(self, request: Request, action: Action) -> ui.LayoutView:
        selected = interaction_values.selected_values(request.interaction)
        return await self._save(request, await self._find_ids(request, selected))

    @router.handles(verbs.LIST_PAPER, responses.PRIVATELY, also=(verbs.LIST_SELECTED,))
    async def add_to_list(self, request: Request, action: Action) -> ui.LayoutView:
        """Put a button's paper or a menu's on the server's list. A paper on it is shown with who added it."""
        named = (
            [action.payload] if action.payload else interaction_values.selected_values(request.interaction)
        )
        return await self._add_to_list(request, named)

    async def _add_to_list(self, request: Request, paper_keys: Sequence[str]) -> ui.LayoutView:
        texts, owner = request.texts, await self._require_list(request)
        ids = await self._find_ids(request, paper_keys)
        services, listed = request.services, (owner.server_id, ids, owner.reader_id)
        listing = *listed, services.clock(), services.secret
        added, total = await services.database.write(shelf.add_to_list, *listing)
        lines = [texts("list-added", count=len(added), known=len(ids) - len(added))]
        if added and len(added) == total:
            lines.append(texts("list-what", command=request.interaction.client.mentions("saved")))
        if len(paper_keys) == 1:
            return await self._entry_view(request, owner, paper_keys[0], "\n".join(lines))
        return message_builder.text_view("\n".join(lines), shelf_messages.list_opener(texts, owner.server_id))

    async def _require_list(self, request: Request) -> Owner:
        """Return the server of a control as the owner of its list. Raises UserError outside of the bot's servers."""
        if not request.interaction.client.is_in_server(request.interaction):
            raise UserError("list-only-in-servers")
        return Owner(request.user_id, request.interaction.guild_id or 0)

    async def _entry_view(
        self, request: Request, owner: Owner, paper_key: str, head: str = ""
    ) -> ui.LayoutView:
        entry = await self._find(request, owner, paper_key)
        may_remove = self._may_remove(request, entry)
        return shelf_messages.list_entry_view(
            request.texts, owner.server_id, entry, head, may_remove=may_remove
        )

    def _may_remove(self, request: Request, entry: models.SavedPaper) -> bool:
        return entry.added_by == request.user_id or permissions.is_manager(request.interaction)

    @router.handles(verbs.REMOVE_LISTED)
    async def remove_listed(self, request: Request, action: Action) -> ui.LayoutView:
        """Take a paper off the list, for who added it or a manager."""
        owner = await self._require_list(request)
        entry = await self._find(request, owner, action.payload)
        if not self._may_remove(request, entry):
            raise UserError("list-not-yours")
        await request.services.database.write(shelf.take_off, owner.id, entry.id, request.services.clock())
        return shelf_messages.removed_view(request.texts, entry)

    @router.handles(verbs.PUT_BACK_LISTED)
    async def put_back(self, request: Request, action: Action) -> ui.LayoutView:
        """Put a paper back that was taken off, for who added it or a manager."""
        owner, [paper_id] = await self._require_list(request), await self._find_ids(request, [action.payload])
        added_by = None if permissions.is_manager(request.interaction) else request.user_id
        await request.services.database.write(shelf.put_back, owner, paper_id=paper_id, added_by=added_by)
        return await self._entry_view(request, owner, action.payload)

    async def _add_to_card(
        self, request: Request, paper: models.PaperDetail, page: int | None, saved: models.SavedPaper | None
    ) -> Sequence[ui.Item[Any]]:
        """Return the buttons of the server's list and, on a card of a saved paper, *Mark as read*."""
        texts, offers, server_id = request.texts, [], request.interaction.guild_id or 0
        if request.interaction.client.is_in_server(request.interaction):
            is_listed = False
            if page is not None:  # a shared card stays when the paper is taken off
                find_entry = request.services.database.fetch(shelf.get, server_id, paper.key)
                is_listed = await find_entry is not None
            offers.append(message_parts.list_button(texts, paper.key, is_listed=is_listed))
        if page is not None and saved is not None:
            custom_id = pack_custom_id(verbs.MARK_READ, shelf_messages.READ, page, models.alias_of(paper.key))
            offers.append(button(texts("club-unread" if club.READ in saved.tags else "club-read"), custom_id))
        return offers

    @router.handles(
        verbs.MARK_READ,
        lambda action: (
            responses.IN_PLACE if action.payload.startswith(shelf_messages.READ) else responses.PRIVATELY
        ),
    )
    async def mark(self, request: Request, action: Action) -> ui.LayoutView:
        """Mark a card's paper as read or unread. A former version's button nominated the paper: it is put on the list."""
        mark, page, paper_key = action.fields(3)
        if mark != shelf_messages.READ:
            return await self._add_to_list(request, [paper_key])
        toggled = request.user_id, paper_key, request.interaction.guild_id
        await request.services.database.write(club.toggle_read, *toggled)
        return await card_view(request, paper_key, custom_ids.parse_number(page))

    async def _find_ids(self, request: Request, paper_keys: Sequence[str]) -> list[int]:
        # Load no texts, which would take as long as several lookups.
        ids = await request.services.database.fetch(papers.get_ids, paper_keys)
        if unknown := [paper_key for paper_key in paper_keys if paper_key not in ids]:
            raise UserError("no-paper", paper=discord_text.escape_untrusted(unknown[0]))
        return [ids[paper_key] for paper_key in paper_keys]

    async def _save(self, request: Request, ids: Sequence[int]) -> ui.LayoutView:
        """Save papers and return the confirmation. Raises UserError if the shelf is full."""
        await self._shelf.save(request.user_id, ids, request.interaction.guild_id)
        command = request.interaction.client.mentions("saved")
        return message_builder.text_view(request.texts("paper-saved", count=len(ids), command=command))

    @router.handles(verbs.SEARCH_SAVED, responses.AT_ONCE)
    async def open_search(self, request: Request, action: Action) -> ui.Modal:
        return shelf_messages.search_modal(request.texts, await replies.load_state(request, action))

    @router.handles(verbs.SUBMIT_SEARCH)
    async def submit_search(self, request: Request, action: Action) -> ui.LayoutView:
        text = interaction_values.modal_values(request.interaction).get(shelf_messages.TEXT, "")
        return await replies.list_view(request, list_state.unpack_state(action).replace(text=text))

    @router.handles(verbs.EXPORT_SAVED, responses.PRIVATELY)
    @router.transfers
    async def select_export(self, request: Transfer, action: Action) -> ui.LayoutView | WithFile:
        state = await replies.load_state(request, action)
        owner = await self._require_owner(request, state)
        with custom_ids.map_parse_errors():
            chosen = ReferenceFormat(interaction_values.selected_value(request.interaction))
        data, count = await self._shelf.export(owner, chosen, state.text)
        if not count:
            return message_builder.text_view(request.texts("saved-nothing-to-export"))
        filename = f"paperround.{FILE_ENDINGS[chosen]}"
        view = shelf_messages.export_view(request.texts, chosen, count, filename)
        return WithFile(view, discord.File(io.BytesIO(data), filename))

    @router.handles(
        verbs.SHOW_ADDRESS,
        lambda action: responses.PRIVATELY if action.verb == verbs.SHOW_ADDRESS else responses.IN_PLACE,
        also=(verbs.RENEW_ADDRESS, verbs.CLOSE_ADDRESS),
    )
    async def change_address(self, request: Request, action: Action) -> ui.LayoutView:
        """Show, renew or close the address of a list: of a server's, for its managers."""
        state, url, token = list_state.unpack_state(action), request.services.lists_url, None
        if state.server_id:
            await permissions.require_manager_of(request.interaction, state.server_id)
        if action.verb != verbs.CLOSE_ADDRESS:
            if url is None:
                raise UserError("address-no-web")
            token = secrets.token_hex(16)
        keep = action.verb == verbs.SHOW_ADDRESS
        owner, write = Owner(request.user_id, state.server_id), request.services.database.write
        token = await write(shelf.set_address, owner.id, token, keep=keep)
        if token is None:
            return message_builder.text_view(request.texts("address-closed"))
        return shelf_messages.address_view(request.texts, state, url or "", token)

    @router.handles(verbs.EDIT_SAVED, responses.AT_ONCE)
    async def open_edit(self, request: Request, action: Action) -> ui.Modal:
        page, paper_key = action.fields(2)
        entry = await self._find(request, await self._owner_of(request, page), paper_key)
        return shelf_messages.edit_modal(request.texts, entry, page)

    @router.handles(verbs.SUBMIT_SAVED)
    async def submit_edit(self, request: Request, action: Action) -> list[ui.LayoutView]:
        """Store the note and tags. Tags that are not kept are named in a message of their own."""
        page, paper_key = action.fields(2)
        owner = await self._owner_of(request, page)
        entry = await self._find(request, owner, paper_key)
        typed = interaction_values.modal_values(request.interaction)
        note, tags = (typed.get(name, "") for name in (shelf_messages.NOTE, shelf_messages.TAGS))
        left = await self._shelf.annotate(owner, entry.id, note=note, tags=tags)
        views = [shelf_messages.left_tags_view(request.texts, left)] if left else []
        if owner.server_id:
            return [await self._entry_view(request, owner, paper_key), *views]
        return [await card_view(request, paper_key, custom_ids.parse_number(page)), *views]

    async def _owner_of(self, request: Request, page: str) -> Owner:
        """Return the owner of a form's paper: the server if the form is from its list, which has no `page`. Raises UserError."""
        is_list = page == message_parts.NO_PAGE
        return await self._require_list(request) if is_list else Owner(request.user_id)

    @router.handles(verbs.START_NEWS)
    async def start_news(self, request: Request, action: Action) -> list[ui.LayoutView]:
        await router.open_dm(request)
        zone = await request.interaction.client.timezone_for(request.interaction)
        await self._shelf.start_news(request.user_id, zone)
        listed = await replies.list_view(request, await replies.load_state(request, action))
        return [listed, message_builder.text_view(request.texts("news-on"))]

    @router.handles(
        verbs.STOP_NEWS, lambda action: responses.IN_PLACE if action.payload else responses.PRIVATELY
    )
    async def stop_news(self, request: Request, action: Action) -> ui.LayoutView:
        """Stop the reader's weekly messages. Updates the list, or replies privately to a message about what is new."""
        await request.services.database.write(news.switch_off, request.user_id)
        if action.payload:
            return await replies.list_view(request, await replies.load_state(request, action))
        command = request.interaction.client.mentions("saved")
        return message_builder.text_view(request.texts("news-stopped", command=command))

    @router.handles(verbs.REMOVE_SAVED, responses.PRIVATELY)
    async def remove_saved(self, request: Request, action: Action) -> ui.LayoutView:
        """Remove the papers chosen in a menu, of a manager's import from the list. Those that were gone are not counted."""
        if server_id := action.number:
            await permissions.require_manager_of(request.interaction, server_id)
        selected, now = interaction_values.selected_values(request.interaction), request.services.clock()
        owner, removed = Owner(request.user_id, server_id), 0
        for paper_id in await self._find_ids(request, selected):
            removed += await request.services.database.write(shelf.take_off, owner.id, paper_id, now)
        if not removed:
            raise UserError("saved-not-any-more")
        return shelf_messages.removed_saved_view(request.texts, removed, now, server_id)

    @router.handles(verbs.PUT_BACK_SAVED)
    async def put_back_saved(self, request: Request, action: Action) -> ui.LayoutView:
        """Save the papers again that were removed at a button's time, with their notes and tags."""
        time, _, server = action.payload.partition(":")
        at = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=custom_ids.parse_number(time, _LAST))
        if server_id := custom_ids.parse_number(server or "0"):
            await permissions.require_manager_of(request.interaction, server_id)
        owner = Owner(request.user_id, server_id)
        count = await request.services.database.write(shelf.put_back, owner, removed_at=at)
        if not count:
            raise UserError("news-nothing-removed")
        if server_id:
            return message_builder.text_view(request.texts("list-added", count=count, known=0))
        command = request.interaction.client.mentions("saved")
        return message_builder.text_view(request.texts("paper-saved", count=count, command=command))

    async def _page_view(self, request: Request, state: ListState) -> ui.LayoutView:
        """Return a page of an owner's papers, or the last page if the page number is too large. Raises UserError."""
        interaction, owner = request.interaction, await self._require_owner(request, state)
        page = await self._shelf.load_page(owner, state.text, limit=state.size, offset=state.offset)
        if state.offset >= page.total > 0:
            last = (page.total - 1) // state.size
            return await self._page_view(request, state.replace(page=last))
        stored = await request.services.database.fetch(accounts.get_guild, owner.server_id)
        guild = interaction.client.get_guild(owner.server_id) or stored
        is_managed = owner.server_id == interaction.guild_id and permissions.is_manager(interaction)
        return shelf_messages.saved_view(
            request.texts,
            state,
            page,
            server_name=(guild and guild.name) or "none",
            may_share=is_managed or not owner.server_id,
            here=interaction.guild_id or 0 if interaction.client.is_in_server(interaction) else 0,
        )

    async def _require_owner(self, request: Request, state: ListState) -> Owner:
        """Return whose papers a state shows. Raises UserError if the reader is not a member of the server whose list it is."""
        if state.server_id and not await permissions.is_member(request.interaction, state.server_id):
            raise UserError("list-unknown")
        return Owner(request.user_id, state.server_id)

    async def _find(self, request: Request, owner: Owner, paper_key: str) -> models.SavedPaper:
        """Return one of an owner's papers. Raises UserError if it is not there any more."""
        paper = await request.services.database.fetch(shelf.get, owner.id, paper_key)
        if paper is None:
            raise UserError("list-not-any-more" if owner.server_id else "saved-not-any-more")
        return paper


def _card_page(action: Action) -> int | None:
    """Return the page of the card that the pressed button is on; None if it is not on a card."""
    page = action.fields(3)[1]
    return None if page == message_parts.NO_PAGE else custom_ids.parse_number(page)
