"""The changes of the schema after version 1 in order, each a numbered function.

A change of `storage.tables` needs one: a function decorated with the next number, whose docstring says what it does
in one line, for operators. It runs once, in a transaction, and writes plain SQL: `storage.tables` declares the newest
schema, not the one before. A released function never changes, so this module reads no declaration of another one.
`tests/storage/test_migrations.py` compares the result with `storage.tables`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from storage import sqlite_file

Migration = Callable[[sa.Connection], None]

MIGRATIONS: dict[int, Migration] = {}
"""The functions by the version that they lead to."""


def _migration(version: int) -> Callable[[Migration], Migration]:
    """Register the function that leads to `version` from the version before."""

    def register(function: Migration) -> Migration:
        if version != len(MIGRATIONS) + 2:
            raise ValueError(f"the next migration has the number {len(MIGRATIONS) + 2}, not {version}")
        MIGRATIONS[version] = function
        return function

    return register


_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""The names of constraints and indexes in tables that migrations create."""


def create_table(
    connection: sa.Connection, name: str, *items: sa.Column[Any] | sa.Constraint | sa.Index, **options: Any
) -> None:
    """Create a table with its indexes, whose constraints have the names that they have in `storage.tables`."""
    metadata = sa.MetaData(naming_convention=_NAMES)
    table = sa.Table(name, metadata, *items, **options)
    for key in table.foreign_keys:
        # SQLAlchemy must find what a key refers to, though the statement only names it.
        other, column = key.target_fullname.split(".")
        if other not in metadata.tables:
            sa.Table(other, metadata, sa.Column(column, key.parent.type, primary_key=True))
    table.create(connection)


def rebuild_table(connection: sa.Connection, name: str, changes: Mapping[str, str]) -> None:
    """Change a SQLite table where ALTER TABLE cannot: NOT NULL, types, keys and constraints.

    `changes` are texts of its CREATE TABLE statement and what replaces each; white space counts as one space. Rows,
    ids, the AUTOINCREMENT sequence and indexes are kept. Columns are added, renamed and dropped by ALTER TABLE.
    """
    execute = connection.exec_driver_sql
    of_table = "FROM sqlite_master WHERE tbl_name = ? AND type = ? AND sql IS NOT NULL"
    [statement] = execute(f"SELECT sql {of_table}", (name, "table")).scalars()
    indexes = execute(f"SELECT sql {of_table}", (name, "index")).scalars().all()
    # SQLite quotes the name of a table that was renamed.
    statement = re.sub(r"\s+", " ", statement).replace(f'CREATE TABLE "{name}"', f"CREATE TABLE {name}", 1)
    for old, new in {f"CREATE TABLE {name} ": f"CREATE TABLE {name}__new ", **changes}.items():
        if statement.count(old) != 1:
            raise ValueError(f"{old!r} is not once in: {statement}")
        statement = statement.replace(old, new)
    execute(statement)
    columns = ", ".join(f'"{row.name}"' for row in execute(f"PRAGMA table_info({name}__new)"))
    execute(f"INSERT INTO {name}__new ({columns}) SELECT {columns} FROM {name}")  # noqa: S608 - names of ours
    last = None
    if " AUTOINCREMENT" in statement:
        last = execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (name,)).scalar()
    execute(f"DROP TABLE {name}")
    execute(f"ALTER TABLE {name}__new RENAME TO {name}")
    if last is not None:
        # An empty table has a row only after it had one.
        execute("DELETE FROM sqlite_sequence WHERE name = ?", (name,))
        execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (name, last))
    for index in indexes:
        execute(index)


# Version 1 is the schema before migrations (3329496193c9c800). New functions go below.


