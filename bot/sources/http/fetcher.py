"""The HTTP client of all sources: time-outs, size limits, redirects, conditional requests and retries.

Every failure is a FetchError with a reason in words.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any

import aiohttp
from aiohttp import abc, hdrs
from yarl import URL

from bot import clock
from bot.sources.http import body as http_body
from bot.sources.http import errors, retry, ssrf_guard
from bot.sources.http import response as http_response
from bot.sources.http.limits import Limits
from storage import models

Sleep = Callable[[float], Awaitable[None]]
Throttle = Callable[[], Awaitable[None]]
"""Waits until the next request may be sent, such as `AsyncLimiter(1, 3).acquire`."""


async def no_throttle() -> None:
    """Default of `throttle`: does not wait."""


class Fetcher:
    """Fetches URLs. Open one with `open_fetcher` and share it: it limits the connections to each host."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        guard: ssrf_guard.SsrfGuard,
        *,
        now: clock.Clock,
        limits: Limits,
        retry_policy: retry.RetryPolicy,
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
        throttle: Throttle = no_throttle,
    ) -> http_response.Response:
        """Fetch `url`, conditionally if `page_state` holds validators. Raises FetchError.

        A page that moved permanently is fetched from its new address, or from the old one if the new one fails.
        """
        attempt = partial(self._follow_redirects, location=url, accept=accept, throttle=throttle)
        if page_state is None or page_state.moved_to is None:
            return await self._retry(partial(attempt, url, page_state))
        try:
            return await self._retry(partial(attempt, page_state.moved_to, page_state))
        except (errors.NotFoundError, errors.GoneError, errors.BlockedUrlError):
            return await self._retry(partial(attempt, url, None))

    async def _retry(
        self, attempt_fetch: Callable[[], Awaitable[http_response.Response]]
    ) -> http_response.Response:
        """Fetch with retries and growing delays."""
        for attempt in range(1, self._limits.max_attempts + 1):
            try:
                return await attempt_fetch()
            except errors.FetchError as error:
                delay = self._retry_policy.retry_delay(attempt, error.retry_at, self._now())
                if not error.is_retryable or delay is None or attempt == self._limits.max_attempts:
                    raise
                await self._sleep(delay)
        raise AssertionError("the last attempt returns or raises")

    async def _follow_redirects(
        self, url: str, known: models.PageState | None, *, location: str, accept: str, throttle: Throttle
    ) -> http_response.Response:
        """Send one attempt. Each redirect is checked by the SSRF guard, and all hops share the total time-out.

        `location` is the address as its source names it; `known` its page state.
        """
        target = http_response.parse_url(url)
        moved_to = url if known and known.moved_to == url else None
        headers = {
            hdrs.ACCEPT: accept,
            hdrs.ACCEPT_ENCODING: http_body.ACCEPT_ENCODING,
            **http_response.conditional_headers(known),
        }
        all_permanent = True
        seen = {target}
        seconds_left = self._limits.total_timeout
        for _ in range(self._limits.max_redirects + 1):
            self._guard.check_url(target)
            if self._proxy is not None:
                await self._guard.check_resolved(target)
            await throttle()
            hop, seconds = await self._send_request(target, headers, location, seconds_left)
            seconds_left -= seconds
            if isinstance(hop, http_response.Response):
                return http_response.compare_with_known(hop, known, moved_to)
            redirect_to, is_permanent = hop
            all_permanent = all_permanent and is_permanent
            target = http_response.resolve_redirect(target, redirect_to)
            moved_to = str(target) if all_permanent else moved_to
            if target in seen:
                raise errors.FetchError("its redirects go in a circle")
            seen.add(target)
        raise errors.FetchError(f"it redirects more than {self._limits.max_redirects} times")

    async def _send_request(
        self, url: URL, headers: Mapping[str, str], location: str, seconds_left: float
    ) -> tuple[http_response.Response | http_response.Redirect, float]:
        """Send one request; return the response and its time in seconds, without the wait for the host's other requests."""
        loop = asyncio.get_running_loop()
        semaphore = self._host_semaphores.setdefault(
            url.raw_host or "", asyncio.Semaphore(self._limits.max_connections_per_host)
        )
        async with semaphore:
            started = loop.time()
            try:
                async with asyncio.timeout(max(seconds_left, 0)), self._request(url, headers) as response:
                    hop = await http_response.read_response(
                        response, location, self._limits.max_bytes, self._now()
                    )
            except (aiohttp.ClientError, OSError, ValueError) as error:
                raise http_response.translate_error(error, url, self._limits) from error
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
    names = resolver or aiohttp.ThreadedResolver()
    guard = ssrf_guard.SsrfGuard(names, allowed_hosts)
    proxy_url, connection_guard = None if proxy is None else URL(proxy), guard
    if proxy_url is not None:
        # The operator named the proxy, so its address may be private; sources may not be fetched from it all the same.
        allowed_proxy = ssrf_guard.allowed_host_of_url(str(proxy_url))
        connection_guard = ssrf_guard.SsrfGuard(names, [allowed_proxy])
        connection_guard.check_url(proxy_url)
    connector = aiohttp.TCPConnector(
        resolver=connection_guard,
        socket_factory=connection_guard.open_socket,
        ssl=tls or True,
        limit=0,
        limit_per_host=limits.max_connections_per_host,
    )
    session = aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(
            total=None, sock_connect=limits.connect_timeout, sock_read=limits.read_timeout
        ),
        headers={hdrs.USER_AGENT: user_agent},
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
    )
    async with session:
        policy = retry.RetryPolicy(random)
        yield Fetcher(
            session, guard, now=now, limits=limits, retry_policy=policy, sleep=sleep, proxy=proxy_url
        )
