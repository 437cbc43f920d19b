"""Restores a backup after posts were sent, as docs/operating.md describes: how many channels get a message twice, and requests.

`python -m bench.hostile.restore [CHANNELS]`; the time for which Discord remembers a nonce is over when the bot starts again.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from bot.daily.service import Subscriptions
from storage import migrate, models
from tests.fake_discord import process
from tests.support import fault_harness

CHANNELS = 6


async def main() -> None:
    """Print how many channels have a message twice, and the searches of histories that this took."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else CHANNELS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = f"sqlite+aiosqlite:///{folder / 'paperround.db'}"
        async with (
            process.FakeDiscord() as fake,
            fault_harness.open_fault_harness(fake, url, folder) as harness,
        ):
            await fake.add_guild()
            channels = await fake.add_channels(count)
            due = harness.now().replace(second=0, microsecond=0) + timedelta(minutes=1)
            service = Subscriptions(harness.db, harness.now)
            for channel_id in channels:
                await service.add(
                    models.Subscription(
                        guild_id=process.GUILD_ID,
                        channel_id=channel_id,
                        at_time=f"{due:%H:%M}",
                        say_when_empty=True,
                        wait_minutes=0,
                    )
                )
            await harness.db.close()
            backup = folder / "backup.db"
            assert harness.start_cli("backup", str(backup)).wait() == 0, harness.read_log()
            await harness.advance_clock(due + timedelta(seconds=5) - harness.now())
            for run in ("first", "restored"):
                if run == "restored":
                    await _restore(folder, backup)
                    await harness.advance_clock(timedelta(minutes=10))
                harness.db = await migrate.open_database(url, migrate=False)
                before = await fake.counts(), len(await fake.log("GET", "/channels/"))

                async def are_sent() -> bool:
                    return await harness.count_states() == {"sent": count}

                bot = harness.start_bot()
                await harness.wait_until(are_sent, 120)
                await harness.db.close()
                bot.terminate()
                bot.wait()
                after = await fake.counts(), len(await fake.log("GET", "/channels/"))
                messages = await fake.all_messages()
                twice = sum(len(messages.get(channel_id, [])) > 1 for channel_id in channels)
                print(
                    f"{run}: {after[0]['messages'] - before[0]['messages']} messages, {twice} of {count} channels twice,"
                    f" {after[0]['requests'] - before[0]['requests']} requests, {after[1] - before[1]} of them searches"
                )


async def _restore(folder: Path, backup: Path) -> None:
    """Replace the database file and delete the -wal and -shm files."""
    for suffix in ("-wal", "-shm"):
        (folder / f"paperround.db{suffix}").unlink(missing_ok=True)
    backup.replace(folder / "paperround.db")
    sqlite3.connect(folder / "paperround.db").close()


if __name__ == "__main__":
    asyncio.run(main())
