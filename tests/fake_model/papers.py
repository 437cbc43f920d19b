"""Papers that do not exist, with their texts as Hugging Face and arXiv serve them."""

from __future__ import annotations

import html
import re
import tomllib
from collections.abc import Sequence
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from typing import Any, NamedTuple

from tests.support import source_payloads

_FILE = Path(__file__).with_name("papers.toml")
NAMES = re.compile(r"\b(Tamarin|RouteTalk|FrameSip|GentleForget|LoopWeaver|QuietKeys|GridCast|SketchFirst)\b")
"""The names that a variant changes."""
_CHAPTERS = {
    "1 Introduction": ("motivation", "contributions"),
    "2 Method": ("method",),
    "3 Experiments": ("setup", "results"),
    "4 Limitations and outlook": ("limitations", "future_work"),
}
_FILLER = (
    "We first recall the notation that later sections rely on and fix the symbols that all of them share.",
    "Earlier approaches treat the two parts of the problem apart, which makes their errors hard to compare.",
    "Our choice follows common practice, and the appendix discusses alternatives that we tried and gave up.",
    "The same seed is used for every run, and each figure is the mean of several runs with its deviation.",
    "A reader who wants to repeat the study finds the code, the settings and the logs next to the paper.",
    "None of the steps depends on the hardware, although faster machines make the slowest of them bearable.",
    "The proof is short and uses only the triangle inequality and the fact that the measure is bounded.",
    "We thank the reviewers for pointing out a mistake in the earlier version of this paragraph.",
)


class Fact(NamedTuple):
    """A sentence of a paper in both languages. `chapter` is a key of the review's schema."""

    chapter: str
    english: str
    korean: str


class Paper(NamedTuple):
    """A paper. `text` is where its full text is: md, html or none; `abstract` the number of facts in the abstract."""

    id: str
    title: str
    authors: Sequence[str]
    votes: int
    facts: Sequence[Fact]
    abstract: int
    text: str = "md"
    long: bool = False
    ai_summary: str | None = None

    @property
    def summary(self) -> str:
        """The abstract."""
        return " ".join(fact.english for fact in self.facts[: self.abstract])


@cache
def load() -> tuple[Paper, ...]:
    """Return the papers of the file."""
    records = tomllib.loads(_FILE.read_text("utf-8"))["paper"]
    return tuple(
        Paper(**{**record, "facts": [Fact(*fact) for fact in record["facts"]]}) for record in records
    )


def make(count: int) -> list[Paper]:
    """Return `count` papers: those of the file, then variants of them with other ids and names."""
    rows = islice(enumerate(cycle(load())), count)
    return [_vary(paper, number // len(load())) for number, paper in rows]


def _vary(paper: Paper, variant: int) -> Paper:
    if not variant:
        return paper

    def rename(text: str) -> str:
        return NAMES.sub(rf"\1-V{variant}", text)

    return paper._replace(
        id=f"{paper.id[:-4]}{int(paper.id[-4:]) + 100 * variant:04}",
        title=f"{rename(paper.title)}, Part {variant + 1}",
        facts=[Fact(fact.chapter, rename(fact.english), rename(fact.korean)) for fact in paper.facts],
    )


def daily_papers_item(paper: Paper) -> dict[str, Any]:
    """Return the paper as an item of Hugging Face's list of a day."""
    return source_payloads.daily_papers_item(
        paper.id,
        paper.votes,
        title=paper.title,
        authors=[{"name": name} for name in paper.authors],
        summary=paper.summary,
        ai_summary=paper.ai_summary,
        publishedAt="2026-11-18T17:00:00.000Z",
        githubRepo=None,
        projectPage=None,
    )


def markdown(paper: Paper) -> str:
    """Return the paper as Hugging Face's Markdown has it."""
    body = "\n\n".join(f"## {heading}\n\n" + "\n\n".join(rows) for heading, rows in _sections(paper).items())
    return (
        f"Title: {paper.title}\n\nURL Source: https://arxiv.org/html/{paper.id}\n\nMarkdown Content:\n"
        f"# {paper.title}\n\n{', '.join(paper.authors)}\n\n## Abstract\n\n{paper.summary}\n\n{body}\n"
    )


def latexml(paper: Paper) -> str:
    """Return the paper as arXiv's HTML, made by LaTeXML."""
    sections = "".join(
        f'<section class="ltx_section"><h2 class="ltx_title ltx_title_section">{heading}</h2>'
        + "".join(f'<div class="ltx_para"><p class="ltx_p">{html.escape(row)}</p></div>' for row in rows)
        + "</section>"
        for heading, rows in _sections(paper).items()
    )
    return (
        f'<!DOCTYPE html><html lang="en"><head><title>{html.escape(paper.title)}</title>\n'
        "<!--Generated on Wed Nov 18 17:00:00 2026 by LaTeXML (version 0.8.8) http://dlmf.nist.gov/LaTeXML/.-->\n"
        f'</head><body><nav><a href="https://arxiv.org/abs/{paper.id}v1">arXiv:{paper.id}v1</a></nav>'
        '<article class="ltx_document"><h1 class="ltx_title ltx_title_document">'
        f'{html.escape(paper.title)}</h1><div class="ltx_authors">{html.escape(", ".join(paper.authors))}</div>'
        f'<div class="ltx_abstract"><h6 class="ltx_title">Abstract</h6><p class="ltx_p">{html.escape(paper.summary)}'
        f"</p></div>{sections}</article><footer>Generated by "
        '<a class="ltx_LaTeXML_logo" href="http://dlmf.nist.gov/LaTeXML/">LaTeXML</a></footer></body></html>'
    )


def abstract_page(paper: Paper) -> str:
    """Return the page that Hugging Face serves in place of the Markdown when there is none."""
    return f"<!doctype html><html><head><title>{html.escape(paper.title)}</title></head><body></body></html>"


def _sections(paper: Paper) -> dict[str, list[str]]:
    """Return paragraphs by heading: the facts among other sentences, over 400 words in all."""
    fillers = cycle(_FILLER)
    sections = {}
    for heading, chapters in _CHAPTERS.items():
        rows = [
            f"{next(fillers)} {fact.english} {next(fillers)} {next(fillers)}"
            for fact in paper.facts
            if fact.chapter in chapters
        ]
        rows += [" ".join(islice(fillers, 5)) for _ in range(120 if paper.long else 2)]
        sections[heading] = rows
    sections["References"] = [f"[{number}] A. Writer. An earlier work." for number in range(1, 6)]
    return sections
