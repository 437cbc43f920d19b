"""The queue between the matching of alerts and their messages

Revision: 0014, after 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "alert_matches",
        sa.Column("recipient", sa.Text(), nullable=False, comment="as in told_papers"),
        sa.Column("paper_id", row_id, nullable=False),
        sa.Column("alert_id", row_id, nullable=False),
        sa.Column("votes", sa.Integer(), comment="when it was matched; NULL if unknown"),
        sa.Column("matched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "due_at",
            sa.DateTime(timezone=True),
            comment="when its message is planned; NULL: once it has the votes",
        ),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alerts.id"], name=op.f("fk_alert_matches_alert_id_alerts"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["paper_id"], ["papers.id"], name=op.f("fk_alert_matches_paper_id_papers"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("recipient", "paper_id", "alert_id", name=op.f("pk_alert_matches")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_alert_matches_alert_id"), "alert_matches", ["alert_id"])
    op.create_index("ix_alert_matches_due_at", "alert_matches", ["due_at", "paper_id"])


def downgrade() -> None:
    """Paperround restores a copy instead of stepping back."""
    raise RuntimeError("downgrade by restoring the copy that was kept next to the database")
