"""The papers of the samples, exported, opened by other programs, and imported by another reader."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import rispy
from pybtex import errors as pybtex_errors
from pybtex.database import parse_string

from bot.archive.exports import ReferenceFormat
from bot.demo import sample_digests
from bot.shelf.imports import ReferenceImporter
from bot.shelf.service import Shelf
from bot.text import typography
from storage import models, shelf, tables
from storage.database import Database
from tests.shelf.test_shelf import match_nothing
from tests.support.sample_archive import make_ingest

NOW = datetime(2026, 1, 5, tzinfo=UTC)
READABLE = (ReferenceFormat.BIBTEX, ReferenceFormat.RIS, ReferenceFormat.CSL)
ORDERED = ("Zoë Ångström", "김민준", "Loïc de la Müller", "Ada Lovelace")
"""The authors of a paper in arXiv's order, which is that of no alphabet."""


async def fill_shelf(database: Database) -> Shelf:
    """Save all papers of the samples for reader 7, each with a note and tags."""
    ingest = make_ingest(database)
    for name, text in sample_digests.sample_texts():
        await ingest.add_text(text, location=name)
    async with database.read() as connection:
        rows = (await connection.execute(tables.papers.select())).all()
    first = rows[0].arxiv_id
    facts = models.PaperFacts(first, "arxiv", "u", NOW, title="Über & 100% {AI}", authors=ORDERED)
    await ingest.add_facts([facts])
    async with database.transaction() as connection:
        await shelf.save(connection, 7, [row.id for row in rows], NOW, None)
        for row in rows:
            await shelf.update(connection, 7, row.id, note=f"메모 {row.id}\n{{x}} & y", tags=" rl 읽을-것 ")
    return Shelf(database, lambda: NOW, match_nothing)


async def test_the_samples_open_elsewhere_and_come_back_without_a_loss(sqlite_db: Database) -> None:
    shelf = await fill_shelf(sqlite_db)
    before, count = await shelf.list_saved(7)
    assert count >= 20
    assert ORDERED in [paper.authors for paper in before]
    files = {form: (await shelf.export(7, form))[0] for form in READABLE}
    _check_bibtex(files[ReferenceFormat.BIBTEX].decode(), before)
    _check_ris(files[ReferenceFormat.RIS].decode(), before)
    for data in files.values():
        async with sqlite_db.transaction() as connection:
            # As on another machine, whose archive is empty.
            for table in (tables.saved_papers, tables.entries, tables.facts, tables.papers):
                await connection.execute(table.delete())
        counts, problems = await ReferenceImporter(sqlite_db, lambda: NOW).import_file(8, data)
        assert (counts["saved"], counts["unlisted"], problems) == (count, count, [])
        after, _ = await shelf.list_saved(8)
        assert [_content(paper) for paper in after] == [_content(paper) for paper in before]


def _check_bibtex(text: str, saved: Sequence[models.SavedPaper]) -> None:
    with pybtex_errors.capture() as problems:
        entries = parse_string(text, "bibtex").entries
    assert problems == []
    assert [entry.fields["eprint"] for entry in entries.values()] == [paper.arxiv_id for paper in saved]
    people = [[str(person) for person in entry.persons.get("author", ())] for entry in entries.values()]
    assert ["Ångström, Zoë", "김민준", "de la Müller, Loïc", "Lovelace, Ada"] in people
    assert all(key.isascii() and not key.startswith("arxiv") for key in entries)


def _check_ris(text: str, saved: Sequence[models.SavedPaper]) -> None:
    records = rispy.loads(text)
    assert [record["title"] for record in records] == [
        typography.to_plain_text(row.title or "") for row in saved
    ]
    names = [", ".join(reversed(name.rsplit(" ", 1))) for name in ORDERED]
    assert names in [record.get("authors") for record in records]


def _content(paper: models.SavedPaper) -> tuple[object, ...]:
    title = typography.to_plain_text(paper.title or "")
    return paper.arxiv_id, title, paper.authors, paper.note, paper.tags
