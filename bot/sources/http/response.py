"""Reads one HTTP response into plain data or a FetchError, and translates exceptions of aiohttp."""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from datetime import datetime

import aiohttp
from aiohttp import hdrs
from yarl import URL

from bot.sources.http import body as http_body
from bot.sources.http import errors, retry
from bot.sources.http.limits import Limits
from storage import models

_MAX_VALIDATOR_LENGTH = 500
_MAX_URL_LENGTH = 4000
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PERMANENT_REDIRECTS = frozenset({301, 308})
_ACCESS_DENIED = frozenset({401, 402, 403, 407, 451})
_RETRYABLE = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class HopResponse:
    """The response of one hop: a redirect (`redirect_location`), 304 (`body` is None) or a body."""

    url: URL
    body: bytes | None = None
    redirect_location: str | None = None
    is_permanent: bool = False
    etag: str | None = None
    last_modified: str | None = None
    media_type: str = ""
    charset: str | None = None


def conditional_headers(page_state: models.PageState | None) -> dict[str, str]:
    """Return the conditional request headers for a page that was read before."""
    headers: dict[str, str] = {}
    if page_state is not None and page_state.hash is not None:
        if page_state.etag:
            headers[hdrs.IF_NONE_MATCH] = page_state.etag
        if page_state.last_modified:
            headers[hdrs.IF_MODIFIED_SINCE] = page_state.last_modified
    return headers


def parse_url(text: str) -> URL:
    """Parse an absolute URL and drop its fragment. Raises FetchError."""
    try:
        if len(text) > _MAX_URL_LENGTH:
            raise ValueError("too long")
        return URL(text).with_fragment(None)
    except (ValueError, TypeError):
        raise errors.FetchError("its address cannot be read") from None


def resolve_redirect(base: URL, location: str) -> URL:
    """Return the target of a redirect. Raises FetchError."""
    try:
        if len(location) > _MAX_URL_LENGTH:
            raise ValueError("too long")
        return base.join(URL(location)).with_fragment(None)
    except (ValueError, TypeError):
        raise errors.FetchError("it redirects to something that is no address") from None


async def read_response(response: aiohttp.ClientResponse, max_bytes: int, now: datetime) -> HopResponse:
    """Read a response with a body of at most `max_bytes`. Raises FetchError for every status but 200, 203, 304 and redirects."""
    status = response.status
    if status in _REDIRECTS:
        location = response.headers.get(hdrs.LOCATION)
        if not location:
            raise errors.FetchError(f"it redirects to nowhere ({status})")
        return HopResponse(
            response.url, redirect_location=location, is_permanent=status in _PERMANENT_REDIRECTS
        )
    if status not in (200, 203, 304):
        raise _status_error(response, now)
    return HopResponse(
        response.url,
        body=None if status == 304 else await http_body.read_body(response, max_bytes),
        etag=_validator(response.headers.get(hdrs.ETAG)),
        last_modified=_validator(response.headers.get(hdrs.LAST_MODIFIED)),
        media_type=response.content_type.lower(),
        charset=_charset(response),
    )


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


def _status_error(response: aiohttp.ClientResponse, now: datetime) -> errors.FetchError:
    """Return the error for a status other than success, 304 and redirects."""
    status = response.status
    if status == 404:
        return errors.NotFoundError("nothing is there (404)")
    if status == 410:
        return errors.GoneError("it is gone for good (410)")
    if status in _ACCESS_DENIED:
        return errors.FetchError(f"it refuses access ({status})")
    name = http.client.responses.get(status, "an answer of its own").lower()
    if status in _RETRYABLE:
        retry_at = retry.parse_retry_after(response.headers.get(hdrs.RETRY_AFTER), now)
        return errors.TransientError(f"the server has trouble: {name} ({status})", retry_at=retry_at)
    return errors.FetchError(f"the server answers {status}, {name}")


def translate_error(error: Exception, url: URL, limits: Limits) -> errors.FetchError:
    """Return the FetchError for an exception from aiohttp or the socket."""
    host = url.raw_host or ""
    if isinstance(error, aiohttp.ClientHttpProxyError | aiohttp.ClientProxyConnectionError):
        return _translate_proxy_error(error, host)
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return errors.FetchError(f"the TLS certificate of {host} is not trusted")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return errors.FetchError(f"the name {host} was not found")
    if isinstance(error, aiohttp.ClientSSLError):
        return errors.FetchError(f"no TLS connection to {host} could be made")
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return errors.FetchError(f"{host} took longer than {limits.connect_timeout:g} s to connect")
    if isinstance(error, aiohttp.SocketTimeoutError):
        return errors.FetchError(f"it was silent for {limits.read_timeout:g} s")
    if isinstance(error, TimeoutError):
        return errors.FetchError(f"it was not done within {limits.total_timeout:g} s")
    if isinstance(error, aiohttp.ClientConnectorError):
        cause = error.os_error.strerror or str(error.os_error)
        return errors.TransientError(f"{host} accepts no connection: {cause}")
    if isinstance(error, aiohttp.ClientPayloadError):
        return errors.TransientError("its answer broke off")
    if isinstance(error, aiohttp.ClientConnectionError | ConnectionError):
        return errors.TransientError(f"{host} closed the connection")
    if isinstance(error, aiohttp.InvalidURL | ValueError):
        return errors.FetchError("its address or its answer cannot be read")
    return errors.FetchError(f"it does not speak HTTP as it should: {type(error).__name__}")


def _translate_proxy_error(
    error: aiohttp.ClientHttpProxyError | aiohttp.ClientProxyConnectionError, host: str
) -> errors.FetchError:
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return errors.TransientError("the proxy accepts no connection")
    kind = errors.TransientError if error.status in _RETRYABLE else errors.FetchError
    return kind(f"the proxy refuses to connect to {host} ({error.status})")
