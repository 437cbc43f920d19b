"""Each regular expression of the program takes linear time on foreign text, in the way it is used: by counted steps, no clock."""

import ast
import gc
import importlib
import itertools
import math
import pkgutil
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest
import regex

import bot
import storage
from bot.search import transliteration
from tests import test_foreign_text
from tests.support.backtracking import (
    ONE_CHARACTER,
    REPEATS,
    Characters,
    CountedPattern,
    TooManyStepsError,
    Tree,
    list_alternatives,
    parse,
)

pytestmark = pytest.mark.promise

PACKAGES = (bot, storage)
ONCE = frozenset({"match", "fullmatch"})
"""Methods that try one position of a text. All others try each."""
METHODS = ONCE | {"search", "finditer", "findall", "sub", "subn", "split"}
USED = re.compile(rf"\.(?:{'|'.join(METHODS)})\(|\bre\.|\bregex\.")
COMMON = "aA1 \t\n.,_*-([<\\\"'/|:=!~가"
"""Characters that any text has."""
FEW = 8
"""How often a part may be repeated that takes no run."""
KINDS, BRANCHES, MAX_BEFORE = 6, 3, 40
"""How many characters and branches are tried in a repeated part, and how much of what leads to it."""
ENDS = ("", "a")
"""What stands behind a run and may keep the pattern from matching."""
BOUND = 12
"""The limit of a repetition while steps are counted, if its own one is higher; and how often a text is repeated at first."""
STEPS_A_CHARACTER = 1_000
"""The steps that a pattern may take for each character: a limit of 500, tried from each position, is about as many."""
SUPERLINEAR = 1.25
"""How many times as many steps a character of a longer text may take, since runs end within a repetition with a limit."""

SAMPLES = "\n\n".join(
    (
        test_foreign_text.NEWSLETTER_ENTRY.replace("§", "").replace("ID", "2505.00001"),
        test_foreign_text.REVIEW_ENTRY.replace("§", "").replace("ID", "2505.00001"),
        "**Authors**: Ada Lovelace | Votes: 3\n* Bo Kim, and Cy Lee (2025-05-06) - 1,024 papers",
        test_foreign_text.LIST,
        "| 2025/05/06 | **A title** | [PDF](https://arxiv.org/abs/2505.00001) |\n|---|---|---|",
        '{"format": "listing", "date": "2025-05-06", "papers": [{"arxiv_id": "2505.00001", "title": "A"}]}',
        "<entry><id>http://arxiv.org/abs/2505.00001v1</id><title>A &amp; B</title></entry><a href='x'>b</a>",
        "@misc{kim2025, title = {A {\\'e} title}, author = {Kim, A. and Lee, B.}}\nTY  - JOUR\nTI  - A",
        "## 1 Introduction\n\nWe reach 12.5% on GLUE (see Table 2), i.e. $x^2$ and \\textbf{b} [3].",
        'diffusion author:"Kim" since:2025-01-01 last 3 weeks 최근 3주 동안 "exact words" -video 만 빼고',
    )
)
"""What publishers, services and readers write, in all formats."""


@dataclass(frozen=True)
class Use:
    """A pattern, where it was found, and the methods that are called on it."""

    place: str
    pattern: Any
    methods: frozenset[str]


def list_modules() -> Iterator[ModuleType]:
    for package in PACKAGES:
        yield package
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith(".__main__"):
                yield importlib.import_module(found.name)


def is_own(value: object) -> bool:
    module = getattr(value, "__module__", None)
    return isinstance(module, str) and module.partition(".")[0] in {package.__name__ for package in PACKAGES}


def find_patterns(root: object, seen: dict[int, object]) -> Iterator[Any]:
    """Yield the patterns that can be reached: in containers, classes, partials, closures, defaults, caches."""
    todo = [root]
    while todo:
        value = todo.pop()
        if isinstance(value, re.Pattern | regex.Pattern):
            yield value
        elif id(value) not in seen and not isinstance(value, ModuleType | str | bytes):
            seen[id(value)] = value
            if isinstance(value, FunctionType):
                if is_own(value):
                    parts = (value.__defaults__, value.__kwdefaults__, value.__closure__, value.__dict__)
                    todo += [part for part in parts if part]
            elif not isinstance(value, type) or is_own(value):
                todo += gc.get_referents(value)


