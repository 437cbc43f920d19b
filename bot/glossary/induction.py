"""Builds concepts from counted mentions in two steps: a draft, then the concepts, with co-occurrence in the papers.

A concept is a star of Korean forms and abbreviations around one English term. Forms are not linked transitively, which
would merge all terms that share a word.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import add
from typing import NamedTuple

from bot.glossary import concepts, mentions
from bot.text import analyser, term_keys

# Gathers evidence from counted mentions: which Korean key translates which English key, in how many papers.

MentionCount = tuple[mentions.Mention, int]
"""A mention and the number of papers that hold it, as storage counts them."""


class TermPair(NamedTuple):
    """A Korean key and the English key that it translates."""

    korean: str
    english: str


@dataclass
class PairEvidence:
    """The evidence for one pair: papers, spellings, and the best share of the English term that was aligned."""

    papers: int = 0
    coverage: float = 0.0
    word_count: int = 0
    expected_words: int = 1
    abbreviated_papers: int = 0
    surfaces: Counter[str] = field(default_factory=Counter)


@dataclass
class Evidence:
    """The evidence of all mentions, before filtering."""

    pairs: dict[TermPair, PairEvidence]
    abbreviations: dict[str, Counter[str]]
    surfaces: dict[str, Counter[str]]
    papers: Counter[str]
    table: mentions.AssociationTable


class _GlossRow(NamedTuple):
    left_context: str
    english: str
    key: str
    papers: int
    is_abbreviated: bool


def gather_evidence(
    counts: Iterable[MentionCount],
    seeds: Iterable[concepts.SeedTerm] = (),
    seed_words: Iterable[concepts.SeedTerm] = (),
) -> Evidence:
    """Gather the evidence of all mentions; seed terms and words help the alignment but are not evidence themselves."""
    seed_terms = list(seeds)
    rows = list(counts)
    surfaces: dict[str, Counter[str]] = defaultdict(Counter)
    long_forms = _collect_long_forms(rows, surfaces)
    by_seed = _unambiguous_abbreviations(seed_terms)
    glosses = [row for count in rows if (row := _gloss_row(count, long_forms, by_seed)) is not None]
    learnt = [(row.left_context, row.key, row.papers) for row in glosses if not row.is_abbreviated]
    learnt += [(korean_form, term.key, 1) for term in seed_terms for korean_form in term.korean]
    table = mentions.add_seed_words(mentions.learn_associations(learnt), _seed_words(seed_words))
    supports = mentions.count_supports((row.left_context, row.key, row.papers) for row in glosses)
    pairs: dict[TermPair, PairEvidence] = {}
    papers: Counter[str] = Counter()
    for row in glosses:
        span = mentions.best_span(row.left_context, row.english, table, supports)
        if row.english and not row.is_abbreviated:
            surfaces[row.key][row.english] += row.papers
            papers[row.key] += row.papers
        if span is not None:
            _add_evidence(pairs, row, span)
    _add_korean_in_parentheses(pairs, rows, long_forms, by_seed, table, surfaces)
    return Evidence(pairs, long_forms, surfaces, papers, table)


def _unambiguous_abbreviations(terms: Iterable[concepts.SeedTerm]) -> dict[str, str]:
    """Return the English key of each abbreviation that one seed term alone has."""
    pairs = [(abbreviation, term.key) for term in terms for abbreviation in term.abbreviations]
    counts = Counter(abbreviation for abbreviation, _ in pairs)
    return {abbreviation: key for abbreviation, key in pairs if counts[abbreviation] == 1}


def merge_pair_evidence(left: PairEvidence, right: PairEvidence) -> PairEvidence:
    """Return the combined evidence of two spellings of one pair."""
    return PairEvidence(
        left.papers + right.papers,
        max(left.coverage, right.coverage),
        max(left.word_count, right.word_count),
        left.expected_words,
        left.abbreviated_papers + right.abbreviated_papers,
        left.surfaces + right.surfaces,
    )


def dominant_term(counts: Mapping[str, int]) -> str | None:
    """Return the English key that an abbreviation mainly abbreviates; longer keys that contain it count for it."""
    total = sum(counts.values())
    shares = {key: papers_containing(key, counts) for key in counts}
    best = max(shares, key=lambda key: (shares[key], counts[key], -len(key), key), default=None)
    return best if best is not None and shares[best] >= concepts.DOMINANT_SHARE * total else None


def papers_containing(key: str, counts: Mapping[str, int]) -> int:
    """Return the papers of an English key and of all longer keys that contain it."""
    return sum(papers for longer, papers in counts.items() if f" {key} " in f" {longer} ")


def _collect_long_forms(
    rows: list[MentionCount], surfaces: dict[str, Counter[str]]
) -> dict[str, Counter[str]]:
    """Return the English keys of the long forms of each abbreviation; adds their spellings to `surfaces`."""
    long_forms: dict[str, Counter[str]] = defaultdict(Counter)
    for mention, papers in rows:
        definition = _abbreviation_definition(mention)
        if definition is None:
            continue
        abbreviation, text = definition
        key = term_keys.english_key(text)
        if key and key != term_keys.english_key(abbreviation):
            long_forms[term_keys.abbreviation_key(abbreviation)][key] += papers
            surfaces[key][text] += papers
    return long_forms


def _abbreviation_definition(mention: mentions.Mention) -> tuple[str, str] | None:
    """Return the abbreviation and the long form that a mention defines, in either order."""
    left_is_korean = analyser.ends_in_hangul(mention.left_context)
    if mention.abbreviation:
        text = mentions.long_form(mention.english or mention.left_context, mention.abbreviation)
        if text and not (left_is_korean and not mention.english):
            return mention.abbreviation, text
        return None
    last = mention.left_context.split()[-1]
    if mention.english and not left_is_korean and term_keys.is_abbreviation(last):
        return (last, mention.english) if mentions.is_abbreviation_of(last, mention.english) else None
    return None


def _seed_words(terms: Iterable[concepts.SeedTerm]) -> Iterator[tuple[str, str]]:
    for term in terms:
        for korean_form in term.korean:
            for english in term.english:
                yield analyser.strip_ending(term_keys.korean_key(korean_form)), term_keys.english_key(english)


def _expand_abbreviation(
    abbreviation: str, long_forms: Mapping[str, Counter[str]], by_seed: Mapping[str, str]
) -> str | None:
    key = term_keys.abbreviation_key(abbreviation)
    return dominant_term(long_forms[key]) if key in long_forms else by_seed.get(key)


def _gloss_row(
    count: MentionCount, long_forms: Mapping[str, Counter[str]], by_seed: Mapping[str, str]
) -> _GlossRow | None:
    """Return a mention with the Korean term first and its English side, resolved from the abbreviation if needed."""
    mention, papers = count
    if not analyser.ends_in_hangul(mention.left_context):
        return None
    if mention.english:
        key = term_keys.english_key(mention.english)
        return _GlossRow(mention.left_context, mention.english, key, papers, False) if key else None
    term = _expand_abbreviation(mention.abbreviation, long_forms, by_seed)
    return _GlossRow(mention.left_context, term, term, papers, True) if term else None


def _add_evidence(pairs: dict[TermPair, PairEvidence], row: _GlossRow, span: mentions.Span) -> None:
    korean_key = term_keys.korean_key(span.text)
    if len(korean_key) > 3:
        korean_key = korean_key.removesuffix("들")
    gloss = pairs.setdefault(TermPair(korean_key, row.key), PairEvidence())
    gloss.papers += row.papers
    gloss.abbreviated_papers += row.papers if row.is_abbreviated else 0
    gloss.coverage = max(gloss.coverage, span.coverage)
    gloss.word_count = max(gloss.word_count, span.word_count)
    gloss.expected_words = mentions.expected_word_count(row.english, row.left_context)
    surface = span.text.removesuffix("들") if len(korean_key) > 2 else span.text
    gloss.surfaces[surface] += row.papers


def _add_korean_in_parentheses(
    pairs: dict[TermPair, PairEvidence],
    rows: list[MentionCount],
    long_forms: Mapping[str, Counter[str]],
    by_seed: Mapping[str, str],
    table: mentions.AssociationTable,
    surfaces: dict[str, Counter[str]],
) -> None:
    """Add evidence from English(한국어) and ABBR(한국어), where the Korean term is delimited."""
    for mention, papers in rows:
        if not mention.korean or analyser.ends_in_hangul(mention.left_context):
            continue
        last = mention.left_context.split()[-1]
        english: str | None = mention.left_context
        if term_keys.is_abbreviation(last):
            english = _expand_abbreviation(last, long_forms, by_seed)
        if not english or len(english.split()) > 5:
            continue
        key = term_keys.english_key(english)
        span = mentions.best_span(mention.korean, english, table, {})
        if span is None or not key or term_keys.korean_key(span.text) != term_keys.korean_key(mention.korean):
            continue
        is_abbreviated = term_keys.is_abbreviation(last)
        _add_evidence(pairs, _GlossRow(mention.left_context, english, key, papers, is_abbreviated), span)
        if not is_abbreviated:
            surfaces[key][english] += papers


# Counts document frequencies of terms and term pairs over any sample of papers.
#
# One pass for thousands of terms: candidates are indexed by first syllables and first words.


class CooccurrenceCounter:
    """Document frequencies of Korean and English keys, and of the given pairs, over the papers added."""

    def __init__(
        self,
        pairs: Iterable[TermPair],
        english_forms: Mapping[str, Iterable[str]],
        sure_forms: Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        """Take the pairs to count; `english_forms` gives further stem sequences for each English key.

        `sure_forms` are the Korean keys that surely mean an English key, of which a further form is one more.
        """
        self.papers = 0
        self.korean_counts: Counter[str] = Counter()
        self.english_counts: Counter[str] = Counter()
        self.pair_counts: Counter[TermPair] = Counter()
        self._sure_forms = {key: tuple(forms) for key, forms in (sure_forms or {}).items()}
        self._partners: dict[str, list[str]] = defaultdict(list)
        self._short_keys: set[str] = set()
        self._by_prefix: dict[str, list[str]] = defaultdict(list)
        self._by_first_word: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for pair in pairs:
            if pair.korean not in self._partners:
                if len(pair.korean) < 3:
                    self._short_keys.add(pair.korean)
                else:
                    self._by_prefix[pair.korean[:3]].append(pair.korean)
            self._partners[pair.korean].append(pair.english)
        for key, forms in english_forms.items():
            for form in {key, *forms}:
                self._by_first_word[form.split()[0]].append((f" {form} ", key))

    def add(self, canonical: str) -> None:
        """Count one paper, given as its canonical text."""
        self.papers += 1
        english = self._english_in(canonical)
        self.english_counts.update(english)
        korean = self._korean_in(canonical)
        self.korean_counts.update(korean)
        for key in korean:
            for partner in self._partners[key]:
                if partner in english or self._has_another_form(key, partner, korean):
                    self.pair_counts[TermPair(key, partner)] += 1

    def _has_another_form(self, key: str, partner: str, korean: set[str]) -> bool:
        """Tell whether a paper has another sure Korean form, neither part of this one nor the other way round."""
        return any(
            form in korean and form not in key and key not in form
            for form in self._sure_forms.get(partner, ())
        )

    def share(self, pair: TermPair) -> float:
        """Return the share of the papers with a Korean form that have another form of the term, less that by chance."""
        frequency = self.korean_counts[pair.korean]
        if not frequency or not self.papers:
            return 1.0
        by_chance = self.english_counts[pair.english] / self.papers
        return (self.pair_counts[pair] / frequency - by_chance) / max(1 - by_chance, 1 / self.papers)

    def share_of_english(self, pair: TermPair) -> float:
        """Return the share of the papers with the English term that have the Korean form, less that by chance."""
        frequency = self.english_counts[pair.english]
        if not frequency:
            return 0.0
        by_chance = self.korean_counts[pair.korean] / self.papers
        return (self.pair_counts[pair] / frequency - by_chance) / max(1 - by_chance, 1 / self.papers)

    def _english_in(self, canonical: str) -> set[str]:
        keys: set[str] = set()
        for word in set(canonical.split()) & self._by_first_word.keys():
            for form, key in self._by_first_word[word]:
                if key not in keys and form in canonical:
                    keys.add(key)
        return keys

    def _korean_in(self, canonical: str) -> set[str]:
        compact = canonical.replace(" ", "")
        pairs = list(map(add, compact, compact[1:]))
        # A short form counts where a word begins with it, of one syllable where it is the word, as search weighs them.
        words = canonical.replace(analyser.PARTICLE_MARK, "").split()
        keys = self._short_keys.intersection(word[:2] for word in words)
        for start in self._by_prefix.keys() & set(map(add, pairs, compact[2:])):
            keys.update(key for key in self._by_prefix[start] if key in compact)
        return keys


# Filters of Korean forms of an English term: by coverage, length, other senses, and the papers that confirm them.

_MIN_COVERAGE = 1 / 3
_MIN_BACK_PROBABILITY = 0.34
_SUFFICIENT_PAPERS = 4
_MIN_WORD_SHARES = (0.4, 0.2, 0.12)
"""Smallest share of a form's papers that have another form of a single word, if up to one, three or more papers explain it."""
_MIN_PHRASE_SHARES = (0.25, 0.12, 0.08)
_MIN_FREQUENCY = 8
"""Papers with a Korean form from which their share decides."""
_VERB_ENDING = re.compile(
    r"(?:하|되|시키|이)는$|[하되]기$|(?:하여|하고|하며|되어|하다|된다)$|[가-힣](?:된|한)$"
)
_DIGIT = re.compile("[0-9]")


