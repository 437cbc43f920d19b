"""`paperround parse`, `ingest`, `digest` and `export`."""

import re
import sqlite3
from datetime import date
from pathlib import Path

import pytest

from bot.archive import listing
from tests.support import sample_archive
from tests.support.shell_fixtures import Paperround


def test_parse_prints_digests_and_reports_files_without_any(
    paperround: Paperround, digest_folder: Path
) -> None:
    answer = paperround("parse", str(digest_folder))
    assert answer.exit_status == 1
    (digest,) = answer.lines
    assert list(digest) == ["file", "format", "date", "papers", "problems"]
    assert (digest["file"], digest["date"]) == (f"{digest_folder}/a.md", "2026-01-05")
    assert [paper["votes"] for paper in digest["papers"]] == [5, 81, None]
    assert "b.txt" in answer.stderr
    assert "c.md" in answer.stderr


def test_ingesting_twice_adds_nothing(paperround: Paperround, digest_folder: Path) -> None:
    first = paperround("ingest", str(digest_folder), "--json")
    data = first.data
    problems = data.pop("problem_list")
    assert (first.exit_status, data) == (1, {"digests": 1, "papers": 3, "new_papers": 3, "problems": 1})
    assert [Path(problem["file"]).name for problem in problems] == ["c.md"]
    assert all(problem["message"] in first.stderr for problem in problems)
    assert f"Skipped 1 file without papers: {digest_folder}/b.txt" in first.stderr
    assert paperround("ingest", str(digest_folder), "--json").data["new_papers"] == 0
    again = paperround("ingest", "--again", "--json")
    counts = {"digests": 1, "papers": 3, "new_papers": 0, "problems": 0}
    assert (again.exit_status, again.data) == (0, {**counts, "problem_list": []})


def test_a_file_in_an_older_charset_is_parsed_and_ingested(paperround: Paperround, tmp_path: Path) -> None:
    summary = "소형 언어 모델이 긴 문서를 읽는 방법"
    paper = f"### [A Paper](https://arxiv.org/abs/2601.00001)\n\nVote: 3\n\n- ***Idea***: {summary}.\n"
    (tmp_path / "a.md").write_bytes(f"## Daily Papers (2026-01-05)\n\n{paper}".encode("cp949"))
    assert paperround("parse", "a.md").exit_status == 0
    assert paperround("ingest", "a.md").exit_status == 0
    assert summary in paperround("paper", "2601.00001").stdout


def test_ingest_says_that_it_did_not_ask_arxiv_and_a_list_has_no_summary_to_miss(
    paperround: Paperround, tmp_path: Path
) -> None:
    (tmp_path / "a.md").write_text("# Papers of 2026-01-05\n\n- https://arxiv.org/abs/2601.00001\n", "utf-8")
    answer = paperround("ingest", "a.md")
    assert "1 paper (1 new). arXiv was not asked about 1 of them: `paperround sources fetch`" in answer.stdout
    assert "summary" not in paperround("paper", "arXiv:2601.00001 [cs.CL]").stdout


def test_ingest_does_not_report_a_readme_beside_digests(paperround: Paperround, digest_folder: Path) -> None:
    (digest_folder / "c.md").unlink()
    readme = str(digest_folder / "b.txt")
    assert paperround("ingest", readme).exit_status == 1, "it was named, so it should hold papers"
    assert paperround("ingest", str(digest_folder)).exit_status == 0
    lost = digest_folder / "lost.md"
    lost.write_text(
        "# Notes\n\nWe build on arXiv:2601.00008 and arXiv:2601.00009, as others do.\n", encoding="utf-8"
    )
    answer = paperround("ingest", str(digest_folder))
    assert "lost.md: it has 2 arXiv links, but only 0 in links or cells" in answer.stderr
    assert answer.exit_status == 1


def test_every_problem_has_a_line_with_its_place(paperround: Paperround, tmp_path: Path) -> None:
    papers = "".join(
        f"### [Paper {n}](https://arxiv.org/abs/2601.{n:05})\n\nVote: many\n\n- ***Finding***: it works.\n\n"
        for n in range(1, 21)
    )
    (tmp_path / "day.md").write_text(f"## Daily Papers (2026-01-05)\n\n{papers}", encoding="utf-8")
    for command in ("parse", "ingest"):
        answer = paperround(command, "day.md")
        lines = [line for line in answer.stderr.splitlines() if "day.md" in line]
        assert (answer.exit_status, len(lines)) == (1, 20)
        assert [line.split(":")[2].strip() for line in lines[:3]] == ["5", "11", "17"]
    assert len(paperround("ingest", "day.md", "--again", "--json").data["problem_list"]) == 40


