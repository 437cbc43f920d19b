"""Detects the language of summaries. Apart from the fields of papers, since a search reads none of these."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import islice

from storage.models import Entry, Locale, Section

_HANGUL = re.compile("[가-힣]+")
_LATIN = re.compile("[A-Za-z]+")
_SAMPLE_CHARACTERS = 300
_MAX_SUMMARIES = 10
_MIN_LETTERS = 40
_MIN_HANGUL_SHARE = 0.2
"""Over a third of the letters in Korean summaries are Hangul, although they contain Latin terms."""


def detect_language(papers: Iterable[Entry]) -> Locale:
    """Return KO if at least a fifth of the letters in the summaries are Hangul, else EN. Ignores titles and names."""
    first = (section for paper in papers for section in paper.sections[:1])
    return _detect_language(islice(first, _MAX_SUMMARIES), 1) or Locale.EN


def detect_section_language(sections: Sequence[Section]) -> Locale | None:
    """Return the language of a summary, or None if it has too few letters to detect one."""
    return _detect_language(sections[:3], _MIN_LETTERS)


def _detect_language(sections: Iterable[Section], min_letters: int) -> Locale | None:
    sample = "\n".join(section.body[:_SAMPLE_CHARACTERS] for section in sections)
    hangul, latin = (sum(map(len, letters.findall(sample))) for letters in (_HANGUL, _LATIN))
    if hangul + latin < min_letters:
        return None
    return Locale.KO if hangul >= _MIN_HANGUL_SHARE * (hangul + latin) else Locale.EN
