"""Lists of papers in other projects' formats, and texts that only mention papers."""

import contextlib
import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.archive import arxiv_ids, fields, listing, parse
from storage import errors
from storage.models import Digest, DigestFormat, Entry, SkipReason
from tests.support import case_files

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
        (paper.paper_key, paper.title or title)
        for paper, title in zip(digest.entries, (TITLE, OTHER), strict=True)
    ] == [(ONE, TITLE), (TWO, OTHER)]
    assert digest.problems == ()


def test_link_label_is_the_title_unless_it_is_a_caption() -> None:
    text = f"""* [ep2:20260607](https://h.test/2): [NICE](https://arxiv.org/abs/{ONE}), [{TITLE}](https://arxiv.org/abs/{TWO})
* [ep1:20260601](https://h.test/1): **[1. "{OTHER}"](https://arxiv.org/abs/{THREE})** [Read it](https://h.test/3)
"""
    digests = read(text)
    assert [(digest.date.day, [(e.paper_key, e.title) for e in digest.entries]) for digest in digests] == [
        (7, [(ONE, None), (TWO, TITLE)]),
        (1, [(THREE, OTHER)]),
    ]


def test_only_papers_without_a_date_form_a_rolling_digest() -> None:
    row = "|[{}](https://arxiv.org/abs/{})|{}|\n"
    text = "## Updated on 2026.06.29\n\n|Title|Date|\n|---|---|\n"
    text += row.format(TITLE, ONE, "") + row.format(OTHER, TWO, "") + row.format(OTHER, THREE, "2026-06-20")
    rolling, dated = read(text)
    assert (rolling.date, rolling.is_rolling, len(rolling.entries)) == (ON, True, 2)
    assert (dated.date, dated.is_rolling, len(dated.entries)) == (date(2026, 6, 20), False, 1)
    with pytest.raises(errors.NotADigestError, match="2 papers without a date"):
        parse.parse_text(text)


def test_rejects_text_that_only_mentions_papers() -> None:
    for text, reason in (
        (f"# Changelog\n\n## 1.2.0 (2026-05-01)\n\n- Kites ([paper]({ABS_ONE}))\n- Fix\n", "1 arXiv link, but a list has three"),
        (f"# Kites\n\nOur [paper]({ABS_ONE}) and [strings]({ABS_TWO}).\n", "2 arXiv links, but only 0 in links or cells"),
        (
            f"# Talk\n\nFrom [a fine paper on kites]({ABS_ONE}) we know that they fly. Then\n"
            f"came as {ABS_TWO} and arXiv:{THREE} say it, which is longer than a line of captions.\n",
            "3 arXiv links, but only 0 in links or cells",
        ),
        (f"# A\n\n## References\n\n- [{TITLE}]({ABS_ONE})\n- [{OTHER}]({ABS_TWO})\n", "in code, comments or references"),
        (f"# A\n\n```\n- [{TITLE}]({ABS_ONE})\n```\n", "in code, comments or references"),
        (f"# A\n\nNo paper.\n\n<!-- {ABS_ONE} -->\n", "in code, comments or references"),
        ('{"id": "2606.00001", "votes": ' + "9" * 5_000 + "}", "begins like JSON"),
    ):  # fmt: skip
        with pytest.raises(errors.NotADigestError, match=reason):
            read(text)


PROSE = "It is better than that of https://arxiv.org/abs/2501.00009, which was the best so far.\n\n"
NESTED = f"<table><tr><td><table><tr><td><a href='{ABS_TWO}'>{OTHER}</a></td></tr></table></td></tr></table>"


def test_finds_papers_in_links_fields_and_short_lines() -> None:
    for text, name, titles in (
        (f"---\ntitle: x\ndate: 2026-06-01 09:00:00\n---\n\nIt reads: [pdf]({ABS_ONE})\n", "_posts/a.md", [None]),
        (json.dumps({"ids": [ONE, ABS_TWO]}), "2026-06-01.json", [None, None]),
        (f"- [{TITLE}](javascript:x) [pdf]({ABS_ONE}) ![](https://h.test/a.png)\n{NESTED}\n", "2026-06-01.md", [None, OTHER]),
        (f"## 1. {TITLE}\n\n**Paper**: {ABS_ONE} ｜ [Code](https://h.test)\n\n{PROSE}", "2026-06-01.md", [TITLE]),
    ):  # fmt: skip
        found = [(paper.paper_key, paper.title) for paper in read_one(text, name)]
        assert found == [*zip([ONE, TWO], titles, strict=False)], text


