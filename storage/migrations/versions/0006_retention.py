"""Long-notified papers in packed form, and indexes for the removal of old deliveries

Revision: 0006, after 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "told_archive",
        sa.Column("recipient", sa.Text(), nullable=False, comment="as in told_papers"),
        sa.Column(
            "paper_ids", sa.LargeBinary(), nullable=False, comment="differences of sorted ids, JSON, zlib"
        ),
        sa.PrimaryKeyConstraint("recipient", name=op.f("pk_told_archive")),
        sqlite_with_rowid=False,
    )
    # Removing a delivery looks for the rows that refer to it.
    for table in ("had_papers", "decisions", "told_papers"):
        op.create_index(op.f(f"ix_{table}_delivery_id"), table, ["delivery_id"])


def downgrade() -> None:
    """Paperround restores a copy instead of stepping back."""
    raise RuntimeError("downgrade by restoring the copy that was kept next to the database")
