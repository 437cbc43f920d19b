"""Exports of digests and references. Exported newsletters and reviews parse back to the same entries."""

import csv
import io
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import structlog.testing
from bibtexparser.splitter import Splitter
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bot.archive import escaping, exports, ingest, listing, parse
from bot.archive.exports import ExportDigest, ExportFormat, ReferenceFormat
from bot.archive.references import read_references
from bot.rendering.templates import Templates
from storage import archive, migrate, papers
from storage.database import Database
from storage.models import Digest, DigestFormat, Entry, Locale, PaperFacts, SavedPaper, Section

TEMPLATES = Templates(None)


def export(
    export_format: str, *digests: Digest, stored: Mapping[str, Mapping[str, object]] | None = None
) -> str:
    exported = [ExportDigest(digest, "a.md", stored=stored or {}) for digest in digests]
    return exports.render_export(ExportFormat(export_format), exported, TEMPLATES)


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def digest(*papers: Entry, digest_format: DigestFormat = DigestFormat.NEWSLETTER) -> Digest:
    return Digest(digest_format, date(2025, 2, 6), papers, (), "")


def entry(**values: object) -> Entry:
    known = {"rank": 1, "paper_key": "2502.02737", "title": "T", "url": "https://arxiv.org/abs/2502.02737"}
    return Entry(**{**known, **values})  # type: ignore[arg-type]


def bibtex_of(arxiv_id: str, title: str | None, authors: list[str], *, truncated: bool = False) -> str:
    file = exports.BibtexFile()
    file.add(
        arxiv_id, title, authors, truncated=truncated, is_order_confirmed=True, comment=None, journal=None
    )
    return file.render()


def test_bibtex_entry_has_title_authors_year_and_url() -> None:
    assert bibtex_of(
        "2502.02737", "SmolLM2: 100% & $\\alpha$_x", ["Haojun Zhao", "Andrés Marafioti"], truncated=True
    ) == (
        "@misc{zhao2025smollm2:2502.02737,\n"
        "  title         = {{SmolLM2: 100\\% \\& α\\_x}},\n"
        "  author        = {Haojun Zhao and Andrés Marafioti and others},\n"
        "  year          = {2025},\n"
        "  eprint        = {2502.02737},\n"
        "  archivePrefix = {arXiv},\n"
        "  url           = {https://arxiv.org/abs/2502.02737},\n"
        "  ids           = {arxiv:2502.02737},\n"
        "}\n"
    )


def test_bibtex_entry_has_the_year_of_its_id_and_names_with_commas_and_ands_in_braces() -> None:
    for arxiv_id, line in (
        ("0704.0001", "  year          = {2007},"),
        ("math/9910001", "  year          = {1999},"),
        ("2502.02737", "  title         = {{Big – Data}},"),
        ("2502.02737", "  author        = {{Lee, Inc.} and {A and B} and C},"),
    ):
        entry = bibtex_of(arxiv_id, "Big -- Data", ["Lee, Inc.", "A and B", "C"])
        assert line in entry.splitlines()
    # The day of its first version may be in another year; of a key that tells none it is all that is known.
    for key, year in (("2501.00001", "2025"), ("doi/10.1234/p.1", "2024"), ("acl/P19-1001", "2019")):
        assert exports.year_of(key, date(2024, 12, 31)) == year


@given(st.text(), st.lists(st.text(), max_size=3))
def test_bibtex_escapes_special_characters_and_balances_braces(title: str, authors: list[str]) -> None:
    entry = bibtex_of("2502.02737", title, authors)
    depth = 0
    for char in entry:
        depth += (char == "{") - (char == "}")
        assert depth >= 0
    assert depth == 0
    assert not re.search(r"(?<!\\)[$&#%_]", entry)
    assert len(entry.splitlines()) == entry.count("\n")


