"""Papers as BibTeX entries, in Unicode (which biber and current BibTeX styles accept), with LaTeX escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from bot.digests.elements.arxiv_ids import abstract_url
from bot.rendering.discord_text import escape
from bot.text.analysis import latex
from storage import models

_SPECIAL = re.compile(r"[\\{}$&#%_~^]")
_COMMANDS = {
    "\\": r"\textbackslash{}",
    # Not `\{`: BibTeX counts escaped braces too.
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}
_NEW_ID = re.compile(r"([0-9]{2})([0-9]{2})\.[0-9]{4,5}")
_OLD_ID = re.compile(r"[a-z.\-]+/([0-9]{2})([0-9]{2})[0-9]{3}", re.IGNORECASE)
_CENTURY_PIVOT = 91


def render_bibtex(papers: Iterable[models.Entry]) -> str:
    """Return one entry per paper, in the order given; a repeated paper is one entry."""
    entries: dict[str, str] = {}
    for paper in papers:
        if (key := paper.arxiv_id) not in entries:
            truncated = paper.authors_truncated
            entries[key] = render_entry(key, paper.title, paper.authors, truncated=truncated, url=paper.url)
    return "\n".join(entries.values())


def render_entry(
    arxiv_id: str,
    title: str | None,
    authors: Sequence[str],
    *,
    truncated: bool = False,
    url: str | None = None,
) -> str:
    """Return one entry with the key `arxiv:<id>`, ending in a line end.

    The year is that of the id (YYMM); a shortened list of authors ends in `and others`.
    """
    names = [_format_author(name) for name in authors if escape.to_single_line(name)]
    fields = {
        "title": f"{{{escape_bibtex(latex.to_plain_text(title))}}}" if title else "",
        "author": " and ".join([*names, "others"] if truncated and names else names),
        "year": _year(arxiv_id),
        "eprint": arxiv_id,
        "archivePrefix": "arXiv",
        "url": (escape.safe_url(url) if url else None) or abstract_url(arxiv_id),
    }
    lines = [f"  {name:<13} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@misc{{arxiv:{arxiv_id},", *lines, "}"]) + "\n"


def escape_bibtex(text: str) -> str:
    """Return `text` on one line for a BibTeX field, with LaTeX's special characters escaped."""
    return _SPECIAL.sub(lambda match: _COMMANDS.get(match[0], f"\\{match[0]}"), escape.to_single_line(text))


def _format_author(name: str) -> str:
    """Return an author's name, in braces if BibTeX would split it (`Lee, Inc.`, `A and B`)."""
    escaped = escape_bibtex(name)
    return f"{{{escaped}}}" if "," in escaped or re.search(r"(?i)\band\b|\bothers\b", escaped) else escaped


def _year(arxiv_id: str) -> str:
    match = _NEW_ID.match(arxiv_id) or _OLD_ID.match(arxiv_id)
    if not match:
        return ""
    short = int(match[1])
    return str(1900 + short if short >= _CENTURY_PIVOT else 2000 + short)
