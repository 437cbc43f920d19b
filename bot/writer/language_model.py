"""A language model behind an OpenAI-compatible server. Its client is the extra `paperround[writer]`, loaded with the first model.

Answers are asked for by JSON schema, else in JSON mode, else as text with fenced JSON. What the server refuses (400) is not
tried again: the model is opened for one run.

The server is not trusted: an answer is read up to `MAX_BYTES` and within one deadline, is never unpacked, and is decoded in
a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import aiohttp
import structlog

from bot.archive import fields
from bot.core import isolation
from bot.core.clock import Clock
from bot.sources import base, fetcher
from storage import errors
from storage import errors as stored_errors

if TYPE_CHECKING:
    import openai

log = structlog.get_logger(__name__)

TIMEOUT_SECONDS = 180.0
"""Of one request in total: a local model needs minutes for a paper."""
CONNECT_SECONDS = 10.0
MAX_BYTES = 2_000_000
"""Of the body of an answer or an error: forty times the longest answer that is asked for."""
FORMS = ("json_schema", "json_object", "text")
"""The ways to ask for JSON, best first."""

_REFUSED_FORM = (400, 422)
_FATAL = (401, 403, 404)
_TOO_LONG = (
    "context length",
    "context_length",
    "maximum context",
    "context size",
    "context window",
    "too long",
)
_LOGGERS = ("openai", "httpx2", "httpcore2")
_MAX_REASON = 200
_MAX_MESSAGE = 10_000
"""Characters of an error in which it is looked for what the error says of the prompt."""
_HEADERS_READ = ("retry-after",)
_SCHEMA_NOTES = {
    "json_object": "Answer with one JSON object of this JSON schema:\n",
    "text": "Answer with one JSON object of this JSON schema, in a ```json fence, and with nothing else:\n",
}

NO_REPLY = "it did not answer within"
UNREACHABLE = "Connection error"
STATUS_ERROR = "Error code"
CUT_OFF = "its answer was cut off"
NO_ANSWER = "its answer"
"""The beginnings of the reasons of a ModelError, from the narrowest; two of them are the client's."""

Message = Mapping[str, str]
"""A message of the prompt: `role` and `content`."""


class ModelError(stored_errors.PaperroundError):
    """A request without an answer. `tokens` were used, None if that is unknown.

    `retry_after` is the server's, in seconds. `is_outage`: there was no answer at all. `is_fatal`: the next request will end
    the same way, such as with a wrong key. `is_too_long`: the prompt does not fit into the model's window.
    """

    def __init__(
        self,
        message: str,
        *,
        tokens: int | None = None,
        retry_after: float | None = None,
        is_retryable: bool = True,
        is_outage: bool = False,
        is_fatal: bool = False,
        is_too_long: bool = False,
    ) -> None:
        super().__init__(message)
        self.is_too_long = is_too_long
        self.tokens = tokens
        self.retry_after = retry_after
        self.is_retryable = is_retryable and not is_fatal
        self.is_outage = is_outage
        self.is_fatal = is_fatal


