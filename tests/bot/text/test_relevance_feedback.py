"""BM25 over the parts of a query, and the words that the relevance model adds."""

from __future__ import annotations

from collections import Counter

import pytest

from bot.text import relevance_feedback


def test_rarer_parts_weigh_more_and_weights_are_positive() -> None:
    rare, common, everywhere = (
        relevance_feedback.inverse_document_frequency(frequency, 1000) for frequency in (3, 300, 5000)
    )
    assert rare > common > everywhere > 0


def test_a_rare_part_counts_more_than_a_common_one_repeated() -> None:
    weights = [5.0, 0.5]
    rare = relevance_feedback.score_bm25([(0, 1), (0, 0)], weights)
    common = relevance_feedback.score_bm25([(0, 0), (2, 9)], weights)
    both = relevance_feedback.score_bm25([(0, 1), (0, 1)], weights)
    assert both > rare > common > 0


def test_feedback_terms_are_those_of_the_best_papers_that_few_others_have() -> None:
    best = [(2.0, Counter(robot=4, arm=2, model=9, once=1)), (1.0, Counter(robot=1, arm=3, model=9))]
    candidates = relevance_feedback.list_candidates(best)
    terms = relevance_feedback.choose_terms(
        candidates, {"robot": 20, "arm": 30, "model": 900, "once": 1}, 1000
    )
    assert list(terms) == ["robot", "arm"]
    assert sum(terms.values()) == pytest.approx(1)
    near = relevance_feedback.score_feedback(" study ", " a robot has an arm \n the robot ", terms)
    assert relevance_feedback.score_feedback(" robot ", " a robot has an arm \n the robot ", terms) > near > 0
    assert relevance_feedback.score_feedback(" model ", " model and robotics ", terms) == 0


def test_a_feedback_term_is_found_with_its_particle() -> None:
    assert relevance_feedback.score_feedback(" ", " 로봇~ 팔 ", {"로봇": 1.0}) > 0


def test_words_are_counted_without_particles_and_titles_count_more() -> None:
    counts = relevance_feedback.count_words(" robot ", " 로봇~ robot \n 로봇 ")
    assert (counts["로봇"], counts["robot"]) == (2, 4)


def test_scores_are_relative_to_the_best() -> None:
    assert relevance_feedback.interpolate([]) == []
    first, second = relevance_feedback.interpolate([(4.0, 0.2), (2.0, 0.1)])
    assert [first, second] == pytest.approx([1.0, 0.5])
