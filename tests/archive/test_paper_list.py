"""Lists of papers as others write them: every form, dates, titles that are sure, and texts that are not a list."""

from __future__ import annotations

import contextlib
import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.archive import arxiv_ids, fields, paper_list, parse
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
def test_every_form_gives_its_papers_with_their_titles_on_their_day(form: str) -> None:
    name = "data/2026-06-01.md" if "2026" not in FORMS[form] else "README.md"
    [digest] = read(FORMS[form], name)
    assert (digest.format, digest.date, digest.is_rolling) == (DigestFormat.LIST, date(2026, 6, 1), False)
    assert [(paper.arxiv_id, paper.title) for paper in digest.entries] == [(ONE, TITLE), (TWO, OTHER)]
    assert digest.problems == ()


def test_labels_become_headed_sections_and_names_authors() -> None:
    paper, _ = read_one(FORMS["numbered_headings_with_italics_and_details.md"])
    assert paper.authors == ("Ada Lovelace", "Alan Turing")
    assert [(part.heading, part.body) for part in paper.sections] == [
        ("TL;DR", "Short."),
        ("Motivation", "Why."),
        ("Abstract", "A long text\nover two lines."),
    ]
    paper, _ = read_one(FORMS["sections_with_a_translated_heading.md"])
    assert [(part.heading, part.body) for part in paper.sections] == [("摘要", "一种方法。")]
    paper, _ = read_one(FORMS["bullets_with_bold_links_and_details.md"])
    assert (paper.authors, paper.authors_truncated) == (("Ada Lovelace", "Alan Turing"), False)
    assert [(part.heading, part.body) for part in paper.sections] == [("Abstract", "A text.")]


def test_a_row_gives_its_other_cells_and_an_object_its_votes() -> None:
    paper, _ = read_one(FORMS["buttons_in_a_table_of_html.md"])
    assert [(part.heading, part.body) for part in paper.sections] == [
        ("一句话要点", "一种阅读论文列表的新方法")
    ]
    paper, other = read_one(FORMS["objects.json"])
    assert (paper.votes, paper.authors, other.votes) == (4, ("Ada Lovelace",), None)
    assert [part.body for part in paper.sections] == ["Text."]
    paper, _ = read_one(FORMS["objects_in_lines.jsonl"])
    assert [(part.heading, part.body) for part in paper.sections] == [("TL;DR", "T"), ("Method", "M")]


def test_a_name_is_not_a_title() -> None:
    text = f"""* [ep2:20260607](https://h.test/2): [NICE](https://arxiv.org/abs/{ONE}), [Kite V2](https://arxiv.org/abs/{TWO})
* [ep1:20260601](https://h.test/1): [BIRD](https://arxiv.org/abs/{THREE}) [Watch it again on video](https://h.test/3)
"""
    digests = read(text)
    assert [(digest.date.day, [(e.arxiv_id, e.title) for e in digest.entries]) for digest in digests] == [
        (7, [(ONE, None), (TWO, None)]),
        (1, [(THREE, None)]),
    ]


def test_a_bold_name_before_prose_heads_the_text_and_is_not_a_title() -> None:
    text = f"""## Top Papers of the Week (June 1 - June 7) - 2026
| **Paper**  | **Links** |
| ------------- | ------------- |
| 1) **KiteFly** - A paper about kites and what they fly in. <br>● Wind | [Paper](https://arxiv.org/abs/{ONE}) |
"""
    [digest] = read(text)
    [paper] = digest.entries
    assert (digest.date, paper.title, paper.sections[0].heading) == (date(2026, 6, 7), None, "KiteFly")
    assert paper.sections[0].body.startswith("A paper about kites")


def test_a_raw_answer_of_hugging_face_is_a_listing() -> None:
    answer = [
        {
            "paper": {"id": ONE, "title": "Kites", "upvotes": 5, "ai_summary": "Short."},
            "publishedAt": "2026-06-01T00:00:00Z",
        }
    ]
    [digest] = read(json.dumps(answer), "data/2026-06-02.json")
    assert (digest.format, digest.date) == (DigestFormat.LISTING, date(2026, 6, 2))
    assert [(paper.title, paper.votes, paper.sections[0].body) for paper in digest.entries] == [
        ("Kites", 5, "Short.")
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
def test_a_path_may_have_the_date(name: str, day: date | None) -> None:
    assert fields.find_path_date(name) == day


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026年07月08日", date(2026, 7, 8)),
        ("23rd June 2026", date(2026, 6, 23)),
        ("7th if October 2023", date(2023, 10, 7)),
        ("Top Papers (Dec 29 - Jan 4, 2026)", date(2026, 1, 4)),
        ("2025-12-29 ~ 2026-01-04", date(2026, 1, 4)),
        ("28th of August", None),
        ("2026-02-30", None),
        ("2026-01-01 and 2026-01-02", None),
    ],
)
def test_a_heading_may_have_the_date(text: str, day: date | None) -> None:
    assert fields.find_date(text) == day


