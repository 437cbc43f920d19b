"""Decides what abbreviations stand for, and which English writings are variants of one term."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from bot.text.analysis import stopwords
from bot.text.glossary.induction import evidence
from bot.text.glossary.model import concepts, seed

_MIN_JACCARD = 0.5


def rank_senses(
    explained: Mapping[str, Counter[str]], seeds: Iterable[seed.SeedTerm]
) -> dict[str, list[concepts.AbbreviationSense]]:
    """Return the readings of each abbreviation, best first; longer keys that hold a key speak for it too."""
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


def _rank_long_forms(counts: Counter[str], mined: Mapping[str, int]) -> list[concepts.AbbreviationSense]:
    total = sum(counts.values())
    found = [
        concepts.AbbreviationSense(
            key, _papers_containing(key, counts) / total, _papers_containing(key, mined)
        )
        for key in counts
    ]
    return sorted(
        found, key=lambda reading: (-reading.share, -counts[reading.key], len(reading.key), reading.key)
    )


def _papers_containing(key: str, counts: Mapping[str, int]) -> int:
    return sum(papers for other, papers in counts.items() if f" {key} " in f" {other} ")


def variant_keys(
    senses: Mapping[str, list[concepts.AbbreviationSense]], found: evidence.Evidence
) -> dict[str, str]:
    """Return for each English key that is a variant of another one that other one.

    Only under the same main abbreviation, alike in more than half of the words, with at most half the papers,
    and neither holding the other: "large visual language model" joins "large vision language model".
    """
    joined: dict[str, str] = {}
    for terms in senses.values():
        main = terms[0].key if terms and terms[0].share >= concepts.DOMINANT_SHARE / 2 else None
        if main is None or main in joined:
            continue
        for other in terms[1:]:
            if _is_variant(other.key, main) and 2 * found.papers[other.key] <= max(2, found.papers[main]):
                joined.setdefault(other.key, main)
    return {key: main for key, main in joined.items() if main not in joined}


def _is_variant(key: str, main: str) -> bool:
    one, other = set(key.split()), set(main.split())
    if f" {key} " in f" {main} " or f" {main} " in f" {key} ":
        return False
    return len(one & other) / len(one | other) > _MIN_JACCARD or _have_same_content_words(one, other)


def _have_same_content_words(one: set[str], other: set[str]) -> bool:
    return one - stopwords.FUNCTION_WORDS == other - stopwords.FUNCTION_WORDS
