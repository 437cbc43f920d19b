"""Upgrading a database: who may, what is copied before, and what is left after a failure."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import sqlalchemy as sa

from storage import errors, key_values, locks, migrate, migrations
from storage.database import Connection, Database
from tests.support import outbox_builders, patience, upgrades

FIRST = migrations.VERSION


@pytest.fixture
async def old_url(db: Database, database_url: str) -> AsyncIterator[str]:
    """A database with a row, while the program knows two more versions of the schema."""
    await outbox_builders.add(db, outbox_builders.new_delivery())
    await db.close()  # an upgrade waits for the sessions of the older version
    with upgrades.more_migrations(upgrades.relax_topics, upgrades.add_remarks):
        yield database_url


async def find_version(url: str) -> int | None:
    opened = Database(url)
    try:
        return await migrate.find_version(opened)
    finally:
        await opened.close()


async def upgrade(url: str) -> None:
    await (await migrate.open_database(url, approve=upgrades.approve)).close()


@contextlib.contextmanager
def failing(*statements: str) -> Iterator[None]:
    """Let the last migration run statements that fail."""

    def fail(connection: sa.Connection) -> None:
        connection.exec_driver_sql("DROP TABLE news_readers")
        for statement in statements:
            connection.exec_driver_sql(statement)

    with mock.patch.dict(migrations.MIGRATIONS, {FIRST + 2: fail}):
        yield


async def test_a_failed_upgrade_leaves_the_old_database(old_url: str) -> None:
    with failing("not SQL"), pytest.raises(sa.exc.DBAPIError):
        await upgrade(old_url)
    assert await find_version(old_url) == FIRST
    await upgrade(old_url)
    assert await find_version(old_url) == FIRST + 2


async def test_only_an_approved_upgrade_opens_an_older_database(old_url: str) -> None:
    for creating in (True, False, None):
        with pytest.raises(
            errors.StorageError, match=r"is older.* schema .* schema .*`paperround db upgrade`"
        ):
            await migrate.open_database(old_url, migrate=creating)

    def refuse(plan: str) -> None:
        assert "Let a column" in plan
        assert "Add a table." in plan
        raise errors.PaperroundError("no")

    with pytest.raises(errors.PaperroundError, match=r"^no$"):
        await migrate.open_database(old_url, approve=refuse)
    assert await find_version(old_url) == FIRST


async def test_a_newer_database_is_refused_with_both_versions(database_url: str) -> None:
    with upgrades.more_migrations(upgrades.add_remarks):
        await upgrade(database_url)
    for approve in (upgrades.approve, None):
        with pytest.raises(
            errors.StorageError, match=rf"schema {FIRST + 1}, made by a newer .* schema {FIRST}\."
        ) as raised:
            await migrate.open_database(database_url, migrate=True, approve=approve)
        assert raised.value.exit_status == 2, "systemd would start it for ever"


def with_column(table: sa.Table, **options: Any) -> sa.Table:
    """Return the table as a later version may declare it."""
    later = table.to_metadata(sa.MetaData())
    later.append_column(sa.Column("extra", sa.Text, nullable=False, server_default="", **options))
    return later


def add_extra(connection: sa.Connection) -> None:
    """Add a column to what an upgrade reads before it."""
    for name in (locks.sender_lease.name, key_values.meta.name):
        connection.exec_driver_sql(f"ALTER TABLE {name} ADD COLUMN extra TEXT DEFAULT '' NOT NULL")


async def test_a_later_version_may_add_columns_to_the_lease_and_to_the_single_values(
    db: Database, database_url: str
) -> None:
    await db.close()
    with (
        upgrades.more_migrations(add_extra),
        mock.patch.object(locks, "sender_lease", with_column(locks.sender_lease, default="")),
        mock.patch.object(key_values, "meta", with_column(key_values.meta)),
    ):
        await upgrade(database_url)
        assert await find_version(database_url) == FIRST + 1
        async with await migrate.open_database(database_url) as upgraded:
            lock = locks.SenderLock(upgraded)
            assert await lock.try_acquire()
            assert await lock.is_sender()
            await lock.release()
            await upgraded.write(key_values.set_value, "n", "1")


async def test_each_step_of_an_upgrade_is_announced(old_url: str) -> None:
    steps = list[str]()
    opened = await migrate.open_database(old_url, approve=upgrades.approve, on_step=steps.append)
    await opened.close()
    first, second = f"Schema {FIRST + 1} of {FIRST + 2}: Let a", f"Schema {FIRST + 2} of {FIRST + 2}: Add a"
    wanted = [*(["Copying /"] if opened.is_sqlite else []), first, second]
    assert [step[: len(begin)] for step, begin in zip(steps, wanted, strict=True)] == wanted


@pytest.mark.engines("sqlite")
async def test_a_disk_without_room_for_the_copy_is_found_before_it(old_url: str, tmp_path: Path) -> None:
    with upgrades.no_space(), pytest.raises(errors.StorageError, match=r"0\.0 MB free, and a copy .* needs"):
        await upgrade(old_url)
    assert await find_version(old_url) == FIRST
    assert not list(tmp_path.glob("*.before-*"))


@pytest.mark.engines("sqlite")
async def test_an_upgrade_that_would_break_references_is_undone(db: Database, database_url: str) -> None:
    def orphan(connection: sa.Connection) -> None:
        """Remove what other rows refer to."""
        connection.exec_driver_sql("DELETE FROM deliveries")

    await outbox_builders.add(db, outbox_builders.new_delivery())
    await db.close()
    with (
        upgrades.more_migrations(orphan),
        pytest.raises(errors.StorageError, match="rows that refer to removed ones"),
    ):
        await upgrade(database_url)
    assert await find_version(database_url) == FIRST


@pytest.mark.engines("sqlite")
async def test_a_file_is_copied_before_and_the_copy_kept_until_the_next_version(
    old_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "paperround.db"
    older = path.with_name(f"{path.name}.before-{FIRST}")
    unrelated = path.with_name(f"{path.name}.before-holidays")
    older.touch()
    unrelated.touch()
    await upgrade(old_url)
    copy = path.with_name(f"{path.name}.before-{FIRST + 2}")
    assert sorted(tmp_path.glob("*.before-*")) == sorted([copy, unrelated])
    assert copy.stat().st_mode & 0o777 == 0o600
    assert await find_version(f"sqlite+aiosqlite:///{copy}") == FIRST
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT count(*) FROM deliveries").fetchone() == (1,)


@pytest.mark.engines("sqlite")
@pytest.mark.parametrize(
    ("beyond", "sentence"),
    [(-50_000, "before-.* could not be written"), (50_000, "is full|disk is too full")],
)
async def test_a_full_disk_leaves_the_old_database_and_says_so(
    old_url: str, tmp_path: Path, beyond: int, sentence: str
) -> None:
    """The largest file is smaller than the copy, or larger but smaller than what a migration writes."""
    with (
        upgrades.files_limited((tmp_path / "paperround.db").stat().st_size + beyond),
        failing("CREATE TABLE large AS SELECT zeroblob(3000000)"),
        pytest.raises(errors.StorageError, match=sentence),
    ):
        await upgrade(old_url)
    assert await find_version(old_url) == FIRST
    assert not list(tmp_path.glob("*.partial"))


async def test_nothing_is_upgraded_while_a_bot_holds_the_senders_lock(
    old_url: str, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "WAIT_SECONDS", 0.1)
    lock = locks.SenderLock(db)
    assert await lock.try_acquire()
    with pytest.raises(errors.StorageError, match="in use by a running bot of an older version"):
        await upgrade(old_url)
    assert await find_version(old_url) == FIRST
    monkeypatch.setattr(migrate, "WAIT_SECONDS", patience.scaled(60))
    await asyncio.gather(upgrade(old_url), lock.release())
    assert await find_version(old_url) == FIRST + 2


async def test_of_several_processes_one_upgrades_and_the_others_wait(old_url: str) -> None:
    await asyncio.gather(*(upgrade(old_url) for _ in range(3)))
    assert await find_version(old_url) == FIRST + 2


@pytest.mark.engines("postgresql")
async def test_sessions_of_the_older_version_are_waited_for_then_ended(
    old_url: str, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "WAIT_SECONDS", 1.0)
    # A standby that hangs: its open transaction would keep the tables from being changed.
    connection: Connection
    with contextlib.suppress(errors.StorageError, sa.exc.DBAPIError):
        async with db.transaction() as connection:
            await connection.execute(sa.text("SELECT * FROM subscriptions"))
            await upgrade(old_url)
            raise AssertionError("the session was not ended")
    assert await find_version(old_url) == FIRST + 2


@pytest.mark.promise
@pytest.mark.parametrize("point", upgrades.POINTS)
async def test_a_killed_upgrade_leaves_the_old_or_the_new_database_and_the_next_one_finishes(
    database_url: str, db: Database, point: str
) -> None:
    await outbox_builders.add(db, outbox_builders.new_delivery())
    await db.close()
    is_reached = db.is_sqlite or point in ("migrate._open_for_migration", "migrate._set_version")
    assert await asyncio.to_thread(upgrades.kill_upgrade, database_url, point) == (-9 if is_reached else 0)
    is_new = point == "migrate._remove_older_backups" or not is_reached
    with upgrades.more_migrations(upgrades.relax_topics, upgrades.add_remarks):
        assert await find_version(database_url) == (FIRST + 2 if is_new else FIRST)
        await upgrade(database_url)
        assert await find_version(database_url) == FIRST + 2
        async with db.read() as connection:
            assert await connection.scalar(sa.text("SELECT count(*) FROM deliveries")) == 1
