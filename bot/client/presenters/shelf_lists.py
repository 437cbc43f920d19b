"""Loads a page of a reader's saved papers, or of those that a server's members saved or shared."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.client.components import custom_ids
from bot.client.translations import Texts
from bot.client.views import shelf as shelf_view
from bot.client.views.papers import list_state, paper_list
from bot.client.views.papers.paper_text import escape_untrusted
from bot.services.shelf.shelf import Shelf


async def load_saved(
    shelf: Shelf, texts: Texts, state: list_state.ListState, user_id: int
) -> paper_list.PaperList:
    """Return a page of a reader's saved papers, with a list per tag as suggestions."""
    rows, total = await shelf.list_saved(
        user_id, state.text, order=state.order, limit=list_state.PAGE_SIZE, offset=state.offset
    )
    fresh = state.replace(page=0, token="")
    tags = await shelf.list_tags(user_id)
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


async def load_guild_shelf(
    shelf: Shelf, texts: Texts, state: list_state.ListState, now: datetime
) -> paper_list.PaperList:
    """Return a page of a server's shelf in the list's period up to `now` (UTC), with the numbers of members."""
    guild_id, _, topic = state.text.partition(":")
    days = list_state.PERIOD_DAYS.get(state.period)
    since = datetime.min.replace(tzinfo=UTC) if days is None else now - timedelta(days=days)
    with custom_ids.map_parse_errors():
        rows, counts = await shelf.list_of_guild(int(guild_id), since, topic)
    shown = rows[state.offset : state.offset + list_state.PAGE_SIZE]
    period = texts(f"period-{state.period.name.lower()}")
    return paper_list.PaperList(
        state=state,
        heading=texts("list-guild-shelf-heading", period=period, count=len(rows)),
        rows=tuple(shown),
        total=len(rows),
        notes=(texts("saved-filter", query=escape_untrusted(topic, max_length=200)),) if topic else (),
        snippets={row.arxiv_id: shelf_view.format_counts(texts, *counts[row.arxiv_id]) for row in shown},
    )
