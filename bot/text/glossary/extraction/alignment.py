"""Word alignment: learns which Korean word goes with which English word from parentheses alone.

Counts distinct English terms, not occurrences: otherwise the frequent "large language model" would align 모델 with
"large". Word pairs seen too rarely may still align as transliterations.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from itertools import pairwise

from bot.text.analysis import korean, term_keys
from bot.text.glossary.extraction import transliteration

MIN_ASSOCIATION = 0.05
TRANSLITERATION_ASSOCIATION = 0.3
_MIN_SHARE_OF_BEST = 0.75
_SEED_ASSOCIATION = 0.6
_MIN_TERMS = 2
_MIN_SHARE = 0.15
_SUFFICIENT_CONTEXTS = 5
MIN_KNOWN_TERMS = 4
"""A Korean word seen with this many English terms is known: not aligning then is evidence against a pair."""


class AssociationTable:
    """Association (Dice coefficient, 0 to 1) of Korean and English words, and the number of English terms per Korean word."""

    def __init__(
        self,
        associations: Mapping[str, Mapping[str, float]],
        term_counts: Mapping[str, int],
        confirmed: Collection[tuple[str, str]] = (),
    ) -> None:
        self.associations = associations
        self.term_counts = term_counts
        self.confirmed = frozenset(confirmed)

    def association(self, word: str, english: str) -> float:
        """Return the association of a Korean word (without particle) and an English stem."""
        score = self.associations.get(word, {}).get(english, 0.0)
        if score < TRANSLITERATION_ASSOCIATION and transliteration.is_transliteration(word, english):
            return TRANSLITERATION_ASSOCIATION
        return score if score >= MIN_ASSOCIATION else 0.0

    def align(self, word: str, english: Iterable[str]) -> list[str]:
        """Return the English stems whose association with a Korean word is close to the best one."""
        scores = {stem: self.association(word, stem) for stem in english}
        best = max(scores.values(), default=0.0)
        return [stem for stem, score in scores.items() if score and score >= _MIN_SHARE_OF_BEST * best]

    def align_compound(self, word: str, english: list[str]) -> list[str]:
        """Return the English stems of a closed-up Korean compound: 확산손실, and 파인튜닝 by its sound."""
        for index in range(2, len(word) - 1):
            first, second = self.align(word[:index], english), self.align(word[index:], english)
            if first and second and first != second:
                return list(dict.fromkeys([*first, *second]))
        for left, right in pairwise(english):
            if transliteration.is_transliteration(word, left + right):
                return [left, right]
        return []

    def is_translation(self, word: str, english: str, *, to_korean: bool) -> bool:
        """Tell whether a word surely translates another one: by our list, its sound, or the papers with both."""
        directed = (english, word) if to_korean else (word, english)
        return directed in self.confirmed or transliteration.is_transliteration(word, english)

    def is_known(self, word: str) -> bool:
        """Tell whether a Korean word was seen with enough English terms to judge by."""
        return self.term_counts.get(word, 0) >= MIN_KNOWN_TERMS


def add_seed_words(table: AssociationTable, word_pairs: Iterable[tuple[str, str]]) -> AssociationTable:
    """Return the table with known pairs of Korean words and English stems added."""
    associations = {word: dict(row) for word, row in table.associations.items()}
    seeded = list(word_pairs)
    for word, english in seeded:
        row = associations.setdefault(word, {})
        row[english] = max(row.get(english, 0.0), _SEED_ASSOCIATION)
    return AssociationTable(
        associations, table.term_counts, {*table.confirmed, *seeded, *(pair[::-1] for pair in seeded)}
    )


def split_context(context: str) -> list[str]:
    """Return the Korean and Latin words of a context, split at spaces and hyphens, without particles."""
    return [part for word in context.split() for part in _split_unit(word)]


@lru_cache(maxsize=1 << 14)
def _split_unit(word: str) -> tuple[str, ...]:
    """Split one unit between spaces. Cached: the same few thousand precede most parentheses."""
    parts = word.replace("·", " ").replace("-", " ").split()
    return tuple(map(korean.strip_ending, parts))


def learn_associations(glosses: Iterable[tuple[str, str, int]]) -> AssociationTable:
    """Return the table learnt from rows of (left context, English key, papers)."""
    contexts: dict[str, Counter[str]] = defaultdict(Counter)
    totals: Counter[str] = Counter()
    for left, english, papers in glosses:
        reach = len(term_keys.content_words(english)) + 2
        totals[english] += papers
        for word in set(split_context(left)[-reach:]):
            contexts[english][word] += papers
    return _dice_associations(contexts, totals)


def _dice_associations(contexts: Mapping[str, Counter[str]], totals: Mapping[str, int]) -> AssociationTable:
    korean_terms: Counter[str] = Counter()
    english_terms: Counter[str] = Counter()
    both: dict[str, Counter[str]] = defaultdict(Counter)
    for key, counts in contexts.items():
        content = {*term_keys.content_words(key), *term_keys.decompounded_words(key)}
        english_terms.update(content)
        for word, count in counts.items():
            if count >= _MIN_SHARE * totals[key] or count >= _SUFFICIENT_CONTEXTS:
                korean_terms[word] += 1
                both[word].update(content)
    associations = {
        word: {
            english: 2 * shared / (korean_terms[word] + english_terms[english])
            for english, shared in counts.items()
            if shared >= _MIN_TERMS
        }
        for word, counts in both.items()
    }
    return AssociationTable({word: row for word, row in associations.items() if row}, korean_terms)
