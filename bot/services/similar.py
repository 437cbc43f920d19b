"""Finds papers like a paper, by the rare terms that they share."""

from __future__ import annotations

import math
from collections import Counter

from bot.services import index_tokens
from storage import models, papers, search
from storage import search_engines as engines
from storage.database import Connection
from storage.search_terms import AnyOf

TERMS = 12
CANDIDATES = 200


async def list_rows(connection: Connection, arxiv_id: str, *, limit: int) -> list[models.PaperRow]:
    """Return the papers that share most of the rarest terms, weighed by how rare they are."""
    ids = await papers.ids_of(connection, [arxiv_id])
    own = (await search.list_indexed(connection, ids.values())).get(ids.get(arxiv_id, -1))
    if own is None:
        return []
    tokens = [one for one in index_tokens.tokens_of(own.position, own.texts).words.split() if "_" not in one]
    counts = await search.list_counts(connection, set(tokens))
    extent = await papers.count(connection)
    weights = {
        token: number * math.log(1 + extent / counts[token])
        for token, number in Counter(tokens).items()
        if 1 < counts.get(token, 0) <= max(3, extent // 5)
    }
    rarest = sorted(weights, key=lambda token: -weights[token])[:TERMS]
    if not rarest:
        return []
    (positions,) = await search.list_positions(
        connection, [engines.Tier(search.WORDS, AnyOf(tuple(rarest)), CANDIDATES)]
    )
    found = await search.list_at(connection, positions)
    scores = {}
    for one in found:
        if one.paper_id != own.paper_id:
            held = set(index_tokens.tokens_of(one.position, one.texts).words.split())
            scores[one.paper_id] = sum(weights[token] for token in rarest if token in held)
    best = sorted(scores, key=lambda paper_id: -scores[paper_id])[:limit]
    return await papers.list_rows(connection, best)