class LanguageModel:
    """A model of a server. `name` is the server's name for it, `requests` the number of requests sent so far."""

    def __init__(
        self, client: openai.AsyncOpenAI, name: str, key: str | None, clock: Clock, *, seconds: float
    ) -> None:
        self._client = client
        self._key = key
        self._seconds = seconds
        self._clock = clock
        self._refused_forms: set[str] = set()
        self.name = name
        self.requests = 0

    async def complete(
        self, messages: Sequence[Message], schema: Mapping[str, Any], *, max_tokens: int
    ) -> tuple[str, int | None]:
        """Return the model's answer and the tokens that the server counted. Raises ModelError."""
        refused = set[str]()
        for form in FORMS:
            if form in self._refused_forms:
                continue
            response = await self._send(messages, schema, form, max_tokens)
            if response is not None:
                # Otherwise the server refuses this request in every form.
                self._refused_forms |= refused
                return await asyncio.to_thread(_read_completion, response)
            refused.add(form)
        raise AssertionError("the last form is answered or raises")

    async def _send(
        self, messages: Sequence[Message], schema: Mapping[str, Any], form: str, max_tokens: int
    ) -> bytes | None:
        """Return the body of an answer; None if the server refuses the form."""
        import openai

        self.requests += 1
        body: dict[str, Any] = {
            "model": self.name,
            "messages": _messages_of(messages, schema, form),
            "response_format": {"type": form},
            "max_tokens": max_tokens,
        }
        if form == "json_schema":
            body["response_format"][form] = {"name": "summary", "schema": schema, "strict": True}
        failures: list[Exception] = []
        with isolation.collected(failures):
            async with asyncio.timeout(self._seconds):
                raw = await self._client.chat.completions.with_raw_response.create(**body)
            body_read: bytes = raw.http_response.content
            return body_read
        [error] = failures
        if isinstance(error, ModelError):
            raise error  # of the transport
        if not isinstance(error, openai.APIStatusError):
            raise ModelError(self._describe(error), is_outage=True) from None
        if error.status_code in _REFUSED_FORM and form != FORMS[-1] and not _is_too_long(error):
            return None
        raise self._error_of_status(error) from None

    def _error_of_status(self, error: openai.APIStatusError) -> ModelError:
        status, now = error.status_code, self._clock()
        retry_at = fetcher.parse_retry_after(error.response.headers.get("retry-after"), now)
        is_refused = 400 <= status < 500
        return ModelError(
            self._describe(error),
            # A request that is refused was not given to the model; what became of one that broke is unknown.
            tokens=0 if is_refused else None,
            retry_after=None if retry_at is None else (retry_at - now).total_seconds(),
            is_retryable=not is_refused or status in (408, 409, 425, 429),
            is_outage=not is_refused,
            is_fatal=status in _FATAL,
            is_too_long=is_refused and _is_too_long(error),
        )

    def _describe(self, error: Exception) -> str:
        """Return the reason of a failure in one line. Servers quote keys, so ours is removed."""
        if isinstance(error, TimeoutError):
            return f"{NO_REPLY} {self._seconds:.0f} s"
        text = errors.make_printable(" ".join(str(error).split())) or type(error).__name__
        if self._key:
            text = text.replace(self._key, "***")
        return text[:_MAX_REASON]


def _messages_of(messages: Sequence[Message], schema: Mapping[str, Any], form: str) -> list[Message]:
    """Return the messages; without a form of schemas, the first one ends in the schema."""
    first, *others = messages
    if form not in _SCHEMA_NOTES:
        return [first, *others]
    note = _SCHEMA_NOTES[form] + json.dumps(schema, ensure_ascii=False)
    return [{**first, "content": f"{first['content']}\n\n{note}"}, *others]


def prompt_of(messages: Sequence[Message], schema: Mapping[str, Any]) -> str:
    """Return all that a request may send, in the longest form, to estimate its tokens."""
    return "\n".join(message["content"] for message in _messages_of(messages, schema, FORMS[-1]))


def _read_completion(body: bytes) -> tuple[str, int | None]:
    """Return the text and the tokens of a completion. Raises ModelError for one that was cut off, or has no text."""
    try:
        # One without a body, such as a 204, has no text either.
        decoded = fields.decode_json(body) if body else None
    except ValueError:
        raise ModelError(f"{NO_ANSWER} is not JSON") from None
    completion = decoded if isinstance(decoded, dict) else {}
    usage = completion.get("usage")
    total = usage.get("total_tokens") if isinstance(usage, dict) else None
    is_count = isinstance(total, int) and not isinstance(total, bool) and total >= 0
    tokens = total if is_count else None
    choices = completion.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    message = choice.get("message")
    text = message.get("content") if isinstance(message, dict) else None
    if choice.get("finish_reason") == "length":
        raise ModelError(f"{CUT_OFF} at the token limit", tokens=tokens or None)
    if not isinstance(text, str) or not text.strip():
        raise ModelError(f"{NO_ANSWER} has no text", tokens=tokens or None)
    # Neither a request nor a database takes half a surrogate pair, of which an emoji that was cut has one.
    return text.encode("utf-8", "replace").decode(), tokens


