"""Topics of daily posts, and the role that they mention

Revision: 0007, after 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SAME = ["channel_id", "at_time", "timezone", "locale", "style", "topic"]


def upgrade() -> None:
    """Bring the schema to this revision."""
    connection = op.get_bind()
    is_sqlite = connection.dialect.name == "sqlite"
    last_id = None
    if is_sqlite:
        last_id = connection.scalar(sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'subscriptions'"))
    with op.batch_alter_table("subscriptions", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.add_column(
            sa.Column(
                "topic", sa.Text(), nullable=False, server_default="", comment="query; empty: all papers"
            )
        )
        batch.add_column(
            sa.Column(
                "mention_role_id",
                sa.BigInteger(),
                nullable=True,
                comment="role mentioned above a post with papers",
            )
        )
        batch.drop_constraint("uq_subscriptions_same", type_="unique")
        batch.create_unique_constraint("uq_subscriptions_same", SAME)
    if last_id is not None:
        # The new table counts from its rows alone. The id of a deleted subscription must not return: it is in the keys of
        # deliveries.
        connection.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = 'subscriptions'"))
        connection.execute(
            sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES ('subscriptions', :seq)"),
            {"seq": last_id},
        )
    op.add_column(
        "deliveries",
        sa.Column("topic", sa.Text(), nullable=False, server_default="", comment="query of a post's papers"),
    )


def downgrade() -> None:
    """Paperround restores a copy instead of stepping back."""
    raise RuntimeError("downgrade by restoring the copy that was kept next to the database")
