"""Word vectors of an operator's folder: words that no paper has find the papers of the nearest terms."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.core import errors
from bot.search.results import SearchRequest
from bot.search.service import SearchService
from bot.search.similar import MAX_WORDS, WordVectors, read_vectors
from storage.database import Database
from tests.support import sample_archive

VECTORS = """8 3
reinforcement 1 0.1 0
learning 1 0 0.1
carrot 0.9 0.1 0.1
강화 0 1 0
학습 0 1 0.1
당근 0.1 0.9 0
pebble 0 0 -1
nothing 0 0 0
"""


def _write(folder: Path, text: str) -> Path:
    path = folder / "words.vec"
    path.write_text(text, encoding="utf-8")
    return path


async def _titles(search: SearchService, query: str, *, literal: bool = False) -> list[str | None]:
    result = await search.search(SearchRequest(query, literal=literal))
    return [row.title for row in result.rows]


@pytest.fixture
async def archive(db: Database) -> Database:
    """Two papers, one of them on reinforcement learning."""
    await sample_archive.add_digest(db, "2025-01-02", sample_archive.REINFORCED, sample_archive.CHEMISTRY)
    return db


async def test_a_word_that_no_paper_has_finds_the_papers_of_the_nearest_term(
    archive: Database, tmp_path: Path
) -> None:
    _write(tmp_path, VECTORS)
    search = SearchService(archive, vectors=WordVectors(tmp_path))
    for query in ("carrot", "CARROT", "papers about carrot", "당근", "당근을 이용한 논문"):
        assert await _titles(search, query) == [sample_archive.REINFORCED.title], query
    result = await search.search(SearchRequest("carrot"))
    assert "reinforcement learning" in result.added_forms
    assert not result.corrected


@pytest.mark.parametrize("query", ["pebble", "nothing", "turnip"])
async def test_a_word_that_is_near_no_term_finds_nothing(
    archive: Database, tmp_path: Path, query: str
) -> None:
    _write(tmp_path, VECTORS)
    assert await _titles(SearchService(archive, vectors=WordVectors(tmp_path)), query) == []


async def test_vectors_are_off_by_default_and_for_a_literal_search(archive: Database, tmp_path: Path) -> None:
    _write(tmp_path, VECTORS)
    assert await _titles(SearchService(archive), "carrot") == []
    assert await _titles(SearchService(archive, vectors=WordVectors(tmp_path)), "carrot", literal=True) == []


async def test_a_word_that_papers_have_is_searched_for_alone(archive: Database, tmp_path: Path) -> None:
    _write(tmp_path, VECTORS + "molecules 1 0 0\n")
    search = SearchService(archive, vectors=WordVectors(tmp_path))
    assert await _titles(search, "molecules") == [sample_archive.CHEMISTRY.title]


@pytest.mark.parametrize("text", [None, "1 2\nword 1\n"])
async def test_search_goes_on_without_files_that_can_be_used(
    archive: Database, tmp_path: Path, text: str | None
) -> None:
    if text is not None:
        _write(tmp_path, text)
    search = SearchService(archive, vectors=WordVectors(tmp_path))
    assert await _titles(search, "carrot planning") == await _titles(
        SearchService(archive), "carrot planning"
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("word 1 2 3\n", 1),
        ("1 301\n", 1),
        ("1 0\n", 1),
        ("2 2\nword 1 2\nother 1\n", 3),
        ("1 2\nword 1 two\n", 2),
        ("1 2\nword 1 nan\n", 2),
        ("1 2\nword 1 1e400\n", 2),
        ("1 2\n" + "w" * 20_000 + " 1 2\n", 2),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    path = _write(tmp_path, text)
    with pytest.raises(errors.UsageError, match=rf"words\.vec, line {line}: "):
        read_vectors(path)


def test_text_that_is_not_utf_8_and_a_file_that_is_too_large_are_named(tmp_path: Path) -> None:
    path = tmp_path / "words.vec"
    path.write_bytes(b"1 1\n\xff 1\n")
    with pytest.raises(errors.UsageError, match=r"line 2: .*utf-8"):
        read_vectors(path)
    with path.open("wb") as file:
        file.truncate(500_000_001)
    with pytest.raises(errors.UsageError, match="larger than 500,000,000 bytes"):
        read_vectors(path)


def test_no_more_than_the_first_words_are_read(tmp_path: Path) -> None:
    words = "".join(f"w{number} 1\n" for number in range(MAX_WORDS))
    path = _write(tmp_path, f"{MAX_WORDS + 1} 1\n{words}last one\n")
    assert len(read_vectors(path)) == MAX_WORDS
