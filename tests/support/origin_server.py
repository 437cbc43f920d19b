"""HTTP servers on loopback: one that serves pages, and one that sends raw bytes."""

import asyncio
import contextlib
import secrets
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping

from aiohttp import abc, web
from anyio.from_thread import start_blocking_portal

from tests.support import fake_huggingface

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
Page = Handler | web.Response | str | bytes


class OriginServer:
    """An HTTP server whose pages are set by the test. `requests` holds all requests in order.

    A list of Hugging Face is set whole (`/api/daily_papers?date=…`), and served in pages as there.
    """

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.requests: list[web.BaseRequest] = []
        self.port = 0
        self.scheme = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def paths(self) -> list[str]:
        return [request.path_qs for request in self.requests]

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests.append(request)
        is_list = request.path == fake_huggingface.PATH
        page = (
            fake_huggingface.find(self.pages, request.path_qs)
            if is_list
            else self.pages.get(request.path_qs, self.pages.get(request.path))
        )
        if page is None:
            return web.Response(status=404, text="nothing here")
        if is_list and isinstance(page, str | bytes):
            content = page.encode() if isinstance(page, str) else page
            status, body, headers = fake_huggingface.cut(content, str(request.url))
            return web.Response(status=status, body=body, headers=headers)
        if isinstance(page, str):
            return web.Response(text=page)
        if isinstance(page, bytes):
            return web.Response(body=page)
        if isinstance(page, web.Response):
            return web.Response(body=page.body, status=page.status, headers=page.headers)
        return await page(request)


def find_free_port() -> int:
    """Return a port for another process, below those that the system gives out to anyone by itself until that one begins."""
    for _ in range(100):
        port = 10_000 + secrets.randbelow(20_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no port is free")


@contextlib.asynccontextmanager
async def serving(runner: web.BaseRunner, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@contextlib.contextmanager
def serving_in_thread(runner: web.BaseRunner) -> Iterator[int]:
    """Serve as `serving` does, from a thread with its own event loop."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serving(runner)) as port:
        yield port


@contextlib.asynccontextmanager
async def run_origin(tls: ssl.SSLContext | None = None) -> AsyncIterator[OriginServer]:
    origin = OriginServer()
    server = web.Server(origin.handle, access_log=None)
    async with serving(web.ServerRunner(server, shutdown_timeout=0.1), tls) as origin.port:
        origin.scheme = "https" if tls else "http"
        yield origin


class RawOriginServer:
    """Sends prepared bytes to each client, then closes the connection or keeps it open silently."""

    def __init__(self, *responses: bytes, holds_open: bool = False) -> None:
        self.responses = list(responses)
        self.holds_open = holds_open
        self.connections = 0
        self.port = 0
        self._released = asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(self.responses.pop(0) if len(self.responses) > 1 else self.responses[0])
            await writer.drain()
            if self.holds_open:
                await self._released.wait()
        writer.close()

    def release(self) -> None:
        self._released.set()


@contextlib.asynccontextmanager
async def run_raw_origin(*responses: bytes, holds_open: bool = False) -> AsyncIterator[RawOriginServer]:
    """Run a `RawOriginServer`. The last response is repeated."""
    origin = RawOriginServer(*responses, holds_open=holds_open)
    server = await asyncio.start_server(origin.serve, "127.0.0.1", 0)
    origin.port = server.sockets[0].getsockname()[1]
    async with server:
        try:
            yield origin
        finally:
            origin.release()


def http_response(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """Return an HTTP response as bytes, with exactly these headers."""
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""]).encode("latin-1") + body


class StubResolver(abc.AbstractResolver):
    """Resolves names from a table with a list of addresses for each query. The last list is repeated."""

    def __init__(self, names: Mapping[str, list[list[str]]]) -> None:
        self.names = {name: list(responses) for name, responses in names.items()}
        self.queries: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[abc.ResolveResult]:
        self.queries.append(host)
        responses = self.names.get(host)
        if responses is None:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        addresses = responses.pop(0) if len(responses) > 1 else responses[0]
        return [self._result(host, address, port) for address in addresses]

    def _result(self, host: str, address: str, port: int) -> abc.ResolveResult:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return {"hostname": host, "host": address, "port": port, "family": family, "proto": 0, "flags": flags}

    async def close(self) -> None:
        pass
