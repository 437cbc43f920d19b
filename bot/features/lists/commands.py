"""The commands /digest, /top, /topic, /author and /paper, the list loader, and the handlers for lists and cards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.archive import schemes
from bot.client import custom_ids, interaction_values, message_builder, permissions, responses, router, verbs
from bot.client.custom_ids import Action, pack_custom_id
from bot.client.handler_context import Client, Request
from bot.client.message_builder import StatelessModal
from bot.client.refusals import UserError
from bot.client.responses import PRIVATELY
from bot.i18n import typed_values
from bot.papers import cards, completers, list_views, replies
from bot.papers import list_state as papers_list_state
from bot.papers.list_state import ListKind, ListState, Period
from bot.papers.replies import load_paper, store_list_text
from bot.search import titles
from bot.search.results import Sort
from bot.sources.arxiv import LookupOutcome
from bot.text import query_parser
from storage import models, papers, shelf, sources

AUTHOR_ORDERS = [
    app_commands.Choice(name="Most votes", value=Sort.VOTES.value),
    app_commands.Choice(name="Newest", value=Sort.DATE.value),
    app_commands.Choice(name="Oldest", value=Sort.OLDEST.value),
]
TOPIC_ORDERS = [app_commands.Choice(name="Best match", value=Sort.RELEVANCE.value), *AUTHOR_ORDERS]
QUERY = "query"
LOOK_UP = "Look up papers"
MAX_NAMED_PAPERS = 10
MAX_FETCHED_PAPERS = 3
"""The maximum number of papers named in a message that are fetched if the archive does not have them."""

Votes = app_commands.Range[int, 0, 99_999]
PeriodText = app_commands.Range[str, 1, 40]
TypedText = app_commands.Range[str, 1, 300]


class ListsCog(commands.Cog):
    @router.command(name="digest", description="One day's papers, sorted by votes")
    @app_commands.describe(
        date="A day such as yesterday or 2025-02-06, or a conference; the newest digest if left out"
    )
    @app_commands.autocomplete(date=completers.dates)
    async def digest(
        self, request: Request, date: app_commands.Range[str, 1, 40] | None = None
    ) -> ui.LayoutView:
        span = None
        if date:
            labels = await request.services.database.fetch(sources.list_labels)
            if label := labels.get(models.label_key(date)):
                return await replies.list_view(request, ListState(ListKind.TOPIC, f'in:"{label}"'))
            today = await request.interaction.client.today_for(request.interaction)
            span = typed_values.parse_dates(date, today)
        return await replies.list_view(request, ListState(ListKind.DIGEST, span=span))

    @router.command(name="top", description="The most upvoted papers")
    @app_commands.describe(
        period="A period such as last week, a month or Dec 2025; the last 7 days if left out",
        topic="Only papers on this topic",
        votes="Minimum votes",
        without="Leave out papers with these words; separate several with commas",
    )
    @app_commands.autocomplete(
        period=completers.periods, topic=completers.topics, without=completers.topic_lists
    )
    async def top(
        self,
        request: Request,
        period: PeriodText = Period.WEEK.value,
        topic: TypedText = "",
        votes: Votes = 0,
        without: TypedText = "",
    ) -> ui.LayoutView:
        state = ListState(ListKind.TOP, topic, min_votes=votes)
        return await self._narrowed_view(request, state, period, without)

    @router.handles(
        verbs.SHOW_LIST,
        lambda action: PRIVATELY if action.verb == verbs.OPEN_LIST else responses.IN_PLACE,
        also=(verbs.OPEN_LIST,),
    )
    async def show_list(self, request: Request, action: Action) -> ui.LayoutView:
        return await replies.list_view(request, await replies.load_state(request, action))

    @router.handles(verbs.REFINE_LIST, also=(verbs.SELECT_DAY, verbs.SELECT_TAG))
    async def refine(self, request: Request, action: Action) -> ui.LayoutView:
        state = await replies.load_state(request, action)
        with custom_ids.map_parse_errors():
            refined = list_views.refine(state, interaction_values.selected_value(request.interaction))
        return await replies.list_view(request, refined)

    @router.handles(verbs.SHARE_LIST, responses.PUBLICLY, check=permissions.require_may_share)
    async def share(self, request: Request, action: Action) -> ui.LayoutView:
        interaction, state = request.interaction, await replies.load_state(request, action)
        if state.kind is ListKind.SAVED:
            # Notes and tags are private.
            raise UserError("outdated-control")
        async with router.deferring_publicly(interaction):
            today = await interaction.client.today_for(interaction)
            listed = await replies.load_list(request, state, today)
        return list_views.shared_view(
            request.texts, listed, sharer=interaction_values.display_name(interaction)
        )

    @router.handles(verbs.UNSHARE)
    async def unshare(self, request: Request, action: Action) -> ui.LayoutView:
        """Delete a message that the reader shared in this channel.

        Raises UserError if it is not the reader's, or the bot lacks permission.
        """
        channel = request.interaction.client.get_partial_messageable(request.interaction.channel_id or 0)
        try:
            message = await channel.fetch_message(action.number)
            shared = message.interaction_metadata
            # Custom ids can be forged.
            if shared is None or shared.user.id != request.user_id:
                raise UserError("outdated-control")
            await message.delete()
        except discord.NotFound:
            pass
        except discord.Forbidden:
            raise UserError("may-not-take-back") from None
        shared_ids = request.interaction.client.shared
        for key in [key for key, shared_id in shared_ids.items() if shared_id == action.number]:
            del shared_ids[key]
        return message_builder.text_view(request.texts("share-taken-back"))

    @router.command(name="topic", description="Papers on a topic, in Korean or English")
    @app_commands.describe(
        query="A question or words; a phrase in quotes; -word leaves a word out",
        order="The order; best match first if left out",
        period="A period such as last week, a month or Dec 2025",
        votes="Minimum votes",
        without="Leave out papers with these words; separate several with commas",
    )
    @app_commands.choices(order=TOPIC_ORDERS)
    @app_commands.autocomplete(
        query=completers.topics, period=completers.periods, without=completers.topic_lists
    )
    async def topic(
        self,
        request: Request,
        query: app_commands.Range[str, 1, 2000],
        order: str | None = None,
        period: PeriodText = Period.ALL.value,
        votes: Votes = 0,
        without: TypedText = "",
    ) -> ui.LayoutView:
        state = ListState(ListKind.TOPIC, query, min_votes=votes, sort=Sort(order) if order else None)
        return await self._results_view(request, state, period, without)

    @router.command(name="author", description="An author's papers; any order or spelling of the name")
    @app_commands.describe(
        name="The author's name",
        order="The order; most votes first if left out",
        period="A period such as last week, a month or Dec 2025",
        votes="Minimum votes",
    )
    @app_commands.choices(order=AUTHOR_ORDERS)
    @app_commands.autocomplete(name=completers.authors, period=completers.periods)
    async def author(
        self,
        request: Request,
        name: TypedText,
        order: str | None = None,
        period: PeriodText = Period.ALL.value,
        votes: Votes = 0,
    ) -> ui.LayoutView:
        state = ListState(ListKind.AUTHOR, name, min_votes=votes, sort=Sort(order) if order else None)
        return await self._results_view(request, state, period)

    @router.handles(verbs.OPEN_TOPIC_FORM, responses.AT_ONCE)
    async def open_topic_modal(self, request: Request, action: Action) -> ui.Modal:
        texts = request.texts
        modal = StatelessModal(texts("post-ask"), pack_custom_id(verbs.SUBMIT_TOPIC_FORM))
        modal.add_text(texts("topic-form-label"), QUERY, placeholder=texts("topic-form-hint"), max_length=300)
        return modal

    @router.handles(verbs.SUBMIT_TOPIC_FORM, responses.PRIVATELY)
    async def submit_topic_modal(self, request: Request, action: Action) -> ui.LayoutView:
        query = interaction_values.modal_values(request.interaction).get(QUERY, "")
        return await self._results_view(request, ListState(ListKind.TOPIC, query))

    async def _results_view(
        self, request: Request, state: ListState, period: str = Period.ALL.value, without: str = ""
    ) -> ui.LayoutView:
        if not state.text.strip():
            raise UserError("no-words")
        return await self._narrowed_view(request, state, period, without)

    async def _narrowed_view(
        self, request: Request, state: ListState, period: str, without: str
    ) -> ui.LayoutView:
        """Show a list of a typed period, without some words. Raises UsageError if the period is not understood."""
        today = await request.interaction.client.today_for(request.interaction)
        named, span = papers_list_state.parse_period(period, today)
        text = query_parser.leave_out(state.text, typed_values.split_items(without))
        return await replies.list_view(request, replace(state, text=text, period=named, span=span))


class PapersCog(commands.Cog):
    def __init__(self, bot: Client) -> None:
        self._bot = bot

    async def cog_load(self) -> None:
        """Add the message-menu command, which a cog does not register automatically."""
        self._bot.tree.add_command(app_commands.ContextMenu(name=LOOK_UP, callback=self.look_up))

    async def cog_unload(self) -> None:
        """Stop fetching papers before the database is closed."""
        await self._bot.services.paper_lookup.close()

    @router.callback()
    async def look_up(self, request: Request, message: discord.Message) -> ui.LayoutView:
        """Show the papers named in a message, one as a card, several as a list. The message is not stored."""
        today = request.services.clock().date()
        named = schemes.list_keys(interaction_values.read_text(message), today)[:MAX_NAMED_PAPERS]
        if len(named) == 1:
            return await self._paper_view(request, named[0])
        if named:
            return await self._found_view(request, named)
        return message_builder.text_view(request.texts("no-paper-in-message"))

    @router.command(name="paper", description="One paper: summary, review, authors, votes and links")
    @app_commands.describe(paper="An arXiv ID, a DOI, a link to the paper, or part of the title")
    @app_commands.autocomplete(paper=completers.papers)
    async def paper(self, request: Request, paper: app_commands.Range[str, 1, 500]) -> ui.LayoutView:
        return await self._paper_view(request, paper)

    @router.handles(verbs.OPEN_SELECTED, PRIVATELY)
    async def open_selected(self, request: Request, action: Action) -> ui.LayoutView:
        """Open the paper that is chosen in a menu, or show several as a list with menus that save them."""
        selected = interaction_values.selected_values(request.interaction)
        if len(selected) < 2:
            return await self._paper_view(request, interaction_values.selected_value(request.interaction))
        named = await request.services.database.fetch(papers.list_current_keys, selected)
        return await self._found_view(request, list(filter(schemes.read_key, named)))

    async def _found_view(self, request: Request, keys: Sequence[str]) -> ui.LayoutView:
        in_server = self._bot.is_in_server(request.interaction)
        found = await self._load_named(request, keys)
        may_share = permissions.may_share(request.interaction)
        return cards.found_view(request.texts, found, in_server=in_server, may_share=may_share)

    @router.handles(verbs.OPEN_PAPER, PRIVATELY)
    async def open_paper(self, request: Request, action: Action) -> ui.LayoutView:
        """Open a button's paper in a new private message. An imported paper may have to be fetched first."""
        return await self._paper_view(request, action.payload)

    @router.handles(verbs.SHOW_CARD)
    async def turn_card_page(self, request: Request, action: Action) -> ui.LayoutView:
        paper_key, page = action.fields(2)
        number = custom_ids.parse_number(page)
        async with router.admitted_lookup(request.interaction):
            return await replies.card_view(request, paper_key, number)

    @router.handles(verbs.SELECT_CHAPTER)
    async def open_chapter(self, request: Request, action: Action) -> ui.LayoutView:
        """Show the selected chapter: in place of a private message, or in a new private message below a public card."""
        chapter = custom_ids.parse_number(interaction_values.selected_value(request.interaction))
        return await self._chapter_view(request, action.payload, chapter, 0)

    @router.handles(verbs.SHOW_CHAPTER)
    async def turn_chapter_page(self, request: Request, action: Action) -> ui.LayoutView:
        paper_key, *position = action.fields(3)
        return await self._chapter_view(request, paper_key, *map(custom_ids.parse_number, position))

    @router.handles(verbs.SIMILAR_PAPERS, PRIVATELY)
    async def show_similar(self, request: Request, action: Action) -> ui.LayoutView:
        return await replies.list_view(request, ListState(ListKind.SIMILAR, action.payload))

    @router.handles(verbs.SHOW_AUTHORS)
    async def show_authors(self, request: Request, action: Action) -> ui.LayoutView:
        page, paper_key = action.fields(2)
        detail = await load_paper(request, paper_key)
        return cards.authors_view(request.texts, detail, custom_ids.parse_number(page))

    @router.handles(verbs.SELECT_AUTHOR, PRIVATELY)
    async def select_author(self, request: Request, action: Action) -> ui.LayoutView:
        detail = await load_paper(request, action.payload)
        with custom_ids.map_parse_errors():
            name = detail.authors[
                custom_ids.parse_number(interaction_values.selected_value(request.interaction))
            ]
        return await replies.list_view(request, ListState(ListKind.AUTHOR, name))

    @router.handles(verbs.SHARE_CARD, responses.PUBLICLY, check=permissions.require_may_share)
    async def share(self, request: Request, action: Action) -> ui.LayoutView:
        async with router.admitted_lookup(request.interaction):
            detail = await load_paper(request, action.payload)
        # Defer publicly only now, since refusals are private.
        await responses.defer(request.interaction, public=True)
        return await replies.draw_card(request, detail, None)

    async def _paper_view(self, request: Request, paper: str) -> ui.LayoutView:
        """Return a paper's card, fetching the paper if the archive lacks it. Any other text is searched for as a topic."""
        typed_id = titles.parse_id(paper)
        paper_key = typed_id or titles.find_known(paper)
        async with router.admitted_lookup(request.interaction):
            if paper_key is None or await request.services.search.find_paper(paper_key) is not None:
                is_named = paper_key or await request.services.search.find_paper(paper) is not None
                near = None if is_named else await self._near_view(request, paper)
                return near or await replies.card_view(request, paper)
        # This does not count as a lookup, because fetching takes seconds and must not occupy a slot.
        outcomes = await request.services.paper_lookup.fetch(request.user_id, [paper_key])
        if outcomes[paper_key] is LookupOutcome.FOUND:
            return await replies.card_view(request, paper_key)
        near = None
        if typed_id is None:
            async with router.admitted_lookup(request.interaction):
                near = await self._near_view(request, paper)
        saved = await request.services.database.fetch(shelf.get, request.user_id, paper_key)
        return near or cards.missing_view(request.texts, paper, paper_key, outcomes[paper_key], saved)

    async def _load_named(
        self, request: Request, named: Sequence[str]
    ) -> dict[str, models.PaperDetail | None]:
        """Return papers by their keys (None if unknown), after fetching up to MAX_FETCHED_PAPERS missing ones."""
        find = request.services.search.find_paper
        async with router.admitted_lookup(request.interaction):
            details = {paper_key: await find(paper_key) for paper_key in named}
        missing = [paper_key for paper_key, detail in details.items() if detail is None]
        fetched = await request.services.paper_lookup.fetch(request.user_id, missing[:MAX_FETCHED_PAPERS])
        return details | {paper_key: await find(paper_key) for paper_key in fetched}

    async def _near_view(self, request: Request, paper: str) -> ui.LayoutView | None:
        """Return what a search for a text as a topic, or for a name like it, finds. None: nothing."""
        texts = request.texts
        for note in ("no-paper-near", "no-paper-alike"):
            is_near = note == "no-paper-alike"
            topic = await request.services.search.find_near_name(paper) if is_near else paper
            if topic is None:
                return None
            state = await store_list_text(
                request.services.text_tokens, request.user_id, ListState(ListKind.TOPIC, topic)
            )
            today = await request.interaction.client.today_for(request.interaction)
            listed = await replies.load_list(request, state, today)
            if listed.rows:
                listed = replace(listed, notes=(texts(note), *listed.notes))
                return replies.filled_view(request, listed)
        return None

    async def _chapter_view(self, request: Request, paper_key: str, chapter: int, page: int) -> ui.LayoutView:
        async with router.admitted_lookup(request.interaction):
            detail = await load_paper(request, paper_key)
        try:
            return await cards.chapter_view(request.texts, detail, chapter, page)
        except LookupError:
            raise UserError("no-chapter") from None
