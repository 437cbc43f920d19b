"""What one reader can do to the others: exports of a full shelf, files that are made to take long, a tag at each keystroke.

The bot runs in this process, connected to the fake Discord in another one, and takes the files from a server on loopback.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from bench import synthetic_archive
from bench.figures import Figure, show
from bot.app import runtime
from bot.app.container import Container
from bot.archive import digest_writer
from bot.core import logs
from bot.core.clock import system_clock
from bot.core.settings import Settings
from bot.search.glossary import GlossaryService
from storage import migrate, papers, shelf
from storage.database import Database
from tests.fake_discord import process

ATTACKER, OTHERS = 5, 1_000
SHELF, NOTE_LENGTH, TAGS = 5_000, 1_000, 10
EXPORTS, WAITING, KEYSTROKES = 20, 300, 10
FILE_BYTES = 1_800_000
SAMPLE_SECONDS, PAUSE_SECONDS = 0.01, 0.25
WAIT_SECONDS = 200.0


class Probe:
    """Measures memory, the event loop's lag, and how long a job of a thread and another reader's look-up wait."""

    def __init__(self, ask: Callable[[], Any]) -> None:
        self._ask = ask
        self.lag = self.job = self.lookup = 0.0
        self.own = self.children = 0.0

    @asynccontextmanager
    async def running(self, about: str) -> AsyncIterator[None]:
        """Measure until the end of the block, then print."""
        idle, cpu = _megabytes("self"), _cpu_seconds()
        tasks = [asyncio.create_task(run()) for run in (self._sample, self._wait_for_jobs, self._look_up)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        show(Figure(f"{about}: memory above idle", self.own - idle, "MB"))
        show(Figure(f"{about}: memory of child processes", self.children, "MB"))
        show(Figure(f"{about}: processor time", _cpu_seconds() - cpu, "s"))
        show(Figure(f"{about}: worst lag of the loop", self.lag, "s"))
        show(Figure(f"{about}: longest wait of a thread's job", self.job, "s"))
        show(Figure(f"{about}: slowest look-up of another reader", self.lookup, "s"))

    async def _sample(self) -> None:
        while True:
            started = time.perf_counter()
            await asyncio.sleep(SAMPLE_SECONDS)
            self.lag = max(self.lag, time.perf_counter() - started - SAMPLE_SECONDS)
            self.own = max(self.own, _megabytes("self"))
            self.children = max(self.children, sum(map(_megabytes, _list_children())))

    async def _wait_for_jobs(self) -> None:
        while True:
            started = time.perf_counter()
            await asyncio.to_thread(int)
            self.job = max(self.job, time.perf_counter() - started)
            await asyncio.sleep(SAMPLE_SECONDS)

    async def _look_up(self) -> None:
        while True:
            started = time.perf_counter()
            await self._ask()
            self.lookup = max(self.lookup, time.perf_counter() - started)
            await asyncio.sleep(PAUSE_SECONDS)


def _megabytes(process_id: str) -> float:
    try:
        pages = int(Path(f"/proc/{process_id}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * resource.getpagesize() / 1e6


def _list_children() -> Iterator[str]:
    """Yield the ids of the children that are Python: those that read files, and not the fake Discord."""
    for path in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in path.read_text().split():
                if "isolation" in Path(f"/proc/{child}/cmdline").read_text():
                    yield child


def _cpu_seconds() -> float:
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in spent)


def _hostile_file(entries: int) -> bytes:
    """Return BibTeX of formulas, in this many titles."""
    title = "$x$" * ((FILE_BYTES // entries - 50) // 3)
    return "".join(
        f"@misc{{k{n},title={{{title}}},eprint={{2401.{n:05}}}}}\n" for n in range(entries)
    ).encode()


FILES = {
    "one": b"@misc{k,title={Mine},eprint={2501.00007}}",
    "formulas": _hostile_file(1),
    "titles": _hostile_file(90),
    "many": _hostile_file(9_000),
}


@asynccontextmanager
async def _serving_files() -> AsyncIterator[str]:
    """Serve the files on loopback, and yield the address of their folder."""

    async def send(request: web.Request) -> web.Response:
        return web.Response(body=FILES[request.match_info["name"]])

    app = web.Application()
    app.router.add_get("/{name}", send)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class Readers:
    """Readers of the bot: what they send, and when they are answered."""

    def __init__(self, fake: process.FakeDiscord, channel: int, files: str) -> None:
        self._fake = fake
        self._channel = channel
        self._files = files
        self._asked = 0

    async def _send(self, data: dict[str, Any], user_id: int, **fields: Any) -> dict[str, Any]:
        fields = {"answer": True, "wait": WAIT_SECONDS} | fields
        return await self._fake.interact(self._channel, data, user_id=user_id, **fields)

    async def look_up(self) -> None:
        """Ask for a topic, each time as another reader."""
        self._asked += 1
        query = {"name": "query", "type": 3, "value": "language model"}
        await self._send({"id": "1", "name": "topic", "type": 1, "options": [query]}, OTHERS + self._asked)

    async def export(self) -> dict[str, Any]:
        """Export the attacker's shelf."""
        return await self._send(_saved("export"), ATTACKER)

    async def get_data(self) -> dict[str, Any]:
        """Get everything that is stored about the attacker."""
        return await self._send(_group("me", "data"), ATTACKER)

    async def import_file(self, name: str, user_id: int) -> dict[str, Any]:
        """Import one of the files."""
        attachment = {"id": "1", "filename": "a.bib", "size": len(FILES[name]), "content_type": "text/plain"}
        attachment["url"] = attachment["proxy_url"] = f"{self._files}/{name}"
        data = _saved("import", {"name": "file", "type": 11, "value": "1"})
        return await self._send(data | {"resolved": {"attachments": {"1": attachment}}}, user_id)

    async def type_tag(self, number: int) -> float:
        """Type a letter of a tag. Returns the seconds to the choices."""
        option = {"name": "tag", "type": 3, "value": str(number), "focused": True}
        started = time.perf_counter()
        await self._send(_saved("list", option), ATTACKER, type=4, answer=False)
        return time.perf_counter() - started


