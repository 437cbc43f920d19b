"""Look-ups: in a thread of their own, on one state of the database."""

import asyncio
import threading

import pytest

from bot.core import admission
from storage import errors, key_values, snapshot
from storage.database import Database
from storage.snapshot import Snapshot
from tests.support import patience

pytestmark = pytest.mark.engines("sqlite", "postgresql")


async def test_a_look_up_leaves_the_event_loop_and_sees_one_state(db: Database) -> None:
    has_begun, may_go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def look_up(view: Snapshot, key: str) -> tuple[int, list[str]]:
        seen = [str(view.fetch("SELECT value FROM meta WHERE key = ?", key))]
        loop.call_soon_threadsafe(has_begun.set)
        assert may_go_on.wait(patience.scaled(60))
        seen.append(str(view.fetch("SELECT value FROM meta WHERE key = ?", key)))
        return threading.get_ident(), seen

    await db.write(key_values.set_value, "a", "1")
    looking = asyncio.create_task(db.look_up(look_up, "a"))
    await has_begun.wait()
    await db.write(key_values.set_value, "a", "2")
    may_go_on.set()
    thread, seen = await looking
    assert thread != threading.get_ident()
    assert seen == ["[('1',)]"] * 2
    assert await db.look_up(lambda view: view.fetch("SELECT value FROM meta WHERE key = 'a'")) == [("2",)]


async def test_a_look_up_that_its_reader_gave_up_counts_until_its_thread_is_free(db: Database) -> None:
    """Readers have three look-ups at once, and the planner's own always finds a thread."""
    lookups, may_go_on, executed = admission.Admission(3), threading.Event(), list[int]()
    has_begun = [asyncio.Event() for _ in range(snapshot.LOOK_UPS_AT_ONCE)]
    loop = asyncio.get_running_loop()

    def look_up(view: Snapshot, reader: int) -> None:
        loop.call_soon_threadsafe(has_begun[reader].set)
        assert may_go_on.wait(patience.scaled(60))
        executed.extend(row[0] for row in view.fetch("SELECT 1"))

    async def ask(reader: int) -> None:
        async with lookups.admitted(reader, patience.scaled(60)):
            await db.look_up(look_up, reader)

    async def leave(readers: list[asyncio.Task[None]]) -> None:
        await asyncio.gather(*(event.wait() for event in has_begun[: len(readers)]))
        for reader in readers:
            reader.cancel()
        await asyncio.sleep(0)

    first = [asyncio.create_task(ask(reader)) for reader in range(3)]
    try:
        await leave(first)
        waiting = asyncio.create_task(ask(3))
        assert await db.look_up(lambda view: view.fetch("SELECT 2")) == [(2,)], "the planner's"
        assert not any(reader.done() for reader in first), (
            "their places are taken as long as their threads are"
        )
        assert not has_begun[3].is_set()
    finally:
        may_go_on.set()
    await asyncio.gather(*first, return_exceptions=True)
    await waiting
    assert all(reader.cancelled() for reader in first)
    assert executed == [1], "a look-up that was given up ends at its next statement"


async def test_a_look_up_cannot_write(db: Database) -> None:
    def write(view: Snapshot) -> None:
        view.fetch("DELETE FROM meta")

    if db.is_sqlite:
        with pytest.raises(errors.StorageError, match="cannot be written"):
            await db.look_up(write)


async def test_an_unreachable_server_is_a_storage_error(db: Database) -> None:
    if not db.is_sqlite:
        away = Database("postgresql://user@127.0.0.1:1/none")
        with pytest.raises(errors.DatabaseUnavailableError):
            await away.look_up(lambda view: view.fetch("SELECT 1"))
        await away.close()
