"""Term variants: finds a term in canonical texts (see the analyser), English as whole words, Korean in any spacing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from functools import lru_cache

from bot.text import analyser, term_keys

SUBSTRING_WEIGHT = 0.2
"""Weight of a Korean match within a longer word, once per field: 화학 is in 강화학습."""
_LONG_TAIL = re.compile(f"[{analyser.SYLLABLES}]{{4}}")
"""What follows two syllables in a longer word that is not composed with them: 애플리케이션 has no 애플."""
_FieldMatches = tuple[float, float, list[int]]
"""Frequency of a Korean term in title and body, and the starts of its matches."""
_LATIN = re.compile(r"[A-Za-z0-9]")
_SEPARATORS = re.compile(rf"[\s·]+|(?<=[{analyser.SYLLABLES}])[\-–/]+(?=[{analyser.SYLLABLES}])")
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
        self.match_cache: dict[TermPattern, _FieldMatches] = {}
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
        is_one_word = len(term_keys.korean_key(text)) == 2 and not _SEPARATORS.search(text.strip())
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
            in_title, in_body, _ = self._match_korean(document)
            return in_title, in_body
        text, body = document.text, document.body_start
        titles = bodies = 0
        # The maximum, not the sum: a joined spelling is also in the text as a variant of the spaced one.
        for sequence in self._latin_variants:
            if sequence in text:
                titles = max(titles, text.count(sequence, 0, body))
                bodies = max(bodies, text.count(sequence, body))
        return float(titles), float(bodies)

    def line_numbers(self, document: Document) -> set[int]:
        """Return the lines of title and body, counted from 0, that contain the term."""
        text = document.text
        if self.is_korean:
            _, _, starts = self._match_korean(document)
        else:
            starts = [start for variant in self._latin_variants for start in _find_all(variant, text)]
        return {text.count("\n", 0, start) for start in starts}

    def _match_korean(self, document: Document) -> _FieldMatches:
        """Return the matches of a Korean term: per field those of the first variant that matches. Cached in `document`."""
        matches = document.match_cache.get(self)
        if matches is None:
            compact, is_short = document.without_spaces, self.is_short
            counts, starts = [0.0, 0.0], []
            for key in self._korean_variants:
                if key in compact:
                    pattern = _variant_spacing_pattern(key, is_one_word=is_short)
                    found = _korean_matches(pattern, document, is_short=is_short)
                    for field, (count, field_starts) in enumerate(found):
                        if not counts[field]:
                            counts[field] = count
                            starts += field_starts
            matches = document.match_cache[self] = counts[0], counts[1], starts
        return matches


@lru_cache(maxsize=1 << 12)
def compile_term(text: str) -> TermPattern:
    """Return the compiled term for a text, cached."""
    return TermPattern(text)


def has_version(text: str, document: Document) -> bool:
    """Tell whether a Latin term has digits joined to it somewhere in a document: SD in SD1.5."""
    start = f" {term_keys.english_key(text)}"
    return any(document.text[at + len(start)].isdigit() for at in _find_all(start, document.text))


def latin_variants(text: str) -> list[str]:
    """Return the variants of a term in a canonical text: as written, with hyphens as spaces, and joined."""
    words = analyser.stemmed_words(text)
    unhyphenated = analyser.stemmed_words(text.replace("-", " "))
    variants = [" ".join(words), " ".join(unhyphenated)]
    if not analyser.has_hangul(text):
        variants.append(term_keys.english_key(text))
    if len(unhyphenated) <= 3 and not text.replace("-", "").isalpha():
        variants.append("".join(unhyphenated))
    return [variant for variant in dict.fromkeys(variants) if variant]


def korean_variants(text: str) -> list[str]:
    """Return the variants of a Korean term without spaces: as spaced in `text`, and closed up.

    A particle within the term must be in the text too; any particle may follow its end.
    """
    spelt = (
        "".join(word for run in analyser.split_runs(spelling) for word in run.canonical)
        for spelling in (text, term_keys.korean_key(text))
    )
    variants = dict.fromkeys(variant.removesuffix(analyser.PARTICLE_MARK) for variant in spelt)
    return [variant for variant in variants if variant]


@lru_cache(maxsize=1 << 12)
def _variant_spacing_pattern(key: str, *, is_one_word: bool) -> re.Pattern[str]:
    """Allow spaces anywhere except within Latin words, which must match whole, and within a word of two syllables.

    Two syllables would otherwise match across words: 의학 is not in LLM의 학습.
    """
    space = "" if is_one_word else " ?"
    runs = _SCRIPT_RUNS.findall(key)
    pieces = [re.escape(run) if _LATIN.match(run) else space.join(run) for run in runs]
    first = r"(?<![^ \n])" if _LATIN.match(key) else ""
    last = r"(?![^ \n])" if _LATIN.search(key[-1:]) else ""
    return re.compile(first + " ?".join(pieces) + last)


def _find_all(sequence: str, text: str) -> Iterator[int]:
    start = text.find(sequence)
    while start >= 0:
        yield start
        start = text.find(sequence, start + 1)


def _korean_matches(
    pattern: re.Pattern[str], document: Document, *, is_short: bool
) -> list[tuple[float, list[int]]]:
    """Return for title and body the term frequency and the starts of the matches.

    A match within a word must not cross a space; all of these together count `SUBSTRING_WEIGHT`.
    """
    text, body = document.text, document.body_start
    whole_counts, inside_weights = [0, 0], [0.0, 0.0]
    starts: tuple[list[int], list[int]] = ([], [])
    for match in pattern.finditer(text):
        start = match.start()
        field = start >= body
        is_whole = text[start - 1] in " \n" and not (is_short and _LONG_TAIL.match(text, match.end()))
        if is_whole:
            whole_counts[field] += 1
        elif " " not in match[0]:
            inside_weights[field] = SUBSTRING_WEIGHT
        else:
            continue
        starts[field].append(start)
    return [(whole_counts[field] + inside_weights[field], starts[field]) for field in (0, 1)]
