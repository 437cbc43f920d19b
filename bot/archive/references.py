"""References in files of reference managers and in this bot's exports: BibTeX, RIS, EndNote's and PubMed's lines, JSON, CSV.

The structure that comes first determines the format: JSON that is valid, a table whose first line names a column for titles, the
first line with a tag, or the first entry of BibTeX. bibtexparser, rispy, csv and json read the entries. In another text,
each line is one.
"""

from __future__ import annotations

import csv
import html
import io
import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import zip_longest
from typing import Any, NamedTuple

from bot.archive import arxiv_ids, exports, fields, listing, title_reader
from bot.text import charsets, typography
from storage import errors

MAX_REFERENCES = 10_000
"""The most references of a file, twice as many papers as a shelf holds."""
_MAX_LABEL_LENGTH, _MAX_NOTE_LENGTH = 80, 4_000
_ID_FIELDS = frozenset(
    (
        *("url", "urls", "link", "links", "doi", "dois", "eprint", "identifier", "identifiers"),
        *("external ids", "file", "file attachments", "howpublished", "archiveid", "archive location"),
        *("number", "volume", "pages", "journal", "journaltitle", "publication title", "publisher", "series"),
        *("container-title", "ids", "key", "citation key", "citation-key", "citationkey", "id", "extra"),
        *("tex.eprint", "주소", "링크", "paper_id"),
        *("ur", "do", "m1", "m3", "jo", "jf", "t2", "vl", "sp", "an", "l1", "l2", "l3", "l4"),
        *("%u", "%r", "%f", "lid", "aid", "so"),
    )
)
"""Fields and columns of all formats, in lower case, that hold ids; a name with "arxiv" is one too."""
_OF_OTHERS = frozenset(
    (
        *("abstract", "abstractnote", "abstract note", "초록", "摘要", "ab", "n2", "%x"),
        *("keyword", "keywords", "kw", "ot", "%k", "tags", "tag"),
        *("reference", "references", "cited-references", "citations"),
    )
)
"""Fields and columns whose ids are those of other papers, or numbers that are no ids."""
_WITH_ID = frozenset(("arxiv", "doi", "url", "link", "pdf", "and"))
"""Words that may accompany an id in a field that is not in `_ID_FIELDS`."""
_CUT_NUMBER = re.compile(r"([0-9]{3,4})\.([0-9]{1,5})")
_BIBTEX_ENTRY = re.compile(
    r"@(?!(?:comment|preamble|string)\b)\w{1,40}[ \t]{0,9}[{(]\s{0,99}[^\s,{}()=\"]{0,200}[^,{}()=\"\n]{0,99}[,=]",
    re.IGNORECASE,
)
_BIBTEX_FIELD = re.compile(r"[,{(}\"\s](\w{1,40})\s{0,20}=\s{0,20}(?=[{\"])")
_TAGGED = re.compile(
    r"^[ \t]*(?:(?P<ris>TY)(?P<gap>[ \t]{1,4})-|(?P<pubmed>PMID) *- ?[0-9]|(?P<endnote>%0)[ \t]+\w)",
    re.MULTILINE,
)
"""What every entry of RIS, of PubMed (NBIB) and of EndNote (.enw) has."""
_TITLES = ("ti", "t1", "ct", "%t")
_MARKUP = re.compile(
    r"</?(?:i|b|u|sub|sup|em|strong|sc|span|italic|bold|br|\w{1,10}:\w{1,20})(?:\s[^<>]{0,200})?/?>",
    re.IGNORECASE,
)
_NOT_TEXT, _WORD = re.compile(r"^%PDF-|[\x01-\x08\x0e-\x1f]"), re.compile(r"[^\W\d_]{2,}")
_TITLE_WORDS = frozenset(
    ("title", "titel", "titre", "título", "titolo", "标题", "题名", "タイトル", "제목", "논문명", "논문제목")
)
_NAME_COLUMNS = ("name", "paper", "이름", "논문", "名称", "名前")
"""Columns for titles in a table that calls none a title."""
_NO_COLUMN = re.compile(r"[@={}\\]")
_KEY_COLUMNS = ("key", "citation key", "id")

