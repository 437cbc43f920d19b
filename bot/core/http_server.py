"""The bot's HTTP server for health checks, metrics and web pages.

It limits the size and duration of requests. A proxy in front may limit requests per client.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from aiohttp import http_exceptions, web

from storage import errors

MAX_LINE_BYTES = 32_768
"""The longest request line: 2,000 Korean characters are 18,000 bytes when percent-encoded."""
MAX_BODY_BYTES = 250_000
"""The largest request body that is read; no page takes one."""
REQUEST_SECONDS = 30.0

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
    runner = web.AppRunner(
        app,
        access_log=None,
        shutdown_timeout=1.0,
        handler_cancellation=True,
        keepalive_timeout=REQUEST_SECONDS,
        max_line_size=MAX_LINE_BYTES,
    )
    await runner.setup()
    host, _, port = address.rpartition(":")
    try:
        try:
            await web.TCPSite(runner, host.strip("[]") or "127.0.0.1", int(port)).start()
        except (OSError, OverflowError) as error:
            reason = f"{setting}: cannot listen on {address}: {error}. Choose another address or port."
            raise errors.PaperroundError(reason) from error
        yield f"http://{host or '127.0.0.1'}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


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
