"""The errors of the application; their root is `storage.errors.PaperroundError`."""

from storage.errors import PaperroundError


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
