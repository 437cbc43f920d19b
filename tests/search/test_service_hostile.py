"""Hostile input: any text gives a result on both engines, never an error or an operator of the engine."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.search.results import SearchRequest, Sort
from bot.search.service import SearchService
from storage import models
from storage.database import Database
from tests.support import sample_archive
from tests.support.sample_archive import NewsletterPaper

pytestmark = pytest.mark.engines("sqlite", "postgresql")

_OPERATOR_LIST = "\" * ^ NEAR( AND OR NOT ( ) : - + { } | & ! <-> ' \\"
OPERATORS = _OPERATOR_LIST.split()
_WORD_LIST = "추론 강화 학습 model RL gpt-4o c++ 뇌 é 🦜 שלום \x00 \u202e % _ author: since:2025 votes:x"
WORDS = _WORD_LIST.split()
_PART_LIST = (
    "은|는|이|가|을|의|로|에서|를 이용한|하는 법|추천해줘|알려줘|중에|?|how do people|papers that|what is the|without|latest"
    "|강화 핵습|reasonning|김철수|김 철수 교수님|철수v2|Kim Chul-soo|Llama3의|llama-3.1|GPT-4o로|sam2|\u200b|ㄱ|ㅏ"
)
QUESTION_PARTS = _PART_LIST.split("|")
HOSTILE = [
    *(
        '"unpaired',
        "*" * 50,
        "tokens:model",
        'x" OR tokens:"y',
        "NEAR(a b, 5)",
        "{a b}: c",
        "\x00\x01\x02",
        "\ud800",
    ),
    *(
        "🦜" * 200,
        "모" * 2000,
        "ab " * 700,
        "author:",
        'author:"',
        "since:9999-99 votes:-1",
        "-모델",
        "\n\r\t",
        "ㄱ",
    ),
    *(
        "은는이가을를의로에서" * 200,
        "은 는 이 가 을 를 의 로 에서 " * 80,
        "\u202eمرحبا\u200b diffusion\u200d \u2066שלום\u2069",
    ),
    *(
        "how do people make language models lie less " * 40,
        "@everyone <@123> **reasonning** [x](http://e.example) `code`",
    ),
    *("(" * 10_000, "x" * 100_000, "-모델 -model -추론 -뇌 -강화"),
]

texts = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from(OPERATORS + WORDS), max_size=12).map(" ".join),
    st.lists(st.sampled_from(OPERATORS + WORDS), max_size=12).map("".join),
    st.lists(st.sampled_from(QUESTION_PARTS + WORDS), max_size=12).map(" ".join),
    st.lists(st.sampled_from(QUESTION_PARTS + WORDS), max_size=6).map("".join),
)


@pytest.fixture
async def hostile(db: Database) -> SearchService:
    """The search service over two papers."""
    return await sample_archive.search_over(
        db,
        NewsletterPaper(
            "2501.00001", "Reasoning with gpt-4o & C++", "강화 학습(RL)으로 추론 모델을 학습합니다."
        ),
        NewsletterPaper("2501.00002", "뇌 신호", "뇌를 읽습니다.", authors=("Zoë O'Neil", "김철수")),
    )


async def call_all(search: SearchService, text: str) -> None:
    """Call every method of the search service with a text."""
    for request in (SearchRequest(text), SearchRequest(text, author=text)):
        result = await search.search(request)
        assert len(result.rows) <= result.total or result.total == 0
        assert result.complete <= result.total
        lacking = [row.arxiv_id in result.missing for row in result.rows]
        assert sorted(lacking) == lacking, "papers with everything come first"
    await search.find_author(text)
    await search.find_paper(text)
    await search.search(SearchRequest(text, sort=Sort.VOTES))
    await search.list_similar(text)
    await search.explain_term(text)
    for choices in (
        await search.complete_topic(text, models.Locale.KO),
        await search.complete_author(text),
        await search.complete_paper(text),
    ):
        assert len(choices) <= 25
        assert all(0 < len(choice.name) <= 100 and 0 < len(choice.value) <= 100 for choice in choices)


async def test_a_hostile_text_gives_a_result(hostile: SearchService) -> None:
    for text in HOSTILE:
        await call_all(hostile, text)


async def test_invisible_characters_are_not_searched_for(hostile: SearchService) -> None:
    for typed in ("rea\u200bsoning", "\u2066reasoning\u2069", "추\ufeff론", "reason\u00ading"):
        result = await hostile.search(SearchRequest(typed))
        assert (result.complete, result.corrected) == (1, ())
        assert result.terms in {("reasoning",), ("추론",)}


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(text=texts)
async def test_any_text_gives_a_result(hostile: SearchService, text: str) -> None:
    await call_all(hostile, text)
