"""One item that fails costs itself alone: an entry, a record, a line, in each format that papers are read from."""

import json
import re
from datetime import date

import pytest

from bot.archive import bibtex, parse, references, schemes, sorting
from bot.sources import feed_entries
from storage.models import ReadingReport, SkipReason

pytestmark = pytest.mark.promise

ON = date(2026, 11, 28)
DOIS = ["10.1234/moss.1", "10.1234/broken", "10.1234/kite.3"]
TITLES = ["A study of moss on walls", "A study of a bug in a reader", "A study of kites in the wind"]
PAPERS = list(zip(DOIS, TITLES, strict=True))
LISTED = [{"doi": doi, "title": title} for doi, title in PAPERS]
LISTS = {
    "list.md": "# 2026-11-27\n\n" + "".join(f"- [{title}](https://doi.org/{doi})\n" for doi, title in PAPERS),
    "table.md": "# 2026-11-27\n\n| Title | DOI |\n|---|---|\n"
    + "".join(f"| {title} | {doi} |\n" for doi, title in PAPERS),
    "page.html": "<html><h1>2026-11-27</h1>"
    + "".join(f"<li><a href='https://doi.org/{doi}'>{title}</a></li>" for doi, title in PAPERS),
    "headings.md": "# 2026-11-27\n\n"
    + "".join(f"## {title}\n\n[DOI](https://doi.org/{doi})\n\n" for doi, title in PAPERS),
    "list.json": json.dumps({"date": "2026-11-27", "papers": LISTED}),
    "lines.jsonl": "\n".join(map(json.dumps, LISTED)),
    "listing.json": json.dumps(
        {
            "format": "listing",
            "date": "2026-11-27",
            "papers": [{"key": f"doi/{doi}", "title": title} for doi, title in PAPERS],
        }
    ),
    "list.bib": "".join(
        f"@article{{k{n}, title={{{title}}}, doi={{{doi}}}}}\n" for n, (doi, title) in enumerate(PAPERS)
    ),
    "newsletter.md": "## Daily Papers (2026-11-27)\n\n"
    + "".join(
        f"### [{title}](https://doi.org/{doi})\n\nVote: 3\n\n- ***What's New***: It grows.\n\n"
        for doi, title in PAPERS
    ),
}
FILES = {
    "file.bib": LISTS["list.bib"],
    "file.ris": "".join(f"TY  - JOUR\nTI  - {title}\nDO  - {doi}\nER  - \n" for doi, title in PAPERS),
    "file.json": json.dumps(LISTED),
    "file.xml": "<all>"
    + "".join(f"<paper><title>{title}</title><doi>{doi}</doi></paper>" for doi, title in PAPERS)
    + "</all>",
    "file.csv": "title,doi\n" + "".join(f"{title},{doi}\n" for doi, title in PAPERS),
    "file.txt": "".join(f"{title} https://doi.org/{doi}\n" for doi, title in PAPERS),
    "file.md": LISTS["list.md"],
}
GOOD = {f"doi/{doi}" for doi in DOIS if "broken" not in doi}


@pytest.fixture(autouse=True)
def _bug(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the reader of one of the DOIs fail, as a bug would."""
    read = schemes._read_doi

    def fail(match: re.Match[str]) -> str | None:
        if "broken" in match[0]:
            raise LookupError("a row that is missing")
        return read(match)

    monkeypatch.setattr(schemes, "_read_doi", fail)


def count_unread(report: ReadingReport) -> int:
    unread = [row for row in report.skipped if row.reason is SkipReason.NOT_READ]
    return sum(row.number for row in unread)


@pytest.mark.parametrize("name", LISTS)
def test_an_item_of_a_list_or_digest_that_fails_costs_itself_alone(name: str) -> None:
    digests = parse.parse_text(LISTS[name], name, ON)
    assert {entry.paper_key for digest in digests for entry in digest.entries} == GOOD
    assert count_unread(sorting.report_kept(digests)) == 1


@pytest.mark.parametrize("name", FILES)
def test_a_reference_that_fails_costs_itself_alone(name: str) -> None:
    read = references.read_references(FILES[name].encode(), ON)
    assert {row.other_key for row in read if row.other_key} == GOOD
    unread = [row.label for row in read if row.other_key is None]
    assert any("bug in a reader" in label for label in unread), unread


@pytest.mark.parametrize("field", ["link", "doi"])
def test_an_entry_of_a_feed_or_of_arxivs_answer_that_fails_costs_itself_alone(field: str) -> None:
    entries = [
        f"<entry><id>http://arxiv.org/abs/2611.0000{n}v1</id><title>{title}</title>"
        + (f"<arxiv:doi>{doi}</arxiv:doi>" if field == "doi" else f"<link href='https://doi.org/{doi}'/>")
        + "</entry>"
        for n, (doi, title) in enumerate(PAPERS, 1)
    ]
    feed = feed_entries.parse_document(
        "<feed xmlns='http://www.w3.org/2005/Atom' xmlns:arxiv='http://arxiv.org/schemas/atom'>"
        + "".join(entries)
        + "</feed>",
        "https://a.example/feed",
    )
    assert [entry.title for entry in feed.entries] == [TITLES[0], TITLES[2]]
    assert count_unread(ReadingReport(skipped=feed.skipped)) == 1


def test_a_field_of_bibtex_that_fails_costs_no_other_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    read = bibtex.read_latex

    def fail(latex: str) -> str:
        if "bug" in latex:
            raise LookupError("a command that is missing")
        return read(latex)

    monkeypatch.setattr(bibtex, "read_latex", fail)
    [digest] = parse.parse_text(LISTS["list.bib"], "list.bib", ON)
    assert {entry.paper_key for entry in digest.entries} == GOOD
    assert count_unread(sorting.report_kept([digest])) == 1
    assert {row.other_key for row in references.read_references(FILES["file.bib"].encode(), ON)} >= GOOD
