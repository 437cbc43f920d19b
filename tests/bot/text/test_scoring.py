"""Ranking: what comes before what, and that the parts of a score add up."""

from __future__ import annotations

from datetime import date

import pytest

from bot.text import scoring
from bot.text.analysis import analyser
from bot.text.glossary.model import concepts, expansion
from bot.text.glossary.resolution import resolver
from bot.text.matching import term_variants

REINFORCEMENT_LEARNING = concepts.Concept(
    "reinforc learn",
    (
        concepts.SurfaceForm("reinforcement learning", "en", 5),
        concepts.SurfaceForm("강화 학습", "ko", 9),
        concepts.SurfaceForm("RL", "abbr", 9),
    ),
)
GLOSSARY = resolver.Glossary(
    [REINFORCEMENT_LEARNING], {"RL": [concepts.AbbreviationSense("reinforc learn", 1.0, 9)]}
)


def analyse_document(
    title: str, body: str, votes: int | None = None, published_on: date | None = None
) -> term_variants.Document:
    return term_variants.Document(
        analyser.canonicalise(title), analyser.canonicalise(body), votes, published_on
    )


def score(typed: str, title: str, body: str, votes: int | None = None) -> scoring.Score | None:
    paper = analyse_document(title, body, votes, date(2025, 1, 1))
    return scoring.Scorer(GLOSSARY.expand(typed)).score(paper)


def total_score(typed: str, title: str, body: str, votes: int | None = None) -> float:
    found = score(typed, title, body, votes)
    return 0.0 if found is None else found.total


@pytest.mark.parametrize(
    ("typed", "better", "worse"),
    [
        ("추론", ("추론을 위한 모델", ""), ("모델", "추론을 한다")),
        ("언어 추론", ("", "언어 추론을 다룬다"), ("", "언어를 본다\n추론을 한다")),
        ("추론", ("", "추론과 추론"), ("", "추론")),
        ("화학", ("", "화학을 배운다"), ("", "강화학습")),
    ],
)
def test_what_fits_better_scores_higher(typed: str, better: tuple[str, str], worse: tuple[str, str]) -> None:
    assert total_score(typed, *better) > total_score(typed, *worse) > 0


def test_all_forms_of_a_concept_weigh_alike() -> None:
    bodies = ["강화 학습을 쓴다", "강화학습을 쓴다", "Reinforcement-learning is used", "RL을 쓴다"]
    totals = {round(total_score("RL", "", body), 6) for body in bodies}
    assert len(totals) == 1
    assert totals == {round(total_score("강화 학습", "", body), 6) for body in bodies}


def test_votes_decide_between_equals() -> None:
    assert (
        total_score("RL", "RL", "", votes=100)
        > total_score("RL", "RL", "", votes=1)
        > total_score("RL", "RL", "", votes=None)
    )


def test_votes_do_not_outweigh_the_words() -> None:
    assert total_score("RL", "RL for agents", "", votes=0) > total_score(
        "RL", "Agents", "RL is used", votes=1000
    )


def test_a_paper_without_any_part_has_no_score() -> None:
    assert score("RL", "A title", "본문") is None


def test_excluded_words_exclude() -> None:
    paper = analyse_document("RL for video", "")
    assert scoring.Scorer(GLOSSARY.expand("RL"), excluded=["video"]).score(paper) is None
    assert scoring.Scorer(GLOSSARY.expand("RL"), excluded=["audio"]).score(paper) is not None


def test_quoted_phrases_are_parts_of_their_own() -> None:
    asked = scoring.Scorer(expansion.Expansion("", ()), phrases=["language model"])
    assert asked.score(analyse_document("A language model", "")) is not None
    assert asked.score(analyse_document("A model of language", "")) is None


def test_the_components_add_up_to_the_score() -> None:
    found = score("LLM 강화학습", "LLM 강화 학습", "LLM을 강화학습으로\nRL", votes=10)
    assert found is not None
    said = found.explain()
    parts = ("title", "body", "together", "phrase", "composed", "popularity")
    assert said["total"] == pytest.approx(sum(said[name] for name in parts), abs=0.001)
    assert (found.matched, found.segments) == (2, 2)


def test_papers_with_all_parts_come_first_and_others_only_if_these_are_few() -> None:
    asked = scoring.Scorer(GLOSSARY.expand("언어 추론"))
    texts = ["언어 추론", *["추론 추론 추론"] * 20]
    scored = [
        (found, text) for text in texts if (found := asked.score(analyse_document("", text))) is not None
    ]
    assert [text for _, text in scoring.rank(scored, 50)] == ["언어 추론", *["추론 추론 추론"] * 9]
    many = [(found, "both") for found, text in scored[:1]] * 12 + scored[1:]
    assert [text for _, text in scoring.rank(many, 50)] == ["both"] * 12


def test_popularity_does_not_age() -> None:
    early, late = scoring.hot_score(9, date(2024, 1, 1)), scoring.hot_score(9, date(2024, 1, 1 + 10))
    assert late - early == pytest.approx(10 / 730)
    assert scoring.hot_score(99, date(2024, 1, 1)) - early == pytest.approx(1)


def test_the_words_of_a_term_follow_when_the_term_is_rare() -> None:
    asked = scoring.Scorer(GLOSSARY.expand("강화 학습"))
    apart = asked.score(analyse_document("", "강화를 본다. 학습을 한다"))
    whole = asked.score(analyse_document("", "RL을 쓴다"))
    assert apart is not None
    assert whole is not None
    assert (apart.matched, whole.matched) == (0, 1)
    assert asked.score(analyse_document("", "강화를 본다")) is None
    assert [text for _, text in scoring.rank([(apart, "apart"), (whole, "whole")], 5)] == ["whole", "apart"]
    assert [text for _, text in scoring.rank([(apart, "apart"), *[(whole, "whole")] * 3], 5)] == ["whole"] * 3
