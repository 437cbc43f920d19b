"""The SQL schema as SQLAlchemy Core metadata. Each table is written by exactly one storage module.

Times are `UtcTime` (aware in Python, on SQLite as text in UTC). Discord ids are BIGINT. A column of a closed set holds the
values of its enum and gives its members, a JSON column of a list gives tuples (`Stored`): rows need no conversion by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache, partial
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


def _load_time(moment: datetime) -> datetime:
    """Return an aware time in UTC: SQLite drops the time zone."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _dump_time(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be stored")
    return moment.astimezone(UTC)


UtcTime = Stored(sa.DateTime(timezone=True), _load_time, _dump_time)
"""An aware UTC datetime. A naive one raises ValueError."""


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
OPERATORS = {"for": "operators"}
"""`info` of a column that only operators may see, in a table with readers' rows: `/me data` leaves it out."""

# On SQLite only a column declared INTEGER is the row id; on PostgreSQL ids are 64-bit.
RowId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


_required = partial(sa.Column, nullable=False)
"""A column that is never NULL."""


def _id() -> sa.Column[int]:
    return sa.Column("id", RowId, sa.Identity(), primary_key=True)


def _reference(name: str, target: str, *, ondelete: str = "CASCADE", **options: Any) -> sa.Column[Any]:
    return sa.Column(name, RowId, sa.ForeignKey(target, ondelete=ondelete), **options)


def _description_columns() -> tuple[sa.Column[Any], ...]:
    """Return the columns of `models.PaperDescription`."""
    return (
        sa.Column("title", sa.Text),
        sa.Column("abstract", sa.Text),
        sa.Column("thumbnail", sa.Text),
        sa.Column("code_url", sa.Text),
        sa.Column("code_stars", sa.Integer),
        sa.Column("project_url", sa.Text),
        _required("media", _tuple_of(), server_default="[]", comment="pictures and videos"),
        sa.Column("organization", sa.Text, comment="behind the authors"),
        _required("affiliations", _tuple_of(), server_default="[]", comment="of the authors"),
        _required("keywords", _tuple_of()),
        _required("categories", _tuple_of()),
        _required("authors", _tuple_of(models.share_name), comment="names, denormalised for lists"),
    )


digests = sa.Table(
    "digests",
    metadata,
    _id(),
    _required("source", sa.Text, comment="URL of the source, or 'files'"),
    _required("location", sa.Text, comment="path, URL or feed entry id"),
    _required("date_on", sa.Date),
    _required("format", _one_of(models.DigestFormat)),
    _required("language", sa.Text),
    _required("hash", sa.Text, comment="SHA-256 of the text, in hex"),
    _required("raw", sa.LargeBinary, comment="text, UTF-8, zlib"),
    _required(
        "problems",
        Stored(
            sa.JSON(),
            lambda problems: tuple(models.Problem(*problem) for problem in problems),
            lambda problems: [(problem.line, problem.message) for problem in problems],
        ),
    ),
    _required("revision", sa.Integer, default=1, comment="starts at 1, plus 1 per correction"),
    _required("ingested_at", UtcTime),
    _required("updated_at", UtcTime),
    sa.UniqueConstraint("location", "source", "date_on"),
    sa.Index("ix_digests_date_on", "date_on"),
    sa.Index("ix_digests_hash", "hash"),
    # Ids are never reused, because the keys of deliveries contain them.
    sqlite_autoincrement=True,
)

papers = sa.Table(
    "papers",
    metadata,
    _id(),
    _required("arxiv_id", sa.Text, unique=True),
    _required("url", sa.Text),
    *_description_columns(),
    sa.Column("video", sa.Text),
    _required("authors_truncated", sa.Boolean),
    sa.Column("votes", sa.Integer, comment="latest reading; NULL if unknown"),
    sa.Column("votes_read_at", UtcTime),
    # A paper that is in no digest any more keeps its row and `first_on`, so that it is not posted twice.
    sa.Column(
        "first_on", sa.Date, comment="first date of a digest with the paper; NULL: no digest ever had it"
    ),
    sa.Column("last_on", sa.Date, comment="NULL: it is in no digest"),
    sa.Column("arxiv_due_at", UtcTime, comment="when arXiv may be asked again; NULL: it never lacked it"),
    _required("arxiv_asks", sa.Integer, server_default="0", comment="in vain"),
    _required(
        "changed",
        sa.BigInteger,
        server_default="0",
        comment="number of the last change, for the search index",
    ),
    sa.Index("ix_papers_last_on", "last_on"),
    sa.Index("ix_papers_votes", "votes"),
    sa.Index("ix_papers_changed", "changed", "id"),
)

