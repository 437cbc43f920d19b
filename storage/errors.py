"""All errors that a person can act on, and text made safe for a terminal or a log.

Drivers' errors are translated into those of storage. Messages often quote an address of the settings, so a password in it is
hidden here, for every error. Titles of digests, pages of servers and names in Discord may hold a terminal's escape sequences or
change the direction of text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

ErrorTypes = tuple[type[Exception], ...]


@contextmanager
def collected(failures: list[Exception], *, reraise: ErrorTypes = ()) -> Iterator[None]:
    """Append an error of the block to `failures` instead of raising it; errors of the `reraise` types pass through."""
    try:
        yield
    except reraise:
        raise
    except Exception as error:  # noqa: BLE001 - the caller logs it, raises it later or tries another way
        failures.append(error)


_CREDENTIALS = re.compile(
    # A name and a password. What follows the colon may be a port; anything else is a password, which ends at the last @,
    # since it may hold an @ or a slash that should have been percent-encoded.
    r"://(?:(?P<name>[^\s/?#:@\[]*):(?![0-9]{1,5}(?:[/?#\s\"',)]|$))\S*@|(?<=http://)[^\s/?#:@]+@|(?<=https://)[^\s/?#:@]+@)"
    # The same without a scheme, as in a list of hosts.
    r"|(?<![^\s\"'(,=])(?P<bare>[^\s/?#:@\"'(,=]+):(?!//)\S*@",
    re.IGNORECASE,
)
_SECRET_PARAMETER = re.compile(
    # The name's end tells: `feed_token`, `X-Amz-Signature`, `accessKey`. `k` alone is a key too.
    r"(?P<name>[?&;#](?:[\w.-]{0,40}?(?:password|passwd|pass|pwd?|token|key|secret|auth|signature|\bsig|jwt|session(?:_?id)?)|k)="
    # A password of libpq's `host=… password='…'` or of the environment.
    r"|\b(?:pg)?(?:password|passwd)\s?=\s?)"
    # A quotation mark of the text around it ends it, one behind a backslash does not.
    r"(?:'(?:[^'\"\\]|\\.)*'?|(?:[^&#\s\"'\\]|\\\S)+)",
    re.IGNORECASE,
)
_WEBHOOK = re.compile(r"(?P<id>/(?:webhooks|interactions)/[0-9]{1,20}/)[A-Za-z0-9_.~-]+")
_AUTHORIZATION = re.compile(r"\b(?P<scheme>Bot|Bearer|Basic) [A-Za-z0-9._~+/=-]{20,}", re.IGNORECASE)
"""Of a request's header, which errors of HTTP clients print with all others."""
_SPACES = re.compile(r"(\s+)")
HIDDEN = "***"
"""Stands for a password or a token in an address that is shown."""


def redact(text: str) -> str:
    """Return a text with passwords and tokens replaced by `***`: of addresses, webhooks included, and of headers."""
    if "@" in text:
        text = "".join(map(_redact_word, _SPACES.split(text)))
    if "authorization" in text.lower():
        text = _AUTHORIZATION.sub(rf"\g<scheme> {HIDDEN}", text)
    if "/webhooks/" in text or "/interactions/" in text:
        text = _WEBHOOK.sub(rf"\g<id>{HIDDEN}", text)
    return _SECRET_PARAMETER.sub(rf"\g<name>{HIDDEN}", text) if "=" in text else text


def _redact_word(word: str) -> str:
    # Up to the last @ only: the search for it from each colon of a long word would take quadratic time.
    head, at, rest = word.rpartition("@")
    return _CREDENTIALS.sub(_hide_credentials, head + at) + rest


def _hide_credentials(match: re.Match[str]) -> str:
    if match["bare"] is not None:
        return f"{match['bare']}:{HIDDEN}@"
    name = match["name"]
    return f"://{HIDDEN if name is None else f'{name}:{HIDDEN}'}@"


CONTROLS = re.compile(
    # C0 except tab and line feed, DEL, C1, and the characters that change a line's end or direction.
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)
_SURROGATES = re.compile("[\ud800-\udfff]")


def make_printable(text: str) -> str:
    """Return a text with control and direction characters and lone surrogates as escapes (`\\x1b`), passwords hidden."""
    if not (text.isascii() and text.isprintable()):
        for pattern in (CONTROLS, _SURROGATES):
            text = pattern.sub(lambda match: ascii(match[0])[1:-1], text)
    return redact(text)


def escape_in_json(line: str) -> str:
    """Return a line of JSON with what `CONTROLS` names and lone surrogates escaped; both can only be within its strings."""
    for pattern in (CONTROLS, _SURROGATES):
        line = pattern.sub(lambda match: f"\\u{ord(match[0]):04x}", line)
    return line


class PaperroundError(Exception):
    """Base of all our errors; the message says what happened and what to do. `exit_status` is the command line's."""

    exit_status = 1

    def __init__(self, message: str = "") -> None:
        super().__init__(redact(message))


class UsageError(PaperroundError):
    """An option, a setting or an argument that cannot be used as given.

    `reason` is a word for it, from which the client makes a text in the reader's language with the `arguments`.
    """

    exit_status = 2

    def __init__(self, message: str, reason: str = "", **arguments: str | int) -> None:
        super().__init__(message)
        self.reason = reason
        self.arguments = arguments


class TooManyPartsError(PaperroundError):
    """A JSON text that would take too much memory as objects."""


class NotADigestError(PaperroundError):
    """A file or text that is not a digest. The message gives the reason without the file's name."""


class StorageError(PaperroundError):
    """The database cannot be used as it is."""


class DatabaseBusyError(StorageError):
    """Another process holds the SQLite file, or it cannot be written."""


class DatabaseUnavailableError(StorageError):
    """PostgreSQL is unavailable, has ended the session, is read-only or refuses the login; a SQLite file is gone.

    Trying again later may succeed.
    """


class SupersededError(DatabaseUnavailableError):
    """This process is not the sender, or no longer is, and may not write what the sender writes."""


class InUseError(DatabaseBusyError):
    """A reader still uses what is to be replaced; retrying soon may succeed."""


class DuplicateError(StorageError):
    """An identical row exists already."""
