"""How a query is understood before anything is looked for."""

from __future__ import annotations

import pytest

from bot.services import understanding
from bot.text.glossary import expansion, mining, resolution, seed


@pytest.fixture(scope="module")
def glossary() -> resolution.Glossary:
    """The starting list alone."""
    return mining.mine([], seed.terms())


def _segments(understood: expansion.Expansion) -> list[str]:
    return [segment.typed for segment in understood.segments]


@pytest.mark.parametrize(
    ("typed", "segments"),
    [
        ("what is mixture of experts", ["mixture of experts"]),
        ("확산 모델에 대한 논문", ["확산 모델에"]),
        ("diffusion and video", ["diffusion", "video"]),
        ("chain of thought", ["chain of thought"]),
        ("the of", ["the", "of"]),
    ],
)
def test_small_words_are_not_asked_for_and_terms_stay_whole(
    glossary: resolution.Glossary, typed: str, segments: list[str]
) -> None:
    understood = understanding.understand(glossary, typed)
    assert _segments(understood) == segments
    assert understood.typed == typed


def test_the_noun_in_front_of_a_particle_is_not_named_as_something_else(
    glossary: resolution.Glossary,
) -> None:
    named = understanding.also(understanding.understand(glossary, "강화학습의"))
    assert "reinforcement learning" in named
    assert not any("강화" in form for form in named)
