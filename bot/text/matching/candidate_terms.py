"""Candidate terms: the one term by which an alert's keyword is retrieved for a paper, as in a percolator.

A keyword may match a text literally or in any variant. The terms that every such text must have are known for each of
these; the trigger term is the most selective one that all of them share. Terms are stems, their prefixes ("fine*"),
shingles of neighbouring Latin words ("lang_mod", which one word also gives for each split of it), and CJK n-grams of
one to three characters. `keyword_match` decides whether a retrieved keyword matches.
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
"""The trigger term of keywords whose variants share no term; every text has it."""

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
_PREFIX_LENGTHS = (1, 2, 3, 4, 6)
_SHINGLE_LEFT_LENGTH, _SHINGLE_RIGHT_LENGTH = 4, 3


def fold_fast(text: str) -> str:
    """Return a text folded for comparison with keywords, with a fast path where folding changes only the case."""
    return text.lower() if _CASE_FOLDING_ONLY.fullmatch(text) else normalisation.fold(text)


def document_terms(folded: str, canonical: str) -> set[str]:
    """Return the candidate terms of a text, given folded and canonical."""
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


def trigger_term(keyword: str) -> str | None:
    """Return a term that every text has in which `keyword` matches; None for punctuation, which matches nothing."""
    folded = fold_fast(keyword)
    alternatives = [*_literal_terms(folded), *_variant_terms(keyword)]
    if not alternatives:
        return None
    cross_word_terms = _shingles(_stems(folded)) | _cross_word_ngrams(folded)
    shared = sorted(set.intersection(*alternatives))
    return max(shared, key=lambda token: selectivity(token, cross_word_terms), default=ANY_TERM)


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
    """Return the selectivity of a term: phrases above long words, words above their prefixes and splits."""
    if CJK_RUN.match(token):
        return (1.0, 2.5, 6.0)[len(token) - 1] + (token in cross_word_terms) * len(token) / 2
    if token in cross_word_terms:
        return len(token) + 2
    return len(token) - (1.5 if "_" in token or token[-1] == "*" else 0)


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
    parts = [word, *ALPHABETIC_WORD.findall(word)] if _SIGNS.search(word) else [word]
    return tuple(chain.from_iterable(map(_latin_part_terms, parts)))


def _latin_part_terms(word: str) -> Iterator[str]:
    yield word
    yield from (f"{word[:length]}*" for length in _PREFIX_LENGTHS if length <= len(word))
    yield from (_shingle(word[:split], word[split:]) for split in range(1, len(word)))


def _shingles(words: Sequence[str]) -> set[str]:
    return {_shingle(left, right) for left, right in pairwise(words) if left.isascii() and right.isascii()}


def _shingle(left: str, right: str) -> str:
    return f"{left[:_SHINGLE_LEFT_LENGTH]}_{right[:_SHINGLE_RIGHT_LENGTH]}"


def _cjk_ngrams(text: str) -> set[str]:
    """Return the n-grams of one to three characters of the CJK runs of a text without spaces and punctuation."""
    ngrams: set[str] = set()
    for run in CJK_RUN.findall(text):
        pairs = list(map(add, run, run[1:]))
        ngrams.update(run, pairs, map(add, pairs, run[2:]))
    return ngrams
