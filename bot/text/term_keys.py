"""Term keys: equal for all spellings of a term, an abbreviation or a name.

The head of a title may be a name ("Llama 2" in "Llama 2: Open Foundation …"). The key of a name has no spaces, so SAM 2,
SAM-2 and sam2 are one name. Names are read from canonical titles (see the analyser), in which two spaces mark punctuation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from bot.text import analyser

_POSSESSIVE = re.compile(r"['’]s?(?=\W|$)")
_ABBREVIATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9&+.\-]*")
MAX_ABBREVIATION_LENGTH = 12
_JOINTS = re.compile(
    r"(?<=[A-Za-z]{2})(?=[0-9][0-9.]*[A-Za-z]?$)|(?<=[0-9])(?=[A-Za-z]{2,}$)|(?<=[a-z]{3})(?=[A-Z][a-z]{2})"
)


_TWO = re.compile(r"(?<=[A-Za-z]{2})2(?=[A-Za-z]{2})")


def write_to(text: str) -> str:
    """Return a text with *to* for the 2 of *text2SQL*."""
    return _TWO.sub(" to ", text) if "2" in text else text


def english_stems(text: str) -> tuple[str, ...]:
    """Return the stems of an English term, the same for "pre-training", "pre training" and "pretraining"."""
    text = write_to(text)
    folded = analyser.fold(text).replace("-", " ")
    # Most terms are plain words, which need no pattern.
    is_plain = folded.isascii() and folded.replace(" ", "").isalnum()
    words = folded.split() if is_plain else analyser.list_words(_POSSESSIVE.sub("", text.replace("-", " ")))
    return tuple(map(analyser.stem, analyser.join_prefixes(words)))


@analyser.remembered(1 << 13)
def english_key(text: str) -> str:
    """Return an English term's key, the same for "Large-Language Models" and "large language model"."""
    return " ".join(english_stems(text))


def content_words(key: str) -> list[str]:
    """Return the words of an English key except function words such as "of", or all words if none would remain."""
    return [word for word in key.split() if word not in analyser.FUNCTION_WORDS] or key.split()


def split_writing(word: str) -> str | None:
    """Split a joined name into words: Llama 3 for Llama3, Flash Attention for FlashAttention; None for other words."""
    split = _JOINTS.sub(" ", word)
    return split if split != word else None


def term_key(text: str) -> str:
    """Return the Korean key of a term that contains Hangul, otherwise its English key."""
    return korean_key(text) if analyser.has_hangul(text) else english_key(text)


@analyser.remembered(1 << 13)
def korean_key(text: str) -> str:
    """Return a Korean term's key: folded, without spaces and punctuation."""
    return "".join(filter(str.isalnum, analyser.fold(text)))


def abbreviation_key(text: str) -> str:
    """Return an abbreviation's key: LLM for LLMs. Case matters."""
    text = text.strip()
    if text.endswith("s") and _count_capitals(text) >= 2:
        return text[:-1]
    return text


def _count_capitals(text: str) -> int:
    return sum("A" <= letter <= "Z" for letter in text)


def is_abbreviation(text: str) -> bool:
    """Return whether a text looks like an abbreviation: one short word with at least two capitals."""
    return (
        2 <= len(text) <= MAX_ABBREVIATION_LENGTH
        and _count_capitals(text) >= 2
        and _ABBREVIATION.fullmatch(text) is not None
    )


_MAX_NAME_WORDS = 6
_MAX_NAME_LENGTH = 40
_OPENERS = frozenset(("the", "a", "an", "introduc", "announc", "present", "meet"))
_CLOSER_LIST = "technic report|system card|model card|기술 보고서|paper|논문"
_CLOSERS = [tuple(closer.split()) for closer in _CLOSER_LIST.split("|")]
"""Words at the end of a title, or of a query for a title, that do not belong to the name."""
_LETTERS_THEN_DIGITS = re.compile(r"([a-z]{2,}?)(v?\d[a-z0-9.]*)")
_WORD = re.compile(r"[^\W_]+(?:\.\d+)*")
_SYMBOLS = {
    "squared": "2",
    "제곱": "2",
    "cubed": "3",
    "plus plus": "++",
    "two": "2",
    "three": "3",
    "four": "4",
}
_SPOKEN = re.compile(rf"(?<=\w)\s?((?a:{'|'.join(_SYMBOLS)}))\b", re.IGNORECASE)
"""Spoken symbols in names: transformer squared is Transformer^2, llama three Llama 3."""
_VERSION = re.compile(r"[a-z]?\d[\d.]*[a-z]{0,2}")


