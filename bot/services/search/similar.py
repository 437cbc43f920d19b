"""Similar papers: those that share the most of a paper's rarest words, weighted by TF-IDF."""

from __future__ import annotations

import math
from collections.abc import Mapping

from bot.services.indexing import indexer
from bot.text import relevance_feedback
from bot.text.analysis import analyser, latex
from bot.time_slices import TimeSlices
from storage import models, papers
from storage.database import Connection
from storage.search import engines, index
from storage.search.query import all_of

_MAX_TERMS = 12
_CANDIDATES_PER_TERM = 25
"""Candidates retrieved by each of the rarest words, the most popular first."""


async def list_similar(connection: Connection, arxiv_id: str, *, limit: int) -> list[models.PaperRow]:
    """Return the papers most similar to one; none if it is unknown or shares no rare word.

    A paper that no digest has is compared by its title and abstract.
    """
    ids = await papers.get_ids(connection, [arxiv_id])
    own = (await index.list_by_paper_ids(connection, ids.values())).get(ids.get(arxiv_id, -1))
    texts = (own.texts.title, own.texts.body) if own else await _read_abstract(connection, arxiv_id)
    frequencies = relevance_feedback.count_words(*texts)
    weights = await _tf_idf_weights(connection, frequencies, is_indexed=own is not None)
    rarest = sorted(weights, key=lambda word: (-weights[word], word))[:_MAX_TERMS]
    queries = [all_of(analyser.word_tokens(word)) for word in rarest]
    requests = [
        engines.SearchRequest(index.WORDS_TABLE, query, _CANDIDATES_PER_TERM)
        for query in queries
        if query is not None
    ]
    if not requests:
        return []
    positions = set().union(*await index.list_positions(connection, requests))
    positions -= {own.position} if own else set()
    rows = await index.list_by_positions(connection, positions)
    scores, slices = dict[int, float](), TimeSlices()
    for row in rows:
        words = relevance_feedback.count_words(row.texts.title, row.texts.body)
        scores[row.paper_id] = sum(weights.get(word, 0.0) for word in words)
        await slices.pause()
    best = sorted(scores, key=lambda paper_id: (-scores[paper_id], -paper_id))[:limit]
    return await papers.list_rows(connection, best)


async def _read_abstract(connection: Connection, arxiv_id: str) -> tuple[str, str]:
    """Return the canonical title and abstract of a paper that the index does not have; two empty texts if it is unknown."""
    detail = await papers.get_detail(connection, arxiv_id)
    texts = (detail.title, detail.abstract) if detail else (None, None)
    title, abstract = (analyser.canonicalise(latex.to_plain_text(text or "")) for text in texts)
    return title, abstract


async def _tf_idf_weights(
    connection: Connection, frequencies: Mapping[str, int], *, is_indexed: bool
) -> dict[str, float]:
    """Return the TF-IDF weight of each word that other papers have too. The paper with the words may be in the index.

    A word is as frequent in the archive as the rarest of its tokens.
    """
    tokens_of = {word: analyser.word_tokens(word) for word in frequencies if len(word) > 1}
    document_frequencies = await index.get_document_frequencies(
        connection, {token for tokens in tokens_of.values() for token in tokens}
    )
    total = max(await index.count_all(connection), 1)
    # A sampled count may miss a token that others have; it may miss also one that no paper has, if this one is not indexed.
    uncounted = (2 if total > indexer.EXACT_COUNT_LIMIT else 1) if is_indexed else 0
    weights = {}
    for word, tokens in tokens_of.items():
        frequency = min((document_frequencies.get(token, uncounted) for token in tokens), default=0)
        if is_indexed < frequency <= max(3.0, relevance_feedback.MAX_DOCUMENT_SHARE * total):
            weights[word] = (1 + math.log(frequencies[word])) * math.log(1 + total / frequency)
    return weights
