"""Generates an archive of newsletter digests from word lists, reproducibly and with realistic word frequencies.

A few terms are in half of all papers and most are rare, and likewise for authors. The sentences have no meaning.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Generic, TypeVar

from bench import vocabulary

Item = TypeVar("Item")
HEADINGS = ("What's New", "Technical Details", "Performance Highlights")
FIRST_DAY = date(2024, 1, 1)


class Zipf(Generic[Item]):
    """Draws items by Zipf's law: the n-th item with a weight of n to the power of -`exponent`."""

    def __init__(self, items: Sequence[Item], exponent: float = 1.0) -> None:
        self._items = items
        self._sums = list(accumulate(1 / (n + 1) ** exponent for n in range(len(items))))

    def draw(self, chance: random.Random) -> Item:
        """Return one item."""
        return self._items[bisect(self._sums, chance.random() * self._sums[-1])]


class DigestGenerator:
    """Generates digests, the same ones for the same seed. `authors` is the number of distinct names."""

    def __init__(self, *, papers: int, authors: int, seed: int = 1) -> None:
        self._chance = random.Random(seed)
        self._unseen = _names(authors, self._chance)
        self._authors = Zipf(list(self._unseen), 0.7)
        self._share = authors / papers
        self._subjects = Zipf(vocabulary.KOREAN_SUBJECTS, 0.6)
        self._terms = Zipf(vocabulary.TERMS, 0.9)
        self._systems = Zipf([_model_name(self._chance) for _ in range(max(papers // 2, 10))], 0.8)
        self._number = 0
        self._new_name_quota = 0.0

    def digest(self, on: date, papers: int) -> str:
        """Return one day's digest with this number of papers."""
        parts = [f"## Daily Papers ({on})\n"]
        parts += [self._paper(on) for _ in range(papers)]
        return "\n".join(parts)

    def _paper(self, on: date) -> str:
        chance = self._chance
        self._number += 1
        arxiv_id = f"{on:%y%m}.{self._number % 99_999 + 1:05}"
        votes = int(chance.paretovariate(1.2) * 4) if chance.random() > 0.02 else "-"
        bullets = "\n".join(f"- ***{heading}***: {self._text()}" for heading in HEADINGS)
        return (
            f"### [{self._title()}](https://arxiv.org/abs/{arxiv_id})\n\n"
            f"![](https://cdn-thumbnails.huggingface.co/social-thumbnails/papers/{arxiv_id}.png)\n\n"
            f"Vote: {votes}\n\nAuthors: {', '.join(self._author_names())}\n\n{bullets}\n"
        )

    def _author_names(self) -> list[str]:
        """Return names: mostly frequent ones, and enough new ones to use each name once."""
        self._new_name_quota += self._share
        names = dict.fromkeys(
            self._unseen.pop() for _ in range(min(int(self._new_name_quota), len(self._unseen)))
        )
        self._new_name_quota -= int(self._new_name_quota)
        for _ in range(int(self._chance.gammavariate(2, 2))):
            names[self._authors.draw(self._chance)] = None
        return list(names)

    def _title(self) -> str:
        chance = self._chance
        title = " ".join(
            (
                chance.choice(vocabulary.ENGLISH_MODIFIERS),
                chance.choice(vocabulary.ENGLISH_NOUNS),
                chance.choice(vocabulary.ENGLISH_PREPOSITIONS),
                self._terms.draw(chance)[1],
                chance.choice(vocabulary.ENGLISH_NOUNS),
            )
        )
        return f"{self._systems.draw(chance)}: {title}" if chance.random() < 0.6 else title

    def _text(self) -> str:
        return " ".join(self._sentence() for _ in range(self._chance.randint(2, 5)))

    def _sentence(self) -> str:
        chance = self._chance
        words = [f"{self._systems.draw(chance)}는"] if chance.random() < 0.4 else []
        for _ in range(chance.randint(4, 8)):
            if chance.random() < 0.3:
                words.append(chance.choice(vocabulary.KOREAN_MODIFIERS))
            words.append(self._subjects.draw(chance) + chance.choice(vocabulary.KOREAN_PARTICLES))
        if chance.random() < 0.4:
            korean, english, short = self._terms.draw(chance)
            words.append(f"{korean}({english}; {short})" if chance.random() < 0.5 else f"{korean}({english})")
        return f"{' '.join(words)} {chance.choice(vocabulary.KOREAN_VERBS)}."


def generate(
    *, digests: int = 360, papers: int = 5_500, authors: int = 25_000, seed: int = 1
) -> Iterator[tuple[date, str]]:
    """Yield the dates and texts of digests with this number of papers in all."""
    writer = DigestGenerator(papers=papers, authors=authors, seed=seed)
    for day in range(digests):
        count = papers * (day + 1) // digests - papers * day // digests
        on = FIRST_DAY + timedelta(days=day)
        yield on, writer.digest(on, count)


def write(folder: Path, **sizes: int) -> list[Path]:
    """Write the archive as `<year>/<month>/<day>.md` below a folder and return the paths in order."""
    paths = []
    for on, text in generate(**sizes):
        path = folder / f"{on:%Y/%m/%d}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths


def _names(number: int, chance: random.Random) -> list[str]:
    """Return distinct names in random order, some with an initial, a hyphen or diacritics."""
    given = [*vocabulary.FIRST_NAMES]
    given += [
        f"{first.capitalize()}{second}" for first in vocabulary.SYLLABLES for second in vocabulary.SYLLABLES
    ]
    names: dict[str, None] = {}
    while len(names) < number:
        middle = f"{chance.choice('ABCDEGHJKLMNPRST')}. " if chance.random() < 0.08 else ""
        second = f"-{chance.choice(vocabulary.LAST_NAMES)}" if chance.random() < 0.05 else ""
        names[f"{chance.choice(given)} {middle}{chance.choice(vocabulary.LAST_NAMES)}{second}"] = None
    return list(names)


def _model_name(chance: random.Random) -> str:
    """Return an invented model name such as `VexLinPa-2.5`."""
    name = "".join(chance.choice(vocabulary.SYLLABLES).capitalize() for _ in range(chance.randint(2, 3)))
    version = chance.choice(("", "", "-2", "-1.5", "-7B", "+"))
    return name + version