def test_names_of_references_keep_suffixes_particles_and_groups() -> None:
    for name, bibtex, ris in (
        ("Guy L. Oakley Jr.", "Oakley, Jr., Guy L.", "Oakley, Guy L., Jr."),
        ("Guy L. Oakley, Jr.", "Oakley, Jr., Guy L.", "Oakley, Guy L., Jr."),
        ("Hal Daumé III", "Daumé, III, Hal", "Daumé, Hal, III"),
        ("Oriol de la Cruz, Jr.", "de la Cruz, Jr., Oriol", "de la Cruz, Oriol, Jr."),
        ("Quillfeather, Odalys", "Quillfeather, Odalys", "Quillfeather, Odalys"),
        ("Rahman, Md", "Rahman, Md", "Rahman, Md"),
        ("Sok Iv", "Sok Iv", "Iv, Sok"),
        ("Aäron van den Oord", "Aäron van den Oord", "van den Oord, Aäron"),
        ("Loubna Ben Allal", "Ben Allal, Loubna", "Ben Allal, Loubna"),
        ("Ben Poole", "Ben Poole", "Poole, Ben"),
        ("Pond Team", "{Pond Team}", "Pond Team"),
        ("The Geese Collaboration", "{The Geese Collaboration}", "The Geese Collaboration"),
        ("Kite Team, AI @ Pond", "{Kite Team, AI @ Pond}", "Kite Team, AI @ Pond"),
        ("Pond AI", "{Pond AI}", "Pond AI"),
        ("Kite-AI", "Kite-AI", "Kite-AI"),
        ("Wei Ai", "Wei Ai", "Ai, Wei"),
        ("Lee, Inc.", "{Lee, Inc.}", "Lee, Inc."),
        ("김민준", "김민준", "김민준"),
    ):
        assert f"  author        = {{{bibtex}}}," in bibtex_of("2502.02737", "T", [name]), name
        assert f"\nAU  - {ris}\n" in render(ReferenceFormat.RIS, replace(PAPER, authors=(name,))), name
        [item] = json.loads(render(ReferenceFormat.CSL, replace(PAPER, authors=(name,))))
        [author] = item["author"]
        assert author.get("literal") or ", ".join(author.values()) == ris, name
        assert ("literal" in author) == (bibtex.startswith("{") or " " not in name), name


def test_titles_and_authors_that_a_digest_lacks_are_those_of_the_archive() -> None:
    bare = digest(entry(title=None), digest_format=DigestFormat.LIST)
    stored = {"2502.02737": {"title": "Counting flies", "authors": ["A B", "C D"], "authors_truncated": True}}
    [row] = read_csv(export("csv", bare, stored=stored))
    assert (row["title"], row["authors"], row["authors_truncated"]) == ("Counting flies", "A B; C D", "yes")
    bibtex = export("bibtex", bare, stored=stored)
    assert "{{Counting flies}}" in bibtex
    assert "{A B and C D and others}" in bibtex


def test_bibtex_prefers_stored_authors_to_the_digests() -> None:
    listed = digest(entry(authors=("C D", "A B", "C D")), entry(rank=2, paper_key="2502.00001"))
    stored = {"authors": ["A B", "C D"], "authors_truncated": False, "author_order_confirmed": True}
    confirmed = export("bibtex", listed, listed, stored={"2502.02737": stored})
    assert confirmed.count("@misc{") == 2
    assert "{A B and C D}" in confirmed
    assert "note" not in confirmed
    assert "not compared with the paper's page" in export("bibtex", listed)


PAPER = SavedPaper(
    id=1,
    key="2502.11089",
    title="Native $\\alpha$-Sparse & {Cheap}",
    url="https://huggingface.co/papers/2502.11089",
    date=date(2025, 2, 18),
    votes=140,
    authors=("Jingyang Yuan", "김민준", "Loïc Ben Müller"),
    thumbnail=None,
    score=0.0,
    authors_truncated=False,
    withdrawn_by=None,
    saved_at=datetime(2026, 1, 1, tzinfo=UTC),
    note="=1+1\n# compare",
    tags=("rl", "to-read"),
)


def render(form: ReferenceFormat, *papers: SavedPaper) -> str:
    return exports.render_references(form, papers or [PAPER], {1})


def test_bibtex_references_have_a_key_note_and_tags() -> None:
    other = replace(PAPER, id=2, key="2502.11090", note="", tags=(), title="", authors=())
    shown = render(ReferenceFormat.BIBTEX, PAPER, other, replace(PAPER, id=3, key="2503.00001"))
    note, key = shown.splitlines()[:2]
    told = "% Authors in the digest's order, not compared with the paper's page: "
    assert note == f"{told}yuan2025native:2503.00001"
    assert key == "@misc{yuan2025native:2502.11089,"
    assert "\n@misc{yuan2025native:2503.00001,\n" in shown
    assert "  ids           = {arxiv:2502.11089},\n" in shown
    assert "{Jingyang Yuan and 김민준 and Ben Müller, Loïc}" in shown
    assert "  keywords      = {rl, to-read},\n" in shown
    assert "  annote        = {=1+1\\par{}\\# compare},\n" in shown
    assert "\n@misc{2025:2502.11090,\n  year" in shown
    assert shown.count("not compared with the paper's page") == 1


