"""Starts the bot for the first time in many servers: when all are stored, the rows after ten seconds, CPU time and peak memory.

`python -m bench.hostile.servers [SERVERS]`
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

import psutil

from storage import tables
from tests.fake_discord import model, process
from tests.support import fault_harness

SERVERS = 2_000
MAX_SECONDS = 240.0


async def main() -> None:
    """Print when all servers are stored."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else SERVERS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = f"sqlite+aiosqlite:///{folder / 'paperround.db'}"
        async with (
            process.FakeDiscord() as fake,
            fault_harness.open_fault_harness(fake, url, folder) as harness,
        ):
            ids = [process.GUILD_ID + 10_000 * number for number in range(count)]
            await fake.run_action("populate", {"guilds": [{"id": id_, "name": "Lab"} for id_ in ids]})
            channels = [{"id": id_ + 1, "type": model.TEXT, "guild_id": id_} for id_ in ids]
            await fake.run_action("populate", {"channels": channels})
            bot = harness.start_bot()
            await fake.wait_until_connected()
            started, after_ten, stored = time.monotonic(), None, 0
            while stored < count and (seconds := time.monotonic() - started) < MAX_SECONDS:
                await asyncio.sleep(0.5)
                stored = await harness.count_rows(tables.guilds)
                if after_ten is None and seconds >= 10:
                    after_ten = stored
            seen = psutil.Process(bot.pid)
            times, memory = seen.cpu_times(), seen.memory_info().rss / 1e6
            print(
                f"{stored} of {count} servers stored {time.monotonic() - started:.1f} s after the connection"
                f" ({after_ten or stored} after 10 s), {times.user + times.system:.1f} CPU s, {memory:.0f} MB"
            )


if __name__ == "__main__":
    asyncio.run(main())
