"""The relay's `Sender`: sends parts with single attempts, and searches a channel for an earlier copy.

It works after `client.login()`, without the Gateway and its cache.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, assert_never

import discord

from bot.client import custom_ids, rest, webhook
from bot.client.message_builder import NO_MENTIONS
from bot.outbox import contents, outcomes
from bot.outbox.outcomes import HISTORY_UNREADABLE, Classification, DeliveryError, Disposition, SendRequest
from storage.models import PartKind, Reason, Receipt

PAGE_SIZE = 100
MAX_PAGES = 10
"""Search at most the last 1,000 messages. Older messages count as unverifiable."""
CLOCK_SKEW = timedelta(hours=1)
"""The maximum lead of the local clock over Discord's, which determines message ids."""

REQUIRE_TAG = 1 << 4
"""Channel flag of a forum that requires a tag (Discord docs, resources/channel)."""

FENCE_SECONDS = 5.0
"""The longest time between checking the sender lock and sending a request without a nonce."""
MESSAGE_FENCE_SECONDS = 40.0
"""The longest time between a claim and sending its message. Together with the 60 seconds for which an earlier
nonce is trusted, and 20 to arrive, this is how long Discord is assumed to remember a nonce.
"""
HAS_THREAD = 160004
UNVERIFIABLE = Classification(Disposition.UNVERIFIABLE, Reason.UNCERTAIN)


