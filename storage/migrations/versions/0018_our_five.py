"""The papers that a server's members saved or shared most, in its weekly post

Revision: 0018, after 0017
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    option: sa.Column[bool] = sa.Column(
        "our_five",
        sa.Boolean(),
        nullable=False,
        server_default=sa.false(),
        comment="a weekly post lists what members saved or shared most",
    )
    op.add_column("subscriptions", option)
    comment = "[arXiv id, savers, sharers] of the papers that members saved or shared most"
    op.add_column("deliveries", sa.Column("our_five", sa.JSON(), comment=comment))


def downgrade() -> None:
    """Paperround restores a copy instead of stepping back."""
    raise RuntimeError("downgrade by restoring the copy that was kept next to the database")
