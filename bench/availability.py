"""Benchmark of more than one process on PostgreSQL: kills and freezes, fronts, a promoted replica, and copies of a database.

`--only NAME` measures some of it, `--short` with less of each.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import sqlalchemy as sa

from bench import search_build, search_corpus, synthetic_archive
from bench.figures import Figure, median, percentile, show
from bot.app.container import Container
from bot.core.clock import system_clock
from bot.core.settings import Settings
from bot.daily import planner
from bot.outbox import relay
from bot.search.service import SearchService
from storage import copying, daily, key_values, migrate, models, tables
from storage.database import Database
from tests.fake_discord import process
from tests.support import fault_harness, postgres_server, relay_harness
from tests.support.fault_harness import FaultHarness
from tests.support.fork_server import ForkedProcess

FROZEN_CHANNELS = 200
SUBSCRIPTIONS = 100_000
INTERACTIONS_PER_SECOND, ASKED_SECONDS = 50, 12
ROUNDS, WARM_UP = 3, 20
"""Rounds of look-ups, and look-ups before them, which load what the later ones need."""
AT_ONCE = 16
"""Look-ups that wait for their answers at a time while the fronts' pace is measured."""
READER = 9_000_000
QUERIES = ("small language model", "강화 학습", "diffusion model", "지식 증류", "mixture of experts")
TIMEOUT_SECONDS = 600.0
CORPUS = 5_000
"""Papers that are generated; those of the copy are these again, under other names."""


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    kills: int = 10
    channels: int = 1000
    freeze_seconds: float = 60.0
    lookups: int = 150
    papers: int = 100_000


SHORT = Size(kills=3, channels=300, freeze_seconds=30.0, papers=20_000)


@asynccontextmanager
async def _world(folder: Path, name: str) -> AsyncIterator[FaultHarness]:
    """Open a database server, a fake Discord with a server, and a harness for processes."""
    (own := folder / name).mkdir()
    with postgres_server.open_postgres_server() as server:
        async with (
            process.FakeDiscord(validate=False) as fake,
            fault_harness.open_fault_harness(fake, server.url, own) as harness,
        ):
            await fake.add_guild()
            yield harness
            if "Traceback" in harness.read_log():
                sys.stdout.write(harness.read_log()[-3000:])


async def _start(harness: FaultHarness, *options: str) -> ForkedProcess:
    """Start a bot and wait until it has logged in."""
    count = len(await harness.fake.log("GET", "/users/@me"))
    bot = harness.start_cli("run", *options)

    async def has_logged_in() -> bool:
        return len(await harness.fake.log("GET", "/users/@me")) > count

    await harness.wait_until(has_logged_in)
    return bot


HELP = {"id": "1", "name": "help", "type": 1, "options": []}


async def _answer(harness: FaultHarness, channel_id: int, since: float) -> float:
    """Return the seconds from a moment until a command is answered."""
    while True:
        user_id = READER + random.randrange(10**6)
        record = await harness.fake.interact(channel_id, HELP, user_id=user_id, wait=0.5)
        if record["milliseconds"] is not None:
            return time.monotonic() - since


async def _post(harness: FaultHarness, since: float) -> float:
    """Return the seconds from a moment until another message is in Discord."""
    count = await harness.count_sent_messages()
    while await harness.count_sent_messages() <= count:  # noqa: ASYNC110 - another process sends
        await asyncio.sleep(0.02)
    return time.monotonic() - since


# Kills of the sender


@dataclass
class _Kills:
    """What the kills of one way to run cost: seconds, and numbers of posts and commands."""

    answers: list[float] = field(default_factory=list)
    posts: list[float] = field(default_factory=list)
    unanswered: int = 0
    lost: int = 0
    doubled: int = 0


