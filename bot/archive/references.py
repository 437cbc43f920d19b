"""References in files of reference managers and in this bot's exports: BibTeX, RIS, JSON (CSL, `/me data`) and CSV.

In another text, each line is a reference: to the papers whose arXiv ids it has, or to the one with its title.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

from bot.archive import arxiv_ids, exports, title_reader
from bot.text import typography

_BIBTEX_ENTRY = re.compile(r"^[ \t]*@(\w+)\s*[{(]\s*([^\s,{}()]*)", re.MULTILINE)
_BIBTEX_FIELD = re.compile(r"[,{(\s](title|keywords|annote)\s{0,20}=\s{0,20}[{\"]", re.IGNORECASE)
_RIS_START = re.compile(r"^TY  - ?", re.MULTILINE)
_RIS_LINE = re.compile(r"^([A-Z][A-Z0-9])  - ?(.*)$", re.MULTILINE)
_RIS_KEYWORD = re.compile(r"^KW  - .*", re.MULTILINE)
_RIS_TITLES = ("TI", "T1", "CT")
_NOT_TEXT, _WORD = re.compile(r"[\x01-\x08\x0e-\x1f]"), re.compile(r"[^\W\d_]{2}")
_TITLE_COLUMNS, _KEY_COLUMNS = ("title", "publication title", "제목"), ("key", "citation key", "id")


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference to one paper: its arXiv id (None if the file lacks it) and title ("" if unknown).

    `label` names it for its reader. The note and tags are those of an export by this bot.
    """

    label: str
    arxiv_id: str | None
    title: str
    note: str = ""
    tags: str = ""


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry of a file: its text without keywords, which may be numbers, and its fields as plain text."""

    text: str
    key: str = ""
    title: str = ""
    note: str = ""
    tags: str = ""


def read_references(text: str, on: date) -> list[Reference]:
    """Return a file's references in order, each paper once. `on` is today's date.

    An entry that names several papers is a reference for each. One without an id has a label, or is left out.
    """
    references: dict[str, Reference] = {}
    for entry in _read_entries(text):
        label = entry.title or entry.key
        if (own_id := exports.parse_key(entry.key)) is not None:
            references[own_id] = Reference(label, own_id, entry.title, entry.note, entry.tags)
            continue
        ids = arxiv_ids.list_arxiv_ids(entry.text, on)
        for arxiv_id in ids:
            references.setdefault(arxiv_id, Reference(label or arxiv_id, arxiv_id, entry.title))
        if not ids and label:
            references.setdefault(f" {label}", Reference(label, None, entry.title))
    return list(references.values())


def _read_entries(text: str) -> Iterator[_Entry]:
    """Yield the entries of a file, which together contain all of its text that may name papers."""
    if text.lstrip()[:1] in ("{", "["):
        try:
            yield from map(_read_json, _list_items(json.loads(text)))
        except (ValueError, RecursionError):
            yield from _read_lines(text)
        return
    for pattern, read in ((_BIBTEX_ENTRY, _read_bibtex), (_RIS_START, _read_ris)):
        if starts := [match.start() for match in pattern.finditer(text)]:
            yield _Entry(text[: starts[0]])
            yield from (read(text[start:end]) for start, end in pairwise([*starts, len(text)]))
            return
    yield from _read_table(text)


def _list_items(value: Any) -> Iterable[Any]:
    """Return the items of a JSON file: of a list, of Better BibTeX's `items`, or of the saved papers in `/me data`."""
    if isinstance(value, dict):
        tables = value.get("tables")
        saved = tables.get("saved_papers") if isinstance(tables, dict) else None
        if isinstance(saved, list):
            rows = [row for row in reversed(saved) if isinstance(row, dict) and row.get("paper_id")]
            rows.sort(key=lambda row: str(row.get("saved_at")), reverse=True)
            tags = [",".join(str(row.get("tags") or "").split()) for row in rows]
            ids = [exports.make_key(str(row.get("paper_id"))) for row in rows]
            return [{**row, "id": id_, "keyword": tag} for row, id_, tag in zip(rows, ids, tags, strict=True)]
        value = value.get("items", [value])
    return value if isinstance(value, list) else [value]


