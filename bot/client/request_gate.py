"""How requests leave discord.py, and what is learnt from their answers.

The gate, through which all REST requests of the client pass except for interactions, asks the health of Discord, keeps the
global rate, protects discord.py from being cancelled, and turns answers that are not Discord's into errors that cannot be
mistaken for a verdict. The observer sees the answers to all requests. The addresses can be overridden.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import SimpleNamespace
from typing import Any

import aiohttp
import aiolimiter
import discord
import structlog
import yarl
from discord import gateway, http
from discord.webhook import async_

from bot.core import isolation
from bot.outbox.discord_health import (
    PERIOD_SECONDS,
    Answer,
    AnswerListener,
    DiscordHealth,
    FailureListener,
    InvalidRequestBudget,
)

MAX_RATELIMIT_TIMEOUT = 30.0
"""discord.py's `max_ratelimit_timeout`, of which this is the minimum: it sleeps for shorter rate limits inside a request."""

ANSWER_SECONDS = 20.0
"""After this time on the wire a request counts as a failure of Discord. It goes on: a late answer is still an answer."""

REQUEST_SECONDS = 30.0
"""aiohttp's time-out of a request, which closes its connection."""

REQUESTS_PER_SECOND = 49.0
"""Discord allows a bot 50 over all routes, interactions not counted (Discord docs, topics/rate-limits, 2026)."""

FRONT_REQUESTS_PER_SECOND = 5.0
"""The part of these that all fronts share; the leader has the others."""

BUCKET_CAPACITY = 1.9

JSON = "application/json"
"""The exact content type of Discord's answers; discord.py takes any other for a text."""

ERROR_CODES = range(10_000, 10_000_000)
"""Discord's error codes (Discord docs, topics/opcodes-and-status-codes, 2026). A proxy repeats the status, or has a name."""

UNREADABLE = (AttributeError, KeyError, RecursionError, TypeError, ValueError)
"""What reading a body raises that is not Discord's."""

SWITCHING_PROTOCOLS = 101

log = structlog.get_logger(__name__)

AcquireSlot = Callable[[], Awaitable[None]]


def make_request_limiter(per_second: float = REQUESTS_PER_SECOND) -> AcquireSlot:
    """Return the rate limiter of all requests outside interactions: evenly spaced, without bursts."""
    # At most capacity + 49 requests fall into one second, so a capacity just below 2 keeps them at 50. A capacity of
    # 1 loses the lateness of each timer (measured: 47.2/s instead of 49/s); 50 would allow 99 in the first second.
    return aiolimiter.AsyncLimiter(BUCKET_CAPACITY, BUCKET_CAPACITY / per_second).acquire


class HeldBackError(discord.HTTPException):
    """A rate limit of `retry_after` seconds. Unless `was_sent`, the request did not leave: Discord is not well."""

    def __init__(self, retry_after: float, *, was_sent: bool) -> None:
        super().__init__(_stand_in(429, "Too Many Requests"), {"message": f"retry in {retry_after:.1f} s"})
        self.retry_after = retry_after
        self.was_sent = was_sent


class ForeignAnswerError(discord.DiscordServerError):
    """Something between the bot and Discord answered, with `seen_status`; to callers it is a bad gateway (502)."""

    def __init__(self, seen_status: int) -> None:
        super().__init__(
            _stand_in(502, "Bad Gateway"), f"status {seen_status} without Discord's own error code"
        )
        self.seen_status = seen_status


