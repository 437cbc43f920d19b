"""The commands /digest, /top, /topic, /author and /paper, the list loader, and the handlers for lists and cards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, assert_never

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.archive import arxiv_ids
from bot.client import autocomplete, custom_ids, list_state, paper_texts, router
from bot.client import messages as client_messages
from bot.client import options as client_options
from bot.client.accounts import TextPurpose, TextTokenStore
from bot.client.context import Client, Interaction, Request, Services
from bot.client.custom_ids import Action
from bot.client.list_state import MAX_LIST_TEXT_LENGTH, PERIOD_DAYS, ListKind, ListState, Period
from bot.client.paper_texts import escape_untrusted, format_title
from bot.client.router import PRIVATELY, UserError
from bot.client.texts import Texts
from bot.lists import card as lists_card
from bot.lists import messages as lists_messages
from bot.lists.messages import MAX_NAMES, PaperList, Suggestion, format_names
from bot.rendering import discord_text, templates
from bot.search import service as search_service
from bot.search import titles
from bot.search.results import AuthorResult, SearchRequest, Sort
from bot.sources.arxiv import LookupOutcome
from bot.text import query_parser
from storage import models, shelf
from storage.search import Filters

PERIOD_CHOICES = [
    app_commands.Choice(name="Last 7 days", value=Period.WEEK.value),
    app_commands.Choice(name="Last 30 days", value=Period.MONTH.value),
    app_commands.Choice(name="Last 3 months", value=Period.QUARTER.value),
    app_commands.Choice(name="Last 12 months", value=Period.YEAR.value),
    app_commands.Choice(name="All time", value=Period.ALL.value),
]
LOOK_UP = "Look up papers"
MAX_NAMED_PAPERS = 10
MAX_FETCHED_PAPERS = 3
"""The maximum number of papers named in a message that are fetched if the archive does not have them."""
MAX_SIMILAR = 10
MAX_SUGGESTIONS = 5

Votes = app_commands.Range[int, 0, 99_999]


@autocomplete.guarded
async def _complete_period(interaction: Interaction, current: str) -> autocomplete.Choices:
    """Suggest the periods whose names contain the typed text. Readers can also submit other text, which is parsed."""
    texts = await interaction.client.texts_for(interaction)
    names = [(texts(period.text_id), period.value) for period in Period]
    return autocomplete.make_choices(
        (name, value) for name, value in names if current.casefold() in name.casefold()
    )


class ListsCog(commands.Cog):
    """Commands and controls for lists of papers by date, votes, topic or author."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services
        self._lists = PaperListLoader(bot.services)

    @router.command(name="digest", description="One day's papers, sorted by votes")
    @app_commands.describe(
        date="A day such as yesterday, Dec 30 or 2025-02-06; the newest digest if left out"
    )
    @app_commands.autocomplete(date=autocomplete.dates)
    async def digest(
        self, request: Request, date: app_commands.Range[str, 1, 40] | None = None
    ) -> ui.LayoutView:
        """Show the digest of a date, by default the latest one."""
        span = None
        if date:
            today = await request.interaction.client.today_for(request.interaction)
            span = client_options.parse_dates(date, today)
        return await self._lists.list_view(request, ListState(ListKind.DIGEST, span=span))

    @router.command(name="top", description="The most upvoted papers")
    @app_commands.describe(
        period="A period such as last week, a month or Dec 2025; the last 7 days if left out",
        topic="Only papers on this topic",
    )
    @app_commands.autocomplete(period=_complete_period, topic=autocomplete.topics)
    async def top(
        self,
        request: Request,
        period: app_commands.Range[str, 1, 40] = Period.WEEK.value,
        topic: app_commands.Range[str, 1, 300] = "",
    ) -> ui.LayoutView:
        """Show the most upvoted papers of a period, optionally on a single topic."""
        if period in set(Period):
            return await self._lists.list_view(request, ListState(ListKind.TOP, topic, period=Period(period)))
        today = await request.interaction.client.today_for(request.interaction)
        span = client_options.parse_dates(period, today)
        return await self._lists.list_view(request, ListState(ListKind.TOP, topic, span=span))

    @router.handles(list_state.SHOW_LIST)
    async def turn_page(self, request: Request, action: Action) -> ui.LayoutView:
        """Show another page of a list, or the list that a button refers to."""
        return await self._lists.list_view(request, await self._load_state(action))

    @router.handles(list_state.OPEN_LIST, PRIVATELY)
    async def open_list(self, request: Request, action: Action) -> ui.LayoutView:
        """Show a list in a new private message."""
        return await self._lists.list_view(request, await self._load_state(action))

    @router.handles(lists_messages.REFINE)
    async def refine(self, request: Request, action: Action) -> ui.LayoutView:
        """Show the list for the selected period or order."""
        state = await self._load_state(action)
        with custom_ids.map_parse_errors():
            refined = lists_messages.refine(state, router.selected_value(request.interaction))
        return await self._lists.list_view(request, refined)

    @router.handles(lists_messages.SELECT_DAY)
    async def select_day(self, request: Request, action: Action) -> ui.LayoutView:
        """Show the digest of the selected day."""
        state = list_state.unpack_state(action)
        with custom_ids.map_parse_errors():
            span = list_state.parse_span(router.selected_value(request.interaction))
        state = state.replace(span=span, page=0)
        return await self._lists.list_view(request, state)

    @router.handles(lists_messages.SHARE, router.PUBLICLY, check=router.require_may_share)
    async def share(self, request: Request, action: Action) -> ui.LayoutView:
        """Post a page of a list publicly. Raises UserError if the user may not write in the channel."""
        interaction, state = request.interaction, await self._load_state(action)
        if state.kind is ListKind.SAVED:
            # Notes and tags are private.
            raise UserError("outdated-control")
        async with router.deferring_publicly(interaction):
            listed = await self._lists.load(request.texts, state, request)
        return lists_messages.shared_view(request.texts, listed, sharer=router.display_name(interaction))

    @router.handles(client_messages.TAKE_BACK)
    async def take_back(self, request: Request, action: Action) -> ui.LayoutView:
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
        return client_messages.text_view(request.texts("share-taken-back"))

    @router.command(name="topic", description="Papers on a topic, in Korean or English")
    @app_commands.describe(
        query="Words, a phrase in quotes, or -word to exclude a word",
        period="How far back",
        votes="Minimum votes",
    )
    @app_commands.choices(period=PERIOD_CHOICES)
    @app_commands.autocomplete(query=autocomplete.topics)
    async def topic(
        self,
        request: Request,
        query: app_commands.Range[str, 1, 2000],
        period: str = Period.ALL.value,
        votes: Votes = 0,
    ) -> ui.LayoutView:
        """Show the papers on a topic, best match first."""
        return await self._results_view(request, ListKind.TOPIC, query, period, votes)

    @router.command(name="author", description="An author's papers; any order or spelling of the name")
    @app_commands.describe(name="The author's name", period="How far back", votes="Minimum votes")
    @app_commands.choices(period=PERIOD_CHOICES)
    @app_commands.autocomplete(name=autocomplete.authors)
    async def author(
        self,
        request: Request,
        name: app_commands.Range[str, 1, 300],
        period: str = Period.ALL.value,
        votes: Votes = 0,
    ) -> ui.LayoutView:
        """Show an author's papers, most upvoted first."""
        return await self._results_view(request, ListKind.AUTHOR, name, period, votes)

    @router.handles(client_messages.OPEN_TOPIC_MODAL, router.AT_ONCE)
    async def open_topic_modal(self, request: Request, action: Action) -> ui.Modal:
        """Open the form for a topic."""
        return lists_messages.topic_modal(request.texts)

    @router.handles(lists_messages.SUBMIT_TOPIC_MODAL, router.PRIVATELY)
    async def submit_topic_modal(self, request: Request, action: Action) -> ui.LayoutView:
        """Show the papers on the topic typed in the form."""
        query = router.modal_values(request.interaction).get(lists_messages.QUERY, "")
        return await self._results_view(request, ListKind.TOPIC, query, Period.ALL.value)

    async def _results_view(
        self, request: Request, kind: ListKind, text: str, period: str, votes: int = 0
    ) -> ui.LayoutView:
        if not text.strip():
            raise UserError("no-words")
        state = ListState(kind, text, period=Period(period), min_votes=votes)
        return await self._lists.list_view(request, state)

    async def _load_state(self, action: Action) -> ListState:
        return await load_list_text(self._services.text_tokens, list_state.unpack_state(action))


