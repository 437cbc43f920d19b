"""The table of the full texts of papers on both engines."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from storage import models, writer
from storage.database import Database

NOW = datetime(2026, 1, 5, tzinfo=UTC)
TEXT = models.PaperText(
    "2601.00001", "# 제목\n\n" + "Lamps are lit at dusk. " * 5_000, "https://a.example/x", NOW
)


async def test_a_text_comes_back_with_its_provenance_and_a_newer_one_replaces_it(db: Database) -> None:
    newer = replace(TEXT, text="other \ud83d".encode("utf-8", "replace").decode(), basis="abstract")
    async with db.transaction() as connection:
        assert await writer.get_text(connection, TEXT.arxiv_id) is None
        await writer.save_text(connection, TEXT)
        assert await writer.get_text(connection, TEXT.arxiv_id) == TEXT
        await writer.save_text(connection, newer)
        assert await writer.get_text(connection, TEXT.arxiv_id) == newer


async def test_old_texts_are_removed(db: Database) -> None:
    async with db.transaction() as connection:
        for number in range(3):
            day = NOW - timedelta(days=number)
            await writer.save_text(connection, replace(TEXT, arxiv_id=f"2601.0000{number}", fetched_at=day))
        assert await writer.purge_texts(connection, NOW, 1) == 1
        assert await writer.purge_texts(connection, NOW, 9) == 1
        assert await writer.get_text(connection, "2601.00000") is not None
