"""/topic and /author, and the modal of a post that asks for a topic."""

from __future__ import annotations

from discord import app_commands, ui
from discord.ext import commands

from bot.client.cogs.digests import PERIOD_CHOICES, PaperListLoader, store_text
from bot.client.components.custom_ids import Action
from bot.client.context import Client, Request
from bot.client.interactions import autocomplete, component_router, responses
from bot.client.interactions.errors import UserError
from bot.client.views import daily_post, modals
from bot.client.views.papers import list_state

Votes = app_commands.Range[int, 0, 99_999]


class SearchCog(commands.Cog):
    """Papers by topic and by author."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services
        self._lists = PaperListLoader(bot.services)

    @component_router.command(name="topic", description="Papers on a topic, in Korean or English")
    @app_commands.describe(
        query="Words, a phrase in quotes, -word to leave out",
        period="How far back",
        votes="At least this many votes",
    )
    @app_commands.choices(period=PERIOD_CHOICES)
    @app_commands.autocomplete(query=autocomplete.topics)
    async def topic(
        self,
        request: Request,
        query: app_commands.Range[str, 1, 2000],
        period: str = list_state.Period.ALL.value,
        votes: Votes = 0,
    ) -> ui.LayoutView:
        """Show the papers on a topic, best match first."""
        return await self._results_view(request, list_state.ListKind.TOPIC, query, period, votes)

    @component_router.command(
        name="author", description="An author's papers; any order or spelling of the name"
    )
    @app_commands.describe(name="The author's name", period="How far back", votes="At least this many votes")
    @app_commands.choices(period=PERIOD_CHOICES)
    @app_commands.autocomplete(name=autocomplete.authors)
    async def author(
        self,
        request: Request,
        name: app_commands.Range[str, 1, 300],
        period: str = list_state.Period.ALL.value,
        votes: Votes = 0,
    ) -> ui.LayoutView:
        """Show an author's papers, most voted first."""
        return await self._results_view(request, list_state.ListKind.AUTHOR, name, period, votes)

    @component_router.handles(daily_post.OPEN_TOPIC_MODAL, responses.AT_ONCE)
    async def open_topic_modal(self, request: Request, action: Action) -> ui.Modal:
        """Open a modal that asks for a topic."""
        return modals.topic_modal(request.texts)

    @component_router.handles(modals.SUBMIT_TOPIC_MODAL, responses.PRIVATELY)
    async def submit_topic_modal(self, request: Request, action: Action) -> ui.LayoutView:
        """Show the papers on the topic of the modal."""
        return await self._results_view(
            request,
            list_state.ListKind.TOPIC,
            component_router.modal_values(request.interaction).get(modals.QUERY, ""),
            list_state.Period.ALL.value,
        )

    async def _results_view(
        self, request: Request, kind: list_state.ListKind, text: str, period: str, votes: int = 0
    ) -> ui.LayoutView:
        if not text.strip():
            raise UserError("no-words")
        state = list_state.ListState(kind, text, period=list_state.Period(period), min_votes=votes)
        return await self._lists.list_view(request, await store_text(self._services.text_tokens, state))