@pytest.mark.parametrize("row", ["- https://arxiv.org/abs/{}\n", '{{"id": "{}"}}\n'])
def test_cuts_an_oversized_list_and_reports_a_problem(row: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fields, "MAX_PAPERS", 3)
    [digest] = read("".join(row.format(f"2606.{number:05}") for number in range(1, 6)), "2026-06-01.md")
    assert [entry.paper_key for entry in digest.entries] == [ONE, TWO, THREE]
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
        assert {entry.paper_key for entry in digest.entries} <= named | {ONE, TWO, THREE}
        if digest.format is DigestFormat.LIST:
            assert parse.parse_text(digest.text)[0].entries == digest.entries


# Days: a date counts where a date stands, and ends with the next heading that names days.

KETTLES, GEESE, CARTS = TITLE, "Counting Geese in Fog and Rain", "Bridges That Carry Heavy Carts"
IDS = (ONE, TWO, THREE)
DATED_TITLES = [
    "The River School (RS 2027), April 27--May 1, 2027, Bergen, Norway",
    "Bursts of FRB 20240114A seen from two hills",
    "Lessons from 9 November 1989",
    "What happened on 2024-02-30?",
    "Predicting the election of November 5, 2024",
    "The storm of 20251112",
    "한국의 2024년 12월 3일 이후 여론 분석",
    "2023年10月7日以后的网络舆论",
]
LAYOUTS = [
    "## 1. {}\n- URL: [{url}]({url})\n",
    "## {}\n\n[arXiv]({url}) · [PDF]({url})\n",
    "**{}**\n{url}\n",
    "- {}\n  - {url}\n",
    "- [{}]({url})",
    "- {} {url}",
    "{}\n{url}\n",
    "| {} | {url} |",
]


def days_of(text: str, name: str = "README.md") -> dict[str, list[str]]:
    """Return the papers of each day; those without a date are under "rolling"."""
    found = read(text, name)
    return {
        "rolling" if digest.is_rolling else str(digest.date): [entry.paper_key for entry in digest.entries]
        for digest in found
    }


def lay_out(layout: str, titles: Iterable[str]) -> str:
    rows = (
        layout.replace("{}", title).replace("{url}", f"https://arxiv.org/abs/{arxiv_id}")
        for title, arxiv_id in zip(titles, IDS, strict=False)
    )
    return "\n".join(rows) + "\n"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_date_in_a_title_is_no_day(layout: str) -> None:
    for title in DATED_TITLES:
        text = lay_out(layout, (KETTLES, title, CARTS))
        assert days_of(f"# Papers of 2026-06-20\n\n{text}") == {"2026-06-20": list(IDS)}
        assert days_of(text) == {"rolling": list(IDS)}


def test_a_heading_that_names_days_ends_the_day_above() -> None:
    for heading, days in (
        *((heading, {"rolling": [THREE], "2026-06-20": [ONE, TWO]}) for heading in (
            "2026-06-33", "13월 1일", "2026-02-30", "May 2026", "2026년 5월", "5월", "since 2024", "2025", "2026-06-18 ~",
        )),
        *((heading, {"2026-06-20": [ONE, TWO], "2026-06-18": [THREE]}) for heading in (
            "6월 18일 (목)", "June 18", "Thu, Jun 18", "6/18 (목)",
            "2026. 6. 18.", "18. 6. 2026", "'26. 6. 18", "2026-06-18 Journal club", "2026-06-18 저녁 모임",
            "2026-06-18 (showing first 1 of 40 entries)", "2026-06-18 what Ann and Bo read on the train home",
        )),
        ("Robots", {"2026-06-20": [ONE, TWO, THREE]}),
    ):  # fmt: skip
        above = "# Picks\n\n## 2026-06-20\n\n" + lay_out("- [{}]({url})", (KETTLES, GEESE))
        assert days_of(f"{above}\n## {heading}\n\n- [{CARTS}](https://arxiv.org/abs/{THREE})\n") == days


