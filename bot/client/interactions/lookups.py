"""Admission of readers' look-ups: a cooldown per reader, and a bounded queue for all."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.client.context import Interaction
from bot.client.interactions.errors import UserError
from bot.services.search.admission import BusyError


@asynccontextmanager
async def admitted(interaction: Interaction) -> AsyncIterator[None]:
    """Run the block as a look-up of this reader. Raises UserError if the reader asks too often, or too many ask at once.

    Use it after the interaction is deferred, and not within another one.
    """
    # Discord's own time, which no wrong clock of this machine changes.
    asked_at = interaction.created_at.timestamp()
    seconds = interaction.client.cooldowns.update_rate_limit(interaction, asked_at)
    if seconds is not None:
        raise UserError("cooldown", seconds=max(1, math.ceil(seconds)))
    try:
        async with interaction.client.services.lookups.admitted():
            yield
    except BusyError:
        raise UserError("busy") from None