def test_papers_without_a_date_are_a_rolling_digest_and_those_with_one_are_not() -> None:
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
        (
            f"# Changelog\n\n## 1.2.0 (2026-05-01)\n\n- Kites ([paper](https://arxiv.org/abs/{ONE}))\n- Fix\n- Drop\n- Go\n",
            "1 arXiv link, but not in a form that can be read",
        ),
        (
            f"# Talk\n\nFrom [a fine paper on kites](https://arxiv.org/abs/{ONE}) we know that they fly. Then\n"
            f"came https://arxiv.org/abs/{TWO} and arXiv:{THREE}, which is longer than a line of captions.\n",
            "3 arXiv links, but not in a form that can be read",
        ),
        (
            f"# KiteFly\n\nThe code of our paper.\n\n[Paper](https://arxiv.org/abs/{ONE})\n\n## Install\n\npip install kites\n",
            "1 arXiv link, but not",
        ),
        (
            f"# A\n\n## References\n\n- [{TITLE}](https://arxiv.org/abs/{ONE})\n- [{OTHER}](https://arxiv.org/abs/{TWO})\n",
            "2 arXiv links, but not",
        ),
        (
            f"# A\n\n```\n- [{TITLE}](https://arxiv.org/abs/{ONE})\n```\n",
            "are in code, comments or front matter",
        ),
        (f"# A\n\nNo paper.\n\n<!-- {ABS_ONE} -->\n", "are in code, comments or front matter"),
        (
            f"# How we did it\n\n## Method\n\nWe use kites ({ABS_ONE}).\n\n## Data\n\nFrom [The Wind]({ABS_TWO}).\n",
            "2 arXiv links, but not",
        ),
        (
            f"# Kites\n\nBased on [strings]({ABS_ONE}).\n\n- Fast kites ([paper]({ABS_TWO}))\n- Tests\n- Types\n",
            "2 arXiv links, but not",
        ),
        (
            f"# Changelog\n\n- Kites ({ABS_ONE})\n- Mend strings ([#2](https://h.test/a/b/pull/2))\n- Wind\n",
            "1 arXiv link, but not",
        ),
        (
            f"The kite of {ABS_ONE} falls.\n\nSteps:\n\n1. Fly\n2. Wait\n\nSee also {ABS_TWO}.\n",
            "2 arXiv links, but not",
        ),
        ('{"name": "x", "version": "1.0"}', "JSON, but not a listing"),
        ("[" * 100_000, "begins like JSON"),
        ('{"id": "2606.00001", "votes": ' + "9" * 5_000 + "}", "begins like JSON"),
        ('{"a": ' * 50_000, "begins like JSON"),
    ],
)
def test_a_text_that_only_mentions_papers_is_not_a_list_and_the_reason_says_so(
    text: str, reason: str
) -> None:
    with pytest.raises(errors.NotADigestError, match=reason):
        read(text, "2026-06-01.md" if "Changelog" in text else "README.md")


def test_markdown_with_html_in_it_is_markdown_and_a_page_is_not() -> None:
    for form, text in FORMS.items():
        assert parse.is_html(text) is (form.endswith("html") or form.startswith("a_table_of_html"))


def test_odd_links_hide_no_paper() -> None:
    text = f"""# 2026-06-01

- [{TITLE}](javascript:alert(1)) [pdf](https://arxiv.org/pdf/{ONE}) ![](https://h.test/a.png)
<table><tr><td><table><tr><td><a href="https://arxiv.org/abs/{TWO}">{OTHER}</a></td></tr></table></td></tr></table>
"""
    first, second = read_one(text)
    assert [(first.title, second.title), (first.arxiv_id, second.arxiv_id)] == [(TITLE, OTHER), (ONE, TWO)]
    assert not any("javascript" in part.body for part in first.sections)


LINK = f"](https://arxiv.org/abs/{ONE})"


def test_a_title_beside_several_papers_of_a_cell_is_not_the_title_of_each() -> None:
    def read_titles(cell: str) -> dict[str, str | None]:
        [digest] = paper_list.parse([f"| {cell} | arXiv:{THREE} |"], "x.md", ON)
        return {entry.arxiv_id: entry.title for entry in digest.entries}

    named = f"[Four Words Make Titles{LINK} [Four Other Words Here](https://arxiv.org/abs/{TWO})"
    assert read_titles(f"[{TITLE}](https://h.test/a) arXiv:{ONE} arXiv:{TWO}")[ONE] is None
    assert [*read_titles(named).values()] == ["Four Words Make Titles", "Four Other Words Here", None]


