"""The state of a button or select menu, packed into its custom id: at most 100 characters, no storage needed.

`pr:<verb>:<field>:<field>…`; the last field may hold anything, colons too. In a delivery's messages
the delivery's marker stands before it: `pr:d:<marker>:<position>/<verb>:<field>…`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bot.rendering.discord_text import limits

PREFIX = "pr:"
TEMPLATE = re.compile(r"pr:.{1,97}", re.DOTALL)

_MARKER_PREFIX = re.compile(r"pr:d:[A-Za-z0-9:_-]{1,64}:[0-9]+/")


@dataclass(frozen=True, slots=True)
class Action:
    """What a control asks for: a verb of ours and the rest of the custom id, which the verb's owner reads."""

    verb: str
    payload: str = ""

    def fields(self, count: int) -> list[str]:
        """Return the `count` fields; only the last may hold colons. Raises UnreadableError when there are fewer."""
        found = self.payload.split(":", count - 1)
        if len(found) != count:
            raise InvalidCustomIdError(f"{self.verb!r} has {len(found)} fields, not {count}")
        return found

    @property
    def number(self) -> int:
        """The rest as a number; nothing is 0. Raises UnreadableError."""
        with map_parse_errors():
            return int(self.payload or 0)


class InvalidCustomIdError(ValueError):
    """A custom id that another version wrote: its control is outdated."""


@contextmanager
def map_parse_errors() -> Iterator[None]:
    """Turn what goes wrong while fields are read into UnreadableError."""
    try:
        yield
    except (ValueError, KeyError) as error:
        raise InvalidCustomIdError(str(error)) from error


def pack(verb: str, *fields: str | int, marker: str | None = None) -> str:
    """Return the custom id for an action. Raises ValueError if it would not fit or could not be read back."""
    texts = [str(field) for field in fields]
    if any(":" in text for text in (verb, *texts[:-1])):
        raise ValueError("only the last field may hold a colon")
    packed = (marker or PREFIX) + ":".join((verb, *texts))
    if len(packed) > limits.CUSTOM_ID:
        raise ValueError(f"{packed!r} is longer than a custom id may be")
    return packed


def unpack(custom_id: str) -> Action:
    """Read a custom id back; one that is not ours gives an action that nobody handles."""
    marked = _MARKER_PREFIX.match(custom_id)
    body = custom_id[marked.end() :] if marked else custom_id.removeprefix(PREFIX)
    verb, _, rest = body.partition(":")
    return Action(verb, rest)
