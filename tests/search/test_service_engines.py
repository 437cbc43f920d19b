"""Both engines give nearly the same results, since they only retrieve candidates and our code scores them."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.search import glossary
from bot.search.results import SearchRequest
from bot.search.service import SearchService
from storage import migrate
from storage.database import Database
from tests.conftest import create_postgres_database
from tests.support import sample_archive
from tests.support.sample_archive import NewsletterPaper

pytestmark = pytest.mark.engines("sqlite", "postgresql")


_QUERY_LIST = (
    '추론|reasoning|LLM 추론|RL|강화학습|확산 모델|diffusion|소형 언어 모델|비디오 생성|benchmark 평가|"language model" -비전'
    "|멀티모달|확산 모델로 비디오를 편집하는 방법|how do language models plan for robots"
)
QUERIES = _QUERY_LIST.split("|")
DIGESTS = 12


async def first_ten(url: str, files: list[Path]) -> list[tuple[list[str], tuple[int, bool, int]]]:
    """Ingest digests and return of each query the first ten papers, the total, whether it is exact, and the complete."""
    database = await migrate.open_database(url, migrate=True)
    try:
        ingest = sample_archive.make_ingest(database)
        for file in files:
            await ingest.add_text(file.read_text(), location=file.name)
        search = SearchService(database)
        answers = [await search.search(SearchRequest(query)) for query in QUERIES]
        return [
            ([row.arxiv_id for row in answer.rows], (answer.total, answer.total_is_exact, answer.complete))
            for answer in answers
        ]
    finally:
        await database.close()


async def test_totals_and_nine_of_the_first_ten_papers_are_the_same_on_both_engines(
    archive: Path, tmp_path: Path, postgres_url: str
) -> None:
    files = sorted((archive / "newsletter").rglob("*.md"))[:DIGESTS]
    sqlite = await first_ten(f"sqlite+aiosqlite:///{tmp_path / 'a.db'}", files)
    postgres = await first_ten(await create_postgres_database(postgres_url), files)
    for query, (first, totals), (second, other_totals) in zip(QUERIES, sqlite, postgres, strict=True):
        assert first, query
        assert len(set(first) & set(second)) >= 0.9 * len(first), query
        assert totals == other_totals, query


async def test_a_new_glossary_merges_the_segments_of_the_index(db: Database) -> None:
    async def count_segments() -> int:
        async with db.read() as connection:
            counting = sa.text("SELECT count(DISTINCT segid) FROM paper_words_idx")
            return int((await connection.execute(counting)).scalar_one()) if db.is_sqlite else 1

    for number in range(1, 4):
        await sample_archive.add_digest(
            db, f"2025-01-0{number}", NewsletterPaper(f"2501.0000{number}", "Speech", "음성(speech)이다.")
        )
    assert await count_segments() > 1 or not db.is_sqlite
    await glossary.GlossaryService(db).rebuild()
    assert await count_segments() == 1
    assert (await SearchService(db).search(SearchRequest("speech"))).total == 3
