"""Finds where the Korean term before a parenthesis begins.

Extends the span to the left and keeps the best-scoring length: words that align with the English words count for it,
known words that do not align and generic words against it.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from bot.text.analysis import korean, stopwords, term_keys
from bot.text.glossary.extraction import alignment

_BOUNDARY_LIST = (
    "및 또는 혹은 그리고 기존 기존의 이러한 그러한 통해 통한 통하여 위한 위해 위해서 위하여 사용하여 사용한 사용하는 "
    "사용해 이용한 이용하여 활용한 활용하여 활용해 기반으로 바탕으로 대한 대해 대하여 관한 있는 없는 같은 등 등의 등을 "
    "본 논문은 논문에서는 연구는 연구에서는 우리는 이는 이를 이 그 각 더 두 세 가지 뿐만 아니라 즉 예를 들어 하는 되는 "
    "된 한 를 을 은 는 의 에 와 과 로 으로 가 에서 에게 이나 나 이라는 라는 이란 라고 하며 하고 수 것 것은 것을 따른 "
    "따라 의한 의해 함께 제안된 제안하는 소개하는 포함한 포함하는 결합한 결합하여 적용한 적용하여 도입하여 도입한 "
    "가진 갖는 갖춘 위해서는 위해선 그래서 따라서 그러므로 그러나 하지만 또한 특히 먼저 우선 이후 이때 여기서 이를테면 "
    "주로 바로 매우 가장 모두 각각 이미 아직 다시 이들 이들의"
)
_GENERIC_LIST = (
    "새로운 다양한 최신 효율적인 효과적인 강력한 주요 여러 높은 낮은 많은 최근 최초의 첫 다른 독특한 혁신적인 일반적인 "
    "특정 특별한 전체 모든 중요한 핵심 복잡한 간단한 단순한 유명한 대표적인 해당 우수한 뛰어난 널리 기본 고유한 전통적인 "
    "추가 추가적인 이전 현재 실제 자체 완전한 정확한 유사한 동일한 하나의 한국어 영어 대규모의 획기적인 최첨단 공개된"
)
_BOUNDARY_WORDS = frozenset(_BOUNDARY_LIST.split())
_GENERIC_WORDS = frozenset(_GENERIC_LIST.split())
_ENDING = re.compile(
    r"(?:은|는|을|를|에|에서|에게|으로|로|와|과|의|하고|하며|하는|하여|하면|되어|되는|된|한|할|될|해|인|이|가|도|만|며|고|여)$"
)
# A phrase ends after these; it continues after 하는, 되는 and 없는 (튜닝 없는).
_PHRASE_END = re.compile(r"(?:[가-힣][을를]|(?<![하되없있])[는]|(?<=[가-힣][가-힣])은|에서|에게)$")
_PARTICIPLE = re.compile(r"[A-Za-z]{3}ed\b")
_PARTICIPLES = ("된", "한", "진")
_SPELLED_PREPOSITION = re.compile("오브|투|대")
_MIN_COMPOUND_LENGTH = 4
_SUFFIX_SYLLABLES = frozenset("내간별용시후전중상형")
_SUFFIX_START_PENALTY = 3.0
_HYPHENS = re.compile(r"[\s\-–/]+")


class Span(NamedTuple):
    """A Korean term before a parenthesis: its text, its number of words, the share of the English term covered, its score."""

    text: str
    word_count: int
    coverage: float
    score: float


def expected_word_count(english: str, context: str) -> int:
    """Return the number of words of an English term in Korean: fine-tuning is two; "of" counts where 오브 is near."""
    words = [word.lower() for word in _HYPHENS.split(english) if word]
    content = [word for word in words if word not in stopwords.FUNCTION_WORDS]
    if len(content) < len(words) and _SPELLED_PREPOSITION.search(context):
        return len(words)
    return max(1, len(content))


def best_span(
    left: str, english: str, table: alignment.AssociationTable, supports: Mapping[tuple[str, str], int]
) -> Span | None:
    """Return the best Korean term at the end of `left` for the English term `english`, or None.

    `supports` gives for (English key, Korean key) the number of papers with this Korean text directly before the parenthesis.
    """
    key = term_keys.english_key(english)
    content = term_keys.decompounded_words(key)
    units = left.split()
    expected = expected_word_count(english, left)
    scorer = _SpanScorer(
        content, expected, table, supports, key, has_participle=_PARTICIPLE.search(english) is not None
    )
    best: Span | None = None
    for length, korean_key in enumerate(_suffix_keys(units), 1):
        if not scorer.extend(units[-length], korean_key):
            break
        candidate = scorer.make_span(" ".join(units[-length:]))
        if best is None or candidate.score > best.score:
            best = candidate
    return best


class _SpanScorer:
    """Scores a span while it is extended to the left."""

    def __init__(
        self,
        content: list[str],
        expected: int,
        table: alignment.AssociationTable,
        supports: Mapping[tuple[str, str], int],
        key: str,
        *,
        has_participle: bool,
    ) -> None:
        self._has_participle = has_participle
        self._content = content
        self._expected = expected
        self._table = table
        self._supports = supports
        self._key = key
        self._covered: set[str] = set()
        self._score = 0.0
        self._word_count = 0
        self._unaligned = 0
        self._support = 0
        self._starts_with_suffix = False

    def extend(self, unit: str, korean_key: str) -> bool:
        """Add one word to the left, which gives the span this key; return False if the term cannot reach it."""
        if unit in _BOUNDARY_WORDS or not _word_key(unit):
            return False
        aligned_any, previous_score = False, self._score
        for word in alignment.split_context(unit):
            self._word_count += 1
            aligned_any |= self._score_word(word)
        if not aligned_any:
            self._unaligned += 1
            if unit in _GENERIC_WORDS:
                self._score -= 1.0
            elif self._has_participle and unit.endswith(_PARTICIPLES) and self._word_count <= self._expected:
                # A word as a participle (수정된, rectified) rarely has its usual translation.
                self._score = previous_score + 0.3
            elif self._word_count > 1 and _ENDING.search(unit) and korean.is_hangul(unit[-1]):
                self._score -= 0.5
        elif self._word_count > 1 and _PHRASE_END.search(unit):
            self._score -= 1.0
        # A single syllable (내, 간, 별) belongs to the word before it.
        self._starts_with_suffix = unit in _SUFFIX_SYLLABLES or (
            len(unit) == 1 and korean.is_hangul(unit) and not aligned_any
        )
        self._score_consistency(korean_key, aligned_any)
        return True

    def _score_word(self, word: str) -> bool:
        aligned = self._table.align(word, self._content)
        if not aligned and len(word) >= _MIN_COMPOUND_LENGTH:
            aligned = self._table.align_compound(word, self._content)
            self._word_count += 1 if aligned else 0
        if not aligned:
            if self._table.is_known(word):
                self._score -= 0.6
            return False
        new_stems = [stem for stem in aligned if stem not in self._covered]
        self._score += 0.8 if new_stems else 0.2
        self._covered.update(new_stems)
        return True

    def _score_consistency(self, korean_key: str, aligned: bool) -> None:
        support = self._supports.get((self._key, korean_key), 1)
        if self._support:
            if self._support >= 3 and support >= 0.8 * self._support:
                self._score += 0.5
            if not aligned:
                self._score -= 1.2 * math.log(self._support / max(1, support))
        self._support = support

    def make_span(self, text: str) -> Span:
        """Return the span so far with its score."""
        covered = len(self._covered) / len(self._content)
        over = self._word_count - self._expected
        rate = 0.35 if over < 0 else 0.15 if not self._unaligned else 0.45
        penalty = _SUFFIX_START_PENALTY if self._starts_with_suffix else 0.0
        score = self._score + 0.8 * covered - rate * abs(over) - penalty
        return Span(text, self._word_count, covered, score)


def count_supports(glosses: Iterable[tuple[str, str, int]]) -> Counter[tuple[str, str]]:
    """Count the papers per (English key, Korean key of each suffix of the context) from rows of (left, key, papers)."""
    supports: Counter[tuple[str, str]] = Counter()
    for left, key, papers in glosses:
        for korean_key in _suffix_keys(left.split()):
            supports[key, korean_key] += papers
    return supports


def _suffix_keys(units: list[str]) -> Iterator[str]:
    """Yield the Korean key of each suffix of a context, shortest first."""
    key = ""
    for unit in reversed(units):
        key = _word_key(unit) + key
        yield key


@lru_cache(maxsize=1 << 14)
def _word_key(word: str) -> str:
    """Return the Korean key of a word. Cached: the same few thousand words precede most parentheses."""
    return term_keys.korean_key(word)
