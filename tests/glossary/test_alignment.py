"""Word alignment learnt from terms and their translations."""

from __future__ import annotations

from bot.glossary import mentions

GLOSSES = [
    ("강화 학습", "reinforc learn", 2),
    ("대조 학습", "contrast learn", 2),
    ("언어 모델", "languag model", 2),
    ("확산 모델", "diffus model", 2),
    ("보상 모델", "reward model", 2),
    ("지도 학습", "supervis learn", 2),
]


def test_a_word_aligns_with_the_word_that_it_translates_in_several_terms() -> None:
    table = mentions.learn_associations(GLOSSES)
    assert table.align("학습", ["reinforc", "learn"]) == ["learn"]
    assert table.align("모델", ["reward", "model"]) == ["model"]
    assert table.align("강화", ["model"]) == []


def test_seed_words_and_transliterations_align_without_evidence() -> None:
    table = mentions.add_seed_words(mentions.AssociationTable({}, {}), [("손실", "loss")])
    assert table.align("손실", ["loss", "diffus"]) == ["loss"]
    assert table.align("트랜스포머", ["transformer"]) == ["transformer"]
    assert not table.is_known("손실")


def test_particles_are_stripped_from_the_words_of_a_context() -> None:
    assert mentions.split_context("강화 학습을 위한-모델의") == ["강화", "학습", "위한", "모델"]
