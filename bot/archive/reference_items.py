"""Find the references in JSON and XML, wherever they are, each as its fields.

An item is an object with a title; if a file has none, one with a name and an address. An object within an item is part of
it, unless it has a title and an address itself: then the outer one is a list, or a folder. What an item lists as its
references is not the reader's. Whatever is in no item, but has an arXiv id, is one too.
"""

from __future__ import annotations

import plistlib
import re
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from xml.etree import ElementTree
from xml.parsers.expat import ExpatError

Fields = list[tuple[str, str]]
"""The fields of an entry: lower-case names, and plain text."""

TITLES = ("title", "ti", "t1", "ct", "%t", "string")
NAMES = ("name", "paper", "이름", "논문", "名称", "名前")
"""What titles are called in a file that calls nothing a title."""
NAME = "(name)"
"""The name of such a field in an item."""
TAG_FIELDS = re.compile(r"(?:.*\s)?tags?|keywords?|kw|ot|%k|labels")
OF_OTHERS = re.compile(
    r"(?:.*\s)?abstract.*|summary|초록|摘要|ab|n2|%x|(?:.*-)?references?|citations|cited.*|related.*|memo"
)
"""The names of fields whose ids are those of other papers."""
_TRANSPARENT = frozenset(("value", "$", "#text", "plain_text"))
"""Members that have the name of what is around them (OpenReview, Notion, XML as JSON)."""
_PARTS = frozenset(("attachments", "head", "image"))
"""Members whose titles are those of files, or of what holds them (Zotero, OPML, RSS)."""
_ADDRESS = re.compile(r"(?:[a-z][a-z.+-]{1,20}://|doi:|10\.[0-9]{4,9}/)\S+", re.IGNORECASE)
_ADDRESS_NAMES = frozenset(("url", "uri", "href", "link", "doi", "value", "about", "htmlurl", "ee"))


class _Found(NamedTuple):
    """The items in a value, and the fields that are in none. `is_item`: the value is an item itself, the first."""

    items: list[Fields]
    rest: Fields
    is_item: bool = False


def find_items(value: Any, has_id: Callable[[str, str], bool]) -> tuple[list[Fields], Fields]:
    """Return the items in a value, and the fields that are in none. `has_id` tells whether a field has an id of its item.

    What is called otherwise, but stands for a title, has the name NAME.
    """
    for titles in (TITLES, NAMES, ("description",)):
        finder, items, rest = _Finder(titles, has_id), list[Fields](), Fields()
        finder.deep.append(value)
        while finder.deep:
            found = finder.find(finder.deep.popleft(), "")
            items, rest = items + found.items, rest + found.rest
        if any(name in titles for item in items for name, _ in item):
            break
    names = () if titles is TITLES else titles
    return [[(NAME if name in names else name, text) for name, text in item] for item in items], rest


_MAX_DEPTH = 60
"""Levels of lists and objects within each other. What is deeper is read as a file of its own."""


