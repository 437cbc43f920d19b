"""Papers found by their titles, on both engines."""

from __future__ import annotations

from bot.search.service import SearchService


async def test_a_paper_is_found_by_a_part_of_its_title(search: SearchService) -> None:
    detail = await search.find_paper("molecules in")
    assert detail is not None
    assert detail.arxiv_id == "2501.00003"
    assert await search.find_paper("2599.99999") is None
