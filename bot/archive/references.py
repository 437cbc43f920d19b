"""References in a file: BibTeX, the tagged lines of RIS, PubMed and EndNote, JSON, XML, tables, mails and any other text.

An entry of a reference manager is a list of fields. Its papers are the ids in fields for ids and in links, and those alone in a
line. Of any other text each line is an entry by itself, about the links and ids that no sentence of it has (`mentions`).
"""

from __future__ import annotations

import csv
import email
import html
import io
import json
import plistlib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from itertools import zip_longest
from typing import Any, NamedTuple
from xml.etree import ElementTree
from xml.parsers.expat import ExpatError

from bot.archive import arxiv_ids, bibtex, exports, fields, html_pages, mentions, schemes, title_reader
from bot.text import charsets

MAX_REFERENCES = 10_000
"""The most references of a file, twice as many papers as a shelf holds."""
_MAX_LABEL_LENGTH, _MAX_NOTE_LENGTH = 80, 4_000

# The names of fields, in lower case.
_STATED_TITLES = ("title", "ti", "t1", "%t")
"""The fields called title, and the tags of reference managers for them: what arXiv may be asked for."""
_NAMES = ("name", "headline", "이름", "논문")
"""What titles are called in a file that calls nothing a title."""
_TITLE_WORDS = frozenset(
    ("title", "titel", "titre", "título", "titolo", "标题", "题名", "タイトル", "제목", "논문명", "논문제목")
)
_KEYS = ("citationkey", "citation-key", "citation key", "key", "id", "%f")
_AUTHORS = re.compile("(?:author|creator|contributor).*|family|lastname")
"""What an item of JSON has if its title is that of a paper and not of a chat or a note."""
_TAGS = re.compile(r"(?:.*\s)?tags?|keywords?|kw|ot|%k|labels")
_OF_OTHERS = re.compile(
    r"(?:.*\s)?abstract.*|summary|초록|摘要|ab|n2|%x|(?:.*-)?references?|citations?|cited.*|related.*|memo"
)
"""Fields whose ids are those of other papers."""
_OF_IDS = re.compile(
    r".*(?:arxiv|journal|publication|container).*|eprint|booktitle|venue|howpublished|j[aof]|t2|%[bj]|so|l1|files?"
)
"""Fields that hold no sentences: ids of arXiv, where a paper appeared, and its files."""

_OF_KEYS = re.compile(r"doi|do|[al]id|uri?|url|links?|l[1-3]|ee|address|href|pdf|identifier|id|%[ru]")
"""Fields that may hold a DOI or the address of a paper's page."""
_BEFORE_KEY = re.compile(r"\W{0,9}(?:https?://\S{0,99}|doi:?\s{0,9})$", re.IGNORECASE)
_LONG_TAG = re.compile(r"(?<=[^,;#、]{60})[^,;#、]+")
"""The end of a tag that would leave no room for others."""
_CUT_NUMBER = re.compile(r"([0-9]{3,4})\.([0-9]{1,5})")
_MARKUP = re.compile(r"</?[a-z][^<>]{0,200}>", re.IGNORECASE)
_TAGGED = re.compile(r"^[ \t]*(?:TY[ \t]{1,4}-|PMID *- ?[0-9]|%0[ \t]+\w)", re.MULTILINE)
"""What every entry of RIS, of PubMed (NBIB) and of EndNote (.enw) has."""
_TAG = re.compile(
    r"[ \t]{0,4}(?:([A-Z][A-Z0-9] {1,2}(?=-)|[A-Z]{2,4} ?(?=- ))-|(%[0-9A-Z@+])(?!\S))[ \t]*(.*)"
)
_STARTS = ("ty", "pmid", "%0")
_MAIL = re.compile(
    r"(?:[A-Za-z-]{2,30}:[^\n]*\n(?:[ \t][^\n]*\n)*)*(?:Message-ID|MIME-Version|Received|Content-Type):",
    re.IGNORECASE,
)
"""The first fields of an e-mail."""
_MAILBOX = re.compile(r"^From \S[^\n]*\n(?=[A-Za-z-]{2,30}:)", re.MULTILINE)
"""What begins each e-mail of a mailbox."""
_PAGE = re.compile(r"</(?:a|li|td|p|dl|body|html)>", re.IGNORECASE)
_NO_COLUMN = re.compile(r"[@={}\\]|://")
_NOT_TEXT, _WORD = re.compile(r"^%PDF-|[\x01-\x08\x0e-\x1f]"), re.compile(r"[^\W\d_]{2,}")

