"""The listing format."""

from datetime import date
from typing import Any

import pytest

from bot.archive import listing, parse
from storage import errors
from storage.models import Digest, Problem
from tests.support.source_payloads import listing_text

DAY = date(2025, 5, 6)
REFUSAL = "I'm sorry, but I cannot access the paper. Please provide the text of the paper."


def build(*papers: Any) -> Digest:
    return listing.build(DAY, papers)


def paper(arxiv_id: object = "2505.00001", **fields: object) -> dict[str, object]:
    return {"arxiv_id": arxiv_id, "title": "A Study", "summary": "It studies small things.", **fields}


def test_objects_with_the_same_date_become_one_digest() -> None:
    other = date(2025, 5, 7)
    texts = [listing_text(DAY, ["2505.00001"]), listing_text(other, ["2505.00002"])]
    first, second = parse.parse_text("\n".join([*texts, listing_text(DAY, ["2505.00001", "2505.00003"])]))
    assert [entry.paper_key for entry in first.entries] == ["2505.00001", "2505.00003"]
    assert first.problems == (Problem(5, "2505.00001 is listed again; the first entry counts"),)
    assert (second.date, len(second.entries)) == (other, 1)


def test_rejects_invalid_json_with_the_reason() -> None:
    for text, reason in (
        ("{", "line 1: it begins like JSON but is not valid"),
        ('\n{"format": "listing",\n"date" 3}', "line 3: it begins like JSON but is not valid"),
        ("{}", "its objects have no title with a DOI, a link or an ID of a paper"),
        ('{"format": "listing"}', 'line 1: the listing has no "date" such as 2025-02-06'),
        ('{"format": "listing", "date": "2025-05-06"}', 'line 1: the listing has no list of "papers"'),
        ('{"a":' * 100_000, "line 1: it begins like JSON but is not valid"),
    ):
        with pytest.raises(errors.NotADigestError) as raised:
            parse.parse_text(text)
        assert str(raised.value) == reason, text


def test_reports_papers_without_an_arxiv_id() -> None:
    digest = build(paper(), paper(None), paper("acme/model"), None, [], paper("2505.00002", title=None))
    assert [entry.paper_key for entry in digest.entries] == ["2505.00001", "2505.00002"]
    assert [problem.message for problem in digest.problems] == [
        "paper 2 of the list has no id and is left out",
        "paper 3 of the list has an invalid ID (acme/model) and is left out",
        "paper 4 of the list is not an object and is left out",
        "paper 5 of the list is not an object and is left out",
    ]


def test_summary_becomes_plain_text_or_is_dropped() -> None:
    for summary, shown in (
        (None, None),
        ("", None),
        (["a"], None),
        (REFUSAL, None),
        ("<!doctype html><html><body>502</body></html>", None),
        ("See [a](https://h.test)", "See [a] (https://h.test)"),
        ("For a < b and the <s> token, x > y.", "For a < b and the <s> token, x > y."),
        ("One\nline", "One line"),
    ):
        (entry,) = build(paper(summary=summary)).entries
        assert [section.body for section in entry.sections] == ([] if shown is None else [shown]), summary
        assert entry.summary_missing is (shown is None), summary


def test_merging_with_the_former_listing_keeps_removed_papers_and_fields() -> None:
    former = build(paper(votes=3), paper("2505.00002", votes=9))
    united = listing.union(build(paper("2505.00003"), paper(votes=8, summary=None)), former.text, ())
    assert [(entry.paper_key, entry.votes) for entry in united.entries] == [
        ("2505.00003", None),
        ("2505.00001", 8),
        ("2505.00002", 9),
    ]
    assert united.entries[1].sections == former.entries[0].sections
    [digest] = parse.parse_text(united.text)
    assert digest.entries == united.entries
