"""A backtracking matcher that counts its steps: what `re` does with a pattern, from the pattern's own parse tree.

It tries what `re` tries, in the same order: its steps grow with a text as the time of `re` does, on a machine of any speed.
"""

import re
import sys
from collections.abc import Callable, Sequence
from re import _parser  # type: ignore[attr-defined]
from typing import Any

Tree = Sequence[tuple[Any, Any]]
Step = Callable[[int], bool]
"""Whether the rest of the pattern matches from a position on."""

REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})
ONE_CHARACTER = frozenset({"LITERAL", "NOT_LITERAL", "ANY", "IN"})
_CATEGORIES: dict[str, Callable[[str], bool]] = {
    "DIGIT": str.isdecimal,
    "SPACE": str.isspace,
    "WORD": lambda character: character.isalnum() or character == "_",
}
_DEPTH = 200_000
"""How deep calls may nest: three for each time that a group is repeated."""


class TooManyStepsError(Exception):
    """The pattern takes more steps than it may."""


class Characters(dict[str, bool]):
    """Whether a part of a pattern that is one character long accepts a character; each is decided once."""

    def __init__(self, code: str, value: Any, flags: int) -> None:
        super().__init__()
        self._code, self._value, self._flags = code, value, flags

    def __missing__(self, character: str) -> bool:
        forms = {character}
        if self._flags & re.IGNORECASE:
            forms |= {character.lower(), character.upper()}
        self[character] = accepted = any(self._accepts(form) for form in forms)
        return accepted

    def _accepts(self, character: str) -> bool:
        match self._code:
            case "LITERAL":
                return bool(ord(character) == self._value)
            case "NOT_LITERAL":
                return bool(ord(character) != self._value)
            case "ANY":
                return character != "\n" or bool(self._flags & re.DOTALL)
        is_negated = str(self._value[0][0]) == "NEGATE"
        return is_negated != any(_is_member(part, character) for part in self._value[is_negated:])


def _is_member(part: tuple[Any, Any], character: str) -> bool:
    code, value = part
    match str(code):
        case "LITERAL":
            return bool(ord(character) == value)
        case "RANGE":
            return bool(value[0] <= ord(character) <= value[1])
        case _:
            name = str(value).removeprefix("CATEGORY_")
            return name.startswith("NOT_") != _CATEGORIES[name.removeprefix("NOT_")](character)


def parse(pattern: Any) -> Tree:
    """Return the parse tree of a compiled pattern.

    Of a pattern of `regex`, letters of any script stand for each property of Unicode that `re` does not know.
    """
    flags = pattern.flags & (re.IGNORECASE | re.MULTILINE | re.DOTALL | re.VERBOSE)
    tree: Tree = _parser.parse(re.sub(r"\\p\{\w+\}|\\X", r"\\w", pattern.pattern), flags)
    return tree


def list_alternatives(code: str, value: Any) -> list[Tree]:
    """Return the parts of a node that may stand in its place, one for each branch."""
    if code in REPEATS:
        return [value[2]]
    if code == "BRANCH":
        return list(value[1])
    if code == "SUBPATTERN":
        return [value[3]]
    return [value] if code == "ATOMIC_GROUP" else []