@_migration(2)
def _add_location_keys(connection: sa.Connection) -> None:
    """Find digests by a hash of their source and location, since PostgreSQL's indexes hold no long addresses."""
    execute = connection.exec_driver_sql
    execute("ALTER TABLE digests ADD COLUMN location_key TEXT")
    rows = execute("SELECT id, source, location FROM digests").all()
    keys = [
        {"key": hashlib.sha256(f"{row.source}\n{row.location}".encode()).hexdigest(), "id": row.id}
        for row in rows
    ]
    if keys:
        connection.execute(sa.text("UPDATE digests SET location_key = :key WHERE id = :id"), keys)
    old, new = "uq_digests_location_source_date_on", "uq_digests_location_key_date_on"
    if connection.dialect.name == "postgresql":
        execute("ALTER TABLE digests ALTER COLUMN location_key SET NOT NULL")
        execute(
            f"ALTER TABLE digests DROP CONSTRAINT {old}, ADD CONSTRAINT {new} UNIQUE (location_key, date_on)"
        )
    else:
        unique = f"CONSTRAINT {old} UNIQUE (location, source, date_on)"
        rebuild_table(
            connection,
            "digests",
            {
                "location_key TEXT": "location_key TEXT NOT NULL",
                unique: f"CONSTRAINT {new} UNIQUE (location_key, date_on)",
            },
        )


@_migration(3)
def _add_answers_of_parts(connection: sa.Connection) -> None:
    """Add the votes that Discord counted in a club's poll."""
    connection.exec_driver_sql("ALTER TABLE parts ADD COLUMN answer JSON")


@_migration(4)
def _add_parts_of_papers(connection: sa.Connection) -> None:
    """Record which message of a post has each paper, so that the papers of unsent messages come again."""
    execute = connection.exec_driver_sql
    execute("ALTER TABLE delivery_papers ADD COLUMN position INTEGER DEFAULT 0 NOT NULL")
    # The first message with the paper's id. Texts are kept for 30 days after the end: without one, papers do not come again.
    execute(
        """UPDATE delivery_papers SET position = coalesce((
            SELECT min(parts.position) FROM parts JOIN papers ON papers.id = delivery_papers.paper_id
            WHERE parts.delivery_id = delivery_papers.delivery_id AND parts.payload LIKE '%%' || papers.arxiv_id || '%%'
        ), 0)"""
    )


@_migration(5)
def _add_askers_of_deliveries(connection: sa.Connection) -> None:
    """Record which reader asked for a post in a channel, such as a discussion."""
    connection.exec_driver_sql("ALTER TABLE deliveries ADD COLUMN asked_by BIGINT")
    connection.exec_driver_sql("CREATE INDEX ix_deliveries_asked_by ON deliveries (asked_by, planned_at)")


@_migration(6)
def _add_changes_and_published_texts(connection: sa.Connection) -> None:
    """Keep the changes of papers, and the texts that the writer published, in tables of their own."""
    row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    create_table(
        connection,
        "paper_changes",
        sa.Column("number", row_id, primary_key=True, autoincrement=False, comment="as in `papers.changed`"),
        sa.Column("token", sa.Text, nullable=False, comment="random; other after a backup is restored"),
    )
    create_table(
        connection,
        "published_texts",
        sa.Column("hash", sa.Text, primary_key=True, comment="SHA-256 in hex of a written digest's text"),
        sa.Column("place", sa.Text, primary_key=True, comment="the file, or `writer/NAME`"),
        sa.Column("model", sa.Text, comment="the language model that wrote it; NULL: extracts"),
        sqlite_with_rowid=False,
    )
    values = dict(map(tuple, connection.exec_driver_sql("SELECT key, value FROM meta")))
    changes = [change.partition(":") for change in json.loads(values.get("search:changes", "[]"))]
    printed = [
        {"hash": text_hash, "place": key.removeprefix("printed:"), "model": None}
        for key, value in values.items()
        if key.startswith("printed:")
        for text_hash in json.loads(value)
    ]
    # Where a text was published is not known of the texts whose model is.
    written = [
        {"hash": key.removeprefix("written-by:"), "place": "", "model": value}
        for key, value in values.items()
        if key.startswith("written-by:")
    ]
    for table, rows in (
        ("paper_changes (number, token)", [{"number": int(n), "token": token} for n, _, token in changes]),
        ("published_texts (hash, place, model)", printed + written),
    ):
        if rows:
            names = ", ".join(f":{name}" for name in rows[0])
            connection.execute(sa.text(f"INSERT INTO {table} VALUES ({names})"), rows)  # noqa: S608 - names of ours
    connection.exec_driver_sql(
        "DELETE FROM meta WHERE key IN ('search:change', 'search:changes') OR key LIKE 'printed:%%' OR key LIKE 'written-by:%%'"
    )


