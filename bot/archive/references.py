"""References in a file: BibTeX, the tagged lines of RIS, PubMed and EndNote, JSON, XML, tables, mails and any other text.

An entry of a reference manager is a list of fields. Its papers are the ids in fields for ids and in links, and those alone in a
line. Of any other text each line is an entry by itself, about the links and ids that no sentence of it has (`mentions`).
"""

from __future__ import annotations

import email
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from itertools import compress, groupby
from typing import Any, NamedTuple

from bot.archive import (
    arxiv_ids,
    bibtex,
    exports,
    fields,
    html_pages,
    lines,
    mentions,
    records,
    schemes,
    sorting,
    title_reader,
)
from bot.archive.items import Item
from bot.text import charsets
from storage.models import Skipped

MAX_REFERENCES = 10_000
"""The most references of a file, twice as many papers as a shelf holds."""
_MAX_LABEL_LENGTH, _MAX_NOTE_LENGTH = 80, 4_000

_KEYS = ("citationkey", "citation-key", "citation key", "key", "id", "%f")
_LONG_TAG = re.compile(r"(?<=[^,;#、]{60})[^,;#、]+")
"""The end of a tag that would leave no room for others."""
_CUT_NUMBER = re.compile(r"([0-9]{3,4})\.([0-9]{1,5})")
_MAIL = re.compile(
    r"(?:[A-Za-z-]{2,30}:[^\n]*\n(?:[ \t][^\n]*\n)*)*(?:Message-ID|MIME-Version|Received|Content-Type):",
    re.IGNORECASE,
)
"""The first fields of an e-mail."""
_MAILBOX = re.compile(r"^From \S[^\n]*\n(?=[A-Za-z-]{2,30}:)", re.MULTILINE)
"""What begins each e-mail of a mailbox."""
_PAGE = re.compile(r"</(?:a|li|td|p|dl|body|html)>", re.IGNORECASE)
_NOT_TEXT, _WORD = re.compile(r"^%PDF-|[\x01-\x08\x0e-\x1f]"), re.compile(r"[^\W\d_]{2,}")


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
    """A record with its fields or, without them, a line. `label` names it if it has neither title nor key."""

    text: str
    fields: records.Fields = []  # noqa: RUF012 - never changed
    label: str = ""
    title: str = ""
    is_title_stated: bool = False
    key: str | None = None
    """The key of the paper that a line is about, where it does not stand in a sentence."""


def read_references(data: bytes, on: date, with_tags: bool = False) -> list[Reference]:
    """Return a file's references in order, each paper once but for entries with other titles. `on` is today's date.

    An entry that names several papers is a reference for each. One without an id has a label; other text without an
    id or a title is skipped. At most one reference more than MAX_REFERENCES is read. Tags are those of this bot's exports, or
    `with_tags` of all files.
    """
    references: dict[str, Reference] = {}
    for entry in _read_file(decode(data), on):
        read = sorting.attempt(_read_entry, entry, on, with_tags)
        if is_unread := isinstance(read, Skipped):
            label = " ".join(entry.text.split())[:_MAX_LABEL_LENGTH]
            read = [], [], False, Reference(label, None, "")
        ids, others, is_own, found = read
        for arxiv_id in ids:
            # An entry of ours has its own place, wherever the comment above the entries names it.
            former = references.pop(arxiv_id, None) if is_own else references.get(arxiv_id)
            reference = replace(found, label=found.label or arxiv_id, arxiv_id=arxiv_id)
            if former is None or is_own or (found.title and not former.title):
                references[arxiv_id] = reference
            elif entry.fields and found.title and found.title != former.title:
                references.setdefault(f"{arxiv_id} {found.title}", reference)
        if not ids and (others or (found.label if entry.fields or is_unread else entry.label)):
            for name in others or (found.label,):
                other_key = name if others else None
                reference = replace(found, label=found.label or name, other_key=other_key)
                references.setdefault(f" {name}", reference)
        if len(references) > MAX_REFERENCES:
            break
    return list(references.values())


