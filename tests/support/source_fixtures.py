"""Fixtures for tests of the sources: loopback servers, a fixed clock, and a fetcher."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
import trustme

from bot.sources import fetcher, ssrf_guard
from tests.support import origin_server

NOW = datetime(2025, 5, 6, 12, 0, tzinfo=UTC)

OpenFetcher = Callable[..., AbstractAsyncContextManager[fetcher.Fetcher]]


class SleepRecorder:
    """Replaces sleeping and records the seconds of each call."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@pytest.fixture
def sleeps() -> SleepRecorder:
    return SleepRecorder()


@pytest.fixture
def open_fetcher(sleeps: SleepRecorder) -> OpenFetcher:
    """Open fetchers on the fixed clock; 127.0.0.1 is allowed by default."""

    def open_with(
        *, allow: tuple[str, ...] = ("127.0.0.1",), **options: Any
    ) -> AbstractAsyncContextManager[fetcher.Fetcher]:
        return fetcher.open_fetcher(
            now=lambda: NOW,
            random=lambda: 0.5,
            user_agent="Paperround/test",
            allowed_hosts=[ssrf_guard.parse_allowed_host(text) for text in allow],
            sleep=sleeps,
            **options,
        )

    return open_with


@pytest_asyncio.fixture
async def fetch(open_fetcher: OpenFetcher) -> AsyncIterator[fetcher.Fetcher]:
    async with open_fetcher() as opened:
        yield opened


@pytest_asyncio.fixture
async def origin() -> AsyncIterator[origin_server.OriginServer]:
    async with origin_server.run_origin() as opened:
        yield opened


@pytest.fixture
def watch_connections(monkeypatch: pytest.MonkeyPatch) -> Callable[[], origin_server.ConnectionRecorder]:
    """Start recording connections when called inside the test's loop; only loopback connections are made."""

    def start() -> origin_server.ConnectionRecorder:
        loop = asyncio.get_running_loop()
        recorder = origin_server.ConnectionRecorder(loop)
        monkeypatch.setattr(loop, "sock_connect", recorder.sock_connect)
        return recorder

    return start


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """A certificate authority for the tests."""
    return trustme.CA()


@pytest.fixture
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "papers.test").configure_cert(context)
    return context


@pytest.fixture
def client_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
def stack() -> Iterator[contextlib.ExitStack]:
    with contextlib.ExitStack() as opened:
        yield opened
