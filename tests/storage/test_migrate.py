"""Migrations, and the error sentences for databases that cannot be opened."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.engine import make_url

from bot.services.alerts import matcher
from storage import alerts, database, errors, key_values, migrate, models, subscriptions, tables
from storage.migrations import versions
from storage.outbox import queries
from storage.search import author_index, index, trigger_terms
from tests.support import alert_builders

ENGINE_TABLES = (index.WORDS_TABLE, index.TITLES_TABLE, author_index.TABLE, "search_eras")


def differences(connection: sa.Connection) -> list[object]:
    """Return what Alembic would change, ignoring the tables of the search engine."""

    def include(item: Any, name: str | None, kind: str, reflected: bool, compare_to: object) -> bool:
        table = name if kind == "table" else getattr(getattr(item, "table", None), "name", None)
        return not (reflected and compare_to is None and str(table).startswith(ENGINE_TABLES))

    context = MigrationContext.configure(connection, opts={"include_object": include, "compare_type": True})
    return list(compare_metadata(context, tables.metadata))


@asynccontextmanager
async def open_unmigrated(url: str) -> AsyncIterator[database.Database]:
    """Open a database without migrating it."""
    db = database.Database(database.open_engine(url))
    try:
        yield db
    finally:
        await db.close()


async def write(url: str) -> None:
    async with open_unmigrated(url) as db, db.transaction() as connection:
        await key_values.set_value(connection, "a", "b")


async def test_the_migrated_schema_equals_the_metadata(empty_database_url: str) -> None:
    await (await migrate.open_database(empty_database_url, migrate=True)).close()
    async with open_unmigrated(empty_database_url) as db, db.read() as connection:
        assert await connection.run_sync(differences) == []


async def test_a_database_is_migrated_once(empty_database_url: str) -> None:
    for _ in range(2):
        await (await migrate.open_database(empty_database_url, migrate=True)).close()
    async with open_unmigrated(empty_database_url) as db:
        assert await migrate.upgrade(db) == migrate.HEAD


def test_head_is_the_newest_revision_file() -> None:
    revisions = sorted(path.name[:4] for path in Path(versions.__path__[0]).glob("[0-9]*.py"))
    assert revisions[-1] == migrate.HEAD


async def test_a_failed_migration_is_rolled_back(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = migrate._run_alembic

    def run_and_fail(connection: sa.Connection) -> None:
        run(connection)
        raise RuntimeError("no space")

    monkeypatch.setattr(migrate, "_run_alembic", run_and_fail)
    with pytest.raises(RuntimeError):
        await migrate.open_database(empty_database_url, migrate=True)
    async with open_unmigrated(empty_database_url) as db, db.read() as connection:
        assert await connection.run_sync(lambda inner: sa.inspect(inner).get_table_names()) == []


async def test_a_newer_database_is_rejected(database_url: str) -> None:
    async with open_unmigrated(database_url) as db, db.transaction() as connection:
        await connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(errors.NewerDatabaseError, match="Update Paperround"):
        await migrate.open_database(database_url, migrate=True)


async def test_an_older_file_is_copied_before_the_migration(sqlite_template: Path, tmp_path: Path) -> None:
    path = tmp_path / "paperround.db"
    url = f"sqlite+aiosqlite:///{path}"
    async with open_unmigrated(url) as db, db.transaction() as connection:
        await connection.run_sync(to_first_revision)
        await key_values.set_value(connection, "kept", "yes")
    await (await migrate.open_database(url)).close()
    async with open_unmigrated(url) as db, db.read() as connection:
        assert await key_values.get(connection, "kept") == "yes"
        assert await connection.run_sync(differences) == []
    [copy] = tmp_path.glob("paperround.db.before-*")
    with closing(sqlite3.connect(copy)) as old:
        assert old.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]


async def test_the_rows_of_subscriptions_survive_a_changed_constraint(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'paperround.db'}"
    async with open_unmigrated(url) as db, db.transaction() as connection:
        await connection.run_sync(to_revision, "0006")
        for number in (1, 2):
            await connection.execute(
                sa.text(
                    "INSERT INTO subscriptions (id, guild_id, channel_id, at_time, timezone, days, top_n, min_votes,"
                    " locale, style, say_when_empty, fresh_days, wait_minutes, settle_hours, state, created_at)"
                    " VALUES (:id, 1, :id, '09:00', 'UTC', '1', 5, 0, 'en', 'compact', 0, 3, 0, 0, 'active', :at)"
                ),
                {"id": number, "at": "2026-01-01 00:00:00.000000"},
            )
        await connection.execute(
            sa.text(
                "INSERT INTO decisions (subscription_id, decided_at, local_on, digest_on, digest_ids,"
                " skipped_digest_ids, min_votes, cutoff_rank, left_out)"
                " VALUES (1, '2026-01-01 00:00:00.000000', '2026-01-01', '2026-01-01', '[]', '[]', 0, 0, '[]')"
            )
        )
        await connection.execute(sa.text("DELETE FROM subscriptions WHERE id = 2"))
    await (await migrate.open_database(url)).close()
    async with open_unmigrated(url) as db:
        async with db.transaction() as connection:
            kept = await connection.execute(sa.select(tables.decisions.c.subscription_id))
            assert list(kept.scalars()) == [1]
            row = (await connection.execute(sa.select(tables.subscriptions))).mappings().one()
            values = {key: value for key, value in row.items() if key != "id"} | {"topic": "RL"}
            await connection.execute(tables.subscriptions.insert().values(values))
            ids = (await connection.execute(sa.select(tables.subscriptions.c.id))).scalars()
            # The id of the deleted one is in the keys of deliveries.
            assert sorted(ids) == [1, 3]
        async with db.transaction() as connection:
            await connection.execute(tables.subscriptions.delete())
            assert list(await connection.execute(sa.select(tables.decisions))) == []


async def test_alerts_of_one_keyword_or_author_keep_their_words(empty_database_url: str) -> None:
    async with open_unmigrated(empty_database_url) as db, db.transaction() as connection:
        await connection.run_sync(to_revision, "0011")
        for kind, text, key, term in (
            ("keyword", "강화 학습", "강화 학습", "강화"),
            ("author", '"Ada"', "ada", "@d"),
        ):
            statement = sa.text(
                "INSERT INTO alerts (user_id, kind, text, key, anchor, min_votes, state, created_at)"
                " VALUES (7, :kind, :text, :key, :term, 3, 'active', '2026-01-01 00:00:00')"
            )
            await connection.execute(statement, {"kind": kind, "text": text, "key": key, "term": term})
    await (await migrate.open_database(empty_database_url, migrate=True)).close()
    async with open_unmigrated(empty_database_url) as db, db.read() as connection:
        rows = await alerts.list_rows(connection)
        drafts = [
            alert_builders.draft("강화 학습", key="k:강화 학습", min_votes=3),
            alert_builders.draft('"Ada"', kind=models.AlertKind.AUTHOR, key="a:ada", min_votes=3),
        ]
        assert rows == [replace(draft, id=row.id) for draft, row in zip(drafts, rows, strict=True)]
        assert [matcher.alert_key(row) for row in rows] == [row.key for row in rows]
        found = [
            row async for batch in trigger_terms.stream_alerts(connection, ["강화", "@d"]) for row in batch
        ]
        assert sorted(alert_id for _, alert_id, _, _ in found) == [row.id for row in rows]


async def test_posts_of_earlier_revisions_keep_what_they_show(empty_database_url: str) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    former_columns = ("papers", "total", "topic", "fingerprint", "late", "closes_at")
    types = (sa.JSON, sa.Integer, sa.Text, sa.Text, sa.JSON, tables.UtcTime)
    former = sa.Table(
        "deliveries",
        sa.MetaData(),
        *(column._copy() for column in tables.deliveries.c if column.name not in ("post", "subscription_id")),
        sa.Column("subscription_id", sa.Integer),
        *map(sa.Column, former_columns, types),
    )
    place = {"channel_id": 2, "locale": "en", "created_at": at}
    old: dict[sa.Table, dict[str, Any]] = {
        tables.subscriptions: place
        | {"guild_id": 1, "at_time": "09:00", "timezone": "UTC", "days": "1", "top_n": 5, "min_votes": 0}
        | {"style": "weekly", "say_when_empty": False, "fresh_days": 3, "wait_minutes": 0, "settle_hours": 0}
        | {"state": "paused", "reason": "by-hand"},
        former: {"key": "daily:1:2026-01-01", "kind": "daily", "channel_id": 2, "locale": "en"}
        | {"subscription_id": 1, "state": "sent", "planned_at": at, "due_at": at, "expires_at": at}
        | {"papers": ["2601.00001"], "total": 9, "fingerprint": "f", "topic": "강화 학습", "priority": 1}
        | {"late": [["2025-12-31", 1, 2]], "closes_at": at},
    }
    async with open_unmigrated(empty_database_url) as db, db.transaction() as connection:
        await connection.run_sync(to_revision, "0017")
        for table, values in old.items():
            await connection.execute(table.insert().values(values))
    await (await migrate.open_database(empty_database_url, migrate=True)).close()
    async with open_unmigrated(empty_database_url) as db, db.read() as connection:
        [subscription] = await subscriptions.list_rows(connection)
        assert (subscription.our_five, subscription.paused_by, subscription.paused_at) == (False, None, None)
        delivery = await queries.get(connection, 1)
        assert delivery is not None
        assert delivery.post == models.StoredPost(
            papers=("2601.00001",),
            total=9,
            fingerprint="f",
            topic="강화 학습",
            late=((date(2025, 12, 31), 1, 2),),
            closes_at=at,
            is_complete=True,
        )


def to_first_revision(connection: sa.Connection) -> None:
    """Migrate an empty database to the first revision only."""
    to_revision(connection, "0001")


def to_revision(connection: sa.Connection, revision: str) -> None:
    """Migrate an empty database to a revision."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


