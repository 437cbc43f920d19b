"""`paperround ask` reads a paper's text from the web once, and prints the passages that answer."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from tests.support import asked_paper, digest_builders, shell_fixtures
from tests.support.shell_fixtures import Paperround

PAPER = "2601.00001"


def test_a_paper_is_asked_in_the_shell(filled: Paperround, monkeypatch: pytest.MonkeyPatch) -> None:
    title = filled("paper", PAPER, "--json").data["title"]
    padding = "\n\n## 5 Remarks\n\n" + "Quiet lamps burn until the ferry leaves the harbour again. " * 40
    head = f"Title: {title}\n\nURL Source: https://arxiv.org/html/{PAPER}\n\nMarkdown Content:\n"
    page = f"{head}# {title}\n\n{asked_paper.MARKDOWN}{padding}"
    paths = []

    def respond(path: str) -> tuple[int, bytes]:
        paths.append(path)
        return (200, page.encode()) if path == f"/papers/{PAPER}.md" else (404, b"")

    with shell_fixtures.serving(respond) as port:
        for name in ("HF_ENDPOINT", "PAPERROUND_ARXIV_HTML_URL"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        found = filled("ask", PAPER, "학습에", "얼마나", "걸렸어?", "--json")
        shown = filled("ask", PAPER, "Which licence?")
    assert found.exit_status == 0
    assert found.data["answers"] is True
    first = found.data["passages"][0]
    assert "31 hours" in first["text"]
    assert first["section"].endswith("2.2 Training")
    assert first["place"] == f"https://arxiv.org/pdf/{PAPER}"
    assert "hours" in found.data["read_as"]["얼마나 걸렸어"]
    assert "Apache 2.0" in shown.stdout
    assert paths == [f"/papers/{PAPER}.md"]


def test_of_a_paper_without_a_text_that_is_said(filled: Paperround, monkeypatch: pytest.MonkeyPatch) -> None:
    with shell_fixtures.serving(lambda _: (404, b"")) as port:
        for name in ("HF_ENDPOINT", "PAPERROUND_ARXIV_HTML_URL"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        found = filled("ask", PAPER, "Which", "licence?")
        as_json = filled("ask", PAPER, "Which", "licence?", "--json")
    assert (found.exit_status, as_json.exit_status) == (1, 1)
    assert found.stdout == ""
    assert not as_json.data["answers"]
    assert "the full text could not be read" in found.stderr
    assert "PAPERROUND_LOG=console:debug" in found.stderr
    assert "The paper does not" not in found.stderr, "it was not read"


def test_a_part_of_a_title_names_a_paper_in_quotation_marks_alone(
    filled: Paperround, digest_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = digest_builders.newsletter(date(2026, 1, 6), [("2601.00009", 3)])
    (digest_folder / "d.md").write_text(
        digest.replace("[Paper 2601.00009]", "[LanternNet: Night Photographs at Sea]")
    )
    filled("ingest", str(digest_folder / "d.md"))
    with shell_fixtures.serving(lambda _: (404, b"")) as port:
        for name in ("HF_ENDPOINT", "PAPERROUND_ARXIV_HTML_URL"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        of_paper = filled("ask", "LanternNet", "trained with care?", "--json")
        of_archive = filled("ask", "LanternNet", "trained", "with", "care?", "--json")
    assert (of_paper.data.get("arxiv_id"), of_archive.data.get("kind")) == ("2601.00009", "nearest")
    assert "absent" in of_archive.data, "the archive was asked"


def test_an_unknown_paper_is_an_error(filled: Paperround) -> None:
    found = filled("ask", "2601.09999", "Which licence?")
    assert found.exit_status == 1
    assert "The archive has no paper '2601.09999'" in found.stderr


def test_the_archive_is_asked_in_the_shell_and_an_id_alone_is_a_paper(filled: Paperround) -> None:
    found = filled("ask", "How was it trained with care?", "--json")
    assert (found.exit_status, found.data["kind"]) == (0, "nearest")
    assert any("Trained with care." in one["text"] for one in found.data["passages"])
    limited = filled("ask", "How", "was", "it", "trained", "with", "care?", PAPER, "--json")
    assert [one["arxiv_id"] for one in limited.data["passages"]] == [PAPER]
    outside = filled("ask", "How was it trained with care? votes:99999")
    assert (outside.exit_status, outside.stdout) == (1, "")
    assert "No paper within these limits is about this." in outside.stderr
    absent = filled("ask", "Is", "Orca", "9", "better?")
    assert "No paper here mentions “Orca 9”." in absent.stderr
    assert "nothing in this to look for" in filled("ask", "hello").stderr
    assert filled("ask", PAPER).stdout == filled("paper", PAPER).stdout


def test_an_index_that_lacks_papers_is_said_to_and_not_that_none_is_about_it(filled: Paperround) -> None:
    shutil.rmtree("paperround.search", ignore_errors=True)
    found = filled("ask", "How was it trained with care?")
    assert found.exit_status == 0 or "paperround reindex" in found.stderr
    assert "Nothing here" not in found.stderr
