"""The relay's `Sender` over discord.py's HTTP client: single attempts, without retries.

Works after `client.login()`, without the Gateway. Uses discord.py's internal HTTP methods to send stored payloads.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, assert_never

import aiohttp
import discord
from discord import http

from bot.client import message_builder, request_gate, webhook
from bot.client.message_builder import NO_MENTIONS
from bot.outbox import outcomes
from bot.outbox.discord_health import MAX_LIMIT
from bot.outbox.outcomes import HISTORY_UNREADABLE, Classification, DeliveryError, Disposition, SendRequest
from storage.models import PartKind, Reason, Receipt

PAGE_SIZE = 100
MAX_PAGES = 10
"""Search at most the last 1000 messages; older ones count as unverifiable."""
CLOCK_SKEW = timedelta(hours=1)
"""How far the local clock may have been ahead of Discord's, which message ids contain. A longer step of it is held."""

REQUIRE_TAG = 1 << 4
"""Channel flag of a forum that requires a tag (Discord docs, resources/channel)."""

AUTO_ARCHIVE_MINUTES = 1440
CROSSPOST_LIMIT = 9
CROSSPOST_PERIOD = 3600.0
"""Discord publishes 10 messages of a channel per hour (seconds). After the tenth discord.py would sleep."""
FENCE_SECONDS = 5.0
"""A forum post leaves at most this long after the check that this process is the sender."""
MESSAGE_FENCE_SECONDS = 40.0
"""A message leaves at most this long after its part was claimed: with the 60 seconds for which an earlier attempt's nonce is
trusted, and 20 to arrive, that is how long Discord is assumed to remember a nonce."""
UNKNOWN_CHANNEL = 10003
UNCONFIRMED = Classification(Disposition.RETRY, Reason.DISCORD_TROUBLE)
"""Discord did not find the channel once, but shows it, or does not answer."""
NOT_SENDER = Classification(Disposition.RETRY, Reason.DISCORD_TROUBLE)
"""Certainly not sent, by a process that may have lost the sender lock."""


async def _always_sender() -> bool:
    return True


