"""Lists of papers in other projects' formats, and texts that only mention papers."""

from __future__ import annotations

import contextlib
import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.archive import arxiv_ids, date_reader, fields, parse
from storage import errors
from storage.models import Digest, DigestFormat, Entry

ON = date(2026, 6, 30)
ONE, TWO, THREE = "2606.00001", "2606.00002", "2606.00003"
ABS_ONE, ABS_TWO = f"https://arxiv.org/abs/{ONE}", f"https://arxiv.org/abs/{TWO}"
TITLE, OTHER = "Learning to Read Lists of Papers", "Weighing Kites: A Field Guide to Wind"


def read(text: str, name: str = "README.md") -> tuple[Digest, ...]:
    return parse.parse_text(text, name, ON)


def read_one(text: str, name: str = "2026-06-01.md") -> tuple[Entry, ...]:
    [digest] = read(text, name)
    assert digest.format is DigestFormat.LIST
    assert parse.parse_text(digest.text)[0].entries == digest.entries
    return digest.entries


FORMS = {
    file.name: file.read_text(encoding="utf-8")
    for file in sorted((Path(__file__).parent / "data/lists").iterdir())
}


@pytest.mark.parametrize("form", FORMS)
def test_finds_papers_date_and_titles_in_every_list_format(form: str) -> None:
    name = "data/2026-06-01.md" if "2026" not in FORMS[form] else "README.md"
    [digest] = read(FORMS[form], name)
    assert (digest.format, digest.date, digest.is_rolling) == (DigestFormat.LIST, date(2026, 6, 1), False)
    assert [
        (paper.arxiv_id, paper.title or title)
        for paper, title in zip(digest.entries, (TITLE, OTHER), strict=True)
    ] == [(ONE, TITLE), (TWO, OTHER)]
    assert digest.problems == ()


def test_link_label_is_the_title_unless_it_is_a_caption() -> None:
    text = f"""* [ep2:20260607](https://h.test/2): [NICE](https://arxiv.org/abs/{ONE}), [{TITLE}](https://arxiv.org/abs/{TWO})
* [ep1:20260601](https://h.test/1): **[1. "{OTHER}"](https://arxiv.org/abs/{THREE})** [Read it](https://h.test/3)
"""
    digests = read(text)
    assert [(digest.date.day, [(e.arxiv_id, e.title) for e in digest.entries]) for digest in digests] == [
        (7, [(ONE, None), (TWO, TITLE)]),
        (1, [(THREE, OTHER)]),
    ]


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("archive/2026/06/02.md", date(2026, 6, 2)),
        ("2-Jun-2026/AI/README.md", date(2026, 6, 2)),
        ("data/20260602.md", date(2026, 6, 2)),
        ("https://h.test/a/2026-06-02_daily_paper.md?x=2025-01-01", date(2026, 6, 2)),
        ("2025/1222-1226.md", date(2025, 12, 26)),
        ("2024/1230-0103.md", date(2025, 1, 3)),
        ("digests/2026-W30.html", date(2026, 7, 26)),
        ("data/2026-06/arxiv_digest_2026-06-02.md", date(2026, 6, 2)),
        ("2026-06-31.md", None),
        ("highlights/2026-06-june.md", None),
        ("README.md", None),
    ],
)
def test_finds_the_date_in_a_path(name: str, day: date | None) -> None:
    assert date_reader.find_path_date(name) == day


