"""Figures of a model's server that answers without end, or with a small body that unpacks to a large one.

`python -m bench.hostile.model_server [CASE…]`: each case in a process of its own, with a deadline of ten seconds. The bomb
unpacks to `BOMB_MEGABYTES`; the client of old kept three times that.
"""

from __future__ import annotations

import asyncio
import gzip
import io
import logging
import multiprocessing
import resource
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from aiohttp import web

from bench import figures
from bot.writer import language_model

SECONDS = 10.0
BOMB_MEGABYTES = 300
_CHUNK = b" " * 65_536
_BEGIN = b'{"choices": [{"message": {"content": "'


async def _serve_endless(request: web.Request) -> web.StreamResponse:
    """Send a text without an end, as fast as it is read."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(_BEGIN)
    while True:
        await response.write(_CHUNK)


async def _serve_slow(request: web.Request) -> web.StreamResponse:
    """Send a byte in a tenth of a second, so that no pause is long."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.1)


async def _serve_crumbs(request: web.Request) -> web.StreamResponse:
    """Send chunks of one byte, many in a packet."""
    response = web.StreamResponse()
    await response.prepare(request)
    assert request.transport is not None
    while not request.transport.is_closing():
        request.transport.write(b"1\r\n \r\n" * 10_000)
        await asyncio.sleep(0.01)
    return response


async def _serve_bomb(_: web.Request) -> web.Response:
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as file:
        file.write(_BEGIN)
        for _megabyte in range(BOMB_MEGABYTES):
            file.write(b"a" * 1_000_000)
        file.write(b'"}}]}')
    return web.Response(body=packed.getvalue(), headers={"Content-Encoding": "gzip"})


async def _serve_endless_error(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(status=500)
    await response.prepare(request)
    while True:
        await response.write(_CHUNK)


async def _serve_brackets(_: web.Request) -> web.Response:
    """Serve the JSON that takes the most memory a byte, just below the limit."""
    return web.Response(body=b"[" + b"{}," * 660_000 + b"0]")


CASES = {
    "endless": _serve_endless,
    "bomb": _serve_bomb,
    "crumbs": _serve_crumbs,
    "slow": _serve_slow,
    "endless_error": _serve_endless_error,
    "brackets": _serve_brackets,
}


def _run_server(case: str, ready: multiprocessing.queues.Queue[int]) -> None:
    logging.getLogger("aiohttp").setLevel(logging.CRITICAL)

    async def run() -> None:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", CASES[case])
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ready.put(runner.addresses[0][1])
        await asyncio.sleep(6 * SECONDS)

    asyncio.run(run())


@asynccontextmanager
async def _watch_lag(now: Callable[[], float]) -> AsyncIterator[list[float]]:
    """Yield the event loop's longest gap in seconds, in a list of one."""
    worst = [0.0]

    async def watch() -> None:
        while True:
            started = now()
            await asyncio.sleep(0.005)
            worst[0] = max(worst[0], now() - started - 0.005)

    watcher = asyncio.create_task(watch())
    yield worst
    watcher.cancel()


async def _ask(case: str, port: int) -> None:
    async with language_model.open_model(
        f"http://127.0.0.1:{port}/v1", "model", None, lambda: datetime.now(UTC), seconds=SECONDS
    ) as model:
        idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started = time.perf_counter()
        async with _watch_lag(time.perf_counter) as lag:
            try:
                text, _ = await model.complete([{"role": "user", "content": "Hello."}], {}, max_tokens=10)
                outcome = f"accepted, {len(text):,} characters"
            except language_model.ModelError as error:
                outcome = str(error)
        seconds = time.perf_counter() - started
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - idle) / 1024
    sys.stdout.write(f"{case}: {outcome}\n")
    figures.show(figures.Figure("  memory above idle", peak, "MB", max_value=30))
    figures.show(figures.Figure("  until it ended", seconds, "s", max_value=SECONDS + 1))
    figures.show(figures.Figure("  event loop's longest gap", lag[0] * 1000, "ms"))


def _measure(case: str) -> None:
    """Measure one case against a server in another process."""
    context = multiprocessing.get_context("spawn")
    ready: multiprocessing.queues.Queue[int] = context.Queue()
    server = context.Process(target=_run_server, args=(case, ready), daemon=True)
    server.start()
    client = context.Process(target=_run_client, args=(case, ready.get()))
    client.start()
    client.join(6 * SECONDS)
    client.kill()
    server.kill()


def _run_client(case: str, port: int) -> None:
    asyncio.run(_ask(case, port))


if __name__ == "__main__":
    for name in sys.argv[1:] or CASES:
        _measure(name)