def _read_entry(entry: _Entry, on: date, with_tags: bool) -> tuple[list[str], list[str], bool, Reference]:
    """Return the ids of an entry's papers, else its keys elsewhere, whether it is of our export, and what is said of each."""
    key = records.first(entry.fields, _KEYS)
    cited = (str(text) for name, text in entry.fields if name in ("ids", *_KEYS))
    own_id = next(filter(None, map(exports.parse_key, cited)), None)
    ids = [own_id] if own_id else _list_ids(entry, on)
    # Of several papers in one item, the title is that of a list.
    title = entry.title[: fields.MAX_LINE_LENGTH] if len(ids) < 2 else ""
    label = title or (key or entry.label)[:_MAX_LABEL_LENGTH]
    notes = (str(text) for name, text in entry.fields if name in ("note", "n1"))
    note = "\n".join(notes)[:_MAX_NOTE_LENGTH] if own_id else ""
    tags = _join_tags(entry.fields) if own_id or with_tags else ""
    if len(ids) * len(tags) > len(entry.text):
        tags = ""  # of a list of papers
    is_stated = entry.is_title_stated and not ids
    others = [] if ids else _list_others(entry)
    return ids, others, own_id is not None, Reference(label, None, title, note, tags, is_stated)


def _join_tags(given: records.Fields) -> str:
    tags = (str(text) for name, text in given if records.TAGS.fullmatch(name) and "auto" not in name)
    return _LONG_TAG.sub("", ",".join(tags).replace("\n", ","))[:_MAX_NOTE_LENGTH]


def _list_ids(entry: _Entry, on: date) -> list[str]:
    """Return the ids of an entry's papers: of its fields or, without any, those that its line is about."""
    if entry.key:
        return [entry.key] if schemes.is_arxiv(entry.key) and arxiv_ids.is_possible(entry.key, on) else []
    if not entry.fields:
        return mentions.list_own_ids(entry.text, on)
    return list(dict.fromkeys(id_ for name, text in entry.fields for id_ in _list_in_field(name, text, on)))


def _list_others(entry: _Entry) -> list[str]:
    """Return the keys outside arXiv of an entry's papers: the first of its fields or, without any, those of its line."""
    if entry.key:
        return [] if schemes.is_arxiv(entry.key) else [entry.key]
    if entry.fields:
        return records.keys_of(records.Record(entry.fields))[:1]
    places = ((key, mentions.around(entry.text, *place)) for key, *place in schemes.find_places(entry.text))
    return [
        key
        for key, (before, after) in places
        if not mentions.is_in_sentence(lines.BEFORE_KEY.sub("", before), after, "", is_id=False)
    ]


def _list_in_field(name: str, text: object, on: date) -> Iterator[str]:
    if not isinstance(text, str) or records.OF_OTHERS.fullmatch(name) or records.TAGS.fullmatch(name):
        return
    if records.OF_IDS.fullmatch(name):
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


def _read_file(text: str, on: date) -> Iterator[_Entry]:
    """Yield the entries of a file or, of e-mails, those of their texts."""
    for mail in _MAILBOX.split(text):
        if not _MAIL.match(mail):
            yield from _read_entries(mail, on)
            continue
        texts = sorting.attempt(_read_mail, mail)
        # One that is nested too deeply is read as any other text.
        for part in (mail,) if isinstance(texts, Skipped) else texts:
            yield from _read_entries(part, on)


def _read_mail(mail: str) -> list[str]:
    """Return the texts in an e-mail, and in those within it."""
    texts = []
    for part in email.message_from_string(mail).walk():
        if part.get_content_maintype() == "text":
            is_encoded = "content-transfer-encoding" in part
            payload = part.get_payload(decode=True) if is_encoded else part.get_payload()
            texts.append(decode(payload) if isinstance(payload, bytes) else str(payload))
    return texts


def _read_entries(text: str, on: date) -> Iterator[_Entry]:
    """Yield the entries of a text, which together contain all of it that may name papers."""
    found, is_page = _find_in_values(text), text.lstrip()[:1] == "<" and _PAGE.search(text)
    entry, tagged = bibtex.ENTRY.search(text), records.TAGGED.search(text)
    if found and (found[0] or not is_page):
        yield from _read_records(*found, on, is_json=text.lstrip()[:1] in "{[")
    elif is_page:
        yield from _read_lines(html_pages.to_markdown(text), on, is_page=True)
    elif records.LIKE_VALUES.match(text):  # broken, or nested too deeply
        yield from _read_lines(re.sub(r'[{}\[\]<>"]', "\n", text), on)
    elif table := records.find_table(text):
        yield from map(_make_entry, records.read_table(*table))
    elif tagged and (entry is None or tagged.start() < entry.start()):
        yield from map(_make_entry, records.read_tagged_lines(text))
    elif entry and not _NOT_TEXT.match(text):
        for is_text, blocks in groupby(records.read_bibtex(text), key=lambda block: isinstance(block, str)):
            if not is_text:
                yield from map(_make_entry, blocks)
                continue
            for line in _read_lines("\n".join(map(str, blocks)), on):
                yield line if line.key else line._replace(label="", title="")
    else:
        yield from _read_lines(text, on)


