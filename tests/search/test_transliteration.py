"""Finding names by Korean spellings of their sound."""

import re
import sys
from functools import lru_cache, partial
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.search import transliteration
from tests.support.backtracking import CountedPattern

_SPELLINGS = (
    "제미나이=Gemini|딥시크=DeepSeek|라그=RAG|로라=LoRA|스테이블디퓨전=Stable Diffusion|라마=LLaMA|큐원=Qwen"
    "|미스트랄=Mistral|믹스트랄=Mixtral|클립=CLIP|맘바=Mamba|젬마=Gemma|야누스 프로=Janus-Pro|하이퍼클로바=HyperCLOVA"
    "|플래시 어텐션=FlashAttention|클로드=Claude|위스퍼=Whisper|플럭스=FLUX|알파폴드=AlphaFold|몰모=Molmo|소라=Sora"
)
SPELLINGS = [tuple(pair.split("=")) for pair in _SPELLINGS.split("|")]
MOST_STEPS = 100_000
"""Of all patterns with which one name is compared."""
NAMES = {name: 1 for _, name in SPELLINGS}


OTHERS = ("그라", "라마단", "로봇", "클래스", "학습", "모델", "추론", "제미", "다리", "평가", "라", "")


@pytest.mark.parametrize(("korean", "names"), [*SPELLINGS, *((word, "") for word in OTHERS)])
def test_a_korean_spelling_finds_only_the_name_that_sounds_so(korean: str, names: str) -> None:
    assert transliteration.SoundIndex(NAMES).find(korean) == [name for name in (names,) if name]


def test_names_that_sound_alike_are_sorted_without_rare_ones() -> None:
    names = {"Sigma": 1, "LaMa": 3, "LLaMA": 5, "Llama": 4, "Lamma": 1}
    assert transliteration.SoundIndex(names).find("라마") == ["LLaMA"]
    assert transliteration.SoundIndex({"LLaMA": 5, "LaMa": 3}).find("라마") == ["LLaMA", "LaMa"]


@given(st.text(alphabet="가나다라마바사아자차카타파하힣의쀍뷁괜찮않", max_size=14), st.text(max_size=60))
def test_comparing_any_spelling_with_any_name_raises_no_error(korean: str, name: str) -> None:
    found = transliteration.SoundIndex({name: 1}).find(korean)
    assert found in ([], [name])


class CountedRe:
    """What `transliteration` uses of `re`, which counts the steps of all its patterns."""

    MULTILINE = re.MULTILINE

    def __init__(self) -> None:
        self.steps = 0
        self._counted = lru_cache(maxsize=None)(CountedPattern)

    def compile(self, pattern: str, flags: int = 0) -> SimpleNamespace:
        compiled = re.compile(pattern, flags)
        methods = {name: partial(self._run, name, compiled) for name in ("fullmatch", "finditer")}
        return SimpleNamespace(**methods)

    def _run(
        self, method: str, pattern: re.Pattern[str], text: str, start: int = 0, end: int = sys.maxsize
    ) -> object:
        self.steps += self._counted(pattern).count(text[start:end], method, MOST_STEPS - self.steps)
        return getattr(pattern, method)(text, start, end)


@pytest.mark.parametrize("letters", ["s" * 36 + "q", "se" * 18 + "q", "sse" * 12 + "q"])
def test_ambiguous_letters_are_matched_in_few_steps(letters: str, monkeypatch: pytest.MonkeyPatch) -> None:
    counted, index = CountedRe(), transliteration.SoundIndex({letters: 1})
    monkeypatch.setattr(transliteration, "re", counted)
    monkeypatch.setattr(transliteration, "_compile", counted.compile)
    monkeypatch.setattr(transliteration, "_patterns", transliteration._patterns.__wrapped__)
    hangul = "스" * transliteration.MAX_SYLLABLES
    assert index.find(hangul) == []
    assert counted.steps > len(letters)
