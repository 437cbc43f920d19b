"""Newsletters and reviews: headings, fields, bullets and chapters. `data` contains whole files."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.archive import parse, sorting
from storage.models import Digest, DigestFormat, Entry, Section, SkipReason

NEWSLETTER = "## Daily Papers (2025-02-06)\n\n"
PAPER = """### [A Small Model](https://arxiv.org/abs/2502.00001)

![](https://example.org/2502.00001.png)

Vote: 12

Authors: Ada One, Ben Two

- ***What's New***: It is small.
- ***Performance Highlights***: It is quick.

"""
OTHER = PAPER.replace("00001", "00002")
REVIEW = "# 📰 Hugging Face Daily Papers – 2025-05-27\n\n"
CHAPTERS = "# 작은 모델\n\n## 1. 동기\n\n작다.\n\n## 2. 결과\n\n- **속도**: 빠르다.\n- **크기**: 작다.\n"


def parse_one(text: str) -> Digest:
    (digest,) = parse.parse_text(text)
    return digest


def lines_of_problems(digest: Digest) -> list[int]:
    return [problem.line for problem in digest.problems]


def test_title_is_the_link_label() -> None:
    for heading, title in (
        ("### [Plain](URL)", "Plain"),
        ("### [I Don't Know: The [IDK] Token](URL)", "I Don't Know: The [IDK] Token"),
        ("### [Less (is) [More](really)](URL)", "Less (is) [More](really)"),
        ("### [Odd ] One](URL)", "Odd ] One"),
        ("### [An \\[X\\] Y](URL)", "An [X] Y"),
        ('### [T](<URL> "tip")', "T"),
        ("### [T](URL) [PDF](https://arxiv.org/pdf/2502.00001)", "T"),
        ("### [New] 1. **[**T**](URL)** ###", "T"),
        ("#### [2502.00001] T", "T"),
        ("### [](URL)", None),
        ("### [2502.00001](URL)", None),
    ):
        url = "https://arxiv.org/abs/2502.00001"
        digest = parse_one(f"{NEWSLETTER}{heading.replace('URL', url)}\n\nVote: 3\n\n- text\n")
        (paper,) = digest.entries
        assert (paper.paper_key, paper.title, paper.url, paper.votes) == ("2502.00001", title, url, 3)
        assert digest.problems == (), heading


VIDEO = "https://example.org/a.mp4"


def test_parses_fields_and_loses_no_text() -> None:
    for body, expected, lines in (
        ("- text", {"votes": None, "authors": (), "thumbnail": None}, []),
        ("Vote: abc\n\n- text", {"votes": None}, [2]),
        ("Vote: 3\n\nVote: 4\n\n- text", {"votes": 3}, []),
        ("Text.\n\nVote: 3", {"votes": 3, "sections": (Section(None, "Text."),)}, []),
        ("- text\n\nVote: 3", {"votes": None, "sections": (Section(None, "text\n\nVote: 3"),)}, []),
        ("Authors: A B, +, C D\n\n- text", {"authors": ("A B", "C D"), "authors_truncated": True}, []),
        ("<!-- a -->\n<br>\n\n- text", {"sections": (Section(None, "text"),)}, []),
        (f"[Watch Video]({VIDEO})\n<div><video src='{VIDEO}'></video></div>", {"video": VIDEO}, []),
        (f"<video controls>\n<source src='{VIDEO}'>\n</video>\n- a", {"video": VIDEO, "thumbnail": None}, []),
        ("Vote: 3\n\nOne text.\n\n- a", {"sections": (Section(None, "One text."), Section(None, "a"))}, []),
        ("- ***New***:\n- ***Next***: text", {"sections": (Section("Next", "text"),)}, []),
        ("Vote: 3", {"summary_missing": True, "sections": ()}, []),
        ("- 죄송합니다. 논문을 볼 수 없습니다.", {"summary_missing": True, "sections": ()}, []),
    ):
        digest = parse_one(f"{NEWSLETTER}### [A](https://arxiv.org/abs/2502.00001)\n\n{body}\n")
        (paper,) = digest.entries
        assert {name: getattr(paper, name) for name in expected} == expected, body
        assert lines_of_problems(digest) == [line + 3 for line in lines], body


def test_a_bullet_with_its_lines_is_a_section() -> None:
    for bullets, expected in (
        ("- **Small** models: good\n- **All**", [(None, "**Small** models: good"), (None, "**All**")]),
        ("- ***New***: one\ntwo\n  three\n\n  four\n- five", [("New", "one\ntwo\n  three\n\n  four"), (None, "five")]),
        ("- one\n  - two\n    - three\n  * four\n- five", [(None, "one\n- two\n  - three\n* four"), (None, "five")]),
        ("- one\n  # two\n  ---\n  Vote: 9\n\n  | a |\n- b", [(None, "one\n# two\n---\nVote: 9\n\n| a |"), (None, "b")]),
        ("- one\n```\n- two\n\n---\n", [(None, "one\n```"), (None, "two")]),
    ):  # fmt: skip
        digest = parse_one(NEWSLETTER + f"### [A](https://arxiv.org/abs/2502.00001)\n\n{bullets}\n" + OTHER)
        first, second = digest.entries
        assert [(section.heading, section.body) for section in first.sections] == expected, bullets
        assert (len(second.sections), digest.problems) == (2, ()), bullets


def test_reports_or_ignores_text_outside_papers() -> None:
    for text, ids, lines in (
        (PAPER + "### [No Paper](https://example.org)\n\nVote: 9\n\n- text\n\n" + OTHER, [1, 2], [14]),
        (PAPER + PAPER.replace("00001)", "00001v2)"), [1], [14]),
        ("Good morning.\n\n" + PAPER, [1], [3]),
        (PAPER + "## Links\n\n- [a](https://example.org)\n\n# End\n\nBye.\n", [1], []),
        (PAPER + "## Reading list\n\n" + OTHER, [1], [16]),
        (PAPER + "#### A heading below\n\nText.\n\n" + OTHER, [1, 2], []),
    ):
        digest = parse_one(NEWSLETTER + text)
        assert [paper.paper_key for paper in digest.entries] == [f"2502.{number:05}" for number in ids], text
        assert lines_of_problems(digest) == lines, text
        assert digest.entries[0].votes == 12, text


def paper_text(summary: str, paper: str = "2505.00001") -> str:
    return f"## {paper}\n🔗 https://huggingface.co/papers/{paper}\n\n**Summary**:\n{summary}\n\n---\n\n"


def fence(text: str) -> str:
    return f"```markdown\n{text}```\n "


def parse_summary(summary: str) -> Entry:
    """Return the first of two papers, after checking the second one."""
    digest = parse_one(REVIEW + paper_text(summary) + paper_text(fence(CHAPTERS), "2505.00002"))
    assert [paper.paper_key for paper in digest.entries] == ["2505.00001", "2505.00002"]
    assert len(digest.entries[1].sections) == 2
    assert digest.problems == ()
    return digest.entries[0]


CODE, TABLE = "```python\n# no heading\n## 9. none\n```", "| a | b |\n|---|---|\n| 1 | 2 |"


def test_divides_a_summary_into_chapters() -> None:
    for summary, expected in (
        ("작은 모델.\n\n**1. 동기**\n\n작다.\n", [(None, "작은 모델."), ("1. 동기", "작다.")]),
        ("글.\n\n1. **하나**: 글\n2. **둘**: 글\n", [(None, "글.\n\n1. **하나**: 글\n2. **둘**: 글")]),
        ("## 1. 동기\n\n### 배경\n\n글\n**굵게**\n\n## 2. 끝\n\n글", [("1. 동기", "### 배경\n\n글\n**굵게**"), ("2. 끝", "글")]),
        ("**1. 동기**\n\n**굵은 줄**\n\n글\n\n**2. 결과**\n\n글\n", [("1. 동기", "**굵은 줄**\n\n글"), ("2. 결과", "글")]),
        (fence("1. **하나**\n   - 가\n     - 나\n\n2. **둘**\n   - 다\n"), [("1. 하나", "- 가\n  - 나"), ("2. 둘", "- 다")]),
        ("## 동기\n\n글\n\n---\n\n## 결과\n\n글\n", [("동기", "글"), ("결과", "글")]),
        ("앞.\n\n" + fence("## 1. 동기\n\n작다.\n"), [(None, "앞."), ("1. 동기", "작다.")]),
        ("```markdown\n## 1. 동기\n\n작다.\n", [("1. 동기", "작다.")]),
        (fence(f"## 1. 동기\n\n{CODE}\n\n## 2. 표\n\n{TABLE}\n"), [("1. 동기", CODE), ("2. 표", TABLE)]),
        ("## 1. 동기\n\n## 2. 결과\n\n글\n", [("2. 결과", "글")]),
    ):  # fmt: skip
        paper = parse_summary(summary)
        assert [(section.heading, section.body) for section in paper.sections] == expected, summary
        assert (paper.title, paper.summary_missing) == (None, False), summary


def test_finds_chapter_headings_in_every_notation() -> None:
    for line in (
        *("## 1. {}", "### 1. {}", "## **1. {}**", "## {}", "**1. {}**", "**1. {}:**", "**{}**", "**{}:**"),
        *("**{}**:", "1. **{}**", "1. **{}**:", "**1) {}**"),
    ):
        text = "\n\n".join(
            f"{line.format(name)}\n\n- **굵게**: 글\n- 글" for name in ("동기", "방법", "결과")
        )
        for summary in (
            text,
            f"머리말.\n\n{text}",
            fence(text + "\n"),
            fence("# 제목 하나\n\n" + text + "\n"),
        ):
            chapters = [section for section in parse_summary(summary).sections if section.heading]
            names = [(section.heading or "").removeprefix("1. ").removeprefix("1) ") for section in chapters]
            assert names == ["동기", "방법", "결과"], line
            assert {section.body for section in chapters} == {"- **굵게**: 글\n- 글"}, line


def test_first_heading_of_a_summary_is_the_title() -> None:
    for heading, title in (
        ("# 논문 요약: “작은 모델”", "작은 모델"),
        ('# Review: "A Small Model"', "A Small Model"),
        ("# **논문 요약: 작은 모델**", "작은 모델"),
        ("# [논문 요약] 작은 모델", "작은 모델"),
        ('# "작은" 모델의 "큰" 힘', '"작은" 모델의 "큰" 힘'),
        ("## 논문 요약: 작은 모델", "작은 모델"),
        ("**논문 요약: 작은 모델**", "작은 모델"),
        ("# 작은 모델: 요약", "작은 모델: 요약"),
        ("# 논문 요약", None),
    ):
        paper = parse_summary(f"{heading}\n\n## 1. 동기\n\n글\n\n## 2. 결과\n\n글\n")
        assert paper.title == title, heading
        assert [section.heading for section in paper.sections] == ["1. 동기", "2. 결과"], heading


def test_refusal_counts_as_a_missing_summary() -> None:
    for apology in ("```markdown\n죄송합니다. 논문을 볼 수 없습니다.\n```", "N/A", ""):
        paper = parse_summary(apology)
        assert (paper.summary_missing, paper.sections) == (True, ()), apology
        [bare] = parse_one(f"{REVIEW}## 2505.00001\n🔗 https://huggingface.co/papers/2505.00001\n").entries
        assert bare.summary_missing, apology


def test_invented_summary_is_treated_as_missing_but_its_sections_are_kept() -> None:
    apology = "죄송합니다만 링크를 열 수 없었습니다. 제목을 바탕으로 요약해 드리겠습니다."
    paper = parse_summary(f"{apology}\n\n{fence(CHAPTERS)}")
    assert paper.summary_missing
    assert [section.heading for section in paper.sections] == [None, "1. 동기", "2. 결과"]


def test_heading_of_a_paper_may_contain_its_title() -> None:
    for heading, title in (
        ("## 2505.00001", None),
        ("## [2505.00001](https://huggingface.co/papers/2505.00001)", None),
        ("## 2505.00001: A Small Model", "A Small Model"),
        ("## [A Small Model](https://huggingface.co/papers/2505.00001)", "A Small Model"),
    ):
        first = paper_text(fence(CHAPTERS), "2505.00002")
        digest = parse_one(f"{REVIEW}{first}{heading}\n🔗 https://arxiv.org/abs/2505.00001v2\n\n글.\n\n---\n")
        assert [(paper.paper_key, paper.title) for paper in digest.entries] == [
            ("2505.00002", "작은 모델"),
            ("2505.00001", title),
        ], heading
        assert digest.entries[1].url == "https://arxiv.org/abs/2505.00001v2", heading
        assert digest.problems == (), heading


def test_paper_linked_in_a_chapter_heading_is_not_an_entry() -> None:
    paper = parse_summary("## 1. 동기\n\n글\n\n### [A](https://arxiv.org/abs/2401.00001)\n\n글\n")
    assert [section.heading for section in paper.sections] == ["1. 동기"]


def test_a_heading_may_link_to_a_paper_outside_arxiv() -> None:
    """In a newsletter, between two of arXiv: its votes and points are its own."""
    for link, key in (
        ("https://www.biorxiv.org/content/10.1101/2022.07.20.500902v3", "doi/10.1101/2022.07.20.500902"),
        ("https://aclanthology.org/2026.acl-long.17/", "acl/2026.acl-long.17"),
        ("https://example.org/10.1101", None),
    ):
        links = ("https://arxiv.org/abs/2505.00001", link, "https://arxiv.org/abs/2505.00002")
        papers = [f"### [Paper {n}]({url})\n\nVote: {n}\n\n- Point {n}\n\n" for n, url in enumerate(links)]
        digest = parse_one("## Daily Papers (2025-05-06)\n\n" + "".join(papers))
        expected = [("2505.00001", 0), (key, 1), ("2505.00002", 2)]
        assert [(row.paper_key, row.votes) for row in digest.entries] == [
            row for row in expected if row[0]
        ], link
        assert [row.url for row in digest.entries][1:-1] == [link] * bool(key), link


def test_lines_above_a_summary_are_parsed_as_fields() -> None:
    fields = "**Title**: A Small Model\n\nVotes: 7\nAuthors: A B, C D\n![](https://example.org/a.png)\n"
    summary = f"\n**Summary**:\n{fence('Vote: 9' + chr(10) * 2 + '글 하나.' + chr(10))}\n"
    head = "## 2505.00001\n🔗 https://huggingface.co/papers/2505.00001\n"
    digest = parse_one(f"{REVIEW}{head}{fields}{summary}")
    (paper,) = digest.entries
    assert (digest.format, paper.title, paper.votes) == (DigestFormat.REVIEW, "A Small Model", 7)
    assert (paper.authors, paper.thumbnail) == (("A B", "C D"), "https://example.org/a.png")
    assert paper.sections == (Section(None, "Vote: 9\n\n글 하나."),)


def test_skips_and_reports_a_paper_without_an_id() -> None:
    broken = "## None\n🔗 https://huggingface.co/papers/\n\n**Summary**:\n글.\n\n---\n\n"
    digest = parse_one(REVIEW + paper_text(CHAPTERS) + broken + paper_text(CHAPTERS, "2505.00002"))
    assert [paper.paper_key for paper in digest.entries] == ["2505.00001", "2505.00002"]
    assert ["None" in problem.message for problem in digest.problems] == [True]


# What people write, or their tools leave out: each line in the spellings of `data/spellings.txt` reads as the usual one.

CLIP, COVER = "https://h.test/kettles/first.mp4", "https://h.test/kettles/first.png"
URL = "https://arxiv.org/abs/2502.00001"


def load_spellings(kind: str) -> dict[str, list[str]]:
    text = (Path(__file__).parent / "data/spellings.txt").read_text("utf-8").replace("\n\n", "\n")
    for place, value in {"{COVER}": COVER, "{CLIP}": CLIP, "{URL}": URL}.items():
        text = text.replace(place, value)
    blocks = (block.partition("\n") for block in text.rstrip("\n").split("\n== ")[1:])
    found = {title.split()[1]: listed for title, _, listed in blocks if title.startswith(kind)}
    return {
        name: [line.removeprefix(" ").replace("⏎", "\n") for line in listed.replace("‖\n", "‖ ").split(" ‖")]
        for name, listed in found.items()
    }


LINES = {
    "date": "## Daily Papers (2025-02-06)",
    "title": f"### [A Small Model]({URL})",
    "cover": f"![]({COVER})",
    "votes": "Vote: 12",
    "authors": "Authors: Ada One, Ben Two",
    "new": "- ***What's New***: It is small.",
    "end": "- ***Results***: It is quick.",
}
SECTIONS = (("What's New", "It is small."), ("Results", "It is quick."))
USUAL = ("A Small Model", URL, COVER, None, 12, ("Ada One", "Ben Two"), SECTIONS)
ORDERS = [
    "{title}\n\n{cover}\n\n{votes}\n\n{authors}\n\n{new}\n{end}",
    "{title}\n{cover}\n{votes}\n{authors}\n{new}\n\n{end}",
    "{title}\n\n{authors}\n\n{votes}\n\n{cover}\n\n{new}\n{end}",
    "{title}\n\n{cover}{votes}\n\n{authors}\n\n{new}\n{end}",
    "{title}\n\n<details>\n\n{cover}\n\n{votes}\n\n{authors}\n\n{new}\n{end}\n\n</details>",
    "{title}\n\n{cover}\n<!-- from\nthe service -->\n---\n{votes}<br>\n{authors}<br>\n\n---\n{new}  \n{end}\n\n---",
    "{title}\n\n  {cover}\n\n  {votes}\n\n  {authors}\n\n  {new}\n  {end}",
]


def read_newsletter(lines: Mapping[str, str], order: str) -> tuple[object, ...]:
    digest = parse_one(f"{lines['date']}\n\n{order.format(**lines)}\n\n{OTHER}")
    first, second = digest.entries
    assert (second.title, second.votes, len(second.sections), digest.problems) == ("A Small Model", 12, 2, ())
    sections = tuple((section.heading, section.body) for section in first.sections)
    return first.title, first.url, first.thumbnail, first.video, first.votes, first.authors, sections


def test_an_image_with_a_relative_address_is_neither_text_nor_cover() -> None:
    for image in (
        "![](/avatars/0a1b2c.svg)",
        "![Someone](avatars/a.png)",
        '<img src="/avatars/a.svg" alt="">',
    ):
        for place in (f"{image}\n\n{{votes}}", f"{image} {{votes}}", f"{{votes}}\n\n{image}"):
            assert read_newsletter(LINES, ORDERS[0].replace("{votes}", place)) == USUAL, place


NEWSLETTERS, REVIEWS = load_spellings("newsletter"), load_spellings("review")


@pytest.mark.parametrize("construct", NEWSLETTERS)
def test_reads_a_newsletter_in_other_spellings(construct: str) -> None:
    usual = (*USUAL[:2], None, CLIP, *USUAL[4:]) if construct == "video" else USUAL
    place = "cover" if construct == "video" else construct
    read = {line: read_newsletter(LINES | {place: line}, ORDERS[0]) for line in NEWSLETTERS[construct]}
    assert read == dict.fromkeys(read, usual)


def test_reads_a_newsletter_in_other_orders() -> None:
    assert {order: read_newsletter(LINES, order) for order in ORDERS} == dict.fromkeys(ORDERS, USUAL)


REVIEW_LINES = {
    "date": "# 📰 Hugging Face Daily Papers – 2025-05-27",
    "id": "## 2505.00001",
    "link": "🔗 https://huggingface.co/papers/2505.00001",
    "label": "**Summary**:",
    "open": "```markdown",
    "title": "# 작은 모델",
    "chapter": "## 1. 동기\n\n작다.",
    "close": "```\n ",
    "rule": "---",
}


@pytest.mark.parametrize("construct", REVIEWS)
def test_reads_a_review_in_other_spellings(construct: str) -> None:
    read: dict[str, object] = {}
    for line in REVIEWS[construct]:
        lines = REVIEW_LINES | {construct: line}
        if construct == "open" and not line.strip().startswith("```m"):
            lines["close"] = line.strip().rstrip("markdowntex")
        text = "{date}\n\n{id}\n{link}\n\n{label}\n{open}\n{title}\n\n{chapter}\n\n## 2. 결과\n\n- 빠르다.\n{close}\n{rule}\n\n"
        digest = parse_one(text.format(**lines) + paper_text(fence(CHAPTERS), "2505.00002"))
        first, second = digest.entries
        assert (second.paper_key, second.title, len(second.sections)) == ("2505.00002", "작은 모델", 2)
        sections = [(section.heading, section.body.strip()) for section in first.sections]
        of_first = first.paper_key, first.title, sections
        read[line] = (digest.format, str(digest.date), *of_first, digest.problems)
    sections = [("1. 동기", "작다."), ("2. 결과", "- 빠르다.")]
    usual = ("review", "2025-05-27", "2505.00001", "작은 모델", sections, ())
    assert read == dict.fromkeys(read, usual)


def test_a_summary_that_admits_to_be_made_up_is_missing_and_counted() -> None:
    for opening, is_made_up in (
        ("I'm sorry, I could not open it. Based on its title, here is a summary.", True),
        ("This paper proposes a new algorithm that improves the accuracy of predictions.", False),
    ):
        body = f"- ***New***: {opening}\n- ***How***: It combines an adaptive rate with a regularised loss."
        digest = parse_one(
            f"{NEWSLETTER}### [Whispering Llamas](https://arxiv.org/abs/2502.00001)\n\nVote: 3\n\n{body}\n"
        )
        [paper] = digest.entries
        assert (paper.summary_missing, len(paper.sections)) == (is_made_up, 2), opening
        reading = sorting.report_kept([digest])
        assert reading.kept == 1, opening
        assert [(row.reason, row.number) for row in reading.warnings] == [
            (SkipReason.MADE_UP, 1)
        ] * is_made_up, opening
