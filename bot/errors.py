"""The errors of the application; their root is `storage.errors.PaperroundError`."""

from storage.errors import PaperroundError as PaperroundError


class UsageError(PaperroundError):
    """An option, a setting or an argument that cannot be used as given."""

    exit_status = 2


class NotADigestError(PaperroundError):
    """A file or text that is no digest. The message gives the reason without the file's name."""
