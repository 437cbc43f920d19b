"""The Atom feeds of the web archive (RFC 4287)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import NamedTuple

from bot.archive import schemes
from bot.features.web.pages import ATOM, MAX_AUTHORS, Page, Site, find_picture, has_page, more_authors
from bot.i18n.texts import Texts, for_locale
from bot.papers.paper_lists import PaperList
from bot.papers.paper_texts import format_title
from bot.rendering import discord_text
from storage import models


class AtomEntry(NamedTuple):
    """A feed entry. `summary` is plain text; `html` is the content, or ""."""

    id: str
    url: str
    title: str
    updated_at: datetime
    authors: tuple[str, ...]
    summary: str = ""
    html: str = ""
    picture: str | None = None


def build_papers_feed(
    site: Site, title: str, parts: tuple[str, ...], query: Mapping[str, str], listed: PaperList, today: date
) -> Page:
    """Return a feed of papers. Its query and parts are also those of its page."""
    texts = for_locale(site.locale)
    snippets = {paper_key: snippet.text for paper_key, snippet in listed.snippets.items()}
    entries = [
        AtomEntry(
            schemes.page_url(row.key),
            site.address("papers", row.key) if has_page(row) else schemes.page_url(row.key),
            format_title(row.title, row.key),
            datetime.combine(
                # The time of day would show when a reader was awake.
                row.saved_at.date() if isinstance(row, models.SavedPaper) else row.date,
                time(),
                UTC,
            ),
            _list_authors(texts, row),
            summary=snippets.get(row.key, ""),
            picture=find_picture(row.thumbnail),
        )
        for row in listed.rows
    ]
    title = f"{discord_text.to_single_line(title)[:100]} · {texts('web-name')}"
    return build_feed(site, title, parts, parts, query, entries, today)


def build_feed(
    site: Site,
    title: str,
    parts: tuple[str, ...],
    feed_parts: tuple[str, ...],
    query: Mapping[str, str],
    entries: Sequence[AtomEntry],
    today: date,
) -> Page:
    """Return a feed, by the parts of its page's address and of its own. Without entries it is dated to the day."""
    updated_at = max((entry.updated_at for entry in entries), default=datetime.combine(today, time(), UTC))
    values = {
        "id": site.permanent_id(*feed_parts, ending=".atom", **query),
        "url": site.address(*feed_parts, ending=".atom", **query),
        "home": site.address(*parts, **query),
        "title": title,
        "name": for_locale(site.locale)("web-name"),
        "locale": site.locale.value,
        "updated_at": updated_at,
        "entries": entries,
    }
    return Page("web.feed.atom.j2", values, ATOM)


def _list_authors(texts: Texts, row: models.PaperRow) -> tuple[str, ...]:
    """Return the authors of a feed entry. If there are more, the last item says how many."""
    return (*row.authors[:MAX_AUTHORS], *filter(None, [more_authors(texts, row, MAX_AUTHORS)]))
