"""Ingests a large file of the inbox in a process of its own, so that neither its memory nor its work is the bot's.

The process opens the database itself, as `paperround ingest` does. Its memory is limited: a file that takes more is refused.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.app.container import Container
from bot.archive import files
from bot.archive.digest_writer import IngestResult
from bot.archive.ingest import IngestService
from bot.core import isolation
from bot.core.clock import Clock
from bot.core.settings import Settings
from storage import migrate, models

log = structlog.get_logger(__name__)

MAX_MEGABYTES = 320
"""Limit of the data segment of the process, of which the interpreter and the modules are about 50."""
MAX_CPU_SECONDS = 900.0
"""Limit of the CPU time of the process. A file of 15 MB with 60,000 papers takes about one minute."""
MAX_PROBLEMS = 1_000
"""Problems of one file that are reported; the log has one line for each."""
_SETTINGS = {"database_url", "alert_days", "expire_hours", "locale", "templates"}


async def add_file(container: Container, ingest: IngestService, name: str) -> IngestResult:
    """Store the digests of one file; problems are as in `IngestService.add_files`.

    Raises ChildError if the process failed, and what storing in this process raises.
    """
    if container.database.is_shareable and await asyncio.to_thread(files.is_large, name):
        try:
            return await _add_in_process(container, name)
        except isolation.ChildStartError as error:
            log.warning("a large file is read in this process", file=name, reason=str(error))
    return await ingest.add_file(await asyncio.to_thread(files.read_file, name))


async def _add_in_process(container: Container, name: str) -> IngestResult:
    settings = container.settings.model_dump(mode="json", include=_SETTINGS)
    url = container.database.url.render_as_string(hide_password=False)
    try:
        fields = await isolation.run_isolated(
            _ingest,
            {**settings, "database_url": url},
            container.database.name,
            container.clock(),
            name,
            seconds=MAX_CPU_SECONDS,
            megabytes=MAX_MEGABYTES,
            with_database=True,
        )
    except isolation.ChildLimitError as error:
        return IngestResult(problems=(models.LocatedProblem(name, None, str(error)),))
    fields["arxiv_ids"] = frozenset(fields["arxiv_ids"])
    for part in ("problems", "unrelated"):
        fields[part] = tuple(models.LocatedProblem(**problem) for problem in fields[part])
    return IngestResult(**fields)


async def _ingest(values: dict[str, Any], sessions: str, now: datetime, name: str) -> IngestResult:
    settings = Settings(**values)
    database = await migrate.open_database(settings.database_url, migrate=False, name=sessions)
    try:
        container = Container(settings, database, _clock_from(now))
        result = await container.create_ingest().add_file(files.read_file(name))
    finally:
        await database.close()
    problems = result.problems[:MAX_PROBLEMS]
    if excess := len(result.problems) - len(problems):
        problems += (models.LocatedProblem(problems[0].location, None, f"it has {excess} more problems"),)
    return replace(result, problems=problems)


def _clock_from(now: datetime) -> Clock:
    """Return a clock that goes on from the parent's time, which may differ from the system's."""
    started = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - started)
