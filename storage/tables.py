"""The SQL schema as SQLAlchemy Core metadata. Each table is written by exactly one storage module.

Times are `UtcTime` (aware in Python, on SQLite as text in UTC). Discord ids are BIGINT. A column of a closed set holds the
values of its enum and gives its members, a JSON column of a list gives tuples (`Stored`): rows need no conversion by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from storage import models

if TYPE_CHECKING:
    from pydantic import TypeAdapter

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcTime(sa.types.TypeDecorator[datetime]):
    """An aware UTC datetime. SQLite drops the time zone; this type restores it."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC. Raises ValueError for a naive datetime."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Return an aware datetime in UTC."""
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class Stored(sa.types.TypeDecorator[Any]):
    """A column whose values are of another type in Python: `load` makes them from the database's, `dump` the reverse."""

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
        """Return the database's value."""
        return value if value is None or self.dump is None else self.dump(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Any | None:
        """Return the value in Python."""
        return None if value is None else self.load(value)


def _one_of(members: type[StrEnum]) -> Stored:
    return Stored(sa.Text(), members, str)


def _tuple_of(item: Callable[[Any], Any] | None = None) -> Stored:
    return Stored(sa.JSON(), tuple if item is None else lambda items: tuple(map(item, items)))


@cache
def _post_codec() -> TypeAdapter[models.StoredPost]:
    from pydantic import TypeAdapter  # most commands read no deliveries

    return TypeAdapter(models.StoredPost)


READER_ROWS = {"reader": "rows"}
"""`info` of a column with a reader's Discord id, in a text column as `user:<id>`: its rows are the reader's own.

`/me data` gives these rows and `/me forget` deletes them, with the rows below them (`storage.accounts`).
"""
READER_MENTION = {"reader": "mention"}
"""`info` of such a column whose row belongs to others: `/me forget` sets it to NULL."""

# On SQLite only a column declared INTEGER is the row id; on PostgreSQL ids are 64-bit.
RowId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _id() -> sa.Column[int]:
    return sa.Column("id", RowId, sa.Identity(), primary_key=True)


def _reference(name: str, target: str, *, ondelete: str = "CASCADE", **options: Any) -> sa.Column[Any]:
    return sa.Column(name, RowId, sa.ForeignKey(target, ondelete=ondelete), **options)


def _shelf_columns() -> tuple[sa.Column[Any], ...]:
    """Return the columns of a saved paper that a removed one keeps, until it is purged."""
    return (
        sa.Column("guild_id", sa.BigInteger, comment="server where it was saved"),
        sa.Column("note", sa.Text, nullable=False, server_default=""),
        sa.Column("tags", sa.Text, nullable=False, server_default="", comment="each between spaces"),
        sa.Column("title", sa.Text, comment="of an imported file, for a paper without one"),
        sa.Column("authors", sa.JSON, comment="of an imported file, for a paper without any"),
    )


digests = sa.Table(
    "digests",
    metadata,
    _id(),
    sa.Column("format", _one_of(models.DigestFormat), nullable=False),
    sa.Column("date_on", sa.Date, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False, unique=True, comment="SHA-256 of the text, in hex"),
    sa.Column("raw", sa.LargeBinary, nullable=False, comment="text, UTF-8, zlib"),
    sa.Column(
        "problems",
        Stored(
            sa.JSON(),
            lambda problems: tuple(models.Problem(*problem) for problem in problems),
            lambda problems: [(problem.line, problem.message) for problem in problems],
        ),
        nullable=False,
    ),
    sa.Column(
        "revision", sa.Integer, nullable=False, default=1, comment="starts at 1, plus 1 per correction"
    ),
    sa.Column("ingested_at", UtcTime, nullable=False),
    sa.Column("updated_at", UtcTime, nullable=False),
    sa.Index("ix_digests_date_on", "date_on"),
    # Ids are never reused, because the keys of deliveries contain them.
    sqlite_autoincrement=True,
)

former_hashes = sa.Table(
    "former_hashes",
    metadata,
    sa.Column("hash", sa.Text, primary_key=True, comment="SHA-256 of a text before a correction"),
    _reference("digest_id", "digests.id", nullable=False, index=True),
)

digest_locations = sa.Table(
    "digest_locations",
    metadata,
    sa.Column("location", sa.Text, primary_key=True, comment="path, URL or feed entry id"),
    sa.Column("source", sa.Text, primary_key=True, comment="URL of the source, or 'files'"),
    sa.Column("date_on", sa.Date, primary_key=True),
    sa.Column("format", _one_of(models.DigestFormat), primary_key=True),
    _reference("digest_id", "digests.id", nullable=False, index=True),
    sa.Column("hash", sa.Text, nullable=False, comment="SHA-256 of the digest last found here"),
    sa.Column("seen_at", UtcTime, nullable=False),
)

papers = sa.Table(
    "papers",
    metadata,
    _id(),
    sa.Column("arxiv_id", sa.Text, nullable=False, unique=True),
    sa.Column("title", sa.Text),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("abstract", sa.Text),
    sa.Column("thumbnail", sa.Text),
    sa.Column("video", sa.Text),
    sa.Column("code_url", sa.Text),
    sa.Column("project_url", sa.Text),
    sa.Column("media", _tuple_of(), nullable=False, server_default="[]", comment="pictures and videos"),
    sa.Column("organization", sa.Text, comment="behind the authors"),
    sa.Column("affiliations", _tuple_of(), nullable=False, server_default="[]", comment="of the authors"),
    sa.Column("code_stars", sa.Integer),
    sa.Column("keywords", _tuple_of(), nullable=False),
    sa.Column("categories", _tuple_of(), nullable=False),
    sa.Column("authors", _tuple_of(), nullable=False, comment="names, denormalised for lists"),
    sa.Column("authors_truncated", sa.Boolean, nullable=False),
    sa.Column("votes", sa.Integer, comment="latest reading; NULL if unknown"),
    sa.Column("votes_read_at", UtcTime),
    # A paper that is in no digest any more keeps its row and `first_on`, so that it is not posted twice.
    sa.Column(
        "first_on", sa.Date, comment="first date of a digest with the paper; NULL: no digest ever had it"
    ),
    sa.Column("last_on", sa.Date, comment="NULL: it is in no digest"),
    sa.Column("arxiv_due_at", UtcTime, comment="when arXiv may be asked again; NULL: it never lacked it"),
    sa.Column("arxiv_asks", sa.Integer, nullable=False, server_default="0", comment="in vain"),
    sa.Index("ix_papers_last_on", "last_on"),
    sa.Index("ix_papers_votes", "votes"),
)

entries = sa.Table(
    "entries",
    metadata,
    _id(),
    _reference("digest_id", "digests.id", nullable=False),
    _reference("paper_id", "papers.id", ondelete="RESTRICT", nullable=False, index=True),
    sa.Column("rank", sa.Integer, nullable=False),
    sa.Column("title", sa.Text),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("votes", sa.Integer),
    sa.Column("authors", _tuple_of(), nullable=False),
    sa.Column("authors_truncated", sa.Boolean, nullable=False),
    sa.Column("thumbnail", sa.Text),
    sa.Column("video", sa.Text),
    sa.Column("summary_missing", sa.Boolean, nullable=False),
    sa.Column(
        "since_revision", sa.Integer, nullable=False, server_default="1", comment="revision that added it"
    ),
    sa.UniqueConstraint("digest_id", "rank"),
)

sections = sa.Table(
    "sections",
    metadata,
    _reference("entry_id", "entries.id", primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("heading", sa.Text),
    sa.Column("body", sa.Text, nullable=False),
)

facts = sa.Table(
    "facts",
    metadata,
    _reference("paper_id", "papers.id", primary_key=True),
    sa.Column("source", sa.Text, primary_key=True, comment="'huggingface', 'arxiv' or the URL of a feed"),
    sa.Column("place", sa.Text, nullable=False, comment="URL that was read"),
    sa.Column("title", sa.Text),
    sa.Column("abstract", sa.Text),
    sa.Column("authors", _tuple_of(), nullable=False),
    sa.Column("keywords", _tuple_of(), nullable=False),
    sa.Column("categories", _tuple_of(), nullable=False),
    sa.Column("thumbnail", sa.Text),
    sa.Column("code_url", sa.Text),
    sa.Column("project_url", sa.Text),
    sa.Column("media", _tuple_of(), nullable=False, server_default="[]", comment="pictures and videos"),
    sa.Column("organization", sa.Text, comment="behind the authors"),
    sa.Column("affiliations", _tuple_of(), nullable=False, server_default="[]", comment="of the authors"),
    sa.Column("code_stars", sa.Integer),
    sa.Column("published_on", sa.Date),
    sa.Column("listed_on", sa.Date, comment="date of the service's list with the paper"),
    sa.Column("read_at", UtcTime, nullable=False),
)

authors = sa.Table(
    "authors",
    metadata,
    _id(),
    sa.Column("key", sa.Text, nullable=False, unique=True, comment="folded name"),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("papers", sa.Integer, nullable=False, comment="number of papers"),
)

paper_authors = sa.Table(
    "paper_authors",
    metadata,
    _reference("paper_id", "papers.id", primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    _reference("author_id", "authors.id", nullable=False, index=True),
    sa.Column("name", sa.Text, nullable=False, comment="name as written in the source"),
)

votes = sa.Table(
    "votes",
    metadata,
    _reference("paper_id", "papers.id", primary_key=True),
    sa.Column("source", sa.Text, primary_key=True, comment="service; votes from digests are in entries"),
    sa.Column("read_at", UtcTime, primary_key=True),
    sa.Column("votes", sa.Integer, nullable=False),
)

subscriptions = sa.Table(
    "subscriptions",
    metadata,
    _id(),
    sa.Column("guild_id", sa.BigInteger, nullable=False),
    sa.Column("channel_id", sa.BigInteger, nullable=False),
    sa.Column("at_time", sa.Text, nullable=False, comment="HH:MM local time"),
    sa.Column("timezone", sa.Text, nullable=False),
    sa.Column(
        "days",
        Stored(sa.Text(), lambda days: tuple(map(int, days)), lambda days: "".join(map(str, days))),
        nullable=False,
        comment="ISO weekdays, e.g. 12345",
    ),
    sa.Column("top_n", sa.Integer, nullable=False),
    sa.Column("min_votes", sa.Integer, nullable=False),
    sa.Column("locale", _one_of(models.Locale), nullable=False),
    sa.Column("style", _one_of(models.Style), nullable=False),
    sa.Column("say_when_empty", sa.Boolean, nullable=False),
    sa.Column("fresh_days", sa.Integer, nullable=False),
    sa.Column("wait_minutes", sa.Integer, nullable=False),
    sa.Column("settle_hours", sa.Integer, nullable=False),
    sa.Column("state", _one_of(models.ActivityState), nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("created_by", sa.BigInteger, info=READER_MENTION),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("next_due_at", UtcTime),
    sa.Column("due_on", sa.Date, comment="local date of next_due_at"),
    sa.Column("waiting_for_on", sa.Date),
    sa.Column("waiting_until_at", UtcTime),
    sa.Column("last_digest_on", sa.Date, comment="date of the newest digest posted here"),
    sa.Column(
        "when", _one_of(models.When), nullable=False, server_default="hour", comment="hour, or complete"
    ),
    sa.Column("topic", sa.Text, nullable=False, server_default="", comment="query; empty: all papers"),
    sa.Column("source", sa.Text, nullable=False, server_default="", comment="URL of a source; empty: all"),
    sa.Column("mention_role_id", sa.BigInteger, comment="role mentioned above a post with papers"),
    sa.Column(
        "server_picks",
        sa.Boolean,
        nullable=False,
        server_default=sa.false(),
        comment="a weekly post lists what members saved or shared most",
    ),
    sa.Column(
        "silent", sa.Boolean, nullable=False, server_default=sa.false(), comment="without notification"
    ),
    sa.Column("paused_by", sa.BigInteger, comment="who paused it by hand", info=READER_MENTION),
    sa.Column("paused_at", UtcTime, comment="when it was paused by hand"),
    sa.UniqueConstraint(
        *("channel_id", "at_time", "timezone", "locale", "style", "topic", "source"),
        name="uq_subscriptions_same",
    ),
    sa.Index("ix_subscriptions_state_next_due_at", "state", "next_due_at"),
    sa.Index("ix_subscriptions_guild_id", "guild_id"),
    sqlite_autoincrement=True,
)

covered_digests = sa.Table(
    "covered_digests",
    metadata,
    _reference("subscription_id", "subscriptions.id", primary_key=True),
    _reference("digest_id", "digests.id", primary_key=True),
    sa.Column("covered_at", UtcTime, nullable=False),
    sa.Column(
        "revision",
        sa.Integer,
        nullable=False,
        server_default="1",
        comment="the digest's, when it was covered",
    ),
    sa.Column("late_revision", sa.Integer, comment="up to which papers added later were posted"),
    sa.Column("late_at", UtcTime),
    sqlite_with_rowid=False,
)

posted_papers = sa.Table(
    "posted_papers",
    metadata,
    sa.Column("channel_id", sa.BigInteger, primary_key=True),
    sa.Column("locale", sa.Text, primary_key=True),
    _reference("paper_id", "papers.id", primary_key=True, index=True),
    sa.Column("posted_at", UtcTime, nullable=False),
    _reference("delivery_id", "deliveries.id", ondelete="SET NULL", index=True),
    sqlite_with_rowid=False,
)

decisions = sa.Table(
    "decisions",
    metadata,
    _reference("subscription_id", "subscriptions.id", primary_key=True),
    sa.Column("decided_at", UtcTime, primary_key=True, index=True),
    sa.Column("local_on", sa.Date, nullable=False, comment="local date of the post"),
    sa.Column(
        "digest_on", sa.Date, nullable=False, comment="date of the newest digest, or last day of a week"
    ),
    sa.Column("digest_ids", _tuple_of(), nullable=False, comment="digests drawn from"),
    sa.Column(
        "skipped_digest_ids", _tuple_of(), nullable=False, comment="older ones, left out by a first post"
    ),
    sa.Column("min_votes", sa.Integer, nullable=False),
    sa.Column("cutoff_rank", sa.Integer, nullable=False, comment="number of papers chosen"),
    sa.Column("cutoff_votes", sa.Integer, comment="votes of the last paper chosen"),
    sa.Column(
        "left_out",
        _tuple_of(tuple),
        nullable=False,
        comment="[paper id, votes] after the cut-off, best first",
    ),
    _reference("delivery_id", "deliveries.id", ondelete="SET NULL", index=True),
    sqlite_with_rowid=False,
)

alerts = sa.Table(
    "alerts",
    metadata,
    _id(),
    sa.Column("user_id", sa.BigInteger, nullable=False, info=READER_ROWS),
    sa.Column("channel_id", sa.BigInteger, comment="NULL: by DM"),
    sa.Column("guild_id", sa.BigInteger),
    sa.Column(
        "terms",
        _tuple_of(lambda term: models.AlertTerm(models.AlertKind(term[0]), term[1])),
        nullable=False,
        comment="pairs of kind and text as typed",
    ),
    sa.Column("match_all", sa.Boolean, nullable=False, comment="all terms, or any"),
    sa.Column("excluded", _tuple_of(), nullable=False, comment="words that a matching paper must not have"),
    sa.Column(
        "key", sa.Text, nullable=False, comment="what it matches, folded, which identifies equal alerts"
    ),
    sa.Column("min_votes", sa.Integer, nullable=False),
    sa.Column("language", _one_of(models.Locale), comment="NULL: any"),
    sa.Column("translations", sa.Boolean, nullable=False, comment="forms of the other language match too"),
    sa.Column("timing", _one_of(models.AlertTiming), nullable=False, comment="now, daily or weekly"),
    sa.Column("at_time", sa.Text, nullable=False, comment="HH:MM in timezone"),
    sa.Column("timezone", sa.Text, nullable=False),
    sa.Column("weekday", sa.Integer, nullable=False, comment="ISO, of weekly"),
    sa.Column("max_papers", sa.Integer, nullable=False, comment="in a message"),
    sa.Column("max_a_day", sa.Integer, nullable=False, server_default="0", comment="messages; 0: any number"),
    sa.Column(
        "silent", sa.Boolean, nullable=False, server_default=sa.false(), comment="without notification"
    ),
    sa.Column("forms", _tuple_of(tuple), nullable=False, server_default="[]", comment="by term: added forms"),
    sa.Column("state", _one_of(models.ActivityState), nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("paused_until_at", UtcTime),
    sa.Column("created_at", UtcTime, nullable=False),
    # Both columns: with the first alone SQLite may look for a reader's alert among all that have no channel.
    sa.Index("ix_alerts_user_id", "user_id", "channel_id"),
    sa.Index("ix_alerts_channel_id", "channel_id"),
    sqlite_autoincrement=True,
)

alert_matches = sa.Table(
    "alert_matches",
    metadata,
    sa.Column("recipient", sa.Text, primary_key=True, comment="as in notified_papers", info=READER_ROWS),
    _reference("paper_id", "papers.id", primary_key=True, index=True),
    _reference("alert_id", "alerts.id", primary_key=True, index=True),
    sa.Column("votes", sa.Integer, comment="when it was matched; NULL if unknown"),
    sa.Column("matched_at", UtcTime, nullable=False),
    sa.Column("due_at", UtcTime, comment="when its message is planned; NULL: once it has the votes"),
    # The papers that wait for votes are read from the index alone.
    sa.Index("ix_alert_matches_due_at", "due_at", "paper_id"),
    sqlite_with_rowid=False,
)

notified_papers = sa.Table(
    "notified_papers",
    metadata,
    sa.Column(
        "recipient", sa.Text, primary_key=True, comment="'user:<id>' or 'channel:<id>'", info=READER_ROWS
    ),
    _reference("paper_id", "papers.id", primary_key=True, index=True),
    sa.Column("notified_at", UtcTime, nullable=False),
    _reference("delivery_id", "deliveries.id", ondelete="SET NULL", index=True),
    sqlite_with_rowid=False,
)

pending_alerts = sa.Table(
    "pending_alerts",
    metadata,
    _reference("digest_id", "digests.id", primary_key=True, autoincrement=False),
    sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("paper_ids", _tuple_of(), nullable=False, comment="papers that this revision added"),
    sa.Column(
        "papers_done", sa.Integer, nullable=False, server_default="0", comment="are matched with all alerts"
    ),
    sa.Column(
        "alert_id",
        RowId,
        nullable=False,
        server_default="0",
        comment="the last alert with which the next papers are matched",
    ),
    sa.Column("added_at", UtcTime, nullable=False),
    sa.Column(
        "former_names",
        sa.JSON(none_as_null=True),
        comment="each paper's authors and institutions before facts added some; NULL: all terms count",
    ),
    sqlite_with_rowid=False,
)

notified_archive = sa.Table(
    "notified_archive",
    metadata,
    sa.Column("recipient", sa.Text, primary_key=True, comment="as in notified_papers", info=READER_ROWS),
    sa.Column("paper_ids", sa.LargeBinary, nullable=False, comment="differences of sorted ids, JSON, zlib"),
    sqlite_with_rowid=False,
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    _id(),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("kind", _one_of(models.DeliveryKind), nullable=False),
    _reference("subscription_id", "subscriptions.id", ondelete="SET NULL", index=True),
    sa.Column("guild_id", sa.BigInteger),
    sa.Column("channel_id", sa.BigInteger, index=True, comment="destination; NULL until a DM is opened"),
    sa.Column("user_id", sa.BigInteger, index=True, info=READER_ROWS),
    sa.Column("locale", _one_of(models.Locale), nullable=False),
    sa.Column("local_on", sa.Date),
    sa.Column("digest_on", sa.Date, comment="date of the digest shown"),
    sa.Column(
        "post",
        Stored(
            sa.JSON(),
            lambda post: _post_codec().validate_python(post),
            lambda post: _post_codec().dump_python(post, mode="json", exclude_defaults=True),
        ),
        nullable=False,
        server_default="{}",
        comment="what is shown: models.StoredPost",
    ),
    sa.Column("priority", sa.Integer, nullable=False, comment="the lowest is sent first"),
    sa.Column("state", _one_of(models.DeliveryState), nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("planned_at", UtcTime, nullable=False),
    sa.Column("due_at", UtcTime, nullable=False),
    sa.Column("expires_at", UtcTime, nullable=False),
    sa.Column("finished_at", UtcTime),
    sa.Index("ix_deliveries_state_due_at", "state", "due_at"),
    sqlite_autoincrement=True,
)

parts = sa.Table(
    "parts",
    metadata,
    _id(),
    _reference("delivery_id", "deliveries.id", nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("kind", _one_of(models.PartKind), nullable=False),
    sa.Column("payload", sa.Text, comment="JSON body, cleared 30 days after the delivery ended"),
    sa.Column("fallback", sa.Text, comment="plain form, sent if Discord refuses the payload"),
    sa.Column("nonce", sa.Text, nullable=False, unique=True),
    sa.Column("state", _one_of(models.PartState), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("first_attempt_at", UtcTime, comment="first attempt that Discord may have accepted"),
    sa.Column("last_attempt_at", UtcTime),
    sa.Column("next_attempt_at", UtcTime, nullable=False),
    sa.Column("sent_at", UtcTime),
    sa.Column("channel_id", sa.BigInteger, comment="channel, thread or DM of the sent message"),
    sa.Column("message_id", sa.BigInteger),
    sa.Column("error_code", sa.Integer),
    sa.Column("error", sa.Text),
    sa.Column("marker", sa.Text, comment="text by which its message is found in a history"),
    sa.Column("term", sa.BigInteger, comment="of the sender that began the last attempt"),
    sa.UniqueConstraint("delivery_id", "position"),
    sa.Index("ix_parts_state_next_attempt_at", "state", "next_attempt_at"),
)

readers = sa.Table(
    "readers",
    metadata,
    sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False, info=READER_ROWS),
    sa.Column("locale", _one_of(models.Locale)),
    sa.Column("timezone", sa.Text),
    sa.Column("dm_channel_id", sa.BigInteger),
    sa.Column("seen_at", UtcTime, nullable=False),
)

button_texts = sa.Table(
    "button_texts",
    metadata,
    sa.Column("token", sa.Text, primary_key=True),
    sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False, info=READER_ROWS),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("saved_at", UtcTime, nullable=False, index=True),
    sa.Index("ix_button_texts_user_id_saved_at", "user_id", "saved_at"),
)

saved_papers = sa.Table(
    "saved_papers",
    metadata,
    sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False, info=READER_ROWS),
    _reference("paper_id", "papers.id", primary_key=True, index=True),
    sa.Column("saved_at", UtcTime, nullable=False),
    *_shelf_columns(),
    sa.Index("ix_saved_papers_guild_id_saved_at", "guild_id", "saved_at"),
)

removed_papers = sa.Table(
    "removed_papers",
    metadata,
    sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False, info=READER_ROWS),
    _reference("paper_id", "papers.id", primary_key=True, index=True),
    sa.Column("saved_at", UtcTime, nullable=False),
    *_shelf_columns(),
    sa.Column("removed_at", UtcTime, nullable=False, index=True),
)

shared_papers = sa.Table(
    "shared_papers",
    metadata,
    sa.Column("guild_id", sa.BigInteger, primary_key=True, autoincrement=False),
    _reference("paper_id", "papers.id", primary_key=True, index=True),
    sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False, info=READER_ROWS),
    sa.Column("shared_at", UtcTime, nullable=False, index=True),
)

profiles = sa.Table(
    "profiles",
    metadata,
    sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False, info=READER_ROWS),
    sa.Column("topics", _tuple_of(), nullable=False, comment="keys of the topics that the reader picked"),
    sa.Column("learnt_from", sa.Text, comment="fingerprint of what the weights were learnt from"),
    sa.Column("concepts", sa.JSON, nullable=False, comment="number of saved papers by concept"),
    sa.Column("at_time", sa.Text, comment="HH:MM at which the papers of the day are sent; NULL: never"),
    sa.Column("timezone", sa.Text, comment="of at_time"),
    sa.Column("next_due_at", UtcTime, index=True),
    sa.Column("due_on", sa.Date, comment="local date of next_due_at"),
    sa.Column("last_digest_on", sa.Date, comment="day whose papers were sent last"),
    sa.Column("reason", sa.Text, comment="why sending is suspended; NULL: it is not"),
)

profile_weights = sa.Table(
    "profile_weights",
    metadata,
    sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False, info=READER_ROWS),
    sa.Column("term", sa.Text, primary_key=True),
    sa.Column("weight", sa.Float, nullable=False),
    # By reader, as a profile is replaced and scored as a whole; an index by term would be as large again.
    sqlite_with_rowid=False,
)

feedback = sa.Table(
    "feedback",
    metadata,
    sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False, info=READER_ROWS),
    _reference("paper_id", "papers.id", primary_key=True, index=True),
    sa.Column("kind", _one_of(models.FeedbackKind), nullable=False, comment="opened, more or less"),
    sa.Column("given_at", UtcTime, nullable=False),
    sqlite_with_rowid=False,
)