async def store_list_text(tokens: TextTokenStore, user_id: int, state: ListState) -> ListState:
    """Return the state with its text on one line. A text too long for a custom id is stored under a token."""
    text = discord_text.to_single_line(state.text)
    token = await tokens.save(user_id, TextPurpose.LIST, text) if len(text) > state.max_text_length else ""
    return replace(state, text=text, token=token)


async def load_list_text(tokens: TextTokenStore, state: ListState) -> ListState:
    """Return the state from a custom id with its text. Raises UserError if the stored text has been deleted."""
    if not state.token:
        return state
    text = await tokens.get(TextPurpose.LIST, state.token)
    if text is None:
        raise UserError("outdated-control")
    return replace(state, text=text)


class PaperListLoader:
    """Loads pages of lists."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def list_view(self, request: Request, state: ListState) -> ui.LayoutView:
        """Return the view of a page, which may be empty. Loading it counts as one of the reader's lookups."""
        if not state.token:
            state = await store_list_text(self._services.text_tokens, request.user_id, state)
        async with router.admitted_lookup(request.interaction):
            return await self._list_view(request, state)

    async def _list_view(self, request: Request, state: ListState) -> ui.LayoutView:
        texts, interaction = request.texts, request.interaction
        listed = await self.load(texts, state, request)
        if state.kind is ListKind.SAVED:
            if not listed.rows:
                return lists_messages.no_saved_view(texts, listed)
            return lists_messages.saved_view(texts, listed)
        if state.kind is ListKind.DIGEST:
            today = await request.interaction.client.today_for(request.interaction)
            days = await self._label_days_around(texts, listed.state, today)
            listed = replace(listed, days=days, today=today)
        if listed.rows:
            return lists_messages.list_view(texts, listed, may_share=router.may_share(interaction))
        wider = await self._load_wider(texts, state, request)
        return lists_messages.empty_view(texts, listed, await self._services.search.get_extent(), wider)

    async def load(self, texts: Texts, state: ListState, request: Request | None = None) -> PaperList:
        """Return a page of a list, or its last page if the page number is too large.

        Raises UserError if the list is the reader's saved papers and `request` is None.
        """
        listed = await self._load_page(texts, state, request)
        if not listed.rows and state.page and listed.total:
            listed = await self._load_page(texts, state.replace(page=listed.page_count - 1), request)
        # A search shows only matching sentences, so papers without one get no snippet.
        if state.kind is ListKind.TOPIC or listed.snippets or listed.facts or state.has_titles_only:
            return listed
        snippets = await self._services.search.list_snippets(listed.rows, texts.locale)
        return replace(listed, snippets=snippets)

    async def _load_wider(self, texts: Texts, state: ListState, request: Request | None) -> PaperList | None:
        """Return the list without its filters; None if that is empty too."""
        wider = state.replace(period=Period.ALL, span=None, min_votes=0, page=0)
        if state.kind not in lists_messages.FILTERABLE_KINDS or wider == state:
            return None
        listed = await self._load_page(texts, wider, request)
        return listed if listed.rows and listed.matching else None

    async def _label_days_around(
        self, texts: Texts, state: ListState, today: date
    ) -> tuple[tuple[str, str], ...]:
        """Return the days with a digest around the list's day, as pairs (label, ISO date)."""
        if state.span is None:
            return ()
        days = await self._services.dates.list_dates_around(state.span[1])
        counts = await self._services.dates.count_papers(days)
        return paper_texts.label_days(texts, counts, today)

    async def _load_page(self, texts: Texts, state: ListState, request: Request | None) -> PaperList:
        match state.kind:
            case ListKind.TOPIC:
                return await self._load_topic(texts, state)
            case ListKind.AUTHOR:
                return await self._load_author(texts, state)
            case ListKind.TOP:
                return await self._load_top(texts, state)
            case ListKind.DIGEST:
                return await self._load_digest(texts, state)
            case ListKind.SIMILAR:
                return await self._load_similar(texts, state)
            case ListKind.SAVED:
                if request is None:
                    raise UserError("outdated-control")
                listed: PaperList = await request.interaction.client.list_loaders[state.kind](request, state)
                return listed
            case _:
                assert_never(state.kind)

    async def _load_topic(self, texts: Texts, state: ListState) -> PaperList:
        result = await self._services.search.search(self._request(texts, state))
        notes = lists_messages.query_notes(texts, result, self._suggestions(state, result.suggestions))
        suggestions = self._suggestions(state, (*result.meanings, *result.suggestions))
        if not result.complete and not result.unknown_id:
            suggestions = await self._author_suggestion(texts, state) + suggestions
        return PaperList(
            state=state,
            heading=lists_messages.topic_heading(texts, state.text, result),
            rows=result.rows,
            total=result.total,
            missing=result.missing,
            related=result.related,
            complete=result.complete,
            notes=(*notes, lists_messages.filters_text(texts, state)),
            snippets=result.snippets,
            suggestions=suggestions,
            alert_terms=result.alert_terms,
            sort=result.sort,
            unknown_id=result.unknown_id,
        )

    async def _load_author(self, texts: Texts, state: ListState) -> PaperList:
        name, query = query_parser.parse_author(state.text, self._services.clock().date())
        filters = Filters(self._since(state.period), None, state.min_votes or None)
        result = await self._services.search.find_author(
            name,
            sort=state.sort or Sort.VOTES,
            filters=search_service.merge_filters(filters, query),
            limit=state.size,
            offset=state.offset,
        )
        if result.author is None:
            label = texts("list-read-from", names=result.institution)
            papers_from = ListState(ListKind.TOPIC, f"from {result.institution}", period=state.period)
            suggested = (Suggestion(label, papers_from),) if result.institution else ()
            return PaperList(state, suggestions=suggested)
        is_one = not result.namesakes
        is_kept = state.token or not is_one or query.has_range_filters
        shown = state if is_kept else state.replace(text=result.author)
        others = [name for name in result.matches if name != result.author] if is_one else result.namesakes
        names_note = "list-other-authors" if is_one else "list-namesakes"
        heading = result.author if is_one else name
        more = templates.render_more_authors(len(others) - MAX_NAMES, False, texts.locale)
        typed = escape_untrusted(name, max_length=60)
        notes = (
            texts("list-name-corrected", name=typed) if result.is_corrected else "",
            texts(
                names_note,
                names=f"{format_names(others)} {more}".rstrip(),
                count=len(others) + 1,
                name=typed,
                author=escape_untrusted(result.author),
            )
            if others
            else "",
            lists_messages.filters_text(texts, state),
        )
        return PaperList(
            state=shown if len(shown.text) <= MAX_LIST_TEXT_LENGTH else state,
            heading=texts("list-author-heading", author=escape_untrusted(heading), count=result.total),
            rows=result.rows,
            total=result.total,
            notes=notes,
            suggestions=self._suggestions(state, others),
            credits=_credit_namesakes(result),
            alert_terms=None if is_one else (),
            is_author_known=True,
        )

    async def _load_top(self, texts: Texts, state: ListState) -> PaperList:
        result = await self._services.search.search(self._request(texts, state.replace(sort=Sort.VOTES)))
        suggestions = self._suggestions(state, result.suggestions)
        topic, period = state.text, lists_messages.name_period(texts, state)
        key = "list-top-topic-heading" if topic else "list-top-heading"
        return PaperList(
            state=state,
            heading=texts(key, topic=escape_untrusted(topic), period=period),
            rows=result.rows,
            total=result.total,
            missing=result.missing,
            related=result.related,
            complete=result.complete,
            notes=lists_messages.query_notes(texts, result, suggestions),
            snippets=result.snippets,
            suggestions=suggestions,
        )

    async def _load_digest(self, texts: Texts, state: ListState) -> PaperList:
        span = state.span
        days = await self._services.dates.list_dates(*span) if span else []
        if span and not days:
            return PaperList(state)
        result, on = await self._services.search.get_digest(
            days[0] if days else None,
            limit=state.size,
            offset=state.offset,
            min_votes=state.min_votes or None,
        )
        heading = texts("list-digest-heading", date=texts.format_date(on), count=result.total) if on else ""
        of_period = ""
        if span and len(days) > 1:
            of_period = texts("list-digest-of-period", count=len(days), period=texts.format_period(*span))
        return PaperList(
            state=state.replace(span=(on, on)) if on else state,
            heading=heading,
            rows=result.rows,
            total=result.total,
            notes=(lists_messages.filters_text(texts, state), of_period),
        )

    async def _load_similar(self, texts: Texts, state: ListState) -> PaperList:
        rows = tuple(await self._services.search.list_similar(state.text, limit=MAX_SIMILAR))
        detail = await self._services.search.find_paper(state.text)
        title = escape_untrusted(format_title(detail.title if detail else None, state.text), max_length=200)
        return PaperList(
            state=state,
            heading=texts("list-similar-heading", title=title),
            rows=rows[state.offset :][: state.size],
            total=len(rows),
        )

    async def _author_suggestion(self, texts: Texts, state: ListState) -> tuple[Suggestion, ...]:
        """Return a button for the author's papers if the topic is somebody's name."""
        result = await self._services.search.find_author(state.text, limit=1)
        if result.author is None or len(result.author) > MAX_LIST_TEXT_LENGTH:
            return ()
        label = texts("alert-author", text=discord_text.to_single_line(result.author))
        return (Suggestion(label, ListState(ListKind.AUTHOR, result.author)),)

    def _request(self, texts: Texts, state: ListState) -> SearchRequest:
        return SearchRequest(
            state.text,
            since=state.span[0] if state.span else self._since(state.period),
            until=state.span[1] if state.span else None,
            min_votes=state.min_votes or None,
            limit=state.size,
            offset=state.offset,
            sort=state.sort or Sort.RELEVANCE,
            snippet_locale=texts.locale,
        )

    def _since(self, period: Period) -> date | None:
        days = PERIOD_DAYS.get(period)
        return None if days is None else self._services.clock().date() - timedelta(days=days)

    def _suggestions(self, state: ListState, queries: Sequence[str]) -> tuple[Suggestion, ...]:
        """Return buttons for the same kind of list with other queries, if they fit in a custom id."""
        plain = [discord_text.to_single_line(query) for query in queries]
        fresh = state.replace(page=0, token="")
        return tuple(
            Suggestion(text, fresh.replace(text=text))
            for text in dict.fromkeys(plain)
            if 0 < len(text) <= state.max_text_length and text != state.text
        )[:MAX_SUGGESTIONS]


