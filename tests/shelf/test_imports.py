"""Files of references: read in a process of their own, hostile ones too, and saved; our own exports come back."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pybtex import errors as pybtex_errors
from pybtex.database import parse_string

from bot.archive import fields
from bot.archive.exports import ReferenceFormat
from bot.client.accounts import ReaderData, Readers
from bot.demo import sample_digests
from bot.rendering import discord_text
from bot.shelf import references
from bot.shelf import service as shelf_service
from bot.shelf.references import UnreadableFileError, parse_references
from bot.shelf.service import ReferenceImporter, Shelf
from bot.text import typography
from storage import models, shelf, tables
from storage.database import Connection, Database
from tests.shelf.test_service import match_nothing
from tests.storage.test_saved_papers import add_papers
from tests.support import growth, patience
from tests.support.reference_files import render_references
from tests.support.sample_archive import make_ingest

both_engines = pytest.mark.engines("sqlite", "postgresql")

NOW = datetime(2026, 1, 5, tzinfo=UTC)
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
        note=references.clean_note(note),
        tags=tuple(references.parse_tags(tags)),
        is_listed=False,
    )


PAPERS = st.lists(
    st.builds(saved, st.integers(1, 9), LINES, st.lists(NAMES, max_size=3).map(tuple), TEXTS, TEXTS),
    max_size=3,
)


@pytest.mark.parametrize(
    ("form", "latex"), [*((form, references.MAX_LATEX_LENGTH) for form in READABLE), (READABLE[0], 0)]
)
@settings(max_examples=60)
@given(papers=PAPERS)
def test_an_export_reads_back_without_a_loss_also_if_none_of_it_is_read_as_latex(
    form: ReferenceFormat, latex: int, papers: list[models.SavedPaper]
) -> None:
    text = render_references(form, papers, ())
    if form is ReferenceFormat.BIBTEX:  # opens in another program without a warning
        with pybtex_errors.capture() as warnings:
            assert len(parse_string(text, "bibtex").entries) == len(papers)
        assert warnings == []
    if not papers:
        return
    with mock.patch.object(references, "MAX_LATEX_LENGTH", latex):
        found, problems, left_out = parse_references(text)
    assert (problems, left_out) == ([], 0)
    for paper, read in zip(papers, found, strict=True):
        assert read["arxiv_id"] == paper.arxiv_id
        assert read["title"] == paper.title
        assert tuple(read["authors"]) == paper.authors
        assert references.clean_note(read["note"]) == paper.note
        assert tuple(references.parse_tags(", ".join(read["tags"]))) == paper.tags


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

SERVICES = {
    "@article{a, title={A}, journal={ArXiv}, volume={abs/1711.00399}}": "1711.00399",  # Semantic Scholar
    "@article{b, title={B}, journal={CoRR}, volume={abs/cs/0112017}}": "cs/0112017",  # DBLP
    "@misc{c, title={C}, pages={arXiv:2401.00002v3}}": "2401.00002",
    "@misc{d, title={D}, file={:home/me/1706.03762v5.pdf:PDF}}": "1706.03762",  # JabRef
    "@misc{e, title={E}, file={1706.03762.pdf}}": "1706.03762",
    "@article{f, title={F}, journal={Nature}, volume={2401}, pages={2401.00002}, file={2401.pdf}}": None,
    "@article{g, title={G}, url={https://doi.org/10.1/x}, volume={labs/1711.00399}}": None,
    "TY  - JOUR\nTI  - H\nJO  - CoRR\nVL  - abs/1711.00399\nER  - \n": "1711.00399",
    "TY  - JOUR\nTI  - I\nL1  - file:///home/me/1706.03762.pdf\nER  - \n": "1706.03762",
    '[{"title": "J", "container-title": "CoRR", "volume": "abs/1711.00399"}]': "1711.00399",
}


@pytest.mark.parametrize("text", SERVICES)
def test_ids_are_found_where_services_and_programs_write_them(text: str) -> None:
    [found], problems, _ = parse_references(text)
    assert (found["arxiv_id"], problems) == (SERVICES[text], [])


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
            "note": "arXiv:2502.11089 [cs]\nmine\narXiv:2401.00001",
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
        "tags": ["computer-science---computation", "to-read"],
        "place": references[0]["place"],
    }
    references, problems, left_out = parse_references(ZOTERO_RIS)
    assert (problems, left_out) == (["10"], 1)
    assert [item["arxiv_id"] for item in references] == ["2502.11089", "2401.00002"]
    assert references[0]["authors"] == ["Jingyang Yuan", "김민준"]
    assert references[1]["title"] == "Second continued"
    references, problems, left_out = parse_references(ZOTERO_CSL)
    assert (problems, left_out) == (["#2"], 1)
    assert references[0]["authors"] == ["Anna van der Berg"]
    assert (references[0]["note"], references[1]["arxiv_id"]) == ("mine\narXiv:2401.00001", None)
    references, problems, left_out = parse_references(LIBRARY)
    assert (problems, left_out) == ([], 0)
    assert [item["arxiv_id"] for item in references] == ["2502.11089", "2401.00002", None]
    assert references[0] == {
        "arxiv_id": "2502.11089",
        "title": "Native Sparse Attention: Über & more",
        "authors": ["Jingyang Yuan", "김민준"],
        "note": "mine & ours\nsecond",
        "tags": ["computer-science", "to-read"],
        "place": "#1",
    }


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


def test_hostile_files_cost_little() -> None:
    doubled = "".join(f"@string{{s{number} = s{number - 1} # s{number - 1}}}\n" for number in range(1, 60))
    bomb = '@string{s0 = "' + "x" * 1000 + '"}\n' + doubled + "@misc{k, title = s59, eprint = {2401.00001}}"
    [reference], _, _ = parse_references(bomb)
    assert len(reference["title"]) <= references.MAX_TITLE_LENGTH
    nested = "@misc{k, title = {" + "{" * 50_000 + "}" * 50_000 + "}}\n@misc{l, eprint={2401.00001}}"
    assert parse_references(nested)[0][-1]["arxiv_id"] == "2401.00001"
    deep = "@misc{k, title = {" + r"\emph{" * 90 + "x" + "}" * 90 + "}, eprint={2401.00001}}"
    assert "x" in parse_references(deep)[0][0]["title"]
    many = "".join(
        f"TY  - GEN\nUR  - arxiv.org/abs/2401.{number:05}\nER  - \n" for number in range(1, 10_051)
    )
    found, problems, left_out = parse_references(many)
    assert (len(found), problems, left_out) == (references.MAX_REFERENCES, [], 50)
    tags = LIBRARY.replace("&lt;p&gt;mine", "&lt;" * 200_000)
    assert parse_references(tags)[0][0]["arxiv_id"] == "2502.11089"


@pytest.mark.parametrize(
    ("opening", "entry", "closing", "left_out"),
    [
        ("", "@a{k}", "", 99_000),
        ("@string{s = 1}" * 50, "@a{k}", "", 99_000),
        ("", "@a{k,b}", "", 100_000),
        ("", "TY  - X\nER  - \n", "", 99_000),
        ("", "TY  - \n", "", 100_000),
        ("[{}", ",{}", "]", 99_001),
        ("[0", ",0", "]", 100_001),
    ],
)
def test_entries_behind_the_limit_are_counted_and_not_read(
    opening: str, entry: str, closing: str, left_out: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(references, "MAX_REFERENCES", 1_000)
    few, many = (opening + entry * entries + closing for entries in (2_000, 100_000))
    growth.assert_growth(lambda: parse_references(few), lambda: parse_references(many), limit=10)
    assert parse_references(many)[2] == left_out


def test_little_of_a_file_is_read_as_latex(monkeypatch: pytest.MonkeyPatch) -> None:
    decode = typography.decode_field
    lengths: list[int] = []

    def count(field: str) -> str:
        is_latex = "\\" in field or "$" in field
        lengths.append(references.LATEX_START + len(field) if is_latex else 0)
        return decode(field)

    monkeypatch.setattr(typography, "decode_field", count)
    monkeypatch.setattr(references, "MAX_LATEX_LENGTH", 30_000)
    short_fields = r"\a}, keywords={" + r"\a," * 50
    for title in ("$x$" * 300_000, r"\'{e}" * 1_000, r"{a}\emph{b}", short_fields):
        lengths.clear()
        entries = (
            f"@misc{{k{number}, title={{{title}}}, eprint={{2401.{number:05}}}}}\n"
            for number in range(max(1, 900_000 // len(title) // 50))
        )
        found, problems, left_out = parse_references("".join(entries))
        assert (problems, left_out, bool(found)) == ([], 0, True)
        assert 0 < sum(lengths) <= references.MAX_LATEX_LENGTH
        assert max(lengths) <= references.LATEX_START + references.MAX_FIELD_LENGTH
    # What is only escaped costs little, and is always read.
    escaped = "".join(
        f"@misc{{k{number}, title={{R\\&D {'x' * 90} {number}}}, eprint={{2401.{number:05}}}}}\n"
        for number in range(2_000)
    )
    found, _, _ = parse_references(escaped)
    assert all(item["title"].startswith("R&D x") for item in found)


def test_what_many_items_share_is_read_once() -> None:
    def read(size: int) -> None:
        items = "".join(
            f'<bib:Article rdf:about="#a{number}"><z:itemType>journalArticle</z:itemType>'
            '<dcterms:isPartOf rdf:resource="#shared"/><dcterms:isReferencedBy rdf:resource="#note"/>'
            "</bib:Article>"
            for number in range(size // 100)
        )
        shared = (
            f'<bib:Journal rdf:about="#shared"><dc:title>{"arxiv " * size}2401.00002</dc:title></bib:Journal>'
        )
        note = f'<bib:Memo rdf:about="#note"><rdf:value>{"words " * size}</rdf:value></bib:Memo>'
        found, _, _ = parse_references(LIBRARY.replace("</rdf:RDF>", items + shared + note + "</rdf:RDF>"))
        assert len(found) == 3 + size // 100
        assert {len(item["note"]) for item in found[3:]} == {references.MAX_NOTE_LENGTH}

    growth.assert_linear(read, 10_000)


def test_an_item_with_endless_references_to_one_note_stays_small() -> None:
    referring = '<dcterms:isReferencedBy rdf:resource="#item_3"/>'
    library = LIBRARY.replace("mine", "x" * 1_000).replace(referring, referring * 20_000)
    tracemalloc.start()
    found, _, _ = parse_references(library)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found[0]["note"]) == references.MAX_NOTE_LENGTH
    # The tree of the file's elements takes most of it; the notes would be 20 MB.
    assert peak < 15_000_000


XML = st.text("<>/&;:=\"' !-[]?#abrdfRDF\ud800")


@given(
    TEXTS.map(lambda text: f"@misc{{{text}")
    | TEXTS.map(lambda text: f"TY  - {text}\n{text}\nER  - ")
    | st.sampled_from(["<?xml", "<rdf:", "<!--", "<rdf:RDF xmlns:rdf='"]).flatmap(
        lambda s: XML.map(s.__add__)
    )
)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found, _, _ = parse_references(text)
    except UnreadableFileError:
        assert text.startswith("<")
    else:
        assert all(set(item) == {"arxiv_id", "title", "authors", "note", "tags", "place"} for item in found)


LIBRARY = """<rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:z="http://www.zotero.org/namespaces/export#"
 xmlns:dcterms="http://purl.org/dc/terms/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:bib="http://purl.org/net/biblio#" xmlns:foaf="http://xmlns.com/foaf/0.1/"
 xmlns:prism="http://prismstandard.org/namespaces/1.2/basic/">
    <rdf:Description rdf:about="http://arxiv.org/abs/2502.11089">
        <z:itemType>preprint</z:itemType>
        <bib:authors><rdf:Seq>
            <rdf:li><foaf:Person><foaf:surname>Yuan</foaf:surname><foaf:givenName>Jingyang</foaf:givenName></foaf:Person></rdf:li>
            <rdf:li><foaf:Person><foaf:surname>김민준</foaf:surname></foaf:Person></rdf:li>
        </rdf:Seq></bib:authors>
        <dcterms:isReferencedBy rdf:resource="#item_3"/>
        <dc:subject><z:AutomaticTag><rdf:value>Computer Science</rdf:value></z:AutomaticTag></dc:subject>
        <dc:subject>to read</dc:subject>
        <dc:title>Native Sparse Attention: Über &amp; more</dc:title>
    </rdf:Description>
    <bib:Memo rdf:about="#item_3">
        <rdf:value>&lt;p&gt;mine &amp;amp; ours&lt;/p&gt;&lt;p&gt;second&lt;/p&gt;</rdf:value>
    </bib:Memo>
    <z:Attachment rdf:about="#item_4"><z:itemType>attachment</z:itemType></z:Attachment>
    <bib:Article rdf:about="#item_5">
        <z:itemType>journalArticle</z:itemType><dc:title>In a journal</dc:title>
        <dcterms:isPartOf rdf:resource="#item_6"/>
    </bib:Article>
    <bib:Journal rdf:about="#item_6"><dc:title>arXiv preprint arXiv:2401.00002</dc:title></bib:Journal>
    <bib:Book rdf:about="urn:isbn:1"><z:itemType>book</z:itemType><dc:identifier>ISBN 1</dc:identifier></bib:Book>
