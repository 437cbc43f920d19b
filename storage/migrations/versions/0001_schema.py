"""The first schema: the tables of `storage.tables`.

It changes in place until the first release. Then the tables are frozen here as they are, as what Alembic's autogenerate
writes for an empty database, and each later change is a revision that imports no living code.

Revision: r0001
"""

from __future__ import annotations

from alembic import op

from storage import tables

revision = "r0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    tables.metadata.create_all(op.get_bind(), checkfirst=False)
