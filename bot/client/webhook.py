"""The address of a Discord webhook, which is a secret. `sender` posts with it."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Mapping

from bot.client import rest
from bot.core.settings import Settings
from bot.outbox.outcomes import DeliveryError
from bot.outbox.pace import Pace
from storage import errors

MAX_ADDRESS_LENGTH = 500
_ENDPOINT = r"/webhooks/([0-9]{1,19})/([A-Za-z0-9_-]{10,200})/?"
_DISCORDS = re.compile(r"https://discord\.com/api(?:/v[0-9]{1,2})?" + _ENDPOINT)


def parse_address(text: str, api_url: str | None = None) -> tuple[int, str]:
    """Return the id and the token in a webhook's address, which is Discord's or below `api_url`.

    Raises UsageError, which does not quote the address.
    """
    address = text.strip()
    match = None
    if len(address) <= MAX_ADDRESS_LENGTH:
        match = _DISCORDS.fullmatch(address)
        if match is None and api_url:
            match = re.fullmatch(re.escape(api_url.rstrip("/")) + _ENDPOINT, address)
    if match is None or not 0 < int(match[1]) < 1 << 63:
        raise errors.UsageError(
            "This is not a Discord webhook URL, which looks like https://discord.com/api/webhooks/ID/TOKEN."
            " Copy it from the channel's settings › Integrations › Webhooks › Copy Webhook URL."
        )
    return int(match[1]), match[2]


def shorten_address(webhook_id: int) -> str:
    """Return a webhook's address as it may be shown, without its token: `…/webhooks/1234567890/••••`."""
    return f"…/webhooks/{webhook_id}/••••"


async def check_all(settings: Settings, tokens: Mapping[int, str]) -> dict[int, DeliveryError]:
    """Ask Discord for webhooks, given as tokens by id. Returns the errors of those that it did not confirm."""
    restore = rest.override_endpoints(settings.discord_api_url, None)
    pace = Pace(time.monotonic, random.Random())
    client = rest.RestClient(pace, pace.record_answer)
    failures: dict[int, DeliveryError] = {}

    async def check(webhook_id: int, token: str) -> None:
        try:
            await client.request("GET", f"/webhooks/{webhook_id}/{token}")
        except DeliveryError as error:
            failures[webhook_id] = error

    try:
        await asyncio.gather(*(check(*item) for item in tokens.items()))
    finally:
        await client.close()
        restore()
    return failures
