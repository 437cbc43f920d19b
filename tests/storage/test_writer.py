"""Drafts of papers, and token counts, on both engines."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from storage import models, writer
from storage.database import Database

NOW = datetime(2026, 1, 5, tzinfo=UTC)
DAY = date(2026, 1, 31)
DRAFT = writer.Draft("2601.00001", models.DigestFormat.NEWSLETTER, models.Locale.KO, "1", "small", NOW)


async def test_a_written_draft_replaces_the_draft_without_input(db: Database) -> None:
    written = replace(DRAFT, input_hash="abc", state=writer.DraftState.CHECKED, text="{}", problems=("one",))
    async with db.transaction() as connection:
        for draft in (DRAFT, replace(DRAFT, language=models.Locale.EN), written):
            await writer.save_draft(connection, draft)
        found = await writer.find_draft(connection, DRAFT, ["2601.00001", "2601.00002"])
    assert found == {"2601.00001": written}


async def test_finds_the_draft_written_from_the_newest_input(db: Database) -> None:
    first, second = (
        replace(DRAFT, input_hash=name, updated_at=NOW + timedelta(days=days))
        for name, days in (("b", 1), ("a", 2))
    )
    async with db.transaction() as connection:
        await writer.save_draft(connection, second)
        await writer.save_draft(connection, first)
        assert await writer.find_draft(connection, DRAFT, ["2601.00001"]) == {"2601.00001": second}
        assert await writer.find_draft(connection, replace(DRAFT, prompt_version="2"), ["2601.00001"]) == {}


async def test_counts_tokens_by_day_and_month(db: Database) -> None:
    async with db.transaction() as connection:
        for day in (date(2025, 12, 31), date(2026, 1, 1), DAY, DAY, date(2026, 2, 1)):
            await writer.add_tokens(connection, day, 10)
        assert await writer.get_token_totals(connection, DAY) == (20, 30)
        assert await writer.get_token_totals(connection, date(2025, 12, 1)) == (0, 10)
