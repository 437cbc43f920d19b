"""Builds the archive of the search benchmark in its own process: `python -m bench.search_build URL PAPERS PEOPLE`.

Papers go through the indexer as in an ingest; their other rows are inserted directly. With `--floor FILE` the same tokens
are inserted into one plain FTS5 table with positions, which is queried with `ORDER BY rank`.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import random
import sqlite3
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from datetime import time as dt_time
from itertools import groupby
from pathlib import Path

import sqlalchemy as sa

from bench.figures import time_await
from bench.search_corpus import LAST_DAY, Corpus, author_names
from bot import cli
from bot.search import glossary
from bot.search import index as search_index
from bot.search import query as search_query
from storage import migrate, models, search, snapshot
from storage.database import Connection, Database
from storage.tables import authors, digests, entries, papers, sections

BATCH_SIZE = 400
PAGE_AUTHORS = 50_000
"""Authors of an archive for pages. Its papers name them; they are indexed, and their papers are not listed by author."""


async def build(url: str, paper_count: int, author_count: int, floor: Path | None) -> dict[str, float]:
    """Build the archive; return the seconds spent on the index (and of them of CPU), the floor, the authors, the glossary."""
    database = await migrate.open_database(url, migrate=True)
    try:
        spent = await _add_papers(database, paper_count, floor)
        spent["people"] = await _add_authors(database, author_count)
        spent["glossary"] = await time_await(glossary.GlossaryService(database).rebuild())
        return spent
    finally:
        await database.close()


async def _add_papers(database: Database, count: int, floor: Path | None) -> dict[str, float]:
    corpus, indexer = Corpus(), search_index.SearchIndexer()
    plain = _open_floor(floor)
    spent = {"index": 0.0, "index_cpu": 0.0, "floor": 0.0}
    for first in range(1, count + 1, BATCH_SIZE):
        batch = list(corpus.papers(first, min(BATCH_SIZE, count + 1 - first), total=count))
        async with database.transaction() as connection:
            await connection.execute(papers.insert(), [_row(paper) for paper in batch])
            cpu = time.process_time()
            spent["index"] += await time_await(indexer.index(connection, batch, []))
            spent["index_cpu"] += time.process_time() - cpu
        if plain is not None:
            tokens = [(paper.id, _plain_tokens(paper)) for paper in batch]
            started = time.perf_counter()
            plain.executemany("INSERT INTO floor (rowid, tokens) VALUES (?, ?)", tokens)
            plain.commit()
            spent["floor"] += time.perf_counter() - started
    if plain is not None:
        plain.close()
    return spent


async def build_pages(url: str, count: int, minutes: float) -> bool:
    """Build an archive whose papers have authors, summaries and a digest for each day, or go on with one.

    Returns whether it is complete; it stops after these minutes. Prints how far it is.
    """
    started, cpu = time.perf_counter(), time.process_time()
    database = await migrate.open_database(url, migrate=True)
    indexer, names = search_index.SearchIndexer(), author_names(PAGE_AUTHORS)
    async with database.read() as connection:
        done, known = [
            (await connection.execute(sa.select(sa.func.max(table.c.id)))).scalar() or 0
            for table in (papers, authors)
        ]
        has_glossary = await snapshot.read(connection, search.get_glossary_version) is not None
    corpus = Corpus()
    await _add_authors(database, PAGE_AUTHORS, known)
    try:
        for first in range(done + 1, count + 1, BATCH_SIZE):
            corpus.restart(first)
            batch = list(corpus.papers(first, min(BATCH_SIZE, count + 1 - first), total=count))
            async with database.transaction() as connection:
                await _insert_with_digests(connection, batch, names)
                await indexer.index(connection, batch, [])
            done = batch[-1].id
            if (first // BATCH_SIZE) % 25 == 0 or done == count:
                _say(f"{done:,} of {count:,} papers", started, cpu)
            if time.perf_counter() - started > 60 * minutes:
                _say(f"stopped at {done:,} of {count:,} papers; run it again", started, cpu)
                return False
        if not has_glossary:
            await glossary.GlossaryService(database).rebuild()
            _say("the glossary", started, cpu)
        return True
    finally:
        await database.close()


def _say(about: str, started: float, cpu: float) -> None:
    seconds, spent = time.perf_counter() - started, time.process_time() - cpu
    sys.stdout.write(f"{about}: {seconds:.0f} s, {spent:.0f} s of the processor\n")
    sys.stdout.flush()


async def _insert_with_digests(
    connection: Connection, batch: Sequence[models.IndexDocument], names: Sequence[str]
) -> None:
    """Insert the rows of papers, their authors' names, their summaries as sections, and the digests of their days."""
    chance = random.Random(batch[0].id)
    now = datetime.combine(LAST_DAY, dt_time(), UTC)
    written = {paper.id: tuple(chance.sample(names, chance.randint(2, 8))) for paper in batch}
    await connection.execute(
        papers.insert(), [_row(paper) | {"authors": written[paper.id]} for paper in batch]
    )
    by_day = {day: list(group) for day, group in groupby(batch, lambda paper: paper.last_on)}
    for day, listed in by_day.items():
        last = sa.select(sa.func.max(entries.c.rank)).join(digests).where(digests.c.date_on == day)
        rank = (await connection.execute(last)).scalar() or 0
        digest = await connection.execute(sa.select(digests.c.id).where(digests.c.date_on == day))
        if (digest_id := digest.scalar()) is None:
            values = {"format": models.DigestFormat.NEWSLETTER, "date_on": day, "language": "ko", "raw": b""}
            values |= {"hash": f"{day}", "problems": (), "revision": 1, "ingested_at": now, "updated_at": now}
            added = await connection.execute(digests.insert().values(values).returning(digests.c.id))
            digest_id = added.scalar_one()
        rows = [
            {
                "id": paper.id,
                "digest_id": digest_id,
                "paper_id": paper.id,
                "rank": rank + number,
                "title": paper.title,
                "url": f"https://arxiv.org/abs/{paper.arxiv_id}",
                "votes": paper.votes,
                "authors": written[paper.id],
                "authors_truncated": False,
                "summary_missing": False,
            }
            for number, paper in enumerate(listed, 1)
        ]
        await connection.execute(entries.insert(), rows)
    await connection.execute(
        sections.insert(),
        [
            {"entry_id": paper.id, "position": position, "heading": section.heading, "body": section.body}
            for paper in batch
            for position, section in enumerate(paper.sections)
        ],
    )


def _open_floor(floor: Path | None) -> sqlite3.Connection | None:
    if floor is None:
        return None
    plain = sqlite3.connect(floor)
    plain.execute(
        "CREATE VIRTUAL TABLE floor USING fts5(tokens, content='', tokenize=\"ascii tokenchars '+#._'\")"
    )
    return plain


def _plain_tokens(paper: models.IndexDocument) -> str:
    found = search_index.build_tokens(search_index.build_texts(paper))[0].split()
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


async def _add_authors(database: Database, count: int, known: int = 0) -> float:
    indexer, names = search_index.SearchIndexer(), author_names(count)
    spent = 0.0
    for first in range(known, count, 5000):
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
    gc.set_threshold(cli.GC_THRESHOLD, *gc.get_threshold()[1:])  # as `paperround ingest` does
    spent = asyncio.run(build(arguments.url, arguments.papers, arguments.people, arguments.floor))
    sys.stdout.write(json.dumps(spent) + "\n")


if __name__ == "__main__":
    main()
