"""Parse and shorten Discord webhook URLs, which are secret. `sender` posts with them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl

from storage import errors

MAX_ADDRESS_LENGTH = 500
_ENDPOINT = r"/webhooks/([0-9]{1,19})/([A-Za-z0-9_-]{10,200})(/(?:slack|github))?/?"
_DISCORDS = r"(?i:https://(?:(?:www|canary|ptb)\.)?discord(?:app)?\.com)/api(?:/v[0-9]{1,2})?"
"""Discord's API, as its own clients and old set-ups name it."""
_THREAD_ID = re.compile(r"(?:[1-9][0-9]{0,18})?")
THREAD = "?thread_id="
"""Stands between a webhook's token and the id of the thread in which it posts, if there is one."""


def parse_address(text: str, api_url: str | None = None) -> tuple[int, str]:
    """Parse a webhook's URL, at Discord or below `api_url`, into its id and its token, with THREAD if it names one.

    Raises UsageError without quoting the URL.
    """
    address, _, query = text.strip()[: MAX_ADDRESS_LENGTH + 1].partition("?")
    parameters = dict(parse_qsl(query))
    thread_id = parameters.pop("thread_id", "")
    api = f"{_DISCORDS}|{re.escape(api_url.rstrip('/'))}" if api_url else _DISCORDS
    match = re.fullmatch(f"(?:{api}){_ENDPOINT}", address)
    if match is None or not 0 < int(match[1]) < 1 << 63:
        raise errors.UsageError(
            "This is not a Discord webhook URL, which looks like https://discord.com/api/webhooks/ID/TOKEN."
            " Copy it from the channel's settings › Integrations › Webhooks › Copy Webhook URL."
        )
    if match[3]:
        raise errors.UsageError(
            f"Leave out {match[3]} at the end of the webhook URL: it is for messages in another form."
        )
    if parameters.keys() - {"wait", "with_components"} or not _THREAD_ID.fullmatch(thread_id):
        raise errors.UsageError(
            "Only ?thread_id=ID, with a thread's id, may follow the token of a webhook URL."
        )
    return int(match[1]), f"{match[2]}{THREAD}{thread_id}" if thread_id else match[2]


def describe_missing(webhook_ids: Iterable[int]) -> str:
    names = ", ".join(map(shorten_address, webhook_ids))
    return f"The address of {names} is missing. Write it whole into a file for `paperround config apply`."


def shorten_address(webhook_id: int) -> str:
    """Return a webhook's URL without its token, for display: `…/webhooks/1234567890/••••`."""
    return f"…/webhooks/{webhook_id}/••••"