Fields = list[tuple[str, str]]
"""The fields of an entry: lower-case names, and plain text."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference to one paper: its arXiv id (None if the file lacks it), its key elsewhere, and title ("" if unknown).

    `label` names it for its reader. The note is that of an export by this bot. `is_title_stated`: the title is a field called
    title, and no line of a text, which may be private.
    """

    label: str
    arxiv_id: str | None
    title: str
    note: str = ""
    tags: str = ""
    is_title_stated: bool = False
    other_key: str | None = None


class _Entry(NamedTuple):
    """An entry with its fields or, without them, a line. `label` names it if it has neither title nor key."""

    text: str
    fields: Fields = []  # noqa: RUF012 - never changed
    label: str = ""
    title: str = ""
    is_title_stated: bool = False


def read_references(data: bytes, on: date, with_tags: bool = False) -> list[Reference]:
    """Return a file's references in order, each paper once but for entries with other titles. `on` is today's date.

    An entry that names several papers is a reference for each. One without an id has a label; other text without an
    id or a title is skipped. At most one reference more than MAX_REFERENCES is read. Tags are those of this bot's exports, or
    `with_tags` of all files.
    """
    references: dict[str, Reference] = {}
    for entry in _read_file(decode(data)):
        key = _first(entry.fields, _KEYS)
        cited = (text for name, text in entry.fields if name in ("ids", *_KEYS))
        own_id = next(filter(None, map(exports.parse_key, cited)), None)
        ids = [own_id] if own_id else _list_ids(entry, on)
        # Of several papers in one item, the title is that of a list.
        title = entry.title[: fields.MAX_LINE_LENGTH] if len(ids) < 2 else ""
        label = title or (key or entry.label)[:_MAX_LABEL_LENGTH]
        notes = (text for name, text in entry.fields if name in ("note", "n1"))
        note = "\n".join(notes)[:_MAX_NOTE_LENGTH] if own_id else ""
        tags = _join_tags(entry.fields) if own_id or with_tags else ""
        others = [] if ids else _list_others(entry)
        if len(ids) * len(tags) > len(entry.text):
            tags = ""  # of a list of papers
        for arxiv_id in ids:
            # An entry of ours has its own place, wherever the comment above the entries names it.
            former = references.pop(arxiv_id, None) if own_id else references.get(arxiv_id)
            reference = Reference(label or arxiv_id, arxiv_id, title, note, tags)
            if former is None or own_id or (title and not former.title):
                references[arxiv_id] = reference
            elif entry.fields and title and title != former.title:
                references.setdefault(f"{arxiv_id} {title}", reference)
        if not ids and (others or (label if entry.fields else entry.label)):
            reference = Reference(label or others[0], None, title, "", tags, entry.is_title_stated)
            for name in others or (label,):
                other_key = name if others else None
                references.setdefault(f" {name}", replace(reference, other_key=other_key))
        if len(references) > MAX_REFERENCES:
            break
    return list(references.values())


def _join_tags(given: Fields) -> str:
    tags = (text for name, text in given if _TAGS.fullmatch(name) and "auto" not in name)
    return _LONG_TAG.sub("", ",".join(tags).replace("\n", ","))[:_MAX_NOTE_LENGTH]


def _list_ids(entry: _Entry, on: date) -> list[str]:
    """Return the ids of an entry's papers: of its fields or, without any, those that its line is about."""
    if not entry.fields:
        return mentions.list_own_ids(entry.text, on)
    return list(dict.fromkeys(id_ for name, text in entry.fields for id_ in _list_in_field(name, text, on)))


def _list_others(entry: _Entry) -> list[str]:
    """Return the keys outside arXiv of an entry's papers: the first of its fields or, without any, those of its line."""
    if entry.fields:
        named = sorted(entry.fields, key=lambda given: "do" not in given[0])
        found = (schemes.find_keys(text) for name, text in named if _OF_KEYS.fullmatch(name))
        return next(filter(None, found), [])[:1]
    places = ((key, mentions.around(entry.text, *place)) for key, *place in schemes.find_places(entry.text))
    return [
        key
        for key, (before, after) in places
        if not mentions.is_in_sentence(_BEFORE_KEY.sub("", before), after, "", is_id=False)
    ]


