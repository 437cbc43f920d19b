"""Malformed arXiv ids from a reader and from a digest, and a flood of imports: who is not asked about any more.

arXiv is a server on loopback that refuses a list with an id of an unknown archive, as arXiv does (400 for all of it).
"""

from __future__ import annotations

import asyncio
import re
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import date, timedelta
from pathlib import Path

import sqlalchemy as sa
from aiohttp import web

from bot.client.accounts import ReaderData
from bot.shelf.news import PaperSweep, PaperWatch
from bot.shelf.service import ReferenceImporter
from bot.sources import base, fetcher
from storage import migrate, papers, shelf, tables
from storage.database import Database
from storage.models import SourceKind
from tests.support import digest_builders, origin_server, source_payloads
from tests.support.polling_harness import START, PollingHarness

DAY, QUARTER = timedelta(days=1), timedelta(minutes=15)
HOSTILE, FLOOD = 66, 5_000
_WELL_FORMED = re.compile(r"(cs|math|hep-th)/[0-9]{7}|[0-9]{4}\.[0-9]{4,5}")
REFUSED = "cs/0112017"
"""An id that is well formed, but that arXiv refuses all the same."""


class Services:
    """arXiv and Hugging Face on loopback, with what they were asked: arXiv's lists of ids and how many it refused."""

    def __init__(self, origin: origin_server.OriginServer) -> None:
        self.origin = origin
        self.asked: list[list[str]] = []
        self.refusals = 0
        origin.pages["/api/query"] = self._answer

    @property
    def answered(self) -> set[str]:
        """The ids in lists that were not refused."""
        return {name for ids in self.asked if not any(map(self._is_bad, ids)) for name in ids}

    def _is_bad(self, arxiv_id: str) -> bool:
        return not _WELL_FORMED.fullmatch(arxiv_id) or arxiv_id == REFUSED

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        ids = request.query["id_list"].split(",")
        self.asked.append(ids)
        if any(map(self._is_bad, ids)):
            self.refusals += 1
            return web.Response(status=400, text="incorrect id format")
        text = source_payloads.atom(*map(source_payloads.arxiv_entry, ids))
        return web.Response(text=text, content_type="application/atom+xml")


