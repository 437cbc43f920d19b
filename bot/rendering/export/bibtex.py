"""Papers as BibTeX entries, in Unicode (which biber and current BibTeX styles accept), with LaTeX escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

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
_ORDERED = 2
"""The fewest authors that have an order."""


UNCONFIRMED_ORDER = "Author order unconfirmed"
"""The note of an entry whose authors do not come from arXiv: digests shuffle them."""


def render_bibtex(papers: Iterable[tuple[models.Entry, Mapping[str, Any]]]) -> str:
    """Return one entry per paper, in the order given; a repeated paper is one entry.

    Each comes with what storage knows of it, whose authors count before those of the digest.
    """
    entries: dict[str, str] = {}
    for paper, stored in papers:
        if (key := paper.arxiv_id) not in entries:
            known = stored if stored.get("authors") else {}
            entries[key] = render_entry(
                key,
                paper.title,
                known.get("authors", paper.authors),
                truncated=known.get("authors_truncated", paper.authors_truncated),
                is_order_confirmed=known.get("author_order_confirmed", False),
                url=paper.url,
            )
    return "\n".join(entries.values())


def render_entry(
    arxiv_id: str,
    title: str | None,
    authors: Sequence[str],
    *,
    truncated: bool = False,
    is_order_confirmed: bool = True,
    url: str | None = None,
) -> str:
    """Return one entry with the key `arxiv:<id>`, ending in a line end.

    The year is that of the id (YYMM); a shortened list of authors ends in `and others`; a note says that the order of
    the authors is not confirmed by arXiv.
    """
    names = [_format_author(name) for name in authors if escape.to_single_line(name)]
    fields = {
        "title": f"{{{escape_bibtex(latex.to_plain_text(title))}}}" if title else "",
        "author": " and ".join([*names, "others"] if truncated and names else names),
        "year": _year(arxiv_id),
        "eprint": arxiv_id,
        "archivePrefix": "arXiv",
        "note": "" if is_order_confirmed or len(names) < _ORDERED else UNCONFIRMED_ORDER,
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
