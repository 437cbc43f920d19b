"""The similarity of papers to a question by topic: the cosine of their vectors over the topic descriptions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache

from bot.text.queries import topic_descriptions

_MAX_WORD_TOPICS = 40
"""Words in more descriptions tell nothing about a paper's topic."""


def prepare() -> None:
    """Load the topics, which takes some 100 ms: a process that answers readers does so at its start."""
    _load_weighted_words()


def cosine(words: Mapping[str, int], question: topic_descriptions.Vector) -> float:
    """Return the similarity of a paper, by its counted canonical words, to a question's vector; relative to other papers."""
    weighted_words = _load_weighted_words()
    weights = [0.0] * len(topic_descriptions.load_terms())
    # In the order of the words, not of a set: sums of floats, and so equal ranks, would differ between processes.
    for word, count in words.items():
        if word in weighted_words:
            weight, topics = weighted_words[word]
            if count > 1:
                weight *= 1 + math.log(count)
            for topic in topics:
                weights[topic] += weight
    length = math.hypot(*weights)
    return sum(weight * weights[topic] for topic, weight in question.items()) / length if length else 0.0


@lru_cache(maxsize=1)
def _load_weighted_words() -> dict[str, tuple[float, tuple[int, ...]]]:
    """Return the words of the descriptions with their weights and topics."""
    return {
        word: (topic_descriptions.inverse_topic_frequency(len(topics)), topics)
        for word, topics in topic_descriptions.load_words().items()
        if len(topics) <= _MAX_WORD_TOPICS
    }