def _list_in_field(name: str, text: str, on: date) -> Iterator[str]:
    if _OF_OTHERS.fullmatch(name) or _TAGS.fullmatch(name):
        return
    if _OF_IDS.fullmatch(name):
        yield from arxiv_ids.list_arxiv_ids(f"{text} {_restore_zeros(text)}", on)
    for line in text.splitlines():
        yield from mentions.list_own_ids(line, on, is_titled=True)


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


def _read_file(text: str) -> Iterator[_Entry]:
    """Yield the entries of a file or, of e-mails, those of their texts."""
    for mail in _MAILBOX.split(text):
        if not _MAIL.match(mail):
            yield from _read_entries(mail)
            continue
        for part in email.message_from_string(mail).walk():
            if part.get_content_maintype() == "text":
                payload = (
                    part.get_payload(decode=True)
                    if "content-transfer-encoding" in part
                    else part.get_payload()
                )
                yield from _read_entries(decode(payload) if isinstance(payload, bytes) else str(payload))


def _read_entries(text: str) -> Iterator[_Entry]:
    """Yield the entries of a text, which together contain all of it that may name papers."""
    found, is_page = _find_in_values(text), text.lstrip()[:1] == "<" and _PAGE.search(text)
    entry, tagged = bibtex.ENTRY.search(text), _TAGGED.search(text)
    if found and (found[0] or not is_page):
        yield from _read_items(*found, is_json=text.lstrip()[:1] in "{[")
    elif is_page:
        yield from _read_lines(html_pages.to_markdown(text), is_page=True)
    elif _LIKE_VALUES.match(text):  # broken, or nested too deeply
        yield from _read_lines(re.sub(r'[{}\[\]<>"]', "\n", text))
    elif table := _find_table(text):
        yield from _read_table(*table)
    elif tagged and (entry is None or tagged.start() < entry.start()):
        yield from _read_tagged_lines(text)
    elif entry and not _NOT_TEXT.match(text):
        yield from _read_bibtex(text)
    else:
        yield from _read_lines(text)


def _plain(text: str) -> str:
    """Return a field as plain text on one line, without tags and character references."""
    return " ".join(html.unescape(_MARKUP.sub("", text)).split())


def _first(given: Fields, names: Sequence[str]) -> str:
    """Return the first text in the fields of one of these names."""
    return next((text for wanted in names for name, text in given if name == wanted and text.strip()), "")


def _make_entry(given: Fields, text: str) -> _Entry:
    stated = _first(given, _STATED_TITLES)
    title = mentions.LINK.sub(r"\2", stated or _first(given, _NAMES))
    title = _plain(": ".join(filter(None, (title, _first(given, ("subtitle",))))))
    return _Entry(text, given, " ".join(text.split()), title, bool(stated))


# JSON, XML.

_BROKEN = ValueError, SyntaxError, ExpatError, LookupError, TypeError, AttributeError, RecursionError
"""What the readers of the standard library raise for a file that is none of theirs, or nested too deeply."""
_LIKE_VALUES = re.compile(r"\s*(?:<|\{|\[\s*[\[{\"])")


def _find_in_values(text: str) -> tuple[list[Fields], Fields] | None:
    """Return the items in a file of JSON or XML, and the fields that are in none; None if it is not one."""
    with suppress(*_BROKEN):
        values = _load_values(text)
        tables = values.get("tables") if isinstance(values, dict) else None
        if isinstance(tables, dict) and isinstance(saved := tables.get("saved_papers"), list):
            values = _convert_saved(saved)  # of `/me data`
        items, rest = _find_items(values, "", _STATED_TITLES)
        if not items:
            items, rest = _find_items(values, "", _NAMES)
        return (items, rest) if values is not None else None
    return None


def _load_values(text: str) -> Any | None:
    if not _LIKE_VALUES.match(text):
        return None
    if text.lstrip()[:1] != "<":
        with suppress(ValueError):
            return json.loads(text)
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    if "<plist" in text[:1_000]:  # Safari's bookmarks
        return plistlib.loads(text.encode())
    root = ElementTree.fromstring(text.strip())  # noqa: S314 - expat bounds entities; it runs in a process with limits
    return None if _local_name(root.tag) == "html" else _convert_element(root)


