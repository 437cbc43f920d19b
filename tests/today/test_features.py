"""Features of papers: tokens, pairs of Latin words, and concepts in either language."""

from __future__ import annotations

import math

import pytest

from bot.glossary import concepts
from bot.text import analyser
from bot.today import profiles
from storage.search import DocumentTexts
from tests.support import glossary_in_memory


@pytest.fixture(scope="module")
def concept_index() -> profiles.ConceptIndex:
    """The concepts of the seed list."""
    return profiles.ConceptIndex(glossary_in_memory.build_glossary([], concepts.load_terms()).all_concepts())


def _extract(concept_index: profiles.ConceptIndex, title: str, body: str = "") -> dict[str, float]:
    texts = DocumentTexts(analyser.canonicalise(title), analyser.canonicalise(body))
    return profiles.extract_features(texts, concept_index)


def test_a_vector_has_words_pairs_and_bigrams_and_is_of_length_one(
    concept_index: profiles.ConceptIndex,
) -> None:
    vector = _extract(concept_index, "Maps for Robot Arms", "로봇 팔이 방을 기억해요.")
    assert {"robot", "robot arm", "로봇", "기억"} <= vector.keys()
    assert "map robot" not in vector  # "for" is between them
    assert math.isclose(sum(value * value for value in vector.values()), 1.0)


@pytest.mark.parametrize("text", ["강화학습을 씁니다", "강화 학습은", "Reinforcement-learning agents"])
def test_a_concept_is_the_same_feature_in_both_languages(
    concept_index: profiles.ConceptIndex, text: str
) -> None:
    assert "reinforc learn" in profiles.concepts_of(_extract(concept_index, "A title", text))


def test_no_concept_is_found_across_a_line_or_a_comma(concept_index: profiles.ConceptIndex) -> None:
    assert not profiles.concepts_of(_extract(concept_index, "Reinforcement, learning", "강화\n학습"))


def test_a_profile_has_at_most_200_weights_and_prefers_what_several_papers_have() -> None:
    positives = [
        ({f"word{number} {paper}": 0.05 for number in range(300)} | {"robot": 0.5}, 1.0) for paper in (1, 2)
    ]
    shared = [
        (vector | {f"shared{number}": 0.05 for number in range(300)}, weight) for vector, weight in positives
    ]
    weights = profiles.train_profile(shared, [({"speech": 1.0}, 1.0)] * 5)
    assert len(weights) == profiles.MAX_WEIGHTS
    assert weights["robot"] == max(weights.values())
    assert not any(feature.startswith("word") for feature in weights)
