"""Read records: objects of JSON and XML, entries of BibTeX, of RIS, PubMed and EndNote, and rows of tables.

A record is a list of fields. What a field says follows from its name, by one table for all formats: a paper's key, its title, its
people, its day, its abstract, or a key of another paper. In nested objects a record is the innermost one with a title and what is
around and in it; without a title, one with a key.
"""

from __future__ import annotations

import csv
import io
import json
import plistlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, timedelta
from itertools import accumulate, chain, zip_longest
from typing import Any, NamedTuple, TypeAlias
from xml.etree import ElementTree
from xml.parsers.expat import ExpatError

from bot.archive import arxiv_ids, bibtex, escaping, fields, listing, mentions, schemes, sorting, title_reader
from bot.archive.items import Item
from bot.text import date_reader
from storage.models import Skipped, SkipReason, arxiv_id_of, scheme_of

Fields: TypeAlias = list[tuple[str, Any]]
"""The fields of a record in order: lower-case names, each with its text, or, of people, days and an index of words, its value."""

# What fields are, by their names in lower case.
STATED_TITLES = (
    *("title", "ti", "t1", "%t", "title_s", "dc:title"),
    *("paper_title", "papertitle", "article_title", "articletitle", "maintitle"),
)
"""Titles of papers in all formats."""
NAMES = ("name", "headline", "이름", "논문")
"""What titles are called in a file that calls nothing a title."""
_TITLE_WORDS = frozenset(
    (
        "title",
        "ti",
        "titel",
        "titre",
        "título",
        "titolo",
        "标题",
        "题名",
        "タイトル",
        "제목",
        "논문명",
        "논문제목",
    )
)
TAGS = re.compile(r"(?:.*[\s-])?tags?|(?:author )?keywords?|kw|ot|de|%k|labels")
_PEOPLE = re.compile(
    r"(?:authors?|author_?names?|creators?|authorships|authorstring|auth_?full_?names?(?:_s)?|dc:creator|a[u1]|%a|저자|저자명|著者|作者)"
)
IS_OF_PEOPLE = re.compile(rf"{_PEOPLE.pattern}|(?:author|creator|contributor).*|family|lastname")
_ABSTRACTS = (
    "abstract",
    "abstracts",
    "abstracttext",
    "abstract_s",
    "ab",
    "n2",
    "%x",
    "abstractnote",
    "description",
    "초록",
    "抄録",
    "摘要",
)
_TYPES = ("dc:type", "subtype", "article_type", "articletype")
_INDEX = "abstract_inverted_index"
_LIST_DAY = re.compile(
    r"\A(?:date|day|week)\Z|\A(?!.*(?:updat|modif|creat|added)).*(?:daily|listed|digest|report)"
)
_DAY = re.compile(
    r"(?!.*(?:updat|modif|creat|added|submit|access)).*(?:date|publish|announced|issued|게재일|발행일).*|d[ap]|y1"
)
_TAG_NAMES = ("name", "tag", "title", "term", "label", "value", "#text", "@value")
_PARTS = ("value", "#text", "@value", "date-parts", "date-time", "timestamp", "start")
"""What is in an object for one text or day."""
OF_OTHERS = re.compile(
    r"(?:.*\s)?abstract.*|summary|초록|摘要|ab|n2|%x|(?:.*-)?references?|(?:.*_)?citations?|cite[ds].*|related(?!-?urls?).*|memo|update-.*"
    r"|(?:is|has)-(?!preprint|manuscript|version).*"
    r"|bibliography|(?:previous|prior|code).*|cr|referenced.*"
)
"""Fields whose ids are those of other papers: cited ones, earlier submissions, what its code is of."""
OF_IDS = re.compile(
    r".*(?:arxiv|journal|publication|container).*|eprint|booktitle|venue|howpublished|j[aof]|t2|%[bj]|so|l1|files?"
)
"""Fields that hold no sentences: ids of arXiv, where a paper appeared, and its files."""
_OF_PLACES = re.compile(r".*journal.*|container.*|venue.*|host.*|source|publicationinfo|attachments")
"""Objects for where a paper appeared, and for its files, whose titles are not its own."""
OF_KEYS = re.compile(
    r".*doi.*|d[io]|[al]id|(?:.*[-_ :])?(?:uri?|url)s?(?:-[0-9])?|links?|l[1-3]|ee|address|href|(?:.*_)?pdf|identifiers?|ids?"
    r"|%[ru]|electronic-resource-num|externalids|pids?|locations?"
)
"""Fields that may hold a DOI or the address of a paper's page."""
_NUMBERS = ("volume", "issue", "pages", "year")
"""Fields of numbers that may look like an id of arXiv."""
_IS_WHOLE = re.compile(rf"{_INDEX}|{_PEOPLE.pattern}|{_DAY.pattern}")
"""Fields that keep their value, of whatever members it is."""


