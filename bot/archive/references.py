"""References in files of reference managers and in this bot's exports: BibTeX, RIS, EndNote's and PubMed's lines, JSON, CSV.

bibtexparser and rispy read the entries. What they refuse is read leniently, so that each entry is a reference. In
another text, each line is one: to the papers whose arXiv ids it has, or to the one with its title.
"""

from __future__ import annotations

import csv
import html
import io
import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import chain, pairwise, zip_longest
from typing import Any

from bot.archive import arxiv_ids, exports, listing, title_reader
from bot.text import charsets, typography
from storage import errors

_BIBTEX_START = re.compile(
    r"@\s{0,9}(\w{1,40})\s{0,9}[{(]\s{0,99}([^\s,{}()=\"]{0,200})[^,{}()=\"\n]{0,99}[,=]"
)
_NO_ENTRIES = ("comment", "preamble", "string")
_NOT_ENTRY = re.compile(rf"@\s{{0,9}}(?:{'|'.join(_NO_ENTRIES)})\b", re.IGNORECASE)
_OF_OTHERS = (
    *("abstract", "abstractnote", "abstract note", "초록", "摘要", "ab"),
    *("keyword", "keywords", "kw", "reference", "references", "cited-references"),
)
"""Fields and columns of all formats, in small letters, whose ids are those of other papers, or numbers that are no ids."""
_BIBTEX_FIELD = re.compile(
    rf"[,{{(}}\"\s](title|subtitle|{'|'.join(_OF_OTHERS)})\s{{0,20}}=\s{{0,20}}[{{\"]", re.IGNORECASE
)
_BIBTEX_TOKEN = re.compile(r"\s+|\w+|\\.|.", re.DOTALL)
_LINE = re.compile(
    r"[ \t]*(?:([A-Z][A-Z0-9]{1,3})([ \t]{0,4})-(?:(?<=[ \t][ \t]-)|(?=[ \t]|$))|(%[0-9A-Z@+])(?=[ \t]|$))[ \t]*(.*)"
)
_STARTS = {
    "TY": re.compile(r"^[ \t]*(?i:TY)[ \t]{1,4}-", re.MULTILINE),
    "PMID": re.compile(r"^PMID *- ?\d", re.MULTILINE),
    "%0": re.compile(r"^%0[ \t]+\w", re.MULTILINE),
}
"""What begins an entry of RIS, of PubMed (NBIB) and of EndNote (.enw)."""
_SMALL_TAG = re.compile(r"^[ \t]*[A-Za-z][A-Za-z0-9][ \t]{1,4}-(?=[ \t]|$)", re.MULTILINE)
_RIS_NAMES = {
    "PMID": "TY",
    "%0": "TY",
    "%T": "TI",
    "%F": "ID",
    "%U": "UR",
    "%R": "DO",
    "%K": "KW",
    "%X": "AB",
    "N2": "AB",
    "%Z": "N1",
    "OT": "KW",
}
"""Tags of PubMed and EndNote, and those of RIS for the same."""
_RIS_TITLES = ("TI", "T1", "CT")
_RIS_TAGS = {name: name for name in (*_RIS_TITLES, "TY", "ID", "KW", "N1", "UK")}
_MARKUP = re.compile(
    r"</?(?:i|b|u|sub|sup|em|strong|sc|span|italic|bold|br|\w{1,10}:\w{1,20})(?:\s[^<>]{0,200})?/?>",
    re.IGNORECASE,
)
_NOT_TEXT, _WORD = re.compile(r"^%PDF-|[\x01-\x08\x0e-\x1f]"), re.compile(r"[^\W\d_]{2,}")
_TITLE_WORDS = frozenset(
    ("title", "titel", "titre", "título", "titolo", "标题", "题名", "タイトル", "제목", "논문명", "논문제목")
)
_KEY_COLUMNS = ("key", "citation key", "id")
_MAX_LABEL_LENGTH = 80


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
    """An entry of a file: its text without the fields in `_OF_OTHERS`, and its fields as plain text.

    `own_key` is a key of this bot's exports. Only an entry, and no text between entries, `is_named` in any case.
    """

    text: str
    key: str = ""
    title: str = ""
    note: str = ""
    tags: str = ""
    own_key: str = ""
    is_named: bool = False


