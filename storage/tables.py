"""The tables that several modules of `storage` read, as SQLAlchemy Core metadata, and what all declarations need.

Each table is written by exactly one storage module; the others are declared there (`storage.schema`). `table_of` derives
a table's columns (names, types, NULL) from its record. Times are `UtcTime`: aware in Python, text in UTC on SQLite.
Discord ids are BIGINT, enums are stored by value, and JSON lists are read as tuples.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import partial
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from storage import models

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Stored(sa.types.TypeDecorator[Any]):
    """A column type that converts values: `load` from the database to Python, `dump` the other way."""

    impl: sa.types.TypeEngine[Any] | type[sa.types.TypeEngine[Any]] = sa.Text
    cache_ok = True

    def __init__(
        self,
        stored_as: sa.types.TypeEngine[Any],
        load: Callable[[Any], Any],
        dump: Callable[[Any], Any] | None = None,
    ) -> None:
        super().__init__()
        self.impl = self.stored_as = stored_as
        self.load = load
        self.dump = dump

    def process_bind_param(self, value: Any | None, dialect: Dialect) -> Any | None:
        return value if value is None or self.dump is None else self.dump(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Any | None:
        return None if value is None else self.load(value)


def _load_time(moment: datetime) -> datetime:
    """Return an aware time in UTC, since SQLite drops the time zone."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _dump_time(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone, so it cannot be stored")
    return moment.astimezone(UTC)


UtcTime = Stored(sa.DateTime(timezone=True), _load_time, _dump_time)
"""An aware UTC datetime. A naive datetime raises ValueError."""


def one_of(members: type[StrEnum]) -> Stored:
    return Stored(sa.Text(), members, str)


def _tuple_of(item: Callable[[Any], Any]) -> Stored:
    return Stored(sa.JSON(), lambda items: tuple(map(item, items)))


def _load_report(report: Mapping[str, Any]) -> models.ReadingReport:
    def read(rows: Iterable[Mapping[str, Any]]) -> tuple[models.Skipped, ...]:
        return tuple(
            models.Skipped(models.SkipReason(row["reason"]), row["number"], tuple(row["examples"]))
            for row in rows
        )

    kept = report["stored"] + report["known"]
    return models.ReadingReport(kept, report["stored"], read(report["left_out"]), read(report["remarks"]))


_TYPES: dict[Any, sa.types.TypeEngine[Any]] = {
    bool: sa.Boolean(),
    int: sa.Integer(),
    str: sa.Text(),
    date: sa.Date(),
    datetime: UtcTime,
    dict[str, str]: sa.JSON(),
    Mapping[str, Any]: sa.JSON(none_as_null=True),
    tuple[str, ...]: _tuple_of(models.intern_name),
    # ISO weekdays, such as 12345
    tuple[int, ...]: Stored(
        sa.Text(), lambda days: tuple(map(int, days)), lambda days: "".join(map(str, days))
    ),
    tuple[models.AlertTerm, ...]: _tuple_of(
        lambda term: models.AlertTerm(models.AlertKind(term[0]), term[1])
    ),
    tuple[models.Problem, ...]: Stored(
        sa.JSON(),
        lambda problems: tuple(models.Problem(*problem) for problem in problems),
        lambda problems: [(problem.line, problem.message) for problem in problems],
    ),
    models.ReadingReport: Stored(sa.JSON(none_as_null=True), _load_report, models.ReadingReport.to_json),
}
"""Column types by the type of the record's field."""

READER_ROWS = {"reader": "rows"}
"""`info` of a column with the Discord id of the row's reader, as `user:<id>` in a text column.

`/me data` exports these rows, and `/me forget` deletes them with their dependent rows (`storage.accounts`).
"""
READER_MENTION = {"reader": "mention"}
"""`info` of a column with a reader's Discord id in someone else's row. `/me forget` sets it to NULL."""
SERVER_ROWS = {"server": "rows"}
"""`info` of a column with the row's server id. The rows are deleted some time after the bot left it."""
OPERATORS = {"for": "operators"}
"""`info` of a column for operators only, which `/me data` omits."""

