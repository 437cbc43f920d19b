"""/topic and /author, and the modal of a post that asks for a topic."""

from __future__ import annotations

from discord import app_commands
from discord.ext import commands

from bot.client.components import custom_ids
from bot.client.context import Client, Interaction
from bot.client.interactions import autocomplete, component_router, responses
from bot.client.interactions.errors import UserError
from bot.client.presenters import long_texts, paper_lists
from bot.client.views import daily_post, modals
from bot.client.views.papers import list_state

Votes = app_commands.Range[int, 0, 99_999]


class SearchCog(commands.Cog):
    """Papers by topic and by author."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services
        self._lists = paper_lists.PaperListLoader(bot.services)

    @app_commands.command(name="topic", description="Papers on a topic, in Korean or English")
    @app_commands.describe(
        query="Words, a phrase in quotes, -word to leave out",
        period="How far back",
        votes="At least this many votes",
    )
    @app_commands.choices(period=paper_lists.PERIOD_CHOICES)
    @app_commands.autocomplete(query=autocomplete.topics)
    async def topic(
        self,
        interaction: Interaction,
        query: app_commands.Range[str, 1, 2000],
        period: str = list_state.Period.ALL.value,
        votes: Votes = 0,
    ) -> None:
        """Show the papers on a topic, best match first."""
        await self._show_results(interaction, list_state.ListKind.TOPIC, query, period, votes)

    @app_commands.command(name="author", description="An author's papers; any order or spelling of the name")
    @app_commands.describe(name="The author's name", period="How far back", votes="At least this many votes")
    @app_commands.choices(period=paper_lists.PERIOD_CHOICES)
    @app_commands.autocomplete(name=autocomplete.authors)
    async def author(
        self,
        interaction: Interaction,
        name: app_commands.Range[str, 1, 300],
        period: str = list_state.Period.ALL.value,
        votes: Votes = 0,
    ) -> None:
        """Show an author's papers, most voted first."""
        await self._show_results(interaction, list_state.ListKind.AUTHOR, name, period, votes)

    @component_router.handles_itself(daily_post.OPEN_TOPIC_MODAL, first=None)
    async def open_topic_modal(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Open a modal that asks for a topic."""
        texts = await interaction.client.texts_for(interaction)
        await responses.open_modal(interaction, modals.topic_modal(texts))

    @component_router.handles_itself(modals.SUBMIT_TOPIC_MODAL, first=None)
    async def submit_topic_modal(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the papers on the topic of the modal."""
        await self._show_results(
            interaction,
            list_state.ListKind.TOPIC,
            component_router.modal_values(interaction).get(modals.QUERY, ""),
            list_state.Period.ALL.value,
        )

    async def _show_results(
        self, interaction: Interaction, kind: list_state.ListKind, text: str, period: str, votes: int = 0
    ) -> None:
        await responses.defer(interaction)
        if not text.strip():
            raise UserError("no-words")
        state = list_state.ListState(kind, text, period=list_state.Period(period), min_votes=votes)
        await self._lists.show(interaction, await long_texts.store(self._services.text_tokens, state))
