"""Alerts of several terms, with exclusions, language and timing; their trigger terms in a table of their own

Revision: 0012, after 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema to this revision; an alert so far has one term."""
    row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "alert_terms",
        sa.Column(
            "term", sa.Text(), nullable=False, comment="trigger term: a matching paper has one of the alert's"
        ),
        sa.Column("alert_id", row_id, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alerts.id"], name=op.f("fk_alert_terms_alert_id_alerts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("term", "alert_id", name=op.f("pk_alert_terms")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_alert_terms_alert_id"), "alert_terms", ["alert_id"])
    op.execute("INSERT INTO alert_terms (term, alert_id) SELECT anchor, id FROM alerts")
    for column in (
        sa.Column("terms", sa.JSON(), nullable=False, server_default="[]", comment="pairs of kind and text as typed"),
        sa.Column("match_all", sa.Boolean(), nullable=False, server_default=sa.false(), comment="all terms, or any"),
        sa.Column("excluded", sa.JSON(), nullable=False, server_default="[]", comment="words that a matching paper must not have"),
        sa.Column("language", sa.Text(), comment="NULL: any"),
        sa.Column("translations", sa.Boolean(), nullable=False, server_default=sa.false(), comment="forms of the other language match too"),
        sa.Column("timing", sa.Text(), nullable=False, server_default="now", comment="now, daily or weekly"),
        sa.Column("at_time", sa.Text(), nullable=False, server_default="09:00", comment="HH:MM in timezone"),
        sa.Column("timezone", sa.Text(), nullable=False, server_default="UTC"),
        sa.Column("weekday", sa.Integer(), nullable=False, server_default="1", comment="ISO, of weekly"),
        sa.Column("max_papers", sa.Integer(), nullable=False, server_default="10", comment="in a message"),
    ):
        op.add_column("alerts", column)
    function = "json_array" if op.get_bind().dialect.name == "sqlite" else "json_build_array"
    op.execute(
        f"UPDATE alerts SET terms = {function}({function}(kind, text)), key = substr(kind, 1, 1) || ':' || key"  # noqa: S608 - constant names
    )
    if op.get_bind().dialect.name != "sqlite":
        op.alter_column("alerts", "key", comment="what it matches, folded, which identifies equal alerts")
    op.drop_index("ix_alerts_anchor", "alerts")
    for name in ("anchor", "kind", "text"):
        op.drop_column("alerts", name)


def downgrade() -> None:
    """Paperround restores a copy instead of stepping back."""
    raise RuntimeError("downgrade by restoring the copy that was kept next to the database")
