"""Benchmark of matching new papers with many alerts: against one automaton of their terms as typed, built and run.

100,000 alerts on 33,000 distinct terms by default; `--large` takes a million on 300,000. The automaton finds the terms as
typed; the alerts are also found in other spellings.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import ahocorasick_rs
import psutil

from bench import search_corpus
from bench.alerts import LoopLag
from bench.figures import Figure, median, percentile, show, time_await
from bot.alerts import matcher
from bot.alerts.service import Alerts
from bot.core import logs
from bot.text import analyser, keywords, seed
from storage import database as storage_database
from storage import migrate, models, tables
from storage.database import Database

SMALL, LARGE = (100_000, 33_000), (1_000_000, 300_000)
"""Alerts, and their distinct terms."""
PAPERS = 50
CHARACTERS = 2000
CHANGES = 50
NOW = datetime(2026, 6, 30, 9, tzinfo=UTC)
_ROWS = 50_000


def generate_terms(count: int) -> list[str]:
    """Return distinct terms: those of the seed list, then one to three words, Korean or English."""
    corpus, chance = search_corpus.Corpus(7), random.Random(1)
    terms = {form: None for term in seed.load_terms() for form in (*term.english, *term.korean)}
    while len(terms) < count:
        words = corpus.korean_words if chance.random() < 0.5 else corpus.english_words
        terms[" ".join(words.draw(chance) for _ in range(chance.choice((1, 2, 2, 3))))] = None
    return list(terms)[:count]


def generate_papers() -> list[tuple[str, str]]:
    """Return titles and texts of `CHARACTERS` characters."""
    corpus = search_corpus.Corpus(7)
    papers = []
    for number in range(PAPERS):
        parts = [corpus.paper(number, search_corpus.LAST_DAY) for _ in range(3)]
        text = "\n".join(section.body for part in parts for section in part.sections)
        papers.append((parts[0].title or "", text[:CHARACTERS]))
    return papers


def run_automaton(terms: Sequence[str], papers: Sequence[tuple[str, str]]) -> None:
    """Build the automaton of all terms and find them in the papers."""
    automaton = ahocorasick_rs.AhoCorasick([analyser.fold(term) for term in terms])
    for title, text in papers:
        automaton.find_matches_as_indexes(analyser.fold(f"{title}\n{text}"), overlapping=True)


async def add_alerts(database: Database, terms: Sequence[str], count: int) -> list[int]:
    """Store alerts, three in ten for a few popular terms; returns the number of the term of each alert by its id."""
    chance = random.Random(2)
    numbers = [-1]
    while len(numbers) <= count:
        first = len(numbers)
        alerts: list[tuple[Any, ...]] = []
        for alert_id in range(first, min(first + _ROWS, count + 1)):
            popular = int(chance.paretovariate(0.6)) - 1
            number = min(popular, len(terms) - 1) if chance.random() < 0.3 else chance.randrange(len(terms))
            numbers.append(number)
            values = storage_database.record_values(_draft(terms[number], alert_id))
            alerts.append(tuple(values.values()))
        async with database.transaction() as connection:
            await storage_database.insert_rows(connection, tables.alerts, tuple(values), alerts)
    return numbers


def _draft(text: str, number: int) -> models.Alert:
    terms = (models.AlertTerm(models.AlertKind.KEYWORD, text),)
    return models.Alert(number, number, terms, NOW, key=text)


def prepare(papers: Sequence[tuple[str, str]]) -> list[matcher.PreparedPaper]:
    """Return papers with their texts, prepared for matching."""
    prepared = []
    for number, (title, body) in enumerate(papers, 1):
        values: dict[str, Any] = dict.fromkeys(models.MergedPaper.__dataclass_fields__)
        values |= dict.fromkeys(("authors", "affiliations", "keywords", "categories", "appearances"), ())
        detail = models.PaperDetail(**values | {"id": number, "arxiv_id": f"2606.{number:05}"})
        prepared.append((detail, keywords.KeywordText(title, body)))
    return prepared


def decide(
    candidates: Sequence[tuple[int, Sequence[int]]],
    prepared: Sequence[matcher.PreparedPaper],
    texts: Sequence[str],
) -> tuple[int, int, int]:
    """Compare papers with alerts, each text of an alert (by its id) once with the same papers.

    Returns the comparisons, how many of them match, and the matches of all alerts.
    """
    decided: dict[tuple[str, tuple[int, ...]], int] = {}
    matches = 0
    for alert_id, places in candidates:
        asked = texts[alert_id], tuple(places)
        if asked not in decided:
            decided[asked] = sum(any(prepared[place][1].match(asked[0])) for place in places)
        matches += decided[asked]
    return sum(len(places) for _, places in decided), sum(decided.values()), matches


async def look_up(
    index: matcher.AlertIndex, prepared: Sequence[matcher.PreparedPaper]
) -> list[tuple[int, list[int]]]:
    """Return the candidates among all alerts."""
    haystacks = await asyncio.to_thread(lambda: [matcher.build_haystack(*one) for one in prepared])
    return [row async for candidates in index.iterate(haystacks, 0) for row in candidates]


async def measure(folder: Path, alert_count: int, term_count: int) -> list[Figure]:
    """Return the figures, measured on a SQLite file in `folder`."""
    terms, papers = generate_terms(term_count), generate_papers()
    database = await migrate.open_database(f"sqlite+aiosqlite:///{folder / 'bench.db'}")
    try:
        numbers = await add_alerts(database, terms, alert_count)
        return await measure_matching(database, [terms[number] for number in numbers], terms, papers)
    finally:
        await database.close()


async def measure_matching(
    database: Database, texts: Sequence[str], terms: Sequence[str], papers: Sequence[tuple[str, str]]
) -> list[Figure]:
    """Return the figures of matching `papers` with stored alerts, whose `texts` are by their ids.

    Processor time, since other work on the machine would change the ratio.
    """
    keywords.KeywordText("warm", "the analyser's tables").prepare()
    process, lag = psutil.Process(), LoopLag()
    index = matcher.AlertIndex(database)
    gc.collect()
    before = process.memory_info().rss
    processor = [time.process_time()]
    async with lag.measured():
        await look_up(index, [])
        processor.append(time.process_time())
        prepared = await asyncio.to_thread(prepare, papers)
        candidates = await look_up(index, prepared)
        processor.append(time.process_time())
        compared, matched, matches = await asyncio.to_thread(decide, candidates, prepared, texts)
        processor.append(time.process_time())
    memory = (process.memory_info().rss - before) / 1e6
    await Alerts(database, lambda: NOW).add(_draft("a rule added", -1))
    processor.append(time.process_time())
    await look_up(index, [])
    processor.append(time.process_time())
    run_automaton(terms, papers)
    processor.append(time.process_time())
    start, found, decided, _, again, floor = (end - begin for begin, end in pairwise(processor))
    of = f"{len(texts) - 1:,} alerts for {PAPERS} papers"
    return [
        show(Figure(f"start with {len(texts) - 1:,} alerts: all automata", start, "s", floor=floor)),
        show(Figure(f"candidates of {of}: {len(candidates):,} alerts", found, "s", floor=floor)),
        show(
            Figure(
                f"deciding {compared:,} comparisons, of which {matched:,} match", decided, "s", floor=floor
            )
        ),
        show(Figure(f"matching {of}: {matches:,} matches", found + decided, "s", floor=floor, max_value=1)),
        show(Figure("memory of it, with all automata", memory, "MB", max_value=60)),
        show(Figure("event loop late meanwhile, at most", 1e3 * max(lag.seconds), "ms", max_value=50)),
        show(Figure("the look-up after an alert was added", again, "s", floor=floor)),
        *map(show, await measure_changes(database)),
    ]


async def measure_changes(database: Database) -> list[Figure]:
    """Return what an alert that is added or removed takes; the floor is the insert and commit of one row."""
    alerts = Alerts(database, lambda: NOW)
    await alerts.add(_draft("warm", -2))
    processor = [time.process_time()]
    committing = [await time_await(_commit_row(database, number)) for number in range(CHANGES)]
    processor.append(time.process_time())
    drafts = [_draft(f"a new rule {number}", -3 - number) for number in range(CHANGES)]
    adding = [await time_await(alerts.add(draft)) for draft in drafts]
    processor.append(time.process_time())
    own = [alert for draft in drafts for alert in await alerts.list_rows(user_id=draft.user_id)]
    processor.append(time.process_time())
    removing = [await time_await(alerts.remove([alert.id])) for alert in own]
    processor.append(time.process_time())
    commit, add, _, remove = (1e3 * (end - start) / CHANGES for start, end in pairwise(processor))
    floor = 1e3 * median(committing)
    return [
        Figure("adding an alert, median", 1e3 * median(adding), "ms", floor=floor),
        Figure("adding an alert, 95 % below", 1e3 * percentile(adding, 0.95), "ms"),
        Figure("adding an alert, processor time", add, "ms", floor=commit, max_value=1.5),
        Figure("removing an alert, median", 1e3 * median(removing), "ms", floor=floor),
        Figure("removing an alert, processor time", remove, "ms", floor=commit, max_value=1),
    ]


async def _commit_row(database: Database, number: int) -> None:
    async with database.transaction() as connection:
        await storage_database.execute_many(
            connection, "INSERT INTO meta (key, value) VALUES (?, '')", [(f"floor {number}",)]
        )


def main() -> list[Figure]:
    """Measure in a temporary folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true")
    alert_count, term_count = LARGE if parser.parse_args().large else SMALL
    logs.configure("console:warning")
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(measure(Path(folder), alert_count, term_count))


if __name__ == "__main__":
    main()
