"""The registry of formats for a reader's saved papers: what reference managers read, Markdown, and a table."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from enum import StrEnum
from typing import Any

from bot.digests.elements.arxiv_ids import abstract_url
from bot.rendering.discord_text import escape
from bot.rendering.export import bibtex, citation_keys, formats
from bot.text.analysis import latex
from storage import models

CSV_COLUMNS = ("arxiv_id", "title", "authors", "year", "votes", "url", "saved_on", "tags", "note")
_MARKUP = re.compile(r"[\\`*_{}\[\]<>#|~!]")


class ReferenceFormat(StrEnum):
    """The formats of an export of saved papers."""

    BIBTEX = "bibtex"
    RIS = "ris"
    CSL = "csl-json"
    MARKDOWN = "markdown"
    CSV = "csv"


FILE_ENDINGS = {
    ReferenceFormat.BIBTEX: "bib",
    ReferenceFormat.RIS: "ris",
    ReferenceFormat.CSL: "json",
    ReferenceFormat.MARKDOWN: "md",
    ReferenceFormat.CSV: "csv",
}


def render_references(
    form: ReferenceFormat, papers: Sequence[models.SavedPaper], confirmed_ids: Collection[int]
) -> str:
    """Return the papers, in the order given, as the text of one file that ends with a line end.

    `confirmed_ids` are the papers whose authors are in arXiv's order; BibTeX notes it of the others.
    """
    return _RENDERERS[form](papers, confirmed_ids)


def split_name(name: str) -> tuple[str, str, str]:
    """Return the family name, the given names and the suffix behind a comma; `join_name` reverses it."""
    head, _, suffix = name.partition(",")
    if "," in name and " " not in head.strip():
        return head.strip(), "", suffix.strip()
    given, _, family = head.strip().rpartition(" ")
    return family, given.strip(), suffix.strip()


def join_name(family: str, given: str = "", suffix: str = "") -> str:
    """Return a name in its natural order: `Ada Lovelace`, `John Smith, Jr.`."""
    name = " ".join(part for part in (given.strip(), family.strip()) if part)
    return f"{name}, {suffix.strip()}" if suffix.strip() else name


def _render_bibtex(papers: Sequence[models.SavedPaper], confirmed_ids: Collection[int]) -> str:
    return "\n".join(
        bibtex.render_entry(
            paper.arxiv_id,
            _title(paper),
            paper.authors,
            key=key,
            truncated=paper.authors_truncated,
            is_order_confirmed=paper.id in confirmed_ids or not paper.is_listed,
            note=paper.note,
            tags=paper.tags,
            is_latex=False,
        )
        for key, paper in zip(_keys(papers), papers, strict=True)
    )


def _render_ris(papers: Sequence[models.SavedPaper], _: Collection[int]) -> str:
    return "".join(
        "".join(f"{tag}  - {value}\n" for tag, value in _ris_fields(key, paper)) + "ER  - \n\n"
        for key, paper in zip(_keys(papers), papers, strict=True)
    )


def _ris_fields(key: str, paper: models.SavedPaper) -> list[tuple[str, str]]:
    authors = [", ".join(_ris_name(name)) for name in _names(paper)]
    return [
        ("TY", "GEN"),
        ("ID", key),
        *([("TI", title)] if (title := _title(paper)) else []),
        *(("AU", author) for author in authors),
        ("PY", citation_keys.year_of(paper.arxiv_id)),
        ("PB", "arXiv"),
        ("M1", f"arXiv:{paper.arxiv_id}"),
        ("DO", f"10.48550/arXiv.{paper.arxiv_id}"),
        ("UR", abstract_url(paper.arxiv_id)),
        *(("KW", tag) for tag in paper.tags),
        *(("N1", line) for line in paper.note.splitlines()),
    ]


def _ris_name(name: str) -> list[str]:
    family, given, suffix = split_name(name)
    if suffix:
        return [family, given, suffix]
    return [family, given] if given else [family]


def _render_csl(papers: Sequence[models.SavedPaper], _: Collection[int]) -> str:
    items = [_csl_item(key, paper) for key, paper in zip(_keys(papers), papers, strict=True)]
    return json.dumps(items, ensure_ascii=False, indent=1) + "\n"


def _csl_item(key: str, paper: models.SavedPaper) -> dict[str, Any]:
    year = citation_keys.year_of(paper.arxiv_id)
    item = {
        "id": key,
        "type": "article",
        "title": _title(paper),
        "author": [_csl_name(name) for name in _names(paper)],
        "issued": {"date-parts": [[int(year)]]} if year else None,
        "number": f"arXiv:{paper.arxiv_id}",
        "publisher": "arXiv",
        "DOI": f"10.48550/arXiv.{paper.arxiv_id}",
        "URL": abstract_url(paper.arxiv_id),
        "keyword": ", ".join(paper.tags),
        "note": paper.note,
    }
    return {name: value for name, value in item.items() if value}


def _csl_name(name: str) -> dict[str, str]:
    family, given, suffix = split_name(name)
    if suffix or not given:
        return {"literal": name}
    return {"family": family, "given": given}


def _render_markdown(papers: Sequence[models.SavedPaper], _: Collection[int]) -> str:
    return "".join(_markdown_item(paper) for paper in papers)


def _markdown_item(paper: models.SavedPaper) -> str:
    title = _escape_markdown(_title(paper) or paper.arxiv_id)
    authors = ", ".join([*map(_escape_markdown, _names(paper)), *(["…"] if paper.authors_truncated else [])])
    facts = [
        authors,
        citation_keys.year_of(paper.arxiv_id),
        f"arXiv:{paper.arxiv_id}",
        " ".join(f"\\#{_escape_markdown(tag)}" for tag in paper.tags),
    ]
    lines = [f"- [{title}]({abstract_url(paper.arxiv_id)})", " · ".join(fact for fact in facts if fact)]
    lines += [f"> {_escape_markdown(line)}" for line in paper.note.splitlines()]
    return "  \n  ".join(lines[:2]) + "".join(f"\n  {line}" for line in lines[2:]) + "\n"


def _render_csv(papers: Sequence[models.SavedPaper], _: Collection[int]) -> str:
    file = io.StringIO()
    # Spreadsheets take a file without this mark for one in their own encoding.
    file.write("\ufeff")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for paper in papers:
        row = (
            paper.arxiv_id,
            _title(paper),
            "; ".join([*_names(paper), *(["…"] if paper.authors_truncated else [])]),
            citation_keys.year_of(paper.arxiv_id),
            paper.votes,
            abstract_url(paper.arxiv_id),
            paper.saved_at.date().isoformat(),
            ", ".join(paper.tags),
            paper.note,
        )
        writer.writerow([formats.escape_formula(value) for value in row])
    return file.getvalue()


def _keys(papers: Sequence[models.SavedPaper]) -> list[str]:
    return citation_keys.make_unique(
        citation_keys.make_key(paper.arxiv_id, _title(paper), paper.authors) for paper in papers
    )


def _title(paper: models.SavedPaper) -> str:
    """Return the title on one line; the LaTeX that digests keep becomes plain text, a file's own title is plain."""
    title = latex.to_plain_text(paper.title or "") if paper.is_listed else paper.title or ""
    return escape.to_single_line(title)


def _names(paper: models.SavedPaper) -> list[str]:
    return [name for name in map(escape.to_single_line, paper.authors) if name]


def _escape_markdown(text: str) -> str:
    return _MARKUP.sub(r"\\\g<0>", escape.to_single_line(text))


_RENDERERS: Mapping[ReferenceFormat, Callable[[Sequence[models.SavedPaper], Collection[int]], str]] = {
    ReferenceFormat.BIBTEX: _render_bibtex,
    ReferenceFormat.RIS: _render_ris,
    ReferenceFormat.CSL: _render_csl,
    ReferenceFormat.MARKDOWN: _render_markdown,
    ReferenceFormat.CSV: _render_csv,
}