def _saved(name: str, *options: dict[str, Any]) -> dict[str, Any]:
    return _group("saved", name, *options)


def _group(group: str, name: str, *options: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "1",
        "name": group,
        "type": 1,
        "options": [{"name": name, "type": 1, "options": list(options)}],
    }


async def measure(folder: Path, parts: Sequence[str]) -> None:
    """Measure and print all figures."""
    url = f"sqlite+aiosqlite:///{folder / 'readers.db'}"
    async with process.FakeDiscord(validate=False) as fake, _serving_files() as files:
        await fake.add_guild()
        [channel] = await fake.add_channels(1)
        os.environ.update(fake.environment())
        database = await migrate.open_database(url)
        container = Container(Settings(database_url=url), database)
        await _fill(container)
        bot = asyncio.create_task(runtime.run(container))
        try:
            await fake.wait_until_connected()
            readers = Readers(fake, channel, files)
            await readers.look_up()
            await asyncio.sleep(5)
            for part in parts:
                await PARTS[part](readers, Probe(readers.look_up))
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            await bot
            await database.close()


async def _fill(container: Container) -> None:
    """Store an archive, and a shelf with as much as it may hold."""
    ingest = container.create_ingest()
    for day, text in synthetic_archive.generate(digests=30, papers=900, authors=3_000):
        await ingest.add_text(text, location=str(day))
    await GlossaryService(container.database).rebuild()
    await _fill_shelf(container.database)