</rdf:RDF>
"""
ENTITIES = "".join(f"<!ENTITY e{number} '{f'&e{number - 1};' * 10}'>" for number in range(1, 12))
LAUGHS = f"<!DOCTYPE r [<!ENTITY e0 'ha'>{ENTITIES}]><r>&e11;</r>"


@pytest.mark.parametrize(
    "text",
    [
        *("", "hello", "<rdf:RDF>", "<?xml version='1.0'?><a/>", "[1", "{", "[" * 100_000, '"x"', "\0"),
        LAUGHS,
        f"<?xml version='1.0'?>\n{LAUGHS}",
        "<!DOCTYPE rdf:RDF SYSTEM 'file:///etc/passwd'><rdf:RDF/>",
        LIBRARY.replace("Über", "&unknown;"),
        LIBRARY.removesuffix("</rdf:RDF>\n"),
        LIBRARY + "\ud800",
        "<rdf:RDF>" * 200_000,
    ],
)
def test_other_files_entities_and_broken_xml_are_refused(text: str) -> None:
    with pytest.raises(UnreadableFileError):
        parse_references(text)


async def test_all_references_arrive_those_left_out_are_counted_and_other_files_refused() -> None:
    entries = [f"@misc{{a{number}, title={{Title {number}}}}}\n" for number in range(120)]
    found, problems, left_out = await shelf_service.read_references(
        "".join([*entries, "@misc{cut, title={"]).encode()
    )
    assert [reference["title"] for reference in found] == [f"Title {number}" for number in range(120)]
    assert (problems, left_out) == (["121"], 1)
    for data in (b"%PDF-1.7\n\xff\xfe", b"\0" * 9, b"<?xml version='1.0'?><!DOCTYPE a [ ]><a/>"):
        with pytest.raises(UnreadableFileError):
            await shelf_service.read_references(data)


async def test_a_file_that_takes_too_much_memory_or_time_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"@misc{a, title={" + b"x" * 1_000_000 + b"}}"
    with monkeypatch.context() as patch:
        patch.setattr(shelf_service, "_MAX_MEGABYTES", 20)
        with pytest.raises(UnreadableFileError, match="within 20 MB of memory"):
            await shelf_service.read_references(data)
    monkeypatch.setattr(shelf_service, "MAX_SECONDS", 0.01)
    with pytest.raises(UnreadableFileError, match="too long"):
        await patience.wait_for(shelf_service.read_references(data), 30)


def entry(arxiv_id: str, extra: str = "") -> str:
    return (
        f"@misc{{k, title={{Title of {arxiv_id}}}, author={{Ada Lovelace}}, eprint={{{arxiv_id}}}{extra}}}\n"
    )


@both_engines
async def test_a_file_is_saved_in_its_order_and_the_counts_tell_of_each_reference(db: Database) -> None:
    importer = ReferenceImporter(db, lambda: NOW)
    async with db.transaction() as connection:
        _, known = await add_papers(connection, ["Listed", "Known"])
        await shelf.save(connection, 7, [known], NOW, None)
    text = (
        entry("2501.00001", ", keywords={RL, to read}, annote={mine}")
        + entry("2501.00002")
        + entry("2401.99999")
        + entry("2401.99999v2")
        + entry("2603.00001")
        + entry("0612.00001")
        + entry("10.1000/5")
        + "@misc{broken, title={A} eprint={2401.00003}}\n"
    )
    counts, problems, without_id = await importer.import_file(7, text.encode())
    assert +counts == {"saved": 2, "unlisted": 1, "new": 1, "known": 2, "without_id": 3, "broken": 1}
    assert problems == ["8"]
    assert without_id == [
        (line, f"Title of {name}")
        for line, name in zip("567", ("2603.00001", "0612.00001", "10.1000/5"), strict=True)
    ]
    async with db.read() as connection:
        rows, _ = await shelf.list_rows(connection, 7)
    assert [row.arxiv_id for row in rows] == ["2501.00002", "2501.00001", "2401.99999"]
    imported, unlisted = rows[1], rows[2]
    assert (imported.title, imported.tags, imported.note) == ("Listed", ("rl", "to-read"), "mine")
    assert (unlisted.title, unlisted.authors) == ("Title of 2401.99999", ("Ada Lovelace",))
    counts, _, _ = await importer.import_file(
        8, entry("2401.99999").replace("Title of", "Another title of").encode()
    )
    assert counts["saved"] == 1
    async with db.read() as connection:
        paper = await shelf.get(connection, 7, "2401.99999")
        other = await shelf.get(connection, 8, "2401.99999")
    assert paper is not None
    assert paper.title == "Title of 2401.99999"
    assert other is not None
    assert other.title == "Another title of 2401.99999"


async def test_a_full_shelf_takes_no_more(sqlite_db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf_service, "MAX_SAVED", 3)
    monkeypatch.setattr(shelf_service, "BATCH_SIZE", 2)
    text = "".join(entry(f"2401.{number:05}") for number in range(1, 6))
    counts, _, _ = await ReferenceImporter(sqlite_db, lambda: NOW).import_file(7, text.encode())
    assert (counts["saved"], counts["full"]) == (3, 2)


@both_engines
async def test_two_processes_that_import_for_a_reader_do_not_overfill_the_shelf(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf_service, "MAX_SAVED", 7)
    monkeypatch.setattr(shelf_service, "BATCH_SIZE", 2)
    files = ["".join(entry(f"{month}.{number:05}") for number in range(1, 7)) for month in (2401, 2402)]
    imported = await asyncio.gather(
        *(ReferenceImporter(db, lambda: NOW).import_file(7, text.encode()) for text in files)
    )
    assert sum(counts["saved"] for counts, _, _ in imported) == 7
    assert sum(counts["full"] for counts, _, _ in imported) == 5
    async with db.read() as connection:
        assert await shelf.count(connection, 7) == 7


@both_engines
async def test_a_reader_adds_so_many_new_papers_in_a_month_also_after_being_forgotten(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf_service, "MAX_NEW", 3)
    monkeypatch.setattr(shelf_service, "BATCH_SIZE", 2)
    now = [NOW]
    importer = ReferenceImporter(db, lambda: now[0])

    async def take(user_id: int, *numbers: int) -> tuple[int, int]:
        text = "".join(entry(f"2401.{number:05}") for number in numbers)
        counts, _, _ = await importer.import_file(user_id, text.encode())
        return counts["saved"], counts["limited"]

    async with db.transaction() as connection:
        await add_papers(connection, ["Listed"])
    assert await take(7, 1, 2) == (2, 0)
    assert await take(7, 3, 4, 5) == (1, 2)
    assert await take(8, 1, 2, 3, 4) == (4, 0)  # three of them are there already
    await ReaderData(db, lambda: now[0]).forget(7)
    assert await take(7, 1, 6) == (1, 1)
    now[0] += shelf_service.NEW_PERIOD
    assert await take(7, 6) == (1, 0)


async def test_a_paper_with_very_many_names_counts_as_several_of_a_month_unless_a_digest_has_it(
    sqlite_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf_service, "MAX_NEW", 6)
    monkeypatch.setattr(fields, "MAX_NAMES_LENGTH", 600)
    importer = ReferenceImporter(sqlite_db, lambda: NOW)
    names = " and ".join(f"Author Number{number:02}" for number in range(20))  # 300 characters

    async def take(user_id: int, *ids: str) -> tuple[int, int]:
        text = "".join(entry(id_).replace("Ada Lovelace", names) for id_ in ids)
        counts, _, _ = await importer.import_file(user_id, text.encode())
        return counts["saved"], counts["limited"]

    async with sqlite_db.transaction() as connection:
        await add_papers(connection, ["Listed"])
    assert await take(7, "2501.00001", "2401.00001", "2401.00002") == (2, 1)
    assert await take(8, "2401.00001", "2401.00002") == (
        1,
        1,
    )  # the first is not new, but its names are stored
    assert await take(7, "2401.00002") == (0, 1)


@both_engines
async def test_nothing_is_saved_of_a_file_after_its_reader_was_forgotten(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf_service, "BATCH_SIZE", 2)
    begun, data = db.transaction, ReaderData(db, lambda: NOW)
    count = 0

    @asynccontextmanager
    async def transaction() -> AsyncIterator[Connection]:
        nonlocal count
        count += 1
        if count == 2:
            assert await data.forget(7) == {"saved_papers": 2}
        async with begun() as connection:
            yield connection

    monkeypatch.setattr(db, "transaction", transaction)
    text = "".join(entry(f"2401.{number:05}") for number in range(1, 9))
    imported = await ReferenceImporter(db, lambda: NOW).import_file(7, text.encode())
    assert not imported.counts
    assert await data.count(7) == {}


@both_engines
@pytest.mark.parametrize("saved_before", [False, True])
async def test_nothing_is_saved_of_a_file_whose_reader_is_forgotten_while_it_is_read(
    db: Database, monkeypatch: pytest.MonkeyPatch, saved_before: bool
) -> None:
    async with db.transaction() as connection:
        ids = await add_papers(connection, ["First"])
    if saved_before:
        await Shelf(db, lambda: NOW, match_nothing).save(7, ids, guild_id=None)
    await Readers(db, lambda: NOW).update(7, timezone="Asia/Seoul")
    read, data = shelf_service.read_references, ReaderData(db, lambda: NOW)

    async def read_and_forget(file: bytes) -> Any:
        found = await read(file)
        assert (await data.forget(7))["readers"] == 1
        return found

    monkeypatch.setattr(shelf_service, "read_references", read_and_forget)
    imported = await ReferenceImporter(db, lambda: NOW).import_file(7, entry("2401.00001").encode())
    assert not imported.counts
    assert await data.count(7) == {}


@both_engines
async def test_a_reader_who_is_forgotten_while_a_batch_of_a_file_is_saved_leaves_nothing(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf_service, "BATCH_SIZE", 2)
    add, data = shelf.add, ReaderData(db, lambda: NOW)
    forgetting: list[asyncio.Future[dict[str, int]]] = []

    async def add_and_forget(*arguments: Any) -> None:
        await add(*arguments)
        if not forgetting:
            forgetting.append(asyncio.ensure_future(data.forget(7)))
            # It ends before this batch does, unless it waits for it.
            await asyncio.wait(forgetting, timeout=patience.scaled(0.2))

    monkeypatch.setattr(shelf, "add", add_and_forget)
    text = "".join(entry(f"2401.{number:05}") for number in range(1, 9))
    await ReferenceImporter(db, lambda: NOW).import_file(7, text.encode())
    assert await forgetting[0] == {"saved_papers": 2}
    assert await data.count(7) == {}


@both_engines
async def test_a_removed_paper_that_a_file_brings_back_has_its_note_and_tags_unless_the_file_has_others(
    db: Database,
) -> None:
    async with db.transaction() as connection:
        ids = await add_papers(connection, ["First", "Second"])
    names, kept = ("2501.00001", "2501.00002"), Shelf(db, lambda: NOW, match_nothing)
    await kept.save(7, ids, guild_id=5)
    for paper_id in ids:
        await kept.set_note(7, paper_id, "mine")
        await kept.set_tags(7, paper_id, "rl")
        await kept.remove(7, paper_id)
    text = entry(names[0]) + entry(names[1], ", annote={theirs}")
    await ReferenceImporter(db, lambda: NOW).import_file(7, text.encode())
    found = [await kept.get(7, name) for name in names]
    assert [(paper.note, paper.tags) for paper in found if paper] == [("mine", ("rl",)), ("theirs", ("rl",))]
    assert not await kept.restore(7, ids[0])
    assert await kept.list_of_guild(5, NOW, limit=10) == ((), 0)


ORDERED = ("Zoë Ångström", "김민준", "Loïc de la Müller", "Ada Lovelace")
"""The authors of a paper in arXiv's order, which is that of no alphabet."""


