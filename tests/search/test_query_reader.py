"""Interpreting queries: filler and endings, terms, everyday words, names, meanings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.search import term_resolver
from bot.search.query_reader import QueryReader
from bot.text import seed
from bot.text.parsed_query import ParsedQuery
from tests.support import glossary_in_memory


@pytest.fixture(scope="module")
def glossary() -> term_resolver.Glossary:
    return glossary_in_memory.build_glossary([], seed.load_terms())


def _read(glossary: term_resolver.Glossary, text: str) -> ParsedQuery:
    return QueryReader(glossary).read(ParsedQuery(text))


def _parts(read: ParsedQuery) -> list[str]:
    return [part.text for part in read.parts]


@pytest.mark.parametrize(
    ("typed", "parts"),
    [
        ("what is mixture of experts", ["mixture of experts"]),
        ("확산 모델에 대한 논문", ["확산 모델"]),
        ("LLM의 환각을 알려줘", ["LLM", "환각"]),
        ("diffusion and video", ["diffusion", "video"]),
        ("chain of thought", ["chain of thought"]),
        ("the of", ["the", "of"]),
        # A term of several words is never torn, and 나 is a particle.
        ("모델 합치기", ["모델 합치기"]),
        ("여러 모델 합치기 논문", ["모델 합치기"]),
        ("손글씨나 문서 이미지 이해하는 모델", ["손글씨", "문서", "이미지 이해"]),
        ("영상에 소리 입히기", ["영상", "소리", "입히기"]),
        ("GAN or VAE", ["GAN", "VAE"]),
        ("강화학습이나 모방학습 로봇", ["강화학습", "모방학습", "로봇"]),
        ("without retraining robots", ["without retraining", "robots"]),
        # Words in two languages are two parts, and a query without spaces is split into known terms.
        ("KV 캐시", ["KV", "캐시"]),
        ("대규모언어모델추론", ["대규모언어모델", "추론"]),
    ],
)
def test_filler_stays_in_terms_alone(glossary: term_resolver.Glossary, typed: str, parts: list[str]) -> None:
    assert _parts(_read(glossary, typed)) == parts


def test_a_noun_typed_with_a_particle_is_not_an_added_form(glossary: term_resolver.Glossary) -> None:
    added = _read(glossary, "강화학습의").added_forms
    assert "reinforcement learning" in added
    assert not any("강화" in form for form in added)


def test_only_ambiguous_abbreviations_have_meanings() -> None:
    texts = [
        *["직접 정책 적응(Direct Policy Adaptation; DPA)을 쓴다"] * 3,
        *["이중 경로 주의(Dual Path Attention; DPA)를 쓴다"] * 3,
        *["강화 학습(Reinforcement Learning; RL)을 쓴다"] * 3,
    ]
    learnt = glossary_in_memory.build_glossary(texts, ())

    def meanings(query: str) -> set[str]:
        return {meaning.lower() for meaning in _read(learnt, query).meanings}

    assert meanings("DPA") == {"direct policy adaptation", "dual path attention"}
    assert not meanings("RL") | meanings("dual path attention") | meanings("DPA models") | meanings("xyz")


@pytest.mark.parametrize(
    ("typed", "segment", "form"),
    [
        ("why do LLMs lie", "lie", "hallucination"),
        ("LLM이 거짓말하는지 알려줘", "거짓말", "hallucination"),
        ("how to train models without labels", "without labels", "unsupervised"),
        ("옷을 바꾸는 논문", "옷을", "garment"),
        ("휴대폰에서 돌아가는 모델", "휴대폰", "on-device"),
    ],
)
def test_an_everyday_word_is_searched_with_all_forms_of_its_term(
    glossary: term_resolver.Glossary, typed: str, segment: str, form: str
) -> None:
    read = _read(glossary, typed)
    forms = {part.text: {one.text: one.weight for one in part.forms} for part in read.parts}
    assert form in forms[segment]
    assert forms[segment][form] < forms[segment][segment] == 1.0


@pytest.mark.parametrize(
    ("question", "read"),
    [
        ("LoRA로 파인튜닝", "LoRA 파인튜닝"),
        ("코드를 자동으로 고쳐주는 모델 추천해줘", "코드"),
        ("비위를 맞추는 모델", "비위 맞추는"),
        ("how to stop language models from saying wrong things", "language models"),
        ("강화학습으로 로봇을 학습시키나요?", "강화학습 로봇 학습"),
        ("논문", "논문"),
        ("", ""),
        ("???", "???"),
        ("|", "|"),
    ],
)
def test_a_question_is_read_as_its_topic(glossary: term_resolver.Glossary, question: str, read: str) -> None:
    assert _read(glossary, question).sought == read


_HOSTILE = (
    "가이를의에서로LLM의 논문을 추천해줘? how to of RAG기반 대규모언어모델 김건우가 줄이는 \t\n.,;()\"'-\x00"
)


@given(st.text(_HOSTILE, max_size=300) | st.text(max_size=300))
def test_any_text_can_be_interpreted_as_a_query(glossary: term_resolver.Glossary, text: str) -> None:
    read = _read(glossary, text)
    assert bool(read.sought.strip()) == bool(text.strip())
    assert len(read.parts) <= 100
    assert all(form.text for part in read.parts for form in part.forms)


@pytest.mark.parametrize(("word", "translation"), [("driving", "운전"), ("재현율", "recall")])
def test_a_common_word_is_translated_but_is_not_a_topic(
    glossary: term_resolver.Glossary, word: str, translation: str
) -> None:
    read = _read(glossary, word)
    assert translation in [form.text for form in read.parts[0].forms]
    assert not read.parts[0].key
    assert not read.added_forms
    assert glossary.find_concepts(word) == []


@pytest.mark.parametrize(
    ("question", "terms"),
    [
        ("벤치마크가 오염됐는지 확인하는 방법", ["벤치마크 오염"]),
        ("합성 데이터로만 학습해도 되나요?", ["합성 데이터", "학습"]),
        ("멀티모달 모델이 차트랑 표를 읽을 수 있나?", ["멀티모달 모델", "차트", "표"]),
        ("스마트폰에서 도는 모델", ["온디바이스"]),
        ("이상치 탐지 쪽에 확산모델 쓴 거 본 적 있으신 분", ["이상치 탐지", "확산모델"]),
        ("AI가 쓴 글인지 구분하는 연구", ["machine-generated text", "구분"]),
        ("RAG가 느린데 맘대로 고쳐도 되나 \u110f\u110f ㅠㅠ", ["RAG"]),
        ("사진 한두 장으로 3D 복원", ["사진", "3D 복원"]),
        ("run an llm on my phone", ["llm", "phone"]),
    ],
)
def test_the_answer_names_the_terms_that_everyday_words_stand_for(
    glossary: term_resolver.Glossary, question: str, terms: list[str]
) -> None:
    assert list(_read(glossary, question).terms) == terms
