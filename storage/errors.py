"""Errors that a person can act on, and functions that make text safe for a terminal or a log.

Messages often quote URLs from the settings, so every error redacts passwords. Titles, web pages and Discord
names may contain terminal escape sequences or change the text direction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

ErrorTypes = tuple[type[Exception], ...]


@contextmanager
def collected(failures: list[Exception], *, reraise: ErrorTypes = ()) -> Iterator[list[Exception]]:
    """Append an exception raised in the block to `failures`, and yield it. Those of the `reraise` types are raised."""
    try:
        yield failures
    except reraise:
        raise
    except Exception as error:  # noqa: BLE001 - the caller logs it, raises it later or tries another way
        failures.append(error)


HIDDEN = "***"
"""Replaces passwords and tokens in URLs."""
_SECRETS = re.compile(
    # A password up to the last @ of a word (but not a port), with one space at most, or a user name alone,
    # which must be a key.
    r"(?P<name>(?<!http)(?<!https)://[^\s/?#:@\[]{0,100}:|://[^\s/?#:@\[]{0,100}:(?![0-9]{1,5}(?:[/?#\s]|$)))"
    r"(?:\S{0,300}(?=@)|[^\s@]{1,300} [^\s@]{1,100}(?=@))"
    r"|(?P<scheme>https?://)[^\s/?#:@]+(?=@)"
    # Parameters with names such as `feed_token`, `X-Amz-Signature` and `accessKey`, and with letters as %74.
    r"|(?P<parameter>[?&;#][\w.-]{0,40}?(?:%[4-7][\w.%-]{1,60}|pass(?:word|wd|phrase)?|pwd|token|bearer|key|secret|auth|signature|credential|session|jwt|access|private|\bsig|\bsid|\bcode|\bhash)=)[^&#\s\"']+"
    # Short names, whose values are mostly numbers and words, and parts of a path that are named, as of hooks and calendars.
    r"|(?P<short>[?&;]pw?=)(?=[^&#\s\"']{0,60}[0-9])(?=[^&#\s\"']{0,60}[A-Za-z])[^&#\s\"']{8,}"
    r"|(?P<path>https?://[^\s?#]{1,200}?/(?:(?:private|secret|token|key|hook)/|private-|services/T\w{5,15}/B\w{5,15}/|bot(?=[0-9]{5,12}:)))"
    r"(?=[^\s/?#]{0,60}[0-9])(?=[^\s/?#]{0,60}[A-Za-z])[^\s/?#\"']{8,}"
    r"|(?P<webhook>/webhooks/[0-9]{1,20}/)[\w.~-]+"
    # Headers, fields of JSON, and libpq's words. What has no digit is a sentence behind a name.
    r"|(?P<field>\b(?:password=|(?:authorization|[\w-]{0,40}(?:password|token|secret|api[-_]?key))[\"']?[:=]\s?[\"']?"
    r"(?:(?:bot|bearer|basic) )?(?=[^\s\"',;&]{0,60}[0-9])))[^\s\"',;&]{8,}",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """Replace the passwords and tokens in a text's URLs with `***`."""
    return _SECRETS.sub(lambda match: f"{match[match.lastgroup or 0]}{HIDDEN}", text)


def name_proxy(setting: str, address: str) -> str:
    """Return what a sentence calls a proxy: its address without user and password, and the setting that has it."""
    parts = urlsplit(address)
    return f"the proxy {parts.scheme}://{parts.netloc.rpartition('@')[2]} of {setting}"


CONTROLS = re.compile(
    # C0 except tab and line feed, DEL, C1, and characters that end a line or change its direction.
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)
_SURROGATES = re.compile("[\ud800-\udfff]")


def make_printable(text: str) -> str:
    r"""Escape control characters, bidirectional formatting characters and lone surrogates: ESC becomes `\x1b`."""
    if not (text.isascii() and text.isprintable()):
        for pattern in (CONTROLS, _SURROGATES):
            text = pattern.sub(lambda match: ascii(match[0])[1:-1], text)
    return text


def escape_in_json(line: str) -> str:
    """Escape the control characters and lone surrogates in the strings of a line of JSON."""
    for pattern in (CONTROLS, _SURROGATES):
        line = pattern.sub(lambda match: f"\\u{ord(match[0]):04x}", line)
    return line


class PaperroundError(Exception):
    """Base class of our errors. The message says what happened and what to do. `exit_status` is used by commands."""

    exit_status = 1

    def __init__(self, message: str = "") -> None:
        super().__init__(redact(message))


class UsageError(PaperroundError):
    """Raised for an invalid option, setting or argument, or for a request that is refused.

    On Discord, the text `key` with `arguments` (not escaped) says so in the reader's language; "" if nothing there raises it.
    """

    exit_status = 2

    def __init__(self, message: str, key: str = "", **arguments: str | int) -> None:
        super().__init__(message)
        self.key = key
        self.arguments = arguments


class NotADigestError(PaperroundError):
    """Raised for a file or text that is not a digest. The message names its line, if it has one, but not the file."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason if line is None else f"line {line}: {reason}")
        self.reason = redact(reason)
        self.line = line


class StorageError(PaperroundError):
    """Raised if the database cannot be used."""


class DatabaseUrlError(StorageError):
    """Raised for a wrong PAPERROUND_DATABASE_URL: the same program would fail again."""

    exit_status = 2


class DatabaseUnavailableError(StorageError):
    """The database is unreachable, locked, read-only or full, or ended the session. A retry may succeed."""


class ConflictError(DatabaseUnavailableError):
    """Another transaction ended this one, of which nothing is stored: a deadlock or a serialization failure."""


class DatabaseAwayError(DatabaseUnavailableError):
    """The database was stopped, cannot be reached or ended the session, as a new sender lets it do."""


class SupersededError(DatabaseAwayError):
    """Raised if this process is not the sender and so must not write the sender's data."""


def is_away(error: BaseException | None) -> bool:
    """Return whether an error was caused by a stopped database or a takeover, which is no fault of the bot."""
    while error is not None and not isinstance(error, DatabaseAwayError):
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return error is not None


class OtherVersionError(StorageError):
    """Raised if a database has, or is getting, the schema of another version of Paperround."""


class NewerVersionError(OtherVersionError):
    """Raised if a newer version of Paperround made the schema: the same program would fail again."""

    exit_status = 2


class DuplicateError(UsageError):
    """Raised if an identical row exists."""

    exit_status = 1
