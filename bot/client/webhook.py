"""Parse and shorten Discord webhook URLs, which are secret. `sender` posts with them."""

from __future__ import annotations

import re

from storage import errors

MAX_ADDRESS_LENGTH = 500
_ENDPOINT = r"/webhooks/([0-9]{1,19})/([A-Za-z0-9_-]{10,200})/?"
_DISCORDS = re.compile(r"https://discord\.com/api(?:/v[0-9]{1,2})?" + _ENDPOINT)


def parse_address(text: str, api_url: str | None = None) -> tuple[int, str]:
    """Parse a webhook's URL, at Discord or below `api_url`, into its id and token.

    Raises UsageError without quoting the URL.
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
    """Return a webhook's URL without its token, for display: `…/webhooks/1234567890/••••`."""
    return f"…/webhooks/{webhook_id}/••••"