def test_a_file_that_cannot_be_read_is_named_with_its_line_and_was_not_stored(
    paperround: Paperround, tmp_path: Path
) -> None:
    (tmp_path / "day.md").write_text(
        "## Daily Papers (2026-13-45)\n\n### [A](https://arxiv.org/abs/2601.00001)\n"
    )
    (tmp_path / "list.json").write_text('{"format": "listing",\n"date" 3}')
    (tmp_path / "other.json").write_text('{"name": "a package"}')
    (tmp_path / "good.md").write_text(sample_archive.newsletter("2026-01-05", [sample_archive.SMALL]))
    answer = paperround("ingest", ".")
    for place, reason in (("day.md:1", "its date does not exist"), ("list.json:2", "it begins like JSON")):
        assert re.search(f"{place}: {reason}.*; the file was not stored\n", answer.stderr), answer.stderr
        assert f"{place}: {reason}" in paperround("parse", place.partition(":")[0]).stderr
    assert "Skipped 1 file without papers: ./other.json" in answer.stderr
    assert "1 digest, 1 paper (1 new). 2 problems" in answer.stdout


def test_digest_command_sorts_a_dates_papers_by_votes(filled: Paperround) -> None:
    rows = filled("digest", "2026-01-05", "--json").data
    assert [row["arxiv_id"] for row in rows] == ["2601.00002", "2601.00001", "2601.00003"]
    named = ["key", "arxiv_id", "doi", "title", "url"]  # as docs/compatibility.md has them
    assert list(rows[0]) == [*named, "date", "votes", "authors", "score", "withdrawn_by"]
    assert len(filled("digest", "--top", "1", "--json").data) == 1
    assert filled("digest", "2020-01-01", "--json").data == []
    assert filled("digest", "2020-01-01").stdout == "No papers for 2020-01-01.\n"


def test_export_rejects_invalid_options_and_dates_without_digests(filled: Paperround) -> None:
    for status, options in (
        (2, ()),
        (2, ("--format", "docx")),
        (2, ("--format", "csv", "--all", "everything.db")),
        (1, ("--format", "csv", "--until", "2020-01-01")),
        (2, ("--format", "csv", "--since", "2020-01-02", "--until", "2020-01-01")),
        (1, ("--format", "csv", "--output", "no/such/folder/x")),
    ):
        assert filled("export", *options).exit_status == status
    assert "newsletter, review, listing, json, csv or bibtex" in filled("export").stderr


def test_a_bibtex_export_counts_the_entries_without_authors(filled: Paperround, digest_folder: Path) -> None:
    assert filled("export", "--format", "bibtex").stderr == ""
    listed = (digest_folder / "a.md").read_text(encoding="utf-8").replace("2026-01-05", "2026-01-06")
    unsigned = listed.replace("2601.0", "2601.1").replace("Authors: Ada Lovelace, Kim Min-jun\n\n", "", 1)
    (digest_folder / "b.md").write_text(unsigned, encoding="utf-8")
    filled("ingest", str(digest_folder / "b.md"))
    exported = filled("export", "--format", "bibtex")
    assert exported.stdout.count("@misc{") == 6
    assert exported.stderr == "paperround: 1 of 6 entries have no author.\n"


def test_an_export_without_digests_of_its_format_names_the_format(filled: Paperround) -> None:
    refused = filled("export", "--format", "listing")
    assert (refused.exit_status, "cannot be exported as a listing" in refused.stderr) == (1, True), refused
    none = filled("export", "--format", "listing", "--until", "2020-01-01").stderr
    assert "no digests to export with these options" in none


def test_export_never_overwrites_a_database(filled: Paperround, tmp_path: Path) -> None:
    target = tmp_path / "other.db"
    sqlite3.connect(target).execute("CREATE TABLE kept (id)").connection.close()
    before = target.read_bytes()
    for command in (("export", "--format", "json", "--output", "other.db"), ("config", "export", "other.db")):
        answer = filled(*command)
        assert (answer.exit_status, "is a database" in answer.stderr) == (1, True)
    assert target.read_bytes() == before


