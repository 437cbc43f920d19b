"""Serves the web archive: addresses, languages, conditional requests, and admission with the look-ups of Discord.

All readers of the web count as one reader of look-ups: one page is made at a time, then none for as long as that took, up to
PATIENCE_SECONDS. The other slots for look-ups stay for Discord. Among readers of the web, each address has one page made at a
time, so that one that asks for many holds up only itself. A page is kept for a minute. There are no cookies, and requests are not
logged.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import ipaddress
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

import structlog
from aiohttp import web

from bot.core import http_server, isolation
from bot.core.admission import PATIENCE_SECONDS, Admission, BusyError
from bot.web import service as web_service
from bot.web.service import MovedError, Page, PageError, Site, WebPages
from storage import errors, models

log = structlog.get_logger(__name__)

LIMITS = http_server.Limits(connections=256, seconds=30.0)
"""Half a minute is enough for a page of 100 kB at the speed of a weak mobile connection."""
WEB_READER = -1
"""The reader of look-ups that all readers of the web are together; no user of Discord has this id."""
KEPT_SECONDS = 60.0
MAX_KEPT_PAGES, MAX_KEPT_LENGTH, MAX_KEPT_BYTES = 300, 1_000_000, 6_000_000
"""Pages that are kept, the longest of them, and all together: a page repeats a query of 2,000 characters ten times."""
RETRY_SECONDS = 5
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?|\[[0-9a-f:]{2,45}\](?::[0-9]{1,5})?")
_CHARSETS = ("text/html", "text/css", "text/plain")


Load = Callable[[Site, web.Request], Awaitable[Page]]


class _Answer(NamedTuple):
    """A page as it is sent. `modified_at` is when this text was first made (UTC), `until` when it is made again, in seconds.

    `packed` is the body in gzip: it is packed once, not for each reader.
    """

    body: bytes
    packed: bytes
    content_type: str
    policy: str | None
    status: int
    etag: str
    modified_at: datetime
    until: float

    @property
    def size(self) -> int:
        """Return the bytes of both forms of the body."""
        return len(self.body) + len(self.packed)


class WebServer:
    """Serves the pages of a bot. `timer` is in seconds."""

    def __init__(self, pages: WebPages, timer: Callable[[], float]) -> None:
        self._pages = pages
        self._timer = timer
        self._kept: OrderedDict[object, _Answer] = OrderedDict()
        self._kept_bytes = 0
        self._rests_until = 0.0
        self._lane = Admission(1, patience=PATIENCE_SECONDS)

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Add all addresses to a server: the last of them takes any other, so add the routes of others before."""
        pages = self._pages
        handlers: dict[str, Load] = {
            "/": lambda site, _: pages.load_day(site),
            "/days/{text}": lambda site, request: pages.load_day(site, _text(request), page=_page(request)),
            "/papers/{text:.+}": lambda site, request: pages.load_paper(site, _text(request)),
            "/search": lambda site, request: pages.load_search(site, _query(request), page=_page(request)),
            "/trends": lambda site, request: pages.load_trends(site, _query(request)),
            "/sitemap.xml": lambda site, _: pages.load_sitemap(site),
        }
        for kind, ending in web_service.ENDINGS.items():
            handlers |= self._list_feeds(kind, ending)
        # Behind the feeds, whose endings it would take as part of a name.
        handlers["/authors/{text:.{1,300}}"] = self._load_author
        for path, load in handlers.items():
            router.add_get(path, self._handler(load))
        router.add_get("/style.css", self._handler(_load_style, is_lookup=False))
        router.add_get("/robots.txt", self._handle_robots)
        router.add_get("/{path:.*}", self._handler(_miss, is_lookup=False))

    def _list_feeds(self, kind: str, ending: str) -> dict[str, Load]:
        pages = self._pages

        async def load_author(site: Site, request: web.Request) -> Page:
            name = _text(request)
            listed = await pages.load_author(site, name, size=web_service.FEED_PAPERS)
            return await asyncio.to_thread(pages.make_author_feed, site, kind, name, listed)

        return {
            f"/feed{ending}": lambda site, _: pages.load_days_feed(site, kind),
            f"/search{ending}": lambda site, request: pages.load_search_feed(site, kind, _query(request)),
            "/authors/{text:.{1,300}}" + ending: load_author,
        }

    async def _load_author(self, site: Site, request: web.Request) -> Page:
        name = _text(request)
        listed = await self._pages.load_author(site, name, page=_page(request))
        return await asyncio.to_thread(self._pages.make_author, site, name, listed)

    async def _handle_robots(self, request: web.Request) -> web.Response:
        site = self._site(request)
        return web.Response(
            text=f"User-agent: *\nDisallow: /search\nSitemap: {site.address('sitemap', ending='.xml')}\n"
        )

    def _site(self, request: web.Request) -> Site:
        """Return where this request found the pages, and its language: of the address, else of the browser, else the bot's."""
        host = request.headers.get("Host", "")
        if not _is_host(host):
            raise web.HTTPBadRequest(text="The Host header is not a host name.\n")
        # aiohttp's parser in Python, unlike that in C, makes half a surrogate of a byte that is not UTF-8.
        if not request.raw_path.isascii():
            raise web.HTTPBadRequest(text="The address is not percent-encoded.\n")
        # A proxy in front says how its client came.
        scheme = request.headers.get("X-Forwarded-Proto", request.scheme)
        base_url = f"{scheme if scheme in ('http', 'https') else 'http'}://{host.lower()}"
        chosen = request.query.get("lang", "")
        if chosen in set(models.Locale):
            return Site(base_url, models.Locale(chosen), is_chosen=True)
        default = self._pages.services.locale
        return Site(base_url, find_language(request.headers.get("Accept-Language", ""), default))

    def _handler(
        self, load: Load, *, is_lookup: bool = True
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            site = self._site(request)
            try:
                answer = await self._answer(site, request, load, is_lookup=is_lookup)
            except MovedError as error:
                return web.Response(status=301, headers={"Location": site.link("papers", str(error))})
            return _respond(request, answer)

        return handle

    async def _answer(self, site: Site, request: web.Request, load: Load, *, is_lookup: bool) -> _Answer:
        key: object = (request.path_qs, site)
        if (kept := self._find_kept(key)) is not None:
            return kept
        # A page must not end the server, and says nothing of the inside.
        error = PageError(500, "web-error")
        error_key: object = None
        expected = (PageError, MovedError, BusyError, errors.StorageError)
        try:
            with isolation.isolated(log, "a page could not be built", reraise=expected):
                if is_lookup:
                    return await self._look_up(key, site, request, load)
                return await self._make(key, await load(site, request))
        except PageError as page_error:
            error, error_key = page_error, key if is_lookup else (404, site)
        except (BusyError, errors.StorageError):
            if (former := self._kept.get(key)) is not None:
                return former
            error, error_key = PageError(503, "busy"), (503, site)
        # When there is most to do, this costs least.
        if (kept := self._find_kept(error_key)) is not None:
            return kept
        return await self._make(error_key, self._pages.make_error(site, error))

    async def _look_up(self, key: object, site: Site, request: web.Request, load: Load) -> _Answer:
        async with self._lane.admitted(_client_of(request)):
            # Another request may have made the page meanwhile.
            if (kept := self._find_kept(key)) is not None:
                return kept
            await asyncio.sleep(max(0.0, self._rests_until - self._timer()))
            async with self._pages.services.lookups.admitted(WEB_READER):
                started = self._timer()

                async def make() -> _Answer:
                    page = await load(site, request)
                    if request.transport is None:
                        raise asyncio.CancelledError("the client that asked for the page has gone")
                    return await self._make(key, page)

                try:
                    return await _finish(make())
                finally:
                    # Also after a page that does not exist: it was looked for. What takes longer than others may wait has
                    # waited itself, as for a silent database, and would keep them out for as long once more.
                    now = self._timer()
                    self._rests_until = now + min(now - started, PATIENCE_SECONDS)

    def _find_kept(self, key: object) -> _Answer | None:
        kept = self._kept.get(key)
        return kept if kept is not None and self._timer() < kept.until else None

    async def _make(self, key: object, page: Page) -> _Answer:
        def render() -> tuple[bytes, bytes]:
            body = self._pages.render(page).encode("utf-8", "replace")
            return body, gzip.compress(body, 6, mtime=0)

        body, packed = await asyncio.to_thread(render)
        etag = hashlib.sha256(body).hexdigest()[:24]
        former = self._kept.pop(key, None)
        self._kept_bytes -= former.size if former is not None else 0
        is_same = former is not None and former.etag == etag
        modified_at = former.modified_at if former is not None and is_same else self._pages.services.clock()
        policy = page.values.get("policy")
        answer = _Answer(
            *(body, packed, page.content_type, policy, page.status, etag, modified_at),
            until=self._timer() + KEPT_SECONDS,
        )
        if key is not None and len(body) <= MAX_KEPT_LENGTH:
            self._kept[key] = answer
            self._kept_bytes += answer.size
            while len(self._kept) > MAX_KEPT_PAGES or self._kept_bytes > MAX_KEPT_BYTES:
                self._kept_bytes -= self._kept.popitem(last=False)[1].size
        return answer


async def _finish(work: Awaitable[_Answer]) -> _Answer:
    """Return what the work returns. If its reader has gone, its place is taken until the step that runs has ended.

    A thread cannot be ended; the next page would be made beside it.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _client_of(request: web.Request) -> int:
    """Return a number for the address that asks, of IPv6 for its /64 network: the one that the proxy in front adds, if any."""
    # A proxy adds to the header, or one more of it; what is before can be the client's own.
    forwarded = request.headers.getall("X-Forwarded-For", [""])[-1]
    for name in (forwarded.rpartition(",")[2].strip(), request.remote or ""):
        with contextlib.suppress(ValueError):
            address = ipaddress.ip_address(name)
            # A socket for both versions names clients of IPv4 in one network of IPv6.
            address = getattr(address, "ipv4_mapped", None) or address
            return int(address) if address.version == 4 else int(address) >> 64 << 64
    return WEB_READER


def _is_host(text: str) -> bool:
    try:
        # Raises ValueError for what is not an IPv6 address in brackets, or not a port.
        return _HOST.fullmatch(text) is not None and urlsplit(f"//{text}").port != 0
    except ValueError:
        return False


async def _load_style(site: Site, request: web.Request) -> Page:
    return web_service.make_style()


async def _miss(site: Site, request: web.Request) -> Page:
    raise PageError(404, "web-no-address")


def _text(request: web.Request) -> str:
    return request.match_info["text"]


def _page(request: web.Request) -> int:
    return web_service.parse_page(request.query.get("page", ""))


def _query(request: web.Request) -> str:
    return request.query.get("q", "")


def find_language(accepted: str, default: models.Locale) -> models.Locale:
    """Return the language of the header Accept-Language that it prefers among those there are; `default` for none of them."""
    weighed = []
    for position, (name, quality) in enumerate(_list_weights(accepted)):
        language = name.partition("-")[0]
        if language in set(models.Locale) and quality > 0:
            weighed.append((-quality, position, models.Locale(language)))
    return min(weighed)[2] if weighed else default


def _list_weights(accepted: str) -> Iterator[tuple[str, float]]:
    """Yield the names of a header like Accept-Language, each with its weight from 0 to 1."""
    for item in accepted[:500].split(","):
        name, _, parameter = item.strip().partition(";")
        _, _, weight = parameter.strip().partition("q=")
        try:
            quality = float(weight or 1)
        except ValueError:
            continue
        if 0 <= quality <= 1:
            yield name.strip().lower(), quality


def _accepts_gzip(request: web.Request) -> bool:
    weights = dict(_list_weights(request.headers.get("Accept-Encoding", "")))
    return weights.get("gzip", weights.get("*", 0)) > 0


def _modified_since(request: web.Request) -> datetime | None:
    """Return the time of the header If-Modified-Since; None also for a header that is not a time (RFC 9110, 13.1.3)."""
    try:
        return request.if_modified_since
    except (OverflowError, ValueError):
        return None


def _respond(request: web.Request, answer: _Answer) -> web.Response:
    """Return the response, 304 if the client has this text. With both validators the ETag counts (RFC 9110, 13.2.2)."""
    headers = {
        "ETag": f'W/"{answer.etag}"',
        "Cache-Control": f"public, max-age={KEPT_SECONDS:.0f}",
        "Vary": "Accept-Language, Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        # No part of a page is sent; a page is short.
        "Accept-Ranges": "none",
    }
    policy = answer.policy or "default-src 'none'"
    headers["Content-Security-Policy"] = f"{policy}; frame-ancestors 'none'"
    if answer.status != 200:
        headers |= {"Cache-Control": "no-store", "Retry-After": f"{RETRY_SECONDS}"}
        if answer.status != 503:
            del headers["Retry-After"]
        del headers["ETag"]
    else:
        modified_at = answer.modified_at.replace(microsecond=0)
        headers["Last-Modified"] = modified_at.strftime("%a, %d %b %Y %H:%M:%S GMT")
        known, since = request.if_none_match, _modified_since(request)
        if known is not None:
            is_known = any(tag.value in ("*", answer.etag) for tag in known)
        else:
            # Within the same second the text may have changed again.
            is_known = since is not None and since >= modified_at + timedelta(seconds=1)
        if is_known:
            return web.Response(status=304, headers=headers)
    is_packed = _accepts_gzip(request)
    if is_packed:
        headers["Content-Encoding"] = "gzip"
    charset = "utf-8" if answer.content_type in _CHARSETS else None
    return web.Response(
        body=answer.packed if is_packed else answer.body,
        status=answer.status,
        headers=headers,
        content_type=answer.content_type,
        charset=charset,
    )
