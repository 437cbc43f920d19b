"""Guessing the kind of a source from its address, and rejecting addresses that cannot be one."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.core import errors
from bot.sources import kinds
from storage import models

SERVICES = {
    models.SourceKind.HUGGINGFACE: "http://127.0.0.1:9000/",
    models.SourceKind.ARXIV: "http://127.0.0.1:9001/api/query",
}
KIND = models.SourceKind


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("https://h.test/papers/{date:%Y/%m/%d}.md", KIND.URL),
        ("https://h.test/latest.MD", KIND.URL),
        ("https://h.test/feed.xml", KIND.FEED),
        ("https://rss.arxiv.org/rss/cs.CL", KIND.FEED),
        ("https://huggingface.co", KIND.HUGGINGFACE),
        ("http://127.0.0.1:9000", KIND.HUGGINGFACE),
        ("https://huggingface.co/api/daily_papers", KIND.HUGGINGFACE),
        ("https://huggingface.co/papers", KIND.HUGGINGFACE),
        ("http://mirror.test/api/daily_papers?date={date:%Y-%m-%d}", KIND.HUGGINGFACE),
        ("http://127.0.0.1:9001/api/query", KIND.ARXIV),
        ("https://export.arxiv.org/api/query", KIND.ARXIV),
        ("/srv/papers", KIND.FOLDER),
        ("papers", KIND.FOLDER),
        ("file:///srv/papers", KIND.FOLDER),
    ],
)
def test_the_kind_is_guessed_from_the_address(address: str, kind: models.SourceKind) -> None:
    assert kinds.guess_kind(address, SERVICES) is kind


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("ftp://h.test/feed", KIND.FEED),
        ("https://", KIND.FEED),
        ("h.test/feed", KIND.FEED),
        ("javascript:alert(1)", KIND.URL),
        ("https://h.test/{date:%H}.md", KIND.URL),
        ("https://h.test/{date:%Y}.xml", KIND.FEED),
        ("https://h.test/" + "a" * 3000, KIND.FEED),
        ("https://h.test/\x00", KIND.FEED),
        ("https://h.test:99999/", KIND.FEED),
        ("/no/such/folder", KIND.FOLDER),
        ("https://h.test/", KIND.FOLDER),
    ],
)
def test_an_unusable_address_is_a_usage_error(address: str, kind: models.SourceKind) -> None:
    with pytest.raises(errors.UsageError):
        kinds.check(kind, address, {})


def test_usable_addresses_are_accepted(tmp_path: Path) -> None:
    kinds.check(KIND.FOLDER, str(tmp_path), {})
    kinds.check(KIND.FOLDER, f"file://{tmp_path}", {})
    kinds.check(KIND.HUGGINGFACE, "http://127.0.0.1:9000", {})
    kinds.check(KIND.URL, "https://h.test/{date:%Y}/{date:%m-%d}.md", {})


@pytest.mark.parametrize("kind", models.SourceKind)
def test_every_kind_has_exactly_one_record(kind: models.SourceKind) -> None:
    assert [record for record in kinds.RECORDS if record.kind is kind] == [kinds.get(kind)]


@pytest.mark.parametrize("kind", models.SourceKind)
def test_options_are_checked_for_every_kind(kind: models.SourceKind, tmp_path: Path) -> None:
    address = str(tmp_path) if kind is KIND.FOLDER else "https://h.test/feed"
    kinds.check(kind, address, {})
    with pytest.raises(errors.UsageError):
        kinds.check(kind, address, {"timezone": "Mars/Base"})


@pytest.mark.parametrize(
    ("kind", "address", "label"),
    [
        (KIND.FOLDER, "/srv/secret/papers/", "papers"),
        (KIND.FOLDER, "C:\\papers\\daily", "daily"),
        (KIND.FOLDER, "/", "/"),
        (KIND.URL, "https://me:pass@h.test/a/{date:%Y}.md?key=1#top", "h.test/a/{date:%Y}.md"),
        (KIND.FEED, "https://h.test/feed/", "h.test/feed"),
        (KIND.FEED, "https://[h.test/feed", "feed"),
    ],
)
def test_a_public_label_holds_no_secrets(kind: models.SourceKind, address: str, label: str) -> None:
    assert kinds.public_label(kind, address) == label
