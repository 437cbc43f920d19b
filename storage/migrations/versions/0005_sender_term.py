"""The marker of each part, and the term of the sender that attempts it

Revision: 0005, after 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    marker = sa.Column(
        "marker", sa.Text(), nullable=True, comment="text by which its message is found in a history"
    )
    op.add_column("parts", marker)
    term = sa.Column(
        "term", sa.BigInteger(), nullable=True, comment="of the sender that began the last attempt"
    )
    op.add_column("parts", term)
    # The form that earlier versions wrote into the payload, so that messages already in Discord are still found.
    op.execute(
        "UPDATE parts SET marker = 'pr:d:' || (SELECT key FROM deliveries WHERE deliveries.id = parts.delivery_id)"
        " || ':' || CAST(\"position\" AS TEXT) || '/'"
        " WHERE state <> 'sent' AND kind IN ('message', 'thread_message', 'forum_post')"
    )


def downgrade() -> None:
    """Paperround restores a copy instead of stepping back."""
    raise RuntimeError("downgrade by restoring the copy that was kept next to the database")
