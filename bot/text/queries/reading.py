"""Reads a question as a search does: without particles, verb endings and filler. Known terms stay whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.text.queries import endings, filler, lay_words

_MAX_WORDS = 24
_MAX_TERM_WORDS = 5

Known = Callable[[str], bool]


def read(text: str, is_term: Known, is_word: Known) -> str:
    """Return the words of a query that carry its topic; the text itself if it is a known term or nothing else is left.

    `is_term` tells of a text whether it is a form of a concept, `is_word` of a word whether it is known.
    """
    if is_term(text):
        return text
    words = [word for word in map(filler.trim, text.split()[:_MAX_WORDS]) if word]
    stripped = [_strip(word, is_word) for word in words]
    mask = filler.topic_mask(words, _find_terms(stripped, is_term))
    return " ".join(word for word, is_topic in zip(stripped, mask, strict=True) if is_topic) or text


def _strip(word: str, is_word: Known) -> str:
    """Return a word without its endings, unless it is filler or a lay word with them."""
    if filler.classify(word) or lay_words.find_terms(word):
        return word
    return endings.strip_query_word(word, lambda stem: is_word(stem) or bool(lay_words.find_terms(stem)))


def _find_terms(words: Sequence[str], is_term: Known) -> list[bool]:
    """Return for each word whether it is part of a known term of several words, the longest first."""
    found = [False] * len(words)
    is_function = [filler.classify(word) == "function" for word in words]
    start = 0
    while start < len(words):
        for end in range(min(len(words), start + _MAX_TERM_WORDS), start + 1, -1):
            term = " ".join(words[start:end])
            parts = list(range(start, end))
            if not (is_term(term) or lay_words.find_terms(term)):
                parts = _find_parts(words, is_function, parts)
            if parts:
                found = [is_part or number in parts for number, is_part in enumerate(found)]
                start = end - 1
                break
        start += 1
    return found


def _find_parts(words: Sequence[str], is_function: Sequence[bool], numbers: Sequence[int]) -> list[int]:
    """Return the words of a lay phrase that function words interrupt: 코드를 (자동으로) 고치는; none if they are no phrase."""
    parts = [number for number in numbers if not is_function[number]]
    is_interrupted = 1 < len(parts) < len(numbers) and parts[-1] == numbers[-1]
    if is_interrupted and lay_words.find_terms(" ".join(words[number] for number in parts)):
        return parts
    return []
