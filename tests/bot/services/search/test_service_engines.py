"""Both engines give nearly the same results, since they only retrieve candidates and our code scores them."""

from __future__ import annotations

from pathlib import Path

from bot.services.search.results import SearchRequest
from bot.services.search.service import SearchService
from storage import migrate
from tests.conftest import create_postgres_database
from tests.support import sample_archive

QUERIES = (
    "추론",
    "reasoning",
    "LLM 추론",
    "RL",
    "강화학습",
    "확산 모델",
    "diffusion",
    "소형 언어 모델",
    "비디오 생성",
    "benchmark 평가",
    '"language model" -비전',
    "멀티모달",
)
DIGESTS = 12


async def first_ten(url: str, files: list[Path]) -> list[list[str]]:
    """Ingest digests and return the first ten papers of each query."""
    database = await migrate.open_database(url, migrate=True)
    try:
        ingest = sample_archive.make_ingest(database)
        for file in files:
            await ingest.add_text(file.read_text(), location=file.name)
        search = SearchService(database)
        return [
            [row.arxiv_id for row in (await search.search(SearchRequest(query))).rows] for query in QUERIES
        ]
    finally:
        await database.close()


async def test_nine_of_the_first_ten_papers_are_the_same_on_both_engines(
    archive: Path, tmp_path: Path, postgres_url: str
) -> None:
    files = sorted((archive / "newsletter").rglob("*.md"))[:DIGESTS]
    sqlite = await first_ten(f"sqlite+aiosqlite:///{tmp_path / 'a.db'}", files)
    postgres = await first_ten(await create_postgres_database(postgres_url), files)
    for query, first, second in zip(QUERIES, sqlite, postgres, strict=True):
        assert first, query
        assert len(set(first) & set(second)) >= 0.9 * len(first), query