async def _fill_shelf(database: Database) -> None:
    now = system_clock()
    arxiv_ids = [f"2402.{number:05}" for number in range(SHELF)]
    async with database.transaction() as connection:
        ids = await papers.add(connection, digest_writer.unlisted_papers(arxiv_ids))
        rows = [
            {
                "paper_id": ids[arxiv_id],
                "saved_at": now - timedelta(seconds=number),
                "note": f"{number} " + "note & more_ " * (NOTE_LENGTH // 13 - 1),
                "tags": f" {' '.join(f'tag-{number * TAGS + tag}' for tag in range(TAGS))} ",
                "title": f"A title {number} " + "of many words " * 10,
                "authors": [f"Ada Number{author} Lovelace" for author in range(40)],
            }
            for number, arxiv_id in enumerate(arxiv_ids)
        ]
        await shelf.add(connection, ATTACKER, rows)


def _show_replies(about: str, records: Sequence[dict[str, Any]]) -> None:
    replies = [str(record["replies"]) for record in records]
    for word in ("busy", "short time", "too large", "cannot be read", "saved", "as BibTeX"):
        if count := sum(word in reply for reply in replies):
            show(Figure(f"{about}: answers with “{word}”", count, ""))


async def _measure_exports(readers: Readers, probe: Probe) -> None:
    async with probe.running(f"{EXPORTS} exports of one reader"):
        records = await asyncio.gather(*(readers.export() for _ in range(EXPORTS)))
    _show_replies(f"{EXPORTS} exports", records)


async def _measure_data(readers: Readers, probe: Probe) -> None:
    async with probe.running(f"{EXPORTS} times /me data of one reader"):
        records = await asyncio.gather(*(readers.get_data() for _ in range(EXPORTS)))
    _show_replies(f"{EXPORTS} times /me data", records)


async def _measure_imports(readers: Readers, probe: Probe) -> None:
    """Three hostile files of one reader or of three, then the file of another."""
    for name, accounts in (("formulas", 1), ("titles", 1), ("titles", 3), ("many", 1)):
        probe.__init__(readers.look_up)  # type: ignore[misc]
        about = f"three files of {name} of {accounts}"
        async with probe.running(about):
            hostile = [
                asyncio.create_task(readers.import_file(name, 10 + number % accounts)) for number in range(3)
            ]
            await asyncio.sleep(0.5)
            started = time.perf_counter()
            record = await readers.import_file("one", 20)
            seconds = time.perf_counter() - started
            records = await asyncio.gather(*hostile)
        show(Figure(f"{about}: another reader's file", seconds, "s", max_value=5))
        _show_replies(about, [*records, record])


async def _measure_waiting(readers: Readers, probe: Probe) -> None:
    """Hostile files of thirty readers, ten each."""
    async with probe.running(f"{WAITING} waiting files"):
        tasks = [
            asyncio.create_task(readers.import_file("titles", 100 + number % 30)) for number in range(WAITING)
        ]
        await asyncio.wait(tasks, timeout=20)
        waiting = sum(not task.done() for task in tasks)
        for task in tasks:
            task.cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
    show(Figure(f"{WAITING} waiting files: not answered after 20 s", waiting, ""))
    _show_replies(f"{WAITING} waiting files", [answer for answer in answers if isinstance(answer, dict)])


async def _measure_tags(readers: Readers, probe: Probe) -> None:
    async with probe.running("a keystroke in a tag"):
        seconds = max([await readers.type_tag(number) for number in range(KEYSTROKES)])
    show(Figure(f"a keystroke among {SHELF * TAGS:,} tags", seconds, "s"))
    probe.__init__(readers.look_up)  # type: ignore[misc]
    async with probe.running("ten keystrokes at once"):
        await asyncio.gather(*map(readers.type_tag, range(KEYSTROKES)))


PARTS = {
    "exports": _measure_exports,
    "data": _measure_data,
    "tags": _measure_tags,
    "imports": _measure_imports,
    "waiting": _measure_waiting,
}


def main() -> None:
    """Measure in a temporary folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=" ".join(PARTS))
    options = parser.parse_args()
    logs.configure("console:error")
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder), options.parts or [*PARTS]))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
