"""The analyser: cuts text into the tokens shared by indexing, search, alerts and autocomplete.

Words are folded and stemmed (Latin) or stripped of particles (Hangul). Index tokens are the same words in order,
with runs of Hangul, Han and Kana as overlapping bigrams, so that a phrase is a sequence of neighbouring tokens. They are
followed by unordered variants for single-word matches: joined forms (gpt-4o also as gpt4o) and parts (gpt4o also as gpt).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import Stemmer

from bot.text.analysis import korean, normalisation

MAX_TOKEN_LENGTH = 40
"""Characters; longer words are truncated."""

HAN_KANA = (
    "\u3005-\u3007\u3041-\u3096\u309d-\u309f"
    "\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufa6d\ufa70-\ufad9"
)
"""Han and Kana letters as part of a regular expression's class; code points without a letter are none."""
_LETTER = rf"[^\W_{korean.HANGUL}{HAN_KANA}]"
# 3.1 and qwen2.5 stay whole, c++ and c# keep their punctuation.
_WORD = rf"{_LETTER}{{1,64}}(?:(?<=[0-9])\.[0-9]{{1,8}}){{0,4}}(?:\+\+|#)?"
_COMPOUND_JOINER = "[-‐‑'’_]"
# The bounds limit the size of cache entries; longer runs are split.
_RUNS = re.compile(
    rf"[{korean.HANGUL}]{{1,64}}|{_WORD}(?:{_COMPOUND_JOINER}{_WORD}){{0,7}}|[{HAN_KANA}]{{1,64}}"
)
# No phrase crosses this punctuation: "텍스트, 이미지" is not "텍스트-이미지".
_BREAKS = r"[,;:.!?()\[\]/|·]"
_LINE_ENDS = re.compile("[\n\r\u2028\u2029]\\s*")
# Precedes each variant while a canonical text is assembled.
_VARIANT_MARK = "\x00"
_MAX_CACHED_LENGTH = 64
"""Characters of a chunk worth caching: longer ones, as in text without spaces, hardly repeat."""
_COMPOUND_SPLIT = re.compile(_COMPOUND_JOINER)
_LETTERS_THEN_DIGITS = re.compile(r"([a-z]{2,})([0-9][a-z0-9.]*)")
_PLURAL_ACRONYM = re.compile(r"[A-Z]+[A-Za-z0-9]*[A-Z][a-z0-9]?s")
_VOWELS = frozenset("aeiouy")
_DERIVATIONAL_SUFFIXES = ("er", "or", "ive", "ness", "ity", "able", "ible")
"""Suffixes of agents and qualities, which the stemmer would reduce to the verb or the noun."""
_MIN_DERIVED_LENGTH = 6
_NO_CACHE = 0
# Verbs in -ize and their nouns, in American and British spelling; supervise and promise are none.
_VERB_IN_IZE = re.compile(
    r"([a-z]{3,}i)z(?:e[ds]?|ing|ations?)|([a-z]{3,}i)sations?|([a-z]{2,}(?:al|an|ar|en|er|il|im|on)i)s(?:e[ds]?|ing)"
)
# Plain letters for both FTS5 (Unicode 6.1, 2012) and PostgreSQL literals.
_SAFE_TOKEN = re.compile(rf"[a-z0-9+#.\u00df-\u024f\u0370-\u03ff\u0430-\u045f{korean.HANGUL}{HAN_KANA}]+")

PREFIXES = frozenset(
    ("pre", "post", "multi", "self", "auto", "non", "semi", "co", "re", "super", "hyper", "meta")
)
"""Prefixes that are joined to the next word, because all three spellings occur: joined, hyphenated and apart."""

PARTICLE_MARK = "~"
"""Replaces a stripped particle in canonical texts, so that 이미지를 생성 is not 이미지 생성."""


class Run(NamedTuple):
    """The analysis of one stretch of text between spaces and punctuation.

    `words` and `tokens` are in order, `variants` are not. `canonical` is `words` with a mark for each stripped particle.
    """

    words: tuple[str, ...]
    tokens: tuple[str, ...]
    variants: tuple[str, ...]
    canonical: tuple[str, ...]