class _Finder:
    """Finds the items in a value. `deep` is what is too deep in it, and has to be read next."""

    def __init__(self, titles: Sequence[str], has_id: Callable[[str, str], bool]) -> None:
        self._titles, self._has_id = titles, has_id
        self._depth, self.deep = 0, deque[Any]()

    def find(self, value: Any, name: str) -> _Found:
        """Find the items in a value, which is the member or field `name` of what is around it."""
        if not isinstance(value, list | dict):
            return _Found([], [] if value is None else [(name, str(value))])
        if self._depth == _MAX_DEPTH:
            self.deep.append(value)
            return _Found([], [])
        self._depth += 1
        found = (
            self._find_in_list(value, name) if isinstance(value, list) else self._find_in_object(value, name)
        )
        self._depth -= 1
        return found

    def _find_in_list(self, values: list[Any], name: str) -> _Found:
        if {dict, str} == set(map(type, values)):
            parts = [value.get("text") if isinstance(value, dict) else value for value in values]
            if all(isinstance(part, str) for part in parts):  # a text with links in it, as of Telegram
                return _Found([], [(name, "".join(map(str, parts)))])
        found = [self.find(value, name) for value in values]
        are_items = any(one.is_item for one in found)
        folders = {
            value.get("type")
            for value, one in zip(values, found, strict=True)
            if isinstance(value, dict) and one.items and not one.is_item
        } - {None}
        items, rest = list[Fields](), Fields()
        for value, one in zip(values, found, strict=True):
            is_object = isinstance(value, dict)
            is_empty_folder = is_object and value.get("type") in folders and not self._has_address(one.items)
            items += [] if is_empty_folder and one.is_item else one.items
            is_untitled = are_items and not one.items and not any("separator" in text for _, text in one.rest)
            if is_object and one.rest and (is_untitled or self._is_own(one.rest)):
                items.append(one.rest)
            else:
                rest += one.rest
        return _Found(items, rest)

    def _find_in_object(self, value: dict[str, Any], name: str) -> _Found:
        within, others, own = list[tuple[Fields, bool]](), list[Fields](), Fields()
        are_ids = all(self._has_id("arxiv", key) for key in value)  # not words by their places
        for key, member in value.items():
            inner = name if key in _TRANSPARENT or TAG_FIELDS.fullmatch(name) else key.lower()
            found = self.find(member, inner)
            if self._has_id("arxiv", key) and (are_ids or found.is_item or _has_letters(found.rest)):
                texts = [("title", text) for _, text in found.rest] if isinstance(member, str) else found.rest
                within.append(
                    ([("arxiv", key), *(field for item in found.items for field in item), *texts], False)
                )
                continue
            own += found.rest
            if OF_OTHERS.fullmatch(inner):
                others += found.items
            elif inner in _PARTS:
                own += [field for item in found.items for field in item if field[0] not in self._titles]
            else:
                is_part = found.is_item and not self._has_address(found.items)
                within += [(item, is_part or not self._has_title(item)) for item in found.items]
        items = [item for item, _ in within]
        if not self._has_title(own):
            if len(items) == 1 and not any(isinstance(member, list) for member in value.values()):
                return _Found([[*own, *items[0]]], [], is_item=True)
            return _Found(items or ([] if self._is_own(own) else others), own)
        items = [item for item, is_part in within if not is_part]
        if self._has_address(items) and not self._is_own(own):
            return _Found(items, [])
        parts = [
            field for item, is_part in within if is_part for field in item if field[0] not in self._titles
        ]
        return _Found([[*own, *parts], *items], [], is_item=True)

    def _has_title(self, item: Fields) -> bool:
        is_titled = any(name in self._titles and text.strip() for name, text in item)
        return is_titled and (self._titles is TITLES or self._has_address([item]))

    def _is_own(self, fields: Fields) -> bool:
        return any(self._has_id(name, text) for name, text in fields)

    def _has_address(self, items: Sequence[Fields]) -> bool:
        return any(
            self._has_id(name, text) or (name in _ADDRESS_NAMES and _ADDRESS.fullmatch(text.strip()))
            for item in items
            for name, text in item
        )


def _has_letters(fields: Fields) -> bool:
    return any(any(map(str.isalpha, text)) for _, text in fields)


_INLINE = frozenset(
    ("style", "i", "b", "u", "em", "strong", "sub", "sup", "span", "italic", "bold", "sc", "math")
)


_PROPERTY_LIST = re.compile(r"<plist\b")


def read_xml(text: str) -> Any | None:
    """Return an XML document as the value that JSON would have, or None if it is not one, or a page."""
    try:
        if _PROPERTY_LIST.search(text[:1_000]):  # Safari's bookmarks
            return plistlib.loads(text.encode())
        root = ElementTree.fromstring(text)  # noqa: S314 - expat bounds entities; it runs in a process with limits
    except (ElementTree.ParseError, ExpatError, ValueError, LookupError, TypeError):
        return None
    values, deep = list[Any](), deque([root])
    while deep:
        element = deep.popleft()
        values.append({_local_name(element.tag): _convert_element(element, 0, deep)})
    return None if "html" in values[0] else values