def _convert_element(element: ElementTree.Element) -> Any:
    """Return an element as the value that JSON would have. A title is a text, whatever elements are in it."""
    members: dict[str, list[Any]] = {_local_name(name): [text] for name, text in element.attrib.items()}
    if _local_name(element.tag) in _STATED_TITLES or not len(element):
        members["value"] = [" ".join(element.itertext())]
    else:
        for child in element:
            members.setdefault(_local_name(child.tag), []).append(_convert_element(child))
    return {name: values[0] if len(values) == 1 else values for name, values in members.items()}


def _local_name(name: object) -> str:
    return str(name).rpartition("}")[2]


def _read_items(items: Sequence[Fields], rest: Fields, *, is_json: bool) -> Iterator[_Entry]:
    """Yield the items of a file, then what is in none: fields for ids whole, the lines of others.

    Only of a file without items and ids may a line be a title.
    """
    for item in items:
        entry = _make_entry(item, " ".join(text for _, text in item))
        is_paper = is_json and any(_AUTHORS.fullmatch(name) for name, _ in item)
        yield entry._replace(is_title_stated=entry.is_title_stated and is_paper)
    has_papers = bool(items) or any(arxiv_ids.names_paper(text) for _, text in rest)
    for name, text in rest:
        if _OF_IDS.fullmatch(name):
            yield _Entry(text, [(name, text)])
        elif not _TAGS.fullmatch(name):
            for line in _read_lines(text):
                yield line._replace(label="", title="") if has_papers else line


def _find_items(value: Any, name: str, titles: Sequence[str]) -> tuple[list[Fields], Fields]:
    """Return the items in a value, the member `name` of another, and the fields that are in none.

    An item is an object with one of the `titles`; with a name alone, only if it has an address. One without an address is a
    folder if a list in it has items. An object around a single item is part of it. What an item cites is left out.
    """
    items, own, is_folder = list[Fields](), Fields(), False
    if isinstance(value, list):
        for member in value:
            found, rest = _find_items(member, name, titles)
            items += found
            own += rest
        return items, own
    if not isinstance(value, dict):
        return [], [] if value is None else [(name, str(value))]
    for key, member in value.items():
        inner = (
            name if key in ("value", "#text") or _TAGS.fullmatch(name) else key[:_MAX_LABEL_LENGTH].lower()
        )
        if _OF_OTHERS.fullmatch(inner):
            continue
        if isinstance(member, dict | str) and arxiv_ids.parse_bare_id(key):
            member = {"arxiv": key, **(member if isinstance(member, dict) else {titles[0]: member})}
        found, rest = _find_items(member, inner, titles)
        if inner in titles or inner == "attachments":  # titles of its files are none of its own
            rest += [field for item in found for field in item if inner in titles or field[0] not in titles]
            found = []
        items += found
        own += rest
        is_folder |= len(found) > (0 if isinstance(member, list) else 1)
    is_named = titles is _STATED_TITLES or _is_addressed(own)
    if _first(own, titles) and is_named and (not is_folder or _is_addressed(own)):
        return [own, *items], []
    if len(items) == 1 and not is_folder:
        return [[*own, *items[0]]], []
    return items, own


def _is_addressed(given: Fields) -> bool:
    return any("://" in text or arxiv_ids.names_paper(text) for _, text in given)