def _credit_namesakes(result: AuthorResult) -> dict[str, str]:
    """Return which of the namesakes wrote each paper, keyed by arXiv id."""
    written = {
        row.arxiv_id: [name for name in row.authors if name in result.namesakes] for row in result.rows
    }
    return {arxiv_id: ", ".join(people) for arxiv_id, people in written.items() if people}


class PapersCog(commands.Cog):
    """Commands and controls for papers' cards."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services
        self._lists = PaperListLoader(bot.services)
        self._mentions = bot.mentions
        self._tree = bot.tree

    async def cog_load(self) -> None:
        """Add the message-menu command, which a cog does not register automatically."""
        self._tree.add_command(app_commands.ContextMenu(name=LOOK_UP, callback=self.look_up))

    async def cog_unload(self) -> None:
        """Stop fetching papers before the database is closed."""
        await self._services.paper_lookup.close()

    @router.callback()
    async def look_up(self, request: Request, message: discord.Message) -> ui.LayoutView:
        """Show the papers named in a message, one as a card, several as a list. The message is not stored."""
        today = self._services.clock().date()
        named = arxiv_ids.list_arxiv_ids(router.read_text(message), today)[:MAX_NAMED_PAPERS]
        if len(named) == 1:
            return await self._paper_view(request, named[0])
        if named:
            return lists_card.found_view(request.texts, await self._load_named(request, named))
        return client_messages.text_view(request.texts("no-paper-in-message"))

    @router.command(name="paper", description="One paper: summary, review, authors, votes and links")
    @app_commands.describe(paper="An arXiv ID, a link to arXiv or Hugging Face, or part of the title")
    @app_commands.autocomplete(paper=autocomplete.papers)
    async def paper(self, request: Request, paper: app_commands.Range[str, 1, 500]) -> ui.LayoutView:
        """Show a paper's card."""
        return await self._paper_view(request, paper)

    @router.handles(client_messages.OPEN_SELECTED, PRIVATELY)
    async def open_selected(self, request: Request, action: Action) -> ui.LayoutView:
        """Open the selected paper in a new private message."""
        return await self._paper_view(request, router.selected_value(request.interaction))

    @router.handles(client_messages.OPEN_PAPER, PRIVATELY)
    async def open_paper(self, request: Request, action: Action) -> ui.LayoutView:
        """Open a button's paper in a new private message. An imported paper may have to be fetched first."""
        return await self._paper_view(request, action.payload)

    @router.handles(lists_card.CARD)
    async def turn_card_page(self, request: Request, action: Action) -> ui.LayoutView:
        """Show another page of a card."""
        arxiv_id, page = action.fields(2)
        number = custom_ids.parse_number(page)
        async with router.admitted_lookup(request.interaction):
            return await card_view(request, arxiv_id, number)

    @router.handles(lists_card.CHAPTERS)
    async def open_chapter(self, request: Request, action: Action) -> ui.LayoutView:
        """Show the selected chapter: in place of a private message, or in a new private message below a public card."""
        chapter = custom_ids.parse_number(router.selected_value(request.interaction))
        return await self._chapter_view(request, action.payload, chapter, 0)

    @router.handles(lists_card.CHAPTER)
    async def turn_chapter_page(self, request: Request, action: Action) -> ui.LayoutView:
        """Show another page of the review."""
        arxiv_id, *position = action.fields(3)
        return await self._chapter_view(request, arxiv_id, *map(custom_ids.parse_number, position))

    @router.handles(client_messages.SIMILAR_PAPERS, PRIVATELY)
    async def show_similar(self, request: Request, action: Action) -> ui.LayoutView:
        """Show similar papers."""
        return await self._lists.list_view(request, ListState(ListKind.SIMILAR, action.payload))

    @router.handles(lists_card.AUTHORS)
    async def show_authors(self, request: Request, action: Action) -> ui.LayoutView:
        """Show another page of the paper's authors."""
        page, arxiv_id = action.fields(2)
        detail = await load_paper(request, arxiv_id)
        return lists_card.authors_view(request.texts, detail, custom_ids.parse_number(page))

    @router.handles(lists_card.SELECT_AUTHOR, PRIVATELY)
    async def select_author(self, request: Request, action: Action) -> ui.LayoutView:
        """Show the papers of the selected author."""
        detail = await load_paper(request, action.payload)
        with custom_ids.map_parse_errors():
            name = detail.authors[custom_ids.parse_number(router.selected_value(request.interaction))]
        return await self._lists.list_view(request, ListState(ListKind.AUTHOR, name))

    @router.handles(lists_card.SHARE, router.PUBLICLY, check=router.require_may_share)
    async def share(self, request: Request, action: Action) -> ui.LayoutView:
        """Post a card publicly. Raises UserError if the user may not write in the channel."""
        texts, interaction = request.texts, request.interaction
        async with router.admitted_lookup(interaction):
            detail = await load_paper(request, action.payload)
            topics = await self._services.glossary.list_title_topics(detail.title or "", texts.locale)
        # Defer publicly only now, since refusals are private.
        await router.defer(interaction, public=True)
        sharer = router.display_name(interaction)
        web_url = self._services.web_url
        extra = await _list_extra(request, detail, None)
        return await lists_card.card_view(
            texts, detail, extra=extra, sharer=sharer, topics=topics, web_url=web_url
        )

    async def _paper_view(self, request: Request, paper: str) -> ui.LayoutView:
        """Return a paper's card, fetching the paper if the archive lacks it. Any other text is searched for as a topic."""
        arxiv_id = titles.parse_id(paper)
        async with router.admitted_lookup(request.interaction):
            if arxiv_id is None or await self._services.search.find_paper(arxiv_id) is not None:
                topic = await self._topic_fallback_view(request, paper)
                return topic or await card_view(request, paper)
        # This does not count as a lookup, because fetching takes seconds and must not occupy a slot.
        outcomes = await self._services.paper_lookup.fetch(request.user_id, [arxiv_id])
        if outcomes[arxiv_id] is LookupOutcome.FOUND:
            return await card_view(request, arxiv_id)
        return lists_card.missing_view(request.texts, arxiv_id, outcomes[arxiv_id])

    async def _load_named(
        self, request: Request, named: Sequence[str]
    ) -> dict[str, models.PaperDetail | None]:
        """Return papers keyed by arXiv id (None if unknown), after fetching up to MAX_FETCHED_PAPERS missing ones."""
        find = self._services.search.find_paper
        async with router.admitted_lookup(request.interaction):
            found = {arxiv_id: await find(arxiv_id) for arxiv_id in named}
        missing = [arxiv_id for arxiv_id, detail in found.items() if detail is None]
        fetched = await self._services.paper_lookup.fetch(request.user_id, missing[:MAX_FETCHED_PAPERS])
        return found | {arxiv_id: await find(arxiv_id) for arxiv_id in fetched}

    async def _topic_fallback_view(self, request: Request, paper: str) -> ui.LayoutView | None:
        """Search for a text as a topic. Returns None if the text names a paper or nothing matches."""
        if await self._services.search.find_paper(paper) is not None or arxiv_ids.extract_arxiv_id(paper):
            return None
        texts = request.texts
        state = await store_list_text(
            self._services.text_tokens, request.user_id, ListState(ListKind.TOPIC, paper)
        )
        listed = await self._lists.load(texts, state, request)
        if not listed.rows:
            return None
        listed = replace(listed, notes=(texts("no-paper-near"), *listed.notes))
        return lists_messages.list_view(texts, listed, may_share=router.may_share(request.interaction))

    async def _chapter_view(self, request: Request, arxiv_id: str, chapter: int, page: int) -> ui.LayoutView:
        async with router.admitted_lookup(request.interaction):
            detail = await load_paper(request, arxiv_id)
        try:
            return await lists_card.chapter_view(request.texts, detail, chapter, page)
        except LookupError:
            raise UserError("no-chapter") from None


