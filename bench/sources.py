"""Benchmarks of polling: a pass over sources, against the same requests by aiohttp; a back-fill, against its two halves.

The server runs in its own process on loopback and supports conditional requests: `python -m bench.sources serve`.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, timedelta

import aiohttp
from aiohttp import web

from bench import figures, synthetic_archive
from bench.figures import time_await
from bot.app import container
from bot.archive.files import TextFile
from bot.core import logs
from bot.core.settings import Settings
from bot.sources.kinds import build_source_registry
from bot.sources.poller import Poller

SOURCES = 200
CHANGED = 10
DAYS = 360
"""Sizes of `make bench`."""


def measure_pass(*, runs: int = 5) -> tuple[float, float]:
    """Return the seconds of a pass over 200 sources, 10 of them with a new day, and of the same requests by aiohttp."""
    return asyncio.run(_measure_pass(runs))


def measure_back_fill() -> tuple[float, float]:
    """Return the seconds of a back-fill of 360 days, and of fetching all days and then ingesting them."""
    return asyncio.run(_measure_back_fill())


def measure_memory() -> float:
    """Return the growth of a pass's peak memory per source, in bytes."""
    return asyncio.run(_measure_memory())


async def _measure_pass(runs: int) -> tuple[float, float]:
    ours, floors = [], []
    with figures.running_server("bench.sources") as url:
        addresses = [f"{url}/feeds/{number}" for number in range(SOURCES)]
        async with _open_archive(url, addresses) as service, aiohttp.ClientSession() as session:
            await service.fetch_all()
            for run in range(1, runs + 1):
                tags = [await _get_etag(session, address) for address in addresses]
                await session.post(f"{url}/change/{CHANGED}/{run}")
                ours.append(await time_await(service.fetch_all()))
                floors.append(await time_await(_fetch_unchanged(session, addresses, tags)))
    return statistics.median(ours), statistics.median(floors)


async def _measure_back_fill() -> tuple[float, float]:
    days = [synthetic_archive.FIRST_DAY + timedelta(days=number) for number in range(DAYS)]
    with figures.running_server("bench.sources") as url:
        async with _open_archive(url, [f"{url}/days/{{date:%Y-%m-%d}}.md"]) as service:
            ours = await time_await(service.fetch_all(days=days))
        async with aiohttp.ClientSession() as session:
            started = time.perf_counter()
            texts = [await _read(session, f"{url}/days/{day}.md") for day in days]
            fetched = time.perf_counter() - started
    return ours, fetched + await _ingest([text for text in texts if text])


async def _measure_memory() -> float:
    peaks = []
    with figures.running_server("bench.sources") as url:
        for number in (SOURCES, 3 * SOURCES):
            addresses = [f"{url}/feeds/{n}" for n in range(number)]
            async with _open_archive(url, addresses) as service:
                await service.fetch_all()
                gc.collect()
                tracemalloc.start()
                await service.fetch_all()
                peaks.append(tracemalloc.get_traced_memory()[1])
                tracemalloc.stop()
    return (peaks[1] - peaks[0]) / (2 * SOURCES)


@asynccontextmanager
async def _open_archive(url: str, addresses: Sequence[str]) -> AsyncIterator[Poller]:
    """Open an empty archive with these sources."""
    with tempfile.TemporaryDirectory() as folder:
        settings = _settings(folder, url.removeprefix("http://"))
        async with container.open_container(settings) as opened:
            registry = build_source_registry(opened.database, opened.clock, settings)
            for address in addresses:
                await registry.add(address)
            async with container.open_poller(opened, opened.create_ingest()) as service:
                yield service


def _settings(folder: str, allowed: str = "") -> Settings:
    return Settings.model_validate(
        {"database_url": f"sqlite+aiosqlite:///{folder}/paperround.db", "fetch_allow": allowed}
    )


async def _ingest(texts: Sequence[str]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        settings = _settings(folder)
        async with container.open_container(settings) as opened:
            files = [TextFile(f"{number}.md", text) for number, text in enumerate(texts)]
            return await time_await(_drain(opened.create_ingest().add_files(files)))


async def _drain(results: AsyncIterator[object]) -> None:
    async for _ in results:
        pass


async def _get_etag(session: aiohttp.ClientSession, address: str) -> str:
    async with session.head(address) as response:
        return response.headers["ETag"]


async def _read(session: aiohttp.ClientSession, address: str) -> str:
    async with session.get(address) as response:
        return await response.text() if response.status == 200 else ""


async def _fetch_unchanged(
    session: aiohttp.ClientSession, addresses: Sequence[str], tags: Sequence[str]
) -> None:
    """Request each page conditionally, one after the other."""
    for address, tag in zip(addresses, tags, strict=True):
        async with session.get(address, headers={"If-None-Match": tag}) as response:
            await response.read()


async def _serve() -> None:
    """Serve feeds, which get new entries on request, and the generated archive by day."""
    versions: dict[int, int] = {}
    days = {day.isoformat(): text for day, text in synthetic_archive.generate()}

    async def feed(request: web.Request) -> web.Response:
        number = int(request.match_info["number"])
        tag = f'"{number}-{versions.get(number, 0)}"'
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304)
        return web.Response(text=_feed(number, versions.get(number, 0)), headers={"ETag": tag})

    async def change(request: web.Request) -> web.Response:
        for number in range(int(request.match_info["count"])):
            versions[number] = int(request.match_info["version"])
        return web.Response()

    async def day(request: web.Request) -> web.Response:
        text = days.get(request.match_info["day"])
        return web.Response(status=404) if text is None else web.Response(text=text)

    app = web.Application()
    app.add_routes(
        [
            web.get("/feeds/{number}", feed),
            web.get("/days/{day}.md", day),
            web.post("/change/{count}/{version}", change),
        ]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    print(f"http://{host}:{port}", flush=True)
    await asyncio.Event().wait()


def _feed(number: int, version: int) -> str:
    """Return a feed with one digest per entry; each version adds an entry."""
    items = "".join(
        f"<item><guid>{entry}</guid><description><![CDATA[{_digest(number, entry)}]]></description></item>"
        for entry in range(version, max(-1, version - 5), -1)
    )
    return f'<rss version="2.0"><channel><title>{number}</title>{items}</channel></rss>'


def _digest(number: int, version: int) -> str:
    """Return one day's digest."""
    day = date(2025, 1, 1) + timedelta(days=version)
    papers = "".join(
        f"### [Paper {number}.{place}](https://arxiv.org/abs/{day:%y%m}.{(number * 30 + version % 30) * 3 + place:05})\n\n"
        f"Vote: {version}\n\nAuthors: Ada Lovelace\n\n- ***Finding***: version {version}.\n\n"
        for place in range(1, 4)
    )
    return f"## Daily Papers ({day})\n\n{papers}"


def main() -> None:
    """Print the ratios and the memory."""
    if sys.argv[1:] == ["serve"]:
        asyncio.run(_serve())
        return
    logs.configure("console:error")
    ours, floor = measure_pass()
    name = f"a pass over {SOURCES} sources, {CHANGED} with news"
    figures.show(figures.Figure(name, ours * 1000, "ms", floor * 1000, max_ratio=1.5))
    ours, floor = measure_back_fill()
    figures.show(figures.Figure(f"a back-fill of {DAYS} days", ours, "s", floor, max_ratio=1.5))
    figures.show(figures.Figure("memory of a pass", measure_memory() / 1024, "KiB a source", max_value=64))


if __name__ == "__main__":
    main()
