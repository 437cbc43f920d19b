"""The HTTP client of all sources: limits, redirects, conditional requests, retries and decompression.

Every failure is a FetchError with a readable reason.
"""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import itertools
import re
import ssl
import zlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

import aiohttp
from aiohttp import abc, hdrs
from yarl import URL

from bot.core import clock
from bot.sources import base, ssrf_guard
from storage import errors, sources
from storage.models import FetchStatus

if TYPE_CHECKING:
    from storage.database import Database


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one fetch. Times are in seconds, `total_timeout` for each request; `max_bytes` limits unpacked bytes."""

    connect_timeout: float = 10.0
    read_timeout: float = 20.0
    total_timeout: float = 60.0
    max_bytes: int = 5_000_000
    max_redirects: int = 5
    max_attempts: int = 3


_CONNECTIONS_PER_HOST = 2
_READ_AT_ONCE = 1 << 16


_FIRST_DELAY, _MAX_DELAY = 1.0, 10.0
"""Seconds before the first retry, and the longest delay before any retry."""


# One HTTP response as plain data, or a FetchError. aiohttp's exceptions are converted.

_MAX_VALIDATOR_LENGTH = 500
_MAX_URL_LENGTH = 4000
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ACCESS_DENIED = frozenset({401, 402, 403, 451})
_PROXY_DENIED = 407
RETRYABLE = frozenset({408, 425, 429, 500, 502, 503, 504})
"""The statuses after which a retry may succeed."""
_RESET = re.compile(r";\s?t=([0-9]{1,9})\b")
"""The seconds until a limit is reset, in a header such as `RateLimit: "api";r=0;t=55`."""


def _conditional_headers(page_state: sources.PageState | None) -> dict[str, str]:
    headers: dict[str, str] = {}
    if page_state is not None and page_state.hash is not None:
        if page_state.etag:
            headers[hdrs.IF_NONE_MATCH] = page_state.etag
        if page_state.last_modified:
            headers[hdrs.IF_MODIFIED_SINCE] = page_state.last_modified
    return headers


def _parse_url(text: str, former: URL | None = None) -> URL:
    """Parse a URL without its fragment. A redirect is relative to `former`. Raises FetchError if invalid."""
    try:
        if len(text) > _MAX_URL_LENGTH:
            raise ValueError("too long")
        return (URL(text) if former is None else former.join(URL(text))).with_fragment(None)
    except (ValueError, TypeError):
        reason = "it redirects to an invalid address" if former else "its address cannot be read"
        raise base.FetchError(reason) from None


def _name_site(url: URL) -> tuple[str, list[str]]:
    """Return the scheme and the last two parts of the host, which hosts with common cookies share.

    Hosts below `co.uk` count as one site, too: what one of them sets in a chain it could as well write into its redirect.
    """
    return url.scheme, (url.raw_host or "").rsplit(".", 2)[-2:]


async def _read_body(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """Read a body of at most `limit` bytes, and unpack it. Raises FetchError if it is larger or in an unknown coding."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(_READ_AT_ONCE):
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    listed = ",".join(response.headers.getall(hdrs.CONTENT_ENCODING, ()))
    codings = [
        name for coding in listed.lower().split(",") if (name := coding.strip()) not in ("", "identity")
    ]
    if not codings:
        return bytes(body)
    return await asyncio.to_thread(_unpack, bytes(body), codings, limit)


def _too_large(limit: int) -> base.FetchError:
    reason = f"its response is larger than {limit / 1_000_000:g} MB: split it, or take its .bib"
    return base.FetchError(reason, code=base.TOO_LARGE)


_CODINGS = ("gzip", "x-gzip", "deflate", "x-deflate")
_MAX_CODINGS = 5
_MAX_PARTS = 100
"""The most parts of a gzip body. What is left of the body is copied for each."""