def test_a_date_alone_in_a_line_or_beside_its_paper_is_the_day() -> None:
    for row in ("{on}\n\n{item}", "**{on}**\n{item}", "- {on}\n  {item}", "{item} ({on})", "- {on} | {item}"):
        days = {"2026-06-18": ONE, "2026-06-20": TWO, "2026-06-22": THREE}
        text = "\n".join(
            row.format(on=on, item=f"- [{KETTLES}](https://arxiv.org/abs/{id_})") for on, id_ in days.items()
        )
        assert days_of(text) == {on: [id_] for on, id_ in days.items()}, row
        assert days_of(f"# 2026-06-23\n\n{text}") == {"2026-06-23": [*IDS]}, row
        assert days_of(text, "2026-06-24.md") == {"2026-06-24": [*IDS]}, row
        # In an indented line it is of no other paper.
        text = f"2026-06-20\n\n- [{KETTLES}]({ABS_ONE})\n  2026-06-18\n- [{GEESE}]({ABS_TWO})"
        assert days_of(text) == {"2026-06-20": [ONE, TWO]}, row


def test_a_date_in_front_matter_is_the_day_unless_it_is_of_the_file() -> None:
    for front, name, day in (
        *((f"{key}: 2026-06-21", "2026-06-20.md", "2026-06-20") for key in ("created", "updated", "modified", "date modified")),
        *((f"{key}: 2026-06-21", "README.md", "2026-06-21") for key in ("date", "published")),
        *((f"{key}: 2026-06-21", "README.md", "rolling") for key in ("updated", "last_modified_date", "date_updated")),
        ("date: 2026-06-21\nupdated: 2026-06-22\ncreated: 2026-06-19", "2026-06-20.md", "2026-06-21"),
    ):  # fmt: skip
        papers = lay_out("- [{}]({url})", (KETTLES, GEESE, CARTS))
        assert days_of(f"---\ntags: [daily]\n{front}\n---\n{papers}", name) == {day: list(IDS)}, front


def test_a_heading_above_papers_is_a_day_with_at_most_three_words() -> None:
    papers = lay_out("- [{}]({url})", (KETTLES, GEESE, CARTS))
    for words, days in (("Geese carry carts", "2026-06-20"), ("Loud geese carry carts", "rolling")):
        assert days_of(f"## {words} 2026-06-20\n\n{papers}\n## Robots\n\n## Carts\n") == {days: list(IDS)}


def test_a_date_that_cannot_be_right_is_not_used_and_said() -> None:
    for heading, doubt in (
        ("2024-09-30", "3: 2024-09-30 is before the month of 2606.00001"),
        ("2027-05-01", "3: 2027-05-01 is in the future"),
        *(
            (on, f"1: the day '{on}' cannot be told")
            for on in ("2026-02-30", "2026년 6월 31일", "05/06/2026")
        ),
        ("2026-W53", None),
        ("2026-07-04", None),
    ):
        [digest] = read(f"# {heading}\n\n" + lay_out("- [{}]({url})", (KETTLES, GEESE, CARTS)))
        said = [f"{doubt}: its papers are read without a date"] if doubt else []
        problems = [f"{problem.line}: {problem.message}" for problem in digest.problems]
        assert (digest.is_rolling, problems) == (doubt is not None, said), heading
        assert parse.digest_to_json(digest, "a")["date"] is None or doubt is None, heading


def test_of_two_records_of_one_paper_the_first_counts_and_the_other_adds_what_it_lacks() -> None:
    doi = "10.1101/2024.01.01.573001"
    first = {"doi": doi, "title": TITLE, "authors": ["Ada Lovelace"]}
    other = {"doi": doi, "title": OTHER, "authors": ["Emmy Noether"], "abstract": "A text."}
    [digest] = read(json.dumps([first, other]), "2026-06-01.json")
    [paper] = json.loads(digest.text)["papers"]
    assert paper == {"key": f"doi/{doi}", "title": TITLE, "authors": ["Ada Lovelace"], "abstract": "A text."}
    [skipped] = digest.skipped
    assert (skipped.reason, skipped.number) == (SkipReason.REPEATED, 1)


def test_one_paper_below_a_date_is_a_list_but_not_below_a_version() -> None:
    paper = f"- [{KETTLES}]({ABS_ONE})\n"
    assert days_of(f"## 2026-06-20\n\n{paper}") == {"2026-06-20": [ONE]}
    for heading in ("1.2.0 (2026-06-20)", "[1.2.0] - 2026-06-20", "v2.1 of 2026-06-20"):
        with pytest.raises(errors.NotADigestError, match="1 arXiv link"):
            read(f"# Changelog\n\n## {heading}\n\n{paper}")


