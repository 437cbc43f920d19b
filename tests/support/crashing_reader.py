"""Reads the inbox, or polls the sources, once; the process dies at a text with the word "poison".

`python -m tests.support.crashing_reader inbox|sources URL FOLDER [HOST]`
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from bot.app import container as app_container
from bot.app import runtime
from bot.app.container import open_container
from bot.archive import ingest, parse
from bot.core import logs
from bot.core.settings import Settings
from storage import locks, models

OPERATOR_CHANNEL = 77
_parse = parse.parse_text


def _parse_or_die(text: str, *arguments: Any, **options: Any) -> tuple[models.Digest, ...]:
    if "poison" in text:
        os.kill(os.getpid(), signal.SIGKILL)
    return _parse(text, *arguments, **options)


async def _run(what: str, url: str, folder: Path, hosts: list[str]) -> None:
    settings = Settings(database_url=url, operator_channel=OPERATOR_CHANNEL, fetch_allow=tuple(hosts))
    async with open_container(settings) as container:
        bot = container.create_bot(shard_count=1)
        lock = locks.SenderLock(container.database)
        assert await lock.try_acquire(), "only the sender writes"
        running = runtime.build_runtime(container, bot, asyncio.Event(), lock)
        if what == "inbox":
            await ingest.InboxWatcher(folder, running.ingest_files).scan()
            return
        async with app_container.open_poller(container, container.create_ingest()) as poller:
            await poller.fetch_due()


if __name__ == "__main__":
    logs.configure("console:error")
    parse.parse_text = _parse_or_die
    asyncio.run(_run(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4:]))
