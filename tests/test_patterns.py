"""Each regular expression of the program takes linear time on foreign text, in the way it is used."""

import ast
import gc
import importlib
import itertools
import pkgutil
import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from re import _parser  # type: ignore[attr-defined]
from types import FunctionType, ModuleType
from typing import Any

import pytest
import regex

import bot
import storage
from bot.search import transliteration
from tests import test_foreign_text

pytestmark = pytest.mark.promise

PACKAGES = (bot, storage)
ONCE = frozenset({"match", "fullmatch"})
"""Methods that try one position of a text. All others try each."""
METHODS = ONCE | {"search", "finditer", "findall", "sub", "subn", "split"}
COMMON = ("a", "A", "1", " ", "\t", "\n", ".", ",", "_", "*", "-", "(", "[", "<", "\\", '"', "가")
"""Characters of which runs occur in any text."""
RUN, MAX_RUN = 1_200, 10_000
"""How long the texts are, and how long those are that took long."""
SCREEN_SECONDS, ENOUGH_SECONDS, LEAST_SECONDS, TRIES = 1.5e-7, 1e-6, 0.002, 12
"""CPU seconds per character that need a closer look, and that a longer text need not make clearer; the least time of a long text
that is compared; how often the least time of a short one is measured."""
TIMES_AS_LONG, CLEARLY_SUPERLINEAR = 8, 40
"""A text that is so many times as long takes 8 times as long if the time is linear, and 64 times if it is quadratic.

A busy machine may double or treble a time, so that one of twice the length cannot decide; and where each repetition of a group
needs memory, as in `(?:年|月火)+`, a linear time grows 17-fold.
"""

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
TOKENS = re.findall(r"\w+|[^\w\s]+|\s+", SAMPLES)

Pattern = re.Pattern[str]


@dataclass(frozen=True)
class Use:
    """A pattern, where it was found, and the methods that are called on it."""

    place: str
    pattern: Pattern
    methods: frozenset[str]

    def run(self, text: str) -> None:
        if not self.methods <= ONCE:
            for _ in self.pattern.finditer(text):
                pass
            return
        for method in self.methods:
            getattr(self.pattern, method)(text)


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
    trees = [ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8")) for module in modules]
    methods = [list_methods(tree) for tree in trees]
    found: dict[Any, tuple[str, set[str]]] = {}
    seen: dict[int, object] = {}
    for module, tree, own in zip(modules, trees, methods, strict=True):
        for name, value in vars(module).items():
            if not name.startswith("__"):
                used = own.get(name, set()).union(*(other.get(f".{name}", ()) for other in methods))
                for pattern in find_patterns(value, seen):
                    uses = (used & METHODS) or {"search"}
                    found.setdefault(pattern, (f"{module.__name__}.{name}", set()))[1].update(uses)
        for node, pattern, method in list_written(tree):
            found.setdefault(pattern, (f"{module.__name__}:{node.lineno}", set()))[1].add(method)
    return [Use(place, pattern, frozenset(uses)) for pattern, (place, uses) in found.items()]


def list_methods(tree: ast.AST) -> dict[str, set[str]]:
    """Return how each name, and each `.attribute`, is used; as `search` where that cannot be told."""
    methods: dict[str, set[str]] = {}
    told: set[ast.AST] = set()

    def add(node: ast.AST, method: str) -> None:
        told.add(node)
        if isinstance(node, ast.Name | ast.Attribute):
            methods.setdefault(node.id if isinstance(node, ast.Name) else f".{node.attr}", set()).add(method)

    for node in ast.walk(tree):  # the outer ones first
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


def list_written(tree: ast.Module) -> Iterator[tuple[ast.Call, Any, str]]:
    """Yield the calls such as `re.sub("…", …)` with a constant pattern."""
    for node in ast.walk(tree):
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


def parse_tree(pattern: Any) -> Any:
    return (
        _parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG) if isinstance(pattern, re.Pattern) else []
    )


CATEGORIES = {"DIGIT": "1", "SPACE": " ", "WORD": "a", "NOT_DIGIT": "a", "NOT_SPACE": "a", "NOT_WORD": "!"}


def members(parts: Any) -> list[str]:
    """Return characters that a class of a pattern has, and that one with ^ has not."""
    found = []
    for code, value in parts:
        match str(code):
            case "LITERAL":
                found.append(chr(value))
            case "RANGE":
                found += [chr(value[0]), chr(value[1])]
            case "CATEGORY":
                found.append(CATEGORIES.get(str(value).removeprefix("CATEGORY_"), "a"))
            case "NEGATE":
                found += ["~", "a", " "]
    return found


def named_characters(tree: Any) -> Iterator[str]:
    """Yield the characters that a parsed pattern names."""
    for code, value in tree:
        match str(code):
            case "LITERAL":
                yield chr(value)
            case "NOT_LITERAL" | "ANY":
                yield "a"
            case "IN":
                yield from members(value)
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                yield from named_characters(value[2])
            case "SUBPATTERN":
                yield from named_characters(value[3])
            case "BRANCH":
                for branch in value[1]:
                    yield from named_characters(branch)
            case "ASSERT" | "ASSERT_NOT":
                yield from named_characters(value[1])
            case "ATOMIC_GROUP":
                yield from named_characters(value)