async def _measure_kills(folder: Path, size: Size) -> list[Figure]:
    """Compare one `run` that is restarted at once, one with a standby, and leaders with two fronts."""
    restarted, standby, fronts = [
        await _kill_senders(folder, way, size) for way in ("restarted", "standby", "fronts")
    ]
    figures = []
    for what, of_restarted, of_standby, of_fronts, limit in (
        ("answers", restarted.answers, standby.answers, fronts.answers, 3),
        ("posts", restarted.posts, standby.posts, fronts.posts, 5),
    ):
        floor = median(of_restarted)
        figures += [
            show(Figure(f"killed, one process restarted: until it {what}, median", floor, "s")),
            show(
                Figure(
                    f"killed, a standby: until it {what}, median (floor: restarted)",
                    median(of_standby),
                    "s",
                    floor=floor,
                    max_ratio=0.35,
                    max_value=limit,
                )
            ),
            show(
                Figure(
                    f"killed, leaders and fronts: until one {what}, median",
                    median(of_fronts),
                    "s",
                    max_value=limit,
                )
            ),
        ]
    figures.append(
        show(Figure("killed, leaders and fronts: commands unanswered", fronts.unanswered, "", max_value=0))
    )
    for way, kills in (("restarted", restarted), ("a standby", standby), ("leaders and fronts", fronts)):
        figures += _show_faults(f"killed, {way}", kills.lost, kills.doubled)
    return figures


def _show_faults(event: str, lost: int, doubled: int) -> list[Figure]:
    return [
        show(Figure(f"{event}: posts lost", lost, "", max_value=0)),
        show(Figure(f"{event}: posts doubled", doubled, "", max_value=0)),
    ]


async def _kill_senders(folder: Path, way: str, size: Size) -> _Kills:
    kills, rounds = _Kills(), 0
    async with _world(folder, way) as harness:
        channels = await harness.fake.add_channels(size.channels)
        options = ["--role", "leader"] if way == "fronts" else []
        bots: list[Any] = [await _start(harness, *options)]
        await harness.fake.wait_until_connected()
        if way != "restarted":
            bots.append(await _start(harness, *options))
        if way == "fronts":
            await harness.start_fronts(2)
        asking = asyncio.create_task(_ask_always(harness, channels[0], kills, is_counted=way == "fronts"))
        for _ in range(size.kills):
            if (await harness.count_states()).get("planned", 0) < size.channels / 4:
                await fault_harness.add_round(harness, channels, rounds)
                rounds += 1
            await _post(harness, 0.0)
            await asyncio.sleep(random.uniform(0.5, 2.0))
            killed_at = time.monotonic()
            bots[0].kill()
            bots.pop(0).wait()
            if way == "restarted":  # by a supervisor, which has not loaded any module
                bots.append(harness.start_python("-m", "bot", "run"))
            answered = asyncio.create_task(_answer(harness, channels[0], killed_at))
            kills.posts.append(await _post(harness, killed_at))
            kills.answers.append(await answered)
            if way != "restarted":
                bots.append(await _start(harness, *options))
        asking.cancel()
        await harness.wait_until(lambda: _are_all_sent(harness), 300)
        kills.lost, kills.doubled = await fault_harness.count_faults(harness, channels, rounds)
    return kills


async def _ask_always(harness: FaultHarness, channel_id: int, kills: _Kills, *, is_counted: bool) -> None:
    """Ask five times a second until cancelled, and count what is not answered within Discord's three seconds."""
    while is_counted:
        record = await harness.fake.interact(
            channel_id, HELP, user_id=2 * READER + random.randrange(10**6), wait=3.0
        )
        kills.unanswered += record["milliseconds"] is None
        await asyncio.sleep(0.2)


async def _are_all_sent(harness: FaultHarness) -> bool:
    return set(await harness.count_states()) == {"sent"}


# A frozen sender, and a take-over with many subscriptions


async def _read_term(harness: FaultHarness) -> str | None:
    async with harness.db.read() as connection:
        return await key_values.get(connection, key_values.SENDER_TERM)