def test_a_key_of_an_earlier_version_ends_no_entry_of_bibtex() -> None:
    """Keys could have what percent codes of a DOI stand for."""
    for key in (
        "doi/10.1234/a,note={b},x={y",
        "doi/10.1234/a,}@misc{forged,title={b}}@misc{c,x={y",
        "doi/10.1234/a=b\x1b",
    ):
        for is_keyed_by_id in (False, True):
            file = exports.BibtexFile(is_keyed_by_id=is_keyed_by_id)
            for paper_key in (key, "2502.11089"):
                file.add(
                    paper_key,
                    "Moss",
                    ["A B"],
                    truncated=False,
                    is_order_confirmed=True,
                    comment=None,
                    journal=None,
                )
            library = Splitter(file.render()).split()
            assert [len(library.entries), len(library.failed_blocks)] == [2, 0], key
            assert not {"note", "x"} & {of.key for entry in library.entries for of in entry.fields}, key


PREPRINT = "misc journal | GEN | article | preprint repository"
ARTICLE = "article journal | JOUR | article-journal | journalArticle publicationTitle"
OF_A_CONFERENCE = "inproceedings booktitle | CPAPER | paper-conference | conferencePaper proceedingsTitle"


@pytest.mark.parametrize(
    ("key", "types"),
    [
        *(("2502.11089", PREPRINT), ("doi/10.64898/2026.11.20.700001", PREPRINT)),
        *(("doi/10.1023/a%3A1.2", ARTICLE), ("openreview/aB3d", OF_A_CONFERENCE)),
        ("acl/p19-1001", OF_A_CONFERENCE),
    ],
)
def test_a_paper_is_a_preprint_an_article_or_a_conference_paper_by_its_key(key: str, types: str) -> None:
    bibtex, ris, csl, zotero = types.split(" | ")
    paper, cited = replace(PAPER, key=key, journal="Of Moss"), key.replace("%3A", ":")
    doi = {"2502.11089": "10.48550/arXiv.2502.11089", "acl/p19-1001": "10.18653/v1/P19-1001"}.get(key) or (
        cited.removeprefix("doi/") if key.startswith("doi/") else None
    )
    is_arxiv, (entry, field) = key[0].isdigit(), bibtex.split()
    shown = render(ReferenceFormat.BIBTEX, paper)
    year = {"doi/10.64898/2026.11.20.700001": "2026", "2502.11089": "2025", "acl/p19-1001": "2019"}.get(
        key, ""
    )
    assert f"@{entry}{{yuan{year}native:{cited},\n" in shown
    assert f"  {field:<13} = {{Of Moss}},\n" in shown
    assert f"{'arxiv:' * is_arxiv}{cited}}},\n}}\n" in shown, "its other key, for biblatex"
    assert ("eprint" in shown) == is_arxiv
    assert (f"  doi           = {{{doi}}}" in shown) == bool(doi and not is_arxiv)
    by_id = exports.BibtexFile(is_keyed_by_id=True)
    by_id.add(key, "Moss", (), truncated=False, is_order_confirmed=True, comment=None, journal=None)
    assert by_id.render().startswith(f"@{entry}{{{'arxiv:' * is_arxiv}{cited},\n"), (
        "docs/web.md: what \\cite names"
    )
    shown = render(ReferenceFormat.RIS, paper)
    assert shown.startswith(f"TY  - {ris}\n")
    assert ("\nM1  - arXiv:" in shown, f"\nDO  - {doi}\n" in shown) == (is_arxiv, doi is not None)
    [item] = json.loads(render(ReferenceFormat.CSL, paper))
    assert (item["type"], item.get("DOI"), "number" in item) == (csl, doi, is_arxiv)
    item, (entry, field) = exports.to_zotero(paper, None, None), zotero.split()
    place = "Of Moss" if entry != "preprint" else "arXiv" if is_arxiv else "bioRxiv"
    assert (item["itemType"], item[field], item["DOI"]) == (entry, place, doi or "")
    assert item.get("archiveID") == (f"{'arXiv:' * is_arxiv}{cited}" if entry == "preprint" else None)


