"""What texts say of terms: the parentheses in 강화 학습(Reinforcement Learning; RL), and the names that titles have.

A mention keeps the words before the parenthesis and the parts in it; `best_span` later finds where the term begins, by the
words that go with each other in other mentions. Mentions of papers are additive, so storage can add and remove them.
"""

from __future__ import annotations

import math
import re
import string
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from bot.glossary import transliteration
from bot.text import analyser, term_keys, typography

MAX_CONTEXT_WORDS = 7
"""Words kept before a parenthesis."""

MAX_MENTIONS = 200
"""Upper bound per paper; a text with more is not worth mining."""

_PARENTHESES = re.compile(r"\(([^()\n]{2,90})\)")
_PHRASE_BREAKS = re.compile(r"[,.:;\"'“”‘’「」『』《》<>\[\](){}|!?~…]|\s[-–—]\s")
_SEPARATORS = re.compile(r"[;,]|\s+or\s+|\s*이하\s*|\s*또는\s*|\s+혹은\s+")
_LEAD_IN = re.compile(r"^(?:예\s*[:：)]|예를 들어|e\.?g\.?|i\.?e\.?|see|such as|참조)", re.IGNORECASE)
_ENGLISH = re.compile(r"[A-Za-z0-9À-ɏ][A-Za-z0-9À-ɏ\s\-–/&'’+.]*")
_LETTER = re.compile(r"[A-Za-zÀ-ɏ]{2}")
_DIGITS_FIRST = re.compile(r"[~<>+\-]?[0-9][0-9.,%]*\b")
_LATIN_WORD = re.compile(r"[A-Za-z0-9À-ɏ][A-Za-z0-9À-ɏ\-–/&'’+.]*")
_MAX_ENGLISH_WORDS = 8
_CAPITALS = re.compile(r"([A-Z]{3,6})s?(?![A-Za-z0-9\-])")
_WORD_CHARACTERS = frozenset("-" + string.ascii_letters + string.digits)
_LATIN_RUN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2,24}(?:[ \-][A-Za-z]{1,24}){2,11}(?![A-Za-z0-9])")


class Mention(NamedTuple):
    """One parenthesis: the words before it and its parts, "" for each missing part."""

    left_context: str
    english: str
    abbreviation: str
    korean: str


def extract_mentions(text: str) -> list[Mention]:
    """Return the distinct mentions of a text in order, at most `MAX_MENTIONS`. Takes linear time."""
    mentions: dict[Mention, None] = {}
    for line in unicodedata.normalize("NFKC", text).replace("*", "").replace("`", "").split("\n"):
        for match in _PARENTHESES.finditer(line):
            for mention in _parse_parenthesis(line[max(0, match.start() - 120) : match.start()], match[1]):
                mentions.setdefault(mention)
    explained_keys = {
        term_keys.abbreviation_key(text)
        for mention in mentions
        for text in (mention.abbreviation, mention.left_context.split()[-1])
    }
    for mention in _extract_initialisms(text, explained_keys):
        mentions.setdefault(mention)
    return list(mentions)[:MAX_MENTIONS]


def _extract_initialisms(text: str, explained: Collection[str]) -> Iterator[Mention]:
    """Find abbreviations whose long form is in the same text, without parentheses, but for those that are explained.

    At least three letters, each the initial of a neighbouring word: such agreement is rarely chance.
    """
    # Checking the preceding letter after the match takes half the time of a lookbehind at every position.
    abbreviations = {
        match[1]
        for match in _CAPITALS.finditer(text)
        if match[1] not in explained and text[match.start() - 1 : match.start()] not in _WORD_CHARACTERS
    }
    if not abbreviations:
        return
    for run in _LATIN_RUN.findall(text):
        words = re.split(r"[ \-]", run)
        content = [index for index, word in enumerate(words) if word.lower() not in analyser.FUNCTION_WORDS]
        initials = "".join(words[index][0].upper() for index in content)
        for abbreviation in abbreviations:
            start = initials.find(abbreviation)
            if start >= 0:
                first, last = content[start], content[start + len(abbreviation) - 1]
                yield Mention(" ".join(words[first : last + 1]), "", abbreviation, "")


