"""Splits texts into sentences.

The libraries sentencex 1.0 and pysbd 0.3 split "See Eq. 4" and "cf. Fig. 2", which are common in abstracts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

_END = re.compile(r"(?<![.!?。！？])[.!?。！？]++[\"'”’)\]*]{0,4}(?=\s|$)|[。！？](?=\S)")
"""Matches only at the first mark of a run; trying every mark of a run of 20,000 would take 6 s."""
_NO_END = re.compile(
    r"(?<![\w./])(?:e\.g|i\.e|cf|vs|ca|approx|resp|figs?|eqs?|secs?|sect|tabs?|nos?|refs?|app|appx|algs?|thm|def|vol|pp?|dr|prof"
    r"|m(?:rs?|s)|st|w\.r\.t|a\.k\.a|i\.i\.d|al|ex|esp|incl|(?-i:[A-Z])|u\.s|ph\.d)\.$|^\W*[0-9]{1,2}\.$",
    re.IGNORECASE,
)
"""Abbreviations, initials and item numbers, which do not end a sentence."""
_GOES_ON = re.compile(r"\s*[\"'“‘(\[]{0,3}[a-zà-ÿ]")


def find_ends(text: str) -> Iterator[int]:
    """Yield where the sentences of a text end, except the last one, which may be incomplete."""
    start = 0
    for match in _END.finditer(text):
        end = match.end()
        if not _GOES_ON.match(text, end) and not _NO_END.search(text[max(start, end - 12) : end]):
            yield end
            start = end


def split_sentences(text: str) -> list[str]:
    """Return a text's sentences in order, verbatim but stripped. The last one may be incomplete."""
    ends = list(find_ends(text))
    found = (text[start:end] for start, end in pairwise((0, *ends, len(text))))
    return [stripped for sentence in found if (stripped := sentence.strip())]


def is_whole_sentence(sentence: str) -> bool:
    """Return whether a sentence ends with punctuation."""
    return _END.search(sentence.strip()[-6:]) is not None