def test_a_key_stays_in_another_order_and_when_papers_are_added_or_go() -> None:
    """A document that cites it goes on to cite the same paper."""
    former = [replace(PAPER, id=number, key=f"2502.{number:05}") for number in range(2, 20)]
    newer = [replace(PAPER, id=number, key=f"2512.{number:05}") for number in range(2, 20)]

    def read_keys(*papers: SavedPaper) -> dict[str, str]:
        found = re.findall(
            r"@misc{(.*),\n(?:  .*\n)*?  eprint +  *= {(.*)}", render(ReferenceFormat.BIBTEX, *papers)
        )
        return {arxiv_id: key for key, arxiv_id in found}

    keys = read_keys(*former)
    assert keys["2502.00002"] == "yuan2025native:2502.00002"
    assert len({*keys.values()}) == len(former) == len(keys)
    assert read_keys(*reversed(former)) == keys
    older = [replace(PAPER, id=number, key=f"2501.{number:05}") for number in range(2, 20)]
    assert read_keys(*newer, *former, *older).items() >= keys.items()
    assert read_keys(*former[1:]).items() <= keys.items()  # the oldest hands its key to none


def test_a_key_is_the_name_the_year_and_a_telling_word() -> None:
    for authors, title, key in (
        (["Loubna Ben Allal", "Anton Lozhkov"], "SmolLM2: When Smol Goes Big", "benallal2025smollm2"),
        (["Ben Poole", "Bin Yu"], "A Poole of Geese", "poole2025poole"),
        (["Aäron van den Oord"], "The Art of a Kiln", "vandenoord2025art"),
        (["Hans Müller, Jr."], "On $\\texttt{OTTER}$ and More", "muller2025otter"),
        (["The Geese Collaboration"], "3 Geese", "thegeesecollaboration2025geese"),
        (["D'Arcy O'Neil"], "GPT-4 in 2024", "oneil2025gpt4"),
        (["Quillfeather, Odalys"], "The", "quillfeather2025"),
        (["김민준"], "Kilns", "2025kilns"),
        ([], None, "2025"),
    ):
        assert bibtex_of("2502.02737", title, authors).startswith(f"@misc{{{key}:2502.02737,\n"), authors


def test_latex_in_arxivs_words_is_text_in_every_format() -> None:
    journal, comment = (
        r"Ann. Inst. Poincar\'e 12",
        r"\c{opyright} 2026 A Press, 10 pages \& 3 figures, 100\% new",
    )
    in_text, in_journal = "© 2026 A Press, 10 pages & 3 figures, 100% new", "Ann. Inst. Poincaré 12"
    paper = replace(PAPER, comment=comment, journal=journal, title=r"H{\"o}lder Kilns in K{ä}hler Clay")
    bibtex = render(ReferenceFormat.BIBTEX, paper)
    assert "  title         = {{Hölder Kilns in Kähler Clay}},\n" in bibtex
    assert "  note          = {© 2026 A Press, 10 pages \\& 3 figures, 100\\% new},\n" in bibtex
    assert f"  journal       = {{{in_journal}}},\n" in bibtex
    assert f"\nJO  - {in_journal}\nC1  - {in_text}\n" in render(ReferenceFormat.RIS, paper)
    [item] = json.loads(render(ReferenceFormat.CSL, paper))
    assert (item["container-title"], item["annote"], item["note"]) == (in_journal, in_text, PAPER.note)
    # Converted a second time, the dollars would begin a formula.
    unlisted = replace(PAPER, is_listed=False, comment=r"Set \$HOME\_x\$ first")
    assert "{Set \\$HOME\\_x\\$ first}" in render(ReferenceFormat.BIBTEX, unlisted)
    ris = render(ReferenceFormat.RIS, unlisted)
    assert ("\nTI  - Native α-Sparse" in ris, "\nC1  - Set $HOME_x$ first\n" in ris) == (True, True)
    stored = {
        "2502.02737": {"version": 2, "version_on": "2026-01-02", "comment": comment, "journal": journal}
    }
    [row] = read_csv(export("csv", digest(entry(title=r"K{ä}hler")), stored=stored))
    found = [row[name] for name in ("title", "version", "version_on", "comment", "journal")]
    assert found == ["Kähler", "2", "2026-01-02", in_text, in_journal]
    unknown_authors = export("bibtex", digest(entry()), stored=stored)
    assert f"{{{in_journal}}}" in unknown_authors