@cache
def list_uses() -> list[Use]:
    """Return the patterns of all modules: those that values contain, and those that are written where they are used."""
    modules = list(list_modules())
    for value in {id(one): one for module in modules for one in vars(module).values()}.values():
        # What other tests of this process typed, such as names in Hangul, is no pattern of the program.
        if is_own(value) and hasattr(value, "cache_clear"):
            value.cache_clear()
    transliteration._compile.cache_clear()
    for text in (SAMPLES, SAMPLES.replace("\n", " ")):  # fills caches
        for entrance in test_foreign_text.ENTRANCES:
            test_foreign_text.enter(entrance, text)
    nodes = [list_nodes(module) for module in modules]
    methods = [list_methods(own) for own in nodes]
    found: dict[Any, tuple[str, set[str]]] = {}
    seen: dict[int, object] = {}
    for module, parts, own in zip(modules, nodes, methods, strict=True):
        for name, value in vars(module).items():
            if not name.startswith("__"):
                used = own.get(name, set()).union(*(other.get(f".{name}", ()) for other in methods))
                for pattern in find_patterns(value, seen):
                    uses = (used & METHODS) or {"search"}
                    found.setdefault(pattern, (f"{module.__name__}.{name}", set()))[1].update(uses)
        for node, pattern, method in list_written(parts):
            found.setdefault(pattern, (f"{module.__name__}:{node.lineno}", set()))[1].add(method)
    return [Use(place, pattern, frozenset(uses)) for pattern, (place, uses) in found.items()]


def list_nodes(module: ModuleType) -> list[ast.AST]:
    """Return the parts of a module's code, the outer ones first; none of one that calls no pattern."""
    code = Path(str(module.__file__)).read_text(encoding="utf-8")
    return list(ast.walk(ast.parse(code))) if USED.search(code) else []


def list_methods(nodes: Sequence[ast.AST]) -> dict[str, set[str]]:
    """Return how each name, and each `.attribute`, is used; as `search` where that cannot be told."""
    methods: dict[str, set[str]] = {}
    told: set[ast.AST] = set()

    def add(node: ast.AST, method: str) -> None:
        told.add(node)
        if isinstance(node, ast.Name | ast.Attribute):
            methods.setdefault(node.id if isinstance(node, ast.Name) else f".{node.attr}", set()).add(method)

    for node in nodes:
        match node:
            case ast.Call(func=ast.Attribute(value=owner), args=[_, _, *_]):  # from a position on
                add(owner, "search")
            case ast.For(target=target, iter=values) | ast.comprehension(target=target, iter=values):
                for container, each in itertools.product(ast.walk(values), ast.walk(target)):
                    if isinstance(container, ast.Name) and isinstance(each, ast.Name):
                        add(container, f"each {each.id}")
        match node:
            case ast.Attribute(value=owner, attr=method):
                add(owner, method)
        if node not in told and isinstance(getattr(node, "ctx", None), ast.Load):
            add(node, "search")
    for used in methods.values():
        for name in [name for name in used if name.startswith("each ")]:
            used |= methods.get(name.removeprefix("each "), {"search"})
    return methods


def list_written(nodes: Sequence[ast.AST]) -> Iterator[tuple[ast.Call, Any, str]]:
    """Yield the calls such as `re.sub("…", …)` with a constant pattern."""
    for node in nodes:
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="re" | "regex" as library), attr=method),
                args=[ast.Constant(value=str(text)), *_],
            ) if method not in {"compile", "escape"}:
                flags = [ast.unparse(part.value) for part in node.keywords if part.arg == "flags"]
                flags += [ast.unparse(part) for part in node.args[2:] if "re." in ast.unparse(part)]
                number = sum(
                    int(getattr(re, flag)) for name in flags for flag in re.findall(r"re\.(\w+)", name)
                )
                yield node, (re if library == "re" else regex).compile(text, number), method