# Where papers and their titles stand.


def test_takes_the_title_beside_or_above_a_link() -> None:
    for layout in (
        *("- {} {url} by Ann Beech, 31 votes", "- {} <{url}> by Ann Beech", "- {}, {url}, 31 votes", "- {url} {}"),
        *("{} {url} (추천 31)", "{} | {url} | 31", "1. {} - {url}", "{}\t{url}", "- [x] [[{}]] {url}"),
        *("- **{}**, Ann Beech et al. [paper]({url}) [code](https://h.test)", '- "{}" (Ann Beech) {url}', "- [ ] {} — {url}"),
        *("- {} [![arXiv](https://h.test/badge.svg)]({url})", "| 1 | {} | Ann Beech, Cee Dale | [pdf]({url}) |"),
        *("## {}\n![Overview of the proposed framework]({url}v1/x1.png)\n\n[arXiv]({url})\n", "### [1] {}\n\n{url}\n"),
        *("<h3>{}</h3><a href='{url}'>PDF</a>\n", "## {}\n[Read the full paper on arXiv]({url})\n"),
        *("- [{url}]({url}) — {}", "1. <{url}> – *{}*", "- [{url}]({url}) · {} — Ann Beech"),
        *("- [[pdf]({url})] {}", "- [[pdf]]({url}) {}"),
        "| 1) **{}** - it builds on [OTTER](https://arxiv.org/abs/2501.00009v1). | [Paper]({url}), [Post](https://h.test) |",
        "| **{}** | It is like [OTTER](https://arxiv.org/abs/2501.00009). | {url} |",
    ):  # fmt: skip
        [digest] = read("# 2026-06-20\n\n" + lay_out(layout, (KETTLES, GEESE, CARTS)))
        assert (digest.date, digest.is_rolling) == (date(2026, 6, 20), False), layout
        assert [(entry.paper_key, entry.title) for entry in digest.entries if entry.paper_key in IDS] == [
            *zip(IDS, (KETTLES, GEESE, CARTS), strict=True)
        ], layout
        assert not any(entry.title for entry in digest.entries if entry.paper_key not in IDS), layout


TOPIC = "## Robots that Learn from People\n\n"


def test_takes_the_title_of_a_single_paper() -> None:
    for text, title in (
        *((row, KETTLES) for row in (
            f"- {KETTLES} (arXiv:{ONE}).", f"- Ann Beech, “{KETTLES}”, arXiv:{ONE}.", f"- {KETTLES}, arXiv:{ONE}v2, 2026",
            f"- {KETTLES} arXiv:{ONE} cs.CL", f"- arXiv:{ONE} {KETTLES}", f"- {KETTLES} arXiv:{ONE}",
            # A topic above a single paper is not its title, and what is behind a name says what it is.
            f"{TOPIC}- [{KETTLES}]({ABS_ONE})", f"{TOPIC}- {KETTLES} {ABS_ONE}",
            f"{TOPIC}[pdf]({ABS_ONE}) [{KETTLES}]({ABS_ONE})",
        )),
        (f"- [OTTER]({ABS_ONE}) — a benchmark of kettles and pots", None),
    ):  # fmt: skip
        assert [(entry.paper_key, entry.title) for entry in read_one(text)] == [(ONE, title)], text


MENTIONS = [
    "It is better than that of https://arxiv.org/abs/2501.00009, which was the best so far.",
    "우리는 https://arxiv.org/abs/2501.00009에서 제안한 방법을 쓴다.",
    "(see https://arxiv.org/abs/2501.00009)",
    "It says something of water, see also arXiv:2501.00009.",
    "We look at water, as arXiv:2501.00009 did.",
    "Our new method for kettles greatly extends arXiv:2501.00009.",
    "이 논문은 arXiv:2501.00009를 확장한다.",
    "Comments: 12 pages, extends arXiv:2501.00009",
    "Otro método, como en https://arxiv.org/abs/2501.00009 y más.",
    "The group before us (2025a, arXiv:2501.00009) bounds $|x|$ and $|y|$ of a kettle, which is long known.",
    "![compare with the older figure](https://arxiv.org/html/2501.00009v1/x1.png)",
    "[![](https://arxiv.org/html/2501.00009v1/x1.png)](https://h.test) ![x][figure]",
    '<img src="https://arxiv.org/html/2501.00009v1/x1.png">',
    "[Figure 1](https://arxiv.org/html/2501.00009v1/x1.png) https://arxiv.org/html/2501.00009v1/x2.svg",
]


