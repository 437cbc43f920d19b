"""Scoring: the order of results, the components of a score, and BM25."""

from __future__ import annotations

from datetime import date

import pytest

from bot.glossary import resolver
from bot.search import scoring
from bot.text import analyser, concepts, term_keys

GLOSSARY = resolver.Glossary(
    learnt=resolver.Learnt(
        [resolver.LearntForm("reinforcement learning", form, 9) for form in ("강화 학습", "RL")]
    )
)


def analyse_document(
    title: str, body: str, votes: int | None = None, published_on: date | None = None
) -> term_keys.Document:
    return term_keys.Document(analyser.canonicalise(title), analyser.canonicalise(body), votes, published_on)


def score(query: str, title: str, body: str, votes: int | None = None) -> scoring.Score | None:
    document = analyse_document(title, body, votes, date(2025, 1, 1))
    return scoring.Scorer(GLOSSARY.expand(query)).score(document)


def total_score(query: str, title: str, body: str, votes: int | None = None) -> float:
    scored = score(query, title, body, votes)
    return 0.0 if scored is None else scored.total


@pytest.mark.parametrize(
    ("query", "better", "worse"),
    [
        ("추론", ("추론을 위한 모델", ""), ("모델", "추론을 한다")),
        ("언어 추론", ("", "언어 추론을 다룬다"), ("", "언어를 본다\n추론을 한다")),
        ("추론", ("", "추론과 추론"), ("", "추론")),
        ("화학", ("", "화학을 배운다"), ("", "강화학습")),
    ],
)
def test_better_matches_score_higher(query: str, better: tuple[str, str], worse: tuple[str, str]) -> None:
    assert total_score(query, *better) > total_score(query, *worse) > 0


def test_votes_break_ties_and_do_not_outweigh_term_matches() -> None:
    by_votes = [total_score("RL", "RL", "", votes=votes) for votes in (100, 1, None)]
    assert by_votes == sorted(set(by_votes), reverse=True)
    assert total_score("RL", "RL for agents", "", 0) > total_score("RL", "Agents", "RL is used", 1000)


def test_all_forms_of_a_concept_score_equally() -> None:
    bodies = ["강화 학습을 쓴다", "강화학습을 쓴다", "Reinforcement-learning is used", "RL을 쓴다"]
    totals = {round(total_score("RL", "", body), 6) for body in bodies}
    assert len(totals) == 1
    assert totals == {round(total_score("강화 학습", "", body), 6) for body in bodies}


def test_a_paper_without_any_part_has_no_score() -> None:
    assert score("RL", "A title", "본문") is None


def test_a_paper_with_an_excluded_word_has_no_score() -> None:
    document = analyse_document("RL for video", "")
    assert scoring.Scorer(GLOSSARY.expand("RL"), excluded=["video"]).score(document) is None
    assert scoring.Scorer(GLOSSARY.expand("RL"), excluded=["audio"]).score(document) is not None


def test_quoted_phrases_are_segments() -> None:
    scorer = scoring.Scorer(concepts.Expansion("", ()), phrases=["language model"])
    assert scorer.score(analyse_document("A language model", "")) is not None
    assert scorer.score(analyse_document("A model of language", "")) is None


def test_the_components_add_up_to_the_score() -> None:
    scored = score("LLM 강화학습", "LLM 강화 학습", "LLM을 강화학습으로\nRL", votes=10)
    assert scored is not None
    components = scored.explain()
    names = ("title", "body", "phrase", "composed", "name", "popularity")
    assert components["total"] == pytest.approx(sum(components[name] for name in names), abs=0.001)
    assert (scored.matched, scored.segments) == (2, 2)


def test_popularity_does_not_decay() -> None:
    early, late = scoring.hot_score(9, date(2024, 1, 1)), scoring.hot_score(9, date(2024, 1, 1 + 10))
    assert late - early == pytest.approx(10 / 730)
    assert scoring.hot_score(99, date(2024, 1, 1)) - early == pytest.approx(1)


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


def test_words_are_counted_without_particles_and_titles_count_more() -> None:
    counts = scoring.count_words(" robot ", " 로봇~ robot \n 로봇 ")
    assert (counts["로봇"], counts["robot"]) == (2, 4)


def test_a_repeated_word_is_scored_once() -> None:
    document = term_keys.Document(" graph ", " a graph of language model parts ")
    once, repeated = (
        scoring.Scorer(GLOSSARY.expand(f"graph 언어 모델{more}"), phrases)
        for more, phrases in (("", ["of"]), (" Graph graph 언어 모델", ["of", "of"]))
    )
    assert repeated.score(document) == once.score(document)
