"""discord.py's private names. No other module uses one.

`app/client` overrides `launch_shard`, which discord.py does not document. `tests/client/test_internals.py` names the
version that they are of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import discord


def find_interaction_parser(client: discord.Client) -> Callable[[Any], None]:
    """Return the function that handles an interaction's JSON as if the Gateway had sent it."""
    parser: Callable[[Any], None] = client._connection.parsers["INTERACTION_CREATE"]
    return parser


def add_guild(client: discord.Client, data: Any) -> None:
    """Add a server to the client's cache, of the JSON that the Gateway would have sent."""
    state = client._connection
    state._add_guild(discord.Guild(data=data, state=state))


def remove_guild(client: discord.Client, guild: discord.Guild) -> None:
    client._connection._remove_guild(guild)