class DiscordSender:
    """Sends through a logged-in client whose requests pass a `RequestGate`, and posts of webhooks through `webhooks`.

    `is_sender` tells whether this process still holds the sender lock. It is asked right before each forum post, which
    has no nonce: a process that was frozen meanwhile must not send what its successor sends.
    """

    def __init__(
        self,
        client: discord.Client,
        is_sender: Callable[[], Awaitable[bool]] = _always_sender,
        webhooks: webhook.WebhookSender | None = None,
    ) -> None:
        self._client = client
        self._webhooks = webhooks or webhook.WebhookSender()
        self._is_sender = is_sender
        self._crosspost_limiter = outcomes.RateLimiter(time.monotonic, CROSSPOST_LIMIT, CROSSPOST_PERIOD)

    async def send(self, request: SendRequest) -> Receipt:
        """Attempt a request once. Raises DeliveryError."""
        if request.webhook_token is not None:
            return await self._webhooks.send(request)
        async with self._confirming(request):
            match request.kind:
                case PartKind.MESSAGE | PartKind.THREAD_MESSAGE:
                    return await self._send_message(request)
                case PartKind.FORUM_POST:
                    return await self._create_forum_post(request)
                case PartKind.THREAD:
                    return await self._create_thread(request)
                case PartKind.CROSSPOST:
                    await self._publish(request)
                case _:
                    assert_never(request.kind)
        return Receipt(request.message_id, request.channel_id)

    async def find(self, request: SendRequest, since: datetime) -> Receipt | None:
        """Search for the request's message since `since` (UTC). Raises DeliveryError.

        Returns None for THREAD and CROSSPOST, which can be repeated without harm.
        """
        if request.kind in (PartKind.THREAD, PartKind.CROSSPOST):
            return None
        if request.webhook_token is not None:
            return self._webhooks.find(request)
        if request.marker is None:
            raise DeliveryError(HISTORY_UNREADABLE, "the message has no marker to look for")
        async with self._confirming(request):
            if request.kind is PartKind.FORUM_POST:
                return await find_forum_post(self._client, request, since, self._check_may_read_history)
            return await find_message(self._client, request, since, self._check_may_read_history)

    async def _check_may_read_history(self, request: SendRequest) -> None:
        if request.guild_id is None:
            return
        # Not from the cache: it is stale while the Gateway is away, which a half-open connection does not tell, and what was
        # lost with the network is what is looked for.
        me = await self._fetch_me(request.guild_id)
        channel: Any = await me.guild.fetch_channel(request.channel_id)
        if isinstance(channel, discord.Thread):
            # A thread inherits the permissions of its parent.
            channel = await me.guild.fetch_channel(channel.parent_id)
        permissions = channel.permissions_for(me)
        if not (permissions.view_channel and permissions.read_message_history):
            raise DeliveryError(HISTORY_UNREADABLE, "no permission to read the channel's history")

    async def _fetch_me(self, guild_id: int) -> discord.Member:
        guild = await self._client.fetch_guild(guild_id, with_counts=False)
        return await guild.fetch_member(_bot_user_id(self._client))

    async def open_dm(self, user_id: int) -> int:
        """Open the direct messages with a user and return the channel's id. Raises DeliveryError."""
        self._require_bot()
        with map_discord_errors(PartKind.MESSAGE):
            return _read_receipt(await self._client.http.start_private_message(user_id), "id").channel_id

    def _require_bot(self) -> None:
        if self._client.user is None:
            raise DeliveryError(
                outcomes.NO_BOT, "DISCORD_TOKEN is not set; only posts through webhooks are sent"
            )

    @asynccontextmanager
    async def _confirming(self, request: SendRequest) -> AsyncIterator[None]:
        """Map errors. That the channel is gone, which closes what posts there for good, must be Discord's answer twice."""
        self._require_bot()
        try:
            with map_discord_errors(request.kind):
                yield
        except DeliveryError as error:
            if error.classification != outcomes.DISCORD_ERRORS[UNKNOWN_CHANNEL]:
                raise
            try:
                with map_discord_errors(request.kind):
                    await self._client.http.get_channel(request.channel_id)
            except DeliveryError as check:
                if check.classification.disposition is not Disposition.UNKNOWN:
                    raise
            raise DeliveryError(UNCONFIRMED, str(error), status=error.status, code=error.code) from error

    async def _send_message(self, request: SendRequest) -> Receipt:
        payload = self._with_safe_mentions(request.channel_id, request.payload) | {
            "nonce": request.nonce,
            "enforce_nonce": True,
        }
        route = http.Route("POST", "/channels/{channel_id}/messages", channel_id=request.channel_id)
        # While this process was frozen another one may have become the sender, and have sent it so long ago that Discord has
        # forgotten the nonce.
        fence: Any = _Fence(request.claimed_at, MESSAGE_FENCE_SECONDS)
        message = await self._client.http.request(route, json=payload, files=fence)
        return _read_receipt(message, "channel_id")

    async def _create_forum_post(self, request: SendRequest) -> Receipt:
        message = self._with_safe_mentions(request.channel_id, request.payload["message"])
        payload = request.payload | {"message": message}
        if tag := await find_required_tag(self._client, request.channel_id):
            payload["applied_tags"] = [tag]
        route = http.Route("POST", "/channels/{channel_id}/threads", channel_id=request.channel_id)
        fence: Any = _Fence(time.monotonic(), FENCE_SECONDS)
        if not await self._is_sender():
            raise DeliveryError(NOT_SENDER, "this process is no longer the sender")
        query = {"use_nested_fields": 1}
        thread = await self._client.http.request(route, json=payload, params=query, files=fence)
        return _read_receipt(thread, "id")

    def _with_safe_mentions(self, channel_id: int, payload: dict[str, Any]) -> dict[str, Any]:
        """Return a message that notifies only the roles that it names, without those that the server deleted.

        The roles of a server that is not cached are taken to exist.
        """
        payload = {"allowed_mentions": NO_MENTIONS} | payload
        guild = getattr(self._client.get_channel(channel_id), "guild", None)
        roles = payload["allowed_mentions"].get("roles", [])
        if guild is None or guild.unavailable or all(guild.get_role(int(role)) for role in roles):
            return payload
        text = json.dumps(payload | {"allowed_mentions": NO_MENTIONS}, ensure_ascii=False)
        for role in roles:
            text = text.replace(f"<@&{role}>\\n", "").replace(f"<@&{role}>", "")
        without: dict[str, Any] = json.loads(text)
        return without

    async def _create_thread(self, request: SendRequest) -> Receipt:
        message_id = _target_message_id(request)
        minutes: Any = request.payload.get("auto_archive_duration", AUTO_ARCHIVE_MINUTES)
        try:
            thread = await self._client.http.start_thread_with_message(
                request.channel_id, message_id, name=request.payload["name"], auto_archive_duration=minutes
            )
            _read_receipt(thread, "id")
        except discord.HTTPException as error:
            if error.code != 160004:  # the message already has a thread
                raise
        # A thread created from a message has the id of that message.
        return Receipt(message_id, message_id)

    async def _publish(self, request: SendRequest) -> None:
        wait = self._crosspost_limiter.delay(request.channel_id)
        if wait:
            limited = Classification(Disposition.RETRY, Reason.RATE_LIMITED, wait)
            raise DeliveryError(limited, "the channel reached its limit of published messages per hour")
        self._crosspost_limiter.hit(request.channel_id)
        await self._client.http.publish_message(request.channel_id, _target_message_id(request))


