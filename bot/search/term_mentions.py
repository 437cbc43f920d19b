"""Extracts mentions of terms from texts, such as 강화 학습(Reinforcement Learning; RL), and names from titles.

`induction` learns terms from counted mentions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice, takewhile
from typing import NamedTuple

from bot.text import analyser, seed, term_keys, typography

MAX_CONTEXT_WORDS = 7
"""The number of words stored before a parenthesis."""

MAX_MENTIONS = 200
"""The maximum number per paper."""

_PARENTHESES = re.compile(r"\(([^()\n]{2,90})\)")
_PHRASE_BREAKS = re.compile(r"[,.:;\"'“”‘’「」『』《》<>\[\](){}|!?~…]|\s[-–—]\s")
_SEPARATORS = re.compile(r"[;,]|\s(?:or|혹은)\s|이하|또는")
_LEAD_IN = re.compile(r"^(?:예\s*[:：)]|예를 들어|e\.?g\.?|i\.?e\.?|see|such as|참조)", re.IGNORECASE)
_ENGLISH = re.compile(r"[A-Za-z0-9À-ɏ][A-Za-z0-9À-ɏ\s\-–/&'’+.]*")
_LETTER = re.compile(r"[A-Za-zÀ-ɏ]{2}")
_DIGITS_FIRST = re.compile(r"[~<>+\-]?[0-9][0-9.,%]*\b")
_LATIN_WORD = re.compile(r"[A-Za-z0-9À-ɏ][A-Za-z0-9À-ɏ\-–/&'’+.]*")
MAX_ENGLISH_WORDS = 8
"""In words. Longer English text in a parenthesis is not a term."""


class Mention(NamedTuple):
    """The words before a pair of brackets, and the terms in the brackets. Missing ones are ""."""

    left_context: str
    english: str
    abbreviation: str

    def definition(self) -> tuple[str, str]:
        """Return the abbreviation and long form that the mention defines, in either order; ("", "") if it defines none."""
        is_korean, last = analyser.ends_in_hangul(self.left_context), self.left_context.split()[-1]
        if self.abbreviation and (self.english or not is_korean):
            text = long_form(self.english or self.left_context, self.abbreviation)
            return (self.abbreviation, text) if text else ("", "")
        if (
            not is_korean
            and term_keys.is_abbreviation(last)
            and long_form(self.english, last) == self.english
        ):
            return last, self.english
        return "", ""


def extract_mentions(text: str) -> list[Mention]:
    """Return the distinct mentions in a text, in order, up to `MAX_MENTIONS`. Takes linear time."""
    text = typography.normalise("NFKC", text).replace("*", "").replace("`", "")
    mentions = (
        _parse_parenthesis(text[max(0, match.start() - 120) : match.start()].rpartition("\n")[2], match[1])
        for match in _PARENTHESES.finditer(text)
    )
    return list(islice(dict.fromkeys(mention for mention in mentions if mention), MAX_MENTIONS))


def _parse_parenthesis(preceding: str, content: str) -> Mention | None:
    parts = _classify_parts(content)
    left = "" if parts is None or _LEAD_IN.match(content.strip()) else _left_context(preceding)
    if parts is None or not left:
        return None
    if not analyser.ends_in_hangul(left):
        latin = takewhile(_LATIN_WORD.fullmatch, reversed(left.split()))
        left = " ".join(reversed(list(latin)))
    return Mention(left, *parts) if left else None


def _left_context(preceding: str) -> str:
    """Return the last words before a parenthesis, starting after the last punctuation that ends a phrase."""
    cut = 0
    for match in _PHRASE_BREAKS.finditer(preceding):
        # A dot inside a word (GPT-3.5) does not end a phrase.
        if match[0] == "." and preceding[match.end() : match.end() + 1].isalnum():
            continue
        cut = match.end()
    return " ".join(preceding[cut:].split()[-MAX_CONTEXT_WORDS:])


@lru_cache(maxsize=1 << 12)
def _classify_parts(content: str) -> tuple[str, str] | None:
    """Return the English term and the abbreviation in a parenthesis; None if it has neither, or other content."""
    pieces = [piece.strip() for piece in _SEPARATORS.split(content) if piece.strip()]
    short = [piece for piece in pieces if term_keys.is_abbreviation(piece)]
    long = [piece for piece in pieces if piece not in short and _is_english(piece)]
    others = [piece for piece in pieces if piece not in short and piece not in long]
    is_korean = len(others) == 1 and analyser.has_hangul(others[0])
    if not 1 <= len(pieces) <= 3 or len(short) > 1 or len(long) > 1 or (others and not is_korean):
        return None
    # With single spaces.
    return (" ".join("".join(long).split()), "".join(short)) if short or long else None


def _is_english(piece: str) -> bool:
    is_text = _ENGLISH.fullmatch(piece) and _LETTER.search(piece) and not _DIGITS_FIRST.match(piece)
    return bool(is_text) and len(piece.split()) <= MAX_ENGLISH_WORDS


# Long forms of abbreviations: "proximal policy optimization" for PPO.

_WORDS = re.compile(r"[^\W_]+")
_MAX_LONG_FORM_WORDS = 12


def long_form(text: str, abbreviation: str) -> str | None:
    """Return the shortest suffix of a text whose initials spell the abbreviation, or None."""
    words = [(match.start(), analyser.fold(match[0])) for match in _WORDS.finditer(text)][
        -_MAX_LONG_FORM_WORDS:
    ]
    letters = _letters(abbreviation)
    for first in range(len(words) - 1, -1, -1):
        rest = [word for _, word in words[first:]]
        if rest[0] not in analyser.FUNCTION_WORDS and _matches_initials(rest, letters):
            return text[words[first][0] :].strip()
    return None


def _letters(abbreviation: str) -> str:
    """Return an abbreviation's folded letters, without the s of a plural. A 2 between letters becomes t, for "to"."""
    joined = "".join(_WORDS.findall(analyser.fold(term_keys.abbreviation_key(abbreviation))))
    return re.sub(r"(?<=[a-z])2(?=[a-z])", "t", joined)


