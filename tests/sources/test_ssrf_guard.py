"""The SSRF guard: blocked addresses and allowed hosts."""

from __future__ import annotations

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from bot.sources import base, ssrf_guard
from storage import errors
from tests.support import origin_server

BLOCKED = {
    "loopback": "127.0.0.1 127.255.0.3 ::1 ::ffff:127.0.0.1 2002:7f00:1:: 64:ff9b::7f00:1",
    "private": "10.1.2.3 172.31.255.255 192.168.0.1 fd12:3456::1 ::ffff:10.0.0.1 64:ff9b::a00:1",
    "link-local": "169.254.1.1 fe80::1 fe80::1%eth0",
    "cloud metadata": "169.254.169.254 168.63.129.16 100.100.100.200 fd00:ec2::254 ::ffff:169.254.169.254 2002:a9fe:a9fe::1",
    "multicast": "224.0.0.251 ff02::1",
    "unspecified": "0.0.0.0 ::",
    "shared": "100.64.0.1",
}
OTHERS = (
    "255.255.255.255 240.0.0.1 192.0.2.7 198.18.0.1 203.0.113.5 2001:db8::1 ::7f00:1 fec0::1 64:ff9b:1::1 2001:0:7f00:1::"
    " 2600:1f00::5efe:10.0.0.1"
)
SPECIAL_PURPOSE = (
    "0.0.0.0/8 0.0.0.0/32 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.0.0/29"
    " 192.0.0.8/32 192.0.0.9/32 192.0.0.10/32 192.0.0.170/32 192.0.0.171/32 192.0.2.0/24 192.31.196.0/24 192.52.193.0/24"
    " 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 240.0.0.0/4"
    " 255.255.255.255/32 ::1/128 ::/128 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001::/23 2001::/32 2001:1::1/128"
    " 2001:1::2/128 2001:1::3/128 2001:2::/48 2001:3::/32 2001:4:112::/48 2001:10::/28 2001:20::/28 2001:30::/28"
    " 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20 5f00::/16 fc00::/7 fe80::/10"
)
"""IANA's registries of special-purpose addresses (iana-ipv4- and iana-ipv6-special-registry), without the prefixes of which
the embedded IPv4 address alone counts: ::ffff:0:0/96 and 64:ff9b::/96."""
PUBLIC = "1.1.1.1 151.101.0.133 2606:4700::6810:84e5 64:ff9b::101:101 ::ffff:1.1.1.1"


@pytest.mark.parametrize("reason", BLOCKED)
def test_a_blocked_address_has_its_class_as_reason(reason: str) -> None:
    reasons = {
        text: ssrf_guard.blocked_reason(ipaddress.ip_address(text)) for text in BLOCKED[reason].split()
    }
    assert reasons == dict.fromkeys(reasons, reason)


def test_of_other_addresses_the_public_ones_are_allowed() -> None:
    for address in map(ipaddress.ip_address, OTHERS.split()):
        assert ssrf_guard.blocked_reason(address) is not None, address
    for address in map(ipaddress.ip_address, PUBLIC.split()):
        assert ssrf_guard.blocked_reason(address) is None, address


def test_every_special_purpose_range_is_blocked_at_both_ends_in_every_python() -> None:
    allowed = [
        str(address)
        for network in map(ipaddress.ip_network, SPECIAL_PURPOSE.split())
        for address in (network[0], network[-1])
        if ssrf_guard.blocked_reason(address) is None
    ]
    assert allowed == []


@given(st.ip_addresses(v=4))
def test_an_ipv6_address_is_blocked_if_its_embedded_ipv4_address_is(inside: ipaddress.IPv4Address) -> None:
    carriers = [
        ipaddress.IPv6Address(f"::ffff:{inside}"),
        ipaddress.IPv6Address(f"64:ff9b::{inside}"),
        ipaddress.IPv6Address((0x2002 << 112) | (int(inside) << 80) | 1),
    ]
    if ssrf_guard.blocked_reason(inside) is not None:
        assert all(ssrf_guard.blocked_reason(carrier) is not None for carrier in carriers)


