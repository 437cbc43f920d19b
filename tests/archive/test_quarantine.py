"""What is being read at a crash is read once more, alone, and then set aside. The processes are really killed."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from datetime import date
from pathlib import Path

import pytest

from bot.archive.ingest import Quarantine
from storage import archive, deliveries, key_values, models
from storage.database import Database
from tests.support import crashing_reader, digest_builders, origin_server
from tests.support.polling_harness import PollingHarness

ROOT = Path(__file__).parents[2]


async def run_reader(*arguments: str) -> int:
    """Run the process and return its exit status, which is negative if a signal killed it."""
    command = [sys.executable, "-m", "tests.support.crashing_reader", *arguments]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
    return await process.wait()


def digest_text(number: int, text: str = "") -> str:
    return digest_builders.newsletter(date(2025, 1, number), [(f"2501.{number:05}", 5)], text=text)


async def list_notices(database: Database) -> list[int | None]:
    async with database.read() as connection:
        planned = await deliveries.list_rows(connection, kind=models.DeliveryKind.NOTICE)
    return [delivery.channel_id for delivery in planned]


@pytest.mark.engines("postgresql")
async def test_a_file_that_kills_the_bot_twice_is_set_aside_and_the_others_are_read(
    database_url: str, db: Database, tmp_path: Path
) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    for number, name in enumerate(("a.md", "b.md", "c.md"), 1):
        (inbox / name).write_text(digest_text(number, "poison" if name == "b.md" else ""))
    statuses = [await run_reader("inbox", database_url, str(inbox)) for _ in range(4)]
    assert statuses == [-signal.SIGKILL, -signal.SIGKILL, 0, 0]
    async with db.read() as connection:
        assert await archive.list_dates(connection, limit=9) == [date(2025, 1, 3), date(2025, 1, 1)]
    assert await list_notices(db) == [crashing_reader.OPERATOR_CHANNEL]
    (inbox / "b.md").write_text(digest_text(2))
    assert await run_reader("inbox", database_url, str(inbox)) == 0
    async with db.read() as connection:
        assert len(await archive.list_dates(connection, limit=9)) == 3


async def test_a_source_that_kills_the_bot_twice_is_polled_no_more_and_the_others_are(
    database_url: str, db: Database, tmp_path: Path
) -> None:
    async with origin_server.run_origin() as origin:
        harness = PollingHarness(db, origin)
        for number, path in enumerate(("/a.md", "/b.md"), 1):
            origin.pages[path] = digest_text(number, "poison" if path == "/a.md" else "")
            await harness.add(path)
        host = f"127.0.0.1:{origin.port}"
        statuses = [await run_reader("sources", database_url, str(tmp_path), host) for _ in range(3)]
        health = await harness.health()
    assert statuses == [-signal.SIGKILL, -signal.SIGKILL, 0]
    rows = {url.rpartition("/")[2]: (row.status, row.reason) for url, row in health.items()}
    assert rows == {
        "a.md": (models.FetchStatus.FAILED, "crashed-twice"),
        "b.md": (models.FetchStatus.OK, None),
    }
    assert health[f"{origin.url}/a.md"].next_attempt_at is None
    assert await list_notices(db) == [crashing_reader.OPERATOR_CHANNEL]


@pytest.mark.engines("sqlite", "postgresql")
async def test_an_error_is_no_crash_and_a_changed_item_is_read_again(db: Database) -> None:
    quarantine = Quarantine(db, "inbox")
    for _ in range(3):
        try:
            async with quarantine.reading({"a": "1"}):
                raise ValueError
        except ValueError:
            pass
    assert await quarantine.admit({"a": "1"}) == (["a"], [], [])
    for crashes, expected in ((1, (["b"], ["a"], [])), (2, (["b"], [], ["a"]))):
        async with db.transaction() as connection:
            stored = json.dumps({"a": {"1": crashes}})
            await key_values.set_value(connection, f"{key_values.BEING_READ}inbox", stored)
        assert await Quarantine(db, "inbox").admit({"a": "1", "b": "1"}) == expected
    assert await quarantine.admit({"a": "2"}) == (["a"], [], [])
    assert await Quarantine(db, "sources").admit({"a": "1"}) == (["a"], [], [])
