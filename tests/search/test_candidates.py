"""Candidate retrieval: the best of many matching papers are among the candidates, on both engines."""

from __future__ import annotations

import random
from datetime import date, timedelta

from bot.glossary import concepts
from bot.search import index as search_index
from bot.search import scoring
from bot.search.results import SearchRequest
from bot.search.service import SearchService
from bot.text import term_keys
from storage import models, search, snapshot
from storage.database import Database
from storage.tables import papers

PAPER_COUNT = 1200
KOREAN = ("추론", "학습", "생성", "평가", "검색", "압축")
ENGLISH = ("graph", "policy", "token", "layer", "agent", "vision")
_QUERY_LIST = (
    "추론 학습|생성 평가|graph policy|token layer|추론 graph|agent 검색|vision 압축|graph token agent"
)
QUERIES = (*KOREAN[:2], *ENGLISH[:2], *_QUERY_LIST.split("|"))


def make_paper(number: int, chance: random.Random) -> models.IndexDocument:
    """Return a paper of few distinct words, so that each is in most papers."""
    words = [*KOREAN, *ENGLISH]
    title = " ".join([*chance.sample(words, 2), f"name{number}"])
    lines = [
        " ".join(chance.choices([*words, "something", "다른"], k=chance.randint(3, 12))) + "."
        for _ in range(chance.randint(1, 3))
    ]
    return models.IndexDocument(
        id=number,
        arxiv_id=f"2501.{number:05}",
        title=title.title(),
        authors=(),
        sections=tuple(models.Section("", line) for line in lines),
        abstract=None,
        keywords=(),
        votes=int(chance.paretovariate(1.1)),
        last_on=date(2024, 1, 1) + timedelta(days=chance.randrange(700)),
        is_new=True,
    )


async def index_papers(database: Database) -> None:
    """Store and index the papers."""
    chance = random.Random(6)
    rows = [make_paper(number, chance) for number in range(1, PAPER_COUNT + 1)]
    async with database.transaction() as connection:
        await connection.execute(
            papers.insert(),
            [
                {
                    "id": row.id,
                    "arxiv_id": row.arxiv_id,
                    "title": row.title,
                    "url": f"https://arxiv.org/abs/{row.arxiv_id}",
                    "keywords": (),
                    "categories": (),
                    "authors": (),
                    "authors_truncated": False,
                    "votes": row.votes,
                    "last_on": row.last_on,
                    "first_on": row.last_on,
                }
                for row in rows
            ],
        )
        await search_index.SearchIndexer().index(connection, rows, [])


async def score_all(database: Database, query: str) -> set[int]:
    """Return the best ten of all papers."""
    scorer = scoring.Scorer(concepts.literal_expansion(query))
    async with database.read() as connection:
        rows = await snapshot.read(connection, search.list_by_paper_ids, range(1, PAPER_COUNT + 1))
    scored = [
        (score, row.paper_id)
        for row in rows.values()
        if (
            score := scorer.score(term_keys.Document(row.texts.title, row.texts.body, row.votes, row.last_on))
        )
    ]
    ranked = sorted(scored, key=lambda pair: pair[0].sort_key, reverse=True)
    return {paper_id for _, paper_id in ranked[:10]}


async def test_the_ten_best_of_many_matches_are_among_the_candidates(db: Database) -> None:
    await index_papers(db)
    search = SearchService(db)
    kept = []
    for query in QUERIES:
        best = await score_all(db, query)
        result = await search.search(SearchRequest(query, literal=True))
        assert result.total > 100
        kept.append(len({row.id for row in result.rows} & best))
        assert kept[-1] >= 6, query
    assert sum(kept) >= 0.9 * 10 * len(QUERIES)
