"""How popular a paper is, and how often it has each word."""

from __future__ import annotations

import math
from collections import Counter
from datetime import date

from bot.text import analyser

_TITLE_WEIGHT = 3
_DAYS_PER_TENFOLD_VOTES = 730


def hot_score(votes: int | None, published_on: date, epoch: date) -> float:
    """Return a popularity that does not decay: ten times the votes weigh as much as 730 days. `epoch` has the popularity 0."""
    return math.log10(1 + max(0, votes or 0)) + (published_on - epoch).days / _DAYS_PER_TENFOLD_VOTES


def count_words(title: str, body: str) -> Counter[str]:
    """Count a paper's words without particles, those of the title three times."""
    titled, words = (text.replace(analyser.PARTICLE_MARK, "").split() for text in (title, body))
    return Counter(words + _TITLE_WEIGHT * titled)
