"""What a record says of a paper is read by one table of fields, in a list, a feed and an import.

The forms are those of the services' documents: api.crossref.org, docs.openalex.org, support.datacite.org,
api.archives-ouvertes.fr, api.semanticscholar.org, inspirehep.net and developer.osf.io.
"""

from __future__ import annotations

import json
import tracemalloc
from datetime import date
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from bot.archive import listing, parse, references
from bot.sources import feed_entries

CASES = json.loads((Path(__file__).parent / "test_records.json").read_text(encoding="utf-8"))
ON = date(2026, 6, 30)


def read_paper(value: object) -> tuple[dict[str, Any], str | None]:
    """Return the only paper of a folder's list, with its day."""
    [digest] = parse.parse_text(json.dumps(value), "list.json", ON)
    [paper] = listing.papers_of(digest.text)
    return paper, None if digest.is_rolling else str(digest.date)


def read_people_of_feed(names: str) -> list[str]:
    text = (
        '<rss xmlns:dc="http://purl.org/dc/elements/1.1/" version="2.0"><channel><item><title>Moss</title>'
        f"<link>https://doi.org/10.1234/moss</link><dc:creator>{escape(names)}</dc:creator></item></channel></rss>"
    )
    [entry] = feed_entries.parse_document(text, "https://j.example/feed").entries
    return [*entry.authors]


def test_the_answer_of_a_service_is_a_list_and_an_import() -> None:
    for service, answer, (key, title, people, day, abstract) in CASES["services"]:
        paper, on = read_paper(answer)
        found = (paper["key"], paper["title"], paper.get("authors", []), on, paper.get("abstract"))
        assert found == (key, title, people, day, abstract), service
        [reference] = references.read_references(json.dumps(answer).encode(), ON)
        assert (reference.other_key, reference.title) == (key, title), service


def test_people_are_told_apart_in_a_field_of_a_list_and_of_a_feed() -> None:
    for names, people in CASES["people"]:
        paper, _ = read_paper([{"doi": "10.1234/moss", "title": "Moss", "authors": names}])
        assert paper["authors"] == people, names
        assert read_people_of_feed(names) == people, names


def test_what_papers_write_in_angle_brackets_is_no_markup() -> None:
    for title in ("What the <think> token does", "Moss when n < 5 and m > 3", "a<b and c>d in walls"):
        assert read_paper([{"doi": "10.1234/moss", "title": title}])[0]["title"] == title


def test_a_record_without_a_paper_is_counted_with_what_it_lacks() -> None:
    values = [{"title": "Moss", "doi": "10.1234/moss"}, {"title": "A Talk"}, {"doi": "10.1234/fern"}, None]
    [digest] = parse.parse_text(json.dumps(values), "2026-06-01.json", ON)
    assert {row.reason.value: row.number for row in digest.skipped} == {
        "no-arXiv-ID": 1,
        "no-title": 1,
        "no-paper": 1,
    }


def test_tags_are_the_names_of_objects_and_of_a_databases_fields() -> None:
    for text in (
        '[{"title": "Moss", "doi": "10.1234/moss", "labels": [{"name": "old", "color": "red"}, {"name": "wet"}]}]',
        '"About the data: exported on June 1"\nTitle,DOI,Author Keywords\nMoss,10.1234/moss,"old; wet"\n',
        "@misc{a, title={Moss}, doi={10.1234/moss}, mendeley-tags={old,wet}}",
        "PT\tAU\tTI\tDI\tCR\tLabels\nJ\tLee, A\tMoss\t10.1234/moss\tKim, 2020, 10.1234/cited\told; wet\n",
        "FN Web\nVR 1.0\nPT J\nAU Lee, A\nTI Moss\nDE old; wet\nCR Kim, 2020, DOI 10.1234/cited\nDI 10.1234/moss\nER\n\nEF\n",
    ):
        [reference] = references.read_references(text.encode(), ON, with_tags=True)
        assert (reference.other_key, reference.tags.replace("; ", ",")) == ("doi/10.1234/moss", "old,wet")


def test_a_value_nested_too_deeply_costs_itself_alone() -> None:
    deep = '{"a":' * 400 + '{"title": "Fern", "doi": "10.1234/fern"}' + "}" * 400
    [digest] = parse.parse_text(f'{{"title": "Moss", "doi": "10.1234/moss"}}\n{deep}', "2026-06-01.jsonl", ON)
    assert [entry.title for entry in digest.entries] == ["Moss"]
    assert [(row.reason.value, row.examples) for row in digest.skipped] == [
        ("not-read", ("line 2 is nested too deeply",))
    ]


def test_an_abstract_by_its_words_places_takes_room_as_its_file_does() -> None:
    index = {"w" * 30_000: [*range(3, 3_000)], "Moss": [0], "and": [1], "fern": [2]}
    paper = {"doi": "10.1234/moss", "title": "Moss", "abstract_inverted_index": index}
    tracemalloc.start()
    try:
        read, _ = read_paper([paper])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100 * len(json.dumps(paper))
    assert read["abstract"] == "Moss and fern"


def test_tabs_and_line_breaks_in_the_texts_of_json_cost_nothing() -> None:
    """RFC 8259 forbids them, and many programs write them."""
    papers = [{"doi": f"10.1234/moss.{n}", "title": f"Moss¦on¦Wall {n}"} for n in range(3)]
    for sign in "\t\n\x0b":
        text = json.dumps(papers, ensure_ascii=False).replace("¦", sign)
        [digest] = parse.parse_text(text, "list.json", ON)
        assert [entry.title for entry in digest.entries] == [f"Moss on Wall {n}" for n in range(3)]
        found = references.read_references(text.encode(), ON)
        assert [row.title for row in found] == [f"Moss on Wall {n}" for n in range(3)]