async def test_postgresql_is_migrated_only_on_request(postgres_url: str) -> None:
    from tests.conftest import create_postgres_database

    url = await create_postgres_database(postgres_url)
    with pytest.raises(errors.StorageError, match="paperround db upgrade"):
        await migrate.open_database(url)


async def test_a_database_of_another_application_is_rejected(empty_database_url: str) -> None:
    async with open_unmigrated(empty_database_url) as db, db.transaction() as connection:
        await connection.execute(sa.text("CREATE TABLE foreign_table (id INTEGER)"))
    with pytest.raises(errors.StorageError, match="not Paperround's"):
        await migrate.open_database(empty_database_url, migrate=True)


async def test_a_locked_file_raises_an_error_sentence(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_SECONDS", 0.05)
    path = Path(shutil.copy(sqlite_template, tmp_path))
    url = f"sqlite+aiosqlite:///{path}"
    with closing(sqlite3.connect(path, isolation_level=None)) as other_connection:
        other_connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(errors.DatabaseBusyError, match="locked by another process"):
            await write(url)
    await write(url)


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write any file")
async def test_a_read_only_file_raises_an_error_sentence(sqlite_template: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(sqlite_template, tmp_path))
    path.chmod(0o400)
    tmp_path.chmod(0o500)
    with pytest.raises(errors.DatabaseBusyError, match="read-only"):
        await write(f"sqlite+aiosqlite:///{path}")


@pytest.mark.parametrize(
    ("driver_message", "sentence"),
    [
        ("attempt to write a readonly database", "paperround.db is read-only"),
        ("database disk image is malformed", "paperround.db is damaged"),
        ("database or disk is full", "no space left"),
    ],
)
def test_driver_errors_are_translated_to_sentences(driver_message: str, sentence: str) -> None:
    translated = database.translate_error(
        sqlite3.OperationalError(driver_message), make_url("sqlite+aiosqlite:///paperround.db")
    )
    assert sentence in str(translated)


def test_programming_errors_are_not_translated() -> None:
    url = make_url("sqlite+aiosqlite:///paperround.db")
    assert database.translate_error(sqlite3.OperationalError("no such column: x"), url) is None


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("postgres", "no database URL"),
        ("mysql://root@host/name", "names the driver"),
        ("sqlite+aiosqlite:////nowhere/at/all/paperround.db", "folder"),
        ("postgresql+asyncpg://nobody@127.0.0.1:1/nothing", "cannot be reached"),
    ],
)
async def test_an_unusable_url_raises_an_error_sentence(url: str, sentence: str) -> None:
    with pytest.raises(errors.StorageError, match=sentence):
        await migrate.open_database(url, migrate=True)


async def test_a_file_that_is_not_a_database_raises_an_error_sentence(tmp_path: Path) -> None:
    path = tmp_path / "paperround.db"
    path.write_text("text that is long enough not to be mistaken for an empty database " * 20)
    with pytest.raises(errors.StorageError, match="not a Paperround database"):
        await migrate.open_database(f"sqlite+aiosqlite:///{path}")
