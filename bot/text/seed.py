"""The seed list: machine-learning terms written by hand, for archives too small to explain them."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import NamedTuple


def read_data(name: str) -> str:
    """Return the text of a file of this package."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


class SeedTerm(NamedTuple):
    """One line of the seed list; the first form of each language is the main one.

    `is_common_word` marks everyday words (차량, vehicle): they are translated, but are not topics.
    """

    korean: tuple[str, ...]
    english: tuple[str, ...]
    abbreviations: tuple[str, ...]
    is_common_word: bool = False


@cache
def load_terms() -> tuple[SeedTerm, ...]:
    """Return the packaged seed list: tab-separated Korean forms, English forms and abbreviations, each split by `|`.

    A "-" in the column of abbreviations marks a common word.
    """
    terms = []
    for line in filter(None, read_data("seed.tsv").splitlines()):
        korean, english, abbreviations = (
            tuple(filter(None, map(str.strip, column.split("|")))) for column in f"{line}\t\t".split("\t")[:3]
        )
        is_common_word = abbreviations == ("-",)
        terms.append(SeedTerm(korean, english, () if is_common_word else abbreviations, is_common_word))
    return tuple(terms)
