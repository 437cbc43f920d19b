"""Papers that got authors or institutions after their digest was matched with alerts

Revision: 0020, after 0019
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    comment = "each paper's authors and institutions before facts added some; NULL: all terms count"
    op.add_column("pending_alerts", sa.Column("former_names", sa.JSON(), comment=comment))


def downgrade() -> None:
    """Paperround restores a copy instead of stepping back."""
    raise RuntimeError("downgrade by restoring the copy that was kept next to the database")
