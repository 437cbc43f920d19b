"""The analyser: which spellings share tokens, which do not, and that any text is valid input."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.text import analyser
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
def test_stemming_words_is_idempotent(text: str) -> None:
    words = analyser.stemmed_words(text)
    assert analyser.stemmed_words(" ".join(words)) == words


@given(TEXTS)
def test_each_token_analysed_alone_is_itself(text: str) -> None:
    for token in analyser.analyse(text):
        assert analyser.analyse(token)[0] == token


@given(TEXTS)
def test_tokens_contain_only_letters_digits_and_token_punctuation(text: str) -> None:
    for token in analyser.analyse(text):
        assert 1 <= len(token) <= analyser.MAX_TOKEN_LENGTH
        assert all(character.isalnum() or character in "+#." for character in token)


@example("\ufada")
@given(TEXTS)
def test_the_canonical_text_gives_the_tokens_of_the_text(text: str) -> None:
    body, _, variants = analyser.canonicalise(text).rpartition("\n")
    tokens = [token for word in body.split() for token in analyser.word_tokens(word)]
    assert tokens + variants.split() == analyser.analyse(text)


@given(st.lists(TEXTS, max_size=5))
def test_fts5_does_not_split_tokens(texts: list[str]) -> None:
    tokens = analyser.analyse(" ".join(texts))
    with closing(sqlite3.connect(":memory:")) as database, database:
        database.execute(
            "CREATE VIRTUAL TABLE documents USING fts5(t, tokenize=\"unicode61 remove_diacritics 0 tokenchars '+#.'\")"
        )
        database.execute("CREATE VIRTUAL TABLE terms USING fts5vocab(documents, row)")
        database.execute("INSERT INTO documents VALUES (?)", (" ".join(tokens),))
        assert {term for (term,) in database.execute("SELECT term FROM terms")} == set(tokens)
    database.close()


@pytest.mark.parametrize(
    ("first", "second"),
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
def test_spellings_of_one_term_share_tokens(first: str, second: str) -> None:
    assert set(analyser.stemmed_words(second)) & set(analyser.analyse(first)) or set(
        analyser.analyse(second)
    ) <= set(analyser.analyse(first))


@pytest.mark.parametrize(
    ("first", "second"), [("C++", "C"), ("C#", "C"), ("RAG", "fragment"), ("GAN", "organ")]
)
def test_different_words_share_no_token(first: str, second: str) -> None:
    assert not set(analyser.analyse(first)) & set(analyser.analyse(second))


def test_a_phrase_is_a_sequence_of_neighbouring_tokens() -> None:
    tokens = analyser.analyse("우리는 강화학습으로 GPT-4o mini를 학습한다")
    joined = " ".join(tokens)
    assert " ".join(analyser.analyse("강화학습")) in joined
    assert "gpt 4o mini" in joined


def test_the_canonical_text_keeps_the_lines_of_the_text() -> None:
    assert analyser.canonicalise("Two lines\n강화 학습의 한 줄\n\nGPT-4") == (
        " two line \n 강화 학습~ 한 줄 \n gpt 4 \n gpt4 "
    )


@pytest.mark.parametrize(
    "piece", ["a-", "가", "a", "3.", "C++", "'", "學", "-", "\u0301", "A1", "강화 학습을 "]
)
def test_analysis_takes_linear_time(piece: str) -> None:
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
        ("tokenization", "token"),
        ("generalization", "general"),
        ("visualization", "visual"),
        ("localize", "local"),
        ("optimization", "optimal"),
    ],
)
def test_derived_words_have_stems_of_their_own(word: str, other: str) -> None:
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
        ("tokenization", "tokenizing"),
        ("generalize", "generalizations"),
        ("optimization", "optimisation"),
        ("summarize", "summarising"),
        ("supervised", "supervision"),
    ],
)
def test_an_inflected_word_has_the_same_stem(word: str, inflected: str) -> None:
    assert analyser.stem(word) == analyser.stem(inflected)
