"""Typing errors are corrected and said, on both engines."""

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
