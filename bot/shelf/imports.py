"""Adds the references of a file to a reader's saved papers, those too that no digest has.

Reference managers write BibTeX, RIS, CSL JSON and Zotero's RDF. A file is hostile input, which may be made to take much
memory or time: it is parsed in a process of its own. Each reference becomes a dictionary with `arxiv_id` (None if it names
none), `title`, `authors`, `note` and `tags`.
"""

from __future__ import annotations

import asyncio
import html
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET

from pybtex.bibtex.utils import split_name_list
from pybtex.database.input import bibtex
from pybtex.scanner import PybtexSyntaxError, Token
from pybtex.textutils import normalize_whitespace
from pybtex.utils import CaseInsensitiveDict
from rispy import RisParser

from bot.archive import arxiv_ids, digest_writer
from bot.archive.exports import join_name
from bot.core import isolation
from bot.core.clock import Clock
from bot.rendering import discord_text
from bot.shelf import service as shelf_service
from bot.sources import fetcher
from bot.sources.fetch_errors import FetchError
from bot.text import typography
from storage import archive, papers, shelf
from storage.database import Connection, Database
from storage.errors import PaperroundError

MAX_REFERENCES = 10_000
MAX_TITLE_LENGTH = 1_000
MAX_AUTHORS, MAX_NAME_LENGTH = 200, 200
MAX_NOTE_LENGTH = 4 * shelf_service.MAX_NOTE_LENGTH
"""Characters of a note before it is cleaned; thousands of references may share one."""
MAX_EXPANSION = 2_000_000
"""Characters that the abbreviations (`@string`) of a file may become together; later ones are left out."""
MAX_NAMED_PROBLEMS = 10
"""Broken references whose place is reported; the others are counted."""

Reference = dict[str, Any]
_XML_START = re.compile(r"\s*<(\?xml|rdf:|!DOCTYPE|!--)")
_RIS_START = re.compile(r"(?m)^TY  - ?")
_JSON_START = re.compile(r"\s*[\[{]")
_BRACE, _QUOTE_OR_BRACE = re.compile("[{}]"), re.compile('[{}"]')
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


_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_TERMS = "{http://purl.org/dc/terms/}"
_FOAF = "{http://xmlns.com/foaf/0.1/}"
_BIB = "{http://purl.org/net/biblio#}"
_ZOTERO = "{http://www.zotero.org/namespaces/export#}"
_PRISM = "{http://prismstandard.org/namespaces/1.2/basic/}"
_ID_ELEMENTS = (f"{_DC}identifier", f"{_PRISM}number", f"{_DC}description", f"{_TERMS}isPartOf")
_DOCTYPE = "<!DOCTYPE"
_RDF_LINE_END = re.compile(r"</p>|<br ?/?>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]{0,500}>")
_NO_ITEMS = ("", "attachment", "note", "annotation")


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
    if _XML_START.match(text):
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
        self.pos: int = 0
        self._expanded = 0

    def handle_error(self, error: PybtexSyntaxError) -> None:
        """Note an entry that is cut short or has a syntax error; an unknown abbreviation is empty, an address is text."""
        if not isinstance(error, bibtex.UndefinedMacro) and self.current_entry_key is not None:
            self.broken_at.append(self.command_start)

    def skip_to(self, patterns: Sequence[Any]) -> Any:
        """Return the text up to the next sign of several; pybtex seeks each of them, also up to the end of the file."""
        signs = {"{": self.LBRACE, "}": self.RBRACE, '"': self.QUOTE}
        if not all(pattern in signs.values() for pattern in patterns):
            return super().skip_to(patterns)
        match = (_QUOTE_OR_BRACE if self.QUOTE in patterns else _BRACE).search(self.text, self.pos)
        if match is None:
            return None
        value = self.text[self.pos : match.end()]
        self.pos = match.end()
        self.update_lineno(value)
        return Token(value, signs[match[0]])

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
        typography.decode_field(values.get("title", "")),
        [_bibtex_name(name) for name in names[:MAX_AUTHORS]],
        "\n".join(typography.decode_field(line) for line in _PAR.split(note)),
        [typography.decode_field(tag) for tag in re.split(r"[,;]", values.get("keywords", ""))],
    )


