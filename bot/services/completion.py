"""What is offered while somebody types: topics, authors, papers; best first, at most 25."""

from __future__ import annotations

from bot.services import author_matching, found
from bot.text.glossary import resolution
from storage import models, papers
from storage.database import Connection

MOST = 25


def topics(glossary: resolution.Glossary, text: str, locale: models.Locale) -> list[found.Choice]:
    """Offer concepts with a form that begins as typed."""
    return []


async def authors(connection: Connection, text: str) -> list[found.Choice]:
    """Offer people by the beginning of any of their names."""
    people = await author_matching.find(connection, text, limit=MOST, typing=True)
    return [found.Choice(one.name, one.name) for one in people]


async def papers_for(connection: Connection, text: str) -> list[found.Choice]:
    """Offer papers by the beginning of their id."""
    rows = await papers.list_by_prefix(connection, text.strip()[:40], limit=MOST)
    return [found.Choice(f"{row.arxiv_id} {row.title or ''}".strip(), row.arxiv_id) for row in rows]
