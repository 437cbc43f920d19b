"""References in files as public tools write them: each is saved or named, and what a text merely mentions is neither."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bot.archive import parse, records, references

ON = date(2026, 11, 29)
FILES = json.loads((Path(__file__).parent / "data" / "reference_files.json").read_text())
"""What reference managers, browsers and services of papers write, with what each entry is; and chats, mails, lists of references
and tables, with the ids that are `saved` and the titles without one that are `named`."""


@pytest.mark.parametrize("file", FILES, ids=lambda file: file["name"])
def test_what_a_file_names_is_saved_or_named(file: Any) -> None:
    read = references.read_references(file["text"].encode(), ON)
    if "entries" in file:
        found = [f"{row.arxiv_id or ''} {row.title if row.arxiv_id else row.label}".strip() for row in read]
        assert found == file["entries"]
    else:
        assert {row.arxiv_id for row in read if row.arxiv_id} == {*file["saved"]}
        labels = " | ".join(row.label for row in read if row.arxiv_id is None)
        assert [title for title in file["named"] if title not in labels] == []


OWN = (
    "arXiv preprint arXiv:2511.00001, 2025 | arXiv:2511.00001v2 [cs.CL], 27 Nov 2025 | CoRR abs/2511.00001"
    " | Available at: https://arxiv.org/abs/2511.00001 (accessed 2026-01-02) | Preprint. arXiv: 2511.00001 [cs, stat]"
    " | arXiv e-prints, p. arXiv:2511.00001 | Technical Report arXiv:2511.00001 | files/3/2511.00001.pdf"
)
MENTIONED = (
    "From the paper arXiv:2511.00001 | See arXiv:2511.00001 | Also arXiv:2511.00001 | Erratum to arXiv:2511.00001"
    " | arXiv:2511.00001 and its sequel | (see arXiv:2511.00001)"
)


def test_an_id_is_the_entrys_own_if_no_sentence_is_around_it() -> None:
    for notes, ids in ((OWN, ["2511.00001"]), (MENTIONED, [None])):
        for note in notes.split(" | "):
            for file in (
                f"@misc{{a, title={{Herons}}, note={{{note}}}}}",
                json.dumps([{"title": "Herons", "x": note}]),
            ):
                read = references.read_references(file.encode(), ON)
                assert [one.arxiv_id for one in read] == ids, file


NOTE = "What we liked is the small model.\n\n{}\n\nBo presents it on Friday, unlike arXiv:2310.00009"
FIELDS: dict[str, Callable[[str], str]] = {
    "GitHub's issues": lambda text: json.dumps([{"title": "Herons", "body": text, "comments": []}]),
    "Trello's cards": lambda text: json.dumps({"cards": [{"name": "Herons", "desc": text}]}),
    "notes": lambda text: json.dumps({"results": [{"title": "Herons", "content": text}]}),
    "tasks": lambda text: json.dumps({"tasks": [{"name": "Herons", "notes": text}]}),
    "a table's cells": 'Title,Year,Notes\nHerons,2026,"{}"\n'.format,
    "Zotero's extra": lambda text: json.dumps({"items": [{"title": "Herons", "extra": text}]}),
    "BibTeX's annote": "@misc{{a, title={{Herons}}, annote={{{}}}}}".format,
    "RIS's notes": "TY  - GEN\nTI  - Herons\nN1  - {}\nER  - \n".format,
}


def test_a_link_or_id_alone_in_a_line_of_a_field_is_the_items() -> None:
    for kind, write in FIELDS.items():
        for line in (
            "https://arxiv.org/abs/2511.00001",
            "arXiv:2511.00001 [cs.CL]",
            "PDF: arxiv.org/pdf/2511.00001v2",
        ):
            read = references.read_references(write(NOTE.format(line)).encode(), ON)
            assert [one.arxiv_id for one in read] == ["2511.00001"], (kind, line)


OTHERS = (
    "builds on arXiv:{} | cf. {} | as opposed to arXiv:{} | superseded by arXiv:{} | "
    "text overlap with arXiv:{} | an earlier version appeared as arXiv:{} | "
    "this is a follow-up of arXiv:{} | I prefer arXiv:{} to this one | inspired by {} | "
    "the predecessor is arXiv:{} | Bo said arXiv:{} was better | vs. arXiv:{} | see §3 of arXiv:{} | "
    "same authors as arXiv:{} | @bo have you read arXiv:{} yet? | reminds me of https://arxiv.org/abs/{} | "
    "it cites https://arxiv.org/abs/{} | as in https://arxiv.org/abs/{}, no?"
)
"""What is written about another paper in notes and in a chat."""
OTHERS_BESIDE_TITLES = (
    "similar to DPO (arXiv:{}) | related: arXiv:{} | prior work: arXiv:{} | Compare Heron [arXiv:{}] too. | 전작은 arXiv:{} | "
    "arXiv:{} 참고 | arXiv:{}의 후속 연구 | {} 논문과 비슷 | cf) arXiv:{} | 비교: arXiv:{} | arXiv:{}보다 빠름"
)
"""What only its sentence's meaning tells: in a chat these are saved, and the answer lists them."""
SHARED = (
    "{} | arXiv:{} | https://arxiv.org/abs/{} | today's paper: https://arxiv.org/abs/{} | "
    "please read arXiv:{} | paper for Friday: arXiv:{} | "
    "이번 주 논문 https://arxiv.org/abs/{} | https://arxiv.org/abs/{} 이거 좋네요 | arXiv:{} 발표할게요 | "
    "new: https://huggingface.co/papers/{} 🔥 | Next up — A quiet study of herons (arXiv:{}) | "
    "A quiet study of herons, arXiv:{}, 2025 | https://arxiv.org/abs/{} (Ann, 20 min)"
)
"""How a paper is put on a list, and shared in a chat."""
IN_FIELDS: list[Callable[[str], str]] = [
    'Title,Url,Notes\nHerons,https://arxiv.org/abs/2511.00001,"{}"\n'.format,
    "@misc{{a, title={{Herons}}, eprint={{2511.00001}}, annote={{{}}}}}".format,
]
IN_LINES: list[Callable[[str], str]] = [
    "[Ann] [9:12 AM] https://arxiv.org/abs/2511.00001\n[Bo] [9:13 AM] {}\n".format,
    "- [Herons](https://arxiv.org/abs/2511.00001)\n    - {}\n".format,
    lambda line: json.dumps([{"content": "https://arxiv.org/abs/2511.00001"}, {"content": line}]),
]


