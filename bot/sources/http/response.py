"""Reads one HTTP response into plain data or a FetchError, and translates exceptions of aiohttp."""

from __future__ import annotations

import hashlib
import http.client
from dataclasses import dataclass, replace
from datetime import datetime

import aiohttp
from aiohttp import hdrs
from yarl import URL

from bot.sources.http import body as http_body
from bot.sources.http import charset as http_charset
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


Redirect = tuple[str, bool]
"""The target of a redirect, as the server names it, and whether it is permanent."""


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


async def read_response(
    response: aiohttp.ClientResponse, location: str, max_bytes: int, now: datetime
) -> Response | Redirect:
    """Read a response with a body of at most `max_bytes`, and begin the page state of `location` with its validators.

    Raises FetchError for every status but 200, 203, 304 and redirects.
    """
    status = response.status
    if status in _REDIRECTS:
        target = response.headers.get(hdrs.LOCATION)
        if not target:
            raise errors.FetchError(f"it redirects to nowhere ({status})")
        return target, status in _PERMANENT_REDIRECTS
    if status not in (200, 203, 304):
        raise _status_error(response, now)
    body = None if status == 304 else await http_body.read_body(response, max_bytes)
    page_state = models.PageState(
        location=location,
        read_at=now,
        status=models.FetchStatus.OK,
        etag=_validator(response.headers.get(hdrs.ETAG)),
        last_modified=_validator(response.headers.get(hdrs.LAST_MODIFIED)),
        hash=None if body is None else hashlib.sha256(body).hexdigest(),
    )
    return Response(str(response.url), body, page_state, response.content_type.lower(), _charset(response))


def compare_with_known(response: Response, known: models.PageState | None, moved_to: str | None) -> Response:
    """Return the response of the last hop with the page state to store. A body with the `known` hash counts as 304."""
    state = replace(response.page_state, moved_to=moved_to)
    if known is None or known.hash is None or state.hash not in (None, known.hash):
        if response.body is None:
            raise errors.FetchError("it says that nothing changed, though it was asked for the first time")
        return replace(response, page_state=state)
    if response.body is None:
        state = replace(
            state, etag=state.etag or known.etag, last_modified=state.last_modified or known.last_modified
        )
    state = replace(state, status=models.FetchStatus.UNCHANGED, hash=known.hash)
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
