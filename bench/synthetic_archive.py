"""Generates digests with words, terms and authors as frequent as in real ones. The same seed gives the same digests.

A few terms of the seed list are in many papers and most are rare; likewise for words and authors. The sentences have
no meaning.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import accumulate
from typing import Generic, TypeVar

from bot.text import seed

Item = TypeVar("Item")
HEADINGS = ("What's New", "Technical Details", "Performance Highlights")
FIRST_DAY = date(2024, 1, 1)
_SYLLABLES = (
    "다이의는을를에가고하한로서지기으나시사도리자대전인그정아해제라수장부일보성모비상주어안구적동공경국연조유원과생우방세"
    "화중용체발개신무선관재실계소결재행입법분내강단학물문술량들심식력운반회민만교요음진가속표터트스크프레드그램코퍼러닝딥"
)
_PARTICLES = ("", "", "", "은", "는", "을", "를", "의", "에", "으로", "와", "에서")
_VERBS = ("합니다.", "했습니다.", "보여줍니다.", "제안합니다.", "달성했습니다.", "평가합니다.")
_LATIN_SYLLABLES = "ra to na mi lo ker den form er tion al gen vec sym pro lin mat rix graph net flow".split()  # noqa: SIM905
_LAST_NAMES = ("Kim", "Lee", "Park", "Wang", "Zhang", "Chen", "García", "Müller", "Nguyen", "Silva", "Tanaka")


class Zipf(Generic[Item]):
    """Draws items by Zipf's law: the n-th item has the weight n to the power of -`exponent`."""

    def __init__(self, items: Sequence[Item], exponent: float = 1.0) -> None:
        self._items = items
        self._sums = list(accumulate(1 / (n + 1) ** exponent for n in range(len(items))))

    def draw(self, chance: random.Random) -> Item:
        """Return a random item."""
        return self._items[bisect(self._sums, chance.random() * self._sums[-1])]


class DigestGenerator:
    """Generates digests. `authors` is the number of different names."""

    def __init__(self, *, authors: int, seed_: int = 1) -> None:
        self._chance = random.Random(seed_)
        self._terms = Zipf(seed.load_terms(), 0.8)
        self._korean = Zipf([self._word(_SYLLABLES, 4) for _ in range(10_000)], 1.1)
        self._english = Zipf([self._word(_LATIN_SYLLABLES, 3).capitalize() for _ in range(6_000)], 1.1)
        self.names = [
            f"{self._english.draw(self._chance)} {self._chance.choice(_LAST_NAMES)}" for _ in range(authors)
        ]
        self._authors = Zipf(self.names, 0.7)
        self._number = 0

    def _word(self, syllables: Sequence[str], most: int) -> str:
        return "".join(self._chance.choices(syllables, k=self._chance.randint(2, most)))

    def digest(self, on: date, papers: int) -> str:
        """Return a day's digest with this many papers."""
        return "\n".join([f"## Daily Papers ({on})\n", *(self._paper(on) for _ in range(papers))])

    def _paper(self, on: date) -> str:
        chance = self._chance
        self._number += 1
        arxiv_id = f"{on:%y%m}.{self._number % 99_999 + 1:05}"
        terms = [self._terms.draw(chance) for _ in range(3)]
        words = [self._english.draw(chance) for _ in range(4)]
        title = f"{words[0]}: {words[1]} {terms[0].english[0].title()} for {words[2]} {words[3]}"
        names = ", ".join({self._authors.draw(chance): None for _ in range(chance.randint(2, 8))})
        votes = int(chance.paretovariate(1.2) * 4) if chance.random() > 0.02 else "-"
        bullets = "\n".join(f"- ***{heading}***: {self._text(terms)}" for heading in HEADINGS)
        return (
            f"### [{title}](https://arxiv.org/abs/{arxiv_id})\n\n"
            f"Vote: {votes}\n\nAuthors: {names}\n\n{bullets}\n"
        )

    def _text(self, terms: Sequence[seed.SeedTerm]) -> str:
        return " ".join(self._sentence(terms) for _ in range(self._chance.randint(3, 6)))

    def _sentence(self, terms: Sequence[seed.SeedTerm]) -> str:
        chance = self._chance
        words = [self._korean.draw(chance) + chance.choice(_PARTICLES) for _ in range(chance.randint(5, 10))]
        if chance.random() < 0.5:
            term = chance.choice(terms)
            korean = term.korean[0] if term.korean else term.english[0]
            words.append(f"{korean}({term.english[0]})" if chance.random() < 0.3 else korean)
        return f"{' '.join(words)} {chance.choice(_VERBS)}"


def generate(*, digests: int, papers: int, authors: int) -> Iterator[tuple[date, str]]:
    """Yield the dates and texts of digests with this many papers in total."""
    writer = DigestGenerator(authors=authors)
    for day in range(digests):
        on = FIRST_DAY + timedelta(days=day)
        yield on, writer.digest(on, papers * (day + 1) // digests - papers * day // digests)
