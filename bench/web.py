"""Benchmark of the web archive: pages beside their searches, a static site, and 200 readers beside a fan-out.

The bot runs in this process, connected to the fake Discord in another one; the readers are a process too. `--keep FOLDER` keeps
the archive. `--pages N --keep FOLDER` measures pages alone, in an archive of N papers that it makes there as `pages.db`: for at
most `--minutes` (a further run goes on where it stopped) and within `--gigabytes` of memory.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp

from bench import readers, search_build, vocabulary
from bench.figures import Figure, median, percentile, show, time_await
from bot.app import runtime
from bot.app.container import Container
from bot.core import logs
from bot.core.clock import system_clock
from bot.core.settings import Settings
from bot.search.results import SearchRequest
from bot.web import service, site
from storage import migrate, models, outbox, papers
from storage.database import Connection, Database
from tests.fake_discord import process
from tests.support import relay_harness

QUERIES, CALLS = 120, 100
PARTS = ("pages", "tools", "site", "readers")
CHANNELS, READERS, READING_SECONDS, SECONDS = 400, 200, 5.0, 14.0
SITE = service.Site("http://127.0.0.1", models.Locale.EN)


async def measure(folder: Path, parts: Sequence[str] = PARTS) -> None:
    """Measure and print the figures of these parts."""
    url = f"sqlite+aiosqlite:///{folder / 'readers.db'}"
    database = await migrate.open_database(url)
    await readers.fill(Container(Settings(database_url=url), database))
    await database.close()
    for part in parts:
        match part:
            case "pages":
                await _measure_pages(url)
            case "tools":
                await _measure_tools(url)
            case "site":
                await _measure_site(url, folder / "site")
            case _:
                await _measure_readers(url)


async def _measure_pages(url: str) -> None:
    """Print the 95th percentile of a page, and as its floor that of its search alone, each query new to both."""
    database = await migrate.open_database(url)
    container = Container(Settings(database_url=url), database)
    alone, beside = container.create_services(), container.create_services()
    pages = container.create_web_pages(beside)
    count = (await alone.search.get_extent()).paper_count
    chance = random.Random(3)
    terms = [form for forms in vocabulary.TERMS for form in forms[:2]]
    queries = sorted({" ".join(chance.sample(terms, chance.choice((1, 1, 2)))) for _ in range(2 * QUERIES)})
    chance.shuffle(queries)
    taken = [list[tuple[float, float]](), list[tuple[float, float]]()]
    for number, query in enumerate(queries[:QUERIES]):
        request = SearchRequest(query, limit=service.PAGE_SIZE, snippet_locale=models.Locale.EN)
        works: list[Callable[[], Awaitable[object]]] = [
            partial(alone.search.search, request),
            partial(_make_page, pages, query),
        ]
        # They take turns in being first, since the second finds the database's pages in memory.
        for kind in (0, 1) if number % 2 else (1, 0):
            cpu = time.process_time()
            seconds = await time_await(works[kind]())
            if number >= 10:  # the first ones load the glossary and the templates
                taken[kind].append((seconds, time.process_time() - cpu))
    for about, position in (("", 0), (" of the processor", 1)):
        searched, made = ([1e3 * pair[position] for pair in pairs] for pairs in taken)
        for share in (0.5, 0.95):
            name = f"a page of a search in {count:,} papers, p{100 * share:.0f}{about}"
            figure = Figure(name, percentile(made, share), "ms", floor=percentile(searched, share))
            show(replace(figure, max_ratio=1.3 if share > 0.9 else None))
    await database.close()


async def _make_page(pages: service.WebPages, query: str) -> None:
    page = await pages.load_search(SITE, query)
    await asyncio.to_thread(pages.render, page)


async def _measure_tools(url: str) -> None:
    """Print the processor's time of each tool of an agent by the SDK's client, and as its floor that of its look-ups alone."""
    import mcp  # an extra, and slow to import

    from bot.cli import mcp_server

    database = await migrate.open_database(url)
    locale = models.Locale.EN
    alone, tools = (mcp_server.create_tools(database, system_clock, locale) for _ in range(2))
    search = alone.search
    async with database.read() as connection:
        found = await papers.list_by_arxiv_ids(connection, await _list_ids(connection))
    days = sorted({row.date for row in found})
    names = list(dict.fromkeys(name for row in found for name in row.authors[:1]))
    terms = [forms[0] for forms in vocabulary.TERMS]

    async def find_paper(arxiv_id: str) -> None:
        detail = await search.find_paper(arxiv_id)
        assert detail is not None
        await search.list_sources(detail)

    async def find_similar(arxiv_id: str) -> None:
        await search.find_paper(arxiv_id)
        await search.list_similar(arxiv_id)

    async def get_digest(day: date) -> None:
        page, _ = await search.get_digest(day, limit=mcp_server.DAY_PAPERS)
        await search.list_snippets(page.rows, locale)

    async def find_topic(query: str) -> None:
        await search.search(SearchRequest(query, limit=10, snippet_locale=locale))

    calls: dict[str, tuple[str, Callable[[Any], Awaitable[object]], Sequence[Any]]] = {
        "search_papers": ("query", find_topic, terms),
        "get_paper": ("arxiv_id", find_paper, [row.arxiv_id for row in found]),
        "papers_by_author": ("name", search.find_author, names),
        "daily_digest": ("date", get_digest, days),
        "trends": ("topic", alone.trend_service.get_trend, terms),
        "similar_papers": ("arxiv_id", find_similar, [row.arxiv_id for row in found]),
    }
    async with mcp.Client(mcp_server.create_server(tools)) as client:
        for name, (argument, look_up, values) in calls.items():
            spent, longest = (list[float](), list[float]()), 0
            for number, value in enumerate(values[:CALLS]):
                # They take turns in being first, since the second finds the database's pages in memory.
                for kind in (0, 1) if number % 2 else (1, 0):
                    started = time.process_time()
                    if kind:
                        answer = await client.call_tool(name, {argument: f"{value}"})
                    else:
                        await look_up(value)
                    if number >= 5:
                        spent[kind].append(1e3 * (time.process_time() - started))
                longest = max(longest, len(answer.model_dump_json(by_alias=True, exclude_none=True).encode()))
            floors, taken = spent
            show(Figure(name, median(taken), "ms", floor=median(floors), max_ratio=1.2))
            show(Figure(f"{name}: its longest answer", longest, "B", max_value=8192))
    await database.close()


async def _list_ids(connection: Connection) -> list[str]:
    ids = await papers.list_newest_ids(connection, limit=2 * CALLS)
    return [row.arxiv_id for row in await papers.list_rows(connection, ids)]


async def _measure_site(url: str, folder: Path) -> None:
    database = await migrate.open_database(url)
    container = Container(Settings(database_url=url), database)
    static = service.Site("https://example.org/papers", models.Locale.KO, is_static=True)
    for about, limit in (("a static site", 60), ("the same again", 5)):
        services = container.create_services()
        started, cpu = time.perf_counter(), time.process_time()
        built = await site.SiteBuilder(container.create_web_pages(services), folder, static).build()
        show(Figure(f"{about}: of the processor", time.process_time() - cpu, "s"))
        show(Figure(f"{about}, {built}", time.perf_counter() - started, "s", max_value=limit))
    await database.close()


async def _measure_readers(url: str) -> None:
    """Print how long a fan-out takes alone and beside readers of the web, and the lag of the event loop."""
    async with process.FakeDiscord(validate=False) as fake:
        await fake.add_guild()
        channels = await fake.add_channels(CHANNELS)
        os.environ.update(fake.environment())
        database = await migrate.open_database(url)
        container = Container(Settings(database_url=url, web="127.0.0.1:18431"), database)
        bot = asyncio.create_task(runtime.run(container))
        try:
            await fake.wait_until_connected()
            await asyncio.sleep(3)
            probe = readers.Probe(database)
            async with probe.running():
                await asyncio.sleep(readers.IDLE_SECONDS)
            probe.show("idle", max_lag=None, max_transaction=None)
            async with probe.running():
                alone = await _fan_out(fake, database, channels, "alone")
            probe.show("a fan-out alone", max_lag=None, max_transaction=None)
            command = [sys.executable, "-m", "bench.web", "--read", "http://127.0.0.1:18431"]
            reading = await asyncio.create_subprocess_exec(*command, cwd=process.ROOT)
            await asyncio.sleep(2)
            async with probe.running():
                beside = await _fan_out(fake, database, channels, "beside")
            await reading.wait()
            probe.show(f"beside {READERS} readers of the web", max_transaction=None)
            name = f"a post in {CHANNELS} channels beside {READERS} readers of the web, p95"
            show(Figure(name, beside, "s", floor=alone, max_ratio=1.2))
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            await bot
            await database.close()


async def _fan_out(
    fake: process.FakeDiscord, database: Database, channels: Sequence[int], about: str
) -> float:
    """Return the 95th percentile of the seconds from planning to a post."""
    known = len(await fake.log("POST", "/channels/"))
    now, started = system_clock(), time.time()
    async with database.transaction() as connection:
        new = [relay_harness.new_delivery(f"{about}-{now.timestamp()}-{c}", c, now) for c in channels]
        await outbox.add_all(connection, new)
    async with asyncio.timeout(120):
        while True:
            async with database.read() as connection:
                states = await outbox.count_by_state(connection)
            if not set(states) & {models.PartState.PLANNED, models.PartState.SENDING}:
                break
            await asyncio.sleep(0.2)
    posts = [entry for entry in await fake.log("POST", "/channels/") if entry["status"] == 200][known:]
    return percentile([entry["at"] - started for entry in posts], 0.95)


async def _read(url: str) -> None:
    """Read as 200 people do: pages of days, papers, topics and trends, a few seconds each."""
    answers: Counter[int] = Counter()
    times = []

    async def read(number: int, session: aiohttp.ClientSession, addresses: Sequence[str]) -> None:
        chance = random.Random(number)
        await asyncio.sleep(chance.random() * READING_SECONDS)
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            path = chance.choice(addresses)
            started = time.monotonic()
            try:
                async with session.get(url + path) as response:
                    await response.read()
                answers[response.status] += 1
            except aiohttp.ClientError:
                answers[0] += 1
            times.append(1e3 * (time.monotonic() - started))
            await asyncio.sleep(chance.uniform(0.5, 1.5) * READING_SECONDS)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        async with session.get(f"{url}/sitemap.xml") as response:
            days = (await response.text()).split("/days/")[1:]
        addresses = ["/", "/trends"] * 20 + [f"/days/{day[:10]}" for day in days[:40]]
        addresses += [f"/search?q={quote(topic)}" for topic in readers.TOPICS] * 5
        addresses += [f"/search?q={quote(forms[0])}" for forms in vocabulary.TERMS[:60]]
        await asyncio.gather(*(read(number, session, addresses) for number in range(READERS)))
    show(Figure(f"pages read, by status {dict(answers)}", sum(answers.values()), ""))
    show(Figure("a page of a reader, p95", percentile(times, 0.95), "ms"))


def main() -> None:
    """Measure in a temporary folder unless one is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--read")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--pages", type=int)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--gigabytes", type=float, default=6.0)
    options = parser.parse_args()
    logs.configure("console:error")
    if options.read:
        asyncio.run(_read(options.read))
        return
    if options.pages:
        resource.setrlimit(resource.RLIMIT_DATA, (int(options.gigabytes * 2**30),) * 2)
        options.keep.mkdir(parents=True, exist_ok=True)
        url = f"sqlite+aiosqlite:///{options.keep / 'pages.db'}"
        if asyncio.run(search_build.build_pages(url, options.pages, options.minutes)):
            asyncio.run(_measure_pages(url))
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
            show(Figure("memory at most", memory, "MiB"))
        return
    with contextlib.ExitStack() as stack:
        folder = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        asyncio.run(measure(folder, [options.only] if options.only else PARTS))


if __name__ == "__main__":
    main()
