"""The errors that a person can act on, and functions that make text safe for a terminal or a log.

Drivers' errors are translated into those of storage. Messages often quote an address of the settings, so a password in it
is hidden here, for every error. Titles of digests, pages of servers and names in Discord may hold a terminal's escape
sequences or change the direction of text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

ErrorTypes = tuple[type[Exception], ...]


@contextmanager
def collected(failures: list[Exception], *, reraise: ErrorTypes = ()) -> Iterator[None]:
    """Append an exception of the block to `failures` instead of raising it; `reraise` types pass through."""
    try:
        yield
    except reraise:
        raise
    except Exception as error:  # noqa: BLE001 - the caller logs it, raises it later or tries another way
        failures.append(error)


HIDDEN = "***"
"""Replaces a password or a token in an address that is shown."""
_SECRETS = re.compile(
    # A password up to the last @ of a word, or a name alone, which is a key then. What follows the colon may be a port.
    r"(?P<name>://[^\s/?#:@\[]{0,100}:)(?![0-9]{1,5}(?:[/?#\s]|$))\S{0,300}(?=@)|(?P<scheme>https?://)[^\s/?#:@]+(?=@)"
    # The name's end tells: `feed_token`, `X-Amz-Signature`, `accessKey`.
    r"|(?P<parameter>[?&;#][\w.-]{0,40}?(?:password|token|key|secret|auth|signature|\bsig)=)[^&#\s\"']+"
    r"|(?P<webhook>/webhooks/[0-9]{1,20}/)[\w.~-]+",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """Return a text with the passwords and tokens of the addresses in it replaced by `***`."""
    return _SECRETS.sub(lambda match: f"{match[match.lastgroup or 0]}{HIDDEN}", text)


CONTROLS = re.compile(
    # C0 except tab and line feed, DEL, C1, and the characters that change a line's end or direction.
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)
_SURROGATES = re.compile("[\ud800-\udfff]")


def make_printable(text: str) -> str:
    """Return a text with control and direction characters and lone surrogates as escapes (`\\x1b`)."""
    if not (text.isascii() and text.isprintable()):
        for pattern in (CONTROLS, _SURROGATES):
            text = pattern.sub(lambda match: ascii(match[0])[1:-1], text)
    return text


def escape_in_json(line: str) -> str:
    """Return a line of JSON with control characters (`CONTROLS`) and lone surrogates escaped; both occur only in strings."""
    for pattern in (CONTROLS, _SURROGATES):
        line = pattern.sub(lambda match: f"\\u{ord(match[0]):04x}", line)
    return line


class PaperroundError(Exception):
    """Base of our errors; the message says what happened and what to do. `exit_status` is for the command line."""

    exit_status = 1

    def __init__(self, message: str = "") -> None:
        super().__init__(redact(message))


class UsageError(PaperroundError):
    """An invalid option, setting or argument.

    From `reason` and `arguments` the client makes a text in the reader's language.
    """

    exit_status = 2

    def __init__(self, message: str, reason: str = "", **arguments: str | int) -> None:
        super().__init__(message)
        self.reason = reason
        self.arguments = arguments


class NotADigestError(PaperroundError):
    """A file or text that is not a digest. The message gives the reason without the file's name."""


class StorageError(PaperroundError):
    """The database cannot be used."""


class DatabaseUnavailableError(StorageError):
    """PostgreSQL is unavailable, has ended the session, is read-only or refuses the login; a SQLite file is gone or in use.

    A retry may succeed.
    """


class SupersededError(DatabaseUnavailableError):
    """This process is not, or no longer, the sender and may not write the sender's data."""


class DuplicateError(StorageError):
    """An identical row exists."""
