"""Profiles of readers, their weights, and what readers said of papers

Revision: 0016, after 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "profiles",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("topics", sa.JSON(), nullable=False, comment="keys of the topics that the reader picked"),
        sa.Column("learnt_from", sa.Text(), comment="fingerprint of what the weights were learnt from"),
        sa.Column("concepts", sa.JSON(), nullable=False, comment="number of saved papers by concept"),
        sa.Column("at_time", sa.Text(), comment="HH:MM at which the papers of the day are sent; NULL: never"),
        sa.Column("timezone", sa.Text(), comment="of at_time"),
        sa.Column("next_due_at", moment),
        sa.Column("due_on", sa.Date(), comment="local date of next_due_at"),
        sa.Column("last_digest_on", sa.Date(), comment="day whose papers were sent last"),
        sa.Column("reason", sa.Text(), comment="why sending is suspended; NULL: it is not"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_profiles")),
    )
    op.create_index(op.f("ix_profiles_next_due_at"), "profiles", ["next_due_at"])
    op.create_table(
        "profile_weights",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("term", sa.Text(), nullable=False),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "term", name=op.f("pk_profile_weights")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "feedback",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("paper_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="opened, more or less"),
        sa.Column("given_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["paper_id"], ["papers.id"], name=op.f("fk_feedback_paper_id_papers"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "paper_id", name=op.f("pk_feedback")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_feedback_paper_id"), "feedback", ["paper_id"])


def downgrade() -> None:
    """Paperround restores a copy instead of stepping back."""
    raise RuntimeError("downgrade by restoring the copy that was kept next to the database")
