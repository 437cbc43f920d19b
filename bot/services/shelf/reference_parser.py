"""Parses files of references that reference managers write: BibTeX, RIS, CSL JSON, Zotero RDF. Pure, for hostile input too.

Each reference becomes a dictionary: `arxiv_id` (None if it names none), `title`, `authors`, `note` and `tags`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from pybtex.bibtex.utils import split_name_list
from pybtex.database.input import bibtex
from pybtex.scanner import PybtexSyntaxError
from pybtex.textutils import normalize_whitespace
from pybtex.utils import CaseInsensitiveDict
from rispy import RisParser

from bot.digests.elements import arxiv_ids
from bot.errors import PaperroundError
from bot.rendering.discord_text import escape
from bot.rendering.export.references import join_name
from bot.services.shelf import zotero_rdf
from bot.text.analysis import latex

MAX_REFERENCES = 10_000
MAX_TITLE_LENGTH = 1_000
MAX_AUTHORS, MAX_NAME_LENGTH = 200, 200
MAX_EXPANSION = 2_000_000
"""Characters that the abbreviations (`@string`) of a file may become together; later ones are left out."""
MAX_NAMED_PROBLEMS = 10
"""Broken references whose place is reported; the others are counted."""

Reference = dict[str, Any]
_RIS_START = re.compile(r"(?m)^TY  - ?")
_JSON_START = re.compile(r"\s*[\[{]")
_LINE_END = re.compile(r"\r\n?|\n")
_ID_FIELDS = (
    "eprint",
    "arxivid",
    "doi",
    "url",
    "number",
    "note",
    "journal",
    "howpublished",
    "publisher",
    "annote",
)
_ID_IN_TEXT = re.compile(
    r"(?i)arxiv[\s:./]{0,3}(?:abs/|pdf/)?([a-z.\-]{2,16}/[0-9]{7}|[0-9]{4}\.[0-9]{4,5})(?![0-9])"
)
_RIS_ID_TAGS = ("DO", "UR", "M1", "AN", "N1", "JO", "T2", "PB", "L1", "L2", "C1")
_CSL_ID_FIELDS = ("DOI", "URL", "number", "note", "archive_location", "container-title", "publisher", "id")
_ID_LINE = re.compile(
    rf"\s*{_ID_IN_TEXT.pattern.removeprefix('(?i)')}(?:v[0-9]+)?(?: \[[\w.\-]+\])?\s*", re.IGNORECASE
)
"""What Zotero writes in the note of a preprint."""
_PAR = re.compile(r"\s*\\par\b(?:\{\})?\s?")


class UnreadableFileError(PaperroundError):
    """A file that has none of the known formats, or that takes too much time or memory to read."""


def parse_references(text: str) -> tuple[list[Reference], list[str], int]:
    """Return the references, where some of the broken ones are (a line, or `#3` in JSON and RDF), and how many are left out.

    Those left out are broken or behind `MAX_REFERENCES`. Raises UnreadableFileError.
    """
    text = _LINE_END.sub("\n", text.removeprefix("\ufeff"))
    references: list[Reference] = []
    problems: list[str] = []
    left_out = 0
    for place, reference in _choose_parser(text)(text):
        if reference is not None and len(references) < MAX_REFERENCES:
            references.append(reference)
            continue
        left_out += 1
        if reference is None and len(problems) < MAX_NAMED_PROBLEMS:
            problems.append(place)
    return references, problems, left_out


def _choose_parser(text: str) -> Callable[[str], Iterator[tuple[str, Reference | None]]]:
    if zotero_rdf.is_xml(text):
        return _parse_rdf
    if _RIS_START.search(text):
        return _parse_ris
    if _JSON_START.match(text):
        return _parse_csl
    if "@" in text:
        return _parse_bibtex
    raise UnreadableFileError("it is neither BibTeX nor RIS nor CSL JSON nor Zotero RDF")


class _BoundedParser(bibtex.LowLevelParser):  # type: ignore[misc]
    """A parser that goes on after an error, and whose abbreviations cannot grow without bound."""

    def __init__(self, text: str) -> None:
        super().__init__(text, macros=CaseInsensitiveDict(bibtex.month_names))
        self.broken_at: list[int] = []
        self._expanded = 0

    def handle_error(self, error: PybtexSyntaxError) -> None:
        """Note an entry that is cut short or has a syntax error; an unknown abbreviation is empty, an address is text."""
        if not isinstance(error, bibtex.UndefinedMacro) and self.current_entry_key is not None:
            self.broken_at.append(self.command_start)

    def substitute_macro(self, name: str) -> str:
        """Return the value of an abbreviation, empty once all together have become too long."""
        value: str = super().substitute_macro(name)
        self._expanded += len(value)
        return value if self._expanded <= MAX_EXPANSION else ""


def _parse_bibtex(text: str) -> Iterator[tuple[str, Reference | None]]:
    parser = _BoundedParser(text)
    broken = line = position = 0
    for command, body in parser:
        if command.lower() in ("string", "preamble"):
            continue
        line += text.count("\n", position, parser.command_start)
        position = parser.command_start
        is_broken = len(parser.broken_at) > broken
        broken = len(parser.broken_at)
        yield str(line + 1), None if is_broken else _from_bibtex(body[1])


def _from_bibtex(fields: Iterable[tuple[str, Sequence[str]]]) -> Reference:
    values = {name.lower(): normalize_whitespace("".join(parts)) for name, parts in reversed(list(fields))}
    names = [name for name in split_name_list(values.get("author", "")) if name.lower() != "others"]
    note = values.get("annote") or values.get("annotation", "")
    return _reference(
        _find_id(values.get(name, "") for name in _ID_FIELDS),
        latex.decode_field(values.get("title", "")),
        [_bibtex_name(name) for name in names[:MAX_AUTHORS]],
        "\n".join(latex.decode_field(line) for line in _PAR.split(note)),
        [latex.decode_field(tag) for tag in re.split(r"[,;]", values.get("keywords", ""))],
    )


def _bibtex_name(name: str) -> str:
    """Return a name in its natural order: `Yuan, Jingyang` is reversed, one in braces is as it is."""
    parts = [latex.decode_field(part).strip() for part in _split_outside_braces(name)]
    if len(parts) == 1:
        return parts[0]
    return join_name(parts[0], parts[-1], parts[1] if len(parts) > 2 else "")


def _split_outside_braces(name: str) -> list[str]:
    """Split a name at the commas that are not in braces."""
    parts, depth = [""], 0
    for char in name:
        depth += (char == "{") - (char == "}")
        if char == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return parts


def _parse_ris(text: str) -> Iterator[tuple[str, Reference | None]]:
    starts = [match.start() for match in _RIS_START.finditer(text)]
    line = position = 0
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        line += text.count("\n", position, start)
        position = start
        yield str(line + 1), _from_ris(text[start:end])


def _from_ris(chunk: str) -> Reference | None:
    """Return the reference of one record, None if it has no end or no readable tag."""
    tags = {**RisParser.DEFAULT_MAPPING, "C1": "", "L1": "", "L2": ""}
    mapping = {tag: tag for tag in tags}
    parser = RisParser(
        mapping=mapping, list_tags=[tag for tag in mapping if tag != "TY"], delimiter_tags_mapping={}
    )
    records = parser.parse(chunk)
    if not records:
        return None
    record: Mapping[str, Any] = records[0]
    titles: Sequence[str] = next((record[tag] for tag in ("TI", "T1") if tag in record), ())
    names = [name for tag in ("AU", "A1") for name in record.get(tag, ())]
    return _reference(
        _find_id(" ".join(record.get(tag, ())) for tag in _RIS_ID_TAGS),
        " ".join(titles),
        [_ris_name(name) for name in names[:MAX_AUTHORS]],
        "\n".join(record.get("N1", ())),
        record.get("KW", ()),
    )


def _ris_name(name: str) -> str:
    family, *rest = (part.strip() for part in name.split(",", 2))
    return join_name(family, *rest)


def _parse_csl(text: str) -> Iterator[tuple[str, Reference | None]]:
    try:
        items = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableFileError("its JSON is broken") from error
    if isinstance(items, dict):
        items = items.get("items", [items])
    if not isinstance(items, list):
        raise UnreadableFileError("its JSON has no list of references")
    for number, item in enumerate(items, 1):
        yield f"#{number}", _from_csl(item) if isinstance(item, dict) else None


def _from_csl(item: Mapping[str, Any]) -> Reference:
    values = {name: value for name, value in item.items() if isinstance(value, str)}
    authors = item.get("author")
    note = "\n".join(line for line in values.get("note", "").splitlines() if not _ID_LINE.fullmatch(line))
    return _reference(
        _find_id(values.get(name, "") for name in _CSL_ID_FIELDS),
        values.get("title", ""),
        [_csl_name(name) for name in (authors if isinstance(authors, list) else [])[:MAX_AUTHORS]],
        note,
        re.split(r"[,;]", values.get("keyword", "")),
    )


def _csl_name(name: Any) -> str:
    parts = (
        {key: value for key, value in name.items() if isinstance(value, str)}
        if isinstance(name, dict)
        else {}
    )
    if "literal" in parts:
        return str(parts["literal"])
    particles = (
        parts.get("dropping-particle", ""),
        parts.get("non-dropping-particle", ""),
        parts.get("family", ""),
    )
    family = " ".join(part for part in particles if part)
    return join_name(family, parts.get("given", ""), parts.get("suffix", ""))


def _parse_rdf(text: str) -> Iterator[tuple[str, Reference | None]]:
    try:
        for number, (texts, title, authors, note, tags) in enumerate(zotero_rdf.read_items(text), 1):
            names = [join_name(*name) for name in authors[:MAX_AUTHORS]]
            yield f"#{number}", _reference(_find_id(texts), title, names, note, tags)
    except zotero_rdf.BrokenXmlError as error:
        raise UnreadableFileError(str(error)) from error


def _find_id(texts: Iterable[str]) -> str | None:
    """Return the first arXiv id in the texts: alone, in a link, or behind `arXiv`, as in the DOI 10.48550/arXiv.…"""
    for text in texts:
        found = arxiv_ids.extract_arxiv_id(text)
        if found is None and (match := _ID_IN_TEXT.search(text)):
            found = arxiv_ids.parse_bare_id(match[1])
        if found is not None:
            return found
    return None


def _reference(
    arxiv_id: str | None, title: str, authors: Iterable[str], note: str, tags: Iterable[str]
) -> Reference:
    names = (escape.to_single_line(name)[:MAX_NAME_LENGTH].strip() for name in authors)
    return {
        "arxiv_id": arxiv_id,
        "title": escape.to_single_line(title)[:MAX_TITLE_LENGTH].strip(),
        "authors": [name for name in names if name],
        "note": note,
        "tags": [tag for tag in (escape.to_single_line(tag) for tag in tags) if tag],
    }
