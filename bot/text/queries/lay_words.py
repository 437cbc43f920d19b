"""Lay words: everyday words for a topic that papers call by another name (lie for hallucination, 옷 for garment)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from importlib import resources

from bot.text.analysis import korean, term_keys
from bot.text.queries import conjugation, endings

MAX_WORDS = 4
"""Words of the longest lay phrase."""


def find_terms(text: str) -> tuple[str, ...]:
    """Return the terms by which papers call what a word or a phrase of everyday language means; () for any other."""
    key, noun = _key(text), korean.monosyllabic_noun(text)
    table = _key_terms(text[:1].casefold())
    # The analyser leaves some particles on, as in 같은 인물이.
    return table.get(key) or table.get(noun or endings.strip_query_word(key, table.__contains__), ())


@lru_cache(maxsize=1 << 9)
def _key_terms(first: str) -> dict[str, tuple[str, ...]]:
    """Return the terms by the keys of the lay words that begin with a letter: stemming all of them takes some 30 ms."""
    rows = _load_table().get(first, ())
    return {_key(form): terms for word, terms in reversed(rows) for form in _written_forms(word)}


@lru_cache(maxsize=1)
def _load_table() -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    """Return each lay word with its terms, by the first letter of the word."""
    table: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for words, terms in load_rows():
        for word in words:
            table.setdefault(word[0].casefold(), []).append((word, terms))
    return table


def load_rows() -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return the lay words of each row of the packaged table with their terms; Korean verbs are in their dictionary form."""
    text = resources.files(__package__).joinpath("lay_words.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines())
    return [(tuple(words.split("|")), tuple(terms.split("|"))) for words, terms in rows]


def _written_forms(word: str) -> Iterable[str]:
    """Return a lay word, or the forms of a Korean verb in its dictionary form: of 고치다 고치는, 고쳐주는 and others."""
    return conjugation.conjugate(word) if word.endswith("다") else (word,)


def _key(text: str) -> str:
    """Return the key of a word or phrase: of Latin words their stems, of Korean ones their letters without particles."""
    if not korean.has_hangul(text):
        return term_keys.english_key(text)
    return "".join(korean.strip_term(term_keys.korean_key(word)) for word in text.split())
