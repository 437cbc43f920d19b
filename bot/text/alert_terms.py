"""Alert terms: the terms by which an alert's keyword is retrieved for a paper, as in a percolator.

A keyword may match a text literally or in any variant. The terms that every such text must have are known for each of
these; the alert terms of a keyword are the most selective one of each, mostly the same one. Terms are stems, shingles
of two or three neighbouring Latin words ("lang_mod"), and CJK n-grams of up to six characters. `text/keywords` decides
whether a retrieved keyword matches.

A plain keyword, of one to six words of Latin letters and digits or one to twelve Hangul syllables, has exact keys instead:
strings that it and a text have in common if, and only if, it matches the text. Its keys are its literal form and its
variants; those of a text are all its phrases of this kind. So a plain keyword is matched by a look-up alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence, Set
from functools import lru_cache
from itertools import chain, pairwise, product, zip_longest
from operator import add

from bot.text import analyser, term_keys

ANY_TERM = "*"
"""The alert term of keywords whose variants share no term; every text has it."""

# The voiced marks and the middle dot of Kana stay within a run.
_KANA_SIGNS = "\u3097-\u309c\u30a0\u30fb"
CJK_CHARACTERS = f"{analyser.HANGUL}{analyser.HAN_KANA}{_KANA_SIGNS}"
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
_NOT_HANGUL = re.compile(f"[^{analyser.HANGUL}]+")
_SIGNS = re.compile(r"[.+#]")
_SHINGLE_LEFT_LENGTH, _SHINGLE_RIGHT_LENGTH = 4, 3
_LONG_NGRAMS = (4, 6)
"""Lengths of the CJK n-grams above three characters."""


def fold_fast(text: str) -> str:
    """Return a text folded for comparison with keywords, with a fast path where folding changes only the case."""
    return text.lower() if _CASE_FOLDING_ONLY.fullmatch(text) else analyser.fold(text)


def document_terms(folded: str, canonical: str) -> set[str]:
    """Return the alert terms of a text, given folded and canonical."""
    runs = _stems(folded)
    in_order, _, variants = canonical.rpartition("\n")
    words = in_order.split()
    terms = {ANY_TERM, *_shingles(runs), *_shingles(words)}
    latin = {word for word in (*runs, *words, *variants.split()) if not analyser.is_hangul(word)}
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
    stems, ngrams = _stems(folded), _cjk_ngrams(_SEPARATORS.sub("", folded))
    shingles = _shingles(stems)
    literal = {*_all_latin_terms(stems), *shingles, *ngrams}
    alternatives = [*([literal] if literal else []), *_variant_terms(keyword)]
    cross_word_terms = shingles | ngrams.difference(*map(_cjk_ngrams, folded.split()))
    return frozenset(
        max(terms, key=lambda token: (selectivity(token, cross_word_terms), token), default=ANY_TERM)
        for terms in alternatives
    )


def _variant_terms(keyword: str) -> Iterator[set[str]]:
    """Yield for each variant of a keyword the terms of every text that contains it."""
    if term_keys.compile_term(keyword).is_korean:
        for key in term_keys.korean_variants(keyword):
            words = [] if _has_partial_word(key) else _LATIN_TOKEN.findall(key)
            yield {*_all_latin_terms(words), *_cjk_ngrams(_CANONICAL_SEPARATORS.sub("", key))}
        return
    for sequence in term_keys.latin_variants(keyword):
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
        alone = (0.0, 1.0, 2.5, 6.0, 9.0, 11.0, 14.0)[len(token)]
        return alone + (token in cross_word_terms) * len(token) / 2
    if token == ANY_TERM:
        return 0.0
    return len(token) + 2.0 * token.count("_")


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


LITERAL, VARIANT = "=", "~"
"""Prefixes of exact keys: a phrase of the folded text, and of the canonical text."""

MAX_WORDS = 6
LONG_SYLLABLES, MAX_SYLLABLES = 4, 12
"""From four syllables on, a Korean keyword matches in any spacing."""

_LATIN_KEYWORD = re.compile(r"[a-z0-9]+(?:[ -][a-z0-9]+)*")
_KOREAN_KEYWORD = re.compile(f"[{analyser.SYLLABLES}]+(?: [{analyser.SYLLABLES}]+)*")
_LATIN_PHRASE = re.compile(f"{ALPHABETIC}+(?:[ -]{ALPHABETIC}+)*")
_JOINT = re.compile("([ -])")
_MARKED_RUN = re.compile(_KOREAN_KEYWORD.pattern.replace("]+", f"]+{analyser.PARTICLE_MARK}?"))
_MAX_MARKED = 8
_SYLLABLES = re.compile(f"[{analyser.SYLLABLES}]+")
_CANONICAL_PHRASE = re.compile(f"[^ \n{analyser.HANGUL}]+(?: [^ \n{analyser.HANGUL}]+)*")


def is_exact(term: str) -> bool:
    """Tell whether an alert term is an exact key: the alerts that have it match, without a comparison."""
    return term.startswith((LITERAL, VARIANT))


def is_beginning(term: str) -> bool:
    """Tell whether a term is an exact key of four syllables, with which longer ones may begin."""
    return len(term) == LONG_SYLLABLES + 1 and term[0] == LITERAL and analyser.is_syllables(term[1:])


@lru_cache(maxsize=1 << 12)
def keyword_keys(keyword: str) -> frozenset[str]:
    """Return the keys of a plain keyword: it matches exactly the texts that have one of them. Other keywords have none."""
    if _KOREAN_KEYWORD.fullmatch(keyword):
        return frozenset(_korean_keys(keyword)) if _is_plain_korean(keyword) else frozenset()
    folded = fold_fast(keyword)
    variants = term_keys.latin_variants(keyword)
    phrases = (folded, *variants)
    if not _LATIN_KEYWORD.fullmatch(folded) or any(len(phrase.split()) > MAX_WORDS for phrase in phrases):
        return frozenset()
    return frozenset((LITERAL + folded, *(VARIANT + variant for variant in variants)))


def _korean_keys(keyword: str) -> Iterator[str]:
    """Yield the keys of a plain Korean keyword: a short one of several words matches with or without their spaces."""
    *words, last = keyword.split(" ")
    key = "".join((*words, last))
    yield LITERAL + key
    yield from (VARIANT + variant for variant in term_keys.korean_variants(keyword) if variant != key)
    if words and len(key) < LONG_SYLLABLES:
        yield VARIANT + key
        for spaces in product(("", " "), repeat=len(words)):
            yield LITERAL + "".join(map(add, words, spaces)) + last


def _is_plain_korean(keyword: str) -> bool:
    """Tell whether all variants of a Korean keyword are short, and none overlaps itself in a text."""
    key = keyword.replace(" ", "")
    variants = term_keys.korean_variants(keyword)
    return (
        len(key) <= MAX_SYLLABLES
        and term_keys.korean_key(keyword) == key
        and key in variants
        and all(variant == key or _is_short(variant) for variant in variants)
        and not any(_overlaps_itself(variant) for variant in variants)
    )


def _is_short(variant: str) -> bool:
    """Tell whether a variant that differs from its keyword is among the keys of a text."""
    if analyser.is_syllables(variant):
        return 1 < len(variant) < LONG_SYLLABLES
    return analyser.PARTICLE_MARK in variant and len(variant) <= _MAX_MARKED


def _overlaps_itself(key: str) -> bool:
    return any(key.startswith(key[start:]) for start in range(1, len(key)))


def text_keys(folded: str, canonical: str) -> set[str]:
    """Return the exact keys of one field of a paper, given folded with single spaces, and canonical.

    Of more than four syllables it is only the first four, see `long_keys`.
    """
    literal = chain(_literal_phrases(folded), _korean_phrases(folded, canonical))
    keys = set(map(LITERAL.__add__, literal))
    keys.update(map(VARIANT.__add__, chain(_canonical_phrases(canonical), _short_variants(canonical))))
    return keys


def long_keys(folded: str, canonical: str, beginnings: Set[str]) -> set[str]:
    """Return the exact keys of four syllables or more of a field that begin with one of the keys `beginnings`."""
    keys: set[str] = set()
    for text in chain(_spaced_runs(folded), _SYLLABLES.findall(canonical)):
        for start in range(len(text) - LONG_SYLLABLES + 1):
            if LITERAL + text[start : start + LONG_SYLLABLES] in beginnings:
                keys.update(_beginnings(text[start : start + MAX_SYLLABLES]))
    for text in _word_starts(canonical):
        if LITERAL + text[:LONG_SYLLABLES] in beginnings:
            keys.update(_beginnings(text))
    return keys


def _beginnings(text: str) -> Iterator[str]:
    return (LITERAL + text[:end] for end in range(LONG_SYLLABLES, len(text) + 1))


def _literal_phrases(folded: str) -> set[str]:
    phrases: set[str] = set()
    for found in _LATIN_PHRASE.findall(folded):
        # Words at even places, the spaces and hyphens between them at odd ones.
        pieces = _JOINT.split(found)
        phrases.update(pieces[::2])
        for length in range(3, min(2 * MAX_WORDS, len(pieces) + 1), 2):
            phrases.update(map("".join, zip(*(pieces[start:] for start in range(length)), strict=False)))
    return phrases


def _canonical_phrases(canonical: str) -> set[str]:
    phrases: set[str] = set()
    for found in _CANONICAL_PHRASE.findall(canonical):
        words = found.split(" ")
        phrases.update(words)
        for length in range(2, min(MAX_WORDS, len(words)) + 1):
            phrases.update(map(" ".join, zip(*(words[start:] for start in range(length)), strict=False)))
    return phrases


def _korean_phrases(folded: str, canonical: str) -> set[str]:
    """Return the phrases of two to four syllables as which a plain keyword, or its beginning, may be in a text."""
    phrases = set(chain.from_iterable(_ngrams(run, LONG_SYLLABLES) for run in _spaced_runs(folded)))
    for word in _SYLLABLES.findall(folded):
        phrases.update(word, _ngrams(word, 2), _ngrams(word, 3))
    for word in _SYLLABLES.findall(canonical):
        phrases.update(word, _ngrams(word, 2), _ngrams(word, LONG_SYLLABLES))
    phrases.update(chain.from_iterable(map(_spaced_ngrams, _KOREAN_KEYWORD.findall(folded))))
    phrases.update(text[:LONG_SYLLABLES] for text in _word_starts(canonical) if len(text) >= LONG_SYLLABLES)
    return phrases | _three_syllables(canonical)


def _spaced_ngrams(run: str) -> Iterator[str]:
    """Yield the phrases of two or three syllables of a run that have a space within."""
    words = run.split(" ")
    for left, right, after in zip_longest(words, words[1:], words[2:], fillvalue=""):
        if right:
            yield f"{left[-1]} {right[0]}"
            yield f"{left[-2:]} {right[0]}"
            yield f"{left[-1]} {right[:2]}"
            if after and len(right) == 1:
                yield f"{left[-1]} {right} {after[0]}"


def _short_variants(canonical: str) -> Iterator[str]:
    """Yield the variants of keywords of several words that have two or three syllables, or a particle between words."""
    for text in _word_starts(canonical):
        yield text[:2]
        yield text[:3]
    for word in _SYLLABLES.findall(canonical):
        yield from _ngrams(word, 2)
        yield from _ngrams(word, 3)
    for match in _MARKED_RUN.finditer(canonical):
        words = match[0].split(" ")
        for number in range(_first_word(match), len(words) - 1):
            if analyser.PARTICLE_MARK in "".join(words[number:-1])[: _MAX_MARKED - 1]:
                text = "".join(words[number : number + _MAX_MARKED])[:_MAX_MARKED]
                yield from (text[:end] for end in range(3, len(text) + 1))


def _spaced_runs(folded: str) -> Iterator[str]:
    """Yield the Hangul of a folded text without the spaces within it: a long keyword matches anywhere in these."""
    return (found.replace(" ", "") for found in _KOREAN_KEYWORD.findall(folded))


def _word_starts(canonical: str) -> Iterator[str]:
    """Yield what begins with each word that further words follow: a variant matches across spaces only from there."""
    for match in _KOREAN_KEYWORD.finditer(canonical):
        words = match[0].split(" ")
        for number in range(_first_word(match), len(words) - 1):
            yield "".join(words[number : number + MAX_SYLLABLES])[:MAX_SYLLABLES]


def _first_word(match: re.Match[str]) -> int:
    """Return the number of the first word of a run that begins after a space, and not within another word."""
    return 0 if match.string[match.start() - 1] in " \n" else 1


def _three_syllables(canonical: str) -> set[str]:
    """Return the variants of three syllables: those that are somewhere in a text, and end somewhere where a noun may."""
    within: set[str] = set()
    ended: set[str] = set()
    repeated: set[str] = set()
    for match in _KOREAN_KEYWORD.finditer(canonical):
        words = match[0].split(" ")
        text, start = "".join(words), 0
        for number, word in enumerate(words):
            within.update(_ngrams(word, 3))
            if number >= _first_word(match):
                within.add(text[start : start + 3])
            ends = {text[max(end - 3, 0) : end] for end in _noun_ends(word, start + len(word))}
            ended |= ends
            repeated.update(key for key in ends if text.count(key) > 1)
            start += len(word)
    # Of a word that repeats itself the matcher sees the first ending only.
    return {
        key
        for key in within & ended
        if len(key) == 3 and (key not in repeated or _is_seen_to_end(key, canonical))
    }


def _is_seen_to_end(key: str, canonical: str) -> bool:
    endings = re.findall(f"{' ?'.join(key)}([{analyser.SYLLABLES}]*)", canonical)
    return any(not ending or analyser.is_particle(ending) for ending in endings)


def _noun_ends(word: str, end: int) -> Iterator[int]:
    """Yield where a noun may end in a word that ends at `end`: there, or before a particle."""
    yield end
    for length in (1, 2):
        if len(word) > length and analyser.is_particle(word[-length:]):
            yield end - length


def _ngrams(text: str, length: int) -> list[str]:
    return [text[start : start + length] for start in range(len(text) - length + 1)]