class Record(NamedTuple):
    """What a text says of one paper. `on` is the day of the list that it is in, `text` how an entry is written."""

    fields: Fields
    on: date | None = None
    text: str = ""
    is_object: bool = True

    def first(self, names: Iterable[str]) -> str:
        """Return the first text in the fields of one of these names, or ""."""
        return first(self.fields, names)


def first(given: Fields, names: Iterable[str]) -> str:
    """Return the first text in the fields of one of these names, or ""."""
    texts = (text for wanted in names for name, text in given if name == wanted and isinstance(text, str))
    return next(filter(str.strip, texts), "")


# What a record says.


def title_of(record: Record) -> str:
    """Return a record's title as plain text, with its subtitle, or ""."""
    stated = record.first(STATED_TITLES)
    title = mentions.LINK.sub(r"\2", stated or record.first(NAMES))
    parts = (fields.read_markup(part) for part in (title, record.first(("subtitle",))))
    return " ".join(": ".join(filter(None, parts)).split())


def people_of(record: Record) -> tuple[str, ...]:
    """Return the people that wrote a record's paper."""
    values = [value for name, value in record.fields if _PEOPLE.fullmatch(name) and value]
    values = [value for value in values if not isinstance(value, str)][:1] or values
    return fields.read_names(values[0] if len(values) == 1 else values)


def day_of(record: Record) -> date | None:
    """Return the day in a record's fields, or None: that of a list, else of the paper, never of its making or change."""
    return record.on or find_day(record.fields)


def find_day(given: Fields) -> date | None:
    """Return the day in fields, or None: that of a list, else of the paper."""
    values = chain(
        (value for name, value in given if _LIST_DAY.search(name)),
        (value for name, value in given if _DAY.fullmatch(name)),
    )
    return next(filter(None, map(_read_day, values)), None)


def _read_day(value: object) -> date | None:
    """Return the day in a text, in its parts (`[[2026, 11, 20]]`), or in the first member of an object or list that has one."""
    if isinstance(value, str):
        return date_reader.find_date(value[:40])
    if isinstance(value, list) and len(value) == 3 and all(isinstance(part, int) for part in value):
        with suppress(ValueError, OverflowError):
            return date(*value)
        return None
    members = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return next(filter(None, map(_read_day, members)), None)


def abstract_of(record: Record) -> str | None:
    """Return a record's abstract in paragraphs, or None."""
    for name, index in record.fields:
        if name == _INDEX and isinstance(index, Mapping):
            places = ((at, word) for word, given in index.items() if isinstance(given, list) for at in given)
            words = [word for _, word in sorted(place for place in places if isinstance(place[0], int))]
            # A long word may be at many places.
            ends = accumulate(len(word) + 1 for word in words)
            return " ".join(
                word for word, end in zip(words, ends, strict=True) if end <= fields.MAX_TEXT_LENGTH
            )
    return fields.clean_paragraph(fields.read_markup(record.first(_ABSTRACTS)))


