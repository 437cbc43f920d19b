"""`parse`, `ingest`, `digest`, `export`, `search`, `author` and `paper` through the command line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tests.bot.cli.conftest import Paperround
from tests.support import digest_builders

PAPERS = (("2601.00001", 5), ("2601.00002", 81), ("2601.00003", None))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one good digest, one file that is none, and one that is binary."""
    found = tmp_path / "in"
    found.mkdir()
    (found / "a.md").write_text(digest_builders.newsletter(date(2026, 1, 5), PAPERS), encoding="utf-8")
    (found / "b.txt").write_text("Nothing of interest.\n", encoding="utf-8")
    (found / "c.md").write_bytes(b"\x00\x01\x02" * 100)
    return found


def test_parse_prints_a_line_a_digest_and_names_what_is_none(paperround: Paperround, folder: Path) -> None:
    answer = paperround("parse", str(folder))
    assert answer.exit_status == 1
    (digest,) = answer.lines
    assert list(digest) == ["file", "format", "date", "papers", "problems"]
    assert (digest["file"], digest["date"]) == (f"{folder}/a.md", "2026-01-05")
    assert [paper["votes"] for paper in digest["papers"]] == [5, 81, None]
    assert "b.txt" in answer.stderr
    assert "c.md" in answer.stderr


def test_ingest_twice_adds_nothing_the_second_time(paperround: Paperround, folder: Path) -> None:
    first = paperround("ingest", str(folder), "--json")
    assert (first.exit_status, first.data) == (1, {"digests": 1, "papers": 3, "new_papers": 3, "problems": 2})
    assert paperround("ingest", str(folder), "--json").data["new_papers"] == 0
    again = paperround("ingest", "--again", "--json")
    assert (again.exit_status, again.data) == (0, {"digests": 1, "papers": 3, "new_papers": 0, "problems": 0})


def test_ingest_of_nothing_is_wrong_usage(paperround: Paperround) -> None:
    assert paperround("ingest").exit_status == 2


def test_a_missing_path_is_named(paperround: Paperround) -> None:
    answer = paperround("ingest", "nowhere.md")
    assert answer.exit_status == 1
    assert "nowhere.md" in answer.stderr


@pytest.fixture
def archive_of_three(paperround: Paperround, folder: Path) -> Paperround:
    """A command line whose database holds three papers."""
    paperround("ingest", str(folder / "a.md"))
    return paperround


def test_digest_shows_a_date_top_voted_first(archive_of_three: Paperround) -> None:
    rows = archive_of_three("digest", "2026-01-05", "--json").data
    assert [row["arxiv_id"] for row in rows] == ["2601.00002", "2601.00001", "2601.00003"]
    assert list(rows[0]) == ["arxiv_id", "title", "date", "votes", "authors", "score"]
    assert len(archive_of_three("digest", "--top", "1", "--json").data) == 1
    assert len(archive_of_three("digest", "2026-01-05", "--min-votes", "6", "--json").data) == 1
    assert archive_of_three("digest", "2020-01-01", "--json").data == []


@pytest.mark.parametrize("on", ["2026-02-30", "yesterday", "2026"])
def test_an_impossible_date_is_wrong_usage(archive_of_three: Paperround, on: str) -> None:
    answer = archive_of_three("digest", on)
    assert answer.exit_status == 2
    assert "YYYY-MM-DD" in answer.stderr


def test_look_ups_answer_in_their_shapes(archive_of_three: Paperround) -> None:
    found = archive_of_three("search", "trained with care", "--json").data
    assert {row["arxiv_id"] for row in found} == {arxiv_id for arxiv_id, _ in PAPERS}
    assert archive_of_three("search", "quaternion", "--json").data == []
    assert archive_of_three("search", "quaternion").exit_status == 0
    by_author = archive_of_three("author", "lovelace, ada", "--json").data
    assert by_author["author"] == "Ada Lovelace"
    assert len(by_author["papers"]) == 3
    assert (
        archive_of_three("search", "--author", "min-jun kim", "--min-votes", "6", "--json").data[0]["votes"]
        == 81
    )


def test_a_search_takes_words_without_quotes_and_says_what_it_could_not_use(
    archive_of_three: Paperround,
) -> None:
    answer = archive_of_three("search", "trained", "with", "care", "votes:many", "--json")
    assert len(answer.data) == 3
    assert "votes:many" in answer.stderr
    assert archive_of_three("search", "--", "-care", "trained").stdout.startswith("Nothing found.")


def test_a_search_that_finds_nothing_says_what_was_perhaps_meant(archive_of_three: Paperround) -> None:
    answer = archive_of_three("search", "reinforcment lerning")
    assert answer.stdout.startswith("Nothing found.")
    assert "reinforcement learning" in answer.stderr


@pytest.mark.parametrize(
    "name",
    [
        "2601.00002",
        "2601.00002v3",
        "https://arxiv.org/pdf/2601.00002v1",
        "https://huggingface.co/papers/2601.00002",
    ],
)
def test_a_paper_is_found_by_id_and_address(archive_of_three: Paperround, name: str) -> None:
    assert archive_of_three("paper", name, "--json").data["arxiv_id"] == "2601.00002"


def test_an_unknown_paper_is_null_and_status_one(archive_of_three: Paperround) -> None:
    answer = archive_of_three("paper", "2601.99999", "--json")
    assert (answer.exit_status, answer.data) == (1, None)


def test_an_exported_newsletter_reads_back_as_what_went_in(
    archive_of_three: Paperround, folder: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out.md"
    assert archive_of_three("export", "--format", "newsletter", "--output", str(target)).exit_status == 0
    before, after = (archive_of_three("parse", str(path)).lines[0] for path in (folder / "a.md", target))
    assert after["papers"] == before["papers"]


def test_export_says_what_it_cannot_do(archive_of_three: Paperround) -> None:
    assert archive_of_three("export", "--format", "docx").exit_status == 2
    assert (
        archive_of_three(
            "export", "--format", "csv", "--date", "2026-01-05", "--since", "2026-01-01"
        ).exit_status
        == 2
    )
    assert archive_of_three("export", "--format", "csv", "--date", "2020-01-01").exit_status == 1
    assert archive_of_three("export", "--format", "csv", "--output", "no/such/folder/x").exit_status == 1


def test_the_seeds_parse_and_are_found_as_they_should(paperround: Paperround, seeds: Path) -> None:
    answer = paperround("parse", str(seeds))
    assert answer.exit_status == 0
    assert [len(digest["papers"]) for digest in answer.lines] == [15, 27, 26, 27]
    assert all(digest["problems"] == [] for digest in answer.lines)
    top = answer.lines[0]["papers"][0]
    assert (top["arxiv_id"], top["votes"], len(top["authors"]), len(top["sections"])) == (
        "2502.02737",
        81,
        22,
        3,
    )
    assert paperround("ingest", str(seeds), "--json").data["new_papers"] == 95
    assert paperround("ingest", str(seeds), "--json").data["new_papers"] == 0
    for query in ("소형 언어 모델", "small language model"):
        assert "2502.02737" in [row["arxiv_id"] for row in paperround("search", query, "--json").data]
    assert paperround("author", "andres marafioti", "--json").data["author"] == "Andrés Marafioti"


def test_the_whole_archive_is_sixty_nine_digests(paperround: Paperround, archive: Path) -> None:
    assert len(paperround("parse", str(archive)).lines) == 69
    assert paperround("ingest", str(archive), "--json").data["digests"] == 69
