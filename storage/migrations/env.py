"""Alembic environment: runs on the connection and in the transaction of `storage.migrate`."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

from storage import tables

# FTS5 creates its own tables, which are not part of the metadata.
SEARCH_TABLES = ("paper_words", "paper_titles", "author_words", "search_eras")


def include_object(item: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    """Exclude the tables of the search engine from comparisons."""
    return not (
        kind == "table" and reflected and compare_to is None and (name or "").startswith(SEARCH_TABLES)
    )


def render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Render custom types as plain SQLAlchemy types, so that a revision does not import application code."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, tables.UtcTime) else False


def run() -> None:
    """Run the revisions on the connection of the configuration."""
    connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=tables.metadata,
        include_object=include_object,
        render_item=render_item,
    )
    context.run_migrations()


run()