_Fields = Sequence[tuple[str, str]]
"""The fields of an entry: lower-case names, and plain text."""


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


class _Entry(NamedTuple):
    """An entry of a file. Without fields, `text` is searched for ids, and is a label if it `is_named`.

    `own_key` is a key of this bot's exports.
    """

    text: str
    fields: _Fields = ()
    key: str = ""
    title: str = ""
    note: str = ""
    tags: str = ""
    own_key: str = ""
    is_named: bool = False


def read_references(data: bytes, on: date) -> list[Reference]:
    """Return a file's references in order, each paper once. `on` is today's date.

    An entry that names several papers is a reference for each. One without an id has a label; other text without an
    id or a title is skipped. At most one reference more than MAX_REFERENCES is read.
    """
    references: dict[str, Reference] = {}
    for entry in _read_entries(decode(data)):
        rest = " ".join(entry.text[: 9 * _MAX_LABEL_LENGTH].split()) if entry.is_named else ""
        title, key = entry.title[: fields.MAX_LINE_LENGTH], entry.key[: fields.MAX_LINE_LENGTH]
        label = title or key or rest[:_MAX_LABEL_LENGTH]
        if (own_id := exports.parse_key(entry.own_key or entry.key)) is not None:
            note, tags = entry.note[:_MAX_NOTE_LENGTH], entry.tags[:_MAX_NOTE_LENGTH]
            references[own_id] = Reference(label, own_id, title, note, tags)
        else:
            ids = _list_ids(entry, on)
            for arxiv_id in ids:
                references.setdefault(arxiv_id, Reference(label or arxiv_id, arxiv_id, title))
            if not ids and label:
                references.setdefault(f" {label}", Reference(label, None, title))
        if len(references) > MAX_REFERENCES:
            break
    return list(references.values())


def _list_ids(entry: _Entry, on: date) -> list[str]:
    """Return the ids in an entry's fields for ids, or else those that are all that a line of another field has."""
    if not entry.fields:
        return list(arxiv_ids.list_arxiv_ids(entry.text, on))
    own = [(name, value) for name, value in entry.fields if name not in _OF_OTHERS]
    texts = [value for name, value in own if name in _ID_FIELDS or "arxiv" in name]
    texts += [_restore_zeros(value) for name, value in own if "arxiv" in name or name == "eprint"]
    ids = [arxiv_id for text in texts for arxiv_id in arxiv_ids.list_arxiv_ids(text, on)]
    lines = (line for _, value in own for line in value.splitlines() if _is_id(line, on))
    return list(dict.fromkeys(ids or (id_ for line in lines for id_ in arxiv_ids.list_arxiv_ids(line, on))))


def _is_id(line: str, on: date) -> bool:
    """Return whether a line has ids or links and no words of a text: `arXiv:2401.00003 [cs]`."""
    parts = re.sub("[,;|]", " ", line[:2_000]).split()
    return all(
        "://" in part
        or part[0] in "[("
        or part[-1] in "])"
        or part.casefold().strip(":") in _WITH_ID
        or bool(arxiv_ids.list_arxiv_ids(part, on))
        for part in parts
    )


def _restore_zeros(value: str) -> str:
    """Return an id with the zeros that a spreadsheet took for those of a number (2409.1, 704.0001)."""
    if (number := _CUT_NUMBER.fullmatch(value.strip())) is None:
        return ""
    month = number[1].zfill(4)
    return f"{month}.{number[2].ljust(4 if month < '1501' else 5, '0')}"


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
    start = data[:8000].replace(b"\0", b"")
    return b"<records>" in start and b"<record>" in start