def analyse(text: str) -> list[str]:
    """Return the tokens of `text`: the tokens of its words in order, then the variants.

    Takes linear time. Each token analysed on its own is itself again.
    """
    tokens: list[str] = []
    all_variants: list[str] = []
    for _, in_order, variants, _ in split_runs(text):
        tokens += in_order
        all_variants += variants
    return tokens + all_variants


def stemmed_words(text: str) -> list[str]:
    """Return the words of `text` in order, folded and stemmed, Hangul without particles and not cut into bigrams."""
    return [word for run in split_runs(text) for word in run.words]


def canonicalise(text: str) -> str:
    """Return the canonical text that is stored and that terms are counted in.

    It has words separated by single spaces, line breaks as in `text`, and the variants on a last line of their own, so that
    no phrase matches there. Two spaces mark punctuation, which no phrase crosses. Each line starts and ends with a space, so
    that " word " matches whole Latin words. A Hangul word ends with `PARTICLE_MARK` if its particle was stripped.
    """
    lines = _LINE_ENDS.split(unicodedata.normalize("NFKC", text))
    text = " \n".join(map(_canonical_line, lines))
    first, *marked = f"{text} ".split(_VARIANT_MARK)
    pieces, variants = [first], []
    for piece in marked:
        token, space, rest = piece.partition(" ")
        variants.append(token)
        pieces += (space, rest)
    pieces.append(f"\n {'  '.join(variants)} " if variants else "\n")
    return "".join(pieces) if text else ""


def split_runs(text: str) -> Iterator[Run]:
    """Yield the analysed runs of `text` in order."""
    return map(_analyse_run, _RUNS.findall(unicodedata.normalize("NFKC", text)))


def word_tokens(word: str) -> list[str]:
    """Return the tokens of one word of a canonical text: a Latin word itself, other words as bigrams."""
    return korean.bigrams(word.removesuffix(PARTICLE_MARK)) if _is_cjk(word) else [word]


def stem(word: str) -> str:
    """Return the stem of one folded Latin word; the stem of a stem is itself."""
    return _stem_to_fixpoint(word[:MAX_TOKEN_LENGTH])


def join_prefixes(parts: list[str]) -> list[str]:
    """Join prefixes to the word behind them: pre-training, self-attention and fine-tuning become one word each."""
    joined: list[str] = []
    for part in parts:
        if joined and (joined[-1] in PREFIXES or (joined[-1] == "fine" and part.startswith("tun"))):
            joined[-1] += part
        else:
            joined.append(part)
    return joined


def _is_cjk(word: str) -> bool:
    first = word[:1]
    return korean.is_hangul(first) or "\u3005" <= first <= "\u9fff" or "\uf900" <= first <= "\ufaff"


def _canonical_line(line: str) -> str:
    cached, compute, limit = _canonical_chunk, _canonical_chunk.__wrapped__, _MAX_CACHED_LENGTH
    return "".join([cached(chunk) if len(chunk) <= limit else compute(chunk) for chunk in line.split()])


@lru_cache(maxsize=1)
def _runs_and_breaks() -> re.Pattern[str]:
    """Return the pattern for texts, which takes 5 ms to compile: a query alone does without."""
    return re.compile(rf"{_RUNS.pattern}|{_BREAKS}")


@lru_cache(maxsize=1 << 15)
def _canonical_chunk(chunk: str) -> str:
    """Return the canonical words of a chunk between two spaces, each after a space; punctuation becomes a space.

    Each variant follows its word after a `_VARIANT_MARK`.
    """
    pieces: list[str] = []
    for run in _runs_and_breaks().findall(chunk):
        pieces.append(" ")
        if korean.is_hangul(run):
            # Most cache misses are inflected Korean words; `_analyse_run` would take twice the time.
            word, noun = _word_and_noun(run)
            pieces += (word if word == run else word + PARTICLE_MARK, _VARIANT_MARK + noun if noun else "")
        elif run[0].isalnum():
            analysed = _analyse_run(run)
            pieces += (" ".join(analysed.canonical), *(_VARIANT_MARK + token for token in analysed.variants))
    return "".join(pieces)


