"""Custom ids, which hold the state of a button or select menu.

A custom id has at most 100 characters: `pr:<verb>:<field>:<field>…`. Only the last field may contain colons. In a
delivery's messages the marker comes first: `pr:d:<marker>:<position>/<verb>:<field>…`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bot.rendering import discord_text

PREFIX = "pr:"
CUSTOM_ID = re.compile(r"pr:.{1,97}", re.DOTALL)

MAX_NUMBER = 2**63 - 1
"""The largest number in a custom id. Discord's ids and row ids have 64 bits."""

_UNSENDABLE = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff]")
_MARKER_PREFIX = re.compile(r"pr:d:[A-Za-z0-9:_-]{1,64}:[0-9]+/")


@dataclass(frozen=True, slots=True)
class Action:
    """A component's action: a verb, and a payload for the verb's handler."""

    verb: str
    payload: str = ""

    def fields(self, count: int) -> list[str]:
        """Split the payload into `count` fields. Raises InvalidCustomIdError if there are fewer."""
        fields = self.payload.split(":", count - 1)
        if len(fields) != count:
            raise InvalidCustomIdError(f"{self.verb!r} has {len(fields)} fields, not {count}")
        return fields

    @property
    def number(self) -> int:
        """The payload as a number; 0 if it is empty. Raises InvalidCustomIdError for other texts."""
        return parse_number(self.payload or "0")


class InvalidCustomIdError(ValueError):
    """Raised for a custom id of another version, which makes the component outdated."""


@contextmanager
def map_parse_errors() -> Iterator[None]:
    """Convert ValueError, KeyError and IndexError to InvalidCustomIdError."""
    try:
        yield
    except (ValueError, LookupError) as error:
        raise InvalidCustomIdError(str(error)) from error


def parse_number(text: str, most: int = MAX_NUMBER) -> int:
    """Parse a number from 0 to `most`. Raises InvalidCustomIdError for any other text."""
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_NUMBER))) or int(text) > most:
        raise InvalidCustomIdError(f"{text!r} is not a number up to {most}")
    return int(text)


def pack_custom_id(verb: str, *fields: str | int, marker: str | None = None) -> str:
    """Return the custom id of an action. If it is longer than Discord permits, messages leave its button out; see `fits`."""
    texts = [str(field) for field in fields]
    assert not any(":" in text for text in (verb, *texts[:-1])), "only the last field may contain a colon"
    return (marker or PREFIX) + ":".join((verb, *texts))


def fits(custom_id: str) -> bool:
    """Return whether Discord accepts a custom id of this length."""
    return len(custom_id) <= discord_text.CUSTOM_ID


def find_marker(custom_id: str) -> str | None:
    """Return the delivery marker in a custom id, or None if there is no marker."""
    marker = _MARKER_PREFIX.match(custom_id)
    return None if marker is None else marker.group()


def unpack_custom_id(custom_id: str) -> Action:
    """Parse a custom id. If it is foreign or unreadable, the action has no handler."""
    if _UNSENDABLE.search(custom_id):
        return Action("")
    marker = _MARKER_PREFIX.match(custom_id)
    body = custom_id[marker.end() :] if marker else custom_id.removeprefix(PREFIX)
    verb, _, payload = body.partition(":")
    return Action(verb, payload)