def test_a_mention_and_a_picture_are_no_papers() -> None:
    for layout in (
        *(f"## {{}}\n{{url}}\n\n{mention}\n" for mention in MENTIONS),
        *("- [{}]({url}) on OTTER (arXiv:2501.00009).", "| {} (like arXiv:2501.00009) | [Paper]({url}) |"),
    ):
        entries = read_one(lay_out(layout, (KETTLES, GEESE, CARTS)))
        assert [entry.paper_key for entry in entries] == [*IDS], layout
        if layout.startswith("##"):
            assert [entry.title for entry in entries] == [KETTLES, GEESE, CARTS], layout


def test_a_title_keeps_its_signs() -> None:
    for title in (
        *("Using snake_case names in code", "Bounds in $L_\\infty$ for kettles", "C# and F# for kettle code"),
        "τ_0 and the kettles of old",
        *("A* search for all B* trees", "Kettles > pots: a small study", "~100 kettles in one room"),
        "1000 kettles in one small room",
        *("The <unk> token in small models", '"Why kettles?" and other questions', "What's new & old in kettles?"),
    ):  # fmt: skip
        for text in (f"- [{title}]({ABS_ONE})\n", f"## {title}\n{ABS_ONE}\n", f"- {title} {ABS_ONE}\n"):
            assert [entry.title for entry in read_one(text)] == [title], title
        for plain in (title, "Cold Soup", "*Soup* __init__"):
            assert read_one(json.dumps([{"id": ONE, "title": plain}]))[0].title == plain, title


def test_objects_and_ids_in_json_are_papers() -> None:
    for value, titles in (
        ([{"id": ONE, "title": "Mamba"}, {"id": TWO, "title": "S4"}], ["Mamba", "S4"]),
        ({ONE: {"title": "Mamba"}, TWO: {"title": "S4"}}, ["Mamba", "S4"]),
        ({ONE: "cs.CL", TWO: f"|**2026-06-01**|**Cold Soup**|[{TWO}]({ABS_TWO})|"}, [None, None]),
        ([[ONE, "done"], [ABS_TWO, "2024"]], [None, None]),
    ):
        assert [(entry.paper_key, entry.title) for entry in read_one(json.dumps(value))] == [
            *zip((ONE, TWO), titles, strict=True)
        ], value


# Hugging Face's list as people store it.


def item(number: int, listed: str | None = None, *, alone: bool = False) -> Any:
    common = {"title": KETTLES, "publishedAt": "2026-06-15T21:26:31.000Z"}
    paper = common | {"id": f"2606.{number:05}", "upvotes": number}
    paper |= {"submittedOnDailyAt": listed} if listed else {}
    return paper if alone else common | {"paper": paper}


LISTED = "2026-06-20T00:00:00.000Z"
ITEMS = [item(1), item(2)]


def test_reads_the_stored_list_of_hugging_face_with_its_day_and_votes() -> None:
    for value, name in (
        ([item(1, LISTED), item(2, LISTED)], "a.json"),
        ([item(1, LISTED), {"paper": None}, item(2, LISTED)], "a.json"),
        ([item(1, LISTED, alone=True), item(2, LISTED, alone=True)], "a.json"),
        (ITEMS, "data/2026-06-20.json"),
        ({"date": "2026-06-20", "count": 2, "papers": ITEMS}, "a.json"),
        ({"2026-06-20": ITEMS}, "a.json"),
        ({"day": "2026-06-20", "papers": [item(1, alone=True), item(2, alone=True)]}, "a.json"),
    ):
        [digest] = read(json.dumps(value), name)
        assert (digest.format, digest.date, digest.is_rolling) == (
            DigestFormat.LISTING,
            date(2026, 6, 20),
            False,
        ), value
        assert [(entry.paper_key, entry.votes) for entry in digest.entries] == [(ONE, 1), (TWO, 2)], value


