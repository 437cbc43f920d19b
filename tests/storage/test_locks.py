"""Locks that one process holds, on both engines: that of the sender keeps a second copy from sending."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
import sqlalchemy as sa

from storage import database, errors, key_values, locks, migrate
from tests.support import patience


async def test_only_one_holds_the_lock_and_the_next_gets_it_when_it_is_free(
    db: database.Database, database_url: str
) -> None:
    other_db = await migrate.open_database(database_url, migrate=True)
    first, second = locks.SenderLock(db), locks.SenderLock(other_db)
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


@pytest.fixture
async def other_db(db: database.Database, database_url: str) -> AsyncIterator[database.Database]:
    opened = await migrate.open_database(database_url)
    yield opened
    await opened.close()


@pytest.mark.engines("postgresql")
async def test_a_lease_that_is_not_renewed_is_another_process_next_and_its_holder_notices(
    db: database.Database, other_db: database.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "LEASE", timedelta(seconds=1))
    monkeypatch.setattr(locks, "RENEW_SECONDS", 0.0)
    first, second = locks.SenderLock(db), locks.SenderLock(other_db)
    assert await first.try_acquire()
    await patience.wait_until(second.try_acquire, 20)
    assert not await first.is_sender()
    with pytest.raises(errors.SupersededError):
        await first.keep()
    assert first.term is None
    await first.release()
    assert await second.is_sender()
    await second.release()


@pytest.mark.engines("postgresql")
async def test_a_transaction_that_is_frozen_keeps_no_successor_waiting(
    db: database.Database, other_db: database.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "LEASE", timedelta(seconds=-1))
    first, second = locks.SenderLock(db), locks.SenderLock(other_db)
    assert await first.try_acquire()

    async def freeze() -> None:
        async with locks.fenced(db, lambda: first.term).transaction() as connection:
            assert await second.try_acquire()
            await key_values.set_value(connection, "written", "yes")

    with pytest.raises(errors.DatabaseUnavailableError):
        await freeze()
    for lock in (first, second):
        await lock.release()


@pytest.mark.engines("postgresql")
async def test_a_sender_that_cannot_renew_its_lease_for_long_enough_ends(
    db: database.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, failures = locks.SenderLock(db), [0]

    async def fail(_: object) -> bool:
        failures[0] += 1
        raise errors.DatabaseUnavailableError("connection refused")

    monkeypatch.setattr(locks, "RENEW_SECONDS", 0.0)
    monkeypatch.setattr(locks, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(locks, "MAX_SILENCE_SECONDS", 0.5)
    monkeypatch.setattr(locks.SenderLock, "_renew", fail)
    assert await lock.try_acquire()
    with pytest.raises(errors.DatabaseUnavailableError, match="connection refused"):
        await lock.keep()
    assert failures[0] > 1
    await lock.release()


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
