"""Affiliations of authors, and the forms of an alert's terms in the other language

Revision: 0015, after 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    for table in ("facts", "papers"):
        op.add_column(
            table,
            sa.Column("affiliations", sa.JSON(), nullable=False, server_default="[]", comment="of the authors"),
        )
    comment = "by term: added forms with their context"
    op.add_column("alerts", sa.Column("forms", sa.JSON(), nullable=False, server_default="[]", comment=comment))


def downgrade() -> None:
    """Paperround restores a copy instead of stepping back."""
    raise RuntimeError("downgrade by restoring the copy that was kept next to the database")
