"""A newsletter's beginning and a paper, and what the parser makes of a text or of one paper's lines."""

from __future__ import annotations

from bot.archive import parse
from storage import models

DATE = "## Daily Papers (2025-02-06)\n\n"
PAPER = """### [A Small Model](https://arxiv.org/abs/2502.00001)

![](https://example.org/2502.00001.png)

Vote: 12

Authors: Ada One, Ben Two

- ***What's New***: It is small.
- ***Performance Highlights***: It is quick.

"""


def parse_digest(text: str) -> models.Digest:
    (digest,) = parse.parse_text(text)
    return digest


def parse_paper(body: str) -> tuple[models.Entry, list[int]]:
    """The only paper of a digest, and the lines of its problems, where 1 is the first line of `body`."""
    digest = parse_digest(f"{DATE}### [A Title](https://arxiv.org/abs/2502.00001)\n{body}")
    (paper,) = digest.entries
    return paper, [problem.line - 3 for problem in digest.problems]


def sections(body: str) -> list[tuple[str | None, str]]:
    paper, problems = parse_paper(body)
    assert problems == []
    return [(section.heading, section.body) for section in paper.sections]
