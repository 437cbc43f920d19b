"""Check `/health` of a running bot with the standard library alone: a supervisor runs it twice a minute."""

from __future__ import annotations

import http.client
import json
import os
import sys
from typing import Any

from storage import errors

SETTING = "PAPERROUND_HTTP"
TIMEOUT_SECONDS = 4.0
"""`/health` responds within 2 s even if the database does not."""
LOOPBACK = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - only read


def request_health() -> tuple[bool, dict[str, Any]]:
    """Return whether the bot is healthy, and the response body.

    Raises UsageError if no address is set, and PaperroundError if there is no valid response.
    """
    address = os.environ.get(SETTING)
    if address is None:
        from bot.core import settings  # loading it takes longer than the request

        address = settings.load().http or ""
    host, _, port = address.strip().rpartition(":")
    if not port.isdecimal():
        raise errors.UsageError(
            f"{SETTING} is not set to an address, so `paperround run` does not serve `/health`. Set it, for example to"
            " 127.0.0.1:9464."
        )
    host = host.strip("[]")
    connection = http.client.HTTPConnection(LOOPBACK.get(host, host), int(port), timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/health")
        response = connection.getresponse()
        body = json.loads(response.read(100_000))
        if not isinstance(body, dict) or "role" not in body:
            raise ValueError("the response is not from Paperround")
    except (OSError, OverflowError, http.client.HTTPException, ValueError) as error:
        from bot.core import settings  # loading it takes longer than the request

        if settings.load().hides_health:
            raise errors.UsageError(settings.HIDDEN_HEALTH) from error
        raise errors.PaperroundError(f"unhealthy: no valid answer from {address} ({error}).") from error
    finally:
        connection.close()
    return response.status == 200, body


def report(*, as_json: bool = False) -> int:
    """Print whether the bot is healthy. Returns the exit status: 0 healthy, 1 unhealthy, 2 no address set."""
    try:
        is_healthy, body = request_health()
    except errors.PaperroundError as error:
        sys.stderr.write(f"paperround: {errors.make_printable(str(error))}\n")
        return error.exit_status
    if as_json:
        sys.stdout.write(json.dumps(body) + "\n")
    elif is_healthy:
        sys.stdout.write("\n".join((f"healthy: {body['role']}", *map(str, body.get("notices", ())))) + "\n")
    if not is_healthy:
        problems = errors.make_printable(" ".join(map(str, body.get("problems", ()))))
        sys.stderr.write(f"paperround: unhealthy: {problems or 'no reason given.'}\n")
    return 0 if is_healthy else 1
