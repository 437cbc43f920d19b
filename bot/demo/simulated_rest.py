"""A REST client that sends posts to SimCord, which only replaces discord.py's connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import discord
from discord import http

from bot.client.rest import RestClient
from bot.outbox import outcomes
from bot.outbox.pace import Pace
from storage.models import PartKind


class SimulatedRest(RestClient):
    """Makes requests through the HTTP client of a bot that runs in SimCord."""

    def __init__(self, client: discord.Client, pace: Pace) -> None:
        super().__init__(pace, pace.record_answer)
        self._client = client

    async def request(
        self,
        method: str,
        path: str,
        kind: PartKind = PartKind.MESSAGE,
        *,
        payload: dict[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        fence: Callable[[], None] = lambda: None,
    ) -> Any:
        """Make a request and return the JSON of the response. Raises DeliveryError if it fails."""
        try:
            return await self._client.http.request(http.Route(method, path), json=payload, params=query)
        except discord.HTTPException as error:
            classification = outcomes.classify(error.status, error.code, kind)
            raise outcomes.DeliveryError(
                classification, str(error), status=error.status, code=error.code
            ) from error
