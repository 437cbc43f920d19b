"""Parses files of references, as reference managers write them (BibTeX, RIS, CSL JSON and Zotero's RDF), and notes, tags and
queries, as readers type them.

A file is hostile input, which may be made to take much memory or time: it is parsed in a process of its own, for which this
module imports little. Each reference becomes a dictionary with `arxiv_id` (None if it names none), `title`, `authors`,
`note`, `tags` and its `place`: a line, or `#3` for the third entry of JSON and RDF.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any, TypeAlias
from xml.etree import ElementTree as ET

from pybtex.bibtex.utils import split_name_list, split_tex_string
from pybtex.database.input import bibtex
from pybtex.scanner import PybtexSyntaxError, Token
from pybtex.textutils import normalize_whitespace
from pybtex.utils import CaseInsensitiveDict
from rispy import RisParser

from bot.archive import arxiv_ids, html_pages
from bot.rendering import discord_text
from bot.text import people, typography
from storage.errors import PaperroundError

MAX_REFERENCES = 10_000
MAX_TITLE_LENGTH = 1_000
MAX_AUTHORS, MAX_NAME_LENGTH = 200, 200
MAX_READ_TAGS = 100
MAX_EXPANSION = 2_000_000
"""Characters that the abbreviations (`@string`) of a file may become together; later ones are left out."""
MAX_OWN_NOTES = 20
"""Notes of one entry that are read: each may have MAX_FIELD_LENGTH characters, and 1,000 are kept of all."""
MAX_FIELD_LENGTH = 20_000
"""Characters of a field that are read. Of a note 1,000 are kept, and the longest command of an escaped letter has 18."""
MAX_LATEX_LENGTH, LATEX_START = 90_000, 5
"""Characters of a file that are read as LaTeX, which takes a second: formulas and accents. Later fields keep theirs. To begin a
field takes as long as LATEX_START characters, and counts as them."""
MAX_NAMED_PROBLEMS = 10
"""Broken references, and those without an id, whose place is reported; the others are counted."""

Reference = dict[str, Any]
_XML_START = re.compile(r"\s*<(\?xml|rdf:|!DOCTYPE|!--)")
_RIS_START = re.compile(r"(?m)^TY  - ?")
_JSON_START = re.compile(r"\s*[\[{]")
_BIBTEX_ENTRY = re.compile(r"(?i)@(?!string|preamble|comment)[a-z]+\s*[{(]")
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
_ID_IN_TEXT = re.compile(rf"(?i)(?:arxiv[\s:./]{{0,3}}(?:abs/|pdf/)?|(?<!\S)abs/)({arxiv_ids.ID})(?![0-9])")
_RIS_ID_TAGS = ("DO", "UR", "M1", "AN", "N1", "JO", "T2", "PB", "C1")
_CSL_ID_FIELDS = ("DOI", "URL", "number", "note", "archive_location", "container-title", "publisher", "id")
_PAGE_FIELDS = "volume", "pages"
"""Fields of numbers: an id in them is marked, as in `abs/1711.00399` by Semantic Scholar and DBLP, or `arXiv:1711.00399`."""
_PAGE_TAGS = "VL", "SP"
_CSL_PAGE_FIELDS = "volume", "page"
_PDF = re.compile(rf"(?i)(?:\A|[/\\:;\s])({arxiv_ids.ID})(?:v[0-9]{{1,3}})?\.pdf\b")
"""The name of an attached file."""
_RIS_FILE_TAGS = "L1", "L2"
_ID_LINE = re.compile(
    rf"\s*{_ID_IN_TEXT.pattern.removeprefix('(?i)')}(?:v[0-9]+)?(?: \[[\w.\-]+\])?\s*", re.IGNORECASE
)
"""What Zotero writes in the note of a preprint."""
_ESCAPED = re.compile(r"\\text(backslash|braceleft|braceright|asciitilde|asciicircum)\{\}|\\([&%$#_])|[{}]")
_SIGNS = {"backslash": "\\", "braceleft": "{", "braceright": "}", "asciitilde": "~", "asciicircum": "^"}
"""What an export writes for the signs that LaTeX has no other form of."""
_ESCAPED_ONLY = re.compile(r"(?:[^\\$~`'<>?!-]|\\[&%$#_]|([`'<>?!-])(?![`'<>-]))*+")
"""A field without commands, formulas and signs that LaTeX joins, such as two hyphens."""
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

MAX_NOTE_LENGTH = 1_000
MAX_TAGS = 10
MAX_TAG_LENGTH = 30

_HASHTAG = re.compile(r"#[^\s#,;]+")
_TAG_SEPARATORS = re.compile(r"[,;#]+")


def split_query(query: str) -> tuple[str, list[str]]:
    """Return the words of a query, and its tags."""
    tags = parse_tags(" ".join(_HASHTAG.findall(query)))
    return " ".join(_HASHTAG.sub(" ", query).split()), tags


def make_query(tag: str, words: str) -> str:
    """Return the query for papers with a tag, typed as for `parse_tags`, and words; both may be empty."""
    return " ".join([*(f"#{name}" for name in parse_tags(tag)), words]).strip()


def parse_tags(typed: str) -> list[str]:
    """Return the tags of a text, in which commas, semicolons or `#` separate them; spaces within one become hyphens.

    Letters are lower-cased. At most `MAX_TAGS` of `MAX_TAG_LENGTH` characters are kept.
    """
    folded = typography.normalise("NFKC", discord_text.to_single_line(typed)).casefold()
    folded = typography.normalise("NFC", folded)  # without case some letters are not
    parts = ("-".join(part.split())[:MAX_TAG_LENGTH] for part in _TAG_SEPARATORS.split(folded))
    return [tag for tag in dict.fromkeys(part.strip("-") for part in parts) if tag][:MAX_TAGS]


def join_tags(tags: Sequence[str]) -> str:
    """Return the tags as they are stored: each between spaces."""
    return f" {' '.join(tags)} " if tags else ""


def clean_note(note: str) -> str:
    """Return a note without control and invisible characters, runs of spaces as one, at most `MAX_NOTE_LENGTH` characters."""
    return "\n".join(map(discord_text.to_single_line, note.splitlines())).strip()[:MAX_NOTE_LENGTH].rstrip()


class UnreadableFileError(PaperroundError):
    """A file in an unknown format, or one that takes too much time or memory to read."""


def parse_references(text: str) -> tuple[list[Reference], list[str], int]:
    """Return the references, where some of the broken ones are (a line, or `#3` in JSON and RDF), and how many are left out.

    Those left out are broken or behind the first `MAX_REFERENCES`, which are counted but not read. Raises
    UnreadableFileError.
    """
    text = _LINE_END.sub("\n", text.removeprefix("\ufeff"))
    references: list[Reference] = []
    problems: list[str] = []
    left_out = 0
    for number, (place, read) in enumerate(_choose_parser(text)(text)):
        reference = read() if number < MAX_REFERENCES else None
        if reference is not None:
            references.append({**reference, "place": place})
            continue
        left_out += 1
        if place and number < MAX_REFERENCES and len(problems) < MAX_NAMED_PROBLEMS:
            problems.append(place)
    return references, problems, left_out


_Entry: TypeAlias = tuple[str, Callable[[], Reference | None]]
"""The place of an entry, empty if it is only counted, and what reads it: None if it is broken."""


def _choose_parser(text: str) -> Callable[[str], Iterator[_Entry]]:
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

    pos: int

    def __init__(self, text: str) -> None:
        super().__init__(text, macros=CaseInsensitiveDict(bibtex.month_names))
        self.broken_at: list[int] = []
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


class _LatexDecoder:
    """Decodes the fields of a file until there was too much LaTeX. Escaped signs alone cost little and do not count."""

    def __init__(self) -> None:
        self._left = MAX_LATEX_LENGTH

    def decode(self, field: str) -> str:
        """Return the text of a field; behind the limit its source without braces and the escaped signs of an export."""
        if "\\" not in field and "$" not in field:
            return typography.decode_field(field)
        if _ESCAPED_ONLY.fullmatch(field) is None:
            self._left -= LATEX_START + len(field)
            if self._left >= 0:
                return typography.decode_field(field)
        return _ESCAPED.sub(lambda match: _SIGNS.get(match[1], match[2] or ""), field)


def _parse_bibtex(text: str) -> Iterator[_Entry]:
    parser = _BoundedParser(text)
    decoder = _LatexDecoder()
    broken = line = position = 0
    # Abbreviations are commands too, and each takes pybtex as long as a short entry.
    for command, body in islice(parser, 2 * MAX_REFERENCES):
        if command.lower() in ("string", "preamble"):
            continue
        line += text.count("\n", position, parser.command_start)
        position = parser.command_start
        is_broken = len(parser.broken_at) > broken
        broken = len(parser.broken_at)
        yield str(line + 1), _skip if is_broken else partial(_from_bibtex, body[1], decoder.decode)
    for _ in _BIBTEX_ENTRY.finditer(text, parser.pos):
        yield "", _skip


def _skip() -> None:
    """Read nothing, for an entry that is broken or behind those that are read."""


def _from_bibtex(fields: Iterable[tuple[str, Sequence[str]]], decode: Callable[[str], str]) -> Reference:
    values = {
        name.lower(): normalize_whitespace("".join(parts)[:MAX_FIELD_LENGTH])
        for name, parts in reversed(list(fields))
    }
    names = [name for name in split_name_list(values.get("author", "")) if name.lower() != "others"]
    note = values.get("annote") or values.get("annotation", "")
    return _reference(
        _find_id(
            (values.get(name, "") for name in _ID_FIELDS),
            (values.get(name, "") for name in _PAGE_FIELDS),
            values.get("file", ""),
        ),
        decode(values.get("title", "")),
        [_bibtex_name(name, decode) for name in names[:MAX_AUTHORS]],
        "\n".join(map(decode, _PAR.split(note))),
        map(decode, re.split(r"[,;]", values.get("keywords", ""))),
    )


def _bibtex_name(name: str, decode: Callable[[str], str]) -> str:
    """Return a name in its natural order: `Yuan, Jingyang` is reversed, one in braces is as it is."""
    parts = [decode(part).strip() for part in split_tex_string(name, ",")]
    if len(parts) < 2:
        return "".join(parts)
    return people.join_name(parts[0], parts[-1], parts[1] if len(parts) > 2 else "")


def _parse_ris(text: str) -> Iterator[_Entry]:
    starts = [match.start() for match in _RIS_START.finditer(text)]
    line = position = 0
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        line += text.count("\n", position, start)
        position = start
        yield str(line + 1), partial(_from_ris, text[start:end])


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
        _find_id(
            (" ".join(record.get(tag, ())) for tag in (*_RIS_ID_TAGS, *_RIS_FILE_TAGS)),
            (" ".join(record.get(tag, ())) for tag in _PAGE_TAGS),
            " ".join(name for tag in _RIS_FILE_TAGS for name in record.get(tag, ())),
        ),
        " ".join(titles),
        [people.join_name(*(part.strip() for part in name.split(",", 2))) for name in names[:MAX_AUTHORS]],
        "\n".join(record.get("N1", ())),
        record.get("KW", ()),
    )


def _parse_csl(text: str) -> Iterator[_Entry]:
    try:
        items = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableFileError("its JSON is broken") from error
    if isinstance(items, dict):
        items = items.get("items", [items])
    if not isinstance(items, list):
        raise UnreadableFileError("its JSON has no list of references")
    for number, item in enumerate(items, 1):
        yield f"#{number}", partial(_from_csl, item) if isinstance(item, dict) else _skip


def _from_csl(item: Mapping[str, Any]) -> Reference:
    values = {name: value for name, value in item.items() if isinstance(value, str)}
    authors = item.get("author")
    arxiv_id = _find_id(
        (values.get(name, "") for name in _CSL_ID_FIELDS), (values.get(name, "") for name in _CSL_PAGE_FIELDS)
    )
    # A line with the id of another paper is the reader's.
    note = (
        line
        for line in values.get("note", "").splitlines()
        if not _ID_LINE.fullmatch(line) or _find_id([line]) != arxiv_id
    )
    return _reference(
        arxiv_id,
        values.get("title", ""),
        [_csl_name(name) for name in (authors if isinstance(authors, list) else [])[:MAX_AUTHORS]],
        "\n".join(note),
        re.split(r"[,;]", values.get("keyword", "")),
    )


def _csl_name(name: Any) -> str:
    fields = name.items() if isinstance(name, dict) else ()
    parts = {key: value for key, value in fields if isinstance(value, str)}
    if "literal" in parts:
        return parts["literal"]
    names = (parts.get(key) for key in ("dropping-particle", "non-dropping-particle", "family"))
    family = " ".join(filter(None, names))
    return people.join_name(family, parts.get("given", ""), parts.get("suffix", ""))


def _parse_rdf(text: str) -> Iterator[_Entry]:
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
        about: (_find_id([_join(element)]) or "", _plain_note(element))
        for element in root
        if (about := element.get(f"{_RDF}about"))
    }
    items = [item for item in root if item.findtext(f"{_ZOTERO}itemType", "") not in _NO_ITEMS]
    for number, item in enumerate(items, 1):
        yield f"#{number}", partial(_from_rdf, item, shared)


def _plain_note(element: ET.Element) -> str:
    """Return the text of a note, which is HTML."""
    lines = _RDF_LINE_END.sub("\n", element.findtext(f"{_RDF}value", "")[:MAX_FIELD_LENGTH])
    return clean_note(html_pages.unescape(_TAG.sub("", lines)))


def _from_rdf(item: ET.Element, shared: Mapping[str, tuple[str, str]]) -> Reference:
    """Return the reference of an item; `shared` has the arXiv id, and the text as a note, of what it may refer to."""
    texts = [item.get(f"{_RDF}about", "")]
    for name in _ID_ELEMENTS:
        for child in item.iterfind(name):
            container = shared.get(child.get(f"{_RDF}resource", ""))
            texts.append(_join(child) if container is None else container[0])
    persons = item.findall(f"{_BIB}authors//{_FOAF}Person")[:MAX_AUTHORS]
    referring = islice(item.iterfind(f"{_TERMS}isReferencedBy"), MAX_OWN_NOTES)
    own_notes = (shared.get(child.get(f"{_RDF}resource", ""), ("", ""))[1] for child in referring)
    return _reference(
        _find_id(texts),
        item.findtext(f"{_DC}title", ""),
        [
            people.join_name(who.findtext(f"{_FOAF}surname", ""), who.findtext(f"{_FOAF}givenName", ""))
            for who in persons
        ],
        "\n".join(filter(None, own_notes)),
        [_join(subject) for subject in item.iterfind(f"{_DC}subject")],
    )


def _join(element: ET.Element) -> str:
    return " ".join(text for part in element.itertext() if (text := part.strip()))


def _find_id(texts: Iterable[str], pages: Iterable[str] = (), file: str = "") -> str | None:
    """Return the first arXiv id in the texts: alone, in a link, or behind `arXiv`, as in the DOI 10.48550/arXiv.…

    Else that of the volume or pages, if it is marked there, or of a file's name.
    """
    for text in texts:
        found = arxiv_ids.extract_arxiv_id(text)
        if found is not None:
            return found
        if match := _ID_IN_TEXT.search(text):
            return arxiv_ids.parse_bare_id(match[1])
    match = next(filter(None, map(_ID_IN_TEXT.search, pages)), None) or _PDF.search(file)
    return match and arxiv_ids.parse_bare_id(match[1])


def _reference(
    arxiv_id: str | None, title: str, authors: Iterable[str], note: str, tags: Iterable[str]
) -> Reference:
    names = (
        discord_text.to_single_line(name[:MAX_FIELD_LENGTH])[:MAX_NAME_LENGTH].strip() for name in authors
    )
    return {
        "arxiv_id": arxiv_id,
        "title": discord_text.to_single_line(title[:MAX_FIELD_LENGTH])[:MAX_TITLE_LENGTH].strip(),
        "authors": [name for name in names if name],
        "note": clean_note(note[:MAX_FIELD_LENGTH]),
        "tags": parse_tags(", ".join(islice(tags, MAX_READ_TAGS))[:MAX_FIELD_LENGTH]),
    }


_REFERENCES_AT_ONCE = 50


def stream_references(text: str) -> Iterator[Any]:
    """Yield the problems and the number left out, then the references in parts."""
    references, *others = parse_references(text)
    yield others
    for start in range(0, len(references), _REFERENCES_AT_ONCE):
        yield references[start : start + _REFERENCES_AT_ONCE]