def _parse_parenthesis(preceding: str, content: str) -> Iterator[Mention]:
    left = _left_context(preceding)
    if not left or _LEAD_IN.match(content.strip()):
        return
    parts = _classify_parts(content)
    if parts is None:
        return
    english, abbreviation, korean_part = parts
    if analyser.ends_in_hangul(left):
        if english or abbreviation:
            yield Mention(left, english, abbreviation, "")
        return
    latin = _latin_tail(left)
    if latin:
        yield Mention(latin, english, abbreviation, korean_part)


def _left_context(preceding: str) -> str:
    """Return the last words before a parenthesis, cut at the last punctuation that ends a phrase."""
    cut = 0
    for match in _PHRASE_BREAKS.finditer(preceding):
        # A point within a word (GPT-3.5) does not end a phrase.
        if match[0] == "." and preceding[match.end() : match.end() + 1].isalnum():
            continue
        cut = match.end()
    return " ".join(preceding[cut:].split()[-MAX_CONTEXT_WORDS:])


def _latin_tail(left: str) -> str:
    tail: list[str] = []
    for word in reversed(left.split()):
        if not _LATIN_WORD.fullmatch(word):
            break
        tail.append(word)
    return " ".join(reversed(tail))


@lru_cache(maxsize=1 << 12)
def _classify_parts(content: str) -> tuple[str, str, str] | None:
    """Return the English, abbreviation and Korean parts of a parenthesis; None if it holds anything else."""
    pieces = [piece.strip() for piece in _SEPARATORS.split(content) if piece.strip()]
    if not 1 <= len(pieces) <= 3:
        return None
    by_kind = {"english": "", "abbreviation": "", "korean": ""}
    for piece in pieces[:2]:
        kind = _classify_part(piece)
        if kind is None or by_kind[kind]:
            return None
        by_kind[kind] = piece
    if len(pieces) == 3 and not (by_kind["english"] and by_kind["abbreviation"]):
        return None
    return by_kind["english"], by_kind["abbreviation"], by_kind["korean"]


def _classify_part(piece: str) -> str | None:
    if term_keys.is_abbreviation(piece):
        return "abbreviation"
    if analyser.has_hangul(piece):
        return "korean" if len(piece) <= 30 and len(piece.split()) <= 5 else None
    if not _ENGLISH.fullmatch(piece) or not _LETTER.search(piece) or _DIGITS_FIRST.match(piece):
        return None
    return "english" if len(piece.split()) <= _MAX_ENGLISH_WORDS else None


# Finds the long form of an abbreviation: "proximal policy optimization" for PPO.

_WORDS = re.compile(r"[^\W_]+")
_MAX_LONG_FORM_WORDS = 12


def long_form(text: str, abbreviation: str) -> str | None:
    """Return the shortest suffix of `text` that `abbreviation` can abbreviate, or None.

    Initials are tried on all suffixes before subsequences: otherwise "policy optimization" would win for PPO.
    """
    words = [(match.start(), analyser.fold(match[0])) for match in _WORDS.finditer(text)][
        -_MAX_LONG_FORM_WORDS:
    ]
    letters = _letters(abbreviation)
    if len(letters) < 2:
        return None
    for matches in (_matches_initials, _matches_subsequence):
        for first in range(len(words) - 1, -1, -1):
            if words[first][1] in analyser.FUNCTION_WORDS:
                continue
            if matches([word for _, word in words[first:]], letters):
                return text[words[first][0] :].strip()
    return None


def is_abbreviation_of(abbreviation: str, text: str) -> bool:
    """Tell whether an abbreviation can abbreviate the whole of a text; none stands for more than twelve words."""
    words = [analyser.fold(word) for word in _WORDS.findall(text)]
    letters = _letters(abbreviation)
    if len(letters) < 2 or len(words) > _MAX_LONG_FORM_WORDS:
        return False
    return _matches_initials(words, letters) or _matches_subsequence(words, letters)


