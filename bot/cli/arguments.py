"""Parses arguments of commands, and shares options between commands."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum
from typing import Any, TypeAlias, TypeVar

from bot import errors
from bot.cli import context
from bot.clock import system_clock

Choice = TypeVar("Choice", bound=StrEnum)
Command: TypeAlias = Callable[..., None]


def with_options(*declared: Callable[..., Mapping[str, Any]]) -> Callable[[Command], Command]:
    """Return a decorator that adds the options of some functions to a command, so that commands share them.

    The command's first argument is the union of what these functions return for the options that were given.
    """
    shared = [inspect.signature(function, eval_str=True).parameters for function in declared]

    def decorate(command: Command) -> Command:
        _, *own = inspect.signature(command, eval_str=True).parameters.values()

        @functools.wraps(command)
        def run(**values: Any) -> None:
            parsed: dict[str, Any] = {}
            for function, names in zip(declared, shared, strict=True):
                parsed |= function(**{name: values.pop(name) for name in names})
            command(parsed, **values)

        parameters = [*(parameter for options in shared for parameter in options.values()), *own]
        # A signature has its required parameters first.
        ordered = sorted(parameters, key=lambda parameter: parameter.default is not parameter.empty)
        vars(run)["__signature__"] = inspect.Signature(ordered)
        return run

    return decorate


def parse_date(text: str) -> date:
    """Parse a day as people type it (`2025-02-06`, `yesterday`, `dec 30`), in the zone of the settings. Raises UsageError."""
    from bot.text.queries import typed_dates

    span = typed_dates.read(text, system_clock().astimezone(context.load_timezone()).date())
    if span is None or span[0] != span[1]:
        raise errors.UsageError(
            f"{text[:20]!r} is not a date. Use YYYY-MM-DD, such as 2025-02-06, or today or yesterday."
        )
    return span[0]


def parse_time(text: str | None) -> str | None:
    """Parse a time of day as people type it (`9am`, `21:30`) to `HH:MM`; None stays None. Raises UsageError."""
    if text is None:
        return None
    from bot.client.interactions import time_texts

    found = time_texts.find_time(text)
    if found is None:
        raise errors.UsageError(
            f"{text[:20]!r} is not a time of day. Use HH:MM (24 hours), such as 09:00, or 9am."
        )
    return found


def parse_zone(text: str | None) -> str | None:
    """Parse the name of a time zone (`Asia/Seoul`, `seoul`) to its IANA name; None stays None. Raises UsageError."""
    if text is None:
        return None
    from bot.client.interactions import time_texts

    found = time_texts.find_zone(text)
    if found is None:
        raise errors.UsageError(f"{text[:40]!r} is not a time zone. Use an IANA name, such as Asia/Seoul.")
    return found


def parse_choice(choices: type[Choice], text: str, noun: str) -> Choice:
    """Return the enum member with this value, in any case. Raises UsageError that lists the values."""
    try:
        return choices(text.strip().lower())
    except ValueError:
        values = [choice.value for choice in choices]
        hint = " or ".join(values) if len(values) == 2 else f"one of {', '.join(values)}"
        raise errors.UsageError(f"{text[:40]!r} is not a known {noun}. Use {hint}.") from None