# SQLite's row id must be declared INTEGER; on PostgreSQL ids have 64 bits.
RowId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


required = partial(sa.Column, nullable=False)
"""Return a NOT NULL column."""


def row_id() -> sa.Column[int]:
    return sa.Column("id", RowId, sa.Identity(), primary_key=True)


def reference(name: str, target: str, *, ondelete: str = "CASCADE", **options: Any) -> sa.Column[Any]:
    return sa.Column(name, RowId, sa.ForeignKey(target, ondelete=ondelete), **options)


def _column(name: str, hint: Any, info: dict[str, str]) -> sa.Column[Any]:
    """Return the column for a record's field. Fields with Discord ids and references have names ending in `_id` or `_by`."""
    if name == "id":
        return row_id()
    options = get_args(hint) if get_origin(hint) in (UnionType, Union) else (hint,)
    python = next(option for option in options if option is not NoneType)
    if isinstance(python, type) and issubclass(python, StrEnum):
        kind: sa.types.TypeEngine[Any] = one_of(python)
    elif python is int and name.endswith(("_id", "_by")):
        kind = sa.BigInteger()
    else:
        kind = _TYPES[python]
    return sa.Column(name, kind, nullable=NoneType in options, autoincrement=False, info=info)


def table_of(
    record: type,
    name: str,
    *items: sa.Column[Any] | sa.Constraint | sa.Index,
    omit: Collection[str] = (),
    infos: Mapping[str, dict[str, str]] = MappingProxyType({}),
    **options: Any,
) -> sa.Table:
    """Declare a record class's table, with a column for each field that is not in `omit`.

    `items` are keys, indexes, and columns that are not in the record or need options. `infos` holds the
    `info` of columns.
    """
    declared = {item.name: item for item in items if isinstance(item, sa.Column)}
    columns = [
        declared.pop(name) if name in declared else _column(name, hint, infos.get(name, {}))
        for name, hint in get_type_hints(record).items()
        if name not in omit
    ]
    keys = [column for column in declared.values() if column.primary_key or column.foreign_keys]
    # Rarely read columns come last, since SQLite reads a row from its start.
    others = [column for column in declared.values() if not (column.primary_key or column.foreign_keys)]
    constraints = [item for item in items if not isinstance(item, sa.Column)]
    return sa.Table(name, metadata, *keys, *columns, *others, *constraints, **options)


digests = table_of(
    models.StoredDigest,
    "digests",
    required("raw", sa.LargeBinary, comment="text, UTF-8, zlib"),
    # `archive.location_key`: PostgreSQL's indexes have no room for long addresses.
    required("location_key", sa.Text),
    sa.UniqueConstraint("location_key", "date_on"),
    sa.Index("ix_digests_date_on", "date_on"),
    # Ids must never be reused: the keys of deliveries contain them.
    sqlite_autoincrement=True,
)

papers = table_of(
    models.MergedPaper,
    "papers",
    row_id(),
    required("scheme", sa.Text, server_default="arxiv"),
    required("hidden", sa.Boolean, server_default=sa.false()),
    sa.Column("arxiv_due_at", UtcTime, comment="when to ask arXiv again; NULL: not needed"),
    required("arxiv_asks", sa.Integer, server_default="0", comment="requests without an answer"),
    required(
        "changed",
        sa.BigInteger,
        server_default="0",
        comment="number of the last change, for the search index",
    ),
    # SQLite renames a constraint only by copying the table.
    sa.UniqueConstraint("key", name="uq_papers_arxiv_id"),
    sa.Index("ix_papers_last_on", "last_on"),
    sa.Index("ix_papers_votes", "votes"),
    sa.Index("ix_papers_changed", "changed", "id"),
)