def test_a_stored_list_without_a_day_is_never_todays() -> None:
    for value, days in (
        ([{"paper": {"id": ONE, "upvotes": 3}}, {"paper": {"id": TWO}}], {"rolling": [ONE, TWO]}),
        ([item(1, LISTED), item(2, "2026-05-20T00:00:00.000Z")], {"2026-06-20": [ONE], "rolling": [TWO]}),
        ([{"date": "2026-06-20", "papers": ITEMS[:1]}, {"date": "2026-06-19", "papers": ITEMS[1:]}],
         {"2026-06-20": [ONE], "2026-06-19": [TWO]}),
    ):  # fmt: skip
        assert days_of(json.dumps(value), "a.json") == days, value
        assert all(digest.format is DigestFormat.LIST for digest in read(json.dumps(value), "a.json")), value


def test_a_day_on_which_a_file_was_made_is_no_day() -> None:
    papers = lay_out("- [{}]({url})", (KETTLES, GEESE, CARTS))
    for key in ("date created", "dateAdded", "submitted_date", "date-submitted"):
        for fence, between in (("---", ": "), ("+++", " = ")):
            front = f"{fence}\n{key}{between}2026-06-21T09:00:00+09:00\n"
            assert days_of(f"{front}{fence}\n{papers}") == {"rolling": list(IDS)}, front
            assert days_of(f"{front}date{between}2026-06-20\n{fence}\n{papers}") == {"2026-06-20": list(IDS)}


def test_a_paper_has_the_day_of_the_link_that_names_it_and_not_of_its_address() -> None:
    for link in ("[{}][{}]", "[{1}][]", "[{1}]"):
        text = f"## 2026-06-20\n\n- {link.format(KETTLES, 'a')}\n\n## 2026-06-18\n\n- {link.format(GEESE, 'B')}\n\n"
        days = days_of(f"{text}[a]: {ABS_ONE}\n[b]: <{ABS_TWO}>\n")
        assert days == {"2026-06-20": [ONE], "2026-06-18": [TWO]}, link


KEYED = case_files.load(__file__, "test_a_list_has_each_paper_once_by_its_key_and_counts_what_is_left_out")


@pytest.mark.parametrize("case", KEYED, ids=lambda case: case[0])
def test_a_list_has_each_paper_once_by_its_key_and_counts_what_is_left_out(case: Any) -> None:
    _, text, expected, left_out = case
    name = "list.json" if text[0] in "[{" else "list.bib" if text[0] == "@" else "2026-06-01.md"
    [digest] = read(text, name)
    assert [[paper.paper_key, paper.title, [*paper.names]] for paper in digest.entries] == expected
    assert {row.reason.value: row.number for row in digest.skipped} == left_out
    again = parse.parse_text(digest.text)[0].entries
    assert [(paper.paper_key, paper.names, paper.authors) for paper in again] == [
        (paper.paper_key, paper.names, paper.authors) for paper in digest.entries
    ]


def test_an_entry_of_bibtex_names_arxiv_where_references_do() -> None:
    for named, key in (
        (f"journal={{arXiv preprint arXiv:{ONE}}}, year={{2026}}", ONE),
        (f"journal={{CoRR}}, volume={{abs/{ONE}}}, doi={{10.1234/moss}}", ONE),
        (f"journal={{ArXiv}}, volume={{abs/{ONE}}}", ONE),
        (f"howpublished={{arXiv:{ONE} [cs.CL]}}, note={{Extends arXiv:{TWO}}}", ONE),
        ("journal={Walls}, volume={2606.00001}, note={On page 12}, doi={10.1234/moss}", "doi/10.1234/moss"),
    ):
        [digest] = read(f"@article{{x, title={{Moss}}, {named}}}", "a.bib")
        assert [entry.paper_key for entry in digest.entries] == [key], named


def test_people_are_parted_by_and_alone_in_bibtex_and_as_they_are_written_in_json() -> None:
    for names, people in (
        ("Dune, Max", ["Max Dune"]),
        ("Max Dune", ["Max Dune"]),
        ("de la Cruz, Jr., Ana and\n others", ["Ana de la Cruz Jr."]),
        ("{Moss and Fern, Inc.} and {\\O}stby, Bo", ["Moss and Fern, Inc.", "Bo Østby"]),
    ):
        [digest] = read(f"@misc{{x, title={{Moss}}, doi={{10.1234/moss}}, author={{{names}}}}}", "a.bib")
        assert [*digest.entries[0].authors] == people
    for names in (
        "Ann Lee, Bo Kim and Cy Dunn",
        "Ann Lee; Bo Kim; Cy Dunn",
        "Lee, Ann and Kim, Bo and Dunn, Cy",
    ):
        [entry] = read_one(json.dumps([{"doi": "10.1234/moss", "title": "Moss", "authors": names}]))
        assert entry.authors == ("Ann Lee", "Bo Kim", "Cy Dunn")


