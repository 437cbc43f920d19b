"""Drafts of summaries that a language model writes, and the ledger of its tokens

Revision: 0010, after 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "drafts",
        sa.Column("arxiv_id", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("prompt_version", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column(
            "input_hash",
            sa.Text(),
            nullable=False,
            comment="SHA-256 of what the model reads; empty: not read yet",
        ),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), comment="what was read: paper, abstract or none"),
        sa.Column(
            "text", sa.Text(), comment="JSON: the answers so far, or the claims that passed the checks"
        ),
        sa.Column("problems", sa.JSON(), nullable=False),
        sa.Column("claims_dropped", sa.Integer(), nullable=False),
        sa.Column(
            "calls", sa.Integer(), nullable=False, comment="answered or failed; a lost one is not counted"
        ),
        sa.Column("tokens", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "arxiv_id", "format", "language", "prompt_version", "model", "input_hash", name="pk_drafts"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_drafts_updated_at", "drafts", ["updated_at"])
    op.create_table(
        "token_ledger",
        sa.Column("day_on", sa.Date(), nullable=False, comment="UTC"),
        sa.Column(
            "reserved",
            sa.BigInteger(),
            nullable=False,
            comment="of calls that run, or whose outcome is unknown",
        ),
        sa.Column("used", sa.BigInteger(), nullable=False, comment="of settled calls"),
        sa.PrimaryKeyConstraint("day_on", name="pk_token_ledger"),
    )


def downgrade() -> None:
    """Paperround restores a copy instead of stepping back."""
    raise RuntimeError("downgrade by restoring the copy that was kept next to the database")