def _unpack(body: bytes, codings: Sequence[str], limit: int) -> bytes:
    """Undo the codings of a body (RFC 9110), the last first. It may have `limit` bytes after each.

    A coding that the server names, but did not apply, is skipped: what is text is not compressed. Raises FetchError, or
    ClientPayloadError for a damaged body.
    """
    if len(codings) > _MAX_CODINGS:
        raise base.FetchError(
            f"its response has {len(codings)} content codings; at most {_MAX_CODINGS} are undone"
        )
    for name in reversed(codings):
        if _is_text(body):
            continue
        if name not in _CODINGS:
            raise base.FetchError(
                f"its response has the content coding {name}; only gzip and deflate are read"
            )
        try:
            body = _decompress(body, limit)
        except (EOFError, zlib.error) as error:
            raise aiohttp.ClientPayloadError from error
        if len(body) > limit:
            raise _too_large(limit)
    return body


_CONTROLS = bytes({*range(0x20)} - set(b"\t\n\f\r"))


def _is_text(body: bytes) -> bool:
    try:
        return len(body.decode()) >= 0 and len(body.translate(None, _CONTROLS)) == len(body)
    except UnicodeDecodeError:
        return False


def _decompress(body: bytes, limit: int) -> bytes:
    """Return at most `limit` + 1 bytes of gzip, zlib or raw deflate, detected by the header, without what follows its end.

    gzip may have several parts. Servers name zlib and raw deflate alike. Raises FetchError, EOFError or zlib.error.
    """
    unpacked = b""
    for _ in range(_MAX_PARTS):
        decoder = zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip or zlib
        try:
            unpacked += decoder.decompress(body, limit + 1 - len(unpacked))
        except zlib.error:
            if unpacked:
                raise
            decoder = zlib.decompressobj(-zlib.MAX_WBITS)
            unpacked = decoder.decompress(body, limit + 1)
        if len(unpacked) > limit:
            return unpacked
        if not decoder.eof:
            raise EOFError
        body = decoder.unused_data
        if not body.startswith(b"\x1f\x8b"):
            return unpacked
    raise base.FetchError(f"its response has over {_MAX_PARTS} compressed parts")


async def _read_response(
    response: aiohttp.ClientResponse, location: str, max_bytes: int, now: datetime, proxy: str | None
) -> base.Response | str:
    """Read a response and its validators, or return the target of a redirect.

    Raises FetchError if the status is not 200, 203, 304 or a redirect, or if the body is larger than
    `max_bytes`.
    """
    status = response.status
    if status in _REDIRECTS:
        target = response.headers.get(hdrs.LOCATION)
        if not target:
            raise base.FetchError(f"it redirects without an address ({status})")
        return target
    if status not in (200, 203, 304):
        raise _status_error(response, now, proxy)
    body = None if status == 304 else await _read_body(response, max_bytes)
    page_state = sources.PageState(
        location=location,
        read_at=now,
        status=FetchStatus.OK,
        etag=_validator(response.headers.get(hdrs.ETAG)),
        last_modified=_validator(response.headers.get(hdrs.LAST_MODIFIED)),
        hash=None if body is None else hashlib.sha256(body).hexdigest(),
    )
    try:
        charset = response.charset
    except (ValueError, LookupError):
        charset = None  # a malformed media type
    return base.Response(str(response.url), body, page_state, charset)


def _compare_with_known(response: base.Response, known: sources.PageState | None) -> base.Response:
    """Return the response with the page state to store. It counts as unchanged if the body has the known hash."""
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
    """Return a validator if it can be stored and sent back unchanged, or None."""
    if value and value.isascii() and value.isprintable() and len(value) <= _MAX_VALIDATOR_LENGTH:
        return value
    return None


