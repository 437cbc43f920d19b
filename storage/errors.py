"""The root of all errors that a person can act on, and the errors of storage. Drivers' errors are translated into these.

Messages often quote an address of the settings, so a password in it is hidden here, for every error.
"""

from __future__ import annotations

import re

_CREDENTIALS = re.compile(
    # A name and a password. What follows the colon may be a port; anything else is a password, which ends at the last @,
    # since it may hold an @ or a slash that should have been percent-encoded.
    r"://(?:(?P<name>[^\s/?#:@\[]*):(?![0-9]{1,5}(?:[/?#\s\"',)]|$))\S*@|(?<=http://)[^\s/?#:@]+@|(?<=https://)[^\s/?#:@]+@)"
    # The same without a scheme, as in a list of hosts.
    r"|(?<![^\s\"'(,=])(?P<bare>[^\s/?#:@\"'(,=]+):(?!//)\S*@",
    re.IGNORECASE,
)
_SECRET_PARAMETER = re.compile(
    r"(?P<name>[?&](?:password|passwd|pwd|token|access_token|api_?key|secret|auth)=)[^&#\s\"']+",
    re.IGNORECASE,
)
_WEBHOOK = re.compile(r"(?P<id>/webhooks/[0-9]{1,19}/)[A-Za-z0-9_-]+")
_SPACES = re.compile(r"(\s+)")
HIDDEN = "***"
"""Stands for a password or a token in an address that is shown."""


def redact(text: str) -> str:
    """Return a text with the passwords and tokens of the addresses in it, webhooks included, replaced by `***`."""
    if "@" in text:
        text = "".join(map(_redact_word, _SPACES.split(text)))
    if "/webhooks/" in text:
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


class PaperroundError(Exception):
    """Base of all our errors; the message says what happened and what to do. `exit_status` is the command line's."""

    exit_status = 1

    def __init__(self, message: str = "") -> None:
        super().__init__(redact(message))


class StorageError(PaperroundError):
    """The database cannot be used as it is."""


class NewerDatabaseError(StorageError):
    """The database was written by a later version of Paperround."""


class DatabaseBusyError(StorageError):
    """Another process holds the SQLite file, or it cannot be written."""


class DatabaseUnavailableError(StorageError):
    """PostgreSQL is away, has ended the session, or cannot be written or entered. Trying again later may succeed."""


class SupersededError(DatabaseUnavailableError):
    """This process is not the sender, or not any more, and may not write what the sender writes."""


class InUseError(DatabaseBusyError):
    """A reader still uses what is to be replaced; retrying soon may succeed."""


class DuplicateError(StorageError):
    """An identical row exists already."""
