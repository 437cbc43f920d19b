"""Suggestions for queries that find nothing or too little, on both engines."""

from __future__ import annotations

from bot.search.results import SearchRequest
from bot.search.service import SearchService


async def test_a_typing_error_of_a_word_without_papers_suggests_its_correction(search: SearchService) -> None:
    for typed, meant in [("difusion model", "diffusion model"), ("mixure of experts", "mixture of experts")]:
        assert meant in [text.casefold() for text in (await search.search(SearchRequest(typed))).suggestions]


async def test_words_that_papers_have_are_not_corrected(search: SearchService) -> None:
    # "model" is one letter away from MoDE and modal.
    assert [
        text.casefold() for text in (await search.search(SearchRequest("difusion model"))).suggestions
    ] in (["diffusion model"], ["diffusion model", "diffusion"])


async def test_a_query_unlike_any_topic_has_no_suggestions(search: SearchService) -> None:
    assert (await search.search(SearchRequest("zzzzzz"))).suggestions == ()


async def test_a_query_hidden_by_its_filters_is_suggested_without_them(search: SearchService) -> None:
    for query in ("모델 votes:500", "모델 author:lin", "모델 since:2025-02", "모델 -모델"):
        result = await search.search(SearchRequest(query))
        assert result.rows == ()
        assert result.suggestions[:1] == ("모델",)
    also_hidden = await search.search(SearchRequest("모델 votes:500", min_votes=500))
    assert "모델" not in also_hidden.suggestions


async def test_a_known_term_is_suggested_when_no_paper_has_all_of_the_query(search: SearchService) -> None:
    result = await search.search(SearchRequest("강화학습 qwertz asdfgh yxcvbn"))
    assert result.missing == {"2501.00002": ("qwertz", "asdfgh", "yxcvbn")}
    assert "강화학습" in result.suggestions
