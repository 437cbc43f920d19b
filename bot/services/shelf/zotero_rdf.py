"""Reads Zotero's RDF: the fields of each item of a library, its notes and tags. Pure; a file with a DTD is refused."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from typing import TypeAlias
from xml.etree import ElementTree as ET

Item: TypeAlias = tuple[list[str], str, list[tuple[str, str]], str, list[str]]
"""The texts that may name an arXiv id, the title, the authors (family, given), the note and the tags."""

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_TERMS = "{http://purl.org/dc/terms/}"
_FOAF = "{http://xmlns.com/foaf/0.1/}"
_BIB = "{http://purl.org/net/biblio#}"
_ZOTERO = "{http://www.zotero.org/namespaces/export#}"
_PRISM = "{http://prismstandard.org/namespaces/1.2/basic/}"
_ID_ELEMENTS = (f"{_DC}identifier", f"{_PRISM}number", f"{_DC}description", f"{_TERMS}isPartOf")
_DOCTYPE = "<!DOCTYPE"
_START = re.compile(r"\s*<(\?xml|rdf:|!DOCTYPE|!--)")
_LINE_END = re.compile(r"</p>|<br ?/?>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]{0,500}>")
_NO_ITEMS = ("attachment", "note", "annotation")


class BrokenXmlError(ValueError):
    """The text is no RDF, or its XML is not well-formed or defines entities."""


def is_xml(text: str) -> bool:
    """Return whether a file begins as XML does."""
    return _START.match(text) is not None


def read_items(text: str) -> Iterator[Item]:
    """Yield the items of a library in their order. Raises BrokenXmlError."""
    if _DOCTYPE in text:
        raise BrokenXmlError("it has a document type, in which entities can be defined")
    try:
        root = ET.fromstring(text)  # noqa: S314 - without a document type there are no entities that expand
    except (ET.ParseError, ValueError) as error:
        raise BrokenXmlError(f"its XML cannot be read: {error}") from error
    if root.tag != f"{_RDF}RDF":
        raise BrokenXmlError("its XML is not Zotero's RDF")
    by_id = {about: element for element in root if (about := element.get(f"{_RDF}about"))}
    for element in root:
        kind = element.findtext(f"{_ZOTERO}itemType", "")
        if kind and kind not in _NO_ITEMS:
            yield _read_item(element, by_id)


def _read_item(element: ET.Element, by_id: Mapping[str, ET.Element]) -> Item:
    texts = [element.get(f"{_RDF}about", "")]
    for name in _ID_ELEMENTS:
        for child in element.iterfind(name):
            container = by_id.get(child.get(f"{_RDF}resource", ""))
            texts.append(_join(child if container is None else container))
    authors = [
        (person.findtext(f"{_FOAF}surname", ""), person.findtext(f"{_FOAF}givenName", ""))
        for person in element.iterfind(f"{_BIB}authors//{_FOAF}Person")
    ]
    notes = (
        by_id.get(child.get(f"{_RDF}resource", "")) for child in element.iterfind(f"{_TERMS}isReferencedBy")
    )
    return (
        texts,
        element.findtext(f"{_DC}title", ""),
        authors,
        "\n".join(_to_plain(note.findtext(f"{_RDF}value", "")) for note in notes if note is not None),
        [_join(subject) for subject in element.iterfind(f"{_DC}subject")],
    )


def _join(element: ET.Element) -> str:
    return " ".join(text for part in element.itertext() if (text := part.strip()))


def _to_plain(note: str) -> str:
    """Return the text of a note, which is HTML."""
    return html.unescape(_TAG.sub("", _LINE_END.sub("\n", note))).strip()
