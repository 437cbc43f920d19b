"""Replies with a list of papers or with a paper's card, for the commands and buttons of several features."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, TypeAlias

from discord import ui

from bot.archive import schemes
from bot.client import interaction_values, permissions, router
from bot.client.custom_ids import Action
from bot.client.handler_context import Request
from bot.client.refusals import UserError
from bot.client.text_tokens import TextPurpose, TextTokenStore
from bot.papers import cards, list_views
from bot.papers.list_state import ListKind, ListState, unpack_state
from bot.papers.paper_lists import PaperList, PaperLists
from bot.rendering import discord_text
from bot.rendering.discord_text import escape_untrusted
from storage import models, shelf

CardOffer: TypeAlias = Callable[
    [Request, models.PaperDetail, int | None, models.SavedPaper | None], Awaitable[Sequence[ui.Item[Any]]]
]
"""Returns extra buttons for a card, given the paper, page (from 0; None if public) and saved paper."""


@dataclass(frozen=True, slots=True)
class Additions:
    """What features add to the answers about papers, registered by their cogs."""

    card_offers: list[CardOffer] = field(default_factory=list)
    """Buttons for a paper's card."""
    list_views: dict[ListKind, Callable[[Request, ListState], Awaitable[ui.LayoutView]]] = field(
        default_factory=dict
    )
    """Views of a page of a list that belongs to one feature."""


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


async def load_state(request: Request, action: Action) -> ListState:
    """Return the state of the list that a control belongs to. Raises UserError if its stored text has been deleted."""
    return await load_list_text(request.services.text_tokens, unpack_state(action))


async def load_list(request: Request, state: ListState, today: date) -> PaperList:
    """Return a page of a list, with a state that fits into its controls: a query that was read as another one is stored again."""
    listed = await request.services.get(PaperLists).load(request.texts, state, today)
    if listed.state.token:
        return listed
    fitting = await store_list_text(request.services.text_tokens, request.user_id, listed.state)
    return replace(listed, state=fitting)


async def list_view(request: Request, state: ListState) -> ui.LayoutView:
    """Return the view of a page, which may be empty. Loading it counts as one of the reader's lookups."""
    texts, interaction, services = request.texts, request.interaction, request.services
    state = state.replace(guild_id=interaction.guild_id or 0)
    if not state.token:
        state = await store_list_text(services.text_tokens, request.user_id, state)
    async with router.admitted_lookup(interaction):
        if (load_view := services.get(Additions).list_views.get(state.kind)) is not None:
            return await load_view(request, state)
        lists, today = services.get(PaperLists), await interaction.client.today_for(interaction)
        listed = await load_list(request, state, today)
        if state.kind is ListKind.DIGEST:
            days = await lists.label_days_around(texts, listed.state, today)
            listed = replace(listed, days=days, today=today)
        if listed.rows:
            return filled_view(request, listed)
        wider = await lists.load_wider(texts, state, today, listed.query)
        return list_views.empty_view(texts, listed, await services.search.get_extent(), wider)


def filled_view(request: Request, listed: PaperList) -> ui.LayoutView:
    """Return the view of a page that has papers."""
    interaction = request.interaction
    in_server = interaction.client.is_in_server(interaction)
    may_share = permissions.may_share(interaction)
    return list_views.list_view(request.texts, listed, may_share=may_share, in_server=in_server)


async def answer_view(request: Request, paper_key: str, answer: cards.CardDetail) -> ui.LayoutView:
    """Return the view that a value of a card's menu opens. Raises UserError if the paper is unknown."""
    if answer is cards.CardDetail.SIMILAR:
        return await list_view(request, ListState(ListKind.SIMILAR, paper_key))
    detail = await load_paper(request, paper_key)
    if answer is cards.CardDetail.CITE:
        return cards.cite_view(request.texts, detail)
    if answer is cards.CardDetail.INSTITUTION:
        if detail.organization is None:  # it has changed
            raise UserError("outdated-control")
        return await list_view(request, ListState(ListKind.TOPIC, f'from:"{detail.organization}"'))
    return cards.authors_view(request.texts, detail, 0)


async def card_view(request: Request, paper: str, page: int = 0) -> ui.LayoutView:
    """Return a page of a paper's card for this reader. Raises UserError if the paper is unknown."""
    return await draw_card(request, await load_paper(request, paper), page)


async def draw_card(request: Request, detail: models.PaperDetail, page: int | None) -> ui.LayoutView:
    """Return a page of a paper's card for this reader, with the buttons that features add; without a page, the public card."""
    interaction, services, is_shared = request.interaction, request.services, page is None
    saved = None if is_shared else await services.database.fetch(shelf.get, request.user_id, detail.key)
    offers = services.get(Additions).card_offers
    return await cards.card_view(
        request.texts,
        detail,
        page or 0,
        saved=saved,
        may_share=not is_shared and permissions.may_share(interaction),
        extra=[item for offer in offers for item in await offer(request, detail, page, saved)],
        sharer=interaction_values.display_name(interaction) if is_shared else None,
        topics=await services.glossary.list_title_topics(detail.title or "", request.texts.locale),
        web_url=services.web_url,
    )


async def load_paper(request: Request, paper: str) -> models.PaperDetail:
    """Return the paper with this id, link or title. Raises UserError if it is unknown."""
    detail = await request.services.search.find_paper(paper)
    if detail is None:
        paper_key = schemes.read_key(paper)
        key = "no-paper" if paper_key is None else "why-not-listed"
        raise UserError(key, paper=escape_untrusted(paper_key or paper))
    return detail
