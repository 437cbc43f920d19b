"""Holds the glossary that look-ups understand queries by, made of what storage has counted and of the starting list.

Counting happens with every digest; making the concepts anew takes seconds, so it is a call of its own for the
background. Whoever else has the database open sees the new glossary with the next look-up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bot.clock import Clock, system_clock
from bot.text import phrases
from bot.text.glossary import (
    drafting,
    evidence,
    mentions,
    occurrences,
    records,
    resolution,
    seed,
)
from storage import glossary as kept
from storage import papers, search
from storage.database import Connection, Database

GROWTH = 1.1
"""The glossary is stale when there are this many times the papers that it was made from."""
MOST_MENTIONS = 300_000
MOST_PAPERS = 30_000
"""Mentions and papers that are looked at, the most frequent and the most popular first; more teach little."""
_CHUNK = 500
_PARTS = "\x1f"


class Glossaries:
    """The glossary as it is now, read again when somebody has made it anew."""

    def __init__(self, database: Database, clock: Clock = system_clock) -> None:
        self._database = database
        self._clock = clock
        self._read: resolution.Glossary | None = None
        self._version: str | None = None

    async def current(self, connection: Connection) -> resolution.Glossary:
        """Return the glossary as it was last made; of the starting list alone when it never was."""
        version = await kept.version(connection)
        if self._read is None or version != self._version:
            made = await kept.get(connection) if version is not None else None
            read = await asyncio.to_thread(_from_seed if made is None else _reader(made.data))
            self._read, self._version = read, version
        return self._read

    async def is_stale(self) -> bool:
        """Tell whether making it anew is worth it: there are many more papers, or another version of ours made it."""
        async with self._database.read() as connection:
            made = await kept.get(connection)
            count = await search.count_all(connection)
        if made is None or not records.is_current(made.data):
            return count > 0
        return count != made.papers and count >= GROWTH * made.papers

    async def rebuild(self, on_progress: Callable[[int], None] = lambda _: None) -> None:
        """Make the glossary anew; takes seconds, in a thread. `on_progress` is told of the papers read."""
        async with self._database.read() as connection:
            counted = await kept.list_mentions(connection, limit=MOST_MENTIONS)
            count = await search.count_all(connection)
        made = await asyncio.to_thread(_draft, counted)
        seen, titled = made.questions(), phrases.TitlePhrases()
        behind, read = -1, 0
        while read < MOST_PAPERS:
            async with self._database.read() as connection:
                chunk = await search.list_sample(connection, behind=behind, limit=_CHUNK)
                titles = await papers.list_titles(connection, [one.paper_id for one in chunk])
            if not chunk:
                break
            await asyncio.to_thread(_show, seen, [one.texts for one in chunk], titled, titles)
            behind, read = chunk[-1].position, read + len(chunk)
            on_progress(read)
        data = await asyncio.to_thread(_finish, made, seen, titled)
        async with self._database.transaction() as connection:
            await kept.set_made(connection, kept.Made(self._clock(), count, data))


def mentions_of(text: str) -> tuple[str, ...]:
    """Return the mentions of a paper's text as storage counts them, each once."""
    return tuple(dict.fromkeys(_PARTS.join(mention) for mention in mentions.extract(text)))


def terms_of(mention: str) -> list[str]:
    """Return the English term and the abbreviation of a mention as storage counts it, those that it has."""
    _, english, abbreviation, _ = mention.split(_PARTS)
    return [term for term in (english, abbreviation) if term]


def _draft(counted: dict[str, int]) -> drafting.Draft:
    rows = [
        evidence.MentionCount(mentions.Mention(*mention.split(_PARTS)), papers)
        for mention, papers in counted.items()
    ]
    return drafting.draft(rows, seed.terms())


def _show(
    seen: occurrences.Occurrences, texts: list[search.Texts], titled: phrases.TitlePhrases, titles: list[str]
) -> None:
    for one in texts:
        seen.add(f"{one.title}\n{one.body}")
    for title in titles:
        titled.add(title)


def _finish(made: drafting.Draft, seen: occurrences.Occurrences, titled: phrases.TitlePhrases) -> str:
    found = drafting.finish(made, seen)
    known = {(form.text, concept.key) for concept in found for form in concept.forms}
    return records.dump(found, made.readings, made.found.table, titled.frequent(known))


def _from_seed() -> resolution.Glossary:
    made = drafting.draft([], seed.terms())
    return resolution.Glossary(drafting.finish(made, made.questions()), made.readings, made.found.table)


def _reader(text: str) -> Callable[[], resolution.Glossary]:
    # What another version wrote is not read: until it is made anew the starting list stands in.
    return lambda: records.load(text) or _from_seed()