@_migration(7)
def _add_steps_of_clubs(connection: sa.Connection) -> None:
    """Record a meeting's time and step with its club, instead of reading them from the key of a delivery."""
    execute = connection.exec_driver_sql
    time = "TIMESTAMP WITH TIME ZONE" if connection.dialect.name == "postgresql" else "DATETIME"
    execute("ALTER TABLE clubs ADD COLUMN step TEXT")
    execute(f"ALTER TABLE clubs ADD COLUMN meets_at {time}")
    keys = execute("SELECT clubs.guild_id, key FROM clubs JOIN deliveries ON deliveries.id = step_id").all()
    update = sa.text("UPDATE clubs SET step = :step, meets_at = :meets_at WHERE guild_id = :guild_id")
    update = update.bindparams(sa.bindparam("meets_at", type_=sa.DateTime(timezone=True)))
    for guild_id, key in keys:
        _, _, timestamp, step, _ = key.split(":")
        meets_at = datetime.fromtimestamp(int(timestamp), UTC)
        connection.execute(update, {"guild_id": guild_id, "step": step, "meets_at": meets_at})


@_migration(8)
def _add_vectors_of_texts(connection: sa.Connection) -> None:
    """Keep the vectors of the passages of papers' texts."""
    binary = "BYTEA" if connection.dialect.name == "postgresql" else "BLOB"
    connection.exec_driver_sql(f"ALTER TABLE paper_texts ADD COLUMN vectors {binary}")
    connection.exec_driver_sql("ALTER TABLE paper_texts ADD COLUMN vectors_by TEXT")


@_migration(9)
def _index_threads(connection: sa.Connection) -> None:
    """Find the papers of a thread or message without reading all parts."""
    for table, column in (("parts", "message_id"), ("parts", "channel_id"), ("club_threads", "thread_id")):
        connection.exec_driver_sql(f"CREATE INDEX ix_{table}_{column} ON {table} ({column})")


