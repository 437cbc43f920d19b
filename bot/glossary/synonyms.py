"""Synonyms within Korean terms: 대형 and 대규모, 비전 and 시각. A list of ours (`synonyms.txt`), not learnt.

Many of these words differ in meaning when they are alone, so they are exchanged only within terms of several words. The list
has one group per line, the main word first: words of two syllables or more, with _ for a space within a word.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import islice, product

from bot.glossary import concepts
from bot.text import term_keys

_MAX_WORD_LENGTH = 7
_MAX_COMBINATIONS = 64
_WORD_SEPARATORS = re.compile(r"[\s\-]+")


@lru_cache(maxsize=1)
def _groups_by_word() -> dict[str, tuple[str, ...]]:
    """Return the synonyms of each word, by the word without spaces; the first group wins."""
    groups: dict[str, tuple[str, ...]] = {}
    for line in concepts.read_data("synonyms.txt").splitlines():
        words = tuple(word.replace("_", " ") for word in line.split())
        for word in words:
            groups.setdefault(term_keys.korean_key(word), words)
    return groups


def canonical_key(key: str) -> str:
    """Return a Korean key with the main word of each group: equal for synonymous terms. Takes linear time."""
    groups, lengths, pieces, position = _groups_by_word(), _lengths_by_letter(), [], 0
    if lengths.keys().isdisjoint(key):
        return key
    while position < len(key):
        for length in lengths.get(key[position], ()):
            group = groups.get(key[position : position + length])
            if group is not None and position + length <= len(key):
                pieces.append(term_keys.korean_key(group[0]))
                position += length
                break
        else:
            pieces.append(key[position])
            position += 1
    return "".join(pieces)


@lru_cache(maxsize=1)
def _lengths_by_letter() -> dict[str, list[int]]:
    """Return the lengths of the words that begin with a letter, the longest first: of most letters none does."""
    lengths: dict[str, set[int]] = {}
    for word in _groups_by_word():
        if 1 < len(word) <= _MAX_WORD_LENGTH:
            lengths.setdefault(word[0], set()).add(len(word))
    return {letter: sorted(found, reverse=True) for letter, found in lengths.items()}


def variants(text: str) -> list[str]:
    """Return the synonymous spellings of a Korean term of several words, each once; none for a single word."""
    units = _WORD_SEPARATORS.split(text.strip())
    if len(units) < 2:
        return []
    groups = _groups_by_word()
    choices: list[tuple[str, ...]] = []
    position = 0
    while position < len(units):
        group = groups.get("".join(units[position : position + 2]))
        choices.append(group or groups.get(units[position]) or (units[position],))
        position += 2 if group else 1
    texts = map(" ".join, islice(product(*choices), _MAX_COMBINATIONS))
    by_key = {
        term_keys.korean_key(variant): variant for variant in sorted(texts, key=len)
    }  # the spelling with most spaces wins
    by_key.pop(term_keys.korean_key(text), None)
    return list(by_key.values())
