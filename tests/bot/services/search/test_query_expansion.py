"""Expansion of queries by the seed list."""

from __future__ import annotations

import pytest

from bot.services.search import query_expansion
from bot.text.glossary.model import expansion, seed
from bot.text.glossary.resolution import resolver
from tests.support import glossary_in_memory


@pytest.fixture(scope="module")
def glossary() -> resolver.Glossary:
    """The glossary of the seed list alone."""
    return glossary_in_memory.build_glossary([], seed.load_terms())


def _segments(expanded: expansion.Expansion) -> list[str]:
    return [segment.text for segment in expanded.segments]


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
def test_stop_words_are_dropped_and_terms_stay_whole(
    glossary: resolver.Glossary, typed: str, segments: list[str]
) -> None:
    expanded = query_expansion.expand(glossary, typed)
    assert _segments(expanded) == segments
    assert expanded.text == typed


def test_a_typed_noun_with_a_particle_is_not_an_added_form(glossary: resolver.Glossary) -> None:
    added = query_expansion.added_forms(query_expansion.expand(glossary, "강화학습의"))
    assert "reinforcement learning" in added
    assert not any("강화" in form for form in added)
