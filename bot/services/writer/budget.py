"""The token budget: reserves before each call what it may use at most, and settles with what it used.

Days and months are in UTC. Several processes may share a budget: each reservation is one transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date

from bot import errors
from bot.clock import Clock
from storage.database import Connection, Database
from storage.writer import token_ledger

BYTES_PER_TOKEN = 2
"""UTF-8 bytes of a prompt per reserved token: fewer than any tokenizer needs on average, in either language."""

MARK = "token budget"
"""The beginning of a refusal, by which it is known from other problems of a draft."""
OnReserved = Callable[[Connection], Awaitable[None]]


class BudgetError(errors.PaperroundError):
    """A cap would be passed by the next call."""


def estimate_tokens(prompt: str, max_tokens: int) -> int:
    """Return the tokens to reserve for a prompt and an answer of at most `max_tokens`."""
    return -(-len(prompt.encode()) // BYTES_PER_TOKEN) + max_tokens


class TokenBudget:
    """The tokens that may be used in a day and in a month; None for no cap."""

    def __init__(
        self, database: Database, clock: Clock, *, daily: int | None = None, monthly: int | None = None
    ) -> None:
        self._database = database
        self._clock = clock
        self._daily, self._monthly = daily, monthly
        self._open = 0
        self._settled = asyncio.Condition()

    async def reserve(self, tokens: int, on_reserved: OnReserved) -> date:
        """Reserve tokens and call `on_reserved` in the same transaction. Returns the day of the reservation.

        While other calls run, it waits for them to settle instead of refusing. Raises BudgetError.
        """
        async with self._settled:
            while True:
                day = self._clock().date()
                async with self._database.transaction() as connection:
                    if await token_ledger.reserve(
                        connection, day, tokens, daily=self._daily, monthly=self._monthly
                    ):
                        await on_reserved(connection)
                        self._open += 1
                        return day
                if self._open == 0:
                    raise BudgetError(await self._describe(tokens, day))
                await self._settled.wait()

    async def settle(self, connection: Connection, day: date, *, reserved: int, used: int) -> None:
        """Replace a reservation by what the call used, in the transaction that stores its outcome."""
        await token_ledger.settle(connection, day, reserved=reserved, used=used)

    async def release(self) -> None:
        """Say that a call has ended, settled or not."""
        async with self._settled:
            self._open -= 1
            self._settled.notify_all()

    async def _describe(self, tokens: int, day: date) -> str:
        async with self._database.read() as connection:
            of_day, of_month = await token_ledger.get_totals(connection, day)
        is_daily = self._daily is not None and of_day + tokens > self._daily
        total, cap, period = (of_day, self._daily, "day") if is_daily else (of_month, self._monthly, "month")
        return f"{MARK}: the next call may use {tokens:,} tokens, and {total:,} of the {period}'s {cap:,} are used"
