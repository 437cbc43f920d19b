"""The analyser: what falls together, what stays apart, and that no text breaks it."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text.analysis import analyser
from tests.support import growth

FRAGMENTS = st.sampled_from(
    [
        "강화학습",
        "을",
        "은",
        " ",
        "-",
        "GPT",
        "4o",
        "C++",
        ".",
        "'s",
        "é",
        "ß",
        "\x00",
        "(",
        "強化",
        "テスト",
        "👍",
        "\n",
    ]
)
TEXTS = st.one_of(st.text(max_size=300), st.lists(FRAGMENTS, max_size=40).map("".join))


@given(TEXTS)
def test_words_of_words_are_the_same_words(text: str) -> None:
    found = analyser.stemmed_words(text)
    assert analyser.stemmed_words(" ".join(found)) == found


@given(TEXTS)
def test_each_token_on_its_own_is_itself_again(text: str) -> None:
    for token in analyser.analyse(text):
        assert analyser.analyse(token)[0] == token


@given(TEXTS)
def test_tokens_hold_only_letters_digits_and_three_signs(text: str) -> None:
    for token in analyser.analyse(text):
        assert 1 <= len(token) <= analyser.MAX_TOKEN_LENGTH
        assert all(character.isalnum() or character in analyser.TOKEN_PUNCTUATION for character in token)


@given(TEXTS)
def test_the_canonical_text_gives_the_tokens_of_the_text(text: str) -> None:
    assert analyser.canonical_tokens(analyser.canonicalise(text)) == analyser.analyse(text)


@given(st.lists(TEXTS, max_size=5))
def test_fts5_keeps_every_token_as_it_is(texts: list[str]) -> None:
    tokens = analyser.analyse(" ".join(texts))
    with closing(sqlite3.connect(":memory:")) as database, database:
        database.execute(
            "CREATE VIRTUAL TABLE found USING fts5(t, tokenize=\"unicode61 remove_diacritics 0 tokenchars '+#.'\")"
        )
        database.execute("CREATE VIRTUAL TABLE terms USING fts5vocab(found, row)")
        database.execute("INSERT INTO found VALUES (?)", (" ".join(tokens),))
        assert {term for (term,) in database.execute("SELECT term FROM terms")} == set(tokens)
    database.close()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("GPT-4o", "gpt4o"),
        ("강화학습", "강화 학습"),
        ("LLMs", "LLM"),
        ("LMs", "LM"),
        ("VLMs", "vlm"),
        ("models", "Model"),
        ("pre-training", "pretraining"),
        ("fine-tuning", "finetuned"),
        ("self-attention", "selfattention"),
        ("Müller", "muller"),
        ("C++", "c++"),
        ("C#", "c#"),
        ("추론을", "추론"),
        ("추론에서는", "추론"),
        ("뇌를", "뇌"),
        ("Qwen2.5-VL", "qwen"),
        ("Qwen2.5-VL", "qwen 2.5"),
        ("ＬＬＭ", "llm"),
        ("policies", "policy"),
        ("GPT-4의", "gpt4"),
        ("強化学習", "学習"),
    ],
)
def test_writings_of_one_thing_meet(one: str, other: str) -> None:
    assert set(analyser.stemmed_words(other)) & set(analyser.analyse(one)) or set(
        analyser.analyse(other)
    ) <= set(analyser.analyse(one))


@pytest.mark.parametrize(("one", "other"), [("C++", "C"), ("C#", "C"), ("RAG", "fragment"), ("GAN", "organ")])
def test_different_words_stay_apart(one: str, other: str) -> None:
    assert not set(analyser.analyse(one)) & set(analyser.analyse(other))


def test_a_phrase_is_a_row_of_neighbouring_tokens() -> None:
    text = analyser.analyse("우리는 강화학습으로 GPT-4o mini를 학습한다")
    row = " ".join(text)
    assert " ".join(analyser.analyse("강화학습")) in row
    assert "gpt 4o mini" in row


def test_a_line_of_the_canonical_text_is_a_line_of_the_text() -> None:
    assert analyser.canonicalise("Two lines\n강화 학습의 한 줄\n\nGPT-4") == (
        " two line \n 강화 학습~ 한 줄 \n gpt 4 \n gpt4 "
    )


@pytest.mark.parametrize(
    "piece", ["a-", "가", "a", "3.", "C++", "'", "學", "-", "\u0301", "A1", "강화 학습을 "]
)
def test_time_grows_with_the_length_alone(piece: str) -> None:
    growth.assert_linear(lambda length: analyser.canonicalise(piece * (length // len(piece))), 50_000)


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("tokenizer", "token"),
        ("optimizer", "optimization"),
        ("adapter", "adaptation"),
        ("transformer", "transformation"),
        ("generative", "generation"),
        ("robustness", "robust"),
    ],
)
def test_who_does_something_and_qualities_are_words_of_their_own(word: str, other: str) -> None:
    assert analyser.stem(word) != analyser.stem(other)


@pytest.mark.parametrize(
    ("word", "inflected"),
    [
        ("tokenizer", "tokenizers"),
        ("ability", "abilities"),
        ("consider", "considered"),
        ("consider", "considering"),
        ("render", "rendering"),
        ("score", "scored"),
        ("explore", "exploring"),
    ],
)
def test_an_inflected_word_is_the_same_word(word: str, inflected: str) -> None:
    assert analyser.stem(word) == analyser.stem(inflected)