def test_a_large_file_loses_no_more_than_what_is_beyond_the_limit() -> None:
    entries = "".join(f"@misc{{k{n}, title={{Moss {n}}}, doi={{10.1234/{n:05}}}}}\n" for n in range(20_000))
    [digest] = read(entries, "venue.bib")
    assert len(digest.entries) == fields.MAX_PAPERS
    assert [(of.reason, of.number) for of in digest.skipped] == [(SkipReason.TOO_MANY, 10_000)]


def test_links_of_a_page_are_relative_to_its_address_or_its_first_base() -> None:
    papers = "".join(
        f'<dt><a href="{link}">{title}</a></dt><dd>[<a href="{link.replace("html", "pdf")}">pdf</a>]</dd>'
        for link, title in (
            ("/content/CVPR2026/html/Moss_Slow_Walls_CVPR_2026_paper.html", "Slow Walls"),
            ("CVPR2026/html/Fern_Wet_Roofs_CVPR_2026_paper.html", "Wet Roofs"),
            ("//arxiv.org/abs/2606.00001", "Dry Towns at Night in June"),
        )
    )
    expected = [
        ("cvf/CVPR2026/Moss_Slow_Walls", "Slow Walls"),
        ("cvf/CVPR2026/Fern_Wet_Roofs", "Wet Roofs"),
        (ONE, "Dry Towns at Night in June"),
    ]
    base = '<base href="https://openaccess.thecvf.com/content/"><base href="https://other.test/">'
    for head, name in (
        ("", "https://openaccess.thecvf.com/content/all.html"),
        (base, "https://mirror.test/all"),
        (base, "list.html"),
    ):
        text = f"<html><head>{head}<title>x</title></head><body><h1>2026-06-20</h1><dl>{papers}</dl></body></html>"
        [digest] = read(text, name)
        assert [(entry.paper_key, entry.title) for entry in digest.entries] == expected, name


def test_what_a_page_hides_is_no_paper() -> None:
    hidden = f'<div hidden><div>More</div><p><a href="{ABS_TWO}">{OTHER}</a></p></div>'
    shown = f'<p data-hidden="no"><a href="{ABS_ONE}">{TITLE}</a></p><input type="hidden" name="a">'
    assert [entry.paper_key for entry in read_one(f"<html><body>{hidden}{shown}{shown}</body></html>")] == [
        ONE
    ]


REVIEW = "https://openreview.net/forum?id="
MOSS, FERN, RAIN = "Moss on Old Walls at Night", "Ferns and Rain", "Rain on the Roofs of Towns"
NAMES = "Ann Lee*, Bo van der Kim¹ (Pond Lab) and Cy Dunn"
KEY = "openreview/{}B3dEfGh1J"


@pytest.mark.parametrize(
    "block",
    [
        "### {title}\n{names}\n[[OpenReview](%s)] [[code](https://github.com/a/b)]\n",
        "### {title}\nAuthors: Ann Lee\n\nPaper: %s\n",
        "**{title}**  \n{names}\n[PDF](%s)\n\nWe let them grow, and count how often they do so in a year.\n",
        "{title}\n\n{names}; *Proceedings of the Pond*, PMLR 3:1-9\n\n[[abs](%s)][[Download PDF](%s)]\n",
        "[pdf](%s) [bib](https://h.test/b.bib)\n\n{title}\n\n{names}\n\nWe let them grow. They do so in a year.\n",
        "[pdf](%s)\n\n**[{title}](/p/1)**\n[Ann Lee](/a/l) | [Bo Kim](/b/k)\n\n[page](%s)[{title}](%s)\n",
        "## {title}\n\n김민준, 이서연\n\n[논문 링크](%s)\n",
    ],
)
def test_a_title_is_the_items_own_and_not_that_of_the_paper_beside_it_or_its_people(block: str) -> None:
    text = "".join(
        block.format(title=title, names=NAMES).replace("%s", f"{REVIEW}{sign}B3dEfGh1J")
        for sign, title in zip("abc", (MOSS, FERN, RAIN), strict=True)
    )
    assert [(entry.paper_key, entry.title) for entry in read_one(text)] == [
        (KEY.format("a"), MOSS),
        (KEY.format("b"), FERN),
        (KEY.format("c"), RAIN),
    ]


