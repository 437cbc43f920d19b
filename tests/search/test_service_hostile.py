"""Hostile input: any text gives a result, never an error, and never acts as an operator of the engine."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.search.results import MatchKind, SearchRequest, Sort
from bot.search.service import SearchService
from storage import models
from storage.database import Database
from tests.support.sample_archive import make_paper, search_over

WORDS = (
    "\" * ^ NEAR( AND OR NOT ( ) : - + { } | & ! <-> ' \\ 추론 강화 학습 model RL gpt-4o c++ 뇌 é 🦜 שלום \x00 \u202e % _"
    " author: since:2025 votes:x"
)
PARTS = (
    "은|는|이|가|을|의|로|에서|를 이용한|하는 법|추천해줘|알려줘|중에|?|how do people|papers that|what is the|without|latest"
    "|,|.|or|나|only|just|not|제외|빼고|말고|top 10|24년 4월|인기논문|best of april"
    "|강화 핵습|reasonning|김철수|김 철수 교수님|철수v2|Kim Chul-soo|Llama3의|llama-3.1|GPT-4o로|sam2|\u200b|ㄱ|ㅏ"
)
HOSTILE = [
    *('"unpaired', "tokens:model", 'x" OR tokens:"y', "NEAR(a b, 5)", "{a b}: c", "\x00\x01\x02", "\ud800"),
    *("author:", 'author:"', "since:9999-99 votes:-1", "-모델", "-모델 -model -추론 -뇌 -강화"),
    *("\n\r\t", "ㄱ"),
    *("*" * 50, "🦜" * 200, "모" * 2000, "ab " * 700, "(" * 10_000, "x" * 100_000),
    *("은는이가을를의로에서" * 200, "은 는 이 가 을 를 의 로 에서 " * 80),
    *(
        "how do people make language models lie less " * 40,
        "\u202eمرحبا\u200b diffusion\u200d \u2066שלום\u2069",
    ),
    *("-", "- - -", "--", '-"', '""', "강화 학습 모델은 " * 400, "reasoning models " * 250),
    *("since:2026 until:2025", "추론 since:2026 until:2025", "votes:9..2", "author: since: until: votes:"),
    "24년 4월 인기논문 top 10, 이미지 생성은 제외",
    "@ or @, 나",
    "@everyone <@123> **reasonning** [x](http://e.example) `code`",
]

MAX_SAID = 4_000
"""The characters of a message of Discord, in which the answer says how the query was read."""

words = st.lists(st.sampled_from(WORDS.split(" ")), max_size=12)
parts = st.lists(st.sampled_from(PARTS.split("|") + WORDS.split(" ")), max_size=12)
joined = (some.map(glue.join) for some in (words, parts) for glue in ("", " "))
texts = st.one_of(st.text(max_size=60), *joined)


@pytest.fixture
async def hostile(db: Database) -> SearchService:
    return await search_over(
        db,
        make_paper(1, "Reasoning with gpt-4o & C++", "강화 학습(RL)으로 추론 모델을 학습합니다."),
        make_paper(2, "뇌 신호", "뇌를 읽습니다.", authors=("Zoë O'Neil", "김철수")),
    )


async def call_all(search: SearchService, text: str) -> None:
    """Call every method of the search service with a text."""
    result = await search.search(SearchRequest(text))
    assert len(result.rows) <= result.total or result.total == 0
    assert result.on_topic + result.all_terms <= result.total
    assert len(result.rows) <= 10
    read = result.read
    said = (*read.terms, *read.translations, *read.ignored, *read.excluded, *result.suggestions)
    assert sum(map(len, said)) < MAX_SAID
    kinds = [result.kinds[row.key] for row in result.rows]
    assert kinds == sorted(kinds, key=[*MatchKind].index), "papers on the topic come first"
    await search.find_author(text, limit=10)
    await search.find_paper(text)
    await search.search(SearchRequest(text, sort=Sort.VOTES))
    await search.list_similar(text, limit=10)
    await search.explain_term(text)
    for choices in (
        await search.complete_topic(text, models.Locale.KO),
        await search.complete_author(text),
        await search.complete_paper(text),
    ):
        assert len(choices) <= 25
        assert all(0 < len(choice.name) <= 100 and 0 < len(choice.value) <= 100 for choice in choices)


@pytest.mark.engines("sqlite", "postgresql")
async def test_hostile_texts_give_a_result(hostile: SearchService) -> None:
    for text in HOSTILE:
        await call_all(hostile, text)


async def test_invisible_characters_are_ignored(hostile: SearchService) -> None:
    for typed in ("rea\u2060soning", "\u2066reasoning\u2069", "추\ufeff론", "reason\u00ading"):
        result = await hostile.search(SearchRequest(typed))
        assert (result.on_topic, result.read.corrected) == (1, ())
        assert result.read.terms in {("reasoning",), ("추론",)}


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(text=texts)
async def test_any_text_gives_a_result(hostile: SearchService, text: str) -> None:
    await call_all(hostile, text)