def read_references(data: bytes, on: date) -> list[Reference]:
    """Return a file's references in order, each paper once. `on` is today's date.

    An entry that names several papers is a reference for each. One without an id has a label; other text without an
    id or a title is left out.
    """
    references: dict[str, Reference] = {}
    for entry in _read_entries(decode(data)):
        rest = " ".join(entry.text.split())[:_MAX_LABEL_LENGTH] if entry.is_named else ""
        label = entry.title or entry.key or rest
        if (own_id := exports.parse_key(entry.own_key or entry.key)) is not None:
            references[own_id] = Reference(label, own_id, entry.title, entry.note, entry.tags)
            continue
        ids = arxiv_ids.list_arxiv_ids(entry.text, on)
        for arxiv_id in ids:
            references.setdefault(arxiv_id, Reference(label or arxiv_id, arxiv_id, entry.title))
        if not ids and label:
            references.setdefault(f" {label}", Reference(label, None, entry.title))
    return list(references.values())


def decode(data: bytes) -> str:
    """Return a file's text with LF at the ends of lines. Bytes of no charset that fits are replaced."""
    try:
        text = charsets.decode(data)
    except charsets.UndecodableError:
        text = data.decode("utf-8", "replace")
    text = text.translate({0: None, 0xFEFF: None, 0xA0: " "})  # of joined files, too
    return text.replace("\r\n", "\n").replace("\r", "\n")


def is_endnote_xml(data: bytes) -> bool:
    """Return whether a file is EndNote's XML, which is not read."""
    start = decode(data[:8000])
    return start.lstrip().startswith("<") and "<records>" in start and "<record>" in start


def _read_entries(text: str) -> Iterator[_Entry]:
    """Yield the entries of a file, which together contain all of its text that may name papers."""
    if text.lstrip()[:1] in ("{", "["):
        try:
            values = [value for _, value in listing.read_values(text)]
            yield from map(_read_json, chain.from_iterable(map(_list_items, values)))
        except errors.NotADigestError:
            yield from _read_lines(text)
        return
    kinds = (match[1].lower() for match in _BIBTEX_START.finditer(text))
    if not _NOT_TEXT.match(text) and any(kind not in _NO_ENTRIES for kind in kinds):
        yield from _read_bibtex(text)
        return
    for start, pattern in _STARTS.items():
        if starts := {match[0].strip() for match in pattern.finditer(text)}:
            if any(start not in tag for tag in starts):
                # In other files, "of - " begins the rest of a wrapped line.
                text = _SMALL_TAG.sub(lambda tag: tag[0].upper(), text)
            yield from _read_tagged(text, start)
            return
    yield from _read_table(text)


def _plain(text: str) -> str:
    """Return a field as plain text on one line, without tags and character references."""
    return " ".join(html.unescape(_MARKUP.sub("", text)).split())


def _join_title(fields: Mapping[str, str]) -> str:
    return ": ".join(filter(None, map(fields.get, ("title", "subtitle"))))


def _list_items(value: Any) -> Iterable[Any]:
    """Return the items of a JSON file: a list, the `items` of Better BibTeX and Crossref, or the saved papers in `/me data`."""
    if isinstance(value, dict):
        value = inner if isinstance(inner := value.get("message"), dict) else value
        tables = value.get("tables")
        saved = tables.get("saved_papers") if isinstance(tables, dict) else None
        if isinstance(saved, list):
            papers = [row for row in reversed(saved) if isinstance(row, dict) and row.get("paper_id")]
            papers.sort(key=lambda row: str(row.get("saved_at")), reverse=True)
            tags = [",".join(str(row.get("tags") or "").split()) for row in papers]
            ids = [exports.make_key(str(row.get("paper_id"))) for row in papers]
            return [
                {**row, "id": id_, "keyword": tag} for row, id_, tag in zip(papers, ids, tags, strict=True)
            ]
        value = value.get("items", [value])
    return value if isinstance(value, list) else [value]


def _read_json(item: Any) -> _Entry:
    if not isinstance(item, dict):
        return _Entry(json.dumps(item, ensure_ascii=False))
    own = {name: value for name, value in item.items() if name.lower() not in _OF_OTHERS}
    firsts = {name: value[0] if isinstance(value, list) and value else value for name, value in item.items()}
    texts = {name: value for name, value in firsts.items() if isinstance(value, str)}
    key = texts.get("citationKey") or texts.get("citation-key") or str(item.get("id") or "")
    text, title, is_named = json.dumps(own, ensure_ascii=False), _plain(_join_title(texts)), bool(item)
    return _Entry(text, key, title, texts.get("note", ""), texts.get("keyword", ""), is_named=is_named)


