"""Term keys: normal forms that are equal for all spellings of a term, in English and Korean and for abbreviations."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from bot.text.analysis import analyser, korean, normalisation, stopwords

_WORDS = re.compile(r"[^\W_]+(?:\.[0-9]+)*(?:\+\+|#)?")
_POSSESSIVE = re.compile(r"['’]s?(?=\W|$)")
_SEPARABLE_PREFIX = re.compile(r"^(self|multi)(?=[a-z]{3})")
_SEPARATORS = re.compile(r"[^\w]+|_+")
_CAPITALS = re.compile(r"[A-Z]")
_ABBREVIATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9&+.\-]*")
MAX_ABBREVIATION_LENGTH = 12
_JOINED_VERSION = re.compile(
    r"([A-Za-z]{2,})([0-9]+(?:\.[0-9]+)*)([A-Za-z]{2,})?|([A-Za-z]{2,})([0-9]+[A-Za-z])"
)
_CAMEL_CASE = re.compile(r"[A-Z][a-z]{2,}(?:[A-Z][a-z]{2,})+")
_CAMEL_CASE_PART = re.compile(r"[A-Z][a-z]+")
_MAX_JOINED_WORDS = 3


@lru_cache(maxsize=1 << 13)
def english_stems(text: str) -> tuple[str, ...]:
    """Return the stems of an English term; "pre-training", "pre training" and "pretraining" give the same."""
    words = _WORDS.findall(_POSSESSIVE.sub("", normalisation.fold(text)))
    return tuple(map(analyser.stem, analyser.join_prefixes(words)))


def english_key(text: str) -> str:
    """Return the key of an English term: the same for "Large-Language Models" and "large language model"."""
    return " ".join(english_stems(text))


def content_words(key: str) -> list[str]:
    """Return the content words of an English key: without "of", "the" and other function words."""
    return [word for word in key.split() if word not in stopwords.FUNCTION_WORDS] or key.split()


def decompounded_words(key: str) -> list[str]:
    """Return the content words as Korean splits them: "selfattention" and "multi…" are two words there."""
    return [part for word in content_words(key) for part in _SEPARABLE_PREFIX.sub(r"\1 ", word).split()]


def split_writing(word: str) -> str | None:
    """Return a joined name as words: Llama 3 of Llama3, Flash Attention of FlashAttention; None for other words."""
    if versioned := _JOINED_VERSION.fullmatch(word):
        name, number, rest, short_name, variant = versioned.groups()
        return (
            f"{short_name} {variant}"
            if short_name
            else f"{name}{number} {rest}"
            if rest
            else f"{name} {number}"
        )
    return " ".join(_CAMEL_CASE_PART.findall(word)) if _CAMEL_CASE.fullmatch(word) else None


def joined_writing(words: Sequence[str]) -> str | None:
    """Return two or three Latin words as the one word that a name may be made of them: flashattention."""
    if not 2 <= len(words) <= _MAX_JOINED_WORDS or not all(
        word.isascii() and word.isalpha() for word in words
    ):
        return None
    joined = "".join(words)
    return joined if len(joined) <= analyser.MAX_TOKEN_LENGTH else None


def term_key(text: str) -> str:
    """Return the key of a term in either language: the Korean key of a text with Hangul, else the English key."""
    return korean_key(text) if korean.has_hangul(text) else english_key(text)


@lru_cache(maxsize=1 << 12)
def korean_key(text: str) -> str:
    """Return the key of a Korean term: folded, without spaces, hyphens, middle dots, quotes and asterisks."""
    return _SEPARATORS.sub("", normalisation.fold(text))


def abbreviation_key(text: str) -> str:
    """Return the key of an abbreviation: its case is kept, a plural s is dropped ("LLMs" gives "LLM")."""
    text = text.strip()
    if text.endswith("s") and len(_CAPITALS.findall(text)) >= 2 and len(text) > 2:
        return text[:-1]
    return text


def is_abbreviation(text: str) -> bool:
    """Tell whether a text looks like an abbreviation: one short word with at least two capitals."""
    return (
        2 <= len(text) <= MAX_ABBREVIATION_LENGTH
        and len(_CAPITALS.findall(text)) >= 2
        and _ABBREVIATION.fullmatch(text) is not None
    )
