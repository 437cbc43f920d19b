"""Texts too long for a button's custom id."""

from __future__ import annotations

import hashlib
from enum import StrEnum, auto

from bot.core.clock import Clock
from storage import accounts
from storage.database import Database

TOKEN_LENGTH = 16
TEXTS_OF_READER = 64
"""The most texts stored for one reader."""


class TextPurpose(StrEnum):
    """The use of a stored text. A list's text is typed by readers, so it must never be accepted as a draft."""

    LIST = auto()
    ALERT = auto()
    SUBSCRIPTION = auto()


class TextTokenStore:
    """Stores texts that are too long for a button's custom id, under short hashes called tokens.

    Custom ids can be forged, so a token is valid only for its purpose. Above TEXTS_OF_READER, a reader's new
    text replaces the oldest, whose buttons then report that they are outdated. Texts are removed after
    CONTENT_RETENTION.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def save(self, user_id: int, purpose: TextPurpose, text: str) -> str:
        """Store a reader's text and return its token: `TOKEN_LENGTH` hexadecimal characters."""
        token = make_token(text)
        await self._database.write(
            accounts.add_text, user_id, f"{purpose}:{token}", text, self._clock(), TEXTS_OF_READER
        )
        return token

    async def get(self, purpose: TextPurpose, token: str) -> str | None:
        """Return any reader's text for a token, or None if it was removed or stored for another purpose."""
        return await self._database.fetch(accounts.get_text, f"{purpose}:{token}")


def make_token(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:TOKEN_LENGTH]