def test_digests_ingested_by_mistake_are_removed_by_file_folder_or_day(
    paperround: Paperround, digest_folder: Path
) -> None:
    other = digest_folder / "sub"
    other.mkdir()
    for day in (6, 7):
        text = (digest_folder / "a.md").read_text().replace("2026-01-05", f"2026-01-0{day}")
        (other / f"{day}.md").write_text(text)

    def remove(*arguments: str) -> tuple[int, int]:
        data = paperround("digests", "remove", *arguments, "--yes", "--json").data
        return data["digests"], data["papers"]

    paperround("ingest", str(digest_folder))
    listed = paperround("digests", "list", "--json").data
    assert {(row["location"], row["date_on"]) for row in listed} >= {
        (f"{other}/6.md", "2026-01-06"),
        (f"{other}/7.md", "2026-01-07"),
    }
    [only] = paperround("digests", "list", "--date", "2026-01-06", "--json").data
    assert only["location"] == f"{other}/6.md"
    assert remove(str(other), "--date", "2026-01-06") == (1, 0)
    assert paperround("digests", "list", "--date", "2026-01-06").stdout == "No digests for 2026-01-06.\n"
    unknown = paperround("digests", "remove", str(other), "--date", "2026-01-06")
    assert unknown.exit_status == 1
    assert f"No digest is stored from {other} for 2026-01-06." in unknown.stderr
    assert paperround("digests", "remove", "files").exit_status == 1
    assert remove(f"{other}/7.md") == (1, 0)
    answer = paperround("digests", "remove", str(digest_folder), "--yes")
    assert answer.stdout == f"1 digest removed ({digest_folder}/a.md); 3 papers left the archive.\n"
    assert answer.stderr == ""
    assert paperround("digest", "2026-01-05").stdout.startswith("The archive has no papers")


@pytest.mark.parametrize("location", ["", " "])
def test_an_empty_location_removes_nothing(
    paperround: Paperround, digest_folder: Path, monkeypatch: pytest.MonkeyPatch, location: str
) -> None:
    """A variable of a shell script that is not set."""
    paperround("ingest", str(digest_folder))
    monkeypatch.chdir(digest_folder)
    database = f"sqlite+aiosqlite:///{digest_folder.parent / 'paperround.db'}"
    monkeypatch.setenv("PAPERROUND_DATABASE_URL", database)
    answer = paperround("digests", "remove", location, "--yes")
    assert (answer.exit_status, "LOCATION is an empty string" in answer.stderr) == (2, True)
    assert paperround("digests", "list", "--json").data


