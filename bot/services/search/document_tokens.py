"""Turns papers into the canonical texts and the tokens that the index holds. Pure.

Beside the analyser's tokens there are *links* between neighbouring words ("lang_mode" between language and model,
"_화_학" between 강화 and 학습), by which a phrase is found without positions in the index. A link may stand for
several pairs of words: ranking, which sees the text, tells them apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from operator import add

from bot.services.search import glossary_service
from bot.text import scoring
from bot.text.analysis import analyser, korean, latex
from storage import models
from storage.search import index

VERSION = "8"
"""What an index was made by. Another one in storage means that everything is to be indexed anew."""

TITLE_MARK, TITLE_WORD_START_MARK, TITLE_AND_BODY_MARK, REPEATED_MARK, FREQUENT_MARK = (
    "!t",
    "!s",
    "!b",
    "!",
    "!!",
)
"""End the tokens of what the title holds; of what begins a Korean word in it; of what the title and the body hold; of what
the body says twice or more; and of what it says often. Links have the first and the third too.
"""
SHINGLE_SEPARATOR = "_"
_SHINGLE_LETTERS = 4
"""Letters of each Latin word in a link; enough to be rare, few enough that there are not too many links."""
_BOILERPLATE_HEADINGS = frozenset(("what's new", "technical details", "performance highlights"))
_MAX_BODY_LENGTH = 60_000


def build_texts(paper: models.IndexDocument) -> index.DocumentTexts:
    """Return what of a paper is indexed, canonical: its title, and its summaries, abstract and keywords."""
    written = (paper.title or "")[:1000]
    shown = latex.to_plain_text(written)
    # Readers see π₀ and may type pi0: both are to be found.
    lines = _lines(paper) if shown == written else chain((written,), _lines(paper))
    body = "\n".join(lines)[:_MAX_BODY_LENGTH]
    mentions = glossary_service.extract_mentions(f"{paper.title or ''}\n{body}")
    return index.DocumentTexts(analyser.canonicalise(shown), analyser.canonicalise(body), mentions)


def _lines(paper: models.IndexDocument) -> Iterator[str]:
    for section in paper.sections:
        if section.heading and section.heading.strip("* :").lower() not in _BOILERPLATE_HEADINGS:
            yield section.heading
        yield section.body
    if paper.abstract:
        yield paper.abstract
    if paper.keywords:
        yield ", ".join(paper.keywords)


def build_tokens(position: int, texts: index.DocumentTexts) -> index.DocumentTokens:
    """Return the tokens of a row; the same texts always give the same ones, so that they can be taken out again."""
    title = " ".join(chain(*_tokenize(texts.title)))
    body, links = _tokenize(texts.body)
    counted = Counter(body)
    linked = set(links)
    repeated = [(token, number) for token, number in counted.items() if number > 1]
    again = [token + REPEATED_MARK for token, _ in repeated]
    often = [token + FREQUENT_MARK for token, number in repeated if number >= scoring.MAX_BODY_FREQUENCY]
    titled = [token + TITLE_MARK for token in title.split()]
    titled += [
        word.removesuffix(analyser.PARTICLE_MARK)[:2] + TITLE_WORD_START_MARK
        for word in texts.title.split()
        if korean.is_hangul(word)
    ]
    both = [token + TITLE_AND_BODY_MARK for token in title.split() if token in counted or token in linked]
    return index.DocumentTokens(
        position, " ".join((title, *titled, *both, *counted, *links, *again, *often)), title
    )


def _tokenize(canonical: str) -> tuple[list[str], list[str]]:
    """Return the tokens of a canonical text, and the links between its words."""
    body, _, loose = canonical.rpartition("\n")
    words = body.split()
    if not words:
        return loose.split(), []
    tokens, heads, tails = zip(*map(_analyse_word, words), strict=True)
    return [*chain.from_iterable(tokens), *loose.split()], list(map(add, tails, heads[1:]))


@lru_cache(maxsize=1 << 17)
def _analyse_word(word: str) -> tuple[tuple[str, ...], str, str]:
    """Return a word as it is indexed: its tokens, and what it gives to the links before and behind it."""
    return tuple(analyser.word_tokens(word)), _shingle_right(word), _shingle_left(word) + SHINGLE_SEPARATOR


def shingle(left: str, right: str) -> str:
    """Return the token for two words that stand one behind the other."""
    return _shingle_left(left) + SHINGLE_SEPARATOR + _shingle_right(right)


def _shingle_left(word: str) -> str:
    return (
        word.removesuffix(analyser.PARTICLE_MARK)[-1] if korean.is_hangul(word) else word[:_SHINGLE_LETTERS]
    )


def _shingle_right(word: str) -> str:
    return word[0] if korean.is_hangul(word) else word[:_SHINGLE_LETTERS]
