"""Merged papers after changed digests and facts, through the ingest service on both database engines."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from storage import models, papers, tables
from tests.support.ingest_harness import NOW, IngestHarness, newsletter, paper

pytestmark = pytest.mark.engines("sqlite", "postgresql")


async def test_a_paper_that_a_correction_restores_is_listed_again(harness: IngestHarness) -> None:
    for listed in ([paper(1), paper(2)], [paper(1)], [paper(1), paper(2)]):
        await harness.add(newsletter(*listed))
    assert await harness.titles() == ["Paper 1", "Paper 2"]
    assert harness.index.titles == {"Paper 1", "Paper 2"}
    assert await harness.count(tables.papers) == 2


async def test_facts_of_services_complete_the_metadata_of_digests(harness: IngestHarness) -> None:
    await harness.add(newsletter(paper(1, votes=None)))
    facts = models.PaperFacts(
        "2601.00001",
        "huggingface",
        "https://hf",
        NOW,
        authors=("Ada Byron", "Bea Long"),
        votes=12,
        abstract="About",
        code_url="https://code",
        keywords=("rl",),
    )
    hidden = models.PaperFacts("2601.09999", "arxiv", "https://ax", NOW, title="Unlisted")
    listed = models.PaperFacts(
        "2601.08888", "feed", "https://ax", NOW, title="Listed", listed_on=date(2026, 1, 1)
    )
    await harness.ingest.add_facts([facts, hidden, listed])
    async with harness.db.read() as connection:
        detail = await papers.get_detail(connection, "2601.00001")
        looked_up = [
            await papers.get_detail(connection, arxiv_id) for arxiv_id in ("2601.09999", "2601.08888")
        ]
    assert [found and found.is_listed for found in looked_up] == [False, True]
    assert detail is not None
    assert (detail.votes, detail.votes_read_at, detail.abstract) == (12, NOW, "About")
    assert detail.authors == ("Ada Byron", "Bea Long")
    assert detail.keywords == ("rl",)
    await harness.add(newsletter(paper(9999, title="Now listed", votes=1)), "b.md")
    assert "Now listed" in await harness.titles()


async def test_a_back_fill_never_lowers_newer_votes(harness: IngestHarness) -> None:
    await harness.add(newsletter(paper(1, votes=50)), "new.md")
    await harness.add(newsletter(paper(1, votes=9), day="2025-12-01"), "old.md")
    await harness.ingest.add_facts(
        [models.PaperFacts("2601.00001", "huggingface", "", datetime(2025, 12, 31, tzinfo=UTC), votes=20)]
    )
    assert [row.votes for row in await harness.rows()] == [50]
