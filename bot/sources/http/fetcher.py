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
from bot.sources.http import errors, retry, ssrf_guard
from bot.sources.http import response as http_response
from bot.sources.http.limits import Limits
from storage import models

Sleep = Callable[[float], Awaitable[None]]
Pace = Callable[[], Awaitable[None]]
"""Waits until the next request is due, say `AsyncLimiter(1, 3).acquire`."""


async def at_once() -> None:
    """The pace of those that want none."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a place said. `body` is None where nothing has changed since `page` was last read.

    `url` is the address that answered in the end; `charset` and `media_type` are the server's words, lower case.
    """

    url: str
    body: bytes | None
    page: models.Page
    media_type: str = ""
    charset: str | None = None


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is asked for: the place as its source knows it, what is remembered of it, and how it is to be asked."""

    place: str
    page: models.Page | None
    accept: str
    pace: Pace


class Fetcher:
    """Fetches addresses. Open one with `open_fetcher`, and share it: it keeps the count of connections a host."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        guard: ssrf_guard.AddressGuard,
        *,
        now: clock.Clock,
        limits: Limits,
        waits: retry.Patience,
        sleep: Sleep,
    ) -> None:
        self._session = session
        self._guard = guard
        self._now = now
        self._limits = limits
        self._waits = waits
        self._sleep = sleep
        self._gates: weakref.WeakValueDictionary[str, asyncio.Semaphore] = weakref.WeakValueDictionary()

    async def get(
        self, url: str, page: models.Page | None = None, *, accept: str = "*/*", pace: Pace = at_once
    ) -> Answer:
        """Fetch `url`, asking only for news where `page` tells what was there before. Raises FetchError.

        A place that moved for good is asked at its new address, and at the old one again when the new one is no good.
        """
        wish = _Wish(url, page, accept, pace)
        if page is None or page.moved_to is None:
            return await self._try(url, wish)
        try:
            return await self._try(page.moved_to, wish)
        except (errors.AbsentError, errors.GoneError, errors.RefusedError):
            return await self._try(url, replace(wish, page=None))

    async def _try(self, url: str, wish: _Wish) -> Answer:
        """Fetch with a few attempts, the pauses between them growing."""
        for attempt in range(1, self._limits.attempts + 1):
            try:
                return await self._exchange(url, wish)
            except errors.FetchError as error:
                pause = self._waits.before_retry(attempt, error.retry_at, self._now())
                if not error.again or pause is None or attempt == self._limits.attempts:
                    raise
                await self._sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    async def _exchange(self, url: str, wish: _Wish) -> Answer:
        """Ask once, following redirects by hand: each hop is judged anew, and the time of all of them is counted."""
        target = http_response.parse_address(url)
        moved_to = wish.page.moved_to if wish.page and wish.page.moved_to == url else None
        lasting = True
        seen = {target}
        left = self._limits.whole
        for _ in range(self._limits.redirects + 1):
            self._guard.check(target)
            await wish.pace()
            reply, took = await self._ask(target, wish, left)
            left -= took
            if reply.location is None:
                return self._answer(wish.place, reply, wish.page, moved_to)
            lasting = lasting and reply.is_permanent
            target = http_response.parse_location(target, reply.location)
            moved_to = str(target) if lasting else moved_to
            if target in seen:
                raise errors.FetchError("its redirects go in a circle")
            seen.add(target)
        raise errors.FetchError(f"it redirects more than {self._limits.redirects} times")

    async def _ask(self, url: URL, wish: _Wish, left: float) -> tuple[http_response.Reply, float]:
        """Make one request; waiting for the host's other requests to end is not counted as its time."""
        loop = asyncio.get_running_loop()
        headers = {
            hdrs.ACCEPT: wish.accept,
            hdrs.ACCEPT_ENCODING: http_body.ENCODINGS,
            **http_response.conditions(wish.page),
        }
        gate = self._gates.setdefault(url.raw_host or "", asyncio.Semaphore(self._limits.per_host))
        async with gate:
            began = loop.time()
            try:
                async with (
                    asyncio.timeout(max(left, 0)),
                    self._session.get(url, headers=headers, allow_redirects=False) as response,
                ):
                    reply = await http_response.read_reply(response, self._limits.size, self._now())
            except (aiohttp.ClientError, OSError, ValueError) as error:
                raise http_response.explain(error, url, self._limits) from error
            return reply, loop.time() - began

    def _answer(
        self, place: str, reply: http_response.Reply, page: models.Page | None, moved_to: str | None
    ) -> Answer:
        """Turn the last reply into an answer: a body that we have read before is as good as 304."""
        digest = page.hash if reply.body is None and page else hashlib.sha256(reply.body or b"").hexdigest()
        unchanged = page is not None and page.hash is not None and page.hash == digest
        if reply.body is None and not unchanged:
            raise errors.FetchError("it says that nothing changed, though it was asked for the first time")
        told = models.Page(
            place=place,
            read_at=self._now(),
            status=models.FetchStatus.UNCHANGED if unchanged else models.FetchStatus.OK,
            etag=reply.etag or (page.etag if reply.body is None and page else None),
            last_modified=reply.last_modified
            or (page.last_modified if reply.body is None and page else None),
            hash=digest,
            moved_to=moved_to,
        )
        body = None if unchanged else reply.body
        return Answer(str(reply.url), body, told, reply.media_type, reply.charset)


@contextlib.asynccontextmanager
async def open_fetcher(
    *,
    now: clock.Clock,
    random: Callable[[], float],
    user_agent: str,
    allowances: Iterable[ssrf_guard.Allowance] = (),
    resolver: abc.AbstractResolver | None = None,
    tls: ssl.SSLContext | None = None,
    limits: Limits | None = None,
    sleep: Sleep = asyncio.sleep,
) -> AsyncIterator[Fetcher]:
    """Open the fetcher and its connections, and close them. `random` gives numbers from 0 up to 1."""
    limits = limits or Limits()
    guard = ssrf_guard.AddressGuard(resolver or aiohttp.ThreadedResolver(), allowances)
    connector = aiohttp.TCPConnector(
        resolver=guard,
        socket_factory=guard.open_socket,
        ssl=tls or True,
        limit=0,
        limit_per_host=limits.per_host,
    )
    session = aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=limits.connect, sock_read=limits.read),
        headers={hdrs.USER_AGENT: user_agent},
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
    )
    async with session:
        waits = retry.Patience(random)
        yield Fetcher(session, guard, now=now, limits=limits, waits=waits, sleep=sleep)