def keys_of(record: Record) -> list[str]:
    """Return the keys of a record's paper, each scheme's first one, arXiv's before the others.

    They are in a field for keys, or are all that a field has: a link, or an id of arXiv.
    """
    keys: dict[str, str] = {}
    for name, text in sorted(record.fields, key=lambda field: "doi" not in field[0]):
        for key in _list_in_field(name, text) if isinstance(text, str) else ():
            keys.setdefault(scheme_of(key), key)
    return sorted(keys.values(), key=lambda key: arxiv_id_of(key) is None)


def _list_in_field(name: str, text: str) -> list[str]:
    if OF_OTHERS.fullmatch(name) or TAGS.fullmatch(name) or name in _NUMBERS:
        return []
    if OF_KEYS.fullmatch(name):
        return [key for line in text.splitlines() if (key := schemes.read_key(line))]
    # As in references: {arXiv preprint arXiv:2401.00003}.
    if OF_IDS.fullmatch(name) and len(text) < _MAX_ID and mentions.is_only_id(text):
        return [key for key, *_ in schemes.find_places(text)]
    return [key for line in text.splitlines() if (key := read_key(line))]


_MAX_ID = 300
_DOI = re.compile(r"(?:doi\s?[:=]?\s?)?10\.[0-9]{4,9}/\S+", re.IGNORECASE | re.ASCII)


def read_key(value: object) -> str | None:
    """Return the key if a value is only an id of arXiv, a DOI or a paper's link, or None."""
    if not isinstance(value, str) or len(value) >= _MAX_ID:
        return None
    if " " in value.strip() and not _DOI.fullmatch(value.strip()):
        return arxiv_ids.parse_bare_id(value)
    is_link = "://" in value or _DOI.fullmatch(value.strip())
    return arxiv_ids.extract_arxiv_id(value) or (schemes.read_key(value) if is_link else None)


def read_item(record: Record, row: int) -> Item | Skipped:
    """Return the paper of a list's record, or why it has none. Outside arXiv, its people and abstract are the record's."""
    keys, title = keys_of(record), title_of(record)
    if not keys:
        return _leave_out(record, title)
    main, *names = keys
    title = title_reader.clean_title(title, is_of_arxiv=schemes.is_arxiv(main)) or ""
    others: dict[str, Any] = {}
    if not schemes.is_arxiv(main):
        if not title:
            return sorting.skip(SkipReason.NO_TITLE, schemes.short_name(main))
        if fields.is_notice(title, record.first(_TYPES)):
            return sorting.skip(SkipReason.NO_PAPER, title)
        others = {"authors": people_of(record), "abstract": abstract_of(record)}
    return Item(main, title or None, day_of(record), row, names=tuple(names), others=others)


def read_items(values: Sequence[tuple[int, object]], on: date | None) -> Iterator[Item | Skipped]:
    """Yield the papers in values of JSON, each with its line, and what is left out: each record or member of a list without one.

    `on` is the day of records in lists without one. A title may be a name if nothing is called a title.
    """
    for line, value in values:
        try:
            records, _ = find_all([value])
        except RecursionError:
            yield sorting.skip(SkipReason.NOT_READ, f"line {line} is nested too deeply")
            continue
        for record in records or [Record([], text=str(value), is_object=False)] * (len(values) > 1):
            yield sorting.attempt(read_item, record._replace(on=record.on or on), line - 1)


def _leave_out(record: Record, title: str) -> Skipped:
    """Return why a record has no paper: a list's member may be none at all."""
    if not record.is_object:
        return sorting.skip(SkipReason.NO_PAPER, record.text)
    texts = (text for _, text in record.fields if isinstance(text, str) and len(text) < _MAX_ID)
    links = [text for text in texts if " " not in text]
    return sorting.skip(schemes.explain("\n".join(links)), title or "".join(links[:1]))


# JSON, XML.

