"""A digest's entries as the Markdown of a newsletter or a review, which the parsers parse back to the same entries.

`templates/export.*.md.j2` arrange the values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from bot.digests.elements import labelled_fields
from storage import models

_HEADING = re.compile(r" {0,3}(#{1,6})(?=[ \t]|$)[ \t]*(.*?)[ \t#]*$")
_RULE = re.compile(r"[ \t]*([-*_])(?:[ \t]*\1){2,}[ \t]*")
_FENCE_MARKS = ("```", "~~~")
_MAX_HIGHLIGHT_LENGTH = 200
_PLAIN_LIST = re.compile(r"[^,;\[\"]+")


ExportPaper = tuple[models.Entry, str, str]
"""A paper for the export templates: its entry with a title on one line, its authors and its summary as Markdown."""


def render_newsletter_paper(entry: models.Entry) -> ExportPaper:
    """Return a paper with its sections as bullets, or under low headings if a bullet cannot hold one of them."""
    is_bulleted = all(_fits_bullet(section) for section in entry.sections)
    render_section = _render_bullet if is_bulleted else _render_low_heading
    body = ("\n" if is_bulleted else "\n\n").join(render_section(section) for section in entry.sections)
    title = entry.title or entry.arxiv_id
    return _build_paper(entry, title, body)


def render_review_paper(entry: models.Entry) -> ExportPaper:
    """Return a paper with its sections as chapters inside a fence, the title above them."""
    level = "#" if any(_min_heading_level(section.body) <= 2 for section in entry.sections) else "##"
    title = [f"# 논문 요약: {_one_line(entry.title)}"] if entry.title and entry.sections else []
    headless = [section for section in entry.sections if not section.heading]
    chapters = [section for section in entry.sections if section.heading]
    parts = [section.body if len(headless) == 1 else _render_bullet(section) for section in headless]
    parts += [f"{level} {_one_line(section.heading)}\n\n{section.body}" for section in chapters]
    body = "\n\n".join(title + parts)
    inner_fences = re.findall(r"^[ \t]*(`{3,})", body, re.MULTILINE)
    fence = "`" * max([3, *(len(inner) + 1 for inner in inner_fences)])
    return _build_paper(entry, entry.title, f"{fence}markdown\n{body}\n{fence}" if body else "")


PAPER_RENDERERS: Mapping[models.DigestFormat, Callable[[models.Entry], ExportPaper]] = {
    models.DigestFormat.NEWSLETTER: render_newsletter_paper,
    models.DigestFormat.REVIEW: render_review_paper,
}


def _build_paper(entry: models.Entry, title: str | None, body: str) -> ExportPaper:
    return replace(entry, title=_one_line(title) if title else None), _format_authors(entry), body


def _format_authors(entry: models.Entry) -> str:
    """Return the names with commas between them, as a quoted list if a name has one; `+` marks a shortened list."""
    names = [_one_line(name) for name in entry.authors]
    if all(_PLAIN_LIST.fullmatch(name) for name in names):
        return ", ".join([*names, "+"] if entry.authors_truncated else names)
    quoted = ", ".join('"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"' for name in names)
    return f"[{quoted}{', +' if entry.authors_truncated else ''}]"


def _fits_bullet(section: models.Section) -> bool:
    heading = section.heading or ""
    return "*" not in heading and len(heading) <= _MAX_HIGHLIGHT_LENGTH


def _render_bullet(section: models.Section) -> str:
    first, *rest = _flatten_structure(section.body)
    head = f"***{_one_line(section.heading)}***: " if section.heading else ""
    is_indented = all(line.startswith(" ") for line in rest if line.strip()) and any(rest)
    is_structure = first.startswith((*_FENCE_MARKS, " "))
    if is_indented or is_structure or labelled_fields.parse_labelled_field(f"- {head}{first}"):
        # In the bullet's own line it would be parsed as something else, or the lines below would lose their indentation.
        first, rest = "", [first, *rest]
    return "\n".join([f"- {head}{first}".rstrip(), *(f"  {line}" if line.strip() else "" for line in rest)])


def _render_low_heading(section: models.Section) -> str:
    body = "\n".join(_flatten_structure(section.body))
    return f"#### {_one_line(section.heading)}\n\n{body}" if section.heading else f"- {body}"


def _flatten_structure(body: str) -> list[str]:
    """Return the lines of a body with headings as bold lines and rules as blank lines: a bullet can hold neither."""
    flattened = []
    for line, is_fenced in _mark_fenced(body.split("\n")):
        heading = None if is_fenced else _HEADING.fullmatch(line)
        if heading:
            line = f"**{heading[2].strip('*_ ')}**" if heading[2] else ""
        elif not is_fenced and _RULE.fullmatch(line):
            line = ""
        flattened.append(line)
    return flattened


def _min_heading_level(body: str) -> int:
    levels = [
        len(heading[1])
        for line, is_fenced in _mark_fenced(body.split("\n"))
        if not is_fenced and (heading := _HEADING.fullmatch(line))
    ]
    return min(levels, default=7)


def _mark_fenced(lines: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Yield each line and whether it belongs to a code block, closed or not."""
    fence = ""
    for line in lines:
        bare = line.lstrip()
        if fence:
            yield line, True
            if bare.startswith(fence) and not bare.strip(fence[0]).strip():
                fence = ""
        elif bare.startswith(_FENCE_MARKS):
            fence = bare[: len(bare) - len(bare.lstrip(bare[0]))]
            yield line, True
        else:
            yield line, False


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())
