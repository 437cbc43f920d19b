"""One meaning a name: no two public classes have the same name."""

import ast
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_no_two_public_classes_have_the_same_name() -> None:
    modules = [path for room in ("bot", "storage") for path in (ROOT / room).rglob("*.py")]
    names = Counter(
        node.name
        for path in modules
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert len(names) > 200
    assert [name for name, count in names.items() if count > 1] == []
