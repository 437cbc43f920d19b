"""The similarity of papers to a question by topic."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.search import scoring
from bot.text import analyser, topics

SPEECH = topics.describe("글자를 사람 목소리로 읽어주는 모델")


def similarity(title: str, body: str) -> float:
    """Return the similarity of a paper to the question about speech."""
    words = scoring.count_words(analyser.canonicalise(title), analyser.canonicalise(body))
    return topics.cosine(words, SPEECH)


def test_a_paper_on_the_topic_is_more_similar_though_it_has_no_word_of_the_question() -> None:
    about = similarity(
        "Fast Zero-Shot Speech Synthesis", "A vocoder and prosody for natural narration by a speaker."
    )
    other = similarity(
        "Pruning Vision Transformers", "Remove weights and attention heads to shrink the network."
    )
    assert about > 2 * other >= 0


def test_a_title_counts_more_than_the_body() -> None:
    speech, pruning = "Speech synthesis.", "Pruning of weights."
    assert similarity(speech, pruning) > similarity(pruning, speech) > 0


def test_length_does_not_count() -> None:
    body = "Speech synthesis with a natural voice. Pruning of weights. "
    assert abs(similarity("", body) - similarity("", body * 5)) < 0.02


@given(st.text(max_size=200))
def test_any_text_has_a_similarity(text: str) -> None:
    assert similarity(text, text) >= 0
    assert topics.cosine({text: 1}, {}) == 0