@_migration(10)
def _add_question_counts(connection: sa.Connection) -> None:
    """Count the questions that a language model answers, by day and reader or server."""
    create_table(
        connection,
        "question_counts",
        sa.Column("day_on", sa.Date, primary_key=True, comment="UTC"),
        sa.Column("asker", sa.Text, primary_key=True, comment="'user:<id>' or 'server:<id>'"),
        sa.Column("number", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )


@_migration(11)
def _add_vectors_of_papers(connection: sa.Connection) -> None:
    """Keep all vectors in a table of their own; those of texts are made again."""
    create_table(
        connection,
        "vectors",
        sa.Column(
            "paper_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            sa.ForeignKey("papers.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("dimensions", sa.Integer, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("changed", sa.BigInteger, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    connection.exec_driver_sql("ALTER TABLE paper_texts DROP COLUMN vectors")
    connection.exec_driver_sql("ALTER TABLE paper_texts DROP COLUMN vectors_by")


_LEFT_OUT = (
    "(?P<name>[A-Z]{3,6}|(?i:agents?|attention|audio|benchmarks?|code|coding|diffusion(?: models?)?|gans?|image generation"
    "|images?|language models?|mamba|math|medical|multimodal|quantization|reasoning|reinforcement learning|retrieval"
    "|robot(?:s|ics)?|speech|surveys?|transformers?|video generation|videos?|vision)"
    "|강화 ?학습|검색|로봇|맘바|멀티모달|벤치마크|비디오(?: 생성)?|비전|서베이|수학|양자화|언어 모델|에이전트|영상"
    "|오디오|음성|의료|이미지(?: 생성)?|추론|코드|트랜스포머|확산(?: 모델)?)"
)
_WITHOUT = (
    re.compile(rf"(?P<topic>[\w -]+),? (?:except(?: for)?|excluding|but not|without) {_LEFT_OUT}"),
    re.compile(rf"{_LEFT_OUT} (?:말고|빼고|제외하고|없이)(?: 다른)? (?P<topic>[\w -]+)"),
    re.compile(rf"(?P<topic>[\w -]+),? {_LEFT_OUT}[은는]? (?:말고|빼고|제외)"),
)
"""The clause of a topic that excluded one term, as the search of version 11 read it."""


def read_without(text: str) -> str:
    """Return a query with `-word` in place of a phrase that left one term out; the same text without one."""
    for pattern in _WITHOUT:
        if match := pattern.fullmatch(text.strip()):
            name = f'"{match["name"]}"' if " " in match["name"] else match["name"]
            return f"{match['topic'].strip()} -{name}"
    return text


@_migration(12)
def _write_exclusions_as_operators(connection: sa.Connection) -> None:
    """Write what a post's topic leaves out as -word."""
    _rewrite_topics(connection, read_without)


def _rewrite_topics(connection: sa.Connection, rewrite: Callable[[str], str]) -> None:
    """Rewrite the topics of posts, but for one that its channel has already."""
    rows = connection.exec_driver_sql("SELECT id, topic FROM subscriptions WHERE topic <> ''").all()
    update = sa.text("UPDATE subscriptions SET topic = :topic WHERE id = :id")
    for id_, topic in rows:
        if (written := rewrite(topic)) != topic:
            with suppress(sa.exc.IntegrityError), connection.begin_nested():
                connection.execute(update, {"id": id_, "topic": written})


@_migration(13)
def _add_tags_of_posts(connection: sa.Connection) -> None:
    """Keep the forum tag that a daily post's manager chose."""
    connection.exec_driver_sql("ALTER TABLE subscriptions ADD COLUMN tag_id BIGINT")


@_migration(14)
def _add_rights_of_alerts(connection: sa.Connection) -> None:
    """Record since when the owner of a channel's alert lacks the right to it."""
    time = "TIMESTAMP WITH TIME ZONE" if connection.dialect.name == "postgresql" else "DATETIME"
    connection.exec_driver_sql(f"ALTER TABLE alerts ADD COLUMN right_lost_at {time}")


@_migration(15)
def _add_failures(connection: sa.Connection) -> None:
    """Keep the last errors, for the operator."""
    create_table(
        connection,
        "failures",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), sa.Identity(), primary_key=True
        ),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("event", "reference", "command", "kind", "reason", "trace")
        ),
    )


@_migration(16)
def _add_versions_and_events_of_papers(connection: sa.Connection) -> None:
    """Keep papers' versions, comments and journals, and what is new about them."""
    for table in ("papers", "facts"):
        for column in ("version INTEGER", "version_on DATE", "comment TEXT", "journal TEXT"):
            connection.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN {column}")
    row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    create_table(
        connection,
        "paper_events",
        sa.Column("id", row_id, sa.Identity(), primary_key=True),
        sa.Column("paper_id", row_id, sa.ForeignKey("papers.id", ondelete="CASCADE"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("paper_id", "kind", "text"),
        sa.Index("ix_paper_events_found_at", "found_at"),
    )


@_migration(17)
def _add_readers_of_news(connection: sa.Connection) -> None:
    """Keep which readers are notified of what is new about their saved papers."""
    create_table(
        connection,
        "news_readers",
        sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("since_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("timezone", sa.Text, nullable=False),
        sa.Column("last_on", sa.Date),
        sa.Column("reason", sa.Text),
    )


@_migration(18)
def _add_quiet_threads(connection: sa.Connection) -> None:
    """Keep which threads are not notified of what is new about their paper."""
    default = "false" if connection.dialect.name == "postgresql" else "0"
    connection.exec_driver_sql(
        f"ALTER TABLE club_threads ADD COLUMN is_quiet BOOLEAN DEFAULT {default} NOT NULL"
    )


@_migration(19)
def _number_events_once(connection: sa.Connection) -> None:
    """Never use the number of an event of a paper again, since threads are notified of the events after a number."""
    if connection.dialect.name == "postgresql":
        return
    changes = {
        "( id INTEGER NOT NULL,": "( id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,",
        "CONSTRAINT pk_paper_events PRIMARY KEY (id), ": "",
    }
    rebuild_table(connection, "paper_events", changes)
    execute = connection.exec_driver_sql
    # The last event that threads were notified of may have been removed since.
    reported = execute("SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'news:threads'").scalar() or 0
    newest = execute("SELECT max(id) FROM paper_events").scalar() or 0
    if last := max(reported, newest):
        execute("DELETE FROM sqlite_sequence WHERE name = 'paper_events'")
        execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('paper_events', ?)", (last,))


@_migration(20)
def _add_accounts_of_readings(connection: sa.Connection) -> None:
    """Keep what a reading of a source found and left out."""
    for table in ("sources", "source_pages"):
        connection.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN account JSON")


@_migration(21)
def _add_answers_to_mentions(connection: sa.Connection) -> None:
    """Let a server turn off answers to mentions."""
    default = "true" if connection.dialect.name == "postgresql" else "1"
    connection.exec_driver_sql(
        f"ALTER TABLE guilds ADD COLUMN answers_mentions BOOLEAN DEFAULT {default} NOT NULL"
    )


@_migration(22)
def _move_nominations_to_lists_of_servers(connection: sa.Connection) -> None:
    """Keep servers' lists together with readers' saved papers, with who added a paper; nominations are on the list."""
    execute = connection.exec_driver_sql
    execute("ALTER TABLE saved_papers ADD COLUMN added_by BIGINT")
    execute("CREATE INDEX ix_saved_papers_added_by ON saved_papers (added_by)")
    execute(
        "INSERT INTO saved_papers (user_id, paper_id, saved_at, added_by) SELECT guild_id, paper_id, nominated_at, user_id"
        " FROM (SELECT guild_id, paper_id, nominated_at, user_id, row_number() OVER"
        " (PARTITION BY guild_id, paper_id ORDER BY nominated_at, user_id) AS turn FROM club_nominations) AS nominated"
        " WHERE turn = 1"
    )
    execute("DROP TABLE club_nominations")


@_migration(23)
def _add_addresses_of_lists_and_items_of_zotero(connection: sa.Connection) -> None:
    """Keep under which addresses lists are shown, and which papers have come into Zotero."""
    row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    create_table(
        connection,
        "list_addresses",
        sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("token", sa.Text, unique=True, nullable=False),
    )
    create_table(
        connection,
        "zotero_items",
        sa.Column("server_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("library", sa.Text, primary_key=True),
        sa.Column(
            "paper_id", row_id, sa.ForeignKey("papers.id", ondelete="CASCADE"), primary_key=True, index=True
        ),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text),
    )


@_migration(24)
def _return_papers_that_full_messages_left_out(connection: sa.Connection) -> None:
    """Let papers that a full message counted but did not show come with a later post."""
    sent = sa.text(
        "SELECT parts.delivery_id, parts.position, parts.payload, parts.next_attempt_at,"
        " (SELECT max(position) FROM parts AS others WHERE others.delivery_id = parts.delivery_id) AS last"
        " FROM parts JOIN deliveries ON deliveries.id = parts.delivery_id WHERE deliveries.kind IN ('daily', 'now')"
        " AND parts.state = 'sent' AND parts.payload LIKE :with_menu ORDER BY parts.delivery_id, parts.position"
    )
    rows = connection.execute(sent, {"with_menu": '%"options"%'}).all()
    for number, row in enumerate(rows):
        ids = _list_papers_not_shown(json.loads(row.payload), has_header=row.position == 0)
        papers = sa.text("SELECT id FROM papers WHERE arxiv_id IN :ids")
        papers = papers.bindparams(sa.bindparam("ids", ids, expanding=True))
        if not ids or not (paper_ids := connection.scalars(papers).all()):
            continue
        # A part that ended unsent: its papers return as those of any other that did.
        values = {"delivery": row.delivery_id, "position": row.last + 1, "at": row.next_attempt_at}
        connection.execute(
            sa.text(
                "INSERT INTO parts (delivery_id, position, kind, nonce, state, next_attempt_at)"
                " VALUES (:delivery, :position, 'message', :nonce, 'stopped', :at)"
            ),
            values | {"nonce": f"returned-{number}"},
        )
        moved = sa.text(
            "UPDATE delivery_papers SET position = :position WHERE delivery_id = :delivery AND paper_id IN :ids"
        )
        moved = moved.bindparams(sa.bindparam("ids", paper_ids, expanding=True))
        connection.execute(moved, {"position": row.last + 1, "delivery": row.delivery_id})


def _list_papers_not_shown(payload: Mapping[str, Any], *, has_header: bool) -> list[str]:
    """Return the arXiv ids in the menu of a post's message that have no text above the menu."""
    [container, *_] = payload.get("message", payload).get("components") or [{}]
    components = container.get("components") or ()
    rows = [component for component in components if component["type"] == _ACTION_ROW]
    above = components[: components.index(rows[0])] if rows else ()
    shown = sum(component["type"] in (_SECTION, _TEXT_DISPLAY) for component in above) - has_header
    listed = [option["value"] for option in rows[0]["components"][0].get("options") or ()] if rows else []
    return listed[max(shown, 0) :]


_ACTION_ROW, _SECTION, _TEXT_DISPLAY = 1, 9, 10
"""Discord's types of components."""


@_migration(25)
def _remove_texts_that_are_no_papers(connection: sa.Connection) -> None:
    """Remove texts that Hugging Face did not make from arXiv's HTML: its own web pages. What was written from them is marked.

    A draft without a basis is written again when the digest of its day is.
    """
    paper_texts = sa.table("paper_texts", sa.column("arxiv_id"), sa.column("url"))
    drafts = sa.table("drafts", sa.column("arxiv_id"), sa.column("basis"))
    vectors = sa.table("vectors", sa.column("paper_id"), sa.column("kind"))
    papers = sa.table("papers", sa.column("id"), sa.column("arxiv_id"))
    is_wrong = paper_texts.c.url.like("%.md")
    wrong = sa.select(paper_texts.c.arxiv_id).where(is_wrong)
    written = drafts.c.arxiv_id.in_(wrong), drafts.c.basis == "paper"
    connection.execute(drafts.update().where(*written).values(basis="none"))
    of_wrong = vectors.c.paper_id.in_(sa.select(papers.c.id).where(papers.c.arxiv_id.in_(wrong)))
    connection.execute(vectors.delete().where(vectors.c.kind == "passages", of_wrong))
    connection.execute(paper_texts.delete().where(is_wrong))


@_migration(26)
def _name_nobody_for_nominations(connection: sa.Connection) -> None:
    """Take the names off servers' lists: those of nominations were meant for one vote only, and look like others."""
    connection.exec_driver_sql("UPDATE saved_papers SET added_by = NULL WHERE added_by IS NOT NULL")


@_migration(27)
def _add_removed_papers_and_names_of_servers(connection: sa.Connection) -> None:
    """Keep what was taken off servers' lists for a while, and servers' names."""
    row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    paper = sa.ForeignKey("papers.id", ondelete="CASCADE")
    create_table(
        connection,
        "removed_papers",
        sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("paper_id", row_id, paper, primary_key=True, index=True),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text, nullable=False, server_default=""),
        sa.Column("tags", sa.Text, nullable=False, server_default="", comment="each between spaces"),
        sa.Column("server_id", sa.BigInteger, comment="where it was saved; NULL: in direct messages"),
        sa.Column("added_by", sa.BigInteger, index=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=False, index=True),
    )
    connection.exec_driver_sql("ALTER TABLE guilds ADD COLUMN name TEXT")


@_migration(28)
def _name_reports_of_readings(connection: sa.Connection) -> None:
    """Name the reports on readings of sources after the readings, since accounts are those of readers."""
    for table in ("sources", "source_pages"):
        connection.exec_driver_sql(f"ALTER TABLE {table} RENAME COLUMN account TO reading")


_READ_AS_BEFORE = re.compile(
    r", ?(?i:not|without|except|excluding) |,[^,]*(?:제외|빼고|말고)$|\bNOT [^ ]+(?: (?:AND )?NOT|$)"
)
_GROUP = re.compile(
    r" ?(?:(?:and )?(?:-|not )\(|\((?:not|without|except|excluding) )([^()]+)\)| ?\(([^()]+) (?:제외|빼고|말고)\)",
    re.IGNORECASE,
)
_METHODS = (
    "labels?|annotat|train|retrain|fine-tun|human (?:feedback|labels|data)|references?|examples|tokenizers?"
)
"""What *without* said how, as a term: *without labels*."""
_NOT = re.compile(
    rf"\b(?:(?:and|but|that|which|are|is) ){{0,3}}(?:not|except|excluding|neither|without(?! (?:{_METHODS}))) "
    r"(?!only|just|all|[a-z]+ing)",
    re.IGNORECASE,
)
_KOREAN_NOT = re.compile(
    "(?<![만지])(?<![만지] )(?:도 아닌| ?(?:말고|빼고|제외하고|제외한|제외|아닌))(?: |$)"
)
_NEXT_TERM = re.compile(
    ", ?(?:(?:and|or|nor) )?(?:not )?| (?:and|or|nor|또는) (?:not )?| not |[나랑와과도] (?:아니고 )?",
    re.IGNORECASE,
)
_LINK = re.compile("(?:an?|the|any|on|about|for|from|by) ")
_OPERATOR = re.compile(r" (?=-|\w+:)")


def write_left_out(topic: str) -> str:
    """Return a topic with `-word` for each term that a clause left out in the search of version 28; the same text without one.

    The clause is a group behind a minus, an English one at the end, or a Korean one at the beginning or the end. What version 29
    reads as before stays.
    """
    text, *operators = [topic] if _GROUP.search(topic) else _OPERATOR.split(topic)
    if _READ_AS_BEFORE.search(text):
        return topic
    if match := _GROUP.search(text):
        rest, terms = f"{text[: match.start()]}{text[match.end() :]}", match[1] or match[2]
    elif match := _NOT.search(text):
        rest, terms = text[: match.start()], text[match.end() :]
    elif match := _KOREAN_NOT.search(text):
        terms, rest = text[: match.start()], text[match.end() :]
        if not rest:
            rest, _, terms = terms.rpartition(" ")
    else:
        return topic
    names = [_without_particle(_LINK.sub("", term).strip(' .?!"')) for term in _NEXT_TERM.split(terms)]
    if not rest.strip() or any(re.search("[():]", name) or not 0 < len(name.split()) <= 3 for name in names):
        return topic
    signs = (f'-"{name}"' if " " in name else f"-{name}" for name in names)
    return " ".join((rest.strip(" ,."), *operators, *signs))


def _without_particle(term: str) -> str:
    has_final = len(term) > 2 and "가" <= term[-2] <= "힣" and (ord(term[-2]) - ord("가")) % 28 > 0
    return term[:-1] if len(term) > 2 and term[-1] in ("이은을" if has_final else "가는를") else term


@_migration(29)
def _write_what_topics_leave_out_as_signs(connection: sa.Connection) -> None:
    """Write what a post's topic leaves out as -word: words leave out only behind a comma from now on."""
    _rewrite_topics(connection, write_left_out)


@_migration(30)
def _drop_vectors(connection: sa.Connection) -> None:
    """Drop the vectors of an embeddings server, which orders nothing any more."""
    connection.exec_driver_sql("DROP TABLE vectors")


@_migration(31)
def _name_papers_by_keys(connection: sa.Connection) -> None:
    """Name papers by keys, so that they need not be arXiv's, and keep further names of papers."""
    execute = connection.exec_driver_sql
    execute("ALTER TABLE papers RENAME COLUMN arxiv_id TO key")
    execute("ALTER TABLE papers ADD COLUMN scheme TEXT DEFAULT 'arxiv' NOT NULL")
    for table in ("paper_texts", "drafts"):
        execute(f"ALTER TABLE {table} RENAME COLUMN arxiv_id TO paper_key")
    row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    paper = sa.ForeignKey("papers.id", ondelete="CASCADE")
    create_table(
        connection,
        "paper_names",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("paper_id", row_id, paper, nullable=False, index=True),
        sqlite_with_rowid=False,
    )


@_migration(32)
def _keep_own_titles(connection: sa.Connection) -> None:
    """Keep the titles that readers' imports gave to papers that no source describes: nobody else sees them."""
    for table in ("saved_papers", "removed_papers"):
        connection.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN own_title TEXT")


@_migration(33)
def _add_hidden_papers(connection: sa.Connection) -> None:
    """Let the operator hide a paper."""
    default = "false" if connection.dialect.name == "postgresql" else "0"
    connection.exec_driver_sql(f"ALTER TABLE papers ADD COLUMN hidden BOOLEAN DEFAULT {default} NOT NULL")


@_migration(34)
def _drop_zones_of_servers(connection: sa.Connection) -> None:
    """Drop the zone that a server had from a former post: that of its present ones is taken."""
    connection.exec_driver_sql("ALTER TABLE guilds DROP COLUMN timezone")


@_migration(35)
def _name_long_keys(connection: sa.Connection) -> None:
    """Name papers with long keys by a hash, too, which buttons and menus carry in place of the key."""
    add = sa.text("INSERT INTO paper_names (name, paper_id) VALUES (:name, :paper_id)")
    for paper_id, key in connection.exec_driver_sql(
        "SELECT id, key FROM papers WHERE length(key) > 23"
    ).all():
        digest = hashlib.sha256(key.encode()).digest()[:16]
        name = f"~{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"
        connection.execute(add, {"name": name, "paper_id": paper_id})


@_migration(36)
def _keep_claims_of_keys(connection: sa.Connection) -> None:
    """Keep the keys that papers claim until a source confirms them, and the keys under which papers were saved."""
    row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    paper = sa.ForeignKey("papers.id", ondelete="CASCADE")
    create_table(
        connection,
        "name_claims",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("paper_id", row_id, paper, primary_key=True, index=True),
        sa.Column("parted", sa.Boolean, nullable=False, server_default=sa.false()),
        sqlite_with_rowid=False,
    )
    for table in ("saved_papers", "removed_papers"):
        connection.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN saved_keys TEXT")


@_migration(37)
def _drop_picked_topics(connection: sa.Connection) -> None:
    """Drop the topics that readers picked: papers that they save choose better."""
    connection.exec_driver_sql("ALTER TABLE profiles DROP COLUMN topics")


VERSION = 1 + len(MIGRATIONS)
assert VERSION == sqlite_file.SCHEMA_VERSION, "look-ups know it as `sqlite_file.SCHEMA_VERSION`"
"""The version of the schema in `storage.tables`."""
