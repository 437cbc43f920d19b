"""Detects the language of a digest from its summaries. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from storage import models

_HANGUL = re.compile("[가-힣]+")
_LATIN = re.compile("[A-Za-z]+")
_SAMPLE_CHARACTERS = 300
_MAX_SUMMARIES = 10
_MIN_HANGUL_SHARE = 0.2
"""Korean summaries have Latin terms, but over a third of their letters are Hangul."""


def detect_language(papers: Iterable[models.Entry]) -> models.Locale:
    """Return KO when a fifth of the summaries' letters are Hangul, else EN; titles and names do not count."""
    bodies = [section.body[:_SAMPLE_CHARACTERS] for paper in papers for section in paper.sections[:1]]
    sample = "\n".join(bodies[:_MAX_SUMMARIES])
    hangul = sum(map(len, _HANGUL.findall(sample)))
    latin = sum(map(len, _LATIN.findall(sample)))
    return models.Locale.KO if hangul and hangul >= _MIN_HANGUL_SHARE * (hangul + latin) else models.Locale.EN
