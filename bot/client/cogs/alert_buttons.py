"""Stored alerts: found, shown and paused, and their buttons and menus. The commands are in `alerts`, drafts in `alert_drafts`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from discord import ui
from discord.ext import commands

from bot.client.components import custom_ids
from bot.client.components.custom_ids import Action
from bot.client.context import Client, Interaction, Request
from bot.client.interactions import checks, component_router, responses
from bot.client.interactions.errors import UserError, map_service_errors
from bot.client.views import alert_post, alert_text, alert_why, notices
from bot.client.views import alerts as alerts_view
from bot.client.views.papers import paper_text
from bot.digests.elements import arxiv_ids
from storage import errors as storage_errors
from storage import models


class AlertButtonsCog(commands.Cog):
    """A user's alerts, managed with components."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services

    @component_router.handles(alert_post.MANAGE)
    async def show_list(self, request: Request, action: Action) -> ui.LayoutView:
        """Show a page of the user's alerts."""
        return await list_view(request, action.number)

    @component_router.handles(alerts_view.SERVER_LIST, check=checks.require_manager)
    async def show_server_list(self, request: Request, action: Action) -> ui.LayoutView:
        """Show a page of the alerts in the server's channels."""
        rows = await _list_in_server(request)
        now, channel_name = self._services.clock(), channel_namer(request.interaction)
        return alerts_view.list_view(request.texts, rows, action.number, now, channel_name, in_server=True)

    @component_router.handles(alerts_view.SERVER_SELECT, check=checks.require_manager)
    async def select_server_alert(self, request: Request, action: Action) -> ui.LayoutView:
        """Show the selected alert of the server's channels."""
        selected = component_router.selected_value(request.interaction)
        alert = await _find_in_server(request, selected)
        return alerts_view.server_alert_view(request.texts, alert, self._services.clock())

    @component_router.handles(alerts_view.SERVER_REMOVE, check=checks.require_manager)
    async def remove_server_alert(self, request: Request, action: Action) -> ui.LayoutView:
        """End an alert in one of the server's channels, also another member's."""
        return await remove(request, await _find_in_server(request, action.payload), as_manager=True)

    @component_router.handles(alerts_view.SELECT)
    async def select_alert(self, request: Request, action: Action) -> ui.LayoutView:
        """Show the selected alert."""
        selected = component_router.selected_value(request.interaction)
        return await alert_view(request, custom_ids.parse_number(selected))

    @component_router.handles(alerts_view.SHOW)
    async def show_alert(self, request: Request, action: Action) -> ui.LayoutView:
        """Show an alert."""
        return await alert_view(request, action.number)

    @component_router.handles(alert_post.PAUSE_WEEK)
    async def pause_week(self, request: Request, action: Action) -> ui.LayoutView:
        """Pause one alert for a week, by its id or a paper that it matches, or all alerts (payload 0)."""
        if action.payload == "0":
            confirmation = await pause(request, await list_for_reader(request), 7)
            return await list_view(request, confirmation=confirmation)
        found = await self._find_alert(request, action.payload)
        if isinstance(found, ui.LayoutView):
            return found
        await pause(request, [found], 7)
        return await alert_view(request, found.id)

    @component_router.handles(alert_post.WHY, responses.PRIVATELY)
    async def explain(self, request: Request, action: Action) -> ui.LayoutView:
        """Explain which alerts brought a paper into a message."""
        paper, matched = await self._load_matched(request, action.payload)
        return alert_why.why_view(request.texts, paper, matched, request.user_id)

    @component_router.handles(alert_post.FEWER)
    async def send_fewer(self, request: Request, action: Action) -> ui.LayoutView:
        """Let an alert send fewer papers."""
        found = await self._find_alert(request, action.payload)
        if isinstance(found, ui.LayoutView):
            return found
        with map_service_errors({storage_errors.DuplicateError: "alert-already"}):
            changed = await self._services.alerts.send_fewer(found)
        return alert_why.fewer_view(request.texts, changed)

    @component_router.handles(alert_post.MUTE)
    async def mute(self, request: Request, action: Action) -> ui.LayoutView:
        """Pause an alert until it is resumed, from its message."""
        found = await self._find_alert(request, action.payload)
        if isinstance(found, ui.LayoutView):
            return found
        await self._services.alerts.pause([found.id], user_id=request.user_id)
        return await alert_view(request, found.id)

    async def _find_alert(self, request: Request, payload: str) -> models.Alert | ui.LayoutView:
        """Return the user's alert by its id, or the one that matches a paper, by its arXiv id. Raises UserError.

        If several match by now, the view to choose from is returned.
        """
        if arxiv_ids.extract_arxiv_id(payload) is None:
            return await find(request, payload)
        paper, matched = await self._load_matched(request, payload)
        own = [match for match in matched if match[0].user_id == request.user_id]
        if len(own) == 1:
            return own[0][0]
        return alert_why.why_view(request.texts, paper, own, request.user_id)

    async def _load_matched(
        self, request: Request, arxiv_id: str
    ) -> tuple[models.PaperDetail, list[alert_why.MatchedAlert]]:
        """Return a paper and the alerts of this channel, or the user's own by DM, that it matches. Raises UserError."""
        paper = await self._services.search.find_paper(arxiv_id)
        if paper is None:
            raise UserError("no-paper", paper=paper_text.escape_untrusted(arxiv_id))
        is_dm = request.interaction.guild_id is None
        return paper, await self._services.alerts.explain(
            paper,
            user_id=request.user_id if is_dm else None,
            channel_id=None if is_dm else request.interaction.channel_id,
        )

    @component_router.handles(alerts_view.PAUSE)
    async def pause(self, request: Request, action: Action) -> ui.LayoutView:
        """Pause an alert until it is resumed."""
        alert = await find(request, action.payload)
        await self._services.alerts.pause([alert.id], user_id=request.user_id)
        return await alert_view(request, alert.id)

    @component_router.handles(alerts_view.RESUME)
    async def resume(self, request: Request, action: Action) -> ui.LayoutView:
        """Resume an alert."""
        alert = await find(request, action.payload)
        await pause(request, [alert], 0)
        return await alert_view(request, alert.id)

    @component_router.handles(alerts_view.REMOVE)
    async def remove(self, request: Request, action: Action) -> ui.LayoutView:
        """Remove an alert."""
        return await remove(request, await find(request, action.payload))

    @component_router.handles(alert_post.STOP_ALL)
    async def confirm_remove_all(self, request: Request, action: Action) -> ui.LayoutView:
        """Ask for confirmation to remove all alerts."""
        if count := len(await list_for_reader(request)):
            return alerts_view.confirm_remove_all_view(request.texts, count)
        return await list_view(request)

    @component_router.handles(alerts_view.REMOVE_ALL)
    async def remove_all(self, request: Request, action: Action) -> ui.LayoutView:
        """Remove all alerts of the user."""
        count = await self._services.alerts.remove_all(user_id=request.user_id)
        self._services.profiles.wake(request.user_id)
        return notices.text_view(request.texts("alerts-all-removed", count=count))