def is_plausible(pair: TermPair, gloss: PairEvidence, total_papers: int) -> bool:
    """Judge a pair by its own evidence; `total_papers` is the number of papers with this Korean form for any term."""
    content = len(term_keys.content_words(pair.english))
    return (
        _is_covered(gloss, content, len(pair.korean))
        # Two syllables per English word, with one or two less allowed: 학습 is not supervised fine-tuning.
        and len(pair.korean) >= max(1, 2 * content - (1 if content <= 2 else 2))
        and gloss.papers >= _MIN_BACK_PROBABILITY * total_papers
    )


def _is_covered(gloss: PairEvidence, content: int, syllables: int) -> bool:
    """Require aligned words, fewer the more papers there are.

    Where no word aligns, as many words as the English term has suffice, or one closed-up word of that length.
    """
    if gloss.papers >= _SUFFICIENT_PAPERS:
        return True
    if gloss.papers == 1 and gloss.abbreviated_papers and gloss.coverage < 1 / 2:
        return False
    if gloss.coverage >= _MIN_COVERAGE:
        return gloss.papers >= 2 or abs(gloss.word_count - gloss.expected_words) <= 1
    is_closed_up = gloss.word_count == 1 and syllables >= 2 * max(content, gloss.expected_words)
    return gloss.coverage == 0 and (gloss.word_count == gloss.expected_words or is_closed_up)