class _Fence:
    """An empty list of uploads: discord.py goes through it right before it sends the request."""

    def __init__(self, checked_at: float, seconds: float) -> None:
        self._checked_at = checked_at
        self._seconds = seconds

    def __iter__(self) -> Iterator[discord.File]:
        """Raise DeliveryError if the sender lock was checked too long ago; the next attempt checks it again."""
        if time.monotonic() - self._checked_at > self._seconds:
            raise DeliveryError(NOT_SENDER, "the request was held up before it was sent")
        return iter(())


def _read_receipt(answer: Any, channel_key: str) -> Receipt:
    """Return the ids in an answer. Raises ForeignAnswerError for one without them, which is not Discord's.

    Nor is one with an id that cannot be stored: receipts are stored together, and it would hold up all others.
    """
    try:
        message_id, channel_id = (message_builder.parse_number(answer[key]) for key in ("id", channel_key))
        return Receipt(message_id, channel_id)
    except request_gate.UNREADABLE as error:
        raise request_gate.ForeignAnswerError(200) from error


def _target_message_id(request: SendRequest) -> int:
    if request.message_id is None:
        gone = Classification(Disposition.TARGET_GONE, Reason.UNKNOWN_CHANNEL)
        raise DeliveryError(gone, "the target message is gone")
    return request.message_id


@contextmanager
def map_discord_errors(kind: PartKind) -> Iterator[None]:
    """Convert the errors of discord.py and aiohttp to DeliveryError."""
    try:
        yield
    except request_gate.HeldBackError as error:
        limited = replace(outcomes.RATE_LIMITED, wait_seconds=min(error.retry_after, MAX_LIMIT))
        raise _delivery_error(limited if error.was_sent else outcomes.HELD_BACK, error) from error
    except request_gate.ForeignAnswerError as error:
        is_refusal = 400 <= error.seen_status < 500
        classification = outcomes.FOREIGN_REFUSAL if is_refusal else outcomes.OUTCOME_UNKNOWN
        raise DeliveryError(classification, str(error), status=error.seen_status) from error
    except discord.HTTPException as error:
        raise _delivery_error(outcomes.classify(error.status, error.code, kind), error) from error
    except aiohttp.ClientConnectorError as error:
        raise DeliveryError(outcomes.CONNECT_FAILED, str(error)) from error
    except (aiohttp.ClientError, OSError) as error:
        raise DeliveryError(outcomes.OUTCOME_UNKNOWN, f"{type(error).__name__}: {error}") from error


def _delivery_error(classification: Classification, error: discord.HTTPException) -> DeliveryError:
    return DeliveryError(classification, str(error), status=error.status, code=error.code)


# Finding a message whose outcome is unknown. It works without the Gateway and its cache: everything is requested.


Check = Callable[[SendRequest], Awaitable[None]]
"""Raises DeliveryError if the history may not be read: then Discord answers with no messages."""


