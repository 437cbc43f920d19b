"""Parsers and exports on real digests. Skipped if no real digests exist beside the checkout."""

import hashlib
import json
from operator import attrgetter
from pathlib import Path

import pytest

from bot.archive import parse
from storage import models
from tests.archive.test_exports import assert_parses_back, export

pytestmark = pytest.mark.promise

SHARED = Path(__file__).parents[2] / "../shared"
SEEDS = sorted((SHARED / "seeds").glob("*.txt"))
ARCHIVE = sorted(path for path in (SHARED / "archive").rglob("*.md") if path.name != "README.md")

ENTRIES = "ed55681a5ac9cec00efee19e03c1b27346265edd96ed088f714095826ec32297"
"""SHA-256 of all entries as JSON."""

needs_seeds = pytest.mark.skipif(not SEEDS, reason="no real digests next to this checkout")
needs_archive = pytest.mark.skipif(not ARCHIVE, reason="no real archive next to this checkout")


def parse_digest(path: Path) -> models.Digest:
    (digest,) = parse.parse_text(parse.decode(path.read_bytes()))
    return digest


@needs_seeds
def test_seed_files_parse_to_four_digests_without_problems() -> None:
    digests = [parse_digest(path) for path in SEEDS]
    assert [len(digest.entries) for digest in digests] == [15, 27, 26, 27]
    assert [digest.problems for digest in digests] == [()] * 4
    assert [digest.format.value for digest in digests] == ["newsletter", "newsletter", "review", "newsletter"]
    paper = digests[0].entries[0]
    assert (paper.rank, paper.paper_key, paper.votes) == (1, "2502.02737", 81)
    assert len(paper.authors) == 22
    assert "Andrés Marafioti" in paper.authors
    headings = ["What's New", "Technical Details", "Performance Highlights"]
    assert [section.heading for section in paper.sections] == headings
    for paper in digests[2].entries:
        assert paper.summary_missing or len([s for s in paper.sections if s.heading]) >= 7


@needs_archive
@needs_seeds
def test_entries_of_real_digests_have_not_changed() -> None:
    entries = [parse.paper_to_json(entry) for path in SEEDS + ARCHIVE for entry in parse_digest(path).entries]
    assert len(entries) == 880
    for entry in entries:
        # Both follow from the id, and were not yet written when the digest of all was taken.
        assert entry.pop("key") == entry["arxiv_id"]
        assert entry.pop("doi") == f"10.48550/arXiv.{entry['arxiv_id']}"
    text = json.dumps(entries, ensure_ascii=False)
    assert hashlib.sha256(text.encode()).hexdigest() == ENTRIES


@needs_archive
@pytest.mark.parametrize("path", SEEDS + ARCHIVE, ids=lambda path: "-".join(path.parts[-3:]))
def test_each_real_file_is_one_digest_and_unchanged_by_an_export(path: Path) -> None:
    digest = parse_digest(path)
    assert digest.problems == ()
    name = "".join(path.parts).replace("-", "").replace(".md", "")
    assert path in SEEDS or digest.date.isoformat().replace("-", "") in name
    assert all(paper.sections or paper.summary_missing for paper in digest.entries)
    assert_parses_back(digest)


@needs_archive
@pytest.mark.parametrize("path", (SEEDS + ARCHIVE)[::6], ids=lambda path: "-".join(path.parts[-3:]))
def test_digest_keeps_its_papers_when_exported_to_the_other_format(path: Path) -> None:
    before = parse_digest(path)
    assert parse.parse_text(before.text) == (before,)
    other = {"newsletter": "review", "review": "newsletter"}[before.format.value]
    (after,) = parse.parse_text(export(other, before))
    kept = attrgetter("arxiv_id", "url", "votes", "authors", "thumbnail", "video")
    assert [*map(kept, after.entries)] == [*map(kept, before.entries)]
    assert [bool(paper.sections) for paper in after.entries] == [
        bool(paper.sections) for paper in before.entries
    ]
