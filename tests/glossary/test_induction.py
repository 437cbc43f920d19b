"""From mentions to concepts: spans, filters, document frequencies, abbreviation senses."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.glossary import concepts, induction, mentions, resolver
from bot.text import analyser
from tests.support import glossary_in_memory


def build_glossary(*texts: str, terms: tuple[concepts.SeedTerm, ...] = ()) -> resolver.Glossary:
    return glossary_in_memory.build_glossary(list(texts), terms)


def forms_of(glossary: resolver.Glossary, term: str, language: concepts.Language) -> set[str]:
    return {
        form.text
        for concept in glossary.find_concepts(term)
        for form in concept.forms_in(language)
        if not form.is_alias
    }


DIGEST_TEXTS = [
    "이 연구는 강화 학습(Reinforcement Learning; RL)을 쓴다",
    "우리는 강화 학습(Reinforcement Learning)으로 푼다",
    "새로운 대조 학습(Contrastive Learning)을 본다",
    "기존의 지도 학습(Supervised Learning)과 다르다",
    "이를 위해 언어 모델(Language Model; LM)을 만든다",
    "이 논문은 대규모 언어 모델(Large Language Models; LLMs)을 다룬다",
    "그래서 대규모 언어 모델(Large Language Model; LLM)은 크다",
    "먼저 확산 모델(Diffusion Model)을 훈련한다",
    "다음으로 보상 모델(Reward Model)을 쓴다",
]


def test_a_concept_has_its_forms_in_both_languages() -> None:
    glossary = build_glossary(*DIGEST_TEXTS)
    assert forms_of(glossary, "RL", "ko") == {"강화 학습"}
    assert forms_of(glossary, "강화학습", "abbr") == {"RL"}
    assert [concept.key for concept in glossary.find_concepts("large language models")] == [
        "larg languag model"
    ]
    assert forms_of(glossary, "LLM", "ko") == {"대규모 언어 모델"}


def test_the_korean_term_excludes_the_words_before_it() -> None:
    glossary = build_glossary(
        *DIGEST_TEXTS, "우리가 제안하는 새로운 방법은 강화 학습(Reinforcement Learning)이다"
    )
    assert forms_of(glossary, "reinforcement learning", "ko") == {"강화 학습"}


def test_a_part_of_a_longer_term_is_not_its_form() -> None:
    glossary = build_glossary(*DIGEST_TEXTS, "이런 언어 모델(Large Language Model)은 크다")
    assert "언어 모델" not in forms_of(glossary, "LLM", "ko")


def test_an_abbreviation_alone_means_its_dominant_term() -> None:
    aligning_texts = [
        "거대 모델(Large Model)은",
        "거대 신경망(Large Neural Network)은",
        "대규모 데이터(Large Data)는",
    ]
    glossary = build_glossary(*DIGEST_TEXTS, *aligning_texts, *["거대 언어 모델(LLM)을 쓴다"] * 3)
    assert "거대 언어 모델" in forms_of(glossary, "LLM", "ko")


def test_an_ambiguous_abbreviation_has_several_senses() -> None:
    glossary = build_glossary(
        *["Direct Policy Adaptation(DPA)을 쓴다"] * 3,
        *["Dual Path Attention(DPA)을 쓴다"] * 3,
        "경로 주의(Dual Path Attention)를 본다",
        "정책 적응(Direct Policy Adaptation)을 본다",
    )
    segment = glossary.expand("DPA").segments[0]
    weights = {form.text: form.weight for form in segment.forms}
    assert weights["DPA"] == 1
    assert {weight for text, weight in weights.items() if text != "DPA"} <= {0.25, 0.2}


def test_a_frequent_word_must_cooccur_with_its_term() -> None:
    texts = [
        "이 방법은 성능 향상(improvement)을 보인다",
        *[f"{number}번째 향상을 얻었다" for number in range(40)],
    ]
    counts = glossary_in_memory.count_mentions(texts)
    draft = induction.draft_glossary(counts, ())
    counter = draft.cooccurrence_counter()
    for text in texts:
        counter.add(f" {text} \n")
    assert not any(concept.forms_in("ko") for concept in induction.build_concepts(draft, counter))


OTHER_TEXTS = [f"{number}번째 다른 글" for number in range(90)]


def test_a_frequent_form_needs_papers_with_another_form_of_the_term() -> None:
    explained = "이를 무작위 투영(random projection)이라 한다"
    elsewhere = [f"{number}번째 무작위 투영을 쓴다" for number in range(20)]
    confirmed = [f"무작위 투영은 {number}번째 random projection이다" for number in range(10)]
    assert "무작위 투영" not in forms_of(build_glossary(explained, *elsewhere), "random projection", "ko")
    glossary = build_glossary(explained, *elsewhere, *confirmed, *OTHER_TEXTS)
    (concept,) = glossary.find_concepts("무작위 투영")
    (form,) = concept.forms_in("ko")
    assert (form.text, form.papers, form.found, form.confirmed) == ("무작위 투영", 1, 31, 11)
    assert form.is_presentable


@pytest.mark.parametrize(
    ("left", "english"),
    [("형태를 변환하는", "transforming"), ("잘 학습된", "trained"), ("32", "bit width"), ("키", "key")],
)
def test_endings_digits_and_single_syllables_are_no_forms(left: str, english: str) -> None:
    glossary = build_glossary(*DIGEST_TEXTS, *[f"{left}({english})을 본다 {number}" for number in range(6)])
    assert forms_of(glossary, english, "ko") == set()


def test_a_form_of_the_seed_list_is_no_form_of_another_term() -> None:
    terms = (
        concepts.SeedTerm("finetun", ("미세 조정",), ("fine-tuning",), ()),
        concepts.SeedTerm("supervi finetun", ("지도 미세 조정",), ("supervised fine-tuning",), ("SFT",)),
    )
    glossary = build_glossary(*["미세 조정(Supervised Fine-Tuning; SFT)을 한다"] * 9, terms=terms)
    assert "미세 조정" not in forms_of(glossary, "SFT", "ko")
    assert forms_of(glossary, "미세 조정", "en") == {"fine-tuning"}


def test_a_word_alone_has_only_translations_that_papers_confirm() -> None:
    explained = [
        "체화 지능(embodied intelligence)",
        "체화 학습(embodied learning)",
        "체화 추론(embodied reasoning)",
    ]
    elsewhere = [f"{number}번 체화 embodied" for number in range(3)]
    assert "체화" in _forms(build_glossary(*explained, *elsewhere, *OTHER_TEXTS), "embodied")
    unrelated = [f"{number}번 체화를 본다" for number in range(40)]
    assert "체화" not in _forms(build_glossary(*explained, *elsewhere, *unrelated, *OTHER_TEXTS), "embodied")
    assert "체화" in _forms(
        build_glossary(*explained, *elsewhere, *unrelated, *OTHER_TEXTS), "embodied zebra"
    )


def _forms(glossary: resolver.Glossary, query: str) -> set[str]:
    return {form.text for segment in glossary.expand(query).segments for form in segment.forms}


def test_evidence_overrides_the_seed_list() -> None:
    seed_term = concepts.SeedTerm("represent learn", ("표현 학습",), ("representation learning",), ("RL",))
    assert build_glossary(terms=(seed_term,)).expand("RL").segments[0].key == "represent learn"
    assert (
        build_glossary(*DIGEST_TEXTS * 6, terms=(seed_term,)).expand("RL").segments[0].key == "reinforc learn"
    )


def test_seeded_two_letter_abbreviations_resolve_but_do_not_expand() -> None:
    seed_term = concepts.SeedTerm("relat extract", ("관계 추출",), ("relation extraction",), ("RE",))
    glossary = build_glossary(terms=(seed_term,))
    assert glossary.expand("RE").segments[0].key == "relat extract"
    assert "RE" not in glossary.expand("관계 추출").added_forms


def test_mention_counts_are_additive() -> None:
    two_texts, one_text = (
        glossary_in_memory.count_mentions(DIGEST_TEXTS[:2]),
        glossary_in_memory.count_mentions(DIGEST_TEXTS[:1]),
    )
    remaining = dict(two_texts)
    for mention, papers in one_text:
        remaining[mention] -= papers
    nonzero = [(mention, papers) for mention, papers in remaining.items() if papers]
    assert nonzero == glossary_in_memory.count_mentions(DIGEST_TEXTS[1:2])
    assert all(isinstance(mention, mentions.Mention) for mention, _ in nonzero)


def test_a_word_with_a_joined_prefix_aligns_as_two_words() -> None:
    aligning_texts = [
        "자가 학습(Self-Learning)을 한다",
        "이는 자가 모델(Self-Model)이다",
        "자가 강화(Self-Reinforcement)다",
    ]
    glossary = build_glossary(
        *DIGEST_TEXTS, *aligning_texts, "이 방법은 자가 재연성(self-reenactment)에 강하다"
    )
    assert forms_of(glossary, "self-reenactment", "ko") == {"자가 재연성"}


def test_a_participle_can_begin_a_term() -> None:
    correction_texts = [
        f"이는 수정 {word}({english} Correction)이다"
        for word, english in zip(
            ("모델", "학습", "보상", "확산", "언어"),
            ("Model", "Learning", "Reward", "Diffusion", "Language"),
            strict=True,
        )
    ]
    flow_texts = ["이는 정규 흐름(Normalizing Flow)이다", "우리는 확산 흐름(Diffusion Flow)을 쓴다"]
    glossary = build_glossary(
        *DIGEST_TEXTS, *correction_texts, *flow_texts, "자기회귀와 수정된 흐름(Rectified Flow)을 쓴다"
    )
    assert forms_of(glossary, "rectified flow", "ko") == {"수정된 흐름"}


def test_a_term_does_not_begin_with_a_suffix_syllable() -> None:
    glossary = build_glossary(
        *DIGEST_TEXTS,
        "이는 문맥 내 추론(in-context inference)이다",
        "그리고 상황 내 학습(in-context learning)을 쓴다",
    )
    assert forms_of(glossary, "in-context learning", "ko") == {"상황 내 학습"}


def test_a_closed_up_term_aligns_by_its_parts() -> None:
    loss_texts = ["이는 재구성 손실(Reconstruction Loss)이다", "우리는 순위 손실(Ranking Loss)을 쓴다"]
    diffusion_texts = ["또한 확산 과정(Diffusion Process)을 본다", "이는 잠재 확산(Latent Diffusion)이다"]
    glossary = build_glossary(
        *DIGEST_TEXTS, *loss_texts, *diffusion_texts, "이 방법은 확산손실(diffusion loss)을 줄인다"
    )
    assert forms_of(glossary, "diffusion loss", "ko") == {"확산손실"}


def test_a_term_without_known_words_needs_the_expected_number_of_words() -> None:
    glossary = build_glossary(
        *DIGEST_TEXTS, "모델은 전방 패스(forward pass)를 줄인다", "그래서 가위바위보(rock game)를 한다"
    )
    assert forms_of(glossary, "forward pass", "ko") == {"전방 패스"}
    assert forms_of(glossary, "rock game", "ko") == {"가위바위보"}
    assert not build_glossary(*DIGEST_TEXTS, "모델은 전방(forward pass)을 줄인다").find_concepts(
        "forward pass"
    )


PAIR = induction.TermPair("강화학습", "reinforc learn")


def test_terms_and_pairs_are_counted_once_per_paper() -> None:
    counter = induction.CooccurrenceCounter([PAIR], {PAIR.english: ["rl"]})
    for text in ("강화 학습과 강화학습은 RL이다", "강화학습", "Reinforcement learning", "다른 글"):
        counter.add(analyser.canonicalise(text))
    assert counter.papers == 4
    assert counter.korean_counts[PAIR.korean] == 2
    assert counter.english_counts[PAIR.english] == 2
    assert counter.pair_counts[PAIR] == 1


STEMS = st.sampled_from(["변환", "강화", "희소", "생성", "양자화", "신호"])


ENDINGS = "하는 되는 시키는 하기 되기 하여 하고 하며 되어 하다 된다 된 한 이는"
NOT_FORMS = st.one_of(
    st.builds(str.__add__, STEMS, st.sampled_from(ENDINGS.split())),
    st.sampled_from(list("층열값망점")),
    st.builds(lambda stem, number: f"{stem} {number}", STEMS, st.integers(1, 2030)),
    st.builds(lambda stem, number: f"{stem}{number}", STEMS, st.integers(1, 99)),
)


TERMS = st.sampled_from(
    ["transformation", "sparse layer", "signal", "generated value", "reinforcement", "layer"]
)


MENTIONS = st.tuples(STEMS | NOT_FORMS, TERMS)


SEVERAL = st.lists(st.tuples(MENTIONS, st.integers(1, 12)), min_size=1, max_size=6)


NEVER = re.compile("[0-9]|(?:하|되|시키|이)는$|[하되]기$|(?:하여|하고|하며|되어|하다|된다)$|.[된한]$")


@settings(max_examples=60, deadline=None)
@given(SEVERAL)
def test_digits_verb_endings_and_single_syllables_are_never_forms(
    explained: list[tuple[tuple[str, str], int]],
) -> None:
    texts = [
        f"이 연구는 {form}({term})을 다룹니다." for (form, term), papers in explained for _ in range(papers)
    ]
    concepts = glossary_in_memory.build_glossary(texts, ()).all_concepts()
    forms = [form.text for concept in concepts for form in concept.forms_in("ko")]
    assert not [form for form in forms if len(form) < 2 or NEVER.search(form)]


def test_a_noun_that_papers_explain_is_a_form() -> None:
    (concept,) = glossary_in_memory.build_glossary(
        ["희소 계층(sparse layer)을 다룹니다."] * 4, ()
    ).all_concepts()
    assert [form.text for form in concept.forms_in("ko")] == ["희소 계층"]