def _status_error(response: aiohttp.ClientResponse, now: datetime, proxy: str | None) -> base.FetchError:
    # With https a proxy's refusal is an exception of aiohttp: it makes the tunnel, in which the server answers.
    status, is_proxied = response.status, proxy is not None and response.url.scheme == "http"
    if status == base.NOT_FOUND:
        reason = "not found (404)"
    elif status == base.GONE:
        reason = "it is gone for good (410)"
    elif status == _PROXY_DENIED and is_proxied:
        reason = "the proxy wants another user and password (407): see PAPERROUND_FETCH_PROXY"
    elif status in _ACCESS_DENIED:
        reason = f"it refuses access ({status}). Does it need a login?"
    else:
        reason = f"the server answers {status}, {http.client.responses.get(status, 'not a standard status').lower()}"
    wait = response.headers.get(hdrs.RETRY_AFTER)
    if wait is None and (reset := _RESET.search(response.headers.get("RateLimit", "")[:200])):
        wait = reset[1]
    retry_at = clock.parse_retry_after(wait, now) if status in RETRYABLE else None
    return base.FetchError(reason, code=status, retry_at=retry_at, is_retryable=status in RETRYABLE)


_SENTENCES: tuple[tuple[type[Exception], str, bool], ...] = (
    (aiohttp.ClientHttpProxyError, "{proxy} refuses to connect to {host} ({error.status})", False),
    (aiohttp.ClientConnectorCertificateError, "the TLS certificate of {host} is not trusted", False),
    (
        aiohttp.ClientConnectorDNSError,
        "cannot resolve {host}. Check the network, or PAPERROUND_FETCH_PROXY",
        False,
    ),
    (aiohttp.ClientSSLError, "no TLS connection to {host} could be made", False),
    (
        aiohttp.ConnectionTimeoutError,
        "connecting to {host} took longer than {limits.connect_timeout:g} s",
        False,
    ),
    (aiohttp.SocketTimeoutError, "it was silent for {limits.read_timeout:g} s", False),
    (TimeoutError, "the request took longer than {limits.total_timeout:g} s", False),
    (aiohttp.ClientConnectorError, "cannot connect to {host}: {error.os_error.strerror}", True),
    (aiohttp.ClientPayloadError, "its response is damaged or ended early", True),
    (aiohttp.ClientConnectionError, "{host} closed the connection", True),
    (OSError, "{host} closed the connection", True),
    (ValueError, "its address or its response cannot be read", False),
    (Exception, "its response is not valid HTTP", False),
)
"""The reason for each exception, most specific first, and whether a retry may succeed."""


def _translate_error(error: Exception, url: URL, limits: Limits, proxy: str | None) -> base.FetchError:
    sentence, is_retryable = next(row[1:] for row in _SENTENCES if isinstance(error, row[0]))
    name = proxy and errors.name_proxy("PAPERROUND_FETCH_PROXY", proxy)
    # aiohttp names the host that it could not connect to; a tunnel to another host begins in a connection that there is.
    is_of_proxy = isinstance(error, aiohttp.ConnectionTimeoutError) or (
        isinstance(error, aiohttp.ClientConnectorError) and error.host != url.raw_host
    )
    host = name if name and is_of_proxy else url.raw_host
    reason = sentence.format(host=host, proxy=name, error=error, limits=limits)
    return base.FetchError(reason, is_retryable=is_retryable)


Sleep = Callable[[float], Awaitable[None]]


def arxiv_throttle(
    database: Database, now: clock.Clock, seconds: float, sleep: Sleep = asyncio.sleep
) -> base.Throttle:
    """Return a throttle that allows one request to arXiv every `seconds`, across all processes of the database.

    The slot is reserved in storage before waiting, so a killed process wastes at most one interval.
    """
    from storage import sources  # loads SQLAlchemy, which page-reading child processes do not need

    async def wait() -> None:
        at = await database.write(sources.reserve_request, now(), timedelta(seconds=seconds))
        await sleep(max(0.0, (at - now()).total_seconds()))

    return wait