def test_a_comment_and_a_journal_are_one_line_each() -> None:
    """A line of its own would be a field, or a record that nobody saved."""
    for line_end in (r"\chapter{}", r"\\", "\n", "\r", "\x0b", "\x85", "\u2028"):
        words = line_end.join(("Accepted.", r"ER\ \ - ", r"TY\ \ - JOUR", "TI  - Not saved", ""))
        shown = render(ReferenceFormat.RIS, replace(PAPER, comment=words, journal=words))
        assert [line[:2] for line in shown.split("\n")].count("TY") == 1, line_end
        tags = [line[:2] for line in shown.splitlines() if line[:2] in ("TY", "TI", "ER")]
        assert tags == ["TY", "TI", "ER"], line_end


def test_every_line_of_a_ris_reference_has_a_tag() -> None:
    assert render(ReferenceFormat.RIS).splitlines() == [
        "TY  - GEN",
        "ID  - arxiv:2502.11089",
        "TI  - Native α-Sparse & Cheap",
        "AU  - Yuan, Jingyang",
        "AU  - 김민준",
        "AU  - Ben Müller, Loïc",
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


def test_csl_references_are_valid_json_items() -> None:
    [item] = json.loads(render(ReferenceFormat.CSL))
    assert item["issued"] == {"date-parts": [[2025]]}
    assert item["author"][1:] == [{"literal": "김민준"}, {"family": "Ben Müller", "given": "Loïc"}]
    assert (item["DOI"], item["note"]) == ("10.48550/arXiv.2502.11089", PAPER.note)


def test_a_spreadsheet_and_a_markdown_list_have_each_paper_with_its_note() -> None:
    other = replace(PAPER, title="[Draft] 2 * 3 * `x`", note="", tags=(), authors=())
    cells, bare = read_csv(render(ReferenceFormat.CSV, PAPER, other))
    assert (cells["arxiv_id"], cells["year"]) == ("2502.11089", "2025")
    assert cells["authors"] == "Jingyang Yuan; 김민준; Loïc Ben Müller"
    assert (cells["tags"], cells["note"]) == ("rl, to-read", f"'{PAPER.note}"), (
        "the note begins like a formula"
    )
    assert bare["title"] == other.title
    assert render(ReferenceFormat.MARKDOWN, PAPER, other).splitlines() == [
        "- [Native α-Sparse & Cheap](https://arxiv.org/abs/2502.11089)",
        "  Jingyang Yuan, 김민준, Loïc Ben Müller · 2025 · rl, to-read",
        "  =1+1",
        r"  \# compare",
        r"- [(Draft) 2 \* 3 \* \`x\`](https://arxiv.org/abs/2502.11089)",
        "  2025",
    ]


def test_escapes_cells_that_look_like_formulas() -> None:
    for start in ("=", "+", "-", "@", "＝", "＠", "\t"):
        assert escaping.escape_formula(f"{start}1+1") == f"'{start}1+1", start


NEWSLETTER_LINES = [
    *("### [Title [IDK] x](https://arxiv.org/abs/2502.00001)", "## 2502.00003", "### 2502.00004: Four"),
    *("### [T2: a_b](https://huggingface.co/papers/2502.00002v2)", "Vote: 12", "Vote: -", " Vote: 3"),
    *("Authors: A B, C D, +", "Authors: ['A, B', 'C \"D\"']", "![](https://e.org/a.png)"),
    *("[Watch Video](https://e.org/v.mp4)", "- ***What's New***: 본문이에요.", "- **Bold**: x"),
    *("- plain bullet", "  - nested", "    more", "continued line", "", "#### Low heading"),
    *(
        "```python\nx = 1\n# no\n```",
        "  ```\n  y\n  ```",
        "---",
        "1. one",
        "- a*b **c**: d",
        "| a | b |\n|---|---|\n| 1 | 2 |",
    ),
]
NEWSLETTERS = st.lists(st.sampled_from(NEWSLETTER_LINES), max_size=25).map(
    lambda lines: "\n".join(
        ["## Daily Papers (2025-02-06)", "", "### [First](https://arxiv.org/abs/2502.09999)", *lines]
    )
)


def assert_parses_back(before: Digest) -> Digest:
    (after,) = parse.parse_text(export(before.format.value, before))
    assert (after.format, after.date, after.entries) == (before.format, before.date, before.entries)
    return after


@given(NEWSLETTERS)
@example(
    "## Daily Papers (2025-02-06)\n\n### [First](https://arxiv.org/abs/2502.09999)\n```python\nx = 1\n```\n- **Bold**: x\n"
    "```python\nx = 1\n```"
)
def test_exported_newsletter_parses_to_the_same_entries(text: str) -> None:
    (before,) = parse.parse_text(text)
    # A newsletter with more problems than papers is read as a list.
    assume(before.format is DigestFormat.NEWSLETTER)
    assert_parses_back(before)


NAMED = [
    *("See [a](https://arxiv.org/abs/2502.09999)", "https://arxiv.org/abs/2502.08888"),
    *("2. [b](https://arxiv.org/abs/2502.04444): text", "본문이에요.", "2502.07777 is older."),
]


@given(
    st.lists(st.sampled_from(NAMED), min_size=1, max_size=4), st.sampled_from([None, "What", "2502.01234"])
)
@example(["https://arxiv.org/abs/2502.08888"], "2502.01234")
def test_export_omits_papers_only_mentioned_in_a_summary(lines: list[str], heading: str | None) -> None:
    bare = entry(title=None, sections=(Section(heading, "\n".join(lines)),))
    (after,) = parse.parse_text(export("newsletter", digest(bare)))
    assert after.format is DigestFormat.NEWSLETTER
    assert [paper.paper_key for paper in after.entries] == [bare.paper_key]


def test_json_has_a_line_per_digest_with_stored_fields() -> None:
    original = digest(entry(sections=(Section(None, "글"),)))
    stored = ExportDigest(
        original, "inbox/a.md", {"source": "inbox"}, {"2502.02737": {"first_on": "2025-02-06"}}
    )
    (line,) = exports.render_export(ExportFormat.JSON, [stored], TEMPLATES).splitlines()
    record = json.loads(line)
    expected = parse.digest_to_json(original, "inbox/a.md")
    expected["papers"][0]["stored"] = {"first_on": "2025-02-06"}
    assert record == {**expected, "source": "inbox"}
    assert "글" in line


def test_csv_has_a_row_per_paper_and_no_formulas() -> None:
    sections = (Section("새로움", "**굵게**\n글"),)
    listed = entry(title='=HYPERLINK("x")', votes=81, authors=("A, B", "C"), sections=sections)
    other = entry(rank=2, paper_key="2502.00001", title=None, votes=None, authors_truncated=True)
    text = export("csv", digest(listed, other))
    first, second = read_csv(text)
    assert text.startswith('\ufeff"date",'), "Excel needs a byte order mark for Hangul"
    assert list(first) == list(exports.CSV_COLUMNS)
    assert (first["title"], first["authors"], first["votes"]) == ('\'=HYPERLINK("x")', "A, B; C", "81")
    assert first["summary"] == "새로움: 굵게 글"
    assert (second["votes"], second["title"], second["authors_truncated"]) == ("", "", "yes")


HOSTILE = '=1+1;=2+2;"=3; -3\t@x\r\n+4\n＝5'


def test_no_cell_of_csv_is_a_formula_however_it_is_split() -> None:
    """Excel splits at ";" in most of Europe, where a field's quotes end with its first comma; LibreOffice asks."""
    for delimiter in (",", ";", "\t"):
        saved = replace(PAPER, title=HOSTILE, note=HOSTILE, tags=("rl",), comment=HOSTILE, journal=HOSTILE)
        listed = entry(title=HOSTILE, authors=(HOSTILE,), sections=(Section(HOSTILE, HOSTILE),))
        for text in (render(ReferenceFormat.CSV, saved), export("csv", digest(listed))):
            rows = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=delimiter)
            cells = (cell for row in rows for cell in row)
            assert [cell for cell in cells if cell.strip(' "').startswith(tuple("=+-@＝"))] == [], delimiter
            assert all(line.startswith('"') for line in text.removeprefix("\ufeff").splitlines()[:2])
        if delimiter == ",":
            [read] = read_references(render(ReferenceFormat.CSV, saved).encode(), date(2026, 1, 1))
            assert (read.note.split(), read.tags) == (HOSTILE.split(), "rl"), delimiter


