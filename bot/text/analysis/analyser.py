"""Cuts text into the tokens that indexing, look-up, alerts and autocomplete share.

Two views of one text. `words` are the words in order: Latin ones folded and stemmed, Hangul without its
particles. `analyse` gives the tokens of the index: the same words in order, but runs of Hangul, Han and
Kana as overlapping bigrams, so that a phrase is a row of neighbouring tokens; behind them, in no
meaningful order, the *loose* tokens that only single look-ups need: joined forms (gpt-4o also as gpt4o)
and parts (gpt4o also as gpt). It knows nothing of concepts and of ranking.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from bot.text.analysis import korean, normalisation

MAX_TOKEN_LENGTH = 40
"""No token is longer, in characters; longer words are cut and so fall together."""
TOKEN_PUNCTUATION = "+#."
"""What tokens hold besides letters and digits; an engine that tokenises again must keep these together."""

HAN_KANA = (
    "\u3005-\u3007\u3041-\u3096\u309d-\u309f"
    "\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
)
"""Han and Kana letters as part of a regular expression's class."""
_LETTER = rf"[^\W_{korean.HANGUL}{HAN_KANA}]"
# 3.1 and qwen2.5 stay whole, c++ and c# keep their signs.
_WORD = rf"{_LETTER}{{1,64}}(?:(?<=[0-9])\.[0-9]{{1,8}}){{0,4}}(?:\+\+|#)?"
_COMPOUND_JOINER = "[-‐‑'’_]"
# The bounds keep what the cache below holds small; longer runs are simply cut.
_RUNS = re.compile(
    rf"[{korean.HANGUL}]{{1,64}}|{_WORD}(?:{_COMPOUND_JOINER}{_WORD}){{0,7}}|[{HAN_KANA}]{{1,64}}"
)
# Signs that no phrase reaches over: "텍스트, 이미지" is not "텍스트-이미지".
_BREAKS = r"[,;:.!?()\[\]/|·]"
_RUNS_AND_BREAKS = re.compile(rf"{_RUNS.pattern}|{_BREAKS}")
_LINE_ENDS = re.compile("[\n\r\u2028\u2029]\\s*")
# In the making of a canonical text, before each loose token behind the word that it belongs to.
_VARIANT_MARK = "\x00"
_MAX_CACHED_LENGTH = 64
"""Characters of a chunk worth caching: longer ones, as in text without spaces, hardly repeat."""
_COMPOUND_SPLIT = re.compile(_COMPOUND_JOINER)
_LETTERS_THEN_DIGITS = re.compile(r"([a-z]{2,})([0-9][a-z0-9.]*)")
_PLURAL_ACRONYM = re.compile(r"[A-Z]+[A-Za-z0-9]*[A-Z][a-z0-9]?s")
_VOWELS = frozenset("aeiouy")
_DERIVATIONAL_SUFFIXES = ("er", "or", "ive", "ness", "ity", "able", "ible")
"""Who or what does something, and qualities: the stemmer would cut them down to the verb and the noun."""
_MIN_DERIVED_LENGTH = 6
# What neither FTS5 (its Unicode is of 2012) nor a literal of PostgreSQL may see as more than a letter.
_SAFE_TOKEN = re.compile(rf"[a-z0-9+#.\u00df-\u024f\u0370-\u03ff\u0430-\u045f{korean.HANGUL}{HAN_KANA}]+")

PREFIXES = frozenset(
    ("pre", "post", "multi", "self", "auto", "non", "semi", "co", "re", "super", "hyper", "meta")
)
"""What is joined to the word behind it, since people write it joined, with a hyphen and apart."""


PARTICLE_MARK = "~"
"""Stands in canonical texts where a Korean word has lost its particle, so that 이미지를 생성 is not 이미지 생성."""


class Run(NamedTuple):
    """One stretch of a text between spaces and signs: its words, its tokens in order, its loose tokens.

    `canonical` are the words as a canonical text has them: with a mark for a particle that was cut.
    """

    words: tuple[str, ...]
    tokens: tuple[str, ...]
    variants: tuple[str, ...]
    canonical: tuple[str, ...]


def analyse(text: str) -> list[str]:
    """Return the tokens of `text`: those of the words in order, then the loose ones.

    Takes linear time. Each token analysed on its own is itself again.
    """
    tokens: list[str] = []
    all_variants: list[str] = []
    for _, in_order, variants, _ in split_runs(text):
        tokens += in_order
        all_variants += variants
    return tokens + all_variants


def stemmed_words(text: str) -> list[str]:
    """Return the words of `text` in order, folded and stemmed, Hangul without particles and not cut in pairs."""
    return [word for run in split_runs(text) for word in run.words]


