"""Look-ups at size: topics against `ORDER BY rank` of a plain FTS5 table, autocomplete, authors, index size, memory.

Small by default; `--large` takes a million papers and 300,000 people. `--keep FOLDER` builds there once and asks again.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench import search_corpus, search_postgresql, search_queries, synthetic_archive
from bench.figures import Figure, median, percentile, show
from bot import logs
from bot.clock import system_clock
from bot.services.ingest import service
from bot.services.search import engine, index_query, indexer
from bot.services.search.results import SearchRequest
from bot.services.search.service import SearchService
from bot.text import scoring
from bot.text.analysis import analyser
from storage import migrate, models
from storage.database import Database
from storage.search import engines, index

SMALL, LARGE = (20_000, 10_000), (1_000_000, 300_000)
_NO_LIMIT = 10**9
RUNS = 3
"""Runs over all queries; the first one is the first touch, the others are warm."""


@dataclass(frozen=True)
class BenchArchive:
    """An archive to ask: where it is, how big, and the seconds that its parts took to build."""

    path: Path
    floor: Path
    papers: int
    people: int
    build_seconds: dict[str, float]

    @property
    def url(self) -> str:
        """The database's URL."""
        return f"sqlite+aiosqlite:///{self.path}"


def build(folder: Path, size: tuple[int, int]) -> BenchArchive:
    """Build the archive in a process of its own, unless the folder has it from an earlier run."""
    papers, people = size
    path, floor, notes = folder / "search.db", folder / "floor.db", folder / "spent.json"
    if not notes.exists():
        command = [
            sys.executable,
            "-m",
            "bench.search_build",
            f"sqlite+aiosqlite:///{path}",
            str(papers),
            str(people),
        ]
        done = subprocess.run([*command, "--floor", str(floor)], check=True, capture_output=True, text=True)
        notes.write_text(done.stdout)
    return BenchArchive(path, floor, papers, people, json.loads(notes.read_text()))


def show_build(built: BenchArchive) -> None:
    """Print what indexing took, and what the index takes."""
    per_paper = 1e6 / built.papers
    show(
        Figure(
            "indexing a paper",
            built.build_seconds["index"] * per_paper,
            "µs",
            floor=built.build_seconds["floor"] * per_paper,
            max_value=200,
        )
    )
    sizes = _sizes(built.path)
    engine = sum(
        size
        for name, size in sizes.items()
        if name.startswith(("paper_words", "paper_titles", "term_counts"))
    )
    texts = sum(size for name, size in sizes.items() if "indexed_papers" in name)
    show(Figure("index, bytes a paper", (engine + texts) / built.papers, "B", max_value=1600))
    show(Figure("  of these the texts kept beside it", texts / built.papers, "B"))
    show(Figure("indexing a person", built.build_seconds["people"] * 1e6 / built.people, "µs"))
    show(Figure("making the glossary anew", built.build_seconds["glossary"], "s"))


def _sizes(path: Path) -> dict[str, int]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name"))


async def measure(built: BenchArchive) -> None:
    """Measure every look-up."""
    idle = psutil.Process().memory_info().rss
    by_class = search_queries.query_classes(search_queries.load_shares(built.path))
    nonsense = search_queries.nonsense_queries(search_queries.load_counts(built.path))
    database = await migrate.open_database(built.url)
    try:
        lookup = SearchService(database)
        await lookup.search(SearchRequest("warm", limit=1))
        await _measure_topics(lookup, built, by_class)
        await _measure_terms(lookup)
        slowest = max([await _time_ms(lookup.search(SearchRequest(one, literal=True))) for one in nonsense])
        show(Figure(f"the slowest of {len(nonsense)} nonsense queries", slowest, "ms", max_value=50))
        await _measure_recall(database, lookup, by_class)
        await _measure_autocomplete(lookup, built, "")
        await _measure_autocomplete_during_ingest(database, lookup, built)
        await _measure_authors(lookup, built)
        rss = psutil.Process().memory_info().rss
        show(Figure("memory above idle", (rss - idle) / 2**20, "MiB", max_value=150))
    finally:
        await database.close()


