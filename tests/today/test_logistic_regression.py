"""Logistic regression on sparse vectors."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.today import profiles

terms = st.sampled_from(["red", "green", "blue", "round"])
vectors = st.dictionaries(terms, st.floats(0.1, 1.0), min_size=1)
examples = st.lists(st.tuples(vectors, st.floats(0.1, 5.0)), min_size=1, max_size=8)


@given(examples, examples)
@settings(max_examples=40)
def test_training_separates_what_one_feature_separates_and_repeats_itself(
    positives: list[profiles.Example], negatives: list[profiles.Example]
) -> None:
    wanted = [({**vector, "wanted": 1.0}, weight) for vector, weight in positives]
    weights = profiles.train_weights(wanted, negatives)
    assert weights == profiles.train_weights(wanted, negatives)
    assert weights["wanted"] > 0
    without = profiles.train_weights(negatives, wanted)
    assert without["wanted"] < 0


def test_two_separable_classes_get_scores_of_their_own() -> None:
    positives = [({"robot": 1.0, "arm": value}, 1.0) for value in (0.2, 0.5, 0.9)]
    negatives = [({"speech": 1.0, "arm": value}, 1.0) for value in (0.1, 0.3, 0.4, 0.6)] * 5
    weights = profiles.train_weights(positives, negatives)

    def score(vector: profiles.Vector) -> float:
        return sum(weights[term] * value for term, value in vector.items())

    assert min(score(vector) for vector, _ in positives) > max(score(vector) for vector, _ in negatives)


def test_an_example_that_counts_little_moves_the_weights_less() -> None:
    negatives = [({"speech": 1.0}, 1.0)]
    weights = profiles.train_weights([({"robot": 1.0}, 1.0), ({"film": 1.0}, 0.1)], negatives)
    assert weights["robot"] > 2 * weights["film"] > 0


def test_without_both_classes_nothing_is_learnt() -> None:
    assert profiles.train_weights([], [({"speech": 1.0}, 1.0)]) == {}
    assert profiles.train_weights([({"speech": 1.0}, 1.0)], []) == {}
