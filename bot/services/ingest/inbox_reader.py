"""Reads the files of the inbox into the ingest, each by itself. A file that made the bot crash twice is set aside."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import structlog

from bot import isolation
from bot.services.ingest import files
from bot.services.ingest.quarantine import Quarantine
from bot.services.ingest.results import IngestResult

log = structlog.get_logger(__name__)


class InboxReader:
    """Ingests files by `add_file`. `on_result` gets each result, `on_set_aside` the name and fingerprint of what is not read."""

    def __init__(
        self,
        add_file: Callable[[str], Awaitable[IngestResult]],
        quarantine: Quarantine,
        *,
        on_result: Callable[[IngestResult], None],
        on_set_aside: Callable[[str, str], Awaitable[None]],
    ) -> None:
        self._add_file = add_file
        self._quarantine = quarantine
        self._on_result = on_result
        self._on_set_aside = on_set_aside

    async def read(self, paths: Sequence[Path]) -> None:
        """Ingest files; those that were being read at a crash come last, each alone.

        Raises the first error after the last file.
        """
        names = [str(path) for path in paths]
        items = await asyncio.to_thread(lambda: {name: files.fingerprint(name) for name in names})
        fresh, suspects, set_aside = await self._quarantine.admit(items)
        for name in set_aside:
            log.error("file set aside: it was being read at two crashes in a row", file=name)
            await self._on_set_aside(name, items[name])
        failures: list[Exception] = []
        for group in (fresh, *([name] for name in suspects)):
            async with self._quarantine.reading({name: items[name] for name in group}):
                for name in group:
                    with isolation.collected(failures):
                        await self._read_file(name)
        if failures:
            raise failures[0]

    async def _read_file(self, name: str) -> None:
        result = await self._add_file(name)
        for problem in result.problems:
            if problem.line is None:
                log.warning("file not ingested", file=name, reason=problem.message)
            else:
                log.warning("line not parsed", file=name, line=problem.line, message=problem.message)
        if result.changed:
            log.info("ingested", file=name, papers=result.papers, new_papers=result.new_papers)
        self._on_result(result)