def _read_entries(text: str) -> Iterator[_Entry]:
    """Yield the entries of a file, which together contain all of its text that may name papers."""
    if text.lstrip()[:1] in ("{", "["):
        try:
            values = [value for _, value in listing.read_values(text)]
        except errors.NotADigestError:
            pass  # [1] begins a line of references
        else:
            yield from map(_read_json, _find_items(values))
            return
    table = _find_table(text)
    bibtex = None if _NOT_TEXT.match(text) else _BIBTEX_ENTRY.search(text)
    tagged = _TAGGED.search(text)
    line = _find_tag(tagged) if tagged else None
    first = line.search(text) if line else None
    if table:
        yield from _read_table(*table)
    elif tagged and line and (bibtex is None or (first or tagged).start() < bibtex.start()):
        yield from _read_tagged_lines(text, tagged, line)
    elif bibtex:
        yield from _read_bibtex(text)
    else:
        yield from _read_lines(text)


def _plain(text: str) -> str:
    """Return a field as plain text on one line, without tags and character references."""
    return " ".join(html.unescape(_MARKUP.sub("", text)).split())


def _join_title(fields: Mapping[str, str]) -> str:
    return ": ".join(filter(None, map(fields.get, ("title", "subtitle"))))


# JSON: the objects with a title, wherever they are.


def _find_items(values: list[Any]) -> list[Any]:
    """Return the items of a JSON file: the outermost list that has objects with a title, or else all of its values.

    In `/me data` they are the saved papers.
    """
    items = values[0] if len(values) == 1 and isinstance(values[0], list) else values
    level: list[Any] = [items]
    while level:
        for part in level:
            tables = part.get("tables") if isinstance(part, dict) else None
            if isinstance(tables, dict) and isinstance(saved := tables.get("saved_papers"), list):
                return _convert_saved(saved)
            if isinstance(part, list) and any(map(_has_title, part)):
                return part
        children = [part.items() if isinstance(part, dict) else enumerate(part) for part in level]
        level = [
            value
            for pairs in children
            for name, value in pairs
            if isinstance(value, dict | list) and name not in _OF_OTHERS
        ]
    return items


def _has_title(item: Any) -> bool:
    """Return whether an object has a title, be it in an object of its own (OpenReview, Zotero's web service)."""
    return isinstance(item, dict) and (bool(item.get("title")) or any(map(_has_title, item.values())))


def _convert_saved(saved: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the rows of saved papers in `/me data` as items of this bot's exports, the newest first.

    Papers that the reader put on a server's list are skipped.
    """
    papers = [row for row in reversed(saved) if isinstance(row, dict) and row.get("paper_id")]
    papers = [row for row in papers if not row.get("added_by")]
    papers.sort(key=lambda row: str(row.get("saved_at")), reverse=True)
    return [
        {
            **row,
            "id": exports.make_key(str(row["paper_id"])),
            "keyword": ",".join(str(row.get("tags") or "").split()),
        }
        for row in papers
    ]


def _flatten(item: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield the texts and numbers in a JSON value with the name of their field. `value` is none (OpenReview)."""
    if isinstance(item, dict):
        for key, value in item.items():
            yield from _flatten(value, name if key == "value" or name in _OF_OTHERS else key.lower())
    elif isinstance(item, list):
        for value in item:
            yield from _flatten(value, name)
    elif isinstance(item, str | int | float):
        yield name, str(item)


def _read_json(item: Any) -> _Entry:
    text = json.dumps(item, ensure_ascii=False)
    if not isinstance(item, dict):
        return _Entry(text)
    own = list(_flatten(item))
    first = dict(reversed(own))
    key = first.get("citationkey") or first.get("citation-key") or first.get("id", "")
    title, note, tags = _plain(_join_title(first)), first.get("note", ""), first.get("keyword", "")
    return _Entry(text, own, key, title, note, tags, is_named=bool(item))


# BibTeX.


def _read_bibtex(text: str) -> Iterator[_Entry]:
    """Yield the entries of BibTeX. One that bibtexparser refuses goes to the start of the next entry."""
    from bibtexparser import middlewares, model
    from bibtexparser.splitter import Splitter

    logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)  # it logs each entry that it refuses
    library = Splitter(text).split()
    for string in library.strings:
        string.value = string.value[: fields.MAX_LINE_LENGTH]  # it may be in each field
    library = middlewares.ResolveStringReferencesMiddleware().transform(library)
    library = middlewares.RemoveEnclosingMiddleware().transform(library)
    refused = ""
    for block in library.blocks:
        if isinstance(block, model.DuplicateBlockKeyBlock | model.DuplicateFieldKeyBlock):
            block = block.ignore_error_block or block
        raw = block.raw or ""
        if refused and isinstance(block, model.ImplicitComment):
            refused += f"\n{raw}"
            continue
        if refused:
            yield _read_refused(refused)
        refused = ""
        given = (
            [(it.key.lower(), str(it.value)) for it in block.fields] if isinstance(block, model.Entry) else []
        )
        if any(value.startswith(("{", '"')) and _BIBTEX_FIELD.search(value) for _, value in given):
            refused = raw  # a comma is missing between two fields
        elif isinstance(block, model.Entry):
            yield _read_bibtex_entry(raw, block.key, given)
        elif isinstance(block, model.ParsingFailedBlock) and _BIBTEX_ENTRY.match(raw):
            refused = raw
        elif isinstance(block, model.ImplicitComment):
            yield _Entry(raw)
    if refused:
        yield _read_refused(refused)


