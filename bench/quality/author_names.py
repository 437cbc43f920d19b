"""The ways in which people ask for a person by name, and how often the right one comes first: our own figure."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from bench.quality import measures
from bot.digests import parse
from bot.text.analysis import normalisation
from bot.text.people import names

NameSearch = Callable[[str], list[str]]
"""Gives the names of the people whom what was typed may mean, the best first."""

LETTERS = "abcdefghijklmnopqrstuvwxyz"
PREFIX = "while typing"
_LONG_NAME = 12
"""Letters from which a name is asked for with two typing errors."""


def list_people(files: Sequence[Path]) -> list[str]:
    """Return all authors of an archive as they are written, each writing once."""
    found = {
        name
        for file in files
        for digest in parse.parse_text(parse.decode(file.read_bytes()))
        for entry in digest.entries
        for name in entry.authors
    }
    return sorted(found)


def variants(name: str) -> Iterator[tuple[str, str]]:
    """Give the ways to write a name without an error, with what each is called; those alone that change it."""
    yield "as written", name
    yield "lower case", name.lower()
    given, _, family = name.rpartition(" ")
    if given:
        yield "family first", f"{family}, {given}"
        yield "family first, no comma", f"{family} {given}".lower()
        yield "initial", f"{given[0]}. {family}"
        yield "initial behind", f"{family} {given[0]}"
        yield PREFIX, name[: max(len(given) + 2, 3 * len(name) // 4)]
    if not name.isascii():
        yield "no diacritics", normalisation.fold(name)
        yield "umlauts written out", normalisation.fold_name_german(name)
    if "-" in name:
        yield "hyphen dropped", name.replace("-", "")
        yield "hyphen as space", name.replace("-", " ")
    first, *middle = given.split() or [""]
    if middle:
        yield "no middle name", f"{first} {family}"
        yield "middle initials", " ".join([first, *(one[0] for one in middle), family])
    elif (place := _syllable_boundary(first)) and family:
        yield "syllables apart", f"{first[:place]} {first[place:]} {family}"
        yield "syllables by hyphen", f"{first[:place]}-{first[place:]} {family}"


def _syllable_boundary(given: str) -> int:
    """Return where a given name of two syllables as in Junyang may be cut, 0 if nowhere."""
    ends = [
        place
        for place in range(2, len(given) - 1)
        if given[place - 1] in "aeioung" and given[place] not in "aeiou"
    ]
    return ends[0] if given.isascii() and given.isalpha() and 5 <= len(given) <= 9 and ends else 0


def with_typo(name: str, chance: random.Random) -> str:
    """Return a name with a letter left out, added, changed or swapped; one-letter words stay as they are."""
    while True:
        places = [
            place for place, letter in enumerate(name) if letter.isalpha() and len(_word_at(name, place)) > 1
        ]
        if not places:
            return name
        place, other = chance.choice(places), chance.choice(LETTERS)
        kind = chance.randrange(4)
        if kind == 0:
            changed = name[:place] + name[place + 1 :]
        elif kind == 1:
            changed = name[: place + 1] + other + name[place + 1 :]
        elif kind == 2:
            changed = name[:place] + other + name[place + 1 :]
        elif place + 1 in places:
            changed = name[:place] + name[place + 1] + name[place] + name[place + 2 :]
        else:
            continue
        if changed.lower() != name.lower():
            return changed


def _word_at(name: str, place: int) -> str:
    start = max(name.rfind(sign, 0, place) for sign in " -.") + 1
    return name[start:].replace("-", " ").replace(".", " ").split()[0]


class NameEquivalence:
    """Who else may truly be meant by what was typed: those for whom it is as good a writing."""

    def __init__(self, people: Iterable[str]) -> None:
        self._by_writing: dict[str, set[str]] = defaultdict(set)
        for name in people:
            for kind, typed in variants(name):
                if kind != PREFIX:
                    self._by_writing[normalisation.fold_name(typed)].add(normalisation.fold_name(name))

    def is_as_good(self, typed: str, found: str, meant: str, errors: int) -> bool:
        """Tell whether somebody who was found fits what was typed as well as who was meant."""
        if not errors:
            return normalisation.fold_name(found) in self._by_writing[normalisation.fold_name(typed)]
        asked = normalisation.fold_name(typed)
        return names.edit_distance(
            asked, normalisation.fold_name(found), max_distance=3
        ) <= names.edit_distance(asked, normalisation.fold_name(meant), max_distance=3)


def measure(
    people: Sequence[str],
    search: NameSearch,
    complete: NameSearch,
    figures: measures.MetricSamples,
    *,
    sample_size: int,
    seed: int = 1,
) -> None:
    """Ask for people drawn from all in each way. `first`: the one meant; `right`: or one who fits as well; `offered`."""
    chance = random.Random(seed)
    fitting = NameEquivalence(people)
    for name in chance.sample(people, min(sample_size, len(people))):
        for kind, typed in variants(name):
            found = (complete if kind == PREFIX else search)(typed)
            _add_samples(kind, typed, name, found, 0, fitting, figures)
        typed = with_typo(name, chance)
        _add_samples("one error", typed, name, search(typed), 1, fitting, figures)
        if len(name) >= _LONG_NAME:
            typed = with_typo(typed, chance)
            _add_samples("two errors", typed, name, search(typed), 2, fitting, figures)


def _add_samples(
    kind: str,
    typed: str,
    name: str,
    found: Sequence[str],
    errors: int,
    fitting: NameEquivalence,
    figures: measures.MetricSamples,
) -> None:
    own = normalisation.fold_name(name)
    offered = any(normalisation.fold_name(one) == own for one in found)
    first = bool(found) and normalisation.fold_name(found[0]) == own
    as_good = offered and (kind == PREFIX or fitting.is_as_good(typed, found[0], name, errors))
    for group in ("all" if kind != PREFIX else PREFIX, kind):
        figures.add(f"{group}: first", float(first))
        figures.add(f"{group}: right", float(first or as_good))
        figures.add(f"{group}: offered", float(offered))