async def _measure_topics(lookup: SearchService, built: BenchArchive, by_class: dict[str, list[str]]) -> None:
    """Print each class at first touch and warm, and all of them against the floor for the same queries."""
    words = {word for rows in by_class.values() for query in rows for word in query.split()}
    tokens = {word: analyser.analyse(word) or [word] for word in words}
    queries = [(name, query) for name, rows in by_class.items() for query in rows]
    # One engine after the other, since each would find the other's pages in the processor's cache.
    ours = [
        [await _time_ms(lookup.search(SearchRequest(query, literal=True))) for _, query in queries]
        for _ in range(RUNS)
    ]
    with contextlib.closing(sqlite3.connect(built.floor)) as plain:
        expressions = [search_queries.floor_expression(query, tokens) for _, query in queries]
        floor = [[_time_floor_ms(plain, one) for one in expressions] for _ in range(RUNS)]
    for name in by_class:
        places = [place for place, (of, _) in enumerate(queries) if of == name]
        own, bare = ([run[place] for run in took[1:] for place in places] for took in (ours, floor))
        show(Figure(f"topic, {name}, p95", percentile(own, 0.95), "ms", floor=percentile(bare, 0.95)))
    warm, plain_warm = ([one for run in took[1:] for one in run] for took in (ours, floor))
    show(Figure("topic, all, warm, p50", median(warm), "ms", floor=median(plain_warm)))
    show(
        Figure(
            "topic, all, warm, p95",
            percentile(warm, 0.95),
            "ms",
            floor=percentile(plain_warm, 0.95),
            max_value=10,
            max_ratio=1 / 60 if built.papers >= 10**6 else None,
        )
    )
    show(
        Figure(
            "topic, all, first touch, p95",
            percentile(ours[0], 0.95),
            "ms",
            floor=percentile(floor[0], 0.95),
            max_ratio=1 / 40 if built.papers >= 10**6 else None,
        )
    )


def _time_floor_ms(plain: sqlite3.Connection, expression: str) -> float:
    begun = time.perf_counter()
    plain.execute(
        "SELECT rowid FROM floor WHERE floor MATCH ? ORDER BY rank LIMIT 10", (expression,)
    ).fetchall()
    return 1e3 * (time.perf_counter() - begun)


async def _measure_terms(lookup: SearchService) -> None:
    """Print terms of the glossary with their other forms and without."""
    rows = search_queries.glossary_terms()
    for name, literal in (("as typed", True), ("in all their forms", False)):
        took = []
        for run in range(3):
            for query in rows:
                one = await _time_ms(lookup.search(SearchRequest(query, literal=literal)))
                took += [one] if run else []
        show(Figure(f"terms of the glossary, {name}, p95", percentile(took, 0.95), "ms"))


async def _measure_recall(database: Database, lookup: SearchService, by_class: dict[str, list[str]]) -> None:
    """Print how much of the top ten of our formula over all matches is found among the candidates."""
    shares = []
    for rows in by_class.values():
        for query in rows[:2]:
            best = await _score_exhaustively(database, query)
            if best is None or len(best) < scoring.MIN_COMPLETE_MATCHES:
                continue
            found = {row.id for row in (await lookup.search(SearchRequest(query, literal=True))).rows}
            shares.append(len(found & best) / max(1, len(best)))
    show(
        Figure(
            f"top ten kept, of {len(shares)} queries",
            100 * sum(shares) / max(1, len(shares)),
            "% (at least 85)",
        )
    )


async def _score_exhaustively(database: Database, query: str, most: int = 150_000) -> set[int] | None:
    """Score every match of a query; None when there are too many to wait for."""
    from bot.text.glossary.model import expansion

    understood = expansion.literal_expansion(query)
    scorer = scoring.Scorer(understood)
    question = index_query.from_segments(understood.segments)
    if question is None:
        return None
    async with database.read() as connection:
        (positions,) = await index.list_positions(
            connection, [engines.SearchRequest(index.WORDS_TABLE, question.anywhere, _NO_LIMIT)]
        )
        if len(positions) > most:
            return None
        hits: list[engine.Hit] = []
        for start in range(0, len(positions), 2000):
            rows = await index.list_by_positions(connection, positions[start : start + 2000])
            hits += engine.score_papers(rows, scorer)
    complete = [hit for hit in hits if hit.is_complete]
    ranked = sorted(complete, key=lambda hit: (hit.score.total, hit.paper_id), reverse=True)
    return {hit.paper_id for hit in ranked[:10]}


