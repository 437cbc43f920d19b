"""Papers that a query names: first, however unpopular they are, on both engines."""

from __future__ import annotations

import pytest

from bot.search.results import SearchRequest
from bot.search.service import SearchService
from storage.database import Database
from tests.support import sample_archive
from tests.support.sample_archive import NewsletterPaper

USERS = 60


@pytest.fixture
async def named(db: Database) -> SearchService:
    """The search service over named papers without votes, among many popular papers that use them."""
    papers = [
        NewsletterPaper(
            f"2501.{number:05}",
            f"Better Mamba and Llama 3 Fusion {number}",
            "Mamba와 Llama 3를 씁니다. Mamba는 빠르고 Llama 3는 큽니다. Mamba, Llama 3.",
            votes=50 + number,
        )
        for number in range(USERS)
    ]
    named = [
        NewsletterPaper("2312.00752", "Mamba: Linear-Time Sequences", "시퀀스를 다룹니다.", votes=0),
        NewsletterPaper("2407.21783", "The Llama 3 Herd of Models", "모델군입니다.", votes=0),
        NewsletterPaper("2307.09288", "Llama 2: Open Models", "대화 모델입니다.", votes=0),
        NewsletterPaper("2407.08608", "FlashAttention-3: Fast", "빠릅니다.", votes=0),
        NewsletterPaper("2404.14469", "Snap KV: A Cache", "캐시입니다.", votes=0),
    ]
    await sample_archive.add_digest(db, "2025-01-02", *papers, *named)
    return SearchService(db)


async def test_the_paper_that_has_the_name_is_first(named: SearchService) -> None:
    for query, first in [
        ("Mamba", "2312.00752"),
        ("the mamba paper", "2312.00752"),
        ("llama 3", "2407.21783"),
        ("Llama3", "2407.21783"),
        ("llama-3 논문", "2407.21783"),
        ("llama2", "2307.09288"),
        ("flash attention 3", "2407.08608"),
        ("flashattention", "2407.08608"),
        ("snapkv", "2404.14469"),
    ]:
        result = await named.search(SearchRequest(query))
        assert result.rows[0].arxiv_id == first


async def test_a_name_finds_its_versions_before_papers_that_use_it(named: SearchService) -> None:
    result = await named.search(SearchRequest("llama"))
    assert [row.arxiv_id for row in result.rows[:2]] == ["2307.09288", "2407.21783"]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("flash attention", "FlashAttention을 씁니다."),
        ("FlashAttention", "flash attention을 씁니다."),
        ("llama3", "Llama 3를 씁니다."),
        ("sam 2", "SAM2를 씁니다."),
        ("finetuning", "fine tuning을 합니다."),
        ("fine tuning", "finetuning을 합니다."),
    ],
)
async def test_a_text_is_found_in_the_other_writing(db: Database, query: str, text: str) -> None:
    await sample_archive.add_digest(db, "2025-01-02", NewsletterPaper("2501.00001", "A Study", text))
    result = await SearchService(db).search(SearchRequest(query))
    assert [row.arxiv_id for row in result.rows] == ["2501.00001"]
    assert not result.missing
