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
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import ahocorasick_rs
import psutil

from bench import search_corpus
from bench.figures import Figure, median, percentile, show, time_await
from bot.alerts import matcher
from bot.alerts.service import Alerts
from bot.core import logs
from bot.glossary import concepts
from bot.text import alert_terms, keywords
from storage import alerts, bulk, migrate, models, tables
from storage.database import Database

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
    terms = {form: None for term in concepts.load_terms() for form in (*term.english, *term.korean)}
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
    automaton = ahocorasick_rs.AhoCorasick([alert_terms.fold_fast(term) for term in terms])
    for title, text in papers:
        automaton.find_matches_as_indexes(alert_terms.fold_fast(f"{title}\n{text}"), overlapping=True)


async def add_alerts(database: Database, terms: Sequence[str], count: int) -> list[int]:
    """Store alerts, three in ten for a few popular terms; returns the number of the term of each alert by its id."""
    chance = random.Random(2)
    numbers = [-1]
    triggers = [matcher.alert_terms(_draft(term, 0)) for term in terms]
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


def prepare(papers: Sequence[tuple[str, str]]) -> list[matcher.PreparedPaper]:
    """Return papers with their texts, prepared for matching."""
    prepared = []
    for number, (title, body) in enumerate(papers, 1):
        values: dict[str, Any] = dict.fromkeys(models.MergedPaper.__dataclass_fields__)
        values |= dict.fromkeys(("authors", "affiliations", "keywords", "categories", "appearances"), ())
        detail = models.PaperDetail(**values | {"id": number, "arxiv_id": f"2606.{number:05}"})
        prepared.append((detail, keywords.KeywordText(title, body)))
    return prepared


async def decide(
    database: Database,
    prepared: Sequence[matcher.PreparedPaper],
    papers_by_term: Mapping[str, Sequence[int]],
    texts: Sequence[str],
) -> tuple[int, int]:
    """Compare the papers with the alerts that only may match, each text of an alert (by its id) once.

    Returns the comparisons and the matches.
    """
    unsure = {term for term in papers_by_term if not alert_terms.is_exact(term)}
    compared: dict[int, set[str]] = {}
    async with database.read() as connection:
        async for rows in alerts.stream_alerts(connection, unsure):
            for term, text in {(term, texts[alert_id]) for term, alert_id, *_ in rows}:
                for paper_id in papers_by_term[term]:
                    compared.setdefault(paper_id, set()).add(text)
    matched = sum(any(text.match(own)) for detail, text in prepared for own in compared.get(detail.id, ()))
    return sum(map(len, compared.values())), matched


async def count_matches(database: Database, papers_by_term: Mapping[str, Sequence[int]]) -> int:
    """Read the alerts that match without a comparison, and return how many matches with papers these are."""
    exact = {term for term in papers_by_term if alert_terms.is_exact(term)}
    papers_by_alert: dict[int, set[int]] = {}
    async with database.read() as connection:
        async for rows in alerts.stream_alerts(connection, exact):
            for term, alert_id, *_ in rows:
                papers_by_alert.setdefault(alert_id, set()).update(papers_by_term[term])
    return sum(map(len, papers_by_alert.values()))


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
    process = psutil.Process()
    before = process.memory_info().rss
    processor = [time.process_time()]
    prepared = prepare(papers)
    source = matcher.AlertTermSource(database, matcher.PaperTexts(database))
    papers_by_term: dict[str, list[int]] = {}
    for batch in bulk.chunked(prepared, matcher.PAPER_BATCH_SIZE):
        for term, paper_ids in (await source.list_terms(batch)).items():
            papers_by_term.setdefault(term, []).extend(paper_ids)
    processor.append(time.process_time())
    memory = (process.memory_info().rss - before) / 1e6
    compared, matched = await decide(database, prepared, papers_by_term, texts)
    processor.append(time.process_time())
    matches = await count_matches(database, papers_by_term)
    processor.append(time.process_time())
    run_automaton(terms, papers)
    processor.append(time.process_time())
    found, decided, read, floor = (end - start for start, end in pairwise(processor))
    of = f"{len(texts) - 1:,} alerts for {PAPERS} papers"
    return [
        show(Figure(f"terms of {of}", found, "s", floor=floor)),
        show(Figure(f"deciding {compared:,} others, of which {matched:,} match", decided, "s", floor=floor)),
        show(Figure(f"matching {of}", found + decided, "s", floor=floor, max_ratio=0.25)),
        show(Figure("memory of it", memory, "MB", max_value=100)),
        show(Figure(f"reading the alerts of the other {matches:,} matches", read, "s", floor=floor)),
        *map(show, await measure_changes(database)),
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
