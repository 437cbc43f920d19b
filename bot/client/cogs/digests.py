"""/digest and /top, and the lists of papers of all commands: their loader, pages, periods, sharing, the other language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import assert_never

from discord import app_commands, ui
from discord.ext import commands

from bot.client.components import custom_ids
from bot.client.components.custom_ids import Action
from bot.client.context import Client, Request
from bot.client.interactions import autocomplete, checks, component_router, lookups, option_parsers, responses
from bot.client.interactions.errors import UserError
from bot.client.translations import Texts
from bot.client.views import shelf as shelf_view
from bot.client.views.papers import empty_list, list_days, list_notes, list_state, paper_list
from bot.client.views.papers.list_state import (
    MAX_TEXT_LENGTH,
    PAGE_SIZE,
    PERIOD_DAYS,
    ListKind,
    ListState,
    Period,
)
from bot.client.views.papers.paper_text import escape_untrusted, format_title
from bot.rendering.discord_text import escape
from bot.services.accounts.text_tokens import TextTokenStore
from bot.services.bundle import Services
from bot.services.search.results import AuthorResult, SearchRequest, Sort
from bot.text.queries import periods

PERIOD_CHOICES = [
    app_commands.Choice(name="Last 7 days", value=Period.WEEK.value),
    app_commands.Choice(name="Last 30 days", value=Period.MONTH.value),
    app_commands.Choice(name="Last 3 months", value=Period.QUARTER.value),
    app_commands.Choice(name="Last year", value=Period.YEAR.value),
    app_commands.Choice(name="All time", value=Period.ALL.value),
]
MAX_SIMILAR = 10
MAX_SUGGESTIONS = 5

Suggestions = tuple[tuple[str, ListState], ...]
"""Buttons for other lists: label and list."""


class DigestsCog(commands.Cog):
    """Papers by date and by votes."""

    def __init__(self, bot: Client) -> None:
        self._services = bot.services
        self._lists = PaperListLoader(bot.services)

    @component_router.command(name="digest", description="One day's papers, most voted first")
    @app_commands.describe(
        date="A day such as yesterday, dec 30 or 2025-02-06; the newest digest if left out"
    )
    @app_commands.autocomplete(date=autocomplete.dates)
    async def digest(
        self, request: Request, date: app_commands.Range[str, 1, 40] | None = None
    ) -> ui.LayoutView:
        """Show the digest of a date, or the newest."""
        text = ""
        if date:
            today = await request.interaction.client.today_for(request.interaction)
            text = list_days.format_span(*option_parsers.parse_dates(date, today))
        return await self._lists.list_view(request, ListState(ListKind.DIGEST, text))

    @component_router.command(name="top", description="The papers with the most votes")
    @app_commands.describe(
        period="How far back",
        topic="Only papers on this topic",
        saved="What members of this server saved or shared; how many, never who",
    )
    @app_commands.choices(period=PERIOD_CHOICES)
    @app_commands.autocomplete(topic=autocomplete.topics)
    async def top(
        self,
        request: Request,
        period: str = Period.WEEK.value,
        topic: app_commands.Range[str, 1, 300] = "",
        saved: bool = False,
    ) -> ui.LayoutView:
        """Show the most voted papers of a period, or those that the server's members saved, optionally on one topic."""
        state = ListState(ListKind.TOP, topic, period=Period(period))
        if saved:
            if request.interaction.guild_id is None:
                raise UserError("only-in-servers")
            text = f"{request.interaction.guild_id}:{topic}"
            state = state.replace(kind=ListKind.GUILD_SHELF, text=text)
        return await self._lists.list_view(request, await store_text(self._services.text_tokens, state))

    @component_router.handles(list_state.SHOW)
    async def turn_page(self, request: Request, action: Action) -> ui.LayoutView:
        """Show another page of a list, or a related list."""
        return await self._lists.list_view(
            request, await load_text(self._services.text_tokens, list_state.unpack(action))
        )

    @component_router.handles(paper_list.SELECT_PERIOD)
    async def select_period(self, request: Request, action: Action) -> ui.LayoutView:
        """Show the list for the selected period."""
        with custom_ids.map_parse_errors():
            period = Period(component_router.selected_value(request.interaction))
        state = await load_text(self._services.text_tokens, list_state.unpack(action))
        return await self._lists.list_view(request, state.replace(period=period, page=0))

    @component_router.handles(paper_list.SELECT_ORDER)
    async def select_order(self, request: Request, action: Action) -> ui.LayoutView:
        """Show a topic's papers in the selected order."""
        state = await load_text(self._services.text_tokens, list_state.unpack(action))
        with custom_ids.map_parse_errors():
            sort = Sort(component_router.selected_value(request.interaction))
        return await self._lists.list_view(request, paper_list.sorted_by(state, sort))

    @component_router.handles(list_days.SELECT_DAY)
    async def select_day(self, request: Request, action: Action) -> ui.LayoutView:
        """Show the digest of the selected day."""
        state = list_state.unpack(action)
        return await self._lists.list_view(
            request, state.replace(text=component_router.selected_value(request.interaction), page=0)
        )

    @component_router.handles(paper_list.SHARE, responses.PUBLICLY, check=checks.require_may_share)
    async def share(self, request: Request, action: Action) -> ui.LayoutView:
        """Post the page publicly. Raises UserError unless the user may write in the channel."""
        texts, interaction = request.texts, request.interaction
        # Admitted before the answer is public, since a refusal is private.
        async with lookups.admitted(interaction):
            await responses.defer(interaction, public=True)
            state = await load_text(self._services.text_tokens, list_state.unpack(action))
            listed = await self._lists.load(texts, state, request.user_id)
        sharer = responses.display_name(interaction)
        return paper_list.shared_view(texts, listed, sharer=sharer)