class RequestGate:
    """Replaces `client.http.request`. `acquire` is awaited before each request."""

    def __init__(self, health: DiscordHealth, acquire: AcquireSlot) -> None:
        self._health = health
        self._acquire = acquire
        self._tasks: set[asyncio.Task[Any]] = set()

    def install(self, client: discord.Client) -> None:
        """Let the client's requests pass through this gate. The client needs an `HttpObserver`."""
        send = client.http.request

        async def request(route: http.Route, *, files: Iterable[Any] | None = None, **options: Any) -> Any:
            return await self._request(send, route, files or (), options)

        client.http.request = request  # type: ignore[method-assign]

    async def _request(
        self, send: Callable[..., Any], route: http.Route, files: Iterable[Any], options: dict[str, Any]
    ) -> Any:
        """Send a request once. Raises discord.HTTPException, aiohttp.ClientError or OSError."""
        await self._wait_for_turn()
        exchange = _Exchange(self._health)
        token = self._health.begin()
        # Nothing is cancelled inside discord.py: cancelled in its sleep after a global rate limit, it would let no
        # request of the client leave any more. Such a sleep is not waited for either.
        timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
        files = [*files, exchange]
        attempt = send(route, files=files, timeout=timeout, trace_request_ctx=exchange, **options)
        task = asyncio.ensure_future(self._send(attempt, exchange))
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        try:
            await asyncio.wait({task, exchange.rate_limit}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._health.end(token)
        if not task.done():
            raise HeldBackError(exchange.rate_limit.result(), was_sent=True)
        return task.result()

    async def _wait_for_turn(self) -> None:
        """Wait for the global rate and for the budget of invalid requests. Raises HeldBackError if Discord is not well."""
        self._check_health()
        await self._acquire()
        while delay := self._check_health():  # noqa: ASYNC110 - time passes, no event happens
            await asyncio.sleep(delay)

    def _check_health(self) -> float:
        closed_seconds = self._health.closed_seconds()
        delay = self._health.delay()
        if closed_seconds or delay > REQUEST_SECONDS:
            raise HeldBackError(delay, was_sent=False)
        return delay

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # its caller may have stopped waiting

    async def _send(self, attempt: Awaitable[Any], exchange: _Exchange) -> Any:
        try:
            body = await attempt
        except discord.RateLimited as error:
            raise HeldBackError(error.retry_after, was_sent=True) from error
        except discord.HTTPException as error:
            if error.status == 429 and not isinstance(error, HeldBackError):
                raise HeldBackError(exchange.retry_after, was_sent=True) from error
            if 400 <= error.status < 500 and not exchange.is_discords:
                raise ForeignAnswerError(error.status) from error
            raise
        except (aiohttp.ClientError, OSError):
            exchange.fail()
            raise
        except UNREADABLE as error:
            raise ForeignAnswerError(exchange.status) from error
        finally:
            exchange.stop_timer()
        if isinstance(body, str) and body:
            raise ForeignAnswerError(exchange.status)
        return body


class BudgetedAdapter(async_.AsyncWebhookAdapter):
    """Sends the answers to interactions until the budget of invalid requests is spent; they are not held back otherwise."""

    def __init__(self, budget: InvalidRequestBudget) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._budget = budget

    def install(self) -> None:
        """Let interactions use this adapter, in this task and those that it starts from now on."""
        async_.async_context.set(self)

    async def request(self, *args: Any, **kwargs: Any) -> Any:
        """Send a request as discord.py does. Raises HeldBackError if the budget is spent."""
        if self._budget.is_spent:
            raise HeldBackError(PERIOD_SECONDS, was_sent=False)
        return await super().request(*args, **kwargs)


class _Exchange:
    """One request as the observer sees it, and a fake upload: discord.py calls `reset` on each before every try."""

    def __init__(self, health: DiscordHealth) -> None:
        self._health = health
        self._timer: asyncio.TimerHandle | None = None
        self._has_failed = False
        self.rate_limit: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self.status = 0
        self.is_discords = False
        self.retry_after = 0.0

    def begin(self) -> None:
        """Measure the time on the wire from now on."""
        self.stop_timer()
        self._timer = asyncio.get_running_loop().call_later(ANSWER_SECONDS, self.fail)

    def fail(self) -> None:
        """Tell once that the request has no answer."""
        if not self._has_failed:
            self._health.record_failure()
        self._has_failed = True

    def stop_timer(self) -> None:
        """Stop the measurement: the request has ended."""
        if self._timer is not None:
            self._timer.cancel()

    def record(self, answer: Answer) -> None:
        """Take the answer from the observer."""
        self.stop_timer()
        self.status, self.is_discords = answer.status, answer.is_discords
        self.retry_after = answer.retry_after or 0.0
        if answer.status == 429 and answer.is_json and not self.rate_limit.done():
            self.rate_limit.set_result(self.retry_after)

    def reset(self, *, seek: int) -> None:
        """Prevent every try after the first: a forum post has no nonce, and the gate asks before each request."""
        if not seek:
            return
        if self.status == 429:
            raise HeldBackError(self.retry_after, was_sent=True)
        raise discord.DiscordServerError(_stand_in(self.status or 502, "server error"), "not retried")


def _stand_in(status: int, reason: str) -> Any:
    """Return what discord.HTTPException reads of a response."""
    return SimpleNamespace(status=status, reason=reason, content_type="")


class HttpObserver:
    """Calls listeners for each answer and for each request without one, on the event loop.

    `trace` is discord.py's `http_trace`.
    """

    def __init__(self) -> None:
        self.trace = aiohttp.TraceConfig()
        self.trace.on_request_start.append(self._on_start)
        self.trace.on_request_end.append(self._on_headers)
        self.trace.on_response_chunk_received.append(_of_discord(self._on_body))
        self.trace.on_request_exception.append(_of_discord(self._on_exception))
        self._listeners: list[AnswerListener] = []
        self._failure_listeners: list[FailureListener] = []

    def on_answer(self, listener: AnswerListener) -> None:
        """Call `listener` for each answer."""
        self._listeners.append(listener)

    def report(self, answer: Answer, *others: AnswerListener) -> None:
        """Tell the listeners, and others, of an answer, also of one to a request that is not the client's."""
        for listener in (*self._listeners, *others):
            with isolation.isolated(log, "a listener of answers failed"):
                listener(answer)

    def on_failure(self, listener: FailureListener) -> None:
        """Call `listener` for each request that got no answer."""
        self._failure_listeners.append(listener)

    async def _on_start(self, _: object, context: SimpleNamespace, __: object) -> None:
        exchange: _Exchange | None = context.trace_request_ctx
        if exchange is not None:
            exchange.begin()

    async def _on_headers(
        self, _: object, context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
    ) -> None:
        context.answer = read_answer(params.response)
        context.reset_after = params.response.headers.get("X-RateLimit-Reset-After")
        if "Upgrade" in params.headers and params.response.status != SWITCHING_PROTOCOLS:
            # The body of a refused handshake is not read, and it says nothing about other requests.
            self._report_failure(ConnectionError(f"the Gateway answered {params.response.status}"))

    async def _on_body(
        self, _: object, context: SimpleNamespace, params: aiohttp.TraceResponseChunkReceivedParams
    ) -> None:
        # discord.py reads every body at once, except for that of the Gateway's request, which has no body.
        answer = add_error_body(context.answer, params.chunk)
        exchange: _Exchange | None = context.trace_request_ctx
        own = [exchange.record] if exchange is not None else []
        self.report(answer, *own)
        # Else discord.py would sleep for NaN seconds, which never end, and with it the channel. Raises ValueError.
        if context.reset_after is not None:
            _seconds(context.reset_after)
        if answer.status == 429 and context.answer.is_json and not answer.is_json:
            raise ValueError("the rate limit cannot be read")

    async def _on_exception(self, _: object, __: object, params: aiohttp.TraceRequestExceptionParams) -> None:
        self._report_failure(params.exception)

    def _report_failure(self, error: BaseException) -> None:
        for listener in self._failure_listeners:
            with isolation.isolated(log, "a listener of failed requests failed"):
                listener(error)


def _of_discord(callback: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Return the callback for the API and the Gateway alone: another host's page, such as an attachment, tells nothing."""

    async def call(session: object, context: SimpleNamespace, params: Any) -> None:
        if params.url.scheme not in ("http", "https") or str(params.url).startswith(http.Route.BASE):
            await callback(session, context, params)

    return call


def read_answer(response: aiohttp.ClientResponse) -> Answer:
    """Return what the headers of a response say."""
    headers = response.headers
    answered_at = _parse_date(headers.get("Date"))
    return Answer(
        status=response.status,
        is_json=headers.get("Content-Type") == JSON or response.status == 204,
        retry_after=parse_retry_after(headers.get("Retry-After"), answered_at),
        answered_at=answered_at,
        is_global="X-RateLimit-Global" in headers or headers.get("X-RateLimit-Scope") == "global",
        is_shared=headers.get("X-RateLimit-Scope") == "shared",
        is_interaction=any(part in response.url.path for part in ("/interactions/", "/webhooks/")),
    )


def add_error_body(answer: Answer, body: bytes) -> Answer:
    """Return the answer with the code and the rate limit in the body of an error. One that cannot be read is not Discord's."""
    if answer.status < 400 or not answer.is_json:
        return answer
    try:
        fields: Any = json.loads(body)
        code = fields.get("code")
        retry_after = _seconds(fields["retry_after"]) if answer.status == 429 else answer.retry_after
    except UNREADABLE:
        return replace(answer, is_json=False)
    is_code = type(code) is int and code in ERROR_CODES
    if answer.status == 401 and not is_code and code != 0:  # Discord's answer to a wrong token has the code 0
        return replace(answer, is_json=False)
    is_global = answer.is_global or fields.get("global") is True
    return replace(answer, code=code if is_code else 0, retry_after=retry_after, is_global=is_global)


def parse_retry_after(value: str | None, answered_at: datetime | None) -> float | None:
    """Return the seconds of a `Retry-After` header: a number, or an HTTP date measured from the answer's own `Date`."""
    if value is None:
        return None
    try:
        return _seconds(value)
    except ValueError:
        moment = _parse_date(value)
    if moment is None:
        return None
    return max(0.0, (moment - (answered_at or datetime.now(UTC))).total_seconds())


def _seconds(value: Any) -> float:
    seconds = float(value)
    if not math.isfinite(seconds):
        raise ValueError(value)
    return max(0.0, seconds)


def _parse_date(value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def override_endpoints(api_url: str | None, gateway_url: str | None) -> Callable[[], None]:
    """Set discord.py's addresses in this process (None keeps the default) and return a function that restores them.

    For a proxy or a local fake. Must be called before the first client is created. `gateway_url` replaces the URL from
    GET /gateway/bot.
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
        # A sharded client has no setting for this: it connects to the URL that this method returns.
        client.get_bot_gateway = get_bot_gateway

    def restore() -> None:
        http.Route.BASE, gateway.DiscordWebSocket.DEFAULT_GATEWAY, client.get_bot_gateway = before

    return restore
