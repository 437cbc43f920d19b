"""References in files of reference managers, browsers and this bot's exports: BibTeX, RIS, EndNote's and PubMed's lines, JSON,
XML, YAML, TOML, HTML, CSV, e-mail.

The structure that comes first determines the format: JSON, XML or YAML that is valid, a table whose first line names a column for
titles, the first line with a tag, or the first entry of BibTeX. bibtexparser, rispy, csv, json and ElementTree read the
entries. In another text, each line, item of a list or row of a table is one; which ids these are about is in `mentions`.
"""

from __future__ import annotations

import csv
import email
import html
import io
import json
import logging
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from email.message import Message
from functools import cache
from itertools import zip_longest
from typing import Any, NamedTuple

from bot.archive import arxiv_ids, exports, fields, html_pages, mentions, reference_items, title_reader
from bot.archive.reference_items import Fields
from bot.text import charsets, typography

MAX_REFERENCES = 10_000
"""The most references of a file, twice as many papers as a shelf holds."""
_MAX_LABEL_LENGTH, _MAX_NOTE_LENGTH = 80, 4_000
_ID_NAMES = re.compile(
    r".*(?:arxiv|journal|publication|container).*|eprint|booktitle|venue|howpublished|j[aof]|t2|%[bj]|so"
)
"""The names of fields that hold no sentences about other papers: ids of arXiv, and where a paper appeared."""
_LONG_TAG = re.compile(r"(?<=[^,;#、]{60})[^,;#、]+")
"""The end of a tag that would leave no room for others."""
_DIGITS = re.compile("[0-9]{3}")
_FILE_NAME = re.compile(
    rf"(?<![0-9A-Za-z.])({arxiv_ids.ID})(?:v[0-9]{{1,3}})?\.(?:pdf|html?)(?!\w)", re.IGNORECASE
)
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
_MARKUP = re.compile(
    r"</?(?:i|b|u|sub|sup|em|strong|sc|span|italic|bold|br|\w{1,10}:\w{1,20})(?:\s[^<>]{0,200})?/?>",
    re.IGNORECASE,
)
_NOT_TEXT, _WORD = re.compile(r"^%PDF-|[\x01-\x08\x0e-\x1f]"), re.compile(r"[^\W\d_]{2,}")
_TITLE_WORDS = frozenset(
    ("title", "titel", "titre", "título", "titolo", "标题", "题名", "タイトル", "제목", "논문명", "논문제목")
)
_NAMING = re.compile(r"[^\W\d_]{2,}|[0-9]{3,}")
"""What a line has that names something."""
_ID_COLUMN = re.compile(r"[a-z_. -]{0,20}arxiv[a-z_. -]{0,12}|url|link|링크|주소|doi|eprint")
_NO_COLUMN = re.compile(r"[@={}\\]|://")
_KEYS = ("citationkey", "citation-key", "citation key", "key", "id", "%f")
_NOTES = ("note", "n1")
_STATED_TITLES = ("title", "ti", "t1", "%t")
"""The fields called title, and the tags of reference managers for them: what arXiv may be asked for."""
_AUTHORS = re.compile("(?:author|creator|contributor).*|family|lastname")
"""The names of fields that an item of JSON has if its title is that of a paper and not of a chat or a note."""
_FORMULA = re.compile(
    r"""=HYPERLINK\(\s*"(?P<url>[^"]+)"(?:\s*[,;]\s*"(?P<text>[^"]*)")?\s*\)""", re.IGNORECASE
)
"""A link in a spreadsheet's cell: its address and its text."""
_BROKEN_LINE = re.compile(r"((?:arxiv[^\s]{0,20}|abs/)[0-9]{4}\.)\n[ \t]{0,9}(?=[0-9]{4,5}\b)", re.IGNORECASE)
"""The end of a line within an id, as in text copied from a PDF."""
_COMMENT = re.compile(r"<!--(?:(?!<!--).)*?-->", re.DOTALL)
_NUMBERED = re.compile(r"^[ \t]{0,9}\[[0-9]{1,4}\]\s", re.MULTILINE)
_WRAPPED = re.compile(r"(?<=\S)\n(?=[ \t]{0,9}(?!\[[0-9]{1,4}\]\s)\S)")
"""The end of a line within a numbered reference."""
_TABLE_RULE = re.compile(r"[ \t]{0,9}\|?[ \t|:-]{3,}")
"""The line below the first one of a table in Markdown."""
_LINK = re.compile(
    r"(?<!!)\[(?P<text>(?:[^\[\]\\]++|\\.|\[[^\[\]]*+\]){1,60}+)\]\(<?(?P<url>[a-z]+://[^\s()<>]+)>?\)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference to one paper: its arXiv id (None if the file lacks it) and title ("" if unknown).

    `label` names it for its reader. The note is that of an export by this bot. `is_title_stated`: the title is a field called
    title, and no line of a text, which may be private.
    """

    label: str
    arxiv_id: str | None
    title: str
    note: str = ""
    tags: str = ""
    is_title_stated: bool = False


class _Entry(NamedTuple):
    """An entry of a file. Without fields, `text` is a line, after `above`; it is a label if the entry `is_named`.

    `own_key` is a key of this bot's exports.
    """

    text: str
    fields: Sequence[tuple[str, str]] = ()
    key: str = ""
    title: str = ""
    note: str = ""
    tags: str = ""
    own_key: str = ""
    is_named: bool = False
    above: str = ""
    is_title_stated: bool = False


def read_references(data: bytes, on: date, with_tags: bool = False) -> list[Reference]:
    """Return a file's references in order, each paper once. `on` is today's date.

    An entry that names several papers is a reference for each. One without an id has a label; other text without an
    id or a title is skipped. At most one reference more than MAX_REFERENCES is read. Tags are those of this bot's exports, or
    `with_tags` of all files.
    """
    references: dict[str, Reference] = {}
    for entry in _read_file(decode(data), on):
        rest = " ".join(entry.text[: 9 * _MAX_LABEL_LENGTH].split()) if entry.is_named else ""
        title, key = entry.title[: fields.MAX_LINE_LENGTH], entry.key[: fields.MAX_LINE_LENGTH]
        label = title or key or rest[:_MAX_LABEL_LENGTH]
        own_id = exports.parse_key(entry.own_key or entry.key)
        note = entry.note[:_MAX_NOTE_LENGTH] if own_id else ""
        tags = _LONG_TAG.sub("", entry.tags)[:_MAX_NOTE_LENGTH] if own_id or with_tags else ""
        ids = [own_id] if own_id else _list_ids(entry, on)
        for arxiv_id in ids:
            former = references.get(arxiv_id)
            if former is None or own_id or (title and not former.title):
                references[arxiv_id] = Reference(label or arxiv_id, arxiv_id, title, note, tags)
        if not ids and label:
            references.setdefault(f" {label}", Reference(label, None, title, "", tags, entry.is_title_stated))
        if len(references) > MAX_REFERENCES:
            break
    return list(references.values())


def _list_ids(entry: _Entry, on: date) -> list[str]:
    """Return the ids of an entry's papers: without fields, those that its text is about."""
    if not entry.fields:
        return mentions.list_subjects(entry.text, on, entry.above)
    return list(dict.fromkeys(id_ for name, text in entry.fields for id_ in _list_own_ids(name, text, on)))


def _list_own_ids(name: str, text: str, on: date) -> Iterator[str]:
    """Yield the ids of an item's own papers in a field: in lines of ids and what accompanies them, and in files' names."""
    is_of_others = reference_items.OF_OTHERS.fullmatch(name) or reference_items.TAG_FIELDS.fullmatch(name)
    if is_of_others or not _DIGITS.search(text):
        return
    if _ID_NAMES.fullmatch(name):
        yield from arxiv_ids.list_arxiv_ids(f"{text} {_restore_zeros(text)}", on)
    if not arxiv_ids.MAY_HAVE_ID.search(text):
        return
    own = filter(mentions.is_only_id, text.splitlines())
    yield from arxiv_ids.list_arxiv_ids("\n".join(own), on)
    for part in text.split():
        if "http" not in part and (file := _FILE_NAME.search(part)):
            yield from arxiv_ids.list_arxiv_ids(file[1], on)


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


def _read_file(text: str, on: date) -> Iterator[_Entry]:
    """Yield the entries of a file or, of an e-mail, those of its texts. What is nested too deeply is read line by line."""
    try:
        parts = email.message_from_string(text).walk() if _MAIL.match(text) else ()
        texts = [_decode_part(part) for part in parts if part.get_content_maintype() == "text"]
        for part in texts or [text]:
            yield from _read_entries(part, on)
    except RecursionError:
        yield from _read_lines(text)


def _read_entries(text: str, on: date) -> Iterator[_Entry]:
    """Yield the entries of a text, which together contain all of it that may name papers."""
    front = _FRONT_MATTER.match(text)
    if front and text[front.end() :].strip() and not reference_items.YAML_TITLE.search(text, front.end()):
        values = reference_items.read_yaml(front[1], needs_title=False)
        items = list(_read_items(values, on)) if values is not None else []
        text = text[front.end() :]
        if any(_list_ids(item, on) for item in items):
            yield from items  # a note about that paper
            yield from (_Entry(line, [("", line)]) for line in text.splitlines())
            return
    if (values := _read_values(text)) is not None:
        is_json = text.lstrip()[:1] in ("{", "[")
        for entry in _read_items(values, on):
            is_paper = is_json and any(_AUTHORS.fullmatch(name) for name, _ in entry.fields)
            yield entry._replace(is_title_stated=entry.is_title_stated and is_paper)
        return
    if text.lstrip()[:1] == "<" and _PAGE.search(text):
        yield from _read_lines(html_pages.to_markdown(text), is_page=True)
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


_PAGE = re.compile(r"</(?:a|li|td|p|dl|body|html)>", re.IGNORECASE)
_FRONT_MATTER = re.compile(r"\s*---\n(.{1,5000}?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_MAIL = re.compile(
    r"(?:[A-Za-z-]{2,30}:[^\n]*\n(?:[ \t][^\n]*\n)*)*(?:Message-ID|MIME-Version|Received|Content-Type):",
    re.IGNORECASE,
)
"""The first fields of an e-mail."""


def _decode_part(part: Message) -> str:
    """Return the text of a part of an e-mail."""
    is_encoded = "content-transfer-encoding" in part
    payload = part.get_payload(decode=True) if is_encoded else part.get_payload()
    return decode(payload) if isinstance(payload, bytes) else str(payload)


def _plain(text: str) -> str:
    """Return a field as plain text on one line, without tags and character references."""
    return " ".join(html.unescape(_MARKUP.sub("", text)).split())


def _first(given: Fields, names: Sequence[str]) -> str:
    """Return the first text in the fields of one of these names."""
    return next((text for wanted in names for name, text in given if name == wanted and text.strip()), "")


def _make_entry(given: Fields, text: str = "", own_key: str = "") -> _Entry:
    """Return the entry with these fields, whose title is plain text."""
    stated = _first(given, _STATED_TITLES)
    titles = (
        stated or _first(given, (*reference_items.TITLES, reference_items.NAME)),
        _first(given, ("subtitle",)),
    )
    tags = ",".join(
        text for name, text in given if reference_items.TAG_FIELDS.fullmatch(name) and "auto" not in name
    )
    text = text or " ".join(text for _, text in given)
    title, key = _plain(": ".join(filter(None, titles))), _first(given, _KEYS)
    return _Entry(
        text,
        given,
        key,
        title,
        _first(given, _NOTES),
        tags.replace("\n", ","),
        own_key,
        is_named=bool(given),
        is_title_stated=bool(stated),
    )


# JSON, XML and YAML.


def _read_values(text: str) -> Any | None:
    """Return what a file of JSON, XML or YAML holds, or None if it is not one."""
    start = text.lstrip()[:1]
    if start and start in "{[":
        values = list(_read_json(text))
        inner = [one for value in values for one in (value if isinstance(value, list) else [value])]
        if any(isinstance(one, dict | list) for one in inner):
            return values  # [1] begins a line of references
    if _TOML.search(text):
        with suppress(tomllib.TOMLDecodeError):
            return tomllib.loads(text)
    return reference_items.read_xml(text.strip()) if start == "<" else reference_items.read_yaml(text)


def _read_json(text: str) -> Iterator[Any]:
    """Yield the values of a text. Of what is broken, those within it, and its members that are texts as an object."""
    decoder, broken, budget = json.JSONDecoder(), 0, _BROKEN_BUDGET
    for start in map(re.Match.start, _OBJECT_START.finditer(text)):
        if start < broken:
            continue
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError) as error:
            # An error counts the lines above it.
            at = error.pos if isinstance(error, json.JSONDecodeError) else None
            budget -= _DEEP_COST if at is None else at - start + at // 100
            if budget < 0:
                break
            continue
        if members := _JSON_MEMBER.findall(text, broken, start):
            yield dict(members)
        yield value
        broken = end
    if members := _JSON_MEMBER.findall(text, broken):
        yield dict(members)


