"""Learns forms of terms from counted mentions, using the index as evidence.

Each Korean form or abbreviation belongs to one English term, which most papers with that form must also contain. Links
between forms are not transitive, because that would merge all terms that share a word.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from bot.search.term_mentions import Mention
from bot.search.term_resolver import LearntForm
from bot.text import analyser, concepts, seed, term_keys

MAX_LEARNT = 10_000
"""The maximum number of forms to learn, most explained first."""
MAX_FORMS = 20
"""The maximum number of Korean forms, and of abbreviations, to learn for a term. A search looks for all of them."""
MAX_PAPERS_PER_EXPLANATION = 10
"""A form used more often than this per explanation is an ordinary word: 제거 for diffusion. Frequent terms are seeded."""
_MAX_SPELLINGS = 4
"""The number of English spellings of a term that count as evidence."""


class Evidence(Protocol):
    def count(self, *terms: Sequence[str]) -> int:
        """Return the number of papers that contain all of the terms, each given by its forms."""


def learn(
    mentions: Iterable[tuple[Mention, int]], terms: Iterable[seed.SeedTerm], evidence: Evidence
) -> list[LearntForm]:
    """Return the forms that mentions define and papers confirm, most often defined first. `mentions` map to paper counts."""
    rows, vocabulary = list(mentions), _Vocabulary(terms)
    long_forms = vocabulary.read_long_forms(rows)
    learnt = [
        LearntForm(vocabulary.name(key), short, papers)
        for short, keys in long_forms.items()
        for key, papers in keys.most_common(MAX_FORMS)
    ]
    abbreviations = vocabulary.find_main_terms(long_forms)
    short_forms = defaultdict[str, list[str]](list)
    for short, key in abbreviations.items():
        short_forms[key].append(short)
    forms_of = Counter[str]()
    pairs = vocabulary.find_pairs(rows, abbreviations)
    for (korean, key), spellings in sorted(pairs.items(), key=lambda pair: (-pair[1].total(), pair[0])):
        form, explained = spellings.most_common(1)[0][0], spellings.total()
        if forms_of[key] >= MAX_FORMS or not vocabulary.may_be_form(korean, key):
            continue
        having = evidence.count([form])
        if having > MAX_PAPERS_PER_EXPLANATION * explained:
            continue
        confirmed = evidence.count([form], [*vocabulary.list_english(key), *short_forms[key]])
        if 2 * confirmed > having:
            forms_of[key] += 1
            learnt.append(LearntForm(vocabulary.name(key), form, explained, having, confirmed))
    return sorted(learnt, key=lambda row: (-row.explained, row.term, row.form))[:MAX_LEARNT]


class _Vocabulary:
    """The seed list by key, together with the English spellings found in mentions."""

    def __init__(self, terms: Iterable[seed.SeedTerm]) -> None:
        self._seeds: dict[str, seed.SeedTerm] = {}
        self._owners = defaultdict[str, set[str]](set)
        self._spellings = defaultdict[str, Counter[str]](Counter)
        for term in terms:
            key = term_keys.english_key(term.english[0])
            if not term.is_common_word:
                self._seeds[key] = term
            for text in term.korean:
                self._owners[term_keys.korean_key(text)].add(key)
        # Map every English form of a seeded term to the key of its main form.
        self._main_keys = {
            term_keys.english_key(text): key for key, term in self._seeds.items() for text in term.english
        }

    def name(self, key: str) -> str:
        """Return the most frequent spelling of an English key; of equally frequent ones, the one with the fewest capitals."""
        if key in self._seeds:
            return self._seeds[key].english[0]
        spellings = self._spellings[key]
        return min(
            spellings, key=lambda text: (-spellings[text], sum(map(str.isupper, text)), text), default=key
        )

    def list_english(self, key: str) -> list[str]:
        seeded = self._seeds[key].english if key in self._seeds else ()
        written = [text for text, _ in self._spellings[key].most_common(_MAX_SPELLINGS)]
        return list(dict.fromkeys((*seeded, *written)))

    def read_long_forms(self, rows: Iterable[tuple[Mention, int]]) -> dict[str, Counter[str]]:
        """Count the papers that define each abbreviation, keyed by the English key of the long form."""
        long_forms = defaultdict[str, Counter[str]](Counter)
        for mention, papers in rows:
            abbreviation, text = mention.definition()
            key = term_keys.english_key(text)
            if key and key != term_keys.english_key(abbreviation):
                long_forms[term_keys.abbreviation_key(abbreviation)][self._main_keys.get(key, key)] += papers
                self._spellings[key][text] += papers
        return dict(long_forms)

    def find_main_terms(self, long_forms: Mapping[str, Counter[str]]) -> dict[str, str]:
        """Return the English key of each abbreviation that has a dominant meaning."""
        counts = defaultdict[str, Counter[str]](
            Counter, {short: Counter(keys) for short, keys in long_forms.items()}
        )
        for key, term in self._seeds.items():
            for short in term.abbreviations:
                counts[short][key] += concepts.SEED_PAPERS
        mains = ((short, *keys.most_common(1)[0], keys.total()) for short, keys in counts.items())
        return {short: key for short, key, most, total in mains if most >= concepts.DOMINANT_SHARE * total}

    def find_pairs(
        self, rows: Iterable[tuple[Mention, int]], abbreviations: Mapping[str, str]
    ) -> dict[tuple[str, str], Counter[str]]:
        """Count the papers with a Korean term before a parenthesis, keyed by Korean and English key, then by spelling."""
        pairs = defaultdict[tuple[str, str], Counter[str]](Counter)
        for (left, english, short), papers in rows:
            meant = abbreviations.get(term_keys.abbreviation_key(short), "")
            key = term_keys.english_key(english) if english else meant
            if key and analyser.ends_in_hangul(left):
                self._spellings[key].update({english: papers} if english else {})
                words = len(term_keys.content_words((english or key).replace("-", " ").lower()))
                if form := find_term(left, words):
                    pairs[term_keys.korean_key(form), self._main_keys.get(key, key)][form] += papers
        return dict(pairs)

    def may_be_form(self, korean: str, key: str) -> bool:
        """Return whether a Korean text could be a form of a term.

        It needs about two syllables per English word, so 학습 is not supervised fine-tuning. It must not be a seeded form
        of another term or a common word in the seed list.
        """
        content = len(term_keys.content_words(key))
        return len(korean) >= max(2, 2 * content - (1 if content <= 2 else 2)) and key in self._owners.get(
            korean, (key,)
        )


def find_term(left: str, words: int) -> str:
    """Return the Korean term at the end of a text, or "". The term has about two syllables per word of the English term."""
    term = ""
    for unit in reversed(left.split()):
        if unit in seed.read_words("boundary_words.txt") or len(term_keys.korean_key(term)) >= 2 * words:
            break
        term = f"{unit} {term}".strip()
    return term.removesuffix("들") if len(term) > 3 else term
