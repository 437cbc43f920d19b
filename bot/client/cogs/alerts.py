"""/alerts. Its buttons are in `alert_buttons`."""

from __future__ import annotations

from dataclasses import replace

from discord import app_commands, ui
from discord.ext import commands

from bot.client.cogs import alert_buttons, alert_drafts, alert_options
from bot.client.context import Interaction, Request
from bot.client.interactions import autocomplete, component_router
from bot.client.views import alert_drafts as drafts
from bot.client.views import alert_modals, alert_text
from storage import models

TermTexts = app_commands.Range[str, 1, 2000]
Votes = app_commands.Range[int, 0, alert_options.MAX_VOTES]
AlertId = app_commands.Range[str, 1, 100]
ANY = "any"
MATCH_CHOICES = [
    app_commands.Choice(name="Any of them", value=ANY),
    app_commands.Choice(name="All of them", value=alert_modals.ALL),
]
TIMING_CHOICES = [
    app_commands.Choice(name="Right away", value=models.AlertTiming.AT_ONCE.value),
    app_commands.Choice(name="Every morning, in one message", value=models.AlertTiming.DAILY.value),
    app_commands.Choice(name="Every Monday, in one message", value=alert_modals.weekly_value(1)),
]


@app_commands.allowed_installs(guilds=True, users=True)
@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
class AlertsCog(commands.GroupCog, name="alerts", description="Get notified when a new paper matches"):
    """A user's alerts."""

    @component_router.command(name="add", description="Follow words, an author or an institution")
    @app_commands.describe(
        keyword="Words in a title or summary, such as 강화 학습; separated by commas",
        author="An author's name; separate several with commas",
        institution="A university or company, such as KAIST or 카이스트",
        without="Leave out papers with any of these words",
        match="Papers with any of the words and names, or only those with all",
        votes="Only once a paper has this many votes",
        channel="Send to this channel instead of to you (needs Manage Messages there)",
        when="Right away, or gathered; you can change the time in the preview",
    )
    @app_commands.choices(match=MATCH_CHOICES, when=TIMING_CHOICES)
    @app_commands.autocomplete(
        keyword=autocomplete.topic_lists,
        without=autocomplete.topic_lists,
        author=autocomplete.author_lists,
        institution=autocomplete.institution_lists,
    )
    async def add(
        self,
        request: Request,
        keyword: TermTexts | None = None,
        author: TermTexts | None = None,
        institution: TermTexts | None = None,
        without: TermTexts | None = None,
        match: str = ANY,
        votes: Votes = 0,
        channel: app_commands.AppCommandChannel | None = None,
        when: str = models.AlertTiming.AT_ONCE.value,
    ) -> ui.LayoutView:
        """Preview the alert with the papers that it would have matched; a button creates it."""
        typed = {
            models.AlertKind.KEYWORD: keyword,
            models.AlertKind.AUTHOR: author,
            models.AlertKind.INSTITUTION: institution,
        }
        draft = replace(
            drafts.EMPTY,
            terms=alert_options.parse_terms(typed),
            excluded=tuple(alert_modals.split_items(without or "")),
            match_all=match == alert_modals.ALL,
            min_votes=votes,
            channel_id=channel.id if channel is not None else None,
        )
        # The zone of the reader is filled in before the timing is set: afterwards it would be kept as chosen.
        draft = await alert_drafts.complete(request, draft)
        return await alert_drafts.preview(request, alert_options.apply_when(draft, when))

    @component_router.command(name="list", description="Your alerts: see, change or remove them")
    async def list_alerts(self, request: Request) -> ui.LayoutView:
        """Show the user's alerts."""
        return await alert_buttons.list_view(request)

    @component_router.command(name="remove", description="Remove an alert")
    @app_commands.describe(alert="Which one")
    async def remove(self, request: Request, alert: AlertId) -> ui.LayoutView:
        """Remove an alert."""
        return await alert_buttons.remove(request, await alert_buttons.find(request, alert))

    @component_router.command(name="pause", description="Pause an alert for some days")
    @app_commands.describe(alert="Which one; all if left out", days="For how many days; 0 resumes it")
    async def pause(
        self, request: Request, alert: AlertId | None = None, days: app_commands.Range[int, 0, 365] = 7
    ) -> ui.LayoutView:
        """Pause one alert, or all, for some days."""
        if alert is not None:
            own = [await alert_buttons.find(request, alert)]
        else:
            own = await alert_buttons.list_for_reader(request)
        return await alert_buttons.list_view(
            request, confirmation=await alert_buttons.pause(request, own, days)
        )

    @remove.autocomplete("alert")
    @pause.autocomplete("alert")
    async def _alert_autocomplete(
        self, interaction: Interaction, current: str
    ) -> list[app_commands.Choice[str]]:
        texts = await interaction.client.texts_for(interaction)
        rows = await alert_buttons.list_for_reader(Request(interaction, texts))
        channel_name = alert_buttons.channel_namer(interaction)
        return autocomplete.make_choices(alert_text.choices(texts, rows, current, channel_name))