@dataclass(eq=False, kw_only=True)
class HttpFetcher:
    """Fetches URLs while the context is entered. Share one, since it limits connections per host.

    Cookies last for one chain of redirects within a site. Proxies in the environment are ignored. A `proxy` gets all
    requests after the SSRF guard has checked their URLs.
    """

    now: clock.Clock
    user_agent: str
    allowed_hosts: Iterable[ssrf_guard.AllowedHost]
    limits: Limits
    proxy: str | None
    resolver: abc.AbstractResolver | None = None
    tls: ssl.SSLContext | None = None
    sleep: Sleep = asyncio.sleep

    async def __aenter__(self) -> Self:
        names = self.resolver or aiohttp.ThreadedResolver()
        self._guard = connection_guard = ssrf_guard.SsrfGuard(names, self.allowed_hosts)
        if self.proxy is not None:
            # The operator chose the proxy, so its address may be private. Sources still may not be fetched there.
            connection_guard = ssrf_guard.SsrfGuard(names, [ssrf_guard.allowed_host_of_url(self.proxy)])
            connection_guard.check_url(URL(self.proxy))
        limits = self.limits
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=connection_guard, ssl=self.tls or True, limit=0, limit_per_host=_CONNECTIONS_PER_HOST
            ),
            timeout=aiohttp.ClientTimeout(
                total=limits.total_timeout, sock_connect=limits.connect_timeout, sock_read=limits.read_timeout
            ),
            headers={hdrs.USER_AGENT: self.user_agent},
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            proxy=self.proxy,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def get(
        self,
        url: str,
        page_state: sources.PageState | None = None,
        *,
        accept: str = "*/*",
        throttle: base.Throttle = base.no_throttle,
    ) -> base.Response:
        """Fetch `url`, conditionally if `page_state` holds validators. Raises FetchError.

        Temporary errors are retried with doubling delays.
        """
        for attempt in itertools.count(1):
            try:
                response = await self._follow_redirects(url, page_state, accept, throttle)
                return _compare_with_known(response, page_state)
            except base.FetchError as error:
                delay = _FIRST_DELAY * 2 ** (attempt - 1)
                if error.retry_at is not None:
                    delay = max(delay, (error.retry_at - self.now()).total_seconds())
                if not error.is_retryable or attempt >= self.limits.max_attempts or delay > _MAX_DELAY:
                    raise
                await self.sleep(delay)
        raise AssertionError("the last attempt returns or raises")

    async def call(
        self, method: str, url: str, *, headers: Mapping[str, str], body: object = None
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Make one request to an API, without retry or redirect, and return its status, headers and body.

        `body` is sent as JSON. Raises FetchError without an answer.
        """
        target = _parse_url(url)
        self._guard.check_url(target)
        if self.proxy is not None:
            await self._guard.check_resolved(target)
        sent = {**headers, hdrs.ACCEPT_ENCODING: "gzip"}
        try:
            async with self._session.request(
                method, target, headers=sent, json=body, allow_redirects=False
            ) as response:
                return response.status, response.headers, await _read_body(response, self.limits.max_bytes)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _translate_error(error, target, self.limits, self.proxy) from error

    async def _follow_redirects(
        self, url: str, known: sources.PageState | None, accept: str, throttle: base.Throttle
    ) -> base.Response:
        """Make one attempt. The SSRF guard checks each redirect."""
        target = _parse_url(url)
        headers = {hdrs.ACCEPT: accept, hdrs.ACCEPT_ENCODING: "gzip", **_conditional_headers(known)}
        jar = aiohttp.CookieJar(unsafe=True)  # which has those of IP addresses, too
        for _ in range(self.limits.max_redirects + 1):
            self._guard.check_url(target)
            if self.proxy is not None:
                await self._guard.check_resolved(target)
            await throttle()
            cookies = "; ".join(cookie.OutputString([]) for cookie in jar.filter_cookies(target).values())
            sent = {**headers, hdrs.COOKIE: cookies} if cookies else headers
            try:
                async with self._session.get(target, headers=sent, allow_redirects=False) as response:
                    jar.update_cookies_from_headers(response.headers.getall(hdrs.SET_COOKIE, ()), target)
                    answer = await _read_response(
                        response, url, self.limits.max_bytes, self.now(), self.proxy
                    )
            except (aiohttp.ClientError, OSError, ValueError) as error:
                raise _translate_error(error, target, self.limits, self.proxy) from error
            if isinstance(answer, base.Response):
                return answer
            former, target = target, _parse_url(answer, target)
            if _name_site(former) != _name_site(target):
                jar.clear()
        raise base.FetchError(f"it redirects more than {self.limits.max_redirects} times")