def _keep_message(body: bytes) -> bytes:
    """Return the body of an error with nothing but its message; an empty one without a message."""
    try:
        decoded = fields.decode_json(body)
    except ValueError:
        return b""
    error = decoded.get("error", decoded) if isinstance(decoded, dict) else None
    message = error.get("message") if isinstance(error, dict) else None
    return json.dumps({"message": message[:_MAX_MESSAGE]}).encode() if isinstance(message, str) else b""


def _is_too_long(error: openai.APIStatusError) -> bool:
    text = str(error).lower()
    return any(phrase in text for phrase in _TOO_LONG)


@contextlib.asynccontextmanager
async def open_model(
    url: str, name: str, key: str | None, clock: Clock, *, seconds: float = TIMEOUT_SECONDS
) -> AsyncIterator[LanguageModel]:
    """Open a model for one run. `seconds` is the time-out of a request. Raises UsageError without the client."""
    async with fetcher.open_session(CONNECT_SECONDS, None, {}) as session:
        try:
            # In a thread: loading the client takes a quarter of a second.
            client = await asyncio.to_thread(_build_client, url, key, session)
        except ModuleNotFoundError as error:
            raise errors.UsageError(
                f"The writer needs {error.name}: install Paperround from its checkout as '.[writer]' instead of '.',"
                " for example with pipx install '.[writer]'."
            ) from None
        async with client:
            yield LanguageModel(client, name, key, clock, seconds=seconds)


def _build_client(url: str, key: str | None, session: aiohttp.ClientSession) -> openai.AsyncOpenAI:
    import httpx2
    import openai

    class BoundedTransport(httpx2.AsyncBaseTransport):
        """Sends requests as the sources do, and reads every body before the client sees it, without most headers.

        The client would read without a limit, unpack, decode by any charset that the server names, and keep an error as objects.
        """

        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            request.headers["Accept-Encoding"] = "identity"
            try:
                async with session.request(
                    request.method,
                    str(request.url),
                    headers=request.headers.multi_items(),
                    data=await request.aread(),
                    allow_redirects=False,
                ) as response:
                    if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
                        reason = f"{NO_ANSWER} is compressed, although that was not requested"
                        raise ModelError(reason, is_outage=True)
                    body = await fetcher.read_body(response, MAX_BYTES)
                    if response.status >= 300:
                        body = await asyncio.to_thread(_keep_message, body)
            except base.FetchError as error:
                raise ModelError(f"{NO_ANSWER} cannot be read: {error.reason}", is_outage=True) from None
            except aiohttp.ClientResponseError:
                raise ModelError(f"{NO_ANSWER} is not valid HTTP", is_outage=True) from None
            except (aiohttp.ClientError, OSError) as error:
                raise httpx2.ConnectError(str(error)) from error
            headers = {name: response.headers[name] for name in _HEADERS_READ if name in response.headers}
            return httpx2.Response(response.status, headers=headers, content=body)

    for logger in _LOGGERS:
        # At level debug they would log whole papers.
        logging.getLogger(logger).setLevel(logging.WARNING)
    timeout = openai.Timeout(TIMEOUT_SECONDS, connect=CONNECT_SECONDS)
    client = openai.AsyncOpenAI(
        base_url=url,
        api_key=key or "none",
        max_retries=0,
        timeout=timeout,
        http_client=openai.DefaultAsyncHttpxClient(
            timeout=timeout, trust_env=False, follow_redirects=False, transport=BoundedTransport()
        ),
    )
    client.chat.completions.with_raw_response  # noqa: B018 - loads the rest of the client
    return client
