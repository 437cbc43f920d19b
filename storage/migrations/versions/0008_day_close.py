"""When a post is sent, and the papers that were added to a digest after its post

Revision: 0008, after 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    when = sa.Column("when", sa.Text(), nullable=False, server_default="hour", comment="hour, or complete")
    op.add_column("subscriptions", when)
    since = sa.Column(
        "since_revision", sa.Integer(), nullable=False, server_default="1", comment="revision that added it"
    )
    op.add_column("entries", since)
    covered = sa.Column(
        "revision",
        sa.Integer(),
        nullable=False,
        server_default="1",
        comment="the digest's, when it was covered",
    )
    op.add_column("covered_digests", covered)
    late = sa.Column("late_revision", sa.Integer(), comment="up to which papers added later were posted")
    op.add_column("covered_digests", late)
    op.add_column("covered_digests", sa.Column("late_at", sa.DateTime(timezone=True)))
    comment = "[date, shown, number] of the papers at the end that were added later"
    op.add_column("deliveries", sa.Column("late", sa.JSON(), comment=comment))


def downgrade() -> None:
    """Paperround restores a copy instead of stepping back."""
    raise RuntimeError("downgrade by restoring the copy that was kept next to the database")
