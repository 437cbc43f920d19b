"""What is said and done about queries with typing errors, and suggestions for those that find too little."""

from __future__ import annotations

from bot.search.results import SearchRequest
from bot.search.service import SearchService


async def test_a_typing_error_is_answered_as_it_was_meant(search: SearchService) -> None:
    for typed, meant in [
        ("강화 핵습", "강화 학습"),
        ("reinforcment learnign", "reinforcement learning"),
        ("강화 핵습에 대한 논문 알려줘", "강화 학습"),
    ]:
        intended = await search.search(SearchRequest(meant))
        corrected = await search.search(SearchRequest(typed))
        assert corrected.rows == intended.rows != ()
        assert " ".join(word for _, word in corrected.corrected) in meant


async def test_an_error_that_the_stem_hides_is_said_too(search: SearchService) -> None:
    for typed in ["reinforcment", "reinforcment lerning", "Reinforcment learning"]:
        meant = {"reinforcment": "reinforcement", "lerning": "learning"}
        result = await search.search(SearchRequest(typed))
        said = [(word.lower(), correct.lower()) for word, correct in result.corrected]
        assert said == [(word, meant[word]) for word in typed.lower().split() if word in meant]


async def test_a_literal_search_corrects_nothing(search: SearchService) -> None:
    result = await search.search(SearchRequest("핵습", literal=True))
    assert (result.rows, result.corrected) == ((), ())


async def test_known_words_phrases_and_operators_are_not_corrected(search: SearchService) -> None:
    for typed in ["강화 학습", '"핵습"', "zzzzzz", "-핵습", "author:핵습", "reinforcement"]:
        assert (await search.search(SearchRequest(typed))).corrected == ()


async def test_an_unknown_id_is_said_and_finds_nothing_else(search: SearchService) -> None:
    for typed in ["2501.99999", "https://arxiv.org/abs/2501.99999v2", " arXiv:2501.99999. "]:
        result = await search.search(SearchRequest(typed))
        assert (result.rows, result.unknown_id) == ((), "2501.99999")


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


async def test_a_paper_is_found_by_a_part_of_its_title(search: SearchService) -> None:
    detail = await search.find_paper("molecules in")
    assert detail is not None
    assert detail.arxiv_id == "2501.00003"
    assert await search.find_paper("2599.99999") is None


async def test_each_form_comes_with_its_evidence(search: SearchService) -> None:
    ((_, forms),), _ = await search.explain_term("SLM")
    by_text = {form.text: (form.language, paper_count) for form, paper_count in forms}
    assert by_text["소형 언어 모델"] == ("ko", 1)
    assert by_text["SLM"][0] == "abbr"
    assert await search.explain_term("xyzzy") == ([], [])
