"""The seed list of machine-learning terms, for archives too small to define them, and other data files."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from bot.core import data


def read_data(name: str) -> str:
    return data.read_text(f"text/{name}")


def checksum(folder: str = "text") -> str:
    """Return a checksum of all tables and lists of words, by default this package's. An index built with others is rebuilt."""
    texts = (data.read_text(f"{folder}/{name}") for name in data.list_files(folder))
    return f"{zlib.crc32(''.join(texts).encode()):08x}"


def read_rows(name: str) -> Iterator[list[str]]:
    """Yield the rows of one of this package's tables, in columns, without comments."""
    for line in read_data(name).splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")


@cache
def read_spellings(name: str) -> dict[str, dict[str, str]]:
    """Return the spellings in one of this package's tables, keyed by kind and Hangul.

    - `korean_names.tsv`: of names; kind `rare` has family names that more often begin a given name (은우, 도현),
      `foreign` last names of two syllables (힌튼)
    - `sounds.tsv`: of sounds in English words
    """
    tables: dict[str, dict[str, str]] = {}
    for kind, hangul, spellings in read_rows(name):
        tables.setdefault(kind, {})[hangul] = spellings
    return tables


@cache
def read_words(name: str) -> frozenset[str]:
    """Return the words in one of this package's data files.
    - `function_words.txt`: words that are not abbreviations in lower case
    - `boundary_words.txt`: words that are never part of a Korean term
    - `not_names.txt`: first words of titles that are not names
    - `generic_words.txt`: words in the names of many institutions
    - `other_words.txt`: words unrelated to their first two syllables (양자화)
    """
    return frozenset(read_data(name).split())


class SeedTerm(NamedTuple):
    """One line of the seed list. The first form in each language is the main form.

    Everyday words (차량, vehicle) have `is_common_word`: they are translated but are not topics. `only_read` has Korean
    forms that mean the term in queries but usually something else in papers (주의: attention, or note).
    """

    korean: tuple[str, ...]
    english: tuple[str, ...]
    abbreviations: tuple[str, ...]
    is_common_word: bool = False
    only_read: frozenset[str] = frozenset()


_FREE = ("{}-free", "without {}", "without any {}", "no {}")
_LACKED = ("{} 없이", "{} 없는", "{} 없이도", "{} 필요 없는", "{} 불필요")
"""Korean endings for "-free" after a noun."""


def _lack(words: Sequence[str], forms: Sequence[str]) -> tuple[str, ...]:
    return tuple(form.format(word) for form in forms for word in words)


@cache
def load_terms() -> tuple[SeedTerm, ...]:
    """Load the seed list. Its tab-separated columns hold Korean forms, English forms and abbreviations, split by `|`.

    "-" as the abbreviation marks a common word, and "-free" words for what methods do without. Such a row
    has all their usual forms: training-free, without training, 훈련 없이. "~" before a Korean form marks a form used
    only in queries.
    """
    terms = []
    for row in read_rows("seed.tsv"):
        korean, english, abbreviations = (
            tuple(filter(None, map(str.strip, column.split("|")))) for column in (*row, "", "")[:3]
        )
        is_common_word = abbreviations == ("-",)
        if abbreviations == ("-free",):
            korean, english, abbreviations = _lack((*korean, *english), _LACKED), _lack(english, _FREE), ()
        only_read = frozenset(text[1:] for text in korean if text.startswith("~"))
        korean = tuple(text.removeprefix("~") for text in korean)
        abbreviations = () if is_common_word else abbreviations
        terms.append(SeedTerm(korean, english, abbreviations, is_common_word, only_read))
    return tuple(terms)
