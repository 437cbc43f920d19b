"""The client of servers of language models with an OpenAI-compatible API, and the budget of tokens.

Servers differ in what they take of a request, and in how they report errors (`docs/services.md`, *Models*): what one
refuses or ignores is asked for in another way, which is remembered. The server is not trusted: responses are limited in
length and to one deadline, never decompressed, and decoded in a thread. Cookies and proxies in the environment are ignored.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp

from bot.core.clock import Clock, parse_retry_after, system_clock
from storage import errors, writer
from storage.database import Database

TIMEOUT_SECONDS = 180.0
"""The timeout of a whole request: a local model can take minutes for a paper."""
MAX_BYTES = 2_000_000
"""The largest response, forty times the longest text requested."""
_CONNECT_SECONDS = 10.0
_IDLE_SECONDS = 4.0
"""How long an idle connection is kept. Some servers close theirs after five seconds."""
_REFUSED_FORM, _TIMED_OUT, _RATE_LIMITED = (400, 422), 408, 429
_FATAL, _FORBIDDEN, _NOT_FOUND = (401, 402, 403, 404), 403, 404
_NEW_LIMIT = "max_completion_tokens"
"""OpenAI's newer name of `max_tokens`. Its newer models know only this one, other servers only the old one."""
_NO_CREDIT = "insufficient_quota"
"""OpenAI's code for an empty account, which comes with 429."""
_THINKING_ROOM = (0, 8_000, 25_000)
"""Tokens above a limit that are left for thinking, which counts as output: the second fits a window of 32,000 together with the
longest prompt, the third is OpenAI's advice."""
_CHARACTERS_PER_TOKEN = 8
"""More characters than any tokenizer has in a token of prose, in the mean: a server that counts fewer tokens cut the prompt."""
_CUT_PROMPT = (
    "it read {tokens:,} tokens of a prompt of {characters:,} characters: its window is too small. Set one of 32,000 tokens,"
    " at Ollama by OLLAMA_CONTEXT_LENGTH=32768"
)
_NO_MODEL = "is a login page in front of it, or PAPERROUND_WRITER_URL that of another service?"
_NOT_WHOLE = ("content_filter", "tool_calls", "function_call")
_MAX_REASON = 200
_CHECK_TOKENS = 16
_SCHEMA_NOTE = "Answer with one JSON object of this JSON schema, in a ```json fence, and with nothing else:\n"

Message = Mapping[str, str]
"""A prompt message: `role` and `content`."""


class ModelError(errors.PaperroundError):
    """Raised for a request without a usable response. `tokens` is the number used, or None if unknown.

    `is_outage`: the server is down or rate-limited, so other requests would fail too, for `retry_after` seconds if it
    names them. `is_fatal`: all requests will fail until a setting, such as the key, is corrected. `is_refusal`: the
    server will not answer this prompt, and answers others.
    """

    def __init__(
        self,
        message: str,
        *,
        tokens: int | None = None,
        is_outage: bool = False,
        is_fatal: bool = False,
        is_refusal: bool = False,
        retry_after: float = 0.0,
    ) -> None:
        super().__init__(message)
        self.tokens = tokens
        self.is_outage = is_outage
        self.is_fatal = is_fatal
        self.is_refusal = is_refusal
        self.retry_after = retry_after


@dataclass(eq=False, repr=False)
class ModelServer:
    """A server of models, by the address of its API (`…/v1`), and a key if it needs one. It is connected when first used."""

    url: str
    key: str | None
    clock: Clock = field(default=system_clock, kw_only=True)
    _session: aiohttp.ClientSession | None = field(default=None, init=False)

    async def post(self, path: str, request: Mapping[str, Any], seconds: float) -> tuple[int, bytes]:
        """Send a request and return the response's status and body.

        Raises ModelError: without a response, after `seconds`, and if the response names a time to wait.
        """
        # Some copy the address of the call itself.
        url, headers = (
            f"{self.url.rstrip('/').removesuffix(f'/{path}')}/{path}",
            {"Accept-Encoding": "identity"},
        )
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
                    if len(body) > MAX_BYTES:
                        raise ModelError(f"its answer is larger than {MAX_BYTES // 1_000_000} MB")
                now = self.clock()
                resumes_at = parse_retry_after(response.headers.get("Retry-After"), now)
                if resumes_at is not None and response.status != 200:
                    error = _make_error(self, await read_response(response.status, bytes(body)))
                    error.retry_after = (resumes_at - now).total_seconds()
                    raise error
                return response.status, bytes(body)
        except TimeoutError:
            raise ModelError(f"it did not answer within {seconds:g} s", is_outage=True) from None
        except aiohttp.ClientConnectorError as error:
            raise ModelError(self.describe(f"Connection error: {error}"), tokens=0, is_outage=True) from None
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


class ModelResponse(NamedTuple):
    """A response's status, its record and its error (None: without one). An error within 200 has its own code as the status."""

    status: int
    record: Mapping[str, Any]
    error: Mapping[str, Any] | None


