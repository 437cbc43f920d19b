"""Ranks the senses of abbreviations, and finds English spellings that are variants of one term."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from bot.text.analysis import stopwords
from bot.text.glossary.extraction import title_phrases
from bot.text.glossary.induction import evidence
from bot.text.glossary.model import concepts, seed

_MIN_JACCARD = 0.5


def rank_senses(
    explained: Mapping[str, Counter[str]], seeds: Iterable[seed.SeedTerm]
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
    papers_of, total = evidence.papers_containing, sum(counts.values())
    senses = [
        concepts.AbbreviationSense(key, papers_of(key, counts) / total, papers_of(key, explained))
        for key in counts
    ]
    return sorted(senses, key=lambda sense: (-sense.share, -counts[sense.key], len(sense.key), sense.key))


def name_senses(
    senses: Mapping[str, list[concepts.AbbreviationSense]],
    surfaces: Mapping[str, Counter[str]],
    seeds: Mapping[str, seed.SeedTerm],
) -> dict[str, list[concepts.AbbreviationSense]]:
    """Return the senses with their usual writing: that of the seed list, or the most common one."""

    def name(key: str) -> str:
        if key in seeds:
            return seeds[key].english[0]
        return title_phrases.most_common_surface(surfaces[key]) if surfaces.get(key) else key

    return {
        abbreviation: [sense._replace(text=name(sense.key)) for sense in ranked]
        for abbreviation, ranked in senses.items()
    }


def variant_keys(
    senses: Mapping[str, list[concepts.AbbreviationSense]], mention_evidence: evidence.Evidence
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
    return words - stopwords.FUNCTION_WORDS == main_words - stopwords.FUNCTION_WORDS
