"""The commands /status (with its page of sources), /help and /me, and the button that resends an uncertain delivery."""

from __future__ import annotations

import io
from functools import partial

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.client import message_builder, permissions, responses, router, verbs
from bot.client.custom_ids import Action, pack_custom_id
from bot.client.handler_context import Request
from bot.client.refusals import UserError
from bot.client.responses import WithFile
from bot.client.router import Transfer
from bot.features.operations import messages as operations_messages
from bot.features.operations.readers import Readers
from bot.features.operations.service import StatusService, find_uncertain
from bot.papers import post_names
from bot.rendering import discord_text
from storage import accounts, shelf
from storage.archive import list_source_names

DATA_FILE = "paperround.json"


class StatusCog(router.NeedsGuild, commands.Cog):
    """The commands /status and /help, and their buttons."""

    @router.command(
        name="status", description="What arrived, what was posted, what comes next and what is stuck"
    )
    async def status(self, request: Request) -> ui.LayoutView:
        return await self._status_view(request)

    @router.command(name="help", description="What Paperround can do", mode=responses.AT_ONCE)
    async def help(self, request: Request) -> ui.LayoutView:
        return self._help_view(request)

    @router.handles(verbs.SHOW_HELP, responses.PRIVATELY)
    async def show_help(self, request: Request, action: Action) -> ui.LayoutView:
        return self._help_view(request)

    def _help_view(self, request: Request) -> ui.LayoutView:
        can_manage = permissions.is_manager(request.interaction)
        names = []
        for command in request.interaction.client.tree.walk_commands():
            top = command.root_parent or command
            is_offered = request.interaction.guild_id is not None or not top.guild_only
            if isinstance(command, app_commands.Command) and is_offered:
                name = command.qualified_name
                is_open = top.default_permissions is None and name not in operations_messages.FOR_MANAGERS
                names += [name] if can_manage or is_open else []
        return operations_messages.help_view(
            request.texts, names, request.interaction.client.mentions, can_manage=can_manage
        )

    @router.handles(verbs.SHOW_STATUS, responses.PRIVATELY)
    async def show_status(self, request: Request, action: Action) -> ui.LayoutView:
        return await self._status_view(request)

    @router.handles(verbs.REPEAT_POST, check=permissions.require_manager)
    async def post_again(self, request: Request, action: Action) -> ui.LayoutView:
        """Resend a delivery whose outcome is unknown."""
        interaction = request.interaction
        assert interaction.guild_id is not None  # checked by require_manager
        database = request.services.database
        delivery = await database.fetch(find_uncertain, action.number, interaction.guild_id)
        if delivery is None or delivery.channel_id is None:
            raise UserError("nothing-to-post-again")
        channel = permissions.require_channel(interaction.guild, delivery.channel_id)
        await permissions.require_bot_may_post(request, channel)
        if not await request.services.get(StatusService).resend(delivery.id):
            raise UserError("nothing-to-post-again")
        return message_builder.text_view(request.texts("posting-again"))

    async def _status_view(self, request: Request) -> ui.LayoutView:
        interaction = request.interaction
        can_manage = permissions.is_manager(interaction)
        async with router.admitted_lookup(interaction):
            report = await request.services.get(StatusService).report(
                user_id=request.user_id,
                guild_id=interaction.guild_id,
                channel_id=interaction.channel_id,
                may_see=partial(permissions.may_see, interaction),
                most=post_names.MAX_LISTED,
            )
        return operations_messages.status_view(
            request.texts,
            report,
            guild_id=interaction.guild_id,
            can_manage=can_manage,
            names=permissions.name_channels(interaction, [row.channel_id for row, _ in report.subscriptions]),
        )


@app_commands.allowed_installs(guilds=True, users=True)
@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
class MeCog(commands.GroupCog, name="me", description="What is stored about you"):
    """The `/me` commands, which manage the reader's own data. Every reply is private."""

    @router.command(name="data", description="Everything stored about you, as a file")
    @router.transfers
    async def data(self, request: Transfer) -> WithFile:
        content = await request.services.get(Readers).export(request.user_id)
        if len(content) > discord_text.FILE_BYTES:
            raise UserError("me-data-too-large")
        message = message_builder.MessageBuilder()
        message.add_text(request.texts("me-data", command=request.interaction.client.mentions("me forget")))
        message.add_file(DATA_FILE)
        return WithFile(message.view, discord.File(io.BytesIO(content), DATA_FILE))

    @router.command(name="forget", description="Delete everything stored about you")
    async def forget(self, request: Request) -> ui.LayoutView:
        """Show what would be deleted and a button to confirm."""
        texts = request.texts
        counts = await request.services.database.fetch(accounts.count_reader_data, request.user_id)
        if not counts:
            return message_builder.text_view(texts("me-nothing"))
        text = texts(
            "me-forget-question",
            saved=await request.services.database.fetch(shelf.count, request.user_id),
            alerts=counts.get("alerts", 0),
            messages=counts.get("deliveries", 0),
            command=request.interaction.client.mentions("me data"),
        )
        danger = discord.ButtonStyle.danger
        forget = message_builder.button(
            texts("me-forget-all"), pack_custom_id(verbs.FORGET_READER), style=danger
        )
        keep = message_builder.button(texts("me-keep"), pack_custom_id(verbs.KEEP_READER))
        return message_builder.text_view(text, forget, keep, accent=message_builder.RED)

    @router.handles(verbs.FORGET_READER)
    async def confirm_forget(self, request: Request, action: Action) -> ui.LayoutView:
        """Delete all data about the reader who pressed the button."""
        await request.services.get(Readers).forget(request.user_id)
        return message_builder.text_view(request.texts("me-forgotten"))

    @router.handles(verbs.KEEP_READER)
    async def keep(self, request: Request, action: Action) -> ui.LayoutView:
        """Close the confirmation without deleting anything."""
        return message_builder.text_view(request.texts("me-kept"))


class SourcesCog(commands.Cog):
    """Lists the sources of digests and their health. Operators manage sources on the command line."""

    @router.handles(verbs.SHOW_SOURCES)
    async def show(self, request: Request, action: Action) -> ui.LayoutView:
        return operations_messages.sources_view(
            request.texts,
            await request.services.sources.list_rows(),
            action.number,
            stored=await request.services.database.fetch(list_source_names),
            extent=await request.services.search.get_extent(),
            now=request.services.clock(),
        )
