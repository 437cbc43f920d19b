"""Term keys: normal forms that are equal for all spellings of a term, in English and Korean, for abbreviations and for names.

A title's head may be a name ("Llama 2" of "Llama 2: Open Foundation …"). The key of a name is joined, so that SAM 2, SAM-2 and
sam2 are one name; it is found in canonical titles (see the analyser), in which two spaces stand for punctuation.
`compile_term` finds a term in a text in any of its variants.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache, lru_cache

from bot.text import analyser, seed

_WORDS = re.compile(r"[^\W_]+(?:\.[0-9]+)*(?:\+\+|#)?")
_POSSESSIVE = re.compile(r"['’]s?(?=\W|$)")
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


@analyser.remembered(1 << 13)
def english_stems(text: str) -> tuple[str, ...]:
    """Return the stems of an English term; "pre-training", "pre training" and "pretraining" give the same."""
    words = _WORDS.findall(_POSSESSIVE.sub("", analyser.fold(text)))
    return tuple(map(analyser.stem, analyser.join_prefixes(words)))


def english_key(text: str) -> str:
    """Return the key of an English term: the same for "Large-Language Models" and "large language model"."""
    return " ".join(english_stems(text))


def content_words(key: str) -> list[str]:
    """Return the content words of an English key: without "of", "the" and other function words."""
    return [word for word in key.split() if word not in analyser.FUNCTION_WORDS] or key.split()


def split_writing(word: str) -> str | None:
    """Return a joined name as words: Llama 3 of Llama3, Flash Attention of FlashAttention; None for other words."""
    if versioned := _JOINED_VERSION.fullmatch(word):
        name, number, rest, short_name, variant = versioned.groups()
        if short_name:
            return f"{short_name} {variant}"
        return f"{name}{number} {rest}" if rest else f"{name} {number}"
    return " ".join(_CAMEL_CASE_PART.findall(word)) if _CAMEL_CASE.fullmatch(word) else None


def joined_writing(words: Sequence[str]) -> str | None:
    """Return two or three Latin words as the one word that a name may be made of them: flashattention."""
    joined, are_two_or_three = "".join(words), 2 <= len(words) <= _MAX_JOINED_WORDS
    is_name = are_two_or_three and all(map(str.isalpha, words)) and joined.isascii()
    return joined if is_name and len(joined) <= analyser.MAX_TOKEN_LENGTH else None


def term_key(text: str) -> str:
    """Return the key of a term in either language: the Korean key of a text with Hangul, else the English key."""
    return korean_key(text) if analyser.has_hangul(text) else english_key(text)


@analyser.remembered(1 << 12)
def korean_key(text: str) -> str:
    """Return the key of a Korean term: folded, without spaces, hyphens, middle dots, quotes and asterisks."""
    return _SEPARATORS.sub("", analyser.fold(text))


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


_MAX_NAME_WORDS = 6
_MAX_NAME_LENGTH = 40
_OPENERS = frozenset(("the", "a", "an", "introduc", "announc", "present", "meet"))
_CLOSER_LIST = "technic report|system card|model card|기술 보고서|paper|논문"
_CLOSERS = [tuple(closer.split()) for closer in _CLOSER_LIST.split("|")]
"""Last words that belong to no name: of a title, or of a query for it."""
_LAST_OF_CLOSERS = frozenset(closer[-1] for closer in _CLOSERS)
_LETTERS_THEN_DIGITS = re.compile(r"([a-z]{2,}?)(v?\d[a-z0-9.]*)")
_WORD = re.compile(r"[^\W_]+(?:\.\d+)*")
_SYMBOLS = {"squared": "2", "제곱": "2", "cubed": "3", "plus plus": "++"}
_SPOKEN = re.compile(rf"(?<=\w)\s?({'|'.join(_SYMBOLS)})\b", re.IGNORECASE)
"""Symbols of names as people say them: transformer squared is Transformer^2."""
_VERSION = re.compile(r"[a-z]?\d[\d.]*[a-z]{0,2}")


def full_names(title: str) -> list[str]:
    """Return the keys of the name that a canonical title's head is, with and without its version; empty if it is not a name."""
    pieces = _head_pieces(title)
    if not pieces or len(pieces) > _MAX_NAME_WORDS:
        return []
    names = {"".join(pieces): None, "".join(_without_version(pieces)): None}
    return [name for name in names if 1 < len(name) <= _MAX_NAME_LENGTH]


def leading_names(title: str) -> list[str]:
    """Return the keys of the names that a canonical title may begin with: its first word, and that with a version."""
    pieces = _head_pieces(title)
    has_version = len(pieces) > 1 and _VERSION.fullmatch(pieces[1]) is not None
    names = ["".join(pieces[:1]), *(["".join(pieces[:2])] if has_version else [])]
    return [name for name in names if 1 < len(name) <= _MAX_NAME_LENGTH]


