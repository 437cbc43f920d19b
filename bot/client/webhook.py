"""Posts by Discord webhooks: the address, which is a secret, and single attempts with it alone, without a bot.

Discord takes no nonce from a webhook and lists none of its messages (its OpenAPI document, 2026), so that a message of an
unknown outcome cannot be looked for: it is never sent again. Each message is preceded by a question for the webhook, so that
Discord's outages and a deleted webhook are noticed before anything is sent.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import aiohttp
from discord import http

from bot.client import message_builder, request_gate
from bot.client.message_builder import NO_MENTIONS
from bot.core.settings import Settings
from bot.outbox import outcomes
from bot.outbox.discord_health import MAX_LIMIT, Answer
from bot.outbox.outcomes import Classification, DeliveryError, Disposition, SendRequest
from storage import errors
from storage.models import PartKind, Reason, Receipt

MAX_ADDRESS_LENGTH = 500
MAX_ANSWER_BYTES = 1_000_000
LIMIT_SECONDS = 60.0
"""The wait after a rate limit that does not say how long it lasts."""
KEPT_RECEIPTS = 1_000

UNVERIFIABLE = Classification(Disposition.UNVERIFIABLE, Reason.UNCERTAIN)
_ENDPOINT = r"/webhooks/([0-9]{1,19})/([A-Za-z0-9_-]{10,200})/?"
_DISCORDS = re.compile(r"https://discord\.com/api(?:/v[0-9]{1,2})?" + _ENDPOINT)
_UNAVAILABLE = 503
"""A proxy's page with this status says that the request was not passed on; one with another 5xx does not."""


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
    restore = request_gate.override_endpoints(settings.discord_api_url, None)
    failures: dict[int, DeliveryError] = {}

    async def check(webhook_id: int, token: str) -> None:
        try:
            await WebhookSender().check(webhook_id, token)
        except DeliveryError as error:
            failures[webhook_id] = error

    try:
        await asyncio.gather(*(check(*item) for item in tokens.items()))
    finally:
        restore()
    return failures


class WebhookSender:
    """Makes single attempts by webhooks. `report` receives Discord's answers, as it does those to the bot's requests."""

    def __init__(self, report: Callable[[Answer], None] = lambda _: None) -> None:
        self._report = report
        self._receipts: dict[str, Receipt] = {}

    async def check(self, webhook_id: int, token: str) -> None:
        """Ask Discord for the webhook. Raises DeliveryError."""
        request = SendRequest(PartKind.MESSAGE, webhook_id, {}, "", webhook_token=token)
        async with _open_session() as session:
            await self._ask(session, request)

    async def send(self, request: SendRequest) -> Receipt:
        """Send a message. Raises DeliveryError. The channel of the receipt is the webhook's id."""
        payload = request.payload | {"allowed_mentions": NO_MENTIONS}
        async with _open_session() as session:
            await self._ask(session, request)
            answer = await self._exchange(
                session, "POST", request, "", payload, wait="true", with_components="true"
            )
        try:
            receipt = Receipt(message_builder.parse_number(answer["id"]), request.channel_id)
        except request_gate.UNREADABLE as error:
            raise DeliveryError(outcomes.OUTCOME_UNKNOWN, "the response has no message id") from error
        while len(self._receipts) >= KEPT_RECEIPTS:
            del self._receipts[next(iter(self._receipts))]
        self._receipts[request.nonce] = receipt
        return receipt

    def find(self, request: SendRequest) -> Receipt:
        """Return the receipt of a message that this process sent, though it could not be stored. Raises DeliveryError."""
        receipt = self._receipts.get(request.nonce)
        if receipt is None:
            raise DeliveryError(
                UNVERIFIABLE, "a webhook's messages cannot be looked up, so the message is not sent again"
            )
        return receipt

    async def _ask(self, session: aiohttp.ClientSession, request: SendRequest) -> None:
        """Ask for the webhook: no failure leaves it open whether a message was sent."""
        try:
            await self._exchange(session, "GET", request)
        except DeliveryError as error:
            if error.classification.disposition is not Disposition.UNKNOWN:
                raise
            certain = replace(error.classification, disposition=Disposition.RETRY)
            raise DeliveryError(certain, str(error), status=error.status, code=error.code) from error

    async def _exchange(
        self,
        session: aiohttp.ClientSession,
        method: str,
        request: SendRequest,
        path: str = "",
        payload: dict[str, Any] | None = None,
        **query: str,
    ) -> Any:
        """Return the JSON of Discord's answer. Raises DeliveryError."""
        url = f"{http.Route.BASE}/webhooks/{request.channel_id}/{request.webhook_token}{path}"
        try:
            # A redirect is not Discord's, and would take the secret along.
            async with session.request(
                method, url, params=query, json=payload, allow_redirects=False
            ) as response:
                body = await _read(response)
        except aiohttp.ClientConnectorError as error:
            raise DeliveryError(outcomes.CONNECT_FAILED, str(error)) from error
        except (aiohttp.ClientError, OSError) as error:
            raise DeliveryError(outcomes.OUTCOME_UNKNOWN, f"{type(error).__name__}: {error}") from error
        answer = request_gate.add_error_body(request_gate.read_answer(response), body)
        if answer.is_json:
            self._report(answer)  # a page says nothing about the bot's own requests
        if not (answer.is_json and answer.status < 300):
            text = f"Discord answered {answer.status} ({answer.code})"
            if not answer.is_discords:
                text = f"status {answer.status} without Discord's own error code"
            raise DeliveryError(
                _classify(answer, request.kind), text, status=answer.status, code=answer.code or None
            )
        try:
            return json.loads(body)
        except request_gate.UNREADABLE as error:
            raise DeliveryError(outcomes.OUTCOME_UNKNOWN, "the response cannot be read") from error


def _classify(answer: Answer, kind: PartKind) -> Classification:
    """Classify an answer that is not Discord's success."""
    if answer.status == 429:
        seconds = LIMIT_SECONDS if answer.retry_after is None else answer.retry_after
        return replace(outcomes.RATE_LIMITED, wait_seconds=min(max(seconds, 0.1), MAX_LIMIT))
    if not answer.is_json and (answer.status < 500 or answer.status == _UNAVAILABLE):
        return outcomes.FOREIGN_REFUSAL
    if answer.status == 401:
        return outcomes.WEBHOOK_GONE  # with any code: it says nothing about the bot's token
    return outcomes.classify(answer.status, answer.code, kind)


def _open_session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=request_gate.REQUEST_SECONDS))


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Return the body of an answer, or as much as an answer of Discord can have."""
    try:
        return await response.content.readexactly(MAX_ANSWER_BYTES)
    except asyncio.IncompleteReadError as error:
        return error.partial
