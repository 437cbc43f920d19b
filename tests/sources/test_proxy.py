"""Sources are fetched through a real proxy on loopback, and the SSRF guard still decides what it is asked for."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import abc, web

from bot.sources import fetch_errors
from tests.support import origin_server
from tests.support.source_fixtures import OpenFetcher

PUBLIC = "93.184.215.14"


class Proxy:
    """A forwarding proxy that connects every name to one local port. `heads` holds the requests that it was sent."""

    def __init__(self, target_port: int, refusal: bytes = b"") -> None:
        self.heads: list[str] = []
        self.port = 0
        self._target_port = target_port
        self._refusal = refusal

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head.decode())
        method, target, _ = head.split(b" ", 2)
        if self._refusal:
            writer.write(self._refusal)
            writer.close()
            return
        upstream, downstream = await asyncio.open_connection("127.0.0.1", self._target_port)
        if method == b"CONNECT":
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        else:
            path = b"/" + target.split(b"/", 3)[3]
            downstream.write(head.replace(target, path, 1))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_copy(reader, downstream))
            tasks.create_task(_copy(upstream, writer))

    @property
    def targets(self) -> list[str]:
        return [head.split(" ", 2)[1] for head in self.heads]


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def run_proxy(target_port: int, refusal: bytes = b"") -> AsyncIterator[Proxy]:
    proxy = Proxy(target_port, refusal)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    async with server:
        yield proxy


class Names(abc.AbstractResolver):
    """A resolver with given addresses; other names are unknown."""

    def __init__(self, **addresses: str) -> None:
        self._addresses = {name.replace("_", "."): address for name, address in addresses.items()}
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: Any = socket.AF_INET
    ) -> list[abc.ResolveResult]:
        self.asked.append(host)
        if host not in self._addresses:
            raise OSError(f"{host} is unknown")
        return [
            abc.ResolveResult(
                hostname=host, host=self._addresses[host], port=port, family=socket.AF_INET, proto=0, flags=0
            )
        ]

    async def close(self) -> None:
        pass


NAMES = {"papers_test": PUBLIC, "inside_test": "10.0.0.5", "proxy_test": "127.0.0.1"}


async def test_a_page_is_fetched_through_the_proxy_with_its_credentials(
    origin: origin_server.OriginServer,
    open_fetcher: OpenFetcher,
    watch_connections: Callable[[], origin_server.ConnectionRecorder],
) -> None:
    origin.pages["/a"] = "a digest"
    async with run_proxy(origin.port) as proxy:
        address = f"http://user:p%40ss@proxy.test:{proxy.port}"
        async with open_fetcher(allow=(), resolver=Names(**NAMES), proxy=address) as fetch:
            response = await fetch.get("http://papers.test/a")
    assert (response.body, response.url) == (b"a digest", "http://papers.test/a")
    (head,) = proxy.heads
    assert proxy.targets == ["http://papers.test/a"]
    assert f"Proxy-Authorization: Basic {base64.b64encode(b'user:p@ss').decode()}" in head
    assert "Host: papers.test" in head


async def test_https_goes_through_connect_and_is_verified(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext, open_fetcher: OpenFetcher
) -> None:
    async with origin_server.run_origin(server_tls) as origin, run_proxy(origin.port) as proxy:
        origin.pages["/a"] = "a digest"
        options: dict[str, Any] = {"resolver": Names(**NAMES), "tls": client_tls}
        async with open_fetcher(allow=(), proxy=f"http://127.0.0.1:{proxy.port}", **options) as fetch:
            assert (await fetch.get("https://papers.test/a")).body == b"a digest"
    assert proxy.targets == ["papers.test:443"]


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://inside.test/x", "10.0.0.5"),
        ("https://inside.test/x", "10.0.0.5"),
        ("http://10.0.0.5/x", "private address"),
        ("http://127.0.0.1:1/x", "loopback address"),
        ("http://169.254.169.254/latest", "cloud metadata"),
        ("http://2130706433/x", "unusual way"),
        ("http://unknown.test/x", "was not found here"),
        ("http://proxy.test:{port}/x", "loopback address"),
        ("http://127.0.0.1:{port}/x", "loopback address"),
        ("ftp://papers.test/x", "only http and https"),
    ],
)
@pytest.mark.parametrize("by_redirect", [False, True])
async def test_the_proxy_is_never_asked_for_a_blocked_address(
    origin: origin_server.OriginServer,
    open_fetcher: OpenFetcher,
    address: str,
    reason: str,
    by_redirect: bool,
) -> None:
    async with run_proxy(origin.port) as proxy:
        address = address.replace("{port}", str(proxy.port))
        origin.pages["/start"] = web.Response(status=302, headers={"Location": address})
        names = Names(**NAMES)
        async with open_fetcher(allow=(), resolver=names, proxy=f"http://proxy.test:{proxy.port}") as fetch:
            with pytest.raises(fetch_errors.FetchError, match=reason):
                await fetch.get("http://papers.test/start" if by_redirect else address)
    assert proxy.targets == (["http://papers.test/start"] if by_redirect else [])


async def test_an_allowed_host_needs_no_address_here(
    origin: origin_server.OriginServer, open_fetcher: OpenFetcher
) -> None:
    origin.pages["/a"] = "a digest"
    names = Names(proxy_test="127.0.0.1")
    async with run_proxy(origin.port) as proxy:
        address = f"http://proxy.test:{proxy.port}"
        async with open_fetcher(allow=("far.test", "10.0.0.5"), resolver=names, proxy=address) as fetch:
            assert (await fetch.get("http://far.test/a")).body == b"a digest"
            assert (await fetch.get("http://10.0.0.5/a")).body == b"a digest"
    assert names.asked == ["proxy.test"] * len(names.asked)


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        (b"HTTP/1.1 407 Authentication Required\r\nContent-Length: 0\r\n\r\n", "the proxy refuses .*407"),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "the proxy refuses .*503"),
    ],
)
async def test_a_refusal_of_the_proxy_is_named_without_its_password(
    open_fetcher: OpenFetcher, refusal: bytes, reason: str
) -> None:
    async with run_proxy(1, refusal) as proxy:
        address = f"http://user:Gehe1m@127.0.0.1:{proxy.port}"
        async with open_fetcher(allow=(), resolver=Names(**NAMES), proxy=address) as fetch:
            with pytest.raises(fetch_errors.FetchError, match=reason) as caught:
                await fetch.get("https://papers.test/a")
    assert "Gehe1m" not in str(caught.value)


async def test_a_proxy_that_is_down_is_named(open_fetcher: OpenFetcher) -> None:
    async with run_proxy(1) as proxy:
        pass
    async with open_fetcher(
        allow=(), resolver=Names(**NAMES), proxy=f"http://127.0.0.1:{proxy.port}"
    ) as fetch:
        with pytest.raises(fetch_errors.FetchError, match="the proxy accepts no connection"):
            await fetch.get("http://papers.test/a")
