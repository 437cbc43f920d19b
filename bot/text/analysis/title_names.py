"""Names in titles: the head of a title ("Llama 2" of "Llama 2: Open Foundation …"), and keys to compare it with a query.

A key is joined, so that SAM 2, SAM-2 and sam2 are one name. Works on canonical titles (see the analyser), in which two
spaces stand for punctuation.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache

from bot.text.analysis import analyser, normalisation

EXACT, VERSION, VERSION_AND_MORE, LEADING = 1.0, 0.8, 0.6, 0.4
"""Degrees of a match: the head is the name, the name with a version, begins with the name and a version, begins with it."""
_MAX_NAME_WORDS = 6
_MAX_NAME_LENGTH = 40
_MIN_PART_LENGTH = 3
_OPENERS = frozenset(("the", "a", "an", "introduc", "announc", "present", "meet"))
_CLOSERS = (
    ("technic", "report"),
    ("system", "card"),
    ("model", "card"),
    ("기술", "보고서"),
    ("paper",),
    ("논문",),
)
"""Last words that belong to no name: of a title, or of a query for it."""
_LAST_OF_CLOSERS = frozenset(closer[-1] for closer in _CLOSERS)
_LETTERS_THEN_DIGITS = re.compile(r"([a-z]{2,}?)(v?\d[a-z0-9.]*)")
_WORD = re.compile(r"[^\W_]+(?:\.\d+)*")
_SYMBOLS = {"squared": "2", "제곱": "2", "cubed": "3", "plus plus": "++"}
_SPOKEN = re.compile(rf"(?<=\w)\s?({'|'.join(_SYMBOLS)})\b", re.IGNORECASE)
"""Symbols of names as people say them: transformer squared is Transformer^2."""
_VERSION = re.compile(r"[a-z]?\d[\d.]*[a-z]{0,2}")


def full_names(title: str) -> list[str]:
    """Return the keys of the name that a canonical title's head is, with and without its version; none if it is no name."""
    pieces = _head_pieces(title)
    if not pieces or len(pieces) > _MAX_NAME_WORDS:
        return []
    names = {"".join(pieces): None, "".join(_without_version(pieces)): None}
    return [name for name in names if 1 < len(name) <= _MAX_NAME_LENGTH]


def leading_names(title: str) -> list[str]:
    """Return the keys of the names that a canonical title may begin with: its first word, and that with a version."""
    pieces = _head_pieces(title)
    has_version = len(pieces) > 1 and _VERSION.fullmatch(pieces[1]) is not None
    names = ["".join(pieces[:end]) for end in (range(1, 3) if has_version else range(1, 2))]
    return [name for name in names if 1 < len(name) <= _MAX_NAME_LENGTH]


@lru_cache(maxsize=1 << 10)
def query_names(text: str) -> frozenset[str]:
    """Return the keys of a name as typed: "flash attention" as two words and as the one word FlashAttention."""
    text = text[: 2 * _MAX_NAME_LENGTH]
    written = _SPOKEN.sub(lambda spoken: _SYMBOLS[spoken[1].lower()], text)
    return _keys_of_name(text) if written == text else _keys_of_name(text) | _keys_of_name(written)


def _keys_of_name(text: str) -> frozenset[str]:
    keys = ["".join(_split_versions(trim(analyser.stemmed_words(text))))]
    words = trim(_WORD.findall(normalisation.fold(text)))
    if len(words) > 1:
        keys.append("".join(_split_versions([analyser.stem("".join(words))])))
    elif words and words[0].isascii() and words[0].isalpha():
        keys += _keys_as_two_words(words[0])
    return frozenset(key for key in keys if 1 < len(key) <= _MAX_NAME_LENGTH)


def _keys_as_two_words(word: str) -> list[str]:
    """Return the keys of a joined name as two words, whose first is stemmed: moviegen like Movie Gen."""
    cuts = range(_MIN_PART_LENGTH, len(word) - _MIN_PART_LENGTH + 1)
    halves = [(word[:cut], analyser.stem(word[:cut]), word[cut:]) for cut in cuts]
    return [stemmed + analyser.stem(second) for first, stemmed, second in halves if stemmed != first]


def match(names: Collection[str], title: str) -> float:
    """Return the degree to which the head of a canonical title is one of the names; 0 if it is none.

    A paper's text may follow the title on the next line.
    """
    end = title.find("\n")
    pieces = _head_pieces(title if end < 0 else title[:end])
    key = ""
    for number, piece in enumerate(pieces, start=1):
        key += piece
        if key in names:
            return _degree(pieces[number:])
        if len(key) > _MAX_NAME_LENGTH:
            break
    return 0.0


def _degree(rest: Sequence[str]) -> float:
    if not rest:
        return EXACT
    if not _VERSION.fullmatch(rest[0]):
        return LEADING
    return VERSION if len(rest) == 1 else VERSION_AND_MORE


@lru_cache(maxsize=1 << 10)
def _head_pieces(title: str) -> tuple[str, ...]:
    """Return the words of a title's head, a version as a piece of its own."""
    head, _, _ = title.partition("\n")[0].strip().partition("  ")
    return tuple(_split_versions(trim([word.removesuffix(analyser.PARTICLE_MARK) for word in head.split()])))


def trim(words: list[str]) -> list[str]:
    """Return the words of a title or a query without those at either end that belong to no name."""
    start, end = 0, len(words)
    while end - start > 1 and analyser.stem(words[start]) in _OPENERS:
        start += 1
    if not words or analyser.stem(words[-1]) not in _LAST_OF_CLOSERS:
        return words[start:]
    for closer in _CLOSERS:
        if len(closer) < end - start and closer == tuple(map(analyser.stem, words[end - len(closer) : end])):
            end -= len(closer)
    return words[start:end]


def is_closer(words: Sequence[str]) -> bool:
    """Return whether words say only what kind of text a title is of: a technical report, a system card."""
    return tuple(analyser.stem(word.lower()) for word in words) in _CLOSERS


def _split_versions(words: Iterable[str]) -> list[str]:
    return [piece for word in words for piece in _split_version(word)]


@lru_cache(maxsize=1 << 13)
def _split_version(word: str) -> tuple[str, ...]:
    """Return qwen and 2.5 for qwen2.5; other words alone. The letters are stemmed, as they are when they stand alone."""
    found = _LETTERS_THEN_DIGITS.fullmatch(word)
    return (analyser.stem(found[1]), found[2]) if found else (word,)


def _without_version(pieces: Sequence[str]) -> Sequence[str]:
    end = len(pieces)
    while end and _VERSION.fullmatch(pieces[end - 1]):
        end -= 1
    return pieces[:end]
