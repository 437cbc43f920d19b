"""The state of a button or select menu, packed into its custom id of at most 100 characters.

`pr:<verb>:<field>:<field>…`; only the last field may contain colons. In the messages of a delivery its marker comes
first: `pr:d:<marker>:<position>/<verb>:<field>…`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bot.rendering import discord_text

PREFIX = "pr:"
TEMPLATE = re.compile(r"pr:.{1,97}", re.DOTALL)

MAX_NUMBER = 2**63 - 1
"""The largest number in a custom id: Discord's ids and those of rows have 64 bits."""

_UNSENDABLE = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff]")
_MARKER_PREFIX = re.compile(r"pr:d:[A-Za-z0-9:_-]{1,64}:[0-9]+/")


@dataclass(frozen=True, slots=True)
class Action:
    """The action of a component: a verb and a payload that the handler of the verb parses."""

    verb: str
    payload: str = ""

    def fields(self, count: int) -> list[str]:
        """Return the `count` fields; the last may contain colons. Raises InvalidCustomIdError if there are fewer."""
        fields = self.payload.split(":", count - 1)
        if len(fields) != count:
            raise InvalidCustomIdError(f"{self.verb!r} has {len(fields)} fields, not {count}")
        return fields

    @property
    def number(self) -> int:
        """The payload as a number, 0 if it is empty. Raises InvalidCustomIdError."""
        return parse_number(self.payload or "0")


class InvalidCustomIdError(ValueError):
    """A custom id that another version wrote; its component is outdated."""


@contextmanager
def map_parse_errors() -> Iterator[None]:
    """Raise InvalidCustomIdError for a ValueError or KeyError."""
    try:
        yield
    except (ValueError, KeyError) as error:
        raise InvalidCustomIdError(str(error)) from error


def parse_number(text: str, most: int = MAX_NUMBER) -> int:
    """Return a number from 0 to `most`. Raises InvalidCustomIdError."""
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_NUMBER))) or int(text) > most:
        raise InvalidCustomIdError(f"{text!r} is not a number up to {most}")
    return int(text)


def pack(verb: str, *fields: str | int, marker: str | None = None) -> str:
    """Return the custom id of an action. Raises ValueError if it is too long or not readable."""
    texts = [str(field) for field in fields]
    if any(":" in text for text in (verb, *texts[:-1])):
        raise ValueError("only the last field may contain a colon")
    packed = (marker or PREFIX) + ":".join((verb, *texts))
    if len(packed) > discord_text.CUSTOM_ID:
        raise ValueError(f"{packed!r} is longer than the limit on custom ids")
    return packed


def find_marker(custom_id: str) -> str | None:
    """Return the marker of the delivery in a custom id, as `pack` takes it; None without one."""
    marker = _MARKER_PREFIX.match(custom_id)
    return None if marker is None else marker.group()


def unpack(custom_id: str) -> Action:
    """Return the action of a custom id; a foreign or unreadable custom id gives an action without a handler."""
    if _UNSENDABLE.search(custom_id):
        return Action("")
    marker = _MARKER_PREFIX.match(custom_id)
    body = custom_id[marker.end() :] if marker else custom_id.removeprefix(PREFIX)
    verb, _, payload = body.partition(":")
    return Action(verb, payload)