BROKEN = ValueError, SyntaxError, ExpatError, LookupError, TypeError, AttributeError, RecursionError
"""What the readers of the standard library raise for a file that is none of theirs, or nested too deeply."""
LIKE_VALUES = re.compile(r"\s*(?:<|\{|\[\s*[\[{\"])")
_MAX_NAME = 80


def load_values(text: str) -> Any | None:
    """Return the value of JSON, of its lines, or of XML as JSON would have it; None for another text.

    Raises an error of `BROKEN`.
    """
    if not LIKE_VALUES.match(text):
        return None
    if text.lstrip()[:1] != "<":
        with suppress(ValueError):
            return json.loads(text, strict=False)
        return [json.loads(line, strict=False) for line in text.splitlines() if line.strip()]
    if "<plist" in text[:1_000]:  # Safari's bookmarks
        return plistlib.loads(text.encode())
    root = ElementTree.fromstring(text.strip())  # noqa: S314 - expat bounds entities; it runs in a process with limits
    return None if _local_name(root.tag) == "html" else _convert_element(root)


def _convert_element(element: ElementTree.Element) -> Any:
    """Return an element as the value that JSON would have. A title is a text, whatever elements are in it."""
    members: dict[str, list[Any]] = {_local_name(name): [text] for name, text in element.attrib.items()}
    if _local_name(element.tag) in STATED_TITLES or not len(element):
        members["value"] = ["".join(element.itertext())]
    else:
        for child in element:
            members.setdefault(_local_name(child.tag), []).append(_convert_element(child))
    return {name: values[0] if len(values) == 1 else values for name, values in members.items()}


def _local_name(name: object) -> str:
    return str(name).rpartition("}")[2]


def find_all(values: Iterable[Any]) -> tuple[list[Record], Fields]:
    """Return the records in values, and the fields that are in none. A title may be a name if nothing is called a title."""
    for titles in (STATED_TITLES, NAMES):
        found = [find(value, titles) for value in values]
        if any(_count_titled(records, titles) for records, _ in found):
            break
    return [*chain.from_iterable(records for records, _ in found)], [
        *chain.from_iterable(rest for _, rest in found)
    ]


def find(
    value: Any, titles: Sequence[str] = STATED_TITLES, name: str = "", depth: int = 0
) -> tuple[list[Record], Fields]:
    """Return the records in a value, the member `name` of another, and the fields that are in none.

    A record is an object with one of the `titles`; with a name alone, only if it has an address. One without a key is a
    folder if a list in it has records. An object around a single record is part of it. What it cites is left out.
    Raises RecursionError for a value of more than `_MAX_DEPTH` levels.
    """
    if depth > _MAX_DEPTH:
        raise RecursionError
    if isinstance(value, list):
        return _find_in_list(value, titles, name, depth)
    if not isinstance(value, dict):
        return [], [] if value is None else [(name, str(value))]
    if TAGS.fullmatch(name):
        called = next((value[key] for key in _TAG_NAMES if value.get(key)), None)
        return [], [(name, called)] if isinstance(called, str) else []
    if "content" in value and "forum" in value:
        if value.get("id", value["forum"]) != value["forum"]:
            return [Record([], text=f"reply to {value['forum']}", is_object=False)], []
        value = {**value, "forum": f"https://openreview.net/forum?id={value['forum']}"}
    return _find_in_object(value, titles, name, depth)


_MAX_DEPTH = 200


