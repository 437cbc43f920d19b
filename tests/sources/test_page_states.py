"""Page states: keys of long locations, and which changes are stored."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.sources import poller
from storage import models

NOW = datetime(2025, 5, 6, 12, tzinfo=UTC)
PAGE = models.PageState("https://h.test/a.md", NOW, models.FetchStatus.OK, etag='"1"', hash="0" * 64)


def test_a_new_reading_time_alone_is_stored_once_a_day() -> None:
    before = poller.PageStates({PAGE.location: PAGE})
    same = replace(PAGE, read_at=NOW + timedelta(hours=1), status=models.FetchStatus.UNCHANGED)
    assert poller.changed_pages([same], before) == ()
    tomorrow = replace(same, read_at=NOW + timedelta(days=1))
    assert poller.changed_pages([tomorrow], before) == (tomorrow,)


def test_any_other_change_is_stored_at_once() -> None:
    before = poller.PageStates({PAGE.location: PAGE})
    changed = [
        replace(PAGE, etag='"2"'),
        replace(PAGE, hash="1" * 64),
        replace(PAGE, moved_to="https://h.test/b.md"),
        replace(PAGE, status=models.FetchStatus.GONE),
        replace(PAGE, location="https://h.test/other.md"),
    ]
    assert poller.changed_pages(changed, before) == tuple(changed)


@given(st.text(max_size=900))
def test_every_location_is_found_under_its_key(location: str) -> None:
    page = poller.with_page_key(replace(PAGE, location=location))
    assert len(page.location) <= 600
    assert poller.PageStates({page.location: page})[location] == page
