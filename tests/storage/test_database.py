"""Transactions and SQL helpers on both engines, and error messages without secrets."""

import asyncio
import contextlib
import functools
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from storage import database, errors, key_values, migrate, papers, postgresql, sqlite_file, statements, tables
from tests.conftest import _execute as execute
from tests.conftest import create_postgres_database
from tests.support import case_files, patience
from tests.support.paper_records import add_papers, merged_paper
from tests.support.shell_fixtures import run_python


async def test_concurrent_transactions_lose_no_updates(db: database.Database) -> None:
    async with db.transaction() as connection:
        await connection.execute(key_values.meta.insert().values(key="n", value="0"))

    async def add_one() -> None:
        async with db.transaction() as connection:
            query = sa.select(key_values.meta.c.value).where(key_values.meta.c.key == "n").with_for_update()
            value = (await connection.execute(query)).scalar_one()
            await asyncio.sleep(0)
            await connection.execute(
                key_values.meta.update().where(key_values.meta.c.key == "n").values(value=str(int(value) + 1))
            )

    await asyncio.gather(*(add_one() for _ in range(20)))
    assert await db.fetch(key_values.get, "n") == "20"


@pytest.mark.engines("postgresql")
async def test_of_two_writes_that_wait_for_each_other_both_are_done(db: database.Database) -> None:
    """PostgreSQL ends one of them after a second (40P01), and that one is tried again."""
    async with db.transaction() as connection:
        for key in "ab":
            await connection.execute(key_values.meta.insert().values(key=key, value=""))
    met = asyncio.Barrier(2)
    tries = {"ab": 0, "ba": 0}

    async def append(connection: database.Connection, order: str) -> None:
        tries[order] += 1
        for place, key in enumerate(order):
            value = key_values.meta.c.value + order
            row = key_values.meta.update().where(key_values.meta.c.key == key)
            await connection.execute(row.values(value=value))
            if place == 0 and tries[order] == 1:
                await met.wait()

    async with patience.limit():
        await asyncio.gather(db.write(append, "ab"), db.write(append, "ba"))
    assert sum(tries.values()) > 2
    stored = {key: await db.fetch(key_values.get, key) for key in "ab"}
    assert {
        key: sorted((value or "")[place : place + 2] for place in (0, 2)) for key, value in stored.items()
    } == {"a": ["ab", "ba"], "b": ["ab", "ba"]}


@pytest.mark.parametrize(("conflicts", "is_stored"), [(2, True), (3, False)])
async def test_a_write_gives_way_twice_to_what_ended_it(
    db: database.Database, conflicts: int, is_stored: bool
) -> None:
    """The transaction that won may meet it once more before it ends, so the second try can fail like the first."""
    tries = 0

    async def write(connection: database.Connection) -> None:
        nonlocal tries
        tries += 1
        await key_values.set_value(connection, "n", str(tries))
        if tries <= conflicts:
            raise errors.ConflictError("another one won")

    outcome = contextlib.nullcontext() if is_stored else pytest.raises(errors.ConflictError)
    with outcome:
        await db.write(write)
    assert await db.fetch(key_values.get, "n") == ("3" if is_stored else None)


@pytest.mark.engines("sqlite")
async def test_a_transaction_that_is_cancelled_while_it_waits_to_begin_holds_nothing(
    db: database.Database,
) -> None:
    """Its BEGIN still runs in the connection's thread, and succeeds there after the task is gone."""

    async def write(value: str) -> None:
        async with db.transaction() as connection:
            await key_values.set_value(connection, "n", value)

    await write("before")
    with contextlib.closing(
        sqlite3.connect(str(db.parsed_url.database), isolation_level=None, timeout=20)
    ) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(write("cancelled"))
        pool: Any = db.engine.pool
        await patience.wait_until(lambda: pool.checkedout() == 1)
        waiting.cancel()
        await asyncio.sleep(0)
        other.execute("COMMIT")
        with pytest.raises(asyncio.CancelledError):
            await waiting
        other.execute("BEGIN IMMEDIATE")  # waits until the cancelled transaction has ended
    await write("after")
    assert await db.fetch(key_values.get, "n") == "after"


async def _hold(limited: database.Database, count: int, release: asyncio.Event) -> list[asyncio.Task[None]]:
    """Start readers that keep their transactions open until `release`.

    Only READER_CONNECTIONS of them get a connection.
    """
    holding = 0

    async def read() -> None:
        nonlocal holding
        async with limited.read():
            holding += 1
            await release.wait()

    tasks = [asyncio.create_task(read()) for _ in range(count)]
    await patience.wait_until(lambda: holding >= database.READER_CONNECTIONS)
    return tasks


async def test_busy_commands_do_not_delay_other_transactions(db: database.Database) -> None:
    limited, release = db.limited(database.READER_CONNECTIONS), asyncio.Event()
    readers = await _hold(limited, 5 * database.POOL_SIZE, release)

    async def write() -> None:
        async with limited.transaction() as connection:
            await connection.execute(key_values.meta.insert().values(key="limited", value="0"))

    writers = [asyncio.create_task(write())]
    async with patience.limit():
        for number in range(20):
            async with db.transaction() as connection:
                await connection.execute(key_values.meta.insert().values(key=f"n{number}", value="0"))
            async with db.read():
                pass
    assert not any(task.done() for task in (*readers, *writers))
    release.set()
    await asyncio.gather(*readers, *writers)