def test_uses_the_operators_export_template_unless_it_fails(tmp_path: Path) -> None:
    (tmp_path / "export.review.md.j2").write_text(
        "{% for d in digests %}{{ d.date }} & {{ d.papers | length }}{% endfor %}\n"
    )
    exported = ExportDigest(digest(entry()), "a.md")
    assert exports.render_export(ExportFormat.REVIEW, [exported], Templates(tmp_path)) == "2025-02-06 & 1"
    (tmp_path / "export.review.md.j2").write_text("{{ nothing }}")
    with structlog.testing.capture_logs() as logs:
        text = exports.render_export(ExportFormat.REVIEW, [exported], Templates(tmp_path))
    assert parse.parse_text(text)[0].entries[0].paper_key == "2502.02737"
    assert [entry["event"] for entry in logs] == ["template not used"]


@pytest.mark.parametrize("keys", [["doi/10.1234/moss.1"], ["doi/10.1234/moss.1", "2505.00001"]])
async def test_a_paper_that_became_one_with_another_is_exported_whole_and_once(
    sqlite_db: Database, tmp_path: Path, keys: list[str]
) -> None:
    on, now = date(2025, 5, 6), datetime(2025, 5, 7, tzinfo=UTC)
    service = ingest.IngestService(sqlite_db, lambda: now)
    for key in keys:
        listed = listing.build(on, [{"key": key, "title": "Moss"}])
        await service.put(f"https://{key[:3]}.example", key, [listed])
    told = PaperFacts("2505.00001", "arxiv", "b", now, title="Moss", abstract="Moss grows.", names=(keys[0],))
    await service.add_facts([told])
    text = await exports.export_digests(
        sqlite_db, ExportFormat.LISTING, TEMPLATES, since_on=None, until_on=None, locale=Locale.EN
    )
    assert text.count("Moss grows.") == text.count("2505.00001") == 1, text
    copy = await migrate.open_database(f"sqlite+aiosqlite:///{tmp_path / 'copy.db'}")
    await ingest.IngestService(copy, lambda: now).add_text(text, location="export.json")
    ids = await copy.fetch(papers.get_ids, [keys[0], "2505.00001"])
    await copy.close()
    assert (len(ids), len({*ids.values()})) == (2, 1)


