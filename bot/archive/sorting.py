"""Sort the items of a text or feed into those that are kept and those that are skipped, each for a reason.

One item that fails costs itself alone: `attempt` reads it, here and in each loop over items that read foreign text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import structlog

from bot.archive import fields
from storage import errors
from storage.models import Digest, ReadingReport, Skipped, SkipReason, add_up

log = structlog.get_logger(__name__)
_MAX_EXAMPLE_LENGTH = 80
Item = TypeVar("Item")
Kept = TypeVar("Kept")


def skip(reason: SkipReason, example: str | None = None, number: int = 1) -> Skipped:
    """Return the count of skipped items, with a text that names one of them."""
    shown = fields.clean_line(
        errors.redact(example[: 4 * _MAX_EXAMPLE_LENGTH]) if example else None, _MAX_EXAMPLE_LENGTH
    )
    return Skipped(reason, number, (shown,) if shown else ())


def attempt(read: Callable[..., Kept], item: object, *others: Any) -> Kept | Skipped:
    """Return what `read` makes of an item. One whose reading fails because of a bug is logged, and skipped as not read.

    A reader's own errors (PaperroundError) are raised, and so is MemoryError, which a limited process tells its parent.
    """
    try:
        return read(item, *others)
    except (errors.PaperroundError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - the others are read
        return skip_failed(item, error)


def skip_failed(item: object, error: Exception) -> Skipped:
    """Return the count of an item whose reading failed because of a bug, and log the error. An item that is a number is a row."""
    title = item.get("title") if isinstance(item, Mapping) else getattr(item, "title", None)
    name = f"line {item + 1}" if isinstance(item, int) else str(title or "it")[: _MAX_EXAMPLE_LENGTH // 2]
    log.error("item not read because of a bug", exc_info=error)
    return skip(SkipReason.NOT_READ, f"{name} {fields.describe_bug(error)}")


def sort_out(
    items: Iterable[Item], judge: Callable[[Item], Kept | Skipped]
) -> tuple[list[Kept], tuple[Skipped, ...]]:
    """Return what `judge` keeps of the items, in order, and the counts of the others.

    A judge has no third answer: an item is kept, or skipped for a reason.
    """
    return split(attempt(judge, item) for item in items)


def split(items: Iterable[Kept | Skipped]) -> tuple[list[Kept], tuple[Skipped, ...]]:
    """Return the items that are kept, in order, and the counts of the others."""
    kept, skipped = list[Kept](), list[Skipped]()
    for judged in items:
        if isinstance(judged, Skipped):
            skipped.append(judged)
        else:
            kept.append(judged)
    return kept, add_up(skipped)


def count_beyond(number: int) -> tuple[Skipped, ...]:
    """Return what a text with this number of papers has beyond the limit of a text."""
    beyond = number - fields.MAX_PAPERS
    return (skip(SkipReason.TOO_MANY, number=beyond),) if beyond > 0 else ()


def describe(rows: Iterable[Skipped]) -> str:
    """Return counts with their reasons and examples for operators: 2 no arXiv ID (My holidays; My garden), 1 too many."""
    named = ((row, f" ({'; '.join(row.examples)})" if row.examples else "") for row in rows)
    return ", ".join(f"{row.number:,} {row.reason.words}{examples}" for row, examples in named)


def report_kept(digests: Iterable[Digest]) -> ReadingReport:
    """Return the report on a text with these digests, whose papers are all kept."""
    digests = list(digests)
    lines = (
        skip(problem.reason, f"line {problem.line}")
        for digest in digests
        for problem in digest.problems
        if problem.reason
    )
    return ReadingReport(
        sum(len(digest.entries) for digest in digests),
        skipped=add_up([*(row for digest in digests for row in digest.skipped), *lines]),
        warnings=add_up(row for digest in digests for row in digest.warnings),
    )