def _find_in_object(
    value: dict[str, Any], titles: Sequence[str], name: str, depth: int
) -> tuple[list[Record], Fields]:
    """Return the records in an object. What it says itself comes before what is said of its parts."""
    records, of_keys, own, is_folder = list[Record](), list[Record](), Fields(), False
    for key, member in sorted(value.items(), key=lambda field: isinstance(field[1], dict | list)):
        inner = name if key in _PARTS else key[:_MAX_NAME].lower()
        if OF_OTHERS.fullmatch(inner) and inner not in (*_ABSTRACTS, _INDEX):
            continue
        if isinstance(member, dict | list) and _IS_WHOLE.fullmatch(inner):
            own.append((inner, member))
            continue
        if isinstance(member, dict | str) and arxiv_ids.parse_bare_id(key):
            member = {"arxiv": key, **(member if isinstance(member, dict) else _read_label(member, titles))}
        found, rest = find(member, titles, inner, depth + 1)
        if on := date_reader.find_date(key[:40]):
            found = [record._replace(on=record.on or on) for record in found]
        is_title = inner.removesuffix("s") in titles
        if is_title or _OF_PLACES.fullmatch(inner):
            parts = (field for one in found for field in one.fields)
            rest += [field for field in parts if is_title or field[0] not in titles]
            found = []
        (of_keys if OF_KEYS.fullmatch(inner) else records).extend(found)
        own += rest
        is_folder |= _count_titled(found, titles) > (0 if isinstance(member, list) else 1)
    return _make_record(own, records, of_keys, titles, is_folder=is_folder)


def _read_label(text: str, titles: Sequence[str]) -> dict[str, str]:
    """Return the title that a text behind an id is, or nothing: it is a category, or a row of a table."""
    return {titles[0]: text} if " " in text and "](" not in text else {}


def _find_in_list(
    members: list[Any], titles: Sequence[str], name: str, depth: int
) -> tuple[list[Record], Fields]:
    """Return the records in a list, of which each object is one, or has some, and each text that is only a key."""
    records, own = list[Record](), Fields()
    has_objects = any(isinstance(member, dict) for member in members)
    for member in members:
        found, rest = find(member, titles, name, depth + 1)
        if not found and has_objects:
            text = "null" if member is None else str(member) if isinstance(member, str | int | float) else ""
            found, rest = [Record(rest, text=text, is_object=isinstance(member, dict))], []
        elif isinstance(member, str) and read_key(member):
            found, rest = [Record(rest)], []
        records += found
        own += rest
    return records, own


def _count_titled(records: Iterable[Record], titles: Sequence[str]) -> int:
    return sum(bool(record.first(titles)) for record in records)


def _make_record(
    own: Fields, records: list[Record], of_keys: list[Record], titles: Sequence[str], *, is_folder: bool
) -> tuple[list[Record], Fields]:
    """Return the record of an object with these fields, and those in it, or those in it with the fields that are in none.

    Those `of_keys` are in members for keys: of an object with a title all are its own.
    """
    titled = [record for record in records if record.first(titles)]
    parts = [record for record in records if not record.first(titles)]
    own_keys, keys = _find_keys(Record(own)), {*filter(None, map(tuple, map(_find_keys, parts)))}
    is_named = first(own, titles) and (
        titles is STATED_TITLES or is_addressed(own) or own_keys or any(map(_find_keys, of_keys))
    )
    is_around = len(titled) == 1 and not own_keys and _find_keys(titled[0])
    if is_named and (len(keys) < 2 or own_keys) and (not is_folder or own_keys) and not is_around:
        return [Record([*own, *(field for part in (*of_keys, *parts) for field in part.fields)]), *titled], []
    if len(titled) == 1 and not is_folder:
        inner = [field for part in (*of_keys, *parts) for field in part.fields]
        if len(keys) < 2:
            around = [(name, value) for name, value in own if name not in titles]
            return [Record([*around, *inner, *titled[0].fields], titled[0].on)], []
        if not _find_keys(titled[0]):  # the title of a list
            own, records = [*own, *titled[0].fields], parts
    records = [*of_keys, *records]
    if not titled and own_keys:
        return [Record([*own, *(field for part in records for field in part.fields)])], []
    if records and (on := find_day(own)):
        records = [record._replace(on=record.on or on) for record in records]
        own = [(name, value) for name, value in own if not (_LIST_DAY.search(name) or _DAY.fullmatch(name))]
    return records, own