def _convert_saved(saved: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the rows of saved papers in `/me data` as items of this bot's exports, the newest first.

    Papers that the reader put on a server's list are skipped. The rows have ids alone: an item is titled with its own.
    """
    papers = [row for row in reversed(saved) if isinstance(row, dict) and row.get("paper_id")]
    papers = [row for row in papers if not row.get("added_by")]
    papers.sort(key=lambda row: str(row.get("saved_at")), reverse=True)
    return [
        {
            **row,
            "title": str(row["paper_id"]),
            "id": exports.make_key(str(row["paper_id"])),
            "tags": str(row.get("tags") or "").split(),
        }
        for row in papers
    ]


# BibTeX.


def _read_bibtex(text: str) -> Iterator[_Entry]:
    for block in bibtex.read(text):
        if isinstance(block, str):
            yield from map(_Entry, block.splitlines())
        else:
            yield _read_bibtex_entry(*block)


def _read_bibtex_entry(raw: str, key: str, given: Fields) -> _Entry:
    """Return an entry of BibTeX. What the others call a note is its annotation."""
    names = {"annote": "note", "note": "comment", "key": "sortkey"}
    readers: dict[str, Callable[[str], str]] = {"title": bibtex.read_latex, "subtitle": bibtex.read_latex}
    readers |= {"annote": exports.unescape_bibtex, "keywords": exports.unescape_bibtex}
    converted = [(names.get(name, name), readers.get(name, str)(text)) for name, text in given]
    return _make_entry([("citationkey", key), *converted], raw)


# Lines with tags: RIS, PubMed and EndNote.


def _read_tagged_lines(text: str) -> Iterator[_Entry]:
    """Yield the entries, each up to its end (`ER`) or to the tag that begins another. That tag need not be its first.

    A line without a tag goes on with the line above, or is between two entries.
    """
    given, lines = Fields(), list[str]()
    for line in [*text.split("\n"), "ER  - "]:
        match = _TAG.match(line)
        tag = (match[1] or match[2]).strip().lower() if match else ""
        if tag in ("er", *_STARTS) and any(name in _STARTS for name, _ in given):
            yield _make_entry(given, "\n".join(lines))
            given, lines = [], []
        if match:
            given.append((tag, match[3].strip()))
        elif given:
            name, value = given.pop()
            given.append((name, f"{value}\n{line.strip()}".rstrip("\n")))
        else:
            yield _Entry(line)
        lines.append(line)


# Tables and other lines.


def _find_table(text: str) -> tuple[str, str, list[str]] | None:
    """Return a table's rows, delimiter and columns; None if no column of the first line is one of titles."""
    first, _, rest = text.partition("\n")
    stated = first[4:5] if first.startswith("sep=") and len(first) == 5 else ""  # of Excel
    first, _, rest = rest.partition("\n") if stated else (first, "", rest)
    delimiter = stated or max(",;\t", key=first.count)
    columns = [name.strip(' "').casefold() for name in first.split(delimiter)]
    titles = [at for at, name in enumerate(columns) if not _TITLE_WORDS.isdisjoint(_WORD.findall(name))]
    if len(columns) < 2 or _NO_COLUMN.search(first) or not (titles or set(columns) & set(_NAMES)):
        return None
    if (
        titles
    ):  # the journal's title follows that of the paper, unless that is called a title and nothing else
        columns[min(titles, key=lambda at: columns[at] not in _TITLE_WORDS)] = "title"
    return rest, delimiter, columns


def _read_table(rows: str, delimiter: str, columns: Sequence[str]) -> Iterator[_Entry]:
    try:
        for row in csv.reader(io.StringIO(rows), delimiter=delimiter):
            if any(map(str.strip, row)):
                cells = zip_longest(columns, map(exports.unescape_formula, row), fillvalue="")
                yield _make_entry(list(cells), "\n".join(row))
    except csv.Error:  # a field of more than 128 kB
        yield from map(_Entry, rows.splitlines())


def _read_lines(text: str, *, is_page: bool = False) -> Iterator[_Entry]:
    """Yield a text's lines. A line that may be a title has its words as the label: in a page an item or a row, in a PDF none."""
    is_text = _NOT_TEXT.search(text) is None
    for line in text.lstrip("\ufffd").splitlines():
        line = html_pages.convert_tags(line) if "<" in line else line
        rest = title_reader.strip_item(line)
        link = mentions.LINK.search(rest) if "](" in rest else None
        title = title_reader.read_title(link[2], min_words=1 if is_page else 2) if link else None
        is_item = rest != line or line.startswith(("|", "#"))
        is_named = is_text and (is_item or not (is_page or line.startswith((" ", "\t", "<", ">"))))
        own = title_reader.read_title(line) if line.startswith("#") else rest.strip()
        name = title or own or ""
        is_title = is_named and "\ufffd" not in name and len(name) <= title_reader.MAX_TITLE_LENGTH
        label = name if is_title and _WORD.search(name) else ""
        yield _Entry(line, [], label, title or title_reader.read_title(label, min_words=2) or "")
