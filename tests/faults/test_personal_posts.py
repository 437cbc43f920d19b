"""Repeated SIGKILL while a reader's alert and papers of the day are found, planned and sent.

Both are due on a Monday at nine: each reader gets each of them once.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, time, timedelta
from itertools import product

import pytest
import sqlalchemy as sa

from bot.alerts.service import Alerts
from storage import models, shelf, tables, today
from tests.support import alert_builders, digest_builders
from tests.support.fault_harness import FaultHarness

pytestmark = [pytest.mark.faults, pytest.mark.wire]

SEEDS = 5
READERS = range(1, 13)
KILLS = 4
"""Kills per seed and phase with `--all-faults`."""
SAVED, PAPERS = "2505.00001", ("2601.00001", "2601.00002")
AT = "09:00"
KINDS = ("alert", "today")
NETWORK_FAULTS = (
    {"kind": "lose", "probability": 0.05, "stored": True},
    {"kind": "lose", "probability": 0.05},
    {"kind": "status", "status": 502, "probability": 0.03, "stored": True},
)


async def test_each_reader_gets_each_message_once_despite_kills_at_random_moments(
    harness: FaultHarness, seed: int, all_seeds: bool
) -> None:
    rng = random.Random(seed)
    monday = _next_monday(harness.now())
    await harness.advance_clock(monday - timedelta(minutes=30) - harness.now())
    await _store(harness, monday)
    if all_seeds:
        await harness.fake.set_faults(*NETWORK_FAULTS, seed=seed)
    else:
        await harness.lift_limit_of_direct_messages()

    async def run_until(condition: Callable[[], Awaitable[bool]], seconds: float = 0.0) -> None:
        """Run a bot until something is so, and for `seconds` more; then kill it."""
        bot = harness.start_bot()
        await harness.wait_until(condition, 120)
        await asyncio.sleep(seconds)
        bot.kill()
        bot.wait()

    async def has_planned_more() -> bool:
        return await harness.count_rows(tables.parts) > before or await has_planned_all()

    async def has_sent_more() -> bool:
        return await harness.count_sent_messages() > sent

    async def has_planned_all() -> bool:
        return await harness.count_rows(tables.parts) == len(KINDS) * len(READERS)

    async def are_found() -> bool:
        return not await harness.count_rows(tables.unmatched_papers)

    await run_until(are_found)
    await harness.advance_clock(monday + timedelta(minutes=1) - harness.now())
    for _ in range(KILLS if all_seeds else 1):
        before = await harness.count_rows(tables.parts)
        await run_until(has_planned_more, rng.uniform(0.0, 0.3))
    for _ in range(KILLS if all_seeds else 0):
        sent = await harness.count_sent_messages()
        if sent < len(READERS):
            await run_until(has_sent_more, rng.uniform(0.0, 0.5))
    await harness.fake.set_faults()
    await run_until(lambda: _is_done(harness))
    if all_seeds:
        await harness.advance_clock(timedelta(days=7))
        await run_until(lambda: _has_moved(harness, monday))
    await _assert_each_has_one_of_each(harness)


def _next_monday(now: datetime) -> datetime:
    """Return the first Monday at nine (UTC) that is at least an hour after `now`."""
    later = now + timedelta(hours=1)
    days = -later.weekday() % 7
    at_nine = datetime.combine(later.date(), time.fromisoformat(AT), later.tzinfo) + timedelta(days=days)
    return at_nine if at_nine > later else at_nine + timedelta(days=7)


async def _store(harness: FaultHarness, monday: datetime) -> None:
    """Store readers with an alert, a saved paper and the wish for the papers of the day, and the digest of Monday."""
    earlier = digest_builders.newsletter(monday.date() - timedelta(days=3), [(SAVED, 5)])
    await digest_builders.ingest_digest(harness.db, earlier, at=harness.now())
    await _add_alerts_and_wishes(harness)
    await harness.store_digest(digest_builders.newsletter(monday.date(), [(id_, 5) for id_ in PAPERS]))


async def _add_alerts_and_wishes(harness: FaultHarness) -> None:
    service = Alerts(harness.db, harness.now)
    saved_at = datetime(2025, 5, 1, tzinfo=UTC)
    last_on = harness.now().date()
    async with harness.db.transaction() as connection:
        paper_id = (await connection.execute(sa.select(tables.papers.c.id))).scalar_one()
        for user_id in READERS:
            await shelf.save(connection, user_id, [paper_id], saved_at)
            profile = models.Profile(user_id, at_time=AT, timezone="UTC", last_on=last_on)
            await today.add(connection, profile)
    for user_id in READERS:
        draft = alert_builders.draft("care", user_id=user_id, timing=models.AlertTiming.DAILY, at_time=AT)
        await service.add(draft)


async def _is_done(harness: FaultHarness) -> bool:
    return await harness.count_states() == {"sent": len(KINDS) * len(READERS)}


async def _has_moved(harness: FaultHarness, monday: datetime) -> bool:
    """Return whether the papers of the day were looked at in the next week."""
    async with harness.db.read() as connection:
        done = await connection.execute(sa.select(sa.func.min(tables.profiles.c.last_on)))
        return bool(done.scalar_one() >= (monday + timedelta(days=7)).date())


async def _assert_each_has_one_of_each(harness: FaultHarness) -> None:
    """Assert that each reader has one message of each kind, and no channel another one."""
    query = sa.select(tables.deliveries.c.user_id, tables.deliveries.c.kind, tables.parts.c.message_id)
    async with harness.db.read() as connection:
        rows = list(await connection.execute(query.join(tables.parts)))
    assert sorted((row.user_id, row.kind) for row in rows) == list(product(READERS, KINDS))
    messages = await harness.fake.all_messages()
    assert [len(of_reader) for of_reader in messages.values()] == [len(KINDS)] * len(READERS)
    arrived = {message["id"] for of_reader in messages.values() for message in of_reader}
    assert arrived == {row.message_id for row in rows}
