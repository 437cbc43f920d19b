"""Keeps the search index in step with the papers, inside the transaction that changes them. Asks nothing of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from typing import TypeVar

from bot.services.search import document_tokens
from bot.text.people import names
from storage import models
from storage.database import Connection
from storage.search import authors, glossary
from storage.search import index as search_index

COUNTED_WHOLE = 1000
"""Papers whose terms are all counted; of later ones one in `SAMPLE` is, and counts so much."""
SAMPLE = 32
AT_ONCE = 4
"""Papers that are analysed before others get the loop; half a millisecond."""
LEARNED_FROM = 2000
"""Papers from which the dictionary is learned that texts are packed with."""


class SearchIndexer:
    """The index of papers and authors. Holds nothing; every call works in the caller's transaction."""

    async def index(
        self, connection: Connection, changed: Sequence[models.IndexedPaper], people: Sequence[models.Author]
    ) -> None:
        """Index papers in place of what stood there, and authors whose name or number of papers changed."""
        known = {paper.id for paper in changed if not paper.is_new}
        former = await search_index.list_indexed(connection, known) if known else {}
        texts = {paper.id: one async for paper, one in _in_turns(changed, document_tokens.texts_of)}
        moving = [paper for paper in changed if not _is_same(paper, texts[paper.id], former.get(paper.id))]
        gone = [former[paper.id] for paper in moving if paper.id in former]
        counts, mentions = await _take_out(connection, gone)
        places = await search_index.free_positions(
            connection, {paper.id: (paper.votes, paper.last_on) for paper in moving}
        )
        rows = [
            search_index.Indexed(places[paper.id], paper.id, texts[paper.id], paper.votes, paper.last_on)
            for paper in moving
        ]
        tokens = [one async for _, one in _in_turns(rows, _tokens)]
        await search_index.add(connection, rows, tokens)
        counts.update(_counted(rows, tokens))
        mentions.update(mention for row in rows for mention in row.texts.mentions)
        await search_index.change_counts(connection, counts)
        await glossary.change_mentions(connection, mentions)
        await _learn_texts(connection, moving)
        await _index_people(connection, people)

    async def remove(self, connection: Connection, paper_ids: Collection[int]) -> None:
        """Take papers out of the index that no digest names any more."""
        former = await search_index.list_indexed(connection, paper_ids)
        counts, mentions = await _take_out(connection, list(former.values()))
        await search_index.change_counts(connection, counts)
        await glossary.change_mentions(connection, mentions)


async def _learn_texts(connection: Connection, added: Sequence[models.IndexedPaper]) -> None:
    """Learn how to pack texts small, once there are enough of them."""
    if max((paper.id for paper in added), default=0) >= LEARNED_FROM and not await search_index.is_learned(
        connection
    ):
        await search_index.learn(connection, LEARNED_FROM)


Item = TypeVar("Item")
Made = TypeVar("Made")


async def _in_turns(items: Sequence[Item], make: Callable[[Item], Made]) -> AsyncIterator[tuple[Item, Made]]:
    """Make something of each item, letting others have the loop in between: a digest takes it for some 10 ms else."""
    for place, item in enumerate(items):
        if place % AT_ONCE == AT_ONCE - 1:
            await asyncio.sleep(0)
        yield item, make(item)


def _tokens(row: search_index.Indexed) -> search_index.Tokens:
    return document_tokens.tokens_of(row.position, row.texts)


async def _index_people(connection: Connection, people: Sequence[models.Author]) -> None:
    new = await authors.set_people(
        connection,
        [authors.Person(one.id, one.papers, " ".join(names.index_words(one.name))) for one in people],
    )
    await authors.add_deletions(
        connection, ((deletion, word) for word in new for deletion in names.deletions(word))
    )


async def _take_out(
    connection: Connection, gone: Sequence[search_index.Indexed]
) -> tuple[Counter[str], Counter[str]]:
    """Remove rows and return what that changes in the counts of terms and of mentions."""
    tokens = [document_tokens.tokens_of(row.position, row.texts) for row in gone]
    await search_index.remove(connection, tokens)
    counts: Counter[str] = Counter()
    counts.subtract(_counted(gone, tokens))
    mentions: Counter[str] = Counter()
    mentions.subtract(Counter(mention for row in gone for mention in row.texts.mentions))
    return counts, mentions


def _is_same(
    paper: models.IndexedPaper, texts: search_index.Texts, former: search_index.Indexed | None
) -> bool:
    return (
        former is not None
        and former.texts == texts
        and former.votes == paper.votes
        and former.last_on == paper.last_on
    )


def _counted(rows: Sequence[search_index.Indexed], tokens: Iterable[search_index.Tokens]) -> Counter[str]:
    """Count in how many of the papers each token is; beyond the first papers a sample speaks for all."""
    counts: Counter[str] = Counter()
    for row, one in zip(rows, tokens, strict=True):
        weight = 1 if row.paper_id <= COUNTED_WHOLE else SAMPLE if row.paper_id % SAMPLE == 0 else 0
        if weight:
            for token in {*one.words.split(), *one.title.split()}:
                counts[token] += weight
    return counts