def _find_keys(record: Record) -> list[str]:
    """Return the keys of a record, or none if that fails: it is told when the record's paper is read."""
    keys = sorting.attempt(keys_of, record)
    return [] if isinstance(keys, Skipped) else keys


def is_addressed(given: Fields) -> bool:
    """Return whether one of these fields has an address, or an id of arXiv."""
    return any(isinstance(text, str) and ("://" in text or arxiv_ids.names_paper(text)) for _, text in given)


# BibTeX.


def read_bibtex(text: str) -> Iterator[Record | str]:
    """Yield the entries of BibTeX, and what is between them. What the others call a note is its annotation."""
    names = {"annote": "note", "note": "comment", "key": "sortkey"}
    for block in bibtex.read(text):
        if isinstance(block, str):
            yield block
            continue
        raw, key, given = block
        volume = first(given, ("volume",))
        read = ((name, value, sorting.attempt(_read_latex, name, value, volume)) for name, value in given)
        converted = [
            (names.get(name, name), value if isinstance(it, Skipped) else it) for name, value, it in read
        ]
        yield Record([("citationkey", key), *converted], text=raw)


def _read_latex(name: str, value: str, volume: str) -> Any:
    if name in ("title", "subtitle", "abstract"):
        return bibtex.read_latex(value)
    if name in ("annote", "keywords"):
        return escaping.unescape_bibtex(value)
    if name == "author":
        return [*bibtex.read_names(value[:_MAX_PEOPLE])]
    # Volume {abs/2401.00003} of {CoRR}.
    return f"{value} {volume}" if name == "journal" and volume.startswith("abs/") else value


_MAX_PEOPLE = 50_000
"""Characters of the authors of a paper."""


# Lines with tags: RIS, PubMed and EndNote.

TAGGED = re.compile(r"^[ \t]*(?:TY[ \t]{1,4}-|PMID *- ?[0-9]|%0[ \t]+\w|PT [A-Z]\b)", re.MULTILINE)
"""What every entry of RIS, of PubMed (NBIB), of EndNote (.enw) and of Web of Science has."""
_TAG = re.compile(
    r"[ \t]{0,4}(?:([A-Z][A-Z0-9] {1,2}(?=-)|[A-Z]{2,4} ?(?=- ))-|(%[0-9A-Z@+])(?!\S))[ \t]*(.*)"
)
_TAG_OF_WEB_OF_SCIENCE = re.compile(r"([A-Z][A-Z0-9])()(?: (.*)|$)")
_STARTS = ("ty", "pmid", "%0", "pt")


def read_tagged_lines(text: str) -> Iterator[Record | str]:
    """Yield the entries, each up to its end (`ER`) or to the tag that begins another, and the lines between two.

    That tag need not be its first. A line without a tag goes on with the line above.
    """
    given, lines, is_begun = list[tuple[str, list[str]]](), list[str](), False
    tag_of = _TAG_OF_WEB_OF_SCIENCE if re.search(r"^PT [A-Z]\b", text, re.MULTILINE) else _TAG
    for line in [*text.split("\n"), "ER  - " if tag_of is _TAG else "ER"]:
        match = tag_of.match(line)
        tag = (match[1] or match[2]).strip().lower() if match else ""
        if given and (tag == "er" or (is_begun and tag in _STARTS)):
            joined = ((name, "\n".join(filter(None, values))) for name, values in given)
            yield Record([*joined], text="\n".join(lines))
            given, lines, is_begun = [], [], False
        if match and tag not in ("er", "ef"):
            given.append((tag, [(match[3] or "").strip()]))
            is_begun |= tag in _STARTS
        elif given:
            given[-1][1].append(line.strip())
        elif not match:
            yield line
        lines += [line] if given else []


# Tables.

_NO_COLUMN, _WORD = re.compile(r"[@={}\\]|://"), re.compile(r"[^\W\d_]{2,}")


