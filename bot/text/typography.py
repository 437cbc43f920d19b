"""Converts LaTeX in titles and formulas to plain text, and normalises untrusted text."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Literal

from bot.text import latex

MAX_LENGTH = 1000
"""In characters. Lines that are longer are no titles or formulas, and stay as they are."""

MAX_MARKS = 30
"""Maximum length of a run of combining marks, as in Unicode's stream-safe text format (UAX #15, section 13)."""
_MARK = r"(?:[^\w\s\0-\x7f]|[\uff9e\uff9f])"
_ANY_MARK = re.compile(_MARK)
_MARKS_IN_ROW = re.compile(rf"(?=[^\0-\x7f\uac00-\ud7a3])({_MARK}{{{MAX_MARKS}}}){_MARK}+")
"""Also matches other symbols, because `re` has no class for combining marks. The lookahead only saves time."""


def normalise(form: Literal["NFC", "NFD", "NFKC", "NFKD"], text: str) -> str:
    """Normalise untrusted text. Call this instead of `unicodedata.normalize`, which is slow on long runs of marks."""
    return unicodedata.normalize(form, limit_marks(text))


def limit_marks(text: str) -> str:
    """Shorten runs of combining marks and other non-ASCII symbols to MAX_MARKS. Takes linear time.

    CPython sorts each run of marks in quadratic time while holding the GIL.
    """
    if len(text) <= MAX_MARKS or text.isascii() or not _ANY_MARK.search(text[:: MAX_MARKS + 1]):
        return text  # each longer run has one of these characters
    return _MARKS_IN_ROW.sub(r"\1", text)


def to_plain_text(title: str) -> str:
    """Convert the LaTeX in a title, a name or a comment to plain text. A text without LaTeX is not touched."""
    if "\\" not in title and "$" not in title and "{" not in title and "~" not in title:
        return title
    if len(title) > MAX_LENGTH:  # the start of a page
        return "\n".join(
            line if len(line) > MAX_LENGTH else to_plain_text(line) for line in title.split("\n")
        )
    return _convert(title)


@lru_cache(maxsize=1024)
def _convert(title: str) -> str:
    return latex.to_text(title)


@lru_cache(maxsize=2048)
def formula_to_text(formula: str) -> str:
    """Convert a formula, given without dollar signs, to plain text: `x_{t+1}^2` becomes x_(t+1)^2."""
    return formula if len(formula) > MAX_LENGTH else latex.formula_to_text(formula)