async def _measure_freeze(folder: Path, size: Size) -> list[Figure]:
    async with _world(folder, "freeze") as harness:
        channels = await harness.fake.add_channels(FROZEN_CHANNELS)
        frozen, _ = await _start(harness), await _start(harness)
        await harness.fake.wait_until_connected()
        await fault_harness.add_round(harness, channels, 0)
        await _post(harness, 0.0)
        term, started = await _read_term(harness), time.monotonic()
        frozen.send_signal(signal.SIGSTOP)
        while await _read_term(harness) == term:  # noqa: ASYNC110 - another process begins it
            await asyncio.sleep(0.1)
        seconds = time.monotonic() - started
        await asyncio.sleep(max(0.0, size.freeze_seconds - seconds))
        await fault_harness.add_round(harness, channels, 1)
        frozen.send_signal(signal.SIGCONT)
        await harness.wait_until(lambda: _are_all_sent(harness), 300)
        lost, doubled = await fault_harness.count_faults(harness, channels, 2)
    return [
        show(Figure("frozen: until the new term", seconds, "s", max_value=25)),
        *_show_faults("frozen", lost, doubled),
    ]


async def _watch_turns(turns: list[float]) -> None:
    """Add the CPU seconds of each turn of the event loop, which other processes of the machine do not make longer."""
    while True:
        started = time.thread_time()
        await asyncio.sleep(0)
        turns.append(time.thread_time() - started)


async def _measure_take_over(folder: Path, size: Size) -> list[Figure]:
    async with _world(folder, "take-over") as harness:
        core = Container(Settings(database_url=harness.database_url), harness.db, harness.now)
        await core.create_services().subscriptions.add(
            models.Subscription(guild_id=1, channel_id=1, timezone="Asia/Seoul")
        )
        async with harness.db.transaction() as connection:
            columns = "guild_id, channel_id"
            names = await connection.scalar(
                sa.text(
                    "SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns"
                    " WHERE table_name = 'subscriptions' AND column_name NOT IN ('id', 'guild_id', 'channel_id')"
                )
            )
            await connection.execute(
                sa.text(
                    f"INSERT INTO subscriptions ({columns}, {names}) SELECT n, n, {names}"
                    " FROM subscriptions, generate_series(2, :count) AS n"
                ),
                {"count": SUBSCRIPTIONS},
            )
        async with harness.db.read() as connection:
            assert len(await daily.list_rows(connection, after_id=SUBSCRIPTIONS - 10)) == 10
        [channel] = await harness.fake.add_channels(1)
        bots = [await _start(harness), await _start(harness)]
        await harness.fake.wait_until_connected()
        await asyncio.sleep(15.0)
        standby = psutil.Process(bots[1].pid)
        memory, peak = standby.memory_info().rss, 0
        bots[0].send_signal(signal.SIGSTOP)  # so that it cannot send what is planned now
        await harness.add_deliveries(relay_harness.new_delivery("0", channel, harness.now()))
        started = time.monotonic()
        bots[0].kill()
        posted = await _post(harness, started)
        for _ in range(200):
            peak = max(peak, standby.memory_info().rss)
            await asyncio.sleep(0.1)
        figures = [
            show(Figure("100,000 subscriptions: until the first post", posted, "s", max_value=3)),
            show(Figure("100,000 subscriptions: more memory", (peak - memory) / 2**20, "MB", max_value=30)),
        ]
        harness.kill_all()
        search = SearchService(harness.db)
        rescheduling = planner.DailyPlanner(harness.db, core.deliveries, search.match_papers)
        turns, started = [0.0], time.process_time()
        watching = asyncio.create_task(_watch_turns(turns))
        await rescheduling.reschedule(harness.now())
        seconds = time.process_time() - started
        watching.cancel()
    longest = 1e3 * max(turns)
    return [
        *figures,
        show(Figure("100,000 subscriptions: loop blocked by due times", longest, "ms", max_value=50)),
        show(Figure("100,000 subscriptions: CPU of due times", seconds, "s")),
    ]


