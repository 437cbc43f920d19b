"""The analyser: shared tokens of different spellings, stems, folding, and keystrokes."""

import itertools
import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.text import analyser

_FRAGMENT_LIST = "강화학습|을|은| |-|GPT|4o|C++|.|7|만|++|'s|é|ß|\x00|(|強化|テスト|👍|\n"
FRAGMENTS = st.sampled_from(_FRAGMENT_LIST.split("|"))
TEXTS = st.one_of(st.text(max_size=300), st.lists(FRAGMENTS, max_size=40).map("".join))


def analyse(text: str) -> list[str]:
    """Return the tokens of a text in order, followed by the variants."""
    body, _, variants = analyser.canonicalise(text).rpartition("\n")
    return [token for word in body.split() for token in analyser.word_tokens(word)] + variants.split()


@example("0++-0")
@example("CC*")
@example("7만을")
@given(TEXTS)
def test_a_token_analysed_again_finds_its_text(text: str) -> None:
    tokens = analyse(text)
    for token in tokens:
        assert analyse(token)[0] in tokens
        assert analyser.is_hangul(token) or analyser.stem(token) == token
        assert 1 <= len(token) <= analyser.MAX_TOKEN_LENGTH
        assert all(character.isalnum() or character in "+#.*/()" for character in token)


@example("\ufada")
@given(TEXTS)
def test_a_query_and_a_paper_with_its_words_have_the_same_tokens(text: str) -> None:
    tokens = [token for word in analyser.canonical_words(text) for token in analyser.word_tokens(word)]
    assert analyse(text)[: len(tokens)] == tokens


_SPELLINGS = (
    "강화학습=강화 학습|LLMs=LLM|LMs=LM|VLMs=vlm|models=Model|pre-training=pretraining|fine-tuning=finetuned"
    "|self-attention=selfattention|Müller=muller|C++=c++|C#=c#|추론을=추론|추론에서는=추론|뇌를=뇌|Qwen2.5-VL=qwen"
    "|Qwen2.5-VL=qwen 2.5|ＬＬＭ=llm|policies=policy"
)


@pytest.mark.parametrize("spellings", _SPELLINGS.split("|"))
def test_spellings_of_a_term_share_tokens(spellings: str) -> None:
    first, second = spellings.split("=")
    is_word = not {*analyser.stemmed_words(second)}.isdisjoint(analyse(first))
    assert is_word or {*analyse(second)} <= {*analyse(first)}


@pytest.mark.parametrize("words", ["C++ C", "C# C", "RAG fragment", "GAN organ"])
def test_different_words_share_no_tokens(words: str) -> None:
    first, second = words.split()
    assert not {*analyse(first)} & {*analyse(second)}


_DERIVED = (
    "tokenizer token|optimizer optimization|adapter adaptation|transformer transformation|generative generation|robustness robust"
    "|tokenization token|generalization general|visualization visual|localize local|optimization optimal"
)
_INFLECTED = (
    "tokenizer tokenizers|ability abilities|consider considered|consider considering|render rendering|score scored"
    "|explore exploring|tokenization tokenizing|generalize generalizations|optimization optimisation|summarize summarising"
    "|supervised supervision"
)


@pytest.mark.parametrize(("pairs", "is_one"), [(_DERIVED, False), (_INFLECTED, True)])
def test_inflected_words_share_a_stem_and_derived_ones_do_not(pairs: str, is_one: bool) -> None:
    for word, other in map(str.split, pairs.split("|")):
        assert (analyser.stem(word) == analyser.stem(other)) is is_one, (word, other)


TYPED_IN_ORDER = ("ㅁ", "모", "몯", "모데", "모델", "모델ㅈ", "모델저", "모델적", "모델적ㅇ", "모델적요")


def test_keystrokes_of_a_partial_word_begin_those_of_the_word() -> None:
    keys = [analyser.keystrokes(text) for text in TYPED_IN_ORDER]
    for shorter, longer in itertools.pairwise(keys):
        assert longer.startswith(shorter)
    assert analyser.keystrokes("꽃값") == "ㄲㅗㅊㄱㅏㅂㅅ"
    assert analyser.keystrokes("과학 LLM") == "ㄱㅗㅏㅎㅏㄱ LLM"


@given(st.text())
def test_keystrokes_are_idempotent_and_leave_ascii_unchanged(text: str) -> None:
    keys = analyser.keystrokes(text)
    assert analyser.keystrokes(keys) == keys
    if text.isascii():
        assert keys == text


@given(st.text(max_size=200))
@example("ŉ")
def test_folding_is_idempotent(text: str) -> None:
    assert analyser.fold(analyser.fold(text)) == analyser.fold(text)
    assert analyser.fold_name(analyser.fold_name(text)) == analyser.fold_name(text)


_FOLDED = "Müller=muller|ŁÓDŹ=lodz|Straße=strasse|ｶﾞ=ガ|강화=강화|Ångström=angstrom"


@pytest.mark.parametrize("pair", _FOLDED.split("|"))
def test_folding_removes_case_and_diacritics(pair: str) -> None:
    text, folded = pair.split("=")
    assert analyser.fold(text) == folded


def test_folding_a_name_drops_punctuation_and_keeps_word_order() -> None:
    assert analyser.fold_name("Hoàng-Anh  O’Neil, Jr.") == "hoang anh oneil jr"
    assert analyser.fold_name("Mu\u0308ller") == "muller"
    assert analyser.fold_name_german("Jörg Mu\u0308ller") == "joerg mueller"


READ_PAPERS = """
from bot.text import analyser, term_keys, tokens
from storage import models
from tests.support.resident import read_resident

tokens.prepare_concepts()

def read(first, last):
    for number in range(first, last):
        name = "".join("bdgklmnprs"[int(digit)] + "aeiou"[int(digit) % 5] for digit in str(number))
        title = analyser.canonicalise(f"{name.title()}: Methods of {name}-based learning by {name}.")
        tokens.tokenize(title + analyser.canonicalise(f"모델{chr(44032 + number % 11000)}{number % 7}"))
        term_keys.full_names(title)
        models.intern_name(f"Ada {name.title()}")

read(0, 15_000)
before = read_resident()
read(15_000, 35_000)
print(read_resident() - before)
"""


@pytest.mark.all_faults
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_names_of_former_papers_do_not_stay_in_memory() -> None:
    """20,000 papers, each with a name of its own as real ones have, are read like the 15,000 before them."""
    grown = subprocess.run([sys.executable, "-c", READ_PAPERS], capture_output=True, text=True, check=True)
    assert int(grown.stdout) < 750, grown.stdout  # kB
