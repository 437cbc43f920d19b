"""Imports save the papers whose arXiv ids are in a file of any format."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.archive import arxiv_ids
from bot.archive.exports import ReferenceFormat
from bot.demo import sample_digests
from bot.shelf import service as shelf_service
from bot.shelf.service import Imported, Shelf
from storage import papers, shelf
from storage.database import Database
from tests.shelf.test_service import match_nothing
from tests.storage.test_saved_papers import add_papers
from tests.support.sample_archive import make_ingest

NOW = datetime(2026, 1, 5, tzinfo=UTC)

FILES = {
    "@misc{a, title={A}, eprint={2502.11089}, archiveprefix={arXiv}}": ["2502.11089"],
    '@misc{a, eprint="cs/0112017v2"}': ["cs/0112017"],
    "doi = {10.48550/arXiv.2502.11089}, url = {http://arxiv.org/abs/2502.11089v1}": ["2502.11089"],
    "@article{a, journal={arXiv preprint arXiv:2401.00002}}": ["2401.00002"],
    "@article{a, journal={ArXiv}, volume={abs/1711.00399}}": ["1711.00399"],  # Semantic Scholar
    "@article{b, journal={CoRR}, volume={abs/cs/0112017}}": ["cs/0112017"],  # DBLP
    "@misc{d, file={:home/me/1706.03762v5.pdf:PDF}}": ["1706.03762"],  # JabRef
    "TY  - JOUR\nJO  - CoRR\nVL  - abs/1711.00399\nER  - \n": ["1711.00399"],
    "M1  - arXiv:2401.00002\n": ["2401.00002"],
    '[{"number": "arXiv:2401.00002", "note": "arXiv:2401.00003 [cs]"}]': ["2401.00002", "2401.00003"],
    '<bib:Article rdf:about="http://arxiv.org/abs/math.GT/0309136v2">': ["math/0309136"],
    "title,id,votes\nA,2401.00002,5\nB,2401.00001,7\nC,2401.00002,5\n": ["2401.00002", "2401.00001"],
    "https://hf.co/papers/2401.00001 and\nhttps://www.alphaxiv.org/abs/2401.00002.": [
        "2401.00001",
        "2401.00002",
    ],
    "doi = {10.1145/2939672.2939785}, url = {https://a.example/labs/1711.00399}, pages = {12401.000021}": [],
    "2603.00001 is not assigned yet, and 0613.0001 never was": [],
}


@pytest.mark.parametrize("text", FILES)
def test_arxiv_ids_are_found_in_every_common_notation(text: str) -> None:
    assert arxiv_ids.list_arxiv_ids(text, NOW.date()) == FILES[text]


@pytest.mark.engines("sqlite", "postgresql")
async def test_imported_papers_keep_the_order_of_the_file(db: Database) -> None:
    kept = Shelf(db, lambda: NOW, match_nothing)
    async with db.transaction() as connection:
        _, known = await add_papers(connection, ["Listed", "Known"])
        await shelf.save(connection, 7, [known], NOW - timedelta(days=1))
    text = "2501.00001\n2501.00002\n2401.99999v2\narXiv:2401.99999\n"
    assert await kept.import_file(7, text.encode()) == Imported(saved=2, unlisted=1, known=1)
    rows, _ = await kept.list_saved(7)
    assert [row.arxiv_id for row in rows] == ["2501.00001", "2401.99999", "2501.00002"]
    assert [row.is_listed for row in rows] == [True, False, True]
    assert await kept.import_file(8, text.encode("utf-16")) == Imported(saved=3, unlisted=1)
    async with db.read() as connection:
        # The title of the unlisted paper will be fetched from arXiv.
        assert await papers.list_arxiv_due(connection, NOW, limit=9) == ["2401.99999"]


async def test_an_import_stops_at_the_limit(sqlite_db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf_service, "MAX_SAVED", 3)
    kept = Shelf(sqlite_db, lambda: NOW, match_nothing)
    text = " ".join(f"2401.{number:05}" for number in range(1, 6))
    assert await kept.import_file(7, text.encode()) == Imported(saved=3, unlisted=3, full=2)


@pytest.mark.parametrize("form", ReferenceFormat)
async def test_every_export_format_can_be_imported(sqlite_db: Database, form: ReferenceFormat) -> None:
    ingest = make_ingest(sqlite_db)
    for name, text in sample_digests.sample_texts():
        await ingest.add_text(text, location=name)
    kept = Shelf(sqlite_db, lambda: NOW, match_nothing)
    async with sqlite_db.read() as connection:
        ids = await papers.list_newest_ids(connection, limit=100)
    await kept.save(7, ids)
    before, count = await kept.list_saved(7)
    assert count >= 20
    exported, _ = await kept.export(7, form)
    assert (await kept.import_file(8, exported)).saved == count
    after, _ = await kept.list_saved(8)
    assert [(paper.arxiv_id, paper.title) for paper in after] == [(row.arxiv_id, row.title) for row in before]
