"""Finds papers like a paper: those that share most of its rarest words, title words counting twice."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping

from bot.services.search import indexer
from bot.text.analysis import analyser
from storage import models, papers
from storage.database import Connection
from storage.search import engines, index
from storage.search.query import all_of

_MAX_TERMS = 12
_CANDIDATES_PER_TERM = 25
"""Candidates that each of the rarest words brings, the most popular first."""
_TITLE_WEIGHT = 3
_MAX_DOCUMENT_SHARE = 0.1
"""Words in more than this share of all papers tell nothing."""


async def list_similar(connection: Connection, arxiv_id: str, *, limit: int) -> list[models.PaperRow]:
    """Return the papers most like one; nothing when it is unknown or shares no rare word."""
    ids = await papers.get_ids(connection, [arxiv_id])
    own = (await index.list_by_paper_ids(connection, ids.values())).get(ids.get(arxiv_id, -1))
    if own is None:
        return []
    words = _term_frequencies(own.texts)
    weights = await _tf_idf_weights(connection, words)
    rarest = sorted(weights, key=lambda word: (-weights[word], word))[:_MAX_TERMS]
    wanted = [all_of(analyser.word_tokens(word)) for word in rarest]
    tiers = [
        engines.SearchRequest(index.WORDS_TABLE, one, _CANDIDATES_PER_TERM)
        for one in wanted
        if one is not None
    ]
    if not tiers:
        return []
    positions = {place for tier in await index.list_positions(connection, tiers) for place in tier}
    others = await index.list_by_positions(connection, positions - {own.position})
    scores = {one.paper_id: _similarity(weights, _term_frequencies(one.texts)) for one in others}
    best = sorted(scores, key=lambda paper_id: (-scores[paper_id], -paper_id))[:limit]
    return await papers.list_rows(connection, best)


def _term_frequencies(texts: index.DocumentTexts) -> Counter[str]:
    """Count a paper's words without particles, those of the title several times."""
    found = Counter(word.removesuffix(analyser.PARTICLE_MARK) for word in texts.body.split())
    for word in texts.title.split():
        found[word.removesuffix(analyser.PARTICLE_MARK)] += _TITLE_WEIGHT
    return found


async def _tf_idf_weights(connection: Connection, words: Mapping[str, int]) -> dict[str, float]:
    """Return what each word tells: how often the paper says it, by how few others do. A bigram speaks for its word."""
    tokens = {word: analyser.word_tokens(word) for word in words if len(word) > 1}
    counts = await index.get_document_frequencies(
        connection, {token for row in tokens.values() for token in row}
    )
    total = max(await index.count_all(connection), 1)
    weights = {}
    for word, row in tokens.items():
        holding = min(
            (counts.get(token, 2 if total > indexer.EXACT_COUNT_LIMIT else 1) for token in row), default=0
        )
        if 1 < holding <= max(3.0, _MAX_DOCUMENT_SHARE * total):
            weights[word] = (1 + math.log(words[word])) * math.log(1 + total / holding)
    return weights


def _similarity(weights: Mapping[str, float], words: Iterable[str]) -> float:
    return sum(weights.get(word, 0.0) for word in set(words))