# Fronts


def _topic(number: int) -> dict[str, Any]:
    option = {"name": "query", "type": 3, "value": QUERIES[number % len(QUERIES)]}
    return {"id": "1", "name": "topic", "type": 1, "options": [option]}


async def _look_up(harness: FaultHarness, channel_id: int, number: int) -> dict[str, Any]:
    """Look a topic up, each time as another reader: one alone may look up 12 times in 20 s."""
    return await harness.fake.interact(
        channel_id, _topic(number), user_id=READER + number, answer=True, wait=10.0
    )


async def _fill(harness: FaultHarness) -> None:
    ingest = Container(Settings(database_url=harness.database_url), harness.db).create_ingest()
    for day, text in synthetic_archive.generate(digests=20, papers=400, authors=1_500):
        await ingest.add_text(text, location=str(day))


async def _measure_front_killed(folder: Path, size: Size) -> list[Figure]:
    async with _world(folder, "front-killed") as harness:
        await _fill(harness)
        [channel] = await harness.fake.add_channels(1)
        await _start(harness, "--role", "leader")
        await harness.fake.wait_until_connected()
        fronts = await harness.start_fronts(2)
        for number in range(WARM_UP):
            await _look_up(harness, channel, number)
        count = INTERACTIONS_PER_SECOND * ASKED_SECONDS

        async def ask(number: int) -> dict[str, Any]:
            await asyncio.sleep(number / INTERACTIONS_PER_SECOND)
            return await _look_up(harness, channel, WARM_UP + number)

        asking = [asyncio.create_task(ask(number)) for number in range(count)]
        await asyncio.sleep(ASKED_SECONDS / 2)
        port = next(iter(fronts))
        fronts[port].kill()
        records = await asyncio.gather(*asking)
    missing = [record for record in records if record["answered_milliseconds"] is None]
    # Later ones find the port closed, and go to the other front.
    in_hands = [record for record in missing if record["endpoint"] == fault_harness.front_url(port)]
    answered = [record["answered_milliseconds"] for record in records if record not in missing]
    return [
        show(
            Figure(
                f"a front killed at {INTERACTIONS_PER_SECOND} interactions/s: unanswered, not in its hands",
                len(missing) - len(in_hands),
                "",
                max_value=0,
            )
        ),
        show(Figure(f"a front killed: unanswered of {count}, in its hands", len(in_hands), "")),
        show(Figure("a front killed: to an answer, p95", percentile(answered, 0.95), "ms")),
    ]