def walk(tree: Tree, before: str = "") -> Iterator[tuple[str, str, Any]]:
    """Yield the parts of a pattern, the outer ones first, each with a text that leads to it."""
    for code, value in tree:
        yield before, str(code), value
        for part in list_alternatives(str(code), value):
            yield from walk(part, before)
        before += write_example([(code, value)], Choice())


@dataclass(frozen=True)
class Choice:
    """What stands where a pattern has a choice: a character if it is accepted, the number of a branch, how often at least."""

    character: str = "a"
    branch: int = 0
    times: int = 0


def write_example(tree: Tree, choice: Choice) -> str:
    """Return a text that the pattern may match."""
    text = ""
    for code, value in tree:
        match str(code):
            case "LITERAL":
                text += chr(value)
            case "NOT_LITERAL" | "ANY" | "IN":
                accepted = Characters(str(code), value, re.DOTALL)
                text += next(
                    (
                        one
                        for one in choice.character + list_named(str(code), value) + COMMON
                        if accepted[one]
                    ),
                    "",
                )
            case name if parts := list_alternatives(name, value):
                times = min(max(value[0], min(choice.times, int(value[1]))), 20) if name in REPEATS else 1
                text += times * write_example(parts[choice.branch % len(parts)], choice)
    return text


def list_named(code: str, value: Any) -> str:
    """Return characters that a part of one character names."""
    if code != "IN":
        return chr(value) if code == "LITERAL" else ""
    named = ""
    for part, one in value:
        match str(part):
            case "LITERAL":
                named += chr(one)
            case "RANGE":
                named += chr(one[0])
    return named


def list_characters(tree: Tree, counted: CountedPattern) -> list[str]:
    """Return a character of each kind: characters of a kind are accepted by the same parts of the pattern."""
    named = "".join(list_named(code, value) for _, code, value in walk(tree) if code in ONE_CHARACTER)
    kinds: dict[tuple[bool, ...], str] = {}
    for character in dict.fromkeys(COMMON + named):
        kinds.setdefault(tuple(accepted[character] for accepted in counted.characters), character)
    return list(kinds.values())


def list_pumps(use: Use, counted: CountedPattern) -> Iterator[tuple[str, str]]:
    """Yield texts to repeat, each with the text before it: what each repetition may repeat, and what leads to it."""
    tree = parse(use.pattern)
    repeated = [(before, value) for before, code, value in walk(tree) if code in REPEATS and value[1] > FEW]
    kinds = list_characters(tree, counted) if repeated else []
    for before, value in repeated:
        if len(value[2]) == 1 and str(value[2][0][0]) in ONE_CHARACTER:
            accepted = Characters(str(value[2][0][0]), value[2][0][1], use.pattern.flags)
            bodies = [one for one in kinds if accepted[one]][:KINDS]
        else:
            bodies = [
                write_example(value[2], Choice(*choice))
                for choice in itertools.product(kinds[:KINDS], range(BRANCHES), range(2))
            ]
        for body in filter(None, dict.fromkeys(bodies)):
            yield before[-MAX_BEFORE:], body
            if not use.methods <= ONCE:
                yield "", before[-MAX_BEFORE:] + body