def _read_bibtex(text: str) -> Iterator[_Entry]:
    """Yield the entries of BibTeX. One that bibtexparser refuses goes to the start of the next entry."""
    from bibtexparser import model
    from bibtexparser.splitter import Splitter

    logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)  # it logs each entry that it refuses
    library = Splitter(text).split()
    strings = {block.key.lower(): _evaluate(block.value, {}) for block in library.strings}
    refused = ""
    for block in library.blocks:
        if isinstance(block, model.DuplicateBlockKeyBlock | model.DuplicateFieldKeyBlock):
            block = block.ignore_error_block or block
        if refused and isinstance(block, model.ImplicitComment):
            refused += f"\n{block.raw or ''}"
            continue
        if refused:
            yield _read_refused(refused)
            refused = ""
        if isinstance(block, model.Entry):
            yield _read_bibtex_entry(block.raw or "", block.key, block.fields, strings)
        elif isinstance(block, model.ParsingFailedBlock) and not _NOT_ENTRY.match(block.raw or ""):
            refused = block.raw or ""
        else:
            yield from _read_between(block.raw or "")
    if refused:
        yield _read_refused(refused)


def _read_between(raw: str) -> Iterator[_Entry]:
    """Yield what stands between the entries that bibtexparser knows: those whose `@` and brace have spaces, and text."""
    starts = [match.start() for match in _BIBTEX_START.finditer(raw) if match[1].lower() not in _NO_ENTRIES]
    yield _Entry(raw[: starts[0]] if starts else raw)
    yield from (_read_refused(raw[start:end]) for start, end in pairwise([*starts, len(raw)]))


def _read_bibtex_entry(raw: str, key: str, given: Iterable[Any], strings: Mapping[str, str]) -> _Entry:
    fields, text = _find_fields(raw)
    known: dict[str, str] = {}
    for field in given:
        known.setdefault(field.key.lower(), _evaluate(str(field.value), strings))
    fields |= {name: value for name, value in known.items() if value}
    note, tags = (exports.unescape_bibtex(fields.get(name, "")) for name in ("annote", "keywords"))
    title = _read_latex(_join_title(fields))
    return _Entry(text, key, title, note, tags, fields.get("ids", ""), is_named=True)


def _read_refused(raw: str) -> _Entry:
    """Read an entry with an error: its key, and its fields up to where they may end. Lines after % are comments."""
    head = _BIBTEX_START.match(raw)
    raw = "\n".join(line for line in raw.split("\n") if not line.lstrip().startswith("%"))
    return _read_bibtex_entry(raw, head[2] if head else "", (), {})


def _find_fields(raw: str) -> tuple[dict[str, str], str]:
    """Return the first field of each name in `_BIBTEX_FIELD`, and the entry's text without those in `_OF_OTHERS`."""
    fields: dict[str, str] = {}
    text, end = "", 0
    for match in _BIBTEX_FIELD.finditer(raw):
        name = match[1].lower()
        if match.start() >= end and name not in fields:
            fields[name] = _read_value(raw, match.end() - 1)
            if name in _OF_OTHERS:
                text, end = text + raw[end : match.end()], match.end() + len(fields[name])
    return fields, text + raw[end:]


def _read_value(text: str, start: int) -> str:
    """Return a BibTeX value from its opening brace or quote to the one that ends it, or to the end of the line."""
    depth, is_quoted = 0, text[start] == '"'
    for match in re.finditer(r"\\.|[{}\"]", text[start:], re.DOTALL):
        depth += {"{": 1, "}": -1}.get(match[0], 0)
        if depth == 0 and match.start() and match[0] in ('"' if is_quoted else "}"):
            return text[start + 1 : start + match.start()]
    return text[start + 1 :].partition("\n")[0]


def _evaluate(value: str, strings: Mapping[str, str]) -> str:
    """Return a BibTeX value: texts in braces or quotes, numbers and names of `strings`, joined with `#`.

    What follows without `#` is another field, before which a comma is missing.
    """
    parts: list[str] = []
    closing, depth, is_ended = "", 0, False
    for token in _BIBTEX_TOKEN.findall(value):
        if closing:
            depth += (token == "{") - (token == "}")
            if token == closing and depth == (0 if closing == '"' else -1):
                closing, is_ended = "", True
            else:
                parts.append(token)
        elif token == "#" or token.isspace():
            is_ended = is_ended and token != "#"
        elif is_ended:
            break
        elif token in '{"':
            closing, depth = "}" if token == "{" else '"', 0
        else:
            parts.append(strings.get(token.lower(), token))
    return "".join(parts)


