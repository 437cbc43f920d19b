"""The first schema: the tables of `storage.tables`, and those of the full-text engine.

It changes in place until the first release. Then the tables are frozen here as they are, as what Alembic's autogenerate
writes for an empty database, and each later change is a revision that imports no living code.

Revision: r0001
"""

from __future__ import annotations

from alembic import op

from storage import tables

revision = "r0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, then those of the full-text engine."""
    tables.metadata.create_all(op.get_bind(), checkfirst=False)
    _create_engine_tables()


def _create_engine_tables() -> None:
    """Create what the metadata of an application cannot: the tables of FTS5, and of PostgreSQL's text search."""
    if op.get_bind().dialect.name == "sqlite":
        for table, prefixes in (
            ("paper_words", ""),
            ("paper_titles", " prefix='2 3',"),
            ("author_words", " prefix='1 2 3',"),
        ):
            op.execute(
                f"CREATE VIRTUAL TABLE {table} USING fts5(tokens, content='', columnsize=0, detail=none,{prefixes}"
                " tokenize=\"ascii tokenchars '+#._!'\")"
            )
    else:
        for table in ("paper_words", "paper_titles", "author_words"):
            op.execute(f"CREATE TABLE {table} (position BIGINT PRIMARY KEY, tokens TSVECTOR NOT NULL)")
            # A scan by position must not read the tokens.
            op.execute(f"ALTER TABLE {table} ALTER COLUMN tokens SET STORAGE EXTERNAL")
            # Every query scans the whole pending list, so it must stay short (in kB).
            op.execute(
                f"CREATE INDEX ix_{table}_tokens ON {table} USING gin (tokens) WITH (gin_pending_list_limit = 256)"
            )
    op.execute(
        "CREATE TABLE search_tiers (name TEXT, tier INTEGER, entries BIGINT NOT NULL, PRIMARY KEY (name, tier))"
    )
