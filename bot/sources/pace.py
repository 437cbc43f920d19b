"""The pace of requests to a service, kept by all processes of one database."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.core.clock import Clock
from storage import sources
from storage.database import Database

if TYPE_CHECKING:
    from bot.sources import fetcher


class SharedPace:
    """Waits until the next request to a service may be sent: one in `seconds`, whoever sends it.

    The moment is reserved in storage before the wait, so a process that dies meanwhile costs one interval.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        service: str,
        seconds: float,
        sleep: fetcher.Sleep = asyncio.sleep,
    ) -> None:
        self._database = database
        self._clock = clock
        self._service = service
        self._interval = timedelta(seconds=seconds)
        self._sleep = sleep

    async def __call__(self) -> None:
        """Wait for the next free moment."""
        async with self._database.transaction() as connection:
            at = await sources.reserve_request(connection, self._service, self._clock(), self._interval)
        await self._sleep(max(0.0, (at - self._clock()).total_seconds()))