async def read_response(status: int, body: bytes) -> ModelResponse:
    """Decode a response: in a thread, because decoding two megabytes takes 250 ms.

    Raises ModelError for one that is of no model, such as the page of a login.
    """
    record = await asyncio.to_thread(_decode, body)
    choice = _choice_of(record)
    error = record.get("error") or choice.get("error")
    if status == 200 and not (error or isinstance(record.get("choices"), list)):
        if not record and b"<html" not in body[:1_000].lower():
            raise ModelError("its answer has no text: it is no JSON object")  # cut off, which may have cost
        what = "no completion of a model" if record else "an HTML page"
        raise ModelError(f"it answered 200 with {what}: {_NO_MODEL}", tokens=0, is_outage=True)
    if not error and choice.get("finish_reason") == "error":
        error = "the model failed"
    if status == 200 and not error:
        return ModelResponse(status, record, None)
    detail = error if isinstance(error, dict) else {"message": error} if error else record
    if status == 200:
        code = str(detail.get("code"))
        status = int(code) if code.isdecimal() and 400 <= int(code) < 600 else 500
        # What failed while a model wrote is not charged, unless the server counts it.
        record = {"usage": {"total_tokens": 0}, **record}
    return ModelResponse(status, record, detail)


@dataclass(frozen=True)
class _Manner:
    """How a model is asked: the name of its limit, the room for thinking, and the schema in a field or in words."""

    limit: str = "max_tokens"
    room: int = 0
    is_brief: bool = False
    """Whether little thinking is asked for."""
    has_form: bool = True

    def build(
        self, messages: Sequence[Message], schema: Mapping[str, Any], max_tokens: int
    ) -> dict[str, Any]:
        """Return a request without the model's name."""
        request: dict[str, Any] = {self.limit: max_tokens + self.room}
        if self.is_brief:
            request["reasoning_effort"] = "low"
        if not self.has_form:
            return {"messages": add_schema(messages, schema), **request}
        form = {"name": "summary", "schema": schema, "strict": True}
        return {
            "messages": [*messages],
            "response_format": {"type": "json_schema", "json_schema": form},
            **request,
        }

    def after_refusal(self, body: bytes) -> _Manner | None:
        """Return the manner after a request was refused for its form, or None if no part of it can be changed."""
        if self.limit != _NEW_LIMIT and _NEW_LIMIT.encode() in body:
            return replace(self, limit=_NEW_LIMIT)
        if self.is_brief:
            return replace(self, is_brief=False)
        return replace(self, has_form=False) if self.has_form else None

    def after_thinking(self) -> _Manner | None:
        """Return the manner after the whole limit was used for thinking, or None if there is no more room."""
        more = next((room for room in _THINKING_ROOM if room > self.room), None)
        return None if more is None else replace(self, room=more, is_brief=self.is_brief or not self.room)


@dataclass(eq=False, repr=False)
class LanguageModel:
    """A model on a server. `requests` counts the requests sent so far."""

    server: ModelServer
    name: str
    seconds: float = field(default=TIMEOUT_SECONDS, kw_only=True)
    requests: int = field(default=0, init=False)
    _manner: _Manner = field(default=_Manner(), init=False)
    _has_answered: bool = field(default=False, init=False)

    @property
    def room(self) -> int:
        """How many tokens above a limit it gets for thinking."""
        return self._manner.room

    async def complete(
        self, messages: Sequence[Message], schema: Mapping[str, Any], *, max_tokens: int
    ) -> tuple[str, int | None]:
        """Return the model's text and the tokens that the server counted. Raises ModelError.

        A request that is refused for its form, used up by thinking, or answered without the schema is sent again in
        another manner. The manner that brought an answer is kept.
        """
        known = manner = self._manner
        spent = 0
        while True:
            request = manner.build(messages, schema, max_tokens)
            most = estimate_tokens(messages, schema, max_tokens + manner.room)
            following, tokens = None, None
            try:
                self.requests += 1
                status, body = await self.server.post(
                    "chat/completions", {"model": self.name, **request}, self.seconds
                )
                response = await read_response(status, body)
                if response.status in _REFUSED_FORM:
                    following = manner.after_refusal(body)
                text, tokens = self._read(response, request["messages"])
                if not _is_of(schema, text):
                    following = replace(manner, has_form=False) if manner.has_form else None
                elif manner != known:
                    self._manner = manner
            except ModelError as error:
                tokens = error.tokens
                if isinstance(error, _ThoughtTooLongError):
                    following = manner.after_thinking()
                if following is None:
                    error.tokens = _add(spent, tokens, most)
                    raise
            if following is None:
                return text, _add(spent, tokens, most)
            spent += most if tokens is None else tokens
            manner = following

    async def check(self) -> None:
        """Ask for a word, whatever the model answers. Raises ModelError unless the server answers for this model."""
        request = {"model": self.name, "messages": [{"role": "user", "content": "Say yes."}]}
        for limit in ("max_tokens", _NEW_LIMIT):
            status, body = await self.server.post(
                "chat/completions", {**request, limit: _CHECK_TOKENS}, self.seconds
            )
            response = await read_response(status, body)
            if response.status == 200:
                return
            if response.status not in _REFUSED_FORM or _NEW_LIMIT.encode() not in body:
                break
        raise _make_error(self.server, response)

    def _read(self, response: ModelResponse, messages: Sequence[Message]) -> tuple[str, int | None]:
        """Return the text of a response and its tokens. Raises ModelError."""
        if response.status != 200:
            raise _make_error(self.server, response, has_answered=self._has_answered)
        sent = sum(len(message["content"]) for message in messages)
        read = _read_usage(response.record, "prompt")
        if read and read * _CHARACTERS_PER_TOKEN < sent:
            counted = _read_usage(response.record, "total")
            raise ModelError(_CUT_PROMPT.format(tokens=read, characters=sent), tokens=counted, is_fatal=True)
        text, tokens = _read_completion(response.record)
        self._has_answered = True
        return text, tokens


