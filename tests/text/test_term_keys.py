"""Term keys, names in titles, and the phrases that find a term."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import analyser, term_keys
from tests.support import glossary_in_memory

_SPELLINGS = (
    "Large-Language Models=large language model|pre-training=Pretraining|pre training=pretraining|fine-tuning=finetuned"
    "|Multi-Agent=multiagent|Newton's method=Newton methods|Fréchet distance=Frechet Distance"
)


@pytest.mark.parametrize("spellings", _SPELLINGS.split("|"))
def test_spellings_of_an_english_term_share_a_key(spellings: str) -> None:
    first, second = spellings.split("=")
    assert term_keys.english_key(first) == term_keys.english_key(second)


def test_abbreviations_are_short_words_with_two_capitals() -> None:
    texts = ("LLM", "GPT-4", "LoRA", "Model", "A B", "A")
    assert list(filter(term_keys.is_abbreviation, texts)) == ["LLM", "GPT-4", "LoRA"]


_JOINED = (
    "llama3=llama 3|SAM2=SAM 2|gpt4o=gpt 4o|qwen2.5vl=qwen2.5 vl|FlashAttention=Flash Attention|4bit=4 bit|OpenAI=|LoRA="
    "|learning=|라마3=|3="
)


@pytest.mark.parametrize("pair", _JOINED.split("|"))
def test_a_joined_name_is_split_into_words(pair: str) -> None:
    joined, split = pair.split("=")
    assert term_keys.split_writing(joined) == (split or None)


@pytest.mark.parametrize(
    ("title", "full", "leading"),
    [
        ("LLaMA: Open Models", "llama", "llama"),
        ("Llama 2: Open Chat Models", "llama2 llama", "llama llama2"),
        ("The Llama 3 Herd of Models", "llama3herdofmodel", "llama llama3"),
        ("Qwen2.5-VL Technical Report", "qwen2.5vl", "qwen qwen2.5"),
    ],
)
def test_a_title_has_its_name_with_and_without_a_version(title: str, full: str, leading: str) -> None:
    canonical = analyser.canonicalise(title)
    assert term_keys.full_names(canonical) == full.split()
    assert term_keys.leading_names(canonical) == leading.split()


@given(st.text(max_size=200))
def test_any_title_gives_only_a_few_short_names(title: str) -> None:
    canonical = analyser.canonicalise(title)
    names = (*term_keys.full_names(canonical), *term_keys.leading_names(canonical))
    assert len(names) <= 4
    assert all(1 < len(name) <= 40 and not name.isspace() for name in names)


def is_found(form: str, text: str) -> bool:
    is_found, in_title = (
        glossary_in_memory.index_texts([text], as_titles=as_titles).count([form])
        for as_titles in (False, True)
    )
    assert is_found == in_title
    return bool(is_found)


_FOUND = (
    "강화 학습=강화학습과 강화 학습은 같다|긴 글=긴글|large language model=Large-Language Models|GPT-4o=gpt4o"
    "|3D 가우시안 스플래팅=3D 가우시안스플래팅|LLM 판정=LLM판정을 쓴다|이미지 생성=텍스트, 이미지 생성을"
    "|추론을=추론은|C++=C++ code|양자=양자컴퓨터를 쓴다|확장=확장성이 좋다"
)
_NOT_FOUND = (
    "화학=강화학습|지도=이미지 도메인|LLM 판정=MLLM 판정|RAG=fragment|이미지 생성=이미지를 생성한다"
    "|텍스트 이미지=텍스트, 이미지|***=text|양자=양자화된 모델|양자=벡터양자화"
)


@pytest.mark.parametrize(
    ("pair", "expected"),
    [
        (pair, is_found)
        for is_found in (True, False)
        for pair in (_FOUND if is_found else _NOT_FOUND).split("|")
    ],
)
def test_a_term_matches_its_spellings_but_not_other_words(pair: str, expected: bool) -> None:
    assert is_found(*pair.split("=")) is expected
