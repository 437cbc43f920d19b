"""The search index

Revision: 0002, after 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade the schema to this revision."""
    row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "indexed_papers",
        sa.Column("paper_id", row_id, autoincrement=False, nullable=False),
        sa.Column("position", row_id, nullable=False, comment="row id of the engine, lower for more popular"),
        sa.Column("texts", sa.LargeBinary(), nullable=False, comment="canonical texts as indexed, Zstandard"),
        sa.Column("votes", sa.Integer(), nullable=True),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["paper_id"], ["papers.id"], name=op.f("fk_indexed_papers_paper_id_papers"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("paper_id", name=op.f("pk_indexed_papers")),
        sa.UniqueConstraint("position", name=op.f("uq_indexed_papers_position")),
    )
    op.create_table(
        "text_dictionaries",
        sa.Column("id", row_id, autoincrement=False, nullable=False, comment="Zstandard dictionary id"),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_text_dictionaries")),
    )
    op.create_table(
        "term_counts",
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column(
            "papers",
            sa.Integer(),
            nullable=False,
            comment="document frequency, sampled beyond the first papers",
        ),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_term_counts")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "indexed_authors",
        sa.Column(
            "position",
            row_id,
            autoincrement=False,
            nullable=False,
            comment="row id of the engine, lower for more papers",
        ),
        sa.Column("author_id", row_id, nullable=False),
        sa.Column("words", sa.Text(), nullable=False, comment="tokens as indexed, separated by spaces"),
        sa.ForeignKeyConstraint(
            ["author_id"],
            ["authors.id"],
            name=op.f("fk_indexed_authors_author_id_authors"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_indexed_authors")),
        sa.UniqueConstraint("author_id", name=op.f("uq_indexed_authors_author_id")),
    )
    op.create_table(
        "name_words",
        sa.Column("word", sa.Text(), nullable=False, comment="a folded word of an author's name"),
        sa.PrimaryKeyConstraint("word", name=op.f("pk_name_words")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "name_deletions",
        sa.Column("deletion", sa.Text(), nullable=False, comment="word with one letter deleted"),
        sa.Column("word", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("deletion", "word", name=op.f("pk_name_deletions")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "mention_counts",
        sa.Column(
            "mention",
            sa.Text(),
            nullable=False,
            comment="a parenthesis and the words before it, for the glossary",
        ),
        sa.Column("papers", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("mention", name=op.f("pk_mention_counts")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "glossary",
        sa.Column("id", row_id, sa.Identity(always=False), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("papers", sa.Integer(), nullable=False, comment="number of papers at build time"),
        sa.Column("data", sa.LargeBinary(), nullable=False, comment="JSON, zlib"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_glossary")),
    )
    _create_engine_tables()


def _create_engine_tables() -> None:
    """Create the tables of the full-text engines, which are not in the metadata."""
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
        "CREATE TABLE search_eras (name TEXT, era INTEGER, entries BIGINT NOT NULL, PRIMARY KEY (name, era))"
    )


def downgrade() -> None:
    """Not supported: the copy made before the upgrade is restored instead."""
    raise RuntimeError("downgrade by restoring the copy that was kept next to the database")