def test_a_page_about_one_paper_is_read_by_its_front_matter() -> None:
    text = f"""---
title: "{TITLE}"
date: 2026-06-01 09:00:00 +0900
arxiv: "{ONE}"
authors: Ada Lovelace, Alan Turing
---

## What it does

It reads, as [others]({ABS_TWO}) do.
"""
    [paper] = read_one(text, "_posts/reading.md")
    assert (paper.arxiv_id, paper.title, paper.authors) == (ONE, TITLE, ("Ada Lovelace", "Alan Turing"))


def test_ids_alone_are_papers_without_a_title() -> None:
    assert [(paper.arxiv_id, paper.title) for paper in read_one(json.dumps({"ids": [ONE, ABS_TWO]}))] == [
        (ONE, None),
        (TWO, None),
    ]


@pytest.mark.parametrize(
    ("item", "title"),
    [
        (f"**[KITE]** {TITLE} (**ECCV**) [[paper]({ABS_ONE})][[code](https://h.test)]", TITLE),
        (f"{TITLE} (NeurIPS 2025). [pdf]({ABS_ONE})", TITLE),
        (f"**{TITLE}.** ICML 2018. [paper]({ABS_ONE})", TITLE),
        (f"{TITLE} — [.md](https://h.test/a.md) — [.pdf](https://h.test/a.pdf) — {ABS_ONE}", TITLE),
        (f'Lovelace, Ada, and Alan Turing. ["{TITLE}."]({ABS_ONE}), 2026.', TITLE),
        (f"① {TITLE}\n  {ABS_ONE}", TITLE),
        (f"{TITLE}, Ada Lovelace. [[pdf]({ABS_ONE})]", None),
        (f"**Deep Kites.** NIPS 2017. [paper]({ABS_ONE})", None),
        (f"[Mao, Sarkar, and Chakrabarti]({ABS_ONE})", None),
        (f"[Fan et al.]({ABS_ONE})", None),
        (f"[Kite]({ABS_ONE}): a paper about kites and what they fly in", None),
    ],
)
def test_a_title_is_what_stands_there_without_tag_names_and_venue_or_none(
    item: str, title: str | None
) -> None:
    first, _ = read_one(f"- {item}\n- [{OTHER}]({ABS_TWO})\n")
    assert (first.arxiv_id, first.title) == (ONE, title)


def test_a_section_keeps_the_papers_that_it_mentions_in_its_text() -> None:
    text = "".join(
        f"## {n}. {title}\n\n📄 **Paper**: {url} ｜ 💻 [Code](https://h.test)\n\nIt is better than that of "
        f"https://arxiv.org/abs/2501.0000{n}, which was the best so far.\n\n"
        for n, title, url in ((1, TITLE, ABS_ONE), (2, OTHER, ABS_TWO))
    )
    papers = read_one(text)
    assert [(paper.arxiv_id, paper.title) for paper in papers] == [(ONE, TITLE), (TWO, OTHER)]
    assert "2501.00001" in papers[0].sections[0].body


PIECES = [
    "# ", "## ", "- ", "  - ", "| ", "|\n", "\n", "\n\n", "|---|---|\n", f"[{TITLE}](https://arxiv.org/abs/{ONE})", "**", '"',
    f"https://arxiv.org/abs/{TWO}", f"arXiv:{THREE}", "<details><summary>", "</summary>", "</details>",
    "<table><tr><td>", "</td></tr></table>",
    "Authors: A, B", "TL;DR: x", "2026-06-01", "```", "---\n", "<!--", "-->", "](", "![", ")", "\0", "한", "{", "[",
]  # fmt: skip


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_any_text_gives_papers_of_its_own_or_a_reason(text: str) -> None:
    digests: tuple[Digest, ...] = ()
    with contextlib.suppress(errors.NotADigestError):
        digests = read(text)
    named = {arxiv_id for arxiv_id, _ in arxiv_ids.find_ids(text)}
    for digest in digests:
        assert {entry.arxiv_id for entry in digest.entries} <= named | {ONE, TWO, THREE}
        if digest.format is DigestFormat.LIST:
            assert parse.parse_text(digest.text)[0].entries == digest.entries


SIMPLE_FORMS = (
    "- [{t}](https://arxiv.org/abs/{i})",
    "| [{t}](https://arxiv.org/abs/{i}) | x |",
    "### [{t}](https://arxiv.org/abs/{i})",
    '- **"{t}"** [[paper](https://arxiv.org/abs/{i})]',
)


@given(st.permutations(range(1, 13)), st.sampled_from(SIMPLE_FORMS))
def test_no_id_of_a_list_is_lost(numbers: list[int], form: str) -> None:
    rows = [form.format(t=f"{TITLE} Number {k}", i=f"2606.{k:05}") for k in numbers]
    entries = read_one("\n".join(rows))
    assert [entry.arxiv_id for entry in entries] == [f"2606.{k:05}" for k in numbers]
    assert [entry.title for entry in entries] == [f"{TITLE} Number {k}" for k in numbers]
