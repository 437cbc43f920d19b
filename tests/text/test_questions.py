"""Questions: endings, filler, everyday words, and the topics they describe."""

from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import analyser, questions


def _topic(query: str) -> str:
    words = query.split()
    mask = questions.topic_mask(words, ())
    return " ".join(word for word, is_topic in zip(words, mask, strict=True) if is_topic)


_FILLED = (
    "recent papers on the diffusion=diffusion|diffusion AND video=diffusion video"
    "|search for papers on tree search=tree search|확산 모델에 대한 논문=확산|최신 비디오 생성 논문 찾아줘=비디오 생성"
    "|LLM을 이용한 코드 생성=LLM을 코드 생성|음성 합성 논문 중에 제일 좋은 거 추천해줘=음성 합성|양자화가 뭐야?=양자화가"
    "|추론을 더 잘하게 하는 방법은=추론을"
)
_WHOLE = (
    # What may be a topic.
    "과학 연구|deep research|연구 에이전트|뉴스 추천|tree search|줄기세포|광학 흐름|reduce|왜곡|높이 추정"
    # Nothing but filler.
    "|the of|논문|how to|논문 연구|?!|뭐야|추천해줘|더 잘하게"
)


@pytest.mark.parametrize("pair", [*_FILLED.split("|"), *(f"{query}={query}" for query in _WHOLE.split("|"))])
def test_filler_is_removed_from_a_question_that_has_other_words(pair: str) -> None:
    query, topic = pair.split("=")
    assert _topic(query) == topic


@given(st.lists(st.text(max_size=12) | st.text("가는을하있나요주줘만드이논문 ", max_size=20), max_size=24))
def test_at_least_one_word_of_a_query_is_kept(words: list[str]) -> None:
    mask = questions.topic_mask(words, ())
    assert len(mask) == len(words)
    assert any(mask) or not words


_KNOWN_LIST = (
    "회로 로봇 모델 전문가 전문 학습 생성 이미지 확산모델 경로 LLM RAG 텍스트 원자 K평균 효율 에이전트"
)
_KNOWN = frozenset(_KNOWN_LIST.split())
_STEMS = (
    "LLM의=LLM|LoRA로=LoRA|GPT-4에서=GPT-4|RAG를=RAG|CLIP이란=CLIP|LLM에서의=LLM|LLM들은=LLM|C++로=C++|RAG기반=RAG"
    "|AI반도체=AI 반도체|splatting중에=splatting"
    "|K평균=K평균|3차원=3차원|로봇이=로봇|모델로=모델|에이전트가=에이전트|텍스트로=텍스트|학습시키나요=학습|생성할=생성|효율적인=효율|전문가=전문가"
    "|평가=평가|제미나이=제미나이|사투리에서=사투리|말투가=말투|구별하는=구별|까먹는=까먹는|신경회로=신경회로|해상도=해상도"
)


@pytest.mark.parametrize("pair", _STEMS.split("|"))
def test_endings_of_known_words_are_stripped(pair: str) -> None:
    word, stem = pair.split("=")
    assert questions.strip_query_word(word, _KNOWN.__contains__) == stem


_VERB_LIST = (
    "까먹는 튀는 변하는 바뀌는 흔들리는 모으는 살아나는 떨어지나요 오염됐는지 모자라면 올라가나 아니냐 느려짐"
    " 늘려도 충분히 어려운 않게 짧은 말하게"
)
_VERBS = _VERB_LIST.split()
_NOUN_LIST = "모델 이미지 메모리 무게 제한 화면 초평면 안테나 정확도 꼬리는 분야 중요 강아지는 트랜스포머는"
_NOUNS = _NOUN_LIST.split()


def test_verbs_are_recognised_by_their_endings() -> None:
    assert [word for word in (*_VERBS, *_NOUNS) if questions.is_verb(word)] == _VERBS


@given(st.text("가각로이를의에서LRa4-+) \n", max_size=100) | st.text(max_size=100))
def test_stripping_an_ending_keeps_the_beginning(word: str) -> None:
    stem = questions.strip_query_word(word, lambda _: True)
    assert word.startswith(stem.partition(" ")[0])
    assert bool(stem) == bool(word)


_EVERYDAY_WORDS = (
    "lies=hallucination|Lying=hallucination|옷=garment|옷을=garment|사진으로=image|같은 인물이=personalization|손글씨가=OCR"
    "|without labels=unsupervised|잊어버리는=unlearning|코드를 고쳐=program repair"
)


@pytest.mark.parametrize("pair", _EVERYDAY_WORDS.split("|"))
def test_everyday_words_are_found_in_any_form(pair: str) -> None:
    words, term = pair.split("=")
    assert term in questions.find_everyday_terms(words)


def test_a_noun_behind_an_everyday_word_is_no_ending_of_it() -> None:
    """이해 is a word, though 이 and 해 are endings: video understanding is not every paper on videos."""
    for words in ("영상 이해", "동영상 이해", "사진 이해"):
        assert questions.find_everyday_terms(words) == ()
    assert questions.find_everyday_terms("스마트폰에서 도는")


MAX_LENGTH, MIN_WORDS = 60, 8


def main_terms(question: str) -> tuple[str, ...]:
    """Return the terms of the three topics that match a question best."""
    topics = questions.describe_topics(question)
    assert max(topics.values()) == 1
    best = sorted(topics, key=lambda topic: -topics[topic])[:3]
    return tuple(term for topic in best for term in questions.load_topic_terms()[topic])


@pytest.mark.parametrize(
    ("question", "term"),
    [
        ("텍스트를 사람 목소리로 읽어주는 기술", "text-to-speech"),
        ("turn written text into a natural voice", "text-to-speech"),
        ("guess how far away things are from one photo of a camera", "monocular depth estimation"),
        ("화면을 보고 마우스를 클릭하는 에이전트", "GUI agents"),
        ("모델이 없는 사실을 지어내는 문제", "hallucination"),
        ("make a model unlearn private data it was trained on", "machine unlearning"),
    ],
)
def test_a_question_matches_a_topic_it_describes_but_does_not_name(question: str, term: str) -> None:
    assert term in main_terms(question)


@pytest.mark.parametrize("text", ["", "논문 추천해줘", "what are the papers about", "🤖", "zzzz 큌큌"])
def test_filler_describes_no_topic(text: str) -> None:
    assert questions.describe_topics(text) == {}


def test_topics_are_found_by_words_in_any_form() -> None:
    find = questions.find_topics
    assert find("읽어주는") & find("읽다가") == find("읽는") & find("읽다가")
    assert find("Voices") == find("voice") != frozenset()
    assert find("로봇이") == find("로봇") != frozenset()


def test_topic_descriptions_are_bilingual_and_have_no_duplicate_terms() -> None:
    text = resources.files("bot.text").joinpath("topic_descriptions.tsv").read_text(encoding="utf-8")
    named: list[str] = []
    for line in text.splitlines():
        terms, english, hangul = line.split("\t")
        named += terms.lower().split("|")
        for words, is_korean in ((english.split(", "), False), (hangul.split(", "), True)):
            assert len(words) == len(set(words)) >= MIN_WORDS, line
            assert all(word == word.strip() != "" and len(word) <= MAX_LENGTH for word in words), line
            assert any(map(analyser.has_hangul, words)) == is_korean, line
    assert all(name == name.strip() != "" for name in named)
    assert sorted(named) == sorted(set(named))
