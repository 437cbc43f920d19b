"""Expansion of queries by the seed list; index queries, which may match too many papers, never too few."""

from __future__ import annotations

import pytest

from bot.glossary import resolver
from bot.search import query as search_query
from bot.text import concepts, seed
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
