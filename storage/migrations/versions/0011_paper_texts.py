"""Full texts of papers that the writer read

Revision: 0011, after 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "paper_texts",
        sa.Column("arxiv_id", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False, comment="where it was read"),
        sa.Column("basis", sa.Text(), nullable=False, comment="paper, or abstract"),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False, comment="SHA-256 of the text"),
        sa.Column("text", sa.LargeBinary(), nullable=False, comment="Markdown, Zstandard"),
        sa.PrimaryKeyConstraint("arxiv_id", name="pk_paper_texts"),
    )
    op.create_index("ix_paper_texts_fetched_at", "paper_texts", ["fetched_at"])


def downgrade() -> None:
    """Paperround restores a copy instead of stepping back."""
    raise RuntimeError("downgrade by restoring the copy that was kept next to the database")
