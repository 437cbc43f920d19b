"""Keeps the index and the glossary as they should be: finds out what is due and does it. Starts no process itself."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from enum import Enum

from bot.clock import Clock
from bot.services.search import document_tokens, glossary_service, rebuild
from storage.database import Database


class MaintenanceTask(Enum):
    """What may be due."""

    INDEX = "index"
    GAPS = "gaps"
    GLOSSARY = "glossary"
    RESTART = "restart"
    """Nothing that can be done here: while this process ran another version was installed, and made the index."""


@dataclass(frozen=True, slots=True)
class PendingTask:
    """Something to be done, for so many papers, and why, in words for the log."""

    task: MaintenanceTask
    papers: int
    reason: str


async def find_pending(database: Database, clock: Clock, *, was_current: bool = False) -> PendingTask | None:
    """Return what is to be done next; None when all is well. `was_ours`: this process has seen an index of its version.

    Two versions that both made the index theirs would never come to an end.
    """
    condition = await rebuild.get_index_status(database)
    papers = condition.papers + condition.missing
    if condition.is_outdated and was_current:
        return PendingTask(MaintenanceTask.RESTART, papers, describe(condition))
    if condition.needs_rebuild:
        return PendingTask(MaintenanceTask.INDEX, papers, describe(condition))
    if condition.missing:
        return PendingTask(MaintenanceTask.GAPS, condition.missing, describe(condition))
    if await glossary_service.GlossaryService(database, clock).is_stale():
        return PendingTask(MaintenanceTask.GLOSSARY, papers, "the archive has grown")
    return None


def describe(condition: rebuild.IndexStatus) -> str:
    """Return what an index is that is not as it should be, in words; "" when it is well."""
    if condition.is_outdated:
        made_by = f"version {condition.version}" if condition.version else "an unknown version"
        return f"made by {made_by}, and look-ups ask for what version {document_tokens.VERSION} makes"
    if condition.progress is not None and condition.progress.in_place:
        return "made anew, and the former one is not quite cleared away"
    if condition.progress is not None:
        return f"being made anew, {condition.progress.papers} papers done"
    return f"without {condition.missing} of the papers" if condition.missing else ""


async def run_task(database: Database, clock: Clock, task: MaintenanceTask) -> AsyncGenerator[int, None]:
    """Do it, and yield from time to time how many papers are done. May be stopped at any point and done again."""
    if task is MaintenanceTask.GLOSSARY:
        read: list[int] = [0]
        await glossary_service.GlossaryService(database, clock).rebuild(read.append)
        yield read[-1]
        return
    steps = rebuild.rebuild_index(database) if task is MaintenanceTask.INDEX else rebuild.fill_gaps(database)
    async for done in steps:
        yield done
    if task is MaintenanceTask.INDEX:
        # Another version may count other mentions than the one before.
        await glossary_service.GlossaryService(database, clock).rebuild()
