"""Similar papers: those that share the most of a paper's rarest words, weighted by TF-IDF."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

from bot.services.search import indexer
from bot.text.analysis import analyser
from bot.time_slices import TimeSlices
from storage import models, papers
from storage.database import Connection
from storage.search import engines, index
from storage.search.query import all_of

_MAX_TERMS = 12
_CANDIDATES_PER_TERM = 25
"""Candidates retrieved by each of the rarest words, the most popular first."""
_TITLE_WEIGHT = 3
_MAX_DOCUMENT_SHARE = 0.1
"""Words in a larger share of the papers are ignored."""


async def list_similar(connection: Connection, arxiv_id: str, *, limit: int) -> list[models.PaperRow]:
    """Return the papers most similar to one; none if it is unknown or shares no rare word."""
    ids = await papers.get_ids(connection, [arxiv_id])
    own = (await index.list_by_paper_ids(connection, ids.values())).get(ids.get(arxiv_id, -1))
    if own is None:
        return []
    frequencies = _term_frequencies(own.texts)
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
        scores[row.paper_id] = sum(weights.get(word, 0.0) for word in _term_frequencies(row.texts))
        await slices.pause()
    best = sorted(scores, key=lambda paper_id: (-scores[paper_id], -paper_id))[:limit]
    return await papers.list_rows(connection, best)


def _term_frequencies(texts: index.DocumentTexts) -> Counter[str]:
    """Count a paper's words without particles, those of the title `_TITLE_WEIGHT` times."""
    counts = Counter(word.removesuffix(analyser.PARTICLE_MARK) for word in texts.body.split())
    for word in texts.title.split():
        counts[word.removesuffix(analyser.PARTICLE_MARK)] += _TITLE_WEIGHT
    return counts


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
        if 1 < frequency <= max(3.0, _MAX_DOCUMENT_SHARE * total):
            weights[word] = (1 + math.log(frequencies[word])) * math.log(1 + total / frequency)
    return weights
