"""Turns canonical texts into the tokens that the index holds, and forms of terms into what is asked of it. Pure.

Beside the analyser's tokens there are *links* between neighbouring words ("lang_mode" between language and model,
"_화_학" between 강화 and 학습), by which a phrase is found without positions in the index. A link may stand for
several pairs of words: ranking, which sees the text, tells them apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from bot.services import glossaries
from bot.text import analyser, forms, korean
from bot.text.glossary import expansion
from storage import models, search
from storage.search_terms import Wanted, all_of, any_of, mapped

VERSION = "1"
"""What an index was made by. Another one in storage means that everything is to be indexed anew."""

OFTEN = "!"
"""Ends the token of what a body says often; it stands beside the tokens of the title."""
_OFTEN_FROM = 4
_LINK = "_"
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
    title, body = _tokens(texts.title), _tokens(texts.body)
    often = [token + OFTEN for token, number in Counter(body).items() if number >= _OFTEN_FROM]
    return search.Tokens(position, " ".join([*title, *body]), " ".join([*title, *often]))


def _tokens(canonical: str) -> list[str]:
    body, _, loose = canonical.rpartition("\n")
    words = [_indexed_word(word) for word in body.split()]
    tokens = " ".join([word.tokens for word in words]).split()
    tokens += loose.split()
    tokens += [left.tail + right.head for left, right in pairwise(words)]
    return tokens


class _Word(NamedTuple):
    """A word as it is indexed: its tokens, and the ends that it gives to the links before and behind it."""

    tokens: str
    head: str
    tail: str


@lru_cache(maxsize=1 << 16)
def _indexed_word(word: str) -> _Word:
    return _Word(" ".join(analyser.word_tokens(word)), _head(word), _tail(word) + _LINK)


def _tail(word: str) -> str:
    return word[-1] if korean.is_hangul(word) else word[:_LINKED]


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


def often(asked: Wanted) -> Wanted | None:
    """Return the same question, but for papers whose text says every token often; it leaves links out."""
    return mapped(asked, lambda token: None if _LINK in token else token + OFTEN)


def _row(tokens: Sequence[str]) -> Wanted | None:
    """Return the AND of neighbouring tokens, with the links between those that do not overlap."""
    parts: list[Wanted] = list(tokens)
    for left, right in pairwise(tokens):
        overlap = (
            korean.is_hangul(left) and korean.is_hangul(right) and left[-1] == right[0] and len(left) == 2
        )
        if not overlap:
            parts.append(_tail(left) + _LINK + _head(right))
    return all_of(parts)
