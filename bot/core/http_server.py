"""An HTTP server in the bot's event loop, with bounded connections: for an operator's probes and for published pages."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import structlog
from aiohttp import web
from aiohttp.http import HttpProcessingError

from storage import errors

log = structlog.get_logger(__name__)

MAX_LINE_SIZE = 32_768
"""Bytes of an address: a query of 2,000 Korean characters is 18,000 once it is percent-encoded."""

_LINE_COST = 100
"""Bytes that each end of a line counts for: a chunk of one byte costs as much time."""
_READ_AT_ONCE = 1 << 14
_SAID_EVERY_SECONDS = 60.0
_MAX_SAID_LENGTH = 200
_OF_THE_CLIENT = (HttpProcessingError, web.RequestPayloadError, ConnectionError)
"""Errors of a client, which get their refusal and no line in the log: any client could fill it."""

AddRoutes = Callable[[web.UrlDispatcher], None]


class Limits(NamedTuple):
    """Bounds of a server: open connections, the seconds that one may last, and the bytes of the one request on it.

    By default a request has no body; below 100,000 bytes a longer address would not get its refusal. `total_bytes` bounds the
    requests of all open connections together: a body is in memory twice while it is joined.
    """

    connections: int = 32
    seconds: float = 10.0
    request_bytes: int = 100_000
    total_bytes: int = 8_000_000


@asynccontextmanager
async def serving(
    address: str, setting: str, add_routes: Sequence[AddRoutes], limits: Limits
) -> AsyncIterator[str]:
    """Serve at `host:port` (port 0 for any free one) and yield the URL.

    Raises PaperroundError, which names the setting, for a port in use.
    """
    app = web.Application()
    for add in add_routes:
        add(app.router)
    app.on_response_prepare.append(_end_connection)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, handler_cancellation=True)
    await runner.setup()
    host, _, port = address.rpartition(":")
    server, connections = runner.server, _Connections(limits)
    assert server is not None
    try:
        try:
            listener = await asyncio.get_running_loop().create_server(
                lambda: _Connection(server, connections),
                host.strip("[]") or "127.0.0.1",
                int(port),
                backlog=limits.connections,
            )
        except (OSError, OverflowError) as error:
            reason = f"{setting}: cannot listen on {address}: {error}. Choose another address or port."
            raise errors.PaperroundError(reason) from error
        async with listener:
            yield f"http://{host or '127.0.0.1'}:{listener.sockets[0].getsockname()[1]}"
    finally:
        await runner.cleanup()


async def _end_connection(request: web.Request, response: web.StreamResponse) -> None:
    response.force_close()
    # aiohttp has written the header by now; without it a client would use the connection again.
    response.headers["Connection"] = "close"


def keep(request: web.Request) -> None:
    """Have the connection of a client that proved who it is closed only when all connections are of such clients."""
    if isinstance(request.protocol, _Connection):
        request.protocol.is_kept = True


class _Connections:
    """The open connections, oldest first. One too many closes the oldest that is not kept, so that a probe is still answered.

    So do requests that are too large together.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._open: dict[_Connection, asyncio.TimerHandle] = {}
        self._received = 0
        self._is_full_reported = False
        self._silent_until = 0.0
        self._unsaid = 0

    def add(self, connection: _Connection) -> None:
        """Count a new connection, and close it after its time."""
        if len(self._open) >= self.limits.connections:
            if not self._is_full_reported:
                log.warning("too many connections; the oldest are closed", limit=self.limits.connections)
            self._is_full_reported = True
            self._close_oldest()
        loop = asyncio.get_running_loop()
        self._open[connection] = loop.call_later(self.limits.seconds, connection.abort)

    def receive(self, connection: _Connection, data: bytes) -> bool:
        """Count bytes of a request, and its lines. False if the connection is closed by now."""
        if connection not in self._open:
            return False
        count = len(data) + _LINE_COST * data.count(b"\r\n")
        connection.received += count
        self._received += count
        if connection.received > self.limits.request_bytes:
            connection.abort()
        while self._received > self.limits.total_bytes:
            self._close_oldest()
        return connection in self._open

    def forget(self, connection: _Connection) -> None:
        """Count a connection no more."""
        expiry = self._open.pop(connection, None)
        if expiry is not None:
            expiry.cancel()
            self._received -= connection.received

    def _close_oldest(self) -> None:
        min(self._open, key=lambda open_one: open_one.is_kept).abort()

    def report(self, error: BaseException | None, message: object) -> None:
        """Log an error of the server in one bounded line, and further ones after a minute: a client may be able to repeat it."""
        if isinstance(error, _OF_THE_CLIENT):
            return
        now = asyncio.get_running_loop().time()
        if now < self._silent_until:
            self._unsaid += 1
            return
        frames = traceback.extract_tb(error.__traceback__)[-3:] if error else []
        log.error(
            "a request was not answered",
            reason=(repr(error) if error else str(message))[:_MAX_SAID_LENGTH],
            at=[f"{frame.filename}:{frame.lineno}"[-_MAX_SAID_LENGTH:] for frame in frames],
            unsaid=self._unsaid,
        )
        self._silent_until, self._unsaid = now + _SAID_EVERY_SECONDS, 0


class _Connection(web.RequestHandler):
    """A connection for one request, within a time limit."""

    __slots__ = ("_connections", "is_kept", "received")

    def __init__(self, server: web.Server, connections: _Connections) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]
            max_line_size=MAX_LINE_SIZE,
            # A body is read as it came: `Limits` count what was received, and a kilobyte may unpack to a megabyte.
            auto_decompress=False,
        )
        self._connections = connections
        self.received = 0
        self.is_kept = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        # asyncio reads of every connection before those that it aborts give back their memory: 256 KiB of each by default.
        transport.max_size = _READ_AT_ONCE  # type: ignore[attr-defined] # of transports on a selector
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        # Before it is parsed: thousands of chunks of one byte, or of requests, take the event loop for a second.
        if self._connections.receive(self, data):
            super().data_received(data)

    def log_exception(self, *args: Any, **kwargs: Any) -> None:
        self._connections.report(kwargs.get("exc_info"), args[0] if args else "")

    def connection_lost(self, exc: BaseException | None) -> None:
        self._connections.forget(self)
        super().connection_lost(exc)

    def abort(self) -> None:
        """Close the connection without sending what is left, which a client that reads nothing would keep here."""
        self._connections.forget(self)
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()
