"""Interpreting queries: filler and endings, terms, everyday words, names, meanings."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.glossary import resolver
from bot.search import service
from bot.search.query import QueryReader, ReadQuery
from bot.text import query_parser, seed
from tests.support import glossary_in_memory


@pytest.fixture(scope="module")
def glossary() -> resolver.Glossary:
    """The glossary with only the seed list."""
    return glossary_in_memory.build_glossary([], seed.load_terms())


def _read(glossary: resolver.Glossary, text: str) -> ReadQuery:
    return QueryReader(glossary).read(query_parser.Query(text))


def _parts(read: ReadQuery) -> list[str]:
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
    ],
)
def test_filler_is_dropped_but_not_from_terms(
    glossary: resolver.Glossary, typed: str, parts: list[str]
) -> None:
    assert _parts(_read(glossary, typed)) == parts


@pytest.mark.parametrize(
    ("typed", "parts"),
    [
        ("GAN or VAE", ["GAN or VAE"]),
        ("papers on RAG or on agents", ["RAG or agents"]),
        ("diffusion, GAN or VAE for speech", ["diffusion, GAN or VAE", "speech"]),
        ("강화학습이나 모방학습 로봇", ["강화학습 또는 모방학습", "로봇"]),
        ("SSM 이나 mamba", ["SSM 또는 mamba"]),
        ("GAN / VAE 논문", ["GAN 또는 VAE"]),
        ("image or video generation", ["image generation or video generation"]),
        ("text to speech or music", ["text to speech or text to music"]),
        ("encoder / decoder attention", ["encoder decoder", "attention"]),
        ("diffusion, video", ["diffusion", "video"]),
        ("KV cache / long context inference", ["KV cache or long context", "inference"]),
        ("state space / mamba papers", ["state space or mamba"]),
        ("image/video editing", ["image editing or video editing"]),
        ("이미지/비디오 생성", ["이미지 생성 또는 비디오 생성"]),
        ("monocular depth or point tracking", ["monocular depth or point tracking"]),
        ("robot papers (locomotion, navigation)", ["robot", "locomotion or navigation"]),
        ("training (low precision, optimizers, etc.)", ["training", "low precision or optimizers"]),
        ("mamba or other state space models", ["mamba or state space models"]),
        ("mamba나 다른 상태 공간 모델", ["mamba 또는 상태 공간 모델"]),
        ("fine-tuning such as LoRA, adapters and DoRA", ["fine-tuning", "LoRA, adapters or DoRA"]),
        ("로봇 논문 (보행, 내비게이션 같은)", ["로봇", "보행 또는 내비게이션"]),
        ("압축 (예: 양자화, 가지치기 등)", ["압축", "양자화 또는 가지치기"]),
        ("양자화, 가지치기 등 모델 압축", ["양자화 또는 가지치기", "모델 압축"]),
        ("TTS (text to speech)", ["TTS"]),
        ("compression (for example pruning, quantization)", ["compression", "pruning or quantization"]),
        ("or agents", ["agents"]),
        ("was a photo or an article made by AI", ["photo", "made by AI"]),
        ("문화적 유산이나 관광 논문", ["문화적 유산 또는 관광"]),
        ("social skills or role-play LLM papers", ["social skills or role-play", "LLM"]),
        ("depth estimation or image matching", ["depth estimation or image matching"]),
        ("깊이추정이나 이미지매칭 논문", ["깊이추정 또는 이미지매칭"]),
        ("tabular data or data science", ["tabular data or data science"]),
        ("시계열이나 표 데이터", ["시계열 또는 표 데이터"]),
        ("knowledge graphs or graph neural networks", ["knowledge graphs or graph neural networks"]),
        ("음성 합성이나 음성 대화 쪽", ["음성 합성 또는 음성 대화"]),
        ("bug fixing or testing in software engineering", ["bug fixing or testing", "software engineering"]),
        ("버그수정이나 테스트 같은 소프트웨어공학", ["버그수정 또는 테스트", "소프트웨어공학"]),
        ("워터마킹이나 AI 생성물 탐지", ["워터마킹 또는 AI 생성물 탐지"]),
        ("fake news or hate speech detection", ["fake news or hate speech", "detection"]),
        ("오디오/음악 생성", ["오디오 생성 또는 음악 생성"]),
        ("3D 텍스처나 머티리얼 생성", ["3D", "텍스처 또는 머티리얼", "생성"]),
        ("LLM 데이터셋이나 벤치마크", ["LLM", "데이터셋 또는 벤치마크"]),
        ("정리 증명이나 수학 경시 문제 논문", ["정리 증명 또는 수학 경시 문제"]),
        ("math olympiad problems or theorem proving", ["math olympiad problems or theorem proving"]),
        ("kaggle / automated data science agents", ["kaggle or automated data science", "agents"]),
        ("AI 생성물 탐지나 워터마킹", ["AI 생성물 탐지 또는 워터마킹"]),
        ("time series data or data mining", ["time series data or data mining"]),
        ("한국어 데이터나 모델", ["한국어", "데이터 또는 모델"]),
        ("단백질 모델이나 데이터", ["단백질", "모델 또는 데이터"]),
        ("법률이나 교육같은 도메인", ["법률 또는 교육", "도메인"]),
        ("cooking, robot arms, drones... planning", ["cooking, robot arms or drones", "planning"]),
        ("초음파 영상이나 MRI 영상", ["초음파 영상 또는 MRI 영상"]),
        ("efficient training or inference", ["efficient", "training or inference"]),
        ("diffusion or autoregressive image generation", ["diffusion or autoregressive", "image generation"]),
        ("video captioning or dense captioning", ["video captioning or dense captioning"]),
        ("음성 인식 또는 합성", ["음성 인식 또는 음성 합성"]),
        ("sparse or linear attention", ["sparse attention or linear attention"]),
        ("legal or financial question answering", ["legal or financial", "question answering"]),
        ("법률이나 금융 LLM", ["법률 또는 금융", "LLM"]),
        ("RNN이나 Mamba 계열 모델", ["RNN 또는 Mamba"]),
    ],
)
def test_alternatives_are_one_part(glossary: resolver.Glossary, typed: str, parts: list[str]) -> None:
    query = service.read_request(query_parser.parse_query(typed), date(2026, 1, 1))
    read = QueryReader(glossary).read(query)
    assert _parts(read) == parts
    assert all(
        {form.key for one in part.alternatives for form in one.forms} <= {form.key for form in part.forms}
        for part in read.parts
    )


@pytest.mark.parametrize(
    ("typed", "senses"),
    [
        ("LLM 추론 논문", {"inference", "reasoning"}),
        ("디퓨전 추론 빠르게 하는 논문", {"inference"}),
        ("GPU에서 추론", {"inference"}),
        ("강화학습으로 추론 잘하는 모델", {"reasoning"}),
        ("추론 벤치마크", {"reasoning"}),
        ("추론 잘하는 모델", {"reasoning"}),
        ("추론 성능 올리는 방법", {"reasoning"}),
        ("에이전트 추론", {"reasoning"}),
        ("효율적으로 추론하는 비전 모델", {"inference"}),
        ("복원 논문", {"reconstruction", "restoration"}),
        ("손 복원", {"reconstruction"}),
        ("음질 복원", {"restoration"}),
    ],
)
def test_other_words_decide_for_a_meaning_of_a_word(
    glossary: resolver.Glossary, typed: str, senses: set[str]
) -> None:
    forms = {form.text for part in _read(glossary, typed).parts for form in part.forms}
    assert forms & {"inference", "reasoning", "reconstruction", "restoration"} == senses


def test_a_noun_typed_with_a_particle_is_not_an_added_form(glossary: resolver.Glossary) -> None:
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
    glossary: resolver.Glossary, typed: str, segment: str, form: str
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
        ("state of the art text-to-video", "text-to-video"),
        ("논문", "논문"),
        ("", ""),
        ("???", "???"),
        ("|", "|"),
    ],
)
def test_a_question_is_reduced_to_its_topic(glossary: resolver.Glossary, question: str, read: str) -> None:
    assert _read(glossary, question).text == read


_HOSTILE = (
    "가이를의에서로LLM의 논문을 추천해줘? how to of RAG기반 대규모언어모델 김건우가 줄이는 \t\n.,;()\"'-\x00"
)


@given(st.text(_HOSTILE, max_size=300) | st.text(max_size=300))
def test_any_text_can_be_interpreted_as_a_query(glossary: resolver.Glossary, text: str) -> None:
    read = _read(glossary, text)
    assert bool(read.text.strip()) == bool(text.strip())
    assert len(read.parts) <= 100
    assert all(form.text for part in read.parts for form in part.forms)


@pytest.mark.parametrize(("word", "translation"), [("driving", "운전"), ("재현율", "recall")])
def test_a_common_word_is_translated_but_is_not_a_topic(
    glossary: resolver.Glossary, word: str, translation: str
) -> None:
    read = _read(glossary, word)
    assert translation in [form.text for form in read.parts[0].forms]
    assert not read.parts[0].key
    assert not read.added_forms
    assert glossary.find_concepts(word) == []


def test_words_in_two_languages_are_two_parts(glossary: resolver.Glossary) -> None:
    read = _read(glossary, "KV 캐시")
    assert _parts(read) == ["KV", "캐시"]
    assert read.wholes[0].key == "kv cach"


def test_a_query_without_spaces_is_split_into_known_terms(glossary: resolver.Glossary) -> None:
    assert _parts(_read(glossary, "대규모언어모델추론")) == ["대규모언어모델", "추론"]


@pytest.mark.parametrize(
    ("query", "is_abbreviation"), [("live video", False), ("LIVE video", True), ("live", True)]
)
def test_an_everyday_word_in_a_sentence_is_not_an_abbreviation(query: str, is_abbreviation: bool) -> None:
    terms = [seed.SeedTerm((), ("language image video engine",), ("LIVE",))]
    read = _read(resolver.Glossary(terms), query)
    assert (read.parts[0].key == "languag imag video engin") == is_abbreviation


@pytest.mark.parametrize(
    ("question", "terms"),
    [
        ("벤치마크가 오염됐는지 확인하는 방법", ["벤치마크 오염"]),
        ("합성 데이터로만 학습해도 되나요?", ["합성 데이터", "학습"]),
        ("추천 시스템에 LLM을 쓰면 뭐가 좋아지나요", ["추천 시스템", "LLM"]),
        ("의료 영상에 쓸 수 있는 파운데이션 모델", ["의료 영상", "파운데이션 모델"]),
        ("멀티모달 모델이 차트랑 표를 읽을 수 있나?", ["멀티모달 모델", "차트", "표"]),
        ("스마트폰에서 도는 모델", ["온디바이스"]),
        ("오염됐는지", ["오염"]),
        ("모르는 걸 모른다고 하게 만드는 방법", ["불확실성 추정"]),
        ("이상치 탐지 쪽에 확산모델 쓴 거 본 적 있으신 분", ["이상치 탐지", "확산모델"]),
        ("파라미터 수가 같을 때 MoE가 더 나은가", ["파라미터", "MoE"]),
        ("AI가 쓴 글인지 구분하는 연구", ["machine-generated text", "구분"]),
        ("모르는 건 모른다고, 답이 없는 문제를 알아채는지 평가하는 연구", ["불확실성 추정", "문제", "평가"]),
        ("검색해서 답하는 챗봇 만들기", ["검색", "챗봇"]),
        ("모델이 왜 그렇게 답했는지 설명하는 연구", ["모델", "설명", "연구"]),
        ("RAG가 느린데 맘대로 고쳐도 되나 \u110f\u110f ㅠㅠ", ["RAG"]),
        ("사진 한두 장으로 3D 복원", ["사진 3D", "복원"]),
        ("몇 장만으로 배칭", ["배칭"]),
        ("수학 문제를 잘 풀게 하는 법", ["수학 문제"]),
        ("run an llm on my phone", ["llm", "phone"]),
    ],
)
def test_the_reply_mentions_the_terms_implied_by_a_question(
    glossary: resolver.Glossary, question: str, terms: list[str]
) -> None:
    assert list(_read(glossary, question).terms) == terms
