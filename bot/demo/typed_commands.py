"""Reads a line such as `/topic small language model` as the slash command that a person would choose from Discord's list."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

CommandSpec = Mapping[str, Any]
"""A command or an option as JSON of Discord's API, with its localized names."""

STRING, INTEGER, BOOLEAN, CHANNEL = 3, 4, 5, 7
_YES = frozenset({"true", "yes", "1", "네", "예"})


def find_command(
    line: str, leaves: Iterable[tuple[Sequence[CommandSpec], CommandSpec]]
) -> tuple[str, CommandSpec, str] | None:
    """Return a command's English name, its specification and the rest of the line; None if there is no such command.

    `leaves` are all commands: the groups above each of them with the command itself, and the command.
    """
    words = line.removeprefix("/").split()
    found = [
        (path, leaf)
        for path, leaf in leaves
        if len(path) <= len(words)
        and all(word.casefold() in _names(node) for node, word in zip(path, words, strict=False))
    ]
    if not found:
        return None
    path, leaf = max(found, key=lambda item: len(item[0]))
    rest = line.removeprefix("/").split(maxsplit=len(path))[len(path) :]
    return " ".join(node["name"] for node in path), leaf, "".join(rest)


def list_group(
    line: str, leaves: Iterable[tuple[Sequence[CommandSpec], CommandSpec]], locale: str
) -> list[str]:
    """Return the commands of the group that a line begins with, in a Discord locale; none if it names no group."""
    words = line.removeprefix("/").split()
    return [
        f"`/{' '.join(_local_name(node, locale) for node in path)}`"
        for path, _ in leaves
        if words and len(path) > 1 and words[0].casefold() in _names(path[0])
    ]


def read_options(leaf: CommandSpec, rest: str) -> dict[str, str]:
    """Return the options by their English names: `name:value` in any order; text without a name is the first option's."""
    options = list(leaf.get("options") or ())
    by_name = {name: option["name"] for option in options for name in _names(option)}
    if not by_name:
        return {}
    names = "|".join(map(re.escape, sorted(by_name, key=len, reverse=True)))
    first, *pairs = re.split(rf"(?:^|\s)({names}):\s*", rest, flags=re.IGNORECASE)
    values = {by_name[name.casefold()]: value.strip() for name, value in zip(*[iter(pairs)] * 2, strict=True)}
    if first.strip():
        values.setdefault(options[0]["name"], first.strip())
    return values


def list_missing(leaf: CommandSpec, values: Mapping[str, str]) -> list[str]:
    """Return the names of the options that the command needs and the line lacks."""
    return [
        option["name"]
        for option in leaf.get("options") or ()
        if option.get("required") and option["name"] not in values
    ]


def find_unknown_choice(
    leaf: CommandSpec, values: Mapping[str, str], locale: str
) -> tuple[str, list[str]] | None:
    """Return the first option whose value is none of its choices, with their names in a Discord locale; else None."""
    for option in leaf.get("options") or ():
        choices = option.get("choices") or ()
        value = values.get(option["name"])
        if value is not None and choices and not any(_is_choice(choice, value) for choice in choices):
            return _local_name(option, locale), [_local_name(choice, locale) for choice in choices]
    return None


def convert(option: CommandSpec, value: str) -> str | int | bool:
    """Return a typed value in the type of its option; one of its choices by any of its names. Raises ValueError."""
    for choice in option.get("choices") or ():
        if _is_choice(choice, value):
            chosen: str | int = choice["value"]
            return chosen
    if option["type"] == INTEGER:
        return int(value)
    if option["type"] == BOOLEAN:
        return value.casefold() in _YES
    if option["type"] not in (STRING, CHANNEL):
        raise ValueError(f"{option['name']} is chosen from Discord's list")
    return value


def _is_choice(choice: CommandSpec, value: str) -> bool:
    return value.casefold() in {*_names(choice), str(choice["value"]).casefold()}


def _local_name(node: CommandSpec, locale: str) -> str:
    return str((node.get("name_localizations") or {}).get(locale, node["name"]))


def _names(node: CommandSpec) -> set[str]:
    names = {node["name"], *(node.get("name_localizations") or {}).values()}
    return {name.casefold() for name in names}