@lru_cache(maxsize=1 << 10)
def query_names(text: str) -> frozenset[str]:
    """Return the keys of a name as typed: "flash attention" as two words and as the one word FlashAttention."""
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
    """Return the words of a title's head, a version as a piece of its own."""
    head, _, _ = title.partition("\n")[0].strip().partition("  ")
    words = [word.removesuffix(analyser.PARTICLE_MARK) for word in head.split()]
    return tuple(_split_versions(trim_title(words)))


def trim_title(words: list[str]) -> list[str]:
    """Return the words of a title or a query without those at either end that belong to no name."""
    start, end = 0, len(words)
    while end - start > 1 and analyser.stem(words[start]) in _OPENERS:
        start += 1
    if not words or analyser.stem(words[-1]) not in _LAST_OF_CLOSERS:
        return words[start:]
    for closer in _CLOSERS:
        if len(closer) < end - start and closer == tuple(map(analyser.stem, words[end - len(closer) : end])):
            end -= len(closer)
    return words[start:end]


def is_closer(words: Sequence[str]) -> bool:
    """Return whether words say only what kind of text a title is of: a technical report, a system card."""
    return tuple(analyser.stem(word.lower()) for word in words) in _CLOSERS


def _split_versions(words: Iterable[str]) -> list[str]:
    return [piece for word in words for piece in _split_version(word)]


@analyser.remembered(1 << 13)
def _split_version(word: str) -> tuple[str, ...]:
    """Return qwen and 2.5 for qwen2.5; other words alone. The letters are stemmed, as they are when they stand alone."""
    found = _LETTERS_THEN_DIGITS.fullmatch(word)
    return (analyser.stem(found[1]), found[2]) if found else (word,)


def _without_version(pieces: Sequence[str]) -> Sequence[str]:
    end = len(pieces)
    while end and _VERSION.fullmatch(pieces[end - 1]):
        end -= 1
    return pieces[:end]


# Term variants: finds a term in canonical texts (see the analyser), English as whole words, Korean in any spacing.

MAX_TERM_LENGTH = 100
"""Characters of the terms that stay compiled: an alert may have twenty of these, each compared with thousands of papers."""
SUBSTRING_WEIGHT = 0.2
"""Weight of a Korean match within a longer word, once per field: 화학 is in 강화학습."""
_LONG_TAIL = re.compile(f"[{analyser.SYLLABLES}]{{4}}")
"""What follows two syllables in a longer word that is not composed with them: 애플리케이션 has no 애플."""
_SAME_MEANING = frozenset("적성") | analyser.SHORT_PARTICLES
"""Third syllables that leave the meaning of two as it is: of adjectives and qualities (시간적, 확장성), and particles."""
_Counts = tuple[float, float]
"""Frequency of a Korean term in title and body."""
_LATIN = re.compile(r"[A-Za-z0-9]")
_WORD_SEPARATORS = re.compile(rf"[\s·]+|(?<=[{analyser.SYLLABLES}])[\-–/]+(?=[{analyser.SYLLABLES}])")
_SCRIPT_RUNS = re.compile(f"[^{analyser.SYLLABLES}]+|[{analyser.SYLLABLES}]+")


class Document:
    """A paper for matching and scoring: canonical title and body, joined for counting, votes (None if unknown) and date.

    A plain class with slots, because a search makes hundreds of these.
    """

    __slots__ = ("_without_spaces", "body_start", "match_cache", "published_on", "text", "votes")

    def __init__(
        self, title: str, body: str, votes: int | None = None, published_on: date | None = None
    ) -> None:
        self.text = f"{title}\n{body}"
        self.body_start = len(title) + 1
        self.match_cache: dict[TermPattern, _Counts] = {}
        self._without_spaces: str | None = None
        self.votes = votes
        self.published_on = published_on

    @property
    def without_spaces(self) -> str:
        """The text without spaces, for a fast negative check of Korean terms."""
        if self._without_spaces is None:
            self._without_spaces = self.text.replace(" ", "")
        return self._without_spaces


