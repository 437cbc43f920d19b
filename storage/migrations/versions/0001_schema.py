"""The first schema

Revision: r0001
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "r0001"
down_revision = None
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables, then those of the full-text engine."""
    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    _declare_archive(metadata)
    _declare_posts(metadata)
    _declare_readers(metadata)
    _declare_index(metadata)
    metadata.create_all(op.get_bind(), checkfirst=False)
    _create_engine_tables()


def _id() -> sa.Column[int]:
    return sa.Column("id", _ROW_ID, sa.Identity(), primary_key=True)


def _reference(name: str, target: str, *, ondelete: str = "CASCADE", **options: Any) -> sa.Column[Any]:
    return sa.Column(name, _ROW_ID, sa.ForeignKey(target, ondelete=ondelete), **options)


def _shelf_columns() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("guild_id", sa.BigInteger, comment="server where it was saved"),
        sa.Column("note", sa.Text, nullable=False, server_default=""),
        sa.Column("tags", sa.Text, nullable=False, server_default="", comment="each between spaces"),
        sa.Column("title", sa.Text, comment="of an imported file, for a paper without one"),
        sa.Column("authors", sa.JSON, comment="of an imported file, for a paper without any"),
    )


def _declare_archive(metadata: sa.MetaData) -> None:
    sa.Table("digests", metadata,
        _id(),
        sa.Column("format", sa.Text, nullable=False),
        sa.Column("date_on", sa.Date, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False, unique=True, comment="SHA-256 of the text, in hex"),
        sa.Column("raw", sa.LargeBinary, nullable=False, comment="text, UTF-8, zlib"),
        sa.Column("problems", sa.JSON, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False, comment="starts at 1, plus 1 per correction"),
        sa.Column("ingested_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.Index("ix_digests_date_on", "date_on"),
        sqlite_autoincrement=True,
    )
    sa.Table("former_hashes", metadata,
        sa.Column("hash", sa.Text, primary_key=True, comment="SHA-256 of a text before a correction"),
        _reference("digest_id", "digests.id", nullable=False, index=True),
    )
    sa.Table("digest_locations", metadata,
        sa.Column("location", sa.Text, primary_key=True, comment="path, URL or feed entry id"),
        sa.Column("source", sa.Text, primary_key=True, comment="URL of the source, or 'files'"),
        sa.Column("date_on", sa.Date, primary_key=True),
        sa.Column("format", sa.Text, primary_key=True),
        _reference("digest_id", "digests.id", nullable=False, index=True),
        sa.Column("hash", sa.Text, nullable=False, comment="SHA-256 of the digest last found here"),
        sa.Column("seen_at", _TIME, nullable=False),
    )
    sa.Table("papers", metadata,
        _id(),
        sa.Column("arxiv_id", sa.Text, nullable=False, unique=True),
        sa.Column("title", sa.Text),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("abstract", sa.Text),
        sa.Column("thumbnail", sa.Text),
        sa.Column("video", sa.Text),
        sa.Column("code_url", sa.Text),
        sa.Column("project_url", sa.Text),
        sa.Column("media", sa.JSON, nullable=False, server_default="[]", comment="pictures and videos"),
        sa.Column("organization", sa.Text, comment="behind the authors"),
        sa.Column("affiliations", sa.JSON, nullable=False, server_default="[]", comment="of the authors"),
        sa.Column("code_stars", sa.Integer),
        sa.Column("keywords", sa.JSON, nullable=False),
        sa.Column("categories", sa.JSON, nullable=False),
        sa.Column("authors", sa.JSON, nullable=False, comment="names, denormalised for lists"),
        sa.Column("authors_truncated", sa.Boolean, nullable=False),
        sa.Column("votes", sa.Integer, comment="latest reading; NULL if unknown"),
        sa.Column("votes_read_at", _TIME),
        sa.Column("first_on", sa.Date, comment="first date of a digest with the paper; NULL: no digest ever had it"),
        sa.Column("last_on", sa.Date, comment="NULL: it is in no digest"),
        sa.Column("arxiv_due_at", _TIME, comment="when arXiv may be asked again; NULL: it never lacked it"),
        sa.Column("arxiv_asks", sa.Integer, nullable=False, server_default="0", comment="in vain"),
        sa.Index("ix_papers_last_on", "last_on"),
        sa.Index("ix_papers_votes", "votes"),
    )
    sa.Table("entries", metadata,
        _id(),
        _reference("digest_id", "digests.id", nullable=False),
        _reference("paper_id", "papers.id", ondelete="RESTRICT", nullable=False, index=True),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.Column("title", sa.Text),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("votes", sa.Integer),
        sa.Column("authors", sa.JSON, nullable=False),
        sa.Column("authors_truncated", sa.Boolean, nullable=False),
        sa.Column("thumbnail", sa.Text),
        sa.Column("video", sa.Text),
        sa.Column("summary_missing", sa.Boolean, nullable=False),
        sa.Column("since_revision", sa.Integer, nullable=False, server_default="1", comment="revision that added it"),
        sa.UniqueConstraint("digest_id", "rank"),
    )
    sa.Table("sections", metadata,
        _reference("entry_id", "entries.id", primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("heading", sa.Text),
        sa.Column("body", sa.Text, nullable=False),
    )
    sa.Table("facts", metadata,
        _reference("paper_id", "papers.id", primary_key=True),
        sa.Column("source", sa.Text, primary_key=True, comment="'huggingface', 'arxiv' or the URL of a feed"),
        sa.Column("place", sa.Text, nullable=False, comment="URL that was read"),
        sa.Column("title", sa.Text),
        sa.Column("abstract", sa.Text),
        sa.Column("authors", sa.JSON, nullable=False),
        sa.Column("keywords", sa.JSON, nullable=False),
        sa.Column("categories", sa.JSON, nullable=False),
        sa.Column("thumbnail", sa.Text),
        sa.Column("code_url", sa.Text),
        sa.Column("project_url", sa.Text),
        sa.Column("media", sa.JSON, nullable=False, server_default="[]", comment="pictures and videos"),
        sa.Column("organization", sa.Text, comment="behind the authors"),
        sa.Column("affiliations", sa.JSON, nullable=False, server_default="[]", comment="of the authors"),
        sa.Column("code_stars", sa.Integer),
        sa.Column("published_on", sa.Date),
        sa.Column("listed_on", sa.Date, comment="date of the service's list with the paper"),
        sa.Column("read_at", _TIME, nullable=False),
    )
    sa.Table("authors", metadata,
        _id(),
        sa.Column("key", sa.Text, nullable=False, unique=True, comment="folded name"),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("papers", sa.Integer, nullable=False, comment="number of papers"),
    )
    sa.Table("paper_authors", metadata,
        _reference("paper_id", "papers.id", primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        _reference("author_id", "authors.id", nullable=False, index=True),
        sa.Column("name", sa.Text, nullable=False, comment="name as written in the source"),
    )
    sa.Table("votes", metadata,
        _reference("paper_id", "papers.id", primary_key=True),
        sa.Column("source", sa.Text, primary_key=True, comment="service; votes from digests are in entries"),
        sa.Column("read_at", _TIME, primary_key=True),
        sa.Column("votes", sa.Integer, nullable=False),
    )


def _declare_posts(metadata: sa.MetaData) -> None:
    sa.Table("subscriptions", metadata,
        _id(),
        sa.Column("guild_id", sa.BigInteger, nullable=False),
        sa.Column("channel_id", sa.BigInteger, nullable=False),
        sa.Column("at_time", sa.Text, nullable=False, comment="HH:MM local time"),
        sa.Column("timezone", sa.Text, nullable=False),
        sa.Column("days", sa.Text, nullable=False, comment="ISO weekdays, e.g. 12345"),
        sa.Column("top_n", sa.Integer, nullable=False),
        sa.Column("min_votes", sa.Integer, nullable=False),
        sa.Column("locale", sa.Text, nullable=False),
        sa.Column("style", sa.Text, nullable=False),
        sa.Column("say_when_empty", sa.Boolean, nullable=False),
        sa.Column("fresh_days", sa.Integer, nullable=False),
        sa.Column("wait_minutes", sa.Integer, nullable=False),
        sa.Column("settle_hours", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("created_by", sa.BigInteger),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("next_due_at", _TIME),
        sa.Column("due_on", sa.Date, comment="local date of next_due_at"),
        sa.Column("waiting_for_on", sa.Date),
        sa.Column("waiting_until_at", _TIME),
        sa.Column("last_digest_on", sa.Date, comment="date of the newest digest posted here"),
        sa.Column("when", sa.Text, nullable=False, server_default="hour", comment="hour, or complete"),
        sa.Column("topic", sa.Text, nullable=False, server_default="", comment="query; empty: all papers"),
        sa.Column("source", sa.Text, nullable=False, server_default="", comment="URL of a source; empty: all"),
        sa.Column("mention_role_id", sa.BigInteger, comment="role mentioned above a post with papers"),
        sa.Column("server_picks", sa.Boolean, nullable=False, server_default=sa.false(), comment="a weekly post lists what members saved or shared most"),
        sa.Column("silent", sa.Boolean, nullable=False, server_default=sa.false(), comment="without notification"),
        sa.Column("paused_by", sa.BigInteger, comment="who paused it by hand"),
        sa.Column("paused_at", _TIME, comment="when it was paused by hand"),
        sa.UniqueConstraint("channel_id", "at_time", "timezone", "locale", "style", "topic", "source", name="uq_subscriptions_same"),
        sa.Index("ix_subscriptions_state_next_due_at", "state", "next_due_at"),
        sa.Index("ix_subscriptions_guild_id", "guild_id"),
        sqlite_autoincrement=True,
    )
    sa.Table("covered_digests", metadata,
        _reference("subscription_id", "subscriptions.id", primary_key=True),
        _reference("digest_id", "digests.id", primary_key=True),
        sa.Column("covered_at", _TIME, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False, server_default="1", comment="the digest's, when it was covered"),
        sa.Column("late_revision", sa.Integer, comment="up to which papers added later were posted"),
        sa.Column("late_at", _TIME),
        sqlite_with_rowid=False,
    )
    sa.Table("posted_papers", metadata,
        sa.Column("channel_id", sa.BigInteger, primary_key=True),
        sa.Column("locale", sa.Text, primary_key=True),
        _reference("paper_id", "papers.id", primary_key=True, index=True),
        sa.Column("posted_at", _TIME, nullable=False),
        _reference("delivery_id", "deliveries.id", ondelete="SET NULL", index=True),
        sqlite_with_rowid=False,
    )
    sa.Table("decisions", metadata,
        _reference("subscription_id", "subscriptions.id", primary_key=True),
        sa.Column("decided_at", _TIME, primary_key=True, index=True),
        sa.Column("local_on", sa.Date, nullable=False, comment="local date of the post"),
        sa.Column("digest_on", sa.Date, nullable=False, comment="date of the newest digest, or last day of a week"),
        sa.Column("digest_ids", sa.JSON, nullable=False, comment="digests drawn from"),
        sa.Column("skipped_digest_ids", sa.JSON, nullable=False, comment="older ones, left out by a first post"),
        sa.Column("min_votes", sa.Integer, nullable=False),
        sa.Column("cutoff_rank", sa.Integer, nullable=False, comment="number of papers chosen"),
        sa.Column("cutoff_votes", sa.Integer, comment="votes of the last paper chosen"),
        sa.Column("left_out", sa.JSON, nullable=False, comment="[paper id, votes] after the cut-off, best first"),
        _reference("delivery_id", "deliveries.id", ondelete="SET NULL", index=True),
        sqlite_with_rowid=False,
    )
    sa.Table("alerts", metadata,
        _id(),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("channel_id", sa.BigInteger, comment="NULL: by DM"),
        sa.Column("guild_id", sa.BigInteger),
        sa.Column("terms", sa.JSON, nullable=False, comment="pairs of kind and text as typed"),
        sa.Column("match_all", sa.Boolean, nullable=False, comment="all terms, or any"),
        sa.Column("excluded", sa.JSON, nullable=False, comment="words that a matching paper must not have"),
        sa.Column("key", sa.Text, nullable=False, comment="what it matches, folded, which identifies equal alerts"),
        sa.Column("min_votes", sa.Integer, nullable=False),
        sa.Column("language", sa.Text, comment="NULL: any"),
        sa.Column("translations", sa.Boolean, nullable=False, comment="forms of the other language match too"),
        sa.Column("timing", sa.Text, nullable=False, comment="now, daily or weekly"),
        sa.Column("at_time", sa.Text, nullable=False, comment="HH:MM in timezone"),
        sa.Column("timezone", sa.Text, nullable=False),
        sa.Column("weekday", sa.Integer, nullable=False, comment="ISO, of weekly"),
        sa.Column("max_papers", sa.Integer, nullable=False, comment="in a message"),
        sa.Column("max_a_day", sa.Integer, nullable=False, server_default="0", comment="messages; 0: any number"),
        sa.Column("silent", sa.Boolean, nullable=False, server_default=sa.false(), comment="without notification"),
        sa.Column("forms", sa.JSON, nullable=False, server_default="[]", comment="by term: added forms"),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("paused_until_at", _TIME),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Index("ix_alerts_user_id", "user_id", "channel_id"),
        sa.Index("ix_alerts_channel_id", "channel_id"),
        sqlite_autoincrement=True,
    )
    sa.Table("alert_matches", metadata,
        sa.Column("recipient", sa.Text, primary_key=True, comment="as in notified_papers"),
        _reference("paper_id", "papers.id", primary_key=True, index=True),
        _reference("alert_id", "alerts.id", primary_key=True, index=True),
        sa.Column("votes", sa.Integer, comment="when it was matched; NULL if unknown"),
        sa.Column("matched_at", _TIME, nullable=False),
        sa.Column("due_at", _TIME, comment="when its message is planned; NULL: once it has the votes"),
        sa.Index("ix_alert_matches_due_at", "due_at", "paper_id"),
        sqlite_with_rowid=False,
    )
    sa.Table("notified_papers", metadata,
        sa.Column("recipient", sa.Text, primary_key=True, comment="'user:<id>' or 'channel:<id>'"),
        _reference("paper_id", "papers.id", primary_key=True, index=True),
        sa.Column("notified_at", _TIME, nullable=False),
        _reference("delivery_id", "deliveries.id", ondelete="SET NULL", index=True),
        sqlite_with_rowid=False,
    )
    sa.Table("pending_alerts", metadata,
        _reference("digest_id", "digests.id", primary_key=True, autoincrement=False),
        sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("paper_ids", sa.JSON, nullable=False, comment="papers that this revision added"),
        sa.Column("papers_done", sa.Integer, nullable=False, server_default="0", comment="are matched with all alerts"),
        sa.Column("alert_id", _ROW_ID, nullable=False, server_default="0", comment="the last alert with which the next papers are matched"),
        sa.Column("added_at", _TIME, nullable=False),
        sa.Column("former_names", sa.JSON(none_as_null=True), comment="each paper's authors and institutions before facts added some; NULL: all terms count"),
        sqlite_with_rowid=False,
    )
    sa.Table("notified_archive", metadata,
        sa.Column("recipient", sa.Text, primary_key=True, comment="as in notified_papers"),
        sa.Column("paper_ids", sa.LargeBinary, nullable=False, comment="differences of sorted ids, JSON, zlib"),
        sqlite_with_rowid=False,
    )
    sa.Table("deliveries", metadata,
        _id(),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("kind", sa.Text, nullable=False),
        _reference("subscription_id", "subscriptions.id", ondelete="SET NULL", index=True),
        sa.Column("guild_id", sa.BigInteger),
        sa.Column("channel_id", sa.BigInteger, index=True, comment="destination; NULL until a DM is opened"),
        sa.Column("user_id", sa.BigInteger, index=True),
        sa.Column("locale", sa.Text, nullable=False),
        sa.Column("local_on", sa.Date),
        sa.Column("digest_on", sa.Date, comment="date of the digest shown"),
        sa.Column("post", sa.JSON, nullable=False, server_default="{}", comment="what is shown: models.StoredPost"),
        sa.Column("priority", sa.Integer, nullable=False, comment="the lowest is sent first"),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("planned_at", _TIME, nullable=False),
        sa.Column("due_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("finished_at", _TIME),
        sa.Index("ix_deliveries_state_due_at", "state", "due_at"),
        sqlite_autoincrement=True,
    )
    sa.Table("parts", metadata,
        _id(),
        _reference("delivery_id", "deliveries.id", nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, comment="JSON body, cleared 30 days after the delivery ended"),
        sa.Column("fallback", sa.Text, comment="plain form, sent if Discord refuses the payload"),
        sa.Column("nonce", sa.Text, nullable=False, unique=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("first_attempt_at", _TIME, comment="first attempt that Discord may have accepted"),
        sa.Column("last_attempt_at", _TIME),
        sa.Column("next_attempt_at", _TIME, nullable=False),
        sa.Column("sent_at", _TIME),
        sa.Column("channel_id", sa.BigInteger, comment="channel, thread or DM of the sent message"),
        sa.Column("message_id", sa.BigInteger),
        sa.Column("error_code", sa.Integer),
        sa.Column("error", sa.Text),
        sa.Column("marker", sa.Text, comment="text by which its message is found in a history"),
        sa.Column("term", sa.BigInteger, comment="of the sender that began the last attempt"),
        sa.UniqueConstraint("delivery_id", "position"),
        sa.Index("ix_parts_state_next_attempt_at", "state", "next_attempt_at"),
    )


def _declare_readers(metadata: sa.MetaData) -> None:
    sa.Table("readers", metadata,
        sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("locale", sa.Text),
        sa.Column("timezone", sa.Text),
        sa.Column("dm_channel_id", sa.BigInteger),
        sa.Column("seen_at", _TIME, nullable=False),
    )
    sa.Table("button_texts", metadata,
        sa.Column("token", sa.Text, primary_key=True),
        sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("saved_at", _TIME, nullable=False, index=True),
        sa.Index("ix_button_texts_user_id_saved_at", "user_id", "saved_at"),
    )
    sa.Table("saved_papers", metadata,
        sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
        _reference("paper_id", "papers.id", primary_key=True, index=True),
        sa.Column("saved_at", _TIME, nullable=False),
        *_shelf_columns(),
        sa.Index("ix_saved_papers_guild_id_saved_at", "guild_id", "saved_at"),
    )
    sa.Table("removed_papers", metadata,
        sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
        _reference("paper_id", "papers.id", primary_key=True, index=True),
        sa.Column("saved_at", _TIME, nullable=False),
        *_shelf_columns(),
        sa.Column("removed_at", _TIME, nullable=False, index=True),
    )
    sa.Table("shared_papers", metadata,
        sa.Column("guild_id", sa.BigInteger, primary_key=True, autoincrement=False),
        _reference("paper_id", "papers.id", primary_key=True, index=True),
        sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("shared_at", _TIME, nullable=False, index=True),
    )
    sa.Table("profiles", metadata,
        sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("topics", sa.JSON, nullable=False, comment="keys of the topics that the reader picked"),
        sa.Column("learnt_from", sa.Text, comment="fingerprint of what the weights were learnt from"),
        sa.Column("concepts", sa.JSON, nullable=False, comment="number of saved papers by concept"),
        sa.Column("at_time", sa.Text, comment="HH:MM at which the papers of the day are sent; NULL: never"),
        sa.Column("timezone", sa.Text, comment="of at_time"),
        sa.Column("next_due_at", _TIME, index=True),
        sa.Column("due_on", sa.Date, comment="local date of next_due_at"),
        sa.Column("last_digest_on", sa.Date, comment="day whose papers were sent last"),
        sa.Column("reason", sa.Text, comment="why sending is suspended; NULL: it is not"),
    )
    sa.Table("profile_weights", metadata,
        sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("term", sa.Text, primary_key=True),
        sa.Column("weight", sa.Float, nullable=False),
        sqlite_with_rowid=False,
    )
    sa.Table("feedback", metadata,
        sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
        _reference("paper_id", "papers.id", primary_key=True, index=True),
        sa.Column("kind", sa.Text, nullable=False, comment="opened, more or less"),
        sa.Column("given_at", _TIME, nullable=False),
        sqlite_with_rowid=False,
    )
    sa.Table("watched_papers", metadata,
        _reference("paper_id", "papers.id", primary_key=True, autoincrement=False),
        sa.Column("arxiv_at", _TIME, index=True, comment="when arXiv was asked last; NULL: never"),
        sa.Column("huggingface_at", _TIME, index=True, comment="likewise"),
    )
    sa.Table("paper_news", metadata,
        _id(),
        _reference("paper_id", "watched_papers.paper_id", nullable=False),
        sa.Column("kind", sa.Text, nullable=False, comment="version, withdrawn, code, model or venue"),
        sa.Column("value", sa.Text, nullable=False, comment="a version's number, an address, a venue's name"),
        sa.Column("changed_at", _TIME, nullable=False, comment="no news for who saved the paper after it"),
        sa.Column("found_at", _TIME, nullable=False, index=True),
        sa.UniqueConstraint("paper_id", "kind", "value"),
        sqlite_autoincrement=True,
    )
    sa.Table("news_readers", metadata,
        sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("is_off", sa.Boolean, nullable=False),
        sa.Column("last_id", _ROW_ID, nullable=False, comment="of the news told last"),
        sa.Column("former_last_id", _ROW_ID, nullable=False, comment="before the last message"),
        sa.Column("notified_at", _TIME),
        _reference("delivery_id", "deliveries.id", ondelete="SET NULL", index=True),
    )
    sa.Table("guilds", metadata,
        sa.Column("guild_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("locale", sa.Text),
        sa.Column("timezone", sa.Text),
        sa.Column("system_channel_id", sa.BigInteger),
        sa.Column("left_at", _TIME),
        sa.Column("seen_at", _TIME, nullable=False),
    )
    sa.Table("sources", metadata,
        _id(),
        sa.Column("url", sa.Text, nullable=False, unique=True, comment="as added"),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("language", sa.Text),
        sa.Column("priority", sa.Integer, nullable=False, comment="the highest wins when sources disagree"),
        sa.Column("options", sa.JSON, nullable=False),
        sa.Column("added_at", _TIME, nullable=False),
        sa.Column("next_attempt_at", _TIME, index=True),
        sa.Column("last_attempt_at", _TIME),
        sa.Column("last_success_at", _TIME),
        sa.Column("failures", sa.Integer, nullable=False, comment="consecutive failures"),
        sa.Column("status", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("noticed_at", _TIME, comment="time of the notice to the operator"),
        sa.Column("new_papers", sa.Integer, nullable=False, server_default="0", comment="brought on counted_on"),
        sa.Column("counted_on", sa.Date, comment="UTC"),
        sa.Column("progress", sa.JSON, comment="of a back-fill: what is read, and where to continue"),
    )
    sa.Table("source_pages", metadata,
        _reference("source_id", "sources.id", primary_key=True),
        sa.Column("place", sa.Text, primary_key=True),
        sa.Column("etag", sa.Text),
        sa.Column("last_modified", sa.Text),
        sa.Column("hash", sa.Text),
        sa.Column("moved_to", sa.Text, comment="target of a permanent redirect"),
        sa.Column("status", sa.Text),
        sa.Column("read_at", _TIME, nullable=False),
    )
    sa.Table("meta", metadata,
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    sa.Table("drafts", metadata,
        sa.Column("arxiv_id", sa.Text, primary_key=True),
        sa.Column("format", sa.Text, primary_key=True),
        sa.Column("language", sa.Text, primary_key=True),
        sa.Column("prompt_version", sa.Text, primary_key=True),
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("input_hash", sa.Text, primary_key=True, comment="SHA-256 of what the model reads; empty: not read yet"),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("basis", sa.Text, comment="what was read: paper, abstract or none"),
        sa.Column("text", sa.Text, comment="JSON: the answers so far, or the claims that passed the checks"),
        sa.Column("problems", sa.JSON, nullable=False),
        sa.Column("claims_dropped", sa.Integer, nullable=False),
        sa.Column("calls", sa.Integer, nullable=False, comment="answered or failed; a lost one is not counted"),
        sa.Column("tokens", sa.Integer, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False, index=True),
        sqlite_with_rowid=False,
    )
    sa.Table("paper_texts", metadata,
        sa.Column("arxiv_id", sa.Text, primary_key=True),
        sa.Column("url", sa.Text, nullable=False, comment="where it was read"),
        sa.Column("basis", sa.Text, nullable=False, comment="paper, or abstract"),
        sa.Column("fetched_at", _TIME, nullable=False, index=True),
        sa.Column("hash", sa.Text, nullable=False, comment="SHA-256 of the text"),
        sa.Column("text", sa.LargeBinary, nullable=False, comment="Markdown, Zstandard"),
    )
    sa.Table("processes", metadata,
        sa.Column("name", sa.Text, primary_key=True, comment="of its sessions: Database.name"),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("term", sa.BigInteger, comment="as the sender; NULL: it does not send"),
        sa.Column("started_at", _TIME, nullable=False),
        sa.Column("seen_at", _TIME, nullable=False),
    )
    sa.Table("token_ledger", metadata,
        sa.Column("day_on", sa.Date, primary_key=True, comment="UTC"),
        sa.Column("reserved", sa.BigInteger, nullable=False, comment="of calls that run, or whose outcome is unknown"),
        sa.Column("used", sa.BigInteger, nullable=False, comment="of settled calls"),
    )


def _declare_index(metadata: sa.MetaData) -> None:
    sa.Table("indexed_papers", metadata,
        _reference("paper_id", "papers.id", primary_key=True, autoincrement=False),
        sa.Column("position", _ROW_ID, nullable=False, unique=True, comment="row id of the engine, lower for more popular"),
        sa.Column("texts", sa.LargeBinary, nullable=False, comment="canonical texts as indexed, Zstandard"),
        sa.Column("votes", sa.Integer),
        sa.Column("last_on", sa.Date, nullable=False),
    )
    sa.Table("term_counts", metadata,
        sa.Column("token", sa.Text, primary_key=True),
        sa.Column("papers", sa.Integer, nullable=False, comment="document frequency, sampled beyond the first papers"),
        sqlite_with_rowid=False,
    )
    sa.Table("indexed_authors", metadata,
        sa.Column("position", _ROW_ID, primary_key=True, autoincrement=False, comment="row id of the engine, lower for more papers"),
        _reference("author_id", "authors.id", nullable=False, unique=True),
        sa.Column("words", sa.Text, nullable=False, comment="tokens as indexed, separated by spaces"),
    )
    sa.Table("name_words", metadata,
        sa.Column("word", sa.Text, primary_key=True, comment="a folded word of an author's name"),
        sqlite_with_rowid=False,
    )
    sa.Table("mention_counts", metadata,
        sa.Column("mention", sa.Text, primary_key=True, comment="a parenthesis and the words before it, for the glossary"),
        sa.Column("papers", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    sa.Table("glossary", metadata,
        _id(),
        sa.Column("made_at", _TIME, nullable=False),
        sa.Column("papers", sa.Integer, nullable=False, comment="number of papers at build time"),
        sa.Column("data", sa.LargeBinary, nullable=False, comment="JSON, zlib"),
    )


def _create_engine_tables() -> None:
    """Create what the metadata of an application cannot: the tables of FTS5, and of PostgreSQL's text search."""
    if op.get_bind().dialect.name == "sqlite":
        for table, prefixes in (
            ("paper_words", ""),
            ("paper_titles", " prefix='2 3',"),
            ("author_words", " prefix='1 2 3',"),
        ):
            op.execute(
                f"CREATE VIRTUAL TABLE {table} USING fts5(tokens, content='', columnsize=0, detail=none,{prefixes}"
                " tokenize=\"ascii tokenchars '+#._!'\")"
            )
    else:
        for table in ("paper_words", "paper_titles", "author_words"):
            op.execute(f"CREATE TABLE {table} (position BIGINT PRIMARY KEY, tokens TSVECTOR NOT NULL)")
            # A scan by position must not read the tokens.
            op.execute(f"ALTER TABLE {table} ALTER COLUMN tokens SET STORAGE EXTERNAL")
            # Every query scans the whole pending list, so it must stay short (in kB).
            op.execute(
                f"CREATE INDEX ix_{table}_tokens ON {table} USING gin (tokens) WITH (gin_pending_list_limit = 256)"
            )
    op.execute(
        "CREATE TABLE search_tiers (name TEXT, tier INTEGER, entries BIGINT NOT NULL, PRIMARY KEY (name, tier))"
    )