@pytest.mark.engines("sqlite", "postgresql")
async def test_sql_errors_do_not_quote_parameters(db: database.Database) -> None:
    row = key_values.meta.insert().values(key="webhook:1", value="hunter2")
    async with db.transaction() as connection:
        await connection.execute(row)
        with pytest.raises(sa.exc.IntegrityError) as caught:
            async with connection.begin_nested():
                await connection.execute(row)
    assert "INSERT INTO meta" in str(caught.value)
    assert "hunter2" not in str(caught.value)


async def test_splits_a_query_with_too_many_values(db: database.Database) -> None:
    ids = await add_papers(db, *(merged_paper(number) for number in range(1, 6)))
    async with db.read() as connection:
        arxiv_ids = [f"x{number}" for number in range(50_000)] + list(ids)
        assert await papers.get_ids(connection, arxiv_ids) == ids
        query = sa.select(tables.papers.c.id)
        rows = await statements.execute_in(connection, query, tables.papers.c.id, range(50_000))
        assert sorted(map(tuple, rows)) == sorted((paper_id,) for paper_id in ids.values())


@pytest.mark.parametrize("marked", case_files.load(__file__, "test_redacts_only_the_secrets_in_a_text"))
def test_redacts_only_the_secrets_in_a_text(marked: str) -> None:
    shown = re.sub(r"\{.*?\}", "***", marked)
    assert str(errors.StorageError(re.sub("[{}]", "", marked))) == shown
    assert errors.redact(shown) == shown


class PooledSession:
    """A client's session behind a pooler that gives it one of `servers`, the last one used first.

    `pools` is the pooler's mode: it gives a server back at the session's end, or after each transaction or statement.
    """

    def __init__(self, servers: list[Any], *, pools: str) -> None:
        self.servers, self.pools = servers, pools
        self.held: Any = None
        self.info = SimpleNamespace(backend_pid=1)

    async def execute(self, statement: str) -> Any:
        if self.pools == "statement" and statement == "BEGIN":
            raise psycopg.errors.ProtocolViolation("transaction blocks not allowed in statement pooling mode")
        server = self.held or self.servers.pop()
        try:
            return await server.execute(statement)
        finally:
            is_kept = self.pools == "session" or statement == "BEGIN" or self.held
            self.held = server if is_kept else None
            self.servers += [] if self.held else [server]

    async def close(self) -> None:
        self.servers += [self.held] if self.held else []
        self.held = None


@pytest.mark.engines("postgresql")
@pytest.mark.parametrize("pools", ["session", "transaction", "statement"])
async def test_a_pooler_that_does_not_pool_by_sessions_is_refused_by_name(
    db: database.Database, monkeypatch: pytest.MonkeyPatch, pools: str
) -> None:
    parameters = postgresql.session_parameters(db.parsed_url, "")
    connect = psycopg.AsyncConnection.connect
    opened = [await connect(**parameters, autocommit=True) for _ in range(2)]
    servers = [*opened]

    async def connect_to_pooler(**_: Any) -> PooledSession:
        return PooledSession(servers, pools=pools)

    try:
        await postgresql.check(parameters)  # without a pooler
        monkeypatch.setattr(psycopg.AsyncConnection, "connect", connect_to_pooler)
        refused = pytest.raises(errors.StorageError, match="PgBouncer in transaction or statement mode")
        with contextlib.nullcontext() if pools == "session" else refused:
            await postgresql.check(parameters)
    finally:
        for server in opened:
            await server.close()


@pytest.mark.engines("postgresql")
@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("sslmode=prefer", ""),
        ("ssl=prefer", ""),  # as asyncpg calls it, which earlier versions used
        ("statement_cache_size=0&command_timeout=5.5", ""),
        ("a=1", '"a"'),
    ],
)
async def test_an_option_in_the_url_is_known_or_refused(
    db: database.Database, option: str, reason: str
) -> None:
    url = db.parsed_url.render_as_string(hide_password=False)
    opened = database.Database(f"{url}{'&' if '?' in url else '?'}{option}")
    try:
        with pytest.raises(errors.StorageError, match=reason) if reason else contextlib.nullcontext():
            await opened.fetch(key_values.get, "n")
    finally:
        await opened.close()


@pytest.mark.parametrize("options", [(), ("-O",)], ids=["asserts", "no asserts"])
def test_a_time_without_a_zone_is_refused_also_without_asserts(options: tuple[str, ...]) -> None:
    program = (
        "import datetime; from sqlalchemy.dialects import sqlite; from storage import tables\n"
        "print(tables.UtcTime.process_bind_param(datetime.datetime(2026, 1, 1), sqlite.dialect()))"
    )
    command = sys.executable, *options, "-c", program
    ended = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"TZ": "Asia/Seoul"}, check=False
    )
    assert ended.returncode == 1, ended.stdout
    assert "ValueError: 2026-01-01 00:00:00 has no time zone" in ended.stderr


