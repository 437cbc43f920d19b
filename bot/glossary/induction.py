"""Learns the forms of terms from counted mentions, with the index as evidence.

A concept is a star of Korean forms and abbreviations around one English term. Forms are not linked transitively, which
would merge all terms that share a word. A Korean form is a term's if most papers that have the form have the term too.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from bot.glossary.mentions import Mention
from bot.glossary.resolver import LearntForm
from bot.text import analyser, concepts, seed, term_keys

MAX_LEARNT = 10_000
"""Forms that are learnt: those that most papers explain."""
MAX_FORMS = 20
"""Korean forms, and abbreviations, that are learnt of one term: a search looks for each of them."""
MAX_PAPERS_PER_EXPLANATION = 10
"""A form that far more papers have than explain it is an ordinary word: 제거 for diffusion. Frequent terms are seeded."""
_MAX_SPELLINGS = 4
"""English spellings of a term that are looked for as evidence."""


class Evidence(Protocol):
    """The papers of an archive, which are counted by the forms that they have."""

    def count(self, *terms: Sequence[str]) -> int:
        """Return the number of papers that have a form of each of these terms, given by their forms."""


def learn(
    mentions: Iterable[tuple[Mention, int]], terms: Iterable[seed.SeedTerm], evidence: Evidence
) -> list[LearntForm]:
    """Return the forms that mentions, with their numbers of papers, explain and papers confirm; those of most papers first."""
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
        if forms_of[key] >= MAX_FORMS or not vocabulary.may_be_form(korean, key, form):
            continue
        found = evidence.count([form])
        if found > MAX_PAPERS_PER_EXPLANATION * explained:
            continue
        confirmed = evidence.count([form], [*vocabulary.list_english(key), *short_forms[key]])
        if 2 * confirmed > found:
            forms_of[key] += 1
            learnt.append(LearntForm(vocabulary.name(key), form, explained, found, confirmed))
    return sorted(learnt, key=lambda row: (-row.explained, row.term, row.form))[:MAX_LEARNT]


_HEAD_LETTERS = 3
"""Letters of a stem that tell words apart: tuning is part of fine-tuning, whose stem is another one."""


class _Vocabulary:
    """The seed list by its keys, with the English spellings that mentions add."""

    def __init__(self, terms: Iterable[seed.SeedTerm]) -> None:
        self._seeds: dict[str, seed.SeedTerm] = {}
        self._owners = defaultdict[str, set[str]](set)
        self._translations = defaultdict[str, list[str]](list)
        self._spellings = defaultdict[str, Counter[str]](Counter)
        for term in terms:
            key = term_keys.english_key(term.english[0])
            if not term.is_common_word:
                self._seeds[key] = term
            for text in term.korean:
                self._owners[term_keys.korean_key(text)].add(key)
                self._translations[text] += map(
                    term_keys.english_key, term.english if term.is_common_word else ()
                )
        # Other English forms of a seed term are the term.
        self._main_keys = {
            term_keys.english_key(text): key for key, term in self._seeds.items() for text in term.english
        }

    def name(self, key: str) -> str:
        """Return the usual spelling of an English key, of equals the one with the fewest capitals."""
        if key in self._seeds:
            return self._seeds[key].english[0]
        spellings = self._spellings[key]
        return min(
            spellings, key=lambda text: (-spellings[text], sum(map(str.isupper, text)), text), default=key
        )

    def list_english(self, key: str) -> list[str]:
        """Return the English forms of a term."""
        seeded = self._seeds[key].english if key in self._seeds else ()
        written = [text for text, _ in self._spellings[key].most_common(_MAX_SPELLINGS)]
        return list(dict.fromkeys((*seeded, *written)))

    def read_long_forms(self, rows: Iterable[tuple[Mention, int]]) -> dict[str, Counter[str]]:
        """Return the papers that explain each abbreviation, by the English key of its long form."""
        long_forms = defaultdict[str, Counter[str]](Counter)
        for mention, papers in rows:
            abbreviation, text = mention.definition()
            key = term_keys.english_key(text)
            if key and key != term_keys.english_key(abbreviation):
                long_forms[term_keys.abbreviation_key(abbreviation)][self._main_keys.get(key, key)] += papers
                self._spellings[key][text] += papers
        return dict(long_forms)

    def find_main_terms(self, long_forms: Mapping[str, Counter[str]]) -> dict[str, str]:
        """Return the English key that each abbreviation is usually short for, of those that have one."""
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
        """Return the papers by spelling of each Korean term before parentheses, by its key and that of the English term."""
        pairs = defaultdict[tuple[str, str], Counter[str]](Counter)
        for (left, english, short), papers in rows:
            known = abbreviations.get(term_keys.abbreviation_key(short), "")
            key = term_keys.english_key(english) if english else known
            if key and analyser.ends_in_hangul(left):
                self._spellings[key].update({english: papers} if english else {})
                words = len(term_keys.content_words((english or key).replace("-", " ").lower()))
                if form := find_term(left, words):
                    pairs[term_keys.korean_key(form), self._main_keys.get(key, key)][form] += papers
        return dict(pairs)

    def may_be_form(self, korean: str, key: str, form: str) -> bool:
        """Tell whether a Korean form can be one of a term.

        It has two syllables per English word, with one or two less allowed (학습 is not supervised fine-tuning), and no verb's
        ending. What the seed list has for another term, or as a common word, it is not, nor does its
        last word translate a word that the term lacks: 혼합 모델 is not a mixture.
        """
        content = len(term_keys.content_words(key))
        heads = self._translations.get(analyser.split_context(form)[-1], ())
        return (
            len(korean) >= max(2, 2 * content - (1 if content <= 2 else 2))
            and key in self._owners.get(korean, (key,))
            and (not heads or any(head[:_HEAD_LETTERS] in key for head in heads))
        )


def find_term(left: str, words: int) -> str:
    """Return the Korean term at the end of a text for an English one of a number of words: two syllables each; "" for none."""
    term = ""
    for unit in reversed(left.split()):
        if unit in seed.read_words("boundary_words.txt") or len(term_keys.korean_key(term)) >= 2 * words:
            break
        term = f"{unit} {term}".strip()
    return term.removesuffix("들") if len(term) > 3 else term
