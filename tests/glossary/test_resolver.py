"""Query expansion: which forms are added, and which words stay as typed; the operator's decisions; the seed list."""

from __future__ import annotations

import gc
import weakref
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.glossary import resolver
from bot.text import analyser, concepts, seed, term_keys, tokens
from tests.support import glossary_in_memory, growth

FRAGMENTS = st.sampled_from(
    ["강화학습", "대규모", "언어", "모델", " ", "LLM", "rl", "-", "추론", "\x00", "image", "s"]
)


QUERIES = st.one_of(st.text(max_size=200), st.lists(FRAGMENTS, max_size=30).map("".join))


@pytest.fixture(scope="module")
def glossary() -> resolver.Glossary:
    return glossary_in_memory.build_glossary([], seed.load_terms())


@pytest.mark.parametrize(
    "query", ["강화 학습", "강화학습", "reinforcement learning", "Reinforcement-Learning", "RL", "rl"]
)
def test_every_form_resolves_to_the_concept(glossary: resolver.Glossary, query: str) -> None:
    expanded = glossary.expand(query)
    assert [segment.key for segment in expanded.segments] == ["reinforc learn"]
    assert not expanded.composed


@pytest.mark.parametrize(
    ("word", "translation"), [("환자", "patient"), ("driving", "운전"), ("재현율", "recall")]
)
def test_a_common_word_is_translated_but_is_not_a_topic(
    glossary: resolver.Glossary, word: str, translation: str
) -> None:
    (segment,) = glossary.expand(word).segments
    assert translation in [form.text for form in segment.forms]
    assert segment.key is None
    assert not segment.added_forms
    assert glossary.find_concepts(word) == []


def test_a_term_falls_back_to_its_words_in_any_spacing(glossary: resolver.Glossary) -> None:
    for query in ("다음 토큰 예측", "다음토큰예측"):
        expanded = glossary.expand(query)
        assert [segment.key for segment in expanded.segments] == ["next token predict"]
        assert [segment.text for segment in expanded.fallback] == ["다음", "토큰", "예측"]


def test_words_of_two_languages_are_two_segments(glossary: resolver.Glossary) -> None:
    expanded = glossary.expand("KV 캐시")
    assert [segment.text for segment in expanded.segments] == ["KV", "캐시"]
    assert expanded.composed[0].key == "kv cach"


def test_a_closed_up_query_is_split_into_known_terms(glossary: resolver.Glossary) -> None:
    expanded = glossary.expand("대규모언어모델추론")
    assert [segment.text for segment in expanded.segments] == ["대규모언어모델", "추론"]


def test_unknown_words_stay_as_typed(glossary: resolver.Glossary) -> None:
    expanded = glossary.expand("뷁뷁뷁")
    assert [(form.text, form.weight) for form in expanded.segments[0].forms] == [("뷁뷁뷁", 1.0)]
    assert not any(segment.added_forms for segment in expanded.segments)


def test_function_words_are_not_abbreviations() -> None:
    glossary = glossary_in_memory.build_glossary(["지시 튜닝(Instruction Tuning; IT)"] * 5, ())
    assert glossary.expand("it").segments[0].key is None
    assert glossary.expand("IT").segments[0].key == "instruct tune"


@given(QUERIES)
def test_any_query_expands(query: str) -> None:
    terms = [seed.SeedTerm(("대규모 언어 모델",), ("large language model",), ("LLM",))]
    expanded = resolver.Glossary(terms).expand(query)
    assert len(expanded.segments) <= 100
    assert all(form.text for segment in expanded.segments for form in segment.forms)


@pytest.mark.parametrize("piece", ["강화학습언어모델", "LLM 추론 "])
def test_a_long_query_takes_linear_time(glossary: resolver.Glossary, piece: str) -> None:
    growth.assert_linear(lambda count: glossary.expand(piece * count), 100)


def test_a_form_with_an_inner_particle_is_not_searched_for() -> None:
    seed_term = seed.SeedTerm(("이미지-비디오", "이미지에서 비디오", "영상의 질"), ("image-to-video",), ())
    expanded = glossary_in_memory.build_glossary([], (seed_term,)).expand("image-to-video")
    weights = {form.text: form.weight for form in expanded.segments[0].forms}
    assert weights["이미지-비디오"] == weights["영상의 질"] == 1.0
    assert "이미지에서 비디오" not in weights


AMBIGUOUS_TEXTS = [
    *["직접 정책 적응(Direct Policy Adaptation; DPA)을 쓴다"] * 3,
    *["이중 경로 주의(Dual Path Attention; DPA)를 쓴다"] * 3,
]


