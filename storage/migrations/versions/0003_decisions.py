"""Decisions of the daily planner

Revision: 0003, after 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "decisions",
        sa.Column("subscription_id", row_id, nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("local_on", sa.Date(), nullable=False, comment="local date of the post"),
        sa.Column(
            "digest_on", sa.Date(), nullable=False, comment="date of the newest digest, or last day of a week"
        ),
        sa.Column("digest_ids", sa.JSON(), nullable=False, comment="digests drawn from"),
        sa.Column(
            "skipped_digest_ids", sa.JSON(), nullable=False, comment="older ones, left out by a first post"
        ),
        sa.Column("min_votes", sa.Integer(), nullable=False),
        sa.Column("cutoff_rank", sa.Integer(), nullable=False, comment="number of papers chosen"),
        sa.Column("cutoff_votes", sa.Integer(), nullable=True, comment="votes of the last paper chosen"),
        sa.Column(
            "left_out", sa.JSON(), nullable=False, comment="[paper id, votes] after the cut-off, best first"
        ),
        sa.Column("delivery_id", row_id, nullable=True),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscriptions.id"],
            name=op.f("fk_decisions_subscription_id_subscriptions"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["deliveries.id"],
            name=op.f("fk_decisions_delivery_id_deliveries"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("subscription_id", "decided_at", name=op.f("pk_decisions")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_decisions_decided_at"), "decisions", ["decided_at"])


def downgrade() -> None:
    """Paperround restores a copy instead of stepping back."""
    raise RuntimeError("downgrade by restoring the copy that was kept next to the database")
