"""Citation keys as researchers write them: `yuan2025native` is the surname, the year and the first word of the title."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from bot.text.analysis import latex, normalisation, stopwords
from bot.text.people import romanisation

_NEW_ID = re.compile(r"([0-9]{2})([0-9]{2})\.[0-9]{4,5}")
_OLD_ID = re.compile(r"[a-z.\-]+/([0-9]{2})([0-9]{2})[0-9]{3}", re.IGNORECASE)
_CENTURY_PIVOT = 91
_WORD = re.compile(r"[^\W_]+")
_NOT_ASCII = re.compile(r"[^a-z0-9]+")
_INSIGNIFICANT = stopwords.FUNCTION_WORDS | frozenset(
    ("are", "can", "do", "does", "how", "is", "what", "why")
)
_MAX_PART_LENGTH = 30
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def year_of(arxiv_id: str) -> str:
    """Return the year of an arXiv id; "" for a text that is none."""
    match = _NEW_ID.match(arxiv_id) or _OLD_ID.match(arxiv_id)
    if not match:
        return ""
    short = int(match[1])
    return str(1900 + short if short >= _CENTURY_PIVOT else 2000 + short)


def make_key(arxiv_id: str, title: str | None, authors: Sequence[str]) -> str:
    """Return the key of a paper, in ASCII letters and digits; `arxiv:<id>` if neither a name nor a title has any."""
    surname = next((surname for name in authors if (surname := _surname(name))), "")
    words = (_to_ascii(word) for word in _WORD.findall(latex.to_plain_text(title or "")))
    word = next((word for word in words if len(word) > 1 and word not in _INSIGNIFICANT), "")
    return f"{surname}{year_of(arxiv_id)}{word}" if surname or word else f"arxiv:{arxiv_id}"


def make_unique(keys: Iterable[str]) -> list[str]:
    """Return the keys in their order, each repeated one with a suffix: `b`, `c` … then `b2`, `c2` …"""
    used: set[str] = set()
    unique = []
    for key in keys:
        number = 0
        candidate = key
        while candidate in used:
            number += 1
            turn, letter = divmod(number, len(_LETTERS))
            candidate = f"{key}{_LETTERS[letter]}{turn + 1 if turn else ''}"
        used.add(candidate)
        unique.append(candidate)
    return unique


def _surname(name: str) -> str:
    """Return the family name: the last word of a name in Latin letters, the romanised first syllables of a Korean one."""
    korean = romanisation.split_hangul(name)
    if korean:
        return next(iter(romanisation.family_spellings(korean[0][0])), "")
    words = name.split()
    if len(words) == 2 and "-" in words[1] and romanisation.families_of(words[0].lower()):
        words.reverse()  # Kim Min-jun
    return next((part for word in reversed(words) if (part := _to_ascii(word))), "")


def _to_ascii(word: str) -> str:
    return _NOT_ASCII.sub("", normalisation.fold(word))[:_MAX_PART_LENGTH]
