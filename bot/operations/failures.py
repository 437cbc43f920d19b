"""Keeps the errors of a process for `paperround doctor --errors`, and tells the operator of new ones once a day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.core import isolation
from bot.core.clock import Clock
from bot.core.failures import FailureLog
from bot.outbox import contents, outcomes
from storage import accounts, failures, key_values, models, outbox
from storage.database import Connection, Database
from storage.failures import Failure

log = structlog.get_logger(__name__)

NOTICE_EVERY = timedelta(days=1)
MAX_LINES, MAX_REFERENCES = 10, 5
"""The most kinds of errors that a notice names, and the most references of each."""


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
                untold = await self._database.fetch(self._list_untold)
                # In most minutes no error was logged.
                return bool(untold) and await self._database.write(self._notify, operator_id)
        for problem in problems:
            log.warning("errors not reported; will retry", reason=type(problem).__name__)
        collected.put_back(taken)
        return False

    async def _list_untold(self, connection: Connection) -> list[Failure]:
        """Return the errors since the last notice; none within NOTICE_EVERY after it."""
        told_at, _, told_id = (await key_values.get(connection, key_values.FAILURES_TOLD) or "").partition(
            " "
        )
        if told_at and abs(self._clock() - datetime.fromisoformat(told_at)) < NOTICE_EVERY:
            return []
        return await failures.list_rows(connection, after_id=int(told_id or 0))

    async def _notify(self, connection: Connection, operator_id: int) -> bool:
        if not (new := await self._list_untold(connection)):
            return False
        now = self._clock()
        reader = await accounts.get_reader(connection, operator_id)
        notice = contents.NoticePost(
            marker=f"notice:e{new[-1].id}",
            locale=(reader and reader.locale) or self._default_locale,
            kind=contents.NoticeKind.ERRORS,
            subject="\n".join(_summarise(new)),
        )
        await outbox.add(
            connection, self._deliveries.build_post(outcomes.NOTICE, notice, now, user_id=operator_id)
        )
        await key_values.set_value(connection, key_values.FAILURES_TOLD, f"{now.isoformat()} {new[-1].id}")
        return True


def _summarise(rows: Sequence[Failure]) -> list[str]:
    """Return a line for each kind of error, the most frequent first: how many, what failed, and the last references."""
    by_kind = defaultdict[tuple[str, str], list[Failure]](list)
    for row in rows:
        by_kind[row.event, row.kind].append(row)
    frequent = sorted(by_kind.items(), key=lambda item: len(item[1]), reverse=True)
    return [
        f"{len(found)} × {event}{f' ({kind})' if kind else ''}: "
        + ", ".join(row.reference for row in found[: -MAX_REFERENCES - 1 : -1])
        for (event, kind), found in frequent[:MAX_LINES]
    ]
