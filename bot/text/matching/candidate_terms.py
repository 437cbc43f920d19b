"""The one token by which an alert's keyword is found among thousands of others. It decides nothing: `keywords` does.

A keyword may stand in a text as typed or in any writing of its form. For each of these there are tokens that a text
with it surely gives; the keyword's anchor is the most telling one that all of them share. Tokens are stems, their
beginnings ("fine*"), links between neighbouring Latin words ("lang_mod"), which one word gives for each place where
it may be joined, and one to three syllables of Korean.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, pairwise
from operator import add

from bot.text.analysis import analyser, bounded_cache, korean, normalisation
from bot.text.matching import term_variants

EVERYWHERE = "*"
"""The anchor of keywords whose writings share nothing; every text has it."""

CJK = "\u3005-\u3007\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
ANYWHERE = f"{korean.HANGUL}{CJK}"
LETTER = rf"[^\W_{ANYWHERE}]"
LETTERS = re.compile(f"{LETTER}+")
"""A Latin word of a folded text, or one of another script with spaces between words."""
SYLLABLES = re.compile(f"[{ANYWHERE}]+")

_GAPS = re.compile(r"[\W_]+")
# What was a particle stays a gap: a form is never found across it.
_CANONICAL_GAPS = re.compile(rf"[^\w{analyser.CUT}]+|_+")
_WHOLE_WORD = re.compile(r"[a-z0-9.+#]+")
# Texts of which folding changes only the case.
_PLAIN = re.compile(
    "[\x00-\x7f\u00b7\u00d7\u2010\u2013-\u2016\u2018\u2019\u201c-\u201e\u2022\u2190-\u2193\uac00-\ud7a3]*"
)
_NOT_HANGUL = re.compile(f"[^{korean.HANGUL}]+")
_SIGNS = re.compile(r"[.+#]")
_BEGINNINGS = (1, 2, 3, 4, 6)
_HEAD, _TAIL = 4, 3
_MOST_STEMS = 1 << 13
_MOST_MARKS = 1 << 11


def fold(text: str) -> str:
    """Return a text folded, as keywords are compared: quickly where folding changes only the case."""
    return text.lower() if _PLAIN.fullmatch(text) else normalisation.fold(text)


def of_text(folded: str, canonical: str) -> set[str]:
    """Return the tokens by which keywords that may match are found: of a text folded, and of its canonical one."""
    runs = _stems(folded)
    in_order, _, loose = canonical.rpartition("\n")
    words = in_order.split()
    found = {EVERYWHERE, *_links(runs), *_links(words)}
    latin = {word for word in (*runs, *words, *loose.split()) if not korean.is_hangul(word)}
    found.update(_marks_of_all(latin))
    found.update(_syllables(_GAPS.sub("", folded)))
    if not _PLAIN.fullmatch(folded):
        # Folding may have changed what stands beside a syllable.
        found.update(_syllables(_CANONICAL_GAPS.sub("", canonical)))
    return found


def of_keyword(keyword: str) -> str | None:
    """Return a token that every text has in which `keyword` matches; None for signs only, which match nothing."""
    folded = fold(keyword)
    sure = [*_sure_as_typed(folded), *_sure_in_forms(keyword)]
    if not sure:
        return None
    over_words = _links(_stems(folded)) | _syllables_over_words(folded)
    shared = sorted(set.intersection(*sure))
    return max(shared, key=lambda token: _weight(token, over_words), default=EVERYWHERE)


def _sure_as_typed(folded: str) -> Iterator[set[str]]:
    """Give the tokens of every text in which a keyword stands as typed."""
    stems = _stems(folded)
    found = {*_marks_of_all(stems), *_links(stems), *_syllables(_GAPS.sub("", folded))}
    if found:
        yield found


def _sure_in_forms(keyword: str) -> Iterator[set[str]]:
    """Give for each writing of a keyword's form the tokens of every text in which it stands."""
    if term_variants.form(keyword).is_korean:
        for key in term_variants.korean_keys(keyword):
            words = [] if _is_odd(key) else _WHOLE_WORD.findall(key)
            yield {*_marks_of_all(words), *_syllables(_CANONICAL_GAPS.sub("", key))}
        return
    for sequence in term_variants.latin_sequences(keyword):
        words = sequence.split()
        yield {*_marks_of_all(words), *_links(words), *_syllables(_CANONICAL_GAPS.sub("", sequence))}


def _is_odd(key: str) -> bool:
    """Tell whether a Korean form holds letters that need not be a whole word where it is found."""
    return any(not _WHOLE_WORD.fullmatch(unit) for unit in _NOT_HANGUL.findall(key))


def _weight(token: str, over_words: set[str]) -> float:
    """Return how telling a token is: a phrase's more than a long word's, a word's more than those of parts of it."""
    if SYLLABLES.match(token):
        return (1.0, 2.5, 6.0)[len(token) - 1] + (token in over_words) * len(token) / 2
    if token in over_words:
        return len(token) + 2
    return len(token) - (1.5 if "_" in token or token[-1] == "*" else 0)


def _syllables_over_words(folded: str) -> set[str]:
    return _syllables(_GAPS.sub("", folded)).difference(*map(_syllables, folded.split()))


def _stems(folded: str) -> list[str]:
    return list(chain.from_iterable(map(_run_stems().__getitem__, LETTERS.findall(folded))))


def _stems_of_run(run: str) -> tuple[str, ...]:
    run = run[: analyser.MAX_TOKEN]
    return tuple(analyser.words(run)) or (run,)


def _marks_of_all(words: Iterable[str]) -> Iterator[str]:
    return chain.from_iterable(map(_marks().__getitem__, words))


def _marks_of(word: str) -> tuple[str, ...]:
    """Return the tokens of one Latin word; of others none."""
    if SYLLABLES.search(word):
        return ()
    parts = [word, *LETTERS.findall(word)] if _SIGNS.search(word) else [word]
    return tuple(chain.from_iterable(map(_marks_of_part, parts)))


def _marks_of_part(word: str) -> Iterator[str]:
    yield word
    yield from (f"{word[:length]}*" for length in _BEGINNINGS if length <= len(word))
    yield from (_link(word[:place], word[place:]) for place in range(1, len(word)))


def _links(words: Sequence[str]) -> set[str]:
    return {_link(left, right) for left, right in pairwise(words) if left.isascii() and right.isascii()}


def _link(left: str, right: str) -> str:
    return f"{left[:_HEAD]}_{right[:_TAIL]}"


def _syllables(closed_up: str) -> set[str]:
    """Return the syllables of a text without its spaces and signs: singly, in pairs and in threes."""
    found: set[str] = set()
    for run in SYLLABLES.findall(closed_up):
        pairs = list(map(add, run, run[1:]))
        found.update(run, pairs, map(add, pairs, run[2:]))
    return found


@lru_cache(maxsize=1)
def _run_stems() -> bounded_cache.Memo[tuple[str, ...]]:
    return bounded_cache.Memo(_stems_of_run, _MOST_STEMS)


@lru_cache(maxsize=1)
def _marks() -> bounded_cache.Memo[tuple[str, ...]]:
    return bounded_cache.Memo(_marks_of, _MOST_MARKS)
