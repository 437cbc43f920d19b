"""Decides what abbreviations stand for, and which English writings are variants of one term."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from bot.text.analysis import term_keys
from bot.text.glossary.induction import evidence
from bot.text.glossary.model import concepts, seed

SEED_PAPERS = 2
"""What a line of the starting list weighs against evidence, in papers."""
_LEAST_LIKENESS = 0.5


def read(
    explained: Mapping[str, Counter[str]], seeds: Iterable[seed.Term]
) -> dict[str, list[concepts.Reading]]:
    """Return the readings of each abbreviation, best first; longer keys that hold a key speak for it too."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for term in seeds:
        for abbreviation in term.abbreviations:
            counts[abbreviation][term.key] += SEED_PAPERS
    for abbreviation, terms in explained.items():
        counts[abbreviation].update(terms)
    return {
        abbreviation: _readings(terms, explained.get(abbreviation, Counter()))
        for abbreviation, terms in counts.items()
    }


def _readings(counts: Counter[str], mined: Mapping[str, int]) -> list[concepts.Reading]:
    total = sum(counts.values())
    found = [concepts.Reading(key, _holding(key, counts) / total, _holding(key, mined)) for key in counts]
    return sorted(
        found, key=lambda reading: (-reading.share, -counts[reading.key], len(reading.key), reading.key)
    )


def _holding(key: str, counts: Mapping[str, int]) -> int:
    return sum(papers for other, papers in counts.items() if f" {key} " in f" {other} ")


def variants(readings: Mapping[str, list[concepts.Reading]], found: evidence.Evidence) -> dict[str, str]:
    """Return for each English key that is a variant of another one that other one.

    Only under the same main abbreviation, alike in more than half of the words, with at most half the papers,
    and neither holding the other: "large visual language model" joins "large vision language model".
    """
    joined: dict[str, str] = {}
    for terms in readings.values():
        main = terms[0].key if terms and terms[0].share >= evidence.MAIN_SHARE / 2 else None
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
    return len(one & other) / len(one | other) > _LEAST_LIKENESS or _same_but_for_functions(one, other)


def _same_but_for_functions(one: set[str], other: set[str]) -> bool:
    return one - term_keys.FUNCTION_WORDS == other - term_keys.FUNCTION_WORDS
