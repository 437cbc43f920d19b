"""Extracts: the text of a paper that has no written summary. Pure.

Hugging Face's own sentence about a paper, else the three sentences of its abstract that say most of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from bot.digests import listing
from bot.digests.elements.summary_basis import Basis
from bot.text import sentences
from bot.text.analysis import analyser

MAX_SENTENCES = 3
_MAX_CHARACTERS = 700
"""A longer sentence is taken only if there is no other: it is most likely a list, or several that were not told apart."""
_MIN_CHARACTERS = 25
_POSITION_WEIGHTS = {0: 0.3, 1: 0.1, -1: 0.2}
"""Abstracts begin with the problem or the method, and end with the results."""
_TITLE_WEIGHT = 0.5
_NOTICES = ("http://", "https://", "available at", "project page", "코드는 ", "공개합니다")


def choose(paper: listing.Paper) -> tuple[str, Basis] | None:
    """Return the extract of a paper of a listing and what it was taken from; None without summary and abstract."""
    if summary := str(paper.get("summary") or "").strip():
        return summary, Basis.HUGGINGFACE
    chosen = choose_sentences(str(paper.get("abstract") or ""), str(paper.get("title") or ""))
    return (" ".join(chosen), Basis.EXTRACT) if chosen else None


@lru_cache(maxsize=1024)
def choose_sentences(abstract: str, title: str = "") -> tuple[str, ...]:
    """Return at most three whole sentences of an abstract, verbatim and in its order.

    It takes a millisecond or two; the posts of a day ask for the same papers again and again.
    """
    found = sentences.split(abstract)
    # What is cut off at the end is no sentence.
    whole = [sentence for sentence in found if sentences.is_whole(sentence)] or found[:1]
    usable = [sentence for sentence in whole if _is_usable(sentence)] or whole
    scores = _scores(usable, title)
    best = sorted(range(len(usable)), key=lambda index: (-scores[index], index))[:MAX_SENTENCES]
    return tuple(usable[index] for index in sorted(best))


def _is_usable(sentence: str) -> bool:
    lower = sentence.casefold()
    if any(notice in lower for notice in _NOTICES):
        return False
    return _MIN_CHARACTERS <= len(sentence) <= _MAX_CHARACTERS


def _scores(found: Sequence[str], title: str) -> list[float]:
    """Return how much each sentence shares with the others and the title, with a bonus for its position."""
    words = [set(analyser.analyse(sentence)) for sentence in found]
    shared = Counter(word for tokens in words for word in tokens)
    title_words = set(analyser.analyse(title))
    raw = [
        sum(shared[word] - 1 + (_TITLE_WEIGHT * len(found) if word in title_words else 0) for word in tokens)
        / max(len(tokens), 1) ** 0.5
        for tokens in words
    ]
    highest = max(raw, default=0.0) or 1.0
    scores = [score / highest for score in raw]
    for position, weight in _POSITION_WEIGHTS.items():
        if len(scores) > abs(position):
            scores[position] += weight
    return scores