paper_names = sa.Table(
    "paper_names",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),  # a further key of the paper
    reference("paper_id", "papers.id", nullable=False, index=True),
    sqlite_with_rowid=False,
)

name_claims = sa.Table(
    "name_claims",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),  # a key that a paper claims as a further one
    reference("paper_id", "papers.id", primary_key=True, index=True),
    required("parted", sa.Boolean, server_default=sa.false()),  # by the operator: it joins nothing
    sqlite_with_rowid=False,
)

entries = table_of(
    models.Entry,
    "entries",
    row_id(),
    reference("digest_id", "digests.id", nullable=False),
    reference("paper_id", "papers.id", ondelete="RESTRICT", nullable=False, index=True),
    required("added_seq", sa.BigInteger, server_default="0", comment="number of the ingest that added it"),
    sa.UniqueConstraint("digest_id", "rank"),
    omit=("paper_key", "sections", "names"),
)


SUBSCRIPTION_KEY = ("channel_id", "at_time", "timezone", "locale", "style", "topic", "source")
"""No two subscriptions have the same values in all of these fields."""
subscriptions = table_of(
    models.Subscription,
    "subscriptions",
    sa.UniqueConstraint(*SUBSCRIPTION_KEY, name="uq_subscriptions_same"),
    sa.Index("ix_subscriptions_guild_id", "guild_id"),
    # A source's URL may contain secrets, so readers see a label instead.
    infos={"guild_id": SERVER_ROWS, "created_by": READER_MENTION, "source": OPERATORS},
    sqlite_autoincrement=True,
)


deliveries = table_of(
    models.Delivery,
    "deliveries",
    reference("subscription_id", "subscriptions.id", ondelete="SET NULL"),
    sa.UniqueConstraint("key"),
    sa.Index("ix_deliveries_channel_id", "channel_id"),
    sa.Index("ix_deliveries_user_id", "user_id"),
    sa.Index("ix_deliveries_asked_by", "asked_by", "planned_at"),
    sa.Index("ix_deliveries_state_due_at", "state", "due_at"),
    sa.Index("ix_deliveries_subscription_id", "subscription_id", "id"),
    infos={"user_id": READER_ROWS, "asked_by": READER_MENTION, "guild_id": SERVER_ROWS},
    sqlite_autoincrement=True,
)

delivery_papers = sa.Table(
    "delivery_papers",
    metadata,
    reference("delivery_id", "deliveries.id", primary_key=True),
    reference("paper_id", "papers.id", primary_key=True, index=True),
    required("position", sa.Integer, server_default="0"),  # of the part that has the paper
    sqlite_with_rowid=False,
)

parts = table_of(
    models.Part,
    "parts",
    reference("delivery_id", "deliveries.id", nullable=False),
    sa.Column("term", sa.BigInteger, comment="the sender's term at the last attempt"),
    sa.UniqueConstraint("nonce"),
    sa.UniqueConstraint("delivery_id", "position"),
    sa.Index("ix_parts_state_next_attempt_at", "state", "next_attempt_at"),
    sa.Index("ix_parts_message_id", "message_id"),
    sa.Index("ix_parts_channel_id", "channel_id"),
)

readers = table_of(
    models.Reader, "readers", sa.PrimaryKeyConstraint("user_id"), infos={"user_id": READER_ROWS}
)


guilds = table_of(
    models.Guild,
    "guilds",
    required("answers_mentions", sa.Boolean, server_default=sa.true()),
    sa.PrimaryKeyConstraint("guild_id"),
    infos={"guild_id": SERVER_ROWS},
)

sources = table_of(
    models.StoredSource,
    "sources",
    sa.UniqueConstraint("url"),
    sa.Index("ix_sources_next_attempt_at", "next_attempt_at"),
    # Ids must never be reused: a poll may end after its source was replaced by another.
    sqlite_autoincrement=True,
)
