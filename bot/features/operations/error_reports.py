"""Keeps the errors of a process for `paperround doctor --errors`, and notifies the operator of each new kind once a day."""

from __future__ import annotations

import json
import socket
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog

from bot.core import isolation
from bot.core.clock import Clock
from bot.core.error_collector import FailureLog
from bot.outbox import contents, outcomes
from storage import accounts, failures, key_values, models, outbox
from storage.database import Connection, Database
from storage.failures import Failure

log = structlog.get_logger(__name__)

NOTICE_EVERY = timedelta(days=1)
MAX_LINES, MAX_REFERENCES, MAX_LENGTH = 10, 5, 350
"""The most kinds of errors that a notice names, and the most references and characters of each."""


@dataclass(eq=False)
class FailureReports:
    """Stores errors, and plans the operator's notice. An error here is a warning: logged as an error it would be one more."""

    _database: Database
    _clock: Clock
    _deliveries: contents.DeliveryFactory
    _default_locale: models.Locale

    async def report(self, collected: FailureLog, operator_id: int | None) -> bool:
        """Store what was collected, and plan a notice if one is due. Returns whether one was planned.

        Without an operator (no token, or not logged in yet) there is no notice.
        """
        taken = collected.take()
        with isolation.collected([]) as problems:
            if taken:
                await self._database.write(failures.add, taken)
                taken = []
            if operator_id is not None:
                due = await self._database.fetch(self._find_due)
                # In most minutes no error was logged.
                return due is not None and await self._database.write(self._notify, operator_id)
        for problem in problems:
            log.warning("errors not reported; will retry", reason=type(problem).__name__)
        collected.put_back(taken)
        return False

    async def _find_due(self, connection: Connection) -> _DueReport | None:
        """Return the errors that are due to be reported to the operator, with the state to store then. None if nothing is due.

        A kind of error is due NOTICE_EVERY after the last message about it: a new kind need not wait for another's day.
        """
        stored = await key_values.get(connection, key_values.FAILURES_REPORTED) or ""
        # Former versions stored one time and id for all kinds.
        reported: dict[str, tuple[str, int]] = json.loads(stored) if stored.startswith("{") else {}
        after_id = 0 if stored.startswith("{") else int(stored.partition(" ")[2] or 0)
        by_kind = defaultdict[tuple[str, str], list[Failure]](list)
        for row in await failures.list_rows(connection, after_id=after_id):
            by_kind[row.event, row.kind].append(row)
        if not by_kind:
            return None
        now = self._clock()
        due = dict[tuple[str, str], list[Failure]]()
        for kind, rows in by_kind.items():
            reported_at, reported_id = reported.get(" ".join(kind), ("", 0))
            is_rested = not reported_at or abs(now - datetime.fromisoformat(reported_at)) >= NOTICE_EVERY
            if is_rested and (new := [row for row in rows if row.id > reported_id]):
                due[kind] = new
        if not due:
            return None
        # Of kinds that have left the table nothing need be known.
        kept = {name: values for name, values in reported.items() if name in map(" ".join, by_kind)}
        kept |= {" ".join(kind): (now.isoformat(), rows[-1].id) for kind, rows in due.items()}
        return _DueReport(due, json.dumps(kept))

    async def _notify(self, connection: Connection, operator_id: int) -> bool:
        if (reported := await self._find_due(connection)) is None:
            return False
        now = self._clock()
        reader = await accounts.get_reader(connection, operator_id)
        notice = contents.NoticePost(
            marker=f"notice:e{max(rows[-1].id for rows in reported.due.values())}",
            locale=(reader and reader.locale) or self._default_locale,
            kind=contents.NoticeKind.ERRORS,
            reason=f"{self._database.label} on {socket.gethostname()}",
            subject="\n".join(_summarise(reported.due)),
        )
        await outbox.add(
            connection, self._deliveries.build_post(outcomes.NOTICE, notice, now, user_id=operator_id)
        )
        await key_values.set_value(connection, key_values.FAILURES_REPORTED, reported.state)
        return True


class _DueReport(NamedTuple):
    due: dict[tuple[str, str], list[Failure]]
    state: str


def _summarise(due: Mapping[tuple[str, str], list[Failure]]) -> list[str]:
    """Return a line for each kind of error, the worst first: how many, what failed, the last references and the last reason.

    Failures with a sentence of the bot concern all readers, and come before those of a single reader.
    """

    def rank(item: tuple[tuple[str, str], list[Failure]]) -> tuple[bool, bool, int]:
        (event, _), found = item
        return event.endswith("."), not any(row.command for row in found), len(found)

    lines = []
    for (event, kind), found in sorted(due.items(), key=rank, reverse=True)[:MAX_LINES]:
        what = f"{event.removesuffix('.')}{f' ({kind})' if kind else ''}"
        references = ", ".join(row.reference for row in found[: -MAX_REFERENCES - 1 : -1])
        reason = f". {found[-1].reason}" if found[-1].reason else ""
        lines.append(" ".join(f"{len(found)} × {what}: {references}{reason}".split())[:MAX_LENGTH])
    return lines
