"""The SSRF guard: blocked addresses and allowed hosts."""

import ipaddress

import pytest
from yarl import URL

from bot.sources import base, ssrf_guard
from storage import errors
from tests.support import origin_server

pytestmark = pytest.mark.promise

BLOCKED = (
    "127.0.0.1 127.255.0.3 ::1 ::ffff:127.0.0.1 ::127.0.0.1 2002:7f00:1:: 64:ff9b::7f00:1 10.1.2.3 172.31.255.255 192.168.0.1"
    " 64:ff9b:1::a00:1 64:ff9b:1:a00:1:0:808:808"
    " fd12:3456::1 ::ffff:10.0.0.1 64:ff9b::a00:1 169.254.1.1 fe80::1 fe80::1%eth0 169.254.169.254 168.63.129.16"
    " 100.100.100.200 fd00:ec2::254 ::ffff:169.254.169.254 2002:a9fe:a9fe::1 224.0.0.251 ff02::1 0.0.0.0 :: 100.64.0.1"
    " 255.255.255.255 240.0.0.1 192.0.2.7 198.18.0.1 203.0.113.5 2001:db8::1 fec0::1"
    # Of these, versions of Python call some public and others not.
    " 192.0.0.1 192.0.0.192 ::ffff:192.0.0.192 64:ff9b::c000:c0 3fff::1 3fff:fff::1 5f00::1 100::1 100:0:0:1::1 4000::1 e000::1"
    " ::ffff:0:127.0.0.1 ::ffff:0:a9fe:a9fe ::ffff:0:808:808"
)
PUBLIC = "1.1.1.1 151.101.0.133 2606:4700::6810:84e5 64:ff9b::101:101 ::ffff:1.1.1.1"


def guard_of(names: dict[str, list[list[str]]], *allowed: str) -> ssrf_guard.SsrfGuard:
    hosts = map(ssrf_guard.parse_allowed_host, allowed)
    return ssrf_guard.SsrfGuard(origin_server.StubResolver(names), hosts)


def test_private_and_reserved_addresses_are_not_public() -> None:
    assert [text for text in BLOCKED.split() if ssrf_guard.is_public(ipaddress.ip_address(text))] == []
    assert [text for text in PUBLIC.split() if not ssrf_guard.is_public(ipaddress.ip_address(text))] == []


async def test_allowing_one_port_does_not_allow_other_ports() -> None:
    guard = guard_of({"papers.test": [["127.0.0.1"]]}, "papers.test:8000")
    assert [result["host"] for result in await guard.resolve("papers.test", 8000)] == ["127.0.0.1"]
    with pytest.raises(base.FetchError):
        await guard.resolve("papers.test", 8001)
    for url in ("http://127.0.0.1:8000/", "//papers.test/"):
        with pytest.raises(base.FetchError):
            guard.check_url(URL(url))


def test_parses_an_allowed_host_with_or_without_a_port() -> None:
    rows = [
        ("localhost", ("localhost", None)),
        (" Mirror.Example:8080 ", ("mirror.example", 8080)),
        ("127.0.0.1", ("127.0.0.1", None)),
        ("127.0.0.1:80", ("127.0.0.1", 80)),
        ("::1", ("::1", None)),
        ("[::1]", ("::1", None)),
        ("[0:0::1]:443", ("::1", 443)),
    ]
    assert [(text, ssrf_guard.parse_allowed_host(text)) for text, _ in rows] == rows


def test_invalid_allowed_host_raises_a_usage_error() -> None:
    for text in ("", "http://host/", "host/path", "*", "*.example.org", "host:port", "a@b"):
        with pytest.raises(errors.UsageError):
            ssrf_guard.parse_allowed_host(text)


def test_service_url_allows_its_host_and_port() -> None:
    assert ssrf_guard.allowed_host_of_url("https://mirror.example/hf") == ("mirror.example", 443)
    assert ssrf_guard.allowed_host_of_url("http://127.0.0.1:9000") == ("127.0.0.1", 9000)
    with pytest.raises(errors.UsageError):
        ssrf_guard.allowed_host_of_url("mirror.example")
