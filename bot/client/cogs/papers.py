"""/paper, the papers that a message names, and what a card opens: chapters, similar papers, authors, citing, saving."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.client.cogs.digests import PaperListLoader, store_text
from bot.client.components import custom_ids
from bot.client.components.custom_ids import Action
from bot.client.context import Client, Request
from bot.client.interactions import autocomplete, checks, component_router, lookups, message_text, responses
from bot.client.interactions.errors import UserError
from bot.client.interactions.responses import IN_PLACE, PRIVATELY
from bot.client.views import daily_post, notices
from bot.client.views.papers import paper_card, paper_details, paper_list, paper_text
from bot.client.views.papers.list_state import ListKind, ListState
from bot.digests.elements import arxiv_ids
from bot.services.polling.paper_lookup import LookupOutcome
from bot.services.search import title_search
from storage import models

LOOK_UP = "Look up papers"
MAX_NAMED_PAPERS = 10
MAX_FETCHED_PAPERS = 3
"""Papers of one message that are fetched because no digest has them."""


class PapersCog(commands.Cog):
    """Cards of single papers."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services
        self._lists = PaperListLoader(bot.services)
        self._mentions = bot.mentions
        self._tree = bot.tree

    async def cog_load(self) -> None:
        """Add the command of a message's menu, which a cog does not add by itself."""
        self._tree.add_command(app_commands.ContextMenu(name=LOOK_UP, callback=self.look_up))

    async def cog_unload(self) -> None:
        """Stop fetching papers for readers before the database is closed."""
        await self._services.paper_lookup.close()

    @component_router.answers()
    async def look_up(self, request: Request, message: discord.Message) -> ui.LayoutView:
        """Show the papers that a message names: the card of one, a list of several. The text is not kept."""
        today = self._services.clock().date()
        named = arxiv_ids.list_arxiv_ids(message_text.read_text(message), MAX_NAMED_PAPERS, today)
        if len(named) == 1:
            return await self._paper_view(request, named[0])
        if named:
            return paper_details.found_view(request.texts, await self._load_named(request, named))
        return notices.text_view(request.texts("no-paper-in-message"))

    @component_router.command(
        name="paper", description="One paper: highlights, review, authors, votes and links"
    )
    @app_commands.describe(paper="An arXiv id, a link to arXiv or Hugging Face, or part of the title")
    @app_commands.autocomplete(paper=autocomplete.papers)
    async def paper(self, request: Request, paper: app_commands.Range[str, 1, 500]) -> ui.LayoutView:
        """Show a paper's card."""
        return await self._paper_view(request, paper)

    @component_router.handles(paper_list.OPEN_SELECTED, PRIVATELY)
    async def open_selected(self, request: Request, action: Action) -> ui.LayoutView:
        """Open the selected paper in a new private message."""
        return await self._paper_view(request, component_router.selected_value(request.interaction))

    @component_router.handles(daily_post.OPEN_PAPER, PRIVATELY)
    async def open_paper(self, request: Request, action: Action) -> ui.LayoutView:
        """Open the paper of a button in a new private message; one of an imported file may have to be fetched."""
        return await self._paper_view(request, action.payload)

    @component_router.handles(paper_card.CARD)
    async def turn_card_page(self, request: Request, action: Action) -> ui.LayoutView:
        """Show another page of a card."""
        arxiv_id, page = action.fields(2)
        number = custom_ids.parse_number(page)
        async with lookups.admitted(request.interaction):
            return await card_view(request, arxiv_id, number)

    @component_router.handles(paper_card.CHAPTERS)
    async def open_chapter(self, request: Request, action: Action) -> ui.LayoutView:
        """Show the selected chapter in place of a private card or chapter; of a public card in a private message."""
        chapter = custom_ids.parse_number(component_router.selected_value(request.interaction))
        return await self._chapter_view(request, action.payload, chapter, 0)

    @component_router.handles(paper_card.CHAPTER)
    async def turn_chapter_page(self, request: Request, action: Action) -> ui.LayoutView:
        """Show another page of the review."""
        arxiv_id, chapter, page = action.fields(3)
        position = custom_ids.parse_number(chapter), custom_ids.parse_number(page)
        return await self._chapter_view(request, arxiv_id, *position)

    @component_router.handles(paper_card.SIMILAR, PRIVATELY)
    async def show_similar(self, request: Request, action: Action) -> ui.LayoutView:
        """Show similar papers."""
        return await self._lists.list_view(request, ListState(ListKind.SIMILAR, action.payload))

    @component_router.handles(
        paper_card.AUTHORS, lambda action: PRIVATELY if _authors_page(action) == 0 else IN_PLACE
    )
    async def show_authors(self, request: Request, action: Action) -> ui.LayoutView:
        """Show a page of the paper's authors, with a menu. Page 0 opens page 1 in a new message."""
        detail = await load_paper(request, action.fields(2)[1])
        return paper_details.authors_view(request.texts, detail, max(_authors_page(action) - 1, 0))

    @component_router.handles(paper_details.SELECT_AUTHOR, PRIVATELY)
    async def select_author(self, request: Request, action: Action) -> ui.LayoutView:
        """Show the papers of the selected author."""
        number = custom_ids.parse_number(component_router.selected_value(request.interaction))
        detail = await load_paper(request, action.payload)
        if number >= len(detail.authors):
            raise UserError("outdated-control")
        state = ListState(ListKind.AUTHOR, detail.authors[number])
        return await self._lists.list_view(request, await store_text(self._services.text_tokens, state))

    @component_router.handles(paper_card.CITE, PRIVATELY)
    async def cite(self, request: Request, action: Action) -> ui.LayoutView:
        """Show the paper's BibTeX entry."""
        return paper_details.cite_view(request.texts, await load_paper(request, action.payload))

    @component_router.handles(paper_card.SHARE, responses.PUBLICLY, check=checks.require_may_share)
    async def share(self, request: Request, action: Action) -> None:
        """Post the card publicly. Raises UserError unless the user may write in the channel."""
        texts, interaction = request.texts, request.interaction
        await responses.defer(interaction, public=True)
        detail = await load_paper(request, action.payload)
        topics = await self._services.glossary.list_title_topics(detail.title or "", texts.locale)
        sharer = responses.display_name(interaction)
        view = paper_card.card_view(texts, detail, sharer=sharer, topics=topics)
        # Sent here, because a post that fails is not counted as shared.
        await responses.reply_publicly(interaction, view)
        if interaction.guild_id is not None:
            await self._services.shelf.share(interaction.guild_id, request.user_id, detail.id)

    async def _paper_view(self, request: Request, paper: str) -> ui.LayoutView:
        """Return a paper's card, or the list of a text that is no title. A paper that no digest has is fetched."""
        arxiv_id = title_search.parse_id(paper)
        async with lookups.admitted(request.interaction):
            if arxiv_id is None or await self._services.search.find_paper(arxiv_id) is not None:
                topic = await self._topic_fallback_view(request, paper)
                return topic or await card_view(request, paper)
        # Outside of the admission: it takes seconds, and the slot is for look-ups in the archive.
        outcomes = await self._services.paper_lookup.fetch(request.user_id, [arxiv_id])
        if outcomes[arxiv_id] is LookupOutcome.FOUND:
            return await card_view(request, arxiv_id)
        is_possible = arxiv_ids.is_possible(arxiv_id, self._services.clock().date())
        return paper_details.missing_view(
            request.texts, arxiv_id, outcomes[arxiv_id], is_possible=is_possible
        )

    async def _load_named(
        self, request: Request, named: Sequence[str]
    ) -> dict[str, models.PaperDetail | None]:
        """Return papers by arXiv id, None for those that are not found. A few that no digest has are fetched."""
        find = self._services.search.find_paper
        async with lookups.admitted(request.interaction):
            found = {arxiv_id: await find(arxiv_id) for arxiv_id in named}
        missing = [arxiv_id for arxiv_id, detail in found.items() if detail is None]
        if missing:
            await self._services.paper_lookup.fetch(request.user_id, missing[:MAX_FETCHED_PAPERS])
            found |= {arxiv_id: await find(arxiv_id) for arxiv_id in missing[:MAX_FETCHED_PAPERS]}
        return found

    async def _topic_fallback_view(self, request: Request, paper: str) -> ui.LayoutView | None:
        """Search the text as a topic if it names no paper. Returns None if it does, or if nothing matches."""
        if await self._services.search.find_paper(paper) is not None or arxiv_ids.extract_arxiv_id(paper):
            return None
        texts = request.texts
        state = await store_text(self._services.text_tokens, ListState(ListKind.TOPIC, paper))
        listed = await self._lists.load(texts, state, request.user_id)
        if not listed.rows:
            return None
        listed = replace(listed, notes=(texts("no-paper-near"), *listed.notes))
        return paper_list.list_view(texts, listed, may_share=checks.may_share(request.interaction))

    async def _chapter_view(self, request: Request, arxiv_id: str, chapter: int, page: int) -> ui.LayoutView:
        async with lookups.admitted(request.interaction):
            detail = await load_paper(request, arxiv_id)
        try:
            return paper_card.chapter_view(request.texts, detail, chapter, page)
        except LookupError:
            raise UserError("no-chapter") from None


def _authors_page(action: Action) -> int:
    """Return the page of a button to the authors, 0 for one that opens page 1 in a new message."""
    return custom_ids.parse_number(action.fields(2)[0])


async def card_view(request: Request, paper: str, page: int = 0) -> ui.LayoutView:
    """Return a page of a paper's card for the reader who asks. Raises UserError for an unknown paper."""
    texts, detail = request.texts, await load_paper(request, paper)
    saved = await request.services.shelf.has_saved(request.user_id, detail.id)
    request.services.profiles.note_open(request.user_id, detail.id)
    may_share = checks.may_share(request.interaction)
    topics = await request.services.glossary.list_title_topics(detail.title or "", texts.locale)
    return paper_card.card_view(texts, detail, page, saved=saved, may_share=may_share, topics=topics)


async def load_paper(request: Request, paper: str) -> models.PaperDetail:
    """Return a paper by its id, link or title. Raises UserError for an unknown one."""
    detail = await request.services.search.find_paper(paper)
    if detail is None:
        raise UserError("no-paper", paper=paper_text.escape_untrusted(paper))
    return detail
