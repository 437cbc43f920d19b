"""Made-up papers, with their texts as Hugging Face and arXiv serve them.

The texts keep `docs/services.md`, sections *Facts and texts of a paper* and *arXiv's pages*.
"""

import html
import tomllib
from collections.abc import Sequence
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from typing import Any, NamedTuple

from tests.support import paper_pages, source_payloads

_FILE = Path(__file__).with_name("papers.toml")
_CHAPTERS = {
    "1 Introduction": ("motivation", "contributions"),
    "2 Method": ("method",),
    "3 Experiments": ("setup", "results"),
    "4 Limitations and outlook": ("limitations", "future_work"),
}


class Fact(NamedTuple):
    """A sentence of a paper in both languages. `chapter` is a key of the review's schema."""

    chapter: str
    english: str
    korean: str


class Paper(NamedTuple):
    """A paper. `text` tells where its full text is: md, html or none. `abstract` is the number of facts in its abstract."""

    id: str
    title: str
    authors: Sequence[str]
    votes: int
    facts: Sequence[Fact]
    abstract: int
    text: str = "md"
    ai_summary: str | None = None

    @property
    def summary(self) -> str:
        return " ".join(fact.english for fact in self.facts[: self.abstract])


@cache
def load() -> tuple[Paper, ...]:
    rows = tomllib.loads(_FILE.read_text("utf-8"))["paper"]
    return tuple(Paper(**{**row, "facts": [Fact(*fact) for fact in row["facts"]]}) for row in rows)


def make(count: int) -> list[Paper]:
    """Return `count` papers: the papers in the file, then copies with other ids and titles."""
    rows = islice(enumerate(cycle(load())), count)
    return [_copy(paper, number // len(load())) for number, paper in rows]


def _copy(paper: Paper, number: int) -> Paper:
    arxiv_id = f"{paper.id[:-4]}{int(paper.id[-4:]) + 100 * number:04}"
    title = f"{paper.title}, Part {number + 1}" if number else paper.title
    return paper._replace(id=arxiv_id, title=title)


def daily_papers_item(paper: Paper) -> dict[str, Any]:
    """Return the paper as an item in Hugging Face's daily list."""
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
    """Return the paper as Hugging Face's Markdown."""
    body = "\n\n".join(
        f"## {heading}\n\n" + "\n\n".join(fact.english for fact in paper.facts if fact.chapter in chapters)
        for heading, chapters in _CHAPTERS.items()
    )
    return paper_pages.markdown_page(title=paper.title, paper_id=paper.id, content=body)


def web_page(paper: Paper) -> str:
    """Return what Hugging Face gives as Markdown of a paper without arXiv HTML: the paper's page there."""
    return paper_pages.web_page(
        title=paper.title, paper_id=paper.id, comment=" ".join(fact.english for fact in paper.facts)
    )


def latexml(paper: Paper) -> str:
    """Return the paper as arXiv's HTML, made by LaTeXML."""
    rows = "</p><p>".join(html.escape(fact.english) for fact in paper.facts)
    return paper_pages.latexml_page(rows, title=html.escape(paper.title), paper_id=paper.id)
