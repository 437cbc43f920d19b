"""Expansion of queries by the seed list; index queries, which may match too many papers, never too few."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.glossary import resolver
from bot.search import index as search_index
from bot.search import query as search_query
from bot.text import analyser, concepts, seed, term_keys
from storage import search
from storage.search import AllOf, BooleanQuery, Prefix
from tests.support import glossary_in_memory


@pytest.fixture(scope="module")
def glossary() -> resolver.Glossary:
    """The glossary of the seed list alone."""
    return glossary_in_memory.build_glossary([], seed.load_terms())


def _segments(expanded: concepts.Expansion) -> list[str]:
    return [segment.text for segment in expanded.segments]


@pytest.mark.parametrize(
    ("typed", "segments"),
    [
        ("what is mixture of experts", ["mixture of experts"]),
        ("확산 모델에 대한 논문", ["확산 모델"]),
        ("LLM의 환각을 알려줘", ["LLM", "환각"]),
        ("diffusion and video", ["diffusion", "video"]),
        ("chain of thought", ["chain of thought"]),
        ("the of", ["the", "of"]),
    ],
)
def test_filler_is_left_out_and_terms_stay_whole(
    glossary: resolver.Glossary, typed: str, segments: list[str]
) -> None:
    expanded = search_query.expand_query(glossary, typed)
    assert _segments(expanded) == segments


def test_a_typed_noun_with_a_particle_is_not_an_added_form(glossary: resolver.Glossary) -> None:
    added = search_query.added_forms(search_query.expand_query(glossary, "강화학습의"))
    assert "reinforcement learning" in added
    assert not any("강화" in form for form in added)


def test_the_first_added_forms_are_those_of_every_term(glossary: resolver.Glossary) -> None:
    expanded = search_query.expand_query(glossary, "LLM의 환각")
    first, second = search_query.added_forms(expanded)[:2]
    by_term = search_query.term_forms(expanded)
    assert [forms[0] for forms in by_term] == ["LLM", "환각"]
    assert first in by_term[0]
    assert second in by_term[1]


def test_only_an_abbreviation_of_several_terms_has_meanings() -> None:
    texts = [
        *["직접 정책 적응(Direct Policy Adaptation; DPA)을 쓴다"] * 3,
        *["이중 경로 주의(Dual Path Attention; DPA)를 쓴다"] * 3,
        *["강화 학습(Reinforcement Learning; RL)을 쓴다"] * 3,
    ]
    learnt = glossary_in_memory.build_glossary(texts, ())

    def meanings(query: str) -> set[str]:
        return {meaning.lower() for meaning in search_query.expand_query(learnt, query).meanings}

    assert meanings("DPA") == {"direct policy adaptation", "dual path attention"}
    assert not meanings("RL") | meanings("dual path attention") | meanings("DPA models") | meanings("xyz")


@pytest.mark.parametrize(
    ("typed", "segment", "form"),
    [
        ("why do LLMs lie", "lie", "hallucination"),
        ("LLM이 거짓말하는지 알려줘", "거짓말하는지", "hallucination"),
        ("how to train models without labels", "without labels", "unsupervised"),
        ("옷을 바꾸는 논문", "옷을", "garment"),
        ("휴대폰에서 돌아가는 모델", "휴대폰에서", "on-device"),
    ],
)
def test_an_everyday_word_has_the_forms_of_what_it_means(
    glossary: resolver.Glossary, typed: str, segment: str, form: str
) -> None:
    expanded = search_query.expand_query(glossary, typed)
    forms = {
        part.text: {weighted.text: weighted.weight for weighted in part.forms} for part in expanded.segments
    }
    assert form in forms[segment]
    assert forms[segment][form] < forms[segment][segment] == 1.0


_WORD_LIST = (
    "강화 학습 강화학습 대규모 언어모델 언어 모델을 확산 제로 샷 키프레임 뇌를 이미지의"
    " pre-training GPT-4o gpt4o LLM LLMs a diffusion models 3D state-of-the-art"
)
WORDS = st.sampled_from(_WORD_LIST.split())
PHRASES = st.lists(WORDS, min_size=1, max_size=4).map(" ".join)
TEXTS = st.lists(WORDS | st.sampled_from([".", "\n", "(RL)"]), max_size=14).map(" ".join)


def matches(tokens: frozenset[str], query: BooleanQuery) -> bool:
    """Tell whether a query matches a row of these tokens."""
    if isinstance(query, str):
        return query in tokens
    if isinstance(query, Prefix):
        return any(token.startswith(query.token) for token in tokens)
    return (all if isinstance(query, AllOf) else any)(matches(tokens, part) for part in query.parts)


@given(PHRASES, TEXTS, TEXTS, st.booleans(), st.integers(0, 2))
def test_a_paper_with_a_form_matches_its_query(
    form: str, title: str, body: str, in_title: bool, times: int
) -> None:
    title = f"{title} {form}" if in_title else title
    body = "\n".join([body, *[f"{form}."] * times])
    texts = search.DocumentTexts(analyser.canonicalise(title), analyser.canonicalise(body))
    title_count, body_count = term_keys.compile_term(form).count(term_keys.Document(texts.title, texts.body))
    all_tokens, title_tokens = search_index.build_tokens(texts)
    tokens = frozenset(all_tokens.split())
    assert set(title_tokens.split()) <= tokens
    query = search_query.from_text(form)
    assert query is not None
    if title_count >= 1 or body_count >= 1:
        assert matches(tokens, query.anywhere)
    if title_count >= 1:
        assert matches(tokens, query.in_title)
    if times >= 2:
        assert matches(tokens, query.repeated)


@pytest.mark.parametrize("joint", ["", " "])
def test_what_long_queries_need_does_not_stay_in_memory(joint: str) -> None:
    def read(number: int) -> None:
        words = ("가" + chr(0xAC00 + (number * 97 + place * 31) % 11_000) for place in range(600))
        text = f"{joint.join(words)}{number}"
        assert search_query.from_text(text) is search_query.from_text(text)
        term_keys.compile_term(text)
        analyser.split_context(text)

    for number in range(40):
        read(number)
    tracemalloc.start()
    try:
        for number in range(40, 60):
            read(number)
        before, _ = tracemalloc.get_traced_memory()
        for number in range(60, 160):
            read(number)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 500_000