async def _measure_lookups(folder: Path, size: Size) -> list[Figure]:
    """Compare the CPU of look-ups by the Gateway and by a front, and the pace of one front and of two."""
    async with _world(folder, "look-ups") as harness:
        await _fill(harness)
        [channel] = await harness.fake.add_channels(1)
        sender = await _start(harness)
        await harness.fake.wait_until_connected()
        fronts = await harness.start_fronts(2)
        urls = [fault_harness.front_url(port) for port in fronts]
        first, second = fronts.values()
        asked = 0

        async def look_up(count: int, at_once: int, *used: str) -> float:
            """Look up this number of topics by these fronts, or by the Gateway; return the seconds."""
            nonlocal asked
            await harness.fake.run_action("set_endpoints", {"urls": list(used)})
            numbers, started = iter(range(asked, asked + count)), time.monotonic()
            asked += count

            async def ask() -> None:
                for number in numbers:
                    record = await _look_up(harness, channel, number)
                    assert record["answered_milliseconds"] is not None, harness.read_log()[-3000:]

            await asyncio.gather(*(ask() for _ in range(at_once)))
            return time.monotonic() - started

        async def measure_cpu(of: ForkedProcess, *used: str) -> float:
            """Return the CPU milliseconds of a process for one look-up."""
            before = _cpu_seconds(of)
            await look_up(size.lookups, 1, *used)
            return 1e3 * (_cpu_seconds(of) - before) / size.lookups

        for used in ((), urls[:1], urls[1:]):
            await look_up(WARM_UP, 1, *used)
        by_gateway, by_front, by_one, by_two, of_one, of_busier = [], [], [], [], [], []
        for _ in range(ROUNDS):
            by_gateway.append(await measure_cpu(sender))
            by_front.append(await measure_cpu(first, urls[0]))
            before = _cpu_seconds(first)
            by_one.append(await look_up(2 * size.lookups, AT_ONCE, urls[0]))
            of_one.append(_cpu_seconds(first) - before)
            both = [(front, _cpu_seconds(front)) for front in (first, second)]
            by_two.append(await look_up(2 * size.lookups, AT_ONCE, *urls))
            of_busier.append(max(_cpu_seconds(front) - before for front, before in both))
    count, cores = 2 * size.lookups, psutil.cpu_count() or 1
    return [
        show(
            Figure(
                "CPU of a look-up by a front (floor: by the Gateway)",
                median(by_front),
                "ms",
                floor=median(by_gateway),
                max_ratio=1.1,
            )
        ),
        # What two fronts can do, once each has a core of its own.
        show(
            Figure(
                f"CPU of the busier of two fronts for {count} look-ups (floor: of one for all)",
                median(of_busier),
                "s",
                floor=median(of_one),
                max_ratio=1 / 1.7,
            )
        ),
        # PostgreSQL, the fake Discord and this process take more than a core.
        show(
            Figure(
                f"{count} look-ups by two fronts, on {cores} cores (floor: by one)",
                median(by_two),
                "s",
                floor=median(by_one),
                max_ratio=1 / 1.7 if cores >= 4 else None,
            )
        ),
    ]


def _cpu_seconds(of: ForkedProcess) -> float:
    times = psutil.Process(of.pid).cpu_times()
    return float(times.user + times.system)


# The database