entries = sa.Table(
    "entries",
    metadata,
    _id(),
    _reference("digest_id", "digests.id", nullable=False),
    _reference("paper_id", "papers.id", ondelete="RESTRICT", nullable=False, index=True),
    _required("rank", sa.Integer),
    sa.Column("title", sa.Text),
    _required("url", sa.Text),
    sa.Column("votes", sa.Integer),
    _required("authors", _tuple_of(models.share_name)),
    _required("authors_truncated", sa.Boolean),
    sa.Column("thumbnail", sa.Text),
    sa.Column("video", sa.Text),
    _required("summary_missing", sa.Boolean),
    _required("added_seq", sa.BigInteger, server_default="0", comment="number of the ingest that added it"),
    sa.UniqueConstraint("digest_id", "rank"),
)

sections = sa.Table(
    "sections",
    metadata,
    _reference("entry_id", "entries.id", primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("heading", sa.Text),
    _required("body", sa.Text),
)

facts = sa.Table(
    "facts",
    metadata,
    _reference("paper_id", "papers.id", primary_key=True),
    sa.Column("source", sa.Text, primary_key=True, comment="'huggingface', 'arxiv' or the URL of a feed"),
    _required("place", sa.Text, comment="URL that was read"),
    *_description_columns(),
    sa.Column("published_on", sa.Date),
    sa.Column("listed_on", sa.Date, comment="date of the service's list with the paper"),
    _required("read_at", UtcTime),
)

authors = sa.Table(
    "authors",
    metadata,
    _id(),
    _required("key", sa.Text, unique=True, comment="folded name"),
    _required("name", sa.Text),
    _required("papers", sa.Integer, comment="number of papers"),
)

paper_authors = sa.Table(
    "paper_authors",
    metadata,
    _reference("paper_id", "papers.id", primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    _reference("author_id", "authors.id", nullable=False, index=True),
    _required("name", sa.Text, comment="name as written in the source"),
)

votes = sa.Table(
    "votes",
    metadata,
    _reference("paper_id", "papers.id", primary_key=True),
    sa.Column("source", sa.Text, primary_key=True, comment="service; votes from digests are in entries"),
    sa.Column("read_at", UtcTime, primary_key=True),
    _required("votes", sa.Integer),
)

subscriptions = sa.Table(
    "subscriptions",
    metadata,
    _id(),
    _required("guild_id", sa.BigInteger),
    _required("channel_id", sa.BigInteger),
    _required("at_time", sa.Text, comment="HH:MM local time; empty: once the day is complete"),
    _required("timezone", sa.Text),
    _required(
        "days",
        Stored(sa.Text(), lambda days: tuple(map(int, days)), lambda days: "".join(map(str, days))),
        comment="ISO weekdays, e.g. 12345",
    ),
    _required("top_n", sa.Integer),
    _required("min_votes", sa.Integer),
    _required("locale", _one_of(models.Locale)),
    _required("style", _one_of(models.Style)),
    _required("state", _one_of(models.ActivityState)),
    sa.Column("reason", sa.Text),
    sa.Column("created_by", sa.BigInteger, info=READER_MENTION),
    _required("created_at", UtcTime),
    sa.Column("last_on", sa.Date, comment="local date up to which all posts are planned or not to come"),
    _required("topic", sa.Text, server_default="", comment="query; empty: all papers"),
    # Its credentials and its query may be secrets; what readers see is a label.
    _required("source", sa.Text, server_default="", comment="URL of a source; empty: all", info=OPERATORS),
    sa.Column("mention_role_id", sa.BigInteger, comment="role mentioned above a post with papers"),
    _required("silent", sa.Boolean, server_default=sa.false(), comment="without notification"),
    sa.Column("paused_by", sa.BigInteger, comment="who paused it by hand", info=READER_MENTION),
    sa.Column("paused_at", UtcTime, comment="when it was paused by hand"),
    sa.UniqueConstraint(
        *("channel_id", "at_time", "timezone", "locale", "style", "topic", "source"),
        name="uq_subscriptions_same",
    ),
    sa.Index("ix_subscriptions_guild_id", "guild_id"),
    sqlite_autoincrement=True,
)

alerts = sa.Table(
    "alerts",
    metadata,
    _id(),
    _required("user_id", sa.BigInteger, info=READER_ROWS),
    sa.Column("channel_id", sa.BigInteger, comment="NULL: by DM"),
    sa.Column("guild_id", sa.BigInteger),
    _required(
        "terms",
        _tuple_of(lambda term: models.AlertTerm(models.AlertKind(term[0]), term[1])),
        comment="pairs of kind and text as typed",
    ),
    _required("match_all", sa.Boolean, comment="all terms, or any"),
    _required("excluded", _tuple_of(), comment="words that a matching paper must not have"),
    _required("key", sa.Text, comment="what it matches, folded, which identifies equal alerts"),
    _required("min_votes", sa.Integer),
    _required("timing", _one_of(models.AlertTiming), comment="now, daily or weekly"),
    _required("at_time", sa.Text, comment="HH:MM in timezone"),
    _required("timezone", sa.Text),
    _required("weekday", sa.Integer, comment="ISO, of weekly"),
    _required("max_papers", sa.Integer, comment="in a message"),
    _required("max_a_day", sa.Integer, server_default="0", comment="messages; 0: any number"),
    _required("silent", sa.Boolean, server_default=sa.false(), comment="without notification"),
    sa.Column("paused_until_at", UtcTime, comment="the year 9999: until it is resumed"),
    _required("created_at", UtcTime),
    # Both columns: with the first alone SQLite may look for a reader's alert among all that have no channel.
    sa.Index("ix_alerts_user_id", "user_id", "channel_id"),
    sa.Index("ix_alerts_channel_id", "channel_id"),
    sqlite_autoincrement=True,
)

matches = sa.Table(
    "matches",
    metadata,
    sa.Column(
        "recipient", sa.Text, primary_key=True, comment="'user:<id>' or 'channel:<id>'", info=READER_ROWS
    ),
    _reference("paper_id", "papers.id", primary_key=True, index=True),
    # Without foreign keys: what was told stays so after its alert or its message is removed.
    sa.Column("alert_id", RowId, primary_key=True, autoincrement=False, index=True),
    _required("found_at", UtcTime),
    sa.Column("ready_at", UtcTime, comment="when the paper had the votes; NULL: not yet"),
    sa.Column("delivery_id", RowId, index=True, comment="the message that tells of it; NULL: unsent"),
    sa.Index(
        "ix_matches_unsent",
        "ready_at",
        "paper_id",
        sqlite_where=sa.text("delivery_id IS NULL"),
        postgresql_where=sa.text("delivery_id IS NULL"),
    ),
    sqlite_with_rowid=False,
)

unmatched_papers = sa.Table(
    "unmatched_papers",
    metadata,
    _reference("paper_id", "papers.id", primary_key=True),
    _required("added_at", UtcTime),
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    _id(),
    _required("key", sa.Text, unique=True),
    _required("kind", _one_of(models.DeliveryKind)),
    _reference("subscription_id", "subscriptions.id", ondelete="SET NULL"),
    sa.Column("guild_id", sa.BigInteger),
    sa.Column("channel_id", sa.BigInteger, index=True, comment="destination; NULL until a DM is opened"),
    sa.Column("user_id", sa.BigInteger, index=True, info=READER_ROWS),
    _required("locale", _one_of(models.Locale)),
    sa.Column("local_on", sa.Date),
    sa.Column("digest_on", sa.Date, comment="newest day that it draws from"),
    sa.Column("drawn_until", sa.BigInteger, comment="entries.added_seq when a daily post was planned"),
    _required(
        "post",
        Stored(
            sa.JSON(),
            lambda post: _post_codec().validate_python(post),
            lambda post: _post_codec().dump_python(post, mode="json", exclude_defaults=True),
        ),
        server_default="{}",
        comment="what is shown: models.StoredPost",
    ),
    _required("priority", sa.Integer, comment="the lowest is sent first"),
    _required("state", _one_of(models.DeliveryState)),
    sa.Column("reason", sa.Text),
    _required("planned_at", UtcTime),
    _required("due_at", UtcTime),
    _required("expires_at", UtcTime),
    sa.Column("finished_at", UtcTime),
    sa.Index("ix_deliveries_state_due_at", "state", "due_at"),
    sa.Index("ix_deliveries_subscription_id", "subscription_id", "id"),
    sqlite_autoincrement=True,
)

delivery_papers = sa.Table(
    "delivery_papers",
    metadata,
    _reference("delivery_id", "deliveries.id", primary_key=True),
    _reference("paper_id", "papers.id", primary_key=True, index=True),
    sqlite_with_rowid=False,
)

parts = sa.Table(
    "parts",
    metadata,
    _id(),
    _reference("delivery_id", "deliveries.id", nullable=False),
    _required("position", sa.Integer),
    _required("kind", _one_of(models.PartKind)),
    sa.Column("payload", sa.Text, comment="JSON body, cleared 30 days after the delivery ended"),
    sa.Column("fallback", sa.Text, comment="plain form, sent if Discord refuses the payload"),
    _required("nonce", sa.Text, unique=True),
    _required("state", _one_of(models.PartState)),
    sa.Column("first_attempt_at", UtcTime, comment="first attempt that Discord may have accepted"),
    sa.Column("last_attempt_at", UtcTime),
    _required("next_attempt_at", UtcTime),
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
    _required("seen_at", UtcTime),
)

button_texts = sa.Table(
    "button_texts",
    metadata,
    sa.Column("token", sa.Text, primary_key=True),
    sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False, info=READER_ROWS),
    _required("text", sa.Text),
    _required("saved_at", UtcTime, index=True),
    sa.Index("ix_button_texts_user_id_saved_at", "user_id", "saved_at"),
)

saved_papers = sa.Table(
    "saved_papers",
    metadata,
    sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False, info=READER_ROWS),
    _reference("paper_id", "papers.id", primary_key=True, index=True),
    _required("saved_at", UtcTime),
    _required("note", sa.Text, server_default=""),
    _required("tags", sa.Text, server_default="", comment="each between spaces"),
    sa.Column("read_at", UtcTime, comment="when the reader marked it as read; NULL: not yet"),
    # Not `guild_id`: the row is the reader's, and stays when the server goes.
    sa.Column("server_id", sa.BigInteger, comment="where it was saved or read; NULL: in direct messages"),
    sa.Index("ix_saved_papers_server_id", "server_id", "saved_at"),
)

