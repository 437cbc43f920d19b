"""Canonical texts of a paper, and the tokens and shingles that index it. Pure.

A shingle joins two neighbouring words ("lang_mode" for language model, "화_학" for 강화 학습), so that phrases are found
without positions in the index. It may stand for several pairs of words: scoring, which reads the text, tells them apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from operator import add

from bot.services.indexing import glossary_service
from bot.text import scoring
from bot.text.analysis import analyser, korean, latex, title_names
from storage import models
from storage.search import index

VERSION = "10"
"""Version of the tokens. An index built by another version is rebuilt."""

TITLE_MARK, TITLE_WORD_START_MARK, TITLE_AND_BODY_MARK, REPEATED_MARK, FREQUENT_MARK = (
    "!t",
    "!s",
    "!b",
    "!",
    "!!",
)
"""Suffixes of tokens: in the title, at the start of a Korean word of the title, in both title and body, twice or more in the
body, `MAX_BODY_FREQUENCY` times or more in it. Shingles have the first and the third too.
"""
NAME_MARK, LEADING_NAME_MARK = "!n", "!l"
"""Suffixes of names: what the head of the title is ("mamba" of "Mamba: …"), and what a title begins with."""
SHINGLE_SEPARATOR = "_"
_SHINGLE_LETTERS = 4
"""Letters of each Latin word in a shingle: enough to be rare, few enough to keep the number of shingles low."""
_MAX_TITLE_LENGTH = 1000
_MAX_BODY_LENGTH = 60_000


def build_texts(paper: models.IndexDocument) -> index.DocumentTexts:
    """Return the canonical texts of a paper: its title; its summaries, abstract and keywords; its mentions."""
    title = (paper.title or "")[:_MAX_TITLE_LENGTH]
    plain_title = latex.to_plain_text(title)
    # A reader sees π₀ and may type pi0, so a title with LaTeX is indexed as written too.
    lines = _body_lines(paper) if plain_title == title else chain((title,), _body_lines(paper))
    body = "\n".join(lines)[:_MAX_BODY_LENGTH]
    mentions = glossary_service.extract_mentions(f"{paper.title or ''}\n{body}")
    return index.DocumentTexts(analyser.canonicalise(plain_title), analyser.canonicalise(body), mentions)


def _body_lines(paper: models.IndexDocument) -> Iterator[str]:
    from bot.digests.elements import shown_summary  # a search needs none of it

    for section in paper.sections:
        if section.heading and not shown_summary.is_newsletter_label(section.heading):
            yield section.heading
        yield section.body
    if paper.abstract:
        yield paper.abstract
    for _ in range(2 if paper.keywords else 0):
        yield ", ".join(paper.keywords)  # twice, as a term that the text repeats is what a paper is about


def build_tokens(texts: index.DocumentTexts) -> tuple[str, str]:
    """Return all tokens of a paper, and those of its title, separated by spaces. The same texts give the same tokens."""
    title = " ".join(chain(*_tokenize(texts.title)))
    body, shingles = _tokenize(texts.body)
    counts = Counter(body)
    distinct_shingles = set(shingles)
    repeated = [(token, count) for token, count in counts.items() if count > 1]
    marked = [token + TITLE_MARK for token in title.split()]
    marked += [
        word.removesuffix(analyser.PARTICLE_MARK)[:2] + TITLE_WORD_START_MARK
        for word in texts.title.split()
        if korean.is_hangul(word)
    ]
    marked += [
        token + TITLE_AND_BODY_MARK
        for token in title.split()
        if token in counts or token in distinct_shingles
    ]
    marked += [name + NAME_MARK for name in title_names.full_names(texts.title)]
    marked += [name + LEADING_NAME_MARK for name in title_names.leading_names(texts.title)]
    frequent = [token for token, count in repeated if count >= scoring.MAX_BODY_FREQUENCY]
    marked_body = [token + REPEATED_MARK for token, _ in repeated]
    marked_body += [token + FREQUENT_MARK for token in frequent]
    return " ".join((title, *marked, *counts, *shingles, *marked_body)), title


def _tokenize(canonical: str) -> tuple[list[str], list[str]]:
    """Return the tokens of a canonical text, and the shingles of its words."""
    body, _, loose = canonical.rpartition("\n")
    words = body.split()
    if not words:
        return loose.split(), []
    tokens, right_halves, left_halves = zip(*map(_analyse_word, words), strict=True)
    return [*chain.from_iterable(tokens), *loose.split()], list(map(add, left_halves, right_halves[1:]))


@lru_cache(maxsize=1 << 15)
def _analyse_word(word: str) -> tuple[tuple[str, ...], str, str]:
    """Return a word's tokens, and its halves of the shingles with the word before it and the word behind it."""
    return tuple(analyser.word_tokens(word)), _shingle_right(word), _shingle_left(word) + SHINGLE_SEPARATOR


def shingle(left: str, right: str) -> str:
    """Return the token for two neighbouring words."""
    return _shingle_left(left) + SHINGLE_SEPARATOR + _shingle_right(right)


def _shingle_left(word: str) -> str:
    return (
        word.removesuffix(analyser.PARTICLE_MARK)[-1] if korean.is_hangul(word) else word[:_SHINGLE_LETTERS]
    )


def _shingle_right(word: str) -> str:
    return word[0] if korean.is_hangul(word) else word[:_SHINGLE_LETTERS]