READ_ALL = """
import sqlite3, sys
from pathlib import Path
from storage import sqlite_file
from tests.support.resident import read_resident

path = Path(sys.argv[1])
with sqlite3.connect(path) as filling:
    filling.execute("CREATE TABLE pages AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                    " LIMIT 6000) SELECT zeroblob(3000) AS page FROM n")
filling.close()
before = read_resident()
readers = [sqlite_file.connect_reader(path) for _ in range(8)]
for reader in readers:
    reader.execute("SELECT sum(length(page)) FROM pages").fetchall()
print(read_resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_connections_share_a_limit_of_memory(tmp_path: Path) -> None:
    """Eight connections that each read 24 MB do not keep their pages eight times."""
    held = run_python(READ_ALL, tmp_path / "pages.db").stdout
    assert int(held) < 60_000, held  # kB; 130,000 without the limit


def test_a_power_cut_loses_no_record_of_an_attempt(tmp_path: Path) -> None:
    """The tests' own databases skip this, which takes most of a transaction's time."""
    with contextlib.closing(sqlite_file.connect_reader(tmp_path / "synchronous.db")) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,), "FULL"


def test_a_new_file_is_removed_only_while_it_is_empty_and_closed(tmp_path: Path) -> None:
    path = tmp_path / "new.db"

    def make(rows: int) -> sqlite3.Connection:
        connection = sqlite_file.connect_reader(path)
        connection.execute("PRAGMA query_only=OFF")
        for table in ("meta", "papers"):
            connection.execute(f"CREATE TABLE {table} (value)")
        connection.execute("INSERT INTO meta VALUES (1)")
        connection.executemany("INSERT INTO papers VALUES (?)", [(1,)] * rows)
        return connection

    opened = make(0)
    assert (sqlite_file.remove_unused(path), path.exists()) == (False, True)
    opened.close()
    assert (sqlite_file.remove_unused(path), [*tmp_path.iterdir()]) == (True, [])
    assert sqlite_file.remove_unused(path)
    make(1).close()
    assert (sqlite_file.remove_unused(path), path.exists()) == (False, True)


def test_a_file_that_a_process_opens_in_the_last_moment_is_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the end of the log and the lock, as a bot that starts during a restore."""
    path, connect = tmp_path / "file.db", sqlite3.connect

    class Connection(sqlite3.Connection):
        def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
            if statement == "BEGIN EXCLUSIVE":
                with contextlib.closing(connect(path, isolation_level=None)) as other:
                    other.execute("PRAGMA journal_mode=WAL")
            return super().execute(statement, *values)

    with contextlib.closing(connect(path)) as made:
        made.execute("CREATE TABLE meta (value)")
    monkeypatch.setattr(sqlite3, "connect", functools.partial(connect, factory=Connection))
    with pytest.raises(errors.StorageError, match="in use"), sqlite_file.held(path):
        pass


async def test_a_transaction_that_waits_for_another_process_says_so(
    sqlite_db: database.Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(database, "_SILENT_SECONDS", 0.0)
    assert sqlite_db.path is not None
    with contextlib.closing(sqlite3.connect(sqlite_db.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        writing = asyncio.create_task(sqlite_db.write(key_values.set_value, "key", "value"))
        await patience.wait_until(lambda: "is locked by another process" in caplog.text)
        other.execute("ROLLBACK")
    await writing
    assert str(sqlite_db.path) in caplog.text


OTHER_OWNER = "ALTER SCHEMA public OWNER TO {role}"


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
            "permission denied for schema public. The role in.* SCHEMA public TO r_",
        ),
        (OTHER_OWNER, "permission denied for table .*REASSIGN OWNED"),
        ("ALTER ROLE {role} SET search_path = ''", "has no schema .*`ALTER ROLE r_.* SET search_path"),
        ("ALTER ROLE {role} SET search_path = app", "has no schema .*search_path"),
    ],
)
async def test_what_postgresql_refuses_a_role_is_said_with_a_remedy(
    postgres_url: str, statement: str, said: str
) -> None:
    url = make_url(await create_postgres_database(postgres_url))
    role = f"r_{url.database}"
    await execute(postgres_url, f"CREATE ROLE {role} LOGIN")
    await execute(url.render_as_string(hide_password=False), statement.format(role=role))
    if statement == OTHER_OWNER:  # the tables that an administrator made by `paperround db upgrade`
        owned = url.render_as_string(hide_password=False)
        await (await migrate.open_database(owned, migrate=True)).close()
    address = url.set(username=role, password=None).render_as_string(hide_password=False)
    with pytest.raises(errors.StorageError, match=said):
        await (await migrate.open_database(address, migrate=True)).close()


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
async def test_a_database_that_is_not_unicode_is_refused(postgres_url: str, encoding: str) -> None:
    name = f"t_{encoding.lower()}"
    await execute(
        postgres_url,
        f"CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
    )
    address = make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
    with pytest.raises(errors.StorageError, match=f"The database {name} is not encoded in UTF-8"):
        await migrate.open_database(address, migrate=True)