UNFETCHED = (
    "http://127.0.0.1/ http://127.1/ http://2130706433/ http://0x7f000001/ http://0x7f.0.0.1/ http://017700000001/"
    " http://0177.0.0.1/ http://127.0.0.1./ http://[::1]/ http://[::ffff:127.0.0.1]/ http://[::ffff:7f00:1]/ http://0/"
    " http://0.0.0.0/ http://\u2460\u2461\u2466.0.0.1/ http://example.0x/ ftp://example.org/ file:///etc/passwd"
    " gopher://example.org/ data:text/plain,hello //example.org/"
)


@pytest.mark.parametrize("url", UNFETCHED.split())
def test_a_url_with_a_blocked_address_is_refused_without_resolving(url: str) -> None:
    guard = ssrf_guard.SsrfGuard(origin_server.StubResolver({}))
    with pytest.raises(base.BlockedUrlError):
        guard.check_url(URL(url))


def test_a_host_name_is_checked_only_when_resolved() -> None:
    ssrf_guard.SsrfGuard(origin_server.StubResolver({})).check_url(URL("https://papers.example/2025"))


async def test_a_host_with_one_blocked_address_is_refused() -> None:
    guard = ssrf_guard.SsrfGuard(origin_server.StubResolver({"papers.test": [["1.1.1.1", "10.0.0.1"]]}))
    with pytest.raises(
        base.BlockedUrlError, match=r"papers\.test is at 10\.0\.0\.1, which is a private address"
    ):
        await guard.resolve("papers.test", 80)


async def test_an_allowed_port_does_not_allow_other_ports() -> None:
    resolver = origin_server.StubResolver({"papers.test": [["127.0.0.1"]]})
    guard = ssrf_guard.SsrfGuard(resolver, [ssrf_guard.parse_allowed_host("papers.test:8000")])
    assert [result["host"] for result in await guard.resolve("papers.test", 8000)] == ["127.0.0.1"]
    with pytest.raises(base.BlockedUrlError):
        await guard.resolve("papers.test", 8001)
    with pytest.raises(base.BlockedUrlError):
        guard.check_url(URL("http://127.0.0.1:8000/"))


async def test_a_socket_to_an_unchecked_private_address_is_refused() -> None:
    resolver = origin_server.StubResolver({"papers.test": [["127.0.0.1"]]})
    guard = ssrf_guard.SsrfGuard(resolver, [ssrf_guard.parse_allowed_host("papers.test")])
    address_info = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 8000))
    with pytest.raises(PermissionError):
        guard.open_socket(address_info)
    await guard.resolve("papers.test", 8000)
    guard.open_socket(address_info).close()


@pytest.mark.parametrize(
    ("text", "allowance"),
    [
        ("localhost", ("localhost", None)),
        (" Mirror.Example:8080 ", ("mirror.example", 8080)),
        ("127.0.0.1", ("127.0.0.1", None)),
        ("127.0.0.1:80", ("127.0.0.1", 80)),
        ("::1", ("::1", None)),
        ("[::1]", ("::1", None)),
        ("[0:0::1]:443", ("::1", 443)),
    ],
)
def test_an_allowed_host_is_parsed_with_or_without_port(text: str, allowance: ssrf_guard.AllowedHost) -> None:
    assert ssrf_guard.parse_allowed_host(text) == allowance


@pytest.mark.parametrize("text", ["", "http://host/", "host/path", "*", "*.example.org", "host:port", "a@b"])
def test_an_invalid_allowed_host_is_a_usage_error(text: str) -> None:
    with pytest.raises(errors.UsageError):
        ssrf_guard.parse_allowed_host(text)


def test_a_service_address_allows_its_host_and_port() -> None:
    assert ssrf_guard.allowed_host_of_url("https://mirror.example/hf") == ("mirror.example", 443)
    assert ssrf_guard.allowed_host_of_url("http://127.0.0.1:9000") == ("127.0.0.1", 9000)
    with pytest.raises(errors.UsageError):
        ssrf_guard.allowed_host_of_url("mirror.example")