def is_subsumed_by(pair: TermPair, gloss: PairEvidence, subsuming: TermPair, papers: int) -> bool:
    """Tell whether a Korean form rather translates a term contained in the English one: 선호도 최적화 is not *direct* PO.

    `papers` explain the form by the shorter term `subsuming`; a much better supported longer term remains.
    """
    longer, shorter = set(pair.english.split()), set(subsuming.english.split())
    return shorter < longer and gloss.coverage < 1 and gloss.papers <= 3 * papers


def is_term(pair: TermPair) -> bool:
    """Tell whether a Korean form can be a term: of two syllables or more, without a verb's ending or foreign digits."""
    return (
        len(pair.korean) > 1
        and not _VERB_ENDING.search(pair.korean)
        and set(_DIGIT.findall(pair.korean)) <= set(_DIGIT.findall(pair.english))
    )


def is_confirmed(pair: TermPair, papers: int, counter: CooccurrenceCounter) -> bool:
    """Require that papers with a Korean form have another form of the term too, the more the fewer explain it."""
    if counter.korean_counts[pair.korean] < _MIN_FREQUENCY:
        return _is_likelier_than_chance(pair, papers, counter)
    is_word = len(term_keys.content_words(pair.english)) == 1
    shares = _MIN_WORD_SHARES if is_word else _MIN_PHRASE_SHARES
    return counter.share(pair) >= shares[min(papers, _SUFFICIENT_PAPERS) // 2]


def _is_likelier_than_chance(pair: TermPair, papers: int, counter: CooccurrenceCounter) -> bool:
    """Require a form in few papers to be in the papers of its term more often than by chance."""
    frequency = counter.korean_counts[pair.korean]
    if frequency <= 4 * papers + 1:
        return True
    needed = 3.0 if papers > 1 else 6.0
    by_chance = (frequency - papers) * counter.english_counts[pair.english] / counter.papers
    further_papers = counter.pair_counts[pair] - papers
    return further_papers > 0 and further_papers >= needed * by_chance


def confirmed_translations(pair: TermPair, counter: CooccurrenceCounter) -> Iterator[tuple[str, str]]:
    """Yield (word, translation) in each direction in which most papers of the translation have the word too."""
    if counter.pair_counts[pair] > 1:
        if counter.share(pair) >= _MIN_WORD_SHARES[0]:
            yield pair.english, pair.korean
        if counter.share_of_english(pair) >= _MIN_WORD_SHARES[0]:
            yield pair.korean, pair.english


# Ranks the senses of abbreviations, and finds English spellings that are variants of one term.

_MIN_JACCARD = 0.5


def rank_senses(
    explained: Mapping[str, Counter[str]], seeds: Iterable[concepts.SeedTerm]
) -> dict[str, list[concepts.AbbreviationSense]]:
    """Return the senses of each abbreviation, best first; papers of a longer key that contains a key count for it too."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for term in seeds:
        for abbreviation in term.abbreviations:
            counts[abbreviation][term.key] += concepts.SEED_PAPERS
    for abbreviation, terms in explained.items():
        counts[abbreviation].update(terms)
    return {
        abbreviation: _rank_long_forms(terms, explained.get(abbreviation, Counter()))
        for abbreviation, terms in counts.items()
    }


def _rank_long_forms(counts: Counter[str], explained: Mapping[str, int]) -> list[concepts.AbbreviationSense]:
    papers_of, total = papers_containing, sum(counts.values())
    senses = [
        concepts.AbbreviationSense(key, papers_of(key, counts) / total, papers_of(key, explained))
        for key in counts
    ]
    return sorted(senses, key=lambda sense: (-sense.share, -counts[sense.key], len(sense.key), sense.key))


def name_senses(
    senses: Mapping[str, list[concepts.AbbreviationSense]],
    surfaces: Mapping[str, Counter[str]],
    seeds: Mapping[str, concepts.SeedTerm],
) -> dict[str, list[concepts.AbbreviationSense]]:
    """Return the senses with their usual writing: that of the seed list, or the most common one."""

    def name(key: str) -> str:
        if key in seeds:
            return seeds[key].english[0]
        return mentions.most_common_surface(surfaces[key]) if surfaces.get(key) else key

    return {
        abbreviation: [sense._replace(text=name(sense.key)) for sense in ranked]
        for abbreviation, ranked in senses.items()
    }


def variant_keys(
    senses: Mapping[str, list[concepts.AbbreviationSense]], mention_evidence: Evidence
) -> dict[str, str]:
    """Return the main English key of each key that is a variant of another one.

    A variant has the same main abbreviation, shares more than half of the words, has at most half the papers, and neither key
    contains the other: "large visual language model" is a variant of "large vision language model".
    """
    main_by_key: dict[str, str] = {}
    for terms in senses.values():
        main = terms[0].key if terms and terms[0].share >= concepts.DOMINANT_SHARE / 2 else None
        if main is None or main in main_by_key:
            continue
        for sense in terms[1:]:
            papers, main_papers = mention_evidence.papers[sense.key], mention_evidence.papers[main]
            if _is_variant(sense.key, main) and 2 * papers <= max(2, main_papers):
                main_by_key.setdefault(sense.key, main)
    return {key: main for key, main in main_by_key.items() if main not in main_by_key}


def _is_variant(key: str, main: str) -> bool:
    words, main_words = set(key.split()), set(main.split())
    if f" {key} " in f" {main} " or f" {main} " in f" {key} ":
        return False
    if len(words & main_words) / len(words | main_words) > _MIN_JACCARD:
        return True
    return words - analyser.FUNCTION_WORDS == main_words - analyser.FUNCTION_WORDS


_MAX_ENGLISH_FORMS = 5
_MIN_WORD_ASSOCIATION = 0.2
_SURE_PAPERS = 3
"""Papers that explain a Korean form, from which it is evidence for other forms of the term."""
_MAX_SYNONYM_FORMS = 6
"""Maximum number of synonymous forms per concept."""


@dataclass(frozen=True, slots=True)
class GlossaryDraft:
    """Term pairs that passed all filters except the one that needs the papers."""

    mention_evidence: Evidence
    seeds: Mapping[str, concepts.SeedTerm]
    pairs: Mapping[TermPair, PairEvidence]
    senses: Mapping[str, list[concepts.AbbreviationSense]]
    variants: Mapping[str, str]
    synonym_forms: Mapping[str, Mapping[str, str]]

    def cooccurrence_counter(self) -> CooccurrenceCounter:
        """Return a new counter; add papers (all or a sample) to it before `build_concepts`."""
        terms = {pair.english for pair in self.pairs}
        synonym_pairs = [
            TermPair(korean, key) for key, texts in self.synonym_forms.items() for korean in texts
        ]
        words = [
            TermPair(word, stem)
            for word, row in self.mention_evidence.table.associations.items()
            for stem, score in row.items()
            if score >= _MIN_WORD_ASSOCIATION and len(word) > 1
        ]
        english = {key: list(self._english_variants(key)) for key in {*terms, *self.seeds}}
        english |= {pair.english: [] for pair in words if pair.english not in english}
        seeded = {TermPair(korean, key) for key, forms in self._sure_forms().items() for korean in forms}
        pairs = {*self.pairs, *synonym_pairs, *words, *seeded}
        return CooccurrenceCounter(sorted(pairs), english, self._sure_forms())

    def _sure_forms(self) -> dict[str, set[str]]:
        """Return the Korean keys of each English key that the seed list has or several papers explain."""
        sure = {key: set(map(term_keys.korean_key, term.korean)) for key, term in self.seeds.items()}
        for pair, gloss in self.pairs.items():
            if gloss.papers >= _SURE_PAPERS:
                sure.setdefault(pair.english, set()).add(pair.korean)
        return sure

    def confirmed_table(self, counter: CooccurrenceCounter) -> mentions.AssociationTable:
        """Return the association table with the words that papers confirm as translations."""
        table = self.mention_evidence.table
        confirmed = {
            words
            for pair in counter.pair_counts
            if pair.english in table.associations.get(pair.korean, {})
            for words in confirmed_translations(pair, counter)
        }
        return mentions.AssociationTable(
            table.associations, table.term_counts, {*table.confirmed, *confirmed}
        )

    def _english_variants(self, key: str) -> Iterator[str]:
        for text in self.mention_evidence.surfaces.get(key, {}):
            yield from term_keys.latin_variants(text)
        if key in self.seeds:
            for text in self.seeds[key].english:
                yield from term_keys.latin_variants(text)
        for abbreviation, terms in self.senses.items():
            if terms[0].key == key and terms[0].share >= concepts.DOMINANT_SHARE:
                yield from term_keys.latin_variants(abbreviation)


def draft_glossary(counts: Iterable[MentionCount], terms: Iterable[concepts.SeedTerm]) -> GlossaryDraft:
    """Gather the evidence of all mentions and apply the filters that do not need the papers."""
    all_terms = list(terms)
    seeds = _merge_seed_terms(term for term in all_terms if not term.is_common_word)
    mention_evidence = gather_evidence(
        counts, seeds.values(), [term for term in all_terms if term.is_common_word]
    )
    main_by_form = {
        term_keys.english_key(text): term.key for term in seeds.values() for text in term.english[1:]
    }
    seed_variants = {key: main for key, main in main_by_form.items() if key not in seeds}
    long_forms: dict[str, Counter[str]] = {}
    for abbreviation, terms_of in mention_evidence.abbreviations.items():
        merged = long_forms[abbreviation] = Counter()
        for key, papers in terms_of.items():
            merged[seed_variants.get(key, key)] += papers
    ranked = rank_senses(long_forms, seeds.values())
    senses = name_senses(ranked, mention_evidence.surfaces, seeds)
    mined_variants = variant_keys(senses, mention_evidence).items()
    variants = {**{key: main for key, main in mined_variants if key not in seeds}, **seed_variants}
    pairs = _filter_pairs(_merge_variants(mention_evidence.pairs, variants), seeds)
    return GlossaryDraft(mention_evidence, seeds, pairs, senses, variants, _synonym_forms(pairs, seeds))


def _synonym_forms(
    pairs: Mapping[TermPair, PairEvidence], seeds: Mapping[str, concepts.SeedTerm]
) -> dict[str, dict[str, str]]:
    """Return the synonymous Korean forms of each English key's well supported ones, as text by Korean key.

    Forms of a term of their own are excluded.
    """
    sure: dict[str, list[str]] = defaultdict(list)
    for term in seeds.values():
        sure[term.key] += term.korean
    for pair, gloss in pairs.items():
        if gloss.papers > 1:
            sure[pair.english].append(mentions.most_common_surface(gloss.surfaces))
    known_keys = {pair.korean for pair in pairs}
    known_keys |= {term_keys.korean_key(text) for texts in sure.values() for text in texts}
    by_key = {
        key: {
            korean: variant
            for text in texts
            for variant in concepts.synonym_variants(text)
            if (korean := term_keys.korean_key(variant)) not in known_keys
        }
        for key, texts in sure.items()
    }
    return {key: forms for key, forms in by_key.items() if forms}


def _filter_pairs(
    pairs: Mapping[TermPair, PairEvidence], seeds: Mapping[str, concepts.SeedTerm]
) -> dict[TermPair, PairEvidence]:
    terms_by_korean: dict[str, dict[str, int]] = defaultdict(dict)
    for pair, gloss in pairs.items():
        terms_by_korean[pair.korean][pair.english] = gloss.papers
    seeded: dict[str, set[str]] = defaultdict(set)
    for seed_term in seeds.values():
        for key in map(term_keys.korean_key, seed_term.korean):
            seeded[key].add(seed_term.key)
            papers = terms_by_korean[key].get(seed_term.key, 0)
            terms_by_korean[key][seed_term.key] = papers + concepts.SEED_PAPERS
    return {
        pair: gloss
        for pair, gloss in pairs.items()
        if is_term(pair)
        and pair.english in seeded.get(pair.korean, {pair.english})
        and is_plausible(pair, gloss, sum(terms_by_korean[pair.korean].values()))
        and not any(
            is_subsumed_by(pair, gloss, pair._replace(english=term), papers)
            for term, papers in terms_by_korean[pair.korean].items()
        )
    }


def build_concepts(draft: GlossaryDraft, counter: CooccurrenceCounter) -> list[concepts.Concept]:
    """Return the concepts, best supported first."""
    glosses: dict[str, dict[str, PairEvidence]] = defaultdict(dict)
    for pair, gloss in draft.pairs.items():
        if is_confirmed(pair, gloss.papers, counter):
            glosses[pair.english][pair.korean] = gloss
    abbreviations = _abbreviation_forms(draft.senses)
    terms = {*glosses, *draft.seeds, *abbreviations} - draft.variants.keys()
    built = [
        concepts.Concept(
            key,
            (
                *_english_forms(key, draft),
                *_korean_forms_with_synonyms(key, glosses.get(key, {}), draft, counter),
                *abbreviations.get(key, []),
            ),
        )
        for key in terms
    ]
    return sorted(
        (concept for concept in built if len(concept.forms) > 1),
        key=lambda concept: (-concept.support, concept.key),
    )


def _merge_seed_terms(terms: Iterable[concepts.SeedTerm]) -> dict[str, concepts.SeedTerm]:
    merged: dict[str, concepts.SeedTerm] = {}
    for term in terms:
        previous = merged.get(term.key)
        if previous is not None:
            term = concepts.SeedTerm(
                term.key,
                tuple(dict.fromkeys(previous.korean + term.korean)),
                tuple(dict.fromkeys(previous.english + term.english)),
                tuple(dict.fromkeys(previous.abbreviations + term.abbreviations)),
            )
        merged[term.key] = term
    return merged


def _merge_variants(
    pairs: Mapping[TermPair, PairEvidence], variants: Mapping[str, str]
) -> dict[TermPair, PairEvidence]:
    merged: dict[TermPair, PairEvidence] = {}
    for pair, gloss in pairs.items():
        pair = pair._replace(english=variants.get(pair.english, pair.english))
        previous = merged.get(pair)
        merged[pair] = gloss if previous is None else merge_pair_evidence(previous, gloss)
    return merged


def _abbreviation_forms(
    senses_by_abbreviation: Mapping[str, list[concepts.AbbreviationSense]],
) -> dict[str, list[concepts.SurfaceForm]]:
    """Return the abbreviations of each term that they mainly abbreviate, the most explained first."""
    by_term: dict[str, list[concepts.SurfaceForm]] = defaultdict(list)
    for abbreviation, (main, *_) in senses_by_abbreviation.items():
        if main.share >= concepts.DOMINANT_SHARE:
            expands = main.papers > 0 or len(abbreviation) > 2
            form = concepts.SurfaceForm(abbreviation, "abbr", main.papers, main.share, expands=expands)
            by_term[main.key].append(form)
    for forms in by_term.values():
        forms.sort(key=lambda form: (-form.papers, form.text))
    return by_term


def _english_forms(key: str, draft: GlossaryDraft) -> list[concepts.SurfaceForm]:
    gathered = draft.mention_evidence
    surfaces = gathered.surfaces.get(key)
    main_surface = mentions.most_common_surface(surfaces) if surfaces else key
    forms = [concepts.SurfaceForm(main_surface, "en", gathered.papers[key])]
    for variant, main in draft.variants.items():
        if main == key and (surfaces := gathered.surfaces.get(variant)):
            surface = mentions.most_common_surface(surfaces)
            forms.append(concepts.SurfaceForm(surface, "en", gathered.papers[variant]))
    if key in draft.seeds:
        seed_forms = draft.seeds[key].english
        forms[0] = forms[0]._replace(text=seed_forms[0], seeded=True)
        forms += [concepts.SurfaceForm(text, "en", 0, seeded=True) for text in seed_forms[1:]]
    return forms[:_MAX_ENGLISH_FORMS]


def _korean_forms(
    glosses: Mapping[str, PairEvidence], seeded: concepts.SeedTerm | None
) -> list[concepts.SurfaceForm]:
    """Return the Korean forms, best supported first; forms that contain another remaining one are aliases."""
    forms: dict[str, concepts.SurfaceForm] = {}
    for key, gloss in sorted(glosses.items(), key=lambda item: (-item[1].papers, len(item[0]), item[0])):
        forms[key] = concepts.SurfaceForm(mentions.most_common_surface(gloss.surfaces), "ko", gloss.papers)
    seeded_keys = {term_keys.korean_key(text): text for text in seeded.korean} if seeded else {}
    for key, text in seeded_keys.items():
        if key not in forms:
            forms[key] = concepts.SurfaceForm(text, "ko", 0, seeded=True)
        else:
            forms[key] = forms[key]._replace(seeded=True)
    dropped = {key for key in forms if _is_fragment(key, glosses, seeded_keys)}
    remaining = {key: form for key, form in forms.items() if key not in dropped}
    return [
        form._replace(is_alias=any(shorter != key and shorter in key for shorter in remaining))
        for key, form in remaining.items()
    ]


def _korean_forms_with_synonyms(
    key: str, glosses: Mapping[str, PairEvidence], draft: GlossaryDraft, counter: CooccurrenceCounter
) -> list[concepts.SurfaceForm]:
    """Return the explained and seeded forms, then the most frequent synonymous ones that papers use."""
    forms = _korean_forms(glosses, draft.seeds.get(key))
    form_keys = [term_keys.korean_key(form.text) for form in forms]
    synonym_texts = {
        korean: text
        for korean, text in draft.synonym_forms.get(key, {}).items()
        if counter.korean_counts[korean]
        and not any(form_key in korean for form_key in form_keys)
        and is_confirmed(TermPair(korean, key), 0, counter)
    }
    most_frequent = sorted(synonym_texts, key=lambda korean: (-counter.korean_counts[korean], korean))[
        :_MAX_SYNONYM_FORMS
    ]
    forms += [concepts.SurfaceForm(synonym_texts[korean], "ko", 0) for korean in most_frequent]
    pairs = [TermPair(term_keys.korean_key(form.text), key) for form in forms]
    return [
        form._replace(found=counter.korean_counts[pair.korean], confirmed=counter.pair_counts[pair])
        for form, pair in zip(forms, pairs, strict=True)
    ]


def _is_fragment(key: str, glosses: Mapping[str, PairEvidence], seeded: Iterable[str]) -> bool:
    """Tell whether a form is part of a much better supported one and covers less of the English term."""
    if key not in glosses or key in seeded:
        return False
    own_gloss = glosses[key]
    if own_gloss.papers == 1 and own_gloss.coverage < 1 and any(key in longer for longer in seeded):
        return True
    return any(
        longer != key
        and key in longer
        and gloss.papers > 2 * own_gloss.papers
        and gloss.coverage > own_gloss.coverage
        for longer, gloss in glosses.items()
    )
