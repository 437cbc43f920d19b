"""Saved papers: typed tags and notes, searches, and limits."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.archive.exports import ReferenceFormat
from bot.features.shelf import notes
from bot.rendering import discord_text
from storage import errors, models, papers, shelf
from storage.archive import DigestPaper
from storage.database import Database
from storage.shelf import Owner
from tests.storage.test_saved_papers import add_papers
from tests.support import sample_archive
from tests.support.shelves import open_shelf

NOW = datetime(2026, 1, 5, tzinfo=UTC)


async def match_first(text: str, papers: Sequence[DigestPaper]) -> frozenset[int]:
    """Match the first paper if the query contains "found"."""
    return frozenset(paper.paper_id for paper in papers[:1]) if "found" in text else frozenset()


@pytest.mark.parametrize(
    ("typed", "tags"),
    [
        ("RL, to read", ["rl", "to-read"]),
        ("#rl #확산 모델", ["rl", "확산-모델"]),
        ("a,a,A;b", ["a", "b"]),
        ("rl、ponds､水，x", ["rl", "ponds", "水", "x"]),
        (" , #-;", []),
        ("x" * 99, ["x" * notes.MAX_TAG_LENGTH]),
        (",".join(map(str, range(20))), [str(number) for number in range(notes.MAX_TAGS)]),
    ],
)
def test_tags_are_parsed_from_any_common_notation(typed: str, tags: list[str]) -> None:
    assert notes.parse_tags(typed) == tags


def test_full_width_signs_of_tags_are_read_in_searches() -> None:
    assert notes.split_query("＃rl ponds") == ("ponds", ["rl"])
    assert notes.split_query("#rl、ponds") == ("、ponds", ["rl"])


@example("\u1fb7\u0308")  # lower-casing composes the letter and the mark
@given(st.text())
def test_parsing_tags_and_notes_is_idempotent(typed: str) -> None:
    tags = notes.parse_tags(typed)
    assert notes.join_tags(tags).split() == tags
    assert notes.parse_tags(", ".join(tags)) == tags
    assert all(notes.split_query(f"#{tag} word") == ("word", [tag]) for tag in tags)
    note = notes.clean_note(typed)
    assert notes.clean_note(note) == note
    assert len(note.encode()) <= 4 * notes.MAX_NOTE_LENGTH


async def test_a_search_covers_texts_titles_notes_and_tags(sqlite_db: Database) -> None:
    saved = open_shelf(sqlite_db, lambda: NOW, match_first)
    ids = await sqlite_db.write(add_papers, ["Alpha", "Étude of Beta", "Gamma"])
    for paper_id in ids:
        await saved.save(7, [paper_id])
    await saved.annotate(Owner(7), ids[2], note="compare with DPO", tags="")
    await saved.annotate(Owner(7), ids[1], note="", tags="to read")

    async def find(query: str) -> list[str]:
        rows = (await saved.load_page(Owner(7), query)).papers
        return [row.key[-1] for row in rows]

    expected = {"found": ["1"], "etude BETA": ["2"], "dpo": ["3"], "2501.00001": ["1"], "#to-read": ["2"]}
    nothing = ("#to-read dpo", "#to_read", "#to%", "#%")  # a tag has no wildcards
    for query, numbers in (expected | {query: [] for query in nothing}).items():
        assert await find(query) == numbers, query
    data, count = await saved.export(Owner(7), ReferenceFormat.BIBTEX, "dpo")
    assert (count, "Gamma" in data.decode(), "Alpha" in data.decode()) == (1, True, False)
    assert await saved.list_tags(Owner(7)) == [("to-read", 1)]


async def test_too_many_papers_and_too_large_exports_are_refused(
    sqlite_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.shelf.MAX_SAVED", 1)
    monkeypatch.setattr(discord_text, "FILE_BYTES", 10)
    saved = open_shelf(sqlite_db, lambda: NOW)
    first, second = await sqlite_db.write(add_papers, ["A", "B"])
    await saved.save(7, [first])
    with pytest.raises(errors.UsageError, match="the maximum"):
        await saved.save(7, [second])
    await saved.save(7, [first])
    await sqlite_db.write(shelf.remove, 7, first)
    await saved.save(7, [second])
    with pytest.raises(errors.UsageError, match="larger than Discord accepts"):
        await saved.export(Owner(7), ReferenceFormat.RIS)


@pytest.mark.parametrize(("note", "kept"), [("", "for chapter two"), ("newer", "newer\nfor chapter two")])
async def test_undo_brings_note_and_tags_back_to_a_paper_that_a_menu_saved_again(
    db: Database, note: str, kept: str
) -> None:
    await sample_archive.add_digest(db, "2025-12-30", sample_archive.SMALL)
    [paper_id] = (await db.fetch(papers.get_ids, [sample_archive.SMALL.arxiv_id])).values()
    now = sample_archive.NOW
    await db.write(shelf.save, 7, [paper_id], now, None)
    await db.write(shelf.update, 7, paper_id, note="for chapter two", tags=" thesis ")
    removed_at = now + timedelta(minutes=1)
    await db.write(shelf.take_off, 7, paper_id, removed_at)
    await db.write(shelf.save, 7, [paper_id], now + timedelta(minutes=2), None)
    if note:
        await db.write(shelf.update, 7, paper_id, note=note, tags="")
    assert await db.write(shelf.put_back, shelf.Owner(7), removed_at=removed_at) == 1
    saved = await db.fetch(shelf.get, 7, sample_archive.SMALL.arxiv_id)
    assert isinstance(saved, models.SavedPaper)
    assert (saved.note, saved.tags) == (kept, ("thesis",))
