"""Transliteration: compares the consonants of a Korean and an English word, to match 트랜스포머 with transformer."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache

from bot.text.analysis import korean

_INITIALS = "kknttlmppss-cccktph"
_FINALS = "-kkknnntllllllllmppssnccktph"
_MIN_SKELETON_LENGTH = 3
_MIN_SIMILARITY = 0.75

# English spelling to the sounds of its Korean transliteration; r counts only before a vowel.
_SOUND_RULES = (
    (re.compile(r"[ts]ion|cian|sian"), "sn"),
    (re.compile(r"tu(?=r|a)"), "c"),
    (re.compile(r"ng"), "n"),
    (re.compile(r"tch|ch|j"), "c"),
    (re.compile(r"sch|sh"), "s"),
    (re.compile(r"th"), "s"),
    (re.compile(r"ph|[bfvp]"), "p"),
    (re.compile(r"c(?=[eiy])"), "s"),
    (re.compile(r"g(?=[eiy])|z"), "c"),
    (re.compile(r"ck|[cgq]"), "k"),
    (re.compile(r"x"), "ks"),
    (re.compile(r"d"), "t"),
    (re.compile(r"r(?=[aeiouy])"), "l"),
    (re.compile(r"[rw]|[aeiouy]"), ""),
)
_REPEATED = re.compile(r"(.)\1+")


class TransliterationIndex:
    """English words, given with their skeletons, by first consonant, to find the transliterations of a Korean word."""

    def __init__(self, skeletons: Mapping[str, str]) -> None:
        self._by_first: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for word, skeleton in skeletons.items():
            self._by_first[skeleton[0]].append((word, skeleton))

    def find(self, hangul: str) -> list[str]:
        """Return the English words that a Korean word may transliterate."""
        own_skeleton = _hangul_skeleton(hangul)
        if len(own_skeleton) < _MIN_SKELETON_LENGTH:
            return []
        return [
            word
            for word, skeleton in self._by_first[own_skeleton[0]]
            if _MIN_SIMILARITY <= len(own_skeleton) / len(skeleton) <= 1 / _MIN_SIMILARITY
            and _is_similar(own_skeleton, skeleton)
        ]


def list_skeletons(words: Iterable[str]) -> dict[str, str]:
    """Return the consonants of English words; without words that have too few."""
    skeletons = {word: _latin_skeleton(word) for word in words}
    return {word: skeleton for word, skeleton in skeletons.items() if len(skeleton) >= _MIN_SKELETON_LENGTH}


@lru_cache(maxsize=1 << 14)
def is_transliteration(hangul: str, english: str) -> bool:
    """Tell whether the consonants of a Korean word nearly match those of a folded English word, in order."""
    left, right = _hangul_skeleton(hangul), _latin_skeleton(english)
    if min(len(left), len(right)) < _MIN_SKELETON_LENGTH or left[0] != right[0]:
        return False
    return _is_similar(left, right)


def _is_similar(left: str, right: str) -> bool:
    return _longest_common_subsequence(left, right) >= _MIN_SIMILARITY * max(len(left), len(right))


@lru_cache(maxsize=1 << 13)
def _hangul_skeleton(word: str) -> str:
    sounds: list[str] = []
    for character in word:
        if korean.is_syllables(character):
            initial, _, final = korean.split_syllable(character)
            sounds += [_INITIALS[initial], _FINALS[final]]
    return _REPEATED.sub(r"\1", "".join(sounds).replace("-", ""))


@lru_cache(maxsize=1 << 13)
def _latin_skeleton(word: str) -> str:
    if not word.isascii() or not word.isalpha():
        return ""
    for pattern, sound in _SOUND_RULES:
        word = pattern.sub(sound.upper(), word)
    return _REPEATED.sub(r"\1", word.lower())


def _longest_common_subsequence(left: str, right: str) -> int:
    row = [0] * (len(right) + 1)
    for left_sound in left:
        diagonal = 0
        for column, right_sound in enumerate(right, 1):
            longest = diagonal + 1 if left_sound == right_sound else max(row[column], row[column - 1])
            diagonal, row[column] = row[column], longest
    return row[-1]
