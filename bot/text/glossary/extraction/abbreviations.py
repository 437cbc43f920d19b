"""Finds the long form of an abbreviation: "proximal policy optimization" for PPO."""

from __future__ import annotations

import re

from bot.text.analysis import normalisation, stopwords, term_keys

_WORDS = re.compile(r"[^\W_]+")
_MAX_LONG_FORM_WORDS = 12


def long_form(text: str, abbreviation: str) -> str | None:
    """Return the shortest suffix of `text` that `abbreviation` can abbreviate, or None.

    Initials are tried on all suffixes before subsequences: otherwise "policy optimization" would win for PPO.
    """
    words = [(match.start(), normalisation.fold(match[0])) for match in _WORDS.finditer(text)][
        -_MAX_LONG_FORM_WORDS:
    ]
    letters = _letters(abbreviation)
    if len(letters) < 2:
        return None
    for matches in (_matches_initials, _matches_subsequence):
        for first in range(len(words) - 1, -1, -1):
            if words[first][1] in stopwords.FUNCTION_WORDS:
                continue
            if matches([word for _, word in words[first:]], letters):
                return text[words[first][0] :].strip()
    return None


def is_abbreviation_of(abbreviation: str, text: str) -> bool:
    """Tell whether an abbreviation can abbreviate the whole of a text."""
    words = [normalisation.fold(word) for word in _WORDS.findall(text)]
    letters = _letters(abbreviation)
    return len(letters) >= 2 and (_matches_initials(words, letters) or _matches_subsequence(words, letters))


def _letters(abbreviation: str) -> str:
    """Return the letters of an abbreviation, folded, without the plural s; 2 is read as "to"."""
    joined = "".join(_WORDS.findall(normalisation.fold(term_keys.abbreviation_key(abbreviation))))
    return re.sub(r"(?<=[a-z])2(?=[a-z])", "t", joined)


def _matches_initials(words: list[str], letters: str) -> bool:
    """Match words to letters: one initial each, a whole word with digits; function words are optional."""
    if not words:
        return not letters
    word, rest = words[0], words[1:]
    if letters and word[0] == letters[0] and _matches_initials(rest, letters[1:]):
        return True
    if len(word) <= 4 and any(map(str.isdigit, word)) and letters.startswith(word):
        return _matches_initials(rest, letters[len(word) :])
    return word in stopwords.FUNCTION_WORDS and _matches_initials(rest, letters)


def _matches_subsequence(words: list[str], letters: str) -> bool:
    """Tell whether the letters are a subsequence of the words, starting at the first and using every content word."""
    if not words or words[0][0] != letters[0] or len(words) > len(letters) + 2:
        return False
    reached = {0}
    for word in words:
        extended = {
            start + count
            for start in reached
            for count in range(1, _subsequence_length(word, letters[start:]) + 1)
        }
        reached = extended | reached if word in stopwords.FUNCTION_WORDS else extended
    return len(letters) in reached


def _subsequence_length(word: str, letters: str) -> int:
    """Return the length of the longest prefix of `letters` that is a subsequence of `word`."""
    matched = 0
    for character in word:
        if matched < len(letters) and character == letters[matched]:
            matched += 1
    return matched