class _ThoughtTooLongError(ModelError):
    """Raised if a model used the whole limit without a word of an answer."""


def _make_error(server: ModelServer, response: ModelResponse, *, has_answered: bool = False) -> ModelError:
    """Return the error of a response. `has_answered`: the model answered before, so that it is not its key that is refused."""
    status, detail = response.status, response.error or {}
    message, metadata = detail.get("message"), detail.get("metadata")
    is_flagged = isinstance(metadata, dict) and bool(metadata.get("reasons") or metadata.get("flagged_input"))
    is_refusal = status == _FORBIDDEN and (is_flagged or has_answered)
    has_no_credit = _NO_CREDIT in (detail.get("code"), detail.get("type"))
    counted = _read_usage(response.record, "total")
    reason = f"Error code: {status}" + (f" - {message}" if isinstance(message, str) else "")
    if status == _NOT_FOUND and not urlsplit(server.url).path.strip("/"):
        reason += ". The address has no path, such as /v1"
    return ModelError(
        server.describe(reason),
        # A rejected request never reached the model. After other errors it may have.
        tokens=0 if counted is None and 400 <= status < 500 else counted,
        is_outage=status in (_TIMED_OUT, _RATE_LIMITED) or status >= 500,
        is_fatal=(status in _FATAL and not is_refusal) or has_no_credit,
        is_refusal=is_refusal,
    )


def _is_of(schema: Mapping[str, Any], text: str) -> bool:
    """Return whether a text names a property that a schema requires, or it requires none."""
    names = schema.get("required")
    return not names or any(f'"{name}"' in text for name in names)


def _add(spent: int, tokens: int | None, most: int) -> int | None:
    """Return the tokens of a last request together with those of the ones before. `most` is what counts if they are unknown."""
    return spent + (most if tokens is None else tokens) if spent else tokens


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


def _choice_of(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the first choice of a completion, which is the only one, or an empty record."""
    choices = record.get("choices")
    return choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}


def _read_usage(record: Mapping[str, Any], kind: str) -> int | None:
    """Return the tokens of a kind (prompt, total) that a server counted, or None."""
    usage = record.get("usage")
    tokens = usage.get(f"{kind}_tokens") if isinstance(usage, dict) else None
    return tokens if isinstance(tokens, int) and tokens >= 0 else None


def _read_completion(record: Mapping[str, Any]) -> tuple[str, int | None]:
    """Return the text of a completion that ended by itself, and its tokens. Raises ModelError."""
    # A server that counts no tokens may give 0.
    tokens = _read_usage(record, "total") or None
    choice = _choice_of(record)
    message = choice.get("message")
    text = message.get("content") if isinstance(message, dict) else None
    if isinstance(text, list):  # in parts
        text = "".join(str(part.get("text", "")) for part in text if isinstance(part, dict))
    has_text, reason = isinstance(text, str) and bool(text.strip()), choice.get("finish_reason")
    if reason == "length":
        kind = ModelError if has_text else _ThoughtTooLongError
        raise kind("its answer was cut off at the token limit", tokens=tokens)
    if not has_text:
        raise ModelError("its answer has no text", tokens=tokens)
    if reason in _NOT_WHOLE:  # for a whole one, servers have many words
        raise ModelError(f"its answer is not whole: {str(reason)[:_MAX_REASON]}", tokens=tokens)
    return str(text), tokens


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
        day, tokens = self.clock().date(), estimate_tokens(messages, schema, max_tokens + model.room)
        try:
            answer, counted = await model.complete(messages, schema, max_tokens=max_tokens)
            tokens = tokens if counted is None else counted
        except ModelError as error:
            tokens = error.tokens = tokens if error.tokens is None else error.tokens
            raise
        finally:
            await self.database.write(writer.add_tokens, day, tokens)
        return answer, tokens
