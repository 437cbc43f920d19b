"""/digest and /top, and what the controls of every list do: turn a page, choose a period, share, the other language."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.client.components import custom_ids
from bot.client.context import Client, Interaction
from bot.client.interactions import autocomplete, component_router, responses
from bot.client.interactions.errors import Refusal
from bot.client.presenters import paper_lists
from bot.client.translations import Words
from bot.client.views import daily_post, empty_list, list_state, notices, paper_list
from bot.services.posts import contents, summaries
from storage import models

PERIODS = [
    app_commands.Choice(name="Last 7 days", value=list_state.Period.WEEK.value),
    app_commands.Choice(name="Last 30 days", value=list_state.Period.MONTH.value),
    app_commands.Choice(name="Last 3 months", value=list_state.Period.QUARTER.value),
    app_commands.Choice(name="Last year", value=list_state.Period.YEAR.value),
    app_commands.Choice(name="All time", value=list_state.Period.ALL.value),
]
_DATE = re.compile(r"([0-9]{4})[-./ ]{1,2}([0-9]{1,2})[-./ ]{1,2}([0-9]{1,2})\.?")
_DAYS_AGO = {"today": 0, "오늘": 0, "yesterday": 1, "어제": 1}


class DigestsCog(commands.Cog):
    """The archive by day and by votes."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services
        self._lists = paper_lists.PaperLists(bot.services)
        self._renderer = bot.renderer

    @app_commands.command(name="digest", description="One day's papers, most voted first")
    @app_commands.describe(date="A date such as 2025-02-06; the newest digest if left out")
    async def digest(
        self, interaction: Interaction, date: app_commands.Range[str, 1, 40] | None = None
    ) -> None:
        """Answer with the digest of a date, or the newest."""
        await responses.think(interaction)
        text = parse_date(date, self._services.clock().date()).isoformat() if date else ""
        await show(self._lists, interaction, list_state.ListState(list_state.ListKind.DIGEST, text))

    @digest.autocomplete("date")
    async def _dates(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        return autocomplete.dates(await self._services.status.list_dates(), current)

    @app_commands.command(name="top", description="The papers with the most votes")
    @app_commands.describe(period="How far back", topic="Only papers on this topic")
    @app_commands.choices(period=PERIODS)
    async def top(
        self,
        interaction: Interaction,
        period: str = list_state.Period.WEEK.value,
        topic: app_commands.Range[str, 1, 300] = "",
    ) -> None:
        """Answer with the most voted papers of a period, of one topic if wished."""
        await responses.think(interaction)
        state = list_state.ListState(list_state.ListKind.TOP, topic, period=list_state.Period(period))
        await show(self._lists, interaction, await self._lists.portable(state))

    @top.autocomplete("topic")
    async def _topics(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        return await autocomplete.topics(interaction, current)

    @component_router.handles(list_state.VERB)
    async def turn(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show another page of a list, or another list that it leads to."""
        await responses.hold(interaction)
        await show(self._lists, interaction, await self._lists.resolved(list_state.unpack(action)))

    @component_router.handles(paper_list.PERIOD)
    async def choose_period(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the list for the period that was picked."""
        await responses.hold(interaction)
        period = list_state.Period(component_router.chosen(interaction)[0])
        state = await self._lists.resolved(list_state.unpack(action))
        await show(self._lists, interaction, state.with_(period=period, page=0))

    @component_router.handles(paper_list.SHARE)
    async def share(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Post the page for everybody in the channel, if the asker may write there."""
        if not responses.may_share(interaction):
            raise Refusal("may-not-share")
        await responses.think(interaction, public=True)
        words = await interaction.client.words_for(interaction)
        state = await self._lists.resolved(list_state.unpack(action))
        listed = await self._lists.load(words, state, interaction.user.id)
        sharer = responses.name_of(interaction)
        await responses.openly(interaction, paper_list.shared_view(words, listed, sharer=sharer))

    @component_router.handles(daily_post.LANGUAGE)
    async def other_language(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the papers of this post privately in the other language."""
        await responses.think(interaction)
        locale = models.Locale(action.rest)
        details = [await self._services.lookup.paper(arxiv_id) for arxiv_id in shown_papers(interaction)]
        papers = tuple(summaries.post_paper(detail, locale) for detail in details if detail is not None)
        if not papers:
            raise Refusal("outdated-control")
        day = max(paper.date for paper in papers)
        post = contents.DailyPost("", locale, models.Style.COMPACT, day, len(papers), papers)
        for view in daily_post.compact_views(self._renderer.voice(locale), post, marked=False):
            await responses.privately(interaction, view)


async def show(source: paper_lists.PaperLists, interaction: Interaction, state: list_state.ListState) -> None:
    """Show a list on the message in hand: the deferred answer, or the private message that a control stands on."""
    words = await interaction.client.words_for(interaction)
    view = await view_of(source, words, interaction, state)
    if interaction.type is discord.InteractionType.component:
        await responses.in_place(interaction, view)
    else:
        await responses.privately(interaction, view)


async def view_of(
    source: paper_lists.PaperLists, words: Words, interaction: Interaction, state: list_state.ListState
) -> discord.ui.LayoutView:
    """Return a page of a list as the asker may see it, or the empty answer."""
    listed = await source.load(words, state, interaction.user.id)
    if listed.rows:
        return paper_list.list_view(words, listed, may_share=responses.may_share(interaction))
    extent = await interaction.client.services.lookup.extent()
    return empty_list.empty_view(
        words, listed, empty_list.Extent(extent.first_on, extent.last_on, extent.papers)
    )


async def say(interaction: Interaction, key: str, **arguments: str | int) -> None:
    """Answer with one sentence."""
    words = await interaction.client.words_for(interaction)
    await responses.privately(interaction, notices.plain_view(words(key, **arguments)))


def parse_date(text: str, today: date) -> date:
    """Read a date as a reader types it: ISO, with dots or slashes, `today`, `어제`. Raises Refusal."""
    folded = text.strip().casefold()
    if folded in _DAYS_AGO:
        return today - timedelta(days=_DAYS_AGO[folded])
    match = _DATE.fullmatch(folded)
    try:
        return date(*map(int, match.groups())) if match else date.fromisoformat(folded)
    except ValueError:
        raise Refusal("no-date", example=today.isoformat()) from None


def shown_papers(interaction: discord.Interaction[Any]) -> list[str]:
    """Return the arXiv ids that the message's menu offers to open."""
    message = interaction.message
    if message is None:
        return []
    return [
        option.value
        for component in walk(message.components)
        if isinstance(component, discord.SelectMenu)
        and custom_ids.unpack(component.custom_id).verb == paper_list.OPEN
        for option in component.options
    ]


def walk(components: Any) -> Any:
    """Yield components and all that they hold."""
    for component in components:
        yield component
        yield from walk(getattr(component, "children", ()))