def _letters(abbreviation: str) -> str:
    """Return the letters of an abbreviation, folded, without the plural s; 2 is read as "to"."""
    joined = "".join(_WORDS.findall(analyser.fold(term_keys.abbreviation_key(abbreviation))))
    return re.sub(r"(?<=[a-z])2(?=[a-z])", "t", joined)


def _matches_initials(words: list[str], letters: str) -> bool:
    """Match words to letters: one initial each, a whole word with digits; function words are optional."""
    if not words:
        return not letters
    word, rest = words[0], words[1:]
    if letters and word[0] == letters[0] and _matches_initials(rest, letters[1:]):
        return True
    if len(word) <= 4 and any(map(str.isdigit, word)) and letters.startswith(word):
        return _matches_initials(rest, letters[len(word) :])
    return word in analyser.FUNCTION_WORDS and _matches_initials(rest, letters)


def _matches_subsequence(words: list[str], letters: str) -> bool:
    """Tell whether the letters are a subsequence of the words, starting at the first and using every content word."""
    if not words or words[0][0] != letters[0] or len(words) > len(letters) + 2:
        return False
    reached = {0}
    for word in words:
        extended = {
            start + count
            for start in reached
            for count in range(1, _subsequence_length(word, letters[start:]) + 1)
        }
        reached = extended | reached if word in analyser.FUNCTION_WORDS else extended
    return len(letters) in reached


def _subsequence_length(word: str, letters: str) -> int:
    """Return the length of the longest prefix of `letters` that is a subsequence of `word`."""
    matched = 0
    for character in word:
        if matched < len(letters) and character == letters[matched]:
            matched += 1
    return matched


# Word alignment: learns which Korean word goes with which English word from parentheses alone.
#
# Counts distinct English terms, not occurrences: otherwise the frequent "large language model" would align 모델 with
# "large". Word pairs seen too rarely may still align as transliterations.

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
    return tuple(map(analyser.strip_ending, parts))


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


# Finds where the Korean term before a parenthesis begins.
#
# Extends the span to the left and keeps the best-scoring length: words that align with the English words count for it,
# known words that do not align and generic words against it.

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
    content = [word for word in words if word not in analyser.FUNCTION_WORDS]
    if len(content) < len(words) and _SPELLED_PREPOSITION.search(context):
        return len(words)
    return max(1, len(content))


