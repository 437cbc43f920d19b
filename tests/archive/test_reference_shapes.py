"""Nothing in a file is lost without a word, whatever its shape: each item is saved by its id, or named by its title."""

import csv
import io
import json
from collections.abc import Callable
from datetime import date
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.archive import references

ON = date(2026, 11, 29)
WORDS = [
    *("herons", "ponds", "quiet", "counting", "newts", "rivers"),
    *("of", "with", "small", "arrays", "études", "논문"),
]
GROUPS = ("items", "papers", "groups", "children", "data", "records", "2026", "to read")


class Item:
    """A paper of a file: its number makes title and id unique."""

    def __init__(self, number: int, words: list[str], has_id: bool, extra: str) -> None:
        self.title = f"Study {number} {' '.join(words)}"
        self.arxiv_id = f"2511.{number + 1:05}" if has_id else None
        self.fields = {"title": self.title}
        if has_id:
            self.fields |= {"url": f"https://arxiv.org/abs/{self.arxiv_id}"}
        if extra:
            self.fields |= {extra: "see arXiv:2310.00009"}


@st.composite
def trees(draw: st.DrawFn) -> tuple[Any, list[Item]]:
    """Draw lists and groups within each other, and the items in them."""
    items: list[Item] = []

    def draw_node(depth: int) -> Any:
        kind = draw(st.sampled_from(("item", "item", "list", "group") if depth < 4 else ("item",)))
        if kind == "item":
            words = draw(st.lists(st.sampled_from(WORDS), min_size=2, max_size=6))
            extra = draw(st.sampled_from(("", "note", "abstract", "comment")))
            items.append(Item(len(items), words, draw(st.booleans()), extra))
            return items[-1]
        nodes = [draw_node(depth + 1) for _ in range(draw(st.integers(1, 3)))]
        if kind == "list":
            return nodes
        name = draw(st.sampled_from(GROUPS))
        return {name: nodes} if draw(st.booleans()) else {"name": "Group", name: nodes}

    tree = [draw_node(0) for _ in range(draw(st.integers(1, 4)))]
    return tree, items


def to_json(node: Any) -> Any:
    if isinstance(node, Item):
        return node.fields
    if isinstance(node, list):
        return list(map(to_json, node))
    return {name: to_json(value) for name, value in node.items()} if isinstance(node, dict) else node


def to_xml(node: Any) -> str:
    if isinstance(node, Item):
        return f"<item>{''.join(f'<{name}>{escape(text)}</{name}>' for name, text in node.fields.items())}</item>"
    if isinstance(node, list):
        return f"<list>{''.join(map(to_xml, node))}</list>"
    return "".join(
        f"<name>{value}</name>" if isinstance(value, str) else f"<group>{''.join(map(to_xml, value))}</group>"
        for value in node.values()
    )


def to_markdown(node: Any, depth: int = 0) -> str:
    if isinstance(node, Item):
        address = node.fields.get("url")
        line = f"[{node.title}]({address})" if address else node.title
        notes = (
            f"{'  ' * depth}  {name}: {text}\n" for name, text in node.fields.items() if "arXiv:" in text
        )
        return f"{'  ' * depth}- {line}\n{''.join(notes)}"
    if isinstance(node, list):
        return "".join(to_markdown(member, depth) for member in node)
    head = f"\n{'#' * (depth + 2)} Group\n\n" if depth == 0 else f"{'  ' * (depth - 1)}- Group\n"
    return head + "".join(
        to_markdown(value, depth + 1) for value in node.values() if not isinstance(value, str)
    )


def to_csv(items: list[Item]) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, ["title", "url", "note", "abstract", "comment"])
    writer.writeheader()
    writer.writerows(item.fields for item in items)
    return file.getvalue()


def to_bibtex(items: list[Item]) -> str:
    fields = ("".join(f"  {name} = {{{text}}},\n" for name, text in of.fields.items()) for of in items)
    return "\n".join(f"@misc{{key{at},\n{lines}}}\n" for at, lines in enumerate(fields))


FORMS: dict[str, Callable[[Any, list[Item]], str]] = {
    "JSON": lambda tree, _: json.dumps(to_json(tree), ensure_ascii=False),
    "JSON in lines": lambda tree, _: "\n".join(json.dumps(to_json(node)) for node in tree),
    "cut JSON": lambda tree, _: json.dumps({"items": to_json(tree)}, ensure_ascii=False)[:-2],
    "XML": lambda tree, _: f'<?xml version="1.0"?><library>{to_xml(tree)}</library>',
    "Markdown": lambda tree, _: to_markdown(tree),
    "CSV": lambda _, items: to_csv(items),
    "BibTeX": lambda _, items: to_bibtex(items),
}


@pytest.mark.parametrize("form", FORMS)
@given(drawn=trees())
@settings(max_examples=60, deadline=None)
def test_each_item_of_a_file_of_any_shape_is_saved_or_named(form: str, drawn: tuple[Any, list[Item]]) -> None:
    tree, items = drawn
    file = FORMS[form](tree, items)
    read = references.read_references(file.encode(), ON)
    found = {row.arxiv_id for row in read}
    names = " | ".join(f"{row.label} {row.title}" for row in read)
    lost = [
        item.title for item in items if not (item.arxiv_id in found if item.arxiv_id else item.title in names)
    ]
    assert lost == [], file
    assert "2310.00009" not in found, file


def test_files_of_any_depth_are_read() -> None:
    for depth in (60, 700, 3_000):
        title = "A quiet study of herons"
        brackets = {"[": "]", '{"a": ': "}", '{"title": "Folder", "children": [': "]}", "<x>": "</x>"}
        for opened, closed in brackets.items():
            item = f'{{"title": "{title}"}}' if opened != "<x>" else f"<item><title>{title}</title></item>"
            read = references.read_references((opened * depth + item + closed * depth).encode(), ON)
            assert title in [row.title for row in read], depth
