"""Sort the items of a text or feed into those that are kept and those that are left out, each with its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from bot.archive import fields
from storage import errors
from storage.models import Account, Digest, LeftOut, Omission, add_up

_MAX_EXAMPLE_LENGTH = 80
Item = TypeVar("Item")
Kept = TypeVar("Kept")


def leave_out(reason: Omission, example: str | None = None, number: int = 1) -> LeftOut:
    """Return one or more items that are left out, with a text that names one of them."""
    shown = fields.clean_line(
        errors.redact(example[: 4 * _MAX_EXAMPLE_LENGTH]) if example else None, _MAX_EXAMPLE_LENGTH
    )
    return LeftOut(reason, number, (shown,) if shown else ())


def sort_out(
    items: Iterable[Item], judge: Callable[[Item], Kept | LeftOut]
) -> tuple[list[Kept], tuple[LeftOut, ...]]:
    """Return what `judge` keeps of the items, in order, and the counts of the others.

    A judge has no third answer: an item is kept, or left out for a reason.
    """
    return split(map(judge, items))


def split(items: Iterable[Kept | LeftOut]) -> tuple[list[Kept], tuple[LeftOut, ...]]:
    """Return the items that are kept, in order, and the counts of the others."""
    kept, left_out = list[Kept](), list[LeftOut]()
    for judged in items:
        if isinstance(judged, LeftOut):
            left_out.append(judged)
        else:
            kept.append(judged)
    return kept, add_up(left_out)


def count_beyond(number: int) -> tuple[LeftOut, ...]:
    """Return what a text with this number of papers has beyond the limit of a text."""
    beyond = number - fields.MAX_PAPERS
    return (leave_out(Omission.TOO_MANY, number=beyond),) if beyond > 0 else ()


def describe(rows: Iterable[LeftOut]) -> str:
    """Return counts with their reasons and examples for operators: 2 no arXiv ID (My holidays; My garden), 1 too many."""
    named = ((row, f" ({'; '.join(row.examples)})" if row.examples else "") for row in rows)
    return ", ".join(f"{row.number:,} {row.reason.words}{examples}" for row, examples in named)


def account_of(digests: Iterable[Digest]) -> Account:
    """Return the account of a text with these digests, whose papers count as stored."""
    digests = list(digests)
    lines = (
        leave_out(problem.reason, f"line {problem.line}")
        for digest in digests
        for problem in digest.problems
        if problem.reason
    )
    return Account(
        sum(len(digest.entries) for digest in digests),
        left_out=add_up([*(row for digest in digests for row in digest.left_out), *lines]),
        remarks=add_up(row for digest in digests for row in digest.remarks),
    )