watched_papers = sa.Table(
    "watched_papers",
    metadata,
    _reference("paper_id", "papers.id", primary_key=True, autoincrement=False),
    sa.Column("arxiv_at", UtcTime, index=True, comment="when arXiv was asked last; NULL: never"),
    sa.Column("huggingface_at", UtcTime, index=True, comment="likewise"),
)

paper_news = sa.Table(
    "paper_news",
    metadata,
    _id(),
    _reference("paper_id", "watched_papers.paper_id", nullable=False),
    sa.Column(
        "kind", _one_of(models.NewsKind), nullable=False, comment="version, withdrawn, code, model or venue"
    ),
    sa.Column("value", sa.Text, nullable=False, comment="a version's number, an address, a venue's name"),
    sa.Column("changed_at", UtcTime, nullable=False, comment="no news for who saved the paper after it"),
    sa.Column("found_at", UtcTime, nullable=False, index=True),
    sa.UniqueConstraint("paper_id", "kind", "value"),
    # The last id that a reader was told of must stay below all later ones.
    sqlite_autoincrement=True,
)

news_readers = sa.Table(
    "news_readers",
    metadata,
    sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False, info=READER_ROWS),
    sa.Column("is_off", sa.Boolean, nullable=False),
    sa.Column("last_id", RowId, nullable=False, comment="of the news told last"),
    sa.Column("former_last_id", RowId, nullable=False, comment="before the last message"),
    sa.Column("notified_at", UtcTime),
    _reference("delivery_id", "deliveries.id", ondelete="SET NULL", index=True),
)