def test_a_sentence_about_another_paper_saves_none() -> None:
    for write, sentences in (
        *((write, OTHERS) for write in (*IN_FIELDS, *IN_LINES)),
        *((write, OTHERS_BESIDE_TITLES) for write in IN_FIELDS),
    ):
        for sentence in sentences.split(" | "):
            read = references.read_references(write(sentence.format("2310.00009")).encode(), ON)
            assert [one.arxiv_id for one in read if one.arxiv_id] == ["2511.00001"], sentence


def test_a_line_or_message_with_a_paper_saves_it() -> None:
    for write in (
        "{}\n".format,
        "- {}\n".format,
        "[Ann] [9:12 AM] {}\n".format,
        "2026. 11. 27. 오전 9:12, 민지 : {}\n".format,
        lambda line: json.dumps({"messages": [{"author": "ann", "content": line}]}),
    ):
        for line in SHARED.split(" | "):
            read = references.read_references(write(line.format("2511.00001")).encode(), ON)
            assert [one.arxiv_id for one in read] == ["2511.00001"], line


def test_a_fields_name_is_short_whatever_a_file_calls_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key of 32,000 characters with a line end took a second for each pattern of names."""
    lengths = list[int]()

    class Names:
        def fullmatch(self, name: str) -> None:
            lengths.append(len(name))

    monkeypatch.setattr(records, "OF_OTHERS", Names())
    text = json.dumps([{"title": "Herons", "arxiv" * 6_400 + "\n": "arXiv:2511.00001"}])
    assert [row.title for row in references.read_references(text.encode(), ON)] == ["Herons"]
    assert max(lengths) <= 100


PAGE = """<!doctype html><html><body><h1>Volume 345</h1>{}</body></html>"""
BLOCK = """<p>{title}</p><p>Ann Lee, Bo Kim; PMLR 345:1-9</p><p>[<a href="https://proceedings.mlr.press/v345/{key}.html">abs</a>]
[<a href="https://raw.githubusercontent.com/mlresearch/v345/main/assets/{key}/{key}.pdf">Download PDF</a>]
[<a href="https://openreview.net/forum?id={key}Qx">OpenReview</a>]</p>"""
README = """# Awesome ponds

- **Moss on Walls** [![DOI](https://img.shields.io/badge/DOI-10.5555%2Fpond.1-blue.svg)](https://doi.org/10.5555/pond.1)
- [이끼의 밤](https://doi.org/10.5555/pond.2) [[code](https://github.com/a/b)]

| Paper | Link |
|---|---|
| Ferns | [OpenReview](https://openreview.net/forum?id=aB3dEfGh1J) [arXiv](https://arxiv.org/abs/2511.00001) |

```bibtex
@software{ponds, title = {Ponds}}
```
"""


def test_an_import_of_a_page_or_a_list_has_each_paper_once_with_its_title() -> None:
    titles = {"ahn26a": "Moss on Old Walls", "bell26a": "Ferns", "cruz26b": "Rain and Roofs"}
    page = PAGE.format("".join(BLOCK.format(title=title, key=key) for key, title in titles.items()))
    pages, rows = (
        [row for row in references.read_references(text.encode(), ON) if row.arxiv_id or row.other_key]
        for text in (page, README)
    )
    assert [(row.other_key, row.title) for row in pages] == [
        (f"pmlr/v345/{key}", title) for key, title in titles.items()
    ]
    assert [(row.arxiv_id or row.other_key, row.title) for row in rows] == [
        ("doi/10.5555/pond.1", "Moss on Walls"),
        ("doi/10.5555/pond.2", "이끼의 밤"),
        ("2511.00001", ""),
    ]


ARTICLE_NOTE = """---
title: "Sleep in newts across ponds"
{}
date: 2026-11-20
---

## Summary

Newts sleep. It goes further than arXiv:2401.00009 and https://doi.org/10.5555/cited.1 did.
"""


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ("doi: 10.5555/newts.1", "doi/10.5555/newts.1"),
        ("DOI: https://doi.org/10.5555/newts.1", "doi/10.5555/newts.1"),
        ('arxiv: "2511.00001"', "2511.00001"),
        ("url: https://openreview.net/forum?id=aB3dEfGh1J", "openreview/aB3dEfGh1J"),
        ("links:\n  - https://github.com/pond/newts\n  - https://arxiv.org/abs/2511.00001", "2511.00001"),
    ],
)
def test_a_note_is_of_the_paper_that_its_front_matter_names(fields: str, key: str) -> None:
    text = ARTICLE_NOTE.format(fields)
    read = [row.arxiv_id or row.other_key for row in references.read_references(text.encode(), ON)]
    assert [name for name in read if name] == [key]
    [digest] = parse.parse_text(text, "notes/newts.md", ON)
    assert [(str(digest.date), entry.paper_key) for entry in digest.entries] == [("2026-11-20", key)]
    assert digest.entries[0].title == "Sleep in newts across ponds"
