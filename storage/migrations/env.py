"""Alembic's entry: runs on the connection that `storage.migrate` hands over, inside its transaction."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

from storage import tables

# FTS5 keeps its index in tables of its own making, which no metadata knows.
SEARCH_TABLES = ("paper_words", "paper_titles", "author_words", "search_eras")


def include_object(item: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    """Leave the search engine's own tables out of every comparison."""
    return not (
        kind == "table" and reflected and compare_to is None and (name or "").startswith(SEARCH_TABLES)
    )


def render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Write our own types into a new revision as what they are in SQL, so that it calls no living code."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, tables.UtcTime) else False


def run() -> None:
    """Run the revisions on the given connection."""
    connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=tables.metadata,
        include_object=include_object,
        render_item=render_item,
    )
    context.run_migrations()


run()
