"""The relay's `Sender` over discord.py's HTTP client: single attempts, without retries.

Works after `client.login()`, without the Gateway. Uses discord.py's internal HTTP methods to send stored payloads.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, assert_never

import aiohttp
import discord
from discord import http

from bot.client.discord_api import forum_tags, history, request_gate
from bot.services.outbox import discord_errors, sender, throttle
from bot.services.outbox.discord_health import MAX_LIMIT
from bot.services.posts.contents import Reason
from storage.models import PartKind, Receipt

NO_MENTIONS: dict[str, list[str]] = {"parse": []}
AUTO_ARCHIVE_MINUTES = 1440

CROSSPOST_LIMIT = 9
CROSSPOST_PERIOD = 3600.0
"""Discord publishes 10 messages of a channel per hour (seconds). After the tenth discord.py would sleep."""


FENCE_SECONDS = 5.0
"""A forum post leaves at most this long after the check that this process is the sender."""

NOT_SENDER = discord_errors.Classification(discord_errors.Disposition.RETRY, Reason.DISCORD_TROUBLE)
"""Certainly not sent, by a process that may have lost the sender lock."""


async def _always_sender() -> bool:
    return True


class DiscordSender:
    """Sends through a logged-in client whose requests pass a `RequestGate`.

    `is_sender` tells whether this process still holds the sender lock. It is asked right before each forum post, which
    has no nonce: a process that was frozen meanwhile must not send what its successor sends.
    """

    def __init__(
        self, client: discord.Client, is_sender: Callable[[], Awaitable[bool]] = _always_sender
    ) -> None:
        self._client = client
        self._is_sender = is_sender
        self._crosspost_limiter = throttle.RateLimiter(time.monotonic, CROSSPOST_LIMIT, CROSSPOST_PERIOD)

    async def send(self, request: sender.SendRequest) -> Receipt:
        """Attempt a request once. Raises DeliveryError."""
        with map_discord_errors(request.kind):
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
                case _:
                    assert_never(request.kind)
        return Receipt(request.message_id, request.channel_id)

    async def find(self, request: sender.SendRequest, since: datetime) -> Receipt | None:
        """Search for the request's message since `since` (UTC). Raises DeliveryError.

        Returns None for THREAD, CROSSPOST and EDIT, which can be repeated without harm.
        """
        if request.kind in (PartKind.THREAD, PartKind.CROSSPOST, PartKind.EDIT):
            return None
        with map_discord_errors(request.kind):
            if request.kind is PartKind.FORUM_POST:
                return await history.find_forum_post(self._client, request, since)
            return await history.find_message(self._client, request, since)

    async def open_dm(self, user_id: int) -> int:
        """Open the direct messages with a user and return the channel's id. Raises DeliveryError."""
        with map_discord_errors(PartKind.MESSAGE):
            return int((await self._client.http.start_private_message(user_id))["id"])

    async def _send_message(self, request: sender.SendRequest) -> Receipt:
        payload = self._with_safe_mentions(request.channel_id, request.payload) | {
            "nonce": request.nonce,
            "enforce_nonce": True,
        }
        message = await self._client.http.send_message(request.channel_id, params=_json_body(payload))
        return Receipt(int(message["id"]), int(message["channel_id"]))

    async def _create_forum_post(self, request: sender.SendRequest) -> Receipt:
        fields, topic = request.payload, request.payload.get(forum_tags.TOPIC_FIELD, "")
        tags = fields.get("applied_tags") or await forum_tags.tags_for(
            self._client, request.channel_id, topic
        )
        unsent = ("applied_tags", forum_tags.TOPIC_FIELD)
        payload = {key: value for key, value in fields.items() if key not in unsent}
        payload["message"] = self._with_safe_mentions(request.channel_id, fields["message"])
        if tags:
            payload["applied_tags"] = tags
        route = http.Route("POST", "/channels/{channel_id}/threads", channel_id=request.channel_id)
        fence: Any = _Fence(time.monotonic())
        if not await self._is_sender():
            raise discord_errors.DeliveryError(NOT_SENDER, "this process is no longer the sender")
        query = {"use_nested_fields": 1}
        thread = await self._client.http.request(route, json=payload, params=query, files=[fence])
        return Receipt(int(thread["id"]), int(thread["id"]))

    def _with_safe_mentions(self, channel_id: int, payload: dict[str, Any]) -> dict[str, Any]:
        """Return a message that notifies only the roles that it names, without those that the server deleted.

        The roles of a server that is not cached are taken to exist.
        """
        payload = _without_mentions(payload)
        guild = getattr(self._client.get_channel(channel_id), "guild", None)
        roles = payload["allowed_mentions"].get("roles", [])
        if guild is None or guild.unavailable or all(guild.get_role(int(role)) for role in roles):
            return payload
        text = json.dumps(payload | {"allowed_mentions": NO_MENTIONS}, ensure_ascii=False)
        for role in roles:
            text = text.replace(f"<@&{role}>\\n", "").replace(f"<@&{role}>", "")
        without: dict[str, Any] = json.loads(text)
        return without

    async def _create_thread(self, request: sender.SendRequest) -> Receipt:
        message_id = _target_message_id(request)
        minutes: Any = request.payload.get("auto_archive_duration", AUTO_ARCHIVE_MINUTES)
        try:
            await self._client.http.start_thread_with_message(
                request.channel_id, message_id, name=request.payload["name"], auto_archive_duration=minutes
            )
        except discord.HTTPException as error:
            if error.code != 160004:  # the message already has a thread
                raise
        # A thread created from a message has the id of that message.
        return Receipt(message_id, message_id)

    async def _publish(self, request: sender.SendRequest) -> None:
        wait = self._crosspost_limiter.delay(request.channel_id)
        if wait:
            limited = discord_errors.Classification(
                discord_errors.Disposition.RETRY, Reason.RATE_LIMITED, wait
            )
            raise discord_errors.DeliveryError(
                limited, "the channel reached its limit of published messages per hour"
            )
        self._crosspost_limiter.hit(request.channel_id)
        await self._client.http.publish_message(request.channel_id, _target_message_id(request))

    async def _edit_message(self, request: sender.SendRequest) -> None:
        params = _json_body(_without_mentions(request.payload))
        await self._client.http.edit_message(request.channel_id, _target_message_id(request), params=params)