guilds = sa.Table(
    "guilds",
    metadata,
    sa.Column("guild_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("locale", _one_of(models.Locale)),
    sa.Column("timezone", sa.Text),
    sa.Column("system_channel_id", sa.BigInteger),
    sa.Column("left_at", UtcTime),
    sa.Column("seen_at", UtcTime, nullable=False),
)

sources = sa.Table(
    "sources",
    metadata,
    _id(),
    sa.Column("url", sa.Text, nullable=False, unique=True, comment="as added"),
    sa.Column("kind", _one_of(models.SourceKind), nullable=False),
    sa.Column("language", _one_of(models.Locale)),
    sa.Column("priority", sa.Integer, nullable=False, comment="the highest wins when sources disagree"),
    sa.Column("options", sa.JSON, nullable=False),
    sa.Column("added_at", UtcTime, nullable=False),
    sa.Column("next_attempt_at", UtcTime, index=True),
    sa.Column("last_attempt_at", UtcTime),
    sa.Column("last_success_at", UtcTime),
    sa.Column("failures", sa.Integer, nullable=False, comment="consecutive failures"),
    sa.Column("status", _one_of(models.FetchStatus)),
    sa.Column("reason", sa.Text),
    sa.Column("noticed_at", UtcTime, comment="time of the notice to the operator"),
    sa.Column("new_papers", sa.Integer, nullable=False, server_default="0", comment="brought on counted_on"),
    sa.Column("counted_on", sa.Date, comment="UTC"),
    sa.Column("progress", sa.JSON, comment="of a back-fill: what is read, and where to continue"),
)

source_pages = sa.Table(
    "source_pages",
    metadata,
    _reference("source_id", "sources.id", primary_key=True),
    sa.Column("place", sa.Text, primary_key=True),
    sa.Column("etag", sa.Text),
    sa.Column("last_modified", sa.Text),
    sa.Column("hash", sa.Text),
    sa.Column("moved_to", sa.Text, comment="target of a permanent redirect"),
    sa.Column("status", _one_of(models.FetchStatus)),
    sa.Column("read_at", UtcTime, nullable=False),
)

meta = sa.Table(
    "meta", metadata, sa.Column("key", sa.Text, primary_key=True), sa.Column("value", sa.Text, nullable=False)
)

processes = sa.Table(
    "processes",
    metadata,
    sa.Column("name", sa.Text, primary_key=True, comment="of its sessions: Database.name"),
    sa.Column("role", _one_of(models.ProcessRole), nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("term", sa.BigInteger, comment="as the sender; NULL: it does not send"),
    sa.Column("started_at", UtcTime, nullable=False),
    sa.Column("seen_at", UtcTime, nullable=False),
)

drafts = sa.Table(
    "drafts",
    metadata,
    sa.Column("arxiv_id", sa.Text, primary_key=True),
    sa.Column("format", _one_of(models.DigestFormat), primary_key=True),
    sa.Column("language", _one_of(models.Locale), primary_key=True),
    sa.Column("prompt_version", sa.Text, primary_key=True),
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column(
        "input_hash",
        sa.Text,
        primary_key=True,
        comment="SHA-256 of what the model reads; empty: not read yet",
    ),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("basis", sa.Text, comment="what was read: paper, abstract or none"),
    sa.Column("text", sa.Text, comment="JSON: the answers so far, or the claims that passed the checks"),
    sa.Column("problems", _tuple_of(), nullable=False),
    sa.Column("claims_dropped", sa.Integer, nullable=False),
    sa.Column("calls", sa.Integer, nullable=False, comment="answered or failed; a lost one is not counted"),
    sa.Column("tokens", sa.Integer, nullable=False),
    sa.Column("updated_at", UtcTime, nullable=False, index=True),
    sqlite_with_rowid=False,
)

paper_texts = sa.Table(
    "paper_texts",
    metadata,
    sa.Column("arxiv_id", sa.Text, primary_key=True),
    sa.Column("url", sa.Text, nullable=False, comment="where it was read"),
    sa.Column("basis", sa.Text, nullable=False, comment="paper, or abstract"),
    sa.Column("fetched_at", UtcTime, nullable=False, index=True),
    sa.Column("hash", sa.Text, nullable=False, comment="SHA-256 of the text"),
    sa.Column("text", sa.LargeBinary, nullable=False, comment="Markdown, Zstandard"),
)

token_ledger = sa.Table(
    "token_ledger",
    metadata,
    sa.Column("day_on", sa.Date, primary_key=True, comment="UTC"),
    sa.Column(
        "reserved", sa.BigInteger, nullable=False, comment="of calls that run, or whose outcome is unknown"
    ),
    sa.Column("used", sa.BigInteger, nullable=False, comment="of settled calls"),
)

indexed_papers = sa.Table(
    "indexed_papers",
    metadata,
    _reference("paper_id", "papers.id", primary_key=True, autoincrement=False),
    sa.Column(
        "position", RowId, nullable=False, unique=True, comment="row id of the engine, lower for more popular"
    ),
    sa.Column("texts", sa.LargeBinary, nullable=False, comment="canonical texts as indexed, Zstandard"),
    sa.Column("votes", sa.Integer),
    sa.Column("last_on", sa.Date, nullable=False),
)

term_counts = sa.Table(
    "term_counts",
    metadata,
    sa.Column("token", sa.Text, primary_key=True),
    sa.Column(
        "papers", sa.Integer, nullable=False, comment="document frequency, sampled beyond the first papers"
    ),
    sqlite_with_rowid=False,
)

indexed_authors = sa.Table(
    "indexed_authors",
    metadata,
    sa.Column(
        "position",
        RowId,
        primary_key=True,
        autoincrement=False,
        comment="row id of the engine, lower for more papers",
    ),
    _reference("author_id", "authors.id", nullable=False, unique=True),
    sa.Column("words", sa.Text, nullable=False, comment="tokens as indexed, separated by spaces"),
)

name_words = sa.Table(
    "name_words",
    metadata,
    sa.Column("word", sa.Text, primary_key=True, comment="a folded word of an author's name"),
    sqlite_with_rowid=False,
)

mention_counts = sa.Table(
    "mention_counts",
    metadata,
    sa.Column(
        "mention",
        sa.Text,
        primary_key=True,
        comment="a parenthesis and the words before it, for the glossary",
    ),
    sa.Column("papers", sa.Integer, nullable=False),
    sqlite_with_rowid=False,
)

glossary = sa.Table(
    "glossary",
    metadata,
    _id(),
    sa.Column("made_at", UtcTime, nullable=False),
    sa.Column("papers", sa.Integer, nullable=False, comment="number of papers at build time"),
    sa.Column("data", sa.LargeBinary, nullable=False, comment="JSON, zlib"),
)
