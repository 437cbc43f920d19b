"""The one way out to the web for every source: bounded in time, size and hops, conditional, patient and polite.

Knows nothing of digests or papers. What went wrong comes back as a FetchError with its reason in words.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ssl
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, replace

import aiohttp
from aiohttp import abc, hdrs
from yarl import URL

from bot import clock
from bot.sources.http import body as http_body
from bot.sources.http import charset as http_charset
from bot.sources.http import errors, retry, ssrf_guard
from bot.sources.http import response as http_response
from bot.sources.http.limits import Limits
from storage import models

Sleep = Callable[[float], Awaitable[None]]
Throttle = Callable[[], Awaitable[None]]
"""Waits until the next request is due, say `AsyncLimiter(1, 3).acquire`."""


async def no_throttle() -> None:
    """The pace of those that want none."""


@dataclass(frozen=True, slots=True)
class Response:
    """The content of an address. `body` is None if it is unchanged since the page state that was passed.

    `url` is the last address of the redirects; `charset` and `media_type` are the server's values in lower case.
    """

    url: str
    body: bytes | None
    page_state: models.PageState
    media_type: str = ""
    charset: str | None = None

    def text(self) -> str:
        """Return the decoded body. Raises FetchError if no charset fits."""
        return http_charset.decode_text(self.body or b"", self.charset)


@dataclass(frozen=True, slots=True)
class _Request:
    """What is asked for: the place as its source knows it, what is remembered of it, and how it is to be asked."""

    location: str
    page_state: models.PageState | None
    accept: str
    throttle: Throttle


class Fetcher:
    """Fetches addresses. Open one with `open_fetcher`, and share it: it keeps the count of connections a host."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        guard: ssrf_guard.SsrfGuard,
        *,
        now: clock.Clock,
        limits: Limits,
        retry_policy: retry.RetryPolicy,
        sleep: Sleep,
    ) -> None:
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
    ) -> Response:
        """Fetch `url`, asking only for news where `page` tells what was there before. Raises FetchError.

        A place that moved for good is asked at its new address, and at the old one again when the new one is no good.
        """
        wish = _Request(url, page_state, accept, throttle)
        if page_state is None or page_state.moved_to is None:
            return await self._fetch_with_retries(url, wish)
        try:
            return await self._fetch_with_retries(page_state.moved_to, wish)
        except (errors.NotFoundError, errors.GoneError, errors.BlockedUrlError):
            return await self._fetch_with_retries(url, replace(wish, page_state=None))

    async def _fetch_with_retries(self, url: str, wish: _Request) -> Response:
        """Fetch with a few attempts, the pauses between them growing."""
        for attempt in range(1, self._limits.max_attempts + 1):
            try:
                return await self._follow_redirects(url, wish)
            except errors.FetchError as error:
                pause = self._retry_policy.retry_delay(attempt, error.retry_at, self._now())
                if not error.is_retryable or pause is None or attempt == self._limits.max_attempts:
                    raise
                await self._sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    async def _follow_redirects(self, url: str, wish: _Request) -> Response:
        """Ask once, following redirects by hand: each hop is judged anew, and the time of all of them is counted."""
        target = http_response.parse_url(url)
        moved_to = wish.page_state.moved_to if wish.page_state and wish.page_state.moved_to == url else None
        lasting = True
        seen = {target}
        left = self._limits.total_timeout
        for _ in range(self._limits.max_redirects + 1):
            self._guard.check_url(target)
            await wish.throttle()
            reply, took = await self._send_request(target, wish, left)
            left -= took
            if reply.redirect_location is None:
                return self._build_response(wish.location, reply, wish.page_state, moved_to)
            lasting = lasting and reply.is_permanent
            target = http_response.resolve_redirect(target, reply.redirect_location)
            moved_to = str(target) if lasting else moved_to
            if target in seen:
                raise errors.FetchError("its redirects go in a circle")
            seen.add(target)
        raise errors.FetchError(f"it redirects more than {self._limits.max_redirects} times")

    async def _send_request(
        self, url: URL, wish: _Request, left: float
    ) -> tuple[http_response.HopResponse, float]:
        """Make one request; waiting for the host's other requests to end is not counted as its time."""
        loop = asyncio.get_running_loop()
        headers = {
            hdrs.ACCEPT: wish.accept,
            hdrs.ACCEPT_ENCODING: http_body.ACCEPT_ENCODING,
            **http_response.conditional_headers(wish.page_state),
        }
        gate = self._host_semaphores.setdefault(
            url.raw_host or "", asyncio.Semaphore(self._limits.max_connections_per_host)
        )
        async with gate:
            began = loop.time()
            try:
                async with (
                    asyncio.timeout(max(left, 0)),
                    self._session.get(url, headers=headers, allow_redirects=False) as response,
                ):
                    reply = await http_response.read_response(response, self._limits.max_bytes, self._now())
            except (aiohttp.ClientError, OSError, ValueError) as error:
                raise http_response.translate_error(error, url, self._limits) from error
            return reply, loop.time() - began

    def _build_response(
        self,
        place: str,
        reply: http_response.HopResponse,
        page: models.PageState | None,
        moved_to: str | None,
    ) -> Response:
        """Turn the last reply into an answer: a body that we have read before is as good as 304."""
        digest = page.hash if reply.body is None and page else hashlib.sha256(reply.body or b"").hexdigest()
        unchanged = page is not None and page.hash is not None and page.hash == digest
        if reply.body is None and not unchanged:
            raise errors.FetchError("it says that nothing changed, though it was asked for the first time")
        told = models.PageState(
            location=place,
            read_at=self._now(),
            status=models.FetchStatus.UNCHANGED if unchanged else models.FetchStatus.OK,
            etag=reply.etag or (page.etag if reply.body is None and page else None),
            last_modified=reply.last_modified
            or (page.last_modified if reply.body is None and page else None),
            hash=digest,
            moved_to=moved_to,
        )
        body = None if unchanged else reply.body
        return Response(str(reply.url), body, told, reply.media_type, reply.charset)


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
) -> AsyncIterator[Fetcher]:
    """Open the fetcher and its connections, and close them. `random` gives numbers from 0 up to 1."""
    limits = limits or Limits()
    guard = ssrf_guard.SsrfGuard(resolver or aiohttp.ThreadedResolver(), allowed_hosts)
    connector = aiohttp.TCPConnector(
        resolver=guard,
        socket_factory=guard.open_socket,
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
        waits = retry.RetryPolicy(random)
        yield Fetcher(session, guard, now=now, limits=limits, retry_policy=waits, sleep=sleep)
