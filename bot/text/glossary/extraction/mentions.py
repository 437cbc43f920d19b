"""Extracts term mentions from a digest's text: the parentheses in 강화 학습(Reinforcement Learning; RL).

A mention keeps the words before the parenthesis and the parts in it; `spans` later finds where the term begins.
Mentions of papers are additive, so storage can add and remove them.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from bot.text.analysis import korean, stopwords, term_keys

MAX_CONTEXT_WORDS = 7
"""Words kept before a parenthesis."""

MAX_MENTIONS = 200
"""Upper bound per paper; a text with more is not worth mining."""

_PARENTHESES = re.compile(r"\(([^()\n]{2,90})\)")
_PHRASE_BREAKS = re.compile(r"[,.:;\"'“”‘’「」『』《》<>\[\](){}|!?~…]|\s[-–—]\s")
_SEPARATORS = re.compile(r"[;,]|\s+or\s+|\s*이하\s*|\s*또는\s*|\s+혹은\s+")
_LEAD_IN = re.compile(r"^(?:예\s*[:：)]|예를 들어|e\.?g\.?|i\.?e\.?|see|such as|참조)", re.IGNORECASE)
_ENGLISH = re.compile(r"[A-Za-z0-9À-ɏ][A-Za-z0-9À-ɏ\s\-–/&'’+.]*")
_LETTER = re.compile(r"[A-Za-zÀ-ɏ]{2}")
_DIGITS_FIRST = re.compile(r"[~<>+\-]?[0-9][0-9.,%]*\b")
_LATIN_WORD = re.compile(r"[A-Za-z0-9À-ɏ][A-Za-z0-9À-ɏ\-–/&'’+.]*")
_MAX_ENGLISH_WORDS = 8
_CAPITALS = re.compile(r"([A-Z]{3,6})s?(?![A-Za-z0-9\-])")
_WORD_CHARACTERS = frozenset("-" + string.ascii_letters + string.digits)
_LATIN_RUN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2,24}(?:[ \-][A-Za-z]{1,24}){2,11}(?![A-Za-z0-9])")


class Mention(NamedTuple):
    """One parenthesis: the words before it and its parts, "" for each missing part."""

    left_context: str
    english: str
    abbreviation: str
    korean: str


def extract_mentions(text: str) -> list[Mention]:
    """Return the distinct mentions of a text in order, at most `MAX_MENTIONS`. Takes linear time."""
    mentions: dict[Mention, None] = {}
    for line in unicodedata.normalize("NFKC", text).replace("*", "").replace("`", "").split("\n"):
        for match in _PARENTHESES.finditer(line):
            for mention in _parse_parenthesis(line[max(0, match.start() - 120) : match.start()], match[1]):
                mentions.setdefault(mention)
    explained_keys = {
        term_keys.abbreviation_key(text)
        for mention in mentions
        for text in (mention.abbreviation, mention.left_context.split()[-1])
    }
    for mention in _extract_initialisms(text):
        if mention.abbreviation not in explained_keys:
            mentions.setdefault(mention)
    return list(mentions)[:MAX_MENTIONS]


def _extract_initialisms(text: str) -> Iterator[Mention]:
    """Find abbreviations whose long form is in the same text, without parentheses.

    At least three letters, each the initial of a neighbouring word: such agreement is rarely chance.
    """
    # Checking the preceding letter after the match takes half the time of a lookbehind at every position.
    abbreviations = {
        match[1]
        for match in _CAPITALS.finditer(text)
        if text[match.start() - 1 : match.start()] not in _WORD_CHARACTERS
    }
    if not abbreviations:
        return
    for run in _LATIN_RUN.findall(text):
        words = re.split(r"[ \-]", run)
        content = [index for index, word in enumerate(words) if word.lower() not in stopwords.FUNCTION_WORDS]
        initials = "".join(words[index][0].upper() for index in content)
        for abbreviation in abbreviations:
            start = initials.find(abbreviation)
            if start >= 0:
                first, last = content[start], content[start + len(abbreviation) - 1]
                yield Mention(" ".join(words[first : last + 1]), "", abbreviation, "")


def _parse_parenthesis(preceding: str, content: str) -> Iterator[Mention]:
    left = _left_context(preceding)
    if not left or _LEAD_IN.match(content.strip()):
        return
    parts = _classify_parts(content)
    if parts is None:
        return
    english, abbreviation, korean_part = parts
    if korean.ends_in_hangul(left):
        if english or abbreviation:
            yield Mention(left, english, abbreviation, "")
        return
    latin = _latin_tail(left)
    if latin:
        yield Mention(latin, english, abbreviation, korean_part)


def _left_context(preceding: str) -> str:
    """Return the last words before a parenthesis, cut at the last punctuation that ends a phrase."""
    cut = 0
    for match in _PHRASE_BREAKS.finditer(preceding):
        # A point within a word (GPT-3.5) does not end a phrase.
        if match[0] == "." and preceding[match.end() : match.end() + 1].isalnum():
            continue
        cut = match.end()
    return " ".join(preceding[cut:].split()[-MAX_CONTEXT_WORDS:])


def _latin_tail(left: str) -> str:
    """Return the Latin words at the end of a context."""
    tail: list[str] = []
    for word in reversed(left.split()):
        if not _LATIN_WORD.fullmatch(word):
            break
        tail.append(word)
    return " ".join(reversed(tail))


@lru_cache(maxsize=1 << 12)
def _classify_parts(content: str) -> tuple[str, str, str] | None:
    """Return the English, abbreviation and Korean parts of a parenthesis; None if it holds anything else."""
    pieces = [piece.strip() for piece in _SEPARATORS.split(content) if piece.strip()]
    if not 1 <= len(pieces) <= 3:
        return None
    by_kind = {"english": "", "abbreviation": "", "korean": ""}
    for piece in pieces[:2]:
        kind = _classify_part(piece)
        if kind is None or by_kind[kind]:
            return None
        by_kind[kind] = piece
    if len(pieces) == 3 and not (by_kind["english"] and by_kind["abbreviation"]):
        return None
    return by_kind["english"], by_kind["abbreviation"], by_kind["korean"]


def _classify_part(piece: str) -> str | None:
    if term_keys.is_abbreviation(piece):
        return "abbreviation"
    if korean.has_hangul(piece):
        return "korean" if len(piece) <= 30 and len(piece.split()) <= 5 else None
    if not _ENGLISH.fullmatch(piece) or not _LETTER.search(piece) or _DIGITS_FIRST.match(piece):
        return None
    return "english" if len(piece.split()) <= _MAX_ENGLISH_WORDS else None
