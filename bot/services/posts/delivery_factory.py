"""Makes nonces: what lets Discord recognise a message that it has been given before."""

from __future__ import annotations

import base64
import secrets

NONCE_BYTES = 15
"""Fifteen bytes are 24 characters in base 32; Discord takes at most 25 (resources/message, nonce)."""


def new_nonce() -> str:
    """Return a nonce that is unique in the world: it does not come twice even from two installations of one bot."""
    return base64.b32encode(secrets.token_bytes(NONCE_BYTES)).decode("ascii")
