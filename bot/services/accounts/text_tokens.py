"""Keeps the few texts that are too long for a button's custom id, for as long as there is room.

A ring of fixed size: an old text gives way to a new one in its slot, and its buttons then say that they are outdated.
"""

from __future__ import annotations

import hashlib

from storage import key_values
from storage.database import Database

SLOT_COUNT = 4096
TOKEN_LENGTH = 16


class TextTokenStore:
    """Texts by token. The token is a hash, so the same text has the same one everywhere."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, text: str) -> str:
        """Keep a text and return its token (hexadecimal, `TOKEN_LENGTH` long)."""
        token = make_token(text)
        async with self._database.transaction() as connection:
            await key_values.set_value(connection, _slot_key(token), text)
        return token

    async def get(self, token: str) -> str | None:
        """Return the text of a token, or None when it was never kept or had to give way."""
        async with self._database.read() as connection:
            text = await key_values.get(connection, _slot_key(token))
        return text if text is not None and make_token(text) == token else None


def make_token(text: str) -> str:
    """Return the token of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:TOKEN_LENGTH]


def _slot_key(token: str) -> str:
    number = int(hashlib.sha256(token.encode()).hexdigest()[:8], 16) % SLOT_COUNT
    return f"text:{number}"
