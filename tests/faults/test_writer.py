"""`paperround write`, killed many times: no stored response is requested again, and no paper is lost."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.core.clock import system_clock
from bot.features.writer import drafting
from storage import migrate, writer
from storage.database import Database
from storage.statements import fetch_records
from tests.fake_model import papers
from tests.fake_model.server import FakeModel
from tests.support import fork_server, seeds

KILLS, PAPERS, BROKEN = 50, 60, 0.2
"""The last is the share of responses that are broken."""
WRITE = (
    *("write", "--date", "2026-11-18", "--format", "newsletter"),
    *("--language", "ko", "--output", "out.md", "--json"),
)


class Killed:
    """A run in its own folder that is repeatedly started and killed."""

    def __init__(self, model: FakeModel, folder: Path) -> None:
        self.model = model
        self.folder = folder
        self.environment = {**os.environ, **model.environment()}

    def start(self, *arguments: str) -> fork_server.ForkedProcess:
        for name in ("out", "err"):
            (self.folder / name).write_bytes(b"")
        return fork_server.ForkedProcess(
            *("bot", arguments),
            cwd=self.folder,
            env=self.environment,
            log=self.folder / "out",
            errors=self.folder / "err",
        )

    async def finish(self, *arguments: str) -> dict[str, Any]:
        """Run to the end. The exit status is 1 if papers have no summary (see `docs/writer.md`)."""
        status = await asyncio.to_thread(self.start(*arguments).wait)
        record: dict[str, Any] = json.loads((self.folder / "out").read_text() or "{}")
        assert status == bool(record.get("failed")), (self.folder / "err").read_text()
        return record

    async def kill_after(self, requests: int) -> bool:
        """Start, and kill after this number of responses. Returns False if the run ended first."""
        wanted = len(self.model.log()) + requests
        process = self.start(*WRITE)
        ended = asyncio.ensure_future(asyncio.to_thread(process.wait))
        while not ended.done() and len(self.model.log()) < wanted:
            await asyncio.wait({ended}, timeout=0.01)
        if not ended.done():
            process.kill()
        return await ended != 0


async def list_answered(database: Database, ids: list[str]) -> tuple[set[str], set[str]]:
    """Return the papers with a stored response, and those that are also judged."""
    async with database.read() as connection:
        query = sa.select(writer.drafts).where(writer.drafts.c.paper_key.in_(ids))
        rows = await fetch_records(connection, writer.Draft, query)
    judged = {row.paper_key for row in rows if row.state is writer.DraftState.CHECKED}
    return {row.paper_key for row in rows if row.text}, judged


@pytest.mark.all_faults
async def test_restarted_run_does_not_repeat_requests_that_had_a_response(
    fake_model: FakeModel, tmp_path: Path
) -> None:
    fake_model.reset(paper_count=PAPERS, delay=0.1, fault_share=BROKEN)
    rng, run = seeds.rng(), Killed(fake_model, tmp_path)
    listed = papers.make(PAPERS)
    titles = {paper.title: paper.id for paper in listed}
    database = await migrate.open_database(f"sqlite+aiosqlite:///{tmp_path / 'paperround.db'}")
    killed = 0
    for _ in range(KILLS):
        answered, judged = await list_answered(database, [paper.id for paper in listed])
        before = len(fake_model.log())
        killed += await run.kill_after(rng.randint(0, 5))
        asked = [row for row in fake_model.log()[before:] if row.get("title")]
        assert not answered & {titles[row["title"]] for row in asked if row["section"] != "verdicts"}
        assert not judged & {titles[row["title"]] for row in asked}
    counts = await run.finish(*WRITE)
    assert killed > 0
    with_text = sum(paper.text != "none" or bool(paper.summary) for paper in listed)
    assert counts["papers"] == PAPERS
    assert counts["written"] + counts["from_abstract"] + counts["failed"] == with_text
    parsed = await run.finish("parse", "out.md")
    assert [paper["arxiv_id"] for paper in parsed["papers"]] == [paper.id for paper in listed]
    good = [row for row in fake_model.log() if row["status"] == 200 and not row["fault"]]
    # Each kill may lose the calls in progress: four at most.
    assert len(good) <= 2 * with_text + drafting.CONCURRENCY * killed
    of_day, _ = await database.fetch(writer.get_token_totals, system_clock().date())
    assert of_day <= sum(row.get("tokens") or 0 for row in fake_model.log())
    if not counts["failed"]:
        calls = len(fake_model.log())
        assert (await run.finish(*WRITE))["calls"] == 0
        assert len(fake_model.log()) == calls
    await database.close()