def _read_bibtex_entry(raw: str, key: str, given: _Fields) -> _Entry:
    first = dict(reversed(given))
    note, tags = (exports.unescape_bibtex(first.get(name, "")) for name in ("annote", "keywords"))
    title, ids = _read_latex(_join_title(first)), first.get("ids", "")
    return _Entry(raw, given or [("", "")], key, title, note, tags, ids, is_named=True)


def _read_refused(raw: str) -> _Entry:
    """Read an entry with an error, such as a comma too few: each field goes to the start of the next one."""
    head, *parts = _BIBTEX_FIELD.split(raw)
    values = (value.strip(' \n,{}")') for value in parts[1::2])
    given = [(name.lower(), value) for name, value in zip(parts[::2], values, strict=True)]
    return _read_bibtex_entry(raw, head.partition("{")[2].strip(" ,\n"), given)


def _read_latex(latex: str) -> str:
    """Return LaTeX as plain text on one line, without the braces that keep capitals."""
    line = re.sub(r"\\noop\w{0,20} ?\{[^{}]{0,99}\}", "", " ".join(latex.split()))  # only sorts
    has_commands = "\\" in line or "$" in line  # most titles have braces alone
    return _plain(
        (typography.to_plain_text(line) if has_commands else line).replace("{", "").replace("}", "")
    )


# Lines with tags: RIS, PubMed and EndNote.


def _find_tag(tagged: re.Match[str]) -> re.Pattern[str]:
    """Return the pattern of a line with a tag, given the tag that each entry has."""
    if tagged["ris"]:
        # As many spaces as in the first: "AI - " may begin the rest of a wrapped line.
        tag = rf"[ \t]*([A-Z][A-Z0-9]){re.escape(tagged['gap'])}-"
    else:
        tag = r"([A-Z]{2,4}) *-" if tagged["pubmed"] else r"(%[0-9A-Z@+])(?!\S)"
    return re.compile(rf"^{tag}[ \t]*(.*)", re.MULTILINE)


