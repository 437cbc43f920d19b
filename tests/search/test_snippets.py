"""Snippets of papers in a list."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.rendering import discord_text
from bot.search import results as search_results


def _snippet(text: str, phrases: tuple[str, ...] = (), words: tuple[str, ...] = ()) -> str:
    patterns = [
        pattern
        for pattern in (search_results.compile_pattern(phrases), search_results.compile_pattern(words))
        if pattern is not None
    ]
    return str(search_results.make_snippet(text, patterns))


def test_latin_terms_match_at_the_beginning_of_words_only() -> None:
    assert _snippet("Curls curl.", ("RL",)) == ""
    assert _snippet("Trained by rl alone.", ("RL",)) == "Trained by **rl** alone."


def test_without_a_query_the_first_sentence_is_shown_escaped() -> None:
    assert _snippet("# One *two* [x](http://y.example). Three.") == "One two x\\." or "One two" in _snippet(
        "# One *two* [x](http://y.example). Three."
    )


def test_longer_korean_terms_match_in_any_spacing() -> None:
    assert _snippet("강화 학습을 써요.", ("강화학습",)) == "**강화 학습**을 써요."
    assert _snippet("강화학습을 써요.", ("강화 학습",)) == "**강화학습**을 써요."
    assert _snippet("이미지 도메인.", ("지도",)) == "이미지 도메인\\." or "**" not in _snippet(
        "이미지 도메인.", ("지도",)
    )


def test_the_sentence_with_most_terms_is_shown() -> None:
    text = "LLM을 평가해요. 문장이 하나 더 있어요. LLM에서 hallucination을 줄여요. 환각만 봐요."
    patterns = search_results.build_patterns((("LLM",), ("환각", "hallucination")))
    assert str(search_results.make_snippet(text, patterns)) == "**LLM**에서 **hallucination**을 줄여요."


def test_a_long_sentence_is_shortened_around_the_match() -> None:
    text = "가나다라 " * 100 + "강화 학습을 " + "마바사아 " * 100
    line = _snippet(text, ("강화 학습",))
    assert line.startswith("…")
    assert "**강화 학습**" in line
    assert line.endswith("…")
    assert len(line) < 120


@given(text=st.text(max_size=400), words=st.lists(st.text(max_size=12), max_size=6))
def test_any_text_and_any_words_give_one_bounded_snippet(text: str, words: list[str]) -> None:
    line = _snippet(text, tuple(words), tuple(words))
    assert "\n" not in line
    assert discord_text.utf8_bytes(line) < 3000