class _Fence:
    """A fake upload: discord.py calls `reset` on each right before it sends the request."""

    def __init__(self, checked_at: float) -> None:
        self._checked_at = checked_at

    def reset(self, *, seek: int) -> None:
        """Raise DeliveryError if the sender lock was checked too long ago; the next attempt checks it again."""
        if time.monotonic() - self._checked_at > FENCE_SECONDS:
            raise discord_errors.DeliveryError(NOT_SENDER, "the request was held up before it was sent")


def _json_body(payload: dict[str, Any]) -> http.MultipartParameters:
    return http.MultipartParameters(payload=payload, multipart=None, files=None)


def _without_mentions(payload: dict[str, Any]) -> dict[str, Any]:
    return {"allowed_mentions": NO_MENTIONS} | payload


def _target_message_id(request: sender.SendRequest) -> int:
    if request.message_id is None:
        gone = discord_errors.Classification(discord_errors.Disposition.TARGET_GONE, Reason.UNKNOWN_CHANNEL)
        raise discord_errors.DeliveryError(gone, "the target message is gone")
    return request.message_id


@contextmanager
def map_discord_errors(kind: PartKind) -> Iterator[None]:
    """Convert the errors of discord.py and aiohttp to DeliveryError."""
    try:
        yield
    except request_gate.HeldBackError as error:
        raise _delivery_error(_classify_rate_limit(error), error) from error
    except request_gate.ForeignAnswerError as error:
        is_refusal = 400 <= error.seen_status < 500
        classification = discord_errors.FOREIGN_REFUSAL if is_refusal else discord_errors.OUTCOME_UNKNOWN
        raise discord_errors.DeliveryError(classification, str(error), status=error.seen_status) from error
    except discord.HTTPException as error:
        raise _delivery_error(discord_errors.classify(error.status, error.code, kind), error) from error
    except aiohttp.ClientConnectorError as error:
        raise discord_errors.DeliveryError(discord_errors.CONNECT_FAILED, str(error)) from error
    except (aiohttp.ClientError, OSError) as error:
        raise discord_errors.DeliveryError(discord_errors.OUTCOME_UNKNOWN, repr(error)) from error


def _classify_rate_limit(error: request_gate.HeldBackError) -> discord_errors.Classification:
    if not error.was_sent:
        return discord_errors.HELD_BACK
    return replace(discord_errors.RATE_LIMITED, wait_seconds=min(error.retry_after, MAX_LIMIT))


def _delivery_error(
    classification: discord_errors.Classification, error: discord.HTTPException
) -> discord_errors.DeliveryError:
    return discord_errors.DeliveryError(classification, str(error), status=error.status, code=error.code)