async def store_text(
    tokens: TextTokenStore, state: ListState, max_length: int = MAX_TEXT_LENGTH
) -> ListState:
    """Return the state with its text on one line, and with a token if the text is longer than `max_length`."""
    text = escape.to_single_line(state.text)
    return replace(state, text=text, token=await tokens.save(text) if len(text) > max_length else "")


async def load_text(tokens: TextTokenStore, state: ListState) -> ListState:
    """Return a state from a custom id with its text. Raises UserError if the text of its token was overwritten."""
    if not state.token:
        return state
    text = await tokens.get(state.token)
    if text is None:
        raise UserError("outdated-control")
    return replace(state, text=text)


class PaperListLoader:
    """Loads pages of lists. Stateless."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def list_view(self, request: Request, state: ListState) -> ui.LayoutView:
        """Return the view of a page of a list, or of an empty list, after its admission as a look-up."""
        async with lookups.admitted(request.interaction):
            return await self._list_view(request, state)

    async def _list_view(self, request: Request, state: ListState) -> ui.LayoutView:
        texts, interaction = request.texts, request.interaction
        listed = await self.load(texts, state, request.user_id)
        if state.kind is ListKind.SAVED:
            if not listed.rows:
                return shelf_view.empty_view(texts, listed, interaction.client.mentions("saved import"))
            return shelf_view.list_view(texts, listed, may_share=checks.may_share(interaction))
        if state.kind is ListKind.DIGEST:
            listed = replace(listed, days=await self._label_days_around(request, listed.state))
        if listed.rows:
            return paper_list.list_view(texts, listed, may_share=checks.may_share(interaction))
        wider = await self._load_wider(texts, state, request.user_id)
        return empty_list.empty_view(texts, listed, await self._services.search.get_extent(), wider)

    async def load(self, texts: Texts, state: ListState, user_id: int) -> paper_list.PaperList:
        """Return a page of the list; the last page for a larger number, after papers were removed."""
        listed = await self._load_page(texts, state, user_id)
        if not listed.rows and state.page and listed.total:
            listed = await self._load_page(texts, state.replace(page=listed.page_count - 1), user_id)
        if listed.snippets:
            return listed
        snippets = await self._services.search.list_snippets(listed.rows, texts.locale)
        return replace(listed, snippets=snippets)

    async def _load_wider(self, texts: Texts, state: ListState, user_id: int) -> paper_list.PaperList | None:
        """Return an empty list without its filters and the period of its question; None if that is empty too."""
        wider = state.replace(period=Period.ALL, min_votes=0, page=0)
        if state.kind in (ListKind.TOPIC, ListKind.TOP):
            timeless, _ = periods.read(state.text, self._services.clock().date())
            if timeless != state.text and 0 < len(timeless) <= MAX_TEXT_LENGTH:
                wider = wider.replace(text=timeless, token="")
        if state.kind not in paper_list.FILTERABLE_KINDS or wider == state:
            return None
        listed = await self._load_page(texts, wider, user_id)
        return listed if listed.rows and (listed.has_complete or not listed.missing) else None

    async def _label_days_around(self, request: Request, state: ListState) -> tuple[tuple[str, str], ...]:
        """Return the days with a digest around the one of a list, or around that without one."""
        span = list_days.parse_span(state.text)
        if span is None:
            return ()
        days = await self._services.status.list_dates_around(span[1])
        counts = await self._services.status.count_papers(days)
        return list_days.label_days(
            request.texts, counts, await request.interaction.client.today_for(request.interaction)
        )

    async def _load_page(self, texts: Texts, state: ListState, user_id: int) -> paper_list.PaperList:
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
                return await self._load_saved(texts, state, user_id)
            case ListKind.GUILD_SHELF:
                return await self._load_guild_shelf(texts, state)
            case _:
                assert_never(state.kind)

    async def _load_topic(self, texts: Texts, state: ListState) -> paper_list.PaperList:
        result = await self._services.search.search(self._request(texts, state))
        suggestions = self._suggestions(state, result.suggestions)
        notes = (*list_notes.query_notes(texts, result, suggestions), paper_list.filters_text(texts, state))
        suggestions = self._suggestions(state, (*result.meanings, *result.suggestions))
        if not result.complete and not result.unknown_id:
            suggestions = await self._author_suggestion(texts, state) + suggestions
        if not result.rows:
            suggestions = suggestions or await self._popular_topics(texts)
        return paper_list.PaperList(
            state=state,
            heading=list_notes.topic_heading(texts, state.text, result),
            rows=result.rows,
            total=result.total,
            missing=result.missing,
            has_complete=bool(result.complete),
            notes=notes,
            snippets=result.snippets,
            suggestions=suggestions,
            ignored_note=list_notes.ignored_note(texts, result),
            is_expanded=bool(result.added_forms or result.corrected),
            unknown_id=result.unknown_id,
        )

    async def _load_author(self, texts: Texts, state: ListState) -> paper_list.PaperList:
        result = await self._services.search.find_author(
            state.text,
            sort=Sort.DATE if state.by_date else Sort.VOTES,
            since=self._since(state.period),
            min_votes=state.min_votes or None,
            limit=PAGE_SIZE,
            offset=state.offset,
            locale=texts.locale,
        )
        if result.author is None:
            return await self._unknown_author(texts, state)
        is_one = not result.namesakes
        shown = state if state.token or not is_one else state.replace(text=result.author)
        others = [name for name in result.matches if name != result.author] if is_one else result.namesakes
        names_note = "list-other-authors" if is_one else "list-namesakes"
        heading = result.author if is_one else state.text
        more = f" +{len(others) - list_notes.MAX_NAMES}" if len(others) > list_notes.MAX_NAMES else ""
        typed = escape_untrusted(state.text, max_length=60)
        notes = [
            texts("list-name-corrected", name=typed) if result.is_corrected else "",
            texts(names_note, names=list_notes.format_names(others) + more) if others else "",
            texts("list-coauthors", names=list_notes.format_names(result.coauthors))
            if result.coauthors
            else "",
            texts("list-topics", topics=list_notes.format_names(result.topics)) if result.topics else "",
            paper_list.filters_text(texts, state),
        ]
        return paper_list.PaperList(
            state=shown if len(shown.text) <= MAX_TEXT_LENGTH else state,
            heading=texts("list-author-heading", author=escape_untrusted(heading), count=result.total),
            rows=result.rows,
            total=result.total,
            notes=tuple(notes),
            suggestions=self._suggestions(state, others),
            credits=_credit_namesakes(result),
            is_author_known=True,
        )

    async def _load_top(self, texts: Texts, state: ListState) -> paper_list.PaperList:
        result = await self._services.search.list_top(self._request(texts, state))
        period = texts(f"period-{state.period.name.lower()}")
        suggestions = self._suggestions(state, result.suggestions)
        if state.text and not result.rows:
            suggestions = suggestions or await self._popular_topics(texts)
        heading = (
            texts("list-top-topic-heading", topic=escape_untrusted(state.text), period=period)
            if state.text
            else texts("list-top-heading", period=period)
        )
        return paper_list.PaperList(
            state=state,
            heading=heading,
            rows=result.rows,
            total=result.total,
            missing=result.missing,
            has_complete=bool(result.complete),
            notes=list_notes.query_notes(texts, result, suggestions),
            snippets=result.snippets,
            suggestions=suggestions,
            ignored_note=list_notes.ignored_note(texts, result),
        )

    async def _load_digest(self, texts: Texts, state: ListState) -> paper_list.PaperList:
        with custom_ids.map_parse_errors():
            span = list_days.parse_span(state.text)
        days = await self._services.status.list_dates(*span) if span else []
        if span and not days:
            return paper_list.PaperList(state, heading="", rows=(), total=0)
        requested_on = days[0] if days else None
        result, on = await self._services.search.get_digest(
            requested_on, limit=PAGE_SIZE, offset=state.offset, min_votes=state.min_votes or None
        )
        shown = state.replace(text=on.isoformat()) if on else state
        return paper_list.PaperList(
            state=shown,
            heading=texts("list-digest-heading", date=texts.format_date(on), count=result.total)
            if on
            else "",
            rows=result.rows,
            total=result.total,
            notes=(
                paper_list.filters_text(texts, state),
                texts("list-digest-of-period", count=len(days), period=texts.format_period(*span))
                if span and len(days) > 1
                else "",
            ),
        )

    async def _load_similar(self, texts: Texts, state: ListState) -> paper_list.PaperList:
        rows = tuple(await self._services.search.list_similar(state.text, limit=MAX_SIMILAR))
        detail = await self._services.search.find_paper(state.text)
        title = escape_untrusted(format_title(detail.title if detail else None, state.text), max_length=200)
        start = state.offset
        return paper_list.PaperList(
            state=state,
            heading=texts("list-similar-heading", title=title),
            rows=rows[start : start + PAGE_SIZE],
            total=len(rows),
        )

    async def _load_saved(self, texts: Texts, state: ListState, user_id: int) -> paper_list.PaperList:
        """Return a page of a reader's saved papers, with a list per tag as suggestions."""
        rows, total = await self._services.shelf.list_saved(
            user_id, state.text, order=state.order, limit=PAGE_SIZE, offset=state.offset
        )
        fresh = state.replace(page=0, token="")
        tags = await self._services.shelf.list_tags(user_id)
        query = escape_untrusted(state.text, max_length=200)
        return paper_list.PaperList(
            state=state,
            heading=texts("list-saved-heading", count=total),
            rows=tuple(rows),
            total=total,
            notes=(texts("saved-filter", query=query),) if query else (),
            snippets={row.arxiv_id: shelf_view.format_facts(texts, row) for row in rows},
            suggestions=tuple((f"#{tag} · {count}", fresh.replace(text=f"#{tag}")) for tag, count in tags),
        )

    async def _load_guild_shelf(self, texts: Texts, state: ListState) -> paper_list.PaperList:
        """Return a page of a server's shelf in the list's period, with the numbers of members."""
        guild_id, _, topic = state.text.partition(":")
        days = PERIOD_DAYS.get(state.period)
        since = (
            datetime.min.replace(tzinfo=UTC)
            if days is None
            else self._services.clock() - timedelta(days=days)
        )
        with custom_ids.map_parse_errors():
            rows, counts = await self._services.shelf.list_of_guild(int(guild_id), since, topic)
        shown = rows[state.offset : state.offset + PAGE_SIZE]
        period = texts(f"period-{state.period.name.lower()}")
        return paper_list.PaperList(
            state=state,
            heading=texts("list-guild-shelf-heading", period=period, count=len(rows)),
            rows=tuple(shown),
            total=len(rows),
            notes=(texts("saved-filter", query=escape_untrusted(topic, max_length=200)),) if topic else (),
            snippets={row.arxiv_id: shelf_view.format_counts(texts, *counts[row.arxiv_id]) for row in shown},
        )

    async def _author_suggestion(self, texts: Texts, state: ListState) -> Suggestions:
        """Return the author list for a topic that is a name."""
        result = await self._services.search.find_author(state.text, limit=1)
        if result.author is None or len(result.author) > MAX_TEXT_LENGTH:
            return ()
        label = texts("alert-author", text=escape.to_single_line(result.author))
        return ((label, ListState(ListKind.AUTHOR, result.author)),)

    async def _unknown_author(self, texts: Texts, state: ListState) -> paper_list.PaperList:
        """Return the empty list of an unknown author, with the list of the topic as a suggestion."""
        topic = ListState(ListKind.TOPIC, state.text, token=state.token)
        result = await self._services.search.search(SearchRequest(state.text, limit=1))
        suggestion = (texts("as-a-topic", count=result.complete), topic)
        return paper_list.PaperList(
            state, heading="", rows=(), total=0, suggestions=(suggestion,) if result.has_full_matches else ()
        )

    async def _popular_topics(self, texts: Texts) -> Suggestions:
        """Return the most frequent topics of the archive, for a query without similar topics."""
        if not (await self._services.search.get_extent()).paper_count:
            return ()
        topics = await self._services.search.complete_topic("", texts.locale)
        state = ListState(ListKind.TOPIC)
        return self._suggestions(state, [topic.value for topic in topics])

    def _request(self, texts: Texts, state: ListState) -> SearchRequest:
        return SearchRequest(
            state.text,
            since=self._since(state.period),
            min_votes=state.min_votes or None,
            limit=PAGE_SIZE,
            offset=state.offset,
            literal=state.literal,
            sort=state.topic_sort,
            snippet_locale=texts.locale,
        )

    def _since(self, period: Period) -> date | None:
        days = PERIOD_DAYS.get(period)
        return None if days is None else self._services.clock().date() - timedelta(days=days)

    def _suggestions(self, state: ListState, queries: Sequence[str]) -> Suggestions:
        """Return lists of the same kind for other queries, without those too long for a custom id."""
        plain = [escape.to_single_line(query) for query in queries]
        fresh = state.replace(page=0, token="", literal=False)
        return tuple(
            (text, fresh.replace(text=text))
            for text in dict.fromkeys(plain)
            if 0 < len(text) <= MAX_TEXT_LENGTH and text != state.text
        )[:MAX_SUGGESTIONS]


def _credit_namesakes(result: AuthorResult) -> dict[str, str]:
    """Return by whom each paper is, if several people have the name."""
    written = {
        row.arxiv_id: [name for name in row.authors if name in result.namesakes] for row in result.rows
    }
    return {arxiv_id: ", ".join(people) for arxiv_id, people in written.items() if people}
