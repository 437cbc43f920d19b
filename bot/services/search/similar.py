"""Similar papers: those that share the most of a paper's rarest words, weighted by TF-IDF."""

from __future__ import annotations

import math
from collections.abc import Mapping

from bot.services.indexing import indexer
from bot.text import relevance_feedback
from bot.text.analysis import analyser
from bot.time_slices import TimeSlices
from storage import models, papers
from storage.database import Connection
from storage.search import engines, index
from storage.search.query import all_of

_MAX_TERMS = 12
_CANDIDATES_PER_TERM = 25
"""Candidates retrieved by each of the rarest words, the most popular first."""


async def list_similar(connection: Connection, arxiv_id: str, *, limit: int) -> list[models.PaperRow]:
    """Return the papers most similar to one; none if it is unknown or shares no rare word."""
    ids = await papers.get_ids(connection, [arxiv_id])
    own = (await index.list_by_paper_ids(connection, ids.values())).get(ids.get(arxiv_id, -1))
    if own is None:
        return []
    frequencies = relevance_feedback.count_words(own.texts.title, own.texts.body)
    weights = await _tf_idf_weights(connection, frequencies)
    rarest = sorted(weights, key=lambda word: (-weights[word], word))[:_MAX_TERMS]
    queries = [all_of(analyser.word_tokens(word)) for word in rarest]
    requests = [
        engines.SearchRequest(index.WORDS_TABLE, query, _CANDIDATES_PER_TERM)
        for query in queries
        if query is not None
    ]
    if not requests:
        return []
    positions = set().union(*await index.list_positions(connection, requests)) - {own.position}
    rows = await index.list_by_positions(connection, positions)
    scores, slices = dict[int, float](), TimeSlices()
    for row in rows:
        words = relevance_feedback.count_words(row.texts.title, row.texts.body)
        scores[row.paper_id] = sum(weights.get(word, 0.0) for word in words)
        await slices.pause()
    best = sorted(scores, key=lambda paper_id: (-scores[paper_id], -paper_id))[:limit]
    return await papers.list_rows(connection, best)


async def _tf_idf_weights(connection: Connection, frequencies: Mapping[str, int]) -> dict[str, float]:
    """Return the TF-IDF weight of each word. A word is as frequent in the archive as the rarest of its tokens."""
    tokens_of = {word: analyser.word_tokens(word) for word in frequencies if len(word) > 1}
    document_frequencies = await index.get_document_frequencies(
        connection, {token for tokens in tokens_of.values() for token in tokens}
    )
    total = max(await index.count_all(connection), 1)
    # A sampled count may miss a token that others have.
    uncounted = 2 if total > indexer.EXACT_COUNT_LIMIT else 1
    weights = {}
    for word, tokens in tokens_of.items():
        frequency = min((document_frequencies.get(token, uncounted) for token in tokens), default=0)
        if 1 < frequency <= max(3.0, relevance_feedback.MAX_DOCUMENT_SHARE * total):
            weights[word] = (1 + math.log(frequencies[word])) * math.log(1 + total / frequency)
    return weights
