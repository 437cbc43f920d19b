"""Topic descriptions: the format of the table, the topics that questions describe, and how similar papers are to them."""

from __future__ import annotations

from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.search import scoring
from bot.text import analyser, questions

MAX_LENGTH = 60
MIN_WORDS = 8


def main_terms(question: str) -> tuple[str, ...]:
    """Return the terms of the three topics that a question describes best."""
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
def test_a_question_describes_a_topic_without_naming_it(question: str, term: str) -> None:
    assert term in main_terms(question)


@pytest.mark.parametrize("text", ["", "논문 추천해줘", "what are the papers about", "🤖", "zzzz 큌큌"])
def test_filler_describes_no_topic(text: str) -> None:
    assert questions.describe_topics(text) == {}


def test_words_are_found_in_any_form_and_compounds_by_their_parts() -> None:
    find = questions.find_topics
    assert find("읽어주는") & find("읽다가") == find("읽는") & find("읽다가")
    assert find("Voices") == find("voice") != frozenset()
    assert find("로봇이") == find("로봇") != frozenset()
    assert find("의료영상을") >= find("의료") & find("영상") != frozenset()


@given(st.text(max_size=60))
def test_any_text_has_weights_between_0_and_1(text: str) -> None:
    assert all(0 < weight <= 1 for weight in questions.describe_topics(text).values())


def test_the_table_has_terms_and_words_in_both_languages_and_no_term_twice() -> None:
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


SPEECH = questions.describe_topics("글자를 사람 목소리로 읽어주는 모델")


def similarity(title: str, body: str) -> float:
    """Return the similarity of a paper to the question about speech."""
    words = scoring.count_words(analyser.canonicalise(title), analyser.canonicalise(body))
    return questions.TopicSimilarity(SPEECH).compare(words)


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
    assert questions.TopicSimilarity({}).compare({text: 1}) == 0
