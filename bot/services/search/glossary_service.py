"""Holds the glossary that look-ups understand queries by, made of what storage has counted and of the starting list.

Counting happens with every digest; making the concepts anew takes seconds, so it is a call of its own for the
background. Whoever else has the database open sees the new glossary with the next look-up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bot.clock import Clock, system_clock
from bot.text.glossary.extraction import mentions, title_phrases
from bot.text.glossary.induction import build, cooccurrence, evidence
from bot.text.glossary.model import seed
from bot.text.glossary.resolution import resolver, serialisation
from storage import papers
from storage.database import Connection, Database
from storage.search import glossary, index

STALE_GROWTH = 1.1
"""The glossary is stale when there are this many times the papers that it was made from."""
MAX_MENTIONS = 300_000
MAX_PAPERS = 30_000
"""Mentions and papers that are looked at, the most frequent and the most popular first; more teach little."""
_CHUNK_SIZE = 500
_FIELD_SEPARATOR = "\x1f"


class GlossaryService:
    """The glossary as it is now, read again when somebody has made it anew."""

    def __init__(self, database: Database, clock: Clock = system_clock) -> None:
        self._database = database
        self._clock = clock
        self._loaded: resolver.Glossary | None = None
        self._version: str | None = None

    async def get_current(self, connection: Connection) -> resolver.Glossary:
        """Return the glossary as it was last made; of the starting list alone when it never was."""
        version = await glossary.get_version(connection)
        if self._loaded is None or version != self._version:
            made = await glossary.get(connection) if version is not None else None
            read = await asyncio.to_thread(_from_seed if made is None else _loader(made.data))
            self._loaded, self._version = read, version
        return self._loaded

    async def is_stale(self) -> bool:
        """Tell whether making it anew is worth it: there are many more papers, or another version of ours made it."""
        async with self._database.read() as connection:
            made = await glossary.get(connection)
            count = await index.count_all(connection)
        if made is None or not serialisation.is_current(made.data):
            return count > 0
        return count != made.papers and count >= STALE_GROWTH * made.papers

    async def rebuild(self, on_progress: Callable[[int], None] = lambda _: None) -> None:
        """Make the glossary anew; takes seconds, in a thread. `on_progress` is told of the papers read."""
        async with self._database.read() as connection:
            counted = await glossary.get_mention_counts(connection, limit=MAX_MENTIONS)
            count = await index.count_all(connection)
        made = await asyncio.to_thread(_build_draft, counted)
        seen, titled = made.cooccurrence_counter(), title_phrases.TitlePhraseCounter()
        behind, read = -1, 0
        while read < MAX_PAPERS:
            async with self._database.read() as connection:
                chunk = await index.list_by_popularity(connection, after_position=behind, limit=_CHUNK_SIZE)
                titles = await papers.list_titles(connection, [one.paper_id for one in chunk])
            if not chunk:
                break
            await asyncio.to_thread(_add_texts, seen, [one.texts for one in chunk], titled, titles)
            behind, read = chunk[-1].position, read + len(chunk)
            on_progress(read)
        data = await asyncio.to_thread(_serialise, made, seen, titled)
        async with self._database.transaction() as connection:
            await glossary.save(connection, glossary.StoredGlossary(self._clock(), count, data))


def extract_mentions(text: str) -> tuple[str, ...]:
    """Return the mentions of a paper's text as storage counts them, each once."""
    return tuple(dict.fromkeys(_FIELD_SEPARATOR.join(mention) for mention in mentions.extract_mentions(text)))


def mention_terms(mention: str) -> list[str]:
    """Return the English term and the abbreviation of a mention as storage counts it, those that it has."""
    _, english, abbreviation, _ = mention.split(_FIELD_SEPARATOR)
    return [term for term in (english, abbreviation) if term]


def _build_draft(counted: dict[str, int]) -> build.GlossaryDraft:
    rows = [
        evidence.MentionCount(mentions.Mention(*mention.split(_FIELD_SEPARATOR)), papers)
        for mention, papers in counted.items()
    ]
    return build.draft_glossary(rows, seed.load_terms())


def _add_texts(
    seen: cooccurrence.CooccurrenceCounter,
    texts: list[index.DocumentTexts],
    titled: title_phrases.TitlePhraseCounter,
    titles: list[str],
) -> None:
    for one in texts:
        seen.add(f"{one.title}\n{one.body}")
    for title in titles:
        titled.add(title)


def _serialise(
    made: build.GlossaryDraft,
    seen: cooccurrence.CooccurrenceCounter,
    titled: title_phrases.TitlePhraseCounter,
) -> str:
    found = build.build_concepts(made, seen)
    known = {(form.text, concept.key) for concept in found for form in concept.forms}
    return serialisation.dump(found, made.senses, made.mention_evidence.table, titled.summarise(known))


def _from_seed() -> resolver.Glossary:
    made = build.draft_glossary([], seed.load_terms())
    return resolver.Glossary(
        build.build_concepts(made, made.cooccurrence_counter()), made.senses, made.mention_evidence.table
    )


def _loader(text: str) -> Callable[[], resolver.Glossary]:
    # What another version wrote is not read: until it is made anew the starting list stands in.
    return lambda: serialisation.load(text) or _from_seed()
