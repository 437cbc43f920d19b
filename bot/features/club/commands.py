"""The command `/club`, and the button *Discuss* on a paper's card."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from contextlib import suppress
from typing import Any

import discord
from discord import app_commands, ui
from discord.ext import commands

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
from bot.client.handler_context import Client, Request
from bot.client.message_builder import button
from bot.client.refusals import UserError, refusal_text
from bot.core import schedule
from bot.features.club import messages as club_messages
from bot.features.club.service import ClubPost, Clubs, NoClubError
from bot.i18n import typed_values
from bot.papers import replies
from bot.papers.replies import load_paper
from bot.rendering import discord_text
from storage import club as storage
from storage import models, shelf
from storage.errors import UsageError

NAMES = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
DAYS = [
    app_commands.Choice(name=name, value=day) for name, day in zip(NAMES, schedule.DAY_NAMES, strict=True)
]
NEEDED = (*permissions.REQUIRED, "create_public_threads", "send_messages_in_threads")
NEEDED_BY_CLUB = (*NEEDED, "send_polls", "create_events")


async def _require_club(
    request: Request, channel_id: int, weekday: int, zone: str, at_time: str
) -> storage.Club:
    """Return a club in a channel. Raises UserError if the reader or the bot lacks a permission for it."""
    permissions.require_manager(request.interaction)
    channel = permissions.require_channel(request.interaction.guild, channel_id)
    await permissions.require_bot_may_post(request, channel, NEEDED_BY_CLUB)
    return storage.Club(
        guild_id=channel.guild.id,
        channel_id=channel.id,
        weekday=weekday,
        at_time=at_time,
        timezone=zone,
        locale=request.texts.locale,
        created_by=request.user_id,
        starts_at=request.services.clock(),
    )


@app_commands.guild_only()
@app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
@app_commands.allowed_installs(guilds=True, users=False)
class ClubCog(
    router.NeedsGuild, commands.GroupCog, name="club", description="A paper for your group each week"
):
    def __init__(self, bot: Client) -> None:
        self._clubs = bot.services.get(Clubs)
        bot.services.get(replies.Additions).card_offers.append(self._add_to_card)

    @router.command(name="setup", description="Choose a paper together each week")
    @app_commands.describe(channel="Where you vote and discuss", day="When you meet", time="Such as 5pm KST")
    @app_commands.choices(day=DAYS)
    @app_commands.autocomplete(time=autocomplete.times)
    async def setup(
        self, request: Request, channel: discord.TextChannel, day: str, time: app_commands.Range[str, 1, 40]
    ) -> ui.LayoutView:
        """Show the club as it would be, with a button that sets it up or changes it."""
        server_zone = await request.interaction.client.timezone_for(request.interaction, of_server=True)
        time, zone = typed_values.split_zone(time)
        weekday, at_time = schedule.parse_days(day)[0], typed_values.parse_time(time)
        club = await _require_club(request, channel.id, weekday, zone or server_zone, at_time)
        overview, done = await self._clubs.preview(club)
        if done == "club-unchanged":
            return await self._view(request, self._clubs.set_up(club))
        return club_messages.preview_view(request.texts, overview, is_new=done == "club-set-up")

    @router.handles(verbs.START_CLUB, check=permissions.require_manager)
    async def start(self, request: Request, action: Action) -> ui.LayoutView:
        channel_id, day, zone, time = action.fields(4)
        with custom_ids.map_parse_errors():
            weekday, at_time = custom_ids.parse_number(day, 7), f"{schedule.parse_time(time):%H:%M}"
        club = await _require_club(request, custom_ids.parse_number(channel_id), weekday, zone, at_time)
        return await self._view(request, self._clubs.set_up(club))

    @router.command(name="now", description="Begin the vote for the next meeting now")
    async def begin_vote(self, request: Request) -> ui.LayoutView:
        permissions.require_manager(request.interaction)
        return await self._view(request, self._clubs.begin_vote(request.interaction.guild_id or 0))

    @router.command(name="skip", description="Skip the next meeting")
    async def skip(self, request: Request) -> ui.LayoutView:
        """Skip the next meeting: delete its event and close its vote without counting it."""
        permissions.require_manager(request.interaction)
        return await self._view(request, self._clubs.skip(request.interaction.guild_id or 0))

    @router.handles(verbs.CONFIRM_STOP_CLUB)
    async def confirm_stop(self, request: Request, action: Action) -> ui.LayoutView:
        texts, danger = request.texts, discord.ButtonStyle.danger
        return message_builder.text_view(
            texts("club-stop-sure", channel=f"<#{action.number}>"),
            button(texts("club-stop"), pack_custom_id(verbs.STOP_CLUB), style=danger),
            button(texts("back"), pack_custom_id(verbs.SHOW_CLUB, 0)),
        )

    @router.handles(verbs.STOP_CLUB)
    async def stop(self, request: Request, action: Action) -> ui.LayoutView:
        permissions.require_manager(request.interaction)
        with suppress(NoClubError):
            await self._clubs.stop(request.interaction.guild_id or 0)
        return message_builder.text_view(request.texts("club-stopped"))

    @router.command(name="list", description="The club's next meeting, and the papers so far")
    async def list_papers(self, request: Request) -> ui.LayoutView:
        return await self._view(request)

    @router.handles(verbs.SHOW_CLUB)
    async def show(self, request: Request, action: Action) -> ui.LayoutView:
        return await self._view(request)

    async def _view(self, request: Request, done: Awaitable[str] | None = None) -> ui.LayoutView:
        """Return the club's view with the text (a Fluent id) of a finished action. Raises UserError."""
        mention, result = request.interaction.client.mentions, ""
        with suppress(NoClubError):
            if done is not None and (text_id := await done):
                result = request.texts(text_id, now=mention("club now"), skip=mention("club skip"))
        if (overview := await self._clubs.load(request.interaction.guild_id or 0)) is None:
            raise UserError("club-missing", setup=mention("club setup"))
        return club_messages.club_view(
            request.texts,
            overview,
            mention("club now"),
            mention("status"),
            result,
            can_manage=permissions.is_manager(request.interaction),
            is_visible=permissions.may_see(request.interaction, overview.club.channel_id),
        )

    async def _add_to_card(
        self, request: Request, paper: models.PaperDetail, page: int | None, saved: models.SavedPaper | None
    ) -> Sequence[ui.Item[Any]]:
        custom_id = pack_custom_id(verbs.DISCUSS, models.alias_of(paper.key))
        discuss = button(request.texts("discuss"), custom_id, emoji="💬")
        return [discuss] if permissions.may_share(request.interaction) else []

    @router.handles(verbs.SILENCE, responses.PRIVATELY)
    async def silence(self, request: Request, action: Action) -> ui.LayoutView:
        """Tell this thread nothing more, for its opener or a member who manages threads."""
        thread_id = request.interaction.channel_id or 0
        opener = await request.services.database.fetch(storage.find_opener, thread_id)
        if request.user_id != opener and not request.interaction.permissions.manage_threads:
            raise UserError("thread-news-not-yours")
        await request.services.database.write(storage.silence_thread, thread_id)
        return message_builder.text_view(request.texts("thread-news-stopped"))

    @router.handles(verbs.DISCUSS, responses.PRIVATELY, check=permissions.require_may_share)
    async def discuss(self, request: Request, action: Action) -> ui.LayoutView:
        """Open a thread about a button's or menu's paper in this channel (in a forum, a post), or link to the existing one."""
        channel = request.interaction.channel
        if isinstance(channel, discord.Thread) and isinstance(channel.parent, discord.ForumChannel):
            channel = channel.parent
        if not isinstance(channel, discord.TextChannel | discord.ForumChannel):
            raise UserError("club-no-threads")
        is_forum = isinstance(channel, discord.ForumChannel)
        member = await permissions.fetch_member(request.interaction, channel.guild.id)
        granted = channel.permissions_for(member)
        if not (granted.send_messages if is_forum else granted.create_public_threads):
            raise UserError("club-may-not-open", channel=channel.mention)
        await permissions.require_bot_may_post(request, channel, NEEDED)
        post = ClubPost(
            guild_id=channel.guild.id, channel_id=channel.id, locale=request.texts.locale, is_forum=is_forum
        )
        paper = await load_paper(
            request, action.payload or interaction_values.selected_value(request.interaction)
        )
        thread_id = await self._clubs.discuss(paper, post, request.user_id, request.services.secret)
        key = "club-opening" if thread_id is None else "club-open"
        lines = [request.texts(key, channel=channel.mention, thread=f"<#{thread_id}>")]
        listing = (
            post.guild_id,
            [paper.id],
            request.user_id,
            request.services.clock(),
            request.services.secret,
        )
        try:
            added, _ = await request.services.database.write(shelf.add_to_list, *listing)
            if added:
                lines.append(discord_text.subtext(request.texts("list-added", count=1, known=0)))
        except UsageError as error:
            lines.append(discord_text.subtext(refusal_text(request.texts, error)))
        return message_builder.text_view("\n".join(lines))