def _bibtex_name(name: str) -> str:
    """Return a name in its natural order: `Yuan, Jingyang` is reversed, one in braces is as it is."""
    parts = [typography.decode_field(part).strip() for part in _split_outside_braces(name)]
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
        [join_name(*(part.strip() for part in name.split(",", 2))) for name in names[:MAX_AUTHORS]],
        "\n".join(record.get("N1", ())),
        record.get("KW", ()),
    )


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
    fields = name.items() if isinstance(name, dict) else ()
    parts = {key: value for key, value in fields if isinstance(value, str)}
    if "literal" in parts:
        return parts["literal"]
    names = (parts.get(key) for key in ("dropping-particle", "non-dropping-particle", "family"))
    family = " ".join(filter(None, names))
    return join_name(family, parts.get("given", ""), parts.get("suffix", ""))


def _parse_rdf(text: str) -> Iterator[tuple[str, Reference | None]]:
    if _DOCTYPE in text:
        raise UnreadableFileError("it has a document type, in which entities can be defined")
    try:
        root = ET.fromstring(text)  # noqa: S314 - without a document type there are no entities that expand
    except (ET.ParseError, ValueError) as error:
        raise UnreadableFileError(f"its XML cannot be read: {error}") from error
    if root.tag != f"{_RDF}RDF":
        raise UnreadableFileError("its XML is not Zotero's RDF")
    # Thousands of items can refer to one journal or note, which is read once.
    shared = {
        about: (_find_id([_join(element)]) or "", _plain_note(element)[:MAX_NOTE_LENGTH])
        for element in root
        if (about := element.get(f"{_RDF}about"))
    }
    items = [item for item in root if item.findtext(f"{_ZOTERO}itemType", "") not in _NO_ITEMS]
    for number, item in enumerate(items, 1):
        yield f"#{number}", _from_rdf(item, shared)


def _plain_note(element: ET.Element) -> str:
    """Return the text of a note, which is HTML."""
    lines = _RDF_LINE_END.sub("\n", element.findtext(f"{_RDF}value", ""))
    return html.unescape(_TAG.sub("", lines)).strip()


def _from_rdf(item: ET.Element, shared: Mapping[str, tuple[str, str]]) -> Reference:
    """Return the reference of an item; `shared` has the arXiv id, and the text as a note, of what it may refer to."""
    texts = [item.get(f"{_RDF}about", "")]
    for name in _ID_ELEMENTS:
        for child in item.iterfind(name):
            container = shared.get(child.get(f"{_RDF}resource", ""))
            texts.append(_join(child) if container is None else container[0])
    people = item.findall(f"{_BIB}authors//{_FOAF}Person")[:MAX_AUTHORS]
    notes = (
        shared.get(child.get(f"{_RDF}resource", ""), ("", ""))[1]
        for child in item.iterfind(f"{_TERMS}isReferencedBy")
    )
    return _reference(
        _find_id(texts),
        item.findtext(f"{_DC}title", ""),
        [
            join_name(who.findtext(f"{_FOAF}surname", ""), who.findtext(f"{_FOAF}givenName", ""))
            for who in people
        ],
        "\n".join(filter(None, notes)),
        [_join(subject) for subject in item.iterfind(f"{_DC}subject")],
    )


def _join(element: ET.Element) -> str:
    return " ".join(text for part in element.itertext() if (text := part.strip()))


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
    names = (discord_text.to_single_line(name)[:MAX_NAME_LENGTH].strip() for name in authors)
    return {
        "arxiv_id": arxiv_id,
        "title": discord_text.to_single_line(title)[:MAX_TITLE_LENGTH].strip(),
        "authors": [name for name in names if name],
        "note": note[:MAX_NOTE_LENGTH],
        "tags": [tag for tag in (discord_text.to_single_line(tag) for tag in tags) if tag],
    }


MAX_SECONDS = 40.0
_MAX_CPU_SECONDS = 30.0
_MAX_MEGABYTES = 400
_REFERENCES_AT_ONCE = 50


async def read_references(data: bytes) -> tuple[list[Reference], list[str], int]:
    """Return what `parse_references` returns for a file, in another process. Raises UnreadableFileError."""
    parts = isolation.stream_isolated(_parse, data, seconds=_MAX_CPU_SECONDS, megabytes=_MAX_MEGABYTES)
    references: list[Reference] = []
    try:
        async with asyncio.timeout(MAX_SECONDS), aclosing(parts):
            problems, left_out = await anext(parts)
            async for part in parts:
                references += part
    except TimeoutError as error:
        raise UnreadableFileError("reading it took too long") from error
    except (FetchError, isolation.ChildError) as error:
        raise UnreadableFileError(str(error)) from error
    return references, problems, left_out


