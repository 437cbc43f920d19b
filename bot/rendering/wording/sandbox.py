"""The jinja2 environment of templates, with bounds on loops, calls, sizes and output: a mistake must not stop the bot.

jinja2's sandbox bounds only `range`. Posts are rendered on the event loop, so their bounds are of a few milliseconds.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.runtime import LoopContext
from jinja2.sandbox import SandboxedEnvironment

from bot.rendering.discord_text.escape import SafeMarkdown

MAX_NUMBER = 100_000
"""The largest width, count or repetition that an operator, a filter or a method is given."""
MAX_POWER_BITS = 1_024
_STEPS_FILTER, _TEXT_FILTER = "counted steps", "bounded text"
_WIDTH = re.compile(r"[0-9]{6,}|\*")


class TemplateLimitError(jinja2.TemplateError):
    """A template takes too many steps, or makes too much text."""


class BoundedEnvironment(SandboxedEnvironment):
    """A sandbox in which each rendering has at most `max_steps` iterations and calls, and `max_characters` of text.

    The output of macros and set blocks is marked as safe: their values are escaped already.
    """

    intercepted_binops = frozenset({"*", "**", "%", "+"})

    def __init__(self, *, max_steps: int, max_characters: int, **options: Any) -> None:
        super().__init__(**options)
        self._max_steps = max_steps
        self._max_characters = max_characters
        self._steps_left: ContextVar[list[int]] = ContextVar("steps_left")
        self.concat = self.join  # type: ignore[method-assign]
        self.bound_filters()

    def bound_filters(self) -> None:
        """Bound the filters that are registered; called again after more have been added."""
        self.filters = {name: self._bounded(function) for name, function in self.filters.items()}
        self.filters |= {_STEPS_FILTER: self._count_items, _TEXT_FILTER: self._check_size}

    @contextmanager
    def rendering(self) -> Iterator[None]:
        """Give the block a new budget of steps. Outside of one nothing is counted, as while a template is compiled."""
        token = self._steps_left.set([self._max_steps])
        try:
            yield
        finally:
            self._steps_left.reset(token)

    def join(self, parts: Iterable[str]) -> SafeMarkdown:
        """Join the pieces of an output. Raises TemplateLimitError as soon as they are too long."""
        pieces, size = [], 0
        for part in parts:
            size += len(part)
            if size > self._max_characters:
                raise TemplateLimitError(f"it makes more than {self._max_characters} characters")
            pieces.append(part)
        return SafeMarkdown("".join(pieces))

    def _generate(
        self, source: nodes.Template, name: str | None, filename: str | None, defer_init: bool = False
    ) -> str:
        """Compile a template in which loops are counted, and joined texts are measured."""
        for loop in source.find_all(nodes.For):
            loop.iter = self._apply(_STEPS_FILTER, loop.iter)
        for parent in list(source.find_all(nodes.Node)):
            for field, value in list(parent.iter_fields()):
                if isinstance(value, nodes.Concat):
                    setattr(parent, field, self._apply(_TEXT_FILTER, value))
                elif isinstance(value, list):
                    value[:] = [
                        self._apply(_TEXT_FILTER, item) if isinstance(item, nodes.Concat) else item
                        for item in value
                    ]
        return super()._generate(source, name, filename, defer_init)

    def _apply(self, name: str, node: nodes.Node) -> nodes.Filter:
        applied = nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)
        applied.set_environment(self)
        return applied

    def call(self, context: Any, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call a macro, method or function: a step, with bounded numbers, and iterations counted in recursive loops."""
        self._spend(1)
        if isinstance(obj, LoopContext) and args:
            args = (self._count_items(args[0]), *args[1:])
        owner = getattr(obj, "__self__", None)
        if isinstance(owner, str) and getattr(obj, "__name__", "").startswith("format"):
            _check_widths(owner)
        _check_numbers((*args, *kwargs.values()))
        return self._check_size(super().call(context, obj, *args, **kwargs))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Compute `left operator right` unless the result would be too large."""
        if operator == "**" and isinstance(left, int) and isinstance(right, int):
            if left.bit_length() * abs(right) > MAX_POWER_BITS:
                raise TemplateLimitError("a power is too large")
        elif operator == "%" and isinstance(left, str):
            _check_widths(left)
        elif operator == "*":
            for text, times in ((left, right), (right, left)):
                if isinstance(text, Sized) and isinstance(times, int) and len(text) * times > MAX_NUMBER:
                    raise TemplateLimitError("a repetition is too long")
        return self._check_size(super().call_binop(context, operator, left, right))

    def _bounded(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def bounded(*args: Any, **kwargs: Any) -> Any:
            self._spend(1)
            if function.__name__ == "do_format":
                _check_widths(str(args[0]))
            _check_numbers((*args[1:], *kwargs.values()))
            return self._check_size(function(*args, **kwargs))

        return bounded

    def _count_items(self, items: Any) -> Any:
        if isinstance(items, Sized):
            self._spend(len(items))
            return items
        return self._count_each(items)

    def _count_each(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            self._spend(1)
            yield item

    def _spend(self, steps: int) -> None:
        left = self._steps_left.get(None)
        if left is None:
            return
        left[0] -= steps
        if left[0] < 0:
            raise TemplateLimitError(f"it takes more than {self._max_steps} steps; look at its loops")

    def _check_size(self, value: Any) -> Any:
        if isinstance(value, str | list | tuple) and len(value) > self._max_characters:
            raise TemplateLimitError(f"it makes more than {self._max_characters} characters")
        return value


def _check_numbers(values: Iterable[Any]) -> None:
    if any(isinstance(value, int) and abs(value) > MAX_NUMBER for value in values):
        raise TemplateLimitError(f"a number is larger than {MAX_NUMBER}")


def _check_widths(text: str) -> None:
    if _WIDTH.search(text):
        raise TemplateLimitError("a width in a format is too large")
