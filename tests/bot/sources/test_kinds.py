"""What kind of source an address is, and which addresses can be none."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest

from bot import errors
from bot.sources import kinds
from storage import models

SERVICES = kinds.Endpoints("http://127.0.0.1:9000/", "http://127.0.0.1:9001/api/query")
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
def test_an_address_tells_its_kind(address: str, kind: models.SourceKind) -> None:
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
def test_an_address_that_can_be_no_source_is_wrong_usage(address: str, kind: models.SourceKind) -> None:
    with pytest.raises(errors.UsageError):
        kinds.check_address(address, kind)


def test_addresses_that_can_be_sources_are_taken(tmp_path: Path) -> None:
    kinds.check_address(str(tmp_path), KIND.FOLDER)
    kinds.check_address(f"file://{tmp_path}", KIND.FOLDER)
    kinds.check_address("http://127.0.0.1:9000", KIND.HUGGINGFACE)
    kinds.check_address("https://h.test/{date:%Y}/{date:%m-%d}.md", KIND.URL)


@pytest.mark.parametrize(
    "options", [{"timezone": "Mars/Base"}, {"from": "25:00"}, {"corrected_days": 99}, {"corrected_days": "x"}]
)
def test_options_that_cannot_be_used_are_wrong_usage(options: dict[str, object]) -> None:
    with pytest.raises(errors.UsageError):
        kinds.parse_publishing_schedule(options, "UTC")


def test_options_that_can_be_used_are_taken() -> None:
    habits = kinds.parse_publishing_schedule(
        {"timezone": "Asia/Seoul", "from": "09:30", "corrected_days": "5"}, "UTC"
    )
    assert (str(habits.timezone), habits.from_time, habits.corrected_days) == ("Asia/Seoul", time(9, 30), 5)
    assert str(kinds.parse_publishing_schedule({}, "Europe/Berlin").timezone) == "Europe/Berlin"