clubs = sa.Table(
    "clubs",
    metadata,
    sa.Column("guild_id", sa.BigInteger, primary_key=True, autoincrement=False),
    _required("channel_id", sa.BigInteger),
    _required("is_forum", sa.Boolean),
    _required("weekday", sa.Integer, comment="ISO, of its meetings"),
    _required("at_time", sa.Text, comment="HH:MM in timezone"),
    _required("timezone", sa.Text),
    _required("locale", _one_of(models.Locale)),
    sa.Column("created_by", sa.BigInteger, info=READER_MENTION),
    _required("created_at", UtcTime),
    # Without a foreign key: deliveries are removed before clubs are.
    sa.Column("step_id", RowId, comment="delivery of the newest step: a poll, its result, a reminder"),
)

club_threads = sa.Table(
    "club_threads",
    metadata,
    sa.Column("channel_id", sa.BigInteger, primary_key=True, autoincrement=False),
    _reference("paper_id", "papers.id", primary_key=True, index=True),
    _required("guild_id", sa.BigInteger, index=True),
    _required("delivery_id", RowId, comment="the delivery that opens it"),
    sa.Column("thread_id", sa.BigInteger, comment="NULL: not sent yet"),
    _required("opened_at", UtcTime),
    sa.Column("meets_on", sa.Date, comment="local date of the meeting about the paper; NULL: none"),
)

