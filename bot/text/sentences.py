"""Splits prose into sentences, each a verbatim part of the text.

A splitter of our own: sentencex 1.0 and pysbd 0.3 end sentences inside "See Eq. 4" or "cf. Fig. 2", which abstracts have.
"""

from __future__ import annotations

import re

_END = re.compile(r"[.!?。！？]+[\"'”’)\]*]{0,4}(?=\s|$)|[。！？](?=\S)")
_ABBREVIATION_LIST = (
    "e.g i.e cf vs viz ca approx resp fig figs eq eqs sec secs sect tab tabs no nos ref refs ch chap app appx alg algs thm def"
    " prop lem cor vol pp p dr prof mr mrs ms st w.r.t a.k.a s.t i.i.d ver art ex esp incl dept univ jan feb mar apr jun jul"
    " aug sep sept oct nov dec"
)
_STARTER_LIST = (
    "the this these those we our it its they their in on at for to by with from as an a however moreover furthermore"
    " additionally specifically finally while when here thus then experiments results extensive empirically existing recent"
    " despite although yet code but unlike each both all there such"
)
_ABBREVIATIONS = frozenset(_ABBREVIATION_LIST.split())
_MAYBE_LAST = frozenset(("al", "etc", "u.s", "u.k", "inc", "corp", "ltd", "co", "a.m", "p.m", "ph.d"))
"""Abbreviations that may also end a sentence: they do if the next word begins one."""
_STARTERS = frozenset(_STARTER_LIST.split())
_LAST_WORD = re.compile(r"[\w.]*$")
_NEXT_WORD = re.compile(r"\s*[\"'“‘(\[]{0,3}(\S{1,40})")
_LOWER = re.compile(r"\s*[\"'“‘(\[]{0,3}[a-zà-ÿ]")
_PAIRS = {"(": ")", "[": "]", "“": "”", "「": "」"}
_MAX_ENCLOSED = 400
"""Characters within which a bracket has to be closed; one that is not is taken for a slip."""
_MATH = re.compile(r"\$\$[^$]{1,400}\$\$|\$(?!\s)[^$\n]{1,400}(?<!\s)\$(?!\d)|\\\([^\n]{1,400}?\\\)")
_ENUMERATION = re.compile(r"\(?[0-9]{1,2}|[ivxIVX]{1,4}")


def split(text: str) -> list[str]:
    """Return the sentences of a text in order, without the white space around them. The last may lack its end."""
    enclosed = _enclosed(text)
    sentences, start = [], 0
    for match in _END.finditer(text):
        if match.start() >= start and not enclosed[match.start()] and _is_end(text, start, match):
            sentences.append(text[start : match.end()])
            start = match.end()
    sentences.append(text[start:])
    return [stripped for sentence in sentences if (stripped := sentence.strip())]


def is_whole(sentence: str) -> bool:
    """Whether a sentence has its end."""
    stripped = sentence.strip()
    return _END.search(stripped, max(0, len(stripped) - 6)) is not None


def _is_end(text: str, start: int, match: re.Match[str]) -> bool:
    if _LOWER.match(text, match.end()):
        return False
    if text[match.start()] != "." or match[0].startswith("..."):
        return True
    found = _LAST_WORD.search(text, max(start, match.start() - 40), match.start())
    word = found[0] if found else ""
    following = _NEXT_WORD.match(text, match.end())
    next_word = following[1].casefold().rstrip(",:;") if following else ""
    lower = word.casefold()
    if lower in _ABBREVIATIONS:
        return not next_word
    if lower in _MAYBE_LAST or (len(word) == 1 and word.isupper()):
        return not next_word or next_word in _STARTERS
    is_number_of_item = not text[start : match.start()].strip().removesuffix(word)
    return not (is_number_of_item and _ENUMERATION.fullmatch(word))


def _enclosed(text: str) -> bytearray:
    """Return for each character whether it is in a formula or between brackets."""
    inside = bytearray(len(text) + 1)
    for match in _MATH.finditer(text):
        inside[match.start() : match.end()] = b"\1" * (match.end() - match.start())
    for opening, closing in _PAIRS.items():
        position = text.find(opening)
        while position >= 0:
            end = text.find(closing, position, position + _MAX_ENCLOSED)
            if end > position:
                inside[position:end] = b"\1" * (end - position)
            position = text.find(opening, max(end, position) + 1)
    return inside
