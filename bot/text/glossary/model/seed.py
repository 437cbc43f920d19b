"""The seed list: machine-learning terms written by hand, for archives too small to explain them."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import NamedTuple

from bot.text.analysis import term_keys

_COMMON_WORD_MARK = "-"


class SeedTerm(NamedTuple):
    """One line of the seed list; the first form of each language is the main one.

    `is_common_word` marks everyday words (차량, vehicle): they are translated, but are not topics.
    """

    key: str
    korean: tuple[str, ...]
    english: tuple[str, ...]
    abbreviations: tuple[str, ...]
    is_common_word: bool = False


@lru_cache(maxsize=1)
def load_terms() -> tuple[SeedTerm, ...]:
    """Return the packaged seed list: tab-separated Korean forms, English forms and abbreviations, each split by `|`.

    A "-" in the column of abbreviations marks a common word.
    """
    text = resources.files(__package__).joinpath("seed.tsv").read_text(encoding="utf-8")
    return tuple(map(_parse_line, filter(None, text.splitlines())))


def _parse_line(line: str) -> SeedTerm:
    korean, english, abbreviations = (
        tuple(filter(None, map(str.strip, column.split("|")))) for column in f"{line}\t\t".split("\t")[:3]
    )
    is_common_word = abbreviations == (_COMMON_WORD_MARK,)
    key = term_keys.english_key(english[0])
    return SeedTerm(key, korean, english, () if is_common_word else abbreviations, is_common_word)