async def _measure_autocomplete(lookup: SearchService, built: BenchArchive, when: str) -> None:
    """Print autocomplete at every keystroke of some topics, names and titles."""
    chance = random.Random(3)
    names = search_corpus.author_names(built.people)
    typed = {
        "topics": ["강화 학습", "확산", "reinforcement", "LLM", "diffusion model", "추론"],
        "authors": [chance.choice(names[: built.people // 20]) for _ in range(8)],
        "papers": ["reinforcement le", "large lang", "확산 모델", "2512.0001", "vision tr"],
    }
    for name, rows in typed.items():
        took = [
            await _time_ms(_complete(lookup, name, text[:end]))
            for text in rows
            for end in range(1, len(text) + 1)
        ]
        show(Figure(f"autocomplete, {name}{when}, p95", percentile(took, 0.95), "ms", max_value=5))


async def _complete(lookup: SearchService, name: str, text: str) -> None:
    if name == "topics":
        await lookup.complete_topic(text, models.Locale.KO)
    elif name == "authors":
        await lookup.complete_author(text)
    else:
        await lookup.complete_paper(text)


async def _measure_autocomplete_during_ingest(
    database: Database, lookup: SearchService, built: BenchArchive
) -> None:
    """Print autocomplete while digests are ingested one after the other."""
    texts = [text for _, text in synthetic_archive.generate(digests=40, papers=800, authors=2000)]
    work = service.IngestService(database, system_clock, indexer.SearchIndexer())

    async def take() -> None:
        for number, text in enumerate(texts):
            await work.add_text(text, location=f"bench-{number}")

    task = asyncio.create_task(take())
    await _measure_autocomplete(lookup, built, ", during an ingest")
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _measure_authors(lookup: SearchService, built: BenchArchive) -> None:
    """Print author look-ups: as written, the other way round, without accents, with an error."""
    chance = random.Random(4)
    names = chance.sample(search_corpus.author_names(built.people), 60)
    for kind, change in _NAME_VARIANTS.items():
        took: list[float] = []
        right = found = 0
        for name in names:
            asked = change(name, chance)
            took.append(await _time_ms(lookup.complete_author(asked)))
            result = await lookup.find_author(asked, limit=5)
            right += name in result.matches[:1]
            found += name in result.matches
        show(Figure(f"author, {kind}, p95", percentile(took, 0.95), "ms", max_value=5))
        show(Figure("  the right person first", 100 * right / len(names), "%"))
        show(Figure("  the right person among those offered", 100 * found / len(names), "%"))


def _with_typo(name: str, chance: random.Random) -> str:
    place = chance.choice([place for place, letter in enumerate(name) if place and letter.isalpha()])
    return (
        name[:place] + name[place + 1 :] if chance.random() < 0.5 else name[:place] + "e" + name[place + 1 :]
    )


_NAME_VARIANTS: dict[str, Callable[[str, random.Random], str]] = {
    "as written": lambda name, _: name,
    "the other way round": lambda name, _: ", ".join(reversed(name.split())),
    "without accents": lambda name, _: name.translate(str.maketrans("äöü", "aou")),
    "umlauts written out": lambda name, _: name.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue"),
    "an error": _with_typo,
}


async def _time_ms(question: Awaitable[object]) -> float:
    begun = time.perf_counter()
    await question
    return 1e3 * (time.perf_counter() - begun)


def main(arguments: Sequence[str] | None = None) -> None:
    """Build and measure; in a folder that is thrown away unless one is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--papers", type=int)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--no-postgresql", action="store_true")
    asked = parser.parse_args(arguments)
    logs.configure("console:warning")
    papers, people = LARGE if asked.large else SMALL
    if asked.papers:
        papers, people = asked.papers, max(1000, asked.papers * people // papers)
    with contextlib.ExitStack() as stack:
        folder = asked.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        built = build(folder, (papers, people))
        show_build(built)
        asyncio.run(measure(built))
        if not asked.no_postgresql:
            by_class = search_queries.query_classes(search_queries.load_shares(built.path))
            search_postgresql.measure(by_class, papers, folder)


if __name__ == "__main__":
    main()
