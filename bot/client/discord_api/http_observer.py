"""Observes all requests of discord.py's HTTP session, interactions included, through aiohttp's tracing."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import SimpleNamespace
from typing import Any

import aiohttp
import structlog

from bot import isolation
from bot.services.outbox.discord_health import Answer, AnswerListener, FailureListener

log = structlog.get_logger(__name__)

JSON = "application/json"
"""The exact content type of Discord's answers; discord.py takes any other for a text."""

SWITCHING_PROTOCOLS = 101


class HttpObserver:
    """Calls listeners for each answer and for each request without one. `trace` is discord.py's `http_trace`."""

    def __init__(self) -> None:
        self.trace = aiohttp.TraceConfig()
        self.trace.on_request_end.append(self._on_headers)
        self.trace.on_response_chunk_received.append(self._on_body)
        self.trace.on_request_exception.append(self._on_exception)
        self._answer_listeners: list[AnswerListener] = []
        self._failure_listeners: list[FailureListener] = []

    def on_answer(self, listener: AnswerListener) -> None:
        """Call `listener` for each answer."""
        self._answer_listeners.append(listener)

    def on_failure(self, listener: FailureListener) -> None:
        """Call `listener` for each request that got no answer."""
        self._failure_listeners.append(listener)

    async def _on_headers(
        self, session: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
    ) -> None:
        if params.response.status == SWITCHING_PROTOCOLS:
            return
        answer = read_answer(params.response)
        # The body of a rate limit says how long it lasts, and arrives at once.
        if answer.status == 429 and answer.is_json:
            context.rate_limit = answer
        else:
            self._report(answer)

    async def _on_body(
        self,
        session: aiohttp.ClientSession,
        context: SimpleNamespace,
        params: aiohttp.TraceResponseChunkReceivedParams,
    ) -> None:
        answer: Answer | None = getattr(context, "rate_limit", None)
        if answer is not None:
            self._report(add_rate_limit(answer, params.chunk))

    async def _on_exception(
        self,
        session: aiohttp.ClientSession,
        context: SimpleNamespace,
        params: aiohttp.TraceRequestExceptionParams,
    ) -> None:
        for listener in self._failure_listeners:
            with isolation.isolated(log, "listener of failed requests failed"):
                listener(params.exception)

    def _report(self, answer: Answer) -> None:
        for listener in self._answer_listeners:
            with isolation.isolated(log, "listener of answers failed"):
                listener(answer)


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
    )


def add_rate_limit(answer: Answer, body: bytes) -> Answer:
    """Return the answer with what the JSON body of a rate limit says. A body that cannot be read is a proxy's."""
    try:
        fields: Any = json.loads(body)
        retry_after = max(0.0, float(fields["retry_after"]))
    except (ValueError, TypeError, KeyError):
        return replace(answer, is_json=False)
    return replace(
        answer, retry_after=retry_after, is_global=answer.is_global or fields.get("global") is True
    )


def parse_retry_after(value: str | None, answered_at: datetime | None) -> float | None:
    """Return the seconds of a `Retry-After` header: a number, or an HTTP date measured from the answer's own `Date`."""
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        moment = _parse_date(value)
    if moment is None:
        return None
    return max(0.0, (moment - (answered_at or datetime.now(UTC))).total_seconds())


def _parse_date(value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