def _read_json(item: Any) -> _Entry:
    if not isinstance(item, dict):
        return _Entry(json.dumps(item, ensure_ascii=False))
    text = json.dumps({**item, "keyword": ""}, ensure_ascii=False)
    texts = {name: value for name, value in item.items() if isinstance(value, str)}
    key = texts.get("citationKey") or texts.get("citation-key") or texts.get("id", "")
    return _Entry(text, key, texts.get("title", ""), texts.get("note", ""), texts.get("keyword", ""))


def _read_bibtex(text: str) -> _Entry:
    head = _BIBTEX_ENTRY.match(text)
    assert head is not None, "an entry starts with its type"
    fields: dict[str, str] = {}
    for match in _BIBTEX_FIELD.finditer(text):
        if (name := match[1].lower()) not in fields:
            fields[name] = _read_value(text, match.end() - 1)
    if head[1].lower() in ("comment", "string", "preamble"):
        return _Entry(text)
    note, tags = (exports.unescape_bibtex(fields.get(name, "")) for name in ("annote", "keywords"))
    text = text.replace(fields.get("keywords") or "\0", "")
    return _Entry(text, head[2], _plain(fields.get("title", "")), note, tags)


def _read_value(text: str, start: int) -> str:
    """Return a BibTeX value from its opening brace or quote to the one that ends it, or to the end of the line."""
    depth, is_quoted = 0, text[start] == '"'
    for match in re.finditer(r"\\.|[{}\"]", text[start:], re.DOTALL):
        depth += {"{": 1, "}": -1}.get(match[0], 0)
        if depth == 0 and match.start() and match[0] in ('"' if is_quoted else "}"):
            return text[start + 1 : start + match.start()]
    return text[start + 1 :].partition("\n")[0]


def _plain(latex: str) -> str:
    """Return LaTeX as plain text on one line, without the braces that keep capitals."""
    return " ".join(typography.to_plain_text(latex).replace("{", "").replace("}", "").split())


def _read_ris(text: str) -> _Entry:
    fields: dict[str, list[str]] = {}
    for tag, value in _RIS_LINE.findall(text):
        fields.setdefault(tag, []).append(value.strip())
    title = next((fields[tag][0] for tag in _RIS_TITLES if tag in fields), "")
    key = fields.get("ID", [""])[0]
    note, tags = "\n".join(fields.get("N1", [])), ",".join(fields.get("KW", []))
    return _Entry(_RIS_KEYWORD.sub("", text), key, title, note, tags)


def _read_table(text: str) -> Iterator[_Entry]:
    """Yield the rows of a table whose first line names a column for titles; otherwise the lines."""
    first = text.lstrip("\ufeff").partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    columns = [name.strip().strip('"').casefold() for name in first.split(delimiter)]
    title = next((columns.index(name) for name in _TITLE_COLUMNS if name in columns), None)
    if title is None or len(columns) < 2:
        yield from _read_lines(text)
        return
    key = next((columns.index(name) for name in _KEY_COLUMNS if name in columns), None)
    try:
        for row in csv.reader(io.StringIO(text), delimiter=delimiter):
            cells = [*row, *[""] * (len(columns) - len(row))]
            is_head = cells[title].strip().casefold() in _TITLE_COLUMNS
            name = cells[key].strip() if key is not None and not is_head else ""
            yield _Entry("\n".join(row), name, "" if is_head else cells[title].strip())
    except csv.Error:  # a field of more than 128 kB
        yield _Entry(text)


def _read_lines(text: str) -> Iterator[_Entry]:
    """Yield the lines of a text, each with its words as the key if it may be a title or reference. A PDF has none."""
    is_text = _NOT_TEXT.search(text) is None
    for line in text.lstrip("\ufeff\ufffd").splitlines():
        name = line.strip()
        may_name = is_text and "\ufffd" not in name and not name.startswith("<") and _WORD.search(name)
        if may_name and len(name) <= title_reader.MAX_TITLE_LENGTH:
            yield _Entry(line, name, title_reader.read_title(name, min_words=2) or "")
        else:
            yield _Entry(line)