class CountedPattern:
    """A pattern that counts its steps: a position that is tried, a character that is compared, a part that is entered."""

    def __init__(self, pattern: Any, bound: int | None = None) -> None:
        self.steps, self._most = 0, 0
        self._text, self._end, self._is_whole = "", 0, False
        self._groups: dict[int, tuple[int, int]] = {}
        self.largest_bound, self._bound = 0, bound
        self.characters: list[Characters] = []
        tree = parse(pattern)
        self._start = self._sequence(tree, pattern.flags, self._finish)
        self.reach = self._measure_reach(tree)
        """How many characters a repetition with a limit may take, about."""

    def count(self, text: str, method: str, most: int) -> int:
        """Return how many steps the pattern takes as a method of `re`.

        Raises TooManyStepsError after the given number of steps.
        """
        self.find(text, method, most)
        return self.steps

    def find(self, text: str, method: str, most: int = sys.maxsize) -> list[tuple[int, int]]:
        """Return where the pattern matches."""
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(_DEPTH)
        try:
            return self._find(text, method, most)
        finally:
            sys.setrecursionlimit(limit)

    def _find(self, text: str, method: str, most: int) -> list[tuple[int, int]]:
        self.steps, self._most, self._text, self._is_whole = 0, most, text, method == "fullmatch"
        found: list[tuple[int, int]] = []
        position = 0
        while position <= len(text):
            self._groups.clear()
            self._add(1)
            if self._start(position):
                found.append((position, self._end))
            if method in {"match", "fullmatch"} or (found and method == "search"):
                break
            is_found = bool(found) and found[-1][0] == position
            position = max(self._end, position + 1) if is_found else position + 1
        return found

    def _add(self, steps: int) -> None:
        self.steps += steps
        if self.steps > self._most:
            raise TooManyStepsError

    def _finish(self, position: int) -> bool:
        self._end = position
        return not self._is_whole or position == len(self._text)

    def _finish_part(self, position: int) -> bool:
        self._end = position
        return True

    def _sequence(self, tree: Tree, flags: int, rest: Step) -> Step:
        for code, value in reversed(tree):
            rest = self._node(str(code), value, flags, rest)
        return rest

    def _node(self, code: str, value: Any, flags: int, rest: Step) -> Step:
        if code in ONE_CHARACTER:
            return self._character(self._accepted(code, value, flags), rest)
        if code in REPEATS:
            value = self._limited(*value)
            part = value[2]
            if len(part) == 1 and str(part[0][0]) in ONE_CHARACTER:
                accepted = self._accepted(str(part[0][0]), part[0][1], flags)
                return self._run(code, value[0], value[1], accepted, rest)
            if code == "POSSESSIVE_REPEAT":
                inner = self._repeat("MAX_REPEAT", value, flags, self._finish_part)
                return self._atomic(inner, rest)
            return self._repeat(code, value, flags, rest)
        match code:
            case "SUBPATTERN":
                group, added, removed, part = value
                return self._group(group, part, (flags | added) & ~removed, rest)
            case "BRANCH":
                return self._branch(value[1], flags, rest)
            case "ATOMIC_GROUP":
                return self._atomic(self._sequence(value, flags, self._finish_part), rest)
            case "ASSERT" | "ASSERT_NOT":
                return self._look(code == "ASSERT", value, flags, rest)
            case "GROUPREF":
                return self._reference(value, rest)
            case "AT":
                return self._place(str(value).removeprefix("AT_"), flags, rest)
        raise NotImplementedError(code)

    def _limited(self, least: int, most: Any, part: Tree) -> tuple[int, int, Tree]:
        if most is _parser.MAXREPEAT:
            return least, sys.maxsize, part
        if self._bound is not None and least < most:
            self.largest_bound = max(self.largest_bound, most)
            least, most = min(least, self._bound), min(most, self._bound)
        return least, most, part

    def _measure_reach(self, tree: Tree) -> int:
        reach = 0
        for code, value in tree:
            inner = max(map(self._measure_reach, list_alternatives(str(code), value)), default=0)
            if str(code) in REPEATS and value[1] is not _parser.MAXREPEAT:
                inner = max(inner, 1) * self._limited(*value)[1]
            reach += inner
        return reach

    def _accepted(self, code: str, value: Any, flags: int) -> Characters:
        accepted = Characters(code, value, flags)
        self.characters.append(accepted)
        return accepted

    def _character(self, accepted: Characters, rest: Step) -> Step:
        def step(position: int) -> bool:
            self._add(1)
            return position < len(self._text) and accepted[self._text[position]] and rest(position + 1)

        return step

    def _run(self, code: str, least: int, most: int, accepted: Characters, rest: Step) -> Step:
        def step(position: int) -> bool:
            text, end = self._text, position
            last = min(len(text), position + (least if code == "MIN_REPEAT" else most))
            while end < last and accepted[text[end]]:
                end += 1
            self._add(end - position + 1)
            if end < position + least:
                return False
            if code == "POSSESSIVE_REPEAT":
                return rest(end)
            if code == "MIN_REPEAT":
                return go_on(position, end)
            for tried in range(end, position + least - 1, -1):
                self._add(1)
                if rest(tried):
                    return True
            return False

        def go_on(position: int, end: int) -> bool:
            while not rest(end):
                self._add(1)
                if end == min(len(self._text), position + most) or not accepted[self._text[end]]:
                    return False
                end += 1
            return True

        return step

    def _repeat(self, code: str, value: Any, flags: int, rest: Step) -> Step:
        least, most, part = value
        count, entered = 0, -1

        def enter(position: int) -> bool:
            nonlocal count, entered
            before = count, entered
            count, entered = 0, -1
            is_found = loop(position)
            count, entered = before
            return is_found

        def again(position: int) -> bool:
            nonlocal count, entered
            before = count, entered
            count, entered = count + 1, position
            is_found = body(position)
            count, entered = before
            return is_found

        def loop(position: int) -> bool:
            self._add(1)
            if count < least:
                return again(position)
            may_repeat = count < most and position != entered
            if code == "MIN_REPEAT":
                return rest(position) or (may_repeat and again(position))
            return (may_repeat and again(position)) or rest(position)

        body = self._sequence(part, flags, loop)
        return enter

    def _branch(self, branches: Sequence[Tree], flags: int, rest: Step) -> Step:
        steps = [(self._first(branch, flags), self._sequence(branch, flags, rest)) for branch in branches]
        tried: dict[str, list[Step]] = {}

        def step(position: int) -> bool:
            first = self._text[position : position + 1]
            if first not in tried:
                tried[first] = [
                    branch for accepted, branch in steps if not accepted or (first and accepted[first])
                ]
            return any(branch(position) for branch in tried[first])

        return step

    def _first(self, branch: Tree, flags: int) -> Characters | None:
        """Return what the first character of a branch may be, if it must have one: `re` looks at it first."""
        code, value = branch[0] if branch else ("", None)
        return Characters(str(code), value, flags) if str(code) in ONE_CHARACTER else None

    def _group(self, group: int | None, part: Tree, flags: int, rest: Step) -> Step:
        if group is None:
            return self._sequence(part, flags, rest)
        opened: list[int] = []

        def close(position: int) -> bool:
            before, start = self._groups.get(group), opened.pop()
            self._groups[group] = (start, position)
            if rest(position):
                return True
            opened.append(start)
            if before is None:
                del self._groups[group]
            else:
                self._groups[group] = before
            return False

        body = self._sequence(part, flags, close)

        def step(position: int) -> bool:
            opened.append(position)
            if body(position):
                return True
            opened.pop()
            return False

        return step

    def _atomic(self, inner: Step, rest: Step) -> Step:
        return lambda position: inner(position) and rest(self._end)

    def _look(self, is_wanted: bool, value: Any, flags: int, rest: Step) -> Step:
        direction, part = value
        inner = self._sequence(part, flags, self._finish_part)
        back = part.getwidth()[0] if direction < 0 else 0

        def step(position: int) -> bool:
            self._add(1)
            is_there = position >= back and inner(position - back)
            return is_there == is_wanted and rest(position)

        return step

    def _reference(self, group: int, rest: Step) -> Step:
        def step(position: int) -> bool:
            if group not in self._groups:
                return False
            start, end = self._groups[group]
            self._add(1 + end - start)
            part = self._text[start:end]
            return self._text.startswith(part, position) and rest(position + end - start)

        return step

    def _place(self, place: str, flags: int, rest: Step) -> Step:
        is_by_line = bool(flags & re.MULTILINE)
        is_word = _CATEGORIES["WORD"]

        def is_here(position: int) -> bool:
            text = self._text
            before, after = text[position - 1 : position] if position else "", text[position : position + 1]
            match place:
                case "BEGINNING":
                    return not position or (is_by_line and before == "\n")
                case "BEGINNING_STRING":
                    return not position
                case "END":
                    return position == len(text) or (
                        after == "\n" and (is_by_line or position == len(text) - 1)
                    )
                case "END_STRING":
                    return position == len(text)
            is_between = is_word(before) != is_word(after)
            return is_between == (place == "BOUNDARY")

        return lambda position: is_here(position) and rest(position)
