"""Matches names of institutions in both languages: universities and companies that often publish on machine learning."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import islice

from bot.text import analyser, seed

MAX_WORDS = 8
"""The most words of a name."""
_MAX_LENGTH, _MAX_TOKEN_LENGTH = 400, 60
"""In characters. Longer names and tokens are cut."""
_MAX_INSTITUTIONS = 50
"""For each paper."""
_SPELLINGS = {"univ": "university", "inst": "institute", "tech": "technology", "lab": "labs"}
_PARTS_OF_AFFILIATION = re.compile(r"[,;()]")
_EMPTY_WORDS = frozenset(("the", "inc", "ltd", "co", "corp", "corporation", "company", "llc", "gmbh"))
_PARTS = frozenset(("ai", "research", "리서치", "대학교", "대학"))
"""Words after an institution's name that name a part of it: Google AI, 카카오 리서치."""


def make_key(name: str) -> str:
    """Return the key shared by all names of a known institution, or else the folded name."""
    return find_key(name) or _fold(name)


@analyser.remembered(1 << 12)
def find_key(name: str) -> str:
    """Return the key of a known institution, which may be written in one word or with a part; "" for others.

    오픈 AI is OpenAI, Google AI Lab is Google, and 스탠포드대 is Stanford University.
    """
    folded, keys = _fold(name), _keys()
    if key := keys.get(folded) or keys.get(folded.replace(" ", "")):
        return key
    head, _, tail = folded.rpartition(" ")
    is_part = tail in _PARTS and head.capitalize() not in _ordinary_words()
    if head:
        return find_key(head) if is_part else ""
    is_university = tail.endswith(("대", "대학", "대학교"))
    university = keys.get(tail.removesuffix("교").removesuffix("학").removesuffix("대"), "")
    return university if is_university and "university" in university else ""


def is_generic(name: str) -> bool:
    """Return whether a name consists only of words shared by many institutions, such as "university of science"."""
    return seed.read_words("generic_words.txt").issuperset(make_key(name).split())


def make_tokens(names: Iterable[str]) -> set[str]:
    """Return the index tokens of institutions: of each full name, its parts between commas, and known institutions in it."""
    keys = set[str]()
    for name in islice(names, _MAX_INSTITUTIONS):
        keys.update(map(make_key, (name, *_PARTS_OF_AFFILIATION.split(name[:_MAX_LENGTH]))))
        keys |= _find_known(name)
    return set(filter(None, map(make_token, keys)))


def _find_known(text: str) -> set[str]:
    words, keys = _fold(text).split(), _keys()
    spans = (
        " ".join(words[start:end])
        for start in range(len(words))
        for end in range(start + 1, min(len(words), start + MAX_WORDS) + 1)
    )
    return {keys[span] for span in spans if span in keys}


def make_token(name: str) -> str:
    """Return an institution's index token, the same for all its names; "" if the text has no words.

    It is not stemmed: Cohere is not Coherent.
    """
    return make_key(name).replace(" ", "")[:_MAX_TOKEN_LENGTH]


def list_forms(name: str) -> tuple[str, ...]:
    return _rows().get(make_key(name), ())


def complete(prefix: str) -> list[str]:
    """Return the known institutions with a word that begins with `prefix`, matches at the start of a name first.

    Each institution is listed once, under the matching name.
    """
    typed = analyser.fold_name(prefix)
    names = [next((form for form in forms if _begins(form, typed)), None) for forms in _rows().values()]
    return sorted(filter(None, names), key=lambda name: not _begins(name, typed, inside=False))


def _begins(name: str, typed: str, *, inside: bool = True) -> bool:
    folded = analyser.fold_name(name)
    return folded.startswith(typed) or (inside and f" {typed}" in folded)


@analyser.remembered(1 << 12)
def _fold(name: str) -> str:
    """Fold a name, expand abbreviated words, and drop articles and legal forms such as Inc."""
    words = analyser.fold_name(name[:_MAX_LENGTH].replace("&", " and ")).split()
    telling = [_SPELLINGS.get(word, word) for word in words if word not in _EMPTY_WORDS]
    return " ".join(telling)


@lru_cache(maxsize=1)
def _keys() -> dict[str, str]:
    """Return the keys of known institutions, keyed by folded name and by it without spaces."""
    named = [(_fold(form), key) for key, forms in _rows().items() for form in forms]
    return {name.replace(" ", ""): key for name, key in named} | dict(named)


@lru_cache(maxsize=1)
def _rows() -> dict[str, tuple[str, ...]]:
    """Return the names of each known institution, main English name first, keyed by this folded."""
    rows = (tuple(form.removesuffix("?") for form in row) for row in seed.read_rows("institutions.tsv"))
    return {_fold(row[0]): row for row in rows}


@lru_cache(maxsize=1)
def _ordinary_words() -> frozenset[str]:
    """Return the names of known institutions that are also ordinary words."""
    forms = (form for row in seed.read_rows("institutions.tsv") for form in row)
    return frozenset(form.removesuffix("?") for form in forms if form.endswith("?"))


def list_korean_names() -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return each known institution's Korean names, except ordinary words, and its main English name."""
    ordinary = _ordinary_words()
    rows = [
        (tuple(form for form in row if analyser.has_hangul(form) and form not in ordinary), row[:1])
        for row in _rows().values()
    ]
    return [(korean, english) for korean, english in rows if korean]
