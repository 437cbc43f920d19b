"""SSRF guard: blocks connections to private addresses unless the operator allowed the host.

A name is checked by the addresses it resolves to, and only those are connected to, so DNS rebinding has no effect. The
socket factory is a second check.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from aiohttp import abc
from yarl import URL

from bot.sources import base
from storage import errors

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# 168.63.129.16 is Azure's wire server, a public address; the others are in private ranges anyway.
_CLOUD_METADATA = frozenset(
    ipaddress.ip_address(address)
    for address in ("169.254.169.254", "168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254")
)
# What the properties of `ipaddress` leave out in some version of Python: `is_global` is true for what IANA's registries of
# special-purpose addresses call globally reachable, such as anycast services of the network in which the bot runs.
_BLOCKED_NETWORKS = tuple(
    (ipaddress.ip_network(network), name)
    for name, networks in {
        "shared": "100.64.0.0/10",
        "6to4": "192.88.99.0/24 2002::/16",
        "private": "64:ff9b:1::/48",
        "site-local": "fec0::/10",
        "documentation": "3fff::/20",
        "special-purpose": (
            "192.0.0.0/24 192.31.196.0/24 192.52.193.0/24 192.175.48.0/24 2001::/23 2620:4f:8000::/48"
        ),
    }.items()
    for network in networks.split()
)
_BLOCKED_KINDS = ("loopback", "link_local", "multicast", "unspecified", "private", "reserved")
# Some resolvers read 127.1, 0x7f.0.0.1 and 2130706433 as addresses: the last label shows it.
_NUMERIC_HOST = re.compile(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9a-fA-F]*)")


AllowedHost = tuple[str, int | None]
"""A host and port that may be fetched although the address is private; None allows any port."""


def parse_allowed_host(text: str) -> AllowedHost:
    """Parse `host`, `host:port` or `[v6]:port`. Raises UsageError quoting the text."""
    with suppress(ValueError):
        return str(ipaddress.IPv6Address(text.strip().strip("[]"))), None
    try:
        url = URL(f"http://{text.strip()}")
        port = url.explicit_port
    except ValueError as error:
        raise errors.UsageError(
            f"PAPERROUND_FETCH_ALLOW: {text!r} is neither a host nor host:port. Example: 10.0.0.5:8080"
        ) from error
    if url.raw_host is None or url.path != "/" or url.user is not None or url.query_string or "*" in text:
        raise errors.UsageError(
            f"PAPERROUND_FETCH_ALLOW: {text!r} is neither a host nor host:port. Example: 10.0.0.5:8080"
        )
    return _normalise_host(url.raw_host), port


def allowed_host_of_url(address: str) -> AllowedHost:
    """Return host and port of a service address from the settings. Raises UsageError."""
    try:
        url = URL(address)
    except ValueError as error:
        raise errors.UsageError(
            f"{address!r} is not a web address. Example: https://huggingface.co"
        ) from error
    if url.scheme not in ("http", "https") or url.raw_host is None:
        raise errors.UsageError(f"{address!r} is not a web address. Example: https://huggingface.co")
    return _normalise_host(url.raw_host), url.port


def _normalise_host(host: str) -> str:
    host = host.lower().rstrip(".")
    with suppress(ValueError):
        return str(ipaddress.ip_address(host))
    return host


def _with_article(reason: str) -> str:
    return f"{'an' if reason[0] in 'aeiou' else 'a'} {reason}"


def blocked_reason(address: IPAddress) -> str | None:
    """Return the class of a blocked address in a word or two, or None for an allowed one.

    An IPv6 address with an embedded IPv4 address (mapped, 6to4, NAT64, Teredo, ISATAP) is checked by that one too.
    """
    if address in _CLOUD_METADATA:
        return "cloud metadata"
    if isinstance(address, ipaddress.IPv6Address):
        inner = _embedded_ipv4(address)
        if inner is not None:
            reasons = [reason for reason in map(blocked_reason, inner) if reason]
            # Mapped and NAT64 addresses are reserved themselves: only the embedded address counts.
            if reasons or address.ipv4_mapped is not None or address in _NAT64:
                return reasons[0] if reasons else None
    for kind in _BLOCKED_KINDS:
        if getattr(address, f"is_{kind}"):
            return kind.replace("_", "-")
    for network, name in _BLOCKED_NETWORKS:
        if address in network:
            return name
    return None if address.is_global else "non-public"


def _embedded_ipv4(address: ipaddress.IPv6Address) -> list[ipaddress.IPv4Address] | None:
    """Return the IPv4 addresses embedded in an IPv6 address, or None."""
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address.sixtofour is not None:
        return [address.sixtofour]
    if address.teredo is not None:
        return list(address.teredo)
    low = int(address) & 0xFFFFFFFF
    if address in _NAT64 or (int(address) >> 32) & 0xFDFFFFFF == 0x5EFE:
        return [ipaddress.IPv4Address(low)]
    return None


class SsrfGuard(abc.AbstractResolver):
    """Resolver and socket factory of aiohttp that check every host before it is connected to."""

    def __init__(self, resolver: abc.AbstractResolver, allowed_hosts: Iterable[AllowedHost] = ()) -> None:
        self._resolver = resolver
        self._allowed_hosts = frozenset(allowed_hosts)
        self._allowed_endpoints: set[tuple[IPAddress, int]] = set()

    def check_url(self, url: URL) -> None:
        """Raise BlockedUrlError for a URL that is blocked by its scheme or by an address in it. Resolves no names."""
        if url.scheme not in ("http", "https"):
            raise base.BlockedUrlError(f"only http and https are fetched, not {url.scheme or 'a bare path'}")
        host, port = (url.raw_host or "").lower().rstrip("."), url.port
        if not host or port is None:
            raise base.BlockedUrlError("the address names no host")
        if ":" not in host and not _NUMERIC_HOST.fullmatch(host):
            return
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            raise base.BlockedUrlError(
                f"{host} is an unusual form of an IP address. Write it like 10.0.0.5"
            ) from None
        self._check_addresses(host, port, [address])

    def _is_allowed(self, host: str, port: int) -> bool:
        name = _normalise_host(host)
        return not self._allowed_hosts.isdisjoint({(name, None), (name, port)})

    def _check_addresses(self, host: str, port: int, addresses: Iterable[IPAddress]) -> None:
        for address in addresses:
            reason = blocked_reason(address)
            if reason is None:
                continue
            if not self._is_allowed(host, port):
                where = host if host == str(address) else f"{host} is at {address}, which"
                raise base.BlockedUrlError(
                    f"{where} is {_with_article(reason)} address."
                    f" Add {host} to PAPERROUND_FETCH_ALLOW if you trust it"
                )
            self._allowed_endpoints.add((address, port))

    async def check_resolved(self, url: URL) -> None:
        """Check the addresses that a URL's name has here, for a request whose name a proxy will resolve.

        Raises FetchError, also for a name without an address here; a host that is allowed needs none.
        """
        host, port = url.raw_host or "", url.port or 0
        if ":" in host or _NUMERIC_HOST.fullmatch(host) or self._is_allowed(host, port):
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
        """Resolve a name to the addresses to connect to. Raises BlockedUrlError if one of them is blocked."""
        results = await self._resolver.resolve(host, port, family)
        self._check_addresses(host, port, [ipaddress.ip_address(result["host"]) for result in results])
        return [{**result, "port": port} for result in results]

    def open_socket(self, address_info: tuple[Any, ...]) -> socket.socket:
        """Create the socket of a connection. Raises PermissionError for a blocked address that was not allowed."""
        family, kind, protocol, _, (host, port, *_) = address_info
        address = ipaddress.ip_address(host)
        reason = blocked_reason(address)
        if reason is not None and (address, port) not in self._allowed_endpoints:
            raise PermissionError(f"{address} is {_with_article(reason)} address")
        return socket.socket(family, kind, protocol)

    async def close(self) -> None:
        """Close the wrapped resolver."""
        await self._resolver.close()
