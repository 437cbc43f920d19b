"""The HTTP client of all sources: limits, redirects, conditional requests, retries and decompression.

Every failure is a FetchError with a reason in words.
"""

from __future__ import annotations

import asyncio
import base64
import concurrent.futures
import contextlib
import hashlib
import http.client
import socket
import ssl
import threading
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import abc, hdrs
from yarl import URL

from bot.core import clock, isolation
from bot.sources import base, ssrf_guard
from storage import models
from storage.models import FetchStatus

if TYPE_CHECKING:
    from storage.database import Database


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one fetch. Times in seconds, size in bytes after unpacking; `total_timeout` covers all redirects."""

    connect_timeout: float = 10.0
    read_timeout: float = 20.0
    total_timeout: float = 60.0
    max_bytes: int = 5_000_000
    max_redirects: int = 5
    max_attempts: int = 3
    max_connections_per_host: int = 2


_READ_AT_ONCE = 1 << 16


class _NameThreads:
    """The part of an event loop that aiohttp's resolver uses, in a new thread for each name, which nothing waits for.

    In the event loop's few threads the names whose servers do not answer would hold up readers, Discord and the end.
    """

    async def getaddrinfo(self, *arguments: Any, **options: Any) -> Any:
        return await _run_in_daemon(partial(socket.getaddrinfo, *arguments, **options))

    async def getnameinfo(self, *arguments: Any) -> Any:
        return await _run_in_daemon(partial(socket.getnameinfo, *arguments))


async def _run_in_daemon(function: Callable[[], Any]) -> Any:
    answer: concurrent.futures.Future[Any] = concurrent.futures.Future()
    answer.set_running_or_notify_cancel()  # a cancellation only stops the waiting

    def run() -> None:
        failures: list[Exception] = []
        with isolation.collected(failures):
            answer.set_result(function())
        for failure in failures:
            answer.set_exception(failure)

    threading.Thread(target=run, name="name look-up", daemon=True).start()
    return await asyncio.wrap_future(answer)


def open_session(
    connect_timeout: float, read_timeout: float | None, headers: Mapping[str, str], **connection: Any
) -> aiohttp.ClientSession:
    """Open a session without cookies and proxies of the environment; `connection` is for its connector."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(**connection),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_timeout, sock_read=read_timeout),
        headers=headers,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )


