"""Maintenance of the index and the glossary: finds the pending task and runs it in this process."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from enum import Enum
from typing import assert_never

from bot.clock import Clock
from bot.services.indexing import document_tokens, glossary_service, rebuild
from storage.database import Database


class MaintenanceTask(Enum):
    """The kinds of maintenance tasks."""

    INDEX = "index"
    GAPS = "gaps"
    GLOSSARY = "glossary"
    RESTART = "restart"
    """Another version was installed while this process ran, and built the index; only a restart helps."""


async def find_pending(
    database: Database, clock: Clock, *, was_current: bool = False
) -> tuple[MaintenanceTask, int, str] | None:
    """Return the next pending task, its number of papers, and the reason for the log; None if no task is pending.

    `was_current`: this process has seen an index of its own version. It then asks for a restart instead of a rebuild,
    since two running versions would rebuild the index in turns for ever.
    """
    status = await rebuild.get_index_status(database)
    paper_count = status.papers + status.missing
    if status.is_outdated and was_current:
        return MaintenanceTask.RESTART, paper_count, describe(status)
    if status.needs_rebuild:
        return MaintenanceTask.INDEX, paper_count, describe(status)
    if status.missing:
        return MaintenanceTask.GAPS, status.missing, describe(status)
    if await glossary_service.GlossaryService(database, clock).is_stale():
        return MaintenanceTask.GLOSSARY, paper_count, "the archive has grown"
    return None


def describe(status: rebuild.IndexStatus) -> str:
    """Return what is wrong with the index as a clause, "" if nothing is."""
    if status.is_outdated:
        made_by = f"version {status.version}" if status.version else "an unknown version"
        return f"made by {made_by}, and look-ups ask for what version {document_tokens.VERSION} makes"
    if status.progress is not None and status.progress.in_place:
        return "made anew, and the former one is not quite cleared away"
    if status.progress is not None:
        return f"being made anew, {status.progress.papers} papers done"
    return f"without {status.missing} of the papers" if status.missing else ""


async def run_task(database: Database, clock: Clock, task: MaintenanceTask) -> AsyncGenerator[int, None]:
    """Run a task, yielding the number of papers processed. It may be stopped at any point and run again."""
    match task:
        case MaintenanceTask.INDEX:
            async for done in rebuild.rebuild_index(database):
                yield done
            # Another version may extract other mentions.
            await glossary_service.GlossaryService(database, clock).rebuild()
        case MaintenanceTask.GAPS:
            async for done in rebuild.fill_gaps(database):
                yield done
        case MaintenanceTask.GLOSSARY:
            read = [0]
            await glossary_service.GlossaryService(database, clock).rebuild(read.append)
            yield read[-1]
        case MaintenanceTask.RESTART:
            raise ValueError("A restart is up to the operator.")
        case _:
            assert_never(task)
