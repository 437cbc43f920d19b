"""Keeps the search index of papers and authors up to date, in the transaction that changes them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from datetime import date
from typing import TypeVar

from bot.services.indexing import document_tokens
from bot.text import scoring
from bot.text.people import names
from storage import models
from storage.database import Connection
from storage.search import author_index, glossary
from storage.search import index as search_index

POPULARITY_EPOCH = date(2010, 1, 1)
"""Date of popularity 0 in the index, before any paper: positions are not negative."""
EXACT_COUNT_LIMIT = 1000
"""Papers whose tokens are all counted. Later papers are sampled: one in `SAMPLE_RATE`, with that weight."""
SAMPLE_RATE = 32
PAPERS_PER_TURN = 4
"""Papers analysed before other tasks get the event loop; half a millisecond."""
DICTIONARY_SAMPLE_SIZE = 2000
"""Papers from which the compression dictionary is trained."""


class SearchIndexer:
    """The indexer of papers and authors. Stateless; each call works in the caller's transaction."""

    async def index(
        self, connection: Connection, changed: Sequence[models.IndexDocument], people: Sequence[models.Author]
    ) -> None:
        """Index new and changed papers, and authors whose name or number of papers changed."""
        known = {paper.id for paper in changed if not paper.is_new}
        former = await search_index.list_by_paper_ids(connection, known) if known else {}
        texts = {
            paper.id: built async for paper, built in _map_cooperatively(changed, document_tokens.build_texts)
        }
        updated = [
            paper for paper in changed if not _is_unchanged(paper, texts[paper.id], former.get(paper.id))
        ]
        outdated = [former[paper.id] for paper in updated if paper.id in former]
        frequencies, mentions = await _remove_rows(connection, outdated)
        positions = await search_index.assign_positions(
            connection,
            {paper.id: scoring.hot_score(paper.votes, paper.last_on, POPULARITY_EPOCH) for paper in updated},
        )
        rows = [
            search_index.IndexRow(positions[paper.id], paper.id, texts[paper.id], paper.votes, paper.last_on)
            for paper in updated
        ]
        rows = [tokenized async for _, tokenized in _map_cooperatively(rows, _tokenize)]
        await search_index.add(connection, rows)
        frequencies.update(_count_tokens(rows))
        mentions.update(mention for row in rows for mention in row.texts.mentions)
        await search_index.change_document_frequencies(connection, frequencies)
        await glossary.change_mention_counts(connection, mentions)
        await _train_dictionary(connection, updated)
        await _index_authors(connection, people)

    async def remove(self, connection: Connection, paper_ids: Collection[int]) -> None:
        """Remove papers that no digest lists any more."""
        former = await search_index.list_by_paper_ids(connection, paper_ids)
        frequencies, mentions = await _remove_rows(connection, list(former.values()))
        await search_index.change_document_frequencies(connection, frequencies)
        await glossary.change_mention_counts(connection, mentions)


async def _train_dictionary(connection: Connection, added: Sequence[models.IndexDocument]) -> None:
    """Train the compression dictionary once there are enough papers."""
    last_id = max((paper.id for paper in added), default=0)
    if last_id >= DICTIONARY_SAMPLE_SIZE and not await search_index.has_dictionary(connection):
        await search_index.train_dictionary(connection, DICTIONARY_SAMPLE_SIZE)


Item = TypeVar("Item")
Result = TypeVar("Result")


async def _map_cooperatively(
    items: Sequence[Item], make: Callable[[Item], Result]
) -> AsyncIterator[tuple[Item, Result]]:
    """Yield each item with its result, giving up the event loop now and then: a digest would block it for 10 ms."""
    for number, item in enumerate(items):
        if number % PAPERS_PER_TURN == PAPERS_PER_TURN - 1:
            await asyncio.sleep(0)
        yield item, make(item)


def _tokenize(row: search_index.IndexRow) -> search_index.IndexRow:
    tokens, title_tokens = document_tokens.build_tokens(row.texts)
    return row._replace(tokens=tokens, title_tokens=title_tokens)


async def _index_authors(connection: Connection, people: Sequence[models.Author]) -> None:
    rows = [(author.id, author.paper_count, " ".join(names.index_terms(author.name))) for author in people]
    new_words = await author_index.index_authors(connection, rows)
    await author_index.add_deletions(
        connection, ((deletion, word) for word in new_words for deletion in names.deletion_variants(word))
    )


async def _remove_rows(
    connection: Connection, rows: Sequence[search_index.IndexRow]
) -> tuple[Counter[str], Counter[str]]:
    """Remove rows; return the changes of document frequencies and of mention counts."""
    rows = list(map(_tokenize, rows))
    await search_index.remove(connection, rows)
    frequencies: Counter[str] = Counter()
    frequencies.subtract(_count_tokens(rows))
    mentions: Counter[str] = Counter()
    mentions.subtract(Counter(mention for row in rows for mention in row.texts.mentions))
    return frequencies, mentions


def _is_unchanged(
    paper: models.IndexDocument, texts: search_index.DocumentTexts, former: search_index.IndexRow | None
) -> bool:
    return (
        former is not None
        and former.texts == texts
        and former.votes == paper.votes
        and former.last_on == paper.last_on
    )


def _count_tokens(rows: Iterable[search_index.IndexRow]) -> Counter[str]:
    """Return the document frequency of each token, for later papers by sample."""
    frequencies: Counter[str] = Counter()
    for row in rows:
        weight = _sample_weight(row.paper_id)
        if weight:
            for token in {*row.tokens.split(), *row.title_tokens.split()}:
                frequencies[token] += weight
    return frequencies


def _sample_weight(paper_id: int) -> int:
    if paper_id <= EXACT_COUNT_LIMIT:
        return 1
    return SAMPLE_RATE if paper_id % SAMPLE_RATE == 0 else 0