def _matches_initials(words: list[str], letters: str) -> bool:
    """Return whether the letters are the words' initials, skipping function words and keeping words with digits whole."""
    if not words:
        return not letters
    word, rest = words[0], words[1:]
    if letters and word[0] == letters[0] and _matches_initials(rest, letters[1:]):
        return True
    if len(word) <= 4 and any(map(str.isdigit, word)) and letters.startswith(word):
        return _matches_initials(rest, letters[len(word) :])
    return word in analyser.FUNCTION_WORDS and _matches_initials(rest, letters)


# Names of models and methods in titles.

_MAX_TITLE_LENGTH = 300
_NAME_HEAD_END = re.compile(r":| Technical Report| System Card")
_NAME_HEAD = re.compile(r"(?:The |Introducing )?([A-Za-z]+(?:[ -][A-Za-z]+)*)")
_NAME_WORD = re.compile(r"[A-Za-z]{3,}")
_MAX_HEAD_WORDS, _MAX_BARE_HEAD_WORDS = 4, 3
"""The maximum length of a name, in words, before a colon and in a title without a colon."""


def list_names(title: str) -> Iterator[str]:
    """Yield possible names in a title: the text before a colon, the first word, and words with inner capitals (LoRA)."""
    title = title[:_MAX_TITLE_LENGTH]
    before, *following = _NAME_HEAD_END.split(title, maxsplit=1)
    head = _NAME_HEAD.match(before)
    if head:
        others = seed.read_words("not_names.txt")
        yield from (word for word in _NAME_WORD.findall(head[1])[:1] if word.casefold() not in others)
    if head and len(before.split()) <= (_MAX_HEAD_WORDS if following else _MAX_BARE_HEAD_WORDS):
        yield head[1]
    yield from (word for word in _NAME_WORD.findall(title) if not word[1:].islower() and not word.islower())
