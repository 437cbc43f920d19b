"""The watch over a process, with a hundredth of a second between its turns."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.app import supervision
from bot.features.operations.liveness import Liveness
from tests.support import patience


@dataclass(frozen=True)
class Watch:
    """A watch that runs as a task, and what it told systemd."""

    task: asyncio.Task[None]
    told: list[str]

    async def turn(self, times: int = 4) -> None:
        """Wait until it has gone around so often."""
        begun = len(self.told)
        await patience.wait_until(lambda: self.task.done() or len(self.told) > begun + times)


@asynccontextmanager
async def watching(
    liveness: Liveness, *, is_sending: Callable[[], bool] = lambda: False, file: Path | None = None
) -> AsyncIterator[Watch]:
    """Watch over the signs of life of a process until the end of the block, which begins after the first turn."""
    told = list[str]()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(supervision, "EVERY_SECONDS", 0.01)
        patched.setattr(supervision, "notify", told.append)
        task = asyncio.create_task(supervision.Supervision(file=file).watch(liveness, is_sending))
        try:
            watch = Watch(task, told)
            await watch.turn(0)
            yield watch
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
