"""What is remembered of places, and when a reading is worth remembering."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.services.polling import page_states
from storage import models

NOW = datetime(2025, 5, 6, 12, tzinfo=UTC)
PAGE = models.PageState("https://h.test/a.md", NOW, models.FetchStatus.OK, etag='"1"', hash="0" * 64)


def test_a_reading_that_says_nothing_new_is_remembered_once_a_day() -> None:
    before = page_states.PageStates({PAGE.location: PAGE})
    same = replace(PAGE, read_at=NOW + timedelta(hours=1), status=models.FetchStatus.UNCHANGED)
    assert page_states.changed_pages([same], before) == ()
    tomorrow = replace(same, read_at=NOW + timedelta(days=1))
    assert page_states.changed_pages([tomorrow], before) == (tomorrow,)


def test_whatever_else_is_said_is_remembered_at_once() -> None:
    before = page_states.PageStates({PAGE.location: PAGE})
    told = [
        replace(PAGE, etag='"2"'),
        replace(PAGE, hash="1" * 64),
        replace(PAGE, moved_to="https://h.test/b.md"),
        replace(PAGE, status=models.FetchStatus.GONE),
        replace(PAGE, location="https://h.test/other.md"),
    ]
    assert page_states.changed_pages(told, before) == tuple(told)


@given(st.text(max_size=900))
def test_every_place_is_found_again_under_the_name_that_stands_for_it(place: str) -> None:
    page = page_states.with_page_key(replace(PAGE, location=place))
    assert len(page.location) <= 600
    assert page_states.PageStates({page.location: page})[place] == page