async def fill_shelf(database: Database) -> Shelf:
    """Save all papers of the samples for reader 7, each with a note and tags."""
    ingest = make_ingest(database)
    for name, text in sample_digests.sample_texts():
        await ingest.add_text(text, location=name)
    async with database.read() as connection:
        rows = (await connection.execute(tables.papers.select())).all()
    first = rows[0].arxiv_id
    facts = models.PaperFacts(first, "arxiv", "u", NOW, title="Über & 100% {AI}", authors=ORDERED)
    await ingest.add_facts([facts])
    async with database.transaction() as connection:
        await shelf.save(connection, 7, [row.id for row in rows], NOW, None)
        for row in rows:
            await shelf.update(connection, 7, row.id, note=f"메모 {row.id}\n{{x}} & y", tags=" rl 읽을-것 ")
    return Shelf(database, lambda: NOW, match_nothing)


async def test_the_samples_come_back_without_a_loss(sqlite_db: Database) -> None:
    shelf = await fill_shelf(sqlite_db)
    before, count = await shelf.list_saved(7)
    assert count >= 20
    assert ORDERED in [paper.authors for paper in before]
    files = {form: (await shelf.export(7, form))[0] for form in READABLE}
    for data in files.values():
        async with sqlite_db.transaction() as connection:
            # As on another machine, whose archive is empty.
            for table in (tables.saved_papers, tables.entries, tables.facts, tables.papers):
                await connection.execute(table.delete())
        counts, problems, _ = await ReferenceImporter(sqlite_db, lambda: NOW).import_file(8, data)
        assert (counts["saved"], counts["unlisted"], problems) == (count, count, [])
        after, _ = await shelf.list_saved(8)
        assert [_content(paper) for paper in after] == [_content(paper) for paper in before]


def _content(paper: models.SavedPaper) -> tuple[object, ...]:
    title = typography.to_plain_text(paper.title or "")
    return paper.arxiv_id, title, paper.authors, paper.note, paper.tags
