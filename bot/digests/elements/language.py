"""Detects the language of a digest, and of one summary, from the letters of the summaries. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from storage import models

_HANGUL = re.compile("[가-힣]+")
_LATIN = re.compile("[A-Za-z]+")
_SAMPLE_CHARACTERS = 300
_MAX_SUMMARIES = 10
_MIN_LETTERS = 40
_MIN_HANGUL_SHARE = 0.2
"""Korean summaries have Latin terms, but over a third of their letters are Hangul."""


def detect_language(papers: Iterable[models.Entry]) -> models.Locale:
    """Return KO when a fifth of the summaries' letters are Hangul, else EN; titles and names do not count."""
    bodies = [section.body[:_SAMPLE_CHARACTERS] for paper in papers for section in paper.sections[:1]]
    hangul, latin = _count_letters("\n".join(bodies[:_MAX_SUMMARIES]))
    return models.Locale.KO if _is_korean(hangul, latin) else models.Locale.EN


def detect_section_language(sections: Sequence[models.Section]) -> models.Locale | None:
    """Return the language of one summary; None if it has too few letters to tell."""
    hangul, latin = _count_letters("\n".join(section.body[:_SAMPLE_CHARACTERS] for section in sections[:3]))
    if hangul + latin < _MIN_LETTERS:
        return None
    return models.Locale.KO if _is_korean(hangul, latin) else models.Locale.EN


def _count_letters(sample: str) -> tuple[int, int]:
    return sum(map(len, _HANGUL.findall(sample))), sum(map(len, _LATIN.findall(sample)))


def _is_korean(hangul: int, latin: int) -> bool:
    return bool(hangul) and hangul >= _MIN_HANGUL_SHARE * (hangul + latin)
