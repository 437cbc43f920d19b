"""Benchmarks of search in large archives: topics against a plain FTS5 table, autocomplete, authors, index size, memory.

Small by default; `--large` takes a million papers and 300,000 authors. `--keep FOLDER` keeps the archive for another run.
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
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import psutil

from bench import search_corpus, search_postgresql, search_queries, synthetic_archive
from bench.figures import Figure, median, percentile, show, time_await, time_call
from bench.quality import author_names
from bot.archive import ingest as archive_ingest
from bot.core import logs
from bot.core.clock import system_clock
from bot.search import engine, scoring
from bot.search import index as search_index
from bot.search import query as search_query
from bot.search.results import SearchRequest
from bot.search.service import SearchService
from bot.text import analyser, concepts
from storage import migrate, models, search, snapshot
from storage.database import Database

SMALL, LARGE = (20_000, 10_000), (1_000_000, 300_000)
RUNS = 3
"""Runs over all queries: the first is the first touch, the others are warm."""
_NO_LIMIT = 10**9
_MAX_EXHAUSTIVE_MATCHES = 150_000
_MILLION = 10**6


@dataclass(frozen=True)
class BenchArchive:
    """A generated archive: its files, its size, and the seconds that its parts took to build."""

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
    """Build the archive in its own process, unless the folder has it from an earlier run."""
    papers, people = size
    path, floor, seconds = folder / "search.db", folder / "floor.db", folder / "spent.json"
    if not seconds.exists():
        arguments = [f"sqlite+aiosqlite:///{path}", str(papers), str(people), "--floor", str(floor)]
        command = [sys.executable, "-m", "bench.search_build", *arguments]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        seconds.write_text(done.stdout)
    return BenchArchive(path, floor, papers, people, json.loads(seconds.read_text()))


def show_build(archive: BenchArchive) -> None:
    """Print the time of indexing, and the size of the index."""
    per_paper = 1e6 / archive.papers
    index_time, floor_time = (archive.build_seconds[part] * per_paper for part in ("index", "floor"))
    show(Figure("indexing a paper", index_time, "µs", floor=floor_time, max_value=250))
    sizes = _sizes(archive.path)
    engine_size = sum(
        size
        for name, size in sizes.items()
        if name.startswith(("paper_words", "paper_titles", "term_counts"))
    )
    text_size = sum(size for name, size in sizes.items() if "indexed_papers" in name)
    show(Figure("index, bytes per paper", (engine_size + text_size) / archive.papers, "B", max_value=1600))
    show(Figure("  of these the stored texts", text_size / archive.papers, "B"))
    show(Figure("indexing a person", archive.build_seconds["people"] * 1e6 / archive.people, "µs"))
    show(Figure("rebuilding the glossary", archive.build_seconds["glossary"], "s"))


def _sizes(path: Path) -> dict[str, int]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name"))


async def measure(archive: BenchArchive) -> None:
    """Measure and print all figures of search."""
    idle = psutil.Process().memory_info().rss
    by_class = search_queries.query_classes(search_queries.load_shares(archive.path))
    nonsense = search_queries.nonsense_queries(search_queries.load_counts(archive.path))
    database = await migrate.open_database(archive.url)
    try:
        search = SearchService(database)
        first = 1e3 * await time_await(search.search(SearchRequest("확산 모델", limit=10)))
        show(Figure("the first look-up of a process", first, "ms", max_value=150))
        await _measure_topics(search, archive, by_class)
        await _measure_terms(search)
        await _measure_questions(search)
        slowest = max(await _time_queries(search, nonsense))
        show(Figure(f"the slowest of {len(nonsense)} nonsense queries", slowest, "ms", max_value=50))
        await _measure_recall(database, search, by_class)
        await _measure_autocomplete(search, archive, "")
        await _measure_autocomplete_during_ingest(database, search, archive)
        await _measure_authors(search, archive)
        rss = psutil.Process().memory_info().rss
        show(Figure("memory above idle", (rss - idle) / 2**20, "MiB", max_value=150))
    finally:
        await database.close()


async def _measure_topics(
    search: SearchService, archive: BenchArchive, by_class: Mapping[str, Sequence[str]]
) -> None:
    """Print each class when warm, and all of them at first touch and warm, against the floor for the same queries."""
    queries = [(name, query) for name, rows in by_class.items() for query in rows]
    # One engine after the other, since each would warm the other's caches.
    ours = [await _time_queries(search, [query for _, query in queries]) for _ in range(RUNS)]
    floor = _time_floor(archive.floor, [query for _, query in queries])
    for name in by_class:
        numbers = [number for number, (of_class, _) in enumerate(queries) if of_class == name]
        own, bare = ([run[number] for run in runs[1:] for number in numbers] for runs in (ours, floor))
        show(Figure(f"topic, {name}, p95", percentile(own, 0.95), "ms", floor=percentile(bare, 0.95)))
    warm, warm_floor = (list(chain.from_iterable(runs[1:])) for runs in (ours, floor))
    show(Figure("topic, all, warm, p50", median(warm), "ms", floor=median(warm_floor)))
    is_large = archive.papers >= _MILLION
    show(
        Figure(
            "topic, all, warm, p95",
            percentile(warm, 0.95),
            "ms",
            floor=percentile(warm_floor, 0.95),
            max_value=10,
            max_ratio=1 / 60 if is_large else None,
        )
    )
    show(
        Figure(
            "topic, all, first touch, p95",
            percentile(ours[0], 0.95),
            "ms",
            floor=percentile(floor[0], 0.95),
            max_ratio=1 / 40 if is_large else None,
        )
    )


def _time_floor(path: Path, queries: Sequence[str]) -> list[list[float]]:
    """Return for each run the milliseconds of each query on the plain FTS5 table."""
    words = {word for query in queries for word in query.split()}
    tokens = {word: analyser.analyse(word) or [word] for word in words}
    statement = "SELECT rowid FROM floor WHERE floor MATCH ? ORDER BY rank LIMIT 10"
    expressions = [search_queries.floor_expression(query, tokens) for query in queries]
    with contextlib.closing(sqlite3.connect(path)) as plain:

        def run(expression: str) -> None:
            plain.execute(statement, (expression,)).fetchall()

        return [
            [1e3 * time_call(lambda: run(expression)) for expression in expressions]  # noqa: B023 - called at once
            for _ in range(RUNS)
        ]


async def _measure_terms(search: SearchService) -> None:
    """Print the time of glossary terms, with query expansion and without."""
    terms = search_queries.glossary_terms()
    for name, literal in (("as typed", True), ("in all their forms", False)):
        runs = [await _time_queries(search, terms, literal=literal) for _ in range(RUNS)]
        warm = list(chain.from_iterable(runs[1:]))
        show(Figure(f"terms of the glossary, {name}, p95", percentile(warm, 0.95), "ms"))


async def _measure_questions(search: SearchService) -> None:
    """Print the time of natural questions, most of which few papers match completely."""
    questions = search_queries.natural_questions()
    runs = [await _time_queries(search, questions, literal=False) for _ in range(RUNS)]
    warm = list(chain.from_iterable(runs[1:]))
    show(Figure("natural questions, p50", median(warm), "ms"))
    show(Figure("natural questions, p95", percentile(warm, 0.95), "ms", max_value=25))
    show(Figure("natural questions, the slowest", max(warm), "ms", max_value=60))


_MIN_MATCHES = 3
"""Matches that a query needs for its share of the best ten to say anything."""


async def _measure_recall(
    database: Database, search: SearchService, by_class: Mapping[str, Sequence[str]]
) -> None:
    """Print the share of the best ten of all matches that candidate retrieval finds."""
    shares = []
    for query in chain.from_iterable(queries[:2] for queries in by_class.values()):
        best = await _score_exhaustively(database, query)
        if best is not None and len(best) >= _MIN_MATCHES:
            result = await search.search(SearchRequest(query, literal=True))
            shares.append(len(best & {row.id for row in result.rows}) / len(best))
    mean = 100 * sum(shares) / max(1, len(shares))
    show(Figure(f"top ten kept, of {len(shares)} queries", mean, "% (at least 85)"))


async def _score_exhaustively(database: Database, query: str) -> set[int] | None:
    """Return the best ten of all matches of a query; None if there are too many to score."""
    expanded = concepts.literal_expansion(query)
    scorer = scoring.Scorer(expanded)
    queries = map(search_query.from_segment, expanded.segments)
    full_query = search.all_of(query.anywhere for query in queries if query is not None)
    if full_query is None:
        return None
    async with database.read() as connection:
        (positions,) = await snapshot.read(connection, search.list_positions, [(full_query, _NO_LIMIT)])
        if len(positions) > _MAX_EXHAUSTIVE_MATCHES:
            return None
        hits: list[engine.Hit] = []
        for start in range(0, len(positions), 2000):
            rows = await snapshot.read(connection, search.list_by_positions, positions[start : start + 2000])
            hits += engine.score_papers(rows, scorer)
    complete = [(score.total, paper_id) for score, paper_id in hits if score.is_complete]
    return {paper_id for _, paper_id in sorted(complete, reverse=True)[:10]}


async def _measure_autocomplete(search: SearchService, archive: BenchArchive, when: str) -> None:
    """Print autocomplete at every keystroke of some topics, names and titles."""
    chance = random.Random(3)
    names = search_corpus.author_names(archive.people)
    typed = {
        "topics": ["강화 학습", "확산", "reinforcement", "LLM", "diffusion model", "추론"],
        "authors": [chance.choice(names[: archive.people // 20]) for _ in range(8)],
        "papers": ["reinforcement le", "large lang", "확산 모델", "2512.0001", "vision tr"],
    }
    for kind, texts in typed.items():
        milliseconds = [
            1e3 * await time_await(_complete(search, kind, text[:end]))
            for text in texts
            for end in range(1, len(text) + 1)
        ]
        show(Figure(f"autocomplete, {kind}{when}, p95", percentile(milliseconds, 0.95), "ms", max_value=5))


async def _complete(search: SearchService, kind: str, text: str) -> None:
    if kind == "topics":
        await search.complete_topic(text, models.Locale.KO)
    elif kind == "authors":
        await search.complete_author(text)
    else:
        await search.complete_paper(text)


async def _measure_autocomplete_during_ingest(
    database: Database, search: SearchService, archive: BenchArchive
) -> None:
    """Print autocomplete while digests are ingested one after the other."""
    texts = [text for _, text in synthetic_archive.generate(digests=40, papers=800, authors=2000)]
    ingest = archive_ingest.IngestService(database, system_clock, search_index.SearchIndexer())

    async def add_all() -> None:
        for number, text in enumerate(texts):
            await ingest.add_text(text, location=f"bench-{number}")

    task = asyncio.create_task(add_all())
    await _measure_autocomplete(search, archive, ", during an ingest")
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _measure_authors(search: SearchService, archive: BenchArchive) -> None:
    """Print author searches by variant of the name: as written, reversed, without accents, with a typing error."""
    chance = random.Random(4)
    names = chance.sample(search_corpus.author_names(archive.people), 60)
    for kind, change in _NAME_VARIANTS.items():
        milliseconds: list[float] = []
        first = offered = 0
        for name in names:
            typed = change(name, chance)
            milliseconds.append(1e3 * await time_await(search.complete_author(typed)))
            result = await search.find_author(typed, limit=5)
            first += name in result.matches[:1]
            offered += name in result.matches
        show(Figure(f"author, {kind}, p95", percentile(milliseconds, 0.95), "ms", max_value=5))
        show(Figure("  the right person first", 100 * first / len(names), "%"))
        show(Figure("  the right person among those offered", 100 * offered / len(names), "%"))


_NAME_VARIANTS: dict[str, Callable[[str, random.Random], str]] = {
    "as written": lambda name, _: name,
    "the other way round": lambda name, _: ", ".join(reversed(name.split())),
    "without accents": lambda name, _: name.translate(str.maketrans("äöü", "aou")),
    "umlauts written out": lambda name, _: name.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue"),
    "an error": author_names.with_typo,
}


async def _time_queries(
    search: SearchService, queries: Sequence[str], *, literal: bool = True
) -> list[float]:
    """Return the milliseconds of each query."""
    requests: list[Awaitable[object]] = [
        search.search(SearchRequest(query, literal=literal)) for query in queries
    ]
    return [1e3 * await time_await(request) for request in requests]


def main(arguments: Sequence[str] | None = None) -> None:
    """Build the archive and measure, in a temporary folder unless one is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--papers", type=int)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--no-postgresql", action="store_true")
    options = parser.parse_args(arguments)
    logs.configure("console:warning")
    papers, people = LARGE if options.large else SMALL
    if options.papers:
        papers, people = options.papers, max(1000, options.papers * people // papers)
    with contextlib.ExitStack() as stack:
        folder = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        archive = build(folder, (papers, people))
        show_build(archive)
        asyncio.run(measure(archive))
        if not options.no_postgresql:
            by_class = search_queries.query_classes(search_queries.load_shares(archive.path))
            search_postgresql.measure(by_class, papers, folder)


if __name__ == "__main__":
    main()