def canonicalise(text: str) -> str:
    """Return `text` for the counting of forms: words with single spaces, a line a line, loose tokens last.

    Where a sign ends a phrase there are two spaces, so that no form is found across it. The last line holds the
    loose tokens, so that a phrase is never found in it. Each line begins and ends with a space, hence " word "
    finds whole Latin words; a Korean one ends with `CUT` where a particle was. Storage keeps this for ranking.
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


def canonical_tokens(canonical_text: str) -> list[str]:
    """Return the same tokens that `analyse` gives for the text that `canonical_text` was made from."""
    body, _, variants = canonical_text.rpartition("\n")
    return [token for word in body.split() for token in word_tokens(word)] + variants.split()


def split_runs(text: str) -> Iterator[Run]:
    """Give the stretches of `text` in order, each with its words and tokens."""
    return map(_analyse_run, _RUNS.findall(unicodedata.normalize("NFKC", text)))


def word_tokens(word: str) -> list[str]:
    """Return the tokens in order of one word of a canonical text: a Latin one itself, others as bigrams."""
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
    compute = _canonical_chunk.__wrapped__
    return "".join(
        [
            _canonical_chunk(chunk) if len(chunk) <= _MAX_CACHED_LENGTH else compute(chunk)
            for chunk in line.split()
        ]
    )


@lru_cache(maxsize=1 << 17)
def _canonical_chunk(chunk: str) -> str:
    """Return the canonical words of what stands between two spaces, each behind a space; a break is a space alone.

    Loose tokens stand behind their word, each after an `_ASIDE`.
    """
    pieces: list[str] = []
    for run in _RUNS_AND_BREAKS.findall(chunk):
        pieces.append(" ")
        if korean.is_hangul(run):
            # Most of what is new is Korean words with their endings, for which the long way takes twice the time.
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
    """Return a Hangul run without its ending, and the noun of one syllable that it may also be."""
    word = korean.strip_ending(run)
    return word, korean.monosyllabic_noun(word)


def _analyse_hangul(run: str) -> Run:
    word, noun = _word_and_noun(run)
    marked = word if word == run else word + PARTICLE_MARK
    return Run((word,), tuple(korean.bigrams(word)), (noun,) if noun else (), (marked,))


def _analyse_latin(run: str) -> Run:
    """Split a compound at its joints; keep what people may also write for it as loose tokens."""
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
    """Return gpt and 4o for gpt4o: a model is asked for with and without its version."""
    match = _LETTERS_THEN_DIGITS.fullmatch(part)
    return [match[1], match[2]] if match else []


def _fold_word(part: str) -> str:
    """Fold one part of a compound; LLMs loses its plural here, since the stemmer sees no vowel in it."""
    if _PLURAL_ACRONYM.fullmatch(part):
        part = part[:-1]
    return normalisation.fold(part)


def _safe_token(word: str) -> str:
    """Return the stem of a folded word in characters that every engine keeps together."""
    token = _stem_to_fixpoint(word[:MAX_TOKEN_LENGTH])
    if _SAFE_TOKEN.fullmatch(token):
        return token
    digest = hashlib.blake2s(token.encode("utf-8", "replace"), digest_size=8).digest()
    return f"x{int.from_bytes(digest)}"


@lru_cache(maxsize=1 << 14)
def _stem_to_fixpoint(word: str) -> str:
    """Stem until nothing changes: the stemmer alone may cut a stem once more."""
    if len(word) < 3 or not word.isascii() or not word.isalpha():
        return word
    if len(word) > 3 and word[-1] == "s" and word[-2] != "s" and _VOWELS.isdisjoint(word):
        return word[:-1]
    if (derived := _stem_derived(word)) is not None:
        return derived
    import snowballstemmer  # it loads forty languages with English: not before there is something to stem

    # A stemmer has a state, so each call has its own: several threads may analyse at once.
    stemmer = snowballstemmer.stemmer("english")
    while (shorter := stemmer.stemWord(word)) != word:
        word = shorter
    return str(word)


def _stem_derived(word: str) -> str | None:
    """Return a word that its ending makes another one, only without its inflection; None for all others.

    A tokenizer is no token, an adapter no adaptation, and "generative" not what is generated.
    """
    if word.endswith("ies"):
        word = f"{word[:-3]}y"
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    elif word.endswith(("ering", "oring", "ered", "ored")):
        word = word.removesuffix("ing").removesuffix("ed")
    return word if len(word) >= _MIN_DERIVED_LENGTH and word.endswith(_DERIVATIONAL_SUFFIXES) else None
