"""The client of servers of language models and embeddings with an OpenAI-compatible API, and the budget of tokens.

Requests include a JSON schema; a server that rejects schemas is asked for fenced JSON instead. The server is
not trusted: responses are limited in length and to one deadline, never decompressed, and decoded in a
thread. Cookies and proxies in the environment are ignored.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bot.core.clock import Clock
from storage import errors, writer
from storage.database import Database

TIMEOUT_SECONDS = 180.0
"""The timeout of a whole request: a local model can take minutes for a paper."""
MAX_BYTES = 2_000_000
"""The largest response, forty times the longest text requested."""
_CONNECT_SECONDS = 10.0
_IDLE_SECONDS = 4.0
"""How long an idle connection is kept. Some servers close theirs after five seconds."""
_REFUSED_FORM, _RATE_LIMITED = (400, 422), 429
_FATAL = (401, 402, 403, 404)
_NEW_LIMIT = "max_completion_tokens"
"""OpenAI's newer name of `max_tokens`. Its newer models know only this one, other servers only the old one."""
_NO_CREDIT = "insufficient_quota"
"""OpenAI's code for an empty account, which comes with 429."""
_MAX_REASON = 200
_SCHEMA_NOTE = "Answer with one JSON object of this JSON schema, in a ```json fence, and with nothing else:\n"

Message = Mapping[str, str]
"""A prompt message: `role` and `content`."""


class ModelError(errors.PaperroundError):
    """Raised for a request without a usable response. `tokens` is the number used, or None if unknown.

    `is_outage`: the server is down or rate-limited, so other requests would fail too. `is_fatal`: all
    requests will fail until a setting, such as the key, is corrected.
    """

    def __init__(
        self, message: str, *, tokens: int | None = None, is_outage: bool = False, is_fatal: bool = False
    ) -> None:
        super().__init__(message)
        self.tokens = tokens
        self.is_outage = is_outage
        self.is_fatal = is_fatal


