"""Korean spellings of English words."""

from __future__ import annotations

import pytest

from bot.glossary import transliteration


@pytest.mark.parametrize(
    ("korean", "english"),
    [
        ("트랜스포머", "transformer"),
        ("디퓨전", "diffusion"),
        ("어텐션", "attention"),
        ("벤치마크", "benchmark"),
        ("스플래팅", "splatting"),
        ("프롬프트", "prompt"),
        ("오토인코더", "autoencoder"),
    ],
)
def test_transliterations_are_recognised_by_their_consonants(korean: str, english: str) -> None:
    assert transliteration.is_transliteration(korean, english)
    skeletons = transliteration.list_skeletons(["model", english, "learning"])
    assert transliteration.TransliterationIndex(skeletons).find(korean) == [english]


@pytest.mark.parametrize(
    ("korean", "english"), [("학습", "learning"), ("모델", "data"), ("데이터", "diffusion"), ("", "")]
)
def test_other_words_are_not_transliterations(korean: str, english: str) -> None:
    assert not transliteration.is_transliteration(korean, english)
