"""The storage errors that a person can act on. Drivers' own errors are translated into these at the door."""

from __future__ import annotations


class StorageError(Exception):
    """The database cannot be used as it is; the message says why and what to do."""

    exit_status = 1


class NewerDatabaseError(StorageError):
    """The database was written by a later version of Paperround."""


class DatabaseBusyError(StorageError):
    """Another process holds the database, or it may not be written to."""


class InUseError(DatabaseBusyError):
    """Somebody reads what is to be replaced; in a moment nobody may."""


class DuplicateError(StorageError):
    """An identical row stands already."""
