"""Schedules retries of what could not be planned, for the planners of all features."""

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
    """The outcome of an attempt: done, unless it `is_open` (failed, and will be retried) or `is_given_up`."""

    is_open: bool = False
    is_given_up: bool = False


@dataclass(frozen=True, slots=True)
class _Failure:
    """The step in which an item fails, since when, and the time of its next attempt (UTC)."""

    event: str
    since_at: datetime
    next_at: datetime
    delay: timedelta


class Retries:
    """The items that failed, by key: for example, one reader's message. An item that fails does not delay others.

    It is retried after a minute, then after twice as long each time, up to an hour. `lasts` after the first failure it
    is given up (None: never). A restart forgets the failures and retries everything.
    """

    def __init__(self, log: Any, lasts: timedelta | None = GIVES_UP_AFTER) -> None:
        self._log = log
        self._lasts = lasts
        self._failures: dict[Hashable, _Failure] = {}

    def is_due(self, key: Hashable, now: datetime) -> bool:
        """Return whether an item did not fail, or its next attempt is due by `now` (UTC)."""
        failure = self._failures.get(key)
        return failure is None or failure.next_at <= now

    @contextmanager
    def attempt(self, event: str, key: Hashable, now: datetime, /, **details: object) -> Iterator[Attempt]:
        """Log an error in the block as `event`. A database error is raised instead, since it affects every item.

        An item of several steps has an event for each: one step's success does not make up for another's failure.
        """
        attempt = Attempt()
        with isolation.isolated(self._log, event, reraise=(StorageError,), **details) as failures:
            yield attempt
        if not failures:
            if key in self._failures and self._failures[key].event == event:
                del self._failures[key]
            return
        # Forget items that are no longer attempted, such as those of a reader who left. One that returns starts over.
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
