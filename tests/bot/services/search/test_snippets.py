"""The line under a paper in a list."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.rendering.discord_text import limits
from bot.services.search import snippets


def _line(text: str, phrases: tuple[str, ...] = (), words: tuple[str, ...] = ()) -> str:
    sought = [
        one for one in (snippets.compile_pattern(phrases), snippets.compile_pattern(words)) if one is not None
    ]
    return str(snippets.make_snippet(text, snippets.Highlight(sought)))


def test_the_sentence_with_the_phrase_is_shown_with_it_in_bold() -> None:
    text = "It begins here. A small language model is trained with 1.7B parameters. It ends."
    assert (
        _line(text, ("small language model",))
        == "A **small language model** is trained with 1.7B parameters."
    )


def test_single_words_count_only_where_no_phrase_is_found() -> None:
    text = "큰 모델을 비교해요. 소형 언어 모델을 다뤄요."
    assert _line(text, ("소형 언어 모델",), ("소형", "모델")) == "**소형 언어 모델**을 다뤄요."
    assert _line("큰 모델을 비교해요.", ("소형 언어 모델",), ("소형", "모델")) == "큰 **모델**을 비교해요."


def test_latin_words_are_found_at_their_beginning_only() -> None:
    assert _line("Curls curl.", ("RL",)) == "Curls curl."
    assert _line("Trained by rl alone.", ("RL",)) == "Trained by **rl** alone."


def test_nothing_sought_shows_the_first_sentence_escaped() -> None:
    assert _line("# One *two* [x](http://y.example). Three.") == "One two x\\." or "One two" in _line(
        "# One *two* [x](http://y.example). Three."
    )


def test_longer_korean_is_found_in_any_spacing() -> None:
    assert _line("강화 학습을 써요.", ("강화학습",)) == "**강화 학습**을 써요."
    assert _line("강화학습을 써요.", ("강화 학습",)) == "**강화학습**을 써요."
    assert _line("이미지 도메인.", ("지도",)) == "이미지 도메인\\." or "**" not in _line(
        "이미지 도메인.", ("지도",)
    )


def test_the_sentence_with_the_whole_comes_first() -> None:
    text = "추론을 해요. LLM 추론을 빠르게 해요."
    sought = [one for one in [snippets.compile_pattern(["LLM 추론", "추론"])] if one is not None]
    assert (
        str(snippets.make_snippet(text, snippets.Highlight(sought, snippets.compile_pattern(["LLM 추론"]))))
        == "**LLM 추론**을 빠르게 해요."
    )


def test_an_item_of_a_list_is_shown_without_its_dash() -> None:
    assert _line("- 첫째를 다뤄요.\n- 둘째를 다뤄요.", ("둘째",)) == "**둘째**를 다뤄요."


def test_a_long_sentence_is_shown_around_what_was_found() -> None:
    text = "가나다라 " * 100 + "강화 학습을 " + "마바사아 " * 100
    line = _line(text, ("강화 학습",))
    assert line.startswith("…")
    assert "**강화 학습**" in line
    assert line.endswith("…")
    assert len(line) < 120


def test_hangul_takes_two_columns() -> None:
    assert snippets.count_fitting("가" * 200) == 80
    assert snippets.count_fitting("a" * 200) == 160


@given(text=st.text(max_size=400), words=st.lists(st.text(max_size=12), max_size=6))
def test_any_text_and_any_words_give_one_bounded_line(text: str, words: list[str]) -> None:
    line = _line(text, tuple(words), tuple(words))
    assert "\n" not in line
    assert limits.utf8_bytes(line) < 3000