def best_span(
    left: str, english: str, table: AssociationTable, supports: Mapping[tuple[str, str], int]
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
    def __init__(
        self,
        content: list[str],
        expected: int,
        table: AssociationTable,
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
        for word in split_context(unit):
            self._word_count += 1
            aligned_any |= self._score_word(word)
        if not aligned_any:
            self._unaligned += 1
            if unit in _GENERIC_WORDS:
                self._score -= 1.0
            elif self._has_participle and unit.endswith(_PARTICIPLES) and self._word_count <= self._expected:
                # A word as a participle (수정된, rectified) rarely has its usual translation.
                self._score = previous_score + 0.3
            elif self._word_count > 1 and _ENDING.search(unit) and analyser.is_hangul(unit[-1]):
                self._score -= 0.5
        elif self._word_count > 1 and _PHRASE_END.search(unit):
            self._score -= 1.0
        # A single syllable (내, 간, 별) belongs to the word before it.
        self._starts_with_suffix = unit in _SUFFIX_SYLLABLES or (
            len(unit) == 1 and analyser.is_hangul(unit) and not aligned_any
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


# What titles name: models and methods, and concepts by any of their forms.

_MAX_TITLE_LENGTH = 300
_MAX_TERM_WORDS = 5
_WORD = re.compile(r"[^\W_]+(?:[-'’.+#/&][^\W_]+)*(?:\+\+|#)?")
_NOT_NAME_LIST = (
    "about across after against all any are at be before between beyond but can could do does during et every for from how if"
    " in into is it its less let make makes may meets more most need no not on only onto our over per should so still than that"
    " the their these this those through together toward towards under upon using versus vs was we what when where whether which"
    " while who why will with within without you your accelerating achieving addressing advancing aligning analyzing assessing"
    " benchmarking boosting bridging building developing empowering enabling enhancing evaluating exploiting exploring"
    " harnessing improving integrating introducing investigating learn leveraging making measuring mitigating optimizing pushing"
    " rethinking revisiting simple taming teaching understanding unleashing unlocking unveiling based better driven efficient"
    " enhanced fast faster generalizable guided improved large new novel robust scalable strong unified a an as by of to via"
)
_NOT_NAMES = frozenset(_NOT_NAME_LIST.split())
_NAME_HEAD_END = re.compile(r":| Technical Report| System Card")
_NAME_HEAD = re.compile(r"(?:The |Introducing )?([A-Za-z]+(?:[ -][A-Za-z]+)*)")
_NAME_WORD = re.compile(r"[A-Za-z]{3,}")
_MAX_HEAD_WORDS, _MAX_BARE_HEAD_WORDS = 4, 3
"""Words of a head that may be a name, before a colon or in a title without one."""
MAX_NAMES, MAX_COUNTED_NAMES = 10_000, 50_000


class TitleCounter:
    """Counts in how many titles names and concepts are."""

    def __init__(self) -> None:
        self._titles: list[str] = []
        self._name_counts: Counter[str] = Counter()

    def add(self, title: str) -> None:
        """Count one title, in linear time."""
        title = title[:_MAX_TITLE_LENGTH]
        self._titles.append(title)
        if len(self._name_counts) < MAX_COUNTED_NAMES:
            self._name_counts.update(set(_names(title)))

    def list_names(self) -> dict[str, int]:
        """Return the names of models and methods in titles, without versions, with their numbers of titles."""
        return dict(self._name_counts.most_common(MAX_NAMES))

    def count_concepts(self, concept_forms: Iterable[tuple[str, str]]) -> dict[str, int]:
        """Return the number of titles with each concept, of (form, concept key) pairs, that any title has.

        A form of one word must match beyond the stem: generation, not generator.
        """
        forms: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for text, concept in concept_forms:
            word = "" if " " in text or "-" in text else analyser.fold(text)
            forms[term_keys.term_key(text)].append((word, concept))
        counts: Counter[str] = Counter()
        for title in self._titles:
            words = _WORD.findall(analyser.fold(typography.to_plain_text(title)))
            stems = [stem for word in words for stem in analyser.stemmed_words(word)]
            counts.update(
                {
                    concept
                    for key in _ngram_keys(stems)
                    for first, concept in forms.get(key, ())
                    if not first or any(word.startswith(first) for word in words)
                }
            )
        return dict(counts)


def _ngram_keys(stems: Sequence[str]) -> Iterator[str]:
    """Yield the term keys of one to five neighbouring words."""
    for start in range(len(stems)):
        for end in range(start + 1, min(start + _MAX_TERM_WORDS, len(stems)) + 1):
            part = stems[start:end]
            yield ("" if any(map(analyser.is_hangul, part)) else " ").join(part)


def _names(title: str) -> Iterator[str]:
    """Yield what may be a name in a title: its head before a colon, its first word, and words with a capital within."""
    before, *behind = _NAME_HEAD_END.split(title, maxsplit=1)
    head = _NAME_HEAD.match(before)
    if head:
        yield from (word for word in _NAME_WORD.findall(head[1])[:1] if word.casefold() not in _NOT_NAMES)
    if head and len(before.split()) <= (_MAX_HEAD_WORDS if behind else _MAX_BARE_HEAD_WORDS):
        yield head[1]
    yield from (word for word in _NAME_WORD.findall(title) if not word[1:].islower() and not word.islower())


def most_common_surface(surfaces: Counter[str]) -> str:
    """Return the most frequent spelling; of equals the one with the fewest capitals."""
    return min(surfaces, key=lambda text: (-surfaces[text], sum(map(str.isupper, text)), text))
