"""Calls of the language model: four at a time, within the budget, each stored before the next one of its slot begins."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from bot.services.writer import budget, circuit_breaker
from bot.sources import language_model
from storage.database import Connection, Database

CONCURRENCY = 4

OnEnded = Callable[[Connection, str | language_model.ModelError, int], Awaitable[None]]
"""Stores the outcome of a call, an answer or an error, with the tokens that it used."""


class ModelCalls:
    """The calls of one run. `count` and `tokens` are those of all requests so far."""

    def __init__(
        self,
        database: Database,
        model: language_model.LanguageModel,
        token_budget: budget.TokenBudget,
        breaker: circuit_breaker.CircuitBreaker,
    ) -> None:
        self._database = database
        self._model = model
        self._budget = token_budget
        self._breaker = breaker
        self._slots = asyncio.Semaphore(CONCURRENCY)
        self.tokens = 0

    @property
    def model_name(self) -> str:
        """The server's name for the model."""
        return self._model.name

    @property
    def count(self) -> int:
        """Number of requests sent, with those that were refused or failed."""
        return self._model.requests

    async def call(
        self,
        messages: Sequence[language_model.Message],
        schema: Mapping[str, Any],
        max_tokens: int,
        *,
        on_reserved: budget.OnReserved,
        on_ended: OnEnded,
    ) -> str:
        """Return the model's answer once it is stored. Raises ModelError, and BudgetError before a call.

        A call that is cut off, by a signal or a crash, keeps its reservation and stores nothing.
        """
        prompt = language_model.prompt_of(messages, schema)
        reserved = budget.estimate_tokens(prompt, max_tokens)
        async with self._slots:
            await self._breaker.wait()
            day = await self._budget.reserve(reserved, on_reserved)
            try:
                outcome, tokens = await self._request(messages, schema, max_tokens)
                async with self._database.transaction() as connection:
                    if tokens is not None:
                        await self._budget.settle(connection, day, reserved=reserved, used=tokens)
                    await on_ended(connection, outcome, tokens or 0)
            finally:
                await self._budget.release()
        if isinstance(outcome, language_model.ModelError):
            raise outcome
        return outcome

    async def _request(
        self, messages: Sequence[language_model.Message], schema: Mapping[str, Any], max_tokens: int
    ) -> tuple[str | language_model.ModelError, int | None]:
        outcome: str | language_model.ModelError
        try:
            outcome, tokens = await self._model.complete(messages, schema, max_tokens=max_tokens)
        except language_model.ModelError as error:
            outcome, tokens = error, error.tokens
            self._breaker.record_failure(error)
        else:
            self._breaker.record_success()
        self.tokens += tokens or 0
        return outcome, tokens
