"""Builds the archive of the search benchmark in its own process: `python -m bench.search_build URL PAPERS PEOPLE`.

Papers go through the indexer as in an ingest; their other rows are inserted directly. With `--floor FILE` the same tokens
are inserted into one plain FTS5 table with positions, which is queried with `ORDER BY rank`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import sys
import time
from pathlib import Path

from bench.figures import time_await
from bench.search_corpus import Corpus, author_names
from bot.search import glossary
from bot.search import query as search_query
from bot.search.index import SearchIndexer
from storage import migrate, models
from storage.database import Database
from storage.tables import authors, papers

BATCH_SIZE = 400


async def build(url: str, paper_count: int, author_count: int, floor: Path | None) -> dict[str, float]:
    """Build the archive; return the seconds spent on the index, the floor, the authors and the glossary."""
    database = await migrate.open_database(url, migrate=True)
    try:
        spent = await _add_papers(database, paper_count, floor)
        spent["people"] = await _add_authors(database, author_count)
        spent["glossary"] = await time_await(glossary.GlossaryService(database).rebuild())
        return spent
    finally:
        await database.close()


async def _add_papers(database: Database, count: int, floor: Path | None) -> dict[str, float]:
    corpus, indexer = Corpus(), SearchIndexer()
    plain = _open_floor(floor)
    spent = {"index": 0.0, "floor": 0.0}
    for first in range(1, count + 1, BATCH_SIZE):
        batch = list(corpus.papers(first, min(BATCH_SIZE, count + 1 - first), total=count))
        async with database.transaction() as connection:
            await connection.execute(papers.insert(), [_row(paper) for paper in batch])
            spent["index"] += await time_await(indexer.index(connection, batch, []))
        if plain is not None:
            tokens = [(paper.id, _plain_tokens(paper)) for paper in batch]
            started = time.perf_counter()
            plain.executemany("INSERT INTO floor (rowid, tokens) VALUES (?, ?)", tokens)
            plain.commit()
            spent["floor"] += time.perf_counter() - started
    if plain is not None:
        plain.close()
    return spent


def _open_floor(floor: Path | None) -> sqlite3.Connection | None:
    if floor is None:
        return None
    plain = sqlite3.connect(floor)
    plain.execute(
        "CREATE VIRTUAL TABLE floor USING fts5(tokens, content='', tokenize=\"ascii tokenchars '+#._'\")"
    )
    return plain


def _plain_tokens(paper: models.IndexDocument) -> str:
    found = search_query.build_tokens(search_query.build_texts(paper))[0].split()
    return " ".join(token for token in found if search_query.SHINGLE_SEPARATOR not in token)


def _row(paper: models.IndexDocument) -> dict[str, object]:
    return {
        "id": paper.id,
        # The generated arXiv ids repeat every hundred thousand papers, the row ids do not.
        "arxiv_id": f"{paper.arxiv_id[:4]}.{paper.id:07}",
        "title": paper.title,
        "url": f"https://arxiv.org/abs/{paper.arxiv_id}",
        "keywords": (),
        "categories": (),
        "authors": (),
        "authors_truncated": False,
        "votes": paper.votes,
        "first_on": paper.last_on,
        "last_on": paper.last_on,
    }


async def _add_authors(database: Database, count: int) -> float:
    indexer, names = SearchIndexer(), author_names(count)
    spent = 0.0
    for first in range(0, count, 5000):
        batch = [
            models.Author(
                number, f"{name.casefold()} {number}", name, 1 + (count - number) // (count // 40 + 1)
            )
            for number, name in enumerate(names[first : first + 5000], first + 1)
        ]
        rows = [
            {"id": author.id, "key": author.key, "name": author.name, "papers": author.paper_count}
            for author in batch
        ]
        async with database.transaction() as connection:
            await connection.execute(authors.insert(), rows)
            spent += await time_await(indexer.index(connection, [], batch))
    return spent


def main() -> None:
    """Build the archive and print the seconds spent as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("papers", type=int)
    parser.add_argument("people", type=int)
    parser.add_argument("--floor", type=Path)
    arguments = parser.parse_args()
    spent = asyncio.run(build(arguments.url, arguments.papers, arguments.people, arguments.floor))
    sys.stdout.write(json.dumps(spent) + "\n")


if __name__ == "__main__":
    main()
