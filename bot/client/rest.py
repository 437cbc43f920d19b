"""Requests to Discord's REST API for posts by the bot and by webhooks.

They share a rate limit with discord.py's requests. discord.py handles the Gateway, commands and replies to
interactions. The URLs can be overridden.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import aiohttp
import structlog
import yarl
from discord import gateway, http

from bot.core import clock, isolation, program
from bot.outbox import outcomes
from bot.outbox.outcomes import Classification, DeliveryError
from bot.outbox.request_pacing import MAX_LIMIT, AnswerListener, HttpAnswer, Pace
from storage import errors
from storage.models import PartKind

REQUEST_SECONDS = 20.0
"""The timeout of a request, after which its outcome is unknown."""

LIMIT_SECONDS = 30.0
"""The wait after a rate limit of unknown length."""

ERROR_CODES = range(10_000, 10_000_000)
"""Discord's error codes (Discord docs, topics/opcodes-and-status-codes, 2026). A proxy has other codes."""

UNREADABLE = (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError)
"""Exceptions raised while parsing a body that is not Discord's."""

MAX_ANSWERED = 200
"""The number of interactions that are remembered as answered. Discord takes an answer for 15 minutes."""

log = structlog.get_logger(__name__)


class RestClient:
    """Sends requests to Discord within the rate limit, without retries. `report` gets each response, `proxy` each request."""

    def __init__(
        self, pace: Pace, report: AnswerListener, token: str | None, proxy: str | None = None
    ) -> None:
        self._pace = pace
        self._proxy = proxy
        self._report = report
        self._token = token
        self._session: aiohttp.ClientSession | None = None
        self._reset_at: dict[tuple[str, str, str], float] = {}

    async def close(self) -> None:
        """Close all connections; the next request opens new ones."""
        if self._session is not None:
            await self._session.close()

    async def request(
        self,
        method: str,
        path: str,
        kind: PartKind = PartKind.MESSAGE,
        *,
        payload: dict[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        fence: Callable[[], None] = lambda: None,
    ) -> Any:
        """Make a request for a part of this kind, and return the JSON of the response. Raises DeliveryError.

        `fence` is called just before the request is sent, and can raise an error to prevent it. During a
        pause or above a rate limit the request is not sent.
        """
        bucket = _bucket_of(method, path)
        wait = self._reset_at.get(bucket, 0.0) - self._pace.clock()
        if wait <= 0.0:
            wait = await self._pace.take_turn()
        if wait > 0.0:
            raise DeliveryError(replace(outcomes.RATE_LIMITED, wait_seconds=wait), f"not before {wait:.1f} s")
        fence()
        started_at = clock.count_seconds()
        response, body = await self._exchange(method, path, payload, query)
        answer = read_answer(response, body, clock.count_seconds() - started_at)
        self._report(answer)
        self._note_bucket(bucket, response, answer)
        if not (answer.is_json and answer.status < 300):
            text = f"Discord answered {answer.status} ({answer.code})"
            if not answer.is_discords:
                text = f"status {answer.status} without Discord's own error code"
            raise DeliveryError(
                _classify(answer, kind, path), text, status=answer.status, code=answer.code or None
            )
        try:
            return json.loads(body or b"null")
        except UNREADABLE as error:
            raise DeliveryError(outcomes.OUTCOME_UNKNOWN, "the answer cannot be read") from error

    async def _exchange(
        self, method: str, path: str, payload: dict[str, Any] | None, query: Mapping[str, str] | None
    ) -> tuple[aiohttp.ClientResponse, bytes]:
        if self._session is None or self._session.closed:
            timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
            agent = f"DiscordBot (Paperround, {program.find_number()})"
            self._session = aiohttp.ClientSession(timeout=timeout, headers={"User-Agent": agent})
        is_open = self._token is None or _is_webhook(path)
        headers = {} if is_open else {"Authorization": f"Bot {self._token}"}
        try:
            async with self._session.request(
                method,
                http.Route.BASE + path,
                params=query,
                json=payload,
                headers=headers,
                proxy=self._proxy,
                allow_redirects=False,  # Discord does not redirect, and a redirect would leak the secret
            ) as response:
                return response, await response.read()
        except (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError) as error:
            self._pace.record_failure()
            raise DeliveryError(outcomes.NOT_ACCEPTED, self._describe(error)) from error
        except (aiohttp.ClientError, OSError) as error:
            self._pace.record_failure()
            raise DeliveryError(outcomes.OUTCOME_UNKNOWN, self._describe(error)) from error

    def _describe(self, error: Exception) -> str:
        # aiohttp's own texts can quote the URL, which contains the webhook's secret.
        # Their status is the proxy's; of an answer that is no HTTP it is invented.
        status = error.status if isinstance(error, aiohttp.ClientHttpProxyError) else None
        reason = status or getattr(error, "strerror", None) or type(error).__name__
        return f"no answer of Discord{describe_way(self._proxy)} ({reason})"

    def _note_bucket(
        self, bucket: tuple[str, str, str], response: aiohttp.ClientResponse, answer: HttpAnswer
    ) -> None:
        if answer.status == 429:
            seconds = 0.0 if answer.is_global else answer.retry_after or 0.0
        elif response.headers.get("X-RateLimit-Remaining") == "0":
            seconds = _parse_seconds(response.headers.get("X-RateLimit-Reset-After")) or 0.0
        else:
            return
        now = self._pace.clock()
        waiting = {other: at for other, at in self._reset_at.items() if at > now}
        self._reset_at = waiting | {bucket: now + min(seconds, MAX_LIMIT)}


def describe_way(proxy: str | None) -> str:
    """Return how a sentence goes on that says that Discord cannot be reached: by which proxy, or "" without one."""
    return f" by {errors.name_proxy('PAPERROUND_PROXY', proxy)}" if proxy else ""


def _bucket_of(method: str, path: str) -> tuple[str, str, str]:
    """Return the key of a rate limit: the method, the route without ids, and the first id."""
    ids = re.findall(r"/(\d+)", path)
    return method, re.sub(r"/\d+", "", path), ids[0] if ids else ""


def _is_webhook(path: str) -> bool:
    return path.startswith("/webhooks/")


def _classify(answer: HttpAnswer, kind: PartKind, path: str) -> Classification:
    if answer.status == 429:
        seconds = LIMIT_SECONDS if answer.retry_after is None else answer.retry_after
        return replace(outcomes.RATE_LIMITED, wait_seconds=min(max(seconds, 0.1), MAX_LIMIT))
    if not answer.is_json:
        # A proxy's 503 means that the request was not forwarded. With a nonce, a retry settles it.
        is_refusal = answer.status < 500 or (answer.status == 503 and _is_webhook(path))
        return outcomes.NOT_ACCEPTED if is_refusal else outcomes.OUTCOME_UNKNOWN
    found = outcomes.classify(answer.status, answer.code, kind)
    # A webhook has no rights and no token of a bot that Discord could miss.
    return outcomes.WEBHOOK_GONE if _is_webhook(path) and found.reason in outcomes.OF_BOTS else found


class HttpObserver:
    """Keeps discord.py's API requests at the shared pace, and reports the responses.

    Interactions are not delayed. `trace` is discord.py's `http_trace`.
    """

    def __init__(self, pace: Pace | None = None) -> None:
        self.trace = aiohttp.TraceConfig()
        self.trace.on_request_start.append(self._on_start)
        self.trace.on_request_end.append(self._on_headers)
        self.trace.on_response_chunk_received.append(self._on_body)
        self._pace = pace
        self._listeners: list[AnswerListener] = [] if pace is None else [pace.record_answer]
        self.is_last_discords = False
        """Whether Discord itself gave discord.py's last answer: a proxy's 401 says nothing about the token."""
        self.answered_ids = deque[int](maxlen=MAX_ANSWERED)
        """The last interactions that this process has answered, or may have: after a 5xx discord.py answers again."""

    def on_answer(self, listener: AnswerListener) -> None:
        self._listeners.append(listener)

    def report(self, answer: HttpAnswer) -> None:
        """Pass a response, from discord.py or `RestClient`, to the listeners."""
        for listener in self._listeners:
            with isolation.isolated(log, "response listener failed"):
                listener(answer)

    async def _on_start(
        self, _: object, context: SimpleNamespace, params: aiohttp.TraceRequestStartParams
    ) -> None:
        if self._pace is not None and _is_of_api(params.url) and not _is_interaction(params.url):
            while delay := await self._pace.take_turn():  # noqa: ASYNC110 - time passes, no event happens
                await asyncio.sleep(delay)
        context.started_at = clock.count_seconds()

    async def _on_headers(
        self, _: object, context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
    ) -> None:
        context.response = params.response

    async def _on_body(
        self, _: object, context: SimpleNamespace, params: aiohttp.TraceResponseChunkReceivedParams
    ) -> None:
        # discord.py reads each body in one chunk; only the Gateway's request has no body.
        if _is_of_api(params.url):
            seconds = clock.count_seconds() - context.started_at
            answer = read_answer(context.response, params.chunk, seconds)
            self.is_last_discords = answer.is_discords
            if params.url.name == "callback" and not 300 <= answer.status < 500:
                self.answered_ids.append(int(params.url.parts[-3]))
            self.report(replace(answer, is_interaction=_is_interaction(params.url)))


def _is_of_api(url: yarl.URL) -> bool:
    """Return whether a URL belongs to the API. Attachments are on other hosts."""
    return str(url).startswith(http.Route.BASE)


def _is_interaction(url: yarl.URL) -> bool:
    return any(part in url.path for part in ("/interactions/", "/webhooks/"))


def read_answer(response: aiohttp.ClientResponse, body: bytes, seconds: float) -> HttpAnswer:
    """Convert a response that was read `seconds` after its request was sent.

    An error with an unreadable body is assumed not to be Discord's.
    """
    headers, status = response.headers, response.status
    answer = HttpAnswer(
        status=status,
        # The exact content type of Discord's responses, which discord.py requires too.
        is_json=headers.get("Content-Type") == "application/json" or status == 204,
        retry_after=_parse_seconds(headers.get("Retry-After")),
        answered_at=clock.parse_http_date(headers.get("Date", "")),
        seconds=seconds,
        is_global="X-RateLimit-Global" in headers or headers.get("X-RateLimit-Scope") == "global",
        is_shared=headers.get("X-RateLimit-Scope") == "shared",
    )
    return add_error_body(answer, body)


def add_error_body(answer: HttpAnswer, body: bytes) -> HttpAnswer:
    """Add the code and rate limit in an error's body to the answer. An unreadable body is assumed not to be Discord's."""
    if answer.status < 400 or not answer.is_json:
        return answer
    try:
        fields: Any = json.loads(body)
        code = fields.get("code")
        retry_after = max(0.0, float(fields["retry_after"])) if answer.status == 429 else answer.retry_after
    except UNREADABLE:
        return replace(answer, is_json=False)
    is_code = type(code) is int and code in ERROR_CODES
    if answer.status == 401 and not is_code and code != 0:  # Discord's response to a wrong token has code 0
        return replace(answer, is_json=False)
    is_global = answer.is_global or fields.get("global") is True
    return replace(answer, code=code if is_code else 0, retry_after=retry_after, is_global=is_global)


def _parse_seconds(value: str | None) -> float | None:
    """Parse a header's number of seconds. Returns None if it is missing or invalid."""
    try:
        return None if value is None else max(0.0, float(value))
    except ValueError:
        return None


def override_endpoints(api_url: str | None, gateway_url: str | None) -> Callable[[], None]:
    """Set discord.py's URLs in this process, for a proxy or a local fake (None keeps the default).

    Call this before the first client is created. `gateway_url` replaces the URL from GET /gateway/bot.
    Returns a function that restores the URLs.
    """
    client: Any = http.HTTPClient
    before = (http.Route.BASE, gateway.DiscordWebSocket.DEFAULT_GATEWAY, client.get_bot_gateway)
    if api_url is not None:
        http.Route.BASE = api_url.rstrip("/")
    if gateway_url is not None:

        async def get_bot_gateway(self: http.HTTPClient) -> tuple[int, str, Any]:
            shards, _, session_start_limit = await before[2](self)
            return shards, gateway_url, session_start_limit

        gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway_url)
        # A sharded client has no setting for this, but connects to the URL that this method returns.
        client.get_bot_gateway = get_bot_gateway

    def restore() -> None:
        http.Route.BASE, gateway.DiscordWebSocket.DEFAULT_GATEWAY, client.get_bot_gateway = before

    return restore
