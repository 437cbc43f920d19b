"""Gathers evidence from counted mentions: which Korean key translates which English key, in how many papers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from bot.text.analysis import korean, term_keys
from bot.text.glossary.extraction import abbreviations, alignment, mentions, spans
from bot.text.glossary.model import concepts, seed

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
    table: alignment.AssociationTable


class _GlossRow(NamedTuple):
    left_context: str
    english: str
    key: str
    papers: int
    is_abbreviated: bool


def gather_evidence(
    counts: Iterable[MentionCount],
    seeds: Iterable[seed.SeedTerm] = (),
    seed_words: Iterable[seed.SeedTerm] = (),
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
    table = alignment.add_seed_words(alignment.learn_associations(learnt), _seed_words(seed_words))
    supports = spans.count_supports((row.left_context, row.key, row.papers) for row in glosses)
    pairs: dict[TermPair, PairEvidence] = {}
    papers: Counter[str] = Counter()
    for row in glosses:
        span = spans.best_span(row.left_context, row.english, table, supports)
        if row.english and not row.is_abbreviated:
            surfaces[row.key][row.english] += row.papers
            papers[row.key] += row.papers
        if span is not None:
            _add_evidence(pairs, row, span)
    _add_korean_in_parentheses(pairs, rows, long_forms, by_seed, table, surfaces)
    return Evidence(pairs, long_forms, surfaces, papers, table)


def _unambiguous_abbreviations(terms: Iterable[seed.SeedTerm]) -> dict[str, str]:
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
    left_is_korean = korean.ends_in_hangul(mention.left_context)
    if mention.abbreviation:
        text = abbreviations.long_form(mention.english or mention.left_context, mention.abbreviation)
        if text and not (left_is_korean and not mention.english):
            return mention.abbreviation, text
        return None
    last = mention.left_context.split()[-1]
    if mention.english and not left_is_korean and term_keys.is_abbreviation(last):
        return (last, mention.english) if abbreviations.is_abbreviation_of(last, mention.english) else None
    return None


def _seed_words(terms: Iterable[seed.SeedTerm]) -> Iterator[tuple[str, str]]:
    """Yield each Korean seed word with each of its English stems."""
    for term in terms:
        for korean_form in term.korean:
            for english in term.english:
                yield korean.strip_ending(term_keys.korean_key(korean_form)), term_keys.english_key(english)


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
    if not korean.ends_in_hangul(mention.left_context):
        return None
    if mention.english:
        key = term_keys.english_key(mention.english)
        return _GlossRow(mention.left_context, mention.english, key, papers, False) if key else None
    term = _expand_abbreviation(mention.abbreviation, long_forms, by_seed)
    return _GlossRow(mention.left_context, term, term, papers, True) if term else None


def _add_evidence(pairs: dict[TermPair, PairEvidence], row: _GlossRow, span: spans.Span) -> None:
    korean_key = term_keys.korean_key(span.text)
    if len(korean_key) > 3:
        korean_key = korean_key.removesuffix("들")
    gloss = pairs.setdefault(TermPair(korean_key, row.key), PairEvidence())
    gloss.papers += row.papers
    gloss.abbreviated_papers += row.papers if row.is_abbreviated else 0
    gloss.coverage = max(gloss.coverage, span.coverage)
    gloss.word_count = max(gloss.word_count, span.word_count)
    gloss.expected_words = spans.expected_word_count(row.english, row.left_context)
    surface = span.text.removesuffix("들") if len(korean_key) > 2 else span.text
    gloss.surfaces[surface] += row.papers


def _add_korean_in_parentheses(
    pairs: dict[TermPair, PairEvidence],
    rows: list[MentionCount],
    long_forms: Mapping[str, Counter[str]],
    by_seed: Mapping[str, str],
    table: alignment.AssociationTable,
    surfaces: dict[str, Counter[str]],
) -> None:
    """Add evidence from English(한국어) and ABBR(한국어), where the Korean term is delimited."""
    for mention, papers in rows:
        if not mention.korean or korean.ends_in_hangul(mention.left_context):
            continue
        last = mention.left_context.split()[-1]
        english: str | None = mention.left_context
        if term_keys.is_abbreviation(last):
            english = _expand_abbreviation(last, long_forms, by_seed)
        if not english or len(english.split()) > 5:
            continue
        key = term_keys.english_key(english)
        span = spans.best_span(mention.korean, english, table, {})
        if span is None or not key or term_keys.korean_key(span.text) != term_keys.korean_key(mention.korean):
            continue
        is_abbreviated = term_keys.is_abbreviation(last)
        _add_evidence(pairs, _GlossRow(mention.left_context, english, key, papers, is_abbreviated), span)
        if not is_abbreviated:
            surfaces[key][english] += papers
