"""Who paused a daily post, and when

Revision: 0019, after 0018
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.add_column("subscriptions", sa.Column("paused_by", sa.BigInteger(), comment="who paused it by hand"))
    time = sa.DateTime(timezone=True)
    op.add_column("subscriptions", sa.Column("paused_at", time, comment="when it was paused by hand"))


def downgrade() -> None:
    """Paperround restores a copy instead of stepping back."""
    raise RuntimeError("downgrade by restoring the copy that was kept next to the database")
