"""`paperround sources` against a server on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot import cli
from storage import errors
from tests.support import source_payloads
from tests.support.shell_fixtures import serving


@dataclass
class Site:
    """A site with pages by path, which records the requested paths."""

    pages: dict[str, str] = field(default_factory=dict)
    requested: list[str] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A local server that the command may fetch from, and an empty working directory."""
    site = Site()

    def respond(path: str) -> tuple[int, bytes]:
        if path.startswith("/api/query"):
            return 200, source_payloads.atom().encode()
        site.requested.append(path)
        return (200, site.pages[path].encode()) if path in site.pages else (404, b"")

    with serving(respond) as port:
        site.url = f"http://127.0.0.1:{port}"
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("PAPERROUND_FETCH_ALLOW", f"127.0.0.1:{port}")
        monkeypatch.setenv("HF_ENDPOINT", site.url)
        monkeypatch.setenv("PAPERROUND_ARXIV_URL", f"{site.url}/api/query")
        yield site


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli.build_app(), ["sources", *arguments])
    if isinstance(result.exception, errors.PaperroundError):
        return result.exception.exit_status, result.stdout, str(result.exception)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def test_added_sources_are_fetched_with_one_row_each(site: Site) -> None:
    dated_url = f"{site.url}/{{date:%Y/%m/%d}}.md"
    site.pages["/2025/05/06.md"] = source_payloads.review(ids=["2505.00001"])
    site.pages["/api/daily_papers?date=2025-05-06"] = source_payloads.daily_papers(
        source_payloads.daily_papers_item("2505.00001", 81)
    )
    assert run("add", dated_url)[0] == 0
    assert run("add", "https://huggingface.co", "--json")[0] == 0
    status, stdout, _ = run("fetch", "--since", "2025-05-05", "--until", "2025-05-06", "--json")
    assert status == 0
    rows = json.loads(stdout)
    assert [set(row) for row in rows] == [
        {"source", "status", "reason", "digests", "papers", "new_papers"}
    ] * 2
    assert [(row["source"], row["status"], row["digests"], row["papers"]) for row in rows] == [
        (dated_url, "ok", 1, 1),
        ("https://huggingface.co", "ok", 1, 1),
    ]
    assert sum(row["new_papers"] for row in rows) == 1
    _, stdout, _ = run("fetch", "--since", "2025-05-05", "--until", "2025-05-06", "--json")
    assert [row["status"] for row in json.loads(stdout)] == ["unchanged", "unchanged"]


def test_adding_a_source_prints_what_its_first_poll_found_and_the_list_what_it_brought_last(
    site: Site,
) -> None:
    site.pages["/2025-05-06.md"] = source_payloads.review(ids=["2505.00001", "2505.00002"])
    address = f"{site.url}/2025-05-06.md"
    assert run("add", address)[1].strip() == f"{address} (url) was added. It brought 2 papers in 1 list."
    status, stdout, _ = run("add", f"{site.url}/missing.md")
    assert (status, "brought nothing yet: not found (404)" in stdout) == (0, True)
    site.pages["/page.md"] = (
        "# Notes\n\nSmall things are small, as arXiv:2505.00001 says in passing, and so on it goes.\n"
    )
    added = json.loads(run("add", f"{site.url}/page.md", "--json")[1])
    assert (added["status"], added["papers"]) == ("failed", 0)
    assert "only 0 in links or cells: it is not a list" in added["reason"]
    rows = json.loads(run("list", "--json")[1])
    assert [row["source"] for row in rows] == [address, f"{site.url}/missing.md", f"{site.url}/page.md"]
    assert [row["brings"] for row in rows] == ["posts", "nothing", "nothing"]


@pytest.mark.parametrize(
    "typed",
    ["huggingface.co", "https://huggingface.com", "www.huggingface.co/papers", "https://hf.co/papers?date=x"],
)
def test_hugging_face_is_known_in_any_spelling(site: Site, typed: str) -> None:
    assert "(huggingface) was added" in run("add", typed)[1]
    assert [row["source"] for row in json.loads(run("list", "--json")[1])] == ["https://huggingface.co"]
    assert run("add", "https://huggingface.co/")[0] == 1
    assert run("remove", typed)[0] == 0


