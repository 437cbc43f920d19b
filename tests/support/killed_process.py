"""Simulate the end of a process around a commit."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from unittest import mock

from storage.database import Connection, Database


class _Killed(BaseException):
    """Ends the process, since no code handles it."""


@contextlib.contextmanager
def killed_at(database: Database, number: int, *, is_stored: bool) -> Iterator[None]:
    """End the block at its `number`-th transaction, just before the commit or (`is_stored`) after it."""
    transaction, count_left = database.transaction, number

    @contextlib.asynccontextmanager
    async def killed() -> AsyncIterator[Connection]:
        nonlocal count_left
        count_left -= 1
        async with transaction() as connection:
            yield connection
            if not count_left and not is_stored:
                raise _Killed
        if not count_left:
            raise _Killed

    with mock.patch.object(database, "transaction", killed), contextlib.suppress(_Killed):
        yield
