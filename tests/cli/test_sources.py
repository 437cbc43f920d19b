"""`paperround sources` against a server on loopback."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.support import fake_huggingface, source_payloads
from tests.support.shell_fixtures import Paperround, serving


class Site(dict[str, str]):
    """A site's pages by path, and its URL."""

    url = ""


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A local server that the command may fetch from. It knows no arXiv papers."""
    site = Site()

    def respond(path: str) -> tuple[int, bytes]:
        if path.startswith(fake_huggingface.PATH) and (listed := fake_huggingface.find(site, path)):
            return fake_huggingface.cut(listed.encode(), path)[:2]
        page = source_payloads.atom() if path.startswith("/api/query") else site.get(path)
        return (404, b"") if page is None else (200, page.encode())

    with serving(respond) as port:
        site.url = f"http://127.0.0.1:{port}"
        monkeypatch.setenv("PAPERROUND_FETCH_ALLOW", f"127.0.0.1:{port}")
        monkeypatch.setenv("HF_ENDPOINT", site.url)
        monkeypatch.setenv("PAPERROUND_ARXIV_URL", f"{site.url}/api/query")
        yield site


@pytest.fixture
def sources(site: Site, paperround: Paperround) -> Paperround:
    """Run a command of `paperround sources` against the site."""
    return partial(paperround, "sources")


def test_fetch_prints_a_row_for_each_source(site: Site, sources: Paperround) -> None:
    dated_url = f"{site.url}/{{date:%Y/%m/%d}}.md"
    site["/2025/05/06.md"] = source_payloads.review(ids=["2505.00001"])
    site["/api/daily_papers?date=2025-05-06"] = source_payloads.daily_papers(
        source_payloads.daily_papers_item("2505.00001", 81)
    )
    assert sources("add", dated_url).exit_status == 0
    assert sources("add", "https://huggingface.co", "--json").exit_status == 0
    fetch = partial(sources, "fetch", "--since", "2025-05-05", "--until", "2025-05-06", "--json")
    answer = fetch()
    assert answer.exit_status == 0
    names = ("source", "status", "digests", "papers")
    assert [tuple(row[name] for name in names) for row in answer.data] == [
        (dated_url, "ok", 1, 1),
        ("https://huggingface.co", "ok", 1, 1),
    ]
    account = {"found", "stored", "known", "left_out", "remarks"}
    assert {*answer.data[0]} == {*names, "reason", "new_papers", *account}
    assert sum(row["new_papers"] for row in answer.data) == 1
    assert [row["status"] for row in fetch().data] == ["unchanged", "unchanged"]


def test_adding_a_source_reports_its_first_poll(
    site: Site, sources: Paperround, paperround: Paperround, tmp_path: Path
) -> None:
    site["/2025-05-06.md"] = source_payloads.review(ids=["2505.00001", "2505.00002"])
    address = f"{site.url}/2025-05-06.md"
    added = sources("add", address).stdout.strip()
    assert added.splitlines() == [
        f"{address} (url) was added. It brought 2 papers in 1 list.",
        f"{address}: of the items kept: 2 older than is posted.",
    ]
    missing = sources("add", f"{site.url}/missing.md")
    # As docs/commands.md says: 1 is a problem, named on stderr.
    assert (missing.exit_status, missing.stderr) == (1, "paperround: not found (404)\n")
    back = f"`paperround sources remove {site.url}/missing.md` takes it back."
    assert missing.stdout == f"{site.url}/missing.md (url) was added, and brought nothing yet. {back}\n"
    site["/page.md"] = "# Notes\n\nSmall things are small, as arXiv:2505.00001 says in passing, and so on.\n"
    refused = sources("add", f"{site.url}/page.md", "--json").data
    assert (refused["status"], refused["papers"]) == ("failed", 0)
    (tmp_path / "digests").mkdir()
    assert sources("add", "digests").exit_status == 0
    assert "already" in sources("add", f"file://{tmp_path}/digests/").stderr
    sources("remove", "digests")
    assert "only 0 in links or cells: it is not a list" in refused["reason"]
    rows = sources("list", "--json").data
    assert [row["source"] for row in rows] == [address, f"{site.url}/missing.md", f"{site.url}/page.md"]
    assert [row["brings"] for row in rows] == ["posts", "nothing", "nothing"]
    found = {row["what"]: row["value"] for row in paperround("doctor", "--json").data}
    assert [found[f"source {row['source']}"] for row in rows] == ["posts", "failed", "failed"]


def test_what_a_source_leaves_out_is_said_wherever_it_is_named(
    sources: Paperround, paperround: Paperround, tmp_path: Path
) -> None:
    folder = tmp_path / "digests"
    folder.mkdir()
    (folder / "2025-05-06.md").write_text("- [Growing Moss](https://arxiv.org/abs/2505.00001)\n")
    for name in ("bad.md", "worse.md"):
        (folder / name).write_bytes(b"\0\xff\xfe\0")
    said = "3 items found: {} stored, {} known, 2 left out: 2 not read (bad.md: it is binary, not text; worse.md: it is"
    assert said.format(1, 0) in sources("add", "digests").stdout
    assert said.format(1, 0) in sources("list").stdout
    assert said.format(0, 1) in sources("fetch").stdout
    [row] = sources("list", "--json").data
    assert (row["found"], row["stored"], row["known"]) == (3, 0, 1)
    assert [(of["reason"], of["number"]) for of in row["left_out"]] == [("not-read", 2)]
    found = {row["what"]: row for row in paperround("doctor", "--json").data}[f"reading of {folder}"]
    assert (found["value"], found["status"]) == ("2 of 3 items left out", "warning")
    assert "bad.md" in found["note"]


def test_every_spelling_of_hugging_face_is_the_same_source(
    sources: Paperround, monkeypatch: pytest.MonkeyPatch
) -> None:
    for typed in ("huggingface.co", "https://hf.co/papers?date=x"):
        assert "(huggingface) was added" in sources("add", typed).stdout
        assert [row["source"] for row in sources("list", "--json").data] == ["https://huggingface.co"]
        assert sources("add", "https://huggingface.co/").exit_status == 1
        assert sources("remove", typed).exit_status == 0
    monkeypatch.setenv("PAPERROUND_SOURCES", "hf.co/papers")
    for _ in range(2):
        assert [row["source"] for row in sources("list", "--json").data] == ["https://huggingface.co"]
    assert "the next start adds it again" in sources("remove", "https://huggingface.co").stderr


def test_a_feeds_address_of_a_browser_is_that_of_the_feed(sources: Paperround, site: Site) -> None:
    host, site["/feed"] = site.url.removeprefix("http://"), source_payloads.atom()
    for typed in (f"feed://{host}/feed", f"FEED:{site.url}/feed", f"feed://{site.url}/feed"):
        assert "was added" in sources("add", typed).stdout
        assert [row["source"] for row in sources("list", "--json").data] == [f"{site.url}/feed"]
        assert sources("remove", typed).exit_status == 0


def test_invalid_source_options_exit_with_status_2(sources: Paperround) -> None:
    for arguments in (
        "add ftp://h.test/x",
        "add https://h.test/{date:%H}.md",
        "add https://h.test/feed --kind carrier-pigeon",
        "add https://h.test/{date:%Y}.md --timezone Mars/Base",
        "add https://h.test/{date:%Y}.md --from 25:00",
        "fetch --since someday",
        "fetch --since 2025-05-06 --until 2025-05-05",
    ):
        answer = sources(*arguments.split())
        assert (answer.exit_status, bool(answer.stderr)) == (2, True), arguments


def test_an_exported_hugging_face_list_can_be_ingested(
    site: Site, paperround: Paperround, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [
        source_payloads.daily_papers_item("2505.00001", 8, ai_summary="About the first."),
        source_payloads.daily_papers_item("2505.00002", 81),
        source_payloads.daily_papers_item("acme/model"),
    ]
    site["/api/daily_papers?date=2025-05-06"] = source_payloads.daily_papers(*items)
    assert paperround("sources", "add", site.url).exit_status == 0
    fetched = paperround("sources", "fetch", "--since", "2025-05-06", "--until", "2025-05-06", "--json")
    assert [(row["status"], row["digests"], row["papers"]) for row in fetched.data] == [("ok", 1, 2)]
    assert fetched.exit_status == 1, "the paper without an arXiv id is a problem"
    exported = paperround("export", "--format", "listing", "--since", "2025-05-06")
    assert exported.data["papers"][0]["abstract"] == "Small things are studied.\n\nThey are small."
    (tmp_path / "day.json").write_text(exported.stdout)
    parsed = paperround("parse", "day.json").data
    assert (parsed["format"], parsed["date"], parsed["problems"]) == ("listing", "2025-05-06", [])
    assert [(paper["votes"], len(paper["sections"])) for paper in parsed["papers"]] == [(8, 1), (81, 0)]
    assert paperround("ingest", "day.json", "--json").data["new_papers"] == 0
    monkeypatch.setenv("PAPERROUND_DATABASE_URL", "sqlite+aiosqlite:///other.db")
    assert paperround("ingest", "day.json", "--json").data["new_papers"] == 2
    assert paperround("export", "--format", "listing").stdout == exported.stdout
    assert "About the first." in paperround("export", "--format", "newsletter").stdout


def test_stores_a_folder_source_by_its_absolute_path(
    sources: Paperround, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, elsewhere = tmp_path / "digests", tmp_path / "elsewhere"
    home.mkdir()
    elsewhere.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PAPERROUND_DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path}/paperround.db")
    (home / "a.md").write_text(source_payloads.review(ids=["2505.00001"]), encoding="utf-8")
    for typed in ("./digests", "~/digests"):
        assert sources("add", typed, "--json").data["source"] == str(home)
        assert sources("remove", typed).exit_status == 0
    assert "It brought 1 paper in 1 list." in sources("add", "digests").stdout
    monkeypatch.chdir(elsewhere)
    (row,) = sources("fetch", "--json").data
    assert (row["source"], row["status"]) == (str(home), "unchanged")


def test_a_source_is_removed_with_what_it_brought_also_later(site: Site, paperround: Paperround) -> None:
    ids = ["2505.00001", "2505.00002"]
    site["/page.md"] = source_payloads.newsletter(ids=ids)
    site["/feed"] = source_payloads.rss(
        *(
            f"<item><title>Moss</title><link>https://arxiv.org/abs/{id_}</link></item>"
            for id_ in (*ids, "2505.00003")
        )
    )
    site["/api/daily_papers?date=2025-05-06"] = source_payloads.daily_papers(
        source_payloads.daily_papers_item("2505.00004", 81)
    )
    for path in ("/page.md", "/feed"):
        paperround("sources", "add", f"{site.url}{path}")
    paperround("sources", "add", "https://huggingface.co")
    paperround("sources", "fetch", "--since", "2025-05-06", "--until", "2025-05-06")
    kept = paperround("sources", "remove", f"{site.url}/feed")
    command = f"sources remove {site.url}/feed --with-digests"
    assert kept.stdout.endswith(f"Its digests are kept; `paperround {command}` removes them.\n")
    removed = [
        paperround("sources", "remove", url, "--with-digests", "--yes").stdout.partition(" was removed ")[2]
        for url in (f"{site.url}/feed", "hf.co", f"{site.url}/page.md")
    ]
    assert removed == [
        f"with 1 list; {papers} left the archive.\n" for papers in ("1 paper", "1 paper", "2 papers")
    ]
    gone = paperround(*command.split())
    assert (gone.exit_status, "is not a source, and no digest of it is stored" in gone.stderr) == (2, True)
    assert paperround("search", "Moss", "--json").data == []


def test_the_priority_of_a_source_is_edited(sources: Paperround) -> None:
    sources("add", "https://huggingface.co")
    said = sources("edit", "https://huggingface.co", "--priority", "7")
    assert said.stdout == "https://huggingface.co now has priority 7.\n"
    assert [row["priority"] for row in sources("list", "--json").data] == [7]
    unknown = sources("edit", "https://example.org", "--priority", "7")
    assert (unknown.exit_status, "is not a source" in unknown.stderr) == (2, True)
    for token in ("old1", "new2"):  # docs/operating.md: one is added, then the other removed
        sources("add", f"https://example.org/feed?token={token}")
    alike = sources("remove", "https://example.org/feed?token=***")
    assert (alike.exit_status, "*** is what 2 sources are shown as. Name" in alike.stderr) == (2, True), (
        alike.stderr
    )
    for token in ("old1", "***"):
        assert sources("remove", f"https://example.org/feed?token={token}").exit_status == 0


def test_a_folder_whose_files_have_no_date_says_so(paperround: Paperround, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    papers = "".join(f"- [Paper number {n}](https://arxiv.org/abs/2601.0000{n})\n" for n in (1, 2, 3))
    for name in ("monday", "tuesday"):
        (inbox / f"{name}.md").write_text(papers.replace("2601.", "2601." if name == "monday" else "2512."))
    paperround("sources", "add", str(inbox))
    listed = paperround("sources", "list")
    assert f"{inbox}: 2 files have no date in name or text" in listed.stderr
    assert "such as 2026-11-27.md" in listed.stderr
    assert [row["undated_files"] for row in paperround("sources", "list", "--json").data] == [2]
    for file in inbox.iterdir():
        file.rename(inbox / f"2026_01_0{len(file.stem)}.md")
    for file in inbox.iterdir():
        file.write_text(file.read_text() + "\n")
    paperround("sources", "fetch")
    paperround("digests", "remove", str(inbox / "monday.md"), "--yes")
    paperround("digests", "remove", str(inbox / "tuesday.md"), "--yes")
    dated = paperround("sources", "list")
    assert "no date" not in dated.stderr + dated.stdout
    assert [row["undated_files"] for row in paperround("sources", "list", "--json").data] == [0]


def test_a_label_is_given_shown_changed_and_taken_away_also_by_a_file(
    site: Site, paperround: Paperround, tmp_path: Path
) -> None:
    site["/list.md"] = "# 2026-01-26\n\n" + "".join(
        f"- [Paper {number}](https://openreview.net/forum?id=aB3dEfGh{number:02})\n" for number in range(3)
    )
    url, search = f"{site.url}/list.md", partial(paperround, "search", "--json")
    added = paperround("sources", "add", url, "--label", "ICLR 2026", "--json").data
    assert (added["label"], added["papers"]) == ("ICLR 2026", 3)
    [row] = paperround("sources", "list", "--json").data
    assert (row["label"], row["brings"]) == ("ICLR 2026", "look-up")
    assert "ICLR 2026" in paperround("sources", "list").stdout
    keys = [paper["key"] for paper in search("in:iclr2026").data]
    assert keys == [f"openreview/aB3dEfGh{number:02}" for number in range(3)]
    assert paperround("paper", keys[0], "--json").data["labels"] == ["ICLR 2026"]
    assert "now has the label ICML" in paperround("sources", "edit", url, "--label", "ICML").stdout
    assert [len(search(f"in:{label}").data) for label in ("ICLR2026", "icml")] == [0, 3]
    set_up = tmp_path / "set-up.toml"
    paperround("config", "export", str(set_up))
    assert 'label = "ICML"' in set_up.read_text()
    set_up.write_text(set_up.read_text().replace("ICML", "ACL"))
    assert paperround("config", "apply", str(set_up), "--yes").exit_status == 0
    assert [len(search(f"in:{label}").data) for label in ("ICML", "acl")] == [0, 3]
    assert "now has no label" in paperround("sources", "edit", url, "--label", "").stdout
    [row] = paperround("sources", "list", "--json").data
    assert (row["label"], row["options"]) == (None, {})


def test_a_label_without_letters_or_too_long_is_refused(site: Site, sources: Paperround) -> None:
    for label in ("…", "x" * 41):
        refused = sources("add", f"{site.url}/list.md", "--label", label)
        assert refused.exit_status == 2
        assert "such as ICLR 2026" in refused.stderr
    assert sources("edit", f"{site.url}/list.md").exit_status == 2
