"""Heartbeats for a dead man's switch: an address of the operator is asked every minute while the bot delivers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog

from bot.app import fetching
from bot.app.container import Container
from bot.sources.http import errors

log = structlog.get_logger(__name__)

INTERVAL = timedelta(minutes=1)


class Heartbeat:
    """Asks `url` while `is_well()` is true. The address may hold a secret and is never logged."""

    def __init__(
        self, url: str, get: Callable[[str], Awaitable[object]], *, is_well: Callable[[], bool]
    ) -> None:
        self._url = url
        self._get = get
        self._is_well = is_well
        self._is_failing = False

    async def beat(self) -> None:
        """Ask once. A first failure and the end of failures are logged; the next call tries again."""
        if not self._is_well():
            return
        try:
            await self._get(self._url)
        except errors.FetchError as error:
            if not self._is_failing:
                log.warning("the heartbeat was not accepted", status=error.status.value)
            self._is_failing = True
        else:
            if self._is_failing:
                log.info("the heartbeat is accepted again")
            self._is_failing = False


@asynccontextmanager
async def open_jobs(
    container: Container, is_well: Callable[[], bool]
) -> AsyncIterator[list[tuple[Callable[[], Awaitable[None]], timedelta]]]:
    """Yield the job of the setting `PAPERROUND_HEARTBEAT_URL` with its interval; no job without the setting."""
    url = container.settings.heartbeat_url
    if url is None:
        yield []
        return
    async with fetching.open_fetcher(container.settings, container.clock) as fetch:
        yield [(Heartbeat(url.get_secret_value(), fetch.get, is_well=is_well).beat, INTERVAL)]
