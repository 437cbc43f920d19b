"""The table of drafts on both engines."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from storage import models, writer
from storage.database import Database

NOW = datetime(2026, 1, 5, tzinfo=UTC)
DRAFT = writer.Draft("2601.00001", models.DigestFormat.NEWSLETTER, models.Locale.KO, "1", "small", NOW)


async def test_a_draft_whose_input_is_read_replaces_the_planned_one(db: Database) -> None:
    written = replace(
        DRAFT,
        input_hash="abc",
        state=writer.DraftState.CHECKED,
        basis="paper",
        text="{}",
        problems=("one",),
        claims_dropped=1,
        calls=2,
        tokens=300,
    )
    async with db.transaction() as connection:
        await writer.save_draft(connection, [DRAFT, replace(DRAFT, language=models.Locale.EN)])
        await writer.save_draft(connection, [written])
        assert await writer.find_draft(connection, DRAFT, ["2601.00001", "2601.00002"]) == {
            "2601.00001": written
        }
        assert len(await writer.list_drafts_by_paper(connection, "2601.00001")) == 2


async def test_the_newest_input_of_a_paper_counts(db: Database) -> None:
    first, second = (
        replace(DRAFT, input_hash=name, updated_at=NOW + timedelta(days=days))
        for name, days in (("b", 1), ("a", 2))
    )
    async with db.transaction() as connection:
        await writer.save_draft(connection, [second, first])
        assert await writer.find_draft(connection, DRAFT, ["2601.00001"]) == {"2601.00001": second}
        assert await writer.find_draft(connection, replace(DRAFT, prompt_version="2"), ["2601.00001"]) == {}
        assert await writer.list_drafts_by_paper(connection, "2601.00001") == [second, first]


async def test_old_drafts_are_removed(db: Database) -> None:
    old = replace(DRAFT, arxiv_id="2501.00001", input_hash="a", updated_at=NOW - timedelta(days=90))
    async with db.transaction() as connection:
        await writer.save_draft(connection, [DRAFT, old])
        assert await writer.purge_drafts(connection, NOW, 10) == 1
        assert await writer.list_drafts_by_paper(connection, DRAFT.arxiv_id) == [DRAFT]
