"""Makes single attempts at Discord's REST API for the relay, over discord.py's own HTTP client. Retries nothing.

Works after `client.login()`, without the Gateway. Stored payloads go out as they are; that uses discord.py's internal
HTTP methods, and this is the only place that does.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import aiohttp
import aiolimiter
import discord
from discord import http

from bot.client.discord_api import forum_tags, history
from bot.services.outbox import discord_errors, sender, throttle
from bot.services.posts import contents
from storage.models import PartKind, Receipt

NO_MENTIONS: dict[str, list[str]] = {"parse": []}
AUTO_ARCHIVE_MINUTES = 1440

REQUESTS_PER_SECOND = 49.0
"""Discord allows a bot 50 over all routes, interactions not counted (facts of 2026, topics/rate-limits)."""


CROSSPOST_LIMIT = 9
CROSSPOST_PERIOD = 3600.0
"""Discord publishes 10 messages of a channel an hour. After the tenth discord.py would sleep for the rest of it."""

BUCKET_CAPACITY = 1.9


def make_request_limiter(per_second: float = REQUESTS_PER_SECOND) -> history.AcquireSlot:
    """Make the pace that everything outside interactions keeps: requests evenly spaced, never in a burst."""
    # No second holds more than the room plus 49, so just under 2 keeps it at 50. A room of 1 would lose each
    # timer's lateness (measured: 47.2 a second instead of 49); one of 50 would let 99 out within the first second.
    return aiolimiter.AsyncLimiter(BUCKET_CAPACITY, BUCKET_CAPACITY / per_second).acquire


class DiscordSender:
    """Sends for one logged-in client, never faster than `pace`."""

    def __init__(self, client: discord.Client, acquire: history.AcquireSlot) -> None:
        self._client = client
        self._acquire = acquire
        self._crosspost_limiter = throttle.RateLimiter(time.monotonic, CROSSPOST_LIMIT, CROSSPOST_PERIOD)

    async def send(self, request: sender.SendRequest) -> Receipt:
        """Ask Discord once for what the order says. Raises failures.DeliveryError."""
        async with map_discord_errors(request.kind):
            await self._acquire()
            match request.kind:
                case PartKind.MESSAGE | PartKind.THREAD_MESSAGE:
                    return await self._send_message(request)
                case PartKind.FORUM_POST:
                    return await self._create_forum_post(request)
                case PartKind.THREAD:
                    return await self._create_thread(request)
                case PartKind.CROSSPOST:
                    await self._publish(request)
                case PartKind.EDIT:
                    await self._edit_message(request)
        return Receipt(request.message_id, request.channel_id)

    async def find(self, request: sender.SendRequest, since: datetime) -> Receipt | None:
        """Look for the order's message among those since `since` (UTC). Raises failures.DeliveryError.

        THREAD, CROSSPOST and EDIT answer None at once: asking for them again does no harm.
        """
        if request.kind in (PartKind.THREAD, PartKind.CROSSPOST, PartKind.EDIT):
            return None
        async with map_discord_errors(request.kind):
            if request.kind is PartKind.FORUM_POST:
                return await history.find_forum_post(self._client, request, since, self._acquire)
            return await history.find_message(self._client, request, since, self._acquire)

    async def open_dm(self, user_id: int) -> int:
        """Open the direct messages with a user; gives their channel's id. Raises failures.DeliveryError."""
        async with map_discord_errors(PartKind.MESSAGE):
            await self._acquire()
            return int((await self._client.http.start_private_message(user_id))["id"])

    async def _send_message(self, request: sender.SendRequest) -> Receipt:
        payload = _without_mentions(request.payload) | {"nonce": request.nonce, "enforce_nonce": True}
        message = await self._client.http.send_message(request.channel_id, params=_json_body(payload))
        return Receipt(int(message["id"]), int(message["channel_id"]))

    async def _create_forum_post(self, request: sender.SendRequest) -> Receipt:
        payload = request.payload | {"message": _without_mentions(request.payload["message"])}
        tags = payload.get("applied_tags") or await forum_tags.tags_for(
            self._client, request.channel_id, self._acquire
        )
        payload = {key: value for key, value in payload.items() if key != "applied_tags"}
        if tags:
            payload["applied_tags"] = tags
        route = http.Route("POST", "/channels/{channel_id}/threads", channel_id=request.channel_id)
        # A forum post has no nonce, and discord.py repeats a request that was answered with 500, 502 or 504.
        once: Any = [_NoRetryUpload()]
        query = {"use_nested_fields": 1}
        thread = await self._client.http.request(route, json=payload, params=query, files=once)
        return Receipt(int(thread["id"]), int(thread["id"]))

    async def _create_thread(self, request: sender.SendRequest) -> Receipt:
        message_id = _target_message_id(request)
        minutes: Any = request.payload.get("auto_archive_duration", AUTO_ARCHIVE_MINUTES)
        try:
            await self._client.http.start_thread_with_message(
                request.channel_id, message_id, name=request.payload["name"], auto_archive_duration=minutes
            )
        except discord.HTTPException as error:
            if error.code != 160004:  # the message has its thread already
                raise
        # A thread that was made from a message has that message's id.
        return Receipt(message_id, message_id)

    async def _publish(self, request: sender.SendRequest) -> None:
        wait = self._crosspost_limiter.delay(request.channel_id)
        if wait:
            limited = discord_errors.Classification(
                discord_errors.Disposition.RETRY, contents.Reason.RATE_LIMITED, wait
            )
            raise discord_errors.DeliveryError(limited, "this channel has published enough for this hour")
        self._crosspost_limiter.hit(request.channel_id)
        await self._client.http.publish_message(request.channel_id, _target_message_id(request))

    async def _edit_message(self, request: sender.SendRequest) -> None:
        params = _json_body(_without_mentions(request.payload))
        await self._client.http.edit_message(request.channel_id, _target_message_id(request), params=params)


