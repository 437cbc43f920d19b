"""References in files as public tools write them: each is saved or named, and what a text merely mentions is neither."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bot.archive import references

ON = date(2026, 11, 29)
FILES = json.loads((Path(__file__).parent / "data" / "reference_files.json").read_text())
"""What browsers, bookmark services, reference managers, and services of papers write, with what each of its entries is."""


@pytest.mark.parametrize("file", FILES, ids=lambda file: file["name"])
def test_the_entries_of_a_file(file: Any) -> None:
    read = references.read_references("\n".join(file["lines"]).encode(), ON)
    found = [f"{row.arxiv_id or ''} {row.title if row.arxiv_id else row.label}".strip() for row in read]
    assert found == file["entries"]


TEXTS = json.loads((Path(__file__).parent / "data" / "reference_texts.json").read_text())
"""Chats, mails, notes, lists of references and tables, with the ids that they are about, and the titles without one."""


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text["name"])
def test_a_text_is_about_its_papers_and_not_about_what_its_sentences_mention(text: Any) -> None:
    read = references.read_references("\n".join(text["lines"]).encode(), ON)
    assert sorted(row.arxiv_id for row in read if row.arxiv_id) == sorted(text["saved"])
    labels = " | ".join(row.label for row in read if row.arxiv_id is None)
    assert [title for title in text["named"] if title not in labels] == []


OWN = (
    "arXiv preprint arXiv:2511.00001, 2025 | arXiv:2511.00001v2 [cs.CL], 27 Nov 2025 | CoRR abs/2511.00001"
    " | Available at: https://arxiv.org/abs/2511.00001 (accessed 2026-01-02) | Preprint. arXiv: 2511.00001 [cs, stat]"
    " | arXiv e-prints, p. arXiv:2511.00001 | Technical Report arXiv:2511.00001 | files/3/2511.00001.pdf"
)
MENTIONED = (
    "From the paper arXiv:2511.00001 | See arXiv:2511.00001 | Also arXiv:2511.00001 | Erratum to arXiv:2511.00001"
    " | arXiv:2511.00001 and its sequel | (see arXiv:2511.00001) | We extend\narXiv:2511.00001"
)


@pytest.mark.parametrize(("notes", "ids"), [(OWN, ["2511.00001"]), (MENTIONED, [None])])
def test_an_id_is_the_entrys_own_if_no_sentence_is_around_it(notes: str, ids: list[str | None]) -> None:
    for note in notes.split(" | "):
        for file in (
            f"@misc{{a, title={{Herons}}, note={{{note}}}}}",
            json.dumps([{"title": "Herons", "x": note}]),
        ):
            read = references.read_references(file.encode(), ON)
            assert [one.arxiv_id for one in read] == ids, file
