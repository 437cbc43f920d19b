"""The tokens that language models use, counted for each day (UTC) and limited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.claims import language_model
from bot.claims.language_model import LanguageModel, ModelError
from bot.core.clock import Clock
from storage import writer
from storage.database import Database


@dataclass(frozen=True)
class TokenBudget:
    """What the models may use in a day and in a month (UTC); None: no cap."""

    database: Database
    clock: Clock
    daily: int | None = None
    monthly: int | None = None

    @property
    def is_capped(self) -> bool:
        """Whether there is a cap."""
        return self.daily is not None or self.monthly is not None

    async def find_spent_cap(self, share: float = 1.0) -> str | None:
        """Return which cap, or which share of one, is used up, or None."""
        async with self.database.read() as connection:
            totals = await writer.get_token_totals(connection, self.clock().date())
        for used, cap, period in zip(totals, (self.daily, self.monthly), ("day", "month"), strict=True):
            if cap is not None and used >= share * cap:
                return f"token budget: {used:,} of the {period}'s {cap:,} tokens are used"
        return None

    async def complete(
        self,
        model: LanguageModel,
        messages: Sequence[language_model.Message],
        schema: Mapping[str, Any],
        max_tokens: int,
    ) -> str:
        """Return a model's answer and count its tokens, also of a call that fails or is cancelled. Raises ModelError."""
        day, tokens = self.clock().date(), None
        try:
            answer, tokens = await model.complete(messages, schema, max_tokens=max_tokens)
        except ModelError as error:
            tokens = error.tokens
            raise
        finally:
            if tokens is None:
                tokens = language_model.estimate_tokens(messages, schema, max_tokens)
            async with self.database.transaction() as connection:
                await writer.add_tokens(connection, day, tokens)
        return answer