class DiscordSender:
    """Sends as a logged-in client, and through webhooks.

    `is_sender` returns whether this process still holds the sender lock. It is called before each request
    without a nonce: a process that was frozen must not repeat what its successor sent.
    """

    def __init__(
        self, client: discord.Client, rest_client: rest.RestClient, is_sender: Callable[[], Awaitable[bool]]
    ) -> None:
        self._client = client
        self._request = rest_client.request
        self._is_sender = is_sender
        self._opening_dm = asyncio.Lock()

    async def send(self, request: SendRequest) -> Receipt:
        """Make a single attempt at the request. Raises DeliveryError."""
        if request.webhook_token is not None:
            return await self._send_by_webhook(request)
        self._require_bot()
        match request.kind:
            case PartKind.MESSAGE | PartKind.THREAD_MESSAGE:
                return await self._send_message(request)
            case PartKind.FORUM_POST:
                return await self._create_forum_post(request)
            case PartKind.THREAD:
                return await self._create_thread(request)
            case PartKind.CROSSPOST:
                path = f"/channels/{request.channel_id}/messages/{_target_message_id(request)}/crosspost"
                await self._request("POST", path, request.kind)
            case PartKind.EDIT:
                path = f"/channels/{request.channel_id}/messages/{_target_message_id(request)}"
                payload = {"allowed_mentions": NO_MENTIONS} | request.payload
                fence = await self._make_sender_fence()
                await self._request("PATCH", path, request.kind, payload=payload, fence=fence)
            case PartKind.REQUEST:
                return await self._make_request(request)
            case PartKind.COUNT:
                return await self._count_votes(request)
            case _:
                assert_never(request.kind)
        return Receipt(request.message_id, request.channel_id)

    async def find(self, request: SendRequest, since: datetime) -> Receipt | None:
        """Return the receipt of a message sent after `since` (UTC) with the request's marker, or None.

        Always returns None for kinds that can safely be repeated. Raises DeliveryError if the message may exist but
        cannot be found.
        """
        if request.kind not in contents.MARKED_KINDS:
            return None
        if request.webhook_token is not None:
            raise DeliveryError(
                UNVERIFIABLE, "a webhook's messages cannot be looked up; it is not sent again"
            )
        if request.marker is None:
            raise DeliveryError(HISTORY_UNREADABLE, "the message has no marker to look for")
        self._require_bot()
        if request.kind is PartKind.FORUM_POST:
            return await self._find_forum_post(request, since)
        return await self._find_message(request, since)

    async def open_dm(self, user_id: int) -> int:
        """Open a DM channel with a user and return its id. Raises DeliveryError."""
        self._require_bot()
        async with self._opening_dm:  # they share one rate limit
            channel = await self._request(
                "POST", "/users/@me/channels", payload={"recipient_id": str(user_id)}
            )
        return _read_receipt(channel, "id").channel_id

    def _require_bot(self) -> None:
        if self._client.user is None:
            raise DeliveryError(
                outcomes.NO_BOT, "DISCORD_TOKEN is not set; only posts through webhooks are sent"
            )

    async def _send_message(self, request: SendRequest) -> Receipt:
        payload = (
            {"allowed_mentions": NO_MENTIONS}
            | request.payload
            | {"nonce": request.nonce, "enforce_nonce": True}
        )
        # If this process was frozen, another may have sent the message before Discord forgot the nonce.
        fence = _make_fence(request.claimed_at, MESSAGE_FENCE_SECONDS)
        path = f"/channels/{request.channel_id}/messages"
        try:
            message = await self._request("POST", path, request.kind, payload=payload, fence=fence)
        except DeliveryError as error:
            if "poll" not in payload or error.classification.reason is not Reason.NO_SEND:
                raise
            raise error.meaning(reason=Reason.NO_POLLS) from error
        return replace(_read_receipt(message, "channel_id"), answer=_read_poll(message))

    async def _count_votes(self, request: SendRequest) -> Receipt:
        """Read the votes of a poll that has ended, in the order of its answers, whose ids are Discord's."""
        message = await self._request("GET", request.payload["path"], request.kind)
        try:
            poll = message["poll"]
            results = poll.get("results") or {}
            counts = {row["id"]: int(row["count"]) for row in results.get("answer_counts") or ()}
            votes = [counts.get(answer["answer_id"], 0) for answer in poll["answers"]]
        except rest.UNREADABLE as error:
            raise DeliveryError(outcomes.NOT_ACCEPTED, "the answer has no poll") from error
        if not results.get("is_finalized"):
            raise DeliveryError(outcomes.NOT_ACCEPTED, "the votes are not final yet")
        return Receipt(None, request.channel_id, {"votes": votes})

    async def _create_forum_post(self, request: SendRequest) -> Receipt:
        message = {"allowed_mentions": NO_MENTIONS} | request.payload["message"]
        payload = request.payload | {"message": message}
        payload["applied_tags"] = await self._choose_tags(request)
        thread = await self._request(
            "POST",
            f"/channels/{request.channel_id}/threads",
            request.kind,
            payload=payload,
            query={"use_nested_fields": "1"},
            fence=await self._make_sender_fence(),
        )
        return _read_receipt(thread, "id")

    async def _choose_tags(self, request: SendRequest) -> list[str]:
        """Return the tags of a forum post: those chosen for it that the forum still has, else the first if one is required.

        Tags that only moderators may set are left out.
        """
        channel = await self._request("GET", f"/channels/{request.channel_id}", PartKind.FORUM_POST)
        open_ids = [str(tag["id"]) for tag in channel.get("available_tags") or () if not tag.get("moderated")]
        if chosen := [tag for tag in request.payload.get("applied_tags") or () if tag in open_ids]:
            return chosen
        return open_ids[:1] if int(channel.get("flags") or 0) & REQUIRE_TAG else []

    async def _create_thread(self, request: SendRequest) -> Receipt:
        message_id = _target_message_id(request)
        path = f"/channels/{request.channel_id}/messages/{message_id}/threads"
        try:
            _read_receipt(await self._request("POST", path, request.kind, payload=request.payload), "id")
        except DeliveryError as error:
            if error.code != HAS_THREAD:
                raise
        # A thread created from a message has the message's id.
        return Receipt(message_id, message_id)

    async def _make_request(self, request: SendRequest) -> Receipt:
        """Make the request, unless the bot has already created an object with the same values for the keys `same`."""
        method, path, body = request.payload["method"], request.payload["path"], request.payload.get("body")
        if same := request.payload.get("same"):
            for existing in await self._request("GET", path, request.kind):
                is_own = int(existing.get("creator_id") or 0) == self._bot_user_id
                if is_own and all(existing.get(key) == request.payload["body"][key] for key in same):
                    return Receipt(int(existing["id"]), request.channel_id)
        fence = await self._make_sender_fence()
        answer = await self._request(method, path, request.kind, payload=body, fence=fence)
        return Receipt(_read_receipt(answer, "id").message_id if same else None, request.channel_id)

    async def _make_sender_fence(self) -> Callable[[], None]:
        """Return a fence for a request without a nonce. Raises DeliveryError if this process is not the sender."""
        fence = _make_fence(time.monotonic(), FENCE_SECONDS)
        if not await self._is_sender():
            raise DeliveryError(outcomes.NOT_ACCEPTED, "this process is no longer the sender")
        return fence

    async def _send_by_webhook(self, request: SendRequest) -> Receipt:
        """Send a message through a webhook, whose id becomes the receipt's channel.

        The webhook is requested first, so that an outage or a deleted webhook is noticed before anything is
        sent: Discord accepts no nonce from a webhook and does not list its messages (its OpenAPI document,
        2026).
        """
        token, _, thread_id = (request.webhook_token or "").partition(webhook.THREAD)
        path = f"/webhooks/{request.channel_id}/{token}"
        try:
            await self._request("GET", path, request.kind)
        except DeliveryError as error:
            if error.classification.disposition is not Disposition.UNKNOWN:
                raise
            raise error.meaning(disposition=Disposition.RETRY) from error
        payload = request.payload | {"allowed_mentions": NO_MENTIONS}
        query = {"wait": "true", "with_components": "true"} | ({"thread_id": thread_id} if thread_id else {})
        message = await self._request("POST", path, request.kind, payload=payload, query=query)
        return Receipt(_read_receipt(message, "id").message_id, request.channel_id)

    # Finding a message whose outcome is unknown.

    async def _find_message(self, request: SendRequest, since: datetime) -> Receipt | None:
        # Newest first without a lower bound, which could exclude the message if the local clock was fast.
        path, query = f"/channels/{request.channel_id}/messages", {"limit": str(PAGE_SIZE)}
        for _ in range(MAX_PAGES):
            page = await self._request("GET", path, request.kind, query=query)
            if not page and "before" not in query:
                await self._check_may_read_history(request)
            for message in page:
                if self._is_ours(request, message):
                    return Receipt(int(message["id"]), request.channel_id, _read_poll(message))
            if len(page) < PAGE_SIZE or not _is_newer(int(page[-1]["id"]), since):
                return None
            query["before"] = page[-1]["id"]
        raise DeliveryError(HISTORY_UNREADABLE, "too many messages were posted since")

    async def _check_may_read_history(self, request: SendRequest) -> None:
        """Raise DeliveryError if the history is unreadable, in which case Discord returns empty lists."""
        if request.guild_id is None:
            return
        try:
            await self._find_first_message(request.channel_id)
        except DeliveryError as error:
            if error.status != 403:
                raise
            raise DeliveryError(HISTORY_UNREADABLE, "no permission to read the channel's history") from error

    async def _find_forum_post(self, request: SendRequest, since: datetime) -> Receipt | None:
        try:
            async for thread in self._list_threads(request, since):
                thread_id = int(thread["id"])
                is_own = int(thread.get("owner_id") or 0) == self._bot_user_id
                is_named = thread["name"] == request.payload["name"]
                if is_own and (is_named or _is_newer(thread_id, since)):
                    first = await self._find_first_message(thread_id)
                    if first is not None and self._is_ours(request, first):
                        return Receipt(thread_id, thread_id)
        except DeliveryError as error:
            if error.status != 403:
                raise
            await self._request(
                "GET", f"/channels/{request.channel_id}", request.kind
            )  # raises if the forum is hidden
            raise DeliveryError(HISTORY_UNREADABLE, "no permission to read the forum's history") from error
        return None

    async def _find_first_message(self, thread_id: int) -> Any:
        """Return the message with the same id as its thread (the first message of a forum post), or None."""
        try:
            return await self._request("GET", f"/channels/{thread_id}/messages/{thread_id}")
        except DeliveryError as error:
            if error.status != 404:
                raise
            return None

    async def _list_threads(self, request: SendRequest, since: datetime) -> AsyncIterator[Any]:
        """Yield a channel's active threads, and those archived since about `since`. Raises DeliveryError."""
        if request.guild_id is not None:
            active = await self._request("GET", f"/guilds/{request.guild_id}/threads/active", request.kind)
            for thread in active["threads"]:
                if thread["parent_id"] == str(request.channel_id):
                    yield thread
        path = f"/channels/{request.channel_id}/threads/archived/public"
        query = {"limit": str(PAGE_SIZE)}
        for _ in range(MAX_PAGES):
            page = await self._request("GET", path, request.kind, query=query)
            for thread in page["threads"]:
                yield thread
            if not page["has_more"] or not page["threads"]:
                return
            # Most recently archived first; a thread cannot be archived before it is created.
            archived_at = discord.utils.parse_time(
                page["threads"][-1]["thread_metadata"]["archive_timestamp"]
            )
            if archived_at < since - CLOCK_SKEW:
                return
            # `before` is exclusive, but other threads may have been archived at the same time.
            query["before"] = (archived_at + timedelta(microseconds=1)).isoformat()
        raise DeliveryError(HISTORY_UNREADABLE, "too many threads were archived since")

    def _is_ours(self, request: SendRequest, message: Any) -> bool:
        by_bot = int(message["author"]["id"]) == self._bot_user_id
        return by_bot and request.marker is not None and _has_marker(message, request.marker)

    @property
    def _bot_user_id(self) -> int:
        return self._client.user.id if self._client.user is not None else 0