class TermPattern:
    """A compiled term, ready for counting and for index queries. Created by `compile_term`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.is_korean = analyser.has_hangul(text)
        self._korean_variants = korean_variants(text) if self.is_korean else []
        is_one_word = len(korean_key(text)) == 2 and not _WORD_SEPARATORS.search(text.strip())
        self.is_short = is_one_word and self.is_korean
        self._latin_variants = [] if self.is_korean else [f" {variant} " for variant in latin_variants(text)]

    @property
    def needed(self) -> list[str]:
        """What a document with the term has one of: a Korean term in its text without spaces, a Latin word in its text."""
        if self.is_korean:
            return self._korean_variants
        return [max(variant.split(), key=len) for variant in self._latin_variants]

    def is_inside(self, document: Document) -> bool:
        """Tell whether a term of two syllables is in a document only within longer words, if at all: 동화 in 자동화."""
        return self.is_short and max(self.count(document)) < 1

    def count(self, document: Document) -> tuple[float, float]:
        """Return the term frequency in title and body; within a longer Korean word it counts little, and once per field."""
        if self.is_korean:
            return self._count_korean(document)
        text, body = document.text, document.body_start
        titles = bodies = 0
        # The maximum, not the sum: a joined spelling is also in the text as a variant of the spaced one.
        for sequence in self._latin_variants:
            if sequence in text:
                titles = max(titles, text.count(sequence, 0, body))
                bodies = max(bodies, text.count(sequence, body))
        return float(titles), float(bodies)

    def _count_korean(self, document: Document) -> _Counts:
        """Return the frequencies of a Korean term: per field that of the first variant that matches. Cached in `document`."""
        counts = document.match_cache.get(self)
        if counts is None:
            compact, is_short = document.without_spaces, self.is_short
            counts = 0.0, 0.0
            for key in self._korean_variants:
                if key in compact:
                    pattern = _variant_spacing_pattern(key, is_one_word=is_short)
                    found = _count_matches(pattern, document, is_short=is_short)
                    counts = counts[0] or found[0], counts[1] or found[1]
            document.match_cache[self] = counts
        return counts


@analyser.remembered(1 << 12, max_length=MAX_TERM_LENGTH)
def compile_term(text: str) -> TermPattern:
    """Return the compiled term for a text, cached."""
    return TermPattern(text)


def latin_variants(text: str) -> list[str]:
    """Return the variants of a term in a canonical text: as written, with hyphens as spaces, and joined."""
    words = analyser.stemmed_words(text)
    unhyphenated = analyser.stemmed_words(text.replace("-", " "))
    variants = [" ".join(words), " ".join(unhyphenated)]
    if not analyser.has_hangul(text):
        variants.append(english_key(text))
    if len(unhyphenated) <= 3 and not text.replace("-", "").isalpha():
        variants.append("".join(unhyphenated))
    return [variant for variant in dict.fromkeys(variants) if variant]


def korean_variants(text: str) -> list[str]:
    """Return the variants of a Korean term without spaces: as spaced in `text`, and closed up.

    A particle within the term must be in the text too; any particle may follow its end.
    """
    spelt = ("".join(analyser.canonical_words(spelling)) for spelling in (text, korean_key(text)))
    variants = dict.fromkeys(variant.removesuffix(analyser.PARTICLE_MARK) for variant in spelt)
    return [variant for variant in variants if variant]


@cache
def other_endings() -> Mapping[str, frozenset[str]]:
    """Return by Korean words of two syllables the third syllables that make a term of another meaning, by the seed list.

    No word of its English begins as one of the shorter term's, as parallelization (병렬화) as parallel (병렬).
    """
    stems: dict[str, set[str]] = {}
    for term in seed.load_terms():
        for text in term.korean:
            if len(text) in (2, 3) and analyser.is_syllables(text):
                stems.setdefault(text, set()).update(*map(english_stems, term.english))
    endings: dict[str, set[str]] = {}
    for word, longer in stems.items():
        own, ending = stems.get(word[:2], longer), word[2:]
        if ending not in _SAME_MEANING and not any(
            one.startswith(other) or other.startswith(one) for one in own for other in longer
        ):
            endings.setdefault(word[:2], set()).add(ending)
    return {word: frozenset(found) for word, found in endings.items()}


@lru_cache(maxsize=1 << 12)
def _variant_spacing_pattern(key: str, *, is_one_word: bool) -> re.Pattern[str]:
    """Allow spaces anywhere except within Latin words, which must match whole, and within a word of two syllables.

    Two syllables would otherwise match across words: 의학 is not in LLM의 학습. Nor are they in a term of another meaning that
    they begin: 양자 (quantum) is not in 양자화 (quantization).
    """
    space = "" if is_one_word else " ?"
    runs = _SCRIPT_RUNS.findall(key)
    pieces = [re.escape(run) if _LATIN.match(run) else space.join(run) for run in runs]
    first = r"(?<![^ \n])" if _LATIN.match(key) else ""
    last = r"(?![^ \n])" if _LATIN.search(key[-1:]) else ""
    if is_one_word and (others := other_endings().get(key)):
        last = f"(?![{''.join(others)}])"
    return re.compile(first + " ?".join(pieces) + last)


def _count_matches(pattern: re.Pattern[str], document: Document, *, is_short: bool) -> _Counts:
    """Return for title and body the frequency of a Korean term.

    A match within a word must not cross a space; all of these together count `SUBSTRING_WEIGHT`.
    """
    text, body = document.text, document.body_start
    whole_counts, inside_weights = [0, 0], [0.0, 0.0]
    for match in pattern.finditer(text):
        start = match.start()
        field = start >= body
        is_whole = text[start - 1] in " \n" and not (is_short and _LONG_TAIL.match(text, match.end()))
        if is_whole:
            whole_counts[field] += 1
        elif " " not in match[0]:
            inside_weights[field] = SUBSTRING_WEIGHT
    return whole_counts[0] + inside_weights[0], whole_counts[1] + inside_weights[1]
