"""Opens what a command works with: settings, storage, services. Everything is closed again on leaving."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from bot.app.container import Container
    from bot.settings import Settings
    from storage.database import Database

Result = TypeVar("Result")


def run_command(command: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """Run a command's coroutine to its end."""
    return asyncio.run(command())


def load_settings() -> Settings:
    """Read the settings. Raises UsageError."""
    from bot import settings

    return settings.load()


@asynccontextmanager
async def open_storage(*, migrate: bool | None = None) -> AsyncIterator[Database]:
    """Open the database of the settings; a missing SQLite file is created and an older one brought up to date."""
    from storage.migrate import open_database

    database = await open_database(load_settings().database_url, migrate=migrate)
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def open_container() -> AsyncIterator[Container]:
    """Open the database and what stands on it: ingest, planning, the renderer of posts."""
    from bot.app import container

    async with container.open_container(load_settings()) as core:
        yield core