club_nominations = sa.Table(
    "club_nominations",
    metadata,
    sa.Column("guild_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False, info=READER_ROWS),
    _reference("paper_id", "papers.id", nullable=False, index=True),
    _required("nominated_at", UtcTime),
)

profiles = sa.Table(
    "profiles",
    metadata,
    sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False, info=READER_ROWS),
    _required("topics", _tuple_of(), comment="keys of the topics that the reader picked"),
    sa.Column("at_time", sa.Text, comment="HH:MM at which the papers of the day are sent; NULL: never"),
    sa.Column("timezone", sa.Text, comment="of at_time"),
    sa.Column("next_due_at", UtcTime, index=True),
    sa.Column("reason", sa.Text, comment="why sending is suspended; NULL: it is not"),
)

feedback = sa.Table(
    "feedback",
    metadata,
    sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False, info=READER_ROWS),
    _reference("paper_id", "papers.id", primary_key=True, index=True),
    _required("kind", _one_of(models.FeedbackKind), comment="more or less"),
    _required("given_at", UtcTime),
    sqlite_with_rowid=False,
)

guilds = sa.Table(
    "guilds",
    metadata,
    sa.Column("guild_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("locale", _one_of(models.Locale)),
    sa.Column("timezone", sa.Text),
    sa.Column("system_channel_id", sa.BigInteger),
    sa.Column("left_at", UtcTime),
    _required("seen_at", UtcTime),
)

sources = sa.Table(
    "sources",
    metadata,
    _id(),
    _required("url", sa.Text, unique=True, comment="as added"),
    _required("kind", _one_of(models.SourceKind)),
    sa.Column("language", _one_of(models.Locale)),
    _required("priority", sa.Integer, comment="the highest wins when sources disagree"),
    _required("options", sa.JSON),
    _required("added_at", UtcTime),
    sa.Column("next_attempt_at", UtcTime, index=True),
    sa.Column("last_attempt_at", UtcTime),
    sa.Column("last_success_at", UtcTime),
    _required("failures", sa.Integer, comment="consecutive failures"),
    sa.Column("status", _one_of(models.FetchStatus)),
    sa.Column("reason", sa.Text),
    sa.Column("noticed_at", UtcTime, comment="time of the notice to the operator"),
    _required("new_papers", sa.Integer, server_default="0", comment="brought on counted_on"),
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
    sa.Column("status", _one_of(models.FetchStatus)),
    _required("read_at", UtcTime),
)

meta = sa.Table("meta", metadata, sa.Column("key", sa.Text, primary_key=True), _required("value", sa.Text))

sender_lease = sa.Table(
    "sender_lease",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False, comment="always 1"),
    _required("holder", sa.BigInteger, comment="term of the sender; 0: no sender"),
    _required("name", sa.Text, comment="of the holder's sessions: Database.name"),
    _required("expires_at", UtcTime, comment="by PostgreSQL's clock"),
)