def _make_entry(record: records.Record | str) -> _Entry:
    entry = _Entry(record) if isinstance(record, str) else sorting.attempt(_read_record, record)
    return _Entry(str(record)) if isinstance(entry, Skipped) else entry


def _read_record(record: records.Record) -> _Entry:
    is_stated = bool(record.first(records.STATED_TITLES))
    return _Entry(
        record.text, record.fields, " ".join(record.text.split()), records.title_of(record), is_stated
    )


def _find_in_values(text: str) -> tuple[list[records.Record], records.Fields] | None:
    """Return the records in a file of JSON or XML, and the fields that are in none; None if it is not one."""
    with suppress(*records.BROKEN):
        values = records.load_values(text)
        tables = values.get("tables") if isinstance(values, dict) else None
        if isinstance(tables, dict) and isinstance(saved := tables.get("saved_papers"), list):
            values = _convert_saved(saved)  # of `/me data`
        return records.find_all([values]) if values is not None else None
    return None


def _read_records(
    found: Sequence[records.Record], rest: records.Fields, on: date, *, is_json: bool
) -> Iterator[_Entry]:
    """Yield the records of a file, then what is in none: fields for ids whole, the lines of others.

    Only of a file without records and ids may a line be a title.
    """
    is_titled = [bool(record.first(records.STATED_TITLES)) for record in found]
    is_titled = is_titled if any(is_titled) else [bool(records.title_of(record)) for record in found]
    titled = [*compress(found, is_titled)]
    for record in titled:
        text = " ".join(text for _, text in record.fields if isinstance(text, str))
        entry = _make_entry(record._replace(text=text))
        is_paper = is_json and any(records.IS_OF_PEOPLE.fullmatch(name) for name, _ in record.fields)
        yield entry._replace(is_title_stated=entry.is_title_stated and is_paper)
    untitled = [
        field
        for record, is_one in zip(found, is_titled, strict=True)
        if not is_one
        for field in record.fields
    ]
    rest = [(name, text) for name, text in (*rest, *untitled) if isinstance(text, str)]
    has_papers = bool(titled) or any(arxiv_ids.names_paper(text) for _, text in rest)
    for name, text in rest:
        if records.OF_IDS.fullmatch(name):
            yield _Entry(text, [(name, text)])
        elif not records.TAGS.fullmatch(name) and not records.OF_OTHERS.fullmatch(name):
            for line in _read_lines(text, on):
                yield line._replace(label="", title="") if has_papers else line


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


def _read_lines(text: str, on: date, *, is_page: bool = False) -> Iterator[_Entry]:
    """Yield a text's lines: an entry for each paper that a line is about, as in a list, or one for all that it names.

    A line that may be a title has its words as the label: in a page an item or a row, in a PDF none.
    """
    rows = text.lstrip("\ufffd").splitlines()
    front, start = lines.read_front_matter(rows)
    if records.keys_of(front):
        yield _make_entry(front)
    if is_text := _NOT_TEXT.search(text) is None:
        reader = lines.LineReader(rows, None)
        items = sorted(
            (item for item in reader.read(start) if isinstance(item, Item)), key=lambda item: item.row
        )
        rows, of_rows = (
            [*reader.rows],
            {row: [*found] for row, found in groupby(items, key=lambda item: item.row)},
        )
    for row, line in enumerate(rows[start:], start):
        entry = _read_line(line, is_page=is_page, is_text=is_text)
        listed = [item for item in of_rows.get(row, ()) if not item.is_mention] if is_text else []
        for item in listed:
            title = item.title or (entry.title if len(listed) == 1 else "")
            yield entry._replace(key=item.key, title=title, label=title)
        if not listed:
            yield entry
            continue
        # Ids in a row, of which a list takes those at its ends.
        known = {key for item in listed for key in (item.key, *item.names)}
        for key in mentions.list_own_ids(line, on):
            if key not in known:
                yield entry._replace(key=key, title="", label="")


def _read_line(line: str, *, is_page: bool, is_text: bool) -> _Entry:
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
    return _Entry(line, [], label, title or title_reader.read_title(label, min_words=2) or "")
