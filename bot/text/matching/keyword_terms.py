"""Alert terms: the terms by which an alert's keyword is retrieved for a paper, as in a percolator.

A keyword may match a text literally or in any variant. The terms that every such text must have are known for each of
these; the alert terms of a keyword are the most selective one of each, mostly the same one. Terms are stems, shingles
of two or three neighbouring Latin words ("lang_mod"), and CJK n-grams of up to six characters. `keyword_match` decides
whether a retrieved keyword matches.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, pairwise
from operator import add

from bot.text.analysis import analyser, korean, normalisation
from bot.text.matching import term_variants

ANY_TERM = "*"
"""The alert term of keywords whose variants share no term; every text has it."""

# The voiced marks and the middle dot of Kana stay within a run.
_KANA_SIGNS = "\u3097-\u309c\u30a0\u30fb"
CJK_CHARACTERS = f"{korean.HANGUL}{analyser.HAN_KANA}{_KANA_SIGNS}"
ALPHABETIC = rf"[^\W_{CJK_CHARACTERS}]"
ALPHABETIC_WORD = re.compile(f"{ALPHABETIC}+")
"""A word of a folded text in Latin or another script that separates words by spaces."""
CJK_RUN = re.compile(f"[{CJK_CHARACTERS}]+")

_SEPARATORS = re.compile(r"[\W_]+")
# A stripped particle stays a gap, which no variant crosses.
_CANONICAL_SEPARATORS = re.compile(rf"[^\w{analyser.PARTICLE_MARK}]+|_+")
_LATIN_TOKEN = re.compile(r"[a-z0-9.+#]+")
# Texts in which folding changes only the case.
_CASE_FOLDING_ONLY = re.compile(
    "[\x00-\x7f\u00b7\u00d7\u2010\u2013-\u2016\u2018\u2019\u201c-\u201e\u2022\u2190-\u2193\uac00-\ud7a3]*"
)
_NOT_HANGUL = re.compile(f"[^{korean.HANGUL}]+")
_SIGNS = re.compile(r"[.+#]")
_SHINGLE_LEFT_LENGTH, _SHINGLE_RIGHT_LENGTH = 4, 3
_LONG_NGRAMS = (4, 6)
"""Lengths of the CJK n-grams above three characters."""


def fold_fast(text: str) -> str:
    """Return a text folded for comparison with keywords, with a fast path where folding changes only the case."""
    return text.lower() if _CASE_FOLDING_ONLY.fullmatch(text) else normalisation.fold(text)


def document_terms(folded: str, canonical: str) -> set[str]:
    """Return the alert terms of a text, given folded and canonical."""
    runs = _stems(folded)
    in_order, _, variants = canonical.rpartition("\n")
    words = in_order.split()
    terms = {ANY_TERM, *_shingles(runs), *_shingles(words)}
    latin = {word for word in (*runs, *words, *variants.split()) if not korean.is_hangul(word)}
    terms.update(_all_latin_terms(latin))
    terms.update(_cjk_ngrams(_SEPARATORS.sub("", folded)))
    if not _CASE_FOLDING_ONLY.fullmatch(folded):
        # Folding may have changed the neighbours of a syllable.
        terms.update(_cjk_ngrams(_CANONICAL_SEPARATORS.sub("", canonical)))
    return terms


@lru_cache(maxsize=1 << 12)
def alert_terms(keyword: str) -> frozenset[str]:
    """Return terms of which every text has one in which `keyword` matches; none for punctuation, which matches nothing."""
    folded = fold_fast(keyword)
    alternatives = [*_literal_terms(folded), *_variant_terms(keyword)]
    cross_word_terms = _shingles(_stems(folded)) | _cross_word_ngrams(folded)
    return frozenset(
        max(terms, key=lambda token: (selectivity(token, cross_word_terms), token), default=ANY_TERM)
        for terms in alternatives
    )


def _literal_terms(folded: str) -> Iterator[set[str]]:
    """Yield the terms of every text that contains a keyword literally."""
    stems = _stems(folded)
    terms = {*_all_latin_terms(stems), *_shingles(stems), *_cjk_ngrams(_SEPARATORS.sub("", folded))}
    if terms:
        yield terms


def _variant_terms(keyword: str) -> Iterator[set[str]]:
    """Yield for each variant of a keyword the terms of every text that contains it."""
    if term_variants.compile_term(keyword).is_korean:
        for key in term_variants.korean_variants(keyword):
            words = [] if _has_partial_word(key) else _LATIN_TOKEN.findall(key)
            yield {*_all_latin_terms(words), *_cjk_ngrams(_CANONICAL_SEPARATORS.sub("", key))}
        return
    for sequence in term_variants.latin_variants(keyword):
        words = sequence.split()
        yield {
            *_all_latin_terms(words),
            *_shingles(words),
            *_cjk_ngrams(_CANONICAL_SEPARATORS.sub("", sequence)),
        }


def _has_partial_word(key: str) -> bool:
    """Tell whether a Korean variant holds letters that may match a part of a word."""
    return any(not _LATIN_TOKEN.fullmatch(unit) for unit in _NOT_HANGUL.findall(key))


def selectivity(token: str, cross_word_terms: Collection[str] = ()) -> float:
    """Return the selectivity of a term: phrases above long words, terms of several words above those of one."""
    if CJK_RUN.match(token):
        return (0.0, 1.0, 2.5, 6.0, 9.0, 11.0, 14.0)[len(token)] + (token in cross_word_terms) * len(
            token
        ) / 2
    if token == ANY_TERM:
        return 0.0
    return len(token) + 2.0 * token.count("_")


def _cross_word_ngrams(folded: str) -> set[str]:
    return _cjk_ngrams(_SEPARATORS.sub("", folded)).difference(*map(_cjk_ngrams, folded.split()))


def _stems(folded: str) -> list[str]:
    return list(chain.from_iterable(map(_stem_run, ALPHABETIC_WORD.findall(folded))))


@lru_cache(maxsize=1 << 14)
def _stem_run(run: str) -> tuple[str, ...]:
    run = run[: analyser.MAX_TOKEN_LENGTH]
    return tuple(analyser.stemmed_words(run)) or (run,)


def _all_latin_terms(words: Iterable[str]) -> Iterator[str]:
    return chain.from_iterable(map(_latin_terms, words))


@lru_cache(maxsize=1 << 12)
def _latin_terms(word: str) -> tuple[str, ...]:
    """Return the terms of one Latin word; none for other scripts."""
    if CJK_RUN.search(word):
        return ()
    return (word, *ALPHABETIC_WORD.findall(word)) if _SIGNS.search(word) else (word,)


def _shingles(words: Sequence[str]) -> set[str]:
    pairs = {_shingle(pair) for pair in pairwise(words) if all(map(str.isascii, pair))}
    triples = zip(words, words[1:], words[2:], strict=False)
    return pairs | {_shingle(triple) for triple in triples if all(map(str.isascii, triple))}


def _shingle(words: Sequence[str]) -> str:
    return "_".join((words[0][:_SHINGLE_LEFT_LENGTH], *(word[:_SHINGLE_RIGHT_LENGTH] for word in words[1:])))


def _cjk_ngrams(text: str) -> set[str]:
    """Return the n-grams of up to six characters of the CJK runs of a text without spaces and punctuation."""
    ngrams: set[str] = set()
    for run in CJK_RUN.findall(text):
        pairs = list(map(add, run, run[1:]))
        ngrams.update(run, pairs, map(add, pairs, run[2:]))
        for length in _LONG_NGRAMS:
            ngrams.update(run[start : start + length] for start in range(len(run) - length + 1))
    return ngrams