async def read_body(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """Return the body of at most `limit` bytes, unpacked. Raises FetchError for one that is larger."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(_READ_AT_ONCE):
        body += chunk
        if len(body) > limit:
            raise base.AnswerTooLargeError(f"its response is larger than {limit / 1_000_000:g} MB")
    return bytes(body)


# Retries, of a fetch and of polls.

_BASE_DELAY = 1.0
_MAX_DELAY = 10.0
_MAX_RETRY_AFTER = timedelta(days=1)
_MAX_POLL_INTERVAL = timedelta(hours=24)


class RetryPolicy:
    """Exponential backoff with jitter, for a fetch and for polls. `random` gives numbers from 0 up to 1."""

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random

    def retry_delay(self, attempt: int, retry_at: datetime | None, now: datetime) -> float | None:
        """Return the delay in seconds after the given attempt, or None if the server asks for a longer one."""
        delay = _BASE_DELAY * 2 ** (attempt - 1) * (0.5 + self._random() / 2)
        if retry_at is not None:
            delay = max(delay, (retry_at - now).total_seconds())
        return delay if delay <= _MAX_DELAY else None

    def next_poll_delay(self, interval: timedelta, failures: int) -> timedelta:
        """Return the time to the next poll: the interval, doubled with each failure in a row up to a day."""
        delay: timedelta = min(interval * (1 << min(failures, 16)), max(interval, _MAX_POLL_INTERVAL))
        return delay * (1 + 0.1 * self._random())


def parse_retry_after(value: str | None, now: datetime) -> datetime | None:
    """Return the time (UTC) of a Retry-After header in seconds or as an HTTP date, at most a day ahead, or None."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return now + min(timedelta(seconds=int(text[:9])), _MAX_RETRY_AFTER)
    try:
        parsed = parsedate_to_datetime(text)
        retry_at = parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return min(max(retry_at, now), now + _MAX_RETRY_AFTER)


# Reads one HTTP response into plain data or a FetchError, and translates exceptions of aiohttp.

_MAX_VALIDATOR_LENGTH = 500
_MAX_URL_LENGTH = 4000
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ACCESS_DENIED = frozenset({401, 402, 403, 407, 451})
_RETRYABLE = frozenset({408, 425, 429, 500, 502, 503, 504})


def _conditional_headers(page_state: models.PageState | None) -> dict[str, str]:
    """Return the conditional request headers for a page that was read before."""
    headers: dict[str, str] = {}
    if page_state is not None and page_state.hash is not None:
        if page_state.etag:
            headers[hdrs.IF_NONE_MATCH] = page_state.etag
        if page_state.last_modified:
            headers[hdrs.IF_MODIFIED_SINCE] = page_state.last_modified
    return headers


def _parse_url(text: str, former: URL | None = None) -> URL:
    """Return the URL of an address, or of a redirect from `former`, without its fragment. Raises FetchError."""
    try:
        if len(text) > _MAX_URL_LENGTH:
            raise ValueError("too long")
        return (URL(text) if former is None else former.join(URL(text))).with_fragment(None)
    except (ValueError, TypeError):
        reason = "it redirects to an invalid address" if former else "its address cannot be read"
        raise base.FetchError(reason) from None


async def _read_response(
    response: aiohttp.ClientResponse, location: str, max_bytes: int, now: datetime
) -> base.Response | str:
    """Read a response with a body of at most `max_bytes`, and begin the page state of `location` with its validators.

    Returns the target of a redirect as the server names it. Raises FetchError for every status but 200, 203, 304 and redirects.
    """
    status = response.status
    if status in _REDIRECTS:
        target = response.headers.get(hdrs.LOCATION)
        if not target:
            raise base.FetchError(f"it redirects without an address ({status})")
        return target
    if status not in (200, 203, 304):
        raise _status_error(response, now)
    body = None if status == 304 else await read_body(response, max_bytes)
    page_state = models.PageState(
        location=location,
        read_at=now,
        status=FetchStatus.OK,
        etag=_validator(response.headers.get(hdrs.ETAG)),
        last_modified=_validator(response.headers.get(hdrs.LAST_MODIFIED)),
        hash=None if body is None else hashlib.sha256(body).hexdigest(),
    )
    return base.Response(
        str(response.url), body, page_state, response.content_type.lower(), _charset(response)
    )


def _compare_with_known(response: base.Response, known: models.PageState | None) -> base.Response:
    """Return the response of the last hop with the page state to store. A body with the `known` hash counts as 304."""
    state = response.page_state
    if known is None or known.hash is None or state.hash not in (None, known.hash):
        if response.body is None:
            raise base.FetchError("it responds that nothing changed (304), although nothing was read before")
        return response
    if response.body is None:
        state = replace(
            state, etag=state.etag or known.etag, last_modified=state.last_modified or known.last_modified
        )
    state = replace(state, status=FetchStatus.UNCHANGED, hash=known.hash)
    return replace(response, body=None, page_state=state)


def _validator(value: str | None) -> str | None:
    """Return a validator that can be stored and sent back unchanged, else None."""
    if value and value.isascii() and value.isprintable() and len(value) <= _MAX_VALIDATOR_LENGTH:
        return value
    return None


def _charset(response: aiohttp.ClientResponse) -> str | None:
    try:
        return response.charset
    except (ValueError, LookupError):
        return None  # a malformed media type


def _status_error(response: aiohttp.ClientResponse, now: datetime) -> base.FetchError:
    """Return the error for a status other than success, 304 and redirects."""
    status = response.status
    if status == 404:
        return base.NotFoundError("not found (404)")
    if status == 410:
        return base.GoneError("it is gone for good (410)")
    if status in _ACCESS_DENIED:
        return base.FetchError(f"it refuses access ({status}). Does it need a login?")
    name = http.client.responses.get(status, "not a standard status").lower()
    if status in _RETRYABLE:
        retry_at = parse_retry_after(response.headers.get(hdrs.RETRY_AFTER), now)
        return base.TransientError(f"the server reports an error: {name} ({status})", retry_at=retry_at)
    kind = base.BadRequestError if status == 400 else base.FetchError
    return kind(f"the server answers {status}, {name}")


def _translate_error(error: Exception, url: URL, limits: Limits) -> base.FetchError:
    """Return the FetchError for an exception from aiohttp or the socket."""
    host = url.raw_host or ""
    if isinstance(error, aiohttp.ClientHttpProxyError | aiohttp.ClientProxyConnectionError):
        return _translate_proxy_error(error, host)
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return base.FetchError(f"the TLS certificate of {host} is not trusted")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return base.FetchError(f"cannot resolve {host}. Check the network, or PAPERROUND_FETCH_PROXY")
    if isinstance(error, aiohttp.ClientSSLError):
        return base.FetchError(f"no TLS connection to {host} could be made")
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return base.FetchError(f"connecting to {host} took longer than {limits.connect_timeout:g} s")
    if isinstance(error, aiohttp.SocketTimeoutError):
        return base.FetchError(f"it was silent for {limits.read_timeout:g} s")
    if isinstance(error, TimeoutError):
        return base.FetchError(f"the request took longer than {limits.total_timeout:g} s")
    if isinstance(error, aiohttp.ClientConnectorError):
        cause = error.os_error.strerror or str(error.os_error)
        return base.TransientError(f"cannot connect to {host}: {cause}")
    if isinstance(error, aiohttp.ClientPayloadError):
        return base.TransientError("its response is damaged or ended early")
    if isinstance(error, aiohttp.ClientConnectionError | ConnectionError):
        return base.TransientError(f"{host} closed the connection")
    if isinstance(error, ValueError):
        return base.FetchError("its address or its response cannot be read")
    return base.FetchError(f"its response is not valid HTTP: {type(error).__name__}")


def _translate_proxy_error(
    error: aiohttp.ClientHttpProxyError | aiohttp.ClientProxyConnectionError, host: str
) -> base.FetchError:
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return base.TransientError("cannot connect to the proxy")
    kind = base.TransientError if error.status in _RETRYABLE else base.FetchError
    return kind(f"the proxy refuses to connect to {host} ({error.status})")


Sleep = Callable[[float], Awaitable[None]]


def shared_throttle(
    database: Database, now: clock.Clock, service: str, seconds: float, sleep: Sleep = asyncio.sleep
) -> base.Throttle:
    """Return a throttle for one request to a service in `seconds`, from all processes of the database.

    The moment is reserved in storage before the wait, so a process that dies meanwhile costs one interval.
    """
    from storage import sources  # loads SQLAlchemy, which a child process that reads a page does not need

    async def wait() -> None:
        async with database.transaction() as connection:
            at = await sources.reserve_request(connection, service, now(), timedelta(seconds=seconds))
        await sleep(max(0.0, (at - now()).total_seconds()))

    return wait


class Fetcher:
    """Fetches URLs. Open one with `open_fetcher` and share it: it limits the connections to each host."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        guard: ssrf_guard.SsrfGuard,
        *,
        now: clock.Clock,
        limits: Limits,
        retry_policy: RetryPolicy,
        sleep: Sleep,
        proxy: URL | None = None,
    ) -> None:
        self._proxy = proxy
        self._session = session
        self._guard = guard
        self._now = now
        self._limits = limits
        self._retry_policy = retry_policy
        self._sleep = sleep
        self._host_semaphores: weakref.WeakValueDictionary[str, asyncio.Semaphore] = (
            weakref.WeakValueDictionary()
        )

    async def get(
        self,
        url: str,
        page_state: models.PageState | None = None,
        *,
        accept: str = "*/*",
        throttle: base.Throttle = base.no_throttle,
    ) -> base.Response:
        """Fetch `url`, conditionally if `page_state` holds validators. Raises FetchError."""
        return await self._retry(
            partial(self._follow_redirects, url, page_state, accept=accept, throttle=throttle)
        )

    async def _retry(self, attempt_fetch: Callable[[], Awaitable[base.Response]]) -> base.Response:
        """Fetch with retries and growing delays."""
        for attempt in range(1, self._limits.max_attempts + 1):
            try:
                return await attempt_fetch()
            except base.FetchError as error:
                delay = self._retry_policy.retry_delay(attempt, error.retry_at, self._now())
                if not error.is_retryable or delay is None or attempt == self._limits.max_attempts:
                    raise
                await self._sleep(delay)
        raise AssertionError("the last attempt returns or raises")

    async def _follow_redirects(
        self, url: str, known: models.PageState | None, *, accept: str, throttle: base.Throttle
    ) -> base.Response:
        """Send one attempt. Each redirect is checked by the SSRF guard, and all hops share the total time-out."""
        target = _parse_url(url)
        headers = {hdrs.ACCEPT: accept, hdrs.ACCEPT_ENCODING: "gzip", **_conditional_headers(known)}
        seen = {target}
        seconds_left = self._limits.total_timeout
        for _ in range(self._limits.max_redirects + 1):
            self._guard.check_url(target)
            if self._proxy is not None:
                await self._guard.check_resolved(target)
            await throttle()
            hop, seconds = await self._send_request(target, headers, url, seconds_left)
            seconds_left -= seconds
            if isinstance(hop, base.Response):
                return _compare_with_known(hop, known)
            target = _parse_url(hop, target)
            if target in seen:
                raise base.FetchError("it redirects in a loop")
            seen.add(target)
        raise base.FetchError(f"it redirects more than {self._limits.max_redirects} times")

    async def _send_request(
        self, url: URL, headers: Mapping[str, str], location: str, seconds_left: float
    ) -> tuple[base.Response | str, float]:
        """Send one request; return the response and its time in seconds, without the wait for the host's other requests."""
        loop = asyncio.get_running_loop()
        semaphore = self._host_semaphores.setdefault(
            url.raw_host or "", asyncio.Semaphore(self._limits.max_connections_per_host)
        )
        async with semaphore:
            started = loop.time()
            try:
                async with asyncio.timeout(max(seconds_left, 0)), self._request(url, headers) as response:
                    hop = await _read_response(response, location, self._limits.max_bytes, self._now())
            except (aiohttp.ClientError, OSError, ValueError) as error:
                failure = _translate_error(error, url, self._limits)
                failure.is_answered = False
                raise failure from error
            return hop, loop.time() - started

    def _request(self, url: URL, headers: Mapping[str, str]) -> contextlib.AbstractAsyncContextManager[Any]:
        """Begin a request, through the proxy if there is one. Its password goes to the proxy alone."""
        if self._proxy is None:
            return self._session.get(url, headers=headers, allow_redirects=False)
        credentials: dict[str, str] = {}
        if self._proxy.user is not None:
            pair = f"{self._proxy.user}:{self._proxy.password or ''}".encode()
            credentials[hdrs.PROXY_AUTHORIZATION] = f"Basic {base64.b64encode(pair).decode()}"
        is_tunnelled = url.scheme == "https"
        return self._session.get(
            url,
            headers=headers if is_tunnelled else {**headers, **credentials},
            proxy=self._proxy.with_user(None),
            proxy_headers=credentials if is_tunnelled else None,
            allow_redirects=False,
        )


@contextlib.asynccontextmanager
async def open_fetcher(
    *,
    now: clock.Clock,
    random: Callable[[], float],
    user_agent: str,
    allowed_hosts: Iterable[ssrf_guard.AllowedHost] = (),
    resolver: abc.AbstractResolver | None = None,
    tls: ssl.SSLContext | None = None,
    limits: Limits | None = None,
    sleep: Sleep = asyncio.sleep,
    proxy: str | None = None,
) -> AsyncIterator[Fetcher]:
    """Open a fetcher with its connections for the duration of the block. `random` gives numbers from 0 up to 1.

    With a `proxy`, connections go to it alone; the addresses of each request are checked before the proxy gets it.
    """
    limits = limits or Limits()
    names = resolver or aiohttp.ThreadedResolver(_NameThreads())  # type: ignore[arg-type] # the part that it uses
    guard = ssrf_guard.SsrfGuard(names, allowed_hosts)
    proxy_url, connection_guard = None if proxy is None else URL(proxy), guard
    if proxy_url is not None:
        # The operator named the proxy, so its address may be private; sources may not be fetched from it all the same.
        allowed_proxy = ssrf_guard.allowed_host_of_url(str(proxy_url))
        connection_guard = ssrf_guard.SsrfGuard(names, [allowed_proxy])
        connection_guard.check_url(proxy_url)
    session = open_session(
        limits.connect_timeout,
        limits.read_timeout,
        {hdrs.USER_AGENT: user_agent},
        resolver=connection_guard,
        ssl=tls or True,
        limit=0,
        limit_per_host=limits.max_connections_per_host,
    )
    async with session:
        policy = RetryPolicy(random)
        yield Fetcher(
            session, guard, now=now, limits=limits, retry_policy=policy, sleep=sleep, proxy=proxy_url
        )