def test_a_final_capital_s_is_not_a_plural() -> None:
    glossary = glossary_in_memory.build_glossary(["추측 디코딩(Speculative Decoding; SD)을 쓴다"] * 3, ())
    assert glossary.expand("SDs").segments[0].key == "speculative decod"
    assert glossary.expand("SDS").segments[0].key is None


def test_no_abbreviation_is_guessed_from_initials() -> None:
    expanded = resolver.Glossary().expand("sparse attention mechanism")
    forms = [form.text for part in (*expanded.segments, *expanded.composed) for form in part.forms]
    assert "SAM" not in forms


@pytest.mark.parametrize(
    ("query", "is_abbreviation"), [("live video", False), ("LIVE video", True), ("live", True)]
)
def test_an_everyday_word_among_others_is_not_an_abbreviation(query: str, is_abbreviation: bool) -> None:
    terms = [seed.SeedTerm((), ("language image video engine",), ("LIVE",))]
    expanded = resolver.Glossary(terms).expand(query)
    assert (expanded.segments[0].key == "languag imag video engin") == is_abbreviation


@pytest.mark.parametrize(
    ("abbreviation", "terms"),
    [
        ("SD", {"stable diffusion", "speculative decoding", "standard deviation"}),
        ("asr", {"automatic speech recognition", "attack success rate"}),
        ("TTA", {"text-to-audio", "test-time adaptation", "test-time augmentation"}),
        ("CV", {"computer vision", "cross-validation"}),
        ("CL", {"contrastive learning", "continual learning", "curriculum learning"}),
        ("RL", set()),
        ("robots", set()),
    ],
)
def test_an_abbreviation_has_all_its_meanings(
    glossary: resolver.Glossary, abbreviation: str, terms: set[str]
) -> None:
    assert set(glossary.list_senses(abbreviation)) == terms


def test_meanings_that_digests_explain_are_told_apart_but_not_their_spellings() -> None:
    texts = [*AMBIGUOUS_TEXTS, "이중 경로 주의(Dual Path Attentions; DPA)를 쓴다"]
    meanings = glossary_in_memory.build_glossary(texts, ()).list_senses("DPA")
    assert sorted(meanings) == ["Direct Policy Adaptation", "Dual Path Attention"]


def test_a_replaced_glossary_is_freed_at_once() -> None:
    glossary = resolver.Glossary()
    assert [form.text for form in glossary.list_forms(("speech synthesis", "tts"))] == [
        "speech synthesis",
        "tts",
    ]
    reference = weakref.ref(glossary)
    gc.disable()
    try:
        del glossary
        assert reference() is None
    finally:
        gc.enable()


def test_the_abbreviation_of_several_terms_finds_papers_and_decides_no_filter() -> None:
    explained = [
        *["잠재 확산 모델(Latent Diffusion Model; LDM)"] * 9,
        *["잠재 동역학 모델(Latent Dynamics Model; LDM)"] * 4,
    ]
    for texts, is_sure in ((explained, False), ([*explained[:9], explained[-1]], True)):
        expanded = glossary_in_memory.build_glossary(texts, ()).expand("latent diffusion model")
        forms, sure = ([form.text for form in of.segments[0].forms] for of in (expanded, expanded.sure()))
        assert ("LDM" in forms, "LDM" in sure) == (True, is_sure)


FORMS = st.sampled_from(["강화 학습", "보강학습", "RL", "ReL", "trial learning", "확산", "양자 거품"])
TERMS = st.sampled_from(["reinforcement learning", "quantum foam", "diffusion"])
DECISIONS = st.lists(st.builds(resolver.Decision, TERMS, FORMS, st.booleans()), max_size=6)
INDUCED = ["강화 학습(Reinforcement Learning; RL)을 쓴다"] * 3


@settings(max_examples=40, deadline=None)
@given(
    DECISIONS, st.lists(st.sampled_from(["보강 학습(Reinforcement Learning)", "확산(Diffusion)"]), max_size=4)
)
def test_the_last_decision_on_a_form_holds_after_every_induction(
    decisions: list[resolver.Decision], added: list[str]
) -> None:
    last = {(row.term, term_keys.term_key(row.form)): row for row in decisions}.values()
    for texts in ([], INDUCED, [*INDUCED, *added]):
        current = glossary_in_memory.build_glossary(texts, seed.load_terms()[:60], last)
        for row in last:
            concept = current.concept(term_keys.english_key(row.term))
            forms = concept.forms if concept else ()
            assert any(resolver.is_same_form(form.text, row.form) for form in forms) == row.is_added
            if not any(other.is_added and other.form == row.form and other != row for other in last):
                assert (concept in current.find_concepts(row.form)) == row.is_added
            searched = [form.text for form in current.expand(row.term).segments[0].forms]
            assert any(resolver.is_same_form(form, row.form) for form in searched) == row.is_added