async def test_exported_listings_keep_all_fields_when_read_again(sqlite_db: Database, tmp_path: Path) -> None:
    on, now = date(2025, 5, 6), datetime(2025, 5, 7, tzinfo=UTC)
    kept = {
        "title": "Kilns",
        "authors": ["Ada Lovelace"],
        "abstract": "Tungsten is fired.",
        "keywords": ["tungsten"],
        "code_url": "https://github.com/example/kilns",
        "project_url": "https://kilns.example/",
        "organization": "A Lab",
    }
    service = ingest.IngestService(sqlite_db, lambda: now)
    elsewhere = {"key": "doi/10.1234/moss.1", "title": "Moss", "authors": ["Bo Carr"]}
    listed = listing.build(on, [{"arxiv_id": "2505.00001", **kept}, elsewhere])
    looked_up = listing.build(on, [{"arxiv_id": "2505.00002"}], form=DigestFormat.LOOKUP)
    await service.put("https://huggingface.co", "https://a.example", [listed])
    await service.put("arxiv:cs.CL", "https://b.example", [looked_up])
    one = listing.to_facts(listing.papers_of(listed.text)[0], "huggingface", "a", now)
    other = PaperFacts("2505.00002", "arxiv", "b", now, title="Clay", abstract="Clay is fired.")
    await service.add_facts([one, other])
    copy = await migrate.open_database(f"sqlite+aiosqlite:///{tmp_path / 'copy.db'}")
    text = await exports.export_digests(
        sqlite_db, ExportFormat.LISTING, TEMPLATES, since_on=None, until_on=None, locale=Locale.EN
    )
    assert '"key": "doi/10.1234/moss.1"' in text
    await ingest.IngestService(copy, lambda: now).add_text(text, location="export.json")
    async with sqlite_db.read() as reading, copy.read() as rereading:
        for key in ("2505.00001", "2505.00002", "doi/10.1234/moss.1"):
            before, after = [await papers.get_detail(of, key) for of in (reading, rereading)]
            assert before is not None
            assert [getattr(after, name) for name in kept] == [getattr(before, name) for name in kept], key
        formats = {row.format for row in await archive.list_rows(rereading, origin=archive.ALL)}
    await copy.close()
    assert formats == {DigestFormat.LISTING, DigestFormat.LOOKUP}