async def answer_view(request: Request, arxiv_id: str, answer: lists_card.Answer) -> ui.LayoutView:
    """Return the view that a value of a card's menu opens. Raises UserError if the paper is unknown."""
    if answer is lists_card.Answer.SIMILAR:
        return await PaperListLoader(request.services).list_view(
            request, ListState(ListKind.SIMILAR, arxiv_id)
        )
    detail = await load_paper(request, arxiv_id)
    if answer is lists_card.Answer.CITE:
        return lists_card.cite_view(request.texts, detail)
    return lists_card.authors_view(request.texts, detail, 0)


async def card_view(request: Request, paper: str, page: int = 0) -> ui.LayoutView:
    """Return a page of a paper's card for this reader. Raises UserError if the paper is unknown."""
    texts, detail = request.texts, await load_paper(request, paper)
    async with request.services.database.read() as connection:
        saved = await shelf.get(connection, request.user_id, detail.arxiv_id)
    may_share = router.may_share(request.interaction)
    topics = await request.services.glossary.list_title_topics(detail.title or "", texts.locale)
    return await lists_card.card_view(
        texts,
        detail,
        page,
        saved=saved,
        may_share=may_share,
        extra=await _list_extra(request, detail, page, saved),
        topics=topics,
        web_url=request.services.web_url,
    )


async def _list_extra(
    request: Request, detail: models.PaperDetail, page: int | None, saved: models.SavedPaper | None = None
) -> list[ui.Item[Any]]:
    """Return the buttons that other features add to a card."""
    offers = request.interaction.client.card_offers
    return [item for offer in offers for item in await offer(request, detail, page, saved)]


async def load_paper(request: Request, paper: str) -> models.PaperDetail:
    """Return the paper with this id, link or title. Raises UserError if it is unknown."""
    detail = await request.services.search.find_paper(paper)
    if detail is None:
        raise UserError("no-paper", paper=escape_untrusted(paper))
    return detail
