"""Queries: what is expanded, by what, and what is left as typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text.glossary.extraction import title_phrases
from bot.text.glossary.induction import build
from bot.text.glossary.model import concepts, seed
from bot.text.glossary.resolution import resolver, serialisation
from tests.support import glossary_in_memory, growth

FRAGMENTS = st.sampled_from(
    ["강화학습", "대규모", "언어", "모델", " ", "LLM", "rl", "-", "추론", "\x00", "image", "s"]
)
QUERIES = st.one_of(st.text(max_size=200), st.lists(FRAGMENTS, max_size=30).map("".join))


@pytest.fixture(scope="module")
def glossary() -> resolver.Glossary:
    return glossary_in_memory.build_glossary([], seed.load_terms())


@pytest.mark.parametrize(
    "typed", ["강화 학습", "강화학습", "reinforcement learning", "Reinforcement-Learning", "RL", "rl"]
)
def test_every_form_leads_to_the_concept(glossary: resolver.Glossary, typed: str) -> None:
    found = glossary.expand(typed)
    assert [segment.key for segment in found.segments] == ["reinforc learn"]
    assert not found.composed


@pytest.mark.parametrize(("typed", "other"), [("환자", "patient"), ("driving", "운전"), ("재현율", "recal")])
def test_an_everyday_word_is_translated_but_is_no_topic(
    glossary: resolver.Glossary, typed: str, other: str
) -> None:
    (segment,) = glossary.expand(typed).segments
    assert other in [form.text for form in segment.forms]
    assert segment.key is None
    assert not segment.added_forms
    assert glossary.find_concepts(typed) == []


def test_a_query_of_two_concepts_is_two_segments(glossary: resolver.Glossary) -> None:
    one, other = glossary.expand("LLM 추론").segments
    assert one.key == "larg languag model"
    assert {"reasoning", "inference"} <= set(other.added_forms)


def test_a_term_falls_back_to_its_words_however_it_is_spaced(glossary: resolver.Glossary) -> None:
    for typed in ("다음 토큰 예측", "다음토큰예측"):
        found = glossary.expand(typed)
        assert [segment.key for segment in found.segments] == ["next token predict"]
        assert [segment.text for segment in found.fallback] == ["다음", "토큰", "예측"]


def test_words_of_two_languages_are_both_asked_for(glossary: resolver.Glossary) -> None:
    found = glossary.expand("KV 캐시")
    assert [segment.text for segment in found.segments] == ["KV", "캐시"]
    assert found.composed[0].key == "kv cach"


def test_a_closed_up_query_is_broken_by_the_terms_known(glossary: resolver.Glossary) -> None:
    found = glossary.expand("대규모언어모델추론")
    assert [segment.text for segment in found.segments] == ["대규모언어모델", "추론"]


def test_the_answer_names_the_other_forms_but_not_the_typed_one(glossary: resolver.Glossary) -> None:
    also = glossary.expand("강화학습").added_forms
    assert "reinforcement learning" in also
    assert "강화 학습" not in also


def test_unknown_words_stand_for_themselves(glossary: resolver.Glossary) -> None:
    found = glossary.expand("뷁뷁뷁")
    assert [(form.text, form.weight) for form in found.segments[0].forms] == [("뷁뷁뷁", 1.0)]
    assert not found.added_forms


def test_words_never_glossed_together_are_said_word_by_word(glossary: resolver.Glossary) -> None:
    found = glossary.expand("의료 양자화")
    assert found.composed
    assert any("quantiz" in form.text for form in found.composed[0].forms)


def test_small_words_are_no_abbreviations() -> None:
    found = glossary_in_memory.build_glossary(["지시 튜닝(Instruction Tuning; IT)"] * 5, ())
    assert found.expand("it").segments[0].key is None
    assert found.expand("IT").segments[0].key == "instruct tune"


@given(QUERIES)
def test_any_query_is_understood_somehow(typed: str) -> None:
    found = _single_concept_glossary().expand(typed)
    assert len(found.segments) <= 100
    assert all(form.text for segment in found.segments for form in segment.forms)


@pytest.mark.parametrize("piece", ["강화학습언어모델", "LLM 추론 "])
def test_a_long_query_takes_linear_time(glossary: resolver.Glossary, piece: str) -> None:
    growth.assert_linear(lambda count: glossary.expand(piece * count), 100)


def test_a_glossary_reads_back_as_it_was() -> None:
    made = build.draft_glossary(
        glossary_in_memory.count_mentions(["언어 모델(Language Model; LM)을"] * 3), seed.load_terms()
    )
    found = build.build_concepts(made, made.cooccurrence_counter())
    titles = title_phrases.TitleStatistics((title_phrases.Phrase("Robot Arms", "en", 3),), {"robot": 5})
    text = serialisation.dump(found, made.senses, made.mention_evidence.table, titles)
    again = serialisation.load(text)
    assert again is not None
    assert again.title_statistics == titles
    assert serialisation.is_current(text)
    before = resolver.Glossary(found, made.senses, made.mention_evidence.table)
    for typed in ("LM", "언어모델", "language models", "의료 양자화", "강화학습 추론"):
        assert again.expand(typed) == before.expand(typed)


def test_a_glossary_of_another_version_is_made_again() -> None:
    for older in ('{"version": 0}', '{"version":1,"concepts":[]}', "", "null"):
        assert serialisation.load(older) is None
        assert not serialisation.is_current(older)


def _single_concept_glossary() -> resolver.Glossary:
    concept = concepts.Concept("larg languag model", (concepts.SurfaceForm("대규모 언어 모델", "ko", 2),))
    return resolver.Glossary([concept])


def test_a_single_word_counts_in_full_where_the_other_writing_is_its_sound() -> None:
    texts = ["트랜스포머(Transformer)를 쓴다", "이는 변환기(Transformer)이다"] * 2
    found = glossary_in_memory.build_glossary(texts, ()).expand("transformer")
    weights = {form.text: form.weight for form in found.segments[0].forms}
    assert weights["트랜스포머"] == 1.0
    assert weights["변환기"] < 1.0


def test_two_nouns_with_a_particle_between_them_hardly_count_as_a_form_of_a_term() -> None:
    listed = seed.SeedTerm(
        "imag to video", ("이미지-비디오", "이미지에서 비디오", "영상의 질"), ("image-to-video",), ()
    )
    found = glossary_in_memory.build_glossary([], (listed,)).expand("image-to-video")
    weights = {form.text: form.weight for form in found.segments[0].forms}
    assert weights["이미지-비디오"] == weights["영상의 질"] == 1.0
    assert weights["이미지에서 비디오"] < 0.2


AMBIGUOUS_TEXTS = [
    *["직접 정책 적응(Direct Policy Adaptation; DPA)을 쓴다"] * 3,
    *["이중 경로 주의(Dual Path Attention; DPA)를 쓴다"] * 3,
]


def test_an_abbreviation_that_no_term_owns_is_looked_for_by_context_and_not_named() -> None:
    found = glossary_in_memory.build_glossary(AMBIGUOUS_TEXTS, ()).expand("dual path attention").segments[0]
    shared = next(form for form in found.forms if form.text == "DPA")
    assert shared.weight < 1.0
    assert {"dual", "path"} <= set(shared.context)
    assert "DPA" not in found.added_forms


def test_what_ends_in_a_capital_s_is_no_plural() -> None:
    found = glossary_in_memory.build_glossary(["추측 디코딩(Speculative Decoding; SD)을 쓴다"] * 3, ())
    assert found.expand("SDs").segments[0].key == "speculative decod"
    assert found.expand("SDS").segments[0].key is None
