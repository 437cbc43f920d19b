"""The keys under which writings of one term fall together: English, Korean and abbreviations."""

from __future__ import annotations

import re
from functools import lru_cache

from bot.text.analysis import analyser, normalisation

FUNCTION_WORDS = frozenset(
    (
        "of",
        "the",
        "a",
        "an",
        "and",
        "or",
        "for",
        "in",
        "to",
        "with",
        "on",
        "by",
        "via",
        "as",
        "from",
        "at",
        "is",
        "into",
    )
)
_WORDS = re.compile(r"[^\W_]+(?:\.[0-9]+)*(?:\+\+|#)?")
_POSSESSIVE = re.compile(r"['’]s?(?=\W|$)")
_SEPARABLE_PREFIX = re.compile(r"^(self|multi)(?=[a-z]{3})")
_SEPARATORS = re.compile(r"[^\w]+|_+")
_CAPITALS = re.compile(r"[A-Z]")
MAX_ABBREVIATION_LENGTH = 12


@lru_cache(maxsize=1 << 13)
def english_stems(text: str) -> tuple[str, ...]:
    """Return the stems of an English term, one for "pre-training", "pre training" and "pretraining"."""
    words: list[str] = []
    for word in _WORDS.findall(_POSSESSIVE.sub("", normalisation.fold(text))):
        before = words[-1] if words else ""
        if before in analyser.PREFIXES or (before == "fine" and word.startswith("tun")):
            words[-1] = before + word
        else:
            words.append(word)
    return tuple(map(analyser.stem, words))


def english_key(text: str) -> str:
    """Return the key of an English term: "Large-Language Models" and "large language model" have the same."""
    return " ".join(english_stems(text))


def content_words(key: str) -> list[str]:
    """Return the words of an English key that carry meaning: without "of", "the" and their like."""
    return [word for word in key.split() if word not in FUNCTION_WORDS] or key.split()


def decompounded_words(key: str) -> list[str]:
    """Return the content words as Korean says them: "selfattention" is two there, and so are "multi" and its noun."""
    return [part for word in content_words(key) for part in _SEPARABLE_PREFIX.sub(r"\1 ", word).split()]


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


_ABBREVIATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9&+.\-]*")
_HANGUL = re.compile("[가-힣]")


def has_hangul(text: str) -> bool:
    """Tell whether a text holds a Hangul syllable."""
    return _HANGUL.search(text) is not None
