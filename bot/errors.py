"""The errors that a person may get to read. Each message says what happened and what to do about it."""

from __future__ import annotations


class PaperroundError(Exception):
    """Base of all our errors. `exit_status` is what the command line ends with (design contract: 1 or 2)."""

    exit_status = 1


class UsageError(PaperroundError):
    """Wrong usage or settings: an option, a setting or an argument that cannot be used as given."""

    exit_status = 2


class NotADigestError(PaperroundError):
    """A file or text that is no digest. `reason` is the whole sentence, without the file's name."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