@lru_cache(maxsize=1 << 15)
def _analyse_run(run: str) -> Run:
    if korean.is_hangul(run):
        return _analyse_hangul(run)
    if _is_cjk(run):
        return Run((run,), tuple(korean.bigrams(run)), (), (run,))
    return _analyse_latin(run)


def _word_and_noun(run: str) -> tuple[str, str | None]:
    """Return a Hangul run without its ending, and the monosyllabic noun that it may also be."""
    word = korean.strip_ending(run)
    return word, korean.monosyllabic_noun(word)


def _analyse_hangul(run: str) -> Run:
    word, noun = _word_and_noun(run)
    marked = word if word == run else word + PARTICLE_MARK
    return Run((word,), tuple(korean.bigrams(word)), (noun,) if noun else (), (marked,))


def _analyse_latin(run: str) -> Run:
    """Split a compound at its joiners; alternative spellings become variants."""
    parts = [part for part in map(_fold_word, _COMPOUND_SPLIT.split(run)) if part and part != "s"]
    if not parts:
        return Run((), (), (), ())
    words = join_prefixes(parts)
    candidates = _compound_variants(parts) + [
        variant for part in parts for variant in _split_on_numerics(part)
    ]
    stems = tuple(_safe_token(part) for part in words)
    stem_set = set(stems)
    variants = dict.fromkeys(token for token in map(_safe_token, candidates) if token not in stem_set)
    return Run(stems, stems, tuple(variants), stems)


def _compound_variants(parts: list[str]) -> list[str]:
    """Return the parts and the joined forms of a compound of two or three parts."""
    if not 2 <= len(parts) <= 3 or any(part[-1] in "+#" for part in parts):
        return parts if len(parts) > 1 else []
    joined = [*parts, "".join(parts[:2]), "".join(parts)]
    return [form for form in joined if len(form) <= MAX_TOKEN_LENGTH]


def _split_on_numerics(part: str) -> list[str]:
    """Return gpt and 4o for gpt4o, so that a model matches with and without its version."""
    match = _LETTERS_THEN_DIGITS.fullmatch(part)
    return [match[1], match[2]] if match else []


def _fold_word(part: str) -> str:
    """Fold one part of a compound; LLMs loses its plural here, because the stemmer sees no vowel in it."""
    if _PLURAL_ACRONYM.fullmatch(part):
        part = part[:-1]
    return normalisation.fold(part)


def _safe_token(word: str) -> str:
    """Return the stem of a folded word, restricted to characters that every search engine keeps together."""
    token = _stem_to_fixpoint(word[:MAX_TOKEN_LENGTH])
    if _SAFE_TOKEN.fullmatch(token):
        return token
    digest = hashlib.blake2s(token.encode("utf-8", "replace"), digest_size=8).digest()
    return f"x{int.from_bytes(digest)}"


@lru_cache(maxsize=1 << 14)
def _stem_to_fixpoint(word: str) -> str:
    """Stem until nothing changes: the Snowball stemmer alone may shorten its own stem again."""
    if len(word) < 3 or not word.isascii() or not word.isalpha():
        return word
    if len(word) > 3 and word[-1] == "s" and word[-2] != "s" and _VOWELS.isdisjoint(word):
        return word[:-1]
    if (derived := _stem_derived(word)) is not None:
        return derived
    # A stemmer has state, so each call creates one: several threads may analyse concurrently.
    stemmer = Stemmer.Stemmer("english", _NO_CACHE)
    while (shorter := stemmer.stemWord(word)) != word:
        word = shorter
    return str(word)


def _stem_derived(word: str) -> str | None:
    """Return a derived word without its inflection, or None if the word has no derivational suffix.

    Neither a tokenizer nor tokenization is a token, an adapter is not an adaptation, and "generative" not "generated".
    """
    if verb := _VERB_IN_IZE.fullmatch(word):
        return f"{verb[verb.lastindex or 0]}z"
    if word.endswith("ies"):
        word = f"{word[:-3]}y"
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    elif word.endswith(("ering", "oring", "ered", "ored")):
        word = word.removesuffix("ing").removesuffix("ed")
    return word if len(word) >= _MIN_DERIVED_LENGTH and word.endswith(_DERIVATIONAL_SUFFIXES) else None
