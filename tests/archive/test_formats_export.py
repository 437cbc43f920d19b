"""Exports: newsletters and reviews parse back to the same entries, the other formats are valid files."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.archive import exports, parse
from bot.archive.exports import ExportDigest, ExportFormat
from bot.rendering.templates import Templates
from storage import models

SHARED = Path(__file__).parents[2] / "../shared"
TEMPLATES = Templates()

NEWSLETTER_LINES = [
    "### [Title [IDK] x](https://arxiv.org/abs/2502.00001)",
    "### [T2: a_b](https://huggingface.co/papers/2502.00002v2)",
    "## 2502.00003",
    "### 2502.00004: Four",
    "Vote: 12",
    "Vote: -",
    "Authors: A B, C D, +",
    "Authors: ['A, B', 'C \"D\"']",
    "![](https://e.org/a.png)",
    "[Watch Video](https://e.org/v.mp4)",
    "- ***What's New***: 본문이에요.",
    "- **Bold**: x",
    "- plain bullet",
    "  - nested",
    "    more",
    "continued line",
    "",
    "#### Low heading",
    "```python\nx = 1\n# no\n```",
    "  ```\n  y\n  ```",
    "---",
    "1. one",
    "- a*b **c**: d",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    " Vote: 3",
]
NEWSLETTERS = st.lists(st.sampled_from(NEWSLETTER_LINES), max_size=25).map(
    lambda lines: "\n".join(
        ["## Daily Papers (2025-02-06)", "", "### [First](https://arxiv.org/abs/2502.09999)", *lines]
    )
)
BODIES = st.lists(
    st.sampled_from(
        [
            "본문이에요.",
            "- 항목\n  - 안쪽",
            "### 소제목\n\n글",
            "```python\n# 아님\n```",
            "| a |\n|---|\n| 1 |",
            "**굵은** 글",
        ]
    ),
    min_size=1,
    max_size=4,
).map("\n\n".join)
REVIEW_ENTRIES = st.builds(
    models.Entry,
    rank=st.just(1),
    arxiv_id=st.just("2505.03335"),
    title=st.sampled_from([None, "제목", 'A "B" C', "T [x]: y"]),
    url=st.sampled_from(["https://huggingface.co/papers/2505.03335", "https://arxiv.org/abs/2505.03335v2"]),
    votes=st.none() | st.integers(0, 5000),
    authors=st.lists(st.sampled_from(["A B", "C, D", 'E "F" G', "H O'I"]), max_size=4, unique=True).map(
        tuple
    ),
    thumbnail=st.sampled_from([None, "https://e.org/a.png"]),
    video=st.sampled_from([None, "https://e.org/v.mp4"]),
    sections=st.lists(
        st.builds(models.Section, st.sampled_from(["1. 동기", "기여"]), BODIES), max_size=3
    ).map(tuple),
)


def export(export_format: str, *digests: models.Digest) -> str:
    return exports.render_export(
        ExportFormat(export_format), [ExportDigest(digest, "a.md") for digest in digests], TEMPLATES
    )


def digest(
    *papers: models.Entry, digest_format: models.DigestFormat = models.DigestFormat.NEWSLETTER
) -> models.Digest:
    return models.Digest(digest_format, date(2025, 2, 6), papers, (), "")


def entry(**values: object) -> models.Entry:
    known = {"rank": 1, "arxiv_id": "2502.02737", "title": "T", "url": "https://arxiv.org/abs/2502.02737"}
    return models.Entry(**{**known, **values})  # type: ignore[arg-type]


@given(NEWSLETTERS)
def test_an_exported_newsletter_parses_to_the_same_entries(text: str) -> None:
    (before,) = parse.parse_text(text)
    (after,) = parse.parse_text(export("newsletter", before))
    assert (after.format, after.date, after.entries) == (before.format, before.date, before.entries)


@given(REVIEW_ENTRIES)
def test_an_exported_review_parses_to_the_same_entries(paper: models.Entry) -> None:
    # A single chapter with headings and without title would be parsed as the title; no digest has that.
    assume(paper.title or len(paper.sections) != 1 or "###" not in paper.sections[0].body)
    missing = not paper.sections
    paper = models.Entry(
        **{
            **parse.paper_to_json(paper),
            "summary_missing": missing,
            "authors": paper.authors,
            "sections": paper.sections,
        }
    )
    before = digest(paper, digest_format=models.DigestFormat.REVIEW)
    (after,) = parse.parse_text(export("review", before))
    assert after.format is models.DigestFormat.REVIEW
    assert after.entries == before.entries
    assert after.problems == ()


def real_digests() -> list[Path]:
    archive = (path for path in (SHARED / "archive").rglob("*.md") if path.name != "README.md")
    return sorted([*(SHARED / "seeds").glob("*.txt"), *archive])


@pytest.mark.skipif(not real_digests(), reason="needs the shared archive")
def test_exported_real_digests_parse_to_the_same_entries() -> None:
    for path in real_digests():
        for before in parse.parse_text(path.read_text(encoding="utf-8")):
            (after,) = parse.parse_text(export(before.format.value, before))
            assert (after.format, after.date, after.entries) == (
                before.format,
                before.date,
                before.entries,
            ), path


@pytest.mark.skipif(not real_digests(), reason="needs the shared archive")
def test_the_other_format_keeps_papers_votes_authors_and_pictures() -> None:
    other = {"newsletter": "review", "review": "newsletter"}
    for path in real_digests()[::6]:
        for before in parse.parse_text(path.read_text(encoding="utf-8")):
            (after,) = parse.parse_text(export(other[before.format.value], before))
            for old, new in zip(before.entries, after.entries, strict=True):
                assert (old.arxiv_id, old.url, old.votes, old.authors) == (
                    new.arxiv_id,
                    new.url,
                    new.votes,
                    new.authors,
                )
                assert (old.thumbnail, old.video, bool(old.sections)) == (
                    new.thumbnail,
                    new.video,
                    bool(new.sections),
                )


def test_exported_days_parse_in_order() -> None:
    days = [
        models.Digest(models.DigestFormat.NEWSLETTER, date(2025, 2, day), (entry(),), (), "")
        for day in (6, 7)
    ]
    assert [parsed.date for parsed in parse.parse_text(export("newsletter", *days))] == [
        day.date for day in days
    ]


def test_json_has_a_line_per_digest_with_the_keys_of_parse_and_of_storage() -> None:
    original = digest(entry(sections=(models.Section(None, "글"),)))
    stored = ExportDigest(
        original, "inbox/a.md", {"source": "inbox"}, {"2502.02737": {"first_on": "2025-02-06"}}
    )
    (line,) = exports.render_export(ExportFormat.JSON, [stored], TEMPLATES).splitlines()
    record = json.loads(line)
    expected = parse.digest_to_json(original, "inbox/a.md")
    expected["papers"][0]["stored"] = {"first_on": "2025-02-06"}
    assert record == {**expected, "source": "inbox"}
    assert "글" in line


def test_csv_has_a_row_per_paper_and_no_formula() -> None:
    papers = [
        entry(
            title='=HYPERLINK("x")',
            votes=81,
            authors=("A, B", "C"),
            sections=(models.Section("새로움", "**굵게**\n글"),),
        ),
        entry(rank=2, arxiv_id="2502.00001", title=None, votes=None, authors_truncated=True),
    ]
    first, second = csv.DictReader(io.StringIO(export("csv", digest(*papers))))
    assert list(first) == list(exports.CSV_COLUMNS)
    assert first["title"] == '\'=HYPERLINK("x")'
    assert first["authors"] == "A, B; C"
    assert first["summary"] == "새로움: 굵게 글"
    assert first["votes"] == "81"
    assert (second["votes"], second["title"], second["authors_truncated"]) == ("", "", "yes")


def test_an_export_without_digests_is_empty_except_for_the_header() -> None:
    assert export("newsletter") == export("review") == export("json") == export("bibtex") == ""
    assert export("csv").startswith("date,format,rank,")


def test_bibtex_has_each_paper_once() -> None:
    text = export("bibtex", digest(entry(), entry(rank=2, arxiv_id="2502.00001")), digest(entry()))
    assert text.count("@misc{") == 2
    assert text.startswith("@misc{arxiv:2502.02737,\n")


def test_an_operators_export_template_is_used(tmp_path: Path) -> None:
    (tmp_path / "export.review.md.j2").write_text(
        "{% for d in digests %}{{ d.date }} & {{ d.papers | length }}{% endfor %}\n"
    )
    exported = ExportDigest(digest(entry()), "a.md")
    assert exports.render_export(ExportFormat.REVIEW, [exported], Templates(tmp_path)) == "2025-02-06 & 1"
    (tmp_path / "export.review.md.j2").write_text("{{ nothing }}")
    templates = Templates(tmp_path)
    text = exports.render_export(ExportFormat.REVIEW, [exported], templates)
    assert parse.parse_text(text)[0].entries[0].arxiv_id == "2502.02737"
    assert len(templates.rendering_problems) == 1
