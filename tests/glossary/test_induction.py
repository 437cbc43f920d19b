"""What texts say of terms, and from mentions to concepts: spans, filters, document frequencies, abbreviation senses."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.glossary import induction, resolver
from bot.text import analyser, concepts, seed
from tests.support import glossary_in_memory, growth

FRAGMENTS = st.sampled_from(
    ["(", ")", "강화 학습", "Reinforcement Learning", ";", "RL", " ", ",", "\n", "예:", "*", "\x00"]
)


TEXTS = st.one_of(st.text(max_size=300), st.lists(FRAGMENTS, max_size=60).map("".join))


@pytest.mark.parametrize(
    ("text", "mention"),
    [
        (
            "우리는 강화 학습(Reinforcement Learning; RL)을",
            ("우리는 강화 학습", "Reinforcement Learning", "RL"),
        ),
        ("강화 학습(RL)", ("강화 학습", "", "RL")),
        ("**강화 학습**(RL)", ("강화 학습", "", "RL")),
        ("새 Proximal Policy Optimization(PPO)", ("Proximal Policy Optimization", "", "PPO")),
        ("PPO(Proximal Policy Optimization)", ("PPO", "Proximal Policy Optimization", "")),
        ("Proximal Policy Optimization(PPO; 근접 정책)", ("Proximal Policy Optimization", "", "PPO")),
        ("언어 모델（Language Model）", ("언어 모델", "Language Model", "")),
        ("첫째, 언어 모델(LM)", ("언어 모델", "", "LM")),
        ("GPT-3.5 기반 모델(Model)", ("GPT-3.5 기반 모델", "Model", "")),
        ("Reinforcement Learning(강화 학습)", None),
        ("모델(예: LLaMA)", None),
        ("모델(e.g. LLaMA)", None),
        ("성능(24%)", None),
        ("모델(GPT, BERT, LLaMA, Qwen)", None),
        ("모델()", None),
        ("(Model)", None),
    ],
)
def test_mentions_are_extracted_from_parentheses(text: str, mention: tuple[str, str, str] | None) -> None:
    assert induction.extract_mentions(text) == ([] if mention is None else [induction.Mention(*mention)])


@pytest.mark.parametrize(
    ("text", "definition"),
    [
        ("Proximal Policy Optimization(PPO)", ("PPO", "Proximal Policy Optimization")),
        ("PPO(Proximal Policy Optimization)", ("PPO", "Proximal Policy Optimization")),
        ("근접 정책(Proximal Policy Optimization; PPO)", ("PPO", "Proximal Policy Optimization")),
        ("근접 정책(PPO)", ("", "")),
        ("PPO(a method of ours)", ("", "")),
    ],
)
def test_a_mention_defines_an_abbreviation_in_either_order(text: str, definition: tuple[str, str]) -> None:
    (mention,) = induction.extract_mentions(text)
    assert mention.definition() == definition


@given(TEXTS)
def test_any_text_gives_bounded_mentions(text: str) -> None:
    extracted = induction.extract_mentions(text)
    assert len(extracted) <= induction.MAX_MENTIONS
    assert all(mention.left_context and len(mention.left_context) <= 400 for mention in extracted)


@pytest.mark.parametrize(
    ("text", "abbreviation", "words"),
    [
        ("we use Proximal Policy Optimization", "PPO", "Proximal Policy Optimization"),
        ("new Large Language Models", "LLMs", "Large Language Models"),
        ("Text-to-Image", "T2I", "Text-to-Image"),
        ("the Chain of Thought", "CoT", "Chain of Thought"),
        ("3D Gaussian Splatting", "3DGS", "3D Gaussian Splatting"),
        ("Low-Rank Adaptation", "LoRA", "Low-Rank Adaptation"),
        ("Reinforcement Learning from Human Feedback", "RLHF", "Reinforcement Learning from Human Feedback"),
        ("Variational Autoencoder", "VAE", "Variational Autoencoder"),
        ("Rotary Position Embedding", "RoPE", "Rotary Position Embedding"),
        ("a big model", "XYZ", None),
        ("", "RL", None),
    ],
)
def test_the_shortest_long_form_is_found(text: str, abbreviation: str, words: str | None) -> None:
    assert induction.long_form(text, abbreviation) == words


@given(st.text(max_size=80), st.text(min_size=1, max_size=12))
def test_a_long_form_is_a_suffix_of_the_text(text: str, abbreviation: str) -> None:
    long_form = induction.long_form(text, abbreviation)
    assert long_form is None or text.rstrip().endswith(long_form)


def test_particles_are_stripped_from_the_words_of_a_context() -> None:
    assert analyser.split_context("강화 학습을 위한-모델의") == ["강화", "학습", "위한", "모델"]


def test_names_are_heads_of_titles_and_words_with_a_capital_within() -> None:
    titles = (
        "Gemini: A Family of Models",
        "Qwen2.5 Technical Report",
        "Mistral 7B",
        "Janus-Pro: Unified Understanding",
        "Taming LoRA for a Very Long and Winding Title",
        "Cosmos World Foundation Model Platform for Physical AI",
    )
    names = {name for title in titles for name in induction.list_names(title)}
    assert {"Gemini", "Qwen", "Mistral", "Janus-Pro", "Janus", "LoRA", "Cosmos"} <= names
    assert not {"Taming", "Winding", "Family"} & names


def build_glossary(*texts: str, terms: tuple[seed.SeedTerm, ...] = ()) -> resolver.Glossary:
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


def test_an_abbreviation_keeps_the_senses_that_most_papers_explain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(induction, "MAX_FORMS", 2)
    told = {"dual path attention": 2, "direct policy adaptation": 3, "deep plan alignment": 1}
    rows = [(induction.Mention(text, "", "DPA"), papers) for text, papers in told.items()]
    senses = induction.draft_glossary(rows, ()).senses["DPA"]
    assert [(sense.papers, sense.share) for sense in senses] == [(3, 3 / 6), (2, 2 / 6)]


OTHER_TEXTS = [f"{number}번째 다른 글" for number in range(90)]


def test_a_learnt_form_counts_when_most_papers_with_it_have_the_term() -> None:
    explained = ["이를 무작위 투영(random projection)이라 한다"] * 4
    elsewhere = [f"{number}번째 무작위 투영을 쓴다" for number in range(20)]
    confirmed = [f"무작위 투영은 {number}번째 random projection이다" for number in range(20)]
    few = build_glossary(*explained, *elsewhere, *OTHER_TEXTS)
    assert "무작위 투영" not in forms_of(few, "random projection", "ko")
    (concept,) = build_glossary(*explained, *elsewhere, *confirmed, *OTHER_TEXTS).find_concepts("무작위 투영")
    (form,) = concept.forms_in("ko")
    assert (form.text, form.papers, form.found, form.confirmed) == ("무작위 투영", 4, 44, 24)
    assert form.is_sure


def test_a_term_has_no_more_forms_than_a_search_can_look_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(induction, "MAX_FORMS", 3)
    korean, short = ("가로", "나무", "다리", "마당", "바다"), ("LS", "LNS", "LTS", "LES", "LRS")
    told = [
        text
        for name, abbreviation in zip(korean, short, strict=True)
        for text in (f"{name} 등롱(lantern signal)", f"Lantern Signal({abbreviation})")
    ]
    mentions = [induction.extract_mentions(text)[0] for text in told]
    draft = induction.draft_glossary([(mention, 1) for mention in mentions], ())
    counter = draft.cooccurrence_counter()
    for text in (*told, *OTHER_TEXTS):
        counter.add("", analyser.canonicalise(text))
    [concept] = [of for of in induction.induce(draft, counter).concepts if of.key == "lantern signal"]
    assert len(concept.forms_in("abbr")) == 3


@pytest.mark.parametrize(
    ("korean", "english"),
    [("가나다{}", "term{}"), ("가{}", "lantern signal term{}")],
    ids=["Korean", "English"],
)
def test_many_forms_with_one_beginning_cost_a_paper_no_more_than_few(korean: str, english: str) -> None:
    text = analyser.canonicalise("가나다 lantern signal " + "가나다람쥐 lantern signal lights " * 200)

    def count(forms: int) -> induction.CooccurrenceCounter:
        syllables = [chr(0xB000 + number) for number in range(forms)]
        pairs = [
            induction.TermPair(korean.format(syllable * 2), english.format(number))
            for number, syllable in enumerate(syllables)
        ]
        pairs += [induction.TermPair("가나다람쥐", "lantern signal")]
        return induction.CooccurrenceCounter(pairs, {pair.english: () for pair in pairs})

    few, many = count(100), count(10_000)
    growth.assert_growth(lambda: few.add("", text), lambda: many.add("", text), limit=4, least=0.001)
    assert many.pair_counts == {("가나다람쥐", "lantern signal"): many.papers}


def test_a_form_that_one_paper_explains_ranks_and_decides_no_filter() -> None:
    texts = ["이를 무작위 투영(random projection)이라 한다", "무작위 투영은 random projection이다"]
    expanded = build_glossary(*texts, *OTHER_TEXTS).expand("random projection")
    assert "무작위 투영" in [form.text for form in expanded.segments[0].forms]
    assert [form.text for form in expanded.sure().segments[0].forms] == ["random projection"]
    twice = build_glossary(texts[0], *texts, *OTHER_TEXTS).expand("random projection").sure()
    assert "무작위 투영" in [form.text for form in twice.segments[0].forms]


def test_an_ordinary_word_is_never_a_form() -> None:
    seed_term = seed.SeedTerm(("제거",), ("removal",), (), is_common_word=True)
    texts = ["확산은 노이즈 제거(diffusion)이다", *["이는 제거(diffusion)이다"] * 6]
    assert forms_of(build_glossary(*texts, terms=(seed_term,)), "diffusion", "ko") <= {"노이즈 제거"}


@pytest.mark.parametrize(
    ("texts", "term", "forms"),
    [
        (["모델은 전방 패스(forward pass)를 줄인다"], "forward pass", {"전방 패스"}),
        (["이는 새로운 비교 대상(baseline)이다"] * 4, "baseline", {"비교 대상"}),
        (["그리고 상황 내 학습(in-context learning)을 쓴다"], "in-context learning", {"상황 내 학습"}),
        (["우리는 작은 모델 트랜스포머(Transformer)를 쓴다"], "transformer", {"트랜스포머"}),
        (["거대 언어 모델(LLM)을 쓴다"] * 2, "LLM", {"대규모 언어 모델", "거대 언어 모델"}),
    ],
)
def test_the_words_before_a_parenthesis_that_are_the_term(
    texts: list[str], term: str, forms: set[str]
) -> None:
    assert forms_of(build_glossary(*DIGEST_TEXTS, *texts), term, "ko") == forms


@pytest.mark.parametrize(
    ("left", "english"),
    [("형태를 변환하는", "transforming"), ("잘 학습된", "trained"), ("32", "bit width"), ("키", "key")],
)
def test_endings_digits_and_single_syllables_are_not_forms(left: str, english: str) -> None:
    glossary = build_glossary(*DIGEST_TEXTS, *[f"{left}({english})을 본다 {number}" for number in range(6)])
    assert forms_of(glossary, english, "ko") == set()


def test_a_form_of_the_seed_list_is_not_a_form_of_another_term() -> None:
    terms = (
        seed.SeedTerm(("미세 조정",), ("fine-tuning",), ()),
        seed.SeedTerm(("지도 미세 조정",), ("supervised fine-tuning",), ("SFT",)),
    )
    glossary = build_glossary(*["미세 조정(Supervised Fine-Tuning; SFT)을 한다"] * 9, terms=terms)
    assert "미세 조정" not in forms_of(glossary, "SFT", "ko")
    assert forms_of(glossary, "미세 조정", "en") == {"fine-tuning"}


def test_evidence_overrides_the_seed_list() -> None:
    seed_term = seed.SeedTerm(("표현 학습",), ("representation learning",), ("RL",))
    assert build_glossary(terms=(seed_term,)).expand("RL").segments[0].key == "repr learn"
    assert (
        build_glossary(*DIGEST_TEXTS * 6, terms=(seed_term,)).expand("RL").segments[0].key == "reinforc learn"
    )


def test_seeded_two_letter_abbreviations_resolve_but_do_not_expand() -> None:
    seed_term = seed.SeedTerm(("관계 추출",), ("relation extraction",), ("RE",))
    glossary = build_glossary(terms=(seed_term,))
    assert glossary.expand("RE").segments[0].key == "relat extract"
    assert "RE" not in glossary.expand("관계 추출").segments[0].added_forms


def test_terms_and_pairs_are_counted_once_per_paper() -> None:
    pair = induction.TermPair("강화학습", "reinforc learn")
    counter = induction.CooccurrenceCounter([pair], {pair.english: ["rl"]})
    for text in ("강화 학습과 강화학습은 RL이다", "강화학습", "Reinforcement learning", "다른 글"):
        counter.add(
            analyser.canonicalise("강화학습"[: 4 * (text == "강화학습")]), analyser.canonicalise(text)
        )
    assert (counter.papers, counter.title_counts) == (4, {pair.korean: 1})
    assert (counter.counts[pair.korean], counter.counts[pair.english], counter.pair_counts[pair]) == (2, 2, 1)


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


def test_a_form_whose_last_word_translates_no_word_of_the_term_is_none() -> None:
    model = seed.SeedTerm(("모델",), ("model",), (), is_common_word=True)
    texts = ["이는 혼합 모델(Mixture of Experts)이다", "그리고 보상 모델(Reward Model)을 쓴다"]
    glossary = build_glossary(*texts, terms=(model,))
    assert forms_of(glossary, "Mixture of Experts", "ko") == set()
    assert forms_of(glossary, "Reward Model", "ko") == {"보상 모델"}


def test_what_most_papers_explain_is_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(induction, "MAX_LEARNT", 2)
    told = [("가로 등불", "aside", 2), ("강가 등불", "beside", 1), ("등대 등불", "evening", 3)]
    rows = [
        (induction.Mention(form, f"{name} lantern", f"{name[0]}{name[1]}L".upper()), papers)
        for form, name, papers in told
    ]
    draft = induction.draft_glossary(rows, ())
    assert {pair.korean for pair in draft.pairs} == {"등대등불", "가로등불"}
    assert draft.senses.keys() == {"EVL", "ASL"}


def test_a_separator_of_stored_mentions_is_a_blank_in_a_text() -> None:
    (mention,) = induction.extract_mentions("강화 학습(Reinforcement\x1fLearning; RL)")
    assert mention == ("강화 학습", "Reinforcement Learning", "RL")
