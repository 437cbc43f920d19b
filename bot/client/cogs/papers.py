"""/paper, the papers that a message names, and what a card opens: chapters, similar papers, authors, citing, saving."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import discord
from discord import app_commands
from discord.ext import commands

from bot.client.components import custom_ids
from bot.client.context import Client, Interaction
from bot.client.interactions import autocomplete, checks, component_router, lookups, message_text, responses
from bot.client.interactions.errors import UserError, map_service_errors
from bot.client.presenters import long_texts, paper_lists
from bot.client.translations import Texts
from bot.client.views import daily_post, notices
from bot.client.views.papers import paper_card, paper_details, paper_list, paper_text
from bot.client.views.papers.list_state import ListKind, ListState
from bot.digests.elements import arxiv_ids
from bot.services.polling.paper_lookup import LookupOutcome
from bot.services.search import title_search
from bot.services.shelf.shelf import MAX_SAVED, FullShelfError
from storage import models

LOOK_UP = "Look up papers"
MAX_NAMED_PAPERS = 10
MAX_FETCHED_PAPERS = 3
"""Papers of one message that are fetched because no digest has them."""


class PapersCog(commands.Cog):
    """Cards of single papers."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services
        self._lists = paper_lists.PaperListLoader(bot.services)
        self._mentions = bot.mentions
        self._tree = bot.tree

    async def cog_load(self) -> None:
        """Add the command of a message's menu, which a cog does not add by itself."""
        self._tree.add_command(app_commands.ContextMenu(name=LOOK_UP, callback=self.look_up))

    async def cog_unload(self) -> None:
        """Stop fetching papers for readers before the database is closed."""
        await self._services.paper_lookup.close()

    async def look_up(self, interaction: Interaction, message: discord.Message) -> None:
        """Show the papers that a message names: the card of one, a list of several. The text is not kept."""
        await responses.defer(interaction)
        texts = await interaction.client.texts_for(interaction)
        today = self._services.clock().date()
        named = arxiv_ids.list_arxiv_ids(message_text.read_text(message), MAX_NAMED_PAPERS, today)
        if len(named) == 1:
            view = await self._paper_view(interaction, named[0])
        elif named:
            view = paper_details.found_view(texts, await self._load_named(interaction, named))
        else:
            view = notices.text_view(texts("no-paper-in-message"))
        await responses.reply_privately(interaction, view)

    @app_commands.command(name="paper", description="One paper: highlights, review, authors, votes and links")
    @app_commands.describe(paper="An arXiv id, a link to arXiv or Hugging Face, or part of the title")
    @app_commands.autocomplete(paper=autocomplete.papers)
    async def paper(self, interaction: Interaction, paper: app_commands.Range[str, 1, 500]) -> None:
        """Show a paper's card."""
        await responses.defer(interaction)
        await responses.reply_privately(interaction, await self._paper_view(interaction, paper))

    @component_router.handles_itself(paper_list.OPEN_SELECTED, first=responses.defer)
    async def open_selected(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Open the selected paper in a new private message."""
        arxiv_id = component_router.selected_value(interaction)
        await responses.reply_privately(interaction, await self._paper_view(interaction, arxiv_id))

    @component_router.handles_itself(daily_post.OPEN_PAPER, first=responses.defer)
    async def open_paper(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Open the paper of a button in a new private message; one of an imported file may have to be fetched."""
        await responses.reply_privately(interaction, await self._paper_view(interaction, action.payload))

    @component_router.handles_itself(paper_card.CARD)
    async def turn_card_page(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show another page of a card."""
        arxiv_id, page = action.fields(2)
        number = custom_ids.parse_number(page)
        await responses.update_message(interaction, await self._load_card(interaction, arxiv_id, number))

    @component_router.handles_itself(paper_card.CHAPTERS)
    async def open_chapter(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the selected chapter in place of a private card or chapter; of a public card in a private message."""
        chapter = custom_ids.parse_number(component_router.selected_value(interaction))
        view = await self._chapter_view(interaction, action.payload, chapter, 0)
        await responses.update_message(interaction, view)

    @component_router.handles_itself(paper_card.CHAPTER)
    async def turn_chapter_page(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show another page of the review."""
        arxiv_id, chapter, page = action.fields(3)
        position = custom_ids.parse_number(chapter), custom_ids.parse_number(page)
        view = await self._chapter_view(interaction, arxiv_id, *position)
        await responses.update_message(interaction, view)

    @component_router.handles_itself(paper_card.SIMILAR, first=responses.defer)
    async def show_similar(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show similar papers."""
        state = ListState(ListKind.SIMILAR, action.payload)
        await responses.reply_privately(interaction, await self._lists.list_view(interaction, state))

    @component_router.handles_itself(paper_card.AUTHORS, first=None)
    async def show_authors(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show a page of the paper's authors, with a menu. Page 0 opens page 1 in a new message."""
        number, arxiv_id = action.fields(2)
        page = custom_ids.parse_number(number)
        await (responses.acknowledge if page else responses.defer)(interaction)
        texts, detail = await self._load_paper(interaction, arxiv_id)
        view = paper_details.authors_view(texts, detail, max(page - 1, 0))
        await (responses.update_message if page else responses.reply_privately)(interaction, view)

    @component_router.handles_itself(paper_details.SELECT_AUTHOR, first=responses.defer)
    async def select_author(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the papers of the selected author."""
        number = custom_ids.parse_number(component_router.selected_value(interaction))
        _, detail = await self._load_paper(interaction, action.payload)
        if number >= len(detail.authors):
            raise UserError("outdated-control")
        state = ListState(ListKind.AUTHOR, detail.authors[number])
        state = await long_texts.store(self._services.text_tokens, state)
        await responses.reply_privately(interaction, await self._lists.list_view(interaction, state))

    @component_router.handles_itself(paper_card.CITE, first=responses.defer)
    async def cite(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the paper's BibTeX entry."""
        texts, detail = await self._load_paper(interaction, action.payload)
        await responses.reply_privately(interaction, paper_details.cite_view(texts, detail))

    @component_router.handles_itself(paper_card.SAVE, first=None)
    async def save(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Save or unsave a paper. A private card is updated; other messages get a private answer."""
        save, page, arxiv_id = action.fields(3)
        shown_page = 0 if page == paper_card.NO_PAGE else custom_ids.parse_number(page)
        on_card = responses.is_ephemeral(interaction) and page != paper_card.NO_PAGE
        await (responses.acknowledge if on_card else responses.defer)(interaction)
        texts, detail = await self._load_paper(interaction, arxiv_id)
        if save == "1":
            with map_service_errors({FullShelfError: "saved-full"}, count=MAX_SAVED):
                await self._services.shelf.save(interaction.user.id, detail.id, interaction.guild_id)
        else:
            await self._services.shelf.remove(interaction.user.id, detail.id)
        self._services.profiles.wake(interaction.user.id)
        if on_card:
            await responses.update_message(
                interaction, await self._card_view(interaction, arxiv_id, shown_page)
            )
        else:
            text = texts("paper-saved", command=self._mentions("saved list"))
            await responses.reply_privately(interaction, notices.text_view(text))

    @component_router.handles_itself(paper_card.SHARE, first=None)
    async def share(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Post the card publicly. Raises UserError unless the user may write in the channel."""
        checks.require_may_share(interaction)
        await responses.defer(interaction, public=True)
        texts, detail = await self._load_paper(interaction, action.payload)
        topics = await self._services.glossary.list_title_topics(detail.title or "", texts.locale)
        sharer = responses.display_name(interaction)
        view = paper_card.card_view(texts, detail, sharer=sharer, topics=topics)
        await responses.reply_publicly(interaction, view)
        if interaction.guild_id is not None:
            await self._services.shelf.share(interaction.guild_id, interaction.user.id, detail.id)

    async def _load_card(
        self, interaction: Interaction, arxiv_id: str, page: int = 0
    ) -> discord.ui.LayoutView:
        async with lookups.admitted(interaction):
            return await self._card_view(interaction, arxiv_id, page)

    async def _card_view(self, interaction: Interaction, paper: str, page: int = 0) -> discord.ui.LayoutView:
        texts, detail = await self._load_paper(interaction, paper)
        saved = await self._services.shelf.has_saved(interaction.user.id, detail.id)
        self._services.profiles.note_open(interaction.user.id, detail.id)
        may_share = checks.may_share(interaction)
        topics = await self._services.glossary.list_title_topics(detail.title or "", texts.locale)
        return paper_card.card_view(texts, detail, page, saved=saved, may_share=may_share, topics=topics)

    async def _paper_view(self, interaction: Interaction, paper: str) -> discord.ui.LayoutView:
        """Return a paper's card, or the list of a text that is no title. A paper that no digest has is fetched."""
        arxiv_id = title_search.parse_id(paper)
        async with lookups.admitted(interaction):
            if arxiv_id is None or await self._services.search.find_paper(arxiv_id) is not None:
                topic = await self._topic_fallback_view(interaction, paper)
                return topic or await self._card_view(interaction, paper)
        # Outside of the admission: it takes seconds, and the slot is for look-ups in the archive.
        outcomes = await self._services.paper_lookup.fetch(interaction.user.id, [arxiv_id])
        if outcomes[arxiv_id] is LookupOutcome.FOUND:
            return await self._card_view(interaction, arxiv_id)
        texts = await interaction.client.texts_for(interaction)
        is_possible = arxiv_ids.is_possible(arxiv_id, self._services.clock().date())
        return paper_details.missing_view(texts, arxiv_id, outcomes[arxiv_id], is_possible=is_possible)

    async def _load_named(
        self, interaction: Interaction, named: Sequence[str]
    ) -> dict[str, models.PaperDetail | None]:
        """Return papers by arXiv id, None for those that are not found. A few that no digest has are fetched."""
        find = self._services.search.find_paper
        async with lookups.admitted(interaction):
            found = {arxiv_id: await find(arxiv_id) for arxiv_id in named}
        missing = [arxiv_id for arxiv_id, detail in found.items() if detail is None]
        if missing:
            await self._services.paper_lookup.fetch(interaction.user.id, missing[:MAX_FETCHED_PAPERS])
            found |= {arxiv_id: await find(arxiv_id) for arxiv_id in missing[:MAX_FETCHED_PAPERS]}
        return found

    async def _topic_fallback_view(
        self, interaction: Interaction, paper: str
    ) -> discord.ui.LayoutView | None:
        """Search the text as a topic if it names no paper. Returns None if it does, or if nothing matches."""
        if await self._services.search.find_paper(paper) is not None or arxiv_ids.extract_arxiv_id(paper):
            return None
        texts = await interaction.client.texts_for(interaction)
        state = await long_texts.store(self._services.text_tokens, ListState(ListKind.TOPIC, paper))
        listed = await self._lists.load(texts, state, interaction.user.id)
        if not listed.rows:
            return None
        listed = replace(listed, notes=(texts("no-paper-near"), *listed.notes))
        return paper_list.list_view(texts, listed, may_share=checks.may_share(interaction))

    async def _chapter_view(
        self, interaction: Interaction, arxiv_id: str, chapter: int, page: int
    ) -> discord.ui.LayoutView:
        async with lookups.admitted(interaction):
            texts, detail = await self._load_paper(interaction, arxiv_id)
        try:
            return paper_card.chapter_view(texts, detail, chapter, page)
        except LookupError:
            raise UserError("no-chapter") from None

    async def _load_paper(self, interaction: Interaction, paper: str) -> tuple[Texts, models.PaperDetail]:
        texts = await interaction.client.texts_for(interaction)
        detail = await self._services.search.find_paper(paper)
        if detail is None:
            raise UserError("no-paper", paper=paper_text.escape_untrusted(paper))
        return texts, detail
