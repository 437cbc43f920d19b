"""The keys under which writings of one term fall together: English, Korean and abbreviations."""

from __future__ import annotations

import re
from functools import lru_cache

from bot.text.analysis import analyser, korean, normalisation, stopwords

_WORDS = re.compile(r"[^\W_]+(?:\.[0-9]+)*(?:\+\+|#)?")
_POSSESSIVE = re.compile(r"['’]s?(?=\W|$)")
_SEPARABLE_PREFIX = re.compile(r"^(self|multi)(?=[a-z]{3})")
_SEPARATORS = re.compile(r"[^\w]+|_+")
_CAPITALS = re.compile(r"[A-Z]")
_ABBREVIATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9&+.\-]*")
MAX_ABBREVIATION_LENGTH = 12


@lru_cache(maxsize=1 << 13)
def english_stems(text: str) -> tuple[str, ...]:
    """Return the stems of an English term, one for "pre-training", "pre training" and "pretraining"."""
    words = _WORDS.findall(_POSSESSIVE.sub("", normalisation.fold(text)))
    return tuple(map(analyser.stem, analyser.join_prefixes(words)))


def english_key(text: str) -> str:
    """Return the key of an English term: "Large-Language Models" and "large language model" have the same."""
    return " ".join(english_stems(text))


def content_words(key: str) -> list[str]:
    """Return the words of an English key that carry meaning: without "of", "the" and their like."""
    return [word for word in key.split() if word not in stopwords.FUNCTION_WORDS] or key.split()


def decompounded_words(key: str) -> list[str]:
    """Return the content words as Korean says them: "selfattention" is two there, and so are "multi" and its noun."""
    return [part for word in content_words(key) for part in _SEPARABLE_PREFIX.sub(r"\1 ", word).split()]


def term_key(text: str) -> str:
    """Return the key of a term in either language: the Korean key of a text with Hangul, else the English key."""
    return korean_key(text) if korean.has_hangul(text) else english_key(text)


def korean_key(text: str) -> str:
    """Return the key of a Korean term: without spaces, hyphens, middots, quotes and stars."""
    return _SEPARATORS.sub("", normalisation.fold(text))


def abbreviation_key(text: str) -> str:
    """Return the key of an abbreviation: its case is kept, a plural s is not ("LLMs" gives "LLM")."""
    text = text.strip()
    if text.endswith("s") and len(_CAPITALS.findall(text)) >= 2 and len(text) > 2:
        return text[:-1]
    return text


def is_abbreviation(text: str) -> bool:
    """Tell whether a text looks like an abbreviation: one short word with two capitals or more."""
    return (
        2 <= len(text) <= MAX_ABBREVIATION_LENGTH
        and len(_CAPITALS.findall(text)) >= 2
        and _ABBREVIATION.fullmatch(text) is not None
    )
