"""What became of saved papers, and up to where each reader was told

Revision: 0017, after 0016
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "watched_papers",
        sa.Column("paper_id", _ROW_ID, autoincrement=False, nullable=False),
        sa.Column("arxiv_at", _TIME, comment="when arXiv was asked last; NULL: never"),
        sa.Column("huggingface_at", _TIME, comment="likewise"),
        sa.ForeignKeyConstraint(
            ["paper_id"], ["papers.id"], name="fk_watched_papers_paper_id_papers", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("paper_id", name="pk_watched_papers"),
    )
    op.create_index("ix_watched_papers_arxiv_at", "watched_papers", ["arxiv_at"])
    op.create_index("ix_watched_papers_huggingface_at", "watched_papers", ["huggingface_at"])
    op.create_table(
        "paper_news",
        sa.Column("id", _ROW_ID, sa.Identity(), nullable=False),
        sa.Column("paper_id", _ROW_ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="version, withdrawn, code, model or venue"),
        sa.Column(
            "value", sa.Text(), nullable=False, comment="a version's number, an address, a venue's name"
        ),
        sa.Column(
            "changed_at", _TIME, nullable=False, comment="no news for who saved the paper after it"
        ),
        sa.Column("found_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["paper_id"],
            ["watched_papers.paper_id"],
            name="fk_paper_news_paper_id_watched_papers",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_paper_news"),
        sa.UniqueConstraint("paper_id", "kind", "value", name="uq_paper_news_paper_id_kind_value"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_paper_news_found_at", "paper_news", ["found_at"])
    op.create_table(
        "news_readers",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("is_off", sa.Boolean(), nullable=False),
        sa.Column("last_id", _ROW_ID, nullable=False, comment="of the news told last"),
        sa.Column("former_last_id", _ROW_ID, nullable=False, comment="before the last message"),
        sa.Column("told_at", _TIME),
        sa.Column("delivery_id", _ROW_ID),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["deliveries.id"],
            name="fk_news_readers_delivery_id_deliveries",
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("user_id", name="pk_news_readers"),
    )
    op.create_index("ix_news_readers_delivery_id", "news_readers", ["delivery_id"])


def downgrade() -> None:
    """Paperround restores a copy instead of stepping back."""
    raise RuntimeError("downgrade by restoring the copy that was kept next to the database")