def _read_latex(latex: str) -> str:
    """Return LaTeX as plain text on one line, without the braces that keep capitals."""
    line = re.sub(r"\\noop\w{0,20} ?\{[^{}]{0,99}\}", "", " ".join(latex.split()))  # only sorts
    has_commands = "\\" in line or "$" in line  # most titles have braces alone
    return _plain(
        (typography.to_plain_text(line) if has_commands else line).replace("{", "").replace("}", "")
    )


def _read_tagged(text: str, start: str) -> Iterator[_Entry]:
    """Yield the entries of RIS, whose lines may be indented or wrapped, and of the other formats with a tag for each line."""
    lines: list[list[str]] = []
    raw: list[str] = []
    field = ""
    for line in text.split("\n"):
        match = _LINE.match(line)
        # Other lines are the rest of a wrapped one: those that begin with GPT-4, or with a longer word and a dash.
        tag = (match[3] if start == "%0" else match[1]) or "" if match else ""
        if match and tag.isalnum() and (len(tag + match[2]) < 3 or (len(tag) > 2 and start != "PMID")):
            tag = ""
        if tag == start and raw:
            yield _read_ris(raw, lines)
            lines, raw = [], []
        name = _RIS_NAMES.get(tag, tag)
        field = name.lower() if tag else field
        raw.append("" if field in _OF_OTHERS else line)
        is_ris = match is not None and len(name) == 2 and name.isalnum()
        if tag or not lines or field in ("n1", "kw"):  # notes keep their lines
            lines.append([f"{name}  - {match[4]}" if match and is_ris else f"ZZ  - {line}" if tag else line])
        else:  # rispy takes quadratic time to join them
            lines[-1].append(line.strip())
    yield _read_ris(raw, lines)


def _read_ris(raw: list[str], lines: list[list[str]]) -> _Entry:
    """Read the lines of an entry, with the tags of RIS, each in its wrapped parts."""
    import rispy

    body = [" ".join(parts) for parts in lines if not parts[0].startswith("ER  -")]
    entries = rispy.loads(
        "\n".join([*body, "ER  - "]), mapping=_RIS_TAGS, list_tags=["KW", "N1"], delimiter_tags_mapping={}
    )
    fields: dict[str, Any] = entries[0] if entries else {}
    title = next((fields[name] for name in _RIS_TITLES if fields.get(name)), "")
    key, note, tags = fields.get("ID", ""), "\n".join(fields.get("N1", [])), ",".join(fields.get("KW", []))
    return _Entry("\n".join(raw), key, _plain(title), note, tags, is_named=bool(entries))


def _read_table(text: str) -> Iterator[_Entry]:
    """Yield the rows of a table whose first line names a column for titles; otherwise the lines."""
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    columns = [name.strip().strip('"').casefold() for name in first.split(delimiter)]
    titles = [at for at, name in enumerate(columns) if not _TITLE_WORDS.isdisjoint(_WORD.findall(name))]
    # The journal's title stands behind that of the paper, unless that is called a title and nothing else.
    title = min(titles, key=lambda at: columns[at] not in _TITLE_WORDS, default=None)
    if title is None or len(columns) < 2:
        yield from _read_lines(text)
        return
    key = next((columns.index(name) for name in _KEY_COLUMNS if name in columns), None)
    try:
        for row in csv.reader(io.StringIO(text), delimiter=delimiter):
            cells = [*row, *[""] * (len(columns) - len(row))]
            is_head = cells[title].strip().casefold() == columns[title]
            name = cells[key].strip() if key is not None and not is_head else ""
            is_named = not is_head and any(map(str.strip, row))
            pairs = zip_longest(columns, row, fillvalue="")
            own = "\n".join(cell for column, cell in pairs if column not in _OF_OTHERS)
            body = own if own.strip() else "\n".join(row)
            yield _Entry(body, name, "" if is_head else _plain(cells[title]), is_named=is_named)
    except csv.Error:  # a field of more than 128 kB
        yield _Entry(text)


def _read_lines(text: str) -> Iterator[_Entry]:
    """Yield the lines of a text, each with its words as the key if it may be a title or reference. A PDF has none."""
    is_text = _NOT_TEXT.search(text) is None
    for line in text.lstrip("\ufffd").splitlines():
        name = line.strip()
        may_name = is_text and "\ufffd" not in name and not name.startswith("<") and _WORD.search(name)
        if may_name and len(name) <= title_reader.MAX_TITLE_LENGTH:
            yield _Entry(line, name, title_reader.read_title(name, min_words=2) or "")
        else:
            yield _Entry(line)
