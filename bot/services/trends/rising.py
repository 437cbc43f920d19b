"""Finds the topics whose share of papers rose most in the last month, by what titles name. Understands no text itself."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from bot.services.search import glossary as search_glossary
from bot.services.trends.monthly import groups_for
from bot.text.analysis import latex, term_keys
from bot.text.glossary.induction import abbreviation_senses
from bot.text.glossary.model import concepts
from bot.text.glossary.resolution import resolver
from storage import models, papers, trends
from storage.database import Connection, Database

NOW = timedelta(days=30)
BEFORE = timedelta(days=91)
FEWEST = 3
"""A topic of fewer papers in the last month is chance."""
SAMPLE = 3000
"""Titles of each span that are read."""
GROWTH = 1.25
"""Its share must be this many times what it was: of large topics chance alone moves more papers."""
_LONGEST = 4
_SAME = 0.7
"""A topic that shares so much of its papers with one above it is the same one."""


@dataclass(frozen=True, slots=True)
class RisingTopic:
    """A topic with its papers of the last month, and its shares of all papers then and before, from 0 to 1.

    `text` is what to ask for, `other` its usual writing in the other language, "" where there is none.
    """

    text: str
    other: str
    papers: int
    share: float
    before: float


@dataclass(frozen=True, slots=True)
class Rising:
    """What rises, most first, in the 30 days until `until_on`; None in an empty archive. `estimated`: by sample."""

    until_on: date | None = None
    topics: tuple[RisingTopic, ...] = ()
    estimated: bool = False


@dataclass(slots=True)
class _Titles:
    """What the titles of a span name: the papers of each topic, by its key; and how phrases of no concept look."""

    number: int = 0
    topics: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    writings: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def share(self, key: str) -> float:
        """Return the share of papers whose titles name a topic."""
        return len(self.topics.get(key, ())) / max(1, self.number)


@dataclass(frozen=True, slots=True)
class _Counted:
    """Both spans as counted for a state of the archive and its glossary."""

    glossary: resolver.Glossary
    extent: models.Extent
    now: _Titles
    before: _Titles
    factor: float


class RisingTopics:
    """What rises in one archive; counted once for each state of it, in a thread."""

    def __init__(self, database: Database, glossary: search_glossary.Glossaries) -> None:
        self._database = database
        self._glossary = glossary
        self._counted: _Counted | None = None

    async def list_rows(self, locale: models.Locale, *, limit: int = 5) -> Rising:
        """Return what rises, named in a language. Nothing rises where there is nothing to compare with."""
        async with self._database.read() as connection:
            extent = await papers.get_extent(connection)
            if extent.last_on is None:
                return Rising()
            glossary = await self._glossary.current(connection)
            counted = self._counted
            if counted is None or (counted.glossary, counted.extent) != (glossary, extent):
                counted = await _count(connection, glossary, extent, extent.last_on)
                self._counted = counted
        keys_ = _most_risen(counted, limit)
        topics = tuple(_topic(counted, key, locale) for key in keys_)
        return Rising(extent.last_on, topics, counted.factor > 1)


async def _count(
    connection: Connection, glossary: resolver.Glossary, extent: models.Extent, until: date
) -> _Counted:
    begin = until - NOW + timedelta(days=1)
    spans = trends.Span(begin, until), trends.Span(begin - BEFORE, begin - timedelta(days=1))
    counted = []
    factor = 1.0
    for span in spans:
        there = await papers.count(connection, since_on=span.since_on, until_on=span.until_on)
        groups = groups_for(there, SAMPLE)
        titles = await trends.list_titles(connection, span, groups=groups)
        counted.append(await asyncio.to_thread(_read, glossary, titles))
        factor = max(factor, trends.ALL / groups if span is spans[0] else 1.0)
    return _Counted(glossary, extent, counted[0], counted[1], factor)


def _read(glossary: resolver.Glossary, titles: Sequence[tuple[int, str]]) -> _Titles:
    found = _Titles(len(titles))
    for paper_id, title in titles:
        for key, writing in topics_of(glossary, latex.plain(title)[:300]):
            found.topics[key].add(paper_id)
            if writing:
                found.writings[key][writing] += 1
    return found


def topics_of(glossary: resolver.Glossary, title: str) -> Iterator[tuple[str, str]]:
    """Yield the keys of the topics that a title names: concepts, and phrases of two words that are of no concept.

    Phrases come with how they are written, concepts with "".
    """
    for part in _parts(title):
        words = part.split()
        taken: set[int] = set()
        for start, end in _pieces(len(words)):
            if end - start == 1 and start in taken:
                continue  # a word of a term is not meant by itself, a term within a term is
            concept = _concept(glossary, words[start:end])
            if concept is not None:
                taken.update(range(start, end))
                yield concept.key, ""
        for start in range(len(words) - 1):
            if not {start, start + 1} & taken and all(map(_says_something, words[start : start + 2])):
                writing = " ".join(words[start : start + 2])
                yield term_keys.english_key(writing), writing


def _pieces(number: int) -> Iterator[tuple[int, int]]:
    """Yield the beginnings and ends of all pieces of so many words, the longest first."""
    for length in range(min(_LONGEST, number), 0, -1):
        for start in range(number - length + 1):
            yield start, start + length


def _parts(title: str) -> list[str]:
    """Cut a title at signs that no term goes across."""
    for sign in ':;,.?!()[]"“”–—|/':
        title = title.replace(f"{sign} " if sign in ".:" else sign, "\n")
    return title.rstrip(".:").split("\n")


def _concept(glossary: resolver.Glossary, words: Sequence[str]) -> concepts.Concept | None:
    if not _says_something(words[0]) or not _says_something(words[-1]):
        return None
    text = " ".join(words)
    if term_keys.has_hangul(text) or (len(words) == 1 and term_keys.is_abbreviation(text)):
        return next(iter(glossary.lookup(text)), None)
    return glossary.concept(term_keys.english_key(text))


def _says_something(word: str) -> bool:
    folded = word.lower()
    return len(word) > 1 and word[0].isalnum() and not folded.isdigit() and folded not in _STOP


_EVERYDAY = (
    "are be can how do does it its not towards toward using through under over between beyond what when why we you"
    " your our that this than more all one new large small fast better good best without within across"
)
_STOP = term_keys.FUNCTION_WORDS | frozenset(_EVERYDAY.split())


def _most_risen(counted: _Counted, limit: int) -> list[str]:
    """Return the keys of what rose most, each standing for others that the same papers name."""
    if not counted.before.number:
        return []
    shares = {
        key: (counted.now.share(key), counted.before.share(key))
        for key, holding in counted.now.topics.items()
        if len(holding) >= FEWEST
    }
    risen = {key: now - before for key, (now, before) in shares.items() if now >= GROWTH * before}
    ranked = sorted(risen, key=lambda key: -risen[key])  # of equal ones what titles name first
    chosen: list[str] = []
    for key in ranked:
        if len(chosen) == limit:
            break
        if not any(_overlap(counted.now.topics, key, other) >= _SAME for other in chosen):
            chosen.append(key)
    return chosen


def _overlap(topics: Mapping[str, set[int]], key: str, other: str) -> float:
    return len(topics[key] & topics[other]) / min(len(topics[key]), len(topics[other]))


def _topic(counted: _Counted, key: str, locale: models.Locale) -> RisingTopic:
    concept = counted.glossary.concept(key)
    if concept is None:
        text, other = counted.now.writings[key].most_common(1)[0][0], ""
    else:
        own, foreign = (_usual(concept.of(language)) for language in ("ko", "en"))
        foreign = foreign or concept.key
        text, other = (own or foreign, foreign) if locale is models.Locale.KO else (foreign, own)
    number = round(len(counted.now.topics[key]) * counted.factor)
    shares = counted.now.share(key), counted.before.share(key)
    return RisingTopic(text, other if other != text else "", number, *shares)


def _usual(forms: Iterable[concepts.Form]) -> str:
    """Return the writing that most speaks for; a single paper's own word for a thing is weaker than our list."""
    writings = [form for form in forms if not form.alias]
    best = max(
        writings, key=lambda form: form.papers + form.seeded * abbreviation_senses.SEED_PAPERS, default=None
    )
    return "" if best is None else best.text