fronts = sa.Table(
    "fronts",
    metadata,
    sa.Column("name", sa.Text, primary_key=True, comment="of its sessions: Database.name"),
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
    _required("state", sa.Text),
    sa.Column("basis", sa.Text, comment="what was read: paper, abstract or none"),
    sa.Column("text", sa.Text, comment="JSON: the claims of the answer, or those that were found proved"),
    _required("problems", _tuple_of()),
    _required("claims_dropped", sa.Integer),
    _required("calls", sa.Integer, comment="answered or failed; a lost one is not counted"),
    _required("tokens", sa.Integer),
    _required("updated_at", UtcTime, index=True),
    sqlite_with_rowid=False,
)

paper_texts = sa.Table(
    "paper_texts",
    metadata,
    sa.Column("arxiv_id", sa.Text, primary_key=True),
    _required("url", sa.Text, comment="where it was read"),
    _required("basis", sa.Text, comment="paper, or abstract"),
    _required("fetched_at", UtcTime, index=True),
    _required("hash", sa.Text, comment="SHA-256 of the text"),
    _required("text", sa.LargeBinary, comment="Markdown, Zstandard"),
)

token_ledger = sa.Table(
    "token_ledger",
    metadata,
    sa.Column("day_on", sa.Date, primary_key=True, comment="UTC"),
    _required("used", sa.BigInteger),
)

glossary = sa.Table(
    "glossary",
    metadata,
    _id(),
    _required("made_at", UtcTime),
    _required("papers", sa.Integer, comment="number of papers at build time"),
    _required("data", sa.LargeBinary, comment="JSON, zlib"),
)
