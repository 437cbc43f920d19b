"""/paper and /saved, and what a paper's card leads to: pages, chapters, similar papers, authors, citing, saving, sharing."""

from __future__ import annotations

from dataclasses import replace

import discord
from discord import app_commands
from discord.ext import commands

from bot.client.cogs.digests import show, view_of
from bot.client.components import custom_ids
from bot.client.context import Client, Interaction
from bot.client.interactions import autocomplete, component_router, responses
from bot.client.interactions.errors import Refusal
from bot.client.presenters import paper_lists
from bot.client.translations import Words
from bot.client.views import (
    daily_post,
    list_state,
    notices,
    paper_card,
    paper_details,
    paper_list,
    paper_text,
)
from bot.digests.elements import arxiv_id as arxiv_ids
from storage import models


class PapersCog(commands.Cog):
    """One paper at a time."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services
        self._lists = paper_lists.PaperLists(bot.services)
        self._mentions = bot.mentions

    @app_commands.command(name="paper", description="One paper: highlights, review, authors, votes and links")
    @app_commands.describe(paper="An arXiv id, a link to arXiv or Hugging Face, or part of the title")
    async def paper(self, interaction: Interaction, paper: app_commands.Range[str, 1, 500]) -> None:
        """Answer with a paper's card."""
        await responses.think(interaction)
        near = await self._near(interaction, paper)
        await responses.privately(interaction, near or await self._card(interaction, paper))

    @paper.autocomplete("paper")
    async def _papers(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        return await autocomplete.papers(interaction, current)

    @app_commands.command(name="saved", description="The papers that you saved")
    async def saved(self, interaction: Interaction) -> None:
        """Answer with the reader's saved papers, last saved first."""
        await responses.think(interaction)
        await show(self._lists, interaction, list_state.ListState(list_state.ListKind.SAVED))

    @component_router.handles(paper_list.OPEN)
    async def open_chosen(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Open the paper picked in a menu, in a private message of its own."""
        await responses.think(interaction)
        await responses.privately(
            interaction, await self._card(interaction, component_router.chosen(interaction)[0])
        )

    @component_router.handles(daily_post.OPEN_ONE)
    async def open_one(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Open the paper that a button belongs to."""
        await responses.think(interaction)
        await responses.privately(interaction, await self._card(interaction, action.rest))

    @component_router.handles(paper_card.CARD)
    async def turn(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show another page of a card."""
        await responses.hold(interaction)
        arxiv_id, page = action.fields(2)
        with custom_ids.reading():
            number = int(page)
        await responses.in_place(interaction, await self._card(interaction, arxiv_id, number))

    @component_router.handles(paper_card.CHAPTERS)
    async def open_chapter(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Open the chapter picked in the menu: in place if a chapter is shown already, else in a message of its own."""
        await responses.think(interaction)
        await responses.privately(
            interaction,
            await self._chapter(interaction, action.rest, int(component_router.chosen(interaction)[0]), 0),
        )

    @component_router.handles(paper_card.CHAPTER)
    async def turn_chapter(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show another page of a chapter."""
        await responses.hold(interaction)
        arxiv_id, chapter, page = action.fields(3)
        with custom_ids.reading():
            place = int(chapter), int(page)
        await responses.in_place(interaction, await self._chapter(interaction, arxiv_id, *place))

    @component_router.handles(paper_card.SIMILAR)
    async def similar(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show papers like this one."""
        await responses.think(interaction)
        words = await interaction.client.words_for(interaction)
        state = list_state.ListState(list_state.ListKind.SIMILAR, action.rest)
        await responses.privately(interaction, await self._list(words, interaction, state))

    @component_router.handles(paper_card.AUTHORS)
    async def authors(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show all authors, to be picked from."""
        page, arxiv_id = action.fields(2)
        await (responses.hold if int(page) else responses.think)(interaction)
        words, detail = await self._found(interaction, arxiv_id)
        view = paper_details.authors_view(words, detail, max(int(page) - 1, 0))
        await (responses.in_place if int(page) else responses.privately)(interaction, view)

    @component_router.handles(paper_details.AUTHOR_CHOSEN)
    async def author_chosen(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the papers of the author that was picked."""
        await responses.think(interaction)
        words, detail = await self._found(interaction, action.rest)
        number = int(component_router.chosen(interaction)[0])
        if number >= len(detail.authors):
            raise Refusal("outdated-control")
        state = list_state.ListState(list_state.ListKind.AUTHOR, detail.authors[number])
        await responses.privately(
            interaction, await self._list(words, interaction, await self._lists.portable(state))
        )

    @component_router.handles(paper_card.CITE)
    async def cite(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Show the paper's BibTeX entry, ready to be copied."""
        await responses.think(interaction)
        words, detail = await self._found(interaction, action.rest)
        await responses.privately(interaction, paper_details.cite_view(words, detail))

    @component_router.handles(paper_card.SAVE)
    async def save(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Save a paper or take it out again; a private card shows the change, elsewhere a sentence says it."""
        wanted, page, arxiv_id = action.fields(3)
        on_card = responses.is_private(interaction) and page != paper_card.NOT_A_CARD
        await (responses.hold if on_card else responses.think)(interaction)
        words, detail = await self._found(interaction, arxiv_id)
        if wanted == "1":
            await self._services.readers.save_paper(interaction.user.id, detail.id)
        else:
            await self._services.readers.unsave_paper(interaction.user.id, detail.id)
        if on_card:
            await responses.in_place(interaction, await self._card(interaction, arxiv_id, int(page)))
        else:
            text = words("paper-saved", command=self._mentions("saved"))
            await responses.privately(interaction, notices.plain_view(text))

    @component_router.handles(paper_card.SHARE)
    async def share(self, interaction: Interaction, action: custom_ids.Action) -> None:
        """Post the card for everybody in the channel, if the asker may write there."""
        if not responses.may_share(interaction):
            raise Refusal("may-not-share")
        await responses.think(interaction, public=True)
        words, detail = await self._found(interaction, action.rest)
        card = paper_card.Card(detail, saved=None, sharer=responses.name_of(interaction))
        await responses.openly(interaction, paper_card.card_view(words, card))

    async def _card(self, interaction: Interaction, paper: str, page: int = 0) -> discord.ui.LayoutView:
        words, detail = await self._found(interaction, paper)
        saved = await self._services.readers.has_saved(interaction.user.id, detail.id)
        card = paper_card.Card(detail, page=page, saved=saved, may_share=responses.may_share(interaction))
        return paper_card.card_view(words, card)

    async def _near(self, interaction: Interaction, paper: str) -> discord.ui.LayoutView | None:
        """Return papers on the topic of what is no paper's title; None if it names a paper, or there are none."""
        if await self._services.lookup.paper(paper) is not None or arxiv_ids.parse_arxiv_id(paper):
            return None
        words = await interaction.client.words_for(interaction)
        state = await self._lists.portable(list_state.ListState(list_state.ListKind.TOPIC, paper))
        listed = await self._lists.load(words, state, interaction.user.id)
        if not listed.rows:
            return None
        listed = replace(listed, notes=(words("no-paper-near"), *listed.notes))
        return paper_list.list_view(words, listed, may_share=responses.may_share(interaction))

    async def _chapter(
        self, interaction: Interaction, arxiv_id: str, chapter: int, page: int
    ) -> discord.ui.LayoutView:
        words, detail = await self._found(interaction, arxiv_id)
        try:
            return paper_card.chapter_view(words, detail, chapter, page)
        except LookupError:
            raise Refusal("no-chapter") from None

    async def _list(
        self, words: Words, interaction: Interaction, state: list_state.ListState
    ) -> discord.ui.LayoutView:
        return await view_of(self._lists, words, interaction, state)

    async def _found(self, interaction: Interaction, paper: str) -> tuple[Words, models.PaperDetail]:
        words = await interaction.client.words_for(interaction)
        detail = await self._services.lookup.paper(paper)
        if detail is None:
            raise Refusal("no-paper", paper=paper_text.quoted(paper))
        return words, detail
