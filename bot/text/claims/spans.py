"""Source spans: the words of a paper that a claim names as its evidence, found verbatim in the paper."""

from __future__ import annotations

import re
import unicodedata

MAX_WORDS = 12

_TYPOGRAPHY = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛`´ʼ′", "'"),
        **dict.fromkeys("“”„‟«»″", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        "…": "...",
        "\u00ad": "",
    }
)
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\U000e0000-\U000e007f]")
_MARKUP = re.compile(r"[*\\]|\$(?=\S)|(?<=\S)\$")
_EDGE = " \t\n.,;:'\"-()[]"


def normalise(text: str) -> str:
    """Return a text for comparison: white space, quotes, dashes and emphasis in one form, without case."""
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text).translate(_TYPOGRAPHY))
    return " ".join(_MARKUP.sub("", text).split()).casefold()


def find_problems(span: str, normalised_source: str) -> list[str]:
    """Return what is wrong with a span, in words. The source is passed as `normalise` returns it."""
    words = span.split()
    if not words:
        return ["the span is empty"]
    problems = []
    if len(words) > MAX_WORDS:
        problems.append(f"the span has {len(words)} words, at most {MAX_WORDS} are allowed")
    if not (wanted := normalise(span).strip(_EDGE)) or wanted not in normalised_source:
        problems.append(f'the span "{span[:80]}" does not stand verbatim in the source')
    return problems
