"""Benchmark of matching new papers with many alerts: against building and running an Aho-Corasick automaton of their terms.

Small by default; `--large` takes a million alerts on 300,000 distinct terms. The automaton finds the terms as typed; the
alerts are also found in other spellings.
"""

from __future__ import annotations

import argparse
import asyncio
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
from bench.figures import Figure, median, percentile, show, time_await
from bot import logs
from bot.services.alerts import matcher
from bot.services.alerts.alerts import Alerts
from bot.text.glossary.model import seed
from bot.text.matching import candidate_terms, keyword_match
from storage import bulk, migrate, models, tables
from storage.database import Database
from storage.search import trigger_terms

SMALL, LARGE = (60_000, 20_000), (1_000_000, 300_000)
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
    automaton = ahocorasick_rs.AhoCorasick([candidate_terms.fold_fast(term) for term in terms])
    for title, text in papers:
        automaton.find_matches_as_indexes(candidate_terms.fold_fast(f"{title}\n{text}"), overlapping=True)


async def add_alerts(database: Database, terms: Sequence[str], count: int) -> list[int]:
    """Store alerts, three in ten for a few popular terms; returns the number of the term of each alert by its id."""
    chance = random.Random(2)
    numbers = [-1]
    triggers = [matcher.term_triggers(models.AlertKind.KEYWORD, term) for term in terms]
    while len(numbers) <= count:
        first = len(numbers)
        alerts: list[tuple[Any, ...]] = []
        for alert_id in range(first, min(first + _ROWS, count + 1)):
            popular = int(chance.paretovariate(0.6)) - 1
            number = min(popular, len(terms) - 1) if chance.random() < 0.3 else chance.randrange(len(terms))
            numbers.append(number)
            values = bulk.record_values(_draft(terms[number], alert_id))
            alerts.append(tuple(values.values()))
        rows = [(trigger, id_) for id_ in range(first, len(numbers)) for trigger in triggers[numbers[id_]]]
        async with database.transaction() as connection:
            await bulk.insert_rows(connection, tables.alerts, tuple(values), alerts)
            await bulk.insert_rows(connection, tables.alert_terms, ("term", "alert_id"), rows)
    return numbers


def _draft(text: str, number: int) -> models.Alert:
    terms = (models.AlertTerm(models.AlertKind.KEYWORD, text),)
    return models.Alert(number, number, terms, NOW, key=text)


async def retrieve(database: Database, texts: Sequence[keyword_match.KeywordText]) -> dict[str, list[int]]:
    """Return the ids of the alerts that the papers may match, by trigger term."""
    found: dict[str, list[int]] = {}
    wanted = set[str]().union(*(text.candidate_terms for text in texts))
    async with database.read() as connection:
        async for rows in trigger_terms.stream_alerts(connection, wanted):
            for term, alert_id, *_ in rows:
                found.setdefault(term, []).append(alert_id)
    return found


def decide(
    texts: Sequence[keyword_match.KeywordText],
    found: dict[str, list[int]],
    numbers: Sequence[int],
    terms: Sequence[str],
) -> tuple[int, int]:
    """Compare the papers with the distinct terms of the retrieved alerts. Returns the comparisons and the matches."""
    compared = matched = 0
    for text in texts:
        retrieved = {numbers[id_] for term in text.candidate_terms for id_ in found.get(term, ())}
        compared += len(retrieved)
        matched += sum(any(text.match(terms[number])) for number in retrieved)
    return compared, matched


async def measure(folder: Path, alert_count: int, term_count: int) -> list[Figure]:
    """Return the figures, measured on a SQLite file in `folder`."""
    terms, papers = generate_terms(term_count), generate_papers()
    database = await migrate.open_database(f"sqlite+aiosqlite:///{folder / 'bench.db'}")
    try:
        numbers = await add_alerts(database, terms, alert_count)
        process = psutil.Process()
        before = process.memory_info().rss
        started = time.perf_counter()
        texts = [keyword_match.KeywordText(*paper) for paper in papers]
        found = await retrieve(database, texts)
        retrieved = time.perf_counter() - started
        memory = (process.memory_info().rss - before) / 1e6
        compared, matched = decide(texts, found, numbers, terms)
        decided = time.perf_counter() - started - retrieved
        changes = await measure_changes(database)
    finally:
        await database.close()
    started = time.perf_counter()
    run_automaton(terms, papers)
    floor = time.perf_counter() - started
    of = f"{alert_count:,} alerts for {PAPERS} papers"
    return [
        show(Figure(f"retrieving {of}", retrieved, "s", floor=floor)),
        show(Figure(f"retrieving and deciding {of}", retrieved + decided, "s", floor=floor, max_ratio=0.25)),
        show(Figure(f"one comparison ({compared:,}, {matched:,} match)", 1e6 * decided / compared, "µs")),
        show(Figure("memory of retrieving", memory, "MB", max_value=100)),
        *map(show, changes),
    ]


async def measure_changes(database: Database) -> list[Figure]:
    """Return what an alert that is added or removed takes; the floor is the insert and commit of one row."""
    alerts = Alerts(database, lambda: NOW)
    await alerts.add(_draft("warm", -1))
    processor = [time.process_time()]
    committing = [await time_await(_commit_row(database, number)) for number in range(CHANGES)]
    processor.append(time.process_time())
    drafts = [_draft(f"a new rule {number}", -2 - number) for number in range(CHANGES)]
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
        await bulk.fetch_all(connection, "INSERT INTO meta (key, value) VALUES (?, '')", (f"floor {number}",))


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
