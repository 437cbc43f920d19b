"""The papers of the day by DM: at the reader's hour across clock changes, once, and not to closed DMs."""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bot.app.container import Container
from bot.archive import listing
from bot.client import translations
from bot.core.settings import Settings
from bot.today.service import TodayPlanner, TodayService
from storage import accounts, models, outbox
from storage.database import Database
from tests.support import killed_process, sample_archive
from tests.support.sample_archive import NewsletterPaper

both_engines = pytest.mark.engines("sqlite", "postgresql")


READER = 7
START = datetime(2025, 3, 8, 12, tzinfo=UTC)


class _Planned:
    """A planner with a clock, and a reader in New York who wants the papers at 02:30."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.now = START
        self.container = Container(Settings(), db, lambda: self.now)
        self.container.texts = translations.Translations()
        self.services = self.container.create_services()
        self.planner: TodayPlanner = self.container.create_today_planner(self.services)

    async def subscribe(self, at_time: str = "02:30") -> None:
        async with self.db.transaction() as connection:
            await accounts.upsert_reader(
                connection, READER, timezone="America/New_York", locale=models.Locale.KO
            )
        await self.services.get(TodayService).send_daily(READER, at_time, "UTC")

    async def add_day(self, on: str, number: int) -> None:
        ids = [f"2503.{number:02}{paper:03}" for paper in range(1, 8)]
        await sample_archive.add_digest(
            self.db, on, *(NewsletterPaper(arxiv_id, f"Paper {arxiv_id}", "A study.") for arxiv_id in ids)
        )

    async def add_lookup(self, on: date, items: Sequence[dict[str, Any]]) -> None:
        """Store new papers for look-up, as those of an arXiv category."""
        digest = listing.build(on, items, form=models.DigestFormat.LOOKUP)
        ingest = self.container.create_ingest()
        await ingest.add_digests([digest], source="arxiv:cs.CL", location=f"arxiv:cs.CL/{on}")

    async def run_until(self, until: datetime) -> list[datetime]:
        """Tick every half hour; return when deliveries were planned."""
        planned = []
        while self.now < until:
            if await self.planner.tick(self.now):
                planned.append(self.now)
            self.now += timedelta(minutes=30)
        return planned

    async def list_deliveries(self) -> list[models.Delivery]:
        async with self.db.read() as connection:
            return await outbox.list_rows(connection, kind=models.DeliveryKind.TODAY)


@pytest.mark.parametrize(
    "failing", ["bot.today.profiles.Profiles.learn", "bot.today.service.TodayService.build_of_day"]
)
async def test_a_reader_for_whom_it_fails_holds_up_no_other(
    db: Database, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    planned = _Planned(db)
    for user_id in (READER, READER + 1, READER + 2):
        await planned.services.get(TodayService).send_daily(user_id, "15:00", "UTC")
    await planned.add_day("2025-03-08", 1)
    method = pkgutil.resolve_name(failing)

    async def fail_for_one(*arguments: Any, **options: Any) -> Any:
        if any(getattr(argument, "user_id", 0) == READER + 1 for argument in arguments):
            raise ValueError("a paper that cannot be ranked")
        return await method(*arguments, **options)

    monkeypatch.setattr(failing, fail_for_one)
    await planned.run_until(START + timedelta(hours=4))
    assert {row.user_id for row in await planned.list_deliveries()} == {READER, READER + 2}


async def test_each_day_is_sent_once_at_the_local_hour_across_both_clock_changes(db: Database) -> None:
    planned = _Planned(db)
    await planned.subscribe()
    for number, on in enumerate(["2025-03-07", "2025-03-08", "2025-03-09", "2025-03-10"], start=1):
        await planned.add_day(on, number)
        await planned.run_until(datetime.fromisoformat(f"{on}T12:00Z") + timedelta(days=2))
    deliveries = await planned.list_deliveries()
    # On March 9 the clock jumps from 02:00 to 03:00 in New York, and 02:30 is the first minute after that.
    assert [row.planned_at for row in reversed(deliveries)] == [
        datetime(2025, 3, 9, 7, tzinfo=UTC),
        datetime(2025, 3, 10, 6, 30, tzinfo=UTC),
        datetime(2025, 3, 11, 6, 30, tzinfo=UTC),
        datetime(2025, 3, 12, 6, 30, tzinfo=UTC),
    ]
    assert {row.digest_on for row in deliveries} == {date(2025, 3, day) for day in (7, 8, 9, 10)}
    assert all(row.locale is models.Locale.KO and len(row.papers) == 5 for row in deliveries)


async def test_a_reader_who_moves_west_misses_no_day_and_gets_none_twice(sqlite_db: Database) -> None:
    """The morning of March 9 comes twice: in Seoul, and 14 hours later in New York, with a new digest meanwhile."""
    planned = _Planned(sqlite_db)
    await planned.subscribe("09:00")
    for number, (zone, until) in enumerate((("Asia/Seoul", 9), ("America/New_York", 12)), start=1):
        async with sqlite_db.transaction() as connection:
            await accounts.upsert_reader(connection, READER, timezone=zone)
        await planned.add_day(f"2025-03-0{7 + number}", number)
        await planned.run_until(datetime(2025, 3, until, 2, tzinfo=UTC))
    deliveries = list(reversed(await planned.list_deliveries()))
    assert [row.digest_on for row in deliveries] == [date(2025, 3, 8), date(2025, 3, 9)]


@both_engines
async def test_a_round_that_is_killed_before_and_after_each_commit_sends_the_day_once(db: Database) -> None:
    planned = _Planned(db)
    readers = READER, READER + 1, READER + 2
    for user_id in readers:
        await planned.services.get(TodayService).send_daily(user_id, "15:00", "UTC")
    await planned.add_day("2025-03-07", 1)
    now = START + timedelta(hours=3)
    for number, is_stored in ((1, False), (2, False), (1, True)):
        with killed_process.killed_at(db, number, is_stored=is_stored):
            await planned.planner.tick(now)
    await planned.planner.tick(now)
    deliveries = await planned.list_deliveries()
    assert sorted((row.user_id, row.digest_on) for row in deliveries) == [
        (user_id, date(2025, 3, 7)) for user_id in readers
    ]