def full_names(title: str) -> list[str]:
    """Return the keys of the name before a title's colon, with and without its version; [] if it is not a name."""
    pieces = _head_pieces(title)
    if not pieces or len(pieces) > _MAX_NAME_WORDS:
        return []
    names = {"".join(pieces): None, "".join(_without_version(pieces)): None}
    return [name for name in names if 1 < len(name) <= _MAX_NAME_LENGTH]


def leading_names(title: str) -> list[str]:
    """Return the keys of names that a title may begin with: its first word, alone and with a version."""
    pieces = _head_pieces(title)
    has_version = len(pieces) > 1 and _VERSION.fullmatch(pieces[1]) is not None
    names = ["".join(pieces[:1]), *(["".join(pieces[:2])] if has_version else [])]
    return [name for name in names if 1 < len(name) <= _MAX_NAME_LENGTH]


@lru_cache(maxsize=1 << 10)
def query_names(text: str) -> frozenset[str]:
    """Return the keys of a typed name, including its words joined, so that "flash attention" finds "FlashAttention"."""
    text = text[: 2 * _MAX_NAME_LENGTH]
    written = _SPOKEN.sub(lambda spoken: _SYMBOLS[spoken[1].lower()], text)
    return _keys_of_name(text) if written == text else _keys_of_name(text) | _keys_of_name(written)


def _keys_of_name(text: str) -> frozenset[str]:
    keys = ["".join(_split_versions(trim_title(analyser.stemmed_words(text))))]
    words = trim_title(_WORD.findall(analyser.fold(text)))
    if len(words) > 1:
        keys.append("".join(_split_versions([analyser.stem("".join(words))])))
    return frozenset(key for key in keys if 1 < len(key) <= _MAX_NAME_LENGTH)


@lru_cache(maxsize=1 << 10)
def _head_pieces(title: str) -> tuple[str, ...]:
    """Return the words of a title's head with versions split off: qwen and 2.5 for qwen2.5."""
    head, _, _ = title.partition("\n")[0].strip().partition("  ")
    words = [word.removesuffix(analyser.PARTICLE_MARK) for word in head.split()]
    return tuple(_split_versions(trim_title(words)))


def trim_title(words: list[str]) -> list[str]:
    """Strip words that do not belong to a name from both ends of a title or query."""
    stems, start, end = tuple(map(analyser.stem, words)), 0, len(words)
    while end - start > 1 and stems[start] in _OPENERS:
        start += 1
    for closer in _CLOSERS:
        if len(closer) < end - start and closer == stems[end - len(closer) : end]:
            end -= len(closer)
    return words[start:end]


def is_closer(words: Sequence[str]) -> bool:
    """Return whether words merely name a kind of document, such as a technical report or a system card."""
    return tuple(analyser.stem(word.lower()) for word in words) in _CLOSERS


def _split_versions(words: Iterable[str]) -> list[str]:
    return [piece for word in words for piece in _split_version(word)]


@analyser.remembered(1 << 13)
def _split_version(word: str) -> tuple[str, ...]:
    """Split a version off a name and stem the name as a separate word: qwen and 2.5 for qwen2.5."""
    versioned = _LETTERS_THEN_DIGITS.fullmatch(word)
    return (analyser.stem(versioned[1]), versioned[2]) if versioned else (word,)


def _without_version(pieces: Sequence[str]) -> Sequence[str]:
    end = len(pieces)
    while end and _VERSION.fullmatch(pieces[end - 1]):
        end -= 1
    return pieces[:end]


# Spelling variants of terms in canonical texts (see the analyser).


def latin_variants(text: str) -> list[str]:
    """Return a term's spelling variants in canonical texts: as written, with spaces for hyphens, and joined."""
    words = analyser.stemmed_words(text)
    unhyphenated = analyser.stemmed_words(text.replace("-", " ")) if "-" in text else words
    variants = [" ".join(words), " ".join(unhyphenated), "2".join(" ".join(unhyphenated).split(" to "))]
    if not analyser.has_hangul(text):
        variants.append(english_key(text))
    written = text.replace("-", " ").split()
    if 1 < len(written) <= 3:
        # A joined word and its last part may have different stems: flashattention.
        joined = analyser.stemmed_words("".join(written))
        variants += ["".join(unhyphenated), *(joined if len(joined) == 1 else ())]
    return [variant for variant in dict.fromkeys(variants) if variant]