async def list_view(request: Request, page: int = 0, confirmation: str = "") -> ui.LayoutView:
    """Return a page of the reader's alerts, below what was just done to them."""
    interaction = request.interaction
    return alerts_view.list_view(
        request.texts,
        await list_for_reader(request),
        page,
        request.services.clock(),
        channel_namer(interaction),
        add_command=interaction.client.mentions("alerts add"),
        confirmation=confirmation,
        can_manage=checks.is_manager(interaction),
    )


async def alert_view(request: Request, alert_id: int) -> ui.LayoutView:
    """Return an alert of the reader, as it is now. Raises UserError if it is gone."""
    alert = await find(request, str(alert_id))
    return alerts_view.alert_view(request.texts, alert, request.services.clock())


async def remove(request: Request, alert: models.Alert, *, as_manager: bool = False) -> ui.LayoutView:
    """Remove an alert of the user, as a manager of the server any; returns the confirmation, which names it."""
    await request.services.alerts.remove([alert.id], user_id=None if as_manager else request.user_id)
    request.services.profiles.wake(alert.user_id)
    described = alert_text.describe_alert(request.texts, alert)
    return notices.text_view(request.texts("alert-removed", alert=described))


async def pause(request: Request, own: Sequence[models.Alert], days: int) -> str:
    """Pause alerts for some days; 0 days resumes them. Returns what was done, in words.

    Raises UserError for a channel that the user may not resume.
    """
    texts = request.texts
    ids = [alert.id for alert in own]
    if days:
        await request.services.alerts.snooze(ids, user_id=request.user_id, duration=timedelta(days=days))
        return texts("alerts-paused", count=len(own), days=days) if own else ""
    for guild_id, channel_id in {(alert.guild_id, alert.channel_id) for alert in own}:
        if channel_id:
            await checks.require_alert_channel(request, guild_id, channel_id)
    await request.services.alerts.resume(ids, user_id=request.user_id)
    return texts("alerts-resumed", count=len(own)) if own else ""


async def list_for_reader(request: Request) -> list[models.Alert]:
    """Return the reader's alerts."""
    return await request.services.alerts.list_rows(user_id=request.user_id)


async def find(request: Request, text: str) -> models.Alert:
    """Return the reader's alert by its id or its terms. Raises UserError for none, and for several of the same terms."""
    own = await list_for_reader(request)
    typed = text.strip().casefold()
    matching = [alert for alert in own if text == str(alert.id)]
    matching = matching or [alert for alert in own if typed == alert_text.name(alert).casefold()]
    if len(matching) != 1:
        raise UserError("alert-several" if matching else "no-alert")
    return matching[0]


async def _find_in_server(request: Request, text: str) -> models.Alert:
    """Return an alert of the server's channels by its id, whoever made it. Raises UserError."""
    for alert in await _list_in_server(request):
        if text == str(alert.id):
            return alert
    raise UserError("no-alert-here")


async def _list_in_server(request: Request) -> list[models.Alert]:
    guild = request.interaction.guild
    if guild is None:
        return []
    channel_ids = [channel.id for channel in guild.channels]
    return await request.services.alerts.list_in_channels(guild.id, channel_ids)


def channel_namer(interaction: Interaction) -> alert_text.ChannelName:
    """Return the function that names a channel for menus, which show no mentions."""

    def name(channel_id: int) -> str:
        channel = interaction.client.get_channel(channel_id)
        return f"#{getattr(channel, 'name', None) or channel_id}"

    return name