def _read_tagged_lines(text: str, tagged: re.Match[str], pattern: re.Pattern[str]) -> Iterator[_Entry]:
    """Yield the entries, each up to its end (`ER`) or to the tag that begins another. That tag need not be its first."""
    import rispy

    kind = tagged["ris"] or tagged["pubmed"] or tagged["endnote"]

    def split(line: str) -> tuple[str | None, str]:
        """Return a line's tag and text. One without a tag goes on with the line above."""
        match = pattern.match(line)
        return (match[1], match[2].strip()) if match else (_END if line == _END else None, line.strip())

    mapping = {kind: kind, rispy.RisParser.UNKNOWN_TAG: ""}
    form = {"START_TAG": kind, "END_TAG": _END, "parse_line": lambda _, line: split(line)}
    parser = type("Parser", (rispy.RisParser,), form)(
        mapping=mapping, list_tags=[], delimiter_tags_mapping={}
    )
    start, lines = "", list[str]()
    for line in [*text.split("\n"), _END]:
        tag, _ = split(line)
        if start and tag in (kind, "ER", _END):
            [record] = parser.parse_lines(iter([start, *lines, _END]))
            yield _read_tagged("\n".join([start, *lines]), record.get("", {}))
        if tag == "ER":
            start, lines = "", []
        elif tag == kind:
            start, lines = line.strip(), [] if start else lines
        else:
            lines.append(line)


_END = "\0"
"""The line that ends an entry. Texts have no NUL."""


def _read_tagged(text: str, values: Mapping[str | None, list[str]]) -> _Entry:
    given = {(tag or "").lower(): "\n".join(filter(None, lines)) for tag, lines in values.items()}
    title = next(filter(None, map(given.get, _TITLES)), "")
    key, note, tags = given.get("id") or given.get("%f", ""), given.get("n1", ""), given.get("kw", "")
    return _Entry(text, [*given.items()], key, _plain(title), note, tags.replace("\n", ","), is_named=True)


# Tables and other lines.


def _find_table(text: str) -> tuple[str, str, Sequence[str], int] | None:
    """Return a table's rows, delimiter, columns, and the index of that for titles; None if the first line names no columns."""
    first, _, rest = text.partition("\n")
    stated = first[4:5] if first.startswith("sep=") and len(first) == 5 else ""  # of Excel
    first, text = (rest.partition("\n")[0], rest) if stated else (first, text)
    delimiter = stated or max(",;\t", key=first.count)
    columns = [name.strip().strip('"').casefold() for name in first.split(delimiter)]
    titles = [at for at, name in enumerate(columns) if not _TITLE_WORDS.isdisjoint(_WORD.findall(name))]
    titles = titles or [at for at, name in enumerate(columns) if name in _NAME_COLUMNS]
    if not titles or len(columns) < 2 or any(map(_NO_COLUMN.search, columns)):
        return None
    # The journal's title follows that of the paper, unless that is called a title and nothing else.
    return text, delimiter, columns, min(titles, key=lambda at: columns[at] not in _TITLE_WORDS)


def _read_table(rows: str, delimiter: str, columns: Sequence[str], title: int) -> Iterator[_Entry]:
    """Yield the rows, but for repetitions of the first."""
    key = next((columns.index(name) for name in _KEY_COLUMNS if name in columns), None)
    try:
        for row in csv.reader(io.StringIO(rows), delimiter=delimiter):
            cells = [*row, *[""] * (len(columns) - len(row))]
            if any(map(str.strip, row)) and cells[title].strip().casefold() != columns[title]:
                name = cells[key].strip() if key is not None else ""
                own = [*zip_longest(columns, row, fillvalue="")]
                note, tags = (exports.unescape_formula(dict(own).get(name, "")) for name in ("note", "tags"))
                yield _Entry("\n".join(row), own, name, _plain(cells[title]), note, tags, is_named=True)
    except csv.Error:  # a field of more than 128 kB
        yield _Entry(rows)


def _read_lines(text: str) -> Iterator[_Entry]:
    """Yield the lines of a text, each with its words as the key if it may be a title or reference. A PDF has none."""
    is_text = _NOT_TEXT.search(text) is None
    for line in text.lstrip("\ufffd").splitlines():
        name = title_reader.strip_item(line).strip()
        may_name = is_text and "\ufffd" not in name and not name.startswith(("<", "# ", "## ", "### "))
        if may_name and _WORD.search(name) and len(name) <= title_reader.MAX_TITLE_LENGTH:
            yield _Entry(line, (), name, title_reader.read_title(name, min_words=2) or "")
        else:
            yield _Entry(line)
