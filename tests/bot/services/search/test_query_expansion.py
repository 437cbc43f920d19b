"""How a query is understood before anything is looked for."""

from __future__ import annotations

import pytest

from bot.services.search import query_expansion
from bot.text.glossary.model import expansion, seed
from bot.text.glossary.resolution import resolver
from tests.support import glossary_in_memory


@pytest.fixture(scope="module")
def glossary() -> resolver.Glossary:
    """The starting list alone."""
    return glossary_in_memory.build_glossary([], seed.load_terms())


def _segments(understood: expansion.Expansion) -> list[str]:
    return [segment.text for segment in understood.segments]


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
    glossary: resolver.Glossary, typed: str, segments: list[str]
) -> None:
    understood = query_expansion.expand(glossary, typed)
    assert _segments(understood) == segments
    assert understood.text == typed


def test_the_noun_in_front_of_a_particle_is_not_named_as_something_else(
    glossary: resolver.Glossary,
) -> None:
    named = query_expansion.added_forms(query_expansion.expand(glossary, "강화학습의"))
    assert "reinforcement learning" in named
    assert not any("강화" in form for form in named)
