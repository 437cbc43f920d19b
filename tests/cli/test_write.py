"""`paperround write` against the fake model and fake sources."""

from pathlib import Path

import pytest

from tests.fake_model import papers
from tests.fake_model.server import FakeModel
from tests.support.shell_fixtures import Paperround

DAY = "2026-11-18"
WRITE = ("write", "--date", DAY, "--language", "ko", "--json")
NEWSLETTER = (*WRITE, "--format", "newsletter", "--output", "out.md")
PAPERS = len(papers.load())
READ = sum(paper.text != "none" for paper in papers.load())
NO_TEXT = sum(paper.text == "none" and not paper.summary for paper in papers.load())


@pytest.fixture
def model(fake_model: FakeModel, monkeypatch: pytest.MonkeyPatch) -> FakeModel:
    for name, value in fake_model.environment().items():
        monkeypatch.setenv(name, value)
    return fake_model


def test_each_paper_takes_two_calls_and_a_rerun_takes_none(paperround: Paperround, model: FakeModel) -> None:
    first = paperround(*NEWSLETTER)
    assert first.exit_status == 0, first.stderr
    assert first.data["written"] == READ
    assert first.data["refused"] == NO_TEXT
    assert first.data["from_abstract"] == PAPERS - READ - NO_TEXT
    assert first.data["calls"] == len(model.log()) == 2 * (PAPERS - NO_TEXT)
    assert first.data["tokens"] == sum(row["tokens"] for row in model.log())
    text = Path("out.md").read_bytes()
    assert paperround(*NEWSLETTER).data == {**first.data, "calls": 0, "tokens": 0}
    assert Path("out.md").read_bytes() == text
    assert len(model.log()) == first.data["calls"]


@pytest.mark.parametrize(("form", "language"), [("newsletter", "ko"), ("review", "en")])
def test_written_digest_is_stored_and_parses_back(
    paperround: Paperround, model: FakeModel, form: str, language: str
) -> None:
    options = ("--format", form, "--language", language, "--output", "out.md")
    assert paperround("write", "--date", DAY, *options).exit_status == 0
    parsed = paperround("parse", "out.md")
    assert (parsed.exit_status, parsed.stderr) == (0, "")
    assert [paper["arxiv_id"] for paper in parsed.data["papers"]] == [paper.id for paper in papers.load()]
    label = "초록" if language == "ko" else "abstract"
    for paper, printed in zip(papers.load(), parsed.data["papers"], strict=True):
        text = str(printed["sections"])
        assert (label in text) == (paper.text == "none" and bool(paper.summary)), text
        assert printed["authors"] == list(paper.authors)
    exported = paperround("export", "--format", form, "--since", DAY)
    assert exported.stdout == Path("out.md").read_text("utf-8")


def test_dry_run_estimates_without_calling_the_model(paperround: Paperround, model: FakeModel) -> None:
    model.reset(paper_count=9)
    estimate = paperround(*WRITE, "--format", "newsletter", "--dry-run")
    assert model.log() == []
    written = paperround(*NEWSLETTER)
    names = ("papers", "written", "from_abstract", "refused", "calls")
    assert {name: estimate.data[name] for name in names} == {name: written.data[name] for name in names}
    assert estimate.data["tokens"] > written.data["tokens"]
    assert paperround(*WRITE, "--format", "newsletter", "--dry-run").data["calls"] == 0


def test_without_a_model_summaries_are_extracts(
    paperround: Paperround, fake_model: FakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", fake_model.url)
    result = paperround(*NEWSLETTER)
    assert result.exit_status == 0
    assert result.data["from_abstract"] == PAPERS - NO_TEXT
    assert (result.data["calls"], result.data["tokens"], result.data["failed"]) == (0, 0, 0)
    assert Path("out.md").read_text("utf-8").count("발췌") == PAPERS - NO_TEXT


def test_never_overwrites_an_edited_file(paperround: Paperround, model: FakeModel) -> None:
    model.reset(paper_count=2)
    assert paperround(*NEWSLETTER, "--limit", "1").data["papers"] == 1
    path = Path("out.md")
    edited = path.read_text("utf-8").replace("Tamarin", "Tamarind")
    for text in (edited, "Nothing of interest.\n"):
        path.write_text(text, "utf-8")
        result = paperround(*NEWSLETTER)
        assert (result.exit_status, result.data["papers"]) == (0, 2)
        assert "out.md: it was edited after it was published" in result.stderr
        assert path.read_text("utf-8") == text
        assert paperround("export", "--format", "newsletter", "--since", DAY).stdout == edited


def test_never_overwrites_a_foreign_file(paperround: Paperround, model: FakeModel) -> None:
    model.reset(paper_count=2)
    Path("out.md").write_text("My own notes.\n", "utf-8")
    result = paperround(*NEWSLETTER)
    assert result.exit_status == 1
    assert "out.md exists and was not written by the writer" in result.stderr
    assert result.data["written"] == 2
    assert Path("out.md").read_text("utf-8") == "My own notes.\n"
    elsewhere = paperround(*NEWSLETTER, "--output", "other.md")
    assert (elsewhere.exit_status, elsewhere.data["calls"]) == (0, 0)
    Path("copy.md").write_bytes(Path("other.md").read_bytes())
    assert paperround(*NEWSLETTER, "--output", "copy.md").exit_status == 0


def test_write_rejects_invalid_options(paperround: Paperround) -> None:
    for arguments, reason in (
        ("--format listing", "'listing' is not one of 'newsletter', 'review'"),
        ("--language fr", "'fr' is not one of 'en', 'ko'"),
    ):
        result = paperround("write", *arguments.split())
        assert (result.exit_status, reason in result.stderr) == (2, True)
