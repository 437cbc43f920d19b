"""Word-by-word translation by the association table."""

from __future__ import annotations

from bot.glossary import mentions, resolver

ASSOCIATIONS = mentions.AssociationTable(
    {
        "강화": {"reinforc": 0.9, "learn": 0.3},
        "학습": {"learn": 0.45},
        "증류": {"distil": 0.6, "score": 0.5},
        "점수": {"score": 0.6},
    },
    {},
)


def test_a_translation_must_be_mutual() -> None:
    assert resolver.Translator(ASSOCIATIONS).to_korean("learn") == ["학습"]
    assert resolver.Translator(ASSOCIATIONS).to_english("강화") == ["reinforc"]


def test_one_translation_never_covers_two_words() -> None:
    translations = resolver.Translator(ASSOCIATIONS).translate_phrase(["score", "distillation"])
    assert translations[0] == "점수 증류"
    assert "증류 증류" not in translations
