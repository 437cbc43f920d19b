"""SIGKILL while new papers of arXiv are read: none is lost, and each reader is told of each once."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from bot.alerts import planner as alerts_planner
from bot.alerts.service import Alerts
from bot.sources import arxiv_categories, kinds
from storage import models, sources, tables
from tests.support import alert_builders, fake_arxiv, origin_server
from tests.support.fault_harness import FaultHarness

pytestmark = [pytest.mark.faults, pytest.mark.wire]

SEEDS = 4
SOURCE = "arxiv:cs.CL"
KILLS, DAYS = 2, 3
"""arXiv is asked once in three seconds."""


async def test_a_back_fill_goes_on_after_kills_and_an_announcement_is_told_once(
    harness: FaultHarness, seed: int
) -> None:
    rng = random.Random(seed)
    today = datetime.now(UTC).date()
    first = today - timedelta(days=DAYS)
    papers = list(fake_arxiv.make_papers(20 * DAYS, first, 20))
    announced = [fake_arxiv.make_paper(90_100 + number, today) for number in range(300)]
    fake = fake_arxiv.FakeArxiv(papers, announced, today)
    await Alerts(harness.db, harness.now).add(
        alert_builders.draft(announced[7].authors[0], user_id=7, kind=models.AlertKind.AUTHOR)
    )
    await harness.lift_limit_of_direct_messages()
    async with origin_server.run_origin() as origin:
        fake.install(origin, "cs.CL")
        settings = {
            "PAPERROUND_ARXIV_URL": f"{origin.url}/api/query",
            "PAPERROUND_ARXIV_RSS_URL": f"{origin.url}/rss",
        }
        registry = kinds.SourceRegistry(harness.db, harness.now, {})
        await registry.add(SOURCE, kind=models.SourceKind.ARXIV, options={"since": first.isoformat()})

        for kill in range(1, KILLS + 1):
            bot = harness.start_bot(**settings)
            await harness.wait_until(lambda kill=kill: fake.counted("/api/query") >= kill, 120)  # type: ignore[misc]
            await asyncio.sleep(rng.uniform(0.0, 0.5))
            bot.kill()
            bot.wait()
        harness.start_bot(**settings)
        await harness.wait_until(lambda: _is_done(harness), 120)

        async def is_matched() -> bool:
            return await harness.count_rows(tables.matches) == 1

        await harness.wait_until(is_matched, 120)
        await harness.advance_clock(alerts_planner.GATHERING_TIME)
        await harness.wait_for_sent(1)
        assert max(fake.served.values()) <= 1 + KILLS
        stored = await _stored_ids(harness)
    own = {paper.arxiv_id for paper in papers if paper.categories[0] == "cs.CL"}
    assert stored == own | {paper.arxiv_id for paper in announced}
    messages = await harness.fake.all_messages()
    assert sum(map(len, messages.values())) == 1
    assert announced[7].title in str(messages)


async def _is_done(harness: FaultHarness) -> bool:
    async with harness.db.read() as connection:
        [row] = await sources.list_rows(connection)
    back_fill = arxiv_categories.read_back_fill(row.progress)
    return back_fill is not None and back_fill.is_done


async def _stored_ids(harness: FaultHarness) -> set[str]:
    query = sa.select(tables.papers.c.arxiv_id).where(tables.papers.c.last_on.is_not(None))
    async with harness.db.read() as connection:
        return set((await connection.execute(query)).scalars())