def test_a_removal_says_what_it_removes_and_asks(
    paperround: Paperround, digest_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paperround("sources", "add", str(digest_folder))
    file = f"{digest_folder}/a.md"
    sentence = f"1 digest of 2026-01-05 will be removed with their papers, unless others have them: {file}."
    for command in (("digests", "remove", file), ("sources", "remove", str(digest_folder), "--with-digests")):
        asked = paperround(*command)
        assert (asked.exit_status, sentence in asked.stderr, "Add --yes" in asked.stderr) == (2, True, True)
        with monkeypatch.context() as patched:
            patched.setattr("bot.cli.shell.confirm", lambda _: False)
            refused = paperround(*command)
        assert (refused.exit_status, "Nothing was removed." in refused.stderr) == (1, True)
        assert [row["location"] for row in paperround("digests", "list", "--json").data] == [file]
        assert paperround("sources", "list", "--json").data
    removed = paperround(*command, "--yes")
    assert (removed.exit_status, paperround("digests", "list", "--json").data) == (0, [])


def test_a_removed_digest_is_of_the_named_file_alone_and_may_come_back_from_its_source(
    paperround: Paperround, digest_folder: Path
) -> None:
    paperround("sources", "add", str(digest_folder))
    assert paperround("digests", "remove", "a.md").exit_status == 1, "the working directory has no such file"
    removed = paperround("digests", "remove", f"{digest_folder}/a.md", "--yes")
    assert removed.stdout == f"1 digest removed ({digest_folder}/a.md); 3 papers left the archive.\n"
    assert f"{digest_folder} is still a source" in removed.stderr
    file = digest_folder / "a.md"
    file.write_text(file.read_text() + "\n")
    assert [row["papers"] for row in paperround("sources", "fetch", "--json").data] == [3]


@pytest.mark.parametrize("form", ["newsletter", "review", "listing"])
def test_a_day_of_two_sources_is_exported_with_each_paper_once_and_read_again(
    paperround: Paperround, tmp_path: Path, form: str
) -> None:
    on = date(2026, 1, 5)
    for name, other in (("first", 2), ("second", 3)):
        (tmp_path / name).mkdir()
        papers = [
            sample_archive.NewsletterPaper(f"2601.0000{n}", f"Moss {name}", f"By the {name}.")
            for n in (1, other)
        ]
        rows = [{"arxiv_id": paper.arxiv_id, "title": paper.title} for paper in papers]
        text = (
            listing.build(on, rows).text if form == "listing" else sample_archive.newsletter(str(on), papers)
        )
        (tmp_path / name / "day.txt").write_text(text)
        paperround("sources", "add", name)
    exported = paperround("export", "--format", form).stdout
    assert exported.count("2601.00001") == paperround("export", "--format", form).stdout.count("2601.00003")
    assert ("Moss first" in exported, exported.count("Moss second")) == (True, 1)
    (tmp_path / "paperround.db").unlink()
    (tmp_path / "again.txt").write_text(exported)
    answer = paperround("ingest", "again.txt")
    assert (answer.exit_status, "1 digest, 3 papers (3 new)." in answer.stdout) == (0, True), answer
    assert paperround("paper", "2601.00001", "--json").data["title"] == "Moss first"


def test_a_paper_is_hidden_and_shown_again_by_any_of_its_names(
    paperround: Paperround, digest_folder: Path
) -> None:
    paperround("ingest", str(digest_folder))
    listed = [paper["key"] for paper in paperround("digest", "--json").data]
    hiding = paperround("papers", "hide", "https://huggingface.co/papers/2601.00002")
    assert hiding.exit_status == 0
    assert hiding.stdout.startswith("2601.00002 (")
    for stays in ("also when a source brings it again", "What was sent stays", "Who saved it keeps it"):
        assert stays in hiding.stdout
    assert [paper["key"] for paper in paperround("digest", "--json").data] == [
        key for key in listed if key != "2601.00002"
    ]
    opened = paperround("paper", "https://arxiv.org/abs/2601.00002")
    assert (opened.exit_status, "You have hidden 2601.00002." in opened.stderr) == (1, True), opened.stderr
    paperround("ingest", "--again")
    again = paperround("papers", "hide", "doi:10.48550/arXiv.2601.00002", "--json").data
    assert (again["key"], again["hidden"], again["changed"]) == ("2601.00002", True, False)
    assert [paper["key"] for paper in paperround("papers", "show", "--json").data] == ["2601.00002"]
    assert paperround("papers", "show", "2601.00002", "--json").data["changed"] is True
    assert "No paper is hidden." in paperround("papers", "show").stdout
    assert [paper["key"] for paper in paperround("digest", "--json").data] == listed
    for key in listed:
        paperround("papers", "hide", key)
    for command in ("search moss", "author Moss", "digest", "digest 2026-01-05", "ask moss?"):
        said = paperround(*command.split())
        printed = said.stdout + said.stderr
        assert "Hidden papers are left out: `paperround papers show` lists them" in printed, said
        assert "yet" not in printed, said


def test_hiding_what_is_no_paper_or_not_stored_is_an_error(paperround: Paperround) -> None:
    unknown = paperround("papers", "hide", "2601.00999")
    assert unknown.exit_status == 1
    assert "The database has no paper 2601.00999" in unknown.stderr
    assert paperround("papers", "hide", "a title").exit_status == 2


def test_papers_part_makes_two_of_one_that_a_list_joined_by_mistake(
    paperround: Paperround, tmp_path: Path
) -> None:
    address, link = "https://doi.org/10.1234/moss.1", "https://arxiv.org/abs/2601.00001"
    title = "Moss on Old Walls at Night"
    for on, said in (
        ("2026-01-05", f"[{title}]({address})"),
        ("2026-01-06", f"[{title}]({link})"),
        ("2026-01-07", f"{title} [[1]]({link}) [[2]]({address})"),
    ):
        (tmp_path / f"{on}.md").write_text(f"# {on}\n\n- {said}\n", "utf-8")
        paperround("ingest", f"{on}.md")
    assert [paper["key"] for paper in paperround("digest", "2026-01-05", "--json").data] == ["2601.00001"]
    parted = paperround("papers", "part", address)
    assert (parted.exit_status, "are two papers" in parted.stdout) == (0, True), parted
    paperround("ingest", "--again")
    assert [paper["key"] for paper in paperround("digest", "2026-01-05", "--json").data] == [
        "doi/10.1234/moss.1"
    ]
    for on in ("2026-01-06", "2026-01-07"):
        assert [paper["key"] for paper in paperround("digest", on, "--json").data] == ["2601.00001"]
    again = paperround("papers", "part", link)
    assert (again.exit_status, "no other key is joined" in again.stderr) == (1, True), again.stderr
    assert "The database has no paper 2601.00999" in paperround("papers", "part", "2601.00999").stderr