def _convert_element(element: ElementTree.Element, depth: int, deep: deque[ElementTree.Element]) -> Any:
    if depth == _MAX_DEPTH:
        deep.append(element)
        return None
    names = [_local_name(child.tag) for child in element]
    attributes = {_local_name(name): text for name, text in element.attrib.items()}
    if _INLINE.issuperset(names):
        text = " ".join("".join(element.itertext()).split())
        return {**attributes, "value": text} if attributes else text
    children: dict[str, list[Any]] = {}
    for name, child in zip(names, element, strict=True):
        children.setdefault(name, []).append(_convert_element(child, depth + 1, deep))
    return attributes | {name: part[0] if len(part) == 1 else part for name, part in children.items()}


def _local_name(name: object) -> str:
    return str(name).rpartition("}")[2]


_YAML_LINE = re.compile(r"\s+\S.*|-(?:\s.*)?|[^\s:#][^:]*:(?:\s.*)?|#.*|---|\.\.\.")
_YAML_MEMBER = re.compile(r"[\"']?([^\s:\"'][^:\"']*)[\"']?:(?:\s+[|>]?[+-]?(.*))?")
YAML_TITLE = re.compile(r"^[ \t]*(?:- +\{?)?title:\s", re.MULTILINE)
_YAML_FLOW = re.compile(
    r"(?<![\w-])([\w-]++):\s++(\"(?:[^\"\\]|\\.){0,2000}+\"|'[^']{0,2000}+'|[^,{}\[\]]++)"
)
_Rows = deque[tuple[int, str]]
"""Lines of YAML, each after the width of its indentation; the mark of a list's member is a line of its own."""


def read_yaml(text: str, *, needs_title: bool = True) -> Any | None:
    """Return a text of YAML, in block style, as the value that JSON would have, or None if it is not one, or `needs_title`."""
    lines = list(filter(str.strip, text.split("\n")))
    if (needs_title and not YAML_TITLE.search(text)) or not all(map(_YAML_LINE.fullmatch, lines)):
        return None
    rows = _Rows()
    for line in lines:
        bare = line.lstrip()
        while bare.startswith("- ") or bare == "-":
            rows.append((len(line) - len(bare), "-"))
            bare = bare[1:].lstrip()
        if bare and bare[0] != "#" and bare not in ("---", "..."):
            rows.append((len(line) - len(bare), bare))
    values = []
    while rows:
        values.append(_take_value(rows))
    return values


def _take_value(rows: _Rows) -> Any:
    """Take one value off the rows: a list or the members of an object at the first row's indentation, or a text."""
    indent, first = rows[0]
    if first == "-":
        values = []
        while rows and rows[0] == (indent, "-"):
            rows.popleft()
            values.append(_take_value(rows) if rows and rows[0][0] > indent else "")
        return values
    value: dict[str, Any] = {}
    if first.startswith("{") and first.endswith("}"):
        rows.popleft()
        return {name: text.strip("\"' ") for name, text in _YAML_FLOW.findall(first)}
    while rows and rows[0][0] == indent and (member := _YAML_MEMBER.fullmatch(rows[0][1])):
        rows.popleft()
        text = member[2] or ""
        is_nested = rows and not text and rows[0][0] >= indent + (rows[0][1] != "-")
        value[member[1]] = _take_value(rows) if is_nested else _take_text(rows, indent, text)
    return value or _take_text(rows, indent - 1, "")


def _take_text(rows: _Rows, indent: int, text: str) -> str:
    """Take the rows below an indentation off, which go on with a text."""
    while rows and rows[0][0] > indent:
        text += f" {rows.popleft()[1]}"
    return text.strip("\"'[]{} ")
