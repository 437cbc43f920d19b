"""`python -m bench.shape`: the size and structure of the code, measured from its syntax trees and its imports."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
PACKAGES = ("bot", "storage")
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
    """Print each figure with its aim, if it has one, on a line. No test enforces them."""
    modules = [module for package in PACKAGES for module in read_modules(package)]
    named = [module for module in modules if not module.path.endswith("__init__.py")]
    largest = max(named, key=lambda module: module.lines)
    functions = sorted(_function_lengths(modules))
    code = sum(_count_lines(path) for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    tests = sum(module.lines for module in read_modules("tests"))
    contracts = ROOT / ".importlinter"
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = [
        ("modules, without package files", f"{len(named)}", "at most 180"),
        ("folders", f"{len({module.folder for module in named})}", "at most 24"),
        ("depth below bot", f"{max(module.path.count('/') for module in named)}", "2"),
        (
            "import contracts",
            f"{contracts.read_text(encoding='utf-8').count('importlinter:contract:')}",
            "at most 10",
        ),
        ("lines of .importlinter", f"{_count_lines(contracts)}", "at most 120"),
        ("lines of bot and storage", f"{code:,}", "at most 55,000"),
        ("lines of tests", f"{tests:,}", "at most 43,000"),
        ("docs/architecture.md, lines", f"{_count_lines(ROOT / 'docs/architecture.md')}", "at most 80"),
        ("README, words", f"{len(readme.split()):,}", "at most 1,500"),
        ("import circles of files", f"{len(find_circles())}", "0"),
        ("broad excepts", f"{count_broad_excepts(modules)}", "at most 11"),
        ("median module, lines", f"{statistics.median(module.lines for module in named):.0f}", ""),
        ("largest module, lines", f"{largest.lines} ({largest.path})", ""),
        ("functions, lines, p50; p95", f"{_percentile(functions, 50)}; {_percentile(functions, 95)}", ""),
    ]
    for name, value, aim in rows:
        print(f"{name:<30} {value:<36} {aim}".rstrip())


def find_circles() -> list[set[str]]:
    """Return the sets of modules that import each other in a circle, imports for type checking included.

    The module with the record of all services knows every room, as the contracts allow: its own imports do not count.
    """
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    graph.remove_module("bot.client.context")
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