@dataclass(eq=False, repr=False)
class ModelServer:
    """A server of models, by the address of its API (`…/v1`), and a key if it needs one. It is connected when first used."""

    url: str
    key: str | None
    max_bytes: int = field(default=MAX_BYTES, kw_only=True)
    _session: aiohttp.ClientSession | None = field(default=None, init=False)

    async def post(self, path: str, request: Mapping[str, Any], seconds: float) -> tuple[int, bytes]:
        """Send a request and return the response's status and body. Raises ModelError, also after `seconds`."""
        url, headers = f"{self.url.rstrip('/')}/{path}", {"Accept-Encoding": "identity"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(keepalive_timeout=_IDLE_SECONDS),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        try:
            async with (
                asyncio.timeout(seconds),
                self._session.post(url, json=request, headers=headers, allow_redirects=False) as response,
            ):
                body = bytearray()
                async for chunk in response.content.iter_chunked(1 << 16):
                    body += chunk
                    if len(body) > self.max_bytes:
                        raise ModelError(f"its answer is larger than {self.max_bytes // 1_000_000} MB")
                return response.status, bytes(body)
        except TimeoutError:
            raise ModelError(f"it did not answer within {seconds:g} s", is_outage=True) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise ModelError(self.describe(f"Connection error: {error}"), is_outage=True) from None

    def describe(self, reason: str) -> str:
        """Return an error as one line without our key, which the server may quote."""
        text = errors.make_printable(" ".join(reason[:10_000].split()))
        return (text.replace(self.key, "***") if self.key else text)[:_MAX_REASON]

    async def aclose(self) -> None:
        """Close the connections. The next request opens another one."""
        if self._session is not None:
            await self._session.close()
            self._session = None


@dataclass(eq=False, repr=False)
class LanguageModel:
    """A model on a server. `requests` counts the requests sent so far."""

    server: ModelServer
    name: str
    seconds: float = field(default=TIMEOUT_SECONDS, kw_only=True)
    requests: int = field(default=0, init=False)
    _takes_schemas: bool = field(default=True, init=False)
    _limit: str = field(default="max_tokens", init=False)

    async def complete(
        self, messages: Sequence[Message], schema: Mapping[str, Any], *, max_tokens: int
    ) -> tuple[str, int | None]:
        """Return the model's text and the tokens that the server counted. Raises ModelError."""
        request = {"model": self.name, "messages": [*messages]}
        if self._takes_schemas:
            form = {"name": "summary", "schema": schema, "strict": True}
            schema_form = {"type": "json_schema", "json_schema": form}
            status, body = await self._send({**request, "response_format": schema_form}, max_tokens)
            if status not in _REFUSED_FORM:
                return await self._read(status, body)
        status, body = await self._send({**request, "messages": add_schema(messages, schema)}, max_tokens)
        answer = await self._read(status, body)
        # If this request fails too, the server rejects the request itself, not the schema.
        self._takes_schemas = False
        return answer

    async def _send(self, request: Mapping[str, Any], max_tokens: int) -> tuple[int, bytes]:
        """Send a request and return the response's status and body, again if the limit has another name here."""
        limit = self._limit
        status, body = await self._post({**request, limit: max_tokens})
        if status in _REFUSED_FORM and limit != _NEW_LIMIT and _NEW_LIMIT.encode() in body:
            self._limit = _NEW_LIMIT
            return await self._post({**request, _NEW_LIMIT: max_tokens})
        return status, body

    async def _post(self, request: Mapping[str, Any]) -> tuple[int, bytes]:
        self.requests += 1
        return await self.server.post("chat/completions", request, self.seconds)

    async def _read(self, status: int, body: bytes) -> tuple[str, int | None]:
        # In a thread, because decoding two megabytes takes 250 ms.
        record = await asyncio.to_thread(_decode, body)
        if status == 200:
            return _read_completion(record)
        detail = record.get("error", record)
        message = detail.get("message") if isinstance(detail, dict) else detail
        reason = f"Error code: {status}" + (f" - {message}" if isinstance(message, str) else "")
        has_no_credit = isinstance(detail, dict) and _NO_CREDIT in (detail.get("code"), detail.get("type"))
        raise ModelError(
            self.server.describe(reason),
            # A rejected request never reached the model. After other errors it may have.
            tokens=0 if 400 <= status < 500 else None,
            is_outage=status == _RATE_LIMITED or status >= 500,
            is_fatal=status in _FATAL or has_no_credit,
        )


BYTES_PER_TOKEN = 2
"""UTF-8 bytes per token for estimates, below the average of tokenizers in both languages."""


def estimate_tokens(messages: Sequence[Message], schema: Mapping[str, Any], max_tokens: int) -> int:
    """Estimate how many tokens a call can use at most: the prompt plus the longest allowed response."""
    sent = add_schema(messages, schema)
    return sum(len(message["content"].encode()) for message in sent) // BYTES_PER_TOKEN + max_tokens


def add_schema(messages: Sequence[Message], schema: Mapping[str, Any]) -> list[Message]:
    """Append the schema to the first message."""
    [first, *others] = messages
    note = _SCHEMA_NOTE + json.dumps(schema, ensure_ascii=False)
    return [{**first, "content": f"{first['content']}\n\n{note}"}, *others]


def _decode(body: bytes) -> dict[str, Any]:
    """Decode a JSON object. Returns an empty dictionary for other content."""
    try:
        record = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def _read_completion(record: Mapping[str, Any]) -> tuple[str, int | None]:
    usage = record.get("usage")
    total = usage.get("total_tokens") if isinstance(usage, dict) else None
    tokens = total if isinstance(total, int) and total > 0 else None
    choices = record.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    message = choice.get("message")
    text = message.get("content") if isinstance(message, dict) else None
    if choice.get("finish_reason") == "length":
        raise ModelError("its answer was cut off at the token limit", tokens=tokens)
    if not isinstance(text, str) or not text.strip():
        raise ModelError("its answer has no text", tokens=tokens)
    return text, tokens


@dataclass(frozen=True)
class TokenBudget:
    """What the models may use in a day and in a month (UTC); None: no cap."""

    database: Database
    clock: Clock
    daily: int | None
    monthly: int | None

    @property
    def is_capped(self) -> bool:
        """Whether there is a cap."""
        return self.daily is not None or self.monthly is not None

    async def find_spent_cap(self, share: float = 1.0) -> str | None:
        """Return which cap, or which share of one, is used up, or None."""
        async with self.database.read() as connection:
            totals = await writer.get_token_totals(connection, self.clock().date())
        for used, cap, period in zip(totals, (self.daily, self.monthly), ("day", "month"), strict=True):
            if cap is not None and used >= share * cap:
                return f"token budget: {used:,} of the {period}'s {cap:,} tokens are used"
        return None

    async def complete(
        self, model: LanguageModel, messages: Sequence[Message], schema: Mapping[str, Any], max_tokens: int
    ) -> tuple[str, int]:
        """Return a model's answer and its tokens. These count also if the call fails or is cancelled.

        Raises ModelError with the tokens, estimated if the server does not tell.
        """
        day, tokens = self.clock().date(), estimate_tokens(messages, schema, max_tokens)
        try:
            answer, counted = await model.complete(messages, schema, max_tokens=max_tokens)
            tokens = tokens if counted is None else counted
        except ModelError as error:
            tokens = error.tokens = tokens if error.tokens is None else error.tokens
            raise
        finally:
            await self.database.write(writer.add_tokens, day, tokens)
        return answer, tokens
