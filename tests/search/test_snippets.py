"""Snippets: sentences of papers that match a query."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.papers import paper_texts
from bot.rendering import discord_text
from bot.search import results as search_results


def make_snippet(text: str, *terms: tuple[str, ...]) -> str:
    """Return the snippet of a text for these terms, each given by its forms."""
    sentence, spans = search_results.make_snippet(text, search_results.build_patterns(terms))
    return paper_texts.mark_matches(search_results.Snippet(sentence, "", spans))


@pytest.mark.parametrize(
    ("text", "term", "snippet"),
    [
        pytest.param("Curls curl.", "RL", "", id="within a Latin word"),
        pytest.param("Trained by rl alone.", "RL", "Trained by **rl** alone.", id="Latin word"),
        pytest.param("강화 학습을 써요.", "강화학습", "**강화 학습**을 써요.", id="spaced text"),
        pytest.param("강화학습을 써요.", "강화 학습", "**강화학습**을 써요.", id="spaced term"),
        pytest.param("이미지 도메인.", "지도", "", id="syllables of two words"),
        pytest.param(
            "|평가|\n|-|\n|54|\n\n긴 문맥은 없다.", "문맥", "긴 **문맥**은 없다.", id="below a table"
        ),
        pytest.param("- 평가 54\n- 문맥 8K", "문맥", "**문맥** 8K", id="an item of a list"),
        pytest.param("### 문맥\n\n긴 문맥을 쓴다.", "문맥", "긴 **문맥**을 쓴다.", id="below a heading"),
    ],
)
def test_a_term_matches_at_the_start_of_a_word_in_any_spacing(text: str, term: str, snippet: str) -> None:
    assert make_snippet(text, (term,)) == snippet


def test_a_snippet_without_terms_is_the_first_sentence_escaped() -> None:
    assert make_snippet("# One *two* `x_y`. Three.") == r"One two x\_y."


def test_a_snippet_does_not_end_at_an_abbreviation() -> None:
    text = "Large models (e.g. GPT-4) reason well, as Kim et al. show. They are large."
    assert make_snippet(text) == "Large models (e.g. GPT-4) reason well, as Kim et al. show."
    assert make_snippet(text, ("reason",)).startswith("Large models (e.g. GPT-4) **reason** well")


def test_the_sentence_with_the_most_terms_is_shown() -> None:
    text = "LLM을 평가해요. 문장이 하나 더 있어요. LLM에서 hallucination을 줄여요. 환각만 봐요."
    shown = "**LLM**에서 **hallucination**을 줄여요."
    assert make_snippet(text, ("LLM",), ("환각", "hallucination")) == shown


def test_a_long_sentence_is_shortened_around_the_match() -> None:
    text = "가나다라 " * 100 + "강화 학습을 " + "마바사아 " * 100
    line = make_snippet(text, ("강화 학습",))
    assert line.startswith("…")
    assert "**강화 학습**" in line
    assert line.endswith("…")
    assert len(line) < 120


@given(text=st.text(max_size=400), words=st.lists(st.text(max_size=12), max_size=6))
def test_a_snippet_of_any_text_is_one_short_line(text: str, words: list[str]) -> None:
    line = make_snippet(text, tuple(words), tuple(words))
    assert "\n" not in line
    assert discord_text.utf8_bytes(line) < 3000
