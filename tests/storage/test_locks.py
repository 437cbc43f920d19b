"""Locks that one process holds, on both engines: that of the sender keeps a second copy from sending."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from storage import database, errors, key_values, locks, migrate, outbox
from tests.support import outbox_builders, patience


async def test_only_one_holds_the_lock_and_the_next_gets_it_when_it_is_free(
    db: database.Database, database_url: str
) -> None:
    other_db = await migrate.open_database(database_url, migrate=True)
    of_another_name = locks.ProcessLock(other_db, "writer", 5)
    assert await of_another_name.try_acquire()
    first, second = locks.SenderLock(db), locks.SenderLock(other_db)
    assert await first.try_acquire()
    assert not await second.try_acquire()
    assert await first.heartbeat()
    await first.release()
    assert await second.try_acquire()
    assert not await first.heartbeat()
    await second.release()
    await of_another_name.release()
    await other_db.close()


async def test_a_lost_connection_to_postgresql_is_noticed(postgres_url: str) -> None:
    opened = await migrate.open_database(postgres_url, migrate=True)
    lock = locks.SenderLock(opened)
    assert await lock.try_acquire()
    async with opened.transaction() as connection:
        await connection.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
            )
        )
    assert not await lock.heartbeat()
    assert not lock.is_held
    await opened.close()


async def test_one_file_under_two_names_has_one_lock(sqlite_db: database.Database, tmp_path: Path) -> None:
    file = database.sqlite_path(sqlite_db.url)
    assert file is not None
    link = tmp_path / "elsewhere.db"
    link.symlink_to(file)
    other_db = await migrate.open_database(f"sqlite+aiosqlite:///{link}")
    first, second = locks.SenderLock(sqlite_db), locks.SenderLock(other_db)
    assert await first.try_acquire()
    assert not await second.try_acquire()
    await first.release()
    await other_db.close()


async def test_a_lock_that_this_user_may_not_write_is_an_error_with_a_sentence(
    sqlite_db: database.Database,
) -> None:
    file = database.sqlite_path(sqlite_db.url)
    assert file is not None
    file.with_name(f"{file.name}.sender.lock").mkdir()  # which root may not open either
    with pytest.raises(errors.StorageError, match=r"sender\.lock cannot be written: .*Allow this user"):
        await locks.SenderLock(sqlite_db).try_acquire()


async def test_each_acquisition_begins_a_term(db: database.Database) -> None:
    lock = locks.SenderLock(db)
    assert lock.term is None
    terms: list[int] = []
    for _ in range(2):
        assert await lock.try_acquire()
        assert lock.term is not None
        terms.append(lock.term)
        assert not await lock.is_superseded(terms[-1])
        await lock.release()
        assert lock.term is None
    assert locks.number_of(terms[1]) == locks.number_of(terms[0]) + 1
    assert await lock.is_superseded(terms[0])


async def test_a_term_that_a_fail_over_numbers_again_is_another(db: database.Database) -> None:
    async with db.transaction() as connection:
        before = await key_values.get(connection, key_values.SENDER_TERM)
        former = await locks.raise_term(connection)
        await key_values.set_value(connection, key_values.SENDER_TERM, before or "0")
        present = await locks.raise_term(connection)
        assert locks.number_of(present) == locks.number_of(former)
        assert not await locks.is_current_term(connection, former)
        assert await locks.is_current_term(connection, present)


@pytest.mark.engines("postgresql")
async def test_postgresql_takes_the_lock_from_a_holder_that_is_silent(
    db: database.Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other_db = await migrate.open_database(database_url, migrate=True)
    second = locks.SenderLock(other_db)
    monkeypatch.setattr(locks, "LEASE_SECONDS", 1)
    first = locks.SenderLock(db)
    assert await first.try_acquire()
    await patience.wait_until(second.try_acquire, 20)
    assert not await first.heartbeat()
    await second.release()
    await other_db.close()


@pytest.mark.engines("postgresql")
async def test_a_frozen_transaction_of_the_former_sender_keeps_no_locks(
    db: database.Database, database_url: str
) -> None:
    other_db = await migrate.open_database(database_url, migrate=True)
    first, second = locks.SenderLock(db), locks.SenderLock(other_db)
    assert await first.try_acquire()

    async def freeze() -> None:
        async with db.transaction() as frozen:
            assert await locks.is_current_term(frozen, first.term or 0)
            await first.release()
            assert await second.try_acquire()
            await key_values.set_value(frozen, "written", "yes")

    with pytest.raises(errors.DatabaseUnavailableError):
        await freeze()
    assert await second.heartbeat()
    await second.release()
    await other_db.close()


@pytest.mark.engines("postgresql")
async def test_a_fenced_database_is_written_in_the_present_term_only(db: database.Database) -> None:
    lock = locks.SenderLock(db)
    fenced = locks.fenced(db, lambda: lock.term)

    async def write() -> None:
        async with fenced.transaction() as connection:
            await key_values.set_value(connection, "written", "yes")

    with pytest.raises(errors.SupersededError):
        await write()
    assert await lock.try_acquire()
    await write()
    async with db.transaction() as connection:
        await locks.raise_term(connection)
    with pytest.raises(errors.SupersededError):
        await write()
    await lock.release()


@pytest.mark.engines("postgresql")
async def test_postgresql_tells_the_sender_once_of_each_transaction_of_others_that_plans(
    db: database.Database, database_url: str
) -> None:
    other_db = await migrate.open_database(database_url)
    lock, calls = locks.SenderLock(db), [0]
    lock.on_planned = lambda: calls.append(calls[-1] + 1)

    async def plan(target: database.Database, *keys: str, fail: bool = False) -> None:
        async with target.transaction() as connection:
            for key in keys:
                await outbox.add(connection, outbox_builders.new_delivery(key))
            if fail:
                raise KeyError

    await plan(other_db, "before the lock")
    assert await lock.try_acquire()
    await plan(locks.fenced(db, lambda: lock.term), "its own")
    with pytest.raises(KeyError):
        await plan(other_db, "undone", fail=True)
    await plan(other_db, "its own")  # is there already
    await plan(other_db, "a", "b")
    await patience.wait_until(lambda: calls[-1] >= 1)
    async with other_db.transaction() as connection:
        await outbox.try_now(connection, outbox_builders.NOW, channel_id=[7])
        await connection.execute(
            sa.text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
        )
    assert not await lock.heartbeat()
    await plan(other_db, "while it is lost")
    assert await lock.try_acquire()
    await plan(other_db, "c")
    await patience.wait_until(lambda: calls[-1] >= 2)
    assert calls == [0, 1, 2]
    await lock.release()
    await other_db.close()


@asynccontextmanager
async def _open_proxy(url: sa.URL) -> AsyncIterator[int]:
    """Yield the port of a proxy before PostgreSQL."""

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readexactly(8)
        if head[4:] == b"\x04\xd2\x16/":  # a request for TLS
            writer.write(b"N")
            head = await reader.readexactly(8)
        body = await reader.readexactly(int.from_bytes(head[:4], "big") - 8)
        path = f"{url.query['host']}/.s.PGSQL.{url.port or 5432}"
        upstream, sink = await asyncio.open_unix_connection(path)
        sink.write(head + body)
        await asyncio.gather(copy(reader, sink), copy(upstream, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.engines("postgresql")
async def test_of_several_hosts_the_one_that_can_be_written_is_used(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = sa.make_url(database_url)
    monkeypatch.setattr(database, "CONNECT_TIMEOUT_SECONDS", patience.scaled(3))
    with socket.create_server(("127.0.0.1", 0)) as silent:  # connected to, and never answering
        async with _open_proxy(url) as port:
            hosts = ["127.0.0.1:1", f"127.0.0.1:{silent.getsockname()[1]}", f"127.0.0.1:{port}"]
            several = url.set(query={"host": hosts, "target_session_attrs": "primary"})
            opened = await migrate.open_database(several.render_as_string(hide_password=False))
            lock = locks.SenderLock(opened)
            assert await lock.try_acquire()
            await lock.release()
            standby = several.update_query_dict({"host": hosts[2], "target_session_attrs": "standby"})
            with pytest.raises(errors.DatabaseUnavailableError):
                await migrate.open_database(standby.render_as_string(hide_password=False))
            await opened.close()


@pytest.mark.engines("postgresql")
async def test_a_connection_notices_that_the_other_machine_is_gone(database_url: str) -> None:
    url = sa.make_url(database_url)
    async with _open_proxy(url) as port:
        direct = url.set(host="127.0.0.1", port=port).difference_update_query(["host"])
        opened = await migrate.open_database(direct.render_as_string(hide_password=False))
        async with opened.read() as connection:
            raw = await connection.get_raw_connection()
            assert raw.driver_connection is not None
            connected = raw.driver_connection._transport.get_extra_info("socket")
            assert connected.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 15_000
        await opened.close()
