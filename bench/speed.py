"""`make bench`: measures CPU time on a SQLite file in a temporary folder. Prints each figure with its ratio
to a named floor from the same run: the least that the database or Python would need for the same data."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path

from bench import synthetic_archive
from bot import cli
from bot.app.container import Container
from bot.app.workers import Workers
from bot.archive import parse
from bot.archive.files import TextFile
from bot.core import logs
from bot.core.settings import Settings
from bot.features.alerts.service import Alerts
from bot.features.daily.planner import DailyPlanner
from bot.features.daily.service import Subscriptions
from bot.outbox import request_pacing
from bot.search import index as search_index
from bot.search.index import SearchIndex
from bot.search.our_lists import MAX_LEARNT
from bot.search.results import SearchRequest
from bot.search.service import SearchService
from bot.text import seed
from storage import daily, migrate, models, outbox, papers, shelf
from storage.database import Database
from tests.fake_discord import fixtures
from tests.support import outbox_builders, relay_harness

PAPERS, AUTHORS, DAYS = 6_000, 20_000, 365
CHANNELS = 3_000
ALERTS, READERS, ALERT_PAPERS = 20_000, 10_000, 50
FAN_OUT = 1_000
LISTED, COMPARED = (100, 2_000), (30, 300)
_QUESTIONS = (
    "{korean} 문제를 줄이는 방법 알려줘",
    "{korean} 논문 중에 {english} 다루는 거 있나요?",
    "how do people evaluate {english}?",
    "is there any work on {english} with less memory",
)


@dataclass
class Bench:
    """A database in a folder, its services at a time set by the measurements, and the texts of its papers."""

    folder: Path
    database: Database
    now: datetime = datetime(2025, 1, 1, 9, tzinfo=UTC)
    papers: Sequence[str] = ()

    @property
    def path(self) -> Path:
        """The database file."""
        return self.folder / "paperround.db"

    def container(self) -> Container:
        """Return the services."""
        return Container(Settings(database_url="sqlite+aiosqlite://"), self.database, lambda: self.now)


def show(name: str, value: float, floor: float, floor_name: str, unit: str = "ms") -> None:
    """Print a figure: the value and the floor in seconds, and their ratio."""
    factor = 1e3 if unit == "ms" else 1.0
    ratio = f"{value / floor:.1f} times {floor_name} ({factor * floor:.3g} {unit})"
    sys.stdout.write(f"{name}: {factor * value:.3g} {unit}, {ratio}\n")
    sys.stdout.flush()


def time_call(work: Callable[[], object], times: int = 1) -> float:
    """Return the CPU seconds that a call takes, the least of several times, since other programs disturb each."""
    started = time.process_time()
    work()
    seconds = time.process_time() - started
    return min(seconds, time_call(work, times - 1)) if times > 1 else seconds


async def time_await(work: Awaitable[object]) -> float:
    """Return the CPU seconds that this process spends until an awaitable has finished."""
    started = time.process_time()
    await work
    return time.process_time() - started


async def measure_ingest(bench: Bench) -> None:
    """Fill the archive, and print the times for parsing and ingesting a month of digests."""
    rows = synthetic_archive.generate(digests=DAYS, papers=PAPERS, authors=AUTHORS)
    texts = [text for _, text in rows]
    bench.papers = [paper for text in texts for paper in text.split("### ")[1:]]
    files = [TextFile(f"{number}.md", text) for number, text in enumerate(texts)]
    ingest = Workers(bench.container()).ingest
    async for _ in ingest.add_files(files[30:]):
        pass
    parsing = time_call(lambda: [parse.parse_text(text) for text in texts[:30]], 5)
    scanning = time_call(
        lambda: [line.startswith("#") for text in texts[:30] for line in text.splitlines()], 5
    )
    started = time.process_time()
    async for _ in ingest.add_files(files[:30]):
        pass
    seconds = time.process_time() - started
    show("parsing 30 digests", parsing, scanning, "a scan of their lines")
    show("ingesting them, parsing included", seconds, parsing, "parsing alone")
    # Look-ups leave this many papers to the background.
    async for _ in search_index.follow(bench.database, SearchIndex(search_index.folder_of(bench.database))):
        pass
    await bench.container().services.search.search(SearchRequest("모델"))  # loads the glossary
    gc.freeze()  # as the bot does once its tables are loaded


async def measure_search(bench: Bench) -> None:
    """Print the times of look-ups, compared with a plain full-text table of the same texts."""
    search, chance = bench.container().services.search, random.Random(1)
    terms = chance.sample([term for term in seed.load_terms() if term.korean], 60)
    questions = [
        _QUESTIONS[number % len(_QUESTIONS)].format(korean=term.korean[0], english=term.english[0])
        for number, term in enumerate(terms)
    ]
    names = synthetic_archive.DigestGenerator(authors=AUTHORS).names[:60]
    inserting, queries = _search_plainly(bench.papers, [term.english[0] for term in terms])
    floor = statistics.median(queries)
    kinds: tuple[tuple[str, Callable[[str], Awaitable[object]], Sequence[str]], ...] = (
        ("terms", lambda text: search.search(SearchRequest(text)), [term.korean[0] for term in terms]),
        ("questions", lambda text: search.search(SearchRequest(text)), questions),
        ("an author", lambda text: search.find_author(text, limit=5), names),
        ("an author with an error", lambda text: search.find_author(text[1:], limit=5), names),
        ("completing an author", search.complete_author, [name[:5] for name in names]),
        (
            "completing a topic",
            lambda text: search.complete_topic(text, models.Locale.KO),
            [term.korean[0][:2] for term in terms],
        ),
        ("completing a title", search.complete_paper, [term.english[0][:4] for term in terms]),
    )
    await search.complete_topic("", models.Locale.KO)  # sorts the topics
    await search.search(SearchRequest("모델"))  # the first look-up is measured below
    for kind, look_up, texts in kinds:
        samples = sorted([await time_await(look_up(text)) for text in texts])
        for share in (0.5, 0.95):
            value = samples[int(share * len(samples))]
            show(f"{kind}, {100 * share:.0f} % below", value, floor, "a query of a plain FTS5 table")
    index = SearchIndex(bench.folder / "index", at_once=None)
    seconds = await time_await(bench.database.look_up(index.refresh))
    show("indexing a paper", seconds / PAPERS, inserting / PAPERS, "inserting it into that table")
    seconds = await time_await(SearchService(bench.database).search(SearchRequest("모델")))
    splitting = time_call(lambda: [line.split("\t") for line in seed.read_data("seed.tsv").splitlines()], 5)
    show("the first look-up, with the glossary", seconds, splitting, "splitting the seed list")
    asked = [sys.executable, "-c", "from bot import cli; cli.main()", "search", "모델"]
    least = [sys.executable, "-c", "import pydantic_settings, tantivy, typer"]
    seconds, least_seconds = (_time_process(command, bench.path) for command in (asked, least))
    show("a search from the shell", seconds, least_seconds, "loading its libraries")


def _time_process(command: Sequence[str], path: Path) -> float:
    """Run a command twice on a SQLite file and return the CPU seconds of the second run, when files are cached."""
    environment = {**os.environ, "PAPERROUND_DATABASE_URL": f"sqlite+aiosqlite:///{path}"}
    for _ in range(2):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, capture_output=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _search_plainly(papers: Sequence[str], queries: Sequence[str]) -> tuple[float, list[float]]:
    """Return the time for inserting all papers into an FTS5 table, and the times of queries on that table."""
    with closing(sqlite3.connect(":memory:")) as plain:
        plain.execute("CREATE VIRTUAL TABLE floor USING fts5(text)")
        rows = [(paper,) for paper in papers]
        inserting = time_call(lambda: plain.executemany("INSERT INTO floor VALUES (?)", rows))
        statement = "SELECT rowid FROM floor WHERE floor MATCH ? ORDER BY rank LIMIT 10"
        asked = [" ".join(f'"{word}"' for word in query.split()) for query in queries]
        times = [time_call(lambda: plain.execute(statement, (text,)).fetchall(), 5) for text in asked]  # noqa: B023
    return inserting, times


async def measure_likeness(bench: Bench) -> None:
    """Print the times for learning from servers' lists, which a change of a list costs, and for comparing days with them."""
    our_lists = bench.container().services.search.our_lists
    ids = await bench.database.fetch(papers.list_newest_ids, limit=sum(LISTED) + max(COMPARED))
    await our_lists.vectors.get_sample()  # of the newest papers, once for all lists
    for server_id, size in enumerate(LISTED, 1):
        others, listed = ids[: max(COMPARED)], ids[max(COMPARED) :][:size]
        async with bench.database.transaction() as connection:
            await shelf.save_at(connection, server_id, dict.fromkeys(listed, bench.now))
        seconds = await time_await(our_lists.compare(server_id, {}))
        splitting = time_call(partial(_split, bench.papers[: min(size, MAX_LEARNT)]), 5)
        show(f"learning from a list of {size:,}", seconds, splitting, "splitting its texts into words")
        for count in COMPARED:
            seconds = await time_await(our_lists.compare(server_id, dict.fromkeys(others[:count], count)))
            splitting = time_call(partial(_split, bench.papers[:count]), 5)
            show(f"comparing a day of {count} with it", seconds, splitting, "splitting its texts")


