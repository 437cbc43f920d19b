"""/alerts and the buttons around alerts: following in one click, making, resting, resuming and ending rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import discord
import structlog
from discord import app_commands
from discord.ext import commands

from bot import errors as bot_errors
from bot.client import autocompletion, controls, custom_ids, paper_lists, replies
from bot.client.failures import Refusal
from bot.client.translations import Words
from bot.client.views import alert_post, alert_rules, forms, listing, lists, notices
from bot.rendering import escape
from bot.services import alerts as rules_service
from storage import errors as storage_errors
from storage import models

if TYPE_CHECKING:
    from bot.client.bot import PaperroundBot

Interaction = discord.Interaction["PaperroundBot"]
log = structlog.get_logger(__name__)
Text = app_commands.Range[str, 1, rules_service.LONGEST_TEXT]
Votes = app_commands.Range[int, 0, 99_999]


@app_commands.allowed_installs(guilds=True, users=True)
@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
class AlertsCog(commands.GroupCog, name="alerts", description="Be told when a new paper matches"):
    """A reader's standing rules."""

    def __init__(self, bot: PaperroundBot) -> None:
        self._services = bot.services
        self._lists = paper_lists.PaperLists(bot.services)

    @app_commands.command(name="add", description="Follow words or an author")
    @app_commands.describe(
        keyword="Words in a title or summary, such as 강화 학습 or diffusion",
        author="An author's name",
        votes="Only papers with at least this many votes",
        channel="Tell this channel instead of you (needs Manage Messages there)",
    )
    async def add(
        self,
        interaction: Interaction,
        keyword: Text | None = None,
        author: Text | None = None,
        votes: Votes = 0,
        channel: app_commands.AppCommandChannel | None = None,
    ) -> None:
        """Show what the rule would have told; a button makes it."""
        await replies.think(interaction)
        if (keyword is None) == (author is None):
            raise Refusal("alert-one-of-two")
        kind = models.AlertKind.KEYWORD if keyword is not None else models.AlertKind.AUTHOR
        channel_id = _allowed_channel(channel) if channel is not None else 0
        draft = alert_rules.Draft(kind, keyword or author or "", votes, channel_id)
        await replies.privately(interaction, await self._preview(interaction, draft))

    @add.autocomplete("keyword")
    async def _keywords(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        return await autocompletion.topics(interaction, current)

    @add.autocomplete("author")
    async def _authors(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        return await autocompletion.authors(interaction, current)

    @app_commands.command(name="list", description="Your alerts, to change or end them")
    async def list_rules(self, interaction: Interaction) -> None:
        """Answer with the reader's rules."""
        await replies.think(interaction)
        await replies.privately(interaction, await self._list(interaction))

    @app_commands.command(name="remove", description="End an alert")
    @app_commands.describe(alert="Which one")
    async def remove(self, interaction: Interaction, alert: app_commands.Range[str, 1, 100]) -> None:
        """End one rule."""
        await replies.think(interaction)
        rule = await self._own(interaction, alert)
        await self._services.alerts.remove([rule.id], user_id=interaction.user.id)
        await replies.privately(interaction, await self._said(interaction, "alert-removed", rule))

    @app_commands.command(name="pause", description="Let an alert rest for a while")
    @app_commands.describe(alert="Which one; all if left out", days="For how many days; 0 starts it again")
    async def pause(
        self,
        interaction: Interaction,
        alert: app_commands.Range[str, 1, 100] | None = None,
        days: app_commands.Range[int, 0, 365] = 7,
    ) -> None:
        """Let one rule, or all, be silent for some days."""
        await replies.think(interaction)
        if alert is not None:
            ids = [(await self._own(interaction, alert)).id]
        else:
            ids = [rule.id for rule in await self._mine(interaction)]
        await self._rest(interaction, ids, days)
        await replies.privately(interaction, await self._list(interaction))

    @remove.autocomplete("alert")
    @pause.autocomplete("alert")
    async def _rules(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        typed = current.casefold()
        mine = await self._mine(interaction)
        found = [rule for rule in mine if typed in rule.text.casefold()]
        return autocompletion.choices((rule.text, str(rule.id)) for rule in found)

    @controls.handles(lists.FOLLOW)
    async def follow(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Make the alert for a list's topic or author in one click."""
        await replies.think(interaction)
        state = await self._lists.resolved(listing.unpack(action))
        author = state.kind is listing.ListKind.AUTHOR
        kind = models.AlertKind.AUTHOR if author else models.AlertKind.KEYWORD
        text = state.text[: rules_service.LONGEST_TEXT]
        draft = alert_rules.Draft(kind, text, state.min_votes)
        await replies.privately(interaction, await self._create(interaction, draft))

    @controls.handles(alert_rules.CREATE)
    async def create(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Make the rule that was previewed."""
        await replies.hold(interaction)
        draft = await self._resolved(alert_rules.unpack(action))
        await replies.in_place(interaction, await self._create(interaction, draft))

    @controls.handles(alert_rules.EDIT)
    async def edit(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Ask for another text and another minimum."""
        words = await interaction.client.words_for(interaction)
        draft = await self._resolved(alert_rules.unpack(action))
        await replies.ask(interaction, forms.alert_form(words, draft))

    @controls.handles(forms.ALERT_CHANGED)
    async def edited(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the preview of what was typed into the form."""
        await replies.hold(interaction)
        kind, channel_id = action.fields(2)
        typed = controls.entered(interaction)
        votes = typed.get(forms.VOTES, "").strip() or "0"
        if not votes.isdecimal() or len(votes) > 5:
            raise Refusal("votes-not-a-number")
        draft = alert_rules.Draft(
            models.AlertKind(kind), typed.get(forms.QUERY, ""), int(votes), int(channel_id)
        )
        await replies.in_place(interaction, await self._preview(interaction, draft))

    @controls.handles(alert_post.MANAGE)
    async def manage(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the reader's rules."""
        await replies.hold(interaction)
        await replies.in_place(interaction, await self._list(interaction, action.number))

    @controls.handles(alert_rules.PICK)
    async def pick(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the rule that was picked."""
        await replies.hold(interaction)
        await self._show(interaction, await self._own(interaction, controls.chosen(interaction)[0]))

    @controls.handles(alert_post.PAUSE_WEEK)
    async def pause_week(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Let one rule (or all: 0) rest for a week."""
        await replies.hold(interaction)
        if action.rest == "0":
            await self._rest(interaction, [rule.id for rule in await self._mine(interaction)], 7)
            await replies.in_place(interaction, await self._list(interaction))
            return
        rule = await self._own(interaction, action.rest)
        await self._rest(interaction, [rule.id], 7)
        await self._show(interaction, await self._own(interaction, action.rest))

    @controls.handles(alert_rules.RESUME)
    async def resume(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Let a rule speak again."""
        await replies.hold(interaction)
        rule = await self._own(interaction, action.rest)
        await self._rest(interaction, [rule.id], 0)
        await self._show(interaction, await self._own(interaction, action.rest))

    @controls.handles(alert_rules.REMOVE)
    async def remove_one(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """End a rule."""
        await replies.hold(interaction)
        rule = await self._own(interaction, action.rest)
        await self._services.alerts.remove([rule.id], user_id=interaction.user.id)
        await replies.in_place(interaction, await self._said(interaction, "alert-removed", rule))

    @controls.handles(alert_post.STOP_ALL)
    async def stop_all(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Ask whether all rules are to go."""
        await replies.hold(interaction)
        words = await interaction.client.words_for(interaction)
        count = len(await self._mine(interaction))
        view = alert_rules.confirm_view(words, count) if count else notices.plain_view(words("no-alerts"))
        await replies.in_place(interaction, view)

    @controls.handles(alert_rules.REMOVE_ALL)
    async def remove_all(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """End all of the reader's rules."""
        await replies.hold(interaction)
        words = await interaction.client.words_for(interaction)
        count = await self._services.alerts.remove_all(user_id=interaction.user.id)
        await replies.in_place(interaction, notices.plain_view(words("alerts-all-removed", count=count)))

    async def _preview(self, interaction: Interaction, draft: alert_rules.Draft) -> discord.ui.LayoutView:
        words = await interaction.client.words_for(interaction)
        draft = await self._portable(draft)
        with translated():
            preview = await self._services.alerts.preview(draft.kind, draft.text, draft.min_votes)
        return alert_rules.preview_view(words, draft, preview)

    async def _create(self, interaction: Interaction, draft: alert_rules.Draft) -> discord.ui.LayoutView:
        words = await interaction.client.words_for(interaction)
        with translated():
            preview = await self._services.alerts.preview(draft.kind, draft.text, draft.min_votes)
            made = await self._services.alerts.add(
                user_id=interaction.user.id,
                kind=draft.kind,
                text=draft.text,
                min_votes=draft.min_votes,
                channel_id=draft.channel_id or None,
                guild_id=interaction.guild_id if draft.channel_id else None,
            )
        if not draft.channel_id:
            await self._open_dm(interaction, words)
        return alert_rules.made_view(words, made, preview)

    async def _open_dm(self, interaction: Interaction, words: Words) -> None:
        """Open the reader's direct messages on their wish, and only now: Discord takes opening many at once for spam."""
        try:
            dm_channel_id = (await interaction.user.create_dm()).id
        except discord.HTTPException as error:
            log.info("dm_not_opened", user=interaction.user.id, code=error.code)
            dm_channel_id = None
        await self._services.readers.remember(
            interaction.user.id, locale=words.locale, dm_channel_id=dm_channel_id
        )

    async def _list(self, interaction: Interaction, page: int = 0) -> discord.ui.LayoutView:
        words = await interaction.client.words_for(interaction)
        return alert_rules.list_view(words, await self._mine(interaction), page, self._services.clock())

    async def _show(self, interaction: Interaction, rule: models.Alert) -> None:
        words = await interaction.client.words_for(interaction)
        await replies.in_place(interaction, alert_rules.rule_view(words, rule, self._services.clock()))

    async def _said(self, interaction: Interaction, key: str, rule: models.Alert) -> discord.ui.LayoutView:
        words = await interaction.client.words_for(interaction)
        shown = alert_rules.rule_line(words, rule.kind, rule.text, rule.min_votes)
        return notices.plain_view(words(key, rule=shown))

    async def _rest(self, interaction: Interaction, ids: list[int], days: int) -> None:
        mine = interaction.user.id
        if days:
            await self._services.alerts.rest(ids, user_id=mine, for_time=timedelta(days=days))
        else:
            await self._services.alerts.resume(ids, user_id=mine)

    async def _mine(self, interaction: Interaction) -> list[models.Alert]:
        return await self._services.alerts.list_rows(user_id=interaction.user.id)

    async def _own(self, interaction: Interaction, text: str) -> models.Alert:
        """Return the reader's rule by its id or its text. Raises Refusal."""
        for rule in await self._mine(interaction):
            if text in (str(rule.id), rule.text):
                return rule
        raise Refusal("no-alert")

    async def _portable(self, draft: alert_rules.Draft) -> alert_rules.Draft:
        text = escape.plain(draft.text)
        if len(text) <= alert_rules.LONGEST_TEXT:
            return replace(draft, text=text, token="")
        return replace(draft, text=text, token=await self._services.remembered.keep(text))

    async def _resolved(self, draft: alert_rules.Draft) -> alert_rules.Draft:
        if not draft.token:
            return draft
        text = await self._services.remembered.recall(draft.token)
        if text is None:
            raise Refusal("outdated-control")
        return replace(draft, text=text)


class translated:  # noqa: N801 - used like contextlib's own lower-case context managers
    """Turns what the alerts service refuses into a sentence for the reader."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, storage_errors.DuplicateError):
            raise Refusal("alert-already") from error
        if isinstance(error, bot_errors.UsageError):
            raise Refusal("alert-not-possible", most=rules_service.MOST_RULES) from error


def _allowed_channel(channel: app_commands.AppCommandChannel) -> int:
    """Return the channel's id if the asker may manage messages there and it can be written to. Raises Refusal."""
    if channel.type not in (discord.ChannelType.text, discord.ChannelType.news):
        raise Refusal("alert-no-such-channel")
    if not channel.permissions.manage_messages:
        raise Refusal("needs-manage-messages", channel=f"<#{channel.id}>")
    return channel.id