_BROKEN_BUDGET, _DEEP_COST = 50_000_000, 10_000
"""The characters that are read in vain in broken JSON, and those that count for values nested too deeply."""
_TOML = re.compile(r"^\[{1,2}[\w.-]+\]{1,2}[ \t]*\n[ \t]*[\w-]+ *=", re.MULTILINE)
_OBJECT_START = re.compile(r"\{(?=\s*[\"}])|\[(?=\s*[\[{\"\]])")
_JSON_MEMBER = re.compile(r'"([^"\\\n]{1,60})"\s{0,9}:\s{0,9}"((?:[^"\\\n]|\\.){0,2000})"')


def _read_items(values: Any, on: date) -> Iterator[_Entry]:
    """Yield the items in values, or all that a list has if it has no items. Of `/me data`, they are the saved papers."""
    values = values[0] if isinstance(values, list) and len(values) == 1 else values
    tables = values.get("tables") if isinstance(values, dict) else None
    if isinstance(tables, dict) and isinstance(saved := tables.get("saved_papers"), list):
        values = _convert_saved(saved)
    has_id = cache(lambda name, text: any(_list_own_ids(name, text, on)))
    items, rest = reference_items.find_items(values, has_id)
    for item in items:
        yield _make_entry([field for name, text in item for field in _split_links(name, text)])
    lists = {name for name, text in rest if has_id(name, text)}
    is_found = bool(items or lists)
    for name, text in rest:
        if name in lists:
            yield from _read_lines(text)
        elif not reference_items.OF_OTHERS.fullmatch(name):  # messages
            for line in text.splitlines():
                is_found |= bool(mentions.list_subjects(line, on))
                yield _Entry(line)
    if is_found:
        return
    for value in values if isinstance(values, list) else [values]:
        _, rest = reference_items.find_items(value, lambda *_: False)
        if isinstance(value, dict) and rest:
            yield _make_entry(rest, json.dumps(value, ensure_ascii=False))
        else:
            yield from _read_lines(str(value or ""))