def write_example(tree: Any, rng: random.Random) -> str:
    """Return a text that the pattern may match."""
    text = ""
    for code, value in tree:
        match str(code):
            case "LITERAL":
                text += chr(value)
            case "NOT_LITERAL" | "ANY":
                text += "a"
            case "IN":
                text += rng.choice(members(value) or ["a"])
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                least, _, part = value
                for _ in range(min(max(least, rng.randint(0, 2)), 20)):
                    text += write_example(part, rng)
            case "SUBPATTERN":
                text += write_example(value[3], rng)
            case "BRANCH":
                text += write_example(rng.choice(value[1]), rng)
            case "ATOMIC_GROUP":
                text += write_example(value, rng)
    return text


def list_pumps(use: Use) -> tuple[list[str], list[str]]:
    """Return the texts to repeat, and those that stand before and behind them."""
    rng, tree = random.Random(7), parse_tree(use.pattern)
    named = list(dict.fromkeys(named_characters(tree)))
    rng.shuffle(named)
    examples = [write_example(tree, rng)[:40] for _ in range(8)] if tree else []
    pairs = [a + b for a, b in itertools.permutations(named[:4], 2)]
    pumps = [*named[:16], *COMMON, *pairs, *examples, *(example[:-1] for example in examples)]
    around = ["", "\0", "x", "!", " ", *named[:3], *examples[:2]]
    words = re.findall(r"[a-z가-힣]{2,}(?: [a-z]+)*", use.pattern.pattern)
    pumps += [f"{word} " for word in list(dict.fromkeys(words))[:6]]
    return [pump for pump in dict.fromkeys(pumps) if pump], list(dict.fromkeys(around))


def list_texts(use: Use) -> Iterator[tuple[str, Callable[[int], str]]]:
    """Yield texts that grow: runs alone, between characters that the pattern names, and inside samples."""
    pumps, around = list_pumps(use)
    rng = random.Random(11)
    for pump in pumps:
        if use.methods <= ONCE:
            # Only the beginning of the text is tried.
            once = [("", end) for end in around] + [(start, rng.choice(around)) for start in around]
            for sides in once:
                yield repr((sides, pump)), partial(surround, pump, [sides], 1)
        else:
            many = [("", ""), ("x", "x"), *((rng.choice(around), end) for end in around)]
            yield repr((pump, many)), partial(surround, pump, many, 4)
    for pump in pumps[:4]:
        yield f"samples with {pump!r}", partial(fill_sample, pump)


def surround(pump: str, sides: Sequence[tuple[str, str]], share: int, length: int) -> str:
    """Return a line for each pair of sides, with a run of a share of the length between them."""
    return "\n".join(start + fill(pump, length // share) + end for start, end in sides)


def fill_sample(pump: str, length: int) -> str:
    """Return the samples with a run between any two of their words and signs."""
    return fill(pump, length // 16).join(TOKENS)


def fill(pump: str, length: int) -> str:
    return (pump * (length // len(pump) + 1))[:length]


def cpu_seconds(use: Use, text: str) -> float:
    started = time.thread_time()
    use.run(text)
    return time.thread_time() - started


def is_slow(use: Use, write: Callable[[int], str]) -> bool:
    """Return whether the time grows faster than the text, also where repetitions with a limit have reached it."""
    for length in (RUN // 8, RUN):
        text = write(length)
        if cpu_seconds(use, text) > SCREEN_SECONDS * len(text):
            break
    else:
        return False
    while (seconds := cpu_seconds(use, write(length))) < ENOUGH_SECONDS * length and length < MAX_RUN:
        if seconds > LEAST_SECONDS and not is_superlinear(use, write, length):
            return False
        length *= 2
    return all(is_superlinear(use, write, length) for _ in range(2))


def is_superlinear(use: Use, write: Callable[[int], str], length: int) -> bool:
    small, large = write(length), write(TIMES_AS_LONG * length)
    seconds = cpu_seconds(use, large)
    # What is linear is clearly so at the first comparison, unless another program disturbed it.
    if seconds < max(LEAST_SECONDS, CLEARLY_SUPERLINEAR / 2 * cpu_seconds(use, small)):
        return False
    limit = CLEARLY_SUPERLINEAR * min(cpu_seconds(use, small) for _ in range(TRIES))
    return seconds > limit and cpu_seconds(use, large) > limit


def find_slow(use: Use) -> str | None:
    """Return the text on which a pattern takes more than linear time."""
    return next((name for name, write in list_texts(use) if is_slow(use, write)), None)


SHARES = 2


@pytest.mark.parametrize("share", range(SHARES))
def test_each_pattern_takes_linear_time(share: int) -> None:
    gc.collect()
    gc.disable()
    try:
        uses = list_uses()[share::SHARES]
        slow = {
            f"{use.place} {sorted(use.methods)} {use.pattern.pattern[:90]!r}": text
            for use in uses
            if (text := find_slow(use))
        }
    finally:
        gc.enable()
    assert not slow, "\n".join(f"{use}\n    {text}" for use, text in slow.items())


@pytest.mark.parametrize(
    ("pattern", "method", "is_linear"),
    [
        (r"\s*[|,;]?\s(?=votes?:)", "search", False),
        (r"_+(?!\w)", "sub", False),
        (r"[가-힣]+\Z", "sub", False),
        (r"\W*(?:none)?\W*", "fullmatch", False),
        (r"\s*x", "match", True),
        (r"(?<!\s)\s++x", "search", True),
        (r"[*`]+|(?<!\w)_+|(?<!_)_++(?!\w)", "sub", True),
    ],
)
def test_what_is_slow_is_found(pattern: str, method: str, is_linear: bool) -> None:
    slow = find_slow(Use("", re.compile(pattern), frozenset({method})))
    assert (slow is None) == is_linear, slow
