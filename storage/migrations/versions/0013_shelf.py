"""Notes and tags of saved papers, papers removed a short while ago, and papers shared in servers

Revision: 0013, after 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    for column in _shelf_columns():
        op.add_column("saved_papers", column)
    op.create_index("ix_saved_papers_guild_id_saved_at", "saved_papers", ["guild_id", "saved_at"])
    op.create_table(
        "removed_papers",
        sa.Column("user_id", sa.BigInteger(), nullable=False, autoincrement=False),
        _paper_id("removed_papers"),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        *_shelf_columns(),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "paper_id", name="pk_removed_papers"),
    )
    op.create_index("ix_removed_papers_removed_at", "removed_papers", ["removed_at"])
    op.create_table(
        "shared_papers",
        sa.Column("guild_id", sa.BigInteger(), nullable=False, autoincrement=False),
        _paper_id("shared_papers"),
        sa.Column("user_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("shared_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("guild_id", "paper_id", "user_id", name="pk_shared_papers"),
    )
    op.create_index("ix_shared_papers_shared_at", "shared_papers", ["shared_at"])


def _paper_id(table: str) -> sa.Column[int]:
    key = sa.ForeignKey("papers.id", name=f"fk_{table}_paper_id_papers", ondelete="CASCADE")
    return sa.Column("paper_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), key, nullable=False)


def _shelf_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("guild_id", sa.BigInteger(), comment="server where it was saved"),
        sa.Column("note", sa.Text(), nullable=False, server_default=""),
        sa.Column("tags", sa.Text(), nullable=False, server_default="", comment="each between spaces"),
        sa.Column("title", sa.Text(), comment="of an imported file, for a paper without one"),
        sa.Column("authors", sa.JSON(), comment="of an imported file, for a paper without any"),
    ]


def downgrade() -> None:
    """Paperround restores a copy instead of stepping back."""
    raise RuntimeError("downgrade by restoring the copy that was kept next to the database")