def test_wrong_usage_ends_with_two(site: Site) -> None:
    for arguments in (
        ("add", "ftp://h.test/x"),
        ("add", "https://h.test/{date:%H}.md"),
        ("add", "https://h.test/feed", "--kind", "carrier-pigeon"),
        ("add", "https://h.test/{date:%Y}.md", "--timezone", "Mars/Base"),
        ("add", "https://h.test/{date:%Y}.md", "--from", "25:00"),
        ("fetch", "--since", "someday"),
        ("fetch", "--since", "2025-05-06", "--until", "2025-05-05"),
    ):
        status, _, stderr = run(*arguments)
        assert (status, bool(stderr)) == (2, True), arguments


def test_huggingface_alone_gives_a_day_that_reads_back(site: Site, tmp_path: Path) -> None:
    items = [
        source_payloads.daily_papers_item("2505.00001", 8, ai_summary="About the first."),
        source_payloads.daily_papers_item("2505.00002", 81),
        source_payloads.daily_papers_item("acme/model"),
    ]
    site.pages["/api/daily_papers?date=2025-05-06"] = source_payloads.daily_papers(*items)
    assert run("add", site.url)[0] == 0
    status, stdout, _ = run("fetch", "--since", "2025-05-06", "--until", "2025-05-06", "--json")
    assert [(row["status"], row["digests"], row["papers"]) for row in json.loads(stdout)] == [("ok", 1, 2)]
    assert status == 1, "the paper without an arXiv id is a problem"
    papers = json.loads(paperround("digest", "2025-05-06", "--json"))
    assert [(paper["arxiv_id"], paper["votes"]) for paper in papers] == [
        ("2505.00002", 81),
        ("2505.00001", 8),
    ]
    exported = paperround("export", "--format", "listing", "--date", "2025-05-06")
    record = json.loads(exported)
    assert record["papers"][0]["abstract"] == "Small things are studied.\n\nThey are small."
    (tmp_path / "day.json").write_text(exported)
    parsed = json.loads(paperround("parse", "day.json"))
    assert (parsed["format"], parsed["date"], parsed["problems"]) == ("listing", "2025-05-06", [])
    assert [(paper["votes"], len(paper["sections"])) for paper in parsed["papers"]] == [(8, 1), (81, 0)]
    assert json.loads(paperround("ingest", "day.json", "--json"))["new_papers"] == 0
    paperround("db", "upgrade", database="other.db")
    again = json.loads(paperround("ingest", "day.json", "--json", database="other.db"))
    assert again == {"digests": 1, "papers": 2, "new_papers": 2, "problems": 0, "problem_list": []}
    assert paperround("export", "--format", "listing", database="other.db") == exported
    assert "About the first." in paperround("export", "--format", "newsletter", database="other.db")


def paperround(*arguments: str, database: str = "paperround.db", status: int = 0) -> str:
    """Run any command on a database; returns its stdout."""
    environment = {"PAPERROUND_DATABASE_URL": f"sqlite+aiosqlite:///{database}"}
    result = CliRunner().invoke(cli.build_app(), list(arguments), env=environment)
    assert result.exit_code == status, result.output
    return result.stdout


def test_a_folder_is_stored_by_its_absolute_path_and_removed_by_either(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, elsewhere = tmp_path / "digests", tmp_path / "elsewhere"
    home.mkdir()
    elsewhere.mkdir()
    monkeypatch.setenv("HOME", str(home.parent))
    monkeypatch.setenv("PAPERROUND_DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path}/one.db")
    (home / "a.md").write_text(source_payloads.review(ids=["2505.00001"]), encoding="utf-8")
    for typed in ("./digests", "~/digests"):
        assert json.loads(run("add", typed, "--json")[1])["source"] == str(home)
        assert run("remove", typed)[0] == 0
    assert "It brought 1 paper in 1 list." in run("add", "digests")[1]
    monkeypatch.chdir(elsewhere)
    (row,) = json.loads(run("fetch", "--json")[1])
    assert (row["source"], row["status"]) == (str(home), "unchanged")
