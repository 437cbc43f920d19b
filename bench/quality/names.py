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

Ask = Callable[[str], list[str]]
"""Gives the names of the people whom what was typed may mean, the best first."""

LETTERS = "abcdefghijklmnopqrstuvwxyz"
TYPING = "while typing"
_LONG_NAME = 12
"""Letters from which a name is asked for with two typing errors."""


def list_people(files: Sequence[Path]) -> list[str]:
    """Return all authors of an archive as they are written, each writing once."""
    found = {
        name
        for file in files
        for digest in parse.parse_text(parse.decode(file.read_bytes()))
        for entry in digest.papers
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
        yield TYPING, name[: max(len(given) + 2, 3 * len(name) // 4)]
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
    elif (place := _joint(first)) and family:
        yield "syllables apart", f"{first[:place]} {first[place:]} {family}"
        yield "syllables by hyphen", f"{first[:place]}-{first[place:]} {family}"


def _joint(given: str) -> int:
    """Return where a given name of two syllables as in Junyang may be cut, 0 if nowhere."""
    ends = [
        place
        for place in range(2, len(given) - 1)
        if given[place - 1] in "aeioung" and given[place] not in "aeiou"
    ]
    return ends[0] if given.isascii() and given.isalpha() and 5 <= len(given) <= 9 and ends else 0


def with_error(name: str, chance: random.Random) -> str:
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


class Fitting:
    """Who else may truly be meant by what was typed: those for whom it is as good a writing."""

    def __init__(self, people: Iterable[str]) -> None:
        self._by_writing: dict[str, set[str]] = defaultdict(set)
        for name in people:
            for kind, typed in variants(name):
                if kind != TYPING:
                    self._by_writing[normalisation.fold_name(typed)].add(normalisation.fold_name(name))

    def fits(self, typed: str, found: str, meant: str, errors: int) -> bool:
        """Tell whether somebody who was found fits what was typed as well as who was meant."""
        if not errors:
            return normalisation.fold_name(found) in self._by_writing[normalisation.fold_name(typed)]
        asked = normalisation.fold_name(typed)
        return names.distance(asked, normalisation.fold_name(found), most=3) <= names.distance(
            asked, normalisation.fold_name(meant), most=3
        )


def measure(
    people: Sequence[str], ask: Ask, complete: Ask, figures: measures.Figures, *, many: int, seed: int = 1
) -> None:
    """Ask for people drawn from all in each way. `first`: the one meant; `right`: or one who fits as well; `offered`."""
    chance = random.Random(seed)
    fitting = Fitting(people)
    for name in chance.sample(people, min(many, len(people))):
        for kind, typed in variants(name):
            found = (complete if kind == TYPING else ask)(typed)
            _count(kind, typed, name, found, 0, fitting, figures)
        typed = with_error(name, chance)
        _count("one error", typed, name, ask(typed), 1, fitting, figures)
        if len(name) >= _LONG_NAME:
            typed = with_error(typed, chance)
            _count("two errors", typed, name, ask(typed), 2, fitting, figures)


def _count(
    kind: str,
    typed: str,
    name: str,
    found: Sequence[str],
    errors: int,
    fitting: Fitting,
    figures: measures.Figures,
) -> None:
    own = normalisation.fold_name(name)
    offered = any(normalisation.fold_name(one) == own for one in found)
    first = bool(found) and normalisation.fold_name(found[0]) == own
    as_good = offered and (kind == TYPING or fitting.fits(typed, found[0], name, errors))
    for group in ("all" if kind != TYPING else TYPING, kind):
        figures.add(f"{group}: first", float(first))
        figures.add(f"{group}: right", float(first or as_good))
        figures.add(f"{group}: offered", float(offered))
