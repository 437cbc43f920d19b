"""Words said in the other language by the word table."""

from __future__ import annotations

from bot.text.glossary.extraction import alignment
from bot.text.glossary.resolution import translation

ASSOCIATIONS = alignment.AssociationTable(
    {
        "강화": {"reinforc": 0.9, "learn": 0.3},
        "학습": {"learn": 0.45},
        "증류": {"distil": 0.6, "score": 0.5},
        "점수": {"score": 0.6},
    },
    {},
)


def test_a_word_is_not_translated_by_what_goes_far_better_with_something_else() -> None:
    assert translation.Translator(ASSOCIATIONS).to_korean("learn") == ["학습"]
    assert translation.Translator(ASSOCIATIONS).to_english("강화") == ["reinforc"]


def test_no_word_is_said_for_two() -> None:
    said = translation.Translator(ASSOCIATIONS).translate_phrase(["score", "distillation"])
    assert said[0] == "점수 증류"
    assert "증류 증류" not in said
