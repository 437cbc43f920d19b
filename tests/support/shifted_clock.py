"""Runs `paperround run` with a clock that is ahead: `python -m tests.support.shifted_clock SECONDS`."""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime, timedelta

from bot import logs, settings
from bot.app import container, runtime
from bot.clock import system_clock


async def main(clock_offset: timedelta) -> None:
    """Run the bot until it receives a signal to stop."""

    def clock() -> datetime:
        return system_clock() + clock_offset

    async with container.open_container(settings.load(), clock=clock, migrating=True) as bot_container:
        await runtime.run(bot_container)


if __name__ == "__main__":
    logs.configure("console:info")
    asyncio.run(main(timedelta(seconds=float(sys.argv[1]))))
