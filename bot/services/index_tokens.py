"""Turns canonical texts into the tokens that the index holds, and forms of terms into what is asked of it. Pure.

Beside the analyser's tokens there are *links* between neighbouring words ("lang_mode" between language and model,
"_화_학" between 강화 and 학습), by which a phrase is found without positions in the index. A link may stand for
several pairs of words: ranking, which sees the text, tells them apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from bot.services import glossaries
from bot.text import analyser, forms, korean
from bot.text.glossary import expansion
from storage import models, search
from storage.search_terms import Wanted, all_of, any_of

VERSION = "1"
"""What an index was made by. Another one in storage means that everything is to be indexed anew."""

_LINKED = 4
"""Letters of each Latin word in a link; enough to be rare, few enough that there are not too many links."""
_STANDING_HEADINGS = frozenset(("what's new", "technical details", "performance highlights"))
_MOST_BODY = 60_000
_MOST_ROWS = 12


def texts_of(paper: models.IndexedPaper) -> search.Texts:
    """Return what of a paper is indexed, canonical: its title, and its summaries, abstract and keywords."""
    body = "\n".join(_lines(paper))[:_MOST_BODY]
    title = analyser.canonical((paper.title or "")[:1000])
    return search.Texts(title, analyser.canonical(body), glossaries.mentions_of(body))


def _lines(paper: models.IndexedPaper) -> Iterator[str]:
    for section in paper.sections:
        if section.heading and section.heading.strip("* :").lower() not in _STANDING_HEADINGS:
            yield section.heading
        yield section.body
    if paper.abstract:
        yield paper.abstract
    if paper.keywords:
        yield ", ".join(paper.keywords)


def tokens_of(position: int, texts: search.Texts) -> search.Tokens:
    """Return the tokens of a row; the same texts always give the same ones, so that they can be taken out again."""
    title = _tokens(texts.title)
    return search.Tokens(position, f"{title} {_tokens(texts.body)}".strip(), title)


def _tokens(canonical: str) -> str:
    body, _, loose = canonical.rpartition("\n")
    found: list[str] = [loose.strip()] if loose else []
    for line in body.split("\n"):
        words = line.split()
        found += map(_word_tokens, words)
        found += map(_link, words, words[1:])
    return " ".join(found)


@lru_cache(maxsize=1 << 16)
def _word_tokens(word: str) -> str:
    return " ".join(analyser.word_tokens(word))


def _link(left: str, right: str) -> str:
    return f"{_tail(left)}_{_head(right)}"


@lru_cache(maxsize=1 << 16)
def _tail(word: str) -> str:
    return word[-1] if korean.is_hangul(word) else word[:_LINKED]


@lru_cache(maxsize=1 << 16)
def _head(word: str) -> str:
    return word[0] if korean.is_hangul(word) else word[:_LINKED]


def wanted(segments: Iterable[expansion.Segment]) -> Wanted | None:
    """Return what a paper must hold to have all segments, each in one of its forms; None for nothing to ask for."""
    parts = [part for segment in segments if (part := wanted_any(form.text for form in segment.forms))]
    return all_of(parts)


def wanted_any(texts: Iterable[str]) -> Wanted | None:
    """Return what a paper must hold to have one of these forms."""
    alternatives = (row for text in texts for row in forms.form(text).rows()[:_MOST_ROWS])
    return any_of([part for row in alternatives if (part := _row(row))])


def _row(tokens: Sequence[str]) -> Wanted | None:
    """Return the AND of neighbouring tokens, with the links between those that do not overlap."""
    parts: list[Wanted] = list(tokens)
    for left, right in pairwise(tokens):
        overlap = (
            korean.is_hangul(left) and korean.is_hangul(right) and left[-1] == right[0] and len(left) == 2
        )
        if not overlap:
            parts.append(_link(left, right))
    return all_of(parts)
