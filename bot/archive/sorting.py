"""Sort the items of a text or feed into those that are kept and those that are skipped, each for a reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from bot.archive import fields
from storage import errors
from storage.models import Digest, ReadingReport, Skipped, SkipReason, add_up

_MAX_EXAMPLE_LENGTH = 80
Item = TypeVar("Item")
Kept = TypeVar("Kept")


def skip(reason: SkipReason, example: str | None = None, number: int = 1) -> Skipped:
    """Return the count of skipped items, with a text that names one of them."""
    shown = fields.clean_line(
        errors.redact(example[: 4 * _MAX_EXAMPLE_LENGTH]) if example else None, _MAX_EXAMPLE_LENGTH
    )
    return Skipped(reason, number, (shown,) if shown else ())


def sort_out(
    items: Iterable[Item], judge: Callable[[Item], Kept | Skipped]
) -> tuple[list[Kept], tuple[Skipped, ...]]:
    """Return what `judge` keeps of the items, in order, and the counts of the others.

    A judge has no third answer: an item is kept, or skipped for a reason.
    """
    return split(map(judge, items))


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
