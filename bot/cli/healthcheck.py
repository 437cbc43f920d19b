"""Asks `/health` of a running bot, with the standard library alone: a supervisor does so twice a minute."""

from __future__ import annotations

import http.client
import json
import os
import sys
from typing import Any

from storage import errors

SETTING = "PAPERROUND_HTTP"
TIMEOUT_SECONDS = 4.0
"""`/health` answers within 2 s also when the database does not."""
LOOPBACK = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - addresses that `run` listens on


def read_address() -> str:
    """Return the setting PAPERROUND_HTTP. Raises UsageError if there is none."""
    address = os.environ.get(SETTING)
    if address is None:
        from bot.core import settings  # takes longer than the request; a container has the variable

        address = settings.load().http
    if not address or not address.strip():
        raise errors.UsageError(
            f"{SETTING} is not set, so `paperround run` does not serve `/health`. Set it, for example to 127.0.0.1:9464."
        )
    return address.strip()


def split_address(address: str) -> tuple[str, int]:
    """Return host and port to connect to: the loopback address for a server that listens on all addresses."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    if not port.isdecimal() or int(port) > 65535:
        raise errors.UsageError(f"{SETTING}: {address!r} is not an address such as 127.0.0.1:9464.")
    return LOOPBACK.get(host, host), int(port)


def request_health(address: str) -> tuple[bool, dict[str, Any]]:
    """Return whether the bot works, and the body of its answer. Raises PaperroundError without such an answer."""
    host, port = split_address(address)
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/health")
        response = connection.getresponse()
        body = json.loads(response.read(100_000))
        if not isinstance(body, dict) or "role" not in body:
            raise ValueError("the response is not from Paperround")
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise errors.PaperroundError(f"unhealthy: no valid answer from {address} ({error}).") from error
    finally:
        connection.close()
    return response.status == 200, body


def describe(is_healthy: bool, body: dict[str, Any]) -> str:
    """Return the answer as one line."""
    if not is_healthy:
        return f"unhealthy: {' '.join(map(str, body.get('problems', ()))) or 'no reason given.'}"
    if body["role"] == "standby":
        return "healthy: a standby, ready to take over from the process that sends."
    signs = {
        "last tick of the planner": "tick_seconds",
        "last check for parts to send": "claim_seconds",
        "last contact with Discord": "discord_seconds",
    }
    ages = (
        f"{sign} {body[field]:.0f} s ago"
        for sign, field in signs.items()
        if isinstance(body.get(field), int | float)
    )
    return f"healthy: {', '.join(ages) or 'starting'}."


def report(*, as_json: bool = False) -> int:
    """Print whether the bot works and return the exit status: 0, 1, or 2 without the setting."""
    try:
        is_healthy, body = request_health(read_address())
    except errors.PaperroundError as error:
        sys.stderr.write(f"paperround: {error}\n")
        return error.exit_status
    sentence = describe(is_healthy, body)
    if as_json:
        sys.stdout.write(json.dumps(body) + "\n")
    elif is_healthy:
        sys.stdout.write(f"{sentence}\n")
    if not is_healthy:
        sys.stderr.write(f"paperround: {sentence}\n")
    return 0 if is_healthy else 1