def _split(texts: Sequence[str]) -> None:
    for text in texts:
        text.split()


async def measure_loop(bench: Bench) -> None:
    """Print the longest time that the event loop waits while a search first indexes 200 new papers."""
    writer, container = synthetic_archive.DigestGenerator(authors=AUTHORS, seed_=4), bench.container()
    digest, ticks = writer.digest(synthetic_archive.FIRST_DAY, 200), list[tuple[float, float]]()
    await Workers(container).ingest.add_text(digest, location="loop")

    async def tick() -> None:
        while True:
            ticks.append((time.perf_counter(), time.process_time()))
            await asyncio.sleep(0.001)

    ticking = asyncio.create_task(tick())
    await container.services.search.search(SearchRequest("모델"))
    ticking.cancel()
    gaps = [(end - start, cpu_end - cpu_start) for (start, cpu_start), (end, cpu_end) in pairwise(ticks)]
    show("event loop held by a search after 200 new papers", *max(gaps), "this process's CPU time meanwhile")


async def measure_planning(bench: Bench) -> None:
    """Print the time for planning the daily posts of many channels, compared with inserting as many rows."""
    day = synthetic_archive.FIRST_DAY + timedelta(days=DAYS - 1)
    bench.now = datetime(day.year, day.month, day.day, 9, tzinfo=UTC) + timedelta(days=1)
    container = bench.container()
    first = await container.services.get(Subscriptions).add(
        models.Subscription(guild_id=1, channel_id=1, timezone="UTC")
    )
    async with bench.database.transaction() as connection:
        for channel_id in range(2, CHANNELS + 1):
            await daily.add(connection, replace(first, guild_id=channel_id, channel_id=channel_id))
        rows = await daily.list_rows(connection, state=models.ActivityState.ACTIVE)
        await daily.set_last_on(connection, {row.id: day - timedelta(days=1) for row in rows})
    planner = DailyPlanner(
        bench.database, container.deliveries, SearchService(bench.database).match_papers, container.day_close
    )
    seconds = await time_await(planner.tick(bench.now))
    async with bench.database.read() as connection:
        states = await outbox.count_by_state(connection)
    assert sum(states.values()) >= CHANNELS, states
    floor = time_call(lambda: _insert_plainly(bench.folder / "floor.db", CHANNELS))
    show(f"planning {CHANNELS:,} due channels", seconds, floor, "inserting as many posts of 4 kB", "s")


