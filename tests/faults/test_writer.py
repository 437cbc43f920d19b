"""`paperround write`, killed at many moments: no answer that is stored is asked for again, and no paper is lost.

`make test` runs 2 kills, `make test-faults` 100, with a fifth of the calls failing.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bot.core.clock import system_clock
from storage import migrate, writer
from storage.database import Database
from tests.fake_model import papers
from tests.fake_model.fixtures import fake_model, fake_model_process
from tests.fake_model.process import FakeModelProcess
from tests.support import fork_server

__all__ = ["fake_model", "fake_model_process"]

pytestmark = pytest.mark.faults

SHORT_KILLS, LONG_KILLS = 2, 100
CAP = 50_000_000
"""Lost calls keep their reservations: 100 kills take four million tokens."""
WRITE = (
    *("write", "--date", "2026-11-18", "--format", "newsletter"),
    *("--language", "ko", "--output", "out.md", "--json"),
)


class Killed:
    """A run in a folder of its own, started and killed again and again."""

    def __init__(self, model: FakeModelProcess, folder: Path) -> None:
        self.model = model
        self.folder = folder
        self.environment = {**os.environ, **model.environment(), "PAPERROUND_WRITER_DAILY_TOKENS": str(CAP)}

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
        assert await asyncio.to_thread(self.start(*arguments).wait) == 0, (self.folder / "err").read_text()
        record: dict[str, Any] = json.loads((self.folder / "out").read_text())
        return record

    async def kill_after(self, requests: int) -> bool:
        """Start, and kill once the model has answered this number of further requests; false if the run ended before."""
        wanted = len(self.model.log()) + requests
        process = self.start(*WRITE)
        ended = asyncio.ensure_future(asyncio.to_thread(process.wait))
        while not ended.done() and len(self.model.log()) < wanted:
            await asyncio.wait({ended}, timeout=0.01)
        if not ended.done():
            process.kill()
        return await ended != 0


async def list_answered(database: Database, ids: list[str]) -> set[str]:
    async with database.read() as connection:
        rows = [row for arxiv_id in ids for row in await writer.list_drafts_by_paper(connection, arxiv_id)]
    return {row.arxiv_id for row in rows if row.text}


async def test_a_killed_run_loses_at_most_the_open_calls(
    fake_model: FakeModelProcess, tmp_path: Path, all_seeds: bool
) -> None:
    kills, count = (LONG_KILLS, 100) if all_seeds else (SHORT_KILLS, 14)
    fake_model.reset(paper_count=count, delay=0.1, fault_share=0.2 if all_seeds else 0.0, wrong_share=0.1)
    rng, run = random.Random(13), Killed(fake_model, tmp_path)
    listed = papers.make(count)
    titles = {paper.title: paper.id for paper in listed}
    database = await migrate.open_database(f"sqlite+aiosqlite:///{tmp_path / 'paperround.db'}")
    killed = 0
    for _ in range(kills):
        answered = await list_answered(database, [paper.id for paper in listed])
        before = len(fake_model.log())
        killed += await run.kill_after(rng.randint(0, 3))
        first_calls = [row for row in fake_model.log()[before:] if not row.get("repair")]
        assert not answered & {titles[row["title"]] for row in first_calls if row.get("title")}
    counts = await run.finish(*WRITE)
    assert killed > 0
    with_text = sum(paper.text != "none" or bool(paper.summary) for paper in listed)
    assert counts["papers"] == count
    assert counts["written"] + counts["from_abstract"] == with_text
    parsed = await run.finish("parse", "out.md")
    assert [paper["arxiv_id"] for paper in parsed["papers"]] == [paper.id for paper in listed]
    answers = Counter(row["title"] for row in fake_model.log() if row["status"] == 200 and not row["repair"])
    faults = sum(row["status"] != 200 or row["fault"] is not None for row in fake_model.log())
    assert sum(answers.values()) <= with_text + 4 * killed + faults
    async with database.read() as connection:
        of_day, _ = await writer.get_token_totals(connection, system_clock().date())
    used = sum(row.get("tokens") or 0 for row in fake_model.log())
    assert used <= of_day <= CAP
    calls = len(fake_model.log())
    assert (await run.finish(*WRITE))["calls"] == 0
    assert len(fake_model.log()) == calls
    await database.close()
