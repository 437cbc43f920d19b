"""Fixtures and helpers for source tests: loopback servers, a fixed clock, and a fetcher."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from bot.sources import base, fetcher, ssrf_guard
from storage import models, sources

NOW = datetime(2025, 5, 6, 12, 0, tzinfo=UTC)

OpenFetcher = Callable[..., AbstractAsyncContextManager[fetcher.HttpFetcher]]


@pytest.fixture
def sleeps() -> list[float]:
    """The seconds that the fetcher would have slept, in order."""
    return []


@pytest.fixture
def open_fetcher(sleeps: list[float]) -> OpenFetcher:
    """Return a function that opens fetchers on the fixed clock; 127.0.0.1 is allowed by default."""

    async def sleep(seconds: float) -> None:
        sleeps.append(seconds)

    def open_with(
        *, allow: tuple[str, ...] = ("127.0.0.1",), **options: Any
    ) -> AbstractAsyncContextManager[fetcher.HttpFetcher]:
        return fetcher.HttpFetcher(
            now=lambda: NOW,
            user_agent="Paperround/test",
            allowed_hosts=[ssrf_guard.parse_allowed_host(text) for text in allow],
            sleep=sleep,
            **{"limits": fetcher.Limits(), "proxy": None, **options},
        )

    return open_with


@pytest_asyncio.fixture
async def fetch(open_fetcher: OpenFetcher) -> AsyncIterator[fetcher.HttpFetcher]:
    async with open_fetcher() as opened:
        yield opened


@pytest_asyncio.fixture
async def connected_hosts(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The hosts that the test connects to. Only connections to loopback are really made."""
    loop, hosts = asyncio.get_running_loop(), set[str]()
    connect = loop.sock_connect

    async def record(sock: socket.socket, address: Any) -> None:
        hosts.add(address[0])
        if address[0] not in ("127.0.0.1", "::1"):
            raise ConnectionRefusedError(111, "not from here")
        await connect(sock, address)

    monkeypatch.setattr(loop, "sock_connect", record)
    return hosts


class HeldPage:
    """A page that is given once it is `released`. It was `asked` for at least once."""

    def __init__(self, text: str = "", status: int = 200) -> None:
        self.asked, self.released = asyncio.Event(), asyncio.Event()
        self.text, self.status = text, status

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.set()
        await self.released.wait()
        return web.Response(text=self.text, status=self.status)


async def fetch_results(
    source: base.Source, page_states: Mapping[str, sources.PageState] | None = None, **options: Any
) -> list[base.FetchResult]:
    """Return all results of a fetch at NOW."""
    request = base.FetchRequest(**{"now": NOW, "page_states": page_states or {}, **options})
    return [result async for result in source.fetch(request)]


async def fetch_statuses(
    source: base.Source, page_states: Mapping[str, sources.PageState] | None = None, **options: Any
) -> list[models.FetchStatus]:
    """Return the statuses of all results of a fetch."""
    return [result.status for result in await fetch_results(source, page_states, **options)]


def merge_page_states(
    results: Iterable[base.FetchResult], previous: Mapping[str, sources.PageState] | None = None
) -> dict[str, sources.PageState]:
    return {**(previous or {}), **{page.location: page for result in results for page in result.page_states}}
