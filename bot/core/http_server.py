"""The bot's HTTP server for health checks, metrics and web pages.

It limits connections, and the size and duration of requests. A proxy in front may limit requests per client.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import http_exceptions, web

from storage import errors

MAX_LINE_BYTES = 32_768
"""The longest request line: 2,000 Korean characters are 18,000 bytes when percent-encoded."""
MAX_BODY_BYTES = 250_000
"""The largest request body that is read; no page takes one."""
REQUEST_SECONDS = 30.0
MAX_CONNECTIONS = 200
"""How many are open at once: each takes a file descriptor, which Discord and the database need too."""
_TELL_SECONDS = 60.0

AddRoutes = Callable[[web.UrlDispatcher], None]


@asynccontextmanager
async def serving(address: str, setting: str, add_routes: Sequence[AddRoutes]) -> AsyncIterator[str]:
    """Serve at `host:port` (port 0 for any free port) and yield the URL.

    Raises PaperroundError with the setting's name if the port is in use.
    """
    _log.addFilter(_summarise)
    app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[_limit_time])
    app.on_response_prepare.append(_hide_server)
    for add in add_routes:
        add(app.router)
    runner = web.AppRunner(app, shutdown_timeout=1.0, handler_cancellation=True)
    await runner.setup()
    assert runner.server is not None
    host, _, port = address.rpartition(":")
    listener = _Listener(runner.server, asyncio.get_running_loop())
    try:
        try:
            listening = await listener.loop.create_server(
                listener, host.strip("[]") or "127.0.0.1", int(port)
            )
        except (OSError, OverflowError) as error:
            reason = f"{setting}: cannot listen on {address}: {error}. Choose another address or port."
            raise errors.PaperroundError(reason) from error
        try:
            yield f"http://{host or '127.0.0.1'}:{listening.sockets[0].getsockname()[1]}"
        finally:
            listening.close()
    finally:
        await runner.cleanup()


@dataclass
class _Listener:
    """Makes a server's connections, and closes the oldest of more than MAX_CONNECTIONS."""

    server: web.Server
    loop: asyncio.AbstractEventLoop
    told_at: float = -_TELL_SECONDS

    def __call__(self) -> _Connection:
        return _Connection(self)

    def limit(self) -> None:
        oldest = self.server.connections[:-MAX_CONNECTIONS]
        for connection in oldest:
            connection.force_close()
        if oldest and self.loop.time() >= self.told_at + _TELL_SECONDS:
            self.told_at = self.loop.time()
            _log.warning("More than %d connections: the oldest are closed", MAX_CONNECTIONS)


class _Connection(web.RequestHandler):
    """A client's connection, which names no versions in its answer to a malformed request."""

    def __init__(self, listener: _Listener) -> None:
        super().__init__(
            listener.server,
            loop=listener.loop,
            access_log=None,  # type: ignore[arg-type] # aiohttp's own servers take None
            keepalive_timeout=REQUEST_SECONDS,
            max_line_size=MAX_LINE_BYTES,
        )
        self._listener = listener

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._listener.limit()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer as aiohttp does, under the program's own name and with the pages' policy for what has no page."""
        response = super().handle_error(request, status, exc, message)
        response.headers.update({"Server": "paperround", "Content-Security-Policy": "default-src 'none'"})
        return response


_log = logging.getLogger("aiohttp.server")
"""aiohttp's logger of failed requests."""


def _summarise(record: logging.LogRecord) -> bool:
    """Turn the traceback of a malformed request, which is its sender's fault, into one line."""
    error = record.exc_info and record.exc_info[1]
    if isinstance(error, http_exceptions.HttpProcessingError):
        reason = next(iter(error.message.splitlines()), "")
        message, remote = f"{record.msg}: %.100r", record.args or ()
        vars(record).update(
            msg=message, args=(*remote, reason), exc_info=None, levelno=logging.INFO, levelname="INFO"
        )
    return True


async def _hide_server(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Remove the header that names the versions of Python and aiohttp."""
    response.headers.pop("Server", None)


@web.middleware
async def _limit_time(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        async with asyncio.timeout(REQUEST_SECONDS):
            return await handler(request)
    except TimeoutError:
        return web.Response(status=503, text="This took too long.\n")