class Readers(PollingHarness):
    """A bot with papers of ten readers, each of whom keeps five, at a time that the probe moves."""

    services: Services

    async def fill(self) -> set[str]:
        """Store the readers' papers. Returns their arXiv ids."""
        names = [f"2501.{number:05}" for number in range(1, 51)]
        text = digest_builders.newsletter(date(2025, 1, 2), [(name, 5) for name in names])
        await self.ingest.add_text(text, location="a.md")
        async with self.db.transaction() as connection:
            ids = await papers.get_ids(connection, names)
            for number, name in enumerate(names):
                await shelf.save(connection, number // 5 + 1, [ids[name]], self.now, None)
        return set(names)

    @asynccontextmanager
    async def open_sweep(self) -> AsyncIterator[PaperSweep]:
        """Open a sweep over arXiv and Hugging Face, without their pace."""
        async with fetcher.open_fetcher(
            now=self.clock,
            random=lambda: 0.0,
            user_agent="Paperround/bench",
            allowed_hosts=[("127.0.0.1", self.origin.port)],
            sleep=self.sleep,
        ) as fetch:
            watch = PaperWatch(fetch, self.endpoints, base.no_throttle, base.no_throttle)
            yield PaperSweep(self.db, self.clock, watch)

    async def count_papers(self) -> int:
        """Return the number of rows of papers."""
        async with self.db.read() as connection:
            query = sa.select(sa.func.count()).select_from(tables.papers)
            return int((await connection.execute(query)).scalar_one())

    async def list_unasked(self, names: Iterable[str], service: SourceKind) -> set[str]:
        """Return those of these papers that a service was not asked about in the last six days and a half."""
        at = tables.watched_papers.c[f"{service.value}_at"]
        query = sa.select(tables.papers.c.arxiv_id).join(tables.watched_papers)
        async with self.db.read() as connection:
            asked = set((await connection.execute(query.where(at > self.now - 6.5 * DAY))).scalars())
        return set(names) - asked


@asynccontextmanager
async def _open_readers() -> AsyncIterator[Readers]:
    with tempfile.TemporaryDirectory() as folder:
        database: Database = await migrate.open_database(f"sqlite+aiosqlite:///{Path(folder) / 'probe.db'}")
        async with origin_server.run_origin() as origin:
            readers = Readers(database, origin)
            readers.services = Services(origin)
            yield readers
        await database.close()


async def probe_reader(malformed: str) -> str:
    """Import one id beside the readers' papers, and sweep for eight days."""
    async with _open_readers() as readers, readers.open_sweep() as sweep:
        names = await readers.fill()
        importer = ReferenceImporter(readers.db, readers.clock)
        await sweep.run()
        counts, _, _ = await importer.import_file(HOSTILE, b"@misc{k,eprint={%s}}" % malformed.encode())
        readers.services.asked.clear()
        for _ in range(24):
            readers.now += DAY / 3
            await sweep.run()
        missing = names - readers.services.answered
        return (
            f"{malformed} imported ({counts['saved']} saved): {readers.services.refusals} of"
            f" {len(readers.services.asked)} requests refused in 8 days, {len(missing)} of 50 papers not asked again"
        )


async def probe_digest(malformed: str) -> str:
    """Ingest a digest with one malformed id, and poll arXiv for fourteen days."""
    async with _open_readers() as readers:
        await readers.add(f"{readers.origin.url}/api/query", "arxiv")
        names = [f"2505.{number:05}" for number in range(1, 21)]
        text = digest_builders.newsletter(START.date(), [(malformed, 9), *((name, 5) for name in names)])
        await readers.ingest.add_text(text, location="b.md")
        for _ in range(14):
            await readers.fetch_due()
            readers.now += DAY
        details = [await readers.detail(name) for name in names]
        found = sum(detail is not None and detail.abstract is not None for detail in details)
        asked, refused = len(readers.services.asked), readers.services.refusals
        return f"{malformed} in a digest: {found} of 20 papers with abstract, {refused} of {asked} requests refused"


async def probe_flood(accounts: int) -> str:
    """Import 5,000 ids, forget, import 5,000 others, twice a day for 36 hours while others' papers are due.

    With several accounts each round is of another one.
    """
    async with _open_readers() as readers, readers.open_sweep() as sweep:
        names = await readers.fill()
        await sweep.run()
        readers.now += 7 * DAY
        importer, data = ReferenceImporter(readers.db, readers.clock), ReaderData(readers.db, readers.clock)
        rows, user_id = [await readers.count_papers()], HOSTILE
        forgets: list[float] = []
        after: dict[SourceKind, timedelta] = {}
        for run in range(36 * 4):
            if run % 48 == 0:
                number, month = run // 48 * FLOOD, 2401 + run // 48
                with _timed(forgets):
                    await data.forget(user_id)
                user_id = HOSTILE + run // 48 % accounts
                rows.append(await readers.count_papers())
                entries = (
                    f"@misc{{k,eprint={{{month}.{n:05}}}}}\n" for n in range(number + 1, number + FLOOD + 1)
                )
                await importer.import_file(user_id, "".join(entries).encode())
                rows.append(await readers.count_papers())
            await sweep.run()
            readers.now += QUARTER
            for service in (SourceKind.ARXIV, SourceKind.HUGGINGFACE):
                if service not in after and not await readers.list_unasked(names, service):
                    after[service] = (run + 1) * QUARTER
        missing = await readers.list_unasked(names, SourceKind.ARXIV)
        await data.forget(user_id)
        rows.append(await readers.count_papers())
        return (
            f"flood of imports by {accounts}: {len(missing)} of 50 papers of others not asked about in 36 hours; all were after"
            f" {' and '.join(map(str, after.values())) or 'never'}; rows of papers"
            f" {' -> '.join(map(str, rows))}; /me forget {max(forgets):.2f} s"
        )


@contextmanager
def _timed(seconds: list[float]) -> Iterator[None]:
    started = time.process_time()
    yield
    seconds.append(time.process_time() - started)


async def main() -> None:
    """Print the figures of each probe."""
    for malformed in ("zzz/0112017", REFUSED):
        print(await probe_reader(malformed))
        print(await probe_digest(malformed))
    for accounts in (1, 3):
        print(await probe_flood(accounts))
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(f"{used.ru_utime + used.ru_stime:.0f} CPU s, peak {used.ru_maxrss / 1000:.0f} MB", file=sys.stderr)


if __name__ == "__main__":
    asyncio.run(main())
