"""Serve the web archive: routes, languages, conditional requests, and admission shared with Discord.

All web readers together count as one reader: one page is built at a time, and the other slots stay free for
Discord. Rate limits per client and compression are left to a proxy. There are no cookies, and requests are
not logged.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from urllib.parse import urlsplit

import structlog
from aiohttp import HttpVersion11, web

from bot.archive import exports
from bot.core import isolation
from bot.core.admission import BusyError, work_in_thread
from bot.features.web import pages as web_pages
from bot.features.web.pages import Page, PageError, Site
from bot.features.web.service import WebPages
from storage import errors, models

log = structlog.get_logger(__name__)

WEB_READER = -1
"""The user id under which all web readers are admitted. No Discord user has it."""
MAX_AGE_SECONDS = 60
RETRY_SECONDS = 5
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}(?::[0-9]{1,5})?|\[[0-9a-f:]{2,45}\](?::[0-9]{1,5})?")
_CHARSETS = ("text/html", "text/css", "text/plain", "application/x-bibtex")


_LISTS = f"/lists/{{text:[0-9a-f]{{32}}}}{{ending:(\\.({'|'.join(exports.LIST_FILES)}))?}}"

Load = Callable[[Site, web.Request], Awaitable[Page]]


class WebServer:
    def __init__(self, pages: WebPages) -> None:
        self._pages = pages

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Add all routes to a server. The last one matches any path, so add other routes first."""
        pages = self._pages
        handlers: dict[str, Load] = {
            "/": lambda site, _: pages.load_day(site),
            "/days": lambda site, _: pages.load_days(site),
            "/days/{text}": lambda site, request: pages.load_day(site, _text(request), page=_page(request)),
            "/papers/{text:.+}": lambda site, request: pages.load_paper(site, _text(request)),
            "/search": lambda site, request: pages.load_search(site, _query(request), page=_page(request)),
            "/ask": lambda site, request: pages.load_answer(site, _query(request)),
            "/trends": lambda site, request: pages.load_trends(site, _query(request)),
            _LISTS: lambda site, request: pages.load_list(
                site,
                _text(request),
                request.match_info["ending"][1:],
                page=_page(request),
                is_near="like" in request.query,
            ),
            "/sitemap.xml": lambda site, _: pages.load_sitemap(site),
        }
        handlers |= {
            "/feed.atom": lambda site, _: pages.load_days_feed(site),
            "/search.atom": lambda site, request: pages.load_search_feed(site, _query(request)),
            "/authors/{text:.{1,300}}.atom": lambda site, request: pages.load_author(
                site, _text(request), is_feed=True
            ),
            # After the feed, whose suffix it would take for a part of the name.
            "/authors/{text:.{1,300}}": lambda site, request: pages.load_author(
                site, _text(request), page=_page(request)
            ),
        }
        for path, load in handlers.items():
            router.add_get(path, self._handler(load))
        for name in web_pages.FILES:
            router.add_get(f"/{name}", self._handler(_load_file, is_lookup=False))
        router.add_get("/robots.txt", self._handle_robots)
        router.add_get("/{path:.*}", self._handler(_miss, is_lookup=False))

    async def _handle_robots(self, request: web.Request) -> web.Response:
        site = self._site(request)
        # The path that clients see: a proxy may strip that of PAPERROUND_WEB_URL.
        path, sitemap = urlsplit(site.base_url).path, site.address("sitemap", ending=".xml")
        return web.Response(
            text=f"User-agent: *\nDisallow: {path}/search\nDisallow: {path}/ask\nSitemap: {sitemap}\n"
        )

    def _site(self, request: web.Request) -> Site:
        """Return the base URL (PAPERROUND_WEB_URL, otherwise the request's) and the language of a request.

        The language is that of the URL, otherwise the browser's, otherwise the bot's.
        """
        host = request.headers.get("Host", "")
        if not host and request.version < HttpVersion11:  # which need not name it
            address, port = request.get_extra_info("sockname")[:2]
            host = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        if not _is_host(host):
            raise web.HTTPBadRequest(text="The Host header is not a host name.\n")
        # Set by a proxy in front; of several, the first one.
        scheme = request.headers.get("X-Forwarded-Proto", request.scheme).partition(",")[0].strip().lower()
        base_url = f"{scheme if scheme in ('http', 'https') else 'http'}://{host.lower()}"
        services, chosen = self._pages.services, request.query.get("lang", "")
        locale = find_language(request.headers.get("Accept-Language", ""), services.locale)
        return Site(
            (services.web_url or base_url).rstrip("/"),
            models.Locale(chosen) if (is_chosen := chosen in set(models.Locale)) else locale,
            is_chosen=is_chosen,
            is_of_request=services.web_url is None,
        )

    def _handler(
        self, load: Load, *, is_lookup: bool = True
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            page, text = await self._build(self._site(request), request, load, is_lookup=is_lookup)
            return _respond(request, page, text)

        return handle

    async def _build(
        self, site: Site, request: web.Request, load: Load, *, is_lookup: bool
    ) -> tuple[Page, str]:
        """Return a page and its text, or those of what prevented it."""
        # An error must not end the server or reveal internals.
        error = PageError(500, "web-error")
        expected = (PageError, BusyError, errors.StorageError)
        try:
            with isolation.isolated(log, "a page could not be built", reraise=expected):
                async with self._pages.services.lookups.admitted(WEB_READER) if is_lookup else nullcontext():
                    page = await load(site, request)
                    return page, await work_in_thread(self._pages.render, page)
        except PageError as page_error:
            error = page_error
        except (BusyError, errors.StorageError):
            error = PageError(503, "busy")
        page = self._pages.make_error(site, error)
        return page, await work_in_thread(self._pages.render, page)


def _is_host(text: str) -> bool:
    try:
        # Raises ValueError for an invalid IPv6 address or port.
        return _HOST.fullmatch(text) is not None and urlsplit(f"//{text}").port != 0
    except ValueError:
        return False


async def _load_file(site: Site, request: web.Request) -> Page:
    return web_pages.make_file(request.path[1:])


async def _miss(site: Site, request: web.Request) -> Page:
    raise PageError(404, "web-no-address")


def _text(request: web.Request) -> str:
    return request.match_info["text"]


def _page(request: web.Request) -> int:
    return web_pages.parse_page(request.query.get("page", ""))


def _query(request: web.Request) -> str:
    return request.query.get("q", "")


def find_language(accepted: str, default: models.Locale) -> models.Locale:
    """Return the supported language that an Accept-Language header (RFC 9110) prefers, or else `default`."""
    weighted = list[tuple[float, str]]()
    for item in accepted[:500].split(","):
        name, _, rest = item.strip().lower().partition(";")
        weight = _WEIGHT.fullmatch(rest.strip())
        weighted.append((float(weight[1]) if weight else 1.0, name.strip().partition("-")[0]))
    known = [(weight, name) for weight, name in weighted if weight and name in set(models.Locale)]
    return models.Locale(max(known, key=lambda row: row[0])[1]) if known else default


_WEIGHT = re.compile(r"q\s*=\s*([01](?:\.[0-9]{0,3})?)")


def _respond(request: web.Request, page: Page, text: str) -> web.Response:
    """Return the response, or a 304 response if the client already has this text."""
    body = text.encode("utf-8", "replace")
    etag = hashlib.sha256(body).hexdigest()[:24]
    policy = page.values.get("policy", "default-src 'none'")
    headers = {
        "Vary": "Accept-Language, X-Forwarded-Proto",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Content-Security-Policy": f"{policy}; frame-ancestors 'none'",
        "Cache-Control": "no-store",
    }
    if page.is_private:
        headers["X-Robots-Tag"] = "noindex"
    if page.status == 503:
        headers["Retry-After"] = f"{RETRY_SECONDS}"
    if page.status == 200:
        who = "private" if page.is_private else "public"
        headers |= {"ETag": f'W/"{etag}"', "Cache-Control": f"{who}, max-age={MAX_AGE_SECONDS}"}
        if any(tag.value in ("*", etag) for tag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
    charset = "utf-8" if page.content_type in _CHARSETS else None
    return web.Response(
        body=body, status=page.status, headers=headers, content_type=page.content_type, charset=charset
    )
