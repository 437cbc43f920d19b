"""Builds the archive that the search benchmark asks, in a process of its own: `python -m bench.search_build URL PAPERS PEOPLE`.

Papers go through the indexer as an ingest hands them over; the rows beside them are put in bare. With `--floor FILE`
the same tokens also go into one plain FTS5 table with positions, which answers by `ORDER BY rank`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import sys
import time
from pathlib import Path

from bench.search_corpus import Corpus, author_names
from bot.services.search import document_tokens, glossary_service
from bot.services.search.indexer import SearchIndexer
from storage import migrate, models
from storage.database import Database
from storage.tables import authors, papers

BATCH_SIZE = 400


async def build(url: str, many: int, names: int, floor: Path | None) -> dict[str, float]:
    """Build, and return the seconds of indexing, of the floor and of the people."""
    database = await migrate.open_database(url, migrate=True)
    try:
        spent = await _add_papers(database, many, floor)
        spent["people"] = await _add_authors(database, names)
        begun = time.perf_counter()
        await glossary_service.GlossaryService(database).rebuild()
        spent["glossary"] = time.perf_counter() - begun
        return spent
    finally:
        await database.close()


async def _add_papers(database: Database, many: int, floor: Path | None) -> dict[str, float]:
    corpus, indexer = Corpus(), SearchIndexer()
    plain = _open_floor(floor)
    spent = {"index": 0.0, "floor": 0.0}
    for first in range(1, many + 1, BATCH_SIZE):
        batch = list(corpus.papers(first, min(BATCH_SIZE, many + 1 - first), total=many))
        async with database.transaction() as connection:
            await connection.execute(papers.insert(), [_row(paper) for paper in batch])
            begun = time.perf_counter()
            await indexer.index(connection, batch, [])
            spent["index"] += time.perf_counter() - begun
        if plain is not None:
            tokens = [(paper.id, _plain_tokens(paper)) for paper in batch]
            begun = time.perf_counter()
            plain.executemany("INSERT INTO floor (rowid, tokens) VALUES (?, ?)", tokens)
            plain.commit()
            spent["floor"] += time.perf_counter() - begun
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
    tokens = document_tokens.build_tokens(document_tokens.build_texts(paper))[0].split()
    return " ".join(token for token in tokens if document_tokens.SHINGLE_SEPARATOR not in token)


def _row(paper: models.IndexDocument) -> dict[str, object]:
    return {
        "id": paper.id,
        # Ids of ten years repeat every hundred thousand papers; the number keeps them apart.
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


async def _add_authors(database: Database, names: int) -> float:
    indexer, found = SearchIndexer(), author_names(names)
    spent = 0.0
    for first in range(0, names, 5000):
        batch = [
            models.Author(
                number, f"{name.casefold()} {number}", name, 1 + (names - number) // (names // 40 + 1)
            )
            for number, name in enumerate(found[first : first + 5000], first + 1)
        ]
        rows = [{"id": one.id, "key": one.key, "name": one.name, "papers": one.paper_count} for one in batch]
        async with database.transaction() as connection:
            await connection.execute(authors.insert(), rows)
            begun = time.perf_counter()
            await indexer.index(connection, [], batch)
            spent += time.perf_counter() - begun
    return spent


def main() -> None:
    """Build, and print the seconds spent as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("papers", type=int)
    parser.add_argument("people", type=int)
    parser.add_argument("--floor", type=Path)
    asked = parser.parse_args()
    spent = asyncio.run(build(asked.url, asked.papers, asked.people, asked.floor))
    sys.stdout.write(json.dumps(spent) + "\n")


if __name__ == "__main__":
    main()
