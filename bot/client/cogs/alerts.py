"""/alerts. Its buttons are in `alert_buttons`."""

from __future__ import annotations

from discord import app_commands
from discord.ext import commands

from bot.client.context import Client, Interaction
from bot.client.interactions import autocomplete, responses
from bot.client.interactions.errors import UserError
from bot.client.presenters import alerts
from bot.client.views import alerts as alerts_view
from bot.services.alerts import validation
from storage import models

AlertText = app_commands.Range[str, 1, validation.MAX_TEXT_LENGTH]
Votes = app_commands.Range[int, 0, 99_999]


@app_commands.allowed_installs(guilds=True, users=True)
@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
class AlertsCog(commands.GroupCog, name="alerts", description="Be told when a new paper matches"):
    """A user's alerts."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services
        self._presenter = alerts.AlertPresenter(bot)

    @app_commands.command(name="add", description="Follow words or an author")
    @app_commands.describe(
        keyword="Words in a title or summary, such as 강화 학습 or diffusion",
        author="An author's name",
        votes="Only papers with at least this many votes",
        channel="Tell this channel instead of you (needs Manage Messages there)",
    )
    @app_commands.autocomplete(keyword=autocomplete.topics, author=autocomplete.authors)
    async def add(
        self,
        interaction: Interaction,
        keyword: AlertText | None = None,
        author: AlertText | None = None,
        votes: Votes = 0,
        channel: app_commands.AppCommandChannel | None = None,
    ) -> None:
        """Preview the alert with the papers that it would have matched; a button creates it."""
        await responses.defer(interaction)
        if (keyword is None) == (author is None):
            raise UserError("alert-one-of-two")
        kind = models.AlertKind.KEYWORD if keyword is not None else models.AlertKind.AUTHOR
        channel_id = channel.id if channel is not None else 0
        draft = alerts_view.AlertDraft(kind, keyword or author or "", votes, channel_id)
        await responses.reply_privately(interaction, await self._presenter.preview(interaction, draft))

    @app_commands.command(name="list", description="Your alerts, to change or end them")
    async def list_alerts(self, interaction: Interaction) -> None:
        """Show the user's alerts."""
        await responses.defer(interaction)
        await responses.reply_privately(interaction, await self._presenter.list_view(interaction))

    @app_commands.command(name="remove", description="End an alert")
    @app_commands.describe(alert="Which one")
    async def remove(self, interaction: Interaction, alert: app_commands.Range[str, 1, 100]) -> None:
        """Remove an alert."""
        await responses.defer(interaction)
        row = await self._presenter.find(interaction, alert)
        await self._services.alerts.remove([row.id], user_id=interaction.user.id)
        await responses.reply_privately(
            interaction, await self._presenter.confirmation_view(interaction, "alert-removed", row)
        )

    @app_commands.command(name="pause", description="Let an alert rest for a while")
    @app_commands.describe(alert="Which one; all if left out", days="For how many days; 0 starts it again")
    async def pause(
        self,
        interaction: Interaction,
        alert: app_commands.Range[str, 1, 100] | None = None,
        days: app_commands.Range[int, 0, 365] = 7,
    ) -> None:
        """Pause one alert, or all, for some days."""
        await responses.defer(interaction)
        if alert is not None:
            own = [await self._presenter.find(interaction, alert)]
        else:
            own = await self._presenter.list_for_reader(interaction)
        await self._presenter.pause(interaction, own, days)
        await responses.reply_privately(interaction, await self._presenter.list_view(interaction))

    @remove.autocomplete("alert")
    @pause.autocomplete("alert")
    async def _alert_autocomplete(
        self, interaction: Interaction, current: str
    ) -> list[app_commands.Choice[str]]:
        query = current.casefold()
        rows = await self._presenter.list_for_reader(interaction)
        return autocomplete.make_choices(
            (text, str(row.id)) for row in rows if query in (text := alerts_view.terms_text(row)).casefold()
        )
