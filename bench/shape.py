"""`python -m bench.shape`: the size and structure of the code, measured from its syntax trees and its imports."""

from __future__ import annotations

import ast
import re
import statistics
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
PACKAGES = ("bot", "storage")
SCHEMA = "storage/tables.py"
"""The schema is one list that is read from top to bottom, so the largest module is another one."""

_RECORD_BASES = frozenset({"NamedTuple", "TypedDict", "BaseModel", "BaseSettings"})
_BROAD = frozenset({"Exception", "BaseException"})


@dataclass(frozen=True)
class Module:
    """A source file: its path below the root, its lines and its syntax tree."""

    path: str
    lines: int
    tree: ast.Module

    @property
    def folder(self) -> str:
        """The package that holds the module."""
        return self.path.rpartition("/")[0]


def main() -> None:
    """Print each figure with its aim on a line."""
    modules = [module for package in PACKAGES for module in read_modules(package)]
    named = [module for module in modules if not module.path.endswith("__init__.py")]
    folder, size = Counter(module.folder for module in named).most_common(1)[0]
    lengths = sorted(module.lines for module in named)
    largest = max((module for module in named if module.path != SCHEMA), key=lambda module: module.lines)
    functions = sorted(_function_lengths(modules))
    code = sum(_count_lines(path) for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    tests = sum(module.lines for module in read_modules("tests"))
    tested = {path.name.removeprefix("test_") for path in (ROOT / "tests").rglob("test_*.py")}
    with_test = sum(Path(module.path).name in tested for module in named)
    rows = [
        ("modules", f"{len(named)}", ""),
        ("modules in the largest folder", f"{size} ({folder})", "at most 22"),
        ("median module, lines", f"{statistics.median(lengths):.0f}", "at most 110"),
        ("largest module, lines", f"{largest.lines} ({largest.path})", "at most 350"),
        ("functions, lines, p50; p95", f"{_percentile(functions, 50)}; {_percentile(functions, 95)}", ""),
        ("record types", f"{count_records(modules)}", "at most 150"),
        ("import circles of files", f"{len(find_circles())}", "0"),
        ("broad excepts", f"{count_broad_excepts(modules)}", "at most 10"),
        ("lines of bot and storage", f"{code:,}", "fewer than 35,399"),
        ("lines of tests per line of code", f"{tests / code:.2f}", ""),
        ("modules with a test of their own name", f"{with_test} of {len(named)}", ""),
        (
            "README, words",
            f"{len((ROOT / 'README.md').read_text(encoding='utf-8').split()):,}",
            "at most 1,500",
        ),
        ("docs/architecture.md, lines", f"{_count_lines(ROOT / 'docs/architecture.md')}", "at most 150"),
    ]
    for name, value, aim in rows:
        print(f"{name:<40} {value:<44} {aim}".rstrip())


def find_circles() -> list[set[str]]:
    """Return the sets of modules that import each other in a circle, imports for type checking included."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    reached = {module: set(graph.find_upstream_modules(module)) for module in graph.modules}
    circles = {
        frozenset({module, *(other for other in above if module in reached[other])})
        for module, above in reached.items()
    }
    return [set(circle) for circle in circles if len(circle) > 1]


def read_modules(package: str) -> Iterator[Module]:
    """Yield the modules of a package and of the packages in it, without migrations."""
    for path in sorted((ROOT / package).rglob("*.py")):
        if path.parent.name != "versions":
            text = path.read_text(encoding="utf-8")
            name = path.relative_to(ROOT).as_posix()
            yield Module(name, len(text.splitlines()), ast.parse(text))


def _function_lengths(modules: list[Module]) -> Iterator[int]:
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield (node.end_lineno or node.lineno) - node.lineno + 1


def _percentile(ordered: list[int], percent: int) -> int:
    return ordered[(len(ordered) - 1) * percent // 100]


def count_records(modules: list[Module]) -> int:
    """Count the classes that are plain data: dataclasses, named tuples, typed dictionaries and settings."""
    return sum(
        isinstance(node, ast.ClassDef) and _is_record(node)
        for module in modules
        for node in ast.walk(module.tree)
    )


def _is_record(node: ast.ClassDef) -> bool:
    names = {
        re.split(r"[.\[(]", ast.unparse(item).rpartition(".")[2])[0]
        for item in (*node.bases, *node.decorator_list)
    }
    return "dataclass" in names or bool(names & _RECORD_BASES)


def count_broad_excepts(modules: list[Module]) -> int:
    """Count the handlers of Exception, of BaseException and of everything."""
    return sum(_is_broad(node) for module in modules for node in ast.walk(module.tree))


def _is_broad(node: ast.AST) -> bool:
    if not isinstance(node, ast.ExceptHandler):
        return False
    caught = (
        {"BaseException"}
        if node.type is None
        else {name.id for name in ast.walk(node.type) if isinstance(name, ast.Name)}
    )
    return bool(caught & _BROAD)


def _count_lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


if __name__ == "__main__":
    main()
