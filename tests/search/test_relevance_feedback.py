"""BM25 over the parts of a query, and the words that the relevance model adds."""

from __future__ import annotations

from collections import Counter

import pytest

from bot.search import scoring


def test_rarer_parts_weigh_more_and_weights_are_positive() -> None:
    rare, common, everywhere = (
        scoring.inverse_document_frequency(frequency, 1000) for frequency in (3, 300, 5000)
    )
    assert rare > common > everywhere > 0


def test_a_rare_part_counts_more_than_a_common_one_repeated() -> None:
    weights = [5.0, 0.5]
    rare = scoring.score_bm25([(0, 1), (0, 0)], weights)
    common = scoring.score_bm25([(0, 0), (2, 9)], weights)
    both = scoring.score_bm25([(0, 1), (0, 1)], weights)
    assert both > rare > common > 0


def test_feedback_terms_are_those_of_the_best_papers_that_few_others_have() -> None:
    best = [(2.0, Counter(robot=4, arm=2, model=9, once=1)), (1.0, Counter(robot=1, arm=3, model=9))]
    candidates = scoring.list_candidates(best)
    terms = scoring.choose_terms(candidates, {"robot": 20, "arm": 30, "model": 900, "once": 1}, 1000)
    assert list(terms) == ["robot", "arm"]
    assert sum(terms.values()) == pytest.approx(1)
    once = scoring.score_feedback(Counter(robot=1, arm=1), terms)
    assert scoring.score_feedback(Counter(robot=3, arm=1), terms) > once > 0
    assert scoring.score_feedback(Counter(model=2, robotics=1), terms) == 0


def test_words_are_counted_without_particles_and_titles_count_more() -> None:
    counts = scoring.count_words(" robot ", " 로봇~ robot \n 로봇 ")
    assert (counts["로봇"], counts["robot"]) == (2, 4)
