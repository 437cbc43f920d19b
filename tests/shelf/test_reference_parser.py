"""Files of references: those of reference managers, our own exports, broken and hostile ones."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pybtex import errors as pybtex_errors
from pybtex.database import parse_string

from bot.archive.exports import ReferenceFormat, render_references
from bot.rendering import discord_text
from bot.shelf import imports
from bot.shelf import service as shelf_service
from bot.shelf.imports import parse_references
from storage import models

NOW = datetime(2026, 1, 1, tzinfo=UTC)
READABLE = (ReferenceFormat.BIBTEX, ReferenceFormat.RIS, ReferenceFormat.CSL)

TEXTS = st.text(st.characters(exclude_categories=())) | st.text(r"\{}$&#%_~^-`'\"?!,;@= ab")
LINES = TEXTS.map(discord_text.to_single_line).map(lambda text: text[:80].strip())
NAMES = LINES.map(lambda name: ", ".join(part.strip() for part in name.split(",")).strip(", ")).filter(bool)


def saved(number: int, title: str, authors: tuple[str, ...], note: str, tags: str) -> models.SavedPaper:
    return models.SavedPaper(
        id=number,
        arxiv_id=f"2502.{number:05}",
        title=title,
        url="u",
        date=date(2025, 2, 1),
        votes=None,
        authors=authors,
        saved_at=NOW,
        note=shelf_service.clean_note(note),
        tags=tuple(shelf_service.parse_tags(tags)),
        is_listed=False,
    )


PAPERS = st.lists(
    st.builds(saved, st.integers(1, 9), LINES, st.lists(NAMES, max_size=3).map(tuple), TEXTS, TEXTS),
    max_size=3,
)


@pytest.mark.parametrize("form", READABLE)
@settings(max_examples=60)
@given(papers=PAPERS)
def test_an_export_reads_back_without_a_loss(form: ReferenceFormat, papers: list[models.SavedPaper]) -> None:
    text = render_references(form, papers, ())
    if not papers:
        return
    references, problems, left_out = parse_references(text)
    assert (problems, left_out) == ([], 0)
    for paper, read in zip(papers, references, strict=True):
        assert read["arxiv_id"] == paper.arxiv_id
        assert read["title"] == paper.title
        assert tuple(read["authors"]) == paper.authors
        assert shelf_service.clean_note(read["note"]) == paper.note
        assert tuple(shelf_service.parse_tags(", ".join(read["tags"]))) == paper.tags


@settings(max_examples=60)
@given(papers=PAPERS)
def test_bibtex_opens_in_another_program_without_a_warning(papers: list[models.SavedPaper]) -> None:
    with pybtex_errors.capture() as warnings:
        read = parse_string(render_references(ReferenceFormat.BIBTEX, papers, ()), "bibtex")
    assert warnings == []
    assert len(read.entries) == len(papers)


ZOTERO_BIBTEX = r"""
@article{yuan_native_2025,
	title = {Native {Sparse} {Attention}: {Hardware}-{Aligned} {\&} {\"U}ber $\alpha$},
	url = {http://arxiv.org/abs/2502.11089},
	doi = {10.48550/arXiv.2502.11089},
	author = {Yuan, Jingyang and van der Berg, Anna and {DeepSeek and Friends} and Smith, Jr., John and others},
	month = feb,
	keywords = {Computer Science - Computation and Language, to read},
	annote = {Comment: first.
},
}
@misc{eprint, title="No link", eprint={cs/0112017v2}, archiveprefix="arXiv"}
@article{journal, title={In a journal}, journal={arXiv preprint arXiv:2401.00002}}
@book{none, title={A book}, author={Knuth}}
"""

ZOTERO_RIS = """TY  - JOUR\r
TI  - Native Sparse Attention\r
AU  - Yuan, Jingyang\r
AU  - 김민준\r
DO  - 10.48550/arXiv.2502.11089\r
KW  - Computer Science\r
N1  - Comment: first\r
ER  - \r
\r
TY  - JOUR\r
TI  - Cut short\r
TY  - JOUR\r
T1  - Second\r
continued\r
UR  - https://arxiv.org/abs/2401.00002v1;https://e.org\r
ER  -"""

ZOTERO_CSL = json.dumps(
    [
        {
            "title": "Native Sparse Attention",
            "URL": "http://arxiv.org/abs/2502.11089",
            "note": "arXiv:2502.11089 [cs]\nmine",
            "author": [
                {"family": "Berg", "non-dropping-particle": "van der", "given": "Anna"},
                7,
                {"given": 8},
            ],
            "keyword": 9,
        },
        "no reference",
        {"title": None, "DOI": "10.1000/1"},
    ]
)


def test_the_files_of_reference_managers_are_read() -> None:
    references, problems, _ = parse_references(ZOTERO_BIBTEX)
    assert problems == []
    assert [item["arxiv_id"] for item in references] == ["2502.11089", "cs/0112017", "2401.00002", None]
    assert references[0] == {
        "arxiv_id": "2502.11089",
        "title": "Native Sparse Attention: Hardware-Aligned & Über α",
        "authors": ["Jingyang Yuan", "Anna van der Berg", "DeepSeek and Friends", "John Smith, Jr."],
        "note": "Comment: first.",
        "tags": ["Computer Science - Computation and Language", "to read"],
    }
    references, problems, left_out = parse_references(ZOTERO_RIS)
    assert (problems, left_out) == (["10"], 1)
    assert [item["arxiv_id"] for item in references] == ["2502.11089", "2401.00002"]
    assert references[0]["authors"] == ["Jingyang Yuan", "김민준"]
    assert references[1]["title"] == "Second continued"
    references, problems, left_out = parse_references(ZOTERO_CSL)
    assert (problems, left_out) == (["#2"], 1)
    assert references[0]["authors"] == ["Anna van der Berg"]
    assert (references[0]["note"], references[1]["arxiv_id"]) == ("mine", None)


def test_the_lines_of_broken_entries_are_named_and_the_others_taken() -> None:
    text = (
        "me@example.org wrote this\n"
        "@misc{one, title={A}, eprint={2401.00001}}\n"
        "@misc{two, title={B}, eprint=2401.00002 year=2024}\n"
        "@misc{three, title=unknown_name, eprint={2401.00003}}\n"
        "@misc{four, title={never closed, eprint={2401.00004}\n"
    )
    references, problems, left_out = parse_references(text)
    assert [item["arxiv_id"] for item in references] == ["2401.00001", "2401.00003"]
    assert (problems, left_out) == (["3", "5"], 2)


@pytest.mark.parametrize(
    "text", ["", "hello", "<rdf:RDF>", "<?xml version='1.0'?><a/>", "[1", "{", "[" * 100_000, '"x"', "\0"]
)
def test_other_files_are_refused(text: str) -> None:
    with pytest.raises(imports.UnreadableFileError):
        parse_references(text)


def test_hostile_files_cost_little() -> None:
    doubled = "".join(f"@string{{s{number} = s{number - 1} # s{number - 1}}}\n" for number in range(1, 60))
    bomb = '@string{s0 = "' + "x" * 1000 + '"}\n' + doubled + "@misc{k, title = s59, eprint = {2401.00001}}"
    [reference], _, _ = parse_references(bomb)
    assert len(reference["title"]) <= imports.MAX_TITLE_LENGTH
    nested = "@misc{k, title = {" + "{" * 50_000 + "}" * 50_000 + "}}\n@misc{l, eprint={2401.00001}}"
    assert parse_references(nested)[0][-1]["arxiv_id"] == "2401.00001"
    deep = "@misc{k, title = {" + r"\emph{" * 90 + "x" + "}" * 90 + "}, eprint={2401.00001}}"
    assert "x" in parse_references(deep)[0][0]["title"]
    many = "".join(f"TY  - GEN\nUR  - arxiv.org/abs/2401.{number:05}\nER  - \n" for number in range(10_050))
    references, problems, left_out = parse_references(many)
    assert (len(references), problems, left_out) == (imports.MAX_REFERENCES, [], 50)


@given(TEXTS.map(lambda text: f"@misc{{{text}") | TEXTS.map(lambda text: f"TY  - {text}\n{text}\nER  - "))
def test_any_text_is_read_or_refused(text: str) -> None:
    references, _, _ = parse_references(text)
    assert all(set(item) == {"arxiv_id", "title", "authors", "note", "tags"} for item in references)
