"""Measures author search: how often the right author comes first for variants and misspellings of a name."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from rapidfuzz.distance import OSA

from bench.quality import measures
from bot.archive import parse
from bot.text import analyser

NameSearch = Callable[[str], list[str]]
"""Returns the names of matching authors, best first."""

LETTERS = "abcdefghijklmnopqrstuvwxyz"
PREFIX = "while typing"


def list_people(files: Sequence[Path]) -> list[str]:
    """Return all spellings of author names in an archive, without duplicates."""
    spellings = {
        name
        for file in files
        for digest in parse.parse_text(parse.decode(file.read_bytes()))
        for entry in digest.entries
        for name in entry.authors
    }
    return sorted(spellings)


def variants(name: str) -> Iterator[tuple[str, str]]:
    """Yield error-free variants of a name as pairs (kind, variant)."""
    yield "as written", name
    yield "lower case", name.lower()
    given, _, family = name.rpartition(" ")
    if given:
        yield "family first", f"{family}, {given}"
        yield "family first, no comma", f"{family} {given}".lower()
        yield "initial", f"{given[0]}. {family}"
        yield PREFIX, name[: max(len(given) + 2, 3 * len(name) // 4)]
    if not name.isascii():
        yield "no diacritics", analyser.fold(name)
        yield "umlauts written out", analyser.fold_name_german(name)
    if "-" in name:
        yield "hyphen dropped", name.replace("-", "")
        yield "hyphen as space", name.replace("-", " ")
    first, *middle = given.split() or [""]
    if middle:
        yield "no middle name", f"{first} {family}"
        yield "middle initials", " ".join([first, *(part[0] for part in middle), family])


def with_typo(name: str, chance: random.Random) -> str:
    """Return a name with one letter deleted, inserted, replaced or transposed. Single-letter words are left alone."""
    while True:
        indexes = [
            index for index, letter in enumerate(name) if letter.isalpha() and len(_word_at(name, index)) > 1
        ]
        if not indexes:
            return name
        index, other = chance.choice(indexes), chance.choice(LETTERS)
        kind = chance.randrange(4)
        if kind == 0:
            changed = name[:index] + name[index + 1 :]
        elif kind == 1:
            changed = name[: index + 1] + other + name[index + 1 :]
        elif kind == 2:
            changed = name[:index] + other + name[index + 1 :]
        elif index + 1 in indexes:
            changed = name[:index] + name[index + 1] + name[index] + name[index + 2 :]
        else:
            continue
        if changed.lower() != name.lower():
            return changed


def _word_at(name: str, index: int) -> str:
    start = max(name.rfind(sign, 0, index) for sign in " -.") + 1
    return name[start:].replace("-", " ").replace(".", " ").split()[0]


class NameEquivalence:
    """Finds names that match a text equally well, by their variants."""

    def __init__(self, people: Iterable[str]) -> None:
        self._by_variant: dict[str, set[str]] = defaultdict(set)
        for name in people:
            for kind, typed in variants(name):
                if kind != PREFIX:
                    self._by_variant[analyser.fold_name(typed)].add(analyser.fold_name(name))

    def is_as_good(self, typed: str, found: str, meant: str, errors: int) -> bool:
        """Return whether the found name matches the typed text as well as the intended name does."""
        if not errors:
            return analyser.fold_name(found) in self._by_variant[analyser.fold_name(typed)]
        folded = analyser.fold_name(typed)
        found, meant = analyser.fold_name(found), analyser.fold_name(meant)
        return OSA.distance(folded, found, score_cutoff=3) <= OSA.distance(folded, meant, score_cutoff=3)


def measure(
    people: Sequence[str],
    search: NameSearch,
    complete: NameSearch,
    figures: measures.MetricSamples,
    *,
    sample_size: int,
    seed: int = 1,
) -> None:
    """Search for sampled names in each variant.

    Samples per kind: `first` (the intended name is first), `right` (it or an equivalent is), `offered` (it is listed).
    """
    chance = random.Random(seed)
    equivalence = NameEquivalence(people)
    for name in chance.sample(people, min(sample_size, len(people))):
        for kind, typed in variants(name):
            found = (complete if kind == PREFIX else search)(typed)
            _add_samples(kind, typed, name, found, 0, equivalence, figures)
        typed = with_typo(name, chance)
        _add_samples("one error", typed, name, search(typed), 1, equivalence, figures)


def _add_samples(
    kind: str,
    typed: str,
    name: str,
    found: Sequence[str],
    errors: int,
    equivalence: NameEquivalence,
    figures: measures.MetricSamples,
) -> None:
    own = analyser.fold_name(name)
    offered = any(analyser.fold_name(other) == own for other in found)
    first = bool(found) and analyser.fold_name(found[0]) == own
    as_good = offered and (kind == PREFIX or equivalence.is_as_good(typed, found[0], name, errors))
    for group in ("all" if kind != PREFIX else PREFIX, kind):
        figures.add(f"{group}: first", float(first))
        figures.add(f"{group}: right", float(first or as_good))
        figures.add(f"{group}: offered", float(offered))
