"""Stores texts that are too long for a button's custom id under short tokens.

The store has a fixed number of slots: a new text overwrites an older one in its slot, whose buttons are then outdated.
"""

from __future__ import annotations

import hashlib

from storage import key_values
from storage.database import Database

SLOT_COUNT = 4096
TOKEN_LENGTH = 16


class TextTokenStore:
    """Texts by token. A token is a hash of its text."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, text: str) -> str:
        """Store a text and return its token: `TOKEN_LENGTH` hexadecimal characters."""
        token = make_token(text)
        async with self._database.transaction() as connection:
            await key_values.set_value(connection, _slot_key(token), text)
        return token

    async def get(self, token: str) -> str | None:
        """Return the text of a token, or None if it was never stored or is overwritten."""
        async with self._database.read() as connection:
            text = await key_values.get(connection, _slot_key(token))
        return text if text is not None and make_token(text) == token else None


def make_token(text: str) -> str:
    """Return the token of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:TOKEN_LENGTH]


def _slot_key(token: str) -> str:
    slot = int(hashlib.sha256(token.encode()).hexdigest()[:8], 16) % SLOT_COUNT
    return f"text:{slot}"