def _insert_plainly(path: Path, count: int) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE floor (id INTEGER PRIMARY KEY, payload TEXT, state TEXT)")
        connection.executemany(
            "INSERT INTO floor VALUES (?, ?, 'planned')", [(n, "x" * 4000) for n in range(count)]
        )


async def measure_alerts(bench: Bench) -> None:
    """Print the times for parsing all alerts and for matching a digest with them, compared with reading their rows."""
    day = synthetic_archive.FIRST_DAY + timedelta(days=DAYS)
    bench.now = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    alerts, chance = bench.container().services.get(Alerts), random.Random(2)
    words = [form for term in seed.load_terms() for form in (*term.korean, *term.english)]
    for number in range(ALERTS):
        keyword = models.AlertTerm(models.AlertKind.KEYWORD, f"{chance.choice(words)} {chance.choice(words)}")
        await alerts.add(models.Alert(0, 1 + number % READERS, (keyword,), bench.now))
    writer = synthetic_archive.DigestGenerator(authors=AUTHORS, seed_=3)
    workers = Workers(bench.container())
    await workers.ingest.add_text(writer.digest(day, 1), location="first")
    reading = await time_await(workers.alert_planner.drain())
    await workers.ingest.add_text(writer.digest(day, ALERT_PAPERS), location="alerts")
    seconds = await time_await(workers.alert_planner.drain())
    with closing(sqlite3.connect(bench.path)) as plain:
        floor = time_call(lambda: plain.execute("SELECT * FROM alerts").fetchall())
    name = f"comparing {ALERT_PAPERS} papers with {ALERTS:,} alerts"
    show(name, seconds, floor, "reading the alerts", "s")
    show(f"reading {ALERTS:,} queries at the start or by a new glossary", reading, floor, "their rows", "s")


async def measure_fan_out(bench: Bench) -> None:
    """Print the rate at which posts reach a fake Discord, against the allowed 50 requests a second."""
    rate = request_pacing.REQUESTS_PER_SECOND
    async with (
        fixtures.open_fake() as fake,
        relay_harness.open_relay_harness(bench.database, fake, per_second=rate) as harness,
    ):
        first, *channels = fake.add_channels(FAN_OUT + 1)
        # The first message makes the fake compile its schema, which delays others.
        await harness.add("first", first)
        await harness.relay.drain(harness.now)
        await asyncio.sleep(1.2)  # the login counts too
        planned = (outbox_builders.new_delivery(f"out {n}", n, harness.now) for n in channels)
        await outbox_builders.add(harness.database, *planned)
        started = time.monotonic()
        await harness.relay.drain(harness.now)
        rate = (fake.count_messages() - 1) / (time.monotonic() - started)
    sys.stdout.write(
        f"posts a second: {rate:.1f}, {rate / 50:.1%} of 50; {fake.limits.rejected} rate limits\n"
    )


async def measure(folder: Path) -> None:
    """Print all figures."""
    url = f"sqlite+aiosqlite:///{folder / 'paperround.db'}"
    database = await migrate.open_database(url)
    try:
        bench = Bench(folder, database)
        await measure_ingest(bench)
        for part in (
            *(measure_search, measure_likeness, measure_planning),
            *(measure_alerts, measure_fan_out, measure_loop),
        ):
            await part(bench)
    finally:
        await database.close()


def main() -> None:
    """Run all measurements in a temporary folder."""
    logs.configure("console:error")
    cli.tune_interpreter()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder)))


if __name__ == "__main__":
    main()