def test_each_line_has_a_korean_and_an_english_form() -> None:
    assert len(seed.load_terms()) >= 300
    for term in seed.load_terms():
        assert term.korean
        assert term.english
        assert all(analyser.has_hangul(form) or form.isascii() for form in term.korean)
        assert not any(analyser.has_hangul(form) for form in (*term.english, *term.abbreviations))


def test_no_line_has_a_korean_form_twice() -> None:
    for term in seed.load_terms():
        assert max(Counter(map(term_keys.korean_key, term.korean)).values()) == 1, term


def test_the_heaviest_form_per_key_is_kept_in_the_spelling_with_most_spaces() -> None:
    forms = concepts.deduplicate_forms(
        [
            concepts.WeightedForm("강화 학습", 0.5),
            concepts.WeightedForm("강화학습", 0.8),
            concepts.WeightedForm("RL", 1.0),
            concepts.WeightedForm("-", 1.0),
        ]
    )
    assert [(form.text, form.weight) for form in forms] == [("RL", 1.0), ("강화 학습", 0.8)]


def test_added_forms_exclude_typed_hidden_and_light_forms() -> None:
    segment = concepts.Segment(
        "강화학습",
        (
            concepts.WeightedForm("강화 학습", 1.0),
            concepts.WeightedForm("reinforcement learning", 1.0),
            concepts.WeightedForm("reinforc", 1.0, is_shown=False),
            concepts.WeightedForm("RL", 0.1),
        ),
    )
    assert segment.added_forms == ["reinforcement learning"]


def test_a_literal_expansion_has_one_form_per_word() -> None:
    def forms_of(text: str, *terms: str) -> list[list[str]]:
        segments = concepts.literal_expansion(text, terms).segments
        return [[form.text for form in segment.forms] for segment in segments]

    assert forms_of("LLM 추론") == [["LLM"], ["추론"]]
    terms = "language model", "small language model"
    assert forms_of("small language model of language", *terms) == [
        ["small language model"],
        ["of"],
        ["language"],
    ]


def test_no_learnt_form_hides_a_seeded_one() -> None:
    terms = [term for term in seed.load_terms() if not term.is_common_word]
    # Papers that explain each term by every ending of every form: 포머(Transformer).
    rows = [
        resolver.LearntForm(term.english[0], form[at:].strip(), 9, 9, 9)
        for term in terms
        for form in term.korean
        for at in range(len(form))
    ]
    learnt = resolver.Glossary(terms, resolver.Learnt(rows))
    for term in terms:
        found = learnt.expand(term.english[0]).segments[0].forms
        for form in term.korean:
            if form not in term.only_read and not resolver.has_inner_particle(form):
                paper = tokens.PaperTokens("", tokens.tokenize(analyser.canonicalise(form)))
                counts = [paper.count(other.text)[1] for other in found]
                assert max(counts) >= 1, (form, [other.text for other in found])


def test_a_form_that_is_only_read_is_understood_and_not_searched_for() -> None:
    terms = [seed.SeedTerm(("어텐션", "주의"), ("attention",), (), only_read=frozenset({"주의"}))]
    glossary = resolver.Glossary(terms)
    assert [form.text for form in glossary.expand("주의").segments[0].forms] == [
        "주의",
        "attention",
        "어텐션",
    ]
    assert "주의" not in [form.text for form in glossary.expand("attention").segments[0].forms]


@pytest.mark.parametrize(
    ("term", "forms"),
    [
        ("diffusion", ["제거", "라텐트", "비자동회귀", "텍스트 조건부"]),
        ("attention", ["주의", "주목"]),
        ("reasoning", ["상식"]),
        ("transformer", ["변압기", "변환기"]),
        ("agent", ["대리인"]),
    ],
)
def test_no_archive_teaches_a_wrong_form_of_a_common_term(term: str, forms: list[str]) -> None:
    learnt = resolver.Learnt([resolver.LearntForm(term, form, 9, 9, 9) for form in forms])
    found = [
        form.text for form in resolver.Glossary(seed.load_terms(), learnt).expand(term).segments[0].forms
    ]
    assert not {*forms} & {*found}


@pytest.mark.parametrize(
    ("word", "term"),
    [
        ("리즈닝", "reasoning"),
        ("파인튜닝", "fine-tuning"),
        ("얼라인먼트", "alignment"),
        ("인퍼런스", "inference"),
        ("프롬프팅", "prompt"),
        ("스티어링", "steering"),
        ("바이브 코딩", "vibe coding"),
    ],
)
def test_words_as_researchers_say_them_find_the_english_term(
    glossary: resolver.Glossary, word: str, term: str
) -> None:
    assert term in [form.text for form in glossary.expand(word).segments[0].forms]
