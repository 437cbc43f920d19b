"""Synonyms are exchanged within terms of several words; single words are unchanged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.glossary import concepts, induction, mentions, resolver
from bot.text import analyser, term_keys
from tests.support import glossary_in_memory, growth


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("대규모 언어 모델", "거대 언어 모델"),
        ("지도 미세 조정", "감독된 파인튜닝"),
        ("비전 변환기", "시각 트랜스포머"),
        ("이미지 노이즈 제거", "이미지 디노이징"),
    ],
)
def test_synonymous_terms_have_one_canonical_key(first: str, second: str) -> None:
    first_key, second_key = term_keys.korean_key(first), term_keys.korean_key(second)
    assert concepts.canonical_synonym_key(first_key) == concepts.canonical_synonym_key(second_key)
    assert second_key in map(term_keys.korean_key, concepts.synonym_variants(first))


def test_a_single_word_has_no_variants() -> None:
    assert (
        concepts.synonym_variants("대규모")
        == concepts.synonym_variants("확산")
        == concepts.synonym_variants("")
        == []
    )


@given(st.text(max_size=40))
def test_any_text_has_a_canonical_key_and_few_variants(text: str) -> None:
    assert not concepts.canonical_synonym_key(text) or text
    assert len(concepts.synonym_variants(text)) <= 64


def test_synonyms_take_linear_time() -> None:
    growth.assert_linear(lambda count: concepts.canonical_synonym_key("대규모언어" * count), 5_000)
    growth.assert_linear(lambda count: concepts.synonym_variants("대규모 " * count), 1_250)
    assert len(concepts.synonym_variants("대규모 " * 5_000)) <= 64


def test_only_synonymous_forms_that_papers_use_are_searched_for() -> None:
    text = "작은 모델을 감독 파인튜닝으로 다듬습니다."
    glossary = glossary_in_memory.build_glossary([text], concepts.load_terms())
    forms = {form.key for form in glossary.expand("supervised fine-tuning").segments[0].forms}
    assert "감독파인튜닝" in forms
    assert "감독미세튜닝" not in forms


def test_a_synonymous_query_resolves_to_the_concept() -> None:
    glossary = glossary_in_memory.build_glossary([], concepts.load_terms())
    assert glossary.expand("거대 시각적 언어 모델").segments[0].key == "larg vision languag model"


def test_a_term_without_a_korean_form_is_translated_word_by_word() -> None:
    word_pairs = [
        ("영역 분할", "region segmentation"),
        ("영역 탐지", "region detection"),
        ("관심 추정", "interest estimation"),
        ("관심 분석", "interest analysis"),
    ]
    counts = [(mentions.Mention(ko, en, "", ""), 2) for ko, en in word_pairs]
    counts.append((mentions.Mention("region of interest", "", "ROI", ""), 2))
    draft = induction.draft_glossary(counts, [])
    counter = draft.cooccurrence_counter()
    counter.add(analyser.canonicalise("아무 말도 아닙니다."))
    glossary = resolver.Glossary(
        induction.build_concepts(draft, counter), draft.senses, draft.mention_evidence.table
    )
    assert "관심 영역" in [form.text for form in glossary.expand("ROI").segments[0].forms]
