"""Run a command that is killed at a place of its run: `python -m tests.support.dying FILE PLACE ARGUMENTS…`.

Its places are just before and after each commit and each request to Discord. PLACE is a name, such as `after POST`, or a
number from 1 on. There the process gets SIGKILL. FILE is given a line with the name of each place that was reached.
"""

import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from bot import cli
from bot.client.rest import RestClient
from storage.database import Connection, Database


def die_at(wanted: str, file: Path) -> None:
    """Kill this process at the place with a name or number."""
    reached = 0
    transaction, exchange = Database.transaction, RestClient._exchange

    def reach(place: str) -> None:
        nonlocal reached
        reached += 1
        with file.open("a") as lines:
            lines.write(f"{place}\n")
        if wanted in (place, str(reached)):
            os.kill(os.getpid(), signal.SIGKILL)

    @contextlib.asynccontextmanager
    async def dying_transaction(self: Database) -> AsyncIterator[Connection]:
        async with transaction(self) as connection:
            yield connection
            reach("before a commit")
        reach("after a commit")

    async def dying_exchange(self: RestClient, method: str, *arguments: Any) -> Any:
        reach(f"before {method}")
        answer = await exchange(self, method, *arguments)
        reach(f"after {method}")
        return answer

    Database.transaction = dying_transaction  # type: ignore[method-assign]
    RestClient._exchange = dying_exchange  # type: ignore[assignment, method-assign]


if __name__ == "__main__":
    file, wanted, *arguments = sys.argv[1:]
    die_at(wanted, Path(file))
    sys.argv = ["paperround", *arguments]
    cli.main()
