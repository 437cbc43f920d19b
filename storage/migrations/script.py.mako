"""${message}

Revision: ${up_revision}, after ${down_revision | comma,n}
Date: ${create_date}
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade the schema to this revision."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """Not supported: the copy made before the upgrade is restored instead."""
    raise RuntimeError("downgrade by restoring the copy that was kept next to the database")
