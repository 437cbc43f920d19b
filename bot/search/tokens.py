"""What the search index has of a paper: its canonical texts, and the tokens made from them.

A shingle joins two neighbouring words ("lang_mode" for language model, "화_학" for 강화 학습), so that phrases are found
without positions in the index. It may stand for several pairs of words: scoring, which reads the text, tells them apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from bot.search import glossary
from bot.text import analyser, people, term_keys, typography
from storage import models, search

TITLE_MARK, TITLE_WORD_START_MARK = "!t", "!s"
REPEATED_MARK, FREQUENT_MARK = "!", "!!"
"""Suffixes of tokens: in the title, at the start of a Korean word of the title, twice or more in the body,
`MAX_BODY_FREQUENCY` times or more in it. Shingles have the first too.
"""
NAME_MARK, LEADING_NAME_MARK = "!n", "!l"
"""Suffixes of names: what the head of the title is ("mamba" of "Mamba: …"), and what a title begins with."""
INSTITUTION_MARK = "!i"
"""Suffix of the institutions that a paper comes from; alone it is a token of papers of which none is known."""
SHINGLE_SEPARATOR = "_"
_SHINGLE_LETTERS = 4
"""Letters of each Latin word in a shingle: enough to be rare, few enough to keep the number of shingles low."""
MAX_BODY_FREQUENCY = 3
"""Cap on the term frequency in the body: beyond it votes and recency decide, and the index need not count further."""
_MAX_TITLE_LENGTH = 1000
_MAX_BODY_LENGTH = 60_000


def build_texts(paper: models.IndexDocument) -> search.DocumentTexts:
    """Return the canonical texts of a paper: its title; its summaries, abstract and keywords; its mentions."""
    from bot.archive import summaries  # of digests, which look-ups do without

    title = (paper.title or "")[:_MAX_TITLE_LENGTH]
    plain_title = typography.to_plain_text(title)
    # A reader sees π₀ and may type pi0, so a title with LaTeX is indexed as written too.
    title_teller, *tellers = paper.tellers or (0,) * (1 + len(paper.sections))
    told = [] if plain_title == title else [(title_teller, title)]
    for teller, section in zip(tellers, paper.sections, strict=True):
        if section.heading and not summaries.label_name(section.heading):
            told.append((teller, section.heading))
        told.append((teller, section.body))
    told += [(0, paper.abstract)] if paper.abstract else []
    # Twice, as a term that the text repeats is what a paper is about.
    told += 2 * [(0, ", ".join(paper.keywords))] if paper.keywords else []
    body = "\n".join(text for _, text in told)[:_MAX_BODY_LENGTH]
    mentions = glossary.extract_told([(title_teller, title), *told], _MAX_TITLE_LENGTH + _MAX_BODY_LENGTH)
    institutions = tuple(sorted(people.institution_tokens(paper.institutions)))
    return search.DocumentTexts(
        analyser.canonicalise(plain_title), analyser.canonicalise(body), mentions, institutions
    )


def build_tokens(texts: search.DocumentTexts) -> tuple[str, str]:
    """Return all tokens of a paper, and those of its title, separated by spaces. The same texts give the same tokens."""
    line, _, variants = texts.title.rpartition("\n")
    # A title is also looked up as it is typed, without its punctuation and with its particles.
    words, shingles = _tokenize(line.replace(analyser.PARTICLE_MARK, "").split())
    title = " ".join((*words, *variants.split(), *shingles))
    text, _, variants = texts.body.rpartition("\n")
    words, shingles = _tokenize(text.split(" "))
    counts = Counter(words)
    counts.update(variants.split())
    marked = [token + TITLE_MARK for token in title.split()]
    marked += [
        word.removesuffix(analyser.PARTICLE_MARK)[:2] + TITLE_WORD_START_MARK
        for word in texts.title.split()
        if analyser.is_hangul(word)
    ]
    marked += [name + INSTITUTION_MARK for name in texts.institutions or ("",)]
    marked += [name + NAME_MARK for name in term_keys.full_names(texts.title)]
    marked += [name + LEADING_NAME_MARK for name in term_keys.leading_names(texts.title)]
    marked += [token + REPEATED_MARK for token, count in counts.items() if count > 1]
    marked += [token + FREQUENT_MARK for token, count in counts.items() if count >= MAX_BODY_FREQUENCY]
    return " ".join((title, *marked, *counts, *shingles)), title


def _tokenize(words: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the tokens of words, and the shingles. An empty word is punctuation, which no phrase crosses."""
    tokens: list[str] = []
    shingles: list[str] = []
    before = ""
    for word in words:
        found, right, left = _analyse_word(word)
        tokens += found
        if before and right:
            shingles.append(before + right)
        before = left
    return tokens, shingles


@lru_cache(maxsize=1 << 15)
def _analyse_word(word: str) -> tuple[tuple[str, ...], str, str]:
    """Return a word's tokens, and its halves of the shingles with the word before it and the word behind it.

    A particle ends a phrase, since terms with a particle inside are rare: there is no word behind it.
    """
    if not word.strip():
        return (), "", ""
    left = "" if word.endswith(analyser.PARTICLE_MARK) else _shingle_left(word) + SHINGLE_SEPARATOR
    return tuple(analyser.word_tokens(word)), _shingle_right(word), left


def shingle(left: str, right: str) -> str:
    """Return the token for two neighbouring words."""
    return _shingle_left(left) + SHINGLE_SEPARATOR + _shingle_right(right)


def _shingle_left(word: str) -> str:
    return word[-1] if analyser.is_hangul(word) else word[:_SHINGLE_LETTERS]


def _shingle_right(word: str) -> str:
    return word[0] if analyser.is_hangul(word) else word[:_SHINGLE_LETTERS]
