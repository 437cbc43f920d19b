"""The parsers on real digests, if there are any next to the checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.archive import parse
from storage import models

SHARED = Path(__file__).parents[2] / "../shared"
SEEDS = sorted((SHARED / "seeds").glob("*.txt"))
ARCHIVE = sorted((SHARED / "archive" / "newsletter").rglob("*.md")) + sorted(
    (SHARED / "archive" / "review").glob("*.md")
)

needs_seeds = pytest.mark.skipif(not SEEDS, reason="no real digests next to this checkout")
needs_archive = pytest.mark.skipif(not ARCHIVE, reason="no real archive next to this checkout")


def parse_digest(path: Path) -> models.Digest:
    (digest,) = parse.parse_text(parse.decode(path.read_bytes()))
    return digest


@needs_seeds
def test_the_seeds_are_four_digests_without_a_problem() -> None:
    digests = [parse_digest(path) for path in SEEDS]
    assert [len(digest.entries) for digest in digests] == [15, 27, 26, 27]
    assert [digest.problems for digest in digests] == [()] * 4
    assert [digest.format.value for digest in digests] == ["newsletter", "newsletter", "review", "newsletter"]


@needs_seeds
def test_the_first_paper_of_the_first_seed_is_parsed_completely() -> None:
    paper = parse_digest(SEEDS[0]).entries[0]
    assert (paper.rank, paper.arxiv_id, paper.votes) == (1, "2502.02737", 81)
    assert len(paper.authors) == 22
    assert "Andrés Marafioti" in paper.authors
    assert [section.heading for section in paper.sections] == [
        "What's New",
        "Technical Details",
        "Performance Highlights",
    ]


@needs_seeds
def test_each_paper_of_the_review_seed_has_its_chapters() -> None:
    for paper in parse_digest(SEEDS[2]).entries:
        assert paper.summary_missing or len([s for s in paper.sections if s.heading]) >= 7


@needs_archive
@pytest.mark.parametrize("path", ARCHIVE, ids=lambda path: "-".join(path.parts[-3:]))
def test_each_file_of_the_archive_is_one_digest_of_its_date_without_a_problem(path: Path) -> None:
    digest = parse_digest(path)
    assert digest.problems == ()
    assert digest.date.isoformat().replace("-", "") in "".join(path.parts).replace("-", "").replace(".md", "")
    assert all(paper.sections or paper.summary_missing for paper in digest.entries)


@needs_archive
@pytest.mark.parametrize("path", ARCHIVE[::7], ids=lambda path: "-".join(path.parts[-3:]))
def test_a_digest_parses_the_same_from_its_own_text(path: Path) -> None:
    digest = parse_digest(path)
    assert parse.parse_text(digest.text) == (digest,)