async def _measure_promotion(folder: Path, size: Size) -> list[Figure]:
    (own := folder / "promotion").mkdir()
    with postgres_server.open_postgres_server() as primary, primary.open_replica() as replica:
        hosts = {"host": [primary.host, replica.host], "target_session_attrs": "primary"}
        url = sa.make_url(primary.url).set(query=hosts).render_as_string(hide_password=False)
        async with (
            process.FakeDiscord(validate=False) as fake,
            fault_harness.open_fault_harness(fake, url, own) as harness,
        ):
            await fake.add_guild()
            channels = await fake.add_channels(FROZEN_CHANNELS)
            await _start(harness)
            await _start(harness)
            await fault_harness.add_round(harness, channels, 0)
            await harness.wait_for_sent(FROZEN_CHANNELS // 4)
            started = time.monotonic()
            primary.stop(signal.SIGQUIT)
            replica.promote()
            count = await harness.count_sent_messages()
            await harness.wait_for_sent(
                count + relay.Limits().max_in_flight + 1, 120
            )  # the last one was claimed afterwards
            seconds = time.monotonic() - started
            await harness.wait_until(lambda: _are_all_sent(harness), 300)
            lost, doubled = await fault_harness.count_faults(harness, channels, 1)
    return [
        show(Figure("primary killed, replica promoted: until it sends", seconds, "s", max_value=30)),
        *_show_faults("primary killed", lost, doubled),
    ]


async def _measure_copy(folder: Path, size: Size) -> list[Figure]:
    """Compare `db copy` with `pg_restore` of the same rows, both without the search index."""
    with postgres_server.open_postgres_server() as server:
        urls = [sa.make_url(server.url).set(database=name) for name in ("source", "copied")]
        for name in ("source", "copied", "restored"):
            server.execute(f"CREATE DATABASE {name}")
        source, target = [
            await migrate.open_database(url.render_as_string(hide_password=False), migrate=True)
            for url in urls
        ]
        await _add_papers(source, size.papers)
        names = [
            f"--exclude-table-data={table.name}"
            for table in set(tables.metadata.sorted_tables) - set(copying.COPIED)
        ]
        # In the data folder, which the server's user can write.
        server.run("pg_dump", "--format=custom", "--file=dump", *names, "source")
        started = time.monotonic()
        server.run("pg_restore", "--dbname=restored", "dump")
        restored = time.monotonic() - started
        started = time.monotonic()
        rows = [copied async for copied in copying.copy(source, target, system_clock())][-1]
        seconds = time.monotonic() - started
        await source.close()
        await target.close()
    name = f"db copy of {size.papers:,} papers, {rows:,} rows (floor: pg_restore)"
    return [show(Figure(name, seconds, "s", floor=restored, max_ratio=3))]


async def _add_papers(database: Database, count: int) -> None:
    """Store papers with their authors, summaries and digests, of which a part is generated and the rest has other names."""
    corpus, generated = search_corpus.Corpus(), min(CORPUS, count)
    async with database.transaction() as connection:
        batch = list(corpus.papers(1, generated, total=generated))
        names = search_corpus.author_names(generated)
        await search_build._insert_with_digests(connection, batch, names)
        for table in copying.COPIED:
            if table is tables.meta or not await connection.scalar(
                sa.select(sa.func.count()).select_from(table)
            ):
                continue
            columns = [_renamed(column) for column in table.c]
            statement = (
                f"INSERT INTO {table.name} ({', '.join(column.name for column in table.c)})"
                f" SELECT {', '.join(columns)} FROM {table.name}, generate_series(1, {count // generated - 1}) AS copy"
            )
            await connection.execute(sa.text(statement.replace(":", "\\:")))


def _renamed(column: sa.Column[Any]) -> str:
    """Return the SQL of a column in the copy with a number: other ids, and other names where they must differ."""
    if column.foreign_keys or (column.name == "id" and isinstance(column.type, sa.Integer)):
        return f"{column.name} + copy * 1000000"
    unique = [index.columns for index in column.table.indexes if index.unique]
    unique += [of.columns for of in column.table.constraints if isinstance(of, sa.UniqueConstraint)]
    is_unique = any(column.name in columns for columns in unique)
    if isinstance(column.type, sa.Text) and (is_unique or column.primary_key):
        return f"{column.name} || '.' || copy"
    return column.name


Measure = Callable[[Path, Size], Awaitable[list[Figure]]]
MEASURES: dict[str, Measure] = {
    "kills": _measure_kills,
    "freeze": _measure_freeze,
    "front-killed": _measure_front_killed,
    "take-over": _measure_take_over,
    "look-ups": _measure_lookups,
    "promotion": _measure_promotion,
    "copy": _measure_copy,
}


async def measure(folder: Path, names: Sequence[str], size: Size) -> list[Figure]:
    """Run each measure with databases, a fake Discord and processes of its own."""
    figures = []
    for name in names:
        figures += await asyncio.wait_for(MEASURES[name](folder, size), TIMEOUT_SECONDS)
    return figures


def main() -> int:
    """Measure in a temporary folder; return 1 if a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.availability", description=__doc__)
    parser.add_argument("--only", action="append", choices=MEASURES, help="measure this; may be repeated")
    parser.add_argument(
        "--short", action="store_true", help="with fewer kills, channels and papers, and a freeze of 30 s"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        size = SHORT if options.short else Size()
        figures = asyncio.run(measure(Path(folder), options.only or [*MEASURES], size))
    missed = [figure for figure in figures if not figure.is_met]
    sys.stdout.write(f"\n{len(figures)} figures, {len(missed)} goals missed\n")
    for figure in missed:
        show(figure)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