class _NoRetryUpload:
    """Stands in for a file among discord.py's uploads, which it rewinds before each try: there is no second try."""

    def reset(self, *, seek: int) -> None:
        """Refuse any try but the first."""
        if seek:
            raise discord_errors.DeliveryError(
                discord_errors.OUTCOME_UNKNOWN, "Discord answered with an error of its own"
            )


def _json_body(payload: dict[str, Any]) -> http.MultipartParameters:
    return http.MultipartParameters(payload=payload, multipart=None, files=None)


def _without_mentions(payload: dict[str, Any]) -> dict[str, Any]:
    return {"allowed_mentions": NO_MENTIONS} | payload


def _target_message_id(request: sender.SendRequest) -> int:
    if request.message_id is None:
        gone = discord_errors.Classification(
            discord_errors.Disposition.TARGET_GONE, contents.Reason.UNKNOWN_CHANNEL
        )
        raise discord_errors.DeliveryError(gone, "the message that this builds on is gone")
    return request.message_id


@asynccontextmanager
async def map_discord_errors(kind: PartKind) -> AsyncIterator[None]:
    """Turn the errors of discord.py and aiohttp into failures.DeliveryError."""
    try:
        yield
    except discord.RateLimited as error:
        verdict = discord_errors.classify(429, 0, kind, retry_after=error.retry_after)
        raise discord_errors.DeliveryError(verdict, str(error), status=429) from error
    except discord.HTTPException as error:
        verdict = discord_errors.classify(error.status, error.code, kind)
        raise discord_errors.DeliveryError(
            verdict, str(error), status=error.status, code=error.code
        ) from error
    except aiohttp.ClientConnectorError as error:
        raise discord_errors.DeliveryError(discord_errors.CONNECT_FAILED, str(error)) from error
    except (aiohttp.ClientError, OSError) as error:
        raise discord_errors.DeliveryError(discord_errors.OUTCOME_UNKNOWN, repr(error)) from error
