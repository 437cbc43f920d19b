"""Corrections of typing errors, and suggestions for queries without matches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.search import completion
from bot.search.results import MatchKind, SearchRequest
from bot.search.service import SearchService
from storage.database import Database
from storage.models import Filters
from tests.support.sample_archive import NewsletterPaper, add_digest, search_over


async def test_a_misspelt_query_finds_the_intended_papers(search: SearchService) -> None:
    for typed, meant in [
        ("강화 핵습", "강화 학습"),
        ("reinforcment learnign", "reinforcement learning"),
        ("강화 핵습에 대한 논문 알려줘", "강화 학습"),
        ("planning by reinforcment learning", "planning by reinforcement learning"),
        # A side of either is, though papers have the other; and no word that is spelt right beside its beginning.
        ("planning or reinforcment learning", "planning or reinforcement learning"),
        ("강화 핵습 또는 planning", "강화 학습 또는 planning"),
        ("learnin learning", "learning"),
    ]:
        intended = await search.search(SearchRequest(meant))
        corrected = await search.search(SearchRequest(typed))
        assert corrected.rows == intended.rows != ()
        assert " ".join(word for _, word in corrected.read.corrected) in meant


async def test_a_term_that_no_paper_has_is_read_as_its_words(db: Database) -> None:
    texts = {1: "It predicts a gradient.", 2: "A steep descent.", 3: "지식을 두 번 증류.", 4: "Weights."}
    about = [NewsletterPaper(f"2501.1000{n}", f"Paper {n}", text) for n, text in texts.items()]
    service = await search_over(db, *about)
    for typed, wanted in [("gradient descent", {1, 2}), ("gradeint descent", {1, 2}), ("지식증류", {3})]:
        found = await service.search(SearchRequest(typed))
        assert {row.key for row in found.rows} == {f"2501.1000{n}" for n in wanted}, typed
        assert set(found.kinds.values()) == {MatchKind.SOME_TERMS if len(wanted) > 1 else MatchKind.ALL_TERMS}
    titled = NewsletterPaper("2501.10005", "Gradients of a Descent", "Weights.")
    await add_digest(db, "2025-01-03", titled)
    assert (await service.search(SearchRequest("gradient descent"))).kinds["2501.10005"] is MatchKind.ON_TOPIC


@pytest.mark.parametrize(("typed", "meant"), [("rkdghk", "강화"), ("gkrtmq", "학습")])
async def test_a_word_typed_with_the_other_layout_of_the_keyboard_is_corrected(
    search: SearchService, typed: str, meant: str
) -> None:
    corrected = await search.search(SearchRequest(typed))
    assert corrected.read.corrected == ((typed, meant),)
    assert corrected.rows == (await search.search(SearchRequest(meant))).rows != ()


_LOANWORDS = (
    "스케쥴러 스케줄러|비젼 비전|챠트 차트|네트웍 네트워크|로보트 로봇|캐쉬 캐시|케릭터 캐릭터|워크숖 워크숍"
    "|쥬얼리 주얼리|스케쥴링 스케줄링"
)


@pytest.mark.parametrize("pair", _LOANWORDS.split("|"))
def test_another_spelling_of_a_loanword_is_that_word_and_none_that_is_spelt_alike(pair: str) -> None:
    known = "스케줄러|비전|차트|네트워크|로봇|캐시|캐릭터|워크숍|스케일링"
    vocabulary = completion.Vocabulary((word, 9) for word in known.split("|"))
    typed, meant = pair.split()
    assert [word for word, _ in vocabulary.list_near(typed)] == [meant]


async def test_known_words_phrases_and_operators_are_not_corrected(search: SearchService) -> None:
    for typed in ["강화 학습", '"핵습"', "zzzzzz", "-핵습", "author:핵습", "reinforcement"]:
        assert (await search.search(SearchRequest(typed))).read.corrected == ()
    assert (await search.search(SearchRequest("zzzzzz"))).suggestions == ()


@pytest.mark.parametrize("query", ["author:Ada Lovelace", "저자:Ada Lovelace"])
async def test_a_name_without_quotation_marks_is_offered_with_them(search: SearchService, query: str) -> None:
    offered = (await search.search(SearchRequest(query))).suggestions
    assert offered == ('author:"Ada Lovelace"',)
    assert (await search.search(SearchRequest(offered[0]))).total


async def test_an_inflected_word_is_not_corrected_beside_a_misspelt_one(search: SearchService) -> None:
    result = await search.search(SearchRequest("reinforcements learnign"))
    assert result.read.corrected == (("learnign", "learning"),)


def test_an_everyday_word_that_no_paper_has_is_not_misspelt() -> None:
    """ "Sending" became "sensing", and 표랑 (with tables) 표상 (representation)."""
    for word in ("sending", "paying", "situations", "표랑"):
        assert _VOCABULARY.is_ordinary(word)
    for word in ("lerning", "difusion", "hallucinaton", "핵습"):
        assert not _VOCABULARY.is_ordinary(word)


async def test_an_unknown_arxiv_id_is_reported(search: SearchService) -> None:
    for typed in ["2501.99999", "https://arxiv.org/abs/2501.99999v2", " arXiv:2501.99999. "]:
        result = await search.search(SearchRequest(typed))
        assert (result.rows, result.unknown_id) == ((), "2501.99999")


async def test_suggests_the_query_without_filters_if_they_exclude_all_papers(search: SearchService) -> None:
    for query in ("모델 votes:500", "모델 author:lin", "모델 since:2025-02", "모델 -모델"):
        result = await search.search(SearchRequest(query))
        assert result.rows == ()
        assert result.suggestions[:1] == ("모델",)
    also_hidden = await search.search(SearchRequest("모델 votes:500", Filters(min_votes=500)))
    assert "모델" not in also_hidden.suggestions


async def test_part_of_a_title_finds_the_paper(search: SearchService) -> None:
    assert await search.find_paper("molecules in") is None  # a title that goes on is one of a list
    detail = await search.find_paper("in motion")
    assert detail is not None
    assert detail.key == "2501.00003"
    assert await search.find_paper("2599.99999") is None


_WEIGHTS = "diffusion 9|Decoding 3|decodings 1|모델 50|모듈 1|멀티모달 4|환각 3|mode 2|model 40|causal 5|casual 4|LoRA2 3"
_WORDS = map(str.split, _WEIGHTS.split("|"))
_VOCABULARY = completion.Vocabulary((word, int(weight)) for word, weight in _WORDS)
_ERRORS = (
    "diffuison diffusion|decodng decoding|modle model|모댈 모델|멀티모덜 멀티모달|환긱 환각|modles models"
)
_OTHERS = ("diffusion", "모델", "casaul2", "lora3", "quaternion", "모", "", "cassal", "-----")


@pytest.mark.parametrize(
    ("typed", "meant"), [*map(str.split, _ERRORS.split("|")), *((typed, None) for typed in _OTHERS)]
)
def test_only_long_words_near_a_single_known_word_are_corrected(typed: str, meant: str | None) -> None:
    assert _VOCABULARY.correct(typed) == meant


@given(st.text(max_size=60))
def test_every_correction_is_a_known_word(word: str) -> None:
    known = {entry.split()[0].casefold() for entry in _WEIGHTS.split("|")}
    assert (_VOCABULARY.correct(word) or "model").casefold() in known


def test_a_word_of_two_common_syllables_is_not_corrected() -> None:
    vocabulary = completion.Vocabulary([("반응", 5), ("영상", 1), ("학습", 1)])
    assert vocabulary.is_ordinary("반영")
    assert not any(map(vocabulary.is_ordinary, ("핵습", "반영상", "갭")))
