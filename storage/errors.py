"""The root of all errors that a person can act on, and the errors of storage. Drivers' errors are translated into these."""


class PaperroundError(Exception):
    """Base of all our errors; the message says what happened and what to do. `exit_status` is the command line's."""

    exit_status = 1


class StorageError(PaperroundError):
    """The database cannot be used as it is."""


class NewerDatabaseError(StorageError):
    """The database was written by a later version of Paperround."""


class DatabaseBusyError(StorageError):
    """Another process holds the database, or it is read-only."""


class InUseError(DatabaseBusyError):
    """A reader still uses what is to be replaced; retrying soon may succeed."""


class DuplicateError(StorageError):
    """An identical row exists already."""
