"""The sender lock, which allows only one sending process: a file lock on SQLite, a lease on PostgreSQL."""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from unittest import mock

import psutil
import pytest
import sqlalchemy as sa

from storage import database, errors, key_values, locks, migrate, postgresql
from tests.support import patience

Senders = tuple[locks.SenderLock, locks.SenderLock]


@pytest.fixture
async def senders(db: database.Database, database_url: str) -> AsyncIterator[Senders]:
    other_db = await migrate.open_database(database_url)
    first, second = locks.SenderLock(db), locks.SenderLock(other_db)
    yield first, second
    for lock in (first, second):
        await lock.release()
    await other_db.close()


async def test_second_process_gets_the_lock_after_release(db: database.Database, senders: Senders) -> None:
    first, second = senders
    assert await first.try_acquire()
    assert not await second.try_acquire()
    terms = [first.term]
    await first.release()
    assert first.term is None
    assert await second.try_acquire()
    terms.append(second.term)
    async with db.transaction() as connection:
        assert [await locks.is_current_term(connection, term or 0) for term in terms] == [False, True]
    assert await second.is_sender()


@pytest.mark.engines("postgresql")
async def test_fenced_write_fails_outside_the_current_term(db: database.Database) -> None:
    lock = locks.SenderLock(db)
    fenced = locks.fenced(db, lambda: lock.term)

    async def write() -> None:
        await fenced.write(key_values.set_value, "written", "yes")

    with pytest.raises(errors.SupersededError):
        await write()
    assert await lock.try_acquire()
    await write()
    await db.write(locks.raise_term, "")
    with pytest.raises(errors.SupersededError):
        await write()
    await lock.release()


@pytest.mark.engines("postgresql")
async def test_another_process_takes_an_expired_lease(
    senders: Senders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "LEASE", timedelta(seconds=1))
    monkeypatch.setattr(locks, "RENEW_SECONDS", 0.0)
    first, second = senders
    assert await first.try_acquire()
    await patience.wait_until(second.try_acquire)
    assert not await first.is_sender()
    with pytest.raises(errors.SupersededError):
        await first.keep()
    assert first.term is None
    await first.release()
    assert await second.is_sender()


@pytest.mark.engines("postgresql")
async def test_frozen_transaction_does_not_block_the_next_sender(
    db: database.Database, senders: Senders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "LEASE", timedelta(seconds=-1))
    first, second = senders
    assert await first.try_acquire()

    async def freeze() -> None:
        async with locks.fenced(db, lambda: first.term).transaction() as connection:
            assert await second.try_acquire()
            await key_values.set_value(connection, "written", "yes")

    with pytest.raises(errors.DatabaseUnavailableError):
        await freeze()


@pytest.mark.engines("postgresql")
async def test_sender_ends_after_failing_to_renew_its_lease(
    db: database.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = locks.SenderLock(db)
    fail = mock.AsyncMock(side_effect=errors.DatabaseUnavailableError("connection refused"))
    monkeypatch.setattr(locks, "RENEW_SECONDS", 0.0)
    monkeypatch.setattr(locks, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(locks, "MAX_SILENCE_SECONDS", patience.scaled(0.5))
    monkeypatch.setattr(locks.SenderLock, "_renew", fail)
    assert await lock.try_acquire()
    with pytest.raises(errors.DatabaseUnavailableError, match="connection refused"):
        await lock.keep()
    assert fail.await_count > 1
    await lock.release()


@pytest.mark.engines("postgresql")
async def test_the_sender_ends_in_time_if_the_server_falls_silent(
    db: database.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "RENEW_SECONDS", 0.0)
    monkeypatch.setattr(locks, "MAX_SILENCE_SECONDS", 0.5)
    monkeypatch.setattr(locks, "_THAW_SECONDS", 0.5)
    lock = locks.SenderLock(db)
    assert await lock.try_acquire()
    async with lock._rows.read() as connection:
        session = psutil.Process(await connection.scalar(sa.text("SELECT pg_backend_pid()")))
    session.suspend()
    try:
        with pytest.raises(errors.DatabaseUnavailableError, match="did not answer") as ended:
            await lock.keep()
        assert isinstance(ended.value.__cause__, TimeoutError), "psycopg takes up to ten seconds to give up"
    finally:
        session.resume()
    await lock.release()


@pytest.mark.engines("postgresql")
async def test_connects_to_the_first_usable_host(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    url = sa.make_url(database_url)
    monkeypatch.setattr(postgresql, "CONNECT_TIMEOUT_SECONDS", patience.scaled(3))
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts connections and never answers
        hosts = ["127.0.0.1:1", f"127.0.0.1:{silent.getsockname()[1]}", f"{url.query['host']}:5432"]
        several = url.set(query={"host": hosts, "target_session_attrs": "primary"})
        await (await migrate.open_database(several.render_as_string(hide_password=False))).close()
    standby = url.set(query={"host": hosts[2], "target_session_attrs": "standby"})
    with pytest.raises(errors.DatabaseUnavailableError):
        await migrate.open_database(standby.render_as_string(hide_password=False))


async def test_silent_tcp_connection_ends_after_15_seconds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://user@127.0.0.1:{silent.getsockname()[1]}/papers"
        async with database.Database(url) as db:
            connecting = asyncio.create_task(db.fetch(key_values.get, "n"))
            accepted, address = await asyncio.to_thread(silent.accept)
            with accepted:
                [number] = [
                    connection.fd
                    for connection in psutil.Process().net_connections("tcp4")
                    if tuple(connection.laddr) == address
                ]
                with socket.socket(fileno=os.dup(number)) as connected:
                    assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 15_000
            with pytest.raises(errors.DatabaseUnavailableError):
                await connecting


async def test_a_bot_does_not_send_from_a_file_that_a_restore_replaced(sqlite_db: database.Database) -> None:
    path = sqlite_db.path
    assert path is not None
    shutil.copy(path, path.with_name("copy.db"))
    path.with_name("copy.db").replace(path)
    with pytest.raises(errors.StorageError, match="was replaced by another file"):
        await locks.SenderLock(sqlite_db).try_acquire()
