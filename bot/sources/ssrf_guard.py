"""SSRF guard: block connections to private addresses unless the operator allowed the host.

Connections are only made to resolved addresses that were checked, so DNS rebinding has no effect.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from contextlib import suppress

from aiohttp import abc
from yarl import URL

from bot.sources import base
from storage import errors

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_EMBEDDING = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "::/96")))
"""IPv6 networks whose addresses end with the IPv4 address that is reached: NAT64 and IPv4-compatible addresses."""
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
"""The IPv6 networks that are given out. Python calls some of the others public, which differ by its version."""
_RESERVED = (ipaddress.IPv4Network("192.0.0.0/24"), ipaddress.IPv6Network("3fff::/20"))
"""Networks for protocols and for documentation (RFC 6890, RFC 9637) that some versions of Python call public."""
_AZURE_METADATA = ipaddress.ip_address("168.63.129.16")
"""Azure's metadata service, the only cloud metadata service at a public address."""


AllowedHost = tuple[str, int | None]
"""A host and port whose address may be private. None allows any port."""


def parse_allowed_host(text: str) -> AllowedHost:
    """Parse `host`, `host:port` or `[v6]:port`. Raises UsageError, quoting the text, if it is invalid."""
    with suppress(ValueError):
        return str(ipaddress.IPv6Address(text.strip().strip("[]"))), None
    with suppress(ValueError):
        url = URL(f"http://{text.strip()}")
        if url.raw_host and url.path == "/" and url.user is None and not url.query_string and "*" not in text:
            return _normalise_host(url.raw_host), url.explicit_port
    raise errors.UsageError(
        f"PAPERROUND_FETCH_ALLOW: {text!r} is neither a host nor host:port. Example: 10.0.0.5:8080"
    )


def allowed_host_of_url(address: str) -> AllowedHost:
    """Return the host and port in a service's URL from the settings. Raises UsageError if invalid."""
    with suppress(ValueError):
        url = URL(address)
        if url.scheme in ("http", "https") and url.raw_host is not None:
            return _normalise_host(url.raw_host), url.port
    raise errors.UsageError(f"{address!r} is not a web address. Example: https://huggingface.co")


def _normalise_host(host: str) -> str:
    host = host.lower().rstrip(".")
    with suppress(ValueError):
        return str(ipaddress.ip_address(host))
    return host


def is_public(address: IPAddress) -> bool:
    """Return whether an address is public. An IPv6 address that embeds an IPv4 address is judged by the embedded address."""
    if isinstance(address, ipaddress.IPv6Address):
        is_embedding = any(address in network for network in _EMBEDDING)
        last = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if is_embedding else None
        embedded = address.ipv4_mapped or address.sixtofour or last
        if embedded is not None:
            return is_public(embedded)
        if address not in _GLOBAL_UNICAST:
            return False
    is_reserved = address == _AZURE_METADATA or any(address in network for network in _RESERVED)
    return address.is_global and not address.is_multicast and not is_reserved


def _blocked(reason: str) -> base.FetchError:
    return base.FetchError(reason, is_blocked=True)


def _is_numeric(host: str) -> bool:
    """Return whether aiohttp treats a host as an address, such as 127.1, and skips the resolver."""
    return ":" in host or host.replace(".", "").isdigit()


class SsrfGuard(abc.AbstractResolver):
    """A resolver for aiohttp that checks every host before connecting."""

    def __init__(self, resolver: abc.AbstractResolver, allowed_hosts: Iterable[AllowedHost]) -> None:
        self._resolver = resolver
        self._allowed_hosts = frozenset(allowed_hosts)

    def check_url(self, url: URL) -> None:
        """Raise FetchError if a URL's scheme or literal address is blocked. Does not resolve names."""
        if url.scheme not in ("http", "https"):
            raise _blocked(f"only http and https are fetched, not {url.scheme or 'a bare path'}")
        host, port = url.raw_host, url.port
        if not host or port is None:
            raise _blocked("the address names no host")
        if not _is_numeric(host):
            return
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            raise _blocked(f"{host} is an unusual form of an IP address. Write it like 10.0.0.5") from None
        self._check_addresses(host, port, [address])

    def _is_allowed(self, host: str, port: int) -> bool:
        name = _normalise_host(host)
        return not self._allowed_hosts.isdisjoint({(name, None), (name, port)})

    def _check_addresses(self, host: str, port: int, addresses: Iterable[IPAddress]) -> None:
        blocked = next((address for address in addresses if not is_public(address)), None)
        if blocked is not None and not self._is_allowed(host, port):
            where = host if host == str(blocked) else f"{host} is at {blocked}, which"
            raise _blocked(
                f"{where} is not a public address. Add {host} to PAPERROUND_FETCH_ALLOW if you trust it"
            )

    async def check_resolved(self, url: URL) -> None:
        """Check the addresses of a URL's host before a proxy resolves it, except for allowed hosts.

        Raises FetchError, including if the host cannot be resolved here.
        """
        host, port = url.raw_host or "", url.port or 0
        if _is_numeric(host) or self._is_allowed(host, port):
            return
        try:
            await self.resolve(host, port, socket.AF_UNSPEC)
        except OSError:
            raise base.FetchError(
                f"the name {host} was not found on this machine, so it cannot be checked. Add it to"
                " PAPERROUND_FETCH_ALLOW if you trust it"
            ) from None

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[abc.ResolveResult]:
        """Resolve a host. Raises FetchError if one of its addresses is blocked."""
        results = await self._resolver.resolve(host, port, family)
        self._check_addresses(host, port, [ipaddress.ip_address(result["host"]) for result in results])
        return [{**result, "port": port} for result in results]

    async def close(self) -> None:
        await self._resolver.close()
