"""Observes all requests of discord.py's HTTP session, interactions included, through aiohttp's tracing."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import SimpleNamespace
from typing import Any, Protocol

import aiohttp
import structlog

from bot import isolation
from bot.services.outbox.discord_health import Answer, AnswerListener, FailureListener

log = structlog.get_logger(__name__)

JSON = "application/json"
"""The exact content type of Discord's answers; discord.py takes any other for a text."""

SWITCHING_PROTOCOLS = 101


class Exchange(Protocol):
    """The listener of one request, given as its `trace_request_ctx`."""

    def begin(self) -> None:
        """Hear that the request leaves."""

    def record(self, answer: Answer) -> None:
        """Hear of its answer."""


class HttpObserver:
    """Calls listeners for each answer and for each request without one, on the event loop.

    `trace` is discord.py's `http_trace`.
    """

    def __init__(self) -> None:
        self.trace = aiohttp.TraceConfig()
        self.trace.on_request_start.append(self._on_start)
        self.trace.on_request_end.append(self._on_headers)
        self.trace.on_response_chunk_received.append(self._on_body)
        self.trace.on_request_exception.append(self._on_exception)
        self._listeners: list[AnswerListener] = []
        self._failure_listeners: list[FailureListener] = []

    def on_answer(self, listener: AnswerListener) -> None:
        """Call `listener` for each answer."""
        self._listeners.append(listener)

    def on_failure(self, listener: FailureListener) -> None:
        """Call `listener` for each request that got no answer."""
        self._failure_listeners.append(listener)

    async def _on_start(
        self,
        session: aiohttp.ClientSession,
        context: SimpleNamespace,
        params: aiohttp.TraceRequestStartParams,
    ) -> None:
        exchange: Exchange | None = context.trace_request_ctx
        if exchange is not None:
            exchange.begin()

    async def _on_headers(
        self, session: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
    ) -> None:
        context.answer = read_answer(params.response)
        if "Upgrade" in params.headers and params.response.status != SWITCHING_PROTOCOLS:
            # The body of a refused handshake is not read, and it says nothing about other requests.
            self._report_failure(ConnectionError(f"the Gateway answered {params.response.status}"))

    async def _on_body(
        self,
        session: aiohttp.ClientSession,
        context: SimpleNamespace,
        params: aiohttp.TraceResponseChunkReceivedParams,
    ) -> None:
        # discord.py reads every body at once, except for the Gateway's, which has none.
        answer = add_error_body(context.answer, params.chunk)
        exchange: Exchange | None = context.trace_request_ctx
        for listener in (*self._listeners, *([exchange.record] if exchange is not None else ())):
            with isolation.isolated(log, "a listener of answers failed"):
                listener(answer)

    async def _on_exception(
        self,
        session: aiohttp.ClientSession,
        context: SimpleNamespace,
        params: aiohttp.TraceRequestExceptionParams,
    ) -> None:
        self._report_failure(params.exception)

    def _report_failure(self, error: BaseException) -> None:
        for listener in self._failure_listeners:
            with isolation.isolated(log, "a listener of failed requests failed"):
                listener(error)


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
        code = int(fields.get("code") or 0)
        retry_after = _seconds(fields["retry_after"]) if answer.status == 429 else answer.retry_after
    except (AttributeError, KeyError, TypeError, ValueError):
        return replace(answer, is_json=False)
    is_global = answer.is_global or fields.get("global") is True
    return replace(answer, code=code, retry_after=retry_after, is_global=is_global)


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
