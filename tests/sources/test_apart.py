"""A paper of an answer, or a stored source, that causes a bug leaves the others as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from bot.sources import arxiv_categories, feed
from storage.database import Database
from tests.support import origin_server, source_payloads
from tests.support.polling_harness import PollingHarness


def fail_for_second(parse: Callable[..., Any]) -> Callable[..., Any]:
    calls = iter(range(100))

    def fail(*arguments: Any) -> Any:
        if next(calls) == 1:
            raise KeyError("a bug")
        return parse(*arguments)

    return fail


def test_records_and_entries_of_an_answer_are_parsed_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in (
        (arxiv_categories, "_parse_item"),
        (arxiv_categories, "_parse_record"),
        (feed, "_parse_entry"),
    ):
        monkeypatch.setattr(module, name, fail_for_second(getattr(module, name)))
    ids = ["2505.00001", "2505.00002", "2505.00003"]
    items = "".join(f"<item><guid>{arxiv_id}</guid></item>" for arxiv_id in ids)
    _, announced = arxiv_categories.parse_announcement(f"<rss><channel>{items}</channel></rss>")
    assert [record.arxiv_id for record in announced] == ids[::2]
    records = "".join(
        f"<record><header/><metadata><arXiv><id>{arxiv_id}</id></arXiv></metadata></record>"
        for arxiv_id in ids
    )
    page = arxiv_categories.parse_record_list(f"<OAI><ListRecords>{records}</ListRecords></OAI>")
    assert [record.arxiv_id for record in page.records] == ids[::2]
    parsed = feed.parse_document(source_payloads.atom(*map(source_payloads.arxiv_entry, ids)))
    assert [entry.arxiv_id for entry in parsed.entries] == ids[::2]
    assert parsed.problem == "entries left out: 1; the first caused an internal error (KeyError: 'a bug')"


async def test_a_source_that_cannot_be_read_holds_up_no_other(sqlite_db: Database) -> None:
    async with origin_server.run_origin() as origin:
        harness = PollingHarness(sqlite_db, origin)
        for path in ("/a.md", "/b.md"):
            harness.origin.pages[path] = source_payloads.newsletter()
            await harness.add(path)
        async with sqlite_db.transaction() as connection:
            await connection.execute(sa.text("UPDATE sources SET kind = 'telepathy' WHERE url LIKE '%/a.md'"))
        [report] = await harness.fetch_due()
        assert report.source.url.endswith("/b.md")


async def test_a_feed_with_an_entry_that_causes_a_bug_is_read_as_often_as_before(
    sqlite_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    parse = feed._parse_entry

    def fail(entry: Any, *arguments: Any) -> Any:
        if "2505.00002" in repr(entry):
            raise KeyError("a bug")
        return parse(entry, *arguments)

    monkeypatch.setattr(feed, "_parse_entry", fail)
    async with origin_server.run_origin() as origin:
        harness = PollingHarness(sqlite_db, origin)
        ids = ["2505.00001", "2505.00002", "2505.00003"]
        await harness.add("/feed", kind="feed")
        pauses = set()
        for number in range(3):
            text = source_payloads.atom(*map(source_payloads.arxiv_entry, ids))
            harness.origin.pages["/feed"] = f"{text}<!-- {number} -->"
            [report] = await harness.fetch_due()
            assert "entries left out: 1" in report.reason
            [row] = await harness.registry.list_rows()
            assert row.next_attempt_at is not None
            pauses.add(row.next_attempt_at - harness.now)
            harness.now = row.next_attempt_at
    assert len(pauses) == 1
