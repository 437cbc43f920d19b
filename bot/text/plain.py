"""Plain text from outside: characters that cannot be seen or stored, single lines, cuts, sentences and months.

For sentences, the libraries sentencex 1.0 and pysbd 0.3 split "See Eq. 4" and "cf. Fig. 2", which are common in abstracts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from bot.text import typography

_IGNORED = (
    "\0\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e"  # NUL, soft hyphen, fillers
    "\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # zero width, direction, annotations
    "\ud800-\udfff"  # lone surrogates: not encodable
    "\U000e0000-\U000e00ff"  # tags, which are invisible copies of ASCII
)
_JOINERS = "\u180b-\u180d\u180f\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e0fff"
"""Joiners and variation selectors: invisible, but they shape the adjacent letters and emoji."""
_BLANKS = "\u2800\u3164\uffa0"
"""Letters without ink: Braille and Hangul."""
_SHOWN_IGNORED, _ALL_IGNORED = re.compile(f"[{_IGNORED}]"), re.compile(f"[{_IGNORED}{_JOINERS}]")
_VISIBLE = re.compile(f"[^\\s\x01-\x1f\x7f-\x9f{_IGNORED}{_JOINERS}{_BLANKS}]")
_CONTROL = re.compile("[\x01-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_SEPARATORS = re.compile(
    r"\u200b|<(?:@[!&]?+\d++|#\d++|/[^:>]{1,100}+:\d++|a?:\w++:\d++|t:-?\d++(?::\w)?|id:\w++)>|(?<!\w)@(?:everyone|here)\b"
)
"""What stands between typed words: zero-width spaces, and Discord's markup for mentions, emoji and times."""
_MAX_TYPED_LENGTH = 2000


def make_storable(text: str) -> str:
    """Remove NULs and lone surrogates, which databases reject."""
    return text if text.isprintable() else _UNSTORABLE.sub("", text)


def is_visible(text: str) -> bool:
    """Return whether a text has a visible character. A title needs one, since readers click on it."""
    return _VISIBLE.search(text) is not None


def strip_invisible(text: str, *, has_joiners: bool = True) -> str:
    r"""Return a text in NFC without invisible characters, and with spaces for control characters except tab and `\n`.

    Joiners stay in a text that is shown; without `has_joiners`, for comparisons, they go as well.
    """
    if text.isascii() and text.isprintable():
        return text
    ignored = _SHOWN_IGNORED if has_joiners else _ALL_IGNORED
    return typography.normalise("NFC", _CONTROL.sub(" ", ignored.sub("", text)))


def clean_typed(text: str) -> str:
    """Return typed text without invisible characters and mentions, cut off after `_MAX_TYPED_LENGTH` characters."""
    return strip_invisible(_SEPARATORS.sub(" ", text[:_MAX_TYPED_LENGTH]), has_joiners=False)


def to_single_line(text: str) -> str:
    """Return a text without invisible characters on a single line."""
    return " ".join(strip_invisible(text).split())


def cut(text: str, max_length: int) -> str:
    """Cut a text to `max_length` characters, ending in an ellipsis if it was longer."""
    return text if len(text) <= max_length else text[: max_length - 1].rstrip() + "…"


# Sentences.

_END = re.compile(r"(?<![.!?。！？])[.!?。！？]++[\"'”’)\]*]{0,4}(?=\s|$)|[。！？](?=\S)")
"""Matches only at the first mark of a run; trying every mark of a run of 20,000 would take 6 s."""
_NO_END = re.compile(
    r"(?<![\w./])(?:e\.g|i\.e|cf|vs|ca|approx|resp|figs?|eqs?|secs?|sect|tabs?|nos?|refs?|app|appx|algs?|thm|def|vol|pp?|dr|prof"
    r"|m(?:rs?|s)|st|w\.r\.t|a\.k\.a|i\.i\.d|al|ex|esp|incl|(?-i:[A-Z])|u\.s|ph\.d)\.$|^\W*[0-9]{1,2}\.$",
    re.IGNORECASE,
)
"""Abbreviations, initials and item numbers, which do not end a sentence."""
_GOES_ON = re.compile(r"\s{0,40}[\"'“‘(\[]{0,3}[a-zà-ÿ]")


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
    sentences = (text[start:end].strip() for start, end in pairwise((0, *ends, len(text))))
    return list(filter(None, sentences))


def is_whole_sentence(sentence: str) -> bool:
    """Return whether a sentence ends with punctuation."""
    return _END.search(sentence.strip()[-6:]) is not None


MONTH_NAMES = "january|february|march|april|may|june|july|august|september|october|november|december"
MONTHS = {
    name[:length]: number
    for number, name in enumerate(MONTH_NAMES.split("|"), 1)
    for length in (3, 4 if name == "september" else 3, len(name))
}
"""Month numbers by English name and abbreviation in lower case."""
MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
"""A pattern for a month's name or abbreviation in lower case."""
