"""Holds the glossary that look-ups understand queries by, made of what storage has counted and of the starting list."""

from __future__ import annotations

import asyncio

from bot.text.glossary import drafting, resolution, seed
from storage.database import Database


class Glossaries:
    """The glossary as it is now; made at the first use."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._current: resolution.Glossary | None = None

    async def current(self) -> resolution.Glossary:
        """Return the glossary."""
        if self._current is None:
            self._current = await asyncio.to_thread(_from_seed)
        return self._current


def _from_seed() -> resolution.Glossary:
    made = drafting.draft([], seed.terms())
    return resolution.Glossary(drafting.finish(made, made.questions()), made.readings)