def test_only_papers_without_a_date_form_a_rolling_digest() -> None:
    row = "|[{}](https://arxiv.org/abs/{})|{}|\n"
    text = "## Updated on 2026.06.29\n\n|Title|Date|\n|---|---|\n"
    text += row.format(TITLE, ONE, "") + row.format(OTHER, TWO, "") + row.format(OTHER, THREE, "2026-06-20")
    rolling, dated = read(text)
    assert (rolling.date, rolling.is_rolling, len(rolling.entries)) == (ON, True, 2)
    assert (dated.date, dated.is_rolling, len(dated.entries)) == (date(2026, 6, 20), False, 1)
    with pytest.raises(errors.NotADigestError, match="2 papers without a date"):
        parse.parse_text(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"# Changelog\n\n## 1.2.0 (2026-05-01)\n\n- Kites ([paper]({ABS_ONE}))\n- Fix\n", "1 arXiv link, but a list has three"),
        (f"# Kites\n\nOur [paper]({ABS_ONE}) and [strings]({ABS_TWO}).\n", "2 arXiv links, but a list has three"),
        (
            f"# Talk\n\nFrom [a fine paper on kites]({ABS_ONE}) we know that they fly. Then\n"
            f"came as {ABS_TWO} and arXiv:{THREE} say it, which is longer than a line of captions.\n",
            "3 arXiv links, but only 1 in links or cells",
        ),
        (f"# A\n\n## References\n\n- [{TITLE}]({ABS_ONE})\n- [{OTHER}]({ABS_TWO})\n", "in code, comments or references"),
        (f"# A\n\n```\n- [{TITLE}]({ABS_ONE})\n```\n", "in code, comments or references"),
        (f"# A\n\nNo paper.\n\n<!-- {ABS_ONE} -->\n", "in code, comments or references"),
        ('{"name": "x", "version": "1.0"}', "JSON, but not a listing"),
        ("[" * 100_000, "begins like JSON"),
        ('{"id": "2606.00001", "votes": ' + "9" * 5_000 + "}", "begins like JSON"),
        ('{"a": ' * 50_000, "begins like JSON"),
    ],
)  # fmt: skip
def test_rejects_text_that_only_mentions_papers(text: str, reason: str) -> None:
    with pytest.raises(errors.NotADigestError, match=reason):
        read(text)


PROSE = "It is better than that of https://arxiv.org/abs/2501.00009, which was the best so far.\n\n"
NESTED = f"<table><tr><td><table><tr><td><a href='{ABS_TWO}'>{OTHER}</a></td></tr></table></td></tr></table>"


@pytest.mark.parametrize(
    ("text", "name", "titles"),
    [
        (f"---\ntitle: x\ndate: 2026-06-01 09:00:00\n---\n\nIt reads: [pdf]({ABS_ONE})\n", "_posts/a.md", [None]),
        (json.dumps({"ids": [ONE, ABS_TWO]}), "2026-06-01.json", [None, None]),
        (f"- [{TITLE}](javascript:x) [pdf]({ABS_ONE}) ![](https://h.test/a.png)\n{NESTED}\n", "2026-06-01.md", [None, OTHER]),
        (f"## 1. {TITLE}\n\n**Paper**: {ABS_ONE} ｜ [Code](https://h.test)\n\n{PROSE}", "2026-06-01.md", [TITLE]),
    ],
    ids=["front matter", "ids alone", "odd links", "a mention in prose"],
)  # fmt: skip
def test_finds_papers_in_links_fields_and_short_lines(text: str, name: str, titles: list[str | None]) -> None:
    entries = read_one(text, name)
    assert [(paper.arxiv_id, paper.title) for paper in entries] == [*zip([ONE, TWO], titles, strict=False)]


@pytest.mark.parametrize("row", ["- https://arxiv.org/abs/{}\n", '{{"id": "{}"}}\n'])
def test_cuts_an_oversized_list_and_reports_a_problem(row: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fields, "MAX_PAPERS", 3)
    [digest] = read("".join(row.format(f"2606.{number:05}") for number in range(1, 6)), "2026-06-01.md")
    assert [entry.arxiv_id for entry in digest.entries] == [ONE, TWO, THREE]
    assert [(problem.line, problem.message) for problem in digest.problems] == [
        (4, "only the first 3 papers are read, up to here")
    ]


PIECES = [
    "# ", "## ", "- ", "  - ", "| ", "|\n", "\n", "\n\n", "|---|---|\n", f"[{TITLE}](https://arxiv.org/abs/{ONE})", "**", '"',
    f"https://arxiv.org/abs/{TWO}", f"arXiv:{THREE}", "<details><summary>", "</summary>", "</details>",
    "<table><tr><td>", "</td></tr></table>",
    "Authors: A, B", "TL;DR: x", "2026-06-01", "```", "---\n", "<!--", "-->", "](", "![", ")", "\0", "한", "{", "[",
]  # fmt: skip


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_never_lists_a_paper_that_the_text_does_not_contain(text: str) -> None:
    digests: tuple[Digest, ...] = ()
    with contextlib.suppress(errors.NotADigestError):
        digests = read(text)
    named = set(arxiv_ids.find_ids(text))
    for digest in digests:
        assert {entry.arxiv_id for entry in digest.entries} <= named | {ONE, TWO, THREE}
        if digest.format is DigestFormat.LIST:
            assert parse.parse_text(digest.text)[0].entries == digest.entries
