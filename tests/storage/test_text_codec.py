"""Texts compressed with a dictionary, on both engines."""

from __future__ import annotations

import pytest

from storage import database, search
from tests.support import index_rows


async def train_and_fail(db: database.Database) -> None:
    """Train a dictionary and read with it, in a transaction that is rolled back."""
    async with db.transaction() as connection:
        await search.train_dictionary(connection, 1000)
        assert await search.has_dictionary(connection)
        assert len(await search.list_by_paper_ids(connection, [1, 500])) == 2
        raise ZeroDivisionError


async def test_texts_compressed_before_and_after_training_are_readable(db: database.Database) -> None:
    words = [f"word{number % 97} 모델{number % 31} rest{number}" for number in range(3000)]
    async with db.transaction() as connection:
        await index_rows.add_papers(
            connection, *((n, 1, "title", " ".join(words[n : n + 40])) for n in range(1, 1001))
        )
        before = await search.list_by_paper_ids(connection, [1, 500])
    with pytest.raises(ZeroDivisionError):
        await train_and_fail(db)
    async with db.transaction() as connection:
        # A dictionary of a transaction that was rolled back must not be used.
        assert not await search.has_dictionary(connection)
        await index_rows.add_papers(connection, (1001, 1, "title", words[7]))
        await search.train_dictionary(connection, 1000)
        await index_rows.add_papers(
            connection, *((n, 1, "title", " ".join(words[n : n + 40])) for n in range(1002, 1050))
        )
    async with db.read() as connection:
        rows = await search.list_by_paper_ids(connection, [1, 500, 1001, 1040])
        assert {paper_id: rows[paper_id] for paper_id in (1, 500)} == before
        assert rows[1001].texts.body == words[7]
        assert rows[1040].texts.body == " ".join(words[1040:1080])
