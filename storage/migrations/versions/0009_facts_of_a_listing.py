"""What a post says of its day's list, and two more facts about its papers

Revision: 0009, after 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    comment = "stated close of the day's list; complete if not after planned_at"
    op.add_column("deliveries", sa.Column("closes_at", sa.DateTime(timezone=True), comment=comment))
    for table in ("papers", "facts"):
        op.add_column(table, sa.Column("organization", sa.Text(), comment="behind the authors"))
        op.add_column(table, sa.Column("code_stars", sa.Integer()))


def downgrade() -> None:
    """Paperround restores a copy instead of stepping back."""
    raise RuntimeError("downgrade by restoring the copy that was kept next to the database")