def _convert_saved(saved: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the rows of saved papers in `/me data` as items of this bot's exports, the newest first.

    Papers that the reader put on a server's list are skipped.
    """
    papers = [row for row in reversed(saved) if isinstance(row, dict) and row.get("paper_id")]
    papers = [row for row in papers if not row.get("added_by")]
    papers.sort(key=lambda row: str(row.get("saved_at")), reverse=True)
    return [
        {**row, "id": exports.make_key(str(row["paper_id"])), "tags": str(row.get("tags") or "").split()}
        for row in papers
    ]


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
            yield from map(_Entry, raw.splitlines())
    if refused:
        yield _read_refused(refused)


def _read_bibtex_entry(raw: str, key: str, given: Fields) -> _Entry:
    """Return an entry of BibTeX. What the others call a note is its annotation."""
    names = {"annote": "note", "note": "comment", "key": "sortkey"}
    texts = {
        "title": _read_latex,
        "subtitle": _read_latex,
        "annote": exports.unescape_bibtex,
        "keywords": exports.unescape_bibtex,
    }
    converted = [(names.get(name, name), texts.get(name, str)(text)) for name, text in given]
    return _make_entry([("citationkey", key), *converted], raw, _first(given, ("ids",)))


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
    given = [((tag or "").lower(), "\n".join(filter(None, lines))) for tag, lines in values.items()]
    return _make_entry(given or [("", "")], text)


# Tables and other lines.


def _find_table(text: str) -> tuple[str, str, Sequence[str]] | None:
    """Return a table's rows, delimiter and columns; None if the first line names no columns."""
    first, _, rest = text.partition("\n")
    stated = first[4:5] if first.startswith("sep=") and len(first) == 5 else ""  # of Excel
    first, text = (rest.partition("\n")[0], rest) if stated else (first, text)
    delimiter = stated or max(",;\t", key=first.count)
    columns = _name_columns(first.split(delimiter))
    return (text, delimiter, columns) if columns else None


def _name_columns(cells: Sequence[str]) -> tuple[str, ...]:
    """Return the names of a table's columns, given its first row, with that of titles as in other formats; or nothing."""
    columns = [name.strip(' "*`').casefold() for name in cells]
    titles = [at for at, name in enumerate(columns) if not _TITLE_WORDS.isdisjoint(_WORD.findall(name))]
    titles = titles or [at for at, name in enumerate(columns) if name in reference_items.NAMES]
    is_table = len(columns) > 1 and not any(map(_NO_COLUMN.search, columns))
    if not is_table or not (titles or any(map(_ID_COLUMN.fullmatch, columns))):
        return ()
    # The journal's title follows that of the paper, unless that is called a title and nothing else.
    title = min(titles, key=lambda at: columns[at] not in _TITLE_WORDS, default=-1)
    return tuple(
        (reference_items.NAME if name in reference_items.NAMES else "title") if at == title else name
        for at, name in enumerate(columns)
    )


def _read_table(rows: str, delimiter: str, columns: Sequence[str]) -> Iterator[_Entry]:
    try:
        yield from _read_rows(csv.reader(io.StringIO(rows), delimiter=delimiter), columns)
    except csv.Error:  # a field of more than 128 kB
        yield from map(_Entry, rows.splitlines())


def _read_rows(rows: Iterable[list[str]], columns: Sequence[str]) -> Iterator[_Entry]:
    """Yield the rows of a table, but for repetitions of the first. A link in a cell is an address and its text."""
    first: list[str] | None = None
    for row in rows:
        first = first or row
        cells = zip_longest(columns, map(exports.unescape_formula, row), fillvalue="")
        own = [field for name, cell in cells for field in _split_links(name, cell)]
        if row != first and any(map(str.strip, row)):
            yield _make_entry(own, "\n".join(row))


def _split_links(name: str, text: str) -> Fields:
    """Return a field as the texts and addresses of its links, if it is a title or has no other words."""
    form = _FORMULA if text.startswith("=") else _LINK
    rest, links = form.sub(" ", text), [*form.finditer(text)] if "](" in text or text[:1] == "=" else []
    if not links or (
        name not in (*reference_items.TITLES, reference_items.NAME) and any(map(str.isalnum, rest))
    ):
        return [(name, text)]
    fields = [field for link in links for field in ((name, link["text"] or ""), ("url", link["url"]))]
    return [*fields, (name, rest)]


def _read_lines(text: str, *, is_page: bool = False) -> Iterator[_Entry]:
    """Yield the rows of a text's tables and its other lines, each with its words as the key if it may be a title or reference.

    A PDF has none. Lines and items below a list's item with a link or id, and indented, are about that item. In a page, only
    items and rows are titles.
    """
    is_text, above, owner, columns = _NOT_TEXT.search(text) is None, "", -1, tuple[str, ...]()
    text = _COMMENT.sub("", _BROKEN_LINE.sub(r"\1", text.lstrip("\ufffd")))
    text = _WRAPPED.sub(" ", text) if len(_NUMBERED.findall(text)) > 1 else text
    lines, heading = text.splitlines(), ""
    for at, line in enumerate([*lines, "# "]):
        if line.startswith("#"):
            yield _Entry("", (), heading, heading)
            heading = "" if line.startswith("# ") else title_reader.read_title(line) or ""
        elif heading and mentions.list_subjects(line, date.max):
            heading = ""  # of several papers, or of one with an id
        if line.startswith("|"):
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
            if at + 1 < len(lines) and _TABLE_RULE.fullmatch(lines[at + 1]):
                columns = _name_columns(cells)
            elif columns:
                yield from _read_rows([[""], cells] if not _TABLE_RULE.fullmatch(line) else [], columns)
            if columns:
                continue
        columns = ()
        rest = title_reader.strip_item(line)
        indent, is_item = len(line) - len(line.lstrip()), rest != line
        owner = -1 if indent <= owner and line.strip() else owner
        is_note = line.startswith((">", " >")) or owner >= 0
        if line.startswith(">") and "://" not in line:  # what is replied to
            continue
        if is_note and not is_item:
            yield _Entry(line, [("", line)])
            continue
        link = _LINK.search(rest)
        if is_item and owner < 0 and (link is not None or arxiv_ids.names_paper(line)):
            owner = indent
        label = title_reader.read_title(link["text"], min_words=1 if is_page else 2) if link else None
        name = (link["text"] if link and (is_page or label) else rest).strip()
        may_name = is_text and "\ufffd" not in name and not name.startswith(("<", "# ", "## ", "### "))
        may_name = may_name and (is_item or line.startswith("|") or not is_page)
        line = html_pages.convert_tags(line) if "<" in line else line
        given = [("", line)] if is_note else ()
        if may_name and _NAMING.search(name) and (is_item or len(name) <= title_reader.MAX_TITLE_LENGTH):
            title = "" if is_note else label or title_reader.read_title(name, min_words=2) or ""
            yield _Entry(line, given, name, title, above=above)
        else:
            yield _Entry(line, given, above=above)
        above = "" if is_item or line.startswith("#") else line
