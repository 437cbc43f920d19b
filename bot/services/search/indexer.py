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
from storage.search import author_index, glossary
from storage.search import index as search_index

EXACT_COUNT_LIMIT = 1000
"""Papers whose terms are all counted; of later ones one in `SAMPLE` is, and counts so much."""
SAMPLE_RATE = 32
PAPERS_PER_TURN = 4
"""Papers that are analysed before others get the loop; half a millisecond."""
DICTIONARY_SAMPLE_SIZE = 2000
"""Papers from which the dictionary is learned that texts are packed with."""


class SearchIndexer:
    """The index of papers and authors. Holds nothing; every call works in the caller's transaction."""

    async def index(
        self, connection: Connection, changed: Sequence[models.IndexDocument], people: Sequence[models.Author]
    ) -> None:
        """Index papers in place of what stood there, and authors whose name or number of papers changed."""
        known = {paper.id for paper in changed if not paper.is_new}
        former = await search_index.list_by_paper_ids(connection, known) if known else {}
        texts = {
            paper.id: one async for paper, one in _map_cooperatively(changed, document_tokens.build_texts)
        }
        moving = [
            paper for paper in changed if not _is_unchanged(paper, texts[paper.id], former.get(paper.id))
        ]
        gone = [former[paper.id] for paper in moving if paper.id in former]
        counts, mentions = await _remove_rows(connection, gone)
        places = await search_index.assign_positions(
            connection, {paper.id: (paper.votes, paper.last_on) for paper in moving}
        )
        rows = [
            search_index.IndexRow(places[paper.id], paper.id, texts[paper.id], paper.votes, paper.last_on)
            for paper in moving
        ]
        tokens = [one async for _, one in _map_cooperatively(rows, _row_tokens)]
        await search_index.add(connection, rows, tokens)
        counts.update(_count_tokens(rows, tokens))
        mentions.update(mention for row in rows for mention in row.texts.mentions)
        await search_index.change_document_frequencies(connection, counts)
        await glossary.change_mention_counts(connection, mentions)
        await _train_dictionary(connection, moving)
        await _index_authors(connection, people)

    async def remove(self, connection: Connection, paper_ids: Collection[int]) -> None:
        """Take papers out of the index that no digest names any more."""
        former = await search_index.list_by_paper_ids(connection, paper_ids)
        counts, mentions = await _remove_rows(connection, list(former.values()))
        await search_index.change_document_frequencies(connection, counts)
        await glossary.change_mention_counts(connection, mentions)


async def _train_dictionary(connection: Connection, added: Sequence[models.IndexDocument]) -> None:
    """Learn how to pack texts small, once there are enough of them."""
    if max(
        (paper.id for paper in added), default=0
    ) >= DICTIONARY_SAMPLE_SIZE and not await search_index.has_dictionary(connection):
        await search_index.train_dictionary(connection, DICTIONARY_SAMPLE_SIZE)


Item = TypeVar("Item")
Result = TypeVar("Result")


async def _map_cooperatively(
    items: Sequence[Item], make: Callable[[Item], Result]
) -> AsyncIterator[tuple[Item, Result]]:
    """Make something of each item, letting others have the loop in between: a digest takes it for some 10 ms else."""
    for place, item in enumerate(items):
        if place % PAPERS_PER_TURN == PAPERS_PER_TURN - 1:
            await asyncio.sleep(0)
        yield item, make(item)


def _row_tokens(row: search_index.IndexRow) -> search_index.DocumentTokens:
    return document_tokens.build_tokens(row.position, row.texts)


async def _index_authors(connection: Connection, people: Sequence[models.Author]) -> None:
    new = await author_index.index_authors(
        connection,
        [
            author_index.IndexedAuthor(one.id, one.paper_count, " ".join(names.index_terms(one.name)))
            for one in people
        ],
    )
    await author_index.add_deletions(
        connection, ((deletion, word) for word in new for deletion in names.deletion_variants(word))
    )


async def _remove_rows(
    connection: Connection, gone: Sequence[search_index.IndexRow]
) -> tuple[Counter[str], Counter[str]]:
    """Remove rows and return what that changes in the counts of terms and of mentions."""
    tokens = [document_tokens.build_tokens(row.position, row.texts) for row in gone]
    await search_index.remove(connection, tokens)
    counts: Counter[str] = Counter()
    counts.subtract(_count_tokens(gone, tokens))
    mentions: Counter[str] = Counter()
    mentions.subtract(Counter(mention for row in gone for mention in row.texts.mentions))
    return counts, mentions


def _is_unchanged(
    paper: models.IndexDocument, texts: search_index.DocumentTexts, former: search_index.IndexRow | None
) -> bool:
    return (
        former is not None
        and former.texts == texts
        and former.votes == paper.votes
        and former.last_on == paper.last_on
    )


def _count_tokens(
    rows: Sequence[search_index.IndexRow], tokens: Iterable[search_index.DocumentTokens]
) -> Counter[str]:
    """Count in how many of the papers each token is; beyond the first papers a sample speaks for all."""
    counts: Counter[str] = Counter()
    for row, one in zip(rows, tokens, strict=True):
        weight = (
            1 if row.paper_id <= EXACT_COUNT_LIMIT else SAMPLE_RATE if row.paper_id % SAMPLE_RATE == 0 else 0
        )
        if weight:
            for token in {*one.tokens.split(), *one.title_tokens.split()}:
                counts[token] += weight
    return counts
