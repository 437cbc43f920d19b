"""Attacks by a source that the operator added: it contradicts another one, flips, and dates its digest tomorrow.

Prints for a reader's look-up and for sent posts what the stranger changed, and what merging the papers costs. Works on a
SQLite file of its own, without network, in less than a minute.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from bot.app.container import Container
from bot.archive import digest_writer
from bot.archive.ingest import IngestService
from bot.core import logs
from bot.core.settings import Settings
from bot.daily.planner import DailyPlanner
from bot.daily.service import Subscriptions
from bot.search.service import SearchService
from storage import archive, migrate, models, outbox, papers, sources, tables
from storage.database import Database

DAY = date(2026, 1, 5)
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
IDS = tuple(f"2601.{number:05}" for number in range(1, 6))
CHANNELS = 6
FLIPS = 6


class Clock:
    """A clock that the probe moves."""

    now = NOW - 4 * HOUR

    def __call__(self) -> datetime:
        return self.now


def newsletter(
    text: str, *, on: date = DAY, votes: int = 50, title: str = "Honest", name: str = "Ada Byron"
) -> str:
    """Return a digest of all papers."""
    blocks = [
        f"### [{title} {arxiv_id}](https://arxiv.org/abs/{arxiv_id}{'' if title == 'Honest' else '?free'})\n\nVote: {votes}\n\n"
        f"Authors: {name}\n\n- ***What's New***: {text} It shows how {arxiv_id} does its work.\n"
        for arxiv_id in IDS
    ]
    return f"## Daily Papers ({on})\n\n" + "\n".join(blocks)


class Probe:
    """A database with two sources, a container at a moved clock, and a post of the honest digest in some channels."""

    def __init__(self, database: Database) -> None:
        self.database, self.clock = database, Clock()
        self.container = Container(Settings(database_url="sqlite+aiosqlite://"), database, self.clock)
        self.ingest: IngestService = self.container.create_ingest()

    async def add(self, text: str, source: str) -> None:
        """Store what a source has at its one address, and plan the edits of posts that it brings, as each tick does."""
        await self.ingest.add_text(text, source=source, location=f"{source}/latest.md")
        await self.container.edit_planner.plan(self.database, self.clock())

    async def post(self) -> None:
        """Post the honest digest to all channels, and let every message be sent."""
        async with self.database.transaction() as connection:
            for source in ("https://honest.example", "https://stranger.example"):
                await sources.add(connection, url=source, kind=models.SourceKind.URL, now=self.clock())
        service = Subscriptions(self.database, self.clock)
        for number in range(CHANNELS):
            await service.add(
                models.Subscription(guild_id=10, channel_id=20 + number, timezone="UTC", at_time="12:00")
            )
        await self.add(newsletter("At first."), "https://honest.example")
        self.clock.now = NOW
        planner = DailyPlanner(
            self.database, self.container.deliveries, SearchService(self.database).match_papers
        )
        await planner.tick(NOW)
        await self.mark_sent(models.DeliveryKind.DAILY)

    async def mark_sent(self, kind: models.DeliveryKind) -> int:
        """Store a receipt for all parts of a kind that are due; returns their number."""
        async with self.database.transaction() as connection:
            due = await outbox.list_due(connection, self.clock(), limit=10_000)
            receipts = {
                row.part.id: models.Receipt(
                    row.part.message_id or 1000 + row.part.id, row.delivery.channel_id or 0
                )
                for row in due
                if row.delivery.kind is kind
            }
            await outbox.mark_sent(connection, receipts, self.clock())
        return len(receipts)

    async def count_edits(self) -> tuple[int, int]:
        """Return the edits that wait, and the most that wait for one message."""
        async with self.database.read() as connection:
            rows = await connection.execute(
                sa.select(sa.func.count())
                .where(
                    tables.parts.c.kind == models.PartKind.EDIT,
                    tables.parts.c.state == models.PartState.PLANNED,
                )
                .group_by(tables.parts.c.message_id)
            )
            counts = list(rows.scalars())
        return sum(counts), max(counts, default=0)

    async def detail(self) -> models.PaperDetail:
        """Return the first paper as a look-up shows it."""
        async with self.database.read() as connection:
            found = await papers.get_detail(connection, IDS[0])
        assert found is not None
        return found


async def open_probe(folder: Path, name: str) -> Probe:
    """Return a probe whose posts are sent."""
    probe = Probe(await migrate.open_database(f"sqlite+aiosqlite:///{folder / name}.db"))
    await probe.post()
    return probe


def describe(paper: models.PaperDetail) -> str:
    """Return the fields that a stranger would like to set."""
    return f"{paper.votes} votes, “{(paper.title or '')[:20]}”, {paper.url[-22:]}, {', '.join(paper.authors)}"


async def attack(folder: Path) -> None:
    """Print what a second source changes."""
    probe = await open_probe(folder, "fields")
    print("honest:                    ", describe(await probe.detail()))
    hostile = {"votes": 999_999, "title": "FREE NITRO", "name": "Mallory"}
    await probe.add(newsletter("Buy now.", **hostile), "https://stranger.example")  # type: ignore[arg-type]
    print(
        "a stranger's, same date:   ",
        describe(await probe.detail()),
        "·",
        *await probe.count_edits(),
        "edits wait",
    )
    await probe.add(newsletter("Buy now.", on=DAY + timedelta(days=1), **hostile), "https://stranger.example")  # type: ignore[arg-type]
    print(
        "a stranger's, of tomorrow: ",
        describe(await probe.detail()),
        "·",
        *await probe.count_edits(),
        "edits wait",
    )
    await probe.database.close()

    probe, sent = await open_probe(folder, "flips"), 0
    for flip in range(FLIPS):
        await probe.add(newsletter(f"Buy {flip}.", **hostile), "https://stranger.example")  # type: ignore[arg-type]
        sent += await probe.mark_sent(models.DeliveryKind.EDIT)
    print(f"a stranger flips {FLIPS} times: {sent} edits of {CHANNELS} messages")
    await probe.database.close()

    probe, sent = await open_probe(folder, "own"), 0
    for flip in range(FLIPS):
        probe.clock.now += timedelta(minutes=1)
        await probe.add(newsletter(f"Put right {flip}."), "https://honest.example")
        sent += await probe.mark_sent(models.DeliveryKind.EDIT)
    probe.clock.now += HOUR
    last = await probe.mark_sent(models.DeliveryKind.EDIT)
    print(
        f"the honest source flips {FLIPS} times in as many minutes: {sent} edits of {CHANNELS} messages, {last} an hour later"
    )
    await probe.database.close()

    probe = await open_probe(folder, "down")
    for flip in range(4):
        probe.clock.now += timedelta(minutes=1)
        await probe.add(newsletter(f"Put right {flip}."), "https://honest.example")
    waiting, most = await probe.count_edits()
    print(
        f"4 flips of the honest source while Discord is down: {waiting} edits wait, at most {most} a message"
    )
    await probe.database.close()


def measure_merge(rows: Iterable[tuple[str, list[models.Appearance], list[models.PaperFacts]]]) -> float:
    """Return the least CPU milliseconds of five runs in which all papers are merged."""
    seconds = []
    for _ in range(5):
        start = time.process_time()
        for arxiv_id, appearances, facts in rows:
            digest_writer.merge(arxiv_id, appearances, facts, (NOW, 3))
        seconds.append(time.process_time() - start)
    return 1e3 * min(seconds)


async def merge_costs(folder: Path) -> None:
    """Print what merging a thousand papers costs, of two digests and two services each, in memory and with the queries."""
    database = await migrate.open_database(f"sqlite+aiosqlite:///{folder / 'merge'}.db")
    clock = Clock()
    container = Container(Settings(database_url="sqlite+aiosqlite://"), database, clock)
    ingest = container.create_ingest()
    names = [f"2601.{number:05}" for number in range(1, 1001)]
    for day in (0, 1):
        on = DAY - timedelta(days=30 - day)
        entries = "\n".join(
            f"### [Paper {name}](https://arxiv.org/abs/{name})\n\nVote: 9\n\nAuthors: Ada Byron, Bea Long\n\n"
            f"- ***What's New***: It shows how {name} does its work, on day {day}.\n"
            for name in names
        )
        await ingest.add_text(f"## Daily Papers ({on})\n\n{entries}", location=f"{day}.md")
    for source in ("arxiv", "huggingface"):
        await ingest.add_facts(
            models.PaperFacts(
                name, source, "", NOW, title="T", authors=("A B", "C D"), abstract="It works.", votes=3
            )
            for name in names
        )
    async with database.read() as connection:
        ids = await papers.get_ids(connection, names)
        start = time.process_time()
        appearances = await archive.list_appearances(connection, ids.values())
        facts = await papers.list_facts_by_paper(connection, ids.values())
        read = time.process_time() - start
    rows = [(name, appearances[ids[name]], facts[ids[name]]) for name in names]
    print(
        f"merging {len(names):,} papers: {measure_merge(rows):.1f} CPU ms; reading what is said of them: {1e3 * read:.0f} CPU ms"
    )
    await database.close()


async def main() -> None:
    """Run all probes."""
    logs.configure("console:error")
    with tempfile.TemporaryDirectory() as folder:
        await attack(Path(folder))
        await merge_costs(Path(folder))


if __name__ == "__main__":
    asyncio.run(main())