def find_table(text: str) -> tuple[str, str, list[str]] | None:
    """Return a table's rows, delimiter and columns; None if no column of the first lines is one of titles."""
    rest, delimiter = text, ""
    for _ in range(_MAX_PREFACE):
        above, _, rest = rest.partition("\n")
        if above.startswith("sep=") and len(above) == 5:  # of Excel
            delimiter = above[4]
            continue
        by = delimiter or max(",;\t", key=above.count)
        columns = name_columns(above.split(by))
        if (
            len(columns) > 1
            and not _NO_COLUMN.search(above)
            and ("title" in columns or set(columns) & set(NAMES))
        ):
            return rest, by, columns
    return None


def name_columns(cells: Iterable[str]) -> list[str]:
    """Return the names of a table's columns in lower case, the one of titles as `title` however it is called."""
    columns = [name.strip(' "*').casefold() for name in cells]
    titles = [at for at, name in enumerate(columns) if not _TITLE_WORDS.isdisjoint(_WORD.findall(name))]
    if titles:
        # The journal's title follows that of the paper, unless that is called a title and nothing else.
        columns[min(titles, key=lambda at: columns[at] not in _TITLE_WORDS)] = "title"
    return columns


_MAX_PREFACE = 3
"""The lines of which one names a table's columns: above it a database says what it exports."""


def read_table(rows: str, delimiter: str, columns: Sequence[str]) -> Iterator[Record | str]:
    """Yield the rows of a table as records, or the lines of one with a field of more than 128 kB."""
    try:
        for row in csv.reader(io.StringIO(rows), delimiter=delimiter):
            if any(map(str.strip, row)):
                # A row has its own cells alone, however many columns there are.
                cells = zip_longest(columns[: len(row)], map(escaping.unescape_formula, row), fillvalue="")
                yield Record(list(cells), text="\n".join(row))
    except csv.Error:
        yield from rows.splitlines()


# Hugging Face's list as people store it: the answer itself or parts of it, in an object with a date, or as JSON Lines.


def _is_service_item(item: object) -> bool:
    """Return whether an object is a paper in Hugging Face's form, in its wrapper or alone."""
    if not isinstance(item, Mapping):
        return False
    paper = listing.get_mapping(item, "paper") or (item if "upvotes" in item else {})
    return (key := read_key(paper.get("id"))) is not None and schemes.is_arxiv(key)


def read_answer(values: Sequence[object]) -> tuple[list[Any], date | None]:
    """Return the items of Hugging Face's list and its day, or an empty list for any other JSON.

    The day is that of the object around the list, or the newest on which a paper was submitted to the list.
    """
    only = values[0] if len(values) == 1 else list(values)
    around = only if isinstance(only, Mapping) and not _is_service_item(only) else {}
    [(key, items), *others] = [
        (key, part) for key, part in [("", only), *around.items()] if isinstance(part, list)
    ] or [("", [])]
    papers = list(filter(_is_service_item, items))
    if others or 2 * len(papers) <= len(items):
        return [], None
    on = find_day([(name.lower(), value) for name, value in around.items()]) or date_reader.find_date(
        key[:40]
    )
    submitted = list(filter(None, map(_find_submission, papers)))
    if on or not submitted:
        return items, on
    # The lists of several days are none of one day.
    is_of_one_day = max(submitted) - min(submitted) <= _LONGEST_LIST
    return (items, max(submitted)) if is_of_one_day else ([], None)


_LONGEST_LIST = timedelta(days=4)
"""The longest time in which the papers of one list are submitted: a long weekend."""


def _find_submission(item: Mapping[str, Any]) -> date | None:
    """Return the day on which a paper was submitted to Hugging Face's list, not to arXiv."""
    paper = listing.get_mapping(item, "paper") or item
    return fields.clean_date(paper.get("submittedOnDailyAt"))
