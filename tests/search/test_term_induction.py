"""Learning forms from mentions: where a Korean term begins, which evidence confirms it, and what is never a form."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.search import term_induction, term_mentions, term_resolver
from bot.text import concepts, seed
from tests.support import glossary_in_memory


def build_glossary(*texts: str, terms: tuple[seed.SeedTerm, ...] = ()) -> term_resolver.Glossary:
    return glossary_in_memory.build_glossary(list(texts), terms)


def forms_of(glossary: term_resolver.Glossary, term: str, language: concepts.Language) -> set[str]:
    found = glossary.find_concepts(term)
    return {form.text for concept in found for form in concept.forms_in(language) if form.searched}


_DIGEST_LIST = (
    "이 연구는 강화 학습(Reinforcement Learning; RL)을 쓴다|우리는 강화 학습(Reinforcement Learning)으로 푼다"
    "|새로운 대조 학습(Contrastive Learning)을 본다|기존의 지도 학습(Supervised Learning)과 다르다"
    "|이를 위해 언어 모델(Language Model; LM)을 만든다|이 논문은 대규모 언어 모델(Large Language Models; LLMs)을 다룬다"
    "|그래서 대규모 언어 모델(Large Language Model; LLM)은 크다|먼저 확산 모델(Diffusion Model)을 훈련한다"
    "|다음으로 보상 모델(Reward Model)을 쓴다"
)
DIGEST_TEXTS = _DIGEST_LIST.split("|")
OTHER_TEXTS = [f"{number}번째 다른 글" for number in range(90)]


def test_a_concept_has_forms_in_both_languages() -> None:
    glossary = build_glossary(*DIGEST_TEXTS)
    assert forms_of(glossary, "RL", "ko") == {"강화 학습"}
    assert forms_of(glossary, "강화학습", "abbr") == set(), "two letters are understood, and not searched for"
    assert forms_of(glossary, "대규모 언어 모델", "abbr") == {"LLM"}
    assert [one.key for one in glossary.find_concepts("large language models")] == ["larg languag model"]
    assert forms_of(glossary, "LLM", "ko") == {"대규모 언어 모델"}


def test_the_korean_term_excludes_the_words_before_it() -> None:
    glossary = build_glossary(
        *DIGEST_TEXTS, "우리가 제안하는 새로운 방법은 강화 학습(Reinforcement Learning)이다"
    )
    assert forms_of(glossary, "reinforcement learning", "ko") == {"강화 학습"}


@pytest.mark.parametrize(
    ("texts", "term", "forms"),
    [
        (["모델은 전방 패스(forward pass)를 줄인다"], "forward pass", {"전방 패스"}),
        (["그리고 상황 내 학습(in-context learning)을 쓴다"], "in-context learning", {"상황 내 학습"}),
        (["우리는 작은 모델 트랜스포머(Transformer)를 쓴다"], "transformer", {"트랜스포머"}),
        (["거대 언어 모델(LLM)을 쓴다"] * 2, "LLM", {"대규모 언어 모델", "거대 언어 모델"}),
    ],
)
def test_a_korean_term_is_extracted_from_the_words_before_a_parenthesis(
    texts: list[str], term: str, forms: set[str]
) -> None:
    assert forms_of(build_glossary(*DIGEST_TEXTS, *texts), term, "ko") == forms


def test_a_form_is_learnt_if_most_papers_with_it_contain_the_term() -> None:
    explained = ["이를 무작위 투영(random projection)이라 한다"] * 4
    elsewhere = [f"{number}번째 무작위 투영을 쓴다" for number in range(20)]
    confirmed = [f"무작위 투영은 {number}번째 random projection이다" for number in range(16)]
    few = build_glossary(*explained, *elsewhere, *OTHER_TEXTS)
    assert "무작위 투영" not in forms_of(few, "random projection", "ko")
    many = build_glossary(*explained, *elsewhere[:8], *confirmed, *OTHER_TEXTS)
    (concept,) = many.find_concepts("무작위 투영")
    (form,) = concept.forms_in("ko")
    assert (form.text, form.papers, form.confirmed) == ("무작위 투영", 4, 20)
    assert form.is_sure


def test_does_not_learn_a_form_whose_uses_far_outnumber_its_definitions() -> None:
    explained = ["확산은 제거(diffusion)이다"] * 2
    used = ["제거로 하는 diffusion"] * (2 * term_induction.MAX_PAPERS_PER_EXPLANATION - 2)
    texts = [*explained, *used, *OTHER_TEXTS]
    assert forms_of(build_glossary(*texts), "diffusion", "ko") == {"제거"}
    assert forms_of(build_glossary(*texts, "제거로 하는 diffusion"), "diffusion", "ko") == set()


def test_filters_use_only_forms_defined_at_least_twice() -> None:
    texts = ["이를 무작위 투영(random projection)이라 한다", "무작위 투영은 random projection이다"]
    for times, is_sure in ((1, False), (2, True)):
        glossary = build_glossary(*texts[:1] * (times - 1), *texts, *OTHER_TEXTS)
        forms = {form.text: form.is_sure for form in glossary.forms_of("random project")}
        assert forms == {"random projection": True, "무작위 투영": is_sure}


def test_the_number_of_learnt_forms_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    korean = ("가로", "나무", "다리", "마당", "바다")
    texts = [f"{name}(lantern)" for name in korean] + ["Quantum Foam(QF)"]
    monkeypatch.setattr(term_induction, "MAX_FORMS", 3)
    assert len(glossary_in_memory.learn(texts, ())) == 4
    monkeypatch.setattr(term_induction, "MAX_LEARNT", 2)
    twice = glossary_in_memory.learn([*texts, texts[2]], ())
    assert [(form.form, form.explained) for form in twice] == [("다리", 2), ("QF", 1)]


@pytest.mark.parametrize(("left", "english"), [("32", "bit width"), ("키", "key")])
def test_digits_and_single_syllables_are_not_forms(left: str, english: str) -> None:
    glossary = build_glossary(*DIGEST_TEXTS, *[f"{left}({english})을 본다 {number}" for number in range(6)])
    assert forms_of(glossary, english, "ko") == set()


def test_a_seeded_form_is_not_learnt_for_another_term() -> None:
    terms = (
        seed.SeedTerm(("미세 조정",), ("fine-tuning",), ()),
        seed.SeedTerm(("지도 미세 조정",), ("supervised fine-tuning",), ("SFT",)),
    )
    glossary = build_glossary(*["미세 조정(Supervised Fine-Tuning; SFT)을 한다"] * 9, terms=terms)
    assert "미세 조정" not in forms_of(glossary, "SFT", "ko")
    assert forms_of(glossary, "미세 조정", "en") == {"fine-tuning"}


def test_frequent_definitions_override_the_seed_list() -> None:
    seed_term = seed.SeedTerm(("표현 학습",), ("representation learning",), ("RL",))
    assert build_glossary(terms=(seed_term,)).find("RL") == ["repr learn"]
    assert build_glossary(*DIGEST_TEXTS * 6, terms=(seed_term,)).find("RL") == ["reinforc learn"]


WORDS = st.sampled_from(
    ["강화", "학습", "모델", "reinforcement", "Learning", "RL", "LLM", "(", ")", ";", "을", "2", "\n"]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(WORDS, max_size=20).map(" ".join), max_size=6))
def test_counts_learnt_from_any_texts_are_consistent(texts: Sequence[str]) -> None:
    found = [mention for text in texts for mention in term_mentions.extract_mentions(text)]
    for row in glossary_in_memory.learn(texts, seed.load_terms()[:60]):
        assert row.form
        assert row.confirmed <= row.found <= len(texts)
        assert row.explained <= len(found)
