"""Files of saved papers: what other programs read in them, names in order, and texts that try to break out."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from bot.archive.exports import ReferenceFormat, render_references
from storage import models

PAPER = models.SavedPaper(
    id=1,
    arxiv_id="2502.11089",
    title="Native $\\alpha$-Sparse & {Cheap}",
    url="https://huggingface.co/papers/2502.11089",
    date=date(2025, 2, 18),
    votes=140,
    authors=("Jingyang Yuan", "김민준", "Loïc Ben Müller"),
    saved_at=datetime(2026, 1, 1, tzinfo=UTC),
    note="=1+1\n# compare",
    tags=("rl", "to-read"),
)


def render(form: ReferenceFormat, *papers: models.SavedPaper) -> str:
    return render_references(form, papers or [PAPER], {1})


def test_bibtex_has_key_note_and_tags() -> None:
    shown = render(ReferenceFormat.BIBTEX, PAPER, replace(PAPER, id=2, note="", tags=()))
    assert shown.startswith("@misc{yuan2025native,\n")
    assert "{Jingyang Yuan and 김민준 and Loïc Ben Müller}" in shown
    assert "  keywords      = {rl, to-read},\n" in shown
    assert "  annote        = {=1+1\\par{}\\# compare},\n" in shown
    assert "@misc{yuan2025nativeb," in shown
    assert shown.count("Author order unconfirmed") == 1


def test_ris_has_a_tag_on_each_line() -> None:
    assert render(ReferenceFormat.RIS).splitlines() == [
        "TY  - GEN",
        "ID  - yuan2025native",
        "TI  - Native α-Sparse & {Cheap}",
        "AU  - Yuan, Jingyang",
        "AU  - 김민준",
        "AU  - Müller, Loïc Ben",
        "PY  - 2025",
        "PB  - arXiv",
        "M1  - arXiv:2502.11089",
        "DO  - 10.48550/arXiv.2502.11089",
        "UR  - https://arxiv.org/abs/2502.11089",
        "KW  - rl",
        "KW  - to-read",
        "N1  - =1+1",
        "N1  - # compare",
        "ER  - ",
        "",
    ]


def test_csl_json_is_what_citeproc_reads() -> None:
    [item] = json.loads(render(ReferenceFormat.CSL))
    assert item["issued"] == {"date-parts": [[2025]]}
    assert item["author"][1:] == [{"literal": "김민준"}, {"family": "Müller", "given": "Loïc Ben"}]
    assert (item["DOI"], item["note"]) == ("10.48550/arXiv.2502.11089", PAPER.note)


def test_markdown_shows_titles_and_notes_literally() -> None:
    paper = replace(PAPER, title="A [x](https://e.org) *b*", is_listed=False)
    assert render(ReferenceFormat.MARKDOWN, paper) == (
        "- [A \\[x\\](https://e.org) \\*b\\*](https://arxiv.org/abs/2502.11089)  \n"
        "  Jingyang Yuan, 김민준, Loïc Ben Müller · 2025 · arXiv:2502.11089 · \\#rl \\#to-read\n"
        "  > =1+1\n  > \\# compare\n"
    )


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t"])
def test_a_spreadsheet_evaluates_no_cell(start: str) -> None:
    shown = render(ReferenceFormat.CSV, replace(PAPER, note=f"{start}1+1", is_listed=False))
    [row] = csv.DictReader(io.StringIO(shown.removeprefix("\ufeff")))
    assert row["note"] == f"'{start}1+1"
    assert row["authors"] == "Jingyang Yuan; 김민준; Loïc Ben Müller"