def _parse(data: bytes) -> Iterator[Any]:
    """Yield the problems and the number left out, then the references in parts."""
    references, *others = parse_references(fetcher.decode_text(data))
    yield others
    for start in range(0, len(references), _REFERENCES_AT_ONCE):
        yield references[start : start + _REFERENCES_AT_ONCE]


MAX_FILE_BYTES = 2_000_000
BATCH_SIZE = 100
_NEW_ID = re.compile(r"([0-9]{2})([0-9]{2})\.")
_FIRST_NEW_MONTH = "0704"


class ReferenceImporter:
    """Imports files, one at a time: reading one takes a processor for seconds."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._reading = asyncio.Semaphore(1)

    async def import_file(self, user_id: int, data: bytes) -> tuple[Counter[str], list[str]]:
        """Save the papers of a file. Returns counts and the places of some broken references.

        The counts are `saved`, of these `unlisted` in no digest; and not taken: `known`, which were saved before,
        `without_id`, `left_out` as broken or as too many, and `full` for want of room. Raises UnreadableFileError.
        """
        async with self._reading:
            references, problems, left_out = await read_references(data)
        ordered, counts = await asyncio.to_thread(_prepare, references, self._clock())
        counts["left_out"] = left_out
        async with self._database.read() as connection:
            known = set(await shelf.list_paper_ids(connection, user_id))
        for start in range(0, len(ordered), BATCH_SIZE):
            async with self._database.transaction() as connection:
                await archive.lock_ingest(connection)
                counts += await _save(connection, user_id, ordered[start : start + BATCH_SIZE], known)
        return counts, problems


def is_possible_id(arxiv_id: str | None, now: datetime) -> bool:
    """Return whether arXiv can have given this id by now; ids of the old form are taken as they are."""
    match = _NEW_ID.match(arxiv_id or "")
    if match is None:
        return arxiv_id is not None
    # Somewhere it is the next month already.
    return _FIRST_NEW_MONTH <= match[1] + match[2] <= f"{now + timedelta(days=1):%y%m}"


def _prepare(references: Iterable[Reference], now: datetime) -> tuple[list[Reference], Counter[str]]:
    """Return the references as they are stored, each paper once, and the counts of the others."""
    found: dict[str, Reference] = {}
    counts: Counter[str] = Counter()
    for reference in references:
        if not is_possible_id(reference["arxiv_id"], now):
            counts["without_id"] += 1
        elif reference["arxiv_id"] in found:
            counts["known"] += 1
        else:
            found[reference["arxiv_id"]] = {
                **reference,
                "note": shelf_service.clean_note(reference["note"]),
                "tags": shelf_service.join_tags(shelf_service.parse_tags(", ".join(reference["tags"]))),
                # The first of a file is the newest of the list, as in an export.
                "saved_at": now - timedelta(microseconds=len(found)),
            }
    return list(found.values()), counts


async def _save(
    connection: Connection, user_id: int, batch: Sequence[Reference], known: set[int]
) -> Counter[str]:
    """Save a batch of references as far as there is room, add them to those known, and return the counts."""
    ids = await papers.get_ids(connection, [reference["arxiv_id"] for reference in batch])
    fresh = [reference for reference in batch if ids.get(reference["arxiv_id"]) not in known]
    taken = fresh[: max(0, shelf_service.MAX_SAVED - len(known))]
    new = [reference["arxiv_id"] for reference in taken if reference["arxiv_id"] not in ids]
    ids |= await papers.add(connection, digest_writer.unlisted_papers(new))
    taken_ids = [ids[reference["arxiv_id"]] for reference in taken]
    listed = {row.id for row in await papers.list_rows(connection, taken_ids)}
    rows = [
        {
            "paper_id": paper_id,
            **{name: reference[name] for name in ("saved_at", "note", "tags")},
            # The title and the authors of a file count only for this reader.
            "title": None if paper_id in listed else reference["title"] or None,
            "authors": None if paper_id in listed else reference["authors"],
        }
        for paper_id, reference in zip(taken_ids, taken, strict=True)
    ]
    await shelf.add(connection, user_id, rows)
    known.update(taken_ids)
    return Counter(
        saved=len(taken),
        unlisted=len(taken) - len(listed),
        known=len(batch) - len(fresh),
        full=len(fresh) - len(taken),
    )
