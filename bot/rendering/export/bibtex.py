"""Papers as BibTeX entries, in Unicode (which biber and current BibTeX styles accept), with LaTeX escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bot.digests.elements.arxiv_ids import abstract_url
from bot.rendering.discord_text import escape
from bot.rendering.export import citation_keys
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
_LIGATURES = re.compile(r"([-`',<>])(?=\1)|[?!](?=`)")
"""A character that TeX would join with the next one, as in `--`."""
_ORDERED = 2
"""The fewest authors that have an order."""


UNCONFIRMED_ORDER = "Author order unconfirmed"
"""The note of an entry whose authors do not come from arXiv: digests shuffle them."""


def render_bibtex(papers: Iterable[tuple[models.Entry, Mapping[str, Any]]]) -> str:
    """Return one entry per paper, in the order given; a repeated paper is one entry.

    Each comes with what storage knows of it, whose authors count before those of the digest.
    """
    distinct: dict[str, tuple[models.Entry, Mapping[str, Any]]] = {}
    for paper, stored in papers:
        distinct.setdefault(paper.arxiv_id, (paper, stored if stored.get("authors") else {}))
    keys = citation_keys.make_unique(
        citation_keys.make_key(paper.arxiv_id, paper.title, known.get("authors", paper.authors))
        for paper, known in distinct.values()
    )
    return "\n".join(
        render_entry(
            paper.arxiv_id,
            paper.title,
            known.get("authors", paper.authors),
            key=key,
            truncated=known.get("authors_truncated", paper.authors_truncated),
            is_order_confirmed=known.get("author_order_confirmed", False),
            url=paper.url,
        )
        for key, (paper, known) in zip(keys, distinct.values(), strict=True)
    )


def render_entry(
    arxiv_id: str,
    title: str | None,
    authors: Sequence[str],
    *,
    key: str = "",
    truncated: bool = False,
    is_order_confirmed: bool = True,
    url: str | None = None,
    note: str = "",
    tags: Sequence[str] = (),
    is_latex: bool = True,
) -> str:
    """Return one entry, ending in a line end, with the citation key of the paper unless another is given.

    A title that `is_latex`, as those of digests, becomes plain text first.

    The year is that of the id (YYMM); a shortened list of authors ends in `and others`; a note says that the order of
    the authors is not confirmed by arXiv. The reader's own note is the annotation, and the tags are the keywords.
    """
    names = [_format_author(name) for name in authors if escape.to_single_line(name)]
    fields = {
        "title": f"{{{escape_bibtex(latex.to_plain_text(title) if is_latex else title)}}}" if title else "",
        "author": " and ".join([*names, "others"] if truncated and names else names),
        "year": citation_keys.year_of(arxiv_id),
        "eprint": arxiv_id,
        "archivePrefix": "arXiv",
        "note": "" if is_order_confirmed or len(names) < _ORDERED else UNCONFIRMED_ORDER,
        "url": (escape.safe_url(url) if url else None) or abstract_url(arxiv_id),
        "keywords": ", ".join(map(escape_bibtex, tags)),
        "annote": r"\par{}".join(map(escape_bibtex, note.splitlines())),
    }
    lines = [f"  {name:<13} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@misc{{{key or citation_keys.make_key(arxiv_id, title, names)},", *lines, "}"]) + "\n"


def escape_bibtex(text: str) -> str:
    """Return `text` on one line for a BibTeX field, with LaTeX's special characters escaped."""
    plain = _LIGATURES.sub("\\g<0>\0", escape.to_single_line(text))
    escaped = _SPECIAL.sub(lambda match: _COMMANDS.get(match[0], f"\\{match[0]}"), plain)
    return escaped.replace("\0", "{}")


def _format_author(name: str) -> str:
    """Return an author's name, in braces if BibTeX would split it (`Lee, Inc.`, `A and B`)."""
    escaped = escape_bibtex(name)
    return f"{{{escaped}}}" if "," in escaped or re.search(r"(?i)\band\b|\bothers\b", escaped) else escaped