class Judge:
    """Counts the steps of a pattern with small limits of its repetitions; what its own limits cost is read off two small ones."""

    def __init__(self, use: Use) -> None:
        self.use = use
        self.small, self.smaller = CountedPattern(use.pattern, BOUND), CountedPattern(use.pattern, BOUND // 2)
        self.method = next(iter(use.methods)) if use.methods <= ONCE else "finditer"

    def find_slow(self) -> str | None:
        """Return the text on which the pattern takes more than linear time, or more steps for each character than it may."""
        for before, pump in dict.fromkeys(list_pumps(self.use, self.small)):
            try:
                if self._is_slow(before, pump):
                    return f"{before!r} + n * {pump!r}"
            except TooManyStepsError:
                return f"{before!r} + n * {pump!r} without end"
        return None

    def _is_slow(self, before: str, pump: str) -> bool:
        growth = {}
        for end in ENDS:
            first, second = self._measure(self.small, (before, pump, end), range(0, 3 * BOUND, BOUND))
            growth[end] = second - SUPERLINEAR * first
        end = max(growth, key=growth.__getitem__)
        if growth[end] <= 0:
            return False
        # A repetition with a limit grows until the text reaches it.
        reached = BOUND * math.ceil(self.small.reach / BOUND + 1)
        longer = (before, pump, end), range(reached, 4 * reached, reached)
        (first, second), (_, fewer) = self._measure(self.small, *longer), self._measure(self.smaller, *longer)
        return second > SUPERLINEAR * first or self._grow(second, fewer) > STEPS_A_CHARACTER

    def _measure(self, counted: CountedPattern, text: tuple[str, str, str], lengths: range) -> list[float]:
        """Return the steps for each character from each length of a run to the next one."""
        before, pump, end = text
        texts = [before + pump * times + end for times in lengths]
        steps = [counted.count(each, self.method, STEPS_A_CHARACTER * (BOUND + len(each))) for each in texts]
        return [(more - less) / (lengths.step * len(pump)) for less, more in itertools.pairwise(steps)]

    def _grow(self, steps: float, fewer: float) -> float:
        """Return the steps for each character with the pattern's own limits: they grow with a power of the largest."""
        power = round(math.log2(max(steps, 1) / max(fewer, 1)))
        return steps * max(self.small.largest_bound / BOUND, 1) ** power


def find_slow(use: Use) -> str | None:
    return Judge(use).find_slow()


def test_each_pattern_takes_linear_time() -> None:
    slow = {
        f"{use.place} {sorted(use.methods)} {use.pattern.pattern[:90]!r}": text
        for use in list_uses()
        if (text := find_slow(use))
    }
    assert not slow, "\n".join(f"{use}\n    {text}" for use, text in slow.items())


@pytest.mark.parametrize(
    ("pattern", "method", "is_linear"),
    [
        (r"\s*[|,;]?\s(?=votes?:)", "search", False),
        (r"_+(?!\w)", "sub", False),
        (r"[가-힣]+\Z", "sub", False),
        (r"\W*(?:none)?\W*", "fullmatch", False),
        (r"(?<!!)\[(?:[^\[\]\\]|\\.)+\]\(", "search", False),
        (r"(?:a|ab|b)+c", "match", False),
        (r"(?:오늘의?|[오늘의])+", "fullmatch", False),
        (r"(?P<a>x+)-(?P=a)", "search", False),
        (r"<!--.*?-->", "search", False),
        (r"[a-z]{0,300}:", "search", True),
        (r"[a-z]{0,3000}:", "search", False),
        (r"[a-z]{0,60}[a-y]{0,60}[b-z]{0,60}:", "match", True),
        (r"[a-z]{0,60}[a-y]{0,60}[b-z]{0,60}:", "search", False),
        (r"\s*x", "match", True),
        (r"(?<!\s)\s++x", "search", True),
        (r"(?>[a-z]+)\Z", "match", True),
        (r"(?<![a-z])(?>[a-z]+):", "search", True),
        (r"(?:[^\[\]]++|\[[^\[\]]*+\])*+!", "match", True),
        (r"[*`]+|(?<!\w)_+|(?<!_)_++(?!\w)", "sub", True),
    ],
)
def test_what_is_slow_is_found(pattern: str, method: str, is_linear: bool) -> None:
    slow = find_slow(Use("", re.compile(pattern), frozenset({method})))
    assert (slow is None) == is_linear, slow


def test_the_counted_pattern_finds_what_the_program_finds() -> None:
    """Its steps are those of `re` only if it tries what `re` tries."""
    known = [
        use.pattern
        for use in list_uses()
        if "\\p" not in use.pattern.pattern and use.pattern.pattern != r"\X"
    ]
    differ = [
        pattern.pattern
        for pattern in known
        if CountedPattern(pattern).find(SAMPLES, "finditer")
        != [found.span() for found in pattern.finditer(SAMPLES)]
    ]
    assert not differ