def test_what_lines_say_of_a_paper_outside_arxiv_is_its_title_and_its_people() -> None:
    links = [f"https://doi.org/10.5555/pond.{number}" for number in range(1, 13)]
    text = f"""| No | Paper | 저자 | Venue | Links |
|---|---|---|---|---|
| 1 | Ferns | Ann Lee, Bo Kim | A Journal of Many Wet Ponds | [DOI]({links[0]}) |
| 2 | [이끼](https://h.test/moss) | 김민준 | KCI | [원문]({links[1]}) |

- [Slow Roofs](/poster/3)
Poster
[OpenReview]({links[2]})
- [Moss](/poster/4) [Paper]({links[3]})
- 「コケの夜」 山田太郎 [論文]({links[4]})
- 《苔藓的夜间生长》 王芳, doi:10.5555/pond.6
- Ann Lee. **Rain on Roofs.** *Pond Letters*, 2026. [[doi]({links[6]})]
- Ferns in the Rain of June (Lee, 2026) {links[7]}
- [pdf]({links[8]}) **[Newts]({links[8]})**

Walls

Cy Dunn

{links[9]}

<details><summary>Roofs and Walls</summary><p>Cy Dunn</p><a href="{links[10]}">Link</a></details>

### [Dry Moss](https://h.test/dry)

Cy Dunn

[Project Page](https://h.test) [PDF]({links[11]})
"""
    found = [(entry.title, *entry.authors) for entry in read_one(text)]
    assert found == [
        ("Ferns", "Ann Lee", "Bo Kim"),
        ("이끼", "김민준"),
        ("Slow Roofs",),
        ("Moss",),
        ("コケの夜",),
        ("苔藓的夜间生长",),
        ("Rain on Roofs",),
        ("Ferns in the Rain of June",),
        ("Newts",),
        ("Walls", "Cy Dunn"),
        ("Roofs and Walls",),
        ("Dry Moss", "Cy Dunn"),
    ]


def test_an_address_with_an_interval_gives_no_day_to_all() -> None:
    keys = [f"10.5555/newts.{number}" for number in (1, 2, 3)]
    records = [{"doi": key, "title": MOSS, "date": f"2026-06-0{day}"} for day, key in enumerate(keys, 1)]
    name = "https://api.example.org/details/2026-05-01/2026-06-28/0/json"
    assert [str(digest.date) for digest in read(json.dumps(records), name)] == [
        "2026-06-01",
        "2026-06-02",
        "2026-06-03",
    ]
    undated = [{"doi": key, "title": MOSS} for key in keys]
    assert [digest.is_rolling for digest in read(json.dumps(undated), name)] == [True]


def test_the_people_and_the_abstract_below_a_title_are_the_papers() -> None:
    """As volumes of the ACL Anthology have them; of what is on arXiv, arXiv tells both."""
    abstract = "Towers were watched for two winters, and rain was counted on each of their roofs by hand."
    volume = "".join(
        f"<div><a href='/2026.acl-long.{number}.pdf'>pdf</a> <a href='/2026.acl-long.{number}.bib'>bib</a></div>"
        f"<span><strong><a href='/2026.acl-long.{number}/'>{title}</a></strong><br>"
        f"<a href='/people/a/'>Ada Moss</a> | <a href='/people/b/'>Bo Carr</a></span><div>{abstract}</div>"
        for number, title in enumerate((TITLE, OTHER, "Towers of the Second Winter"), 1)
    )
    address = "https://aclanthology.org/volumes/2026.acl-long/"
    [digest] = parse.parse_text(f"<html><body>{volume}</body></html>", address, date(2026, 11, 30))
    for paper in listing.papers_of(digest.text):
        assert (paper["authors"], paper["abstract"]) == (["Ada Moss", "Bo Carr"], abstract)
    text = "## 2026-11-27\n\n- [Rain on the Roofs of Towns](https://arxiv.org/abs/2611.00001)\n  Ada Moss, Bo Carr\n"
    [digest] = parse.parse_text(text, "list.md", date(2026, 11, 30))
    assert "authors" not in listing.papers_of(digest.text)[0]
