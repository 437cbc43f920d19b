"""What is remembered of places, and when a reading is worth remembering."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.services.polling import page_states
from storage import models

NOW = datetime(2025, 5, 6, 12, tzinfo=UTC)
PAGE = models.Page("https://h.test/a.md", NOW, models.FetchStatus.OK, etag='"1"', hash="0" * 64)


def test_a_reading_that_says_nothing_new_is_remembered_once_a_day() -> None:
    before = page_states.Memory({PAGE.place: PAGE})
    same = replace(PAGE, read_at=NOW + timedelta(hours=1), status=models.FetchStatus.UNCHANGED)
    assert page_states.news([same], before) == ()
    tomorrow = replace(same, read_at=NOW + timedelta(days=1))
    assert page_states.news([tomorrow], before) == (tomorrow,)


def test_whatever_else_is_said_is_remembered_at_once() -> None:
    before = page_states.Memory({PAGE.place: PAGE})
    told = [
        replace(PAGE, etag='"2"'),
        replace(PAGE, hash="1" * 64),
        replace(PAGE, moved_to="https://h.test/b.md"),
        replace(PAGE, status=models.FetchStatus.GONE),
        replace(PAGE, place="https://h.test/other.md"),
    ]
    assert page_states.news(told, before) == tuple(told)


@given(st.text(max_size=900))
def test_every_place_is_found_again_under_the_name_that_stands_for_it(place: str) -> None:
    page = page_states.bounded(replace(PAGE, place=place))
    assert len(page.place) <= 600
    assert page_states.Memory({page.place: page})[place] == page
