"""Decides when what could not be planned is tried again, for the planners of all features."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.core import isolation, schedule
from storage.errors import StorageError

FIRST_DELAY, LONGEST_DELAY = timedelta(minutes=1), timedelta(hours=1)
GIVES_UP_AFTER = schedule.WAIT


@dataclass(slots=True)
class Attempt:
    """What became of an attempt: done, unless it `is_open` (failed, and tried again) or `is_given_up`."""

    is_open: bool = False
    is_given_up: bool = False


@dataclass(frozen=True, slots=True)
class _Failure:
    """Since when an item fails, in which step, and when it is tried again (UTC)."""

    event: str
    since_at: datetime
    next_at: datetime
    delay: timedelta


class Retries:
    """The items that failed, by key: one reader's message, say. An item that fails delays no other.

    It is tried again after a minute, then after twice as long each time, up to an hour. `lasts` after the first failure it
    is given up (None: never). A restart forgets the failures, and tries all again.
    """

    def __init__(self, log: Any, lasts: timedelta | None = GIVES_UP_AFTER) -> None:
        self._log = log
        self._lasts = lasts
        self._failures: dict[Hashable, _Failure] = {}

    def is_due(self, key: Hashable, now: datetime) -> bool:
        """Return whether an item did not fail, or is to be tried again by `now` (UTC)."""
        failure = self._failures.get(key)
        return failure is None or failure.next_at <= now

    @contextmanager
    def attempt(self, event: str, key: Hashable, now: datetime, /, **details: object) -> Iterator[Attempt]:
        """Log an error in the block as `event`, except one of the database, which is raised since it concerns every item.

        An item of several steps has an event for each: one step's success does not make up for another's failure.
        """
        attempt = Attempt()
        with isolation.isolated(self._log, event, reraise=(StorageError,), **details) as failures:
            yield attempt
        if not failures:
            if key in self._failures and self._failures[key].event == event:
                del self._failures[key]
            return
        # Items that nobody tries any more, such as those of a reader who left, are forgotten: one that comes back starts again.
        self._failures = {
            other: failure
            for other, failure in self._failures.items()
            if now - failure.next_at <= 2 * LONGEST_DELAY
        }
        former = self._failures.pop(key, None)
        since_at = now if former is None else former.since_at
        attempt.is_given_up = self._lasts is not None and now - since_at >= self._lasts
        attempt.is_open = not attempt.is_given_up
        if attempt.is_given_up:
            self._log.error(f"{event}, and given up", since=since_at.isoformat(), **details)
        else:
            delay = FIRST_DELAY if former is None else min(2 * former.delay, LONGEST_DELAY)
            self._failures[key] = _Failure(event, since_at, now + delay, delay)
