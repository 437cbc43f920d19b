"""What a delivery shows as one JSON instead of seven columns

Revision: 0022, after 0020
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0020"
branch_labels = None
depends_on = None

_CHUNK = 500
_deliveries = sa.table(
    "deliveries",
    sa.column("id", sa.BigInteger),
    sa.column("planned_at", sa.DateTime(timezone=True)),
    sa.column("papers", sa.JSON),
    sa.column("total", sa.Integer),
    sa.column("fingerprint", sa.Text),
    sa.column("topic", sa.Text),
    sa.column("late", sa.JSON),
    sa.column("closes_at", sa.DateTime(timezone=True)),
    sa.column("our_five", sa.JSON),
    sa.column("post", sa.JSON),
)
_MOVED = ("papers", "total", "fingerprint", "topic", "late", "closes_at", "our_five")


def upgrade() -> None:
    """Bring the schema to this revision."""
    comment = "what is shown: models.StoredPost"
    op.add_column("deliveries", sa.Column("post", sa.JSON(), nullable=False, server_default="{}", comment=comment))
    connection, last_id = op.get_bind(), 0
    query = sa.select(_deliveries).order_by(_deliveries.c.id).limit(_CHUNK)
    set_post = _deliveries.update().where(_deliveries.c.id == sa.bindparam("b_id"))
    while rows := connection.execute(query.where(_deliveries.c.id > last_id)).all():
        last_id = rows[-1].id
        values = [{"b_id": row.id, "b_post": _post_of(row)} for row in rows]
        connection.execute(set_post.values(post=sa.bindparam("b_post")), values)
    for name in _MOVED:
        op.drop_column("deliveries", name)


def _post_of(row: sa.Row[tuple[object, ...]]) -> dict[str, object]:
    post = {name: row._mapping[name] for name in _MOVED if row._mapping[name]}
    if row.closes_at is not None:
        # SQLite's driver returns the time in UTC without a zone.
        post["closes_at"] = row.closes_at.isoformat() + ("" if row.closes_at.tzinfo else "Z")
        post["is_complete"] = row.closes_at <= row.planned_at
    return post


def downgrade() -> None:
    """Paperround restores a copy instead of stepping back."""
    raise RuntimeError("downgrade by restoring the copy that was kept next to the database")
