"""Opens settings, storage and services for a command, and closes them when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from bot.app.container import Container
    from bot.core.settings import Settings
    from storage.database import Database
    from storage.snapshot import Snapshot

Service = TypeVar("Service")
Result = TypeVar("Result")


def run_command(command: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """Run a coroutine function in a new event loop."""
    return asyncio.run(command())


def run_with_service(
    create: Callable[[Database], Service],
    command: Callable[[Service], Awaitable[Result]],
    *,
    creating: bool = False,
) -> Result:
    """Open the storage, create a service on it and run a command with the service. `creating` is that of `open_storage`."""

    async def run() -> Result:
        async with open_storage(creating=creating) as database:
            return await command(create(database))

    return run_command(run)


def run_on_snapshot(look_up: Callable[[Snapshot], Result]) -> Result:
    """Run a look-up: on a SQLite file of this version by sqlite3 alone, which starts in half of the time."""
    import sqlite3

    from storage import snapshot

    path = snapshot.find_current_file(load_settings().database_url)
    if path is not None:
        # A file that cannot be read is opened again, with a sentence for the operator.
        with contextlib.suppress(sqlite3.Error), snapshot.open_sqlite(path) as view:
            return look_up(view)

    async def run() -> Result:
        async with open_storage() as database, database.read() as connection:
            return await snapshot.read(connection, look_up)

    return run_command(run)


def load_settings() -> Settings:
    """Load the settings. Raises UsageError."""
    from bot.core import settings

    return settings.load()


def run_in_container(command: Callable[[Container], Awaitable[Result]]) -> Result:
    """Open the database and the services on it, and run a command with them."""

    async def run() -> Result:
        async with open_container() as container:
            return await command(container)

    return run_command(run)


def load_timezone() -> ZoneInfo:
    """Return the zone in which times are shown to people. Raises UsageError."""
    return ZoneInfo(load_settings().timezone)


@contextlib.contextmanager
def checked_database(url: str, *, creating: bool) -> Iterator[None]:
    """Name a SQLite file that the block makes, on stderr; without `creating` refuse to make one with UsageError.

    A command in another folder than the bot's would find an empty archive there, and leave it behind.
    """
    from storage import errors, snapshot

    path = snapshot.find_missing_file(url)
    if path is not None and not creating:
        raise errors.UsageError(
            f"there is no database {path}. Go to the bot's folder, or name it in PAPERROUND_DATABASE_URL;"
            " `paperround ingest`, `sources add` and `run` make a new one."
        )
    yield
    if path is not None:
        sys.stderr.write(f"paperround: new database: {errors.make_printable(str(path))}\n")


@asynccontextmanager
async def open_storage(
    url: str | None = None, *, creating: bool = False, migrate: bool | None = None
) -> AsyncIterator[Database]:
    """Open a database, the configured one by default, and migrate an old one; with `creating`, a missing SQLite file is made."""
    from storage.migrate import open_database

    url = url or load_settings().database_url
    with checked_database(url, creating=creating):
        database = await open_database(url, migrate=migrate)
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def open_container(
    *, creating: bool = False, migrating: bool | None = None
) -> AsyncIterator[Container]:
    """Open the database, as `open_storage` does, and the services on it: ingest, planning, the renderer of posts."""
    settings = load_settings()
    async with contextlib.AsyncExitStack() as stack:
        with checked_database(settings.database_url, creating=creating):
            from bot.app import container

            opened = await stack.enter_async_context(container.open_container(settings, migrating=migrating))
        yield opened