async def find_message(
    client: discord.Client, request: SendRequest, since: datetime, check: Check
) -> Receipt | None:
    """Return the bot's message with the request's marker, or None if it is certainly absent. Raises DeliveryError."""
    # Newest first, without a lower bound: a local clock that was ahead would put the message before the bound.
    before: int | None = None
    for _ in range(MAX_PAGES):
        page = await client.http.logs_from(request.channel_id, PAGE_SIZE, before=before)
        if not page and before is None:
            await check(request)
        for message in page:
            if _is_ours(client, request, message):
                return Receipt(int(message["id"]), request.channel_id)
        if len(page) < PAGE_SIZE or not _is_newer(int(page[-1]["id"]), since):
            return None
        before = int(page[-1]["id"])
    raise DeliveryError(HISTORY_UNREADABLE, "too many messages were posted since")


async def find_forum_post(
    client: discord.Client, request: SendRequest, since: datetime, check: Check
) -> Receipt | None:
    """Return the bot's post whose first message has the marker, or None if it is certainly absent. Raises DeliveryError."""
    await check(request)
    async for thread in _list_threads(client, request, since):
        thread_id = int(thread["id"])
        is_own = int(thread.get("owner_id") or 0) == _bot_user_id(client)
        if not is_own or not (thread["name"] == request.payload["name"] or _is_newer(thread_id, since)):
            continue
        try:
            first = await client.http.get_message(thread_id, thread_id)
        except discord.NotFound:
            continue
        if _is_ours(client, request, first):
            return Receipt(thread_id, thread_id)
    return None


async def _list_threads(client: discord.Client, request: SendRequest, since: datetime) -> AsyncIterator[Any]:
    """Yield the active threads of a channel, and those archived since a time or a little before. Raises DeliveryError."""
    if request.guild_id is not None:
        for thread in (await client.http.get_active_threads(request.guild_id))["threads"]:
            if thread["parent_id"] == str(request.channel_id):
                yield thread
    before: Any = None
    for _ in range(MAX_PAGES):
        page = await client.http.get_public_archived_threads(request.channel_id, before, limit=PAGE_SIZE)
        for thread in page["threads"]:
            yield thread
        if not page["has_more"] or not page["threads"]:
            return
        # Last archived first; a thread cannot be archived before it exists.
        archived_at = discord.utils.parse_time(page["threads"][-1]["thread_metadata"]["archive_timestamp"])
        if archived_at < since - CLOCK_SKEW:
            return
        # `before` excludes its own moment, at which others may have been archived too.
        before = (archived_at + timedelta(microseconds=1)).isoformat()
    raise DeliveryError(HISTORY_UNREADABLE, "too many threads were archived since")


def _is_ours(client: discord.Client, request: SendRequest, message: Any) -> bool:
    by_bot = int(message["author"]["id"]) == _bot_user_id(client)
    return by_bot and request.marker is not None and _has_marker(message, request.marker)


def _has_marker(message: Any, marker: str) -> bool:
    """Whether a message has the marker where views put it: at the start of a custom id, or as a link's fragment."""
    if f"#{marker}>)" in (message.get("content") or ""):
        return True
    if any((embed.get("url") or "").endswith(f"#{marker}") for embed in message.get("embeds") or ()):
        return True
    return any(custom_id.startswith(marker) for custom_id in _list_custom_ids(message))


def _list_custom_ids(component: Any) -> Iterator[str]:
    if "custom_id" in component:
        yield component["custom_id"]
    for child in filter(None, (*(component.get("components") or ()), component.get("accessory"))):
        yield from _list_custom_ids(child)


def _is_newer(snowflake: int, since: datetime) -> bool:
    return discord.utils.snowflake_time(snowflake) >= since - CLOCK_SKEW


def _bot_user_id(client: discord.Client) -> int:
    return client.user.id if client.user is not None else 0


async def find_required_tag(client: discord.Client, channel_id: int) -> str | None:
    """Return the id of a forum's first tag that anyone may set, if it requires one, from the cache or one request.

    Raises discord.HTTPException.
    """
    cached = client.get_channel(channel_id)
    if isinstance(cached, discord.ForumChannel):
        open_ids = [str(tag.id) for tag in cached.available_tags if not tag.moderated]
        is_required = cached.flags.require_tag
    else:
        route = http.Route("GET", "/channels/{channel_id}", channel_id=channel_id)
        channel = await client.http.request(route)
        open_ids = [str(tag["id"]) for tag in channel.get("available_tags") or () if not tag.get("moderated")]
        is_required = bool(int(channel.get("flags") or 0) & REQUIRE_TAG)
    return open_ids[0] if is_required and open_ids else None