def _make_fence(checked_at: float, seconds: float) -> Callable[[], None]:
    """Return a function that raises DeliveryError if the lock was checked more than `seconds` ago."""

    def check() -> None:
        if time.monotonic() - checked_at > seconds:
            raise DeliveryError(outcomes.NOT_ACCEPTED, "the request was held up before it was sent")

    return check


def _read_receipt(answer: Any, channel_key: str) -> Receipt:
    """Return the ids in a response. Raises DeliveryError (unknown outcome) if they are missing or invalid."""
    try:
        message_id, channel_id = (custom_ids.parse_number(answer[key]) for key in ("id", channel_key))
        return Receipt(message_id, channel_id)
    except rest.UNREADABLE as error:
        raise DeliveryError(outcomes.OUTCOME_UNKNOWN, "the answer has no id of a message") from error


def _read_poll(message: Any) -> dict[str, str] | None:
    """Return when the poll of a message ends; None without one, or if Discord does not say."""
    with suppress(*rest.UNREADABLE):
        return {"ends_at": datetime.fromisoformat(message["poll"]["expiry"]).isoformat()}
    return None


def _target_message_id(request: SendRequest) -> int:
    assert request.message_id is not None, "the relay sends no such part"
    return request.message_id


def _has_marker(message: Any, marker: str) -> bool:
    """Return whether a message has the marker where views put it: in a custom id or a link's fragment."""
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
