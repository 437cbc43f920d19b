"""The seed list: machine-learning terms written by hand, for archives too small to explain them."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import NamedTuple


def read_data(name: str) -> str:
    """Return the text of a file of this package."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


@cache
def read_words(name: str) -> frozenset[str]:
    """Return the words of a file of this package.

    `ordinary_words.txt`: what authors like to make abbreviations of; `function_words.txt`: words that are not abbreviations in
    lower case; `boundary_words.txt`: words outside of any Korean term; `not_names.txt`: words with which titles begin;
    `generic_words.txt`: words that many institutions share; `other_words.txt`: words of three syllables that say something
    else than their first two (양자화).
    """
    return frozenset(read_data(name).split())


class SeedTerm(NamedTuple):
    """One line of the seed list; the first form of each language is the main one.

    `is_common_word` marks everyday words (차량, vehicle): they are translated, but are not topics. `only_read`: Korean forms
    that mean the term in a query, and mostly something else in a text (주의: attention, and note).
    """

    korean: tuple[str, ...]
    english: tuple[str, ...]
    abbreviations: tuple[str, ...]
    is_common_word: bool = False
    only_read: frozenset[str] = frozenset()


@cache
def load_terms() -> tuple[SeedTerm, ...]:
    """Return the packaged seed list: tab-separated Korean forms, English forms and abbreviations, each split by `|`.

    A "-" in the column of abbreviations marks a common word, a "~" before a Korean form one that is only read.
    """
    terms = []
    for line in filter(None, read_data("seed.tsv").splitlines()):
        korean, english, abbreviations = (
            tuple(filter(None, map(str.strip, column.split("|")))) for column in f"{line}\t\t".split("\t")[:3]
        )
        is_common_word = abbreviations == ("-",)
        only_read = frozenset(text[1:] for text in korean if text.startswith("~"))
        korean = tuple(text.removeprefix("~") for text in korean)
        abbreviations = () if is_common_word else abbreviations
        terms.append(SeedTerm(korean, english, abbreviations, is_common_word, only_read))
    return tuple(terms)
